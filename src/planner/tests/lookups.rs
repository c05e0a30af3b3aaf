//! Values looked up in the policy's tables and in what Halo offers, where a row is missing, doubled or not told.

use serde_json::{Value, json};

use super::scene::{HOLD, NEW, Scene, WORKING, in_step};
use crate::{
    domain::{
        catalogue::{Catalogue, FieldDefinition, Named, Priority, Ref},
        client::HaloBinding,
        ids::{ClientId, ConnectionId},
        incident::{IncidentStatus, Owner, Severity},
        policy::{FieldMapping, FieldRule, FieldSource, FieldTarget},
        ticket::Ticket,
    },
    planner::{
        fields::mapped::{Placed, field_value, kept, place},
        mapping, notes,
        plan::{displaced, homeless},
    },
};

fn name(text: &str) -> Ref {
    Ref::Name(text.into())
}

/// An id that Halo does not list is believed while its list could not be read, or not as a whole.
#[test]
fn an_id_is_believed_only_where_the_list_is_not_whole() {
    type Row = (&'static str, fn(&mut Scene), fn(&mut Catalogue), fn(&Scene) -> Option<i64>);
    let table: [Row; 4] = [
        (
            "ticket type",
            |s| s.policy.ticket_type = Ref::Id(77),
            |c| c.ticket_types.clear(),
            |s| mapping::ticket_type(&s.policy, &s.catalogue).ok(),
        ),
        (
            "priority",
            |s| drop(s.policy.priorities.insert("Medium".into(), Ref::Id(77))),
            |c| c.priorities.clear(),
            |s| mapping::priority(&s.policy, &s.catalogue, &Severity::Medium).ok(),
        ),
        (
            "status",
            |s| drop(s.policy.statuses.insert("Active".into(), Ref::Id(77))),
            |c| c.statuses.clear(),
            |s| mapping::status(&s.policy, &s.catalogue, &IncidentStatus::Active).ok(),
        ),
        (
            "agent",
            |s| s.policy.agent = Some(Ref::Id(77)),
            |c| c.agents.clear(),
            |s| mapping::fallback_agent(&s.policy, &s.catalogue),
        ),
    ];
    for (table, wants, emptied, found) in table {
        let mut scene = in_step();
        wants(&mut scene);
        assert_eq!(found(&scene), None, "{table}: Halo lists all of them");
        scene.catalogue.partial = vec!["another".into()];
        assert_eq!(found(&scene), None, "{table}: another list is not whole");
        scene.catalogue.partial = vec![table.into()];
        assert_eq!(found(&scene), Some(77), "{table}: a part is listed");
        scene.catalogue.partial.clear();
        emptied(&mut scene.catalogue);
        assert_eq!(found(&scene), Some(77), "{table}: nothing was read");
    }
}

#[test]
fn a_priority_is_read_back_by_its_row_and_named_as_its_type_has_it() {
    let mut scene = in_step();
    scene.catalogue.priorities.push(Priority { id: 8, name: "Elsewhere".into(), sla_id: Some(6) });
    let back = |scene: &Scene, id| mapping::severity_back(&scene.policy, &scene.catalogue, id).ok();
    assert_eq!(
        [back(&scene, 3), back(&scene, 4), back(&scene, 8)],
        [Some(Severity::Medium), Some(Severity::Low), None]
    );
    scene.policy.priorities_back = vec![(Ref::Id(3), "High".into()), (name("low "), "Informational".into())];
    assert_eq!([back(&scene, 3), back(&scene, 4)], [Some(Severity::High), Some(Severity::Informational)]);
    let named = |id| mapping::priority_of_type(&scene.policy, &scene.catalogue, id);
    assert_eq!([named(3), named(8), named(77)], ["Medium", "Elsewhere", "77"]);
}

fn status(id: i64, closed: bool) -> Ticket {
    Ticket { status_id: Some(id), closed, ..in_step().ticket.expect("there is one") }
}

#[test]
fn a_ticket_is_closed_by_its_flag_unless_the_policy_says_that_its_status_is_open() {
    let mut scene = in_step();
    let closed = |scene: &Scene, id, flag| mapping::ticket_closed(&scene.policy, &scene.catalogue, &status(id, flag));
    assert!(closed(&scene, HOLD, true), "no row says anything of it");
    assert!(!closed(&scene, WORKING, true), "an incident that is active has it");
    scene.policy.statuses_back = vec![(name("On Hold"), "Active".into())];
    assert!(!closed(&scene, HOLD, true));
    scene.policy.statuses_back = vec![(name("On Hold"), "Closed".into())];
    assert!(closed(&scene, HOLD, true) && !closed(&scene, HOLD, false));
    // By id where no status could be read; by name whichever of several has it.
    scene.policy.closed_statuses = vec![Ref::Id(77), name("Done")];
    scene.catalogue.statuses.clear();
    assert!(closed(&scene, 77, false) && !closed(&scene, 78, false));
    scene.catalogue.statuses = [31, 32].map(|id| Named { id, name: "Done".into() }).into();
    assert!(closed(&scene, 31, false) && closed(&scene, 32, false) && !closed(&scene, 33, false));
}

#[test]
fn a_ticket_status_may_stand_for_several_of_an_incidents() {
    let mut scene = in_step();
    let means =
        |scene: &Scene, id, wanted| mapping::status_means(&scene.policy, &scene.catalogue, &status(id, false), &wanted);
    let (new, active, closed) = (|| IncidentStatus::New, || IncidentStatus::Active, || IncidentStatus::Closed);
    assert!(means(&scene, WORKING, active()) && !means(&scene, HOLD, active()) && !means(&scene, WORKING, closed()));
    scene.policy.statuses_back = vec![(Ref::Id(HOLD), "Active".into()), (Ref::Id(NEW), "Active".into())];
    assert!(means(&scene, HOLD, active()), "by its row alone");
    assert!(means(&scene, NEW, new()) && means(&scene, NEW, active()), "by the way there, though its row says else");
    // Two statuses of that name: which one is meant cannot be said on the way there.
    scene.catalogue.statuses.push(Named { id: 31, name: "New".into() });
    assert!(means(&scene, NEW, new()));
}

#[test]
fn an_agent_is_told_as_an_owner_with_the_name() {
    let scene = in_step();
    let owner = mapping::owner(&scene.policy, &scene.catalogue, 5);
    let mail = || Some("amira@soc.example".to_owned());
    let expected =
        Owner { assigned_to: Some("Amira".into()), email: mail(), user_principal_name: mail(), ..Owner::default() };
    assert_eq!(owner, Some(expected));
    assert_eq!(mapping::owner(&scene.policy, &scene.catalogue, 6), None, "no mail, no id");
}

#[test]
fn a_field_takes_what_its_kind_takes() {
    let named = |id, name: &str| Named { id, name: name.into() };
    let of = |kind, options| FieldDefinition { id: 1, name: "F".into(), label: None, kind, options };
    let choice = of(2, vec![named(4, "Yes"), named(5, "No")]);
    let (empty, check, text) = (of(2, Vec::new()), of(6, Vec::new()), of(0, vec![named(4, "Yes")]));
    let tactics = vec![named(1, "Initial Access"), named(3, "Persistence"), named(7, "Command, Control")];
    let (several, untold, date) = (of(3, tactics), of(3, Vec::new()), of(4, Vec::new()));
    let twins = of(2, vec![named(1, "A-B"), named(2, "AB"), named(3, "A.C"), named(4, "A C")]);
    let table = [
        (Some(&choice), "yes", Some(json!(4))),
        (Some(&choice), "5", Some(json!(5))),
        (Some(&choice), "perhaps", None),
        (Some(&choice), "", Some(json!(""))),
        (Some(&empty), "yes", Some(json!("yes"))),
        (Some(&twins), "ab", Some(json!(2))),
        (Some(&twins), "a_b", None),
        (Some(&twins), "AC", None),
        (Some(&several), "Persistence, InitialAccess", Some(json!("1,3"))),
        (Some(&several), "persistence,1, 3", Some(json!("1,3"))),
        (Some(&several), "Command, Control", Some(json!("7"))),
        (Some(&several), "Persistence, Impact", None),
        (Some(&several), "", Some(json!(""))),
        (Some(&untold), "1, 3", Some(json!("1, 3"))),
        (Some(&date), "2026-03-01T10:00:00.123Z", Some(json!("2026-03-01T10:00:00.123Z"))),
        (Some(&date), "2026-03-01", Some(json!("2026-03-01"))),
        (Some(&date), "", Some(json!(""))),
        (Some(&date), "soon", None),
        (Some(&check), "Yes", Some(json!(true))),
        (Some(&check), "1", Some(json!(true))),
        (Some(&check), "no", Some(json!(false))),
        (Some(&check), "", Some(json!(false))),
        (Some(&check), "perhaps", None),
        (Some(&text), "yes", Some(json!("yes"))),
        (None, "yes", Some(json!("yes"))),
    ];
    for (definition, filled, expected) in table {
        assert_eq!(field_value(definition, filled), expected, "{definition:?} {filled}");
    }
}

/// Halo tells a value in other forms than it takes it in, and drops what it does not take.
#[test]
fn what_was_sent_is_kept_where_something_of_the_kind_stands() {
    let table = [
        (json!(4), json!("4"), true),
        (json!(4), json!([{ "id": 4.0, "name": "Yes" }]), true),
        (json!(4), json!("5"), false),
        (json!(4), json!(""), false),
        (json!("1,3"), json!("3,1"), true),
        (json!("1,3"), json!([{ "id": 1, "name": "One" }, { "id": 3, "name": "Three" }]), true),
        (json!("1,3"), json!("1"), false),
        (json!("1,3"), json!("One, Three"), true),
        (json!("1,3"), json!(null), false),
        (json!(true), json!("Yes"), true),
        (json!(true), json!(false), false),
        (json!(false), json!(""), true),
        (json!("2026-03-01"), json!("2026-03-01T00:00:00"), true),
        (json!("2026-03-01"), json!("1900-01-01T00:00:00"), false),
        (json!("words"), json!("<p>words</p>"), true),
        (json!("words"), json!(" "), false),
        (json!(""), json!("whatever"), true),
    ];
    for (sent, stands, expected) in table {
        assert_eq!(kept(&sent, &stands), expected, "{sent} {stands}");
    }
}

#[test]
fn a_member_is_written_and_read_where_halo_has_it() {
    let scene = in_step();
    let placed = |member: &str, text: &str| {
        let source = FieldSource::Text(text.into());
        let rule = FieldRule::new(crate::domain::policy::Direction::ToHalo, crate::domain::policy::When::Always);
        let mapping = FieldMapping { field: FieldTarget::Member(member.into()), source, rule };
        place(&scene.catalogue, &scene.incident, None, &mapping)
    };
    let is = |member: &str, value: Value| Ok(Placed::Member(member.into(), value));
    assert_eq!(placed("impact", " 3 "), is("impact", json!(3)));
    assert!(placed("impact", "high").is_err());
    assert_eq!(placed("team", "3"), is("team", json!("3")), "a name may be a number");
    assert_eq!(placed("category_1", "Mail"), is("category_1", json!("Mail")));
    let ticket = Ticket {
        team: Some("Security".into()),
        category_1: None,
        raw: json!({ "team": "raw", "category_1": "raw", "impact": 3 }).into(),
        ..in_step().ticket.expect("there is one")
    };
    let there = |member: &str| Placed::Member(member.into(), Value::Null).there(&ticket);
    let some = |text: &str| Some(text.to_owned());
    assert_eq!([there("team"), there("category_1"), there("impact")], [some("Security"), some(""), some("3")]);
    assert_eq!(there("urgency"), None);
}

#[test]
fn the_last_twenty_free_places_are_taken_slowly() {
    let table = [(-1, false), (0, false), (74, false), (75, true), (76, true), (100, true)];
    for (comments, expected) in table {
        assert_eq!(notes::budget::counts_time(comments), expected, "{comments}");
    }
}

fn given_to_one_without_a_place(scene: &mut Scene) {
    scene.client.id = ClientId(uuid::Uuid::from_u128(98));
    scene.client.halo = None;
}

/// The place that a pair was made for, and the one that its workspace's client has by now.
#[test]
fn a_pair_without_a_ticket_is_homeless_once_its_client_has_another_place() {
    type Row = (&'static str, fn(&mut Scene), bool, bool);
    let other = || HaloBinding {
        connection: ConnectionId(uuid::Uuid::from_u128(99)),
        halo_client_id: 12,
        site_id: None,
        team: None,
    };
    let table: [Row; 6] = [
        ("as it was", |_| {}, false, false),
        (
            "the workspace was given to another client",
            |s| s.client.id = ClientId(uuid::Uuid::from_u128(98)),
            false,
            true,
        ),
        ("its client is not bound any more", |s| s.client.halo = None, false, true),
        ("the workspace was given to another client without a place", given_to_one_without_a_place, true, true),
        (
            "its client is another one in Halo",
            |s| s.client.halo.as_mut().expect("bound").halo_client_id = 13,
            true,
            true,
        ),
        ("a site is no other place", |s| s.client.halo.as_mut().expect("bound").site_id = Some(4), false, false),
    ];
    for (name, change, moved, without_home) in table {
        let mut scene = in_step();
        change(&mut scene);
        assert_eq!(displaced(&scene.client, &scene.pair), moved, "{name}");
        assert!(!homeless(&scene.client, &scene.pair), "{name}: it has a ticket");
        scene.pair.ticket = None;
        assert_eq!(homeless(&scene.client, &scene.pair), without_home, "{name}");
    }
    let mut scene = in_step();
    scene.client.halo = Some(other());
    assert!(displaced(&scene.client, &scene.pair), "another instance");
}
