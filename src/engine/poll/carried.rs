//! A mode that carries notes back is in force again: what was written on closed matters meanwhile crosses too. Nothing else
//! looks at a pair that is closed and in step until one of its sides changes.

use jiff::SignedDuration;

use super::Poll;
use crate::{
    domain::{ids::WorkspaceId, workspace::Mode},
    engine::{Engine, digest, registry::View},
    planner::observed::Reading,
    store::StoreError,
};

/// Closed pairs are planned anew that changed within this long: older ones are left as they are.
const LOOKS_BACK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Under this name and the workspace's id stands the mode that its pairs were last planned in.
const PLANNED_IN: &str = "planned-in:";

fn name(workspace: WorkspaceId) -> String {
    format!("{PLANNED_IN}{workspace}")
}

async fn put(engine: &Engine, workspace: WorkspaceId, mode: Mode) -> Result<(), StoreError> {
    let mut tx = engine.store.begin().await?;
    tx.put_setting(&name(workspace), Some(mode.as_str())).await?;
    tx.commit().await
}

/// Notes which workspaces are in a mode that carries nothing back, before anything is planned in it.
pub(in crate::engine) async fn mind_modes(engine: &Engine, view: &View) -> Result<(), StoreError> {
    for workspace in view.workspaces.values().filter(|workspace| workspace.mode != Mode::TwoWay) {
        if engine.store.setting(&name(workspace.id)).await?.as_deref() != Some(workspace.mode.as_str()) {
            put(engine, workspace.id, workspace.mode).await?;
        }
    }
    Ok(())
}

impl Poll<'_> {
    /// Plans closed pairs anew, once after the mode has changed to one that carries notes back.
    pub(super) async fn carry_what_waited(&self) -> Result<(), StoreError> {
        let (engine, id) = (self.engine, self.workspace.id);
        let before = engine.store.setting(&name(id)).await?;
        if self.workspace.mode != Mode::TwoWay || before.as_deref() == Some(Mode::TwoWay.as_str()) {
            return Ok(());
        }
        for pair in engine.store.closed_pairs_since(id, engine.now() - LOOKS_BACK).await? {
            digest::pair(engine, pair, Vec::new(), Reading::default()).await?;
        }
        if engine.outdated() {
            // The mode may be another one by now: the next poll plans by that.
            return Ok(());
        }
        put(engine, id, Mode::TwoWay).await
    }
}
