//! Digests that a restored backup has forgotten, or queued anew.

use jiff::SignedDuration;

use super::{
    note_limits::written,
    notes::message,
    scene::{Scene, in_step, words},
};
use crate::domain::operation::OperationKind;

#[test]
fn a_queued_digest_never_takes_the_place_of_a_comment_that_was_forgotten() {
    let mut scene = in_step();
    for n in 3..6 {
        scene.note(n, &format!("<p>note number {n}</p>"));
    }
    let single = scene.plan();
    scene.policy.digest_from = 0;
    let plan = scene.plan();
    scene.queue(&plan);
    assert!(message(&plan, 0).starts_with("Digest of notes 3, 4, 5"));
    // Before the backup came back, notes 3 and 4 had crossed each for itself.
    for at in 0..2 {
        let OperationKind::AddComment { comment, message, .. } = &single.operations[at].kind else {
            panic!("a comment")
        };
        scene.comment(90 + u128::try_from(at).unwrap(), message);
        scene.comments.as_mut().unwrap()[at].id = comment.clone();
    }
    let plan = scene.plan();
    assert_eq!(plan.void.len(), 1, "the digest is taken back");
    assert!(words(&plan).starts_with("comment of 5 because"), "{}", words(&plan));
    assert_eq!(plan.links.len(), 2);
}

/// After a restore the incident's comments may be read before the ticket's notes: a digest names notes, and words of them,
/// that are not known yet.
#[test]
fn a_digest_that_was_linked_before_its_notes_were_read_is_not_told_again() {
    let mut scene = in_step();
    scene.note(3, "<p>note number 3</p>");
    let first = scene.plan();
    written(&mut scene, &first);
    assert_eq!(words(&scene.plan()), "in-step healthy -");
    let backup = scene.actions.clone();
    scene.policy.digest_from = 0;
    scene.note(4, "<p>note number 4</p>");
    {
        let edited = scene.actions.as_mut().unwrap().iter_mut().find(|action| action.key.action == 3).unwrap();
        edited.note_html = Some("<p>other words</p>".into());
        edited.note = "other words".into();
        edited.updated = Some(scene.now);
    }
    let now_known = scene.actions.clone();
    let links = scene.links.clone();
    let plan = scene.plan();
    assert!(message(&plan, 0).starts_with("Digest of notes 3, 4"), "{}", words(&plan));
    written(&mut scene, &plan);
    // The links of that time are lost, and the notes are as the backup knew them.
    scene.links = links;
    scene.actions = backup;
    let plan = scene.plan();
    scene.links.extend(plan.links);
    scene.actions = now_known;
    let plan = scene.plan();
    assert!(plan.operations.is_empty(), "{}", words(&plan));
}

/// A digest has the id of its first note, which an agent may have deleted since.
#[test]
fn a_forgotten_digest_whose_first_note_is_gone_is_not_told_again() {
    let mut scene = in_step();
    scene.policy.digest_from = 0;
    scene.note(3, "<p>note number 3</p>");
    scene.note(4, "<p>note number 4</p>");
    let plan = scene.plan();
    assert!(message(&plan, 0).starts_with("Digest of notes 3, 4"), "{}", words(&plan));
    let links = scene.links.clone();
    written(&mut scene, &plan);
    scene.links = links;
    scene.actions.as_mut().unwrap().retain(|action| action.key.action != 3);
    let plan = scene.plan();
    assert!(plan.operations.is_empty(), "{}", words(&plan));
    assert_eq!(plan.links.len(), 1);
    // What it says next is told as an edit.
    scene.links.extend(plan.links);
    let note = scene.actions.as_mut().unwrap().iter_mut().find(|action| action.key.action == 4).unwrap();
    (note.note, note.note_html) = ("other words".into(), None);
    note.updated = Some(scene.now);
    assert!(words(&scene.plan()).contains("comment of 4"), "{}", words(&scene.plan()));
}

/// After a restore, notes may be queued each for itself before the incident's comments are read: a digest tells them.
#[test]
fn notes_that_are_queued_while_a_digest_tells_them_are_not_told_again() {
    let mut scene = in_step();
    scene.note(3, "<p>note number 3</p>");
    scene.note(4, "<p>note number 4</p>");
    let single = scene.plan();
    assert_eq!(single.operations.len(), 2, "{}", words(&single));
    scene.policy.digest_from = 0;
    let digest = scene.plan();
    assert!(message(&digest, 0).starts_with("Digest of notes 3, 4"), "{}", words(&digest));
    let links = scene.links.clone();
    written(&mut scene, &digest);
    scene.links = links;
    scene.queue(&single);
    let plan = scene.plan();
    assert_eq!((plan.void.len(), plan.links.len()), (2, 2), "{}", words(&plan));
    assert!(plan.operations.is_empty(), "{}", words(&plan));
}

/// So may others of them as a digest of their own: it begins with another note, and so has another id.
#[test]
fn a_digest_that_is_queued_while_another_one_tells_its_notes_is_not_written() {
    let mut scene = in_step();
    for n in 3..6 {
        scene.note(n, &format!("<p>note number {n}</p>"));
    }
    scene.policy.digest_from = 0;
    let whole = scene.plan();
    assert!(message(&whole, 0).starts_with("Digest of notes 3, 4, 5"), "{}", words(&whole));
    scene.policy.digest_from = 1;
    let queued = scene.plan();
    assert!(message(&queued, 1).starts_with("Digest of notes 4, 5"), "{}", words(&queued));
    let links = scene.links.clone();
    written(&mut scene, &whole);
    scene.links = links;
    scene.queue(&queued);
    let plan = scene.plan();
    assert_eq!((plan.void.len(), plan.links.len()), (2, 3), "{}", words(&plan));
    assert!(plan.operations.is_empty(), "{}", words(&plan));
    // A note that came since is all that is left to tell.
    scene.note(6, "<p>note number 6</p>");
    let plan = scene.plan();
    assert_eq!(plan.void.len(), 2, "{}", words(&plan));
    assert!(words(&plan).starts_with("comment of 6 because"), "{}", words(&plan));
}

/// Nor is one of which a note was told by itself since.
#[test]
fn a_queued_digest_leaves_out_what_was_told_by_itself() {
    let mut scene = in_step();
    for n in 3..6 {
        scene.note(n, &format!("<p>note number {n}</p>"));
    }
    let single = scene.plan();
    scene.policy.digest_from = 0;
    let digest = scene.plan();
    let OperationKind::AddComment { comment, message, .. } = &single.operations[1].kind else { panic!("a comment") };
    scene.comment(90, message);
    scene.comments.as_mut().unwrap()[0].id = comment.clone();
    scene.queue(&digest);
    let plan = scene.plan();
    assert_eq!((plan.void.len(), plan.links.len()), (1, 1), "{}", words(&plan));
    assert!(words(&plan).starts_with("comment of 3+5 because"), "{}", words(&plan));
}

/// Nor is a longer one that would be written over a shorter digest, where its further notes were told by themselves since.
#[test]
fn a_queued_digest_is_not_written_over_a_shorter_one_whose_further_notes_were_told_since() {
    let mut scene = in_step();
    for n in 3..5 {
        scene.note(n, &format!("<p>note number {n}</p>"));
    }
    scene.policy.digest_from = 0;
    let shorter = scene.plan();
    assert!(message(&shorter, 0).starts_with("Digest of notes 3, 4 "), "{}", words(&shorter));
    let links = scene.links.clone();
    scene.note(5, "<p>note number 5</p>");
    let longer = scene.plan();
    assert!(message(&longer, 0).starts_with("Digest of notes 3, 4, 5 "), "{}", words(&longer));
    written(&mut scene, &shorter);
    let last = scene.plan();
    assert!(words(&last).starts_with("comment of 5 because"), "{}", words(&last));
    written(&mut scene, &last);
    // The backup has forgotten both, and queued the longer one.
    scene.links = links;
    scene.queue(&longer);
    let plan = scene.plan();
    assert_eq!((plan.void.len(), plan.links.len()), (1, 3), "{}", words(&plan));
    assert!(plan.operations.is_empty(), "{}", words(&plan));
}

/// Nor is one of which an edit was told by itself since.
#[test]
fn a_queued_digest_leaves_out_an_edit_that_was_told_by_itself() {
    let edit = |scene: &mut Scene, n: i64| {
        let now = scene.now;
        let note = scene.actions.as_mut().unwrap().iter_mut().find(|action| action.key.action == n).unwrap();
        (note.note, note.note_html, note.updated) = (format!("newer words {n}"), None, Some(now));
    };
    let mut scene = in_step();
    for n in 3..5 {
        scene.note(n, &format!("<p>note number {n}</p>"));
    }
    let first = scene.plan();
    written(&mut scene, &first);
    scene.now += SignedDuration::from_mins(10);
    let backup = (scene.comments.clone(), scene.links.clone());
    // One edit is told by itself, which the backup does not know; it queues it in a digest with another one.
    edit(&mut scene, 4);
    let single = scene.plan();
    assert_eq!(written(&mut scene, &single), 1, "{}", words(&single));
    let there = scene.comments.clone();
    edit(&mut scene, 3);
    (scene.comments, scene.links) = backup;
    scene.policy.digest_from = 0;
    let digest = scene.plan();
    assert!(message(&digest, 0).starts_with("Digest of notes 3, 4 "), "{}", words(&digest));
    scene.queue(&digest);
    scene.comments = there;
    let plan = scene.plan();
    assert_eq!((plan.void.len(), plan.links.len()), (1, 1), "{}", words(&plan));
    assert!(words(&plan).starts_with("comment of 3 edit 1 because"), "{}", words(&plan));
}
