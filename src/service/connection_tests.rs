//! The button “Test” of a Microsoft connection: what it reaches, asked now, and what was said to that.

use serde_json::json;

use super::{App, acts, caller::Caller, error::ServiceError, fault, outside, permissions};
use crate::{
    domain::{
        account::Role,
        connection::MicrosoftConnection,
        ids::ConnectionId,
        view::{connections::Tested, probe::Line},
    },
    sentinel::discovery::FoundSubscription,
    store::StoreError,
};

/// Tenants that a test asks at most, and names of subscriptions that it tells.
const TENANTS: usize = 20;
const NAMED: usize = 10;

pub(super) fn setting(connection: ConnectionId) -> String {
    format!("tested/{connection}")
}

/// What the last test said.
///
/// # Errors
/// The store cannot be read.
pub async fn last(app: &App, connection: ConnectionId) -> Result<Option<Tested>, ServiceError> {
    let kept = app.store.setting(&setting(connection)).await;
    let kept = kept.map_err(|e| fault("read what a test said", &e))?;
    Ok(kept.and_then(|text| serde_json::from_str(&text).ok()))
}

/// Asks Microsoft which tenants and subscriptions a connection reaches, and for a token of the logs where a person signed
/// in; keeps what it said. Reads only. It serves all clients, so the whole scope is needed.
///
/// # Errors
/// `Forbidden`, `NotFound`; the store cannot be read or written.
pub async fn test(app: &App, caller: &Caller, id: ConnectionId) -> Result<(), ServiceError> {
    caller.need(Role::Operator)?;
    caller.need_everything()?;
    let installation = app.installation().await?;
    let connection = installation.microsoft.iter().find(|row| row.id == id).ok_or(ServiceError::NotFound)?;
    let detail = json!({ "connection": id.to_string() });
    acts::record(app, None, vec![acts::act(caller, "test-connection", None, detail)]).await?;
    let linked = installation.workspaces.iter().any(|row| row.connection == id);
    let lines = lines(app, connection, linked).await;
    if connection.identity.delegated() {
        permissions::ask(app, connection).await?;
    }
    let tested = Tested { at: app.clock.now(), lines };
    let text = serde_json::to_string(&tested).map_err(|e| ServiceError::internal("keep what a test said", &e))?;
    let doing = |e: StoreError| fault("keep what a test said", &e);
    let mut tx = app.store.begin().await.map_err(doing)?;
    tx.put_setting(&setting(id), Some(&text)).await.map_err(doing)?;
    tx.commit().await.map_err(doing)
}

async fn lines(app: &App, connection: &MicrosoftConnection, linked: bool) -> Vec<Line> {
    let sentinel = match outside::sentinel(app, connection).await {
        Ok(sentinel) => sentinel,
        Err(failure) => return vec![Line::fault("", failure.message, "")],
    };
    let own = connection.tenant_id.as_str();
    let tenants = match sentinel.tenants(own).await {
        Ok(tenants) => tenants,
        Err(failure) => return vec![Line::fault("", failure.message, "")],
    };
    let others = tenants.into_iter().filter(|tenant| {
        let domain = tenant.domain.as_deref().unwrap_or_default();
        !tenant.tenant_id.eq_ignore_ascii_case(own) && !domain.eq_ignore_ascii_case(own)
    });
    let mut asked = vec![(own.to_owned(), own.to_owned())];
    asked.extend(others.map(|tenant| (tenant.name.unwrap_or_else(|| tenant.tenant_id.clone()), tenant.tenant_id)));
    let (mut told, mut found) = (Vec::new(), Vec::<FoundSubscription>::new());
    for (name, tenant) in asked.iter().take(TENANTS) {
        match sentinel.subscriptions(tenant).await {
            Ok(rows) => {
                let usable = rows.into_iter().filter(|row| !["Disabled", "Deleted"].contains(&row.state.as_str()));
                for row in usable {
                    if !found.iter().any(|known| known.id.eq_ignore_ascii_case(&row.id)) {
                        found.push(row);
                    }
                }
            }
            Err(failure) => told.push(Line::fault("", format!("Tenant {name}: {}", failure.message), "")),
        }
    }
    let mut lines = vec![reached(&found, told.is_empty())];
    lines.extend(told);
    if asked.len() > TENANTS {
        let text = format!("It reaches {} tenants; the first {TENANTS} were asked.", asked.len());
        lines.push(Line::note("", text, ""));
    }
    if !found.is_empty() && !linked {
        let fix = "Choose whose they are under Set-up, Clients and workspaces.";
        lines.push(Line::note("", "No workspace that it reaches is linked yet.", fix));
    }
    lines
}

/// What the subscriptions say.
fn reached(found: &[FoundSubscription], all_answered: bool) -> Line {
    if found.is_empty() {
        let fix = "Give the person or the app a role on the workspaces in Azure, such as Microsoft Sentinel Contributor, then \
                   test again: a new role takes some minutes to hold.";
        return match all_answered {
            true => Line::fault("", "Microsoft lets it in and shows it no subscription.", fix),
            false => Line::fault("", "It reaches no subscription.", ""),
        };
    }
    let names: Vec<&str> = found.iter().take(NAMED).map(|row| row.name.as_str()).collect();
    let more = match found.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let count = if found.len() == 1 { "1 subscription".to_owned() } else { format!("{} subscriptions", found.len()) };
    Line::ok("", format!("It reaches {count}: {}{more}.", names.join(", ")))
}
