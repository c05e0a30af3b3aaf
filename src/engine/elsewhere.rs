//! What is written on a ticket while it belongs to another client.

use std::collections::BTreeMap;

use crate::{
    domain::ticket::Ticket,
    ledger::fact::Fact,
    planner::{notes::words::of_action, observed::Reading},
    store::SituationRow,
};

/// What first shows, or shows with other words, while the ticket belongs to another client is about that one, also when
/// the ticket has come back.
pub(super) fn written(row: &SituationRow, reading: &Reading) -> Option<Fact> {
    let away = |ticket: &Ticket| ticket.client_id != Some(row.pair.halo_client_id);
    if ![&row.ticket, &reading.ticket].into_iter().flatten().any(away) {
        return None;
    }
    let known: BTreeMap<_, _> = row.actions.iter().flatten().map(|action| (action.key, of_action(action))).collect();
    let new = reading.actions.iter().flatten().filter(|action| known.get(&action.key) != Some(&of_action(action)));
    let mut base = row.pair.base.clone();
    base.foreign.extend(new.map(|action| action.key));
    (base != row.pair.base).then_some(Fact::BaseAgreed { pair: row.pair.id, base })
}
