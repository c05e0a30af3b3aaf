//! Transactions: an opaque value in which facts are recorded.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{
    Store,
    batch::Batch,
    connections::Connection,
    error::{Result, StoreError},
    projector,
    row::{Cells, statements},
};
use crate::{
    domain::{ids::ClientId, time::to_ms},
    ledger::{
        entry::{Chain, Head, Seq, chained},
        fact::Fact,
    },
};

statements! {
    const ENDS = "SELECT ?1 AS id, (SELECT ifnull(max(seq), 0) FROM ledger) AS last,
        (SELECT chain_seq FROM chains WHERE chain = ?1) AS chain_seq, (SELECT hash FROM chains WHERE chain = ?1) AS hash";
    const BODY = "INSERT INTO bodies (hash, body) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    const ENTRY = "INSERT INTO ledger (seq, chain, chain_seq, at_ms, fact, pair, detail, body, prev, hash)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    const HEAD_MOVED = "INSERT INTO chains (chain, chain_seq, hash) VALUES (?1, ?2, ?3)
        ON CONFLICT (chain) DO UPDATE SET chain_seq = excluded.chain_seq, hash = excluded.hash";
    const CHANGED = "UPDATE installation SET version = version + 1 WHERE id = 1";
}

/// What a fact is recorded as; `None` = not at all.
pub type Lens = Arc<dyn Fn(Fact) -> Option<Fact> + Send + Sync>;

/// A transaction that writes. Everything in it happens on [`Tx::commit`] or not at all; dropped, it is rolled back.
pub struct Tx {
    pub(super) store: Store,
    pub(super) connection: Connection,
    heads: BTreeMap<Chain, Head>,
    /// The ledger's last number before this transaction.
    found: Option<Seq>,
    last: Option<Seq>,
    moved: BTreeSet<usize>,
    pub(super) configuration_changed: bool,
    failed: bool,
}

impl Tx {
    pub(super) async fn begin(store: Store) -> Result<Self> {
        let leave = store.inner.trouble.leave()?;
        let connection = store.writer().await;
        store.inner.trouble.still(leave)?;
        Self::over(store, connection).await
    }

    /// Begins on a connection that is there already.
    pub(super) async fn over(store: Store, mut connection: Connection) -> Result<Self> {
        connection.begin_immediate().await.inspect_err(|error| store.inner.trouble.met(error))?;
        Ok(Self {
            store,
            connection,
            heads: BTreeMap::new(),
            found: None,
            last: None,
            moved: BTreeSet::new(),
            configuration_changed: false,
            failed: false,
        })
    }

    /// Records a fact: appends it to its client's chain (or the installation's) and carries it over into the
    /// state tables. Gives its number. After an error the transaction can only be dropped.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when a rule of uniqueness would be broken, [`StoreError::Missing`] when the fact is
    /// about something that does not exist, else what the database says.
    pub async fn record(&mut self, at: Timestamp, client: Option<ClientId>, fact: Fact) -> Result<Seq> {
        self.record_all(at, client, vec![fact]).await
    }

    /// Records facts of one client (or the installation's) in their order, in one go. Gives the number of the last.
    ///
    /// # Errors
    /// As [`Tx::record`].
    pub async fn record_all(&mut self, at: Timestamp, client: Option<ClientId>, facts: Vec<Fact>) -> Result<Seq> {
        let store = self.store.clone();
        let facts = facts.into_iter().filter_map(|fact| store.seen(fact));
        self.record_timed(client, facts.map(|fact| (at, fact))).await
    }

    /// The same, where each fact has its own moment.
    ///
    /// # Errors
    /// As [`Tx::record`].
    pub(super) async fn record_timed(
        &mut self,
        client: Option<ClientId>,
        facts: impl Iterator<Item = (Timestamp, Fact)>,
    ) -> Result<Seq> {
        let result = self.append(Chain::of(client), facts).await;
        let result = result.inspect_err(|error| self.store.inner.trouble.met(error));
        self.failed |= result.is_err();
        result
    }

    async fn append(&mut self, chain: Chain, facts: impl Iterator<Item = (Timestamp, Fact)>) -> Result<Seq> {
        let (mut seq, mut head) = self.ends(chain).await?;
        self.found.get_or_insert(seq);
        let mut batch = Batch::default();
        for (at, fact) in facts {
            seq = Seq(seq.0 + 1);
            self.moved.extend(self.store.inner.moved.shards(&fact));
            head = entry_and_state(&mut batch, head, seq, chain, at, &fact)?;
            if batch.full() {
                batch.run(&mut self.connection).await?;
            }
        }
        heads_moved(&mut batch, &BTreeMap::from([(chain, head)]));
        batch.run(&mut self.connection).await?;
        self.heads.insert(chain, head);
        self.last = Some(seq);
        Ok(seq)
    }

    /// The ledger's last number and a chain's end, read inside the transaction: other processes write too.
    async fn ends(&mut self, chain: Chain) -> Result<(Seq, Head)> {
        if let (Some(last), Some(head)) = (self.last, self.heads.get(&chain)) {
            return Ok((last, *head));
        }
        let row = sqlx::query(ENDS).bind(chain.to_string()).fetch_one(&mut *self.connection).await?;
        let cells = Cells::new(&row, "chains");
        let head = match cells.opt_int("chain_seq")? {
            None => Head::EMPTY,
            Some(chain_seq) => Head { chain_seq, hash: cells.hash("hash")? },
        };
        Ok((Seq(cells.int("last")?), head))
    }

    /// Makes everything recorded durable.
    ///
    /// # Errors
    /// [`StoreError::RolledBack`] when an earlier call of this transaction failed, [`StoreError::Full`] when the
    /// disk is; then nothing of it has happened.
    pub async fn commit(mut self) -> Result<()> {
        if self.failed {
            return Err(StoreError::RolledBack);
        }
        if self.configuration_changed {
            sqlx::query(CHANGED).execute(&mut *self.connection).await?;
        }
        let committed = self.connection.commit().await.inspect_err(|error| self.store.inner.trouble.met(error));
        match (self.found, self.last) {
            (Some(found), Some(last)) if committed.is_ok() => {
                self.store.inner.ends.moved(found, last, &self.heads);
                self.store.inner.moved.up_to(std::mem::take(&mut self.moved), last);
                self.store.inner.committed.send_replace(last);
            }
            (Some(_), _) => self.store.inner.ends.forget(),
            (None, _) => {}
        }
        committed?;
        if self.configuration_changed {
            self.store.inner.configured.send_modify(|count| *count = count.wrapping_add(1));
        }
        self.store.inner.trouble.over();
        Ok(())
    }
}

/// Adds what appends a fact's entry to its chain and carries it over into the state tables; gives the chain's new end.
pub(super) fn entry_and_state(
    batch: &mut Batch,
    head: Head,
    seq: Seq,
    chain: Chain,
    at: Timestamp,
    fact: &Fact,
) -> Result<Head> {
    let (entry, body) = chained(head, seq, chain, at, fact)
        .map_err(|error| StoreError::Database(format!("a fact cannot be written: {error}")))?;
    let hash = entry.body.as_ref().map(|hash| &hash.0[..]);
    if let (Some(hash), Some(body)) = (hash, body) {
        batch.add(BODY).bind(hash).bind(body);
    }
    batch
        .add(ENTRY)
        .bind(seq.0)
        .bind(chain.to_string())
        .bind(entry.chain_seq)
        .bind(to_ms(entry.at))
        .bind(fact.name())
        .bind(entry.pair.map(|pair| pair.to_string()))
        .bind(entry.detail.as_str())
        .bind(hash)
        .bind(&entry.prev.0[..])
        .bind(&entry.hash.0[..]);
    projector::apply(batch, entry.at, chain.client(), hash, fact)?;
    Ok(Head { chain_seq: entry.chain_seq, hash: entry.hash })
}

/// Adds what keeps the ends of chains beside them.
pub(super) fn heads_moved(batch: &mut Batch, heads: &BTreeMap<Chain, Head>) {
    for (chain, head) in heads {
        batch.add(HEAD_MOVED).bind(chain.to_string()).bind(head.chain_seq).bind(&head.hash.0[..]);
    }
}
