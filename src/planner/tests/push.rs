//! What a pushed ticket's incident says, and where nothing may be pushed.

use super::scene::{NEW, Scene, in_step, words};
use crate::{
    domain::{
        approval::WriteKind,
        catalogue::Ref,
        decision::Decision,
        failure::Side,
        ids::{IncidentId, TicketId},
        incident::{Incident, IncidentStatus, Severity},
        operation::OperationKind,
        reason::Reason,
        text,
        workspace::{Mode, Portal},
    },
    planner::{Planned, push},
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
fn a_closed_ticket_is_not_pushed() {
    let mut scene = in_step();
    let open = |scene: &mut Scene| {
        let ticket = scene.ticket().clone();
        push::open(&scene.policy, &scene.catalogue, &ticket)
    };
    assert_eq!(open(&mut scene), Ok(()));
    scene.close_ticket(None);
    let why = open(&mut scene).expect_err("it is closed");
    assert!(why.contains("closed in Halo") && why.contains("Open the ticket again"), "{why}");
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

/// A ticket that was pushed, and whose incident is still to be made.
fn pushed() -> Scene {
    pushed_as(|_| {})
}

/// The same of a ticket that something is done to before.
fn pushed_as(change: fn(&mut Scene)) -> Scene {
    let mut scene = in_step();
    change(&mut scene);
    let (ticket, url) = (scene.ticket().clone(), Some("https://desk.example/tickets?id="));
    let incident = push::draft("msp", &ticket, url, &scene.policy, &scene.catalogue).expect("it can be pushed");
    scene.pair.base = push::base(&scene.policy, &scene.catalogue, &incident, &ticket);
    scene.pair.incident = incident.id.clone();
    scene.incident = incident;
    scene
}

/// The same once somebody has read the incident.
fn made(scene: &mut Scene) {
    scene.incident.resource_id = format!("/subscriptions/s/x/incidents/{}", scene.incident.id);
    scene.incident.number = Some(8);
    scene.incident.etag = Some("\"a\"".into());
    scene.incident.created = Some(scene.now);
    scene.incident.modified = Some(scene.now);
}

#[test]
fn a_pushed_pair_carries_nothing_but_its_incident_until_that_is_there() {
    let mut scene = pushed();
    let first = scene.plan();
    assert_eq!(words(&first), "create incident severity=Medium because pushed; behind waiting pushed");
    assert_eq!(first.base, None, "what was agreed on when the pair was opened stands");
    scene.queue(&first);
    // What agents do meanwhile waits, and no reading that does not find the incident takes it for deleted.
    scene.note(3, "<p>they called again</p>");
    scene.close_ticket(None);
    for gone in [None, Some(Side::Sentinel)] {
        scene.pair.gone = gone;
        assert_eq!(words(&scene.plan()), "behind waiting pushed", "{gone:?}");
    }
    scene.pair.gone = None;
    let queued = scene.operations.clone();
    for given_up in [false, true] {
        scene.operations.clone_from(&queued);
        if given_up {
            scene.give_up();
        }
        let mut met = scene.operations.clone();
        met.truncate(1);
        let before = scene.incident.clone();
        made(&mut scene);
        let plan = scene.plan();
        assert_eq!(plan.void.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [met[0].id], "it is there: {plan:?}");
        assert!(!plan.operations.is_empty(), "and what waited crosses");
        assert!(plan.operations.iter().all(|planned| !planned.kind.makes_incident()), "{plan:?}");
        scene.incident = before;
    }
}

#[test]
fn a_ticket_that_is_in_hand_when_it_is_pushed_gives_its_status_and_agent() {
    type Case = (&'static str, fn(&mut Scene), Option<IncidentStatus>, bool);
    let cases: [Case; 5] = [
        ("worked on", |_| {}, Some(IncidentStatus::Active), false),
        ("new", |s| s.ticket().status_id = Some(NEW), None, false),
        ("new and somebody's", |s| (s.ticket().status_id, s.ticket().agent_id) = (Some(NEW), Some(5)), None, true),
        ("worked on by somebody", |s| s.ticket().agent_id = Some(5), Some(IncidentStatus::Active), true),
        ("closed before: that is left to a person", |s| s.close_ticket(None), None, false),
    ];
    for (name, change, status, owned) in cases {
        let mut scene = pushed_as(change);
        made(&mut scene);
        let plan = scene.plan();
        let found = plan.operations.iter().find_map(|planned| match &planned.kind {
            OperationKind::UpdateIncident { change } => Some((change.status.clone(), change.owner.is_some())),
            _ => None,
        });
        assert_eq!(found.unwrap_or_default(), (status, owned), "{name}: {plan:?}");
    }
}

#[test]
fn an_incident_that_is_asked_for_again_says_what_its_ticket_says_by_then() {
    let mut scene = pushed();
    scene.plan_and_drop();
    assert_eq!(words(&scene.plan()), "behind healthy dropped");
    scene.operations.clear();
    scene.ticket().summary = "They called again".into();
    scene.close_ticket(None);
    let plan = scene.plan();
    let [planned] = plan.operations.as_slice() else { panic!("{plan:?}") };
    let OperationKind::CreateIncident { incident } = &planned.kind else { panic!("{planned:?}") };
    assert_eq!(incident.title, "They called again");
    let base = plan.base.expect("it is agreed on anew");
    assert_eq!(
        (base.title.as_deref(), base.summary.as_deref()),
        (Some("They called again"), Some("They called again"))
    );
    assert!(!base.ticket_closed, "that it was closed since is still to cross");
    // A row of a list has no details, and a whole reading has.
    let said = |scene: &Scene| match scene.plan().operations.as_slice() {
        [Planned { kind: OperationKind::CreateIncident { incident }, .. }] => incident.description.clone(),
        other => panic!("{other:?}"),
    };
    scene.incident.description = Some("Pushed from Halo ticket 70.\n\nas it was drafted".into());
    assert_eq!(said(&scene), scene.incident.description);
    scene.ticket().raw = serde_json::json!({ "details": "They saw a strange prompt." }).into();
    assert!(said(&scene).is_some_and(|said| said.ends_with("They saw a strange prompt.")));
    scene.ticket().priority_id = Some(99);
    let plan = scene.plan();
    assert!(plan.operations.is_empty() && matches!(plan.items(), [Reason::Unmapped { .. }]), "{plan:?}");
}

#[test]
fn a_push_that_the_policy_puts_behind_a_person_waits_for_approval() {
    let mut scene = pushed();
    let free = scene.plan().operations;
    scene.queue(&scene.plan());
    scene.policy.approve = vec![WriteKind::Push];
    let before = scene.plan();
    assert_eq!((before.void.len(), before.waiting.len()), (1, 1), "what was queued before waits too: {before:?}");
    scene.queue(&before);
    let plan = scene.plan();
    assert_eq!(words(&plan), "behind needs-you awaits-approval");
    let [waiting] = plan.waiting.as_slice() else { panic!("{plan:?}") };
    let (write, what) = (waiting.write.clone(), waiting.planned.kind.words());
    scene.pair.decisions = vec![Decision::Reject { write: write.clone(), what: what.clone() }];
    assert_eq!(words(&scene.plan()), "behind healthy rejected");
    scene.pair.decisions = vec![Decision::Approve { write, what, after_all: false }];
    assert_eq!(scene.plan().operations, free);
}

#[test]
fn no_incident_is_made_of_a_ticket_that_is_gone_or_another_clients() {
    type Change = fn(&mut Scene);
    let cases: [(Change, &str); 3] = [
        (|s| s.ticket().deleted = true, "refused"),
        (|s| s.ticket().merged_into = Some(TicketId(71)), "refused"),
        (|s| s.ticket().client_id = Some(99), "wrong-client"),
    ];
    for (change, expected) in cases {
        let mut scene = pushed();
        scene.queue(&scene.plan());
        change(&mut scene);
        let plan = scene.plan();
        assert_eq!((plan.operations.len(), plan.void.len()), (0, 1), "{plan:?}");
        assert_eq!(plan.items().iter().map(Reason::code).collect::<Vec<_>>(), [expected]);
    }
}
