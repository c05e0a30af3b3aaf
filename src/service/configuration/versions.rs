//! What was set up before: each change keeps the whole as an applied file, without the secrets that lie sealed here.
//!
//! Secrets have no history: one that was taken out is gone. Going back gives each entry the secrets that it has now.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::{
    CERTIFICATE, CLIENT_SECRET, Change, ConfigurationError, PRIVATE_KEY, ReadOptions, WEBHOOK_SECRET,
    compare::{changes, compare},
    export, installed, read,
};
use crate::{
    config::{self, Applied, Known, fault::Severity, secret::Secrets},
    domain::ids::UserId,
    store::Store,
};

/// Versions that are kept; older ones go.
pub const KEPT: i64 = 100;
/// Number of the newest one.
const LATEST: &str = "configuration/latest";

fn place(number: i64) -> String {
    format!("configuration/{number}")
}

/// Who saved the draft that was applied, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// Who.
    pub user: UserId,
    /// When.
    pub at: Timestamp,
}

/// The installation after a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// From 1; the newest has the highest.
    pub number: i64,
    /// When it was changed.
    pub at: Timestamp,
    /// Who changed it; `None`: a command, or nobody knows.
    pub user: Option<UserId>,
    /// What changed, as lines of `config diff`.
    pub changes: Vec<String>,
    /// All of it, as an applied file. A sealed secret is only marked.
    pub file: String,
    /// The draft that it was applied from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<Saved>,
}

/// Keeps what is set up now as a version, if it differs from the newest one. `replaced` are lines for secrets that were
/// replaced: the file does not show those, and they alone make a version too.
///
/// # Errors
/// What the database says.
pub async fn keep(
    store: &Store,
    user: Option<UserId>,
    replaced: Vec<String>,
    now: Timestamp,
) -> Result<(), ConfigurationError> {
    let applied = installed(store).await?.applied;
    let last = latest(store).await?;
    let file = applied.to_toml();
    let known = match &last {
        Some(last) => last.file == file,
        None => applied == Applied::default(),
    };
    if known && replaced.is_empty() {
        return Ok(());
    }
    let before = last.as_ref().and_then(|last| as_applied(&last.file)).unwrap_or_default();
    let number = last.map_or(1, |last| last.number.saturating_add(1));
    let changes = changes(&applied, &before, true).iter().map(ToString::to_string).chain(replaced).collect();
    let version = Version { number, at: now, user, changes, file, draft: None };
    let Ok(text) = serde_json::to_string(&version) else { return Ok(()) };
    let mut tx = store.begin().await?;
    tx.put_setting(&place(number), Some(&text)).await?;
    tx.put_setting(LATEST, Some(&number.to_string())).await?;
    tx.put_setting(&place(number.saturating_sub(KEPT)), None).await?;
    tx.commit().await?;
    Ok(())
}

/// Writes down at the newest version that it was applied from a draft, if this person has made it since `since`.
///
/// # Errors
/// What the database says.
pub async fn drafted(store: &Store, user: UserId, since: Timestamp, draft: Saved) -> Result<(), ConfigurationError> {
    let made = |version: &Version| version.user == Some(user) && version.at >= since;
    let Some(version) = latest(store).await?.filter(made) else { return Ok(()) };
    let place = place(version.number);
    let Ok(text) = serde_json::to_string(&Version { draft: Some(draft), ..version }) else { return Ok(()) };
    let mut tx = store.begin().await?;
    tx.put_setting(&place, Some(&text)).await?;
    tx.commit().await?;
    Ok(())
}

fn as_applied(file: &str) -> Option<Applied> {
    // nothing is looked up: sealed secrets are only marked
    config::read(file, &Known::default(), &Secrets { folder: PathBuf::new(), places: None }).applied
}

async fn latest(store: &Store) -> Result<Option<Version>, ConfigurationError> {
    let number = store.setting(LATEST).await?.and_then(|text| text.parse().ok());
    match number {
        Some(number) => one(store, number).await,
        None => Ok(None),
    }
}

/// One version; `None` when it is not kept (any more).
///
/// # Errors
/// What the database says.
pub async fn one(store: &Store, number: i64) -> Result<Option<Version>, ConfigurationError> {
    let text = store.setting(&place(number)).await?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// Every version that is kept, the newest first.
///
/// # Errors
/// What the database says.
pub async fn all(store: &Store) -> Result<Vec<Version>, ConfigurationError> {
    let Some(newest) = latest(store).await? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for number in (newest.number.saturating_sub(KEPT)..=newest.number).rev() {
        found.extend(one(store, number).await?);
    }
    Ok(found)
}

/// What going back to a version means.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WayBack {
    /// What is to be applied; `None` while something is in the way.
    pub wanted: Option<Applied>,
    /// What it changes.
    pub changes: Vec<Change>,
    /// What is in the way, each a sentence with its remedy.
    pub obstacles: Vec<String>,
}

/// The way back to a version. Nothing is changed by asking.
///
/// # Errors
/// What the database says.
pub async fn way_back(store: &Store, version: &Version) -> Result<WayBack, ConfigurationError> {
    let mut way = WayBack::default();
    let (Ok(mut then), Ok(now)) = (version.file.parse::<Table>(), export(store).await?.to_toml().parse::<Table>())
    else {
        way.obstacles.push("The version cannot be read by this program. Choose another one.".to_owned());
        return Ok(way);
    };
    for (section, key) in [("microsoft", "name"), ("halo", "name"), ("workspace", "arm_id")] {
        let Some(entries) = then.get_mut(section).and_then(Value::as_array_mut) else { continue };
        for entry in entries.iter_mut().filter_map(Value::as_table_mut) {
            secrets_of_now(entry, (section, key), &now, &mut way.obstacles);
        }
    }
    if !way.obstacles.is_empty() {
        return Ok(way);
    }
    let text = toml::to_string(&then).unwrap_or_default();
    let reading = read(&text, Some(store), true, &ReadOptions::default()).await?;
    let errors = reading.faults.iter().filter(|fault| fault.severity == Severity::Error);
    way.obstacles.extend(errors.map(|fault| format!("{} {}. {}", fault.field, fault.problem, fault.remedy)));
    if let Some(wanted) = reading.applied {
        way.changes = compare(&wanted, &installed(store).await?, store, true).await?;
        way.wanted = Some(wanted);
    }
    Ok(way)
}

/// Gives an entry the sealed secrets that it has now.
fn secrets_of_now(entry: &mut Table, (section, key): (&str, &str), now: &Table, obstacles: &mut Vec<String>) {
    let own = entry.get(key).cloned();
    let entries = now.get(section).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let same = entries.iter().filter_map(Value::as_table).find(|row| row.get(key) == own.as_ref());
    for field in [CLIENT_SECRET, CERTIFICATE, PRIVATE_KEY, WEBHOOK_SECRET] {
        let sealed = entry.get(field).and_then(Value::as_table).is_some_and(|secret| secret.contains_key("sealed"));
        if !sealed {
            continue;
        }
        match same.and_then(|row| row.get(field)) {
            Some(secret) => drop(entry.insert(field.to_owned(), secret.clone())),
            // a webhook that was closed stays closed
            None if field == WEBHOOK_SECRET => drop(entry.remove(field)),
            None => {
                let name = own.as_ref().and_then(Value::as_str).unwrap_or_default();
                obstacles.push(format!(
                    "The {section} connection “{name}” was taken out or has another name since, and its {field} with it. Set it \
                     up under that name first."
                ));
            }
        }
    }
}
