//! Copies of the data directory that run beside the original.
//!
//! One knows itself by its mark and only reads. The other writes: a copy of the whole machine, or one that somebody confirmed. It
//! and the original write to the same pairs until one has met what the other wrote, or for some hours; then a person
//! ends it and confirms the original, if that has noticed something.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    bugs::Bug,
    dice::Dice,
    nemesis::Nemesis,
    shape::Shape,
    story::Who,
    strikes::Strike,
    watch::{By, IncidentKey, Order, Version, Watch, Write},
    world::{Broken, Event, World},
};
use crate::{
    domain::{ids::REFERENCE_LENGTH, second_writer::SecondWriter},
    store::{Store, StoreError},
};

/// Place of the process that runs on a copied data directory.
pub(super) const COPY: usize = 1;

/// The first worlds know no copy that writes; of those from here on one in so many does, where there is time enough.
const NONE_BELOW: u64 = 100;
const EVERY: u64 = 32;
const THE_ONE: u64 = 12;
/// One in so many of those is one in which both meet bursts of news at the same moment, so many times.
const BURST_EVERY: u64 = 3;
const BURSTS: u32 = 3;
/// Shorter worlds have none: what is younger than an hour is no sign of a second writer.
const LASTS: SignedDuration = SignedDuration::from_hours(2);
/// It begins so late at the earliest, in milliseconds.
const BEGINS_MS: i64 = 70 * 60_000;
/// So often somebody looks how it stands: while much happens, and when hardly anything does.
const LOOK_MS: i64 = 5 * 60_000;
const LOOK_SELDOM_MS: i64 = 30 * 60_000;
/// So long after the copy began, and after one another, bursts come.
const BURST_MS: i64 = 60_000;
/// So long after its end all that it sent has arrived, and the original has read it: it polls every quarter of an hour or more
/// often.
const SETTLES: SignedDuration = SignedDuration::from_mins(20);

const RAN: &str = "copies that wrote";
const MET: &str = "bursts that both met at once";
const NOTICED: &str = "second writer noticed by the original";
const NOTICED_THERE: &str = "second writer noticed by the copy";
const TICKETS: &str = "tickets that both made";
const NOTES: &str = "notes that both wrote";
const COMMENTS: &str = "notes that both told in comments";
const CLOSINGS: &str = "closings that both sent";

/// What came of copies that write, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copies(BTreeMap<&'static str, u64>);

impl Copies {
    /// All that is counted, in the order of the table that is printed.
    pub const ALL: &[&str] = &[RAN, MET, NOTICED, NOTICED_THERE, TICKETS, NOTES, COMMENTS, CLOSINGS];
    /// Of those, what was made twice.
    const DOUBLES: &[&str] = &[TICKETS, NOTES, COMMENTS, CLOSINGS];

    fn note(&mut self, what: &'static str, more: u64) {
        *self.0.entry(what).or_default() += more;
    }

    /// How often.
    pub fn count(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }

    /// Copies that wrote.
    pub fn ran(&self) -> u64 {
        self.count(RAN)
    }

    /// What was made twice.
    pub fn doubles(&self) -> u64 {
        Self::DOUBLES.iter().map(|what| self.count(what)).sum()
    }

    /// Adds another world's.
    pub fn add(&mut self, other: &Self) {
        for (what, more) in &other.0 {
            *self.0.entry(*what).or_default() += *more;
        }
    }
}

/// The copy that writes, where a world has one.
pub struct Beside {
    dice: Dice,
    has: bool,
    /// Bursts that are to come.
    bursts: u32,
    /// That it ran, or runs.
    pub ran: Option<Ran>,
    /// What came of it.
    pub counted: Copies,
}

impl Beside {
    /// The one of a world: drawn by itself, so that everything else stays as it is.
    pub fn of(shape: &Shape) -> Self {
        let has = shape.seed >= NONE_BELOW && shape.seed % EVERY == THE_ONE && shape.span >= LASTS;
        let bursts = if has && (shape.seed / EVERY) % BURST_EVERY == 1 { BURSTS } else { 0 };
        Self { dice: Dice::of(shape.seed, "second writer"), has, bursts, ran: None, counted: Copies::default() }
    }

    /// Whether one runs now.
    pub fn writes(&self) -> bool {
        self.ran.as_ref().is_some_and(|ran| ran.ended.is_none())
    }
}

/// When a copy wrote beside the original. What both made in this time is its doing.
#[derive(Debug)]
pub struct Ran {
    /// When it began.
    pub began: Timestamp,
    /// When it was ended.
    pub ended: Option<Timestamp>,
    /// Who noticed the other one, and when.
    pub stills: Vec<Still>,
    /// When it is ended, at the latest.
    ends: Timestamp,
    /// Its beginning in the order of things, and when the original could have read all that it wrote.
    from: Order,
    until: Option<Order>,
}

impl Ran {
    /// One that has just begun, and is ended by then.
    pub fn begun(began: Timestamp, ends: Timestamp, from: Order) -> Self {
        Self { began, ended: None, stills: Vec::new(), ends, from, until: None }
    }

    /// A person has ended it.
    pub fn end(&mut self, at: Timestamp, order: Order) {
        self.ended = Some(at);
        for still in self.stills.iter_mut().filter(|still| still.host == COPY) {
            still.until = Some(order);
        }
    }

    /// The original could have read by then all that it wrote.
    pub fn settle(&mut self, order: Order) {
        self.until = Some(order);
    }

    /// Whether both may have written then.
    pub fn holds(&self, order: Order) -> bool {
        order >= self.from && self.until.is_none_or(|until| order < until)
    }

    /// How long it ran.
    pub fn lasted(&self, now: Timestamp) -> SignedDuration {
        self.ended.unwrap_or(now).duration_since(self.began)
    }
}

/// A process that has noticed the other one: it writes nothing until a person confirms.
#[derive(Debug)]
pub struct Still {
    /// Which process.
    pub host: usize,
    /// When that was seen, by which time it had noticed.
    pub at: Timestamp,
    /// The same in the order of things.
    pub order: Order,
    /// When it was confirmed, or ended.
    pub until: Option<Order>,
}

impl World {
    /// A copy is started that notices the other file's mark.
    ///
    /// # Errors
    /// The simulation could not.
    pub(super) fn start_copy(&mut self) -> Result<(), Broken> {
        let Some(store) = self.host(0).filter(|_| self.host(COPY).is_none()).map(|host| host.store.clone()) else {
            return Ok(());
        };
        let copy = self.snapshot(&store)?;
        // The mark in the data directory is another file's, so the copy only reads (see `cli::running`).
        self.start_host(COPY, &copy, !self.bugs.has(Bug::CopyWrites))?;
        self.coverage.struck(Nemesis::TwoInstances);
        self.strikes.copied = true;
        self.excuse();
        self.tell(Who::Nemesis, "a copy of the data directory is started beside the original");
        Ok(())
    }

    /// It is ended.
    pub(super) fn end_copy(&mut self) {
        if self.host(COPY).is_some() && !self.strikes.beside.writes() {
            self.drop_copy();
            self.tell(Who::Admin, "ends the copy");
        }
    }

    fn drop_copy(&mut self) {
        self.kill(COPY);
        self.forget_tasks();
        self.disks.remove(&COPY);
        self.excuse();
    }

    /// Decides when a copy that writes is started.
    pub(super) fn plan_copy_that_writes(&mut self) {
        let span = i64::try_from(self.shape.span.as_millis()).unwrap_or(i64::MAX);
        let beside = &mut self.strikes.beside;
        if beside.has {
            let at = beside.dice.between(BEGINS_MS, span * 6 / 10);
            self.later(at, Event::Strike(Strike::CopyWrites));
        }
    }

    /// Somebody looks after the copy that writes: it is started, both are asked whether they have noticed, it is ended, the
    /// original is confirmed.
    ///
    /// # Errors
    /// The simulation could not.
    pub(super) fn copy_writes(&mut self) -> Result<(), Broken> {
        let now = self.now();
        if self.strikes.beside.ran.is_none() {
            if self.calm {
                return Ok(());
            }
            self.start_copy_that_writes()?;
        } else {
            self.note_who_noticed()?;
            if self.strikes.beside.writes() {
                self.excuse();
                self.burst()?;
                if self.strikes.beside.ran.as_ref().is_some_and(|ran| ran.ends <= now) {
                    self.end_copy_that_writes()?;
                }
            } else {
                self.tell_doubles();
                self.confirm_original()?;
            }
        }
        let settled = self.strikes.beside.ran.as_ref().is_some_and(|ran| ran.until.is_some());
        let next = if self.strikes.beside.writes() && self.strikes.beside.bursts > 0 {
            BURST_MS
        } else if self.calm && settled {
            LOOK_SELDOM_MS
        } else {
            LOOK_MS
        };
        self.later(next, Event::Strike(Strike::CopyWrites));
        Ok(())
    }

    /// Where the original runs, knows all that it wrote and nobody else writes.
    fn start_copy_that_writes(&mut self) -> Result<(), Broken> {
        let strikes = &self.strikes;
        let free = strikes.restored.is_empty() && !strikes.unconfirmed && !strikes.disk_full;
        let alone = self.host(COPY).is_none() && !self.disks.contains_key(&COPY);
        let Some(store) = self.host(0).filter(|_| free && alone).map(|host| host.store.clone()) else {
            return Ok(());
        };
        let copy = self.snapshot(&store)?;
        self.start_host(COPY, &copy, false)?;
        let now = self.now();
        let dice = &mut self.strikes.beside.dice;
        // One that was confirmed looks for what the original may have made before it makes anything.
        let confirmed = dice.chance(0.5) && self.strikes.beside.bursts == 0;
        let dice = &mut self.strikes.beside.dice;
        let ends = now + SignedDuration::from_secs(dice.spread(5_400.0, 8.0 * 3_600.0) as i64);
        if let Some(store) = self.host(COPY).map(|host| host.store.clone()).filter(|_| confirmed) {
            self.with_store(&store, move |store| async move { store.forgot_until(now).await })?
                .map_err(|error| Broken::Own(error.to_string()))?;
        }
        self.watch.copied(COPY);
        let from = self.watch.next_order();
        self.strikes.beside.ran = Some(Ran::begun(now, ends, from));
        self.strikes.beside.counted.note(RAN, 1);
        self.excuse();
        let told = if confirmed { "a copy of the data directory is confirmed and" } else { "a copy of the machine" };
        self.tell(Who::Nemesis, format!("{told} writes beside the original"));
        Ok(())
    }

    /// Asks both whether they have noticed the other one. Whoever has says so to a person, who comes in minutes or hours.
    fn note_who_noticed(&mut self) -> Result<(), Broken> {
        let now = self.now();
        let places: &[usize] = if self.strikes.beside.writes() { &[0, COPY] } else { &[0] };
        for place in places.iter().copied() {
            let known = self.strikes.beside.ran.as_ref().into_iter().flat_map(|ran| &ran.stills);
            let known = known.filter(|still| still.host == place).any(|still| still.until.is_none());
            let Some(store) = self.store_of(place).filter(|_| !known) else { continue };
            let Some(found) = self.second_writer_in(&store)? else { continue };
            let order = self.watch.next_order();
            let what = if place == 0 { NOTICED } else { NOTICED_THERE };
            self.strikes.beside.counted.note(what, 1);
            self.tell(Who::Us(place), format!("has noticed a second writer: {}, {}", found.words(), found.at));
            let beside = &mut self.strikes.beside;
            let Some(ran) = &mut beside.ran else { continue };
            ran.stills.push(Still { host: place, at: now, order, until: None });
            if ran.ended.is_none() {
                let comes = now + SignedDuration::from_secs(beside.dice.spread(600.0, 4.0 * 3_600.0) as i64);
                ran.ends = ran.ends.min(comes);
            }
        }
        Ok(())
    }

    /// A burst of news that both meet at once, as long as neither has noticed the other one.
    fn burst(&mut self) -> Result<(), Broken> {
        let beside = &mut self.strikes.beside;
        if self.calm || beside.bursts == 0 || beside.ran.as_ref().is_none_or(|ran| !ran.stills.is_empty()) {
            beside.bursts = 0;
            return Ok(());
        }
        beside.bursts -= 1;
        beside.counted.note(MET, 1);
        self.have_a_burst()
    }

    /// The database of a process, running or not.
    fn store_of(&self, place: usize) -> Option<Store> {
        let running = self.host(place).map(|host| &host.store);
        running.or_else(|| self.disks.get(&place)).cloned()
    }

    fn second_writer_in(&self, store: &Store) -> Result<Option<SecondWriter>, Broken> {
        let found = self.with_store(store, |store| async move { store.second_writer().await })?;
        found.map_err(|error| Broken::Own(error.to_string()))
    }

    /// A person ends the copy that writes.
    ///
    /// # Errors
    /// The simulation could not.
    pub(super) fn end_copy_that_writes(&mut self) -> Result<(), Broken> {
        if !self.strikes.beside.writes() {
            return Ok(());
        }
        self.note_who_noticed()?;
        self.drop_copy();
        self.tell(Who::Admin, "ends the copy that writes, for good");
        let (now, order) = (self.now(), self.watch.next_order());
        if let Some(ran) = &mut self.strikes.beside.ran {
            ran.end(now, order);
        }
        Ok(())
    }

    /// Once the original could have read all that the copy wrote: what both made.
    fn tell_doubles(&mut self) {
        let now = self.now();
        let Some(ran) = &mut self.strikes.beside.ran else { return };
        if ran.until.is_some() || ran.ended.is_none_or(|ended| now < ended + SETTLES) {
            return;
        }
        ran.settle(self.watch.next_order());
        let lasted = ran.lasted(now).as_mins();
        let found = doubles(ran, &self.watch);
        let told: Vec<String> = found.iter().map(|(what, count)| format!("{what}: {count}")).collect();
        for (what, count) in found {
            self.strikes.beside.counted.note(what, count);
        }
        self.tell(Who::Nemesis, format!("the copy wrote for {lasted} min; {}", told.join(", ")));
    }

    /// A person confirms the original, which has noticed the copy, as `serve --confirm-instance` does it.
    fn confirm_original(&mut self) -> Result<(), Broken> {
        let now = self.now();
        let noticed = |still: &Still| still.host == 0 && still.until.is_none() && still.at < now;
        let waits = self.strikes.beside.ran.as_ref().is_some_and(|ran| ran.stills.iter().any(noticed));
        // A full disk would keep it from being written down.
        if !waits || self.strikes.disk_full {
            return Ok(());
        }
        self.kill(0);
        let Some(store) = self.disks.get(&0).cloned() else { return Ok(()) };
        let confirmed = self.with_store(&store, move |store| async move {
            if store.second_writer().await?.is_some() {
                store.forgot_until(now).await?;
            }
            Ok::<(), StoreError>(())
        })?;
        confirmed.map_err(|error| Broken::Own(error.to_string()))?;
        self.forget_tasks();
        self.lose_receipts(0);
        let order = self.watch.next_order();
        if let Some(ran) = &mut self.strikes.beside.ran {
            ran.stills.iter_mut().filter(|still| noticed(still)).for_each(|still| still.until = Some(order));
        }
        self.restart_host(0, false);
        self.excuse();
        self.tell(Who::Admin, "confirms the original and starts it again");
        Ok(())
    }
}

/// What both made while a copy wrote.
fn doubles(ran: &Ran, watch: &Watch) -> [(&'static str, u64); 4] {
    let mut made: BTreeMap<(&'static str, String), (u64, u64)> = BTreeMap::new();
    let mut closings = 0;
    for write in watch.writes.iter().filter(|write| write.status < 300 && ran.holds(write.order)) {
        for key in texts(write) {
            let (here, there) = made.entry(key).or_default();
            *(if write.host > 0 { there } else { here }) += 1;
        }
        closings += u64::from(closed_already(watch, write));
    }
    let of = |what: &str| {
        made.iter().filter(|((kind, _), _)| *kind == what).map(|(_, (here, there))| *here.min(there)).sum::<u64>()
    };
    [(TICKETS, of(TICKETS)), (NOTES, of(NOTES)), (COMMENTS, of(COMMENTS)), (CLOSINGS, closings)]
}

/// What a write made that a second one would make twice: a ticket and a note by the reference that they carry, a comment by
/// the words of people's in it.
fn texts(write: &Write) -> Vec<(&'static str, String)> {
    if !write.made {
        return Vec::new();
    }
    let text = |pointer: &str| write.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    match write.kind.as_str() {
        "halo.tickets.post" if write.body.pointer("/0/id").is_none() => {
            reference_in(text("/0/details_html")).map(|found| (TICKETS, found.to_owned())).into_iter().collect()
        }
        "halo.actions.post" => {
            let on = |found: &str| (NOTES, format!("{found} on #{}", write.ticket.unwrap_or_default()));
            reference_in(text("/0/note_html")).map(on).into_iter().collect()
        }
        "sentinel.comment.put" => {
            let name = write.incident.as_ref().map(|(_, name)| name.as_str()).unwrap_or_default();
            marks_in(text("/properties/message")).map(|mark| (COMMENTS, format!("{mark} on {name}"))).collect()
        }
        _ => Vec::new(),
    }
}

/// The reference of ours that a text carries.
pub(super) fn reference_in(text: &str) -> Option<&str> {
    let at = text.find("HB-")?;
    text.get(at..at + REFERENCE_LENGTH)
}

/// The marks of what people wrote that stand in a text.
pub(super) fn marks_in(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("mk").filter_map(|(at, _)| {
        let mark = text.get(at..at + "mk000000".len())?;
        mark.bytes().skip(2).all(|digit| digit.is_ascii_digit()).then_some(mark)
    })
}

/// Whether a write closes what the other process had closed, and changes nothing by it.
fn closed_already(watch: &Watch, write: &Write) -> bool {
    let incident = |key: &IncidentKey| {
        let closes = write.body.pointer("/properties/status").and_then(Value::as_str) == Some("Closed");
        closes && stood(watch.incidents.get(key), write, |value| value.status == "Closed")
    };
    let ticket = |ticket: i64| {
        let status = write.body.pointer("/0/status_id").and_then(Value::as_i64);
        status.is_some()
            && stood(watch.tickets.get(&ticket), write, |value| value.closed && Some(value.status_id) == status)
    };
    match (write.kind.as_str(), &write.incident, write.ticket) {
        ("sentinel.incident.put", Some(key), _) => incident(key),
        ("halo.tickets.post", _, Some(number)) if write.body.pointer("/0/id").is_some() => ticket(number),
        _ => false,
    }
}

/// Whether a record stood like this before a write, by the other process, and as a whole it stood so after it.
fn stood<T>(versions: Option<&Vec<Version<T>>>, write: &Write, like: impl Fn(&T) -> bool) -> bool {
    let versions = versions.map_or(&[][..], Vec::as_slice);
    let before = versions.iter().rev().find(|version| version.order < write.order);
    // The onlooker looks at both sides right after a write.
    let changed = versions.iter().any(|version| (write.order..=write.order + 2).contains(&version.order));
    let other = |by: By| matches!(by, By::Us(host) if host != write.host);
    !changed && before.is_some_and(|version| other(version.by) && like(&version.value))
}
