//! References to secrets. A secret itself never stands in the file.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use toml::de::DeValue;

use super::reader::Table;

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// An environment variable of the server.
    Env(String),
    /// A file that the server can read; absolute, or relative to the applied file.
    File(String),
    /// Sealed text from `config export`; opens only with the installation's key.
    Sealed(String),
}

impl SecretRef {
    /// As written in the file.
    pub fn to_value(&self) -> toml::Value {
        let (key, text) = match self {
            Self::Env(name) => ("env", name),
            Self::File(path) => ("file", path),
            Self::Sealed(text) => ("sealed", text),
        };
        toml::Value::Table(std::iter::once((key.to_owned(), toml::Value::String(text.clone()))).collect())
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the environment variable {name}"),
            Self::File(path) => write!(f, "the file {path}"),
            Self::Sealed(_) => f.write_str("a sealed secret"),
        }
    }
}

/// Looks up what references point to.
pub trait SecretPlaces {
    /// Whether the environment variable is set to something.
    fn env_is_set(&self, name: &str) -> bool;

    /// Whether the file can be read and is not empty.
    ///
    /// # Errors
    /// Why not, in a few words.
    fn file_is_readable(&self, path: &Path) -> Result<(), String>;

    /// Whether a sealed text opens with the installation's key; `identity` is [`sealed_identity`]'s.
    fn sealed_opens(&self, identity: &str, text: &str) -> bool;

    /// Whether the secret of `identity` may come from this variable or file. Who may set up in the browser must not come
    /// by what else the server can read.
    fn may_come_from(&self, _identity: &str, _place: &SecretRef) -> bool {
        true
    }
}

/// What a sealed secret of a file is bound to: section, natural key, field.
pub fn sealed_identity(section: &str, key: &str, field: &str) -> String {
    format!("applied-file/{section}/{key}/{field}")
}

/// The environment and files of this process.
#[derive(Debug, Clone, Copy, Default)]
pub struct ThisProcess;

impl SecretPlaces for ThisProcess {
    fn env_is_set(&self, name: &str) -> bool {
        std::env::var_os(name).is_some_and(|value| !value.is_empty())
    }

    fn file_is_readable(&self, path: &Path) -> Result<(), String> {
        match std::fs::read(path) {
            Ok(content) if content.iter().all(u8::is_ascii_whitespace) => Err("it is empty".to_owned()),
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Without a data directory there is no key to try.
    fn sealed_opens(&self, _identity: &str, _text: &str) -> bool {
        true
    }
}

/// How references are looked up while a file is read.
pub struct Secrets<'a> {
    /// Folder of the applied file: relative paths start there.
    pub folder: PathBuf,
    /// `None` with `--offline`: nothing is looked up.
    pub places: Option<&'a dyn SecretPlaces>,
}

/// Characters of a sealed secret at most: a certificate with its chain, or a long key, sealed.
const SEALED_MAX: usize = 100_000;

const FORMS: &str = "{ env = \"NAME\" } or { file = \"path\" }";

impl Secrets<'_> {
    /// Reads a reference. A secret written out is refused, and never repeated in the fault.
    pub fn read(&self, table: &Table<'_, '_>, key: &'static str) -> Option<SecretRef> {
        let found = table.value(key)?;
        let field = table.field(key);
        if !found.value.is_table() {
            let problem = if found.value.is_str() { "is given in plain text" } else { "is not a reference" };
            let remedy = format!("Put the secret into an environment variable or a file and write {FORMS}.");
            table.sink.wrong(found.at, field, problem, remedy);
            return None;
        }
        let inner = table.table(key)?;
        let read =
            |form: &'static str| if form == "sealed" { inner.text_within(form, SEALED_MAX) } else { inner.text(form) };
        let given: Vec<(&'static str, String, usize)> = ["env", "file", "sealed"]
            .into_iter()
            .filter_map(|form| read(form).map(|text| (form, text.value, text.at)))
            .collect();
        let strangers = inner.entries().iter().any(|(k, _)| !["env", "file", "sealed"].contains(&k.value));
        let blank = inner.entries().iter().any(|(_, v)| !matches!(v.value, DeValue::String(s) if !s.trim().is_empty()));
        drop(inner.done());
        let mut given = given.into_iter();
        match (given.next(), given.next()) {
            (Some((form, text, at)), None) => Some(self.looked_up(table, key, form, text, at)),
            (None, _) if strangers || blank => None,
            _ => {
                let remedy = format!("Write exactly one of {FORMS}.");
                table.sink.wrong(found.at, field, "must name one place", remedy);
                None
            }
        }
    }

    fn looked_up(&self, table: &Table<'_, '_>, key: &str, form: &str, text: String, at: usize) -> SecretRef {
        let field = table.field(key);
        let (section, owner) = table.natural_key();
        let identity = sealed_identity(section, &owner, key);
        let place = match form {
            "env" => SecretRef::Env(text.clone()),
            "file" => SecretRef::File(self.folder.join(&text).to_string_lossy().into_owned()),
            _ => SecretRef::Sealed(text.clone()),
        };
        if self.places.is_some_and(|places| form != "sealed" && !places.may_come_from(&identity, &place)) {
            let remedy = "Type the secret on the page of the set-up, or apply the file with `halobridge config apply` where \
                          the server runs.";
            table.sink.wrong(at, field, "names a place on the server that it does not come from so far", remedy);
            return place;
        }
        match form {
            "env" => {
                let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                    && !text.starts_with(|c: char| c.is_ascii_digit());
                if !plain {
                    // Not repeated: somebody may have put the secret itself here.
                    let remedy = "Write the variable's name (letters, digits, _), not its value.";
                    table.sink.wrong(at, field, "does not name an environment variable", remedy);
                } else if let Some(places) = self.places
                    && !places.env_is_set(&text)
                {
                    let problem = format!("names the environment variable {text}, which is not set");
                    let remedy = "Set it where this command and the server run, or correct the name.";
                    table.sink.wrong(at, field, problem, remedy);
                }
                place
            }
            "file" => {
                let path = self.folder.join(&text);
                if let Some(places) = self.places
                    && let Err(why) = places.file_is_readable(&path)
                {
                    let problem = format!("names the file {}, which cannot be used ({why})", path.display());
                    table.sink.wrong(at, field, problem, "Correct the path or the file's rights.");
                }
                place
            }
            _ => {
                if let Some(places) = self.places
                    && !places.sealed_opens(&identity, &text)
                {
                    let problem = "is sealed with another installation's key, or for another entry";
                    let remedy = "Set HALOBRIDGE_KEY to that installation's key, or write the secret as a reference.";
                    table.sink.wrong(at, field, problem, remedy);
                }
                place
            }
        }
    }
}
