//! What a file would change, field by field.

use std::{collections::BTreeMap, fmt};

use crate::{
    config::{
        Applied,
        secret::{SecretRef, sealed_identity},
        write::Lines,
    },
    store::{SecretOwner, Store},
};

use super::{
    CERTIFICATE, CLIENT_SECRET, ConfigurationError, PRIVATE_KEY, WEBHOOK_SECRET,
    apply::sealed_elsewhere,
    installed::{Installed, STORED},
    kept_as, same,
};

/// One entry that a file adds, changes or removes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// `microsoft`, `halo`, `client`, `policy` or `workspace`.
    pub section: &'static str,
    /// Its natural key; for a workspace its name, which people know.
    pub name: String,
    /// Its natural key; for a workspace its resource's id.
    pub key: String,
    /// What happens to it.
    pub what: What,
}

/// What happens to an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It is new.
    Added,
    /// It goes (`--prune`).
    Removed,
    /// These fields change: name, before, after, as text of the file; `None` is "not there".
    Changed(Vec<(String, Option<String>, Option<String>)>),
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { section, name, what, .. } = self;
        match what {
            What::Added => write!(f, "+ {section} \"{name}\""),
            What::Removed => write!(f, "- {section} \"{name}\""),
            What::Changed(fields) => {
                write!(f, "~ {section} \"{name}\"")?;
                for (field, before, after) in fields {
                    let [before, after] = [before, after].map(|v| v.as_deref().unwrap_or("(none)"));
                    write!(f, "\n    {field}: {before} -> {after}")?;
                }
                Ok(())
            }
        }
    }
}

/// The file with everything filled in that depends on the data directory, ready to compare.
///
/// Sealed secrets become markers: the stored one's where the values are equal.
pub(super) async fn settled(
    wanted: &Applied,
    stored: &Installed,
    store: &Store,
) -> Result<Applied, ConfigurationError> {
    let mut wanted = wanted.clone();
    for entry in &mut wanted.microsoft {
        let key = entry.connection.name.clone();
        let owner = stored.installation.microsoft.iter().find(|m| m.name == key).map(|m| SecretOwner::Connection(m.id));
        mark(store, owner, "microsoft", &key, CLIENT_SECRET, &mut entry.client_secret).await?;
        mark(store, owner, "microsoft", &key, CERTIFICATE, &mut entry.certificate).await?;
        mark(store, owner, "microsoft", &key, PRIVATE_KEY, &mut entry.private_key).await?;
    }
    for entry in &mut wanted.halo {
        let key = entry.connection.name.clone();
        let owner = stored.installation.halo.iter().find(|h| h.name == key).map(|h| SecretOwner::Connection(h.id));
        mark(store, owner, "halo", &key, CLIENT_SECRET, &mut entry.client_secret).await?;
        mark(store, owner, "halo", &key, WEBHOOK_SECRET, &mut entry.webhook_secret).await?;
    }
    let tenants: BTreeMap<String, String> = stored
        .applied
        .microsoft
        .iter()
        .chain(&wanted.microsoft)
        .map(|m| (m.connection.name.clone(), m.connection.tenant_id.clone()))
        .collect();
    for entry in &mut wanted.workspaces {
        let before = stored.installation.workspaces.iter().find(|w| w.arm_id == entry.arm_id);
        let owner = before.map(|w| SecretOwner::Workspace(w.id));
        mark(store, owner, "workspace", &entry.arm_id.clone(), WEBHOOK_SECRET, &mut entry.webhook_secret).await?;
        entry.since = entry.since.or(before.map(|w| w.since));
        if entry.tenant_id.is_some() && entry.tenant_id.as_ref() == tenants.get(&entry.microsoft) {
            entry.tenant_id = None;
        }
    }
    Ok(wanted)
}

async fn mark(
    store: &Store,
    owner: Option<SecretOwner>,
    section: &str,
    key: &str,
    field: &str,
    secret: &mut Option<SecretRef>,
) -> Result<(), ConfigurationError> {
    let Some(SecretRef::Sealed(text)) = secret else { return Ok(()) };
    let identity = sealed_identity(section, key, field);
    let given = store
        .open_text(&identity, text)
        .map_err(|_| ConfigurationError::Sealed(format!("{field} of {section} “{key}”")))?;
    let kept = match owner {
        Some(owner) => {
            let sealed = store.secret_sources(owner).await?;
            let here =
                sealed.iter().any(|s| s.name == kept_as(field) && s.source == crate::store::SecretSource::Sealed);
            if here { store.secret(owner, kept_as(field)).await.or_else(sealed_elsewhere)? } else { None }
        }
        None => None,
    };
    let equal = kept.is_some_and(|kept| same(&kept, &given));
    *secret = Some(SecretRef::Sealed(if equal { STORED } else { "(new)" }.to_owned()));
    Ok(())
}

/// What applying a file would change.
///
/// # Errors
/// What the database says; a sealed secret that does not open.
pub async fn compare(
    wanted: &Applied,
    stored: &Installed,
    store: &Store,
    prune: bool,
) -> Result<Vec<Change>, ConfigurationError> {
    Ok(changes(&settled(wanted, stored, store).await?, &stored.applied, prune))
}

/// Lines for secrets that are replaced by others, without anything of them.
pub(super) fn replaced(changes: &[Change]) -> Vec<String> {
    let mut lines = Vec::new();
    for Change { section, name, what, .. } in changes {
        let What::Changed(fields) = what else { continue };
        let secrets = [CLIENT_SECRET, CERTIFICATE, PRIVATE_KEY, WEBHOOK_SECRET];
        let stored = SecretRef::Sealed(STORED.to_owned()).to_value().to_string();
        for (field, before, after) in fields {
            let sealed = after.as_ref().is_some_and(|after| after.contains("sealed"));
            if secrets.contains(&field.as_str()) && before.as_ref() == Some(&stored) && sealed {
                lines.push(format!("~ {section} \"{name}\"\n    {field}: replaced by another one"));
            }
        }
    }
    lines
}

/// Key, name for people, lines.
type Entry = (String, String, Lines);

fn entries(applied: &Applied) -> [(&'static str, Vec<Entry>); 5] {
    let named = |name: &str, lines: Lines| (name.to_owned(), name.to_owned(), lines);
    [
        ("microsoft", applied.microsoft.iter().map(|e| named(e.name(), e.lines())).collect()),
        ("halo", applied.halo.iter().map(|e| named(e.name(), e.lines())).collect()),
        ("client", applied.clients.iter().map(|e| named(&e.name, e.lines())).collect()),
        ("policy", applied.policies.iter().map(|e| named(e.name(), e.lines())).collect()),
        ("workspace", applied.workspaces.iter().map(|e| (e.arm_id.clone(), e.name.clone(), e.lines())).collect()),
    ]
}

pub(super) fn changes(wanted: &Applied, stored: &Applied, prune: bool) -> Vec<Change> {
    let mut found = Vec::new();
    for ((section, wanted), (_, stored)) in entries(wanted).into_iter().zip(entries(stored)) {
        let change = |key: &String, name: &String, what| Change { section, name: name.clone(), key: key.clone(), what };
        for (key, name, lines) in &wanted {
            match stored.iter().find(|(k, ..)| k == key) {
                None => found.push(change(key, name, What::Added)),
                Some((_, _, before)) => {
                    let fields = fields(before, lines);
                    if !fields.is_empty() {
                        found.push(change(key, name, What::Changed(fields)));
                    }
                }
            }
        }
        if prune {
            let gone = stored.iter().filter(|(key, ..)| !wanted.iter().any(|(k, ..)| k == key));
            found.extend(gone.map(|(key, name, _)| change(key, name, What::Removed)));
        }
    }
    found
}

fn fields(before: &Lines, after: &Lines) -> Vec<(String, Option<String>, Option<String>)> {
    let mut keys: Vec<&'static str> = after.0.iter().map(|(key, _)| *key).collect();
    keys.extend(before.0.iter().map(|(key, _)| *key).filter(|key| after.get(key).is_none()));
    keys.into_iter()
        .filter(|key| before.get(key) != after.get(key))
        .map(|key| (key.to_owned(), before.get(key).map(ToString::to_string), after.get(key).map(ToString::to_string)))
        .collect()
}
