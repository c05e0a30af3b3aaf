//! Wires the parts together: one file for each sub-command.

mod twin;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Keeps Microsoft Sentinel incidents and Halo tickets in step.
#[derive(Debug, Parser)]
#[command(name = "halobridge", version, propagate_version = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a stand-in for Microsoft Entra, Azure, Sentinel, Log Analytics and Halo.
    Twin(twin::TwinArgs),
}

/// The program.
pub fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Twin(args) => twin::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("halobridge: {error:#}");
            ExitCode::FAILURE
        }
    }
}
