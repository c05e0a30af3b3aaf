//! Which writes in our name were not made from here.

use super::scene::{CLOSED, Scene, at, in_step};
use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        ids::{ActionKey, CommentId, IncidentId, TicketId},
        merge::MergedFrom,
        operation::OperationState,
        reason::Reason,
        second_writer::SecondWrite,
        workspace::Mode,
    },
    planner::{
        notes::note_reference,
        second_writer::{named_already, named_tickets, signs},
    },
};

/// The signs in words.
fn found(scene: &Scene) -> String {
    let told: Vec<String> = scene
        .with(signs)
        .iter()
        .map(|sign| match sign.wrote {
            SecondWrite::Note { action } => format!("note {}", action.action),
            SecondWrite::Comment { ticket } => format!("comment of {ticket}"),
        })
        .collect();
    told.join(", ")
}

/// A note of our own agent that carries a comment.
fn note_of(s: &mut Scene, comment: &CommentId) {
    let reference = s.with(|s| note_reference(s, comment, 0));
    s.note(40, &format!("<p>please look</p><p>{reference}</p>")).agent_id = Some(99);
}

fn note(s: &mut Scene) {
    let comment = s.comment(1, "please look");
    note_of(s, &comment);
}

/// The same while our own note of that comment is planned.
fn note_while_planned(s: &mut Scene) {
    let comment = s.comment(1, "please look");
    let plan = s.plan();
    s.queue(&plan);
    assert_eq!(s.operations.len(), 1);
    note_of(s, &comment);
}

/// The same with a link to a note of some ticket.
fn note_while_linked(s: &mut Scene, ticket: i64, action: i64) {
    let comment = s.comment(1, "please look");
    let key = ActionKey { ticket: TicketId(ticket), action };
    s.link(&comment, key, (0, 0), None, Side::Sentinel);
    note_of(s, &comment);
}

/// A comment with the id that is derived for a note, or for a ticket itself.
fn comment(s: &mut Scene, (ticket, action): (i64, i64), (edit, part): (u32, u32), message: &str) {
    s.comment(2, message);
    let key = ActionKey { ticket: TicketId(ticket), action };
    s.comments.as_mut().unwrap().last_mut().unwrap().id = CommentId::derived("msp", key, edit, part);
}

const NAMED: &str = "Halo ticket 71\nhttps://desk.example/tickets?id=71";

fn another_ticket(s: &mut Scene) {
    comment(s, (71, 0), (0, 0), NAMED);
}

type Row = (&'static str, fn(&mut Scene), &'static str);

fn check(rows: &[Row]) {
    for (name, change, expected) in rows {
        let mut scene = in_step();
        change(&mut scene);
        assert_eq!(found(&scene), *expected, "{name}");
    }
}

#[test]
fn a_note_with_our_reference_that_no_operation_wrote_is_a_second_writers() {
    check(&[
        ("nothing new", |_| {}, ""),
        ("a person's own words", |s| drop(s.comment(1, "please look")), ""),
        ("nobody here wrote it", note, "note 40"),
        ("it was never sent from here", note_while_planned, "note 40"),
        (
            "by a person, who quotes it",
            |s| {
                note(s);
                s.actions.as_mut().unwrap()[0].agent_id = Some(5);
            },
            "",
        ),
        (
            "nobody knows by whom",
            |s| {
                note(s);
                s.actions.as_mut().unwrap()[0].agent_id = None;
            },
            "",
        ),
        (
            "nobody knows who we are",
            |s| {
                note(s);
                s.catalogue.own_agent_id = None;
                s.actions.as_mut().unwrap()[0].agent_id = None;
            },
            "",
        ),
        (
            "nobody knows when",
            |s| {
                note(s);
                s.actions.as_mut().unwrap()[0].at = None;
            },
            "",
        ),
        (
            "from before the pair: a former installation, or one that was taken apart",
            |s| {
                note(s);
                s.actions.as_mut().unwrap()[0].at = Some(at("2026-03-01T10:00:00Z"));
            },
            "",
        ),
        ("linked", |s| note_while_linked(s, 70, 40), ""),
        ("linked, and sent twice by a proxy", |s| note_while_linked(s, 70, 39), ""),
        ("moved here from a former ticket of the pair", |s| note_while_linked(s, 69, 12), ""),
    ]);
}

#[test]
fn what_an_operation_may_have_written_is_ours() {
    check(&[
        (
            "it is on its way",
            |s| {
                note_while_planned(s);
                s.operations[0].state = OperationState::Sending { since: at("2026-03-01T12:00:00Z") };
            },
            "",
        ),
        (
            "its answer was lost",
            |s| {
                note_while_planned(s);
                let now = at("2026-03-01T12:00:00Z");
                s.operations[0].state = OperationState::OutcomeUnknown { since: now, look: now, looks: 0, failed: 0 };
            },
            "",
        ),
        (
            "tried, and planned again",
            |s| {
                note_while_planned(s);
                s.operations[0].attempts = 1;
            },
            "",
        ),
        (
            "refused with a time to wait, which counts no attempt",
            |s| {
                note_while_planned(s);
                let kind = FailureKind::WaitUntil { at: at("2026-03-01T12:10:00Z") };
                s.operations[0].last_failure = Some(Failure::new(Side::Halo, kind, "Please wait."));
            },
            "",
        ),
        (
            "given up",
            |s| {
                note_while_planned(s);
                s.give_up();
            },
            "",
        ),
        (
            "dropped by a person",
            |s| {
                note_while_planned(s);
                s.give_up();
                s.drop_dead();
            },
            "",
        ),
        (
            "given up with an unknown outcome",
            |s| {
                note_while_planned(s);
                let at = at("2026-03-01T12:05:00Z");
                s.operations[0].state = OperationState::Dead { at, reason: Reason::OutcomeUnknown };
            },
            "",
        ),
    ]);
}

#[test]
fn a_comment_with_a_derived_id_that_no_operation_wrote_is_a_second_writers() {
    check(&[
        (
            "a note that we have not told",
            |s| {
                s.note(3, "<p>done</p>");
                comment(s, (70, 3), (0, 0), "Note 3 on Halo ticket 70 by Amira\n\ndone");
            },
            "comment of 70",
        ),
        (
            "an edit that we have not told",
            |s| {
                let key = s.note(3, "<p>done</p>").key;
                s.link(&CommentId::derived("msp", key, 0, 0), key, (0, 0), None, Side::Halo);
                comment(s, (70, 3), (1, 0), "Note 3 on Halo ticket 70 by Amira, was edited. It says now:\n\ndone");
            },
            "comment of 70",
        ),
        ("our ticket's name", |s| comment(s, (70, 0), (0, 0), "Halo ticket 70"), "comment of 70"),
        ("another ticket's name", another_ticket, "comment of 71"),
        (
            "a note of another ticket",
            |s| comment(s, (71, 9), (0, 0), "Note 9 on Halo ticket 71 by Amira"),
            "comment of 71",
        ),
        (
            "before we have a ticket",
            |s| {
                (s.pair.ticket, s.ticket) = (None, None);
                another_ticket(s);
            },
            "comment of 71",
        ),
        (
            "a later part of a long note: its first one tells",
            |s| {
                s.note(3, "<p>done</p>");
                comment(s, (70, 3), (0, 1), "and so on");
            },
            "",
        ),
        (
            "linked",
            |s| {
                let key = s.note(3, "<p>done</p>").key;
                comment(s, (70, 3), (0, 0), "Note 3 on Halo ticket 70 by Amira\n\ndone");
                s.link(&CommentId::derived("msp", key, 0, 0), key, (0, 0), None, Side::Halo);
            },
            "",
        ),
        (
            "on its way",
            |s| {
                s.note(3, "<p>done</p>");
                let plan = s.plan();
                s.queue(&plan);
                s.operations[0].state = OperationState::Sending { since: at("2026-03-01T12:00:00Z") };
                comment(s, (70, 3), (0, 0), "Note 3 on Halo ticket 70 by Amira\n\ndone");
            },
            "",
        ),
        (
            "planned and never sent",
            |s| {
                s.note(3, "<p>done</p>");
                let plan = s.plan();
                s.queue(&plan);
                comment(s, (70, 3), (0, 0), "Note 3 on Halo ticket 70 by Amira\n\ndone");
            },
            "comment of 70",
        ),
        (
            "another process read the incident a minute before we did",
            |s| {
                another_ticket(s);
                s.comments.as_mut().unwrap()[0].created = Some(at("2026-03-01T10:00:00Z"));
            },
            "comment of 71",
        ),
        (
            "another ticket's name from before the pair: a former installation",
            |s| {
                another_ticket(s);
                s.comments.as_mut().unwrap()[0].created = Some(at("2026-03-01T09:00:00Z"));
            },
            "",
        ),
        (
            "our ticket's from before the pair: it was taken apart and linked again",
            |s| {
                comment(s, (70, 0), (0, 0), "Halo ticket 70");
                s.comments.as_mut().unwrap()[0].created = Some(at("2026-03-01T10:00:00Z"));
            },
            "",
        ),
        (
            "nobody knows when",
            |s| {
                another_ticket(s);
                s.comments.as_mut().unwrap()[0].created = None;
            },
            "",
        ),
        ("our words under a person's id", |s| drop(s.comment(1, NAMED)), ""),
        ("an id of ours under other words", |s| comment(s, (71, 0), (0, 0), "please look"), ""),
        ("a number that is none", |s| comment(s, (71, 0), (0, 0), "Halo ticket seventy-one"), ""),
        (
            "the matter has left that ticket",
            |s| {
                s.pair.base.left.insert(TicketId(71));
                another_ticket(s);
            },
            "",
        ),
        (
            "ours took the place of that ticket",
            |s| {
                s.pair.base.replaced.insert(TicketId(71));
                another_ticket(s);
            },
            "",
        ),
        (
            "that ticket is a merged incident's",
            |s| {
                s.merged.push(MergedFrom {
                    incident: IncidentId::new("22222222-2222-4333-8444-555555555555"),
                    name: "#8".into(),
                    ticket: Some(TicketId(71)),
                    comments: Vec::new(),
                    links: Vec::new(),
                });
                another_ticket(s);
            },
            "",
        ),
    ]);
}

#[test]
fn a_new_incident_that_names_a_ticket_already_was_read_by_a_second_writer() {
    let named = |message: &str, now: &str| {
        let mut scene = in_step();
        comment(&mut scene, (71, 0), (0, 0), message);
        named_already("msp", scene.comments.as_ref().unwrap(), at(now)).len()
    };
    assert_eq!(named(NAMED, "2026-03-01T11:35:00Z"), 1, "five minutes ago");
    assert_eq!(named(NAMED, "2026-03-01T12:35:00Z"), 0, "by a former installation, before ours was begun");
    assert_eq!(named("please look", "2026-03-01T11:35:00Z"), 0, "other words");
    assert_eq!(named("Halo ticket 72", "2026-03-01T11:35:00Z"), 0, "another ticket's id");
}

#[test]
fn the_ticket_that_comments_of_ours_named_last_comes_last() {
    let mut scene = in_step();
    comment(&mut scene, (71, 5), (0, 0), "Note 5 on Halo ticket 71 (public), by Amira");
    assert_eq!(named_tickets("msp", scene.comments.as_ref().unwrap()), [TicketId(71)], "by a note");
    comment(&mut scene, (72, 0), (0, 0), "Halo ticket 72");
    comment(&mut scene, (70, 0), (0, 0), "Halo ticket 70");
    comment(&mut scene, (73, 0), (0, 0), "Halo ticket 74");
    let comments = scene.comments.as_mut().unwrap();
    for (comment, day) in comments.iter_mut().zip(["04", "03", "02", "05"]) {
        comment.created = Some(at(&format!("2026-03-{day}T10:00:00Z")));
    }
    assert_eq!(named_tickets("msp", comments), [TicketId(70), TicketId(72)], "notes are told late");
    assert!(named_tickets("another", comments).is_empty(), "those of another instance");
}

#[test]
fn where_nothing_is_written_or_people_move_records_nothing_is_a_sign() {
    check(&[
        (
            "only observed",
            |s| {
                note(s);
                s.workspace.mode = Mode::Observe;
            },
            "",
        ),
        (
            "off",
            |s| {
                note(s);
                s.workspace.mode = Mode::Off;
            },
            "",
        ),
        (
            "one way",
            |s| {
                note(s);
                s.workspace.mode = Mode::SentinelToHalo;
            },
            "note 40",
        ),
        (
            "the ticket is another client's",
            |s| {
                note(s);
                s.ticket().client_id = Some(13);
            },
            "",
        ),
        (
            "the ticket was merged into another one",
            |s| {
                note(s);
                s.ticket().merged_into = Some(TicketId(71));
            },
            "",
        ),
        (
            "the ticket was deleted",
            |s| {
                note(s);
                s.ticket().deleted = true;
            },
            "",
        ),
        (
            "the incident was merged into another one",
            |s| {
                note(s);
                s.redirect();
            },
            "",
        ),
        (
            "a note that came with another ticket",
            |s| {
                note(s);
                s.actions.as_mut().unwrap()[0].key.ticket = TicketId(71);
            },
            "",
        ),
        (
            "closed",
            |s| {
                note(s);
                s.ticket().status_id = Some(CLOSED);
            },
            "note 40",
        ),
    ]);
}
