//! Directories, subscriptions, groups, workspaces, rights.

use serde_json::{Value, json};

use super::{
    Ask, Path, body,
    errors::{bad_request, error},
    no_method, paging,
};
use crate::twin::{
    microsoft::{Microsoft, Subscription, directory, directory::ROLES, workspace::Workspace},
    wire::Reply,
};

impl Microsoft {
    pub(super) fn discovery(&mut self, ask: &Ask<'_>, path: &Path) -> Reply {
        let parts = path.parts();
        match (ask.call.method.as_str(), parts.as_slice()) {
            ("GET", _) => {}
            ("HEAD", ["subscriptions", id, "resourcegroups", name]) => {
                return Reply::empty(if self.group(id, name).is_some() { 204 } else { 404 });
            }
            ("POST", ["subscriptions", id, "providers", namespace, "register"]) => {
                return Reply::json(200, &provider(id, namespace));
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
            ["subscriptions", id, "resourcegroups"] => paging::page(ask.call, "arm", self.groups(id), size),
            ["subscriptions", id, "resourcegroups", name] => {
                let found = self.groups(id).into_iter().find(|group| {
                    group.get("name").and_then(Value::as_str).is_some_and(|own| own.eq_ignore_ascii_case(name))
                });
                found.map_or_else(|| no_group(name), |group| Reply::json(200, &group))
            }
            ["subscriptions", id, "locations"] => Reply::json(200, &locations(id)),
            ["subscriptions", id, "providers"] => {
                let rows = PROVIDERS.iter().map(|namespace| provider(id, namespace)).collect();
                paging::page(ask.call, "arm", rows, size)
            }
            ["subscriptions", id, "providers", namespace] => Reply::json(200, &provider(id, namespace)),
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

    /// `Microsoft.Authorization` at any scope. `named`: the part that names one resource.
    pub(super) fn authorization(&mut self, ask: &Ask<'_>, path: &Path, what: &str, named: Option<usize>) -> Reply {
        let end = path.lower.iter().rposition(|part| part == "providers").unwrap_or(0);
        let scope = format!("/{}", path.sent.get(..end).unwrap_or(&[]).join("/"));
        let name = named.map(|at| path.part(at).to_owned());
        match (ask.call.method.as_str(), what, name) {
            ("GET", "permissions", _) => {
                let mut answer = self.directory.permissions(&ask.access.principal.object_id, &scope);
                if answer.get("value").and_then(Value::as_array).is_some_and(Vec::is_empty)
                    && self.delegated(&ask.access, &scope, "*/read")
                {
                    let first = self
                        .subscriptions
                        .first()
                        .map(|first| format!("/subscriptions/{}", first.id))
                        .unwrap_or_default();
                    answer = self.directory.permissions(&ask.access.principal.object_id, &first);
                }
                Reply::json(200, &answer)
            }
            ("GET", "denyassignments", None) => Reply::json(200, &json!({"value": []})),
            ("GET", "roledefinitions", name) => {
                let filter = ask.call.query("$filter").unwrap_or("").trim();
                let Some(wanted) = role_filter(filter) else { return bad_request("The filter is not supported.") };
                let all = ROLES.iter().filter(|role| wanted.is_none_or(|name| role.name.eq_ignore_ascii_case(name))).map(|role| {
                    json!({
                        "id": role_id(&scope, role.id),
                        "name": role.id, "type": "Microsoft.Authorization/roleDefinitions",
                        "properties": {"roleName": role.name, "type": role.kind(), "description": role.name, "assignableScopes": ["/"],
                            "permissions": [{"actions": role.actions, "notActions": role.not_actions, "dataActions": [], "notDataActions": []}]},
                    })
                });
                match name {
                    None => Reply::json(200, &json!({"value": all.collect::<Vec<_>>()})),
                    Some(name) => all
                        .into_iter()
                        .find(|role| {
                            role.get("name").and_then(Value::as_str).is_some_and(|own| own.eq_ignore_ascii_case(&name))
                        })
                        .map_or_else(
                            || {
                                error(
                                    404,
                                    "RoleDefinitionDoesNotExist",
                                    &format!("The role definition '{name}' does not exist."),
                                )
                            },
                            |role| Reply::json(200, &role),
                        ),
                }
            }
            ("GET", "roleassignments", None) => {
                if let Err(refused) =
                    self.check_right(&ask.access, "Microsoft.Authorization/roleAssignments/read", &scope)
                {
                    return refused;
                }
                self.assignments(ask, &scope)
            }
            ("GET", "roleassignments", Some(name)) => {
                match self.directory.assignments.values().find(|given| given.name.eq_ignore_ascii_case(&name)) {
                    Some(given) => Reply::json(200, &assignment_json(given)),
                    None => {
                        error(404, "RoleAssignmentNotFound", &format!("The role assignment '{name}' is not found."))
                    }
                }
            }
            ("PUT", "roleassignments", Some(name)) => {
                match self.check_right(&ask.access, "Microsoft.Authorization/roleAssignments/write", &scope) {
                    Ok(()) => self.put_assignment(ask, &scope, name),
                    Err(refused) => refused,
                }
            }
            ("DELETE", "roleassignments", Some(name)) => {
                match self.check_right(&ask.access, "Microsoft.Authorization/roleAssignments/delete", &scope) {
                    Ok(()) => self
                        .directory
                        .assignments
                        .remove(&name)
                        .map_or_else(|| Reply::empty(204), |given| Reply::json(200, &assignment_json(&given))),
                    Err(refused) => refused,
                }
            }
            (method, _, _) => no_method(method),
        }
    }

    fn assignments(&self, ask: &Ask<'_>, scope: &str) -> Reply {
        let filter = ask.call.query("$filter").unwrap_or("").replace(' ', "").to_lowercase();
        let principal = |text: &str| {
            filter
                .strip_prefix(text)
                .and_then(|rest| rest.strip_suffix(')').or(Some(rest)))
                .map(|id| id.trim_matches('\'').to_owned())
        };
        let wanted = principal("assignedto(").or_else(|| principal("principalideq"));
        if wanted.is_none() && !matches!(filter.as_str(), "" | "atscope()") {
            return bad_request("The filter is not supported.");
        }
        let rows = self
            .directory
            .assignments
            .values()
            .filter(|given| {
                directory::covers(&given.scope, scope) || (filter.is_empty() && directory::covers(scope, &given.scope))
            })
            .filter(|given| wanted.as_ref().is_none_or(|wanted| given.principal_id.eq_ignore_ascii_case(wanted)))
            .map(assignment_json)
            .collect();
        paging::page(ask.call, "arm", rows, paging::TOP_MAX)
    }

    fn put_assignment(&mut self, ask: &Ask<'_>, scope: &str, name: String) -> Reply {
        let sent = match body(ask.call) {
            Ok(sent) => sent,
            Err(refused) => return refused,
        };
        let text =
            |member: &str| sent.pointer(&format!("/properties/{member}")).and_then(Value::as_str).map(str::to_owned);
        let (Some(role_id), Some(principal_id)) = (text("roleDefinitionId"), text("principalId")) else {
            return bad_request("roleDefinitionId and principalId are required.");
        };
        let Some(role) = directory::role(&role_id) else {
            return error(
                400,
                "RoleDefinitionDoesNotExist",
                &format!("The specified role definition with ID '{role_id}' does not exist."),
            );
        };
        let known = self.directory.user(&principal_id).is_some()
            || self.directory.tenants.iter().any(|tenant| {
                [&tenant.app_object_id, &tenant.insights_object_id]
                    .iter()
                    .any(|id| id.eq_ignore_ascii_case(&principal_id))
            })
            || self.resources.values().any(|kept| {
                kept.pointer("/identity/principalId")
                    .and_then(Value::as_str)
                    .is_some_and(|id| id.eq_ignore_ascii_case(&principal_id))
            });
        if !known {
            return error(
                400,
                "PrincipalNotFound",
                &format!(
                    "Principal {principal_id} does not exist in the directory {}. Check that you have the correct principal ID.",
                    ask.access.tenant_id
                ),
            );
        }
        let twice = self.directory.assignments.values().any(|given| {
            given.name != name
                && given.principal_id == principal_id
                && given.role_id == role.id
                && given.scope.eq_ignore_ascii_case(scope)
        });
        if twice {
            return error(409, "RoleAssignmentExists", "The role assignment already exists.");
        }
        let given = directory::Assignment {
            name: name.clone(),
            principal_id,
            principal_kind: text("principalType").unwrap_or_else(|| "ServicePrincipal".into()),
            role_id: role.id.to_owned(),
            scope: scope.to_owned(),
        };
        let answer = assignment_json(&given);
        let known = self.directory.assignments.insert(name, given).is_some();
        Reply::json(if known { 200 } else { 201 }, &answer)
    }
}

fn assignment_json(given: &directory::Assignment) -> Value {
    json!({
        "id": format!("{}/providers/Microsoft.Authorization/roleAssignments/{}", given.scope, given.name), "name": given.name,
        "type": "Microsoft.Authorization/roleAssignments",
        "properties": {
            "roleDefinitionId": role_id(&given.scope, &given.role_id),
            "principalId": given.principal_id, "principalType": given.principal_kind, "scope": given.scope,
        },
    })
}

/// The role name a filter of role definitions asks for: `None` inside is every role; `None` is no such filter.
fn role_filter(filter: &str) -> Option<Option<&str>> {
    let lower = filter.to_lowercase();
    if let Some(rest) = lower.strip_prefix("rolename eq ") {
        let name = filter.get(filter.len() - rest.len()..)?;
        return Some(Some(name.trim().trim_matches('\'')));
    }
    matches!(lower.as_str(), "" | "atscopeandbelow()" | "atscope()" | "type eq 'builtinrole'").then_some(None)
}

/// Resource providers this stand-in plays.
const PROVIDERS: [&str; 6] = [
    "Microsoft.Authorization",
    "Microsoft.Logic",
    "Microsoft.OperationalInsights",
    "Microsoft.Resources",
    "Microsoft.SecurityInsights",
    "Microsoft.Web",
];

fn provider(subscription: &str, namespace: &str) -> Value {
    let name = PROVIDERS.iter().find(|known| known.eq_ignore_ascii_case(namespace)).copied().unwrap_or(namespace);
    json!({
        "id": format!("/subscriptions/{subscription}/providers/{name}"), "namespace": name,
        "registrationState": "Registered", "registrationPolicy": "RegistrationRequired", "resourceTypes": [],
    })
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

/// A role's id as a scope's lists and assignments tell it: below the subscription, whatever the scope.
fn role_id(scope: &str, role: &str) -> String {
    let subscription = match scope.split('/').collect::<Vec<_>>().as_slice() {
        ["", word, id, ..] if word.eq_ignore_ascii_case("subscriptions") => format!("/subscriptions/{id}"),
        _ => String::new(),
    };
    format!("{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}")
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
