//! The policy's own mappings: any value of the incident, its alerts and entities → a field of the ticket.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    domain::{
        catalogue::{Catalogue, FieldDefinition, Named, Ref},
        decision::Decision,
        failure::Side,
        incident::{Evidence, Incident},
        pair::{Agreed, KeptName},
        policy::{FieldMapping, FieldTarget, Policy, field::MEMBERS},
        reason::Reason,
        text,
        ticket::Ticket,
        time,
    },
    planner::{
        agreed, closing,
        conflict::{self, Field, Moved, Outcome},
        notes::words,
        situation::Situation,
        template::{self, Roots},
    },
};

use super::{Gather, once};

/// Halo's own ways to say that a field has no date.
const NO_DATES: [&str; 3] = ["1900-01-01T00:00:00", "1899-12-30T00:00:00", "0001-01-01T00:00:00"];

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub enum Placed {
    /// In the custom field with this id.
    Custom(i64, Value),
    /// In a member of the ticket.
    Member(String, Value),
}

impl Placed {
    /// The key under which the pair keeps what was agreed.
    pub fn key(&self) -> String {
        match self {
            Self::Custom(id, _) => id.to_string(),
            Self::Member(name, _) => name.clone(),
        }
    }

    /// The value as it is compared.
    pub fn text(&self) -> String {
        match self {
            Self::Custom(_, value) | Self::Member(_, value) => plain(value),
        }
    }

    /// What stands on the ticket in the same place; `None` when the reading does not tell.
    pub fn there(&self, ticket: &Ticket) -> Option<String> {
        match self {
            Self::Custom(id, _) => match ticket.custom_field(*id) {
                Some(field) => Some(plain(&field.value)),
                None => ticket.tells_fields().then(String::new),
            },
            Self::Member(name, _) if name == agreed::TEAM => {
                let told = ticket.tells_team() || ticket.tells_fields();
                told.then(|| ticket.team.clone().unwrap_or_default())
            }
            Self::Member(name, _) if name == agreed::CATEGORY_MEMBER => {
                let told = ticket.tells_category() || ticket.tells_fields();
                told.then(|| ticket.category_1.clone().unwrap_or_default())
            }
            Self::Member(name, _) => ticket.raw.get(name).map(plain),
        }
    }
}

/// A JSON value as text: a select's option id may come as a number or as text.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The id of a custom field.
///
/// # Errors
/// The name that Halo does not have.
pub fn custom_id(catalogue: &Catalogue, field: &Ref) -> Result<i64, Reason> {
    let name = match field {
        Ref::Id(id) => id.to_string(),
        Ref::Name(name) => name.clone(),
    };
    match (catalogue.field(&name), field) {
        (Some(definition), _) => Ok(definition.id),
        (None, Ref::Id(id)) => Ok(*id),
        (None, Ref::Name(_)) => Err(Reason::Unmapped { table: "field".into(), value: name }),
    }
}

/// Whether the value of a mapping is not known: it lies in alerts or entities that were not read. It is not taken for empty.
pub fn unread(mapping: &FieldMapping, incident: &Incident, evidence: Option<&Evidence>) -> bool {
    evidence.is_none() && incident.alerts_count != 0 && mapping.source.reads_evidence()
}

/// Whether a custom field's value that is written once is empty only since no entity shows beside the alerts: it may come
/// later, and does not count as given until then.
pub(super) fn may_come(mapping: &FieldMapping, evidence: Option<&Evidence>, placed: &Placed) -> bool {
    let bare = evidence.is_some_and(|read| !read.alerts.is_empty() && read.entities.is_empty());
    let empty = matches!(placed, Placed::Custom(..)) && placed.text().is_empty();
    bare && empty && !mapping.rule.to_halo() && mapping.source.reads_entities()
}

/// The value of one mapping, in its place.
///
/// # Errors
/// The hole: a field that Halo lacks, a select without this option, a path that cannot be read.
pub fn place(
    catalogue: &Catalogue,
    incident: &Incident,
    evidence: Option<&Evidence>,
    mapping: &FieldMapping,
) -> Result<Placed, Reason> {
    let hole = |value: String| Reason::Unmapped { table: "field".into(), value };
    let roots = Roots { incident: &incident.raw, evidence };
    let filled = template::fill(roots, &mapping.source).map_err(|error| hole(error.to_string()))?;
    let name = mapping.field.to_string();
    match &mapping.field {
        FieldTarget::Custom(field) => {
            let id = custom_id(catalogue, field)?;
            let definition = catalogue.fields.iter().find(|known| known.id == id);
            let value = field_value(definition, &filled).ok_or_else(|| hole(format!("{name}: “{filled}”")))?;
            Ok(Placed::Custom(id, value))
        }
        FieldTarget::Member(member) => {
            let numeric = MEMBERS.iter().any(|(known, numeric)| known == member && *numeric);
            let plain = text::clean(&filled);
            let value = match (numeric, plain.trim().parse::<i64>()) {
                (false, _) => Value::from(plain),
                (true, Ok(number)) => Value::from(number),
                (true, Err(_)) => return Err(hole(format!("{name}: “{filled}” is no number"))),
            };
            Ok(Placed::Member(member.clone(), value))
        }
    }
}

/// A text as the field's kind wants it (halo-api sheet 5.7); `None` when a select has no such option, or the text is no yes
/// or no for a checkbox, no date for a date.
pub fn field_value(definition: Option<&FieldDefinition>, filled: &str) -> Option<Value> {
    let plain = text::clean(filled);
    match definition.map(|d| (d.kind, d)) {
        Some((2, d)) if !plain.is_empty() && !d.options.is_empty() => {
            option(&d.options, &plain).map(|option| Value::from(option.id))
        }
        Some((3, d)) if !plain.is_empty() && !d.options.is_empty() => choices(&d.options, &plain).map(Value::from),
        Some((4, _)) if !plain.trim().is_empty() && !is_date(&plain) => None,
        Some((6, _)) => truth(&plain).map(Value::from),
        _ => Some(Value::from(plain)),
    }
}

/// A select's option by its name or id. Where no name fits as it is, marks and blanks in it do not count: Microsoft writes
/// `InitialAccess`.
fn option<'a>(options: &'a [Named], text: &str) -> Option<&'a Named> {
    let text = text.trim();
    let bare = |text: &str| words::letters(text).to_lowercase();
    let fits = |o: &&Named| o.name.eq_ignore_ascii_case(text) || o.id.to_string() == text;
    options.iter().find(fits).or_else(|| {
        let wanted = bare(text);
        let mut alike = options.iter().filter(|o| !wanted.is_empty() && bare(&o.name) == wanted);
        alike.next().filter(|_| alike.next().is_none())
    })
}

/// Several options of a multi-select, named between commas, as their ids; `None` when one of them is none.
fn choices(options: &[Named], text: &str) -> Option<String> {
    let ids: BTreeSet<i64> = match option(options, text) {
        Some(one) => [one.id].into(),
        None => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            parts.map(|part| option(options, part).map(|option| option.id)).collect::<Option<_>>()?
        }
    };
    Some(ids.iter().map(i64::to_string).collect::<Vec<_>>().join(","))
}

fn is_date(text: &str) -> bool {
    time::parse(text).is_some() || text.trim().parse::<jiff::civil::Date>().is_ok()
}

/// A checkbox in words; empty is not ticked.
fn truth(text: &str) -> Option<bool> {
    match text.trim().to_lowercase().as_str() {
        "true" | "yes" | "1" | "on" => Some(true),
        "" | "false" | "no" | "0" | "off" => Some(false),
        _ => None,
    }
}

/// The ids in a list of them.
fn ids(text: &str) -> Option<BTreeSet<i64>> {
    text.split(',').map(|part| part.trim().parse().ok()).collect()
}

/// Whether what stands in a field can be what was sent. Halo tells a value in other forms than it takes it in, so that words
/// are not compared; what it does not take it drops without a word.
pub fn kept(sent: &Value, stands: &Value) -> bool {
    let (wanted, there) = (plain(sent), plain(stands));
    let there = there.trim();
    if wanted.trim().is_empty() {
        return true;
    }
    if let Value::Bool(wanted) = sent {
        return truth(there).is_none_or(|found| found == *wanted);
    }
    if there.is_empty() || NO_DATES.contains(&there) {
        return false;
    }
    let Some(wanted) = ids(&wanted) else { return true };
    // An option's id may come as 1.0, or beside its name.
    let bare = |part: &str| part.trim().strip_suffix(".0").unwrap_or(part.trim()).parse::<i64>().ok();
    let entries: Vec<String> = closing::entries(stands).into_iter().map(plain).collect();
    let found: BTreeSet<i64> = entries.iter().flat_map(|entry| entry.split(',')).filter_map(bare).collect();
    found.is_empty() || wanted.is_subset(&found)
}

/// Everything mapped, for a new ticket: the policy's fields and the incident's GUID. Holes go to `lacking`; what was not read
/// is left out.
pub fn for_creation(
    policy: &Policy,
    catalogue: &Catalogue,
    incident: &Incident,
    evidence: Option<&Evidence>,
    lacking: &mut Vec<Reason>,
) -> Vec<Placed> {
    let mut placed = Vec::new();
    let mut keep = |result: Result<Placed, Reason>| match result {
        Ok(value) => placed.push(value),
        Err(reason) => lacking.push(reason),
    };
    let told = |mapping: &&FieldMapping| mapping.rule.at_creation() && !unread(mapping, incident, evidence);
    for mapping in policy.fields.iter().filter(told) {
        match place(catalogue, incident, evidence, mapping) {
            // The draft has it already.
            Ok(_) if mapping.is_subject() => {}
            Ok(placed) if may_come(mapping, evidence, &placed) => {}
            result => keep(result),
        }
    }
    if let Some(field) = &policy.incident_id_field {
        keep(custom_id(catalogue, field).map(|id| Placed::Custom(id, Value::from(incident.id.as_str()))));
    }
    if policy.labels.as_ref().is_some_and(|labels| labels.rule.at_creation())
        && let Some(labels) = super::labels::value(policy, catalogue, &super::labels::of_incident(incident))
    {
        keep(labels.map(|(id, value)| Placed::Custom(id, value)));
    }
    placed
}

/// The incident's GUID, in a ticket that was not made from it: linked, adopted, pushed, or gone on with after a merge. What
/// an agent makes of it afterwards stays.
fn incident_id(g: &mut Gather<'_, '_>) {
    let (s, ticket) = (g.s, g.ticket);
    let Some(Ok(id)) = s.policy.incident_id_field.as_ref().map(|field| custom_id(s.catalogue, field)) else { return };
    // A list row carries no custom fields: what stands there is not known.
    if ticket.custom_fields.is_empty() && !ticket.tells_fields() || g.held.is_some() {
        return;
    }
    let here = s.incident.id.as_str();
    let placed = Placed::Custom(id, Value::from(here));
    let there = placed.there(ticket).unwrap_or_default();
    let written = g.base.fields.get(&placed.key()).is_some_and(|known| known.sentinel == here);
    if !written && !there.trim().eq_ignore_ascii_case(here) {
        g.change_ticket("mapped field", "incident id", |change| change.custom_fields.push((id, Value::from(here))));
    }
}

/// The kind of a field; a member's is told apart only where it matters.
fn kind(catalogue: &Catalogue, placed: &Placed) -> Option<i64> {
    match placed {
        Placed::Custom(id, _) => catalogue.fields.iter().find(|known| known.id == *id).map(|known| known.kind),
        Placed::Member(..) => Some(2),
    }
}

/// Whether anything stands in a field: Halo has several ways to say that nothing was chosen.
pub(super) fn stands(catalogue: &Catalogue, placed: &Placed, there: &str) -> bool {
    let there = there.trim();
    let nothing: &[&str] = match kind(catalogue, placed) {
        Some(2 | 3) => &["0", "-1"],
        Some(4) => &NO_DATES,
        Some(6) => &["false", "0"],
        _ => &[],
    };
    !there.is_empty() && !nothing.contains(&there)
}

/// Whether a value cannot be told as its field takes it, for Halo's list of fields or of the field's options was not read: an
/// option's id, or a yes or no, was agreed on, and a name would be written over it.
fn untold(catalogue: &Catalogue, placed: &Placed, known: Option<&Agreed>) -> bool {
    let Placed::Custom(id, _) = placed else { return false };
    let definition = catalogue.fields.iter().find(|known| known.id == *id);
    let unread = definition.is_none_or(|known| matches!(known.kind, 2 | 3) && known.options.is_empty());
    let coded = |text: &str| ids(text).is_some() || matches!(text, "true" | "false");
    let here = placed.text();
    unread && !here.is_empty() && !coded(&here) && known.is_some_and(|known| coded(&known.sentinel))
}

/// A value as people see it: a select's options by their names.
fn shown(catalogue: &Catalogue, placed: &Placed, value: &str) -> String {
    let definition = match placed {
        Placed::Custom(id, _) => catalogue.fields.iter().find(|known| known.id == *id),
        Placed::Member(..) => None,
    };
    let options = definition.map(|known| known.options.as_slice()).unwrap_or_default();
    let named = |id: i64| options.iter().find(|option| option.id == id).map(|option| option.name.clone());
    let names = ids(value).and_then(|ids| ids.into_iter().map(named).collect::<Option<Vec<_>>>());
    names.map_or_else(|| value.to_owned(), |names| names.join(", "))
}

/// The key of a mapping's place; `None` where Halo lacks the field, and of what goes by its name ([`super::kept`]).
fn key(catalogue: &Catalogue, mapping: &FieldMapping) -> Option<String> {
    match &mapping.field {
        FieldTarget::Custom(field) => custom_id(catalogue, field).ok().map(|id| id.to_string()),
        FieldTarget::Member(name) => (!agreed::BY_NAME.contains(&name.as_str())).then(|| name.clone()),
    }
}

/// How a reason and a decision call what stands in a mapped field.
fn called(mapping: &FieldMapping) -> String {
    format!("value of {}", mapping.field)
}

/// What was sent to a mapped field, or the labels', by what a reason calls it, and what Halo kept.
pub fn kept_of<'a>(s: &Situation<'a>, what: &str) -> Option<&'a KeptName> {
    let mapping = s.policy.fields.iter().find(|mapping| called(mapping) == what);
    let key = mapping.and_then(|mapping| key(s.catalogue, mapping)).or_else(|| super::labels::key(s, what))?;
    s.pair.base.kept_names.get(&key)
}

/// Halo did not keep what was sent to a mapped field: it is not written again. It is open until something else stands there,
/// something else is wanted, or a person leaves it. A closed matter asks nobody.
fn not_kept(g: &mut Gather<'_, '_>) {
    let (s, ticket) = (g.s, g.ticket);
    if s.incident.closed() {
        return;
    }
    for mapping in &s.policy.fields {
        let Some(key) = key(s.catalogue, mapping) else { continue };
        let Some(name) = g.base.kept_names.remove(&key) else { continue };
        let placed = place(s.catalogue, s.incident, s.evidence, mapping);
        let known = g.base.fields.get(&key);
        let same = |placed: &Placed| placed.text() == name.sent || untold(s.catalogue, placed, known);
        let wanted = unread(mapping, s.incident, s.evidence) || placed.as_ref().is_ok_and(same);
        // Not every reading tells it.
        let moved = placed.as_ref().ok().and_then(|placed| placed.there(ticket)).is_some_and(|now| now != name.kept);
        let what = called(mapping);
        let left = Decision::LeaveName { what: what.clone(), sent: name.sent.clone(), kept: name.kept.clone() };
        if moved || !wanted || s.pair.decisions.contains(&left) {
            continue;
        }
        let named = |value: &str| placed.as_ref().map_or_else(|_| value.to_owned(), |p| shown(s.catalogue, p, value));
        let nothing = name.kept.trim().is_empty();
        let kept = if nothing { "nothing".to_owned() } else { named(&name.kept) };
        g.out.item(Reason::HaloKept { what, sent: named(&name.sent), kept });
        g.base.kept_names.insert(key, name);
    }
}

/// What Halo made another value of as the ticket was born was given all the same, and is not sent once more, whatever becomes
/// of the open item; an earlier version did not note it.
fn given_at_birth(g: &mut Gather<'_, '_>) {
    let s = g.s;
    let told = |mapping: &&FieldMapping| {
        mapping.rule.to_halo() && !mapping.is_subject() && !unread(mapping, s.incident, s.evidence)
    };
    for mapping in s.policy.fields.iter().filter(told) {
        let Ok(placed) = place(s.catalogue, s.incident, s.evidence, mapping) else { continue };
        let (key, sentinel) = (placed.key(), placed.text());
        let Some(name) = g.base.kept_names.get(&key).filter(|name| name.sent == sentinel) else { continue };
        let halo = Some(name.kept.clone());
        g.base.fields.entry(key).or_insert(Agreed { sentinel, halo });
    }
}

pub(super) fn plan(g: &mut Gather<'_, '_>) {
    let (s, ticket) = (g.s, g.ticket);
    given_at_birth(g);
    not_kept(g);
    incident_id(g);
    once::plan(g);
    let told = |mapping: &&FieldMapping| {
        mapping.rule.to_halo() && !mapping.is_subject() && !unread(mapping, s.incident, s.evidence)
    };
    for mapping in s.policy.fields.iter().filter(told) {
        let placed = match place(s.catalogue, s.incident, s.evidence, mapping) {
            Ok(placed) => placed,
            Err(reason) => {
                g.out.item(reason);
                continue;
            }
        };
        // A list row carries no custom fields: what stands there is not known.
        let Some(there) = placed.there(ticket) else { continue };
        let (key, here) = (placed.key(), placed.text());
        let known = g.base.fields.get(&key).cloned();
        if untold(s.catalogue, &placed, known.as_ref()) {
            g.out.item(Reason::Unmapped { table: "field".into(), value: key });
            continue;
        }
        let name = mapping.field.to_string();
        // Options in another order are the same ones.
        let several = kind(s.catalogue, &placed) == Some(3);
        // What was agreed on by nobody and stands on a ticket that was not made from its incident may be an agent's.
        if known.is_some() || !stands(s.catalogue, &placed, &there) {
            g.base.joined.remove(&name);
        } else if g.base.linked {
            g.base.joined.insert(name.clone());
        }
        let field = Field {
            name: &name,
            rule: mapping.rule,
            fixed: Side::Sentinel,
            same: here == there || several && ids(&here).is_some_and(|here| ids(&there) == Some(here)),
            moved: Moved {
                // What was never agreed on is else the incident's to say: the mapping may be newer than the ticket.
                sentinel: known.as_ref().is_none_or(|known| known.sentinel != here),
                halo: known.as_ref().and_then(|known| known.halo.as_ref()).is_some_and(|known| *known != there),
            },
            sentinel: shown(s.catalogue, &placed, &here),
            halo: shown(s.catalogue, &placed, &there),
        };
        let agreed = Agreed { sentinel: here, halo: Some(there) };
        match conflict::decide(s, &mut g.base, &field) {
            Outcome::Still if known.as_ref().is_some_and(|known| known.halo.is_some()) => {}
            Outcome::Same | Outcome::Leave | Outcome::Still => {
                g.base.agree(&name);
                if known.as_ref() != Some(&agreed) {
                    g.base.fields.insert(key, agreed);
                }
            }
            Outcome::OneWay => g.one_way(&name),
            Outcome::Carry(_) => g.change_ticket("mapped field", &name, |change| match placed {
                Placed::Custom(id, value) => change.custom_fields.push((id, value)),
                Placed::Member(name, value) => change.members.push((name, value)),
            }),
            Outcome::Ask(reason) => g.out.item(reason),
        }
    }
}
