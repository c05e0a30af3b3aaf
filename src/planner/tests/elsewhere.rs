//! What is written on a ticket while it belongs to another client.

use super::{
    notes::{crossed_note, edit_note},
    scene::{check, in_step},
};
use crate::domain::ids::{ActionKey, TicketId};

#[test]
fn what_was_written_while_the_ticket_was_another_clients_never_crosses() {
    check(&[
        (
            "a note of that time stays, one of ours crosses",
            |s| {
                s.note(3, "<p>about somebody else</p>");
                s.note(4, "<p>done</p>");
                s.pair.base.foreign.insert(ActionKey { ticket: TicketId(70), action: 3 });
            },
            "comment of 4 because note-added; behind waiting note-added",
        ),
        (
            "it is said that one stays",
            |s| {
                s.note(3, "<p>about somebody else</p>");
                s.pair.base.foreign.insert(ActionKey { ticket: TicketId(70), action: 3 });
            },
            "in-step healthy written-elsewhere",
        ),
        (
            "nor is an edit of that time told",
            |s| {
                crossed_note(s);
                edit_note(s, "<p>about somebody else</p>");
                s.pair.base.foreign.insert(ActionKey { ticket: TicketId(70), action: 3 });
            },
            "in-step healthy written-elsewhere",
        ),
    ]);
    let mut scene = in_step();
    scene.close_ticket(Some(2));
    scene.ticket().closure_note = Some("closed for somebody else".into());
    assert!(format!("{:?}", scene.plan().operations).contains("somebody else"));
    scene.pair.base.foreign.insert(ActionKey { ticket: TicketId(70), action: 3 });
    assert!(!format!("{:?}", scene.plan().operations).contains("somebody else"));
}
