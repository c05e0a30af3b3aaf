//! What is gone and what is not: records, copies, and what a pair that is begun anew learns of them.

use super::{
    closing::shut,
    scene::{CLOSED, Scene, in_step, words},
};
use crate::{
    domain::{
        closing::Classification,
        decision::Decision,
        drift::DriftRule,
        failure::Side,
        ids::{ActionKey, CommentId, TicketId},
        incident::Severity,
        operation::OperationKind,
        pair::{Health, NoteLink},
    },
    planner::{
        choice, drift,
        notes::{note_reference, words as said},
        rebuild::{base, begun},
    },
};

fn key(ticket: i64, action: i64) -> ActionKey {
    ActionKey { ticket: TicketId(ticket), action }
}

#[test]
fn a_record_that_is_gone_is_told_by_its_side() {
    let lost = |change: fn(&mut Scene)| {
        let mut scene = in_step();
        change(&mut scene);
        scene.with(drift::lost)
    };
    assert_eq!(lost(|_| {}), None);
    assert_eq!(lost(|s| s.ticket().merged_into = Some(TicketId(71))), Some(Side::Halo));
    assert_eq!(lost(|s| s.ticket().deleted = true), Some(Side::Halo));
    assert_eq!(lost(|s| s.pair.gone = Some(Side::Sentinel)), Some(Side::Sentinel));
    let mut scene = in_step();
    let told = |scene: &Scene, side| scene.with(|s| drift::words(s, side));
    assert_eq!(told(&scene, Side::Halo), "Ticket 70 was deleted in Halo.");
    assert_eq!(told(&scene, Side::Sentinel), "The incident was deleted in Sentinel.");
    scene.pair.ticket = None;
    assert_eq!(told(&scene, Side::Halo), "The ticket was deleted in Halo.");
}

#[test]
fn what_waits_for_a_record_that_is_gone_is_taken_back_and_nothing_else() {
    let mut scene = in_step();
    scene.incident.severity = Severity::High;
    scene.note(3, "<p>words</p>");
    let plan = scene.plan();
    scene.queue(&plan);
    assert_eq!(scene.operations.len(), 2);
    let voided = |scene: &Scene| {
        let kind = |id| scene.operations.iter().find(|o| o.id == id).map(|o| o.kind.name());
        scene.plan().void.iter().filter_map(|(id, _)| kind(*id)).collect::<Vec<_>>()
    };
    scene.ticket().deleted = true;
    assert_eq!(voided(&scene), ["update-ticket"]);
    scene.ticket().deleted = false;
    scene.pair.gone = Some(Side::Sentinel);
    assert!(!voided(&scene).is_empty() && voided(&scene).contains(&"add-comment"));
    // The ticket that takes the place of the one that is gone waits on.
    let mut scene = in_step();
    scene.policy.drift.only_in_sentinel = DriftRule::Heal;
    scene.pair.gone = Some(Side::Halo);
    let plan = scene.plan();
    scene.queue(&plan);
    assert_eq!((voided(&scene).len(), scene.plan().operations.len()), (0, 0));
    // Bound to another client of Halo since, its place is not known.
    scene.operations.clear();
    scene.client.halo.as_mut().expect("bound").halo_client_id = 13;
    assert_eq!((scene.plan().operations.len(), scene.plan().state.health), (0, Health::NeedsYou));
    // What would come to nothing is not offered.
    let asked = scene.with(choice::choices);
    let [choice::Choice { answers, .. }] = asked.as_slice() else { panic!("one question: {asked:?}") };
    let labels: Vec<&str> = answers.iter().map(|(label, _)| label.as_str()).collect();
    assert_eq!(labels, ["Leave it as it is"]);
}

#[test]
fn nobody_needs_another_ticket_for_a_merged_one_whose_matter_is_over() {
    let mut scene = in_step();
    scene.ticket().merged_into = Some(TicketId(71));
    scene.pair.decisions = vec![Decision::Gone { side: Side::Halo, ticket: Some(TicketId(70)), heal: true }];
    assert_eq!(scene.plan().operations.len(), 1);
    scene.close_incident(Classification::Undetermined, None);
    assert_eq!(scene.plan().operations, []);
}

fn link(comment: &CommentId, action: ActionKey, written_in: Side) -> NoteLink {
    let pair = in_step().pair.id;
    NoteLink { pair, comment: comment.clone(), action, edit: 0, part: 0, said: None, written_in }
}

#[test]
fn a_copy_is_lost_only_where_the_whole_list_says_so() {
    let mut scene = in_step();
    let comment = scene.comment(1, "words");
    let copy = link(&comment, key(70, 4), Side::Sentinel);
    let lost = |scene: &Scene, link: &NoteLink| scene.with(|s| drift::note_lost(s, link));
    assert!(!lost(&scene, &copy), "an empty list is no proof");
    scene.pair.base.emptied = Some(scene.now);
    assert!(lost(&scene, &copy), "that Halo counts none is");
    scene.note(9, "<p>another</p>");
    assert!(lost(&scene, &copy));
    assert!(!lost(&scene, &link(&comment, key(61, 4), Side::Sentinel)), "it stands on another ticket");
    assert!(!lost(&scene, &link(&comment, key(70, 9), Side::Sentinel)), "it is there");
    scene.actions = None;
    assert!(!lost(&scene, &copy));

    let lost = |scene: &Scene, link: &NoteLink| {
        let mut scene = scene.clone();
        scene.links = vec![link.clone()];
        scene.with(|s| !drift::parts_lost(s, link).is_empty())
    };
    let derived = |key| in_step().with(|s| CommentId::derived(s.halo_tenant, key, 0, 0));
    let copy = link(&derived(key(70, 3)), key(70, 3), Side::Halo);
    assert!(lost(&scene, &copy));
    assert!(!lost(&scene, &link(&derived(key(61, 3)), key(61, 3), Side::Halo)), "another ticket's");
    assert!(!lost(&scene, &link(&derived(key(70, 5)), key(70, 3), Side::Halo)), "a digest carried it");
    scene.incident.comments_count = 2;
    assert!(!lost(&scene, &copy), "not all were read");
    scene.incident.comments_count = 1;
    scene.comments.as_mut().expect("commented")[0].id = copy.comment.clone();
    assert!(!lost(&scene, &copy), "it is there");
    scene.comments = None;
    assert!(!lost(&scene, &copy));
}

#[test]
fn a_word_about_one_copy_is_none_about_another() {
    let mut scene = in_step();
    let (one, other) = (CommentId::new("one"), CommentId::new("other"));
    scene.policy.drift.lost_comment = DriftRule::Ask;
    scene.pair.decisions = vec![Decision::Copy { comment: one.clone(), again: true }];
    let rule = |comment| scene.with(|s| drift::lost_rule(s, comment));
    assert_eq!((rule(&one), rule(&other)), (DriftRule::Heal, DriftRule::Ask));
}

#[test]
fn a_pair_begun_anew_keeps_what_no_reading_tells() {
    let mut scene = in_step();
    let before = &mut scene.pair.base;
    before.foreign = [key(70, 2)].into();
    before.replaced = [TicketId(61)].into();
    let after = base(&scene.pair.base);
    assert_eq!((after.foreign, after.replaced), ([key(70, 2)].into(), [TicketId(61)].into()));
    shut(&mut scene);
    let before = scene.pair.base.clone();
    assert_eq!((before.status_id, before.ticket_closed), (Some(CLOSED), true));
    let after = scene.with(begun).pair.base;
    assert_eq!((after.status_id, after.ticket_closed), (before.status_id, true));
    assert_eq!(after.incident_status, before.incident_status);
}

const WORDS: &str = "asked the user, who knows nothing of it";

/// A comment and a note of people with the same words.
fn said_twice(change: fn(&mut Scene)) -> usize {
    let mut scene = in_step();
    scene.comment(1, WORDS);
    scene.note(3, &format!("<p>{WORDS}</p>"));
    change(&mut scene);
    scene.with(begun).learnt.len()
}

#[test]
fn the_same_words_are_one_conversation_unless_one_of_them_is_accounted_for() {
    assert_eq!(said_twice(|_| {}), 1);
    assert_eq!(said_twice(|s| s.actions.as_mut().expect("noted")[0].system = true), 0, "Halo's own");
    let foreign = said_twice(|s| s.pair.base.foreign = [key(70, 3)].into());
    assert_eq!(foreign, 0, "it is about another incident");
    let linked = said_twice(|s| s.link(&CommentId::new("other"), key(70, 3), (0, 0), None, Side::Halo));
    assert_eq!(linked, 0, "the note is a copy of another comment");
    let linked = said_twice(|s| {
        let comment = s.comments.as_ref().expect("commented")[0].id.clone();
        s.link(&comment, key(70, 9), (0, 0), None, Side::Sentinel);
    });
    assert_eq!(linked, 0, "another note is a copy of the comment");
    let ours = said_twice(|s| s.actions.as_mut().expect("noted")[0].note = "HB-0123456789".into());
    assert_eq!(ours, 0, "it carries a reference of ours");
    // What is on its way already is no second conversation.
    let waiting = |first: fn(&mut Scene), then: fn(&mut Scene)| {
        let mut scene = in_step();
        first(&mut scene);
        let plan = scene.plan();
        assert_eq!(plan.operations.len(), 1);
        scene.queue(&plan);
        then(&mut scene);
        scene.with(begun).learnt.len()
    };
    let comment: fn(&mut Scene) = |s| drop(s.comment(1, WORDS));
    let note: fn(&mut Scene) = |s| {
        s.note(3, &format!("<p>{WORDS}</p>"));
    };
    assert_eq!((waiting(comment, note), waiting(note, comment)), (0, 0));
}

/// Words of the link that is learnt for a copy of ours that is linked with these words and edits.
fn learnt(written_in: Side, links: &[(u32, Option<&str>)]) -> usize {
    let mut scene = in_step();
    let comment = scene.comment(1, WORDS);
    let (comment, key) = match written_in {
        Side::Sentinel => {
            let reference = scene.with(|s| note_reference(s, &comment, 0));
            scene.note(3, &format!("<p>{WORDS}</p><p>{reference}</p>")).agent_id = Some(99);
            (comment, key(70, 3))
        }
        Side::Halo => {
            scene.note(3, &format!("<p>{WORDS}</p>"));
            let plan = in_step_with_note().plan();
            let OperationKind::AddComment { comment, message, .. } = plan.operations[0].kind.clone() else {
                panic!("a comment")
            };
            let first = &mut scene.comments.as_mut().expect("commented")[0];
            (first.id, first.message) = (comment.clone(), message);
            (comment, key(70, 3))
        }
    };
    let now = match written_in {
        Side::Sentinel => said::of_comment(&scene.comments.as_ref().expect("commented")[0]),
        Side::Halo => said::of_action(&scene.actions.as_ref().expect("noted")[0]),
    };
    for (edit, said) in links {
        let said = said.map(|said| if said == "now" { now.clone() } else { said.to_owned() });
        scene.link(&comment, key, (*edit, 0), said, written_in);
    }
    // Others tell nothing of it.
    scene.link(&CommentId::new("other"), ActionKey { action: 8, ..key }, (4, 0), None, written_in);
    let begun = scene.with(begun);
    assert!(begun.learnt.iter().all(|link| link.said.as_ref() == Some(&now) && link.written_in == written_in));
    begun.learnt.len()
}

fn in_step_with_note() -> Scene {
    let mut scene = in_step();
    scene.note(3, &format!("<p>{WORDS}</p>"));
    scene
}

#[test]
fn a_link_learns_the_words_that_both_sides_prove_unless_something_later_was_told() {
    for side in [Side::Sentinel, Side::Halo] {
        assert_eq!(learnt(side, &[]), 0, "{side:?}: it is found by the plan itself");
        assert_eq!(learnt(side, &[(0, None)]), 1, "{side:?}: without its words");
        assert_eq!(learnt(side, &[(0, Some("before"))]), 1, "{side:?}: with others");
        assert_eq!(learnt(side, &[(0, Some("now"))]), 0, "{side:?}: it is known so");
        assert_eq!(learnt(side, &[(0, Some("before")), (1, Some("later"))]), 0, "{side:?}: an edit was told since");
    }
    let mut scene = in_step_with_note();
    assert_eq!(words(&scene.plan()), "comment of 3 because note-added; behind waiting note-added");
    scene.comments = None;
    assert_eq!(scene.with(begun).learnt, []);
}
