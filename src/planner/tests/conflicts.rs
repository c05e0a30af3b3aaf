//! Both sides moved: who wins, what waits for a person, and the brake on a status that flips.

use jiff::Timestamp;
use proptest::prelude::*;

use super::scene::{CLOSED, HOLD, NEW, Scene, WORKING, at, check, in_step, words};
use crate::{
    domain::{
        closing::Classification,
        decision::Decision,
        failure::Side,
        incident::{IncidentStatus, Owner, Severity},
        operation::{OperationKind, OperationState},
        pair::{Move, Moves, SyncState},
        policy::{Direction, FieldRule, When, Wins},
        reason::Reason,
    },
    planner::{conflict, plan::Planned, situation::Seen},
};

/// Severity High in Sentinel at `sentinel`, priority low in Halo at `halo`; each side was last seen otherwise at `seen`.
fn both(s: &mut Scene, wins: Wins, (sentinel, halo): (&str, &str), seen: (&str, &str)) {
    s.policy.severity = FieldRule { direction: Direction::Both, when: When::Always, wins };
    s.incident.severity = Severity::High;
    s.incident.modified = Some(at(sentinel));
    s.ticket().priority_id = Some(4);
    s.ticket().last_update = Some(at(halo));
    s.seen = Seen { sentinel: Some(at(seen.0)), halo: Some(at(seen.1)) };
}

const TO_HALO: &str = "ticket priority=2 because changed-in-sentinel; behind waiting changed-in-sentinel";
const TO_SENTINEL: &str = "incident severity=Low because changed-in-halo; behind waiting changed-in-halo";

#[test]
fn the_newer_value_wins_where_it_can_be_told() {
    check(&[
        (
            "Halo changed after Sentinel had",
            |s| {
                both(
                    s,
                    Wins::Newest,
                    ("2026-03-01T11:10:00Z", "2026-03-01T11:40:00Z"),
                    ("2026-03-01T11:00:00Z", "2026-03-01T11:39:40Z"),
                )
            },
            TO_SENTINEL,
        ),
        (
            "Sentinel changed after Halo had",
            |s| {
                both(
                    s,
                    Wins::Newest,
                    ("2026-03-01T11:40:00Z", "2026-03-01T11:10:00Z"),
                    ("2026-03-01T11:30:00Z", "2026-03-01T11:09:40Z"),
                )
            },
            TO_HALO,
        ),
        (
            "the windows overlap: the fixed rule, for severity Sentinel",
            |s| {
                both(
                    s,
                    Wins::Newest,
                    ("2026-03-01T11:10:00Z", "2026-03-01T11:40:00Z"),
                    ("2026-03-01T11:00:00Z", "2026-03-01T11:05:00Z"),
                )
            },
            TO_HALO,
        ),
        (
            "closer than two clocks can be trusted",
            |s| {
                both(
                    s,
                    Wins::Newest,
                    ("2026-03-01T11:10:00Z", "2026-03-01T11:10:09Z"),
                    ("2026-03-01T11:00:00Z", "2026-03-01T11:10:08Z"),
                )
            },
            TO_HALO,
        ),
        (
            "Sentinel's by rule",
            |s| {
                both(
                    s,
                    Wins::Sentinel,
                    ("2026-03-01T11:10:00Z", "2026-03-01T11:40:00Z"),
                    ("2026-03-01T11:00:00Z", "2026-03-01T11:39:40Z"),
                )
            },
            TO_HALO,
        ),
        (
            "Halo's by rule",
            |s| {
                both(
                    s,
                    Wins::Halo,
                    ("2026-03-01T11:40:00Z", "2026-03-01T11:10:00Z"),
                    ("2026-03-01T11:30:00Z", "2026-03-01T11:09:40Z"),
                )
            },
            TO_SENTINEL,
        ),
        (
            "a status goes by Halo where it cannot be told",
            |s| {
                s.incident.status = IncidentStatus::New;
                s.ticket().status_id = Some(HOLD);
                s.policy.statuses_back = vec![(crate::domain::catalogue::Ref::Name("On Hold".into()), "Active".into())];
            },
            "incident status=Active because changed-in-halo; behind waiting changed-in-halo",
        ),
        (
            "an owner goes by Sentinel",
            |s| {
                s.incident.owner = Owner { email: Some("amira@soc.example".into()), ..Owner::default() };
                s.ticket().agent_id = Some(6);
            },
            "ticket agent=5 because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
    ]);
}

/// Of two values one may be what had crossed by then: a restored database does not know, and the fixed rule would give an
/// agent's later choice up for it.
#[test]
fn what_both_sides_changed_in_a_forgotten_time_is_asked_about() {
    let asked = "behind needs-you conflict";
    let cases = [
        (None, "11:05", TO_HALO),
        (Some("11:30"), "11:05", asked),
        // The ticket was read after the restore, and had not moved then.
        (Some("11:02"), "11:05", TO_HALO),
        // Nor is it asked about where it can be told.
        (Some("11:45"), "11:39", TO_SENTINEL),
    ];
    for (forgotten, seen, expected) in cases {
        let mut scene = in_step();
        let moment = |at: &str| format!("2026-03-01T{at}:00Z");
        let moved = ("2026-03-01T11:10:00Z", "2026-03-01T11:40:00Z");
        both(&mut scene, Wins::Newest, moved, ("2026-03-01T11:00:00Z", moment(seen).as_str()));
        scene.forgotten = forgotten.map(|until| at(&moment(until)));
        assert_eq!(words(&scene.plan()), expected, "{forgotten:?} {seen}");
        scene.policy.severity.wins = Wins::Sentinel;
        assert_eq!(words(&scene.plan()), TO_HALO, "the policy names the side that wins");
    }
    // Long after the restore nothing of that time moves any more, whatever was read before a start.
    let mut scene = in_step();
    both(
        &mut scene,
        Wins::Newest,
        ("2026-03-01T11:10:00Z", "2026-03-01T11:40:00Z"),
        ("2026-02-01T11:00:00Z", "2026-02-01T11:05:00Z"),
    );
    scene.forgotten = Some(at("2026-02-11T00:00:00Z"));
    assert_eq!(words(&scene.plan()), TO_HALO);
    // A person chooses, once.
    let mut scene = in_step();
    let moved = ("2026-03-01T11:10:00Z", "2026-03-01T11:40:00Z");
    both(&mut scene, Wins::Newest, moved, ("2026-03-01T11:00:00Z", "2026-03-01T11:00:00Z"));
    scene.forgotten = Some(at("2026-03-01T11:45:00Z"));
    let plan = scene.plan();
    let Some(Reason::Conflict { field, sentinel, halo }) = plan.items().first().cloned() else { panic!("{plan:?}") };
    scene.pair.base = plan.base.expect("when they moved is known");
    scene.pair.decisions.push(Decision::Take { field, side: Side::Halo, sentinel, halo });
    assert_eq!(words(&scene.plan()), TO_SENTINEL);
}

/// A change of ours that was sent and shows on the incident, before its answer is known, is no move of an analyst's.
/// How a write stands that was sent and whose answer is not recorded.
fn sent() -> [(OperationState, u32); 3] {
    let now = at("2026-03-01T12:00:00Z");
    [
        (OperationState::Sending { since: now }, 1),
        (OperationState::OutcomeUnknown { since: now, look: now, looks: 0, failed: 0 }, 1),
        (OperationState::Planned { ready: now }, 1),
    ]
}

#[test]
fn what_we_sent_ourselves_is_no_move_of_an_analysts() {
    for (state, attempts) in sent() {
        let mut scene = in_step();
        scene.policy.severity = FieldRule { direction: Direction::Both, when: When::Always, wins: Wins::Sentinel };
        let before = scene.incident.severity.clone();
        scene.ticket().priority_id = Some(2);
        let planned = scene.plan();
        scene.queue(&planned);
        assert!(matches!(
            &scene.operations[0].kind,
            OperationKind::UpdateIncident { change } if change.severity == Some(Severity::High)
        ));
        (scene.operations[0].state, scene.operations[0].attempts) = (state, attempts);
        scene.incident.severity = Severity::High;
        // the agent goes on meanwhile
        scene.ticket().priority_id = Some(4);
        let found = scene.plan();
        assert_ne!(before, Severity::High);
        let back = |planned: &Planned| matches!(&planned.kind, OperationKind::UpdateIncident { change } if change.severity == Some(Severity::Low));
        // While its outcome is not known the next one waits.
        let under_way = !matches!(scene.operations[0].state, OperationState::Planned { .. });
        assert_eq!(found.operations.iter().any(back), !under_way, "{found:#?}");
        assert_ne!(found.state.sync, SyncState::InStep);
        assert!(!found.operations.iter().any(|planned| matches!(planned.kind, OperationKind::UpdateTicket { .. })));
        // It is kept: should the change be planned anew, nobody else knows that it was ours.
        assert_eq!(found.base.and_then(|base| base.severity), Some(Severity::High));
    }
}

/// The same of a ticket: our own closing is no agent's, and nobody is told that both sides closed it.
#[test]
fn our_own_closing_of_a_ticket_is_no_agents() {
    for (state, attempts) in sent() {
        let mut scene = in_step();
        scene.close_incident(Classification::Undetermined, None);
        let planned = scene.plan();
        scene.queue(&planned);
        assert!(
            matches!(&scene.operations[0].kind, OperationKind::UpdateTicket { change } if change.status_id == Some(CLOSED))
        );
        (scene.operations[0].state, scene.operations[0].attempts) = (state, attempts);
        // Read as a row of the list, which has no custom fields.
        scene.close_ticket(None);
        let found = scene.plan();
        let says = |planned: &Planned| !matches!(planned.kind, OperationKind::UpdateTicket { .. });
        assert!(!found.operations.iter().any(says), "{}", words(&found));
        assert!(found.base.is_some_and(|base| crate::planner::closing::both_closed(&base)));
    }
}

/// Who goes back to what was agreed on, after a change of ours arrived whose answer was lost, has moved all the same.
#[test]
fn who_goes_back_after_a_change_of_ours_is_heard() {
    let planned_again = || (OperationState::Planned { ready: at("2026-03-01T12:00:00Z") }, 1);
    let mut scene = in_step();
    scene.policy.severity = FieldRule { direction: Direction::Both, when: When::Always, wins: Wins::Sentinel };
    let before = (scene.ticket().priority_id, scene.incident.severity.clone());
    scene.ticket().priority_id = Some(2);
    let planned = scene.plan();
    scene.queue(&planned);
    (scene.operations[0].state, scene.operations[0].attempts) = planned_again();
    scene.incident.severity = Severity::High;
    scene.ticket().priority_id = before.0;
    let found = words(&scene.plan());
    assert!(found.starts_with("incident severity=Medium because changed-in-halo"), "{found}");
    let mut scene = in_step();
    scene.close_incident(Classification::Undetermined, None);
    let planned = scene.plan();
    scene.queue(&planned);
    (scene.operations[0].state, scene.operations[0].attempts) = planned_again();
    scene.close_ticket(None);
    scene.incident.status = IncidentStatus::Active;
    let found = words(&scene.plan());
    assert!(found.starts_with("ticket status=2 because incident-reopened"), "{found}");
}

/// What the first write in the queue asks for stands on its record.
fn carry_out(scene: &mut Scene) {
    match scene.operations[0].kind.clone() {
        OperationKind::UpdateTicket { change } => {
            let ticket = scene.ticket();
            ticket.status_id = change.status_id.or(ticket.status_id);
            ticket.closed = ticket.status_id == Some(CLOSED);
            ticket.agent_id = change.agent_id.or(ticket.agent_id);
            ticket.closure_note = change.closure_note;
            for (id, value) in change.custom_fields {
                scene.field(id, &crate::planner::fields::mapped::plain(&value));
            }
        }
        OperationKind::UpdateIncident { change } => {
            scene.incident.severity = change.severity.expect("it changes the severity");
        }
        other => panic!("no change of a record: {other:?}"),
    }
}

/// Nobody looked for it any more, who asked for it has gone back since, and then its record shows it.
#[test]
fn a_change_that_shows_after_it_was_given_up_is_ours_and_asks_nobody() {
    type Does = fn(&mut Scene);
    let table: [(&str, Does, Does, &str); 3] = [
        (
            "an agent",
            |s| s.incident.owner.user_principal_name = Some("amira@soc.example".into()),
            |s| s.incident.owner = Owner::default(),
            "ticket agent=1",
        ),
        (
            "a closing",
            |s| s.close_incident(Classification::Undetermined, None),
            |s| {
                s.incident.status = IncidentStatus::Active;
                s.incident.classification = None;
            },
            "ticket status=2 field112=\"\" because incident-reopened",
        ),
        (
            "a severity",
            |s| {
                s.policy.severity = FieldRule { direction: Direction::Both, when: When::Always, wins: Wins::Sentinel };
                s.ticket().priority_id = Some(2);
            },
            |s| s.ticket().priority_id = Some(3),
            "incident severity=Medium because changed-in-halo",
        ),
    ];
    for (name, asks, goes_back, expected) in table {
        let mut scene = in_step();
        asks(&mut scene);
        let planned = scene.plan();
        scene.queue(&planned);
        assert_eq!(scene.operations.len(), 1, "{name}: {}", words(&planned));
        let at = at("2026-03-01T12:05:00Z");
        scene.operations[0].attempts = 1;
        scene.operations[0].state = OperationState::Dead { at, reason: Reason::OutcomeUnknown };
        goes_back(&mut scene);
        let given_up = scene.plan();
        assert!(given_up.void.is_empty(), "{name}: it does not show");
        scene.queue(&given_up);
        carry_out(&mut scene);
        let found = scene.plan();
        assert!(words(&found).starts_with(expected), "{name}: {}", words(&found));
        assert_eq!(found.void.len(), 1, "{name}: {:?}", found.void);
        // However often it is looked for: who asks for it again begins to count anew.
        let back = OperationState::OutcomeUnknown { since: at, look: at, looks: 0, failed: 0 };
        (scene.operations[0].state, scene.operations[0].attempts) = (back, 0);
        let found = scene.plan();
        let echo = |planned: &Planned| planned.kind.side() != scene.operations[0].kind.side();
        assert!(!found.operations.iter().any(echo), "{name}: {}", words(&found));
    }
}

#[test]
fn a_window_is_kept_while_the_change_waits() {
    let mut scene = in_step();
    scene.policy.severity = FieldRule::new(Direction::Both, When::Always);
    scene.incident.severity = Severity::High;
    scene.incident.modified = Some(at("2026-03-01T11:10:00Z"));
    scene.seen.sentinel = Some(at("2026-03-01T11:00:00Z"));
    let first = scene.plan();
    scene.queue(&first);
    // Halo is away for an hour; when it answers, an agent has changed the priority.
    scene.incident.modified = Some(at("2026-03-01T11:59:00Z"));
    scene.ticket().priority_id = Some(4);
    scene.ticket().last_update = Some(at("2026-03-01T11:50:00Z"));
    scene.seen = Seen { sentinel: None, halo: Some(at("2026-03-01T11:45:00Z")) };
    assert_eq!(words(&scene.plan()), TO_SENTINEL, "the severity changed at ten past, whatever else changed since");
}

#[test]
fn what_no_rule_settles_waits_with_both_values_until_a_person_chooses() {
    let asked = |s: &mut Scene| {
        both(
            s,
            Wins::Ask,
            ("2026-03-01T11:10:00Z", "2026-03-01T11:40:00Z"),
            ("2026-03-01T11:00:00Z", "2026-03-01T11:39:40Z"),
        );
    };
    let mut scene = in_step();
    asked(&mut scene);
    let plan = scene.plan();
    assert_eq!(words(&plan), "behind needs-you conflict");
    let conflict = Reason::Conflict { field: "severity".into(), sentinel: "High".into(), halo: "Low".into() };
    assert_eq!(plan.items(), std::slice::from_ref(&conflict));
    assert_eq!(conflict.words(), "The severity changed on both sides: the incident says “High”, the ticket “Low”.");
    scene.queue(&plan);
    assert_eq!(words(&scene.plan()), "behind needs-you conflict", "it waits");
    for (side, expected) in [(Side::Sentinel, TO_HALO), (Side::Halo, TO_SENTINEL)] {
        let mut scene = scene.clone();
        let take =
            |halo: &str| Decision::Take { field: "severity".into(), side, sentinel: "High".into(), halo: halo.into() };
        scene.pair.decisions = vec![take("Medium")];
        assert_eq!(words(&scene.plan()), "behind needs-you conflict", "a choice between other values means nothing");
        scene.pair.decisions.push(take("Low"));
        assert_eq!(words(&scene.plan()), expected);
    }
    // Somebody sets the same on both sides: settled without a choice.
    scene.ticket().priority_id = Some(2);
    let settled = scene.plan();
    assert_eq!(words(&settled), "in-step healthy -");
    assert!(settled.base.expect("agreed").moves.is_empty());
}

fn flip(scene: &mut Scene, n: i64) {
    scene.now = at("2026-03-01T12:00:00Z") + jiff::SignedDuration::from_mins(n);
    let status = if n % 2 == 0 { NEW } else { WORKING };
    scene.ticket().status_id = Some(status);
    scene.ticket().last_update = Some(scene.now);
    let plan = scene.plan();
    scene.queue(&plan);
    // The incident follows, and both agree.
    if plan.operations.iter().any(|p| matches!(p.kind, crate::domain::operation::OperationKind::UpdateIncident { .. }))
    {
        scene.incident.status = if n % 2 == 0 { IncidentStatus::New } else { IncidentStatus::Active };
        scene.operations.clear();
        let agreed = scene.plan();
        scene.queue(&agreed);
    }
}

#[test]
fn a_status_that_flips_too_often_is_held_until_a_person_lets_it_go_on() {
    let mut scene = in_step();
    assert_eq!(scene.policy.flips_per_hour, 6, "the default");
    for n in 0..6 {
        flip(&mut scene, n);
        assert_eq!(scene.pair.base.frozen, None, "flip {n}");
    }
    flip(&mut scene, 6);
    assert_eq!(words(&scene.plan()), "behind needs-you flapping");
    // It stays held, hours later too, and the conversation goes on.
    scene.now = at("2026-03-02T12:00:00Z");
    scene.comment(1, "what is going on?");
    assert_eq!(words(&scene.plan()), "note of comment because comment-added; behind needs-you flapping");
    let since = scene.pair.base.frozen.expect("held");
    scene.pair.decisions = vec![Decision::Thaw { at: since }];
    scene.comments = Some(Vec::new());
    let thawed = scene.plan();
    assert_eq!(words(&thawed), "incident status=New because changed-in-halo; behind waiting changed-in-halo");
    // Spread over hours it is no flapping.
    let mut scene = in_step();
    for n in 0..40 {
        flip(&mut scene, n * 11);
        assert_eq!(scene.pair.base.frozen, None, "change {n}");
    }
    let mut scene = in_step();
    scene.policy.flips_per_hour = 0;
    for n in 0..40 {
        flip(&mut scene, n);
    }
    assert_eq!(scene.pair.base.frozen, None, "0 never holds");
}

fn moved(after: Option<i64>, at: Option<i64>) -> Option<Move> {
    let time = |secs: i64| Timestamp::from_second(1_800_000_000 + secs).expect("in range");
    Some(Move { value: "x".into(), after: after.map(time), at: at.map(time) })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever truth fits the windows, the side called newest did move last.
    #[test]
    fn newest_is_never_called_wrongly(
        sentinel in (0_i64..2_000, 0_i64..600, 0_i64..600), halo in (0_i64..2_000, 0_i64..600, 0_i64..600), skew in -10_i64..=10
    ) {
        // When each side truly moved, how long before it was last seen otherwise, how long after it was first seen so.
        let window = |(true_at, before, after): (i64, i64, i64), skew: i64| moved(Some(true_at - before + skew), Some(true_at + after + skew));
        let moves = Moves { sentinel: window(sentinel, 0), halo: window(halo, skew) };
        match conflict::newest(&moves) {
            Some(Side::Sentinel) => prop_assert!(sentinel.0 >= halo.0),
            Some(Side::Halo) => prop_assert!(halo.0 >= sentinel.0),
            None => {}
        }
    }

    #[test]
    fn an_unknown_window_decides_nothing(after in proptest::option::of(0_i64..99), at in proptest::option::of(0_i64..99), which in any::<bool>()) {
        let known = moved(Some(5_000), Some(6_000));
        let unknown = moved(after.filter(|_| which), at.filter(|_| !which));
        prop_assert_eq!(conflict::newest(&Moves { sentinel: unknown.clone(), halo: unknown.clone() }), None);
        if at.is_none() || which {
            prop_assert_eq!(conflict::newest(&Moves { sentinel: unknown, halo: known }), None);
        }
    }

    /// No value is overwritten by one that both had agreed on before: only what moved crosses.
    #[test]
    fn a_value_that_did_not_move_never_overwrites_one_that_did(
        sentinel in any::<bool>(), halo in any::<bool>(), closed in any::<bool>()
    ) {
        let mut scene = in_step();
        scene.policy.severity = FieldRule::new(Direction::Both, When::Always);
        if sentinel { scene.incident.severity = Severity::High; }
        if halo { scene.ticket().priority_id = Some(4); }
        if closed { scene.close_incident(Classification::Undetermined, None); }
        for planned in scene.plan().operations {
            if let crate::domain::operation::OperationKind::UpdateTicket { change } = &planned.kind {
                prop_assert!(change.priority_id.is_none() || sentinel);
                prop_assert!(change.status_id != Some(CLOSED) || closed);
            }
            if let crate::domain::operation::OperationKind::UpdateIncident { change } = &planned.kind {
                prop_assert!(change.severity.is_none() || halo);
            }
        }
    }
}
