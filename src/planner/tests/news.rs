//! What of a reading is new, what has been overtaken, and what is known around a write of ours.

use serde_json::json;

use super::{
    observed::observed,
    scene::{Scene, at, in_step},
};
use crate::{
    domain::{
        failure::Side,
        ids::{ActionKey, CommentId, TicketId},
        incident::{Comment, Evidence, Incident},
        operation::OperationKind,
        ticket::{Action, CustomField, NoteDraft, OutcomeRef, Ticket},
    },
    planner::observed::{News, Reading, found_note, moved_since},
};

fn key(action: i64) -> ActionKey {
    ActionKey { ticket: TicketId(70), action }
}

fn keys(actions: Option<Vec<Action>>) -> Option<Vec<i64>> {
    actions.map(|actions| actions.iter().map(|action| action.key.action).collect())
}

fn ids(comments: Option<Vec<Comment>>) -> Option<Vec<CommentId>> {
    comments.map(|comments| comments.into_iter().map(|comment| comment.id).collect())
}

fn ticket() -> Ticket {
    in_step().ticket.expect("there is one")
}

/// With one comment and one note.
fn talked() -> (Scene, CommentId) {
    let mut scene = in_step();
    let comment = scene.comment(1, "an analyst's");
    scene.note(1, "<p>an agent's</p>");
    (scene, comment)
}

#[test]
fn a_record_that_was_said_to_be_gone_shows_itself_again() {
    let incident = || News { incident: Some(in_step().incident), ..News::default() };
    let with = |deleted| News { ticket: Some(Ticket { deleted, ..ticket() }), ..News::default() };
    let table = [
        (incident(), Side::Sentinel, true),
        (incident(), Side::Halo, false),
        (with(false), Side::Halo, true),
        (with(false), Side::Sentinel, false),
        (with(true), Side::Halo, false),
        (News::default(), Side::Halo, false),
    ];
    for (news, gone, expected) in table {
        assert_eq!(news.shows(gone), expected, "{news:?} {gone:?}");
    }
}

#[test]
fn a_ticket_has_moved_when_one_of_its_times_is_later() {
    let whole = Some("2026-03-01T11:00:00Z");
    let later = Some("2026-03-01T11:00:01Z");
    let (early, late) = (Some("2026-03-01T11:00:00.250Z"), Some("2026-03-01T11:00:00.750Z"));
    // Last update and last action as known, the same as read.
    let table = [
        ((whole, whole), (whole, whole), false),
        ((whole, whole), (later, whole), true),
        ((whole, whole), (whole, later), true),
        ((later, later), (whole, whole), false),
        ((None, whole), (whole, whole), true),
        ((whole, whole), (None, None), false),
        // Told in fractions of a second by both sides, those count; else not.
        ((early, whole), (late, whole), true),
        ((late, whole), (early, whole), false),
        ((early, whole), (early, whole), false),
        ((whole, whole), (late, whole), false),
        ((early, whole), (whole, whole), false),
        ((late, whole), (later, whole), true),
    ];
    for (known, read, expected) in table {
        let timed = |(update, action): (Option<&str>, Option<&str>)| Ticket {
            last_update: update.map(at),
            last_action: action.map(at),
            ..ticket()
        };
        assert_eq!(moved_since(Some(&timed(known)), &timed(read)), expected, "{known:?} {read:?}");
    }
    assert!(moved_since(None, &ticket()), "nothing is known of it");
}

#[test]
fn comments_have_moved_when_their_number_is_not_that_of_those_we_know() {
    let (mut scene, comment) = talked();
    let moved = |scene: &Scene, comments_count| {
        observed(scene).comments_moved(&Incident { comments_count, ..scene.incident.clone() })
    };
    assert!(!moved(&scene, 1) && moved(&scene, 2) && moved(&scene, 0));
    // Ours that was never read counts, and one that was read counts once. That a person's was copied once does not count.
    scene.link(&CommentId::new("own"), key(2), (0, 0), None, Side::Halo);
    scene.link(&comment, key(3), (0, 0), None, Side::Halo);
    for (n, deleted) in [(4, "deleted"), (5, "another")] {
        scene.link(&CommentId::new(deleted), key(n), (0, 0), None, Side::Sentinel);
    }
    assert!(!moved(&scene, 2) && moved(&scene, 1) && moved(&scene, 3));
}

/// Of ours one was deleted: once a list that was read lacks it, a person's next comment is not taken for it.
#[test]
fn a_comment_of_ours_that_a_whole_list_lacks_is_not_counted_any_more() {
    let (mut scene, _) = talked();
    let with = |comments_count| Incident { comments_count, ..in_step().incident };
    let theirs = scene.comments.clone().expect("commented");
    let own = CommentId::new("own");
    scene.link(&own, key(2), (0, 0), None, Side::Halo);
    let moved = |scene: &Scene, comments_count| observed(scene).comments_moved(&with(comments_count));
    assert!(!moved(&scene, 2), "as far as is known it stands there");
    let deleted = |scene: &Scene, incident: &Incident, read: &[Comment]| -> Vec<CommentId> {
        observed(scene).deleted_by(incident, read).into_iter().collect()
    };
    assert_eq!(deleted(&scene, &with(2), &theirs), [], "it is no whole list");
    let overtaken = Incident { modified: Some(at("2026-03-01T10:59:59Z")), ..with(1) };
    assert_eq!(deleted(&scene, &overtaken, &theirs), []);
    assert_eq!(deleted(&scene, &with(1), &theirs), vec![own.clone()]);
    scene.pair.base.deleted = [own.clone()].into();
    assert!(!moved(&scene, 1) && moved(&scene, 2));
    assert_eq!(deleted(&scene, &with(2), &theirs), vec![own.clone()]);
    // Written once more it shows again.
    let mut both = theirs;
    both.push(Comment::own(own, "ours", at("2026-03-01T11:50:01Z")));
    assert_eq!(deleted(&scene, &with(2), &both), []);
    // So it is with what was carried over from a merged incident, which no link tells of; not with a person's.
    let copy = CommentId::carried_over("w", &scene.incident.id, &CommentId::new("original"), 0);
    let (mut carried, _) = talked();
    carried.comments.as_mut().expect("commented").push(Comment::own(
        copy.clone(),
        "a copy",
        at("2026-03-01T11:50:01Z"),
    ));
    assert_eq!(deleted(&carried, &with(0), &[]), [copy]);
}

#[test]
fn of_a_reading_that_was_overtaken_only_words_that_nobody_knew_are_taken() {
    let (mut now, comment) = talked();
    let read =
        |n: &str| Comment { raw: json!({}).into(), ..Comment::own(CommentId::new(n), n, at("2026-03-01T11:00:00Z")) };
    now.link(&CommentId::new("deleted"), key(8), (0, 0), None, Side::Sentinel);
    let note = |n| Action { key: key(n), ..now.actions.clone().expect("noted").remove(0) };
    let reading = |modified, updated| Reading {
        incident: Some(Incident { modified: Some(at(modified)), ..now.incident.clone() }),
        comments: Some(vec![read("deleted"), read("fresh")]),
        ticket: Some(Ticket { last_update: Some(at(updated)), ..ticket() }),
        actions: Some(vec![note(8), note(9)]),
        ..Reading::default()
    };
    let late = observed(&now).in_time(reading("2026-03-01T10:59:59Z", "2026-03-01T11:00:04Z"));
    assert!(late.incident.is_none() && late.ticket.is_none());
    assert_eq!(ids(late.comments), Some(vec![comment, CommentId::new("fresh")]));
    assert_eq!(keys(late.actions), Some(vec![1, 9]));
    let newest = observed(&now).in_time(reading("2026-03-01T11:00:00Z", "2026-03-01T11:00:05Z"));
    assert!(newest.incident.is_some() && newest.ticket.is_some());
    assert_eq!(ids(newest.comments), Some(vec![CommentId::new("deleted"), CommentId::new("fresh")]));
    assert_eq!(keys(newest.actions), Some(vec![8, 9]));
}

#[test]
fn notes_that_were_read_before_one_of_ours_lack_what_was_read_since() {
    let (mut now, _) = talked();
    let note = |n| Action { key: key(n), ..now.actions.clone().expect("noted").remove(0) };
    let (one, two, own) = (note(1), note(2), note(3));
    let of = |scene: &Scene, read: &[&Action], own: Option<&Action>| {
        let actions = Some(read.iter().copied().cloned().collect());
        let reading = Reading { actions, own_action: own.cloned(), ..Reading::default() };
        let kept = observed(scene).in_time(reading);
        (keys(kept.actions), kept.unread)
    };
    assert_eq!(of(&now, &[&one], Some(&own)), (Some(vec![1]), false), "all that is known was read");
    now.actions = Some(vec![one.clone(), two.clone()]);
    assert_eq!(of(&now, &[&one], Some(&own)), (Some(vec![1, 2]), true));
    assert_eq!(of(&now, &[&one, &two], Some(&own)), (Some(vec![1, 2]), false));
    assert_eq!(of(&now, &[&one], None), (Some(vec![1]), false), "the second was deleted");
}

#[test]
fn what_is_known_is_no_news() {
    let (mut now, _) = talked();
    let comment = now.comments.clone().expect("commented").remove(0);
    now.evidence = Some(Evidence { alerts: vec![json!(1)], entities: Vec::new() });
    let same = || Reading {
        incident: Some(now.incident.clone()),
        comments: now.comments.clone(),
        evidence: now.evidence.clone(),
        ticket: now.ticket.clone(),
        actions: now.actions.clone(),
        ..Reading::default()
    };
    let told = |reading: Reading| {
        let News { incident, comments, evidence, ticket, actions } = observed(&now).news(reading);
        [incident.is_some(), comments.is_some(), evidence.is_some(), ticket.is_some(), actions.is_some()]
    };
    assert_eq!(told(same()), [false; 5]);
    assert_eq!(told(Reading::default()), [false; 5]);
    let incident = |etag: &str, raw: serde_json::Value| {
        Some(Incident { etag: Some(etag.into()), raw: raw.into(), ..now.incident.clone() })
    };
    let raw = now.incident.raw.value().clone();
    let own = |id: &CommentId| Some(Comment { id: id.clone(), ..comment.clone() });
    let told_ticket = |raw, updated| Some(Ticket { last_update: Some(at(updated)), raw, ..ticket() });
    let known = || ticket().raw;
    let table = [
        ("another version", Reading { incident: incident("\"b\"", raw), ..same() }, 0),
        ("another text", Reading { incident: incident("\"a\"", json!({ "a": 1 })), ..same() }, 0),
        ("no comment any more", Reading { comments: Some(Vec::new()), ..same() }, 1),
        ("one of ours", Reading { comments: None, own_comment: own(&CommentId::new("own")), ..same() }, 1),
        ("evidence", Reading { evidence: Some(Evidence::default()), ..same() }, 2),
        ("another ticket", Reading { ticket: told_ticket(json!({}).into(), "2026-03-01T11:00:05Z"), ..same() }, 3),
        ("another time", Reading { ticket: told_ticket(known(), "2026-03-01T11:00:06Z"), ..same() }, 3),
        ("no note any more", Reading { actions: Some(Vec::new()), ..same() }, 4),
    ];
    for (name, reading, what) in table {
        let expected: [bool; 5] = std::array::from_fn(|n| n == what);
        assert_eq!(told(reading), expected, "{name}");
    }
    let again = Reading { own_comment: own(&comment.id), ..Reading::default() };
    assert_eq!(told(again), [false; 5], "ours was read already");
    let news = observed(&now).news(Reading { own_comment: own(&CommentId::new("own")), ..Reading::default() });
    assert_eq!(ids(news.comments), Some(vec![comment.id.clone(), CommentId::new("own")]));
}

#[test]
fn notes_that_were_not_read_are_read_with_the_next_row() {
    let (now, _) = talked();
    let own = Action { key: key(2), ..now.actions.clone().expect("noted").remove(0) };
    let moved = || Some(Ticket { last_update: Some(at("2026-03-01T11:59:00Z")), ..ticket() });
    let last = |reading| observed(&now).news(reading).ticket.expect("moved").last_action;
    let known = ticket().last_action;
    assert_eq!(last(Reading { ticket: moved(), ..Reading::default() }), known);
    assert_eq!(last(Reading { ticket: moved(), unread: true, ..Reading::default() }), None);
    let with_notes = || Reading { ticket: moved(), unread: true, actions: now.actions.clone(), ..Reading::default() };
    assert_eq!(last(with_notes()), known, "they were read");
    assert_eq!(last(Reading { own_action: Some(own), ..with_notes() }), None, "before ours: more may have come since");
}

#[test]
fn around_a_write_an_incident_has_a_version_only_if_nothing_hides_behind_it() {
    let (scene, _) = talked();
    let etag = |change: fn(&mut Incident), edited| {
        let mut incident = scene.incident.clone();
        change(&mut incident);
        observed(&scene).around_write(incident, edited).incident.expect("it was read").etag
    };
    assert_eq!(etag(|_| {}, false), scene.incident.etag);
    assert_eq!(etag(|_| {}, true), None, "a comment was edited");
    assert_eq!(etag(|i| i.alerts_count += 1, false), None);
    assert_eq!(etag(|i| i.comments_count += 1, false), None);
    // As many comments as before, and another version: one of them was edited, or something else was.
    let before = Incident { etag: Some("another".into()), ..scene.incident.clone() };
    assert!(observed(&scene).edited_unseen(Some(&before)) && !observed(&scene).edited_unseen(Some(&scene.incident)));
    assert!(!observed(&in_step()).edited_unseen(None), "there is nothing that could have been edited");
}

#[test]
fn around_a_write_a_ticket_tells_whether_its_notes_are_to_be_read() {
    let (mut scene, _) = talked();
    let later = Ticket { last_action: Some(at("2026-03-01T11:30:00Z")), ..ticket() };
    let of = |scene: &Scene, before: &Ticket| {
        let reading = observed(scene).ticket_around_write(before, later.clone());
        assert_eq!(reading.ticket.as_ref(), Some(&later));
        (reading.unread, observed(scene).notes_to_read(before))
    };
    assert_eq!(of(&scene, &ticket()), (false, false));
    assert_eq!(of(&scene, &later), (true, true));
    scene.actions = None;
    assert_eq!(of(&scene, &ticket()), (false, true), "they were never read");
    (scene.actions, scene.ticket) = (Some(Vec::new()), None);
    assert_eq!(of(&scene, &ticket()), (true, true), "nothing is known of the ticket");
}

#[test]
fn around_a_note_of_ours_only_copies_and_the_systems_notes_hide_nothing() {
    let (mut scene, comment) = talked();
    let own = |time| Action { key: key(2), at: Some(at(time)), ..scene.actions.clone().expect("noted").remove(0) };
    let (fine, whole) = (own("2026-03-01T11:51:00.250Z"), own("2026-03-01T11:51:00Z"));
    let alone = |scene: &Scene| observed(scene).around_note(ticket(), None, fine.clone()).alone;
    assert!(!alone(&scene), "a person's may have been edited");
    let mut by_system = scene.clone();
    by_system.actions.as_mut().expect("noted")[0].system = true;
    assert!(alone(&by_system) && !observed(&by_system).around_note(ticket(), None, whole).alone);
    scene.link(&comment, key(1), (0, 0), None, Side::Halo);
    scene.link(&comment, key(5), (0, 0), None, Side::Sentinel);
    assert!(!alone(&scene), "it is no copy of ours");
    scene.link(&comment, key(1), (0, 0), None, Side::Sentinel);
    assert!(alone(&scene));
    // With the notes that were read just before, they and the ticket are told too.
    let read = observed(&by_system).around_note(ticket(), by_system.actions.clone(), fine.clone());
    assert!(read.alone && !read.unread && read.ticket.is_some() && read.own_action.is_some());
    assert_eq!(keys(read.actions), Some(vec![1]));
    let unread = |current: Ticket| observed(&scene).around_note(current, None, fine.clone());
    assert!(!unread(ticket()).unread && unread(ticket()).own_action.is_some());
    assert!(unread(Ticket { last_action: Some(at("2026-03-01T11:50:00Z")), ..ticket() }).unread);
}

fn note_of(comment: &CommentId) -> (OperationKind, NoteDraft) {
    let note = NoteDraft {
        outcome: OutcomeRef::Id(7),
        html: "<p>words</p>".into(),
        text: "words".into(),
        private: true,
        reference: "HB-1".into(),
        former: None,
    };
    let kind =
        OperationKind::AddNote { comment: Some(comment.clone()), edit: 1, said: Some("f".into()), note: note.clone() };
    (kind, note)
}

#[test]
fn a_note_of_ours_leaves_one_link() {
    let (mut scene, comment) = talked();
    let (kind, _) = note_of(&comment);
    let link = |scene: &Scene| observed(scene).note_link(scene.pair.id, &kind, key(9));
    let expected = kind.note_link(scene.pair.id, key(9));
    scene.link(&CommentId::new("other"), key(9), (1, 0), None, Side::Sentinel);
    scene.link(&comment, key(9), (0, 0), None, Side::Sentinel);
    scene.link(&comment, ActionKey { ticket: TicketId(71), action: 9 }, (1, 0), None, Side::Sentinel);
    assert!(expected.is_some());
    assert_eq!(link(&scene), expected, "another comment, another edit, another ticket");
    scene.link(&comment, key(8), (1, 0), None, Side::Sentinel);
    assert_eq!(link(&scene), None);
}

#[test]
fn a_note_that_says_something_older_is_told_anew() {
    let (scene, comment) = talked();
    let (kind, draft) = note_of(&comment);
    let found = |html: &str| {
        let action = Action { note_html: Some(html.into()), ..scene.actions.clone().expect("noted").remove(0) };
        found_note(&kind, &action, &draft)
    };
    assert_eq!(found("<div>words </div>"), kind);
    let OperationKind::AddNote { comment: of, edit, said, note } = found("<p>older words</p>") else {
        panic!("a note")
    };
    assert_eq!((of, edit, said.as_deref(), note), (Some(comment), 1, Some(""), draft));
}

/// A list row leaves out what only a reading by number tells; another ticket, made in place of one that is gone, has nothing
/// of what was said when that one was closed.
#[test]
fn what_a_row_leaves_out_stays_known_of_the_same_ticket_alone() {
    let mut scene = in_step();
    scene.ticket().closure_note = Some("done".into());
    scene.ticket().custom_fields =
        vec![CustomField { id: 120, name: "CFClass".into(), value: json!(2), display: None }];
    scene.ticket().category_1 = Some("Security>Phishing".into());
    let row = Ticket {
        closure_note: None,
        team: None,
        category_1: None,
        custom_fields: Vec::new(),
        raw: json!({ "id": 70, "later": true }).into(),
        ..scene.ticket().clone()
    };
    let none = Ticket { raw: json!({ "id": 70, "team": "", "category1": "" }).into(), ..row.clone() };
    let known = observed(&scene).news(Reading { ticket: Some(none), ..Reading::default() }).ticket.expect("it differs");
    assert_eq!((known.team, known.category_1), (None, None), "it tells that there is none");
    let another = Ticket { id: TicketId(71), raw: json!({ "id": 71 }).into(), ..row.clone() };
    for (read, stays) in [(row, true), (another, false)] {
        let news = observed(&scene).news(Reading { ticket: Some(read), ..Reading::default() });
        let known = news.ticket.expect("it differs");
        assert_eq!(known.closure_note.is_some(), stays, "{known:?}");
        assert_eq!((known.team.is_some(), known.category_1.is_some()), (stays, stays), "{known:?}");
        assert_eq!(known.custom_field(120).is_some(), stays, "{known:?}");
    }
}

/// A whole reading says which custom fields are empty, and that stays known over the rows that come after it.
#[test]
fn a_whole_reading_empties_the_fields_that_it_does_not_show() {
    let mut scene = in_step();
    scene.ticket().custom_fields =
        vec![CustomField { id: 120, name: "CFClass".into(), value: json!(2), display: None }];
    let whole = Ticket {
        custom_fields: Vec::new(),
        raw: json!({ "id": 70, "customfields": [] }).into(),
        ..scene.ticket().clone()
    };
    let row = Ticket { raw: json!({ "id": 70, "later": true }).into(), ..whole.clone() };
    for read in [whole, row] {
        let news = observed(&scene).news(Reading { ticket: Some(read), ..Reading::default() });
        let known = news.ticket.expect("it differs");
        assert!(known.custom_fields.is_empty() && known.tells_fields(), "{known:?}");
        *scene.ticket() = known;
    }
    assert!(!Ticket { fields_told: false, ..scene.ticket().clone() }.tells_fields(), "the row itself tells none");
}
