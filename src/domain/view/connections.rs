//! Connections and workspaces: whether each can be used, and what to do if not.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{
    connection::{HaloProduct, MicrosoftIdentity},
    failure::Failure,
    ids::{ClientId, ConnectionId, WorkspaceId},
    log_check::LogCheck,
    view::{pause::PauseView, permission::PermissionRow, probe::Line},
    workspace::Mode,
};

/// The page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionsView {
    /// Microsoft sign-ins, by name.
    pub microsoft: Vec<MicrosoftRow>,
    /// Halo instances, by name.
    pub halo: Vec<HaloRow>,
    /// Workspaces the person may see, by client and name.
    pub workspaces: Vec<WorkspaceRow>,
    /// Opaque token of the page of the workspaces. `from`
    pub from: String,
    /// Paused clients that have no workspace left to say so.
    pub pauses: Vec<PauseView>,
    /// Where Microsoft must send people back to after signing in.
    pub redirect_uri: String,
}

/// How a connection does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionHealth {
    /// End of the last call that went well.
    pub last_success: Option<Timestamp>,
    /// The failure since then, if any; its message holds the remedy.
    pub failure: Option<Failure>,
    /// When that failure was.
    pub failed_at: Option<Timestamp>,
    /// When it is read next.
    #[serde(default)]
    pub next: Option<Timestamp>,
}

/// Seconds that a reading may wait for its turn before it is called late.
pub const LATE_SECS: i64 = 60;

/// How far what is known of a source lies behind the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lag {
    /// It is read in its time: a source where nothing happens is not behind.
    Nothing,
    /// It was read whole this long ago, and is late or fails since.
    By {
        /// Seconds.
        secs: u64,
    },
    /// It was not read since the start. The newest change that was read before is this old, and there may be none after it.
    AtMost {
        /// Seconds.
        secs: u64,
    },
}

impl ConnectionHealth {
    /// Whether its next reading should have been by now.
    pub fn late(&self, now: Timestamp) -> bool {
        self.next.is_some_and(|at| now.duration_since(at).as_secs() > LATE_SECS)
    }

    /// How far behind a source of this health is, whose newest change that was read is of `read_up_to`; `None` where nothing
    /// tells.
    pub fn lag(&self, read_up_to: Option<Timestamp>, now: Timestamp) -> Option<Lag> {
        if self.failure.is_none() && !self.late(now) {
            return self.last_success.map(|_| Lag::Nothing);
        }
        // What was read of a reading that failed on its way counts as well.
        let through = self.last_success.max(read_up_to)?;
        let secs = u64::try_from(now.duration_since(through).as_secs()).unwrap_or_default();
        Some(if self.last_success.is_some() { Lag::By { secs } } else { Lag::AtMost { secs } })
    }
}

/// Where a secret comes from. Never the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "kebab-case")]
pub enum SecretSource {
    /// An environment variable.
    Environment {
        /// Its name.
        name: String,
    },
    /// A file.
    File {
        /// Its path.
        path: String,
    },
    /// Typed in the browser, sealed in the database.
    Sealed,
    /// There is none (delegated sign-in needs none with PKCE) or it is missing.
    None,
}

/// Share of a permitted rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetView {
    /// Whose: a Halo instance, a subscription.
    pub name: String,
    /// Requests made in the rolling window.
    pub used: u32,
    /// Requests allowed in it.
    pub allowed: u32,
    /// The window, seconds.
    pub window_secs: u32,
    /// When a request is free again, if none is now.
    pub free_at: Option<Timestamp>,
}

/// What a test of a connection said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tested {
    /// When.
    pub at: Timestamp,
    /// Line by line.
    pub lines: Vec<Line>,
}

/// A Microsoft sign-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MicrosoftRow {
    /// Ours.
    pub id: ConnectionId,
    /// Its name.
    pub name: String,
    /// GUID or domain.
    pub tenant: String,
    /// The app registration.
    pub oauth_client_id: String,
    /// How it proves itself.
    pub identity: MicrosoftIdentity,
    /// Who is signed in (delegated only).
    pub signed_in: Option<String>,
    /// Since when.
    pub signed_in_at: Option<Timestamp>,
    /// Where its secret comes from.
    pub secret: SecretSource,
    /// The day it ends, and how many days are left; `None` when nobody said.
    pub secret_ends: Option<(String, i32)>,
    /// What is to be said of a secret that ends soon.
    pub secret_warning: Option<String>,
    /// What is known of the permissions, once somebody has signed in.
    pub permissions: Vec<PermissionRow>,
    /// What the last test said.
    pub tested: Option<Tested>,
    /// How it does.
    pub health: ConnectionHealth,
    /// Whether it is paused, and why.
    pub pauses: Vec<PauseView>,
    /// Per subscription.
    pub budgets: Vec<BudgetView>,
}

/// A Halo instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HaloRow {
    /// Ours.
    pub id: ConnectionId,
    /// Its name.
    pub name: String,
    /// HaloITSM or HaloPSA.
    pub product: HaloProduct,
    /// Its Resource Server.
    pub address: String,
    /// The API application.
    pub oauth_client_id: String,
    /// Where its secret comes from.
    pub secret: SecretSource,
    /// How it does.
    pub health: ConnectionHealth,
    /// The newest change that was read.
    pub read_up_to: Option<Timestamp>,
    /// Whether it is paused, and why.
    pub pauses: Vec<PauseView>,
    /// Of the instance.
    pub budget: Option<BudgetView>,
    /// Seconds between polls.
    pub poll_secs: u32,
    /// Full address for its webhook; `None` when no secret is set for it.
    pub webhook: Option<String>,
    /// What was wrong with the last one that was not taken, since one that was; and when it came.
    pub webhook_refused: Option<(String, Timestamp)>,
}

/// A workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceRow {
    /// Ours.
    pub id: WorkspaceId,
    /// Its name.
    pub name: String,
    /// Client's name.
    pub client: String,
    /// Client.
    pub client_id: ClientId,
    /// Whether the client has its place in Halo.
    pub client_bound: bool,
    /// Name of the connection that reaches it.
    pub connection: String,
    /// Name of its policy.
    pub policy: String,
    /// What the engine may do.
    pub mode: Mode,
    /// Whether Halo's own integration is compared with.
    pub shadow: bool,
    /// Older incidents stay unlinked.
    pub since: Timestamp,
    /// Seconds between polls.
    pub poll_secs: u32,
    /// Seconds until the next one after a change.
    pub poll_fast_secs: u32,
    /// Full address for its webhook; `None` when no secret is set for it.
    pub webhook: Option<String>,
    /// What was wrong with the last one that was not taken, since one that was; and when it came.
    pub webhook_refused: Option<(String, Timestamp)>,
    /// How it does.
    pub health: ConnectionHealth,
    /// The newest change that was read.
    pub read_up_to: Option<Timestamp>,
    /// What comparing it with its own log told last.
    pub log: Option<LogCheck>,
    /// Whether its client is paused, and why.
    pub pauses: Vec<PauseView>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::{FailureKind, Side};

    #[test]
    fn a_source_where_nothing_happens_is_not_behind_and_one_that_is_late_or_fails_is() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let at = |secs: i64| now + jiff::SignedDuration::from_secs(secs);
        let by = |secs| Some(Lag::By { secs });
        for (last_success, fails, next, read_up_to, lag) in [
            // Read in its time; its newest change is a week old.
            (Some(-800), false, Some(100), Some(-604_800), Some(Lag::Nothing)),
            (Some(-800), false, Some(-60), None, Some(Lag::Nothing)),
            // Late, or failing.
            (Some(-961), false, Some(-61), Some(-604_800), by(961)),
            (Some(-300), true, Some(30), Some(-604_800), by(300)),
            // A reading that failed on its way came further than the last whole one.
            (Some(-900), true, Some(30), Some(-120), by(120)),
            // A clock that was set back.
            (Some(50), true, Some(30), None, by(0)),
            // Not read since the start.
            (None, false, None, Some(-604_800), None),
            (None, false, Some(0), None, None),
            (None, true, Some(30), Some(-7_200), Some(Lag::AtMost { secs: 7_200 })),
            (None, true, Some(30), None, None),
        ] {
            let failure = fails.then(|| Failure::new(Side::Sentinel, FailureKind::Transient, "It does not answer."));
            let health =
                ConnectionHealth { last_success: last_success.map(at), failure, failed_at: None, next: next.map(at) };
            assert_eq!(health.lag(read_up_to.map(at), now), lag, "{health:?} {read_up_to:?}");
        }
    }
}
