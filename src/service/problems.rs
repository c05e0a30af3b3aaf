//! What asks for a person, by reason.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{
    App,
    caller::Caller,
    engine_handle::{BudgetStatus, EngineStatus},
    error::ServiceError,
    fault, live, names,
    pairs::operation,
    pauses::Paused,
    sign_in,
};
use crate::{
    domain::{
        account::Scope,
        failure::Side,
        ids::PairId,
        operation::OperationState,
        reason::Reason,
        run::RunScope,
        view::{
            operation::OperationView,
            problems::{ProblemGroup, ProblemItem, ProblemsView, StormView},
        },
    },
    store::{HeldCount, Installation, NeedingPair},
};

/// Pairs looked at, at most; the dashboard pages through all of them.
const LOOKED_AT: u32 = 1000;
/// Items shown of a group.
const SHOWN: usize = 25;

/// The page's view.
///
/// # Errors
/// The installation cannot be read; a list that cannot be read is told in the view.
pub async fn view(app: &App, caller: &Caller) -> Result<ProblemsView, ServiceError> {
    let installation = app.installation().await?;
    let groups = groups(app, caller, &installation).await.map_err(|error| names::trouble(&error));
    let storms = storms(app, caller, &installation).await?;
    let connections = connections(app, caller, &installation).await?;
    let pauses = Paused::now(app).await?.wide(caller, &installation, true);
    let (grouped, groups) = match groups {
        Ok((grouped, groups)) => (grouped, Ok(groups)),
        Err(trouble) => (0, Err(trouble)),
    };
    // Counted, not listed: there may be more than are sorted into groups. Read later, it may be fewer.
    let pairs =
        if u64::from(LOOKED_AT) == grouped { live::needs_you(app, caller).await?.max(grouped) } else { grouped };
    Ok(ProblemsView { pairs, grouped, groups, storms, pauses, connections })
}

/// One loud notice for each workspace whose incidents the storm brake holds.
async fn storms(app: &App, caller: &Caller, installation: &Installation) -> Result<Vec<StormView>, ServiceError> {
    let held = app.store.held_counters(&caller.scope).await.map_err(|e| fault("count incidents", &e))?;
    let code = Reason::StormHeld { cap: 0 }.code();
    let storm = |row: HeldCount| StormView {
        workspace: row.workspace,
        name: names::workspace_name(installation, row.workspace),
        client: names::client(installation, row.client),
        held: names::count(row.subjects),
        cap: installation.connected(row.workspace).map(|connected| connected.policy.tickets_per_hour),
    };
    Ok(held.into_iter().filter(|row| row.code == code).map(storm).collect())
}

/// How many pairs were looked at, and what they need somebody for.
async fn groups(
    app: &App,
    caller: &Caller,
    installation: &Installation,
) -> Result<(u64, Vec<ProblemGroup>), ServiceError> {
    let rows = app.store.needing_pairs(&caller.scope, LOOKED_AT).await.map_err(|e| fault("list problems", &e))?;
    let dead = app.store.dead_page(&caller.scope, None, LOOKED_AT).await.map_err(|e| fault("list problems", &e))?;
    let mut letters: BTreeMap<PairId, Vec<OperationView>> = BTreeMap::new();
    for letter in dead.rows {
        letters.entry(letter.operation.pair).or_default().push(operation(&letter.operation));
    }
    let pairs = rows.len() as u64;
    let mut groups: Vec<ProblemGroup> = Vec::new();
    for row in rows {
        let mut letters = letters.remove(&row.id).unwrap_or_default();
        let first = row.reason.clone().or_else(|| letters.first().and_then(reason_of));
        let reasons: Vec<Reason> = first.into_iter().chain(row.further.iter().cloned()).collect();
        for (place, reason) in reasons.iter().enumerate() {
            // newest first: of several for one reason the newest is shown, all of them on the pair's page
            let same = letters.iter().position(|letter| reason_of(letter).as_ref() == Some(reason));
            let own = same.or((place == 0 && !letters.is_empty() && row.further.is_empty()).then_some(0));
            let letter = own.map(|at| letters.remove(at));
            // A pair counts once in a group, whatever of its kind is open on it.
            let again = reasons.iter().take(place).any(|before| before.code() == reason.code());
            match groups.iter_mut().find(|group| group.reason.code() == reason.code()) {
                Some(group) => {
                    group.total += u64::from(!again);
                    if group.items.len() < SHOWN {
                        group.items.push(item(installation, &row, letter, reason.clone()));
                    }
                }
                None => {
                    let items = vec![item(installation, &row, letter, reason.clone())];
                    groups.push(ProblemGroup { reason: reason.clone(), total: 1, items });
                }
            }
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.total));
    Ok((pairs, groups))
}

fn reason_of(letter: &OperationView) -> Option<Reason> {
    match &letter.state {
        OperationState::Dead { reason, .. } => Some(reason.clone()),
        _ => None,
    }
}

fn item(
    installation: &Installation,
    row: &NeedingPair,
    operation: Option<OperationView>,
    reason: Reason,
) -> ProblemItem {
    let incident = names::incident(row.number, &row.title);
    let since = match operation.as_ref().map(|letter| &letter.state) {
        Some(OperationState::Dead { at, .. }) => *at,
        _ => row.judged,
    };
    ProblemItem {
        pair: row.id,
        client: names::client(installation, row.client),
        incident,
        ticket: row.ticket.map(|ticket| names::ticket(installation, row.halo, ticket)),
        reason,
        since,
        operation,
    }
}

/// A service may ask for so long a wait without anybody having to know.
const WAIT_UNTOLD: SignedDuration = SignedDuration::from_mins(2);

/// Services that asked not to be asked again for a while: as long as that nothing comes in, and nobody sees why.
fn told_to_wait(status: &EngineStatus, installation: &Installation, now: Timestamp) -> Vec<String> {
    let sentence = |budget: &BudgetStatus| {
        let until = budget.waits_until.filter(|until| *until > now + WAIT_UNTOLD)?;
        let who = match (&budget.subscription, names::halo(installation, budget.connection)) {
            (Some(subscription), _) => format!("Azure subscription {subscription}"),
            (None, Some(halo)) => halo.name.clone(),
            (None, None) => return None,
        };
        Some(format!(
            "{who} asked for a pause until {until} and gets it: nothing is read or written there meanwhile, new \
             incidents included. It goes on by itself."
        ))
    };
    status.budgets.iter().filter_map(sentence).collect()
}

/// Sources whose last run failed for a reason that only a person can remove.
async fn connections(app: &App, caller: &Caller, installation: &Installation) -> Result<Vec<String>, ServiceError> {
    let status = app.engine.status();
    let failed = status
        .scopes
        .iter()
        .filter(|row| names::run_visible(installation, row.scope, &caller.scope))
        .filter_map(|row| row.last_failure.as_ref().map(|(_, failure)| (row.scope, failure)))
        .filter(|(_, failure)| !failure.retryable());
    let mut sentences = Vec::new();
    // Many workspaces may wait for one Halo instance: that is said once.
    let mut waiting: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (scope, failure) in failed {
        let name = names::run_scope(installation, scope);
        match scope {
            RunScope::Workspace { .. } if failure.side == Side::Halo => {
                waiting.entry(&failure.message).or_default().push(name);
            }
            _ => sentences.push(format!("{name}: {}", failure.message)),
        }
    }
    sentences.extend(waiting.into_iter().filter_map(|(why, names)| {
        let (first, others) = names.split_first()?;
        let others = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
        Some(format!("{first}{others}: {why}"))
    }));
    if caller.scope == Scope::All {
        sentences.extend(told_to_wait(&status, installation, app.clock.now()));
        for connection in &installation.microsoft {
            if let Some(warning) = connection.secret_warning(app.clock.now()) {
                sentences.push(format!("{}: {warning}", connection.name));
            }
            if sign_in::challenge(app, connection.id).await?.is_some() {
                sentences.push(format!("{}: {}", connection.name, sign_in::challenged().message));
            }
        }
    }
    sentences.sort_unstable();
    sentences.dedup();
    Ok(sentences)
}
