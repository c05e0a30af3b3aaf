//! Writes that wait for a person's approval: listed here with their plans, decided about as anything about a pair.

use std::collections::{HashMap, hash_map::Entry};

use super::{App, caller::Caller, error::ServiceError, fault, names, pairs, request_shown};
use crate::{
    domain::{
        catalogue::Catalogue,
        decision::Decision,
        ids::ConnectionId,
        view::{
            approvals::{ApprovalRow, ApprovalsView},
            replay::PlannedView,
        },
    },
    planner::{diff::differences, plan, situation::Situation},
    store::NeedingPair,
};

/// Pairs looked at, at most.
const LOOKED_AT: u32 = 500;

/// The page's view.
///
/// # Errors
/// It cannot be read.
pub async fn view(app: &App, caller: &Caller) -> Result<ApprovalsView, ServiceError> {
    let installation = app.installation().await?;
    let asks = |policy: &&crate::domain::policy::Policy| !policy.approve.is_empty();
    let policies = installation.policies.iter().filter(asks).map(|policy| policy.name.clone()).collect();
    let found = app.store.needing_pairs(&caller.scope, LOOKED_AT + 1).await;
    let mut found = found.map_err(|e| fault("list what waits", &e))?;
    let more = found.len() > LOOKED_AT as usize;
    found.truncate(LOOKED_AT as usize);
    let mut rows = Vec::new();
    // They may be large, and many pairs have the same.
    let mut catalogues: HashMap<ConnectionId, Catalogue> = HashMap::new();
    for row in found {
        let policy = installation.connected(row.workspace).map(|connected| connected.policy);
        if policy.is_some_and(|policy| !policy.approve.is_empty()) {
            if let Entry::Vacant(entry) = catalogues.entry(row.halo) {
                let read = app.store.catalogue(row.halo).await.map_err(|e| fault("read Halo's look-ups", &e))?;
                entry.insert(read.map(|(catalogue, _)| catalogue).unwrap_or_default());
            }
            if let Some(catalogue) = catalogues.get(&row.halo) {
                rows.extend(of_pair(app, (&installation, catalogue), row).await?);
            }
        }
    }
    Ok(ApprovalsView { policies, rows, more })
}

async fn of_pair(
    app: &App,
    (installation, catalogue): (&crate::store::Installation, &Catalogue),
    row: NeedingPair,
) -> Result<Vec<ApprovalRow>, ServiceError> {
    let found = app.store.situation(row.id).await.map_err(|e| fault("read a pair", &e))?;
    let Some(found) = found else { return Ok(Vec::new()) };
    let merged = pairs::merged(app, &found.pair, None).await?;
    let client = names::client(installation, row.client);
    let incident = found.subject.incident.name();
    let drawn = |s: &Situation<'_>| -> Vec<ApprovalRow> {
        let waiting = plan(s).waiting.into_iter();
        waiting
            .map(|waiting| {
                let what = waiting.what(s);
                ApprovalRow {
                    pair: row.id,
                    incident: incident.clone(),
                    client: client.clone(),
                    differences: differences(s, &waiting.planned.kind),
                    approve: Decision::Approve { write: waiting.write.clone(), what: what.clone() },
                    reject: Decision::Reject { write: waiting.write, what },
                    kinds: waiting.kinds,
                    planned: PlannedView {
                        words: waiting.planned.kind.words(),
                        side: waiting.planned.kind.side(),
                        body: request_shown::of(installation, s, &waiting.planned.kind)
                            .or_else(|| pairs::body(&waiting.planned.kind)),
                        reason: waiting.planned.reason,
                    },
                }
            })
            .collect()
    };
    Ok(pairs::with_situation(app, installation, catalogue, (&found, &merged), drawn).unwrap_or_default())
}
