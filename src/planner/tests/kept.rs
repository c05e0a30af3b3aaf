//! A team and a category that Halo keeps otherwise than they were sent.

use serde_json::json;

use super::{
    fields::{custom, with_labels},
    scene::{Scene, in_step, words},
};
use crate::{
    domain::{
        catalogue::{Named, Ref},
        closing::Classification,
        policy::{Direction, FieldMapping, FieldRule, FieldSource, FieldTarget, When, Wins},
        ticket::{TicketChange, TicketDraft},
    },
    planner::{
        Situation, agreed, choice, draft,
        fields::{labels, once},
        gate,
        requester::Affected,
    },
};

pub(super) fn drafted(s: &Situation<'_>) -> TicketDraft {
    let binding = s.client.halo.clone().expect("the client is bound");
    let passed = gate::Passed { binding, ticket_type_id: 21, after: None, reference: None };
    draft::draft(s.workspace, s.policy, s.catalogue, &passed, s.incident, None, Affected::NotKnown).draft
}

/// The ticket is made, and its answer says what it says.
fn made(scene: &mut Scene) {
    let drafted = scene.with(drafted);
    let answer = scene.ticket().clone();
    scene.pair.base = agreed::with_answer(scene.pair.base.clone(), &drafted, &answer, None);
}

#[test]
fn a_team_or_category_that_halo_keeps_otherwise_is_open_until_somebody_settles_it() {
    let mut scene = in_step();
    scene.catalogue.teams.push(Named { id: 2, name: "Service Desk".into() });
    scene.catalogue.categories = vec![Named { id: 1, name: "Security>Phishing".into() }];
    scene.policy.category = Some(Ref::Name("Security>Phishing".into()));
    // The same in other spaces and letters is the same; what an answer does not tell is not known.
    (scene.ticket().team, scene.ticket().category_1) = (None, Some("security > phishing".into()));
    made(&mut scene);
    assert_eq!(words(&scene.plan()), "in-step healthy -");

    (scene.ticket().team, scene.ticket().category_1) = (Some("Service Desk".into()), Some("General".into()));
    made(&mut scene);
    let plan = scene.plan();
    assert_eq!(words(&plan), "behind needs-you halo-kept", "nothing is written");
    scene.queue(&plan);
    let plan = scene.plan();
    assert_eq!((words(&plan).as_str(), plan.base.clone()), ("behind needs-you halo-kept", None), "and it rests");
    let said: Vec<String> = plan.items().iter().map(|item| item.words()).collect();
    assert_eq!(
        said,
        [
            "Halo kept another team than was sent: “Service Desk”, not “Security”.",
            "Halo kept another category than was sent: “General”, not “Security>Phishing”.",
        ]
    );
    assert!(plan.items()[0].remedy().is_some_and(|remedy| remedy.contains("the team that Halo keeps")));
    // A reading that does not tell it leaves it open.
    let mut untold = scene.clone();
    (untold.ticket().team, untold.ticket().category_1) = (None, None);
    assert_eq!(untold.plan().items().len(), 2);
    // An agent corrects it, or the policy names what Halo keeps.
    scene.ticket().category_1 = Some("Security>Phishing".into());
    let plan = scene.plan();
    assert_eq!((words(&plan).as_str(), plan.items().len()), ("behind needs-you halo-kept", 1));
    scene.queue(&plan);
    let mut renamed = scene.clone();
    renamed.policy.team = Some(Ref::Name("Service Desk".into()));
    assert_eq!(words(&renamed.plan()), "in-step healthy -");
    // A closed matter asks nobody.
    let mut closed = scene.clone();
    closed.close_incident(Classification::Undetermined, None);
    closed.close_ticket(Some(3));
    assert!(closed.plan().items().iter().all(|item| item.code() != "halo-kept"));
    // Or a person leaves it.
    let choices = scene.with(choice::choices);
    let (label, decision) = choices[0].answers[0].clone();
    assert_eq!(label, "Leave the team as Halo has it");
    scene.pair.decisions.push(decision);
    let plan = scene.plan();
    assert_eq!(words(&plan), "in-step healthy -");
    assert!(plan.base.is_some_and(|base| base.kept_names.is_empty()));
}

#[test]
fn a_mapped_team_that_halo_keeps_otherwise_is_written_once_and_said() {
    let mut scene = in_step();
    scene.policy.fields = vec![FieldMapping {
        field: FieldTarget::Member("team".into()),
        source: FieldSource::Path("$.properties.severity".into()),
        rule: FieldRule::new(Direction::ToHalo, When::Always),
    }];
    assert_eq!(scene.plan().operations.len(), 1, "the incident's value is new to the ticket");
    let change = TicketChange { members: vec![("team".into(), json!("Medium"))], ..TicketChange::default() };
    let answer = scene.ticket().clone();
    scene.pair.base = agreed::after_ticket(scene.pair.base.clone(), &scene.incident, &change, &answer, false);
    let plan = scene.plan();
    assert_eq!(words(&plan), "behind needs-you halo-kept");
    assert_eq!(plan.items()[0].words(), "Halo kept another team than was sent: “Security”, not “Medium”.");
    // The incident says what Halo has: it is over.
    scene.incident.raw = json!({ "properties": { "severity": "Security" } }).into();
    assert_eq!(words(&scene.plan()), "in-step healthy -");
}

/// A value that Halo drops is not in step: it is open until something else stands there, or a person leaves it.
#[test]
fn a_mapped_value_that_halo_does_not_keep_is_written_once_and_said() {
    let mut scene = in_step();
    let options = vec![Named { id: 1, name: "Initial Access".into() }, Named { id: 3, name: "Persistence".into() }];
    let tactics = scene.catalogue.fields.iter_mut().find(|field| field.id == 120).unwrap();
    (tactics.kind, tactics.options) = (3, options);
    scene.policy.fields = vec![FieldMapping {
        field: FieldTarget::Custom(Ref::Name("CFTactics".into())),
        source: FieldSource::Path("$.properties.tactics[*]".into()),
        rule: FieldRule::new(Direction::ToHalo, When::Always),
    }];
    scene.incident.raw = json!({ "properties": { "tactics": ["Persistence", "InitialAccess"] } }).into();
    scene.field(120, "");
    assert_eq!(
        words(&scene.plan()),
        "ticket field120=\"1,3\" because changed-in-sentinel; behind waiting changed-in-sentinel"
    );
    let change = TicketChange { custom_fields: vec![(120, json!("1,3"))], ..TicketChange::default() };
    let written = |scene: &mut Scene, stands: &str| {
        scene.field(120, stands);
        let answer = scene.ticket().clone();
        scene.pair.base = agreed::after_ticket(scene.pair.base.clone(), &scene.incident, &change, &answer, false);
    };
    // Sent with the ticket's birth it is no other matter.
    let mut born = scene.clone();
    born.field(120, "");
    made(&mut born);
    assert_eq!(words(&born.plan()), "behind needs-you halo-kept", "nothing is written again");

    let mut taken = scene.clone();
    written(&mut taken, "3,1");
    assert_eq!(words(&taken.plan()), "in-step healthy -", "in another order");

    written(&mut scene, "");
    let plan = scene.plan();
    assert_eq!(words(&plan), "behind needs-you halo-kept", "nothing is written again");
    let said = "Halo kept another value of “CFTactics” than was sent: “nothing”, not “Initial Access, Persistence”.";
    assert_eq!(plan.items()[0].words(), said);
    scene.queue(&plan);
    assert_eq!(scene.plan().base, None, "and it rests");
    let mut left = scene.clone();
    let (label, decision) = left.with(choice::choices)[0].answers[0].clone();
    assert_eq!(label, "Leave the value of “CFTactics” as Halo has it");
    left.pair.decisions.push(decision);
    assert_eq!(words(&left.plan()), "in-step healthy -");
    scene.field(120, "1,3");
    assert_eq!(words(&scene.plan()), "in-step healthy -", "somebody corrects it");
}

/// An earlier version did not note what a ticket was given at its birth.
#[test]
fn a_mapped_value_that_halo_drops_at_birth_is_not_written_over_what_a_person_leaves_or_an_agent_writes() {
    for by_an_earlier_version in [false, true] {
        for wins in [Wins::Sentinel, Wins::Halo, Wins::Ask] {
            let mut scene = in_step();
            scene.policy.fields = vec![FieldMapping {
                field: custom("CFTactics"),
                source: FieldSource::Text("dropped".into()),
                rule: FieldRule { wins, ..FieldRule::new(Direction::ToHalo, When::Always) },
            }];
            scene.field(120, "");
            made(&mut scene);
            if !by_an_earlier_version {
                let (draft, ticket) = (scene.with(drafted), scene.ticket().clone());
                let Scene { policy, catalogue, pair, .. } = &mut scene;
                once::given(&mut pair.base, policy, catalogue, &draft, &ticket, false);
            }
            assert_eq!(words(&scene.plan()), "behind needs-you halo-kept");
            let mut left = scene.clone();
            let (label, decision) = left.with(choice::choices)[0].answers[0].clone();
            assert_eq!(label, "Leave the value of “CFTactics” as Halo has it");
            left.pair.decisions.push(decision);
            let mut own = scene;
            own.field(120, "an agent's");
            for mut scene in [left, own] {
                for _ in 0..2 {
                    let plan = scene.plan();
                    assert_eq!(words(&plan), "in-step healthy -", "{by_an_earlier_version} {wins:?}");
                    scene.queue(&plan);
                }
            }
        }
    }
}

/// Where another value is waited for, neither it nor what a person left as it is is taken for one that was left out.
#[test]
fn a_value_that_is_written_once_and_that_halo_drops_at_birth_is_not_written_again() {
    for by_an_earlier_version in [false, true] {
        let mut scene = in_step();
        let once = |field: &str, text: &str| FieldMapping {
            field: custom(field),
            source: FieldSource::Text(text.into()),
            rule: FieldRule::new(Direction::ToHalo, When::OnCreate),
        };
        scene.policy.fields = vec![once("CFTactics", "dropped"), once("CFNowhere", "late")];
        scene.field(120, "");
        scene.field(121, "");
        made(&mut scene);
        let (draft, ticket) = (scene.with(drafted), scene.ticket().clone());
        let Scene { policy, catalogue, pair, .. } = &mut scene;
        agreed::note_birth(&mut pair.base, policy, catalogue, &draft, &ticket, false);
        if by_an_earlier_version {
            pair.base.fields.clear();
        }
        let plan = scene.plan();
        let asked: Vec<&str> = plan.items().iter().map(|item| item.code()).collect();
        assert!(plan.operations.is_empty() && asked.contains(&"halo-kept"), "{plan:?}");
        scene.queue(&plan);
        let asked = scene.with(choice::choices);
        let (label, decision) = asked.into_iter().flat_map(|choice| choice.answers).next().expect("it can be left");
        assert_eq!(label, "Leave the value of “CFTactics” as Halo has it");
        scene.pair.decisions.push(decision);
        for _ in 0..2 {
            let plan = scene.plan();
            assert_eq!(words(&plan), "behind needs-you unmapped");
            scene.queue(&plan);
        }
        scene.policy.fields[1].field = custom("CFLabels");
        let filled = "ticket field121=\"late\" because changed-in-sentinel; behind waiting changed-in-sentinel";
        assert_eq!(words(&scene.plan()), filled, "{by_an_earlier_version}");
    }
}

/// Labels that Halo drops or cuts off are not in step, and what it makes of them is no addition of an agent's.
#[test]
fn labels_that_halo_does_not_keep_are_written_once_and_said() {
    let mut scene = in_step();
    with_labels(&mut scene, Direction::Both);
    scene.label(&["alpha", "gamma"]);
    scene.pair.base.labels = None;
    let shown = |scene: &mut Scene, stands: &str| {
        scene.field(121, stands);
        for field in &mut scene.ticket().custom_fields {
            field.name = "CFLabels".into();
        }
    };
    let change = TicketChange { custom_fields: vec![(121, json!("alpha, gamma"))], ..TicketChange::default() };
    let written = |scene: &mut Scene, stands: &str| {
        shown(scene, stands);
        let answer = scene.ticket().clone();
        scene.pair.base = agreed::after_ticket(scene.pair.base.clone(), &scene.incident, &change, &answer, false);
    };
    for (stands, said) in [("", "nothing"), ("alpha, gamm", "alpha, gamm")] {
        let mut scene = scene.clone();
        written(&mut scene, stands);
        let plan = scene.plan();
        assert_eq!(words(&plan), "behind needs-you halo-kept", "{stands}");
        let said = format!("Halo kept another value of “CFLabels” than was sent: “{said}”, not “alpha, gamma”.");
        assert_eq!(plan.items()[0].words(), said);
        scene.queue(&plan);
        let again = scene.plan();
        assert_eq!((words(&again).as_str(), &again.base), ("behind needs-you halo-kept", &None), "and it rests");

        let mut left = scene.clone();
        let (label, decision) = left.with(choice::choices)[0].answers[0].clone();
        assert_eq!(label, "Leave the value of “CFLabels” as Halo has it");
        left.pair.decisions.push(decision);
        assert_eq!(words(&left.plan()), "in-step healthy -");
        let mut closed = scene.clone();
        closed.close_incident(Classification::Undetermined, None);
        closed.close_ticket(Some(3));
        shown(&mut closed, stands);
        assert!(closed.plan().items().iter().all(|item| item.code() != "halo-kept"), "a closed matter asks nobody");

        let mut more = scene.clone();
        more.label(&["alpha", "beta"]);
        assert!(words(&more.plan()).starts_with("ticket field121=\"alpha, beta\" because"), "other ones are tried");
        let mut own = scene.clone();
        shown(&mut own, &format!("{stands}, own"));
        let plan = words(&own.plan());
        assert!(plan.contains("incident label+own because"), "an agent's alone: {plan}");
        shown(&mut scene, "alpha, gamma");
        assert_eq!(words(&scene.plan()), "in-step healthy -", "somebody corrects it");
    }
    // Sent with the ticket's birth it is no other matter.
    for stands in ["", "alpha, gamm"] {
        let mut born = scene.clone();
        shown(&mut born, stands);
        let drafted = born.with(drafted);
        made(&mut born);
        let answer = born.ticket().clone();
        labels::born(&mut born.pair.base, &born.policy, &born.catalogue, &drafted, &answer);
        assert_eq!(words(&born.plan()), "behind needs-you halo-kept", "{stands}");
    }
}
