//! Shadow mode: tickets that Halo's own Sentinel integration makes are read and compared with the incidents. Nothing is
//! written: the workspace is in observe.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        client::HaloBinding,
        failure::{Failure, FailureKind},
        ids::{ConnectionId, IncidentId, TicketId},
        reason::Reason,
        shadow::Compared,
        ticket::{Action, Ticket},
    },
    halo_itsm::Halo,
    ledger::fact::Fact,
    outbound::budget::Class,
    planner::{
        adopt::{Carried, carried},
        shadow::{BothSides, compare},
    },
    store::{StoreError, Version},
};

use super::{Poll, REGATED_MAX, listing::Listing};
use crate::engine::unread;

/// Tickets that one poll reads for the first time.
const READ_AT_ONCE: usize = 200;
/// Incidents that one poll compares.
const COMPARED_AT_ONCE: usize = 100;
/// Where none of a poll's can be read, so many are asked for. So many that are to be compared may fail besides. Where more
/// fail, it may be all of them.
const UNREAD_MAX: usize = 3;
/// A ticket that could not be read for so long, while lists are, keeps none from being called missing any longer.
const GIVEN_UP: SignedDuration = SignedDuration::from_hours(2);
/// An incident whose ticket could not be read is compared again after this long.
const UNREAD_AGAIN: SignedDuration = SignedDuration::from_mins(15);
/// Lists look this far behind the newest time they showed.
pub(super) const OVERLAP: SignedDuration = SignedDuration::from_mins(3);
/// How far before a moment by other clocks a list begins: Halo's clock may be off, or tell local time.
pub(super) const CLOCKS_APART: SignedDuration = SignedDuration::from_hours(26);

/// What a ticket's row says of its version.
pub(super) type Row = (Option<Timestamp>, Option<Timestamp>, Option<i64>, bool);
/// What an incident and its tickets were when they were compared, and when to compare them again all the same.
type Looked = (Option<String>, Option<Timestamp>, Vec<(TicketId, Row)>);

/// How reading a ticket fails while lists can be read.
struct Failing {
    since: Timestamp,
    tried: Timestamp,
}

/// What is known of a workspace in shadow mode, in the life of this process.
#[derive(Default)]
pub struct Shadowing {
    /// Whose tickets these are: another client's, or another instance's, are looked through anew.
    of: Option<(ConnectionId, i64)>,
    /// The client's tickets, by their rows.
    rows: BTreeMap<TicketId, Row>,
    /// What those that were read carry, with their rows as they were then: list rows lack it, so each is read whole, and
    /// once more when it changed as long as it carries nothing.
    carried: BTreeMap<TicketId, (Row, Option<Carried>)>,
    /// Those that could not be read while lists could.
    failed: BTreeMap<TicketId, Failing>,
    /// When one could be read.
    well: Option<Timestamp>,
    /// All that changed before this moment was listed, by Halo's clock.
    listed: Option<Timestamp>,
    /// The list under way.
    listing: Option<Listing>,
    /// Everything listed has been read: an incident without a ticket has none.
    whole: bool,
    compared: BTreeMap<IncidentId, (Looked, Option<Timestamp>)>,
}

impl Shadowing {
    /// The clock was set back by so much.
    pub fn set_back(&mut self, by: SignedDuration) {
        for at in self.compared.values_mut().filter_map(|(_, again)| again.as_mut()) {
            *at = at.checked_sub(by).unwrap_or(*at);
        }
        let failing = self.failed.values_mut().flat_map(|failing| [&mut failing.since, &mut failing.tried]);
        for at in failing.chain(self.well.as_mut()) {
            *at = at.checked_sub(by).unwrap_or(*at);
        }
        self.listing.iter_mut().for_each(|list| list.set_back(by));
    }

    /// Whether no more is expected of reading this ticket: Halo says no, or it has failed for long. Where many fail, others
    /// must have been read meanwhile: it may be Halo as a whole.
    fn given_up(&mut self, ticket: TicketId, failure: &Failure, now: Timestamp) -> bool {
        let failing = self.failed.entry(ticket).or_insert(Failing { since: now, tried: now });
        failing.tried = now;
        let since = failing.since;
        let its_own = self.failed.len() <= UNREAD_MAX || self.well.is_some_and(|well| well >= since);
        !failure.retryable() || its_own && now.duration_since(since) >= GIVEN_UP
    }
}

impl Poll<'_> {
    /// Compares what changed since the last poll.
    pub(super) async fn shadow(&mut self) -> Result<(), StoreError> {
        let Some(binding) = self.client.halo.clone().filter(|_| self.workspace.shadows()) else { return Ok(()) };
        let id = self.workspace.id;
        let of = Some((binding.connection, binding.halo_client_id));
        let known = self.engine.schedule().shadows.remove(&id).filter(|known| known.of == of);
        let mut known = known.unwrap_or_else(|| Shadowing { of, ..Shadowing::default() });
        if self.thorough {
            // What is compared by may be another policy now.
            known.compared.clear();
        }
        let halo = self.engine.registry.halo(binding.connection);
        let read = async {
            let halo = halo?;
            look_through(self, &halo, &binding, &mut known).await?;
            Ok(halo)
        };
        let compared = match read.await {
            Ok(halo) => self.compare_all(&halo, &binding, &mut known).await,
            Err(failure) => {
                self.stopped(failure);
                Ok(())
            }
        };
        self.engine.schedule().shadows.insert(id, known);
        compared
    }

    /// What had no room in the budget goes on with the next poll; anything else is this poll's failure.
    fn stopped(&mut self, failure: Failure) {
        if !matches!(failure.kind, FailureKind::WaitUntil { .. }) {
            self.failed_with(failure);
        }
    }

    async fn compare_all(
        &mut self,
        halo: &Halo,
        binding: &HaloBinding,
        known: &mut Shadowing,
    ) -> Result<(), StoreError> {
        let workspace = self.workspace.id;
        let ids = self.engine.store.held_for(workspace, Reason::ModeObserve.code(), REGATED_MAX).await?;
        let versions = self.engine.store.versions(workspace, &ids).await?;
        let mut tickets: BTreeMap<&IncidentId, Vec<TicketId>> = BTreeMap::new();
        for (ticket, (_, carried)) in &known.carried {
            let mine = carried.as_ref().filter(|carried| carried.is(self.workspace, &carried.incident));
            if let Some(carried) = mine {
                tickets.entry(&carried.incident).or_default().push(*ticket);
            }
        }
        let now = self.engine.now();
        let mut compared = Vec::new();
        let (mut read, mut failed) = (0, 0);
        for id in ids {
            let Some(version) = versions.get(&id) else { continue };
            let tickets = tickets.get(&id).map_or(&[][..], Vec::as_slice);
            if tickets.is_empty() && !known.whole {
                continue;
            }
            let looked = looked(version, tickets, &known.rows);
            if known
                .compared
                .get(&id)
                .is_some_and(|(before, again)| *before == looked && again.is_none_or(|again| again > now))
            {
                continue;
            }
            read += usize::from(!tickets.is_empty());
            if read > COMPARED_AT_ONCE {
                break;
            }
            match self.compare_one(halo, binding, &id, tickets).await? {
                Ok(again) => {
                    if !tickets.is_empty() {
                        known.well = Some(now);
                    }
                    compared.push((id, (looked, again)));
                }
                // What is wrong with one ticket keeps no other incident from being compared.
                Err(failure) if unread::may_be_its_own(&failure) && failed < UNREAD_MAX => {
                    tracing::warn!(incident.id = %id, error = %failure, "an incident could not be compared with its ticket; it is tried again");
                    failed += 1;
                    compared.push((id, (looked, Some(now + UNREAD_AGAIN))));
                }
                Err(failure) => {
                    self.stopped(failure);
                    break;
                }
            }
        }
        known.compared.extend(compared);
        Ok(())
    }

    /// Reads both sides of one incident and records what is found, if that is new.
    async fn compare_one(
        &mut self,
        halo: &Halo,
        binding: &HaloBinding,
        id: &IncidentId,
        tickets: &[TicketId],
    ) -> Result<Result<Option<Timestamp>, Failure>, StoreError> {
        let (workspace, engine) = (self.workspace.id, self.engine);
        let Some(subject) = engine.store.subject(workspace, id).await? else { return Ok(Ok(None)) };
        let before: Option<Compared> = engine.store.compared(self.client.id, workspace, id).await?;
        let read = async {
            let mut both = Vec::with_capacity(tickets.len());
            for ticket in tickets {
                both.extend(whole(halo, binding, *ticket).await?);
            }
            let comments = if both.is_empty() || subject.incident.comments_count == 0 {
                Vec::new()
            } else {
                self.sentinel.comments(&self.at, id, Class::Backfill).await?
            };
            Ok((both, comments))
        };
        let (tickets, comments) = match read.await {
            Ok(read) => read,
            Err(failure) => return Ok(Err(failure)),
        };
        let Some(catalogue) = engine.registry.catalogue(binding.connection) else { return Ok(Ok(None)) };
        let (found, again) = compare(&BothSides {
            now: engine.now(),
            policy: self.policy,
            catalogue: &catalogue,
            incident: &subject.incident,
            comments: &comments,
            tickets: &tickets,
            before: before.as_ref(),
        });
        // One that may still get its ticket is not compared yet.
        let waits = found.tickets.is_empty() && found.lapses.is_empty() && before.is_none();
        if !waits && before.as_ref() != Some(&found) {
            let fact = Fact::ShadowCompared { workspace, incident: id.clone(), compared: found };
            engine.record(engine.now(), Some(self.client.id), vec![fact]).await?;
        }
        Ok(Ok(again))
    }
}

/// Lists the client's tickets that changed, and reads those whole that were not read yet.
async fn look_through(
    poll: &Poll<'_>,
    halo: &Halo,
    binding: &HaloBinding,
    known: &mut Shadowing,
) -> Result<(), Failure> {
    let (now, id) = (poll.engine.now(), binding.halo_client_id);
    let since = known.listed.unwrap_or(poll.workspace.since - CLOCKS_APART) - OVERLAP;
    let under_way = known.listing.take().filter(|list| list.holds(now) && list.since <= since && list.is_of(id));
    let mut list = under_way.unwrap_or_else(|| Listing::of(id, since, now, None));
    if let Err(failure) = list.read_on(poll.engine, halo, binding, Class::Backfill).await {
        if !matches!(failure.kind, FailureKind::WaitUntil { .. }) {
            // It is not a ticket's alone.
            known.failed.clear();
        }
        // The next poll goes on behind what was read.
        known.listing = Some(list).filter(Listing::begun);
        return Err(failure);
    }
    known.listed = known.listed.max(Some(list.through()));
    known.rows.extend(list.found);
    known.whole = false;
    let reads = |(id, row): (&TicketId, &Row)| match known.carried.get(id) {
        Some((before, carried)) => carried.is_none() && before != row,
        None => true,
    };
    let mut fresh: Vec<(TicketId, Row)> =
        known.rows.iter().filter(|row| reads(*row)).map(|(id, row)| (*id, *row)).collect();
    // First what has not failed yet, then what was tried the longest ago.
    fresh.sort_by_key(|(id, _)| known.failed.get(id).map(|failing| failing.tried));
    let (mut read_well, mut left) = (false, 0);
    for (id, row) in fresh.iter().take(READ_AT_ONCE) {
        let carried = match halo.ticket(*id, Class::Backfill).await {
            Ok(ticket) => {
                read_well = true;
                known.well = Some(now);
                carried(&ticket)
            }
            Err(failure) if failure.kind == FailureKind::Gone => None,
            // One that our agent may not see, or that Halo has a fault with, keeps none of the others from being read.
            Err(failure) if unread::may_be_its_own(&failure) => {
                tracing::warn!(ticket.id = %id, error = %failure, "a ticket that may be one of Halo's own integration could not be read");
                if !known.given_up(*id, &failure, now) {
                    left += 1;
                    if !read_well && left >= UNREAD_MAX {
                        // The others wait for the next poll. What was read before can be compared.
                        break;
                    }
                    continue;
                }
                None
            }
            Err(failure) => return Err(failure),
        };
        known.failed.remove(id);
        known.carried.insert(*id, (*row, carried));
    }
    known.whole = fresh.len() <= READ_AT_ONCE && left == 0;
    Ok(())
}

/// A ticket as it stands, with its actions; `None` for one that is gone, or another client's by now.
async fn whole(halo: &Halo, binding: &HaloBinding, id: TicketId) -> Result<Option<(Ticket, Vec<Action>)>, Failure> {
    let ticket = match halo.ticket(id, Class::Backfill).await {
        Ok(ticket) => ticket,
        Err(failure) if failure.kind == FailureKind::Gone => return Ok(None),
        Err(failure) => return Err(failure),
    };
    if ticket.deleted || ticket.client_id != Some(binding.halo_client_id) {
        return Ok(None);
    }
    let actions = halo.actions(id, Class::Backfill).await?;
    Ok(Some((ticket, actions)))
}

pub(super) fn version(row: &Ticket) -> Row {
    (row.last_update, row.last_action, row.status_id, row.closed)
}

fn looked(version: &Version, tickets: &[TicketId], rows: &BTreeMap<TicketId, Row>) -> Looked {
    let of = |id: &TicketId| (*id, rows.get(id).copied().unwrap_or_default());
    (version.etag.clone(), version.modified, tickets.iter().map(of).collect())
}
