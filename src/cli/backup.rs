//! `backup`.

use std::{
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context as _, bail};
use clap::Args;
use secrecy::SecretString;

use super::{global::Global, say};
use crate::{
    clock::SystemIds,
    store::{Store, seal_key},
};

/// Environment variable with the passphrase for the key in a backup.
pub const PASSPHRASE_VARIABLE: &str = "HALOBRIDGE_BACKUP_PASSPHRASE";
/// Shortest passphrase, in characters.
const PASSPHRASE_MIN: usize = 12;

/// What `--help` says.
pub const LONG: &str = "Writes a consistent copy of the database to a new file, while a server may go on working.\n\n\
    The key that seals secrets is left out: without it the copy's secrets (those typed into the browser) stay closed. Keep \
    the key apart, or give --with-key: it is then written beside the copy as FILE.key, sealed under the passphrase in \
    HALOBRIDGE_BACKUP_PASSPHRASE.\n\n\
    The copy is then checked as `restore` would check it: its inner order and every chain of its ledger. With a fault the \
    exit code is 1, and the copy stays. --no-check leaves that out.\n\n\
    Example:  halobridge backup /backup/halobridge-monday.db";

/// Options of `backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// File to write; it must not exist
    pub file: PathBuf,
    /// Write the key too, sealed under the passphrase in HALOBRIDGE_BACKUP_PASSPHRASE
    #[arg(long, env = "HALOBRIDGE_BACKUP_WITH_KEY", value_parser = super::values::switch)]
    pub with_key: bool,
    /// Do not check the copy
    #[arg(long, env = "HALOBRIDGE_BACKUP_NO_CHECK", value_parser = super::values::switch)]
    pub no_check: bool,
}

/// The passphrase, from the environment only: a command line can be seen by others.
pub(super) fn passphrase() -> anyhow::Result<SecretString> {
    match std::env::var(PASSPHRASE_VARIABLE) {
        Ok(text) if text.chars().count() >= PASSPHRASE_MIN => Ok(SecretString::from(text)),
        _ => bail!("Set {PASSPHRASE_VARIABLE} to a passphrase of at least {PASSPHRASE_MIN} characters."),
    }
}

/// `FILE.key` beside `FILE`.
pub(super) fn key_path(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".key");
    PathBuf::from(name)
}

/// Runs it.
///
/// # Errors
/// One clear sentence.
pub async fn run(global: &Global, args: BackupArgs) -> anyhow::Result<ExitCode> {
    let data = global.open().await?;
    if args.file.exists() {
        bail!("The file {} exists already. Choose another name, or remove it first.", args.file.display());
    }
    let beside = key_path(&args.file);
    if !args.with_key {
        data.store.backup(&args.file).await?;
        check(&data.store, &args).await?;
        say(format!(
            "Written to {}. The key that seals secrets is not in it: keep {} as well, or use --with-key.",
            args.file.display(),
            key_place(global)
        ));
        return Ok(ExitCode::SUCCESS);
    }
    let sealed = seal_key(&global.key_text()?, &passphrase()?, Arc::new(SystemIds))?;
    if beside.exists() {
        bail!("The file {} exists already. Choose another name.", beside.display());
    }
    data.store.backup(&args.file).await?;
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| std::io::Write::write_all(&mut file, sealed.as_bytes()));
    written.with_context(|| format!("The key file {} cannot be written", beside.display()))?;
    check(&data.store, &args).await?;
    say(format!(
        "Written to {}; the key, sealed under your passphrase, to {}. Keep the passphrase apart from both.",
        args.file.display(),
        beside.display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// A copy that `restore` would refuse is no backup: better to hear of it today.
async fn check(store: &Store, args: &BackupArgs) -> anyhow::Result<()> {
    if args.no_check {
        return Ok(());
    }
    let checked = store.check_copy(&args.file).await;
    checked.with_context(|| format!("{} was written, but `restore` would refuse it", args.file.display()))
}

fn key_place(global: &Global) -> String {
    if let Some(path) = &global.key_file {
        return path.display().to_string();
    }
    if super::data_dir::key_from_environment().is_some() {
        return format!("the value of {}", super::data_dir::KEY_VARIABLE);
    }
    global.data_dir().join(super::data_dir::KEY_FILE).display().to_string()
}
