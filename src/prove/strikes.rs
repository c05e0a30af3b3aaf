//! What goes wrong with whole worlds rather than with single calls: outages, crashes, clocks, disks, secrets.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    bugs::Bug,
    copies::Beside,
    dice::Dice,
    nemesis::Nemesis,
    shape::{ORIGIN, Shape},
    story::Who,
    watch::IncidentKey,
    wire::Outcome,
    world::{Broken, Event, World},
};
use crate::{outbound::TransportError, store::Snapshot, twin::transport::call_of};

/// Times for which nobody can be blamed for passing a limit: a window, and what is under way.
const EXCUSE: SignedDuration = SignedDuration::from_mins(6);

/// One stroke.
#[derive(Debug, Clone)]
pub enum Strike {
    /// A side is out of reach for so many seconds.
    Outage(&'static str, i64),
    /// Pages shrink to so many rows, or grow again.
    Pages(Option<usize>),
    /// Every token stops working.
    Tokens,
    /// The secret is replaced.
    Secret,
    /// The admin enters the new one.
    SecretEntered,
    /// Our clock is wrong by so many milliseconds.
    Clock(i64),
    /// A while after it was set back: the process is at work as ever.
    Awake,
    /// The process dies at its n-th next question for the time.
    Fuse(i64),
    /// It is started again.
    Restart,
    /// A backup is made.
    Backup,
    /// The disk is lost, the backup takes its place.
    DiskLost,
    /// A person confirms that the restored database is the one to go on with.
    Confirmed,
    /// A copy of the data directory is started.
    Copied,
    /// It is ended.
    CopyEnds,
    /// It is looked after a copy that writes: started, asked whether it has noticed, ended.
    CopyWrites,
    /// The database may grow by no more than so many pages.
    DiskFull(u32),
    /// It may grow again.
    DiskFree,
    /// Somebody writes to an incident that we have just read.
    Interfere(IncidentKey),
}

/// What is wrong now, and what was heard.
pub struct Strikes {
    /// Chance of what strikes within a write.
    dice: Dice,
    /// Largest page handed out.
    pub page_cap: Option<usize>,
    /// The database cannot grow.
    pub disk_full: bool,
    /// Until when passing a limit is excused.
    pub excuse_until: Option<Timestamp>,
    outages: BTreeMap<&'static str, Timestamp>,
    /// Until when a process was told to wait, by its own clock.
    told: BTreeMap<(usize, String), Timestamp>,
    backup: Option<(Snapshot, u64)>,
    /// A restored database waits for a person.
    pub unconfirmed: bool,
    /// The installation's secret is not Microsoft's any more.
    secret_old: bool,
    secret_since: Timestamp,
    /// How long the installation had a secret that Microsoft does not take.
    pub without_secret: SignedDuration,
    /// Moments at which an old backup took the database's place.
    pub restored: Vec<Timestamp>,
    /// The same moments in the order of things.
    pub restored_orders: Vec<u64>,
    /// Whether a copy ran beside the original.
    pub copied: bool,
    /// The copy that writes.
    pub beside: Beside,
    /// Crashes so far.
    pub crashes: u64,
}

impl Strikes {
    /// None so far.
    pub fn none(shape: &Shape) -> Self {
        Self {
            dice: Dice::of(shape.seed, "within a write"),
            page_cap: None,
            disk_full: false,
            excuse_until: None,
            outages: BTreeMap::new(),
            told: BTreeMap::new(),
            backup: None,
            unconfirmed: false,
            secret_old: false,
            secret_since: Timestamp::default(),
            without_secret: SignedDuration::ZERO,
            restored: Vec::new(),
            restored_orders: Vec::new(),
            copied: false,
            beside: Beside::of(shape),
            crashes: 0,
        }
    }

    /// Until when a process was told to wait by a side.
    pub fn told_until(&self, host: usize, side: &str) -> Option<Timestamp> {
        self.told.get(&(host, side.to_owned())).copied()
    }

    /// A process that starts, or whose clock jumps, does not know what it was told.
    pub fn forget_waits(&mut self, host: usize) {
        self.told.retain(|(place, _), _| *place != host);
    }

    /// Hears with a process that it has to wait: `now` is that process's time.
    pub fn hear(&mut self, now: Timestamp, side: &str, host: usize, secs: Option<i64>) {
        // Without a time the least wait is 15 s (halo-api sheet 7.1); several calls refused together are one refusal.
        let waits = self.told_until(host, side).is_some_and(|until| until > now);
        if secs.is_none() && waits {
            return;
        }
        let until = now + SignedDuration::from_secs(secs.unwrap_or(15));
        let told = self.told.entry((host, side.to_owned())).or_insert(until);
        *told = (*told).max(until);
    }
}

impl World {
    /// Whether a side is out of reach; what the caller then gets.
    pub fn refused_by_outage(&mut self, side: &str) -> Option<Outcome> {
        let until = self.strikes.outages.get(side).copied()?;
        if self.calm || until <= self.now() {
            return None;
        }
        self.coverage.struck(Nemesis::Outage);
        let text = "no connection".to_owned();
        let sent = self.wire_dice.chance(0.5);
        Some(Err(if sent { TransportError::NoAnswer(text) } else { TransportError::NotSent(text) }))
    }

    /// For a while nobody can be blamed for passing a limit.
    pub(super) fn excuse(&mut self) {
        let until = self.now() + EXCUSE;
        self.strikes.excuse_until = Some(self.strikes.excuse_until.map_or(until, |old| old.max(until)));
    }

    /// Something goes wrong, or right again.
    ///
    /// # Errors
    /// The simulation could not.
    pub fn strike(&mut self, strike: Strike) -> Result<(), Broken> {
        // A second writer may be noticed when nothing goes wrong any more.
        if self.calm && !matches!(strike, Strike::CopyWrites) {
            return Ok(());
        }
        match strike {
            Strike::Outage(side, secs) => {
                let until = self.now() + SignedDuration::from_secs(secs);
                self.strikes.outages.insert(side, until);
                self.tell(Who::Nemesis, format!("{} is out of reach for {secs} s", super::describe::side(side)));
            }
            Strike::Pages(cap) => self.cap_pages(cap),
            Strike::Tokens => self.kill_tokens(),
            Strike::Secret => self.replace_secret(),
            Strike::SecretEntered => self.enter_secret()?,
            Strike::Clock(by) => self.jump(by),
            Strike::Awake => self.awake(),
            Strike::Fuse(questions) => {
                if let Some(host) = self.host(0) {
                    host.clock.die_after(questions);
                }
            }
            Strike::Restart => self.start_again(),
            Strike::Backup => {
                if let Some(store) = self.host(0).map(|host| host.store.clone()) {
                    self.strikes.backup = Some((self.snapshot(&store)?, self.watch.next_order()));
                    self.tell(Who::Admin, "makes a backup");
                }
            }
            Strike::DiskLost => self.lose_disk()?,
            Strike::Confirmed => self.confirm()?,
            Strike::Copied => self.start_copy()?,
            Strike::CopyEnds => self.end_copy(),
            Strike::CopyWrites => self.copy_writes()?,
            Strike::DiskFull(pages) => self.limit_disk(Some(pages))?,
            Strike::DiskFree => self.limit_disk(None)?,
            Strike::Interfere(key) => self.interfere(&key),
        }
        Ok(())
    }

    fn cap_pages(&mut self, cap: Option<usize>) {
        self.strikes.page_cap = cap;
        let rows = cap.unwrap_or(100);
        self.twin.with(|world, _| {
            let _ = world.set_switch("page_cap", &rows.to_string());
        });
        let told =
            cap.map_or("pages are of full size again".to_owned(), |cap| format!("pages hold at most {cap} rows"));
        self.tell(Who::Nemesis, told);
    }

    fn kill_tokens(&mut self) {
        self.twin.act("tokens.expire", &json!({}));
        // At Halo, somebody else signs in as the same application.
        let switch = |twin: &crate::twin::Twin, value: &str| {
            twin.with(|world, _| {
                let _ = world.set_switch("token_revokes_earlier", value);
            });
        };
        switch(&self.twin, "true");
        self.halo_token();
        switch(&self.twin, "false");
        self.coverage.struck(Nemesis::TokenDeath);
        self.excuse();
        self.tell(Who::Nemesis, "all tokens stop working");
    }

    /// A token for Halo's API application, as an admin at a command line gets it.
    pub fn halo_token(&mut self) -> Option<String> {
        let text = |pointer: &str| self.line.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &text("/halo/client_id"))
            .append_pair("client_secret", &text("/halo/client_secret"))
            .append_pair("scope", "all")
            .finish();
        let answer = self.outside("POST", "/halo/auth/token", "application/x-www-form-urlencoded", "", form)?;
        answer.get("access_token").and_then(Value::as_str).map(str::to_owned)
    }

    /// A call of somebody else's at the twin.
    pub fn outside(&mut self, method: &str, path: &str, kind: &str, token: &str, body: String) -> Option<Value> {
        let mut request =
            http::Request::builder().method(method).uri(format!("{ORIGIN}{path}")).header("content-type", kind);
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(bytes::Bytes::from(body)).ok()?;
        let answer = self.twin.handle(call_of(&request));
        serde_json::from_slice(&answer.reply.body).ok()
    }

    fn replace_secret(&mut self) {
        if self.strikes.secret_old {
            return;
        }
        let mark = self.people.mark();
        let new = format!("secret~{mark}");
        self.twin.act("secret.add", &json!({ "secret": new }));
        self.twin.act("secret.remove", &json!({ "secret": self.secret }));
        self.twin.act("tokens.expire", &json!({}));
        self.secret = new;
        self.strikes.secret_old = true;
        self.strikes.secret_since = self.now();
        self.coverage.struck(Nemesis::SecretChange);
        self.tell(Who::Nemesis, "the application's secret is replaced in Entra");
    }

    fn enter_secret(&mut self) -> Result<(), Broken> {
        if self.strikes.secret_old && self.host(0).is_some() {
            if !self.apply(0)? {
                return Ok(());
            }
            self.strikes.secret_old = false;
            self.strikes.without_secret += self.now().duration_since(self.strikes.secret_since);
            self.tell(Who::Admin, "applies the file with the new secret");
        }
        Ok(())
    }

    fn jump(&mut self, by: i64) {
        let Some(host) = self.host(0) else { return };
        let wrong = SignedDuration::from_millis(by);
        if host.clock.wrong() == wrong {
            return;
        }
        let set_back = wrong < host.clock.wrong();
        host.clock.set_wrong(wrong);
        if set_back {
            self.later(600_000, Event::Strike(Strike::Awake));
        }
        let nemesis = if by > 0 { Nemesis::ClockForward } else { Nemesis::ClockBack };
        if by != 0 {
            self.coverage.struck(nemesis);
        }
        self.strikes.forget_waits(0);
        self.excuse();
        let told =
            if by == 0 { "our clock is right again".to_owned() } else { format!("{} ({by} ms)", nemesis.words()) };
        self.tell(Who::Nemesis, told);
    }

    fn awake(&mut self) {
        let soon = self.now() + SignedDuration::from_mins(20);
        if self.host(0).is_some_and(|host| host.next_due() > soon) {
            self.fault("ten minutes after its clock was set back the process has nothing to do");
        }
    }

    /// A process dies; what it had sent may still arrive.
    pub fn die(&mut self, place: usize) {
        self.kill(place);
        self.forget_tasks();
        self.lose_receipts(place);
        let under_way: Vec<u64> = self
            .flights
            .iter()
            .filter(|(_, flight)| flight.host == place && flight.outcome.is_none())
            .map(|(id, _)| *id)
            .collect();
        for id in &under_way {
            if self.wire_dice.chance(0.5) {
                self.flights.remove(id);
            }
        }
        self.strikes.crashes += 1;
        self.coverage.struck(Nemesis::Crash);
        self.excuse();
        self.tell(Who::Nemesis, format!("process {} dies, {} calls under way", place + 1, under_way.len()));
        let wait = (self.wire_dice.spread(0.2, 600.0) * 1_000.0) as i64;
        self.later(wait, Event::Strike(Strike::Restart));
    }

    fn start_again(&mut self) {
        if self.host(0).is_none() && self.disks.contains_key(&0) {
            let only_read = self.strikes.unconfirmed;
            self.restart_host(0, only_read);
            self.tell(Who::Admin, "starts the process again");
        }
    }

    fn lose_disk(&mut self) -> Result<(), Broken> {
        // In one world either a backup is restored or a copy writes: what both together forget nobody could tell.
        if self.strikes.beside.ran.is_some() {
            return Ok(());
        }
        let Some((backup, made)) = self.strikes.backup.take() else { return Ok(()) };
        self.kill(0);
        self.forget_tasks();
        self.lose_receipts(0);
        self.flights.retain(|_, flight| flight.host != 0);
        self.disks.remove(&0);
        self.strikes.disk_full = false;
        self.strikes.unconfirmed = true;
        self.start_host(0, &backup, !self.bugs.has(Bug::RestoreTrusted))?;
        self.coverage.struck(Nemesis::Restore);
        let now = self.now();
        self.strikes.restored.push(now);
        self.strikes.restored_orders.push(self.watch.next_order());
        self.watch.backups.push(made);
        self.excuse();
        // The installation's file is applied again: the backup may hold an old secret.
        self.apply(0)?;
        if self.strikes.secret_old {
            self.strikes.without_secret += self.now().duration_since(self.strikes.secret_since);
        }
        self.strikes.secret_old = false;
        self.tell(Who::Nemesis, "the disk is lost; the backup takes its place, and only reads until somebody confirms");
        let wait = (self.wire_dice.spread(60.0, 7_200.0) * 1_000.0) as i64;
        self.later(wait, Event::Strike(Strike::Confirmed));
        Ok(())
    }

    /// A person says that the restored database is the one to go on with.
    ///
    /// # Errors
    /// The simulation could not.
    pub fn confirm(&mut self) -> Result<(), Broken> {
        if !self.strikes.unconfirmed {
            return Ok(());
        }
        // A full disk keeps it from being written down: it is said again once there is room.
        if self.strikes.disk_full {
            self.later(60_000, Event::Strike(Strike::Confirmed));
            return Ok(());
        }
        self.strikes.unconfirmed = false;
        self.kill(0);
        if let Some(store) = self.disks.get(&0).cloned()
            && !self.bugs.has(Bug::RestoreTrusted)
        {
            let now = self.now();
            self.with_store(&store, move |store| async move { store.forgot_until(now).await })?
                .map_err(|error| Broken::Own(error.to_string()))?;
        }
        self.forget_tasks();
        self.lose_receipts(0);
        self.restart_host(0, false);
        self.excuse();
        self.tell(Who::Admin, "confirms the restored database and starts again");
        Ok(())
    }

    fn limit_disk(&mut self, pages: Option<u32>) -> Result<(), Broken> {
        let store = match self.host(0) {
            Some(host) => host.store.clone(),
            None => match self.disks.get(&0) {
                Some(store) => store.clone(),
                None => return Ok(()),
            },
        };
        self.with_store(&store, move |store| async move { store.limit_pages(pages, false).await })?
            .map_err(|error| Broken::Own(error.to_string()))?;
        self.strikes.disk_full = pages.is_some();
        if let Some(pages) = pages {
            self.coverage.struck(Nemesis::FullDisk);
            self.tell(Who::Nemesis, format!("the disk is full: the database may grow by {pages} pages"));
        } else {
            self.tell(Who::Admin, "makes room on the disk");
        }
        Ok(())
    }

    /// Somebody changes an incident while our own write of it is on its way.
    pub fn strike_before_write(&mut self, kind: &str, path: &str) {
        let strength = self.shape.fate.of(Nemesis::EtagConflict);
        if self.calm || kind != "sentinel.incident.put" || !self.strikes.dice.chance(0.2 * strength) {
            return;
        }
        if let Some(key) = self.incident_named(path) {
            self.interfere(&key);
        }
    }

    /// The process dies before it hears that its write was carried out.
    pub fn strike_after_write(&mut self, host: usize, writes: bool) {
        let strength = self.shape.fate.of(Nemesis::Crash);
        if !self.calm && writes && host == 0 && self.strikes.dice.chance(0.03 * strength) {
            self.later(0, Event::Strike(Strike::Fuse(0)));
        }
    }

    fn interfere(&mut self, key: &IncidentKey) {
        let change = match self.wire_dice.below(3) {
            0 => json!({ "severity": "Low" }),
            1 => json!({ "owner": "" }),
            _ => {
                let mark = self.people.mark();
                json!({ "labels": [mark] })
            }
        };
        let merged = self.twin.with(|world, _| {
            super::watch::incident_of(world, key).is_none_or(|incident| incident.merged_into.is_some())
        });
        if !merged {
            self.coverage.struck(Nemesis::EtagConflict);
            self.analyst_changes(key, change);
        }
    }

    /// Everything is put right, as people would in the end.
    ///
    /// # Errors
    /// The simulation could not.
    pub fn become_calm(&mut self) -> Result<(), Broken> {
        self.tell(Who::Admin, "— from here on nothing goes wrong and nobody does anything —");
        self.limit_disk(None)?;
        // Some servers never hand out more, whatever is asked for.
        let mut dice = Dice::of(self.shape.seed, "pages for good");
        let stays = self.shape.fate.has(Nemesis::PageCap) && dice.chance(0.5);
        self.cap_pages(stays.then(|| if self.shape.large { 50 } else { 2 + dice.place(8) }));
        self.strikes.outages.clear();
        self.end_copy();
        self.end_copy_that_writes()?;
        if let Some(host) = self.host(0) {
            // A fuse that still burns goes out.
            host.clock.live();
        }
        self.jump(0);
        self.start_again();
        self.confirm()?;
        self.enter_secret()?;
        self.calm = true;
        Ok(())
    }
}
