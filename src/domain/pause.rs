//! Pauses: what is planned waits in its queue until somebody, or what failed, lets it go on.
//!
//! A pause stops writing, never reading: what waits is planned again from what both sides say meanwhile.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    failure::{Failure, FailureKind},
    ids::{ClientId, ConnectionId, PairId, UserId},
    run::RunScope,
};

/// What is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "scope", rename_all = "kebab-case")]
pub enum PauseScope {
    /// One pair.
    Pair {
        /// Which.
        id: PairId,
    },
    /// All pairs of a client.
    Client {
        /// Which.
        id: ClientId,
    },
    /// All pairs whose incident or ticket is reached through a connection.
    Connection {
        /// Which.
        id: ConnectionId,
    },
}

impl From<PairId> for PauseScope {
    fn from(id: PairId) -> Self {
        Self::Pair { id }
    }
}

impl From<ClientId> for PauseScope {
    fn from(id: ClientId) -> Self {
        Self::Client { id }
    }
}

impl From<ConnectionId> for PauseScope {
    fn from(id: ConnectionId) -> Self {
        Self::Connection { id }
    }
}

impl PauseScope {
    /// Its kind, as stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pair { .. } => "pair",
            Self::Client { .. } => "client",
            Self::Connection { .. } => "connection",
        }
    }

    /// Its id, as stored.
    pub fn id(self) -> String {
        match self {
            Self::Pair { id } => id.to_string(),
            Self::Client { id } => id.to_string(),
            Self::Connection { id } => id.to_string(),
        }
    }

    /// The console's address that its pause and resume buttons post below.
    pub fn address(self) -> String {
        format!("/{}s/{}", self.name(), self.id())
    }
}

/// Why it is paused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum PauseCause {
    /// A person wanted it.
    Person {
        /// Who; `None` for the command line.
        who: Option<UserId>,
        /// Why, in their words.
        why: Option<String>,
    },
    /// The other side refuses, and trying again cannot help.
    Failure {
        /// What it said; its message holds the remedy.
        failure: Failure,
        /// The reading that failed: once it ends well the pause ends by itself. `None` when only writing is refused:
        /// then a person resumes, signs in again or changes the configuration; a missing right is tried again now and then.
        reading: Option<RunScope>,
    },
}

/// One pause. A scope has at most one by a person and one by a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// What is paused.
    pub scope: PauseScope,
    /// Why.
    pub cause: PauseCause,
    /// Since when.
    pub since: Timestamp,
}

impl Pause {
    /// Whether a failure brought it about.
    pub fn automatic(&self) -> bool {
        matches!(self.cause, PauseCause::Failure { .. })
    }

    /// Whether it is ended now and then to see whether writing is still refused, which no reading tells: a client's for want of
    /// a right, a connection's for want of a sign-in.
    pub fn to_be_tried(&self) -> bool {
        let PauseCause::Failure { failure, reading: None } = &self.cause else { return false };
        match self.scope {
            PauseScope::Client { .. } => failure.kind == FailureKind::Forbidden,
            PauseScope::Connection { .. } => failure.kind == FailureKind::SignInAgain,
            PauseScope::Pair { .. } => false,
        }
    }
}
