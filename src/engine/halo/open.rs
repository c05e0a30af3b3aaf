//! Open paired tickets, read by number: their rows every few minutes, each with its actions every few hours. Of thousands
//! a few at a time.

use jiff::SignedDuration;

use super::{
    Counts, FULL_EVERY, by_number,
    sight::{self, Tally},
};
use crate::{
    domain::{connection::HaloConnection, failure::FailureKind, ids::TicketId},
    engine::Engine,
    halo_itsm::Halo,
    outbound::budget::Class,
    store::StoreError,
};

/// The rows of all open paired tickets are read by number this often: it is not proven that each change (a
/// private note, a rule) moves `last_update`, by which changed tickets are asked for (sheet section 10, rule 7).
pub(super) const ROWS_EVERY: SignedDuration = SignedDuration::from_mins(5);
/// Calls that such a reading may come to in that time; with more open tickets it comes less often.
const ROWS_CALLS: i64 = 10;
/// The full reading takes a tenth of the budget at most.
const SHARE: u64 = 10;
/// Tickets whose rows one call asks for.
pub(super) const ROWS_A_CALL: u32 = 100;
const WINDOW_SECS: u64 = 300;

/// The rows of all open paired tickets, a hundred a call. Of thousands no more is read at a time than a tenth of the
/// budget allows, and the next poll goes on from there: read in one go they would use up what is kept for what has
/// just come.
pub(super) async fn every_row(
    engine: &Engine,
    halo: &Halo,
    connection: &HaloConnection,
    counts: &mut Counts,
) -> Result<(), StoreError> {
    let standing = engine.schedule().instances.get(&connection.id).cloned().unwrap_or_default();
    let (mut after, mut open) = (standing.rows_after, standing.rows_read);
    counts.tally = standing.rows_tally;
    for _ in 0..tenth(connection) {
        let pairs = engine.store.open_pairs_of_halo(connection.id, after, ROWS_A_CALL).await?;
        open += i64::try_from(pairs.len()).unwrap_or(0);
        let ids: Vec<TicketId> = pairs.iter().filter_map(|pair| pair.ticket).collect();
        counts.last = pairs.last().map(|pair| pair.id);
        by_number(engine, halo, ids, Class::Poll, counts).await?;
        if counts.failure.is_some() {
            // These are read again, with the next poll.
            return Ok(());
        }
        after = pairs.last().map(|pair| pair.id).filter(|_| pairs.len() >= ROWS_A_CALL as usize);
        if after.is_none() {
            counts.open_rows = Some(open);
            open = 0;
            sight::read_whole(engine, connection.id, std::mem::take(&mut counts.tally));
            break;
        }
    }
    if let Some(standing) = engine.schedule().instances.get_mut(&connection.id) {
        (standing.rows_after, standing.rows_read, standing.rows_tally) = (after, open, counts.tally);
    }
    Ok(())
}

/// A tenth of an instance's budget between two polls, in calls.
fn tenth(connection: &HaloConnection) -> u64 {
    let calls = u64::from(connection.requests_per_5min) * u64::from(connection.poll_secs) / (WINDOW_SECS * SHARE);
    calls.clamp(1, 100)
}

/// The next few open paired tickets with their actions, whatever their rows say. A call each: of thousands of open
/// tickets no more is read at a time than a tenth of the budget allows, and the next poll goes on from there.
pub(super) async fn some_whole(
    engine: &Engine,
    halo: &Halo,
    connection: &HaloConnection,
    counts: &mut Counts,
) -> Result<(), StoreError> {
    let standing = engine.schedule().instances.get(&connection.id).cloned().unwrap_or_default();
    let after = standing.full_after;
    let some = u32::try_from(tenth(connection)).unwrap_or(100);
    let pairs = engine.store.open_pairs_of_halo(connection.id, after, some).await?;
    let ids: Vec<TicketId> = pairs.iter().filter_map(|pair| pair.ticket).collect();
    (counts.tally, counts.last) = (standing.full_tally, pairs.last().map(|pair| pair.id));
    by_number(engine, halo, ids, Class::Reconcile, counts).await?;
    let through = match &counts.failure {
        // Our own budget has no room for it now.
        Some(failure) if matches!(failure.kind, FailureKind::WaitUntil { .. }) => {
            counts.failure = None;
            counts.held_at = None;
            return Ok(());
        }
        Some(_) => return Ok(()),
        None => pairs.last().map(|pair| pair.id),
    };
    let over = pairs.len() < usize::try_from(some).unwrap_or(usize::MAX);
    let now = engine.now();
    if over {
        sight::read_whole(engine, connection.id, counts.tally);
    }
    if let Some(standing) = engine.schedule().instances.get_mut(&connection.id) {
        standing.full_after = through.filter(|_| !over);
        standing.full_tally = if over { Tally::default() } else { counts.tally };
        if over {
            standing.next_full = Some(now + FULL_EVERY);
        }
    }
    Ok(())
}

/// How long the rows of so many open tickets stay good, at a hundred a call.
pub(super) fn rows_every(open: i64) -> SignedDuration {
    ROWS_EVERY.max(SignedDuration::from_secs(open / 100 * (ROWS_EVERY.as_secs() / ROWS_CALLS)))
}
