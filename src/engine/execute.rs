//! Carrying out a pair's queue: one operation at a time, in order; each is durable before it is sent and
//! its answer is recorded, with the plan that follows from it, before the next one begins.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        ids::{ClientId, PairId},
        operation::{Operation, OperationKind, OperationResult, OperationState},
        reason::Reason,
        ticket::NoteDraft,
    },
    ledger::fact::Fact,
    planner::{observed::Reading, retry},
    store::{SituationRow, StoreError},
};

use super::{
    Engine, Unit, answers, back,
    digest::{self, After},
    forth, homeless,
    known::Known,
    lanes::{CreatePlace, NewcomersLane},
    newcomer, newer, pauses, push, put_back,
    queue::Gate,
    recall,
    registry::salt,
    schedule, settle, stop,
    taken_back::{self, carried},
    unrecorded::{self, Unrecorded},
};

/// Operations carried out in one go; a longer queue is gone on with at the next turn.
const TURN_MAX: usize = 50;

/// Waiting for the lane for longer than this, a creation is recorded as being sent anew.
const WAITED_LONG: SignedDuration = SignedDuration::from_secs(1);

/// What an attempt came to.
#[derive(Clone)]
pub(super) enum Attempt {
    /// Carried out: what was made, and what the answer tells of either side.
    Done(OperationResult, Vec<Fact>, Box<Reading>),
    /// Not needed in this form any more: plan anew from this reading.
    Stale(String, Box<Reading>),
    /// Refused in a way that the plan knows from these facts on: not written again in this form, and no dead letter.
    Withdrawn(String, Vec<Fact>, Box<Reading>),
    /// Failed.
    Failed(Failure),
    /// It never left, for nothing is written any more: planned as before.
    Held,
    /// A person has to decide. With what the answer tells of either side.
    Refused(Reason, Vec<Fact>, Box<Reading>),
}

impl Attempt {
    fn done(result: OperationResult) -> Self {
        Self::Done(result, Vec::new(), Box::default())
    }
}

/// Carries out what is ready in a pair's queue.
pub(super) async fn run(engine: &Engine, pair: PairId) -> Result<(), StoreError> {
    let (mut after, mut place, configured) = (None::<After>, None, engine.store.configured());
    for turn in 1..=TURN_MAX {
        let go_on = turn < TURN_MAX;
        let known = match after.take() {
            Some(After { known, sending: Some(operation) }) => {
                after = Box::pin(sent(engine, known, &operation, go_on, None)).await?;
                if more(engine, pair, after.as_ref()) {
                    continue;
                }
                return Ok(());
            }
            Some(After { known, sending: None }) if !known.moved(engine) => known,
            _ => match engine.known(pair).await? {
                Some(known) => known,
                None => return Ok(()),
            },
        };
        if let Some(sending) = head(&known.row).filter(|head| matches!(head.state, OperationState::Sending { .. })) {
            unrecorded::settle(engine, sending).await?;
            if more(engine, pair, None) {
                continue;
            }
            return Ok(());
        }
        let again = schedule::put_right(engine, &known).await? || answers::try_now(engine, &known).await?;
        if again || newer::came(engine, pair, configured) || engine.only_reads() {
            return Ok(());
        }
        let now = engine.now();
        let Some(operation) = head(&known.row).cloned() else { return Ok(()) };
        let (row, operation) = (&known.row, &operation);
        match &operation.state {
            OperationState::Planned { ready } if *ready <= now && homeless::is(engine, row) => {
                return homeless::begin_anew(engine, &known).await;
            }
            _ if engine.paused(&row.pair) => return Ok(()),
            OperationState::Planned { ready } if *ready <= now && !carried(engine, row, operation) => {
                taken_back::run(engine, row, operation).await?;
            }
            OperationState::Planned { ready } if *ready <= now && recall::wanted(engine, row, operation) => {
                return Box::pin(recall::read(engine, row, operation)).await;
            }
            OperationState::Planned { ready } if *ready <= now => {
                if engine.has_to_wait(row, operation) || !engine.placed(row, operation, &mut place) {
                    return Ok(());
                }
                after = Box::pin(attempt(engine, known, operation, go_on)).await?;
            }
            OperationState::OutcomeUnknown { look, .. } if *look <= now => settle::run(engine, row, operation).await?,
            _ => return Ok(()),
        }
        if !more(engine, pair, after.as_ref()) {
            return Ok(());
        }
    }
    engine.schedule().pairs.insert(pair);
    Ok(())
}

/// Whether more is ready: what was recorded says so.
fn more(engine: &Engine, pair: PairId, after: Option<&After>) -> bool {
    after.is_some_and(|after| after.sending.is_some()) || engine.schedule().pairs.remove(&pair)
}

/// What may be sent now, in one breath with what was just recorded. A creation waits for its lane first.
pub(super) fn next(engine: &Engine, row: &SituationRow, now: Timestamp) -> Option<Operation> {
    let operation = head(row)?;
    let ready = matches!(operation.state, OperationState::Planned { ready } if ready <= now);
    let waits = operation.kind.makes_ticket() || recall::wanted(engine, row, operation);
    let held = waits || engine.only_reads() || engine.paused(&row.pair) || engine.outdated();
    let goes = ready && !held && carried(engine, row, operation) && engine.has_room(row, operation);
    goes.then(|| operation.clone())
}

/// The operation whose turn it is. Nothing else of a pair is sent before its ticket exists, nor before its incident does.
pub(super) fn head(row: &SituationRow) -> Option<&Operation> {
    let first = row.operations.iter().find(|operation| operation.state.open())?;
    let over = |makes: fn(&OperationKind) -> bool| row.operations.iter().any(|o| makes(&o.kind) && !o.state.open());
    let given_up = row.pair.ticket.is_none() && over(OperationKind::makes_ticket)
        || row.subject.incident.drafted() && over(OperationKind::makes_incident);
    (!given_up).then_some(first)
}

/// Records how an operation moved, with what was read meanwhile, and plans anew.
pub(super) async fn moved(
    engine: &Engine,
    operation: &Operation,
    state: OperationState,
    attempts: u32,
    failure: Option<Failure>,
    reading: Reading,
) -> Result<(), StoreError> {
    let fact = Fact::OperationMoved { operation: operation.id, pair: operation.pair, state, attempts, failure };
    digest::pair(engine, operation.pair, vec![fact], reading).await
}

async fn attempt(
    engine: &Engine,
    mut known: Known,
    operation: &Operation,
    go_on: bool,
) -> Result<Option<After>, StoreError> {
    let creating = operation.kind.makes_ticket();
    let halo = known.row.pair.halo;
    let forgotten = creating && forth::may_be_forgotten(engine, &known.row);
    let looked_for = forgotten && engine.schedule().looked_for.contains(&operation.id);
    if forgotten && !looked_for {
        // After a restore or on a copy: the ticket may be there and only our memory of it gone, whatever attempts the
        // backup remembers.
        let now = engine.now();
        let unknown = OperationState::OutcomeUnknown { since: now, look: now, looks: 0, failed: 0 };
        let (attempts, failure) = (operation.attempts.max(1), operation.last_failure.clone());
        moved(engine, operation, unknown, attempts, failure, Reading::default()).await?;
        // Only now: where that could not be recorded (a full disk), the next try has to look too.
        engine.schedule().looked_for.insert(operation.id);
        return Ok(None);
    }
    // A creation has its place in the lane before it counts as sent: of those that wait, a crash leaves one at most unknown.
    let lane = if creating { engine.lanes.try_create(halo) } else { None };
    if creating {
        if lane.is_none() {
            engine.wait_to_create(&known.row, operation);
            return Ok(None);
        }
        engine.schedule().queue.passed(&Gate::Create(halo));
    }
    {
        let _pair = engine.lanes.pair(operation.pair).await;
        if known.moved(engine) || engine.outdated() || engine.only_reads() {
            // Something came in since it was read: it is looked at once more, if anything is to be written at all.
            engine.schedule().pairs.insert(operation.pair);
            return Ok(None);
        }
        let now = engine.now();
        let sending = sending(operation, now);
        engine.kept.forget(operation.pair);
        digest::overlay(Arc::make_mut(&mut known.row), &sending);
        known.seq = engine.record(now, Some(operation.client), vec![sending]).await?;
    }
    Box::pin(sent(engine, known, operation, go_on, lane)).await
}

/// That an operation is being sent.
pub(super) fn sending(operation: &Operation, since: Timestamp) -> Fact {
    Fact::OperationMoved {
        operation: operation.id,
        pair: operation.pair,
        state: OperationState::Sending { since },
        attempts: operation.attempts + 1,
        failure: operation.last_failure.clone(),
    }
}

/// Records a newcomer and, when nothing stands in the way (no other creation runs at its Halo instance), sends its
/// ticket's creation with no step in between. `lane` is the workspace's, held until it is recorded. Gives the pair
/// whose turn has been taken.
pub(super) async fn begin_at_once(
    engine: &Engine,
    client: ClientId,
    mut facts: Vec<Fact>,
    lane: NewcomersLane<'_>,
) -> Result<Option<PairId>, StoreError> {
    let now = engine.now();
    let start = newcomer::begun(&facts, now).and_then(|row| {
        let operation = head(&row)?.clone();
        let held = engine.paused(&row.pair) || forth::may_be_forgotten(engine, &row) || engine.outdated();
        if held || engine.has_to_wait(&row, &operation) {
            return None;
        }
        let creating = engine.lanes.try_create(row.pair.halo)?;
        engine.schedule().begin(Unit::Pair(row.pair.id)).then_some((row, operation, creating))
    });
    let Some((mut row, operation, creating)) = start else {
        engine.record(now, Some(client), facts).await?;
        return Ok(None);
    };
    let pair = row.pair.id;
    let mut turn = Turn { engine, pair, over: false };
    let sending = sending(&operation, now);
    digest::overlay(&mut row, &sending);
    facts.push(sending);
    let result = match engine.record(now, Some(client), facts).await {
        Ok(seq) => {
            drop(lane);
            // What a webhook named of this workspace meanwhile need not wait for Halo's answer.
            engine.schedule().ended(Unit::Fetch(row.pair.workspace));
            engine.wake();
            Box::pin(sent(engine, Known { seq, row: Arc::new(row), whole: false }, &operation, false, Some(creating)))
                .await
        }
        Err(error) => Err(error),
    };
    turn.over = result.is_ok();
    drop(turn);
    result.map(|_| Some(pair))
}

/// A pair's turn within another unit. It ends however that one ends.
struct Turn<'a> {
    engine: &'a Engine,
    pair: PairId,
    /// What was sent is recorded.
    over: bool,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut schedule = self.engine.schedule();
        schedule.ended(Unit::Pair(self.pair));
        if !self.over {
            // What was sent and could not be recorded is looked for.
            schedule.pairs.insert(self.pair);
        }
    }
}

/// The one before in the lane took its time over its answer: whether this creation is still to be sent. From now on, then,
/// for an outcome that stays unknown is looked for over a span that begins with the call.
async fn still_sent(engine: &Engine, known: &mut Known, operation: &Operation) -> Result<bool, StoreError> {
    let now = engine.now();
    let held = engine.paused(&known.row.pair) || engine.only_reads() || !carried(engine, &known.row, operation);
    if held || known.moved(engine) {
        // It never left: planned as before, and looked at once more.
        let state = OperationState::Planned { ready: now };
        let failure = operation.last_failure.clone();
        moved(engine, operation, state, operation.attempts, failure, Reading::default()).await?;
        engine.schedule().pairs.insert(operation.pair);
        return Ok(false);
    }
    let again = sending(operation, now);
    engine.kept.forget(operation.pair);
    digest::overlay(Arc::make_mut(&mut known.row), &again);
    known.seq = engine.record(now, Some(operation.client), vec![again]).await?;
    Ok(true)
}

/// Sends what is recorded as being sent, and records what came of it. `place`: a creation's in its lane.
async fn sent(
    engine: &Engine,
    mut known: Known,
    operation: &Operation,
    go_on: bool,
    place: Option<CreatePlace>,
) -> Result<Option<After>, StoreError> {
    let _unbroken = stop::unbroken();
    let attempts = operation.attempts + 1;
    let turn = match place {
        None => None,
        Some(place) => {
            let since = engine.now();
            let turn = place.turn().await;
            let held = engine.now().duration_since(since) > WAITED_LONG || engine.paused(&known.row.pair);
            if held && !still_sent(engine, &mut known, operation).await? {
                return Ok(None);
            }
            Some(turn)
        }
    };
    if engine.outdated() || engine.only_reads() {
        return newer::put_back(engine, operation).await.map(|()| None);
    }
    let outcome = Box::pin(send(engine, &known.row, operation)).await.since(&known.row);
    if turn.is_some() {
        // The answer is here: the next one asks for its ticket while this one's is being recorded.
        drop(turn);
        engine.wake();
    }
    let now = engine.now();
    tracing::info!(
        operation.id = %operation.id, pair.id = %operation.pair, kind = operation.kind.name(), attempts,
        outcome = match &outcome {
            Attempt::Done(..) => "done",
            Attempt::Stale(..) => "planned anew",
            Attempt::Withdrawn(..) => "withdrawn",
            Attempt::Held => "held back",
            Attempt::Failed(_) => "failed",
            Attempt::Refused(..) => "refused",
        },
        "operation"
    );
    // What the other side says later may not show any more that a change arrived: somebody may have set it back. Of all else
    // it can be looked for.
    let changes = matches!(operation.kind, OperationKind::UpdateIncident { .. } | OperationKind::UpdateTicket { .. });
    let kept = (changes && matches!(outcome, Attempt::Done(..))).then(|| (outcome.clone(), now));
    let result = Box::pin(finish(engine, Some((known, go_on)), operation, attempts, outcome, now)).await;
    if let (Err(_), Some((outcome, at))) = (&result, kept) {
        engine.schedule().unrecorded.insert(operation.id, Unrecorded::new(outcome, at));
    }
    result
}

/// Records what an attempt came to. `known`: the pair as it was sent, and whether to go on at once with what is next.
pub(super) async fn finish(
    engine: &Engine,
    known: Option<(Known, bool)>,
    operation: &Operation,
    attempts: u32,
    outcome: Attempt,
    now: Timestamp,
) -> Result<Option<After>, StoreError> {
    let (known, go_on) = known.map_or((None, false), |(known, go_on)| (Some(known), go_on));
    let pair = operation.pair;
    let fact = |state, failure| Fact::OperationMoved { operation: operation.id, pair, state, attempts, failure };
    let recorded = match outcome {
        Attempt::Done(result, facts, reading) => {
            engine.schedule().refusals.accepted(operation.client, operation.kind.side());
            super::halo::wrote(engine, operation, &reading, now);
            let mut all = vec![fact(OperationState::Done { at: now, result }, None)];
            all.extend(facts);
            digest::known_pair(engine, pair, known, all, *reading, go_on).await
        }
        Attempt::Stale(why, reading) => {
            let state = OperationState::Void { at: now, why };
            digest::known_pair(engine, pair, known, vec![fact(state, None)], *reading, go_on).await
        }
        Attempt::Withdrawn(why, facts, reading) => {
            let mut all = vec![fact(OperationState::Void { at: now, why }, None)];
            all.extend(facts);
            digest::known_pair(engine, pair, known, all, *reading, go_on).await
        }
        Attempt::Held => newer::put_back(engine, operation).await.map(|()| None),
        Attempt::Refused(reason, facts, reading) => {
            if operation.kind.side() == Side::Sentinel && matches!(reason, Reason::RecordGone { .. }) {
                // It may be there after all.
                engine.schedule().later_looks.entry(pair).or_insert(now + put_back::LOOKED_FOR);
            }
            let state = OperationState::Dead { at: now, reason };
            let mut all = vec![fact(state, operation.last_failure.clone())];
            all.extend(facts);
            digest::known_pair(engine, pair, known, all, *reading, false).await
        }
        Attempt::Failed(failure) => {
            let (id, pair) = (operation.id, operation.pair);
            if matches!(failure.kind, FailureKind::WaitUntil { .. }) {
                tracing::info!(operation.id = %id, pair.id = %pair, reason = %failure, "a write waits for its time");
            } else {
                tracing::warn!(operation.id = %id, pair.id = %pair, error = %failure, "a write failed");
            }
            let waits = matches!(failure.kind, FailureKind::WaitUntil { .. } | FailureKind::SignInAgain);
            // What never left is no attempt.
            let attempts = if waits { operation.attempts } else { attempts };
            let state = retry::after(&failure, operation.planned, attempts.max(1), salt(&operation.id.0), now);
            let state = pauses::refused(engine, operation, &failure, state, now).await?;
            let moved = Fact::OperationMoved {
                operation: operation.id,
                pair: operation.pair,
                state,
                attempts,
                failure: Some(failure),
            };
            digest::known_pair(engine, pair, known, vec![moved], Reading::default(), false).await
        }
    };
    if operation.kind.makes_incident() {
        push::went_on(engine, operation.pair);
    }
    recorded
}

async fn send(engine: &Engine, row: &SituationRow, operation: &Operation) -> Attempt {
    let class = engine.class_of(operation);
    match operation.kind.side() {
        Side::Halo => {
            let halo = match engine.registry.halo(row.pair.halo) {
                Ok(halo) => halo,
                Err(failure) => return Attempt::Failed(failure),
            };
            match (&operation.kind, row.pair.ticket) {
                (OperationKind::CreateTicket { draft, follows }, at) if *follows == at => {
                    forth::create(engine, row, &halo, draft, class).await
                }
                (OperationKind::CreateTicket { .. }, Some(ticket)) => {
                    Attempt::done(OperationResult::Ticket { ticket, settled: true })
                }
                (OperationKind::AddNote { note: note @ NoteDraft { former: Some(former), .. }, .. }, _) => {
                    Box::pin(forth::tell_former((engine, row), &halo, *former, note, class)).await
                }
                (OperationKind::AddNote { note, .. }, Some(ticket)) => {
                    forth::add_note(engine, row, &halo, ticket, (&operation.kind, note), class).await
                }
                (OperationKind::UpdateTicket { change }, Some(ticket)) => {
                    let sent = operation.attempts > 0;
                    forth::update_ticket(engine, row, &halo, ticket, (change, sent), class).await
                }
                _ => Attempt::Stale("The ticket does not exist yet.".into(), Box::default()),
            }
        }
        Side::Sentinel => {
            let view = engine.registry.view();
            let Some((workspace, _, _)) = view.of_workspace(row.pair.workspace) else {
                return Attempt::Stale("The workspace is not configured any more.".into(), Box::default());
            };
            let Some(at) = view.place(workspace) else {
                return Attempt::Stale("The workspace has no readable ARM id.".into(), Box::default());
            };
            let sentinel = match engine.registry.sentinel(workspace.connection) {
                Ok(sentinel) => sentinel,
                Err(failure) => return Attempt::Failed(failure),
            };
            match &operation.kind {
                OperationKind::CreateIncident { incident } => {
                    back::create_incident(engine, row, &sentinel, &at, incident, class).await
                }
                OperationKind::AddComment { comment, carries, message } => {
                    back::add_comment(engine, row, &sentinel, &at, (comment, carries), message, class).await
                }
                OperationKind::UpdateIncident { change } => {
                    let sent = operation.attempts > 0;
                    back::update_incident(engine, row, &sentinel, &at, (change, sent), class).await
                }
                _ => Attempt::Stale("The operation has no such side.".into(), Box::default()),
            }
        }
    }
}
