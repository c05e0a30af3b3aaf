//! Carrying out a pair's queue: one operation at a time, in order; each is durable before it is sent and
//! its answer is recorded, with the plan that follows from it, before the next one begins.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        ids::{CommentId, OperationId, PairId, TicketId},
        operation::{Operation, OperationKind, OperationResult, OperationState},
        pair::NoteLink,
        reason::Reason,
        ticket::{Action, NoteDraft, Ticket, TicketChange, TicketDraft},
    },
    halo_itsm::Halo,
    ledger::fact::Fact,
    outbound::budget::Class,
    planner::{fields, mapping, notes, retry},
    store::{SituationRow, StoreError},
};

use super::{
    Engine, back,
    digest::{self, Reading},
    registry::salt,
    settle,
};

/// Operations carried out in one go; a longer queue is gone on with at the next turn.
const TURN_MAX: usize = 50;

/// What an attempt came to.
pub(super) enum Attempt {
    /// Carried out: what was made, and what the answer tells of either side.
    Done(OperationResult, Vec<Fact>, Box<Reading>),
    /// Not needed in this form any more: plan anew from this reading.
    Stale(String, Box<Reading>),
    /// Failed.
    Failed(Failure),
    /// A person has to decide.
    Refused(Reason, Box<Reading>),
}

impl Attempt {
    fn done(result: OperationResult) -> Self {
        Self::Done(result, Vec::new(), Box::default())
    }
}

/// Carries out what is ready in a pair's queue.
pub(super) async fn run(engine: &Engine, pair: PairId) -> Result<(), StoreError> {
    for _ in 0..TURN_MAX {
        let Some(row) = engine.store.situation(pair).await? else { return Ok(()) };
        let now = engine.now();
        let Some(operation) = head(&row) else { return Ok(()) };
        match &operation.state {
            OperationState::Planned { ready } if *ready <= now => attempt(engine, &row, operation).await?,
            // Left behind by a process that ended while sending.
            OperationState::Sending { since } => {
                let unknown = OperationState::OutcomeUnknown { since: *since, look: now, looks: 0 };
                let (attempts, failure) = (operation.attempts, operation.last_failure.clone());
                moved(engine, operation, unknown, attempts, failure, Reading::default()).await?;
            }
            OperationState::OutcomeUnknown { look, .. } if *look <= now => settle::run(engine, &row, operation).await?,
            _ => return Ok(()),
        }
        // What was recorded says whether more is ready.
        if !engine.schedule().pairs.remove(&pair) {
            return Ok(());
        }
    }
    engine.schedule().pairs.insert(pair);
    Ok(())
}

/// The operation whose turn it is. Nothing else of a pair is sent before its ticket exists.
pub(super) fn head(row: &SituationRow) -> Option<&Operation> {
    let first = row.operations.iter().find(|operation| operation.state.open())?;
    let dead_create = row.pair.ticket.is_none()
        && row.operations.iter().any(|o| {
            matches!(o.kind, OperationKind::CreateTicket { .. }) && matches!(o.state, OperationState::Dead { .. })
        });
    (!dead_create).then_some(first)
}

/// Records how an operation moved, with what was read meanwhile, and plans anew.
pub(super) async fn moved(
    engine: &Engine,
    operation: &Operation,
    state: OperationState,
    attempts: u32,
    failure: Option<Failure>,
    reading: Reading,
) -> Result<(), StoreError> {
    let fact = Fact::OperationMoved { operation: operation.id, pair: operation.pair, state, attempts, failure };
    digest::pair(engine, operation.pair, vec![fact], reading).await
}

async fn attempt(engine: &Engine, row: &SituationRow, operation: &Operation) -> Result<(), StoreError> {
    let creating = matches!(operation.kind, OperationKind::CreateTicket { .. });
    if creating && operation.attempts == 0 && may_be_forgotten(engine, row) {
        // After a restore or on a copy: the ticket may be there and only our memory of it gone.
        let now = engine.now();
        let unknown = OperationState::OutcomeUnknown { since: now, look: now, looks: 0 };
        return moved(engine, operation, unknown, 1, None, Reading::default()).await;
    }
    // Creates wait for their lane before they count as sent: a crash while waiting leaves nothing unknown.
    let _lane = if creating { Some(engine.lanes.create(row.pair.halo).await) } else { None };
    let attempts = operation.attempts + 1;
    {
        let now = engine.now();
        let state = OperationState::Sending { since: now };
        let failure = operation.last_failure.clone();
        let sending = Fact::OperationMoved { operation: operation.id, pair: operation.pair, state, attempts, failure };
        let mut tx = engine.store.begin().await?;
        tx.record(now, Some(operation.client), sending).await?;
        tx.commit().await?;
    }
    let outcome = send(engine, row, operation).await;
    let now = engine.now();
    tracing::info!(
        operation.id = %operation.id, pair.id = %operation.pair, kind = operation.kind.name(), attempts,
        outcome = match &outcome {
            Attempt::Done(..) => "done",
            Attempt::Stale(..) => "planned anew",
            Attempt::Failed(_) => "failed",
            Attempt::Refused(..) => "refused",
        },
        "operation"
    );
    finish(engine, operation, attempts, outcome, now).await
}

/// Whether a ticket for this incident may have been made in a time that the database does not remember.
fn may_be_forgotten(engine: &Engine, row: &SituationRow) -> bool {
    let forgotten = engine.schedule().forgotten_until;
    // Both sides' clocks may be wrong, and an incident without a time may be of any.
    let slack = SignedDuration::from_hours(1);
    forgotten.is_some_and(|until| row.subject.incident.created.is_none_or(|created| created < until + slack))
}

/// Records what an attempt came to.
pub(super) async fn finish(
    engine: &Engine,
    operation: &Operation,
    attempts: u32,
    outcome: Attempt,
    now: Timestamp,
) -> Result<(), StoreError> {
    let fact = |state, failure| Fact::OperationMoved {
        operation: operation.id,
        pair: operation.pair,
        state,
        attempts,
        failure,
    };
    match outcome {
        Attempt::Done(result, facts, reading) => {
            let mut all = vec![fact(OperationState::Done { at: now, result }, None)];
            all.extend(facts);
            digest::pair(engine, operation.pair, all, *reading).await
        }
        Attempt::Stale(why, reading) => {
            let state = OperationState::Void { at: now, why };
            digest::pair(engine, operation.pair, vec![fact(state, None)], *reading).await
        }
        Attempt::Refused(reason, reading) => {
            let state = OperationState::Dead { at: now, reason };
            digest::pair(engine, operation.pair, vec![fact(state, operation.last_failure.clone())], *reading).await
        }
        Attempt::Failed(failure) => {
            tracing::warn!(operation.id = %operation.id, pair.id = %operation.pair, error = %failure, "a write failed");
            let waits = matches!(failure.kind, FailureKind::WaitUntil { .. } | FailureKind::SignInAgain);
            // What never left is no attempt.
            let attempts = if waits { operation.attempts } else { attempts };
            let state = retry::after(&failure, operation.planned, attempts.max(1), salt(&operation.id.0), now);
            let moved = Fact::OperationMoved {
                operation: operation.id,
                pair: operation.pair,
                state,
                attempts,
                failure: Some(failure),
            };
            digest::pair(engine, operation.pair, vec![moved], Reading::default()).await
        }
    }
}

/// What an operation's class is, for the budget.
pub(super) fn class_of(operation: &Operation) -> Class {
    match &operation.kind {
        OperationKind::CreateTicket { .. } => Class::New,
        OperationKind::AddNote { .. } | OperationKind::AddComment { .. } => Class::Comment,
        OperationKind::UpdateTicket { .. } | OperationKind::UpdateIncident { .. } => Class::Closure,
    }
}

async fn send(engine: &Engine, row: &SituationRow, operation: &Operation) -> Attempt {
    let class = class_of(operation);
    match operation.kind.side() {
        Side::Halo => {
            let halo = match engine.registry.halo(row.pair.halo) {
                Ok(halo) => halo,
                Err(failure) => return Attempt::Failed(failure),
            };
            match (&operation.kind, row.pair.ticket) {
                (OperationKind::CreateTicket { draft }, None) => create(engine, row, &halo, draft, class).await,
                (OperationKind::CreateTicket { .. }, Some(ticket)) => {
                    Attempt::done(OperationResult::Ticket { ticket, settled: true })
                }
                (OperationKind::AddNote { comment, note }, Some(ticket)) => {
                    add_note(row, &halo, ticket, comment.as_ref(), note, class).await
                }
                (OperationKind::UpdateTicket { change }, Some(ticket)) => {
                    update_ticket(engine, row, &halo, ticket, change, class).await
                }
                _ => Attempt::Stale("The ticket does not exist yet.".into(), Box::default()),
            }
        }
        Side::Sentinel => {
            let view = engine.registry.view();
            let Some((workspace, _, _)) = view.of_workspace(row.pair.workspace) else {
                return Attempt::Stale("The workspace is not configured any more.".into(), Box::default());
            };
            let Some(at) = view.place(workspace) else {
                return Attempt::Stale("The workspace has no readable ARM id.".into(), Box::default());
            };
            let sentinel = match engine.registry.sentinel(workspace.connection) {
                Ok(sentinel) => sentinel,
                Err(failure) => return Attempt::Failed(failure),
            };
            match &operation.kind {
                OperationKind::AddComment { comment, action, part, message } => {
                    back::add_comment(row, &sentinel, &at, (comment, *action, *part), message, class).await
                }
                OperationKind::UpdateIncident { change } => {
                    back::update_incident(row, &sentinel, &at, change, class).await
                }
                _ => Attempt::Stale("The operation has no such side.".into(), Box::default()),
            }
        }
    }
}

async fn create(engine: &Engine, row: &SituationRow, halo: &Arc<Halo>, draft: &TicketDraft, class: Class) -> Attempt {
    match halo.create_ticket(draft, class).await {
        Ok(ticket) => ticket_made(engine, row, ticket, false),
        Err(failure) => Attempt::Failed(failure),
    }
}

/// The ticket is there: link it and take its values as agreed. One that landed on another client is a person's to move.
pub(super) fn ticket_made(engine: &Engine, row: &SituationRow, ticket: Ticket, settled: bool) -> Attempt {
    let view = engine.registry.view();
    let closed = match (view.of_workspace(row.pair.workspace), engine.registry.catalogue(row.pair.halo)) {
        (Some((_, _, policy)), Some(catalogue)) => mapping::ticket_closed(policy, &catalogue, &ticket),
        _ => ticket.closed,
    };
    let id = ticket.id;
    let base = fields::base_with_ticket(row.pair.base.clone(), &ticket, closed);
    let pair = row.pair.id;
    let facts = vec![Fact::TicketLinked { pair, ticket: id }, Fact::BaseAgreed { pair, base }];
    // A create's answer is the ticket as it was born: nobody has written in it. What comes later moves its times.
    let actions = (!settled && ticket.warning.is_none()).then(Vec::new);
    let reading = Reading { ticket: Some(ticket), actions, ..Reading::default() };
    Attempt::Done(OperationResult::Ticket { ticket: id, settled }, facts, Box::new(reading))
}

async fn add_note(
    row: &SituationRow,
    halo: &Arc<Halo>,
    ticket: TicketId,
    comment: Option<&CommentId>,
    note: &NoteDraft,
    class: Class,
) -> Attempt {
    // A note says what happens at one client: the ticket must still be that client's, at this moment.
    let current = match halo.ticket(ticket, class).await {
        Ok(current) if current.deleted || current.merged_into.is_some() => {
            let what = format!("Ticket {ticket} was deleted or merged in Halo.");
            return Attempt::Refused(Reason::RecordGone { what }, read_ticket(current));
        }
        Ok(current) if current.client_id != Some(row.pair.halo_client_id) => {
            return Attempt::Refused(Reason::WrongClient, read_ticket(current));
        }
        Ok(current) => current,
        Err(failure) if failure.kind == FailureKind::Gone => {
            let what = format!("Ticket {ticket} does not exist in Halo any more.");
            return Attempt::Refused(Reason::RecordGone { what }, Box::default());
        }
        Err(failure) => return Attempt::Failed(failure),
    };
    // Somebody has written in the ticket since we last read its notes. After a restore that may have been
    // ourselves: the note may stand there already.
    let known = row.ticket.as_ref().filter(|_| row.actions.is_some());
    if known.is_none_or(|known| known.last_action != current.last_action) {
        match halo.actions(ticket, class).await {
            Ok(actions) => {
                if let Some(action) = actions.into_iter().find(|action| notes::carries(action, &note.reference)) {
                    return note_made(row, comment, action, true);
                }
            }
            Err(failure) => return Attempt::Failed(failure),
        }
    }
    match halo.add_note(ticket, note, class).await {
        Ok(action) => note_made(row, comment, action, false),
        Err(failure) if failure.kind == FailureKind::Gone => {
            let what = format!("Ticket {ticket} does not exist in Halo any more.");
            Attempt::Refused(Reason::RecordGone { what }, Box::default())
        }
        Err(failure) => Attempt::Failed(failure),
    }
}

fn read_ticket(ticket: Ticket) -> Box<Reading> {
    Box::new(Reading { ticket: Some(ticket), ..Reading::default() })
}

/// The note is there: link it with its comment, and know it as read.
pub(super) fn note_made(row: &SituationRow, comment: Option<&CommentId>, action: Action, settled: bool) -> Attempt {
    let key = action.key;
    let mut facts = Vec::new();
    if let Some(comment) = comment {
        let link =
            NoteLink { pair: row.pair.id, comment: comment.clone(), action: key, part: 0, written_in: Side::Sentinel };
        if !row.links.iter().any(|known| known.comment == link.comment) {
            facts.push(Fact::NoteLinked { link });
        }
    }
    let mut reading = Reading::default();
    if let Some(known) = &row.actions {
        let highest = known.iter().map(|a| a.key.action).max().unwrap_or(0);
        if !known.iter().any(|a| a.key == key) {
            let mut actions = known.clone();
            // Nothing came in between: the ticket's newest action is ours, and there is nothing to read again.
            if key.action == highest + 1
                && let (Some(ticket), Some(at)) = (&row.ticket, action.at)
            {
                let mut ticket = ticket.clone();
                ticket.last_action = Some(at);
                ticket.last_update = ticket.last_update.max(Some(at));
                reading.ticket = Some(ticket);
            }
            actions.push(action);
            reading.actions = Some(actions);
        }
    }
    Attempt::Done(OperationResult::Action { action: key, settled }, facts, Box::new(reading))
}

/// Changes the ticket as it stands now; what moved since the plan voids it.
async fn update_ticket(
    engine: &Engine,
    row: &SituationRow,
    halo: &Arc<Halo>,
    ticket: TicketId,
    change: &TicketChange,
    class: Class,
) -> Attempt {
    let current = match halo.ticket(ticket, class).await {
        Ok(current) => current,
        Err(failure) if failure.kind == FailureKind::Gone => {
            let what = format!("Ticket {ticket} does not exist in Halo any more.");
            return Attempt::Refused(Reason::RecordGone { what }, Box::default());
        }
        Err(failure) => return Attempt::Failed(failure),
    };
    let read = read_ticket;
    if current.client_id != Some(row.pair.halo_client_id) {
        return Attempt::Refused(Reason::WrongClient, read(current));
    }
    if let Some(known) = &row.ticket {
        let touched = change.status_id.is_some() && current.status_id != known.status_id
            || change.priority_id.is_some() && current.priority_id != known.priority_id
            || change.agent_id.is_some() && current.agent_id != known.agent_id
            || current.merged_into.is_some()
            || current.deleted;
        if touched {
            return Attempt::Stale("The ticket changed since this was planned.".into(), read(current));
        }
    }
    match halo.update_ticket(&current, change, class).await {
        Ok(answer) => {
            let ignored = change.status_id.is_some_and(|wanted| answer.status_id != Some(wanted))
                && answer.status_id == current.status_id;
            if ignored {
                // Accepted and not done: a workflow step, a mandatory closing field, an open child ticket.
                let why = answer.warning.clone().unwrap_or_else(|| {
                    "Halo accepted the change of status and did not carry it out. Look for mandatory closing fields, a workflow step or open child tickets.".into()
                });
                return Attempt::Refused(Reason::Refused { why }, read(answer));
            }
            let base = agreed_ticket(engine, row, change, &answer);
            let facts = vec![Fact::BaseAgreed { pair: row.pair.id, base }];
            Attempt::Done(OperationResult::TicketChanged, facts, read(answer))
        }
        // The write is a state, not an addition: looking at the ticket again tells whether it holds.
        Err(failure) if failure.kind == FailureKind::Unknown => match halo.ticket(ticket, class).await {
            Ok(now) => {
                Attempt::Stale("No answer came; it is planned anew from what the ticket says now.".into(), read(now))
            }
            Err(_) => Attempt::Failed(Failure { kind: FailureKind::Transient, ..failure }),
        },
        Err(failure) => Attempt::Failed(failure),
    }
}

/// What both sides agree on after a change of the ticket.
fn agreed_ticket(
    engine: &Engine,
    row: &SituationRow,
    change: &TicketChange,
    answer: &Ticket,
) -> crate::domain::pair::Base {
    let mut base = row.pair.base.clone();
    let incident = &row.subject.incident;
    if change.status_id.is_some() {
        base.incident_status = Some(incident.status.clone());
        base.status_id = answer.status_id;
        let view = engine.registry.view();
        base.ticket_closed = match (view.of_workspace(row.pair.workspace), engine.registry.catalogue(row.pair.halo)) {
            (Some((_, _, policy)), Some(catalogue)) => mapping::ticket_closed(policy, &catalogue, answer),
            _ => answer.closed,
        };
    }
    if change.priority_id.is_some() {
        base.severity = Some(incident.severity.clone());
        base.priority_id = answer.priority_id;
    }
    if change.agent_id.is_some() {
        base.owner = incident.owner.key();
        base.agent_id = answer.agent_id;
    }
    base
}

/// Puts a dead letter back into its queue.
pub(super) async fn revive(engine: &Engine, id: OperationId) -> Result<(), StoreError> {
    let Some(operation) = engine.store.operation(id).await? else { return Ok(()) };
    if !matches!(operation.state, OperationState::Dead { .. }) {
        return Ok(());
    }
    let now = engine.now();
    // A write whose outcome was never settled is looked for once more before it is sent again.
    let unsettled = matches!(operation.state, OperationState::Dead { reason: Reason::OutcomeUnknown, .. });
    let state = if unsettled {
        OperationState::OutcomeUnknown { since: now, look: now, looks: 0 }
    } else {
        OperationState::Planned { ready: now }
    };
    moved(engine, &operation, state, 0, operation.last_failure.clone(), Reading::default()).await
}
