//! Comments and notes where they reach a limit: the split and the budget.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::{
    notes::message,
    scene::{CLOSED, Scene, in_step, words},
};
use crate::{
    domain::{
        closing::Classification,
        failure::Side,
        ids::{ActionKey, CommentId, TicketId},
        incident::IncidentStatus,
        operation::OperationKind,
        reason::Reason,
        workspace::Mode,
    },
    planner::{Plan, choice, notes},
};

#[test]
fn a_long_note_is_split_where_it_reads_well() {
    let mut scene = in_step();
    let paragraph = format!("<p>{}</p>", "word ".repeat(1_000));
    scene.note(3, &paragraph.repeat(14));
    let plan = scene.plan();
    assert_eq!(
        words(&plan),
        "comment of 3 because note-added; comment of 3 part 1 because note-added; comment of 3 part 2 because note-added; behind waiting note-added"
    );
    for n in 0..3 {
        let part = message(&plan, n);
        assert!(part.chars().count() <= 30_000 && part.ends_with(&format!("({}/3)", n + 1)));
    }
}

/// The later parts of a note were taken back before they were written, or a process ended between two of them.
#[test]
fn the_rest_of_a_note_that_was_told_in_part_follows() {
    let mut scene = in_step();
    let paragraph = format!("<p>{}</p>", "word ".repeat(1_000));
    scene.note(3, &paragraph.repeat(14));
    let plan = scene.plan();
    let whole: Vec<String> = (0..3).map(|n| message(&plan, n)).collect();
    let mut first = plan.clone();
    first.operations.truncate(1);
    written(&mut scene, &first);
    let rest =
        "comment of 3 part 1 because note-added; comment of 3 part 2 because note-added; behind waiting note-added";
    let plan = scene.plan();
    assert_eq!(words(&plan), rest);
    assert_eq!([message(&plan, 0), message(&plan, 1)], whole[1..]);
    // They wait, are taken back when the mode does not carry them any more, and come again when it does.
    scene.queue(&plan);
    assert_eq!(words(&scene.plan()), "behind waiting note-added");
    scene.workspace.mode = Mode::SentinelToHalo;
    let back = scene.plan();
    assert_eq!(back.void.len(), 2);
    scene.queue(&back);
    scene.workspace.mode = Mode::TwoWay;
    assert_eq!(words(&scene.plan()), rest);
    // Nothing is known of the first one but that it stands there.
    let mut restored = scene.clone();
    restored.links.clear();
    assert_eq!(words(&restored.plan()), rest);
    // One that a person dropped stays dropped, and the other is told.
    let mut dropped = scene.clone();
    dropped.plan_and_drop();
    dropped.operations.pop();
    assert_eq!(words(&dropped.plan()), "comment of 3 part 2 because note-added; behind waiting note-added");
    // One that a person deleted was told.
    written(&mut scene, &plan);
    scene.comments.as_mut().unwrap().pop();
    scene.incident.comments_count -= 1;
    assert_eq!(words(&scene.plan()), "in-step healthy -");
}

#[test]
fn near_the_end_notes_are_gathered_and_places_are_kept_for_closing() {
    let three = |s: &mut Scene| {
        for n in 3..6 {
            s.note(n, &format!("<p>note number {n}</p>"));
        }
    };
    let table: [(i64, &str); 6] = [
        (
            0,
            "comment of 3 because note-added; comment of 4 because note-added; comment of 5 because note-added; behind waiting note-added",
        ),
        (
            77,
            "comment of 3 because note-added; comment of 4 because note-added; comment of 5 because note-added; behind waiting note-added",
        ),
        (
            78,
            "comment of 3 because note-added; comment of 4 because note-added; comment of 5 because note-added; behind waiting note-added",
        ),
        (80, "comment of 3+4+5 because notes-digested; behind waiting notes-digested"),
        (94, "comment of 3+4+5 because notes-digested; behind waiting notes-digested"),
        (95, "behind needs-you comments-full"),
    ];
    for (there, expected) in table {
        let mut scene = in_step();
        scene.incident.comments_count = there;
        three(&mut scene);
        assert_eq!(words(&scene.plan()), expected, "{there} comments");
    }
    let mut scene = in_step();
    scene.incident.comments_count = 95;
    three(&mut scene);
    scene.close_ticket(Some(2));
    let plan = scene.plan();
    assert!(
        words(&plan).starts_with("comment of 3+4+5 because notes-digested; incident status=Closed"),
        "{}",
        words(&plan)
    );
    let digest = message(&plan, 0);
    assert!(digest.starts_with("Digest of notes 3, 4, 5 on Halo ticket 70."), "{digest}");
    let places: Vec<_> = (3..6).map(|n| digest.find(&format!("note number {n}")).expect("every note")).collect();
    assert!(places.is_sorted(), "in order");
    // The ledger lost: the digest's id and first line tell what it carries.
    let OperationKind::AddComment { comment, message, .. } = plan.operations[0].kind.clone() else {
        panic!("a digest")
    };
    let mut scene = in_step();
    scene.incident.comments_count = 95;
    three(&mut scene);
    scene.comment(1, &message);
    scene.comments.as_mut().unwrap()[0].id = comment;
    let found = scene.plan();
    assert_eq!((words(&found), found.links.len()), ("in-step healthy -".to_owned(), 3));
}

/// The incident was listed before our last comments were written, and nothing was read since.
#[test]
fn comments_of_ours_take_their_places_before_the_incident_is_listed_again() {
    let mut scene = in_step();
    for n in 0..60 {
        let comment = scene.comment(n, "an analyst's");
        let note = ActionKey { ticket: TicketId(70), action: 1_000 + i64::try_from(n).unwrap() };
        scene.link(&comment, note, (0, 0), None, Side::Sentinel);
    }
    let mut ours = Vec::new();
    for n in 100..125 {
        let note = scene.note(n, "<p>told</p>").clone();
        let comment = CommentId::derived("msp", note.key, 0, 0);
        scene.link(&comment, note.key, (0, 0), Some(notes::words::of_action(&note)), Side::Halo);
        ours.push(comment);
    }
    for n in 126..129 {
        scene.note(n, "<p>new</p>");
    }
    let gathered = "comment of 126+127+128 because notes-digested; behind waiting notes-digested";
    assert_eq!(words(&scene.plan()), gathered);
    // Those that people deleted take none.
    scene.pair.base.deleted = ours.into_iter().collect();
    assert_eq!(scene.plan().operations.len(), 3, "{}", words(&scene.plan()));
}

/// A person presses the one button that is offered.
fn leave(scene: &mut Scene) {
    let asked = scene.with(choice::choices);
    let [choice::Choice { reason: Reason::CommentsFull, answers }] = asked.as_slice() else {
        panic!("one question: {asked:?}")
    };
    let [(_, decision)] = answers.as_slice() else { panic!("one answer: {answers:?}") };
    scene.pair.decisions.push(decision.clone());
}

#[test]
fn what_finds_no_room_asks_nobody_once_a_person_leaves_it() {
    let open = |_: &mut Scene| {};
    let closed = |scene: &mut Scene| {
        scene.close_incident(Classification::FalsePositive, Some("InaccurateData"));
        scene.close_ticket(Some(2));
        let base = &mut scene.pair.base;
        (base.incident_status, base.status_id, base.ticket_closed) = (Some(IncidentStatus::Closed), Some(CLOSED), true);
    };
    type Change = fn(&mut Scene);
    let table: [(&str, i64, Change); 2] = [("open", 95, open), ("closed", 100, closed)];
    for (name, there, change) in table {
        let mut scene = in_step();
        scene.incident.comments_count = there;
        change(&mut scene);
        scene.note(3, "<p>one</p>");
        scene.note(4, "<p>two</p>");
        assert_eq!(words(&scene.plan()), "behind needs-you comments-full", "{name}");
        leave(&mut scene);
        assert_eq!(words(&scene.plan()), "behind healthy comments-full", "{name}: it is said and asks nobody");
        assert!(scene.with(choice::choices).is_empty(), "{name}");
        // What comes later, or is edited, the person has not seen.
        let mut later = scene.clone();
        later.note(5, "<p>three</p>");
        assert_eq!(words(&later.plan()), "behind needs-you comments-full", "{name}");
        leave(&mut later);
        assert_eq!(words(&later.plan()), "behind healthy comments-full", "{name}");
        let mut edited = scene.clone();
        edited.actions.as_mut().expect("noted")[0].note_html = Some("<p>another</p>".into());
        assert_eq!(words(&edited.plan()), "behind needs-you comments-full", "{name}");
        // Somebody deletes a comment: there is room.
        scene.incident.comments_count -= 1;
        assert!(words(&scene.plan()).starts_with("comment of 3+4 because notes-digested"), "{}", words(&scene.plan()));
    }
}

#[test]
fn closing_words_without_room_end_once_a_person_leaves_them() {
    // Both were closed by people, and nobody has told either.
    let mut scene = in_step();
    scene.incident.comments_count = 100;
    scene.close_incident(Classification::FalsePositive, Some("InaccurateData"));
    scene.close_ticket(Some(2));
    let plan = scene.plan();
    assert_eq!(plan.items(), [Reason::CommentsFull], "{}", words(&plan));
    assert!(!plan.base.is_some_and(|base| base.ticket_closed), "not taken for told");
    leave(&mut scene);
    let plan = scene.plan();
    assert!(plan.items().is_empty(), "{}", words(&plan));
    let base = plan.base.expect("agreed");
    assert!(base.ticket_closed && base.incident_status == Some(IncidentStatus::Closed), "it is over");
    scene.pair.base = base;
    assert!(scene.plan().items().is_empty());
}

/// Notes that come one in `every`, each planned as it comes and written at once: how many comments there are at the end,
/// and how many notes crossed.
fn dripped(scene: &mut Scene, notes: i64, every: SignedDuration) -> (i64, usize) {
    let mut crossed = 0;
    for n in 3..3 + notes {
        scene.now += every;
        scene.note(n, &format!("<p>note number {n}</p>"));
        let plan = scene.plan();
        crossed += written(scene, &plan);
    }
    (scene.incident.comments_count, crossed)
}

/// The engine writes what is planned; how many notes it carries.
pub fn written(scene: &mut Scene, plan: &Plan) -> usize {
    let mut crossed = 0;
    for planned in &plan.operations {
        let OperationKind::AddComment { comment, carries, message } = &planned.kind else { continue };
        let n = u128::try_from(scene.incident.comments_count).unwrap() + 5_000;
        scene.comment(n, message);
        let now = scene.now;
        let last = scene.comments.as_mut().unwrap().last_mut().unwrap();
        (last.id, last.created) = (comment.clone(), Some(now));
        crossed += carries.len();
        for carried in carries {
            let at = (carried.edit, carried.part);
            scene.link(comment, carried.action, at, Some(carried.said.clone()), Side::Halo);
        }
    }
    crossed
}

#[test]
fn notes_that_come_one_by_one_do_not_use_up_the_room() {
    for (every, notes, most) in [
        (SignedDuration::from_secs(20), 300, 88),
        (SignedDuration::from_mins(10), 300, 92),
        (SignedDuration::from_hours(6), 200, 94),
    ] {
        let mut scene = in_step();
        scene.incident.comments_count = 80;
        let (there, crossed) = dripped(&mut scene, notes, every);
        assert!(there <= most, "one in {every:#}: {there} comments");
        let plan = scene.plan();
        assert!(!plan.items().contains(&Reason::CommentsFull), "one in {every:#}: there is room left");
        let waiting = usize::try_from(notes).unwrap() - crossed;
        assert!(waiting > 0);
        assert!(words(&plan).starts_with("behind waiting notes-gathered"), "{}", words(&plan));
        // In time what was gathered crosses together.
        let mut later = scene.clone();
        later.now += SignedDuration::from_hours(33 * 24);
        let plan = later.plan();
        assert!(plan.operations.len() <= 2, "a hundred notes a comment");
        assert_eq!(written(&mut later, &plan), waiting);
        // So it does at closing, in the places that were kept for it.
        scene.close_ticket(Some(2));
        let plan = scene.plan();
        assert_eq!(written(&mut scene, &plan), waiting);
        assert!(scene.incident.comments_count <= 100 && words(&plan).contains("incident status=Closed"));
    }
    // The first ones are not kept waiting, and at ease neither is a later one.
    let mut scene = in_step();
    scene.incident.comments_count = 80;
    assert_eq!(dripped(&mut scene, 4, SignedDuration::from_hours(48)), (84, 4));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    /// However many notes come, of whatever length: none is lost, none crosses twice, and the limits hold.
    #[test]
    fn no_run_of_notes_loses_words_or_passes_the_limits(
        lengths in proptest::collection::vec(prop_oneof![20 => 1_usize..50, 1 => 29_000_usize..31_000], 1..140), steps in 4_usize..24
    ) {
        let mut scene = in_step();
        let mut written = 0_usize;
        let total = lengths.len();
        let mut crossed: Vec<i64> = Vec::new();
        for (n, length) in (3_i64..).zip(lengths) {
            scene.note(n, &format!("<p>{}</p>", "w".repeat(length)));
            let last = n == 2 + i64::try_from(total).unwrap();
            if n % i64::try_from(steps).unwrap() != 0 && !last {
                continue;
            }
            if last {
                scene.close_ticket(Some(2));
            }
            let plan = scene.plan();
            for planned in &plan.operations {
                let OperationKind::AddComment { comment, carries, message } = &planned.kind else { continue };
                prop_assert!(message.chars().count() <= notes::budget::COMMENT_MAX);
                written += 1;
                for carried in carries {
                    if carried.part == 0 {
                        crossed.push(carried.action.action);
                    }
                    let at = (carried.edit, carried.part);
                    scene.link(comment, carried.action, at, Some(carried.said.clone()), Side::Halo);
                }
            }
            scene.incident.comments_count = i64::try_from(written).unwrap();
            let full = plan.items().iter().any(|reason| reason.code() == "comments-full");
            prop_assert!(written <= notes::budget::COMMENTS_MAX);
            if last && !full {
                prop_assert_eq!(crossed.len(), total, "every note crossed");
            }
        }
        let mut once = crossed.clone();
        once.sort_unstable();
        once.dedup();
        prop_assert_eq!(once.len(), crossed.len(), "none twice");
        prop_assert!(crossed.is_sorted(), "in order");
    }
}
