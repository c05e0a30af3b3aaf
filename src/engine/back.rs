//! Writing back to Sentinel: a note's comment, a change of the incident.

use std::sync::Arc;

use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        ids::{ActionKey, CommentId},
        incident::{Incident, IncidentStatus},
        operation::{IncidentChange, OperationResult},
        pair::NoteLink,
        reason::Reason,
    },
    ledger::fact::Fact,
    outbound::budget::Class,
    sentinel::{Incidents, Place},
    store::SituationRow,
};

use super::{digest::Reading, execute::Attempt};

pub(super) async fn add_comment(
    row: &SituationRow,
    sentinel: &Arc<dyn Incidents>,
    at: &Place,
    (comment, action, part): (&CommentId, ActionKey, u32),
    message: &str,
    class: Class,
) -> Attempt {
    match sentinel.write_comment(at, &row.pair.incident, comment, message, class).await {
        Ok(_) => {
            let link = NoteLink { pair: row.pair.id, comment: comment.clone(), action, part, written_in: Side::Halo };
            let facts = vec![Fact::NoteLinked { link }];
            Attempt::Done(OperationResult::Comment { comment: comment.clone() }, facts, Box::default())
        }
        // Its id is derived: sending it again writes the same comment, never a second one.
        Err(failure) if failure.kind == FailureKind::Unknown => {
            Attempt::Failed(Failure { kind: FailureKind::Transient, ..failure })
        }
        Err(failure) if failure.kind == FailureKind::Gone => {
            let what = "The incident does not exist in Sentinel any more.".to_owned();
            Attempt::Refused(Reason::RecordGone { what }, Box::default())
        }
        Err(failure) => Attempt::Failed(failure),
    }
}

/// Read, compare, merge, PUT with the etag just read; what moved since the plan voids it.
pub(super) async fn update_incident(
    row: &SituationRow,
    sentinel: &Arc<dyn Incidents>,
    at: &Place,
    change: &IncidentChange,
    class: Class,
) -> Attempt {
    let current = match sentinel.incident(at, &row.pair.incident, class).await {
        Ok(current) => current,
        Err(failure) if failure.kind == FailureKind::Gone => {
            let what = "The incident does not exist in Sentinel any more.".to_owned();
            return Attempt::Refused(Reason::RecordGone { what }, Box::default());
        }
        Err(failure) => return Attempt::Failed(failure),
    };
    let read = |mut incident: Incident| {
        // Comments that we have not read: without a version the next poll takes the incident for changed and reads them.
        if super::digest::comments_moved(row, &incident) {
            incident.etag = None;
        }
        Box::new(Reading { incident: Some(incident), ..Reading::default() })
    };
    let known = &row.subject.incident;
    let touched = change.status.is_some() && current.status != known.status
        || change.severity.is_some() && current.severity != known.severity
        || change.owner.is_some() && current.owner.key() != known.owner.key()
        || current.redirected();
    if touched {
        return Attempt::Stale("The incident changed since this was planned.".into(), read(current));
    }
    match sentinel.write(at, &current, change, class).await {
        Ok(answer) => {
            let mut base = row.pair.base.clone();
            if let Some(ticket) = &row.ticket {
                if change.status.is_some() {
                    base.incident_status = Some(answer.status.clone());
                    base.status_id = ticket.status_id;
                    base.ticket_closed = answer.status == IncidentStatus::Closed;
                }
                if change.owner.is_some() {
                    base.owner = answer.owner.key();
                    base.agent_id = ticket.agent_id;
                }
                if change.severity.is_some() {
                    base.severity = Some(answer.severity.clone());
                    base.priority_id = ticket.priority_id;
                }
            }
            let etag = answer.etag.clone();
            let facts = vec![Fact::BaseAgreed { pair: row.pair.id, base }];
            Attempt::Done(OperationResult::Incident { etag }, facts, read(answer))
        }
        Err(failure) if failure.kind == FailureKind::Conflict => {
            Attempt::Stale("Somebody wrote to the incident at the same moment.".into(), read(current))
        }
        Err(failure) if failure.kind == FailureKind::Unknown => {
            match sentinel.incident(at, &row.pair.incident, class).await {
                Ok(now) => Attempt::Stale(
                    "No answer came; it is planned anew from what the incident says now.".into(),
                    read(now),
                ),
                Err(_) => Attempt::Failed(Failure { kind: FailureKind::Transient, ..failure }),
            }
        }
        Err(failure) => Attempt::Failed(failure),
    }
}
