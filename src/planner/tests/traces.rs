//! What a change of a ticket whose answer was lost has left there, and what is made of that.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    scene::{CLOSED, HOLD, WORKING, at, in_step},
    sent::known,
};
use crate::{
    domain::{
        closing::Classification,
        ids::TicketId,
        incident::IncidentStatus,
        operation::{IncidentChange, OperationKind},
        pair::{Base, OwnClosing},
        reason::Reason,
        ticket::{Ticket, TicketChange},
    },
    planner::sent::{Found, Trace, incident_found, ticket_closed_before, ticket_doubted, ticket_trace, ticket_traced},
};

fn closing() -> TicketChange {
    let closure_note = Some("Closed in Microsoft Sentinel.".into());
    TicketChange { status_id: Some(CLOSED), closure_note, ..TicketChange::default() }
}

/// As [`known`], with the words of [`closing`].
fn opened() -> Ticket {
    Ticket { closure_note: Some("<p>Closed in  Microsoft Sentinel.</p>".into()), ..known() }
}

#[test]
fn a_closing_that_was_undone_before_it_was_settled_is_known_by_its_words() {
    let base = || in_step().pair.base;
    let own =
        OwnClosing { note: "Closed in Microsoft Sentinel.".into(), fields: BTreeMap::new(), at: None, emptied: false };
    let closed_before = Base { own_closing: Some(own), ..base() };
    let closed = || Ticket { status_id: Some(CLOSED), closed: true, ..opened() };
    let other_words = Ticket { closure_note: Some("Done.".into()), ..known() };
    let deleted = Ticket { deleted: true, ..opened() };
    let merged = Ticket { merged_into: Some(TicketId(71)), ..opened() };
    let merged_and_closed = Ticket { merged_into: Some(TicketId(71)), ..closed() };
    let table = [
        ("opened again", base(), known(), opened(), false, Some(Trace::OpenedAgain)),
        ("it stands", base(), known(), closed(), true, Some(Trace::Stands)),
        ("no words", base(), known(), known(), false, None),
        ("an agent's words", base(), known(), other_words, false, None),
        ("the words stood there", base(), opened(), opened(), false, None),
        ("we closed it so before", closed_before, known(), opened(), false, None),
        ("an agent closed it in another way", base(), known(), opened(), true, None),
        ("deleted", base(), known(), deleted, false, None),
        ("merged away", base(), known(), merged, false, None),
        ("closed by a merge", base(), known(), merged_and_closed, true, None),
    ];
    for (name, base, before, now, closed, expected) in table {
        assert_eq!(ticket_trace(&closing(), &base, Some(&before), (&now, closed)), expected, "{name}");
    }
    // An old backup does not know what stood there before: whoever wrote it, a person is asked once.
    let forgotten = ticket_closed_before(&closing(), &base(), (&opened(), false)).expect("it is in doubt");
    assert!(forgotten.joined.contains("status"));
    for (base, now, closed) in [(forgotten, opened(), false), (base(), known(), false), (base(), opened(), true)] {
        assert_eq!(ticket_closed_before(&closing(), &base, (&now, closed)), None);
    }
    let status = TicketChange { closure_note: None, ..closing() };
    assert_eq!(ticket_trace(&status, &base(), Some(&known()), (&opened(), false)), None, "it was no closing");
}

/// The agent's opening is the newer word: the incident is opened again, and the ticket is not closed once more.
#[test]
fn who_opens_a_ticket_again_after_a_closing_of_ours_without_an_answer_is_heard() {
    let mut scene = in_step();
    scene.close_incident(Classification::TruePositive, Some("SuspiciousActivity"));
    let sent = Some(at("2026-03-01T10:00:00Z"));
    let before = scene.pair.base.clone();
    let there = Ticket { status_id: Some(CLOSED), closed: true, ..opened() };
    for (trace, read) in [(Trace::OpenedAgain, opened()), (Trace::Stands, there)] {
        let read = (&read, read.closed);
        scene.pair.base = ticket_traced(before.clone(), &closing(), &scene.incident, read, (trace, sent));
        let base = &scene.pair.base;
        assert_eq!(base.incident_status, Some(IncidentStatus::Closed), "{trace:?}");
        assert_eq!((base.status_id, base.ticket_closed), (Some(CLOSED), true), "{trace:?}");
        // By now it is where it was, and open.
        *scene.ticket() = opened();
        if trace == Trace::Stands {
            scene.ticket().last_update = Some(at("2026-03-01T11:30:00Z"));
        }
        let plan = scene.plan();
        let to_incident = |kind: &OperationKind| matches!(kind, OperationKind::UpdateIncident { change } if change.status == Some(IncidentStatus::Active));
        assert!(matches!(&plan.operations[..], [one] if to_incident(&one.kind)), "{trace:?}: {:?}", plan.operations);
    }
}

/// Nothing tells whether it arrived, and the ticket was elsewhere since: a person says which is the newer word.
#[test]
fn a_closing_of_which_nothing_tells_is_asked_about() {
    let mut scene = in_step();
    scene.close_incident(Classification::TruePositive, Some("SuspiciousActivity"));
    assert_eq!(scene.plan().operations.len(), 1, "it would be closed");
    let base = scene.pair.base.clone();
    let doubted = Base { joined: BTreeSet::from(["status".to_owned()]), ..base.clone() };
    assert_eq!(ticket_doubted(&base, &closing()), Some(doubted.clone()));
    scene.pair.base = doubted.clone();
    let plan = scene.plan();
    let asked = |item: &Reason| matches!(item, Reason::Conflict { field, .. } if field == "status");
    assert!(plan.operations.is_empty() && plan.items().iter().any(asked), "{:?}", plan.items());

    let status = |id| TicketChange { status_id: Some(id), ..TicketChange::default() };
    let shut = Base { status_id: Some(CLOSED), ticket_closed: true, ..base.clone() };
    let priority = TicketChange { priority_id: Some(2), ..TicketChange::default() };
    assert!(ticket_doubted(&shut, &status(WORKING)).is_some(), "an opening");
    let known = [(&base, status(HOLD)), (&base, priority), (&shut, closing()), (&doubted, closing())];
    for (base, change) in known {
        assert_eq!(ticket_doubted(base, &change), None, "{change:?}");
    }
}

/// Whether somebody undid it or only wrote a comment: both move the incident's version, and neither leaves a word.
#[test]
fn an_open_incident_tells_nothing_of_a_closing_that_was_undone() {
    let known = in_step().incident;
    let mut current = known.clone();
    current.etag = Some("another".into());
    current.modified = Some(at("2026-03-01T12:30:00Z"));
    let closing = IncidentChange { status: Some(IncidentStatus::Closed), ..IncidentChange::default() };
    assert_eq!(incident_found(&closing, true, &known, &current), Found::AsKnown);
}
