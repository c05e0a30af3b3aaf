//! The loop finder: every value of a policy's tables is sent to the other side and back, before the policy is saved.
//!
//! Holes, values that come back as others, and ways that never rest are told. The same look-ups are asked that the sync
//! asks ([`mapping`], [`closing`]), so what is said here is what would happen.

use std::collections::BTreeSet;

use crate::domain::{
    catalogue::{Catalogue, Ref},
    closing::{ALLOWED, Verdict},
    failure::Side,
    ids::TicketId,
    incident::{IncidentStatus, Owner, Severity},
    policy::{Direction, Policy},
    raw::Raw,
    round_trip::{End, RoundTrip, Stop},
    ticket::Ticket,
};

use super::{closing, mapping};

/// Severities that Microsoft knows.
const SEVERITIES: [&str; 4] = ["High", "Medium", "Low", "Informational"];
/// Statuses of an incident.
const STATUSES: [&str; 3] = ["New", "Active", "Closed"];

/// Everything that does not make the round, gravest first within each field.
pub fn find(policy: &Policy, catalogue: &Catalogue) -> Vec<RoundTrip> {
    let mut found = Vec::new();
    found.extend(severities(policy, catalogue));
    found.extend(statuses(policy, catalogue));
    found.extend(classifications(policy, catalogue));
    found.extend(owners(policy, catalogue));
    found
}

/// How people read a value.
pub type Shown<'a, T> = &'a dyn Fn(&T) -> String;
/// The way from a value to the other side, if it has a counterpart there.
pub type Way<'a, From, To> = &'a dyn Fn(&From) -> Option<To>;

/// One field to be walked: what lies on the side that a way begins on, and on the other.
pub struct Field<'a, A, B> {
    /// Its name.
    pub name: &'static str,
    /// The side that ways begin on.
    pub from: Side,
    /// All values there.
    pub here: &'a [A],
    /// All values on the other side that a way back has to begin at.
    pub there: &'a [B],
    /// As people read them.
    pub shown: (Shown<'a, A>, Shown<'a, B>),
}

/// Walks a field: `forth` leads from each value to the other side, `back` from there; without a way back only holes of
/// the way there are found.
pub fn walk<A: Clone + Ord, B: Clone + Ord>(
    field: &Field<'_, A, B>,
    forth: impl Fn(&A) -> Option<B>,
    back: Option<Way<'_, B, A>>,
) -> Vec<RoundTrip> {
    let other = if field.from == Side::Sentinel { Side::Halo } else { Side::Sentinel };
    let here = |value: &A| Stop { side: field.from, value: (field.shown.0)(value) };
    let there = |value: &B| Stop { side: other, value: (field.shown.1)(value) };
    let trip = |stops, end| RoundTrip { field: field.name.to_owned(), stops, end };
    let mut found = Vec::new();
    for value in field.here.iter().filter(|value| forth(value).is_none()) {
        found.push(trip(vec![here(value)], End::Hole));
    }
    let Some(back) = back else { return found };
    for value in field.there.iter().filter(|value| back(value).is_none()) {
        found.push(trip(vec![there(value)], End::Hole));
    }
    let round = |value: &A| -> Option<(B, A)> {
        let middle = forth(value)?;
        let end = back(&middle)?;
        Some((middle, end))
    };
    let mut in_cycles: BTreeSet<A> = BTreeSet::new();
    for value in field.here {
        let Some((middle, end)) = round(value).filter(|(_, end)| end != value) else { continue };
        // On until it rests, ends or comes by a value a second time.
        let mut passed = vec![value.clone()];
        let mut stops = vec![here(value), there(&middle), here(&end)];
        let mut now = end;
        while !passed.contains(&now) {
            passed.push(now.clone());
            match round(&now) {
                Some((middle, next)) if next != now => {
                    stops.push(there(&middle));
                    stops.push(here(&next));
                    now = next;
                }
                _ => break,
            }
        }
        let cycle = passed.len() > 1 && now == *value;
        if !cycle {
            found.push(trip(stops.into_iter().take(3).collect(), End::Elsewhere));
        } else if !in_cycles.contains(value) {
            // Each cycle once.
            in_cycles.extend(passed);
            found.push(trip(stops, End::Cycle));
        }
    }
    found
}

fn severities(policy: &Policy, catalogue: &Catalogue) -> Vec<RoundTrip> {
    let rule = policy.severity;
    if rule.direction == Direction::None {
        return Vec::new();
    }
    let here: Vec<Severity> = SEVERITIES.iter().map(|name| Severity::from((*name).to_owned())).collect();
    let sla = catalogue.ticket_type(&policy.ticket_type).and_then(|found| found.default_sla);
    let there: BTreeSet<i64> = catalogue.priorities_in(sla).iter().map(|row| row.id).collect();
    let there: Vec<i64> = there.into_iter().collect();
    let field = Field {
        name: "severity",
        from: Side::Sentinel,
        here: &here,
        there: &there,
        shown: (&|severity| severity.to_string(), &|id| mapping::priority_of_type(policy, catalogue, *id)),
    };
    let back = |id: &i64| mapping::severity_back(policy, catalogue, *id).ok();
    walk(
        &field,
        |severity| mapping::priority(policy, catalogue, severity).ok(),
        rule.to_sentinel().then_some(&back as &dyn Fn(&i64) -> Option<Severity>),
    )
}

fn statuses(policy: &Policy, catalogue: &Catalogue) -> Vec<RoundTrip> {
    let rule = policy.status;
    if rule.direction == Direction::None {
        return Vec::new();
    }
    let here: Vec<IncidentStatus> = STATUSES.iter().map(|name| IncidentStatus::from((*name).to_owned())).collect();
    let there: Vec<i64> = catalogue.statuses.iter().map(|row| row.id).collect();
    let shown = |id: &i64| mapping::status_name(catalogue, *id);
    let field = Field {
        name: "status",
        from: Side::Sentinel,
        here: &here,
        there: &there,
        shown: (&|status| status.to_string(), &shown),
    };
    let back = |id: &i64| mapping::status_back(policy, catalogue, &in_status(catalogue, *id)).ok();
    let mut found = walk(
        &field,
        |status| mapping::status(policy, catalogue, status).ok(),
        rule.to_sentinel().then_some(&back as &dyn Fn(&i64) -> Option<IncidentStatus>),
    );
    if rule.to_sentinel() {
        found.extend(statuses_back(policy, catalogue));
    }
    if let Ok(id) = mapping::status(policy, catalogue, &IncidentStatus::Closed)
        && !catalogue.closed_statuses.is_empty()
        && !catalogue.closed_statuses.contains(&id)
    {
        let stops = vec![
            Stop { side: Side::Sentinel, value: "Closed".to_owned() },
            Stop { side: Side::Halo, value: mapping::status_name(catalogue, id) },
        ];
        found.push(RoundTrip { field: "status".to_owned(), stops, end: End::NotClosed });
    }
    found
}

/// Ticket statuses of which Halo and the policy's way back say different things: open the one, closed the other. The walk
/// begins at Sentinel's values and passes few of Halo's.
fn statuses_back(policy: &Policy, catalogue: &Catalogue) -> Vec<RoundTrip> {
    let mut found = Vec::new();
    let at = |side, value: String| Stop { side, value };
    for row in &catalogue.statuses {
        let name = || at(Side::Halo, mapping::status_name(catalogue, row.id));
        let Some(said) = mapping::status_back_said(policy, catalogue, row.id) else { continue };
        let closed = mapping::ticket_closed(policy, catalogue, &in_status(catalogue, row.id));
        if closed && said != IncidentStatus::Closed {
            let stops = vec![name(), at(Side::Sentinel, said.to_string())];
            found.push(RoundTrip { field: "status".to_owned(), stops, end: End::Unheeded });
        } else if !closed && said == IncidentStatus::Closed {
            let mut stops = vec![name(), at(Side::Sentinel, said.to_string())];
            let on = mapping::status(policy, catalogue, &said).ok();
            stops.extend(on.map(|id| at(Side::Halo, mapping::status_name(catalogue, id))));
            found.push(RoundTrip { field: "status".to_owned(), stops, end: End::Closes });
        }
    }
    found
}

/// A ticket that says nothing but its status.
fn in_status(catalogue: &Catalogue, status: i64) -> Ticket {
    Ticket {
        id: TicketId(0),
        summary: String::new(),
        client_id: None,
        client_name: None,
        site_id: None,
        user_id: None,
        ticket_type_id: None,
        status_id: Some(status),
        priority_id: None,
        sla_id: None,
        agent_id: None,
        team: None,
        category_1: None,
        closed: catalogue.closed_statuses.contains(&status),
        closure_note: None,
        merged_into: None,
        deleted: false,
        last_update: None,
        last_action: None,
        custom_fields: Vec::new(),
        fields_told: false,
        warning: None,
        raw: Raw::null(),
    }
}

fn classifications(policy: &Policy, catalogue: &Catalogue) -> Vec<RoundTrip> {
    let definition = match &policy.classification_field {
        Some(Ref::Id(id)) => catalogue.fields.iter().find(|row| row.id == *id),
        Some(Ref::Name(name)) => catalogue.field(name),
        None => None,
    };
    // Without choices anything may be written there.
    let Some(definition) = definition.filter(|definition| !definition.options.is_empty()) else { return Vec::new() };
    let here: Vec<(String, Option<String>)> = ALLOWED
        .iter()
        .map(|(classification, reason)| (classification.as_str().to_owned(), reason.map(str::to_owned)))
        .collect();
    let there: Vec<i64> = definition.options.iter().map(|option| option.id).collect();
    let name = |id: &i64| {
        definition.options.iter().find(|option| option.id == *id).map_or_else(String::new, |option| option.name.clone())
    };
    let words = |(classification, reason): &(String, Option<String>)| match reason {
        Some(reason) => format!("{classification} ({reason})"),
        None => classification.clone(),
    };
    let field =
        Field { name: "classification", from: Side::Sentinel, here: &here, there: &there, shown: (&words, &name) };
    let forth = |(classification, reason): &(String, Option<String>)| {
        let verdict = Verdict { classification: classification.clone().into(), reason: reason.clone(), comment: None };
        closing::option_of(policy, definition, &verdict).map(|option| option.id)
    };
    let back = |id: &i64| {
        let given = closing::named(policy, &name(id)).or_else(|| closing::named(policy, &id.to_string()))?;
        let verdict = given.checked().ok()?;
        Some((verdict.classification.as_str().to_owned(), verdict.reason))
    };
    let to_sentinel = policy.status.to_sentinel().then_some(&back as &dyn Fn(&i64) -> Option<(String, Option<String>)>);
    walk(&field, forth, to_sentinel)
}

/// Who a key of the policy's table is.
fn owner_of(key: &str) -> Owner {
    if uuid::Uuid::parse_str(key).is_ok() {
        Owner { object_id: Some(key.to_owned()), ..Owner::default() }
    } else {
        Owner { email: Some(key.to_owned()), user_principal_name: Some(key.to_owned()), ..Owner::default() }
    }
}

fn owners(policy: &Policy, catalogue: &Catalogue) -> Vec<RoundTrip> {
    let rule = policy.owner;
    if rule.direction == Direction::None {
        return Vec::new();
    }
    let shown = |id: &i64| mapping::agent_name(catalogue, *id);
    // The table's own rows, from Sentinel's side.
    let listed: Vec<String> = policy.agents.keys().cloned().collect();
    let table = Field {
        name: "owner",
        from: Side::Sentinel,
        here: &listed,
        there: &[],
        shown: (&|key: &String| key.clone(), &shown),
    };
    let forth = |key: &String| mapping::agent(policy, catalogue, &owner_of(key));
    let to_owner = |id: &i64| {
        let key = mapping::owner(policy, catalogue, *id)?.key()?;
        Some(key)
    };
    // Two names of one person are one owner: a row that names the agent's own address is any of them.
    let own = |id: &i64, key: &str| {
        let agent = catalogue.agents.iter().find(|agent| agent.id == *id);
        agent.is_some_and(|agent| {
            [&agent.email, &agent.object_id].into_iter().flatten().any(|name| name.eq_ignore_ascii_case(key))
        })
    };
    // And the one other row beside that comes back as the agent's own address.
    let other_name = |id: &i64| {
        let rows: Vec<&String> = listed.iter().filter(|&key| forth(key) == Some(*id)).collect();
        rows.len() == 2 && rows.iter().any(|&key| own(id, key))
    };
    let back = |id: &i64| to_owner(id);
    let way_back = rule.to_sentinel().then_some(&back as &dyn Fn(&i64) -> Option<String>);
    let mut found: Vec<RoundTrip> = walk(&table, forth, way_back)
        .into_iter()
        .filter(|trip| {
            let key = trip.stops.first().map(|stop| stop.value.clone()).unwrap_or_default();
            trip.end == End::Hole || !forth(&key).is_some_and(|id| own(&id, &key) || other_name(&id))
        })
        .collect();
    if !rule.to_sentinel() {
        return found;
    }
    // Every agent, from Halo's side. Agent 1 is "Unassigned"; our own is nobody's owner.
    let agents: Vec<i64> = catalogue
        .agents
        .iter()
        .map(|agent| agent.id)
        .filter(|id| *id > 1 && Some(*id) != catalogue.own_agent_id)
        .collect();
    let people = Field {
        name: "owner",
        from: Side::Halo,
        here: &agents,
        there: &[],
        shown: (&shown, &|key: &String| key.clone()),
    };
    let home = |key: &String| mapping::agent(policy, catalogue, &owner_of(key));
    found.extend(walk(&people, to_owner, Some(&home as &dyn Fn(&String) -> Option<i64>)));
    found
}
