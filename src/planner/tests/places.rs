//! Which notes get a comment of their own, which are gathered, and what is written of what finds no room.

use jiff::SignedDuration;

use super::{
    notes::message,
    scene::{Scene, in_step, words},
};
use crate::{
    domain::{
        failure::Side,
        ids::{ActionKey, TicketId},
        incident::Severity,
        operation::OperationKind,
    },
    planner::{Plan, notes::budget::COMMENT_MAX},
};

/// With so many comments there already, and these notes, each of so many letters.
fn noted(there: i64, lengths: &[usize]) -> Scene {
    let mut scene = in_step();
    scene.incident.comments_count = there;
    for (n, length) in (3..).zip(lengths) {
        scene.note(n, &format!("<p>{}</p>", "w".repeat(*length)));
    }
    scene
}

/// Which notes each planned comment carries.
fn carried(plan: &Plan) -> Vec<Vec<i64>> {
    let carries = |kind: &OperationKind| match kind {
        OperationKind::AddComment { carries, .. } => {
            Some(carries.iter().map(|carried| carried.action.action).collect::<Vec<_>>())
        }
        _ => None,
    };
    plan.operations.iter().filter_map(|planned| carries(&planned.kind)).collect()
}

/// Up to eighty each note has its own; what is left then is gathered.
#[test]
fn comments_that_are_there_and_that_wait_use_up_the_places_for_single_notes() {
    let table: [(i64, usize, &[&[i64]]); 4] = [
        (77, 4, &[&[3], &[4], &[5], &[6]]),
        (77, 5, &[&[3], &[4], &[5], &[6, 7]]),
        (78, 4, &[&[3], &[4], &[5, 6]]),
        (80, 2, &[&[3, 4]]),
    ];
    for (there, notes, expected) in table {
        let scene = noted(there, &vec![1; notes]);
        assert_eq!(carried(&scene.plan()), expected, "{there} comments, {notes} notes");
    }
    // A change that waits takes no place, a comment that waits does.
    let mut scene = noted(77, &[]);
    scene.incident.severity = Severity::High;
    let plan = scene.plan();
    scene.queue(&plan);
    (3..7).for_each(|n| scene.note(n, "<p>w</p>").system = false);
    assert_eq!(carried(&scene.plan()), [[3], [4], [5], [6]]);
    let mut scene = noted(77, &[1]);
    let plan = scene.plan();
    scene.queue(&plan);
    (4..8).for_each(|n| scene.note(n, "<p>w</p>").system = false);
    assert_eq!(carried(&scene.plan()), [vec![4], vec![5], vec![6, 7]]);
}

#[test]
fn the_tickets_name_takes_the_last_place_and_none_that_is_kept() {
    let named = |there| {
        let mut scene = noted(there, &[]);
        scene.policy.link_comment = true;
        words(&scene.plan())
    };
    assert_eq!(named(94), "comment of ticket because ticket-made; behind waiting ticket-made");
    assert_eq!(named(95), "in-step healthy comments-full", "nobody's words wait");
}

/// No note is left half said: of a long one all parts find room, or none is written.
#[test]
fn what_finds_no_room_is_left_out_whole() {
    let long = 2 * COMMENT_MAX - 2_000;
    let plan = noted(94, &[long]).plan();
    assert_eq!(words(&plan), "behind needs-you comments-full");
    assert_eq!(carried(&noted(93, &[long]).plan()), [[3], [3]]);
    let plan = noted(94, &[20_000, 20_000]).plan();
    assert_eq!(words(&plan), "comment of 3 because notes-digested; behind needs-you comments-full");
    assert!(message(&plan, 0).starts_with("Note 3 "), "alone it needs no head line");
    assert_eq!(carried(&noted(94, &[20_000, long]).plan()), [[3]]);
    assert_eq!(carried(&noted(93, &[20_000, long]).plan()), [[3]], "the second part of the other has no room");
    assert_eq!(carried(&noted(95, &[1, 1]).plan()), Vec::<Vec<i64>>::new());
}

#[test]
fn a_digest_holds_a_hundred_notes_and_what_fits_with_its_head_line() {
    let mut scene = noted(0, &[1; 101]);
    scene.policy.digest_from = 0;
    let sizes: Vec<usize> = carried(&scene.plan()).iter().map(Vec::len).collect();
    assert_eq!(sizes, [100, 1]);
    // Both with their own head lines, and a line between them.
    let head = message(&noted(0, &[1]).plan(), 0).chars().count() - 1;
    let room = COMMENT_MAX - 2_000 - 2 * head - 10;
    for (more, expected) in [(0, 1), (1, 2)] {
        let mut scene = noted(0, &[14_000, room - 14_000 + more]);
        scene.policy.digest_from = 0;
        assert_eq!(carried(&scene.plan()).len(), expected, "{more} too many");
    }
}

/// When the next place is taken: how long ago our last comment was written, with so many places left.
#[test]
fn the_fewer_places_are_left_the_longer_notes_are_gathered() {
    let written = |there: i64, ago: SignedDuration| {
        let mut scene = noted(there, &[1, 1]);
        scene.policy.digest_from = 0;
        let last = scene.comment(1, "ours");
        scene.incident.comments_count = there;
        let comment = scene.comments.as_mut().and_then(|all| all.last_mut()).expect("just written");
        comment.created = Some(scene.now - ago);
        let key = ActionKey { ticket: TicketId(70), action: 2 };
        scene.link(&last, key, (0, 0), None, Side::Halo);
        // One that is a person's does not count.
        scene.comment(2, "an analyst's");
        scene.incident.comments_count = there;
        let comment = scene.comments.as_mut().and_then(|all| all.last_mut()).expect("just written");
        comment.created = Some(scene.now);
        !carried(&scene.plan()).is_empty()
    };
    let (days, secs) = (SignedDuration::from_hours(24), SignedDuration::from_secs(1));
    let table = [
        (94, days * 32, true),
        (94, days * 32 - secs, false),
        (93, days * 16, true),
        (93, days * 16 - secs, false),
        // A wait of less than two minutes is none.
        (79, secs, true),
        (80, secs * 168, false),
        (80, secs * 169, true),
        (0, secs, true),
    ];
    for (there, ago, expected) in table {
        assert_eq!(written(there, ago), expected, "{there} comments, the last {ago:#} ago");
    }
}

/// What was dropped stays as it was, and takes no part in what is gathered.
#[test]
fn notes_that_were_dropped_are_not_gathered_with_others() {
    for lengths in [&[1_usize, 1][..], &[2 * COMMENT_MAX - 2_000][..]] {
        let mut scene = noted(0, lengths);
        scene.plan_and_drop();
        assert_eq!(words(&scene.plan()), "behind healthy dropped");
        scene.policy.digest_from = 0;
        scene.note(9, "<p>another</p>");
        assert_eq!(carried(&scene.plan()), [[9]], "{lengths:?}");
    }
}
