//! What of a list of tickets may be one that a create without an answer has made.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    body,
    paging::{PAGE, Turn},
};
use crate::{
    domain::ticket::{Ticket, TicketDraft},
    outbound::read::{int_at, text_at, time_at},
};

/// So many letters at the beginning of two subjects make them alike.
const ALIKE_FROM: usize = 16;

/// Halo's built-in client "Unknown": where tickets land when an id did not fit.
const UNKNOWN_CLIENT: i64 = 1;

/// Whether a ticket is at home with neither this client nor Halo's "Unknown".
pub(super) fn elsewhere(client: Option<i64>, halo_client_id: i64) -> bool {
    client.is_some_and(|id| id != halo_client_id && id != UNKNOWN_CLIENT)
}

/// How likely a create of the draft made this row, best first; `None` when it did not.
pub(super) fn likeness(row: &Value, draft: &TicketDraft, from: Timestamp) -> Option<u8> {
    let older = ["datecreated", "dateoccurred"].iter().find_map(|key| time_at(row, key)).is_some_and(|at| at < from);
    // The moment at which a matter came up may be the incident's, long before.
    let older = older && time_at(row, "datecreated").is_some();
    let wanted = body::summary(&draft.summary).trim().to_lowercase();
    let subject = text_at(row, "summary").unwrap_or_default().trim().to_lowercase();
    let begins = |n: usize| wanted.chars().take(n).eq(subject.chars().take(n)) && wanted.chars().count() >= n;
    let holds = |a: &str, b: &str| b.chars().count() >= ALIKE_FROM && a.contains(b);
    if older {
        return None;
    }
    if subject == wanted {
        return Some(0);
    }
    if begins(ALIKE_FROM) || holds(&subject, &wanted) || holds(&wanted, &subject) {
        return Some(1);
    }
    let of_type = int_at(row, "tickettype_id").is_none_or(|id| id == draft.ticket_type_id);
    (of_type && !elsewhere(int_at(row, "client_id"), draft.client_id)).then_some(2)
}

/// What has been read of a list, page by page.
#[derive(Default)]
pub(super) struct List {
    /// The rows that came, each once.
    pub rows: Vec<Value>,
    seen: BTreeSet<i64>,
}

impl List {
    /// Takes a page in. One that brings nothing new is the list's end only where all that Halo counts came: there may be
    /// more that an instance which hands out the same page again never shows.
    pub fn take(&mut self, rows: Vec<Value>, total: Option<i64>) -> Turn {
        let (length, before) = (rows.len(), self.rows.len());
        let new = |row: &Value| int_at(row, "id").is_some_and(|id| self.seen.insert(id));
        self.rows.extend(rows.into_iter().filter(new));
        let repeated = self.rows.len() == before;
        let total = total.and_then(|total| usize::try_from(total).ok());
        let all = total.is_some_and(|all| all <= self.rows.len());
        // A count equal to a full page may be that page's own. Longer ones come whole, whatever page is asked for.
        let counted = all && (length < PAGE || repeated && length > PAGE);
        if length == 0 || counted {
            return Turn::Last;
        }
        if repeated { Turn::Repeated } else { Turn::More }
    }
}

/// Whether a page comes newest first, as it was asked for: an instance may ignore the order as any unknown parameter.
pub(super) fn falls(rows: &[Value]) -> bool {
    let ids: Vec<i64> = rows.iter().filter_map(|row| int_at(row, "id")).collect();
    ids.is_sorted_by(|one, next| one > next)
}

/// Our mark at the beginning of a subject, if it tells the incident's number.
pub(super) fn mark(summary: &str) -> Option<&str> {
    let mark = summary.get(..=summary.find(']')?)?;
    mark.starts_with("[Sentinel ").then_some(mark)
}

/// Of a matter's own ticket and a further one the further one goes on with it; of several the newest.
pub(super) fn last_of(mut found: Vec<Ticket>, further: impl Fn(&Ticket) -> bool) -> Vec<Ticket> {
    if let Some(last) = found.iter().filter(|ticket| further(ticket)).map(|ticket| ticket.id).max() {
        found.retain(|ticket| ticket.id == last);
    }
    found
}
