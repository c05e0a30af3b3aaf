//! Tickets that Halo's own Sentinel integration made are found and linked, never created again. So are those that an
//! incident was pushed from.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    domain::{
        client::HaloBinding,
        failure::{Failure, FailureKind},
        ids::{IncidentId, TicketId},
        incident::Incident,
        reason::Reason,
        ticket::Ticket,
        workspace::Workspace,
    },
    engine::future,
    ledger::fact::Fact,
    outbound::budget::Class,
    planner::{
        adopt::{Carried, carried},
        gate::Brake,
        link, push,
    },
    store::StoreError,
};

use super::{
    Poll,
    newcomers::Newcomer,
    pages::OwnRows,
    shadow::{CLOCKS_APART, OVERLAP, Row, version},
};
use crate::engine::unread;

/// A client's tickets in Halo, open and closed, that were looked at, and what they carry: list rows lack it, so each is
/// read whole, and once more when it changed as long as it carries nothing. Kept for the life of this process.
#[derive(Debug, Clone, Default)]
pub struct Natives {
    /// With their rows as they were then.
    read: BTreeMap<TicketId, (Row, Option<Carried>)>,
    /// All that changed since are known.
    from: Option<Timestamp>,
    /// Newest time that a list showed, by Halo's clock.
    listed: Option<Timestamp>,
}

impl Natives {
    /// From when on to list, so that all that changed since `from` are known.
    fn since(&self, from: Timestamp) -> Timestamp {
        let covered = self.from.is_some_and(|known| known <= from);
        let newest = self.listed.map(|at| at.checked_sub(OVERLAP).unwrap_or(at));
        newest.filter(|newest| covered && *newest > from).unwrap_or(from)
    }

    /// The ticket that was made for an incident, and is not `not`: one that is open before one that is closed.
    fn made_for(&self, workspace: &Workspace, incident: &IncidentId, not: Option<TicketId>) -> Option<TicketId> {
        let of = |(id, (row, carried)): (&TicketId, &(Row, Option<Carried>))| {
            let its = carried.as_ref().is_some_and(|carried| carried.is(workspace, incident));
            (its && Some(*id) != not).then_some((row.3, *id))
        };
        self.read.iter().filter_map(of).min().map(|(_, id)| id)
    }
}

impl Poll<'_> {
    /// Links those of the newcomers that a ticket was made for, and gives the others. No ticket is made for them: the
    /// storm brake is not asked.
    pub(super) async fn adopted(&mut self, newcomers: Vec<Newcomer>) -> Result<Vec<Newcomer>, StoreError> {
        let catalogue = self.client.halo.as_ref().and_then(|b| self.engine.registry.catalogue(b.connection));
        let (mut off, now) = (Some(Brake::off()), self.engine.now());
        let mut judged = Vec::with_capacity(newcomers.len());
        let mut oldest: Option<Timestamp> = None;
        for newcomer in newcomers {
            let (incident, held) = (&newcomer.incident, newcomer.held.as_deref());
            let passed = if self.pushed_from(incident, held).is_some() {
                None
            } else {
                self.judge(catalogue.as_deref(), &mut off, incident, held).await?.ok()
            };
            if passed.is_some() {
                let made = incident.created.map_or(self.workspace.since, |at| at.min(now));
                oldest = Some(oldest.map_or(made, |oldest| oldest.min(made)));
            }
            judged.push((newcomer, passed));
        }
        let Some(oldest) = oldest else { return Ok(judged.into_iter().map(|(newcomer, _)| newcomer).collect()) };
        // No ticket was made before its incident.
        let natives = self.natives(oldest.checked_sub(CLOCKS_APART).unwrap_or(oldest)).await?;
        let mut left = Vec::with_capacity(judged.len());
        for (newcomer, passed) in judged {
            let Some(passed) = passed else {
                left.push(newcomer);
                continue;
            };
            match &natives {
                // Whoever unlinked it from a ticket wants another one.
                Ok(known) => match known.made_for(self.workspace, &newcomer.incident.id, passed.after) {
                    Some(ticket) => self.adopt(newcomer.incident, ticket).await?,
                    None => left.push(newcomer),
                },
                // As long as it is not known whether it has a ticket, none is made.
                Err(failure) => {
                    self.counts.hold(&newcomer.incident);
                    self.failed_with(failure.clone());
                }
            }
        }
        Ok(left)
    }

    /// What those of the client's tickets carry that changed since `from`: reads what is not known yet.
    async fn natives(&self, from: Timestamp) -> Result<Result<Natives, Failure>, StoreError> {
        let Some(binding) = self.client.halo.as_ref() else { return Ok(Ok(Natives::default())) };
        let key = (binding.connection, binding.halo_client_id);
        let mut known = self.engine.schedule().natives.get(&key).cloned().unwrap_or_default();
        let since = known.since(from);
        let rows = match self.changed_rows(binding, since).await {
            Ok(rows) => rows,
            Err(failure) => return Ok(Err(failure)),
        };
        let again = |row: &&Ticket| known.read.get(&row.id).is_some_and(|(before, _)| moved(*before, row));
        let again: Vec<TicketId> = rows.iter().filter(again).map(|row| row.id).collect();
        // One that has its incident waits for no other.
        let linked = match again.as_slice() {
            [] => BTreeMap::new(),
            again => self.engine.store.pairs_of_tickets(binding.connection, again).await?,
        };
        let read = self.read_rows(binding, &rows, &mut known, |id| linked.contains_key(&id)).await;
        if read.is_ok() {
            // One that tells a time to come hides no other.
            let latest = future::latest(None, self.engine.now());
            let told = rows.iter().filter_map(|row| row.last_update.or(row.last_action)).filter(|at| *at <= latest);
            known.listed = told.fold(known.listed, |newest, at| newest.max(Some(at)));
            if since == from {
                known.from = Some(from);
            }
        }
        // Where that failed, what was read so far need not be read again.
        self.engine.schedule().natives.insert(key, known.clone());
        Ok(read.map(|()| known))
    }

    /// A backfill takes no place of new incidents.
    pub(super) fn halo_class(&self) -> Class {
        if self.class == Class::Backfill { Class::Backfill } else { Class::New }
    }

    /// Rows of the client's tickets, open and closed, that changed since a moment.
    async fn changed_rows(&self, binding: &HaloBinding, since: Timestamp) -> Result<Vec<Ticket>, Failure> {
        let halo = self.engine.registry.halo(binding.connection)?;
        let mut rows = OwnRows::of(binding.halo_client_id);
        while let Some(page_no) = rows.next_page()? {
            rows.take(halo.tickets_of(binding.halo_client_id, since, page_no, self.halo_class()).await?);
        }
        Ok(rows.found)
    }

    /// Reads those of the tickets whole that may carry an incident that is not known of.
    async fn read_rows(
        &self,
        binding: &HaloBinding,
        rows: &[Ticket],
        known: &mut Natives,
        linked: impl Fn(TicketId) -> bool,
    ) -> Result<(), Failure> {
        let halo = self.engine.registry.halo(binding.connection)?;
        for row in rows {
            let now = version(row);
            match known.read.get_mut(&row.id) {
                Some((before, Some(_))) => {
                    *before = now;
                    continue;
                }
                Some((before, None)) if !moved(*before, row) || linked(row.id) => continue,
                _ => {}
            }
            match halo.ticket(row.id, self.halo_class()).await {
                Ok(ticket) => {
                    known.read.insert(row.id, (now, carried(&ticket)));
                }
                Err(failure) if failure.kind == FailureKind::Gone => {}
                // One that our agent may not see, for as long as it does not move, keeps no other incident from its ticket.
                Err(failure) if !failure.retryable() && unread::may_be_its_own(&failure) => {
                    tracing::warn!(ticket.id = %row.id, error = %failure, "a ticket that may be one of Halo's own integration could not be read");
                    known.read.insert(row.id, (now, None));
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
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

/// Whether a ticket is another one than when it was read: a row that does not tell when it was changed may be.
fn moved(before: Row, row: &Ticket) -> bool {
    row.last_update.is_none() || before != version(row)
}
