//! A policy: what may cross between Sentinel and Halo, and how.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{catalogue::Ref, closing::Verdict, ids::PolicyId};

/// Which notes of a ticket may cross to Sentinel. A required choice: internal notes never cross by accident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotesRule {
    /// All notes written by people, private ones too.
    All,
    /// Notes the end user may see.
    Public,
    /// Notes flagged "Sync to Sentinel" or important, as [`Policy::note_flag`] says.
    Flagged,
    /// Notes with one of [`Policy::note_outcomes`].
    Outcomes,
    /// None.
    None,
}

impl NotesRule {
    /// As written in the applied file.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "all" => Some(Self::All),
            "public" => Some(Self::Public),
            "flagged" => Some(Self::Flagged),
            "outcomes" => Some(Self::Outcomes),
            "none" => Some(Self::None),
            _ => None,
        }
    }

    /// The inverse of [`NotesRule::parse`].
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Public => "public",
            Self::Flagged => "flagged",
            Self::Outcomes => "outcomes",
            Self::None => "none",
        }
    }
}

/// What marks a note as flagged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoteFlag {
    /// Halo's own "Sync to Sentinel" (`sync_to_sentinel`).
    #[default]
    SyncToSentinel,
    /// Halo's "important".
    Important,
}

/// Where the value of a mapped field comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldSource {
    /// A path into the incident resource, e.g. `$.properties.additionalData.tactics[*]`; lists are joined by `, `.
    Path(String),
    /// Text with such paths in braces, e.g. `{$.properties.severity}: {$.properties.title}`.
    Template(String),
    /// A fixed text.
    Text(String),
}

/// One Sentinel value → one Halo custom field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldMapping {
    /// Field id, name (`CF…`) or label.
    pub field: Ref,
    /// The value.
    pub source: FieldSource,
    /// Whether later changes are carried over too; otherwise only when the ticket is made.
    pub always: bool,
}

/// What to do when an agent closes a ticket and gave no classification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "kebab-case")]
pub enum MissingVerdict {
    /// The pair waits, and says so on the ticket.
    Ask,
    /// This verdict is used.
    Default {
        /// Checked against Microsoft's allowed pairs when the policy is saved.
        verdict: Verdict,
    },
}

/// What may cross for a set of workspaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Ours.
    pub id: PolicyId,
    /// Natural key of the applied file, unique.
    pub name: String,
    /// The dedicated ticket type.
    pub ticket_type: Ref,
    /// Severity (Microsoft's spelling) → priority. An unmapped severity is an open item, never a silent default.
    pub priorities: BTreeMap<String, Ref>,
    /// Incident status (`New`, `Active`, `Closed`) → ticket status.
    pub statuses: BTreeMap<String, Ref>,
    /// Further ticket statuses → incident status, for the way back (`On Hold` → `Active`).
    pub statuses_back: Vec<(Ref, String)>,
    /// Ticket statuses that count as closed, beside Halo's own closed flag.
    pub closed_statuses: Vec<Ref>,
    /// Team that gets new tickets, by name. A client's own team wins.
    pub team: Option<Ref>,
    /// First category of new tickets.
    pub category: Option<Ref>,
    /// Agent when the incident has no owner or its owner is nobody in Halo.
    pub agent: Option<Ref>,
    /// Owner (object id, UPN or mail, lower-cased) → agent.
    pub agents: BTreeMap<String, Ref>,
    /// Requester: `None` is the client's General User, else a Halo user id.
    pub requester_user_id: Option<i64>,
    /// Custom fields.
    pub fields: Vec<FieldMapping>,
    /// Custom field that holds the incident's GUID (for people and for adopting later).
    pub incident_id_field: Option<Ref>,
    /// Custom field in which agents choose the classification, and its values → verdicts.
    pub classification_field: Option<Ref>,
    /// Display text or option id (lower-cased) of that field → verdict.
    pub classifications: BTreeMap<String, Verdict>,
    /// What to do without one.
    pub missing_verdict: MissingVerdict,
    /// Which notes cross to Sentinel.
    pub notes: NotesRule,
    /// What a flag is, with [`NotesRule::Flagged`].
    pub note_flag: NoteFlag,
    /// Which outcomes, with [`NotesRule::Outcomes`].
    pub note_outcomes: Vec<Ref>,
    /// Outcome used for notes we write.
    pub outcome: Ref,
    /// Whether notes we write are hidden from the end user; true by default.
    pub notes_private: bool,
    /// Whether alerts and entities are read and written into new tickets (two more reads per incident).
    pub evidence: bool,
    /// Whether ownership is carried.
    pub carry_owner: bool,
    /// Whether severity and priority are carried after creation.
    pub carry_severity: bool,
}
