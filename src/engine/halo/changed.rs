//! The list of changed tickets, page by page, and the cursor behind it.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    domain::{
        failure::Failure,
        ids::{ConnectionId, TicketId},
        ticket::Ticket,
    },
    halo_itsm::{Halo, paging::may_have_slipped},
    ledger::fact::Fact,
    outbound::budget::Class,
    store::StoreError,
};

use super::{Counts, Engine, PAGES_MAX, rows};

/// Moves the cursor on, never back.
pub(super) async fn move_cursor(
    engine: &Engine,
    connection: ConnectionId,
    before: Option<Timestamp>,
    updated: Timestamp,
) -> Result<(), StoreError> {
    if before.is_some_and(|before| before >= updated) {
        return Ok(());
    }
    engine.record(engine.now(), None, vec![Fact::HaloCursorMoved { connection, updated }]).await.map(drop)
}

/// Pages come in the order of ticket numbers: without the last page nothing is known to be whole.
fn broken_off(counts: &mut Counts, failure: Failure) -> bool {
    counts.failure = Some(failure);
    counts.held_at = None;
    counts.newest = None;
    false
}

/// Takes up what changed from `from` on. Gives whether the list was read to its end.
pub(super) async fn changed(
    engine: &Engine,
    halo: &Halo,
    from: Timestamp,
    class: Class,
    counts: &mut Counts,
) -> Result<bool, StoreError> {
    let mut before: (BTreeSet<TicketId>, Option<i64>) = (BTreeSet::new(), None);
    for page_no in 1..=PAGES_MAX {
        let asked = engine.now();
        let page = match halo.changed_tickets(from, page_no, class).await {
            Ok(page) => page,
            Err(failure) => return Ok(broken_off(counts, failure)),
        };
        let (more, total) = (page.more, page.total);
        let ids: BTreeSet<TicketId> = page.tickets.iter().map(|ticket| ticket.id).collect();
        for raw in page.unreadable {
            engine.record(engine.now(), None, vec![Fact::Unreadable { workspace: None, raw }]).await?;
        }
        rows(engine, halo, page.tickets, asked, counts).await?;
        if may_have_slipped(page_no, ids.len(), (before.0.len(), before.1)) {
            let asked = engine.now();
            let again = match halo.changed_tickets_again(from, page_no - 1, class).await {
                Ok(page) => page,
                Err(failure) => return Ok(broken_off(counts, failure)),
            };
            let known = |ticket: &Ticket| before.0.contains(&ticket.id) || ids.contains(&ticket.id);
            let slipped = again.tickets.into_iter().filter(|ticket| !known(ticket)).collect();
            rows(engine, halo, slipped, asked, counts).await?;
        }
        before = (ids, total);
        if !more {
            return Ok(true);
        }
    }
    tracing::warn!(connection.id = %halo.connection().id, pages = PAGES_MAX, "more tickets changed than one reading lists; the cursor stays");
    counts.newest = None;
    Ok(false)
}
