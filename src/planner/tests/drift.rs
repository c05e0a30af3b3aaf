//! Drift: what is gone, lost or changed unseen, and what the policy wants done about it.

use proptest::prelude::*;

use super::{
    laws::scenes,
    note_limits::written,
    scene::{Scene, at, in_step},
};
use crate::{
    domain::{
        decision::Decision,
        drift::{Drift, DriftClass, DriftRule},
        failure::Side,
        ids::{ActionKey, CommentId, TicketId},
        incident::Severity,
        operation::OperationKind,
        pair::{Health, NoteLink, SyncState},
        policy::NotesRule,
        reason::Reason,
    },
    planner::{Planned, choice, drift, notes::words},
};

const RULES: [DriftRule; 3] = [DriftRule::Heal, DriftRule::Ask, DriftRule::Ignore];

fn found(scene: &Scene) -> Vec<Drift> {
    let plan = scene.plan();
    scene.with(|s| drift::found(s, &plan))
}

#[test]
fn a_record_that_is_gone_is_healed_asked_about_or_left() {
    for side in [Side::Halo, Side::Sentinel] {
        for rule in RULES {
            let name = format!("{side:?} gone, {rule:?}");
            let mut scene = in_step();
            scene.pair.gone = Some(side);
            (scene.policy.drift.only_in_sentinel, scene.policy.drift.only_in_halo) = (rule, rule);
            // Whatever else is due is not written.
            scene.incident.severity = Severity::High;
            scene.note(3, "<p>words</p>");
            let plan = scene.plan();
            // A ticket that is on its way is only late.
            let late = (rule, side) == (DriftRule::Heal, Side::Halo);
            assert_eq!(plan.state.sync == SyncState::Behind, late, "{name}");
            let healed: Vec<&OperationKind> = plan.operations.iter().map(|planned| &planned.kind).collect();
            match (rule, side, healed.as_slice()) {
                (DriftRule::Heal, Side::Halo, [OperationKind::CreateTicket { follows, draft }]) => {
                    assert_eq!(*follows, scene.pair.ticket, "{name}");
                    assert!(draft.details_html.contains("takes the place of ticket 70"), "{name}");
                }
                (DriftRule::Heal, Side::Sentinel, [OperationKind::AddNote { comment: None, note, .. }]) => {
                    assert!(note.private && note.text.contains("does not exist in Microsoft Sentinel"), "{name}");
                }
                (DriftRule::Ask | DriftRule::Ignore, _, []) => {}
                other => panic!("{name}: {other:?}"),
            }
            assert_eq!(plan.state.health == Health::NeedsYou, rule == DriftRule::Ask, "{name}");
            let class = if side == Side::Halo { DriftClass::OnlyInSentinel } else { DriftClass::OnlyInHalo };
            let drifts: Vec<_> = found(&scene).into_iter().map(|drift| (drift.class, drift.rule)).collect();
            assert_eq!(drifts, [(class, rule)], "{name}");
            // Said once.
            scene.pair.reason.clone_from(&plan.state.reason);
            scene.queue(&plan);
            assert_eq!(found(&scene), [], "{name}, the second time");
        }
        // A person's answer takes the rule's place, as long as it is this ticket.
        let mut scene = in_step();
        scene.pair.gone = Some(side);
        let asked = scene.with(choice::choices);
        let answers: Vec<Decision> =
            asked.into_iter().flat_map(|choice| choice.answers).map(|(_, decision)| decision).collect();
        assert_eq!(answers.len(), 2, "{side:?}");
        scene.pair.decisions.push(answers[0].clone());
        assert_eq!(scene.plan().operations.len(), 1, "{side:?}");
        scene.pair.decisions.push(answers[1].clone());
        assert_eq!(scene.plan().operations.len(), 0, "{side:?}");
        assert_eq!(scene.plan().state.health, Health::Healthy, "{side:?}");
        scene.pair.ticket = Some(TicketId(71));
        assert_eq!(scene.plan().state.health, Health::NeedsYou, "{side:?}: another ticket");
    }
    // What waited for the side that is gone is taken back.
    let mut scene = in_step();
    scene.incident.severity = Severity::High;
    scene.queue(&scene.plan());
    scene.ticket().deleted = true;
    assert_eq!(scene.plan().void.len(), 1);
    // Nobody needs a ticket for a matter that is over.
    let mut over = in_step();
    over.policy.drift.only_in_sentinel = DriftRule::Heal;
    over.pair.gone = Some(Side::Halo);
    over.close_incident(crate::domain::closing::Classification::Undetermined, None);
    assert_eq!(over.plan().operations.len(), 0);
}

#[test]
fn a_value_that_showed_late_goes_by_the_policy() {
    for rule in RULES {
        let mut scene = in_step();
        let known = scene.incident.clone();
        scene.incident.severity = Severity::High;
        let moved = drift::incident_moved(rule, &scene.pair.base, &known, &scene.incident);
        let (what, base) = moved.expect("it moved");
        assert_eq!(what, "severity", "{rule:?}");
        scene.pair.base = base;
        let plan = scene.plan();
        let codes: Vec<&str> = plan.items().iter().map(Reason::code).collect();
        let expected: (usize, &[&str]) = match rule {
            DriftRule::Heal => (1, &[]),
            DriftRule::Ask => (0, &["conflict"]),
            DriftRule::Ignore => (0, &[]),
        };
        assert_eq!((plan.operations.len(), codes.as_slice()), expected, "{rule:?}");
        let mut scene = in_step();
        let known = scene.ticket().clone();
        scene.ticket().agent_id = Some(5);
        let now = scene.ticket().clone();
        let (what, base) = drift::ticket_moved(rule, &scene.pair.base, &known, &now, false).expect("it moved");
        assert_eq!(what, "owner", "{rule:?}");
        scene.pair.base = base;
        let plan = scene.plan();
        assert_eq!((plan.operations.len(), plan.items().len()), (expected.0, expected.1.len()), "{rule:?}");
    }
    let scene = in_step();
    let mut other = scene.incident.clone();
    other.comments_count = 9;
    other.modified = Some(at("2026-03-01T11:59:00Z"));
    assert_eq!(drift::incident_moved(DriftRule::Ask, &scene.pair.base, &scene.incident, &other), None);
}

fn copied_comment(s: &mut Scene) -> CommentId {
    let comment = s.comment(1, "words of an analyst");
    s.note(9, "<p>another note that stays</p>").system = true;
    let said = s.comments.iter().flatten().next().map(words::of_comment);
    s.link(&comment, ActionKey { ticket: TicketId(70), action: 4 }, (0, 0), said, Side::Sentinel);
    comment
}

fn copied_note(s: &mut Scene) -> CommentId {
    let action = s.note(3, "<p>words of an agent</p>").clone();
    let comment = s.with(|situation| CommentId::derived(situation.halo_tenant, action.key, 0, 0));
    s.link(&comment, action.key, (0, 0), Some(words::of_action(&action)), Side::Halo);
    comment
}

#[test]
fn a_lost_copy_is_written_again_asked_about_or_left() {
    type Copied = fn(&mut Scene) -> CommentId;
    let cases: [(&str, Copied); 2] = [("a note", copied_comment), ("a comment", copied_note)];
    for (name, copied) in cases {
        for rule in RULES {
            let mut scene = in_step();
            let comment = copied(&mut scene);
            scene.policy.drift.lost_comment = rule;
            let plan = scene.plan();
            let written: Vec<&Reason> = plan.operations.iter().map(|planned| &planned.reason).collect();
            let lost = matches!(written.as_slice(), [Reason::CopyLost { .. }]);
            assert_eq!(lost, rule == DriftRule::Heal, "{name}, {rule:?}: {written:?}");
            assert_eq!(plan.items().len(), usize::from(rule == DriftRule::Ask), "{name}, {rule:?}");
            let drifts: Vec<_> = found(&scene).into_iter().map(|drift| (drift.class, drift.rule)).collect();
            let expected = if rule == DriftRule::Ignore { vec![] } else { vec![(DriftClass::LostComment, rule)] };
            assert_eq!(drifts, expected, "{name}, {rule:?}");
            // A person's word about this very copy.
            scene.pair.decisions.push(Decision::Copy { comment: comment.clone(), again: true });
            assert_eq!(scene.plan().operations.len(), 1, "{name}, {rule:?}");
            scene.pair.decisions.push(Decision::Copy { comment, again: false });
            let plan = scene.plan();
            assert_eq!((plan.operations.len(), plan.items().len()), (0, 0), "{name}, {rule:?}");
        }
    }
}

/// A digest that people deleted is written again with all that it carried; what cannot be in it gets a comment of its own.
#[test]
fn a_lost_digest_is_written_again_with_every_note_that_it_carried() {
    let mut scene = in_step();
    scene.policy.drift.lost_comment = DriftRule::Heal;
    let key = |action| ActionKey { ticket: TicketId(70), action };
    let digest = CommentId::derived("msp", key(3), 0, 0);
    for n in 3..6 {
        let said = words::of_action(scene.note(n, &format!("<p>note number {n}</p>")));
        scene.link(&digest, key(n), (0, 0), Some(said), Side::Halo);
    }
    let carried = |scene: &Scene| -> Vec<(CommentId, Vec<i64>)> {
        let of = |planned: Planned| match planned.kind {
            OperationKind::AddComment { comment, carries, .. } => {
                (comment, carries.iter().map(|carried| carried.action.action).collect())
            }
            other => panic!("{other:?}"),
        };
        scene.plan().operations.into_iter().map(of).collect()
    };
    assert_eq!(carried(&scene), [(digest.clone(), vec![3, 4, 5])]);
    assert_eq!(found(&scene).len(), 1);
    // Its first note was edited since, and its second one told by itself.
    let mut later = scene.clone();
    let told = CommentId::derived("msp", key(4), 0, 0);
    let said = later.links[1].said.clone();
    later.link(&told, key(4), (0, 0), said, Side::Halo);
    let edited = CommentId::derived("msp", key(3), 1, 0);
    later.link(&edited, key(3), (1, 0), later.links[0].said.clone(), Side::Halo);
    for (n, id) in [(1, &told), (2, &edited)] {
        later.comment(n, "ours");
        later.comments.as_mut().unwrap().last_mut().unwrap().id = id.clone();
    }
    assert_eq!(carried(&later), [(CommentId::derived("msp", key(5), 0, 0), vec![5])]);
    // A person is asked once.
    scene.policy.drift.lost_comment = DriftRule::Ask;
    let plan = scene.plan();
    let [Reason::CopyLost { what, comment }] = plan.items() else { panic!("{plan:?}") };
    assert_eq!((what.as_str(), comment), ("The comment that carries notes 3, 4, 5 was deleted in Sentinel.", &digest));
    scene.pair.decisions.push(Decision::Copy { comment: digest.clone(), again: true });
    assert_eq!(carried(&scene), [(digest, vec![3, 4, 5])]);
}

/// Made private since, or found to be about another client: whatever was told of it before, and in whichever comment.
#[test]
fn a_lost_copy_of_a_note_that_may_not_cross_any_more_is_not_written_again() {
    let key = |action| ActionKey { ticket: TicketId(70), action };
    let shut_out: [fn(&mut Scene); 2] = [
        |s| s.actions.as_mut().unwrap()[0].private = true,
        |s| {
            s.pair.base.foreign.insert(ActionKey { ticket: TicketId(70), action: 3 });
        },
    ];
    for rule in RULES {
        let mut scene = in_step();
        scene.policy.notes = NotesRule::Public;
        scene.policy.drift.lost_comment = rule;
        let copy = copied_note(&mut scene);
        scene.actions.as_mut().unwrap()[0].private = false;
        assert_eq!(scene.plan().operations.len(), usize::from(rule == DriftRule::Heal), "{rule:?}: it crosses");
        for change in shut_out {
            let mut scene = scene.clone();
            change(&mut scene);
            let plan = scene.plan();
            assert_eq!((plan.operations.len(), plan.items().len()), (0, 0), "{rule:?}");
            assert!(scene.with(choice::choices).is_empty(), "{rule:?}");
            scene.pair.decisions.push(Decision::Copy { comment: copy.clone(), again: true });
            assert_eq!(scene.plan().operations, [], "{rule:?}: whoever asked for it before");
        }
    }
    // Of a digest what still may.
    let mut scene = in_step();
    scene.policy.notes = NotesRule::Public;
    scene.policy.drift.lost_comment = DriftRule::Heal;
    for n in 3..5 {
        let note = scene.note(n, &format!("<p>note number {n}</p>"));
        note.private = n == 3;
        let said = words::of_action(note);
        scene.link(&CommentId::derived("msp", key(3), 0, 0), key(n), (0, 0), Some(said), Side::Halo);
    }
    let plan = scene.plan();
    let [Planned { kind: OperationKind::AddComment { comment, carries, message }, .. }] = plan.operations.as_slice()
    else {
        panic!("{plan:?}");
    };
    assert_eq!((comment, carries.len()), (&CommentId::derived("msp", key(4), 0, 0), 1));
    assert!(message.contains("note number 4") && !message.contains("note number 3"), "{message}");
}

#[test]
fn a_lost_part_of_a_long_note_is_written_again() {
    let mut scene = in_step();
    scene.policy.drift.lost_comment = DriftRule::Heal;
    scene.note(3, &format!("<p>{}</p>", "word ".repeat(8_000)));
    let plan = scene.plan();
    written(&mut scene, &plan);
    assert_eq!(scene.plan().operations, []);
    scene.comments.as_mut().unwrap().pop();
    scene.incident.comments_count -= 1;
    let again = scene.plan();
    assert_eq!(again.operations.len(), 1);
    assert_eq!(again.operations[0].kind, plan.operations[1].kind);
    assert_eq!(again.operations[0].reason.code(), "copy-lost");
}

/// An earlier version divided it for a digest, where it had less room.
#[test]
fn a_lost_part_of_a_note_that_was_divided_otherwise_comes_back_with_every_word() {
    for count in [5_780, 8_000] {
        let mut scene = in_step();
        scene.policy.drift.lost_comment = DriftRule::Heal;
        scene.note(3, &format!("<p>{}tail</p>", "word ".repeat(count))).updated = Some(at("2026-03-01T11:40:00Z"));
        let note = scene.actions.as_ref().unwrap()[0].clone();
        let parts = [0, 1].map(|part| CommentId::derived("msp", note.key, 0, part));
        scene.comment(1, "Note 3 on Halo ticket 70 by Amira\n\nword word (1/2)");
        scene.comments.as_mut().unwrap()[0].id = parts[0].clone();
        for (part, id) in (0..).zip(&parts) {
            scene.link(id, note.key, (0, part), Some(words::of_action(&note)), Side::Halo);
        }
        let plan = scene.plan();
        let mut said = String::new();
        for planned in &plan.operations {
            let OperationKind::AddComment { comment, message, .. } = &planned.kind else { panic!("{planned:?}") };
            assert!(!parts.contains(comment), "what stands is not written over");
            assert_eq!(planned.reason.code(), "copy-lost");
            said.push_str(message);
        }
        assert_eq!((said.matches("word").count(), said.matches("tail").count()), (count, 1));
        assert!(said.contains("once more") && !said.contains("edited"), "{said:.200}");
        let mut queued = scene.clone();
        queued.queue(&plan);
        let again = queued.plan();
        assert!(again.operations.is_empty() && again.void.is_empty(), "{again:?}");
        written(&mut scene, &plan);
        assert_eq!(scene.plan().operations, [], "once");
    }
}

/// Whatever the policy does about deleted tickets: agents merge tickets because they need one ticket less.
#[test]
fn of_a_ticket_that_agents_merged_away_a_person_says_what_becomes() {
    for rule in RULES {
        let mut scene = in_step();
        scene.policy.drift.only_in_sentinel = rule;
        scene.ticket().merged_into = Some(TicketId(71));
        scene.incident.severity = Severity::High;
        assert_eq!(scene.plan().operations, []);
        assert_eq!(scene.plan().state.health, Health::NeedsYou);
        let asked = scene.with(choice::choices);
        let [choice::Choice { reason: Reason::RecordGone { what }, answers }] = asked.as_slice() else {
            panic!("{asked:?}");
        };
        assert_eq!(what, "Ticket 70 was merged into ticket 71 in Halo.");
        let [(again, heal), (leave, ignore)] = answers.as_slice() else { panic!("{answers:?}") };
        assert_eq!((again.as_str(), leave.as_str()), ("Make a new ticket", "Leave it as it is"));
        scene.pair.decisions.push(heal.clone());
        let plan = scene.plan();
        let [Planned { kind: OperationKind::CreateTicket { follows, .. }, .. }] = plan.operations.as_slice() else {
            panic!("{plan:?}");
        };
        assert_eq!(*follows, Some(TicketId(70)));
        scene.pair.decisions.push(ignore.clone());
        assert_eq!(scene.plan().operations, []);
        assert_eq!(scene.plan().state.health, Health::Healthy);
    }
}

#[test]
fn what_had_crossed_to_a_ticket_that_is_gone_is_copied_once_to_the_one_in_its_place() {
    let mut scene = in_step();
    let old = TicketId(60);
    let link = |comment: &CommentId, action, edit, said: Option<String>| NoteLink {
        pair: in_step().pair.id,
        comment: comment.clone(),
        action: ActionKey { ticket: old, action },
        edit,
        part: 0,
        said,
        written_in: Side::Sentinel,
    };
    let crossed = scene.comment(1, "crossed before");
    let edited = scene.comment(2, "and edited");
    let deleted = CommentId::new("00000000-0000-4000-8000-000000000009");
    let said = |scene: &Scene, n: usize| scene.comments.as_ref().map(|all| words::of_comment(&all[n]));
    scene.links = vec![
        link(&crossed, 1, 0, said(&scene, 0)),
        link(&edited, 2, 0, Some("as it was".into())),
        link(&edited, 3, 1, said(&scene, 1)),
        link(&deleted, 4, 0, Some("gone since".into())),
    ];
    // A ticket that follows a closed one, as when an incident is opened again: what is there stays there.
    assert!(scene.plan().operations.is_empty());
    scene.pair.base.replaced.insert(old);
    let plan = scene.plan();
    let notes: Vec<&str> = plan
        .operations
        .iter()
        .map(|planned| match &planned.kind {
            OperationKind::AddNote { comment: Some(_), note, .. } => note.text.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(
        notes[0]
            .starts_with("Comment in Microsoft Sentinel by Li Chen, 2026-03-01 11:30:00 UTC, copied from ticket 60")
    );
    assert!(notes[0].contains("crossed before") && notes[1].contains("and edited"), "{notes:?}");
    scene.queue(&plan);
    assert!(scene.plan().operations.is_empty() && scene.plan().void.is_empty(), "they wait");
    // Written: each has a link to the new ticket too.
    scene.operations.clear();
    for (comment, action, edit, n) in [(&crossed, 1, 0, 0), (&edited, 2, 1, 1)] {
        let said = said(&scene, n);
        let action = ActionKey { ticket: TicketId(70), action };
        scene.links.push(NoteLink { action, ..link(comment, 0, edit, said) });
        scene.note(action.action, "<p>copied</p>").agent_id = Some(99);
    }
    assert!(scene.plan().operations.is_empty(), "{:?}", scene.plan().operations);
    // Dropped: it is said, and not planned again.
    let mut dropped = scene.clone();
    dropped.links.truncate(4);
    dropped.actions = Some(Vec::new());
    dropped.plan_and_drop();
    let plan = dropped.plan();
    assert!(plan.operations.is_empty() && plan.void.is_empty(), "{plan:?}");
}

#[test]
fn another_clients_ticket_is_asked_about_or_left() {
    for (rule, health) in [(DriftRule::Ask, Health::NeedsYou), (DriftRule::Ignore, Health::Healthy)] {
        let mut scene = in_step();
        scene.policy.drift.wrong_client = rule;
        scene.ticket().client_id = Some(13);
        scene.incident.severity = Severity::High;
        let plan = scene.plan();
        assert!(plan.operations.is_empty(), "{rule:?}");
        assert_eq!((plan.state.health, plan.state.sync), (health, SyncState::Unknown), "{rule:?}");
        assert_eq!(found(&scene).into_iter().map(|drift| drift.rule).collect::<Vec<_>>(), [rule]);
    }
}

proptest! {
    #[test]
    fn a_healthy_pair_never_shows_drift(mut scene in scenes()) {
        scene.policy.drift.lost_comment = DriftRule::Heal;
        let plan = scene.plan();
        if plan.state.sync == SyncState::InStep && plan.state.health == Health::Healthy {
            prop_assert_eq!(found(&scene), vec![]);
        }
    }
}
