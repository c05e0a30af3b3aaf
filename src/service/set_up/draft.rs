//! Answers that cannot be applied yet: kept in the database, so that any browser goes on with them after any restart.

use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

use crate::service::{App, error::ServiceError, fault};

fn setting(name: &str) -> String {
    format!("set-up/{name}")
}

/// A step's kept answers; what cannot be read any more (an older version's) counts as none.
///
/// # Errors
/// The store cannot be read.
pub async fn kept<T: DeserializeOwned + Default>(app: &App, name: &str) -> Result<T, ServiceError> {
    let text = app.store.setting(&setting(name)).await.map_err(|e| fault("read a draft", &e))?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// Keeps a step's answers; secrets have no place in them.
///
/// # Errors
/// The store cannot be written.
pub async fn keep<T: Serialize>(app: &App, name: &str, answers: &T) -> Result<(), ServiceError> {
    let text = serde_json::to_string(answers).map_err(|e| ServiceError::internal("write a draft", &e))?;
    put(app, name, Some(&text)).await
}

/// Forgets a step's answers, once they are applied.
///
/// # Errors
/// The store cannot be written.
pub async fn forget(app: &App, name: &str) -> Result<(), ServiceError> {
    put(app, name, None).await
}

async fn put(app: &App, name: &str, text: Option<&str>) -> Result<(), ServiceError> {
    let mut tx = app.store.begin().await.map_err(|e| fault("keep a draft", &e))?;
    tx.put_setting(&setting(name), text).await.map_err(|e| fault("keep a draft", &e))?;
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
