//! The applied file against the data directory: what it would change, applying it, giving it back.
//!
//! Entries are compared in the file's own terms (natural names, defaults filled in), so that what
//! `diff` shows is what `apply` does, and so that an exported file changes nothing.

mod apply;
mod compare;
mod installed;
pub mod moved;
mod returning;
pub mod versions;

use std::{collections::BTreeMap, path::PathBuf};

use secrecy::{ExposeSecret, SecretString};

use crate::{
    config::{
        self, Applied, Known, Reading,
        secret::{SecretPlaces, SecretRef, Secrets, ThisProcess},
    },
    store::{Store, StoreError},
};

pub use apply::{apply, apply_as, apply_seen};
pub use compare::{Change, What, compare};
pub use installed::{Installed, installed};

/// The file's fields that hold secrets.
const CLIENT_SECRET: &str = "client_secret";
const CERTIFICATE: &str = "certificate";
const PRIVATE_KEY: &str = "private_key";
const WEBHOOK_SECRET: &str = "webhook_secret";

/// The name under which the store keeps the secret of a field of the file.
pub fn kept_as(field: &str) -> &str {
    if field == WEBHOOK_SECRET { "webhook" } else { field }
}

/// Why a file could not be compared or applied.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An entry refers to one that is neither in the file nor in the data directory.
    #[error("{0} refers to “{1}”, which exists neither in the file nor in the data directory. Add it to the file.")]
    Unresolved(String, String),
    /// A sealed secret of the file does not open.
    #[error(
        "The sealed {0} does not open with this installation's key. Use the key of the installation that exported the \
         file, or write the secret as a reference."
    )]
    Sealed(String),
    /// A Halo instance gets the address of another one.
    #[error(
        "Halo instance “{0}”, at its new address: {1} Else give the other one an entry under a name of its own. Nothing was \
         changed."
    )]
    OtherInstance(String, String),
    /// A Halo instance gets another address, and nobody knows whether it is the same one.
    #[error(
        "Halo instance “{0}” gets another address while clients are bound to it, and cannot be asked there whether it is the \
         same one: {1} Apply the file where that can be reached and its secret be read, or change the address in the browser. \
         Nothing was changed."
    )]
    Unasked(String, String),
    /// Somebody else changed what is set up while this was compared with it.
    #[error(
        "Somebody else changed the configuration meanwhile, so nothing was changed. Look at the difference, then apply again."
    )]
    Moved,
}

/// How a file is read.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// Folder of the file: relative paths of secrets start there.
    pub folder: PathBuf,
    /// Look no secret up.
    pub offline: bool,
}

/// Reads a file, alone or against what a data directory holds.
///
/// # Errors
/// What the database says; faults of the file are in the [`Reading`].
pub async fn read(
    text: &str,
    store: Option<&Store>,
    prune: bool,
    options: &ReadOptions,
) -> Result<Reading, StoreError> {
    let known = match store {
        Some(store) if !prune => installed(store).await?.known(),
        Some(store) => installed(store).await?.known_before(),
        None => Known::default(),
    };
    let places = StorePlaces { store };
    let places = (!options.offline).then_some(&places as &dyn SecretPlaces);
    Ok(config::read(text, &known, &Secrets { folder: options.folder.clone(), places }))
}

/// Reads a file that came through the browser: its secrets may come from those places of the server alone from which they
/// come already.
pub fn read_posted(text: &str, store: &Store, installed: &Installed, prune: bool) -> Reading {
    let known = if prune { installed.known_before() } else { installed.known() };
    let places = PostedPlaces { here: StorePlaces { store: Some(store) }, known: installed.places() };
    config::read(text, &known, &Secrets { folder: PathBuf::from("/"), places: Some(&places) })
}

/// The installation as a file. References stay references; what was typed in the browser is sealed.
///
/// # Errors
/// What the database says, or a secret that this key does not open.
pub async fn export(store: &Store) -> Result<Applied, ConfigurationError> {
    let mut installed = installed(store).await?;
    installed.seal_for_file(store).await?;
    for halo in &installed.installation.halo {
        if let Some((catalogue, _)) = store.catalogue(halo.id).await? {
            installed.applied.catalogues.insert(halo.name.clone(), catalogue);
        }
    }
    Ok(installed.applied)
}

/// Secrets as this process sees them; sealed ones are tried with the installation's key.
struct StorePlaces<'a> {
    store: Option<&'a Store>,
}

impl SecretPlaces for StorePlaces<'_> {
    fn env_is_set(&self, name: &str) -> bool {
        ThisProcess.env_is_set(name)
    }

    fn file_is_readable(&self, path: &std::path::Path) -> Result<(), String> {
        ThisProcess.file_is_readable(path)
    }

    fn sealed_opens(&self, identity: &str, text: &str) -> bool {
        self.store.is_none_or(|store| store.open_text(identity, text).is_ok())
    }
}

/// The same for a file from the browser.
struct PostedPlaces<'a> {
    here: StorePlaces<'a>,
    /// What each secret comes from now.
    known: BTreeMap<String, SecretRef>,
}

impl SecretPlaces for PostedPlaces<'_> {
    fn env_is_set(&self, name: &str) -> bool {
        self.here.env_is_set(name)
    }

    fn file_is_readable(&self, path: &std::path::Path) -> Result<(), String> {
        self.here.file_is_readable(path)
    }

    fn sealed_opens(&self, identity: &str, text: &str) -> bool {
        self.here.sealed_opens(identity, text)
    }

    fn may_come_from(&self, identity: &str, place: &SecretRef) -> bool {
        self.known.get(identity) == Some(place)
    }
}

fn same(a: &SecretString, b: &SecretString) -> bool {
    subtle::ConstantTimeEq::ct_eq(a.expose_secret().as_bytes(), b.expose_secret().as_bytes()).into()
}
