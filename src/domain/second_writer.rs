//! A second process that writes to the pairs of this installation, noticed by what it wrote: a copy of the machine, a copied
//! directory that somebody confirmed, or this installation as it was before its database was put back by hand.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{ActionKey, ClientId, PairId, TicketId};

/// What it wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum SecondWrite {
    /// A note with a reference that we give.
    Note {
        /// Where it stands.
        action: ActionKey,
    },
    /// A comment with an id that we derive.
    Comment {
        /// The ticket it is about: the pair's own, or another one that we did not make.
        ticket: TicketId,
    },
}

/// The first write that was noticed. From then on nothing is written until a person confirms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondWriter {
    /// Whose pair: only who may see this client is told more than that there is a second writer.
    pub client: ClientId,
    /// The pair.
    pub pair: PairId,
    /// The incident, for people.
    pub incident: String,
    /// The pair's ticket, once it has one.
    pub ticket: Option<TicketId>,
    /// What it wrote.
    pub wrote: SecondWrite,
    /// When, by the clock of the side that it wrote to.
    pub at: Timestamp,
    /// When it was noticed, by ours.
    pub noticed: Timestamp,
}

impl SecondWriter {
    /// What was found, and where, without its time.
    pub fn words(&self) -> String {
        let incident = &self.incident;
        match self.wrote {
            SecondWrite::Note { action } => {
                format!("Note {} on Halo ticket {} (incident {incident})", action.action, action.ticket)
            }
            SecondWrite::Comment { ticket } if self.ticket == Some(ticket) => {
                format!("A comment about Halo ticket {ticket} on incident {incident}")
            }
            SecondWrite::Comment { ticket } => {
                format!("A comment about Halo ticket {ticket}, which was not made here, on incident {incident}")
            }
        }
    }
}
