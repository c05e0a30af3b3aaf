//! Pauses: what people paused, what a failure pauses, and when that ends by itself.
//!
//! A paused pair is read and planned as ever; nothing of its queue is carried out.

use jiff::Timestamp;

use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        ids::{ClientId, ConnectionId},
        operation::{Operation, OperationKind, OperationState},
        pair::Pair,
        pause::{Pause, PauseCause, PauseScope},
        run::{RunCause, RunScope},
        workspace::Mode,
    },
    ledger::fact::Fact,
    planner::{mapping, pause},
    store::StoreError,
};

use super::{Engine, known::Known};

mod sign_in;

/// Code of the failure that Halo has no such client.
pub(super) const NO_SUCH_CLIENT: &str = "no-such-client";

impl Engine {
    /// Something was paused or resumed: it is looked up at once.
    pub fn poke_pauses(&self) {
        let now = self.now();
        let mut schedule = self.schedule();
        // They are read with the question what is ready.
        schedule.pairs_next = Some(now);
        schedule.look_at_pushes(now);
        drop(schedule);
        self.wake();
    }

    /// Whether nothing may be written for a client through these connections now.
    pub(super) fn paused_for(&self, client: ClientId, connections: [ConnectionId; 2]) -> bool {
        self.schedule().pauses.iter().any(|pause| match pause.scope {
            PauseScope::Pair { .. } => false,
            PauseScope::Client { id } => id == client,
            PauseScope::Connection { id } => connections.contains(&id),
        })
    }

    /// Whether nothing of a pair's queue may be carried out now.
    pub(super) fn paused(&self, pair: &Pair) -> bool {
        let view = self.registry.view();
        let schedule = self.schedule();
        let microsoft = view.workspaces.get(&pair.workspace).map(|workspace| workspace.connection);
        !schedule.pauses.is_empty() && !pause::on(&schedule.pauses, pair, microsoft).is_empty()
    }
}

fn client_of(scope: PauseScope) -> Option<ClientId> {
    match scope {
        PauseScope::Client { id } => Some(id),
        PauseScope::Pair { .. } | PauseScope::Connection { .. } => None,
    }
}

fn reading_of(cause: &PauseCause) -> Option<RunScope> {
    match cause {
        PauseCause::Failure { reading, .. } => *reading,
        PauseCause::Person { .. } => None,
    }
}

/// Pauses for a failure, unless it is paused for one; `true` when it was not. A reading that fails as well tells from
/// now on when the pause is over.
async fn begin(engine: &Engine, scope: PauseScope, cause: PauseCause) -> Result<bool, StoreError> {
    let known = engine.schedule().pauses.iter().find(|pause| pause.scope == scope && pause.automatic()).cloned();
    let told = known.as_ref().map(|known| reading_of(&known.cause));
    if told.is_some_and(|told| told.is_some() || reading_of(&cause).is_none()) {
        return Ok(false);
    }
    let now = engine.now();
    if let PauseCause::Failure { failure, .. } = &cause {
        tracing::warn!(scope = scope.name(), id = scope.id(), error = %failure, "paused: trying again cannot help");
    }
    let since = known.map_or(now, |known| known.since);
    let pause = Pause { scope, cause, since };
    engine.record(now, client_of(scope), vec![Fact::Paused { pause: pause.clone() }]).await?;
    let mut schedule = engine.schedule();
    schedule.pauses.retain(|known| known.scope != scope || !known.automatic());
    schedule.pauses.push(pause);
    drop(schedule);
    engine.poke_pauses();
    Ok(told.is_none())
}

/// Pauses for what a write has shown, before the next one is sent.
pub(super) async fn hold(engine: &Engine, scope: PauseScope, failure: Failure) {
    let cause = PauseCause::Failure { failure, reading: None };
    if let Err(error) = begin(engine, scope, cause).await {
        let error = crate::telemetry::chain(&error);
        tracing::error!(scope = scope.name(), id = scope.id(), error, "a pause could not be recorded");
    }
}

/// Look-ups have changed: a client that Halo did not have may be there now.
pub(super) async fn look_ups_changed(engine: &Engine, halo: ConnectionId) -> Result<(), StoreError> {
    let Some(catalogue) = engine.registry.catalogue(halo) else { return Ok(()) };
    let view = engine.registry.view();
    let there = |id: &ClientId| {
        let binding = view.clients.get(id).and_then(|client| client.halo.as_ref());
        binding.is_some_and(|bound| bound.connection == halo && catalogue.may_have_client(bound.halo_client_id))
    };
    let over = |pause: &Pause| match (&pause.scope, &pause.cause) {
        (PauseScope::Client { id }, PauseCause::Failure { failure, .. }) => {
            failure.code.as_deref() == Some(NO_SUCH_CLIENT) && there(id)
        }
        _ => false,
    };
    end(engine, over).await
}

async fn end(engine: &Engine, over: impl Fn(&Pause) -> bool) -> Result<(), StoreError> {
    let ended: Vec<PauseScope> = {
        let schedule = engine.schedule();
        schedule.pauses.iter().filter(|pause| pause.automatic() && over(pause)).map(|pause| pause.scope).collect()
    };
    for scope in ended {
        tracing::info!(scope = scope.name(), id = scope.id(), "what paused it is over; it goes on");
        let resumed = Fact::Resumed { scope, automatic: true };
        engine.record(engine.now(), client_of(scope), vec![resumed]).await?;
        engine.schedule().pauses.retain(|pause| pause.scope != scope || !pause.automatic());
        engine.poke_pauses();
    }
    Ok(())
}

/// A reading ended: one that failed for good pauses what it reads, one that went well ends that pause.
pub(super) async fn read(
    engine: &Engine,
    reading: RunScope,
    connection: ConnectionId,
    client: Option<ClientId>,
    failure: Option<&Failure>,
) -> Result<(), StoreError> {
    match failure {
        None => {
            let over = |known: &Pause| pause::healed(known, reading) || sign_in::serves(known, reading, connection);
            end(engine, over).await?;
            try_again(engine, reading, connection, client).await
        }
        Some(failure) => match (pause::by_reading(failure, reading, connection, client), client) {
            (Some((scope @ PauseScope::Connection { .. }, cause)), Some(client)) => {
                Box::pin(sign_in::refused(engine, (reading, connection, client), scope, cause)).await
            }
            (Some((scope, cause)), _) => begin(engine, scope, cause).await.map(|_| ()),
            (None, _) => Ok(()),
        },
    }
}

/// Of a right or a sign-in that only writing had shown to lack a reading tells nothing: after a while it is tried again. What
/// is still refused then pauses the client or the connection again with its first write.
async fn try_again(
    engine: &Engine,
    reading: RunScope,
    connection: ConnectionId,
    client: Option<ClientId>,
) -> Result<(), StoreError> {
    let (now, view) = (engine.now(), engine.registry.view());
    let side = match reading {
        RunScope::Halo { .. } => Side::Halo,
        RunScope::Workspace { .. } => Side::Sentinel,
    };
    let reached = |scope: &PauseScope| match (scope, side) {
        (PauseScope::Connection { id }, _) => *id == connection,
        (PauseScope::Client { id }, Side::Halo) => {
            let binding = view.clients.get(id).and_then(|client| client.halo.as_ref());
            binding.is_some_and(|binding| binding.connection == connection)
        }
        (PauseScope::Client { id }, Side::Sentinel) => client == Some(*id),
        (PauseScope::Pair { .. }, _) => false,
    };
    let due: Vec<PauseScope> = {
        let mut schedule = engine.schedule();
        let due = schedule.pauses.iter().filter_map(|known| pause::to_try_again(known, side, now));
        let due: Vec<PauseScope> = due.filter(reached).collect();
        for scope in &due {
            if let PauseScope::Client { id } = scope {
                schedule.refusals.tried_again(*id, side);
            }
        }
        due
    };
    if due.is_empty() {
        return Ok(());
    }
    end(engine, |pause| due.contains(&pause.scope)).await
}

/// Whether a write is to a closed ticket: many instances refuse those, and it says nothing of the client's others.
async fn to_closed_ticket(engine: &Engine, operation: &Operation) -> Result<bool, StoreError> {
    match &operation.kind {
        // A ticket is left for another one when it is closed.
        OperationKind::AddNote { note, .. } if note.former.is_some() => return Ok(true),
        OperationKind::AddNote { .. } | OperationKind::UpdateTicket { .. } => {}
        _ => return Ok(false),
    }
    let Some(Known { row, .. }) = engine.known(operation.pair).await? else { return Ok(false) };
    let Some(ticket) = &row.ticket else { return Ok(false) };
    let view = engine.registry.view();
    let found = view.of_workspace(row.pair.workspace).zip(engine.registry.catalogue(row.pair.halo));
    Ok(found.map_or(ticket.closed, |((.., policy), catalogue)| mapping::ticket_closed(policy, &catalogue, ticket)))
}

/// A write was refused and would go on to `state`. Gives where it goes instead: what is paused waits in its place.
pub(super) async fn refused(
    engine: &Engine,
    operation: &Operation,
    failure: &Failure,
    state: OperationState,
    now: Timestamp,
) -> Result<OperationState, StoreError> {
    let side = operation.kind.side();
    let cause = || PauseCause::Failure { failure: failure.clone(), reading: None };
    match (failure.kind, &state) {
        (FailureKind::SignInAgain, _) => {
            let Some(pair) = engine.store.pair(operation.pair).await? else { return Ok(state) };
            let view = engine.registry.view();
            let connection = match side {
                Side::Halo => Some(pair.halo),
                Side::Sentinel => view.workspaces.get(&pair.workspace).map(|workspace| workspace.connection),
            };
            if let Some(id) = connection
                && begin(engine, PauseScope::Connection { id }, cause()).await?
            {
                // A reading tells whether reading is refused too; then it also tells when that is over.
                let mut schedule = engine.schedule();
                match side {
                    Side::Halo => schedule.hasten_halo(id, &[], now),
                    Side::Sentinel => schedule.hasten_poll(pair.workspace, RunCause::Schedule, now),
                }
            }
            Ok(state)
        }
        (FailureKind::Forbidden, OperationState::Dead { .. }) if to_closed_ticket(engine, operation).await? => {
            Ok(state)
        }
        (FailureKind::Forbidden, OperationState::Dead { .. }) => {
            let scope = engine.schedule().refusals.refused(operation.client, side, operation.pair);
            match scope {
                Some(scope) => {
                    begin(engine, scope, cause()).await?;
                    Ok(OperationState::Planned { ready: now })
                }
                None => Ok(state),
            }
        }
        _ => Ok(state),
    }
}

/// The configuration or a secret was changed: what only writing had shown may be mended, and what a reading had shown that
/// is not read any more would never end.
pub(super) async fn changed(engine: &Engine) -> Result<(), StoreError> {
    let view = engine.registry.view();
    let read = |scope: RunScope| match scope {
        RunScope::Workspace { id } => view.workspaces.get(&id).is_some_and(|workspace| workspace.mode != Mode::Off),
        RunScope::Halo { id } => view.halo.contains_key(&id),
    };
    end(engine, |pause| reading_of(&pause.cause).is_none_or(|scope| !read(scope))).await
}
