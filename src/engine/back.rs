//! Writing back to Sentinel: a note's comment, a change of the incident.

use std::sync::Arc;

use crate::{
    domain::{
        drift::DriftRule,
        failure::{Failure, FailureKind, Side},
        ids::{CommentId, fingerprint},
        incident::{Comment, Incident, Owner},
        operation::{Carried, IncidentChange, OperationKind, OperationResult},
        pair::{Base, RefusedOwner},
        reason::Reason,
        ticket::{Action, NoteDraft, Ticket},
    },
    ledger::fact::Fact,
    outbound::budget::Class,
    planner::{
        agreed, alerts,
        fields::status,
        notes::{self, budget, to_sentinel::TICKET_ITSELF, words},
        observed::Reading,
        sent::{self, Found},
    },
    sentinel::{Incidents, Place},
    store::SituationRow,
};

use super::{Engine, digest::observed, execute::Attempt, forth};

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
    let doubted = engine.schedule().comments_forgotten(row.pair.id) || others_stand(row, comment, carries);
    if forth::may_be_forgotten(engine, row) && doubted {
        match sentinel.comments(at, &row.pair.incident, class).await {
            Ok(_) if engine.only_reads() => return Attempt::Held,
            Ok(comments) => {
                if let Some(there) = comments.iter().find(|there| there.id == *comment) {
                    let there = there.clone();
                    return found(engine, row, sentinel, at, (carries, message), (there, comments), class).await;
                }
                // Nor is a note told again that a digest from before carries, whichever note that begins with.
                if carries.iter().any(|carried| in_a_digest(&comments, carried)) {
                    return carried_before(comments);
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
            // One that carries no note is known as read: nothing else tells that it is there. Nor does anything else tell
            // when it was written, which counts near the end of the incident's room; or that it was not deleted, where that
            // is looked for.
            let view = engine.registry.view();
            let policy = view.of_workspace(row.pair.workspace).map(|(_, _, policy)| policy);
            let missed = policy.is_some_and(|policy| policy.drift.lost_comment != DriftRule::Ignore);
            let there = i64::try_from(observed(row).there()).unwrap_or(i64::MAX);
            if missed || carries.is_empty() || budget::counts_time(there) {
                let own = Comment::own(comment.clone(), message, engine.now());
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

/// Whether a comment that nobody remembers writing is known to stand under the id of own words of ours about the ticket: these
/// may have been planned before it was read.
fn others_stand(row: &SituationRow, comment: &CommentId, carries: &[Carried]) -> bool {
    let own_words = |carried: &Carried| carried.action.action == TICKET_ITSELF && carried.edit > 0;
    carries.iter().any(own_words)
        && row.comments.iter().flatten().any(|there| there.id == *comment)
        && row.links.iter().all(|link| link.comment != *comment)
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
    Fact::NoteLinked { link: carried.link(row.pair.id, comment) }
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
                    comments.push(Comment::own(comment.clone(), message, engine.now()));
                    done(&comment, facts, comments)
                }
                Err(failure) => failed(row, failure, engine.now()),
            }
        }
        None => carried_before(comments),
    }
}

/// After a restore the incident's comments are read before an edit of one of them is told: the backup may know it in words
/// that are older than those of the note that tells it. `None`: nothing is in the way.
pub(super) async fn recalled(
    engine: &Engine,
    row: &SituationRow,
    kind: &OperationKind,
    class: Class,
) -> Option<Attempt> {
    let edited = matches!(kind, OperationKind::AddNote { comment: Some(_), edit: 1.., .. });
    if !edited || !forth::may_be_forgotten(engine, row) || !engine.schedule().comments_forgotten(row.pair.id) {
        return None;
    }
    let view = engine.registry.view();
    let (workspace, _, _) = view.of_workspace(row.pair.workspace)?;
    let at = view.place(workspace)?;
    let sentinel = match engine.registry.sentinel(workspace.connection) {
        Ok(sentinel) => sentinel,
        Err(failure) => return Some(Attempt::Failed(Failure { kind: FailureKind::Transient, ..failure })),
    };
    match sentinel.comments(&at, &row.pair.incident, class).await {
        Ok(comments) => {
            let reading = Reading { comments: Some(comments), ..Reading::default() };
            Some(Attempt::Stale("It was planned before the comments were read again.".into(), Box::new(reading)))
        }
        Err(failure) if failure.kind == FailureKind::Gone => None,
        Err(failure) => {
            // It is the other side's: the note waits for it, and is not given up for it.
            let waits = matches!(failure.kind, FailureKind::WaitUntil { .. });
            let kind = if waits { failure.kind } else { FailureKind::Transient };
            Some(Attempt::Failed(Failure { kind, ..failure }))
        }
    }
}

/// Whether a note was planned before notes of ours were read that tell of some of its alerts, or of a later edit of its comment:
/// the backup has forgotten those.
pub(super) fn told_since(engine: &Engine, row: &SituationRow, kind: &OperationKind, actions: &[Action]) -> bool {
    if !forth::may_be_forgotten(engine, row) {
        return false;
    }
    if let OperationKind::AddNote { comment: Some(comment), edit, .. } = kind {
        let view = engine.registry.view();
        let Some((workspace, _, _)) = view.of_workspace(row.pair.workspace) else { return false };
        let record = (workspace.arm_id.as_str(), &row.pair.incident);
        return notes::noted_later(record, (comment, *edit), actions);
    }
    let operation = row.operations.iter().find(|operation| operation.kind == *kind);
    let Some(Reason::AlertsJoined { alerts }) = operation.map(|operation| &operation.reason) else { return false };
    alerts.iter().any(|id| actions.iter().any(|action| alerts::tells(action, id)))
}

/// Whether an action is the note that is to be written: it carries its reference; or the note tells of a reopening, which an
/// action that the backup has forgotten told of, by the time that the incident had then.
pub(super) fn stands(engine: &Engine, row: &SituationRow, note: &NoteDraft, action: &Action) -> bool {
    let forgotten = || {
        let known = row.actions.iter().flatten().any(|known| known.key == action.key);
        !known && forth::may_be_forgotten(engine, row)
    };
    notes::bears(action, &note.reference)
        || note.text.starts_with(status::REOPENED) && status::says_reopened(action) && forgotten()
}

/// It is planned anew by the notes that were read.
pub(super) fn told_anew(ticket: Ticket, actions: Vec<Action>) -> Attempt {
    let reading = Reading { ticket: Some(ticket), actions: Some(actions), ..Reading::default() };
    Attempt::Stale("The ticket tells of some of this already.".into(), Box::new(reading))
}

/// What it carried by then is recognised by the plan that follows, and what is left of it is told as an edit.
fn carried_before(comments: Vec<Comment>) -> Attempt {
    let reading = Reading { comments: Some(comments), ..Reading::default() };
    Attempt::Stale("A comment from before the restore carries it.".into(), Box::new(reading))
}

/// Whether a digest names the note that is to be told. That it is ours the plan looks at.
fn in_a_digest(comments: &[Comment], carried: &Carried) -> bool {
    let named = |comment: &Comment| budget::digested(&comment.message, carried.action.ticket).contains(&carried.action);
    let first = (carried.edit, carried.part) == (0, 0) && carried.action.action != TICKET_ITSELF;
    first && comments.iter().any(named)
}

/// Makes the incident of a pushed ticket, unless it is there: its id is derived, and what an earlier try made is taken as it
/// is, for people may have worked on it since.
pub(super) async fn create_incident(
    engine: &Engine,
    row: &SituationRow,
    sentinel: &Arc<dyn Incidents>,
    at: &Place,
    drafted: &Incident,
    class: Class,
) -> Attempt {
    match sentinel.incident(at, &drafted.id, class).await {
        Ok(there) => return incident_made(engine, row, there, false),
        Err(_) if engine.only_reads() => return Attempt::Held,
        Err(failure) if failure.kind == FailureKind::Gone => {}
        // Nothing was written yet.
        Err(failure) if failure.kind == FailureKind::Unknown => {
            return Attempt::Failed(Failure { kind: FailureKind::Transient, ..failure });
        }
        Err(failure) => return Attempt::Failed(failure),
    }
    match sentinel.write(at, drafted, &IncidentChange::default(), class).await {
        Ok(answer) => incident_made(engine, row, answer, true),
        Err(failure) if failure.kind == FailureKind::Gone => {
            let message = "The workspace does not exist (any more).".to_owned();
            Attempt::Failed(Failure { kind: FailureKind::Rejected, message, ..failure })
        }
        Err(failure) => Attempt::Failed(failure),
    }
}

/// The incident of a pushed ticket is there. Where the answer to our own write tells of it (`own`), what it says is agreed
/// on; where it was found, what it says otherwise than it was drafted is a change that somebody made.
pub(super) fn incident_made(engine: &Engine, row: &SituationRow, incident: Incident, own: bool) -> Attempt {
    let (now, before) = (engine.now(), &row.pair.base);
    let mut base = if own { agreed::with_incident(before.clone(), &incident) } else { before.clone() };
    if now.duration_since(row.pair.created) > forth::AT_ONCE {
        base.ticketed = Some(now);
    }
    let moved = (base != *before).then_some(Fact::BaseAgreed { pair: row.pair.id, base });
    let etag = incident.etag.clone();
    let reading = observed(row).around_write(incident, false);
    Attempt::Done(OperationResult::Incident { etag }, moved.into_iter().collect(), Box::new(reading))
}

/// A change of ours whose answer was never recorded shows on the incident.
pub(super) fn arrived(row: &SituationRow, change: &IncidentChange, current: Incident) -> Attempt {
    let base = sent::incident_landed(row.pair.base.clone(), change, &current);
    let facts = vec![Fact::BaseAgreed { pair: row.pair.id, base }];
    let etag = current.etag.clone();
    let observed = observed(row);
    let reading = observed.around_write(current, observed.edited_unseen(None));
    Attempt::Done(OperationResult::Incident { etag }, facts, Box::new(reading))
}

/// The same where the answer to it was this failure: that a deleted incident was made again by it is said.
pub(super) fn arrived_after(
    row: &SituationRow,
    change: &IncidentChange,
    current: Incident,
    failure: Option<&Failure>,
) -> Attempt {
    match (arrived(row, change, current), failure.filter(|failure| failure.made_again())) {
        (Attempt::Done(_, facts, reading), Some(failure)) => {
            Attempt::Withdrawn(failure.message.clone(), facts, reading)
        }
        (arrived, _) => arrived,
    }
}

/// Read, compare, merge, PUT with the etag just read; what moved since the plan voids it. `was_sent`: it was sent before,
/// and may have arrived.
pub(super) async fn update_incident(
    engine: &Engine,
    row: &SituationRow,
    sentinel: &Arc<dyn Incidents>,
    at: &Place,
    (change, was_sent): (&IncidentChange, bool),
    class: Class,
) -> Attempt {
    let current = match sentinel.incident(at, &row.pair.incident, class).await {
        Ok(_) if engine.only_reads() => return Attempt::Held,
        Ok(current) => current,
        Err(failure) if failure.kind == FailureKind::Gone => {
            return gone(row, failure, engine.now());
        }
        Err(failure) => return Attempt::Failed(failure),
    };
    let observed = observed(row);
    let edited_unseen = observed.edited_unseen(Some(&current));
    let read = |incident: Incident| Box::new(observed.around_write(incident, edited_unseen));
    let arrived = |current: Incident| arrived(row, change, current);
    match sent::incident_found(change, was_sent, observed.incident, &current) {
        Found::Arrived => return arrived(current),
        Found::Moved => return Attempt::Stale("The incident changed since this was planned.".into(), read(current)),
        Found::AsKnown => {}
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
                Ok(now) if now.etag != current.etag && sent::incident_stands(change, &now) => arrived(now),
                // Nobody wrote: asked again at once it would be refused again.
                Ok(now) if now.etag == current.etag => Attempt::Failed(failure),
                Ok(now) => Attempt::Stale("Somebody wrote to the incident at the same moment.".into(), read(now)),
                Err(_) => Attempt::Failed(Failure { kind: FailureKind::Unknown, ..failure }),
            }
        }
        // Azure refuses the whole for an owner whom Entra does not know: a closure must not wait for that. Planned
        // anew, the owner is refused alone, and waits for a person.
        Err(failure) if failure.kind == FailureKind::Rejected && change.owner.is_some() && !owner_alone(change) => {
            let rest = IncidentChange { owner: None, ..change.clone() };
            Box::pin(update_incident(engine, row, sentinel, at, (&rest, was_sent), class)).await
        }
        Err(failure) if failure.kind == FailureKind::Rejected => match change.owner.as_ref().and_then(Owner::key) {
            Some(owner) => {
                // An open item of the pair's, not a dead letter beside it.
                let said = Reason::OwnerUnknown { owner: owner.clone(), why: failure.message.clone() }.words();
                let refused = Some(RefusedOwner { owner, why: failure.message, at: engine.now() });
                let base = Base { refused_owner: refused, ..row.pair.base.clone() };
                Attempt::Withdrawn(said, vec![Fact::BaseAgreed { pair: row.pair.id, base }], read(current))
            }
            None => Attempt::Failed(failure),
        },
        Err(failure) if failure.kind == FailureKind::Unknown => {
            match sentinel.incident(at, &row.pair.incident, class).await {
                Ok(current) if sent::incident_stands(change, &current) => {
                    arrived_after(row, change, current, Some(&failure))
                }
                // As with a ticket: it is tried again, longer and longer apart.
                Ok(_) => Attempt::Failed(Failure { kind: FailureKind::Transient, ..failure }),
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
