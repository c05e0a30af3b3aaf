//! A new incident as facts: linked with its ticket queued, or held with the reason.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        catalogue::Catalogue,
        client::{Client, HaloBinding},
        group::Group,
        ids::{IncidentId, OperationId, PairId},
        incident::{Comment, Evidence, Incident},
        operation::{Operation, OperationKind, OperationState},
        pair::{Base, Health, Pair, SyncState},
        policy::Policy,
        reason::Reason,
        ticket::{Action, HaloUser},
        workspace::Workspace,
    },
    ledger::fact::Fact,
    planner::{agreed, alerts, draft, gate::Passed, groups, requester::Affected},
    store::SituationRow,
};

use super::{
    Engine,
    digest::{needs_somebody, overlay},
    forgotten,
    groups::{Grouping, Joins},
};

/// What was read beside a newcomer.
#[derive(Default)]
pub struct Beside {
    /// Its comments.
    pub comments: Option<Vec<Comment>>,
    /// Its alerts and entities.
    pub evidence: Option<Evidence>,
    /// The user it is about, as Halo knows them.
    pub affected: Option<HaloUser>,
    /// Whether Halo has said of each user whom it names whether they are the client's.
    pub looked_up: bool,
    /// Some of it could not be read: it is asked for again with the next polls.
    pub unread: bool,
    /// Fewer of its alerts or entities show than are to come: they are asked for again some minutes later.
    pub lags: bool,
    /// Until when it gets no ticket: none of the entities that the policy groups by shows yet.
    pub awaits: Option<Timestamp>,
    /// Its comments wait for a place in our own budget, until then at least.
    pub waits: Option<Timestamp>,
}

/// A new (or so far held) incident as facts, as the gates judged it: linked with its ticket queued, or held with
/// the reason.
pub fn newcomer(
    engine: &Engine,
    found: (&Workspace, &Client, &Policy),
    catalogue: Option<&Arc<Catalogue>>,
    passed: Result<Passed, Reason>,
    (incident, place): (Incident, u32),
    beside: Beside,
    grouping: Grouping,
) -> (Vec<Fact>, Option<PairId>) {
    let (workspace, client, policy) = found;
    let now = engine.now();
    let mut facts = Vec::with_capacity(5);
    let id = incident.id.clone();
    let evidence_fact = beside.evidence.clone().map(|evidence| Fact::EvidenceRead {
        workspace: workspace.id,
        incident: id.clone(),
        evidence: Box::new(evidence),
    });
    let held = |incident: Incident, reason: Reason| {
        let mut facts = vec![
            Fact::IncidentRead { workspace: workspace.id, client: client.id, incident: Box::new(incident) },
            Fact::IncidentHeld { workspace: workspace.id, incident: id.clone(), reason: Some(reason) },
        ];
        facts.extend(evidence_fact.clone());
        (facts, None)
    };
    let (passed, catalogue) = match (passed, catalogue) {
        (Ok(passed), Some(catalogue)) => (passed, catalogue),
        (Err(reason), _) => return held(incident, reason),
        // The caller waits for the look-ups; this is only reached when they went away in between.
        (Ok(_), None) => return held(incident, Reason::ClientNotBound),
    };
    let Beside { comments, evidence, affected, looked_up, .. } = beside;
    // Ids rise in the order of the incidents, and so do the tickets: they are made in the order of the pairs' ids.
    let pair_id = PairId(engine.ids.uuid_v7(now + SignedDuration::from_millis(i64::from(place))));
    let alerts = policy.evidence.then(|| evidence.as_ref().map(alerts::ids).unwrap_or_default());
    let group = match grouping {
        Grouping::None => None,
        Grouping::Begins { keys, why } => Some(Group { first: pair_id, keys, why, notes_after: None }),
        Grouping::Joins(joins) => {
            let read = (incident, evidence, comments);
            let joined = joined(pair_id, found, catalogue, &passed, read, *joins, now);
            facts.extend(joined.map(|fact| match fact {
                Fact::PairOpened { pair } => {
                    let base = Base { alerts: alerts.clone(), ..pair.base.clone() };
                    Fact::PairOpened { pair: Box::new(Pair { base, ..*pair }) }
                }
                fact => fact,
            }));
            return (facts, Some(pair_id));
        }
    };
    let mut base = Base { alerts, affected, looked_up, ..agreed::at_creation(&incident) };
    let known = Affected::of(&base);
    let mut drafted = draft::draft(workspace, policy, catalogue, &passed, &incident, evidence.as_ref(), known);
    if let Some(reference) = &passed.reference {
        draft::refer(&mut drafted.draft, reference);
    } else if let Some(before) = passed.after {
        draft::refer(&mut drafted.draft, &draft::reference_after(workspace, &incident, before));
    }
    let reason = drafted.lacking.into_iter().next();
    let health = if reason.is_some() { Health::NeedsYou } else { Health::Waiting };
    needs_somebody(pair_id, health, reason.as_ref());
    agreed::without_holes(&mut base, policy, catalogue, &drafted.draft, &incident);
    let pair = Pair {
        health,
        group,
        reason: reason.or(Some(Reason::NewIncident)),
        ..opened(pair_id, workspace, &passed.binding, id.clone(), drafted.draft.reference.clone(), base, now)
    };
    let operation = Operation {
        id: OperationId(engine.ids.uuid_v7(now)),
        client: client.id,
        pair: pair_id,
        position: 1,
        kind: OperationKind::CreateTicket { draft: drafted.draft, follows: None },
        reason: Reason::NewIncident,
        state: OperationState::Planned { ready: now },
        attempts: 0,
        last_failure: None,
        planned: now,
    };
    facts.push(Fact::IncidentRead { workspace: workspace.id, client: client.id, incident: Box::new(incident) });
    facts.extend(evidence_fact);
    facts.push(Fact::PairOpened { pair: Box::new(pair) });
    if let Some(comments) = comments {
        facts.push(Fact::CommentsRead { pair: pair_id, comments });
    }
    facts.push(Fact::OperationPlanned { operation: Box::new(operation) });
    (facts, Some(pair_id))
}

/// What links an incident that shares the ticket of others. That ticket may not be made yet.
fn joined(
    id: PairId,
    (workspace, client, policy): (&Workspace, &Client, &Policy),
    catalogue: &Catalogue,
    passed: &Passed,
    (incident, evidence, comments): (Incident, Option<Evidence>, Option<Vec<Comment>>),
    joins: Joins,
    now: Timestamp,
) -> impl Iterator<Item = Fact> {
    let Joins { first, name, why, ticket, again } = joins;
    let read = (&incident, evidence.as_ref());
    let (base, reason) = match &ticket {
        Some((ticket, _)) => {
            let base = match again {
                true => forgotten::again(policy, catalogue, read, ticket),
                false => groups::base_of_joined(policy, catalogue, read, ticket),
            };
            (base, Reason::Grouped { why: why.clone() })
        }
        None => (agreed::at_creation(&incident), Reason::GroupWaits { name }),
    };
    let last = |actions: &Vec<Action>| actions.iter().map(|action| action.key).max_by_key(|key| key.action);
    let notes_after = ticket.as_ref().and_then(|(_, actions)| actions.as_ref().and_then(last));
    let (reference, at) = (draft::ticket_reference(workspace, &incident), incident.id.clone());
    let pair = Pair {
        ticket: ticket.as_ref().map(|(ticket, _)| ticket.id),
        reason: Some(reason),
        group: Some(Group { first, keys: Vec::new(), why, notes_after }),
        ..opened(id, workspace, &passed.binding, at.clone(), reference, base, now)
    };
    let (place, whose) = (workspace.id, client.id);
    let (ticket, actions) = ticket.map_or((None, None), |(ticket, actions)| (Some(ticket), actions));
    let facts = [
        Some(Fact::IncidentRead { workspace: place, client: whose, incident: Box::new(incident) }),
        evidence.map(|read| Fact::EvidenceRead { workspace: place, incident: at, evidence: Box::new(read) }),
        Some(Fact::PairOpened { pair: Box::new(pair) }),
        comments.map(|comments| Fact::CommentsRead { pair: id, comments }),
        ticket.map(|ticket| Fact::TicketRead { pair: id, ticket: Box::new(ticket) }),
        actions.map(|actions| Fact::ActionsRead { pair: id, actions }),
    ];
    facts.into_iter().flatten()
}

/// A pair as it begins, before anything is known of its ticket.
pub(super) fn opened(
    id: PairId,
    workspace: &Workspace,
    binding: &HaloBinding,
    incident: IncidentId,
    reference: String,
    base: Base,
    now: Timestamp,
) -> Pair {
    Pair {
        id,
        client: workspace.client,
        workspace: workspace.id,
        incident,
        halo: binding.connection,
        halo_client_id: binding.halo_client_id,
        ticket: None,
        reference,
        base,
        survivor: None,
        merged: false,
        gone: None,
        decisions: Vec::new(),
        group: None,
        sync: SyncState::Behind,
        health: Health::Waiting,
        reason: None,
        further: Vec::new(),
        created: now,
        changed: now,
    }
}

/// The situation that a newcomer's facts make, if they link it.
pub(super) fn begun(facts: &[Fact], now: Timestamp) -> Option<SituationRow> {
    let incident = facts.iter().find_map(|fact| match fact {
        Fact::IncidentRead { incident, .. } => Some(&**incident),
        _ => None,
    })?;
    let pair = facts.iter().find_map(|fact| match fact {
        Fact::PairOpened { pair } => Some(&**pair),
        _ => None,
    })?;
    let mut row = SituationRow::begun(pair.clone(), incident.clone(), now);
    for fact in facts {
        overlay(&mut row, fact);
    }
    Some(row)
}
