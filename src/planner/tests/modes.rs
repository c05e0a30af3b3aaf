//! What each mode carries, of what is planned now and of what waits since another mode was in force.

use super::{
    closing::{incident_opened_again, reopen_incident, reopen_ticket, said, ticket_opened_again},
    scene::{Scene, at, in_step, words},
};
use crate::{
    domain::{
        catalogue::Ref,
        closing::Classification,
        failure::Side,
        ids::{IncidentId, TicketId},
        incident::IncidentStatus,
        merge::{Merge, Survivor},
        operation::{OperationKind, OperationState},
        policy::{Direction, FieldRule, LabelMapping, ReopenRule, When, Wins},
        workspace::Mode,
    },
    planner::{Plan, gate::carries},
};

/// A change of an agent's, and what it is planned to once the mode carries it.
type OneWay = super::scene::Case;
type Case = (&'static str, fn(&mut Scene), bool, bool);

/// What two-way plans, and whether comment-only and Sentinel to Halo carry it.
const TABLE: [Case; 13] = [
    ("the comment that names the ticket", |s| s.policy.link_comment = true, false, false),
    ("a comment", |s| drop(s.comment(1, "words")), true, true),
    (
        "a note",
        |s| {
            s.note(3, "<p>words</p>");
        },
        false,
        false,
    ),
    ("a severity", |s| s.incident.severity = crate::domain::incident::Severity::High, false, true),
    ("an agent", |s| s.ticket().agent_id = Some(5), false, false),
    ("a closing in Sentinel", |s| s.close_incident(Classification::Undetermined, None), false, true),
    ("a closing in Halo", |s| s.close_ticket(Some(2)), false, false),
    ("the question for a classification", |s| s.close_ticket(None), false, true),
    ("an incident opened again: its ticket too", incident_opened_again, false, true),
    (
        "an incident opened again: another ticket",
        |s| {
            incident_opened_again(s);
            s.policy.reopened_in_sentinel = ReopenRule::NewTicket;
        },
        false,
        true,
    ),
    ("a ticket opened again: its incident too", ticket_opened_again, false, false),
    (
        "a ticket opened again: the incident is told",
        |s| {
            ticket_opened_again(s);
            s.policy.reopened_in_halo = ReopenRule::Note;
        },
        false,
        false,
    ),
    (
        "a merge: the ticket is told",
        |s| {
            s.redirect();
            let incident = IncidentId::new("99999999-2222-4333-8444-555555555555");
            let ticket = Some(TicketId(71));
            s.merge =
                Merge::Into(Survivor { incident, name: "#9".into(), pair: Some(s.pair.id), ticket, apart: false });
        },
        false,
        true,
    ),
];

#[test]
fn what_waits_is_taken_back_where_the_mode_in_force_does_not_carry_it() {
    for (name, change, comment_only, one_way) in TABLE {
        let mut scene = in_step();
        change(&mut scene);
        let planned = scene.plan();
        assert_eq!(planned.operations.len(), 1, "{name}: {planned:?}");
        let before = scene.pair.base.clone();
        scene.queue(&planned);
        let modes = [
            (Mode::Off, false),
            (Mode::Observe, false),
            (Mode::CommentOnly, comment_only),
            (Mode::SentinelToHalo, one_way),
            (Mode::TwoWay, true),
        ];
        for (mode, carried) in modes {
            scene.workspace.mode = mode;
            let found = scene.plan();
            assert_eq!(found.void.is_empty(), carried, "{name} waits in {mode:?}: {found:?}");
            assert_eq!(carries(mode, &scene.operations[0].kind), carried, "{name} in {mode:?}");
            assert!(found.operations.is_empty(), "{name} in {mode:?}: {:?}", found.operations);
        }
        // Nor is it planned in such a mode.
        scene.operations.clear();
        scene.pair.base = before;
        for (mode, carried) in modes.into_iter().skip(2) {
            scene.workspace.mode = mode;
            assert!(carried || scene.plan().operations.is_empty(), "{name} planned in {mode:?}");
        }
    }
}

#[test]
fn nothing_reaches_sentinel_but_in_two_way() {
    for (name, change, ..) in TABLE {
        let mut scene = in_step();
        change(&mut scene);
        for planned in scene.plan().operations {
            let back = planned.kind.side() == Side::Sentinel;
            for mode in [Mode::Off, Mode::Observe, Mode::CommentOnly, Mode::SentinelToHalo] {
                assert!(!back || !carries(mode, &planned.kind), "{name} in {mode:?}");
            }
            assert!(carries(Mode::TwoWay, &planned.kind), "{name}");
        }
    }
}

#[test]
fn what_an_agent_changed_in_a_one_way_mode_crosses_once_the_mode_carries_it() {
    let both = FieldRule { direction: Direction::Both, when: When::Always, wins: Wins::Newest };
    let cases: [OneWay; 4] = [
        ("owner", |s| s.ticket().agent_id = Some(5), "incident owner=amira@soc.example because changed-in-halo"),
        ("priority", |s| s.ticket().priority_id = Some(2), "incident severity=High because changed-in-halo"),
        ("title", |s| s.ticket().summary = "Renamed".into(), "incident title=Renamed because changed-in-halo"),
        ("labels", |s| s.field(121, "vip"), "incident label+vip because changed-in-halo"),
    ];
    for (name, change, carried) in cases {
        let mut scene = in_step();
        (scene.policy.severity, scene.policy.owner, scene.policy.title) = (both, both, both);
        scene.policy.labels = Some(LabelMapping { field: Ref::Name("CFLabels".into()), rule: both });
        scene.workspace.mode = Mode::SentinelToHalo;
        scene.field(121, "");
        let first = scene.plan();
        assert_eq!(words(&first), "in-step healthy -", "{name}");
        scene.queue(&first);
        change(&mut scene);
        for _ in 0..2 {
            let found = scene.plan();
            assert_eq!(words(&found), "behind healthy mode-one-way", "{name}");
            scene.queue(&found);
        }
        scene.workspace.mode = Mode::TwoWay;
        assert_eq!(words(&scene.plan()), format!("{carried}; behind waiting changed-in-halo"), "{name}");
    }
}

#[test]
fn in_comment_only_a_pair_whose_values_differ_is_behind() {
    let cases: [OneWay; 6] = [
        ("severity", |s| s.incident.severity = crate::domain::incident::Severity::High, "behind healthy mode-one-way"),
        ("agent", |s| s.ticket().agent_id = Some(5), "behind healthy mode-one-way"),
        ("status", |s| s.ticket().status_id = Some(super::scene::NEW), "behind healthy mode-one-way"),
        ("a closing", |s| s.close_ticket(None), "behind healthy mode-one-way"),
        ("a status nobody mapped", |s| s.ticket().status_id = Some(super::scene::HOLD), "behind healthy mode-one-way"),
        ("nothing", |_| (), "in-step healthy -"),
    ];
    for (name, change, expected) in cases {
        let mut scene = in_step();
        scene.workspace.mode = Mode::CommentOnly;
        change(&mut scene);
        for _ in 0..2 {
            let found = scene.plan();
            assert_eq!(words(&found), expected, "{name}");
            scene.queue(&found);
        }
    }
}

#[test]
fn what_is_under_way_is_waited_for_in_every_mode() {
    let mut scene = in_step();
    ticket_opened_again(&mut scene);
    let planned = scene.plan();
    scene.queue(&planned);
    scene.operations[0].state = OperationState::Sending { since: at("2026-03-01T12:00:00Z") };
    scene.workspace.mode = Mode::SentinelToHalo;
    let found = scene.plan();
    assert!(found.void.is_empty() && found.operations.is_empty(), "{found:?}");
    assert!(matches!(scene.operations[0].kind, OperationKind::UpdateIncident { .. }));
}

/// A change that words of our own tell of once, and what two-way plans for it.
const SAID_ONCE: [OneWay; 3] = [
    (
        "a reopening in Sentinel",
        |s| {
            s.policy.reopened_in_sentinel = ReopenRule::Note;
            reopen_incident(s);
        },
        "own note because incident-reopened; behind waiting incident-reopened",
    ),
    (
        "a reopening in Halo",
        |s| {
            s.policy.reopened_in_halo = ReopenRule::Note;
            reopen_ticket(s);
        },
        "comment of ticket because ticket-reopened; behind waiting ticket-reopened",
    ),
    (
        "a closing on both sides",
        |s| {
            s.close_ticket(Some(2));
            s.close_incident(Classification::FalsePositive, Some("InaccurateData"));
        },
        "own note because incident-closed; comment of ticket because ticket-closed; behind waiting incident-closed",
    ),
];

#[test]
fn what_is_said_once_is_said_when_the_mode_no_longer_only_observes() {
    for (name, change, told) in SAID_ONCE {
        let mut scene = in_step();
        scene.workspace.mode = Mode::Observe;
        change(&mut scene);
        for _ in 0..2 {
            let found = scene.plan();
            assert_eq!(words(&found), "behind waiting mode-observe", "{name}");
            scene.queue(&found);
        }
        scene.workspace.mode = Mode::TwoWay;
        let found = scene.plan();
        assert_eq!(words(&found), told, "{name}");
        scene.queue(&found);
        assert!(scene.plan().operations.is_empty(), "{name}: once");
    }
}

#[test]
fn a_reopening_after_closings_that_were_only_observed_is_no_closing() {
    let mut scene = in_step();
    let open = scene.incident.status.clone();
    scene.workspace.mode = Mode::Observe;
    scene.close_ticket(Some(2));
    scene.close_incident(Classification::FalsePositive, Some("InaccurateData"));
    let closed = scene.plan();
    scene.queue(&closed);
    scene.incident.status = open;
    scene.incident.classification = None;
    scene.incident.classification_reason = None;
    scene.incident.modified = Some(at("2026-03-01T11:58:00Z"));
    let observed = scene.plan();
    scene.queue(&observed);
    scene.workspace.mode = Mode::TwoWay;
    let found = scene.plan();
    let to_incident = |kind: &OperationKind| matches!(kind, OperationKind::UpdateIncident { .. });
    assert!(!found.operations.iter().any(|planned| to_incident(&planned.kind)), "{}", words(&found));
    assert!(words(&found).contains("ticket status=2 because incident-reopened"), "{}", words(&found));
}

#[test]
fn what_is_said_once_and_was_taken_back_is_planned_afresh() {
    for (name, change, told) in SAID_ONCE {
        for mode in [Mode::Off, Mode::Observe, Mode::CommentOnly] {
            let mut scene = in_step();
            change(&mut scene);
            let planned = scene.plan();
            assert_eq!(words(&planned), told, "{name}");
            scene.queue(&planned);
            scene.workspace.mode = mode;
            for _ in 0..2 {
                let found = scene.plan();
                scene.queue(&found);
                assert!(scene.operations.is_empty(), "{name} in {mode:?}: {:?}", scene.operations);
            }
            scene.workspace.mode = Mode::TwoWay;
            let found = scene.plan();
            assert_eq!(words(&found), told, "{name} after {mode:?}");
            if name == "a closing on both sides" {
                assert!(said(&found).starts_with("Closed in Microsoft Sentinel as False positive"), "{}", said(&found));
                assert_eq!(comments(&found), comments(&planned), "{mode:?}");
            }
            scene.queue(&found);
            assert!(scene.plan().operations.is_empty(), "{name} after {mode:?}: once");
        }
    }
}

#[test]
fn what_is_said_once_is_remembered_where_another_write_is_found_to_stand_there() {
    let mut scene = in_step();
    scene.comment(1, "please look");
    let plan = scene.plan();
    let OperationKind::AddNote { note, .. } = &plan.operations[0].kind else { panic!("{}", words(&plan)) };
    scene.queue(&plan);
    scene.give_up();
    scene.close_ticket(Some(2));
    scene.close_incident(Classification::FalsePositive, Some("InaccurateData"));
    let closed = scene.plan();
    assert_eq!(closed.operations.len(), 2, "{}", words(&closed));
    scene.queue(&closed);
    scene.note(8, &note.html).agent_id = Some(99);
    scene.workspace.mode = Mode::CommentOnly;
    let found = scene.plan();
    assert_eq!(found.void.len(), 3, "{:?}", found.void);
    let base = found.base.as_ref().expect("there is something left to be said");
    assert!(base.unsaid.is_some() && base.unsaid_back.is_some(), "{base:?}");
    scene.queue(&found);
    assert!(scene.operations.is_empty(), "{:?}", scene.operations);
}

fn comments(plan: &Plan) -> Vec<&str> {
    let messages = plan.operations.iter().filter_map(|planned| match &planned.kind {
        OperationKind::AddComment { message, .. } => Some(message.as_str()),
        _ => None,
    });
    messages.collect()
}

#[test]
fn of_a_closing_on_both_sides_the_incident_is_told_once_the_mode_carries_it() {
    let mut scene = in_step();
    scene.workspace.mode = Mode::SentinelToHalo;
    scene.close_ticket(Some(2));
    scene.close_incident(Classification::FalsePositive, Some("InaccurateData"));
    let plan = scene.plan();
    assert_eq!(words(&plan), "own note because incident-closed; behind waiting incident-closed");
    let OperationKind::AddNote { note, .. } = &plan.operations[0].kind else { panic!("a note") };
    scene.note(3, &note.html).agent_id = Some(99);
    if let Some(base) = plan.base.clone() {
        scene.pair.base = base;
    }
    let waits = scene.plan();
    assert_eq!(waits.operations, []);
    scene.queue(&waits);
    let closed = scene.clone();
    scene.workspace.mode = Mode::TwoWay;
    let found = scene.plan();
    assert_eq!(words(&found), "comment of ticket because ticket-closed; behind waiting ticket-closed");
    assert!(comments(&found)[0].contains("Classification in Halo: False positive"), "{:?}", comments(&found));
    scene.queue(&found);
    let again = scene.plan();
    assert!(again.operations.is_empty(), "once: {}", words(&again));
    assert_eq!(again.base.map(|base| base.unsaid_back), Some(None));
    // Open again by then: the closing is over.
    let mut scene = closed;
    scene.incident.status = IncidentStatus::Active;
    scene.incident.classification = None;
    scene.incident.modified = Some(at("2026-03-01T11:58:00Z"));
    scene.workspace.mode = Mode::TwoWay;
    let found = scene.plan();
    assert!(comments(&found).is_empty(), "{}", words(&found));
}
