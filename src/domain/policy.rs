//! A policy: what may cross between Sentinel and Halo, and how.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{approval::WriteKind, catalogue::Ref, closing::Verdict, drift::DriftRules, ids::PolicyId};

pub mod base;
pub mod field;
pub mod filter;
pub mod rule;

pub use base::{Base, PolicyKey};
pub use field::{FieldMapping, FieldSource, FieldTarget, LabelMapping, RequesterRule};
pub use filter::Filter;
pub use rule::{
    AfterClosing, Direction, FieldRule, GROUP_HOURS, GROUP_MOST, GroupBy, GroupRule, LateAlerts, PushRule, ReopenRule,
    When, Wins,
};

/// Outcome of the notes we write unless the policy says otherwise: in every stock Halo.
pub const OUTCOME: &str = "Private Note";
/// Changes of status within an hour above which a pair is held, unless the policy says otherwise.
pub const FLIPS_PER_HOUR: u32 = 6;
/// Comments from which notes are gathered, unless the policy says otherwise.
pub const DIGEST_FROM: u32 = 80;
/// New tickets per workspace and hour above which incidents are held, unless the policy says otherwise.
pub const TICKETS_PER_HOUR: u32 = 200;

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
    /// What it builds on. The members below hold what applies: its own, and the rest as the base has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Base>,
    /// The dedicated ticket type.
    pub ticket_type: Ref,
    /// Every kind that has patterns must fit, or the incident is held.
    #[serde(default)]
    pub include: Filter,
    /// No kind that has patterns may fit, or the incident is held.
    #[serde(default)]
    pub exclude: Filter,
    /// Storm brake: new tickets per workspace within any hour; above it incidents are held. 0 = no brake.
    #[serde(default = "tickets_per_hour")]
    pub tickets_per_hour: u32,
    /// Which incidents share a ticket; `None`: each has one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupRule>,
    /// Severity (Microsoft's spelling) → priority. An unmapped severity is an open item, never a silent default.
    pub priorities: BTreeMap<String, Ref>,
    /// Further priorities → severity, for the way back; first asked, so it also chooses between severities that
    /// share a priority.
    #[serde(default)]
    pub priorities_back: Vec<(Ref, String)>,
    /// How severity and priority cross. By default an agent's own priority stays Halo's affair.
    #[serde(default = "severity_rule")]
    pub severity: FieldRule,
    /// How status crosses, closing and reopening included.
    #[serde(default = "status_rule")]
    pub status: FieldRule,
    /// How owner and agent cross.
    #[serde(default = "status_rule")]
    pub owner: FieldRule,
    /// How title and subject cross.
    #[serde(default = "title_rule")]
    pub title: FieldRule,
    /// How labels cross, if they do.
    #[serde(default)]
    pub labels: Option<LabelMapping>,
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
    /// Who new tickets are for.
    #[serde(default)]
    pub requester: RequesterRule,
    /// Mapped fields.
    pub fields: Vec<FieldMapping>,
    /// Custom field that holds the incident's GUID (for people and for adopting later).
    pub incident_id_field: Option<Ref>,
    /// Custom field in which agents choose the classification, and its values → verdicts.
    pub classification_field: Option<Ref>,
    /// Display text or option id (lower-cased) of that field → verdict.
    pub classifications: BTreeMap<String, Verdict>,
    /// What to do without one.
    pub missing_verdict: MissingVerdict,
    /// What happens to the ticket when the incident is opened again.
    #[serde(default = "reopen")]
    pub reopened_in_sentinel: ReopenRule,
    /// What happens to the incident when the ticket is opened again.
    #[serde(default = "reopen")]
    pub reopened_in_halo: ReopenRule,
    /// Comments and notes that arrive when both sides are closed.
    #[serde(default = "cross")]
    pub after_closing_comments: AfterClosing,
    /// Changes of fields when both sides are closed.
    #[serde(default = "ignore")]
    pub after_closing_fields: AfterClosing,
    /// Changes of status within an hour above which a pair's status is held until a person lets it go on; 0 = never.
    #[serde(default = "flips_per_hour")]
    pub flips_per_hour: u32,
    /// Which notes cross to Sentinel.
    pub notes: NotesRule,
    /// What a flag is, with [`NotesRule::Flagged`].
    pub note_flag: NoteFlag,
    /// Which outcomes, with [`NotesRule::Outcomes`].
    pub note_outcomes: Vec<Ref>,
    /// Outcome used for notes we write.
    pub outcome: Ref,
    /// Whether the incident gets one comment with the ticket's number and address.
    #[serde(default = "yes")]
    pub link_comment: bool,
    /// Whether a ticket that Halo's own Sentinel integration made for an incident is taken instead of making one.
    #[serde(default)]
    pub adopt: bool,
    /// Which tickets are pushed to Sentinel when a webhook names them.
    #[serde(default)]
    pub push: PushRule,
    /// From this number of comments on, notes that wait are gathered into one comment (an incident holds 100).
    #[serde(default = "digest_from")]
    pub digest_from: u32,
    /// Whether notes we write are hidden from the end user; true by default.
    pub notes_private: bool,
    /// What is done about drift.
    #[serde(default)]
    pub drift: DriftRules,
    /// Kinds of write that wait for a person's approval.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approve: Vec<WriteKind>,
    /// Whether alerts and entities are written into new tickets (two more reads per incident).
    pub evidence: bool,
    /// What becomes of alerts that join later, where alerts are written into new tickets.
    #[serde(default = "late_alerts")]
    pub late_alerts: LateAlerts,
}

fn late_alerts() -> LateAlerts {
    LateAlerts::Note
}

fn severity_rule() -> FieldRule {
    FieldRule::new(Direction::ToHalo, When::Always)
}

fn status_rule() -> FieldRule {
    FieldRule::new(Direction::Both, When::Always)
}

fn title_rule() -> FieldRule {
    FieldRule::new(Direction::ToHalo, When::OnCreate)
}

fn reopen() -> ReopenRule {
    ReopenRule::Reopen
}

fn cross() -> AfterClosing {
    AfterClosing::Cross
}

fn ignore() -> AfterClosing {
    AfterClosing::Ignore
}

fn flips_per_hour() -> u32 {
    FLIPS_PER_HOUR
}

fn yes() -> bool {
    true
}

fn digest_from() -> u32 {
    DIGEST_FROM
}

fn tickets_per_hour() -> u32 {
    TICKETS_PER_HOUR
}

impl Policy {
    /// Whether what agents write into custom fields matters: then changed tickets are read whole, for list rows lack
    /// custom fields (halo-api sheet 3.1).
    pub fn reads_custom_fields(&self) -> bool {
        self.labels.as_ref().is_some_and(|labels| labels.rule.to_sentinel() || labels.rule.to_halo())
            || self.fields.iter().any(|mapping| mapping.rule.to_halo() && mapping.rule.wins != Wins::Sentinel)
    }

    /// Whether alerts and entities of an incident are read before its ticket is made.
    pub fn reads_evidence(&self) -> bool {
        self.evidence
            || self.requester == RequesterRule::AffectedUser
            || self.group.as_ref().is_some_and(|group| group.by.iter().any(|by| *by != GroupBy::AnalyticsRule))
            || self.fields.iter().any(|mapping| mapping.source.reads_evidence())
    }

    /// Whether a mapped value lies in alerts or entities: it is not known before they were read.
    pub fn maps_evidence(&self) -> bool {
        self.fields.iter().any(|mapping| mapping.rule.at_creation() && mapping.source.reads_evidence())
    }

    /// Whether such a value is carried with each later change, so that what joins is read for it.
    pub fn follows_evidence(&self) -> bool {
        self.fields.iter().any(|mapping| mapping.rule.to_halo() && mapping.source.reads_evidence())
    }

    /// Whether a mapped value lies in entities.
    pub fn maps_entities(&self) -> bool {
        self.fields
            .iter()
            .any(|mapping| mapping.source.reads_entities() && (mapping.rule.at_creation() || mapping.rule.to_halo()))
    }

    /// A policy with every default: what the applied file leaves out.
    pub fn new(id: PolicyId, name: impl Into<String>, ticket_type: Ref, notes: NotesRule) -> Self {
        let stock = [("New", "New"), ("Active", "In Progress"), ("Closed", "Closed")];
        Self {
            id,
            name: name.into(),
            base: None,
            ticket_type,
            include: Filter::default(),
            exclude: Filter::default(),
            tickets_per_hour: TICKETS_PER_HOUR,
            group: None,
            priorities: BTreeMap::new(),
            priorities_back: Vec::new(),
            severity: severity_rule(),
            status: status_rule(),
            owner: status_rule(),
            title: title_rule(),
            labels: None,
            statuses: stock.into_iter().map(|(from, to)| (from.to_owned(), Ref::Name(to.to_owned()))).collect(),
            statuses_back: Vec::new(),
            closed_statuses: Vec::new(),
            team: None,
            category: None,
            agent: None,
            agents: BTreeMap::new(),
            requester: RequesterRule::GeneralUser,
            fields: Vec::new(),
            incident_id_field: None,
            classification_field: None,
            classifications: BTreeMap::new(),
            missing_verdict: MissingVerdict::Ask,
            reopened_in_sentinel: ReopenRule::Reopen,
            reopened_in_halo: ReopenRule::Reopen,
            after_closing_comments: AfterClosing::Cross,
            after_closing_fields: AfterClosing::Ignore,
            flips_per_hour: FLIPS_PER_HOUR,
            notes,
            note_flag: NoteFlag::default(),
            note_outcomes: Vec::new(),
            outcome: Ref::Name(OUTCOME.to_owned()),
            link_comment: true,
            adopt: false,
            push: PushRule::default(),
            digest_from: DIGEST_FROM,
            notes_private: true,
            approve: Vec::new(),
            drift: DriftRules::default(),
            evidence: true,
            late_alerts: LateAlerts::Note,
        }
    }
}
