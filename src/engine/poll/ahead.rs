//! What is asked of the store while an incident that a webhook named is still being read.

use std::collections::BTreeMap;

use crate::{
    domain::ids::IncidentId,
    engine::lanes::Turn,
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
