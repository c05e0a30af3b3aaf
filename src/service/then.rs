//! A pair as it stood after any entry of the ledger: both sides, what they agreed on, and the queue. Replayed, not kept.

use std::collections::BTreeSet;

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::{App, error::ServiceError, fault, unlinked};
use crate::{
    domain::{
        group::{Group, Mate},
        ids::PairId,
        incident::{Evidence, Incident},
        pair::Pair,
    },
    engine::digest::replayed,
    ledger::{entry::Seq, fact::Fact},
    store::{Item, SituationRow},
};

/// Entries that are read at a time: so many are held in memory, however long a history is.
const AT_ONCE: u32 = 2_000;
/// Unlinkings from a ticket that are looked through for those who shared it: as many as a group may have.
const UNLINKED: u32 = 100;

/// What is said of a moment before the pair was made.
pub const NOT_YET: &str = "The incident was not linked yet at that moment. What follows is how it stands now.";

/// What an address asks to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// As it stands.
    Now,
    /// As it stood after an entry.
    Entry(Seq),
    /// As it stood at a moment.
    Moment(Timestamp),
    /// Something that is neither.
    Unreadable,
}

impl Then {
    /// The number of an entry, a moment with its zone, or one by the reader's clock (`2026-11-28T08:00`).
    pub fn parse(text: &str, zone: &TimeZone) -> Self {
        // A blank between date and time is what people write.
        let text = text.trim().replacen(' ', "T", 1);
        let by_the_clock = || text.parse::<DateTime>().ok()?.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp());
        match text.parse() {
            _ if text.is_empty() => Self::Now,
            Ok(seq) => Self::Entry(Seq(seq)),
            Err(_) => text.parse().ok().or_else(by_the_clock).map_or(Self::Unreadable, Self::Moment),
        }
    }
}

/// The entry after which everything is to be shown, none for how it stands now; or why there is no such moment, in words.
///
/// # Errors
/// The ledger cannot be read.
pub async fn entry(app: &App, then: Then) -> Result<Result<Option<Seq>, String>, ServiceError> {
    let failed = |e| fault("read the ledger", &e);
    Ok(match then {
        Then::Now => Ok(None),
        Then::Entry(seq) => {
            let newest = app.store.latest_seq().await.map_err(failed)?;
            let none = || format!("The ledger has no entry {} yet. What follows is how it stands now.", seq.0);
            if seq > newest { Err(none()) } else { Ok(Some(seq)) }
        }
        Then::Moment(moment) if moment > app.clock.now() => {
            Err("That moment has not come yet. What follows is how it stands now.".to_owned())
        }
        Then::Moment(moment) => Ok(Some(app.store.entry_at(moment).await.map_err(failed)?)),
        Then::Unreadable => Err("That is no moment. Give a date and a time, such as 2026-11-28T08:00.".to_owned()),
    })
}

/// The pair as it stood after entry `at`, and when that was; `None` when it was no pair yet.
///
/// # Errors
/// The ledger cannot be read.
pub async fn situation(app: &App, pair: &Pair, at: Seq) -> Result<Option<(SituationRow, Timestamp)>, ServiceError> {
    situation_by(app, pair, at, AT_ONCE).await
}

/// The same, with so many entries read at a time.
///
/// # Errors
/// The ledger cannot be read.
pub async fn situation_by(
    app: &App,
    pair: &Pair,
    at: Seq,
    at_once: u32,
) -> Result<Option<(SituationRow, Timestamp)>, ServiceError> {
    let failed = |e| fault("read a history", &e);
    let mut replay = Replay { pair, incident: None, evidence: None, row: None, at: None };
    let mut of_incident = app.store.incident_history(&pair.incident, at).await.map_err(failed)?.into_iter().peekable();
    let mut after = Seq::default();
    loop {
        let items = app.store.timeline_on(pair.id, after, at, at_once).await.map_err(failed)?;
        let Some(last) = items.last().map(|item| item.entry.seq) else { break };
        for item in &items {
            while let Some(earlier) = of_incident.next_if(|one| one.entry.seq < item.entry.seq) {
                replay.take(&earlier);
            }
            replay.take(item);
        }
        after = last;
    }
    for item in of_incident {
        replay.take(&item);
    }
    Ok(replay.row.zip(replay.at))
}

/// The same, with the others of its group as they stood then.
///
/// # Errors
/// The ledger cannot be read.
pub(super) async fn in_its_group(
    app: &App,
    pair: &Pair,
    at: Seq,
) -> Result<Option<(SituationRow, Timestamp)>, ServiceError> {
    let Some((mut row, when)) = situation(app, pair, at).await? else { return Ok(None) };
    if let Some(group) = &row.pair.group {
        row.mates = mates(app, &row.pair, group, at).await?;
    }
    Ok(Some((row, when)))
}

/// The other pairs of a group after entry `at`, in the order in which they were opened: those that are pairs still, and
/// those that were taken off the ticket since.
async fn mates(app: &App, pair: &Pair, group: &Group, at: Seq) -> Result<Vec<Mate>, ServiceError> {
    let failed = |e| fault("read a group", &e);
    let members = app.store.group_members(group.first).await.map_err(failed)?;
    let mut members: BTreeSet<PairId> = members.into_iter().collect();
    if let Some(ticket) = pair.ticket {
        let unlinkings = app.store.unlinked_from(ticket, UNLINKED).await.map_err(failed)?;
        members.extend(unlinkings.iter().filter(|item| item.entry.seq > at).filter_map(|item| item.entry.pair));
    }
    members.remove(&pair.id);
    let mut mates = Vec::new();
    for member in members {
        let Some(opened) = unlinked::opened(app, member).await? else { continue };
        // Tickets of several instances share a number.
        let here = opened.group.as_ref().is_some_and(|of| of.first == group.first);
        if here && opened.client == pair.client {
            mates.extend(situation(app, &opened, at).await?.map(|(row, _)| row.into_mate()));
        }
    }
    Ok(mates)
}

struct Replay<'a> {
    pair: &'a Pair,
    /// As read before the pair was opened.
    incident: Option<Incident>,
    evidence: Option<Evidence>,
    row: Option<SituationRow>,
    at: Option<Timestamp>,
}

impl Replay<'_> {
    fn take(&mut self, item: &Item) {
        // What was erased is told of by the entries' details alone.
        let Some(fact) = &item.fact else { return };
        let elsewhere = match fact {
            Fact::IncidentRead { workspace, .. } | Fact::EvidenceRead { workspace, .. } => {
                *workspace != self.pair.workspace
            }
            _ => false,
        };
        if elsewhere {
            return;
        }
        match (fact, &mut self.row) {
            (Fact::PairOpened { pair }, _) => {
                let begun = |incident| SituationRow {
                    evidence: self.evidence.clone(),
                    ..SituationRow::begun((**pair).clone(), incident, item.entry.at)
                };
                self.row = self.incident.clone().map(begun);
            }
            (Fact::IncidentRead { incident, .. }, None) => self.incident = Some((**incident).clone()),
            (Fact::EvidenceRead { evidence, .. }, None) => self.evidence = Some((**evidence).clone()),
            (fact, Some(row)) => replayed(row, fact, item.entry.at),
            (_, None) => {}
        }
        if self.row.is_some() {
            self.at = Some(item.entry.at);
        }
    }
}
