//! Reading a Halo instance: tickets changed since the cursor (with overlap), and the actions of those that are paired.

mod alone;
mod changed;
pub(super) mod once_more;
mod open;
mod opening;
mod row;
pub(super) mod sight;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        ids::{ConnectionId, PairId, RunId, TicketId},
        reason::Reason,
        run::{Run, RunCause, RunScope},
        ticket::{Action, Ticket},
    },
    halo_itsm::Halo,
    ledger::fact::Fact,
    outbound::budget::Class,
    planner::{
        drift, mapping,
        observed::{Reading, older},
    },
    store::{SituationRow, StoreError},
};

use self::alone::Alone;
use self::changed::{move_cursor, since};
pub(super) use self::once_more::wrote;
use self::once_more::{look_once_more, not_over, whole_seconds};
use self::open::{ROWS_EVERY, every_row, rows_every, some_whole};
pub use self::row::RowVersion;
use super::{
    Engine, answers, digest, meanwhile,
    poll::unseen,
    put_back,
    registry::{budgets::Coming, salt},
    schedule::Schedule,
    unread::{self, Whose},
};

/// Polls look this far behind the cursor (halo-api sheet, rule 7).
pub(super) const OVERLAP: SignedDuration = SignedDuration::from_mins(3);
/// All open paired tickets are read by number this often, with their actions.
const FULL_EVERY: SignedDuration = SignedDuration::from_hours(6);
/// How far before our own clock an instance's first reading begins: its clock may be off, or tell local time.
const CLOCKS_APART: SignedDuration = SignedDuration::from_hours(26);
/// Pages of one list. Halo gives them in the order of ticket numbers: only all of them are a whole.
const PAGES_MAX: u32 = 1_000;

#[derive(Default)]
struct Counts {
    read: u32,
    changed: u32,
    newest: Option<Timestamp>,
    /// One that tells a time to come, and that time.
    future: Option<(Timestamp, TicketId)>,
    held_at: Option<Timestamp>,
    /// What failed for all: a list, the sign-in, the look of the instance as such.
    failure: Option<Failure>,
    /// Pairs whose ticket alone could not be read.
    alone: BTreeMap<PairId, Alone>,
    /// Open paired tickets whose rows were read by number, when that was due.
    open_rows: Option<i64>,
    /// How the tickets of this reading by number showed so far.
    tally: sight::Tally,
    /// The last pair whose ticket its page asks for: others may follow.
    last: Option<PairId>,
    /// Actions are read whatever the row says: not every change is proven to move its times.
    thorough: bool,
    /// Where the list of changed tickets begins, but for its overlap.
    cursor: Option<Timestamp>,
    /// Everything that changed before this moment was read already, by Halo's clock.
    passed: Option<Timestamp>,
    /// A webhook named these tickets: something happened, even where whole seconds do not show it.
    named: bool,
    /// When the list of changed tickets was told, by Halo's clock.
    told: Option<Timestamp>,
}

/// Polls one instance.
pub(super) async fn run(engine: &Engine, id: ConnectionId) -> Result<(), StoreError> {
    let view = engine.registry.view();
    let Some(connection) = view.halo.get(&id) else { return Ok(()) };
    let started = engine.now();
    let (cause, named, full, rows_due, settled) = {
        let mut schedule = engine.schedule();
        let mut named = schedule.tickets.remove(&id).unwrap_or_default();
        named.extend(schedule.tickets_again.remove(&id).unwrap_or_default());
        // Until they are taken up: the store may refuse meanwhile.
        schedule.tickets_again.insert(id, named.clone());
        let standing = schedule.instances.entry(id).or_default();
        let full = standing.next_full.is_some_and(|at| at <= started);
        standing.hastened = false;
        let rows_due = standing.next_rows.is_some_and(|at| at <= started);
        standing.next_rows.get_or_insert(started + ROWS_EVERY);
        let cause = standing.cause.unwrap_or(RunCause::Schedule);
        let settled = standing.settled;
        (cause, named, full, rows_due, settled)
    };
    let mut counts = Counts::default();
    let coming = Coming::began(engine, id, "changes");
    match engine.registry.halo(id) {
        Err(failure) => {
            counts.failure = Some(failure);
        }
        Ok(halo) => {
            let class = if cause == RunCause::Webhook { Class::WebhookBorn } else { Class::Poll };
            let cursor = engine.store.halo_cursor(id).await?;
            counts.cursor = cursor;
            match cursor {
                // Before the first pair there is nothing to follow. From the first rows on the cursor goes by
                // the instance's own times; until then it begins before whatever its clock may say.
                None => move_cursor(engine, id, None, started - CLOCKS_APART).await?,
                Some(cursor) => since(engine, &halo, (cursor, settled, started), class, &mut counts).await?,
            }
            if counts.failure.is_none() && !named.is_empty() {
                counts.named = true;
                by_number(engine, &halo, named.iter().copied().collect(), Class::WebhookBorn, &mut counts).await?;
                counts.named = false;
            }
            if counts.failure.is_none() {
                super::push::announced(engine, &halo, &named).await?;
            }
            let sane = |cursor: &Timestamp| *cursor <= started + CLOCKS_APART;
            counts.passed = cursor.filter(sane).map(|cursor| cursor - OVERLAP);
            if counts.failure.is_none() && rows_due {
                every_row(engine, &halo, connection, &mut counts).await?;
            }
            if counts.failure.is_none() && full {
                counts.thorough = true;
                some_whole(engine, &halo, connection, &mut counts).await?;
            }
        }
    }
    ended(engine, id, cause, started, connection.poll_secs, counts).await?;
    let next = { engine.schedule().instances.get(&id).and_then(|standing| standing.next) };
    coming.ended(engine, next);
    Ok(())
}

/// Takes up those rows that belong to pairs and differ from what is known.
async fn rows(
    engine: &Engine,
    halo: &Halo,
    tickets: Vec<Ticket>,
    asked: Timestamp,
    counts: &mut Counts,
) -> Result<(), StoreError> {
    let ids: Vec<TicketId> = tickets.iter().map(|ticket| ticket.id).collect();
    let mut pairs: BTreeMap<TicketId, Vec<PairId>> = BTreeMap::new();
    let mut awaited = BTreeSet::new();
    for (ticket, found) in engine.store.pairs_of_tickets(halo.connection().id, &ids).await? {
        if found.iter().any(|pair| put_back::awaited(pair, Side::Halo)) {
            awaited.insert(ticket);
        }
        pairs.insert(ticket, found.into_iter().map(|pair| pair.id).collect());
    }
    for ticket in tickets {
        counts.read += 1;
        let pairs = pairs.remove(&ticket.id).unwrap_or_default();
        let (at, version) = ((halo.connection().id, ticket.id), RowVersion::of(&ticket));
        let looked_at = counts.thorough || counts.named || there(&ticket) && awaited.contains(&ticket.id);
        if !looked_at && engine.schedule().knows_row(&at, &version, &pairs, asked) {
            continue;
        }
        let mut taken_up = !pairs.is_empty();
        let mut shared = None;
        for pair in pairs {
            taken_up &= one(engine, halo, (pair, &mut shared), ticket.clone(), asked, counts).await?;
        }
        if taken_up {
            engine.schedule().keep_row(at, version);
        }
    }
    Ok(())
}

/// Whether a row shows a ticket that can be worked on.
fn there(ticket: &Ticket) -> bool {
    !ticket.deleted && ticket.merged_into.is_none()
}

/// When a ticket was last changed, or, where that is not told, when somebody last acted on it.
fn moved_at(ticket: &Ticket) -> Option<Timestamp> {
    ticket.last_update.or(ticket.last_action)
}

/// What was read of a ticket for the pair before: whether by number, the ticket, its actions, and whether Halo counts none.
type Shared = (bool, Ticket, (Vec<Action>, bool));

/// Takes up a row for one pair; whether nothing of it is left to be read.
async fn one(
    engine: &Engine,
    halo: &Halo,
    (pair, shared): (PairId, &mut Option<Shared>),
    row: Ticket,
    asked: Timestamp,
    counts: &mut Counts,
) -> Result<bool, StoreError> {
    let turn = counts.thorough || counts.named;
    let waits = !turn && engine.schedule().ticket_waits(pair, halo.connection().id, asked);
    if waits || counts.alone.contains_key(&pair) {
        return Ok(false);
    }
    let Some(at_hand) = engine.known(pair).await? else { return Ok(true) };
    let known = Arc::clone(&at_hand.row);
    let told = |ticket: &Ticket| RowVersion::of(ticket) == RowVersion::of(&row);
    let same = known.ticket.as_ref().is_some_and(told) && known.actions.is_some();
    let once_more = look_once_more(engine, pair, &row, asked) || counts.named && whole_seconds(row.last_action);
    let back = there(&row) && sight::said_gone(&known, engine.now());
    let runs = not_over(&row, counts.told);
    if same && !counts.thorough && !once_more && !back {
        return Ok(true);
    }
    // A row read before our own last write may be older than what that write answered.
    let raced = known.pair.changed >= asked;
    // Halo's clock went back, or the list comes from a cache: only the ticket itself tells.
    let behind = known.ticket.as_ref().is_some_and(|ticket| older(row.last_update, ticket.last_update));
    // Rows lack custom fields: a change of status may be a closure whose classification lies there, and the policy
    // may carry what agents write into them.
    let restated = known.ticket.as_ref().is_some_and(|ticket| ticket.status_id != row.status_id);
    let view = engine.registry.view();
    let found = view.of_workspace(known.pair.workspace);
    let fields = found.is_some_and(|(_, _, policy)| policy.reads_custom_fields());
    let catalogue = engine.registry.catalogue(known.pair.halo);
    // A status may close a ticket whose row does not say so, and an agent who was asked answers in a custom field.
    let closed = row.closed
        || found
            .zip(catalogue)
            .is_some_and(|((.., policy), catalogue)| mapping::ticket_closed(policy, &catalogue, &row));
    let asked_for = matches!(known.pair.reason, Some(Reason::VerdictMissing | Reason::VerdictRefused { .. }));
    let policy_reads = closed || asked_for || restated || fields || row.merged_into.is_some() || row.deleted;
    let (id, row_moved) = (row.id, moved_at(&row));
    let class = if counts.thorough { Class::Reconcile } else { Class::Poll };
    let whole = raced || policy_reads || back || behind;
    // What was read for another pair may be older than what is known of this one.
    let again = shared.as_ref().filter(|(by_number, ..)| !behind && (*by_number || !whole));
    let sure = whole && !raced && again.is_none();
    let result = async {
        if let Some((_, ticket, actions)) = again {
            return Ok((ticket.clone(), actions.clone()));
        }
        let ticket = if whole {
            let mut ticket = halo.ticket(id, class).await?;
            if !raced && !behind {
                // Compared with the next row, whose times may be told in another precision.
                (ticket.last_update, ticket.last_action) = (row.last_update, row.last_action);
            }
            ticket
        } else {
            row
        };
        Ok((ticket, halo.counted_actions(id, class).await?))
    }
    .await;
    if let Ok((ticket, actions)) = &result {
        *shared = Some((whole, ticket.clone(), actions.clone()));
        engine.schedule().learn_opening(halo.connection().id, ticket, &actions.0);
    }
    match result {
        Ok((mut ticket, (actions, none))) => {
            counts.changed += 1;
            let mut done = if raced || behind { Vec::new() } else { drifted(engine, &known, &ticket, counts.passed) };
            if back && there(&ticket) {
                let gone = known.pair.gone == Some(Side::Halo);
                done.extend(gone.then_some(Fact::RecordGone { pair, side: Side::Halo, gone: false }));
                done.extend(put_back::shows_again(&known, Side::Halo, engine.now()));
            }
            if runs {
                // The next row then tells of something new, and the notes are read.
                ticket.last_action = None;
            }
            let grounds = meanwhile::grounds(&known, &done);
            let doubted = behind.then(|| ticket.clone());
            let (ticket, actions) = (Some(ticket), Some(actions));
            let reading = Reading { ticket, actions, none, sure, grounds, ..Reading::default() };
            if let Err(error) = digest::known_pair(engine, pair, Some(at_hand), done, reading, false).await {
                if once_more {
                    engine.schedule().read_again(pair, asked);
                }
                return Err(error);
            }
            engine.schedule().notes_read(pair, asked);
            let taken = match doubted {
                Some(read) => took(engine, pair, &read).await?,
                None => true,
            };
            Ok(taken && !runs)
        }
        Err(failure) => {
            let failure: Failure = failure;
            if once_more {
                engine.schedule().read_again(pair, asked);
            }
            if failure.kind == FailureKind::Gone {
                // Where it is known to be gone an old list shows it.
                if !back {
                    engine.schedule().looks.insert(pair);
                }
                return Ok(false);
            }
            // Not every instance tells `last_update` in its rows. By our own clock the cursor would go past it.
            let known_at = known.ticket.as_ref().and_then(moved_at);
            let at = known_at.into_iter().chain(row_moved).min().or(counts.cursor).unwrap_or(asked);
            if unread::may_be_its_own(&failure) {
                let whose = Whose { halo: halo.connection().id, client: known.pair.client, ticket: id };
                counts.alone.insert(pair, Alone { whose, at, failure });
                return Ok(false);
            }
            counts.held_at = Some(counts.held_at.map_or(at, |held| held.min(at)));
            counts.failure.get_or_insert(failure);
            Ok(false)
        }
    }
}

/// Whether what was read of a ticket behind what was known is what is known now: something else may have been recorded while
/// it was under way, and then it was dropped.
async fn took(engine: &Engine, pair: PairId, read: &Ticket) -> Result<bool, StoreError> {
    let Some(now) = engine.known(pair).await? else { return Ok(true) };
    // Of one that is at another client not all is kept.
    let away = read.client_id != Some(now.row.pair.halo_client_id);
    Ok(away || now.row.ticket.as_ref().is_some_and(|ticket| ticket.raw == read.raw))
}

/// What is recorded beside a change that the list of changed tickets should have shown before.
fn drifted(engine: &Engine, row: &SituationRow, ticket: &Ticket, passed: Option<Timestamp>) -> Vec<Fact> {
    let late = passed.zip(ticket.last_update).is_some_and(|(passed, updated)| updated < passed);
    let (Some(known), true) = (&row.ticket, late) else { return Vec::new() };
    let view = engine.registry.view();
    let found = view.of_workspace(row.pair.workspace).zip(engine.registry.catalogue(row.pair.halo));
    let Some(((_, _, policy), catalogue)) = found else { return Vec::new() };
    let rule = policy.drift.value;
    let closed = mapping::ticket_closed(policy, &catalogue, ticket);
    match drift::ticket_moved(rule, &row.pair.base, known, ticket, closed) {
        Some((what, base)) => unseen::facts(row, rule, format!("Changed in Halo and shown late: {what}."), base),
        None => Vec::new(),
    }
}

async fn by_number(
    engine: &Engine,
    halo: &Halo,
    ids: Vec<TicketId>,
    class: Class,
    counts: &mut Counts,
) -> Result<(), StoreError> {
    let paired = engine.store.pairs_of_tickets(halo.connection().id, &ids).await?;
    let ids: Vec<TicketId> = ids.into_iter().filter(|id| paired.contains_key(id)).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let asked = engine.now();
    match halo.tickets_by_ids(&ids, class).await {
        Ok(tickets) => {
            let found: Vec<TicketId> = tickets.iter().map(|t| t.id).collect();
            rows(engine, halo, tickets, asked, counts).await?;
            alone::weigh(engine, halo, counts).await?;
            // One that did not come back may be gone: it is read by its number. With the rows of every few minutes only once in
            // a while: an instance may leave one out for reasons of its own.
            let looks = counts.thorough || class == Class::WebhookBorn;
            if class != Class::WebhookBorn {
                let known = ids.iter().filter(|id| {
                    paired.get(*id).is_some_and(|pairs| pairs.iter().any(|pair| sight::settled(pair, asked)))
                });
                let known: Vec<&TicketId> = known.collect();
                let missing: Vec<TicketId> = known.iter().map(|id| **id).filter(|id| !found.contains(id)).collect();
                let page = (known.len(), missing.as_slice(), found.last().copied());
                if let Some(failure) = sight::weigh(engine, halo, page, class, counts).await? {
                    counts.failure.get_or_insert(failure);
                    return Ok(());
                }
            }
            let mut schedule = engine.schedule();
            for pair in ids.iter().filter(|id| !found.contains(id)).filter_map(|id| paired.get(id)).flatten() {
                let long_ago = schedule.missed.get(&pair.id).is_none_or(|at| *at + FULL_EVERY <= asked);
                if looks || long_ago && pair.gone.is_none() {
                    schedule.missed.insert(pair.id, asked);
                    schedule.looks.insert(pair.id);
                }
            }
        }
        Err(failure) => {
            counts.failure.get_or_insert(failure);
        }
    }
    Ok(())
}

async fn ended(
    engine: &Engine,
    id: ConnectionId,
    cause: RunCause,
    started: Timestamp,
    poll_secs: u32,
    counts: Counts,
) -> Result<(), StoreError> {
    let now = engine.now();
    // Our own budget had no room: no failed run.
    let waits = counts.failure.as_ref().is_some_and(Failure::own_budget);
    let (told_before, away) = {
        let mut schedule = engine.schedule();
        let Some(standing) = schedule.instances.get_mut(&id) else { return Ok(()) };
        let (failed_before, told_before) = (standing.last_failure.is_some(), standing.failing);
        let away = answers::was_away(standing);
        if !waits {
            standing.failing = counts.failure.is_some();
        }
        match &counts.failure {
            None => Schedule::went_well(standing, now, poll_secs),
            Some(failure) => Schedule::went_wrong(standing, failure.clone(), now, salt(&id.0), poll_secs),
        }
        // A webhook that came while this was under way is not covered by it.
        if std::mem::take(&mut standing.hastened) && counts.failure.is_none() {
            standing.next = Some(now);
            standing.cause = Some(RunCause::Webhook);
        }
        standing.next_full.get_or_insert(now + FULL_EVERY);
        if let Some(open) = counts.open_rows {
            standing.next_rows = Some(now + rows_every(open));
        }
        if failed_before && counts.failure.is_none() {
            // It answers again: look-ups that failed with it are not left waiting, nor what waits for them.
            schedule.hasten_look_ups(id, now);
        }
        // Webhooks that came meanwhile.
        if schedule.tickets.get(&id).is_some_and(|named| !named.is_empty())
            && let Some(standing) = schedule.instances.get_mut(&id)
            && standing.last_failure.is_none()
        {
            standing.next = Some(now);
        }
        (told_before, away)
    };
    super::pauses::read(engine, RunScope::Halo { id }, id, None, counts.failure.as_ref()).await?;
    if away && counts.failure.is_none() {
        answers::again(engine, RunScope::Halo { id }).await?;
    }
    if waits {
        tracing::debug!(connection.id = %id, "reading changed tickets waits for Halo's budget");
    } else if let Some(failure) = &counts.failure {
        super::registry::mind_secrets(engine, failure).await;
        tracing::warn!(connection.id = %id, error = %failure, "reading changed tickets did not end well");
    }
    if counts.changed > 0 || (!waits && counts.failure.is_some() != told_before) {
        let run = Run {
            id: RunId(engine.ids.uuid_v7(now)),
            scope: RunScope::Halo { id },
            cause,
            started,
            ended: now,
            read: counts.read,
            changed: counts.changed,
            failure: counts.failure.filter(|_| !waits),
        };
        engine.record(now, None, vec![Fact::RunEnded { run }]).await?;
    }
    Ok(())
}
