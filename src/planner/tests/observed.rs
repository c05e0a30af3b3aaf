//! What a reading changes in what is known.

use super::scene::{Scene, at, in_step};
use crate::{
    domain::ids::{ActionKey, TicketId},
    planner::observed::Observed,
};

fn observed(scene: &Scene) -> Observed<'_> {
    Observed {
        incident: &scene.incident,
        comments: scene.comments.as_deref(),
        evidence: None,
        ticket: scene.ticket.as_ref(),
        actions: scene.actions.as_deref(),
        links: &scene.links,
    }
}

/// A ticket's notes are read, a colleague writes one and it is read, and then ours is there: what was read before it was
/// written has been overtaken, and the colleague's note is none that was deleted.
#[test]
fn what_was_read_before_a_note_of_ours_forgets_nothing() {
    let mut before = in_step();
    before.actions = Some(Vec::new());
    let current = before.ticket().clone();
    let mut now = before.clone();
    now.note(1, "<p>a colleague's</p>").at = Some(at("2026-03-01T11:50:00Z"));
    now.ticket().last_update = Some(at("2026-03-01T11:50:00Z"));
    now.ticket().last_action = Some(at("2026-03-01T11:50:00Z"));
    let mut own = now.note(2, "<p>ours HB-0000000001</p>").clone();
    now.actions.as_mut().expect("noted").pop();
    own.at = Some(at("2026-03-01T11:51:00Z"));
    let reading = observed(&before).around_note(current, Some(Vec::new()), own);
    let reading = observed(&now).in_time(reading);
    let news = observed(&now).news(reading);
    let keys: Vec<ActionKey> = news.actions.expect("one more").iter().map(|action| action.key).collect();
    let key = |action| ActionKey { ticket: TicketId(70), action };
    assert_eq!(keys, [key(1), key(2)]);
    assert_eq!(
        news.ticket.expect("moved").last_update,
        Some(at("2026-03-01T11:51:00Z")),
        "nothing older is taken after it"
    );
}
