//! Carries errands out: a few workspaces at a time, each recorded as it goes, so that a restart goes on where it was.

use std::{collections::HashMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;

use super::{
    address,
    azure::{self, NO_SIGN_IN, NoSide, Side},
    configuration,
    errand::{self, Head, Row, Stage},
    kept, reachable,
};
use crate::{
    domain::{
        connection::MicrosoftConnection,
        failure::{Failure, FailureKind},
        ids::{ConnectionId, WorkspaceId},
        time,
        view::{
            errand::ErrandAct,
            import::PlanStep,
            probe::{Level, Line, worst},
        },
        workspace::Workspace,
    },
    engine::Registry,
    sentinel::Sentinel,
    service::{App, error::ServiceError, outside},
    store::SecretOwner,
};

/// Workspaces that are worked on at a time.
const AT_ONCE: usize = 4;
/// Times that a failure which passes by itself is waited out, at one workspace.
const TRIES: u32 = 4;
/// Seconds before the first of them; each later one takes twice as long.
const TRY_SECS: i64 = 15;
/// Seconds for which a used-up budget gathers before it is used again: a workspace takes some ten calls.
const GATHER_SECS: i64 = 5;

/// What is next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// There is nothing to do until there is news.
    Nothing,
    /// Something was done; there may be more.
    Again,
    /// Everything that is left waits until then.
    NotBefore(Timestamp),
}

/// Sign-ins of the connections, of one version of what is set up.
type Ways = (i64, HashMap<ConnectionId, Arc<Sentinel>>);

/// Carries errands out.
pub struct Worker {
    app: App,
    /// One for all, with the engine's budgets: a subscription has one, whoever asks there.
    registry: Registry,
    ways: Mutex<Ways>,
}

/// What came of one workspace.
struct Came {
    steps: Vec<PlanStep>,
    lines: Vec<Line>,
    /// What passes by itself, where something did not go well.
    passing: Option<Failure>,
}

impl Came {
    fn said(line: Line) -> Self {
        Self { steps: Vec::new(), lines: vec![line], passing: None }
    }
}

impl Worker {
    /// Of this program.
    pub fn new(app: &App) -> Self {
        Self { app: app.clone(), registry: outside::registry(app), ways: Mutex::default() }
    }

    /// There is news for it.
    pub async fn woken(&self) {
        self.app.kept.errands.news.notified().await;
    }

    /// Does the next few workspaces. Whatever it is cut off in is done anew: everything it sends may be sent twice.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn turn(&self) -> Result<Turn, ServiceError> {
        let app = &self.app;
        let head = errand::head(app).await?;
        if !head.under_way() || app.engine.status().only_reads {
            return Ok(Turn::Nothing);
        }
        let rows = errand::rows(app, &head).await?;
        let open: Vec<(WorkspaceId, Row)> = rows.into_iter().filter(|(_, row)| row.open()).collect();
        if open.is_empty() || head.stopped {
            for (id, mut row) in open {
                // Stopped: what was cut off counts as not done.
                row.stage = Stage::Waiting;
                errand::keep_row(app, id, &row).await?;
            }
            errand::finish(app, &head.id).await?;
            // A secret that lies in a file may have been put right by the time that it is tried again.
            *self.ways.lock().await = Ways::default();
            return Ok(Turn::Again);
        }
        let now = time::to_ms(app.clock.now());
        let soonest = open.iter().map(|(_, row)| row.after_ms).min().unwrap_or(now);
        let due: Vec<_> = open.into_iter().filter(|(_, row)| row.after_ms <= now).take(AT_ONCE).collect();
        if due.is_empty() {
            return Ok(Turn::NotBefore(time::from_ms(soonest)));
        }
        let done = futures::future::join_all(due.into_iter().map(|(id, row)| self.one(&head, id, row))).await;
        done.into_iter().collect::<Result<(), ServiceError>>()?;
        Ok(Turn::Again)
    }

    /// Works on one workspace, and keeps what came of it.
    async fn one(&self, head: &Head, id: WorkspaceId, mut row: Row) -> Result<(), ServiceError> {
        let installation = self.app.installation().await?;
        let reached = azure::reached(&installation, id);
        // Before it counts as under way: what is cut off between the two is told twice, and not never.
        if let Some((workspace, _)) = reached.filter(|_| row.untouched()) {
            errand::record(&self.app, head, workspace).await?;
        }
        row.stage = Stage::Working;
        errand::keep_row(&self.app, id, &row).await?;
        let came = match reached {
            Some((workspace, connection)) => self.at(head, installation.version, workspace, connection).await?,
            None => {
                Came::said(Line::fault("workspace", "The workspace is not set up any more.", "Nothing is to be done."))
            }
        };
        let now = self.app.clock.now();
        let later = came.passing.as_ref().and_then(|failure| again_at(failure, row.tries, now));
        let told_to_wait = came.passing.as_ref().is_some_and(|f| matches!(f.kind, FailureKind::WaitUntil { .. }));
        row.stage = match later {
            Some(_) => Stage::Waiting,
            None if worst(&came.lines) == Level::Fault => Stage::Failed,
            None => Stage::Done,
        };
        row.tries += u32::from(later.is_some() && !told_to_wait);
        row.after_ms = later.map_or(0, time::to_ms);
        row.steps = came.steps;
        row.lines = came.lines;
        errand::keep_row(&self.app, id, &row).await
    }

    /// The way through a connection as `version` has it, signed in once for all workspaces that it reaches.
    async fn sentinel(&self, version: i64, connection: &MicrosoftConnection) -> Result<Arc<Sentinel>, NoSide> {
        // Held until it is made: else each of the workspaces that are worked on at a time would sign in for itself.
        let mut ways = self.ways.lock().await;
        if ways.0 != version {
            *ways = (version, HashMap::new());
        }
        if let Some(known) = ways.1.get(&connection.id) {
            return Ok(Arc::clone(known));
        }
        let made = self.registry.build_sentinel(connection).await.map_err(|failure| NoSide::of(NO_SIGN_IN, failure))?;
        ways.1.insert(connection.id, Arc::clone(&made));
        Ok(made)
    }

    /// The secret of a workspace's webhook, or why there is none. One that lies elsewhere and cannot be read there holds up
    /// this workspace alone.
    async fn secret(&self, id: WorkspaceId) -> Result<Result<SecretString, Line>, ServiceError> {
        let name = configuration::kept_as("webhook_secret");
        let kept = outside::kept_secret(&self.app, SecretOwner::Workspace(id), name, "workspace").await?;
        Ok(kept.and_then(|kept| {
            let says = "The webhook's secret was taken away meanwhile.";
            kept.ok_or_else(|| Line::fault("workspace", says, "Show the plan and deploy again."))
        }))
    }

    /// Does at one workspace what the errand is for.
    async fn at(
        &self,
        head: &Head,
        version: i64,
        workspace: &Workspace,
        connection: &MicrosoftConnection,
    ) -> Result<Came, ServiceError> {
        let app = &self.app;
        if head.act == ErrandAct::Deploy
            && let Some(line) = reachable(&head.public, connection.allow_insecure, "Azure")
        {
            return Ok(Came::said(line));
        }
        let side = match self.sentinel(version, connection).await {
            Ok(sentinel) => azure::side_through(sentinel, workspace).await,
            Err(no) => Err(no),
        };
        let side = match side {
            Ok(side) => side,
            Err(no) => {
                return Ok(Came {
                    steps: Vec::new(),
                    lines: vec![no.line],
                    passing: no.passing.map(|failure| *failure),
                });
            }
        };
        let (mut steps, mut lines) = (Vec::new(), Vec::new());
        let whose = workspace.id.to_string();
        match head.act {
            ErrandAct::Plan => {
                let mut plan = azure::empty_plan(workspace, connection, &head.public);
                azure::look(&side, &mut plan).await;
                (steps, lines) = (plan.steps, plan.lines);
            }
            ErrandAct::Deploy => {
                let secret = match self.secret(workspace.id).await? {
                    Ok(secret) => secret,
                    Err(line) => return Ok(Came::said(line)),
                };
                let to = address(&head.public, workspace.id);
                lines = azure::make(&side, &to, secret.expose_secret()).await;
                if worst(&lines) == Level::Fault {
                    kept::say(app, &whose, &lines).await?;
                } else {
                    self.test(&side, &whose, &mut lines, true).await?;
                }
            }
            ErrandAct::Test => self.test(&side, &whose, &mut lines, false).await?,
            ErrandAct::Remove => {
                lines = azure::unmake(&side).await;
                kept::say(app, &whose, &lines).await?;
            }
        }
        let passing = side.passing();
        Ok(Came { steps, lines, passing })
    }

    /// Sends a test event. After deploying it is no fault that the workspace has no incident yet to tell of.
    async fn test(&self, side: &Side, whose: &str, lines: &mut Vec<Line>, deployed: bool) -> Result<(), ServiceError> {
        let sent = self.app.clock.now();
        match azure::run_once(side).await {
            Ok(line) => {
                lines.push(line);
                kept::sent(&self.app, whose, sent, lines).await
            }
            Err(line) => {
                let line = if deployed && line.field == "test" { Line { level: Level::Note, ..line } } else { line };
                lines.push(line);
                kept::say(&self.app, whose, lines).await
            }
        }
    }
}

/// When a workspace is tried again, if waiting helps: as long as it is told to wait, and a few times otherwise.
fn again_at(failure: &Failure, tries: u32, now: Timestamp) -> Option<Timestamp> {
    let wait = |from: Timestamp, secs: i64| from.checked_add(SignedDuration::from_secs(secs)).unwrap_or(from);
    match failure.kind {
        FailureKind::WaitUntil { at } => Some(wait(at.max(now), GATHER_SECS)),
        _ if tries < TRIES => Some(wait(now, TRY_SECS << tries)),
        _ => None,
    }
}
