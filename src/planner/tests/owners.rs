//! Owner and agent: what crosses, which way, and when.

use super::{
    closing::shut,
    fields::rule,
    scene::{check, in_step},
};
use crate::domain::{
    catalogue::{Agent, Ref},
    incident::Owner,
    policy::Direction,
};

pub(super) fn by_mail(address: &str) -> Owner {
    Owner { email: Some(address.into()), ..Owner::default() }
}

#[test]
fn owner_and_agent() {
    check(&[
        (
            "an owner with an agent of the same mail address",
            |s| s.incident.owner = Owner { user_principal_name: Some("Amira@SOC.example".into()), ..Owner::default() },
            "ticket agent=5 because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            "the object id comes before the mail address",
            |s| {
                s.catalogue.agents[2].object_id = Some("0B1D".into());
                s.incident.owner = Owner {
                    object_id: Some("0b1d".into()),
                    email: Some("amira@soc.example".into()),
                    ..Owner::default()
                };
            },
            "ticket agent=6 because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            "the policy's table comes before both",
            |s| {
                s.catalogue.agents[2].object_id = Some("0b1d".into());
                s.policy.agents = [("amira@soc.example".to_owned(), Ref::Name("Amira".into()))].into();
                s.incident.owner = Owner {
                    object_id: Some("0b1d".into()),
                    email: Some("amira@soc.example".into()),
                    ..Owner::default()
                };
            },
            "ticket agent=5 because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            "an owner who is nobody in Halo gets the configured fallback",
            |s| {
                s.policy.agent = Some(Ref::Name("Jonas".into()));
                s.incident.owner = by_mail("x@y.example");
            },
            "ticket agent=6 because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            "without a fallback it is an open item",
            |s| s.incident.owner = by_mail("x@y.example"),
            "behind needs-you unmapped",
        ),
        (
            "and stays one once the ticket is there and nothing moves",
            |s| {
                s.incident.owner = by_mail("x@y.example");
                s.pair.base.owner = s.incident.owner.key();
            },
            "behind needs-you unmapped",
        ),
        (
            "also when the ticket has an agent already",
            |s| {
                s.incident.owner = by_mail("x@y.example");
                s.ticket().agent_id = Some(5);
                s.pair.base.agent_id = Some(5);
            },
            "behind needs-you unmapped",
        ),
        (
            "with a fallback it is said, and nobody has to act",
            |s| {
                s.incident.owner = by_mail("x@y.example");
                s.policy.agent = Some(Ref::Name("Jonas".into()));
                s.ticket().agent_id = Some(6);
                s.pair.base.agent_id = Some(6);
            },
            "in-step healthy unmapped",
        ),
        (
            "a fallback that Halo doesn't know is none",
            |s| {
                s.incident.owner = by_mail("x@y.example");
                s.policy.agent = Some(Ref::Name("Nobody".into()));
            },
            "behind needs-you unmapped",
        ),
        (
            "a row whose name two agents have means neither, though one has the owner's mail address",
            |s| {
                s.catalogue.agents[2].name = "AMIRA ".into();
                s.policy.agents = [("amira@soc.example".to_owned(), Ref::Name("Amira".into()))].into();
                s.incident.owner = by_mail("amira@soc.example");
            },
            "behind needs-you ambiguous",
        ),
        (
            "by its id it works",
            |s| {
                s.catalogue.agents[2].name = "Amira".into();
                s.policy.agents = [("amira@soc.example".to_owned(), Ref::Id(6))].into();
                s.incident.owner = by_mail("amira@soc.example");
            },
            "ticket agent=6 because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            "an address that two agents have means neither",
            |s| {
                s.catalogue.agents[2].email = Some("AMIRA@soc.example".into());
                s.incident.owner = Owner { user_principal_name: Some("amira@soc.example".into()), ..Owner::default() };
            },
            "behind needs-you ambiguous",
        ),
        (
            "with a fallback the ticket goes there meanwhile",
            |s| {
                s.catalogue.agents[2].email = Some("amira@soc.example".into());
                s.catalogue.agents.push(Agent { id: 8, name: "Desk".into(), email: None, object_id: None });
                s.policy.agent = Some(Ref::Name("Desk".into()));
                s.incident.owner = Owner { email: Some("amira@soc.example".into()), ..Owner::default() };
            },
            "ticket agent=8 because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            "one of the two has the ticket already: nobody is asked",
            |s| {
                s.catalogue.agents[2].email = Some("amira@soc.example".into());
                s.incident.owner = Owner { email: Some("amira@soc.example".into()), ..Owner::default() };
                s.ticket().agent_id = Some(6);
            },
            "in-step healthy -",
        ),
        (
            "a row of the table says which of the two",
            |s| {
                s.catalogue.agents[2].email = Some("amira@soc.example".into());
                s.policy.agents = [("amira@soc.example".to_owned(), Ref::Id(6))].into();
                s.incident.owner = Owner { email: Some("amira@soc.example".into()), ..Owner::default() };
            },
            "ticket agent=6 because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            "the sign-in name goes before the mail address",
            |s| {
                s.catalogue.agents[2].email = Some("jonas@soc.example".into());
                let (upn, mail) = (Some("jonas@soc.example".into()), Some("amira@soc.example".into()));
                s.incident.owner = Owner { user_principal_name: upn, email: mail, ..Owner::default() };
            },
            "ticket agent=6 because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            "a fallback whose name two agents have is none",
            |s| {
                s.catalogue.agents[2].name = "Amira".into();
                s.policy.agent = Some(Ref::Name("Amira".into()));
                s.incident.owner = by_mail("x@y.example");
            },
            "behind needs-you ambiguous",
        ),
        (
            "a fallback that Halo doesn't know leaves what nobody owns to nobody, and says so",
            |s| s.policy.agent = Some(Ref::Name("Nobody".into())),
            "behind needs-you unmapped",
        ),
        (
            "so does one whose name two agents have",
            |s| {
                s.catalogue.agents[2].name = "Amira".into();
                s.policy.agent = Some(Ref::Name("Amira".into()));
            },
            "behind needs-you ambiguous",
        ),
        (
            "once an agent has the ticket, nobody asks",
            |s| {
                s.policy.agent = Some(Ref::Name("Nobody".into()));
                s.ticket().agent_id = Some(5);
                s.pair.base.agent_id = Some(5);
            },
            "in-step healthy -",
        ),
        (
            "a row may name an agent by mail address",
            |s| {
                s.policy.agents = [("x@y.example".to_owned(), Ref::Name("Amira@soc.example".into()))].into();
                s.incident.owner = by_mail("x@y.example");
            },
            "ticket agent=5 because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            "an id is believed where Halo handed out only a part of its agents",
            |s| {
                s.catalogue.partial = vec!["agent".into()];
                s.policy.agents = [("x@y.example".to_owned(), Ref::Id(44))].into();
                s.incident.owner = by_mail("x@y.example");
            },
            "ticket agent=44 because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            "a closed incident needs no agent any more",
            |s| {
                s.incident.owner = by_mail("x@y.example");
                s.pair.base.owner = s.incident.owner.key();
                shut(s);
            },
            "in-step healthy unmapped",
        ),
        (
            "the policy carries no owners: nothing is said",
            |s| {
                s.incident.owner = by_mail("x@y.example");
                s.policy.owner.direction = Direction::None;
            },
            "in-step healthy -",
        ),
        (
            "an agent took the ticket",
            |s| s.ticket().agent_id = Some(5),
            "incident owner=amira@soc.example because changed-in-halo; behind waiting changed-in-halo",
        ),
        (
            "of several rows that mean the agent the one with the agent's own address is the owner",
            |s| {
                s.policy.agents = ["alice@soc.example", "amira@soc.example"]
                    .map(|address| (address.to_owned(), Ref::Name("Amira".into())))
                    .into();
                s.ticket().agent_id = Some(5);
            },
            "incident owner=amira@soc.example because changed-in-halo; behind waiting changed-in-halo",
        ),
        (
            "where none of them has it, the agent's own address is",
            |s| {
                s.policy.agents = ["alice@soc.example", "bob@soc.example"]
                    .map(|address| (address.to_owned(), Ref::Name("Amira".into())))
                    .into();
                s.ticket().agent_id = Some(5);
            },
            "incident owner=amira@soc.example because changed-in-halo; behind waiting changed-in-halo",
        ),
        (
            "one row that means the agent is the owner, whatever the agent's own address",
            |s| {
                s.policy.agents = [("alice@soc.example".to_owned(), Ref::Name("Amira".into()))].into();
                s.ticket().agent_id = Some(5);
            },
            "incident owner=alice@soc.example because changed-in-halo; behind waiting changed-in-halo",
        ),
        (
            "an agent who is nobody in Entra is an open item",
            |s| s.ticket().agent_id = Some(6),
            "behind needs-you unmapped",
        ),
        (
            "so is one whom the look-ups do not know (yet)",
            |s| s.ticket().agent_id = Some(44),
            "behind needs-you unmapped",
        ),
        (
            "our own agent, to whom Halo may give what we write in, is nobody",
            |s| s.ticket().agent_id = Some(99),
            "in-step healthy -",
        ),
        (
            "a fallback who is nobody in Entra was chosen by the policy and asks for nothing",
            |s| {
                s.policy.agent = Some(Ref::Name("Jonas".into()));
                s.ticket().agent_id = Some(6);
                s.pair.base.agent_id = Some(6);
            },
            "in-step healthy -",
        ),
        (
            "on a closed incident such an agent is said, and nobody has to act",
            |s| {
                s.ticket().agent_id = Some(6);
                shut(s);
            },
            "in-step healthy unmapped",
        ),
        (
            "to Halo alone: an agent's taking over stays there",
            |s| {
                s.policy.owner = rule(Direction::ToHalo);
                s.ticket().agent_id = Some(5);
            },
            "in-step healthy -",
        ),
        (
            "unassigned on either side is carried",
            |s| {
                s.pair.base.owner = Some("amira@soc.example".into());
                s.pair.base.agent_id = Some(5);
                s.incident.owner = Owner { user_principal_name: Some("amira@soc.example".into()), ..Owner::default() };
            },
            "incident owner=nobody because changed-in-halo; behind waiting changed-in-halo",
        ),
        (
            "taken off in Sentinel",
            |s| {
                s.pair.base.owner = Some("amira@soc.example".into());
                s.pair.base.agent_id = Some(5);
                s.ticket().agent_id = Some(5);
            },
            "ticket agent=1 because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
    ]);
}

#[test]
fn two_agents_with_one_address_are_named_and_neither_is_chosen() {
    let mut scene = in_step();
    scene.catalogue.agents[2].email = Some("amira@soc.example".into());
    scene.incident.owner = Owner { email: Some("Amira@soc.example".into()), ..Owner::default() };
    let found = scene.plan();
    assert!(found.operations.is_empty());
    let said = found.items()[0].words();
    assert!(said.contains("Amira or Jonas") && said.contains("(5, 6)"), "{said}");
    let remedy = found.items()[0].remedy().unwrap_or_default();
    assert!(remedy.contains("“agents” table"), "{remedy}");
}
