//! Severity, owner and status: three-way comparison, field by field.

use crate::domain::{
    incident::{Incident, IncidentStatus, Owner},
    operation::{IncidentChange, OperationKind},
    pair::Base,
    reason::Reason,
    ticket::{NoteDraft, Ticket, TicketChange},
    workspace::Mode,
};

use super::{closing, draft, mapping, notes, plan::Plan, situation::Situation};

/// Which side moved since both last agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moved {
    sentinel: bool,
    halo: bool,
}

/// Changes gathered for one operation per side.
#[derive(Default)]
struct Gathered {
    ticket: TicketChange,
    ticket_reason: Option<Reason>,
    incident: IncidentChange,
    incident_reason: Option<Reason>,
}

/// Plans the fields of a pair whose ticket is known, and notes what is agreed already.
pub fn plan(s: &Situation<'_>, ticket: &Ticket, out: &mut Plan) {
    if s.incident.redirected() {
        // A merge in Defender is not a closure: it alone never closes a ticket. Nothing can be written to the
        // incident any more, so a plan for it would be void each time and made anew without end.
        return out.item(Reason::RecordGone {
            what: "The incident was merged into another one in Defender; its ticket is left as it is.".into(),
        });
    }
    let mut base = s.pair.base.clone();
    let mut gathered = Gathered::default();
    severity(s, ticket, &mut base, &mut gathered, out);
    owner(s, ticket, &mut base, &mut gathered, out);
    status(s, ticket, &mut base, &mut gathered, out);
    always_fields(s, ticket, &mut gathered, out);
    if base != s.pair.base {
        out.base = Some(base);
    }
    if let Some(reason) = gathered.ticket_reason {
        out.push(OperationKind::UpdateTicket { change: gathered.ticket }, reason);
    }
    if let Some(reason) = gathered.incident_reason {
        out.push(OperationKind::UpdateIncident { change: gathered.incident }, reason);
    }
}

/// Whether the workspace's mode carries changes back to Sentinel. Observe plans both ways.
fn carries_back(mode: Mode) -> bool {
    matches!(mode, Mode::TwoWay | Mode::Observe)
}

fn severity(s: &Situation<'_>, ticket: &Ticket, base: &mut Base, gathered: &mut Gathered, out: &mut Plan) {
    let now = &s.incident.severity;
    let wanted = match mapping::priority(s.policy, s.catalogue, now) {
        Ok(wanted) => wanted,
        Err(reason) => return out.item(reason),
    };
    let means = ticket.priority_id.map(|id| mapping::severities_of(s.policy, s.catalogue, id)).unwrap_or_default();
    let moved = base.severity.as_ref() != Some(now);
    if !moved || !s.policy.carry_severity || ticket.priority_id == Some(wanted) || means.contains(now) {
        // A priority that an agent chose stays: carrying it back is a choice of its own.
        base.severity = Some(now.clone());
        base.priority_id = ticket.priority_id;
        return;
    }
    gathered.ticket.priority_id = Some(wanted);
    gathered.ticket_reason.get_or_insert(Reason::ChangedInSentinel { field: "severity".into() });
}

fn owner(s: &Situation<'_>, ticket: &Ticket, base: &mut Base, gathered: &mut Gathered, out: &mut Plan) {
    if !s.policy.carry_owner {
        return;
    }
    let key = s.incident.owner.key();
    let agent_id = ticket.agent_id.filter(|id| *id > 1);
    let wanted =
        if s.incident.owner.is_none() { None } else { mapping::agent(s.policy, s.catalogue, &s.incident.owner) };
    if let Some(reason) = mapping::owner_without_agent(s.policy, s.catalogue, &s.incident.owner) {
        // With a fallback the ticket has somebody, and a closed incident needs nobody any more.
        if mapping::fallback_agent(s.policy, s.catalogue).is_some() || s.incident.closed() {
            out.remark(reason);
        } else {
            out.item(reason);
        }
    }
    let moved = Moved { sentinel: key != base.owner, halo: agent_id != base.agent_id.filter(|id| *id > 1) };
    let agree = |base: &mut Base| {
        base.owner = key.clone();
        base.agent_id = ticket.agent_id;
    };
    // Two names of one person: an owner whose agent is the ticket's agent is in step.
    let same = wanted.is_some() && wanted == agent_id || s.incident.owner.is_none() && agent_id.is_none();
    match moved {
        _ if same => agree(base),
        Moved { sentinel: false, halo: false } => {}
        // Newest is not known for owners; Sentinel's is the fixed rule.
        Moved { sentinel: true, .. } => match wanted {
            Some(agent) => {
                gathered.ticket.agent_id = Some(agent);
                gathered.ticket_reason.get_or_insert(Reason::ChangedInSentinel { field: "owner".into() });
            }
            None if s.incident.owner.is_none() => agree(base),
            None => match mapping::fallback_agent(s.policy, s.catalogue) {
                Some(fallback) if Some(fallback) == agent_id => agree(base),
                _ if agent_id.is_some() => agree(base),
                Some(fallback) => {
                    gathered.ticket.agent_id = Some(fallback);
                    gathered.ticket_reason.get_or_insert(Reason::ChangedInSentinel { field: "owner".into() });
                }
                // The open item above stands for it.
                None => {}
            },
        },
        Moved { halo: true, .. } if !carries_back(s.workspace.mode) => agree(base),
        Moved { halo: true, .. } => {
            let new_owner = match agent_id {
                None => Some(Owner::default()),
                Some(id) => mapping::owner(s.policy, s.catalogue, id),
            };
            match new_owner {
                Some(owner) => {
                    gathered.incident.owner = Some(owner);
                    gathered.incident_reason.get_or_insert(Reason::ChangedInHalo { field: "owner".into() });
                }
                // An agent without a mail address is nobody in Entra: the ticket's agent stays Halo's own affair.
                None => agree(base),
            }
        }
    }
}

fn status(s: &Situation<'_>, ticket: &Ticket, base: &mut Base, gathered: &mut Gathered, out: &mut Plan) {
    let now = &s.incident.status;
    let ticket_closed = mapping::ticket_closed(s.policy, s.catalogue, ticket);
    let moved = Moved {
        sentinel: base.incident_status.as_ref() != Some(now),
        halo: ticket.status_id != base.status_id || ticket_closed != base.ticket_closed,
    };
    if mapping::status_means(s.policy, s.catalogue, ticket, now) {
        base.incident_status = Some(now.clone());
        base.status_id = ticket.status_id;
        base.ticket_closed = ticket_closed;
        return;
    }
    match winner(moved, now, ticket_closed) {
        Winner::Nobody => {}
        Winner::Sentinel => to_ticket(s, ticket, ticket_closed, gathered, out),
        Winner::Halo if !carries_back(s.workspace.mode) => out.remark(Reason::ModeOneWay),
        Winner::Halo => to_incident(s, ticket, base, gathered, out),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Winner {
    Sentinel,
    Halo,
    Nobody,
}

/// Where both moved, a closure beats a change between open states (it carries a verdict), else Halo's status wins.
fn winner(moved: Moved, incident: &IncidentStatus, ticket_closed: bool) -> Winner {
    match (moved.sentinel, moved.halo) {
        (false, false) => Winner::Nobody,
        (true, false) => Winner::Sentinel,
        (false, true) => Winner::Halo,
        (true, true) if *incident == IncidentStatus::Closed && !ticket_closed => Winner::Sentinel,
        (true, true) => Winner::Halo,
    }
}

fn to_ticket(s: &Situation<'_>, ticket: &Ticket, ticket_closed: bool, gathered: &mut Gathered, out: &mut Plan) {
    let now = &s.incident.status;
    let status_id = match mapping::status(s.policy, s.catalogue, now) {
        Ok(id) => id,
        Err(reason) => return out.item(reason),
    };
    if ticket.status_id == Some(status_id) && ticket_closed == (*now == IncidentStatus::Closed) {
        return;
    }
    gathered.ticket.status_id = Some(status_id);
    let reason = match now {
        IncidentStatus::Closed => {
            gathered.ticket.closure_note = Some(closing::closure_note(s.incident));
            gathered.ticket.custom_fields.extend(closing::field_of_verdict(s.policy, s.catalogue, s.incident));
            Reason::IncidentClosed
        }
        _ if ticket_closed => Reason::IncidentReopened,
        _ => Reason::ChangedInSentinel { field: "status".into() },
    };
    gathered.ticket_reason = Some(reason);
}

fn to_incident(s: &Situation<'_>, ticket: &Ticket, base: &mut Base, gathered: &mut Gathered, out: &mut Plan) {
    let wanted = match mapping::status_back(s.policy, s.catalogue, ticket) {
        Ok(wanted) => wanted,
        // An open status nobody mapped: the incident stays as it is, and the hole is an open item.
        Err(reason) => return out.item(reason),
    };
    let reason = match wanted {
        IncidentStatus::Closed => {
            // Without the actions the verdict may be overlooked: wait until they are read.
            let Some(actions) = s.actions else { return out.remark(Reason::TicketClosed) };
            match closing::verdict(s.policy, s.catalogue, ticket, actions) {
                Ok(verdict) => gathered.incident.verdict = Some(verdict),
                Err(reason) => {
                    if reason == Reason::VerdictMissing {
                        ask_for_verdict(s, actions, out);
                    }
                    return out.item(reason);
                }
            }
            Reason::TicketClosed
        }
        _ if s.incident.closed() => Reason::TicketReopened,
        _ => Reason::ChangedInHalo { field: "status".into() },
    };
    if base.incident_status.as_ref() == Some(&wanted) && s.incident.status == wanted {
        base.status_id = ticket.status_id;
        return;
    }
    gathered.incident.status = Some(wanted);
    gathered.incident_reason = Some(reason);
}

/// Says once on the ticket that the classification is missing.
fn ask_for_verdict(s: &Situation<'_>, actions: &[crate::domain::ticket::Action], out: &mut Plan) {
    let reference = notes::ask_reference(s);
    if actions.iter().any(|action| notes::carries(action, &reference)) {
        return;
    }
    let words = "The incident in Microsoft Sentinel stays open: this ticket was closed without a classification. \
                 Choose one of True positive, Benign positive, False positive or Undetermined on the ticket.";
    let note = NoteDraft {
        outcome: mapping::outcome(s.policy, s.catalogue),
        html: format!("<p>{words}</p><p>{reference}</p>"),
        text: format!("{words}\n\n{reference}"),
        private: true,
        reference,
    };
    out.push(OperationKind::AddNote { comment: None, note }, Reason::VerdictMissing);
}

/// Custom fields that are to follow the incident.
fn always_fields(s: &Situation<'_>, ticket: &Ticket, gathered: &mut Gathered, out: &mut Plan) {
    if ticket.custom_fields.is_empty() || !s.policy.fields.iter().any(|mapping| mapping.always) {
        return;
    }
    let mut lacking = Vec::new();
    for (id, value) in draft::custom_fields(s.policy, s.catalogue, s.incident, true, &mut lacking) {
        let there = ticket.custom_field(id);
        let text = |v: &serde_json::Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
        if there.is_some_and(|field| text(&field.value) != text(&value)) {
            gathered.ticket.custom_fields.push((id, value));
            gathered.ticket_reason.get_or_insert(Reason::ChangedInSentinel { field: "mapped field".into() });
        }
    }
    for reason in lacking {
        out.item(reason);
    }
}

/// In comment-only no field is carried, closures neither: a pair closed on one side alone says so.
pub fn closed_on_one_side(s: &Situation<'_>, ticket: &Ticket, out: &mut Plan) {
    if !s.incident.redirected() && s.incident.closed() != mapping::ticket_closed(s.policy, s.catalogue, ticket) {
        out.remark(Reason::ModeOneWay);
    }
}

/// The Sentinel half of the base as an incident stands when its ticket is drafted.
pub fn base_at_creation(incident: &Incident) -> Base {
    let status = if incident.closed() { IncidentStatus::New } else { incident.status.clone() };
    Base {
        severity: Some(incident.severity.clone()),
        incident_status: Some(status),
        owner: incident.owner.key(),
        ..Base::default()
    }
}

/// The Halo half of the base, from the ticket just made.
pub fn base_with_ticket(mut base: Base, ticket: &Ticket, closed: bool) -> Base {
    base.priority_id = ticket.priority_id;
    base.status_id = ticket.status_id;
    base.ticket_closed = closed;
    base.agent_id = ticket.agent_id;
    base
}
