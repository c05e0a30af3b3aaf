//! Why words need not stand on the other side, or not in their order: each reason names the very words of the very pair.

use jiff::{SignedDuration, Timestamp};

use super::{
    super::{
        scene::Scene,
        watch::{IncidentValues, Said, Version, Where},
    },
    ending::{Ended, Ending},
};
use crate::{
    domain::{
        drift::DriftRule,
        ids::{ActionKey, TicketId},
        operation::{Operation, OperationKind, OperationState},
        policy::AfterClosing,
        reason::Reason,
    },
    planner::{
        notes::budget::{COMMENTS_KEPT, COMMENTS_MAX},
        rebuild::ASKED_AGAIN,
    },
};

/// With so few places left on an incident the next one is taken half a day after the last, or later.
const GATHERED_FROM: usize = 7;

/// An incident that showed so shortly before all is silent may still be asked about when the admin has looked for the last time.
pub(super) const SHOWN_LATE: SignedDuration = SignedDuration::from_hours(4);

/// Whether an incident showed that late.
pub(super) fn shown_late(world: &Scene<'_>, ended: &Ended) -> bool {
    world.watch.shown.get(&ended.key).is_some_and(|shown| *shown > world.silent_from - SHOWN_LATE)
}

/// Whether a late incident's words wait for an approval, and its pair says so.
pub(super) fn asked_late(world: &Scene<'_>, ended: &Ended) -> bool {
    let asks = |reason: &Reason| matches!(reason, Reason::AwaitsApproval { .. });
    let pair = ended.row.as_ref().map(|row| &row.pair);
    shown_late(world, ended) && pair.is_some_and(|pair| pair.reason.iter().chain(&pair.further).any(asks))
}

/// Whether a note showed first, or with other words, while its ticket belonged to another client: it stays, whomever it is
/// about.
pub(super) fn written_elsewhere(ended: &Ended, said: &Said) -> bool {
    let Where::Note(ticket, action) = said.place else { return false };
    let key = ActionKey { ticket: TicketId(ticket), action };
    ended.row.as_ref().is_some_and(|row| row.pair.base.foreign.contains(&key))
}

/// Whether the policy keeps words where they are once a matter is closed, and this one was.
pub(super) fn kept_after_closing(world: &Scene<'_>, ending: &Ending, ended: &Ended) -> bool {
    let keeps =
        ending.policy(ended.key.0, world).is_some_and(|policy| policy.after_closing_comments != AfterClosing::Cross);
    let closed = |versions: &[Version<IncidentValues>]| versions.iter().any(|version| version.value.status == "Closed");
    keeps && world.watch.incidents.get(&ended.key).is_some_and(|versions| closed(versions))
}

/// Whether an incident holds so many comments that notes are gathered, for longer than any quiet time, before one of its
/// last places is taken.
pub(super) fn gathers(ended: &Ended, said: &Said) -> bool {
    matches!(said.place, Where::Note(..)) && has_few_places(ended)
}

/// Whether so few places for comments are left that what takes one waits for half a day or more.
pub(super) fn has_few_places(ended: &Ended) -> bool {
    (COMMENTS_MAX - COMMENTS_KEPT).saturating_sub(ended.comments.len()) <= GATHERED_FROM
}

/// Whether a person has to decide first: the write is a dead letter, and the pair says so.
pub(super) fn waits(ended: &Ended, said: &Said) -> bool {
    let dead = |operation: &Operation| matches!(operation.state, OperationState::Dead { .. });
    ended.operations.iter().any(|operation| carries(operation, said) && dead(operation))
}

/// Whether a person dropped the write of these very words, and nothing has ended that since.
pub(super) fn dropped(world: &Scene<'_>, ended: &Ended, said: &Said) -> bool {
    let by_admin = |operation: &&Operation| world.people.decided.dropped.contains(&operation.id);
    let mut stands = ended.operations.iter().filter(by_admin);
    stands.any(|operation| matches!(operation.state, OperationState::Dropped { .. }) && carries(operation, said))
}

/// Whether an admin refused to have these very words shown to the end user.
pub(super) fn refused(world: &Scene<'_>, ended: &Ended, said: &Said) -> bool {
    let newest = said.versions.last();
    newest.is_some_and(|wording| world.people.decided.refused(&ended.key, &wording.mark))
}

/// Whether an admin let words be shown to the end user later than others that were written after them.
pub(super) fn let_later(world: &Scene<'_>, ended: &Ended, words: &Said, after: &Said) -> bool {
    let marks = words.versions.first().zip(after.versions.first());
    marks.is_some_and(|(words, after)| world.people.decided.let_later(&ended.key, &words.mark, &after.mark))
}

/// The copies of these words on the pair's other side that people deleted.
fn copies_lost<'a>(world: &'a Scene<'_>, ended: &Ended, mark: &str) -> Vec<&'a Where> {
    let of_it = |place: &Where| match place {
        Where::Comment(key, _) => *key == ended.key,
        Where::Note(ticket, _) => ended.left.contains(ticket) || ended.tickets().contains(ticket),
    };
    let lost = world.watch.lost.iter().filter(|lost| lost.mark == mark && of_it(&lost.place));
    lost.map(|lost| &lost.place).collect()
}

/// Whether a person deleted the copy of these very words, and it is not written again: the policy does not say so, or a person
/// deleted it once more, or nobody reads it any more or knows of it.
pub(super) fn copy_lost(world: &Scene<'_>, ending: &Ending, ended: &Ended, said: &Said) -> bool {
    let lost = said.versions.last().map(|wording| copies_lost(world, ended, &wording.mark)).unwrap_or_default();
    let heals = ending.policy(ended.key.0, world).is_some_and(|policy| policy.drift.lost_comment == DriftRule::Heal);
    let open = ended.incident.as_ref().is_some_and(|incident| incident.status != "Closed")
        && ended.values.as_ref().is_some_and(|values| !values.closed);
    // A ticket that its matter has left is kept in step with nothing.
    let left = |place: &Where| matches!(place, Where::Note(ticket, _) if Some(*ticket) != ended.ticket);
    let elsewhere = left(&said.place) || lost.iter().copied().any(left);
    let forgotten = !world.strikes.restored.is_empty() || world.people.rebuilt.contains_key(&ended.key);
    let comes_back = heals && lost.len() == 1 && open && !elsewhere && !forgotten;
    !lost.is_empty() && !comes_back
}

/// Whether the copy of words was written again, behind others that were written later.
pub(super) fn copied_again(world: &Scene<'_>, ended: &Ended, words: &Said) -> bool {
    words.versions.iter().any(|wording| !copies_lost(world, ended, &wording.mark).is_empty())
}

/// When an admin linked the two records of the pair by hand that had been a pair before.
fn linked(world: &Scene<'_>, ended: &Ended) -> Option<Timestamp> {
    let pair = &ended.row.as_ref()?.pair;
    world.people.decided.apart.contains_key(&ended.key).then_some(pair.created)
}

/// Whether the two records of the pair were linked again when the words had been edited already: they count as they stand.
pub(super) fn edited_before(world: &Scene<'_>, ended: &Ended, said: &Said) -> bool {
    let edited = said.versions.last().filter(|_| said.versions.len() > 1);
    edited.zip(linked(world, ended)).is_some_and(|(wording, linked)| wording.at <= linked)
}

/// Whether words that had not crossed by then did when the two records of the pair were linked again, behind later ones that had.
pub(super) fn linked_between(world: &Scene<'_>, ended: &Ended, words: &Said, after: &Said) -> bool {
    let Some(linked) = linked(world, ended) else { return false };
    let crossed = |said: &Said| {
        let mark = said.versions.first()?.mark.as_str();
        let mut writes = world.watch.writes.iter().filter(|write| write.status < 300);
        writes.find(|write| write.body.to_string().contains(mark)).map(|write| write.at)
    };
    crossed(words).zip(crossed(after)).is_some_and(|(first, second)| second < linked && linked <= first)
}

/// Whether an operation carries what was written there.
fn carries(operation: &Operation, said: &Said) -> bool {
    match (&operation.kind, &said.place) {
        (OperationKind::AddNote { comment: Some(id), .. }, Where::Comment(_, name)) => id.as_str() == name,
        (OperationKind::AddComment { carries, .. }, Where::Note(ticket, number)) => {
            carries.iter().any(|one| (one.action.ticket.0, one.action.action) == (*ticket, *number))
        }
        _ => false,
    }
}

/// Whether a write of these words was given up (their ticket was another client's, say), and planned anew only when the pair
/// was rebuilt, by which time the later words had crossed, or stood in the queue.
pub(super) fn made_up_for(world: &Scene<'_>, ended: &Ended, words: &Said, later: &Said) -> bool {
    let Some(mark) = later.versions.first().map(|wording| wording.mark.as_str()) else { return false };
    let mut writes = world.watch.writes.iter().filter(|write| write.status < 300);
    let Some(crossed) = writes.find(|write| write.body.to_string().contains(mark)) else { return false };
    let queued = |at: Timestamp| ended.operations.iter().any(|other| carries(other, later) && other.planned <= at);
    ended.operations.iter().filter(|operation| carries(operation, words)).any(|operation| match &operation.state {
        OperationState::Void { at, why } => why == ASKED_AGAIN && (crossed.at <= *at || queued(*at)),
        _ => false,
    })
}

/// Whether somebody had a write of these words tried again when the later words had been written already: they may have
/// crossed by then, or stand before it in the queue. What had been dropped, and is wanted again, comes after whatever
/// crossed meanwhile.
pub(super) fn tried_again(world: &Scene<'_>, ended: &Ended, words: &Said, later: &Said) -> bool {
    let Some(written) = later.versions.first().map(|wording| wording.order) else { return false };
    let (retried, dropped) = (&world.people.decided.retried, &world.people.decided.dropped);
    let again = |operation: &Operation| retried.get(&operation.id).is_some_and(|retried| written < retried.order);
    let mut writes = ended.operations.iter().filter(|operation| carries(operation, words));
    writes.any(|operation| again(operation) || dropped.contains(&operation.id))
}

/// Whether words had been on their way to a ticket that is gone when another one took its place: they go to that one, behind
/// what is copied there.
pub(super) fn left_over(ended: &Ended, words: &Said) -> bool {
    let Some(base) = ended.row.as_ref().map(|row| &row.pair.base) else { return false };
    let before = |operation: &Operation| base.ticketed.is_some_and(|made| operation.planned < made);
    !base.replaced.is_empty() && ended.operations.iter().any(|operation| carries(operation, words) && before(operation))
}
