//! Carrying a file out, in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::json;

use crate::{
    clock::IdSource,
    config::{
        Applied,
        secret::{SecretRef, sealed_identity},
    },
    domain::{
        client::{Client, HaloBinding},
        ids::{ClientId, ConnectionId, PolicyId, UserId, WorkspaceId},
        policy::{Base, Policy},
        workspace::Workspace,
    },
    ledger::fact::Fact,
    store::{Installation, SecretOwner, SecretSource, Store, StoreError, Tx},
};

use super::{
    CERTIFICATE, CLIENT_SECRET, Change, ConfigurationError, PRIVATE_KEY, WEBHOOK_SECRET,
    compare::{compare, replaced},
    installed::installed,
    kept_as,
    returning::{self, Former},
};

/// Sets up what the file says. Gives what changed; nothing is written when nothing does.
///
/// # Errors
/// What the database says; a reference that leads nowhere; a sealed secret that does not open.
/// Nothing is changed then.
pub async fn apply(
    store: &Store,
    wanted: &Applied,
    prune: bool,
    now: Timestamp,
    ids: &dyn IdSource,
) -> Result<Vec<Change>, ConfigurationError> {
    apply_as(store, wanted, prune, None, now, ids).await
}

/// The same in a person's name, which the ledger keeps with what changed.
///
/// # Errors
/// As [`apply`].
pub async fn apply_as(
    store: &Store,
    wanted: &Applied,
    prune: bool,
    user: Option<UserId>,
    now: Timestamp,
    ids: &dyn IdSource,
) -> Result<Vec<Change>, ConfigurationError> {
    apply_seen(store, wanted, prune, user, None, now, ids).await
}

/// The same, if what is set up still is the version that somebody saw.
///
/// # Errors
/// As [`apply`]; [`ConfigurationError::Moved`] when something was set up since.
pub async fn apply_seen(
    store: &Store,
    wanted: &Applied,
    prune: bool,
    user: Option<UserId>,
    seen: Option<i64>,
    now: Timestamp,
    ids: &dyn IdSource,
) -> Result<Vec<Change>, ConfigurationError> {
    let stored = installed(store).await?;
    if seen.is_some_and(|seen| seen != stored.installation.version) {
        return Err(ConfigurationError::Moved);
    }
    let changes = compare(wanted, &stored, store, prune).await?;
    if changes.is_empty() {
        return Ok(changes);
    }
    let secrets = secrets(wanted, store)?;
    let former = returning::former(store, &stored.installation, wanted, prune).await?;
    let target = target(wanted, &stored.installation, &former, prune, now, ids)?;
    let removed = returning::kept(store, &stored.installation, &target, prune).await?;
    let kept = kept_secrets(store, &stored.installation).await?;
    let mut tx = store.begin().await?;
    // what was compared above is what is changed below
    if tx.configuration_version().await? != stored.installation.version {
        return Err(ConfigurationError::Moved);
    }
    write(&mut tx, &stored.installation, &target, prune).await?;
    put_secrets(&mut tx, &target, &secrets, &kept, now).await?;
    record(&mut tx, (&stored.installation, &target), &changes, user, now).await?;
    if prune {
        remove_rest(&mut tx, &stored.installation, &target).await?;
    }
    if let Some(removed) = removed {
        tx.put_removed_clients(&removed).await?;
    }
    tx.commit().await?;
    // The change stands: a version that could not be kept is made up for when the page of versions is opened.
    if let Err(error) = super::versions::keep(store, user, replaced(&changes), now).await {
        tracing::warn!(%error, "a version of the configuration could not be kept");
    }
    Ok(changes)
}

/// The installation after applying: only the entries that the file names.
fn target(
    wanted: &Applied,
    stored: &Installation,
    former: &[Former],
    prune: bool,
    now: Timestamp,
    ids: &dyn IdSource,
) -> Result<Installation, ConfigurationError> {
    let mut target = Installation::default();
    for entry in &wanted.microsoft {
        let mut connection = entry.connection.clone();
        let before = stored.microsoft.iter().find(|m| m.name == connection.name);
        connection.id = before.map_or_else(|| ConnectionId(ids.uuid_v7(now)), |m| m.id);
        target.microsoft.push(connection);
    }
    for entry in &wanted.halo {
        let mut connection = entry.connection.clone();
        let before = stored.halo.iter().find(|h| h.name == connection.name);
        // Two applications of one instance are two connections.
        let own = ConnectionId::of_halo(&connection.resource_server, &connection.tenant);
        let taken = stored.halo.iter().chain(&target.halo).any(|h| h.id == own);
        let new = || if taken { ConnectionId(ids.uuid_v7(now)) } else { own };
        connection.id = before.map_or_else(new, |h| h.id);
        target.halo.push(connection);
    }
    let halo = by_name(stored.halo.iter().chain(&target.halo).map(|h| (&h.name, h.id)));
    for entry in &wanted.clients {
        let before = stored.clients.iter().find(|c| c.name == entry.name);
        let binding = match &entry.halo {
            Some(binding) => Some(HaloBinding {
                connection: resolved(&halo, "client", &entry.name, &binding.halo)?,
                halo_client_id: binding.halo_client_id,
                site_id: binding.site_id,
                team: binding.team.clone(),
            }),
            None => None,
        };
        let back = || returning::id_of(former, &entry.name, binding.as_ref(), &target.clients);
        let id = before.map(|c| c.id).or_else(back);
        target.clients.push(Client {
            id: id.unwrap_or_else(|| ClientId(ids.uuid_v7(now))),
            name: entry.name.clone(),
            time_zone: entry.time_zone.clone(),
            halo: binding,
        });
    }
    for entry in &wanted.policies {
        let mut policy = entry.policy.clone();
        let before = stored.policies.iter().find(|p| p.name == policy.name);
        policy.id = before.map_or_else(|| PolicyId(ids.uuid_v7(now)), |p| p.id);
        target.policies.push(policy);
    }
    bases(wanted, stored, &mut target)?;
    workspaces(wanted, stored, &mut target, now)?;
    if !prune {
        follow_tenants(stored, &mut target);
    }
    Ok(target)
}

/// Policies of the file that build on another, on what that one says from now on.
fn bases(wanted: &Applied, stored: &Installation, target: &mut Installation) -> Result<(), ConfigurationError> {
    let all = target.policies.iter().chain(stored.policies.iter()).cloned().collect::<Vec<_>>();
    for (entry, policy) in wanted.policies.iter().zip(&mut target.policies) {
        let Some(name) = &entry.base else { continue };
        let missing = || ConfigurationError::Unresolved(format!("policy “{}”", entry.name()), name.clone());
        let base = all.iter().find(|known| known.name == *name).ok_or_else(missing)?;
        policy.inherit(base, &entry.own);
        policy.base = Some(Base { policy: base.id, own: entry.own.clone() });
    }
    Ok(())
}

fn workspaces(
    wanted: &Applied,
    stored: &Installation,
    target: &mut Installation,
    now: Timestamp,
) -> Result<(), ConfigurationError> {
    let microsoft = by_name(stored.microsoft.iter().chain(&target.microsoft).map(|m| (&m.name, m.id)));
    let clients = by_name(stored.clients.iter().chain(&target.clients).map(|c| (&c.name, c.id)));
    let policies = by_name(stored.policies.iter().chain(&target.policies).map(|p| (&p.name, p.id)));
    let tenants: BTreeMap<ConnectionId, String> =
        stored.microsoft.iter().chain(&target.microsoft).map(|m| (m.id, m.tenant_id.clone())).collect();
    for entry in &wanted.workspaces {
        let before = stored.workspaces.iter().find(|w| w.arm_id == entry.arm_id);
        let connection = resolved(&microsoft, "workspace", &entry.name, &entry.microsoft)?;
        target.workspaces.push(Workspace {
            id: before.map_or_else(|| WorkspaceId::of(&entry.arm_id), |w| w.id),
            arm_id: entry.arm_id.clone(),
            name: entry.name.clone(),
            client: resolved(&clients, "workspace", &entry.name, &entry.client)?,
            connection,
            tenant_id: entry.tenant_id.clone().or_else(|| tenants.get(&connection).cloned()).unwrap_or_default(),
            policy: resolved(&policies, "workspace", &entry.name, &entry.policy)?,
            mode: entry.mode,
            since: entry.since.or(before.map(|w| w.since)).unwrap_or(now),
            poll_secs: entry.poll_secs,
            poll_fast_secs: entry.poll_fast_secs,
            portal: entry.portal,
            webhook: entry.webhook_secret.is_some(),
            shadow: entry.shadow,
        });
    }
    Ok(())
}

/// A workspace outside the file follows its sign-in's tenant when it had the same before.
fn follow_tenants(stored: &Installation, target: &mut Installation) {
    for before in &stored.workspaces {
        if target.workspaces.iter().any(|w| w.arm_id == before.arm_id) {
            continue;
        }
        let old = stored.microsoft.iter().find(|m| m.id == before.connection).map(|m| &m.tenant_id);
        let new = target.microsoft.iter().find(|m| m.id == before.connection).map(|m| &m.tenant_id);
        if let (Some(old), Some(new)) = (old, new)
            && old == &before.tenant_id
            && new != old
        {
            target.workspaces.push(Workspace { tenant_id: new.clone(), ..before.clone() });
        }
    }
}

fn by_name<'a, T>(pairs: impl Iterator<Item = (&'a String, T)>) -> BTreeMap<&'a str, T> {
    pairs.map(|(name, id)| (name.as_str(), id)).collect()
}

fn resolved<T: Copy>(ids: &BTreeMap<&str, T>, section: &str, entry: &str, name: &str) -> Result<T, ConfigurationError> {
    let missing = || ConfigurationError::Unresolved(format!("{section} “{entry}”"), name.to_owned());
    ids.get(name).copied().ok_or_else(missing)
}

async fn write(
    tx: &mut Tx,
    stored: &Installation,
    target: &Installation,
    prune: bool,
) -> Result<(), ConfigurationError> {
    for connection in target.microsoft.iter().filter(|c| !stored.microsoft.contains(c)) {
        tx.put_microsoft(connection).await?;
    }
    for connection in target.halo.iter().filter(|c| !stored.halo.contains(c)) {
        tx.put_halo(connection).await?;
    }
    // Places in Halo are unique: those that move or go are let loose first, so that clients can change places.
    let goes = |client: &Client| prune && !target.clients.iter().any(|c| c.id == client.id);
    let moves = |client: &Client| target.clients.iter().any(|c| c.id == client.id && c.halo != client.halo);
    for client in stored.clients.iter().filter(|c| c.halo.is_some() && (goes(c) || moves(c))) {
        tx.put_client(&Client { halo: None, ..client.clone() }).await?;
    }
    for client in target.clients.iter().filter(|c| !stored.clients.contains(c)) {
        tx.put_client(client).await?;
    }
    // What others build on is there first.
    let (above, bases): (Vec<&Policy>, Vec<&Policy>) =
        target.policies.iter().filter(|p| !stored.policies.contains(p)).partition(|policy| policy.base.is_some());
    for policy in bases.into_iter().chain(above) {
        tx.put_policy(policy).await?;
    }
    for workspace in target.workspaces.iter().filter(|w| !stored.workspaces.contains(w)) {
        tx.put_workspace(workspace).await?;
    }
    Ok(())
}

/// Removes what the file does not name; whatever refers to something goes before it.
async fn remove_rest(tx: &mut Tx, stored: &Installation, target: &Installation) -> Result<(), ConfigurationError> {
    for gone in stored.workspaces.iter().filter(|w| !target.workspaces.iter().any(|t| t.id == w.id)) {
        tx.remove_workspace(gone.id).await?;
    }
    for gone in stored.clients.iter().filter(|c| !target.clients.iter().any(|t| t.id == c.id)) {
        tx.remove_client(gone.id).await?;
    }
    let gone = stored.policies.iter().filter(|p| !target.policies.iter().any(|t| t.id == p.id));
    let (above, bases): (Vec<&Policy>, Vec<&Policy>) = gone.partition(|policy| policy.base.is_some());
    for gone in above.into_iter().chain(bases) {
        tx.remove_policy(gone.id).await?;
    }
    let kept: BTreeSet<ConnectionId> =
        target.microsoft.iter().map(|m| m.id).chain(target.halo.iter().map(|h| h.id)).collect();
    let connections = stored.microsoft.iter().map(|m| m.id).chain(stored.halo.iter().map(|h| h.id));
    for gone in connections.filter(|id| !kept.contains(id)) {
        tx.remove_connection(gone).await?;
    }
    Ok(())
}

/// What a file says of a secret: where it is, and its value when it was sealed in the file.
type Given = (SecretSource, SecretString);
/// Section, natural key, field.
type SecretKey = (&'static str, String, &'static str);

fn secrets(wanted: &Applied, store: &Store) -> Result<BTreeMap<SecretKey, Given>, ConfigurationError> {
    let mut given = BTreeMap::new();
    let mut add = |section: &'static str, key: &str, field: &'static str, secret: &Option<SecretRef>| {
        let Some(secret) = secret else { return Ok(()) };
        let none = || SecretString::from(String::new());
        let pair = match secret {
            SecretRef::Env(name) => (SecretSource::Env(name.clone()), none()),
            SecretRef::File(path) => (SecretSource::File(path.clone()), none()),
            SecretRef::Sealed(text) => {
                let opened = store.open_text(&sealed_identity(section, key, field), text);
                let what = || ConfigurationError::Sealed(format!("{field} of {section} “{key}”"));
                (SecretSource::Sealed, opened.map_err(|_| what())?)
            }
        };
        given.insert((section, key.to_owned(), field), pair);
        Ok::<(), ConfigurationError>(())
    };
    for entry in &wanted.microsoft {
        add("microsoft", entry.name(), CLIENT_SECRET, &entry.client_secret)?;
        add("microsoft", entry.name(), CERTIFICATE, &entry.certificate)?;
        add("microsoft", entry.name(), PRIVATE_KEY, &entry.private_key)?;
    }
    for entry in &wanted.halo {
        add("halo", entry.name(), CLIENT_SECRET, &entry.client_secret)?;
        add("halo", entry.name(), WEBHOOK_SECRET, &entry.webhook_secret)?;
    }
    for entry in &wanted.workspaces {
        add("workspace", &entry.arm_id, WEBHOOK_SECRET, &entry.webhook_secret)?;
    }
    Ok(given)
}

/// A sealed secret of another key is none that is known.
pub(super) fn sealed_elsewhere<T>(error: StoreError) -> Result<Option<T>, StoreError> {
    match error {
        StoreError::Key(_) => Ok(None),
        other => Err(other),
    }
}

/// Sealed values and references as stored, to leave alone what does not change.
async fn kept_secrets(
    store: &Store,
    stored: &Installation,
) -> Result<BTreeMap<(String, String), Given>, ConfigurationError> {
    let mut kept = BTreeMap::new();
    let connections = stored.microsoft.iter().map(|m| m.id).chain(stored.halo.iter().map(|h| h.id));
    let owners =
        connections.map(SecretOwner::Connection).chain(stored.workspaces.iter().map(|w| SecretOwner::Workspace(w.id)));
    for owner in owners {
        for secret in store.secret_sources(owner).await? {
            let value = match secret.source {
                // One that does not open with this key is like none: whatever is given replaces it.
                SecretSource::Sealed => store.secret(owner, &secret.name).await.or_else(sealed_elsewhere)?,
                _ => None,
            };
            let value = value.unwrap_or_else(|| SecretString::from(String::new()));
            kept.insert((owner.to_string(), secret.name), (secret.source, value));
        }
    }
    Ok(kept)
}

async fn put_secrets(
    tx: &mut Tx,
    target: &Installation,
    given: &BTreeMap<SecretKey, Given>,
    kept: &BTreeMap<(String, String), Given>,
    now: Timestamp,
) -> Result<(), ConfigurationError> {
    let fields = [CLIENT_SECRET, CERTIFICATE, PRIVATE_KEY, WEBHOOK_SECRET];
    let owners = (target.microsoft.iter().map(|m| ("microsoft", m.name.clone(), SecretOwner::Connection(m.id))))
        .chain(target.halo.iter().map(|h| ("halo", h.name.clone(), SecretOwner::Connection(h.id))))
        .chain(target.workspaces.iter().map(|w| ("workspace", w.arm_id.clone(), SecretOwner::Workspace(w.id))));
    for (section, key, owner) in owners {
        for field in fields {
            let before = kept.get(&(owner.to_string(), kept_as(field).to_owned()));
            match given.get(&(section, key.clone(), field)) {
                Some((source, value)) if before.is_none_or(|(s, v)| s != source || !super::same(v, value)) => {
                    tx.put_secret(now, owner, kept_as(field), value, source).await?;
                }
                Some(_) => {}
                None if before.is_some() => {
                    tx.remove_secret(owner, kept_as(field)).await?;
                }
                None => {}
            }
        }
    }
    Ok(())
}

/// One act for the installation, and one for each client that is concerned.
async fn record(
    tx: &mut Tx,
    (stored, target): (&Installation, &Installation),
    changes: &[Change],
    user: Option<UserId>,
    now: Timestamp,
) -> Result<(), ConfigurationError> {
    let act = |detail: serde_json::Value| Fact::HumanAct { user, act: "config-apply".to_owned(), pair: None, detail };
    let lines: Vec<String> = changes.iter().map(ToString::to_string).collect();
    tx.record(now, None, act(json!({ "changes": lines }))).await?;
    let mut concerned: BTreeMap<ClientId, Vec<String>> = BTreeMap::new();
    for change in changes {
        let clients: BTreeSet<ClientId> = match change.section {
            "client" => {
                let all = stored.clients.iter().chain(&target.clients);
                all.filter(|c| c.name == change.name).map(|c| c.id).collect()
            }
            "workspace" => {
                let all = stored.workspaces.iter().chain(&target.workspaces);
                all.filter(|w| w.arm_id == change.key).map(|w| w.client).collect()
            }
            _ => BTreeSet::new(),
        };
        for client in clients {
            concerned.entry(client).or_default().push(change.to_string());
        }
    }
    for (client, lines) in concerned {
        tx.record(now, Some(client), act(json!({ "changes": lines }))).await?;
    }
    Ok(())
}
