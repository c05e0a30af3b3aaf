//! Rights and roles: permissions, role definitions, role assignments.

use serde_json::{Value, json};

use super::{
    Ask, Path, body,
    errors::{bad_request, error},
    no_method, paging,
};
use crate::twin::{
    microsoft::{Microsoft, directory, directory::ROLES},
    wire::Reply,
};

impl Microsoft {
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
                if let Err(refused) =
                    self.check_right(&ask.access, "Microsoft.Authorization/roleAssignments/read", &scope)
                {
                    return refused;
                }
                match self.directory.assignment(&name).filter(|given| given.is_at(&scope)) {
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
                    // One of this name at another scope is another resource: it stays.
                    Ok(()) if self.directory.assignment(&name).is_some_and(|given| given.is_at(&scope)) => self
                        .directory
                        .assignments
                        .remove(&name.to_lowercase())
                        .map_or_else(|| Reply::empty(204), |given| Reply::json(200, &assignment_json(&given))),
                    Ok(()) => Reply::empty(204),
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
        if self.directory.assignment(&name).is_some_and(|given| !given.is_at(scope)) {
            // A name is of one assignment in the whole directory, and that one cannot be moved.
            let text = "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.";
            return error(400, "RoleAssignmentUpdateNotPermitted", text);
        }
        let twice = self.directory.assignments.values().any(|given| {
            !given.name.eq_ignore_ascii_case(&name)
                && given.principal_id == principal_id
                && given.role_id == role.id
                && given.scope.eq_ignore_ascii_case(scope)
        });
        if twice {
            return error(409, "RoleAssignmentExists", "The role assignment already exists.");
        }
        let given = directory::Assignment {
            name,
            principal_id,
            principal_kind: text("principalType").unwrap_or_else(|| "ServicePrincipal".into()),
            role_id: role.id.to_owned(),
            scope: scope.to_owned(),
        };
        let answer = assignment_json(&given);
        let known = self.directory.assignments.insert(given.name.to_lowercase(), given).is_some();
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

/// A role's id as a scope's lists and assignments tell it: below the subscription, whatever the scope.
fn role_id(scope: &str, role: &str) -> String {
    let subscription = match scope.split('/').collect::<Vec<_>>().as_slice() {
        ["", word, id, ..] if word.eq_ignore_ascii_case("subscriptions") => format!("/subscriptions/{id}"),
        _ => String::new(),
    };
    format!("{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}")
}
