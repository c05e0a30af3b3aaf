//! Priorities and the SLA that they belong to.

use super::scene::{Scene, in_step, words};
use crate::{
    domain::{
        catalogue::{Priority, Ref},
        incident::Severity,
        pair::Kept,
        policy::{Direction, FieldRule, When, Wins},
        ticket::TicketChange,
    },
    planner::{agreed, choice, mapping},
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
    // A name of another SLA is none of this ticket's, and the table has its row already.
    let mut other = scene.clone();
    other.policy.priorities.insert("High".into(), Ref::Name("Urgent".into()));
    let refused = mapping::priority(&other.policy, &other.catalogue, &Severity::High).unwrap_err();
    assert_eq!(refused.words(), "“High” is mapped to “Urgent”, and Halo has no such priority for the ticket.");
    assert!(refused.remedy().is_some_and(|remedy| remedy.starts_with("Name a priority of the ticket type's SLA")));
    scene.policy.severity.wins = Wins::Ask;
    scene.incident.severity = Severity::High;
    let plan = scene.plan();
    assert!(plan.items().iter().any(|item| item.words().contains("“P4 - Low”")), "{:?}", plan.items());
}

#[test]
fn a_priority_that_halo_keeps_otherwise_is_open_until_somebody_settles_it() {
    let mut scene = in_step();
    scene.incident.severity = Severity::High;
    let change = TicketChange { priority_id: Some(2), ..TicketChange::default() };
    // A rule of Halo's makes it low.
    scene.ticket().priority_id = Some(4);
    let answer = scene.ticket().clone();
    scene.pair.base = agreed::after_ticket(scene.pair.base.clone(), &scene.incident, &change, &answer, false);
    let plan = scene.plan();
    assert_eq!((words(&plan).as_str(), plan.base), ("behind needs-you halo-kept", None));
    let said = scene.plan().items()[0].words();
    assert_eq!(said, "Halo kept another priority than was sent: “Low”, not “High”.");
    // Either side moves: it is over.
    let mut high = scene.clone();
    high.ticket().priority_id = Some(2);
    assert_eq!(words(&high.plan()), "in-step healthy -");
    let mut low = scene.clone();
    low.incident.severity = Severity::Low;
    assert_eq!(words(&low.plan()), "in-step healthy -");
    // An agent's own choice is none of this.
    let mut chosen = scene.clone();
    chosen.ticket().priority_id = Some(3);
    assert_eq!(words(&chosen.plan()), "in-step healthy -");
    // Or a person leaves it.
    let choices = scene.with(choice::choices);
    let (label, decision) = choices[0].answers[0].clone();
    assert_eq!(label, "Leave the priority as Halo has it");
    scene.pair.decisions.push(decision);
    let plan = scene.plan();
    assert_eq!(words(&plan), "in-step healthy -");
    assert!(plan.base.is_some_and(|base| base.kept.is_empty()));
}

#[test]
fn a_ticket_type_that_halo_chose_is_said_and_asks_nobody() {
    let mut scene = in_step();
    scene.pair.base.kept.insert(agreed::TICKET_TYPE.into(), Kept { sent: 22, kept: 21 });
    let plan = scene.plan();
    assert_eq!(words(&plan), "in-step healthy halo-kept");
    let said = plan.remarks()[0].words();
    assert_eq!(said, "Halo kept another ticket type than was sent: “Security Incident”, not “22”.");
    scene.ticket().ticket_type_id = Some(22);
    assert_eq!(words(&scene.plan()), "in-step healthy -");
}

#[test]
fn a_priority_of_another_sla_is_none_that_the_ticket_can_have() {
    let mut scene = in_step();
    let named = |name: &str, sla: i64| Priority { id: 1, name: name.into(), sla_id: Some(sla) };
    scene.catalogue.priorities = vec![named("Critical", 1), named("P1 - Critical", 2)];
    scene.catalogue.ticket_types[0].default_sla = Some(2);
    scene.policy.priorities = [("High".into(), Ref::Name("Critical".into()))].into();
    let reason = mapping::priority(&scene.policy, &scene.catalogue, &Severity::High).unwrap_err();
    // The row is there: to ask for one would send the reader the wrong way.
    assert_eq!(reason.words(), "“High” is mapped to “Critical”, and Halo has no such priority for the ticket.");
    let remedy =
        "Name a priority of the ticket type's SLA in the policy's “priorities” table, then press “Look again”.";
    assert_eq!(reason.remedy().as_deref(), Some(remedy));
    let reason = mapping::priority(&scene.policy, &scene.catalogue, &Severity::Low).unwrap_err();
    assert_eq!(reason.words(), "No priority is mapped for “Low”.");
}
