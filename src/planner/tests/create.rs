//! Which incidents become tickets: gates, filters, storm brake.

use proptest::prelude::*;
use serde_json::json;

use super::scene::{Scene, at, in_step, words};
use crate::{
    domain::{
        catalogue::{Ref, TicketType},
        incident::{IncidentStatus, Label, Owner, Severity},
        policy::Filter,
        reason::Reason,
        workspace::Mode,
    },
    planner::{
        explain,
        gate::{self, Brake},
    },
};

fn asked(scene: &Scene) -> String {
    let asked = gate::ask(&scene.workspace, &scene.client, &scene.policy, Some(&scene.catalogue), &scene.incident);
    // What tells of every gate says the same of the first that fails.
    let gates = explain::gates(&scene.workspace, &scene.client, &scene.policy, Some(&scene.catalogue), &scene.incident);
    assert_eq!(explain::first(&gates), asked.as_ref().err());
    match asked {
        Ok(_) => "passes".to_owned(),
        Err(Reason::Filtered { filter, saw, would }) => format!("{filter} saw {saw}; {would}"),
        Err(reason) => reason.code().to_owned(),
    }
}

type Case = (&'static str, fn(&mut Scene), &'static str);

fn check(cases: &[Case]) {
    for (name, change, expected) in cases {
        let mut scene = in_step();
        scene.incident.raw = json!({"properties": {
            "additionalData": {"alertProductNames": ["Azure Sentinel", "Microsoft Defender for Endpoint"]},
            "relatedAnalyticRuleIds": ["/subscriptions/s/x/alertRules/aaaaaaaa-0000-4000-8000-000000000001"],
        }})
        .into();
        scene.incident.labels = vec![Label { name: "vip".into(), kind: None }];
        change(&mut scene);
        assert_eq!(asked(&scene), *expected, "{name}");
    }
}

fn patterns(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn every_gate_that_is_set_says_what_it_asked_and_what_it_saw() {
    let mut scene = in_step();
    scene.policy.include.severity = patterns(&["High"]);
    scene.policy.exclude.title = patterns(&["test*"]);
    scene.incident.severity = Severity::Low;
    let gates = explain::gates(&scene.workspace, &scene.client, &scene.policy, Some(&scene.catalogue), &scene.incident);
    let told: Vec<(&str, &str, bool)> =
        gates.iter().map(|gate| (gate.name.as_str(), gate.rule.as_str(), gate.fails.is_none())).collect();
    assert_eq!(
        told[3..5],
        [("Filter include.severity", "one of “High”", false), ("Filter exclude.title", "none of “test*”", true),]
    );
    assert_eq!((gates.len(), gates[3].saw.as_str()), (8, "“Low”"));
    assert!(gates.iter().filter(|gate| gate.fails.is_some()).count() == 1, "those behind it are told of too");
}

/// What stands with an incident tells of the gates that look at more than its values.
#[test]
fn what_a_person_decided_comes_before_the_gates_and_the_storm_brake_after_them() {
    let mut scene = in_step();
    assert_eq!(explain::decided(None), None);
    let unlinked = Reason::Unlinked { ticket: None, refused: None };
    let asked = Reason::TicketAsked { after: None, blocked: None };
    for (held, holds) in [(&unlinked, true), (&asked, false)] {
        let gate = explain::decided(Some(held)).expect("a person decided");
        assert_eq!(
            (gate.fails.as_ref(), gate.saw.as_str()),
            (holds.then_some(held), held.words().trim_end_matches('.'))
        );
    }
    scene.policy.tickets_per_hour = 5;
    let held = Reason::StormHeld { cap: 5 };
    let brake = |held: Option<&Reason>| explain::brake(&scene.policy, held).map(|gate| (gate.saw, gate.fails));
    assert_eq!(brake(Some(&held)), Some(("5 new tickets within an hour when it came".into(), Some(held.clone()))));
    assert_eq!(brake(Some(&Reason::StormReleased)), Some(("released by a person".into(), None)));
    assert_eq!(brake(None), Some(("not held by it".into(), None)));
    assert_eq!((explain::decided(Some(&held)), held.remedy().is_some()), (None, true));
    scene.policy.tickets_per_hour = 0;
    assert_eq!(explain::brake(&scene.policy, None), None, "no brake, no gate");
}

#[test]
fn the_first_gate_that_fails_names_itself() {
    check(&[
        ("everything is right", |_| {}, "passes"),
        ("switched off", |s| s.workspace.mode = Mode::Off, "mode-off"),
        ("older than the start", |s| s.workspace.since = at("2026-03-01T10:00:01Z"), "older-than-start"),
        ("merged away before it was seen", Scene::redirect, "redirected"),
        ("no Halo client", |s| s.client.halo = None, "client-not-bound"),
        ("a ticket type that Halo lacks", |s| s.policy.ticket_type = Ref::Name("Nonsense".into()), "unmapped"),
        (
            "a ticket type that Halo has twice",
            |s| {
                let more = s.catalogue.ticket_types[0].clone();
                s.catalogue.ticket_types.push(TicketType { id: 22, ..more });
                s.policy.ticket_type = Ref::Name("Security Incident".into());
            },
            "ambiguous",
        ),
        ("observe", |s| s.workspace.mode = Mode::Observe, "mode-observe"),
        ("comments only", |s| s.workspace.mode = Mode::CommentOnly, "mode-one-way"),
        (
            "filters come before what only an administrator can mend",
            |s| {
                s.client.halo = None;
                s.policy.include.severity = patterns(&["High"]);
            },
            "include.severity saw “Medium”; it lets pass “High”",
        ),
    ]);
}

#[test]
fn filters_join_by_and_across_kinds_by_or_within_one() {
    check(&[
        ("one of several severities", |s| s.policy.include.severity = patterns(&["high", "medium"]), "passes"),
        (
            "none of them",
            |s| s.policy.include.severity = patterns(&["High", "Critical", "Low"]),
            "include.severity saw “Medium”; it lets pass “High”, “Critical” or “Low”",
        ),
        ("a label", |s| s.policy.include.label = patterns(&["VIP"]), "passes"),
        (
            "no label at all",
            |s| {
                s.incident.labels.clear();
                s.policy.include.label = patterns(&["vip"]);
            },
            "include.label saw nothing; it lets pass “vip”",
        ),
        ("one product of two", |s| s.policy.include.product = patterns(&["microsoft defender*"]), "passes"),
        (
            "an analytics rule by its GUID",
            |s| s.policy.include.analytics_rule = patterns(&["AAAAAAAA-0000-4000-8000-000000000001"]),
            "passes",
        ),
        (
            "an analytics rule by its resource id",
            |s| {
                let id = "/subscriptions/S/x/alertRules/aaaaaaaa-0000-4000-8000-000000000001";
                s.policy.include.analytics_rule = patterns(&[id]);
            },
            "passes",
        ),
        ("unassigned", |s| s.policy.include.owner = patterns(&["unassigned"]), "passes"),
        (
            "held by somebody else",
            |s| {
                s.incident.owner = Owner { user_principal_name: Some("li@x.example".into()), ..Owner::default() };
                s.policy.include.owner = patterns(&["unassigned", "*@soc.example"]);
            },
            "include.owner saw “li@x.example”; it lets pass “unassigned” or “*@soc.example”",
        ),
        ("a status", |s| s.policy.include.status = patterns(&["New", "Active"]), "passes"),
        ("a title pattern", |s| s.policy.include.title = patterns(&["*two places*"]), "passes"),
        (
            "all kinds must fit: the first that fails is named",
            |s| {
                s.policy.include.severity = patterns(&["Medium"]);
                s.policy.include.label = patterns(&["nobody has it"]);
                s.policy.include.title = patterns(&["nor this"]);
            },
            "include.label saw “vip”; it lets pass “nobody has it”",
        ),
        (
            "kept out by one kind, though all that is asked for fits",
            |s| {
                s.policy.include.severity = patterns(&["Medium"]);
                s.policy.exclude.label = patterns(&["test", "v*"]);
            },
            "exclude.label saw “vip”; it keeps out “test” or “v*”",
        ),
        ("nothing of what is kept out", |s| s.policy.exclude.product = patterns(&["Office*"]), "passes"),
    ]);
}

#[test]
fn a_held_incident_is_asked_again_with_its_new_values_and_a_linked_one_stays_linked() {
    let mut scene = in_step();
    scene.policy.include.severity = patterns(&["High"]);
    assert_eq!(asked(&scene), "include.severity saw “Medium”; it lets pass “High”");
    assert_eq!(words(&scene.plan()), "in-step healthy -", "the pair of one that is linked already goes on");
    scene.incident.severity = Severity::High;
    assert_eq!(asked(&scene), "passes");
    scene.incident.status = IncidentStatus::Closed;
    scene.policy.exclude.status = patterns(&["Closed"]);
    assert_eq!(asked(&scene), "exclude.status saw “Closed”; it keeps out “Closed”");
}

/// It was let through by a filter, a backfill or a person. That Halo refused its ticket changes nothing about that.
#[test]
fn a_ticket_that_is_asked_for_again_is_made_whatever_filter_and_start_say_by_now() {
    let mut scene = in_step();
    (scene.ticket, scene.pair.ticket) = (None, None);
    let made = words(&scene.plan());
    assert!(made.contains("create"), "{made}");
    scene.policy.include.severity = patterns(&["High"]);
    scene.workspace.since = scene.now;
    assert_eq!(words(&scene.plan()), made);
}

#[test]
fn the_brake_holds_what_is_above_the_cap_until_a_person_releases_it() {
    let mut policy = in_step().policy;
    policy.tickets_per_hour = 3;
    let mut brake = Brake::new(&policy, 1);
    let passed = [None; 4].map(|held| brake.ask(held).is_ok());
    assert_eq!(passed, [true, true, false, false], "one was made before");
    assert_eq!(brake.ask(None), Err(Reason::StormHeld { cap: 3 }));
    assert_eq!(brake.ask(Some(&Reason::StormHeld { cap: 3 })), Err(Reason::StormHeld { cap: 3 }));
    assert_eq!(brake.ask(Some(&Reason::StormReleased)), Ok(()));
    let before = Reason::Rehomed { reference: "HB-1".into(), blocked: None };
    assert_eq!(brake.ask(Some(&before)), Ok(()), "it was let through before");
    policy.tickets_per_hour = 0;
    let mut off = Brake::new(&policy, 1_000_000);
    assert!((0..1_000).all(|_| off.ask(None).is_ok()), "0 is no brake");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_brake_never_lets_more_than_the_cap_pass_unreleased(
        cap in 1_u32..20, made in 0_u32..30, asks in proptest::collection::vec(any::<bool>(), 0..60)
    ) {
        let mut policy = in_step().policy;
        policy.tickets_per_hour = cap;
        let mut brake = Brake::new(&policy, made);
        let mut fresh = 0;
        for released in asks {
            let held = released.then_some(&Reason::StormReleased);
            let passed = brake.ask(held).is_ok();
            prop_assert!(passed || !released, "what a person released passes");
            fresh += u32::from(passed && !released);
        }
        prop_assert!(fresh <= cap.saturating_sub(made));
    }

    #[test]
    fn the_order_of_patterns_does_not_matter(mut severities in proptest::collection::vec("[HML*?][a-z*]{0,3}", 0..5)) {
        let mut scene = in_step();
        scene.policy.include = Filter { severity: severities.clone(), ..Filter::default() };
        let there = asked(&scene) == "passes";
        severities.reverse();
        scene.policy.include = Filter { severity: severities, ..Filter::default() };
        prop_assert_eq!(asked(&scene) == "passes", there);
    }

    #[test]
    fn what_a_filter_keeps_out_is_never_let_in_by_another(label in "[a-c]{1,2}", wanted in "[a-c*]{1,2}", unwanted in "[a-c*]{1,2}") {
        let mut scene = in_step();
        scene.incident.labels = vec![Label { name: label, kind: None }];
        scene.policy.exclude.label = vec![unwanted];
        if asked(&scene) != "passes" {
            scene.policy.include.label = vec![wanted];
            prop_assert_ne!(asked(&scene), "passes");
        }
    }
}
