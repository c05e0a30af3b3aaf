//! Labels ↔ a custom field of the ticket. Labels are a set: what was added on either side is kept; what was removed
//! in Sentinel goes from the ticket, what was removed in Halo comes back (labels are never taken from an incident).

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    domain::{
        catalogue::{Catalogue, Ref},
        incident::Incident,
        policy::Policy,
        reason::Reason,
        ticket::CustomField,
    },
    planner::conflict::carries_back,
};

use super::{Gather, mapped};

/// The labels that cross: all but Defender's mark of a merge. In the terms of the field, in which a comma, a semicolon and a
/// line's end separate labels: a label with one of them is several there.
pub fn of_incident(incident: &Incident) -> BTreeSet<String> {
    let names = incident.labels.iter().flat_map(|label| split(&label.name));
    names.filter(|name| !name.eq_ignore_ascii_case("Redirected")).collect()
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
    if field.is_some_and(|field| !field.name.is_empty()) {
        // A reading shows it: what was written has arrived, and what goes from there later was taken off by somebody.
        g.base.fields.remove(&key);
    }
    let here = of_incident(s.incident);
    let there: BTreeSet<String> = split(&field.and_then(CustomField::text).unwrap_or_default());
    let known: BTreeSet<String> = match &g.base.labels {
        Some(known) => known.iter().cloned().collect(),
        // Never agreed on: what stands on the ticket was put there by somebody.
        None => here.intersection(&there).cloned().collect(),
    };
    let back = mapping.rule.to_sentinel() && carries_back(s.workspace.mode);
    let one_way = mapping.rule.to_sentinel() && !back;
    let has = |set: &BTreeSet<String>, name: &str| set.iter().any(|one| one.eq_ignore_ascii_case(name));
    let added: Vec<String> =
        there.iter().filter(|name| back && !has(&known, name) && !has(&here, name)).cloned().collect();
    if one_way && there.iter().any(|name| !has(&known, name) && !has(&here, name)) {
        g.one_way("labels");
    }
    if !added.is_empty() {
        g.change_incident("labels", "labels", |change| change.labels_added = added.clone());
    }
    if mapping.rule.to_halo() {
        // An agent's own additions stay on the ticket, whether they are carried or not.
        let own = there.iter().filter(|name| !has(&known, name) && !has(&here, name)).cloned();
        let wanted: BTreeSet<String> = here.iter().cloned().chain(own).collect();
        if wanted != there {
            let text = wanted.into_iter().collect::<Vec<_>>().join(", ");
            // Written before, and the ticket shows nothing of it: it is not written again and again.
            if field.is_none() && g.base.fields.get(&key).is_some_and(|written| written.sentinel == text) {
                return;
            }
            g.change_ticket("labels", "labels", |change| change.custom_fields.push((id, Value::from(text))));
            return;
        }
    }
    // What was taken off in Sentinel and still stands on the ticket is no addition of an agent's, now or later.
    let taken_off = there.iter().filter(|name| has(&known, name) && !has(&here, name)).cloned();
    let agreed: BTreeSet<String> = here.iter().cloned().chain(taken_off).collect();
    let agreed: Vec<String> = agreed.into_iter().collect();
    if added.is_empty() && g.base.labels.as_ref() != Some(&agreed) {
        g.base.labels = Some(agreed);
    }
}

fn split(text: &str) -> BTreeSet<String> {
    text.split([',', ';', '\n']).map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}
