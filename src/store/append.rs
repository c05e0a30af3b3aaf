//! Recording facts and nothing else, in one trip: begin, entries, state and commit are one text of statements.
//!
//! The ends of the chains are known from the commit before, so that nothing has to be read first. Should another
//! process have written meanwhile, the first entry's number is taken: then all is rolled back and done again the
//! long way, by [`Tx`].

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;

use super::{
    Store, Tx,
    batch::Batch,
    connections::Connection,
    error::{Result, StoreError},
    tx::entry_and_state,
};
use crate::{
    domain::ids::ClientId,
    ledger::{
        entry::{Chain, Head, Seq},
        fact::Fact,
    },
};

/// More facts than this go the long way, in several trips: each sequence of statements is a plan that is kept.
pub(super) const AT_ONCE: usize = 16;

/// A fact to be recorded, in whose chain, and when it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Entered {
    /// Whose; `None` is the installation's chain.
    pub client: Option<ClientId>,
    /// When.
    pub at: Timestamp,
    /// What.
    pub fact: Fact,
}

/// The ends of the chains after the last commit of this process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ends {
    last: Seq,
    heads: BTreeMap<Chain, Head>,
}

/// Shared by all that write.
#[derive(Default)]
pub(super) struct KnownEnds(Mutex<Option<Ends>>);

impl KnownEnds {
    fn take(&self) -> Option<Ends> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The ends, if those of all these chains are known; else they stay where they are.
    fn take_if_known(&self, mut chains: impl Iterator<Item = Chain>) -> Option<Ends> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all = known.as_ref().is_some_and(|ends| chains.all(|chain| ends.heads.contains_key(&chain)));
        if all { known.take() } else { None }
    }

    fn put(&self, ends: Ends) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(ends);
    }

    /// What a transaction has found (its first entry followed `found`) and left behind.
    pub(super) fn moved(&self, found: Seq, last: Seq, heads: &BTreeMap<Chain, Head>) {
        // Somebody else wrote in between: other chains may have moved as well.
        let mut ends = self.take().filter(|ends| ends.last == found).unwrap_or_default();
        ends.last = last;
        ends.heads.extend(heads);
        self.put(ends);
    }

    /// Nothing is known any more.
    pub(super) fn forget(&self) {
        self.take();
    }
}

impl Store {
    /// Records facts: all of them or none, durable when this returns. Gives the number of the last (of the ledger's
    /// last, when there are none).
    ///
    /// # Errors
    /// As [`Tx::record`] and [`Tx::commit`].
    pub async fn append(&self, entries: Vec<Entered>) -> Result<Seq> {
        let entries = self.as_seen(entries);
        if entries.is_empty() {
            return Ok(self.last_recorded());
        }
        self.append_seen(entries).await
    }

    /// The facts as they are recorded; those that are not are left out.
    pub(super) fn as_seen(&self, entries: Vec<Entered>) -> Vec<Entered> {
        let seen = |entered: Entered| Some(Entered { fact: self.seen(entered.fact)?, ..entered });
        entries.into_iter().filter_map(seen).collect()
    }

    /// Records at least one fact, as it stands, with a commit of its own.
    pub(super) async fn append_seen(&self, entries: Vec<Entered>) -> Result<Seq> {
        match self.at_once(&entries).await {
            Ok(Some(last)) => return Ok(last),
            Ok(None) => {}
            Err(StoreError::Taken { what }) if what.starts_with("ledger.") => {}
            Err(error) => return Err(error),
        }
        let mut tx = self.begin().await?;
        let last = record_by_client(&mut tx, entries).await?;
        tx.commit().await?;
        Ok(last)
    }

    /// Records in one trip, if that is possible: the ends are known and it is not too much. Otherwise nothing happened.
    ///
    /// # Errors
    /// As [`Store::append`].
    pub async fn at_once(&self, entries: &[Entered]) -> Result<Option<Seq>> {
        if entries.len() > AT_ONCE {
            return Ok(None);
        }
        let leave = self.inner.trouble.leave()?;
        let mut connection = self.writer().await;
        self.inner.trouble.still(leave)?;
        let done = self.all_at_once(&mut connection, &[entries]).await?;
        Ok(done.and_then(|lasts| lasts.last().copied()))
    }

    /// Records at least one fact, as it stands, on a connection that is there already: with one commit.
    ///
    /// # Errors
    /// As [`Store::append`].
    pub(super) async fn append_over(&self, mut connection: Connection, entries: Vec<Entered>) -> Result<()> {
        let records: Vec<&[Entered]> = entries.chunks(AT_ONCE).collect();
        match self.all_at_once(&mut connection, &records).await {
            Ok(Some(_)) => return Ok(()),
            Ok(None) => {}
            Err(StoreError::Taken { what }) if what.starts_with("ledger.") => {}
            Err(error) => return Err(error),
        }
        let mut tx = Tx::over(self.clone(), connection).await?;
        record_by_client(&mut tx, entries).await?;
        tx.commit().await
    }

    /// Several records with one commit, if the ends of all their chains are known: all of them or none. Gives the number
    /// of each one's last.
    pub(super) async fn all_at_once(
        &self,
        connection: &mut Connection,
        records: &[&[Entered]],
    ) -> Result<Option<Vec<Seq>>> {
        // Taken only when all of it is known: what was moved on and then not recorded would leave a gap.
        let chains = records.iter().flat_map(|entries| entries.iter().map(|entered| Chain::of(entered.client)));
        let Some(mut ends) = self.inner.ends.take_if_known(chains) else { return Ok(None) };
        connection.uncertain(true);
        let result = carried_out(connection, &mut ends, records).await;
        if result.is_err() {
            connection.roll_back().await;
        }
        connection.uncertain(false);
        let lasts = result.inspect_err(|error| self.inner.trouble.met(error))?;
        self.inner.trouble.over();
        let last = ends.last;
        self.inner.ends.put(ends);
        for (entries, last) in records.iter().zip(&lasts) {
            for entered in *entries {
                self.inner.moved.up_to(self.inner.moved.shards(&entered.fact), *last);
            }
        }
        self.inner.committed.send_replace(last);
        Ok(Some(lasts))
    }
}

/// Sends one record as one text of statements, or several one after the other, within a transaction. Moves the ends.
async fn carried_out(connection: &mut Connection, ends: &mut Ends, records: &[&[Entered]]) -> Result<Vec<Seq>> {
    let several = records.len() > 1;
    let mut batch = Batch::guarded();
    batch.add("BEGIN IMMEDIATE");
    let mut moved = BTreeMap::new();
    let mut lasts = Vec::with_capacity(records.len());
    for entries in records {
        if several {
            // A text of its own: it is a plan that comes up again, whoever is recorded beside it.
            batch.run(connection).await?;
        }
        for entered in *entries {
            let chain = Chain::of(entered.client);
            let unknown = || StoreError::Database("the end of a chain is not known".into());
            let head = ends.heads.get_mut(&chain).ok_or_else(unknown)?;
            let seq = Seq(ends.last.0 + 1);
            *head = entry_and_state(&mut batch, *head, seq, chain, entered.at, &entered.fact)?;
            ends.last = seq;
            moved.insert(chain, *head);
        }
        if entries.iter().all(|entered| matches!(entered.fact, Fact::DeliveryReceived { .. })) {
            batch.gather();
        }
        lasts.push(ends.last);
    }
    if several {
        batch.run(connection).await?;
    }
    super::tx::heads_moved(&mut batch, &moved);
    batch.add("COMMIT");
    batch.run(connection).await?;
    Ok(lasts)
}

/// Client by client, each client's in their order. Gives the number of the last.
async fn record_by_client(tx: &mut Tx, entries: Vec<Entered>) -> Result<Seq> {
    let mut by_client: BTreeMap<Option<ClientId>, Vec<(Timestamp, Fact)>> = BTreeMap::new();
    for Entered { client, at, fact } in entries {
        by_client.entry(client).or_default().push((at, fact));
    }
    let mut last = Seq::default();
    for (client, facts) in by_client {
        last = tx.record_timed(client, facts.into_iter()).await?;
    }
    Ok(last)
}
