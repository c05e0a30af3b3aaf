//! One planned write: what, why, and what became of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    closing::Verdict,
    failure::{Failure, Side},
    ids::{ActionKey, ClientId, CommentId, OperationId, PairId, TicketId, UserId},
    incident::{Incident, IncidentStatus, Owner, Severity},
    pair::{Base, NoteLink},
    reason::Reason,
    ticket::{NoteDraft, TicketChange, TicketDraft},
};

/// Members of an incident to be changed; `None` is left as read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct IncidentChange {
    /// Status.
    pub status: Option<IncidentStatus>,
    /// Severity.
    pub severity: Option<Severity>,
    /// Owner; all members empty = unassign.
    pub owner: Option<Owner>,
    /// With `Closed`.
    pub verdict: Option<Verdict>,
    /// Title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Labels to be added.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels_added: Vec<String>,
    /// Labels to be taken off, as the incident spells them; one that Microsoft assigned never is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels_removed: Vec<String>,
}

/// A note's words within a comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// The action; number 0 is the ticket itself.
    pub action: ActionKey,
    /// 0 for the note as it first crosses, else the number of the edit it reports.
    pub edit: u32,
    /// Part of a split note, from 0.
    pub part: u32,
    /// Fingerprint of the note's words; empty where an older entry does not tell.
    pub said: String,
}

impl Carried {
    /// The link that a comment of ours leaves which carries this.
    pub fn link(&self, pair: PairId, comment: &CommentId) -> NoteLink {
        NoteLink {
            pair,
            comment: comment.clone(),
            action: self.action,
            edit: self.edit,
            part: self.part,
            said: Some(self.said.clone()).filter(|said| !said.is_empty()),
            written_in: Side::Halo,
        }
    }
}

fn one_or_several<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<Carried>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Several(Vec<Carried>),
        One(ActionKey),
    }
    Ok(match Stored::deserialize(from)? {
        Stored::Several(carries) => carries,
        Stored::One(action) => vec![Carried { action, edit: 0, part: 0, said: String::new() }],
    })
}

/// What is to be written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum OperationKind {
    /// Make the ticket of a pair.
    CreateTicket {
        /// What it will say.
        draft: TicketDraft,
        /// The closed ticket that it follows, when the pair has one already.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        follows: Option<TicketId>,
    },
    /// Make the incident of a ticket that is pushed, under an id that is derived from the ticket.
    CreateIncident {
        /// What it will say.
        incident: Box<Incident>,
    },
    /// Change members of the ticket.
    UpdateTicket {
        /// What changes.
        change: TicketChange,
    },
    /// Write a comment's words as a note.
    AddNote {
        /// The comment it carries; `None` for a note of our own (asking for a classification).
        comment: Option<CommentId>,
        /// 0 for the comment as it first crosses, else the number of the edit it reports.
        #[serde(default)]
        edit: u32,
        /// Fingerprint of the comment's words.
        #[serde(default)]
        said: Option<String>,
        /// What it will say.
        note: NoteDraft,
    },
    /// Write a note's words as a comment with a derived id.
    AddComment {
        /// The derived id.
        comment: CommentId,
        /// The actions it carries; a digest carries several. Older entries name one action.
        #[serde(alias = "action", deserialize_with = "one_or_several")]
        carries: Vec<Carried>,
        /// At most 30,000 characters.
        message: String,
    },
    /// Change members of the incident (read, merge, PUT).
    UpdateIncident {
        /// What changes.
        change: IncidentChange,
    },
}

impl OperationKind {
    /// Whether it makes a ticket.
    pub fn makes_ticket(&self) -> bool {
        matches!(self, Self::CreateTicket { .. })
    }

    /// Whether it makes an incident.
    pub fn makes_incident(&self) -> bool {
        matches!(self, Self::CreateIncident { .. })
    }

    /// The link that a note of ours leaves; `None` for one that carries no comment.
    pub fn note_link(&self, pair: PairId, action: ActionKey) -> Option<NoteLink> {
        let Self::AddNote { comment: Some(comment), edit, said, .. } = self else { return None };
        Some(NoteLink {
            pair,
            comment: comment.clone(),
            action,
            edit: *edit,
            part: 0,
            said: said.clone(),
            written_in: Side::Sentinel,
        })
    }

    /// The side written to.
    pub fn side(&self) -> Side {
        match self {
            Self::CreateTicket { .. } | Self::UpdateTicket { .. } | Self::AddNote { .. } => Side::Halo,
            Self::CreateIncident { .. } | Self::AddComment { .. } | Self::UpdateIncident { .. } => Side::Sentinel,
        }
    }

    /// The name, as stored and shown.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CreateTicket { .. } => "create-ticket",
            Self::CreateIncident { .. } => "create-incident",
            Self::UpdateTicket { .. } => "update-ticket",
            Self::AddNote { .. } => "add-note",
            Self::AddComment { .. } => "add-comment",
            Self::UpdateIncident { .. } => "update-incident",
        }
    }

    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::CreateTicket { follows: Some(_), .. } => "Create a ticket that follows the closed one".into(),
            Self::CreateTicket { .. } => "Create the ticket".into(),
            Self::CreateIncident { .. } => "Create the incident of the pushed ticket".into(),
            Self::UpdateTicket { change } if change.closure_note.is_some() => "Close the ticket".into(),
            Self::UpdateTicket { .. } => "Change the ticket".into(),
            Self::AddNote { comment: Some(_), edit: 0, .. } => "Write the comment as a note".into(),
            Self::AddNote { comment: Some(_), .. } => "Report the comment's edit in a note".into(),
            Self::AddNote { note: NoteDraft { former: Some(former), .. }, .. } => {
                format!("Tell ticket {former} where the matter goes on")
            }
            Self::AddNote { comment: None, .. } => "Write a note".into(),
            Self::AddComment { carries, .. } => match carries.as_slice() {
                [one] if one.action.action == 0 => "Name the ticket in a comment".into(),
                [one] if one.edit > 0 => "Report the note's edit in a comment".into(),
                [_] => "Write the note as a comment".into(),
                several => format!("Write {} notes as one comment", several.len()),
            },
            Self::UpdateIncident { change } if change.status == Some(IncidentStatus::Closed) => {
                "Close the incident".into()
            }
            Self::UpdateIncident { .. } => "Change the incident".into(),
        }
    }

    /// Order within one plan: ticket or incident first, then comments, then the fields (design: comment, re-read, incident).
    pub fn rank(&self) -> u8 {
        match self {
            Self::CreateTicket { .. } | Self::CreateIncident { .. } => 0,
            Self::AddNote { .. } | Self::AddComment { .. } => 1,
            Self::UpdateTicket { .. } | Self::UpdateIncident { .. } => 2,
        }
    }

    /// What makes two plans of the same write the same: an unfinished operation with this key is not planned twice.
    pub fn key(&self) -> String {
        match self {
            Self::CreateTicket { .. } => "create".into(),
            Self::CreateIncident { .. } => "create-incident".into(),
            Self::UpdateTicket { .. } => "ticket".into(),
            Self::AddNote { comment: Some(id), edit: 0, .. } => format!("note/{id}"),
            Self::AddNote { comment: Some(id), edit, .. } => format!("note/{id}/{edit}"),
            Self::AddNote { comment: None, note, .. } => format!("own-note/{}", note.reference),
            Self::AddComment { comment, .. } => format!("comment/{comment}"),
            Self::UpdateIncident { .. } => "incident".into(),
        }
    }
}

/// Where an operation stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
#[allow(clippy::large_enum_variant, reason = "few are held at once, and the rare variant is the large one")]
pub enum OperationState {
    /// To be sent when it is its turn and not before `ready`.
    Planned {
        /// Earliest moment.
        ready: Timestamp,
    },
    /// Handed to the network; a crash here means the outcome is unknown.
    Sending {
        /// Since.
        since: Timestamp,
    },
    /// Sent, no answer: settled by looking.
    OutcomeUnknown {
        /// Since.
        since: Timestamp,
        /// Next look.
        look: Timestamp,
        /// Looks made that did not find it.
        looks: u32,
        /// Looks that failed themselves since one was answered.
        #[serde(default)]
        failed: u32,
    },
    /// Carried out.
    Done {
        /// When.
        at: Timestamp,
        /// What came of it.
        result: OperationResult,
    },
    /// Given up: a dead letter, with its cause in `last_failure`, until a person replays or drops it.
    Dead {
        /// When.
        at: Timestamp,
        /// Why.
        reason: Reason,
    },
    /// A dead letter that a person gave up: never again in this form, until what it was planned from changes or
    /// somebody asks for it.
    Dropped {
        /// When.
        at: Timestamp,
        /// Who; `None` for the command line.
        who: Option<UserId>,
        /// Why it had become a dead letter.
        reason: Reason,
        /// What both sides said then.
        seen: Base,
    },
    /// No longer wanted: replaced by a newer plan, or asked for anew by a person.
    Void {
        /// When.
        at: Timestamp,
        /// Why, in words.
        why: String,
    },
}

impl OperationState {
    /// As stored and filtered by.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Planned { .. } => "planned",
            Self::Sending { .. } => "sending",
            Self::OutcomeUnknown { .. } => "outcome-unknown",
            Self::Done { .. } => "done",
            Self::Dead { .. } => "dead",
            Self::Dropped { .. } => "dropped",
            Self::Void { .. } => "void",
        }
    }

    /// Whether it still stands in its pair's queue.
    pub fn open(&self) -> bool {
        matches!(self, Self::Planned { .. } | Self::Sending { .. } | Self::OutcomeUnknown { .. })
    }

    /// Whether planning has to know of it: it is open, waits for a person, or was dropped by one.
    pub fn stands(&self) -> bool {
        self.open() || matches!(self, Self::Dead { .. } | Self::Dropped { .. })
    }
}

/// What a finished operation made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "made", rename_all = "kebab-case")]
pub enum OperationResult {
    /// A ticket.
    Ticket {
        /// Its number.
        ticket: TicketId,
        /// Found by looking rather than answered.
        settled: bool,
    },
    /// A note.
    Action {
        /// Its key.
        action: ActionKey,
        /// Found by looking rather than answered.
        settled: bool,
    },
    /// A comment.
    Comment {
        /// Its id.
        comment: CommentId,
    },
    /// An incident that was made or changed, at this version.
    Incident {
        /// The new etag.
        etag: Option<String>,
    },
    /// A changed ticket.
    TicketChanged,
    /// The wanted state was there already.
    AlreadyThere,
}

/// One planned write of one pair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// Ours.
    pub id: OperationId,
    /// Whose.
    pub client: ClientId,
    /// The pair: operations of one pair are carried out in the order of `position`.
    pub pair: PairId,
    /// Place in the pair's queue, rising.
    pub position: i64,
    /// What.
    pub kind: OperationKind,
    /// Why.
    pub reason: Reason,
    /// Where it stands.
    pub state: OperationState,
    /// Times sent.
    pub attempts: u32,
    /// Last failure, if any.
    pub last_failure: Option<Failure>,
    /// When planned.
    pub planned: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_planned_by_an_older_version_is_read() {
        let old = serde_json::json!({ "kind": "add-comment", "comment": "c", "message": "words", "part": 0,
            "action": { "ticket": 70, "action": 3 } });
        let read: OperationKind = serde_json::from_value(old).expect("read");
        let OperationKind::AddComment { carries, .. } = &read else { panic!("{read:?}") };
        let action = ActionKey { ticket: TicketId(70), action: 3 };
        assert_eq!(*carries, [Carried { action, edit: 0, part: 0, said: String::new() }]);
        let again = serde_json::from_value::<OperationKind>(serde_json::to_value(&read).expect("written"));
        assert_eq!(again.expect("read"), read);
    }
}
