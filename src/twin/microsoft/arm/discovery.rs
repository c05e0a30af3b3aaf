//! Directories, subscriptions, groups, workspaces: of each what the caller may see.

use serde_json::{Value, json};

use super::{Ask, Path, errors::error, no_method, paging, providers};
use crate::twin::{
    microsoft::{Microsoft, Subscription, workspace::Workspace},
    wire::Reply,
};

/// The right to see a resource group.
const GROUP_READ: &str = "Microsoft.Resources/subscriptions/resourceGroups/read";
/// The right to see the resource providers of a subscription.
const PROVIDERS_READ: &str = "Microsoft.Resources/subscriptions/providers/read";
/// The right to see the regions of a subscription.
const LOCATIONS_READ: &str = "Microsoft.Resources/subscriptions/locations/read";

impl Microsoft {
    pub(super) fn discovery(&mut self, ask: &Ask<'_>, path: &Path) -> Reply {
        let parts = path.parts();
        match (ask.call.method.as_str(), parts.as_slice()) {
            ("GET", _) => {}
            ("HEAD", ["subscriptions", id, "resourcegroups", name]) => {
                if let Err(refused) = self.check_right(&ask.access, GROUP_READ, &group_id(id, name)) {
                    return Reply::empty(refused.status);
                }
                return Reply::empty(if self.group(id, name).is_some() { 204 } else { 404 });
            }
            ("POST", ["subscriptions", id, "providers", _, "register"]) => {
                return providers::one(id, path.part(3));
            }
            ("PUT", ["subscriptions", id, "resourcegroups", _]) => return self.put_group(ask, id, path.part(3)),
            (method, _) => return no_method(method),
        }
        let size = self.switches.discovery_page.max(1);
        match parts.as_slice() {
            ["tenants"] => complete(paging::page(ask.call, "arm", self.tenants_of(ask), size), None),
            ["subscriptions"] => {
                let rows: Vec<Value> = self
                    .subscriptions
                    .iter()
                    .filter(|one| self.sees(ask, one))
                    .map(|one| self.subscription_json(one, ask))
                    .collect();
                let count = rows.len();
                let reply = paging::page(ask.call, "arm", rows, size);
                complete(reply, Some(count))
            }
            ["subscriptions", id] => match self.subscriptions.iter().find(|one| one.id.eq_ignore_ascii_case(id)) {
                Some(one) if self.sees(ask, one) => Reply::json(200, &self.subscription_json(one, ask)),
                Some(_) | None => {
                    error(404, "SubscriptionNotFound", &format!("The subscription '{id}' could not be found."))
                }
            },
            ["subscriptions", id, "resourcegroups"] => {
                let named = |group: &Value| group.get("name").and_then(Value::as_str).unwrap_or("").to_owned();
                let mut rows = self.groups(id);
                rows.retain(|group| self.allowed(&ask.access, GROUP_READ, &group_id(id, &named(group))));
                paging::page(ask.call, "arm", rows, size)
            }
            ["subscriptions", id, "resourcegroups", name] => {
                if let Err(refused) = self.check_right(&ask.access, GROUP_READ, &group_id(id, name)) {
                    return refused;
                }
                let found = self.groups(id).into_iter().find(|group| {
                    group.get("name").and_then(Value::as_str).is_some_and(|own| own.eq_ignore_ascii_case(name))
                });
                found.map_or_else(|| no_group(name), |group| Reply::json(200, &group))
            }
            ["subscriptions", id, "locations"] => {
                let seen = self.allowed(&ask.access, LOCATIONS_READ, &format!("/subscriptions/{id}"));
                Reply::json(200, &if seen { locations(id) } else { json!({"value": []}) })
            }
            ["subscriptions", id, "providers"] => {
                let seen = self.allowed(&ask.access, PROVIDERS_READ, &format!("/subscriptions/{id}"));
                paging::page(ask.call, "arm", if seen { providers::all(id) } else { Vec::new() }, size)
            }
            ["subscriptions", id, "providers", _] => {
                match self.check_right(&ask.access, PROVIDERS_READ, &format!("/subscriptions/{id}")) {
                    Ok(()) => providers::one(id, path.part(3)),
                    Err(refused) => refused,
                }
            }
            ["subscriptions", id, "resources"] => self.resource_list(ask, id, None, size),
            ["subscriptions", id, "resourcegroups", group, "resources"] => match self.group(id, group) {
                Some(group) => self.resource_list(ask, id, Some(group), size),
                None => no_group(group),
            },
            ["providers", "microsoft.securityinsights", "operations"] => {
                Reply::json(200, &json!({"value": OPERATIONS.map(operation)}))
            }
            ["subscriptions", id, "providers", "microsoft.operationalinsights", "workspaces"] => {
                paging::page(ask.call, "arm", self.workspaces_of(ask, id, None), size)
            }
            [
                "subscriptions",
                id,
                "resourcegroups",
                group,
                "providers",
                "microsoft.operationalinsights",
                "workspaces",
            ] => {
                if self.group(id, group).is_none() {
                    return no_group(group);
                }
                paging::page(ask.call, "arm", self.workspaces_of(ask, id, Some(group)), size)
            }
            [
                "subscriptions",
                _,
                "resourcegroups",
                _,
                "providers",
                "microsoft.operationalinsights",
                "workspaces",
                _,
            ] => self.one_workspace(ask, path),
            _ => error(404, "ResourceNotFound", &format!("The Resource '{}' was not found.", ask.call.path)),
        }
    }

    /// A person sees home and every directory where a guest; an application sees the token's.
    fn tenants_of(&self, ask: &Ask<'_>) -> Vec<Value> {
        let user = self.directory.user(&ask.access.principal.object_id);
        let tenants = self.directory.tenants.iter().filter(|tenant| match user {
            Some(user) => tenant.id == user.tenant_id || user.guest_in.contains(&tenant.id),
            None => tenant.id == ask.access.tenant_id,
        });
        tenants
            .map(|tenant| {
                json!({
                    "id": format!("/tenants/{}", tenant.id), "tenantId": tenant.id, "countryCode": "DE",
                    "displayName": tenant.name, "defaultDomain": tenant.domain, "domains": [tenant.domain],
                    "tenantCategory": "Home", "tenantType": "AAD",
                })
            })
            .collect()
    }

    fn sees(&self, ask: &Ask<'_>, subscription: &Subscription) -> bool {
        let scope = format!("/subscriptions/{}", subscription.id);
        let own = subscription.tenant_id == ask.access.tenant_id;
        (own && self.directory.sees(&ask.access.principal.object_id, &scope))
            || (!own
                && self.allowed(&ask.access, "Microsoft.Resources/subscriptions/read", &scope)
                && self.switches.lighthouse)
    }

    fn subscription_json(&self, subscription: &Subscription, ask: &Ask<'_>) -> Value {
        let home = self.directory.tenants.first();
        let managed = self.switches.lighthouse && home.is_some_and(|home| home.id != subscription.tenant_id);
        let managers: Vec<Value> =
            home.filter(|_| managed).map(|home| json!({"tenantId": home.id})).into_iter().collect();
        let source = if managed && ask.access.tenant_id != subscription.tenant_id {
            "RoleBased, Management"
        } else {
            "RoleBased"
        };
        json!({
            "id": format!("/subscriptions/{}", subscription.id), "authorizationSource": source, "managedByTenants": managers,
            "subscriptionId": subscription.id, "tenantId": subscription.tenant_id, "displayName": subscription.name,
            "state": subscription.state,
            "subscriptionPolicies": {"locationPlacementId": "Public_2014-09-01", "quotaId": "EnterpriseAgreement_2014-09-01", "spendingLimit": "Off"},
        })
    }

    pub(super) fn workspaces_of(&self, ask: &Ask<'_>, subscription: &str, group: Option<&str>) -> Vec<Value> {
        self.workspaces
            .iter()
            .filter(|workspace| workspace.subscription_id.eq_ignore_ascii_case(subscription))
            .filter(|workspace| group.is_none_or(|group| workspace.resource_group.eq_ignore_ascii_case(group)))
            .filter(|workspace| {
                self.allowed(&ask.access, "Microsoft.OperationalInsights/workspaces/read", &workspace.id)
            })
            .map(|workspace| workspace_json(workspace, self.switches.lower_case_ids))
            .collect()
    }

    fn one_workspace(&self, ask: &Ask<'_>, path: &Path) -> Reply {
        let id = format!("/{}", path.sent.join("/"));
        if let Err(refused) = self.check_right(&ask.access, "Microsoft.OperationalInsights/workspaces/read", &id) {
            return refused;
        }
        if self.group(path.part(1), path.part(3)).is_none() {
            return no_group(path.part(3));
        }
        match self.workspace_place(&id).and_then(|place| self.workspaces.get(place)) {
            Some(workspace) => Reply::json(200, &workspace_json(workspace, self.switches.lower_case_ids)),
            None => {
                let message = format!(
                    "The Resource 'Microsoft.OperationalInsights/workspaces/{}' under resource group '{}' was not found.",
                    path.part(7),
                    path.part(3)
                );
                error(404, "ResourceNotFound", &message)
            }
        }
    }
}

/// The operations of Sentinel that are played here.
const OPERATIONS: [(&str, &str); 12] = [
    ("incidents/read", "Gets an incident"),
    ("incidents/write", "Creates or updates an incident"),
    ("incidents/delete", "Deletes an incident"),
    ("incidents/comments/read", "Gets the incident comments"),
    ("incidents/comments/write", "Creates a comment on the incident"),
    ("incidents/comments/delete", "Deletes a comment on the incident"),
    ("incidents/relations/read", "Gets a relation between the incident and related resources"),
    ("incidents/relations/write", "Updates a relation between the incident and related resources"),
    ("incidents/tasks/read", "Gets a task on the incident"),
    ("incidents/tasks/write", "Updates a task on the incident"),
    ("automationRules/read", "Gets an automation rule"),
    ("automationRules/write", "Updates an automation rule"),
];

fn operation((name, words): (&str, &str)) -> Value {
    json!({
        "name": format!("Microsoft.SecurityInsights/{name}"), "isDataAction": false, "origin": "user,system",
        "display": {"provider": "Microsoft Security Insights", "resource": "Incidents", "operation": words, "description": words},
    })
}

/// A workspace as a read of it shows it.
pub(super) fn workspace_json(workspace: &Workspace, lower_case: bool) -> Value {
    let id = if lower_case {
        format!(
            "/subscriptions/{}/resourcegroups/{}/providers/microsoft.operationalinsights/workspaces/{}",
            workspace.subscription_id,
            workspace.resource_group.to_lowercase(),
            workspace.name.to_lowercase()
        )
    } else {
        workspace.id.clone()
    };
    json!({
        "properties": {
            "customerId": workspace.customer_id, "provisioningState": "Succeeded", "sku": {"name": "PerGB2018"},
            "retentionInDays": 90, "publicNetworkAccessForIngestion": "Enabled", "publicNetworkAccessForQuery": "Enabled",
        },
        "location": workspace.location, "id": id, "name": workspace.name, "type": "Microsoft.OperationalInsights/workspaces",
    })
}

fn group_id(subscription: &str, name: &str) -> String {
    format!("/subscriptions/{subscription}/resourceGroups/{name}")
}

fn locations(subscription: &str) -> Value {
    let row = |name: &str, shown: &str| json!({"id": format!("/subscriptions/{subscription}/locations/{name}"), "subscriptionId": subscription, "name": name, "type": "Region", "displayName": shown, "regionalDisplayName": format!("(Europe) {shown}")});
    json!({"value": [row("westeurope", "West Europe"), row("northeurope", "North Europe")]})
}

pub(super) fn no_group(name: &str) -> Reply {
    error(404, "ResourceGroupNotFound", &format!("Resource group '{name}' could not be found."))
}

/// Adds what these two lists have and others have not: a count, and a `nextLink` that the description
/// demands even on the last page, where it is empty.
fn complete(reply: Reply, count: Option<usize>) -> Reply {
    let Some(mut body) = serde_json::from_slice::<Value>(&reply.body).ok() else { return reply };
    match body.as_object_mut() {
        Some(map) if map.contains_key("value") => {
            map.entry("nextLink").or_insert_with(|| "".into());
            if let Some(count) = count {
                map.insert("count".into(), json!({"type": "Total", "value": count}));
            }
            Reply::json(reply.status, &body)
        }
        _ => reply,
    }
}
