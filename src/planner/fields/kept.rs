//! What Halo kept otherwise than it was sent, and what goes by its name: the team, the category.

use crate::{
    domain::{decision::Decision, reason::Reason},
    planner::{agreed, draft},
};

use super::Gather;

/// Halo made another team (or category) of the one that was sent: it is not written again. It is open until the ticket has
/// another one, another one is wanted, or a person leaves it. A closed matter asks nobody.
pub(super) fn plan(g: &mut Gather<'_, '_>) {
    let (s, ticket) = (g.s, g.ticket);
    if s.incident.closed() {
        return;
    }
    for (what, now) in [(agreed::TEAM, &ticket.team), (agreed::CATEGORY, &ticket.category_1)] {
        let Some(name) = g.base.kept_names.remove(what) else { continue };
        // Not every reading tells it.
        let moved = now.as_ref().is_some_and(|now| !agreed::same_name(now, &name.kept));
        let wanted = draft::wanted(s, what).is_some_and(|wanted| agreed::same_name(&wanted, &name.sent));
        let (sent, kept) = (name.sent.clone(), name.kept.clone());
        let left = Decision::LeaveName { what: what.to_owned(), sent: sent.clone(), kept: kept.clone() };
        if moved || !wanted || s.pair.decisions.contains(&left) {
            continue;
        }
        g.out.item(Reason::HaloKept { what: what.to_owned(), sent, kept });
        g.base.kept_names.insert(what.to_owned(), name);
    }
}
