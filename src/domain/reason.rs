//! Why something is done, not done or waited for: a closed list, each with its sentence and remedy.

use serde::{Deserialize, Serialize};

/// A reason the planner gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Reason {
    /// The incident is new to us and passes every gate.
    NewIncident,
    /// A comment was added in Sentinel.
    CommentAdded,
    /// A note was added in Halo.
    NoteAdded,
    /// A field changed in Sentinel.
    ChangedInSentinel {
        /// Which (`severity`, `status`, `owner`).
        field: String,
    },
    /// A field changed in Halo.
    ChangedInHalo {
        /// Which.
        field: String,
    },
    /// The incident was closed.
    IncidentClosed,
    /// The ticket was closed.
    TicketClosed,
    /// The incident was opened again.
    IncidentReopened,
    /// The ticket was opened again.
    TicketReopened,
    /// Both sides agree.
    InStep,
    /// The workspace is switched off.
    ModeOff,
    /// Observe mode: planned, never carried out.
    ModeObserve,
    /// The mode does not carry this direction.
    ModeOneWay,
    /// The incident is older than the workspace's start.
    OlderThanStart,
    /// Merged away in Defender before we saw it.
    Redirected,
    /// The client has no Halo binding.
    ClientNotBound,
    /// A value has no mapping.
    Unmapped {
        /// The policy's table (`priority`, `status`, `ticket type`, `outcome`, `field`, `agent`, `team`, `category`).
        table: String,
        /// The value without a row, or the name that Halo doesn't know.
        value: String,
    },
    /// The other side's record was deleted or merged.
    RecordGone {
        /// What happened, in words.
        what: String,
    },
    /// The ticket now belongs to another client: nothing is written.
    WrongClient,
    /// An agent closed the ticket without a classification and the policy asks.
    VerdictMissing,
    /// The verdict given is no pair Microsoft allows.
    VerdictRefused {
        /// The sentence of the check.
        why: String,
    },
    /// The note is not of the kind the policy lets cross.
    NoteHeldBack,
    /// The 100-comment limit is reached.
    CommentsFull,
    /// Both sides changed the same field to different values.
    Conflict {
        /// Which field.
        field: String,
    },
    /// The outcome of a write is not known and could not be settled by looking.
    OutcomeUnknown,
    /// A person dropped a write: it is not planned again in this form.
    Dropped {
        /// The write, in words.
        what: String,
    },
    /// The other side refused a write.
    Refused {
        /// Its sentence.
        why: String,
    },
}

impl Reason {
    /// The code, as stored and filtered by.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NewIncident => "new-incident",
            Self::CommentAdded => "comment-added",
            Self::NoteAdded => "note-added",
            Self::ChangedInSentinel { .. } => "changed-in-sentinel",
            Self::ChangedInHalo { .. } => "changed-in-halo",
            Self::IncidentClosed => "incident-closed",
            Self::TicketClosed => "ticket-closed",
            Self::IncidentReopened => "incident-reopened",
            Self::TicketReopened => "ticket-reopened",
            Self::InStep => "in-step",
            Self::ModeOff => "mode-off",
            Self::ModeObserve => "mode-observe",
            Self::ModeOneWay => "mode-one-way",
            Self::OlderThanStart => "older-than-start",
            Self::Redirected => "redirected",
            Self::ClientNotBound => "client-not-bound",
            Self::Unmapped { .. } => "unmapped",
            Self::RecordGone { .. } => "record-gone",
            Self::WrongClient => "wrong-client",
            Self::VerdictMissing => "verdict-missing",
            Self::VerdictRefused { .. } => "verdict-refused",
            Self::NoteHeldBack => "note-held-back",
            Self::CommentsFull => "comments-full",
            Self::Conflict { .. } => "conflict",
            Self::OutcomeUnknown => "outcome-unknown",
            Self::Dropped { .. } => "dropped",
            Self::Refused { .. } => "refused",
        }
    }

    /// One sentence.
    pub fn words(&self) -> String {
        match self {
            Self::NewIncident => "The incident is new and passes every gate.".into(),
            Self::CommentAdded => "A comment was added in Sentinel.".into(),
            Self::NoteAdded => "A note was added in Halo.".into(),
            Self::ChangedInSentinel { field } => format!("The {field} changed in Sentinel."),
            Self::ChangedInHalo { field } => format!("The {field} changed in Halo."),
            Self::IncidentClosed => "The incident was closed in Sentinel.".into(),
            Self::TicketClosed => "The ticket was closed in Halo.".into(),
            Self::IncidentReopened => "The incident was opened again in Sentinel.".into(),
            Self::TicketReopened => "The ticket was opened again in Halo.".into(),
            Self::InStep => "Both sides agree.".into(),
            Self::ModeOff => "The workspace is switched off.".into(),
            Self::ModeObserve => "The workspace is in observe mode: this is planned and not carried out.".into(),
            Self::ModeOneWay => "The workspace's mode does not carry this direction.".into(),
            Self::OlderThanStart => "Not linked: older than the workspace's start.".into(),
            Self::Redirected => "Not linked: merged into another incident in Defender.".into(),
            Self::ClientNotBound => "The client has no Halo client yet.".into(),
            Self::Unmapped { table, value } => format!("No {table} is mapped for “{value}”."),
            Self::RecordGone { what } => what.clone(),
            Self::WrongClient => "The ticket belongs to another client now, so nothing is written to it.".into(),
            Self::VerdictMissing => "The ticket was closed without a classification.".into(),
            Self::VerdictRefused { why } => format!("The classification can't be sent: {why}."),
            Self::NoteHeldBack => "The note is not of the kind the policy lets cross.".into(),
            Self::CommentsFull => "The incident holds as many comments as Sentinel allows.".into(),
            Self::Conflict { field } => format!("The {field} changed on both sides."),
            Self::OutcomeUnknown => "It is not known whether the last write was carried out.".into(),
            Self::Dropped { what } => {
                format!("“{what}” was dropped by a person and is not written again in this form.")
            }
            Self::Refused { why } => why.clone(),
        }
    }

    /// What a person can do about it; `None` when nothing is asked of anyone.
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::ModeOff => Some("Set the workspace's mode to observe or two-way.".into()),
            Self::ModeObserve => Some("Set the workspace's mode to two-way to carry it out.".into()),
            Self::ClientNotBound => Some("Give the client its Halo client id.".into()),
            Self::Unmapped { table, .. } => {
                let what = match table.as_str() {
                    "priority" => "Add a row to the policy's “priorities” table".to_owned(),
                    "status" => "Add a row to the policy's “statuses” or “statuses_back” table".to_owned(),
                    "agent" => "Add a row to the policy's “agents” table".to_owned(),
                    "field" => "Correct the policy's “fields”".to_owned(),
                    other => format!("Correct the policy's {other}, or add it in Halo"),
                };
                Some(format!("{what}, then press “Look again”."))
            }
            Self::RecordGone { .. } => Some("Open the record on both sides and decide which one stays.".into()),
            Self::WrongClient => Some("Move the ticket back to its client in Halo, or unlink the pair.".into()),
            Self::VerdictMissing => {
                Some("Choose the classification on the ticket in Halo, or close the incident in Sentinel.".into())
            }
            Self::VerdictRefused { .. } => Some("Correct the policy's classification table.".into()),
            Self::CommentsFull => Some("Read the further notes in the ticket.".into()),
            Self::Conflict { .. } => Some("Set the same value on both sides.".into()),
            Self::OutcomeUnknown => Some(
                "Search for the reference in Halo, leave one record that carries it, then press “Look for it again”."
                    .into(),
            ),
            Self::Dropped { .. } => Some("If it is wanted after all, press “Plan it again”.".into()),
            Self::Refused { .. } => Some("Correct what the other side names, then press “Try again”.".into()),
            _ => None,
        }
    }
}
