//! Pairs, and everything the planner looks at for one of them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::{SqliteConnection, sqlite::SqliteRow};

use super::{
    Store,
    error::{Result, StoreError},
    operations::stored_operation,
    row::{Cells, statements, to_json},
    subjects::subject_of,
    tx::Tx,
};
use crate::domain::{
    failure::Side,
    group::Mate,
    ids::{ActionKey, CommentId, ConnectionId, IncidentId, PairId, TicketId, WorkspaceId},
    incident::{Comment, Evidence, Incident},
    merge::MergedFrom,
    operation::Operation,
    pair::{Health, NoteLink, Pair, Subject, SyncState},
    ticket::{Action, Ticket},
    time::to_ms,
};

macro_rules! pair_columns {
    () => {
        "p.id, p.client, p.workspace, p.incident, p.halo, p.halo_client_id, p.ticket, p.reference, p.base, p.sync,
         p.health, p.reason, p.further, p.decisions, p.survivor, p.merged, p.gone, p.group_json, p.created_ms, p.changed_ms"
    };
}
pub(super) use pair_columns;

statements! {
    const BY_ID = concat!("SELECT ", pair_columns!(), " FROM pairs p WHERE p.id = ?1");
    const BY_INCIDENT = concat!("SELECT ", pair_columns!(), " FROM pairs p WHERE p.workspace = ?1 AND p.incident = ?2");
    const BY_TICKET = concat!("SELECT ", pair_columns!(), " FROM pairs p WHERE p.halo = ?1 AND p.ticket = ?2 ORDER BY p.subject");
    const BY_TICKETS = concat!("SELECT ", pair_columns!(), " FROM json_each(?2) j
        JOIN pairs p ON p.halo = ?1 AND p.ticket = j.value ORDER BY p.subject");
    const OPEN_OF_HALO = concat!("SELECT ", pair_columns!(), " FROM pairs p
        WHERE p.halo = ?1 AND NOT (p.status = 'Closed' AND p.sync = 'in-step') AND p.id > ?2 ORDER BY p.id LIMIT 0 + ?3");
    const OPEN_OF_WORKSPACE = concat!("SELECT ", pair_columns!(), " FROM pairs p
        WHERE p.workspace = ?1 AND NOT (p.status = 'Closed' AND p.sync = 'in-step') AND p.subject > ?2
        ORDER BY p.subject LIMIT 0 + ?3");
    const CLOSED_SINCE = "SELECT p.id FROM pairs p
        WHERE p.workspace = ?1 AND p.changed_ms >= ?2 AND p.status = 'Closed' AND p.sync = 'in-step'";
    // One statement, so that everything is of one moment, and one trip.
    const SITUATION = concat!("SELECT ", pair_columns!(), ", s.pair, s.held, s.first_seen_ms, s.changed_ms AS subject_changed_ms,
            bs.body AS incident_body, be.body AS evidence_body, bt.body AS ticket_body, bc.body AS comments_body,
            ba.body AS actions_body,
            (SELECT json_group_array(json_array(o.id, o.state_json, o.attempts, o.failure, b.body) ORDER BY o.position)
              FROM operations o JOIN bodies b ON b.hash = o.body
              WHERE o.pair = p.id AND o.state IN ('planned', 'sending', 'outcome-unknown', 'dead', 'dropped')) AS operations,
            (SELECT ifnull(max(position), 0) + 1 FROM operations o WHERE o.pair = p.id) AS next_position,
            (SELECT json_group_array(json_array(n.comment, n.ticket, n.action, n.edit, n.part, n.said, n.written_in)
                ORDER BY n.ticket, n.action, n.edit, n.part, n.comment)
              FROM note_links n WHERE n.pair = p.id) AS links
        FROM pairs p JOIN subjects s ON s.id = p.subject JOIN bodies bs ON bs.hash = s.body
        LEFT JOIN bodies be ON be.hash = s.evidence LEFT JOIN bodies bt ON bt.hash = p.ticket_body
        LEFT JOIN bodies bc ON bc.hash = p.comments_body LEFT JOIN bodies ba ON ba.hash = p.actions_body
        WHERE p.id = ?1");
    const LINK_OF_ACTION = "SELECT pair AS id, pair, comment, ticket, action, edit, part, said, written_in FROM note_links
        WHERE halo = ?1 AND ticket = ?2 AND action = ?3 ORDER BY edit, part, pair, comment";
    const LINK_OF_COMMENT = "SELECT pair AS id, pair, comment, ticket, action, edit, part, said, written_in FROM note_links
        WHERE pair = ?1 AND comment = ?2 ORDER BY edit, part LIMIT 1";
    const TAKEN = "SELECT count(*) FROM note_links WHERE halo = ?1 AND ticket = ?2 AND action = ?3";
    // Whatever stands first with a merged one, these do not: they are those of many that are closed.
    const WITHOUT_SURVIVOR = "SELECT p.id FROM pairs p INDEXED BY pairs_not_in_step
        WHERE p.sync <> 'in-step' AND p.sync IN ('behind', 'unknown') AND p.workspace = ?1 AND p.status = 'Closed'
          AND p.survivor IS NULL AND p.reason_code NOT IN ('mode-one-way', 'mode-observe', 'group-open')";
    const OF_SURVIVOR = "SELECT id FROM pairs WHERE workspace = ?1 AND survivor = ?2";
    // A pair whose ticket is made begins with that; one that was linked to a ticket has none to be made.
    const OPENED_SINCE = "SELECT count(*) FROM pairs p WHERE p.workspace = ?1 AND p.created_ms > ?2 AND p.opened_ms >= ?3
        AND (p.grouped IS NULL OR p.grouped = p.id)
        AND EXISTS (SELECT 1 FROM operations o WHERE o.pair = p.id AND o.position = 1 AND o.kind = 'create-ticket'
          AND NOT (p.opened_ms < ?4 AND o.state = 'done' AND ifnull(json_extract(o.state_json, '$.result.settled'), 0)))";
    const CURSOR = "SELECT workspace AS id, modified_ms, number FROM cursors WHERE workspace = ?1";
    const HALO_CURSOR = "SELECT connection AS id, updated_ms FROM halo_cursors WHERE connection = ?1";
    const SUBJECT_ROW = "SELECT subject FROM pairs WHERE id = ?1";
}

/// What is known of an incident without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Opaque version last read.
    pub etag: Option<String>,
    /// Its pair, once linked.
    pub pair: Option<PairId>,
    /// Number of comments last read.
    pub comments_count: i64,
    /// Last change by the service's clock.
    pub modified: Option<Timestamp>,
    /// Code of the reason that it is held for.
    pub held: Option<String>,
}

/// Up to where a workspace was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Highest modification time read, by the service's clock.
    pub modified: Timestamp,
    /// Highest incident number read.
    pub number: Option<i64>,
}

/// Everything known of one pair, read in one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct SituationRow {
    /// The pair.
    pub pair: Pair,
    /// The incident.
    pub subject: Subject,
    /// The ticket as last read.
    pub ticket: Option<Ticket>,
    /// All comments as last read; `None` when never read.
    pub comments: Option<Vec<Comment>>,
    /// All actions as last read; `None` when never read.
    pub actions: Option<Vec<Action>>,
    /// Alerts and entities as last read.
    pub evidence: Option<Evidence>,
    /// Which comment and action carry the same words.
    pub links: Vec<NoteLink>,
    /// Open, dead and dropped operations by position.
    pub operations: Vec<Operation>,
    /// The next free place in the queue.
    pub next_position: i64,
    /// The other pairs of its group, in the order in which they were opened.
    pub mates: Vec<Mate>,
}

impl SituationRow {
    /// As a pair begins: its incident is read, and nothing is known of a ticket.
    pub fn begun(pair: Pair, incident: Incident, at: Timestamp) -> Self {
        let subject = Subject {
            workspace: pair.workspace,
            client: pair.client,
            incident,
            pair: Some(pair.id),
            held: None,
            first_seen: at,
            last_changed: at,
        };
        Self {
            pair,
            subject,
            ticket: None,
            comments: None,
            actions: None,
            evidence: None,
            links: Vec::new(),
            operations: Vec::new(),
            next_position: 1,
            mates: Vec::new(),
        }
    }

    /// What the pair of the incident that it was merged into has to know of it.
    pub fn merged_from(&self) -> MergedFrom {
        MergedFrom {
            incident: self.pair.incident.clone(),
            name: self.subject.incident.name(),
            ticket: self.pair.ticket,
            comments: self.comments.clone().unwrap_or_default(),
            links: self.links.clone(),
        }
    }
}

pub(super) fn pair_of(cells: &Cells<'_>) -> Result<Pair> {
    Ok(Pair {
        id: cells.id("id")?,
        client: cells.id("client")?,
        workspace: cells.id("workspace")?,
        incident: IncidentId::new(cells.text("incident")?),
        halo: cells.id("halo")?,
        halo_client_id: cells.int("halo_client_id")?,
        ticket: cells.opt_int("ticket")?.map(TicketId),
        reference: cells.text("reference")?.to_owned(),
        base: cells.json("base")?,
        sync: cells.parsed("sync", SyncState::parse)?,
        health: cells.parsed("health", Health::parse)?,
        reason: cells.opt_json("reason")?,
        further: cells.opt_json("further")?.unwrap_or_default(),
        survivor: cells.opt_text("survivor")?.map(IncidentId::new),
        merged: cells.flag("merged")?,
        gone: cells.opt_text("gone")?.and_then(side_of),
        decisions: cells.json("decisions")?,
        group: cells.opt_json("group_json")?,
        created: cells.time("created_ms")?,
        changed: cells.time("changed_ms")?,
    })
}

fn pairs_of(rows: &[SqliteRow]) -> Result<Vec<Pair>> {
    rows.iter().map(|row| pair_of(&Cells::new(row, "pairs"))).collect()
}

pub(super) fn side_of(text: &str) -> Option<Side> {
    match text {
        "sentinel" => Some(Side::Sentinel),
        "halo" => Some(Side::Halo),
        _ => None,
    }
}

fn link_of(row: &SqliteRow) -> Result<NoteLink> {
    let cells = Cells::new(row, "note_links");
    Ok(NoteLink {
        pair: cells.id("pair")?,
        comment: CommentId::new(cells.text("comment")?),
        action: ActionKey { ticket: TicketId(cells.int("ticket")?), action: cells.int("action")? },
        edit: cells.small("edit")?,
        part: cells.small("part")?,
        said: cells.opt_text("said")?.map(str::to_owned),
        written_in: cells.parsed("written_in", side_of)?,
    })
}

impl Tx {
    /// As [`Store::pairs_of_ticket`], while nobody else writes.
    ///
    /// # Errors
    /// What the database says.
    pub async fn pairs_of_ticket(&mut self, halo: ConnectionId, ticket: TicketId) -> Result<Vec<Pair>> {
        let query = sqlx::query(BY_TICKET).bind(halo.to_string()).bind(ticket.0);
        pairs_of(&query.fetch_all(&mut *self.connection).await?)
    }
}

impl Store {
    /// Everything known of a pair; all of it from one moment.
    ///
    /// # Errors
    /// What the database says.
    pub async fn situation(&self, pair: PairId) -> Result<Option<SituationRow>> {
        let mut reader = self.reader().await?;
        situation(&mut reader, pair).await
    }

    async fn one_pair(&self, row: Option<SqliteRow>) -> Result<Option<Pair>> {
        row.map(|row| pair_of(&Cells::new(&row, "pairs"))).transpose()
    }

    /// A pair by id.
    ///
    /// # Errors
    /// What the database says.
    pub async fn pair(&self, id: PairId) -> Result<Option<Pair>> {
        let mut reader = self.reader().await?;
        self.one_pair(sqlx::query(BY_ID).bind(id.to_string()).fetch_optional(&mut *reader).await?).await
    }

    /// The pair of an incident.
    ///
    /// # Errors
    /// What the database says.
    pub async fn pair_of_incident(&self, workspace: WorkspaceId, incident: &IncidentId) -> Result<Option<Pair>> {
        let mut reader = self.reader().await?;
        let query = sqlx::query(BY_INCIDENT).bind(workspace.to_string()).bind(incident.as_str());
        self.one_pair(query.fetch_optional(&mut *reader).await?).await
    }

    /// The pairs that share a ticket.
    ///
    /// # Errors
    /// What the database says.
    pub async fn pairs_of_ticket(&self, halo: ConnectionId, ticket: TicketId) -> Result<Vec<Pair>> {
        let mut reader = self.reader().await?;
        pairs_of(&sqlx::query(BY_TICKET).bind(halo.to_string()).bind(ticket.0).fetch_all(&mut *reader).await?)
    }

    /// The pairs of several tickets; tickets without a pair are left out.
    ///
    /// # Errors
    /// What the database says.
    pub async fn pairs_of_tickets(
        &self,
        halo: ConnectionId,
        tickets: &[TicketId],
    ) -> Result<BTreeMap<TicketId, Vec<Pair>>> {
        let mut reader = self.reader().await?;
        let query = sqlx::query(BY_TICKETS).bind(halo.to_string()).bind(to_json(tickets)?);
        let mut found: BTreeMap<TicketId, Vec<Pair>> = BTreeMap::new();
        for pair in pairs_of(&query.fetch_all(&mut *reader).await?)? {
            if let Some(ticket) = pair.ticket {
                found.entry(ticket).or_default().push(pair);
            }
        }
        Ok(found)
    }

    /// Pairs of a Halo instance that are not closed and in step, by id after `after`: for the slow reconcile.
    ///
    /// # Errors
    /// What the database says.
    pub async fn open_pairs_of_halo(&self, halo: ConnectionId, after: Option<PairId>, limit: u32) -> Result<Vec<Pair>> {
        let mut reader = self.reader().await?;
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let query = sqlx::query(OPEN_OF_HALO).bind(halo.to_string()).bind(after).bind(i64::from(limit));
        pairs_of(&query.fetch_all(&mut *reader).await?)
    }

    /// The same of a workspace.
    ///
    /// # Errors
    /// What the database says.
    pub async fn open_pairs_of_workspace(
        &self,
        workspace: WorkspaceId,
        after: Option<PairId>,
        limit: u32,
    ) -> Result<Vec<Pair>> {
        let mut reader = self.reader().await?;
        let after: i64 = match after {
            None => 0,
            Some(pair) => {
                let query = sqlx::query_scalar(SUBJECT_ROW).bind(pair.to_string());
                query.fetch_optional(&mut *reader).await?.unwrap_or(0)
            }
        };
        let query = sqlx::query(OPEN_OF_WORKSPACE).bind(workspace.to_string()).bind(after).bind(i64::from(limit));
        pairs_of(&query.fetch_all(&mut *reader).await?)
    }

    /// Pairs of a workspace that are closed and in step and changed since.
    ///
    /// # Errors
    /// What the database says.
    pub async fn closed_pairs_since(&self, workspace: WorkspaceId, since: Timestamp) -> Result<Vec<PairId>> {
        let mut reader = self.reader().await?;
        let query = sqlx::query_scalar(CLOSED_SINCE).bind(workspace.to_string()).bind(to_ms(since));
        let found: Vec<String> = query.fetch_all(&mut *reader).await?;
        Ok(found.iter().filter_map(|text| text.parse().ok().map(PairId)).collect())
    }

    /// Pairs whose incidents were merged into this one.
    ///
    /// # Errors
    /// What the database says.
    pub async fn pairs_of_survivor(&self, workspace: WorkspaceId, survivor: &IncidentId) -> Result<Vec<PairId>> {
        let mut reader = self.reader().await?;
        let query = sqlx::query(OF_SURVIVOR).bind(workspace.to_string()).bind(survivor.as_str());
        let rows = query.fetch_all(&mut *reader).await?;
        rows.iter().map(|row| Cells::new(row, "pairs").id("id")).collect()
    }

    /// Pairs of a workspace that are not in step and whose incidents are closed, perhaps merged away into others that are not
    /// known yet.
    ///
    /// # Errors
    /// What the database says.
    pub async fn pairs_without_survivor(&self, workspace: WorkspaceId) -> Result<Vec<PairId>> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query(WITHOUT_SURVIVOR).bind(workspace.to_string()).fetch_all(&mut *reader).await?;
        rows.iter().map(|row| Cells::new(row, "pairs").id("id")).collect()
    }

    /// How many pairs whose ticket was made, or is to be, were opened in a workspace after a moment, of incidents that are no
    /// older than its start. `forgotten`: of older ones than that, a ticket that was found was made before.
    ///
    /// # Errors
    /// What the database says.
    pub async fn opened_since(
        &self,
        workspace: WorkspaceId,
        after: Timestamp,
        start: Timestamp,
        forgotten: Option<Timestamp>,
    ) -> Result<i64> {
        let mut reader = self.reader().await?;
        let query = sqlx::query_scalar(OPENED_SINCE)
            .bind(workspace.to_string())
            .bind(to_ms(after))
            .bind(to_ms(start))
            .bind(forgotten.map_or(i64::MIN, to_ms));
        Ok(query.fetch_one(&mut *reader).await?)
    }

    /// Whether a note is already known to carry a comment's words.
    ///
    /// # Errors
    /// What the database says.
    pub async fn note_action_taken(&self, halo: ConnectionId, action: ActionKey) -> Result<bool> {
        let mut reader = self.reader().await?;
        let query = sqlx::query_scalar(TAKEN).bind(halo.to_string()).bind(action.ticket.0).bind(action.action);
        let count: i64 = query.fetch_one(&mut *reader).await?;
        Ok(count > 0)
    }

    /// The comments that carry a note's words, by part.
    ///
    /// # Errors
    /// What the database says.
    pub async fn comment_of_action(&self, halo: ConnectionId, action: ActionKey) -> Result<Vec<NoteLink>> {
        let mut reader = self.reader().await?;
        let query = sqlx::query(LINK_OF_ACTION).bind(halo.to_string()).bind(action.ticket.0).bind(action.action);
        query.fetch_all(&mut *reader).await?.iter().map(link_of).collect()
    }

    /// The note that carries a comment's words.
    ///
    /// # Errors
    /// What the database says.
    pub async fn action_of_comment(&self, pair: PairId, comment: &CommentId) -> Result<Option<NoteLink>> {
        let mut reader = self.reader().await?;
        let query = sqlx::query(LINK_OF_COMMENT).bind(pair.to_string()).bind(comment.as_str());
        query.fetch_optional(&mut *reader).await?.as_ref().map(link_of).transpose()
    }

    /// Up to where a workspace was read.
    ///
    /// # Errors
    /// What the database says.
    pub async fn cursor(&self, workspace: WorkspaceId) -> Result<Option<Cursor>> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(CURSOR).bind(workspace.to_string()).fetch_optional(&mut *reader).await?;
        row.map(|row| {
            let cells = Cells::new(&row, "cursors");
            Ok(Cursor { modified: cells.time("modified_ms")?, number: cells.opt_int("number")? })
        })
        .transpose()
    }

    /// Up to where a Halo instance was read, by its clock.
    ///
    /// # Errors
    /// What the database says.
    pub async fn halo_cursor(&self, connection: ConnectionId) -> Result<Option<Timestamp>> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(HALO_CURSOR).bind(connection.to_string()).fetch_optional(&mut *reader).await?;
        row.map(|row| Cells::new(&row, "halo_cursors").time("updated_ms")).transpose()
    }
}

/// A link as [`SITUATION`] gathers it: comment, ticket, action, edit, part, said, written in.
type StoredLink = (String, i64, i64, u32, u32, Option<String>, String);

async fn situation(connection: &mut SqliteConnection, id: PairId) -> Result<Option<SituationRow>> {
    let Some(mut row) = alone(connection, id).await? else { return Ok(None) };
    if let Some(group) = &row.pair.group {
        row.mates = super::groups::mates(connection, group.first, id).await?;
    }
    Ok(Some(row))
}

async fn alone(connection: &mut SqliteConnection, id: PairId) -> Result<Option<SituationRow>> {
    let key = id.to_string();
    let Some(row) = sqlx::query(SITUATION).bind(&key).fetch_optional(&mut *connection).await? else {
        // The pair may be there and only its incident's body gone.
        let there = sqlx::query(BY_ID).bind(&key).fetch_optional(&mut *connection).await?;
        return match there {
            None => Ok(None),
            Some(_) => Err(StoreError::json("subjects", "body", key)),
        };
    };
    let cells = Cells::new(&row, "pairs");
    let pair = pair_of(&cells)?;
    let mut subject = subject_of(&cells)?;
    subject.last_changed = cells.time("subject_changed_ms")?;
    let links: Vec<StoredLink> = cells.json("links")?;
    let links = links.into_iter().map(|(comment, ticket, action, edit, part, said, written_in)| {
        Ok(NoteLink {
            pair: id,
            comment: CommentId::new(comment.as_str()),
            action: ActionKey { ticket: TicketId(ticket), action },
            edit,
            part,
            said,
            written_in: side_of(&written_in).ok_or_else(|| StoreError::json("note_links", "written_in", &key))?,
        })
    });
    let operations: Vec<(String, String, u32, Option<String>, String)> = cells.json("operations")?;
    let operations = operations.into_iter().map(|(operation, state, attempts, failure, body)| {
        stored_operation(&operation, &body, &state, attempts, failure.as_deref())
    });
    Ok(Some(SituationRow {
        pair,
        subject,
        ticket: cells.opt_json("ticket_body")?,
        comments: cells.opt_json("comments_body")?,
        actions: cells.opt_json("actions_body")?,
        evidence: cells.opt_json("evidence_body")?,
        links: links.collect::<Result<_>>()?,
        operations: operations.collect::<Result<_>>()?,
        next_position: cells.int("next_position")?,
        mates: Vec::new(),
    }))
}
