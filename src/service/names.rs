//! Names and addresses for ids, as pages show them.

use std::collections::{HashMap, HashSet};

use crate::{
    domain::{
        account::Scope,
        catalogue::{Catalogue, Named},
        client::Client,
        connection::HaloConnection,
        ids::{ClientId, ConnectionId, TicketId, WorkspaceId},
        run::RunScope,
        view::list::{Choice, OutsideLink, Trouble},
        workspace::{Mode, Workspace},
    },
    store::Installation,
};

use super::{caller::Caller, error::ServiceError};

/// Rows on one page of a list.
pub const PAGE_ROWS: u32 = 50;

/// What a name is replaced by when its record was removed.
const REMOVED: &str = "(removed)";

/// Client's name.
pub fn client(installation: &Installation, id: ClientId) -> String {
    let found = installation.clients.iter().find(|client| client.id == id);
    found.map_or_else(|| REMOVED.to_owned(), |client| client.name.clone())
}

/// The workspace.
pub fn workspace(installation: &Installation, id: WorkspaceId) -> Option<&Workspace> {
    installation.workspaces.iter().find(|workspace| workspace.id == id)
}

/// Whether the caller may see what is a workspace's: it may have been given to another client since. One that was
/// removed is nobody else's.
///
/// # Errors
/// `NotFound` when the workspace is a foreign client's by now.
pub fn see_workspace(installation: &Installation, caller: &Caller, id: WorkspaceId) -> Result<(), ServiceError> {
    workspace(installation, id).map_or(Ok(()), |workspace| caller.see(workspace.client))
}

/// Whether a workspace is read: it is set up here, and not switched off.
pub fn read(installation: &Installation, id: WorkspaceId) -> bool {
    workspace(installation, id).is_some_and(|workspace| workspace.mode != Mode::Off)
}

/// The workspaces that are read: for who asks about many.
pub fn all_read(installation: &Installation) -> HashSet<WorkspaceId> {
    installation.workspaces.iter().filter(|row| row.mode != Mode::Off).map(|row| row.id).collect()
}

/// Workspace's name.
pub fn workspace_name(installation: &Installation, id: WorkspaceId) -> String {
    workspace(installation, id).map_or_else(|| REMOVED.to_owned(), |workspace| workspace.name.clone())
}

/// Name of a connection of either kind.
pub fn connection(installation: &Installation, id: ConnectionId) -> String {
    let microsoft = installation.microsoft.iter().find(|row| row.id == id).map(|row| row.name.clone());
    let halo = || halo(installation, id).map(|row| row.name.clone());
    microsoft.or_else(halo).unwrap_or_else(|| REMOVED.to_owned())
}

/// The Halo instance.
pub fn halo(installation: &Installation, id: ConnectionId) -> Option<&HaloConnection> {
    installation.halo.iter().find(|row| row.id == id)
}

/// Every client, by name, to choose from.
pub fn client_choices(installation: &Installation) -> Vec<Choice> {
    let choice = |client: &Client| Choice { value: client.id.to_string(), label: client.name.clone(), count: None };
    let mut clients: Vec<Choice> = installation.clients.iter().map(choice).collect();
    clients.sort_by_key(|client| client.label.to_lowercase());
    clients
}

/// The scope of clients that were chosen by their ids; `None` where none was, or one is not known.
pub fn chosen_clients(installation: &Installation, chosen: &[&str]) -> Option<Scope> {
    let known = |text: &&str| {
        let id: ClientId = text.parse().ok()?;
        installation.clients.iter().any(|client| client.id == id).then_some(id)
    };
    let found: Option<Vec<ClientId>> = chosen.iter().map(known).collect();
    found.filter(|found| !found.is_empty()).map(Scope::Clients)
}

/// Name of what a run reads.
pub fn run_scope(installation: &Installation, scope: RunScope) -> String {
    match scope {
        RunScope::Workspace { id } => workspace_name(installation, id),
        RunScope::Halo { id } => connection(installation, id),
    }
}

/// Whether the reader may see what a run reads: Halo instances serve many clients, so only with the whole scope.
pub fn run_visible(installation: &Installation, scope: RunScope, seen: &Scope) -> bool {
    if *seen == Scope::All {
        return true;
    }
    match scope {
        RunScope::Workspace { id } => workspace(installation, id).is_some_and(|row| seen.allows(Some(row.client))),
        RunScope::Halo { .. } => false,
    }
}

/// Clients within the scope, to choose from.
pub fn clients(installation: &Installation, scope: &Scope, counts: &HashMap<ClientId, u64>) -> Vec<Choice> {
    let seen = installation.clients.iter().filter(|client| scope.allows(Some(client.id)));
    let choice = |client: &crate::domain::client::Client| Choice {
        value: client.id.to_string(),
        label: client.name.clone(),
        count: Some(counts.get(&client.id).copied().unwrap_or(0)),
    };
    seen.map(choice).collect()
}

/// Workspaces within the scope, by name, to choose from.
pub fn workspaces(installation: &Installation, scope: &Scope, counts: &HashMap<WorkspaceId, u64>) -> Vec<Choice> {
    let seen = installation.workspaces.iter().filter(|workspace| scope.allows(Some(workspace.client)));
    let choice = |workspace: &Workspace| Choice {
        value: workspace.id.to_string(),
        label: workspace.name.clone(),
        count: Some(counts.get(&workspace.id).copied().unwrap_or(0)),
    };
    let mut choices: Vec<Choice> = seen.map(choice).collect();
    choices.sort_by_cached_key(|choice| (choice.label.to_lowercase(), choice.value.clone()));
    choices
}

/// The ticket's number with its address in Halo, where that host is ours by configuration and speaks https.
pub fn ticket(installation: &Installation, halo_id: ConnectionId, ticket: TicketId) -> OutsideLink {
    let base = halo(installation, halo_id).and_then(HaloConnection::ticket_url_base);
    OutsideLink { label: ticket.to_string(), url: base.map(|base| format!("{base}{ticket}")) }
}

/// Name of a ticket status, else its number.
pub fn status(catalogue: Option<&Catalogue>, id: i64) -> String {
    status_of(catalogue.map(|catalogue| catalogue.statuses.as_slice()).unwrap_or_default(), id)
}

/// The same, of the statuses alone.
pub fn status_of(statuses: &[Named], id: i64) -> String {
    let found = statuses.iter().find(|row| row.id == id);
    found.map_or_else(|| id.to_string(), |row| row.name.clone())
}

/// What a part of a page says when it could not be read.
pub fn trouble(error: &ServiceError) -> Trouble {
    let what = match error {
        ServiceError::Busy => "The database is busy or its disk is full, so this part could not be read.",
        _ => "This part could not be read.",
    };
    Trouble {
        what: what.to_owned(),
        remedy: "Open the page again in a moment; if it stays so, look into the server's log.".to_owned(),
        reference: None,
    }
}

/// A count as pages show it.
pub fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// An incident's number and title in a line; one without a title can still be seen and followed.
pub fn incident(number: Option<i64>, title: &str) -> String {
    let title = if title.trim().is_empty() { "(no title)" } else { title };
    number.map_or_else(|| title.to_owned(), |number| format!("#{number} {title}"))
}
