//! Lists: a page of rows, the way to its neighbours, and what can be chosen in a filter.

use serde::{Deserialize, Serialize};

/// One page of a longer list, read by key (never by offset).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listed<T> {
    /// The rows, in the order asked for.
    pub rows: Vec<T>,
    /// How many rows match in all, if that is known cheaply.
    pub total: Option<u64>,
    /// Opaque `from=` token of the page before this one.
    pub newer: Option<String>,
    /// Opaque `from=` token of the page after this one.
    pub older: Option<String>,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), total: None, newer: None, older: None }
    }
}

/// A part of a page that could not be read. The rest of the page stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// What happened, one sentence.
    pub what: String,
    /// What to do now, one sentence.
    pub remedy: String,
    /// Finds the line in the log.
    pub reference: Option<String>,
}

/// Rows, or why they cannot be read.
pub type Rows<T> = Result<Listed<T>, Trouble>;

/// One value of a filter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// As it stands in the address.
    pub value: String,
    /// For people.
    pub label: String,
    /// How many rows it would show, if counted.
    pub count: Option<u64>,
}

/// A record in an outside system, with its address if the host is a known one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutsideLink {
    /// What to show: a ticket number, an incident number.
    pub label: String,
    /// `https://…`; `None` when no safe address is known.
    pub url: Option<String>,
}
