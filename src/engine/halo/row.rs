//! Rows of tickets as they were taken up: polls overlap, and most rows say the same again.

use jiff::Timestamp;

use crate::{
    domain::{
        ids::{ConnectionId, PairId, TicketId},
        ticket::Ticket,
    },
    engine::schedule::{ROWS_KEPT, Schedule},
};

/// What a row tells of a ticket: two rows with the same tell of nothing new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowVersion {
    last_update: Option<Timestamp>,
    last_action: Option<Timestamp>,
    status_id: Option<i64>,
    client_id: Option<i64>,
    agent_id: Option<i64>,
    priority_id: Option<i64>,
    merged_into: Option<TicketId>,
    deleted: bool,
}

impl RowVersion {
    /// What this one tells.
    pub(super) fn of(ticket: &Ticket) -> Self {
        Self {
            last_update: ticket.last_update,
            last_action: ticket.last_action,
            status_id: ticket.status_id,
            client_id: ticket.client_id,
            agent_id: ticket.agent_id,
            priority_id: ticket.priority_id,
            merged_into: ticket.merged_into,
            deleted: ticket.deleted,
        }
    }
}

impl Schedule {
    /// Whether a ticket's row was taken up as it stands, and none of its pairs is due to be looked at once more.
    pub fn knows_row(
        &self,
        at: &(ConnectionId, TicketId),
        version: &RowVersion,
        pairs: &[PairId],
        asked: Timestamp,
    ) -> bool {
        self.rows.get(at) == Some(version) && !pairs.iter().any(|pair| self.once_more_due(pair, asked))
    }

    /// A ticket's row was taken up for all its pairs.
    pub fn keep_row(&mut self, at: (ConnectionId, TicketId), version: RowVersion) {
        if self.rows.len() >= ROWS_KEPT {
            // They are read from the database again; nothing else is lost.
            self.rows.clear();
        }
        self.rows.insert(at, version);
    }
}
