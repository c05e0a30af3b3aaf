//! Logging: one line an event, fields that can be queried, never a secret.

use std::{fmt::Write as _, io::IsTerminal as _};

/// The whole chain of an error, outermost first, joined by `: `. Used once, where it is handled.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}

/// Starts logging to standard error. `format` is `text` or `json`; `filter` as in `RUST_LOG`.
pub fn start(format: &str, filter: &str) {
    let filter =
        tracing_subscriber::EnvFilter::try_new(filter).unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    // Colours are for a terminal: in a file or a journal they are noise around each word.
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    let _ = if format == "json" { builder.json().try_init().map_err(drop) } else { builder.try_init().map_err(drop) };
}
