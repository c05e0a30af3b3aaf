//! Incidents that webhooks named: read one by one, and one and the same not over and over. Of the tickets that they named,
//! those that could not be read.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::ids::{ConnectionId, IncidentId, TicketId, WorkspaceId},
    engine::fetch::NAMED_MAX,
};

/// One incident is read again for a webhook no sooner than so long after it was last read for one: each of our own
/// comments is announced as well, and dozens may follow one another.
const APART: SignedDuration = SignedDuration::from_secs(2);
/// So many readings are remembered; older ones are forgotten first.
const READ_KEPT: usize = 1_000;

/// A ticket that could not be read is asked for again after so many seconds, then after twice that, and so on.
const TICKET_AGAIN_SECS: i64 = 15;
/// How often that doubles: it comes to two minutes.
const DOUBLINGS: u32 = 3;
/// One that could not be read so often, and for so long, is given up.
const TRIES: u32 = 10;
const TRIED_FOR: SignedDuration = SignedDuration::from_hours(2);

type Key = (WorkspaceId, IncidentId);

/// A ticket that could not be read.
struct Tried {
    /// When it could not for the first time.
    since: Timestamp,
    /// How often.
    times: u32,
    /// When it is asked for again.
    next: Timestamp,
}

/// The incidents that are to be read.
#[derive(Default)]
pub struct Named {
    /// At once.
    now: BTreeMap<WorkspaceId, BTreeSet<IncidentId>>,
    /// At this time, for they were read just before.
    later: BTreeMap<Key, Timestamp>,
    /// When each was last read.
    read: BTreeMap<Key, Timestamp>,
    /// Tickets that could not be read so far.
    tickets: BTreeMap<(ConnectionId, TicketId), Tried>,
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

    /// How often a ticket could not be read so far; `None` while it is not its time yet.
    pub fn ticket_tried(&self, at: (ConnectionId, TicketId), now: Timestamp) -> Option<u32> {
        match self.tickets.get(&at) {
            Some(tried) if tried.next > now => None,
            tried => Some(tried.map_or(0, |tried| tried.times)),
        }
    }

    /// A ticket could not be read; whether it has been tried for long enough, and is forgotten.
    pub fn ticket_unread(&mut self, at: (ConnectionId, TicketId), now: Timestamp) -> bool {
        let tried = self.tickets.entry(at).or_insert(Tried { since: now, times: 0, next: now });
        tried.next = now + SignedDuration::from_secs(TICKET_AGAIN_SECS << tried.times.min(DOUBLINGS));
        tried.times += 1;
        let given_up = tried.times >= TRIES && now.duration_since(tried.since) >= TRIED_FOR;
        if given_up {
            self.tickets.remove(&at);
        }
        given_up
    }

    /// A ticket was read, or need not be any more.
    pub fn ticket_settled(&mut self, at: (ConnectionId, TicketId)) {
        self.tickets.remove(&at);
    }

    /// Forgets what is known of workspaces that are not read any more.
    pub(super) fn only_of(&mut self, live: &BTreeSet<WorkspaceId>) {
        self.now.retain(|id, _| live.contains(id));
        self.later.retain(|(id, _), _| live.contains(id));
    }

    /// The clock was set back.
    pub(super) fn set_back(&mut self, back: impl Fn(&mut Timestamp)) {
        self.later.values_mut().chain(self.read.values_mut()).for_each(&back);
        for tried in self.tickets.values_mut() {
            back(&mut tried.since);
            back(&mut tried.next);
        }
    }
}
