//! The closing of a ticket that several incidents share: what we wrote at it, and who is asked and told.

use serde_json::json;

use super::{
    closing::said,
    groups::{FIRST, LATER, close, closed, mate, open},
    scene::{CLOSED, Scene, at, in_step, words},
};
use crate::{
    domain::{
        closing::{Classification, Verdict},
        ids::TicketId,
        incident::{IncidentStatus, Severity},
        operation::OperationKind,
        pair::OwnClosing,
        policy::MissingVerdict,
        text,
        ticket::Ticket,
    },
    planner::groups,
};

fn own(note: &str, field: &str, when: &str) -> OwnClosing {
    let fields = [("112".to_owned(), field.to_owned())].into();
    OwnClosing { note: note.into(), fields, at: Some(at(when)), emptied: false }
}

/// The ticket was closed for the first one's incident, with what we wrote then; this one's incident was opened again.
fn closed_for_the_first(s: &mut Scene) {
    closed(s, FIRST);
    s.mates[0].own_closing = Some(own("ours", "2", "2026-03-01T11:00:00Z"));
    s.field(112, "2");
    s.ticket().closure_note = Some("<p>ours</p>".into());
}

fn shut(ticket: &mut Ticket) {
    (ticket.closed, ticket.status_id) = (true, Some(CLOSED));
}

#[test]
fn what_we_wrote_at_the_closing_of_a_shared_ticket_is_no_agents_verdict_for_any_of_its_incidents() {
    let mut scene = in_step();
    closed_for_the_first(&mut scene);
    // An instance that keeps what is taken off.
    scene.mates[0].own_closing.as_mut().unwrap().emptied = true;
    // An agent closed it since.
    scene.note(3, "");
    shut(scene.ticket());
    let plan = scene.plan();
    assert_eq!(words(&plan), "own note because verdict-missing; behind needs-you verdict-missing");
    assert!(said(&plan).contains("empty it first"), "{}", said(&plan));
    // By default: the default, and none of our own words as the agent's.
    let verdict = Verdict { classification: Classification::Undetermined, reason: None, comment: None };
    scene.policy.missing_verdict = MissingVerdict::Default { verdict };
    assert_eq!(said(&scene.plan()), "Closed in Halo (ticket 70).");
}

#[test]
fn what_we_wrote_at_the_closing_of_a_shared_ticket_goes_when_any_of_its_incidents_opens_it_again() {
    let emptied = "ticket field112=\"\" because incident-reopened; behind waiting incident-reopened";
    let mut scene = in_step();
    closed_for_the_first(&mut scene);
    let plan = scene.plan();
    assert_eq!(words(&plan), emptied);
    scene.queue(&plan);
    scene.operations.clear();
    // An agent has chosen since, if it is the same: it is the agent's.
    scene.field(112, "");
    let plan = scene.plan();
    scene.queue(&plan);
    scene.field(112, "2");
    shut(scene.ticket());
    assert!(words(&scene.plan()).starts_with("incident status=Closed FalsePositive"), "{}", words(&scene.plan()));
    // Not by one that is not the first that is open, and not what was written on another ticket.
    let mut scene = in_step();
    closed_for_the_first(&mut scene);
    let mut earlier = mate(&scene, FIRST - 1, IncidentStatus::Active, Severity::Medium);
    earlier.own_closing = None;
    scene.mates.insert(0, earlier);
    assert_eq!(words(&scene.plan()), "in-step healthy -");
    scene.mates.remove(0);
    scene.mates[0].ticket = Some(TicketId(71));
    assert_eq!(words(&scene.plan()), "in-step healthy -");
}

/// It was read with the ticket open still, so that its closing was not known of it.
#[test]
fn an_incident_that_was_opened_again_right_after_our_closing_of_its_ticket_opens_the_ticket() {
    let opens = "ticket status=2 field112=\"\" because incident-reopened; behind waiting incident-reopened";
    let mut scene = in_step();
    closed_for_the_first(&mut scene);
    shut(scene.ticket());
    scene.mates[0].own_closing.as_mut().unwrap().at = scene.ticket().last_update;
    assert_eq!(words(&scene.plan()), opens);
    let verdict = Verdict { classification: Classification::Undetermined, reason: None, comment: None };
    scene.policy.missing_verdict = MissingVerdict::Default { verdict };
    let plan = scene.plan();
    assert_eq!(words(&plan), opens, "by default no verdict is made of it");
    scene.queue(&plan);
    assert!(scene.plan().void.is_empty(), "it stays so");
    // Where only we wrote on it since, it is our closing still; where a person did, it may be theirs.
    scene.operations.clear();
    scene.pair.base = in_step().pair.base;
    scene.ticket().last_update = Some(at("2026-03-01T11:30:00Z"));
    scene.note(3, "").agent_id = Some(99);
    assert_eq!(words(&scene.plan()), opens);
    scene.note(4, "");
    assert!(words(&scene.plan()).starts_with("incident status=Closed Undetermined"), "{}", words(&scene.plan()));
    // One that stayed closed is in step, and nobody is told of anything.
    let mut scene = in_step();
    close(&mut scene);
    closed_for_the_first(&mut scene);
    scene.mates[0].own_closing = Some(own("ours", "3", "2026-03-01T11:00:00Z"));
    scene.field(112, "3");
    shut(scene.ticket());
    assert_eq!(words(&scene.plan()), "in-step healthy -");
}

#[test]
fn the_newest_of_our_closings_of_a_shared_ticket_counts() {
    let mut scene = in_step();
    open(&mut scene, LATER);
    let (older, newer) = (own("older", "1", "2026-03-01T11:00:00Z"), own("newer", "2", "2026-03-01T11:30:00Z"));
    scene.mates[0].own_closing = Some(newer.clone());
    assert_eq!(scene.with(|s| groups::own_closing(s, None).cloned()), None, "the ticket has not been read since");
    scene.ticket().last_update = Some(at("2026-03-01T11:30:00Z"));
    for (theirs, ours, expected) in [
        (None, None, None),
        (Some(&newer), None, Some(&newer)),
        (Some(&newer), Some(&older), Some(&newer)),
        (Some(&older), Some(&newer), None),
        (Some(&older), Some(&older), None),
    ] {
        scene.mates[0].own_closing = theirs.cloned();
        assert_eq!(scene.with(|s| groups::own_closing(s, ours).cloned()).as_ref(), expected);
    }
}

#[test]
fn our_own_closing_of_a_shared_ticket_is_told_to_none_of_its_incidents_as_an_agents() {
    let mut scene = in_step();
    close(&mut scene);
    closed(&mut scene, FIRST);
    let note = scene.with(groups::closure_note);
    scene.ticket().closure_note = Some(text::text_to_html(&note));
    scene.field(112, "3");
    shut(scene.ticket());
    assert_eq!(words(&scene.plan()), "in-step healthy -");
    // An agent closed it: each hears what the other said.
    scene.ticket().closure_note = Some("<p>Customer confirmed.</p>".into());
    assert_eq!(
        words(&scene.plan()),
        "own note because incident-closed; comment of ticket because ticket-closed; behind waiting incident-closed"
    );
}

#[test]
fn our_closing_of_a_shared_ticket_is_ours_where_halo_took_no_closing_note() {
    let mut scene = in_step();
    close(&mut scene);
    closed(&mut scene, FIRST);
    let note = scene.with(groups::closure_note);
    scene.mates[0].own_closing = Some(own(&note, "3", "2026-03-01T11:00:05Z"));
    scene.field(112, "3");
    shut(scene.ticket());
    // An agent was on it before it was read.
    scene.note(3, "");
    scene.ticket().last_update = Some(at("2026-03-01T11:40:00Z"));
    assert_eq!(words(&scene.plan()), "in-step healthy -");
    scene.ticket().raw = json!({ "id": 70, "dateclosed": "2026-03-01T11:00:05" }).into();
    assert_eq!(words(&scene.plan()), "in-step healthy -");
    // It was closed by somebody since: each hears what the other said.
    scene.ticket().raw = json!({ "id": 70, "dateclosed": "2026-03-01T11:39:00" }).into();
    assert_eq!(
        words(&scene.plan()),
        "own note because incident-closed; comment of ticket because ticket-closed; behind waiting incident-closed"
    );
}

#[test]
fn the_missing_classification_of_a_shared_ticket_is_asked_for_once() {
    let mut first = in_step();
    first.close_ticket(None);
    first.ticket().raw = json!({ "id": 70, "dateclosed": "2026-03-01T11:00:05" }).into();
    open(&mut first, LATER);
    let plan = first.plan();
    let OperationKind::AddNote { note, .. } = &plan.operations[0].kind else { panic!("{plan:?}") };
    let asked = note.html.clone();
    // Then the one for which it was asked is closed: the other one is the first that is open.
    let mut other = in_step();
    other.close_ticket(None);
    other.ticket().raw = first.ticket().raw.clone();
    closed(&mut other, FIRST);
    let incident = std::mem::replace(&mut other.mates[0].incident, first.incident.clone());
    other.mates[0].incident.status = IncidentStatus::Closed;
    (other.pair.incident, other.incident.id) = (incident.id.clone(), incident.id);
    assert_eq!(words(&other.plan()), "own note because verdict-missing; behind needs-you verdict-missing");
    other.note(3, &asked).agent_id = Some(99);
    assert_eq!(words(&other.plan()), "behind needs-you verdict-missing");
}
