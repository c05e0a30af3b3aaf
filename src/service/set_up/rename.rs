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

/// The name that a connection gets with another tenant, as long as nobody has chosen one: until then it is called as its
/// tenant is.
///
/// # Errors
/// As [`wanted`].
pub fn of_tenant(
    installed: &Installed,
    before: &MicrosoftConnection,
    tenant: &str,
) -> Result<Option<String>, ServiceError> {
    if tenant.eq_ignore_ascii_case(&before.tenant_id) || !called_as(&before.name, &before.tenant_id) {
        return Ok(None);
    }
    entry::free_name(installed, &Typed::default(), tenant).map(Some)
}

/// Whether a name is the tenant's, with a number where that was taken ([`entry::free_name`]).
fn called_as(name: &str, tenant: &str) -> bool {
    let Some((begins, rest)) = name.split_at_checked(tenant.len()) else { return false };
    let number = rest.strip_prefix(" (").and_then(|rest| rest.strip_suffix(')'));
    begins.eq_ignore_ascii_case(tenant) && (rest.is_empty() || number.is_some_and(|n| n.parse::<u32>().is_ok()))
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
