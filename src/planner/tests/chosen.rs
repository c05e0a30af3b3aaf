//! What a ticket's classification field and its actions say, in whatever form an instance hands them out.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    closing::{incident_opened_again, ticket_opened_again},
    note_limits::written,
    scene::{Scene, at, in_step},
};
use crate::{
    domain::{
        catalogue::Ref,
        closing::{Classification, Verdict},
        decision::Decision,
        drift::DriftRule,
        failure::Side,
        ids::{IncidentId, TicketId},
        incident::{IncidentStatus, Severity},
        merge::{Merge, Survivor},
        pair::{Base, OwnClosing},
        policy::{ReopenRule, Wins},
        reason::Reason,
        ticket::CustomField,
    },
    planner::{choice, closing},
};

fn field(value: Value) -> CustomField {
    CustomField { id: 112, name: "CFClass".into(), value, display: None }
}

fn with(value: Value) -> Scene {
    let mut scene = in_step();
    scene.ticket().custom_fields = vec![field(value)];
    scene
}

fn said(scene: &Scene) -> Result<(Classification, Option<String>), Reason> {
    let ticket = scene.ticket.as_ref().expect("there is one");
    let actions = scene.actions.as_deref().unwrap_or_default();
    let verdict = closing::verdict(&scene.policy, &scene.catalogue, ticket, actions);
    verdict.map(|verdict| (verdict.classification, verdict.reason))
}

#[test]
fn a_choice_is_read_in_every_form() {
    let false_alarm = || Ok((Classification::FalsePositive, Some("InaccurateData".to_owned())));
    let unmapped = |value: &str| Err(Reason::Unmapped { table: "classification".into(), value: value.into() });
    let missing = || Err(Reason::VerdictMissing);
    let table = [
        (json!(2), false_alarm()),
        (json!("2"), false_alarm()),
        (json!(2.0), false_alarm()),
        (json!([{ "id": 2, "name": "False alarm" }]), false_alarm()),
        (json!({ "value": "False alarm" }), false_alarm()),
        (json!(2.5), unmapped("2.5")),
        (json!(7), unmapped("7")),
        (json!(1e15), unmapped("1000000000000000.0")),
        (json!(0), missing()),
        (json!("-1"), missing()),
        (json!(" "), missing()),
        (Value::Null, missing()),
    ];
    for (value, expected) in table {
        assert_eq!(said(&with(value.clone())), expected, "{value}");
    }
}

#[test]
fn without_a_choice_the_newest_action_that_has_one_tells() {
    let mut scene = with(Value::Null);
    let mut add = |n, classification: Option<&str>, reason: Option<&str>| {
        let action = scene.note(n, "<p>words</p>");
        action.sentinel_classification = classification.map(str::to_owned);
        action.sentinel_classification_reason = reason.map(str::to_owned);
        said(&scene)
    };
    let is = |classification, reason: Option<&str>| Ok((classification, reason.map(str::to_owned)));
    let suspicious = || is(Classification::TruePositive, Some("SuspiciousActivity"));
    assert_eq!(add(1, None, Some("Suspicious Activity")), Err(Reason::VerdictMissing));
    assert_eq!(add(2, Some("True Positive"), Some("Suspicious Activity")), suspicious());
    assert_eq!(add(3, Some("  "), Some("Inaccurate data")), suspicious());
    assert_eq!(add(4, None, None), suspicious());
    assert_eq!(add(5, Some("Undetermined"), Some(" ")), is(Classification::Undetermined, None));
    let logic = is(Classification::FalsePositive, Some("IncorrectAlertLogic"));
    assert_eq!(add(6, Some("False Positive"), Some("Incorrect Alert Logic")), logic);
}

fn own(value: &str) -> Option<OwnClosing> {
    let fields = BTreeMap::from([("112".to_owned(), value.to_owned())]);
    Some(OwnClosing { note: "ours".into(), fields, at: None, emptied: false })
}

/// What we wrote at a closing is no agent's choice, however it is handed out; an empty value is not found in everything.
#[test]
fn what_we_wrote_into_the_field_is_told_from_an_agents_choice() {
    let table = [
        ("2", json!(2), true),
        ("2", json!("2"), true),
        ("2", json!([{ "id": 2, "name": "False alarm" }]), true),
        ("2", json!([{ "id": 3, "name": "Undetermined" }]), false),
        ("2", json!(3), false),
        ("", json!(""), true),
        ("", json!([{ "id": 3, "name": "" }]), false),
    ];
    for (written, value, ours) in table {
        let base = Base { own_closing: own(written), ..Base::default() };
        let ticket = with(value.clone()).ticket.expect("there is one");
        let left = closing::of_agent(&base, &ticket).custom_fields;
        assert_eq!(left.is_empty(), ours, "{written:?} {value}");
        let mut forgotten = base.clone();
        closing::forget_changed(&mut forgotten, &ticket);
        assert_eq!(forgotten.own_closing.expect("it stays").fields.is_empty(), !ours, "{written:?} {value}");
    }
    // A list row tells nothing of it; a whole ticket that does not show it has been emptied.
    let mut ticket = with(json!(2)).ticket.expect("there is one");
    ticket.custom_fields.clear();
    for told in [false, true] {
        ticket.fields_told = told;
        let mut base = Base { own_closing: own("2"), ..Base::default() };
        closing::forget_changed(&mut base, &ticket);
        assert_eq!(base.own_closing.expect("it stays").fields.is_empty(), told);
    }
}

#[test]
fn both_sides_are_closed_only_when_that_was_agreed_of_both() {
    let base = |closed, status| Base { ticket_closed: closed, incident_status: Some(status), ..Base::default() };
    assert!(closing::both_closed(&base(true, IncidentStatus::Closed)));
    assert!(!closing::both_closed(&base(true, IncidentStatus::Active)));
    assert!(!closing::both_closed(&base(false, IncidentStatus::Closed)));
}

#[test]
fn the_classification_field_is_found_by_its_id_too() {
    let mut scene = in_step();
    scene.policy.classification_field = Some(Ref::Id(112));
    scene.close_incident(Classification::Undetermined, None);
    let written = |scene: &Scene| closing::field_of_verdict(&scene.policy, &scene.catalogue, &scene.incident);
    let lacks = |scene: &Scene| closing::without_choice(&scene.policy, &scene.catalogue, &scene.incident);
    assert_eq!((written(&scene), lacks(&scene)), (Some((112, json!(3))), None));
    let verdict = Verdict { classification: Classification::BenignPositive, reason: None, comment: None };
    scene.close_incident(verdict.classification.clone(), None);
    let hole = Reason::Unmapped { table: "classification".into(), value: verdict.words() };
    assert_eq!((written(&scene), lacks(&scene)), (None, Some(hole)));
    scene.policy.classification_field = Some(Ref::Id(77));
    let words = Some((77, json!("Benign positive")));
    assert_eq!((written(&scene), lacks(&scene)), (words, None), "an id that the look-up lacks is believed");
    scene.policy.classification_field = Some(Ref::Name("CFNowhere".into()));
    assert_eq!((written(&scene), lacks(&scene)), (None, None), "another name is none");
}

/// A merged incident's number, where the service tells it.
#[test]
fn the_number_of_the_survivor_is_a_number_from_one_on() {
    let table = [(json!(9), Some(9)), (json!(" 9 "), Some(9)), (json!(0), None), (json!(-1), None), (json!("x"), None)];
    for (value, expected) in table {
        let mut incident = in_step().incident;
        incident.raw = json!({ "properties": { "additionalData": { "mergedIncidentNumber": value } } }).into();
        assert_eq!(crate::planner::merges::told_number(&incident), expected, "{value}");
    }
}

fn answered(change: fn(&mut Scene)) -> Vec<(String, Decision)> {
    let mut scene = in_step();
    change(&mut scene);
    scene.with(choice::choices).into_iter().flat_map(|choice| choice.answers).collect()
}

/// Each answer to an open item is a decision about what the person saw.
#[test]
fn answers_decide_about_what_was_seen() {
    let labelled = |found: &[(String, Decision)]| found.iter().map(|(label, _)| label.clone()).collect::<Vec<_>>();
    let found = answered(|s| {
        s.pair.base.joined.insert("severity".into());
        s.incident.severity = Severity::High;
        s.ticket().priority_id = Some(4);
        s.policy.severity.wins = Wins::Newest;
    });
    assert_eq!(labelled(&found), ["Take the incident's: High", "Take the ticket's: Low"]);
    let take = |side| Decision::Take { field: "severity".into(), side, sentinel: "High".into(), halo: "Low".into() };
    assert_eq!(
        found.into_iter().map(|(_, decision)| decision).collect::<Vec<_>>(),
        [Side::Sentinel, Side::Halo].map(take)
    );
    let found = answered(|s| {
        s.policy.reopened_in_sentinel = ReopenRule::Ask;
        incident_opened_again(s);
    });
    assert_eq!(labelled(&found), ["Open the ticket again", "Make a new ticket", "Leave it closed, with a note"]);
    let found = answered(|s| {
        s.policy.reopened_in_halo = ReopenRule::Ask;
        ticket_opened_again(s);
    });
    assert_eq!(labelled(&found), ["Open the incident again", "Leave it closed, with a comment"]);
    let found = answered(|s| {
        s.redirect();
        let incident = IncidentId::new("99999999-2222-4333-8444-555555555555");
        let (pair, ticket) = (Some(s.pair.id), Some(TicketId(71)));
        s.merge = Merge::Into(Survivor { incident, name: "#9 Multi-stage".into(), pair, ticket, apart: false });
    });
    assert_eq!(found, [("Leave both tickets as they are".to_owned(), Decision::KeepApart)]);
    let found = answered(|s| {
        s.policy.drift.lost_comment = DriftRule::Ask;
        s.note(3, "<p>words</p>");
        let plan = s.plan();
        written(s, &plan);
        s.comments = Some(Vec::new());
        s.incident.comments_count = 0;
    });
    assert_eq!(labelled(&found), ["Write it again", "Leave it"]);
    assert!(
        matches!(&found[0].1, Decision::Copy { again: true, .. })
            && matches!(&found[1].1, Decision::Copy { again: false, .. })
    );
    let found = answered(|s| s.pair.base.frozen = Some(at("2026-03-01T11:59:00Z")));
    assert_eq!(found, [("Let it go on".to_owned(), Decision::Thaw { at: at("2026-03-01T11:59:00Z") })]);
}
