//! After a start or a changed configuration: what is held is judged anew, what is linked planned anew.

use super::{BATCH, Poll, newcomers::Newcomer};
use crate::{
    domain::{pair::Subject, reason::Reason},
    engine::{digest, recall},
    ledger::fact::Fact,
    planner::{gate::Brake, observed::Reading},
    store::StoreError,
};

/// Held incidents that are looked up at a time.
const HELD_PAGE: u32 = 1_000;
/// Pairs that are looked up at a time.
const PAIR_PAGE: u32 = 200;

impl Poll<'_> {
    /// What was held may pass now, what needed a person may be mapped now.
    pub(super) async fn regate(&mut self) -> Result<(), StoreError> {
        let adopts = self.policy.adopt;
        // Where a ticket may be there already, the brake is asked once that is known.
        let mut brake = (adopts || recall::until(self.engine).is_some()).then(Brake::off);
        let mut after = None;
        loop {
            let held = self.engine.store.held_subjects(self.workspace.id, after, HELD_PAGE).await?;
            let Some((last, _)) = held.last() else { break };
            after = Some(*last);
            let (mut passing, mut braked) = (Vec::new(), Vec::new());
            let catalogue = self.client.halo.as_ref().and_then(|b| self.engine.registry.catalogue(b.connection));
            for (_, id) in held {
                let Some(subject) = self.engine.store.subject(self.workspace.id, &id).await? else { continue };
                let asked = self.judge_anew(catalogue.as_deref(), &mut brake, &subject).await?;
                let now_held: Option<Reason> = asked.err();
                let by_brake = matches!(now_held, Some(Reason::StormHeld { .. }));
                if now_held.is_none() || adopts && by_brake {
                    if now_held.is_some() {
                        self.held_still(&subject, subject.held.clone()).await?;
                    }
                    let held = subject.held.as_ref().map(|reason| reason.code().to_owned());
                    let some = if by_brake { &mut braked } else { &mut passing };
                    some.push(Newcomer { incident: subject.incident, held });
                } else {
                    self.held_still(&subject, now_held).await?;
                }
            }
            for some in braked.chunks(BATCH) {
                // Those without one stay held.
                self.adopted(some.to_vec()).await?;
            }
            for some in passing.chunks(BATCH) {
                self.newcomers(some.to_vec(), None, None).await?;
            }
        }
        let mut after = None;
        loop {
            let pairs = self.engine.store.open_pairs_of_workspace(self.workspace.id, after, PAIR_PAGE).await?;
            let Some(last) = pairs.last() else { break };
            after = Some(last.id);
            for pair in &pairs {
                digest::pair(self.engine, pair.id, Vec::new(), Reading::default()).await?;
            }
        }
        self.carry_what_waited().await
    }

    /// Records why an incident stays held, if that is another reason than before; and whose it is, if its workspace was given
    /// to another client.
    async fn held_still(&self, subject: &Subject, reason: Option<Reason>) -> Result<(), StoreError> {
        let (workspace, client, incident) = (self.workspace.id, self.client.id, subject.incident.id.clone());
        let told =
            (reason != subject.held).then(|| Fact::IncidentHeld { workspace, incident: incident.clone(), reason });
        if subject.client == client {
            return match told {
                Some(fact) => self.engine.record(self.engine.now(), Some(client), vec![fact]).await.map(drop),
                None => Ok(()),
            };
        }
        // Another reading may have recorded or linked it meanwhile, under this lane.
        let _lane = self.engine.lanes.newcomers(workspace).await;
        let known = self.engine.store.subject(workspace, &incident).await?;
        let Some(known) = known.filter(|known| known.pair.is_none() && known.client != client) else { return Ok(()) };
        let told = told.filter(|_| known.held == subject.held);
        let mut facts = vec![Fact::IncidentRead { workspace, client, incident: Box::new(known.incident) }];
        facts.extend(told);
        self.engine.record(self.engine.now(), Some(client), facts).await.map(drop)
    }
}
