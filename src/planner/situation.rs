//! All that the planner may know.

use jiff::Timestamp;

use crate::domain::{
    catalogue::Catalogue,
    client::Client,
    failure::Side,
    group::Mate,
    incident::{Comment, Evidence, Incident},
    merge::{Merge, MergedFrom},
    operation::Operation,
    pair::{NoteLink, Pair},
    policy::Policy,
    ticket::{Action, Ticket},
    workspace::Workspace,
};

/// One pair's three trees (incident now, ticket now, last agreed in [`Pair::base`]) and the rules for it.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The moment of planning.
    pub now: Timestamp,
    /// Halo tenant as fixed at connection (part of derived ids).
    pub halo_tenant: &'a str,
    /// What stands before a ticket's number in its address; `None` when Halo's host is not reached by https.
    pub ticket_url: Option<&'a str>,
    /// Where the incident lives.
    pub workspace: &'a Workspace,
    /// Whose it is.
    pub client: &'a Client,
    /// What may cross.
    pub policy: &'a Policy,
    /// What Halo offers.
    pub catalogue: &'a Catalogue,
    /// The pair.
    pub pair: &'a Pair,
    /// The incident as last read.
    pub incident: &'a Incident,
    /// The ticket as last read; `None` before it is made.
    pub ticket: Option<&'a Ticket>,
    /// The incident's comments, if ever read.
    pub comments: Option<&'a [Comment]>,
    /// The ticket's actions, oldest first, if ever read.
    pub actions: Option<&'a [Action]>,
    /// Alerts and entities, if read.
    pub evidence: Option<&'a Evidence>,
    /// Comments and actions that carry the same words.
    pub links: &'a [NoteLink],
    /// Open, dead and dropped operations, by position.
    pub operations: &'a [Operation],
    /// What became of the incident in Defender.
    pub merge: &'a Merge,
    /// Paired incidents that were merged into this one.
    pub merged: &'a [MergedFrom],
    /// The other pairs of its group, in the order in which they were opened.
    pub mates: &'a [Mate],
    /// Up to when each side is known to have said what it said before this reading.
    pub seen: Seen,
    /// Of which side what could not be read when it was last asked for, and why: the incident's comments, or the ticket.
    pub unread: Option<(Side, &'a str)>,
    /// Up to when this database may have forgotten what crossed, for it was restored or copied; `None`: it remembers all.
    pub forgotten: Option<Timestamp>,
}

/// Up to when each side is known not to have said what it says now; `None` when that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// The incident.
    pub sentinel: Option<Timestamp>,
    /// The ticket.
    pub halo: Option<Timestamp>,
}

impl Seen {
    /// Of one side.
    pub fn of(&self, side: Side) -> Option<Timestamp> {
        match side {
            Side::Sentinel => self.sentinel,
            Side::Halo => self.halo,
        }
    }
}

impl Situation<'_> {
    /// Time of the version of one side's record, by that side's clock.
    pub fn version(&self, side: Side) -> Option<Timestamp> {
        match side {
            Side::Sentinel => self.incident.modified,
            Side::Halo => self.ticket.and_then(|ticket| ticket.last_update),
        }
    }
}
