//! Pages that say no, and pages that ask once more.

use serde::{Deserialize, Serialize};

use super::operation::OperationView;

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailedKind {
    /// 404
    NotFound,
    /// 401: nobody is signed in (any more).
    SignedOut,
    /// 403
    Forbidden,
    /// 400, 413, 422: the request cannot be understood.
    Invalid,
    /// 409: somebody else was quicker.
    Conflict,
    /// 429
    TooMany,
    /// 503: busy or the database cannot be written.
    Busy,
    /// 504: whoever was waited for took too long.
    Slow,
    /// 500
    Internal,
}

/// A page instead of the one asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedView {
    /// Which.
    pub kind: FailedKind,
    /// More than the kind says, if there is more: one sentence without secrets.
    pub what: Option<String>,
    /// Finds the line in the log.
    pub reference: Option<String>,
    /// The page that the request came from, for the way back after signing in.
    pub next: Option<String>,
}

/// "Drop this operation?" — asked on a page of its own, which says what follows from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DropView {
    /// The dead letter.
    pub operation: OperationView,
    /// The incident it belongs to, for people.
    pub incident: String,
}
