//! What a person dropped is not planned again in the same form.
//!
//! A drop holds for each member of the write by itself. It ends when the value that the member was planned from
//! changes at its source, when both sides agree after all, or when somebody asks for the write again.

use crate::domain::{
    closing::Verdict,
    ids::CommentId,
    incident::IncidentStatus,
    operation::{IncidentChange, Operation, OperationKind, OperationState},
    pair::{Base, NoteLink},
    reason::Reason,
    text,
    ticket::TicketChange,
};

use super::{
    closing,
    fields::{labels, owner},
    mapping,
    plan::{Plan, Planned},
    push,
    situation::Situation,
};

/// Takes out of `wanted` what was dropped, and says so; drops that have ended are voided.
pub(super) fn keep_out(s: &Situation<'_>, wanted: &mut Vec<Planned>, out: &mut Plan) {
    let now = Base::seen(s.incident, s.ticket);
    let base = out.base.clone().unwrap_or_else(|| s.pair.base.clone());
    let closed = s.ticket.is_some_and(|ticket| mapping::ticket_closed(s.policy, s.catalogue, ticket));
    for operation in s.operations {
        let OperationState::Dropped { seen, .. } = &operation.state else { continue };
        let turns = Turns { seen, now: &now, base: &base, closed };
        let Some(holds) = holds(s, operation, &turns, wanted) else {
            out.void.push((operation.id, "What it was planned from has changed since it was dropped.".to_owned()));
            continue;
        };
        let key = operation.kind.key();
        let makes = operation.kind.makes_ticket() || operation.kind.makes_incident();
        let mut kept_out = makes || said_once(operation);
        wanted.retain_mut(|planned| {
            if planned.kind.key() != key {
                return true;
            }
            let before = planned.kind.clone();
            let left = take_out(planned, &holds);
            kept_out |= !left || planned.kind != before;
            left
        });
        let reason = Reason::dropped(&operation.kind);
        match operation.kind {
            // Without its ticket a pair carries nothing at all: as long as the incident is open somebody has to say
            // what becomes of it.
            OperationKind::CreateTicket { .. } if s.incident.status != IncidentStatus::Closed => out.item(reason),
            _ if kept_out => out.dropped(reason),
            _ => {}
        }
    }
}

/// What both sides said when it was dropped, what they say now, and what they agree on.
struct Turns<'a> {
    seen: &'a Base,
    now: &'a Base,
    base: &'a Base,
    /// Whether the ticket counts as closed now.
    closed: bool,
}

impl Turns<'_> {
    fn incident_status(&self) -> bool {
        self.seen.incident_status != self.now.incident_status || self.status_agreed()
    }

    fn ticket_moved(&self) -> bool {
        self.seen.status_id != self.now.status_id || self.seen.ticket_closed != self.now.ticket_closed
    }

    fn either_moved(&self) -> bool {
        self.ticket_moved() || self.seen.incident_status != self.now.incident_status
    }

    fn ticket_status(&self) -> bool {
        self.ticket_moved() || self.status_agreed()
    }

    fn status_agreed(&self) -> bool {
        self.base.incident_status == self.now.incident_status
            && self.base.status_id == self.now.status_id
            && self.base.ticket_closed == self.closed
    }

    fn severity(&self) -> bool {
        self.seen.severity != self.now.severity || self.severity_agreed()
    }

    fn priority(&self) -> bool {
        self.seen.priority_id != self.now.priority_id || self.severity_agreed()
    }

    fn severity_agreed(&self) -> bool {
        self.base.severity == self.now.severity && self.base.priority_id == self.now.priority_id
    }

    fn owner(&self) -> bool {
        self.seen.owner != self.now.owner || self.owner_agreed()
    }

    fn agent(&self) -> bool {
        self.seen.agent_id != self.now.agent_id || self.owner_agreed()
    }

    fn title(&self) -> bool {
        self.seen.title != self.now.title || self.title_agreed()
    }

    fn summary(&self) -> bool {
        self.seen.summary != self.now.summary || self.title_agreed()
    }

    fn title_agreed(&self) -> bool {
        self.base.title == self.now.title && self.base.summary == self.now.summary
    }

    fn owner_agreed(&self) -> bool {
        let settled = !self.base.unsettled.contains_key(owner::NAME);
        settled && self.base.owner == self.now.owner && self.base.agent_id == self.now.agent_id
    }
}

/// Words of our own that go with what both sides agree on by then (a closing's evidence, a reopening that is only
/// noted): they are planned once, so that no later plan tells that they are missing.
pub fn said_once(operation: &Operation) -> bool {
    match &operation.kind {
        OperationKind::AddNote { note, .. } if note.former.is_some() => false,
        OperationKind::AddNote { comment: None, .. } => {
            matches!(operation.reason, Reason::IncidentClosed | Reason::IncidentReopened)
        }
        OperationKind::AddComment { .. } => {
            matches!(operation.reason, Reason::TicketClosed | Reason::TicketReopened)
        }
        _ => false,
    }
}

/// The part of a dropped write that still holds; `None` when nothing of it does.
fn holds(s: &Situation<'_>, operation: &Operation, turns: &Turns<'_>, wanted: &[Planned]) -> Option<OperationKind> {
    let stands = |link: &NoteLink| !s.pair.base.replaced.contains(&link.action.ticket);
    let linked = |comment: &CommentId, edit: u32| {
        s.links.iter().any(|link| link.comment == *comment && link.edit >= edit && stands(link))
    };
    let stays = |linked: bool| {
        let key = operation.kind.key();
        let edited = wanted.iter().any(|p| p.kind.key() == key && !same_words(&p.kind, &operation.kind));
        (!edited && !linked).then(|| operation.kind.clone())
    };
    match &operation.kind {
        _ if said_once(operation) && turns.either_moved() => None,
        OperationKind::CreateTicket { follows, .. } => {
            let stands = s.pair.ticket == *follows && (follows.is_none() || !turns.incident_status());
            stands.then(|| operation.kind.clone())
        }
        OperationKind::CreateIncident { .. } => push::unmade(s).then(|| operation.kind.clone()),
        OperationKind::AddNote { comment: Some(comment), edit, .. } => stays(linked(comment, *edit)),
        OperationKind::AddComment { comment, .. } => stays(linked(comment, 0)),
        // What the former ticket is told is true whatever becomes of the pair's.
        OperationKind::AddNote { note, .. } if note.former.is_some() => Some(operation.kind.clone()),
        OperationKind::AddNote { comment: None, .. } => {
            // A question is answered when both sides agree; other words stand as long as the ticket stands.
            let over = match operation.reason {
                Reason::VerdictMissing => turns.ticket_status(),
                // They joined, whatever becomes of the ticket.
                Reason::AlertsJoined { .. } | Reason::Grouped { .. } => false,
                _ => turns.ticket_moved(),
            };
            (!over).then(|| operation.kind.clone())
        }
        OperationKind::UpdateTicket { change } => {
            let mut left = change.clone();
            if left.status_id.is_some() && turns.incident_status() {
                // Fields that go with a closing are needed for the next one.
                let TicketChange { priority_id, agent_id, summary, .. } = left;
                left = TicketChange { priority_id, agent_id, summary, ..TicketChange::default() };
            }
            left.summary = left.summary.filter(|_| !turns.title());
            left.members.retain(|(name, value)| {
                let there = s.ticket.and_then(|ticket| ticket.raw.get(name));
                there.is_none_or(|there| there != value)
            });
            left.priority_id = left.priority_id.filter(|_| !turns.severity());
            left.agent_id = left.agent_id.filter(|_| !turns.owner());
            left.custom_fields.retain(|(id, value)| {
                let there = s.ticket.and_then(|ticket| ticket.custom_field(*id));
                there.is_none_or(|field| field.value != *value)
            });
            (left != TicketChange::default()).then_some(OperationKind::UpdateTicket { change: left })
        }
        OperationKind::UpdateIncident { change } => {
            let mut left = change.clone();
            let corrects = left.status.is_none() && left.verdict.is_some();
            if corrects && (turns.either_moved() || left.verdict.as_ref().is_some_and(|verdict| told(s, verdict))) {
                left.verdict = None;
            }
            if !corrects && turns.ticket_status() {
                (left.status, left.verdict) = (None, None);
            }
            left.severity = left.severity.filter(|_| !turns.priority());
            left.owner = left.owner.filter(|_| !turns.agent());
            left.title = left.title.filter(|_| !turns.summary());
            left.labels_added.retain(|name| !s.incident.labels.iter().any(|label| label.name == *name));
            left.labels_removed.retain(|name| s.incident.bears(name) && !labels::on_ticket(s, name));
            (left != IncidentChange::default()).then_some(OperationKind::UpdateIncident { change: left })
        }
    }
}

/// Whether the incident says this classification by now.
fn told(s: &Situation<'_>, verdict: &Verdict) -> bool {
    s.incident.verdict().is_some_and(|told| closing::same(&told, verdict))
}

/// Whether two texts are the same but for how mentions in them were neutralised, which an older version did otherwise.
fn unjoint(one: &str, other: &str) -> bool {
    one == other || text::unjointed(one) == text::unjointed(other)
}

/// Whether two verdicts are.
fn same_verdict(one: Option<&Verdict>, other: Option<&Verdict>) -> bool {
    let words = |verdict: &Verdict| verdict.comment.as_deref().map(text::unjointed);
    match (one, other) {
        (Some(one), Some(other)) => {
            (&one.classification, &one.reason, words(one)) == (&other.classification, &other.reason, words(other))
        }
        (None, None) => true,
        _ => false,
    }
}

fn same_words(one: &OperationKind, other: &OperationKind) -> bool {
    match (one, other) {
        // Outcome and visibility come from the policy; the words come from the person who wrote them.
        (OperationKind::AddNote { note: a, .. }, OperationKind::AddNote { note: b, .. }) => unjoint(&a.html, &b.html),
        (OperationKind::AddComment { message: a, .. }, OperationKind::AddComment { message: b, .. }) => unjoint(a, b),
        _ => false,
    }
}

/// What a change says at a closing, as it was told before any mention in it was neutralised.
fn closing_words(change: &TicketChange) -> Option<String> {
    change.closure_note.as_deref().map(text::unjointed)
}

/// Takes the members of a write that is not to be repeated out of a planned one of the same key; `false` when
/// nothing is left of it.
pub(super) fn take_out(planned: &mut Planned, dropped: &OperationKind) -> bool {
    match (&mut planned.kind, dropped) {
        (OperationKind::UpdateTicket { change }, OperationKind::UpdateTicket { change: gone }) => {
            let closing = change.status_id.is_some();
            if closing && (change.status_id, closing_words(change)) == (gone.status_id, closing_words(gone)) {
                (change.status_id, change.closure_note) = (None, None);
            }
            if change.priority_id == gone.priority_id {
                change.priority_id = None;
            }
            if change.agent_id == gone.agent_id {
                change.agent_id = None;
            }
            if change.summary == gone.summary {
                change.summary = None;
            }
            change.members.retain(|member| !gone.members.contains(member));
            if change.status_id.is_none() {
                change.custom_fields.retain(|field| !gone.custom_fields.contains(field));
            }
            if closing && change.status_id.is_none() {
                let field = match (change.priority_id, change.agent_id) {
                    (Some(_), _) => "severity",
                    (None, Some(_)) => "owner",
                    (None, None) => "mapped field",
                };
                planned.reason = Reason::ChangedInSentinel { field: field.into() };
            }
            *change != TicketChange::default()
        }
        (OperationKind::UpdateIncident { change }, OperationKind::UpdateIncident { change: gone }) => {
            let status = change.status.is_some();
            let told = same_verdict(change.verdict.as_ref(), gone.verdict.as_ref());
            if status && told && change.status == gone.status {
                (change.status, change.verdict) = (None, None);
                let field = if change.owner.is_some() { "owner" } else { "severity" };
                planned.reason = Reason::ChangedInHalo { field: field.into() };
            }
            if change.status.is_none() && told {
                change.verdict = None;
            }
            if change.severity == gone.severity {
                change.severity = None;
            }
            if change.owner == gone.owner {
                change.owner = None;
            }
            if change.title == gone.title {
                change.title = None;
            }
            change.labels_added.retain(|name| !gone.labels_added.contains(name));
            change.labels_removed.retain(|name| !gone.labels_removed.contains(name));
            *change != IncidentChange::default()
        }
        // The same record, or the same words.
        _ => false,
    }
}
