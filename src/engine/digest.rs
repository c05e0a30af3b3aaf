//! Observe, plan, commit: one step under the pair's lane, one transaction.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        ids::{OperationId, PairId},
        incident::Incident,
        merge::Merge,
        operation::{Operation, OperationKind, OperationState},
        pair::{Base, Health, PairState},
        raw::Raw,
        reason::Reason,
    },
    ledger::fact::Fact,
    planner::{
        self, Situation,
        observed::{News, Observed, Reading},
        plan::displaced,
        second_writer::Sign,
        situation::Seen,
    },
    store::{SituationRow, StoreError},
};

use super::{
    Engine, elsewhere, emptied, groups,
    known::{self, Known, Said},
    merges::{self, Around},
    registry::View,
    ruled,
    second_writer::{self, Before},
    settle, silenced,
};

/// What is known of a pair's two records.
pub(super) fn observed(row: &SituationRow) -> Observed<'_> {
    Observed {
        incident: &row.subject.incident,
        comments: row.comments.as_deref(),
        evidence: row.evidence.as_ref(),
        ticket: row.ticket.as_ref(),
        actions: row.actions.as_deref(),
        links: &row.links,
        deleted: &row.pair.base.deleted,
    }
}

/// Whether an incident of another version shows nothing new: then its comments were edited, or one was deleted and
/// another written.
pub(super) fn nothing_to_see(row: &SituationRow, incident: &Incident) -> bool {
    // What was read and not as it was written: a list and a single reading may tell the same with other members.
    let bare = |incident: &Incident| Incident { raw: Raw::null(), etag: None, modified: None, ..incident.clone() };
    bare(&row.subject.incident) == bare(incident)
}

/// Records what was read and done, plans the pair anew and queues the plan. Everything or nothing.
///
/// # Errors
/// What the store says; then nothing was recorded.
pub async fn pair(engine: &Engine, id: PairId, done: Vec<Fact>, reading: Reading) -> Result<(), StoreError> {
    known_pair(engine, id, None, done, reading, false).await.map(drop)
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
    mut reading: Reading,
    go_on: bool,
) -> Result<(Option<After>, Vec<PairId>), StoreError> {
    let _lane = engine.lanes.pair(id).await;
    // What was recorded while it was under way may be newer.
    reading.sure &= known.as_ref().is_some_and(|known| !known.moved(engine));
    // What is known of a pair says nothing of what moved at those that share its ticket.
    let alone = |known: &Known| known.row.pair.group.is_none() && !known.moved(engine);
    let found = match known.filter(alone) {
        Some(known) => Some(known),
        None => engine.known(id).await?,
    };
    let Some(Known { seq, row, whole }) = found else { return Ok((None, Vec::new())) };
    engine.kept.forget(id);
    let mut row = Arc::unwrap_or_clone(row);
    let said = Said::of(&row);
    let now = engine.now();
    let anew = reading.anew;
    // What no plan has taken in yet counts as not read.
    let sides = engine.registry.catalogue(row.pair.halo).map(|_| reading.sides()).unwrap_or_default();
    let mut reading = observed(&row).in_time(reading);
    let seen = seen(engine, &row, &reading);
    let mut facts = Vec::new();
    // Nothing that was learnt of a former ticket is agreed on of the one that follows it.
    let another = row.pair.ticket.is_some() && done.iter().any(|fact| matches!(fact, Fact::TicketLinked { .. }));
    let grounds = reading.grounds.take().filter(|_| !another);
    for mut fact in done {
        // What was agreed on when a call set out may be older than what is known by now: nothing that was learnt meanwhile
        // is forgotten over its answer, nor what was written at another client.
        if let Fact::BaseAgreed { base, .. } = &mut fact {
            if let Some(grounds) = &grounds {
                *base = planner::meanwhile::merged(grounds, base, &row.pair.base);
            }
            base.foreign.extend(&row.pair.base.foreign);
            base.deleted.extend(row.pair.base.deleted.iter().cloned());
        }
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
    if let Some(deleted) = reading.deleted.take().filter(|deleted| *deleted != row.pair.base.deleted) {
        let fact = Fact::BaseAgreed { pair: id, base: Base { deleted, ..row.pair.base.clone() } };
        overlay(&mut row, &fact);
        facts.push(fact);
    }
    let comments_read = reading.comments.is_some();
    if comments_read {
        engine.schedule().comments_read(id, now);
    }
    if reading.actions.is_some() {
        engine.schedule().ticket_read(id, row.pair.halo, now);
    }
    let (configured, view) = (engine.store.configured(), engine.registry.view());
    let displaced = view.of_workspace(row.pair.workspace).is_some_and(|(_, client, _)| displaced(client, &row.pair));
    if let Some(fact) = settle::told(engine, &row, &reading) {
        overlay(&mut row, &fact);
        facts.push(fact);
    }
    if let Some(fact) = elsewhere::written(&row, &reading) {
        overlay(&mut row, &fact);
        facts.push(fact);
    }
    elsewhere::withhold(&row, displaced, &mut reading);
    if let Some(fact) = emptied::kept(engine, &row, &mut reading) {
        overlay(&mut row, &fact);
        facts.push(fact);
    }
    let news = observed(&row).news(reading);
    let before = Before::of(engine, &row, &news);
    let shown = row.pair.gone.filter(|side| news.shows(*side));
    let shown = shown.map(|side| Fact::RecordGone { pair: id, side, gone: false });
    for fact in told(&row, news).into_iter().chain(shown) {
        overlay(&mut row, &fact);
        facts.push(fact);
    }
    if let Some(fact) = ruled::kept(engine, &row) {
        overlay(&mut row, &fact);
        facts.push(fact);
    }
    let (around, found) = merges::around(engine, &row).await?;
    if let Some(fact) = found {
        overlay(&mut row, &fact);
        facts.push(fact);
    }
    for fact in groups::follow(engine, &view, &row).await? {
        overlay(&mut row, &fact);
        facts.push(fact);
    }
    let (mut planned, signs) = replan(engine, &view, &row, &around, (seen, anew), before, now);
    if !signs.is_empty() {
        // Before anything of it is recorded: should this fail, the reading comes again and is news still.
        Box::pin(second_writer::heed(engine, &row, signs, None)).await?;
    }
    number(row.next_position, &mut planned);
    for fact in &planned {
        overlay(&mut row, fact);
    }
    facts.extend(planned);
    if facts.is_empty() {
        engine.schedule().records_known(id, &sides);
        if comments_read {
            engine.schedule().comments_known(id);
        }
        engine.kept.keep(Known { seq, row: Arc::new(row), whole });
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
    if row.pair.merged && facts.iter().any(|fact| matches!(fact, Fact::TicketLinked { .. })) {
        // Those that were merged into it have waited for its ticket.
        others.extend(engine.store.pairs_of_survivor(row.pair.workspace, &row.pair.incident).await?);
    }
    let next = if go_on { super::execute::next(engine, &row, now) } else { None };
    if let Some(operation) = &next {
        let sending = super::execute::sending(operation, now);
        overlay(&mut row, &sending);
        facts.push(sending);
    }
    let concerned = groups::concerned(&row, &facts);
    let whole = known::dated(&mut row, said, &facts, now) && whole;
    let seq = engine.record(now, Some(row.pair.client), facts).await?;
    engine.schedule().records_known(id, &sides);
    if comments_read {
        engine.schedule().comments_known(id);
    }
    if !others.is_empty() {
        engine.schedule().looks.extend(others);
    }
    if engine.store.configured() != configured || engine.outdated() {
        // Planned by what is not in force any more: read and planned again before it is carried out.
        engine.schedule().looks.insert(id);
    }
    if let Some(due) = super::execute::head(&row).and_then(due) {
        engine.schedule().pair_due(id, due, now);
    }
    let known = Known { seq, row: Arc::new(row), whole };
    engine.kept.keep(known.clone());
    Ok((Some(After { known, sending: next }), concerned))
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
fn told(row: &SituationRow, news: News) -> Vec<Fact> {
    let pair = row.pair.id;
    let (workspace, client) = (row.subject.workspace, row.subject.client);
    let mut facts = Vec::new();
    facts.extend(news.incident.map(|incident| Fact::IncidentRead { workspace, client, incident: Box::new(incident) }));
    facts.extend(news.comments.map(|comments| Fact::CommentsRead { pair, comments }));
    facts.extend(news.evidence.map(|evidence| {
        let incident = row.subject.incident.id.clone();
        Fact::EvidenceRead { workspace, incident, evidence: Box::new(evidence) }
    }));
    facts.extend(news.ticket.map(|ticket| Fact::TicketRead { pair, ticket: Box::new(ticket) }));
    facts.extend(news.actions.map(|actions| Fact::ActionsRead { pair, actions }));
    facts
}

/// Carries a fact over into the situation in hand, as the projector will into the tables.
pub(crate) fn overlay(row: &mut SituationRow, fact: &Fact) {
    if fact.pair().is_some_and(|pair| pair != row.pair.id) {
        return;
    }
    match fact {
        Fact::IncidentRead { incident, .. } => row.subject.incident = (**incident).clone(),
        Fact::CommentsRead { comments, .. } => row.comments = Some(comments.clone()),
        Fact::EvidenceRead { evidence, .. } => row.evidence = Some((**evidence).clone()),
        Fact::TicketRead { ticket, .. } => row.ticket = Some((**ticket).clone()),
        Fact::ActionsRead { actions, .. } => row.actions = Some(actions.clone()),
        Fact::TicketLinked { ticket, .. } => {
            // Of another ticket than before no notes are known.
            row.actions.take_if(|_| row.pair.ticket != Some(*ticket));
            row.pair.ticket = Some(*ticket);
            row.pair.gone = None;
        }
        Fact::RecordGone { side, gone, .. } => row.pair.gone = gone.then_some(*side),
        Fact::BaseAgreed { base, .. } => row.pair.base = base.clone(),
        Fact::SurvivorFound { survivor, .. } => row.pair.survivor = Some(survivor.clone()),
        Fact::Decided { decision, .. } => row.pair.decisions.push(decision.clone()),
        Fact::NoteLinked { link } => link.clone().keep(&mut row.links),
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
            row.pair.further.clone_from(&state.further);
        }
        _ => {}
    }
}

/// The same of a fact that was recorded at a moment, with the times that it moves.
pub(crate) fn replayed(row: &mut SituationRow, fact: &Fact, at: Timestamp) {
    let said = Said::of(row);
    overlay(row, fact);
    known::dated(row, said, std::slice::from_ref(fact), at);
}

/// Plans a pair, `anew` as if its records had just been linked, and says what that changes; also which signs of a second
/// writer show that were not known `before`.
fn replan(
    engine: &Engine,
    view: &View,
    row: &SituationRow,
    around: &Around,
    (seen, anew): (Seen, bool),
    before: Option<Before>,
    now: Timestamp,
) -> (Vec<Fact>, Vec<Sign>) {
    let off = || (silenced::judged(row), Vec::new());
    let Some((workspace, client, policy)) = view.of_workspace(row.pair.workspace) else { return off() };
    let Some(halo) = view.halo.get(&row.pair.halo) else { return off() };
    // Without look-ups names mean nothing: the plan waits for them.
    let Some(catalogue) = super::registry::wait_for_catalogue(engine, row.pair.halo) else {
        return (Vec::new(), Vec::new());
    };
    let ticket_url = halo.ticket_url_base();
    let unread = super::unread::of(engine, row.pair.id);
    let forgotten = engine.forgotten_until();
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
        unread: unread.as_ref().map(|(side, why)| (*side, why.as_str())),
        forgotten,
    };
    let mut signs = Vec::new();
    if let Some(before) = before {
        signs.extend(planner::second_writer::signs(&situation).into_iter().filter(|sign| before.lacks(sign)));
    }
    let begun = anew.then(|| planner::rebuild::begun(&situation));
    let situation = match &begun {
        Some(begun) => begun.situation(&situation),
        None => situation,
    };
    let mut plan = planner::plan(&situation);
    let pair = &row.pair;
    let mut facts = Vec::new();
    if let Some(begun) = &begun {
        facts.extend(begun.learnt.iter().map(|link| Fact::NoteLinked { link: link.clone() }));
        plan.void.splice(..0, begun.void.iter().cloned());
        plan.base.get_or_insert_with(|| begun.pair.base.clone());
    }
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
        facts.extend(drafted_anew(row, &planned.kind));
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
    let before =
        PairState { sync: pair.sync, health: pair.health, reason: pair.reason.clone(), further: pair.further.clone() };
    if before != plan.state {
        needs_somebody(pair.id, plan.state.health, plan.state.reason.as_ref());
        facts.push(Fact::PairJudged { pair: pair.id, state: plan.state });
    }
    (facts, signs)
}

/// What is known of an incident that is still to be made is what it will say.
fn drafted_anew(row: &SituationRow, kind: &OperationKind) -> Option<Fact> {
    let OperationKind::CreateIncident { incident } = kind else { return None };
    let (workspace, client) = (row.subject.workspace, row.subject.client);
    let fact = || Fact::IncidentRead { workspace, client, incident: incident.clone() };
    (**incident != row.subject.incident).then(fact)
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
