//! What a full list tells beside its rows: open incidents that are not in it, and changes that no poll had shown.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    domain::{
        drift::{Drift, DriftClass, DriftRule},
        failure::Side,
        ids::IncidentId,
        incident::{Incident, IncidentStatus},
    },
    engine::put_back,
    ledger::fact::Fact,
    planner::drift::incident_moved,
    store::{SituationRow, StoreError},
};

use super::Poll;

/// Incidents that are read one by one after a full list, at most; the rest follows with the next one.
const LOOKED_FOR: usize = 100;

/// What a full reading goes by.
#[derive(Default)]
pub(super) struct Full {
    /// Everything that changed before this moment was read already, by the service's clock.
    pub passed: Option<Timestamp>,
    /// Incidents that were listed.
    pub seen: BTreeSet<IncidentId>,
}

impl Poll<'_> {
    /// Open pairs whose incident the list of all open ones does not show: it may be gone, and is read by itself.
    pub(super) async fn look_for_unseen(&mut self) -> Result<(), StoreError> {
        let Some(full) = self.full.take() else { return Ok(()) };
        let (mut after, mut looks) = (None, Vec::new());
        while looks.len() < LOOKED_FOR {
            let pairs = self.engine.store.open_pairs_of_workspace(self.workspace.id, after, 200).await?;
            let Some(last) = pairs.last() else { break };
            after = Some(last.id);
            // One that was not found is listed: it is read by itself, and goes on.
            let back = pairs
                .iter()
                .filter(|pair| put_back::awaited(pair, Side::Sentinel) && full.seen.contains(&pair.incident));
            looks.extend(back.map(|pair| pair.id));
            let open = pairs.iter().filter(|pair| pair.base.incident_status != Some(IncidentStatus::Closed));
            let unseen = open.filter(|pair| pair.gone.is_none() && !full.seen.contains(&pair.incident));
            looks.extend(unseen.map(|pair| pair.id));
        }
        self.engine.schedule().looks.extend(looks.into_iter().take(LOOKED_FOR));
        Ok(())
    }

    /// What is recorded beside a change that should have been shown before: what the policy wants done about it.
    pub(super) fn drifted(&self, row: &SituationRow, incident: &Incident) -> Vec<Fact> {
        let passed = self.full.as_ref().and_then(|full| full.passed);
        let late = passed.zip(incident.modified).is_some_and(|(passed, modified)| modified < passed);
        let rule = self.policy.drift.value;
        let moved = incident_moved(rule, &row.pair.base, &row.subject.incident, incident).filter(|_| late);
        let Some((what, base)) = moved else { return Vec::new() };
        facts(row, rule, format!("Changed in Sentinel and shown late: {what}."), base)
    }
}

/// The same for either side.
pub(in crate::engine) fn facts(
    row: &SituationRow,
    rule: DriftRule,
    what: String,
    base: crate::domain::pair::Base,
) -> Vec<Fact> {
    let pair = row.pair.id;
    let mut facts = vec![Fact::DriftFound { pair, drift: Drift { class: DriftClass::Value, what, rule } }];
    if base != row.pair.base {
        facts.push(Fact::BaseAgreed { pair, base });
    }
    facts
}
