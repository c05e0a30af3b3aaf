//! `doctor`.

use std::{
    io::{ErrorKind, Write as _},
    process::ExitCode,
    sync::Arc,
};

use clap::Args;

use super::{
    data_dir::{DATABASE, DataDir},
    global::Global,
    say,
    ways::OverNetwork,
};
use crate::{
    clock::{Clock as _, SystemClock, SystemIds},
    service::doctor::{self, Finding, Standing},
    store::{InstanceMark, SCHEMA_VERSION, StoreError, lock_instance},
};

/// What `--help` says.
pub const LONG: &str = "Checks everything and says, line by line, that it is well or what to do: data directory, key, \
    database and its ledger, secrets, what failed or was given up, then each connection: reached, signed in, rights by name, clock, and whether every \
    name in the policies exists in Halo.\n\n\
    Changes nothing. Works beside a running server. Exit code 1 when there is a fault.\n\n\
    Example:  halobridge doctor --offline";

/// Options of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Ask nothing outside this machine
    #[arg(long, env = "HALOBRIDGE_OFFLINE", value_parser = super::values::switch)]
    pub offline: bool,
}

/// Runs it.
///
/// # Errors
/// Never: what fails is a line of the report.
pub async fn run(global: &Global, args: DoctorArgs) -> anyhow::Result<ExitCode> {
    let mut worst = Standing::Ok;
    let mut tell = |findings: Vec<Finding>| {
        for finding in findings {
            worst = worst.max(finding.standing);
            say(finding.to_string());
        }
    };
    let shown = global.data_dir().display().to_string();
    let data = match global.open().await {
        Ok(data) => data,
        Err(error) => {
            tell(vec![Finding::fault(format!("data directory {shown}"), format!("{error:#}"))]);
            return Ok(ExitCode::FAILURE);
        }
    };
    tell(vec![
        room(&data, &shown),
        Finding::ok("key", "fits its form"),
        Finding::ok(format!("schema of {DATABASE}"), format!("version {SCHEMA_VERSION}")),
    ]);
    tell(vec![server(&data), mark(&data).await, second_writer(&data).await]);
    tell(doctor::database(&data.store).await);
    match data.store.installation().await {
        Ok(installation) => {
            tell(doctor::installation(&data.store, &installation).await);
            tell(doctor::endings(&installation, SystemClock.now()));
            tell(doctor::work(&data.store, &installation).await);
            if args.offline {
                tell(vec![Finding::note("outside", "not asked (--offline)")]);
            } else {
                let (clock, ids) = (Arc::new(SystemClock), Arc::new(SystemIds));
                tell(doctor::outside(&data.store, &installation, Arc::new(OverNetwork), clock, ids).await);
            }
        }
        Err(error) => tell(vec![Finding::fault("installation", crate::telemetry::chain(&error))]),
    }
    if worst == Standing::Fault {
        say("There is something to do: see the lines marked FAULT.");
        return Ok(ExitCode::FAILURE);
    }
    say("All is well.");
    Ok(ExitCode::SUCCESS)
}

/// Whether there is room in the data directory: as much as a busy minute writes is written there and taken away again.
fn room(data: &DataDir, shown: &str) -> Finding {
    const ROOM: usize = 4 * 1024 * 1024;
    let what = format!("data directory {shown}");
    let probe = data.path.join(format!(".room-{}", std::process::id()));
    let written = std::fs::File::create(&probe)
        .and_then(|mut file| file.write_all(&vec![0x5a; ROOM]).and_then(|()| file.sync_all()));
    let removed = std::fs::remove_file(&probe);
    match written.and(removed) {
        Ok(()) => Finding::ok(what, "can be written, and has room"),
        Err(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
            Finding::fault(what, StoreError::Full.to_string())
        }
        Err(error) => {
            Finding::fault(what, format!("cannot be written: {error}. Give this user the right to write there."))
        }
    }
}

fn server(data: &DataDir) -> Finding {
    match lock_instance(&data.path) {
        Ok(_) => Finding::note("server", "none is running"),
        Err(StoreError::AlreadyRunning { pid }) => Finding::ok("server", format!("running (process {pid})")),
        Err(error) => Finding::fault("server", error.to_string()),
    }
}

async fn mark(data: &DataDir) -> Finding {
    match data.store.instance_mark(&data.path, &SystemIds).await {
        Ok(InstanceMark::New | InstanceMark::Same) => {
            Finding::ok("instance mark", "database and directory belong together")
        }
        Ok(InstanceMark::Differs) => Finding::fault(
            "instance mark",
            "the directory was copied or restored, so nothing is written to either side. Confirm it once with `halobridge \
             serve --confirm-instance`.",
        ),
        Err(error) => Finding::fault("instance mark", error.to_string()),
    }
}

async fn second_writer(data: &DataDir) -> Finding {
    let what = "other writers";
    match data.store.second_writer().await {
        Ok(None) => Finding::ok(what, "none was noticed"),
        Ok(Some(found)) => Finding::fault(
            what,
            format!(
                "a second process writes to the pairs of this installation ({}, {}), so nothing is written to either side. \
                 End the other one, then confirm this one once with `halobridge serve --confirm-instance`.",
                found.words(),
                found.at
            ),
        ),
        Err(error) => Finding::fault(what, error.to_string()),
    }
}
