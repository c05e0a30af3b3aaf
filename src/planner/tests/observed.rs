//! What a reading changes in what is known.

use super::scene::{Scene, at, in_step};
use crate::{
    domain::{
        ids::{ActionKey, CommentId, TicketId},
        incident::{Comment, Incident},
        ticket::Action,
    },
    planner::observed::{Observed, Reading},
};

pub fn observed(scene: &Scene) -> Observed<'_> {
    Observed {
        incident: &scene.incident,
        comments: scene.comments.as_deref(),
        evidence: scene.evidence.as_ref(),
        ticket: scene.ticket.as_ref(),
        actions: scene.actions.as_deref(),
        links: &scene.links,
        deleted: &scene.pair.base.deleted,
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

/// Halo's clock goes back: at the end of summer time, where it tells local time.
#[test]
fn a_ticket_that_was_asked_for_after_all_that_is_known_is_no_older_whatever_its_time() {
    let mut now = in_step();
    now.ticket().last_update = Some(at("2026-10-25T02:50:00Z"));
    let mut read = now.ticket().clone();
    read.last_update = Some(at("2026-10-25T02:10:00Z"));
    read.summary = "changed in the hour that comes twice".into();
    let taken = |sure| {
        let reading = Reading { ticket: Some(read.clone()), sure, ..Reading::default() };
        observed(&now).in_time(reading).ticket
    };
    assert_eq!(taken(false), None, "it may have been overtaken");
    let taken = taken(true).expect("taken");
    assert_eq!(taken.summary, read.summary);
    assert_eq!(taken.last_update, Some(at("2026-10-25T02:50:00Z")), "nothing older is taken after it");
}

/// What moved an incident just before a write of ours: words of ours, which its number of comments tells, or somebody.
#[test]
fn words_of_ours_that_moved_an_incident_are_told_from_an_edit() {
    let mut now = in_step();
    now.comment(1, "an analyst's");
    now.incident.comments_count = 1;
    let own = Comment::own(CommentId::new("own"), "ours", at("2026-03-01T11:50:01Z"));
    now.comments.as_mut().expect("commented").push(own);
    let edited = |comments_count| {
        let before = Incident { comments_count, etag: Some("another".into()), ..now.incident.clone() };
        observed(&now).edited_unseen(Some(&before))
    };
    assert!(!edited(2), "ours joined the analyst's");
    assert!(edited(1), "nothing joined, and yet it moved");
    assert!(edited(3), "somebody else's joined too");
    assert!(observed(&now).edited_unseen(None));
}

/// On a ticket that we know as it was born, the number of our first note tells whether anything came before it.
#[test]
fn our_first_note_on_a_new_ticket_follows_its_opening() {
    let mut now = in_step();
    let mut own = now.note(2, "<p>ours HB-0000000001</p>").clone();
    own.at = Some(at("2026-03-01T11:51:00.250Z"));
    now.actions = Some(Vec::new());
    let current = now.ticket().clone();
    for (opening, number, read_again) in [(true, 2, false), (true, 3, true), (false, 1, false), (false, 2, true)] {
        let own = Action { key: ActionKey { ticket: TicketId(70), action: number }, ..own.clone() };
        let around = observed(&now).around_note(current.clone(), None, own);
        assert!(around.alone && !around.unread);
        let news = observed(&now).news(Reading { opening, ..around });
        let last = news.ticket.expect("moved").last_action;
        assert_eq!(last.is_none(), read_again, "number {number}, an opening: {opening}");
    }
    let whole = Action { at: Some(at("2026-03-01T11:51:00Z")), ..own.clone() };
    let whole = observed(&now).around_note(current.clone(), None, whole);
    assert!(!whole.alone, "another note of that second may be there");
    now.note(1, "<p>an agent's</p>");
    assert!(!observed(&now).around_note(current, None, own).alone, "which may have been edited meanwhile");
}
