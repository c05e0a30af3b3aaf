//! Pairs that share a ticket by rule.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::{
    Store,
    error::Result,
    pairs::{SituationRow, side_of},
    row::{Cells, statements, to_json},
};
use crate::domain::{
    failure::Side,
    group::Mate,
    ids::{ActionKey, PairId, TicketId, WorkspaceId},
    operation::{Operation, OperationKind, OperationState},
    time::to_ms,
};

statements! {
    const MATES = "SELECT p.id, p.ticket, p.gone, bs.body AS incident_body, p.base ->> '$.own_closing' AS own_closing,
            (SELECT json_group_array(json_array(n.ticket, n.action)) FROM note_links n
              WHERE n.pair = p.id AND n.written_in = 'sentinel') AS noted,
            p.ticket IS NULL AND coalesce((SELECT o.state = 'dropped' FROM operations o
              WHERE o.pair = p.id AND o.kind = 'create-ticket' AND o.state <> 'void' ORDER BY o.position DESC LIMIT 1), 0) AS given_up
        FROM pairs p JOIN subjects s ON s.id = p.subject JOIN bodies bs ON bs.hash = s.body
        WHERE p.grouped = ?1 AND p.id <> ?2 ORDER BY p.id";
    const MEMBERS = "SELECT p.id FROM pairs p WHERE p.grouped = ?1 ORDER BY p.id";
    const JOINABLE = "SELECT DISTINCT k.pair AS id, p.opened_ms FROM json_each(?2) j
        JOIN group_keys k ON k.workspace = ?1 AND k.key = j.value JOIN pairs p ON p.id = k.pair
        WHERE p.opened_ms BETWEEN ?3 AND ?4 ORDER BY p.opened_ms DESC, k.pair LIMIT 0 + ?5";
    const SIZES = "SELECT j.value ->> 0 AS id, j.value ->> 1 AS ticket,
            (SELECT count(*) FROM pairs p WHERE p.grouped = j.value ->> 0 AND p.ticket = j.value ->> 1) AS pairs
        FROM json_each(?1) j";
}

/// The other pairs of a group, in the order in which they were opened.
pub(super) async fn mates(connection: &mut SqliteConnection, first: PairId, own: PairId) -> Result<Vec<Mate>> {
    let rows = sqlx::query(MATES).bind(first.to_string()).bind(own.to_string()).fetch_all(&mut *connection).await?;
    let mate = |row| {
        let cells = Cells::new(row, "pairs");
        let noted: Vec<(i64, i64)> = cells.json("noted")?;
        Ok(Mate {
            pair: cells.id("id")?,
            ticket: cells.opt_int("ticket")?.map(TicketId),
            given_up: cells.flag("given_up")?,
            gone: cells.opt_text("gone")?.and_then(side_of),
            incident: cells.json("incident_body")?,
            noted: noted.into_iter().map(|(ticket, action)| ActionKey { ticket: TicketId(ticket), action }).collect(),
            own_closing: cells.opt_json("own_closing")?,
        })
    };
    rows.iter().map(mate).collect()
}

impl SituationRow {
    /// What another pair of its group has to know of it.
    pub fn into_mate(self) -> Mate {
        let noted = self.links.iter().filter(|link| link.written_in == Side::Sentinel).map(|link| link.action);
        let making = |operation: &&Operation| matches!(operation.kind, OperationKind::CreateTicket { .. });
        let dropped = |operation: &Operation| matches!(operation.state, OperationState::Dropped { .. });
        Mate {
            pair: self.pair.id,
            ticket: self.pair.ticket,
            given_up: self.pair.ticket.is_none() && self.operations.iter().rfind(making).is_some_and(dropped),
            gone: self.pair.gone,
            incident: self.subject.incident,
            noted: noted.collect(),
            own_closing: self.pair.base.own_closing,
        }
    }
}

impl Store {
    /// All pairs of a group that are pairs still, in the order in which they were opened.
    ///
    /// # Errors
    /// What the database says.
    pub async fn group_members(&self, first: PairId) -> Result<Vec<PairId>> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query(MEMBERS).bind(first.to_string()).fetch_all(&mut *reader).await?;
        rows.iter().map(|row| Cells::new(row, "pairs").id("id")).collect()
    }

    /// Pairs that began a group with one of these keys, of incidents made within a span, the newest first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn groups_with(
        &self,
        workspace: WorkspaceId,
        keys: &[&str],
        span: (Timestamp, Timestamp),
        limit: u32,
    ) -> Result<Vec<PairId>> {
        let mut reader = self.reader().await?;
        let query = sqlx::query(JOINABLE).bind(workspace.to_string()).bind(to_json(keys)?);
        let query = query.bind(to_ms(span.0)).bind(to_ms(span.1)).bind(i64::from(limit));
        let rows = query.fetch_all(&mut *reader).await?;
        rows.iter().map(|row| Cells::new(row, "group_keys").id("id")).collect()
    }

    /// How many pairs of each group share its ticket.
    ///
    /// # Errors
    /// What the database says.
    pub async fn group_sizes(&self, groups: &[(PairId, TicketId)]) -> Result<BTreeMap<(PairId, TicketId), i64>> {
        if groups.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut reader = self.reader().await?;
        let rows = sqlx::query(SIZES).bind(to_json(groups)?).fetch_all(&mut *reader).await?;
        let mut sizes = BTreeMap::new();
        for row in &rows {
            let cells = Cells::new(row, "pairs");
            let group = (cells.id("id")?, TicketId(cells.int("ticket")?));
            sizes.insert(group, cells.int("pairs")?);
        }
        Ok(sizes)
    }
}
