//! The documentation that comes with the program.

use serde::{Deserialize, Serialize};

/// One of its pages, as the list names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelpRow {
    /// The last part of its address.
    pub slug: String,
    /// Its heading.
    pub title: String,
    /// What stands there, one sentence.
    pub about: String,
}

/// One of its pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelpText {
    /// The last part of its address.
    pub slug: String,
    /// Its heading.
    pub title: String,
    /// What stands below the heading, as Markdown.
    pub text: String,
}

/// The list of pages, and the one that is open.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelpView {
    /// All of them.
    pub pages: Vec<HelpRow>,
    /// `None`: the list alone.
    pub open: Option<HelpText>,
}
