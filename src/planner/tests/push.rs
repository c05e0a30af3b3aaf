//! What a pushed ticket's incident says, and where nothing may be pushed.

use super::scene::{Scene, in_step};
use crate::{
    domain::{
        catalogue::Ref,
        ids::{IncidentId, TicketId},
        incident::{Incident, Severity},
        reason::Reason,
        text,
        workspace::{Mode, Portal},
    },
    planner::push,
};

fn drafted(scene: &mut Scene) -> Result<Incident, Reason> {
    let ticket = scene.ticket().clone();
    push::draft("tenant", &ticket, Some("https://halo.example/ticket?id="), &scene.policy, &scene.catalogue)
}

#[test]
fn a_pushed_ticket_is_the_same_incident_each_time_and_says_where_it_comes_from() {
    let mut scene = in_step();
    scene.ticket().summary = "Phone call about a login".into();
    let incident = drafted(&mut scene).expect("it can be pushed");
    assert_eq!(incident.id, IncidentId::pushed("tenant", TicketId(70)));
    assert_ne!(incident.id, IncidentId::pushed("tenant", TicketId(71)));
    assert_ne!(incident.id, IncidentId::pushed("another tenant", TicketId(70)));
    assert_eq!(Ok(&incident), drafted(&mut scene).as_ref());
    assert_eq!((incident.title.as_str(), &incident.severity), ("Phone call about a login", &Severity::Medium));
    let description = incident.description.as_deref().unwrap_or_default();
    assert!(description.contains("https://halo.example/ticket?id=70"), "{description}");
    assert_eq!(incident.raw.pointer("/properties/description").and_then(|told| told.as_str()), Some(description));
}

#[test]
fn a_priority_that_means_no_severity_is_never_guessed() {
    let mut scene = in_step();
    scene.ticket().priority_id = Some(99);
    assert!(matches!(drafted(&mut scene), Err(Reason::Unmapped { .. })));
    scene.ticket().priority_id = None;
    assert!(matches!(drafted(&mut scene), Err(Reason::Unmapped { .. })));
}

#[test]
fn what_sentinel_does_not_take_is_shortened_or_named() {
    let mut scene = in_step();
    scene.ticket().summary = "x".repeat(500);
    scene.ticket().raw = serde_json::json!({ "details": "y".repeat(9_000) }).into();
    let incident = drafted(&mut scene).expect("it can be pushed");
    assert!(text::length(&incident.title) <= 150);
    assert!(text::length(incident.description.as_deref().unwrap_or_default()) <= 5_000);
    scene.ticket().summary = "  ".into();
    assert_eq!(drafted(&mut scene).expect("it can be pushed").title, "Halo ticket 70");
}

#[test]
fn which_tickets_a_policy_pushes_when_a_webhook_names_them() {
    type Case = (&'static str, fn(&mut Scene), bool);
    let by_type: fn(&mut Scene) = |s| s.policy.push.ticket_types = vec![Ref::Id(21)];
    let by_outcome: fn(&mut Scene) = |s| {
        s.policy.push.outcomes = vec![Ref::Name("push it".into())];
        s.note(3, "<p>look</p>").outcome = Some("Push it".into());
    };
    let cases: [Case; 8] = [
        ("without a rule", |_| {}, false),
        ("its type", by_type, true),
        ("another type", |s| s.policy.push.ticket_types = vec![Ref::Name("Request".into())], false),
        ("an action's outcome", by_outcome, true),
        (
            "one that we made: its reference stands in it",
            |s| {
                s.policy.push.ticket_types = vec![Ref::Id(21)];
                s.ticket().raw = serde_json::json!({ "details": "… Halobridge reference HB-0123456789" }).into();
            },
            false,
        ),
        (
            "one that Halo's own integration made",
            |s| {
                s.policy.push.ticket_types = vec![Ref::Id(21)];
                s.ticket().raw = serde_json::json!({ "sentinel_id": "11111111-2222-4333-8444-555555555555" }).into();
            },
            false,
        ),
        (
            "a deleted one",
            |s| {
                s.policy.push.ticket_types = vec![Ref::Id(21)];
                s.ticket().deleted = true;
            },
            false,
        ),
        (
            "a closed one",
            |s| {
                s.policy.push.ticket_types = vec![Ref::Id(21)];
                s.close_ticket(None);
            },
            false,
        ),
    ];
    for (name, change, expected) in cases {
        let mut scene = in_step();
        change(&mut scene);
        let (ticket, actions) = (scene.ticket().clone(), scene.actions.clone().unwrap_or_default());
        assert_eq!(push::wanted(&scene.policy, &scene.catalogue, &ticket, &actions), expected, "{name}");
    }
}

#[test]
fn nothing_is_pushed_but_in_two_way_and_joined_workspaces_are_known() {
    for mode in [Mode::Off, Mode::Observe, Mode::CommentOnly, Mode::SentinelToHalo] {
        let why = push::allowed(mode).expect_err("not in this mode");
        assert!(why.contains("two-way"), "{why}");
    }
    assert_eq!(push::allowed(Mode::TwoWay), Ok(()));
    let mut workspace = in_step().workspace;
    workspace.portal = Portal::Azure;
    let cases = [(None, false), (Some("Azure Sentinel"), false), (Some("Microsoft XDR"), true)];
    for (provider, expected) in cases {
        assert_eq!(push::joined(&workspace, provider), expected, "{provider:?}");
    }
    workspace.portal = Portal::Defender;
    assert!(push::joined(&workspace, None));
}
