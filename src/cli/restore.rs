//! `restore`.

use std::{
    io::Read as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context as _, bail};
use clap::Args;
use secrecy::ExposeSecret as _;

use super::{
    backup::{key_path, passphrase},
    data_dir::{DATABASE, KEY_FILE, key_from_environment},
    global::Global,
    say,
};
use crate::{
    clock::{Clock as _, SystemClock, SystemIds},
    store::{SealKey, Store, lock_instance, open_key, schema_of},
};

/// What `--help` says.
pub const LONG: &str = "Puts a backup in place of the database. No server may run on the data directory.\n\n\
    The backup is checked first: its version, its inner order and every chain of its ledger. The database that was there is \
    kept beside it under a name ending in .before-restore. After a restore the server only reads until a person confirms it (`serve --confirm-instance`), because tickets and incidents may have moved on since the backup.\n\n\
    With --with-key the key in FILE.key is put in place too, and the one that was there is kept in the same way (passphrase in HALOBRIDGE_BACKUP_PASSPHRASE).\n\n\
    Example:  halobridge restore /backup/halobridge-monday.db";

/// Options of `restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// File that `backup` wrote
    pub file: PathBuf,
    /// Put the key in FILE.key in place too
    #[arg(long, env = "HALOBRIDGE_RESTORE_WITH_KEY", value_parser = super::values::switch)]
    pub with_key: bool,
}

/// Whether a file begins as every SQLite database does.
fn is_database(file: &Path) -> anyhow::Result<bool> {
    let mut begin = Vec::new();
    let opened = std::fs::File::open(file).and_then(|file| file.take(16).read_to_end(&mut begin));
    opened.with_context(|| format!("The file {} cannot be read", file.display()))?;
    Ok(begin == *b"SQLite format 3\0")
}

/// Runs it.
///
/// # Errors
/// One clear sentence; then the database is as it was.
pub async fn run(global: &Global, args: RestoreArgs) -> anyhow::Result<ExitCode> {
    let dir = global.data_dir();
    if !args.file.is_file() {
        bail!("There is no backup {}. Name a file that `halobridge backup` wrote.", args.file.display());
    }
    if !is_database(&args.file)? {
        bail!("The file {} is no backup. Name a file that `halobridge backup` wrote.", args.file.display());
    }
    private_dir(&dir)?;
    let _lock = lock_instance(&dir)?;
    let key = if args.with_key { Some(carried_key(global, &args.file)?) } else { None };
    let given = global.key_file.is_some() || key_from_environment().is_some() || dir.join(KEY_FILE).exists();
    let seal = match &key {
        Some(text) => SealKey::from_hex(text, Arc::new(SystemIds))?,
        None => global.key(true)?,
    };
    let fresh = dir.join(format!("{DATABASE}.restoring"));
    remove(&fresh)?;
    copy_log(&args.file, &fresh)?;
    copy_private(&args.file, &fresh)?;
    let checked = check(&fresh, seal).await;
    if let Err(error) = checked {
        remove(&fresh)?;
        return Err(error.context(format!("The backup {} was not restored", args.file.display())));
    }
    // Whole and durable before the database changes places: then it has only to be renamed.
    let fresh_key = key.as_ref().map(|text| bring_key(&dir, text.expose_secret().trim())).transpose()?.flatten();
    let kept = keep_old(&dir)?;
    move_with_log(&fresh, &dir.join(DATABASE))?;
    let kept_key = fresh_key.map(|fresh| put_key(&dir, &fresh)).transpose()?.flatten();
    say(format!("Restored {} to {}.", args.file.display(), dir.join(DATABASE).display()));
    if let Some(kept) = kept {
        say(format!("The database that was there is now {}.", kept.display()));
    }
    if let Some(kept) = kept_key {
        say(format!("The key that was there is now {}.", kept.display()));
    }
    if key.is_none() && !given {
        say("There was no key, so a new one was made: secrets that were typed into the browser must be entered again.");
    }
    say("The server will only read until you confirm that it may write again: start it once with --confirm-instance.");
    Ok(ExitCode::SUCCESS)
}

fn carried_key(global: &Global, file: &Path) -> anyhow::Result<secrecy::SecretString> {
    if global.key_file.is_some() || key_from_environment().is_some() {
        bail!("--with-key puts the key into the data directory. Leave --key-file and HALOBRIDGE_KEY out.");
    }
    let path = key_path(file);
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("The key file {} cannot be read. Restore without --with-key", path.display()))?;
    Ok(open_key(&text, &passphrase()?, Arc::new(SystemIds))?)
}

/// The setting by which a database knows its data directory.
const MARK: &str = "instance-mark";

/// Opens the copy as a server would, and proves that it holds. It loses its mark: a file that `backup` did not write may
/// carry this very directory's, and would write at once.
async fn check(path: &Path, key: SealKey) -> anyhow::Result<()> {
    // Opened as a server would, any database gets our tables and looks like an installation that is new.
    if schema_of(path).await?.is_none() {
        bail!("It is an empty database or another program's. Name a file that `halobridge backup` wrote.");
    }
    let store = Store::open(path, key).await?;
    let faults = store.integrity_check().await?;
    if !faults.is_empty() {
        bail!("It is damaged: {}. Use another backup.", faults.join("; "));
    }
    store.verify_ledger().await?;
    let mut tx = store.begin().await?;
    tx.put_setting(MARK, None).await?;
    tx.commit().await?;
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The database's file and the two that SQLite keeps beside it.
const PARTS: [&str; 3] = ["", "-wal", "-shm"];

fn remove(path: &Path) -> anyhow::Result<()> {
    for part in PARTS {
        let path = with_suffix(path, part);
        if path.exists() {
            std::fs::remove_file(&path).with_context(|| format!("{} cannot be removed", path.display()))?;
        }
    }
    Ok(())
}

fn move_with_log(from: &Path, to: &Path) -> anyhow::Result<()> {
    // The log goes first: a database without its log would look whole and lack what the log holds.
    for part in ["-wal", "-shm", ""] {
        let (from, to) = (with_suffix(from, part), with_suffix(to, part));
        match std::fs::rename(&from, &to) {
            // A connection that closes just now has carried the log over, and removed it.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !part.is_empty() => {}
            moved => moved.with_context(|| format!("{} cannot be put in place", to.display()))?,
        }
    }
    Ok(())
}

fn keep_old(dir: &Path) -> anyhow::Result<Option<PathBuf>> {
    let old = dir.join(DATABASE);
    if !old.exists() {
        return Ok(None);
    }
    let kept = name_to_keep(dir, DATABASE);
    move_with_log(&old, &kept)?;
    Ok(Some(kept))
}

/// A name that nothing has yet, for what was there before this restore.
fn name_to_keep(dir: &Path, file: &str) -> PathBuf {
    let stamp = SystemClock.now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut kept = dir.join(format!("{file}.{stamp}.before-restore"));
    let mut number = 1;
    while kept.exists() {
        number += 1;
        kept = dir.join(format!("{file}.{stamp}-{number}.before-restore"));
    }
    kept
}

fn private_dir(dir: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    if dir.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("The data directory {} cannot be made", dir.display()))
}

/// Brings the log that lies beside a database whose files were copied one by one: its last entries are there alone.
fn copy_log(from: &Path, to: &Path) -> anyhow::Result<()> {
    let log = with_suffix(from, "-wal");
    match std::fs::metadata(&log) {
        Ok(found) if found.len() > 0 => copy_private(&log, &with_suffix(to, "-wal")),
        _ => Ok(()),
    }
}

fn copy_private(from: &Path, to: &Path) -> anyhow::Result<()> {
    let mut source =
        std::fs::File::open(from).with_context(|| format!("The backup {} cannot be read", from.display()))?;
    let mut options = std::fs::OpenOptions::new();
    let copied = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .and_then(|mut target| std::io::copy(&mut source, &mut target).and_then(|_| target.sync_all()));
    copied.with_context(|| format!("The backup cannot be copied to {}", to.display()))
}

/// Writes the key beside its place. `None`: it is there already.
fn bring_key(dir: &Path, text: &str) -> anyhow::Result<Option<PathBuf>> {
    if std::fs::read_to_string(dir.join(KEY_FILE)).is_ok_and(|there| there.trim() == text) {
        return Ok(None);
    }
    let fresh = dir.join(format!("{KEY_FILE}.restoring"));
    let made = || {
        if fresh.exists() {
            std::fs::remove_file(&fresh)?;
        }
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        std::io::Write::write_all(&mut file, format!("{text}\n").as_bytes())?;
        file.sync_all()
    };
    made().with_context(|| format!("The key file {} cannot be written", fresh.display()))?;
    Ok(Some(fresh))
}

/// Puts the key that was brought in its place; gives where the one that was there is kept.
fn put_key(dir: &Path, fresh: &Path) -> anyhow::Result<Option<PathBuf>> {
    let place = dir.join(KEY_FILE);
    let kept = place.exists().then(|| name_to_keep(dir, KEY_FILE));
    if let Some(kept) = &kept {
        std::fs::rename(&place, kept).with_context(|| {
            format!("The old key {} cannot be kept; the new one is {}", place.display(), fresh.display())
        })?;
    }
    std::fs::rename(fresh, &place)
        .with_context(|| format!("The key {} cannot be put in place: rename it to {KEY_FILE}", fresh.display()))?;
    Ok(kept)
}
