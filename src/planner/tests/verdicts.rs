//! Classifications that are corrected after closing.

use serde_json::json;

use super::{
    closing::{said, shut},
    scene::{CLOSED, Scene, in_step, words},
};
use crate::{
    domain::{
        closing::Classification,
        incident::IncidentStatus,
        pair::{Agreed, OwnClosing},
        policy::{AfterClosing, Direction},
        reason::Reason,
        ticket::TicketChange,
        workspace::Mode,
    },
    planner::{agreed, fields::verdict},
};

/// Closed on both sides, and looked at since.
fn closed(rule: AfterClosing) -> Scene {
    let mut scene = in_step();
    scene.policy.after_closing_fields = rule;
    shut(&mut scene);
    let plan = scene.plan();
    assert_eq!(words(&plan), "in-step healthy -");
    scene.queue(&plan);
    scene
}

fn in_sentinel(scene: &mut Scene) {
    scene.incident.classification_comment = Some("the analyst's words".into());
    scene.close_incident(Classification::TruePositive, Some("SuspiciousActivity"));
}

fn in_halo(scene: &mut Scene) {
    scene.field(112, "1");
}

#[test]
fn a_classification_corrected_after_closing_goes_by_the_rule_for_fields() {
    type Case = (AfterClosing, fn(&mut Scene), &'static str);
    let cases: [Case; 6] = [
        (
            AfterClosing::Cross,
            in_sentinel,
            "ticket field112=1 because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            AfterClosing::Cross,
            in_halo,
            "incident TruePositive/SuspiciousActivity because changed-in-halo; behind waiting changed-in-halo",
        ),
        (AfterClosing::NoteOnly, in_sentinel, "own note because after-closing; behind waiting after-closing"),
        (AfterClosing::NoteOnly, in_halo, "comment of ticket because after-closing; behind waiting after-closing"),
        (AfterClosing::Ignore, in_sentinel, "in-step healthy after-closing"),
        (AfterClosing::Ignore, in_halo, "in-step healthy after-closing"),
    ];
    for (rule, correct, expected) in cases {
        let mut scene = closed(rule);
        correct(&mut scene);
        let plan = scene.plan();
        assert_eq!(words(&plan), expected, "{rule:?}");
        if rule == AfterClosing::NoteOnly {
            assert!(said(&plan).contains("classification True positive (SuspiciousActivity)"), "{}", said(&plan));
        }
        let told = |reason: &Reason| reason.words().contains("classification True positive (SuspiciousActivity)");
        assert!(rule == AfterClosing::Cross || plan.remarks().iter().any(told), "{:?}", plan.remarks());
        // It arrived: both agree, and nothing more is written.
        if rule == AfterClosing::Cross {
            in_sentinel(&mut scene);
            in_halo(&mut scene);
            let arrived = scene.plan();
            assert_eq!(words(&arrived), "in-step healthy -");
            scene.queue(&arrived);
            assert_eq!(words(&scene.plan()), "in-step healthy -");
        }
    }
}

#[test]
fn a_corrected_classification_keeps_the_closing_comment() {
    let mut scene = closed(AfterClosing::Cross);
    scene.incident.classification_comment = Some("the analyst's words".into());
    in_halo(&mut scene);
    assert_eq!(said(&scene.plan()), "the analyst's words");
    // Dropped, it is not written again, until another one is chosen.
    scene.plan_and_drop();
    let found = scene.plan();
    assert!(found.operations.is_empty() && found.void.is_empty(), "{found:?}");
    scene.field(112, "3");
    assert!(words(&scene.plan()).starts_with("incident Undetermined/none because changed-in-halo"));
}

/// The choice's field may be closed to our agent, or a rule of Halo's may set it.
#[test]
fn a_corrected_classification_that_halo_does_not_take_is_written_once() {
    let corrected = || {
        let mut scene = closed(AfterClosing::Cross);
        in_sentinel(&mut scene);
        assert!(words(&scene.plan()).starts_with("ticket field112=1 because changed-in-sentinel"));
        scene
    };
    let answered = |scene: &mut Scene, stands: &str| {
        let change = TicketChange { custom_fields: vec![(112, json!(1))], ..TicketChange::default() };
        scene.field(112, stands);
        let answer = scene.ticket().clone();
        scene.pair.base = agreed::after_ticket(scene.pair.base.clone(), &scene.incident, &change, &answer, true);
        let plan = scene.plan();
        scene.queue(&plan);
        words(&plan)
    };
    let mut scene = corrected();
    assert_eq!(answered(&mut scene, "2"), "in-step healthy verdicts-differ");
    let again = scene.plan();
    assert_eq!((words(&again).as_str(), &again.base), ("in-step healthy verdicts-differ", &None), "and it rests");
    // Where it was taken, the analyst may come back to it after an agent had another.
    let mut scene = corrected();
    assert_eq!(answered(&mut scene, "1"), "in-step healthy -");
    scene.field(112, "2");
    scene.close_incident(Classification::FalsePositive, Some("InaccurateData"));
    let plan = scene.plan();
    assert_eq!(words(&plan), "in-step healthy -");
    scene.queue(&plan);
    in_sentinel(&mut scene);
    assert!(words(&scene.plan()).starts_with("ticket field112=1 because changed-in-sentinel"));
}

#[test]
fn two_classifications_do_not_read_as_agreed() {
    let mut scene = in_step();
    shut(&mut scene);
    in_sentinel(&mut scene);
    for _ in 0..2 {
        let plan = scene.plan();
        assert_eq!(words(&plan), "in-step healthy verdicts-differ");
        scene.queue(&plan);
    }
    let told = scene.plan().state.reason.expect("a reason").words();
    assert!(
        told.contains("the incident as “True positive") && told.contains("the ticket as “False positive"),
        "{told}"
    );
    // Opened again it is forgotten: the next closing has a classification of its own.
    super::closing::reopen_ticket(&mut scene);
    let plan = scene.plan();
    scene.queue(&plan);
    assert_eq!(scene.pair.base.verdict, None);
    assert_eq!(verdict::NAME, "classification");
}

#[test]
fn a_corrected_classification_waits_where_the_mode_does_not_carry_it() {
    let mut scene = closed(AfterClosing::Cross);
    scene.workspace.mode = Mode::SentinelToHalo;
    in_halo(&mut scene);
    let plan = scene.plan();
    assert_eq!(words(&plan), "behind healthy mode-one-way");
    scene.queue(&plan);
    scene.workspace.mode = Mode::TwoWay;
    assert!(words(&scene.plan()).starts_with("incident TruePositive/SuspiciousActivity"));
    // Where the policy carries no status at all it carries no classification either.
    scene.policy.status.direction = Direction::None;
    assert_eq!(words(&scene.plan()), "in-step healthy verdicts-differ");
}

/// The field has no choice for what the analyst closed as: the ticket is closed all the same, and somebody is asked.
#[test]
fn a_classification_without_a_choice_in_halo_is_an_open_item() {
    let mut scene = in_step();
    scene.close_incident(Classification::BenignPositive, Some("SuspiciousButExpected"));
    let plan = scene.plan();
    assert_eq!(words(&plan), "ticket status=9 because incident-closed; behind waiting incident-closed");
    scene.close_ticket(None);
    scene.pair.base.incident_status = Some(IncidentStatus::Closed);
    (scene.pair.base.status_id, scene.pair.base.ticket_closed) = (Some(CLOSED), true);
    // Closed by an agent: the ticket is no worse for it.
    assert_eq!(words(&scene.plan()), "in-step healthy unmapped");
    let fields = std::collections::BTreeMap::new();
    scene.pair.base.own_closing = Some(OwnClosing { note: "ours".into(), fields, at: None, emptied: false });
    let hole =
        Reason::Unmapped { table: "classification".into(), value: "Benign positive (SuspiciousButExpected)".into() };
    for rule in [AfterClosing::Cross, AfterClosing::NoteOnly, AfterClosing::Ignore] {
        scene.policy.after_closing_fields = rule;
        let plan = scene.plan();
        assert_eq!(words(&plan), "behind needs-you unmapped", "{rule:?}");
        assert_eq!(plan.items(), std::slice::from_ref(&hole));
        // Said until there is a choice for it, and written then, once.
        let mut asked = scene.clone();
        asked.queue(&plan);
        assert_eq!(words(&asked.plan()), "behind needs-you unmapped", "{rule:?}");
        let verdict = asked.incident.verdict().expect("it is closed with one");
        asked.policy.classifications.insert("true positive".into(), verdict);
        let written = "ticket field112=1 because changed-in-sentinel; behind waiting changed-in-sentinel";
        assert_eq!(words(&asked.plan()), written, "{rule:?}");
        let known = Agreed { sentinel: "1".into(), halo: None };
        asked.pair.base.fields.insert("112".into(), known);
        assert_eq!(words(&asked.plan()), "in-step healthy -", "{rule:?}: Halo did not take it");
        asked.field(112, "1");
        let plan = asked.plan();
        assert_eq!(words(&plan), "in-step healthy -", "{rule:?}");
        let agreed = plan.base.and_then(|base| base.verdict).and_then(|verdict| verdict.halo);
        assert_eq!(agreed.as_deref(), Some("Benign positive (SuspiciousButExpected)"), "{rule:?}");
    }
    assert!(hole.remedy().is_some_and(|remedy| remedy.contains("“classifications” table")));
    // A row for it, by the choice's name.
    let mut mapped = scene.clone();
    let verdict = mapped.incident.verdict().expect("it is closed with one");
    mapped.policy.classifications.insert("true positive".into(), verdict);
    assert_eq!(words(&mapped.plan()), "in-step healthy -");
    // Where the policy carries no status to Halo, nothing is missing there.
    scene.policy.status.direction = Direction::ToSentinel;
    assert_eq!(words(&scene.plan()), "in-step healthy -");
}
