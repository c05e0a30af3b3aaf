//! Three-way comparison of one field: the incident now, the ticket now, what both last agreed on.
//!
//! [`decide`] says what becomes of a field; what a value means on the other side is the field's own affair
//! ([`super::fields`]). Which of two changes is the newer one is told by windows: a side is known to have said
//! something else at `after` and to have said this at `at`. Only where the windows do not overlap, clocks allowed
//! for, is one of them newer.

use jiff::{SignedDuration, Timestamp};

use crate::domain::{
    decision::Decision,
    failure::Side,
    pair::{Base, Move, Moves},
    policy::{FieldRule, Wins},
    reason::Reason,
    workspace::Mode,
};

use super::situation::Situation;

/// Two services' clocks, and Halo's whole seconds, may differ by this much.
pub const SLACK: SignedDuration = SignedDuration::from_secs(10);

/// Which side moved since both last agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moved {
    /// The incident.
    pub sentinel: bool,
    /// The ticket.
    pub halo: bool,
}

/// One field as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its stable name: `severity`, `status`, `owner`, `title`, or a mapped field's.
    pub name: &'a str,
    /// How it crosses.
    pub rule: FieldRule,
    /// Who wins where "newest" cannot be told.
    pub fixed: Side,
    /// Whether both sides say the same, in the coarser side's terms.
    pub same: bool,
    /// Which side moved.
    pub moved: Moved,
    /// The incident's value, for people.
    pub sentinel: String,
    /// The ticket's value, for people.
    pub halo: String,
}

/// What becomes of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Both say the same: that is what they agree on now.
    Same,
    /// They differ as they were left: nothing to do.
    Still,
    /// This side's value goes to the other side.
    Carry(Side),
    /// The policy lets each side keep its own.
    Leave,
    /// The workspace's mode carries nothing to Sentinel.
    OneWay,
    /// A person must choose.
    Ask(Reason),
}

/// Whether the workspace's mode carries changes back to Sentinel. Observe plans both ways.
pub fn carries_back(mode: Mode) -> bool {
    matches!(mode, Mode::TwoWay | Mode::Observe)
}

/// Decides a field, and keeps in `base` when each side moved.
pub fn decide(s: &Situation<'_>, base: &mut Base, field: &Field<'_>) -> Outcome {
    // Two records that people joined have agreed on nothing yet: what differs differs on both.
    let joined = base.joined.remove(field.name);
    let both = Field { moved: Moved { sentinel: true, halo: true }, ..field.clone() };
    let field = if joined { &both } else { field };
    let moves = observed(s, base, field);
    if field.same {
        return Outcome::Same;
    }
    let from = match (field.moved.sentinel, field.moved.halo) {
        (false, false) => return Outcome::Still,
        (true, false) => Side::Sentinel,
        (false, true) => Side::Halo,
        (true, true) if !field.rule.to_halo() && !field.rule.to_sentinel() => return Outcome::Leave,
        (true, true) => match winner(s, field, &moves, joined) {
            Some(side) => side,
            None => {
                if joined {
                    base.joined.insert(field.name.to_owned());
                }
                let (sentinel, halo) = (field.sentinel.clone(), field.halo.clone());
                return Outcome::Ask(Reason::Conflict { field: field.name.to_owned(), sentinel, halo });
            }
        },
    };
    let outcome = match from {
        Side::Sentinel if field.rule.to_halo() => Outcome::Carry(from),
        Side::Halo if !field.rule.to_sentinel() => Outcome::Leave,
        Side::Halo if carries_back(s.workspace.mode) => Outcome::Carry(from),
        Side::Halo => Outcome::OneWay,
        Side::Sentinel => Outcome::Leave,
    };
    if joined && matches!(outcome, Outcome::Carry(_) | Outcome::OneWay) {
        // Until it has arrived nothing is agreed on: a plan whose writes come to nothing must not forget it.
        base.joined.insert(field.name.to_owned());
    }
    outcome
}

/// Whose value is taken where both moved. `None`: a person's choice.
fn winner(s: &Situation<'_>, field: &Field<'_>, moves: &Moves, joined: bool) -> Option<Side> {
    let chosen = s.pair.decisions.iter().rev().find_map(|decision| match decision {
        // A choice holds for the values that the person saw.
        Decision::Take { field: name, side, sentinel, halo } => {
            (name == field.name && *sentinel == field.sentinel && *halo == field.halo).then_some(*side)
        }
        _ => None,
    });
    chosen.or(match field.rule.wins {
        Wins::Sentinel => Some(Side::Sentinel),
        Wins::Halo => Some(Side::Halo),
        Wins::Newest if joined => None,
        Wins::Newest => newest(moves).or_else(|| (!forgotten(s, moves)).then_some(field.fixed)),
        Wins::Ask => None,
    })
}

/// Whether both may have moved in a time that a restored database has forgotten: one of the two may be what had crossed from
/// the other by then, and was changed since.
pub fn forgotten(s: &Situation<'_>, moves: &Moves) -> bool {
    [Side::Sentinel, Side::Halo].into_iter().all(|side| moves.of(side).is_some_and(|moved| in_forgotten_time(s, moved)))
}

/// Whether a side may have moved so before a restored database was confirmed.
pub fn in_forgotten_time(s: &Situation<'_>, moved: &Move) -> bool {
    let before = |at: Timestamp, until: Timestamp| at.duration_since(until) < SignedDuration::from_hours(1);
    s.forgotten.is_some_and(|until| {
        // A version of long after that shows no change of before, however long ago the record was read before it.
        moved.after.unwrap_or(s.pair.created) < until && moved.at.is_none_or(|at| before(at, until))
    })
}

/// The side that certainly moved last; `None` where the windows overlap.
pub fn newest(moves: &Moves) -> Option<Side> {
    let (sentinel, halo) = (moves.sentinel.as_ref()?, moves.halo.as_ref()?);
    let before =
        |one: &Move, other: &Move| matches!((one.at, other.after), (Some(at), Some(after)) if at + SLACK < after);
    match (before(sentinel, halo), before(halo, sentinel)) {
        (true, false) => Some(Side::Halo),
        (false, true) => Some(Side::Sentinel),
        _ => None,
    }
}

/// In which span a side has moved to what it says `now`: as it was first noted, else as this reading tells.
pub fn span(s: &Situation<'_>, side: Side, now: &str, known: Option<&Move>) -> Move {
    if let Some(known) = known.filter(|known| known.value == now) {
        return known.clone();
    }
    let at = s.version(side);
    // A record that shows late was read without the change after it was made.
    let after = s.seen.of(side).map(|seen| at.map_or(seen, |at| seen.min(at)));
    Move { value: now.to_owned(), after, at }
}

/// Notes when each side moved, and forgets it where it moved back.
fn observed(s: &Situation<'_>, base: &mut Base, field: &Field<'_>) -> Moves {
    let before = base.moves.remove(field.name).unwrap_or_default();
    let one = |moved: bool, side: Side, now: &str, known: Option<Move>| {
        (moved && !field.same).then(|| span(s, side, now, known.as_ref()))
    };
    let moves = Moves {
        sentinel: one(field.moved.sentinel, Side::Sentinel, &field.sentinel, before.sentinel),
        halo: one(field.moved.halo, Side::Halo, &field.halo, before.halo),
    };
    if moves != Moves::default() {
        base.moves.insert(field.name.to_owned(), moves.clone());
    }
    moves
}
