//! What is paused, as every page shows it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::pause::PauseScope;

/// One pause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseView {
    /// What its resume button lets go on.
    pub scope: PauseScope,
    /// For people: `Client Contoso`, `Connection Service desk`, `This pair`.
    pub what: String,
    /// Since when.
    pub since: Timestamp,
    /// Who paused it; `None` when a failure did.
    pub who: Option<String>,
    /// Why: a person's words, or what the other side said with the remedy.
    pub why: Option<String>,
    /// How it ends.
    pub ends: String,
    /// Whether this reader may resume it.
    pub may_resume: bool,
    /// Where this reader mends what failed: the words of the way there, and its address.
    #[serde(default)]
    pub mend: Option<(String, String)>,
}
