//! How an instance's tickets begin: with an action of Halo's own, number 1, that says what the ticket says (halo-api
//! sheet 4.5). Where that is known, the number of our own first note tells whether anything came before it.

use crate::{
    domain::{ids::ConnectionId, ticket::Action},
    engine::schedule::Schedule,
};

impl Schedule {
    /// All actions of a ticket of this instance were read, oldest first.
    pub fn learn_opening(&mut self, id: ConnectionId, actions: &[Action]) {
        let Some(first) = actions.first() else { return };
        let begins = first.system && first.key.action == 1;
        if let Some(standing) = self.instances.get_mut(&id) {
            standing.opening = Some(begins && standing.opening != Some(false));
        }
    }

    /// Whether all tickets of this instance that this process has read began so.
    pub fn has_opening(&self, id: ConnectionId) -> bool {
        self.instances.get(&id).is_some_and(|standing| standing.opening == Some(true))
    }
}
