//! What a policy would do with incidents of the past, or what the first cycle will do.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How many incidents share a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The reason, a sentence.
    pub says: String,
    /// How many.
    pub count: u32,
}

/// A ticket that would be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The incident's number.
    pub number: Option<i64>,
    /// Subject of the ticket.
    pub summary: String,
    /// Its client's name: a number alone occurs in every workspace.
    #[serde(default)]
    pub client: String,
    /// Severity of the incident.
    pub severity: String,
    /// Name of the ticket's priority; empty when it would have none.
    pub priority: String,
    /// Name of the ticket's status; empty when it would be left to Halo.
    pub status: String,
    /// Name of its agent; empty for none.
    pub agent: String,
    /// Whether it would be closed at once, as its incident is.
    pub closed: bool,
}

/// What would happen to the incidents of a range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhatIf {
    /// From when on incidents were created.
    pub from: Timestamp,
    /// Before when.
    pub to: Timestamp,
    /// Incidents of the range.
    pub incidents: u32,
    /// Those that would get a ticket.
    pub tickets: u32,
    /// Of these, tickets that would be closed at once.
    pub closed: u32,
    /// Those that have a ticket already.
    pub linked: u32,
    /// Of these, pairs in which something would be written.
    pub changed: u32,
    /// Of these, pairs in which one side would be closed.
    pub closing: u32,
    /// Those that would get none, by reason, most first.
    pub skipped: Vec<Counted>,
    /// Tickets that would lack something, by what they lack, most first.
    pub lacking: Vec<Counted>,
    /// The newest tickets that would be made.
    pub samples: Vec<Sample>,
    /// Whether there are more incidents than were looked at.
    pub more: bool,
}

/// Tickets shown.
pub const SAMPLES: usize = 5;

/// One of the workspaces that a policy would apply to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhatIfOf {
    /// Its name.
    pub name: String,
    /// What would happen there; `None` when that could not be told, or was not asked.
    pub what: Option<WhatIf>,
    /// Why it could not be told.
    pub trouble: Option<String>,
}

/// Those with the most first.
pub fn most_first(rows: &mut [Counted]) {
    rows.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.says.cmp(&b.says)));
}

impl WhatIf {
    /// Counts what would happen elsewhere in.
    pub fn add(&mut self, other: &Self) {
        self.incidents += other.incidents;
        self.tickets += other.tickets;
        self.closed += other.closed;
        self.linked += other.linked;
        self.changed += other.changed;
        self.closing += other.closing;
        for (rows, more) in [(&mut self.skipped, &other.skipped), (&mut self.lacking, &other.lacking)] {
            for row in more {
                match rows.iter_mut().find(|known| known.says == row.says) {
                    Some(known) => known.count += row.count,
                    None => rows.push(row.clone()),
                }
            }
            most_first(rows);
        }
        let room = SAMPLES.saturating_sub(self.samples.len());
        self.samples.extend(other.samples.iter().take(room).cloned());
        self.more |= other.more;
    }

    /// Nothing yet.
    pub fn new(from: Timestamp, to: Timestamp) -> Self {
        Self {
            from,
            to,
            incidents: 0,
            tickets: 0,
            closed: 0,
            linked: 0,
            changed: 0,
            closing: 0,
            skipped: Vec::new(),
            lacking: Vec::new(),
            samples: Vec::new(),
            more: false,
        }
    }
}
