//! One pair: both sides field by field, its queue, its notes and its history.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    ledger::TimelineEntry, list::OutsideLink, not_linked::GateRow, operation::OperationView, pause::PauseView,
};
use crate::domain::{
    decision::Decision,
    failure::Side,
    ids::{ClientId, IncidentId, PairId, WorkspaceId},
    incident::{IncidentStatus, Severity},
    pair::{Health, SyncState},
    reason::Reason,
    workspace::Mode,
};

/// The pair page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairView {
    /// Ours.
    pub id: PairId,
    /// Client's name.
    pub client: String,
    /// Client.
    pub client_id: ClientId,
    /// Workspace's name.
    pub workspace: String,
    /// Workspace.
    pub workspace_id: WorkspaceId,
    /// Its workspace is not set up any more: both sides are shown as last read, compared by nothing.
    pub removed: bool,
    /// What the engine may do there.
    pub mode: Mode,
    /// The incident's GUID.
    pub incident: IncidentId,
    /// Its number.
    pub number: Option<i64>,
    /// Its title.
    pub title: String,
    /// Its severity.
    pub severity: Severity,
    /// Its address in the portal, if the host is a known one.
    pub incident_url: Option<String>,
    /// The ticket, once known.
    pub ticket: Option<OutsideLink>,
    /// The other incidents that share the ticket, if the policy groups.
    pub group: Option<GroupView>,
    /// Our visible reference in the ticket.
    pub reference: String,
    /// How far apart.
    pub sync: SyncState,
    /// Whether somebody must act.
    pub health: Health,
    /// Why.
    pub reason: Option<Reason>,
    /// When the pair was made.
    pub created: Timestamp,
    /// When anything of it last changed.
    pub changed: Timestamp,
    /// Address of the list that it was opened from.
    pub back: String,
    /// When the incident was last read.
    pub incident_read: Option<Timestamp>,
    /// When the ticket was last read.
    pub ticket_read: Option<Timestamp>,
    /// The moment of which everything is shown, when that is not now.
    pub as_of: Option<Timestamp>,
    /// Why the moment that was asked for cannot be shown, one sentence with the remedy.
    pub as_of_problem: Option<String>,
    /// What holds its queue: pauses of the pair, its client or a connection, in that order.
    pub pauses: Vec<PauseView>,
    /// Whatever else is open, beside the reason that the pair shows and the questions below.
    pub open: Vec<Reason>,
    /// Questions that a person has to answer, and what may be decided otherwise than it was.
    pub choices: Vec<ChoiceView>,
    /// Both sides, field by field.
    pub fields: Vec<FieldRow>,
    /// The gates that the incident passed to get its ticket, as they stand now.
    pub gates: Vec<GateRow>,
    /// Open operations, in their order.
    pub queue: Vec<OperationView>,
    /// Dead letters of this pair.
    pub dead: Vec<OperationView>,
    /// What people dropped and nothing has ended since.
    pub dropped: Vec<DroppedRow>,
    /// Comments and notes, oldest first.
    pub notes: Vec<NoteRow>,
    /// What happened, newest first.
    pub timeline: Vec<TimelineEntry>,
    /// `from=` token of older entries.
    pub older: Option<String>,
}

/// Those that share a ticket by rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupView {
    /// Why it shares the ticket, or why it has one of its own although others are alike; else empty.
    pub why: String,
    /// The others, in the order in which they came.
    pub mates: Vec<MateRow>,
}

/// Another incident of the same ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MateRow {
    /// Its pair.
    pub pair: PairId,
    /// Number and title.
    pub name: String,
    /// Its severity.
    pub severity: Severity,
    /// Where it stands.
    pub status: IncidentStatus,
}

/// A question that waits on a pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChoiceView {
    /// What it is about.
    pub reason: Reason,
    /// The answers.
    pub answers: Vec<AnswerView>,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerView {
    /// What stands on its button.
    pub label: String,
    /// What is decided by it.
    pub decision: Decision,
}

/// A dropped operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DroppedRow {
    /// Which.
    pub operation: OperationView,
    /// Who dropped it.
    pub who: String,
}

/// How one field stands between the sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldState {
    /// Both agree.
    Same,
    /// The incident's value is newer and is to be carried over.
    IncidentAhead,
    /// The ticket's value is newer and is to be carried over.
    TicketAhead,
    /// Both changed, to different values.
    Conflict,
    /// The policy or mode doesn't carry this field; it may differ.
    NotCarried,
    /// A person must give the value first.
    Missing,
}

/// One field on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldRow {
    /// For people: `Severity and priority`, `Status`, `Owner and agent`, `Classification`.
    pub name: String,
    /// Sentinel now.
    pub incident: Option<String>,
    /// Halo now.
    pub ticket: Option<String>,
    /// What both last agreed on.
    pub agreed: Option<String>,
    /// How it stands.
    pub state: FieldState,
    /// What will happen next, one sentence; `None` when nothing will.
    pub next: Option<String>,
}

/// A comment or note.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoteRow {
    /// When it was written.
    pub at: Option<Timestamp>,
    /// Who wrote it; `None` when the side names nobody.
    pub author: Option<String>,
    /// Side on which a person wrote it.
    pub written_in: Side,
    /// Its words, as plain text.
    pub text: String,
    /// Whether it crossed.
    pub crossing: Crossing,
}

/// Whether a note crossed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "crossing", rename_all = "kebab-case")]
pub enum Crossing {
    /// It stands on both sides.
    Crossed,
    /// It is in the queue.
    Waiting,
    /// It stays where it is.
    HeldBack {
        /// Why.
        reason: Reason,
    },
}
