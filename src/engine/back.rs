//! Writing back to Sentinel: a note's comment, a change of the incident.

use std::sync::Arc;

use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        ids::CommentId,
        incident::{Comment, Incident},
        operation::{Carried, IncidentChange, OperationResult},
        pair::NoteLink,
    },
    ledger::fact::Fact,
    outbound::budget::Class,
    planner::agreed,
    sentinel::{Incidents, Place},
    store::SituationRow,
};

use super::{digest::Reading, execute::Attempt};

pub(super) async fn add_comment(
    row: &SituationRow,
    sentinel: &Arc<dyn Incidents>,
    at: &Place,
    (comment, carries): (&CommentId, &[Carried]),
    (message, now): (&str, jiff::Timestamp),
    class: Class,
) -> Attempt {
    match sentinel.write_comment(at, &row.pair.incident, comment, message, class).await {
        Ok(_) => {
            let link = |carried: &Carried| NoteLink {
                pair: row.pair.id,
                comment: comment.clone(),
                action: carried.action,
                edit: carried.edit,
                part: carried.part,
                said: Some(carried.said.clone()).filter(|said| !said.is_empty()),
                written_in: Side::Halo,
            };
            let facts = carries.iter().map(|carried| Fact::NoteLinked { link: link(carried) }).collect();
            let mut reading = Reading::default();
            // One that carries no note is known as read: nothing else tells that it is there.
            if carries.is_empty() {
                reading.own_comment = Some(written(comment, message, now));
            }
            Attempt::Done(OperationResult::Comment { comment: comment.clone() }, facts, Box::new(reading))
        }
        // Its id is derived: sending it again writes the same comment, never a second one.
        Err(failure) if failure.kind == FailureKind::Unknown => {
            Attempt::Failed(Failure { kind: FailureKind::Transient, ..failure })
        }
        Err(failure) if failure.kind == FailureKind::Gone => gone(row, failure, now),
        Err(failure) => Attempt::Failed(failure),
    }
}

fn written(comment: &CommentId, message: &str, now: jiff::Timestamp) -> Comment {
    Comment {
        id: comment.clone(),
        message: message.to_owned(),
        author: None,
        author_object_id: None,
        created: Some(now),
        modified: None,
        etag: None,
        raw: serde_json::Value::Null,
    }
}

/// Read, compare, merge, PUT with the etag just read; what moved since the plan voids it.
pub(super) async fn update_incident(
    row: &SituationRow,
    sentinel: &Arc<dyn Incidents>,
    at: &Place,
    change: &IncidentChange,
    now: jiff::Timestamp,
    class: Class,
) -> Attempt {
    let current = match sentinel.incident(at, &row.pair.incident, class).await {
        Ok(current) => current,
        Err(failure) if failure.kind == FailureKind::Gone => {
            return gone(row, failure, now);
        }
        Err(failure) => return Attempt::Failed(failure),
    };
    let has_comments = row.comments.as_ref().is_some_and(|comments| !comments.is_empty());
    let edited_unseen = has_comments && current.etag != row.subject.incident.etag;
    let read = |mut incident: Incident| {
        // Comments that we have not read, or that were edited behind our own write: without a version the next poll
        // takes the incident for changed and reads them.
        if super::digest::comments_moved(row, &incident) || edited_unseen {
            incident.etag = None;
        }
        Box::new(Reading { incident: Some(incident), ..Reading::default() })
    };
    let known = &row.subject.incident;
    let touched = change.status.is_some() && current.status != known.status
        || change.severity.is_some() && current.severity != known.severity
        || change.owner.is_some() && current.owner.key() != known.owner.key()
        || change.title.is_some() && current.title != known.title
        || current.redirected();
    if touched {
        return Attempt::Stale("The incident changed since this was planned.".into(), read(current));
    }
    match sentinel.write(at, &current, change, class).await {
        Ok(answer) => {
            let base = match &row.ticket {
                Some(ticket) => agreed::after_incident(row.pair.base.clone(), ticket, change, &answer),
                None => row.pair.base.clone(),
            };
            let etag = answer.etag.clone();
            let facts = vec![Fact::BaseAgreed { pair: row.pair.id, base }];
            Attempt::Done(OperationResult::Incident { etag }, facts, read(answer))
        }
        Err(failure) if failure.kind == FailureKind::Conflict => {
            Attempt::Stale("Somebody wrote to the incident at the same moment.".into(), read(current))
        }
        // Azure refuses the whole for an owner whom Entra does not know: a closure must not wait for that. Planned
        // anew, the owner is refused alone, and waits for a person.
        Err(failure) if failure.kind == FailureKind::Rejected && change.owner.is_some() && !owner_alone(change) => {
            let rest = IncidentChange { owner: None, ..change.clone() };
            Box::pin(update_incident(row, sentinel, at, &rest, now, class)).await
        }
        Err(failure) if failure.kind == FailureKind::Unknown => {
            match sentinel.incident(at, &row.pair.incident, class).await {
                Ok(current) => Attempt::Stale(
                    "No answer came; it is planned anew from what the incident says now.".into(),
                    read(current),
                ),
                Err(_) => Attempt::Failed(Failure { kind: FailureKind::Transient, ..failure }),
            }
        }
        Err(failure) => Attempt::Failed(failure),
    }
}

fn gone(row: &SituationRow, failure: Failure, now: jiff::Timestamp) -> Attempt {
    super::forth::not_found(row, "The incident does not exist in Sentinel any more.".into(), failure, now)
}

fn owner_alone(change: &IncidentChange) -> bool {
    *change == IncidentChange { owner: change.owner.clone(), ..IncidentChange::default() }
}
