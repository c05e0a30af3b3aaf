//! Going live: from observing to writing, for one workspace or all. Before it the plan of the first cycle is shown; it
//! writes nothing.

use toml::Value;

use super::{
    App, acts,
    caller::Caller,
    configuration,
    error::ServiceError,
    fault, names,
    set_up::{allowed, draft, entry},
    what_if,
};
use crate::{
    domain::{
        account::Scope,
        failure::Failure,
        ids::WorkspaceId,
        reason::Reason,
        time,
        view::go_live::{FirstCycle, LiveRow},
        workspace::{Mode, Workspace},
    },
    store::Installation,
};

/// From when on incidents get tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// From the workspace's start on: what observing has kept back gets tickets too.
    AsObserved,
    /// From now on.
    Now,
}

impl Start {
    /// As it stands in a form.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "observed" => Some(Self::AsObserved),
            "now" => Some(Self::Now),
            _ => None,
        }
    }
}

/// Every workspace, and what waits there. The second is the mark of what was shown.
///
/// # Errors
/// `Forbidden`; the store cannot be read.
pub async fn rows(app: &App, caller: &Caller) -> Result<(Vec<LiveRow>, String), ServiceError> {
    allowed(caller)?;
    let installation = app.installation().await?;
    let held = app.store.held_counters(&Scope::All).await.map_err(|e| fault("count waiting incidents", &e))?;
    let mut rows = Vec::new();
    for row in &installation.workspaces {
        let waiting = held.iter().filter(|count| count.workspace == row.id && count.code == Reason::ModeObserve.code());
        rows.push(LiveRow {
            id: row.id,
            name: row.name.clone(),
            client: names::client(&installation, row.client),
            mode: row.mode,
            since: row.since,
            waiting: u32::try_from(waiting.map(|count| count.subjects).sum::<i64>()).unwrap_or(u32::MAX),
            obstacle: obstacle(&installation, row).unwrap_or_default(),
        });
    }
    rows.sort_by_key(|row| (row.client.to_lowercase(), row.name.to_lowercase()));
    let mark = draft::mark(&installation.version);
    Ok((rows, mark))
}

fn obstacle(installation: &Installation, workspace: &Workspace) -> Option<String> {
    let client = installation.clients.iter().find(|row| row.id == workspace.client)?;
    client.halo.is_none().then(|| {
        format!(
            "The client {} is not linked to a client in Halo, so there is nowhere to make tickets. Link it first.",
            client.name
        )
    })
}

/// What the first cycle of a workspace would do, if it went live now with the incidents since its start.
///
/// # Errors
/// `Forbidden`, `NotFound`; the store cannot be read.
pub async fn first_cycle(
    app: &App,
    caller: &Caller,
    id: WorkspaceId,
) -> Result<Result<FirstCycle, Failure>, ServiceError> {
    allowed(caller)?;
    let installation = app.installation().await?;
    let workspace = names::workspace(&installation, id).ok_or(ServiceError::NotFound)?;
    let policy = installation.policies.iter().find(|row| row.id == workspace.policy).ok_or(ServiceError::NotFound)?;
    let what = what_if::range(app, id, policy, workspace.since, app.clock.now()).await?;
    let newest = match &what {
        Ok(what) if what.incidents < what_if::NEWEST => {
            what_if::newest(app, id, policy).await?.ok().filter(|newest| newest.incidents > what.incidents)
        }
        _ => None,
    };
    Ok(what.map(|what| FirstCycle { id, name: workspace.name.clone(), what, newest }))
}

/// Changes the mode of these workspaces. `seen` is the mark of the page that it was decided on.
///
/// # Errors
/// `Invalid` when none was chosen or one cannot go live; `Conflict` when the installation was changed in between;
/// `Forbidden`, `NotFound`; the store cannot be written.
pub async fn go(
    app: &App,
    caller: &Caller,
    ids: &[WorkspaceId],
    mode: Mode,
    start: Start,
    seen: &str,
) -> Result<(), ServiceError> {
    allowed(caller)?;
    let installation = app.installation().await?;
    draft::unmoved(seen, &installation.version)?;
    if ids.is_empty() {
        return Err(ServiceError::invalid("workspace", "Choose at least one workspace. Nothing was changed."));
    }
    let writes = !matches!(mode, Mode::Off | Mode::Observe);
    let mut chosen = Vec::new();
    for id in ids {
        let workspace = names::workspace(&installation, *id).ok_or(ServiceError::NotFound)?;
        if let Some(obstacle) = obstacle(&installation, workspace).filter(|_| writes) {
            return Err(ServiceError::invalid(
                "workspace",
                format!("{}: {obstacle} Nothing was changed.", workspace.name),
            ));
        }
        chosen.push(workspace.clone());
    }
    let exported = configuration::export(&app.store).await;
    let exported = exported.map_err(|e| ServiceError::internal("read the installation", &e))?;
    let mut text = String::new();
    for workspace in &chosen {
        let stored = exported.workspaces.iter().find(|row| row.arm_id == workspace.arm_id);
        let mut lines = stored.ok_or(ServiceError::Conflict)?.lines();
        lines.0.retain(|(key, _)| !["mode", "shadow"].contains(key));
        lines.put("mode", Value::String(mode.as_str().to_owned()));
        // Beside Halo's own integration nothing is written: comparing ends where writing begins.
        if workspace.shadow && !writes {
            lines.put("shadow", Value::Boolean(mode == Mode::Observe));
        }
        let begins = writes && matches!(workspace.mode, Mode::Off | Mode::Observe);
        if begins && start == Start::Now {
            lines.0.retain(|(key, _)| *key != "since");
            lines.put("since", Value::String(time::iso(app.clock.now())));
        }
        text.push_str("[[workspace]]\n");
        for (key, value) in &lines.0 {
            text.push_str(&format!("{key} = {value}\n"));
        }
    }
    let wanted = entry::read(app, &text, "workspace", &[]).await?;
    entry::apply(app, caller, &wanted).await?;
    for workspace in &chosen {
        let detail = serde_json::json!({ "workspace": workspace.name, "mode": mode.as_str() });
        acts::record(app, Some(workspace.client), vec![acts::act(caller, "workspace-mode", None, detail)]).await?;
        app.engine.poke_workspace(workspace.id, crate::domain::run::RunCause::Person);
    }
    Ok(())
}
