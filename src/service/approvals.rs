//! Writes that wait for a person's approval: listed here with their plans, decided about as anything about a pair.

use std::collections::{HashMap, hash_map::Entry};

use super::{App, caller::Caller, error::ServiceError, fault, names, pairs, request_shown};
use crate::{
    domain::{
        catalogue::Catalogue,
        decision::Decision,
        ids::ConnectionId,
        pair::{Health, Pair},
        reason::Reason,
        view::{
            approvals::{ApprovalRow, ApprovalsView},
            list::{self, Listed},
            replay::PlannedView,
        },
    },
    planner::{diff::differences, plan, situation::Situation},
    store::{PageKey, PairFilter, PairSort},
};

/// The page's view; `from` is the token of the page.
///
/// # Errors
/// It cannot be read.
pub async fn view(app: &App, caller: &Caller, from: &str) -> Result<ApprovalsView, ServiceError> {
    page(app, caller, from, names::PAGE_ROWS).await
}

/// The same with so many pairs on a page.
///
/// # Errors
/// It cannot be read.
pub async fn page(app: &App, caller: &Caller, from: &str, pairs: u32) -> Result<ApprovalsView, ServiceError> {
    let installation = app.installation().await?;
    let asks = |policy: &&crate::domain::policy::Policy| !policy.approve.is_empty();
    let policies = installation.policies.iter().filter(asks).map(|policy| policy.name.clone()).collect();
    let waits = Reason::AwaitsApproval { what: String::new(), write: String::new() };
    let filter = PairFilter {
        health: Some(Health::NeedsYou),
        reason: Some(waits.code().to_owned()),
        scope: caller.scope.clone(),
        ..PairFilter::default()
    };
    let key: Option<PageKey> = list::key(from).parse().ok();
    let found = app.store.pairs_page(&filter, PairSort::default(), key, pairs).await;
    let found = found.map_err(|e| fault("list what waits", &e))?;
    let all = app.store.needing_for(&caller.scope, waits.code()).await.map_err(|e| fault("count what waits", &e))?;
    let token = |key: Option<PageKey>| key.map(|key| key.to_string());
    let shown = vec![(); found.rows.len()];
    let listed = Listed::at(from, shown, token(found.previous), token(found.next));
    let mut rows = Vec::new();
    // They may be large, and many pairs have the same.
    let mut catalogues: HashMap<ConnectionId, Catalogue> = HashMap::new();
    for row in found.rows.into_iter().map(|row| row.pair) {
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
    Ok(ApprovalsView { policies, rows, pages: Listed { total: Some(names::count(all)), ..listed } })
}

async fn of_pair(
    app: &App,
    (installation, catalogue): (&crate::store::Installation, &Catalogue),
    row: Pair,
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
                    approve: Decision::Approve { write: waiting.write.clone(), what: what.clone(), after_all: false },
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
