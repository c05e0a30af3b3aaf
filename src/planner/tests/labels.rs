//! Labels that go from one side: what an agent takes off the ticket, and what nobody did.

use serde_json::{Value, json};

use super::{
    fields::with_labels,
    scene::{Scene, check, in_step, words},
};
use crate::{
    domain::{
        catalogue::{FieldDefinition, Ref},
        ids::TicketId,
        operation::{IncidentChange, Operation, OperationKind, OperationState},
        pair::Agreed,
        policy::Direction,
        workspace::Mode,
    },
    planner::{Plan, agreed},
};

const OFF: &str = "incident label-phishing because changed-in-halo; behind waiting changed-in-halo";
const BACK: &str = "ticket field121=\"phishing, vip\" because changed-in-sentinel; behind waiting changed-in-sentinel";

/// An agent left this one alone.
fn left(s: &mut Scene) {
    with_labels(s, Direction::Both);
    s.field(121, "vip");
}

#[test]
fn a_label_that_an_agent_takes_off_goes_from_the_incident() {
    check(&[
        ("one", left, OFF),
        (
            "all of them",
            |s| {
                with_labels(s, Direction::Both);
                s.field(121, "");
            },
            "incident label-vip label-phishing because changed-in-halo; behind waiting changed-in-halo",
        ),
        (
            "another one is added",
            |s| {
                left(s);
                s.field(121, "own, vip");
            },
            "incident label+own label-phishing because changed-in-halo; behind waiting changed-in-halo",
        ),
        (
            "the other one went in Sentinel",
            |s| {
                left(s);
                s.label(&["phishing"]);
            },
            "ticket field121=\"\" because changed-in-sentinel; incident label-phishing because changed-in-halo; \
             behind waiting changed-in-sentinel",
        ),
        (
            "both took it off",
            |s| {
                left(s);
                s.label(&["vip"]);
            },
            "in-step healthy -",
        ),
        (
            "as the incident spells it",
            |s| {
                left(s);
                s.label(&["vip", " Phishing "]);
            },
            "incident label- Phishing  because changed-in-halo; behind waiting changed-in-halo",
        ),
        (
            "to Sentinel alone, one that the ticket never had stays",
            |s| {
                with_labels(s, Direction::ToSentinel);
                s.label(&["vip", "phishing", "mail"]);
                s.field(121, "vip");
            },
            OFF,
        ),
        (
            "where the mode does not carry it, it waits",
            |s| {
                left(s);
                s.workspace.mode = Mode::SentinelToHalo;
            },
            "behind healthy mode-one-way",
        ),
    ]);
}

#[test]
fn a_label_that_nobody_took_off_comes_back_to_the_ticket() {
    check(&[
        (
            "the field is told without a value",
            |s| {
                left(s);
                let fields = &mut s.ticket().custom_fields;
                fields.iter_mut().filter(|field| field.id == 121).for_each(|field| field.value = Value::Null);
            },
            BACK,
        ),
        (
            "the field is not told",
            |s| {
                left(s);
                s.ticket().custom_fields.clear();
                s.ticket().raw = json!({ "id": 70, "customfields": [] }).into();
            },
            BACK,
        ),
        (
            "Microsoft assigned it",
            |s| {
                left(s);
                s.incident.labels[1].kind = Some("AutoAssigned".into());
            },
            BACK,
        ),
        (
            "it is a part of one with a comma",
            |s| {
                left(s);
                s.label(&["phishing, vip"]);
            },
            BACK,
        ),
        (
            "it stood on another ticket",
            |s| {
                left(s);
                s.pair.base.labels_in = Some((TicketId(69), 121));
            },
            BACK,
        ),
        (
            "an older version did not say where it stood",
            |s| {
                left(s);
                s.pair.base.labels_in = None;
            },
            BACK,
        ),
        (
            "it was sent, and no reading has shown it since",
            |s| {
                left(s);
                let written = Agreed { sentinel: "phishing, vip".into(), halo: Some("phishing, vip".into()) };
                s.pair.base.fields = [("121".to_owned(), written)].into();
            },
            BACK,
        ),
    ]);
    // Another field was mapped: the new one has no label yet.
    let mut scene = in_step();
    with_labels(&mut scene, Direction::Both);
    scene.catalogue.fields.push(FieldDefinition {
        id: 122,
        name: "CFTags".into(),
        label: None,
        kind: 0,
        options: Vec::new(),
    });
    scene.field(122, "");
    if let Some(labels) = &mut scene.policy.labels {
        labels.field = Ref::Name("CFTags".into());
    }
    assert_eq!(words(&scene.plan()), BACK.replace("121", "122"));
}

/// Halo cuts off what is too long, a label that both had among it: that is no agent's doing, then or later.
#[test]
fn a_label_that_halo_cut_off_is_not_taken_off_the_incident() {
    let mut scene = in_step();
    with_labels(&mut scene, Direction::Both);
    scene.label(&["vip", "phishing", "mail"]);
    scene.field(121, "mail, phishing");
    for field in &mut scene.ticket().custom_fields {
        field.name = "CFLabels".into();
    }
    let written = Agreed { sentinel: "mail, phishing, vip".into(), halo: Some("mail, phishing".into()) };
    scene.pair.base.fields = [("121".to_owned(), written)].into();
    let plan = scene.plan();
    assert_eq!(words(&plan), "behind needs-you halo-kept");
    scene.queue(&plan);
    // An agent goes on from there.
    scene.field(121, "mail");
    let plan = scene.plan();
    let removed: Vec<&str> = plan
        .operations
        .iter()
        .filter_map(|planned| match &planned.kind {
            OperationKind::UpdateIncident { change } => Some(change.labels_removed.iter().map(String::as_str)),
            _ => None,
        })
        .flatten()
        .collect();
    assert_eq!(removed, ["phishing"]);
}

/// Who labels the incident again, or takes off the ticket again what was just added, does so anew.
#[test]
fn what_was_written_of_labels_is_agreed_at_once() {
    let mut scene = in_step();
    with_labels(&mut scene, Direction::Both);
    scene.field(121, "own, vip");
    let change = IncidentChange {
        labels_added: vec!["own".into()],
        labels_removed: vec!["phishing".into()],
        ..IncidentChange::default()
    };
    scene.label(&["own", "vip"]);
    let ticket = scene.ticket().clone();
    scene.pair.base = agreed::after_incident(scene.pair.base.clone(), &ticket, &change, &scene.incident);
    assert_eq!(scene.pair.base.labels, Some(vec!["own".to_owned(), "vip".to_owned()]));
    let mut again = scene.clone();
    again.label(&["own", "phishing", "vip"]);
    let back = "ticket field121=\"own, phishing, vip\" because changed-in-sentinel; behind waiting changed-in-sentinel";
    assert_eq!(words(&again.plan()), back);
    scene.field(121, "vip");
    assert_eq!(words(&scene.plan()), OFF.replace("phishing", "own"));
}

/// What was given up is not asked for again, until the label stands on the ticket.
#[test]
fn a_label_that_is_not_to_be_taken_off_stays_until_the_ticket_has_it_again() {
    let mut scene = in_step();
    left(&mut scene);
    scene.plan_and_drop();
    assert_eq!(words(&scene.plan()), "behind healthy dropped");
    scene.field(121, "phishing, vip");
    let plan = scene.plan();
    assert_eq!((words(&plan).as_str(), plan.void.len()), ("in-step healthy -", 1));
}

/// The plan's write of the ticket, answered.
fn lands(scene: &mut Scene, plan: &Plan, field: &str) {
    let change = plan.operations.iter().find_map(|planned| match &planned.kind {
        OperationKind::UpdateTicket { change } => Some(change.clone()),
        _ => None,
    });
    let change = change.expect("the ticket is written");
    scene.field(121, field);
    let (base, answer) = (plan.base.clone().unwrap_or_else(|| scene.pair.base.clone()), scene.ticket().clone());
    scene.pair.base = agreed::after_ticket(base, &scene.incident, &change, &answer, false);
}

/// A person takes a label off the incident, and our write takes it off the ticket: who labels the incident with it again does
/// so anew, whatever became of a label that an agent had added, and however soon it is.
#[test]
fn a_label_that_people_put_back_on_the_incident_comes_back_to_the_ticket() {
    // An agent's own label was not taken.
    let mut scene = in_step();
    with_labels(&mut scene, Direction::Both);
    scene.field(121, "own, phishing, vip");
    scene.plan_and_drop();
    scene.label(&["vip"]);
    let plan = scene.plan();
    assert!(words(&plan).starts_with("ticket field121=\"own, vip\" because changed-in-sentinel"), "{}", words(&plan));
    lands(&mut scene, &plan, "own, vip");
    let plan = scene.plan();
    assert!(plan.operations.is_empty(), "{}", words(&plan));
    scene.queue(&plan);
    scene.label(&["phishing", "vip"]);
    let back = "ticket field121=\"own, phishing, vip\" because changed-in-sentinel; behind waiting changed-in-sentinel";
    assert_eq!(words(&scene.plan()), back);

    // It is put back while the write is on its way: with its answer, and before that.
    let mut scene = in_step();
    with_labels(&mut scene, Direction::Both);
    scene.label(&["vip"]);
    let plan = scene.plan();
    assert_eq!(words(&plan), BACK.replace("phishing, ", ""));
    let mut answered = scene.clone();
    lands(&mut answered, &plan, "vip");
    answered.label(&["phishing", "vip"]);
    assert_eq!(words(&answered.plan()), BACK);
    scene.queue(&plan);
    for Operation { state, attempts, .. } in &mut scene.operations {
        *state = OperationState::OutcomeUnknown { since: scene.now, look: scene.now, looks: 0, failed: 0 };
        *attempts = 1;
    }
    scene.field(121, "vip");
    scene.label(&["phishing", "vip"]);
    let base = scene.plan().base.expect("what is known of the labels has changed");
    assert_eq!(base.labels, Some(vec!["vip".to_owned()]));
    scene.pair.base = base;
    scene.operations.clear();
    assert_eq!(words(&scene.plan()), BACK);
}

/// It is on its way off the incident while another one is written to the ticket.
#[test]
fn what_an_agent_took_off_stays_off_when_the_ticket_is_written() {
    let mut scene = in_step();
    left(&mut scene);
    scene.label(&["mail", "phishing", "vip"]);
    let plan = scene.plan();
    let both = "ticket field121=\"mail, vip\" because changed-in-sentinel; \
                incident label-phishing because changed-in-halo; behind waiting changed-in-sentinel";
    assert_eq!(words(&plan), both);
    scene.queue(&plan);
    lands(&mut scene, &plan, "mail, vip");
    scene.operations.retain(|operation| matches!(operation.kind, OperationKind::UpdateIncident { .. }));
    assert_eq!(words(&scene.plan()), "behind waiting changed-in-halo");
}
