//! Checks of an installation: each says that it is well, or what to do.
//!
//! Reads only. The outside is asked through the same adapters that the engine uses, so that what is
//! well here is well there.

pub mod outside;

use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    clock::{Clock, IdSource},
    domain::{account::Scope, connection::MicrosoftConnection, pair::Health, run::RunScope, workspace::Mode},
    engine::{Registry, Transports},
    service::names,
    store::{Installation, SecretOwner, Store},
    telemetry,
};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Well.
    Ok,
    /// Worth knowing; nothing is broken.
    Note,
    /// Something must be done.
    Fault,
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub what: String,
    /// How it is.
    pub standing: Standing,
    /// What was found and, for a fault, what to do.
    pub says: String,
}

impl Finding {
    /// All is well.
    pub fn ok(what: impl Into<String>, says: impl Into<String>) -> Self {
        Self { what: what.into(), standing: Standing::Ok, says: says.into() }
    }

    /// Worth knowing.
    pub fn note(what: impl Into<String>, says: impl Into<String>) -> Self {
        Self { what: what.into(), standing: Standing::Note, says: says.into() }
    }

    /// Something must be done.
    pub fn fault(what: impl Into<String>, says: impl Into<String>) -> Self {
        Self { what: what.into(), standing: Standing::Fault, says: says.into() }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mark = match self.standing {
            Standing::Ok => "ok   ",
            Standing::Note => "note ",
            Standing::Fault => "FAULT",
        };
        write!(f, "{mark}  {}: {}", self.what, self.says)
    }
}

/// The database: its inner order and every chain of its ledger.
pub async fn database(store: &Store) -> Vec<Finding> {
    let mut found = Vec::new();
    found.push(match store.integrity_check().await {
        Ok(faults) if faults.is_empty() => Finding::ok("database", "whole"),
        Ok(faults) => Finding::fault("database", format!("damaged: {}. Restore the last backup.", faults.join("; "))),
        Err(error) => Finding::fault("database", telemetry::chain(&error)),
    });
    found.push(match store.verify_ledger().await {
        Ok(heads) => {
            let entries: i64 = heads.values().map(|head| head.chain_seq).sum();
            Finding::ok("ledger", format!("{} chain(s), {entries} entries, unbroken", heads.len()))
        }
        Err(error) => Finding::fault("ledger", telemetry::chain(&error)),
    });
    found
}

/// Whether a source is read: it is set up, and not switched off.
fn reads(installation: &Installation, source: RunScope) -> bool {
    match source {
        RunScope::Workspace { id } => names::read(installation, id),
        RunScope::Halo { id } => names::halo(installation, id).is_some(),
    }
}

/// What the polls and writes came to: what failed last, what was given up, what waits for a person.
pub async fn work(store: &Store, installation: &Installation) -> Vec<Finding> {
    let mut found = Vec::new();
    match store.last_runs(&Scope::All, true).await {
        Ok(runs) => found.extend(runs.into_iter().filter_map(|last| {
            // The last run of what is not read any more stays as it was: nobody could mend it.
            let failure = last.run.failure.filter(|_| reads(installation, last.run.scope))?;
            let what = format!("polls of {}", names::run_scope(installation, last.run.scope));
            let times = if last.failures > 1 { format!(" ({} times in a row)", last.failures) } else { String::new() };
            Some(Finding::fault(what, format!("the last one failed{times}: {}", failure.message)))
        })),
        Err(error) => found.push(Finding::fault("polls", telemetry::chain(&error))),
    }
    match store.queue_counts().await {
        Ok(counts) if counts.dead > 0 => {
            let says =
                format!("{} were given up. See them under Problems in the console, each with its cause.", counts.dead);
            found.push(Finding::fault("writes", says));
        }
        Ok(counts) => found.push(Finding::ok("writes", format!("none was given up, {} wait", counts.open))),
        Err(error) => found.push(Finding::fault("writes", telemetry::chain(&error))),
    }
    match store.counters(&Scope::All).await {
        Ok(counts) => {
            let needs: i64 = counts.iter().filter(|row| row.health == Health::NeedsYou).map(|row| row.pairs).sum();
            let says = format!("{needs} need somebody. See them under Problems in the console.");
            found.extend((needs > 0).then(|| Finding::note("incidents", says)));
        }
        Err(error) => found.push(Finding::fault("incidents", telemetry::chain(&error))),
    }
    found
}

/// What is set up, and whether every secret can be had by this process.
pub async fn installation(store: &Store, installation: &Installation) -> Vec<Finding> {
    let mut found = Vec::new();
    if installation.workspaces.is_empty() {
        let says = "no workspace is set up. Write a file (docs/CONFIGURATION.md) and run `halobridge config apply`.";
        found.push(Finding::fault("installation", says));
    } else {
        let live = installation.workspaces.iter().filter(|w| w.mode != Mode::Off).count();
        found.push(Finding::ok(
            "installation",
            format!(
                "{} client(s), {} workspace(s), {live} not off",
                installation.clients.len(),
                installation.workspaces.len()
            ),
        ));
    }
    for client in installation.clients.iter().filter(|client| client.halo.is_none()) {
        let says = "has no place in Halo, so its incidents wait. Write its halo_client_id.";
        found.push(Finding::note(format!("client {}", client.name), says));
    }
    let microsoft =
        installation.microsoft.iter().map(|c| (format!("sign-in {}", c.name), SecretOwner::Connection(c.id)));
    let halo = installation.halo.iter().map(|c| (format!("Halo {}", c.name), SecretOwner::Connection(c.id)));
    let workspaces =
        installation.workspaces.iter().map(|w| (format!("workspace {}", w.name), SecretOwner::Workspace(w.id)));
    for (what, owner) in microsoft.chain(halo).chain(workspaces) {
        secrets(store, &what, owner, &mut found).await;
    }
    found
}

/// How long the secrets of the sign-ins with Microsoft last, where somebody said when they end.
pub fn endings(installation: &Installation, now: Timestamp) -> Vec<Finding> {
    let finding = |connection: &MicrosoftConnection| {
        let what = format!("sign-in {}, end of its secret", connection.name);
        let (day, days) = (connection.secret_expires?, connection.secret_days(now)?);
        Some(match connection.secret_warning(now) {
            Some(warning) if days < 0 => Finding::fault(what, warning),
            Some(warning) => Finding::note(what, warning),
            None => Finding::ok(what, format!("in {days} days, on {day}")),
        })
    };
    installation.microsoft.iter().filter_map(finding).collect()
}

async fn secrets(store: &Store, what: &str, owner: SecretOwner, found: &mut Vec<Finding>) {
    let standings = match store.secret_sources(owner).await {
        Ok(standings) => standings,
        Err(error) => return found.push(Finding::fault(what, telemetry::chain(&error))),
    };
    for standing in standings {
        let name = format!("{what}, {}", standing.name.replace('_', " "));
        found.push(match store.secret(owner, &standing.name).await {
            Ok(Some(_)) => Finding::ok(name, "can be read"),
            Ok(None) => Finding::fault(name, "vanished while looking. Run the check again."),
            Err(error) => Finding::fault(name, telemetry::chain(&error)),
        });
    }
}

/// The outside: each connection reached, signed in to, with the rights and names it needs; clocks compared.
pub async fn outside(
    store: &Store,
    installation: &Installation,
    transports: Arc<dyn Transports>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
) -> Vec<Finding> {
    let registry = Registry::new(store.clone(), Arc::clone(&clock), ids, Arc::clone(&transports));
    let mut found = Vec::new();
    for connection in &installation.microsoft {
        outside::microsoft(&registry, &*transports, installation, connection, &*clock, &mut found).await;
    }
    for connection in &installation.halo {
        outside::halo(&registry, &*transports, installation, connection, &*clock, &mut found).await;
    }
    found
}
