//! What a person dropped: never again in this form, and never in silence.

use super::scene::{CLOSED, HOLD, Scene, WORKING, at, in_step, words};
use crate::{
    domain::{
        catalogue::Ref,
        closing::Classification,
        incident::{IncidentStatus, Owner, Severity},
        operation::{OperationKind, OperationState},
        pair::{Health, RefusedOwner, SyncState},
        policy::AfterClosing,
        reason::Reason,
        workspace::Mode,
    },
    planner::choice,
};

type Change = fn(&mut Scene);
type Case = (&'static str, Change, Change, &'static str);

/// What is planned after `first` is dropped; then `then` happens.
fn check(cases: &[Case]) {
    for (name, first, then, expected) in cases {
        let mut scene = in_step();
        first(&mut scene);
        scene.plan_and_drop();
        then(&mut scene);
        let found = scene.plan();
        assert_eq!(words(&found), *expected, "{name}");
        // And it comes to rest.
        scene.queue(&found);
        let again = scene.plan();
        assert!(again.operations.is_empty() && again.void.is_empty(), "{name}: {again:?}");
    }
}

const DROPPED: &str = "behind healthy dropped";

#[test]
fn a_dropped_change_stays_dropped_until_its_source_changes() {
    let close: Change = |s| s.close_incident(Classification::Undetermined, None);
    let raise: Change = |s| s.incident.severity = Severity::High;
    let nothing: Change = |_| {};
    check(&[
        ("a closing", close, nothing, DROPPED),
        ("read again with another etag", close, |s| s.incident.etag = Some("\"b\"".into()), DROPPED),
        ("the agent works on", close, |s| s.ticket().status_id = Some(1), DROPPED),
        (
            "another field goes alone",
            close,
            |s| s.incident.severity = Severity::High,
            "ticket priority=2 because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            "another verdict is another closing",
            close,
            |s| s.close_incident(Classification::TruePositive, Some("SuspiciousActivity")),
            "ticket status=9 field112=1 because incident-closed; behind waiting incident-closed",
        ),
        (
            "closed by hand after all: only the evidence crosses",
            close,
            |s| s.close_ticket(Some(3)),
            "own note because incident-closed; comment of ticket because ticket-closed; behind waiting incident-closed",
        ),
        ("a severity", raise, nothing, DROPPED),
        (
            "a severity, then another one",
            raise,
            |s| s.incident.severity = Severity::Low,
            "ticket priority=4 because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        ("a severity, then back", raise, |s| s.incident.severity = Severity::Medium, "in-step healthy -"),
        ("an agent's assignment", |s| s.ticket().agent_id = Some(5), nothing, DROPPED),
        (
            "an agent's assignment, then nobody's",
            |s| s.ticket().agent_id = Some(5),
            |s| s.ticket().agent_id = Some(1),
            "in-step healthy -",
        ),
        (
            "a closing in Halo, then another classification",
            |s| s.close_ticket(Some(2)),
            |s| s.close_ticket(Some(1)),
            "incident status=Closed TruePositive/SuspiciousActivity because ticket-closed; behind waiting ticket-closed",
        ),
        (
            "a closing in Halo, then opened to another status",
            |s| s.close_ticket(Some(2)),
            |s| {
                s.policy.statuses_back = vec![(Ref::Name("On Hold".into()), "Active".into())];
                let ticket = s.ticket();
                (ticket.status_id, ticket.closed) = (Some(HOLD), false);
            },
            "in-step healthy -",
        ),
        (
            "the question for a classification: not asked again, still to be answered",
            |s| s.close_ticket(None),
            nothing,
            "behind needs-you verdict-missing",
        ),
    ]);
}

#[test]
fn closing_again_after_opening_again_is_another_closing() {
    let mut scene = in_step();
    scene.close_incident(Classification::Undetermined, None);
    scene.plan_and_drop();
    scene.incident.status = IncidentStatus::Active;
    let opened = scene.plan();
    assert_eq!(opened.void.len(), 1, "the drop has ended");
    scene.queue(&opened);
    scene.close_incident(Classification::Undetermined, None);
    let expected = "ticket status=9 field112=3 because incident-closed; behind waiting incident-closed";
    assert_eq!(words(&scene.plan()), expected);
}

#[test]
fn dropped_words_of_our_own_stay_dropped_as_long_as_they_are_true() {
    fn both(s: &mut Scene) {
        s.close_incident(Classification::Undetermined, None);
        s.close_ticket(Some(3));
    }
    let nothing: Change = |_| {};
    check(&[
        ("evidence of a closing", both, nothing, DROPPED),
        (
            "evidence of a closing, and then opened again",
            both,
            |s| s.incident.status = IncidentStatus::Active,
            "ticket status=2 because incident-reopened; behind waiting incident-reopened",
        ),
        ("the comment that names the ticket", |s| s.policy.link_comment = true, nothing, DROPPED),
        (
            "notes that were gathered into one comment",
            |s| {
                s.policy.digest_from = 0;
                s.note(3, "<p>one</p>");
                s.note(4, "<p>two</p>");
            },
            nothing,
            DROPPED,
        ),
        (
            "what arrived after closing",
            |s| {
                both(s);
                s.pair.base.incident_status = Some(IncidentStatus::Closed);
                s.pair.base.status_id = Some(CLOSED);
                s.pair.base.ticket_closed = true;
                s.policy.after_closing_fields = AfterClosing::NoteOnly;
                s.incident.severity = Severity::High;
                s.ticket().agent_id = Some(5);
            },
            nothing,
            DROPPED,
        ),
    ]);
}

#[test]
fn dropped_words_stay_dropped_until_they_are_edited() {
    let mut scene = in_step();
    scene.comment(1, "hello");
    scene.note(3, "<p>there</p>");
    scene.plan_and_drop();
    // The policy's way of writing notes is no new form of the words.
    scene.policy.notes_private = false;
    assert_eq!(words(&scene.plan()), DROPPED);
    scene.comment(2, "another");
    assert_eq!(words(&scene.plan()), "note of comment because comment-added; behind waiting comment-added");
    scene.comments.as_mut().and_then(|all| all.first_mut()).expect("a comment").message = "edited".into();
    scene.actions.as_mut().and_then(|all| all.first_mut()).expect("a note").note_html = Some("<p>edited</p>".into());
    let edited = scene.plan();
    assert_eq!(edited.void.len(), 2, "{edited:?}");
    assert_eq!(edited.operations.len(), 3, "{edited:?}");
}

#[test]
fn a_dropped_ticket_is_made_when_a_person_asks_and_not_before() {
    let mut scene = in_step();
    let ticket = scene.ticket.take();
    scene.pair.ticket = None;
    let planned = scene.plan();
    assert_eq!(words(&planned), "create ticket because new-incident; behind waiting new-incident");
    scene.queue(&planned);
    assert!(scene.plan().operations.is_empty(), "once");
    scene.give_up();
    assert_eq!(words(&scene.plan()), "behind needs-you refused");
    scene.drop_dead();
    scene.incident.severity = Severity::High;
    scene.incident.owner = Owner { user_principal_name: Some("amira@soc.example".into()), ..Owner::default() };
    assert_eq!(words(&scene.plan()), "behind needs-you dropped", "whatever the incident says");
    // Asked for again: drafted from what is known now.
    scene.operations.clear();
    let again = scene.plan();
    let OperationKind::CreateTicket { draft, .. } = &again.operations[0].kind else { panic!("a ticket is planned") };
    assert_eq!((draft.priority_id, draft.agent_id, draft.client_id), (Some(2), Some(5), 12));
    // Never at another client than the one it was linked for.
    scene.client.halo.as_mut().expect("it is bound").halo_client_id = 13;
    assert_eq!(words(&scene.plan()), "behind needs-you refused");
    // Once there is a ticket the drop is over.
    scene.client.halo.as_mut().expect("it is bound").halo_client_id = 12;
    scene.queue(&again);
    scene.give_up();
    scene.drop_dead();
    scene.pair.ticket = ticket.as_ref().map(|ticket| ticket.id);
    scene.ticket = ticket;
    assert_eq!(scene.plan().void.len(), 1);
}

#[test]
fn a_dropped_ticket_needs_somebody_while_its_incident_is_open() {
    let mut scene = in_step();
    scene.ticket = None;
    scene.pair.ticket = None;
    scene.plan_and_drop();
    let state = scene.plan().state;
    assert_eq!((state.sync, state.health), (SyncState::Behind, Health::NeedsYou));
    let remedy = state.reason.and_then(|reason| reason.remedy()).expect("it says what to do");
    assert!(remedy.contains("Plan it again") && remedy.contains("unlink"), "{remedy}");
    // Nobody needs a ticket for a matter that is over.
    scene.close_incident(Classification::Undetermined, None);
    assert_eq!(words(&scene.plan()), DROPPED);
}

#[test]
fn a_drop_outlives_a_change_of_mode() {
    let mut scene = in_step();
    scene.close_incident(Classification::Undetermined, None);
    scene.plan_and_drop();
    for mode in [Mode::Observe, Mode::CommentOnly, Mode::Off, Mode::SentinelToHalo] {
        scene.workspace.mode = mode;
        let found = scene.plan();
        assert!(found.void.is_empty() && found.operations.is_empty(), "{mode:?} {found:?}");
    }
    scene.workspace.mode = Mode::TwoWay;
    assert_eq!(words(&scene.plan()), DROPPED);
}

#[test]
fn a_dead_letter_does_not_hold_back_other_fields() {
    let mut scene = in_step();
    scene.close_incident(Classification::Undetermined, None);
    let planned = scene.plan();
    scene.queue(&planned);
    scene.give_up();
    scene.incident.severity = Severity::High;
    let found = scene.plan();
    assert_eq!(words(&found), "ticket priority=2 because changed-in-sentinel; behind needs-you refused");
    let state = &scene.operations[0].state;
    assert!(matches!(state, OperationState::Dead { .. }));
    assert_eq!(scene.ticket.as_ref().and_then(|t| t.status_id), Some(WORKING));
    assert_ne!(WORKING, CLOSED);
}

#[test]
fn a_drop_says_what_was_dropped() {
    let mut scene = in_step();
    scene.close_incident(Classification::Undetermined, None);
    scene.plan_and_drop();
    let state = scene.plan().state;
    assert_eq!((state.sync, state.health), (SyncState::Behind, Health::Healthy));
    let reason = state.reason.expect("it says why");
    assert!(reason.words().contains("Close the ticket"), "{}", reason.words());
    assert!(reason.remedy().expect("there is a way back").contains("Plan it again"));
}

#[test]
fn an_owner_whom_entra_does_not_know_is_open_until_another_one_is_wanted() {
    let mut scene = in_step();
    scene.ticket().agent_id = Some(5);
    let plan = scene.plan();
    assert_eq!(
        words(&plan),
        "incident owner=amira@soc.example because changed-in-halo; behind waiting changed-in-halo"
    );
    scene.queue(&plan);
    let reason = Reason::OwnerUnknown { owner: "amira@soc.example".into(), why: "No such user.".into() };
    assert!(reason.remedy().is_some_and(|remedy| remedy.contains("“agents”")));
    scene.operations[0].state = OperationState::Dead { at: at("2026-03-01T12:05:00Z"), reason };
    let plan = scene.plan();
    assert_eq!(words(&plan), "behind needs-you owner-unknown");
    assert!(plan.void.is_empty(), "it is not tried again: {:?}", plan.void);
    // The table names an owner for the agent.
    let mut mapped = scene.clone();
    mapped.policy.agents = [("amira@corp.example".to_owned(), Ref::Id(5))].into();
    let plan = mapped.plan();
    assert_eq!(plan.void.len(), 1);
    assert_eq!(
        words(&plan),
        "incident owner=amira@corp.example because changed-in-halo; behind waiting changed-in-halo"
    );
    // Or nobody is assigned any more.
    scene.ticket().agent_id = Some(1);
    let plan = scene.plan();
    assert_eq!((plan.void.len(), words(&plan).as_str()), (1, "in-step healthy -"));
}

#[test]
fn an_owner_whom_azure_refused_is_an_open_item_alone() {
    let mut scene = in_step();
    scene.ticket().agent_id = Some(5);
    let (why, at) = ("No such user.".to_owned(), at("2026-03-01T12:05:00Z"));
    scene.pair.base.refused_owner = Some(RefusedOwner { owner: "amira@soc.example".into(), why, at });
    let plan = scene.plan();
    assert_eq!(words(&plan), "behind needs-you owner-unknown");
    assert!(plan.state.further.is_empty(), "{:?}", plan.state);
    // What else changes goes on.
    let mut closing = scene.clone();
    closing.close_ticket(Some(2));
    assert!(words(&closing.plan()).starts_with("incident status=Closed"), "{}", words(&closing.plan()));
    assert_eq!(closing.plan().state.reason.map(|reason| reason.code()), Some("owner-unknown"));
    // And it is asked still when both are closed.
    let mut closed = closing.clone();
    closed.close_incident(Classification::TruePositive, Some("SuspiciousActivity"));
    let planned = closed.plan().base;
    closed.pair.base = planned.unwrap_or(closed.pair.base);
    (closed.pair.base.ticket_closed, closed.pair.base.incident_status) = (true, Some(IncidentStatus::Closed));
    assert_eq!(closed.plan().state.reason.map(|reason| reason.code()), Some("owner-unknown"));
    // The table names another one, or nobody is assigned any more: it is over.
    let mut mapped = scene.clone();
    mapped.policy.agents = [("amira@corp.example".to_owned(), Ref::Id(5))].into();
    let expected = "incident owner=amira@corp.example because changed-in-halo; behind waiting changed-in-halo";
    assert_eq!((words(&mapped.plan()).as_str(), mapped.plan().base.unwrap().refused_owner), (expected, None));
    let mut nobody = scene.clone();
    nobody.ticket().agent_id = Some(1);
    assert_eq!(words(&nobody.plan()), "in-step healthy -");
    // A person asks: once more, and refused anew it is asked about anew.
    let choices = scene.with(choice::choices);
    let (label, decision) = choices[0].answers[0].clone();
    assert_eq!(label, "Try this owner again");
    scene.pair.decisions.push(decision);
    let expected = "incident owner=amira@soc.example because changed-in-halo; behind waiting changed-in-halo";
    assert_eq!(words(&scene.plan()), expected);
    let later = at + jiff::SignedDuration::from_hours(1);
    scene.pair.base.refused_owner.as_mut().unwrap().at = later;
    assert_eq!(words(&scene.plan()), "behind needs-you owner-unknown");
}
