//! What asks for a reading sooner than its time: webhooks, people, the configuration.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{Schedule, Standing};
use crate::domain::{
    failure::{Failure, FailureKind},
    ids::{ConnectionId, IncidentId, TicketId, WorkspaceId},
    run::RunCause,
};

impl Standing {
    /// Whether it was read since then, and nothing has failed after that.
    pub fn read_since(&self, then: Timestamp) -> bool {
        self.last_failure.is_none() && self.last_success.is_some_and(|at| at >= then)
    }

    /// The last run ended with a server's or a sign-in's word to wait.
    fn told_to_wait(&self) -> bool {
        self.last_failure.as_ref().is_some_and(|(_, failure)| matches!(failure.kind, FailureKind::WaitUntil { .. }))
    }

    /// Due at once, unless told to wait; what runs now may not cover it.
    fn hasten(&mut self, now: Timestamp) {
        if !(self.told_to_wait() && self.next.is_some_and(|next| next > now)) {
            self.next = Some(now);
        }
        self.hastened = true;
    }
}

impl Schedule {
    /// Forgets what is known of workspaces that are not read any more.
    pub fn only_of(&mut self, live: &BTreeSet<WorkspaceId>) {
        self.workspaces.retain(|id, _| live.contains(id));
        self.announced.retain(|(id, _), _| live.contains(id));
        self.named.only_of(live);
        self.comment_rereads.retain(|id, _| live.contains(id));
        self.comments_waiting.retain(|_, waiting| live.contains(&waiting.workspace));
        self.shadows.retain(|id, _| live.contains(id));
        self.unread.retain(|_, unread| unread.workspace().is_none_or(|id| live.contains(&id)));
    }

    /// Poll at once.
    pub fn hasten_poll(&mut self, workspace: WorkspaceId, cause: RunCause, now: Timestamp) {
        if let Some(standing) = self.workspaces.get_mut(&workspace) {
            standing.hasten(now);
            standing.cause = Some(cause);
        }
    }

    /// A webhook named an incident. Many named at once are read by a list.
    pub fn name(&mut self, workspace: WorkspaceId, incident: IncidentId, now: Timestamp) {
        if !self.workspaces.contains_key(&workspace) {
            return;
        }
        if !self.named.add(workspace, incident, now) {
            self.hasten_poll(workspace, RunCause::Webhook, now);
        }
    }

    /// Webhooks that were acted on already wait to be noted as taken up; whether that is sooner than before.
    pub fn intake_soon(&mut self, now: Timestamp) -> bool {
        let soon = now + SignedDuration::from_millis(250);
        let sooner = self.intake_next.is_none_or(|next| next > soon);
        if sooner {
            self.intake_next = Some(soon);
        }
        sooner
    }

    /// Poll in `within` at the latest, unless told to wait.
    pub fn poll_within(&mut self, workspace: WorkspaceId, within: SignedDuration, now: Timestamp) {
        if let Some(standing) = self.workspaces.get_mut(&workspace)
            && standing.last_failure.is_none()
        {
            standing.next = standing.next.map(|next| next.min(now + within));
        }
    }

    /// A workspace is not read before the look-ups of its Halo instance are: it is tried again in a while, and says why, or
    /// its pages would tell of no incident as if there were none.
    pub fn wait_for_look_ups(&mut self, workspace: WorkspaceId, halo: ConnectionId, now: Timestamp) {
        let later = now + SignedDuration::from_secs(15);
        let why = self.catalogues.get(&halo).and_then(|standing| standing.last_failure.clone());
        if let Some(standing) = self.workspaces.get_mut(&workspace) {
            standing.next = Some(later);
            standing.last_failure = why.map(|(at, failure)| {
                let message = format!(
                    "Its incidents are not read before Halo's look-ups are, and those can't be read: {}",
                    failure.message
                );
                (at, Failure { message, ..failure })
            });
        }
        for (_, (at, _)) in self.announced.iter_mut().filter(|((of, _), _)| *of == workspace) {
            *at = later.max(*at);
        }
    }

    /// Look at an instance at once.
    pub fn hasten_halo(&mut self, connection: ConnectionId, tickets: &[TicketId], now: Timestamp) {
        self.tickets.entry(connection).or_default().extend(tickets);
        if let Some(standing) = self.instances.get_mut(&connection) {
            standing.hasten(now);
            standing.cause.get_or_insert(RunCause::Webhook);
        }
    }

    /// Look-ups that could not be read are asked for at once: somebody asks, or the instance answers again.
    pub fn hasten_look_ups(&mut self, connection: ConnectionId, now: Timestamp) {
        if let Some(standing) = self.catalogues.get_mut(&connection)
            && standing.last_failure.is_some()
            && !standing.told_to_wait()
        {
            standing.next = Some(now);
        }
    }
}
