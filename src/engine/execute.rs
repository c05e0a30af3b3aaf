//! Carrying out a pair's queue: one operation at a time, in order; each is durable before it is sent and
//! its answer is recorded, with the plan that follows from it, before the next one begins.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::MutexGuard;

use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        ids::{ClientId, PairId, TicketId},
        operation::{Operation, OperationKind, OperationResult, OperationState},
        reason::Reason,
        ticket::{Ticket, TicketChange, TicketDraft},
    },
    halo_itsm::Halo,
    ledger::fact::Fact,
    outbound::budget::Class,
    planner::{self, agreed, fields::mapped, mapping, retry},
    store::{SituationRow, StoreError},
};

use super::{
    Engine, Unit, back,
    digest::{self, Known, Reading},
    forth, newcomer,
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
            OperationState::Planned { ready } if *ready <= now && !carried(engine, &row, operation) => {
                let state = OperationState::Void { at: now, why: planner::plan::NOT_CARRIED.to_owned() };
                let (attempts, failure) = (operation.attempts, operation.last_failure.clone());
                moved(engine, operation, state, attempts, failure, Reading::default()).await?;
            }
            OperationState::Planned { ready } if *ready <= now => {
                if engine.has_to_wait(&row, operation) {
                    return Ok(());
                }
                Box::pin(attempt(engine, &row, operation)).await?;
            }
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

/// Whether the workspace is still there and its mode carries this: it may have changed since it was planned.
fn carried(engine: &Engine, row: &SituationRow, operation: &Operation) -> bool {
    let view = engine.registry.view();
    view.of_workspace(row.pair.workspace)
        .is_some_and(|(workspace, _, _)| planner::gate::carries(workspace.mode, &operation.kind))
}

/// The operation whose turn it is. Nothing else of a pair is sent before its ticket exists.
pub(super) fn head(row: &SituationRow) -> Option<&Operation> {
    let first = row.operations.iter().find(|operation| operation.state.open())?;
    let given_up = row.pair.ticket.is_none()
        && row.operations.iter().any(|o| matches!(o.kind, OperationKind::CreateTicket { .. }) && !o.state.open());
    (!given_up).then_some(first)
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
    if creating && operation.attempts == 0 && forth::may_be_forgotten(engine, row) {
        // After a restore or on a copy: the ticket may be there and only our memory of it gone.
        let now = engine.now();
        let unknown = OperationState::OutcomeUnknown { since: now, look: now, looks: 0 };
        return moved(engine, operation, unknown, 1, None, Reading::default()).await;
    }
    // Creates wait for their lane before they count as sent: a crash while waiting leaves nothing unknown.
    let lane = if creating { engine.lanes.try_create(row.pair.halo) } else { None };
    if creating && lane.is_none() {
        engine.wait_to_create(row, operation);
        return Ok(());
    }
    let now = engine.now();
    let sending = sending(operation, now);
    let mut row = row.clone();
    digest::overlay(&mut row, &sending);
    engine.record(now, Some(operation.client), vec![sending]).await?;
    Box::pin(sent(engine, row, operation)).await
}

/// That an operation is being sent.
fn sending(operation: &Operation, since: Timestamp) -> Fact {
    Fact::OperationMoved {
        operation: operation.id,
        pair: operation.pair,
        state: OperationState::Sending { since },
        attempts: operation.attempts + 1,
        failure: operation.last_failure.clone(),
    }
}

/// Records a newcomer and, when nothing stands in the way (no other creation runs at its Halo instance), sends its
/// ticket's creation with no step in between. `lane` is the workspace's, held until it is recorded. Gives the pair
/// whose turn has been taken.
pub(super) async fn begin_at_once(
    engine: &Engine,
    client: ClientId,
    mut facts: Vec<Fact>,
    lane: Option<MutexGuard<'_, ()>>,
) -> Result<Option<PairId>, StoreError> {
    let now = engine.now();
    let start = newcomer::begun(&facts, now).and_then(|row| {
        let operation = head(&row)?.clone();
        if forth::may_be_forgotten(engine, &row) || engine.has_to_wait(&row, &operation) {
            return None;
        }
        let creating = engine.lanes.try_create(row.pair.halo)?;
        engine.schedule().begin(Unit::Pair(row.pair.id)).then_some((row, operation, creating))
    });
    let Some((mut row, operation, creating)) = start else {
        engine.record(now, Some(client), facts).await?;
        return Ok(None);
    };
    let pair = row.pair.id;
    let sending = sending(&operation, now);
    digest::overlay(&mut row, &sending);
    facts.push(sending);
    let result = match engine.record(now, Some(client), facts).await {
        Ok(()) => {
            drop(lane);
            // What a webhook named of this workspace meanwhile need not wait for Halo's answer.
            engine.schedule().ended(Unit::Fetch(row.pair.workspace));
            engine.wake();
            Box::pin(sent(engine, row, &operation)).await
        }
        Err(error) => Err(error),
    };
    drop(creating);
    let mut schedule = engine.schedule();
    schedule.ended(Unit::Pair(pair));
    if result.is_err() {
        // What was sent and could not be recorded is looked for.
        schedule.pairs.insert(pair);
    }
    drop(schedule);
    result.map(|()| Some(pair))
}

/// Sends what is recorded as being sent, and records what came of it.
async fn sent(engine: &Engine, row: SituationRow, operation: &Operation) -> Result<(), StoreError> {
    let seq = engine.store.last_recorded();
    let attempts = operation.attempts + 1;
    let outcome = Box::pin(send(engine, &row, operation)).await;
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
    Box::pin(finish(engine, Some(Known { seq, row }), operation, attempts, outcome, now)).await
}

/// Records what an attempt came to.
pub(super) async fn finish(
    engine: &Engine,
    known: Option<Known>,
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
            // A ticket as it is born has no note that we could miss.
            if matches!(operation.kind, OperationKind::AddNote { .. } | OperationKind::UpdateTicket { .. }) {
                engine.schedule().written.insert(operation.pair, now + jiff::SignedDuration::from_secs(1));
            }
            let mut all = vec![fact(OperationState::Done { at: now, result }, None)];
            all.extend(facts);
            digest::known_pair(engine, operation.pair, known, all, *reading).await
        }
        Attempt::Stale(why, reading) => {
            let state = OperationState::Void { at: now, why };
            digest::known_pair(engine, operation.pair, known, vec![fact(state, None)], *reading).await
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

async fn send(engine: &Engine, row: &SituationRow, operation: &Operation) -> Attempt {
    let class = engine.class_of(operation);
    match operation.kind.side() {
        Side::Halo => {
            let halo = match engine.registry.halo(row.pair.halo) {
                Ok(halo) => halo,
                Err(failure) => return Attempt::Failed(failure),
            };
            match (&operation.kind, row.pair.ticket) {
                (OperationKind::CreateTicket { draft, follows }, at) if *follows == at => {
                    create(engine, row, &halo, draft, class).await
                }
                (OperationKind::CreateTicket { .. }, Some(ticket)) => {
                    Attempt::done(OperationResult::Ticket { ticket, settled: true })
                }
                (OperationKind::AddNote { note, .. }, Some(ticket)) => {
                    forth::add_note(row, &halo, ticket, &operation.kind, note, class).await
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
                OperationKind::AddComment { comment, carries, message } => {
                    back::add_comment(row, &sentinel, &at, (comment, carries), (message, engine.now()), class).await
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
    let base = agreed::with_ticket(row.pair.base.clone(), &ticket, closed);
    let pair = row.pair.id;
    let facts = vec![Fact::TicketLinked { pair, ticket: id }, Fact::BaseAgreed { pair, base }];
    // A create's answer is the ticket as it was born: nobody has written in it. What comes later moves its times.
    let actions = (!settled && ticket.warning.is_none()).then(Vec::new);
    let reading = Reading { ticket: Some(ticket), actions, ..Reading::default() };
    Attempt::Done(OperationResult::Ticket { ticket: id, settled }, facts, Box::new(reading))
}

pub(super) fn read_ticket(ticket: Ticket) -> Box<Reading> {
    Box::new(Reading { ticket: Some(ticket), ..Reading::default() })
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
            || change.summary.is_some() && current.summary != known.summary
            || change
                .custom_fields
                .iter()
                .any(|(id, _)| field(known, *id).is_some_and(|said| field(&current, *id).as_ref() != Some(&said)))
            || current.merged_into.is_some()
            || current.deleted;
        if touched {
            return Attempt::Stale("The ticket changed since this was planned.".into(), read(current));
        }
    }
    match halo.update_ticket(&current, change, class).await {
        Ok(answer) => {
            let answer = agreed::with_sent_fields(answer, row.ticket.as_ref(), change);
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

/// A custom field's value as it is compared; `None` when the reading does not have it.
fn field(ticket: &Ticket, id: i64) -> Option<String> {
    ticket.custom_field(id).map(|field| mapped::plain(&field.value))
}

/// What both sides agree on after a change of the ticket.
fn agreed_ticket(
    engine: &Engine,
    row: &SituationRow,
    change: &TicketChange,
    answer: &Ticket,
) -> crate::domain::pair::Base {
    let view = engine.registry.view();
    let closed = match (view.of_workspace(row.pair.workspace), engine.registry.catalogue(row.pair.halo)) {
        (Some((_, _, policy)), Some(catalogue)) => mapping::ticket_closed(policy, &catalogue, answer),
        _ => answer.closed,
    };
    agreed::after_ticket(row.pair.base.clone(), &row.subject.incident, change, answer, closed)
}
