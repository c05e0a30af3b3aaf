//! Kinds of write behind a person's approval.

use proptest::prelude::*;

use super::{
    closing::{incident_opened_again, ticket_opened_again},
    groups::{LATER, open},
    laws::scenes,
    scene::{CLOSED, Scene, WORKING, at, in_step, words},
};
use crate::{
    domain::{
        approval::WriteKind,
        closing::Classification,
        decision::Decision,
        failure::Side,
        incident::{IncidentStatus, Severity},
        operation::OperationKind,
        pair::{Health, OwnClosing, Pair, SyncState},
        policy::{Direction, FieldRule, When, Wins},
        reason::Reason,
        workspace::Mode,
    },
    planner::{
        Plan,
        approval::{Waiting, kinds},
        choice,
    },
};

const ALL: [WriteKind; 5] =
    [WriteKind::Close, WriteKind::Reopen, WriteKind::SeverityDown, WriteKind::ClientVisibleNote, WriteKind::Push];

fn priority_lowered(s: &mut Scene) {
    s.policy.severity = FieldRule::new(Direction::Both, When::Always);
    s.ticket().priority_id = Some(4);
}

fn comment_for_all(s: &mut Scene) {
    s.policy.notes_private = false;
    s.comment(1, "words");
}

type Case = (&'static str, fn(&mut Scene), Option<(WriteKind, Side)>);

/// Agreed on was Low; the ticket has been raised to High, and Sentinel's Medium wins.
fn raised_and_overruled(s: &mut Scene) {
    s.policy.severity = FieldRule { direction: Direction::Both, when: When::Always, wins: Wins::Sentinel };
    s.pair.base.severity = Some(Severity::Low);
    s.pair.base.priority_id = Some(4);
    s.ticket().priority_id = Some(2);
}

/// Joined by hand, agreed on nothing: the incident's Medium wins over the ticket's High.
fn joined_and_lower(s: &mut Scene) {
    s.policy.severity = FieldRule { direction: Direction::Both, when: When::Always, wins: Wins::Sentinel };
    s.pair.base.severity = None;
    s.pair.base.joined.insert("severity".into());
    s.ticket().priority_id = Some(2);
}

const TABLE: [Case; 12] = [
    (
        "an incident closed",
        |s| s.close_incident(Classification::Undetermined, None),
        Some((WriteKind::Close, Side::Halo)),
    ),
    ("a ticket closed", |s| s.close_ticket(Some(2)), Some((WriteKind::Close, Side::Sentinel))),
    ("an incident opened again", incident_opened_again, Some((WriteKind::Reopen, Side::Halo))),
    ("a ticket opened again", ticket_opened_again, Some((WriteKind::Reopen, Side::Sentinel))),
    ("a lower severity", |s| s.incident.severity = Severity::Low, Some((WriteKind::SeverityDown, Side::Halo))),
    ("a lower priority", priority_lowered, Some((WriteKind::SeverityDown, Side::Sentinel))),
    ("an agent's higher priority overruled", raised_and_overruled, Some((WriteKind::SeverityDown, Side::Halo))),
    ("a lower severity of joined records", joined_and_lower, Some((WriteKind::SeverityDown, Side::Halo))),
    ("a comment that the end user may see", comment_for_all, Some((WriteKind::ClientVisibleNote, Side::Halo))),
    ("a higher severity", |s| s.incident.severity = Severity::High, None),
    ("a private note", |s| drop(s.comment(1, "words")), None),
    (
        "a note",
        |s| {
            s.note(3, "<p>words</p>");
        },
        None,
    ),
];

fn only(plan: &Plan) -> &Waiting {
    assert_eq!(plan.waiting.len(), 1, "{plan:?}");
    plan.waiting.first().expect("one")
}

fn approve(plan: &Plan) -> Decision {
    Decision::Approve { write: only(plan).write.clone(), what: String::new(), after_all: false }
}

#[test]
fn kinds_of_write_wait_for_a_person() {
    for (name, change, expected) in TABLE {
        let mut scene = in_step();
        change(&mut scene);
        let free = scene.plan();
        assert!(free.waiting.is_empty() && !free.operations.is_empty(), "{name}, without approval");
        for kind in ALL {
            scene.policy.approve = vec![kind];
            let plan = scene.plan();
            let waits = expected.is_some_and(|(asked, _)| asked == kind);
            assert_eq!(plan.waiting.len(), usize::from(waits), "{name}, {kind:?} behind approval");
            if !waits {
                assert_eq!(plan.operations, free.operations, "{name}, {kind:?} behind approval");
                continue;
            }
            let waiting = only(&plan);
            assert_eq!(Some((kind, waiting.planned.kind.side())), expected, "{name}");
            assert!(!plan.operations.contains(&waiting.planned), "{name}");
            assert_eq!((plan.state.health, plan.state.sync), (Health::NeedsYou, SyncState::Behind), "{name}");
            let code = plan.state.reason.as_ref().map(Reason::code);
            assert_eq!(code, Some("awaits-approval"), "{name}");
            assert!(plan.state.reason.and_then(|reason| reason.remedy()).is_some(), "{name}");
            // The question has two answers, and approved it is what would have been written at once.
            let asked = scene.with(choice::choices);
            let answers: Vec<_> =
                asked.iter().flat_map(|choice| &choice.answers).map(|(label, _)| label.as_str()).collect();
            assert_eq!(answers, ["Approve", "Reject"], "{name}");
            scene.pair.decisions.push(approve(&scene.plan()));
            let approved = scene.plan();
            assert_eq!((approved.operations, approved.waiting.len()), (free.operations.clone(), 0), "{name}, approved");
        }
    }
}

#[test]
fn the_classification_is_taken_off_a_ticket_only_with_the_opening_that_was_approved() {
    let mut scene = in_step();
    incident_opened_again(&mut scene);
    let fields = [("112".to_owned(), "2".to_owned())].into();
    let closed = Some(at("2026-03-01T11:00:00Z"));
    scene.pair.base.own_closing = Some(OwnClosing { note: "ours".into(), fields, at: closed, emptied: false });
    let opens = "ticket status=2 field112=\"\" because incident-reopened; behind waiting incident-reopened";
    assert_eq!(words(&scene.plan()), opens);
    scene.policy.approve = vec![WriteKind::Reopen];
    let plan = scene.plan();
    assert_eq!(words(&plan), "behind needs-you awaits-approval");
    let OperationKind::UpdateTicket { change } = &only(&plan).planned.kind else { panic!("{plan:?}") };
    assert_eq!(
        (change.status_id, change.custom_fields.as_slice()),
        (Some(WORKING), &[(112, serde_json::Value::from(""))][..])
    );
    scene.pair.decisions.push(approve(&plan));
    assert_eq!(words(&scene.plan()), opens);
}

#[test]
fn an_approval_holds_for_what_was_seen() {
    let mut scene = in_step();
    scene.policy.approve = vec![WriteKind::Close];
    scene.close_ticket(Some(2));
    scene.pair.base = scene.plan().base.expect("the move is kept");
    scene.pair.decisions.push(approve(&scene.plan()));
    assert!(scene.plan().waiting.is_empty());
    // Other bytes: another classification was chosen since.
    let mut other = scene.clone();
    other.policy.classifications.insert(
        "true positive".into(),
        crate::domain::closing::Verdict {
            classification: Classification::TruePositive,
            reason: Some("SuspiciousActivity".into()),
            comment: None,
        },
    );
    other.close_ticket(Some(1));
    assert_eq!(other.plan().waiting.len(), 1);
    // The same bytes for another closing.
    let mut later = scene.clone();
    let moves = later.pair.base.moves.get_mut("status").and_then(|moves| moves.halo.as_mut()).expect("a move");
    moves.at = Some(at("2026-03-02T08:00:00Z"));
    assert_eq!(later.plan().waiting.len(), 1);
    // Rejected: nothing is written, nobody is asked again, and the pair says so.
    let mut rejected = later.clone();
    let write = only(&rejected.plan()).write.clone();
    rejected.pair.decisions.push(Decision::Reject { write, what: String::new() });
    let plan = rejected.plan();
    assert_eq!((plan.operations.len(), plan.waiting.len()), (0, 0));
    assert_eq!((plan.state.health, plan.state.sync), (Health::Healthy, SyncState::Behind));
    assert_eq!(plan.state.reason.map(|reason| reason.code()), Some("rejected"));
    // The last word counts.
    rejected.pair.decisions.push(approve(&later.plan()));
    assert_eq!(rejected.plan().operations.len(), 1);
}

fn offered(scene: &Scene) -> Vec<(String, Decision)> {
    scene.with(choice::choices).into_iter().flat_map(|choice| choice.answers).collect()
}

fn labels(scene: &Scene) -> Vec<String> {
    offered(scene).into_iter().map(|(label, _)| label).collect()
}

#[test]
fn a_rejected_write_can_be_approved_after_all() {
    for (name, change, expected) in TABLE {
        let Some((kind, _)) = expected else { continue };
        let mut scene = in_step();
        change(&mut scene);
        let free = scene.plan();
        scene.policy.approve = vec![kind];
        let asked = scene.plan();
        let (_, reject) = offered(&scene).pop().expect("an answer");
        scene.pair.decisions.push(reject);
        // Nobody is asked, and yet there is an answer. It is not the one that was offered before.
        let rejected = scene.plan();
        assert_eq!(rejected.waiting, [], "{name}");
        assert_eq!(rejected.items().len() + 1, asked.items().len(), "{name}");
        let answers = offered(&scene);
        let [(label, decision)] = answers.as_slice() else { panic!("{name}: {answers:?}") };
        assert_eq!(label, "Approve it after all", "{name}");
        let before = offered(&Scene { pair: Pair { decisions: Vec::new(), ..scene.pair.clone() }, ..scene.clone() });
        assert!(!before.iter().any(|(_, answer)| answer == decision), "{name}");
        assert!(decision.words().starts_with("Approved after all: "), "{name}: {}", decision.words());
        scene.pair.decisions.push(decision.clone());
        let approved = scene.plan();
        assert_eq!((approved.operations, approved.rejected), (free.operations, Vec::new()), "{name}");
        assert!(offered(&scene).is_empty(), "{name}");
    }
}

#[test]
fn a_rejection_is_taken_back_only_while_that_very_write_would_be_planned() {
    let mut scene = in_step();
    scene.policy.approve = vec![WriteKind::Close];
    scene.close_ticket(Some(2));
    scene.pair.base = scene.plan().base.expect("the move is kept");
    let write = only(&scene.plan()).write.clone();
    scene.pair.decisions.push(Decision::Reject { write, what: String::new() });
    assert_eq!(labels(&scene), ["Approve it after all"]);
    assert_eq!(scene.plan().state.health, Health::Healthy);
    // Another closing with the same bytes is asked about by itself.
    let mut later = scene.clone();
    let moves = later.pair.base.moves.get_mut("status").and_then(|moves| moves.halo.as_mut()).expect("a move");
    moves.at = Some(at("2026-03-02T08:00:00Z"));
    assert_eq!(labels(&later), ["Approve", "Reject"]);
    // Without approval it is written, and where nothing is written nothing is approved.
    let mut free = scene.clone();
    free.policy.approve.clear();
    assert_eq!((labels(&free), free.plan().operations.len()), (Vec::new(), 1));
    scene.workspace.mode = Mode::Observe;
    assert_eq!(labels(&scene), Vec::<String>::new());
}

#[test]
fn an_approval_that_was_written_down_by_an_earlier_version_is_still_read() {
    let stored = r#"{"decision":"approve","write":"w","what":"closing"}"#;
    let plain = Decision::Approve { write: "w".into(), what: "closing".into(), after_all: false };
    assert_eq!(serde_json::from_str::<Decision>(stored).expect("it is read"), plain);
    assert_eq!(serde_json::to_string(&plain).expect("it is written"), stored);
}

/// The moves of the pair itself tell nothing of it.
#[test]
fn another_incident_of_the_ticket_that_was_open_meanwhile_makes_another_closing() {
    let mut scene = in_step();
    scene.policy.approve = vec![WriteKind::Close];
    scene.close_incident(Classification::Undetermined, None);
    open(&mut scene, LATER);
    let plan_at = |scene: &mut Scene, status: IncidentStatus, modified: &str| {
        let mate = scene.mates.first_mut().expect("it is there");
        (mate.incident.status, mate.incident.modified) = (status, Some(at(modified)));
        let plan = scene.plan();
        scene.pair.base = plan.base.clone().unwrap_or_else(|| scene.pair.base.clone());
        plan
    };
    let plan = plan_at(&mut scene, IncidentStatus::Closed, "2026-03-02T08:00:00Z");
    let write = only(&plan).write.clone();
    scene.pair.decisions.push(Decision::Reject { write, what: String::new() });
    assert!(scene.plan().waiting.is_empty());
    let between = plan_at(&mut scene, IncidentStatus::Active, "2026-03-02T09:00:00Z");
    assert!(between.waiting.is_empty() && between.operations.is_empty(), "{between:?}");
    let again = plan_at(&mut scene, IncidentStatus::Closed, "2026-03-02T10:00:00Z");
    assert_eq!((again.operations.len(), again.waiting.len()), (0, 1));
}

/// Every comment moves when an incident changed last.
#[test]
fn what_was_said_on_another_incident_of_the_ticket_makes_no_other_closing() {
    for once_open in [false, true] {
        let mut scene = in_step();
        scene.policy.approve = vec![WriteKind::Close];
        scene.close_incident(Classification::Undetermined, None);
        open(&mut scene, LATER);
        if once_open {
            scene.pair.base = scene.plan().base.expect("it is held open");
        }
        scene.mates[0].incident.status = IncidentStatus::Closed;
        let plan = scene.plan();
        scene.pair.base = plan.base.clone().expect("the move is kept");
        let write = only(&plan).write.clone();
        scene.pair.decisions.push(Decision::Reject { write, what: String::new() });
        scene.mates[0].incident.modified = Some(at("2026-03-02T10:00:00Z"));
        let plan = scene.plan();
        assert_eq!((plan.operations.len(), plan.waiting.len()), (0, 0), "{once_open}");
    }
}

#[test]
fn what_stands_beside_it_in_the_same_write_goes_on() {
    // Closed as false alarm, less severe and taken by an agent, all in one write.
    let change = |s: &mut Scene| {
        s.close_incident(Classification::FalsePositive, Some("InaccurateData"));
        s.incident.severity = Severity::Low;
        s.incident.owner.email = Some("amira@soc.example".into());
    };
    let written = |asked: &[WriteKind]| {
        let mut scene = in_step();
        change(&mut scene);
        scene.policy.approve = asked.to_vec();
        let plan = scene.plan();
        let held = plan.waiting.iter().map(|waiting| waiting.planned.kind.clone()).collect::<Vec<_>>();
        (words(&plan), held, scene, plan)
    };
    let (free, held, ..) = written(&[]);
    assert_eq!(held, []);
    assert!(free.starts_with("ticket status=9 priority=4 agent=5 field112=2 because incident-closed"), "{free}");
    let (rest, held, mut scene, plan) = written(&[WriteKind::Close]);
    assert!(rest.starts_with("ticket priority=4 agent=5 because changed-in-sentinel"), "{rest}");
    let [OperationKind::UpdateTicket { change: closing }] = held.as_slice() else { panic!("{held:?}") };
    assert_eq!((closing.status_id, closing.priority_id, closing.agent_id), (Some(CLOSED), None, None));
    assert!(closing.closure_note.is_some() && closing.custom_fields.len() == 1, "{closing:?}");
    // What goes on does not change what was approved.
    scene.pair.base = plan.base.clone().unwrap_or_else(|| scene.pair.base.clone());
    scene.pair.decisions.push(approve(&plan));
    scene.ticket().priority_id = Some(4);
    scene.ticket().agent_id = Some(5);
    let approved = words(&scene.plan());
    assert!(approved.starts_with("ticket status=9 field112=2 because incident-closed"), "{approved}");
    let (rest, held, ..) = written(&[WriteKind::SeverityDown]);
    assert!(rest.starts_with("ticket status=9 agent=5 field112=2 because incident-closed"), "{rest}");
    assert!(
        matches!(held.as_slice(), [OperationKind::UpdateTicket { change }] if change.priority_id == Some(4)
        && change.status_id.is_none()),
        "{held:?}"
    );
    // The other way: the agent closes, and takes it.
    let mut back = in_step();
    back.close_ticket(Some(2));
    back.ticket().agent_id = Some(5);
    back.policy.approve = vec![WriteKind::Close];
    let plan = words(&back.plan());
    assert!(plan.starts_with("incident owner=amira@soc.example because changed-in-halo"), "{plan}");
    // Rejected: the rest goes on all the same.
    let write = only(&back.plan()).write.clone();
    back.pair.decisions.push(Decision::Reject { write, what: String::new() });
    let plan = words(&back.plan());
    assert!(plan.starts_with("incident owner=amira@soc.example because changed-in-halo"), "{plan}");
}

#[test]
fn what_was_queued_before_waits_too() {
    for change in [comment_for_all, |s: &mut Scene| s.close_incident(Classification::Undetermined, None)] {
        let mut scene = in_step();
        change(&mut scene);
        scene.queue(&scene.plan());
        let queued: Vec<_> = scene.operations.iter().map(|operation| operation.id).collect();
        assert!(scene.plan().void.is_empty());
        scene.policy.approve = ALL.to_vec();
        let plan = scene.plan();
        let void: Vec<_> = plan.void.iter().map(|(id, _)| *id).collect();
        assert_eq!(void, queued);
        assert_eq!(plan.waiting.len(), 1);
        // Approved before it was taken back: it stays in the queue as it is.
        scene.pair.decisions.push(approve(&plan));
        let plan = scene.plan();
        assert!(plan.void.is_empty() && plan.operations.is_empty() && plan.waiting.is_empty(), "{plan:?}");
    }
}

proptest! {
    #[test]
    fn nothing_of_a_kind_behind_approval_is_planned_without_it(mut scene in scenes(), asked in 0_usize..16, open: bool) {
        scene.policy.notes_private = !open;
        scene.policy.approve =
            ALL.into_iter().enumerate().filter(|(n, _)| asked & (1 << n) != 0).map(|(_, kind)| kind).collect();
        let plan = scene.plan();
        let of = |kind: &OperationKind| scene.with(|s| kinds(s, kind));
        for planned in &plan.operations {
            let forbidden = of(&planned.kind).into_iter().find(|kind| scene.policy.approve.contains(kind));
            prop_assert_eq!(forbidden, None, "{:?}", planned);
        }
        for waiting in &plan.waiting {
            prop_assert!(!waiting.kinds.is_empty());
        }
    }
}
