//! Backfill: what it would come to, and how many tickets may be made by now.

use jiff::Timestamp;

use crate::domain::{
    backfill::{Backfill, BackfillState, Forecast, Progress},
    catalogue::Catalogue,
    client::Client,
    incident::Incident,
    policy::Policy,
    reason::Reason,
    workspace::{Mode, Workspace},
};

use super::{
    gate::{self, Passed},
    link,
};

/// Seconds of a budget's window.
const WINDOW_SECS: u64 = 300;
/// Percent of an instance's budget that a backfill uses.
const SHARE: u64 = 60;

/// The gates as a backfill asks them: the start is lifted to the beginning of its range, a person's word stands, and
/// closed incidents are left out unless they are wanted.
///
/// # Errors
/// The first gate that failed.
pub fn ask(
    backfill: &Backfill,
    found: (&Workspace, &Client, &Policy),
    catalogue: Option<&Catalogue>,
    incident: &Incident,
    held: Option<&Reason>,
) -> Result<Passed, Reason> {
    let (workspace, client, policy) = found;
    if let Some(reason) = held.filter(|reason| link::stays(reason)) {
        return Err(reason.clone());
    }
    if incident.closed() && !backfill.closed {
        return Err(Reason::OlderThanStart);
    }
    let within = |at: Timestamp| at >= backfill.from && at < backfill.to;
    if !incident.created.is_some_and(within) {
        return Err(Reason::OlderThanStart);
    }
    gate::ask(&Workspace { since: backfill.from, ..workspace.clone() }, client, policy, catalogue, incident)
}

/// Why a backfill stands still: while its workspace makes no tickets at all, no incident is looked at, or each would be
/// passed over for what has nothing to do with it. A client without a Halo client ends it.
pub fn waits(
    backfill: &Backfill,
    (workspace, client, policy): (&Workspace, &Client, &Policy),
    catalogue: Option<&Catalogue>,
) -> Option<Reason> {
    match &backfill.state {
        BackfillState::Counting | BackfillState::Running { .. } if workspace.mode == Mode::Off => Some(Reason::ModeOff),
        BackfillState::Running { .. } => {
            let missing = gate::needs(workspace, client, policy, catalogue).err();
            missing.filter(|reason| *reason != Reason::ClientNotBound)
        }
        BackfillState::Counting | BackfillState::Forecast { .. } | BackfillState::Ended { .. } => None,
    }
}

/// A forecast in the making.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counting {
    forecast: Forecast,
    halo_calls: u64,
}

impl Counting {
    /// One page of a list was read.
    pub fn page(&mut self) {
        self.forecast.calls += 1;
    }

    /// One incident that has a ticket.
    pub fn linked(&mut self) {
        self.forecast.incidents += 1;
        self.forecast.linked += 1;
    }

    /// One incident without a ticket.
    pub fn add(
        &mut self,
        backfill: &Backfill,
        found: (&Workspace, &Client, &Policy),
        catalogue: Option<&Catalogue>,
        incident: &Incident,
        held: Option<&Reason>,
    ) {
        self.forecast.incidents += 1;
        match ask(backfill, found, catalogue, incident, held) {
            // Counted as it would be in a mode that makes tickets.
            Ok(_) | Err(Reason::ModeObserve | Reason::ModeOneWay) if self.forecast.tickets < backfill.cap => {
                self.forecast.tickets += 1;
                self.calls(found, incident);
            }
            Ok(_) | Err(Reason::ModeObserve | Reason::ModeOneWay) => {}
            Err(Reason::OlderThanStart) if incident.closed() => self.forecast.closed += 1,
            Err(_) => self.forecast.held += 1,
        }
    }

    fn calls(&mut self, (workspace, _, policy): (&Workspace, &Client, &Policy), incident: &Incident) {
        let notes = u64::try_from(incident.comments_count).unwrap_or(0);
        // The ticket; a note for each comment, before which the ticket is read; the closure likewise.
        let halo = 1 + 2 * notes + if incident.closed() { 2 } else { 0 };
        let mut sentinel = u64::from(notes > 0);
        if policy.reads_evidence() && incident.alerts_count != 0 {
            sentinel += 2;
        }
        if policy.link_comment && workspace.mode != Mode::SentinelToHalo && !incident.closed() {
            sentinel += 1;
        }
        self.halo_calls += halo;
        self.forecast.calls += halo + sentinel;
    }

    /// The whole of it, for an instance that allows so many requests in five minutes.
    pub fn forecast(mut self, backfill: &Backfill, requests_per_5min: u32) -> Forecast {
        let paced = u64::from(self.forecast.tickets) * 3_600 / u64::from(backfill.per_hour.max(1));
        let budget = (u64::from(requests_per_5min) * SHARE / 100).max(1);
        self.forecast.secs = paced.max(self.halo_calls * WINDOW_SECS / budget);
        self.forecast
    }
}

/// How far one has come that stands still by now, or does not.
pub fn at_rest(progress: Progress, still: bool, now: Timestamp) -> Progress {
    match (progress.still, still) {
        (None, true) => Progress { still: Some(now), ..progress },
        (Some(since), false) => {
            let stood = u64::try_from(now.duration_since(since).as_secs()).unwrap_or(0);
            Progress { still: None, stood_secs: progress.stood_secs.saturating_add(stood), ..progress }
        }
        _ => progress,
    }
}

/// How many further incidents may be linked now: the pace is kept from the beginning on, but for the time in which it stood
/// still, the cap in all.
pub fn allowed(backfill: &Backfill, progress: &Progress, now: Timestamp) -> u32 {
    let Progress { began, stood_secs, .. } = at_rest(*progress, false, now);
    let secs = u64::try_from(now.duration_since(began).as_secs()).unwrap_or(0).saturating_sub(stood_secs);
    // The first minute's share at once.
    let by_now = (secs + 60) * u64::from(backfill.per_hour) / 3_600;
    let by_now = u32::try_from(by_now).unwrap_or(u32::MAX).max(1);
    by_now.min(backfill.cap).saturating_sub(progress.tickets)
}
