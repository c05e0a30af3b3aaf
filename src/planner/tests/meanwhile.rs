//! What is agreed on after a call during which something else was learnt.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::scene::{CLOSED, NEW, at, in_step};
use crate::{
    domain::{
        failure::Side,
        ids::{ActionKey, CommentId, OperationId, TicketId},
        incident::{IncidentStatus, Severity},
        operation::IncidentChange,
        pair::{Agreed, Base, ClosingWords, Kept, KeptName, Move, Moves, OwnClosing, RefusedOwner},
    },
    planner::{agreed, meanwhile::merged},
};

fn key(action: i64) -> ActionKey {
    ActionKey { ticket: TicketId(70), action }
}

fn moved(value: &str) -> Moves {
    let known = Move { value: value.to_owned(), after: None, at: Some(at("2026-03-01T11:30:00Z")) };
    Moves { sentinel: Some(known), halo: None }
}

fn agreed_as(value: &str) -> Agreed {
    Agreed { sentinel: value.to_owned(), halo: Some(value.to_owned()) }
}

fn before() -> Base {
    let mut base = in_step().pair.base;
    base.left.insert(TicketId(60));
    base.fields.insert("120".into(), agreed_as("old"));
    base.fields.insert("121".into(), agreed_as("to go"));
    base.moves.insert("severity".into(), moved("Low"));
    base.joined.insert("mapped fields".into());
    base.alerts = Some(BTreeSet::from(["a".to_owned()]));
    base
}

/// What a call, or a reading, may come to: each is about another member, or field with all that belongs to it.
const CHANGES: [fn(&mut Base); 26] = [
    |base| {
        (base.severity, base.priority_id) = (Some(Severity::Low), Some(4));
        base.agree("severity");
    },
    |base| {
        (base.incident_status, base.status_id, base.ticket_closed) = (Some(IncidentStatus::Closed), Some(CLOSED), true);
    },
    |base| {
        (base.owner, base.agent_id) = (Some("amira@soc.example".into()), Some(5));
        base.unsettled.insert("owner".into(), Side::Halo);
    },
    |base| (base.title, base.summary) = (Some("another".into()), Some("[Sentinel 7] another".into())),
    |base| (base.labels, base.labels_in) = (Some(vec!["vip".into()]), Some((TicketId(70), 121))),
    |base| {
        base.fields.insert("120".into(), agreed_as("new"));
    },
    |base| {
        base.fields.remove("121");
    },
    |base| {
        base.moves.insert("CFTactics".into(), moved("Impact"));
    },
    |base| base.flips.push(at("2026-03-01T11:31:00Z")),
    |base| {
        base.joined.remove("mapped fields");
    },
    |base| {
        base.joined.insert("CFTactics".into());
    },
    |base| base.linked = true,
    |base| {
        base.foreign.insert(key(9));
    },
    |base| {
        base.unarrived.insert(OperationId(uuid::Uuid::from_u128(1001)));
    },
    |base| {
        base.deleted.insert(CommentId::new("deleted"));
    },
    |base| base.alerts.get_or_insert_default().extend(["b".to_owned()]),
    |base| {
        base.replaced.insert(TicketId(61));
    },
    |base| {
        base.left.remove(&TicketId(60));
    },
    |base| {
        base.unsaid = Some(ClosingWords { words: "words".into(), at: None });
        base.unsaid_back = Some("words".into());
    },
    |base| base.verdict = Some(agreed_as("False positive")),
    |base| {
        base.own_closing = Some(OwnClosing { note: "words".into(), fields: [].into(), at: None, emptied: false });
    },
    |base| base.spent = Some(key(8)),
    |base| {
        let at = at("2026-03-01T11:32:00Z");
        base.refused_owner = Some(RefusedOwner { owner: "x".into(), why: "nobody".into(), at });
    },
    |base| {
        base.kept.insert("ticket type".into(), Kept { sent: 21, kept: 22 });
    },
    |base| {
        base.kept_names.insert("team".into(), KeptName { sent: "a".into(), kept: "b".into() });
    },
    |base| {
        (base.frozen, base.ticketed) = (Some(at("2026-03-01T11:33:00Z")), Some(at("2026-03-01T11:34:00Z")));
        base.held_open = Some(at("2026-03-01T11:35:00Z"));
    },
];

fn changed(which: u32) -> Base {
    let mut base = before();
    for (n, change) in CHANGES.iter().enumerate() {
        if which & (1 << n) != 0 {
            change(&mut base);
        }
    }
    base
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a call comes to and whatever is learnt meanwhile: both stay.
    #[test]
    fn nothing_that_was_learnt_during_a_call_is_forgotten(told in 0_u32..1 << 26, now in 0_u32..1 << 26) {
        prop_assert_eq!(merged(&before(), &changed(told), &changed(now)), changed(told | now));
    }
}

/// A field that the call concerns is taken as a whole: half of one moment and half of another were never agreed on.
#[test]
fn of_a_field_no_half_is_mixed_with_one_of_another_moment() {
    let grounds = before();
    let mut now = grounds.clone();
    (now.severity, now.priority_id, now.status_id) = (Some(Severity::High), Some(2), Some(NEW));
    now.moves.insert("severity".into(), moved("High"));
    now.fields.insert("120".into(), agreed_as("learnt"));
    // Only the ticket's half is told.
    let told = Base { priority_id: Some(4), ..grounds.clone() };
    let after = merged(&grounds, &told, &now);
    assert_eq!((&after.severity, after.priority_id), (&grounds.severity, Some(4)));
    assert_eq!(after.moves, grounds.moves);
    assert_eq!((after.status_id, after.fields["120"].sentinel.as_str()), (Some(NEW), "learnt"), "the rest as learnt");
    // Only that it did not move is told.
    let mut told = grounds.clone();
    told.agree("severity");
    let after = merged(&grounds, &told, &now);
    assert_eq!((&after.severity, after.priority_id, after.moves.len()), (&grounds.severity, grounds.priority_id, 0));
    // Of a mapped field that both tell the call has the last word, and of alerts what either told was told.
    let mut told = grounds.clone();
    told.fields.insert("120".into(), agreed_as("written"));
    told.alerts.get_or_insert_default().insert("b".into());
    now.alerts.get_or_insert_default().insert("c".into());
    let after = merged(&grounds, &told, &now);
    assert_eq!(after.fields["120"], agreed_as("written"));
    assert_eq!(after.alerts, Some(BTreeSet::from(["a", "b", "c"].map(str::to_owned))));
}

/// The write that the engine makes most: the answer to a change of the incident, while a poll saw the subject change.
#[test]
fn the_answer_to_a_write_leaves_what_a_poll_saw_meanwhile() {
    let scene = in_step();
    let grounds = scene.pair.base.clone();
    let ticket = scene.ticket.as_ref().expect("the scene has a ticket");
    let mut answer = scene.incident.clone();
    answer.severity = Severity::High;
    let change = IncidentChange { severity: Some(Severity::High), ..IncidentChange::default() };
    let told = agreed::after_incident(grounds.clone(), ticket, &change, &answer);
    let now = Base { summary: Some("a new subject".into()), frozen: Some(scene.now), ..grounds.clone() };
    let after = merged(&grounds, &told, &now);
    assert_eq!(after, Base { severity: Some(Severity::High), ..now.clone() });
    // Where nothing was learnt, the answer is what is agreed on.
    assert_eq!(merged(&grounds, &told, &grounds), told);
    assert_eq!(merged(&grounds, &grounds, &now), now);
}
