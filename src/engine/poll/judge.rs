//! Whether an incident without a pair gets its ticket: the planner's gates, and the storm brake's count.

use jiff::SignedDuration;

use crate::{
    domain::{catalogue::Catalogue, incident::Incident, pair::Subject, reason::Reason},
    planner::{
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
        // What a person decided, or released from the storm brake, stands with the incident.
        let before = match held {
            Some(_) if by_a_person || self.policy.tickets_per_hour > 0 => {
                self.engine.store.subject(self.workspace.id, &incident.id).await?.and_then(|subject| subject.held)
            }
            _ => None,
        };
        let passed = match &before {
            Some(reason) if link::stays(reason) => return Ok(Err(reason.clone())),
            Some(Reason::TicketAsked { after }) => {
                link::ask(self.workspace, self.client, self.policy, catalogue, *after)
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
        let hour = SignedDuration::from_hours(1);
        self.engine.store.opened_since(self.workspace.id, self.engine.now() - hour, self.workspace.since).await
    }

    /// The storm brake after so many tickets.
    pub(super) fn brake_at(&self, made: i64) -> Brake {
        Brake::new(self.policy, u32::try_from(made).unwrap_or(u32::MAX))
    }

    /// What people asked for: tickets of incidents that the storm brake held or that nothing else would link, oldest
    /// first; then incidents to be linked to a ticket that exists.
    pub(super) async fn asked(&mut self) -> Result<(), StoreError> {
        let mut wanted = Vec::new();
        for code in [Reason::StormReleased.code(), Reason::TICKET_ASKED] {
            for id in self.engine.store.held_for(self.workspace.id, code, REGATED_MAX).await? {
                let Some(subject) = self.engine.store.subject(self.workspace.id, &id).await? else { continue };
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
}
