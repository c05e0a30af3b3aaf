//! The data directory: where it is, what lies in it, opening it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, bail};
use secrecy::SecretString;

use super::global::Global;
use crate::{
    clock::{IdSource, SystemIds},
    store::{InstanceLock, SealKey, Store, StoreError, behind, lock_instance},
};

/// The database.
pub const DATABASE: &str = "halobridge.db";
/// The sealing key, unless it is given otherwise.
pub const KEY_FILE: &str = "halobridge.key";
/// Environment variable with the sealing key itself.
pub const KEY_VARIABLE: &str = "HALOBRIDGE_KEY";

/// An opened data directory.
#[derive(Clone)]
pub struct DataDir {
    /// Where.
    pub path: PathBuf,
    /// Its database.
    pub store: Store,
}

impl Global {
    /// Where the data directory is, whether or not it exists.
    pub fn data_dir(&self) -> PathBuf {
        if let Some(path) = &self.data_dir {
            return path.clone();
        }
        let here = PathBuf::from(".data");
        if here.is_dir() {
            return here;
        }
        match std::env::var_os("HOME").filter(|home| !home.is_empty()) {
            Some(home) => Path::new(&home).join(".local/share/halobridge"),
            None => here,
        }
    }

    /// Whether there is an installation.
    pub fn has_database(&self) -> bool {
        self.data_dir().join(DATABASE).is_file()
    }

    /// The key that seals secrets; with `make`, the key file is made when it is missing.
    ///
    /// # Errors
    /// The key is missing, unreadable or readable by others.
    pub fn key(&self, make: bool) -> anyhow::Result<SealKey> {
        let ids: Arc<dyn IdSource> = Arc::new(SystemIds);
        if let Some(path) = &self.key_file {
            return Ok(SealKey::from_file(path, false, ids)?);
        }
        if let Some(text) = key_from_environment() {
            return SealKey::from_hex(&text, ids).with_context(|| format!("{KEY_VARIABLE} cannot be used"));
        }
        let path = self.data_dir().join(KEY_FILE);
        // A new key beside an old database would lock its secrets for ever.
        Ok(SealKey::from_file(&path, make && !self.has_database(), ids)?)
    }

    /// The sealing key as text, for a backup that carries it.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn key_text(&self) -> anyhow::Result<SecretString> {
        let default = self.data_dir().join(KEY_FILE);
        let path = match (&self.key_file, key_from_environment()) {
            (Some(path), _) => path,
            (None, Some(text)) => return Ok(text),
            (None, None) => &default,
        };
        let text =
            std::fs::read_to_string(path).with_context(|| format!("The key file {} cannot be read", path.display()))?;
        Ok(SecretString::from(text.trim().to_owned()))
    }

    /// Opens the data directory and makes it when it is missing.
    ///
    /// # Errors
    /// One clear sentence with the remedy.
    pub async fn open_or_make(&self) -> anyhow::Result<DataDir> {
        let path = self.data_dir();
        make_private(&path)
            .with_context(|| format!("The data directory {} cannot be used. Give this user the right to write there, or choose another with --data-dir", path.display()))?;
        let key = self.key(true)?;
        let fresh = !self.has_database();
        let database = path.join(DATABASE);
        // The schema is not changed under a process that goes by the one before.
        let _alone = if behind(&database).await? { Some(alone(&path)?) } else { None };
        let store = Store::open(&database, key).await?;
        if fresh {
            // Marked before anything is recorded: a database with entries and no mark counts as restored.
            store.instance_mark(&path, &SystemIds).await?;
        }
        Ok(DataDir { path, store })
    }

    /// Opens a data directory that must exist.
    ///
    /// # Errors
    /// One clear sentence with the remedy.
    pub async fn open(&self) -> anyhow::Result<DataDir> {
        let path = self.data_dir();
        if !self.has_database() {
            bail!(
                "There is no installation in {}. Make one with `halobridge config apply FILE.toml`, or name its \
                 directory with --data-dir.",
                path.display()
            );
        }
        self.open_or_make().await
    }
}

/// The data directory's lock, for an upgrade.
fn alone(path: &Path) -> anyhow::Result<InstanceLock> {
    match lock_instance(path) {
        Err(StoreError::AlreadyRunning { pid }) => bail!(
            "This program is newer than the Halobridge that runs in {} (process {pid}), and would bring the database up \
             to date under it. Stop that one first, or use its own version of this command.",
            path.display()
        ),
        other => Ok(other?),
    }
}

/// The key in `HALOBRIDGE_KEY`, if it is set.
pub fn key_from_environment() -> Option<SecretString> {
    std::env::var(KEY_VARIABLE).ok().filter(|text| !text.trim().is_empty()).map(SecretString::from)
}

/// Makes a directory that only its owner may enter, and proves that it can be written.
fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    if !path.is_dir() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    }
    let probe = path.join(format!(".writable-{}", std::process::id()));
    std::fs::write(&probe, b"")?;
    std::fs::remove_file(&probe)
}
