//! Incidents that share a ticket, as far as reading and recording go: which ticket a newcomer joins, how the others of a
//! group get the ticket that its first one was given, and which of them have to be planned again.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::{
    domain::{
        failure::Side,
        group::Mate,
        ids::{PairId, TicketId},
        incident::{Comment, Evidence, Incident},
        operation::OperationKind,
        pair::{Base, Pair},
        policy::{GroupRule, Policy},
        ticket::{Action, Ticket},
    },
    ledger::fact::Fact,
    planner::{agreed, groups, mapping, observed::Reading, second_writer},
    store::{SituationRow, StoreError},
};

use super::{Engine, digest, forgotten, known::Known, poll::Poll, registry::View};

/// Groups that are looked at for one incident, the newest first.
const CANDIDATES_MAX: u32 = 8;

/// A newcomer's place among others.
pub(super) enum Grouping {
    /// The policy does not group, or it has nothing to be grouped by.
    None,
    /// It gets a ticket of its own, which others may share.
    Begins {
        /// What they must have.
        keys: Vec<String>,
        /// Why it joins none that there is; empty when there is none.
        why: String,
    },
    /// It shares a ticket.
    Joins(Box<Joins>),
}

/// What a newcomer joins.
pub(super) struct Joins {
    /// The pair that began the group.
    pub first: PairId,
    /// Its incident.
    pub name: String,
    /// What they have in common.
    pub why: String,
    /// The ticket and its actions, once it is made.
    pub ticket: Option<(Ticket, Option<Vec<Action>>)>,
    /// It was on that ticket before, which was forgotten: whether a closing of the ticket was meant for it nobody knows.
    pub again: bool,
}

/// Groups that begin while one list of newcomers is recorded: the store does not know them yet.
#[derive(Default)]
pub(super) struct Beginning {
    begun: Vec<Begun>,
    joined: BTreeMap<PairId, usize>,
}

struct Begun {
    pair: PairId,
    keys: Vec<String>,
    incident: Incident,
    named: Option<TicketId>,
}

/// Whether a poll may find incidents whose place on a shared ticket is forgotten.
pub(super) fn may_forget(poll: &Poll<'_>) -> bool {
    poll.policy().group.is_some() && poll.engine.schedule().forgotten_until.is_some()
}

/// Whether a newcomer's place on a shared ticket may be forgotten.
pub(super) fn forgets(poll: &Poll<'_>, incident: &Incident) -> bool {
    may_forget(poll) && forgotten::may_be(poll.engine, incident)
}

/// The ticket that comments of ours on such a newcomer name.
pub(super) fn named(poll: &Poll<'_>, incident: &Incident, comments: Option<&[Comment]>) -> Option<TicketId> {
    if forgets(poll, incident) { named_in(poll, comments) } else { None }
}

fn named_in(poll: &Poll<'_>, comments: Option<&[Comment]>) -> Option<TicketId> {
    let (view, binding) = (poll.engine.registry.view(), poll.client.halo.as_ref()?);
    let tenant = &view.halo.get(&binding.connection)?.tenant;
    second_writer::named_tickets(tenant, comments?).last().copied()
}

impl Beginning {
    /// Finds a newcomer's place. `named`: the ticket that it was on before that was forgotten.
    pub(super) async fn place(
        &self,
        poll: &Poll<'_>,
        incident: &Incident,
        evidence: Option<&Evidence>,
        named: Option<TicketId>,
    ) -> Result<Grouping, StoreError> {
        let Some(rule) = &poll.policy().group else { return Ok(Grouping::None) };
        if let Some(ticket) = named
            && let Some(joins) = self.named_before(poll, ticket).await?
        {
            return Ok(Grouping::Joins(Box::new(joins)));
        }
        let keys = groups::keys(rule, incident, evidence);
        if keys.is_empty() {
            return Ok(Grouping::None);
        }
        let created = incident.created.unwrap_or_else(|| poll.engine.now());
        let within = SignedDuration::from_hours(i64::from(rule.hours));
        let texts: Vec<&str> = keys.iter().map(|(key, _)| key.as_str()).collect();
        let span = (created - within, created + within);
        let found = poll.engine.store.groups_with(poll.workspace.id, &texts, span, CANDIDATES_MAX).await?;
        let words = |theirs: &[String]| keys.iter().find(|(key, _)| theirs.contains(key)).map(|(_, words)| words);
        let mut shut = String::new();
        for first in found {
            let Some(Known { row, .. }) = poll.engine.known(first).await? else { continue };
            let theirs = row.pair.group.as_ref().map(|group| group.keys.as_slice()).unwrap_or_default();
            let Some(words) = words(theirs) else { continue };
            let why = groups::why(words, &row.subject.incident, rule);
            // Of a ticket that both are still to be given again. No other one is sought by whoever had one.
            let again =
                named.is_some() && row.pair.ticket.is_none() && named_in(poll, row.comments.as_deref()) == named;
            if named.is_some() && !again {
                continue;
            }
            match self.closed_to_all(poll, (rule, again), &row) {
                Some(reason) if shut.is_empty() => shut = format!("it has {why}, but {reason}"),
                Some(_) => {}
                None => {
                    let name = row.subject.incident.name();
                    let ticket = row.pair.ticket.and(row.ticket.clone()).map(|ticket| (ticket, row.actions.clone()));
                    return Ok(Grouping::Joins(Box::new(Joins { first, name, why, ticket, again })));
                }
            }
        }
        for begun in self.begun.iter().rev().filter(|_| named.is_none()) {
            let near = begun.incident.created.is_none_or(|at| at >= span.0 && at <= span.1);
            let room = self.members(begun.pair) + 1 < usize::try_from(rule.most).unwrap_or(usize::MAX);
            if let (Some(words), true) = (words(&begun.keys), near && room && !begun.incident.closed()) {
                let (first, name) = (begun.pair, begun.incident.name());
                let why = groups::why(words, &begun.incident, rule);
                return Ok(Grouping::Joins(Box::new(Joins { first, name, why, ticket: None, again: false })));
            }
        }
        Ok(Grouping::Begins { keys: keys.into_iter().map(|(key, _)| key).collect(), why: shut })
    }

    /// What a newcomer joins that was on this ticket before: those that are known to be on it, or the one of this list that is
    /// to be given it again.
    async fn named_before(&self, poll: &Poll<'_>, ticket: TicketId) -> Result<Option<Joins>, StoreError> {
        let Some(binding) = poll.client.halo.as_ref() else { return Ok(None) };
        let why = format!("its comments say that it was on ticket {ticket} before");
        if let Some(begun) = self.begun.iter().find(|begun| begun.named == Some(ticket)) {
            let (first, name) = (begun.pair, begun.incident.name());
            return Ok(Some(Joins { first, name, why, ticket: None, again: true }));
        }
        let mut pairs = poll.engine.store.pairs_of_tickets(binding.connection, &[ticket]).await?;
        let here = (poll.workspace.id, poll.client.id, binding.halo_client_id);
        let there = |pair: &Pair| (pair.workspace, pair.client, pair.halo_client_id) == here && pair.gone.is_none();
        for pair in pairs.remove(&ticket).unwrap_or_default().into_iter().filter(there) {
            let (Some(group), Some(Known { row, .. })) = (pair.group, poll.engine.known(pair.id).await?) else {
                continue;
            };
            let at_home = |read: &Ticket| {
                let moved = read.deleted || read.merged_into.is_some();
                read.id == ticket && read.client_id == Some(binding.halo_client_id) && !moved
            };
            let Some(read) = row.ticket.clone().filter(at_home) else { continue };
            let (first, name) = (group.first, row.subject.incident.name());
            return Ok(Some(Joins { first, name, why, ticket: Some((read, row.actions.clone())), again: true }));
        }
        Ok(None)
    }

    fn members(&self, first: PairId) -> usize {
        self.joined.get(&first).copied().unwrap_or(0)
    }

    /// Why a group that the store knows takes nobody in; `None` when it does. One that the newcomer was in takes it again.
    fn closed_to_all(&self, poll: &Poll<'_>, (rule, again): (&GroupRule, bool), row: &SituationRow) -> Option<String> {
        let binding = poll.client.halo.as_ref()?;
        let catalogue = poll.engine.registry.catalogue(binding.connection)?;
        if (row.pair.client, row.pair.halo, row.pair.halo_client_id)
            != (poll.client.id, binding.connection, binding.halo_client_id)
        {
            return Some("the client's tickets go elsewhere now".into());
        }
        if row.pair.ticket.is_some() && row.ticket.is_none() {
            return Some("its ticket has not been read yet".into());
        }
        let creates = |kind: &OperationKind| kind.makes_ticket();
        if row.pair.ticket.is_none() && !row.operations.iter().any(|o| o.state.open() && creates(&o.kind)) {
            return Some("its ticket could not be made".into());
        }
        if again {
            return None;
        }
        let ticket = row.pair.ticket.and(row.ticket.as_ref());
        let (known, one) = ((poll.policy(), &*catalogue), (&row.pair, &row.subject.incident, ticket));
        groups::shut(rule, known, one, &row.mates, self.members(row.pair.id))
    }

    /// Keeps what facts that are about to be recorded begin or join. `named`: as in [`Self::place`].
    pub(super) fn keep(&mut self, facts: &[Fact], named: Option<TicketId>) {
        let incident = facts.iter().find_map(|fact| match fact {
            Fact::IncidentRead { incident, .. } => Some(&**incident),
            _ => None,
        });
        let group = facts.iter().find_map(|fact| match fact {
            Fact::PairOpened { pair } => pair.group.as_ref().map(|group| (pair.id, group)),
            _ => None,
        });
        let (Some(incident), Some((pair, group))) = (incident, group) else { return };
        if group.first == pair {
            self.begun.push(Begun { pair, keys: group.keys.clone(), incident: incident.clone(), named });
        } else {
            *self.joined.entry(group.first).or_default() += 1;
        }
    }
}

/// Plans a pair that has just joined, and the first of its ticket after it: the priority may be another one now.
pub(super) async fn joined(engine: &Engine, pair: PairId) -> Result<(), StoreError> {
    digest::pair(engine, pair, Vec::new(), Reading::default()).await?;
    let Some(Known { row, .. }) = engine.known(pair).await? else { return Ok(()) };
    match first_of(&row) {
        Some(first) if row.pair.ticket.is_some() => digest::pair(engine, first, Vec::new(), Reading::default()).await,
        _ => Ok(()),
    }
}

/// The first of the others that share a pair's ticket and count.
fn first_of(row: &SituationRow) -> Option<PairId> {
    let here = |mate: &&Mate| groups::counts(mate) && mate.ticket == row.pair.ticket;
    row.mates.iter().find(here).map(|mate| mate.pair)
}

/// The facts by which a pair without a ticket, or whose ticket is gone, goes on with the ticket of the first of its group.
pub(super) async fn follow(engine: &Engine, view: &View, row: &SituationRow) -> Result<Vec<Fact>, StoreError> {
    let gone = row.pair.gone == Some(Side::Halo) || row.ticket.as_ref().is_some_and(|ticket| ticket.deleted);
    let creates = |kind: &OperationKind| kind.makes_ticket();
    let making = row.operations.iter().any(|o| o.state.stands() && creates(&o.kind));
    if row.pair.group.is_none() || making || row.pair.ticket.is_some() && !gone {
        return Ok(Vec::new());
    }
    let other = |ticket: Option<TicketId>| ticket.is_some() && ticket != row.pair.ticket;
    let first = row.mates.iter().find(|mate| groups::counts(mate) && mate.gone.is_none() && other(mate.ticket));
    let Some(first) = first else { return Ok(Vec::new()) };
    let Some(Known { row: theirs, .. }) = engine.known(first.pair).await? else { return Ok(Vec::new()) };
    let (Some((_, _, policy)), Some(catalogue)) =
        (view.of_workspace(row.pair.workspace), engine.registry.catalogue(row.pair.halo))
    else {
        return Ok(Vec::new());
    };
    let Some(ticket) = theirs.ticket.clone().filter(|ticket| theirs.pair.ticket == Some(ticket.id)) else {
        return Ok(Vec::new());
    };
    let same_client = ticket.client_id == Some(row.pair.halo_client_id) && theirs.pair.client == row.pair.client;
    if ticket.deleted || ticket.merged_into.is_some() || !same_client {
        return Ok(Vec::new());
    }
    let base = base_after(policy, &catalogue, row, &ticket);
    let pair = row.pair.id;
    let mut facts = vec![
        Fact::TicketLinked { pair, ticket: ticket.id },
        Fact::BaseAgreed { pair, base },
        Fact::TicketRead { pair, ticket: Box::new(ticket) },
    ];
    facts.extend(theirs.actions.clone().map(|actions| Fact::ActionsRead { pair, actions }));
    Ok(facts)
}

fn base_after(
    policy: &Policy,
    catalogue: &crate::domain::catalogue::Catalogue,
    row: &SituationRow,
    ticket: &Ticket,
) -> Base {
    let mut base = row.pair.base.clone();
    match row.pair.ticket {
        None => {
            let read = (&row.subject.incident, row.evidence.as_ref());
            Base { alerts: base.alerts, ..groups::base_of_joined(policy, catalogue, read, ticket) }
        }
        Some(gone) => {
            base.replaced.insert(gone);
            agreed::with_ticket(base, ticket, mapping::ticket_closed(policy, catalogue, ticket))
        }
    }
}

/// The pairs of a group that these facts of one of them concern: they are planned again from what is known.
pub(super) fn concerned(row: &SituationRow, facts: &[Fact]) -> Vec<PairId> {
    if row.pair.group.is_none() || row.mates.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<PairId> = Vec::new();
    let gone = |side| side == Some(Side::Halo);
    for fact in facts {
        match fact {
            Fact::TicketLinked { .. } => {
                let lacking = row.mates.iter().filter(|mate| mate.ticket.is_none() || gone(mate.gone));
                found.extend(lacking.map(|mate| mate.pair));
                found.extend(first_of(row));
            }
            Fact::IncidentRead { .. } | Fact::RecordGone { side: Side::Sentinel, .. } => {
                found.extend(first_of(row));
            }
            _ => {}
        }
    }
    found.sort();
    found.dedup();
    found
}
