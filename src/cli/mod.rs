//! Wires the parts together: reads the command line, opens what a command needs, says what came of it.
//!
//! One file for each command. Every option also has an environment variable (a test holds that).
//! Exit codes: 0 done, 1 it found faults or could not do it, 2 the command line was wrong.

mod backup;
mod config;
pub mod data_dir;
mod demo;
mod doctor;
pub mod drive;
mod errands;
mod follow;
pub mod global;
mod log_checks;
mod prove;
mod restore;
pub mod running;
mod serve;
mod sockets;
mod story;
mod sync;
mod twin;
mod user;
mod values;
pub mod ways;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{CommandFactory, Parser, Subcommand};

use crate::{telemetry, web};

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "halobridge",
    version,
    propagate_version = true,
    max_term_width = 100,
    about = "Keeps Microsoft Sentinel incidents and Halo tickets in step, with proof.",
    long_about = "Keeps Microsoft Sentinel incidents and Halo tickets in step, with proof.\n\n\
        Start with `halobridge config check FILE.toml` and `halobridge config apply FILE.toml` (docs/CONFIGURATION.md \
        has the smallest file), then `halobridge doctor`, then `halobridge serve`. `halobridge demo` shows \
        everything without any account.",
    after_help = "Everything an installation keeps lies in one data directory (--data-dir). \
        docs/COMMANDS.md explains each command."
)]
struct Cli {
    #[command(flatten)]
    global: global::Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the console and the sync engine
    #[command(long_about = serve::LONG)]
    Serve(serve::ServeArgs),
    /// Show everything without any account: the console with a stand-in for both clouds
    #[command(long_about = demo::LONG)]
    Demo(demo::DemoArgs),
    /// Check, apply, compare and export the applied file
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Make accounts, reset passwords, list accounts
    #[command(subcommand)]
    User(user::UserCommand),
    /// Run one whole cycle, or ask the running server for one
    #[command(long_about = sync::LONG)]
    Sync(sync::SyncArgs),
    /// Check everything and say what to do
    #[command(long_about = doctor::LONG)]
    Doctor(doctor::DoctorArgs),
    /// Write a copy of the database while work goes on
    #[command(long_about = backup::LONG)]
    Backup(backup::BackupArgs),
    /// Put a backup in place of the database
    #[command(long_about = restore::LONG)]
    Restore(restore::RestoreArgs),
    /// Live random worlds and check what must always hold
    #[command(long_about = prove::LONG)]
    Prove(prove::ProveArgs),
    // Its own doc comment is its help.
    Twin(twin::TwinArgs),
}

/// The program.
///
/// `bundle` reads the files that the browser is given.
pub fn main(bundle: web::assets::Site) -> ExitCode {
    web::assets::embed(bundle);
    let Cli { global, command } = Cli::parse();
    match &command {
        Command::Twin(_) => {}
        // Thousands of worlds have nothing to say; of one that is looked into, `--log` shows more.
        Command::Prove(_) => global.start_logging("off"),
        Command::Serve(_) => global.start_logging("info"),
        // What its story leaves for a person to do stands on the page.
        Command::Demo(_) => global.start_logging("error"),
        _ => global.start_logging("warn"),
    }
    let outcome = match command {
        Command::Serve(args) => wait(serve::run(&global, args)),
        Command::Demo(args) => wait(demo::run(&global, args)),
        Command::Config(command) => wait(config::run(&global, command)),
        Command::User(command) => wait(user::run(&global, command)),
        Command::Sync(args) => wait(sync::run(&global, args)),
        Command::Doctor(args) => wait(doctor::run(&global, args)),
        Command::Backup(args) => wait(backup::run(&global, args)),
        Command::Restore(args) => wait(restore::run(&global, args)),
        Command::Prove(args) => prove::run(&args),
        Command::Twin(args) => twin::run(&args).map(|()| ExitCode::SUCCESS),
    };
    outcome.unwrap_or_else(|error| failed(&error))
}

/// Stack of each thread, in bytes: what the engine does in one go is deep where it is built for debugging.
pub(super) const STACK: usize = 4 << 20;

/// Runs a command to its end on this program's threads.
fn wait(command: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().thread_stack_size(STACK).enable_all().build();
    runtime.context("The program cannot start its threads")?.block_on(command)
}

/// One clear sentence on standard error.
fn failed(error: &anyhow::Error) -> ExitCode {
    complain(format!("error: {}", telemetry::chain(error.as_ref())));
    ExitCode::FAILURE
}

/// Prints to standard output. A reader that has gone away is no reason to stop.
pub(crate) fn say(text: impl AsRef<str>) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{}", text.as_ref());
}

/// Prints to standard error.
pub(crate) fn complain(text: impl AsRef<str>) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{}", text.as_ref());
}

/// The whole command line, for the tests that hold its documentation together.
pub fn command() -> clap::Command {
    Cli::command()
}
