//! Writes that wait for a person's approval: listed here with their plans, decided about as anything about a pair.

use std::collections::{HashMap, hash_map::Entry};

use super::{App, caller::Caller, error::ServiceError, fault, names, pairs, request_shown};
use crate::{
    domain::{
        catalogue::Catalogue,
        decision::Decision,
        ids::ConnectionId,
        pair::Health,
        view::{
            approvals::{ApprovalRow, ApprovalsView},
            replay::PlannedView,
        },
    },
    planner::{diff::differences, plan, situation::Situation},
    store::{PairFilter, PairRow, PairSort},
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
    let filter = PairFilter { health: Some(Health::NeedsYou), scope: caller.scope.clone(), ..PairFilter::default() };
    let page = app.store.pairs_page(&filter, PairSort::default(), None, LOOKED_AT).await;
    let page = page.map_err(|e| fault("list what waits", &e))?;
    let mut rows = Vec::new();
    // They may be large, and many pairs have the same.
    let mut catalogues: HashMap<ConnectionId, Catalogue> = HashMap::new();
    for row in page.rows {
        let policy = installation.connected(row.pair.workspace).map(|connected| connected.policy);
        if policy.is_some_and(|policy| !policy.approve.is_empty()) {
            if let Entry::Vacant(entry) = catalogues.entry(row.pair.halo) {
                let read = app.store.catalogue(row.pair.halo).await.map_err(|e| fault("read Halo's look-ups", &e))?;
                entry.insert(read.map(|(catalogue, _)| catalogue).unwrap_or_default());
            }
            if let Some(catalogue) = catalogues.get(&row.pair.halo) {
                rows.extend(of_pair(app, (&installation, catalogue), row).await?);
            }
        }
    }
    Ok(ApprovalsView { policies, rows, more: page.next.is_some() })
}

async fn of_pair(
    app: &App,
    (installation, catalogue): (&crate::store::Installation, &Catalogue),
    row: PairRow,
) -> Result<Vec<ApprovalRow>, ServiceError> {
    let found = app.store.situation(row.pair.id).await.map_err(|e| fault("read a pair", &e))?;
    let Some(found) = found else { return Ok(Vec::new()) };
    let client = names::client(installation, row.pair.client);
    let incident = found.subject.incident.name();
    let drawn = |s: &Situation<'_>| -> Vec<ApprovalRow> {
        let waiting = plan(s).waiting.into_iter();
        waiting
            .map(|waiting| {
                let what = waiting.what(s);
                ApprovalRow {
                    pair: row.pair.id,
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
    Ok(pairs::with_situation(app, installation, catalogue, &found, drawn).unwrap_or_default())
}
