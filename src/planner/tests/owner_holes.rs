//! Owners and agents who are nobody on the other side, and what becomes of them once they are somebody.

use super::{
    closing::shut,
    fields::rule,
    kept::drafted,
    owners::by_mail,
    scene::{Scene, in_step, words},
};
use crate::{
    domain::{
        catalogue::{Agent, Ref},
        operation::OperationKind,
        policy::Direction,
        reason::Reason,
        ticket::TicketChange,
    },
    planner::{Planned, agreed, choice},
};

#[test]
fn an_agent_who_is_nobody_in_entra_crosses_once_there_is_an_owner() {
    let mut scene = in_step();
    scene.ticket().agent_id = Some(6);
    let found = scene.plan();
    assert_eq!(found.items(), [Reason::Unmapped { table: "owner".into(), value: "Jonas".into() }]);
    let remedy = found.items()[0].remedy().unwrap_or_default();
    assert!(remedy.contains("mail address") && remedy.contains("agents"), "{remedy}");
    scene.queue(&found);
    assert_eq!(words(&scene.plan()), "behind needs-you unmapped", "however often it is read");
    scene.catalogue.agents[2].email = Some("jonas@soc.example".into());
    let crosses = "incident owner=jonas@soc.example because changed-in-halo; behind waiting changed-in-halo";
    assert_eq!(words(&scene.plan()), crosses);
    scene.catalogue.agents[2].email = None;
    scene.policy.agents = [("weber@contoso.example".to_owned(), Ref::Name("Jonas".into()))].into();
    assert!(words(&scene.plan()).starts_with("incident owner=weber@contoso.example "), "by a row of the table too");
}

/// However the ticket came to who has it, nothing was agreed on of an owner who was nobody in Halo.
#[test]
fn an_owner_who_is_nobody_in_halo_crosses_once_there_is_an_agent() {
    let mapped = "ticket agent=5 because changed-in-sentinel; behind waiting changed-in-sentinel";
    let row = |scene: &mut Scene| scene.policy.agents = [("x@y.example".to_owned(), Ref::Name("Amira".into()))].into();
    for (fallback, agent, rests) in
        [(None, 1, "behind needs-you unmapped"), (Some("Jonas"), 6, "in-step healthy unmapped")]
    {
        let mut scene = in_step();
        scene.incident.owner = by_mail("x@y.example");
        scene.policy.agent = fallback.map(|name: &str| Ref::Name(name.into()));
        scene.ticket().agent_id = Some(agent);
        (scene.pair.base.owner, scene.pair.base.agent_id) = (scene.incident.owner.key(), Some(agent));
        let plan = scene.plan();
        assert_eq!(words(&plan), rests);
        scene.queue(&plan);
        let again = scene.plan();
        assert_eq!((words(&again).as_str(), &again.base), (rests, &None), "and it rests");
        let mut taken = scene.clone();
        taken.ticket().agent_id = Some(5);
        let said = words(&taken.plan());
        assert!(said.starts_with("incident owner=amira@soc.example because changed-in-halo;"), "{said}");
        // Taken off again where nothing crosses back, the fallback is not given it anew.
        let mut left = scene.clone();
        left.policy.owner = rule(Direction::ToHalo);
        left.ticket().agent_id = Some(1);
        for _ in 0..2 {
            let plan = left.plan();
            assert_eq!(plan.operations, [], "{fallback:?}");
            left.queue(&plan);
        }
        let mut closed = scene.clone();
        shut(&mut closed);
        let plan = closed.plan();
        closed.queue(&plan);
        row(&mut closed);
        assert_eq!(words(&closed.plan()), "in-step healthy -", "nobody asks for it any more");
        row(&mut scene);
        assert_eq!(words(&scene.plan()), mapped, "{fallback:?}");
    }
    // Given away in Sentinel: who has the ticket keeps it until then.
    let mut scene = in_step();
    scene.pair.base.owner = Some("jonas@soc.example".into());
    (scene.ticket().agent_id, scene.pair.base.agent_id) = (Some(6), Some(6));
    scene.incident.owner = by_mail("x@y.example");
    let plan = scene.plan();
    assert_eq!(words(&plan), "behind needs-you unmapped");
    scene.queue(&plan);
    assert_eq!(scene.plan().base, None, "and it rests");
    row(&mut scene);
    assert_eq!(words(&scene.plan()), mapped);
    // While no agent is known at all, what was left apart stays so.
    let mut scene = in_step();
    scene.incident.owner = by_mail("amira@soc.example");
    scene.pair.base.owner = scene.incident.owner.key();
    let agents = std::mem::take(&mut scene.catalogue.agents);
    let plan = scene.plan();
    scene.queue(&plan);
    scene.catalogue.agents = agents;
    assert_eq!(words(&scene.plan()), "in-step healthy -");
}

/// Its making was never answered, or a restored database has forgotten it.
#[test]
fn who_took_a_ticket_before_it_was_found_keeps_it_once_its_owner_is_mapped() {
    for (fallback, agent, given) in
        [(None, 6, false), (Some("Jonas"), 8, false), (Some("Jonas"), 6, true), (None, 99, true), (None, 1, true)]
    {
        let mut scene = in_step();
        scene.catalogue.agents.push(Agent { id: 8, name: "Desk".into(), email: None, object_id: None });
        scene.policy.agent = fallback.map(|name: &str| Ref::Name(name.into()));
        scene.incident.owner = by_mail("x@y.example");
        scene.ticket().agent_id = Some(agent);
        let (draft, ticket) = (scene.with(drafted), scene.ticket().clone());
        let Scene { policy, catalogue, incident, .. } = &scene;
        let mut begun = agreed::at_creation(incident);
        agreed::without_holes(&mut begun, policy, catalogue, &draft, incident);
        let settled = agreed::with_settled(begun.clone(), &draft, &ticket);
        let found = agreed::with_found(begun, policy, catalogue, incident, &ticket, false);
        for mut base in [settled, found] {
            agreed::note_birth(&mut base, policy, catalogue, &draft, &ticket, true);
            let mut scene = scene.clone();
            scene.pair.base = base;
            let plan = scene.plan();
            scene.queue(&plan);
            scene.operations.clear();
            scene.policy.agents = [("x@y.example".to_owned(), Ref::Name("Amira".into()))].into();
            let to_amira = |planned: &Planned| matches!(&planned.kind, OperationKind::UpdateTicket { change } if change.agent_id == Some(5));
            assert_eq!(scene.plan().operations.iter().any(to_amira), given, "{fallback:?} {agent}");
        }
    }
}

/// A fallback that is named later is given the ticket, and stands in for the owner until they are mapped.
#[test]
fn a_fallback_that_is_named_later_gets_the_ticket_of_an_owner_who_is_nobody_in_halo() {
    let mut scene = in_step();
    scene.incident.owner = by_mail("x@y.example");
    scene.pair.base.owner = scene.incident.owner.key();
    let plan = scene.plan();
    scene.queue(&plan);
    scene.policy.agent = Some(Ref::Name("Jonas".into()));
    let plan = scene.plan();
    assert_eq!(words(&plan), "ticket agent=6 because changed-in-sentinel; behind waiting changed-in-sentinel");
    scene.ticket().agent_id = Some(6);
    let change = TicketChange { agent_id: Some(6), ..TicketChange::default() };
    let answer = scene.ticket().clone();
    scene.pair.base = agreed::after_ticket(scene.pair.base.clone(), &scene.incident, &change, &answer, false);
    let plan = scene.plan();
    assert_eq!(words(&plan), "in-step healthy unmapped");
    scene.queue(&plan);
    scene.catalogue.agents[1].email = Some("x@y.example".into());
    assert_eq!(words(&scene.plan()), "ticket agent=5 because changed-in-sentinel; behind waiting changed-in-sentinel");
}

#[test]
fn an_agent_that_halo_keeps_otherwise_is_open_until_somebody_settles_it() {
    let mut scene = in_step();
    scene.catalogue.agents[2].email = Some("jonas@soc.example".into());
    scene.incident.owner = by_mail("amira@soc.example");
    let change = TicketChange { agent_id: Some(5), ..TicketChange::default() };
    // A rule of Halo's gives it to Jonas.
    scene.ticket().agent_id = Some(6);
    let answer = scene.ticket().clone();
    scene.pair.base = agreed::after_ticket(scene.pair.base.clone(), &scene.incident, &change, &answer, false);
    let plan = scene.plan();
    assert_eq!((words(&plan).as_str(), plan.base), ("behind needs-you halo-kept", None));
    let said = scene.plan().items()[0].words();
    assert_eq!(said, "Halo kept another agent than was sent: “Jonas”, not “Amira”.");
    // Either side moves: it is over.
    let mut corrected = scene.clone();
    corrected.ticket().agent_id = Some(5);
    assert_eq!(words(&corrected.plan()), "in-step healthy -");
    let mut given = scene.clone();
    given.incident.owner = by_mail("jonas@soc.example");
    assert_eq!(words(&given.plan()), "in-step healthy -");
    // Whom an agent gives it to is a change, and crosses.
    let mut moved = scene.clone();
    moved.catalogue.agents.push(Agent { id: 8, name: "Desk".into(), email: Some("d@x".into()), object_id: None });
    moved.ticket().agent_id = Some(8);
    assert_eq!(words(&moved.plan()), "incident owner=d@x because changed-in-halo; behind waiting changed-in-halo");
    // A closed matter asks nobody.
    let mut closed = scene.clone();
    shut(&mut closed);
    assert_eq!(words(&closed.plan()), "in-step healthy -");
    // Or a person leaves it.
    let (label, decision) = scene.with(choice::choices)[0].answers[0].clone();
    assert_eq!(label, "Leave the agent as Halo has it");
    scene.pair.decisions.push(decision);
    let plan = scene.plan();
    assert_eq!(words(&plan), "in-step healthy -");
    assert!(plan.base.is_some_and(|base| base.kept.is_empty()));
    // What is to be nobody's, and is given to our own agent for what it writes, is nobody's.
    for (kept, expected) in [(99, "in-step healthy -"), (6, "behind needs-you halo-kept")] {
        let mut scene = in_step();
        let change = TicketChange { agent_id: Some(1), ..TicketChange::default() };
        scene.ticket().agent_id = Some(kept);
        let answer = scene.ticket().clone();
        scene.pair.base = agreed::after_ticket(scene.pair.base.clone(), &scene.incident, &change, &answer, false);
        assert_eq!(words(&scene.plan()), expected);
    }
}
