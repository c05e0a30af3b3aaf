//! The list of changed tickets, page by page, and the cursor behind it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        failure::Failure,
        ids::{ConnectionId, TicketId},
        run::RunScope,
        ticket::Ticket,
        time::{as_stored, iso},
    },
    halo_itsm::{Halo, paging::may_have_slipped},
    ledger::fact::Fact,
    outbound::budget::Class,
    store::StoreError,
};

use super::{Counts, Engine, OVERLAP, PAGES_MAX, alone, moved_at, rows};
use crate::engine::{future, settled::Settled};

/// A reading that takes longer may have passed by what changed behind the page that it read.
const SLOW: SignedDuration = SignedDuration::from_mins(1);

/// Moves the cursor on, never back.
pub(super) async fn move_cursor(
    engine: &Engine,
    connection: ConnectionId,
    before: Option<Timestamp>,
    updated: Timestamp,
) -> Result<(), StoreError> {
    let updated = as_stored(updated);
    if before.is_some_and(|before| before >= updated) {
        return Ok(());
    }
    engine.record(engine.now(), None, vec![Fact::HaloCursorMoved { connection, updated }]).await.map(drop)
}

/// Pages come in the order of ticket numbers: without the last page nothing is known to be whole.
fn broken_off(counts: &mut Counts, failure: Failure) -> Ended {
    counts.failure = Some(failure);
    counts.held_at = None;
    counts.newest = None;
    Ended::Broken
}

/// Takes up what changed since the cursor, and moves it.
pub(super) async fn since(
    engine: &Engine,
    halo: &Halo,
    (cursor, settled, started): (Timestamp, Option<Settled>, Timestamp),
    class: Class,
    counts: &mut Counts,
) -> Result<(), StoreError> {
    let id = halo.connection().id;
    let all_seen = Settled::up_to(settled, cursor);
    // Those of the newest second among them.
    let from = if all_seen { cursor + SignedDuration::from_secs(1) } else { cursor - OVERLAP };
    let mut latest = None;
    let whole = changed(engine, halo, (from, &mut latest), class, counts).await?;
    // A row that changes again behind the page being read is not among the later ones: the next list begins before that.
    let took = engine.now().duration_since(started);
    let slow = took > SLOW;
    alone::weigh(engine, halo, counts).await?;
    if whole {
        // Rows that have not turned up by now are out of the overlap: they will not. Those of another instance, which may be
        // out of reach, are kept for a day.
        let alone = engine.registry.view().halo.len() < 2;
        let kept = if alone { OVERLAP + OVERLAP } else { SignedDuration::from_hours(24) };
        engine.schedule().written.retain(|_, once| once.due > started - kept);
        engine.note_future(RunScope::Halo { id }, counts.future.map(|(at, ticket)| to_come(at, ticket)));
    }
    if let Some(latest) = latest.filter(|latest| *latest < cursor) {
        // A time to come had led it there. It goes back; what was not listed is read by number all the same.
        let back = Fact::HaloCursorMoved { connection: id, updated: latest };
        return engine.record(engine.now(), None, vec![back]).await.map(drop);
    }
    if whole && !slow && counts.held_at.is_none() {
        let newest = counts.newest.map_or(cursor, |newest| newest.max(cursor));
        if let Some(standing) = engine.schedule().instances.get_mut(&id) {
            standing.settled = Some(Settled::after(settled, newest, started, OVERLAP));
        }
    }
    let seen_up_to = counts.newest.map(|newest| if slow { newest - took } else { newest });
    let newest = match (seen_up_to, counts.held_at) {
        (Some(newest), Some(held)) => Some(newest.min(held)),
        (newest, _) => newest,
    };
    match newest.filter(|_| counts.failure.is_none() || counts.held_at.is_some()) {
        Some(newest) => move_cursor(engine, id, Some(cursor), newest).await,
        None => Ok(()),
    }
}

fn to_come(at: Timestamp, ticket: TicketId) -> String {
    format!(
        "Ticket {ticket} says that it was last changed on {}, which is yet to come: Halo's clock is ahead, or it tells \
         local time without its zone. That time is left aside; everything is read as usual.",
        iso(at)
    )
}

/// Takes in when rows changed; `latest` is the latest that may be told.
fn date(tickets: &[Ticket], latest: Timestamp, counts: &mut Counts) {
    // An instance that leaves `last_update` out of its rows still tells when somebody last acted.
    for (at, id) in tickets.iter().filter_map(|ticket| Some((moved_at(ticket)?, ticket.id))) {
        if at > latest {
            counts.future = counts.future.max(Some((at, id)));
        } else {
            // Compared with a cursor that is kept in milliseconds.
            counts.newest = counts.newest.max(Some(as_stored(at)));
        }
    }
}

/// Readings of one list that Halo counts more rows for than it hands out.
const READINGS: u32 = 3;
/// Polls after which such a count is taken for no count of these rows.
const BELIEVED: u32 = 3;

/// How a reading of the list ended.
enum Ended {
    Whole,
    /// Halo counts more rows than it handed out: so many were not among them.
    Short(usize),
    Broken,
}

/// Takes up what changed from `from` on, and what time may be told at the latest. Gives whether the list was read to its
/// end: where Halo counts more rows than came, it is read again, and then with the next polls. A count that stays above
/// the rows for so long counts something else.
async fn changed(
    engine: &Engine,
    halo: &Halo,
    (from, latest): (Timestamp, &mut Option<Timestamp>),
    class: Class,
    counts: &mut Counts,
) -> Result<bool, StoreError> {
    let id = halo.connection().id;
    let before = engine.schedule().instances.get(&id).map_or(0, |standing| standing.short);
    let readings = if before < BELIEVED { READINGS } else { 1 };
    let mut missing = 0;
    for _ in 0..readings {
        match once(engine, halo, (from, latest), class, counts).await? {
            Ended::Broken => return Ok(false),
            Ended::Whole => {
                engine.schedule().instances.entry(id).or_default().short = 0;
                return Ok(true);
            }
            Ended::Short(rows) => missing = rows,
        }
    }
    if before >= BELIEVED {
        return Ok(true);
    }
    tracing::warn!(connection.id = %id, missing, "Halo counts more changed tickets than it hands out; the cursor stays");
    engine.schedule().instances.entry(id).or_default().short = before + 1;
    (counts.newest, counts.held_at) = (None, None);
    Ok(false)
}

/// Reads the list once.
async fn once(
    engine: &Engine,
    halo: &Halo,
    (from, latest): (Timestamp, &mut Option<Timestamp>),
    class: Class,
    counts: &mut Counts,
) -> Result<Ended, StoreError> {
    let mut before: (BTreeSet<TicketId>, Option<i64>) = (BTreeSet::new(), None);
    let (mut seen, mut unread) = (BTreeSet::new(), 0);
    // The least of all counts: what joins the list while it is read is listed by the next poll.
    let mut counted: Option<i64> = None;
    for page_no in 1..=PAGES_MAX {
        let asked = engine.now();
        let page = match halo.changed_tickets(from, page_no, class).await {
            Ok(page) => page,
            Err(failure) => return Ok(broken_off(counts, failure)),
        };
        let (more, total) = (page.more, page.total);
        counted = counted.min(total).or(total).or(counted);
        let ids: BTreeSet<TicketId> = page.tickets.iter().map(|ticket| ticket.id).collect();
        seen.extend(ids.iter().copied());
        unread += page.unreadable.len();
        engine.keep_unreadable((None, None), page.unreadable).await?;
        let now = *latest.insert(future::latest(page.told, asked));
        date(&page.tickets, now, counts);
        counts.told = page.told;
        rows(engine, halo, page.tickets, asked, counts).await?;
        if may_have_slipped(page_no, ids.len(), (before.0.len(), before.1)) {
            let asked = engine.now();
            let again = match halo.changed_tickets_again(from, page_no - 1, class).await {
                Ok(page) => page,
                Err(failure) => return Ok(broken_off(counts, failure)),
            };
            let known = |ticket: &Ticket| before.0.contains(&ticket.id) || ids.contains(&ticket.id);
            let slipped: Vec<Ticket> = again.tickets.into_iter().filter(|ticket| !known(ticket)).collect();
            seen.extend(slipped.iter().map(|ticket| ticket.id));
            date(&slipped, now, counts);
            counts.told = again.told;
            counted = counted.min(again.total).or(counted);
            rows(engine, halo, slipped, asked, counts).await?;
        }
        before = (ids, total);
        if !more {
            let counted = counted.and_then(|counted| usize::try_from(counted).ok()).unwrap_or(0);
            let missing = counted.saturating_sub(seen.len() + unread);
            return Ok(if missing == 0 { Ended::Whole } else { Ended::Short(missing) });
        }
    }
    tracing::warn!(connection.id = %halo.connection().id, pages = PAGES_MAX, "more tickets changed than one reading lists; the cursor stays");
    counts.newest = None;
    Ok(Ended::Broken)
}
