//! What a closing is asked for, and the evidence of it that both sides keep.

use proptest::prelude::*;

use super::{
    closing::{reopen_ticket, said, shut},
    scene::{Scene, WORKING, at, in_step, words},
};
use crate::{
    domain::{
        closing::{Classification, Verdict},
        incident::{IncidentStatus, Severity},
        operation::OperationKind,
        policy::{AfterClosing, MissingVerdict, ReopenRule},
        reason::Reason,
    },
    planner::notes,
};

#[test]
fn a_missing_classification_is_asked_for_by_the_fields_own_name_and_choices() {
    let asked = |arrange: fn(&mut Scene)| {
        let mut scene = in_step();
        scene.close_ticket(None);
        arrange(&mut scene);
        said(&scene.plan())
    };
    let words = asked(|_| ());
    assert!(
        words.contains("Choose one of True positive, False alarm, Undetermined in the field Classification of"),
        "{words}"
    );
    let words = asked(|s| s.policy.classification_field = None);
    assert!(!words.contains("Choose") && words.contains("Close the incident in Microsoft Sentinel"), "{words}");
}

#[test]
fn evidence_of_closing_is_kept_on_both_sides() {
    let mut scene = in_step();
    scene.close_incident(Classification::TruePositive, Some("SuspiciousActivity"));
    scene.incident.classification_comment = Some("as agreed".into());
    assert!(
        said(&scene.plan()).contains("Closed in Microsoft Sentinel as True positive (SuspiciousActivity). as agreed")
    );
    let mut scene = in_step();
    scene.close_ticket(Some(2));
    scene.ticket().closure_note = Some("<p>Customer confirmed.</p>".into());
    let comment = said(&scene.plan());
    assert!(comment.contains("Closed in Halo (ticket 70).") && comment.contains("Customer confirmed."), "{comment}");
    // Closed by people on both sides at once: each hears what the other said.
    let mut scene = in_step();
    scene.close_ticket(Some(2));
    scene.close_incident(Classification::TruePositive, Some("SuspiciousActivity"));
    let plan = scene.plan();
    assert_eq!(
        words(&plan),
        "own note because incident-closed; comment of ticket because ticket-closed; behind waiting incident-closed"
    );
    let both = said(&plan);
    assert!(
        both.contains("as True positive") && both.contains("Classification in Halo: False positive (InaccurateData)"),
        "{both}"
    );
    scene.queue(&plan);
    scene.operations.clear();
    assert_eq!(words(&scene.plan()), "in-step healthy verdicts-differ", "said once");
    // Opened again on both sides, and closed another time: in the same words the ticket has it, in others it is told.
    let OperationKind::AddNote { note, .. } = plan.operations[0].kind.clone() else { panic!("a note") };
    let base = &mut scene.pair.base;
    (base.incident_status, base.status_id, base.ticket_closed) = (Some(IncidentStatus::Active), Some(WORKING), false);
    let former = scene.with(|s| notes::own_reference(s, "closed"));
    for html in [note.html.clone(), note.html.replace(&note.reference, &former)] {
        let mut scene = scene.clone();
        scene.note(3, &html).agent_id = Some(99);
        assert_eq!(words(&scene.plan()), "comment of ticket because ticket-closed; behind waiting ticket-closed");
        scene.incident.classification_comment = Some("it came back".into());
        let plan = scene.plan();
        assert!(words(&plan).starts_with("own note because incident-closed; comment"), "{}", words(&plan));
        assert!(said(&plan).contains("it came back"), "{}", said(&plan));
    }
}

#[test]
fn an_incident_that_stays_closed_is_told_of_each_opening_of_its_ticket() {
    let told = "comment of ticket because ticket-reopened; behind waiting ticket-reopened";
    let mut scene = in_step();
    scene.policy.reopened_in_halo = ReopenRule::Note;
    reopen_ticket(&mut scene);
    let plan = scene.plan();
    let first = "Halo ticket 70 was opened again (2026-03-01 11:55:00 UTC). This incident stays closed.";
    assert_eq!(said(&plan), first);
    scene.queue(&plan);
    assert!(scene.plan().operations.is_empty(), "once");
    // Closed on both sides again, and opened another time.
    reopen_ticket(&mut scene);
    scene.ticket().last_update = Some(at("2026-03-01T11:58:00Z"));
    let plan = scene.plan();
    assert_eq!(words(&plan), told);
    assert!(said(&plan).contains("11:58:00"), "{}", said(&plan));
    // A restored backup reads the ticket as it is now: the incident was told of that opening by another time.
    scene.queue(&plan);
    let OperationKind::AddComment { comment, message, .. } = scene.operations[0].kind.clone() else { panic!("ours") };
    scene.operations.clear();
    reopen_ticket(&mut scene);
    scene.comment(7, &message);
    scene.comments.as_mut().unwrap()[0].id = comment;
    scene.ticket().last_update = Some(at("2026-03-01T11:59:00Z"));
    assert_eq!(words(&scene.plan()), told, "another one, as far as a database that remembers all can tell");
    scene.forgotten = Some(scene.now);
    assert_eq!(words(&scene.plan()), "in-step healthy left-apart");
    // Known to be closed after that comment was written.
    scene.seen.halo = Some(at("2026-03-01T11:57:00Z"));
    assert_eq!(words(&scene.plan()), told);
}

#[test]
fn each_closing_without_a_classification_is_asked_about_once() {
    let mut scene = in_step();
    scene.close_ticket(None);
    let first = scene.plan();
    scene.queue(&first);
    let OperationKind::AddNote { note, .. } = first.operations[0].kind.clone() else { panic!("a question") };
    scene.operations.clear();
    scene.note(5, &note.html).agent_id = Some(99);
    assert_eq!(words(&scene.plan()), "behind needs-you verdict-missing", "asked once");
    // Opened again, and closed again later: asked again.
    let ticket = scene.ticket();
    ticket.closed = false;
    ticket.status_id = Some(WORKING);
    let opened = scene.plan();
    scene.queue(&opened);
    scene.operations.clear();
    scene.close_ticket(None);
    scene.ticket().last_update = Some(at("2026-03-01T11:58:00Z"));
    assert_eq!(words(&scene.plan()), "own note because verdict-missing; behind needs-you verdict-missing");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Nothing but an agent's choice or a configured default ever becomes "Undetermined".
    #[test]
    fn nothing_is_ever_closed_as_undetermined_by_itself(option in proptest::option::of(1_i64..4), ask in any::<bool>()) {
        let mut scene = in_step();
        scene.close_ticket(option);
        if !ask {
            let verdict = Verdict { classification: Classification::BenignPositive, reason: None, comment: None };
            scene.policy.missing_verdict = MissingVerdict::Default { verdict };
        }
        for planned in scene.plan().operations {
            if let OperationKind::UpdateIncident { change } = planned.kind {
                let undetermined = change.verdict.is_some_and(|v| v.classification == Classification::Undetermined);
                prop_assert_eq!(undetermined, option == Some(3));
            }
        }
    }

    /// On a closed matter nothing but words is written unless the policy says that fields cross.
    #[test]
    fn closed_is_a_state_with_its_own_rule(
        severity in prop_oneof![Just(Severity::High), Just(Severity::Low)], agent in prop_oneof![Just(1_i64), Just(5)],
        note_only in any::<bool>()
    ) {
        let mut scene = in_step();
        scene.policy.after_closing_fields = if note_only { AfterClosing::NoteOnly } else { AfterClosing::Ignore };
        shut(&mut scene);
        scene.incident.severity = severity;
        scene.ticket().agent_id = Some(agent);
        let plan = scene.plan();
        for planned in &plan.operations {
            let words_only = matches!(planned.kind, OperationKind::AddNote { .. } | OperationKind::AddComment { .. });
            prop_assert!(words_only && note_only);
        }
        let remarked = plan.remarks().iter().any(|reason| matches!(reason, Reason::AfterClosing { .. }));
        prop_assert!(remarked);
    }
}
