//! Incidents that are not linked yet.

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        ids::{IncidentId, PairId},
        incident::Incident,
        reason::Reason,
    },
    engine::{
        alerts, execute,
        groups::{self, Beginning, Grouping},
        lanes::Turn,
        merges::{self, Shown},
        newcomer::{self, Beside},
        registry::salt,
        second_writer,
        unread::Waiting,
    },
    ledger::{entry::Seq, fact::Fact},
    outbound::budget::Class,
    planner::{draft, gate::Brake, retry::own_wait},
    store::StoreError,
};

use super::{Poll, short};

/// An incident that a webhook announced and that is younger than this goes before what waits.
const FRESH: SignedDuration = SignedDuration::from_mins(30);
/// One that waits and could not be read is asked for again after this long.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);
/// Recording newcomers takes no longer than this.
const RECORDED: SignedDuration = SignedDuration::from_secs(5);

/// An incident without a pair.
#[derive(Clone)]
pub(in crate::engine) struct Newcomer {
    pub incident: Incident,
    /// Code of the reason that it was held for when last judged.
    pub held: Option<String>,
}

impl Poll<'_> {
    /// Whether an incident goes before what waits.
    fn fresh(&self, incident: &Incident) -> bool {
        let youngest = self.engine.now() - FRESH;
        self.class == Class::WebhookBorn && incident.created.is_some_and(|at| at >= youngest)
    }

    /// A fresh incident that a list was the first to find goes before what waits all the same.
    pub(super) fn hurry(&self, pair: PairId, incident: &Incident) {
        if !self.fresh(incident) {
            return;
        }
        let now = self.engine.now();
        let mut schedule = self.engine.schedule();
        let waits = schedule.queue.holds(pair);
        schedule.queue.freshen(pair, now);
        if waits {
            schedule.pairs.insert(pair);
        }
        drop(schedule);
        self.engine.wake();
    }

    /// Incidents that wait for the entities by which they are grouped are looked at again at `at`.
    pub(super) fn look_for_entities(&self, at: Timestamp) {
        let mut schedule = self.engine.schedule();
        let Some(standing) = schedule.workspaces.get_mut(&self.workspace.id) else { return };
        standing.awaits = Some(standing.awaits.map_or(at, |known| known.min(at)));
        // A workspace that fails waits for its time.
        if standing.last_failure.is_none() {
            standing.next = standing.next.map(|next| next.min(at));
        }
    }

    /// Incidents that are not linked yet: asked through the gates, recorded in their order. `asked`: the last
    /// entry before the store was asked whether they are linked. `made`: the storm brake's count and when it was taken.
    pub(in crate::engine) async fn newcomers(
        &mut self,
        newcomers: Vec<Newcomer>,
        asked: Option<Seq>,
        made: Option<(Turn, i64)>,
    ) -> Result<(), StoreError> {
        if newcomers.is_empty() {
            return Ok(());
        }
        let catalogue = self.client.halo.as_ref().and_then(|b| self.engine.registry.catalogue(b.connection));
        let found = (self.workspace, self.client, self.policy);
        let first = newcomers.iter().filter(|newcomer| newcomer.held.is_none());
        let shown: Vec<Shown> = first.map(|one| (one.incident.number, one.incident.modified)).collect();
        // The brake counts tickets that are made: which ones are there already is known before it is asked.
        let newcomers = if self.policy.adopt { self.adopted(newcomers).await? } else { newcomers };
        let (newcomers, had) = self.had_tickets(newcomers, made.map(|(_, made)| made)).await?;
        // What shares a ticket is no new one, which is known only when its alerts are.
        let counted = made.map(|(_, made)| self.brake_at(made));
        let mut expected = if self.policy.group.is_some() { Some(Brake::off()) } else { counted };
        let mut read = Vec::with_capacity(newcomers.len());
        for Newcomer { incident, held } in newcomers {
            if let Some(ticket) = self.pushed_from(&incident, held.as_deref()) {
                self.adopt(incident, ticket).await?;
                continue;
            }
            if !self.reads_beside(&incident) {
                read.push((incident, held, Beside::default(), false));
                continue;
            }
            // Judged for good below; what will be held needs nothing read beside it.
            let mut off = Some(Brake::off());
            let brake = if had.contains(&incident.id) { &mut off } else { &mut expected };
            let passes = self.judge(catalogue.as_deref(), brake, &incident, held.as_deref()).await?.is_ok();
            let beside = if passes { self.beside(&incident).await } else { Some(Beside::default()) };
            // It comes again with the next poll.
            let Some(beside) = beside else {
                if held.as_deref() == Some(Reason::ENTITIES_AWAITED) {
                    self.look_for_entities(self.engine.now() + AGAIN);
                }
                continue;
            };
            let lags = !passes || beside.comments.as_ref().is_some_and(|comments| short(comments, &incident));
            read.push((incident, held, beside, lags));
        }
        // A list and a webhook's reading may meet the same newcomer: the first to record it links it. And the storm
        // brake's count holds only as long as nobody else adds to it.
        let lane = self.engine.lanes.newcomers(self.workspace.id).await;
        let made = made.filter(|(turn, _)| lane.before == Some(*turn));
        let mut brake = made.map(|(_, made)| self.brake_at(made));
        let moved = |(incident, ..): &&(Incident, Option<String>, Beside, bool)| {
            asked.is_none_or(|seq| self.engine.store.incident_moved_since(seq, &incident.id))
        };
        let ids: Vec<IncidentId> = read.iter().filter(moved).map(|(incident, ..)| incident.id.clone()).collect();
        let known = self.engine.store.versions(self.workspace.id, &ids).await?;
        let now = self.engine.now();
        let mut opened = Vec::new();
        let (mut beginning, mut joined) = (Beginning::default(), Vec::new());
        let mut recorded = Vec::with_capacity(read.len());
        for (incident, held, beside, lags) in read {
            if let Some(pair) = known.get(&incident.id).and_then(|version| version.pair) {
                self.hurry(pair, &incident);
                continue;
            }
            let named = groups::named(self, &incident, beside.comments.as_deref());
            // Who asked for its ticket wants one of its own.
            let grouping = match held.as_deref() {
                Some(Reason::TICKET_ASKED) => Grouping::None,
                _ => beginning.place(self, &incident, beside.evidence.as_ref(), named).await?,
            };
            // Who had its ticket before, or whose ticket a person wants, waits for nothing.
            let let_pass = [Reason::TICKET_ASKED, Reason::StormReleased.code(), Reason::REHOMED];
            let wanted = held.as_deref().is_some_and(|code| let_pass.contains(&code));
            // Nor does what a backfill lets through: the gates that it lifts stand again when the next poll asks them.
            let wanted = wanted || self.class == Class::Backfill;
            let awaits = beside.awaits.filter(|_| named.is_none() && !wanted && !had.contains(&incident.id));
            let mut off = Some(Brake::off());
            let unbraked = matches!(grouping, Grouping::Joins(_)) || had.contains(&incident.id) || awaits.is_some();
            let brake = if unbraked { &mut off } else { &mut brake };
            let mut passed = self.judge(catalogue.as_deref(), brake, &incident, held.as_deref()).await?;
            if let Some(until) = awaits.filter(|_| passed.is_ok()) {
                passed = Err(Reason::EntitiesAwaited { until: draft::moment(Some(until)) });
                self.look_for_entities(alerts::entities_next(until, now));
            }
            if matches!(passed, Err(Reason::StormHeld { .. })) && held.is_none() {
                self.counts.braked += 1;
            }
            let fresh = self.fresh(&incident);
            let (unread, evidence_lags) = (beside.unread, beside.lags);
            let waits = beside.waits.map(|at| (at, incident.clone()));
            let placed = (incident, self.counts.opened);
            let joins = matches!(grouping, Grouping::Joins(_));
            let (facts, pair) =
                newcomer::newcomer(self.engine, found, catalogue.as_ref(), passed, placed, beside, grouping);
            Box::pin(second_writer::newcomer(self.engine, &facts, now)).await?;
            beginning.keep(&facts, named);
            if let Some(pair) = pair.filter(|_| fresh) {
                self.engine.schedule().queue.freshen(pair, now);
            }
            if let Some(pair) = pair.filter(|_| unread) {
                self.engine.schedule().comment_rereads.entry(self.workspace.id).or_default().insert(pair);
            }
            if let Some((pair, (at, incident))) = pair.zip(waits) {
                let id = self.workspace.id;
                // Its pair is recorded by then.
                let at = own_wait(at.max(now + RECORDED), 1, salt(&id.0), now);
                self.engine.schedule().comments_wait(pair, Waiting::new(id, at, incident));
            }
            if let Some(pair) = pair.filter(|_| lags) {
                self.look_later(pair);
            }
            if let Some(pair) = pair.filter(|_| evidence_lags) {
                // Its ticket does not wait for them.
                self.engine.schedule().later_looks.entry(pair).or_insert(now + alerts::FIRST_LOOK);
            }
            if joins {
                joined.extend(pair);
            } else {
                self.counts.opened += u32::from(pair.is_some());
                opened.extend(pair);
            }
            recorded.push(facts);
        }
        self.counts.changed += u32::try_from(recorded.len()).unwrap_or(u32::MAX);
        if let [_] = recorded.as_slice()
            && let Some(facts) = recorded.pop()
        {
            // One that a webhook named: its ticket is asked for in the same breath.
            let begun = Box::pin(execute::begin_at_once(self.engine, self.client.id, facts, lane)).await?;
            opened.retain(|pair| begun != Some(*pair));
        } else {
            if let Err(error) = self.record_newcomers(now, recorded).await {
                // Those that are linked all the same are found ready by the store.
                self.engine.schedule().pairs_next = None;
                return Err(error);
            }
            drop(lane);
        }
        if self.engine.outdated() {
            // They were planned by what is not in force any more.
            self.engine.schedule().looks.extend(opened.iter().copied());
        }
        let mut joined = joined.into_iter();
        while let Some(pair) = joined.next() {
            if let Err(error) = Box::pin(groups::joined(self.engine, pair)).await {
                self.engine.schedule().looks.extend(std::iter::once(pair).chain(joined));
                return Err(error);
            }
        }
        if let Some(binding) = &self.client.halo {
            self.engine.line_up(binding.connection, self.client.id, &opened);
        }
        merges::look_for(self.engine, self.workspace.id, &shown).await?;
        self.engine.wake();
        Ok(())
    }

    /// Records newcomers with one commit. A sender of a webhook does not wait for all of them: it goes in between, and
    /// each newcomer is recorded whole or, if the rest fails, comes again with the next poll.
    async fn record_newcomers(&self, now: Timestamp, recorded: Vec<Vec<Fact>>) -> Result<(), StoreError> {
        let mut tx = self.engine.store.begin().await?;
        for (number, facts) in recorded.into_iter().enumerate() {
            if number > 0 && self.engine.store.webhooks_wait() {
                tx.commit().await?;
                tx = self.engine.store.begin().await?;
            }
            tx.record_all(now, Some(self.client.id), facts).await?;
        }
        tx.commit().await
    }
}
