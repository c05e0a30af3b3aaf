//! Logging: one line an event, fields that can be queried, never a secret.

use std::{fmt::Write as _, io::IsTerminal as _};

use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::{Layer as _, SubscriberExt as _},
    util::SubscriberInitExt as _,
};

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

/// Starts logging to standard error. `format` is `text` or `json`; `filter` is a level, or levels by target
/// (`info,halobridge=debug`); one that cannot be read means `info`.
pub fn start(format: &str, filter: &str) {
    let filter = filter.parse().unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO));
    // Colours are for a terminal: in a file or a journal they are noise around each word.
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
    let lines = if format == "json" { lines.json().boxed() } else { lines.boxed() };
    // Whoever embeds the program may log in its own way already.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}
