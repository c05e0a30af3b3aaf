//! What is written on a ticket while it belongs to another client.

use std::collections::BTreeSet;

use crate::{domain::ticket::Ticket, ledger::fact::Fact, store::SituationRow};

use super::digest::Reading;

/// Actions that first show while the ticket belongs to another client are about that one, also when it has come back.
pub(super) fn written(row: &SituationRow, reading: &Reading) -> Option<Fact> {
    let away = |ticket: &Ticket| ticket.client_id != Some(row.pair.halo_client_id);
    if ![&row.ticket, &reading.ticket].into_iter().flatten().any(away) {
        return None;
    }
    let known: BTreeSet<_> = row.actions.iter().flatten().map(|action| action.key).collect();
    let new = reading.actions.iter().flatten().map(|action| action.key).filter(|key| !known.contains(key));
    let mut base = row.pair.base.clone();
    base.foreign.extend(new);
    (base != row.pair.base).then_some(Fact::BaseAgreed { pair: row.pair.id, base })
}
