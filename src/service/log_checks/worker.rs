//! Compares workspaces with their logs, one at a time, and asks for what no list has shown.

use std::{collections::BTreeSet, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use super::{asked, count, keep, kept, known, later, settle};
use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        ids::{IncidentId, WorkspaceId},
        log_check::{LogCheck, LogOutcome, SPAN, UnseenIncident},
        run::RunScope,
        workspace::{Mode, Workspace},
    },
    outbound::budget::Class,
    sentinel::{
        Incidents, Place, Sentinel,
        logs::{LogSpan, Logged},
    },
    service::{App, error::ServiceError, fault, import_mode::Turn, outside},
    store::Installation,
};

/// What happened so shortly before the last reading is left out: the log shows it late, and lists may.
const SETTLED: SignedDuration = SignedDuration::from_mins(15);
/// Each live workspace is compared this often.
const EVERY: SignedDuration = SignedDuration::from_hours(24);
/// Sooner, where what stood in the way passes, or where more is missing than is listed.
const SOONER: SignedDuration = SignedDuration::from_hours(1);
/// One that was asked for and is still not known is asked for again.
const ASK_AGAIN: SignedDuration = SignedDuration::from_hours(1);
/// The next few of a workspace are asked for.
const ASK_APART: SignedDuration = SignedDuration::from_secs(30);
/// Incidents of a workspace that are asked for at a time: more would be read by a list, which has not shown them.
const AT_ONCE: usize = 8;
/// Incidents that one answer of a log may hold, and answers that are read.
const ROWS: usize = 5_000;
const PAGES: usize = 10;
/// Incidents of a workspace that are listed as missing.
const LISTED: usize = 100;

/// Compares workspaces with their logs.
pub struct Worker {
    app: App,
}

/// The time that is compared: up to what must have shown when the workspace was last read.
fn span(workspace: &Workspace, now: Timestamp, read: Timestamp) -> (Timestamp, Timestamp) {
    let from = now.checked_sub(SPAN).unwrap_or(now).max(workspace.since);
    (from, read.checked_sub(SETTLED).unwrap_or(read))
}

/// When the next few of the missing ones are asked for; `None` when none is missing.
fn ask_next(check: &LogCheck) -> Option<Timestamp> {
    let due = |one: &UnseenIncident| one.asked.map_or(Timestamp::UNIX_EPOCH, |at| later(at, ASK_AGAIN));
    let soonest = check.unseen.iter().map(due).min()?;
    Some(check.ask_after.map_or(soonest, |after| after.max(soonest)))
}

/// When a comparison that could not be made is tried again by itself.
fn again(failure: &Failure, now: Timestamp) -> Timestamp {
    match failure.kind {
        FailureKind::WaitUntil { at } => at.clamp(later(now, SignedDuration::from_mins(1)), later(now, SOONER)),
        _ if failure.retryable() => later(now, SOONER),
        _ => later(now, EVERY),
    }
}

fn sooner(a: Option<Timestamp>, b: Timestamp) -> Option<Timestamp> {
    Some(a.map_or(b, |a| a.min(b)))
}

impl Worker {
    /// Of this program.
    pub fn new(app: &App) -> Self {
        Self { app: app.clone() }
    }

    /// Somebody asks for a comparison.
    pub async fn woken(&self) {
        self.app.kept.logs.news.notified().await;
    }

    /// Asks for the next few incidents that are missing, or compares the next workspace whose turn it is.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn turn(&self) -> Result<Turn, ServiceError> {
        let app = &self.app;
        let installation = app.installation().await?;
        let (mut checks, wanted) = (kept(app).await?, asked(app).await?);
        let there = |id: &WorkspaceId| installation.workspaces.iter().any(|row| row.id == *id && row.mode != Mode::Off);
        if let Some(gone) = checks.keys().chain(&wanted).find(|&id| !there(id)) {
            keep(app, *gone, None, true).await?;
            return Ok(Turn::Again);
        }
        for workspace in &installation.workspaces {
            if checks.get(&workspace.id).is_some_and(|check| check.client != workspace.client) {
                checks.remove(&workspace.id);
            }
        }
        let now = app.clock.now();
        let mut next = None;
        for workspace in &installation.workspaces {
            let Some(at) = checks.get(&workspace.id).and_then(ask_next) else { continue };
            if at <= now
                && let Some(check) = checks.remove(&workspace.id)
            {
                self.ask(&installation, workspace, check).await?;
                return Ok(Turn::Again);
            }
            next = sooner(next, at);
        }
        // A person waits for what they asked for: it goes before what is due by itself.
        let mut read: Vec<&Workspace> = installation.workspaces.iter().filter(|row| row.mode != Mode::Off).collect();
        read.sort_by_key(|row| !wanted.contains(&row.id));
        for workspace in read {
            let check = checks.get(&workspace.id);
            let at = if wanted.contains(&workspace.id) { Some(now) } else { self.due(workspace, check, now) };
            let Some(at) = at else { continue };
            if at <= now {
                let before = checks.remove(&workspace.id);
                self.compare(&installation, workspace, before).await?;
                return Ok(Turn::Again);
            }
            next = sooner(next, at);
        }
        Ok(next.map_or(Turn::Nothing, Turn::NotBefore))
    }

    /// When a workspace was last read to its end, while nothing has failed since.
    fn read(&self, workspace: WorkspaceId) -> Result<Timestamp, Failure> {
        let status = self.app.engine.status();
        let row = status.scope(RunScope::Workspace { id: workspace });
        let failed = row.and_then(|row| row.last_failure.as_ref());
        let text = match (failed, row.and_then(|row| row.last_success)) {
            (None, Some(at)) => return Ok(at),
            (Some((_, failure)), _) => {
                format!("Its incidents can't be read at present, so there is nothing to compare: {}", failure.message)
            }
            (None, None) => {
                "It has not been read since the program's start. Compare it again in some minutes.".to_owned()
            }
        };
        Err(Failure::new(Side::Sentinel, FailureKind::Transient, text))
    }

    /// When a live workspace is compared by itself; `None` while it can't be.
    fn due(&self, workspace: &Workspace, check: Option<&LogCheck>, now: Timestamp) -> Option<Timestamp> {
        let read = self.read(workspace.id).ok().filter(|_| workspace.mode.live())?;
        let (from, to) = span(workspace, now, read);
        if from >= to {
            return None;
        }
        Some(check.map_or(now, |check| check.next))
    }

    /// The way to a workspace's connection.
    async fn reach(
        &self,
        installation: &Installation,
        workspace: &Workspace,
    ) -> Result<(Arc<Sentinel>, Place), Failure> {
        let refused = |text: &str| Failure::new(Side::Sentinel, FailureKind::Rejected, text);
        let connection = installation.microsoft.iter().find(|row| row.id == workspace.connection);
        let connection = connection.ok_or_else(|| refused("Its connection is not set up any more. Add it again."))?;
        let place = outside::place(workspace);
        let place = place.ok_or_else(|| refused("Its ARM id can't be read. Link it anew in the set-up."))?;
        Ok((outside::sentinel(&self.app, connection).await?, place))
    }

    /// What the log has of a time.
    async fn logged(
        &self,
        installation: &Installation,
        workspace: &Workspace,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Logged, Failure> {
        if from >= to {
            let text = "Its start is so short ago that nothing can be compared yet. Compare it again in half an hour.";
            return Err(Failure::new(Side::Sentinel, FailureKind::Transient, text));
        }
        let (sentinel, place) = self.reach(installation, workspace).await?;
        sentinel.logged(&place, &LogSpan { from, to, rows: ROWS, pages: PAGES }).await
    }

    /// Compares one workspace, and keeps what came of it.
    async fn compare(
        &self,
        installation: &Installation,
        workspace: &Workspace,
        before: Option<LogCheck>,
    ) -> Result<(), ServiceError> {
        let began = self.app.clock.now();
        let read = self.read(workspace.id);
        let (from, to) = span(workspace, began, read.as_ref().copied().unwrap_or(began));
        let told = match read {
            Ok(_) => self.logged(installation, workspace, (from, to)).await,
            Err(failure) => Err(failure),
        };
        let now = self.app.clock.now();
        // What was missing stays open until it is known, whatever this one tells.
        let (gone, unseen, more) = before.map(|before| (before.gone, before.unseen, before.more)).unwrap_or_default();
        let mut check = LogCheck {
            client: workspace.client,
            at: now,
            from,
            to,
            outcome: LogOutcome::Compared,
            named: 0,
            known: 0,
            come: 0,
            gone,
            unseen,
            more,
            ask_after: None,
            next: later(now, EVERY),
        };
        match told {
            Ok(logged) => self.take(workspace, &mut check, logged).await?,
            Err(failure) => {
                check.next = again(&failure, now);
                check.outcome = LogOutcome::NotChecked { why: failure.message };
            }
        }
        keep(&self.app, workspace.id, Some(&check), true).await
    }

    /// Holds what the log names against what is known.
    async fn take(&self, workspace: &Workspace, check: &mut LogCheck, logged: Logged) -> Result<(), ServiceError> {
        let Logged { incidents, cut } = logged;
        if incidents.is_empty() && cut.is_none() && self.knows_more(workspace.id, check).await? {
            let why = "The log names no incident of that time, though some of it are known here: it is not written, or not kept \
                       so long. Look in Azure under Logs whether the table SecurityIncident has rows.";
            check.outcome = LogOutcome::NotChecked { why: why.to_owned() };
            return Ok(());
        }
        if let Some(why) = cut {
            check.outcome = LogOutcome::Partly { why };
        }
        settle(&self.app, workspace.id, check).await?;
        check.come = 0;
        let named: Vec<IncidentId> = incidents.iter().map(|one| one.id.clone()).collect();
        let known = known(&self.app, workspace.id, &named).await?;
        check.named = count(named.len());
        check.known = count(named.iter().filter(|id| known.contains(*id)).count());
        check.gone.retain(|id| named.contains(id));
        let open: BTreeSet<IncidentId> = check.unseen.iter().map(|one| one.id.clone()).collect();
        let unknown = |id: &IncidentId| !known.contains(id) && !open.contains(id) && !check.gone.contains(id);
        let mut new: Vec<_> = incidents.into_iter().filter(|one| unknown(&one.id)).collect();
        new.sort_by_key(|one| (one.created, one.number));
        let room = LISTED.saturating_sub(check.unseen.len());
        check.more = count(new.len().saturating_sub(room));
        if check.more > 0 {
            check.next = later(check.at, SOONER);
        }
        if !new.is_empty() {
            tracing::warn!(
                workspace.id = %workspace.id,
                incidents = new.len(),
                "the workspace's log names incidents that no list has shown; they are asked for by their ids"
            );
        }
        let found = check.at;
        check.unseen.extend(new.into_iter().take(room).map(|one| UnseenIncident {
            id: one.id,
            number: one.number,
            title: one.title,
            severity: one.severity,
            created: one.created,
            found,
            asked: None,
            trouble: None,
        }));
        Ok(())
    }

    /// Whether incidents are known that changed well within the time that was compared.
    async fn knows_more(&self, workspace: WorkspaceId, check: &LogCheck) -> Result<bool, ServiceError> {
        let (from, to) = (later(check.from, SOONER), check.to.checked_sub(SOONER).unwrap_or(check.to));
        let found = self.app.store.changed_between(workspace, (from, to), 1).await;
        Ok(!found.map_err(|e| fault("read which incidents are known", &e))?.is_empty())
    }

    /// Asks for the next few missing incidents of a workspace by their ids: each that Sentinel has goes the way of one that a
    /// webhook named.
    async fn ask(
        &self,
        installation: &Installation,
        workspace: &Workspace,
        mut check: LogCheck,
    ) -> Result<(), ServiceError> {
        let app = &self.app;
        settle(app, workspace.id, &mut check).await?;
        let now = app.clock.now();
        check.ask_after = Some(later(now, ASK_APART));
        let due = |one: &&mut UnseenIncident| one.asked.is_none_or(|at| later(at, ASK_AGAIN) <= now || at > now);
        let way = match check.unseen.is_empty() {
            true => None,
            false => Some(self.reach(installation, workspace).await),
        };
        let mut deleted = Vec::new();
        for one in check.unseen.iter_mut().filter(due).take(AT_ONCE) {
            let read = match &way {
                Some(Ok((sentinel, place))) => sentinel.incident(place, &one.id, Class::Reconcile).await.map(drop),
                Some(Err(failure)) => Err(failure.clone()),
                None => break,
            };
            if let Err(Failure { kind: FailureKind::WaitUntil { at }, .. }) = &read {
                check.ask_after = Some(later(now, ASK_APART).max(*at));
                break;
            }
            one.asked = Some(now);
            one.trouble = None;
            match read {
                Ok(()) => app.engine.poke_incident(workspace.id, one.id.clone()),
                Err(failure) if failure.kind == FailureKind::Gone => deleted.push(one.id.clone()),
                Err(failure) => one.trouble = Some(failure.message),
            }
        }
        check.unseen.retain(|one| !deleted.contains(&one.id));
        check.gone.extend(deleted);
        keep(app, workspace.id, Some(&check), false).await
    }
}
