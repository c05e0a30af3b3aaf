//! What is read beside a newcomer, before its ticket is written.

use crate::{
    domain::{
        failure::FailureKind,
        incident::{Evidence, Incident},
        policy::RequesterRule,
        ticket::HaloUser,
    },
    engine::newcomer::Beside,
    outbound::budget::Class,
    planner::requester,
};

use super::Poll;
use crate::engine::unread;

impl Poll<'_> {
    /// Whether there is anything to be read beside it.
    pub(super) fn reads_beside(&self, incident: &Incident) -> bool {
        incident.comments_count != 0 || self.policy.reads_evidence() && incident.alerts_count != 0
    }

    /// Comments, evidence and requester of a newcomer. Without them the ticket is made all the same, and they follow.
    ///
    /// `None`: whose ticket it shares shows in its evidence, for which the budget has no room just now. It waits.
    pub(super) async fn beside(&mut self, incident: &Incident) -> Option<Beside> {
        let mut beside = Beside::default();
        if incident.comments_count != 0 {
            match self.sentinel.comments(&self.at, &incident.id, Class::Comment).await {
                Ok(read) => beside.comments = Some(read),
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
                Ok(read) => beside.evidence = Some(read),
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
            beside.affected = self.affected(evidence).await;
        }
        Some(beside)
    }

    /// The first of the users that the incident names who is the client's in Halo.
    async fn affected(&self, evidence: &Evidence) -> Option<HaloUser> {
        let binding = self.client.halo.as_ref()?;
        let halo = self.engine.registry.halo(binding.connection).ok()?;
        for identity in requester::candidates(evidence) {
            match halo.find_user(binding.halo_client_id, &identity, Class::New).await {
                Ok(Some(user)) => return Some(user),
                Ok(None) => {}
                Err(failure) => {
                    tracing::warn!(workspace.id = %self.workspace.id, error = %failure, "the affected user could not be looked up; the requester is the General User");
                    return None;
                }
            }
        }
        None
    }
}
