//! Microsoft's side: Entra ID, Azure Resource Manager with Sentinel, Log Analytics, a little Graph.
//!
//! Start reading at [`arm`] (the front door of the management API) and [`incident`]. Where the real
//! behaviour is not known there is a switch ([`switches`]).

pub mod acts;
pub mod arm;
pub mod automation;
mod defender;
pub mod directory;
pub mod entra;
pub mod evidence;
pub mod graph;
pub mod incident;
pub mod log_analytics;
pub mod seed;
pub mod switches;
pub mod throttle;
pub mod workspace;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use self::{
    automation::Automation, directory::Directory, entra::Entra, switches::Switches, throttle::Throttle,
    workspace::Workspace,
};
use crate::twin::{limits::Limits, stamp::Ticker};

/// A subscription.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// GUID.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Directory.
    pub tenant_id: String,
    /// `Enabled`, `Disabled`, …
    pub state: &'static str,
    /// Resource groups.
    pub groups: Vec<Group>,
}

/// A resource group.
#[derive(Debug, Clone)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Region.
    pub location: String,
    /// Tags, a JSON object.
    pub tags: Value,
}

impl Group {
    /// A group of this name in the twin's usual region, without tags.
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), location: "westeurope".into(), tags: json!({}) }
    }
}

/// Everything on Microsoft's side.
pub struct Microsoft {
    /// Switches.
    pub switches: Switches,
    /// Who there is.
    pub directory: Directory,
    /// Sign-in.
    pub entra: Entra,
    /// Subscriptions in the order they were made.
    pub subscriptions: Vec<Subscription>,
    /// Workspaces in the order they were made.
    pub workspaces: Vec<Workspace>,
    /// Deployments, workflows, connections by lower-case id.
    pub resources: BTreeMap<String, Value>,
    /// Templates of the deployments by lower-case id; their parameters, which may hold secrets, are not kept.
    pub templates: BTreeMap<String, Value>,
    /// Deployments, by lower-case id, that the next who asks is told to be running.
    pub running: BTreeSet<String>,
    /// Rate limits.
    pub throttle: Throttle,
    /// Rules waiting to run.
    pub automation: Automation,
    /// Set for the time of one call by a stale-read fault: writes younger than this are not seen.
    pub stale: Option<jiff::SignedDuration>,
    by_id: HashMap<String, usize>,
    by_customer: HashMap<String, usize>,
    ticker: Ticker,
}

impl Microsoft {
    /// Sets a switch by name; `Ok(false)` when there is none of that name.
    ///
    /// # Errors
    /// When the value does not fit the switch.
    pub fn set_switch(&mut self, name: &str, value: &str) -> Result<bool, String> {
        let known = self.switches.set(name, value)?;
        if name == "claims_challenge" {
            self.entra.challenge(self.switches.claims_challenge);
        }
        if known {
            for workspace in &mut self.workspaces {
                workspace.forget_texts();
            }
        }
        Ok(known)
    }

    /// Changes how strictly limits are kept; everybody's budget is full again.
    pub fn set_limits(&mut self, limits: Limits) {
        self.throttle = Throttle::new(limits);
    }

    /// What the management API tells of its cloud to anyone who asks (`/metadata/endpoints`).
    pub fn cloud(&self, origin: &str) -> Value {
        json!({
            "name": "Twin",
            "resourceManager": format!("{origin}/arm"),
            "authentication": {
                "loginEndpoint": format!("{origin}/entra"),
                "audiences": ["https://management.azure.com"],
                "tenant": "common",
                "identityProvider": "AAD",
            },
            "logAnalyticsResourceId": format!("{origin}/loganalytics"),
            "microsoftGraphResourceId": format!("{origin}/graph"),
        })
    }

    /// The clock was set: times may go back.
    pub fn clock_set(&mut self) {
        self.ticker.rewind();
    }

    /// The place of a workspace by its resource id, whatever the letter case.
    pub fn workspace_place(&self, id: &str) -> Option<usize> {
        self.by_id.get(&id.to_lowercase()).copied()
    }

    /// The place of the workspace with this name: those of the first subscription come first.
    pub fn workspace_named(&self, name: &str) -> Option<usize> {
        self.workspaces
            .iter()
            .position(|workspace| workspace.name.eq_ignore_ascii_case(name) || workspace.id.eq_ignore_ascii_case(name))
    }

    fn add_workspace(&mut self, workspace: Workspace) {
        let at = self.workspaces.len();
        self.by_id.insert(workspace.id.to_lowercase(), at);
        self.by_customer.insert(workspace.customer_id.to_lowercase(), at);
        self.workspaces.push(workspace);
    }

    /// The members of the line that `halobridge twin` prints: addresses come from the server.
    pub fn connection(&self) -> Value {
        let Some(first) = self.subscriptions.first() else { return json!({}) };
        let group = first.groups.first().map_or("", |group| group.name.as_str());
        let plain = |workspace: &&Workspace| workspace.subscription_id == first.id && workspace.resource_group == group;
        let names: Vec<&str> = self.workspaces.iter().filter(plain).map(|workspace| workspace.name.as_str()).collect();
        let details: Vec<Value> = self
            .workspaces
            .iter()
            .map(|workspace| {
                json!({
                    "name": workspace.name, "id": workspace.id, "tenant_id": workspace.tenant_id,
                    "subscription_id": workspace.subscription_id, "resource_group": workspace.resource_group,
                    "customer_id": workspace.customer_id, "onboarded": workspace.onboarded,
                })
            })
            .collect();
        let secret = self.entra.app.secrets.first().map_or("", |(secret, _)| secret);
        json!({
            "tenant_id": first.tenant_id, "client_id": self.entra.app.client_id, "client_secret": secret,
            "subscription_id": first.id, "resource_group": group, "workspaces": names, "workspace_details": details,
            "tenants": self.directory.tenants.iter().map(|tenant| json!({"tenant_id": tenant.id, "name": tenant.name, "domain": tenant.domain})).collect::<Vec<_>>(),
            "users": self.directory.users.iter().map(|user| json!({"upn": user.upn, "name": user.name, "object_id": user.object_id, "tenant_id": user.tenant_id})).collect::<Vec<_>>(),
        })
    }

    /// End state for checks: workspaces with their incidents, each with its children.
    pub fn state(&self) -> Value {
        let workspaces: Vec<Value> = self
            .workspaces
            .iter()
            .map(|workspace| {
                let shown = incident::Shown {
                    workspace_id: &workspace.id,
                    tenant_id: &workspace.tenant_id,
                    merged_members: self.switches.merged_incident_members,
                };
                let incidents: Vec<Value> = workspace
                    .iter()
                    .map(|incident| {
                        let mut value = incident.to_json(&shown);
                        if let Some(map) = value.as_object_mut() {
                            let comments = incident.comments.iter().map(|c| incident.comment_json(c, &workspace.id));
                            let tasks = incident.tasks.iter().map(|t| incident.task_json(t, &workspace.id));
                            let relations = incident.relations.iter().map(|r| incident.relation_json(r, workspace));
                            map.insert("comments".into(), comments.collect());
                            map.insert("tasks".into(), tasks.collect());
                            map.insert("relations".into(), relations.collect());
                            let alerts = incident.alerts.iter().map(|alert| json!(alert.id));
                            map.insert("alertIds".into(), alerts.collect());
                            let target = incident.merged_into.as_ref().map(|(number, _)| *number);
                            map.insert("mergedInto".into(), json!(target));
                        }
                        value
                    })
                    .collect();
                json!({
                    "name": workspace.name, "id": workspace.id, "tenant_id": workspace.tenant_id, "incidents": incidents,
                    "rules": workspace.rules.values().collect::<Vec<_>>(),
                })
            })
            .collect();
        json!({"workspaces": workspaces, "resources": self.resources.values().collect::<Vec<_>>()})
    }
}
