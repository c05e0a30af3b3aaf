//! Whose workspace is whose: what was found, guesses by name, and the choice, kept as a draft until it is applied.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Typed, allowed,
    discovery::{self, Found, Reached, Standing},
    draft, file, later,
};
use crate::{
    config::fault::nearest,
    domain::{
        catalogue::Named,
        client::Client,
        ids::ConnectionId,
        matching::{self, Guess, Hints},
        policy::{Policy, PolicyKey},
        view::{
            form::FormView,
            mapping::Owner,
            set_up::{ClientRules, ClientsStep, Doubt, FoundRow, Step, StepState},
        },
        workspace::Portal,
    },
    service::{
        App,
        caller::Caller,
        error::{FieldProblem, ServiceError},
    },
    store::Installation,
};

/// Name of the draft.
pub const DRAFT: &str = "links";

/// The action without which nothing can be done.
const READ: &str = "Microsoft.SecurityInsights/incidents/read";

/// A workspace and the Halo client it is linked to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Lower-cased ARM id.
    pub arm_id: String,
    /// The workspace's name.
    pub workspace: String,
    /// Its home tenant.
    pub tenant_id: String,
    /// The Microsoft connection that reaches it.
    pub microsoft: ConnectionId,
    /// The Halo instance.
    pub halo: ConnectionId,
    /// Halo's client.
    pub halo_client_id: i64,
    /// Its name there.
    pub client: String,
    /// Whether links lead to the Defender portal.
    pub defender: bool,
}

/// All links that wait to be applied.
pub type Links = Vec<Link>;

/// How far the step is.
pub async fn state(app: &App) -> Result<(StepState, String), ServiceError> {
    let installation = app.installation().await?;
    if installation.microsoft.is_empty() {
        return Ok(later(Step::Microsoft));
    }
    if installation.halo.is_empty() {
        return Ok(later(Step::Halo));
    }
    let waiting: Links = draft::kept(app, DRAFT).await?;
    let linked = installation.workspaces.len();
    Ok(match (linked, waiting.len()) {
        (0, 0) => (StepState::Open, "Which Sentinel workspace belongs to which Halo client.".to_owned()),
        (0, n) => (StepState::Done, format!("{n} chosen.")),
        (n, 0) => (StepState::Done, format!("{n} linked.")),
        (n, more) => (StepState::Done, format!("{n} linked, {more} more chosen.")),
    })
}

/// A short name for a workspace within a form: forms of hundreds stay small.
fn key(arm_id: &str) -> String {
    draft::mark(&arm_id)
}

/// Halo's clients over all instances, under names that mean exactly one.
pub struct Clients(BTreeMap<String, (ConnectionId, Named)>);

impl Clients {
    fn of(reached: &Reached, installation: &Installation) -> Self {
        let all = || reached.clients.iter().flat_map(|(id, rows)| rows.iter().map(move |row| (*id, row)));
        let mut count: BTreeMap<String, usize> = BTreeMap::new();
        for (_, row) in all() {
            *count.entry(row.name.to_lowercase()).or_default() += 1;
        }
        let named = all().map(|(id, row)| {
            let name = if count.get(&row.name.to_lowercase()).is_some_and(|n| *n > 1) {
                let instance = installation.halo.iter().find(|h| h.id == id).map_or("", |h| h.name.as_str());
                format!("{} ({instance} {})", row.name, row.id)
            } else {
                row.name.clone()
            };
            (name, (id, row.clone()))
        });
        Self(named.collect())
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    fn name_of(&self, halo: ConnectionId, id: i64) -> Option<&str> {
        let is = |(_, (of, row)): &(&String, &(ConnectionId, Named))| *of == halo && row.id == id;
        self.0.iter().find(is).map(|(name, _)| name.as_str())
    }

    /// The client of this name, whatever the letter case.
    fn named(&self, name: &str) -> Option<&(ConnectionId, Named)> {
        self.0.get(name).or_else(|| {
            let wanted = name.to_lowercase();
            self.0.iter().find(|(known, _)| known.to_lowercase() == wanted).map(|(_, found)| found)
        })
    }

    /// The same as rows to guess from; the place in the list is the id.
    fn rows(&self) -> Vec<Named> {
        self.0.keys().zip(0..).map(|(name, id)| Named { id, name: name.clone() }).collect()
    }
}

fn hints(found: &Found) -> Hints {
    let mut names =
        vec![found.address.workspace.clone(), found.address.resource_group.clone(), found.subscription.clone()];
    names.extend(found.tenant_names.iter().cloned());
    Hints { names }
}

/// The page; `anew` asks Azure and Halo again.
///
/// # Errors
/// `Forbidden`; the store cannot be read.
pub async fn view(app: &App, caller: &Caller, anew: bool) -> Result<ClientsStep, ServiceError> {
    allowed(caller)?;
    let reached = discovery::reached(app, anew).await?;
    let installation = app.installation().await?;
    let waiting: Links = draft::kept(app, DRAFT).await?;
    let clients = Clients::of(&reached, &installation);
    let mut form = FormView::default().with_value("seen", &draft::mark(&waiting));
    let guesses = clients.rows();
    for found in &reached.workspaces {
        let key = key(&found.arm_id());
        let kept = waiting.iter().find(|link| link.arm_id == found.arm_id());
        let there = installation.workspaces.iter().find(|row| row.arm_id == found.arm_id());
        let defender = there.map_or(found.joined, |row| row.portal == Portal::Defender);
        let portal = kept.map_or(defender, |link| link.defender);
        form = form.with_value(&format!("portal-{key}"), if portal { "defender" } else { "azure" });
        if let Some(link) = kept {
            let name = clients.name_of(link.halo, link.halo_client_id).unwrap_or(&link.client).to_owned();
            form = form.with_value(&format!("client-{key}"), &name).with_value(&format!("link-{key}"), "on");
            continue;
        }
        if there.is_some() {
            continue;
        }
        let guess = matching::guess(&hints(found), &guesses);
        let likeliest = match &guess {
            Guess::Sure(id) => Some(*id),
            Guess::Unsure(ids) => ids.first().copied(),
            Guess::None => None,
        };
        let name = likeliest.and_then(|id| guesses.iter().find(|row| row.id == id)).map(|row| row.name.clone());
        form = form.with_value(&format!("client-{key}"), &name.unwrap_or_default());
        // what was once gone through stays as it was left
        if waiting.is_empty() && matches!(guess, Guess::Sure(_)) && usable(found) {
            form = form.with_value(&format!("link-{key}"), "on");
        }
    }
    let draft = draft::shown(app, DRAFT).await?;
    Ok(ClientsStep { draft, ..page(&installation, &reached, &clients, form) })
}

fn usable(found: &Found) -> bool {
    matches!(&found.standing, Standing::Reached { missing } if !missing.iter().any(|action| action == READ))
}

fn page(installation: &Installation, reached: &Reached, clients: &Clients, form: FormView) -> ClientsStep {
    let guesses = clients.rows();
    let rows = reached.workspaces.iter().map(|found| {
        let arm_id = found.arm_id();
        let linked = installation.workspaces.iter().find(|row| row.arm_id == arm_id);
        let linked = linked.and_then(|row| installation.clients.iter().find(|client| client.id == row.client));
        let doubt = match matching::guess(&hints(found), &guesses) {
            Guess::Sure(_) => Doubt::Sure,
            Guess::Unsure(ids) => Doubt::Unsure {
                names: ids
                    .iter()
                    .filter_map(|id| guesses.iter().find(|row| row.id == *id))
                    .map(|r| r.name.clone())
                    .collect(),
            },
            Guess::None => Doubt::Nothing,
        };
        FoundRow {
            key: key(&arm_id),
            name: found.address.workspace.clone(),
            place: format!("{} / {}", found.subscription, found.address.resource_group),
            tenant: found.tenant_name(),
            usable: usable(found),
            says: says(found),
            joined: found.joined,
            linked: linked.map(|client| client.name.clone()),
            doubt,
        }
    });
    ClientsStep {
        rows: rows.collect(),
        clients: clients.names(),
        troubles: reached.troubles.clone(),
        roles: discovery::roles(installation, reached),
        read_at: reached.at,
        rules: installation.clients.iter().map(|client| rules(installation, client)).collect(),
        lines_read: None,
        draft: None,
        form,
    }
}

/// What a client's workspaces follow.
fn rules(installation: &Installation, client: &Client) -> ClientRules {
    let mut followed: Vec<&Policy> = Vec::new();
    for workspace in installation.workspaces.iter().filter(|row| row.client == client.id) {
        let policy = installation.policies.iter().find(|policy| policy.id == workspace.policy);
        followed.extend(policy.filter(|policy| !followed.iter().any(|known| known.id == policy.id)));
    }
    let base = followed.first().and_then(|policy| policy.base.as_ref());
    let name = |id| installation.policies.iter().find(|policy| policy.id == id).map(|policy| policy.name.clone());
    ClientRules {
        client: Owner { id: client.id, name: client.name.clone() },
        base: base.and_then(|base| name(base.policy)),
        own: PolicyKey::ALL.iter().copied().filter(|key| base.is_some_and(|base| base.own.contains(key))).collect(),
        policies: followed.into_iter().map(|policy| policy.name.clone()).collect(),
    }
}

/// What is wrong with a workspace, and what to do.
fn says(found: &Found) -> Option<String> {
    match &found.standing {
        Standing::Reached { missing } if missing.is_empty() => None,
        Standing::Reached { missing } => Some(format!(
            "The identity lacks {}. Give it the role Microsoft Sentinel Responder on the resource group {}. The custom role that \
             the script below makes is enough as well.",
            missing.join(", "),
            found.address.resource_group
        )),
        Standing::NoSentinel => {
            Some("It has no Microsoft Sentinel. Add Sentinel to it in Azure, then look again.".to_owned())
        }
        Standing::Refused(failure) => Some(failure.message.clone()),
    }
}

/// The page with what was typed, after it was refused.
///
/// # Errors
/// As [`view`].
pub async fn again(app: &App, caller: &Caller, typed: &Typed) -> Result<ClientsStep, ServiceError> {
    allowed(caller)?;
    let reached = discovery::reached(app, false).await?;
    let installation = app.installation().await?;
    let clients = Clients::of(&reached, &installation);
    let waiting: Links = draft::kept(app, DRAFT).await?;
    let mut form = FormView::default();
    for (name, value) in typed.entries() {
        form = form.with_value(name, value);
    }
    // What was chosen since the form was drawn is not lost by saving it again; where the two differ, both are shown.
    if typed.text("seen") != draft::mark(&waiting) {
        for link in &waiting {
            let (tick, field) = (format!("link-{}", key(&link.arm_id)), format!("client-{}", key(&link.arm_id)));
            let name = clients.name_of(link.halo, link.halo_client_id).unwrap_or(&link.client);
            if form.value(&tick).is_empty() {
                form = form.with_value(&tick, "on").with_value(&field, name);
            } else if !form.value(&field).eq_ignore_ascii_case(name) {
                let text = format!("{}: “{name}” was saved meanwhile. Choose which is right.", link.workspace);
                form = form.with_problem(&field, text);
            }
        }
    }
    form = form.with_value("seen", &draft::mark(&waiting));
    let draft = draft::shown(app, DRAFT).await?;
    Ok(ClientsStep { draft, ..page(&installation, &reached, &clients, form) })
}

/// Keeps which workspaces were chosen and whose they are.
///
/// # Errors
/// `Invalid` at the row that is wrong; `Conflict` when somebody else saved in between; `Forbidden`.
pub async fn take(app: &App, caller: &Caller, typed: &Typed) -> Result<(), ServiceError> {
    allowed(caller)?;
    let waiting: Links = draft::kept(app, DRAFT).await?;
    draft::unmoved(typed.text("seen"), &waiting)?;
    let reached = discovery::reached(app, false).await?;
    let installation = app.installation().await?;
    let clients = Clients::of(&reached, &installation);
    let mut problems = Vec::new();
    let mut links: Links = Vec::new();
    for (name, _) in typed.entries() {
        let Some(key) = name.strip_prefix("link-") else { continue };
        let Some(found) = reached.workspaces.iter().find(|found| self::key(&found.arm_id()) == key) else {
            let text = "A workspace that you chose is not there any more: it was deleted, or the sign-in lost sight of \
                        it. Look again, then choose anew.";
            problems.push(FieldProblem::new("", text));
            continue;
        };
        match link(found, typed, key, &clients) {
            Ok(link) => links.push(link),
            Err(problem) => problems.push(problem),
        }
    }
    if links.is_empty() && problems.is_empty() && installation.workspaces.is_empty() {
        let text = "Workspaces: choose at least one, and the Halo client it belongs to.";
        problems.push(FieldProblem::new("", text));
    }
    if !problems.is_empty() {
        return Err(ServiceError::Invalid(problems));
    }
    draft::save(app, caller, DRAFT, &links).await
}

fn link(found: &Found, typed: &Typed, key: &str, clients: &Clients) -> Result<Link, FieldProblem> {
    let name = &found.address.workspace;
    if !usable(found) {
        let why = says(found).unwrap_or_default();
        return Err(FieldProblem::new("", format!("{name} cannot be linked: {why}")));
    }
    let field = format!("client-{key}");
    let client = typed.text(&field);
    if client.is_empty() {
        return Err(FieldProblem::new(field, format!("Halo client of {name} is missing. Choose one from the list.")));
    }
    let Some((halo, row)) = clients.named(client) else {
        let names = clients.names();
        let remedy = match nearest(client, names.iter().map(String::as_str)) {
            Some(near) => format!("Did you mean “{near}”?"),
            None => "Choose one from the list; a new one in Halo shows after you look again.".to_owned(),
        };
        return Err(FieldProblem::new(
            field,
            format!("Halo client of {name}: there is no client “{client}”. {remedy}"),
        ));
    };
    Ok(Link {
        arm_id: found.arm_id(),
        workspace: name.clone(),
        tenant_id: found.tenant_id.clone(),
        microsoft: found.connection,
        halo: *halo,
        halo_client_id: row.id,
        client: row.name.clone(),
        defender: typed.text(&format!("portal-{key}")) == "defender",
    })
}

/// Every workspace that was found, as lines of the file: what is linked, what is chosen, what is guessed.
///
/// # Errors
/// As [`view`].
pub async fn lines(app: &App, caller: &Caller) -> Result<Vec<[String; 7]>, ServiceError> {
    let view = view(app, caller, false).await?;
    let reached = discovery::reached(app, false).await?;
    let line = |(row, found): (&FoundRow, &Found)| {
        let value = |kind: &str| view.form.value(&format!("{kind}-{}", row.key)).to_owned();
        let linked = row.linked.is_some() || !value("link").is_empty();
        let client = row.linked.clone().unwrap_or_else(|| value("client"));
        // an unsure guess must not become a link because nobody looked
        let unsure = !linked && matches!(row.doubt, Doubt::Unsure { .. });
        let (client, suggested) = if unsure { (String::new(), client) } else { (client, String::new()) };
        [
            if linked { "yes" } else { "no" }.to_owned(),
            row.name.clone(),
            found.arm_id(),
            row.tenant.clone(),
            client,
            suggested,
            value("portal"),
        ]
    };
    // both are in the order in which they were found
    Ok(view.rows.iter().zip(&reached.workspaces).map(line).collect())
}

/// The page as a file would have it: a preview, nothing is kept.
///
/// # Errors
/// As [`view`]; what is wrong with the file is in the page's form.
pub async fn from_file(app: &App, caller: &Caller, text: &str) -> Result<ClientsStep, ServiceError> {
    let mut step = view(app, caller, false).await?;
    let reached = discovery::reached(app, false).await?;
    let installation = app.installation().await?;
    let clients = Clients::of(&reached, &installation);
    let rows = match file::read(text) {
        Ok(rows) => rows,
        Err(words) => {
            step.form = step.form.with_value("file", text).with_problem("file", words);
            return Ok(step);
        }
    };
    let mut form = step.form;
    form.values.retain(|name, _| !name.starts_with("link-"));
    let read = rows.len();
    for row in rows {
        let line = row.line;
        let Some(found) = reached.workspaces.iter().find(|found| found.arm_id() == row.arm_id) else {
            let words = format!(
                "Line {line}: no connection reaches the workspace {}. Check its id, or sign in where it is.",
                row.arm_id
            );
            form = form.with_problem("file", words);
            continue;
        };
        let key = key(&row.arm_id);
        if installation.workspaces.iter().any(|known| known.arm_id == row.arm_id) {
            continue;
        }
        form = form.with_value(&format!("client-{key}"), &row.client);
        if let Some(defender) = row.defender {
            form = form.with_value(&format!("portal-{key}"), if defender { "defender" } else { "azure" });
        }
        if !row.link {
            continue;
        }
        form = form.with_value(&format!("link-{key}"), "on");
        let mut typed = vec![(format!("client-{key}"), row.client.clone())];
        typed.push((format!("link-{key}"), "on".to_owned()));
        if let Err(problem) = link(found, &Typed::new(typed), &key, &clients) {
            form = form.with_problem(&problem.field, format!("Line {line}: {}", problem.problem));
        }
    }
    // a file that has to be corrected is not typed again
    if form.problems.is_empty() {
        step.lines_read = Some(u64::try_from(read).unwrap_or(u64::MAX));
    } else {
        form = form.with_value("file", text);
    }
    step.form = form;
    Ok(step)
}
