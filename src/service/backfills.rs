//! Backfill of incidents that are older than a workspace's start: asked for and started here, carried out by the engine.

use jiff::{civil::Date, tz::TimeZone};
use serde_json::json;

use super::{
    App, acts,
    caller::Caller,
    error::{FieldProblem, ServiceError},
    fault, names,
};
use crate::{
    domain::{
        account::Role,
        backfill::{Backfill, BackfillState, CAP_MAX, HowEnded, PER_HOUR_MAX, Progress},
        ids::{RunId, WorkspaceId},
        run::RunCause,
        view::{
            backfill::{BackfillRow, BackfillsView},
            form::FormView,
            list::Choice,
        },
        workspace::{Mode, Workspace},
    },
    ledger::fact::Fact,
    planner,
    store::Installation,
};

/// What a person asks for, as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Asked<'a> {
    /// First day.
    pub from: &'a str,
    /// Last day; empty for "up to the workspace's start".
    pub to: &'a str,
    /// Tickets at most.
    pub cap: &'a str,
    /// Tickets an hour.
    pub per_hour: &'a str,
    /// Closed ones too.
    pub closed: bool,
}

async fn seen(app: &App, caller: &Caller, workspace: WorkspaceId) -> Result<Workspace, ServiceError> {
    caller.need(Role::Operator)?;
    let installation = app.installation().await?;
    let workspace = names::workspace(&installation, workspace).ok_or(ServiceError::NotFound)?.clone();
    caller.see(workspace.client)?;
    Ok(workspace)
}

fn makes_tickets(mode: Mode) -> bool {
    matches!(mode, Mode::SentinelToHalo | Mode::TwoWay)
}

fn number(text: &str, (field, label): (&'static str, &str), most: u32) -> Result<u32, FieldProblem> {
    let wrong = || {
        FieldProblem::new(field, format!("“{label}”: enter a whole number from 1 to {most}. Nothing was asked for."))
    };
    text.trim().parse().ok().filter(|number| (1..=most).contains(number)).ok_or_else(wrong)
}

fn day(
    text: &str,
    (field, label): (&'static str, &str),
    zone: &TimeZone,
    after: i64,
) -> Result<jiff::Timestamp, FieldProblem> {
    let wrong = || FieldProblem::new(field, format!("“{label}”: enter a day like 2026-05-01. Nothing was asked for."));
    let date: Date = text.trim().parse().map_err(|_| wrong())?;
    let date = date.checked_add(jiff::Span::new().days(after)).map_err(|_| wrong())?;
    date.to_zoned(zone.clone()).map(|at| at.timestamp()).map_err(|_| wrong())
}

/// What of the form can be read: its range, how many tickets at most, and how many an hour; else all that is wrong.
fn read(
    asked: Asked<'_>,
    workspace: &Workspace,
    zone: &TimeZone,
) -> Result<(jiff::Timestamp, jiff::Timestamp, u32, u32), ServiceError> {
    let from = day(asked.from, ("from", "Created from"), zone, 0);
    let to = match asked.to.trim() {
        "" => Ok(workspace.since),
        to => day(to, ("to", "Up to and with"), zone, 1).map(|to| to.min(workspace.since)),
    };
    let cap = number(asked.cap, ("cap", "Tickets at most"), CAP_MAX);
    let per_hour = number(asked.per_hour, ("per_hour", "Tickets an hour"), PER_HOUR_MAX);
    let early = match (&from, &to) {
        (Ok(from), Ok(to)) if from >= to => Some(FieldProblem::new(
            "from",
            "“Created from”: the range has no moment before the workspace's start; what is younger is taken in anyway. Enter an earlier day. Nothing was asked for.",
        )),
        _ => None,
    };
    match (from, to, cap, per_hour, early) {
        (Ok(from), Ok(to), Ok(cap), Ok(per_hour), None) => Ok((from, to, cap, per_hour)),
        (from, to, cap, per_hour, early) => {
            let wrong = [from.err(), to.err(), early, cap.err(), per_hour.err()];
            Err(ServiceError::Invalid(wrong.into_iter().flatten().collect()))
        }
    }
}

/// Asks for a forecast. Days are the reader's.
///
/// # Errors
/// `Invalid` for what is no day or number, or a range without a moment before the workspace's start; `Conflict` while one
/// is under way; `Forbidden`, `NotFound`.
pub async fn ask(
    app: &App,
    caller: &Caller,
    workspace: WorkspaceId,
    asked: Asked<'_>,
    zone: &TimeZone,
) -> Result<(), ServiceError> {
    let workspace = seen(app, caller, workspace).await?;
    let (from, to, cap, per_hour) = read(asked, &workspace, zone)?;
    if workspace.mode == Mode::Off {
        return Err(ServiceError::invalid(
            "workspace",
            "“Workspace”: it is switched off. Choose another, or set its mode. Nothing was asked for.",
        ));
    }
    let now = app.clock.now();
    let backfill = Backfill {
        id: RunId(app.ids.uuid_v7(now)),
        workspace: workspace.id,
        from,
        to,
        cap,
        per_hour,
        closed: asked.closed,
        asked: now,
        state: BackfillState::Counting,
    };
    let before = app.store.backfill(workspace.id).await.map_err(|e| fault("read a backfill", &e))?;
    if before.is_some_and(|before| matches!(before.state, BackfillState::Running { .. })) {
        return Err(ServiceError::Conflict);
    }
    moved(app, caller, &workspace, "ask-backfill", backfill).await
}

async fn moved(
    app: &App,
    caller: &Caller,
    workspace: &Workspace,
    act: &str,
    backfill: Backfill,
) -> Result<(), ServiceError> {
    let detail = json!({ "workspace": workspace.id.to_string(), "backfill": backfill.id.to_string() });
    let facts = vec![acts::act(caller, act, None, detail), Fact::BackfillMoved { backfill }];
    acts::record(app, Some(workspace.client), facts).await?;
    app.engine.poke_workspace(workspace.id, RunCause::Person);
    Ok(())
}

/// Starts what was forecast, as a page showed it.
///
/// # Errors
/// `Conflict` when there is no forecast (any more), or another one stands there by now; `Invalid` where the mode makes no
/// tickets; `Forbidden`, `NotFound`.
pub async fn start_shown(
    app: &App,
    caller: &Caller,
    workspace: WorkspaceId,
    shown: Option<RunId>,
) -> Result<(), ServiceError> {
    let (workspace, found) = standing(app, caller, workspace, shown).await?;
    let BackfillState::Forecast { forecast } = found.state else { return Err(ServiceError::Conflict) };
    if !makes_tickets(workspace.mode) {
        let problem =
            "The workspace's mode makes no tickets: set it to Sentinel to Halo or two-way. Nothing was started.";
        return Err(ServiceError::invalid("mode", problem));
    }
    let progress = Progress::begun(app.clock.now());
    let state = BackfillState::Running { forecast, progress };
    moved(app, caller, &workspace, "start-backfill", Backfill { state, ..found }).await
}

/// Stops the one that a page showed, or throws its forecast away. What was linked stays linked.
///
/// # Errors
/// `Conflict` when it is over already, or another one stands there by now; `Forbidden`, `NotFound`.
pub async fn stop_shown(
    app: &App,
    caller: &Caller,
    workspace: WorkspaceId,
    shown: Option<RunId>,
) -> Result<(), ServiceError> {
    let (workspace, found) = standing(app, caller, workspace, shown).await?;
    if matches!(found.state, BackfillState::Ended { .. }) {
        return Err(ServiceError::Conflict);
    }
    let progress = found.progress();
    let state = BackfillState::Ended { at: app.clock.now(), how: HowEnded::Stopped, progress };
    moved(app, caller, &workspace, "stop-backfill", Backfill { state, ..found }).await
}

/// The workspace and the backfill that stands there, if it is the one that a page showed.
async fn standing(
    app: &App,
    caller: &Caller,
    workspace: WorkspaceId,
    shown: Option<RunId>,
) -> Result<(Workspace, Backfill), ServiceError> {
    let workspace = seen(app, caller, workspace).await?;
    let found = app.store.backfill(workspace.id).await.map_err(|e| fault("read a backfill", &e))?;
    let found = found.ok_or(ServiceError::NotFound)?;
    if Some(found.id) == shown { Ok((workspace, found)) } else { Err(ServiceError::Conflict) }
}

/// Why one stands still, with the remedy.
async fn waits(app: &App, installation: &Installation, backfill: &Backfill) -> Result<Option<String>, ServiceError> {
    if !matches!(backfill.state, BackfillState::Counting | BackfillState::Running { .. }) {
        return Ok(None);
    }
    let Some(found) = installation.connected(backfill.workspace) else { return Ok(None) };
    let catalogue = match &found.client.halo {
        Some(binding) => {
            app.store.catalogue(binding.connection).await.map_err(|e| fault("read Halo's look-ups", &e))?
        }
        None => None,
    };
    // Look-ups that were never read yet are waited for without a word.
    if catalogue.is_none() && found.client.halo.is_some() {
        return Ok(None);
    }
    let catalogue = catalogue.as_ref().map(|(catalogue, _)| catalogue);
    let reason = planner::backfill::waits(backfill, (found.workspace, found.client, found.policy), catalogue);
    Ok(reason.map(|reason| match reason.remedy() {
        Some(remedy) => format!("{} {remedy}", reason.words()),
        None => reason.words(),
    }))
}

/// The page's view.
///
/// # Errors
/// It cannot be read.
pub async fn view(app: &App, caller: &Caller) -> Result<BackfillsView, ServiceError> {
    let installation = app.installation().await?;
    let seen = |workspace: &&Workspace| caller.scope.allows(Some(workspace.client));
    let mut workspaces: Vec<Choice> = installation
        .workspaces
        .iter()
        .filter(seen)
        .filter(|workspace| workspace.mode != Mode::Off)
        .map(|workspace| Choice {
            value: workspace.id.to_string(),
            label: format!("{} · {}", names::client(&installation, workspace.client), workspace.name),
            count: None,
        })
        .collect();
    workspaces.sort_by_key(|choice| choice.label.to_lowercase());
    let found = app.store.backfills().await.map_err(|e| fault("read backfills", &e))?;
    let mut rows = Vec::new();
    for backfill in found {
        let Some(workspace) = names::workspace(&installation, backfill.workspace).filter(seen) else { continue };
        rows.push(BackfillRow {
            client: names::client(&installation, workspace.client),
            workspace: workspace.name.clone(),
            makes_tickets: makes_tickets(workspace.mode),
            waits: waits(app, &installation, &backfill).await?,
            backfill,
        });
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.backfill.asked));
    Ok(BackfillsView { workspaces, form: FormView::default(), rows })
}
