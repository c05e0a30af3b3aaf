//! After a restore: what a queued change was planned from is read again before the first one of a pair is sent. A backup's
//! queue may hold what was carried out since, and undone by people.

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        operation::{Operation, OperationKind},
    },
    outbound::budget::Class,
    planner::observed::Reading,
    store::{SituationRow, StoreError},
};

use super::{
    Engine,
    digest::{self, observed},
    forth, merges, registry,
};

/// A record that alone can't be read is asked for so often; then what is known of it has to do, as without a restore.
const TRIES: u32 = 5;

/// Up to when an incident may have got a ticket that the database has forgotten. Both sides' clocks may be wrong.
pub(super) fn until(engine: &Engine) -> Option<Timestamp> {
    let slack = SignedDuration::from_hours(1);
    engine.schedule().forgotten_until.map(|until| until + slack)
}

/// The sides from whose records a write follows, beside the one that is read before it is written to anyway. Words and new
/// records are looked for by their ids and references.
fn follows_from(kind: &OperationKind) -> &'static [Side] {
    match kind {
        OperationKind::UpdateIncident { .. } => &[Side::Halo],
        OperationKind::UpdateTicket { .. } => &[Side::Sentinel],
        OperationKind::CreateTicket { follows: Some(_), .. } => &[Side::Halo, Side::Sentinel],
        OperationKind::CreateTicket { follows: None, .. }
        | OperationKind::CreateIncident { .. }
        | OperationKind::AddNote { .. }
        | OperationKind::AddComment { .. } => &[],
    }
}

/// Those of them whose records have not been read since this process began, and may have moved in the forgotten time.
fn forgotten(engine: &Engine, row: &SituationRow, operation: &Operation) -> Vec<Side> {
    let sides = follows_from(&operation.kind);
    if sides.is_empty() || !forth::may_be_forgotten(engine, row) {
        return Vec::new();
    }
    let schedule = engine.schedule();
    sides.iter().copied().filter(|side| schedule.record_forgotten(row.pair.id, *side)).collect()
}

/// Whether a write waits until what it was planned from has been read again.
pub(super) fn wanted(engine: &Engine, row: &SituationRow, operation: &Operation) -> bool {
    !forgotten(engine, row, operation).is_empty()
}

/// Reads it, and plans the pair anew. Where it can't be read just now, the queue comes up again within a minute.
pub(super) async fn read(engine: &Engine, row: &SituationRow, operation: &Operation) -> Result<(), StoreError> {
    if registry::wait_for_catalogue(engine, row.pair.halo).is_none() {
        // Nothing could be planned from it.
        return Ok(());
    }
    let (pair, class) = (row.pair.id, engine.class_of(operation));
    let sides = forgotten(engine, row, operation);
    let mut reading = Reading::default();
    for side in &sides {
        if away(engine, row, *side) {
            return Ok(());
        }
        match record(engine, row, *side, class).await {
            // Into which one it was merged is looked for with it.
            Ok(read) if read.incident.as_ref().is_some_and(|incident| merges::survivor_wanted(row, incident)) => {
                engine.schedule().looks.insert(pair);
                return Ok(());
            }
            Ok(read) => {
                reading.incident = reading.incident.take().or(read.incident);
                reading.ticket = reading.ticket.take().or(read.ticket);
                reading.unread |= read.unread;
            }
            Err(failure) if for_good(&failure) => {}
            Err(failure) => {
                let waits = matches!(failure.kind, FailureKind::WaitUntil { .. });
                if waits || engine.schedule().asked_in_vain(pair) < TRIES {
                    tracing::info!(pair.id = %pair, error = %failure, "a write waits for its records to be read again");
                    return Ok(());
                }
            }
        }
    }
    digest::pair(engine, pair, Vec::new(), reading).await?;
    let mut schedule = engine.schedule();
    schedule.records_known(pair, &sides);
    schedule.pairs.insert(pair);
    Ok(())
}

/// Whether no waiting helps: what is known has to do.
fn for_good(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::Gone | FailureKind::Forbidden | FailureKind::Rejected)
}

/// Whether the source of a side's records can't be read just now: it says so itself, and is read again by itself.
fn away(engine: &Engine, row: &SituationRow, side: Side) -> bool {
    let schedule = engine.schedule();
    let standing = match side {
        Side::Sentinel => schedule.workspaces.get(&row.pair.workspace),
        Side::Halo => schedule.instances.get(&row.pair.halo),
    };
    let failure = standing.and_then(|standing| standing.last_failure.as_ref());
    // What else is wrong with a list may be the list's alone.
    let passes = |kind: FailureKind| {
        matches!(kind, FailureKind::Transient | FailureKind::WaitUntil { .. } | FailureKind::SignInAgain)
    };
    failure.is_some_and(|(_, failure)| passes(failure.kind))
}

/// A pair's record as it is now.
async fn record(engine: &Engine, row: &SituationRow, side: Side, class: Class) -> Result<Reading, Failure> {
    match side {
        Side::Halo => {
            let Some(ticket) = row.pair.ticket else { return Ok(Reading::default()) };
            let current = engine.registry.halo(row.pair.halo)?.ticket(ticket, class).await?;
            Ok(*forth::read_ticket(row, current))
        }
        Side::Sentinel => {
            let view = engine.registry.view();
            let Some((workspace, _, _)) = view.of_workspace(row.pair.workspace) else { return Ok(Reading::default()) };
            let Some(at) = view.place(workspace) else { return Ok(Reading::default()) };
            let sentinel = engine.registry.sentinel(workspace.connection)?;
            let current = sentinel.incident(&at, &row.pair.incident, class).await?;
            let observed = observed(row);
            let unseen = observed.edited_unseen(Some(&current));
            Ok(observed.around_write(current, unseen))
        }
    }
}
