//! What is read beside a newcomer, before its ticket is written.

use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        incident::{Evidence, Incident},
        policy::RequesterRule,
        ticket::HaloUser,
    },
    engine::newcomer::Beside,
    outbound::budget::Class,
    planner::requester,
};

use super::Poll;
use crate::engine::{alerts, groups, unread};

/// Failed polls in a row for which a newcomer waits to have its user looked up.
const PATIENCE: u32 = 5;

impl Poll<'_> {
    /// Whether there is anything to be read beside it.
    pub(super) fn reads_beside(&self, incident: &Incident) -> bool {
        incident.comments_count != 0 || self.policy.reads_evidence() && incident.alerts_count != 0
    }

    /// Comments, evidence and requester of a newcomer. Without them the ticket is made all the same, and they follow.
    ///
    /// `None`: it waits. Whose ticket it shares shows in its evidence, for which the budget has no room just now; or the user
    /// whom it is about can't be looked up just now, and a ticket that is made for somebody else stays theirs.
    pub(super) async fn beside(&mut self, incident: &Incident) -> Option<Beside> {
        if self.policy.requester == RequesterRule::AffectedUser && self.halo_waits() {
            self.counts.hold(incident);
            return None;
        }
        let mut beside = Beside::default();
        if incident.comments_count != 0 {
            match self.sentinel.comments(&self.at, &incident.id, Class::Comment).await {
                Ok(read) => beside.comments = Some(read),
                // After a restore they tell whose ticket it shared.
                Err(failure) if failure.own_budget() && groups::forgets(self, incident) => {
                    self.counts.hold(incident);
                    self.failed_with(failure);
                    return None;
                }
                Err(failure) => match failure.kind {
                    // They are waited for beside the polls. A backfill has time.
                    FailureKind::WaitUntil { at } if failure.own_budget() && self.class != Class::Backfill => {
                        self.counts.hold(incident);
                        beside.waits = Some(at);
                    }
                    _ => {
                        beside.unread = true;
                        let failure = unread::named(incident, failure);
                        if self.alone(&incident.id, &failure) {
                            tracing::warn!(incident.id = %incident.id, error = %failure, "comments could not be read; the ticket is made without them, and they follow");
                        } else {
                            self.counts.hold(incident);
                            self.failed_with(failure);
                        }
                    }
                },
            }
        }
        if self.policy.reads_evidence() && incident.alerts_count != 0 {
            match self.sentinel.evidence(&self.at, &incident.id, Class::New).await {
                Ok(read) => {
                    let now = self.engine.now();
                    beside.awaits = alerts::awaits_entities(self.policy, incident, &read, now);
                    beside.lags = alerts::lag(self.policy, incident, Some(&read), now);
                    beside.evidence = (!alerts::none_yet(incident, &read, now)).then_some(read);
                }
                Err(failure) if self.policy.group.is_some() && failure.own_budget() => {
                    self.counts.hold(incident);
                    self.failed_with(failure);
                    return None;
                }
                Err(failure) => {
                    beside.unread = true;
                    self.counts.spoiled += 1;
                    tracing::warn!(incident.id = %incident.id, error = %failure, "alerts and entities could not be read; the ticket is made without them, and they are told later");
                }
            }
        }
        if let (RequesterRule::AffectedUser, Some(evidence)) = (self.policy.requester, &beside.evidence) {
            match self.affected(evidence).await {
                Ok(found) => (beside.affected, beside.looked_up) = (found, true),
                Err(failure) if self.asks_again(&failure) => {
                    self.counts.hold(incident);
                    self.failed_with(failure);
                    return None;
                }
                Err(failure) => {
                    tracing::warn!(incident.id = %incident.id, error = %failure, "the affected user could not be looked up; the requester is the General User");
                }
            }
        }
        Some(beside)
    }

    /// The first of the users that the incident names who is the client's in Halo.
    async fn affected(&self, evidence: &Evidence) -> Result<Option<HaloUser>, Failure> {
        let Some(binding) = self.client.halo.as_ref() else { return Ok(None) };
        let halo = self.engine.registry.halo(binding.connection)?;
        for identity in requester::candidates(evidence) {
            if let Some(user) = halo.find_user(binding.halo_client_id, &identity, self.halo_class()).await? {
                return Ok(Some(user));
            }
        }
        Ok(None)
    }

    /// Whether Halo has no place for one of this poll's look-ups: the next would meet the same.
    fn halo_waits(&self) -> bool {
        let failure = self.counts.failure.as_ref();
        failure.is_some_and(|failure| failure.side == Side::Halo && failure.waits_until().is_some())
    }

    /// Whether a user is looked up once more after this. A word to wait is heeded for as long as it is said. Of what else may
    /// pass, one look-up that fails time and again keeps no incident from its ticket while Halo is read as ever.
    fn asks_again(&self, failure: &Failure) -> bool {
        if failure.waits_until().is_some() {
            return true;
        }
        let halo = self.client.halo.as_ref().map(|binding| binding.connection);
        let schedule = self.engine.schedule();
        let fails = halo.and_then(|id| schedule.instances.get(&id)).is_some_and(|halo| halo.last_failure.is_some());
        let failed = schedule.workspaces.get(&self.workspace.id).map_or(0, |standing| standing.failures);
        failure.retryable() && (fails || self.class != Class::Backfill && failed < PATIENCE)
    }
}
