//! Shadow mode: what Halo's own Sentinel integration made of an incident, compared with what there was to carry over.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{failure::Side, ids::TicketId};

/// How the other integration failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LapseKind {
    /// It never carried it over.
    Missed,
    /// It carried it over more than once.
    Doubled,
    /// It carried it over late.
    Delayed,
}

impl LapseKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Missed, Self::Doubled, Self::Delayed];

    /// As stored and in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missed => "missed",
            Self::Doubled => "doubled",
            Self::Delayed => "delayed",
        }
    }

    /// The inverse of [`LapseKind::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What was to be carried over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Carriage {
    /// The incident's ticket.
    Ticket,
    /// A comment to the ticket.
    Comment,
    /// A note to the incident.
    Note,
    /// A closure to the other side.
    Closure,
}

impl Carriage {
    /// As shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ticket => "ticket",
            Self::Comment => "comment",
            Self::Note => "note",
            Self::Closure => "closure",
        }
    }
}

/// One thing that the other integration missed, doubled or carried over late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lapse {
    /// How it failed.
    pub kind: LapseKind,
    /// At what.
    pub what: Carriage,
    /// The side it came from.
    pub from: Side,
    /// Its first words, or the tickets' numbers.
    pub words: String,
    /// When it was there to be carried over.
    pub at: Option<Timestamp>,
    /// How late it was carried over, in seconds.
    pub late_secs: Option<i64>,
}

/// What the other integration made of one incident.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Compared {
    /// Tickets that carry the incident, oldest first.
    pub tickets: Vec<TicketId>,
    /// Seconds from the incident to its first ticket.
    pub late_secs: Option<i64>,
    /// Comments of people on the incident, and how many of them stand on the ticket.
    pub comments: Crossed,
    /// Notes that the policy lets cross, and how many of them stand on the incident.
    pub notes: Crossed,
    /// When the incident was first seen closed, by Sentinel's clock.
    pub incident_closed: Option<Timestamp>,
    /// When the ticket was closed, by Halo's clock.
    pub ticket_closed: Option<Timestamp>,
    /// What was missed, doubled and delayed.
    pub lapses: Vec<Lapse>,
}

/// How much of something crossed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Crossed {
    /// Those there are.
    pub of: u32,
    /// Those that stand on both sides.
    pub crossed: u32,
}

impl Compared {
    /// How many lapses of a kind.
    pub fn count(&self, kind: LapseKind) -> u32 {
        u32::try_from(self.lapses.iter().filter(|lapse| lapse.kind == kind).count()).unwrap_or(u32::MAX)
    }
}
