//! Times that are yet to come. One record whose time lies in the future must lead no cursor there: until then nothing
//! else would be listed. So such times move no cursor; that they were told is said once, and on the source's row of the
//! page of runs as long as they are.

use jiff::{SignedDuration, Timestamp};

use super::Engine;
use crate::domain::run::RunScope;

/// So far apart the clocks of one service's machines, and ours where it does not tell its own, may be.
const APART: SignedDuration = SignedDuration::from_mins(2);

/// The latest time that an answer may tell which was given at `told` by the service's clock, else at `now` by ours.
pub(super) fn latest(told: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let at = told.unwrap_or(now);
    at.checked_add(APART).unwrap_or(at)
}

impl Engine {
    /// What a source's last whole reading told of times to come.
    pub(super) fn note_future(&self, scope: RunScope, told: Option<String>) {
        let mut schedule = self.schedule();
        let standing = match scope {
            RunScope::Workspace { id } => schedule.workspaces.get_mut(&id),
            RunScope::Halo { id } => schedule.instances.get_mut(&id),
        };
        let Some(standing) = standing else { return };
        if let (Some(told), None) = (&told, &standing.note) {
            tracing::warn!(scope = ?scope, "{told}");
        }
        standing.note = told;
    }
}
