//! Versions of the configuration.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{form::FormView, set_up::DraftSaved};

/// The page. Fields of its form: `version`, `seen`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionsView {
    /// Every version that is kept, the newest first.
    pub rows: Vec<VersionRow>,
    /// The one that is compared with now.
    pub chosen: Option<ChosenVersion>,
    /// The form that goes back to it.
    pub form: FormView,
    /// A file that is compared with now.
    pub file: FileView,
}

/// A file that was pasted. Fields of its form: `file`, `prune`, `seen`, `do` (`apply`; else it is only compared).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileView {
    /// What was pasted; secrets in it are references.
    pub form: FormView,
    /// What is wrong with it, in the order of its lines.
    pub faults: Vec<FaultRow>,
    /// What applying it changes, as lines of `config diff`; `None` while nothing sound was compared.
    pub changes: Option<Vec<String>>,
}

/// Something wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultRow {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// Whether it keeps the file from being applied.
    pub error: bool,
    /// Field, problem and remedy.
    pub says: String,
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
    /// Who saved the draft that it was applied from.
    pub draft: Option<DraftSaved>,
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
