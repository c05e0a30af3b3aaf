//! What we wrote into a ticket's classification is no agent's word.

use super::{
    closing::said,
    scene::{CLOSED, Scene, WORKING, at, in_step, words},
};
use crate::{
    domain::{
        catalogue::Ref,
        closing::{Classification, Verdict},
        incident::IncidentStatus,
        operation::OperationKind,
        policy::{MissingVerdict, ReopenRule},
        text,
        ticket::CustomField,
    },
    planner::{agreed, closing},
};

/// The engine writes what is planned for the ticket, and Halo takes it.
fn take(scene: &mut Scene) {
    let plan = scene.plan();
    scene.queue(&plan);
    for operation in std::mem::take(&mut scene.operations) {
        let OperationKind::UpdateTicket { change } = operation.kind else { continue };
        let closed = change.status_id == Some(CLOSED);
        let incident = scene.incident.clone();
        for (id, value) in &change.custom_fields {
            scene.ticket().custom_fields.retain(|field| field.id != *id);
            let field = CustomField { id: *id, name: String::new(), value: value.clone(), display: None };
            scene.ticket().custom_fields.push(field);
        }
        let ticket = scene.ticket();
        ticket.status_id = change.status_id.or(ticket.status_id);
        ticket.closed = closed;
        ticket.closure_note =
            change.closure_note.as_ref().map(|note| text::text_to_html(note)).or(ticket.closure_note.take());
        let answer = ticket.clone();
        scene.pair.base = agreed::after_ticket(scene.pair.base.clone(), &incident, &change, &answer, closed);
    }
}

/// An agent closes the ticket and touches nothing else.
fn close(scene: &mut Scene) {
    let ticket = scene.ticket();
    (ticket.closed, ticket.status_id) = (true, Some(CLOSED));
}

/// The incident was closed with a classification, which we wrote into the ticket with the closure.
fn closed_and_told(comment: Option<&str>) -> Scene {
    let mut scene = in_step();
    scene.close_incident(Classification::FalsePositive, Some("IncorrectAlertLogic"));
    scene.incident.classification_comment = comment.map(str::to_owned);
    let reason = Some("IncorrectAlertLogic".into());
    let verdict = Verdict { classification: Classification::FalsePositive, reason, comment: None };
    scene.policy.classifications.insert("false alarm".into(), verdict);
    take(&mut scene);
    assert_eq!(scene.ticket().custom_fields[0].value, 2);
    scene
}

#[test]
fn what_we_wrote_at_an_earlier_closing_is_no_agents_verdict() {
    let mut scene = closed_and_told(Some("rule is noisy"));
    scene.incident.status = IncidentStatus::Active;
    // An instance that keeps what is taken off: what stands there is none of the agent's words.
    take(&mut scene);
    scene.ticket().custom_fields[0].value = 2.into();
    assert_eq!(scene.ticket().status_id, Some(WORKING));
    assert_eq!(words(&scene.plan()), "in-step healthy -", "not taken off again and again");
    // The agent closes it and chooses nothing: asked about, as any closing without a classification.
    close(&mut scene);
    assert_eq!(words(&scene.plan()), "own note because verdict-missing; behind needs-you verdict-missing");
    assert!(said(&scene.plan()).contains("empty it first"));
    // By default: the default, and none of our own words as the agent's.
    let mut by_default = scene.clone();
    let verdict = Verdict { classification: Classification::BenignPositive, reason: None, comment: None };
    by_default.policy.missing_verdict = MissingVerdict::Default { verdict };
    let plan = by_default.plan();
    assert!(words(&plan).starts_with("incident status=Closed BenignPositive/"), "{}", words(&plan));
    assert_eq!(said(&plan), "Closed in Halo (ticket 70).");
    // What the agent writes below them is the agent's.
    let note = by_default.ticket().closure_note.clone().unwrap_or_default();
    by_default.ticket().closure_note = Some(format!("{note}<p>Rule was changed.</p>"));
    let told = said(&by_default.plan());
    assert!(told.contains("Rule was changed.") && !told.contains("rule is noisy"), "{told}");
    // Emptied and chosen again it is the agent's choice, though it is the same.
    scene.field(112, "");
    let emptied = scene.plan();
    scene.queue(&emptied);
    scene.operations.clear();
    scene.field(112, "2");
    assert!(
        words(&scene.plan()).starts_with("incident status=Closed FalsePositive/IncorrectAlertLogic"),
        "{}",
        words(&scene.plan())
    );
}

/// As the native integration's outcome does: an action that closes the ticket bears the classification.
fn close_as(scene: &mut Scene, action: i64, when: &str, classification: Option<&str>) {
    close(scene);
    scene.ticket().last_update = Some(at(when));
    let found = scene.note(action, "");
    (found.at, found.new_status) = (Some(at(when)), Some(CLOSED));
    found.sentinel_classification = classification.map(str::to_owned);
}

#[test]
fn the_classification_of_a_closing_that_was_undone_is_not_used_again() {
    let mut scene = in_step();
    close_as(&mut scene, 3, "2026-03-01T11:40:00Z", Some("TruePositive"));
    assert!(words(&scene.plan()).starts_with("incident status=Closed TruePositive/"), "{}", words(&scene.plan()));
    // Opened again on both sides, and read in that state.
    let ticket = scene.ticket();
    (ticket.closed, ticket.status_id, ticket.last_update) = (false, Some(WORKING), Some(at("2026-03-01T11:50:00Z")));
    let open = scene.plan();
    assert_eq!(words(&open), "in-step healthy -");
    scene.queue(&open);
    // Closed plainly: the agent is asked, though an older action bears a classification.
    let mut plainly = scene.clone();
    close_as(&mut plainly, 4, "2026-03-01T11:55:00Z", None);
    assert_eq!(words(&plainly.plan()), "own note because verdict-missing; behind needs-you verdict-missing");
    close_as(&mut scene, 4, "2026-03-01T11:55:00Z", Some("BenignPositive"));
    assert!(words(&scene.plan()).starts_with("incident status=Closed BenignPositive/"), "{}", words(&scene.plan()));
}

#[test]
fn an_action_of_the_very_second_in_which_the_ticket_was_read_open_may_be_of_the_next_closing() {
    let mut scene = in_step();
    close_as(&mut scene, 3, "2026-03-01T11:40:00Z", Some("TruePositive"));
    let ticket = scene.ticket();
    (ticket.closed, ticket.status_id) = (false, Some(WORKING));
    let open = scene.plan();
    scene.queue(&open);
    close(&mut scene);
    assert!(words(&scene.plan()).starts_with("incident status=Closed TruePositive/"), "{}", words(&scene.plan()));
}

/// What is offered is taken, and what Microsoft refuses is told on the ticket, once.
#[test]
fn a_choice_that_microsoft_refuses_is_not_offered_and_is_told_on_the_ticket() {
    let mut scene = in_step();
    let offered = scene.with(|s| closing::choices(s.policy, s.catalogue)).expect("a field").1;
    for name in &offered {
        let verdict = closing::named(&scene.policy, name).expect("a verdict");
        assert!(verdict.checked().is_ok(), "{name} of {offered:?}");
    }
    scene.policy.classification_field = Some(Ref::Name("CFUnknown".into()));
    let offered = scene.with(|s| closing::choices(s.policy, s.catalogue)).expect("a field").1;
    let known = ["True positive", "Benign positive", "False positive (IncorrectAlertLogic)"];
    assert_eq!(offered[..3], known);
    assert_eq!(offered[3..], ["False positive (InaccurateData)", "Undetermined"]);
    close_as(&mut scene, 3, "2026-03-01T11:40:00Z", Some("FalsePositive"));
    let plan = scene.plan();
    assert_eq!(words(&plan), "own note because verdict-refused; behind needs-you verdict-refused");
    assert!(said(&plan).contains("needs a reason"), "{}", said(&plan));
}

#[test]
fn what_we_wrote_into_the_classification_goes_when_the_ticket_is_opened_again() {
    // Opened again in Sentinel: with the status.
    let mut scene = closed_and_told(None);
    scene.incident.status = IncidentStatus::Active;
    assert_eq!(
        words(&scene.plan()),
        "ticket status=2 field112=\"\" because incident-reopened; behind waiting incident-reopened"
    );
    take(&mut scene);
    let after = scene.plan();
    assert_eq!(words(&after), "in-step healthy -");
    scene.queue(&after);
    // The very same choice is the agent's, without emptying anything first.
    scene.field(112, "2");
    close(&mut scene);
    let plan = scene.plan();
    assert!(words(&plan).starts_with("incident status=Closed FalsePositive/IncorrectAlertLogic"), "{}", words(&plan));
    // Opened again in Halo: once both sides are open.
    let mut scene = closed_and_told(None);
    let ticket = scene.ticket();
    (ticket.closed, ticket.status_id) = (false, Some(WORKING));
    scene.incident.status = IncidentStatus::Active;
    assert_eq!(
        words(&scene.plan()),
        "ticket field112=\"\" because incident-reopened; behind waiting incident-reopened"
    );
    // An agent has changed it: it stays.
    scene.field(112, "1");
    assert_eq!(words(&scene.plan()), "in-step healthy -");
    // While either side is closed it stays, and where status does not go to Halo.
    let mut scene = closed_and_told(None);
    assert_eq!(words(&scene.plan()), "in-step healthy -");
    scene.incident.status = IncidentStatus::Active;
    scene.policy.reopened_in_sentinel = ReopenRule::Note;
    assert!(!words(&scene.plan()).contains("field112"), "{}", words(&scene.plan()));
}
