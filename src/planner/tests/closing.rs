//! Closing and reopening both ways.

use super::scene::{CLOSED, HOLD, NEW, Scene, WORKING, at, check, in_step, words};
use crate::{
    domain::{
        catalogue::Ref,
        closing::{Classification, Verdict},
        incident::IncidentStatus,
        operation::OperationKind,
        policy::{MissingVerdict, Wins},
    },
    planner::{Plan, Planned},
};

#[test]
fn status_and_closure() {
    check(&[
        (
            "closed in Sentinel closes the ticket",
            |s| s.close_incident(Classification::TruePositive, Some("SuspiciousActivity")),
            "ticket status=9 field112=1 because incident-closed; behind waiting incident-closed",
        ),
        (
            "closed in Halo with a chosen classification closes the incident",
            |s| s.close_ticket(Some(2)),
            "incident status=Closed FalsePositive/InaccurateData because ticket-closed; behind waiting ticket-closed",
        ),
        (
            "a classification in Microsoft's words is understood, its only reason filled in",
            |s| s.close_ticket(Some(1)),
            "incident status=Closed TruePositive/SuspiciousActivity because ticket-closed; behind waiting ticket-closed",
        ),
        (
            "a choice that comes as a list of objects",
            |s| {
                s.close_ticket(Some(1));
                s.ticket().custom_fields[0].value = serde_json::json!([{ "id": 1.0, "name": "True positive" }]);
            },
            "incident status=Closed TruePositive/SuspiciousActivity because ticket-closed; behind waiting ticket-closed",
        ),
        (
            "an empty list is no choice",
            |s| {
                s.close_ticket(Some(1));
                s.ticket().custom_fields[0].value = serde_json::json!([]);
            },
            "own note because verdict-missing; behind needs-you verdict-missing",
        ),
        (
            "closed in Halo without one: asked for on the ticket, never guessed",
            |s| s.close_ticket(None),
            "own note because verdict-missing; behind needs-you verdict-missing",
        ),
        (
            "closed in Halo without one, with a default",
            |s| {
                s.close_ticket(None);
                let verdict = Verdict { classification: Classification::Undetermined, reason: None, comment: None };
                s.policy.missing_verdict = MissingVerdict::Default { verdict };
            },
            "incident status=Closed Undetermined/none because ticket-closed; behind waiting ticket-closed",
        ),
        (
            "a choice that no row maps is none that is missing: it waits, and the default is not taken",
            |s| {
                s.close_ticket(Some(77));
                let verdict = Verdict { classification: Classification::Undetermined, reason: None, comment: None };
                s.policy.missing_verdict = MissingVerdict::Default { verdict };
            },
            "behind needs-you unmapped",
        ),
        (
            "a status that no row maps stays an open item, though nothing moves any more",
            |s| {
                s.incident.status = IncidentStatus::from("InProgress".to_owned());
                s.pair.base.incident_status = Some(s.incident.status.clone());
            },
            "behind needs-you unmapped",
        ),
        (
            "closed on both sides is agreed, and each hears what the other said",
            |s| {
                s.close_ticket(Some(2));
                s.close_incident(Classification::FalsePositive, Some("InaccurateData"));
            },
            "own note because incident-closed; comment of ticket because ticket-closed; behind waiting incident-closed",
        ),
        (
            "put on hold in Halo: an open status nobody mapped is an open item",
            |s| s.ticket().status_id = Some(HOLD),
            "behind needs-you unmapped",
        ),
        (
            "on hold means active: nothing to write",
            |s| {
                s.ticket().status_id = Some(HOLD);
                s.policy.statuses_back = vec![(Ref::Name("On Hold".into()), "Active".into())];
            },
            "in-step healthy -",
        ),
        (
            "back to new in Halo",
            |s| s.ticket().status_id = Some(NEW),
            "incident status=New because changed-in-halo; behind waiting changed-in-halo",
        ),
        (
            "reopened in Sentinel reopens the ticket",
            |s| {
                s.close_ticket(None);
                s.pair.base.incident_status = Some(IncidentStatus::Closed);
                s.pair.base.status_id = Some(CLOSED);
                s.pair.base.ticket_closed = true;
            },
            "ticket status=2 because incident-reopened; behind waiting incident-reopened",
        ),
        (
            "reopened in Halo reopens the incident",
            |s| {
                s.close_incident(Classification::Undetermined, None);
                s.pair.base.incident_status = Some(IncidentStatus::Closed);
                s.pair.base.status_id = Some(CLOSED);
                s.pair.base.ticket_closed = true;
            },
            "incident status=Active because ticket-reopened; behind waiting ticket-reopened",
        ),
        (
            "closed in Sentinel while the agent put it back to new: the closure wins",
            |s| {
                s.ticket().status_id = Some(NEW);
                s.close_incident(Classification::Undetermined, None);
            },
            "ticket status=9 field112=3 because incident-closed; behind waiting incident-closed",
        ),
    ]);
}

/// The ticket was made without it, and nobody changed it in Sentinel since.
#[test]
fn a_status_that_has_no_row_is_no_change_beside_an_agents() {
    let without_row = |wins: Wins| {
        let mut scene = in_step();
        scene.policy.status.wins = wins;
        scene.policy.statuses.remove("New");
        scene.incident.status = IncidentStatus::New;
        scene.pair.base.incident_status = None;
        scene
    };
    for wins in [Wins::Newest, Wins::Sentinel, Wins::Halo, Wins::Ask] {
        let mut scene = without_row(wins);
        assert_eq!(words(&scene.plan()), "behind needs-you unmapped", "{wins:?}: it is said");
        scene.close_ticket(Some(2));
        let crosses =
            "incident status=Closed FalsePositive/InaccurateData because ticket-closed; behind waiting ticket-closed";
        assert_eq!(words(&scene.plan()), crosses, "{wins:?}");
        // Of two records that were joined it may be the newer word all the same.
        scene.pair.base.joined.insert("status".into());
        let asked = matches!(wins, Wins::Newest | Wins::Ask);
        assert_eq!(words(&scene.plan()) == "behind needs-you conflict", asked, "{wins:?}");
    }
    // An incident that was closed since has moved, whatever has no row.
    let mut scene = without_row(Wins::Sentinel);
    scene.policy.statuses.remove("Closed");
    scene.close_incident(Classification::Undetermined, None);
    scene.ticket().status_id = Some(NEW);
    let found = scene.plan();
    let opens = |planned: &Planned| matches!(planned.kind, OperationKind::UpdateIncident { .. });
    assert!(!found.operations.iter().any(opens), "{}", words(&found));
}

/// Both sides were closed and agreed on it.
pub fn shut(s: &mut Scene) {
    s.close_ticket(Some(2));
    s.close_incident(Classification::FalsePositive, Some("InaccurateData"));
    s.pair.base.incident_status = Some(IncidentStatus::Closed);
    s.pair.base.status_id = Some(CLOSED);
    s.pair.base.ticket_closed = true;
}

pub fn incident_opened_again(s: &mut Scene) {
    shut(s);
    s.incident.status = IncidentStatus::Active;
    s.incident.modified = Some(at("2026-03-01T11:55:00Z"));
}

pub fn ticket_opened_again(s: &mut Scene) {
    shut(s);
    let ticket = s.ticket();
    (ticket.closed, ticket.status_id) = (false, Some(WORKING));
    ticket.last_update = Some(at("2026-03-01T11:55:00Z"));
}

pub fn reopen_incident(s: &mut Scene) {
    shut(s);
    s.incident.status = IncidentStatus::Active;
    s.incident.classification = None;
    s.incident.modified = Some(at("2026-03-01T11:55:00Z"));
}

pub fn reopen_ticket(s: &mut Scene) {
    shut(s);
    let ticket = s.ticket();
    ticket.closed = false;
    ticket.status_id = Some(WORKING);
    ticket.last_update = Some(at("2026-03-01T11:55:00Z"));
}

pub fn said(plan: &Plan) -> String {
    let texts = plan.operations.iter().map(|planned| match &planned.kind {
        OperationKind::AddNote { note, .. } => note.text.clone(),
        OperationKind::AddComment { message, .. } => message.clone(),
        OperationKind::UpdateTicket { change } => change.closure_note.clone().unwrap_or_default(),
        OperationKind::UpdateIncident { change } => {
            change.verdict.as_ref().and_then(|verdict| verdict.comment.clone()).unwrap_or_default()
        }
        OperationKind::CreateTicket { draft, .. } => draft.details_html.clone(),
        OperationKind::CreateIncident { incident } => incident.description.clone().unwrap_or_default(),
    });
    texts.collect::<Vec<_>>().join("\n")
}
