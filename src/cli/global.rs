//! Options that every command takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::telemetry;

/// Options that every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Common options")]
pub struct Global {
    /// Directory with everything this installation keeps
    ///
    /// Without it: ./.data when that exists, else ~/.local/share/halobridge.
    #[arg(long, env = "HALOBRIDGE_DATA_DIR", value_name = "DIR", global = true)]
    pub data_dir: Option<PathBuf>,

    /// File with the key that seals secrets
    ///
    /// 64 hexadecimal digits, mode 0600. Without it, and without HALOBRIDGE_KEY (which holds the key
    /// itself), the file `halobridge.key` in the data directory is used and made on first start.
    #[arg(long, env = "HALOBRIDGE_KEY_FILE", value_name = "FILE", global = true)]
    pub key_file: Option<PathBuf>,

    /// What to log to standard error, e.g. `info` or `halobridge=debug`
    #[arg(long, env = "HALOBRIDGE_LOG", value_name = "FILTER", global = true)]
    pub log: Option<String>,

    /// How log lines look
    #[arg(long, env = "HALOBRIDGE_LOG_FORMAT", value_name = "FORMAT", default_value = "text", global = true)]
    pub log_format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Global {
    /// Starts logging; `default` is the filter when none was asked for.
    pub fn start_logging(&self, default: &str) {
        let format = match self.log_format {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        };
        telemetry::start(format, self.log.as_deref().unwrap_or(default));
    }
}
