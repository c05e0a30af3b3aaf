//! Errands at pairs: one act at many linked incidents at once, ticked ones or all that a filter matches. The plan is made
//! first and fixes which; [`Worker`] then carries it out in the background, some at a time, and keeps after each pair what
//! became of it, so that it goes on after a restart. Each pair is acted on with the rights that its owner has then.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{
    App, acts,
    caller::Caller,
    dashboard,
    error::ServiceError,
    fault,
    import_mode::Turn,
    names, pairs,
    pauses::{self, WHY_MAX},
    unlinked,
};
use crate::{
    domain::{
        account::{Role, Scope},
        errand::{ErrandPair, PairAct, PairErrand, RowState},
        ids::{ErrandId, PairId},
        pause::{Pause, PauseScope},
        text,
        view::{
            dashboard::{PairFilter, PairRow},
            pair_errands::{ErrandCounts, PairErrandView, PairErrandsView},
        },
    },
    store::StoreError,
};

/// Pairs of one errand at most.
pub const PAIRS_MAX: usize = 20_000;
/// Pairs acted on in one turn.
const AT_ONCE: u32 = 20;
/// How often it is looked whether what was asked to be read was read. No more is asked for before: the engine has others
/// to read for as well.
const LOOK_EVERY: SignedDuration = SignedDuration::from_secs(1);
/// What was not read within this time after it was asked for is told of, and the next takes its place.
const READ_WITHIN: SignedDuration = SignedDuration::from_mins(2);
/// Pairs named on the page of a plan.
const SAMPLES: u32 = 20;
/// Pairs named that could not be done.
const FAILED: u32 = 200;
/// Errands that the page lists.
const LISTED: u32 = 20;
/// What ended is kept so long.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Longest title kept of a pair.
const TITLE_MAX: usize = 160;

/// What the program keeps in memory of them.
#[derive(Default)]
pub struct Desk {
    /// Tells the worker of news.
    news: tokio::sync::Notify,
}

/// What is typed.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// Name of the act.
    pub act: &'a str,
    /// Why they are paused; may be empty.
    pub why: &'a str,
    /// Which.
    pub which: Which<'a>,
}

/// Which pairs are meant.
#[derive(Debug, Clone)]
pub enum Which<'a> {
    /// Those that were ticked.
    Ticked(Vec<PairId>),
    /// All that the list's filter matches.
    All(&'a PairFilter),
}

/// Makes the plan: which pairs, and which of them are passed over. Nothing is done with any of them.
///
/// # Errors
/// `Invalid` with what is wrong, `Forbidden` for viewers.
pub async fn plan(app: &App, caller: &Caller, asked: Asked<'_>) -> Result<ErrandId, ServiceError> {
    caller.need(Role::Operator)?;
    let Some(act) = PairAct::parse(asked.act) else {
        return Err(ServiceError::invalid("act", "Choose what is to be done with them. Nothing was done."));
    };
    let why = if act == PairAct::Pause { text::line(asked.why) } else { String::new() };
    let length = text::length(&why);
    if length > WHY_MAX {
        let problem = format!("The reason has {length} characters; shorten it to {WHY_MAX}. Nothing was done.");
        return Err(ServiceError::invalid("why", problem));
    }
    let (mut found, query) = match asked.which {
        Which::Ticked(ids) => (ticked(app, caller, ids).await?, None),
        Which::All(filter) => {
            let filter = PairFilter { from: String::new(), ..filter.clone() };
            (matching(app, caller, &filter).await?, Some(filter.query().as_str().to_owned()))
        }
    };
    if found.is_empty() {
        let problem = match query {
            None => "No incident is ticked. Tick some, or choose all that match. Nothing was done.",
            Some(_) => "No linked incident matches any more. Nothing was done.",
        };
        return Err(ServiceError::invalid("which", problem));
    }
    pass_over(app, act, &mut found).await?;
    let now = app.clock.now();
    let errand = PairErrand {
        id: ErrandId(app.ids.uuid_v7(now)),
        act,
        why,
        owner: caller.user,
        query,
        planned: now,
        begun: None,
        ended: None,
        stopped: false,
        says: String::new(),
    };
    let old = now.checked_sub(KEPT).unwrap_or(now);
    let failed = |error| fault("plan an errand", &error);
    let mut tx = app.store.begin().await.map_err(failed)?;
    tx.plan_pair_errand(&errand, &found, old).await.map_err(failed)?;
    tx.commit().await.map_err(failed)?;
    Ok(errand.id)
}

/// Those of the ticked pairs that the caller may act on.
async fn ticked(app: &App, caller: &Caller, ids: Vec<PairId>) -> Result<Vec<ErrandPair>, ServiceError> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for id in ids.into_iter().filter(|id| seen.insert(*id)).take(PAIRS_MAX) {
        let pair = match pairs::seen(app, caller, id).await {
            Ok(pair) => pair,
            // It was taken apart since the list was drawn.
            Err(ServiceError::NotFound) => continue,
            Err(error) => return Err(error),
        };
        let row = app.store.situation(id).await.map_err(|e| fault("read a pair", &e))?;
        let name = row.map(|row| row.subject.incident.name()).unwrap_or_default();
        let name = text::cut(&name, TITLE_MAX);
        found.push(ErrandPair { pair: id, client: pair.client, name, state: RowState::Waiting, says: String::new() });
    }
    Ok(found)
}

/// Everything that the filter matches now. Read by when the incidents were made, which stands still: what changes
/// meanwhile is neither met twice nor missed.
async fn matching(app: &App, caller: &Caller, filter: &PairFilter) -> Result<Vec<ErrandPair>, ServiceError> {
    let steady = PairFilter::default();
    let mut filter = PairFilter { sort: steady.sort, reversed: steady.reversed, ..filter.clone() };
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    loop {
        let part = dashboard::part(app, caller, &filter).await?;
        found.extend(part.rows.iter().filter(|row| seen.insert(row.id)).map(drawn));
        if found.len() > PAIRS_MAX {
            let problem = format!("More than {PAIRS_MAX} linked incidents match. Narrow the filter. Nothing was done.");
            return Err(ServiceError::invalid("which", problem));
        }
        match part.older {
            Some(older) => filter.from = older,
            None => return Ok(found),
        }
    }
}

fn drawn(row: &PairRow) -> ErrandPair {
    let number = row.number.map(|number| format!("#{number} ")).unwrap_or_default();
    let name = text::cut(&format!("{number}{}", row.title), TITLE_MAX);
    ErrandPair { pair: row.id, client: row.client_id, name, state: RowState::Waiting, says: String::new() }
}

/// Marks those with which there is nothing to do.
async fn pass_over(app: &App, act: PairAct, found: &mut [ErrandPair]) -> Result<(), ServiceError> {
    if !matches!(act, PairAct::Pause | PairAct::Resume) {
        return Ok(());
    }
    let all = app.store.pauses().await.map_err(|e| fault("read what is paused", &e))?;
    let of_pair = |pause: &Pause| match pause.scope {
        PauseScope::Pair { id } if act == PairAct::Resume || !pause.automatic() => Some(id),
        _ => None,
    };
    let paused: HashSet<PairId> = all.iter().filter_map(of_pair).collect();
    for one in found.iter_mut().filter(|one| paused.contains(&one.pair) == (act == PairAct::Pause)) {
        one.state = RowState::Passed;
        one.says = act.passed().to_owned();
    }
    Ok(())
}

/// The caller's own errand: nobody acts in another's name.
async fn own(app: &App, caller: &Caller, id: ErrandId) -> Result<PairErrand, ServiceError> {
    caller.need(Role::Operator)?;
    let found = app.store.pair_errand(id).await.map_err(|e| fault("read an errand", &e))?;
    found.filter(|errand| errand.owner == caller.user).ok_or(ServiceError::NotFound)
}

/// Begins what was planned, or goes on with what a stop left over.
///
/// # Errors
/// `Conflict` when it is under way, or nothing is left to do; `NotFound`, `Forbidden`.
pub async fn begin(app: &App, caller: &Caller, id: ErrandId) -> Result<(), ServiceError> {
    let errand = own(app, caller, id).await?;
    let counts = counts(app, id).await?;
    if counts.waiting == 0 {
        return Err(ServiceError::Conflict);
    }
    let now = app.clock.now();
    let failed = |error| fault("begin an errand", &error);
    let mut tx = app.store.begin().await.map_err(failed)?;
    match tx.begin_pair_errand(id, now).await {
        Err(StoreError::Missing { .. }) => return Err(ServiceError::Conflict),
        done => done.map_err(failed)?,
    }
    let detail =
        json!({ "errand": id, "act": errand.act, "pairs": counts.waiting, "filter": errand.query, "why": errand.why });
    tx.record(now, None, acts::act(caller, "begin-pair-errand", None, detail)).await.map_err(failed)?;
    tx.commit().await.map_err(failed)?;
    app.kept.pair_errands.news.notify_one();
    Ok(())
}

/// Stops it: the pairs whose turn has not come stay as they are.
///
/// # Errors
/// `Conflict` when it is not under way (any more); `NotFound`, `Forbidden`.
pub async fn stop(app: &App, caller: &Caller, id: ErrandId) -> Result<(), ServiceError> {
    let errand = own(app, caller, id).await?;
    end(app, caller, &errand, true, "").await
}

async fn end(app: &App, caller: &Caller, errand: &PairErrand, stopped: bool, says: &str) -> Result<(), ServiceError> {
    let now = app.clock.now();
    let failed = |error| fault("end an errand", &error);
    let mut tx = app.store.begin().await.map_err(failed)?;
    match tx.end_pair_errand(errand.id, now, stopped, says).await {
        Err(StoreError::Missing { .. }) => return Err(ServiceError::Conflict),
        done => done.map_err(failed)?,
    }
    let name = if stopped { "stop-pair-errand" } else { "end-pair-errand" };
    let detail = json!({ "errand": errand.id, "act": errand.act, "says": says });
    tx.record(now, None, acts::act(caller, name, None, detail)).await.map_err(failed)?;
    tx.commit().await.map_err(failed)
}

async fn counts(app: &App, id: ErrandId) -> Result<ErrandCounts, ServiceError> {
    let mut counts = ErrandCounts::default();
    for (state, says, pairs) in app.store.pair_errand_counts(id).await.map_err(|e| fault("read an errand", &e))? {
        let pairs = names::count(pairs);
        match state {
            RowState::Waiting => counts.waiting = pairs,
            RowState::Done => counts.done = pairs,
            RowState::Failed => counts.failed = pairs,
            RowState::Passed => counts.passed.push((says, pairs)),
        }
    }
    Ok(counts)
}

/// Those of one state whose names the caller may read still.
async fn named(
    app: &App,
    caller: &Caller,
    id: ErrandId,
    state: RowState,
    limit: u32,
) -> Result<Vec<ErrandPair>, ServiceError> {
    let rows = app.store.pair_errand_rows(id, state, limit).await.map_err(|e| fault("read an errand", &e))?;
    let mut seen: Vec<ErrandPair> =
        rows.into_iter().map(|(_, pair)| pair).filter(|pair| caller.scope.allows(Some(pair.client))).collect();
    if caller.scope != Scope::All {
        let installation = app.installation().await?;
        let mut foreign = HashSet::new();
        for pair in &seen {
            if !unlinked::lies_in_sight(app, caller, &installation, pair.pair).await? {
                foreign.insert(pair.pair);
            }
        }
        seen.retain(|pair| !foreign.contains(&pair.pair));
    }
    Ok(seen)
}

/// The page of one errand.
///
/// # Errors
/// `NotFound` when the caller has no such errand, `Forbidden` for viewers.
pub async fn view(app: &App, caller: &Caller, id: ErrandId) -> Result<PairErrandView, ServiceError> {
    let errand = own(app, caller, id).await?;
    let back = errand.query.as_deref().filter(|query| !query.is_empty());
    Ok(PairErrandView {
        counts: counts(app, id).await?,
        samples: named(app, caller, id, RowState::Waiting, SAMPLES).await?,
        failed: named(app, caller, id, RowState::Failed, FAILED).await?,
        back: back.map_or_else(|| "/".to_owned(), |query| format!("/?{query}")),
        held: app.engine.status().only_reads,
        errand,
    })
}

/// The page of the caller's last errands.
///
/// # Errors
/// `Forbidden` for viewers.
pub async fn list(app: &App, caller: &Caller) -> Result<PairErrandsView, ServiceError> {
    caller.need(Role::Operator)?;
    let errands = app.store.pair_errands_of(caller.user, LISTED).await.map_err(|e| fault("list errands", &e))?;
    let mut rows = Vec::with_capacity(errands.len());
    for errand in errands {
        let counts = counts(app, errand.id).await?;
        rows.push((errand, counts));
    }
    Ok(PairErrandsView { rows })
}

/// Carries errands at pairs out.
pub struct Worker {
    app: App,
    /// Readings that were asked for and have not been seen yet, by errand and place: since when.
    asked: Mutex<HashMap<(ErrandId, i64), Timestamp>>,
}

impl Worker {
    /// Of this program.
    pub fn new(app: &App) -> Self {
        Self { app: app.clone(), asked: Mutex::default() }
    }

    /// There is news for it.
    pub async fn woken(&self) {
        self.app.kept.pair_errands.news.notified().await;
    }

    fn readings(&self) -> MutexGuard<'_, HashMap<(ErrandId, i64), Timestamp>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Acts on the next few pairs of each errand that is under way. A pair at which it is cut off is acted on anew: every act
    /// may be done twice.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn turn(&self) -> Result<Turn, ServiceError> {
        let app = &self.app;
        let open = app.store.pair_errands_under_way().await.map_err(|e| fault("read errands", &e))?;
        self.readings().retain(|(id, _), _| open.iter().any(|errand| errand.id == *id));
        let status = app.engine.status();
        if open.is_empty() || status.only_reads {
            return Ok(Turn::Nothing);
        }
        let now = app.clock.now();
        let later = Turn::NotBefore(now.checked_add(LOOK_EVERY).unwrap_or(now));
        if !status.alive {
            return Ok(later);
        }
        let mut moved = false;
        for errand in &open {
            moved |= self.some(errand).await?;
        }
        Ok(if moved { Turn::Again } else { later })
    }

    /// The next few of one errand, or its end. Whether anything of it is further by now.
    async fn some(&self, errand: &PairErrand) -> Result<bool, ServiceError> {
        let app = &self.app;
        let account = app.store.user(errand.owner).await.map_err(|e| fault("read an account", &e))?;
        let Some(account) = account else { return Ok(false) };
        let caller = Caller::from(&account.user);
        if account.user.disabled {
            return ended(end(app, &caller, errand, false, "The account that asked for it was switched off.").await);
        }
        let rows = app.store.pair_errand_rows(errand.id, RowState::Waiting, AT_ONCE).await;
        let rows = rows.map_err(|e| fault("read an errand", &e))?;
        if rows.is_empty() {
            return ended(end(app, &caller, errand, false, "").await);
        }
        let mut moved = false;
        for (place, pair) in rows {
            let now = app.store.pair_errand(errand.id).await.map_err(|e| fault("read an errand", &e))?;
            if now.is_none_or(|errand| errand.ended.is_some()) {
                return Ok(true);
            }
            let Some((state, says)) = self.one(&caller, errand, place, pair.pair).await? else { continue };
            let failed = |error| fault("keep what became of a pair", &error);
            let mut tx = app.store.begin().await.map_err(failed)?;
            tx.settle_errand_pair(errand.id, place, state, &says).await.map_err(failed)?;
            tx.commit().await.map_err(failed)?;
            moved = true;
        }
        Ok(moved)
    }

    /// Acts on one pair; `None` while what was asked for is not seen yet.
    async fn one(
        &self,
        caller: &Caller,
        errand: &PairErrand,
        place: i64,
        pair: PairId,
    ) -> Result<Option<(RowState, String)>, ServiceError> {
        let app = &self.app;
        let now = app.clock.now();
        let key = (errand.id, place);
        let reads = matches!(errand.act, PairAct::Look | PairAct::Sync);
        if reads && switched_off(app, caller, pair).await? {
            self.readings().remove(&key);
            return Ok(Some((RowState::Failed, "Its workspace is switched off: nothing is read of it.".to_owned())));
        }
        let since = self.readings().get(&key).copied();
        let Some(since) = since else {
            let done = act(app, caller, errand, pair).await?;
            if reads && done.0 == RowState::Done {
                self.readings().insert(key, now);
                return Ok(None);
            }
            return Ok(Some(done));
        };
        let read = app.engine.looked_at(pair).is_some_and(|at| at >= since);
        if !read && now.duration_since(since) < READ_WITHIN {
            return Ok(None);
        }
        self.readings().remove(&key);
        let late = "It could not be read within two minutes. It is read as soon as that is possible; its page says what is \
                    in the way.";
        Ok(Some(if read { (RowState::Done, String::new()) } else { (RowState::Failed, late.to_owned()) }))
    }
}

/// Somebody stopped it at the same moment: that is its end as well.
fn ended(done: Result<(), ServiceError>) -> Result<bool, ServiceError> {
    match done {
        Ok(()) | Err(ServiceError::Conflict) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Whether nothing is read of a pair that the caller may act on: to wait for it would be in vain.
async fn switched_off(app: &App, caller: &Caller, pair: PairId) -> Result<bool, ServiceError> {
    let pair = match pairs::seen(app, caller, pair).await {
        Ok(pair) => pair,
        // The act itself says so.
        Err(ServiceError::NotFound | ServiceError::Forbidden) => return Ok(false),
        Err(error) => return Err(error),
    };
    let installation = app.installation().await?;
    Ok(!names::read(&installation, pair.workspace))
}

/// Acts on one pair as its button does, and says what became of it.
async fn act(
    app: &App,
    caller: &Caller,
    errand: &PairErrand,
    pair: PairId,
) -> Result<(RowState, String), ServiceError> {
    let scope = PauseScope::Pair { id: pair };
    let done = match errand.act {
        PairAct::Look => acts::look_again(app, caller, pair).await,
        PairAct::Sync => acts::sync_now(app, caller, pair).await,
        PairAct::Pause => pauses::pause(app, caller, scope, &errand.why).await,
        PairAct::Resume => pauses::resume(app, caller, scope).await.map(|_| ()),
    };
    let failed = |says: &str| Ok((RowState::Failed, says.to_owned()));
    match done {
        Ok(()) => Ok((RowState::Done, String::new())),
        Err(ServiceError::Conflict) => Ok((RowState::Passed, errand.act.passed().to_owned())),
        Err(ServiceError::NotFound) => failed("It is not linked any more, or not among your clients any more."),
        Err(ServiceError::Forbidden) => failed("Your role does not allow it any more."),
        Err(ServiceError::Invalid(problems)) => {
            let says: Vec<String> = problems.into_iter().map(|problem| problem.problem).collect();
            Ok((RowState::Failed, says.join(" ")))
        }
        Err(ServiceError::Internal) => failed("Something went wrong on the server; its log says what."),
        // What passes: the pair's turn comes again.
        Err(error) => Err(error),
    }
}
