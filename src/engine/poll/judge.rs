//! Whether an incident without a pair gets its ticket: the planner's gates, and the storm brake's count.

use jiff::SignedDuration;

use crate::{
    domain::{catalogue::Catalogue, incident::Incident, pair::Subject, reason::Reason},
    planner::gate::{self, Brake, Passed},
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
        held: bool,
    ) -> Result<Result<Passed, Reason>, StoreError> {
        let passed = gate::ask(self.workspace, self.client, self.policy, catalogue, incident);
        if passed.is_err() || self.policy.tickets_per_hour == 0 {
            return Ok(passed);
        }
        let before = match held {
            true => self.engine.store.subject(self.workspace.id, &incident.id).await?.and_then(|subject| subject.held),
            false => None,
        };
        let brake = match brake {
            Some(brake) => brake,
            None => brake.insert(self.brake().await?),
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
        self.judge(catalogue, brake, &subject.incident, true).await
    }

    async fn brake(&self) -> Result<Brake, StoreError> {
        let hour = SignedDuration::from_hours(1);
        let made = self.engine.store.opened_since(self.workspace.id, self.engine.now() - hour).await?;
        Ok(Brake::new(self.policy, u32::try_from(made).unwrap_or(u32::MAX)))
    }

    /// Incidents that a person released from the storm brake: their tickets are made, oldest first.
    pub(super) async fn released(&mut self) -> Result<(), StoreError> {
        let code = Reason::StormReleased.code();
        let mut released = Vec::new();
        for id in self.engine.store.held_for(self.workspace.id, code, REGATED_MAX).await? {
            let Some(subject) = self.engine.store.subject(self.workspace.id, &id).await? else { continue };
            released.push(Newcomer { incident: subject.incident, held: true });
        }
        for some in released.chunks(BATCH) {
            self.newcomers(some.to_vec()).await?;
        }
        Ok(())
    }
}
