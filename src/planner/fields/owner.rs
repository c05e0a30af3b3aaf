//! Owner ↔ agent: the policy's table, then object id, then UPN or mail, then the configured fallback.

use crate::{
    domain::{
        decision::Decision,
        failure::Side,
        incident::Owner,
        pair::{Base, Kept, RefusedOwner},
        reason::Reason,
    },
    planner::{
        agreed,
        conflict::{self, Field, Moved, Outcome},
        mapping,
        situation::Situation,
    },
};

use super::Gather;

/// Halo's agent "Unassigned" (halo-api sheet 3.3).
pub const UNASSIGNED: i64 = 1;

/// The field's name.
pub const NAME: &str = "owner";

/// Whether one of several agents with the owner's address has the ticket already: nobody is to be chosen.
fn one_of_them(s: &Situation<'_>, agent: Option<i64>) -> bool {
    mapping::agents_alike(s.policy, s.catalogue, &s.incident.owner).iter().any(|alike| Some(alike.id) == agent)
}

/// Why the owner does not cross to the ticket, which `agent` has; `None`: they do, or the policy lets none cross.
fn hole(s: &Situation<'_>, agent: Option<i64>) -> Option<Reason> {
    let crosses = s.policy.owner.to_halo() && !one_of_them(s, agent);
    crosses.then(|| mapping::owner_without_agent(s.policy, s.catalogue, &s.incident.owner)).flatten()
}

/// Whether the incident's owner moved since both sides agreed. One who is nobody in Halo moves once they are mapped, or once
/// there is a fallback for a ticket that nobody has.
pub fn moved(s: &Situation<'_>, base: &Base, agent: Option<i64>) -> bool {
    let fallback = || mapping::fallback_agent(s.policy, s.catalogue).is_some();
    let nobodys = agent.is_none() && base.agent_id.is_none_or(|id| id <= UNASSIGNED);
    let crosses = || hole(s, agent).is_none() || nobodys && !s.incident.closed() && fallback();
    s.incident.owner.key() != base.owner || base.is_unsettled(NAME, Side::Sentinel) && crosses()
}

pub(super) fn plan(g: &mut Gather<'_, '_>) {
    let (s, ticket) = (g.s, g.ticket);
    // Whom Azure refused is kept only as long as it is they who are wanted.
    let refused = g.base.refused_owner.take();
    let nobody = s.incident.owner.is_none();
    let key = s.incident.owner.key();
    // Agent 1 is Halo's "Unassigned".
    let agent = ticket.agent_id.filter(|id| *id > UNASSIGNED);
    let fallback = mapping::fallback_agent(s.policy, s.catalogue);
    let hole = hole(s, agent);
    if let Some(reason) = hole.clone() {
        // With a fallback the ticket has somebody, and a closed incident needs nobody any more.
        if fallback.is_some() || s.incident.closed() {
            g.out.remark(reason);
        } else {
            g.out.item(reason);
        }
    }
    let kept = g.base.kept.remove(agreed::AGENT);
    let wanted = if nobody { None } else { mapping::agent(s.policy, s.catalogue, &s.incident.owner) };
    let field = Field {
        name: NAME,
        rule: s.policy.owner,
        fixed: Side::Sentinel,
        // Two names of one person: an owner whose agent is the ticket's agent is in step.
        same: wanted.is_some() && wanted == agent || one_of_them(s, agent) || nobody && agent.is_none(),
        moved: Moved {
            sentinel: moved(s, &g.base, agent),
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
    let outcome = conflict::decide(s, &mut g.base, &field);
    if let (Some(kept), Outcome::Still | Outcome::Leave) = (kept, &outcome) {
        let sent = if nobody { Some(UNASSIGNED) } else { wanted };
        let ours = nobody && agent == s.catalogue.own_agent_id;
        if s.policy.owner.at_creation() && sent == Some(kept.sent) && ticket.agent_id == Some(kept.kept) && !ours {
            kept_otherwise(g, kept);
        }
    }
    match outcome {
        Outcome::Still if hole.is_some() && s.incident.closed() => g.base.agree_half(NAME, Side::Sentinel),
        // Nothing was agreed on of an owner who is nobody in Halo: the policy's stand-in has the ticket, or nobody where there
        // is none. From whom there is one somebody took it.
        Outcome::Still if hole.is_some() && agent == fallback => {
            // Where no agent is known at all, nobody is none of them.
            if !s.catalogue.agents.is_empty() {
                g.base.unsettled.insert(NAME.to_owned(), Side::Sentinel);
            }
        }
        Outcome::Still => {}
        Outcome::Same | Outcome::Leave => accept(g),
        Outcome::OneWay => g.one_way(NAME),
        Outcome::Carry(Side::Sentinel) => match wanted {
            Some(agent) => g.change_ticket(NAME, NAME, |change| change.agent_id = Some(agent)),
            // Taken off in Sentinel: the ticket is nobody's either.
            None if nobody => g.change_ticket(NAME, NAME, |change| change.agent_id = Some(UNASSIGNED)),
            None => match fallback {
                // Somebody of Halo's own has it: that is better than the fallback. Whoever had it before the incident was given
                // away has it until the new owner is mapped.
                _ if agent.is_some() => {
                    accept(g);
                    if !field.moved.halo && !s.incident.closed() {
                        g.base.unsettled.insert(NAME.to_owned(), Side::Sentinel);
                    }
                }
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

/// Halo gave the ticket to another agent than was sent: written again it would be given away again. It is open until either
/// side has another one, or a person leaves it. A closed matter asks nobody.
fn kept_otherwise(g: &mut Gather<'_, '_>, kept: Kept) {
    let s = g.s;
    let what = agreed::AGENT.to_owned();
    let decision = Decision::LeaveKept { what: what.clone(), sent: kept.sent, kept: kept.kept };
    if s.incident.closed() || s.pair.decisions.contains(&decision) {
        return;
    }
    let [sent, there] = [kept.sent, kept.kept].map(|id| mapping::agent_name(s.catalogue, id));
    g.out.item(Reason::HaloKept { what: what.clone(), sent, kept: there });
    g.base.kept.insert(what, kept);
}
