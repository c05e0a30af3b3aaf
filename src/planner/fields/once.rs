//! Mapped values that are written once: when the ticket is made, or, what it could not be given then, when that is known.

use crate::{
    domain::{
        catalogue::Catalogue,
        pair::{Agreed, Base},
        policy::{FieldMapping, FieldTarget, Policy},
        ticket::{Ticket, TicketDraft},
    },
    planner::agreed::BY_NAME,
};

use super::{
    Gather,
    mapped::{Placed, custom_id, may_come, place, stands, unread},
};

/// Among the fields of two records that were joined: what a new ticket would have been given.
pub const JOINED: &str = "mapped fields";
/// The same of a ticket that was made from its incident before its alerts and entities were read, or with holes: what was left
/// out follows.
pub const LEFT_OUT: &str = "mapped fields left out";

/// The mappings that are written once.
fn mappings(policy: &Policy) -> impl Iterator<Item = &FieldMapping> {
    policy.fields.iter().filter(|one| one.rule.at_creation() && !one.rule.to_halo() && !one.is_subject())
}

/// Whether a ticket may still lack what a new one is given when it is made.
pub fn awaits(base: &Base) -> bool {
    base.joined.contains(JOINED) || base.joined.contains(LEFT_OUT)
}

/// What a draft gives a field of the ticket.
fn drafted(catalogue: &Catalogue, draft: &TicketDraft, field: &FieldTarget) -> Option<Placed> {
    match field {
        FieldTarget::Custom(field) => {
            let id = custom_id(catalogue, field).ok()?;
            let (_, value) = draft.custom_fields.iter().find(|(known, _)| *known == id)?;
            Some(Placed::Custom(id, value.clone()))
        }
        FieldTarget::Member(name) => {
            let (_, value) = draft.members.iter().find(|(known, _)| known == name)?;
            Some(Placed::Member(name.clone(), value.clone()))
        }
    }
}

/// Notes on a ticket that was just made that its draft left values out: those that are written once follow when they are known,
/// and their hole is filled.
pub fn left_out(base: &mut Base, policy: &Policy, catalogue: &Catalogue, draft: &TicketDraft) {
    if mappings(policy).any(|one| drafted(catalogue, draft, &one.field).is_none()) {
        base.joined.insert(LEFT_OUT.to_owned());
    }
}

/// Notes which of the values that its ticket was born with Halo did not keep: they were given all the same.
pub fn born(base: &mut Base, policy: &Policy, catalogue: &Catalogue, draft: &TicketDraft) {
    for sent in mappings(policy).filter_map(|one| drafted(catalogue, draft, &one.field)) {
        let (key, sentinel) = (sent.key(), sent.text());
        if let Some(name) = base.kept_names.get(&key).filter(|name| name.sent == sentinel) {
            let given = Agreed { sentinel, halo: Some(name.kept.clone()) };
            base.fields.insert(key, given);
        }
    }
}

/// Agrees on what a ticket was given at its birth of what is always carried: as it stands, or was seen not to be kept, in the
/// answer to its making; or, on a ticket that was found by looking (`settled`), as it was drafted, for another value in its
/// place may be an agent's. Where nothing stands, or the reading does not tell, the value follows.
pub fn given(
    base: &mut Base,
    policy: &Policy,
    catalogue: &Catalogue,
    draft: &TicketDraft,
    ticket: &Ticket,
    settled: bool,
) {
    let always = policy.fields.iter().filter(|one| one.rule.to_halo() && !one.is_subject());
    for placed in always.filter_map(|one| drafted(catalogue, draft, &one.field)) {
        let (key, sentinel) = (placed.key(), placed.text());
        let dropped = base.kept_names.get(&key).filter(|name| !settled && name.sent == sentinel);
        let dropped = dropped.map(|name| name.kept.clone());
        let there = placed.there(ticket);
        let stands =
            there.is_some_and(|there| if settled { stands(catalogue, &placed, &there) } else { there == sentinel });
        if let Some(halo) = dropped.or_else(|| stands.then(|| sentinel.clone())) {
            base.fields.entry(key).or_insert(Agreed { sentinel, halo: Some(halo) });
        }
    }
}

/// What a new ticket is given when it is made, in one that was not made from its incident, or whose draft left it out: once,
/// where nothing stands.
pub(super) fn plan(g: &mut Gather<'_, '_>) {
    let (s, ticket) = (g.s, g.ticket);
    let mappings: Vec<_> = mappings(s.policy).collect();
    // A list row carries no custom fields: what stands there is not known.
    let unknown = ticket.custom_fields.is_empty() && !ticket.tells_fields() && !mappings.is_empty();
    if !awaits(&g.base) || unknown || g.held.is_some() {
        return;
    }
    let mut missing = false;
    let mut stand = Vec::new();
    for mapping in mappings {
        if unread(mapping, s.incident, s.evidence) {
            missing = true;
            continue;
        }
        // A hole is an open item already: what it keeps out follows once it is filled.
        let Ok(placed) = place(s.catalogue, s.incident, s.evidence, mapping) else {
            missing = true;
            continue;
        };
        let by_name = matches!(&placed, Placed::Member(name, _) if BY_NAME.contains(&name.as_str()));
        let untold = by_name || matches!(placed, Placed::Custom(..));
        let there = placed.there(ticket).or_else(|| untold.then(String::new));
        let Some(there) = there.filter(|_| !g.base.fields.contains_key(&placed.key())) else { continue };
        // What Halo did not keep when an earlier version made the ticket was given all the same.
        let dropped = g.base.kept_names.get(&placed.key()).is_some_and(|kept| kept.sent == placed.text());
        if dropped || !there.trim().is_empty() {
            stand.push((placed.key(), Agreed { sentinel: placed.text(), halo: Some(there) }));
            continue;
        }
        if placed.text().is_empty() {
            missing |= may_come(mapping, s.evidence, &placed);
            continue;
        }
        missing = true;
        g.change_ticket("mapped field", JOINED, |change| match placed {
            Placed::Custom(id, value) => change.custom_fields.push((id, value)),
            Placed::Member(name, value) => change.members.push((name, value)),
        });
    }
    if missing {
        // What stands there by now is not written later either, when somebody has emptied it.
        g.base.fields.extend(stand);
    } else {
        g.base.joined.remove(JOINED);
        g.base.joined.remove(LEFT_OUT);
    }
}
