//! A pair that a person rebuilds from both sides: what is forgotten, what is recognised, what stays.

use super::{
    closing::shut,
    scene::{Scene, in_step, words},
};
use crate::{
    domain::{
        closing::Classification,
        failure::Side,
        ids::{ActionKey, OperationId, TicketId},
        incident::Severity,
        operation::{OperationKind, OperationState},
        pair::{ClosingWords, OwnClosing},
        policy::{AfterClosing, Wins},
        reason::Reason,
        workspace::Mode,
    },
    planner::{
        closing::both_closed,
        notes::{note_reference, words as said},
        plan,
        rebuild::{Begun, base, begun, refused},
    },
};

fn anew(scene: &Scene) -> (Begun, String) {
    scene.with(|s| {
        let begun = begun(s);
        let planned = words(&plan(&begun.situation(s)));
        (begun, planned)
    })
}

#[test]
fn values_that_differ_go_by_the_policy_as_with_two_records_just_linked() {
    let mut scene = in_step();
    assert_eq!(anew(&scene).1, "in-step healthy -");
    // Both sides moved; what was agreed says which, and is forgotten.
    scene.incident.severity = Severity::High;
    scene.ticket().priority_id = Some(4);
    scene.policy.severity.wins = Wins::Newest;
    assert_eq!(anew(&scene).1, "behind needs-you conflict");
    scene.policy.severity.wins = Wins::Sentinel;
    assert_eq!(anew(&scene).1, "ticket priority=2 because changed-in-sentinel; behind waiting changed-in-sentinel");
}

#[test]
fn what_is_known_to_stand_on_both_sides_is_not_written_again() {
    let mut scene = in_step();
    let comment = scene.comment(1, "seen on the host");
    let reference = scene.with(|s| note_reference(s, &comment, 0));
    let note =
        format!("<p><b>Comment in Microsoft Sentinel by Li Chen</b></p><p>seen on the host</p><p>{reference}</p>");
    scene.note(3, &note).agent_id = Some(99);
    // Linked or forgotten, the note is known by its reference.
    assert_eq!(anew(&scene).1, "in-step healthy -");
    let key = ActionKey { ticket: TicketId(70), action: 3 };
    scene.link(&comment, key, (0, 0), None, Side::Sentinel);
    let (begun, planned) = anew(&scene);
    assert_eq!(planned, "in-step healthy -");
    // A link without its words (a restored backup) learns them where both sides prove them.
    assert_eq!(begun.learnt.len(), 1, "{:?}", begun.learnt);
    assert_eq!(begun.learnt[0].said, Some(said::of_comment(&scene.comments.as_ref().unwrap()[0])));
    assert_eq!(begun.links.len(), 1);
}

#[test]
fn the_same_words_on_both_sides_are_one_conversation() {
    let mut scene = in_step();
    scene.comment(1, "asked the user, who knows nothing of it");
    scene.note(3, "<p>asked the user, who knows nothing of it</p>");
    scene.note(4, "<p>other words that nobody has written elsewhere</p>");
    let (begun, planned) = anew(&scene);
    assert_eq!(begun.learnt.len(), 1, "{:?}", begun.learnt);
    assert_eq!(planned, "comment of 4 because note-added; behind waiting note-added");
}

#[test]
fn an_edit_that_was_not_told_yet_is_told_once() {
    let mut scene = in_step();
    let comment = scene.comment(1, "first words");
    let reference = scene.with(|s| note_reference(s, &comment, 0));
    scene.note(3, &format!("<p>first words</p><p>{reference}</p>")).agent_id = Some(99);
    let before = said::of_comment(&scene.comments.as_ref().unwrap()[0]);
    let key = ActionKey { ticket: TicketId(70), action: 3 };
    scene.link(&comment, key, (0, 0), Some(before), Side::Sentinel);
    let edited = &mut scene.comments.as_mut().unwrap()[0];
    edited.message = "second words".into();
    edited.modified = Some(scene.now);
    let (begun, planned) = anew(&scene);
    assert!(begun.learnt.is_empty(), "{:?}", begun.learnt);
    assert_eq!(planned, "note of edit 1 because comment-edited; behind waiting comment-edited");
}

/// A comment was given up, and another one is queued since: both cross in the order in which they were written.
#[test]
fn what_was_given_up_goes_before_what_is_queued_since() {
    let mut scene = in_step();
    let first = scene.comment(1, "first words");
    let planned = scene.plan();
    scene.queue(&planned);
    scene.give_up();
    scene.comment(2, "second words");
    let planned = scene.plan();
    scene.queue(&planned);
    let (begun, _) = anew(&scene);
    assert_eq!((begun.void.len(), begun.operations.len()), (2, 0));
    let planned = scene.with(|s| plan(&begun.situation(s)));
    let carried: Vec<bool> = planned
        .operations
        .iter()
        .map(|p| matches!(&p.kind, OperationKind::AddNote { comment: Some(comment), .. } if *comment == first))
        .collect();
    assert_eq!(carried, [true, false]);
    // Where nothing was given up, what is queued keeps its place.
    scene.operations.remove(0);
    assert!(anew(&scene).0.void.is_empty());
}

#[test]
fn what_no_reading_tells_again_is_kept_and_the_rest_forgotten() {
    let mut scene = in_step();
    let before = &mut scene.pair.base;
    before.alerts = Some(["a".to_owned()].into());
    before.left = [TicketId(69)].into();
    before.unsaid = Some(ClosingWords { words: "done".into(), at: None });
    before.unsaid_back = Some("done".into());
    before.own_closing =
        Some(OwnClosing { note: "done".into(), fields: std::collections::BTreeMap::new(), at: None, emptied: false });
    before.held_open = Some(scene.now);
    before.ticketed = Some(scene.now);
    before.unarrived = [OperationId(uuid::Uuid::from_u128(1001))].into();
    before.frozen = Some(scene.now);
    before.flips = vec![scene.now];
    let after = base(&scene.pair.base);
    assert_eq!((after.frozen, after.flips.len(), after.severity.is_none()), (None, 0, true));
    assert!(after.joined.contains("severity") && after.joined.contains("status"), "{:?}", after.joined);
    let before = &scene.pair.base;
    assert_eq!((&after.alerts, &after.left), (&before.alerts, &before.left));
    assert_eq!((&after.unsaid, &after.own_closing), (&before.unsaid, &before.own_closing));
    assert_eq!(after.unsaid_back, before.unsaid_back);
    assert_eq!(after.held_open, before.held_open);
    assert_eq!(after.ticketed, before.ticketed);
    assert_eq!(after.unarrived, before.unarrived);
}

/// Closed on both sides, as agreed: however often it is rebuilt, neither closing is told as a person's.
#[test]
fn a_closure_of_both_sides_is_not_told_again() {
    type Case = (&'static str, fn(&mut Scene));
    let cases: [Case; 3] = [
        ("closed in Sentinel", |scene| {
            shut(scene);
            let note = "Closed in Microsoft Sentinel as False positive (InaccurateData).".to_owned();
            let fields = [("112".to_owned(), "2".to_owned())].into();
            scene.ticket().closure_note = Some(note.clone());
            scene.pair.base.own_closing = Some(OwnClosing { note, fields, at: None, emptied: false });
        }),
        ("closed in Halo", |scene| {
            shut(scene);
            scene.incident.classification_comment = Some("Closed in Halo (ticket 70).".into());
        }),
        ("closed by both", |scene| {
            scene.close_ticket(Some(2));
            scene.close_incident(Classification::FalsePositive, Some("InaccurateData"));
            let found = scene.plan();
            assert_eq!(found.operations.len(), 2, "{}", words(&found));
            scene.queue(&found);
            // What each side said has arrived.
            scene.operations.clear();
        }),
    ];
    for (name, close) in cases {
        let mut scene = in_step();
        close(&mut scene);
        let found = scene.plan();
        assert_eq!(words(&found), "in-step healthy -", "{name}");
        scene.queue(&found);
        let before = scene.pair.base.clone();
        assert!(both_closed(&before) && before.verdict.is_some(), "{name}: {before:?}");
        for _ in 0..2 {
            let found = scene.with(|s| {
                let begun = begun(s);
                plan(&begun.situation(s))
            });
            assert_eq!(words(&found), "in-step healthy -", "{name}");
            scene.queue(&found);
        }
        let after = &scene.pair.base;
        assert!(both_closed(after), "{name}: {after:?}");
        assert_eq!((&after.own_closing, &after.verdict), (&before.own_closing, &before.verdict), "{name}");
    }
}

/// What differed already when it was closed is no change after closing: the pair says that it differs, and no note tells
/// of it.
#[test]
fn what_differs_on_a_closed_matter_is_not_told_as_changed_after_closing() {
    for wins in [Wins::Sentinel, Wins::Newest] {
        let mut scene = in_step();
        scene.policy.after_closing_fields = AfterClosing::NoteOnly;
        scene.policy.severity.wins = wins;
        shut(&mut scene);
        scene.incident.severity = Severity::High;
        scene.pair.base.severity = Some(Severity::High);
        assert_eq!(words(&scene.plan()), "in-step healthy -", "{wins:?}");
        assert_eq!(anew(&scene).1, "in-step healthy after-closing", "{wins:?}");
    }
}

/// What was agreed of the classifications is kept with the closure: a correction that waits for the mode waits on.
#[test]
fn a_classification_that_waits_after_closing_waits_on() {
    let mut scene = in_step();
    scene.policy.after_closing_fields = AfterClosing::Cross;
    shut(&mut scene);
    let found = scene.plan();
    scene.queue(&found);
    scene.workspace.mode = Mode::SentinelToHalo;
    scene.field(112, "1");
    let found = scene.plan();
    assert_eq!(words(&found), "behind healthy mode-one-way");
    scene.queue(&found);
    assert_eq!(anew(&scene).1, "behind healthy mode-one-way");
}

#[test]
fn a_write_that_was_given_up_is_planned_anew_unless_it_may_have_arrived() {
    let mut scene = in_step();
    scene.policy.severity.wins = Wins::Sentinel;
    scene.incident.severity = Severity::High;
    let planned = scene.plan();
    scene.queue(&planned);
    scene.give_up();
    let (begun, planned) = anew(&scene);
    assert_eq!((begun.void.len(), begun.operations.len()), (1, 0));
    assert!(planned.starts_with("ticket priority=2"), "{planned}");
    if let OperationState::Dead { reason, .. } = &mut scene.operations[0].state {
        *reason = Reason::OutcomeUnknown;
    }
    let (begun, _) = anew(&scene);
    assert_eq!((begun.void.len(), begun.operations.len()), (0, 1));
}

#[test]
fn a_pair_without_two_sides_of_its_own_is_not_rebuilt() {
    let mut scene = in_step();
    assert_eq!(refused(&scene.pair, false), None);
    assert!(refused(&scene.pair, true).is_some_and(|why| why.contains("share")));
    scene.pair.merged = true;
    assert!(refused(&scene.pair, false).is_some_and(|why| why.contains("merged")));
    scene.pair.ticket = None;
    assert!(refused(&scene.pair, false).is_some_and(|why| why.contains("no ticket")));
}
