//! `sync --once`.

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Value, json};

use super::{complain, data_dir::DataDir, global::Global, say, ways::OverNetwork};
use crate::{
    clock::{Clock as _, SystemClock, SystemIds},
    domain::{account::Scope, pair::Health, run::RunScope},
    engine::{Engine, intake::SYNC, once::once},
    store::{Installation, InstanceMark, StoreError, lock_instance},
};

/// What `--help` says.
pub const LONG: &str = "Runs one whole cycle: every workspace and Halo instance is read, every queue is carried out as far \
    as it goes now. Then it prints what came of it, and how many incidents need somebody.\n\n\
    Beside a running server it asks that server for the cycle and waits for its answer. Exit code 1 when something \
    could not be read, or a write was given up and waits for a person.\n\n\
    Example:  halobridge sync --once";

/// Units of work at the same time, without a server.
const SIDE_BY_SIDE: usize = 8;

/// Options of `sync`.
#[derive(Debug, Args)]
pub struct SyncArgs {
    /// Run one cycle and end; the only way there is, named so that it reads well in a script
    #[arg(long, env = "HALOBRIDGE_ONCE", value_parser = super::values::switch)]
    pub once: bool,
    /// Seconds to wait for a running server's answer
    #[arg(long, env = "HALOBRIDGE_SYNC_TIMEOUT_SECS", default_value_t = 600, value_name = "SECONDS")]
    pub timeout_secs: u64,
}

/// Runs it.
///
/// # Errors
/// One clear sentence.
pub async fn run(global: &Global, args: SyncArgs) -> anyhow::Result<ExitCode> {
    if !args.once {
        complain("error: Say `halobridge sync --once`. For continuous work use `halobridge serve`.");
        return Ok(ExitCode::from(2));
    }
    let data = global.open().await?;
    let lock = lock_instance(&data.path);
    match lock {
        Ok(_lock) => alone(&data).await,
        Err(StoreError::AlreadyRunning { pid }) => beside(&data, &pid, args.timeout_secs).await,
        Err(error) => Err(error.into()),
    }
}

async fn alone(data: &DataDir) -> anyhow::Result<ExitCode> {
    if data.store.instance_mark(&data.path, &SystemIds).await? == InstanceMark::Differs {
        bail!(
            "This data directory was copied or restored, so nothing may be written. Confirm it first: `halobridge serve \
             --confirm-instance`."
        );
    }
    if let Some(found) = data.store.second_writer().await? {
        bail!(
            "A second process writes to the pairs of this installation ({}), so nothing may be written. End the other one, \
             then confirm this one: `halobridge serve --confirm-instance`.",
            found.words()
        );
    }
    let (clock, ids) = (Arc::new(SystemClock), Arc::new(SystemIds));
    let engine = Arc::new(Engine::new(data.store.clone(), clock, ids, Arc::new(OverNetwork)));
    let summary = once(&engine, SIDE_BY_SIDE).await?;
    let installation = data.store.installation().await?;
    let failures: Vec<(String, String)> =
        summary.failures.iter().map(|(scope, failure)| (name(&installation, scope), failure.to_string())).collect();
    say(format!(
        "Read {} workspace(s) and instance(s); carried out {} operation(s); {} wait for their time; {} dead letter(s).",
        how_many(summary.read, summary.scopes),
        summary.done,
        summary.waiting,
        summary.dead
    ));
    tell_needs(data).await?;
    Ok(verdict(&failures, summary.dead))
}

/// How many of all were read, when not all were.
fn how_many<N: PartialEq + std::fmt::Display>(read: N, all: N) -> String {
    if read == all { all.to_string() } else { format!("{read} of {all}") }
}

/// How many incidents wait for a person, if any do.
async fn tell_needs(data: &DataDir) -> anyhow::Result<()> {
    let counts = data.store.counters(&Scope::All).await?;
    let needs: i64 = counts.iter().filter(|row| row.health == Health::NeedsYou).map(|row| row.pairs).sum();
    if needs > 0 {
        say(format!("{needs} incident(s) need somebody: see Problems in the console."));
    }
    Ok(())
}

fn name(installation: &Installation, scope: &RunScope) -> String {
    let found = match scope {
        RunScope::Workspace { id } => {
            installation.workspaces.iter().find(|w| w.id == *id).map(|w| format!("workspace {}", w.name))
        }
        RunScope::Halo { id } => installation.halo.iter().find(|h| h.id == *id).map(|h| format!("Halo {}", h.name)),
    };
    found.unwrap_or_else(|| "something removed".to_owned())
}

fn verdict(failures: &[(String, String)], dead: i64) -> ExitCode {
    for (scope, failure) in failures {
        complain(format!("{scope}: {failure}"));
    }
    if dead > 0 {
        complain("Dead letters wait for a person: see them in the console under “Needs you”.");
    }
    if failures.is_empty() && dead == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Asks the running server and waits for its answer.
async fn beside(data: &DataDir, pid: &str, timeout_secs: u64) -> anyhow::Result<ExitCode> {
    let id = data.store.ask(SystemClock.now(), SYNC, &json!({})).await?;
    let answer = tokio::time::timeout(Duration::from_secs(timeout_secs), answer(data, id));
    let result = answer.await.with_context(|| {
        format!("The running server (process {pid}) gave no answer within {timeout_secs} s. Look at its log")
    })??;
    if let Some(error) = result.get("error").and_then(Value::as_str) {
        bail!("The running server (process {pid}) answered: {error}");
    }
    let number = |key: &str| result.get(key).and_then(Value::as_i64).unwrap_or(0);
    say(format!(
        "The running server (process {pid}) read {} workspace(s) and instance(s); {} operation(s) wait for their time; {} \
         dead letter(s).",
        how_many(result.get("read").map_or(number("scopes"), |_| number("read")), number("scopes")),
        number("waiting"),
        number("dead")
    ));
    let failures = result.get("failures").and_then(Value::as_array).cloned().unwrap_or_default();
    let installation = data.store.installation().await?;
    let failures: Vec<(String, String)> = failures.iter().map(|failure| words(&installation, failure)).collect();
    tell_needs(data).await?;
    Ok(verdict(&failures, number("dead")))
}

/// What failed and why, as the server tells it.
fn words(installation: &Installation, told: &Value) -> (String, String) {
    let scope = told.get("scope").cloned().and_then(|scope| serde_json::from_value::<RunScope>(scope).ok());
    let scope = scope.map_or_else(|| "something".to_owned(), |scope| name(installation, &scope));
    let message = told.get("failure").and_then(|failure| failure.get("message")).and_then(Value::as_str);
    (scope, message.map_or_else(|| told.to_string(), str::to_owned))
}

#[expect(clippy::disallowed_methods, reason = "another process answers; there is nothing to wait on but time")]
async fn answer(data: &DataDir, id: i64) -> anyhow::Result<Value> {
    loop {
        match data.store.request(id).await? {
            Some(request) if request.answered.is_some() => return Ok(request.result.unwrap_or(Value::Null)),
            Some(_) => tokio::time::sleep(Duration::from_millis(200)).await,
            None => bail!("The request has vanished. Try again."),
        }
    }
}
