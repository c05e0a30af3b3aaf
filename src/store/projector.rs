//! What a fact does to the state tables. Nothing else writes them.
//!
//! Uses only the fact, its time, its client and the state before: replaying the ledger gives the same tables.

pub(super) mod beside;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    batch::Batch,
    error::{Result, StoreError},
    row::{statements, to_json},
};
use crate::{
    domain::{
        decision::Decision,
        delivery::DeliverySource,
        failure::{Failure, Side},
        ids::{ClientId, DeliveryId, IncidentId, OperationId, PairId, WorkspaceId},
        incident::Incident,
        operation::{Operation, OperationState},
        pair::{Base, NoteLink, Pair, PairState},
        pause::{Pause, PauseScope},
        reason::Reason,
        run::{Run, RunScope},
        time::to_ms,
    },
    ledger::fact::Fact,
};

statements! {
    const SUBJECT = "INSERT INTO subjects (workspace, incident, client, number, title, severity, severity_rank, status,
            owner, etag, comments_count, opened_ms, modified_ms, body, first_seen_ms, changed_ms, said)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ifnull(?12, ?15), ?13, ?14, ?15, ?15, ?16)
        ON CONFLICT (workspace, incident) DO UPDATE SET client = excluded.client, number = excluded.number,
            title = excluded.title, severity = excluded.severity, severity_rank = excluded.severity_rank,
            status = excluded.status, owner = excluded.owner, etag = excluded.etag,
            comments_count = excluded.comments_count, opened_ms = ifnull(?12, opened_ms),
            modified_ms = excluded.modified_ms, body = excluded.body, said = excluded.said,
            changed_ms = CASE WHEN said = excluded.said THEN changed_ms ELSE excluded.changed_ms END";
    // One that was linked meanwhile is held no more, whoever still says so.
    const HELD = "UPDATE subjects SET held_code = CASE WHEN pair IS NULL THEN ?3 END,
            held = CASE WHEN pair IS NULL THEN ?4 END, changed_ms = ?5 WHERE workspace = ?1 AND incident = ?2";
    const EVIDENCE = "UPDATE subjects SET evidence = ?3, names = ifnull((SELECT group_concat(DISTINCT n.name)
        FROM entity_names n WHERE n.evidence = ?3), '') WHERE workspace = ?1 AND incident = ?2";
    const PAIR = "INSERT INTO pairs (subject, id, client, workspace, incident, halo, halo_client_id, ticket, reference,
            base, ticket_closed, sync, health, reason_code, reason, number, severity_rank, severity, status, opened_ms,
            created_ms, changed_ms, judged_ms, grouped, group_json, further, merged)
        SELECT id, ?3, ?4, ?1, ?2, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, number, severity_rank, severity, status,
            opened_ms, ?15, ?16, ?16, ?17, ?18, ?19, EXISTS (SELECT 1 FROM pairs q WHERE q.workspace = ?1 AND q.survivor = ?2) FROM subjects WHERE workspace = ?1 AND incident = ?2 AND client = ?4";
    // That nothing is there, where nobody had looked, is no change.
    const COMMENTS = "UPDATE pairs SET comments_body = ?2,
        changed_ms = CASE WHEN comments_body IS NULL AND ?4 = 0 THEN changed_ms ELSE ?3 END WHERE id = ?1";
    const ACTIONS = "UPDATE pairs SET actions_body = ?2,
        changed_ms = CASE WHEN actions_body IS NULL AND ?4 = 0 THEN changed_ms ELSE ?3 END WHERE id = ?1";
    const TICKET = "UPDATE pairs SET ticket_body = ?2, ticket_status_id = ?3, ticket_closed = ?4, ticket_said = ?6,
        changed_ms = CASE WHEN ticket_said = ?6 THEN changed_ms ELSE ?5 END WHERE id = ?1";
    const JUDGED = "UPDATE pairs SET sync = ?2, health = ?3, reason_code = ?4, reason = ?5, changed_ms = ?6,
        judged_ms = ?6, further = ?7 WHERE id = ?1";
    const AGREED = "UPDATE pairs SET base = ?2, changed_ms = ?3 WHERE id = ?1";
    const DECIDED = "UPDATE pairs SET decisions = json_insert(decisions, '$[#]', json(?2)), changed_ms = ?3 WHERE id = ?1";
    const SURVIVOR = "UPDATE pairs SET survivor = ?2, changed_ms = ?3 WHERE id = ?1";
    const MERGED = "UPDATE pairs SET merged = 1
        WHERE workspace = (SELECT workspace FROM pairs WHERE id = ?1) AND incident = ?2";
    // Of another ticket than before no notes are known.
    const LINKED = "UPDATE pairs SET ticket = ?2, gone = NULL, changed_ms = ?3,
        actions_body = CASE WHEN ticket = ?2 THEN actions_body END WHERE id = ?1";
    const NOTE = "INSERT INTO note_links (pair, comment, halo, ticket, action, edit, part, said, written_in, linked_ms)
        SELECT ?1, ?2, halo, ?3, ?4, ?5, ?6, ?7, ?8, ?9 FROM pairs WHERE id = ?1
        ON CONFLICT (pair, comment, ticket, action, edit, part) DO UPDATE SET said = ifnull(excluded.said, said)
        WHERE written_in = excluded.written_in";
    const OPERATION = "INSERT INTO operations (id, client, pair, position, kind, key, state, state_json, due_ms, attempts,
            failure, planned_ms, changed_ms, body)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
    const MOVED = "UPDATE operations SET state = ?3, state_json = ?4, due_ms = ?5, attempts = ?6, failure = ?7,
            changed_ms = ?8 WHERE id = ?1 AND pair = ?2";
    const CURSOR = "INSERT INTO cursors (workspace, modified_ms, number) VALUES (?1, ?2, ?3)
        ON CONFLICT (workspace) DO UPDATE SET modified_ms = excluded.modified_ms, number = excluded.number";
    const HALO_CURSOR = "INSERT INTO halo_cursors (connection, updated_ms) VALUES (?1, ?2)
        ON CONFLICT (connection) DO UPDATE SET updated_ms = excluded.updated_ms";
    const RUN = "INSERT INTO runs (scope, client, run, ended_ms, well_ms, failures) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (scope) DO UPDATE SET client = excluded.client, run = excluded.run, ended_ms = excluded.ended_ms,
            well_ms = ifnull(excluded.well_ms, well_ms),
            failures = CASE excluded.failures WHEN 0 THEN 0 ELSE failures + 1 END";
    const DELIVERY = "INSERT INTO deliveries (id, client, source, received_ms, body) VALUES (?1, ?2, ?3, ?4, ?5)";
    const PAUSED = "INSERT INTO pauses (scope, id, automatic, value) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (scope, id, automatic) DO UPDATE SET value = excluded.value";
    const RESUMED = "DELETE FROM pauses WHERE scope = ?1 AND id = ?2 AND automatic >= ?3";
    // Not while a write is under way: whoever asked for it hears that, and nothing is changed.
    const UNLINKING = "UPDATE pairs SET changed_ms = ?2 WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM operations o
        WHERE o.pair = ?1 AND o.state IN ('sending', 'outcome-unknown'))";
    const UNLINKED_NOTES = "DELETE FROM note_links WHERE pair = ?1";
    const UNLINKED_OPERATIONS = "DELETE FROM operations WHERE pair = ?1";
    const UNLINKED_PAUSES = "DELETE FROM pauses WHERE scope = 'pair' AND id = ?1";
    const UNLINKED = "DELETE FROM pairs WHERE id = ?1";
    const HANDLED = "UPDATE deliveries SET handled_ms = ?2 WHERE id = ?1";
}

/// Empties the state tables, those that refer to others first. (`subject_words` is emptied by its own command.)
pub(super) const EMPTY: [&str; 18] = [
    "DELETE FROM drifts",
    "DELETE FROM drift_counts",
    "DELETE FROM backfills",
    "DELETE FROM shadows",
    "DELETE FROM shadow_counts",
    "DELETE FROM note_links",
    "DELETE FROM operations",
    "DELETE FROM pairs",
    "DELETE FROM group_keys",
    "DELETE FROM subjects",
    "DELETE FROM words_waiting",
    "DELETE FROM pair_counts",
    "DELETE FROM held_counts",
    "DELETE FROM cursors",
    "DELETE FROM halo_cursors",
    "DELETE FROM runs",
    "DELETE FROM deliveries",
    "DELETE FROM pauses",
];

/// The name of a run's scope, as stored.
pub(super) fn scope_name(scope: &RunScope) -> String {
    match scope {
        RunScope::Workspace { id } => format!("workspace:{id}"),
        RunScope::Halo { id } => format!("halo:{id}"),
    }
}

fn side_name(side: Side) -> &'static str {
    match side {
        Side::Sentinel => "sentinel",
        Side::Halo => "halo",
    }
}

/// What else is open on a pair, as stored: most pairs have nothing.
fn further(reasons: &[Reason]) -> Result<Option<String>> {
    (!reasons.is_empty()).then(|| to_json(reasons)).transpose()
}

/// When an open operation is due.
fn due(state: &OperationState) -> Timestamp {
    match state {
        OperationState::Planned { ready } => *ready,
        OperationState::Sending { since } => *since,
        OperationState::OutcomeUnknown { look, .. } => *look,
        OperationState::Done { at, .. }
        | OperationState::Dead { at, .. }
        | OperationState::Dropped { at, .. }
        | OperationState::Void { at, .. } => *at,
    }
}

/// Adds what carries one fact over. `body` is the hash of the fact's body, if it has one.
pub(super) fn apply(
    batch: &mut Batch,
    at: Timestamp,
    client: Option<ClientId>,
    body: Option<&[u8]>,
    fact: &Fact,
) -> Result<()> {
    let mut projector = Projector { batch, at: to_ms(at), client, body };
    match fact {
        Fact::IncidentRead { workspace, client, incident } => projector.incident(workspace, client, incident),
        Fact::IncidentHeld { workspace, incident, reason } => projector.held(workspace, incident, reason),
        Fact::EvidenceRead { workspace, incident, .. } => projector.evidence(workspace, incident),
        Fact::CommentsRead { pair, comments } => projector.contents(COMMENTS, pair, comments.len()),
        Fact::ActionsRead { pair, actions } => projector.contents(ACTIONS, pair, actions.len()),
        Fact::TicketRead { pair, ticket } => projector.ticket(pair, ticket),
        Fact::PairOpened { pair } => projector.pair(pair),
        Fact::PairJudged { pair, state } => projector.judged(pair, state),
        Fact::BaseAgreed { pair, base } => projector.agreed(pair, base),
        Fact::TicketLinked { pair, ticket } => projector.linked(pair, ticket.0),
        Fact::SurvivorFound { pair, survivor } => projector.survivor(pair, survivor),
        Fact::Decided { pair, decision } => projector.decided(pair, decision),
        Fact::NoteLinked { link } => projector.note(link),
        Fact::OperationPlanned { operation } => projector.planned(operation),
        Fact::OperationMoved { operation, pair, state, attempts, failure } => {
            projector.moved(operation, pair, state, *attempts, failure.as_ref())
        }
        Fact::CursorMoved { workspace, modified, number } => {
            projector.batch.add(CURSOR).bind(workspace.to_string()).bind(to_ms(*modified)).bind(*number);
            Ok(())
        }
        Fact::HaloCursorMoved { connection, updated } => {
            projector.batch.add(HALO_CURSOR).bind(connection.to_string()).bind(to_ms(*updated));
            Ok(())
        }
        Fact::RunEnded { run } => projector.run(run),
        Fact::Unlinked { pair, workspace, incident, reason } => {
            projector.unlinked(pair);
            projector.held(workspace, incident, &Some(reason.clone()))
        }
        Fact::ShadowCompared { workspace, incident, compared } => projector.shadow(workspace, incident, compared),
        Fact::BackfillMoved { backfill } => projector.backfill(backfill),
        Fact::RecordGone { pair, side, gone } => {
            projector.gone(pair, gone.then_some(*side));
            Ok(())
        }
        Fact::DriftFound { pair, drift } => {
            projector.drift(pair, drift);
            Ok(())
        }
        Fact::Paused { pause } => projector.paused(pause),
        Fact::Resumed { scope, automatic } => {
            projector.resumed(*scope, *automatic);
            Ok(())
        }
        Fact::DeliveryReceived { delivery, source, .. } => projector.received(delivery, source),
        Fact::DeliveryHandled { delivery } => {
            projector.batch.add(HANDLED).bind(delivery.to_string()).bind(projector.at).one("deliveries", delivery);
            Ok(())
        }
        Fact::Unreadable { .. } | Fact::HumanAct { .. } => Ok(()),
    }
}

struct Projector<'a> {
    batch: &'a mut Batch,
    at: i64,
    client: Option<ClientId>,
    body: Option<&'a [u8]>,
}

impl Projector<'_> {
    fn incident(&mut self, workspace: &WorkspaceId, client: &ClientId, incident: &Incident) -> Result<()> {
        let added = self
            .batch
            .add(SUBJECT)
            .bind(workspace.to_string())
            .bind(incident.id.as_str())
            .bind(client.to_string())
            .bind(incident.number)
            .bind(incident.title.as_str())
            .bind(incident.severity.as_str())
            .bind(i64::from(incident.severity.rank().unwrap_or_default()))
            .bind(incident.status.as_str())
            .bind(incident.owner.key())
            .bind(incident.etag.as_deref())
            .bind(incident.comments_count)
            .bind(incident.created.map(to_ms))
            .bind(incident.modified.map(to_ms))
            .bind(self.body)
            .bind(self.at)
            .bind(incident.version());
        added.one("subjects", &incident.id);
        Ok(())
    }

    fn held(&mut self, workspace: &WorkspaceId, incident: &IncidentId, reason: &Option<Reason>) -> Result<()> {
        let added = self
            .batch
            .add(HELD)
            .bind(workspace.to_string())
            .bind(incident.as_str())
            .bind(reason.as_ref().map(Reason::code))
            .bind(reason.as_ref().map(to_json).transpose()?)
            .bind(self.at);
        added.one("subjects", incident);
        Ok(())
    }

    fn evidence(&mut self, workspace: &WorkspaceId, incident: &IncidentId) -> Result<()> {
        let added = self.batch.add(EVIDENCE).bind(workspace.to_string()).bind(incident.as_str()).bind(self.body);
        added.one("subjects", incident);
        Ok(())
    }

    fn pair(&mut self, pair: &Pair) -> Result<()> {
        let added = self
            .batch
            .add(PAIR)
            .bind(pair.workspace.to_string())
            .bind(pair.incident.as_str())
            .bind(pair.id.to_string())
            .bind(pair.client.to_string())
            .bind(pair.halo.to_string())
            .bind(pair.halo_client_id)
            .bind(pair.ticket.map(|ticket| ticket.0))
            .bind(pair.reference.as_str())
            .bind(to_json(&pair.base)?)
            .bind(pair.base.ticket_closed)
            .bind(pair.sync.as_str())
            .bind(pair.health.as_str())
            .bind(pair.reason.as_ref().map(Reason::code))
            .bind(pair.reason.as_ref().map(to_json).transpose()?)
            .bind(to_ms(pair.created))
            .bind(to_ms(pair.changed))
            .bind(pair.group.as_ref().map(|group| group.first.to_string()))
            .bind(pair.group.as_ref().map(to_json).transpose()?)
            .bind(further(&pair.further)?);
        added.one("subjects", &pair.incident);
        Ok(())
    }

    fn contents(&mut self, statement: &'static str, pair: &PairId, count: usize) -> Result<()> {
        let added = self.batch.add(statement).bind(pair.to_string()).bind(self.body).bind(self.at);
        added.bind(i64::from(count > 0)).one("pairs", pair);
        Ok(())
    }

    fn ticket(&mut self, pair: &PairId, ticket: &crate::domain::ticket::Ticket) -> Result<()> {
        let added = self
            .batch
            .add(TICKET)
            .bind(pair.to_string())
            .bind(self.body)
            .bind(ticket.status_id)
            .bind(ticket.closed)
            .bind(self.at)
            .bind(ticket.version());
        added.one("pairs", pair);
        Ok(())
    }

    fn judged(&mut self, pair: &PairId, state: &PairState) -> Result<()> {
        let added = self
            .batch
            .add(JUDGED)
            .bind(pair.to_string())
            .bind(state.sync.as_str())
            .bind(state.health.as_str())
            .bind(state.reason.as_ref().map(Reason::code))
            .bind(state.reason.as_ref().map(to_json).transpose()?)
            .bind(self.at)
            .bind(further(&state.further)?);
        added.one("pairs", pair);
        Ok(())
    }

    fn agreed(&mut self, pair: &PairId, base: &Base) -> Result<()> {
        let added = self.batch.add(AGREED).bind(pair.to_string()).bind(to_json(base)?).bind(self.at);
        added.one("pairs", pair);
        Ok(())
    }

    fn survivor(&mut self, pair: &PairId, survivor: &IncidentId) -> Result<()> {
        let added = self.batch.add(SURVIVOR).bind(pair.to_string()).bind(survivor.as_str()).bind(self.at);
        added.one("pairs", pair);
        // The survivor may have no pair.
        self.batch.add(MERGED).bind(pair.to_string()).bind(survivor.as_str());
        Ok(())
    }

    fn decided(&mut self, pair: &PairId, decision: &Decision) -> Result<()> {
        let added = self.batch.add(DECIDED).bind(pair.to_string()).bind(to_json(decision)?).bind(self.at);
        added.one("pairs", pair);
        Ok(())
    }

    fn linked(&mut self, pair: &PairId, ticket: i64) -> Result<()> {
        let added = self.batch.add(LINKED).bind(pair.to_string()).bind(ticket).bind(self.at);
        added.one("pairs", pair);
        Ok(())
    }

    /// The same link again changes nothing; another link of the same comment or action is refused.
    fn note(&mut self, link: &NoteLink) -> Result<()> {
        let added = self
            .batch
            .add(NOTE)
            .bind(link.pair.to_string())
            .bind(link.comment.as_str())
            .bind(link.action.ticket.0)
            .bind(link.action.action)
            .bind(i64::from(link.edit))
            .bind(i64::from(link.part))
            .bind(link.said.as_deref())
            .bind(side_name(link.written_in))
            .bind(self.at);
        added.or(StoreError::Taken { what: format!("A link of comment {}", link.comment) });
        Ok(())
    }

    fn planned(&mut self, operation: &Operation) -> Result<()> {
        let added = self
            .batch
            .add(OPERATION)
            .bind(operation.id.to_string())
            .bind(operation.client.to_string())
            .bind(operation.pair.to_string())
            .bind(operation.position)
            .bind(operation.kind.name())
            .bind(operation.kind.key())
            .bind(operation.state.name())
            .bind(to_json(&operation.state)?)
            .bind(to_ms(due(&operation.state)))
            .bind(i64::from(operation.attempts))
            .bind(operation.last_failure.as_ref().map(to_json).transpose()?)
            .bind(to_ms(operation.planned))
            .bind(self.at)
            .bind(self.body);
        added.one("operations", operation.id);
        Ok(())
    }

    fn moved(
        &mut self,
        operation: &OperationId,
        pair: &PairId,
        state: &OperationState,
        attempts: u32,
        failure: Option<&Failure>,
    ) -> Result<()> {
        let added = self
            .batch
            .add(MOVED)
            .bind(operation.to_string())
            .bind(pair.to_string())
            .bind(state.name())
            .bind(to_json(state)?)
            .bind(to_ms(due(state)))
            .bind(i64::from(attempts))
            .bind(failure.map(to_json).transpose()?)
            .bind(self.at);
        added.one("operations", operation);
        Ok(())
    }

    fn run(&mut self, run: &Run) -> Result<()> {
        self.batch
            .add(RUN)
            .bind(scope_name(&run.scope))
            .bind(self.client.map(|client| client.to_string()))
            .bind(to_json(run)?)
            .bind(to_ms(run.ended))
            .bind(run.failure.is_none().then(|| to_ms(run.ended)))
            .bind(i64::from(run.failure.is_some()));
        Ok(())
    }

    fn unlinked(&mut self, pair: &PairId) {
        self.batch.add(UNLINKING).bind(pair.to_string()).bind(self.at).one("pairs", pair);
        for statement in [UNLINKED_NOTES, UNLINKED_OPERATIONS, UNLINKED_PAUSES] {
            self.batch.add(statement).bind(pair.to_string());
        }
        self.batch.add(UNLINKED).bind(pair.to_string()).one("pairs", pair);
    }

    fn paused(&mut self, pause: &Pause) -> Result<()> {
        let added = self.batch.add(PAUSED).bind(pause.scope.name()).bind(pause.scope.id());
        added.bind(pause.automatic()).bind(to_json(pause)?);
        Ok(())
    }

    fn resumed(&mut self, scope: PauseScope, automatic: bool) {
        self.batch.add(RESUMED).bind(scope.name()).bind(scope.id()).bind(automatic);
    }

    fn received(&mut self, delivery: &DeliveryId, source: &DeliverySource) -> Result<()> {
        let source_text = serde_json::to_value(source).unwrap_or(Value::Null).to_string();
        let added = self
            .batch
            .add(DELIVERY)
            .bind(delivery.to_string())
            .bind(self.client.map(|client| client.to_string()))
            .bind(source_text)
            .bind(self.at)
            .bind(self.body);
        added.one("deliveries", delivery);
        Ok(())
    }
}
