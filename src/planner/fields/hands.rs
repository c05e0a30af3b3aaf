//! Whose hand it was on a ticket: a person's, Halo's own, or ours.

use crate::{
    domain::{failure::Side, pair::OwnClosing, ticket::Action},
    planner::{mapping, notes},
};

use super::{Gather, owner::UNASSIGNED, status::NAME};

/// Seconds after our own closing of a ticket within which its opening may be Halo's answer to it.
const RIGHT_AFTER_SECS: i64 = 120;

/// Whether Halo by itself, or our own agent, opened the ticket again right after our own closing, as its actions tell, while
/// nobody did or said anything on it: a workflow did. The incident's verdict is not given up for that.
pub(super) fn opened_by_rule(g: &Gather<'_, '_>) -> bool {
    let closed = g.base.own_closing.as_ref().and_then(|own| own.at);
    let opened = g.base.moves.get(NAME).and_then(|moves| moves.of(Side::Halo)).and_then(|moved| moved.at);
    let (Some(closed), Some(opened)) = (closed, opened) else { return false };
    let (closed, opened) = (closed.as_second(), opened.as_second());
    let about_then =
        |action: &Action| action.at.is_none_or(|at| (closed..=opened + RIGHT_AFTER_SECS).contains(&at.as_second()));
    let then: Vec<&Action> = g.s.actions.unwrap_or_default().iter().filter(|action| about_then(action)).collect();
    // Where no action tells of it, a person may as well have set the status alone.
    let told = |action: &&Action| {
        action.new_status.is_some() && action.new_status == g.ticket.status_id && !notes::carries_any(action)
    };
    (0..=RIGHT_AFTER_SECS).contains(&(opened - closed))
        && then.iter().any(told)
        && !then.into_iter().any(|action| by_person(g, action))
}

/// Whether a person did or said something: neither Halo by itself nor our own agent.
fn by_person(g: &Gather<'_, '_>, action: &Action) -> bool {
    match action.agent_id.filter(|agent| *agent != UNASSIGNED) {
        Some(agent) => Some(agent) != g.s.catalogue.own_agent_id,
        // An end user.
        None => !action.system && !action.is_blank(),
    }
}

/// Whether the ticket is closed by this closing of ours: no person did anything on it since, as far as it tells.
pub(super) fn still_closed_by(g: &Gather<'_, '_>, own: &OwnClosing) -> bool {
    let Some(at) = own.at else { return false };
    let since = |action: &Action| action.at.is_none_or(|then| then.as_second() > at.as_second());
    let untouched = |actions: &[Action]| !actions.iter().any(|action| since(action) && by_person(g, action));
    mapping::ticket_closed(g.s.policy, g.s.catalogue, g.ticket)
        && (g.ticket.last_update == Some(at) || g.s.actions.is_some_and(untouched))
}
