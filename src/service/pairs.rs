//! One pair: both sides, its queue, its conversation and its history.

use std::collections::BTreeMap;

use super::{
    App, caller::Caller, decisions, error::ServiceError, fault, fields, ledger::names_in, names, notes, pauses::Paused,
    request_shown, then::Then, unlinked, words,
};
use crate::{
    domain::{
        account::Scope,
        catalogue::Catalogue,
        ids::{OperationId, PairId, UserId},
        merge::{Merge, MergedFrom, Survivor},
        operation::{Operation, OperationKind, OperationState},
        pair::{Pair, SyncState},
        reason::Reason,
        view::{
            dashboard::PairFilter,
            operation::OperationView,
            pair::{DroppedRow, GroupView, MateRow, PairView},
        },
    },
    ledger::entry::Seq,
    planner::{
        draft::portal_link,
        plan,
        situation::{Seen, Situation},
    },
    store::{Installation, Item, SituationRow},
};

/// Entries of the history on one page.
const HISTORY_ROWS: u32 = 50;
/// Longest body of an operation shown, in characters.
const BODY_MAX: usize = 20_000;

/// The pair, if the caller may see it.
///
/// # Errors
/// `NotFound` when there is none, or it is a foreign client's.
pub async fn seen(app: &App, caller: &Caller, pair: PairId) -> Result<Pair, ServiceError> {
    let pair = app.store.pair(pair).await.map_err(|e| fault("read a pair", &e))?.ok_or(ServiceError::NotFound)?;
    caller.see(pair.client)?;
    if caller.scope != Scope::All {
        let installation = app.installation().await?;
        names::see_workspace(&installation, caller, pair.workspace)?;
    }
    Ok(pair)
}

/// A pair as it can be said to stand now: nobody knows whether one that was in step still is once its workspace is not
/// read any more. Those that were not in step say so themselves (`engine::silenced`); of the others, which are closed and
/// many, nothing is written down.
pub(super) fn as_followed(installation: &Installation, pair: Pair) -> Pair {
    if pair.sync == SyncState::InStep && !names::read(installation, pair.workspace) {
        return Pair { sync: SyncState::Unknown, reason: Some(Reason::ModeOff), ..pair };
    }
    pair
}

/// The page's view; `from` pages through the history.
///
/// # Errors
/// `NotFound` when there is no such pair, or it is a foreign client's.
pub async fn view(app: &App, caller: &Caller, pair: PairId, from: &str) -> Result<PairView, ServiceError> {
    view_at(app, caller, pair, from, Then::Now).await
}

/// The same as it stood `then`. A moment that cannot be shown is told of on the page as it stands now. One that was taken
/// apart is shown as it stood at any moment before that.
///
/// # Errors
/// `NotFound` when there is, or then was, no such pair, or it is a foreign client's.
pub async fn view_at(
    app: &App,
    caller: &Caller,
    pair: PairId,
    from: &str,
    then: Then,
) -> Result<PairView, ServiceError> {
    let (known, apart) = match seen(app, caller, pair).await {
        Err(ServiceError::NotFound) if then != Then::Now => {
            let (known, unlinking) = unlinked::once(app, caller, pair).await?;
            (known, Some(unlinking))
        }
        known => (known?, None),
    };
    let then = super::then::entry(app, then).await?;
    let mut as_of_problem = then.as_ref().err().cloned();
    let mut then = then.unwrap_or_default();
    if apart.is_some_and(|apart| then.is_none_or(|then| then >= apart)) {
        return Err(ServiceError::NotFound);
    }
    let installation = app.installation().await?;
    let (situation, as_of) = match then {
        None => (app.store.situation(pair).await.map_err(|e| fault("read a pair", &e))?, None),
        Some(seq) => {
            super::then::in_its_group(app, &known, seq).await?.map_or((None, None), |(row, at)| (Some(row), Some(at)))
        }
    };
    let situation = match situation {
        None if then.take().is_some() => {
            as_of_problem = Some(super::then::NOT_YET.to_owned());
            app.store.situation(pair).await.map_err(|e| fault("read a pair", &e))?
        }
        found => found,
    };
    let situation = situation.ok_or(ServiceError::NotFound)?;
    let catalogue = app.store.catalogue(situation.pair.halo).await.map_err(|e| fault("read Halo's look-ups", &e))?;
    let catalogue = catalogue.map(|(catalogue, _)| catalogue).unwrap_or_default();

    // In the past nothing was known of what came later.
    let until = then.map(|seq| Seq(seq.0.saturating_add(1)));
    let (history, older) = history(app, pair, from.parse().ok().map(Seq).or(until)).await?;
    let named = names_in(app, &history).await?;
    let who = |id: UserId| named.people.get(&id).cloned().unwrap_or_else(|| "(removed)".to_owned());
    let timeline = history.into_iter().map(|item| words::entry(item, &named, false)).collect();

    // Of the past it is not known when it was last read.
    let (incident_read, ticket_read) = if as_of.is_none() { reads(app, &situation) } else { (None, None) };
    let merged = merged(app, &situation.pair, then).await?;
    let drawn = with_situation(app, &installation, &catalogue, (&situation, &merged), |s| {
        let (plan, choices) = (plan(s), decisions::choices(s));
        let request =
            |operation: &Operation| Some((operation.id, request_shown::of(&installation, s, &operation.kind)?));
        let requests: BTreeMap<OperationId, String> = s.operations.iter().filter_map(request).collect();
        let open = decisions::open(s, &plan, &choices);
        (fields::rows(s, &plan), notes::rows(s, &plan), open, choices, requests)
    });
    let removed = drawn.is_none();
    let (fields, notes, mut open, mut choices, requests) = drawn.unwrap_or_else(|| {
        let (fields, notes) = (fields::plain(&situation, &catalogue), notes::plain(&situation, &catalogue));
        (fields, notes, Vec::new(), Vec::new(), BTreeMap::new())
    });
    let operation = |row: &Operation| {
        let view = operation(row);
        OperationView { body: requests.get(&row.id).cloned().or(view.body), ..view }
    };
    let mut pauses = Paused::now(app).await?.of_pair(caller, &installation, &situation.pair);
    if as_of.is_some() {
        choices.clear();
        open.clear();
        pauses.clear();
    }
    let SituationRow { pair, subject, operations, .. } = &situation;
    let gates = super::explain::gates(app, &installation, pair.workspace, &subject.incident, None).await?;
    let workspace = names::workspace(&installation, pair.workspace);
    let group = group(&situation);
    let stands = if as_of.is_none() { as_followed(&installation, pair.clone()) } else { pair.clone() };
    Ok(PairView {
        id: pair.id,
        client: names::client(&installation, pair.client),
        client_id: pair.client,
        workspace: names::workspace_name(&installation, pair.workspace),
        workspace_id: pair.workspace,
        removed,
        mode: workspace.map_or(crate::domain::workspace::Mode::Off, |workspace| workspace.mode),
        incident: pair.incident.clone(),
        number: subject.incident.number,
        title: subject.incident.title.clone(),
        severity: subject.incident.severity.clone(),
        incident_url: workspace
            .filter(|_| !subject.incident.drafted())
            .map(|workspace| portal_link(workspace, &subject.incident)),
        ticket: pair.ticket.map(|ticket| names::ticket(&installation, pair.halo, ticket)),
        group,
        reference: pair.reference.clone(),
        sync: stands.sync,
        health: stands.health,
        reason: stands.reason,
        back: PairFilter::default().address(),
        created: pair.created,
        changed: pair.changed,
        incident_read,
        ticket_read,
        as_of,
        as_of_problem,
        pauses,
        open,
        choices,
        fields,
        gates,
        queue: operations.iter().filter(|row| row.state.open()).map(&operation).collect(),
        dead: operations
            .iter()
            .filter(|row| matches!(row.state, OperationState::Dead { .. }))
            .map(&operation)
            .collect(),
        dropped: operations.iter().filter_map(|row| dropped(row, &who)).collect(),
        notes,
        timeline,
        older,
    })
}

/// What happened to a pair before an entry, newest first, and the `from=` token of what is older.
pub(super) async fn history(
    app: &App,
    pair: PairId,
    before: Option<Seq>,
) -> Result<(Vec<Item>, Option<String>), ServiceError> {
    let history = app.store.timeline(pair, before, HISTORY_ROWS + 1).await;
    let mut history = history.map_err(|e| fault("read a history", &e))?;
    let more = history.len() > HISTORY_ROWS as usize;
    history.truncate(HISTORY_ROWS as usize);
    let older = history.last().filter(|_| more).map(|item| item.entry.seq.0.to_string());
    Ok((history, older))
}

/// The others that share the ticket; `None` where there are none and nothing is to be said.
fn group(row: &SituationRow) -> Option<GroupView> {
    let group = row.pair.group.as_ref()?;
    let mates = row.mates.iter().filter(|mate| mate.ticket == row.pair.ticket).map(|mate| MateRow {
        pair: mate.pair,
        name: mate.incident.name(),
        severity: mate.incident.severity.clone(),
        status: mate.incident.status.clone(),
    });
    let view = GroupView { why: group.why.clone(), mates: mates.collect() };
    (!view.mates.is_empty() || !view.why.is_empty()).then_some(view)
}

/// When each side was last known to be as shown: when the pair was looked at, or the end of the last poll that ended
/// well, since polls read every change, or the last change itself.
pub(super) fn reads(app: &App, situation: &SituationRow) -> (Option<jiff::Timestamp>, Option<jiff::Timestamp>) {
    let status = app.engine.status();
    let looked = app.engine.looked_at(situation.pair.id);
    let read = |scope| status.scope(scope).and_then(|row| row.last_success).max(looked);
    let incident = read(crate::domain::run::RunScope::Workspace { id: situation.pair.workspace });
    let ticket = read(crate::domain::run::RunScope::Halo { id: situation.pair.halo });
    (
        incident.max(Some(situation.subject.last_changed)),
        situation.ticket.as_ref().and_then(|_| ticket.or(Some(situation.pair.changed))),
    )
}

/// What the planner has to know of the incidents that were merged into a pair's own, as it stands or stood after an entry.
///
/// # Errors
/// The store cannot be read.
pub(super) async fn merged(app: &App, pair: &Pair, then: Option<Seq>) -> Result<Vec<MergedFrom>, ServiceError> {
    // That something was merged into it stands in the others' histories.
    if !pair.merged && then.is_none() {
        return Ok(Vec::new());
    }
    let failed = |e| fault("read a merged incident", &e);
    let mut all = Vec::new();
    for source in app.store.pairs_of_survivor(pair.workspace, &pair.incident).await.map_err(failed)? {
        let row = match then {
            None => app.store.situation(source).await.map_err(failed)?,
            Some(seq) => {
                let Some(source) = app.store.pair(source).await.map_err(failed)? else { continue };
                super::then::situation(app, &source, seq).await?.map(|(row, _)| row)
            }
        };
        let merged = |row: &SituationRow| row.pair.survivor.as_ref() == Some(&pair.incident);
        // Each client's own, as for the engine.
        all.extend(row.filter(|row| merged(row) && row.pair.client == pair.client).map(|row| row.merged_from()));
    }
    Ok(all)
}

/// Calls `f` with what the planner knows of a pair, and of those that were merged into it; `None` while the workspace has
/// been removed.
pub(super) fn with_situation<T>(
    app: &App,
    installation: &Installation,
    catalogue: &Catalogue,
    (row, merged): (&SituationRow, &[MergedFrom]),
    f: impl FnOnce(&Situation<'_>) -> T,
) -> Option<T> {
    let connected = installation.connected(row.pair.workspace)?;
    let halo = names::halo(installation, row.pair.halo);
    let ticket_url = halo.and_then(|halo| halo.ticket_url_base());
    let merge = merge_of(&row.pair);
    let situation = Situation {
        now: app.clock.now(),
        halo_tenant: halo.map_or("", |halo| halo.tenant.as_str()),
        ticket_url: ticket_url.as_deref(),
        workspace: connected.workspace,
        client: connected.client,
        policy: connected.policy,
        catalogue,
        pair: &row.pair,
        incident: &row.subject.incident,
        ticket: row.ticket.as_ref(),
        comments: row.comments.as_deref(),
        actions: row.actions.as_deref(),
        evidence: row.evidence.as_ref(),
        links: &row.links,
        operations: &row.operations,
        merge: &merge,
        merged,
        mates: &row.mates,
        seen: Seen::default(),
        unread: None,
        forgotten: app.engine.forgotten_until(),
    };
    Some(f(&situation))
}

/// What the engine found out about a merge, as the pair's reasons keep it: something else may stand before it.
fn merge_of(pair: &Pair) -> Merge {
    let into = |name: &str, ticket| {
        let incident = pair.survivor.clone().unwrap_or_else(|| pair.incident.clone());
        Merge::Into(Survivor { incident, name: name.to_owned(), pair: None, ticket: Some(ticket), apart: false })
    };
    let found = |reason: &Reason| match reason {
        Reason::SurvivorUnknown { candidates } => Some(Merge::Unknown(candidates.clone())),
        Reason::TicketsMeet { other, name, .. } => Some(into(name, *other)),
        Reason::MergedInto { name } => pair.ticket.map(|ticket| into(name, ticket)),
        _ => None,
    };
    pair.reason.iter().chain(&pair.further).find_map(found).unwrap_or_default()
}

fn dropped(row: &Operation, name: &impl Fn(UserId) -> String) -> Option<DroppedRow> {
    let OperationState::Dropped { who, .. } = &row.state else { return None };
    let who = who.map_or_else(|| "command line".to_owned(), name);
    Some(DroppedRow { operation: operation(row), who })
}

/// An operation as pages show it, with what it writes.
pub fn operation(operation: &Operation) -> OperationView {
    OperationView::of(operation, body(&operation.kind))
}

/// What a write will say, as pages show it.
pub fn body(kind: &OperationKind) -> Option<String> {
    let text = serde_json::to_string_pretty(kind).ok()?;
    Some(if text.chars().count() > BODY_MAX { text.chars().take(BODY_MAX).chain(['…']).collect() } else { text })
}
