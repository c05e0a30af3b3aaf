//! What is asked of the store while an incident that a webhook named is still being read.

use std::collections::BTreeMap;

use crate::{
    domain::{ids::IncidentId, incident::Incident},
    engine::{groups, lanes::Turn},
    ledger::entry::Seq,
    store::{StoreError, Version},
};

use super::Poll;

/// What the store says of incidents, as of an entry of the ledger.
pub(in crate::engine) struct Ahead {
    /// The last entry before the store was asked.
    pub seq: Seq,
    /// What is known of them.
    pub versions: BTreeMap<IncidentId, Version>,
    /// The storm brake's count, and the turn of the newcomers' lane in which it was taken.
    pub made: Option<(Turn, i64)>,
}

impl Poll<'_> {
    /// Records what is new in these incidents after the store was asked about them.
    pub(in crate::engine) async fn page_after(
        &mut self,
        mut incidents: Vec<Incident>,
        ahead: Ahead,
    ) -> Result<(), StoreError> {
        let mut linked = Vec::new();
        let times = self.counts.newest.into_iter().chain(incidents.iter().filter_map(|incident| incident.modified));
        let disordered = self.counts.disordered || !times.is_sorted();
        if groups::may_forget(self) {
            // Who is on a shared ticket again is known before one of the others closes it.
            let is_linked =
                |incident: &Incident| ahead.versions.get(&incident.id).is_some_and(|known| known.pair.is_some());
            (linked, incidents) = incidents.into_iter().partition(is_linked);
        }
        if linked.is_empty() {
            return self.in_order(incidents, ahead).await;
        }
        let Ahead { seq, versions, made } = ahead;
        self.in_order(incidents, Ahead { seq, versions: versions.clone(), made }).await?;
        self.in_order(linked, Ahead { seq, versions, made: None }).await?;
        self.counts.disordered = disordered;
        Ok(())
    }

    /// Asks whether these incidents are known; with `counted` how many tickets this hour saw too, as long as nobody is
    /// recording newcomers.
    pub(in crate::engine) async fn ahead(&self, ids: &[IncidentId], counted: bool) -> Result<Ahead, StoreError> {
        let seq = self.engine.store.last_recorded();
        let counted = counted && self.policy().tickets_per_hour > 0;
        let turn = self.engine.lanes.newcomers_turn(self.workspace.id).filter(|_| counted);
        let made = async {
            match turn {
                Some(turn) => self.made().await.map(|made| Some((turn, made))),
                None => Ok(None),
            }
        };
        let versions = self.engine.store.versions(self.workspace.id, ids);
        let (versions, made) = futures::future::try_join(versions, made).await?;
        Ok(Ahead { seq, versions, made })
    }
}
