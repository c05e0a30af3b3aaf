//! What a full list tells beside its rows: open incidents that are not in it, and changes that no poll had shown.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    domain::{
        drift::{Drift, DriftClass, DriftRule},
        failure::Side,
        ids::IncidentId,
        incident::{Incident, IncidentStatus},
        pair::Pair,
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

impl Full {
    /// Whether a pair's incident is to be read by itself after the list.
    fn misses(&self, pair: &Pair) -> bool {
        let open = pair.base.incident_status != Some(IncidentStatus::Closed);
        match self.seen.contains(&pair.incident) {
            // One that was not found is listed: it is read by itself, and goes on.
            true => put_back::awaited(pair, Side::Sentinel),
            false => open && pair.gone.is_none(),
        }
    }
}

impl Poll<'_> {
    /// Open pairs whose incident the list of all open ones does not show: it may be gone, and is read by itself. Where more
    /// are missing than are read at once (a list that was cut off shows few of them), the next full list goes on behind
    /// these.
    pub(super) async fn look_for_unseen(&mut self) -> Result<(), StoreError> {
        let Some(full) = self.full.take() else { return Ok(()) };
        let id = self.workspace.id;
        let mut after = self.engine.schedule().workspaces.get(&id).and_then(|standing| standing.full_after);
        let (mut from_the_first, mut looks) = (after.is_none(), Vec::new());
        while looks.len() < LOOKED_FOR {
            let pairs = self.engine.store.open_pairs_of_workspace(id, after, 200).await?;
            after = pairs.last().map(|last| last.id);
            if pairs.is_empty() {
                if from_the_first {
                    break;
                }
                from_the_first = true;
            }
            for pair in pairs.iter().filter(|pair| full.misses(pair)) {
                if looks.len() >= LOOKED_FOR {
                    break;
                }
                looks.push(pair.id);
            }
        }
        let behind = looks.last().copied().filter(|_| looks.len() >= LOOKED_FOR);
        let mut schedule = self.engine.schedule();
        if let Some(standing) = schedule.workspaces.get_mut(&id) {
            standing.full_after = behind;
        }
        schedule.looks.extend(looks);
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
