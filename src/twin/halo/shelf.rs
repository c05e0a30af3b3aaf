//! Where tickets and actions are kept: by id, by time of change, with the versions of the last minutes.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};

use super::{action::Action, ticket::Ticket};

/// How long earlier versions are kept, for stale reads.
const KEEP: SignedDuration = SignedDuration::from_mins(15);
/// Most versions kept of a ticket.
const VERSIONS_MAX: usize = 64;

/// A ticket with its earlier versions and its actions.
#[derive(Debug, Clone)]
pub(crate) struct Filed {
    pub(crate) now: Arc<Ticket>,
    /// When the present version came to be.
    since: Timestamp,
    /// Earlier versions with the moment each came to be, oldest first.
    earlier: VecDeque<(Timestamp, Arc<Ticket>)>,
    /// The oldest versions were let go, so nobody can say how it looked before.
    trimmed: bool,
    pub(crate) actions: BTreeMap<i64, Action>,
    pub(crate) next_action: i64,
}

/// All tickets.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    pub(crate) by_id: BTreeMap<i64, Filed>,
    by_update: BTreeSet<(Timestamp, i64)>,
    by_action: BTreeSet<(Timestamp, i64, i64)>,
}

impl Filed {
    /// The ticket as it was at a moment; `None` when it did not exist yet.
    pub(crate) fn at(&self, moment: Option<Timestamp>) -> Option<&Arc<Ticket>> {
        let Some(moment) = moment else { return Some(&self.now) };
        if self.since <= moment {
            return Some(&self.now);
        }
        let found = self.earlier.iter().rev().find(|(from, _)| *from <= moment).map(|(_, ticket)| ticket);
        found.or_else(|| if self.trimmed { self.earlier.front().map(|(_, ticket)| ticket) } else { None })
    }
}

impl Shelf {
    /// Files a new ticket.
    pub(crate) fn add(&mut self, ticket: Ticket, now: Timestamp) {
        self.by_update.insert((ticket.last_update, ticket.id));
        let filed = Filed {
            since: now,
            earlier: VecDeque::new(),
            trimmed: false,
            actions: BTreeMap::new(),
            next_action: 1,
            now: Arc::new(ticket),
        };
        self.by_id.insert(filed.now.id, filed);
    }

    /// Changes a ticket, keeping its earlier version for a while. `None` when there is no such ticket.
    pub(crate) fn change<T>(&mut self, id: i64, now: Timestamp, change: impl FnOnce(&mut Ticket) -> T) -> Option<T> {
        let filed = self.by_id.get_mut(&id)?;
        self.by_update.remove(&(filed.now.last_update, id));
        let before = Arc::clone(&filed.now);
        let result = change(Arc::make_mut(&mut filed.now));
        if filed.since < now {
            filed.earlier.push_back((filed.since, before));
            filed.since = now;
        }
        while filed.earlier.len() > VERSIONS_MAX
            || filed.earlier.get(1).is_some_and(|(from, _)| now.duration_since(*from) > KEEP)
        {
            filed.earlier.pop_front();
            filed.trimmed = true;
        }
        self.by_update.insert((filed.now.last_update, id));
        Some(result)
    }

    /// The ticket as it is now.
    pub(crate) fn ticket(&self, id: i64) -> Option<&Ticket> {
        self.by_id.get(&id).map(|filed| filed.now.as_ref())
    }

    /// Ids of the tickets changed from a moment on.
    pub(crate) fn updated_from(&self, from: Timestamp) -> impl Iterator<Item = i64> {
        self.by_update.range((from, i64::MIN)..).map(|(_, id)| *id)
    }

    /// Ids (ticket, action) of the actions written from a moment on, oldest first.
    pub(crate) fn actions_from(&self, from: Timestamp) -> impl Iterator<Item = (Timestamp, i64, i64)> {
        self.by_action.range((from, i64::MIN, i64::MIN)..).copied()
    }

    /// Files an action under the ticket's next number, which it returns.
    pub(crate) fn add_action(&mut self, ticket_id: i64, mut action: Action) -> Option<i64> {
        let filed = self.by_id.get_mut(&ticket_id)?;
        let id = filed.next_action;
        filed.next_action += 1;
        action.id = id;
        self.by_action.insert((action.datetime, ticket_id, id));
        filed.actions.insert(id, action);
        Some(id)
    }

    /// Takes an action away; its number is not given again.
    pub(crate) fn remove_action(&mut self, ticket_id: i64, id: i64) -> Option<Action> {
        let action = self.by_id.get_mut(&ticket_id)?.actions.remove(&id)?;
        self.by_action.remove(&(action.datetime, ticket_id, id));
        Some(action)
    }
}
