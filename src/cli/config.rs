//! `config check|apply|diff|export`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::{complain, data_dir::DataDir, global::Global, say, ways};
use crate::{
    clock::{Clock as _, SystemClock, SystemIds},
    config::Reading,
    service::configuration::{self, Change, ReadOptions},
};

/// `config …`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Report all faults of a file at once
    #[command(
        long_about = "Reports all faults of an applied file at once, each with line, column, field and remedy.\n\n\
        Nothing is changed. References to entries that are not in the file are looked up in the data directory, if there \
        is one; secrets are looked up in this command's environment and files, unless --offline is given.\n\n\
        Example:  halobridge config check installation.toml --offline"
    )]
    Check(CheckArgs),
    /// Set up what a file says
    #[command(
        long_about = "Sets up what an applied file says, in one step: all of it, or nothing when there is a fault.\n\n\
        Entries are recognised by name (workspaces by their ARM id); what the file does not mention stays, unless \
        --prune is given. Applying the same file again changes nothing. Works with and without a running server; a \
        running one takes the change up within 2 seconds.\n\n\
        Example:  halobridge config apply installation.toml --dry-run\n          \
        halobridge config apply installation.toml"
    )]
    Apply(ApplyArgs),
    /// Show what applying a file would change
    #[command(
        long_about = "Shows what applying a file would change. Exit code 0: nothing; 1: something; 2: the file has \
        faults.\n\nExample:  halobridge config diff installation.toml --prune"
    )]
    Diff(DiffArgs),
    /// Write the installation as such a file
    #[command(long_about = "Writes the installation as an applied file to standard output.\n\n\
        Secrets by reference stay references; secrets that were typed into the browser are sealed with this \
        installation's key. Halo's look-ups are included, so that names can be checked offline. Applying the file \
        again changes nothing.\n\n\
        Example:  halobridge config export > installation.toml")]
    Export(ExportArgs),
}

/// Options of `config check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The file; `-` is standard input
    pub file: PathBuf,
    /// Look no secret up, and use no data directory
    #[arg(long, env = "HALOBRIDGE_OFFLINE", value_parser = super::values::switch)]
    pub offline: bool,
}

/// Options of `config apply`.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// The file; `-` is standard input
    pub file: PathBuf,
    /// Remove everything that is not in the file
    #[arg(long, env = "HALOBRIDGE_PRUNE", value_parser = super::values::switch)]
    pub prune: bool,
    /// Only say what would change
    #[arg(long, env = "HALOBRIDGE_DRY_RUN", value_parser = super::values::switch)]
    pub dry_run: bool,
    /// Apply although secrets cannot be looked up here (they must be where the server runs)
    #[arg(long, env = "HALOBRIDGE_SECRETS_LATER", value_parser = super::values::switch)]
    pub secrets_later: bool,
}

/// Options of `config diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The file; `-` is standard input
    pub file: PathBuf,
    /// As if applied with --prune
    #[arg(long, env = "HALOBRIDGE_PRUNE", value_parser = super::values::switch)]
    pub prune: bool,
}

/// Options of `config export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// File to write instead of standard output; it must not exist
    #[arg(long, short, env = "HALOBRIDGE_EXPORT_OUTPUT", value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Runs one.
///
/// # Errors
/// One clear sentence.
pub async fn run(global: &Global, command: ConfigCommand) -> anyhow::Result<ExitCode> {
    match command {
        ConfigCommand::Check(args) => check(global, &args).await,
        ConfigCommand::Apply(args) => apply(global, &args).await,
        ConfigCommand::Diff(args) => diff(global, &args).await,
        ConfigCommand::Export(args) => export(global, &args).await,
    }
}

struct File {
    shown: String,
    text: String,
    options: ReadOptions,
}

fn open(path: &Path, offline: bool) -> anyhow::Result<File> {
    let here = std::env::current_dir().unwrap_or_default();
    if path == Path::new("-") {
        let text = std::io::read_to_string(std::io::stdin()).context("Standard input cannot be read as text")?;
        return Ok(File { shown: "-".to_owned(), text, options: ReadOptions { folder: here, offline } });
    }
    let bytes = std::fs::read(path)
        .with_context(|| format!("The file {} cannot be read. Check its path and rights", path.display()))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| anyhow::anyhow!("The file {} is not UTF-8 text. Save it as UTF-8.", path.display()))?;
    let folder = here.join(path).parent().map(Path::to_path_buf).unwrap_or(here);
    Ok(File { shown: path.display().to_string(), text, options: ReadOptions { folder, offline } })
}

/// Prints all faults, then how many; whether the file can be applied.
fn report(file: &File, reading: &Reading) -> bool {
    for fault in &reading.faults {
        complain(format!("{}:{fault}", file.shown));
    }
    let errors = reading.errors();
    if errors > 0 {
        let s = if errors == 1 { "" } else { "s" };
        complain(format!("{}: {errors} fault{s}. Nothing was changed.", file.shown));
    }
    errors == 0
}

async fn existing(global: &Global) -> anyhow::Result<Option<DataDir>> {
    if global.has_database() { global.open().await.map(Some) } else { Ok(None) }
}

async fn check(global: &Global, args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let file = open(&args.file, args.offline)?;
    let data = if args.offline { None } else { existing(global).await? };
    let reading = configuration::read(&file.text, data.as_ref().map(|d| &d.store), false, &file.options).await?;
    if !report(&file, &reading) {
        return Ok(ExitCode::FAILURE);
    }
    let Some(applied) = &reading.applied else { return Ok(ExitCode::FAILURE) };
    say(format!(
        "{}: sound. {} sign-in(s), {} Halo instance(s), {} client(s), {} policy(ies), {} workspace(s).",
        file.shown,
        applied.microsoft.len(),
        applied.halo.len(),
        applied.clients.len(),
        applied.policies.len(),
        applied.workspaces.len()
    ));
    Ok(ExitCode::SUCCESS)
}

fn list(changes: &[Change]) {
    for change in changes {
        say(change.to_string());
    }
}

async fn apply(global: &Global, args: &ApplyArgs) -> anyhow::Result<ExitCode> {
    let file = open(&args.file, args.secrets_later)?;
    // A faulty file must not leave an empty installation behind.
    if !global.has_database() {
        let reading = configuration::read(&file.text, None, args.prune, &file.options).await?;
        if reading.applied.is_none() {
            report(&file, &reading);
            return Ok(ExitCode::FAILURE);
        }
        if args.dry_run {
            report(&file, &reading);
            say(format!("There is no installation in {} yet: everything would be new.", global.data_dir().display()));
            return Ok(ExitCode::SUCCESS);
        }
    }
    let data = global.open_or_make().await?;
    let reading = configuration::read(&file.text, Some(&data.store), args.prune, &file.options).await?;
    if !report(&file, &reading) {
        return Ok(ExitCode::FAILURE);
    }
    let Some(applied) = &reading.applied else { return Ok(ExitCode::FAILURE) };
    if args.dry_run {
        let stored = configuration::installed(&data.store).await?;
        let changes = configuration::compare(applied, &stored, &data.store, args.prune).await?;
        list(&changes);
        say(format!("{} would change. Nothing was changed (--dry-run).", entries(changes.len())));
        return Ok(ExitCode::SUCCESS);
    }
    let installation = data.store.installation().await.context("What is set up cannot be read")?;
    configuration::moved::same_instances(&data.store, &installation, applied, ways::halo).await?;
    let changes = configuration::apply(&data.store, applied, args.prune, SystemClock.now(), &SystemIds).await?;
    list(&changes);
    if changes.is_empty() {
        say("Nothing changed: the installation is as the file says.");
    } else {
        say(format!("Applied: {} changed. A running server takes it up within 2 seconds.", entries(changes.len())));
    }
    Ok(ExitCode::SUCCESS)
}

fn entries(count: usize) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}

async fn diff(global: &Global, args: &DiffArgs) -> anyhow::Result<ExitCode> {
    const DIFFERENT: u8 = 1;
    const FAULTY: u8 = 2;
    let file = open(&args.file, true)?;
    let data = existing(global).await?;
    let reading = configuration::read(&file.text, data.as_ref().map(|d| &d.store), args.prune, &file.options).await?;
    if !report(&file, &reading) {
        return Ok(ExitCode::from(FAULTY));
    }
    let (Some(applied), Some(data)) = (&reading.applied, data) else {
        say(format!("There is no installation in {} yet: everything would be new.", global.data_dir().display()));
        return Ok(ExitCode::from(DIFFERENT));
    };
    let stored = configuration::installed(&data.store).await?;
    let changes = configuration::compare(applied, &stored, &data.store, args.prune).await?;
    list(&changes);
    if changes.is_empty() {
        say("No difference.");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::from(DIFFERENT))
}

async fn export(global: &Global, args: &ExportArgs) -> anyhow::Result<ExitCode> {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    let data = global.open().await?;
    let text = configuration::export(&data.store).await?.to_toml();
    let Some(path) = &args.output else {
        let _ = std::io::stdout().write_all(text.as_bytes());
        return Ok(ExitCode::SUCCESS);
    };
    let mut options = std::fs::OpenOptions::new();
    let written =
        options.write(true).create_new(true).mode(0o600).open(path).and_then(|mut f| f.write_all(text.as_bytes()));
    written
        .with_context(|| format!("The file {} cannot be written. Choose one that does not exist", path.display()))?;
    say(format!("Written to {}.", path.display()));
    Ok(ExitCode::SUCCESS)
}
