//! What ends a drop: its source moves, or both sides agree after all; anything else leaves it as it is.

use serde_json::json;

use super::{
    closing::{incident_opened_again, shut},
    fields::{custom, with_labels},
    scene::{HOLD, Scene, WORKING, in_step, words},
};
use crate::domain::{
    closing::Classification,
    failure::Side,
    ids::{ActionKey, CommentId, TicketId},
    incident::{Evidence, IncidentStatus, Owner, Severity},
    policy::{AfterClosing, Direction, FieldMapping, FieldRule, FieldSource, FieldTarget, ReopenRule, When},
    workspace::Mode,
};

type Change = fn(&mut Scene);
/// A change whose write is dropped, what happens then, and how many drops have ended by it.
type Case = (&'static str, Change, Change, usize);

fn check(cases: &[Case]) {
    for (name, first, then, ended) in cases {
        let mut scene = in_step();
        first(&mut scene);
        scene.plan_and_drop();
        let still = scene.plan();
        assert!(still.void.is_empty() && still.operations.is_empty(), "{name}: it holds, {still:?}");
        then(&mut scene);
        let found = scene.plan();
        assert_eq!(found.void.len(), *ended, "{name}: {found:?}");
    }
}

fn owner(name: &str) -> Owner {
    Owner { user_principal_name: Some(name.into()), ..Owner::default() }
}

fn both() -> FieldRule {
    FieldRule::new(Direction::Both, When::Always)
}

fn to_halo() -> FieldRule {
    FieldRule::new(Direction::ToHalo, When::Always)
}

fn maps(s: &mut Scene, field: FieldTarget) {
    let source = FieldSource::Path("$.properties.title".into());
    s.policy.fields = vec![FieldMapping { field, source, rule: to_halo() }];
    s.incident.raw = json!({ "properties": { "title": "after" } }).into();
}

const NOTHING: Change = |_| {};
const RAISED: Change = |s| s.incident.severity = Severity::High;
const LOWERED: Change = |s| {
    s.policy.severity = both();
    s.ticket().priority_id = Some(4);
};
const OWNED: Change = |s| s.incident.owner = owner("amira@soc.example");
const ASSIGNED: Change = |s| s.ticket().agent_id = Some(5);
const RENAMED: Change = |s| {
    s.policy.title = both();
    s.incident.title = "Renamed".into();
};
const RENAMED_IN_HALO: Change = |s| {
    s.policy.title = both();
    s.ticket().summary = "[Sentinel 7] Renamed".into();
};
const CLOSED_IN_SENTINEL: Change = |s| s.close_incident(Classification::Undetermined, None);
const CLOSED_IN_HALO: Change = |s| s.close_ticket(Some(2));
const CLOSED_ON_BOTH: Change = |s| {
    s.close_incident(Classification::Undetermined, None);
    s.close_ticket(Some(3));
};

#[test]
fn a_field_that_was_dropped_ends_with_its_source_or_when_both_agree() {
    check(&[
        ("a severity, the agent works on", RAISED, |s| s.ticket().status_id = Some(1), 0),
        ("a severity, then another", RAISED, |s| s.incident.severity = Severity::Low, 1),
        ("a severity, set by hand in Halo", RAISED, |s| s.ticket().priority_id = Some(2), 1),
        ("a priority, the analyst renames it", LOWERED, |s| s.incident.title = "Renamed".into(), 0),
        ("a priority, then another", LOWERED, |s| s.ticket().priority_id = Some(2), 1),
        ("a priority, set by hand in Sentinel", LOWERED, |s| s.incident.severity = Severity::Low, 1),
        ("an owner, then another", OWNED, |s| s.incident.owner = owner("li@soc.example"), 1),
        ("an owner, given by hand in Halo", OWNED, |s| s.ticket().agent_id = Some(5), 1),
        ("an owner, given to another in Halo", OWNED, |s| s.ticket().agent_id = Some(6), 0),
        ("an agent, then another", ASSIGNED, |s| s.ticket().agent_id = Some(6), 1),
        ("an agent, given by hand in Sentinel", ASSIGNED, |s| s.incident.owner = owner("amira@soc.example"), 1),
        ("a title, nothing", RENAMED, NOTHING, 0),
        ("a title, then another", RENAMED, |s| s.incident.title = "Renamed again".into(), 1),
        ("a title, written by hand in Halo", RENAMED, |s| s.ticket().summary = "[Sentinel 7] Renamed".into(), 1),
        ("a subject, nothing", RENAMED_IN_HALO, NOTHING, 0),
        ("a subject, then another", RENAMED_IN_HALO, |s| s.ticket().summary = "[Sentinel 7] Again".into(), 1),
        ("a subject, written by hand in Sentinel", RENAMED_IN_HALO, |s| s.incident.title = "Renamed".into(), 1),
    ]);
}

#[test]
fn a_closing_that_was_dropped_ends_with_either_sides_status_or_when_both_agree() {
    check(&[
        ("the agent works on", CLOSED_IN_SENTINEL, |s| s.ticket().status_id = Some(1), 0),
        ("opened again", CLOSED_IN_SENTINEL, |s| s.incident.status = IncidentStatus::New, 1),
        ("closed by hand in Halo", CLOSED_IN_SENTINEL, |s| s.close_ticket(Some(3)), 1),
        ("renamed", CLOSED_IN_HALO, |s| s.incident.title = "Renamed".into(), 0),
        ("on hold, though it counts as closed", CLOSED_IN_HALO, |s| s.ticket().status_id = Some(HOLD), 1),
        ("closed by hand in Sentinel", CLOSED_IN_HALO, CLOSED_IN_SENTINEL, 1),
    ]);
    // The other fields of a closing that has ended are still dropped.
    let mut scene = in_step();
    scene.policy.title = to_halo();
    RENAMED(&mut scene);
    RAISED(&mut scene);
    OWNED(&mut scene);
    CLOSED_IN_SENTINEL(&mut scene);
    scene.plan_and_drop();
    scene.incident.status = IncidentStatus::Active;
    assert_eq!(words(&scene.plan()), "behind healthy dropped");
}

#[test]
fn words_of_our_own_that_were_dropped_end_with_what_they_go_with() {
    let asked: Change = |s| s.close_ticket(None);
    let joined: Change = |s| {
        s.policy.evidence = true;
        let alert = |n: u32| json!({ "name": format!("a-{n}"), "properties": { "systemAlertId": format!("a-{n}") } });
        s.evidence = Some(Evidence { alerts: vec![alert(1), alert(2)], entities: Vec::new() });
        s.pair.base.alerts = Some(["a-1".to_owned()].into());
    };
    let left: Change = |s| s.pair.base.left = [TicketId(61)].into();
    let another: Change = |s| {
        incident_opened_again(s);
        s.policy.reopened_in_sentinel = ReopenRule::NewTicket;
    };
    check(&[
        ("both closed: nothing", CLOSED_ON_BOTH, NOTHING, 0),
        ("both closed: the ticket is opened", CLOSED_ON_BOTH, opened, 2),
        ("both closed: the incident is opened", CLOSED_ON_BOTH, |s| s.incident.status = IncidentStatus::New, 2),
        ("a question: nothing", asked, NOTHING, 0),
        ("a question: the ticket is opened", asked, opened, 1),
        ("a question: closed by hand", asked, CLOSED_IN_SENTINEL, 1),
        ("alerts: the agent works on", joined, |s| s.ticket().status_id = Some(1), 0),
        ("a former ticket: the agent works on", left, |s| s.ticket().status_id = Some(1), 0),
        ("another ticket: nothing", another, NOTHING, 0),
        ("another ticket: another status", another, |s| s.incident.status = IncidentStatus::New, 1),
    ]);
}

fn opened(s: &mut Scene) {
    let ticket = s.ticket();
    (ticket.status_id, ticket.closed) = (Some(WORKING), false);
}

#[test]
fn a_copy_that_was_dropped_ends_once_it_is_there() {
    let commented: Change = |s| drop(s.comment(1, "words"));
    let link = |s: &mut Scene, comment: &CommentId, ticket| {
        let key = ActionKey { ticket: TicketId(ticket), action: 9 };
        s.link(comment, key, (0, 0), None, Side::Sentinel);
    };
    let ended = |change: &dyn Fn(&mut Scene)| {
        let mut scene = in_step();
        commented(&mut scene);
        scene.plan_and_drop();
        change(&mut scene);
        scene.plan().void.len()
    };
    let comment = |s: &Scene| s.comments.as_ref().expect("commented")[0].id.clone();
    assert_eq!(ended(&|_| {}), 0);
    assert_eq!(ended(&|s| link(s, &CommentId::new("other"), 70)), 0, "another comment");
    assert_eq!(ended(&|s| link(s, &comment(s), 70)), 1);
    assert_eq!(ended(&|s| s.comments.as_mut().expect("commented")[0].message = "edited".into()), 1);
    // A copy on a ticket that is gone is none: the drop of the one in its place holds.
    let mut scene = in_step();
    commented(&mut scene);
    scene.pair.base.replaced.insert(TicketId(61));
    link(&mut scene, &CommentId::new("other"), 61);
    let first = comment(&scene);
    link(&mut scene, &first, 61);
    scene.plan_and_drop();
    assert_eq!(scene.plan().void, []);
}

#[test]
fn mapped_fields_and_labels_that_were_dropped_end_once_they_are_there() {
    let field: Change = |s| {
        maps(s, custom("CFLabels"));
        s.field(121, "before");
    };
    let member: Change = |s| {
        maps(s, FieldTarget::Member("impact".into()));
        s.incident.raw = json!({ "properties": { "title": 2 } }).into();
        s.ticket().raw = json!({ "id": 70, "impact": 3 }).into();
    };
    let labels: Change = |s| {
        with_labels(s, Direction::Both);
        s.field(121, "phishing, vip, mail");
    };
    check(&[
        ("a field: nothing", field, NOTHING, 0),
        ("a field: another value", field, |s| s.field(121, "other"), 0),
        ("a field: by hand", field, |s| s.field(121, "after"), 1),
        ("a member: nothing", member, NOTHING, 0),
        ("a member: by hand", member, |s| s.ticket().raw = json!({ "id": 70, "impact": 2 }).into(), 1),
        ("labels: nothing", labels, NOTHING, 0),
        ("labels: by hand", labels, |s| s.label(&["vip", "phishing", "mail"]), 1),
    ]);
}

/// Closed on both sides and agreed on; then an agent corrects the classification.
#[test]
fn a_correction_that_was_dropped_ends_when_it_is_told_or_a_status_moves() {
    let corrected: Change = |s| {
        s.policy.after_closing_fields = AfterClosing::Cross;
        shut(s);
        let plan = s.plan();
        s.queue(&plan);
        s.field(112, "1");
    };
    check(&[
        ("nothing", corrected, NOTHING, 0),
        ("an etag", corrected, |s| s.incident.etag = Some("\"b\"".into()), 0),
        ("told by hand", corrected, |s| s.close_incident(Classification::TruePositive, Some("SuspiciousActivity")), 1),
        ("the ticket is opened", corrected, opened, 1),
    ]);
}

/// A drop is told of only while something is kept out by it.
#[test]
fn a_drop_of_what_is_not_wanted_any_more_is_not_told() {
    let mut scene = in_step();
    RAISED(&mut scene);
    scene.plan_and_drop();
    assert_eq!(words(&scene.plan()), "behind healthy dropped");
    scene.workspace.mode = Mode::CommentOnly;
    let plan = scene.plan();
    assert_eq!((plan.operations.len(), plan.void.len()), (0, 0));
    assert_ne!(plan.state.reason.map(|reason| reason.code()), Some("dropped"));
}
