//! Tickets that alone could not be read (the agent of the API application may not see their client, team or type; Halo has a
//! fault with one): they hold up no other ticket and pause nothing, unless none can be read.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Counts;
use crate::{
    domain::{
        failure::{Failure, Side},
        ids::TicketId,
        pair::Pair,
    },
    engine::{Engine, unread},
    halo_itsm::Halo,
    outbound::budget::Class,
    store::StoreError,
};

/// Fewer tickets that cannot be read say nothing of the instance.
const FEW: usize = 3;
/// Pairs among which one is looked for whose ticket is none of these.
const OTHERS: u32 = 50;

/// A pair's ticket that could not be read while its list could.
pub(super) struct Alone {
    /// Which.
    pub ticket: TicketId,
    /// Up to when its changes are known.
    pub at: Timestamp,
    /// What failed.
    pub failure: Failure,
}

/// What becomes of those that a reading has met so far: each is its pair's matter, which says so, and is read again by itself.
/// Where none was read, and another one can't be either, it is the instance's after all.
pub(super) async fn weigh(engine: &Engine, halo: &Halo, counts: &mut Counts) -> Result<(), StoreError> {
    let alone = std::mem::take(&mut counts.alone);
    let tickets: BTreeSet<TicketId> = alone.values().map(|one| one.ticket).collect();
    if counts.changed == 0
        && tickets.len() >= FEW
        && let Some(one) = alone.values().next()
        && let Some(failure) = all_fail(engine, halo, &tickets, &one.failure).await?
    {
        let at = alone.values().map(|one| one.at).min();
        counts.held_at = counts.held_at.into_iter().chain(at).min();
        counts.failure.get_or_insert(failure);
        return Ok(());
    }
    for (pair, one) in alone {
        tracing::warn!(pair.id = %pair, ticket.id = %one.ticket, error = %one.failure, "a ticket alone could not be read");
        unread::say_ticket(engine, pair, one.ticket, &one.failure).await?;
    }
    Ok(())
}

/// What fails for the whole instance: another open pair's ticket can't be read either, or there is none.
async fn all_fail(
    engine: &Engine,
    halo: &Halo,
    refused: &BTreeSet<TicketId>,
    failure: &Failure,
) -> Result<Option<Failure>, StoreError> {
    let some = u32::try_from(refused.len()).unwrap_or(OTHERS).saturating_add(OTHERS);
    let mut after = None;
    loop {
        let pairs = engine.store.open_pairs_of_halo(halo.connection().id, after, some).await?;
        let Some(last) = pairs.last() else { return Ok(Some(failure.clone())) };
        after = Some(last.id);
        let other = {
            let schedule = engine.schedule();
            let readable = |pair: &&Pair| pair.gone.is_none() && !schedule.unread.contains_key(&(pair.id, Side::Halo));
            pairs.iter().filter(readable).filter_map(|pair| pair.ticket).find(|ticket| !refused.contains(ticket))
        };
        if let Some(other) = other {
            return Ok(halo.actions(other, Class::Poll).await.err());
        }
    }
}
