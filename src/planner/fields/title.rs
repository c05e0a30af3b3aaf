//! Title ↔ subject. By default the subject is written once; Defender's titles change as alerts join.

use crate::{
    domain::{failure::Side, pair::Base, text},
    planner::{
        conflict::{self, Field, Moved, Outcome},
        draft,
    },
};

use super::Gather;

/// The field's name.
pub const NAME: &str = "title";

pub(super) fn plan(g: &mut Gather<'_, '_>) {
    let (s, ticket) = (g.s, g.ticket);
    let rule = s.policy.title;
    if !rule.to_halo() && !rule.to_sentinel() {
        return;
    }
    let Some(wanted) = draft::subject(s.policy, s.incident, s.evidence) else { return };
    let field = Field {
        name: NAME,
        rule,
        fixed: Side::Sentinel,
        same: squeezed(&wanted) == squeezed(&ticket.summary),
        moved: Moved {
            // What was never agreed on has not moved: the ticket may be older than this rule.
            sentinel: g.base.title.as_ref().is_some_and(|known| *known != s.incident.title),
            halo: g.base.summary.as_ref().is_some_and(|known| squeezed(known) != squeezed(&ticket.summary)),
        },
        sentinel: s.incident.title.clone(),
        halo: ticket.summary.clone(),
    };
    let unknown = g.base.title.is_none() || g.base.summary.is_none();
    let accept = |base: &mut Base| {
        base.agree(NAME);
        base.title = Some(s.incident.title.clone());
        base.summary = Some(ticket.summary.clone());
    };
    match conflict::decide(s, &mut g.base, &field) {
        Outcome::Still if unknown => accept(&mut g.base),
        Outcome::Still => {}
        Outcome::Same | Outcome::Leave => accept(&mut g.base),
        Outcome::OneWay => g.one_way(NAME),
        Outcome::Carry(Side::Sentinel) => g.change_ticket(NAME, NAME, |change| change.summary = Some(wanted)),
        Outcome::Carry(Side::Halo) => {
            let title = bare(&ticket.summary, s.incident.number);
            if title.is_empty() {
                return accept(&mut g.base);
            }
            g.change_incident(NAME, NAME, |change| change.title = Some(title));
        }
        Outcome::Ask(reason) => g.out.item(reason),
    }
}

/// A text as it is compared: runs of blanks are one, Halo may cut long subjects.
fn squeezed(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(200).collect()
}

/// The subject without the mark that we put before it.
fn bare(summary: &str, number: Option<i64>) -> String {
    let clean = text::clean(summary);
    let mark = number.map_or_else(|| "[Sentinel]".to_owned(), |number| format!("[Sentinel {number}]"));
    let rest = clean.trim();
    rest.strip_prefix(&mark).or_else(|| rest.strip_prefix("[Sentinel]")).unwrap_or(rest).trim().to_owned()
}
