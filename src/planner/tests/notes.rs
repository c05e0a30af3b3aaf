//! Comments and notes: order, edits, deletions, mentions.

use super::{
    note_limits::written,
    scene::{Scene, at, check, in_step, words},
};
use crate::{
    domain::{
        catalogue::Ref,
        failure::Side,
        ids::{ActionKey, CommentId, TicketId},
        operation::OperationKind,
        policy::NotesRule,
        text,
        ticket::Action,
    },
    planner::{Plan, notes},
};

#[test]
fn a_pair_whose_comments_cannot_be_read_is_not_in_step() {
    let mut scene = in_step();
    assert_eq!(words(&scene.plan()), "in-step healthy -");
    scene.unread = Some((Side::Sentinel, "The comments of incident #7 could not be read: Azure answers 500.".into()));
    let plan = scene.plan();
    assert_eq!(words(&plan), "unknown waiting comments-unread");
    let reason = plan.state.reason.expect("it says why");
    assert!(reason.words().contains("comments of incident #7") && reason.remedy().is_some(), "{reason:?}");
    // What needs somebody is said first.
    scene.close_ticket(None);
    assert_eq!(words(&scene.plan()), "own note because verdict-missing; unknown needs-you verdict-missing");
    // The list of incidents told of comments, and there was no room in the budget for reading them yet.
    let mut scene = in_step();
    (scene.comments, scene.incident.comments_count) = (None, 2);
    assert_eq!(words(&scene.plan()), "unknown waiting comments-unread");
    scene.incident.comments_count = 0;
    assert_eq!(words(&scene.plan()), "in-step healthy -");
}

#[test]
fn a_pair_whose_ticket_cannot_be_read_is_not_in_step() {
    let mut scene = in_step();
    scene.unread = Some((Side::Halo, "Ticket 70 could not be read whole: Halo refuses this.".into()));
    let plan = scene.plan();
    assert_eq!(words(&plan), "unknown waiting ticket-unread");
    let reason = plan.state.reason.expect("it says why");
    assert!(reason.words().contains("Ticket 70") && reason.remedy().is_some(), "{reason:?}");
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
            "comment of 3 because note-added; behind waiting note-added",
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
            "comment of 3 because note-added; incident status=Closed FalsePositive/InaccurateData because ticket-closed; behind waiting note-added",
        ),
        (
            "a full incident takes no more notes and says so",
            |s| {
                s.incident.comments_count = 97;
                s.note(3, "<p>done</p>");
            },
            "behind needs-you comments-full",
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

pub fn message(plan: &Plan, n: usize) -> String {
    match &plan.operations[n].kind {
        OperationKind::AddComment { message, .. } => message.clone(),
        OperationKind::AddNote { note, .. } => format!("{}\n{}", note.html, note.text),
        other => panic!("no words: {other:?}"),
    }
}

/// A comment that has crossed as note 40.
fn crossed_comment(s: &mut Scene) -> CommentId {
    let id = s.comment(1, "please look");
    let comment = s.comments.as_ref().unwrap()[0].clone();
    let action = ActionKey { ticket: TicketId(70), action: 40 };
    s.link(&id, action, (0, 0), Some(notes::words::of_comment(&comment)), Side::Sentinel);
    s.note(40, "<p>please look</p>").agent_id = Some(99);
    id
}

/// Note 3 that has crossed.
pub fn crossed_note(s: &mut Scene) {
    let action: Action = s.note(3, "<p>done</p>").clone();
    let comment = CommentId::derived("msp", action.key, 0, 0);
    s.link(&comment, action.key, (0, 0), Some(notes::words::of_action(&action)), Side::Halo);
    s.incident.comments_count += 1;
}

fn edit_comment(s: &mut Scene, message: &str) {
    let comment = &mut s.comments.as_mut().unwrap()[0];
    comment.message = message.into();
    comment.modified = Some(at("2026-03-01T11:50:00Z"));
}

pub fn edit_note(s: &mut Scene, html: &str) {
    let action = &mut s.actions.as_mut().unwrap()[0];
    action.note_html = Some(html.into());
    action.updated = Some(at("2026-03-01T11:50:00Z"));
}

/// After a restore the incident tells of an edit that the ticket, as last read, does not have yet.
#[test]
fn an_edit_planned_from_an_older_reading_is_taken_back() {
    let mut scene = in_step();
    crossed_note(&mut scene);
    let told = scene.actions.as_ref().unwrap()[0].clone();
    edit_note(&mut scene, "<p>words from before</p>");
    scene.links[0].edit = 1;
    let early = scene.plan();
    assert_eq!(words(&early), "comment of 3 edit 2 because note-edited; behind waiting note-edited");
    scene.queue(&early);
    scene.actions = Some(vec![told]);
    let plan = scene.plan();
    assert_eq!((plan.operations.len(), plan.void.len()), (0, 1), "{plan:?}");
    assert_eq!(words(&plan), "in-step healthy -");
}

#[test]
fn edits_and_deletions_are_reported_once() {
    check(&[
        (
            "a crossed comment, unchanged",
            |s| {
                crossed_comment(s);
            },
            "in-step healthy -",
        ),
        (
            "an edited comment",
            |s| {
                crossed_comment(s);
                edit_comment(s, "please look at once");
            },
            "note of edit 1 because comment-edited; behind waiting comment-edited",
        ),
        (
            "a deleted comment",
            |s| {
                crossed_comment(s);
                s.comments = Some(Vec::new());
                s.incident.comments_count = 0;
            },
            "note of edit 1 because comment-deleted; behind waiting comment-deleted",
        ),
        (
            "a list that is not whole proves no deletion",
            |s| {
                crossed_comment(s);
                s.comments = Some(Vec::new());
            },
            "in-step healthy -",
        ),
        (
            "an edited note",
            |s| {
                crossed_note(s);
                edit_note(s, "<p>not done</p>");
            },
            "comment of 3 edit 1 because note-edited; behind waiting note-edited",
        ),
        (
            "markup that changes no words is no edit",
            |s| {
                crossed_note(s);
                edit_note(s, "<div><b>done</b></div>");
            },
            "in-step healthy -",
        ),
        (
            "a note made private is not told by its edit",
            |s| {
                s.policy.notes = NotesRule::Public;
                crossed_note(s);
                edit_note(s, "<p>an internal secret</p>");
            },
            "in-step healthy -",
        ),
        (
            "a deleted note",
            |s| {
                crossed_note(s);
                s.actions = Some(Vec::new());
                s.note(4, "<p>opened</p>").system = true;
            },
            "comment of 3 edit 1 because note-deleted; behind waiting note-deleted",
        ),
        (
            "a list without anything proves no deletion",
            |s| {
                crossed_note(s);
                s.actions = Some(Vec::new());
            },
            "in-step healthy -",
        ),
        (
            "but where Halo counts none it does",
            |s| {
                crossed_note(s);
                s.actions = Some(Vec::new());
                s.pair.base.emptied = Some(s.now);
            },
            "comment of 3 edit 1 because note-deleted; behind waiting note-deleted",
        ),
        (
            "notes that are not known are not deleted",
            |s| {
                crossed_note(s);
                s.actions = None;
                s.pair.base.emptied = Some(s.now);
            },
            "in-step healthy -",
        ),
        (
            "our copy is only a copy: an agent who edits it changes nothing",
            |s| {
                crossed_comment(s);
                edit_note(s, "<p>something else</p>");
            },
            "in-step healthy -",
        ),
    ]);
    let mut scene = in_step();
    crossed_comment(&mut scene);
    edit_comment(&mut scene, "please look at once");
    let plan = scene.plan();
    let said = message(&plan, 0);
    assert!(said.contains("was edited 2026-03-01 11:50:00 UTC") && said.contains("please look at once"), "{said}");
    let OperationKind::AddNote { comment: Some(comment), edit, said, .. } = plan.operations[0].kind.clone() else {
        panic!("a note is planned")
    };
    let action = ActionKey { ticket: TicketId(70), action: 41 };
    scene.link(&comment, action, (edit, 0), said, Side::Sentinel);
    assert_eq!(words(&scene.plan()), "in-step healthy -", "reported once");
    edit_comment(&mut scene, "never mind");
    assert_eq!(words(&scene.plan()), "note of edit 2 because comment-edited; behind waiting comment-edited");
}

#[test]
fn mentions_notify_nobody() {
    let mut scene = in_step();
    scene.comment(1, "@amira and <b>@jonas</b>, see mail@soc.example or https://x.example/@y");
    let said = message(&scene.plan(), 0);
    assert!(!said.contains("@amira") && !said.contains("@jonas"), "{said}");
    assert!(said.contains("mail@soc.example"), "{said}");
    let mut scene = in_step();
    scene.note(3, "<p>@ana please</p>");
    let said = message(&scene.plan(), 0);
    assert!(!said.contains("@ana") && said.contains("ana please"), "{said}");
}

#[test]
fn our_notes_are_hidden_from_the_end_user_unless_the_policy_says_otherwise() {
    for (private, expected) in [(true, true), (false, false)] {
        let mut scene = in_step();
        assert!(scene.policy.notes_private, "the default");
        scene.policy.notes_private = private;
        scene.comment(1, "words");
        let OperationKind::AddNote { note, .. } = &scene.plan().operations[0].kind else { panic!("a note is planned") };
        assert_eq!(note.private, expected);
    }
}

#[test]
fn the_incident_names_its_ticket_once() {
    let mut scene = in_step();
    scene.policy.link_comment = true;
    let plan = scene.plan();
    assert_eq!(words(&plan), "comment of ticket because ticket-made; behind waiting ticket-made");
    assert!(message(&plan, 0).starts_with("Halo ticket 70\nhttps://desk.example/tickets?id=70\n"));
    let OperationKind::AddComment { comment, carries, .. } = plan.operations[0].kind.clone() else {
        panic!("a comment is planned")
    };
    scene.queue(&plan);
    assert!(scene.plan().operations.is_empty(), "queued once");
    scene.operations.clear();
    let carried = &carries[0];
    scene.link(&comment, carried.action, (0, 0), Some(carried.said.clone()), Side::Halo);
    assert_eq!(words(&scene.plan()), "in-step healthy -", "written once");
    // A restored backup has lost the link: the comment is recognised by its id, and is no comment of a person's.
    scene.links.clear();
    scene.comment(1, "Halo ticket 70");
    scene.comments.as_mut().unwrap()[0].id = comment;
    let found = scene.plan();
    assert_eq!((words(&found), found.links.len()), ("in-step healthy -".to_owned(), 1));
    // Where the analysts have used up the room nobody's words wait, so nobody is asked to do anything.
    let mut full = in_step();
    full.policy.link_comment = true;
    full.incident.comments_count = 95;
    assert_eq!(words(&full.plan()), "in-step healthy comments-full");
}

#[test]
fn a_comment_of_ours_whose_link_is_lost_is_no_persons_whatever_it_tells() {
    let texts = ["Note 5 on Halo ticket 70, which a comment above carries, was deleted in Halo.", "Halo ticket 70"];
    for (edit, text) in (7..).zip(texts) {
        let mut scene = in_step();
        scene.comment(1, text);
        let action = ActionKey { ticket: TicketId(70), action: 5 };
        scene.comments.as_mut().unwrap()[0].id = CommentId::derived("msp", action, edit, 0);
        assert_eq!(words(&scene.plan()), "in-step healthy -", "{text}");
    }
    let mut scene = in_step();
    scene.comment(1, "Note 5 on Halo ticket 70");
    assert!(words(&scene.plan()).starts_with("note of comment"), "a person may begin so");
}

#[test]
fn a_queued_comment_that_stands_there_already_is_linked_and_not_written() {
    let mut scene = in_step();
    scene.note(3, "<p>said at first</p>");
    let queued = scene.plan();
    let OperationKind::AddComment { comment, message, .. } = &queued.operations[0].kind else {
        panic!("a comment is planned");
    };
    let (id, message) = (comment.clone(), message.clone());
    scene.queue(&queued);
    scene.comment(1, &message);
    scene.comments.as_mut().unwrap()[0].id = id;
    let found = scene.plan();
    assert_eq!((found.operations.len(), found.void.len(), found.links.len()), (0, 1, 1));
}

/// A lost answer: the comment stands there, and its note was edited while nobody knew. Both are seen in one plan.
#[test]
fn what_follows_a_write_that_was_found_is_planned_with_it() {
    let mut scene = in_step();
    scene.note(3, "<p>done</p>");
    let first = scene.plan();
    scene.queue(&first);
    let OperationKind::AddComment { comment, message, .. } = first.operations[0].kind.clone() else {
        panic!("{first:?}");
    };
    edit_note(&mut scene, "<p>not done</p>");
    scene.comment(1, &message);
    scene.comments.as_mut().unwrap()[0].id = comment;
    let plan = scene.plan();
    assert_eq!((plan.links.len(), plan.void.len()), (1, 1), "{plan:?}");
    assert_eq!(words(&plan), "comment of 3 edit 1 because note-edited; behind waiting note-edited");
}

#[test]
fn author_and_time_go_with_the_words_and_their_html_does_no_harm() {
    let mut scene = in_step();
    scene.comment(1, "<p>please <b>look</b></p><script>alert(1)</script><a href=\"javascript:x()\">here</a>");
    scene.note(3, "<p>done &amp; <b>dusted</b></p><img src=x onerror=\"alert(1)\">");
    let plan = scene.plan();
    let said = [message(&plan, 0), message(&plan, 1)];
    assert!(said[0].contains("<b>Comment in Microsoft Sentinel by Li Chen, 2026-03-01 11:30:00 UTC</b>"), "{said:?}");
    assert!(said[0].contains("<p>please <b>look</b></p>"), "{said:?}");
    let head = "Note 3 on Halo ticket 70 by Amira, 2026-03-01 11:40:00 UTC, private note\n";
    assert!(said[1].starts_with(head), "{said:?}");
    // In Sentinel it is text.
    assert!(said[1].contains("done & dusted") && !said[1].contains('<'), "{said:?}");
    for harm in ["script", "alert", "onerror"] {
        assert!(said.iter().all(|said| !said.contains(harm)), "{harm}: {said:?}");
    }
}

#[test]
fn words_without_a_date_say_so_in_their_heading() {
    let mut scene = in_step();
    scene.comment(1, "please look");
    for comment in scene.comments.iter_mut().flatten() {
        comment.created = None;
    }
    scene.note(3, "<p>done</p>").at = None;
    let plan = scene.plan();
    let said = [message(&plan, 0), message(&plan, 1)];
    assert!(said[0].contains("<p><b>Comment in Microsoft Sentinel by Li Chen, no date given</b></p>"), "{said:?}");
    assert!(said[1].starts_with("Note 3 on Halo ticket 70 by Amira, no date given, private note\n"), "{said:?}");
}

/// The portal shows HTML in comments: a link that an agent quotes as text is none there.
#[test]
fn what_looks_like_markup_in_a_note_is_no_markup_in_sentinel() {
    let mut scene = in_step();
    scene.note(3, "<p>&lt;a href=\"https://e.example\"&gt;x&lt;/a&gt;, if a&lt;b then c&gt;d</p>").who =
        Some("<b>A</b>".into());
    let plan = scene.plan();
    let said = message(&plan, 0);
    assert!(!text::looks_like_html(&said) && said.contains("https://e.example"), "{said}");
    assert!(text::unjointed(&said).ends_with("<a href=\"https://e.example\">x</a>, if a<b then c>d"), "{said}");
    // It is known as what it says, whatever is remembered of it.
    assert_eq!(written(&mut scene, &plan), 1);
    assert_eq!(words(&scene.plan()), "in-step healthy -");
    scene.links.clear();
    let plan = scene.plan();
    assert_eq!((words(&plan), plan.links.len()), ("in-step healthy -".to_owned(), 1));
}

#[test]
fn html_that_is_quoted_as_code_crosses_as_words() {
    let mut scene = in_step();
    scene.comment(1, "The page:\n```html\n<form action=\"https://e.example/c\"><script>send()</script></form>\n```");
    let said = message(&scene.plan(), 0);
    assert!(said.contains("https://e.example/c") && said.contains("send()"), "{said}");
    assert!(said.contains("&lt;script&gt;"), "{said}");
}
