//! What both sides say beside their conversation, field by field: [`severity`], [`owner`], [`status`], [`title`],
//! [`labels`], [`verdict`] and the policy's own mappings ([`mapped`]). Each compares three ways through [`super::conflict`].

mod hands;
mod kept;
pub mod labels;
pub mod mapped;
pub mod once;
mod own_words;
pub mod owner;
mod reclosing;
mod said;
pub mod severity;
pub mod status;
pub mod title;
mod told_after;
pub mod verdict;

use crate::domain::{
    failure::Side,
    operation::{IncidentChange, Operation, OperationKind},
    pair::Base,
    policy::AfterClosing,
    reason::Reason,
    ticket::{Ticket, TicketChange},
};

use super::{
    agreed, alerts, closing, groups, notes,
    plan::{Plan, Planned},
    situation::Situation,
};

/// One pair's fields while they are planned: changes are gathered for one operation per side.
pub(super) struct Gather<'a, 's> {
    pub s: &'a Situation<'s>,
    pub ticket: &'s Ticket,
    pub base: Base,
    pub out: &'a mut Plan,
    ticket_change: TicketChange,
    ticket_reason: Option<Reason>,
    incident_change: IncidentChange,
    incident_reason: Option<Reason>,
    /// What changed on a closed matter and is not carried.
    held: Option<(TicketChange, IncidentChange)>,
    /// Fields of it that only differ: the mode would not carry them either, or nothing was agreed on of them, so that nobody
    /// has changed them after closing.
    held_apart: Vec<String>,
    /// That both sides are closed with classifications of their own: what is said last.
    differ: Option<Reason>,
}

impl Gather<'_, '_> {
    /// Whether a field changed before the matter was closed: its change is known since, or on its way.
    fn before_closing(&self, key: &str, side: Side) -> bool {
        let on_its_way = |o: &Operation| o.state.open() && o.kind.rank() == 2 && o.kind.side() == side;
        self.s.pair.base.moves.contains_key(key) || self.s.operations.iter().any(on_its_way)
    }

    /// A change of the ticket's `field` that the mode does not carry: nothing is agreed on by it, so it crosses once the
    /// mode does.
    fn one_way(&mut self, field: &str) {
        match self.held {
            Some(_) => self.held_apart.push(field.to_owned()),
            None => self.out.remark(Reason::ModeOneWay),
        }
    }

    /// Changes the ticket, for a change of the incident's `field`; `key` is the field's name among moves.
    fn change_ticket(&mut self, field: &str, key: &str, change: impl FnOnce(&mut TicketChange)) {
        let before = self.before_closing(key, Side::Halo);
        match &mut self.held {
            Some(_) if !before && self.base.joined.contains(key) => self.held_apart.push(field.to_owned()),
            Some((held, _)) if !before => change(held),
            _ => {
                change(&mut self.ticket_change);
                self.ticket_reason.get_or_insert(Reason::ChangedInSentinel { field: field.to_owned() });
            }
        }
    }

    /// Changes the incident, for a change of the ticket's `field`.
    fn change_incident(&mut self, field: &str, key: &str, change: impl FnOnce(&mut IncidentChange)) {
        let before = self.before_closing(key, Side::Sentinel);
        match &mut self.held {
            Some(_) if !before && self.base.joined.contains(key) => self.held_apart.push(field.to_owned()),
            Some((_, held)) if !before => change(held),
            _ => {
                change(&mut self.incident_change);
                self.incident_reason.get_or_insert(Reason::ChangedInHalo { field: field.to_owned() });
            }
        }
    }
}

fn values(g: &mut Gather<'_, '_>) {
    severity::plan(g);
    owner::plan(g);
    verdict::plan(g);
    // Of incidents that share a ticket the first one's names, labels and mapped values stand there.
    if groups::shares(g.s) && !groups::leads(g.s) {
        return;
    }
    title::plan(g);
    labels::plan(g);
    mapped::plan(g);
}

/// A ticket type that Halo chose itself is said as long as the ticket has it.
fn other_type(g: &mut Gather<'_, '_>) {
    let Some(kept) = g.base.kept.get(agreed::TICKET_TYPE).copied() else { return };
    // Not every reading tells the type.
    if g.ticket.ticket_type_id.is_some_and(|now| now != kept.kept) {
        return;
    }
    let types = &g.s.catalogue.ticket_types;
    let name = |id: i64| {
        let found = types.iter().find(|kind| kind.id == id);
        found.map_or_else(|| id.to_string(), |kind| kind.name.clone())
    };
    let (sent, kept) = (name(kept.sent), name(kept.kept));
    g.out.remark(Reason::HaloKept { what: agreed::TICKET_TYPE.to_owned(), sent, kept });
}

fn creating(s: &Situation<'_>) -> bool {
    s.operations.iter().any(|o| o.state.open() && o.kind.makes_ticket())
}

/// Whether an item is about a closing for which the ticket has no choice.
fn unsaid_verdict(item: &Reason) -> bool {
    matches!(item, Reason::Unmapped { table, .. } if table == verdict::NAME)
}

/// What changes on a closed matter is not carried: it is noted on the other side, or only remarked on the pair.
/// Nothing becomes agreed by it, so it crosses when the matter is opened again.
fn after_closing(g: &mut Gather<'_, '_>, rule: AfterClosing) {
    let s = g.s;
    g.held = Some((TicketChange::default(), IncidentChange::default()));
    let items = g.out.items.len();
    values(g);
    let mut what: Vec<String> = Vec::new();
    for item in g.out.items.split_off(items) {
        // What nobody has agreed on is not carried either, and differs.
        if let Reason::Conflict { field, sentinel, halo } = item {
            what.push(format!("{field}: the incident says “{sentinel}”, the ticket “{halo}”"));
        } else if matches!(&item, Reason::OwnerUnknown { .. }) || unsaid_verdict(&item) {
            // Refused while the matter was open, or by the closing itself: that somebody is asked does not end with it.
            g.out.items.push(item);
        }
    }
    g.base.moves.retain(|name, _| s.pair.base.moves.contains_key(name));
    let Some((to_ticket, to_incident)) = g.held.take() else { return };
    if to_ticket != TicketChange::default() {
        let said = said::of_ticket(s, &to_ticket);
        if rule == AfterClosing::NoteOnly
            && let Some(note) = told_after::note(g, &said)
        {
            let kind = OperationKind::AddNote { comment: None, edit: 0, said: None, note };
            g.out.push(kind, Reason::AfterClosing { what: said.clone() });
        }
        what.push(said);
    }
    if to_incident != IncidentChange::default() {
        let said = said::of_incident(&to_incident);
        if rule == AfterClosing::NoteOnly
            && let Some(words) = told_after::comment(g, &said)
        {
            let name = notes::budget::named(&words);
            match notes::to_sentinel::own_comment(s, g.out, g.ticket.id, words) {
                Ok(Some(kind)) => g.out.push(kind, Reason::AfterClosing { what: said.clone() }),
                Ok(None) => {}
                Err(_) => {
                    notes::budget::no_room(s, [name], g.out);
                }
            }
        }
        what.push(said);
    }
    what.append(&mut g.held_apart);
    if !what.is_empty() {
        g.out.remark(Reason::AfterClosing { what: what.join("; ") });
    }
}

/// In comment-only no field is carried: a pair whose sides differ in what another mode would carry says so. Nothing becomes
/// agreed by it.
pub fn differing(s: &Situation<'_>, ticket: &Ticket, out: &mut Plan) {
    let mut carried = Plan::new();
    plan(s, ticket, &mut carried);
    let field = |p: &Planned| !matches!(p.kind, OperationKind::AddNote { .. } | OperationKind::AddComment { .. });
    let differs = carried.operations.iter().any(field) || !carried.items().is_empty();
    if differs || carried.remarks().contains(&Reason::ModeOneWay) {
        out.remark(Reason::ModeOneWay);
    }
}

/// Plans the fields of a pair whose ticket is known, and notes what is agreed already.
pub fn plan(s: &Situation<'_>, ticket: &Ticket, out: &mut Plan) {
    let mut gather = Gather {
        s,
        ticket,
        base: s.pair.base.clone(),
        out,
        ticket_change: TicketChange::default(),
        ticket_reason: None,
        incident_change: IncidentChange::default(),
        incident_reason: None,
        held: None,
        held_apart: Vec::new(),
        differ: None,
    };
    alerts::recall(s, &mut gather.base);
    match s.policy.after_closing_fields {
        rule @ (AfterClosing::NoteOnly | AfterClosing::Ignore) if closing::shut(s) => after_closing(&mut gather, rule),
        // The ticket that a reopened incident goes on in is being made from what the incident says now.
        _ if creating(s) => {}
        _ => values(&mut gather),
    }
    other_type(&mut gather);
    kept::plan(&mut gather);
    // Last: what a closing or reopening is called outranks the other reasons of the same write.
    status::plan(&mut gather);
    let Gather { base, out, ticket_change, ticket_reason, incident_change, incident_reason, differ, .. } = gather;
    if let Some(differ) = differ {
        out.remark(differ);
    }
    if base != s.pair.base {
        out.base = Some(base);
    }
    if let Some(reason) = ticket_reason {
        out.push(OperationKind::UpdateTicket { change: ticket_change }, reason);
    }
    if let Some(reason) = incident_reason {
        out.push(OperationKind::UpdateIncident { change: incident_change }, reason);
    }
}
