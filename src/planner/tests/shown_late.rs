//! Changes of ours that were given up with their outcome unknown, and of which a ticket shows a part.

use serde_json::{Value, json};

use super::{
    fields::custom,
    scene::{CLOSED, Scene, WORKING, at, in_step, words},
};
use crate::{
    domain::{
        closing::Classification,
        incident::{IncidentStatus, Severity},
        operation::{OperationKind, OperationState},
        policy::{Direction, FieldMapping, FieldRule, FieldSource, When},
        reason::Reason,
    },
    planner::Planned,
};

/// Plans, and gives up what was planned: nobody knows whether it arrived.
fn given_up(scene: &mut Scene) {
    let planned = scene.plan();
    scene.queue(&planned);
    assert_eq!(scene.operations.len(), 1, "{}", words(&planned));
    scene.operations[0].attempts = 1;
    scene.operations[0].state = OperationState::Dead { at: at("2026-03-01T12:05:00Z"), reason: Reason::OutcomeUnknown };
}

/// The ticket is read by its id.
fn read(scene: &mut Scene) {
    scene.ticket().raw = json!({ "id": 70, "customfields": [] }).into();
}

fn change_of_ticket(planned: &Planned) -> bool {
    matches!(&planned.kind, OperationKind::UpdateTicket { change } if change.status_id.is_some())
}

/// Some instances hand out a select's value as a list of objects, and Halo may drop one.
#[test]
fn a_closing_whose_classification_shows_otherwise_after_it_was_given_up_is_ours_once() {
    let table: [(Value, Option<&str>); 2] =
        [(json!([{ "id": 3, "name": "Undetermined" }]), Some("3")), (json!(""), None)];
    for (stands, known) in table {
        let mut scene = in_step();
        scene.close_incident(Classification::Undetermined, None);
        given_up(&mut scene);
        let OperationKind::UpdateTicket { change } = scene.operations[0].kind.clone() else { panic!("it is closed") };
        assert_eq!(change.custom_fields, [(112, json!(3))]);
        scene.close_ticket(None);
        scene.ticket().closure_note = change.closure_note;
        assert!(scene.plan().void.is_empty(), "{stands}: a row of a list does not tell the rest");
        read(&mut scene);
        scene.field(112, "");
        scene.ticket().custom_fields[0].value = stands.clone();
        let found = scene.plan();
        assert_eq!(found.void.len(), 1, "{stands}: {:?}", found.void);
        scene.queue(&found);
        let own = scene.pair.base.own_closing.clone().expect("it was ours");
        assert_eq!(own.fields.get("112").map(String::as_str), known, "{stands}");
        assert_eq!(words(&scene.plan()), "in-step healthy -", "{stands}");
        // An agent opens it again, and the incident follows.
        let ticket = scene.ticket();
        (ticket.status_id, ticket.closed) = (Some(WORKING), false);
        let opened = scene.plan();
        assert!(words(&opened).starts_with("incident status=Active because ticket-reopened"), "{}", words(&opened));
        scene.queue(&opened);
        (scene.incident.status, scene.incident.classification) = (IncidentStatus::Active, None);
        let agreed = scene.plan();
        scene.queue(&agreed);
        scene.operations.clear();
        // What they close then is theirs.
        scene.close_ticket(Some(2));
        assert_eq!(scene.ticket().status_id, Some(CLOSED));
        let closed = scene.plan();
        assert!(!closed.operations.iter().any(change_of_ticket), "{stands}: {}", words(&closed));
        let crosses = "incident status=Closed FalsePositive/InaccurateData because ticket-closed";
        assert!(words(&closed).starts_with(crosses), "{stands}: {}", words(&closed));
    }
}

/// The priority may be an agent's as well.
#[test]
fn what_does_not_show_of_a_change_that_was_given_up_is_planned_anew() {
    let mut scene = in_step();
    scene.policy.fields = vec![FieldMapping {
        field: custom("CFTactics"),
        source: FieldSource::Text("pc-1".into()),
        rule: FieldRule::new(Direction::ToHalo, When::Always),
    }];
    scene.incident.severity = Severity::High;
    read(&mut scene);
    scene.field(120, "");
    given_up(&mut scene);
    scene.ticket().priority_id = Some(2);
    let found = scene.plan();
    assert_eq!(found.void.len(), 1, "{:?}", found.void);
    let rest = "ticket field120=\"pc-1\" because changed-in-sentinel; behind waiting changed-in-sentinel";
    assert_eq!(words(&found), rest);
}
