//! Priorities and the SLA that they belong to.

use super::scene::{Scene, in_step, words};
use crate::domain::{
    catalogue::{Priority, Ref},
    incident::Severity,
    policy::{Direction, FieldRule, When, Wins},
};

#[test]
fn a_priority_goes_by_the_name_that_the_ticket_types_sla_gives_it() {
    // Another SLA comes first and calls the same priority otherwise.
    let arrange = |scene: &mut Scene| {
        let named = |id: i64, name: &str, sla: i64| Priority { id, name: name.into(), sla_id: Some(sla) };
        let first = [named(2, "Urgent", 1), named(4, "Low", 1)];
        let own = [named(2, "P2 - High", 2), named(3, "P3 - Medium", 2), named(4, "P4 - Low", 2)];
        scene.catalogue.priorities = first.into_iter().chain(own).collect();
        scene.catalogue.ticket_types[0].default_sla = Some(2);
        scene.policy.priorities =
            [("High", "P2 - High"), ("Medium", "P3 - Medium")].map(|(s, p)| (s.into(), Ref::Name(p.into()))).into();
        scene.policy.severity = FieldRule::new(Direction::Both, When::Always);
        scene.ticket().priority_id = Some(4);
    };
    let mut scene = in_step();
    arrange(&mut scene);
    let plan = scene.plan();
    let reason = plan.items().first().expect("an open item");
    assert_eq!(reason.words(), "No severity is mapped for “P4 - Low”.");
    assert!(reason.remedy().is_some_and(|remedy| remedy.contains("priorities_back")), "{reason:?}");
    scene.policy.priorities_back = vec![(Ref::Name("P4 - Low".into()), "Informational".into())];
    assert_eq!(
        words(&scene.plan()),
        "incident severity=Informational because changed-in-halo; behind waiting changed-in-halo"
    );
    scene.policy.severity.wins = Wins::Ask;
    scene.incident.severity = Severity::High;
    let plan = scene.plan();
    assert!(plan.items().iter().any(|item| item.words().contains("“P4 - Low”")), "{:?}", plan.items());
}
