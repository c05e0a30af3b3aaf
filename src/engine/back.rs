//! Writing back to Sentinel: a note's comment, a change of the incident.

use std::sync::Arc;

use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        ids::{CommentId, fingerprint},
        incident::{Comment, Incident},
        operation::{Carried, IncidentChange, OperationResult},
        pair::NoteLink,
    },
    ledger::fact::Fact,
    outbound::budget::Class,
    planner::{
        agreed,
        notes::{to_sentinel::TICKET_ITSELF, words},
    },
    sentinel::{Incidents, Place},
    store::SituationRow,
};

use super::{Engine, digest::Reading, execute::Attempt, forth};

pub(super) async fn add_comment(
    engine: &Engine,
    row: &SituationRow,
    sentinel: &Arc<dyn Incidents>,
    at: &Place,
    (comment, carries): (&CommentId, &[Carried]),
    message: &str,
    class: Class,
) -> Attempt {
    // After a restore a comment of ours may stand there under this very id, and would be written over.
    let mut read = None;
    if forth::may_be_forgotten(engine, row) && engine.schedule().comments_forgotten(row.pair.id) {
        match sentinel.comments(at, &row.pair.incident, class).await {
            Ok(comments) => {
                if let Some(there) = comments.iter().find(|there| there.id == *comment) {
                    let there = there.clone();
                    return found(engine, row, sentinel, at, (carries, message), (there, comments), class).await;
                }
                read = Some(comments);
            }
            Err(failure) => return failed(row, failure, engine.now()),
        }
    }
    match sentinel.write_comment(at, &row.pair.incident, comment, message, class).await {
        Ok(_) => {
            let facts = carries.iter().map(|carried| linked(row, comment, carried)).collect();
            let mut reading = Reading { comments: read, ..Reading::default() };
            // One that carries no note is known as read: nothing else tells that it is there.
            if carries.is_empty() {
                let own = written(comment, message, engine.now());
                match &mut reading.comments {
                    Some(comments) => comments.push(own),
                    None => reading.own_comment = Some(own),
                }
            }
            Attempt::Done(OperationResult::Comment { comment: comment.clone() }, facts, Box::new(reading))
        }
        Err(failure) => failed(row, failure, engine.now()),
    }
}

fn failed(row: &SituationRow, failure: Failure, now: jiff::Timestamp) -> Attempt {
    match failure.kind {
        // Its id is derived: sending it again writes the same comment, never a second one.
        FailureKind::Unknown => Attempt::Failed(Failure { kind: FailureKind::Transient, ..failure }),
        FailureKind::Gone => gone(row, failure, now),
        _ => Attempt::Failed(failure),
    }
}

fn linked(row: &SituationRow, comment: &CommentId, carried: &Carried) -> Fact {
    let link = NoteLink {
        pair: row.pair.id,
        comment: comment.clone(),
        action: carried.action,
        edit: carried.edit,
        part: carried.part,
        said: Some(carried.said.clone()).filter(|said| !said.is_empty()),
        written_in: Side::Halo,
    };
    Fact::NoteLinked { link }
}

/// A comment that the database has forgotten stands under the id of one that is to be written: it is never written over.
async fn found(
    engine: &Engine,
    row: &SituationRow,
    sentinel: &Arc<dyn Incidents>,
    at: &Place,
    (carries, message): (&[Carried], &str),
    (there, mut comments): (Comment, Vec<Comment>),
    class: Class,
) -> Attempt {
    let done = |comment: &CommentId, facts, comments| {
        let reading = Reading { comments: Some(comments), ..Reading::default() };
        Attempt::Done(OperationResult::Comment { comment: comment.clone() }, facts, Box::new(reading))
    };
    let own_words = |carried: &&Carried| carried.action.action == TICKET_ITSELF;
    let own = carries.first().filter(own_words);
    let same = words::letters(&there.message) == words::letters(message);
    let names_the_ticket = own.is_some_and(|own| own.edit == 0);
    match own {
        _ if same || carries.is_empty() || names_the_ticket => {
            let facts = carries.iter().map(|carried| linked(row, &there.id, carried)).collect();
            done(&there.id, facts, comments)
        }
        // Other words of our own, and no plan would bring these back: they get the next id that is free.
        Some(own) => {
            let Some(tenant) = engine.registry.view().halo.get(&row.pair.halo).map(|halo| halo.tenant.clone()) else {
                return Attempt::Stale("The Halo instance is not configured any more.".into(), Box::default());
            };
            let id = |edit| CommentId::derived(&tenant, own.action, edit, 0);
            let free = (own.edit + 1..).find(|edit| comments.iter().all(|known| known.id != id(*edit)));
            let next = Carried { edit: free.unwrap_or(u32::MAX), ..own.clone() };
            let comment = id(next.edit);
            match sentinel.write_comment(at, &row.pair.incident, &comment, message, class).await {
                Ok(_) => {
                    let before = Carried { said: fingerprint(&there.message), ..own.clone() };
                    let facts = vec![linked(row, &there.id, &before), linked(row, &comment, &next)];
                    comments.push(written(&comment, message, engine.now()));
                    done(&comment, facts, comments)
                }
                Err(failure) => failed(row, failure, engine.now()),
            }
        }
        // What it carried by then is recognised by the plan that follows, and what is left of it is told as an edit.
        None => {
            let reading = Reading { comments: Some(comments), ..Reading::default() };
            Attempt::Stale("A comment from before the restore carries it.".into(), Box::new(reading))
        }
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

/// An incident that was read around a write of ours. Alerts or comments that we have not read, or comments that were edited
/// behind our own write: without a version the next poll takes the incident for changed and reads them.
fn told(row: &SituationRow, mut incident: Incident, edited_unseen: bool) -> Box<Reading> {
    let alerts = incident.alerts_count != row.subject.incident.alerts_count;
    if super::digest::comments_moved(row, &incident) || edited_unseen || alerts {
        incident.etag = None;
    }
    Box::new(Reading { incident: Some(incident), ..Reading::default() })
}

/// A change of ours whose answer was never recorded shows on the incident.
pub(super) fn arrived(row: &SituationRow, change: &IncidentChange, current: Incident) -> Attempt {
    let base = agreed::landed(row.pair.base.clone(), change, &current);
    let facts = vec![Fact::BaseAgreed { pair: row.pair.id, base }];
    // What moved before it was written cannot be told from what it moved itself.
    let comments = row.comments.as_ref().is_some_and(|comments| !comments.is_empty());
    Attempt::Done(OperationResult::Incident { etag: current.etag.clone() }, facts, told(row, current, comments))
}

/// Read, compare, merge, PUT with the etag just read; what moved since the plan voids it. `sent`: it was sent before, and
/// may have arrived.
pub(super) async fn update_incident(
    row: &SituationRow,
    sentinel: &Arc<dyn Incidents>,
    at: &Place,
    (change, sent): (&IncidentChange, bool),
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
    let read = |incident: Incident| told(row, incident, edited_unseen);
    let arrived = |current: Incident| arrived(row, change, current);
    if sent && agreed::stands(change, &current) && !current.redirected() {
        return arrived(current);
    }
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
        Ok(answer) if !agreed::taken(&current, change, &answer) => {
            // A web page in place of an answer, or a value that the service ignores: nothing was agreed on.
            let text = "Azure said that the change was made, and the incident does not have it.";
            Attempt::Failed(Failure::new(Side::Sentinel, FailureKind::Transient, text))
        }
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
            // Something between us and Azure may have sent it twice: then it was ourselves.
            match sentinel.incident(at, &row.pair.incident, class).await {
                Ok(now) if now.etag != current.etag && agreed::stands(change, &now) => arrived(now),
                Ok(now) => Attempt::Stale("Somebody wrote to the incident at the same moment.".into(), read(now)),
                Err(_) => Attempt::Failed(Failure { kind: FailureKind::Unknown, ..failure }),
            }
        }
        // Azure refuses the whole for an owner whom Entra does not know: a closure must not wait for that. Planned
        // anew, the owner is refused alone, and waits for a person.
        Err(failure) if failure.kind == FailureKind::Rejected && change.owner.is_some() && !owner_alone(change) => {
            let rest = IncidentChange { owner: None, ..change.clone() };
            Box::pin(update_incident(row, sentinel, at, (&rest, sent), now, class)).await
        }
        Err(failure) if failure.kind == FailureKind::Unknown => {
            match sentinel.incident(at, &row.pair.incident, class).await {
                Ok(current) if agreed::stands(change, &current) => arrived(current),
                Ok(current) => Attempt::Stale(
                    "No answer came; it is planned anew from what the incident says now.".into(),
                    read(current),
                ),
                Err(_) => Attempt::Failed(failure),
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
