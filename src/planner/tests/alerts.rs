//! Alerts that join an incident after its ticket was made.

use std::collections::BTreeSet;

use serde_json::json;

use super::scene::{Scene, in_step, words};
use crate::{
    domain::{
        incident::Evidence,
        operation::{Operation, OperationKind},
        policy::{AfterClosing, LateAlerts},
        workspace::Mode,
    },
    planner::alerts,
};

fn alert(n: u32) -> serde_json::Value {
    json!({"name": format!("ALERT-{n}"), "kind": "SecurityAlert", "properties": {
        "systemAlertId": format!("ALERT-{n}"), "alertDisplayName": format!("Alert number {n} @all"), "severity": "High"}})
}

/// The ticket tells of alert 1; these are there.
fn scene(there: &[u32]) -> Scene {
    let mut scene = in_step();
    scene.policy.evidence = true;
    scene.evidence = Some(Evidence { alerts: there.iter().map(|n| alert(*n)).collect(), entities: Vec::new() });
    scene.pair.base.alerts = Some(BTreeSet::from(["alert-1".to_owned()]));
    scene
}

/// The queue's only operation is carried out.
fn done(scene: &mut Scene) {
    let [Operation { id, .. }] = scene.operations.as_slice() else { panic!("{:?}", scene.operations) };
    scene.pair.base = alerts::after(&scene.operations, *id, &scene.pair.base).expect("alerts were told of");
    scene.operations.clear();
}

#[test]
fn each_alert_that_joins_is_told_of_once_and_together() {
    let mut scene = scene(&[1]);
    assert_eq!(words(&scene.plan()), "in-step healthy -");
    scene.evidence.as_mut().expect("read").alerts.extend([alert(2), alert(3), alert(3)]);
    let plan = scene.plan();
    assert_eq!(words(&plan), "own note because alerts-joined; behind waiting alerts-joined");
    let OperationKind::AddNote { note, .. } = &plan.operations[0].kind else { panic!("{plan:?}") };
    assert!(note.private && note.html.contains("2 alerts joined incident #7"), "{}", note.html);
    assert!(note.html.contains("Alert number 2") && note.html.contains("Alert number 3"), "{}", note.html);
    assert!(!note.html.contains("Alert number 1") && !note.html.contains("@all"), "{}", note.html);
    scene.queue(&plan);
    assert!(scene.plan().operations.is_empty(), "it waits");
    // What joins meanwhile has a note of its own.
    scene.evidence.as_mut().expect("read").alerts.push(alert(4));
    assert_eq!(scene.plan().operations.len(), 1);
    scene.evidence.as_mut().expect("read").alerts.pop();
    done(&mut scene);
    assert_eq!(words(&scene.plan()), "in-step healthy -");
    // One that is gone from the incident takes nothing back.
    scene.evidence.as_mut().expect("read").alerts.truncate(1);
    assert_eq!(words(&scene.plan()), "in-step healthy -");
}

#[test]
fn alerts_that_join_are_told_of_as_the_policy_says() {
    let plan = |change: fn(&mut Scene)| {
        let mut scene = scene(&[1, 2]);
        change(&mut scene);
        words(&scene.plan())
    };
    let told = "own note because alerts-joined; behind waiting alerts-joined";
    assert_eq!(plan(|_| {}), told);
    assert_eq!(plan(|s| s.policy.late_alerts = LateAlerts::Ignore), "in-step healthy -");
    assert_eq!(plan(|s| s.policy.evidence = false), "in-step healthy -", "the ticket tells of no alerts at all");
    assert_eq!(plan(|s| s.workspace.mode = Mode::CommentOnly), "in-step healthy -", "only comments cross");
    assert_eq!(plan(|s| s.pair.base.alerts = None), "in-step healthy -", "nobody knows of which it tells");
    let shut = |s: &mut Scene| {
        s.close_incident(crate::domain::closing::Classification::Undetermined, None);
        s.close_ticket(Some(3));
        s.pair.base = s.plan().base.expect("both are closed");
    };
    let mut late = scene(&[1]);
    shut(&mut late);
    late.evidence.as_mut().expect("read").alerts.push(alert(2));
    assert!(words(&late.plan()).contains("own note because alerts-joined"));
    late.policy.after_closing_comments = AfterClosing::Ignore;
    assert!(words(&late.plan()).ends_with("in-step healthy after-closing"), "{}", words(&late.plan()));
}

/// The database knows of alert 1 alone; alerts 2 and 3 were told of, each in a note, and 4 was not.
#[test]
fn what_notes_of_a_forgotten_time_tell_is_not_told_again() {
    let mut scene = scene(&[1, 2]);
    let mut told = Vec::new();
    for n in [2, 3] {
        scene.evidence.as_mut().expect("read").alerts = vec![alert(1), alert(n)];
        let plan = scene.plan();
        let OperationKind::AddNote { note, .. } = &plan.operations[0].kind else { panic!("{plan:?}") };
        told.push(note.html.clone());
    }
    // Planned by what the backup knows, before those notes were read.
    scene.evidence.as_mut().expect("read").alerts = [1, 2, 3, 4].map(alert).to_vec();
    let plan = scene.plan();
    scene.queue(&plan);
    for (n, html) in (3..).zip(&told) {
        scene.note(n, html).agent_id = Some(99);
    }
    assert!(scene.plan().void.is_empty(), "a database that remembers all waits for it");
    scene.forgotten = Some(scene.now);
    let plan = scene.plan();
    assert_eq!(plan.void.len(), 1, "{plan:?}");
    let OperationKind::AddNote { note, .. } = &plan.operations[0].kind else { panic!("{plan:?}") };
    assert!(note.html.contains("An alert joined incident #7") && note.html.contains("Alert number 4"), "{}", note.html);
    let known = plan.base.as_ref().and_then(|base| base.alerts.clone()).expect("it knows them by now");
    assert_eq!(known, BTreeSet::from(["alert-1", "alert-2", "alert-3"].map(str::to_owned)));
    scene.queue(&plan);
    done(&mut scene);
    assert_eq!(words(&scene.plan()), "in-step healthy -");
    // What a person wrote about an alert tells of none.
    scene.evidence.as_mut().expect("read").alerts.push(alert(5));
    scene.note(9, "<p>ALERT-5 joined after this ticket was made.</p>");
    assert!(words(&scene.plan()).contains("own note because alerts-joined"), "{}", words(&scene.plan()));
}

#[test]
fn a_found_ticket_tells_of_the_alerts_in_its_details() {
    let known = BTreeSet::from(["alert-1".to_owned(), "alert-2".to_owned()]);
    let first = BTreeSet::from(["alert-1".to_owned()]);
    let mut ticket = in_step().ticket.expect("the scene has one");
    let cases = [
        (json!({ "id": 70 }), &known, "its details are not told"),
        (json!({ "details_html": "Incident id<h3>Alerts (1)</h3><td>ALERT-1</td>" }), &first, "one joined later"),
        (json!({ "details": "Incident id\nAlerts (1)\nalert-1" }), &first, "as text"),
        (json!({ "details": "Incident id\nALERT-1\n1 more are kept in Halobridge." }), &known, "they name some"),
        (json!({ "details": "Incident id\nAlerts (2)\nBeacon\nDump" }), &known, "they name none by its id"),
        (json!({ "details": "Incident id" }), &BTreeSet::new(), "it was made without alerts"),
        (json!({ "details": "As an agent wrote it." }), &known, "they are not ours any more"),
    ];
    for (raw, expected, name) in cases {
        ticket.raw = raw.into();
        assert_eq!(&alerts::drafted(known.clone(), &ticket), expected, "{name}");
    }
}

#[test]
fn a_dropped_note_about_alerts_stays_dropped_and_is_said() {
    let mut scene = scene(&[1, 2]);
    scene.plan_and_drop();
    let plan = scene.plan();
    assert!(plan.operations.is_empty() && plan.void.is_empty(), "{plan:?}");
    assert_eq!(plan.state.reason.map(|reason| reason.code()), Some("dropped"));
}
