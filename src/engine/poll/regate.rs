//! After a start or a changed configuration: what is held is judged anew, what is linked planned anew.

use super::{BATCH, Poll, newcomers::Newcomer};
use crate::{
    domain::reason::Reason,
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
                    let held = subject.held.as_ref().map(|reason| reason.code().to_owned());
                    let some = if by_brake { &mut braked } else { &mut passing };
                    some.push(Newcomer { incident: subject.incident, held });
                } else if now_held != subject.held {
                    let fact = Fact::IncidentHeld { workspace: self.workspace.id, incident: id, reason: now_held };
                    self.engine.record(self.engine.now(), Some(self.client.id), vec![fact]).await?;
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
}
