//! The loop finder: a table of policies and what is found in them, and its laws over all small tables.

use proptest::prelude::*;

use super::scene::{self, CLOSED, HOLD, Scene};
use crate::{
    domain::{
        catalogue::{Agent, Named, Priority, Ref},
        failure::Side,
        policy::{Direction, FieldRule, When},
        round_trip::{End, RoundTrip},
        view::probe::Level,
    },
    planner::loops::{self, Field},
};

fn name(text: &str) -> Ref {
    Ref::Name(text.to_owned())
}

/// Nothing is found in it: every value has its own counterpart.
fn whole() -> Scene {
    let mut scene = scene::in_step();
    scene.policy.severity = FieldRule::new(Direction::Both, When::Always);
    scene.catalogue.priorities.push(Priority { id: 5, name: "Info".into(), sla_id: Some(5) });
    scene.policy.priorities.insert("Informational".into(), name("Info"));
    scene.catalogue.statuses.retain(|row| row.id != HOLD);
    scene.catalogue.closed_statuses = vec![CLOSED];
    scene.catalogue.agents.retain(|agent| agent.name != "Jonas");
    if let Some(field) = scene.catalogue.fields.iter_mut().find(|field| field.id == 112) {
        let option = |id: i64, name: &str| Named { id, name: name.to_owned() };
        field.options = vec![
            option(1, "True positive"),
            option(2, "False alarm"),
            option(3, "Undetermined"),
            option(4, "Benign Positive - Suspicious But Expected"),
            option(5, "False Positive - Incorrect Alert Logic"),
        ];
    }
    scene
}

fn found(scene: &Scene) -> Vec<RoundTrip> {
    loops::find(&scene.policy, &scene.catalogue)
}

fn agent(id: i64, name: &str, mail: Option<&str>) -> Agent {
    Agent { id, name: name.into(), email: mail.map(str::to_owned), object_id: None }
}

/// What is changed; what is found: field, end, way, how grave.
type Case = (fn(&mut Scene), &'static [(&'static str, End, &'static str, Level)]);

const CASES: &[Case] = &[
    (|_| {}, &[]),
    // Severity.
    (
        |s| {
            s.policy.priorities.remove("Low");
        },
        &[("severity", End::Hole, "Low", Level::Fault), ("severity", End::Hole, "“Low”", Level::Note)],
    ),
    (
        |s| {
            s.policy.priorities.insert("High".into(), name("Gone"));
        },
        &[("severity", End::Hole, "High", Level::Fault), ("severity", End::Hole, "“High”", Level::Note)],
    ),
    (
        // A priority of another SLA is none of this ticket type's.
        |s| {
            s.catalogue.priorities.push(Priority { id: 9, name: "Elsewhere".into(), sla_id: Some(6) });
            s.policy.priorities.insert("High".into(), name("Elsewhere"));
        },
        &[("severity", End::Hole, "High", Level::Fault), ("severity", End::Hole, "“High”", Level::Note)],
    ),
    (
        |s| {
            s.policy.priorities.insert("Informational".into(), name("Low"));
            s.policy.priorities_back.push((name("Info"), "Informational".into()));
        },
        &[("severity", End::Elsewhere, "Informational → “Low” → Low", Level::Note)],
    ),
    (
        |s| s.policy.priorities_back = vec![(name("High"), "Low".into()), (name("Low"), "High".into())],
        &[("severity", End::Cycle, "High → “High” → Low → “Low” → High", Level::Fault)],
    ),
    (
        |s| {
            s.policy.priorities_back =
                vec![(name("High"), "Medium".into()), (name("Medium"), "Low".into()), (name("Low"), "High".into())];
        },
        &[("severity", End::Cycle, "High → “High” → Medium → “Medium” → Low → “Low” → High", Level::Fault)],
    ),
    (
        // To Halo only: what there is no way back from is no hole.
        |s| {
            s.policy.severity = FieldRule::new(Direction::ToHalo, When::Always);
            s.policy.priorities.insert("Informational".into(), name("Low"));
        },
        &[],
    ),
    (
        |s| {
            s.policy.severity = FieldRule::new(Direction::None, When::Always);
            s.policy.priorities.clear();
        },
        &[],
    ),
    // Status.
    (
        |s| {
            s.policy.statuses.remove("Active");
        },
        &[("status", End::Hole, "Active", Level::Fault), ("status", End::Hole, "“In Progress”", Level::Note)],
    ),
    (
        |s| s.catalogue.statuses.push(Named { id: HOLD, name: "On Hold".into() }),
        &[("status", End::Hole, "“On Hold”", Level::Note)],
    ),
    (
        |s| {
            s.catalogue.statuses.push(Named { id: HOLD, name: "On Hold".into() });
            s.policy.statuses_back.push((name("On Hold"), "Active".into()));
        },
        &[],
    ),
    (
        |s| {
            s.policy.statuses.insert("New".into(), name("In Progress"));
        },
        &[
            ("status", End::Hole, "“New”", Level::Note),
            ("status", End::Elsewhere, "New → “In Progress” → Active", Level::Note),
        ],
    ),
    (
        // Tickets that are born closed.
        |s| {
            s.policy.statuses.insert("New".into(), name("Closed"));
        },
        &[
            ("status", End::Hole, "“New”", Level::Note),
            ("status", End::Elsewhere, "New → “Closed” → Closed", Level::Fault),
        ],
    ),
    (
        |s| {
            s.policy.statuses.insert("Closed".into(), name("Resolved"));
            s.catalogue.statuses.push(Named { id: 8, name: "Resolved".into() });
        },
        &[("status", End::NotClosed, "Closed → “Resolved”", Level::Note)],
    ),
    (
        |s| s.policy.statuses_back = vec![(name("New"), "Active".into()), (name("In Progress"), "New".into())],
        &[("status", End::Cycle, "New → “New” → Active → “In Progress” → New", Level::Fault)],
    ),
    (
        // Open in Halo, and closed on the way back: the ticket is moved on by its own status.
        |s| {
            s.catalogue.statuses.push(Named { id: 8, name: "Resolved".into() });
            s.policy.statuses_back.push((name("Resolved"), "Closed".into()));
        },
        &[("status", End::Closes, "“Resolved” → Closed → “Closed”", Level::Fault)],
    ),
    (
        // The same, counted as closed by the policy: then it stays.
        |s| {
            s.catalogue.statuses.push(Named { id: 8, name: "Resolved".into() });
            s.policy.statuses_back.push((name("Resolved"), "Closed".into()));
            s.policy.closed_statuses = vec![name("Resolved")];
        },
        &[],
    ),
    (
        // Closed in Halo, and open on the way back: the row is not heeded.
        |s| {
            s.catalogue.statuses.push(Named { id: 8, name: "Cancelled".into() });
            s.catalogue.closed_statuses.push(8);
            s.policy.statuses_back.push((name("Cancelled"), "New".into()));
        },
        &[("status", End::Unheeded, "“Cancelled” → New", Level::Fault)],
    ),
    // Classification.
    (
        |s| {
            if let Some(field) = s.catalogue.fields.iter_mut().find(|field| field.id == 112) {
                field.options.retain(|option| option.id != 4);
                field.options.push(Named { id: 6, name: "Not sure".into() });
            }
        },
        &[
            ("classification", End::Hole, "BenignPositive (SuspiciousButExpected)", Level::Note),
            ("classification", End::Hole, "“Not sure”", Level::Note),
        ],
    ),
    (|s| s.policy.classification_field = None, &[]),
    (|s| s.policy.classification_field = Some(name("CFTactics")), &[]),
    // Owners.
    (
        |s| {
            s.policy.agents.insert("ana@contoso.example".into(), name("Nobody"));
        },
        &[("owner", End::Hole, "ana@contoso.example", Level::Fault)],
    ),
    (|s| s.catalogue.agents.push(agent(6, "Jonas", None)), &[("owner", End::Hole, "“Jonas”", Level::Note)]),
    (
        // Two owners, one agent: the table's first comes back.
        |s| {
            s.catalogue.agents.push(agent(6, "Jonas", None));
            s.policy.agents.insert("ana@contoso.example".into(), name("Jonas"));
            s.policy.agents.insert("bea@contoso.example".into(), name("Jonas"));
        },
        &[("owner", End::Elsewhere, "bea@contoso.example → “Jonas” → ana@contoso.example", Level::Note)],
    ),
    (
        // The address of one agent is mapped to another.
        |s| {
            s.catalogue.agents.push(agent(6, "Jonas", Some("jonas@soc.example")));
            s.policy.agents.insert("amira@soc.example".into(), name("Jonas"));
            s.policy.agents.insert("jonas@soc.example".into(), name("Amira"));
        },
        &[],
    ),
];

#[test]
fn each_policy_shows_what_does_not_make_the_round() {
    for (number, (change, wanted)) in CASES.iter().enumerate() {
        let mut scene = whole();
        change(&mut scene);
        let trips = found(&scene);
        let got: Vec<(&str, End, String, Level)> =
            trips.iter().map(|trip| (trip.field.as_str(), trip.end, trip.way(), trip.level())).collect();
        let wanted: Vec<(&str, End, String, Level)> =
            wanted.iter().map(|(field, end, way, level)| (*field, *end, (*way).to_owned(), *level)).collect();
        assert_eq!(got, wanted, "case {number}");
        for trip in &trips {
            assert!(trip.says().contains(&trip.way()) && trip.says().ends_with('.'), "{}", trip.says());
            assert!(trip.fix().ends_with('.') && trip.fix().len() > 10, "{}", trip.fix());
        }
    }
}

/// A table over a few values: where each leads, if anywhere.
fn tables() -> impl Strategy<Value = (Vec<Option<u8>>, Vec<Option<u8>>)> {
    let side = || prop::collection::vec(prop::option::weighted(0.85, 0_u8..5), 5);
    (side(), side())
}

fn at(table: &[Option<u8>], value: u8) -> Option<u8> {
    table.get(usize::from(value)).copied().flatten()
}

proptest! {
    #[test]
    fn nothing_is_found_only_where_every_value_comes_back((forth, back) in tables()) {
        let all: Vec<u8> = (0..5).collect();
        let shown = |value: &u8| value.to_string();
        let field = Field { name: "severity", from: Side::Sentinel, here: &all, there: &all, shown: (&shown, &shown) };
        let home = |value: &u8| at(&back, *value);
        let trips = loops::walk(&field, |value| at(&forth, *value), Some(&home));
        let holes = |table: &[Option<u8>]| table.iter().filter(|to| to.is_none()).count();
        let round = |value: u8| at(&forth, value).and_then(|middle| at(&back, middle));
        let astray: Vec<u8> = all.iter().copied().filter(|v| round(*v).is_some_and(|end| end != *v)).collect();
        // Each hole once.
        let told = trips.iter().filter(|trip| trip.end == End::Hole).count();
        prop_assert_eq!(told, holes(&forth) + holes(&back));
        // Each way is one that the tables lead.
        for trip in &trips {
            let values: Vec<u8> = trip.stops.iter().filter_map(|stop| stop.value.parse().ok()).collect();
            for (number, pair) in trip.stops.windows(2).zip(values.windows(2)) {
                let [from, to] = pair else { continue };
                let table = if number[0].side == Side::Sentinel { &forth } else { &back };
                prop_assert_eq!(at(table, *from), Some(*to));
                prop_assert_ne!(number[0].side, number[1].side);
            }
            match trip.end {
                End::Cycle => {
                    prop_assert_eq!(values.first(), values.last());
                    prop_assert!(values.len() >= 5);
                }
                End::Elsewhere => prop_assert!(values.len() == 3 && values.first() != values.last()),
                _ => prop_assert_eq!(values.len(), 1),
            }
        }
        // Every value that goes astray is told of: by itself, or on its cycle.
        for value in astray {
            let on = |trip: &RoundTrip| {
                let own = |stop: &crate::domain::round_trip::Stop| {
                    stop.side == Side::Sentinel && stop.value == value.to_string()
                };
                match trip.end {
                    End::Elsewhere => trip.stops.first().is_some_and(own),
                    End::Cycle => trip.stops.iter().any(own),
                    _ => false,
                }
            };
            prop_assert!(trips.iter().any(on), "{} is told of", value);
        }
    }
}

#[test]
fn the_stock_policy_of_a_stock_instance_has_no_fault() {
    let mut scene = whole();
    scene.policy.statuses = crate::domain::policy::Policy::new(
        scene.policy.id,
        "stock",
        name("Security Incident"),
        crate::domain::policy::NotesRule::Public,
    )
    .statuses;
    let faults: Vec<String> =
        found(&scene).iter().filter(|trip| trip.level() == Level::Fault).map(RoundTrip::says).collect();
    assert!(faults.is_empty(), "{faults:?}");
}

#[test]
fn a_classification_field_is_walked_by_its_id_too() {
    let without = |field: Ref| {
        let mut scene = whole();
        scene.policy.classification_field = Some(field);
        if let Some(field) = scene.catalogue.fields.iter_mut().find(|field| field.id == 112) {
            field.options.retain(|option| option.name != "Undetermined");
        }
        found(&scene)
    };
    assert!(!without(name("CFClass")).is_empty());
    assert_eq!(without(Ref::Id(112)), without(name("CFClass")));
}

/// A row by object id leads to its agent; of two rows of one agent the other one comes back as the agent's own address.
#[test]
fn rows_of_one_person_are_one_owner() {
    let with = |rows: &[&str]| {
        let mut scene = whole();
        scene.policy.agents = rows.iter().map(|key| ((*key).to_owned(), name("Amira"))).collect();
        found(&scene)
    };
    assert_eq!(with(&["11111111-2222-4333-8444-555555555555"]), []);
    assert_eq!(with(&["alias@soc.example", "amira@soc.example"]), []);
    assert!(!with(&["alias@soc.example", "other@soc.example"]).is_empty());
}
