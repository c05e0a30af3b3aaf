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
    },
};

/// How far the step is.
pub async fn state(app: &App) -> Result<(StepState, String), ServiceError> {
    let installation = app.installation().await?;
    if installation.workspaces.is_empty() {
        return Ok(later(Step::Check));
    }
    let all = installation.workspaces.len();
    let live = installation.workspaces.iter().filter(|row| !matches!(row.mode, Mode::Off | Mode::Observe)).count();
    Ok(match live {
        0 => (StepState::Open, "Every workspace observes: nothing is written.".to_owned()),
        live => (StepState::Done, format!("{live} of {all} workspaces are live.")),
    })
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
        match go_live::first_cycle(app, caller, id).await? {
            Ok(cycle) => page.cycle = Some(cycle),
            Err(failure) => page.trouble = Some(failure.message),
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

/// Lets the chosen workspaces go live, or back.
///
/// # Errors
/// As [`go_live::go`].
pub async fn take(app: &App, caller: &Caller, typed: &Typed) -> Result<(), ServiceError> {
    allowed(caller)?;
    let mode = Mode::parse(typed.text("mode"));
    let mode =
        mode.ok_or_else(|| ServiceError::invalid("mode", "From now on is missing. Choose what is to be done."))?;
    let start = Start::parse(typed.text("start")).unwrap_or(Start::AsObserved);
    go_live::go(app, caller, &ids(typed), mode, start, typed.text("seen")).await
}
