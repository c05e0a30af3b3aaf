//! The step of the webhooks: its page, and the intervals of polling. The acts are [`crate::service::import_mode`]'s.

use std::collections::BTreeMap;

use secrecy::ExposeSecret as _;

use super::{Typed, allowed, entry, later};
use crate::{
    domain::{
        ids::WorkspaceId,
        view::{
            errand::{ErrandAct, Progress},
            form::FormView,
            list::Choice,
            set_up::{ImportStep, PAGE, Step, StepState},
        },
    },
    service::{
        App,
        caller::Caller,
        configuration,
        error::ServiceError,
        import_mode::{
            self,
            errand::{self, Which},
        },
    },
    store::Installation,
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

/// What the page's address asks for.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Id of the workspace whose plan is shown.
    pub plan: String,
    /// What is looked for among the workspaces.
    pub q: String,
    /// Number of the first workspace.
    pub from: usize,
    /// Only workspaces of the errand that are so far.
    pub show: String,
    /// Number of the first of them.
    pub errand_from: usize,
}

/// The page; with the plan of one workspace when its id is given.
///
/// # Errors
/// `Forbidden`, `NotFound`; the store cannot be read.
pub async fn view(app: &App, caller: &Caller, public: &str, asked: &Asked) -> Result<ImportStep, ServiceError> {
    let (mut rows, halo) = import_mode::rows(app, caller, public).await?;
    let plan = match asked.plan.as_str() {
        "" => None,
        id => {
            let id: WorkspaceId = id.parse().map_err(|_| ServiceError::NotFound)?;
            Some(import_mode::plan(app, caller, public, id).await?)
        }
    };
    let all = rows.iter().map(|row| (row.id, format!("{}: {}", row.client, row.name))).collect();
    let wanted = asked.q.trim().to_lowercase();
    rows.retain(|row| format!("{}: {}", row.client, row.name).to_lowercase().contains(&wanted));
    let of = rows.len();
    let from = if asked.from < of { asked.from } else { 0 };
    let rows = rows.into_iter().skip(from).take(PAGE).collect();
    let installation = app.installation().await?;
    Ok(ImportStep {
        form: FormView::default(),
        rows,
        q: asked.q.trim().to_owned(),
        from,
        of,
        all,
        groups: groups(&installation),
        chosen: Vec::new(),
        errand: errand::view(app, caller, Progress::parse(&asked.show), asked.errand_from).await?,
        to_remove: Vec::new(),
        halo,
        plan,
    })
}

/// Which workspaces an errand can be for, each with how many that are.
fn groups(installation: &Installation) -> Vec<Choice> {
    let all = &installation.workspaces;
    let choice = |value: String, label: String, count: usize| Choice {
        value,
        label: format!("{label} ({count})"),
        count: u64::try_from(count).ok(),
    };
    let open = all.iter().filter(|row| row.webhook).count();
    let mut groups = vec![
        choice("polled".to_owned(), "All without a webhook".to_owned(), all.len() - open),
        choice("open".to_owned(), "All with a webhook".to_owned(), open),
        choice("all".to_owned(), "All workspaces".to_owned(), all.len()),
    ];
    for connection in &installation.microsoft {
        let count = all.iter().filter(|row| row.connection == connection.id).count();
        let label = format!("All of the connection {}", connection.name);
        groups.push(choice(format!("connection {}", connection.id), label, count));
    }
    let mut subscriptions: BTreeMap<String, usize> = BTreeMap::new();
    for address in all.iter().filter_map(crate::domain::workspace::Workspace::address) {
        *subscriptions.entry(address.subscription.to_lowercase()).or_default() += 1;
    }
    for (id, count) in subscriptions {
        groups.push(choice(format!("subscription {id}"), format!("All of the subscription {id}"), count));
    }
    groups.push(Choice { value: "ticked".to_owned(), label: "Those ticked below".to_owned(), count: None });
    groups
}

fn ticked(typed: &Typed) -> Vec<WorkspaceId> {
    typed.all("at").filter_map(|id| id.parse().ok()).collect()
}

fn which(typed: &Typed) -> Result<Which, ServiceError> {
    let (kind, id) = typed.text("which").split_once(' ').unwrap_or((typed.text("which"), ""));
    Ok(match kind {
        "polled" => Which::Polled,
        "open" => Which::Open,
        "all" => Which::All,
        "connection" => Which::Connection(id.parse().map_err(|_| ServiceError::NotFound)?),
        "subscription" => Which::Subscription(id.to_owned()),
        "ticked" => Which::Ticked(ticked(typed)),
        _ => return Err(ServiceError::invalid("which", "Choose which workspaces are meant. Nothing was done.")),
    })
}

/// The page that asks whether the webhooks of several workspaces are really to be removed; `None` when the form asks for
/// something else, or says that it is sure.
///
/// # Errors
/// As [`act`].
pub async fn asks_first(
    app: &App,
    caller: &Caller,
    public: &str,
    typed: &Typed,
) -> Result<Option<ImportStep>, ServiceError> {
    if typed.text("do") != "errand-remove" || typed.ticked("sure") {
        return Ok(None);
    }
    let to_remove = errand::meant(app, caller, ErrandAct::Remove, &which(typed)?).await?;
    let page = view(app, caller, public, &Asked::default()).await?;
    Ok(Some(ImportStep { to_remove, ..page }))
}

/// The page with what was typed.
///
/// # Errors
/// `Forbidden`; the store cannot be read.
pub async fn again(app: &App, caller: &Caller, public: &str, typed: &Typed) -> Result<ImportStep, ServiceError> {
    let mut page = view(app, caller, public, &Asked::default()).await?;
    page.form = typed.shown(&["workspace", "poll_secs", "poll_fast_secs", "which"]);
    page.chosen = ticked(typed);
    // The form that was refused stands on the page, whichever page of the workspaces it was on.
    if let Some(at) = page.all.iter().position(|(id, _)| id.to_string() == typed.text("workspace"))
        && at >= PAGE
    {
        let asked = Asked { from: at / PAGE * PAGE, ..Asked::default() };
        let moved = view(app, caller, public, &asked).await?;
        page = ImportStep { form: page.form, chosen: page.chosen, ..moved };
    }
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
        "errand-plan" => errand::begin(app, caller, public, ErrandAct::Plan, &which(typed)?).await,
        "errand-test" => errand::begin(app, caller, public, ErrandAct::Test, &which(typed)?).await,
        "errand-remove" if typed.ticked("sure") => {
            errand::begin(app, caller, public, ErrandAct::Remove, &which(typed)?).await
        }
        "errand-deploy" => errand::deploy_planned(app, caller, public, id).await,
        "errand-again" => errand::again(app, caller, public, id).await,
        "errand-stop" => errand::stop(app, caller, id).await,
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
