//! Another name for a connection that is set up. Everything here refers to it by its id and goes on; only the applied file
//! refers by name, and the next export has the new one.

use serde_json::json;

use super::{Installed, Typed, entry};
use crate::{
    domain::{
        connection::{HaloConnection, MicrosoftConnection},
        ids::ConnectionId,
    },
    service::{App, acts, caller::Caller, error::ServiceError, fault},
    store::StoreError,
};

/// The new name that was typed for the connection of this name, if it is another one.
///
/// # Errors
/// `Invalid` when it is taken.
pub fn wanted(installed: &Installed, typed: &Typed, now: &str) -> Result<Option<String>, ServiceError> {
    match typed.text("name") {
        "" => Ok(None),
        same if same == now => Ok(None),
        _ => entry::free_name(installed, typed, now).map(Some),
    }
}

/// Gives a connection another name.
///
/// # Errors
/// `Conflict` when the name was taken meanwhile or the connection is gone; the store cannot be written.
pub async fn rename(app: &App, caller: &Caller, id: ConnectionId, name: &str) -> Result<(), ServiceError> {
    let doing = |error: StoreError| match error {
        StoreError::Taken { .. } => ServiceError::Conflict,
        error => fault("rename a connection", &error),
    };
    let installation = app.installation().await?;
    let mut tx = app.store.begin().await.map_err(doing)?;
    let before = if let Some(row) = installation.microsoft.iter().find(|row| row.id == id) {
        let renamed = MicrosoftConnection { name: name.to_owned(), ..row.clone() };
        tx.put_microsoft(&renamed).await.map_err(doing)?;
        row.name.clone()
    } else if let Some(row) = installation.halo.iter().find(|row| row.id == id) {
        let renamed = HaloConnection { name: name.to_owned(), ..row.clone() };
        tx.put_halo(&renamed).await.map_err(doing)?;
        row.name.clone()
    } else {
        return Err(ServiceError::Conflict);
    };
    let detail = json!({ "connection": before, "name": name });
    let act = acts::act(caller, "rename-connection", None, detail);
    tx.record(app.clock.now(), None, act).await.map_err(doing)?;
    tx.commit().await.map_err(doing)?;
    super::version(app, caller).await
}
