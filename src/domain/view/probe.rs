//! What a test of something typed or set up found: line by line, each with the entry it is about.

use serde::{Deserialize, Serialize};

use crate::domain::catalogue::{Catalogue, Named};

/// How a line of a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Well.
    Ok,
    /// Worth knowing; nothing is broken.
    Note,
    /// Something must be done.
    Fault,
}

/// One line of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Name of the entry it is about, as in its form; empty for the whole.
    pub field: String,
    /// How it ended.
    pub level: Level,
    /// What was found: a sentence.
    pub says: String,
    /// What to do: a sentence; empty where nothing is to be done.
    pub fix: String,
}

impl Line {
    /// All is well.
    pub fn ok(field: &str, says: impl Into<String>) -> Self {
        Self { field: field.to_owned(), level: Level::Ok, says: says.into(), fix: String::new() }
    }

    /// Worth knowing.
    pub fn note(field: &str, says: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { field: field.to_owned(), level: Level::Note, says: says.into(), fix: fix.into() }
    }

    /// Something must be done.
    pub fn fault(field: &str, says: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { field: field.to_owned(), level: Level::Fault, says: says.into(), fix: fix.into() }
    }
}

/// The worst of some lines.
pub fn worst(lines: &[Line]) -> Level {
    lines.iter().map(|line| line.level).max().unwrap_or(Level::Ok)
}

/// What the test of a Halo instance found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HaloProbe {
    /// Line by line, in the order of the test.
    pub lines: Vec<Line>,
    /// Name of the agent that everything is done as, once signed in.
    pub agent: Option<String>,
    /// What the instance offers, once it could be read.
    pub catalogue: Option<Catalogue>,
    /// Its SLAs.
    pub slas: Vec<Named>,
}

impl HaloProbe {
    /// Whether nothing has to be done before going on.
    pub fn well(&self) -> bool {
        worst(&self.lines) < Level::Fault
    }
}
