//! A pair that was taken apart: what both records were, and where to go on.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ledger::TimelineEntry, list::OutsideLink};
use crate::domain::ids::{ClientId, PairId, WorkspaceId};

/// The page at the address of a pair that is none any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnlinkedView {
    /// Ours.
    pub id: PairId,
    /// Client's name.
    pub client: String,
    /// Client, whose ledger holds the history.
    pub client_id: ClientId,
    /// Workspace's name.
    pub workspace: String,
    /// Workspace.
    pub workspace_id: WorkspaceId,
    /// The incident's number.
    pub number: Option<i64>,
    /// Its title, as last read.
    pub title: String,
    /// Its address in the portal, if the host is a known one.
    pub incident_url: Option<String>,
    /// The ticket, if there was one.
    pub ticket: Option<OutsideLink>,
    /// What the ticket was called when it was last read.
    pub summary: Option<String>,
    /// Our visible reference in the ticket.
    pub reference: String,
    /// When the pair was made.
    pub linked: Timestamp,
    /// When it was taken apart.
    pub unlinked: Timestamp,
    /// Who did it; `None` when it was no person.
    pub who: Option<String>,
    /// Why, one sentence.
    pub why: String,
    /// The pair in which the incident is linked by now.
    pub newer: Option<PairId>,
    /// Address of the list that it was opened from.
    pub back: String,
    /// Number of the entry that tells of it: at any moment before, the page of the pair is shown.
    pub entry: i64,
    /// Why the moment that was asked for cannot be shown, one sentence with the remedy.
    pub as_of_problem: Option<String>,
    /// What happened, newest first.
    pub timeline: Vec<TimelineEntry>,
    /// `from=` token of older entries.
    pub older: Option<String>,
}
