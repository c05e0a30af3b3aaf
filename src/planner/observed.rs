//! What is known of a pair, and what a reading, or the answer to a write of ours, changes in it. One form for the engine
//! and for the model that explores a pair's states.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::{
    failure::Side,
    ids::{ActionKey, CommentId, PairId},
    incident::{Comment, Evidence, Incident},
    operation::OperationKind,
    pair::{Base, NoteLink},
    text,
    ticket::{Action, NoteDraft, Ticket},
};

use super::notes::words;

/// A pair's two records as they were last read.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'a> {
    /// The incident.
    pub incident: &'a Incident,
    /// All its comments, if ever read.
    pub comments: Option<&'a [Comment]>,
    /// Its alerts and entities, if ever read.
    pub evidence: Option<&'a Evidence>,
    /// The ticket.
    pub ticket: Option<&'a Ticket>,
    /// All its actions, if ever read.
    pub actions: Option<&'a [Action]>,
    /// Comments and actions that carry the same words.
    pub links: &'a [NoteLink],
    /// Comments of ours that are known to be deleted.
    pub deleted: &'a BTreeSet<CommentId>,
}

/// What was newly read of a pair. `None` = not read now.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Reading {
    /// The incident.
    pub incident: Option<Incident>,
    /// All its comments.
    pub comments: Option<Vec<Comment>>,
    /// When they were asked for, by our clock: one of ours that was written meanwhile may be missing in them.
    pub asked: Option<Timestamp>,
    /// Comments of ours that are known to be deleted by them.
    #[serde(skip)]
    pub deleted: Option<BTreeSet<CommentId>>,
    /// Its alerts and entities.
    pub evidence: Option<Evidence>,
    /// The ticket.
    pub ticket: Option<Ticket>,
    /// All its actions, oldest first.
    pub actions: Option<Vec<Action>>,
    /// Halo counts no action of the ticket at all: an empty list alone does not say so.
    pub none: bool,
    /// A note that we have just written: it joins those known when this is recorded, which may be more than were known
    /// when it was sent.
    pub own_action: Option<Action>,
    /// The same of a comment.
    pub own_comment: Option<Comment>,
    /// Whatever else can have happened on the ticket around `own_action` shows in its times or in the note's number.
    pub alone: bool,
    /// The ticket was read by its number, past Halo's cache, and asked for after all that is known was recorded (or is the
    /// answer to a write of ours of which that is true): an older time in it says that Halo's clock went back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub sure: bool,
    /// This instance begins each ticket with an action of its own, number 1.
    pub opening: bool,
    /// Something may have been written on the ticket since its notes were last read, and they were not read with it.
    pub unread: bool,
    /// What was agreed on when this was asked for, where what it comes to follows from that.
    #[serde(skip)]
    pub grounds: Option<Box<Base>>,
    /// Both records were read whole, and somebody asked for the pair to be planned from them alone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub anew: bool,
}

impl Reading {
    /// The sides of which it has the record.
    pub fn sides(&self) -> Vec<Side> {
        let incident = self.incident.as_ref().map(|_| Side::Sentinel);
        incident.into_iter().chain(self.ticket.as_ref().map(|_| Side::Halo)).collect()
    }
}

/// What differs from what is known; `None` = nothing new.
#[derive(Debug, Clone, Default)]
pub struct News {
    /// The incident.
    pub incident: Option<Incident>,
    /// All its comments.
    pub comments: Option<Vec<Comment>>,
    /// Its alerts and entities.
    pub evidence: Option<Evidence>,
    /// The ticket.
    pub ticket: Option<Ticket>,
    /// All its actions.
    pub actions: Option<Vec<Action>>,
}

impl News {
    /// Whether a record that was said to be gone shows something new: a stale answer says that a young one does not exist.
    pub fn shows(&self, gone: Side) -> bool {
        match gone {
            Side::Sentinel => self.incident.is_some(),
            Side::Halo => self.ticket.as_ref().is_some_and(|ticket| !ticket.deleted),
        }
    }
}

/// Whether a reading is older than what is known. Where one of the two times is told in whole seconds, only those count.
pub fn older(new: Option<Timestamp>, known: Option<Timestamp>) -> bool {
    let (Some(new), Some(known)) = (new, known) else { return false };
    let coarse = new.subsec_nanosecond() == 0 || known.subsec_nanosecond() == 0;
    if coarse { new.as_second() < known.as_second() } else { new < known }
}

/// Whether a ticket has moved since it was last recorded: then somebody may have written on it what we have not read.
pub fn moved_since(known: Option<&Ticket>, current: &Ticket) -> bool {
    let later = |new: Option<Timestamp>, old: Option<Timestamp>| new.is_some() && (old.is_none() || older(old, new));
    known.is_none_or(|known| {
        later(current.last_update, known.last_update) || later(current.last_action, known.last_action)
    })
}

/// How many comments are known to stand on an incident: those read last, and those of ours that were written since.
pub fn there(comments: Option<&[Comment]>, links: &[NoteLink], deleted: &BTreeSet<CommentId>) -> usize {
    let own = links.iter().filter(|link| link.written_in == Side::Halo).map(|link| &link.comment);
    let read = comments.into_iter().flatten().map(|comment| &comment.id);
    read.chain(own.filter(|id| !deleted.contains(*id))).collect::<BTreeSet<_>>().len()
}

impl Observed<'_> {
    /// Whether the incident has another number of comments than we know to stand there. A link alone is no comment: people
    /// delete what they wrote.
    pub fn comments_moved(&self, incident: &Incident) -> bool {
        let known = there(self.comments, self.links, self.deleted);
        i64::try_from(known).unwrap_or(i64::MAX) != incident.comments_count
    }

    /// How many comments the incident has: as many as it counted when it was listed last, or more that are known to be there.
    pub fn there(&self) -> usize {
        let counted = usize::try_from(self.incident.comments_count).unwrap_or(0);
        counted.max(there(self.comments, self.links, self.deleted))
    }

    /// Comments of ours that are known to be deleted, by what was known when these were asked for: a whole list does not show
    /// them. One that shows again is there.
    pub fn deleted_by(&self, incident: &Incident, read: &[Comment]) -> BTreeSet<CommentId> {
        let mut deleted = self.deleted.clone();
        let whole = i64::try_from(read.len()).is_ok_and(|read| read >= incident.comments_count);
        if whole && !older(incident.modified, self.incident.modified) {
            let own = self.links.iter().filter(|link| link.written_in == Side::Halo).map(|link| &link.comment);
            // What was carried over from a merged incident has no link everywhere.
            let known = self.comments.into_iter().flatten().map(|comment| &comment.id).filter(|id| id.is_derived());
            deleted.extend(own.chain(known).cloned());
        }
        deleted.retain(|id| read.iter().all(|comment| comment.id != *id));
        deleted
    }

    /// Of a reading that another one, or a write of ours, has overtaken the record itself is dropped. Comments and notes
    /// that nobody knew are taken all the same: a side's own times may lag behind (whole seconds, a second server), and
    /// nothing else may ever tell of them. What is missing in it is not taken for deleted, nor what differs for edited.
    pub fn in_time(&self, mut reading: Reading) -> Reading {
        if reading.incident.as_ref().is_some_and(|read| older(read.modified, self.incident.modified)) {
            reading.incident = None;
            let linked = |comment: &Comment| self.links.iter().any(|link| link.comment == comment.id);
            let read = reading.comments.take();
            reading.comments = read.map(|read| with_unknown(self.comments, read, |comment| comment.id.clone(), linked));
        }
        if let (Some(read), Some(asked)) = (&mut reading.comments, reading.asked) {
            let since =
                |known: &&Comment| known.unread_since(asked) && read.iter().all(|comment| comment.id != known.id);
            let own: Vec<Comment> = self.comments.into_iter().flatten().filter(since).cloned().collect();
            read.extend(own);
        }
        let linked = |action: &Action| self.links.iter().any(|link| link.action == action.key);
        // Read before a write of ours, and recorded after it: another reading may have been recorded in between. Then it knew
        // of more.
        let lacks = |read: &Vec<Action>| {
            self.actions.into_iter().flatten().any(|known| read.iter().all(|action| action.key != known.key))
        };
        if reading.own_action.is_some() && reading.actions.as_ref().is_some_and(lacks) {
            let read = reading.actions.take();
            reading.actions = read.map(|read| with_unknown(self.actions, read, |action| action.key, linked));
            reading.unread = true;
        }
        let known = self.ticket.and_then(|known| known.last_update);
        if let Some(read) = reading.ticket.as_mut().filter(|read| reading.sure && older(read.last_update, known)) {
            // What was asked for before that is none the newer for it.
            read.last_update = known;
        }
        if reading.ticket.as_ref().is_some_and(|read| older(read.last_update, known)) {
            reading.ticket = None;
            let read = reading.actions.take();
            reading.actions = read.map(|read| with_unknown(self.actions, read, |action| action.key, linked));
        }
        reading
    }

    /// What a reading tells that is not known.
    pub fn news(&self, reading: Reading) -> News {
        let mut news = News {
            incident: reading.incident.filter(|read| read.raw != self.incident.raw || read.etag != self.incident.etag),
            evidence: reading.evidence.filter(|read| self.evidence != Some(read)),
            ..News::default()
        };
        let own = reading.own_comment.zip(self.comments).map(|(own, known)| {
            let new = known.iter().all(|comment| comment.id != own.id);
            known.iter().cloned().chain(Some(own).filter(|_| new)).collect()
        });
        news.comments = reading.comments.or(own).filter(|read| self.comments != Some(read.as_slice()));
        let unread = reading.unread && (reading.actions.is_none() || reading.own_action.is_some());
        let opening = reading.opening && reading.actions.is_none();
        let (mut ticket, mut actions) = (reading.ticket, reading.actions);
        if let Some(own) = reading.own_action
            && let Some(mut known) = actions.clone().or_else(|| self.actions.map(<[Action]>::to_vec))
            && known.iter().all(|action| action.key != own.key)
        {
            // Nobody has read the opening of a ticket that we know as it was born.
            let highest = known.iter().map(|action| action.key.action).max().unwrap_or(i64::from(opening));
            // The newest action there: then nothing came in between, and there is nothing to read again.
            let last_action = own.at.filter(|_| own.key.action == highest + 1);
            ticket = ticket.or_else(|| self.ticket.cloned()).map(|before| {
                let last_update = before.last_update.max(own.at);
                Ticket { last_action, last_update, ..before }
            });
            known.push(own);
            known.sort_by_key(|action| action.key.action);
            actions = Some(known);
        }
        if let Some(mut ticket) = ticket {
            // The next row then tells of something new, and the notes are read: also in the life of another process.
            if unread {
                ticket.last_action = None;
            }
            let times = |ticket: &Ticket| (ticket.last_update, ticket.last_action);
            let differs = |known: &Ticket| known.raw != ticket.raw || times(known) != times(&ticket);
            if self.ticket.is_none_or(differs) {
                news.ticket = Some(merged(self.ticket, ticket));
            }
        }
        news.actions = actions.filter(|read| self.actions != Some(read.as_slice()));
        news
    }

    /// An incident that was read around a write of ours. Alerts or comments that we have not read, or comments that were
    /// edited behind our own write: without a version the next poll takes the incident for changed and reads them.
    pub fn around_write(&self, mut incident: Incident, edited_unseen: bool) -> Reading {
        let alerts = incident.alerts_count != self.incident.alerts_count;
        if self.comments_moved(&incident) || edited_unseen || alerts {
            incident.etag = None;
        }
        Reading { incident: Some(incident), ..Reading::default() }
    }

    /// Whether there are comments that may have been edited, or deleted and written, unseen, when the incident stood in
    /// this version just before a write of ours; `None`: what moved before cannot be told from what we moved ourselves.
    pub fn edited_unseen(&self, before: Option<&Incident>) -> bool {
        let commented = self.comments.is_some_and(|comments| !comments.is_empty());
        commented && before.is_none_or(|before| before.etag != self.incident.etag && !self.own_joined(before))
    }

    /// Whether comments of ours moved the incident, and nothing that a list shows says that somebody else's did. An edit
    /// that hides behind them is found as behind any other change, when comments are read again.
    fn own_joined(&self, incident: &Incident) -> bool {
        incident.comments_count > self.incident.comments_count && !self.comments_moved(incident)
    }

    /// A ticket that was read around a write of ours, without its notes: `before` as it stood just before.
    pub fn ticket_around_write(&self, before: &Ticket, ticket: Ticket) -> Reading {
        let unread = moved_since(self.ticket, before);
        Reading { ticket: Some(ticket), unread, ..Reading::default() }
    }

    /// Whether a ticket's notes have to be read before one of ours is written: somebody has written in it since they
    /// were, and it may have been ourselves.
    pub fn notes_to_read(&self, current: &Ticket) -> bool {
        self.actions.is_none() || self.ticket.is_none_or(|known| known.last_action != current.last_action)
    }

    /// What is known once a note of ours is there: `read` are the ticket's notes, where they were read just before.
    pub fn around_note(&self, current: Ticket, read: Option<Vec<Action>>, own: Action) -> Reading {
        let alone = self.alone(read.as_deref(), &own);
        let own_action = Some(own);
        match read {
            Some(actions) => {
                Reading { ticket: Some(current), actions: Some(actions), own_action, alone, ..Reading::default() }
            }
            None => Reading { own_action, alone, unread: moved_since(self.ticket, &current), ..Reading::default() },
        }
    }

    /// Whether a note of ours hides nothing of its ticket: times are told in fractions of a second, so another note of
    /// the same second shows, and there is none of anybody's that could have been edited or deleted meanwhile. One that
    /// came just before ours shows in the number of ours.
    fn alone(&self, read: Option<&[Action]>, own: &Action) -> bool {
        let fine = own.at.is_some_and(|at| at.subsec_nanosecond() != 0);
        let copy =
            |key: ActionKey| self.links.iter().any(|link| link.action == key && link.written_in == Side::Sentinel);
        let known = read.or(self.actions).unwrap_or_default();
        fine && known.iter().all(|action| action.system || copy(action.key))
    }

    /// The link that a note of ours leaves, unless it is known.
    pub fn note_link(&self, pair: PairId, kind: &OperationKind, key: ActionKey) -> Option<NoteLink> {
        let link = kind.note_link(pair, key)?;
        let same = |known: &NoteLink| {
            (&known.comment, known.edit, known.action.ticket) == (&link.comment, link.edit, link.action.ticket)
        };
        (!self.links.iter().any(same)).then_some(link)
    }
}

/// A note of ours that stands there already, as what was to be written: what it says may be older than that. Then what
/// is newer is told next.
pub fn found_note(kind: &OperationKind, action: &Action, draft: &NoteDraft) -> OperationKind {
    let same = words::letters(&text::html_to_text(&draft.html)) == words::letters(&words::body(action));
    match kind {
        OperationKind::AddNote { comment, edit, note, .. } if !same => OperationKind::AddNote {
            comment: comment.clone(),
            edit: *edit,
            said: Some(String::new()),
            note: note.clone(),
        },
        kind => kind.clone(),
    }
}

/// A list row lacks custom fields and closing note, and may lack team and category: those of the last reading that told them
/// stay until the next one. Another ticket, made in the place of one that is gone, has none of them.
fn merged(known: Option<&Ticket>, mut new: Ticket) -> Ticket {
    if let Some(known) = known.filter(|known| known.id == new.id) {
        let whole = new.tells_fields();
        if new.custom_fields.is_empty() && !whole {
            new.custom_fields.clone_from(&known.custom_fields);
            new.fields_told = known.tells_fields();
        }
        if new.closure_note.is_none() {
            new.closure_note.clone_from(&known.closure_note);
        }
        if !new.tells_team() && !whole {
            new.team.clone_from(&known.team);
        }
        if !new.tells_category() && !whole {
            new.category_1.clone_from(&known.category_1);
        }
    }
    new
}

/// What is known, and what nobody knew; of what was deleted meanwhile a link is left.
fn with_unknown<T: Clone, K: PartialEq>(
    known: Option<&[T]>,
    read: Vec<T>,
    key: impl Fn(&T) -> K,
    linked: impl Fn(&T) -> bool,
) -> Vec<T> {
    let Some(known) = known else { return read };
    let fresh = |one: &T| !linked(one) && known.iter().all(|old| key(old) != key(one));
    let fresh: Vec<T> = read.into_iter().filter(fresh).collect();
    known.iter().cloned().chain(fresh).collect()
}
