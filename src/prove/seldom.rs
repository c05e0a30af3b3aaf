//! Worlds in which happens what seldom does: fields that cross by choice ([`fields`]), matters that go on in a new ticket, notes that
//! are shown to the end user once somebody lets them, copies of ours that people delete ([`copies`]), pairs that are taken apart and
//! linked again ([`links`]), tickets that Halo refuses ([`refused`]), backfills ([`backfills`]), answers about merged incidents
//! ([`merges`]).
//!
//! They are a class of their own, in which an admin sees to what waits ([`super::clicks::desk`]). What is drawn here comes from
//! dice of its own, and nothing of it is drawn elsewhere: all other worlds tell the stories that they told before.

mod backfills;
mod copies;
mod fields;
mod links;
mod merges;
mod refused;

use std::collections::BTreeMap;

use super::{dice::Dice, shape::Shape, world::World};
use crate::domain::decision::Decision;

pub use backfills::starts_later;
pub use fields::LABELS_FIELD;
pub use links::Apart;

/// The first worlds know nothing of it; of those from here on one in so many does, which no other class has.
const NONE_BELOW: u64 = 100;
const EVERY: u64 = 16;
/// How often, beside something that others do, somebody does something of it.
const OFTEN: f64 = 0.15;

/// Something of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rare {
    /// Labels are mapped to a field of the ticket.
    Labels,
    /// Titles cross.
    Title,
    /// A new ticket is for the user that its incident is about.
    Requester,
    /// A matter that is opened again in Sentinel goes on in a new ticket.
    Follows,
    /// Notes that we write are shown to the end user, once an admin has let them.
    Visible,
    /// The policy says what is done about values that show late and lost copies, and people delete our copies.
    Drift,
    /// An admin takes pairs apart, and links most of them again by hand.
    Links,
    /// Halo refuses some tickets, and an admin drops them.
    Drops,
    /// The workspaces start in the middle, and an admin has older incidents taken in.
    Backfill,
    /// Defender merges incidents, and an admin answers what becomes of their tickets.
    Merges,
}

impl Rare {
    /// All of them, and how often a world of the class has each. What is new goes to the end.
    const ALL: &[(Self, f64)] = &[
        (Self::Labels, 0.5),
        (Self::Title, 0.4),
        (Self::Requester, 0.4),
        (Self::Follows, 0.35),
        (Self::Visible, 0.4),
        (Self::Drift, 0.4),
        (Self::Links, 0.35),
        (Self::Drops, 0.3),
        (Self::Backfill, 0.35),
        (Self::Merges, 0.3),
    ];

    /// Whether it needs a line of its own in the policy, so that it is nothing where the policy is a customer's.
    fn by_policy(self) -> bool {
        matches!(self, Self::Labels | Self::Title | Self::Requester | Self::Follows | Self::Visible | Self::Drift)
    }
}

/// Whether the world of a seed is of the class.
pub fn happens(seed: u64) -> bool {
    seed >= NONE_BELOW && seed.is_multiple_of(EVERY)
}

/// What the world of a seed has of it.
fn has(seed: u64) -> Vec<Rare> {
    if !happens(seed) {
        return Vec::new();
    }
    let mut dice = Dice::of(seed, "seldom");
    Rare::ALL.iter().filter(|(_, often)| dice.chance(*often)).map(|(rare, _)| *rare).collect()
}

/// Sets a world's policy up for what it has of it.
pub fn set_up(shape: &mut Shape) {
    let seed = shape.seed;
    for rare in has(seed) {
        let word = |of: &str, words: &[&'static str]| Dice::of(seed, of).pick(words).copied().unwrap_or_default();
        let line = match rare {
            Rare::Labels => {
                let direction = word("seldom labels", &["both", "both", "to-halo", "to-sentinel"]);
                format!("labels = {{ field = \"{LABELS_FIELD}\", direction = \"{direction}\" }}")
            }
            Rare::Title => {
                let direction = word("seldom titles", &["both", "both", "to-halo"]);
                let wins = word("whose title", &["newest", "sentinel", "halo", "ask"]);
                format!("title = {{ direction = \"{direction}\", when = \"always\", wins = \"{wins}\" }}")
            }
            Rare::Requester => "requester = \"affected-user\"".to_owned(),
            Rare::Follows => {
                let rule = word("seldom follows", &["new-ticket", "new-ticket", "ask"]);
                format!("reopened = {{ in_sentinel = \"{rule}\", in_halo = \"reopen\" }}")
            }
            Rare::Visible => {
                shape.notes_private = false;
                "approve = [\"client-visible-note\"]".to_owned()
            }
            Rare::Links | Rare::Drops | Rare::Backfill => continue,
            Rare::Merges => {
                shape.defender = true;
                continue;
            }
            Rare::Drift => {
                let value = word("what showed late", &["heal", "ask", "ignore"]);
                let copy = word("lost copies", &["heal", "heal", "ask", "ignore"]);
                format!("drift = {{ value = \"{value}\", lost_comment = \"{copy}\" }}")
            }
        };
        shape.choices.push(line);
    }
}

const LABELS: &str = "labels changed by agents";
const TITLES: &str = "titles changed on either side";
const REQUESTERS: &str = "tickets for the user that an incident names";
const FOLLOWING: &str = "tickets that follow a closed one";
const LET: &str = "notes for the end user let through";
const REFUSED: &str = "notes for the end user refused";
const LOST: &str = "our copies deleted by people";
const LATE: &str = "values that showed late and were left";
const UNLINKED: &str = "pairs unlinked";
const LINKED: &str = "pairs linked again by hand";
const DROPPED: &str = "refused tickets dropped";
const ASKED: &str = "dropped tickets asked for again";
const ASKED_FOR: &str = "backfills asked for";
const STARTED: &str = "backfills started";
const STOPPED: &str = "backfills stopped";
const NAMED: &str = "incidents named that others were merged into";
const KEPT: &str = "tickets of merged incidents left as they are";
const MERGED: &str = "tickets merged as proposed";

/// How often each happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Acts(BTreeMap<&'static str, u64>);

impl Acts {
    /// All that is counted, in the order of the table that is printed.
    pub const ALL: &[&str] = &[
        LABELS, TITLES, REQUESTERS, FOLLOWING, LET, REFUSED, LOST, LATE, UNLINKED, LINKED, DROPPED, ASKED, ASKED_FOR,
        STARTED, STOPPED, NAMED, KEPT, MERGED,
    ];

    fn note(&mut self, what: &'static str, more: u64) {
        *self.0.entry(what).or_default() += more;
    }

    /// How often.
    pub fn count(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }

    /// Adds another world's.
    pub fn add(&mut self, other: &Self) {
        for (what, more) in &other.0 {
            *self.0.entry(*what).or_default() += *more;
        }
    }
}

/// What a world has of it.
pub struct Seldom {
    dice: Dice,
    has: Vec<Rare>,
    /// What is to be linked again.
    apart: Vec<links::Due>,
    /// Tickets that Halo refuses to make, or not, by the reference that they carry.
    refuses: BTreeMap<String, bool>,
    /// What was done, counted.
    pub acts: Acts,
}

impl Seldom {
    /// The one of a world.
    pub fn of(shape: &Shape) -> Self {
        let mut has = has(shape.seed);
        has.retain(|rare| shape.own.is_none() || !rare.by_policy());
        Self {
            dice: Dice::of(shape.seed, "seldom done"),
            has,
            apart: Vec::new(),
            refuses: BTreeMap::new(),
            acts: Acts::default(),
        }
    }

    /// So many values were found to have shown late, and left as they are.
    pub fn left_late(&mut self, values: usize) {
        self.acts.note(LATE, values as u64);
    }

    /// An admin decided something.
    pub fn decided(&mut self, decision: &Decision) {
        match decision {
            Decision::MergedInto { .. } => self.acts.note(NAMED, 1),
            Decision::KeepApart => self.acts.note(KEPT, 1),
            _ => {}
        }
    }

    /// An admin drops a ticket that Halo refuses, or asks for one again that was dropped.
    pub fn dropped(&mut self, drops: bool) {
        self.acts.note(if drops { DROPPED } else { ASKED }, 1);
    }

    /// An admin lets a note be shown to the end user, or refuses it.
    pub fn answered(&mut self, lets: bool) {
        self.acts.note(if lets { LET } else { REFUSED }, 1);
    }

    /// Whether a world has this.
    pub fn has(&self, rare: Rare) -> bool {
        self.has.contains(&rare)
    }
}

impl World {
    /// Now and then somebody does something of it. It is drawn by itself.
    pub(super) fn acts_seldom(&mut self) {
        self.link_what_is_due();
        let seldom = &mut self.people.seldom;
        if seldom.has.is_empty() || !seldom.dice.chance(OFTEN) {
            return;
        }
        match seldom.dice.pick(&seldom.has).copied() {
            Some(Rare::Labels) => self.change_labels(),
            Some(Rare::Title) => self.change_title(),
            Some(Rare::Follows) => self.open_again(),
            Some(Rare::Drift) => self.delete_a_copy(),
            Some(Rare::Links) => self.unlink(),
            Some(Rare::Merges) => self.merge_some(),
            Some(Rare::Backfill) => self.see_to_a_backfill(),
            Some(Rare::Drops) => {
                let pick = seldom.dice.below(1 << 20);
                self.see_to_refused_tickets(pick);
            }
            // Its incidents are raised with what makes it so; notes are written anyway.
            Some(Rare::Requester | Rare::Visible) | None => {}
        }
    }

    /// What came of it, once the world is at rest.
    pub(super) fn count_seldom(&mut self) -> Acts {
        let (requesters, following) = (self.made_for_a_user(), self.made_to_follow());
        let acts = &mut self.people.seldom.acts;
        acts.note(REQUESTERS, requesters);
        acts.note(FOLLOWING, following);
        acts.clone()
    }
}
