//! Pairs whose next write waits for a place: for a budget's room, or for an instance's lane for creating tickets.
//!
//! They are let through as places come free: the more urgent class first, and within a class one client after the
//! other, so that nobody's backlog stands in another client's way. Kept in memory alone. What the ledger says of such
//! a write is true all the while: planned, and ready. Were each sent to be refused by our own budget, ten thousand
//! waiting writes would be recorded twice each whenever one place frees.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use jiff::{SignedDuration, Timestamp};

use super::{Engine, lanes::WritePlace};
use crate::{
    domain::{
        failure::Side,
        ids::{ClientId, ConnectionId, PairId},
        operation::{Operation, OperationKind},
    },
    outbound::budget::{Class, Kind},
    store::SituationRow,
};

/// A write that a webhook gave rise to goes before all others for this long; after that it is backlog like the rest.
const FRESH: SignedDuration = SignedDuration::from_mins(1);

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gate {
    /// The lane in which an instance's tickets are created one by one.
    Create(ConnectionId),
    /// Room for so many calls in a Halo instance's budget.
    Halo(ConnectionId, Class, u64),
    /// Room for a call in an Azure subscription's budget.
    Azure(String, Kind, Class),
}

/// Who waits at one gate, by class and client.
#[derive(Debug, Default)]
struct Line {
    waiting: BTreeMap<Class, BTreeMap<ClientId, BTreeSet<PairId>>>,
    last: Option<ClientId>,
}

impl Line {
    fn join(&mut self, class: Class, client: ClientId, pair: PairId) {
        self.waiting.entry(class).or_default().entry(client).or_default().insert(pair);
    }

    /// The next of the most urgent class: of the client after the one that was last.
    fn next(&mut self) -> Option<PairId> {
        let (class, clients) = self.waiting.iter().next()?;
        let after = self.last.and_then(|last| clients.range((Bound::Excluded(last), Bound::Unbounded)).next());
        let (client, pairs) = after.or_else(|| clients.iter().next())?;
        let (class, client, pair) = (*class, *client, *pairs.first()?);
        self.leave(class, client, pair);
        self.last = Some(client);
        Some(pair)
    }

    fn leave(&mut self, class: Class, client: ClientId, pair: PairId) {
        let Some(clients) = self.waiting.get_mut(&class) else { return };
        let Some(pairs) = clients.get_mut(&client) else { return };
        pairs.remove(&pair);
        if pairs.is_empty() {
            clients.remove(&client);
        }
        if clients.is_empty() {
            self.waiting.remove(&class);
        }
    }
}

/// The pairs that wait.
#[derive(Debug, Default)]
pub struct Queue {
    lines: BTreeMap<Gate, Line>,
    held: BTreeMap<PairId, (Gate, Class, ClientId)>,
    fresh: BTreeMap<PairId, Timestamp>,
    /// The same by time.
    stale: BTreeSet<(Timestamp, PairId)>,
    /// Who was let through last at a gate that only one may pass at a time, until it has passed.
    passing: BTreeMap<Gate, PairId>,
}

impl Queue {
    /// A pair whose writes go before others for a minute: a webhook or a person waits for them.
    pub fn freshen(&mut self, pair: PairId, now: Timestamp) {
        self.leave(pair);
        let until = now + FRESH;
        if let Some(before) = self.fresh.insert(pair, until) {
            self.stale.remove(&(before, pair));
        }
        self.stale.insert((until, pair));
    }

    /// Those of these pairs that go before others now. Either of the two may be thousands: the fewer are looked up.
    pub fn fresh_of<'a>(&'a self, pairs: &'a BTreeSet<PairId>) -> Box<dyn Iterator<Item = PairId> + 'a> {
        if pairs.len() < self.fresh.len() {
            Box::new(pairs.iter().copied().filter(move |pair| self.fresh.contains_key(pair)))
        } else {
            Box::new(self.fresh.keys().copied().filter(move |pair| pairs.contains(pair)))
        }
    }

    /// Whether a pair waits.
    pub fn holds(&self, pair: PairId) -> bool {
        self.held.contains_key(&pair)
    }

    /// How many pairs wait.
    pub fn waiting(&self) -> usize {
        self.held.len()
    }

    fn hold(&mut self, gate: Gate, class: Class, client: ClientId, pair: PairId) {
        self.leave(pair);
        self.lines.entry(gate.clone()).or_default().join(class, client, pair);
        self.held.insert(pair, (gate, class, client));
    }

    fn leave(&mut self, pair: PairId) {
        let Some((gate, class, client)) = self.held.remove(&pair) else { return };
        if let Some(line) = self.lines.get_mut(&gate) {
            line.leave(class, client, pair);
            if line.waiting.is_empty() {
                self.lines.remove(&gate);
            }
        }
    }

    /// Lets one through at each gate that is open; and those whose minute is over, to stand in line anew. `busy` says
    /// whether a pair is being worked on.
    pub fn release(
        &mut self,
        now: Timestamp,
        open: impl Fn(&Gate) -> bool,
        busy: impl Fn(PairId) -> bool,
    ) -> Vec<PairId> {
        let mut through = Vec::new();
        let over = self.stale.iter().take_while(|(until, _)| *until <= now).map(|(_, pair)| *pair);
        for pair in over.collect::<BTreeSet<_>>() {
            if let Some(until) = self.fresh.remove(&pair) {
                self.stale.remove(&(until, pair));
            }
            if self.holds(pair) {
                through.push(pair);
            }
        }
        self.passing.retain(|_, pair| busy(*pair));
        for (gate, line) in &mut self.lines {
            if self.passing.contains_key(gate) || !open(gate) {
                continue;
            }
            let Some(pair) = line.next() else { continue };
            if matches!(gate, Gate::Create(_)) {
                self.passing.insert(gate.clone(), pair);
            }
            through.push(pair);
        }
        for pair in &through {
            self.leave(*pair);
        }
        self.lines.retain(|_, line| !line.waiting.is_empty());
        through
    }

    /// Who was let through at a gate has passed it: from now on the gate itself says whether it is open.
    pub fn passed(&mut self, gate: &Gate) {
        self.passing.remove(gate);
    }

    /// The gates at which somebody waits.
    pub fn gates(&self) -> impl Iterator<Item = &Gate> {
        self.lines.keys()
    }

    /// The clock was set back by so much.
    pub fn set_back(&mut self, by: SignedDuration) {
        self.fresh.values_mut().for_each(|until| *until = until.checked_sub(by).unwrap_or(*until));
        self.stale = self.fresh.iter().map(|(pair, until)| (*until, *pair)).collect();
    }

    /// When the first minute of precedence is over.
    pub fn next_stale(&self) -> Option<Timestamp> {
        self.stale.first().map(|(until, _)| *until)
    }
}

impl Engine {
    /// How urgent a write is.
    pub(super) fn class_of(&self, operation: &Operation) -> Class {
        let now = self.now();
        let fresh = self.schedule().queue.fresh.get(&operation.pair).is_some_and(|until| *until > now);
        match &operation.kind {
            _ if fresh => Class::WebhookBorn,
            OperationKind::CreateTicket { .. } | OperationKind::CreateIncident { .. } => Class::New,
            OperationKind::AddNote { .. } | OperationKind::AddComment { .. } => Class::Comment,
            OperationKind::UpdateTicket { .. } | OperationKind::UpdateIncident { .. } => Class::Closure,
        }
    }

    /// Whether a write has to wait for a budget; if so the pair stands in line for it.
    pub(super) fn has_to_wait(&self, row: &SituationRow, operation: &Operation) -> bool {
        let class = self.class_of(operation);
        let Some(gate) = self.gate_of(row, operation, class) else { return false };
        let waits = !self.open(&gate, self.now());
        if waits {
            self.schedule().queue.hold(gate, class, row.pair.client, row.pair.id);
        }
        waits
    }

    /// Whether a pair has a place among those that write to its Halo instance, `place`, or gets one; else it stands in
    /// line for it.
    pub(super) fn placed(&self, row: &SituationRow, operation: &Operation, place: &mut Option<WritePlace>) -> bool {
        if operation.kind.side() != Side::Halo || place.is_some() {
            return true;
        }
        *place = self.lanes.try_write(row.pair.halo);
        if place.is_some() {
            return true;
        }
        let class = self.class_of(operation);
        let Some(gate) = self.gate_of(row, operation, class) else { return true };
        self.schedule().queue.hold(gate, class, row.pair.client, row.pair.id);
        false
    }

    /// Whether a budget has room for a write now.
    pub(super) fn has_room(&self, row: &SituationRow, operation: &Operation) -> bool {
        let gate = self.gate_of(row, operation, self.class_of(operation));
        gate.is_none_or(|gate| self.open(&gate, self.now()))
    }

    /// The budget's gate that a write has to pass; `None` when its place is not known.
    fn gate_of(&self, row: &SituationRow, operation: &Operation, class: Class) -> Option<Gate> {
        let pair = &row.pair;
        Some(match &operation.kind {
            OperationKind::CreateTicket { .. } => Gate::Halo(pair.halo, class, 1),
            // The ticket is read before it is written to.
            kind if kind.side() == Side::Halo => Gate::Halo(pair.halo, class, 2),
            kind => {
                let write = match kind {
                    OperationKind::CreateIncident { .. } | OperationKind::UpdateIncident { .. } => Kind::IncidentWrite,
                    _ => Kind::CommentWrite,
                };
                let view = self.registry.view();
                let place = view.place(view.workspaces.get(&pair.workspace)?)?;
                Gate::Azure(place.workspace.subscription, write, class)
            }
        })
    }

    /// The pair stands in line for the lane in which its instance's tickets are created.
    pub(super) fn wait_to_create(&self, row: &SituationRow, operation: &Operation) {
        let class = self.class_of(operation);
        self.schedule().queue.hold(Gate::Create(row.pair.halo), class, row.pair.client, row.pair.id);
    }

    /// Newly linked pairs of a client stand in line for the lane in which the instance's tickets are created.
    pub(super) fn line_up(&self, halo: ConnectionId, client: ClientId, pairs: &[PairId]) {
        let now = self.now();
        let queue = &mut self.schedule().queue;
        for pair in pairs {
            let fresh = queue.fresh.get(pair).is_some_and(|until| *until > now);
            let class = if fresh { Class::WebhookBorn } else { Class::New };
            queue.hold(Gate::Create(halo), class, client, *pair);
        }
    }

    /// Whether somebody may pass a gate now.
    pub(super) fn open(&self, gate: &Gate, now: Timestamp) -> bool {
        match gate {
            Gate::Create(connection) => self.lanes.may_create(*connection),
            Gate::Halo(connection, ..) if !self.lanes.may_write(*connection) => false,
            gate => self.free_at(gate, now).is_none_or(|at| at <= now),
        }
    }

    /// When the next may pass. Of the lane nothing is known before the one in it ends; and an unknown budget holds
    /// nobody up: the attempt says what is wrong.
    pub(super) fn free_at(&self, gate: &Gate, now: Timestamp) -> Option<Timestamp> {
        match gate {
            Gate::Create(_) => None,
            Gate::Halo(connection, class, calls) => {
                Some(self.registry.halo_budget(*connection)?.free_at(now, Kind::Halo, *class, *calls))
            }
            Gate::Azure(subscription, kind, class) => {
                Some(self.registry.subscription_budget(subscription)?.free_at(now, *kind, *class, 1))
            }
        }
    }
}
