//! Backup, checks, rebuilding.

use std::{collections::BTreeMap, path::Path};

use sqlx::SqliteConnection;

use super::{
    Store,
    batch::Batch,
    connections::Connections,
    error::{Result, StoreError},
    history::{entry_columns, entry_of, item_of},
    projector,
    row::{Cells, statements},
};
use crate::ledger::entry::{Broken, Chain, Head, Seq, body_hash, follow};

statements! {
    const INTEGRITY = "PRAGMA integrity_check(20)";
    const FOREIGN_KEYS = "SELECT count(*) FROM pragma_foreign_key_check";
    const ENTRIES = concat!("SELECT ", entry_columns!(), " FROM ledger l LEFT JOIN bodies b ON b.hash = l.body
        WHERE l.seq > ?1 ORDER BY l.seq LIMIT 500");
    const CHAIN_ENTRIES = concat!("SELECT ", entry_columns!(), " FROM ledger l LEFT JOIN bodies b ON b.hash = l.body
        WHERE l.chain = ?1 AND l.chain_seq > ?2 ORDER BY l.chain_seq LIMIT 500");
    const HEADS = "SELECT chain AS id, chain, chain_seq, hash FROM chains ORDER BY chain";
    const ONE_HEAD = "SELECT chain AS id, chain, chain_seq, hash FROM chains WHERE chain = ?1";
    const ERASE = "DELETE FROM bodies WHERE hash IN (
        SELECT l.body FROM ledger l WHERE l.chain = ?1 AND l.at_ms < ?2 AND l.body IS NOT NULL)
        AND hash NOT IN (SELECT body FROM subjects)
        AND hash NOT IN (SELECT evidence FROM subjects WHERE evidence IS NOT NULL)
        AND hash NOT IN (SELECT ticket_body FROM pairs WHERE ticket_body IS NOT NULL)
        AND hash NOT IN (SELECT comments_body FROM pairs WHERE comments_body IS NOT NULL)
        AND hash NOT IN (SELECT actions_body FROM pairs WHERE actions_body IS NOT NULL)
        AND hash NOT IN (SELECT body FROM operations)
        AND hash NOT IN (SELECT body FROM deliveries WHERE handled_ms IS NULL)
        AND hash NOT IN (SELECT body FROM ledger WHERE at_ms >= ?2 AND body IS NOT NULL)";
    const BACKUP = "VACUUM INTO ?1";
    const NO_WORDS = "INSERT INTO subject_words (subject_words) VALUES ('delete-all')";
}

impl Store {
    /// Writes a consistent copy of the database to a new file while work goes on. The sealing key is not in it:
    /// whoever restores it needs the key as well. The copy carries no instance mark.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when the file exists; else what the database says.
    pub async fn backup(&self, to: &Path) -> Result<()> {
        use std::os::unix::fs::OpenOptionsExt;
        let shown = to.display().to_string();
        // An empty file of ours first: it holds secrets (sealed) and customers' words, so nobody else may read it.
        let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
        match made {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                return Err(StoreError::Taken { what: format!("The file {shown}") });
            }
            Err(error) => return Err(StoreError::CannotOpen { path: shown, why: error.to_string() }),
        }
        let copied = self.copy_into(to).await;
        if copied.is_err() {
            // Half a backup is worse than none.
            let _ = std::fs::remove_file(to);
        }
        copied
    }

    async fn copy_into(&self, to: &Path) -> Result<()> {
        let target = to.to_str().ok_or_else(|| StoreError::Database("the backup's path is not UTF-8".into()))?;
        let mut reader = self.reader().await?;
        sqlx::query(BACKUP).bind(target).execute(&mut *reader).await?;
        drop(reader);
        super::connections::unmark(to).await
    }

    /// Whether a copy holds as `restore` would look at it: its inner order and every chain of its ledger. The copy is
    /// only read.
    ///
    /// # Errors
    /// The first fault.
    pub async fn check_copy(&self, path: &Path) -> Result<()> {
        let copy = Self::over(Connections::reading(path).await?, self.inner.key.clone(), None).await?;
        let faults = copy.integrity_check().await?;
        if !faults.is_empty() {
            return Err(StoreError::Damaged(faults.join("; ")));
        }
        copy.verify_ledger().await.map(drop)
    }

    /// What is wrong with the file; empty when nothing is.
    ///
    /// # Errors
    /// What the database says.
    pub async fn integrity_check(&self) -> Result<Vec<String>> {
        let mut reader = self.reader().await?;
        let mut found: Vec<String> = sqlx::query_scalar(INTEGRITY).fetch_all(&mut *reader).await?;
        found.retain(|line| line != "ok");
        let dangling: i64 = sqlx::query_scalar(FOREIGN_KEYS).fetch_one(&mut *reader).await?;
        if dangling > 0 {
            found.push(format!("{dangling} rows refer to rows that do not exist"));
        }
        Ok(found)
    }

    /// Checks every chain of the ledger; gives the ends of the chains, to be compared with a copy kept elsewhere.
    ///
    /// # Errors
    /// [`StoreError::Ledger`] with the first fault.
    pub async fn verify_ledger(&self) -> Result<BTreeMap<Chain, Head>> {
        let mut reader = self.reader().await?;
        reader.begin_reading().await?;
        let mut heads: BTreeMap<Chain, Head> = BTreeMap::new();
        let mut after = 0_i64;
        loop {
            let rows = sqlx::query(ENTRIES).bind(after).fetch_all(&mut *reader).await?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                let cells = Cells::new(row, "ledger");
                let (chain, seq, head) = checked(&cells, |chain| heads.get(&chain).copied())?;
                heads.insert(chain, head);
                after = seq.0;
            }
        }
        let kept = sqlx::query(HEADS).fetch_all(&mut *reader).await?;
        for row in &kept {
            let cells = Cells::new(row, "chains");
            let chain = cells.parsed("chain", Chain::parse)?;
            ends(&cells, chain, heads.get(&chain).copied().unwrap_or(Head::EMPTY))?;
        }
        if let Some((chain, head)) = heads.iter().nth(kept.len()).filter(|_| heads.len() > kept.len()) {
            return Err(Broken::Cut { chain: *chain, expected: 0, found: head.chain_seq }.into());
        }
        reader.commit().await?;
        Ok(heads)
    }

    /// Checks one chain.
    ///
    /// # Errors
    /// [`StoreError::Ledger`] with the first fault.
    pub async fn verify(&self, chain: Chain) -> Result<Head> {
        let mut reader = self.reader().await?;
        reader.begin_reading().await?;
        let mut head = Head::EMPTY;
        loop {
            let query = sqlx::query(CHAIN_ENTRIES).bind(chain.to_string()).bind(head.chain_seq);
            let rows = query.fetch_all(&mut *reader).await?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                (_, _, head) = checked(&Cells::new(row, "ledger"), |_| Some(head))?;
            }
        }
        let kept = sqlx::query(ONE_HEAD).bind(chain.to_string()).fetch_optional(&mut *reader).await?;
        match &kept {
            Some(row) => ends(&Cells::new(row, "chains"), chain, head)?,
            None if head == Head::EMPTY => {}
            None => return Err(Broken::Cut { chain, expected: 0, found: head.chain_seq }.into()),
        }
        reader.commit().await?;
        Ok(head)
    }

    /// The end of one chain, as kept beside it.
    ///
    /// # Errors
    /// What the database says.
    pub async fn head(&self, chain: Chain) -> Result<Head> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(ONE_HEAD).bind(chain.to_string()).fetch_optional(&mut *reader).await?;
        row.as_ref().map_or(Ok(Head::EMPTY), |row| {
            let cells = Cells::new(row, "chains");
            Ok(Head { chain_seq: cells.int("chain_seq")?, hash: cells.hash("hash")? })
        })
    }

    /// Empties the state tables and fills them again from the ledger, in one transaction; gives the number of
    /// entries replayed. Entries whose bodies were erased are passed over.
    ///
    /// # Errors
    /// What the database says; then nothing has changed.
    pub async fn rebuild(&self) -> Result<u64> {
        let mut tx = self.begin().await?;
        let replayed = replay(&mut tx.connection).await?;
        tx.commit().await?;
        self.inner.words_wait.store(true, std::sync::atomic::Ordering::Relaxed);
        Ok(replayed)
    }

    /// Erases bodies of a chain that are older than `before` and that no state row needs. The chain stays whole.
    /// Gives how many were erased.
    ///
    /// # Errors
    /// What the database says.
    pub async fn erase_bodies(&self, chain: Chain, before: jiff::Timestamp) -> Result<u64> {
        let mut tx = self.begin().await?;
        let query = sqlx::query(ERASE).bind(chain.to_string()).bind(crate::domain::time::to_ms(before));
        let erased = query.execute(&mut *tx.connection).await?.rows_affected();
        tx.commit().await?;
        Ok(erased)
    }
}

fn checked(cells: &Cells<'_>, head: impl FnOnce(Chain) -> Option<Head>) -> Result<(Chain, Seq, Head)> {
    let entry = entry_of(cells)?;
    let (chain, seq) = (entry.chain, entry.seq);
    let next = follow(head(chain).unwrap_or(Head::EMPTY), &entry)?;
    if let (Some(expected), Some(body)) = (entry.body, cells.opt_text("body_text")?)
        && body_hash(chain, body) != expected
    {
        return Err(Broken::Body { seq, chain }.into());
    }
    Ok((chain, seq, next))
}

fn ends(kept: &Cells<'_>, chain: Chain, found: Head) -> Result<()> {
    let expected = Head { chain_seq: kept.int("chain_seq")?, hash: kept.hash("hash")? };
    if expected == found {
        return Ok(());
    }
    Err(Broken::Cut { chain, expected: expected.chain_seq, found: found.chain_seq }.into())
}

async fn replay(connection: &mut SqliteConnection) -> Result<u64> {
    for table in projector::EMPTY {
        sqlx::query(table).execute(&mut *connection).await?;
    }
    sqlx::query(NO_WORDS).execute(&mut *connection).await?;
    let (mut after, mut replayed) = (0_i64, 0_u64);
    let mut batch = Batch::default();
    loop {
        let rows = sqlx::query(ENTRIES).bind(after).fetch_all(&mut *connection).await?;
        if rows.is_empty() {
            batch.run(connection).await?;
            return Ok(replayed);
        }
        for row in &rows {
            let item = item_of(row)?;
            after = item.entry.seq.0;
            let Some(fact) = item.fact else { continue };
            let body = item.entry.body;
            let body = body.as_ref().map(|hash| &hash.0[..]);
            projector::apply(&mut batch, item.entry.at, item.entry.chain.client(), body, &fact)?;
            replayed += 1;
            if batch.full() {
                batch.run(connection).await?;
            }
        }
    }
}

impl Store {
    /// Lets the file grow by no more than `pages` pages (`None`: without limit), or not be written at all: how tests
    /// meet a full disk and a read-only one.
    ///
    /// # Errors
    /// What the database says.
    #[doc(hidden)]
    pub async fn limit_pages(&self, more: Option<u32>, read_only: bool) -> Result<()> {
        const COUNT: &str = "PRAGMA page_count";
        let mut writer = self.writer().await;
        let count: i64 = sqlx::query_scalar(COUNT).fetch_one(&mut *writer).await?;
        let most = more.map_or(1_073_741_823, |more| count + i64::from(more));
        let limits = format!("PRAGMA max_page_count = {most}; PRAGMA query_only = {}", i64::from(read_only));
        sqlx::raw_sql(sqlx::AssertSqlSafe(limits)).execute(&mut *writer).await?;
        Ok(())
    }
}
