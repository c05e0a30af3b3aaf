//! Records without an id. They are kept as they came, each once in the life of this process, and no more than a few: a
//! service that answers nonsense would fill the ledger with it.

use std::collections::BTreeSet;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Engine;
use crate::{
    domain::ids::{ClientId, WorkspaceId},
    ledger::fact::Fact,
    store::StoreError,
};

/// Kept of one answer.
const AT_ONCE: usize = 20;
/// Kept in all.
const IN_ALL: usize = 200;

/// Those that were kept.
pub type Kept = BTreeSet<[u8; 32]>;

impl Engine {
    /// Keeps those that are new.
    pub(super) async fn keep_unreadable(
        &self,
        (workspace, client): (Option<WorkspaceId>, Option<ClientId>),
        rows: Vec<Value>,
    ) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let read = rows.len();
        let mut kept = self.schedule().unreadable.clone();
        let mark = |raw: &Value| <[u8; 32]>::from(Sha256::digest(format!("{workspace:?} {raw}").as_bytes()));
        let new: Vec<Value> =
            rows.into_iter().filter(|raw| kept.len() < IN_ALL && kept.insert(mark(raw))).take(AT_ONCE).collect();
        if new.is_empty() {
            return Ok(());
        }
        tracing::warn!(workspace.id = ?workspace, rows = read, kept = new.len(), "records without an id were read; they are kept as they came, each once");
        let facts = new.into_iter().map(|raw| Fact::Unreadable { workspace, raw }).collect();
        self.record(self.now(), client, facts).await?;
        self.schedule().unreadable.extend(kept);
        Ok(())
    }
}
