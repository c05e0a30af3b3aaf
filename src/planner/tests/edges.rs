//! Single moments, numbers and words at which a rule turns.

use std::collections::BTreeMap;

use serde_json::json;
use uuid::Uuid;

use super::{
    closing::{incident_opened_again, shut, ticket_opened_again},
    fields::{custom, rule},
    scene::{HOLD, Scene, at, check, in_step, words},
};
use crate::{
    domain::{
        backfill::{Backfill, BackfillState},
        catalogue::Ref,
        closing::Classification,
        failure::Side,
        ids::{ActionKey, ClientId, CommentId, OperationId, PairId, RunId, TicketId},
        incident::{Comment, Evidence, IncidentStatus, Severity},
        operation::OperationKind,
        pair::{Base, ClosingWords, Move, Moves, OwnClosing},
        policy::{AfterClosing, Direction, FieldMapping, FieldRule, FieldSource, ReopenRule, Wins},
        reason::Reason,
    },
    planner::{
        alerts, backfill,
        conflict::newest,
        gate,
        notes::{former, words as said},
        pause::Refusals,
        push,
    },
};

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

#[test]
fn a_start_counts_from_its_very_moment() {
    let mut scene = in_step();
    let asked = |scene: &Scene| {
        gate::ask(&scene.workspace, &scene.client, &scene.policy, Some(&scene.catalogue), &scene.incident).is_ok()
    };
    scene.workspace.since = scene.incident.created.expect("told");
    assert!(asked(&scene));
    scene.workspace.since += jiff::SignedDuration::from_millis(1);
    assert!(!asked(&scene));
}

fn range(scene: &Scene) -> Backfill {
    Backfill {
        id: RunId(id(1)),
        workspace: scene.workspace.id,
        from: at("2026-01-01T00:00:00Z"),
        to: at("2026-03-01T10:00:00Z"),
        cap: 100,
        per_hour: 60,
        closed: false,
        asked: at("2026-04-02T00:00:00Z"),
        state: BackfillState::Counting,
    }
}

#[test]
fn a_backfill_ends_before_its_end_and_counts_what_it_costs() {
    let mut scene = in_step();
    let mut wanted = range(&scene);
    let asked = |scene: &Scene, wanted: &Backfill| {
        let found = (&scene.workspace, &scene.client, &scene.policy);
        let passes = backfill::ask(wanted, found, Some(&scene.catalogue), &scene.incident, None).is_ok();
        let mut count = backfill::Counting::default();
        count.add(wanted, found, Some(&scene.catalogue), &scene.incident, None);
        let forecast = count.forecast(wanted, 700);
        (passes, forecast.tickets, forecast.closed, forecast.held, forecast.calls)
    };
    assert_eq!(asked(&scene, &wanted), (false, 0, 0, 1, 0), "created at the end");
    wanted.to = at("2026-03-01T10:00:01Z");
    // The ticket; two calls a comment and one to read them; two for alerts and entities; one for the ticket's name.
    assert_eq!(asked(&scene, &wanted), (true, 1, 0, 0, 1));
    scene.incident.comments_count = 3;
    assert_eq!(asked(&scene, &wanted).4, 1 + 6 + 1);
    scene.policy.evidence = true;
    assert_eq!(asked(&scene, &wanted).4, 8 + 2);
    scene.incident.alerts_count = 0;
    assert_eq!(asked(&scene, &wanted).4, 8);
    scene.policy.link_comment = true;
    assert_eq!(asked(&scene, &wanted).4, 8 + 1);
    scene.workspace.mode = crate::domain::workspace::Mode::SentinelToHalo;
    assert_eq!(asked(&scene, &wanted).4, 8);
    scene.workspace.mode = crate::domain::workspace::Mode::TwoWay;
    scene.close_incident(Classification::Undetermined, None);
    assert_eq!(asked(&scene, &wanted), (false, 0, 1, 0, 0), "closed ones are left out");
    wanted.closed = true;
    assert_eq!(asked(&scene, &wanted), (true, 1, 0, 0, 8 + 2));
}

#[test]
fn a_client_that_is_resumed_begins_anew_and_no_other() {
    let (one, other) = (ClientId(id(1)), ClientId(id(2)));
    let mut refusals = Refusals::default();
    for client in [one, other] {
        assert_eq!(refusals.refused(client, Side::Halo, PairId(id(3))), None);
        refusals.tried_again(client, Side::Sentinel);
    }
    refusals.resumed(one);
    assert_eq!(refusals.refused(one, Side::Halo, PairId(id(4))), None);
    assert_eq!(refusals.refused(one, Side::Sentinel, PairId(id(4))), None);
    assert!(refusals.refused(other, Side::Halo, PairId(id(4))).is_some());
    assert!(refusals.refused(other, Side::Sentinel, PairId(id(4))).is_some());
}

#[test]
fn a_pushed_incident_is_known_by_its_words_and_its_id() {
    let scene = in_step();
    let ticket = scene.ticket.clone().expect("there is one");
    let pushed = push::draft("tenant", &ticket, None, &scene.policy, &scene.catalogue).expect("it can be pushed");
    assert_eq!(push::pushed_from("tenant", &pushed), Some(TicketId(70)));
    assert_eq!(push::pushed_from("another", &pushed), None, "another tenant's");
    let mut other = pushed.clone();
    other.description = Some("A person's words".into());
    assert_eq!(push::pushed_from("tenant", &other), None);
    let base = push::base(&scene.policy, &scene.catalogue, &pushed, &ticket);
    // The incident begins as new: that the ticket is worked on is still to cross.
    assert_eq!((base.status_id, base.priority_id, base.agent_id), (None, Some(3), Some(1)));
    assert_eq!((base.title, base.incident_status), (Some(pushed.title.clone()), Some(IncidentStatus::New)));
    assert!(base.joined.contains("mapped fields"));
    let mut scene = in_step();
    let action = scene.note(3, "<p>words</p>").clone();
    let pushes = |outcome, scene: &mut Scene| {
        scene.policy.push.outcomes = vec![outcome];
        scene.ticket().summary = "Phone call".into();
        let ticket = scene.ticket().clone();
        push::wanted(&scene.policy, &scene.catalogue, &ticket, std::slice::from_ref(&action))
    };
    assert!(pushes(Ref::Id(8), &mut scene) && !pushes(Ref::Id(7), &mut scene));
}

#[test]
fn alerts_are_known_by_their_ids() {
    let alert = |id: &str| json!({ "properties": { "systemAlertId": id } });
    let named = json!({ "name": "B-2" });
    let evidence = Evidence { alerts: vec![alert(" A-1 "), named, alert(" "), json!({})], entities: Vec::new() };
    assert_eq!(alerts::ids(&evidence), ["a-1".to_owned(), "b-2".to_owned()].into());
    // What the note told is agreed on; another write tells nothing of alerts.
    let mut scene = in_step();
    scene.policy.evidence = true;
    scene.pair.base.alerts = Some(["a-0".to_owned()].into());
    scene.evidence = Some(evidence);
    scene.incident.severity = Severity::High;
    let plan = scene.plan();
    scene.queue(&plan);
    let after: Vec<Option<Base>> =
        scene.operations.iter().map(|o| alerts::after(&scene.operations, o.id, &scene.pair.base)).collect();
    let told = Base { alerts: Some(["a-0", "a-1", "b-2"].map(str::to_owned).into()), ..scene.pair.base.clone() };
    assert_eq!(after.iter().flatten().collect::<Vec<_>>(), [&told]);
    assert_eq!(after.len(), 2);
    assert_eq!(alerts::after(&scene.operations, OperationId(id(9)), &scene.pair.base), None);
}

/// A side moved last when it did so after the other had: the windows must lie apart.
#[test]
fn the_newest_is_the_side_that_certainly_moved_last() {
    let moved = |after: Option<&str>, when: Option<&str>| {
        Some(Move { value: "x".into(), after: after.map(at), at: when.map(at) })
    };
    let (one, two, three) = (Some("2026-03-01T10:00:00Z"), Some("2026-03-01T11:00:00Z"), Some("2026-03-01T12:00:00Z"));
    let table = [
        (moved(None, one), moved(two, three), Some(Side::Halo)),
        (moved(two, three), moved(None, one), Some(Side::Sentinel)),
        (moved(one, three), moved(one, two), None),
        (moved(None, one), moved(None, three), None),
        (moved(None, one), None, None),
    ];
    for (sentinel, halo, expected) in table {
        assert_eq!(newest(&Moves { sentinel, halo }), expected);
    }
}

#[test]
fn words_are_edited_when_they_differ_and_the_record_says_so() {
    let comment = |created: Option<&str>, modified: Option<&str>| Comment {
        created: created.map(at),
        modified: modified.map(at),
        ..Comment::own(CommentId::new("c"), "words", at("2026-03-01T10:00:00Z"))
    };
    let (early, late) = (Some("2026-03-01T10:00:00Z"), Some("2026-03-01T11:00:00Z"));
    let table =
        [(early, late, true), (early, early, false), (late, early, false), (None, late, true), (early, None, true)];
    for (created, modified, expected) in table {
        let comment = comment(created, modified);
        assert_eq!(said::edited_comment(&comment, "other"), expected, "{created:?} {modified:?}");
        assert!(!said::edited_comment(&comment, &said::of_comment(&comment)), "the same words");
    }
    let base = Base { left: [TicketId(61), TicketId(62)].into(), severity: Some(Severity::Low), ..Base::default() };
    let told = Base { left: [TicketId(62)].into(), ..base.clone() };
    assert_eq!(former::told(base, TicketId(61)), told);
}

fn open_again(s: &mut Scene, note: Option<(&str, Option<i64>, bool)>) {
    ticket_opened_again(s);
    let closed = at("2026-03-01T11:54:30Z");
    let fields = BTreeMap::from([("112".to_owned(), "2".to_owned())]);
    s.pair.base.own_closing = Some(OwnClosing { note: "ours".into(), fields, at: Some(closed), emptied: false });
    s.policy.reopened_in_halo = ReopenRule::Reopen;
    let status = s.ticket().status_id;
    if let Some((when, agent, system)) = note {
        let action = s.note(3, "<p>words</p>");
        (action.at, action.agent_id, action.system) = (Some(at(when)), agent, system);
        action.new_status = status;
    }
}

/// Opened again half a minute after our own closing: by a workflow, where an action that is no person's tells of it.
#[test]
fn an_opening_right_after_our_closing_is_a_rules_where_an_action_of_nobodys_tells_so() {
    let about_then = "2026-03-01T11:55:10Z";
    let table = [
        (None, false),
        (Some((about_then, Some(5), false)), false),
        (Some((about_then, Some(99), false)), true),
        (Some((about_then, None, false)), false),
        (Some((about_then, None, true)), true),
        (Some((about_then, Some(1), false)), false),
        (Some(("2026-03-01T11:57:00Z", Some(5), false)), false),
        (Some(("2026-03-01T11:57:00Z", None, true)), true),
        (Some(("2026-03-01T11:57:01Z", None, true)), false),
        (Some(("2026-03-01T11:54:29Z", None, true)), false),
        (Some(("2026-03-01T11:54:30Z", None, true)), true),
    ];
    for (note, expected) in table {
        let mut scene = in_step();
        open_again(&mut scene, note);
        scene.policy.notes = crate::domain::policy::NotesRule::None;
        let plan = scene.plan();
        let asked = plan.items().iter().any(|item| matches!(item, Reason::Reopened { by_rule: true, .. }));
        assert_eq!(asked, expected, "{note:?}: {}", words(&plan));
    }
    // A blank action that nobody signed is nobody's word.
    let mut scene = in_step();
    open_again(&mut scene, Some((about_then, None, false)));
    let blank = &mut scene.actions.as_mut().expect("noted")[0];
    (blank.note, blank.note_html) = (String::new(), None);
    assert!(matches!(scene.plan().items(), [Reason::Reopened { by_rule: true, .. }]));
}

fn closed_before(s: &mut Scene) {
    let fields = BTreeMap::from([("112".to_owned(), "3".to_owned())]);
    s.pair.base.own_closing = Some(OwnClosing { note: "ours".into(), fields, at: None, emptied: false });
    s.field(112, "3");
}

#[test]
fn status_turns_at_its_rule_its_rows_and_its_own_words() {
    check(&[
        (
            "what we chose at an earlier closing goes",
            closed_before,
            "ticket field112=\"\" because incident-reopened; behind waiting incident-reopened",
        ),
        (
            "closed again with the same choice: it stays",
            |s| {
                closed_before(s);
                s.close_incident(Classification::Undetermined, None);
            },
            "ticket status=9 field112=3 because incident-closed; behind waiting incident-closed",
        ),
        (
            "no row on the way there, and the ticket says it: no hole",
            |s| {
                s.policy.statuses.remove("Active");
                s.policy.statuses_back = vec![(Ref::Name("In Progress".into()), "Active".into())];
            },
            "in-step healthy -",
        ),
        (
            "no row on the way there, and the ticket says something else: a hole",
            |s| {
                s.policy.statuses.remove("Active");
            },
            "behind needs-you unmapped",
        ),
        (
            "a status that does not cross, closed or not",
            |s| {
                s.policy.status.direction = Direction::None;
                s.close_incident(Classification::Undetermined, None);
            },
            "in-step healthy -",
        ),
        (
            "between open statuses the newer one wins",
            |s| {
                s.policy.status.wins = Wins::Newest;
                s.policy.statuses_back = vec![(Ref::Name("On Hold".into()), "Active".into())];
                s.incident.status = IncidentStatus::New;
                s.seen.halo = Some(at("2026-03-01T11:30:00Z"));
                s.ticket().last_update = Some(at("2026-03-01T11:40:00Z"));
                s.ticket().status_id = Some(HOLD);
            },
            "incident status=Active because changed-in-halo; behind waiting changed-in-halo",
        ),
        (
            "words that the ticket did not take follow as a note",
            |s| s.pair.base.unsaid = Some(ClosingWords { words: "over".into(), at: None }),
            "own note because incident-closed; behind waiting incident-closed",
        ),
    ]);
    // Once the note stands there the words are said.
    let mut scene = in_step();
    scene.pair.base.unsaid = Some(ClosingWords { words: "over".into(), at: None });
    let plan = scene.plan();
    let OperationKind::AddNote { note, .. } = &plan.operations[0].kind else { panic!("a note") };
    scene.note(3, &note.html).agent_id = Some(99);
    let plan = scene.plan();
    assert_eq!(plan.operations, []);
    assert_eq!(plan.base.map(|base| base.unsaid), Some(None));
}

#[test]
fn a_title_that_was_never_agreed_on_is_taken_as_it_stands() {
    let agreed = |known: fn(&mut Base)| {
        let mut scene = in_step();
        scene.policy.title = rule(Direction::Both);
        scene.incident.title = "Renamed".into();
        known(&mut scene.pair.base);
        let plan = scene.plan();
        (plan.operations.len(), plan.base.map(|base| (base.title, base.summary)))
    };
    let stands = Some((Some("Renamed".to_owned()), Some("[Sentinel 7] Sign-in from two places".to_owned())));
    assert_eq!(agreed(|base| (base.title, base.summary) = (None, None)), (0, stands.clone()));
    assert_eq!(agreed(|base| base.title = None), (0, stands));
    assert_eq!(agreed(|base| base.title = Some("Renamed".into())), (0, None), "the ticket was never to say it");
    assert_eq!(agreed(|_| {}).0, 1);
}

/// A change of a field on its way when the matter is closed is no change after closing.
#[test]
fn after_closing_only_what_changed_since_is_held() {
    let after = |change: fn(&mut Scene)| {
        let mut scene = in_step();
        scene.policy.after_closing_fields = AfterClosing::NoteOnly;
        scene.policy.severity = rule(Direction::Both);
        shut(&mut scene);
        let plan = scene.plan();
        scene.queue(&plan);
        scene.operations.clear();
        change(&mut scene);
        words(&scene.plan())
    };
    let noted = "behind waiting after-closing";
    assert!(after(|s| s.incident.severity = Severity::High).ends_with(noted));
    assert!(after(|s| s.ticket().priority_id = Some(4)).ends_with(noted));
    let known = after(|s| {
        s.pair.base.moves.insert("severity".into(), Moves::default());
        s.ticket().priority_id = Some(4);
    });
    assert!(known.starts_with("incident severity=Low because changed-in-halo"), "{known}");
}

/// The ticket in which a reopened incident goes on is made from what the incident says: nothing is planned beside it.
#[test]
fn while_a_new_ticket_is_made_no_field_is_written_to_the_old_one() {
    let mut scene = in_step();
    scene.policy.reopened_in_sentinel = ReopenRule::NewTicket;
    incident_opened_again(&mut scene);
    let plan = scene.plan();
    scene.queue(&plan);
    scene.incident.severity = Severity::High;
    let found = scene.plan();
    assert_eq!((found.operations.len(), found.void.len()), (0, 0), "{}", words(&found));
}

/// A mapped value is agreed on as both sides say it, and only what was agreed on of the ticket can have moved there.
#[test]
fn a_mapped_field_is_agreed_on_as_both_sides_say_it() {
    let mut scene = in_step();
    let source = FieldSource::Path("$.properties.title".into());
    scene.policy.fields = vec![FieldMapping {
        field: custom("CFLabels"),
        source,
        rule: FieldRule { wins: Wins::Halo, ..rule(Direction::ToHalo) },
    }];
    scene.incident.raw = json!({ "properties": { "title": "told" } }).into();
    scene.field(121, "told");
    let plan = scene.plan();
    assert_eq!(plan.operations, []);
    let agreed = plan.base.expect("agreed").fields["121"].clone();
    assert_eq!((agreed.sentinel.as_str(), agreed.halo.as_deref()), ("told", Some("told")));
    scene.pair.base.fields.insert("121".into(), agreed);
    assert_eq!(scene.plan().base, None, "nothing new");
    scene.field(121, "an agent's");
    assert_eq!(scene.plan().operations, [], "an agent changed it");
    scene.incident.raw = json!({ "properties": { "title": "told anew" } }).into();
    assert_eq!(scene.plan().operations, [], "both changed, and the agent's wins");
    scene.field(121, "told");
    assert_eq!(scene.plan().operations.len(), 1);
    // What was only ever known of the incident has not moved on the ticket.
    scene.pair.base.fields.get_mut("121").expect("agreed").halo = None;
    scene.incident.raw = json!({ "properties": { "title": "told" } }).into();
    scene.field(121, "an agent's");
    let plan = scene.plan();
    assert_eq!(plan.operations, []);
    assert_eq!(plan.base.expect("agreed").fields["121"].halo.as_deref(), Some("an agent's"));
}

/// A copy that stands already, of these words or of a later edit, ends the write that would make it; one of another comment or on
/// another ticket does not.
#[test]
fn a_queued_note_ends_once_its_comment_is_linked() {
    let ended = |edit: u32, other: bool, ticket: i64| {
        let mut scene = in_step();
        let comment = scene.comment(1, "words");
        let plan = scene.plan();
        scene.queue(&plan);
        scene.pair.base.replaced = [TicketId(61)].into();
        let comment = if other { CommentId::new("other") } else { comment };
        let key = ActionKey { ticket: TicketId(ticket), action: 9 };
        scene.link(&comment, key, (edit, 0), None, Side::Sentinel);
        scene.note(9, "<p>copy</p>").agent_id = Some(99);
        scene.plan().void.len()
    };
    assert_eq!([ended(0, false, 70), ended(1, false, 70), ended(0, true, 70), ended(0, false, 61)], [1, 1, 0, 0]);
}
