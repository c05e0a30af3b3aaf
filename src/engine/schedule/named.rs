//! Incidents that webhooks named: read one by one, and one and the same not over and over.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::ids::{IncidentId, WorkspaceId},
    engine::fetch::NAMED_MAX,
};

/// One incident is read again for a webhook no sooner than so long after it was last read for one: each of our own
/// comments is announced as well, and dozens may follow one another.
const APART: SignedDuration = SignedDuration::from_secs(2);
/// So many readings are remembered; older ones are forgotten first.
const READ_KEPT: usize = 1_000;

type Key = (WorkspaceId, IncidentId);

/// The incidents that are to be read.
#[derive(Default)]
pub struct Named {
    /// At once.
    now: BTreeMap<WorkspaceId, BTreeSet<IncidentId>>,
    /// At this time, for they were read just before.
    later: BTreeMap<Key, Timestamp>,
    /// When each was last read.
    read: BTreeMap<Key, Timestamp>,
}

impl Named {
    /// One was named; `false` when so many of its workspace are that a list reads them better.
    pub(super) fn add(&mut self, workspace: WorkspaceId, incident: IncidentId, now: Timestamp) -> bool {
        let key = (workspace, incident);
        let again = self.read.get(&key).and_then(|at| at.checked_add(APART).ok()).filter(|at| *at > now);
        if let Some(at) = again {
            self.later.entry(key).or_insert(at);
            return true;
        }
        let named = self.now.entry(workspace).or_default();
        named.insert(key.1);
        let few = named.len() <= NAMED_MAX;
        if !few {
            self.now.remove(&workspace);
        }
        few
    }

    /// The workspaces of which some are to be read.
    pub(super) fn due(&self, now: Timestamp) -> impl Iterator<Item = WorkspaceId> {
        let ripe = self.later.iter().filter(move |(_, at)| **at <= now).map(|((workspace, _), _)| *workspace);
        self.now.keys().copied().chain(ripe)
    }

    /// When those are to be read that were read just before.
    pub(super) fn times(&self) -> impl Iterator<Item = Timestamp> {
        self.later.values().copied()
    }

    /// Takes those of a workspace that are to be read.
    pub fn take(&mut self, workspace: WorkspaceId, now: Timestamp) -> BTreeSet<IncidentId> {
        let mut taken = self.now.remove(&workspace).unwrap_or_default();
        let ripe = |key: &Key, at: &Timestamp| key.0 == workspace && *at <= now;
        taken.extend(self.later.iter().filter(|(key, at)| ripe(key, at)).map(|(key, _)| key.1.clone()));
        self.later.retain(|key, _| key.0 != workspace || !taken.contains(&key.1));
        if self.read.len() >= READ_KEPT {
            self.read.retain(|_, at| now.duration_since(*at) < APART);
        }
        self.read.extend(taken.iter().map(|incident| ((workspace, incident.clone()), now)));
        taken
    }

    /// Forgets what is known of workspaces that are not read any more.
    pub(super) fn only_of(&mut self, live: &BTreeSet<WorkspaceId>) {
        self.now.retain(|id, _| live.contains(id));
        self.later.retain(|(id, _), _| live.contains(id));
    }

    /// The clock was set back.
    pub(super) fn set_back(&mut self, back: impl Fn(&mut Timestamp)) {
        self.later.values_mut().chain(self.read.values_mut()).for_each(back);
    }
}
