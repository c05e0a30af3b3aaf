//! Owner ↔ agent: the policy's table, then object id, then UPN or mail, then the configured fallback.

use crate::{
    domain::{decision::Decision, failure::Side, incident::Owner, pair::RefusedOwner, reason::Reason},
    planner::{
        conflict::{self, Field, Moved, Outcome},
        mapping,
    },
};

use super::Gather;

/// Halo's agent "Unassigned" (halo-api sheet 3.3).
pub const UNASSIGNED: i64 = 1;

/// The field's name.
pub const NAME: &str = "owner";

pub(super) fn plan(g: &mut Gather<'_, '_>) {
    let (s, ticket) = (g.s, g.ticket);
    // Whom Azure refused is kept only as long as it is they who are wanted.
    let refused = g.base.refused_owner.take();
    let nobody = s.incident.owner.is_none();
    let key = s.incident.owner.key();
    // Agent 1 is Halo's "Unassigned".
    let agent = ticket.agent_id.filter(|id| *id > UNASSIGNED);
    // Of several agents with the owner's address one has it already: nobody is to be chosen.
    let one_of_them =
        mapping::agents_alike(s.policy, s.catalogue, &s.incident.owner).iter().any(|alike| Some(alike.id) == agent);
    if s.policy.owner.to_halo()
        && !one_of_them
        && let Some(reason) = mapping::owner_without_agent(s.policy, s.catalogue, &s.incident.owner)
    {
        // With a fallback the ticket has somebody, and a closed incident needs nobody any more.
        if mapping::fallback_agent(s.policy, s.catalogue).is_some() || s.incident.closed() {
            g.out.remark(reason);
        } else {
            g.out.item(reason);
        }
    }
    let wanted = if nobody { None } else { mapping::agent(s.policy, s.catalogue, &s.incident.owner) };
    let field = Field {
        name: NAME,
        rule: s.policy.owner,
        fixed: Side::Sentinel,
        // Two names of one person: an owner whose agent is the ticket's agent is in step.
        same: wanted.is_some() && wanted == agent || one_of_them || nobody && agent.is_none(),
        moved: Moved {
            sentinel: key != g.base.owner || g.base.is_unsettled(NAME, Side::Sentinel),
            halo: agent != g.base.agent_id.filter(|id| *id > UNASSIGNED) || g.base.is_unsettled(NAME, Side::Halo),
        },
        sentinel: key.clone().unwrap_or_else(|| "nobody".to_owned()),
        halo: agent.map_or_else(|| "nobody".to_owned(), |id| mapping::agent_name(s.catalogue, id)),
    };
    let accept = |g: &mut Gather<'_, '_>| {
        g.base.agree(NAME);
        g.base.owner = key.clone();
        g.base.agent_id = ticket.agent_id;
    };
    match conflict::decide(s, &mut g.base, &field) {
        Outcome::Still => {}
        Outcome::Same | Outcome::Leave => accept(g),
        Outcome::OneWay => g.one_way(NAME),
        Outcome::Carry(Side::Sentinel) => match wanted {
            Some(agent) => g.change_ticket(NAME, NAME, |change| change.agent_id = Some(agent)),
            // Taken off in Sentinel: the ticket is nobody's either.
            None if nobody => g.change_ticket(NAME, NAME, |change| change.agent_id = Some(UNASSIGNED)),
            None => match mapping::fallback_agent(s.policy, s.catalogue) {
                // Somebody of Halo's own has it: that is better than the fallback.
                _ if agent.is_some() => accept(g),
                Some(fallback) => g.change_ticket(NAME, NAME, |change| change.agent_id = Some(fallback)),
                // The open item above stands for it.
                None => {}
            },
        },
        Outcome::Carry(Side::Halo) => {
            let new = match agent {
                None => Some(Owner::default()),
                Some(id) => mapping::owner(s.policy, s.catalogue, id),
            };
            match new {
                Some(owner) => match refused.filter(|refused| owner.key().as_ref() == Some(&refused.owner)) {
                    Some(refused) if !s.pair.decisions.contains(&Decision::TryOwner { at: refused.at }) => {
                        let RefusedOwner { owner, why, .. } = refused.clone();
                        g.out.item(Reason::OwnerUnknown { owner, why });
                        g.base.refused_owner = Some(refused);
                    }
                    _ => g.change_incident(NAME, NAME, |change| change.owner = Some(owner)),
                },
                // A ticket that Halo gives to whoever writes in it is nobody's.
                None if agent == s.catalogue.own_agent_id => accept(g),
                // Nothing is agreed on, so that it crosses as soon as the agent has an owner.
                None => {
                    let hole = Reason::Unmapped { table: NAME.to_owned(), value: field.halo.clone() };
                    if s.incident.closed() {
                        g.out.remark(hole);
                    } else {
                        g.out.item(hole);
                    }
                }
            }
        }
        Outcome::Ask(reason) => g.out.item(reason),
    }
}
