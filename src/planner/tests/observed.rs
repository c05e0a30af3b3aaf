//! What a reading changes in what is known.

use super::scene::{Scene, at, in_step};
use crate::{
    domain::{
        ids::{ActionKey, CommentId, TicketId},
        incident::Comment,
    },
    planner::observed::{Observed, Reading},
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

/// The incident's comments are asked for, one of ours is written, and then the answer is here: ours was not deleted.
#[test]
fn a_comment_of_ours_that_was_written_while_the_others_were_read_stays_known() {
    let mut now = in_step();
    let (asked, written) = (at("2026-03-01T11:50:00Z"), at("2026-03-01T11:50:01Z"));
    let theirs = now.comment(1, "an analyst's");
    let read = now.comments.clone();
    let own = Comment::own(CommentId::new("own"), "ours", written);
    now.comments.as_mut().expect("commented").push(own.clone());
    let of = |asked| {
        let reading = Reading { comments: read.clone(), asked: Some(asked), ..Reading::default() };
        let kept = observed(&now).in_time(reading).comments.expect("read");
        kept.into_iter().map(|comment| comment.id).collect::<Vec<_>>()
    };
    assert_eq!(of(asked), [theirs.clone(), own.id.clone()]);
    assert_eq!(of(at("2026-03-01T11:50:02Z")), [theirs], "asked for after it was written: it was deleted");
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
