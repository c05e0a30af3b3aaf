//! All that the planner may know.

use jiff::Timestamp;

use crate::domain::{
    catalogue::Catalogue,
    client::Client,
    incident::{Comment, Evidence, Incident},
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
}
