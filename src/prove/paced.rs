//! Whether the processes keep to the limits of the other side, and to what they were told.

use jiff::SignedDuration;

use super::{carry::Flight, describe, watch::Wrong, world::World};

impl World {
    /// A limit was passed. It counts when nothing excuses it: a process that just began or whose clock jumped
    /// cannot know what was spent, nor can two processes know of each other.
    pub(super) fn watch_limit(&mut self, host: usize, kind: &str) {
        let now = self.now();
        let excused = self.strikes.excuse_until.is_some_and(|until| until > now) || self.watch.paced(host, kind);
        if !excused {
            let text = format!("{kind} of process {} was answered 429 by the other side's own limit", host + 1);
            self.watch.limits.push(Wrong { at: now, text });
        }
    }

    /// A call that is sent although its process was told to wait.
    pub(super) fn watch_wait(&mut self, flight: &Flight) {
        self.watch.departs(flight.host, &flight.kind, self.now());
        let now = self.clock_of(flight.host);
        let Some(until) = self.strikes.told_until(flight.host, &flight.side) else { return };
        if until > now + SignedDuration::from_millis(1) {
            let text = format!(
                "{} was sent although {} had told process {} to wait until {until}",
                flight.kind,
                describe::side(&flight.side),
                flight.host + 1
            );
            let at = self.now();
            self.watch.limits.push(Wrong { at, text });
        }
    }

    /// What a process takes for the time.
    pub(super) fn clock_of(&self, host: usize) -> jiff::Timestamp {
        let wrong = self.host(host).map_or(SignedDuration::ZERO, |host| host.clock.wrong());
        self.now() + wrong
    }
}
