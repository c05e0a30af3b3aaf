//! Observe, plan, commit: one step under the pair's lane, one transaction.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        failure::Side,
        ids::{OperationId, PairId},
        incident::{Comment, Evidence, Incident},
        merge::Merge,
        operation::{Operation, OperationState},
        pair::{Health, NoteLink, PairState},
        reason::Reason,
        ticket::{Action, Ticket},
    },
    ledger::{entry::Seq, fact::Fact},
    planner::{self, Situation, situation::Seen},
    store::{SituationRow, StoreError},
};

use super::{
    Engine, elsewhere, groups,
    merges::{self, Around},
    overtaken::{in_time, older},
    registry::View,
};

/// What was newly read of a pair. `None` = not read now.
#[derive(Default)]
pub struct Reading {
    /// The incident.
    pub incident: Option<Incident>,
    /// All its comments.
    pub comments: Option<Vec<Comment>>,
    /// Its alerts and entities.
    pub evidence: Option<Evidence>,
    /// The ticket.
    pub ticket: Option<Ticket>,
    /// All its actions, oldest first.
    pub actions: Option<Vec<Action>>,
    /// A note that we have just written: it joins those known when this is recorded, which may be more than were known
    /// when it was sent.
    pub own_action: Option<Action>,
    /// The same of a comment.
    pub own_comment: Option<Comment>,
    /// Something may have been written on the ticket since its notes were last read, and they were not read with it.
    pub unread: bool,
}

/// Whether a ticket has moved since it was last recorded: then somebody may have written on it what we have not read.
pub(super) fn moved_since(known: Option<&Ticket>, current: &Ticket) -> bool {
    let later = |new: Option<Timestamp>, old: Option<Timestamp>| new.is_some() && (old.is_none() || older(old, new));
    known.is_none_or(|known| {
        later(current.last_update, known.last_update) || later(current.last_action, known.last_action)
    })
}

/// Whether the incident has another number of comments than we know to stand there: those read last, and those
/// written by us since. A link alone is no comment: people delete what they wrote.
pub(super) fn comments_moved(row: &SituationRow, incident: &Incident) -> bool {
    let own = row.links.iter().filter(|link| link.written_in == Side::Halo).map(|link| &link.comment);
    let known: BTreeSet<_> = row.comments.iter().flatten().map(|comment| &comment.id).chain(own).collect();
    i64::try_from(known.len()).unwrap_or(i64::MAX) != incident.comments_count
}

/// Whether an incident of another version shows nothing new: then its comments were edited, or one was deleted and
/// another written.
pub(super) fn nothing_to_see(row: &SituationRow, incident: &Incident) -> bool {
    let bare = |incident: &Incident| {
        let mut raw = incident.raw.clone();
        if let Some(root) = raw.as_object_mut() {
            root.remove("etag");
        }
        if let Some(properties) = raw.get_mut("properties").and_then(|p| p.as_object_mut()) {
            properties.remove("lastModifiedTimeUtc");
        }
        raw
    };
    bare(&row.subject.incident) == bare(incident)
}

/// Records what was read and done, plans the pair anew and queues the plan. Everything or nothing.
///
/// # Errors
/// What the store says; then nothing was recorded.
pub async fn pair(engine: &Engine, id: PairId, done: Vec<Fact>, reading: Reading) -> Result<(), StoreError> {
    known_pair(engine, id, None, done, reading, false).await.map(drop)
}

/// A pair as it stands after this entry of the ledger.
pub(super) struct Known {
    pub seq: Seq,
    pub row: SituationRow,
}

impl Known {
    /// Whether something may have been recorded of it since.
    pub(super) fn moved(&self, engine: &Engine) -> bool {
        engine.store.moved_since(self.seq, self.row.pair.id, &self.row.pair.incident)
    }
}

/// What a step leaves behind.
pub(super) struct After {
    pub known: Known,
    /// What is recorded as being sent, and is to be sent now.
    pub sending: Option<Operation>,
}

/// As [`pair`]. What is known of it needs no reading again if nothing was recorded since. With `go_on` the next
/// write, if its turn has come, is recorded as being sent in the same breath.
pub(super) async fn known_pair(
    engine: &Engine,
    id: PairId,
    known: Option<Known>,
    done: Vec<Fact>,
    reading: Reading,
    go_on: bool,
) -> Result<Option<After>, StoreError> {
    let (after, concerned) = step(engine, id, known, done, reading, go_on).await?;
    // Those that share its ticket, one after the other and never two lanes at once. What could not be recorded is
    // looked at again: nothing else would ask for it.
    let mut concerned = concerned.into_iter();
    while let Some(mate) = concerned.next() {
        if let Err(error) = Box::pin(pair(engine, mate, Vec::new(), Reading::default())).await {
            engine.schedule().looks.extend(std::iter::once(mate).chain(concerned));
            return Err(error);
        }
    }
    Ok(after)
}

async fn step(
    engine: &Engine,
    id: PairId,
    known: Option<Known>,
    done: Vec<Fact>,
    reading: Reading,
    go_on: bool,
) -> Result<(Option<After>, Vec<PairId>), StoreError> {
    let _lane = engine.lanes.pair(id).await;
    // What is known of a pair says nothing of what moved at those that share its ticket.
    let alone = |known: &Known| known.row.pair.group.is_none() && !known.moved(engine);
    let found = match known.filter(alone) {
        Some(known) => Some(known.row),
        None => engine.store.situation(id).await?,
    };
    let Some(mut row) = found else { return Ok((None, Vec::new())) };
    let now = engine.now();
    let reading = in_time(&row, reading);
    let seen = seen(engine, &row, &reading);
    let mut facts = Vec::new();
    for fact in done {
        let told = match &fact {
            Fact::OperationMoved { operation, state: OperationState::Done { .. }, .. } => {
                planner::alerts::after(&row.operations, *operation, &row.pair.base)
            }
            _ => None,
        };
        overlay(&mut row, &fact);
        facts.push(fact);
        if let Some(base) = told {
            let fact = Fact::BaseAgreed { pair: id, base };
            overlay(&mut row, &fact);
            facts.push(fact);
        }
    }
    let comments_read = reading.comments.is_some();
    for fact in news(&row, reading) {
        overlay(&mut row, &fact);
        facts.push(fact);
    }
    // A record that shows something new is there, whatever was said before: a stale answer says that a young one is not.
    let shown = |fact: &Fact| match fact {
        Fact::IncidentRead { .. } => row.pair.gone == Some(Side::Sentinel),
        Fact::TicketRead { ticket, .. } => row.pair.gone == Some(Side::Halo) && !ticket.deleted,
        _ => false,
    };
    if let Some(side) = row.pair.gone.filter(|_| facts.iter().any(shown)) {
        let fact = Fact::RecordGone { pair: id, side, gone: false };
        overlay(&mut row, &fact);
        facts.push(fact);
    }
    let (around, found) = merges::around(engine, &row).await?;
    if let Some(fact) = found {
        overlay(&mut row, &fact);
        facts.push(fact);
    }
    let view = engine.registry.view();
    for fact in groups::follow(engine, &view, &row).await? {
        overlay(&mut row, &fact);
        facts.push(fact);
    }
    let mut planned = replan(engine, &view, &row, &around, seen, now);
    number(row.next_position, &mut planned);
    for fact in &planned {
        overlay(&mut row, fact);
    }
    facts.extend(planned);
    if facts.is_empty() {
        if comments_read {
            engine.schedule().comments_known(id);
        }
        return Ok((None, Vec::new()));
    }
    // A merge concerns two pairs: the other one is looked at next.
    let mut others: Vec<PairId> = Vec::new();
    for fact in &facts {
        match fact {
            Fact::SurvivorFound { .. } => {
                if let Merge::Into(survivor) = &around.merge {
                    others.extend(survivor.pair);
                }
            }
            Fact::PairOpened { pair } => others.push(pair.id),
            _ => {}
        }
    }
    let next = if go_on { super::execute::next(engine, &row, now) } else { None };
    if let Some(operation) = &next {
        let sending = super::execute::sending(operation, now);
        overlay(&mut row, &sending);
        facts.push(sending);
    }
    let concerned = groups::concerned(&row, &facts);
    let seq = engine.record(now, Some(row.pair.client), facts).await?;
    if comments_read {
        engine.schedule().comments_known(id);
    }
    if !others.is_empty() {
        engine.schedule().looks.extend(others);
    }
    if let Some(due) = super::execute::head(&row).and_then(due) {
        engine.schedule().pair_due(id, due, now);
    }
    Ok((Some(After { known: Known { seq, row }, sending: next }), concerned))
}

/// A change of an incident may show in the list this much later (sentinel-api sheet, section 8: ten minutes, and some).
const SHOWS_LATE: SignedDuration = SignedDuration::from_mins(15);

/// Up to when each side is known to have said what it said before this reading: the version known so far, or the last
/// reading of everything that ended well, allowing for records that show late.
fn seen(engine: &Engine, row: &SituationRow, reading: &Reading) -> Seen {
    let schedule = engine.schedule();
    let well = |standing: Option<&super::schedule::Standing>, late: SignedDuration| {
        standing.and_then(|standing| standing.last_success).map(|at| at - late)
    };
    let sentinel = well(schedule.workspaces.get(&row.pair.workspace), SHOWS_LATE);
    let halo = well(schedule.instances.get(&row.pair.halo), super::halo::OVERLAP);
    Seen {
        sentinel: reading.incident.is_some().then(|| row.subject.incident.modified.max(sentinel)).flatten(),
        halo: reading.ticket.as_ref().and_then(|_| row.ticket.as_ref()?.last_update.max(halo)),
    }
}

/// When an operation's turn may come. One under way says so itself when it ends.
fn due(operation: &Operation) -> Option<Timestamp> {
    match operation.state {
        OperationState::Planned { ready } => Some(ready),
        OperationState::OutcomeUnknown { look, .. } => Some(look),
        _ => None,
    }
}

/// Gives planned operations their places at the end of the queue.
fn number(mut next: i64, facts: &mut [Fact]) {
    for fact in facts {
        if let Fact::OperationPlanned { operation } = fact {
            operation.position = next;
            next += 1;
        }
    }
}

/// What differs from what is known, as facts.
fn news(row: &SituationRow, reading: Reading) -> Vec<Fact> {
    let pair = row.pair.id;
    let mut facts: Vec<Fact> = elsewhere::written(row, &reading).into_iter().collect();
    if let Some(incident) = reading.incident {
        let known = &row.subject.incident;
        if incident.raw != known.raw || incident.etag != known.etag {
            let (workspace, client) = (row.subject.workspace, row.subject.client);
            facts.push(Fact::IncidentRead { workspace, client, incident: Box::new(incident) });
        }
    }
    let own = reading.own_comment.zip(row.comments.clone()).map(|(own, mut known)| {
        if known.iter().all(|comment| comment.id != own.id) {
            known.push(own);
        }
        known
    });
    if let Some(comments) = reading.comments.or(own)
        && row.comments.as_ref() != Some(&comments)
    {
        facts.push(Fact::CommentsRead { pair, comments });
    }
    if let Some(evidence) = reading.evidence.filter(|read| row.evidence.as_ref() != Some(read)) {
        let (workspace, incident) = (row.subject.workspace, row.subject.incident.id.clone());
        facts.push(Fact::EvidenceRead { workspace, incident, evidence: Box::new(evidence) });
    }
    let own = reading.own_action.zip(row.actions.clone());
    let (ticket, own) = match own {
        Some((own, known)) if known.iter().all(|action| action.key != own.key) => joined(row, own, known),
        _ => (None, None),
    };
    if let Some(mut ticket) = reading.ticket.or(ticket) {
        // The next row then tells of something new, and the notes are read: also in the life of another process.
        if reading.unread && reading.actions.is_none() {
            ticket.last_action = None;
        }
        let times = |ticket: &Ticket| (ticket.last_update, ticket.last_action);
        let differs = |known: &Ticket| known.raw != ticket.raw || times(known) != times(&ticket);
        if row.ticket.as_ref().is_none_or(differs) {
            facts.push(Fact::TicketRead { pair, ticket: Box::new(merged(row.ticket.as_ref(), ticket)) });
        }
    }
    if let Some(actions) = reading.actions.or(own)
        && row.actions.as_ref() != Some(&actions)
    {
        facts.push(Fact::ActionsRead { pair, actions });
    }
    facts
}

/// A ticket's notes with one of ours that was just written, and the ticket itself where nothing came in between: then it
/// is the newest action there, and there is nothing to read again.
fn joined(row: &SituationRow, own: Action, mut known: Vec<Action>) -> (Option<Ticket>, Option<Vec<Action>>) {
    let highest = known.iter().map(|action| action.key.action).max().unwrap_or(0);
    let ticket = match (&row.ticket, own.at) {
        (Some(ticket), Some(at)) if own.key.action == highest + 1 => {
            let last_update = ticket.last_update.max(Some(at));
            Some(Ticket { last_action: Some(at), last_update, ..ticket.clone() })
        }
        _ => None,
    };
    known.push(own);
    known.sort_by_key(|action| action.key.action);
    (ticket, Some(known))
}

/// A list row lacks custom fields and closing note: those of the last reading by id stay until the next one.
fn merged(known: Option<&Ticket>, mut new: Ticket) -> Ticket {
    if let Some(known) = known {
        if new.custom_fields.is_empty() {
            new.custom_fields.clone_from(&known.custom_fields);
        }
        if new.closure_note.is_none() {
            new.closure_note.clone_from(&known.closure_note);
        }
    }
    new
}

/// Carries a fact over into the situation in hand, as the projector will into the tables.
pub(crate) fn overlay(row: &mut SituationRow, fact: &Fact) {
    match fact {
        Fact::IncidentRead { incident, .. } => row.subject.incident = (**incident).clone(),
        Fact::CommentsRead { comments, .. } => row.comments = Some(comments.clone()),
        Fact::EvidenceRead { evidence, .. } => row.evidence = Some((**evidence).clone()),
        Fact::TicketRead { ticket, .. } => row.ticket = Some((**ticket).clone()),
        Fact::ActionsRead { actions, .. } => row.actions = Some(actions.clone()),
        Fact::TicketLinked { ticket, .. } => {
            row.pair.ticket = Some(*ticket);
            row.pair.gone = None;
        }
        Fact::RecordGone { side, gone, .. } => row.pair.gone = gone.then_some(*side),
        Fact::BaseAgreed { base, .. } => row.pair.base = base.clone(),
        Fact::SurvivorFound { survivor, .. } => row.pair.survivor = Some(survivor.clone()),
        Fact::Decided { decision, .. } => row.pair.decisions.push(decision.clone()),
        Fact::NoteLinked { link } => link_kept(&mut row.links, link),
        Fact::OperationMoved { operation, state, attempts, failure, .. } => {
            if let Some(found) = row.operations.iter_mut().find(|o| o.id == *operation) {
                found.state = state.clone();
                found.attempts = *attempts;
                found.last_failure.clone_from(failure);
            }
            row.operations.retain(|o| o.state.stands());
        }
        Fact::OperationPlanned { operation } => {
            row.next_position = row.next_position.max(operation.position + 1);
            row.operations.push((**operation).clone());
        }
        Fact::PairJudged { state, .. } => {
            row.pair.sync = state.sync;
            row.pair.health = state.health;
            row.pair.reason.clone_from(&state.reason);
        }
        _ => {}
    }
}

/// A link in its place; one that is there already may learn what was said.
fn link_kept(links: &mut Vec<NoteLink>, link: &NoteLink) {
    let key = |link: &NoteLink| (link.action.ticket, link.action.action, link.edit, link.part, link.comment.clone());
    match links.binary_search_by_key(&key(link), key) {
        Ok(at) => {
            if let (Some(known), Some(said)) = (links.get_mut(at), &link.said) {
                known.said = Some(said.clone());
            }
        }
        Err(at) => links.insert(at, link.clone()),
    }
}

/// Plans a pair and says what that changes.
fn replan(engine: &Engine, view: &View, row: &SituationRow, around: &Around, seen: Seen, now: Timestamp) -> Vec<Fact> {
    let Some((workspace, client, policy)) = view.of_workspace(row.pair.workspace) else { return Vec::new() };
    let Some(halo) = view.halo.get(&row.pair.halo) else { return Vec::new() };
    // Without look-ups names mean nothing: the plan waits for them.
    let Some(catalogue) = super::registry::wait_for_catalogue(engine, row.pair.halo) else { return Vec::new() };
    let ticket_url = halo.ticket_url_base();
    let situation = Situation {
        now,
        halo_tenant: &halo.tenant,
        ticket_url: ticket_url.as_deref(),
        workspace,
        client,
        policy,
        catalogue: &catalogue,
        pair: &row.pair,
        incident: &row.subject.incident,
        ticket: row.ticket.as_ref(),
        comments: row.comments.as_deref(),
        actions: row.actions.as_deref(),
        evidence: row.evidence.as_ref(),
        links: &row.links,
        operations: &row.operations,
        merge: &around.merge,
        merged: &around.merged,
        mates: &row.mates,
        seen,
    };
    let plan = planner::plan(&situation);
    let pair = &row.pair;
    let mut facts = Vec::new();
    let drift = |drift| Fact::DriftFound { pair: pair.id, drift };
    facts.extend(planner::drift::found(&situation, &plan).into_iter().map(drift));
    for (operation, why) in plan.void {
        let attempts = row.operations.iter().find(|o| o.id == operation).map_or(0, |o| o.attempts);
        let state = OperationState::Void { at: now, why };
        facts.push(Fact::OperationMoved { operation, pair: pair.id, state, attempts, failure: None });
    }
    facts.extend(plan.links.into_iter().map(|link| Fact::NoteLinked { link }));
    if let Some(base) = plan.base {
        facts.push(Fact::BaseAgreed { pair: pair.id, base });
    }
    for planned in plan.operations {
        let operation = Operation {
            id: OperationId(engine.ids.uuid_v7(now)),
            client: pair.client,
            pair: pair.id,
            position: 0,
            kind: planned.kind,
            reason: planned.reason,
            state: OperationState::Planned { ready: now },
            attempts: 0,
            last_failure: None,
            planned: now,
        };
        facts.push(Fact::OperationPlanned { operation: Box::new(operation) });
    }
    if let (Some(_), Some(survivor), Some(ticket)) = (&plan.follow, &around.survivor, &row.ticket) {
        let base = planner::merges::base_of_survivor(&situation, ticket, survivor);
        facts.extend(merges::follow(engine, view, row, survivor, base, now));
    }
    let before = PairState { sync: pair.sync, health: pair.health, reason: pair.reason.clone() };
    if before != plan.state {
        needs_somebody(pair.id, plan.state.health, plan.state.reason.as_ref());
        facts.push(Fact::PairJudged { pair: pair.id, state: plan.state });
    }
    facts
}

/// What asks for a person stands in the log too, for those who watch that.
pub(super) fn needs_somebody(pair: PairId, health: Health, reason: Option<&Reason>) {
    if let (Health::NeedsYou, Some(reason)) = (health, reason) {
        let remedy = reason.remedy().unwrap_or_default();
        let words = reason.words();
        let words = words.trim_end_matches('.');
        tracing::warn!(pair.id = %pair, reason = reason.code(), "a pair needs somebody: {words}. {remedy}");
    }
}
