//! Shadow mode: compares what Halo's own Sentinel integration did with what there was to carry over.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::domain::{
    catalogue::Catalogue,
    failure::Side,
    ids::PairId,
    incident::{Comment, Incident},
    policy::Policy,
    shadow::{Carriage, Compared, Crossed, Lapse, LapseKind},
    text,
    ticket::{Action, Ticket},
    time,
};

use super::{
    adopt::{same, same_words, squeezed},
    mapping, notes,
};

/// What was carried over later than this is *delayed*.
pub const LATE: SignedDuration = SignedDuration::from_mins(5);
/// What was not carried over by then is *missed*: the other integration reads every quarter of an hour, and what
/// starts it may come ten minutes late.
pub const OVERDUE: SignedDuration = SignedDuration::from_mins(30);
/// Letters of a comment or note that a lapse quotes.
const QUOTED: usize = 80;

/// An incident, and the tickets that the other integration made for it.
#[derive(Debug, Clone, Copy)]
pub struct BothSides<'a> {
    /// The moment of comparing.
    pub now: Timestamp,
    /// Which notes would cross, and which tickets count as closed.
    pub policy: &'a Policy,
    /// What Halo offers.
    pub catalogue: &'a Catalogue,
    /// The incident.
    pub incident: &'a Incident,
    /// Its comments.
    pub comments: &'a [Comment],
    /// Tickets that carry it with their actions, oldest first.
    pub tickets: &'a [(Ticket, Vec<Action>)],
    /// What was found before.
    pub before: Option<&'a Compared>,
}

/// Compares, and says when to compare again though nothing changes: something may still come in time.
pub fn compare(s: &BothSides<'_>) -> (Compared, Option<Timestamp>) {
    let mut comparing = Comparing { s, found: Compared::default(), again: None };
    comparing.ticket();
    if let Some((ticket, actions)) = s.tickets.first() {
        comparing.words(actions, ticket);
        comparing.closures(ticket);
    }
    (comparing.found, comparing.again)
}

struct Comparing<'a, 's> {
    s: &'s BothSides<'a>,
    found: Compared,
    again: Option<Timestamp>,
}

impl Comparing<'_, '_> {
    fn lapse(
        &mut self,
        kind: LapseKind,
        (what, from): (Carriage, Side),
        words: &str,
        at: Option<Timestamp>,
        late_secs: Option<i64>,
    ) {
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let words = match words.char_indices().nth(QUOTED) {
            Some((end, _)) => format!("{}…", words.get(..end).unwrap_or_default()),
            None => words,
        };
        self.found.lapses.push(Lapse { kind, what, from, words, at, late_secs });
    }

    /// What has not been carried over: missed once its time is over.
    fn not_there(&mut self, which: (Carriage, Side), words: &str, at: Option<Timestamp>) {
        match at.map(|at| at + OVERDUE).filter(|due| *due > self.s.now) {
            Some(due) => self.again = Some(self.again.map_or(due, |again| again.min(due))),
            None => self.lapse(LapseKind::Missed, which, words, at, None),
        }
    }

    /// What has been carried over: how late.
    fn there(&mut self, which: (Carriage, Side), words: &str, at: Option<Timestamp>, then: Option<Timestamp>) {
        if let Some(late) = late(at, then).filter(|late| *late > LATE.as_secs()) {
            self.lapse(LapseKind::Delayed, which, words, at, Some(late));
        }
    }

    fn ticket(&mut self) {
        let which = (Carriage::Ticket, Side::Sentinel);
        let created = self.s.incident.created;
        self.found.tickets = self.s.tickets.iter().map(|(ticket, _)| ticket.id).collect();
        let Some((ticket, actions)) = self.s.tickets.first() else {
            self.not_there(which, &self.s.incident.title, created);
            return;
        };
        let made = made(ticket, actions);
        self.found.late_secs = late(created, made);
        self.there(which, &self.s.incident.title, created, made);
        if self.s.tickets.len() > 1 {
            let all: Vec<String> = self.found.tickets.iter().map(ToString::to_string).collect();
            let second = self.s.tickets.get(1).and_then(|(ticket, actions)| self::made(ticket, actions));
            self.lapse(LapseKind::Doubled, which, &format!("Tickets {}", all.join(", ")), second, None);
        }
    }

    /// Comments and notes: those that say the same belong together, in their order.
    fn words(&mut self, actions: &[Action], ticket: &Ticket) {
        let s = self.s;
        let links = same_words(PairId(Uuid::nil()), s.comments, actions, None);
        let said = |comment: &Comment| squeezed(&text::message_to_text(&comment.message));
        let noted = |action: &Action| squeezed(&notes::words::body(action));
        for comment in s.comments {
            let link = links.iter().find(|link| link.comment == comment.id);
            let action = link.and_then(|link| actions.iter().find(|action| action.key == link.action));
            match (link.map(|link| link.written_in), action) {
                (Some(Side::Halo), Some(action)) => {
                    count(&mut self.found.notes, true);
                    self.there((Carriage::Note, Side::Halo), &noted(action), action.at, comment.created);
                }
                (_, Some(action)) => {
                    count(&mut self.found.comments, true);
                    self.there((Carriage::Comment, Side::Sentinel), &said(comment), comment.created, action.at);
                }
                (_, None) => {
                    // A second copy of a note that is on the incident already.
                    let copied = links.iter().filter(|link| link.written_in == Side::Halo).any(|link| {
                        let of = actions.iter().find(|action| action.key == link.action);
                        of.is_some_and(|action| same(&said(comment), &noted(action)))
                    });
                    if copied {
                        self.lapse(
                            LapseKind::Doubled,
                            (Carriage::Note, Side::Halo),
                            &said(comment),
                            comment.created,
                            None,
                        );
                    } else {
                        count(&mut self.found.comments, false);
                        self.not_there((Carriage::Comment, Side::Sentinel), &said(comment), comment.created);
                    }
                }
            }
        }
        let closed = mapping::ticket_closed(s.policy, s.catalogue, ticket);
        for action in actions.iter().filter(|action| !action.system && !action.is_blank()) {
            if links.iter().any(|link| link.action == action.key) {
                continue;
            }
            let copied = links.iter().filter(|link| link.written_in == Side::Sentinel).any(|link| {
                let of = s.comments.iter().find(|comment| comment.id == link.comment);
                of.is_some_and(|comment| same(&said(comment), &noted(action)))
            });
            if copied {
                self.lapse(LapseKind::Doubled, (Carriage::Comment, Side::Sentinel), &noted(action), action.at, None);
                continue;
            }
            // What was said at closing goes with the closure.
            let closes = closed && action.new_status.is_some() && action.new_status == ticket.status_id;
            if !closes && notes::crosses(s.policy, action) {
                count(&mut self.found.notes, false);
                self.not_there((Carriage::Note, Side::Halo), &noted(action), action.at);
            }
        }
    }

    fn closures(&mut self, ticket: &Ticket) {
        let s = self.s;
        if s.incident.redirected() {
            return;
        }
        let closed = mapping::ticket_closed(s.policy, s.catalogue, ticket);
        // A closed record goes on changing: the moment at which it was first seen closed stays.
        let before = |of: fn(&Compared) -> Option<Timestamp>| s.before.and_then(of);
        self.found.incident_closed =
            s.incident.closed().then(|| before(|c| c.incident_closed).or(s.incident.modified)).flatten();
        let told = ticket.raw.get("dateclosed").and_then(|value| time::parse(value.as_str()?));
        self.found.ticket_closed =
            closed.then(|| told.or(before(|c| c.ticket_closed)).or(ticket.last_update)).flatten();
        let title = s.incident.title.as_str();
        let (incident_closed, ticket_closed) = (self.found.incident_closed, self.found.ticket_closed);
        match (s.incident.closed(), closed) {
            (true, false) => self.not_there((Carriage::Closure, Side::Sentinel), title, incident_closed),
            (false, true) => self.not_there((Carriage::Closure, Side::Halo), title, ticket_closed),
            (true, true) => {
                if ticket_closed < incident_closed {
                    self.there((Carriage::Closure, Side::Halo), title, ticket_closed, incident_closed);
                } else {
                    self.there((Carriage::Closure, Side::Sentinel), title, incident_closed, ticket_closed);
                }
            }
            (false, false) => {}
        }
    }
}

/// When a ticket was really made: Halo's "opened at" can be set by whoever makes it, its first action can't.
fn made(ticket: &Ticket, actions: &[Action]) -> Option<Timestamp> {
    let opened = || ticket.raw.get("dateoccurred").and_then(|value| time::parse(value.as_str()?));
    actions.iter().filter_map(|action| action.at).min().or_else(opened)
}

fn late(at: Option<Timestamp>, then: Option<Timestamp>) -> Option<i64> {
    Some((then?.as_second() - at?.as_second()).max(0))
}

fn count(crossed: &mut Crossed, there: bool) {
    crossed.of += 1;
    crossed.crossed += u32::from(there);
}
