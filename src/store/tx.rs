//! Transactions: an opaque value in which facts are recorded.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use super::{
    Store,
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
    heads: BTreeMap<Chain, (Head, bool)>,
    last: Option<Seq>,
    recorded: bool,
    pub(super) configuration_changed: bool,
    failed: bool,
}

impl Tx {
    pub(super) async fn begin(store: Store) -> Result<Self> {
        let mut connection = store.writer().await;
        connection.begin_immediate().await?;
        Ok(Self {
            store,
            connection,
            heads: BTreeMap::new(),
            last: None,
            recorded: false,
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
        let fact = match self.store.inner.lens.get() {
            None => fact,
            Some(lens) => match lens(fact) {
                Some(seen) => seen,
                None => return Ok(self.last.unwrap_or(Seq(0))),
            },
        };
        let result = self.append(at, Chain::of(client), &fact).await;
        self.failed |= result.is_err();
        result
    }

    async fn append(&mut self, at: Timestamp, chain: Chain, fact: &Fact) -> Result<Seq> {
        let (last, head) = self.ends(chain).await?;
        let seq = Seq(last.0 + 1);
        let (entry, body) = chained(head, seq, chain, at, fact)
            .map_err(|error| StoreError::Database(format!("a fact cannot be written: {error}")))?;
        if let (Some(hash), Some(body)) = (entry.body, body) {
            sqlx::query(BODY).bind(&hash.0[..]).bind(body).execute(&mut *self.connection).await?;
        }
        sqlx::query(ENTRY)
            .bind(seq.0)
            .bind(chain.to_string())
            .bind(entry.chain_seq)
            .bind(to_ms(entry.at))
            .bind(fact.name())
            .bind(entry.pair.map(|pair| pair.to_string()))
            .bind(entry.detail)
            .bind(entry.body.as_ref().map(|hash| &hash.0[..]))
            .bind(&entry.prev.0[..])
            .bind(&entry.hash.0[..])
            .execute(&mut *self.connection)
            .await?;
        let body = entry.body.as_ref().map(|hash| &hash.0[..]);
        projector::apply(&mut self.connection, entry.at, chain.client(), body, fact).await?;
        self.heads.insert(chain, (Head { chain_seq: entry.chain_seq, hash: entry.hash }, true));
        self.last = Some(seq);
        self.recorded = true;
        Ok(seq)
    }

    /// The ledger's last number and a chain's end, read inside the transaction: other processes write too.
    async fn ends(&mut self, chain: Chain) -> Result<(Seq, Head)> {
        if let (Some(last), Some((head, _))) = (self.last, self.heads.get(&chain)) {
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
        for (chain, (head, moved)) in &self.heads {
            if *moved {
                sqlx::query(HEAD_MOVED)
                    .bind(chain.to_string())
                    .bind(head.chain_seq)
                    .bind(&head.hash.0[..])
                    .execute(&mut *self.connection)
                    .await?;
            }
        }
        if self.configuration_changed {
            sqlx::query(CHANGED).execute(&mut *self.connection).await?;
        }
        self.connection.commit().await?;
        if let (true, Some(last)) = (self.recorded, self.last) {
            self.store.inner.committed.send_replace(last);
        }
        Ok(())
    }
}
