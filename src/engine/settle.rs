//! Unknown outcomes: looked for, over `settle_secs`, before anything is sent again.

use jiff::SignedDuration;

use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        ids::TicketId,
        operation::{IncidentChange, Operation, OperationKind, OperationState},
        pair::Pair,
        reason::Reason,
        ticket::{NoteDraft, Ticket, TicketChange, TicketDraft},
    },
    planner::{notes, observed::Reading, retry, sent},
    store::{SituationRow, StoreError},
};

use super::{
    Engine, back,
    execute::{self, Attempt},
    forth,
    registry::salt,
};

/// An incident that is made has a derived id and is read before it is written: sent again it is the same one, so that it is
/// not looked for as long as what would be there twice.
const SAME_AGAIN_SECS: u32 = 30;

/// What a look found.
enum Look {
    Found(Attempt),
    Absent,
    Failed(Failure),
}

/// Looks once for an operation whose outcome is unknown.
pub(super) async fn run(engine: &Engine, row: &SituationRow, operation: &Operation) -> Result<(), StoreError> {
    let OperationState::OutcomeUnknown { since, looks, .. } = operation.state else { return Ok(()) };
    let settle_secs = engine.registry.view().halo.get(&row.pair.halo).map_or(180, |halo| halo.settle_secs);
    let look = match &operation.kind {
        OperationKind::CreateTicket { draft, .. } => ticket(engine, row, draft).await,
        OperationKind::CreateIncident { .. } => incident(engine, row).await,
        OperationKind::AddNote { note, .. } => note_of(engine, row, &operation.kind, note).await,
        OperationKind::UpdateIncident { change } => change_of(engine, row, change).await,
        OperationKind::UpdateTicket { change } => ticket_change_of(engine, row, change).await,
        // Its id is derived: sending it again is no second write.
        OperationKind::AddComment { .. } => {
            let ready = OperationState::Planned { ready: engine.now() };
            let failure = operation.last_failure.clone();
            return execute::moved(engine, operation, ready, operation.attempts, failure, Reading::default()).await;
        }
    };
    let now = engine.now();
    match look {
        Look::Found(attempt) => {
            execute::finish(engine, None, operation, operation.attempts, attempt, now).await?;
            if operation.kind.makes_ticket() {
                // What was written in it meanwhile may show in no list any more: it is read once.
                engine.schedule().looks.insert(row.pair.id);
            }
            Ok(())
        }
        Look::Absent => {
            let span = if operation.kind.makes_incident() { SAME_AGAIN_SECS.min(settle_secs) } else { settle_secs };
            let state = match retry::next_look(since, looks + 1, span, now) {
                Some(look) => OperationState::OutcomeUnknown { since, look, looks: looks + 1 },
                None => {
                    let failure = operation.last_failure.as_ref();
                    retry::absent(failure, operation.planned, operation.attempts, salt(&operation.id.0), now)
                }
            };
            execute::moved(
                engine,
                operation,
                state,
                operation.attempts,
                operation.last_failure.clone(),
                Reading::default(),
            )
            .await
        }
        Look::Failed(failure) => {
            let wait = match failure.kind {
                FailureKind::WaitUntil { at } => retry::own_wait(at, 3, salt(&operation.id.0), now),
                _ => now + SignedDuration::from_secs(15),
            };
            // A look that failed is no look: the span begins to count again only with answers.
            let state = OperationState::OutcomeUnknown { since, look: wait, looks };
            // That the other side refused the write is not forgotten over it.
            let failure = operation.last_failure.clone().filter(Failure::said_no).unwrap_or(failure);
            execute::moved(engine, operation, state, operation.attempts, Some(failure), Reading::default()).await
        }
    }
}

/// Whether the incident of a pushed ticket was made.
async fn incident(engine: &Engine, row: &SituationRow) -> Look {
    let view = engine.registry.view();
    let Some((workspace, _, _)) = view.of_workspace(row.pair.workspace) else { return Look::Absent };
    let Some(at) = view.place(workspace) else { return Look::Absent };
    let sentinel = match engine.registry.sentinel(workspace.connection) {
        Ok(sentinel) => sentinel,
        Err(failure) => return Look::Failed(failure),
    };
    match sentinel.incident(&at, &row.pair.incident, crate::outbound::budget::Class::New).await {
        Ok(there) => Look::Found(back::incident_made(engine, row, there, false)),
        Err(failure) if failure.kind == FailureKind::Gone => Look::Absent,
        Err(failure) => Look::Failed(failure),
    }
}

/// Whether a change of an incident arrived. While it may, nothing newer is sent: what arrives after that was forgotten would
/// be taken for an analyst's.
async fn change_of(engine: &Engine, row: &SituationRow, change: &IncidentChange) -> Look {
    let view = engine.registry.view();
    let Some((workspace, _, _)) = view.of_workspace(row.pair.workspace) else { return Look::Absent };
    let Some(at) = view.place(workspace) else { return Look::Absent };
    let sentinel = match engine.registry.sentinel(workspace.connection) {
        Ok(sentinel) => sentinel,
        Err(failure) => return Look::Failed(failure),
    };
    match sentinel.incident(&at, &row.pair.incident, crate::outbound::budget::Class::Closure).await {
        Ok(current) if sent::incident_stands(change, &current) => Look::Found(back::arrived(row, change, current)),
        Ok(_) => Look::Absent,
        Err(failure) if failure.kind == FailureKind::Gone => Look::Absent,
        Err(failure) => Look::Failed(failure),
    }
}

/// The same of a change of a ticket: it would be taken for an agent's.
async fn ticket_change_of(engine: &Engine, row: &SituationRow, change: &TicketChange) -> Look {
    let Some(ticket) = row.pair.ticket else { return Look::Absent };
    let halo = match engine.registry.halo(row.pair.halo) {
        Ok(halo) => halo,
        Err(failure) => return Look::Failed(failure),
    };
    let ours = |ticket: &Ticket| ticket.client_id == Some(row.pair.halo_client_id);
    match halo.ticket(ticket, crate::outbound::budget::Class::Closure).await {
        Ok(current) if ours(&current) && sent::ticket_stands(change, &current) => {
            Look::Found(forth::arrived(engine, row, change, current))
        }
        Ok(_) => Look::Absent,
        Err(failure) if failure.kind == FailureKind::Gone => Look::Absent,
        Err(failure) => Look::Failed(failure),
    }
}

async fn ticket(engine: &Engine, row: &SituationRow, draft: &TicketDraft) -> Look {
    let halo = match engine.registry.halo(row.pair.halo) {
        Ok(halo) => halo,
        Err(failure) => return Look::Failed(failure),
    };
    let class = crate::outbound::budget::Class::New;
    let spare = |ids| spare(engine, &row.pair, ids);
    let mut free = match halo.find_created(draft, row.pair.created, class, spare).await {
        Ok(found) => found,
        Err(failure) => return Look::Failed(failure),
    };
    // One that an agent moved to another client is this pair's all the same, unless there is one of its own: whose it is
    // then is a person's question, and nothing is written to it.
    if free.iter().any(|ticket| ticket.client_id == Some(draft.client_id)) {
        free.retain(|ticket| ticket.client_id == Some(draft.client_id));
    }
    match free.len() {
        0 => Look::Absent,
        1 => match free.pop() {
            Some(ticket) => Look::Found(forth::ticket_made(engine, row, ticket, draft, true)),
            None => Look::Absent,
        },
        _ => Look::Found(Attempt::Refused(Reason::OutcomeUnknown, Vec::new(), Box::default())),
    }
}

/// Those of the tickets that belong to no other pair: such a one is not this pair's, whatever its text says, and after a
/// restore, when many creations are looked for, reading each other's tickets would use up the budget.
async fn spare(engine: &Engine, pair: &Pair, ids: Vec<TicketId>) -> Result<Vec<TicketId>, Failure> {
    let taken = engine
        .store
        .pairs_of_tickets(pair.halo, &ids)
        .await
        .map_err(|error| Failure::new(Side::Halo, FailureKind::Transient, crate::telemetry::chain(&error)))?;
    let others = |id: &TicketId| taken.get(id).is_some_and(|pairs| pairs.iter().any(|other| other.id != pair.id));
    Ok(ids.into_iter().filter(|id| !others(id)).collect())
}

async fn note_of(engine: &Engine, row: &SituationRow, kind: &OperationKind, note: &NoteDraft) -> Look {
    let Some(ticket) = note.former.or(row.pair.ticket) else { return Look::Absent };
    let halo = match engine.registry.halo(row.pair.halo) {
        Ok(halo) => halo,
        Err(failure) => return Look::Failed(failure),
    };
    match halo.actions(ticket, crate::outbound::budget::Class::Comment).await {
        Ok(actions) => match actions.into_iter().find(|action| notes::carries(action, &note.reference)) {
            Some(action) if note.former.is_some() => {
                Look::Found(forth::former_told(row, ticket, Some((&action, true))))
            }
            Some(action) => Look::Found(forth::note_made(row, kind, action, true)),
            None => Look::Absent,
        },
        Err(failure) if failure.kind == FailureKind::Gone && note.former.is_some() => {
            Look::Found(forth::former_told(row, ticket, None))
        }
        Err(failure) => Look::Failed(failure),
    }
}
