//! What live pages need: the newest number, and hints at what came after one.

use super::{App, caller::Caller, error::ServiceError, fault};
use crate::{domain::ids::PairId, ledger::entry::Seq};

/// Entries looked at in one go.
const AT_ONCE: u32 = 500;

/// Hints after a number.
pub struct Changes {
    /// One for each entry the caller may see; `None` for one that concerns no pair.
    pub hints: Vec<Option<PairId>>,
    /// The number reached.
    pub newest: i64,
    /// Whether there are more after it.
    pub more: bool,
}

/// The newest ledger entry's number.
///
/// # Errors
/// The store cannot be read.
pub async fn newest(app: &App) -> Result<i64, ServiceError> {
    Ok(app.store.latest_seq().await.map_err(|e| fault("read the ledger", &e))?.0)
}

/// How many pairs wait for a person, among those the caller may see.
///
/// # Errors
/// The store cannot be read.
pub async fn needs_you(app: &App, caller: &Caller) -> Result<u64, ServiceError> {
    let pairs = app.store.needs_you(&caller.scope).await.map_err(|e| fault("count pairs", &e))?;
    Ok(super::names::count(pairs))
}

/// What happened after `after`, as far as the caller may see it.
///
/// # Errors
/// The store cannot be read.
pub async fn changes(app: &App, caller: &Caller, after: i64) -> Result<Changes, ServiceError> {
    // read first: an entry written meanwhile is then seen now or the next time, never skipped
    let latest = newest(app).await?;
    if latest <= after {
        return Ok(Changes { hints: Vec::new(), newest: after, more: false });
    }
    let found = app.store.changes_since(Seq(after), &caller.scope, AT_ONCE).await;
    let found = found.map_err(|e| fault("read the ledger", &e))?;
    let more = found.len() >= AT_ONCE as usize;
    let last = found.last().map_or(after, |change| change.seq.0);
    let newest = if more { last } else { latest.max(last) };
    Ok(Changes { hints: found.into_iter().map(|change| change.pair).collect(), newest, more })
}
