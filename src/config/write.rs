//! Entries as text: for `config export`, and field by field for `config diff`.

use toml::Value;

use super::{Applied, secret::SecretRef};
use crate::domain::catalogue::Ref;

/// The lines of one entry: key and value, in the schema's order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lines(pub Vec<(&'static str, Value)>);

impl Lines {
    /// Adds any value.
    pub fn put(&mut self, key: &'static str, value: Value) {
        self.0.push((key, value));
    }

    /// Adds text.
    pub fn text(&mut self, key: &'static str, text: &str) {
        self.put(key, Value::String(text.to_owned()));
    }

    /// Adds a number.
    pub fn number(&mut self, key: &'static str, number: i64) {
        self.put(key, Value::Integer(number));
    }

    /// Adds a reference to a secret, if there is one.
    pub fn secret(&mut self, key: &'static str, secret: Option<&SecretRef>) {
        if let Some(secret) = secret {
            self.put(key, secret.to_value());
        }
    }

    /// Adds an id or name, if there is one.
    pub fn reference(&mut self, key: &'static str, reference: Option<&Ref>) {
        if let Some(reference) = reference {
            self.put(key, ref_value(reference));
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(k, _)| *k == key).map(|(_, v)| v)
    }
}

/// An id as a number, a name as text.
pub fn ref_value(reference: &Ref) -> Value {
    match reference {
        Ref::Id(id) => Value::Integer(*id),
        Ref::Name(name) => Value::String(name.clone()),
    }
}

impl Applied {
    /// The whole file as text, in a fixed order; reading it gives the same again.
    pub fn to_toml(&self) -> String {
        let mut text = String::from("# An installation of Halobridge, as `halobridge config export` writes it.\n");
        for entry in &self.microsoft {
            section(&mut text, "microsoft", &entry.lines());
        }
        for entry in &self.halo {
            section(&mut text, "halo", &entry.lines());
        }
        for entry in &self.clients {
            section(&mut text, "client", &entry.lines());
        }
        for entry in &self.policies {
            section(&mut text, "policy", &entry.lines());
        }
        for entry in &self.workspaces {
            section(&mut text, "workspace", &entry.lines());
        }
        for (name, catalogue) in &self.catalogues {
            super::catalogue::write(&mut text, name, catalogue);
        }
        text
    }
}

fn section(text: &mut String, name: &str, lines: &Lines) {
    text.push_str(&format!("\n[[{name}]]\n"));
    for (key, value) in &lines.0 {
        text.push_str(&format!("{key} = {value}\n"));
    }
}
