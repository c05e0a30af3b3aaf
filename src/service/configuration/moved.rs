//! A Halo instance under another address. Clients are bound by their numbers, which are each instance's own: behind another
//! address a number may be another customer.

use std::collections::BTreeMap;

use secrecy::SecretString;

use super::{CLIENT_SECRET, ConfigurationError};
use crate::{
    config::{
        Applied,
        halo::Halo as Entry,
        secret::{SecretRef, sealed_identity},
    },
    domain::{catalogue::Named, connection::HaloConnection, failure::Failure, ids::ConnectionId},
    halo_itsm::Halo,
    outbound::budget::Class,
    store::{Installation, SecretSource, Store, StoreError},
};

/// Whether an instance lies elsewhere than before.
pub fn moved(before: &HaloConnection, now: &HaloConnection) -> bool {
    let address = |row: &HaloConnection| row.resource_server.trim_end_matches('/').to_ascii_lowercase();
    address(before) != address(now) || before.tenant != now.tenant
}

/// The clients that are bound to an instance: their numbers there and our names.
pub fn bound(installation: &Installation, id: ConnectionId) -> Vec<(i64, &str)> {
    let places = installation.clients.iter().filter_map(|client| client.halo.as_ref().map(|at| (client, at)));
    places.filter(|(_, at)| at.connection == id).map(|(client, at)| (at.halo_client_id, client.name.as_str())).collect()
}

/// What tells an instance with the clients `there` from the one that a connection led to until now, and what to do if nothing
/// is wrong.
///
/// # Errors
/// The database cannot be read.
pub async fn at_odds(
    store: &Store,
    installation: &Installation,
    id: ConnectionId,
    there: &[Named],
) -> Result<Option<String>, StoreError> {
    let kept = store.catalogue(id).await?.map(|(catalogue, _)| catalogue.clients);
    let told = told_apart(&bound(installation, id), kept.as_deref(), there);
    Ok(told.map(|told| {
        format!(
            "{told}, so it seems to be another instance. If it is the same one, and that client was renamed or switched off \
             there since, undo that until the address is changed."
        )
    }))
}

/// The same by what was last read of its clients (`kept`): the first of the bound ones that is another customer `there`.
///
/// One with another name is a customer that was renamed where most others are the same, one with a higher number among them:
/// numbers rise, so that both had the same clients when that one was made.
pub fn told_apart(bound: &[(i64, &str)], kept: Option<&[Named]>, there: &[Named]) -> Option<String> {
    let by_number =
        |rows: &[Named]| -> BTreeMap<i64, String> { rows.iter().map(|row| (row.id, row.name.clone())).collect() };
    let alike = |one: &str, other: &str| one.trim().to_lowercase() == other.trim().to_lowercase();
    let (here, there) = (kept.map(by_number), by_number(there));
    let known = here.as_ref().map_or(0, BTreeMap::len);
    let is_there = |(number, name): &(&i64, &String)| there.get(*number).is_some_and(|other| alike(name, other));
    let same: Vec<i64> = here.iter().flatten().filter(is_there).map(|(number, _)| *number).collect();
    let mostly = same.len() * 2 > known;
    let changed_since = |number: i64| mostly && same.last().is_some_and(|last| *last > number);
    bound.iter().filter(|(number, _)| !changed_since(*number)).find_map(|(number, own)| {
        // Halo's own name counts where it is known: ours may be another one
        match (here.as_ref().map(|rows| rows.get(number)), there.get(number)) {
            (Some(Some(here)), Some(there)) if !alike(here, there) => {
                Some(format!("client {number} is “{here}” here and “{there}” there"))
            }
            (Some(Some(name)), None) => Some(format!("client {number} is “{name}” here, and there is none there")),
            (None, None) => Some(format!("client {number} is “{own}” here, and there is none there")),
            // the same, or nothing that tells them apart
            _ => None,
        }
    })
}

/// Asks each instance that lies elsewhere by a file than it does now whether it has the clients that are bound to it.
/// `adapter` gives the way to one.
///
/// # Errors
/// [`ConfigurationError::OtherInstance`] where it has others, [`ConfigurationError::Unasked`] where that is not known; the
/// database cannot be read.
pub async fn same_instances<F>(
    store: &Store,
    installation: &Installation,
    wanted: &Applied,
    adapter: F,
) -> Result<(), ConfigurationError>
where
    F: Fn(HaloConnection, SecretString) -> Result<Halo, Failure>,
{
    for entry in &wanted.halo {
        let now = &entry.connection;
        let Some(before) = installation.halo.iter().find(|row| row.name == now.name) else { continue };
        if !moved(before, now) || bound(installation, before.id).is_empty() {
            continue;
        }
        let unasked = |why: String| ConfigurationError::Unasked(now.name.clone(), why);
        let secret = secret(store, entry).map_err(|error| unasked(error.to_string()))?;
        let halo = adapter(now.clone(), secret).map_err(|failure| unasked(failure.message))?;
        let there = halo.clients("", Class::Interactive).await.map_err(|failure| unasked(failure.message))?;
        if let Some(told) = at_odds(store, installation, before.id, &there).await? {
            return Err(ConfigurationError::OtherInstance(now.name.clone(), told));
        }
    }
    Ok(())
}

/// The client secret that a file names, from where it lies.
fn secret(store: &Store, entry: &Entry) -> Result<SecretString, StoreError> {
    let none = || StoreError::Secret("The file names no client secret.".to_owned());
    match entry.client_secret.as_ref().ok_or_else(none)? {
        SecretRef::Env(name) => SecretSource::Env(name.clone()).read()?.ok_or_else(none),
        SecretRef::File(path) => SecretSource::File(path.clone()).read()?.ok_or_else(none),
        SecretRef::Sealed(text) => store.open_text(&sealed_identity("halo", entry.name(), CLIENT_SECRET), text),
    }
}
