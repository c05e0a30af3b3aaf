//! Every page of a list of tickets.

use std::collections::BTreeSet;

use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        ids::TicketId,
        ticket::Ticket,
    },
    halo_itsm::{TicketPage, paging::may_have_slipped},
};

/// Tickets that one list may have, however few of them a page holds. An instance that goes on for longer makes them up.
const ROWS_MAX: usize = 250_000;

/// The rows of one Halo client, gathered from every page of a list. The filter of a list is never trusted (Halo sheet,
/// rule 8): rows of other clients are left out. A page without a new row ends the list: there are instances that give
/// the last page again.
#[derive(Debug)]
pub struct OwnRows {
    /// Whose.
    pub halo_client_id: i64,
    seen: BTreeSet<TicketId>,
    read: u32,
    /// Rows of the page read last, and how many Halo counted in all.
    last: (usize, Option<i64>),
    /// The page before it is read once more.
    again: bool,
    ended: bool,
    /// The client's rows so far, each once.
    pub found: Vec<Ticket>,
}

impl OwnRows {
    /// Nothing has been read yet.
    pub fn of(halo_client_id: i64) -> Self {
        Self {
            halo_client_id,
            seen: BTreeSet::new(),
            read: 0,
            last: (0, None),
            again: false,
            ended: false,
            found: Vec::new(),
        }
    }

    /// The number (from 1) of the page to read next; `None` when the list has been read whole.
    ///
    /// # Errors
    /// The list has no end: a part of it is never taken for the whole.
    pub fn next_page(&self) -> Result<Option<u32>, Failure> {
        if self.again {
            return Ok(Some(self.read - 1));
        }
        if self.ended {
            return Ok(None);
        }
        // Each page holds at least one that is new.
        if self.seen.len() < ROWS_MAX {
            return Ok(Some(self.read + 1));
        }
        let text = format!(
            "Halo's list of tickets does not end: {} tickets in {} pages. Begin at a later day, or archive old tickets of \
             this client.",
            self.seen.len(),
            self.read
        );
        Err(Failure::new(Side::Halo, FailureKind::Rejected, text))
    }

    /// Whether a page has been read.
    pub fn begun(&self) -> bool {
        self.read > 0
    }

    /// Whether the list has been read whole.
    pub fn ended(&self) -> bool {
        self.ended && !self.again
    }

    /// Takes the page that [`Self::next_page`] asked for.
    pub fn take(&mut self, page: TicketPage) {
        let (before, again) = (self.seen.len(), self.again);
        let last = (page.tickets.len(), page.total);
        for row in page.tickets {
            if self.seen.insert(row.id) && row.client_id == Some(self.halo_client_id) {
                self.found.push(row);
            }
        }
        self.again = false;
        if again {
            return;
        }
        self.read += 1;
        self.ended = !page.more || self.seen.len() == before;
        self.again = may_have_slipped(self.read, last.0, self.last);
        self.last = last;
    }
}
