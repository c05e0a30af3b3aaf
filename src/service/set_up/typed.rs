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

    /// Without the quotes and invisible characters that come along when values are copied out of a file, a mail or a page:
    /// no value of a connection has any. Not for lists, where quotes hold a comma.
    #[must_use]
    pub fn unquoted(self) -> Self {
        Self(self.0.into_iter().map(|(name, value)| (name, bare(&value))).collect())
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

/// What nobody sees or types: marks of order, zero-width blanks, soft hyphens, what joins or parts letters.
fn is_unseen(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A value without what is not seen, without one pair of quotes around it, and without blanks.
pub fn bare(value: &str) -> String {
    let seen: String = value.chars().filter(|letter| !is_unseen(*letter)).collect();
    let value = seen.trim();
    let inner = QUOTES.iter().find_map(|(open, close)| value.strip_prefix(*open)?.strip_suffix(*close));
    inner.map_or(value, str::trim).to_owned()
}
