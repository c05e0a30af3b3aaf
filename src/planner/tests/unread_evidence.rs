//! Values that lie in alerts and entities which could not be read: they are not known, and that is not empty.

use serde_json::json;

use super::{
    fields::custom,
    scene::{Scene, in_step, words},
};
use crate::{
    domain::{
        incident::Evidence,
        pair::{Agreed, Base},
        policy::{Direction, FieldMapping, FieldRule, FieldSource, RequesterRule, When},
        ticket::TicketDraft,
    },
    planner::{
        agreed, draft,
        fields::once::{JOINED, LEFT_OUT, left_out},
        gate, groups, link,
        requester::Affected,
    },
};

/// The host is mapped to a custom field; nobody has read which it is.
fn of_host(when: When) -> Scene {
    let mut scene = in_step();
    scene.policy.fields = vec![FieldMapping {
        field: custom("CFTactics"),
        source: FieldSource::Path("$entities[Host].properties.hostName".into()),
        rule: FieldRule::new(Direction::ToHalo, when),
    }];
    scene
}

fn read(scene: &mut Scene) {
    let host = json!({ "kind": "Host", "properties": { "hostName": "pc-1" } });
    scene.evidence = Some(Evidence { alerts: Vec::new(), entities: vec![host] });
}

fn drafted(scene: &Scene) -> TicketDraft {
    let passed = gate::ask(&scene.workspace, &scene.client, &scene.policy, Some(&scene.catalogue), &scene.incident);
    let passed = passed.expect("the scene's incident passes");
    let (evidence, known) = (scene.evidence.as_ref(), Affected::NotKnown);
    draft::draft(&scene.workspace, &scene.policy, &scene.catalogue, &passed, &scene.incident, evidence, known).draft
}

const FILLED: &str = "ticket field120=\"pc-1\" because changed-in-sentinel; behind waiting changed-in-sentinel";

#[test]
fn what_was_not_read_is_written_over_nothing() {
    let mut linked = of_host(When::Always);
    linked.pair.base = link::base();
    let mut agreed = of_host(When::Always);
    let known = Agreed { sentinel: "PC-1".into(), halo: Some("PC-1".into()) };
    agreed.pair.base.fields.insert("120".into(), known);
    for mut scene in [linked, agreed, of_host(When::Always)] {
        scene.field(120, "PC-1");
        assert_eq!(words(&scene.plan()), "in-step healthy -");
        // Of an incident without alerts it is known that it names none.
        assert_eq!(drafted(&scene).custom_fields, []);
        scene.incident.alerts_count = 0;
        assert_eq!(drafted(&scene).custom_fields, [(120, json!(""))]);
    }
}

#[test]
fn what_a_new_ticket_could_not_be_given_follows_once_it_is_known() {
    for when in [When::OnCreate, When::Always] {
        let mut scene = of_host(when);
        let draft = drafted(&scene);
        left_out(&mut scene.pair.base, &scene.policy, &scene.catalogue, &draft);
        assert_eq!(scene.pair.base.joined.contains(LEFT_OUT), when == When::OnCreate, "{when:?}");
        scene.field(120, "");
        let plan = scene.plan();
        assert_eq!(words(&plan), "in-step healthy -", "{when:?}");
        scene.queue(&plan);
        let mut own = scene.clone();
        read(&mut scene);
        assert_eq!(words(&scene.plan()), FILLED, "{when:?}");
        // An agent was faster with one that is written once.
        if when == When::OnCreate {
            own.field(120, "an agent's");
            read(&mut own);
            let plan = own.plan();
            assert_eq!(words(&plan), "in-step healthy -");
            own.queue(&plan);
            own.field(120, "");
            assert_eq!(words(&own.plan()), "in-step healthy -", "once");
        }
    }
    // What its draft gave it is not given again.
    let mut scene = of_host(When::OnCreate);
    read(&mut scene);
    let mut base = Base::default();
    left_out(&mut base, &scene.policy, &scene.catalogue, &drafted(&scene));
    assert_eq!(base, Base::default());
}

/// The incident's alerts show before their entities do: the host may still come.
#[test]
fn a_value_in_entities_that_do_not_show_yet_is_not_given_as_empty() {
    let mut scene = of_host(When::OnCreate);
    scene.evidence = Some(Evidence { alerts: vec![json!({})], entities: Vec::new() });
    let draft = drafted(&scene);
    assert_eq!(draft.custom_fields, []);
    left_out(&mut scene.pair.base, &scene.policy, &scene.catalogue, &draft);
    scene.field(120, "");
    let plan = scene.plan();
    assert_eq!(words(&plan), "in-step healthy -");
    scene.queue(&plan);
    assert!(scene.pair.base.joined.contains(LEFT_OUT));
    read(&mut scene);
    assert_eq!(words(&scene.plan()), FILLED);
}

#[test]
fn what_a_new_ticket_could_not_be_given_for_a_hole_follows_once_it_is_filled() {
    let mut scene = in_step();
    let rule = FieldRule::new(Direction::ToHalo, When::OnCreate);
    scene.policy.fields =
        vec![FieldMapping { field: custom("CFNowhere"), source: FieldSource::Text("pc-1".into()), rule }];
    scene.field(120, "");
    let mut made = scene.clone();
    let draft = drafted(&made);
    left_out(&mut made.pair.base, &made.policy, &made.catalogue, &draft);
    assert!(made.pair.base.joined.contains(LEFT_OUT));
    let mut linked = scene;
    linked.pair.base.joined.insert(JOINED.to_owned());
    for mut scene in [made, linked] {
        let plan = scene.plan();
        assert_eq!(words(&plan), "behind needs-you unmapped");
        scene.queue(&plan);
        assert_eq!(scene.plan().base, None, "and it rests");
        scene.policy.fields[0].field = custom("CFTactics");
        assert_eq!(words(&scene.plan()), FILLED);
    }
}

/// The former ticket had the value, the one in its place was drafted while the entities could not be read.
#[test]
fn what_the_draft_of_a_successor_left_out_follows_though_the_former_ticket_had_it() {
    for when in [When::OnCreate, When::Always] {
        let mut scene = of_host(when);
        let draft = drafted(&scene);
        assert_eq!(draft.custom_fields, []);
        let known = Agreed { sentinel: "pc-1".into(), halo: Some("pc-1".into()) };
        scene.pair.base.fields.insert("120".into(), known);
        let mut base = agreed::of_successor(scene.pair.base.clone());
        left_out(&mut base, &scene.policy, &scene.catalogue, &draft);
        scene.pair.base = base;
        scene.field(120, "");
        let plan = scene.plan();
        assert_eq!(words(&plan), "in-step healthy -", "{when:?}");
        scene.queue(&plan);
        read(&mut scene);
        assert_eq!(words(&scene.plan()), FILLED, "{when:?}");
    }
}

/// What stood on the ticket while another value was waited for is no less an agent's to empty.
#[test]
fn while_one_value_is_waited_for_the_others_are_written_once_all_the_same() {
    let mut scene = of_host(When::OnCreate);
    scene.policy.fields.push(FieldMapping {
        field: custom("CFLabels"),
        source: FieldSource::Text("told".into()),
        rule: FieldRule::new(Direction::ToHalo, When::OnCreate),
    });
    for mark in [JOINED, LEFT_OUT] {
        let mut scene = scene.clone();
        scene.pair.base.joined.insert(mark.to_owned());
        scene.field(120, "");
        scene.field(121, "told");
        let plan = scene.plan();
        assert_eq!(words(&plan), "in-step healthy -");
        scene.queue(&plan);
        scene.field(121, "");
        assert_eq!(words(&scene.plan()), "in-step healthy -", "{mark}");
        read(&mut scene);
        assert_eq!(words(&scene.plan()), FILLED, "{mark}");
    }
}

/// One that joins the ticket of others is asked about, should it come to lead before its entities were read.
#[test]
fn who_joins_a_ticket_unread_takes_nothing_for_agreed() {
    let mut scene = of_host(When::Always);
    let ticket = scene.ticket().clone();
    let base = groups::base_of_joined(&scene.policy, &scene.catalogue, (&scene.incident, None), &ticket);
    assert!(base.fields.is_empty(), "{:?}", base.fields);
    scene.pair.base = base;
    scene.field(120, "the first one's");
    read(&mut scene);
    assert!(words(&scene.plan()).contains("needs-you conflict"), "{}", words(&scene.plan()));
}

#[test]
fn a_ticket_does_not_say_that_nobody_is_named_where_that_is_not_known() {
    let mut scene = in_step();
    scene.policy.requester = RequesterRule::AffectedUser;
    let html = drafted(&scene).details_html;
    assert!(html.contains("could not be read when this ticket was written"), "{html}");
    scene.incident.alerts_count = 0;
    assert!(drafted(&scene).details_html.contains("The incident names no user"));
}
