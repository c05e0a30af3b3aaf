//! What is written on a ticket while it belongs to another client, or on an incident while its workspace does: it is not
//! for those who read the pair.

use std::collections::BTreeMap;

use serde_json::json;

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

/// Takes out of a reading what those who read the pair may not: of a ticket that belongs to another client all but that it
/// does, and where it is; with `displaced`, all of an incident whose workspace was given to another client.
pub(super) fn withhold(row: &SituationRow, displaced: bool, reading: &mut Reading) {
    let own = |ticket: &Ticket| ticket.client_id == Some(row.pair.halo_client_id);
    reading.ticket = reading.ticket.take().map(|read| if own(&read) { read } else { fenced(row, read) });
    if reading.ticket.as_ref().or(row.ticket.as_ref()).is_some_and(|ticket| !own(ticket)) {
        reading.actions = None;
    }
    if displaced {
        (reading.incident, reading.comments, reading.evidence) = (None, None, None);
    }
}

fn fenced(row: &SituationRow, read: Ticket) -> Ticket {
    let raw = json!({ "id": read.id.0, "client_id": read.client_id }).into();
    let bare = Ticket {
        summary: String::new(),
        client_name: None,
        site_id: None,
        user_id: None,
        status_id: None,
        priority_id: None,
        agent_id: None,
        team: None,
        category_1: None,
        closure_note: None,
        custom_fields: Vec::new(),
        fields_told: false,
        warning: None,
        raw,
        ..read
    };
    let Some(known) = row.ticket.clone() else { return bare };
    let fields_told = known.tells_fields();
    let Ticket { client_id, client_name, merged_into, deleted, last_update, last_action, raw, .. } = bare;
    Ticket { client_id, client_name, merged_into, deleted, last_update, last_action, raw, fields_told, ..known }
}
