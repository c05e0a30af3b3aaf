//! One entry of the applied file, made from a form: read by the same rules, applied the same way.

use secrecy::{ExposeSecret as _, SecretString};
use toml::{Table, Value};

use crate::{
    config::{
        Applied,
        fault::{Fault, Severity},
        secret::{SecretRef, sealed_identity},
        write::Lines,
    },
    domain::failure::Failure,
    service::{
        App,
        caller::Caller,
        configuration::{self, ConfigurationError, ReadOptions},
        error::{FieldProblem, ServiceError},
        fault,
    },
    store::StoreError,
};

use super::{Installed, Typed};

/// A field of a form: its name there and in the file, and what people call it.
pub type Named = (&'static str, &'static str);

/// An entry's members, as they will stand in the file.
pub struct Entry {
    section: &'static str,
    table: Table,
}

impl Entry {
    /// A new one, or the stored one's members to be overwritten.
    pub fn new(section: &'static str, before: Option<Lines>) -> Self {
        let mut table = Table::new();
        for (key, value) in before.map(|lines| lines.0).unwrap_or_default() {
            table.insert(key.to_owned(), value);
        }
        Self { section, table }
    }

    /// Sets a member; empty text takes it out.
    pub fn text(&mut self, key: &str, text: &str) {
        if text.is_empty() {
            self.table.remove(key);
        } else {
            self.table.insert(key.to_owned(), Value::String(text.to_owned()));
        }
    }

    /// Sets a number.
    pub fn number(&mut self, key: &str, number: i64) {
        self.table.insert(key.to_owned(), Value::Integer(number));
    }

    /// As it stands in the file.
    pub fn to_text(&self) -> String {
        let lines: String = self.table.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        format!("[[{}]]\n{lines}\n", self.section)
    }

    /// Sets or takes out a flag.
    pub fn flag(&mut self, key: &str, on: bool) {
        self.table.insert(key.to_owned(), Value::Boolean(on));
    }

    /// Takes a member out.
    pub fn without(&mut self, key: &str) {
        self.table.remove(key);
    }

    /// Seals a secret into the entry; `key` of the entry must be set before.
    ///
    /// # Errors
    /// The installation's key cannot be used.
    pub fn secret(
        &mut self,
        app: &App,
        natural_key: &str,
        field: &str,
        value: &SecretString,
    ) -> Result<(), ServiceError> {
        let identity = sealed_identity(self.section, natural_key, field);
        let sealed = app.store.seal_text(&identity, value).map_err(|e| fault("seal a secret", &e))?;
        self.table.insert(field.to_owned(), SecretRef::Sealed(sealed).to_value());
        Ok(())
    }

    /// Reads it as the applied file is read. `fields` are the form's, with their labels.
    ///
    /// # Errors
    /// `Invalid` with every fault at its field; the store cannot be read.
    pub async fn read(&self, app: &App, fields: &[Named]) -> Result<Applied, ServiceError> {
        read(app, &self.to_text(), self.section, fields).await
    }
}

/// Reads a piece of the applied file against what is set up.
///
/// # Errors
/// `Invalid` with every fault at its field; the store cannot be read.
pub async fn read(app: &App, text: &str, section: &str, fields: &[Named]) -> Result<Applied, ServiceError> {
    let reading = configuration::read(text, Some(&app.store), false, &ReadOptions::default()).await;
    let reading = reading.map_err(|e| fault("read what is set up", &e))?;
    let problems: Vec<FieldProblem> = reading
        .faults
        .iter()
        .filter(|fault| fault.severity == Severity::Error)
        .map(|fault| problem(fault, section, fields))
        .collect();
    match reading.applied {
        Some(applied) if problems.is_empty() => Ok(applied),
        _ => Err(ServiceError::Invalid(problems)),
    }
}

/// How the file's remedies name the flag for test hosts.
const IN_FILE: &str = "set allow_insecure = true on this connection";

fn problem(fault: &Fault, section: &str, fields: &[Named]) -> FieldProblem {
    let key = fault.field.strip_prefix(section).and_then(|rest| rest.strip_prefix('.')).unwrap_or(&fault.field);
    // what the file calls a flag is a box here
    let remedy = fault.remedy.replace(IN_FILE, "tick “Test hosts” below");
    match fields.iter().find(|(name, _)| *name == key) {
        Some((name, label)) => FieldProblem::new(*name, format!("{label} {}. {remedy}", fault.problem)),
        None => FieldProblem::new("", format!("{} {}. {}", fault.field, fault.problem, fault.remedy)),
    }
}

/// Sets up what was read, in the caller's name.
///
/// # Errors
/// The store cannot be written; `Conflict` when what it refers to is gone by now.
pub async fn apply(app: &App, caller: &Caller, wanted: &Applied) -> Result<Vec<configuration::Change>, ServiceError> {
    let applied =
        configuration::apply_as(&app.store, wanted, false, Some(caller.user), app.clock.now(), &*app.ids).await;
    applied.map_err(apply_failed)
}

/// Why something could not be applied, in the terms of a page.
pub fn apply_failed(error: ConfigurationError) -> ServiceError {
    match error {
        ConfigurationError::Store(StoreError::Taken { .. })
        | ConfigurationError::Unresolved(..)
        | ConfigurationError::Moved => ServiceError::Conflict,
        ConfigurationError::Store(error) => fault("apply a step of the set-up", &error),
        error @ (ConfigurationError::OtherInstance(..) | ConfigurationError::Unasked(..)) => {
            ServiceError::invalid("", error.to_string())
        }
        error @ ConfigurationError::Sealed(_) => ServiceError::internal("apply a step of the set-up", &error),
    }
}

/// A failure of the outside as a problem of a field.
pub fn failed(field: &'static str, label: &str, failure: &Failure) -> ServiceError {
    let code = failure.code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
    ServiceError::invalid(field, format!("{label}: {}{code}", failure.message))
}

/// The problem of a field that was left empty.
pub fn empty(field: &'static str, label: &str, where_it_is: &str) -> FieldProblem {
    FieldProblem::new(field, format!("{label} is missing. {where_it_is}"))
}

/// A secret's text, for a reader that wants it plain.
pub fn plain(secret: &SecretString) -> String {
    secret.expose_secret().to_owned()
}

/// A connection's name stands in lists, headings and addresses.
const NAME_MAX: usize = 100;

/// The name of a new connection: the one typed, or `otherwise` with a number where that is taken.
///
/// # Errors
/// `Invalid` when the typed one is taken.
pub fn free_name(installed: &Installed, typed: &Typed, otherwise: &str) -> Result<String, ServiceError> {
    let there = &installed.installation;
    let taken = |name: &str| {
        there.microsoft.iter().any(|row| row.name == name) || there.halo.iter().any(|row| row.name == name)
    };
    let own = typed.text("name");
    if own.is_empty() {
        let mut names = std::iter::once(otherwise.to_owned()).chain((2..).map(|n| format!("{otherwise} ({n})")));
        return names.find(|name| !taken(name)).ok_or(ServiceError::Internal);
    }
    let letters = own.chars().count();
    if letters > NAME_MAX {
        let text = format!("Name: {letters} letters are too many for the lists. Use at most {NAME_MAX}.");
        return Err(ServiceError::invalid("name", text));
    }
    if taken(own) {
        let text = format!("Name: there is a connection “{own}” already. Choose another name, or change that one.");
        return Err(ServiceError::invalid("name", text));
    }
    Ok(own.to_owned())
}
