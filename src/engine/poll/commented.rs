//! Comments that are read again now and then.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::{LATE, OVERLAP, Poll};
use crate::{
    domain::{failure::FailureKind, ids::WorkspaceId},
    engine::{Engine, digest, known::Known, meanwhile, unread},
    outbound::budget::Class,
    planner::observed::Reading,
    store::StoreError,
};

/// Pairs whose comments are read again with one poll.
const COMMENTED_AT_ONCE: usize = 40;
/// After so many that alone could not be read the others wait for a later poll.
const UNREAD_MAX: u32 = 3;
/// The rest is read with a poll that comes within this time.
const REST_WITHIN: SignedDuration = SignedDuration::from_mins(1);

/// Some of a workspace's comments are still to be read again: its next poll comes soon, or a workspace that is polled
/// seldom would be hours behind.
pub(super) fn rest(engine: &Engine, id: WorkspaceId) {
    let now = engine.now();
    engine.schedule().poll_within(id, REST_WITHIN, now);
}

impl Poll<'_> {
    /// An edit, or one comment deleted and another written, may move nothing that a list shows, or hide behind what else
    /// moved. So the comments of open pairs, and of those that changed within the time that a start looks back, are read
    /// now and then.
    pub(super) async fn gather_commented(&mut self) -> Result<(), StoreError> {
        let id = self.workspace.id;
        let since = self.engine.now() - LATE - OVERLAP;
        let pairs = self.engine.store.pairs_commented(id, since).await?;
        self.engine.schedule().comment_rereads.entry(id).or_default().extend(pairs);
        Ok(())
    }

    /// Reads the comments of a few of them.
    pub(super) async fn read_commented(&mut self) -> Result<(), StoreError> {
        let (mut again, mut unread) = (Vec::new(), 0);
        for _ in 0..COMMENTED_AT_ONCE {
            let next = self.engine.schedule().comment_rereads.get_mut(&self.workspace.id).and_then(BTreeSet::pop_first);
            let Some(pair) = next else { break };
            let Some(Known { row, .. }) = self.engine.known(pair).await? else { continue };
            let asked = Some(self.engine.now());
            match self.sentinel.comments(&self.at, &row.pair.incident, Class::Reconcile).await {
                Ok(comments) => {
                    let deleted = Some(digest::observed(&row).deleted_by(&row.subject.incident, &comments));
                    let mut reading = Reading { comments: Some(comments), asked, deleted, ..Reading::default() };
                    let mut done = Vec::new();
                    match self.late_alerts(&row, &row.subject.incident, &mut done).await {
                        Ok(evidence) => reading.evidence = evidence,
                        Err(()) => again.push(pair),
                    }
                    reading.grounds = meanwhile::grounds(&row, &done);
                    digest::pair(self.engine, pair, done, reading).await?;
                    if self.failed() {
                        break;
                    }
                }
                // The incident may be gone with them: both are asked for.
                Err(failure) if failure.kind == FailureKind::Gone => {
                    self.engine.schedule().looks.insert(pair);
                }
                // With the next poll: the budget has no room.
                Err(failure) if matches!(failure.kind, FailureKind::WaitUntil { .. }) => {
                    again.push(pair);
                    break;
                }
                Err(failure) => {
                    tracing::warn!(pair.id = %pair, error = %failure, "comments could not be read again; they are asked for later");
                    let failure = unread::named(&row.subject.incident, failure);
                    // The pair asks for them by itself.
                    let whose = (pair, (self.workspace.id, &row.pair.incident));
                    unread::say(self.engine, whose, &failure).await?;
                    if !self.alone(&row.pair.incident, &failure) {
                        again.push(pair);
                        self.failed_with(failure);
                        break;
                    }
                    // More of them would fail as well: they are asked for with a later poll.
                    unread += 1;
                    if unread >= UNREAD_MAX {
                        break;
                    }
                }
            }
        }
        let mut schedule = self.engine.schedule();
        let left = schedule.comment_rereads.entry(self.workspace.id).or_default();
        // What could not be read now waits for its poll like the rest of the list.
        self.counts.rest = !left.is_empty() && unread < UNREAD_MAX;
        left.extend(again);
        Ok(())
    }
}
