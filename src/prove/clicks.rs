//! What an admin presses in the console while the world goes on: pauses, *Resume*, *Sync now*, the release of what the
//! storm brake holds; and what they make of what waits for a person ([`desk`]).

pub mod desk;
pub mod unmade;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    dice::Dice,
    story::Who,
    watch::IncidentKey,
    world::{Broken, World},
};
use crate::{
    domain::{
        account::{Role, Scope},
        ids::{IncidentId, PairId, UserId, WorkspaceId},
        pause::PauseScope,
        workspace::Workspace,
    },
    service::{App, acts, caller::Caller, error::ServiceError, links, pauses},
    store::Installation,
};

/// The first worlds know no such admin; of those from here on three in eight do.
const NONE_BELOW: u64 = 100;
/// When something could not be pressed, it is tried again after so long.
const AGAIN: SignedDuration = SignedDuration::from_mins(5);

const PAUSE: &str = "pause pressed";
const RESUME: &str = "Resume pressed";
const SYNC: &str = "Sync now pressed";
const RELEASE: &str = "storm brake released";
const RETRY: &str = "dead letter tried again";
const DROP: &str = "dead letter dropped";
const APPROVE: &str = "write approved";
const REFUSE: &str = "write refused";
const ANSWER: &str = "question answered";
/// A workspace was set to let only comments cross, or everything again.
pub(super) const MODE: &str = "mode changed";

/// How often each was pressed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clicks(BTreeMap<&'static str, u64>);

impl Clicks {
    /// All that may be pressed, in the order of the table that is printed.
    pub const ALL: &[&str] = &[PAUSE, RESUME, SYNC, RELEASE, RETRY, DROP, APPROVE, REFUSE, ANSWER, MODE];

    fn pressed(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    /// How often.
    pub fn count(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }

    /// Adds another world's.
    pub fn add(&mut self, other: &Self) {
        for (what, more) in &other.0 {
            *self.0.entry(*what).or_default() += *more;
        }
    }
}

/// What the admin means to press.
pub struct Hand {
    dice: Dice,
    /// How often, beside something that others do, something is pressed.
    often: f64,
    /// What is paused, and until when.
    paused: Vec<(Timestamp, PauseScope)>,
    /// What was pressed, counted.
    pub clicks: Clicks,
}

impl Hand {
    /// The one of the world of a seed.
    pub fn of(seed: u64) -> Self {
        // The odd ones have unusual policies, some with a low storm brake.
        let has = seed >= NONE_BELOW && matches!(seed % 8, 1 | 2 | 6);
        Self {
            dice: Dice::of(seed, "clicks"),
            often: if has { 0.03 } else { 0.0 },
            paused: Vec::new(),
            clicks: Clicks::default(),
        }
    }
}

/// Where something is pressed.
pub(super) struct Spot {
    /// All that is set up.
    installation: Installation,
    /// The incident's workspace.
    workspace: Workspace,
    incident: IncidentId,
}

impl Spot {
    /// The incident's pair, once it has one.
    pub(super) async fn pair(&self, app: &App) -> Option<PairId> {
        app.store.pair_of_incident(self.workspace.id, &self.incident).await.ok()?.map(|pair| pair.id)
    }

    /// The incident's workspace.
    pub(super) fn workspace(&self) -> WorkspaceId {
        self.workspace.id
    }

    /// Asks for the incident to be linked to a ticket.
    pub(super) async fn link(&self, app: &App, ticket: i64) -> Option<()> {
        links::link(app, &ada(), self.workspace.id, &self.incident, &ticket.to_string()).await.ok()
    }
}

/// Who presses it.
pub(super) fn ada() -> Caller {
    Caller { user: UserId(Uuid::from_u128(0xada)), name: "ada".into(), role: Role::Admin, scope: Scope::All }
}

impl World {
    /// Now and then an admin presses something. It is drawn by itself: what everybody else does stays the same.
    pub(super) fn admin_presses(&mut self) {
        self.resume_what_is_due();
        let hand = &mut self.people.hand;
        if hand.dice.chance(hand.often) {
            match hand.dice.below(10) {
                0..=5 => self.press_pause(),
                6..=8 => self.press_sync(),
                _ => self.press_release(),
            }
        }
    }

    /// The console of the process, where it runs and may write.
    fn console_app(&self) -> Option<App> {
        self.host(0).filter(|host| !host.only_read).map(|host| host.app.clone())
    }

    /// Presses something; `None` when nothing came of it (the disk is full, no process runs that may write).
    fn press<T: 'static, F>(&self, press: impl FnOnce(App) -> F) -> Option<T>
    where
        F: Future<Output = Option<T>> + 'static,
    {
        let app = self.console_app()?;
        let store = app.store.clone();
        self.with_store(&store, move |_| press(app)).ok().flatten()
    }

    /// Presses something at an incident; nothing comes of it either where nobody reads that yet.
    pub(super) fn press_at<T: 'static, F>(
        &self,
        key: &IncidentKey,
        press: impl FnOnce(App, Spot) -> F + 'static,
    ) -> Option<T>
    where
        F: Future<Output = Option<T>> + 'static,
    {
        let place = self.shape.places.get(key.0)?.workspace.clone();
        let incident = IncidentId::new(&key.1);
        self.press(move |app: App| async move {
            let installation = app.store.installation().await.ok()?;
            let workspace = installation.workspaces.iter().find(|one| one.name.eq_ignore_ascii_case(&place))?.clone();
            press(app, Spot { installation, workspace, incident }).await
        })
    }

    /// What is planned waits for minutes to hours: that of a pair, a client or a connection.
    fn press_pause(&mut self) {
        let what = self.people.hand.dice.below(20);
        let secs = self.people.hand.dice.spread(30.0, 3.0 * 3_600.0) as i64;
        let Some(key) = self.people.hand.dice.pick(&self.people.raised).cloned() else { return };
        let pressed = self.press_at(&key, move |app: App, spot: Spot| async move {
            let scope = match what {
                0..=11 => PauseScope::from(spot.pair(&app).await?),
                12..=15 => PauseScope::from(spot.workspace.client),
                16..=17 => PauseScope::from(spot.workspace.connection),
                _ => PauseScope::from(spot.installation.halo.first()?.id),
            };
            pauses::pause(&app, &ada(), scope, "").await.ok()?;
            Some(scope)
        });
        // A full disk keeps it from being done, and what is paused already is not paused twice.
        let Some(scope) = pressed else { return };
        let until = self.now() + SignedDuration::from_secs(secs);
        self.people.hand.paused.push((until, scope));
        self.people.hand.clicks.pressed(PAUSE);
        self.tell(Who::Admin, format!("pauses the {} of incident {} for {secs} s", scope.name(), key.1));
    }

    /// A pair, its workspace or Halo is read now.
    fn press_sync(&mut self) {
        let what = self.people.hand.dice.below(4);
        let Some(key) = self.people.hand.dice.pick(&self.people.raised).cloned() else { return };
        let pressed = self.press_at(&key, move |app: App, spot: Spot| async move {
            if what == 0 {
                acts::sync_workspace(&app, &ada(), spot.workspace.id).await.ok()?;
                return Some("of its workspace");
            }
            if what == 1 {
                acts::look_at_halo(&app, &ada(), spot.installation.halo.first()?.id).await.ok()?;
                return Some("of Halo");
            }
            let pair = spot.pair(&app).await?;
            if what == 2 {
                acts::sync_now(&app, &ada(), pair).await.ok()?;
                return Some("of its pair");
            }
            acts::look_again(&app, &ada(), pair).await.ok()?;
            Some("of both sides of its pair")
        });
        if let Some(of) = pressed {
            self.people.hand.clicks.pressed(SYNC);
            self.tell(Who::Admin, format!("presses Sync now {of}, at incident {}", key.1));
        }
    }

    /// What the storm brake holds in a workspace gets its tickets.
    fn press_release(&mut self) {
        let Some(key) = self.people.hand.dice.pick(&self.people.raised).cloned() else { return };
        let pressed = self.press_at(&key, |app: App, spot: Spot| async move {
            acts::release_storm(&app, &ada(), spot.workspace.id).await.ok()
        });
        if let Some(held @ 1..) = pressed {
            let place = self.shape.places.get(key.0).map(|place| place.workspace.clone()).unwrap_or_default();
            self.people.hand.clicks.pressed(RELEASE);
            self.tell(Who::Admin, format!("releases {held} incidents of {place} that the storm brake holds"));
        }
    }

    fn resume_what_is_due(&mut self) {
        let now = self.now();
        let all = std::mem::take(&mut self.people.hand.paused);
        for (until, scope) in all {
            if until > now {
                self.people.hand.paused.push((until, scope));
            } else if !self.press_resume(scope) {
                self.people.hand.paused.push((now + AGAIN, scope));
            }
        }
    }

    /// Whether it is not paused any more.
    fn press_resume(&mut self, scope: PauseScope) -> bool {
        let Some(app) = self.console_app() else { return false };
        let store = app.store.clone();
        let pressed = self.with_store(&store, move |_| async move { pauses::resume(&app, &ada(), scope).await });
        match pressed {
            Ok(Ok(_)) => {
                self.people.hand.clicks.pressed(RESUME);
                self.tell(Who::Admin, format!("resumes a {}", scope.name()));
                true
            }
            // A restored database knows nothing of it.
            Ok(Err(ServiceError::Conflict | ServiceError::NotFound)) => true,
            Ok(Err(_)) | Err(_) => false,
        }
    }

    /// Everything is put right, and nothing stays paused: neither what was paused of late nor what an old backup brought back.
    /// What waits for a person is seen to, then and for some hours.
    ///
    /// # Errors
    /// The simulation could not.
    pub(super) fn come_to_rest(&mut self) -> Result<(), Broken> {
        if !self.calm {
            self.become_calm()?;
            self.resume_all()?;
        }
        self.admin_clears()
    }

    fn resume_all(&mut self) -> Result<(), Broken> {
        self.people.hand.paused.clear();
        if self.people.hand.often <= 0.0 {
            return Ok(());
        }
        let Some(store) = self.host(0).map(|host| host.store.clone()) else { return Ok(()) };
        let known = self.with_store(&store, |store| async move { store.pauses().await })?;
        let known = known.map_err(|error| Broken::Own(error.to_string()))?;
        for pause in known.into_iter().filter(|pause| !pause.automatic()) {
            if !self.press_resume(pause.scope) {
                return Err(Broken::Own("what an admin had paused cannot be resumed".to_owned()));
            }
        }
        Ok(())
    }
}
