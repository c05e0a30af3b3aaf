//! Reading alerts that joined an incident after its ticket was made.

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        failure::Failure,
        incident::{Evidence, Incident, NOT_TOLD},
        pair::{Base, Pair},
        policy::Policy,
    },
    ledger::fact::Fact,
    outbound::budget::Class,
    planner::{alerts, fields::once, groups},
    sentinel::{Incidents, Place},
    store::SituationRow,
};

use super::Engine;

/// Alerts and entities show some minutes after their incident (sentinel-api sheet 6.2), and nothing else of it moves then.
/// Where they are short, its pair is looked at again so long after it was made.
pub(super) const FIRST_LOOK: SignedDuration = SignedDuration::from_mins(5);
const SECOND_LOOK: SignedDuration = SignedDuration::from_mins(15);
/// Those of an incident that is older are taken as they are.
const SETTLED: SignedDuration = SignedDuration::from_hours(1);
/// Looks are this far apart at least.
const APART: SignedDuration = SignedDuration::from_mins(1);

fn counted(incident: &Incident) -> usize {
    usize::try_from(incident.alerts_count).unwrap_or_default()
}

/// Whether an incident is so new that not all that belongs to it may show yet.
fn is_new(incident: &Incident, now: Timestamp) -> bool {
    incident.created.is_some_and(|at| now.duration_since(at) < SETTLED)
}

/// Whether an incident counts alerts and none of them shows yet: that is not known as “there are none”.
pub(super) fn none_yet(incident: &Incident, read: &Evidence, now: Timestamp) -> bool {
    counted(incident) > 0 && read.alerts.is_empty() && is_new(incident, now)
}

/// Whether fewer alerts of a new incident show than it counts, or they do and no entity does, and its ticket is to be given
/// what follows.
pub(super) fn lag(policy: &Policy, incident: &Incident, known: Option<&Evidence>, now: Timestamp) -> bool {
    let wanted = alerts::wanted(policy) || policy.follows_evidence() || policy.maps_evidence();
    let fewer = known.map_or(0, |known| known.alerts.len()) < counted(incident);
    is_new(incident, now)
        && !incident.redirected()
        && (wanted && fewer || policy.maps_entities() && known.is_some_and(bare))
}

/// Whether there are alerts, and no entity of theirs.
fn bare(known: &Evidence) -> bool {
    !known.alerts.is_empty() && known.entities.is_empty()
}

/// Until when a new incident gets no ticket, since none of its entities shows by which the policy groups it.
pub(super) fn awaits_entities(
    policy: &Policy,
    incident: &Incident,
    read: &Evidence,
    now: Timestamp,
) -> Option<Timestamp> {
    let until = incident.created? + SECOND_LOOK;
    let some = counted(incident) > 0 || !read.alerts.is_empty();
    let waits = policy.group.as_ref().is_some_and(|rule| groups::awaits(rule, incident, read));
    (until > now && some && waits && !incident.closed() && !incident.redirected()).then_some(until)
}

/// When they are looked for next, of an incident that waits for them until then.
pub(super) fn entities_next(until: Timestamp, now: Timestamp) -> Timestamp {
    let first = until - SECOND_LOOK + FIRST_LOOK;
    if first > now + APART { first } else { until }
}

/// Has the pair of an incident looked at again where its alerts or entities lag.
pub(super) fn look_later(engine: &Engine, policy: &Policy, pair: &Pair, incident: &Incident, known: Option<&Evidence>) {
    let now = engine.now();
    let next = [FIRST_LOOK, SECOND_LOOK].into_iter().map(|after| pair.created + after).find(|at| *at > now + APART);
    if let Some(at) = next.filter(|_| lag(policy, incident, known, now)) {
        engine.schedule().later_looks.entry(pair.id).or_insert(at);
    }
}

/// The same where nothing may remember a look that was to come: what was due by now is made up for.
pub(super) fn look_after_start(
    engine: &Engine,
    policy: &Policy,
    pair: &Pair,
    incident: &Incident,
    known: Option<&Evidence>,
) {
    look_later(engine, policy, pair, incident, known);
    let now = engine.now();
    if lag(policy, incident, known, now) && owed(engine, pair) {
        let at = (pair.created + SECOND_LOOK).max(now);
        engine.schedule().later_looks.entry(pair.id).or_insert(at);
    }
}

/// Whether what is short is still to be looked at: it was last read before the time of the second look. A process that has just
/// begun knows of no reading.
fn owed(engine: &Engine, pair: &Pair) -> bool {
    let last = engine.schedule().evidence_read.get(&pair.id).copied();
    last.is_none_or(|at| at < pair.created + SECOND_LOOK)
}

/// Reads them, where the incident says that there are more than are known (or they could not be read before) and the policy
/// tells of them or maps from them, or where values that its ticket is still to be given lie in what was never read, or did
/// not show at first. Two calls, and only then. `None` also where none shows yet.
///
/// # Errors
/// What the service says.
pub(super) async fn late(
    engine: &Engine,
    (policy, row): (&Policy, &SituationRow),
    incident: &Incident,
    (sentinel, at): (&dyn Incidents, &Place),
    class: Class,
) -> Result<Option<Evidence>, Failure> {
    let (now, pair) = (engine.now(), row.pair.id);
    let again = engine.schedule().alerts_unread(pair);
    let known = row.evidence.as_ref().map_or(0, |evidence| evidence.alerts.len());
    let before = &row.subject.incident;
    let more = match incident.alerts_count {
        NOT_TOLD => incident.modified != before.modified,
        count => count > i64::try_from(known).unwrap_or(i64::MAX) || count != before.alerts_count,
    };
    let joined = (more || again) && (alerts::wanted(policy) || policy.follows_evidence());
    let new = row.pair.ticket.is_none() || once::awaits(&row.pair.base);
    let mapped = policy.follows_evidence() || policy.maps_evidence() && new;
    let lags = || {
        let short = row.evidence.as_ref().is_some_and(|known| lag(policy, incident, Some(known), now));
        short && owed(engine, &row.pair)
    };
    let lacking = mapped && incident.alerts_count != 0 && (row.evidence.is_none() || lags());
    if !joined && !lacking || incident.redirected() {
        return Ok(None);
    }
    let read = sentinel.evidence(at, &incident.id, class).await?;
    if is_new(incident, now) {
        let mut schedule = engine.schedule();
        schedule.evidence_read.retain(|_, at| now.duration_since(*at) < SETTLED);
        schedule.evidence_read.insert(pair, now);
    }
    Ok((!none_yet(incident, &read, now)).then_some(read))
}

/// What is recorded beside them for a pair that was made before anybody looked: only what joins from now on is told.
pub(super) fn first_look(row: &SituationRow, read: &Evidence, done: &mut Vec<Fact>) {
    let last = done.iter_mut().rev().find_map(|fact| match fact {
        Fact::BaseAgreed { base, .. } => Some(base),
        _ => None,
    });
    let known = Some(alerts::ids(row.evidence.as_ref().unwrap_or(read)));
    match last {
        Some(base) if base.alerts.is_none() => base.alerts = known,
        None if row.pair.base.alerts.is_none() => {
            let base = Base { alerts: known, ..row.pair.base.clone() };
            done.push(Fact::BaseAgreed { pair: row.pair.id, base });
        }
        _ => {}
    }
}
