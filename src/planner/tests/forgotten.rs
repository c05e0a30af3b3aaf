//! What a restored backup has forgotten, or knows in older words, is not told again.

use jiff::SignedDuration;
use serde_json::json;

use super::{
    closing::{reopen_incident, reopen_ticket},
    note_limits::written,
    notes::message,
    scene::{CLOSED, NEW, Scene, at, in_step, words},
};
use crate::{
    domain::{
        closing::Classification,
        failure::Side,
        ids::ActionKey,
        ids::TicketId,
        incident::IncidentStatus,
        operation::OperationKind,
        policy::{ReopenRule, Wins},
        reason::Reason,
    },
    planner::{Plan, closing, notes, situation::Seen},
};

/// A backup knows a note as it was before an edit that the incident tells of by now.
#[test]
fn words_that_were_told_before_a_later_edit_are_not_told_again() {
    let edit = |scene: &mut Scene, words: &str| {
        scene.now += SignedDuration::from_mins(10);
        let now = scene.now;
        let note = scene.actions.as_mut().unwrap().iter_mut().find(|action| action.key.action == 3).unwrap();
        (note.note, note.note_html, note.updated) = (words.to_owned(), None, Some(now));
        scene.now += SignedDuration::from_mins(1);
        let plan = scene.plan();
        assert_eq!(written(scene, &plan), 1, "{words}");
    };
    let mut scene = in_step();
    scene.note(3, "<p>first words</p>");
    let plan = scene.plan();
    written(&mut scene, &plan);
    edit(&mut scene, "second words");
    let backup = (scene.actions.clone(), scene.links.clone());
    edit(&mut scene, "third words");
    assert_eq!(words(&scene.plan()), "in-step healthy -");
    let (known, links) = (scene.actions.clone(), scene.links.clone());
    (scene.actions, scene.links) = backup;
    let plan = scene.plan();
    assert!(plan.operations.is_empty(), "{}", words(&plan));
    assert_eq!(plan.links.len(), 1);
    // An agent who takes up the old words again does so later.
    (scene.actions, scene.links) = (known, links);
    edit(&mut scene, "second words");
}

/// A note of ours was found while the backup knew its comment in older words than the note carries.
#[test]
fn a_note_that_says_what_the_comment_says_now_is_no_older_one() {
    let mut scene = in_step();
    let comment = scene.comment(1, "the words as they are now");
    scene.note(8, "<p>Comment in Microsoft Sentinel by Li Chen</p><p>the words as they are now</p>");
    scene.link(&comment, ActionKey { ticket: TicketId(70), action: 8 }, (0, 0), Some(String::new()), Side::Sentinel);
    scene.comments.as_mut().unwrap()[0].modified = Some(scene.now);
    assert!(scene.plan().operations.is_empty(), "{}", words(&scene.plan()));
    scene.comments.as_mut().unwrap()[0].message = "newer words".into();
    assert!(words(&scene.plan()).starts_with("note of"), "{}", words(&scene.plan()));
}

/// A backup knows a comment in older words than the note that was written of it since.
#[test]
fn an_edit_of_a_comment_planned_from_older_words_is_taken_back() {
    let mut scene = in_step();
    let comment = scene.comment(1, "second words");
    scene.comments.as_mut().unwrap()[0].modified = Some(scene.now);
    scene.note(8, "<p>Comment in Microsoft Sentinel by Li Chen</p><p>third words</p>");
    scene.link(&comment, ActionKey { ticket: TicketId(70), action: 8 }, (0, 0), Some(String::new()), Side::Sentinel);
    let plan = scene.plan();
    assert!(words(&plan).starts_with("note of edit 1"), "{}", words(&plan));
    scene.queue(&plan);
    assert!(scene.plan().void.is_empty(), "it stands as long as nothing else is known");
    scene.comments.as_mut().unwrap()[0].message = "third words".into();
    let plan = scene.plan();
    assert_eq!((plan.void.len(), plan.operations.len()), (1, 0), "{}", words(&plan));
    // What is said after that is told.
    scene.comments.as_mut().unwrap()[0].message = "fourth words".into();
    assert!(scene.plan().void.is_empty());
}

/// What was too long for one comment stands in several: what they say is what they say together.
#[test]
fn a_forgotten_note_or_edit_in_several_comments_is_not_told_again() {
    for edited in [false, true] {
        let mut scene = in_step();
        let long = |word: &str| format!("<p>{}</p>", format!("{word} ").repeat(7_000));
        scene.note(3, &if edited { "<p>short</p>".to_owned() } else { long("first") });
        let plan = scene.plan();
        written(&mut scene, &plan);
        if edited {
            let note = scene.actions.as_mut().unwrap().iter_mut().find(|action| action.key.action == 3).unwrap();
            note.note_html = Some(long("other"));
            note.updated = Some(scene.now);
            let plan = scene.plan();
            written(&mut scene, &plan);
        }
        assert_eq!(words(&scene.plan()), "in-step healthy -", "edited: {edited}");
        scene.links.clear();
        let plan = scene.plan();
        assert!(plan.operations.is_empty(), "edited: {edited}: {}", words(&plan));
        let last = plan.links.iter().filter(|link| link.action.action == 3).max_by_key(|link| link.edit).unwrap();
        let note = scene.actions.as_ref().unwrap().iter().find(|action| action.key.action == 3).unwrap();
        assert_eq!(last.edit, u32::from(edited));
        assert_eq!(last.said, Some(crate::planner::notes::words::of_action(note)), "edited: {edited}");
    }
}

/// A restored backup meets the comments that tell an edit before it reads the note again: of the blanks where they were
/// split nothing is left.
#[test]
fn an_edit_in_several_comments_that_is_met_before_its_note_is_read_again_is_not_told_again() {
    for seam in ["</p><p>", "<br>", " "] {
        let mut scene = in_step();
        scene.note(3, "<p>short</p>");
        let plan = scene.plan();
        written(&mut scene, &plan);
        let backup = scene.clone();
        let note = scene.actions.as_mut().unwrap().iter_mut().find(|action| action.key.action == 3).unwrap();
        note.note_html = Some(format!("<p>{}</p>", format!("{}{seam}", "@ana says a&amp;b. ".repeat(100)).repeat(20)));
        note.updated = Some(scene.now);
        let plan = scene.plan();
        assert_eq!(plan.operations.len(), 2, "{}", words(&plan));
        written(&mut scene, &plan);
        assert_eq!(words(&scene.plan()), "in-step healthy -", "{seam}");
        let mut restored = Scene { links: backup.links, actions: backup.actions, ..scene.clone() };
        let plan = restored.plan();
        assert!(plan.operations.is_empty(), "{seam}: {}", words(&plan));
        restored.links.extend(plan.links);
        restored.actions = scene.actions.clone();
        assert_eq!(words(&restored.plan()), "in-step healthy -", "{seam}");
        // What it is edited to after that is told, though it be a mark.
        let note = restored.actions.as_mut().unwrap().iter_mut().find(|action| action.key.action == 3).unwrap();
        note.note_html = note.note_html.as_ref().map(|html| html.replacen("a&amp;b", "a&amp;b!", 1));
        let plan = restored.plan();
        assert_eq!(plan.operations.len(), 2, "{seam}: {}", words(&plan));
    }
}

/// When the ticket was first read as closed is forgotten, and the question itself moved its times since.
#[test]
fn the_question_for_the_classification_is_known_by_the_moment_of_the_closing() {
    let asked = "own note because verdict-missing; behind needs-you verdict-missing";
    let mut scene = in_step();
    scene.close_ticket(None);
    scene.ticket().raw = json!({ "id": 70, "dateclosed": "2026-03-01T11:00:05" }).into();
    let mut untold = scene.clone();
    untold.ticket().raw = json!({ "id": 70 }).into();
    for mut first in [scene.clone(), untold] {
        let plan = first.plan();
        assert_eq!(words(&plan), asked);
        let OperationKind::AddNote { note, .. } = &plan.operations[0].kind else { panic!("{plan:?}") };
        first.note(3, &note.html).agent_id = Some(99);
        first.ticket().raw = scene.ticket().raw.clone();
        // The time at which it was first read is known: also one that was asked for by that is asked for once.
        assert_eq!(words(&first.plan()), "behind needs-you verdict-missing");
    }
    let plan = scene.plan();
    let OperationKind::AddNote { note, .. } = &plan.operations[0].kind else { panic!("{plan:?}") };
    scene.note(3, &note.html).agent_id = Some(99);
    scene.ticket().last_update = Some(at("2026-03-01T11:50:00Z"));
    assert_eq!(words(&scene.plan()), "behind needs-you verdict-missing");
    // Closed another time it is asked for once more.
    scene.ticket().raw = json!({ "id": 70, "dateclosed": "2026-03-01T11:45:00.5" }).into();
    assert_eq!(words(&scene.plan()), asked);
}

/// The incident has changed since, and so its time is another one than the note was written by.
#[test]
fn a_reopening_that_the_ticket_was_told_of_is_not_told_again() {
    let mut scene = in_step();
    scene.policy.reopened_in_sentinel = ReopenRule::Note;
    scene.close_ticket(Some(2));
    let base = &mut scene.pair.base;
    (base.incident_status, base.status_id, base.ticket_closed) = (Some(IncidentStatus::Closed), Some(CLOSED), true);
    let plan = scene.plan();
    let OperationKind::AddNote { note, .. } = &plan.operations[0].kind else { panic!("{plan:?}") };
    scene.note(3, &note.html).agent_id = Some(99);
    assert!(scene.plan().operations.is_empty(), "it stands there");
    scene.incident.modified = Some(at("2026-03-01T11:50:00Z"));
    assert_eq!(scene.plan().operations.len(), 1, "another reopening, as far as a database that remembers all can tell");
    scene.forgotten = Some(scene.now);
    let actions = scene.actions.replace(Vec::new());
    let queued = scene.plan();
    assert_eq!(queued.operations.len(), 1, "its notes have not been read since");
    let mut read = Scene { actions, ..scene.clone() };
    assert!(read.plan().operations.is_empty(), "{}", words(&read.plan()));
    // So it is when they are read after it was planned.
    read.queue(&queued);
    let plan = read.plan();
    assert_eq!((plan.operations.len(), plan.void.len()), (0, 1), "{plan:?}");
    assert!(plan.base.is_some_and(|base| base.incident_status == Some(IncidentStatus::Active)), "it is left so");
    scene.actions = read.actions;
    // Known to be closed after that note was written: this is another reopening.
    scene.seen.sentinel = Some(at("2026-03-01T11:45:00Z"));
    assert_eq!(scene.plan().operations.len(), 1);
}

/// Closed by us on one side for a person's closing on the other, which the backup has forgotten: each side says whose closing
/// it was, and nobody is told of it again. Where two people closed, both are told.
#[test]
fn a_closing_of_ours_that_was_forgotten_is_nobodys() {
    let closed = |comment: Option<&str>, note: Option<&str>| {
        let mut scene = in_step();
        scene.close_incident(Classification::TruePositive, Some("SuspiciousActivity"));
        scene.incident.classification_comment = comment.map(str::to_owned);
        scene.close_ticket(Some(1));
        scene.ticket().closure_note = note.map(str::to_owned);
        let plan = scene.plan();
        assert!(closing::both_closed(plan.base.as_ref().unwrap()), "{}", words(&plan));
        plan.operations.len()
    };
    assert_eq!(closed(Some("Closed in Halo (ticket 70)."), None), 0, "ours on the incident");
    assert_eq!(closed(Some("Closed in Halo (ticket 70). done"), Some("<p>done</p>")), 0, "with the agent's words");
    let ours = "Closed in Microsoft Sentinel as True positive (SuspiciousActivity). seen";
    assert_eq!(closed(Some("seen"), Some(ours)), 0, "ours on the ticket");
    assert_eq!(closed(Some("seen"), Some("<p>done</p>")), 2, "two people's");
    assert_eq!(closed(Some("Closed in Halo (ticket 71)."), None), 2, "for another ticket");
}

/// The backup knows it as given up; it was tried again since, and written.
#[test]
fn a_dead_letter_of_what_stands_on_the_other_side_ends() {
    let ends = |scene: &Scene| {
        let plan = scene.plan();
        assert_eq!((plan.void.len(), plan.links.len(), plan.operations.len()), (1, 1, 0), "{}", words(&plan));
        assert_eq!(words(&plan), "in-step healthy -");
    };
    let mut scene = in_step();
    scene.comment(1, "please look");
    let plan = scene.plan();
    let OperationKind::AddNote { note, .. } = &plan.operations[0].kind else { panic!("{}", words(&plan)) };
    scene.queue(&plan);
    scene.give_up();
    assert!(scene.plan().void.is_empty(), "it is not there");
    scene.note(8, &note.html).agent_id = Some(99);
    ends(&scene);
    let mut scene = in_step();
    scene.note(3, "<p>looked at</p>");
    let plan = scene.plan();
    scene.queue(&plan);
    scene.give_up();
    assert!(scene.plan().void.is_empty(), "it is not there");
    assert_eq!(written(&mut scene, &plan), 1);
    scene.links.clear();
    ends(&scene);
}

#[test]
fn a_dead_letter_of_our_own_words_that_stand_on_the_other_side_ends() {
    let mut scene = in_step();
    scene.policy.reopened_in_halo = ReopenRule::Note;
    reopen_ticket(&mut scene);
    let plan = scene.plan();
    scene.queue(&plan);
    scene.give_up();
    assert!(scene.plan().void.is_empty(), "it is not there");
    assert_eq!(written(&mut scene, &plan), 1, "{}", words(&plan));
    scene.links.clear();
    let found = scene.plan();
    assert_eq!((found.void.len(), found.links.len(), found.operations.len()), (1, 1, 0), "{}", words(&found));
    scene.queue(&found);
    let rests = scene.plan();
    assert_eq!((rests.void.len(), rests.operations.len()), (0, 0), "{}", words(&rests));
    // The same to the ticket.
    let mut scene = in_step();
    scene.policy.reopened_in_sentinel = ReopenRule::Note;
    reopen_incident(&mut scene);
    let plan = scene.plan();
    let OperationKind::AddNote { note, .. } = &plan.operations[0].kind else { panic!("{}", words(&plan)) };
    scene.queue(&plan);
    scene.give_up();
    assert!(scene.plan().void.is_empty(), "it is not there");
    scene.note(8, &note.html).agent_id = Some(99);
    let found = scene.plan();
    assert_eq!((found.void.len(), found.operations.len()), (1, 0), "{}", words(&found));
}

/// The backup has forgotten what we said of an earlier opening, and its comment is known again: it stays as it was written.
#[test]
fn words_of_ours_that_were_forgotten_are_not_written_over_by_the_next_ones() {
    let mut scene = in_step();
    scene.policy.reopened_in_halo = ReopenRule::Note;
    reopen_ticket(&mut scene);
    let plan = scene.plan();
    let first = message(&plan, 0);
    assert_eq!(written(&mut scene, &plan), 1, "{}", words(&plan));
    // Closed on both sides again by then, and opened another time.
    scene.links.clear();
    scene.ticket().last_update = Some(at("2026-03-01T11:58:00Z"));
    let again = scene.plan();
    assert_ne!(message(&again, 0), first);
    let id = |plan: &Plan| match &plan.operations[0].kind {
        OperationKind::AddComment { comment, .. } => comment.clone(),
        other => panic!("a comment: {other:?}"),
    };
    assert_ne!(id(&again), id(&plan));
    assert_eq!(written(&mut scene, &again), 1);
    // The same words may be written once more: there they stand.
    let mut same = scene.clone();
    same.links.clear();
    assert_eq!(id(&same.plan()), id(&again));
}

/// One side was closed by us for the other one's closing, and then a person opened that one again; the backup knows both as
/// open. By our own words nobody's later word is written over.
#[test]
fn what_was_opened_again_after_a_forgotten_closing_of_ours_is_asked_about() {
    let asked = "behind needs-you conflict";
    let on_ticket = "<p>Closed in Microsoft Sentinel as False positive (InaccurateData). seen</p>";
    let of_incident = |comment: &str| {
        let mut scene = in_step();
        scene.close_incident(Classification::FalsePositive, Some("InaccurateData"));
        scene.incident.classification_comment = Some(comment.to_owned());
        scene
    };
    let of_ticket = |note: &str, option: Option<i64>| {
        let mut scene = in_step();
        scene.close_ticket(option);
        scene.ticket().closure_note = Some(note.to_owned());
        scene
    };
    let mut other = of_incident("Closed in Halo (ticket 70). Done.");
    other.ticket().status_id = Some(NEW);
    let ours = [
        of_incident("Closed in Halo (ticket 70). Done."),
        other,
        of_ticket(on_ticket, Some(2)),
        // The instance has no field for it: the ticket is not told that its classification is missing.
        of_ticket(on_ticket, None),
    ];
    for mut scene in ours {
        assert_eq!(scene.plan().operations.len(), 1, "a database that remembers all: {}", words(&scene.plan()));
        scene.forgotten = Some(scene.now);
        assert_eq!(words(&scene.plan()), asked);
        let plan = scene.plan();
        scene.queue(&plan);
        assert_eq!(words(&scene.plan()), asked, "until somebody has answered");
        let closed = if scene.incident.closed() { (Wins::Sentinel, Side::Halo) } else { (Wins::Halo, Side::Sentinel) };
        scene.policy.status.wins = closed.0;
        let plan = scene.plan();
        let to = |side: Side| plan.operations.iter().any(|planned| planned.kind.side() == side);
        let waits = plan.items().contains(&Reason::VerdictMissing);
        assert!(to(closed.1) || waits, "the policy names the side that wins: {}", words(&plan));
        // Nothing takes back what is said of an opening, and the open side may not have been read yet.
        scene.policy.status.wins = if scene.incident.closed() { Wins::Halo } else { Wins::Sentinel };
        assert_eq!(scene.plan().operations.len(), 1, "opened again: {}", words(&scene.plan()));
        (scene.policy.reopened_in_sentinel, scene.policy.reopened_in_halo) = (ReopenRule::Note, ReopenRule::Note);
        assert_eq!(words(&scene.plan()), asked);
    }
    for mut scene in
        [of_incident("Seen."), of_incident("Closed in Halo (ticket 71)."), of_ticket("<p>done</p>", Some(2))]
    {
        scene.forgotten = Some(scene.now);
        assert_eq!(scene.plan().operations.len(), 1, "a person's: {}", words(&scene.plan()));
    }
    // Both were read after the restore, and were open then.
    for mut scene in [of_incident("Closed in Halo (ticket 70). Done."), of_ticket(on_ticket, Some(2))] {
        scene.forgotten = Some(at("2026-03-01T10:30:00Z"));
        scene.seen = Seen { sentinel: Some(at("2026-03-01T10:45:00Z")), halo: Some(at("2026-03-01T10:45:00Z")) };
        assert_eq!(scene.plan().operations.len(), 1, "{}", words(&scene.plan()));
    }
}

/// Its incident moved in that time as well: it may have been opened again after the closing, and no words of ours tell.
#[test]
fn a_closure_beats_a_change_of_the_forgotten_time_only_where_it_is_the_newer_one() {
    let closing =
        "incident status=Closed FalsePositive/InaccurateData because ticket-closed; behind waiting ticket-closed";
    let mut scene = in_step();
    scene.close_ticket(Some(2));
    scene.incident.status = IncidentStatus::New;
    assert_eq!(words(&scene.plan()), closing);
    scene.forgotten = Some(scene.now);
    assert_eq!(words(&scene.plan()), "behind needs-you conflict");
    scene.incident.modified = Some(at("2026-03-01T11:10:00Z"));
    scene.ticket().last_update = Some(at("2026-03-01T11:40:00Z"));
    scene.seen = Seen { sentinel: Some(at("2026-03-01T11:00:00Z")), halo: Some(at("2026-03-01T11:30:00Z")) };
    assert_eq!(words(&scene.plan()), closing);
}

/// A backup from before a comment was edited, before its ticket was deleted and before another one took its place: what was
/// copied there bears the reference of the edit, which the backup doesn't know.
#[test]
fn what_was_copied_to_the_ticket_in_the_place_of_a_gone_one_is_known_there_by_any_edit() {
    let old = ActionKey { ticket: TicketId(60), action: 3 };
    let mut scene = in_step();
    let comment = scene.comment(1, "as it was");
    let said = |scene: &Scene| scene.comments.as_ref().map(|all| notes::words::of_comment(&all[0]));
    let crossed = said(&scene);
    let edited = &mut scene.comments.as_mut().unwrap()[0];
    (edited.message, edited.modified) = ("as it is now".into(), Some(at("2026-03-01T11:45:00Z")));
    let told = said(&scene);
    scene.link(&comment, old, (0, 0), crossed, Side::Sentinel);
    let backup = scene.links.clone();
    scene.link(&comment, ActionKey { action: 4, ..old }, (1, 0), told, Side::Sentinel);
    scene.pair.base.replaced.insert(TicketId(60));
    let copied = scene.plan();
    assert_eq!(copied.operations.len(), 1);
    let OperationKind::AddNote { note, .. } = &copied.operations[0].kind else { panic!("a note") };
    let html = note.html.clone();
    // Nothing of it was known when the copy was planned again, or when its answer was lost.
    for known in [backup, Vec::new()] {
        let mut restored = scene.clone();
        restored.links = known;
        restored.forgotten = Some(restored.now);
        let again = restored.plan();
        restored.note(7, &html).agent_id = Some(99);
        let plan = restored.plan();
        assert!(plan.operations.is_empty(), "{}", words(&plan));
        assert_eq!(plan.links.iter().map(|link| (link.action.action, link.edit)).collect::<Vec<_>>(), [(7, 1)]);
        restored.queue(&again);
        let plan = restored.plan();
        assert_eq!((plan.void.len(), plan.operations.len()), (1, 0), "{}", words(&plan));
        restored.queue(&plan);
        assert!(restored.plan().operations.is_empty());
    }
}

/// The note of an edit names the first note's reference too, also where that one is gone.
#[test]
fn a_note_that_names_the_first_one_is_not_taken_for_it() {
    let mut scene = in_step();
    let comment = scene.comment(1, "as it was");
    let said = notes::words::of_comment(&scene.comments.as_ref().unwrap()[0]);
    scene.link(&comment, ActionKey { ticket: TicketId(70), action: 3 }, (0, 0), Some(said), Side::Sentinel);
    let edited = &mut scene.comments.as_mut().unwrap()[0];
    (edited.message, edited.modified) = ("as it is now".into(), Some(at("2026-03-01T11:45:00Z")));
    scene.note(3, "<p>the first note</p>");
    let plan = scene.plan();
    let OperationKind::AddNote { edit: 1, note, .. } = &plan.operations[0].kind else { panic!("{}", words(&plan)) };
    let html = note.html.clone();
    let first = scene.with(|s| notes::note_reference(s, &comment, 0));
    assert!(html.contains(&first));
    // The two records are linked anew, and an agent has deleted the first note.
    scene.links.clear();
    scene.actions = Some(Vec::new());
    scene.note(7, &html).agent_id = Some(99);
    scene.pair.base.linked = true;
    let plan = scene.plan();
    assert!(plan.operations.is_empty(), "{}", words(&plan));
    let links: Vec<_> = plan.links.iter().map(|link| (link.action.action, link.edit)).collect();
    assert_eq!(links, [(7, 1)], "so that the next edit is another note than this one");
}

/// What an agent or an analyst left out since is told, though what was told before holds the words that are left.
#[test]
fn an_edit_that_only_leaves_words_out_is_told_after_a_restore() {
    for (before, after) in [
        ("not malicious", "malicious"),
        ("malicious, it seems", "malicious"),
        ("seen by Amira", "Amira"),
        ("👍👍", "👍"),
    ] {
        let mut scene = in_step();
        scene.note(3, &format!("<p>{before}</p>"));
        let plan = scene.plan();
        written(&mut scene, &plan);
        scene.links.clear();
        let plan = scene.plan();
        assert_eq!((words(&plan), plan.links.len()), ("in-step healthy -".to_owned(), 1), "{before}");
        let note = scene.actions.as_mut().unwrap().iter_mut().find(|action| action.key.action == 3).unwrap();
        (note.note_html, note.updated) = (Some(format!("<p>{after}</p>")), Some(scene.now));
        let plan = scene.plan();
        assert!(words(&plan).starts_with("comment of 3 edit 1 because note-edited"), "{before}: {}", words(&plan));

        let mut scene = in_step();
        scene.comment(1, before);
        let plan = scene.plan();
        let OperationKind::AddNote { note, .. } = &plan.operations[0].kind else { panic!("{}", words(&plan)) };
        scene.note(8, &note.html).agent_id = Some(99);
        let plan = scene.plan();
        assert_eq!((words(&plan), plan.links.len()), ("in-step healthy -".to_owned(), 1), "{before}");
        let comment = &mut scene.comments.as_mut().unwrap()[0];
        (comment.message, comment.modified) = (after.to_owned(), Some(scene.now));
        let plan = scene.plan();
        assert!(words(&plan).starts_with("note of edit 1 because comment-edited"), "{before}: {}", words(&plan));
    }
}
