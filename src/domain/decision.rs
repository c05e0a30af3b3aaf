//! What a person decided about a pair. Kept with it; the planner takes it into account from then on.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    failure::Side,
    ids::{CommentId, IncidentId, TicketId},
    policy::ReopenRule,
};

/// One decision. It holds for what the person saw: when that changes it means nothing any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "kebab-case")]
pub enum Decision {
    /// Take one side's value of a field that changed on both.
    Take {
        /// The field.
        field: String,
        /// Whose value.
        side: Side,
        /// The incident's value that the person saw.
        sentinel: String,
        /// The ticket's value that the person saw.
        halo: String,
    },
    /// What to do about one side's reopening.
    Reopening {
        /// Which side was opened again.
        side: Side,
        /// Which reopening: the time of the record version that showed it.
        at: String,
        /// What is done.
        rule: ReopenRule,
    },
    /// Name the incident that a merged one went into.
    MergedInto {
        /// Which.
        incident: IncidentId,
    },
    /// Leave the ticket of a merged incident as it is.
    KeepApart,
    /// What to do about a record that is gone.
    Gone {
        /// The side on which it is gone.
        side: Side,
        /// The pair's ticket that the person saw.
        ticket: Option<TicketId>,
        /// Put it right; else leave it.
        heal: bool,
    },
    /// What to do about a copy that is gone.
    Copy {
        /// The comment: the one that was copied, or the copy itself.
        comment: CommentId,
        /// Write it again; else leave it.
        again: bool,
    },
    /// Let a write go out that the policy puts behind approval.
    Approve {
        /// What names the write.
        write: String,
        /// The write, in words.
        what: String,
        /// It had been rejected, and the person saw that. Who saw only the question does not overrule another's answer.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        after_all: bool,
    },
    /// Do not let it go out.
    Reject {
        /// What names the write.
        write: String,
        /// The write, in words.
        what: String,
    },
    /// Write an owner once more whom Azure refused.
    TryOwner {
        /// When it did.
        at: Timestamp,
    },
    /// Leave what Halo kept otherwise than it was sent.
    LeaveKept {
        /// What (`priority`).
        what: String,
        /// The id that was sent.
        sent: i64,
        /// The id that the ticket has.
        kept: i64,
    },
    /// The same of what goes by its name.
    LeaveName {
        /// What (`team`, `category`).
        what: String,
        /// The name that was sent.
        sent: String,
        /// The name that the ticket has.
        kept: String,
    },
    /// Leave untold what finds no room among the incident's comments.
    LeaveUntold {
        /// Just that: each of it by a name of ours.
        words: BTreeSet<String>,
    },
    /// Let a pair go on whose status was frozen because it flipped too often.
    Thaw {
        /// Since when it is frozen.
        at: Timestamp,
    },
}

impl Decision {
    /// One sentence, for the pair's history.
    pub fn words(&self) -> String {
        match self {
            Self::Take { field, side, sentinel, halo } => {
                let (taken, over) = match side {
                    Side::Sentinel => (sentinel, halo),
                    Side::Halo => (halo, sentinel),
                };
                format!("Chose the {field} of {}: “{taken}”, not “{over}”.", side.words())
            }
            Self::Reopening { side, rule, .. } => {
                let done = match rule {
                    ReopenRule::Reopen => "the other side is opened again too",
                    ReopenRule::NewTicket => "a new ticket is made",
                    ReopenRule::Note => "the other side stays closed and is told",
                    ReopenRule::Ask => "nothing yet",
                };
                format!("Decided about the reopening in {}: {done}.", side.words())
            }
            Self::MergedInto { incident } => format!("Said that the incident was merged into {incident}."),
            Self::KeepApart => "Decided to leave the merged incident's ticket as it is.".to_owned(),
            Self::Gone { side: Side::Halo, heal: true, .. } => "Decided that a new ticket is made.".to_owned(),
            Self::Gone { side: Side::Sentinel, heal: true, .. } => "Decided that the ticket is told.".to_owned(),
            Self::Gone { .. } => "Decided to leave it as it is.".to_owned(),
            Self::Copy { again: true, .. } => "Decided that the lost copy is written again.".to_owned(),
            Self::Copy { .. } => "Decided to leave the lost copy.".to_owned(),
            Self::Approve { what, after_all: true, .. } => format!("Approved after all: {what}."),
            Self::Approve { what, .. } => format!("Approved: {what}."),
            Self::Reject { what, .. } => format!("Rejected: {what}."),
            Self::TryOwner { .. } => "Asked for the refused owner to be tried again.".to_owned(),
            Self::LeaveKept { what, .. } | Self::LeaveName { what, .. } => {
                format!("Decided to leave the {what} as Halo has it.")
            }
            Self::LeaveUntold { .. } => {
                "Decided to leave untold what finds no room among the incident's comments.".to_owned()
            }
            Self::Thaw { .. } => "Let the status go on after it had been frozen.".to_owned(),
        }
    }
}
