//! Tickets that Halo refuses to make: an admin drops the dead letter of one, and asks for some of them again.

use super::{
    DROP, ada,
    desk::{LISTED, one_of},
};
use crate::{
    domain::{account::Scope, ids::OperationId, operation::OperationKind},
    prove::{
        story::Who,
        watch::{IncidentKey, Order},
        world::World,
    },
    service::{App, acts},
    store::DeadLetter,
};

/// A ticket that is not to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmade {
    /// What was to make it.
    pub operation: OperationId,
    /// The reference that it would carry.
    pub reference: String,
    /// When that was dropped, in the order of things.
    pub from: Order,
    /// When an admin asked for it again.
    pub until: Option<Order>,
}

impl World {
    /// The dead letter of a ticket is dropped, or one that was is planned again.
    pub(in crate::prove) fn see_to_refused_tickets(&mut self, pick: u64) {
        let open = self.people.decided.unmade.iter().filter(|(_, unmade)| unmade.until.is_none());
        let open: Vec<(IncidentKey, OperationId)> = open.map(|(key, unmade)| (key.clone(), unmade.operation)).collect();
        match one_of(open, pick / 4).filter(|_| pick.is_multiple_of(4)) {
            Some((key, operation)) => self.ask_for_its_ticket(&key, operation),
            None => self.drop_a_ticket(pick),
        }
    }

    fn drop_a_ticket(&mut self, pick: u64) {
        let dropped = self.press(move |app: App| async move {
            let letters = app.store.dead_page(&Scope::All, None, LISTED).await.ok()?.rows;
            let first =
                |one: &DeadLetter| matches!(one.operation.kind, OperationKind::CreateTicket { follows: None, .. });
            let letter = one_of(letters.into_iter().filter(first).collect(), pick)?;
            acts::drop_operation(&app, &ada(), letter.operation.id).await.ok()?;
            Some(letter)
        });
        let Some(DeadLetter { operation, incident, .. }) = dropped else { return };
        let from = self.watch.next_order();
        self.people.decided.dropped.insert(operation.id);
        self.people.hand.clicks.pressed(DROP);
        self.people.seldom.dropped(true);
        self.tell(Who::Admin, format!("drops the ticket of incident {incident}"));
        let key = self.people.raised.iter().find(|key| key.1 == incident.as_str()).cloned();
        if let (Some(key), OperationKind::CreateTicket { draft, .. }) = (key, &operation.kind) {
            let unmade = Unmade { operation: operation.id, reference: draft.reference.clone(), from, until: None };
            self.people.decided.unmade.insert(key, unmade);
        }
    }

    fn ask_for_its_ticket(&mut self, key: &IncidentKey, operation: OperationId) {
        let asked = self.press(move |app: App| async move { acts::plan_again(&app, &ada(), operation).await.ok() });
        if asked.is_none() {
            return;
        }
        let order = self.watch.next_order();
        if let Some(unmade) = self.people.decided.unmade.get_mut(key) {
            unmade.until = Some(order);
        }
        self.people.seldom.dropped(false);
        self.tell(Who::Admin, format!("asks for the dropped ticket of incident {} again", key.1));
    }
}
