//! Severity ↔ priority. Many severities may share a priority: a priority that already means the incident's severity
//! is never rewritten.

use crate::{
    domain::{
        decision::Decision,
        failure::Side,
        pair::{Base, Kept},
        policy::Direction,
        reason::Reason,
    },
    planner::{
        agreed,
        conflict::{self, Field, Moved, Outcome},
        groups, mapping,
        situation::Situation,
    },
};

use super::Gather;

/// The field's name.
pub const NAME: &str = "severity";

pub(super) fn plan(g: &mut Gather<'_, '_>) {
    let (s, ticket) = (g.s, g.ticket);
    let mut rule = s.policy.severity;
    if groups::shares(s) {
        if !groups::leads(s) {
            g.base.agree(NAME);
            g.base.severity = Some(s.incident.severity.clone());
            g.base.priority_id = ticket.priority_id;
            return;
        }
        // One priority cannot mean several incidents' severities.
        rule.direction = match rule.direction {
            Direction::Both | Direction::ToHalo => Direction::ToHalo,
            Direction::ToSentinel | Direction::None => Direction::None,
        };
    }
    let now = &groups::severity(s);
    let wanted = mapping::priority(s.policy, s.catalogue, now);
    if rule.at_creation()
        && let Err(reason) = &wanted
    {
        return g.out.item(reason.clone());
    }
    let kept = g.base.kept.remove(agreed::PRIORITY);
    let means = ticket.priority_id.map(|id| mapping::severities_of(s.policy, s.catalogue, id)).unwrap_or_default();
    let field = Field {
        name: NAME,
        rule,
        fixed: Side::Sentinel,
        same: means.contains(now) || wanted.as_ref().ok() == ticket.priority_id.as_ref(),
        moved: Moved {
            sentinel: g.base.severity.as_ref() != Some(now),
            halo: g.base.priority_id != ticket.priority_id,
        },
        sentinel: now.to_string(),
        halo: ticket.priority_id.map(|id| mapping::priority_of_type(s.policy, s.catalogue, id)).unwrap_or_default(),
    };
    let accept = |g: &mut Gather<'_, '_>| {
        g.base.severity = Some(now.clone());
        g.base.priority_id = ticket.priority_id;
    };
    let outcome = conflict::decide(s, &mut g.base, &field);
    if matches!(outcome, Outcome::Still | Outcome::Leave) && rule.at_creation() {
        let stands = |kept: &Kept| {
            wanted.as_ref() == Ok(&kept.sent) && ticket.priority_id == Some(kept.kept) && !s.incident.closed()
        };
        if let Some(kept) = kept.filter(stands) {
            kept_otherwise(g, kept);
        }
    }
    match outcome {
        Outcome::Still => {}
        // It may have been chosen over a severity that had crossed by then: once that is read, a person is asked.
        Outcome::Leave if left_in_forgotten_time(s, &g.base) => g.base.severity = Some(now.clone()),
        // A priority that an agent chose stays: carrying it back is a choice of its own.
        Outcome::Same | Outcome::Leave => {
            g.base.agree(NAME);
            accept(g);
        }
        Outcome::OneWay => g.one_way("priority"),
        Outcome::Carry(Side::Sentinel) => match wanted {
            Ok(priority) => g.change_ticket(NAME, NAME, |change| change.priority_id = Some(priority)),
            Err(reason) => g.out.item(reason),
        },
        Outcome::Carry(Side::Halo) => {
            let Some(priority) = ticket.priority_id else { return accept(g) };
            match mapping::severity_back(s.policy, s.catalogue, priority) {
                Ok(severity) => g.change_incident("priority", NAME, |change| change.severity = Some(severity)),
                Err(reason) => g.out.item(reason),
            }
        }
        Outcome::Ask(reason) => g.out.item(reason),
    }
}

/// Halo made another priority of the one that was sent: written again it would be made another one again. It is open until
/// either side has another one, or a person leaves it.
fn kept_otherwise(g: &mut Gather<'_, '_>, kept: Kept) {
    let s = g.s;
    let what = agreed::PRIORITY.to_owned();
    let decision = Decision::LeaveKept { what: what.clone(), sent: kept.sent, kept: kept.kept };
    if s.pair.decisions.contains(&decision) {
        return;
    }
    let [sent, there] = [kept.sent, kept.kept].map(|id| mapping::priority_of_type(s.policy, s.catalogue, id));
    g.out.item(Reason::HaloKept { what: what.clone(), sent, kept: there });
    g.base.kept.insert(what, kept);
}

/// Whether the ticket's priority moved in a time that a restored database has forgotten.
fn left_in_forgotten_time(s: &Situation<'_>, base: &Base) -> bool {
    let moved = base.moves.get(NAME).and_then(|moves| moves.halo.as_ref());
    moved.is_some_and(|moved| conflict::in_forgotten_time(s, moved))
}
