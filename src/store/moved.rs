//! Which pairs were moved since when: so that what is known of a pair need not be read again.
//!
//! Kept by shards and not by pairs: it never grows, and two that share a shard are only read once too often.

use std::{
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash},
    sync::atomic::{AtomicI64, Ordering},
};

use crate::{
    domain::ids::{IncidentId, PairId},
    ledger::{entry::Seq, fact::Fact},
};

const SHARDS: usize = 4096;

/// The last entry about each shard's pairs and incidents that this process has recorded.
pub(super) struct Moved {
    last: Box<[AtomicI64]>,
    hasher: BuildHasherDefault<DefaultHasher>,
}

impl Default for Moved {
    fn default() -> Self {
        Self { last: (0..SHARDS).map(|_| AtomicI64::new(0)).collect(), hasher: BuildHasherDefault::default() }
    }
}

impl Moved {
    fn shard(&self, key: impl Hash) -> usize {
        usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0)
    }

    /// The shards that a fact moves.
    pub(super) fn shards(&self, fact: &Fact) -> impl Iterator<Item = usize> + use<> {
        let incident = match fact {
            Fact::IncidentRead { incident, .. } => Some(&incident.id),
            Fact::EvidenceRead { incident, .. } | Fact::IncidentHeld { incident, .. } => Some(incident),
            Fact::PairOpened { pair } => Some(&pair.incident),
            // That an incident was merged into it stands at its pair.
            Fact::SurvivorFound { survivor, .. } => Some(survivor),
            _ => None,
        };
        let shards = [fact.pair().map(|pair| self.shard(pair)), incident.map(|id| self.shard(id))];
        shards.into_iter().flatten()
    }

    /// What these shards hold was moved by this entry at the latest.
    pub(super) fn up_to(&self, shards: impl IntoIterator<Item = usize>, seq: Seq) {
        for shard in shards {
            if let Some(last) = self.last.get(shard) {
                last.fetch_max(seq.0, Ordering::AcqRel);
            }
        }
    }

    /// Whether a pair or its incident may have been moved after this entry.
    pub(super) fn since(&self, seq: Seq, pair: PairId, incident: &IncidentId) -> bool {
        self.after(self.shard(pair), seq) || self.incident_since(seq, incident)
    }

    /// Whether an incident may have been moved after this entry.
    pub(super) fn incident_since(&self, seq: Seq, incident: &IncidentId) -> bool {
        self.after(self.shard(incident), seq)
    }

    fn after(&self, shard: usize, seq: Seq) -> bool {
        self.last.get(shard).is_none_or(|last| last.load(Ordering::Acquire) > seq.0)
    }
}
