//! Looking values up in the policy's tables and Halo's look-ups.

use crate::domain::{
    catalogue::{Agent, Catalogue, Ref},
    incident::{IncidentStatus, Owner, Severity},
    policy::Policy,
    reason::Reason,
    ticket::{OutcomeRef, Ticket},
};

fn unmapped(table: &str, value: impl Into<String>) -> Reason {
    Reason::Unmapped { table: table.into(), value: value.into() }
}

/// What a reference comes to that means no row: the ids to choose from, or nothing at all.
fn unmet(table: &str, wanted: &Ref, ids: Vec<i64>, value: impl Into<String>) -> Reason {
    match wanted {
        Ref::Name(name) if !ids.is_empty() => Reason::Ambiguous { table: table.into(), name: name.clone(), ids },
        _ => unmapped(table, value),
    }
}

/// The ticket type's id.
///
/// # Errors
/// The name that Halo doesn't know, or that several have.
pub fn ticket_type(policy: &Policy, catalogue: &Catalogue) -> Result<i64, Reason> {
    let wanted = &policy.ticket_type;
    match (catalogue.ticket_type(wanted), wanted) {
        (Some(found), _) => Ok(found.id),
        // An id is believed while the look-up could not be read, or not as a whole.
        (None, Ref::Id(id)) if catalogue.ticket_types.is_empty() || catalogue.is_partial("ticket type") => Ok(*id),
        _ => {
            let ids = wanted.several(&catalogue.ticket_types, |t| t.id, |t| &t.name);
            Err(unmet("ticket type", wanted, ids, wanted.to_string()))
        }
    }
}

/// `priorityid` for a severity, valid in the ticket type's SLA where that is known.
///
/// # Errors
/// The severity has no row, or its priority is none of Halo's, or several of one SLA.
pub fn priority(policy: &Policy, catalogue: &Catalogue, severity: &Severity) -> Result<i64, Reason> {
    let wanted = policy.priorities.get(severity.as_str()).ok_or_else(|| unmapped("priority", severity.as_str()))?;
    let sla = catalogue.ticket_type(&policy.ticket_type).and_then(|found| found.default_sla);
    let rows = catalogue.priorities_in(sla);
    let alike = catalogue.priorities_alike(wanted, sla);
    match (wanted.find(&rows, |p| p.id, |p| &p.name), wanted) {
        _ if !alike.is_empty() => Err(unmet("priority", wanted, alike, severity.as_str())),
        (Some(found), _) => Ok(found.id),
        (None, Ref::Id(id)) if catalogue.priorities.is_empty() || catalogue.is_partial("priority") => Ok(*id),
        _ => Err(unmapped("priority", format!("{severity} → {wanted}"))),
    }
}

/// Severities whose priority is this one: a priority that already means the incident's severity is never rewritten.
pub fn severities_of(policy: &Policy, catalogue: &Catalogue, priority_id: i64) -> Vec<Severity> {
    policy
        .priorities
        .keys()
        .map(|name| Severity::from(name.clone()))
        .filter(|severity| priority(policy, catalogue, severity) == Ok(priority_id))
        .collect()
}

/// The severity for a priority, on the way back: an explicit row, else the severities that have it; of several the
/// most severe.
///
/// # Errors
/// A priority that no row maps.
pub fn severity_back(policy: &Policy, catalogue: &Catalogue, priority_id: i64) -> Result<Severity, Reason> {
    let is = |wanted: &Ref| match wanted {
        Ref::Id(id) => *id == priority_id,
        Ref::Name(name) => priority_of_type(policy, catalogue, priority_id).eq_ignore_ascii_case(name.trim()),
    };
    if let Some((_, severity)) = policy.priorities_back.iter().find(|(wanted, _)| is(wanted)) {
        return Ok(Severity::from(severity.clone()));
    }
    // `Severity` is ordered from the most severe on.
    let meant = severities_of(policy, catalogue, priority_id).into_iter().min();
    meant.ok_or_else(|| unmapped("severity", priority_of_type(policy, catalogue, priority_id)))
}

/// Name of a priority, else its id, whatever SLA has it.
fn priority_name(catalogue: &Catalogue, id: i64) -> String {
    catalogue.priorities.iter().find(|row| row.id == id).map_or_else(|| id.to_string(), |row| row.name.clone())
}

/// Name of a priority as the SLA of the policy's ticket type has it: another SLA may have another name for its id.
pub fn priority_of_type(policy: &Policy, catalogue: &Catalogue, id: i64) -> String {
    let sla = catalogue.ticket_type(&policy.ticket_type).and_then(|found| found.default_sla);
    let own = catalogue.priorities_in(sla).into_iter().find(|row| row.id == id);
    own.map_or_else(|| priority_name(catalogue, id), |row| row.name.clone())
}

/// Name of a ticket status, else its id.
pub fn status_name(catalogue: &Catalogue, id: i64) -> String {
    catalogue.statuses.iter().find(|row| row.id == id).map_or_else(|| id.to_string(), |row| row.name.clone())
}

/// Name of an agent, else its id.
pub fn agent_name(catalogue: &Catalogue, id: i64) -> String {
    catalogue.agents.iter().find(|row| row.id == id).map_or_else(|| id.to_string(), |row| row.name.clone())
}

fn status_ref(catalogue: &Catalogue, wanted: &Ref) -> Option<i64> {
    match (wanted.only(&catalogue.statuses, |s| s.id, |s| &s.name), wanted) {
        (Some(found), _) => Some(found.id),
        (None, Ref::Id(id)) if catalogue.statuses.is_empty() || catalogue.is_partial("status") => Some(*id),
        _ => None,
    }
}

/// Whether a reference means the status that a ticket has: of several with its name each.
fn is_status(catalogue: &Catalogue, wanted: &Ref, status_id: i64) -> bool {
    status_ref(catalogue, wanted) == Some(status_id)
        || catalogue.statuses.iter().any(|row| row.id == status_id && wanted.means(row.id, &row.name))
}

/// Ticket status for an incident status.
///
/// # Errors
/// The status has no row, or its ticket status is none of Halo's, or several.
pub fn status(policy: &Policy, catalogue: &Catalogue, status: &IncidentStatus) -> Result<i64, Reason> {
    let wanted = policy.statuses.get(status.as_str()).ok_or_else(|| unmapped("status", status.as_str()))?;
    status_ref(catalogue, wanted).ok_or_else(|| {
        let ids = wanted.several(&catalogue.statuses, |row| row.id, |row| &row.name);
        unmet("status", wanted, ids, format!("{status} → {wanted}"))
    })
}

/// Whether the ticket counts as closed: Halo's flag, or one of the policy's or Halo's closed statuses.
pub fn ticket_closed(policy: &Policy, catalogue: &Catalogue, ticket: &Ticket) -> bool {
    let Some(status_id) = ticket.status_id else { return ticket.closed };
    if catalogue.closed_statuses.contains(&status_id) {
        return true;
    }
    if ticket.closed {
        // Some instances keep the flag once a ticket has been closed: a status that Halo does not count among the
        // closed ones (where it tells which those are), and that the policy maps to an open one, says that it is open again.
        return !mapped_open(policy, catalogue, status_id);
    }
    closes(policy, catalogue, status_id)
}

/// Whether a ticket status counts as closed, in Halo or by the policy.
pub fn closes(policy: &Policy, catalogue: &Catalogue, status_id: i64) -> bool {
    let mapped = policy.statuses.get(IncidentStatus::Closed.as_str());
    catalogue.closed_statuses.contains(&status_id)
        || policy.closed_statuses.iter().chain(mapped).any(|wanted| is_status(catalogue, wanted, status_id))
}

/// Whether the policy says of this ticket status that the incident is open.
fn mapped_open(policy: &Policy, catalogue: &Catalogue, status_id: i64) -> bool {
    let forth = policy.statuses.iter().filter(|(name, _)| name.as_str() != "Closed").map(|(_, wanted)| wanted);
    let back =
        policy.statuses_back.iter().filter(|(_, meaning)| meaning.as_str() != "Closed").map(|(wanted, _)| wanted);
    forth.chain(back).any(|wanted| is_status(catalogue, wanted, status_id))
}

/// What the policy's way back says of a ticket status, if it has a row for it.
pub fn status_back_said(policy: &Policy, catalogue: &Catalogue, status_id: i64) -> Option<IncidentStatus> {
    let row = policy.statuses_back.iter().find(|(wanted, _)| is_status(catalogue, wanted, status_id));
    row.map(|(_, meaning)| IncidentStatus::from(meaning.clone()))
}

/// What the ticket's status means for the incident.
///
/// # Errors
/// An open ticket status that no row maps.
pub fn status_back(policy: &Policy, catalogue: &Catalogue, ticket: &Ticket) -> Result<IncidentStatus, Reason> {
    if ticket_closed(policy, catalogue, ticket) {
        return Ok(IncidentStatus::Closed);
    }
    let Some(id) = ticket.status_id else { return Err(unmapped("status", "no status")) };
    if let Some(said) = status_back_said(policy, catalogue, id) {
        return Ok(said);
    }
    // `Active` before `New`: where both share one ticket status the livelier meaning is the safe one.
    for name in ["Active", "New"] {
        if policy.statuses.get(name).is_some_and(|wanted| is_status(catalogue, wanted, id)) {
            return Ok(IncidentStatus::from(name.to_owned()));
        }
    }
    Err(unmapped("status", status_name(catalogue, id)))
}

/// Incident statuses that a ticket status may stand for (many-to-one maps).
pub fn status_means(policy: &Policy, catalogue: &Catalogue, ticket: &Ticket, wanted: &IncidentStatus) -> bool {
    if ticket_closed(policy, catalogue, ticket) {
        return *wanted == IncidentStatus::Closed;
    }
    let named = || ticket.status_id.zip(policy.statuses.get(wanted.as_str()));
    *wanted != IncidentStatus::Closed
        && (status_back(policy, catalogue, ticket).as_ref() == Ok(wanted)
            || status(policy, catalogue, wanted).ok() == ticket.status_id
            || named().is_some_and(|(id, named)| is_status(catalogue, named, id)))
}

/// What an owner may be known by in the policy's table.
fn keys(owner: &Owner) -> Vec<String> {
    let keys = [&owner.object_id, &owner.user_principal_name, &owner.email];
    keys.into_iter().flatten().map(|text| text.to_lowercase()).collect()
}

/// The agent that a reference means. An id is believed while the look-up could not be read, or not as a whole.
fn agent_ref(catalogue: &Catalogue, wanted: &Ref) -> Option<i64> {
    match (catalogue.agent(wanted), wanted) {
        (Some(found), _) => Some(found.id),
        (None, Ref::Id(id)) if catalogue.agents.is_empty() || catalogue.is_partial("agent") => Some(*id),
        _ => None,
    }
}

/// The reason where a reference is the name of several agents.
fn unclear_agent(catalogue: &Catalogue, wanted: &Ref) -> Option<Reason> {
    let ids: Vec<i64> = catalogue.agents_meant(wanted).iter().map(|agent| agent.id).collect();
    (ids.len() > 1).then(|| unmet("agent", wanted, ids, wanted.to_string()))
}

/// The agents whom an owner's own names mean, in the order of their ids: by object id, then by UPN, then by mail.
fn by_identity<'a>(catalogue: &'a Catalogue, owner: &Owner) -> Vec<&'a Agent> {
    let same = |one: &Option<String>, two: &Option<String>| {
        let both = one.as_deref().zip(two.as_deref());
        both.is_some_and(|(one, two)| !one.is_empty() && one.to_lowercase() == two.to_lowercase())
    };
    let with = |fits: &dyn Fn(&Agent) -> bool| catalogue.agents.iter().filter(|agent| fits(agent)).collect::<Vec<_>>();
    let mut found = with(&|agent| same(&agent.object_id, &owner.object_id));
    if found.is_empty() {
        found = with(&|agent| same(&agent.email, &owner.user_principal_name));
    }
    if found.is_empty() {
        found = with(&|agent| same(&agent.email, &owner.email));
    }
    found.sort_by_key(|agent| agent.id);
    found.dedup_by_key(|agent| agent.id);
    found
}

/// The agents among whom nothing chooses the owner's: several have that address, and the table has no row for it.
pub fn agents_alike<'a>(policy: &Policy, catalogue: &'a Catalogue, owner: &Owner) -> Vec<&'a Agent> {
    let row = keys(owner).iter().find_map(|key| policy.agents.get(key));
    if row.is_some_and(|wanted| agent_ref(catalogue, wanted).is_some() || unclear_agent(catalogue, wanted).is_some()) {
        return Vec::new();
    }
    let found = by_identity(catalogue, owner);
    if found.len() > 1 { found } else { Vec::new() }
}

/// The agent for an owner: explicit table, then object id, then UPN or mail. A row of the table whose name is that of
/// several agents means none of them, and so does an address that several have.
pub fn agent(policy: &Policy, catalogue: &Catalogue, owner: &Owner) -> Option<i64> {
    let keys = keys(owner);
    let row = keys.iter().find_map(|key| policy.agents.get(key));
    if row.is_some_and(|wanted| unclear_agent(catalogue, wanted).is_some()) {
        return None;
    }
    let by_identity = || match by_identity(catalogue, owner).as_slice() {
        [only] => Some(only.id),
        _ => None,
    };
    row.and_then(|wanted| agent_ref(catalogue, wanted)).or_else(by_identity)
}

/// The reason where several agents have the owner's address: it names them.
fn alike(agents: &[&Agent], owner: &Owner) -> Option<Reason> {
    let names: Vec<&str> = agents.iter().map(|agent| agent.name.as_str()).collect();
    let name = format!("{}: {}", owner.key().unwrap_or_default(), names.join(" or "));
    let ids = agents.iter().map(|agent| agent.id).collect();
    (!agents.is_empty()).then_some(Reason::Ambiguous { table: "agent".into(), name, ids })
}

/// An owner who is nobody in Halo, as the reason shown for it.
pub fn owner_without_agent(policy: &Policy, catalogue: &Catalogue, owner: &Owner) -> Option<Reason> {
    if owner.is_none() || agent(policy, catalogue, owner).is_some() {
        return None;
    }
    let row = keys(owner).iter().find_map(|key| policy.agents.get(key));
    let unclear = row.and_then(|wanted| unclear_agent(catalogue, wanted));
    let unclear = unclear.or_else(|| alike(&agents_alike(policy, catalogue, owner), owner));
    let unclear = unclear.or_else(|| unclear_fallback(policy, catalogue));
    Some(unclear.unwrap_or_else(|| unmapped("agent", owner.key().unwrap_or_default())))
}

/// The configured fallback agent.
pub fn fallback_agent(policy: &Policy, catalogue: &Catalogue) -> Option<i64> {
    agent_ref(catalogue, policy.agent.as_ref()?)
}

/// The reason where the fallback is the name of several agents.
pub fn unclear_fallback(policy: &Policy, catalogue: &Catalogue) -> Option<Reason> {
    unclear_agent(catalogue, policy.agent.as_ref()?)
}

/// The reason where the configured fallback is nobody in Halo, or several.
pub fn fallback_hole(policy: &Policy, catalogue: &Catalogue) -> Option<Reason> {
    let wanted = policy.agent.as_ref()?;
    let known = catalogue.agents.is_empty() || catalogue.is_partial("agent") || agent_ref(catalogue, wanted).is_some();
    unclear_agent(catalogue, wanted)
        .or_else(|| (!known).then(|| unmapped("agent", wanted.to_string().trim_matches(['“', '”']))))
}

/// The owner for an agent: the table read backwards, then the agent's object id, then the mail address as UPN. Several rows of
/// one agent may be several people: the one with the agent's own id or address counts, else these themselves, and the first
/// row where the agent has neither.
pub fn owner(policy: &Policy, catalogue: &Catalogue, agent_id: i64) -> Option<Owner> {
    let agent = catalogue.agents.iter().find(|a| a.id == agent_id)?;
    let means = |wanted: &Ref| catalogue.agent(wanted).is_some_and(|a| a.id == agent_id);
    let listed: Vec<&String> = policy.agents.iter().filter(|(_, wanted)| means(wanted)).map(|(key, _)| key).collect();
    let own: Vec<&String> =
        [&agent.object_id, &agent.email].into_iter().flatten().filter(|name| !name.is_empty()).collect();
    let own_row = own.iter().find_map(|name| listed.iter().find(|key| key.eq_ignore_ascii_case(name)));
    // A row may give the agent's own address to somebody else.
    let free = || own.iter().find(|name| !policy.agents.contains_key(&name.to_lowercase()));
    let key = match (own_row, listed.as_slice()) {
        (Some(key), _) => *key,
        (None, [only]) => *only,
        (None, []) => *own.first()?,
        (None, [first, ..]) => *free().unwrap_or(first),
    };
    let key = key.clone();
    let mut owner = Owner { assigned_to: Some(agent.name.clone()), ..Owner::default() };
    if uuid::Uuid::parse_str(&key).is_ok() {
        owner.object_id = Some(key);
    } else {
        owner.email = Some(key.clone());
        owner.user_principal_name = Some(key);
    }
    Some(owner)
}

/// The outcome for notes we write. A name that Halo doesn't list is still sent: the API agent may be allowed more than it lists.
pub fn outcome(policy: &Policy, catalogue: &Catalogue) -> OutcomeRef {
    match policy.outcome.find(&catalogue.outcomes, |o| o.id, |o| &o.name) {
        Some(found) => OutcomeRef::Id(found.id),
        None => match &policy.outcome {
            Ref::Id(id) => OutcomeRef::Id(*id),
            Ref::Name(name) => OutcomeRef::Name(name.clone()),
        },
    }
}
