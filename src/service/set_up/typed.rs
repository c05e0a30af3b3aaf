//! What was typed into a step's form.

use std::collections::BTreeMap;

use secrecy::SecretString;

use crate::domain::view::form::FormView;

/// Names and values as posted. It may hold secrets, so it cannot be printed.
#[derive(Clone, Default)]
pub struct Typed(Vec<(String, String)>);

impl Typed {
    /// From the entries of a form, in order.
    pub fn new(entries: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(entries.into_iter().collect())
    }

    /// Without the quotes that come along when values are copied out of a file or a mail: no value of a connection has
    /// any around it. Not for lists, where quotes hold a comma.
    #[must_use]
    pub fn unquoted(self) -> Self {
        Self(self.0.into_iter().map(|(name, value)| (name, bare(&value).to_owned())).collect())
    }

    /// The first value under this name, trimmed; empty when there is none.
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim())
    }

    /// Every value under this name, in order, trimmed.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.trim())
    }

    /// Every name with its value, in order.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.trim()))
    }

    /// Whether a checkbox of this name was ticked.
    pub fn ticked(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// A secret that was typed; `None` when the field was left empty.
    pub fn secret(&self, name: &str) -> Option<SecretString> {
        let text = self.text(name);
        (!text.is_empty()).then(|| SecretString::from(text.to_owned()))
    }

    /// These fields as a form that comes back. Name no secret here.
    pub fn shown(&self, fields: &[&str]) -> FormView {
        let mut values = BTreeMap::new();
        for field in fields {
            values.insert((*field).to_owned(), self.text(field).to_owned());
        }
        FormView { values, problems: Vec::new() }
    }
}

/// Pairs of quotes as keyboards and word processors write them.
const QUOTES: [(char, char); 5] = [('"', '"'), ('\'', '\''), ('“', '”'), ('‘', '’'), ('„', '“')];

/// A value without one pair of quotes around it, and without blanks.
fn bare(value: &str) -> &str {
    let value = value.trim();
    let inner = QUOTES.iter().find_map(|(open, close)| value.strip_prefix(*open)?.strip_suffix(*close));
    inner.map_or(value, str::trim)
}
