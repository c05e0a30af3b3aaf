//! Tickets that alone could not be read (the agent of the API application may not see their client, team or type; Halo has a
//! fault with one): they hold up no other ticket and pause nothing, unless none can be read.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Counts;
use crate::{
    domain::{
        failure::{Failure, Side},
        ids::{ClientId, TicketId},
        pair::Pair,
    },
    engine::{
        Engine,
        unread::{self, Whose},
    },
    halo_itsm::Halo,
    outbound::budget::Class,
    store::StoreError,
};

/// Fewer tickets that cannot be read say nothing of the instance.
const FEW: usize = 3;
/// Open pairs that are looked through at once for others, whose ticket is none of these.
const OTHERS: u32 = 200;
/// Of these so many are asked for.
const TRIED: usize = 3;
/// So many times they are looked through for those of other clients.
const PAGES_MAX: u32 = 5;

/// A pair's ticket that could not be read while its list could.
pub(super) struct Alone {
    /// Which.
    pub whose: Whose,
    /// Up to when its changes are known.
    pub at: Timestamp,
    /// What failed.
    pub failure: Failure,
}

/// What becomes of those that a reading has met so far: each is its pair's matter, which says so, and is read again by itself.
/// Where several could not be read, none was since, and another one can't be either, it is the instance's after all; however
/// long it took to meet them.
pub(super) async fn weigh(engine: &Engine, halo: &Halo, counts: &mut Counts) -> Result<(), StoreError> {
    let alone = std::mem::take(&mut counts.alone);
    let id = halo.connection().id;
    // Those of earlier readings and of looks. They add nothing to a failure of the list.
    let before = counts.failure.is_none() || !alone.is_empty();
    let mut unread = if before { engine.schedule().none_read_since(id) } else { BTreeSet::new() };
    unread.extend(alone.values().map(|one| one.whose));
    let tickets: BTreeSet<TicketId> = unread.iter().map(|whose| whose.ticket).collect();
    let met = alone.values().next().map(|one| &one.failure);
    if counts.changed == 0
        && tickets.len() >= FEW
        && let Some(failure) = all_fail(engine, halo, (&unread, &tickets), met).await?
    {
        if unread::may_be_its_own(&failure) {
            engine.schedule().unreadable_instances.insert(id);
        }
        let at = alone.values().map(|one| one.at).min();
        counts.held_at = counts.held_at.into_iter().chain(at).min();
        counts.failure.get_or_insert(failure);
        return Ok(());
    }
    for (pair, one) in alone {
        tracing::warn!(pair.id = %pair, ticket.id = %one.whose.ticket, error = %one.failure, "a ticket alone could not be read");
        unread::say_ticket(engine, pair, one.whose, &one.failure).await?;
    }
    Ok(())
}

/// What fails for the whole instance: none of a few other open pairs' tickets can be read either, or there is none. Those of
/// other clients tell more: a whole client's tickets may be kept from the agent.
async fn all_fail(
    engine: &Engine,
    halo: &Halo,
    (unread, tickets): (&BTreeSet<Whose>, &BTreeSet<TicketId>),
    met: Option<&Failure>,
) -> Result<Option<Failure>, StoreError> {
    let id = halo.connection().id;
    let mut clients: BTreeSet<ClientId> = unread.iter().map(|whose| whose.client).collect();
    let (mut others, mut further) = (Vec::new(), Vec::new());
    let (mut after, mut pages) = (None, 0);
    // Other clients' are looked for among a few pages alone: there may be none.
    while others.len() < TRIED && (pages < PAGES_MAX || others.len() + further.len() < TRIED) {
        pages += 1;
        let pairs = engine.store.open_pairs_of_halo(id, after, OTHERS).await?;
        let Some(last) = pairs.last() else { break };
        after = Some(last.id);
        let schedule = engine.schedule();
        let readable = |pair: &&Pair| pair.gone.is_none() && !schedule.unread.contains_key(&(pair.id, Side::Halo));
        for pair in pairs.iter().filter(readable) {
            if let Some(ticket) = pair.ticket.filter(|ticket| !tickets.contains(ticket)) {
                let some = if clients.insert(pair.client) { &mut others } else { &mut further };
                some.push(ticket);
            }
        }
    }
    let mut asked: Vec<TicketId> = others.into_iter().chain(further).take(TRIED).collect();
    let again = asked.is_empty();
    if again {
        if let Some(failure) = met {
            return Ok(Some(failure.clone()));
        }
        // One of them, in turn, tells when it is over.
        let turn = engine.schedule().instances.get(&id).map_or(0, |standing| standing.failures) as usize;
        asked.extend(tickets.iter().nth(turn % tickets.len().max(1)));
    }
    let mut met_too = None;
    for ticket in asked {
        match halo.actions(ticket, Class::Poll).await {
            Ok(_) => {
                let now = engine.now();
                engine.schedule().instance_reads(id, again, now);
                return Ok(None);
            }
            // Nobody was asked: what was met before is weighed with the next poll.
            Err(failure) if failure.own_budget() && met.is_none() => return Ok(None),
            Err(failure) if !unread::may_be_its_own(&failure) => return Ok(Some(failure)),
            Err(failure) => met_too = Some(failure),
        }
    }
    Ok(met_too)
}
