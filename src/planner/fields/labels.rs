//! Labels ↔ a custom field of the ticket. Labels are a set, merged one by one: what was added on either side is added on the
//! other, and one that both had and that goes from one side goes from the other. Only a label that was seen in this field of
//! this ticket, and that people may take off an incident, can be taken off it in Halo.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    domain::{
        catalogue::{Catalogue, Ref},
        decision::Decision,
        incident::Incident,
        operation::{Operation, OperationKind},
        pair::{Agreed, Base, KeptName},
        policy::{LabelMapping, Policy},
        reason::Reason,
        ticket::{CustomField, Ticket, TicketDraft},
    },
    planner::{conflict::carries_back, sent, situation::Situation},
};

use super::{Gather, mapped};

/// The labels that cross: all but Defender's mark of a merge. In the terms of the field, in which a comma, a semicolon and a
/// line's end separate labels: a label with one of them is several there.
pub fn of_incident(incident: &Incident) -> BTreeSet<String> {
    let names = incident.labels.iter().flat_map(|label| split(&label.name));
    names.filter(|name| !tells_of_a_merge(name)).collect()
}

/// Defender's mark of a merge. An agent's word is none.
fn tells_of_a_merge(name: &str) -> bool {
    name.eq_ignore_ascii_case("Redirected")
}

/// The field's id and the text for it.
///
/// # Errors
/// The field that Halo does not have.
pub fn value(
    policy: &Policy,
    catalogue: &Catalogue,
    labels: &BTreeSet<String>,
) -> Option<Result<(i64, Value), Reason>> {
    let mapping = policy.labels.as_ref()?;
    let text = labels.iter().cloned().collect::<Vec<_>>().join(", ");
    Some(field_id(catalogue, &mapping.field).map(|id| (id, Value::from(text))))
}

fn field_id(catalogue: &Catalogue, field: &Ref) -> Result<i64, Reason> {
    mapped::custom_id(catalogue, field)
}

/// How a reason and a decision call what stands in the field.
fn called(mapping: &LabelMapping) -> String {
    format!("value of {}", mapping.field)
}

/// The key of the field where it is called so.
pub(super) fn key(s: &Situation<'_>, what: &str) -> Option<String> {
    let mapping = s.policy.labels.as_ref().filter(|mapping| called(mapping) == what)?;
    field_id(s.catalogue, &mapping.field).ok().map(|id| id.to_string())
}

/// Notes what Halo made of the labels that its ticket was born with, where that is something else: what it makes of them is
/// no addition of an agent's.
pub fn born(base: &mut Base, policy: &Policy, catalogue: &Catalogue, draft: &TicketDraft, answer: &Ticket) {
    let Some(id) = policy.labels.as_ref().and_then(|mapping| field_id(catalogue, &mapping.field).ok()) else { return };
    let Some((_, sent)) = draft.custom_fields.iter().rev().find(|(known, _)| *known == id) else { return };
    let halo = answer.custom_field(id).map(|field| mapped::plain(&field.value));
    if halo.is_none() && !answer.tells_fields() {
        return;
    }
    let sentinel = mapped::plain(sent);
    if !split(&sentinel).is_subset(&split(halo.as_deref().unwrap_or_default())) {
        base.fields.insert(id.to_string(), Agreed { sentinel, halo });
    }
}

/// Whether a label stands in the ticket's field.
pub fn on_ticket(s: &Situation<'_>, name: &str) -> bool {
    let id = s.policy.labels.as_ref().and_then(|mapping| field_id(s.catalogue, &mapping.field).ok());
    let text = s.ticket.zip(id).and_then(|(ticket, id)| ticket.custom_field(id)?.text());
    has(&split(&text.unwrap_or_default()), name.trim())
}

fn has(set: &BTreeSet<String>, name: &str) -> bool {
    set.iter().any(|one| one.eq_ignore_ascii_case(name))
}

/// Of the labels that were sent last, those that Halo has not been seen to keep: nobody took them off.
fn unproven(base: &Base, key: &str) -> BTreeSet<String> {
    let Some(written) = base.fields.get(key) else { return BTreeSet::new() };
    let (sent, kept) = (split(&written.sentinel), split(written.halo.as_deref().unwrap_or_default()));
    // An answer that tells no fields counts as one that kept all.
    if sent.is_subset(&kept) { sent } else { sent.difference(&kept).cloned().collect() }
}

/// What writes of ours said of the field: the last one, as long as no reading has shown it, and one without an answer that
/// stands there.
fn written(s: &Situation<'_>, base: &Base, id: i64, there: &BTreeSet<String>) -> Vec<BTreeSet<String>> {
    let last = base.fields.get(&id.to_string()).map(|written| split(&written.sentinel));
    let text = |operation: &Operation| match &operation.kind {
        OperationKind::UpdateTicket { change } => {
            let (_, value) = change.custom_fields.iter().rev().find(|(known, _)| *known == id)?;
            Some(split(&mapped::plain(value)))
        }
        _ => None,
    };
    let unanswered = s.operations.iter().filter(|operation| sent::unanswered(operation, base)).filter_map(text);
    last.into_iter().chain(unanswered.filter(|text| text == there)).collect()
}

/// Whether a label that an agent took off the ticket is on its way off the incident, or was given up on that way.
fn on_its_way_off(s: &Situation<'_>, name: &str) -> bool {
    s.operations.iter().filter(|operation| operation.state.stands()).any(|operation| match &operation.kind {
        OperationKind::UpdateIncident { change } => {
            change.labels_removed.iter().any(|removed| removed.trim().eq_ignore_ascii_case(name))
        }
        _ => false,
    })
}

/// Labels that an agent took off the ticket: both had them, and here they are people's and whole (of one with a comma the field
/// holds parts).
fn taken_off(
    incident: &Incident,
    known: &BTreeSet<String>,
    field: &CustomField,
    there: &BTreeSet<String>,
) -> BTreeSet<String> {
    // Nothing told is no removal.
    if field.value.is_null() && field.text().is_none() {
        return BTreeSet::new();
    }
    let may_go = |name: &String| {
        let mut bearing = incident.labels.iter().filter(|label| has(&split(&label.name), name));
        !has(there, name) && bearing.all(|label| !label.assigned() && split(&label.name).len() == 1)
    };
    known.iter().filter(|name| may_go(name)).cloned().collect()
}

/// What Halo made of the labels that were sent last: some of them are not there.
struct Unkept {
    name: KeptName,
    sent: BTreeSet<String>,
    /// Names that it made of them.
    made: BTreeSet<String>,
    /// Whether that is what stands there.
    stands: bool,
}

/// As long as it stands there, or a name that Halo made does.
fn unkept(base: &Base, key: &str, field: Option<&CustomField>, there: &BTreeSet<String>) -> Option<Unkept> {
    let written = base.fields.get(key)?;
    let halo = written.halo.clone()?;
    let (sent, kept) = (split(&written.sentinel), split(&halo));
    let stands = kept == *there || field.is_some_and(|field| mapped::plain(&field.value) == halo);
    let made: BTreeSet<String> = kept.difference(&sent).cloned().collect();
    let lasts = !sent.is_subset(&kept) && (stands || !made.is_disjoint(there));
    lasts.then(|| Unkept { name: KeptName { sent: written.sentinel.clone(), kept: halo }, sent, made, stands })
}

/// It is open until something else stands there or is wanted, or a person leaves it. A closed matter asks nobody.
fn ask(g: &mut Gather<'_, '_>, what: String, key: String, name: KeptName) {
    let (sent, kept) = (name.sent.clone(), name.kept.clone());
    let left = Decision::LeaveName { what: what.clone(), sent: sent.clone(), kept: kept.clone() };
    if g.s.incident.closed() || g.s.pair.decisions.contains(&left) {
        return;
    }
    let kept = if kept.trim().is_empty() { "nothing".to_owned() } else { kept };
    g.out.item(Reason::HaloKept { what, sent, kept });
    g.base.kept_names.insert(key, name);
}

pub(super) fn plan(g: &mut Gather<'_, '_>) {
    let (s, ticket) = (g.s, g.ticket);
    let Some(mapping) = &s.policy.labels else { return };
    // A list row carries no custom fields: what stands there is not known.
    if ticket.custom_fields.is_empty() && !ticket.tells_fields() {
        return;
    }
    let id = match field_id(s.catalogue, &mapping.field) {
        Ok(id) => id,
        Err(reason) => return g.out.item(reason),
    };
    let (field, key) = (ticket.custom_field(id), id.to_string());
    if field.is_none() && !ticket.tells_fields() {
        return;
    }
    let here = of_incident(s.incident);
    let there: BTreeSet<String> = split(&field.and_then(CustomField::text).unwrap_or_default());
    let unkept = unkept(&g.base, &key, field, &there);
    let unproven = unproven(&g.base, &key);
    let back = mapping.rule.to_sentinel() && carries_back(s.workspace.mode);
    let written = written(s, &g.base, id, &there);
    // Off the incident when it was written, whoever labels it so again: what goes from the ticket first is on its way off.
    let left_out = |name: &str| back && written.iter().any(|sent| !has(sent, name)) && !on_its_way_off(s, name);
    if field.is_some_and(|field| !field.name.is_empty()) && unkept.is_none() {
        // A reading shows it: what was written has arrived, and what goes from there later was taken off by somebody.
        g.base.fields.remove(&key);
    }
    if let Some(known) = &mut g.base.labels {
        known.retain(|name| has(&there, name) || !has(&unproven, name) && !left_out(name));
    }
    let known: BTreeSet<String> = match &g.base.labels {
        Some(known) => known.iter().cloned().collect(),
        // Never agreed on: what stands on the ticket was put there by somebody.
        None => here.intersection(&there).cloned().collect(),
    };
    let place = Some((ticket.id, id));
    let one_way = mapping.rule.to_sentinel() && !back;
    let new = |name: &&String| {
        let made = unkept.as_ref().is_some_and(|unkept| unkept.made.contains(*name));
        !made && !has(&known, name) && !has(&here, name)
    };
    let own: BTreeSet<String> = there.iter().filter(new).cloned().collect();
    let added: Vec<String> = own.iter().filter(|name| back && !tells_of_a_merge(name)).cloned().collect();
    let mut gone = BTreeSet::new();
    if let Some(field) = field.filter(|_| mapping.rule.to_sentinel() && g.base.labels_in == place) {
        gone = taken_off(s.incident, &known, field, &there);
        gone.retain(|name| has(&here, name));
    }
    if one_way && (!gone.is_empty() || own.iter().any(|name| !tells_of_a_merge(name))) {
        g.one_way("labels");
    }
    if !added.is_empty() {
        g.change_incident("labels", "labels", |change| change.labels_added = added.clone());
    }
    if back && !gone.is_empty() {
        let names = s.incident.labels.iter().map(|label| &label.name).filter(|name| has(&gone, name.trim()));
        g.change_incident("labels", "labels", |change| change.labels_removed = names.cloned().collect());
    }
    let mut on_both = here.clone();
    if !mapping.rule.to_halo() {
        // What only the incident has does not cross.
        on_both.retain(|name| has(&there, name) || has(&gone, name));
    }
    if mapping.rule.to_halo() {
        let noted = if s.incident.closed() { None } else { g.base.kept_names.remove(&key) };
        // An agent's own additions stay on the ticket, whether they are carried or not.
        let stay = here.iter().filter(|name| !has(&gone, name));
        let wanted: BTreeSet<String> = stay.chain(&own).cloned().collect();
        if let Some(unkept) = unkept.filter(|unkept| wanted != there && unkept.stands && unkept.sent == wanted) {
            ask(g, called(mapping), key, unkept.name);
            on_both.retain(|name| has(&there, name) || has(&gone, name));
        } else if wanted != there {
            // Written before, and the ticket shows nothing of it: it is not written again and again.
            if field.is_none() && g.base.fields.get(&key).is_some_and(|written| split(&written.sentinel) == wanted) {
                if let Some(name) = noted.filter(|name| split(&name.sent) == wanted) {
                    ask(g, called(mapping), key, name);
                }
                return;
            }
            let text = wanted.into_iter().collect::<Vec<_>>().join(", ");
            g.change_ticket("labels", "labels", |change| change.custom_fields.push((id, Value::from(text))));
            return;
        }
    }
    // What was taken off in Sentinel and still stands on the ticket is no addition of an agent's, now or later.
    let off_here = there.iter().filter(|name| has(&known, name) && !has(&here, name)).cloned();
    let agreed: BTreeSet<String> = on_both.into_iter().chain(off_here).collect();
    // What an agent added is not among them until the incident has it.
    g.base.labels = Some(agreed.into_iter().collect());
    // What does not stand in another field, or on another ticket, nobody took off there.
    g.base.labels_in = place;
}

fn split(text: &str) -> BTreeSet<String> {
    text.split([',', ';', '\n']).map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}
