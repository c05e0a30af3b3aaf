//! The classification of a matter that both sides have closed: a correction of it arrives after closing, as any other
//! field does.

use crate::{
    domain::{closing::Verdict, failure::Side, incident::Incident, pair::Agreed, reason::Reason},
    planner::{
        closing,
        conflict::{self, Field, Moved, Outcome},
        groups,
    },
};

use super::{Gather, mapped};

/// The field's name.
pub const NAME: &str = "classification";

/// A verdict in words; of none none.
pub(super) fn words(verdict: Option<&Verdict>) -> String {
    verdict.map(Verdict::words).unwrap_or_default()
}

/// A verdict in place of the one that the incident was closed with, whose comment stays.
fn corrected(incident: &Incident, verdict: Verdict) -> Result<Verdict, Reason> {
    let verdict = Verdict { comment: incident.classification_comment.clone(), ..verdict };
    verdict.checked().map_err(|refused| Reason::VerdictRefused { why: refused.to_string() })
}

/// Whether a value was the last that was written to its field.
fn written(g: &Gather<'_, '_>, (id, value): &(i64, serde_json::Value)) -> bool {
    g.base.fields.get(&id.to_string()).is_some_and(|written| written.sentinel == mapped::plain(value))
}

/// Writes a classification for which the ticket had no choice when it was closed, and has one by now; whether that is still to
/// be done. Once, whatever Halo makes of it.
fn unwritten(g: &mut Gather<'_, '_>, sentinel: &str) -> bool {
    if !g.base.verdict.as_ref().is_some_and(|known| known.halo.is_none() && known.sentinel == sentinel) {
        return false;
    }
    let value = closing::field_of_verdict(g.s.policy, g.s.catalogue, g.s.incident);
    let Some(fresh) = value.filter(|value| !written(g, value)) else {
        g.base.verdict = None;
        return false;
    };
    g.ticket_change.custom_fields.push(fresh);
    g.ticket_reason.get_or_insert_with(|| Reason::ChangedInSentinel { field: NAME.to_owned() });
    true
}

pub(super) fn plan(g: &mut Gather<'_, '_>) {
    let (s, ticket) = (g.s, g.ticket);
    // Incidents that share a ticket have a classification each, and the ticket has one.
    if !closing::shut(s) || groups::shares(s) || s.incident.redirected() {
        g.base.agree(NAME);
        g.base.verdict = None;
        return;
    }
    // Without the actions the agent's may be overlooked.
    let Some(actions) = s.actions else { return };
    let (here, there) = (
        s.incident.verdict(),
        closing::given(s.policy, s.catalogue, ticket, closing::of_this_closing(&g.base, actions)),
    );
    let (sentinel, halo) = (words(here.as_ref()), words(there.as_ref()));
    let now = Agreed { sentinel: sentinel.clone(), halo: Some(halo.clone()) };
    if there.is_none() && s.policy.status.to_halo() {
        if let Some(hole) = closing::without_choice(s.policy, s.catalogue, s.incident) {
            if g.base.own_closing.is_some() {
                // It belongs to our closing of the ticket, and is written once there is a choice for it.
                g.out.item(hole);
                g.base.verdict = Some(Agreed { sentinel, halo: None });
                return;
            }
            // Who closed the ticket chose none, and nobody has to act on a matter that is over.
            g.out.remark(hole);
        } else if unwritten(g, &sentinel) {
            return;
        }
    }
    let same = here.as_ref().zip(there.as_ref()).is_some_and(|(here, there)| closing::same(here, there));
    // As it was closed, that is agreed on, also where each side has a classification of its own.
    let known = g.base.verdict.get_or_insert_with(|| now.clone()).clone();
    let field = Field {
        name: NAME,
        rule: s.policy.status,
        fixed: Side::Halo,
        same,
        moved: Moved { sentinel: known.sentinel != sentinel, halo: known.halo.unwrap_or_default() != halo },
        sentinel: sentinel.clone(),
        halo: halo.clone(),
    };
    let both = here.is_some() && there.is_some();
    let differ = |g: &mut Gather<'_, '_>| {
        g.differ = both.then(|| Reason::VerdictsDiffer { sentinel: sentinel.clone(), halo: halo.clone() });
    };
    match conflict::decide(s, &mut g.base, &field) {
        Outcome::Same => {
            g.base.agree(NAME);
            g.base.verdict = Some(now);
            // It has arrived: somebody may come back to it.
            if let Some((id, _)) = closing::field_of_verdict(s.policy, s.catalogue, s.incident) {
                g.base.fields.remove(&id.to_string());
            }
        }
        Outcome::Still => differ(g),
        Outcome::Leave => {
            g.base.verdict = Some(now);
            differ(g);
        }
        Outcome::OneWay => g.one_way(NAME),
        Outcome::Carry(Side::Sentinel) => match closing::field_of_verdict(s.policy, s.catalogue, s.incident) {
            // Halo did not take it: it is not written again and again.
            Some(value) if written(g, &value) => {
                g.base.agree(NAME);
                g.base.verdict = Some(now);
                differ(g);
            }
            Some(value) => g.change_ticket(NAME, NAME, |change| change.custom_fields.push(value)),
            // The ticket has no field, or no choice, for it.
            None => differ(g),
        },
        Outcome::Carry(Side::Halo) => match there.map(|there| corrected(s.incident, there)) {
            Some(Ok(verdict)) => g.change_incident(NAME, NAME, |change| change.verdict = Some(verdict)),
            Some(Err(reason)) => g.out.item(reason),
            // Taken off the ticket: the incident keeps what it has.
            None => g.base.verdict = Some(now),
        },
        Outcome::Ask(reason) => g.out.item(reason),
    }
}
