//! Workspaces that start in the middle of their world: an admin has what is older taken in after all.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{ASKED_FOR, Rare, STARTED, STOPPED, has};
use crate::{
    domain::backfill::BackfillState,
    prove::{
        clicks::{Spot, ada},
        shape::Shape,
        story::Who,
        watch::IncidentKey,
        world::World,
    },
    service::{
        App,
        backfills::{self, Asked},
    },
};

/// Nobody asks for one so soon after the start, or so shortly before everything comes to rest.
const AFTER_START: SignedDuration = SignedDuration::from_mins(10);
const BEFORE_CALM: SignedDuration = SignedDuration::from_hours(1);

/// When the workspaces of a world start, where that is not when it begins.
pub fn starts_later(shape: &Shape) -> Option<Timestamp> {
    let later = SignedDuration::from_secs(shape.span.as_secs() * 4 / 10);
    has(shape.seed).contains(&Rare::Backfill).then_some(shape.begins + later)
}

impl World {
    /// One is asked for, started or stopped in some workspace.
    pub(super) fn see_to_a_backfill(&mut self) {
        let now = self.now();
        let late = now + BEFORE_CALM >= self.calm_from();
        if self.people.decided.start.is_none_or(|start| now < start + AFTER_START) {
            return;
        }
        let Some(key) = self.people.seldom.dice.pick(&self.people.raised).cloned() else { return };
        self.press_backfill(&key, !late);
    }

    /// Those that were counted are started, in all workspaces.
    pub(in crate::prove) fn start_backfills(&mut self) {
        if !self.people.seldom.has(Rare::Backfill) {
            return;
        }
        for place in 0..self.shape.places.len() {
            let Some(key) = self.people.raised.iter().find(|key| key.0 == place).cloned() else { continue };
            self.press_backfill(&key, false);
        }
    }

    /// What can be pressed about the backfill of an incident's workspace is. `asks`: also one that begins, or stops.
    fn press_backfill(&mut self, key: &IncidentKey, asks: bool) {
        let from = self.shape.begins.to_zoned(TimeZone::UTC).date().to_string();
        let dice = &mut self.people.seldom.dice;
        let cap = dice.pick(&["2", "5", "100"]).copied().unwrap_or("5");
        let per_hour = dice.pick(&["6", "20", "600"]).copied().unwrap_or("20");
        let (closed, stops) = (dice.chance(0.5), dice.chance(0.1));
        let pressed = self.press_at(key, move |app: App, spot: Spot| async move {
            let workspace = spot.workspace();
            let standing = app.store.backfill(workspace).await.ok()?;
            let shown = standing.as_ref().map(|backfill| backfill.id);
            match standing.map(|backfill| backfill.state) {
                None if asks => {
                    let asked = Asked { from: &from, to: "", cap, per_hour, closed };
                    backfills::ask(&app, &ada(), workspace, asked, &TimeZone::UTC).await.ok()?;
                    Some(ASKED_FOR)
                }
                Some(BackfillState::Forecast { .. }) => {
                    backfills::start_shown(&app, &ada(), workspace, shown).await.ok()?;
                    Some(STARTED)
                }
                Some(BackfillState::Running { .. }) if asks && stops => {
                    backfills::stop_shown(&app, &ada(), workspace, shown).await.ok()?;
                    Some(STOPPED)
                }
                _ => None,
            }
        });
        if let Some(what) = pressed {
            self.people.seldom.acts.note(what, 1);
            self.tell(Who::Admin, format!("sees to a backfill of the workspace of incident {} ({what})", key.1));
        }
    }
}
