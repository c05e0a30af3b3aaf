//! Tickets that Halo's own Sentinel integration made are found and linked, never created again. So are those that an
//! incident was pushed from.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    domain::{
        failure::{Failure, FailureKind},
        ids::TicketId,
        incident::Incident,
        reason::Reason,
    },
    ledger::fact::Fact,
    outbound::budget::Class,
    planner::{
        adopt::{Carried, carried},
        link, push,
    },
    store::StoreError,
};

use super::{Poll, pages::OwnRows};

/// A client's open tickets in Halo that were looked at, and what they carry: list rows lack it, so each is read whole,
/// once in the life of this process.
#[derive(Debug, Clone, Default)]
pub struct Natives {
    seen: BTreeSet<TicketId>,
    carried: BTreeMap<TicketId, Carried>,
}

impl Poll<'_> {
    /// Reads those of the client's open tickets that are not known yet.
    pub(super) async fn natives(&mut self) -> Result<Natives, Failure> {
        let Some(binding) = self.client.halo.clone() else { return Ok(Natives::default()) };
        let halo = self.engine.registry.halo(binding.connection)?;
        let key = (binding.connection, binding.halo_client_id);
        let mut known = self.engine.schedule().natives.get(&key).cloned().unwrap_or_default();
        let mut rows = OwnRows::of(binding.halo_client_id);
        while let Some(page_no) = rows.next_page()? {
            rows.take(halo.open_tickets_of(binding.halo_client_id, page_no, Class::New).await?);
        }
        for id in rows.found.iter().map(|row| row.id) {
            if known.seen.contains(&id) {
                continue;
            }
            match halo.ticket(id, Class::New).await {
                Ok(ticket) => {
                    known.carried.extend(carried(&ticket).map(|carried| (id, carried)));
                    known.seen.insert(id);
                }
                Err(failure) if failure.kind == FailureKind::Gone => {}
                Err(failure) => {
                    // What was read so far need not be read again.
                    self.engine.schedule().natives.insert(key, known);
                    return Err(failure);
                }
            }
        }
        self.engine.schedule().natives.insert(key, known.clone());
        Ok(known)
    }

    /// The ticket that was made for an incident.
    pub(super) fn native_of(&self, natives: &Natives, incident: &Incident) -> Option<TicketId> {
        let of = |(id, carried): (&TicketId, &Carried)| carried.is(self.workspace, &incident.id).then_some(*id);
        natives.carried.iter().find_map(of)
    }

    /// The ticket that an incident was pushed from. A poll or a webhook may meet it before the answer to its making is
    /// here, and so may a restored installation that does not remember the push.
    pub(super) fn pushed_from(&self, incident: &Incident, held: Option<&str>) -> Option<TicketId> {
        // What a person decided stands, and what could not be linked is judged like any other.
        let refused = Reason::LinkRefused { ticket: TicketId(0), why: String::new() }.code();
        if held.is_some_and(|code| link::before_gates(code) || code == refused) {
            return None;
        }
        let binding = self.client.halo.as_ref()?;
        let view = self.engine.registry.view();
        push::pushed_from(&view.halo.get(&binding.connection)?.tenant, incident)
    }

    /// Links an incident to the ticket that was made for it, or that it was made from.
    pub(super) async fn adopt(&mut self, incident: Incident, ticket: TicketId) -> Result<(), StoreError> {
        let (id, now) = (incident.id.clone(), self.engine.now());
        let lane = self.engine.lanes.newcomers(self.workspace.id).await;
        let known = self.engine.store.subject(self.workspace.id, &id).await?;
        if known.is_some_and(|subject| subject.pair.is_some()) {
            return Ok(());
        }
        let reason = Some(Reason::LinkAsked { ticket, unlinked: None });
        let facts = vec![
            Fact::IncidentRead { workspace: self.workspace.id, client: self.client.id, incident: Box::new(incident) },
            Fact::IncidentHeld { workspace: self.workspace.id, incident: id.clone(), reason },
        ];
        self.engine.record(now, Some(self.client.id), facts).await?;
        drop(lane);
        self.counts.changed += 1;
        match self.engine.store.subject(self.workspace.id, &id).await? {
            Some(subject) if subject.pair.is_none() => Box::pin(self.join(subject, ticket)).await,
            _ => Ok(()),
        }
    }
}
