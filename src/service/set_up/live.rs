//! The last step: going live. The acts are [`crate::service::go_live`]'s.

use super::{Typed, allowed, later};
use crate::{
    domain::{
        ids::WorkspaceId,
        view::{
            form::FormView,
            set_up::{LiveStep, Step, StepState},
        },
        workspace::Mode,
    },
    service::{
        App,
        caller::Caller,
        error::ServiceError,
        go_live::{self, Start},
        names,
    },
    store::Installation,
};

/// Workspaces that a message names at most.
const NAMED: usize = 5;

/// How far the step is.
pub async fn state(app: &App) -> Result<(StepState, String), ServiceError> {
    let installation = app.installation().await?;
    if installation.workspaces.is_empty() {
        return Ok(later(Step::Check));
    }
    let modes: Vec<Mode> = installation.workspaces.iter().map(|row| row.mode).collect();
    Ok(how_far(&modes))
}

/// Done once none is left that only observes: one that was linked later has the step before it again.
pub fn how_far(modes: &[Mode]) -> (StepState, String) {
    match (standing(modes), modes.iter().filter(|mode| **mode == Mode::Observe).count()) {
        (None, _) => (StepState::Open, "No workspace is live: nothing is written.".to_owned()),
        (Some(words), 0) => (StepState::Done, words),
        (Some(words), 1) => (StepState::Open, format!("{words} 1 only observes.")),
        (Some(words), more) => (StepState::Open, format!("{words} {more} only observe.")),
    }
}

/// How many of these workspaces write, each way by itself; `None` while none does.
pub fn standing(modes: &[Mode]) -> Option<String> {
    let ways = [
        (Mode::TwoWay, "live both ways"),
        (Mode::SentinelToHalo, "live to Halo only"),
        (Mode::CommentOnly, "set to import comments only"),
    ];
    let counted = ways.map(|(way, words)| (modes.iter().filter(|mode| **mode == way).count(), words));
    let mut told = String::new();
    for (count, words) in counted.into_iter().filter(|(count, _)| *count > 0) {
        if told.is_empty() {
            told = format!("{count} of {} workspaces are {words}", modes.len());
        } else {
            told.push_str(&format!(", {count} {words}"));
        }
    }
    (!told.is_empty()).then(|| format!("{told}."))
}

/// What these workspaces do from now on, by name.
pub fn switched(names: &[String], mode: Mode) -> String {
    let what = match mode {
        Mode::Off => "Off now, nothing is read",
        Mode::Observe => "Observing now, nothing is written",
        Mode::CommentOnly => "Importing comments only now",
        Mode::SentinelToHalo => "Live now, to Halo only",
        Mode::TwoWay => "Live now, both ways",
    };
    let shown = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => format!("{what}: {shown}."),
        more => format!("{what}: {shown}, and {more} more."),
    }
}

/// The page; with the first cycle of one workspace when its id is given.
///
/// # Errors
/// `Forbidden`, `NotFound`; the store cannot be read.
pub async fn view(app: &App, caller: &Caller, plan: &str) -> Result<LiveStep, ServiceError> {
    let (rows, mark) = go_live::rows(app, caller).await?;
    let chosen = rows.iter().filter(|row| row.mode == Mode::Observe && row.obstacle.is_empty()).map(|row| row.id);
    let form = FormView::default()
        .with_value("seen", &mark)
        .with_value("mode", Mode::TwoWay.as_str())
        .with_value("start", "observed");
    let mut page = LiveStep { form, chosen: chosen.collect(), rows, cycle: None, trouble: None };
    if !plan.is_empty() {
        let id: WorkspaceId = plan.parse().map_err(|_| ServiceError::NotFound)?;
        match page.rows.iter().find(|row| row.id == id) {
            Some(row) if row.mode.live() => {
                let text = format!("{} is live already: its first cycle is behind it.", row.name);
                page.trouble = Some(text);
            }
            _ => match go_live::first_cycle(app, caller, id).await? {
                Ok(cycle) => page.cycle = Some(cycle),
                Err(failure) => page.trouble = Some(failure.message),
            },
        }
    }
    Ok(page)
}

fn ids(typed: &Typed) -> Vec<WorkspaceId> {
    typed.all("workspace").filter_map(|id| id.parse().ok()).collect()
}

/// The page with what was typed.
///
/// # Errors
/// `Forbidden`; the store cannot be read.
pub async fn again(app: &App, caller: &Caller, typed: &Typed) -> Result<LiveStep, ServiceError> {
    let mut page = view(app, caller, "").await?;
    let seen = page.form.value("seen").to_owned();
    page.form = typed.shown(&["mode", "start"]).with_value("seen", &seen);
    page.chosen = ids(typed);
    Ok(page)
}

/// Lets the chosen workspaces go live, or back; says which and how.
///
/// # Errors
/// As [`go_live::go`].
pub async fn take(app: &App, caller: &Caller, typed: &Typed) -> Result<String, ServiceError> {
    allowed(caller)?;
    let mode = Mode::parse(typed.text("mode"));
    let mode =
        mode.ok_or_else(|| ServiceError::invalid("mode", "From now on is missing. Choose what is to be done."))?;
    let start = Start::parse(typed.text("start")).unwrap_or(Start::AsObserved);
    let chosen = ids(typed);
    go_live::go(app, caller, &chosen, mode, start, typed.text("seen")).await?;
    let installation = app.installation().await?;
    Ok(switched(&named(&installation, &chosen), mode))
}

/// The names of these workspaces with their clients', in order.
pub fn named(installation: &Installation, chosen: &[WorkspaceId]) -> Vec<String> {
    let rows = installation.workspaces.iter().filter(|row| chosen.contains(&row.id));
    let mut named: Vec<String> =
        rows.map(|row| format!("{} ({})", row.name, names::client(installation, row.client))).collect();
    named.sort();
    named
}
