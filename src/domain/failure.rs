//! Why a call to the outside failed, reduced to what can be done about it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Which outside system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// Microsoft Sentinel and its sign-in.
    Sentinel,
    /// The Halo service desk.
    Halo,
}

impl Side {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Sentinel => "Microsoft Sentinel",
            Self::Halo => "Halo",
        }
    }
}

/// What a failure asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum FailureKind {
    /// Nothing was changed; trying again later can help (5xx on a read, connection refused).
    Transient,
    /// Told to wait, by the server (429) or by our own budget. Nothing was changed.
    WaitUntil {
        /// The earliest moment to try again.
        at: Timestamp,
    },
    /// A person must sign in or give a new secret; retrying cannot help.
    SignInAgain,
    /// The identity lacks a right.
    Forbidden,
    /// The record does not exist (any more).
    Gone,
    /// Somebody else wrote in between: read again, plan again.
    Conflict,
    /// The other side understood and refused; the same request will be refused again.
    Rejected,
    /// The write may or may not have been carried out: look before repeating.
    Unknown,
    /// The other side answered something that is not its protocol (HTML, half a body).
    Unreadable,
}

/// [`Failure::code`] of a refusal that came with a good status.
const SAID_NO: &str = "refused-beside-a-good-status";
/// [`Failure::code`] of an update that was answered as a creation.
const MADE_AGAIN: &str = "made-again";
/// [`Failure::code`] of a new ticket that was given the number of another one.
const NUMBER_TAKEN: &str = "number-taken";

/// One failed call. Its text is safe to show and to log: no secret, no body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Where.
    pub side: Side,
    /// What can be done.
    pub kind: FailureKind,
    /// HTTP status, if there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The other side's error code (`Conflict`, `AADSTS7000222`, …).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// One sentence: what happened and the remedy.
    pub message: String,
    /// The other side's request id, for its support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Failure {
    /// A failure without an HTTP answer.
    pub fn new(side: Side, kind: FailureKind, message: impl Into<String>) -> Self {
        Self { side, kind, status: None, code: None, message: message.into(), request_id: None }
    }

    /// A refusal that came with a good status, of a write that adds something: which of the two is true is looked for.
    #[must_use]
    pub fn looked_for_first(self) -> Self {
        let code = if self.kind == FailureKind::Rejected { Some(SAID_NO.to_owned()) } else { self.code };
        Self { kind: FailureKind::Unknown, code, ..self }
    }

    /// Whether the other side said that it refuses, though its status said otherwise: where nothing is found, that holds.
    pub fn said_no(&self) -> bool {
        self.kind == FailureKind::Unknown && self.code.as_deref() == Some(SAID_NO)
    }

    /// An update that was answered as a creation: what it was for had been deleted. How it stands now is looked for.
    #[must_use]
    pub fn of_made_again(self) -> Self {
        Self { kind: FailureKind::Unknown, code: Some(MADE_AGAIN.to_owned()), ..self }
    }

    /// Whether an update made anew what had been deleted.
    pub fn made_again(&self) -> bool {
        self.kind == FailureKind::Unknown && self.code.as_deref() == Some(MADE_AGAIN)
    }

    /// A new ticket was given the number of another pair's, which its words name.
    #[must_use]
    pub fn of_number_taken(self) -> Self {
        Self { code: Some(NUMBER_TAKEN.to_owned()), ..self }
    }

    /// Whether its words name another pair's ticket, which is not for everybody who is told of an instance.
    pub fn number_taken(&self) -> bool {
        self.code.as_deref() == Some(NUMBER_TAKEN)
    }

    /// Whether our own budget said to wait: nobody was asked, and nothing is wrong.
    pub fn own_budget(&self) -> bool {
        matches!(self.kind, FailureKind::WaitUntil { .. }) && self.status.is_none()
    }

    /// Until when it is to be waited, where that is all that is wrong.
    pub fn waits_until(&self) -> Option<Timestamp> {
        match self.kind {
            FailureKind::WaitUntil { at } => Some(at),
            _ => None,
        }
    }

    /// Whether trying the same again later can succeed without a person.
    pub fn retryable(&self) -> bool {
        matches!(
            self.kind,
            FailureKind::Transient | FailureKind::WaitUntil { .. } | FailureKind::Conflict | FailureKind::Unreadable
        )
    }
}
