//! The step of the webhooks: its page, and the intervals of polling. The acts are [`crate::service::import_mode`]'s.

use secrecy::ExposeSecret as _;

use super::{Typed, allowed, entry, later};
use crate::{
    domain::{
        ids::WorkspaceId,
        view::{
            form::FormView,
            set_up::{ImportStep, Step, StepState},
        },
    },
    service::{App, caller::Caller, configuration, error::ServiceError, import_mode},
};

/// Characters that a secret of one's own has at least.
const SECRET_MIN: usize = 20;
/// The form's fields by name, with their labels.
const FIELDS: [entry::Named; 3] = [
    ("poll_secs", "Seconds between polls"),
    ("poll_fast_secs", "Seconds after a change"),
    ("webhook_secret", "Secret"),
];

/// How far the step is. Polling alone is enough.
pub async fn state(app: &App) -> Result<(StepState, String), ServiceError> {
    let installation = app.installation().await?;
    if installation.workspaces.is_empty() {
        return Ok(later(Step::Check));
    }
    let open = installation.workspaces.iter().filter(|row| row.webhook).count();
    let all = installation.workspaces.len();
    let rest = if open < all { "; the others are polled" } else { "" };
    Ok((StepState::Done, format!("{open} of {all} workspaces have a webhook{rest}.")))
}

/// The page; with the plan of one workspace when its id is given.
///
/// # Errors
/// `Forbidden`, `NotFound`; the store cannot be read.
pub async fn view(app: &App, caller: &Caller, public: &str, plan: &str) -> Result<ImportStep, ServiceError> {
    let (rows, halo) = import_mode::rows(app, caller, public).await?;
    let plan = match plan {
        "" => None,
        id => {
            let id: WorkspaceId = id.parse().map_err(|_| ServiceError::NotFound)?;
            Some(import_mode::plan(app, caller, public, id).await?)
        }
    };
    Ok(ImportStep { form: FormView::default(), rows, halo, plan })
}

/// The page with what was typed.
///
/// # Errors
/// `Forbidden`; the store cannot be read.
pub async fn again(app: &App, caller: &Caller, public: &str, typed: &Typed) -> Result<ImportStep, ServiceError> {
    let mut page = view(app, caller, public, "").await?;
    page.form = typed.shown(&["workspace", "poll_secs", "poll_fast_secs"]);
    Ok(page)
}

/// Carries out what a button of the page asks for.
///
/// # Errors
/// `Invalid` at the field that is wrong; `NotFound`, `Conflict`, `Forbidden`; the store cannot be written.
pub async fn act(app: &App, caller: &Caller, public: &str, typed: &Typed) -> Result<(), ServiceError> {
    allowed(caller)?;
    let (verb, id) = typed.text("do").split_once(' ').unwrap_or((typed.text("do"), ""));
    let workspace = || id.parse::<WorkspaceId>().map_err(|_| ServiceError::NotFound);
    let halo = || id.parse().map_err(|_| ServiceError::NotFound);
    match verb {
        "polling" => polling(app, caller, typed).await,
        "secret" => own_secret(app, caller, typed).await,
        "deploy" => import_mode::deploy(app, caller, public, workspace()?).await.map(drop),
        "test" => import_mode::send_test(app, caller, workspace()?).await,
        "remove" => import_mode::remove(app, caller, workspace()?).await.map(drop),
        "hook" => import_mode::make_hook(app, caller, public, halo()?).await.map(drop),
        "test-hook" => import_mode::test_hook(app, caller, halo()?).await,
        "remove-hook" => import_mode::remove_hook(app, caller, public, halo()?).await.map(drop),
        _ => Err(ServiceError::NotFound),
    }
}

/// The stored entry of the workspace that is typed, to be changed.
async fn stored(app: &App, typed: &Typed) -> Result<(String, entry::Entry), ServiceError> {
    let id: WorkspaceId = typed.text("workspace").parse().map_err(|_| ServiceError::NotFound)?;
    let installation = app.installation().await?;
    let row = installation.workspaces.iter().find(|row| row.id == id).ok_or(ServiceError::NotFound)?;
    let exported = configuration::export(&app.store).await;
    let exported = exported.map_err(|e| ServiceError::internal("read the installation", &e))?;
    let found = exported.workspaces.into_iter().find(|entry| entry.arm_id == row.arm_id);
    let found = found.ok_or(ServiceError::Conflict)?;
    Ok((row.arm_id.clone(), entry::Entry::new("workspace", Some(found.lines()))))
}

async fn polling(app: &App, caller: &Caller, typed: &Typed) -> Result<(), ServiceError> {
    let (_, mut changed) = stored(app, typed).await?;
    for (field, label) in FIELDS.into_iter().take(2) {
        let Ok(number) = typed.text(field).parse::<u32>() else {
            let text = format!(
                "{label} is “{}”, which is no whole number. Enter one from 30 to 86400. Nothing was changed.",
                typed.text(field)
            );
            return Err(ServiceError::invalid(field, text));
        };
        changed.number(field, i64::from(number));
    }
    let wanted = changed.read(app, &FIELDS).await?;
    entry::apply(app, caller, &wanted).await.map(drop)
}

async fn own_secret(app: &App, caller: &Caller, typed: &Typed) -> Result<(), ServiceError> {
    let secret = typed.secret("secret");
    let Some(secret) = secret.filter(|secret| secret.expose_secret().chars().count() >= SECRET_MIN) else {
        let text = format!(
            "The secret is missing or too short to be safe. Enter at least {SECRET_MIN} characters. Nothing was changed."
        );
        return Err(ServiceError::invalid("", text));
    };
    let (arm_id, mut changed) = stored(app, typed).await?;
    changed.secret(app, &arm_id, "webhook_secret", &secret)?;
    let wanted = changed.read(app, &FIELDS).await?;
    entry::apply(app, caller, &wanted).await.map(drop)
}
