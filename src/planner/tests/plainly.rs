//! Plain cases beside the ones that went wrong once: what stands there, what is asked, what is said.

use serde_json::json;

use super::{
    closing::shut,
    fields::{rule, with_labels},
    note_limits::written,
    scene::{Scene, at, check, in_step, words},
};
use crate::{
    domain::{
        catalogue::Ref,
        drift::DriftRule,
        failure::Side,
        ids::{ActionKey, CommentId, TicketId},
        incident::{Comment, Evidence, IncidentStatus, Severity},
        operation::OperationKind,
        pair::{Agreed, OwnClosing},
        policy::{
            AfterClosing, Direction, FieldMapping, FieldRule, FieldSource, FieldTarget, RequesterRule, When, Wins,
        },
        workspace::Mode,
    },
    planner::{
        adopt,
        fields::{mapped, once},
        mapping,
        notes::words as said,
        requester::{self, Affected},
    },
};

fn key(action: i64) -> ActionKey {
    ActionKey { ticket: TicketId(70), action }
}

/// An analyst's comment, and the note that carries it.
fn carried(s: &mut Scene) -> CommentId {
    let comment = s.comment(1, "words of an analyst");
    s.note(4, "<p>words of an analyst</p>").agent_id = Some(99);
    let told = s.comments.iter().flatten().next().map(said::of_comment);
    s.link(&comment, key(4), (0, 0), told, Side::Sentinel);
    comment
}

fn edit(s: &mut Scene, message: &str) {
    let now = s.now;
    let comment = s.comments.as_mut().and_then(|all| all.first_mut()).expect("commented");
    (comment.message, comment.modified) = (message.into(), Some(now));
}

/// The note that carries it is gone; another one is left.
fn lose(s: &mut Scene) {
    let note = &mut s.actions.as_mut().expect("noted")[0];
    (note.key, note.system) = (key(5), true);
}

fn note_of(scene: &Scene) -> crate::domain::ticket::NoteDraft {
    match scene.plan().operations.as_slice() {
        [only] => match &only.kind {
            OperationKind::AddNote { note, .. } => note.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_comment_and_its_note_in_every_state() {
    check(&[
        (
            "both there, whatever the policy does about lost ones",
            |s| {
                s.policy.drift.lost_comment = DriftRule::Ask;
                carried(s);
            },
            "in-step healthy -",
        ),
        (
            "a comment that carries a note is no person's, whatever its id",
            |s| {
                let comment = s.comment(1, "words");
                let told = said::of_action(s.note(3, "<p>words</p>"));
                s.link(&comment, key(3), (0, 0), Some(told), Side::Halo);
            },
            "in-step healthy -",
        ),
        (
            "edited to what an agent has made of the note: told all the same",
            |s| {
                carried(s);
                edit(s, "other words");
                s.actions.as_mut().expect("noted")[0].note_html = Some("<p>other words</p>".into());
            },
            "note of edit 1 because comment-edited; behind waiting comment-edited",
        ),
        (
            "edited, and its note gone: the edit tells it",
            |s| {
                s.policy.drift.lost_comment = DriftRule::Ask;
                carried(s);
                edit(s, "other words");
                lose(s);
            },
            "note of edit 1 because comment-edited; behind waiting comment-edited",
        ),
    ]);
    let mut scene = in_step();
    scene.policy.drift.lost_comment = DriftRule::Heal;
    carried(&mut scene);
    lose(&mut scene);
    assert!(note_of(&scene).text.contains("once more: its first note"), "{}", note_of(&scene).text);
    let mut scene = in_step();
    scene.policy.notes_private = false;
    carried(&mut scene);
    scene.comments = Some(Vec::new());
    scene.incident.comments_count = 0;
    assert!(note_of(&scene).text.contains("was deleted in Microsoft Sentinel") && !note_of(&scene).private);
}

/// Words that nobody has told yet are told, though an older comment of ours is younger than they are.
#[test]
fn words_that_were_never_told_are_no_older_ones() {
    let mut scene = in_step();
    scene.note(3, "<p>first words</p>");
    let plan = scene.plan();
    written(&mut scene, &plan);
    let say = |s: &mut Scene, words: &str, minutes: i64| {
        let at = s.now - jiff::SignedDuration::from_mins(minutes);
        let note = &mut s.actions.as_mut().expect("noted")[0];
        (note.note, note.note_html, note.updated) = (words.to_owned(), None, Some(at));
    };
    say(&mut scene, "second words", 0);
    let plan = scene.plan();
    written(&mut scene, &plan);
    assert_eq!(words(&scene.plan()), "in-step healthy -");
    // Another note said the same at first, which tells nothing of this one.
    let told = said::of_action(scene.note(4, "<p>third words</p>"));
    scene.link(&CommentId::new("4"), key(4), (0, 0), Some(told), Side::Halo);
    say(&mut scene, "third words", 5);
    assert_eq!(words(&scene.plan()), "comment of 3 edit 2 because note-edited; behind waiting note-edited");
}

/// A digest tells an edit of a note that had crossed by itself; then its links are lost.
#[test]
fn a_forgotten_digest_tells_an_edit_too() {
    let mut scene = in_step();
    scene.note(3, "<p>first words</p>");
    let plan = scene.plan();
    written(&mut scene, &plan);
    scene.policy.digest_from = 0;
    let now = scene.now;
    let note = &mut scene.actions.as_mut().expect("noted")[0];
    (note.note, note.note_html, note.updated) = ("second words".into(), None, Some(now));
    scene.note(4, "<p>another</p>");
    scene.note(2, "<p>before them</p>");
    scene.actions.as_mut().expect("noted").sort_by_key(|action| action.key.action);
    let links = scene.links.clone();
    let plan = scene.plan();
    assert!(words(&plan).starts_with("comment of 2+3 edit 1+4 because notes-digested"), "{}", words(&plan));
    written(&mut scene, &plan);
    scene.links.clone_from(&links);
    let plan = scene.plan();
    assert_eq!(plan.operations, []);
    let mut found: Vec<_> = plan.links.iter().map(|link| (link.action.action, link.edit)).collect();
    found.sort_unstable();
    assert_eq!(found, [(2, 0), (3, 1), (4, 0)]);
    // Told again since in newer words: the digest is no edit that came after.
    let note = &mut scene.actions.as_mut().expect("noted")[1];
    note.note = "third words".into();
    let told = said::of_action(note);
    scene.link(&CommentId::new("later"), key(3), (2, 0), Some(told), Side::Halo);
    let found: Vec<_> = scene.plan().links.iter().map(|link| (link.action.action, link.edit)).collect();
    assert!(found.iter().all(|(action, _)| *action != 3), "{found:?}");
}

#[test]
fn labels_go_as_far_as_their_rule() {
    check(&[
        (
            "an agent's label stays on the ticket",
            |s| {
                with_labels(s, Direction::ToHalo);
                s.field(121, "mail, phishing, vip");
            },
            "in-step healthy -",
        ),
        (
            "a label that was taken off in Sentinel is not put back",
            |s| {
                with_labels(s, Direction::Both);
                s.label(&["vip"]);
            },
            "ticket field121=\"vip\" because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
    ]);
    // Nor is it said to wait for the mode.
    let mut scene = in_step();
    scene.workspace.mode = Mode::SentinelToHalo;
    with_labels(&mut scene, Direction::ToSentinel);
    scene.label(&["vip"]);
    assert_eq!(words(&scene.plan()), "in-step healthy -");
    // It stands on the ticket still, where nothing is written: that is no agent's addition, however often it is read.
    let mut scene = in_step();
    with_labels(&mut scene, Direction::ToSentinel);
    scene.label(&["vip"]);
    for _ in 0..3 {
        let plan = scene.plan();
        assert_eq!(plan.operations, []);
        scene.queue(&plan);
    }
    scene.field(121, "vip");
    let plan = scene.plan();
    scene.queue(&plan);
    scene.field(121, "vip, phishing");
    let again = words(&scene.plan());
    assert!(again.starts_with("incident label+phishing"), "an agent put it there anew: {again}");
}

#[test]
fn what_is_held_after_closing_is_said_in_words() {
    let mut scene = in_step();
    scene.policy.after_closing_fields = AfterClosing::NoteOnly;
    with_labels(&mut scene, Direction::Both);
    shut(&mut scene);
    let plan = scene.plan();
    scene.queue(&plan);
    scene.operations.clear();
    scene.field(121, "mail, phishing, vip");
    let plan = scene.plan();
    let said: Vec<&str> = plan
        .operations
        .iter()
        .filter_map(|planned| match &planned.kind {
            OperationKind::AddComment { message, .. } => Some(message.as_str()),
            _ => None,
        })
        .collect();
    assert!(said.len() == 1 && said[0].contains("labels mail"), "{plan:?}");
}

#[test]
fn fields_written_once_are_nobodys_conflict_and_comments_alone_tell_of_what_they_leave_out() {
    check(&[
        (
            "nobody looks for the ticket of a matter that is closed",
            |s| {
                shut(s);
                s.policy.link_comment = true;
            },
            "in-step healthy -",
        ),
        (
            "a status between open ones is no opening again",
            |s| s.incident.status = IncidentStatus::New,
            "ticket status=1 because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            "with what we chose at an earlier closing it is emptied once",
            |s| {
                let fields = [("112".to_owned(), "3".to_owned())].into();
                s.pair.base.own_closing = Some(OwnClosing { note: "ours".into(), fields, at: None, emptied: false });
                s.field(112, "3");
                s.incident.status = IncidentStatus::New;
            },
            "ticket status=1 field112=\"\" because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            "severity on creation only, changed on both sides",
            |s| {
                (s.policy.severity.when, s.policy.severity.wins) = (When::OnCreate, Wins::Ask);
                s.incident.severity = Severity::High;
                s.ticket().priority_id = Some(4);
            },
            "in-step healthy -",
        ),
        (
            "a note of our own where only comments cross",
            |s| {
                s.workspace.mode = Mode::CommentOnly;
                s.pair.base.left = [TicketId(61)].into();
            },
            "behind healthy mode-one-way",
        ),
    ]);
}

#[test]
fn paths_lead_to_every_member_or_say_what_they_lack() {
    let scene = in_step();
    let of = |path: &str| {
        let mut incident = scene.incident.clone();
        incident.raw = json!({ "properties": { "additionalData": { "a": "x", "b": 2 } } }).into();
        let field = FieldTarget::Custom(Ref::Name("CFLabels".into()));
        let mapping = FieldMapping { field, source: FieldSource::Path(path.into()), rule: rule(Direction::ToHalo) };
        mapped::place(&scene.catalogue, &incident, None, &mapping).map(|placed| placed.text()).ok()
    };
    assert_eq!(of("$.properties.additionalData.*").as_deref(), Some("x, 2"));
    assert_eq!(of("$.properties.additionalData[*]").as_deref(), Some("x, 2"));
    assert!(of("$entities[Host].properties").is_some() && of("$entities[Ho-st].properties").is_none());
    assert!(of("$entities[].properties").is_none() && of("$entities[host].properties").is_none());
}

#[test]
fn a_ticket_of_the_native_integration_is_known_by_a_guid() {
    let carried = |id: &str| {
        let mut ticket = in_step().ticket.expect("there is one");
        ticket.raw = json!({ "sentinel_id": id }).into();
        adopt::carried(&ticket).map(|carried| carried.incident.as_str().to_owned())
    };
    let guid = "11111111-2222-4333-8444-555555555555";
    assert_eq!(carried(&format!("/x/incidents/{guid}")).as_deref(), Some(guid));
    assert_eq!(carried(&"1".repeat(36)), None, "no dashes");
    assert_eq!(carried("1-2-3-4-5"), None, "too short");
    // Words of the same moment were the analyst's first.
    let moment = at("2026-03-01T11:30:00Z");
    let mut scene = in_step();
    let action = scene.note(3, "<p>the very same words</p>");
    action.at = Some(moment);
    let action = action.clone();
    let comment = Comment::own(CommentId::new("c"), "the very same words", moment);
    let links = adopt::same_words(scene.pair.id, &[comment], &[action], Some(99));
    assert_eq!(links.iter().map(|link| link.written_in).collect::<Vec<_>>(), [Side::Sentinel]);
}

#[test]
fn three_users_are_looked_up_at_most() {
    let account = |n: u32| json!({ "kind": "Account", "properties": { "upn": format!("u{n}@contoso.example") } });
    let evidence = Evidence { alerts: Vec::new(), entities: (0..5).map(account).collect() };
    let expected = [0, 1, 2].map(|n| format!("u{n}@contoso.example"));
    assert_eq!(requester::candidates(&evidence), expected);
    // One who goes by several identities is one user; who was not asked for is not said to be nobody.
    let named = |n: u32, mail: &str| {
        let properties = json!({ "upn": format!("u{n}@contoso.example"), "mail": format!("{mail}@contoso.example") });
        json!({ "kind": "Account", "properties": properties })
    };
    let mut scene = in_step();
    scene.policy.requester = RequesterRule::AffectedUser;
    let mut of = |users: u32| {
        let entities = (0..users).map(|n| named(n, &format!("m{n}"))).chain([named(0, "other")]).collect();
        scene.evidence = Some(Evidence { alerts: Vec::new(), entities });
        let evidence = scene.evidence.as_ref();
        let said = requester::said(&scene.policy, &scene.incident, evidence, Affected::Nobody).unwrap_or_default();
        (evidence.map(requester::candidates).unwrap_or_default().len(), said.contains("None of the first three users"))
    };
    assert_eq!([of(2), of(3), of(4)], [(5, false), (7, false), (6, true)]);
}

/// What a new ticket would have been given, in one that was linked: once, where nothing stands, and where that is known.
#[test]
fn a_linked_ticket_is_given_what_a_new_one_would_have_had() {
    let given = |change: fn(&mut Scene)| {
        let mut scene = in_step();
        let field = FieldTarget::Custom(Ref::Name("CFLabels".into()));
        let once = FieldRule::new(Direction::ToHalo, When::OnCreate);
        scene.policy.fields =
            vec![FieldMapping { field, source: FieldSource::Path("$.properties.title".into()), rule: once }];
        scene.incident.raw = json!({ "properties": { "title": "told" } }).into();
        scene.pair.base.joined.insert(once::JOINED.to_owned());
        scene.field(120, "another");
        change(&mut scene);
        let plan = scene.plan();
        let joined = plan.base.as_ref().unwrap_or(&scene.pair.base).joined.contains(once::JOINED);
        (plan.operations.len(), joined)
    };
    assert_eq!(given(|_| {}), (1, true));
    assert_eq!(given(|s| s.field(121, " ")), (1, true), "blanks are nothing");
    assert_eq!(given(|s| s.field(121, "an agent's")), (0, false));
    assert_eq!(given(|s| s.ticket().custom_fields.clear()), (0, true), "a list row tells nothing of fields");
    let none_set = given(|s| {
        s.ticket().custom_fields.clear();
        s.ticket().raw = json!({ "id": 70, "customfields": [] }).into();
    });
    assert_eq!(none_set, (1, true), "a whole ticket in which none is set does");
    assert_eq!(given(|s| s.incident.raw = json!({}).into()), (0, false), "there is nothing to give");
    let written = given(|s| {
        let agreed = Agreed { sentinel: "told".into(), halo: None };
        s.pair.base.fields.insert("121".into(), agreed);
    });
    assert_eq!(written, (0, false), "it was given before");
    assert_eq!(given(|s| s.pair.base.joined.clear()), (0, false), "it was made from its incident");
}

#[test]
fn mapped_fields_that_are_held_after_closing_are_said() {
    let mut scene = in_step();
    scene.policy.after_closing_fields = AfterClosing::NoteOnly;
    let field = FieldTarget::Custom(Ref::Name("CFLabels".into()));
    scene.policy.fields = vec![FieldMapping {
        field,
        source: FieldSource::Path("$.properties.title".into()),
        rule: rule(Direction::ToHalo),
    }];
    scene.incident.raw = json!({ "properties": { "title": "told" } }).into();
    shut(&mut scene);
    scene.field(121, "told");
    let plan = scene.plan();
    scene.queue(&plan);
    scene.operations.clear();
    scene.incident.raw = json!({ "properties": { "title": "told anew" } }).into();
    assert!(note_of(&scene).text.contains("mapped fields"), "{}", note_of(&scene).text);
}

/// A fallback agent is a hole only where Halo's list of agents is whole and lacks it.
#[test]
fn a_fallback_is_lacking_only_in_a_whole_list() {
    let mut scene = in_step();
    scene.policy.agent = Some(Ref::Name("Nobody".into()));
    let hole = |scene: &Scene| mapping::fallback_hole(&scene.policy, &scene.catalogue).is_some();
    assert!(hole(&scene));
    scene.catalogue.partial = vec!["agent".into()];
    assert!(!hole(&scene));
    scene.catalogue.partial.clear();
    scene.catalogue.agents.clear();
    assert!(!hole(&scene));
}
