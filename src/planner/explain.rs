//! Why an incident has a ticket, or has none: every gate in its order, what it saw, and by which rule it let it pass.
//!
//! [`super::gate::ask`] decides and stops at the first gate that fails; this tells the same of all of them, and of what
//! is asked before ([`decided`]) and after them ([`entities`], [`brake`], [`linking`]).

use crate::domain::{
    catalogue::Catalogue,
    client::Client,
    incident::Incident,
    policy::{Policy, filter::Filter},
    reason::Reason,
    time,
    workspace::{Mode, Workspace},
};

use super::{filter, link, mapping};

/// One gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// What it asks, for people.
    pub name: String,
    /// Its rule, as configured.
    pub rule: String,
    /// What it saw.
    pub saw: String,
    /// Why it does not let pass; `None` = it does.
    pub fails: Option<Reason>,
}

/// All gates that are set, in the order in which they are asked.
pub fn gates(
    workspace: &Workspace,
    client: &Client,
    policy: &Policy,
    catalogue: Option<&Catalogue>,
    incident: &Incident,
) -> Vec<Gate> {
    let gate =
        |name: &str, rule: String, saw: String, fails: Option<Reason>| Gate { name: name.to_owned(), rule, saw, fails };
    let mode = workspace.mode;
    let created = incident.created;
    let mut found = vec![
        gate("Workspace is on", "any mode but off".into(), mode.as_str().into(), {
            (mode == Mode::Off).then_some(Reason::ModeOff)
        }),
        gate(
            "Made since the start",
            format!("not before {}", time::iso(workspace.since)),
            created.map_or("no time of creation".into(), time::iso),
            created.is_some_and(|at| at < workspace.since).then_some(Reason::OlderThanStart),
        ),
        gate(
            "Not merged away",
            "without the label “Redirected”".into(),
            if incident.redirected() { "Redirected".into() } else { "no such label".into() },
            incident.redirected().then_some(Reason::Redirected),
        ),
    ];
    for (side, wanted) in [("include", &policy.include), ("exclude", &policy.exclude)] {
        for kind in Filter::KINDS.into_iter().filter(|kind| !wanted.kind(kind).is_empty()) {
            let rule = if side == "include" { "one of " } else { "none of " };
            found.push(gate(
                &format!("Filter {side}.{kind}"),
                format!("{rule}{}", filter::listed(wanted.kind(kind))),
                filter::seen(kind, incident),
                filter::one(policy, side, kind, incident).err(),
            ));
        }
    }
    let halo = client.halo.as_ref();
    found.push(gate(
        "Client has its place in Halo",
        "a Halo client id".into(),
        halo.map_or("none".into(), |binding| format!("Halo client {}", binding.halo_client_id)),
        halo.is_none().then_some(Reason::ClientNotBound),
    ));
    let empty = Catalogue::default();
    let ticket_type = mapping::ticket_type(policy, catalogue.unwrap_or(&empty));
    found.push(gate(
        "Ticket type is known",
        "one of Halo's ticket types".into(),
        ticket_type.as_ref().map_or("none".into(), |id| format!("ticket type {id}")),
        ticket_type.err(),
    ));
    let makes = match mode {
        Mode::Observe => Some(Reason::ModeObserve),
        Mode::CommentOnly => Some(Reason::ModeOneWay),
        Mode::Off | Mode::SentinelToHalo | Mode::TwoWay => None,
    };
    found.push(gate("Mode makes tickets", "two-way or sentinel-to-halo".into(), mode.as_str().into(), makes));
    found
}

/// What a person decided about an incident, which stands before the other gates; `held` is what is kept with it.
pub fn decided(held: Option<&Reason>) -> Option<Gate> {
    let reason = held.filter(|reason| link::before_gates(reason.code()))?;
    Some(Gate {
        name: "What a person decided".to_owned(),
        rule: "neither unlinked nor to be linked to another ticket".to_owned(),
        saw: reason.words().trim_end_matches('.').to_owned(),
        fails: link::stays(reason).then(|| reason.clone()),
    })
}

/// The storm brake, if it is set: asked last, for it counts tickets and not values.
pub fn brake(policy: &Policy, held: Option<&Reason>) -> Option<Gate> {
    let cap = policy.tickets_per_hour;
    let saw = match held {
        Some(Reason::StormHeld { cap }) => format!("{cap} new tickets within an hour when it came"),
        Some(Reason::StormReleased) => "released by a person".to_owned(),
        _ => "not held by it".to_owned(),
    };
    (cap > 0).then(|| Gate {
        name: "Storm brake".to_owned(),
        rule: format!("at most {cap} new tickets of the workspace within an hour, or a person's release"),
        saw,
        fails: held.filter(|reason| matches!(reason, Reason::StormHeld { .. })).cloned(),
    })
}

/// Whether it waits for the entities that the policy groups by; `None` where it does not.
pub fn entities(held: Option<&Reason>) -> Option<Gate> {
    let reason = held.filter(|reason| matches!(reason, Reason::EntitiesAwaited { .. }))?;
    Some(Gate {
        name: "Entities to group it by".to_owned(),
        rule: "one shows, or it is a quarter of an hour old".to_owned(),
        saw: "none shows yet".to_owned(),
        fails: Some(reason.clone()),
    })
}

/// Whether it could be linked to the ticket that it was to be linked to; `None` where there was none.
pub fn linking(held: Option<&Reason>) -> Option<Gate> {
    let reason = held.filter(|reason| matches!(reason, Reason::LinkRefused { .. }))?;
    Some(Gate {
        name: "Its ticket can be linked".to_owned(),
        rule: "a ticket of this client, neither deleted nor merged nor linked to another incident".to_owned(),
        saw: reason.words().trim_end_matches('.').to_owned(),
        fails: Some(reason.clone()),
    })
}

/// All that is asked about an incident, in order; `held` is what is kept with it.
pub fn all(
    workspace: &Workspace,
    client: &Client,
    policy: &Policy,
    catalogue: Option<&Catalogue>,
    incident: &Incident,
    held: Option<&Reason>,
) -> Vec<Gate> {
    let gates = gates(workspace, client, policy, catalogue, incident);
    decided(held)
        .into_iter()
        .chain(gates)
        .chain(entities(held))
        .chain(brake(policy, held))
        .chain(linking(held))
        .collect()
}

/// Why the first gate that fails does so.
pub fn first(gates: &[Gate]) -> Option<&Reason> {
    gates.iter().find_map(|gate| gate.fails.as_ref())
}
