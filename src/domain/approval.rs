//! Kinds of write that a policy can put behind a person's approval.

use serde::{Deserialize, Serialize};

/// A kind of write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WriteKind {
    /// Closing the ticket or the incident.
    Close,
    /// Opening either again.
    Reopen,
    /// A lower severity, or the priority that follows from it.
    SeverityDown,
    /// A note that the end user may see.
    ClientVisibleNote,
    /// Making the incident of a ticket that is pushed.
    Push,
}

impl WriteKind {
    /// All of them, as written in the applied file.
    pub const WORDS: [&str; 5] = ["close", "reopen", "severity-down", "client-visible-note", "push"];

    /// As written in the applied file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Close => "close",
            Self::Reopen => "reopen",
            Self::SeverityDown => "severity-down",
            Self::ClientVisibleNote => "client-visible-note",
            Self::Push => "push",
        }
    }

    /// The inverse of [`WriteKind::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Close, Self::Reopen, Self::SeverityDown, Self::ClientVisibleNote, Self::Push]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Close => "Closing",
            Self::Reopen => "Opening again",
            Self::SeverityDown => "Lower severity",
            Self::ClientVisibleNote => "Note for the end user",
            Self::Push => "Pushing a ticket to Sentinel",
        }
    }
}

/// One member of a write: what stands there, and what is to stand there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Which.
    pub what: String,
    /// As last read.
    pub from: String,
    /// As it would be written.
    pub to: String,
}
