//! One process on one data directory; and noticing a copied directory, a restored database or a second writer.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};

use super::{
    Store,
    error::{Result, StoreError},
    row::to_json,
    tx::Tx,
};
use crate::{
    clock::IdSource,
    domain::{
        second_writer::SecondWriter,
        time::{from_ms, to_ms},
    },
    ledger::fact::Fact,
};

/// Name of the lock file in a data directory.
pub const LOCK_FILE: &str = "halobridge.lock";
const MARK_FILE: &str = "instance";
const MARK: &str = "instance-mark";
const FORGOTTEN: &str = "forgotten-until";
const SECOND_WRITER: &str = "second-writer";

/// Held as long as this process may use the data directory; freed by the system when the process ends.
#[derive(Debug)]
pub struct InstanceLock {
    _file: File,
}

/// Locks a data directory for this process.
///
/// # Errors
/// [`StoreError::AlreadyRunning`] with the other process's id, [`StoreError::CannotOpen`].
pub fn lock_instance(data_dir: &Path) -> Result<InstanceLock> {
    let path = data_dir.join(LOCK_FILE);
    let cannot =
        |error: std::io::Error| StoreError::CannotOpen { path: path.display().to_string(), why: error.to_string() };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(cannot)?;
    if let Err(error) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
        if error != rustix::io::Errno::WOULDBLOCK {
            return Err(cannot(error.into()));
        }
        let mut text = String::new();
        let read = file.read_to_string(&mut text).is_ok();
        let pid = text.trim();
        let known = read && !pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit());
        return Err(StoreError::AlreadyRunning { pid: if known { pid.to_owned() } else { "unknown".into() } });
    }
    let written = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .and_then(|()| file.flush());
    written.map_err(|error| StoreError::from_io(&error))?;
    Ok(InstanceLock { _file: file })
}

/// Whether database and data directory belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstanceMark {
    /// A new database: marked now.
    New,
    /// They do.
    Same,
    /// They do not: a restored database or a copied directory. Only reading is safe until a person confirms.
    Differs,
}

/// What had been noticed of an installation that a person confirms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noticed {
    /// It was restored or copied.
    Copied,
    /// A second process writes to its pairs.
    SecondWriter,
    /// Nothing: of two that write, the other one alone may have noticed it.
    Nothing,
}

impl Noticed {
    /// Its name, as it is written down.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Copied => "copied",
            Self::SecondWriter => "second-writer",
            Self::Nothing => "nothing",
        }
    }
}

impl Store {
    /// Compares the mark in the database with the one in the data directory (text, device and inode: a copied
    /// directory has another file).
    ///
    /// # Errors
    /// What the database or the file system says.
    pub async fn instance_mark(&self, data_dir: &Path, ids: &dyn IdSource) -> Result<InstanceMark> {
        let path = data_dir.join(MARK_FILE);
        let kept = self.setting(MARK).await?;
        match kept {
            None if self.latest_seq().await?.0 == 0 => {
                self.confirm_instance(data_dir, ids).await?;
                Ok(InstanceMark::New)
            }
            Some(kept) if read_mark(&path).is_some_and(|mark| mark == kept) => Ok(InstanceMark::Same),
            _ => Ok(InstanceMark::Differs),
        }
    }

    /// Marks database and data directory as belonging together: a person has confirmed it.
    ///
    /// # Errors
    /// What the database or the file system says.
    pub async fn confirm_instance(&self, data_dir: &Path, ids: &dyn IdSource) -> Result<()> {
        let path = data_dir.join(MARK_FILE);
        let written = std::fs::write(&path, ids.token(16));
        written.map_err(|error| StoreError::from_io(&error))?;
        let mark = read_mark(&path).ok_or(StoreError::ReadOnly)?;
        let mut tx = self.begin().await?;
        tx.put_setting(MARK, Some(&mark)).await?;
        tx.commit().await
    }

    /// A person says that this is the installation to go on with, whatever was noticed here: what was written up to now may be
    /// missing in it, as in a restored one. That they said so is written down. `None`: the database is new, and there is
    /// nothing to confirm.
    ///
    /// # Errors
    /// What the database or the file system says.
    pub async fn confirm(&self, data_dir: &Path, ids: &dyn IdSource, now: Timestamp) -> Result<Option<Noticed>> {
        let mark = self.instance_mark(data_dir, ids).await?;
        let noticed = match (mark, self.second_writer().await?) {
            (InstanceMark::New, _) => return Ok(None),
            (_, Some(_)) => Noticed::SecondWriter,
            (InstanceMark::Differs, None) => Noticed::Copied,
            (InstanceMark::Same, None) => Noticed::Nothing,
        };
        let mut tx = self.begin().await?;
        forget_until(&mut tx, now).await?;
        let detail = serde_json::json!({ "noticed": noticed.as_str() });
        let act = Fact::HumanAct { user: None, act: "confirm-instance".to_owned(), pair: None, detail };
        tx.record(now, None, act).await?;
        tx.commit().await?;
        if mark == InstanceMark::Differs {
            self.confirm_instance(data_dir, ids).await?;
        }
        Ok(Some(noticed))
    }

    /// A person has confirmed a restored or copied database, or the one to go on with after a second writer was noticed:
    /// what was written up to now may be missing in it.
    ///
    /// # Errors
    /// What the database says.
    pub async fn forgot_until(&self, now: Timestamp) -> Result<()> {
        let mut tx = self.begin().await?;
        forget_until(&mut tx, now).await?;
        tx.commit().await
    }

    /// Until when this database may lack what was written; `None` when it never was restored or copied.
    ///
    /// # Errors
    /// What the database says.
    pub async fn forgotten_until(&self) -> Result<Option<Timestamp>> {
        let kept = self.setting(FORGOTTEN).await?;
        Ok(kept.and_then(|text| text.parse().ok()).map(from_ms))
    }

    /// A second writer was noticed: kept until a person confirms ([`Store::forgot_until`]).
    ///
    /// # Errors
    /// What the database says.
    pub async fn keep_second_writer(&self, found: &SecondWriter) -> Result<()> {
        let mut tx = self.begin().await?;
        tx.put_setting(SECOND_WRITER, Some(&to_json(found)?)).await?;
        tx.commit().await
    }

    /// The second writer that was noticed and that nobody has settled yet.
    ///
    /// # Errors
    /// What the database says.
    pub async fn second_writer(&self) -> Result<Option<SecondWriter>> {
        let Some(kept) = self.setting(SECOND_WRITER).await? else { return Ok(None) };
        let corrupt = |_| StoreError::Corrupt { table: "settings", column: "value", id: SECOND_WRITER.to_owned() };
        serde_json::from_str(&kept).map(Some).map_err(corrupt)
    }
}

async fn forget_until(tx: &mut Tx, now: Timestamp) -> Result<()> {
    tx.put_setting(FORGOTTEN, Some(&to_ms(now).to_string())).await?;
    tx.put_setting(SECOND_WRITER, None).await
}

fn read_mark(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let file = std::fs::metadata(path).ok()?;
    Some(format!("{} {} {}", text.trim(), file.dev(), file.ino()))
}
