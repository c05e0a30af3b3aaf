//! Tickets that Halo's own Sentinel integration made are found and linked, never created again. So are those that an
//! incident was pushed from.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        client::HaloBinding,
        failure::{Failure, FailureKind},
        ids::{IncidentId, TicketId},
        incident::Incident,
        reason::Reason,
        workspace::Workspace,
    },
    halo_itsm::Halo,
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
    listing::Listing,
    newcomers::Newcomer,
    shadow::{CLOCKS_APART, OVERLAP, Row},
};
use crate::engine::unread;

/// A client's tickets in Halo, open and closed, that were looked at, and what they carry: list rows lack it, so each is
/// read whole, and once more when it changed as long as it carries nothing. Kept for the life of this process.
#[derive(Debug, Default)]
pub struct Natives {
    /// With their rows as they were then.
    read: BTreeMap<TicketId, (Row, Option<Carried>)>,
    /// All that changed from the first moment to the second is known, by Halo's clock.
    spans: Vec<(Timestamp, Timestamp)>,
    /// Lists under way, and what they are read for.
    lists: Vec<(Class, Listing)>,
    /// How often one could not be read while others could.
    failed: BTreeMap<TicketId, u32>,
}

/// A ticket that could not be read so often keeps no other incident from its ticket any longer.
const TRIES: u32 = 10;

impl Natives {
    /// A list under way that holds all that is to be known from `from` on, to be gone on with; else from when on to list.
    fn list(&mut self, class: Class, from: Timestamp, now: Timestamp) -> Result<Listing, Timestamp> {
        let since = begin(&self.spans, from);
        self.lists.retain(|(_, list)| list.holds(now));
        // A backfill has time. Who is fresh waits for no list that is much longer than their own.
        let serves = |list: &Listing| {
            list.since <= since && (class == Class::Backfill || since.duration_since(list.since) <= CLOCKS_APART)
        };
        let under_way = self.lists.iter().enumerate().filter(|(_, (of, list))| *of == class && serves(list));
        let latest = under_way.max_by_key(|(_, (_, list))| list.since).map(|(place, _)| place);
        latest.map(|place| self.lists.swap_remove(place).1).ok_or(since)
    }

    /// A list was gone through to its end: what it holds is known.
    fn took(&mut self, list: &Listing) {
        let (mut begins, mut ends) = (list.since, list.through());
        self.spans.retain(|(first, last)| {
            let apart = *last < begins || *first > ends;
            if !apart {
                (begins, ends) = (begins.min(*first), ends.max(*last));
            }
            apart
        });
        self.spans.push((begins, ends));
        // Others that hold no more than this.
        let spans = &self.spans;
        self.lists.retain(|(_, list)| begin(spans, list.since) == list.since);
    }

    /// Whether a ticket has to be read whole. One that has its incident waits for no other.
    fn wanted(&mut self, ticket: TicketId, row: Row, linked: bool) -> bool {
        match self.read.get_mut(&ticket) {
            Some((before, Some(_))) => {
                *before = row;
                false
            }
            Some((before, None)) => !linked && moved(*before, row),
            None => true,
        }
    }

    /// Whether it was read, carried nothing, and may be another one now.
    fn may_have_moved(&self, ticket: TicketId, row: Row) -> bool {
        self.read.get(&ticket).is_some_and(|(before, carried)| carried.is_none() && moved(*before, row))
    }

    /// The tickets that were made for an incident, and are not `not`: those that are open before those that are closed.
    fn made_for(&self, workspace: &Workspace, incident: &IncidentId, not: Option<TicketId>) -> Vec<TicketId> {
        let of = |(id, (row, carried)): (&TicketId, &(Row, Option<Carried>))| {
            let its = carried.as_ref().is_some_and(|carried| carried.is(workspace, incident));
            (its && Some(*id) != not).then_some((row.3, *id))
        };
        let mut made: Vec<(bool, TicketId)> = self.read.iter().filter_map(of).collect();
        made.sort_unstable();
        made.into_iter().map(|(_, id)| id).collect()
    }

    /// A ticket that is no incident's any more (deleted, merged, moved) keeps none from its ticket until it changes again.
    pub fn forget(&mut self, ticket: TicketId) {
        if let Some((_, carried)) = self.read.get_mut(&ticket) {
            *carried = None;
        }
    }

    /// The clock was set back by so much.
    pub fn set_back(&mut self, by: SignedDuration) {
        self.lists.iter_mut().for_each(|(_, list)| list.set_back(by));
    }
}

/// From when on to list, so that all that changed since `from` is known, where these spans are.
fn begin(spans: &[(Timestamp, Timestamp)], from: Timestamp) -> Timestamp {
    let known = spans.iter().filter(|(first, _)| *first <= from);
    let ends = known.filter_map(|(_, last)| last.checked_sub(OVERLAP).ok());
    ends.fold(from, Timestamp::max)
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
        let client = self.client;
        let Some(binding) = client.halo.as_ref() else {
            return Ok(judged.into_iter().map(|(newcomer, _)| newcomer).collect());
        };
        // No ticket was made before its incident.
        let known = self.natives(binding, oldest.checked_sub(CLOCKS_APART).unwrap_or(oldest)).await?;
        let mut left = Vec::with_capacity(judged.len());
        let earlier = self.counts.failure.take();
        for (newcomer, passed) in judged {
            let Some(passed) = passed else {
                left.push(newcomer);
                continue;
            };
            match &known {
                Ok(()) => {
                    match self.native_of(binding, &newcomer, passed.after).await? {
                        // After one that could not be read the others come again: nothing is asked for them yet.
                        Some(_) if self.failed() => self.counts.hold(&newcomer.incident),
                        Some(ticket) => self.adopt(newcomer.incident, ticket).await?,
                        None => left.push(newcomer),
                    }
                }
                // As long as it is not known whether it has a ticket, none is made.
                Err(failure) => {
                    self.counts.hold(&newcomer.incident);
                    self.failed_with(failure.clone());
                }
            }
        }
        self.counts.failure = earlier.or(self.counts.failure.take());
        Ok(left)
    }

    /// The ticket that is there for a newcomer, and is not `after`: whoever unlinked it from that one wants another one.
    async fn native_of(
        &self,
        binding: &HaloBinding,
        newcomer: &Newcomer,
        after: Option<TicketId>,
    ) -> Result<Option<TicketId>, StoreError> {
        let (workspace, incident) = (self.workspace, &newcomer.incident.id);
        let mut made = self.natives_of(binding, |known| known.made_for(workspace, incident, after));
        let held = newcomer.held.as_deref();
        // That a ticket is another incident's by now was said before, or is no answer to who asks for one.
        let told = held == Some(Reason::TICKET_ASKED) || held == Some(link_refused());
        if told && !made.is_empty() {
            let taken = self.engine.store.pairs_of_tickets(binding.connection, &made).await?;
            made.retain(|ticket| !taken.contains_key(ticket));
        }
        Ok(made.first().copied())
    }

    /// What is known of a client's tickets.
    pub(in crate::engine) fn natives_of<T>(&self, binding: &HaloBinding, ask: impl FnOnce(&mut Natives) -> T) -> T {
        let mut schedule = self.engine.schedule();
        ask(schedule.natives.entry((binding.connection, binding.halo_client_id)).or_default())
    }

    /// Reads what is not known yet of those of the client's tickets that changed since `from`. Whom the budget stops in
    /// the middle goes on there with the next try.
    async fn natives(&self, binding: &HaloBinding, from: Timestamp) -> Result<Result<(), Failure>, StoreError> {
        let halo = match self.engine.registry.halo(binding.connection) {
            Ok(halo) => halo,
            Err(failure) => return Ok(Err(failure)),
        };
        let class = self.halo_class();
        let mut after = None;
        loop {
            let (now, passed) = (self.engine.now(), self.engine.store.halo_cursor(binding.connection).await?);
            let under_way = self.natives_of(binding, |known| known.list(class, from, now));
            // What its pages showed may be older than the incidents that are met now.
            let resumed = under_way.is_ok();
            let begun = |since| Listing::of(binding.halo_client_id, since, now, passed).after(after);
            let mut list = under_way.unwrap_or_else(begun);
            let read = self.go_through(&halo, binding, &mut list).await;
            if !matches!(read, Ok(Ok(()))) {
                if list.begun() {
                    self.natives_of(binding, |known| known.lists.push((class, list)));
                }
                return read;
            }
            self.natives_of(binding, |known| known.took(&list));
            let now = self.engine.now();
            if !resumed && !list.again(now) {
                return read;
            }
            after = Some(list.took(now));
        }
    }

    /// A backfill takes no place of new incidents.
    pub(super) fn halo_class(&self) -> Class {
        if self.class == Class::Backfill { Class::Backfill } else { Class::New }
    }

    /// Lists the client's tickets, open and closed, and reads those of them whole that may carry an incident that is not
    /// known of.
    async fn go_through(
        &self,
        halo: &Halo,
        binding: &HaloBinding,
        list: &mut Listing,
    ) -> Result<Result<(), Failure>, StoreError> {
        let class = self.halo_class();
        if let Err(failure) = list.read_on(self.engine, halo, binding, class).await {
            return Ok(Err(failure));
        }
        let left = list.found.iter().skip(list.looked);
        let again: Vec<TicketId> = self.natives_of(binding, |known| {
            left.filter(|(id, row)| known.may_have_moved(*id, *row)).map(|(id, _)| *id).collect()
        });
        let linked = match again.as_slice() {
            [] => BTreeMap::new(),
            again => self.engine.store.pairs_of_tickets(binding.connection, again).await?,
        };
        while let Some((id, row)) = list.found.get(list.looked).copied() {
            if self.natives_of(binding, |known| known.wanted(id, row, linked.contains_key(&id))) {
                let carries = match halo.ticket(id, class).await {
                    Ok(ticket) => Some(carried(&ticket).filter(|_| !ticket.deleted && ticket.merged_into.is_none())),
                    Err(failure) if failure.kind == FailureKind::Gone => None,
                    // One that our agent may not see, for as long as it does not move, keeps no other incident from its
                    // ticket.
                    Err(failure) if unread::may_be_its_own(&failure) && self.given_up(binding, id, &failure) => {
                        tracing::warn!(ticket.id = %id, error = %failure, "a ticket that may be one of Halo's own integration could not be read");
                        Some(None)
                    }
                    Err(failure) => return Ok(Err(failure)),
                };
                if let Some(carries) = carries {
                    self.natives_of(binding, |known| known.read.insert(id, (row, carries)));
                }
            }
            list.looked += 1;
        }
        Ok(Ok(()))
    }

    /// Whether no more is expected of reading this ticket: Halo says no, or it failed again and again while others are read.
    fn given_up(&self, binding: &HaloBinding, id: TicketId, failure: &Failure) -> bool {
        if !failure.retryable() {
            return true;
        }
        let instance = self.engine.schedule().instances.get(&binding.connection).cloned();
        let others = instance.is_some_and(|standing| standing.last_failure.is_none());
        others
            && self.natives_of(binding, |known| {
                let failed = known.failed.entry(id).or_default();
                *failed = failed.saturating_add(1);
                *failed >= TRIES
            })
    }

    /// The ticket that an incident was pushed from. A poll or a webhook may meet it before the answer to its making is
    /// here, and so may a restored installation that does not remember the push.
    pub(super) fn pushed_from(&self, incident: &Incident, held: Option<&str>) -> Option<TicketId> {
        // What a person decided stands, and what could not be linked is judged like any other.
        if held.is_some_and(|code| link::before_gates(code) || code == link_refused()) {
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
        if known.as_ref().is_some_and(|subject| subject.pair.is_some()) {
            return Ok(());
        }
        let held = known.and_then(|subject| subject.held);
        // What a person decided while the tickets were looked through stands.
        if held.as_ref().is_some_and(link::stays) {
            self.counts.hold(&incident);
            return Ok(());
        }
        let unlinked = match held {
            Some(Reason::TicketAsked { after, .. }) => after.map(Some),
            _ => None,
        };
        let reason = Some(Reason::LinkAsked { ticket, unlinked });
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

/// Code of the reason of an incident that could not be linked.
fn link_refused() -> &'static str {
    Reason::LinkRefused { ticket: TicketId(0), why: String::new() }.code()
}

/// Whether a ticket is another one than when it was read: a row that does not tell when it was changed may be.
fn moved(before: Row, row: Row) -> bool {
    row.0.is_none() || before != row
}
