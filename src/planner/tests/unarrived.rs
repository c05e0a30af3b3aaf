//! Changes of ours that were given up with their outcome unknown: how long what shows on a record counts as theirs.

use serde_json::json;

use super::scene::{CLOSED, NEW, Scene, WORKING, at, in_step, words};
use crate::{
    domain::{
        closing::Classification,
        failure::Side,
        incident::{IncidentStatus, Severity},
        operation::{OperationKind, OperationState},
        policy::{Direction, FieldRule, When, Wins},
        reason::Reason,
        ticket::TicketChange,
    },
    planner::{Plan, situation::Seen},
};

const SIDES: [Side; 2] = [Side::Sentinel, Side::Halo];

fn say(scene: &mut Scene, side: Side, high: bool) {
    match side {
        Side::Sentinel => scene.incident.severity = if high { Severity::High } else { Severity::Medium },
        Side::Halo => scene.ticket().priority_id = Some(if high { 2 } else { 3 }),
    }
}

fn give_up(scene: &mut Scene) {
    scene.operations[0].attempts = 1;
    scene.operations[0].state = OperationState::Dead { at: at("2026-03-01T12:05:00Z"), reason: Reason::OutcomeUnknown };
}

/// A change of the severity to `side` was given up at five past twelve, and who asked for it went back.
fn given_up(side: Side) -> Scene {
    let asking = if side == Side::Halo { Side::Sentinel } else { Side::Halo };
    let mut scene = in_step();
    scene.policy.severity = FieldRule { direction: Direction::Both, when: When::Always, wins: Wins::Sentinel };
    say(&mut scene, asking, true);
    let planned = scene.plan();
    scene.queue(&planned);
    assert_eq!(scene.operations.len(), 1, "{}", words(&planned));
    give_up(&mut scene);
    say(&mut scene, asking, false);
    scene
}

/// These sides are read, and what follows is recorded.
fn read(scene: &mut Scene, now: &str, sides: &[Side]) -> Plan {
    let before = |side: Side| sides.contains(&side).then(|| at("2026-03-01T11:00:00Z"));
    scene.seen = Seen { sentinel: before(Side::Sentinel), halo: before(Side::Halo) };
    scene.now = at(now);
    let plan = scene.plan();
    scene.queue(&plan);
    plan
}

fn ours(side: Side) -> &'static str {
    match side {
        Side::Sentinel => "incident severity=Medium because changed-in-halo",
        Side::Halo => "ticket priority=3 because changed-in-sentinel",
    }
}

fn theirs(side: Side) -> &'static str {
    match side {
        Side::Sentinel => "ticket priority=2 because changed-in-sentinel",
        Side::Halo => "incident severity=High because changed-in-halo",
    }
}

#[test]
fn what_shows_late_is_ours_as_long_as_no_later_reading_lacked_it() {
    for side in SIDES {
        let other: &[Side] = if side == Side::Halo { &[Side::Sentinel] } else { &[Side::Halo] };
        let table: [(&str, &str, &[Side]); 3] = [
            ("read just after it was given up", "2026-03-01T12:15:00Z", &SIDES),
            ("only the other side was read", "2026-03-01T16:00:00Z", other),
            ("neither side was read", "2026-03-01T16:00:00Z", &[]),
        ];
        for (name, now, sides) in table {
            let mut scene = given_up(side);
            let plan = read(&mut scene, now, sides);
            assert!(plan.void.is_empty() && scene.pair.base.unarrived.is_empty(), "{side:?}: {name}");
            say(&mut scene, side, true);
            let found = read(&mut scene, "2026-03-02T09:00:00Z", &SIDES);
            assert!(words(&found).starts_with(ours(side)), "{side:?}: {name}: {}", words(&found));
            assert_eq!(found.void.len(), 1, "{side:?}: {name}: {:?}", found.void);
        }
    }
}

#[test]
fn what_a_person_sets_hours_after_a_reading_lacked_it_is_theirs() {
    for side in SIDES {
        let mut scene = given_up(side);
        for now in ["2026-03-01T13:00:00Z", "2026-03-01T14:00:00Z"] {
            let plan = read(&mut scene, now, &[side]);
            assert_eq!(words(&plan), "behind needs-you outcome-unknown", "{side:?}: its dead letter stays");
            assert!(plan.void.is_empty() && scene.operations.len() == 1, "{side:?}: {:?}", plan.void);
        }
        say(&mut scene, side, true);
        let found = read(&mut scene, "2026-03-01T16:00:00Z", &SIDES);
        assert!(words(&found).starts_with(theirs(side)), "{side:?}: {}", words(&found));
        assert_eq!(scene.operations.len(), 1, "{side:?}: nothing is left to be asked: {:?}", found.void);
        // That it was so is forgotten with the dead letter.
        read(&mut scene, "2026-03-01T16:01:00Z", &SIDES);
        assert!(scene.pair.base.unarrived.is_empty(), "{side:?}");
    }
    // An incident is listed when it changes: up to the last list it was as it was known.
    let mut scene = given_up(Side::Sentinel);
    say(&mut scene, Side::Sentinel, true);
    scene.seen.sentinel = Some(at("2026-03-01T15:00:00Z"));
    scene.now = at("2026-03-01T16:00:00Z");
    let found = words(&scene.plan());
    assert!(found.starts_with(theirs(Side::Sentinel)), "{found}");
}

#[test]
fn a_write_that_is_looked_for_again_may_arrive_again() {
    for side in SIDES {
        let mut scene = given_up(side);
        read(&mut scene, "2026-03-01T13:00:00Z", &SIDES);
        assert_eq!(scene.pair.base.unarrived.len(), 1, "{side:?}");
        let since = at("2026-03-01T13:30:00Z");
        scene.operations[0].state = OperationState::OutcomeUnknown { since, look: since, looks: 0, failed: 0 };
        read(&mut scene, "2026-03-01T13:30:00Z", &SIDES);
        assert!(scene.pair.base.unarrived.is_empty(), "{side:?}");
        say(&mut scene, side, true);
        let found = read(&mut scene, "2026-03-01T13:31:00Z", &SIDES);
        let echo = found.operations.iter().any(|planned| planned.kind.side() != side);
        assert!(!echo, "{side:?}: {}", words(&found));
    }
}

/// A row of a list tells no custom fields, and nothing is told of a ticket at another client.
#[test]
fn what_a_reading_does_not_tell_is_not_lacking() {
    let table = [
        ("a row", json!({ "id": 70 }), 12, false),
        ("by its id", json!({ "id": 70, "customfields": [] }), 12, true),
        ("at another client", json!({ "id": 70, "customfields": [] }), 13, false),
    ];
    for (name, raw, client, lacking) in table {
        let mut scene = given_up(Side::Halo);
        let change = TicketChange { custom_fields: vec![(120, json!("New"))], ..TicketChange::default() };
        scene.operations[0].kind = OperationKind::UpdateTicket { change };
        let ticket = scene.ticket();
        (ticket.raw, ticket.client_id) = (raw.into(), Some(client));
        read(&mut scene, "2026-03-01T13:00:00Z", &SIDES);
        assert_eq!(!scene.pair.base.unarrived.is_empty(), lacking, "{name}");
    }
    let mut scene = given_up(Side::Sentinel);
    scene.client.halo.as_mut().expect("it is bound").halo_client_id = 13;
    read(&mut scene, "2026-03-01T13:00:00Z", &SIDES);
    assert!(scene.pair.base.unarrived.is_empty(), "its workspace is another client's");
}

/// As Halo says it: it was sent and accepted, and the ticket is in another status.
#[test]
fn a_refused_change_of_status_is_over_once_somebody_made_it_by_hand() {
    let mut scene = in_step();
    (scene.pair.base.incident_status, scene.pair.base.status_id) = (Some(IncidentStatus::New), Some(NEW));
    scene.ticket().status_id = Some(NEW);
    let moved = "ticket status=2 because changed-in-sentinel; behind waiting changed-in-sentinel";
    let planned = scene.plan();
    assert_eq!(words(&planned), moved);
    scene.queue(&planned);
    scene.give_up();
    assert_eq!(words(&scene.plan()), "behind needs-you refused", "it waits for a person");
    // An agent sets it.
    scene.ticket().status_id = Some(WORKING);
    let found = scene.plan();
    assert_eq!(words(&found), "in-step healthy -");
    scene.queue(&found);
    assert!(scene.operations.is_empty(), "{:?}", found.void);
    // Nor does it keep the next one back.
    scene.incident.status = IncidentStatus::New;
    scene.ticket().status_id = Some(NEW);
    let found = scene.plan();
    scene.queue(&found);
    scene.incident.status = IncidentStatus::Active;
    assert_eq!(words(&scene.plan()), moved);
}

/// In whatever words, and whatever they chose.
#[test]
fn a_refused_closing_is_over_once_somebody_closed_the_record_by_hand() {
    let mut scene = in_step();
    scene.close_incident(Classification::Undetermined, None);
    let planned = scene.plan();
    scene.queue(&planned);
    scene.give_up();
    assert_eq!(words(&scene.plan()), "behind needs-you refused");
    let refused = scene.operations[0].id;
    let ticket = scene.ticket();
    (ticket.closed, ticket.status_id) = (true, Some(CLOSED));
    let found = scene.plan();
    assert_eq!(found.void.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [refused], "{}", words(&found));
    assert!(!words(&found).contains("needs-you"), "{}", words(&found));

    let mut scene = in_step();
    scene.close_ticket(Some(2));
    let planned = scene.plan();
    scene.queue(&planned);
    scene.give_up();
    assert_eq!(words(&scene.plan()), "behind needs-you refused");
    scene.close_incident(Classification::Undetermined, None);
    let found = scene.plan();
    assert_eq!(found.void.len(), 1, "{}", words(&found));
    assert!(!words(&found).contains("needs-you"), "{}", words(&found));
}
