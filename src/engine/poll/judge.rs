//! Whether an incident without a pair gets its ticket: the planner's gates, and the storm brake's count.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use crate::{
    domain::{
        catalogue::Catalogue,
        failure::{Failure, FailureKind},
        ids::IncidentId,
        incident::Incident,
        pair::Subject,
        reason::Reason,
    },
    engine::recall,
    planner::{
        draft,
        gate::{self, Brake, Passed},
        link,
    },
    store::StoreError,
};

use super::{BATCH, Poll, REGATED_MAX, newcomers::Newcomer};

impl Poll<'_> {
    /// Asks the gates, and last the storm brake.
    pub(super) async fn judge(
        &self,
        catalogue: Option<&Catalogue>,
        brake: &mut Option<Brake>,
        incident: &Incident,
        held: Option<&str>,
    ) -> Result<Result<Passed, Reason>, StoreError> {
        let by_a_person = held.is_some_and(link::before_gates);
        // What a person decided, or released from the storm brake, stands with the incident; so does that it was let through.
        let stands = by_a_person || held == Some(Reason::REHOMED);
        let known = match held {
            Some(_) if stands || self.policy.tickets_per_hour > 0 => {
                self.engine.store.subject(self.workspace.id, &incident.id).await?
            }
            _ => None,
        };
        let given_away = known.as_ref().is_some_and(|known| known.client != self.client.id);
        // What was let through for the client before is not let through for this one.
        let of_this_one = |reason: &Reason| !(given_away && matches!(reason, Reason::Rehomed { .. }));
        let before = known.and_then(|known| known.held).filter(of_this_one);
        let passed = match &before {
            // What was asked for is a ticket of the client before.
            Some(asked @ Reason::LinkAsked { ticket, .. }) if given_away => {
                return Ok(Err(link::refused(Some(asked), *ticket, link::GIVEN_AWAY.to_owned())));
            }
            Some(reason) if link::stays(reason) => return Ok(Err(reason.clone())),
            // What stands in the way is no answer to who asked: the ticket is made once it is gone.
            Some(Reason::TicketAsked { after, .. }) => {
                link::ask(self.workspace, self.client, self.policy, catalogue, *after)
                    .map_err(|why| Reason::ticket_blocked(*after, why))
            }
            Some(Reason::Rehomed { reference, .. }) => {
                gate::again(self.workspace, self.client, self.policy, catalogue, incident)
                    .map(|passed| Passed { reference: Some(reference.clone()), ..passed })
                    .map_err(|why| Reason::Rehomed { reference: reference.clone(), blocked: Some(Box::new(why)) })
            }
            _ => gate::ask(self.workspace, self.client, self.policy, catalogue, incident),
        };
        if passed.is_err() || self.policy.tickets_per_hour == 0 {
            return Ok(passed);
        }
        let brake = match brake {
            Some(brake) => brake,
            None => brake.insert(self.brake_at(self.made().await?)),
        };
        Ok(brake.ask(before.as_ref()).and(passed))
    }

    /// The same of one that was held and did not change: what the storm brake holds goes on waiting for a person,
    /// unless the policy's cap is another one now.
    pub(super) async fn judge_anew(
        &self,
        catalogue: Option<&Catalogue>,
        brake: &mut Option<Brake>,
        subject: &Subject,
    ) -> Result<Result<Passed, Reason>, StoreError> {
        let unchanged = Reason::StormHeld { cap: self.policy.tickets_per_hour };
        if subject.held.as_ref() == Some(&unchanged) {
            let passed = gate::ask(self.workspace, self.client, self.policy, catalogue, &subject.incident);
            return Ok(passed.and(Err(unchanged)));
        }
        self.judge(catalogue, brake, &subject.incident, subject.held.as_ref().map(Reason::code)).await
    }

    /// Tickets made for this workspace within the last hour.
    pub(super) async fn made(&self) -> Result<i64, StoreError> {
        let (after, start) = (self.engine.now() - SignedDuration::from_hours(1), self.workspace.since);
        self.engine.store.opened_since(self.workspace.id, after, start, recall::until(self.engine)).await
    }

    /// Those of the newcomers whose ticket Halo has already, of a time that the database has forgotten: it is no new one, so
    /// the storm brake neither counts nor holds it. Asked only where that would hold some of them. Those of which it can't be
    /// known just now come again.
    pub(super) async fn had_tickets(
        &mut self,
        newcomers: Vec<Newcomer>,
        made: Option<i64>,
    ) -> Result<(Vec<Newcomer>, BTreeSet<IncidentId>), StoreError> {
        let (mut had, cap, client) = (BTreeSet::new(), self.policy.tickets_per_hour, self.client);
        let (Some(until), Some(binding)) = (recall::until(self.engine), client.halo.as_ref()) else {
            return Ok((newcomers, had));
        };
        let forgotten = |newcomer: &Newcomer| newcomer.incident.created.is_none_or(|created| created < until);
        if cap == 0 || !newcomers.iter().any(forgotten) {
            return Ok((newcomers, had));
        }
        let made = match made {
            Some(made) => made,
            None => self.made().await?,
        };
        let room = i64::from(cap).saturating_sub(made);
        let Ok(halo) = self.engine.registry.halo(binding.connection) else { return Ok((newcomers, had)) };
        if i64::try_from(newcomers.len()).is_ok_and(|wanted| wanted <= room) {
            return Ok((newcomers, had));
        }
        let catalogue = self.engine.registry.catalogue(binding.connection);
        let mut left = Vec::with_capacity(newcomers.len());
        for newcomer in newcomers {
            let (incident, held) = (&newcomer.incident, newcomer.held.as_deref());
            let mut off = Some(Brake::off());
            let passes = forgotten(&newcomer)
                && held != Some(Reason::TICKET_ASKED)
                && self.judge(catalogue.as_deref(), &mut off, incident, held).await?.is_ok();
            if !passes {
                left.push(newcomer);
                continue;
            }
            let reference = draft::ticket_reference(self.workspace, incident);
            match halo.find_by_reference(&reference, binding.halo_client_id, self.halo_class()).await {
                Ok(found) => {
                    if !found.is_empty() {
                        had.insert(incident.id.clone());
                    }
                    left.push(newcomer);
                }
                Err(failure) if asked_again(&failure) => {
                    self.counts.hold(incident);
                    self.failed_with(failure);
                }
                Err(failure) => {
                    tracing::warn!(incident.id = %incident.id, error = %failure, "it could not be looked up whether an incident had its ticket before the restore");
                    left.push(newcomer);
                }
            }
        }
        Ok((left, had))
    }

    /// The storm brake after so many tickets.
    pub(super) fn brake_at(&self, made: i64) -> Brake {
        Brake::new(self.policy, u32::try_from(made).unwrap_or(u32::MAX))
    }

    /// Whether a ticket that was asked for, or let through before, can't be made for the same reason as before: there is
    /// nothing new to record.
    fn still_blocked(&self, catalogue: Option<&Catalogue>, subject: &Subject) -> bool {
        let (workspace, client, policy) = (self.workspace, self.client, self.policy);
        let (passed, before) = match &subject.held {
            Some(Reason::TicketAsked { after, blocked: Some(why) }) => {
                (link::ask(workspace, client, policy, catalogue, *after), why)
            }
            Some(Reason::Rehomed { blocked: Some(why), .. }) => {
                (gate::again(workspace, client, policy, catalogue, &subject.incident), why)
            }
            _ => return false,
        };
        passed.err().as_ref() == Some(&**before)
    }

    /// What people asked for: tickets of incidents that the storm brake held or that nothing else would link, oldest
    /// first, and those that were let through before; then incidents to be linked to a ticket that exists.
    pub(super) async fn asked(&mut self) -> Result<(), StoreError> {
        let catalogue = self.client.halo.as_ref().and_then(|b| self.engine.registry.catalogue(b.connection));
        let mut wanted = Vec::new();
        for code in [Reason::StormReleased.code(), Reason::TICKET_ASKED, Reason::REHOMED] {
            for id in self.engine.store.held_for(self.workspace.id, code, REGATED_MAX).await? {
                let Some(subject) = self.engine.store.subject(self.workspace.id, &id).await? else { continue };
                if self.still_blocked(catalogue.as_deref(), &subject) {
                    continue;
                }
                wanted.push(Newcomer { incident: subject.incident, held: Some(code.to_owned()) });
            }
        }
        for some in wanted.chunks(BATCH) {
            self.newcomers(some.to_vec(), None, None).await?;
        }
        for id in self.engine.store.held_for(self.workspace.id, Reason::LINK_ASKED, REGATED_MAX).await? {
            let Some(subject) = self.engine.store.subject(self.workspace.id, &id).await? else { continue };
            if let Some(Reason::LinkAsked { ticket, .. }) = subject.held {
                Box::pin(self.join(subject, ticket)).await?;
            }
        }
        Ok(())
    }

    /// Looks again at incidents that wait for the entities by which they are grouped.
    pub(super) async fn awaited(&mut self) -> Result<(), StoreError> {
        let code = Reason::ENTITIES_AWAITED;
        let mut waiting = Vec::new();
        for id in self.engine.store.held_for(self.workspace.id, code, REGATED_MAX).await? {
            let Some(subject) = self.engine.store.subject(self.workspace.id, &id).await? else { continue };
            waiting.push(Newcomer { incident: subject.incident, held: Some(code.to_owned()) });
        }
        for some in waiting.chunks(BATCH) {
            self.newcomers(some.to_vec(), None, None).await?;
        }
        Ok(())
    }
}

/// Whether Halo can't be asked just now.
fn asked_again(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::Transient | FailureKind::WaitUntil { .. } | FailureKind::SignInAgain)
}
