//! "Look again": one pair's two records read afresh, whatever the cursors say.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        ids::{ConnectionId, PairId},
        workspace::Mode,
    },
    halo_itsm::error::own_wait as own_wait_for,
    ledger::fact::Fact,
    outbound::budget::{Class, Kind},
    planner::{
        observed::{Reading, moved_since},
        retry::own_wait,
    },
    store::StoreError,
};

use super::{
    Engine, alerts, digest, forth,
    halo::sight,
    meanwhile, merges, put_back, rebuild,
    registry::salt,
    schedule::due_now,
    unread::{self, Whose},
};

/// Pairs of which it is remembered when they were looked at.
const LOOKED_KEPT: usize = 10_000;
/// Where more pairs have something unread, they ask for it like a slow reading.
const MANY_UNREAD: usize = 50;

/// Reads both sides afresh, whatever the cursors say, and plans anew. A look that only asks for what is unread reads the
/// side of which it is.
pub(super) async fn run(engine: &Engine, id: PairId) -> Result<(), StoreError> {
    look(engine, id).await?;
    let now = engine.now();
    engine.schedule().asked_again(id, now);
    Ok(())
}

async fn look(engine: &Engine, id: PairId) -> Result<(), StoreError> {
    let hurried = engine.schedule().hurried.remove(&id);
    let Some(at_hand) = engine.known(id).await? else {
        engine.schedule().unread.retain(|(pair, _), _| *pair != id);
        let refused = rebuild::Comes::Refused("It is not linked any more.".to_owned());
        return rebuild::ended(engine, id, refused).await;
    };
    let row = Arc::clone(&at_hand.row);
    let view = engine.registry.view();
    let found = view.of_workspace(row.pair.workspace).filter(|(workspace, ..)| workspace.mode != Mode::Off);
    let Some((workspace, _, policy)) = found else {
        // Nothing is read of it. The pair says so.
        digest::pair(engine, id, Vec::new(), Reading::default()).await?;
        let refused = rebuild::Comes::Refused("Its workspace is not read: its mode is off.".to_owned());
        return rebuild::ended(engine, id, refused).await;
    };
    // What is unread asks by itself, again and again: it has no place before what people and new incidents ask for.
    let (again, class) = {
        let schedule = engine.schedule();
        // Of a record that was gone both are asked for.
        let both = hurried || schedule.rebuilds.contains_key(&id) || row.pair.gone.is_some();
        let again = schedule.asked_alone(id).filter(|_| !both);
        let class = match &again {
            None => Class::Interactive,
            Some(_) if schedule.unread.len() > MANY_UNREAD => Class::Reconcile,
            Some(_) => Class::Comment,
        };
        (again, class)
    };
    let reads = |side: Side| again.as_ref().is_none_or(|sides| sides.contains(&side));
    let mut joined = Vec::new();
    let mut reading = Reading::default();
    let mut failure = None;
    // What of the incident alone could not be read.
    let mut spoiled = None;
    let mut missing = Vec::new();
    // What the ticket alone met.
    let mut alone: Option<Failure> = None;
    let mut note = |result: Failure| failure = Some(result);
    match (engine.registry.sentinel(workspace.connection), view.place(workspace)) {
        _ if !reads(Side::Sentinel) => {}
        (Ok(sentinel), Some(at)) => match sentinel.incident(&at, &row.pair.incident, class).await {
            Ok(incident) => {
                reading.asked = Some(engine.now());
                match sentinel.comments(&at, &row.pair.incident, class).await {
                    Ok(comments) => {
                        reading.deleted = Some(digest::observed(&row).deleted_by(&incident, &comments));
                        reading.comments = Some(comments);
                    }
                    Err(error) => {
                        let error = unread::named(&incident, error);
                        unread::keep(engine, (id, (row.pair.workspace, &incident.id)), &error);
                        match error.kind {
                            FailureKind::WaitUntil { .. } => note(error),
                            _ => spoiled = Some(error),
                        }
                    }
                }
                let way = (sentinel.as_ref(), &at);
                match alerts::late(engine, (policy, &row), &incident, way, class).await {
                    Ok(evidence) => {
                        engine.schedule().alerts_read(id);
                        let known = evidence.as_ref().or(row.evidence.as_ref());
                        alerts::look_later(engine, policy, &row.pair, &incident, known);
                        if let Some(evidence) = &evidence {
                            alerts::first_look(&row, evidence, &mut joined);
                        }
                        reading.evidence = evidence;
                    }
                    Err(error) if matches!(error.kind, FailureKind::WaitUntil { .. }) => note(error),
                    Err(error) => spoiled = Some(unread::keep_alerts(engine, id, &incident, error)),
                }
                let mut taken = true;
                if merges::survivor_wanted(&row, &incident) {
                    match merges::by_alerts(engine, &row, incident.modified, sentinel.as_ref(), &at).await? {
                        Ok(found) => joined.extend(found.map(|survivor| Fact::SurvivorFound { pair: id, survivor })),
                        Err(error) => {
                            // It is not taken for one without a survivor meanwhile.
                            taken = false;
                            note(error);
                        }
                    }
                }
                reading.incident = taken.then_some(incident);
            }
            // One that is still to be made is not there yet, and not gone.
            Err(error) if error.kind == FailureKind::Gone && row.subject.incident.drafted() => {}
            Err(error) if error.kind == FailureKind::Gone => missing.push(Side::Sentinel),
            Err(error) => note(error),
        },
        (Err(error), _) => note(error),
        (Ok(_), None) => {}
    }
    if let Some(ticket) = row.pair.ticket.filter(|_| reads(Side::Halo)) {
        let halo = engine.registry.halo(row.pair.halo);
        match halo.and_then(|halo| room(engine, row.pair.halo, class).map(|()| halo)) {
            Ok(halo) => match halo.ticket(ticket, class).await {
                Ok(read) => {
                    match halo.counted_actions(ticket, class).await {
                        Ok((actions, none)) => (reading.actions, reading.none) = (Some(actions), none),
                        Err(error) => {
                            reading.unread = moved_since(row.ticket.as_ref(), &read);
                            alone = Some(error.clone());
                            note(error);
                        }
                    }
                    (reading.ticket, reading.sure) = (Some(read), true);
                }
                Err(error) if error.kind == FailureKind::Gone && !sight::is_lost(engine, row.pair.halo) => {
                    missing.push(Side::Halo);
                }
                Err(error) => {
                    alone = Some(error.clone());
                    note(error);
                }
            },
            Err(error) => note(error),
        }
    }
    let standing = engine.schedule().instances.get(&row.pair.halo).cloned();
    // While its whole instance fails it is asked for like all others.
    let fails = standing.is_some_and(|standing| standing.last_failure.is_some());
    let alone = alone.filter(|failure| unread::may_be_its_own(failure) && !(fails && failure.retryable()));
    match (row.pair.ticket, &alone) {
        (Some(ticket), Some(failure)) => {
            let whose = Whose { halo: row.pair.halo, client: row.pair.client, ticket };
            unread::keep_ticket(engine, id, whose, failure);
        }
        _ if row.pair.ticket.is_none() || missing.contains(&Side::Halo) => {
            engine.schedule().unread.remove(&(id, Side::Halo));
        }
        _ => {}
    }
    let now = engine.now();
    let mut facts = joined;
    if reading.ticket.as_ref().is_some_and(|ticket| !ticket.deleted && ticket.merged_into.is_none()) {
        facts.extend(put_back::shows_again(&row, Side::Halo, now));
    }
    if reading.incident.is_some() {
        facts.extend(put_back::shows_again(&row, Side::Sentinel, now));
    }
    if hurried {
        facts.extend(row.operations.iter().filter_map(|operation| due_now(id, operation, now)));
    }
    // Of two records that are gone the ticket is the one that is told of.
    let gone = missing.last().copied();
    let shows = row.pair.born() + forth::MAY_NOT_SHOW_YET;
    if gone.is_some() && now < shows {
        // So young a record may only not show yet: it is asked for once more when it must.
        engine.schedule().later_looks.insert(id, shows);
    }
    let there = |side| match side {
        Side::Sentinel => reading.incident.is_some(),
        Side::Halo => reading.ticket.is_some(),
    };
    match (row.pair.gone, gone) {
        (_, Some(_)) if now < shows => {}
        (before, Some(side)) if before != Some(side) => {
            if side == Side::Sentinel {
                engine.schedule().later_looks.entry(id).or_insert(now + put_back::LOOKED_FOR);
            }
            facts.push(Fact::RecordGone { pair: id, side, gone: true });
        }
        (Some(side), None) if there(side) => facts.push(Fact::RecordGone { pair: id, side, gone: false }),
        _ => {}
    }
    let failed = failure.as_ref().or(spoiled.as_ref());
    if let Some(failure) = failed {
        tracing::warn!(pair.id = %id, error = %failure, "a pair could not be read whole");
    } else {
        let mut schedule = engine.schedule();
        if reads(Side::Sentinel) {
            schedule.unread.remove(&(id, Side::Sentinel));
        }
        if again.is_none() {
            let looked = &mut schedule.looked;
            if looked.len() >= LOOKED_KEPT {
                looked.clear();
            }
            looked.insert(id, now);
        }
    }
    // What belongs to one record alone has set its own time.
    if let Some(failure) = failure.as_ref().filter(|failure| failure.retryable() && alone.is_none()) {
        let at = match failure.kind {
            FailureKind::WaitUntil { at } => own_wait(at, 3, salt(&id.0), now),
            _ => now + SignedDuration::from_secs(30),
        };
        let mut schedule = engine.schedule();
        match failure.kind {
            _ if again.is_none() => {
                schedule.later_looks.insert(id, at);
            }
            FailureKind::WaitUntil { .. } => schedule.ask_at(id, at),
            // The wait of what is unread grows.
            _ => {}
        }
    }
    let comes = rebuild::comes(engine, &row, &reading, failed, gone.is_some() && now >= shows);
    reading.anew = matches!(comes, rebuild::Comes::Done);
    if matches!(comes, rebuild::Comes::Later) {
        engine.schedule().later_looks.entry(id).or_insert(now + SignedDuration::from_secs(30));
    }
    reading.grounds = meanwhile::grounds(&row, &facts);
    digest::known_pair(engine, id, Some(at_hand), facts, reading, false).await?;
    rebuild::ended(engine, id, comes).await
}

/// Whether a ticket and its notes can be read one after the other. With a place for the ticket alone it would be read again
/// and again: others take the next one before its notes can be read.
fn room(engine: &Engine, halo: ConnectionId, class: Class) -> Result<(), Failure> {
    let now = engine.now();
    let Some(budget) = engine.registry.halo_budget(halo) else { return Ok(()) };
    let at = budget.free_at(now, Kind::Halo, class, 2);
    if at <= now { Ok(()) } else { Err(own_wait_for(at, budget.told_until(now))) }
}
