//! Pauses: which hold a pair, and which failures bring one about.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::domain::{
    failure::{Failure, FailureKind, Side},
    ids::{ClientId, ConnectionId, PairId},
    pair::Pair,
    pause::{Pause, PauseCause, PauseScope},
    run::RunScope,
};

/// What was paused because writing alone was refused is tried again after this long.
pub const TRY_AGAIN: SignedDuration = SignedDuration::from_mins(15);

/// The pauses that hold a pair, the narrowest first. `microsoft` is its workspace's connection, `None` while the
/// workspace is not configured.
pub fn on<'a>(pauses: &'a [Pause], pair: &Pair, microsoft: Option<ConnectionId>) -> Vec<&'a Pause> {
    let holds = |pause: &&Pause| match pause.scope {
        PauseScope::Pair { id } => id == pair.id,
        PauseScope::Client { id } => id == pair.client,
        PauseScope::Connection { id } => id == pair.halo || Some(id) == microsoft,
    };
    let mut held: Vec<&Pause> = pauses.iter().filter(holds).collect();
    held.sort_by_key(|pause| (pause.scope, pause.automatic()));
    held
}

/// What a failed reading pauses, if trying again cannot help: a refused sign-in the whole connection; a missing right
/// the whole Halo instance, or in Sentinel the client whose workspace it is.
pub fn by_reading(
    failure: &Failure,
    reading: RunScope,
    connection: ConnectionId,
    client: Option<ClientId>,
) -> Option<(PauseScope, PauseCause)> {
    // A workspace's reading may need a ticket read: what fails with that is Halo's own reading's to tell.
    if matches!(reading, RunScope::Workspace { .. }) && failure.side == Side::Halo {
        return None;
    }
    let scope = match (failure.kind, failure.side, client) {
        (FailureKind::SignInAgain, ..) | (FailureKind::Forbidden, Side::Halo, _) => {
            PauseScope::Connection { id: connection }
        }
        (FailureKind::Forbidden, Side::Sentinel, Some(id)) => PauseScope::Client { id },
        _ => return None,
    };
    Some((scope, PauseCause::Failure { failure: failure.clone(), reading: Some(reading) }))
}

/// Whether a reading that ended well ends a pause.
pub fn healed(pause: &Pause, read: RunScope) -> bool {
    matches!(&pause.cause, PauseCause::Failure { reading: Some(reading), .. } if *reading == read)
}

/// What of a side is paused for a write that was refused, and has been for long enough to be tried again: a client for want
/// of a right, a connection for want of a sign-in, which may have been refused with a secret that was just replaced.
pub fn to_try_again(pause: &Pause, side: Side, now: Timestamp) -> Option<PauseScope> {
    match &pause.cause {
        PauseCause::Failure { failure, .. } if pause.to_be_tried() && failure.side == side => {
            (now.duration_since(pause.since) >= TRY_AGAIN).then_some(pause.scope)
        }
        _ => None,
    }
}

/// Writes that were refused for want of a right, by client and side, since one was last accepted there.
#[derive(Debug, Clone, Default)]
pub struct Refusals {
    pairs: BTreeMap<(ClientId, Side), BTreeSet<PairId>>,
    /// Where a pause was ended to see whether writing is still refused.
    tried: BTreeSet<(ClientId, Side)>,
}

impl Refusals {
    /// A write was refused for good. The first pair's is a dead letter (the right may lack for that record alone); the
    /// second pair in a row of the same client and side says that more would follow: then the client is to be paused. So
    /// does the first after a pause that was ended to try it.
    pub fn refused(&mut self, client: ClientId, side: Side, pair: PairId) -> Option<PauseScope> {
        let pairs = self.pairs.entry((client, side)).or_default();
        pairs.insert(pair);
        let more = pairs.len() > 1 || self.tried.contains(&(client, side));
        more.then_some(PauseScope::Client { id: client })
    }

    /// A write was accepted.
    pub fn accepted(&mut self, client: ClientId, side: Side) {
        self.pairs.remove(&(client, side));
        self.tried.remove(&(client, side));
    }

    /// A pause was ended to see whether writing is still refused.
    pub fn tried_again(&mut self, client: ClientId, side: Side) {
        self.tried.insert((client, side));
    }

    /// Somebody resumed a client: it begins anew.
    pub fn resumed(&mut self, client: ClientId) {
        self.pairs.retain(|(of, _), _| *of != client);
        self.tried.retain(|(of, _)| *of != client);
    }
}
