//! Why something is done, not done or waited for: a closed list, each with its sentence and remedy.

mod asked;
mod remedy;
mod words;

use serde::{Deserialize, Serialize};

use super::{
    failure::Side,
    ids::{CommentId, TicketId},
    merge::Candidate,
};

/// A reason the planner gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Reason {
    /// The incident is new to us and passes every gate.
    NewIncident,
    /// A comment was added in Sentinel.
    CommentAdded,
    /// A comment was edited in Sentinel after it had crossed.
    CommentEdited,
    /// A comment was deleted in Sentinel after it had crossed.
    CommentDeleted,
    /// A note was added in Halo.
    NoteAdded,
    /// A note was edited in Halo after it had crossed.
    NoteEdited,
    /// A note was deleted in Halo after it had crossed.
    NoteDeleted,
    /// Several notes wait and the incident's room for comments is nearly used up.
    NotesDigested,
    /// Notes wait to share a comment, since the incident's room for comments is nearly used up.
    NotesGathered {
        /// Until when at the latest, while the incident is open.
        until: String,
    },
    /// The ticket was made, so the incident names it.
    TicketMade,
    /// The ticket was pushed to Sentinel, by a person, a program or a rule of the policy.
    Pushed,
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
    /// A filter of the policy holds the incident back.
    Filtered {
        /// The first filter that failed, as the applied file names it (`include.severity`).
        filter: String,
        /// The incident's values that it saw.
        saw: String,
        /// What it asks for.
        would: String,
    },
    /// The storm brake holds the incident: more new tickets within an hour than the policy allows.
    StormHeld {
        /// The policy's `tickets_per_hour`.
        cap: u32,
    },
    /// The policy groups by entities, and none of the incident's shows yet.
    EntitiesAwaited {
        /// Until when at the latest.
        until: String,
    },
    /// A person released the incident from the storm brake: its ticket is made next.
    StormReleased,
    /// The incident shares the ticket of another one by the policy's rule.
    Grouped {
        /// What they have in common.
        why: String,
    },
    /// The ticket that the incident will share is not made yet.
    GroupWaits {
        /// The incident whose ticket it is.
        name: String,
    },
    /// The incident is closed; its ticket is not before the others of its group are closed too.
    GroupOpen,
    /// The note was written before the incident joined those of the ticket.
    WrittenBefore,
    /// Alerts joined the incident after its ticket was made.
    AlertsJoined {
        /// Their ids.
        alerts: Vec<String>,
    },
    /// The ticket that carried the comment is gone: it is copied to the one in its place.
    CopiedOver {
        /// The ticket that is gone.
        from: TicketId,
    },
    /// A person took the pair apart; both records stay, and no ticket is made by itself.
    Unlinked {
        /// The ticket that it had.
        ticket: Option<TicketId>,
        /// Why another one that was asked for since could not be linked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refused: Option<String>,
    },
    /// A person wants the incident linked to a ticket that exists.
    LinkAsked {
        /// Which.
        ticket: TicketId,
        /// The ticket that it was unlinked from, if it was.
        #[serde(default)]
        unlinked: Option<Option<TicketId>>,
    },
    /// The ticket that a person wanted could not be linked.
    LinkRefused {
        /// Which.
        ticket: TicketId,
        /// Why, with the remedy.
        why: String,
    },
    /// A person asked for the incident's ticket: it is made next.
    TicketAsked {
        /// The ticket that it was unlinked from, if it was.
        #[serde(default)]
        after: Option<TicketId>,
        /// What stands in its way.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        blocked: Option<Box<Self>>,
    },
    /// Its ticket was to be made at a place in Halo that is not its client's any more: it is made where that is now.
    Rehomed {
        /// The reference that the ticket was to carry.
        reference: String,
        /// What stands in its way.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        blocked: Option<Box<Self>>,
    },
    /// The client has no Halo binding.
    ClientNotBound,
    /// A value has no mapping.
    Unmapped {
        /// The policy's table (`priority`, `status`, `ticket type`, `outcome`, `field`, `agent`, `owner`, `team`,
        /// `category`).
        table: String,
        /// The value without a row, or the name that Halo doesn't know.
        value: String,
    },
    /// A name in the policy is that of several of Halo's rows: none is taken.
    Ambiguous {
        /// As in [`Reason::Unmapped`].
        table: String,
        /// The name.
        name: String,
        /// Whom it may mean.
        ids: Vec<i64>,
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
    /// The incident's comments could not be read.
    CommentsUnread {
        /// What failed.
        why: String,
    },
    /// The ticket alone, or its notes, could not be read.
    TicketUnread {
        /// What failed.
        why: String,
    },
    /// The note is not of the kind the policy lets cross.
    NoteHeldBack,
    /// Halo did not say whether the note is hidden, and the policy lets only cross what is not.
    NotePrivacyUntold,
    /// Notes were written while the ticket belonged to another client: they are about that one.
    WrittenElsewhere,
    /// The 100-comment limit is reached.
    CommentsFull,
    /// Both sides changed the same field to different values.
    Conflict {
        /// Which field.
        field: String,
        /// The incident's value.
        #[serde(default)]
        sentinel: String,
        /// The ticket's value.
        #[serde(default)]
        halo: String,
    },
    /// A closed matter was opened again on one side, and the policy asks what is to happen to the other.
    Reopened {
        /// Where.
        side: Side,
        /// Which reopening: the time of the record version that showed it.
        #[serde(default)]
        at: String,
        /// The ticket was opened right after our own closing, and by nobody: whatever the policy says, a person is asked.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        by_rule: bool,
    },
    /// One side is closed, the other open, as the policy or a person wants it.
    LeftApart,
    /// Both sides are closed, each with a classification of its own.
    VerdictsDiffer {
        /// The incident's, in words.
        sentinel: String,
        /// The ticket's, in words.
        halo: String,
    },
    /// Something changed when both sides were closed, and the policy does not carry it then.
    AfterClosing {
        /// What, in words.
        what: String,
    },
    /// The status changed too often within an hour and is held.
    Flapping {
        /// Changes allowed within an hour.
        flips: u32,
    },
    /// The incident was merged in Defender: a write that follows from it.
    Merged,
    /// The incident was merged into another one, with which its ticket goes on.
    MergedInto {
        /// Number and title; empty when a person has seen to it.
        name: String,
    },
    /// The incident was merged, and nothing tells into which one.
    SurvivorUnknown {
        /// Incidents that changed at about the same time.
        candidates: Vec<Candidate>,
    },
    /// The incident was merged into one that has a ticket of its own.
    TicketsMeet {
        /// The ticket of the merged incident.
        ticket: TicketId,
        /// The ticket of the one that is left.
        other: TicketId,
        /// The one that is left.
        name: String,
    },
    /// The copy of a comment or note was deleted on the other side.
    CopyLost {
        /// What, in words.
        what: String,
        /// The comment: the one that was copied, or the copy itself.
        comment: CommentId,
    },
    /// A write waits for a person's approval.
    AwaitsApproval {
        /// The write, in words.
        what: String,
        /// What an approval names it by.
        write: String,
    },
    /// A person rejected a write: it is not written in this form.
    Rejected {
        /// The write, in words.
        what: String,
    },
    /// The outcome of a write is not known and could not be settled by looking.
    OutcomeUnknown,
    /// A person dropped a write: it is not planned again in this form.
    Dropped {
        /// The write, in words.
        what: String,
        /// It was to make the pair's ticket.
        #[serde(default)]
        makes_ticket: bool,
    },
    /// The owner who stands for the ticket's agent is refused: nobody in Entra.
    OwnerUnknown {
        /// The owner.
        owner: String,
        /// Azure's sentence.
        why: String,
    },
    /// Halo kept another value than was sent.
    HaloKept {
        /// Of what (`priority`, `agent`, `ticket type`, `team`, `category`, a mapped field).
        what: String,
        /// Name of the one that was sent.
        sent: String,
        /// Name of the one that was kept.
        kept: String,
    },
    /// The other side refused a write.
    Refused {
        /// Its sentence.
        why: String,
    },
}

impl Reason {
    /// The code, as stored and filtered by.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NewIncident => "new-incident",
            Self::CommentAdded => "comment-added",
            Self::CommentEdited => "comment-edited",
            Self::CommentDeleted => "comment-deleted",
            Self::NoteAdded => "note-added",
            Self::NoteEdited => "note-edited",
            Self::NoteDeleted => "note-deleted",
            Self::NotesDigested => "notes-digested",
            Self::NotesGathered { .. } => "notes-gathered",
            Self::TicketMade => "ticket-made",
            Self::Pushed => "pushed",
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
            Self::Filtered { .. } => "filtered",
            Self::StormHeld { .. } => "storm-held",
            Self::EntitiesAwaited { .. } => Self::ENTITIES_AWAITED,
            Self::StormReleased => "storm-released",
            Self::Grouped { .. } => "grouped",
            Self::GroupWaits { .. } => "group-waits",
            Self::GroupOpen => "group-open",
            Self::WrittenBefore => "written-before",
            Self::AlertsJoined { .. } => "alerts-joined",
            Self::CopiedOver { .. } => "copied-over",
            Self::Unlinked { .. } => Self::UNLINKED,
            Self::LinkAsked { .. } => Self::LINK_ASKED,
            Self::LinkRefused { .. } => "link-refused",
            Self::TicketAsked { .. } => Self::TICKET_ASKED,
            Self::Rehomed { .. } => Self::REHOMED,
            Self::ClientNotBound => "client-not-bound",
            Self::Unmapped { .. } => "unmapped",
            Self::Ambiguous { .. } => "ambiguous",
            Self::RecordGone { .. } => "record-gone",
            Self::WrongClient => "wrong-client",
            Self::VerdictMissing => "verdict-missing",
            Self::VerdictRefused { .. } => "verdict-refused",
            Self::CommentsUnread { .. } => "comments-unread",
            Self::TicketUnread { .. } => "ticket-unread",
            Self::NoteHeldBack => "note-held-back",
            Self::NotePrivacyUntold => "note-privacy-untold",
            Self::WrittenElsewhere => "written-elsewhere",
            Self::CommentsFull => "comments-full",
            Self::Conflict { .. } => "conflict",
            Self::Reopened { .. } => "reopened",
            Self::LeftApart => "left-apart",
            Self::VerdictsDiffer { .. } => "verdicts-differ",
            Self::AfterClosing { .. } => "after-closing",
            Self::Flapping { .. } => "flapping",
            Self::Merged => "merged",
            Self::MergedInto { .. } => "merged-into",
            Self::SurvivorUnknown { .. } => "survivor-unknown",
            Self::TicketsMeet { .. } => "tickets-meet",
            Self::CopyLost { .. } => "copy-lost",
            Self::AwaitsApproval { .. } => "awaits-approval",
            Self::Rejected { .. } => "rejected",
            Self::OutcomeUnknown => "outcome-unknown",
            Self::Dropped { .. } => "dropped",
            Self::OwnerUnknown { .. } => "owner-unknown",
            Self::HaloKept { .. } => "halo-kept",
            Self::Refused { .. } => "refused",
        }
    }
}
