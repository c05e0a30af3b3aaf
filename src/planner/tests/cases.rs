//! Situations and the plan expected for each, as sentences.

use super::scene::{CLOSED, HOLD, NEW, Scene, WORKING, in_step, words};
use crate::domain::{
    catalogue::Ref,
    closing::{Classification, Verdict},
    ids::{ActionKey, CommentId, TicketId},
    incident::{IncidentStatus, Owner, Severity},
    policy::{MissingVerdict, NotesRule},
    workspace::Mode,
};

type Case = (&'static str, fn(&mut Scene), &'static str);

fn check(cases: &[Case]) {
    for (name, change, expected) in cases {
        let mut scene = in_step();
        change(&mut scene);
        assert_eq!(words(&scene.plan()), *expected, "{name}");
    }
}

#[test]
fn nothing_changed_nothing_planned() {
    check(&[("in step", |_| {}, "in-step healthy -")]);
}

#[test]
fn status_and_closure() {
    check(&[
        (
            "closed in Sentinel closes the ticket",
            |s| s.close_incident(Classification::TruePositive, Some("SuspiciousActivity")),
            "ticket status=9 because incident-closed; behind waiting incident-closed",
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
            "closed on both sides is agreed",
            |s| {
                s.close_ticket(Some(2));
                s.close_incident(Classification::FalsePositive, Some("InaccurateData"));
            },
            "in-step healthy -",
        ),
        ("a merge in Defender closes nothing", Scene::redirect, "unknown needs-you record-gone"),
        (
            "nothing is written to an incident that was merged, whatever happens to its ticket",
            |s| {
                s.redirect();
                s.ticket().agent_id = Some(5);
                s.close_ticket(Some(2));
            },
            "unknown needs-you record-gone",
        ),
        (
            "put on hold in Halo: an open status nobody mapped is an open item",
            |s| s.ticket().status_id = Some(HOLD),
            "in-step needs-you unmapped",
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
            "ticket status=9 because incident-closed; behind waiting incident-closed",
        ),
    ]);
}

#[test]
fn severity_and_owner() {
    check(&[
        (
            "severity raised",
            |s| s.incident.severity = Severity::High,
            "ticket priority=2 because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            "many-to-one: Low to Informational is the same priority",
            |s| {
                s.incident.severity = Severity::Informational;
                s.pair.base.severity = Some(Severity::Low);
                s.ticket().priority_id = Some(4);
            },
            "in-step healthy -",
        ),
        ("a priority chosen by an agent stays", |s| s.ticket().priority_id = Some(2), "in-step healthy -"),
        (
            "a severity nobody mapped is an open item",
            |s| s.incident.severity = Severity::Other("Critical".into()),
            "in-step needs-you unmapped",
        ),
        (
            "an owner with an agent of the same mail address",
            |s| s.incident.owner = Owner { user_principal_name: Some("Amira@SOC.example".into()), ..Owner::default() },
            "ticket agent=5 because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            "an owner who is nobody in Halo is an open item",
            |s| s.incident.owner = Owner { email: Some("x@y.example".into()), ..Owner::default() },
            "in-step needs-you unmapped",
        ),
        (
            "and stays one once the ticket is there and nothing moves",
            |s| {
                s.incident.owner = Owner { email: Some("x@y.example".into()), ..Owner::default() };
                s.pair.base.owner = s.incident.owner.key();
            },
            "in-step needs-you unmapped",
        ),
        (
            "also when the ticket has an agent already",
            |s| {
                s.incident.owner = Owner { email: Some("x@y.example".into()), ..Owner::default() };
                s.ticket().agent_id = Some(5);
                s.pair.base.agent_id = Some(5);
            },
            "in-step needs-you unmapped",
        ),
        (
            "with a fallback it is said, and nobody has to act",
            |s| {
                s.incident.owner = Owner { email: Some("x@y.example".into()), ..Owner::default() };
                s.policy.agent = Some(Ref::Name("Jonas".into()));
                s.ticket().agent_id = Some(6);
                s.pair.base.agent_id = Some(6);
            },
            "in-step healthy unmapped",
        ),
        (
            "a fallback that Halo doesn't know is none",
            |s| {
                s.incident.owner = Owner { email: Some("x@y.example".into()), ..Owner::default() };
                s.policy.agent = Some(Ref::Name("Nobody".into()));
            },
            "in-step needs-you unmapped",
        ),
        (
            "a closed incident needs no agent any more",
            |s| {
                s.incident.owner = Owner { email: Some("x@y.example".into()), ..Owner::default() };
                s.close_incident(Classification::Undetermined, None);
                s.close_ticket(Some(3));
            },
            "in-step healthy unmapped",
        ),
        (
            "the policy carries no owners: nothing is said",
            |s| {
                s.incident.owner = Owner { email: Some("x@y.example".into()), ..Owner::default() };
                s.policy.carry_owner = false;
            },
            "in-step healthy -",
        ),
        (
            "an agent took the ticket",
            |s| s.ticket().agent_id = Some(5),
            "incident owner=amira@soc.example because changed-in-halo; behind waiting changed-in-halo",
        ),
        (
            "an agent without a mail address is Halo's own affair",
            |s| s.ticket().agent_id = Some(6),
            "in-step healthy -",
        ),
    ]);
}

#[test]
fn comments_and_notes() {
    check(&[
        (
            "a comment becomes a note",
            |s| {
                s.comment(1, "please look");
            },
            "note of comment because comment-added; behind waiting comment-added",
        ),
        (
            "the same words twice cross twice",
            |s| {
                s.comment(1, "again");
                s.comment(2, "again");
            },
            "note of comment because comment-added; note of comment because comment-added; behind waiting comment-added",
        ),
        (
            "a note becomes a comment",
            |s| {
                s.note(3, "<p>done</p>");
            },
            "comment part 0 because note-added; behind waiting note-added",
        ),
        ("a system action does not cross", |s| s.note(1, "<p>opened</p>").system = true, "in-step healthy -"),
        (
            "a comment whose id we derived from an action of this ticket is our own, whatever the ledger lost",
            |s| {
                let id = CommentId::derived("msp", ActionKey { ticket: TicketId(70), action: 3 }, 0, 0);
                s.comment(1, "from Halo");
                if let Some(comment) = s.comments.iter_mut().flatten().next() {
                    comment.id = id;
                }
            },
            "in-step healthy -",
        ),
        (
            "comments first, then the closure",
            |s| {
                s.note(3, "<p>done</p>");
                s.close_ticket(Some(2));
            },
            "comment part 0 because note-added; incident status=Closed FalsePositive/InaccurateData because ticket-closed; behind waiting note-added",
        ),
        (
            "a full incident takes no more notes and says so",
            |s| {
                s.incident.comments_count = 97;
                s.note(3, "<p>done</p>");
            },
            "in-step needs-you comments-full",
        ),
    ]);
}

#[test]
fn our_own_note_is_recognised_after_a_lost_answer() {
    let mut scene = in_step();
    scene.comment(1, "please look");
    let planned = scene.plan();
    let crate::domain::operation::OperationKind::AddNote { note, .. } = &planned.operations[0].kind else {
        panic!("a note is planned");
    };
    let html = note.html.clone();
    scene.note(4, &html).agent_id = Some(99);
    let found = scene.plan();
    assert_eq!(found.links.len(), 1, "linked instead of written again");
    assert_eq!(words(&found), "in-step healthy -");
}

#[test]
fn which_notes_cross_is_the_policys_choice() {
    type Kind = (&'static str, fn(&mut crate::domain::ticket::Action));
    let kinds: [Kind; 4] = [
        ("private", |a| a.private = true),
        ("public", |a| a.private = false),
        ("flagged", |a| a.sync_to_sentinel = true),
        ("chosen outcome", |a| a.outcome = Some("For Sentinel".into())),
    ];
    let rules = [
        (NotesRule::All, [true, true, true, true]),
        (NotesRule::Public, [false, true, false, false]),
        (NotesRule::Flagged, [false, false, true, false]),
        (NotesRule::Outcomes, [false, false, false, true]),
        (NotesRule::None, [false, false, false, false]),
    ];
    for (rule, expected) in rules {
        for ((name, change), crosses) in kinds.iter().zip(expected) {
            let mut scene = in_step();
            scene.policy.notes = rule;
            scene.policy.note_outcomes = vec![Ref::Name("for sentinel".into())];
            change(scene.note(3, "<p>x</p>"));
            let planned = !scene.plan().operations.is_empty();
            assert_eq!(planned, crosses, "{rule:?} {name}");
        }
    }
}

#[test]
fn modes_carry_what_they_promise() {
    let table = [
        (Mode::Off, "unknown healthy mode-off"),
        (Mode::Observe, "behind waiting mode-observe"),
        (Mode::CommentOnly, "note of comment because comment-added; behind waiting comment-added"),
        (
            Mode::SentinelToHalo,
            "note of comment because comment-added; ticket priority=2 because changed-in-sentinel; behind waiting comment-added",
        ),
        (
            Mode::TwoWay,
            "note of comment because comment-added; comment part 0 because note-added; ticket priority=2 because changed-in-sentinel; incident owner=amira@soc.example because changed-in-halo; behind waiting comment-added",
        ),
    ];
    for (mode, expected) in table {
        let mut scene = in_step();
        scene.workspace.mode = mode;
        scene.comment(1, "hello");
        scene.note(3, "<p>there</p>");
        scene.incident.severity = Severity::High;
        scene.ticket().agent_id = Some(5);
        assert_eq!(words(&scene.plan()), expected, "{mode:?}");
    }
}

#[test]
fn a_ticket_of_another_client_is_never_written_to() {
    let changes: [fn(&mut Scene); 4] = [
        |s| {
            s.comment(1, "secret of client A");
        },
        |s| s.incident.severity = Severity::High,
        |s| s.close_incident(Classification::Undetermined, None),
        |s| {
            s.note(3, "<p>words of client B</p>");
        },
    ];
    for change in changes {
        for client in [None, Some(1), Some(13)] {
            let mut scene = in_step();
            scene.ticket().client_id = client;
            change(&mut scene);
            assert_eq!(words(&scene.plan()), "unknown needs-you wrong-client");
        }
    }
}

#[test]
fn gone_tickets_are_left_alone() {
    let mut scene = in_step();
    scene.ticket().deleted = true;
    scene.comment(1, "x");
    assert_eq!(words(&scene.plan()), "unknown needs-you record-gone");
    let mut scene = in_step();
    scene.ticket().merged_into = Some(TicketId(71));
    scene.close_incident(Classification::Undetermined, None);
    assert_eq!(words(&scene.plan()), "unknown needs-you record-gone");
}

#[test]
fn a_queued_change_follows_the_newest_reading() {
    let mut scene = in_step();
    scene.incident.severity = Severity::High;
    let first = scene.plan();
    scene.queue(&first);
    scene.incident.severity = Severity::Low;
    let second = scene.plan();
    assert_eq!(second.void.len(), 1, "the queued change is taken back");
    assert_eq!(words(&second), "ticket priority=4 because changed-in-sentinel; behind waiting changed-in-sentinel");
    scene.queue(&second);
    scene.incident.severity = Severity::Medium;
    let third = scene.plan();
    assert_eq!((third.void.len(), third.operations.len()), (1, 0), "changed back: nothing is left to write");
    assert_eq!(scene.ticket.as_ref().and_then(|t| t.status_id), Some(WORKING));
}
