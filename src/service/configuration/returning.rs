//! Clients that come back: pairs, ledger and rights hang on a client's id, so one that was taken out gets its old id.

use crate::{
    config::Applied,
    domain::{
        client::{Client, HaloBinding},
        ids::{ClientId, ConnectionId},
    },
    store::{Installation, Store, StoreError},
};

/// Clients that are kept in mind after they were taken out.
const KEPT: usize = 10_000;

/// A place in Halo.
type Place = (ConnectionId, i64);

/// A client as it was known before.
pub(super) struct Former {
    id: ClientId,
    /// `None` where the name must not decide.
    name: Option<String>,
    place: Option<Place>,
}

fn place(binding: Option<&HaloBinding>) -> Option<Place> {
    binding.map(|binding| (binding.connection, binding.halo_client_id))
}

/// Those that a new entry of the file may turn out to be, the likeliest first.
///
/// # Errors
/// What the database says.
pub(super) async fn former(
    store: &Store,
    stored: &Installation,
    wanted: &Applied,
    prune: bool,
) -> Result<Vec<Former>, StoreError> {
    let stands = |name: &str| stored.clients.iter().any(|client| client.name == name);
    if wanted.clients.iter().all(|entry| stands(&entry.name)) {
        return Ok(Vec::new());
    }
    let mut found: Vec<Former> = Vec::new();
    // With the rest taken out, another name for the same client of Halo is a new name.
    let goes = |client: &&Client| prune && !wanted.clients.iter().any(|entry| entry.name == client.name);
    found.extend(stored.clients.iter().filter(goes).map(|client| Former {
        id: client.id,
        name: None,
        place: place(client.halo.as_ref()),
    }));
    let known = |id: ClientId, found: &[Former]| {
        stored.clients.iter().any(|client| client.id == id) || found.iter().any(|former| former.id == id)
    };
    for client in store.removed_clients().await?.into_iter().rev() {
        if !known(client.id, &found) {
            let place = place(client.halo.as_ref());
            found.push(Former { id: client.id, name: Some(client.name), place });
        }
    }
    // Taken out by a version of this program that did not keep it in mind.
    for (id, halo, halo_client_id) in store.paired_clients().await? {
        if !known(id, &found) {
            found.push(Former { id, name: None, place: Some((halo, halo_client_id)) });
        }
    }
    Ok(found)
}

/// The id that a new entry had before: by its place in Halo, else by its name, unless the places contradict that.
pub(super) fn id_of(
    former: &[Former],
    name: &str,
    binding: Option<&HaloBinding>,
    taken: &[Client],
) -> Option<ClientId> {
    let own = place(binding);
    let free = || former.iter().filter(|former| !taken.iter().any(|client| client.id == former.id));
    let at_place = free().find(|former| own.is_some() && former.place == own);
    let named = || {
        let fits = |former: &&Former| former.place.is_none() || own.is_none() || former.place == own;
        free().find(|former| former.name.as_deref() == Some(name) && fits(former))
    };
    at_place.or_else(named).map(|former| former.id)
}

/// Those kept in mind after a change: without those that are back, with those that go.
///
/// # Errors
/// What the database says.
pub(super) async fn kept(
    store: &Store,
    stored: &Installation,
    target: &Installation,
    prune: bool,
) -> Result<Option<Vec<Client>>, StoreError> {
    let before = store.removed_clients().await?;
    let stays = |id: ClientId| target.clients.iter().any(|client| client.id == id);
    let mut kept: Vec<Client> = before.iter().filter(|client| !stays(client.id)).cloned().collect();
    kept.extend(stored.clients.iter().filter(|client| prune && !stays(client.id)).cloned());
    kept.drain(..kept.len().saturating_sub(KEPT));
    Ok((kept != before).then_some(kept))
}
