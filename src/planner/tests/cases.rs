//! Situations and the plan expected for each, as sentences.

use uuid::Uuid;

use super::scene::{Scene, WORKING, check, in_step, words};
use crate::domain::{
    client::Client,
    closing::Classification,
    ids::{ClientId, TicketId},
    incident::Severity,
    reason::Reason,
    workspace::Mode,
};

#[test]
fn nothing_changed_nothing_planned() {
    check(&[("in step", |_| {}, "in-step healthy -")]);
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
            "note of comment because comment-added; comment of 3 because note-added; ticket priority=2 because changed-in-sentinel; incident owner=amira@soc.example because changed-in-halo; behind waiting comment-added",
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
        // Its workspace was given to a client that has no place in Halo.
        let mut scene = in_step();
        scene.client = Client { id: ClientId(Uuid::from_u128(98)), halo: None, ..scene.client };
        change(&mut scene);
        assert_eq!(words(&scene.plan()), "unknown needs-you wrong-client");
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

#[test]
fn a_pair_keeps_every_reason_for_which_it_needs_somebody() {
    let mut scene = in_step();
    scene.incident.severity = Severity::Other("Critical".into());
    scene.incident.owner.email = Some("nobody@soc.example".into());
    let codes = |scene: &Scene| -> Vec<&str> {
        let state = scene.plan().state;
        state.reason.iter().chain(&state.further).map(Reason::code).collect()
    };
    assert_eq!(codes(&scene), ["unmapped", "unmapped"], "a severity and an owner without a row");
    // A dead letter comes first, and the same reason stands there once.
    scene.note(3, "<p>one</p>");
    scene.note(4, "<p>two</p>");
    let planned = scene.plan();
    scene.queue(&planned);
    scene.give_up();
    assert_eq!(codes(&scene), ["refused", "unmapped", "unmapped"]);
    // What nobody has to settle is no open item.
    let mut calm = in_step();
    calm.note(3, "<p>one</p>");
    assert_eq!(codes(&calm), ["note-added"]);
}
