//! Merges in Defender: the ticket follows, comments are carried over, nothing is closed, tickets that meet are shown.

use proptest::prelude::*;
use serde_json::json;

use super::scene::{NEW, Scene, check, in_step, words};
use crate::{
    domain::{
        decision::Decision,
        drift::DriftRule,
        failure::Side,
        ids::{ActionKey, CommentId, IncidentId, TicketId},
        incident::{Evidence, Incident, IncidentStatus, Owner, Severity},
        merge::{Candidate, Merge, MergedFrom, Survivor},
        operation::OperationKind,
        pair::NoteLink,
        policy::{Direction, Wins},
        reason::Reason,
        workspace::Mode,
    },
    planner::{choice, merges, notes},
};

fn other() -> IncidentId {
    IncidentId::new("99999999-2222-4333-8444-555555555555")
}

fn into(s: &mut Scene, pair: bool, ticket: Option<i64>) {
    s.redirect();
    let pair = pair.then_some(s.pair.id);
    s.merge = Merge::Into(Survivor {
        incident: other(),
        name: "#9 Multi-stage".into(),
        pair,
        ticket: ticket.map(TicketId),
        apart: false,
    });
}

#[test]
fn a_merge_alone_never_closes_a_ticket() {
    check(&[
        (
            "into one without a ticket: this one goes on with it",
            |s| into(s, false, None),
            "own note because merged; behind waiting merged",
        ),
        ("into one whose ticket is being made: it waits", |s| into(s, true, None), "behind healthy merged-into"),
        (
            "into one with a ticket of its own: both are shown, one is proposed for merging",
            |s| into(s, true, Some(71)),
            "own note because merged; behind needs-you tickets-meet",
        ),
        (
            "into one that a person unlinked from this ticket: they stay apart",
            |s| {
                into(s, false, None);
                if let Merge::Into(survivor) = &mut s.merge {
                    survivor.apart = true;
                }
            },
            "in-step healthy merged-into",
        ),
        ("followed already", |s| into(s, true, Some(70)), "in-step healthy merged-into"),
        (
            "into one that has not shown yet",
            |s| {
                s.redirect();
                s.merge = Merge::NotSeen(9);
            },
            "behind healthy merged-into",
        ),
        (
            "nobody knows into which: a person is asked",
            |s| {
                s.redirect();
                s.merge = Merge::Unknown(Vec::new());
            },
            "unknown needs-you survivor-unknown",
        ),
        (
            "the tickets were merged in Halo: settled",
            |s| {
                into(s, true, Some(71));
                s.ticket().merged_into = Some(TicketId(71));
            },
            "in-step healthy merged-into",
        ),
        (
            "both are left as they are: settled",
            |s| {
                into(s, true, Some(71));
                s.pair.decisions = vec![Decision::KeepApart];
            },
            "in-step healthy merged-into",
        ),
        (
            "whatever else changed on the merged one is not carried",
            |s| {
                into(s, true, Some(70));
                s.incident.severity = Severity::High;
                s.incident.owner = Owner { email: Some("amira@soc.example".into()), ..Owner::default() };
                s.note(3, "<p>said in the ticket</p>");
            },
            "in-step healthy merged-into",
        ),
        (
            "but a late comment reaches the ticket",
            |s| {
                into(s, true, Some(70));
                s.comment(1, "written on the merged one");
            },
            "note of comment because comment-added; behind waiting comment-added",
        ),
        (
            "a ticket that was moved to another client is not touched",
            |s| {
                into(s, true, Some(71));
                s.ticket().client_id = Some(13);
            },
            "unknown needs-you wrong-client",
        ),
    ]);
}

#[test]
fn a_person_can_name_the_survivor() {
    let mut scene = in_step();
    scene.redirect();
    scene.merge = Merge::Unknown(vec![Candidate { incident: other(), name: "#9 Multi-stage".into() }]);
    let situation = scene.clone();
    let asked = situation.with(choice::choices);
    let answers: Vec<_> = asked.iter().flat_map(|choice| choice.answers.clone()).collect();
    let labels: Vec<&str> = answers.iter().map(|(label, _)| label.as_str()).collect();
    assert_eq!(labels, ["It went into #9 Multi-stage", "Leave its ticket as it is"]);
    assert_eq!(merges::decided(&[answers[0].1.clone()]), Some(other()));
    scene.pair.decisions = vec![answers[1].1.clone()];
    assert_eq!(words(&scene.plan()), "in-step healthy merged-into");
}

#[test]
fn the_survivor_is_told_by_number_or_by_a_shared_alert() {
    let mut incident = in_step().incident;
    for (told, expected) in [(json!("9"), Some(9)), (json!(9), Some(9)), (json!(""), None), (json!(null), None)] {
        incident.raw = json!({"properties": {"additionalData": {"mergedIncidentNumber": told}}}).into();
        assert_eq!(merges::told_number(&incident), expected);
    }
    let alerts = |ids: &[&str]| Evidence {
        alerts: ids.iter().map(|id| json!({"name": "x", "properties": {"systemAlertId": id}})).collect(),
        entities: Vec::new(),
    };
    assert!(merges::share_an_alert(&alerts(&["A", "b"]), &alerts(&["c", "a"])));
    assert!(!merges::share_an_alert(&alerts(&["a"]), &alerts(&["b"])));
    assert!(!merges::share_an_alert(&alerts(&[]), &alerts(&[])));
}

/// Incident #5 with two comments of people and one that carried a note, merged into the scene's.
pub(super) fn merged(s: &mut Scene, ticket: i64) {
    let mut source = in_step();
    let first = source.comment(1, "seen on the host");
    source.comment(2, "and on another, @amira");
    let copy = source.comment(3, "Note 4 on Halo ticket");
    let link = |comment: CommentId, action, written_in| NoteLink {
        pair: source.pair.id,
        comment,
        action: ActionKey { ticket: TicketId(ticket), action },
        edit: 0,
        part: 0,
        said: None,
        written_in,
    };
    s.merged = vec![MergedFrom {
        incident: other(),
        name: "#5 Odd sign-in".into(),
        ticket: Some(TicketId(ticket)),
        comments: source.comments.clone().unwrap(),
        links: vec![link(first, 40, Side::Sentinel), link(copy, 4, Side::Halo)],
    }];
}

#[test]
fn comments_are_carried_over_once() {
    let mut scene = in_step();
    merged(&mut scene, 70);
    scene.note(40, "<p>seen on the host HB-0000000001</p>").agent_id = Some(99);
    let plan = scene.plan();
    assert_eq!(words(&plan), "comment of 40 because merged; comment of  because merged; behind waiting merged");
    let OperationKind::AddComment { message, .. } = &plan.operations[1].kind else { panic!("a comment") };
    assert!(
        message.starts_with("Comment on merged incident #5 Odd sign-in by Li Chen, 2026-03-01 11:30:00 UTC"),
        "{message}"
    );
    assert!(!message.contains("@amira"), "{message}");
    scene.queue(&plan);
    assert!(scene.plan().operations.is_empty(), "queued once");
    // Both written: the one that the ticket has as a note is linked with it, the other one is read as it stands.
    let written: Vec<_> = scene.operations.drain(..).map(|o| o.kind).collect();
    for kind in written {
        let OperationKind::AddComment { comment, carries, message } = kind else { panic!("a comment") };
        match carries.first() {
            Some(carried) => scene.link(&comment, carried.action, (0, 0), Some(carried.said.clone()), Side::Halo),
            None => {
                scene.comment(7, &message);
                scene.comments.as_mut().unwrap().last_mut().unwrap().id = comment;
            }
        }
    }
    assert_eq!(words(&scene.plan()), "in-step healthy -", "the merged incident's own pair notes what the ticket lacks");
    scene.merged[0].ticket = Some(TicketId(71));
    let apart = words(&scene.plan());
    assert!(
        apart.contains("note of comment because comment-added"),
        "what another ticket says reaches this one: {apart}"
    );
}

#[test]
fn what_finds_no_room_on_the_survivor_can_be_left_untold() {
    let mut scene = in_step();
    merged(&mut scene, 70);
    scene.note(40, "<p>seen on the host HB-0000000001</p>").agent_id = Some(99);
    scene.incident.comments_count = 95;
    assert_eq!(words(&scene.plan()), "behind needs-you comments-full");
    let asked = scene.with(choice::choices);
    let [choice::Choice { answers, .. }] = asked.as_slice() else { panic!("one question: {asked:?}") };
    scene.pair.decisions.push(answers[0].1.clone());
    assert_eq!(words(&scene.plan()), "behind healthy comments-full");
    // Room for both by then.
    scene.incident.comments_count = 93;
    assert_eq!(words(&scene.plan()), "comment of 40 because merged; comment of  because merged; behind waiting merged");
}

/// With what stands above it a comment that was as long as Sentinel takes is too long for one.
#[test]
fn a_long_comment_is_carried_over_whole_in_parts() {
    let mut scene = in_step();
    merged(&mut scene, 70);
    scene.note(40, "<p>seen on the host HB-0000000001</p>").agent_id = Some(99);
    let from = &mut scene.merged[0];
    let crossed: Vec<CommentId> = from.links.iter().map(|link| link.comment.clone()).collect();
    let late = from.comments.iter_mut().find(|comment| !crossed.contains(&comment.id)).expect("one has not crossed");
    late.message = format!("{}the very end", "words of it. ".repeat(2_306));
    let plan = scene.plan();
    let written: Vec<_> = plan.operations.iter().map(|planned| planned.kind.clone()).collect();
    let mut parts = Vec::new();
    for kind in written {
        let OperationKind::AddComment { comment, carries, message } = kind else { panic!("a comment") };
        match carries.first() {
            Some(carried) => scene.link(&comment, carried.action, (0, 0), Some(carried.said.clone()), Side::Halo),
            None => parts.push((comment, message)),
        }
    }
    assert_eq!(parts.len(), 2, "{}", words(&plan));
    assert!(parts.iter().all(|(_, message)| crate::domain::text::length(message) <= 30_000));
    assert!(parts[0].1.starts_with("Comment on merged incident #5") && parts[1].1.contains("the very end"));
    assert_ne!(parts[0].0, parts[1].0);
    // One of them was written before the process died: the other one follows alone.
    scene.comment(7, &parts[0].1);
    scene.comments.as_mut().unwrap().last_mut().unwrap().id = parts[0].0.clone();
    let rest = scene.plan();
    assert_eq!(words(&rest), "comment of  because merged; behind waiting merged");
    let OperationKind::AddComment { comment, .. } = &rest.operations[0].kind else { panic!("a comment") };
    assert_eq!(comment, &parts[1].0);
    scene.comment(8, &parts[1].1);
    scene.comments.as_mut().unwrap().last_mut().unwrap().id = parts[1].0.clone();
    assert_eq!(words(&scene.plan()), "in-step healthy -", "and is noted on the ticket by its own pair alone");
}

/// It was written, and a list that was read since lacks it; also of words that the ticket has in a note.
#[test]
fn a_deleted_copy_on_the_survivor_goes_by_the_policy() {
    let mut scene = in_step();
    merged(&mut scene, 70);
    scene.note(40, "<p>seen on the host HB-0000000001</p>").agent_id = Some(99);
    let (mut noted, mut copies) = (Vec::new(), Vec::new());
    for planned in scene.plan().operations {
        let OperationKind::AddComment { comment, carries, .. } = planned.kind else { panic!("a comment") };
        match carries.first() {
            Some(carried) => {
                scene.link(&comment, carried.action, (0, 0), Some(carried.said.clone()), Side::Halo);
                noted.push(comment);
            }
            None => copies.push(comment),
        }
    }
    let (noted, copy) = (noted.pop().expect("one that has crossed"), copies.pop().expect("one that has not crossed"));
    // That one is there.
    let mut linked = scene.clone();
    linked.comment(7, "a copy");
    linked.comments.as_mut().unwrap().last_mut().unwrap().id = copy.clone();
    for (mut scene, copy, again) in [
        (scene, copy, "comment of  because copy-lost; behind waiting copy-lost"),
        (linked, noted, "comment of 40 because copy-lost; behind waiting copy-lost"),
    ] {
        scene.pair.base.deleted = [copy.clone()].into();
        for (rule, expected) in [
            (DriftRule::Ignore, "in-step healthy -"),
            (DriftRule::Heal, again),
            (DriftRule::Ask, "behind needs-you copy-lost"),
        ] {
            scene.policy.drift.lost_comment = rule;
            assert_eq!(words(&scene.plan()), expected, "{rule:?}");
        }
        scene.pair.decisions.push(Decision::Copy { comment: copy.clone(), again: true });
        assert_eq!(words(&scene.plan()), again);
        // It stands there again, and is still noted as deleted.
        scene.comment(8, "a copy");
        scene.comments.as_mut().unwrap().last_mut().unwrap().id = copy;
        assert_eq!(words(&scene.plan()), "in-step healthy -");
    }
}

/// A comment of ours on the merged incident whose answer has not been recorded: nobody said it, and it is not carried over.
#[test]
fn our_own_comment_is_not_carried_over_before_it_is_known() {
    let mut scene = in_step();
    merged(&mut scene, 71);
    let from = &mut scene.merged[0];
    let own = from.comments.iter_mut().find(|comment| comment.message.starts_with("Note 4")).expect("ours");
    from.links.retain(|link| link.comment != own.id);
    own.id = CommentId::derived("msp", ActionKey { ticket: TicketId(71), action: 4 }, 0, 0);
    let copies = scene.plan().operations.into_iter().filter(|planned| planned.reason == Reason::Merged);
    let said =
        |kind: &OperationKind| matches!(kind, OperationKind::AddComment { message, .. } if message.contains("Note 4"));
    assert!(copies.into_iter().all(|planned| !said(&planned.kind)));
}

/// A comment on an incident that its ticket has just left is noted by that incident's pair; its copy on the survivor is
/// no second comment for the same ticket, before that note is known and after it.
#[test]
fn a_comment_on_a_merged_incident_reaches_the_ticket_once() {
    let mut scene = in_step();
    merged(&mut scene, 70);
    let late = scene.merged[0].comments.iter().find(|c| scene.merged[0].links.iter().all(|l| l.comment != c.id));
    let late = late.expect("one that has not crossed").id.clone();
    let copy = CommentId::carried_over(&scene.workspace.arm_id, &other(), &late, 0);
    scene.comment(7, "Comment on merged incident #5 Odd sign-in by Li Chen, 2026-03-01 11:30:00 UTC\n\nlate");
    scene.comments.as_mut().unwrap().last_mut().unwrap().id = copy.clone();
    assert!(!words(&scene.plan()).contains("note of comment"), "{}", words(&scene.plan()));
    let key = ActionKey { ticket: TicketId(70), action: 41 };
    let noted = NoteLink { comment: late, action: key, ..scene.merged[0].links[0].clone() };
    scene.merged[0].links.push(noted);
    // A note that is linked and was not read yet is none that was deleted.
    scene.note(1, "<p>an agent's</p>");
    let plan = scene.plan();
    scene.links.extend(plan.links.iter().cloned());
    let then = scene.plan();
    assert!(then.operations.iter().all(|planned| planned.reason != Reason::NoteDeleted), "{}", words(&then));
    scene.note(41, "<p>late HB-0000000001</p>").agent_id = Some(99);
    let plan = scene.plan();
    assert!(!words(&plan).contains("note of comment"), "{}", words(&plan));
    let known =
        plan.links.iter().any(|link| link.comment == copy && link.action == key && link.written_in == Side::Halo);
    assert!(known, "what carries it is remembered: {:?}", plan.links);
}

#[test]
fn the_survivors_ticket_hears_of_the_other_one() {
    let mut scene = in_step();
    merged(&mut scene, 71);
    let plan = scene.plan();
    assert!(words(&plan).starts_with("own note because merged;"), "{}", words(&plan));
    let OperationKind::AddNote { note, .. } = &plan.operations[0].kind else { panic!("a note") };
    assert!(note.private && note.text.contains("Proposal: merge ticket 71 into this one."), "{}", note.text);
    scene.note(9, &note.html.clone()).agent_id = Some(99);
    assert!(!words(&scene.plan()).contains("own note"), "said once");
}

#[test]
fn the_two_tickets_that_meet_link_to_each_other() {
    let address = "<a href=\"https://desk.example/tickets?id=71\">71</a>";
    let mut survivor = in_step();
    merged(&mut survivor, 71);
    let mut source = in_step();
    into(&mut source, true, Some(71));
    for scene in [survivor, source] {
        let plan = scene.plan();
        let OperationKind::AddNote { note, .. } = &plan.operations[0].kind else { panic!("a note") };
        assert_eq!(note.html.matches(address).count(), 2, "{}", note.html);
        assert!(note.text.contains("71") && !note.text.contains("href"), "{}", note.text);
    }
}

#[test]
fn the_ticket_starts_with_the_survivor_from_what_was_agreed_before() {
    let mut scene = in_step();
    into(&mut scene, false, None);
    assert_eq!(scene.plan().follow, Some(other()));
    let mut survivor = in_step().incident;
    survivor.id = other();
    survivor.severity = Severity::High;
    survivor.status = IncidentStatus::New;
    let base = scene.clone().with(|s| merges::base_of_survivor(s, s.ticket.unwrap(), &survivor));
    // The same ticket, now with the survivor: its severity is news, and it is worked on.
    let mut followed = in_step();
    followed.incident = survivor.clone();
    followed.pair.base = base;
    assert_eq!(
        words(&followed.plan()),
        "ticket priority=2 because changed-in-sentinel; incident status=Active because changed-in-halo; behind waiting changed-in-sentinel"
    );
    // The other way round the ticket follows.
    survivor.status = IncidentStatus::Active;
    survivor.severity = Severity::Medium;
    let mut fresh = scene.clone();
    fresh.ticket().status_id = Some(NEW);
    followed.ticket().status_id = Some(NEW);
    followed.pair.base = fresh.with(|s| merges::base_of_survivor(s, s.ticket.unwrap(), &survivor));
    followed.incident = survivor.clone();
    assert_eq!(
        words(&followed.plan()),
        "ticket status=2 because changed-in-sentinel; behind waiting changed-in-sentinel"
    );
    followed = Scene { incident: survivor.clone(), ..in_step() };
    survivor.status = IncidentStatus::Closed;
    survivor.severity = Severity::Medium;
    let base = scene.clone().with(|s| merges::base_of_survivor(s, s.ticket.unwrap(), &survivor));
    followed.pair.base = base;
    followed.incident = survivor;
    assert!(words(&followed.plan()).starts_with("ticket status=9"), "a closed survivor closes it");
    scene.workspace.mode = crate::domain::workspace::Mode::Observe;
    assert_eq!(scene.plan().follow, None, "observe links nothing");
}

/// The ticket is worked on and its new survivor is not, which the mode or the policy does not carry back: nobody moved the
/// ticket by that.
#[test]
fn a_survivor_to_which_no_status_is_carried_closes_its_ticket() {
    let settings: [fn(&mut Scene); 2] = [
        |scene| scene.workspace.mode = Mode::SentinelToHalo,
        |scene| scene.policy.status.direction = Direction::ToHalo,
    ];
    for (setting, wins) in settings.into_iter().flat_map(|setting| [(setting, Wins::Ask), (setting, Wins::Halo)]) {
        let mut scene = in_step();
        setting(&mut scene);
        scene.policy.status.wins = wins;
        let mut followed = scene.clone();
        followed.incident.id = other();
        followed.incident.status = IncidentStatus::New;
        into(&mut scene, false, None);
        followed.pair.base = scene.with(|s| merges::base_of_survivor(s, s.ticket.unwrap(), &followed.incident));
        assert!(followed.plan().operations.is_empty(), "{wins:?}: {}", words(&followed.plan()));
        followed.incident.status = IncidentStatus::Closed;
        assert!(words(&followed.plan()).starts_with("ticket status=9"), "{wins:?}: {}", words(&followed.plan()));
    }
}

/// It waits for its classification, for an approval, or was taken back: nobody has agreed on it.
#[test]
fn a_closing_of_the_ticket_that_has_not_crossed_crosses_to_the_survivor() {
    let mut scene = in_step();
    scene.close_ticket(None);
    into(&mut scene, false, None);
    let survivor = Incident { id: other(), ..in_step().incident };
    let mut followed = in_step();
    followed.close_ticket(None);
    followed.pair.base = scene.with(|s| merges::base_of_survivor(s, s.ticket.unwrap(), &survivor));
    followed.incident = survivor;
    assert_eq!(words(&followed.plan()), "own note because verdict-missing; behind needs-you verdict-missing");
    followed.close_ticket(Some(2));
    assert!(words(&followed.plan()).starts_with("incident status=Closed FalsePositive"), "{}", words(&followed.plan()));
    // What both sides had agreed on before the merge is no news to the one that is left.
    scene.pair.base.ticket_closed = true;
    scene.pair.base.status_id = scene.ticket().status_id;
    followed.pair.base = scene.with(|s| merges::base_of_survivor(s, s.ticket.unwrap(), &followed.incident));
    assert_eq!(words(&followed.plan()), "in-step healthy left-apart");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever became of it: the ticket of a merged incident is never closed nor otherwise changed by the merge.
    #[test]
    fn nothing_but_words_follows_from_a_merge(
        known in 0_u8..4, pair in any::<bool>(), ticket in proptest::option::of(70_i64..73), comments in 0_u128..3, keep in any::<bool>()
    ) {
        let mut scene = in_step();
        match known {
            0 => { scene.redirect(); scene.merge = Merge::Unknown(Vec::new()); }
            1 => { scene.redirect(); scene.merge = Merge::NotSeen(9); }
            2 => scene.redirect(),
            _ => into(&mut scene, pair, ticket.filter(|_| pair)),
        }
        if keep {
            scene.pair.decisions = vec![Decision::KeepApart];
        }
        for n in 0..comments {
            scene.comment(n + 1, "words");
        }
        let plan = scene.plan();
        for planned in &plan.operations {
            prop_assert!(matches!(planned.kind, OperationKind::AddNote { .. }), "{:?}", planned.kind);
        }
        let closes = plan.items().contains(&Reason::IncidentClosed);
        prop_assert!(!closes);
        prop_assert!(notes::budget::COMMENTS_MAX >= 100);
    }
}
