//! The list of changed tickets, page by page, and the cursor behind it.

use jiff::Timestamp;

use crate::{
    domain::ids::ConnectionId, halo_itsm::Halo, ledger::fact::Fact, outbound::budget::Class, store::StoreError,
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

/// Takes up what changed from `from` on. Gives whether the list was read to its end.
pub(super) async fn changed(
    engine: &Engine,
    halo: &Halo,
    from: Timestamp,
    class: Class,
    counts: &mut Counts,
) -> Result<bool, StoreError> {
    for page_no in 1..=PAGES_MAX {
        let asked = engine.now();
        let page = match halo.changed_tickets(from, page_no, class).await {
            Ok(page) => page,
            Err(failure) => {
                counts.failure = Some(failure);
                // Pages come in the order of ticket numbers: without the last page nothing is known to be whole.
                counts.held_at = None;
                counts.newest = None;
                return Ok(false);
            }
        };
        let more = page.more;
        for raw in page.unreadable {
            engine.record(engine.now(), None, vec![Fact::Unreadable { workspace: None, raw }]).await?;
        }
        rows(engine, halo, page.tickets, asked, counts).await?;
        if !more {
            return Ok(true);
        }
    }
    tracing::warn!(connection.id = %halo.connection().id, pages = PAGES_MAX, "more tickets changed than one reading lists; the cursor stays");
    counts.newest = None;
    Ok(false)
}
