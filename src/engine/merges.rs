//! Merges in Defender, as far as reading goes: into which incident one was merged, and what the planner has to know
//! of the others. What follows from it is `planner::merges`' affair.

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        failure::Failure,
        ids::{IncidentId, PairId, WorkspaceId},
        incident::{Evidence, Incident},
        merge::{Candidate, Merge, MergedFrom, Survivor},
        pair::{Base, Health, Pair, SyncState},
        reason::Reason,
    },
    ledger::fact::Fact,
    outbound::budget::Class,
    planner::{draft, link, merges},
    sentinel::{Incidents, Place},
    store::{SituationRow, StoreError},
};

use super::{Engine, known::Known, registry::View};

/// Defender changes both incidents of a merge within this long.
const TOGETHER: SignedDuration = SignedDuration::from_mins(10);
/// Incidents offered to a person, or whose alerts are compared.
const CANDIDATES_MAX: u32 = 8;

/// What the planner has to know of other incidents.
#[derive(Default)]
pub(super) struct Around {
    /// What became of the incident.
    pub merge: Merge,
    /// The one that is left.
    pub survivor: Option<Incident>,
    /// Those merged into it.
    pub merged: Vec<MergedFrom>,
}

/// Looks around a pair, in the store alone. Gives the fact that the survivor is known now, if it was not before.
pub(super) async fn around(engine: &Engine, row: &SituationRow) -> Result<(Around, Option<Fact>), StoreError> {
    let mut around = Around::default();
    if row.pair.merged {
        around.merged = merged(engine, &row.pair).await?;
    }
    let incident = &row.subject.incident;
    if !incident.redirected() || row.pair.ticket.is_none() {
        return Ok((around, None));
    }
    let workspace = row.pair.workspace;
    let told = merges::told_number(incident);
    let decided = merges::decided(&row.pair.decisions);
    let found = match (decided, &row.pair.survivor, told) {
        (Some(decided), ..) => Some(decided),
        (None, Some(known), _) => Some(known.clone()),
        (None, None, Some(number)) => engine.store.incident_of_number(workspace, number).await?,
        (None, None, None) => None,
    };
    let found = found.filter(|id| *id != row.pair.incident);
    let subject = match &found {
        Some(id) => engine.store.subject(workspace, id).await?,
        None => None,
    };
    let Some((id, subject)) = found.zip(subject) else {
        around.merge = match told {
            Some(number) => Merge::NotSeen(number),
            None => Merge::Unknown(candidates(engine, row).await?),
        };
        return Ok((around, None));
    };
    let pair = engine.store.pair_of_incident(workspace, &id).await?;
    let from = link::unlinked_from(subject.held.as_ref()).flatten();
    let apart = pair.is_none() && from.is_some() && from == row.pair.ticket;
    around.merge = Merge::Into(Survivor { apart, ..merges::survivor_of(&subject.incident, pair.as_ref()) });
    around.survivor = Some(subject.incident);
    let fact = Fact::SurvivorFound { pair: row.pair.id, survivor: id.clone() };
    Ok((around, (row.pair.survivor.as_ref() != Some(&id)).then_some(fact)))
}

async fn merged(engine: &Engine, pair: &Pair) -> Result<Vec<MergedFrom>, StoreError> {
    let mut all = Vec::new();
    for source in engine.store.pairs_of_survivor(pair.workspace, &pair.incident).await? {
        let Some(Known { row, .. }) = engine.known(source).await? else { continue };
        // Each client's own: a workspace belongs to one client, and this says so once more.
        if row.pair.client != pair.client {
            continue;
        }
        all.push(row.merged_from());
    }
    Ok(all)
}

/// When an incident shows: its number and when it was changed.
pub(super) type Shown = (Option<i64>, Option<Timestamp>);

/// Incidents that show for the first time may be those that merged ones went into, whose pairs are looked at again:
/// nothing of their own moves for it.
pub(super) async fn look_for(engine: &Engine, workspace: WorkspaceId, shown: &[Shown]) -> Result<(), StoreError> {
    if shown.is_empty() {
        return Ok(());
    }
    let mut looks = Vec::new();
    for pair in engine.store.pairs_without_survivor(workspace).await? {
        let Some(Known { row, .. }) = engine.known(pair).await? else { continue };
        let merged = &row.subject.incident;
        let may_be = |(number, modified): &Shown| match (merges::told_number(merged), merged.modified, modified) {
            (Some(told), ..) => *number == Some(told),
            (None, Some(at), Some(modified)) => (at - TOGETHER..=at + TOGETHER).contains(modified),
            (None, ..) => false,
        };
        if merged.redirected() && shown.iter().any(may_be) {
            looks.push(pair);
        }
    }
    engine.schedule().looks.extend(looks);
    Ok(())
}

async fn candidates(engine: &Engine, row: &SituationRow) -> Result<Vec<Candidate>, StoreError> {
    let mut found = Vec::new();
    for id in near(engine, row, row.subject.incident.modified).await? {
        let Some(subject) = engine.store.subject(row.pair.workspace, &id).await? else { continue };
        found.push(Candidate { incident: id, name: subject.incident.name() });
    }
    Ok(found)
}

async fn near(
    engine: &Engine,
    row: &SituationRow,
    merged_at: Option<Timestamp>,
) -> Result<Vec<IncidentId>, StoreError> {
    let Some(at) = merged_at else { return Ok(Vec::new()) };
    let span = (at - TOGETHER, at + TOGETHER);
    let mut ids = engine.store.changed_between(row.pair.workspace, span, CANDIDATES_MAX).await?;
    ids.retain(|id| *id != row.pair.incident);
    Ok(ids)
}

/// Whether nothing but alerts can tell into which incident this one was merged.
pub(super) fn survivor_wanted(row: &SituationRow, incident: &Incident) -> bool {
    incident.redirected() && row.pair.survivor.is_none() && merges::told_number(incident).is_none()
}

/// The survivor by a shared alert: the merged incident's alerts were read before the merge, when they moved.
/// `None` when none or several have one.
///
/// # Errors
/// The inner one: a reading that failed and may go well later, so that nothing is known yet.
pub(super) async fn by_alerts(
    engine: &Engine,
    row: &SituationRow,
    merged_at: Option<Timestamp>,
    sentinel: &dyn Incidents,
    at: &Place,
) -> Result<Result<Option<IncidentId>, Failure>, StoreError> {
    let Some(before) = row.evidence.as_ref().filter(|evidence| !evidence.alerts.is_empty()) else {
        return Ok(Ok(None));
    };
    let mut sharing = Vec::new();
    for id in near(engine, row, merged_at).await? {
        let read: Result<Evidence, _> = sentinel.evidence(at, &id, Class::Reconcile).await;
        match read {
            Ok(evidence) if merges::share_an_alert(before, &evidence) => sharing.push(id),
            Ok(_) => {}
            Err(failure) if failure.retryable() => return Ok(Err(failure)),
            // One that is gone, or that will not be told, is none; the others are looked at all the same.
            Err(failure) => {
                tracing::warn!(incident.id = %id, error = %failure, "alerts could not be compared after a merge");
            }
        }
    }
    let only = sharing.pop();
    Ok(Ok(only.filter(|_| sharing.is_empty())))
}

/// The facts by which the ticket of a merged incident goes on with the one that is left.
pub(super) fn follow(
    engine: &Engine,
    view: &View,
    row: &SituationRow,
    survivor: &Incident,
    base: Base,
    now: Timestamp,
) -> Vec<Fact> {
    let Some((workspace, ..)) = view.of_workspace(row.pair.workspace) else { return Vec::new() };
    let id = PairId(engine.ids.uuid_v7(now));
    let pair = Pair {
        id,
        incident: survivor.id.clone(),
        reference: draft::ticket_reference(workspace, survivor),
        base,
        survivor: None,
        merged: true,
        decisions: Vec::new(),
        sync: SyncState::Behind,
        health: Health::Waiting,
        reason: Some(Reason::Merged),
        created: now,
        changed: now,
        ..row.pair.clone()
    };
    let mut facts = vec![Fact::PairOpened { pair: Box::new(pair) }];
    if let Some(ticket) = &row.ticket {
        facts.push(Fact::TicketRead { pair: id, ticket: Box::new(ticket.clone()) });
    }
    if let Some(actions) = &row.actions {
        facts.push(Fact::ActionsRead { pair: id, actions: actions.clone() });
    }
    facts
}
