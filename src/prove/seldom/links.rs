//! An admin takes pairs apart, and links the same two records again by hand, or leaves them apart.

use jiff::{SignedDuration, Timestamp};

use super::{LINKED, UNLINKED};
use crate::{
    domain::{ids::PairId, operation::Operation},
    prove::{
        clicks::{Spot, ada},
        invariants::left,
        story::Who,
        watch::{IncidentKey, Order, incident_of},
        world::World,
    },
    service::{App, links},
};

/// Operations of a pair that are looked at.
const OPERATIONS_MAX: u32 = 10_000;

/// A pair that is to be linked again.
pub(super) struct Due {
    key: IncidentKey,
    ticket: i64,
    at: Timestamp,
}

/// A time in which an incident and a ticket that had been a pair were none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Apart {
    /// The ticket.
    pub ticket: i64,
    /// From when on, in the order of things.
    pub from: Order,
    /// When an admin asked for them to be linked again.
    pub until: Option<Order>,
}

impl World {
    /// A ticket whose matter began with it and stayed with it, at its client all the time: what stands there is about nothing
    /// else.
    fn single_minded(&self, ticket: i64) -> bool {
        let Some(versions) = self.watch.tickets.get(&ticket) else { return false };
        let first = versions.first().map(|version| version.value.client_id);
        let stayed = versions.iter().all(|version| {
            let value = &version.value;
            Some(value.client_id) == first && !value.deleted && value.merged_into == 0
        });
        stayed && left::of(&self.watch, ticket).is_empty()
    }

    /// A pair is taken apart, where both are open and no other incident has the ticket.
    pub(super) fn unlink(&mut self) {
        let Some(key) = self.whole_incident() else { return };
        let open = self.twin.with(|world, _| incident_of(world, &key).is_some_and(|one| one.status != "Closed"));
        let found = self.press_at(&key, |app: App, spot: Spot| async move {
            let pair = spot.pair(&app).await?;
            let row = app.store.situation(pair).await.ok()??;
            let ticket = row.pair.ticket?;
            let shared = app.store.pairs_of_ticket(row.pair.halo, ticket).await.ok()?.len() > 1;
            let operations = app.store.operations_of_pair(pair, OPERATIONS_MAX).await.ok()?;
            (!shared && row.pair.base.replaced.is_empty()).then_some((pair, ticket.0, operations))
        });
        let found: Option<(PairId, i64, Vec<Operation>)> = found.filter(|_| open);
        let Some((pair, ticket, operations)) = found.filter(|(_, ticket, _)| self.single_minded(*ticket)) else {
            return;
        };
        // Not while a write is under way.
        let done =
            self.press_at(&key, move |app: App, _: Spot| async move { links::unlink(&app, &ada(), pair).await.ok() });
        if done.is_none() {
            return;
        }
        let from = self.watch.next_order();
        for operation in &operations {
            let sent = operation.attempts + self.people.decided.sent_before(operation);
            *self.people.decided.sent.entry((key.clone(), operation.kind.name())).or_default() += sent;
        }
        let apart = Apart { ticket, from, until: None };
        self.people.decided.apart.entry(key.clone()).or_default().push(apart);
        self.people.seldom.acts.note(UNLINKED, 1);
        self.tell(Who::Admin, format!("unlinks incident {} from #{ticket}", key.1));
        let dice = &mut self.people.seldom.dice;
        let (again, secs) = (dice.chance(0.75), dice.spread(60.0, 7_200.0) as i64);
        if again {
            let at = self.now() + SignedDuration::from_secs(secs);
            self.people.seldom.apart.push(Due { key, ticket, at });
        }
    }

    /// What was to be linked again by now is. What cannot be stays apart.
    pub(super) fn link_what_is_due(&mut self) {
        let now = self.now();
        for due in std::mem::take(&mut self.people.seldom.apart) {
            if due.at > now {
                self.people.seldom.apart.push(due);
            } else {
                self.link_again(&due);
            }
        }
    }

    fn link_again(&mut self, Due { key, ticket, .. }: &Due) {
        let ticket = *ticket;
        let whole = self.twin.with(|world, _| incident_of(world, key).is_some_and(|one| one.merged_into.is_none()));
        if !whole || !self.single_minded(ticket) {
            return;
        }
        let asked = self.press_at(key, move |app: App, spot: Spot| async move { spot.link(&app, ticket).await });
        if asked.is_none() {
            return;
        }
        let order = self.watch.next_order();
        if let Some(apart) = self.people.decided.apart.get_mut(key).and_then(|all| all.last_mut()) {
            apart.until = Some(order);
        }
        // What was agreed on before is forgotten.
        self.people.rebuilt.entry(key.clone()).or_insert(order);
        self.people.seldom.acts.note(LINKED, 1);
        self.tell(Who::Admin, format!("links incident {} to #{ticket} again", key.1));
    }
}
