//! What stands beside pairs and incidents: comparisons with another integration, backfills, drift.

use super::{Projector, side_name};
use crate::{
    domain::{
        backfill::Backfill,
        drift::Drift,
        failure::Side,
        ids::{IncidentId, PairId, WorkspaceId},
        shadow::{Compared, LapseKind},
    },
    store::{
        error::Result,
        row::{statements, to_json},
    },
};

statements! {
    const SHADOW = "INSERT INTO shadows (subject, client, workspace, incident, compared, ticketed, late_secs, missed, doubled,
            delayed, changed_ms)
        SELECT id, client, workspace, incident, ?3, ?4, ?5, ?6, ?7, ?8, ?9 FROM subjects
        WHERE workspace = ?1 AND incident = ?2
        ON CONFLICT (subject) DO UPDATE SET client = excluded.client, compared = excluded.compared,
            ticketed = excluded.ticketed, late_secs = excluded.late_secs, missed = excluded.missed,
            doubled = excluded.doubled, delayed = excluded.delayed, changed_ms = excluded.changed_ms";
    // One that is over, stopped by a person perhaps, moves no more; nor does a late step of one overwrite what was asked
    // for since.
    const BACKFILL = "INSERT INTO backfills (workspace, client, id, state, value, changed_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (workspace) DO UPDATE SET id = excluded.id, state = excluded.state, value = excluded.value,
            changed_ms = excluded.changed_ms
            WHERE CASE WHEN backfills.id = excluded.id THEN backfills.state <> 'ended' ELSE excluded.state = 'counting' END";
    const GONE = "UPDATE pairs SET gone = ?2, changed_ms = ?3 WHERE id = ?1";
    const DRIFT = "INSERT INTO drifts (pair, client, workspace, class, rule, what, found_ms)
        SELECT id, client, workspace, ?2, ?3, ?4, ?5 FROM pairs WHERE id = ?1";
}

impl Projector<'_> {
    pub(super) fn shadow(&mut self, workspace: &WorkspaceId, incident: &IncidentId, compared: &Compared) -> Result<()> {
        let count = |kind| i64::from(compared.count(kind));
        let added = self
            .batch
            .add(SHADOW)
            .bind(workspace.to_string())
            .bind(incident.as_str())
            .bind(to_json(compared)?)
            .bind(!compared.tickets.is_empty())
            .bind(compared.late_secs.unwrap_or(0).max(0))
            .bind(count(LapseKind::Missed))
            .bind(count(LapseKind::Doubled))
            .bind(count(LapseKind::Delayed))
            .bind(self.at);
        added.one("subjects", incident);
        Ok(())
    }

    pub(super) fn backfill(&mut self, backfill: &Backfill) -> Result<()> {
        let client = self.client.map(|client| client.to_string()).unwrap_or_default();
        self.batch
            .add(BACKFILL)
            .bind(backfill.workspace.to_string())
            .bind(client)
            .bind(backfill.id.to_string())
            .bind(backfill.state.name())
            .bind(to_json(backfill)?)
            .bind(self.at);
        Ok(())
    }

    pub(super) fn drift(&mut self, pair: &PairId, drift: &Drift) {
        let added = self.batch.add(DRIFT).bind(pair.to_string()).bind(drift.class.as_str());
        added.bind(drift.rule.as_str()).bind(drift.what.as_str()).bind(self.at).one("pairs", pair);
    }

    pub(super) fn gone(&mut self, pair: &PairId, side: Option<Side>) {
        let added = self.batch.add(GONE).bind(pair.to_string()).bind(side.map(side_name));
        added.bind(self.at).one("pairs", pair);
    }
}
