//! Pairs: an incident and a ticket that are kept in step, with what both last agreed on.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    decision::Decision,
    failure::Side,
    group::Group,
    ids::{ActionKey, ClientId, CommentId, ConnectionId, IncidentId, OperationId, PairId, TicketId, WorkspaceId},
    incident::{Incident, IncidentStatus, Severity},
    reason::Reason,
    ticket::{HaloUser, Ticket},
};

/// Both sides' values when they last agreed: the third tree.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Base {
    /// Severity and the ticket's priority.
    pub severity: Option<Severity>,
    /// `priorityid`.
    pub priority_id: Option<i64>,
    /// Incident status.
    pub incident_status: Option<IncidentStatus>,
    /// Ticket status.
    pub status_id: Option<i64>,
    /// Whether the ticket counted as closed.
    pub ticket_closed: bool,
    /// Owner's key ([`super::incident::Owner::key`]).
    pub owner: Option<String>,
    /// Assigned agent.
    pub agent_id: Option<i64>,
    /// Incident's title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Ticket's subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Labels that both sides have, sorted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// The ticket and the field that held them when both had them: what is not in another one nobody took off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels_in: Option<(TicketId, i64)>,
    /// Mapped fields, by custom field id or ticket member.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, Agreed>,
    /// Fields that have moved away from the values above, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub moves: BTreeMap<String, Moves>,
    /// When the status moved, within the last hour.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flips: Vec<Timestamp>,
    /// Fields of two records that people joined, which have not been found to agree yet.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub joined: BTreeSet<String>,
    /// Fields of which one side's value above is not known to be what it was when the other's was agreed on, and that side:
    /// a change of ours without an answer arrived on the other. Whatever it says is its move.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unsettled: BTreeMap<String, Side>,
    /// Its ticket was not made from its incident: the two were linked, adopted or pushed. What stands in a field of it that
    /// nobody agreed on may be an agent's.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub linked: bool,
    /// Actions that first showed while the ticket belonged to another client: they are about that one and never cross.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub foreign: BTreeSet<ActionKey>,
    /// Changes of ours without an answer that were given up, and that a later reading lacked: they never arrived.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub unarrived: BTreeSet<OperationId>,
    /// Since when Halo counts no action of the ticket at all, where that may be. An empty list alone is no proof that all were
    /// deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emptied: Option<Timestamp>,
    /// Comments of ours that a whole list does not show any more: people deleted them.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub deleted: BTreeSet<CommentId>,
    /// Alerts that the ticket tells of; `None` while nobody has looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alerts: Option<BTreeSet<String>>,
    /// Tickets that are gone and that this one took the place of: what crossed to them is copied.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub replaced: BTreeSet<TicketId>,
    /// Closed tickets that the matter has left for the pair's ticket, and that are still to be told so.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub left: BTreeSet<TicketId>,
    /// Closing words that the ticket did not take as its closing note: they follow as a note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsaid: Option<ClosingWords>,
    /// What a ticket's closing says and the incident, which people closed too, is still to be told in a comment: the mode did
    /// not carry it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsaid_back: Option<String>,
    /// Classifications of both sides, as they were when both were closed: a correction comes after that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Agreed>,
    /// What we wrote on the ticket when we closed it last: neither an agent's verdict nor an agent's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_closing: Option<OwnClosing>,
    /// The action that closed the ticket with a classification before it was opened again: what it says was of that closing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spent: Option<ActionKey>,
    /// The owner whom Azure refused for the incident: not written again until another one is wanted, or a person asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused_owner: Option<RefusedOwner>,
    /// What Halo kept otherwise than it was sent, by what it is (`priority`, `agent`, `ticket type`).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub kept: BTreeMap<String, Kept>,
    /// The same of what goes by its name (`team`, `category`), and of mapped fields, by custom field id or ticket member.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub kept_names: BTreeMap<String, KeptName>,
    /// Since when the status is held because it flipped too often.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frozen: Option<Timestamp>,
    /// The version of another incident of its ticket that was open last while this one was closed: what closes the ticket after
    /// that is another closing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_open: Option<Timestamp>,
    /// When its ticket was made, or a pushed ticket's incident, where that was well after the pair was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticketed: Option<Timestamp>,
    /// The user that the incident is about, as found in Halo when its ticket was first drafted: a draft that is made anew is
    /// for them too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affected: Option<HaloUser>,
    /// Whether Halo has said of each of those that the incident names whether they are the client's.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub looked_up: bool,
}

/// An id that was sent to a ticket, and the one that Halo kept: a rule, a workflow or a template chose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Sent.
    pub sent: i64,
    /// Kept.
    pub kept: i64,
}

/// A name that was sent to a ticket, and the one that Halo kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptName {
    /// Sent.
    pub sent: String,
    /// Kept.
    pub kept: String,
}

/// An owner whom Azure refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedOwner {
    /// Their key ([`super::incident::Owner::key`]).
    pub owner: String,
    /// In Azure's words.
    pub why: String,
    /// When.
    pub at: Timestamp,
}

/// What was said at one closing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosingWords {
    /// The words.
    pub words: String,
    /// When the incident was closed, as far as it told: each closing has its own.
    pub at: Option<Timestamp>,
}

/// What we wrote on a ticket when its incident was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnClosing {
    /// The closing note.
    pub note: String,
    /// Custom fields by id, as they stand until somebody changes them.
    pub fields: BTreeMap<String, String>,
    /// Time of the ticket's version that we closed, by Halo's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Whether the classification was taken off the ticket when it was opened again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub emptied: bool,
}

/// What both sides of a mapped field said when they last agreed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreed {
    /// The incident's value, as it is written to the ticket.
    pub sentinel: String,
    /// The ticket's value; `None` while it has not been read.
    pub halo: Option<String>,
}

/// A value that one side moved to: it did so after `after`, and had done so at `at`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// What it says now.
    pub value: String,
    /// The last moment at which it was known to say something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Timestamp>,
    /// Time of the record version that first showed it, by that side's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// Which sides of a field moved.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Moves {
    /// The incident.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sentinel: Option<Move>,
    /// The ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub halo: Option<Move>,
}

impl Moves {
    /// The move of a side.
    pub fn of(&self, side: Side) -> Option<&Move> {
        match side {
            Side::Sentinel => self.sentinel.as_ref(),
            Side::Halo => self.halo.as_ref(),
        }
    }
}

impl Base {
    /// A field is agreed on: when its sides moved, and that two records disagreed from the start, is over.
    pub fn agree(&mut self, field: &str) {
        self.moves.remove(field);
        self.joined.remove(field);
        self.unsettled.remove(field);
    }

    /// What one side of a field says is agreed on.
    pub fn agree_half(&mut self, field: &str, side: Side) {
        if self.is_unsettled(field, side) {
            self.unsettled.remove(field);
        }
    }

    /// Whether what one side of a field said is not known, so that whatever it says is its move.
    pub fn is_unsettled(&self, field: &str, side: Side) -> bool {
        self.unsettled.get(field) == Some(&side)
    }

    /// What both sides say, as read: not agreed, only seen.
    pub fn seen(incident: &Incident, ticket: Option<&Ticket>) -> Self {
        Self {
            severity: Some(incident.severity.clone()),
            priority_id: ticket.and_then(|ticket| ticket.priority_id),
            incident_status: Some(incident.status.clone()),
            status_id: ticket.and_then(|ticket| ticket.status_id),
            ticket_closed: ticket.is_some_and(|ticket| ticket.closed),
            owner: incident.owner.key(),
            agent_id: ticket.and_then(|ticket| ticket.agent_id),
            title: Some(incident.title.clone()),
            summary: ticket.map(|ticket| ticket.summary.clone()),
            ..Self::default()
        }
    }
}

/// How far apart the sides are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SyncState {
    /// Both sides agree.
    InStep,
    /// Something is still to be carried over.
    Behind,
    /// Not known: one side could not be read.
    Unknown,
}

/// Whether somebody has to do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// Nothing is wrong.
    Healthy,
    /// It will go on by itself.
    Waiting,
    /// A person can and must act.
    NeedsYou,
}

impl SyncState {
    /// As stored, filtered by and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InStep => "in-step",
            Self::Behind => "behind",
            Self::Unknown => "unknown",
        }
    }

    /// The inverse of [`SyncState::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::InStep, Self::Behind, Self::Unknown].into_iter().find(|state| state.as_str() == text)
    }
}

impl Health {
    /// As stored, filtered by and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Waiting => "waiting",
            Self::NeedsYou => "needs-you",
        }
    }

    /// The inverse of [`Health::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Healthy, Self::Waiting, Self::NeedsYou].into_iter().find(|health| health.as_str() == text)
    }
}

/// One subject (an incident) and, once made, its ticket. Exists from the moment the planner decides to link it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Ours.
    pub id: PairId,
    /// Whose.
    pub client: ClientId,
    /// Where the incident lives.
    pub workspace: WorkspaceId,
    /// The incident.
    pub incident: IncidentId,
    /// Where the ticket lives.
    pub halo: ConnectionId,
    /// The Halo client id the ticket was made for; checked before each write.
    pub halo_client_id: i64,
    /// The ticket, once known.
    pub ticket: Option<TicketId>,
    /// Our visible reference in the ticket.
    pub reference: String,
    /// What both sides last agreed on.
    pub base: Base,
    /// How far apart.
    pub sync: SyncState,
    /// Whether somebody must act.
    pub health: Health,
    /// Why it is not in step or not healthy.
    pub reason: Option<Reason>,
    /// What else a person has to settle.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<Reason>,
    /// The incident that this one was merged into in Defender, once known.
    #[serde(default)]
    pub survivor: Option<IncidentId>,
    /// Whether other paired incidents were merged into this one.
    #[serde(default)]
    pub merged: bool,
    /// The side on which its record was not found when it was last read.
    #[serde(default)]
    pub gone: Option<Side>,
    /// What people decided about it, oldest first.
    #[serde(default)]
    pub decisions: Vec<Decision>,
    /// Its place among those that share a ticket by rule; `None` where the policy did not group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// When the pair was made.
    pub created: Timestamp,
    /// When anything of it last changed.
    pub changed: Timestamp,
}

impl Pair {
    /// Since when both of its records have been there.
    pub fn born(&self) -> Timestamp {
        self.base.ticketed.map_or(self.created, |ticketed| ticketed.max(self.created))
    }
}

/// What the planner concluded about a pair, kept with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairState {
    /// How far apart.
    pub sync: SyncState,
    /// Whether somebody must act.
    pub health: Health,
    /// Why.
    pub reason: Option<Reason>,
    /// What else a person has to settle; empty where nobody has to do anything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<Reason>,
}

/// A comment and the action that carries the same words, or reports their edit. A digest carries several actions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteLink {
    /// The pair.
    pub pair: PairId,
    /// In Sentinel.
    pub comment: CommentId,
    /// In Halo.
    pub action: ActionKey,
    /// 0 for the words as they first crossed, then rising with each edit reported; a deletion counts as one.
    #[serde(default)]
    pub edit: u32,
    /// Part of a split note, from 0.
    pub part: u32,
    /// Fingerprint of the words that crossed; `None` when they are not known (a restored backup).
    #[serde(default)]
    pub said: Option<String>,
    /// Side on which a person wrote it.
    pub written_in: Side,
}

impl NoteLink {
    /// Puts it in its place among others; one that is there already may learn what was said.
    pub fn keep(self, links: &mut Vec<Self>) {
        let key = |link: &Self| (link.action.ticket, link.action.action, link.edit, link.part, link.comment.clone());
        match links.binary_search_by_key(&key(&self), key) {
            Ok(at) => {
                if let (Some(known), Some(said)) = (links.get_mut(at), self.said) {
                    known.said = Some(said);
                }
            }
            Err(at) => links.insert(at, self),
        }
    }
}

/// An incident the engine has seen, linked or not: one row each, so that every one has an answer to "why not?".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// Where.
    pub workspace: WorkspaceId,
    /// Whose.
    pub client: ClientId,
    /// The incident as last read.
    pub incident: super::incident::Incident,
    /// The pair, once linked.
    pub pair: Option<PairId>,
    /// Why it is not linked.
    pub held: Option<Reason>,
    /// When first seen.
    pub first_seen: Timestamp,
    /// When last read with a change.
    pub last_changed: Timestamp,
}
