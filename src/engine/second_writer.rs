//! A second process writes to our pairs: noticed by what it wrote. From then on nothing is written here, until a person has
//! confirmed which of the two goes on.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        ids::{ActionKey, CommentId, OperationId},
        operation::{OperationKind, OperationState},
        second_writer::{SecondWrite, SecondWriter},
        ticket::Action,
    },
    ledger::fact::Fact,
    planner::{
        observed::News,
        second_writer::{Sign, by_us, named_already},
    },
    store::{SituationRow, StoreError},
};

use super::Engine;

/// Ours and the two sides' clocks may be as far apart.
const CLOCKS_APART: SignedDuration = SignedDuration::from_hours(1);

/// What was known of a pair's conversation before something new was read of it.
pub(super) struct Before {
    comments: BTreeSet<CommentId>,
    actions: BTreeSet<ActionKey>,
}

impl Before {
    /// `None`: nothing new was read, or it is of no concern any more.
    pub fn of(engine: &Engine, row: &SituationRow, news: &News) -> Option<Self> {
        let read = news.comments.is_some() || news.actions.is_some();
        (read && !engine.only_reads()).then(|| Self {
            comments: row.comments.iter().flatten().map(|comment| comment.id.clone()).collect(),
            actions: row.actions.iter().flatten().map(|action| action.key).collect(),
        })
    }

    /// Whether a sign shows only now. What was known before is no news: it was taken for nobody's then, by other rules or in
    /// a mode that writes nothing.
    pub fn lacks(&self, sign: &Sign) -> bool {
        let comment = self.comments.contains(&sign.comment);
        match sign.wrote {
            SecondWrite::Note { action } => !(comment && self.actions.contains(&action)),
            SecondWrite::Comment { .. } => !comment,
        }
    }
}

/// Looks whether signs of a second writer hold against all that this database knows; if one does, it is kept for good and
/// nothing is written any more.
pub(super) async fn heed(
    engine: &Engine,
    row: &SituationRow,
    signs: Vec<Sign>,
    looked_at: Option<OperationId>,
) -> Result<(), StoreError> {
    if signs.is_empty() || engine.only_reads() {
        return Ok(());
    }
    let Some(remembers) = engine.store.remembers_since(&row.pair.incident).await? else { return Ok(()) };
    let forgotten = engine.schedule().forgotten_until;
    let since = forgotten.map_or(remembers, |until| until.max(remembers)) + CLOCKS_APART;
    for sign in signs.into_iter().filter(|sign| sign.at > since) {
        if engine.store.may_have_written(row.pair.id, &sign.key, looked_at).await? || known(engine, row, &sign).await? {
            continue;
        }
        return notice(engine, row, &sign).await;
    }
    Ok(())
}

/// Whether the ticket that a comment is about is another pair's: then it came from there, with a merge.
async fn known(engine: &Engine, row: &SituationRow, sign: &Sign) -> Result<bool, StoreError> {
    match sign.wrote {
        SecondWrite::Comment { ticket } if row.pair.ticket != Some(ticket) => {
            let pairs = engine.store.pairs_of_tickets(row.pair.halo, &[ticket]).await?;
            Ok(pairs.get(&ticket).is_some_and(|pairs| !pairs.is_empty()))
        }
        _ => Ok(false),
    }
}

async fn notice(engine: &Engine, row: &SituationRow, sign: &Sign) -> Result<(), StoreError> {
    let found = SecondWriter {
        client: row.pair.client,
        pair: row.pair.id,
        incident: row.subject.incident.name(),
        ticket: row.pair.ticket,
        wrote: sign.wrote,
        at: sign.at,
        noticed: engine.now(),
    };
    // First: what is kept in memory alone would be forgotten, and the sign would be no news any more.
    engine.store.keep_second_writer(&found).await?;
    tracing::error!(
        pair.id = %found.pair, wrote = ?found.wrote, at = %found.at,
        "a second process writes to the pairs of this installation: nothing is written any more until somebody has ended one \
         of the two and started the other one with --confirm-instance"
    );
    let mut schedule = engine.schedule();
    schedule.only_read = true;
    schedule.second_writer = Some(found);
    Ok(())
}

/// An incident that is new here names a ticket in a comment of ours: no second one is made for it.
pub(super) async fn newcomer(engine: &Engine, facts: &[Fact], now: Timestamp) -> Result<(), StoreError> {
    let commented = facts.iter().any(|fact| matches!(fact, Fact::CommentsRead { .. }));
    if !commented || engine.only_reads() {
        return Ok(());
    }
    let Some(row) = super::newcomer::begun(facts, now) else { return Ok(()) };
    let view = engine.registry.view();
    let Some(halo) = view.halo.get(&row.pair.halo) else { return Ok(()) };
    let mut signs = named_already(&halo.tenant, row.comments.as_deref().unwrap_or_default(), now);
    // It may join others that share theirs.
    signs.retain(|sign| !matches!(sign.wrote, SecondWrite::Comment { ticket } if row.pair.ticket == Some(ticket)));
    heed(engine, &row, signs, None).await
}

/// A note that is about to be written for the first time stands there already.
pub(super) async fn note_found(
    engine: &Engine,
    row: &SituationRow,
    kind: &OperationKind,
    action: &Action,
) -> Result<(), StoreError> {
    let sending = |state: &OperationState| matches!(state, OperationState::Sending { .. });
    let operation = row.operations.iter().find(|operation| sending(&operation.state) && operation.kind == *kind);
    let (Some(operation), Some(at)) = (operation, action.at) else { return Ok(()) };
    let OperationKind::AddNote { comment: Some(comment), edit, .. } = kind else { return Ok(()) };
    // It counts as sent by now, for the first time.
    let sent_before = operation.attempts > 1 || operation.last_failure.is_some();
    let read_before = row.actions.iter().flatten().any(|known| known.key == action.key);
    let linked = row.links.iter().any(|link| link.comment == *comment && link.edit == *edit);
    let own = engine.registry.catalogue(row.pair.halo).and_then(|catalogue| catalogue.own_agent_id);
    if sent_before || read_before || linked || at <= row.pair.created || !by_us(own, action) {
        return Ok(());
    }
    let wrote = SecondWrite::Note { action: action.key };
    let sign = Sign { wrote, comment: comment.clone(), at, key: kind.key() };
    heed(engine, row, vec![sign], Some(operation.id)).await
}
