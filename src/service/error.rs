//! Why a use case was not carried out: a closed list. Nothing of the inside travels in it; the cause
//! is logged where it happens, under the request's id.

use std::borrow::Cow;

use crate::{store::StoreError, telemetry};

/// A refusal or fault, as the web layer turns it into a status and a page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// Nobody is signed in, or the session has ended.
    #[error("sign in first")]
    SignedOut,
    /// The caller's role does not allow it.
    #[error("your role does not allow this")]
    Forbidden,
    /// There is no such record, or it is outside the caller's scope: the two can't be told apart.
    #[error("there is no such record")]
    NotFound,
    /// Something typed cannot be taken.
    #[error("some entries need to be corrected")]
    Invalid(Vec<FieldProblem>),
    /// The record is no longer in the state the act is for.
    #[error("the record has changed in the meantime")]
    Conflict,
    /// Too many tries: wait this many seconds.
    #[error("too many attempts")]
    TooMany {
        /// Whole seconds, at least 1.
        wait_secs: u64,
    },
    /// The server cannot store or do it now; trying again later can help.
    #[error("the server cannot do this right now")]
    Busy,
    /// A fault of ours, already logged.
    #[error("something went wrong on the server")]
    Internal,
}

/// One entry of a form and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// The input's name.
    pub field: Cow<'static, str>,
    /// One sentence with the remedy.
    pub problem: String,
}

impl FieldProblem {
    /// A problem with `field`.
    pub fn new(field: impl Into<Cow<'static, str>>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }
}

impl ServiceError {
    /// One problem with one entry.
    pub fn invalid(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldProblem::new(field, problem)])
    }

    /// The same for a library that passes on the store's words alone: what lasts (a full disk) is no fault of ours,
    /// and the store has logged it.
    pub fn passed_on(doing: &'static str, error: &dyn std::error::Error) -> Self {
        let words = telemetry::chain(error);
        if StoreError::said_in(&words) {
            return Self::Busy;
        }
        Self::internal(doing, error)
    }

    /// Logs the whole chain of a fault of ours, once, and hides it.
    pub fn internal(doing: &'static str, error: &dyn std::error::Error) -> Self {
        tracing::error!(doing, error = %telemetry::chain(error), "a use case failed");
        Self::Internal
    }
}
