//! Answers that cannot be applied yet: kept in the database, so that any browser goes on with them after any restart.

use std::collections::HashMap;

use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

use crate::{
    domain::view::set_up::DraftSaved,
    service::{App, caller::Caller, configuration::versions::Saved, error::ServiceError, fault, ledger},
};

/// The setting that a draft is kept in.
pub fn setting(name: &str) -> String {
    format!("set-up/{name}")
}

/// Where it is kept who saved a draft.
fn saving(name: &str) -> String {
    format!("{}/saved", setting(name))
}

/// A step's kept answers; what cannot be read any more (an older version's) counts as none.
///
/// # Errors
/// The store cannot be read.
pub async fn kept<T: DeserializeOwned + Default>(app: &App, name: &str) -> Result<T, ServiceError> {
    let text = app.store.setting(&setting(name)).await.map_err(|e| fault("read a draft", &e))?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// Everything kept whose name begins so, by the rest of its name.
///
/// # Errors
/// The store cannot be read.
pub async fn all<T: DeserializeOwned>(app: &App, prefix: &str) -> Result<HashMap<String, T>, ServiceError> {
    let begins = setting(prefix);
    let rows = app.store.settings_under(&begins).await.map_err(|e| fault("read drafts", &e))?;
    let read = rows.into_iter().filter_map(|(name, text)| {
        let rest = name.strip_prefix(&begins)?.to_owned();
        Some((rest, serde_json::from_str(&text).ok()?))
    });
    Ok(read.collect())
}

/// Keeps a step's answers; secrets have no place in them.
///
/// # Errors
/// The store cannot be written.
pub async fn keep<T: Serialize>(app: &App, name: &str, answers: &T) -> Result<(), ServiceError> {
    put(app, &[(setting(name), Some(text(answers)?))]).await
}

/// Keeps what a person answered, and that they did.
///
/// # Errors
/// The store cannot be written.
pub async fn save<T: Serialize>(app: &App, caller: &Caller, name: &str, answers: &T) -> Result<(), ServiceError> {
    let saved = Saved { user: caller.user, at: app.clock.now() };
    put(app, &[(setting(name), Some(text(answers)?)), (saving(name), Some(text(&saved)?))]).await
}

/// Who saved a draft and when; `None` of one that an older version kept.
///
/// # Errors
/// The store cannot be read.
pub async fn saved(app: &App, name: &str) -> Result<Option<Saved>, ServiceError> {
    let text = app.store.setting(&saving(name)).await.map_err(|e| fault("read a draft", &e))?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// The same for a page.
///
/// # Errors
/// The store cannot be read.
pub async fn shown(app: &App, name: &str) -> Result<Option<DraftSaved>, ServiceError> {
    let Some(saved) = saved(app, name).await? else { return Ok(None) };
    let by = ledger::people(app).await?.remove(&saved.user);
    Ok(Some(DraftSaved { by: by.unwrap_or_else(|| "somebody".to_owned()), at: saved.at }))
}

/// Forgets a step's answers, once they are applied.
///
/// # Errors
/// The store cannot be written.
pub async fn forget(app: &App, name: &str) -> Result<(), ServiceError> {
    put(app, &[(setting(name), None), (saving(name), None)]).await
}

/// As it is kept.
///
/// # Errors
/// It cannot be written as text.
pub fn text(answers: &impl Serialize) -> Result<String, ServiceError> {
    serde_json::to_string(answers).map_err(|e| ServiceError::internal("write a draft", &e))
}

async fn put(app: &App, settings: &[(String, Option<String>)]) -> Result<(), ServiceError> {
    let mut tx = app.store.begin().await.map_err(|e| fault("keep a draft", &e))?;
    for (name, text) in settings {
        tx.put_setting(name, text.as_deref()).await.map_err(|e| fault("keep a draft", &e))?;
    }
    tx.commit().await.map_err(|e| fault("keep a draft", &e))
}

/// A mark of what a form was drawn from. A form sends it back in `seen`; when it does not fit any more, somebody else
/// saved in between ([`unmoved`]).
pub fn mark(what: &impl std::fmt::Debug) -> String {
    let digest = Sha256::digest(format!("{what:?}").as_bytes());
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Whether nobody else saved since the form was drawn. A form without a mark was not drawn by us.
///
/// # Errors
/// `Conflict` when somebody did.
pub fn unmoved(seen: &str, now: &impl std::fmt::Debug) -> Result<(), ServiceError> {
    if seen == mark(now) { Ok(()) } else { Err(ServiceError::Conflict) }
}
