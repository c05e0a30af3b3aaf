//! A form that came back: what was typed (never secrets) and what is wrong with it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One thing wrong with a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Name of the field; empty when it concerns the form as a whole.
    pub field: String,
    /// One sentence: what is wrong and what would be right.
    pub message: String,
}

/// Typed values by field name, and problems in the order of the fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormView {
    /// Never holds a password, code or secret.
    pub values: BTreeMap<String, String>,
    /// Empty when the form is shown for the first time.
    pub problems: Vec<Problem>,
}

impl FormView {
    /// What was typed into `field`, or nothing.
    pub fn value(&self, field: &str) -> &str {
        self.values.get(field).map_or("", String::as_str)
    }

    /// The first problem of `field`.
    pub fn problem(&self, field: &str) -> Option<&str> {
        self.problems.iter().find(|problem| problem.field == field).map(|problem| problem.message.as_str())
    }

    /// Keeps a typed value. For secrets don't call it.
    #[must_use]
    pub fn with_value(mut self, field: &str, value: &str) -> Self {
        self.values.insert(field.to_owned(), value.to_owned());
        self
    }

    /// Adds a problem.
    #[must_use]
    pub fn with_problem(mut self, field: &str, message: impl Into<String>) -> Self {
        self.problems.push(Problem { field: field.to_owned(), message: message.into() });
        self
    }
}
