//! A simulated world: both clouds, people, misfortune and our processes, under one clock that jumps from one
//! event to the next.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    bugs::Bugs,
    carry::Flight,
    dice::Dice,
    executor::{End, Executor, TaskId},
    host::{Host, HostClock, Making, key},
    mapping,
    nemesis::Coverage,
    people::People,
    shape::{ORIGIN, Shape},
    story::{Story, Who},
    strikes::Strikes,
    watch::Watch,
    webhooks::Receipts,
    wire::{CallId, Wires},
};
use crate::{
    clock::{Clock as _, ManualClock},
    config::fault::Severity,
    service::configuration,
    store::{Snapshot, Store},
    twin::{Twin, wire::Outgoing},
};

/// How long everything is left alone at the end: longer than any retry, any late incident and two full lists.
const QUIET: SignedDuration = SignedDuration::from_hours(16);
/// In quiet time the clock jumps by at least this while nothing is under way.
const QUIET_STEP: SignedDuration = SignedDuration::from_mins(20);
/// After so long hardly anything is left to be done: it jumps by more, but where hundreds of comments are read again.
const QUIET_FIRST: SignedDuration = SignedDuration::from_hours(4);
const QUIET_STRIDE: SignedDuration = SignedDuration::from_hours(1);
/// Steps after which a world counts as never coming to rest.
const STEPS_MAX: u64 = 3_000_000;

/// What happens at a moment.
pub enum Event {
    /// A person does something.
    Act,
    /// A call reaches the other side.
    Arrive(CallId),
    /// Its answer reaches us.
    Answer(CallId),
    /// A webhook reaches us.
    Deliver(Box<Outgoing>),
    /// Something goes wrong.
    Strike(super::strikes::Strike),
    /// Nothing goes wrong any more; an admin sees to what waits.
    Calm,
}

/// Why a world could not be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// The simulation itself failed.
    Own(String),
    /// The program did something that no program may do.
    Program(String),
}

/// One world.
pub struct World {
    /// What was decided before it began.
    pub shape: Shape,
    /// Bugs planted in it.
    pub bugs: Bugs,
    /// Processes keep nothing in memory.
    pub anew: bool,
    /// The true time.
    pub clock: ManualClock,
    /// Both clouds.
    pub twin: Twin,
    /// The twin's line: addresses and credentials.
    pub line: Value,
    /// The secret that Microsoft's side takes now, and the one the installation has.
    pub secret: String,
    /// Processes by place; `None` = not running.
    pub hosts: Vec<Option<Host>>,
    /// The databases of processes that do not run, by place.
    pub disks: BTreeMap<usize, Store>,
    /// Calls under way.
    pub flights: BTreeMap<CallId, Flight>,
    /// Their transport.
    pub wires: Wires,
    /// What people know.
    pub people: People,
    /// What goes wrong and until when.
    pub strikes: Strikes,
    /// The onlooker.
    pub watch: Watch,
    /// What happened.
    pub story: Story,
    /// What went wrong, counted.
    pub coverage: Coverage,
    /// Whether everything is left alone.
    pub calm: bool,
    /// Things done so far by people.
    pub acts: usize,
    /// Chance on the wire.
    pub wire_dice: Dice,
    /// Calls carried out.
    pub calls: u64,
    /// Moments to which the clock jumped.
    pub moments: u64,
    /// Units of work run.
    pub units: u64,
    /// Webhooks being received.
    pub receipts: Receipts,
    /// Number of the newest of them.
    pub next_receipt: u64,
    executor: Executor,
    tasks: BTreeMap<TaskId, String>,
    events: BTreeMap<(i64, u64), Event>,
    next_event: u64,
    starts: u64,
    broken: Option<Broken>,
}

impl World {
    /// A world as its seed decides it, over a migrated database.
    ///
    /// # Errors
    /// What the simulation itself could not do.
    pub fn new(shape: Shape, bugs: Bugs, anew: bool, migrated: &Snapshot) -> Result<Self, Broken> {
        let clock = ManualClock::at(shape.begins);
        let twin = Twin::new(shape.twin(), Arc::new(clock.clone()));
        if let Some(own) = &shape.own {
            mapping::teach(&twin, own);
        }
        let line = twin.connection(ORIGIN);
        let secret = line.pointer("/microsoft/client_secret").and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut story = Story::default();
        story.tell(shape.begins, Who::Admin, shape.words());
        let mut world = Self {
            people: People::new(&shape),
            strikes: Strikes::none(&shape),
            wire_dice: Dice::of(shape.seed, "wire"),
            bugs: bugs.fresh(),
            anew,
            twin,
            line,
            secret,
            hosts: Vec::new(),
            disks: BTreeMap::new(),
            flights: BTreeMap::new(),
            wires: Wires::default(),
            watch: Watch::default(),
            story,
            coverage: Coverage::default(),
            calm: false,
            acts: 0,
            calls: 0,
            moments: 0,
            units: 0,
            receipts: Receipts::default(),
            next_receipt: 0,
            executor: Executor::default(),
            tasks: BTreeMap::new(),
            events: BTreeMap::new(),
            next_event: 0,
            starts: 0,
            broken: None,
            clock,
            shape,
        };
        world.start_host(0, migrated, false)?;
        world.apply(0)?;
        if world.shape.webhooks {
            world.connect_webhooks();
        }
        world.plan_acts();
        world.plan_strikes();
        Ok(world)
    }

    /// The true time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// When everything is left alone.
    pub fn calm_from(&self) -> Timestamp {
        self.shape.begins + self.shape.span
    }

    /// Something happens `ms` milliseconds from now.
    pub fn later(&mut self, ms: i64, event: Event) {
        self.at(self.now() + SignedDuration::from_millis(ms.max(0)), event);
    }

    /// Something happens at a moment.
    pub fn at(&mut self, at: Timestamp, event: Event) {
        self.next_event += 1;
        self.events.insert((at.as_millisecond(), self.next_event), event);
    }

    /// The client of this number in Halo.
    pub fn halo_client_id(&self, client: usize) -> i64 {
        self.shape.product.first_client_id() + i64::try_from(client).unwrap_or(0)
    }

    /// Adds a line to the story.
    pub fn tell(&mut self, who: Who, text: impl Into<String>) {
        self.story.tell(self.clock.now(), who, text);
    }

    /// The program did what no program may do.
    pub fn fault(&mut self, text: impl Into<String>) {
        self.broken.get_or_insert(Broken::Program(text.into()));
    }

    /// Starts a process from a snapshot of a database.
    ///
    /// # Errors
    /// The simulation could not.
    pub fn start_host(&mut self, place: usize, snapshot: &Snapshot, only_read: bool) -> Result<(), Broken> {
        let making = self.making(place, only_read);
        let clock = HostClock::new(self.clock.clone());
        let host = Host::start(&self.executor, &self.wires, clock, snapshot, &making).map_err(Broken::Own)?;
        self.put_host(host);
        Ok(())
    }

    /// Starts a process over the database it had.
    pub fn restart_host(&mut self, place: usize, only_read: bool) {
        let Some(store) = self.disks.remove(&place) else { return };
        let making = self.making(place, only_read);
        let host = Host::over(&self.wires, HostClock::new(self.clock.clone()), store, &making);
        self.put_host(host);
    }

    fn making(&mut self, place: usize, only_read: bool) -> Making {
        self.starts += 1;
        let seed = Dice::of(self.shape.seed ^ self.starts.wrapping_mul(0x9e37_79b9_7f4a_7c15), "ids").seed();
        Making { place, seed, only_read }
    }

    fn put_host(&mut self, host: Host) {
        self.bugs.plant(&host, self.anew);
        let place = host.place;
        if self.hosts.len() <= place {
            self.hosts.resize_with(place + 1, || None);
        }
        if let Some(slot) = self.hosts.get_mut(place) {
            *slot = Some(host);
        }
    }

    /// A running process.
    pub fn host(&self, place: usize) -> Option<&Host> {
        self.hosts.get(place).and_then(Option::as_ref)
    }

    /// Ends a process at once; its database stays.
    pub fn kill(&mut self, place: usize) {
        let Some(host) = self.hosts.get_mut(place).and_then(Option::take) else { return };
        self.executor.kill(place);
        self.strikes.forget_waits(place);
        self.disks.insert(place, host.store.clone());
        drop(host);
    }

    /// Does something with a database, at once.
    ///
    /// # Errors
    /// The simulation could not.
    pub fn with_store<T: 'static, F>(&self, store: &Store, work: impl FnOnce(Store) -> F) -> Result<T, Broken>
    where
        F: Future<Output = T> + 'static,
    {
        let done = self.executor.block_on(work(store.clone()));
        done.map_err(|end| Broken::Own(format!("the simulation's own look at a database ended: {end:?}")))
    }

    /// The admin sets the installation up (again) by its applied file.
    ///
    /// # Errors
    /// The simulation could not.
    pub fn apply(&mut self, place: usize) -> Result<bool, Broken> {
        let Some(host) = self.host(place) else { return Ok(false) };
        let (store, ids, now) = (host.store.clone(), Arc::clone(&host.ids), self.now());
        let file = self.shape.applied_file(&self.line, &store, &self.secret).map_err(Broken::Own)?;
        let applied = self.with_store(&store, |store| async move {
            let options = configuration::ReadOptions::default();
            let reading = configuration::read(&file, Some(&store), false, &options).await.map_err(|e| e.to_string())?;
            let wrong: Vec<String> = reading
                .faults
                .iter()
                .filter(|fault| fault.severity != Severity::Warning)
                .map(|fault| format!("{fault:?}"))
                .collect();
            match reading.applied {
                Some(applied) if wrong.is_empty() => {
                    configuration::apply(&store, &applied, false, now, &*ids).await.map_err(|e| e.to_string())?;
                    Ok(())
                }
                _ => Err(format!("the applied file has faults: {}", wrong.join("; "))),
            }
        })?;
        // A full disk refuses it; whoever runs the installation tries again later.
        match applied {
            Ok(()) => Ok(true),
            Err(_) if self.strikes.disk_full => Ok(false),
            Err(text) => Err(Broken::Own(text)),
        }
    }

    /// Lives it to its end.
    ///
    /// # Errors
    /// What the program may not do, or the simulation could not.
    pub fn live(&mut self) -> Result<(), Broken> {
        self.at(self.calm_from(), Event::Calm);
        self.live_until(self.calm_from() + QUIET)
    }

    /// Lives it up to a moment.
    ///
    /// # Errors
    /// As [`World::live`].
    pub fn live_until(&mut self, ends: Timestamp) -> Result<(), Broken> {
        for _ in 0..STEPS_MAX {
            self.settle()?;
            let Some(next) = self.next_moment().filter(|next| *next <= ends) else {
                self.clock.set(ends.max(self.now()));
                return Ok(());
            };
            if next > self.now() {
                self.clock.set(next);
            }
            self.moments += 1;
            self.happen()?;
        }
        Err(Broken::Program(format!("the world never comes to rest: {STEPS_MAX} steps and no end")))
    }

    /// When something happens next.
    fn next_moment(&self) -> Option<Timestamp> {
        let event = self.events.first_key_value().and_then(|((ms, _), _)| Timestamp::from_millisecond(*ms).ok());
        let clouds = self.twin.with(|world, _| world.next_due());
        // Whole milliseconds, upwards: what is due within one is due at its end.
        let clouds = clouds.map(|at| Timestamp::from_millisecond(at.as_millisecond() + 1).unwrap_or(at));
        let idle = self.calm && self.flights.is_empty();
        let later = !self.shape.large && self.now() > self.calm_from() + QUIET_FIRST;
        let soonest = match (idle, later) {
            (true, true) => self.now() + QUIET_STRIDE,
            (true, false) => self.now() + QUIET_STEP,
            (false, _) => self.now() + SignedDuration::from_millis(1),
        };
        let ours = self.hosts.iter().flatten().map(|host| host.next_due().max(soonest)).min();
        [event, clouds, ours].into_iter().flatten().min()
    }

    /// Lets happen what is due now.
    fn happen(&mut self) -> Result<(), Broken> {
        let now = self.now();
        for one in self.twin.due_outgoing() {
            self.webhook(one);
        }
        while let Some(entry) = self.events.first_entry().filter(|entry| entry.key().0 <= now.as_millisecond()) {
            let event = entry.remove();
            match event {
                Event::Act => self.act(),
                Event::Arrive(call) => self.arrive(call),
                Event::Answer(call) => self.answer(call),
                Event::Deliver(one) => self.deliver(*one),
                Event::Strike(strike) => self.strike(strike)?,
                Event::Calm => self.come_to_rest()?,
            }
            self.settle()?;
        }
        Ok(())
    }

    /// Runs a task of a process.
    pub fn spawn(&mut self, place: usize, name: String, work: impl Future<Output = ()> + 'static) {
        let id = self.executor.spawn(place, Box::pin(work));
        self.tasks.insert(id, name);
    }

    /// Runs everything that can run, and starts what is due, until all processes stand still.
    pub fn settle(&mut self) -> Result<(), Broken> {
        loop {
            self.run_ready();
            self.take_sent();
            self.settle_receipts();
            let mut started = false;
            for place in 0..self.hosts.len() {
                let Some(host) = self.host(place) else { continue };
                match host.due(&self.executor) {
                    Ok(units) => {
                        for unit in units {
                            let Some(engine) = self.host(place).map(|host| Arc::clone(&host.engine)) else { continue };
                            self.spawn(place, format!("{unit:?}"), async move { engine.run(unit).await });
                            self.units += 1;
                            started = true;
                        }
                    }
                    Err(End::Died) => {
                        self.die(place);
                        started = true;
                    }
                    Err(end) => self.fault(format!("asking what is due ended: {end:?}")),
                }
            }
            if let Some(broken) = self.broken.take() {
                return Err(broken);
            }
            if !started {
                return Ok(());
            }
        }
    }

    fn run_ready(&mut self) {
        loop {
            let hosts = &self.hosts;
            let host = |place: usize| hosts.get(place).and_then(Option::as_ref);
            // Only the polled process's questions for the time may end it.
            for one in hosts.iter().flatten() {
                one.clock_counts(true);
            }
            let step = self.executor.step(|place| host(place).is_some_and(|host| host.store.in_use()));
            for one in self.hosts.iter().flatten() {
                one.clock_counts(false);
            }
            let Some((task, place, end)) = step else { return };
            let Some(end) = end else { continue };
            let name = self.tasks.remove(&task).unwrap_or_default();
            match end {
                End::Done => {}
                End::Died => self.die(place),
                End::Panicked(text) => self.fault(format!("the program panicked in {name}: {text}")),
                End::Stuck => self.fault(format!("{name} waits for the database for ever")),
            }
        }
    }

    /// How often a database was waited for.
    pub fn database_waits(&self) -> u64 {
        self.executor.waits()
    }

    /// Names of the units that have not come to their end.
    pub fn unfinished(&self) -> Vec<String> {
        self.tasks.values().cloned().collect()
    }

    /// Forgets the tasks of a process that died.
    pub fn forget_tasks(&mut self) {
        let running: Vec<TaskId> = self.tasks.keys().copied().filter(|id| !self.executor.knows(*id)).collect();
        for id in running {
            self.tasks.remove(&id);
        }
    }

    /// Adds every database to the story's digest, byte for byte.
    pub fn note_databases(&mut self) {
        let stores: Vec<Store> = self.hosts.iter().flatten().map(|host| host.store.clone()).collect();
        for store in stores {
            match self.snapshot(&store) {
                Ok(snapshot) => self.story.note(snapshot.bytes()),
                Err(broken) => self.story.note(format!("{broken:?}").as_bytes()),
            }
        }
    }

    /// A database as it stands.
    ///
    /// # Errors
    /// The simulation could not.
    pub fn snapshot(&self, store: &Store) -> Result<Snapshot, Broken> {
        let copied = self.with_store(store, |store| async move { store.snapshot().await })?;
        copied.map_err(|error| Broken::Own(format!("a snapshot failed: {error}")))
    }
}

/// A migrated database to begin worlds with.
///
/// # Errors
/// What the database says.
pub fn migrated() -> Result<Snapshot, Broken> {
    let executor = Executor::default();
    let made = executor.block_on(async {
        let store = Store::in_memory(key(0)).await?;
        store.snapshot().await
    });
    match made {
        Ok(Ok(snapshot)) => Ok(snapshot),
        Ok(Err(error)) => Err(Broken::Own(error.to_string())),
        Err(end) => Err(Broken::Own(format!("{end:?}"))),
    }
}
