//! Entries against each other: duplicates, references, and names against a catalogue in the file.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    Applied, Known,
    client::{Binding, Client},
    fault::{Kind, Severity, listed, nearest},
    names,
    policy::base::settle,
    reader::{Place, Sink},
};

/// Where each entry stands, in the order of [`Applied`]'s lists.
#[derive(Debug, Default)]
pub struct Places {
    /// Of `microsoft`.
    pub microsoft: Vec<Place>,
    /// Of `halo`.
    pub halo: Vec<Place>,
    /// Of `client`.
    pub clients: Vec<Place>,
    /// Of `policy`.
    pub policies: Vec<Place>,
    /// Of `workspace`.
    pub workspaces: Vec<Place>,
    /// Of `catalogue`, by name.
    pub catalogues: BTreeMap<String, usize>,
}

/// Checks what no entry can check alone, and fills in the only possible choice.
pub fn check(applied: &mut Applied, places: &Places, known: &Known, sink: &Sink<'_>) {
    duplicates(applied, places, sink);
    let microsoft = Names::of(&known.microsoft, applied.microsoft.iter().map(|m| m.name()));
    let halo = Names::of(&known.halo, applied.halo.iter().map(|h| h.name()));
    let clients = Names::of(&known.clients, applied.clients.iter().map(|c| c.name.as_str()));
    let stored: BTreeSet<String> = known.policies.keys().cloned().collect();
    let policies = Names::of(&stored, applied.policies.iter().map(|p| p.name()));
    settle(&mut applied.policies, &places.policies, &known.policies, sink);
    for (client, place) in applied.clients.iter_mut().zip(&places.clients) {
        if let Some(binding) = &mut client.halo {
            halo.resolve(&mut binding.halo, "client", "halo", place, sink);
        }
    }
    for (workspace, place) in applied.workspaces.iter_mut().zip(&places.workspaces) {
        clients.resolve(&mut workspace.client, "workspace", "client", place, sink);
        microsoft.resolve(&mut workspace.microsoft, "workspace", "microsoft", place, sink);
        policies.resolve(&mut workspace.policy, "workspace", "policy", place, sink);
    }
    shared_places(applied, places, known, sink);
    other_ids(applied, places, known, sink);
    catalogue_names(applied, places, &halo.all, sink);
}

/// What a reference may name.
struct Names {
    /// In the file. An entry without a name is reported as such; its empty name stays, so that nothing else is said.
    file: BTreeSet<String>,
    /// In the file or in the data directory.
    all: BTreeSet<String>,
}

impl Names {
    fn of<'a>(known: &BTreeSet<String>, file: impl Iterator<Item = &'a str>) -> Self {
        let file: BTreeSet<String> = file.map(str::to_owned).collect();
        Self { all: known.iter().chain(&file).filter(|name| !name.is_empty()).cloned().collect(), file }
    }

    fn resolve(&self, name: &mut String, section: &str, key: &str, place: &Place, sink: &Sink<'_>) {
        let field = format!("{section}.{key}");
        if name.is_empty() {
            // Present but of the wrong type: reported already.
            if !place.has(key) && !self.file.contains("") {
                self.only(name, field, key, place, sink);
            }
        } else if !self.all.contains(name.as_str()) {
            let remedy = match nearest(name, self.all.iter().map(String::as_str)) {
                Some(near) => format!("Did you mean \"{near}\"?"),
                None if self.all.is_empty() => format!("Add a [[{key}]] entry with this name."),
                None => format!("Use {}, or add a [[{key}]] entry.", listed(self.all.iter().map(String::as_str))),
            };
            // An entry whose own name could not be read may be the one that is meant.
            let kind = if self.file.contains("") { Kind::Absent } else { Kind::Unresolved };
            let problem = format!("names \"{name}\", which does not exist");
            sink.note(place.of(key), Severity::Error, kind, field, problem, remedy);
        }
    }

    /// An absent reference means the only entry of the file, else the only one there is.
    fn only(&self, name: &mut String, field: String, key: &str, place: &Place, sink: &Sink<'_>) {
        let choice = if self.file.is_empty() { &self.all } else { &self.file };
        let mut names = choice.iter();
        match (names.next(), names.next()) {
            (Some(only), None) => *name = only.clone(),
            (None, _) => {
                let problem = format!("is missing, and there is no {key}");
                sink.absent(place.of(key), field, problem, format!("Add a [[{key}]] entry."));
            }
            _ => {
                let problem = format!("is missing, and there are {} to choose from", choice.len());
                let remedy = format!("Write {key} = {}.", listed(choice.iter().map(String::as_str)));
                sink.absent(place.of(key), field, problem, remedy);
            }
        }
    }
}

fn duplicates(applied: &Applied, places: &Places, sink: &Sink<'_>) {
    let connections = (applied.microsoft.iter().map(|m| m.name()).zip(&places.microsoft).map(|e| ("microsoft", e)))
        .chain(applied.halo.iter().map(|h| h.name()).zip(&places.halo).map(|e| ("halo", e)));
    once(connections, "name", sink);
    let clients = applied.clients.iter().map(|c| c.name.as_str()).zip(&places.clients);
    once(clients.map(|e| ("client", e)), "name", sink);
    let policies = applied.policies.iter().map(|p| p.name()).zip(&places.policies);
    once(policies.map(|e| ("policy", e)), "name", sink);
    let workspaces = applied.workspaces.iter().map(|w| w.arm_id.as_str()).zip(&places.workspaces);
    once(workspaces.map(|e| ("workspace", e)), "arm_id", sink);
}

/// The same name twice; case does not tell two apart, nor does it in the database.
fn once<'a>(entries: impl Iterator<Item = (&'static str, (&'a str, &'a Place))>, key: &str, sink: &Sink<'_>) {
    let mut seen: BTreeMap<String, (&'static str, &'a str)> = BTreeMap::new();
    for (section, (name, place)) in entries {
        if name.is_empty() {
            continue;
        }
        if let Some((first, known)) = seen.insert(name.to_lowercase(), (section, name)) {
            let problem = match known == name {
                true => format!("\"{name}\" stands twice (already under [[{first}]])"),
                false => format!("\"{name}\" and \"{known}\" (under [[{first}]]) differ in case alone"),
            };
            sink.wrong(place.of(key), format!("{section}.{key}"), problem, "Rename or remove one of the two.");
        }
    }
}

/// Where a client's tickets go; none while its Halo client could not be read.
fn bound(client: &Client) -> Option<&Binding> {
    client.halo.as_ref().filter(|binding| binding.halo_client_id > 0)
}

/// Places that two entries must not share: a Halo client, a webhook's address. What is stored and stands in the file
/// too is replaced by it.
fn shared_places(applied: &Applied, places: &Places, known: &Known, sink: &Sink<'_>) {
    let kept = |name: &str| !applied.clients.iter().any(|client| client.name == name);
    let mut taken: BTreeMap<(&str, i64), &str> = (known.bound.iter())
        .filter(|(_, client)| kept(client))
        .map(|((halo, id), client)| ((halo.as_str(), *id), client.as_str()))
        .collect();
    for (client, place) in applied.clients.iter().zip(&places.clients) {
        let Some(binding) = bound(client) else { continue };
        if let Some(first) = taken.insert((&binding.halo, binding.halo_client_id), &client.name) {
            let problem = format!("{} is already the place of client \"{first}\"", binding.halo_client_id);
            let remedy = "Give each client a Halo client of its own, or make them one client.";
            sink.wrong(place.of("halo_client_id"), "client.halo_client_id", problem, remedy);
        }
    }
    let kept = |arm_id: &str| !applied.workspaces.iter().any(|workspace| workspace.arm_id.eq_ignore_ascii_case(arm_id));
    let mut names: BTreeMap<String, bool> = (known.named.iter())
        .filter(|(_, arm_id, _)| kept(arm_id))
        .map(|(name, _, open)| (name.clone(), *open))
        .collect();
    for (workspace, place) in applied.workspaces.iter().zip(&places.workspaces) {
        let open = workspace.webhook_secret.is_some();
        let name = workspace.name.to_lowercase();
        if name.is_empty() {
            continue;
        }
        match names.get_mut(&name) {
            Some(other) if open || *other => {
                let problem = format!(
                    "\"{}\" is also another workspace's, so the webhook's address is ambiguous",
                    workspace.name
                );
                sink.wrong(place.of("name"), "workspace.name", problem, "Give one of them a name = \"…\" of its own.");
            }
            Some(_) => {}
            None => {
                names.insert(name, open);
            }
        }
    }
}

/// A workspace that takes the place of one with another ARM id is a new one and starts now: what lies before gets no ticket.
fn other_ids(applied: &Applied, places: &Places, known: &Known, sink: &Sink<'_>) {
    let last = |arm_id: &str| arm_id.rsplit('/').next().unwrap_or_default().to_lowercase();
    let here = |arm_id: &str| applied.workspaces.iter().any(|workspace| workspace.arm_id.eq_ignore_ascii_case(arm_id));
    for (workspace, place) in applied.workspaces.iter().zip(&places.workspaces) {
        let arm_id = &workspace.arm_id;
        let stored = known.started.iter().any(|(known, ..)| known.eq_ignore_ascii_case(arm_id));
        if stored || workspace.since.is_some() || arm_id.is_empty() {
            continue;
        }
        let like = |(id, client, _): &&(String, String, Option<Timestamp>)| {
            *client == workspace.client && last(id) == last(arm_id) && !here(id)
        };
        let mut found = known.started.iter().filter(like);
        let (Some((before, _, since)), None) = (found.next(), found.next()) else { continue };
        let problem = format!("is another one than {before}: this workspace is a new one, and starts now");
        let start = since.map_or_else(|| "…".to_owned(), |since| since.to_string());
        let remedy = format!(
            "If it takes that one's place, write the moment from which its incidents get tickets: since = {start} where \
             no incident was read there, else up to when they were."
        );
        sink.warn(place.of("arm_id"), "workspace.arm_id", problem, remedy);
    }
}

fn catalogue_names(applied: &Applied, places: &Places, halo: &BTreeSet<String>, sink: &Sink<'_>) {
    for (name, at) in &places.catalogues {
        if !halo.contains(name) {
            let remedy = "Rename the table to the instance's name, or remove it.";
            sink.warn(*at, format!("catalogue.{name}"), "belongs to no Halo instance", remedy);
        }
    }
    for (client, place) in applied.clients.iter().zip(&places.clients) {
        let Some(binding) = bound(client) else { continue };
        let Some(catalogue) = applied.catalogues.get(&binding.halo) else { continue };
        for fault in names::of_binding(binding, catalogue) {
            sink.wrong(place.of(fault.field), format!("client.{}", fault.field), fault.problem, fault.remedy);
        }
    }
    for (entry, place) in applied.policies.iter().zip(&places.policies) {
        for (name, catalogue) in &applied.catalogues {
            let used = applied
                .workspaces
                .iter()
                .any(|w| w.policy == entry.name() && instance(applied, &w.client) == Some(name));
            if !used && applied.catalogues.len() > 1 {
                continue;
            }
            for fault in names::of_policy(&entry.policy, catalogue) {
                // What a base of the same file says is told of there; which priorities there are is said by the type.
                let own = |field: &str| entry.own.iter().any(|key| key.as_str() == field);
                let by_type = fault.field == "priorities" && own("ticket_type");
                let inherited = entry.base.is_some() && !own(fault.field) && !by_type;
                if inherited && applied.catalogues.len() == 1 {
                    continue;
                }
                sink.wrong(place.of(fault.field), format!("policy.{}", fault.field), fault.problem, fault.remedy);
            }
        }
    }
}

fn instance<'a>(applied: &'a Applied, client: &str) -> Option<&'a String> {
    applied.clients.iter().find(|c| c.name == client)?.halo.as_ref().map(|binding| &binding.halo)
}
