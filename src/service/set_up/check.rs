//! All answers on one page: what they change, and carrying them out at once.

use std::collections::BTreeMap;

use super::{
    Typed, allowed,
    clients::{DRAFT, Link, Links},
    draft,
    entry::{self, Entry},
    later, live,
};
use crate::{
    config::Applied,
    domain::{
        client::Client,
        connection::MicrosoftIdentity,
        ids::WorkspaceId,
        policy::Policy,
        run::RunCause,
        view::{
            form::FormView,
            set_up::{Answer, CheckStep, Step, StepState},
        },
        workspace::Mode,
    },
    service::{
        App,
        caller::Caller,
        configuration,
        error::ServiceError,
        fault,
        go_live::{self, Start},
        names, sign_in,
    },
    store::Installation,
};

/// How far the step is.
pub async fn state(app: &App) -> Result<(StepState, String), ServiceError> {
    let installation = app.installation().await?;
    let links: Links = draft::kept(app, DRAFT).await?;
    if links.is_empty() {
        if installation.workspaces.is_empty() {
            return Ok(later(Step::Clients));
        }
        return Ok((StepState::Done, "Everything answered is applied.".to_owned()));
    }
    Ok(match missing(&installation) {
        Some((_, text)) => (StepState::Later, text),
        None => (StepState::Open, format!("{} to apply.", counted(links.len()))),
    })
}

fn counted(n: usize) -> String {
    if n == 1 { "1 workspace".to_owned() } else { format!("{n} workspaces") }
}

/// What has to be there before links can be applied.
fn missing(installation: &Installation) -> Option<(Option<Step>, String)> {
    let text = "Needs a policy first: the ticket type, and how fields map.";
    installation.policies.is_empty().then(|| (Some(Step::Mapping), text.to_owned()))
}

/// The page.
///
/// # Errors
/// `Forbidden`; the store cannot be read.
pub async fn view(app: &App, caller: &Caller) -> Result<CheckStep, ServiceError> {
    allowed(caller)?;
    let installation = app.installation().await?;
    let links: Links = draft::kept(app, DRAFT).await?;
    let mut missing = missing(&installation);
    let mut changes = Vec::new();
    if missing.is_none() && !links.is_empty() {
        match wanted(app, &installation, &links).await {
            Ok(wanted) => changes = compared(app, &wanted).await?,
            Err(ServiceError::Invalid(problems)) => {
                let words: Vec<String> = problems.into_iter().map(|problem| problem.problem).collect();
                missing = Some((Some(Step::Clients), words.join(" ")));
            }
            Err(error) => return Err(error),
        }
    }
    let seen = draft::mark(&(&links, installation.version));
    let live = live_like(&installation, &links);
    Ok(CheckStep {
        live,
        answers: answers(app, &installation, &links).await?,
        changes,
        missing,
        draft: if links.is_empty() { None } else { draft::shown(app, DRAFT).await? },
        form: FormView::default().with_value("seen", &seen),
    })
}

/// Workspaces that are live both ways, where everything that waits is new: it may go live at once as they did, since nothing is
/// older than its start. The first one, and one that changes its client, are observed before.
fn live_like(installation: &Installation, links: &Links) -> usize {
    let known = |link: &Link| installation.workspaces.iter().any(|row| row.arm_id == link.arm_id);
    if links.is_empty() || links.iter().any(known) {
        return 0;
    }
    installation.workspaces.iter().filter(|row| row.mode == Mode::TwoWay).count()
}

async fn compared(app: &App, wanted: &Applied) -> Result<Vec<String>, ServiceError> {
    let installed = super::installed(app).await?;
    let changes = configuration::compare(wanted, &installed, &app.store, false).await;
    let changes = changes.map_err(|e| ServiceError::internal("compare answers", &e))?;
    Ok(changes.iter().map(ToString::to_string).collect())
}

async fn answers(app: &App, installation: &Installation, links: &Links) -> Result<Vec<Answer>, ServiceError> {
    let mut answers = Vec::new();
    let mut add = |step: Step, what: &str, value: String, href: String| {
        answers.push(Answer { step, what: what.to_owned(), value, href });
    };
    for connection in &installation.microsoft {
        let href = format!("{}?connection={}", Step::Microsoft.path(), connection.id);
        add(
            Step::Microsoft,
            &format!("Microsoft: {}", connection.name),
            format!("tenant {}", connection.tenant_id),
            href,
        );
        let who = match connection.identity {
            MicrosoftIdentity::Delegated | MicrosoftIdentity::DelegatedCertificate => {
                sign_in::person(app, connection.id).await?.unwrap_or_else(|| "nobody yet".to_owned())
            }
            MicrosoftIdentity::ClientSecret => "the app itself, by its secret".to_owned(),
            MicrosoftIdentity::Certificate => "the app itself, by certificate".to_owned(),
        };
        add(Step::SignIn, &format!("Signed in: {}", connection.name), who, Step::SignIn.path());
    }
    for instance in &installation.halo {
        let href = format!("{}?connection={}", Step::Halo.path(), instance.id);
        add(Step::Halo, &format!("Halo: {}", instance.name), instance.resource_server.clone(), href);
    }
    for policy in &installation.policies {
        let href = format!("{}?policy={}", Step::Mapping.path(), url_value(&policy.name));
        add(
            Step::Mapping,
            &format!("Policy: {}", policy.name),
            format!("tickets of the type {}", policy.ticket_type),
            href,
        );
    }
    for link in links {
        let portal = if link.defender { "Defender portal" } else { "Azure portal" };
        // Names are guessed: what several share is looked at once more.
        let alike = match sharing(installation, links, link) {
            1 => String::new(),
            n => format!(" (one of {n} workspaces of this client: see that all of them are its own)"),
        };
        let value = format!("{}{alike}, links to the {portal}", link.client);
        add(Step::Clients, &format!("Workspace {}", link.workspace), value, Step::Clients.path());
    }
    Ok(answers)
}

/// Workspaces whose tickets go where this one's will, itself among them.
fn sharing(installation: &Installation, links: &Links, link: &Link) -> usize {
    let place = (link.halo, link.halo_client_id);
    let bound = |client: &&Client| client.halo.as_ref().is_some_and(|b| (b.connection, b.halo_client_id) == place);
    let client = installation.clients.iter().find(bound);
    let there = installation.workspaces.iter().filter(|row| client.is_some_and(|client| row.client == client.id));
    there.count() + links.iter().filter(|other| (other.halo, other.halo_client_id) == place).count()
}

fn url_value(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The waiting links as entries of the applied file: clients that are not there yet, and workspaces in observe.
async fn wanted(app: &App, installation: &Installation, links: &Links) -> Result<Applied, ServiceError> {
    let mut names: BTreeMap<(String, i64), String> = BTreeMap::new();
    let mut text = String::new();
    let stored = configuration::export(&app.store).await;
    let stored = stored.map_err(|e| ServiceError::internal("read the installation", &e))?.workspaces;
    let instance = |link: &Link| installation.halo.iter().find(|row| row.id == link.halo).map(|row| row.name.clone());
    for link in links {
        let gone = |what: &str| {
            let text = format!("The {what} of workspace {} is gone. Choose its client again.", link.workspace);
            ServiceError::invalid("", text)
        };
        let halo = instance(link).ok_or_else(|| gone("Halo instance"))?;
        let microsoft = installation.microsoft.iter().find(|row| row.id == link.microsoft);
        let microsoft = microsoft.ok_or_else(|| gone("Microsoft connection"))?;
        let place = (halo.clone(), link.halo_client_id);
        let client = match names.get(&place) {
            Some(name) => name.clone(),
            None => {
                let (name, new) = client_name(installation, &names, link, &halo);
                if new {
                    let mut entry = Entry::new("client", None);
                    entry.text("name", &name);
                    entry.text("halo", &halo);
                    entry.number("halo_client_id", link.halo_client_id);
                    text.push_str(&entry.to_text());
                }
                names.insert(place, name.clone());
                name
            }
        };
        // One that is given to another client keeps its name, its webhook and how it is polled.
        let before = stored.iter().find(|row| row.arm_id == link.arm_id).map(|row| row.lines());
        let new = before.is_none();
        let mut entry = Entry::new("workspace", before);
        entry.text("arm_id", &link.arm_id);
        if new {
            entry.text("name", &workspace_name(installation, links, link));
        }
        entry.text("client", &client);
        entry.text("microsoft", &microsoft.name);
        entry.text("tenant_id", &link.tenant_id);
        // one that stays its client's goes on as it is: its links alone lead elsewhere
        if new || !super::clients::same_client(installation, link) {
            entry.text("policy", policy_of(installation, &client).map_or("", |policy| policy.name.as_str()));
            entry.text("mode", Mode::Observe.as_str());
        }
        entry.text("portal", if link.defender { "defender" } else { "azure" });
        text.push_str(&entry.to_text());
    }
    entry::read(app, &text, "workspace", &[]).await
}

/// What a new workspace follows: what the client's others do, else the first policy.
fn policy_of<'a>(installation: &'a Installation, client: &str) -> Option<&'a Policy> {
    let client = installation.clients.iter().find(|row| row.name == client);
    let sibling = client.and_then(|client| installation.workspaces.iter().find(|row| row.client == client.id));
    let followed = sibling.and_then(|row| installation.policies.iter().find(|policy| policy.id == row.policy));
    followed.or_else(|| installation.first_policy())
}

/// Our client for a place in Halo: the one that is bound there, or a new one under a free name.
fn client_name(
    installation: &Installation,
    names: &BTreeMap<(String, i64), String>,
    link: &Link,
    halo: &str,
) -> (String, bool) {
    let bound = installation.clients.iter().find(|client| {
        client.halo.as_ref().is_some_and(|b| b.connection == link.halo && b.halo_client_id == link.halo_client_id)
    });
    if let Some(client) = bound {
        return (client.name.clone(), false);
    }
    let taken = |name: &str| {
        installation.clients.iter().any(|client| client.name == name) || names.values().any(|known| known == name)
    };
    let longer = format!("{} ({halo} {})", link.client, link.halo_client_id);
    (if taken(&link.client) { longer } else { link.client.clone() }, true)
}

/// Webhook addresses and pages call a workspace by its name: one that others have too gets its resource group beside it.
fn workspace_name(installation: &Installation, links: &Links, link: &Link) -> String {
    let same = |name: &str, arm_id: &str| name.eq_ignore_ascii_case(&link.workspace) && arm_id != link.arm_id;
    let twice = installation.workspaces.iter().any(|row| same(&row.name, &row.arm_id))
        || links.iter().any(|other| same(&other.workspace, &other.arm_id));
    let group = crate::domain::workspace::WorkspaceAddress::parse(&link.arm_id).map(|address| address.resource_group);
    match group.filter(|_| twice) {
        Some(group) => format!("{} ({group})", link.workspace),
        None => link.workspace.clone(),
    }
}

/// What came of *Apply*.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// Applied; what is new observes.
    Applied,
    /// Applied and live, in the words for it.
    Live(String),
    /// Applied, but it did not go live as was asked for: why, and where that is done.
    NotLive(String),
}

/// Applies everything that waits, in observe; where it was asked for and is offered, it goes live at once.
///
/// # Errors
/// `Invalid` when something is missing; `Conflict` when somebody else changed the answers or the installation since the
/// page was drawn; `Forbidden`.
pub async fn take(app: &App, caller: &Caller, typed: &Typed) -> Result<Taken, ServiceError> {
    allowed(caller)?;
    let installation = app.installation().await?;
    let links: Links = draft::kept(app, DRAFT).await?;
    draft::unmoved(typed.text("seen"), &(&links, installation.version))?;
    if let Some((_, text)) = missing(&installation) {
        return Err(ServiceError::invalid("", text));
    }
    if links.is_empty() {
        return Ok(Taken::Applied);
    }
    let goes_live = typed.text("do") == "live" && live_like(&installation, &links) > 0;
    let wanted = wanted(app, &installation, &links).await?;
    let (saved, since) = (draft::saved(app, DRAFT).await?, app.clock.now());
    entry::apply(app, caller, &wanted).await?;
    if let Some(saved) = saved
        && let Err(error) = configuration::versions::drafted(&app.store, caller.user, since, saved).await
    {
        // What was applied stands.
        tracing::warn!(%error, "a version could not be told from which draft it was applied");
    }
    draft::forget(app, DRAFT).await?;
    let now = app.store.installation().await.map_err(|e| fault("read the installation", &e))?;
    let new: Vec<_> = now.workspaces.iter().filter(|row| links.iter().any(|link| link.arm_id == row.arm_id)).collect();
    let mut taken = Taken::Applied;
    if goes_live {
        let ids: Vec<WorkspaceId> = new.iter().map(|row| row.id).collect();
        let mark = draft::mark(&now.version);
        let done = go_live::go(app, caller, &ids, Mode::TwoWay, Start::AsObserved, &mark).await;
        let poked = done.is_ok();
        taken = went_live(app, &now, &ids, done).await;
        if poked {
            return Ok(taken);
        }
    }
    for workspace in new {
        app.engine.poke_workspace(workspace.id, RunCause::Person);
    }
    Ok(taken)
}

/// What holds after applied workspaces were to go live. A failure alone does not tell: they may write already, and only what
/// comes after that have failed.
pub async fn went_live(
    app: &App,
    applied: &Installation,
    ids: &[WorkspaceId],
    done: Result<(), ServiceError>,
) -> Taken {
    let live = || Taken::Live(live::switched(&live::named(applied, ids), Mode::TwoWay));
    let Err(error) = done else { return live() };
    tracing::warn!(%error, "going live right after workspaces were applied has failed");
    let Ok(there) = app.installation().await else {
        let text = "Applied. Whether they went live could not be read: look under Go live.";
        return Taken::NotLive(text.to_owned());
    };
    let writes = |id: &WorkspaceId| names::workspace(&there, *id).is_some_and(|row| row.mode == Mode::TwoWay);
    if !ids.is_empty() && ids.iter().all(writes) {
        return live();
    }
    let why = match error {
        ServiceError::Invalid(problems) => {
            problems.into_iter().map(|problem| problem.problem).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    };
    let why = why.trim_end_matches('.');
    Taken::NotLive(format!("Applied, and they observe: they could not go live ({why}). Switch them under Go live."))
}
