//! Versions of the configuration.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::form::FormView;

/// The page. Fields of its form: `version`, `seen`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionsView {
    /// Every version that is kept, the newest first.
    pub rows: Vec<VersionRow>,
    /// The one that is compared with now.
    pub chosen: Option<ChosenVersion>,
    /// The form that goes back to it.
    pub form: FormView,
}

/// One version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRow {
    /// From 1.
    pub number: i64,
    /// Since when.
    pub at: Timestamp,
    /// Who made it; `None`: a command.
    pub who: Option<String>,
    /// What changed with it, as lines of `config diff`.
    pub changes: Vec<String>,
    /// Whether it is what is set up now.
    pub now: bool,
}

/// A version that is compared with now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChosenVersion {
    /// Which.
    pub number: i64,
    /// Since when it was.
    pub at: Timestamp,
    /// What going back to it changes.
    pub changes: Vec<String>,
    /// What is in the way, each a sentence with its remedy.
    pub obstacles: Vec<String>,
    /// All of it, as an applied file.
    pub file: String,
}
