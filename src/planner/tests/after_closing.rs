//! Opening again, and what arrives after closing.

use serde_json::json;

use super::{
    closing::{reopen_incident, reopen_ticket, shut},
    scene::{Scene, WORKING, at, check, in_step, words},
};
use crate::domain::{
    closing::Classification,
    decision::Decision,
    drift::DriftRule,
    failure::Side,
    ids::TicketId,
    incident::{IncidentStatus, Owner, Severity},
    operation::{OperationKind, OperationState},
    pair::OwnClosing,
    policy::{AfterClosing, ReopenRule},
};

/// The ticket was opened again a minute after we had closed it, by Halo itself.
fn right_away(s: &mut Scene) {
    reopen_ticket(s);
    let status = s.ticket().status_id;
    let action = s.note(3, "");
    (action.agent_id, action.system, action.new_status) = (None, true, status);
    action.at = Some(at("2026-03-01T11:55:00Z"));
    let at = Some(at("2026-03-01T11:54:00Z"));
    let note = "Closed in Microsoft Sentinel.".to_owned();
    s.pair.base.own_closing = Some(OwnClosing { note, fields: Default::default(), at, emptied: false });
}

#[test]
fn what_opening_again_does_is_a_choice_for_each_direction() {
    check(&[
        (
            "in Sentinel: the ticket is opened again",
            reopen_incident,
            "ticket status=2 because incident-reopened; behind waiting incident-reopened",
        ),
        (
            "in Sentinel: a new ticket",
            |s| {
                s.policy.reopened_in_sentinel = ReopenRule::NewTicket;
                reopen_incident(s);
            },
            "create ticket after 70 because incident-reopened; behind waiting incident-reopened",
        ),
        (
            "in Sentinel: a note, and the ticket stays closed",
            |s| {
                s.policy.reopened_in_sentinel = ReopenRule::Note;
                reopen_incident(s);
            },
            "own note because incident-reopened; behind waiting incident-reopened",
        ),
        (
            "in Sentinel: a person is asked",
            |s| {
                s.policy.reopened_in_sentinel = ReopenRule::Ask;
                reopen_incident(s);
            },
            "behind needs-you reopened",
        ),
        (
            "asked, and decided",
            |s| {
                s.policy.reopened_in_sentinel = ReopenRule::Ask;
                reopen_incident(s);
                s.pair.decisions = vec![Decision::Reopening {
                    side: Side::Sentinel,
                    at: "2026-03-01T11:55:00.000Z".into(),
                    rule: ReopenRule::Reopen,
                }];
            },
            "ticket status=2 because incident-reopened; behind waiting incident-reopened",
        ),
        (
            "a decision about an earlier reopening means nothing now",
            |s| {
                s.policy.reopened_in_sentinel = ReopenRule::Ask;
                reopen_incident(s);
                s.pair.decisions = vec![Decision::Reopening {
                    side: Side::Sentinel,
                    at: "2026-02-01T11:55:00.000Z".into(),
                    rule: ReopenRule::Reopen,
                }];
            },
            "behind needs-you reopened",
        ),
        (
            "in Halo: the incident is opened again",
            reopen_ticket,
            "incident status=Active because ticket-reopened; behind waiting ticket-reopened",
        ),
        (
            "in Halo: a comment, and the incident stays closed",
            |s| {
                s.policy.reopened_in_halo = ReopenRule::Note;
                reopen_ticket(s);
            },
            "comment of ticket because ticket-reopened; behind waiting ticket-reopened",
        ),
        (
            "in Halo: a person is asked",
            |s| {
                s.policy.reopened_in_halo = ReopenRule::Ask;
                reopen_ticket(s);
            },
            "behind needs-you reopened",
        ),
    ]);
    check(&[
        ("in Halo, by nobody, right after our own closing: a person is asked", right_away, "behind needs-you reopened"),
        (
            "the same, and decided",
            |s| {
                right_away(s);
                s.pair.decisions = vec![Decision::Reopening {
                    side: Side::Halo,
                    at: "2026-03-01T11:55:00.000Z".into(),
                    rule: ReopenRule::Reopen,
                }];
            },
            "incident status=Active because ticket-reopened; behind waiting ticket-reopened",
        ),
        (
            "the same, by an agent",
            |s| {
                right_away(s);
                s.note(4, "").at = Some(at("2026-03-01T11:55:00Z"));
            },
            "incident status=Active because ticket-reopened; behind waiting ticket-reopened",
        ),
        (
            "the same, and our own agent's action is nobody's",
            |s| {
                right_away(s);
                let action = s.note(4, "");
                (action.at, action.agent_id) = (Some(at("2026-03-01T11:55:00Z")), Some(99));
            },
            "behind needs-you reopened",
        ),
        (
            "the same, and an agent's action from before the closing says nothing of it",
            |s| {
                right_away(s);
                s.note(4, "").at = Some(at("2026-03-01T11:40:00Z"));
            },
            "behind needs-you reopened",
        ),
        (
            "where no action tells of it, somebody may have set the status alone",
            |s| {
                right_away(s);
                s.actions = Some(Vec::new());
            },
            "incident status=Active because ticket-reopened; behind waiting ticket-reopened",
        ),
        (
            "nor does a note of ours",
            |s| {
                right_away(s);
                s.actions = Some(Vec::new());
                let status = s.ticket().status_id;
                let action = s.note(4, "<p>words</p><p>HB-0123456789ABCDEF</p>");
                (action.agent_id, action.new_status) = (Some(99), status);
                action.at = Some(at("2026-03-01T11:55:00Z"));
            },
            "incident status=Active because ticket-reopened; behind waiting ticket-reopened",
        ),
        (
            "later than right after our own closing",
            |s| {
                right_away(s);
                s.ticket().last_update = Some(at("2026-03-01T11:56:01Z"));
            },
            "incident status=Active because ticket-reopened; behind waiting ticket-reopened",
        ),
        (
            "right after it, where a comment is the rule",
            |s| {
                s.policy.reopened_in_halo = ReopenRule::Note;
                right_away(s);
            },
            "comment of ticket because ticket-reopened; behind waiting ticket-reopened",
        ),
    ]);
    // Told once, then left apart, which the pair says.
    for (rule_sentinel, change) in [(true, reopen_incident as fn(&mut Scene)), (false, reopen_ticket)] {
        let mut scene = in_step();
        if rule_sentinel {
            scene.policy.reopened_in_sentinel = ReopenRule::Note;
        } else {
            scene.policy.reopened_in_halo = ReopenRule::Note;
        }
        change(&mut scene);
        let plan = scene.plan();
        scene.queue(&plan);
        scene.operations.clear();
        assert_eq!(words(&scene.plan()), "in-step healthy left-apart");
    }
    let mut scene = in_step();
    scene.policy.reopened_in_sentinel = ReopenRule::NewTicket;
    reopen_incident(&mut scene);
    let plan = scene.plan();
    let OperationKind::CreateTicket { draft, follows } = &plan.operations[0].kind else { panic!("a new ticket") };
    assert_eq!(*follows, Some(TicketId(70)));
    assert_ne!(draft.reference, scene.pair.reference);
    assert!(draft.details_html.contains("Its first ticket, 70, stays closed"));
    assert!(draft.details_html.contains(&format!("Halobridge reference {}", draft.reference)));
}

/// What it was queued for has passed before it was sent: a further ticket would stand beside one that goes on.
#[test]
fn a_further_ticket_that_is_wanted_no_more_is_taken_back() {
    let open_again = |s: &mut Scene| {
        let ticket = s.ticket();
        (ticket.status_id, ticket.closed) = (Some(WORKING), false);
    };
    let closed_again = |s: &mut Scene| s.close_incident(Classification::Undetermined, None);
    type Change<'a> = &'a dyn Fn(&mut Scene);
    let passes: [(&str, Change<'_>); 2] =
        [("an agent opened the ticket again", &open_again), ("the incident is closed again", &closed_again)];
    for (name, pass) in passes {
        let mut scene = in_step();
        scene.policy.reopened_in_sentinel = ReopenRule::NewTicket;
        reopen_incident(&mut scene);
        scene.queue(&scene.plan());
        assert!(scene.operations[0].kind.makes_ticket(), "{name}");
        assert_eq!(scene.plan().void.len(), 0, "as long as it is wanted");
        pass(&mut scene);
        let creation = scene.operations[0].id;
        let void = |scene: &Scene| scene.plan().void.iter().any(|(operation, _)| *operation == creation);
        assert!(void(&scene), "{name}");
        assert!(scene.plan().operations.iter().all(|planned| !planned.kind.makes_ticket()), "{name}");
        // What may have been sent is looked for first.
        scene.operations[0].state = OperationState::Sending { since: scene.now };
        assert!(!void(&scene), "{name}");
    }
    let mut scene = in_step();
    scene.policy.drift.only_in_sentinel = DriftRule::Heal;
    scene.pair.gone = Some(Side::Halo);
    scene.queue(&scene.plan());
    assert_eq!(scene.plan().void.len(), 0, "as long as it is gone");
    scene.pair.gone = None;
    assert_eq!(scene.plan().void.len(), 1, "it shows again");
}

#[test]
fn the_ticket_that_a_matter_has_left_is_told_once_where_it_goes_on() {
    let mut scene = in_step();
    scene.pair.base.left.insert(TicketId(61));
    let plan = scene.plan();
    assert_eq!(words(&plan), "own note because incident-reopened; behind waiting incident-reopened");
    let OperationKind::AddNote { note, .. } = plan.operations[0].kind.clone() else { panic!("a note") };
    assert_eq!((note.former, note.private), (Some(TicketId(61)), true));
    assert!(note.text.contains("It goes on in ticket 70.") && note.text.contains(&note.reference), "{}", note.text);
    // Queued, given up or dropped: not planned a second time.
    scene.queue(&plan);
    assert_eq!(words(&scene.plan()), "behind waiting incident-reopened");
    scene.give_up();
    assert_eq!(words(&scene.plan()), "behind needs-you refused");
    scene.drop_dead();
    assert_eq!(words(&scene.plan()), "behind healthy dropped");
    scene.close_incident(Classification::Undetermined, None);
    assert!(scene.plan().void.is_empty(), "what the former ticket was to be told stays dropped");
    // Told: nothing is left of it.
    let mut scene = in_step();
    scene.pair.base.left.insert(TicketId(61));
    scene.pair.base = crate::planner::notes::former::told(scene.pair.base.clone(), TicketId(61));
    assert_eq!(words(&scene.plan()), "in-step healthy -");
}

#[test]
fn what_arrives_after_closing_goes_by_its_kind() {
    check(&[
        (
            "a comment crosses",
            |s| {
                shut(s);
                s.comment(1, "one more thing");
            },
            "note of comment because comment-added; behind waiting comment-added",
        ),
        (
            "a comment that stays where it is, and the pair says so",
            |s| {
                s.policy.after_closing_comments = AfterClosing::Ignore;
                shut(s);
                s.comment(1, "one more thing");
            },
            "in-step healthy after-closing",
        ),
        (
            "a note that stays where it is",
            |s| {
                s.policy.after_closing_comments = AfterClosing::Ignore;
                shut(s);
                s.note(3, "<p>one more thing</p>");
            },
            "in-step healthy after-closing",
        ),
        (
            "a changed field is remarked on",
            |s| {
                shut(s);
                s.incident.severity = Severity::High;
            },
            "in-step healthy after-closing",
        ),
        (
            "a changed field is noted",
            |s| {
                s.policy.after_closing_fields = AfterClosing::NoteOnly;
                shut(s);
                s.incident.severity = Severity::High;
                s.ticket().agent_id = Some(5);
            },
            "own note because after-closing; comment of ticket because after-closing; behind waiting after-closing",
        ),
        (
            "a changed field crosses",
            |s| {
                s.policy.after_closing_fields = AfterClosing::Cross;
                shut(s);
                s.incident.severity = Severity::High;
            },
            "ticket priority=2 because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            "what was held back crosses when the matter is opened again",
            |s| {
                shut(s);
                s.incident.severity = Severity::High;
                s.incident.status = IncidentStatus::Active;
            },
            "ticket status=2 priority=2 because incident-reopened; behind waiting incident-reopened",
        ),
        (
            "what comes with the closing crosses with it",
            |s| {
                s.close_incident(Classification::Undetermined, None);
                s.incident.severity = Severity::High;
                s.incident.owner = Owner { email: Some("amira@soc.example".into()), ..Owner::default() };
                s.comment(1, "closing words");
            },
            "note of comment because comment-added; ticket status=9 priority=2 agent=5 field112=3 because incident-closed; behind waiting comment-added",
        ),
    ]);
    let mut scene = in_step();
    scene.policy.after_closing_comments = AfterClosing::NoteOnly;
    scene.policy.notes_private = false;
    shut(&mut scene);
    scene.comment(1, "one more thing");
    let OperationKind::AddNote { note, .. } = &scene.plan().operations[0].kind else { panic!("a note") };
    assert!(note.private, "told to nobody outside");
    // Noted once.
    let mut scene = in_step();
    scene.policy.after_closing_fields = AfterClosing::NoteOnly;
    shut(&mut scene);
    scene.incident.severity = Severity::High;
    let plan = scene.plan();
    let OperationKind::AddNote { note, .. } = plan.operations[0].kind.clone() else { panic!("a note") };
    assert!(note.text.contains("Changed in Microsoft Sentinel after closing: severity High."), "{}", note.text);
    scene.note(9, &note.html).agent_id = Some(99);
    assert_eq!(words(&scene.plan()), "in-step healthy after-closing");
}

#[test]
fn what_changes_after_each_closing_is_noted_once_for_each() {
    let told = "own note because after-closing; comment of ticket because after-closing; behind waiting after-closing";
    let mut scene = in_step();
    scene.policy.after_closing_fields = AfterClosing::NoteOnly;
    shut(&mut scene);
    scene.incident.severity = Severity::High;
    scene.ticket().agent_id = Some(5);
    let closed_at = |s: &mut Scene, at: &str| s.ticket().raw = json!({ "id": 70, "dateclosed": at }).into();
    closed_at(&mut scene, "2026-03-01T11:00:05");
    let plan = scene.plan();
    assert_eq!(words(&plan), told);
    let OperationKind::AddNote { note, .. } = plan.operations[0].kind.clone() else { panic!("a note") };
    let OperationKind::AddComment { comment, message, .. } = plan.operations[1].kind.clone() else { panic!("ours") };
    assert_eq!(message, "Changed in Halo after closing (2026-03-01 11:00:05 UTC): owner amira@soc.example.");
    scene.note(9, &note.html).agent_id = Some(99);
    scene.comment(7, &message);
    scene.comments.as_mut().unwrap()[0].id = comment;
    assert_eq!(words(&scene.plan()), "in-step healthy after-closing");
    // By an earlier version, which knew no moment of the closing.
    let mut earlier = scene.clone();
    let html = note.html.replace(&note.reference, "HB-0123456789");
    earlier.actions.as_mut().unwrap()[0].note_html = Some(html);
    let former = "Changed in Halo after closing: owner amira@soc.example.";
    earlier.comments.as_mut().unwrap()[0].message = former.into();
    assert_eq!(words(&earlier.plan()), "in-step healthy after-closing");
    // Opened again and closed another time meanwhile: the same is news.
    closed_at(&mut scene, "2026-03-01T11:50:00");
    assert_eq!(words(&scene.plan()), told);
}
