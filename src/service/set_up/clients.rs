//! Whose workspace is whose: what was found, guesses by name, and the choice, kept as a draft until it is applied.

mod as_file;
mod asked;
mod kept;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    Typed, allowed,
    discovery::{self, Found, Reached, Standing},
    draft, later, sign_in,
    typed::bare,
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

pub use as_file::{from_file, lines};
pub use asked::again;
use asked::{at_odds, picked};

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
    let portal = |defender: bool| if defender { "defender" } else { "azure" };
    for link in &waiting {
        let key = key(&link.arm_id);
        form = form.with_value(&format!("portal-{key}"), portal(link.defender));
        // of one that is linked already to the same client the links alone are to lead elsewhere
        if !same_client(&installation, link) {
            let name = clients.name_of(link.halo, link.halo_client_id).unwrap_or(&link.client).to_owned();
            form = form.with_value(&format!("client-{key}"), &name).with_value(&format!("link-{key}"), "on");
        }
    }
    for found in &reached.workspaces {
        let key = key(&found.arm_id());
        if waiting.iter().any(|link| link.arm_id == found.arm_id()) {
            continue;
        }
        let there = installation.workspaces.iter().find(|row| row.arm_id == found.arm_id());
        let defender = there.map_or(found.joined, |row| row.portal == Portal::Defender);
        form = form.with_value(&format!("portal-{key}"), portal(defender));
        if there.is_some() {
            continue;
        }
        // What is unsure is not filled in: ticked by a person who did not look, it would be somebody else's client.
        let Guess::Sure(id) = matching::guess(&hints(found), &guesses) else { continue };
        let name = guesses.iter().find(|row| row.id == id).map(|row| row.name.clone());
        form = form.with_value(&format!("client-{key}"), &name.unwrap_or_default());
        // what was once gone through stays as it was left
        if waiting.is_empty() && usable(found) {
            form = form.with_value(&format!("link-{key}"), "on");
        }
    }
    let draft = draft::shown(app, DRAFT).await?;
    let needs = needs(app, &installation).await?;
    Ok(ClientsStep { draft, needs, ..page(&installation, &reached, &clients, &waiting, form) })
}

/// The step without which nothing is found, or nothing can be matched.
async fn needs(app: &App, installation: &Installation) -> Result<Option<(Step, String)>, ServiceError> {
    let said = |step: Step, text: &str| Ok(Some((step, text.to_owned())));
    if installation.microsoft.is_empty() {
        return said(Step::Microsoft, "No Microsoft connection is set up yet, so no workspace can be found.");
    }
    let mut signed_in = false;
    for connection in &installation.microsoft {
        signed_in |= !connection.identity.delegated() || sign_in::signed_in(app, connection.id).await?;
    }
    if !signed_in {
        return said(Step::SignIn, "Nobody has signed in with Microsoft yet, so no workspace can be found.");
    }
    if installation.halo.is_empty() {
        return said(Step::Halo, "Halo is not set up yet, so no client can be matched.");
    }
    Ok(None)
}

/// Whether a link leaves a workspace with the client that it has.
pub(super) fn same_client(installation: &Installation, link: &Link) -> bool {
    let there = installation.workspaces.iter().find(|row| row.arm_id == link.arm_id);
    let client = there.and_then(|row| installation.clients.iter().find(|client| client.id == row.client));
    let place = client.and_then(|client| client.halo.as_ref());
    place.is_some_and(|place| (place.connection, place.halo_client_id) == (link.halo, link.halo_client_id))
}

fn usable(found: &Found) -> bool {
    matches!(&found.standing, Standing::Reached { missing } if !missing.iter().any(|action| action == READ))
}

fn page(
    installation: &Installation,
    reached: &Reached,
    clients: &Clients,
    waiting: &Links,
    form: FormView,
) -> ClientsStep {
    let guesses = clients.rows();
    // what several lack is said once
    let mut lacking: BTreeMap<&[String], Vec<&Found>> = BTreeMap::new();
    for found in &reached.workspaces {
        if let Standing::Reached { missing } = &found.standing
            && !missing.is_empty()
        {
            lacking.entry(missing.as_slice()).or_default().push(found);
        }
    }
    lacking.retain(|_, all| all.len() > 1);
    let says = |found: &Found| match &found.standing {
        Standing::Reached { missing } if lacking.contains_key(missing.as_slice()) => {
            Some("The identity lacks rights here. What it lacks, and how to give it, is said above.".to_owned())
        }
        _ => says(found),
    };
    let mut troubles = reached.troubles.clone();
    troubles.extend(lacking.iter().map(|(missing, all)| {
        let groups: BTreeSet<&str> = all.iter().map(|found| found.address.resource_group.as_str()).collect();
        let said = lacks(missing, &groups.into_iter().collect::<Vec<_>>());
        format!("{said} It concerns {} workspaces.", all.len())
    }));
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
            chosen: waiting.iter().any(|link| link.arm_id == arm_id),
            doubt,
        }
    });
    ClientsStep {
        rows: rows.collect(),
        lost: kept::lost(waiting, reached),
        clients: clients.names(),
        troubles,
        roles: discovery::roles(installation, reached),
        read_at: reached.at,
        under_way: !reached.whole,
        needs: None,
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

/// Which actions the identity lacks, and where to give them.
fn lacks(missing: &[String], groups: &[&str]) -> String {
    let places = if groups.len() == 1 { "resource group" } else { "resource groups" };
    format!(
        "The identity lacks {}. Give it the role Microsoft Sentinel Responder on the {places} {}. The custom role that \
         the script below makes is enough as well.",
        missing.join(", "),
        groups.join(", ")
    )
}

/// What is wrong with a workspace, and what to do.
fn says(found: &Found) -> Option<String> {
    match &found.standing {
        Standing::Reached { missing } if missing.is_empty() => None,
        Standing::Reached { missing } => Some(lacks(missing, &[found.address.resource_group.as_str()])),
        Standing::NoSentinel => {
            Some("It has no Microsoft Sentinel. Add Sentinel to it in Azure, then look again.".to_owned())
        }
        Standing::Refused(failure) => Some(failure.message.clone()),
    }
}

/// Keeps which workspaces were chosen and whose they are. Gives the names of those that stay chosen although they cannot be
/// looked at now.
///
/// # Errors
/// `Invalid` at the row that is wrong; `Conflict` when somebody else saved in between; `Forbidden`.
pub async fn take(app: &App, caller: &Caller, typed: &Typed) -> Result<Vec<String>, ServiceError> {
    allowed(caller)?;
    let waiting: Links = draft::kept(app, DRAFT).await?;
    draft::unmoved(typed.text("seen"), &waiting)?;
    let reached = discovery::reached(app, false).await?;
    let installation = app.installation().await?;
    let clients = Clients::of(&reached, &installation);
    let mut problems = Vec::new();
    let mut links: Links = Vec::new();
    let typed = &picked(typed);
    for (name, _) in typed.entries() {
        let Some(key) = name.strip_prefix("link-") else { continue };
        let found = reached.workspaces.iter().find(|found| self::key(&found.arm_id()) == key);
        let waits = waiting.iter().find(|link| self::key(&link.arm_id) == key);
        if !found.is_some_and(usable) && waits.is_some_and(|link| kept::as_chosen(link, typed, &clients)) {
            continue;
        }
        let Some(found) = found else {
            let text = if reached.whole {
                "A workspace that you chose is not there any more: it was deleted, or the sign-in lost sight of it. Look \
                 again, then choose anew."
            } else {
                "The list is still being read, and a workspace that you chose is not in it again yet: Microsoft or Halo answers \
                 slowly. Save again in a minute; what you chose is kept on this page."
            };
            problems.push(FieldProblem::new("", text));
            continue;
        };
        let odds = at_odds(typed, key);
        if !odds.is_empty() {
            let name = &found.address.workspace;
            let text = format!("Halo client of {name}: {} are chosen at once. Leave one.", odds.join(" and "));
            problems.push(FieldProblem::new(format!("client-{key}"), text));
            continue;
        }
        match link(found, typed, key, &clients) {
            Ok(link) => links.push(link),
            Err(problem) => problems.push(problem),
        }
    }
    links.extend(elsewhere(&installation, &reached, typed));
    let kept = kept::kept(&waiting, &installation, &reached, typed);
    let names = kept.iter().map(|link| link.workspace.clone()).collect();
    links.extend(kept);
    if links.is_empty() && problems.is_empty() && installation.workspaces.is_empty() {
        let text = "Workspaces: choose at least one, and the Halo client it belongs to.";
        problems.push(FieldProblem::new("", text));
    }
    if !problems.is_empty() {
        return Err(ServiceError::Invalid(problems));
    }
    draft::save(app, caller, DRAFT, &links).await?;
    Ok(names)
}

/// Linked workspaces whose links are to lead to the other portal.
fn elsewhere(installation: &Installation, reached: &Reached, typed: &Typed) -> Links {
    let link = |found: &Found| {
        let (arm_id, key) = (found.arm_id(), key(&found.arm_id()));
        let row = installation.workspaces.iter().find(|row| row.arm_id == arm_id)?;
        let chosen = match typed.text(&format!("portal-{key}")) {
            "defender" => Portal::Defender,
            "azure" => Portal::Azure,
            _ => return None,
        };
        if chosen == row.portal || !usable(found) || typed.ticked(&format!("link-{key}")) {
            return None;
        }
        let client = installation.clients.iter().find(|client| client.id == row.client)?;
        let place = client.halo.as_ref()?;
        Some(Link {
            arm_id,
            workspace: found.address.workspace.clone(),
            tenant_id: found.tenant_id.clone(),
            microsoft: row.connection,
            halo: place.connection,
            halo_client_id: place.halo_client_id,
            client: client.name.clone(),
            defender: chosen == Portal::Defender,
        })
    };
    reached.workspaces.iter().filter_map(link).collect()
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
    let Some((halo, row)) = clients.named(client).or_else(|| clients.named(&bare(client))) else {
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
