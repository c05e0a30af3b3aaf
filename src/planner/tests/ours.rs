//! What is ours on either side, and what of ours stands there already: by links, references, derived ids and words.

use std::collections::BTreeMap;

use super::scene::{Scene, in_step, words};
use crate::{
    domain::{
        catalogue::Ref,
        drift::DriftRule,
        failure::Side,
        ids::{ActionKey, CommentId, TicketId, fingerprint, reference},
        incident::Comment,
        operation::{Carried, Operation, OperationKind, OperationState},
        pair::NoteLink,
        policy::NotesRule,
        workspace::Mode,
    },
    planner::{
        Plan,
        notes::{
            self, is_own, mentions_any, note_reference, recognised,
            to_sentinel::{found_again, in_a_digest, own_comment, taken, told_already},
            words as said,
        },
    },
};

fn key(action: i64) -> ActionKey {
    ActionKey { ticket: TicketId(70), action }
}

fn carried(action: i64, edit: u32, said: &str) -> Carried {
    Carried { action: key(action), edit, part: 0, said: said.into() }
}

fn derived(action: i64) -> CommentId {
    in_step().with(|s| CommentId::derived(s.halo_tenant, key(action), 0, 0))
}

/// An operation of this kind that waits.
fn waits(scene: &mut Scene, kind: OperationKind) {
    let mut other = in_step();
    other.comment(1, "any");
    let plan = other.plan();
    other.queue(&plan);
    let any = other.operations.remove(0);
    scene.operations.push(Operation { kind, ..any });
}

fn tells(comment: &str, carries: Vec<Carried>) -> OperationKind {
    OperationKind::AddComment { comment: CommentId::new(comment), carries, message: "words".into() }
}

#[test]
fn a_notes_reference_is_built_from_outside_identities_alone() {
    let scene = in_step();
    let comment = CommentId::new("c");
    let parts = ["comment", &scene.workspace.arm_id, scene.pair.incident.as_str(), "c"];
    assert_eq!(scene.with(|s| note_reference(s, &comment, 0)), reference(&parts));
    let edited = [parts[0], parts[1], parts[2], parts[3], "edit-2"];
    assert_eq!(scene.with(|s| note_reference(s, &comment, 2)), reference(&edited));
    let table = [
        ("HB-0123456789", true),
        ("see HB-ABCDEF0123.", true),
        ("HB-01234567", false),
        ("HB-01234abcde", false),
        ("HB-0123456 89", false),
        ("HB-01 then HB-0123456789", true),
        ("", false),
    ];
    for (text, expected) in table {
        assert_eq!(mentions_any(text), expected, "{text}");
    }
}

#[test]
fn a_note_is_ours_by_its_link_or_by_our_agent_and_a_reference() {
    // The note's number, who wrote it, what it says, whether we know who we are; whether it is ours.
    let pair = in_step().pair.reference;
    let mut commented = in_step();
    let comment = commented.comment(1, "words");
    let of_comment = commented.with(|s| note_reference(s, &comment, 0));
    let foreign = "HB-0123456789";
    let table = [
        (1, 5, pair.as_str(), true, true),
        (5, 5, pair.as_str(), true, false),
        (5, 99, pair.as_str(), true, true),
        (5, 99, foreign, true, true),
        (1, 5, foreign, true, false),
        (5, 99, "words", true, false),
        (5, 5, pair.as_str(), false, true),
        (5, 5, of_comment.as_str(), false, true),
        (5, 5, foreign, false, false),
    ];
    for (number, agent, text, known, expected) in table {
        let mut scene = commented.clone();
        scene.note(3, "<p>a person's</p>");
        let action = scene.note(number, &format!("<p>{text}</p>"));
        action.agent_id = Some(agent);
        let action = action.clone();
        scene.catalogue.own_agent_id = known.then_some(99);
        let own = scene.with(|s| is_own(s, &action, &BTreeMap::new()));
        assert_eq!(own, expected, "note {number} by {agent}: {text}, known: {known}");
        let linked = |side| scene.with(|s| is_own(s, &action, &BTreeMap::from([(action.key, side)])));
        assert!(linked(Side::Sentinel) && linked(Side::Halo) == expected);
    }
}

#[test]
fn a_note_with_a_reference_is_recognised_unless_a_person_wrote_it() {
    let found = |own: Option<i64>, agent: Option<i64>| {
        let mut scene = in_step();
        let comment = scene.comment(1, "words");
        let reference = scene.with(|s| note_reference(s, &comment, 0));
        scene.note(3, &format!("<p>words</p><p>{reference}</p>")).agent_id = agent;
        scene.catalogue.own_agent_id = own;
        scene.with(recognised).len()
    };
    let table = [(Some(99), Some(99), 1), (Some(99), Some(5), 0), (Some(99), None, 1), (None, Some(5), 1)];
    for (own, agent, expected) in table {
        assert_eq!(found(own, agent), expected, "we are {own:?}, it is by {agent:?}");
    }
    // Whatever waits: what both sides prove is there.
    let mut scene = in_step();
    scene.note(3, "<p>words</p>");
    let plan = scene.plan();
    scene.queue(&plan);
    let OperationKind::AddComment { comment, message, .. } = &plan.operations[0].kind else { panic!("a comment") };
    scene.comment(1, message);
    scene.comments.as_mut().expect("commented")[0].id = comment.clone();
    assert_eq!(scene.with(recognised).len(), 1);
}

#[test]
fn notes_cross_by_the_outcomes_id_too_and_as_the_mode_says() {
    let crosses = |outcome| {
        let mut scene = in_step();
        (scene.policy.notes, scene.policy.note_outcomes) = (NotesRule::Outcomes, vec![Ref::Id(outcome)]);
        let action = scene.note(3, "<p>words</p>").clone();
        notes::crosses(&scene.policy, &action)
    };
    assert!(crosses(8) && !crosses(7));
    let noted = |mode| {
        let mut scene = in_step();
        scene.workspace.mode = mode;
        scene.note(3, "<p>words</p>");
        words(&scene.plan())
    };
    assert_eq!(noted(Mode::Observe), "behind waiting mode-observe");
    assert_eq!(noted(Mode::CommentOnly), "in-step healthy -", "notes are not its matter");
    assert_eq!(noted(Mode::SentinelToHalo), "in-step healthy -");
}

#[test]
fn comments_were_never_read_when_there_are_more_than_ours() {
    let mut scene = in_step();
    let never = |scene: &Scene| scene.with(notes::never_read);
    scene.incident.comments_count = 1;
    assert!(!never(&scene));
    scene.comments = None;
    assert!(never(&scene));
    scene.link(&CommentId::new("theirs"), key(4), (0, 0), None, Side::Sentinel);
    assert!(never(&scene));
    scene.link(&CommentId::new("ours"), key(3), (0, 0), None, Side::Halo);
    assert!(!never(&scene));
    scene.incident.comments_count = 2;
    assert!(never(&scene));
    scene.pair.ticket = None;
    assert!(!never(&scene));
}

/// A program may give its comments ids of the version that ours have.
#[test]
fn words_under_a_derived_id_are_ours_only_as_we_write_them() {
    let table = [
        ("Note 5 on Halo ticket 61 by Amira, 2026-03-01 11:40 UTC:\nwords", true),
        ("Note that the host is isolated", false),
        ("Note 5 was wrong", false),
        ("Halo ticket 61\nComments and status of this incident are kept in step with it.", true),
        ("Halo ticket is missing", false),
        ("Digest of notes 1, 2 on Halo ticket 61.", true),
        ("Closed in Halo (ticket 61).", true),
    ];
    for (message, expected) in table {
        let mut scene = in_step();
        scene.comment(1, message);
        let mut comment = scene.comments.as_ref().unwrap()[0].clone();
        comment.id = CommentId::new(&uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, message.as_bytes()).to_string());
        let own = scene.with(|s| notes::to_halo::is_own(s, TicketId(70), &comment));
        assert_eq!(own, expected, "{message}");
    }
}

/// What of our own is said about the ticket, and as which edit.
#[test]
fn our_own_words_about_a_ticket_are_said_once() {
    let words = "It was opened again.";
    let said = fingerprint(words);
    let of = |scene: &Scene, out: &Plan| {
        let kind = scene.with(|s| own_comment(s, out, TicketId(70), words.into()));
        kind.unwrap_or_default().map(|kind| match kind {
            OperationKind::AddComment { carries, message, .. } => (carries[0].edit, message),
            other => panic!("{other:?}"),
        })
    };
    let fresh = |edit| Some((edit, words.to_owned()));
    let scene = in_step();
    assert_eq!(of(&scene, &Plan::new()), fresh(1));
    let with = |change: &dyn Fn(&mut Scene)| {
        let mut scene = in_step();
        change(&mut scene);
        of(&scene, &Plan::new())
    };
    assert_eq!(with(&|s| waits(s, tells("c", vec![carried(0, 1, &said)]))), None, "it waits");
    assert_eq!(with(&|s| waits(s, tells("c", vec![carried(0, 3, "other")]))), fresh(4), "others wait");
    assert_eq!(with(&|s| waits(s, tells("c", vec![carried(5, 3, &said)]))), fresh(1), "a note says the same");
    let links = |s: &mut Scene, action, edit, said: &str, side| {
        s.link(&CommentId::new("c"), key(action), (edit, 0), Some(said.to_owned()), side);
    };
    assert_eq!(with(&|s| links(s, 0, 2, &said, Side::Halo)), None, "it was said");
    assert_eq!(with(&|s| links(s, 0, 2, "other", Side::Halo)), fresh(3));
    assert_eq!(with(&|s| links(s, 5, 2, &said, Side::Halo)), fresh(1), "of a note");
    assert_eq!(with(&|s| links(s, 0, 2, &said, Side::Sentinel)), fresh(1));
    // Planned just now, in this very plan.
    let mut out = Plan::new();
    out.push(tells("c", vec![carried(0, 1, &said)]), crate::domain::reason::Reason::TicketClosed);
    assert_eq!(of(&scene, &out), None);
    // As long as there is room.
    assert_eq!(with(&|s| s.incident.comments_count = 99), fresh(1));
    assert_eq!(with(&|s| s.incident.comments_count = 100), None);
    let mut full = in_step();
    full.incident.comments_count = 99;
    let mut out = Plan::new();
    out.push(tells("c", vec![carried(5, 0, "note")]), crate::domain::reason::Reason::NoteAdded);
    assert_eq!(of(&full, &out), None);
    let told = full.with(|s| own_comment(s, &out, TicketId(70), words.into()));
    assert_eq!(told, Err(crate::domain::reason::Reason::CommentsFull), "what is not told is an open item");
    // What is planned for the ticket takes no place.
    let mut out = Plan::new();
    let note = full.with(|s| notes::own_note(s, "words", notes::own_reference(s, "x")));
    let kind = OperationKind::AddNote { comment: None, edit: 0, said: None, note };
    out.push(kind, crate::domain::reason::Reason::IncidentClosed);
    assert_eq!(of(&full, &out), fresh(1));
    // What a person dropped is planned as it was, and then kept out.
    let dropped = |said: &str, action| {
        with(&|s| {
            waits(s, tells("c", vec![carried(action, 7, said)]));
            let seen = s.pair.base.clone();
            let (at, reason) = (s.now, crate::domain::reason::Reason::TicketClosed);
            s.operations[0].state = OperationState::Dropped { at, who: None, reason, seen };
        })
    };
    assert_eq!(dropped(&said, 0), Some((7, "words".into())));
    assert_eq!(dropped("other", 0), fresh(8));
    assert_eq!(dropped(&said, 5), fresh(1));
}

#[test]
fn an_edit_in_older_words_is_told_already_by_the_one_before() {
    let mut scene = in_step();
    let now = said::of_action(scene.note(3, "<p>now</p>"));
    let link = |s: &mut Scene, action, edit, said: &str, side| {
        s.link(&CommentId::new("c"), key(action), (edit, 0), Some(said.to_owned()), side);
    };
    link(&mut scene, 3, 1, &now, Side::Halo);
    let told = |scene: &Scene, carries: &[Carried]| scene.with(|s| told_already(s, &Plan::new(), carries));
    assert!(told(&scene, &[carried(3, 2, "before")]));
    let table = [
        ("the note as it first crossed", carried(3, 0, "before")),
        ("the edit that was told", carried(3, 1, "before")),
        ("words as they are now", carried(3, 2, &now)),
        ("a deletion", carried(3, 2, said::GONE)),
        ("words about the ticket", carried(0, 2, "before")),
        ("another note", carried(4, 2, "before")),
    ];
    for (name, carries) in table {
        assert!(!told(&scene, &[carries]), "{name}");
    }
    assert!(!told(&scene, &[carried(3, 2, "before"), carried(4, 0, "x")]), "a digest");
    // Others tell nothing of it; a later edit of its own does.
    link(&mut scene, 4, 5, "other", Side::Halo);
    link(&mut scene, 3, 5, "other", Side::Sentinel);
    assert!(told(&scene, &[carried(3, 2, "before")]));
    link(&mut scene, 3, 2, "other", Side::Halo);
    assert!(!told(&scene, &[carried(3, 3, "before")]), "what was told last is not what it says");
}

fn comment(id: &CommentId, message: &str) -> Comment {
    Comment::own(id.clone(), message, super::scene::at("2026-03-01T11:30:00Z"))
}

#[test]
fn a_queued_comment_that_stands_there_is_linked_with_the_words_it_says() {
    let scene = in_step();
    let id = CommentId::new("c");
    let links = |carries: &[Carried], message: &str| {
        let found = scene.with(|s| found_again(s, &comment(&id, "its words"), carries, message));
        found.map(|links| {
            assert!(links.iter().all(|link| link.comment == id && link.written_in == Side::Halo));
            links.into_iter().map(|link| (link.action.action, link.edit, link.said)).collect::<Vec<_>>()
        })
    };
    let some = |said: &str| Some(said.to_owned());
    let (same, other) = ("its, words", "other words");
    assert_eq!(links(&[carried(3, 1, "f")], same), Some(vec![(3, 1, some("f"))]));
    assert_eq!(links(&[carried(3, 1, "")], same), Some(vec![(3, 1, None)]), "an older entry does not tell");
    assert_eq!(links(&[carried(3, 1, "f")], other), Some(vec![(3, 1, some(""))]), "it says something older");
    assert_eq!(
        links(&[carried(3, 0, "f"), carried(4, 0, "g")], same),
        Some(vec![(3, 0, some("f")), (4, 0, some("g"))])
    );
    assert_eq!(links(&[carried(3, 0, "f"), carried(4, 0, "g")], other), None, "another digest");
    assert_eq!((links(&[], same), links(&[], other)), (Some(vec![]), None), "a copy that carries no note");
    assert_eq!(links(&[carried(0, 0, "f")], same), Some(vec![(0, 0, some("f"))]), "the ticket's name");
    assert_eq!(links(&[carried(0, 0, "f")], other), Some(vec![(0, 0, some(""))]));
    assert_eq!(links(&[carried(0, 1, "f")], same), Some(vec![(0, 1, some("f"))]));
    assert_eq!(links(&[carried(0, 1, "f")], other), None, "words about the ticket are told apart by what they say");
}

/// A digest of these notes, as it is written.
fn digest(notes: &[i64]) -> (Scene, Comment, OperationKind) {
    let mut scene = in_step();
    scene.policy.digest_from = 0;
    for n in notes {
        scene.note(*n, &format!("<p>note number {n}</p>"));
    }
    let kind = scene.plan().operations[0].kind.clone();
    let OperationKind::AddComment { comment: id, message, .. } = &kind else { panic!("a digest") };
    (scene.clone(), comment(id, message), kind)
}

#[test]
fn a_digest_never_takes_the_place_of_another_comment() {
    let (mut scene, whole, queued) = digest(&[3, 4]);
    let mut of = |there: Option<Comment>| {
        scene.comments = Some(there.into_iter().collect());
        scene.with(|s| taken(s, &queued))
    };
    assert!(!of(None) && !of(Some(whole.clone())));
    assert!(of(Some(comment(&whole.id, "Note 3 alone"))));
    let (_, longer, _) = digest(&[3, 4, 5]);
    assert!(!of(Some(comment(&whole.id, &longer.message))), "one that tells the first note too");
    assert!(!of(Some(comment(&CommentId::new("other"), "Note 3 alone"))));
    let single = tells("c", vec![carried(3, 0, "f")]);
    scene.comments = Some(vec![comment(&CommentId::new("c"), "else")]);
    assert!(!scene.with(|s| taken(s, &single)), "no digest");
}

#[test]
fn a_queued_note_is_found_in_a_digest_of_ours() {
    let (mut scene, whole, _) = digest(&[3, 4]);
    scene.comments = Some(vec![comment(&CommentId::new("other"), "words"), whole.clone()]);
    let of = |scene: &Scene, carries: &[Carried]| scene.with(|s| in_a_digest(s, carries));
    let note = scene.actions.as_ref().expect("noted")[1].clone();
    let expected = NoteLink {
        pair: scene.pair.id,
        comment: whole.id.clone(),
        action: key(4),
        edit: 0,
        part: 0,
        said: Some(said::of_action(&note)),
        written_in: Side::Halo,
    };
    assert_eq!(of(&scene, &[carried(4, 0, "f")]), Some(expected));
    let later = Carried { part: 1, ..carried(4, 0, "f") };
    let nothing = [
        ("words about the ticket", vec![carried(0, 0, "f")]),
        ("an edit", vec![carried(4, 1, "f")]),
        ("a later part", vec![later]),
        ("another digest", vec![carried(3, 0, "f"), carried(4, 0, "f")]),
        ("a note that it does not name", vec![carried(5, 0, "f")]),
    ];
    for (name, carries) in nothing {
        assert_eq!(of(&scene, &carries), None, "{name}");
    }
    scene.comments = Some(vec![comment(&derived(9), &whole.message)]);
    assert_eq!(of(&scene, &[carried(4, 0, "f")]), None, "a person quotes it");
}

/// Nothing is linked any more: of a note that was too long for one comment each part is ours, whatever its number.
#[test]
fn every_part_of_a_long_note_is_recognised_as_ours() {
    let mut scene = in_step();
    let long = format!("<p>{}</p>", "word ".repeat(8_000));
    scene.note(450, &long);
    let plan = scene.plan();
    super::note_limits::written(&mut scene, &plan);
    scene.links.clear();
    let plan = scene.plan();
    assert_eq!(words(&plan), "in-step healthy -");
    let linked: Vec<(i64, u32, u32)> =
        plan.links.iter().map(|link| (link.action.action, link.edit, link.part)).collect();
    assert_eq!(linked, [(450, 0, 0), (450, 0, 1)]);
    // A part that follows one that somebody deleted is nobody else's either.
    let part = CommentId::derived("msp", key(450), 3, 4);
    assert!(scene.with(|s| notes::to_halo::is_own(s, TicketId(70), &comment(&part, "the rest (5/5)"))));
    let another = CommentId::derived("msp", key(451), 3, 4);
    assert!(!scene.with(|s| notes::to_halo::is_own(s, TicketId(70), &comment(&another, "the rest (5/5)"))));
}

/// A copy that is there is not lost, whatever the policy does about lost ones.
#[test]
fn a_copy_that_is_there_is_not_asked_about() {
    let mut scene = in_step();
    scene.policy.drift.lost_comment = DriftRule::Ask;
    scene.note(3, "<p>words</p>");
    let plan = scene.plan();
    super::note_limits::written(&mut scene, &plan);
    assert_eq!(words(&scene.plan()), "in-step healthy -");
    // Lost, and on its way already.
    let link = scene.links[0].clone();
    scene.comments = Some(Vec::new());
    scene.incident.comments_count = 0;
    assert_eq!(scene.plan().items().len(), 1);
    let carries = vec![Carried { action: key(3), edit: link.edit, part: 0, said: link.said.unwrap_or_default() }];
    waits(&mut scene, tells(link.comment.as_str(), carries));
    assert_eq!(scene.plan().items().len(), 0);
}
