//! Unknown outcomes: looked for, over `settle_secs`, before anything is sent again.

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        ids::TicketId,
        incident::Incident,
        operation::{IncidentChange, Operation, OperationKind, OperationState},
        pair::{Base, Pair},
        reason::Reason,
        ticket::{NoteDraft, Ticket, TicketChange, TicketDraft},
    },
    ledger::fact::Fact,
    planner::{
        notes,
        observed::{Reading, found_note},
        retry,
        sent::{self, Trace},
    },
    store::{SituationRow, StoreError},
};

use super::{
    Engine, back,
    execute::{self, Attempt},
    forgotten::{self, Found},
    forth,
    registry::salt,
};

/// An incident that is made has a derived id and is read before it is written: sent again it is the same one, so that it is
/// not looked for as long as what would be there twice.
const SAME_AGAIN_SECS: u32 = 30;
/// While a person has to sign in, it is looked so often whether they have.
const SIGNED_IN_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// What a look found.
enum Look {
    Found(Attempt),
    Absent,
    /// Nor is its record where it was: what was read of that.
    Elsewhere(Box<Reading>),
    Failed(Failure),
}

/// Looks once for an operation whose outcome is unknown.
pub(super) async fn run(engine: &Engine, row: &SituationRow, operation: &Operation) -> Result<(), StoreError> {
    let OperationState::OutcomeUnknown { since, looks, failed, .. } = operation.state else { return Ok(()) };
    let settle_secs = engine.registry.view().halo.get(&row.pair.halo).map_or(180, |halo| halo.settle_secs);
    let look = match &operation.kind {
        OperationKind::CreateTicket { draft, follows } => ticket(engine, row, (draft, *follows), (since, looks)).await,
        OperationKind::CreateIncident { .. } => incident(engine, row).await,
        OperationKind::AddNote { note, .. } => note_of(engine, row, &operation.kind, note).await,
        OperationKind::UpdateIncident { change } => change_of(engine, row, (change, operation)).await,
        OperationKind::UpdateTicket { change } => ticket_change_of(engine, row, (change, since)).await,
        // Its id is derived: sending it again is no second write.
        OperationKind::AddComment { .. } => {
            let ready = OperationState::Planned { ready: engine.now() };
            let failure = operation.last_failure.clone();
            return execute::moved(engine, operation, ready, operation.attempts, failure, Reading::default()).await;
        }
    };
    let now = engine.now();
    let (look, reading) = match look {
        Look::Elsewhere(reading) => (Look::Absent, *reading),
        look => (look, Reading::default()),
    };
    match look {
        Look::Found(attempt) => {
            execute::finish(engine, None, operation, operation.attempts, attempt.since(row), now).await?;
            if operation.kind.makes_ticket() {
                // What was written in it meanwhile may show in no list any more: it is read once.
                engine.schedule().looks.insert(row.pair.id);
            }
            Ok(())
        }
        Look::Absent | Look::Elsewhere(_) => {
            let span = if operation.kind.makes_incident() { SAME_AGAIN_SECS.min(settle_secs) } else { settle_secs };
            let state = match retry::next_look(since, looks + 1, span, now) {
                Some(look) => OperationState::OutcomeUnknown { since, look, looks: looks + 1, failed: 0 },
                None => {
                    let failure = operation.last_failure.as_ref();
                    retry::absent(failure, operation.planned, operation.attempts, salt(&operation.id.0), now)
                }
            };
            execute::moved(engine, operation, state, operation.attempts, operation.last_failure.clone(), reading).await
        }
        Look::Failed(failure) => {
            let (before, away) = (failed > 0, away(engine, row, operation.kind.side()));
            let failed = match failure.kind {
                FailureKind::WaitUntil { .. } | FailureKind::SignInAgain => failed,
                // Those of an outage are one: after it this write is looked for as long as any.
                _ if away => failed.max(1),
                _ => failed.saturating_add(1),
            };
            let state = if !away && retry::looked_enough(&failure, (since, failed), settle_secs, now) {
                if matches!(operation.kind, OperationKind::UpdateIncident { .. } | OperationKind::UpdateTicket { .. }) {
                    // As soon as its record can be read again that shows whether it ever arrived.
                    engine.schedule().later_looks.insert(row.pair.id, now + sent::ARRIVES_WITHIN);
                }
                OperationState::Dead { at: now, reason: Reason::OutcomeUnknown }
            } else {
                let look = match failure.kind {
                    FailureKind::WaitUntil { at } => retry::own_wait(at, 3, salt(&operation.id.0), now),
                    FailureKind::SignInAgain => now + SIGNED_IN_AFTER,
                    _ => retry::look_later(since, before, now),
                };
                // A look that failed is no look: the span begins to count again only with answers.
                OperationState::OutcomeUnknown { since, look, looks, failed }
            };
            // What the other side said of the write is not forgotten over it.
            let said = operation.last_failure.clone().filter(|failure| failure.said_no() || failure.made_again());
            let failure = said.unwrap_or(failure);
            execute::moved(engine, operation, state, operation.attempts, Some(failure), Reading::default()).await
        }
    }
}

/// Whether what the pair has on this side could not be read as a whole: no matter of this one write.
fn away(engine: &Engine, row: &SituationRow, side: Side) -> bool {
    let schedule = engine.schedule();
    let standing = match side {
        Side::Halo => schedule.instances.get(&row.pair.halo),
        Side::Sentinel => schedule.workspaces.get(&row.pair.workspace),
    };
    standing.is_some_and(|standing| standing.failing)
}

/// Whether the incident of a pushed ticket was made.
async fn incident(engine: &Engine, row: &SituationRow) -> Look {
    match incident_now(engine, row, crate::outbound::budget::Class::New).await {
        Ok(there) => Look::Found(back::incident_made(engine, row, there, false)),
        Err(look) => look,
    }
}

/// The pair's incident as it is now; in place of it what a look that did not find it has found.
async fn incident_now(
    engine: &Engine,
    row: &SituationRow,
    class: crate::outbound::budget::Class,
) -> Result<Incident, Look> {
    let view = engine.registry.view();
    let Some((workspace, _, _)) = view.of_workspace(row.pair.workspace) else { return Err(Look::Absent) };
    let Some(at) = view.place(workspace) else { return Err(Look::Absent) };
    let sentinel = engine.registry.sentinel(workspace.connection).map_err(Look::Failed)?;
    sentinel.incident(&at, &row.pair.incident, class).await.map_err(|failure| match failure.kind {
        FailureKind::Gone => Look::Absent,
        _ => Look::Failed(failure),
    })
}

/// Whether a change of an incident arrived. While it may, nothing newer is sent: what arrives after that was forgotten would
/// be taken for an analyst's.
async fn change_of(engine: &Engine, row: &SituationRow, (change, of): (&IncidentChange, &Operation)) -> Look {
    match incident_now(engine, row, crate::outbound::budget::Class::Closure).await {
        Ok(current) if sent::incident_stands(change, &current) => {
            Look::Found(back::arrived_after(row, change, current, of.last_failure.as_ref()))
        }
        Ok(_) => Look::Absent,
        Err(look) => look,
    }
}

/// The same of a change of a ticket: it would be taken for an agent's. `since`: when it was sent.
async fn ticket_change_of(engine: &Engine, row: &SituationRow, (change, since): (&TicketChange, Timestamp)) -> Look {
    let Some(ticket) = row.pair.ticket else { return Look::Absent };
    let halo = match engine.registry.halo(row.pair.halo) {
        Ok(halo) => halo,
        Err(failure) => return Look::Failed(failure),
    };
    match halo.ticket(ticket, crate::outbound::budget::Class::Closure).await {
        Ok(current) if at_home(row, &current) && sent::ticket_stands(change, &current) => {
            Look::Found(forth::arrived(engine, row, change, current))
        }
        Ok(current) => match traced(engine, row, (&row.pair.base, change, Some(since)), &current) {
            Some(base) => Look::Found(forth::landed(row, base, current)),
            None if !at_home(row, &current) || current.deleted || current.merged_into.is_some() => {
                Look::Elsewhere(forth::read_ticket(row, current))
            }
            None => Look::Absent,
        },
        Err(failure) if failure.kind == FailureKind::Gone => Look::Absent,
        Err(failure) => Look::Failed(failure),
    }
}

/// Whether a ticket belongs to the pair's client.
pub(super) fn at_home(row: &SituationRow, ticket: &Ticket) -> bool {
    ticket.client_id == Some(row.pair.halo_client_id)
}

/// What is agreed on where a ticket that was read by its id tells of a change of ours without an answer what no plan sees:
/// that it arrived, though the ticket belongs to another client by now, or was opened again since.
pub(super) fn traced(
    engine: &Engine,
    row: &SituationRow,
    (base, change, at): (&Base, &TicketChange, Option<Timestamp>),
    current: &Ticket,
) -> Option<Base> {
    let current = (current, forth::closed(engine, row, current));
    let trace = sent::ticket_trace(change, base, row.ticket.as_ref(), current)?;
    let seen = match trace {
        Trace::Stands => at_home(row, current.0),
        // What an old backup does not remember may have left the words.
        Trace::OpenedAgain => forth::may_be_forgotten(engine, row),
    };
    (!seen).then(|| sent::ticket_traced(base.clone(), change, &row.subject.incident, current, (trace, at)))
}

/// What a reading tells of changes of the ticket that were sent and have no answer, before what is another client's is
/// taken out of it.
pub(super) fn told(engine: &Engine, row: &SituationRow, reading: &Reading) -> Option<Fact> {
    let current = reading.ticket.as_ref().filter(|read| row.pair.ticket == Some(read.id))?;
    let mut base = row.pair.base.clone();
    for operation in row.operations.iter().filter(|operation| sent::unanswered(operation, &row.pair.base)) {
        let OperationKind::UpdateTicket { change } = &operation.kind else { continue };
        let at = match operation.state {
            OperationState::Sending { since } | OperationState::OutcomeUnknown { since, .. } => Some(since),
            _ => None,
        };
        // What is being sent is told by its answer, and what was refused in words did not arrive.
        let sending = matches!(operation.state, OperationState::Sending { .. });
        let told = sending || operation.last_failure.as_ref().is_some_and(Failure::said_no);
        let found = match traced(engine, row, (&base, change, at), current) {
            None if !told && !at_home(row, current) => sent::ticket_doubted(&base, change),
            found => found,
        };
        base = found.unwrap_or(base);
    }
    (base != row.pair.base).then_some(Fact::BaseAgreed { pair: row.pair.id, base })
}

async fn ticket(
    engine: &Engine,
    row: &SituationRow,
    (wanted, follows): (&TicketDraft, Option<TicketId>),
    (since, looks): (Timestamp, u32),
) -> Look {
    let halo = match engine.registry.halo(row.pair.halo) {
        Ok(halo) => halo,
        Err(failure) => return Look::Failed(failure),
    };
    let class = crate::outbound::budget::Class::New;
    let found = if forth::may_be_forgotten(engine, row) {
        Box::pin(forgotten::tickets(engine, row, &halo, (wanted, follows), (since, looks))).await
    } else {
        let spare = |ids| spare(engine, &row.pair, ids);
        let tickets = halo.find_created(wanted, row.pair.created, class, spare, |_| false).await;
        tickets.map(|tickets| Found { tickets, ..Found::default() })
    };
    let Found { tickets: mut free, joined, gone } = match found {
        Ok(found) => found,
        Err(failure) => return Look::Failed(failure),
    };
    if let Some(ticket) = gone {
        return Look::Found(forgotten::gone(row, ticket));
    }
    // One that an agent moved to another client is this pair's all the same, unless there is one of its own: whose it is
    // then is a person's question, and nothing is written to it.
    if free.iter().any(|ticket| ticket.client_id == Some(wanted.client_id)) {
        free.retain(|ticket| ticket.client_id == Some(wanted.client_id));
    }
    match free.len() {
        0 => Look::Absent,
        1 => match free.pop() {
            Some(ticket) => {
                let made = forth::ticket_made(engine, row, ticket, wanted, true);
                Look::Found(if joined { forgotten::joined(engine, row, made) } else { made })
            }
            None => Look::Absent,
        },
        _ => Look::Found(Attempt::Refused(Reason::OutcomeUnknown, Vec::new(), Box::default())),
    }
}

/// Those of the tickets that belong to no other pair: such a one is not this pair's, whatever its text says, and after a
/// restore, when many creations are looked for, reading each other's tickets would use up the budget.
pub(super) async fn spare(engine: &Engine, pair: &Pair, ids: Vec<TicketId>) -> Result<Vec<TicketId>, Failure> {
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
        Ok(actions) => match actions.into_iter().find(|action| notes::bears(action, &note.reference)) {
            Some(action) if note.former.is_some() => {
                Look::Found(forth::former_told(row, ticket, Some((&action, true))))
            }
            // After a restore it may be one that was written in older words than these.
            Some(action) => {
                let kind = found_note(kind, &action, note);
                Look::Found(forth::note_made(row, &kind, action, true))
            }
            None => Look::Absent,
        },
        Err(failure) if failure.kind == FailureKind::Gone && note.former.is_some() => {
            Look::Found(forth::former_told(row, ticket, None))
        }
        Err(failure) if matches!(failure.kind, FailureKind::WaitUntil { .. } | FailureKind::SignInAgain) => {
            Look::Failed(failure)
        }
        // The notes of a ticket that was deleted may be refused in any words.
        Err(failure) => match halo.ticket(ticket, crate::outbound::budget::Class::Comment).await {
            Ok(current) if current.deleted || current.merged_into.is_some() => match note.former {
                Some(_) => Look::Found(forth::former_told(row, ticket, None)),
                None => Look::Elsewhere(forth::read_ticket(row, current)),
            },
            Err(gone) if gone.kind == FailureKind::Gone => match note.former {
                Some(_) => Look::Found(forth::former_told(row, ticket, None)),
                None => Look::Absent,
            },
            _ => Look::Failed(failure),
        },
    }
}
