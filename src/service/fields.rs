//! Both sides of a pair, field by field.

use crate::{
    domain::{
        catalogue::Catalogue,
        closing::Verdict,
        decision::Decision,
        failure::Side,
        incident::Owner,
        operation::{OperationKind, OperationState},
        pair::Base,
        policy::{FieldRule, Policy, Wins},
        reason::Reason,
        ticket::Ticket,
        view::pair::{FieldRow, FieldState},
        workspace::Mode,
    },
    planner::{agreed, closing, fields::owner::moved as owner_moved, mapping, plan::Plan, situation::Situation},
    store::SituationRow,
};

/// The rows, in the order pages show them. What comes next is what is queued or planned, and nothing else.
pub fn rows(s: &Situation<'_>, plan: &Plan) -> Vec<FieldRow> {
    let mut rows = vec![severity(s, plan), status(s, plan), owner(s, plan), classification(s)];
    for (row, what) in rows.iter_mut().zip(["severity", "status", "owner", "classification"]) {
        if let Some(words) = not_written(s, plan, row.state, what) {
            row.next = Some(words);
        }
    }
    rows
}

/// The rows where no policy says any more what both sides have in common: as last read, compared by nothing.
pub fn plain(row: &SituationRow, catalogue: &Catalogue) -> Vec<FieldRow> {
    let (incident, ticket, base) = (&row.subject.incident, row.ticket.as_ref(), &row.pair.base);
    let plain = |name: &str, incident: Option<String>, ticket: Option<String>, agreed: Option<String>| FieldRow {
        name: name.to_owned(),
        incident,
        ticket,
        agreed,
        state: FieldState::NotCarried,
        next: None,
    };
    let priority = |id: i64| {
        let found = catalogue.priorities.iter().find(|row| row.id == id);
        found.map_or_else(|| id.to_string(), |row| row.name.clone())
    };
    // agent 1 is Halo's "Unassigned"
    let agent = |id: Option<i64>| id.filter(|id| *id > 1).map(|id| mapping::agent_name(catalogue, id));
    let status = |id: i64| status_name(catalogue, id);
    vec![
        plain(
            "Severity and priority",
            Some(incident.severity.to_string()),
            ticket.and_then(|ticket| ticket.priority_id).map(priority),
            joined(base.severity.as_ref().map(ToString::to_string), base.priority_id.map(priority)),
        ),
        plain(
            "Status",
            Some(incident.status.to_string()),
            ticket.and_then(|ticket| ticket.status_id).map(status),
            joined(base.incident_status.as_ref().map(ToString::to_string), base.status_id.map(status)),
        ),
        plain(
            "Owner and agent",
            owner_words(&incident.owner),
            agent(ticket.and_then(|ticket| ticket.agent_id)),
            joined(base.owner.clone(), agent(base.agent_id)),
        ),
        FieldRow {
            next: Some("Which field of the ticket holds it, the policy said.".to_owned()),
            ..plain("Classification", incident.verdict().as_ref().map(verdict_words), None, None)
        },
    ]
}

/// Why what differs is not written after all: no write of it is queued or planned.
fn not_written(s: &Situation<'_>, plan: &Plan, state: FieldState, what: &str) -> Option<String> {
    let towards = match state {
        FieldState::IncidentAhead => Side::Halo,
        FieldState::TicketAhead => Side::Sentinel,
        FieldState::Conflict => return asked(s, plan, what),
        _ => return None,
    };
    if s.ticket.is_none() || matches!(s.workspace.mode, Mode::Off | Mode::Observe | Mode::CommentOnly) {
        return None;
    }
    let it = |kind: &OperationKind| kind.side() == towards && changes(kind, what);
    let queued = s.operations.iter().any(|operation| operation.state.open() && it(&operation.kind));
    if queued || plan.operations.iter().any(|planned| it(&planned.kind)) {
        return None;
    }
    if plan.waiting.iter().any(|waiting| it(&waiting.planned.kind)) {
        return Some("Waits for a person's approval.".to_owned());
    }
    if s.operations.iter().any(|o| matches!(o.state, OperationState::Dead { .. }) && it(&o.kind)) {
        return Some("Its write was given up: see the failed writes below.".to_owned());
    }
    if dropped(s, state, what) {
        return None;
    }
    let about = about(plan, what);
    if towards == Side::Sentinel && matches!(about, Some(Reason::VerdictMissing | Reason::VerdictRefused { .. })) {
        return Some("The incident stays open until the ticket has a classification that can be sent.".to_owned());
    }
    let why = about.map(Reason::words);
    Some(why.map_or_else(|| "Nothing is planned for it.".to_owned(), |words| format!("Nothing now. {words}")))
}

/// A conflict whose question is answered, or that no rule leaves to a person, is not one that a person decides.
fn asked(s: &Situation<'_>, plan: &Plan, what: &str) -> Option<String> {
    let (from, to) = match written(s, plan, what)? {
        Side::Halo => ("incident", "ticket"),
        Side::Sentinel => ("ticket", "incident"),
    };
    Some(format!("The {from}'s {what} is written to the {to}."))
}

/// The side that a field is written to, by a write that is queued or planned.
fn written(s: &Situation<'_>, plan: &Plan, what: &str) -> Option<Side> {
    let write = |kind: &OperationKind| changes(kind, what);
    let queued = s.operations.iter().find(|operation| operation.state.open() && write(&operation.kind));
    let planned = plan.operations.iter().map(|planned| &planned.kind).find(|kind| write(kind));
    queued.map(|operation| &operation.kind).or(planned).map(OperationKind::side)
}

/// How a field stands on which two records that were joined, or rebuilt, have not agreed yet: what differs differs on
/// both, and the side that is ahead is the one whose value is taken, by the policy or by a person. `None`: as any other.
fn unagreed(s: &Situation<'_>, plan: &Plan, what: &str, rule: FieldRule) -> Option<FieldState> {
    let carried = rule.to_halo() || rule.to_sentinel();
    if s.ticket.is_none() || !carried || !s.pair.base.joined.contains(what) {
        return None;
    }
    if plan.items().iter().any(|item| matches!(item, Reason::Conflict { field, .. } if field == what)) {
        return Some(FieldState::Conflict);
    }
    let decided = || {
        s.pair.decisions.iter().rev().find_map(|decision| match decision {
            Decision::Take { field, side, .. } if field == what => Some(*side),
            _ => None,
        })
    };
    let waiting = || plan.waiting.iter().map(|waiting| &waiting.planned.kind).find(|kind| changes(kind, what));
    let towards = written(s, plan, what).or_else(|| waiting().map(OperationKind::side));
    let taken = match (towards, rule.wins) {
        (Some(Side::Halo), _) | (None, Wins::Sentinel) => Some(Side::Sentinel),
        (Some(Side::Sentinel), _) | (None, Wins::Halo) => Some(Side::Halo),
        // No question waits, so a person has answered it.
        (None, Wins::Newest | Wins::Ask) => decided(),
    };
    taken.map(|side| match side {
        Side::Sentinel => FieldState::IncidentAhead,
        Side::Halo => FieldState::TicketAhead,
    })
}

/// What the plan says about a field, an open item first.
fn about<'a>(plan: &'a Plan, what: &str) -> Option<&'a Reason> {
    let tables: &[&str] = match what {
        "severity" => &["severity", "severities", "priority", "priorities", "priorities_back"],
        "owner" => &["owner", "owners", "agent", "agents"],
        "status" => &["status", "statuses"],
        _ => &["classification"],
    };
    let of_field = |reason: &&Reason| match reason {
        Reason::Unmapped { table, .. } | Reason::Ambiguous { table, .. } => {
            tables.iter().any(|name| table.eq_ignore_ascii_case(name))
        }
        Reason::Conflict { field, .. } => field.eq_ignore_ascii_case(what),
        Reason::HaloKept { what: kind, .. } => tables.contains(&kind.as_str()),
        Reason::VerdictMissing | Reason::VerdictRefused { .. } => what == "status" || what == "classification",
        Reason::Reopened { .. } | Reason::LeftApart | Reason::Flapping { .. } => what == "status",
        Reason::AfterClosing { what: kind } => !kind.contains("notes") && !kind.contains("comments"),
        Reason::ModeOneWay | Reason::GroupOpen | Reason::MergedInto { .. } | Reason::Merged => true,
        Reason::SurvivorUnknown { .. } | Reason::TicketsMeet { .. } | Reason::Rejected { .. } => true,
        _ => false,
    };
    plan.items().iter().chain(plan.remarks()).find(of_field)
}

/// Whether a write changes a field.
fn changes(kind: &OperationKind, what: &str) -> bool {
    match (kind, what) {
        (OperationKind::CreateTicket { .. } | OperationKind::CreateIncident { .. }, _) => true,
        (OperationKind::UpdateTicket { change }, "status") => change.status_id.is_some(),
        (OperationKind::UpdateTicket { change }, "severity") => change.priority_id.is_some(),
        (OperationKind::UpdateTicket { change }, "owner") => change.agent_id.is_some(),
        (OperationKind::UpdateIncident { change }, "status" | "classification") => change.status.is_some(),
        (OperationKind::UpdateIncident { change }, "severity") => change.severity.is_some(),
        (OperationKind::UpdateIncident { change }, "owner") => change.owner.is_some(),
        _ => false,
    }
}

/// Which side moved away from what both last agreed on.
struct Moved {
    incident: bool,
    ticket: bool,
}

fn state(same: bool, carried: bool, moved: &Moved) -> FieldState {
    match (same, carried, moved.incident, moved.ticket) {
        (true, ..) => FieldState::Same,
        (_, false, ..) => FieldState::NotCarried,
        (.., true, true) => FieldState::Conflict,
        (.., false, true) => FieldState::TicketAhead,
        // nothing agreed yet counts as the incident's: the ticket is made from it (of two records see `unagreed`)
        _ => FieldState::IncidentAhead,
    }
}

/// Whether the policy carries what moved.
fn carried(rule: FieldRule, new: bool, moved: &Moved) -> bool {
    match (moved.incident, moved.ticket) {
        _ if new => rule.at_creation(),
        (true, false) => rule.to_halo(),
        (false, true) => rule.to_sentinel(),
        _ => rule.to_halo() || rule.to_sentinel(),
    }
}

fn next(s: &Situation<'_>, state: FieldState, what: &str) -> Option<String> {
    let mode = s.workspace.mode;
    let blocked = matches!(s.pair.reason, Some(Reason::WrongClient | Reason::RecordGone { .. }));
    let words = match (state, mode) {
        (FieldState::IncidentAhead | FieldState::TicketAhead | FieldState::Conflict, _) if blocked => {
            "Nothing is written while the pair needs a person.".to_owned()
        }
        (FieldState::Same | FieldState::NotCarried | FieldState::Missing, _) => return None,
        _ if dropped(s, state, what) => "Nothing: it was dropped by a person.".to_owned(),
        (_, Mode::Off) => "Nothing: the workspace is switched off.".to_owned(),
        (FieldState::Conflict, _) => format!("A person decides: set the same {what} on both sides."),
        (FieldState::IncidentAhead, Mode::Observe) => {
            format!("The incident's {what} would be written to the ticket; observe mode writes nothing.")
        }
        (FieldState::TicketAhead, Mode::Observe) => {
            format!("The ticket's {what} would be written to the incident; observe mode writes nothing.")
        }
        (_, Mode::CommentOnly) => "Nothing: only comments are carried in this mode.".to_owned(),
        (FieldState::IncidentAhead, _) if s.ticket.is_none() => "Goes into the new ticket.".to_owned(),
        (FieldState::IncidentAhead, _) => format!("The incident's {what} is written to the ticket."),
        (FieldState::TicketAhead, Mode::SentinelToHalo) => "Nothing: this mode carries nothing to Sentinel.".to_owned(),
        (FieldState::TicketAhead, _) => format!("The ticket's {what} is written to the incident."),
    };
    Some(words)
}

/// Whether a person dropped the write that would carry a field.
fn dropped(s: &Situation<'_>, state: FieldState, what: &str) -> bool {
    let towards = match state {
        FieldState::IncidentAhead => Side::Halo,
        _ => Side::Sentinel,
    };
    let there = |kind: &OperationKind| state == FieldState::Conflict || kind.side() == towards;
    let dropped = s.operations.iter().filter(|o| matches!(o.state, OperationState::Dropped { .. }));
    dropped.map(|o| &o.kind).any(|kind| changes(kind, what) && there(kind))
}

fn row(s: &Situation<'_>, name: &str, what: &str, sides: Sides, state: FieldState) -> FieldRow {
    FieldRow {
        name: name.to_owned(),
        incident: sides.incident,
        ticket: sides.ticket,
        agreed: sides.agreed,
        state,
        next: next(s, state, what),
    }
}

struct Sides {
    incident: Option<String>,
    ticket: Option<String>,
    agreed: Option<String>,
}

fn status_name(catalogue: &Catalogue, id: i64) -> String {
    super::names::status(Some(catalogue), id)
}

fn severity(s: &Situation<'_>, plan: &Plan) -> FieldRow {
    let base: &Base = &s.pair.base;
    let have = s.ticket.and_then(|ticket| ticket.priority_id);
    let same = have.is_some_and(|id| {
        mapping::priority(s.policy, s.catalogue, &s.incident.severity) == Ok(id)
            || mapping::severities_of(s.policy, s.catalogue, id).contains(&s.incident.severity)
    });
    let moved = Moved {
        incident: base.severity.as_ref() != Some(&s.incident.severity),
        ticket: have.is_some() && base.priority_id.is_some() && base.priority_id != have,
    };
    let sides = Sides {
        incident: Some(s.incident.severity.to_string()),
        ticket: have.map(|id| mapping::priority_of_type(s.policy, s.catalogue, id)),
        agreed: joined(
            base.severity.as_ref().map(ToString::to_string),
            base.priority_id.map(|id| mapping::priority_of_type(s.policy, s.catalogue, id)),
        ),
    };
    // before the ticket exists the severity is part of what it will be made from
    let carried = carried(s.policy.severity, s.ticket.is_none(), &moved);
    let apart = unagreed(s, plan, "severity", s.policy.severity).filter(|_| !same);
    let state = apart.unwrap_or_else(|| state(same, carried, &moved));
    row(s, "Severity and priority", "severity", sides, state)
}

fn status(s: &Situation<'_>, plan: &Plan) -> FieldRow {
    let base = &s.pair.base;
    let ticket_says = |ticket: &Ticket| {
        let name = ticket.status_id.map_or_else(|| "no status".to_owned(), |id| status_name(s.catalogue, id));
        // a status such as "Resolved" may close a ticket too, and its name doesn't say so
        let says = name.to_lowercase().contains("closed");
        let closed = mapping::ticket_closed(s.policy, s.catalogue, ticket);
        if closed && !says { format!("{name} (closed)") } else { name }
    };
    let same = s.ticket.is_some_and(|ticket| mapping::status_means(s.policy, s.catalogue, ticket, &s.incident.status));
    let ticket_moved = s.ticket.is_some_and(|ticket| {
        let closed = mapping::ticket_closed(s.policy, s.catalogue, ticket);
        base.status_id.is_some() && (base.status_id != ticket.status_id || base.ticket_closed != closed)
    });
    let moved = Moved {
        incident: base.incident_status.as_ref() != Some(&s.incident.status)
            && !(ticket_moved && agreed::status_has_not_crossed(base, s.policy, s.catalogue, s.incident)),
        ticket: ticket_moved,
    };
    let sides = Sides {
        incident: Some(s.incident.status.to_string()),
        ticket: s.ticket.map(ticket_says),
        agreed: joined(
            base.incident_status.as_ref().map(ToString::to_string),
            base.status_id.map(|id| status_name(s.catalogue, id)),
        ),
    };
    let carried = carried(s.policy.status, s.ticket.is_none(), &moved);
    let apart = unagreed(s, plan, "status", s.policy.status).filter(|_| !same);
    let state = apart.unwrap_or_else(|| state(same, carried, &moved));
    let mut row = row(s, "Status", "status", sides, state);
    if let (FieldState::TicketAhead, Some(Reason::VerdictMissing | Reason::VerdictRefused { .. })) =
        (state, &s.pair.reason)
    {
        row.next = Some("The incident stays open until the ticket has a classification that can be sent.".to_owned());
    }
    row
}

fn owner_words(owner: &Owner) -> Option<String> {
    [&owner.assigned_to, &owner.user_principal_name, &owner.email, &owner.object_id]
        .into_iter()
        .flatten()
        .next()
        .cloned()
}

fn owner(s: &Situation<'_>, plan: &Plan) -> FieldRow {
    let base = &s.pair.base;
    // agent 1 is Halo's "Unassigned"
    let have = s.ticket.and_then(|ticket| ticket.agent_id).filter(|id| *id > 1);
    let wanted = mapping::agent(s.policy, s.catalogue, &s.incident.owner);
    let nobody = s.incident.owner.is_none();
    let alike = mapping::agents_alike(s.policy, s.catalogue, &s.incident.owner);
    let theirs = (wanted.is_some() && wanted == have) || alike.iter().any(|agent| Some(agent.id) == have);
    let same = (nobody && have.is_none()) || (s.ticket.is_some() && !nobody && theirs);
    let moved = Moved {
        incident: owner_moved(s, base, have),
        ticket: s.ticket.is_some()
            && (base.agent_id.filter(|id| *id > 1) != have || base.is_unsettled("owner", Side::Halo)),
    };
    let unchanged = !moved.incident && !moved.ticket;
    let sides = Sides {
        incident: owner_words(&s.incident.owner),
        ticket: have.map(|id| mapping::agent_name(s.catalogue, id)),
        agreed: joined(
            base.owner.clone().filter(|_| !base.is_unsettled("owner", Side::Sentinel)),
            base.agent_id
                .filter(|id| *id > 1 && !base.is_unsettled("owner", Side::Halo))
                .map(|id| mapping::agent_name(s.catalogue, id)),
        ),
    };
    // an owner who is nobody in Halo stays where they are: agreed on, though the names differ
    let carried = carried(s.policy.owner, s.ticket.is_none(), &moved);
    let state = match unagreed(s, plan, "owner", s.policy.owner).filter(|_| !same) {
        Some(apart) => apart,
        None if unchanged && s.ticket.is_some() && carried => FieldState::Same,
        None => state(same, carried, &moved),
    };
    row(s, "Owner and agent", "owner", sides, state)
}

fn verdict_words(verdict: &Verdict) -> String {
    match &verdict.reason {
        Some(reason) => format!("{} ({reason})", verdict.classification.words()),
        None => verdict.classification.words().to_owned(),
    }
}

fn classification(s: &Situation<'_>) -> FieldRow {
    let incident = s.incident.verdict();
    let chosen = chosen(s.policy, s.catalogue, s.ticket);
    let closed = s.ticket.is_some_and(|ticket| mapping::ticket_closed(s.policy, s.catalogue, ticket));
    let ticket = s.ticket.filter(|_| closed).and_then(|ticket| {
        let actions = closing::of_this_closing(&s.pair.base, s.actions.unwrap_or_default());
        closing::verdict(s.policy, s.catalogue, ticket, actions).ok()
    });
    let same = match (&incident, &ticket) {
        (Some(a), Some(b)) => a.classification == b.classification,
        (None, None) => true,
        _ => false,
    };
    let state = match (same, &incident, &ticket) {
        (true, ..) => FieldState::Same,
        (false, None, Some(_)) => FieldState::TicketAhead,
        _ => FieldState::NotCarried,
    };
    let sides = Sides {
        incident: incident.as_ref().map(verdict_words),
        ticket: chosen.or_else(|| ticket.as_ref().map(verdict_words)),
        agreed: None,
    };
    let missing = matches!(s.pair.reason, Some(Reason::VerdictMissing)) && sides.incident.is_none();
    if missing {
        let next = Some("Somebody chooses it on the ticket in Halo.".to_owned());
        let mut row = row(s, "Classification", "classification", sides, FieldState::Missing);
        row.next = next;
        return row;
    }
    row(s, "Classification", "classification", sides, state)
}

/// What stands in the ticket's classification field.
fn chosen(policy: &Policy, catalogue: &Catalogue, ticket: Option<&Ticket>) -> Option<String> {
    let wanted = match policy.classification_field.as_ref()? {
        crate::domain::catalogue::Ref::Id(id) => *id,
        crate::domain::catalogue::Ref::Name(name) => catalogue.field(name)?.id,
    };
    ticket?.custom_field(wanted)?.text()
}

fn joined(incident: Option<String>, ticket: Option<String>) -> Option<String> {
    match (incident, ticket) {
        (Some(a), Some(b)) if a == b => Some(a),
        (Some(a), Some(b)) => Some(format!("{a} / {b}")),
        (one, other) => one.or(other),
    }
}
