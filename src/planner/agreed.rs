//! What both sides agree on after one of our writes: the values that were written, as the other side took them.

use std::collections::BTreeMap;

use crate::domain::{
    catalogue::Catalogue,
    failure::Side,
    incident::{Incident, IncidentStatus, Owner},
    operation::IncidentChange,
    pair::{Agreed, Base, ClosingWords, Kept, KeptName, OwnClosing},
    policy::Policy,
    reason::Reason,
    ticket::{CustomField, Ticket, TicketChange, TicketDraft},
};

use super::{
    alerts, closing,
    fields::{labels, mapped, once, owner, severity, status, title},
    mapping,
    notes::words,
};

/// What [`Base::kept`] calls a ticket's priority.
pub const PRIORITY: &str = "priority";
/// What it calls a ticket's agent.
pub const AGENT: &str = "agent";
/// What it calls a ticket's type.
pub const TICKET_TYPE: &str = "ticket type";
/// What [`Base::kept_names`] calls a ticket's team, as its member is called.
pub const TEAM: &str = "team";
/// What it calls a ticket's category.
pub const CATEGORY: &str = "category";
/// The member that holds the category.
pub const CATEGORY_MEMBER: &str = "category_1";
/// Members that go by a name, which Halo may tell in other letters than it has.
pub const BY_NAME: [&str; 2] = [TEAM, CATEGORY_MEMBER];

/// Notes whether a ticket has the id that was sent to it.
fn note_kept(base: &mut Base, what: &str, sent: Option<i64>, kept: Option<i64>) {
    let Some(sent) = sent else { return };
    match kept.filter(|kept| *kept != sent) {
        Some(kept) => base.kept.insert(what.to_owned(), Kept { sent, kept }),
        None => base.kept.remove(what),
    };
}

/// Notes whether a ticket has the name that was sent to it, as far as the answer tells.
fn note_name(base: &mut Base, what: &str, sent: Option<&str>, kept: Option<&str>) {
    base.kept_names.remove(what);
    let (Some(sent), Some(kept)) = (sent, kept) else { return };
    if !same_name(sent, kept) {
        base.kept_names.insert(what.to_owned(), KeptName { sent: sent.to_owned(), kept: kept.to_owned() });
    }
}

/// Notes whether a mapped field, by its [key](mapped::Placed::key), has the value that was sent to it, as far as the answer
/// tells.
fn note_value(base: &mut Base, key: &str, sent: &serde_json::Value, stands: Option<&serde_json::Value>) {
    base.kept_names.remove(key);
    if let Some(stands) = stands.filter(|stands| !mapped::kept(sent, stands)) {
        let name = KeptName { sent: mapped::plain(sent), kept: mapped::plain(stands) };
        base.kept_names.insert(key.to_owned(), name);
    }
}

/// The same of all that a write gives the ticket.
fn note_values(
    base: &mut Base,
    custom_fields: &[(i64, serde_json::Value)],
    members: &[(String, serde_json::Value)],
    answer: &Ticket,
) {
    // Some instances show only the fields in which something stands.
    let nothing = serde_json::Value::Null;
    let unset = Some(&nothing).filter(|_| !answer.custom_fields.is_empty() && answer.tells_fields());
    for (id, sent) in custom_fields {
        note_value(base, &id.to_string(), sent, answer.custom_field(*id).map(|field| &field.value).or(unset));
    }
    for (name, sent) in members.iter().filter(|(name, _)| !BY_NAME.contains(&name.as_str())) {
        note_value(base, name, sent, answer.raw.get(name));
    }
}

/// Whether two names are one: Halo may tell a name in other spaces and letters than it has.
pub(super) fn same_name(one: &str, two: &str) -> bool {
    let bare = |text: &str| text.split_whitespace().collect::<String>().to_lowercase();
    bare(one) == bare(two)
}

/// The last text that a write gives this member.
fn member<'a>(members: &'a [(String, serde_json::Value)], name: &str) -> Option<&'a str> {
    members.iter().rev().find(|(known, _)| known == name).and_then(|(_, value)| value.as_str())
}

/// The status that an incident's ticket is drafted with: it is closed afterwards.
fn status_at_creation(incident: &Incident) -> IncidentStatus {
    if incident.closed() { IncidentStatus::New } else { incident.status.clone() }
}

/// The Sentinel half of the base as an incident stands when its ticket is drafted.
pub fn at_creation(incident: &Incident) -> Base {
    Base {
        severity: Some(incident.severity.clone()),
        incident_status: Some(status_at_creation(incident)),
        owner: incident.owner.key(),
        title: Some(incident.title.clone()),
        ..Base::default()
    }
}

/// Nothing was agreed on of what the draft has no row for: it follows as soon as it is mapped.
pub fn without_holes(
    base: &mut Base,
    policy: &Policy,
    catalogue: &Catalogue,
    draft: &TicketDraft,
    incident: &Incident,
) {
    // What a former draft had no row for, and this one has, was said to the ticket from its birth.
    let says = |drafted: Option<i64>, wanted: Result<i64, Reason>| drafted.is_some() && drafted == wanted.ok();
    if draft.priority_id.is_none() {
        base.severity = None;
    } else if base.severity.is_none()
        && says(draft.priority_id, mapping::priority(policy, catalogue, &incident.severity))
    {
        base.severity = Some(incident.severity.clone());
    }
    let status = status_at_creation(incident);
    if policy.status.to_halo() && draft.status_id.is_none() {
        base.incident_status = None;
    } else if base.incident_status.is_none() && says(draft.status_id, mapping::status(policy, catalogue, &status)) {
        base.incident_status = Some(status);
    }
    // What the ticket is given instead, by the policy's fallback or by Halo, is agreed on all the same. A row may have come or
    // gone since it was drafted.
    let agent = mapping::agent(policy, catalogue, &incident.owner);
    let instead = draft.agent_id.is_none() || draft.agent_id == mapping::fallback_agent(policy, catalogue);
    let hole = instead && (agent.is_none() || agent != draft.agent_id);
    if policy.owner.to_halo() && base.owner.is_some() && hole {
        base.unsettled.insert(owner::NAME.to_owned(), Side::Sentinel);
    } else if agent.is_some() && agent == draft.agent_id && base.owner == incident.owner.key() {
        base.agree_half(owner::NAME, Side::Sentinel);
    }
}

/// Whether an open status of the incident could not cross for want of a row: beside what an agent does by then it is no move.
pub fn status_has_not_crossed(base: &Base, policy: &Policy, catalogue: &Catalogue, incident: &Incident) -> bool {
    base.incident_status.is_none()
        && !base.joined.contains(status::NAME)
        && !incident.closed()
        && policy.status.to_sentinel()
        && mapping::status(policy, catalogue, &incident.status).is_err()
}

/// The Sentinel half of the base, from the incident just made.
pub fn with_incident(base: Base, incident: &Incident) -> Base {
    let Base { severity, incident_status, owner, title, .. } = at_creation(incident);
    Base { severity, incident_status, owner, title, ..base }
}

/// The Halo half of the base, from the ticket just made.
pub fn with_ticket(mut base: Base, ticket: &Ticket, closed: bool) -> Base {
    base.priority_id = ticket.priority_id;
    base.status_id = ticket.status_id;
    base.ticket_closed = closed;
    base.agent_id = ticket.agent_id;
    base.agree_half(owner::NAME, Side::Halo);
    base.summary = Some(ticket.summary.clone());
    base
}

/// Of a ticket made in the place of one that is gone or left: its draft may be older than what the former one's changes
/// came to meanwhile, so what the incident says is held against it once more. What was agreed on of the former one's mapped
/// fields says nothing of its own: its draft may have left some out.
pub fn of_successor(base: Base) -> Base {
    Base {
        severity: None,
        incident_status: None,
        linked: false,
        fields: BTreeMap::new(),
        emptied: None,
        labels_in: None,
        ..base
    }
}

/// The same for a ticket that was found after the answer to its making was lost. An agent may have had it in hand since:
/// what the draft said is agreed on, and what stands there now is a change. Where the draft left a value to Halo, Halo's
/// own choice counts as agreed, but for an agent on a matter that nobody owns.
pub fn with_settled(base: Base, draft: &TicketDraft, ticket: &Ticket) -> Base {
    let same_words = words::letters(&draft.summary) == words::letters(&ticket.summary);
    let agent_id = match draft.agent_id {
        None if base.owner.is_some() => ticket.agent_id,
        drafted => drafted,
    };
    let born = Ticket {
        priority_id: draft.priority_id.or(ticket.priority_id),
        status_id: draft.status_id.or(ticket.status_id),
        summary: if same_words { ticket.summary.clone() } else { draft.summary.clone() },
        agent_id,
        ..ticket.clone()
    };
    with_ticket(base, &born, false)
}

/// The same for a ticket whose making was answered. What a rule of Halo made of it beside what was sent (halo-api sheet
/// 7.3, no. 16) is a change of Halo's, as in a ticket that is found later. The subject counts as it stands, for whoever
/// writes it anew writes against the rule; and nobody took a ticket that was given to our own agent.
pub fn with_answer(base: Base, draft: &TicketDraft, ticket: &Ticket, own_agent: Option<i64>) -> Base {
    let (summary, agent_id) = (ticket.summary.clone(), ticket.agent_id);
    let own = draft.agent_id.is_none() && agent_id.is_some() && agent_id == own_agent;
    let mut base = with_settled(base, draft, ticket);
    base.summary = Some(summary);
    note_kept(&mut base, PRIORITY, draft.priority_id, ticket.priority_id);
    note_kept(&mut base, TICKET_TYPE, Some(draft.ticket_type_id), ticket.ticket_type_id);
    // A mapped member goes before the policy's own.
    let team = member(&draft.members, TEAM).or(draft.team.as_deref());
    note_name(&mut base, TEAM, team, ticket.team.as_deref());
    let category = member(&draft.members, CATEGORY_MEMBER).or(draft.category_1.as_deref());
    note_name(&mut base, CATEGORY, category, ticket.category_1.as_deref());
    note_values(&mut base, &draft.custom_fields, &draft.members, ticket);
    if own {
        base.agent_id = agent_id;
    }
    base
}

/// The same for a ticket that was found and that nobody remembers making (a restored backup): it was made from what the
/// incident said then, and either side may have moved since. What they say differently has been agreed on by nobody, so
/// it is asked about, as with records that people joined; a closure alone speaks for itself, unless words of a closing of
/// ours stand on either: then one of the two was opened again since.
pub fn with_found(
    base: Base,
    policy: &Policy,
    catalogue: &Catalogue,
    incident: &Incident,
    ticket: &Ticket,
    closed: bool,
) -> Base {
    let mut base = with_ticket(base, ticket, closed);
    base.alerts = base.alerts.map(|known| alerts::drafted(known, ticket));
    base.joined.extend([severity::NAME, title::NAME].map(str::to_owned));
    // An owner who is nobody in Halo differs from the ticket's agent by rule.
    let owner_tells = match mapping::agent(policy, catalogue, &incident.owner) {
        Some(_) => true,
        None => incident.owner.is_none() && mapping::fallback_agent(policy, catalogue).is_none(),
    };
    if owner_tells {
        base.joined.insert(owner::NAME.to_owned());
    }
    if incident.closed() == closed || closing::told_by_us(incident, ticket) {
        base.joined.insert(status::NAME.to_owned());
    } else if closed {
        // The incident has not heard of it.
        (base.status_id, base.ticket_closed) = (None, false);
    }
    base
}

/// What is noted of a ticket that was just made beside what both sides agree on. `settled`: it was found by looking.
pub fn note_birth(
    base: &mut Base,
    policy: &Policy,
    catalogue: &Catalogue,
    draft: &TicketDraft,
    ticket: &Ticket,
    settled: bool,
) {
    once::left_out(base, policy, catalogue, draft);
    if !settled {
        once::born(base, policy, catalogue, draft);
        return labels::born(base, policy, catalogue, draft, ticket);
    }
    // Whoever has it by then, and was given it neither by its draft nor by the policy, took it: an owner who is nobody in Halo
    // is not given it once they are mapped.
    let agent = ticket.agent_id.filter(|agent| *agent > owner::UNASSIGNED);
    let given = [draft.agent_id, mapping::fallback_agent(policy, catalogue), catalogue.own_agent_id];
    if agent.is_some() && !given.contains(&agent) {
        base.agree_half(owner::NAME, Side::Sentinel);
    }
}

/// After a change of the ticket: `incident` as it was planned from, `answer` the ticket as it stands now.
pub fn after_ticket(mut base: Base, incident: &Incident, change: &TicketChange, answer: &Ticket, closed: bool) -> Base {
    if change.status_id.is_some() {
        base.incident_status = Some(incident.status.clone());
        base.status_id = answer.status_id;
        base.ticket_closed = closed;
        base.agree(status::NAME);
        base.unsaid = unsaid(incident, change, answer, closed);
        base.own_closing = own_closing(change, answer).or(base.own_closing);
    }
    if change.priority_id.is_some() {
        // As it was planned: of a ticket that several incidents share, the highest of theirs.
        let planned = base.moves.get(severity::NAME).and_then(|moves| moves.sentinel.as_ref());
        let severity = planned.map_or_else(|| incident.severity.clone(), |planned| planned.value.clone().into());
        base.severity = Some(severity);
        base.priority_id = answer.priority_id;
        base.agree(severity::NAME);
        note_kept(&mut base, PRIORITY, change.priority_id, answer.priority_id);
    }
    if change.agent_id.is_some() {
        base.owner = incident.owner.key();
        base.agent_id = answer.agent_id;
        base.agree(owner::NAME);
        note_kept(&mut base, AGENT, change.agent_id, answer.agent_id);
    }
    if change.summary.is_some() {
        base.title = Some(incident.title.clone());
        base.summary = Some(answer.summary.clone());
        base.agree(title::NAME);
    }
    // Of a ticket that is read later an agent may have made something else.
    note_values(&mut base, &change.custom_fields, &change.members, answer);
    with_fields(base, change, answer)
}

/// Closing words that a ticket did not take: an instance may take no closing note through its API, without a word
/// (halo-api sheet 3.8, not proven).
pub(super) fn unsaid(
    incident: &Incident,
    change: &TicketChange,
    answer: &Ticket,
    closed: bool,
) -> Option<ClosingWords> {
    let taken = answer.closure_note.as_deref().is_some_and(|note| !note.trim().is_empty());
    let words = change.closure_note.clone().filter(|_| closed && !taken)?;
    Some(ClosingWords { words, at: incident.modified })
}

/// What a closing of ours writes beside the status.
pub(super) fn own_closing(change: &TicketChange, answer: &Ticket) -> Option<OwnClosing> {
    let note = change.closure_note.clone()?;
    let fields = change.custom_fields.iter().map(|(id, value)| (id.to_string(), mapped::plain(value))).collect();
    Some(OwnClosing { note, fields, at: answer.last_update, emptied: false })
}

/// The mapped fields that were written.
pub(super) fn with_fields(mut base: Base, change: &TicketChange, answer: &Ticket) -> Base {
    if let Some(own) = base.own_closing.as_mut() {
        // Once: an instance that keeps the value all the same is not asked again and again.
        let emptied = |(id, value): &(i64, serde_json::Value)| {
            own.fields.contains_key(&id.to_string()) && mapped::plain(value).is_empty()
        };
        own.emptied |= change.custom_fields.iter().any(emptied);
    }
    for (id, value) in &change.custom_fields {
        let sentinel = mapped::plain(value);
        let halo = answer.custom_field(*id).map(|field| mapped::plain(&field.value));
        // An answer that tells the others and not this one has not shown it set.
        let sent = || (!answer.tells_fields() || sentinel.is_empty()).then(|| sentinel.clone());
        base.fields.insert(id.to_string(), Agreed { halo: halo.or_else(sent), sentinel });
    }
    for (what, name, kept) in [(TEAM, TEAM, &answer.team), (CATEGORY, CATEGORY_MEMBER, &answer.category_1)] {
        if let Some(sent) = member(&change.members, name) {
            note_name(&mut base, what, Some(sent), kept.as_deref());
        }
    }
    for (name, value) in &change.members {
        let sentinel = mapped::plain(value);
        let halo = mapped::Placed::Member(name.clone(), value.clone()).there(answer);
        base.fields.insert(name.clone(), Agreed { halo: halo.or_else(|| Some(sentinel.clone())), sentinel });
    }
    base
}

/// After a change of the incident: `ticket` as it was planned from, `answer` the incident as it stands now.
pub fn after_incident(mut base: Base, ticket: &Ticket, change: &IncidentChange, answer: &Incident) -> Base {
    if change.status.is_some() {
        base.incident_status = Some(answer.status.clone());
        base.status_id = ticket.status_id;
        base.ticket_closed = answer.status == IncidentStatus::Closed;
        base.agree(status::NAME);
    }
    if change.owner.is_some() {
        base.owner = answer.owner.key();
        base.agent_id = ticket.agent_id;
        base.agree(owner::NAME);
    }
    if change.severity.is_some() {
        base.severity = Some(answer.severity.clone());
        base.priority_id = ticket.priority_id;
        base.agree(severity::NAME);
    }
    if change.title.is_some() {
        base.title = Some(answer.title.clone());
        base.summary = Some(ticket.summary.clone());
        base.agree(title::NAME);
    }
    with_labels(base, change, answer)
}

/// The labels that both have once the ticket's are added to the incident, or taken off it as they were off the ticket: whoever
/// takes one off after that, or labels the incident with it again, does so anew.
pub(super) fn with_labels(mut base: Base, change: &IncidentChange, incident: &Incident) -> Base {
    let Some(known) = &mut base.labels else { return base };
    let among = |names: &[String], name: &String| names.iter().any(|one| one.eq_ignore_ascii_case(name));
    known.retain(|name| incident.bears(name) || !among(&change.labels_removed, name));
    let stands = |name: &&String| incident.bears(name) && !among(known.as_slice(), name);
    let added: Vec<String> = change.labels_added.iter().filter(stands).cloned().collect();
    known.extend(added);
    known.sort();
    base
}

/// What an answer tells of a value that was written.
#[derive(PartialEq, Eq)]
enum Told {
    Nothing,
    Arrived,
    StillOld,
}

fn told<T: PartialEq>(wanted: Option<&T>, before: &T, after: &T) -> Told {
    match wanted {
        Some(wanted) if before != wanted && after == wanted => Told::Arrived,
        Some(wanted) if before != wanted && after == before => Told::StillOld,
        _ => Told::Nothing,
    }
}

/// Whether an incident that was written to has what was written. Its values say so: a service may keep an etag over a
/// write. Only where none of them has moved (they had been so before, or cannot be compared) does a new etag.
pub fn taken(before: &Incident, change: &IncidentChange, after: &Incident) -> bool {
    let values = [
        told(change.status.as_ref(), &before.status, &after.status),
        told(change.severity.as_ref(), &before.severity, &after.severity),
        told(change.title.as_ref(), &before.title, &after.title),
    ];
    if values.contains(&Told::StillOld) {
        return false;
    }
    // The service may tell these in other words than they were written in: that they are not found proves nothing.
    let found = |incident: &Incident| {
        let label = |wanted: &String| incident.labels.iter().any(|label| label.name == *wanted);
        let verdict = incident.verdict().map(|verdict| verdict.classification);
        [
            change.owner.as_ref().is_some_and(|wanted| same(&incident.owner, wanted)),
            change.verdict.as_ref().is_some_and(|wanted| verdict.as_ref() == Some(&wanted.classification)),
            !change.labels_added.is_empty() && change.labels_added.iter().all(label),
            !change.labels_removed.is_empty() && !change.labels_removed.iter().any(|name| incident.bears(name)),
        ]
    };
    let arrived =
        values.contains(&Told::Arrived) || found(before).iter().zip(found(after)).any(|(had, has)| has && !had);
    arrived || after.etag.is_none() || after.etag != before.etag
}

/// Whether two owners are one: nobody, or one identity in common.
pub(super) fn same(one: &Owner, two: &Owner) -> bool {
    let equal = |one: &Option<String>, two: &Option<String>| {
        one.as_deref().zip(two.as_deref()).is_some_and(|(one, two)| one.eq_ignore_ascii_case(two))
    };
    (one.is_none() && two.is_none())
        || equal(&one.object_id, &two.object_id)
        || equal(&one.user_principal_name, &two.user_principal_name)
        || equal(&one.email, &two.email)
}

/// An answer without custom fields says nothing of those just written: they stand as they were sent.
pub fn with_sent_fields(mut answer: Ticket, known: Option<&Ticket>, change: &TicketChange) -> Ticket {
    if change.custom_fields.is_empty() || !answer.custom_fields.is_empty() {
        return answer;
    }
    let mut fields: Vec<CustomField> = known.map(|ticket| ticket.custom_fields.clone()).unwrap_or_default();
    for (id, value) in &change.custom_fields {
        match fields.iter_mut().find(|field| field.id == *id) {
            Some(field) => {
                field.value = value.clone();
                field.display = None;
                // No reading has shown it so.
                field.name.clear();
            }
            None => fields.push(CustomField { id: *id, name: String::new(), value: value.clone(), display: None }),
        }
    }
    answer.custom_fields = fields;
    answer.fields_told = known.is_some_and(Ticket::tells_fields);
    answer
}
