//! What fails with one incident is its own matter: its pair says so and asks again, and nobody else waits for it.

use super::Poll;
use crate::domain::{
    failure::{Failure, FailureKind},
    ids::IncidentId,
};

impl Poll<'_> {
    /// Whether something of some incident alone could not be read.
    pub(in crate::engine) fn spoiled(&self) -> bool {
        self.counts.spoiled > 0
    }

    /// What belongs to this incident could not be read: whether that is its own matter. A word to wait and a refused sign-in
    /// concern all; so does a missing right that a second incident of the workspace meets.
    pub(super) fn alone(&mut self, incident: &IncidentId, failure: &Failure) -> bool {
        let alone = match failure.kind {
            FailureKind::WaitUntil { .. } | FailureKind::SignInAgain => false,
            FailureKind::Forbidden => {
                let first = self.counts.refused.get_or_insert_with(|| incident.clone());
                let one = *first == *incident;
                one && !self.engine.schedule().refused_elsewhere(self.workspace.id, incident)
            }
            _ => true,
        };
        self.counts.spoiled += u32::from(alone);
        alone
    }
}
