//! What is held for approval and what of the same write goes on, and how both are told.

use serde_json::json;

use super::{
    fields::custom,
    scene::{CLOSED, HOLD, Scene, at, in_step},
};
use crate::{
    domain::{
        approval::WriteKind,
        closing::{Classification, Verdict},
        decision::Decision,
        incident::{IncidentStatus, Label, Owner, Severity},
        operation::{IncidentChange, OperationKind},
        pair::{Move, Moves},
        policy::{Direction, FieldMapping, FieldRule, FieldSource, When},
        reason::Reason,
        ticket::{CustomField, NoteDraft, OutcomeRef, TicketChange},
    },
    planner::{
        approval::kinds,
        diff::{differences, in_words},
    },
};

fn owned(s: &mut Scene) {
    s.incident.owner = Owner { user_principal_name: Some("amira@soc.example".into()), ..Owner::default() };
}

fn priority_lowered(s: &mut Scene) {
    s.policy.severity = FieldRule::new(Direction::Both, When::Always);
    s.ticket().priority_id = Some(4);
}

/// The labels stand in a field of the ticket.
fn labelled(s: &mut Scene) {
    let (field, source) = (custom("CFLabels"), FieldSource::Path("$.properties.title".into()));
    let rule = FieldRule::new(Direction::ToHalo, When::Always);
    s.policy.fields = vec![FieldMapping { field, source, rule }];
    s.field(121, "before");
    s.incident.raw = json!({ "properties": { "title": "after" } }).into();
}

/// The write that waits, the one that goes on, and its reason, each in words.
fn parted(scene: &Scene) -> (String, String, Option<Reason>) {
    let plan = scene.plan();
    let told = |kind: &OperationKind| scene.with(|s| in_words(&differences(s, kind)));
    let waiting: Vec<String> = plan.waiting.iter().map(|waiting| told(&waiting.planned.kind)).collect();
    let going: Vec<String> = plan.operations.iter().map(|planned| told(&planned.kind)).collect();
    (waiting.join(" | "), going.join(" | "), plan.operations.first().map(|planned| planned.reason.clone()))
}

#[test]
fn what_needs_no_approval_goes_on_under_its_own_reason() {
    type Row = (&'static str, WriteKind, fn(&mut Scene), &'static str, &'static str, Reason);
    let in_sentinel = |field: &str| Reason::ChangedInSentinel { field: field.into() };
    let in_halo = |field: &str| Reason::ChangedInHalo { field: field.into() };
    let table: [Row; 8] = [
        (
            "an owner beside a lower severity",
            WriteKind::SeverityDown,
            |s| {
                s.incident.severity = Severity::Low;
                owned(s);
            },
            "priority: Medium → Low",
            "agent: Unassigned → Amira",
            in_sentinel("owner"),
        ),
        (
            "an agent beside a lower priority",
            WriteKind::SeverityDown,
            |s| {
                priority_lowered(s);
                s.ticket().agent_id = Some(5);
            },
            "severity: Medium → Low",
            "owner: nobody → amira@soc.example",
            in_halo("owner"),
        ),
        (
            "a ticket closed beside a lower priority",
            WriteKind::SeverityDown,
            |s| {
                priority_lowered(s);
                s.close_ticket(Some(2));
            },
            "severity: Medium → Low",
            "status: Active → Closed; classification: False positive (InaccurateData); HALO",
            Reason::TicketClosed,
        ),
        (
            "an incident closed beside a lower severity",
            WriteKind::SeverityDown,
            |s| {
                s.incident.severity = Severity::Low;
                s.close_incident(Classification::Undetermined, None);
            },
            "priority: Medium → Low",
            "status: In Progress → Closed; CLOSING; CFClass: Undetermined",
            Reason::IncidentClosed,
        ),
        (
            "an owner beside a closing",
            WriteKind::Close,
            |s| {
                owned(s);
                s.close_incident(Classification::Undetermined, None);
            },
            "status: In Progress → Closed; CLOSING; CFClass: Undetermined",
            "agent: Unassigned → Amira",
            in_sentinel("owner"),
        ),
        (
            "an agent beside a closing",
            WriteKind::Close,
            |s| {
                s.ticket().agent_id = Some(5);
                s.close_ticket(Some(2));
            },
            "status: Active → Closed; classification: False positive (InaccurateData); HALO",
            "owner: nobody → amira@soc.example",
            in_halo("owner"),
        ),
        (
            "a mapped field beside a closing",
            WriteKind::Close,
            |s| {
                labelled(s);
                s.close_incident(Classification::Undetermined, None);
            },
            "status: In Progress → Closed; CLOSING; CFClass: Undetermined",
            "CFLabels: before → after",
            in_sentinel("mapped field"),
        ),
        (
            "a mapped field beside a lower severity",
            WriteKind::SeverityDown,
            |s| {
                labelled(s);
                s.incident.severity = Severity::Low;
            },
            "priority: Medium → Low",
            "CFLabels: before → after",
            in_sentinel("mapped field"),
        ),
    ];
    for (name, kind, change, waits, goes, reason) in table {
        let mut scene = in_step();
        scene.policy.approve = vec![kind];
        change(&mut scene);
        let closing = "closing note: Closed in Microsoft Sentinel as Undetermined.";
        let by_agent = "classification comment: Closed in Halo (ticket 70).";
        let [waits, goes] = [waits, goes].map(|text| text.replace("CLOSING", closing).replace("HALO", by_agent));
        assert_eq!(parted(&scene), (waits, goes, Some(reason)), "{name}");
    }
}

#[test]
fn a_write_is_told_with_its_difference() {
    let mut scene = in_step();
    scene.policy.approve = vec![WriteKind::SeverityDown];
    scene.incident.severity = Severity::Low;
    let plan = scene.plan();
    let what = scene.with(|s| plan.waiting[0].what(s));
    assert_eq!(what, format!("{} (priority: Medium → Low)", plan.waiting[0].planned.kind.words()));
}

#[test]
fn an_approval_or_a_rejection_is_of_one_change_alone() {
    let mut scene = in_step();
    scene.policy.approve = vec![WriteKind::SeverityDown];
    scene.incident.severity = Severity::Low;
    let name = |scene: &Scene| scene.plan().waiting.first().map(|waiting| waiting.write.clone());
    let first = name(&scene).expect("it waits");
    scene.pair.decisions = vec![Decision::Reject { write: "another".into(), what: String::new() }];
    assert_eq!(name(&scene), Some(first.clone()), "another write was rejected");
    let moved = |at| Moves { sentinel: Some(Move { value: "Low".into(), after: None, at: Some(at) }), halo: None };
    // Lowered, raised and lowered again: the same bytes, another change. Of a field that is not written it does not matter.
    let mut again = scene.clone();
    again.pair.base.moves.insert("severity".into(), moved(at("2026-03-01T11:20:00Z")));
    let second = name(&again).expect("it waits");
    assert_ne!(second, first);
    let mut other = again.clone();
    other.pair.base.moves.insert("status".into(), moved(at("2026-03-01T11:20:00Z")));
    assert_eq!(name(&other), Some(second.clone()));
    scene.pair.decisions = vec![Decision::Approve { write: second.clone(), what: String::new(), after_all: false }];
    assert_eq!(name(&scene), Some(first), "what was approved is the later change");
    again.pair.decisions.push(Decision::Reject { write: second, what: String::new() });
    assert_eq!(name(&again), None);
}

#[test]
fn a_status_is_a_closing_or_an_opening_by_what_it_means() {
    let mut open = in_step();
    let ticket = |status| OperationKind::UpdateTicket {
        change: TicketChange { status_id: Some(status), ..TicketChange::default() },
    };
    let incident = |status| OperationKind::UpdateIncident {
        change: IncidentChange { status: Some(status), ..IncidentChange::default() },
    };
    let of = |scene: &Scene, kind: &OperationKind| scene.with(|s| kinds(s, kind));
    assert_eq!(of(&open, &ticket(CLOSED)), [WriteKind::Close]);
    assert_eq!(of(&open, &ticket(HOLD)), []);
    assert_eq!(of(&open, &incident(IncidentStatus::Closed)), [WriteKind::Close]);
    assert_eq!(of(&open, &incident(IncidentStatus::New)), []);
    open.close_ticket(Some(2));
    open.close_incident(Classification::Undetermined, None);
    assert_eq!(
        of(&open, &ticket(HOLD)),
        [WriteKind::Reopen],
        "a status without a row is open, whatever the ticket was"
    );
    assert_eq!(of(&open, &ticket(CLOSED)), []);
    assert_eq!(of(&open, &incident(IncidentStatus::Active)), [WriteKind::Reopen]);
    assert_eq!(of(&open, &incident(IncidentStatus::Closed)), [], "another classification");
}

#[test]
fn every_member_of_a_write_is_told() {
    let mut scene = in_step();
    scene.ticket().closure_note = Some("done".into());
    let field = |id, name: &str, display: Option<&str>| CustomField {
        id,
        name: name.into(),
        value: json!("2"),
        display: display.map(str::to_owned),
    };
    scene.ticket().custom_fields = vec![
        field(120, "CFTactics", Some("Initial access")),
        field(121, "CFLabels", Some(" ")),
        field(112, "CFClass", None),
    ];
    scene.ticket().raw = json!({ "impact": 1 }).into();
    let change = TicketChange {
        status_id: Some(CLOSED),
        priority_id: Some(2),
        agent_id: Some(5),
        closure_note: Some("over".into()),
        summary: Some("Renamed".into()),
        custom_fields: vec![(120, json!("a")), (121, json!("b")), (112, json!(3)), (130, json!("c"))],
        members: vec![("impact".into(), json!(3))],
    };
    let verdict = Verdict {
        classification: Classification::FalsePositive,
        reason: Some("InaccurateData".into()),
        comment: Some("seen".into()),
    };
    let incident = IncidentChange {
        status: Some(IncidentStatus::Closed),
        severity: Some(Severity::Low),
        owner: Some(Owner::default()),
        verdict: Some(verdict),
        title: Some("Renamed".into()),
        labels_added: vec!["one".into(), "two".into()],
        labels_removed: vec!["zero".into()],
    };
    owned(&mut scene);
    scene.incident.labels = vec![Label { name: "zero".into(), kind: None }];
    let note = |private| NoteDraft {
        outcome: OutcomeRef::Id(7),
        html: String::new(),
        text: "words".into(),
        private,
        reference: "HB-1".into(),
        former: None,
    };
    let add = |private| OperationKind::AddNote { comment: None, edit: 0, said: None, note: note(private) };
    let table = [
        (
            OperationKind::UpdateTicket { change },
            "status: In Progress → Closed; priority: Medium → High; agent: Unassigned → Amira; \
             subject: [Sentinel 7] Sign-in from two places → Renamed; closing note: done → over; \
             CFTactics: Initial access → a; CFLabels: 2 → b; CFClass: False alarm → Undetermined; field 130: c; \
             impact: 1 → 3",
        ),
        (
            OperationKind::UpdateIncident { change: incident },
            "status: Active → Closed; classification: False positive (InaccurateData); classification comment: seen; \
             severity: Medium → Low; owner: amira@soc.example → nobody; title: Sign-in from two places → Renamed; \
             labels added: one, two; labels taken off: zero",
        ),
        (OperationKind::UpdateIncident { change: IncidentChange::default() }, ""),
        (add(true), "private note: words"),
        (add(false), "note for the end user: words"),
    ];
    for (kind, expected) in table {
        assert_eq!(scene.with(|s| in_words(&differences(s, &kind))), expected);
    }
}
