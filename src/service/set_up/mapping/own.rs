//! A policy that builds on another one, and the rules of one client: which keys are its own, where each comes from.

use std::collections::BTreeSet;

use toml::Value;

use super::{overlay, values};
use crate::{
    config::policy::{PolicyEntry, lines},
    domain::{
        catalogue::Catalogue,
        ids::{ClientId, ConnectionId, PolicyId, WorkspaceId},
        policy::{Policy, PolicyKey},
        view::mapping::{Above, OnBase, Owner, Said},
    },
    service::{
        configuration::Installed,
        error::ServiceError,
        set_up::{Typed, draft},
    },
};

/// The policy that a page is about.
pub(super) struct Subject {
    /// The entry that is changed; `None` makes a new one.
    pub before: Option<PolicyEntry>,
    /// What the page begins with; `None` where everything is suggested.
    pub start: Option<PolicyEntry>,
    /// What it builds on.
    pub base: Option<Policy>,
    /// The client whose rules they are.
    pub client: Option<OfClient>,
    /// For a new one: the policies that there are by now.
    pub beside: Vec<String>,
}

/// A client and the policies that its workspaces follow.
#[derive(Debug)]
pub(super) struct OfClient {
    pub owner: Owner,
    /// Its Halo instance.
    pub halo: Option<ConnectionId>,
    /// Each workspace with the name of its policy, by ARM id.
    pub workspaces: Vec<(WorkspaceId, String, String)>,
}

impl Subject {
    /// The policy of this name (`new` for a new one, empty for the first).
    pub fn policy(installed: &Installed, name: &str) -> Result<Self, ServiceError> {
        let all = &installed.applied.policies;
        let before = match name {
            "" => all.iter().find(|entry| entry.base.is_none()),
            "new" => None,
            name => Some(all.iter().find(|entry| entry.name() == name).ok_or(ServiceError::NotFound)?),
        };
        let base = before.and_then(|entry| entry.base.as_deref()).and_then(|name| named(installed, name));
        let base = base.map(|entry| entry.policy.clone());
        let beside = match before {
            Some(_) => Vec::new(),
            None => all.iter().map(|entry| entry.name().to_owned()).collect(),
        };
        Ok(Self { before: before.cloned(), start: before.cloned(), base, client: None, beside })
    }

    /// The rules of a client: its own policy where it has one, else a new one on what its workspaces follow.
    pub fn client(installed: &Installed, id: &str) -> Result<Self, ServiceError> {
        let id: ClientId = id.parse().map_err(|_| ServiceError::NotFound)?;
        let there = &installed.installation;
        let client = there.clients.iter().find(|client| client.id == id).ok_or(ServiceError::NotFound)?;
        let policy_of = |id: PolicyId| there.policies.iter().find(|p| p.id == id).map_or("", |p| p.name.as_str());
        let workspaces: Vec<(WorkspaceId, String, String)> = (there.workspaces.iter())
            .filter(|row| row.client == id)
            .map(|row| (row.id, row.arm_id.clone(), policy_of(row.policy).to_owned()))
            .collect();
        let of = OfClient {
            owner: Owner { id, name: client.name.clone() },
            halo: client.halo.as_ref().map(|binding| binding.connection),
            workspaces,
        };
        let followed = of.workspaces.first().and_then(|(.., policy)| named(installed, policy));
        let Some(followed) = followed else {
            return Ok(Self { before: None, start: None, base: None, client: Some(of), beside: Vec::new() });
        };
        let Some(base) = followed.base.as_deref().and_then(|name| named(installed, name)) else {
            let mut start = PolicyEntry { base: Some(followed.name().to_owned()), ..followed.clone() };
            start.policy.name = free_name(installed, &of.owner.name);
            return Ok(Self {
                before: None,
                start: Some(start),
                base: Some(followed.policy.clone()),
                client: Some(of),
                beside: Vec::new(),
            });
        };
        let shared = (there.workspaces.iter()).any(|row| row.client != id && policy_of(row.policy) == followed.name());
        let mut start = followed.clone();
        if shared {
            start.policy.name = free_name(installed, &of.owner.name);
        }
        let before = (!shared).then(|| followed.clone());
        let base = Some(base.policy.clone());
        Ok(Self { before, start: Some(start), base, client: Some(of), beside: Vec::new() })
    }

    /// What decides whether somebody else saved in between.
    pub fn mark(&self) -> String {
        let placed = self.client.as_ref().map(|of| &of.workspaces);
        draft::mark(&(&self.before, &self.base, placed, &self.beside))
    }

    /// The keys that are the policy's own when this is saved: those that were typed anew and differ from the base, and
    /// those that were its own, also where they say the same as the base by now. They are given back by their tick alone.
    pub fn own(&self, typed: &Typed, draft: &Policy, catalogue: &Catalogue) -> BTreeSet<PolicyKey> {
        let (Some(base), Some(start)) = (&self.base, &self.start) else { return BTreeSet::new() };
        // compared as the page gives them back: an id there may be a name here
        let (base, shown) = (as_given_back(base, catalogue), as_given_back(&start.policy, catalogue));
        let own = |key: &PolicyKey| {
            if typed.ticked(&format!("inherit.{}", key.as_str())) {
                return false;
            }
            start.own.contains(key) || (!key.same(draft, &shown) && !key.same(draft, &base))
        };
        PolicyKey::ALL.iter().copied().filter(own).collect()
    }

    /// The policy that the form describes, with what it takes over.
    pub fn resolved(&self, typed: &Typed, catalogue: &Catalogue) -> PolicyEntry {
        let mut policy = overlay::policy(typed, self.start.as_ref().map(|entry| &entry.policy), catalogue);
        let own = self.own(typed, &policy, catalogue);
        if let Some(base) = &self.base {
            policy.inherit(base, &own);
        }
        PolicyEntry { policy, base: self.base.as_ref().map(|base| base.name.clone()), own }
    }

    /// What the page says of the base.
    pub fn on(&self) -> Option<OnBase> {
        let base = self.base.as_ref()?;
        let of = self.client.as_ref();
        let mut others: Vec<String> = Vec::new();
        let here = self.before.as_ref().map_or(base.name.as_str(), |entry| entry.name());
        for (.., policy) in of.iter().flat_map(|of| &of.workspaces) {
            if policy != here && !others.contains(policy) {
                others.push(policy.clone());
            }
        }
        Some(OnBase { base: base.name.clone(), client: of.map(|of| of.owner.clone()), others })
    }

    /// What each key says, and where that comes from.
    pub fn said(&self, entry: &PolicyEntry) -> Vec<Said> {
        let stock = Policy::new(PolicyId(uuid::Uuid::nil()), "", entry.policy.ticket_type.clone(), entry.policy.notes);
        let (now, base) = (lines(&entry.policy), self.base.as_ref().map(lines));
        let row = |key: &PolicyKey| Said {
            key: *key,
            says: words(now.get(key.as_str())),
            // these two have no default
            set: matches!(key, PolicyKey::TicketType | PolicyKey::Notes) || !key.same(&entry.policy, &stock),
            own: entry.own.contains(key),
            base: base.as_ref().map(|base| words(base.get(key.as_str()))).unwrap_or_default(),
        };
        PolicyKey::ALL.iter().map(row).collect()
    }
}

/// The policies that build on this one, and who follows them.
pub(super) fn above(installed: &Installed, base: &str) -> Vec<Above> {
    let there = &installed.installation;
    let row = |entry: &PolicyEntry| {
        let id = there.policies.iter().find(|policy| policy.name == entry.name()).map(|policy| policy.id);
        let follows = |client: ClientId| there.workspaces.iter().any(|w| w.client == client && Some(w.policy) == id);
        let clients = there.clients.iter().filter(|client| follows(client.id));
        Above {
            policy: entry.name().to_owned(),
            clients: clients.map(|client| Owner { id: client.id, name: client.name.clone() }).collect(),
            own: PolicyKey::ALL.iter().copied().filter(|key| entry.own.contains(key)).collect(),
        }
    };
    installed.applied.policies.iter().filter(|entry| entry.base.as_deref() == Some(base)).map(row).collect()
}

fn named<'a>(installed: &'a Installed, name: &str) -> Option<&'a PolicyEntry> {
    installed.applied.policies.iter().find(|entry| entry.name() == name)
}

/// A name for a client's own policy: the client's, with a number where that is taken.
fn free_name(installed: &Installed, client: &str) -> String {
    let taken = |name: &str| installed.applied.policies.iter().any(|entry| entry.name().eq_ignore_ascii_case(name));
    let mut names = std::iter::once(client.to_owned()).chain((2..).map(|n| format!("{client} ({n})")));
    names.find(|name| !taken(name)).unwrap_or_default()
}

fn as_given_back(policy: &Policy, catalogue: &Catalogue) -> Policy {
    overlay::policy(&Typed::new(values::form(policy, catalogue).values), Some(policy), catalogue)
}

/// Rows of tables in the order in which people think of them; others follow by name.
const ORDER: [&str; 7] = ["High", "Medium", "Low", "Informational", "New", "Active", "Closed"];

/// A value of the file in words.
pub fn words(value: Option<&Value>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Boolean(on)) => if *on { "yes" } else { "no" }.to_owned(),
        Some(Value::Array(items)) => items.iter().map(|item| words(Some(item))).collect::<Vec<_>>().join(", "),
        Some(Value::Table(rows)) => {
            // a mapped field is known by its name; how it crosses stands in its part
            if let (Some(field), true) = (rows.get("field").or(rows.get("member")), rows.contains_key("wins")) {
                let source = ["path", "template", "text"].into_iter().find_map(|key| rows.get(key));
                return format!("{} from {}", words(Some(field)), words(source));
            }
            // a verdict is known by its name, as Microsoft writes it
            if let Some(verdict) = rows.get("classification") {
                let reason = rows.get("reason").map(|reason| format!(" ({})", words(Some(reason))));
                return format!("{}{}", words(Some(verdict)), reason.unwrap_or_default());
            }
            let place = |key: &str| ORDER.iter().position(|known| *known == key).unwrap_or(ORDER.len());
            let mut sorted: Vec<(&String, &Value)> = rows.iter().collect();
            sorted.sort_by_key(|(key, _)| place(key));
            let row = |(key, value): (&String, &Value)| format!("{}: {}", key.replace('_', " "), words(Some(value)));
            sorted.into_iter().map(row).collect::<Vec<_>>().join(", ")
        }
        Some(other) => other.to_string(),
    }
}
