//! What the data directory holds, in the terms of the applied file.

use std::collections::BTreeMap;

use crate::{
    config::{
        Applied, Known,
        client::{Binding, Client},
        halo::Halo,
        microsoft::Microsoft,
        policy::PolicyEntry,
        secret::{SecretRef, sealed_identity},
        workspace::Workspace,
    },
    domain::{ids::PolicyId, policy::Base},
    store::{Installation, SecretOwner, SecretSource, Store, StoreError},
};

use super::{
    CERTIFICATE, CLIENT_SECRET, ConfigurationError, PRIVATE_KEY, WEBHOOK_SECRET, apply::sealed_elsewhere, kept_as,
};

/// Stands for a sealed secret until it is sealed for a file or compared.
pub const STORED: &str = "(stored)";

/// An installation and the same as a file would say it.
#[derive(Debug, Clone, PartialEq)]
pub struct Installed {
    /// By id.
    pub installation: Installation,
    /// By name; sealed secrets are [`STORED`].
    pub applied: Applied,
}

impl Installed {
    /// The names a file may refer to.
    pub fn known(&self) -> Known {
        Known {
            microsoft: self.applied.microsoft.iter().map(|m| m.name().to_owned()).collect(),
            halo: self.applied.halo.iter().map(|h| h.name().to_owned()).collect(),
            clients: self.applied.clients.iter().map(|c| c.name.clone()).collect(),
            policies: self.applied.policies.iter().map(|p| (p.name().to_owned(), p.clone())).collect(),
            bound: (self.applied.clients.iter())
                .filter_map(|c| c.halo.as_ref().map(|b| ((b.halo.clone(), b.halo_client_id), c.name.clone())))
                .collect(),
            named: (self.applied.workspaces.iter())
                .map(|w| (w.name.to_lowercase(), w.arm_id.to_lowercase(), w.webhook_secret.is_some()))
                .collect(),
            started: (self.applied.workspaces.iter())
                .map(|w| (w.arm_id.to_lowercase(), w.client.clone(), w.since))
                .collect(),
        }
    }

    /// The same for a file that replaces all there is: nothing may be named that does not stand in it.
    pub fn known_before(&self) -> Known {
        Known { started: self.known().started, ..Known::default() }
    }

    /// Where each secret comes from, by what it is bound to.
    pub(super) fn places(&self) -> BTreeMap<String, SecretRef> {
        let mut places = BTreeMap::new();
        let mut add = |section: &str, key: &str, field: &str, secret: &Option<SecretRef>| {
            if let Some(secret) = secret {
                places.insert(sealed_identity(section, key, field), secret.clone());
            }
        };
        for entry in &self.applied.microsoft {
            add("microsoft", entry.name(), CLIENT_SECRET, &entry.client_secret);
            add("microsoft", entry.name(), CERTIFICATE, &entry.certificate);
            add("microsoft", entry.name(), PRIVATE_KEY, &entry.private_key);
        }
        for entry in &self.applied.halo {
            add("halo", entry.name(), CLIENT_SECRET, &entry.client_secret);
            add("halo", entry.name(), WEBHOOK_SECRET, &entry.webhook_secret);
        }
        for entry in &self.applied.workspaces {
            add("workspace", &entry.arm_id, WEBHOOK_SECRET, &entry.webhook_secret);
        }
        places
    }

    /// Replaces every [`STORED`] by the secret sealed for the file.
    pub(super) async fn seal_for_file(&mut self, store: &Store) -> Result<(), ConfigurationError> {
        for (id, entry) in self.installation.microsoft.iter().map(|m| m.id).zip(&mut self.applied.microsoft) {
            let key = entry.connection.name.clone();
            for (field, secret) in [
                (CLIENT_SECRET, &mut entry.client_secret),
                (CERTIFICATE, &mut entry.certificate),
                (PRIVATE_KEY, &mut entry.private_key),
            ] {
                seal(store, SecretOwner::Connection(id), "microsoft", &key, field, secret).await?;
            }
        }
        for (id, entry) in self.installation.halo.iter().map(|h| h.id).zip(&mut self.applied.halo) {
            let key = entry.connection.name.clone();
            for (field, secret) in
                [(CLIENT_SECRET, &mut entry.client_secret), (WEBHOOK_SECRET, &mut entry.webhook_secret)]
            {
                seal(store, SecretOwner::Connection(id), "halo", &key, field, secret).await?;
            }
        }
        for (id, entry) in self.installation.workspaces.iter().map(|w| w.id).zip(&mut self.applied.workspaces) {
            let owner = SecretOwner::Workspace(id);
            seal(store, owner, "workspace", &entry.arm_id.clone(), WEBHOOK_SECRET, &mut entry.webhook_secret).await?;
        }
        Ok(())
    }
}

async fn seal(
    store: &Store,
    owner: SecretOwner,
    section: &str,
    key: &str,
    field: &str,
    secret: &mut Option<SecretRef>,
) -> Result<(), ConfigurationError> {
    if !matches!(secret, Some(SecretRef::Sealed(text)) if text == STORED) {
        return Ok(());
    }
    let identity = sealed_identity(section, key, field);
    let value = store.secret(owner, kept_as(field)).await.or_else(|error| {
        tracing::warn!("the {field} of {section} “{key}” is left out of the file: {error}");
        sealed_elsewhere(error)
    });
    *secret = match value? {
        Some(value) => Some(SecretRef::Sealed(store.seal_text(&identity, &value)?)),
        None => None,
    };
    Ok(())
}

async fn references(store: &Store, owner: SecretOwner) -> Result<BTreeMap<String, SecretRef>, StoreError> {
    let standing = store.secret_sources(owner).await?;
    Ok(standing
        .into_iter()
        .map(|secret| {
            let reference = match secret.source {
                SecretSource::Sealed => SecretRef::Sealed(STORED.to_owned()),
                SecretSource::Env(name) => SecretRef::Env(name),
                SecretSource::File(path) => SecretRef::File(path),
            };
            (secret.name, reference)
        })
        .collect())
}

/// Reads what the data directory holds.
///
/// # Errors
/// What the database says.
pub async fn installed(store: &Store) -> Result<Installed, StoreError> {
    let installation = store.installation().await?;
    let mut applied = Applied::default();
    for connection in &installation.microsoft {
        let mut secrets = references(store, SecretOwner::Connection(connection.id)).await?;
        let mut connection = connection.clone();
        connection.id = crate::domain::ids::ConnectionId(uuid::Uuid::nil());
        applied.microsoft.push(Microsoft {
            connection,
            client_secret: secrets.remove(CLIENT_SECRET),
            certificate: secrets.remove(CERTIFICATE),
            private_key: secrets.remove(PRIVATE_KEY),
        });
    }
    for connection in &installation.halo {
        let mut secrets = references(store, SecretOwner::Connection(connection.id)).await?;
        let mut connection = connection.clone();
        connection.id = crate::domain::ids::ConnectionId(uuid::Uuid::nil());
        applied.halo.push(Halo {
            connection,
            client_secret: secrets.remove(CLIENT_SECRET),
            webhook_secret: secrets.remove(kept_as(WEBHOOK_SECRET)),
        });
    }
    for client in &installation.clients {
        let halo = client.halo.as_ref().map(|binding| Binding {
            halo: name_of(installation.halo.iter().find(|h| h.id == binding.connection).map(|h| h.name.as_str())),
            halo_client_id: binding.halo_client_id,
            site_id: binding.site_id,
            team: binding.team.clone(),
        });
        applied.clients.push(Client { name: client.name.clone(), time_zone: client.time_zone.clone(), halo });
    }
    for policy in &installation.policies {
        let mut policy = policy.clone();
        policy.id = PolicyId(uuid::Uuid::nil());
        let base = policy.base.take();
        let name =
            |base: &Base| name_of(installation.policies.iter().find(|p| p.id == base.policy).map(|p| p.name.as_str()));
        let (base, own) = (base.as_ref().map(name), base.map(|base| base.own).unwrap_or_default());
        applied.policies.push(PolicyEntry { policy, base, own });
    }
    for workspace in &installation.workspaces {
        let mut secrets = references(store, SecretOwner::Workspace(workspace.id)).await?;
        let connection = installation.microsoft.iter().find(|m| m.id == workspace.connection);
        let home = connection.is_none_or(|c| c.tenant_id != workspace.tenant_id);
        applied.workspaces.push(Workspace {
            arm_id: workspace.arm_id.clone(),
            name: workspace.name.clone(),
            client: name_of(installation.clients.iter().find(|c| c.id == workspace.client).map(|c| c.name.as_str())),
            microsoft: name_of(connection.map(|c| c.name.as_str())),
            tenant_id: home.then(|| workspace.tenant_id.clone()),
            policy: name_of(installation.policies.iter().find(|p| p.id == workspace.policy).map(|p| p.name.as_str())),
            mode: workspace.mode,
            since: Some(workspace.since),
            poll_secs: workspace.poll_secs,
            poll_fast_secs: workspace.poll_fast_secs,
            portal: workspace.portal,
            webhook_secret: secrets.remove(kept_as(WEBHOOK_SECRET)),
            shadow: workspace.shadow,
        });
    }
    Ok(Installed { installation, applied })
}

fn name_of(name: Option<&str>) -> String {
    name.unwrap_or_default().to_owned()
}
