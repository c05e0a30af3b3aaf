//! How a record stands just before a change of it is sent, and what is agreed on once it shows there.

use std::collections::BTreeMap;

use serde_json::json;

use super::scene::{CLOSED, HOLD, NEW, Scene, WORKING, at, in_step};
use crate::{
    domain::{
        closing::{Classification, Verdict},
        failure::Side,
        ids::TicketId,
        incident::{Incident, IncidentStatus, Label, Owner, Severity},
        operation::{IncidentChange, Operation, OperationKind, OperationState},
        pair::Base,
        ticket::{CustomField, Ticket, TicketChange},
    },
    planner::{
        Plan,
        sent::{
            Found, arrived, incident_found, incident_landed, incident_stands, ticket_arrived, ticket_found,
            ticket_landed, ticket_stands,
        },
    },
};

fn owner(name: &str) -> Owner {
    Owner { user_principal_name: Some(name.into()), ..Owner::default() }
}

fn verdict(reason: &str) -> Verdict {
    let reason = Some(reason.to_owned());
    Verdict { classification: Classification::TruePositive, reason, comment: Some("words".into()) }
}

fn label(name: &str) -> Label {
    Label { name: name.into(), kind: None }
}

fn close(incident: &mut Incident) {
    incident.status = IncidentStatus::Closed;
    incident.classification = Some(Classification::TruePositive);
    incident.classification_reason = Some("SuspiciousActivity".into());
}

/// Asks for everything.
fn all() -> IncidentChange {
    IncidentChange {
        status: Some(IncidentStatus::Closed),
        severity: Some(Severity::High),
        owner: Some(owner("amira@soc.example")),
        verdict: Some(verdict("SuspiciousActivity")),
        title: Some("Renamed".into()),
        labels_added: vec!["one".into(), "two".into()],
        labels_removed: vec!["gone".into()],
    }
}

/// Says all that [`all`] asks for.
fn done() -> Incident {
    let mut incident = in_step().incident;
    close(&mut incident);
    incident.severity = Severity::High;
    incident.owner = owner("amira@soc.example");
    incident.title = "Renamed".into();
    incident.labels = ["two", "one", "three"].map(label).into();
    incident
}

type Ask = fn(&mut IncidentChange);
type Move = fn(&mut Incident);

#[test]
fn an_incident_that_moved_in_what_is_to_be_written_is_planned_anew() {
    let status: Ask = |c| c.status = Some(IncidentStatus::New);
    let severity: Ask = |c| c.severity = Some(Severity::Low);
    let to_owner: Ask = |c| c.owner = Some(owner("amira@soc.example"));
    let title: Ask = |c| c.title = Some("Renamed".into());
    let classify: Ask = |c| c.verdict = Some(verdict("InaccurateData"));
    let to_label: Ask = |c| c.labels_added = vec!["one".into()];
    let still: Move = |_| {};
    let moved_status: Move = |i| i.status = IncidentStatus::Closed;
    let moved_severity: Move = |i| i.severity = Severity::High;
    let moved_owner: Move = |i| i.owner = owner("li@soc.example");
    let moved_title: Move = |i| i.title = "Another".into();
    let moved_verdict: Move = close;
    let labelled: Move = |i| i.labels = vec![label("another")];
    let merged: Move = |i| {
        i.status = IncidentStatus::Closed;
        i.labels = vec![label("redirected")];
    };
    let table = [
        ("status, still", status, still, Found::AsKnown),
        ("status", status, moved_status, Found::Moved),
        ("status and a severity beside it", status, moved_severity, Found::Moved),
        ("status and an owner beside it", status, moved_owner, Found::Moved),
        ("status and a title beside it", status, moved_title, Found::Moved),
        ("status and a label beside it", status, labelled, Found::Moved),
        ("severity, still", severity, still, Found::AsKnown),
        ("severity", severity, moved_severity, Found::Moved),
        ("severity and another status", severity, moved_status, Found::AsKnown),
        ("severity and another owner", severity, moved_owner, Found::AsKnown),
        ("severity and another title", severity, moved_title, Found::AsKnown),
        ("severity and another verdict", severity, moved_verdict, Found::AsKnown),
        ("severity and another label", severity, labelled, Found::AsKnown),
        ("severity, merged away", severity, merged, Found::Moved),
        ("owner, still", to_owner, still, Found::AsKnown),
        ("owner", to_owner, moved_owner, Found::Moved),
        ("owner and another severity", to_owner, moved_severity, Found::AsKnown),
        ("title, still", title, still, Found::AsKnown),
        ("title", title, moved_title, Found::Moved),
        ("verdict, still", classify, still, Found::AsKnown),
        ("verdict", classify, moved_verdict, Found::Moved),
        ("labels and another label", to_label, labelled, Found::AsKnown),
    ];
    let known = in_step().incident;
    for (name, ask, change, expected) in table {
        let (mut asked, mut current) = (IncidentChange::default(), known.clone());
        ask(&mut asked);
        change(&mut current);
        assert_eq!(incident_found(&asked, false, &known, &current), expected, "{name}");
        assert_eq!(incident_found(&asked, true, &known, &current), expected, "{name}: it was sent, and is not there");
    }
    assert_eq!(incident_found(&all(), true, &known, &done()), Found::Arrived);
    assert_eq!(incident_found(&all(), false, &known, &done()), Found::Moved, "somebody else said the same");
    assert_eq!(incident_found(&all(), false, &done(), &done()), Found::AsKnown);
}

#[test]
fn an_incident_says_what_was_asked_for_when_it_says_all_of_it() {
    assert!(incident_stands(&all(), &done()) && incident_stands(&IncidentChange::default(), &in_step().incident));
    let but: [(&str, Move); 9] = [
        ("status", |i| i.status = IncidentStatus::Active),
        ("severity", |i| i.severity = Severity::Low),
        ("title", |i| i.title = "Sign-in".into()),
        ("owner", |i| i.owner = owner("li@soc.example")),
        ("nobody's", |i| i.owner = Owner::default()),
        ("reason", |i| i.classification_reason = Some("InaccurateData".into())),
        ("one label", |i| i.labels = vec![label("one")]),
        ("a label that was to go", |i| i.labels.push(label("gone"))),
        ("merged away", |i| i.labels.push(label("redirected"))),
    ];
    for (name, change) in but {
        let mut incident = done();
        change(&mut incident);
        assert!(!incident_stands(&all(), &incident), "{name}");
    }
    let classified = IncidentChange { verdict: all().verdict, ..IncidentChange::default() };
    assert!(!incident_stands(&classified, &in_step().incident), "it is open: it says no classification");
}

fn custom(value: &str) -> CustomField {
    CustomField { id: 120, name: "CFTactics".into(), value: value.into(), display: None }
}

pub fn known() -> Ticket {
    let ticket = in_step().ticket.expect("there is one");
    Ticket { custom_fields: vec![custom("Old")], raw: json!({ "id": 70, "impact": 1 }).into(), ..ticket }
}

/// Asks for everything.
fn all_of_it() -> TicketChange {
    TicketChange {
        status_id: Some(CLOSED),
        priority_id: Some(2),
        agent_id: Some(5),
        closure_note: Some("closed".into()),
        summary: Some("Renamed".into()),
        custom_fields: vec![(120, json!("New"))],
        members: vec![("impact".into(), json!(3)), ("team".into(), json!("Security"))],
    }
}

/// Says all that [`all_of_it`] asks for.
fn all_done() -> Ticket {
    Ticket {
        status_id: Some(CLOSED),
        priority_id: Some(2),
        agent_id: Some(5),
        summary: "Renamed".into(),
        custom_fields: vec![custom("New")],
        raw: json!({ "id": 70, "impact": 3 }).into(),
        ..known()
    }
}

type AskOf = fn(&mut TicketChange);
type MoveOf = fn(&mut Ticket);

#[test]
fn a_ticket_that_moved_in_what_is_to_be_written_is_planned_anew() {
    let status: AskOf = |c| c.status_id = Some(HOLD);
    let priority: AskOf = |c| c.priority_id = Some(4);
    let agent: AskOf = |c| c.agent_id = Some(5);
    let summary: AskOf = |c| c.summary = Some("Renamed".into());
    let field: AskOf = |c| c.custom_fields = vec![(120, json!("New"))];
    let unknown_field: AskOf = |c| c.custom_fields = vec![(121, json!("New"))];
    let impact: AskOf = |c| c.members = vec![("impact".into(), json!(3))];
    let team: AskOf = |c| c.members = vec![("team".into(), json!("SOC"))];
    let still: MoveOf = |_| {};
    let moved_status: MoveOf = |t| t.status_id = Some(NEW);
    let moved_priority: MoveOf = |t| t.priority_id = Some(2);
    let moved_agent: MoveOf = |t| t.agent_id = Some(6);
    let moved_summary: MoveOf = |t| t.summary = "Another".into();
    let moved_field: MoveOf = |t| t.custom_fields = vec![custom("Another")];
    let no_field: MoveOf = |t| t.custom_fields = Vec::new();
    let table = [
        ("status, still", status, still, Found::AsKnown),
        ("status", status, moved_status, Found::Moved),
        ("status and a priority beside it", status, moved_priority, Found::Moved),
        ("status and an agent beside it", status, moved_agent, Found::Moved),
        ("status and a subject beside it", status, moved_summary, Found::Moved),
        ("status and another field", status, moved_field, Found::AsKnown),
        ("priority, still", priority, still, Found::AsKnown),
        ("priority", priority, moved_priority, Found::Moved),
        ("priority and another status", priority, moved_status, Found::AsKnown),
        ("priority and another agent", priority, moved_agent, Found::AsKnown),
        ("priority and another subject", priority, moved_summary, Found::AsKnown),
        ("agent, still", agent, still, Found::AsKnown),
        ("agent", agent, moved_agent, Found::Moved),
        ("agent and another priority", agent, moved_priority, Found::AsKnown),
        ("subject, still", summary, still, Found::AsKnown),
        ("subject", summary, moved_summary, Found::Moved),
        ("field, still", field, still, Found::AsKnown),
        ("field", field, moved_field, Found::Moved),
        ("field that is empty now", field, no_field, Found::Moved),
        ("field that the last reading did not have", unknown_field, moved_field, Found::AsKnown),
        ("a member, still", impact, still, Found::AsKnown),
        ("a member", impact, |t| t.raw = json!({ "id": 70, "impact": 2 }).into(), Found::Moved),
        ("a member that is not told", impact, |t| t.raw = json!({ "id": 70 }).into(), Found::AsKnown),
        ("a member and another team", impact, |t| t.team = Some("Service Desk".into()), Found::AsKnown),
        ("a team", team, |t| t.team = Some("Service Desk".into()), Found::Moved),
        ("a team in other letters", team, |t| t.team = Some("SECURITY ".into()), Found::AsKnown),
        ("merged away", field, |t| t.merged_into = Some(TicketId(71)), Found::Moved),
        ("deleted", field, |t| t.deleted = true, Found::Moved),
    ];
    for (name, ask, change, expected) in table {
        let (mut asked, mut current) = (TicketChange::default(), known());
        ask(&mut asked);
        change(&mut current);
        assert_eq!(ticket_found(&asked, false, Some(&known()), &current), expected, "{name}");
        assert_eq!(ticket_found(&asked, true, Some(&known()), &current), expected, "{name}: sent, and not there");
    }
    assert_eq!(ticket_found(&all_of_it(), true, Some(&known()), &all_done()), Found::Arrived);
    assert_eq!(ticket_found(&all_of_it(), false, Some(&known()), &all_done()), Found::Moved);
    // A merge closes the ticket that goes: that is no closing of ours which arrived.
    let merged = Ticket { merged_into: Some(TicketId(71)), ..all_done() };
    assert_eq!(ticket_found(&all_of_it(), true, Some(&known()), &merged), Found::Moved);
    assert_eq!(ticket_found(&all_of_it(), false, None, &all_done()), Found::AsKnown, "nothing is known of it");
}

#[test]
fn a_ticket_says_what_was_asked_for_when_it_says_all_of_it() {
    assert!(ticket_stands(&all_of_it(), &all_done()));
    let but: [(&str, MoveOf); 10] = [
        ("status", |t| t.status_id = Some(WORKING)),
        ("priority", |t| t.priority_id = None),
        ("agent", |t| t.agent_id = Some(6)),
        ("nobody's", |t| t.agent_id = None),
        ("subject", |t| t.summary = "Sign-in".into()),
        ("a field", |t| t.custom_fields = vec![custom("Old")]),
        ("a field that was not read", |t| t.custom_fields = Vec::new()),
        ("a member", |t| t.raw = json!({ "id": 70, "impact": 1 }).into()),
        ("deleted", |t| t.deleted = true),
        ("merged away", |t| t.merged_into = Some(TicketId(71))),
    ];
    for (name, change) in but {
        let mut ticket = all_done();
        change(&mut ticket);
        assert!(!ticket_stands(&all_of_it(), &ticket), "{name}");
    }
    // What no list row tells, alone.
    let fields = TicketChange { custom_fields: vec![(120, json!("New"))], ..TicketChange::default() };
    assert!(ticket_stands(&fields, &all_done()) && !ticket_stands(&fields, &known()));
    // Nobody's may be told without an agent.
    let nobody = TicketChange { agent_id: Some(1), ..TicketChange::default() };
    assert!(ticket_stands(&nobody, &Ticket { agent_id: None, ..known() }) && ticket_stands(&nobody, &known()));
    assert!(!ticket_stands(&nobody, &all_done()));
}

#[test]
fn what_landed_on_an_incident_is_agreed_and_an_agents_way_back_is_not() {
    let before = in_step().pair.base;
    let landed = incident_landed(before.clone(), &all(), &done());
    let expected = Base {
        severity: Some(Severity::High),
        incident_status: Some(IncidentStatus::Closed),
        // Whatever was read of the ticket, it may have gone back to that since.
        priority_id: None,
        status_id: None,
        unsettled: BTreeMap::from([("owner".to_owned(), Side::Halo)]),
        owner: done().owner.key(),
        title: Some("Renamed".into()),
        ..before.clone()
    };
    assert_eq!(landed, expected);
    // It said so before: the ticket's half was agreed on with it.
    let said = Base { incident_status: Some(IncidentStatus::Closed), severity: Some(Severity::High), ..before.clone() };
    let landed = incident_landed(said, &all(), &done());
    assert_eq!((landed.status_id, landed.priority_id), (Some(WORKING), Some(3)));
    assert_eq!(incident_landed(before.clone(), &IncidentChange::default(), &done()), before);
}

#[test]
fn what_landed_on_a_ticket_is_agreed_and_an_analysts_way_back_is_not() {
    let before = in_step().pair.base;
    let landed = ticket_landed(before.clone(), &all_of_it(), &all_done(), true);
    let expected = Base {
        severity: None,
        incident_status: None,
        unsettled: BTreeMap::from([("owner".to_owned(), Side::Sentinel)]),
        priority_id: Some(2),
        status_id: Some(CLOSED),
        ticket_closed: true,
        agent_id: Some(5),
        summary: Some("Renamed".into()),
        ..before.clone()
    };
    assert_eq!(landed, expected);
    let said = Base { status_id: Some(CLOSED), ticket_closed: true, priority_id: Some(2), ..before.clone() };
    let landed = ticket_landed(said, &all_of_it(), &all_done(), true);
    assert_eq!((landed.incident_status, landed.severity), (Some(IncidentStatus::Active), Some(Severity::Medium)));
    assert_eq!(ticket_landed(before.clone(), &TicketChange::default(), &all_done(), true), before);

    // Read by its id it tells what else was written, and whether it took the closing words.
    let mut on = in_step().incident;
    (on.status, on.severity) = (IncidentStatus::New, Severity::Low);
    let found = ticket_arrived(before, &all_of_it(), &on, &all_done(), true);
    assert_eq!((found.status_id, found.priority_id), (Some(CLOSED), Some(2)));
    assert_eq!(found.unsaid.map(|unsaid| unsaid.words).as_deref(), Some("closed"));
    assert_eq!(found.own_closing.map(|own| own.note).as_deref(), Some("closed"));
    assert_eq!(found.fields["120"].halo.as_deref(), Some("New"));
    assert_eq!(found.fields["impact"].halo.as_deref(), Some("3"));
}

/// A change that stands on its record and whose answer is not recorded is agreed on if it was sent, and only then.
#[test]
fn only_what_was_sent_counts_as_arrived() {
    let done = || OperationState::Void { at: at("2026-03-01T12:00:00Z"), why: "replaced".into() };
    let planned = || OperationState::Planned { ready: at("2026-03-01T12:00:00Z") };
    let sending = || OperationState::Sending { since: at("2026-03-01T12:00:00Z") };
    let table = [
        ("never sent", planned(), 0, false),
        ("sent before", planned(), 1, true),
        ("under way", sending(), 0, true),
        ("over", done(), 1, false),
    ];
    let of = |scene: &Scene| scene.with(arrived);
    for (name, state, attempts, expected) in table {
        let with = |kind: OperationKind, change: fn(&mut Scene)| {
            let mut scene = in_step();
            scene.incident.severity = Severity::High;
            let plan = scene.plan();
            scene.queue(&plan);
            scene.incident.severity = Severity::Medium;
            let queued = scene.operations.remove(0);
            scene.operations = vec![Operation { kind, state: state.clone(), attempts, ..queued }];
            let before = of(&scene);
            assert_eq!(before, None, "{name}: it is not there yet");
            change(&mut scene);
            of(&scene)
        };
        let change = TicketChange { priority_id: Some(2), ..TicketChange::default() };
        let ticket = with(OperationKind::UpdateTicket { change }, |s| s.ticket().priority_id = Some(2));
        assert_eq!(ticket.and_then(|base| base.priority_id), expected.then_some(2), "{name}");
        let change = IncidentChange { severity: Some(Severity::Low), ..IncidentChange::default() };
        let incident = with(OperationKind::UpdateIncident { change }, |s| s.incident.severity = Severity::Low);
        assert_eq!(incident.and_then(|base| base.severity), expected.then_some(Severity::Low), "{name}");
    }
    // Sent, and an analyst chose something else: that is no arrival.
    let mut scene = in_step();
    scene.incident.severity = Severity::High;
    let plan = scene.plan();
    scene.queue(&plan);
    let change = IncidentChange { severity: Some(Severity::Low), ..IncidentChange::default() };
    let queued = scene.operations.remove(0);
    scene.operations =
        vec![Operation { kind: OperationKind::UpdateIncident { change }, state: sending(), attempts: 1, ..queued }];
    assert_eq!(of(&scene), None);
}

/// Its answer took a minute, and the analyst took the new severity back meanwhile: what was read before the write is no
/// proof of what the incident says now.
#[test]
fn a_severity_that_went_back_while_our_change_was_on_its_way_crosses() {
    let mut scene = in_step();
    let before = scene.incident.clone();
    scene.incident.severity = Severity::High;
    let change = TicketChange { priority_id: Some(2), ..TicketChange::default() };
    let ticket = Ticket { priority_id: Some(2), ..scene.ticket().clone() };
    scene.pair.base = ticket_arrived(scene.pair.base.clone(), &change, &scene.incident, &ticket, false);
    *scene.ticket() = ticket;
    scene.incident = before;
    let plan = scene.plan();
    let wanted = TicketChange { priority_id: Some(3), ..TicketChange::default() };
    assert!(
        matches!(&plan.operations[..], [one] if matches!(&one.kind, OperationKind::UpdateTicket { change } if *change == wanted)),
        "{:?}",
        plan.operations
    );
}

/// The same of a status, on either side.
#[test]
fn a_status_that_went_back_while_our_change_was_on_its_way_crosses() {
    let mut scene = in_step();
    let before = scene.incident.clone();
    scene.incident.status = IncidentStatus::New;
    let change = TicketChange { status_id: Some(HOLD), ..TicketChange::default() };
    let ticket = Ticket { status_id: Some(HOLD), ..scene.ticket().clone() };
    scene.pair.base = ticket_arrived(scene.pair.base.clone(), &change, &scene.incident, &ticket, false);
    *scene.ticket() = ticket;
    scene.incident = before;
    let plan = scene.plan();
    let to_ticket = |kind: &OperationKind| matches!(kind, OperationKind::UpdateTicket { change } if change.status_id.is_some_and(|id| id != HOLD));
    assert!(matches!(&plan.operations[..], [one] if to_ticket(&one.kind)), "{:?}", plan.operations);

    let mut scene = in_step();
    let change = IncidentChange { status: Some(IncidentStatus::New), ..IncidentChange::default() };
    scene.incident.status = IncidentStatus::New;
    scene.pair.base = incident_landed(scene.pair.base.clone(), &change, &scene.incident);
    // The agent is back at what was agreed on before.
    let plan = scene.plan();
    let to_incident = |kind: &OperationKind| matches!(kind, OperationKind::UpdateIncident { change } if change.status == Some(IncidentStatus::Active));
    assert!(matches!(&plan.operations[..], [one] if to_incident(&one.kind)), "{:?}", plan.operations);
}

/// The same of an owner and an agent: somebody took it, our change of that arrived unheard, and they let go of it or gave
/// it back meanwhile.
#[test]
fn an_owner_that_went_back_while_our_change_was_on_its_way_crosses() {
    let amira = || owner("amira@soc.example");
    let jonas = || owner("jonas@soc.example");
    let to_agent = |plan: &Plan| match &plan.operations[..] {
        [one] => match &one.kind {
            OperationKind::UpdateTicket { change } => change.agent_id,
            _ => None,
        },
        _ => None,
    };
    let to_owner = |plan: &Plan| match &plan.operations[..] {
        [one] => match &one.kind {
            OperationKind::UpdateIncident { change } => change.owner.as_ref().map(Owner::key),
            _ => None,
        },
        _ => None,
    };
    // Who had it before, on both sides: nobody, or Jonas.
    for (before, agent_before) in [(Owner::default(), None), (jonas(), Some(6))] {
        let had = || {
            let mut scene = in_step();
            scene.catalogue.agents[2].email = Some("jonas@soc.example".into());
            scene.incident.owner = before.clone();
            scene.ticket().agent_id = agent_before;
            (scene.pair.base.owner, scene.pair.base.agent_id) = (before.key(), agent_before);
            scene
        };
        let mut scene = had();
        let change = TicketChange { agent_id: Some(5), ..TicketChange::default() };
        scene.incident.owner = amira();
        scene.ticket().agent_id = Some(5);
        let ticket = scene.ticket().clone();
        scene.pair.base = ticket_arrived(scene.pair.base.clone(), &change, &scene.incident, &ticket, false);
        let plan = scene.plan();
        assert!(plan.operations.is_empty(), "both sides say the same: {:?}", plan.operations);
        assert!(plan.base.is_some_and(|base| base.unsettled.is_empty()), "and that is agreed on");
        scene.incident.owner = before.clone();
        let plan = scene.plan();
        assert_eq!(to_agent(&plan), Some(agent_before.unwrap_or(1)), "{:?}", plan.operations);

        let mut scene = had();
        let change = IncidentChange { owner: Some(amira()), ..IncidentChange::default() };
        scene.incident.owner = amira();
        scene.pair.base = incident_landed(scene.pair.base.clone(), &change, &scene.incident);
        let plan = scene.plan();
        assert_eq!(to_owner(&plan), Some(before.key()), "{:?}", plan.operations);
        // Whoever had it already when it was written has not moved by that.
        let again = incident_landed(
            had().pair.base,
            &IncidentChange { owner: Some(before.clone()), ..change },
            &had().incident,
        );
        assert!(again.unsettled.is_empty());
    }
}

/// What was agreed on is stored as before where nothing is unsettled, and an older entry is read.
#[test]
fn an_unsettled_side_is_stored_by_its_name() {
    let change = TicketChange { agent_id: Some(5), ..TicketChange::default() };
    let ticket = Ticket { agent_id: Some(5), ..known() };
    let base = in_step().pair.base;
    let landed = ticket_landed(base.clone(), &change, &ticket, false);
    let stored = serde_json::to_value(&landed).expect("it is written");
    assert_eq!(stored["unsettled"], json!({ "owner": "sentinel" }));
    assert_eq!(serde_json::from_value::<Base>(stored).expect("it is read"), landed);
    let older = serde_json::to_value(&base).expect("it is written");
    assert_eq!(older.get("unsettled"), None);
    assert_eq!(serde_json::from_value::<Base>(older).expect("it is read"), base);
}
