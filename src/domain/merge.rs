//! Incidents merged in Defender: what became of the one that a ticket was made for.

use serde::{Deserialize, Serialize};

use super::{
    ids::{CommentId, IncidentId, PairId, TicketId},
    incident::Comment,
    pair::NoteLink,
};

/// An incident that another one may have been merged into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Which.
    pub incident: IncidentId,
    /// Number and title, for people.
    pub name: String,
}

/// The incident that a merged one went into, as far as we know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survivor {
    /// Which.
    pub incident: IncidentId,
    /// Number and title, for people.
    pub name: String,
    /// Its pair, if it is linked.
    pub pair: Option<PairId>,
    /// Its ticket, once there is one.
    pub ticket: Option<TicketId>,
    /// A person unlinked it from the merged one's ticket.
    pub apart: bool,
}

/// What became of a pair's incident.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Merge {
    /// It stands by itself.
    #[default]
    None,
    /// It was merged into this one.
    Into(Survivor),
    /// It was merged into the incident of this number, which has not shown yet.
    NotSeen(i64),
    /// It was merged, and nothing tells into which: these changed at about the same time.
    Unknown(Vec<Candidate>),
}

/// An incident that was merged into the pair's own.
#[derive(Debug, Clone, PartialEq)]
pub struct MergedFrom {
    /// Which.
    pub incident: IncidentId,
    /// Number and title, for people.
    pub name: String,
    /// Its ticket.
    pub ticket: Option<TicketId>,
    /// Its comments as last read.
    pub comments: Vec<Comment>,
    /// Which action of its ticket carries which of them.
    pub links: Vec<NoteLink>,
}

impl CommentId {
    /// The id of part `part` of the copy, on the incident it was merged into, of a comment of another incident of the
    /// workspace.
    pub fn carried_over(arm_id: &str, incident: &IncidentId, comment: &CommentId, part: u32) -> Self {
        let part = if part == 0 { String::new() } else { format!("/{part}") };
        Self::named(&format!("merged-comment/{arm_id}/{incident}/{comment}{part}"))
    }
}
