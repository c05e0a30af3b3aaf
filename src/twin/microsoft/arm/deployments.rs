//! Deployments, logic apps and connections: accepted, kept, and run by automation rules.
//!
//! A template's expressions are read as far as a playbook needs them: `parameters`, `variables`,
//! `concat`, `resourceId`-like calls. What a logic app does is found in its definition: the first
//! HTTP action's method, address and headers.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Ask, Path, body, errors::error, no_method, paging};
use crate::twin::{
    microsoft::Microsoft,
    stamp::seven_digits,
    wire::{Cx, Reply},
};

impl Microsoft {
    pub(super) fn deployed(&mut self, ask: &Ask<'_>, path: &Path, cx: &Cx<'_>) -> Reply {
        let id = format!("/{}", path.sent.join("/"));
        let key = id.to_lowercase();
        let parts = path.parts();
        let kind = match parts.as_slice() {
            [.., namespace, kind, _] => (*namespace, *kind),
            _ => ("", ""),
        };
        let (namespace, kind) = match kind {
            ("microsoft.resources", "deployments") => ("Microsoft.Resources", "deployments"),
            ("microsoft.logic", "workflows") => ("Microsoft.Logic", "workflows"),
            ("microsoft.web", "connections") => ("Microsoft.Web", "connections"),
            _ => return error(404, "InvalidResourceType", "The resource type could not be found in the namespace."),
        };
        let verb = match ask.call.method.as_str() {
            "GET" | "HEAD" => "read",
            "DELETE" => "delete",
            _ => "write",
        };
        if let Err(refused) = self.check_right(&ask.access, &format!("{namespace}/{kind}/{verb}"), &id) {
            return refused;
        }
        match ask.call.method.as_str() {
            "HEAD" => Reply::empty(if self.resources.contains_key(&key) { 204 } else { 404 }),
            "GET" => match self.resources.get(&key) {
                Some(found) => Reply::json(200, &without_secrets(found)),
                None => {
                    let code = if kind == "deployments" { "DeploymentNotFound" } else { "ResourceNotFound" };
                    error(404, code, &format!("The Resource '{id}' was not found."))
                }
            },
            "DELETE" => {
                let known = self.resources.remove(&key).is_some();
                self.templates.remove(&key);
                Reply::empty(if known && kind != "deployments" { 200 } else { 204 })
            }
            "PUT" => {
                let sent = match body(ask.call) {
                    Ok(sent) => sent,
                    Err(refused) => return refused,
                };
                let status = if self.resources.contains_key(&key) { 200 } else { 201 };
                let name = path.sent.last().cloned().unwrap_or_default();
                let kept = if kind == "deployments" {
                    match self.deploy(&id, &name, &sent, true, cx) {
                        Ok(kept) => kept,
                        Err(refused) => return refused,
                    }
                } else {
                    self.resource(&id, &name, &format!("{namespace}/{kind}"), &sent, cx)
                };
                if kind == "deployments"
                    && let Some(template) = sent.pointer("/properties/template")
                {
                    self.templates.insert(key.clone(), template.clone());
                }
                self.resources.insert(key, kept.clone());
                Reply::json(status, &without_secrets(&kept))
            }
            method => no_method(method),
        }
    }

    pub(super) fn deployed_list(&self, ask: &Ask<'_>, path: &Path) -> Reply {
        if ask.call.method != "GET" {
            return no_method(&ask.call.method);
        }
        let parts = path.parts();
        let below = parts
            .iter()
            .position(|part| *part == "providers")
            .map(|at| parts.get(..at).unwrap_or(&[]).join("/"))
            .unwrap_or_default();
        let kind = parts.get(parts.len().saturating_sub(2)..).unwrap_or(&[]).join("/");
        let rows = self
            .resources
            .iter()
            .filter(|(id, _)| id.starts_with(&format!("/{below}/")) && id.contains(&format!("/providers/{kind}/")))
            .map(|(_, resource)| without_secrets(resource))
            .collect();
        paging::page(ask.call, "arm", rows, paging::TOP_MAX)
    }

    /// Below a deployment: whether it would be taken, what it would change, what it did.
    pub(super) fn deployment_child(&mut self, ask: &Ask<'_>, path: &Path, cx: &Cx<'_>) -> Reply {
        let end = path.lower.len().saturating_sub(1);
        let at = path.lower.iter().rposition(|part| part == "deployments").unwrap_or(0);
        let named = path.lower.get(at.saturating_sub(1)).is_some_and(|part| part == "microsoft.resources");
        // An older way of writing the path leaves the provider out.
        let scope = path.sent.get(..if named { at.saturating_sub(2) } else { at }).unwrap_or(&[]).join("/");
        let name = path.part(at + 1).to_owned();
        let id = format!("/{scope}/providers/Microsoft.Resources/deployments/{name}");
        let reads = ask.call.method == "GET" || path.lower.get(end).is_some_and(|part| part == "exporttemplate");
        let action = if reads { "read" } else { "write" };
        if let Err(refused) = self.check_right(&ask.access, &format!("Microsoft.Resources/deployments/{action}"), &id) {
            return refused;
        }
        match (ask.call.method.as_str(), path.lower.get(end).map(String::as_str)) {
            ("POST", Some("exporttemplate")) => match self.templates.get(&id.to_lowercase()) {
                Some(template) => Reply::json(200, &json!({ "template": template })),
                None => error(404, "DeploymentNotFound", &format!("Deployment '{name}' could not be found.")),
            },
            ("GET", Some("operations")) => match self.resources.get(&id.to_lowercase()) {
                Some(kept) => paging::page(ask.call, "arm", operations(&id, kept), paging::TOP_MAX),
                None => error(404, "DeploymentNotFound", &format!("Deployment '{name}' could not be found.")),
            },
            ("POST", Some("validate")) => {
                match body(ask.call).and_then(|sent| self.deploy(&id, &name, &sent, false, cx)) {
                    Ok(kept) => Reply::json(200, &kept),
                    Err(refused) => refused,
                }
            }
            ("POST", Some("whatif")) => match body(ask.call).and_then(|sent| self.deploy(&id, &name, &sent, false, cx))
            {
                Ok(kept) => {
                    let made = kept.pointer("/properties/outputResources").and_then(Value::as_array);
                    let changes: Vec<Value> = made
                        .into_iter()
                        .flatten()
                        .map(|made| json!({"resourceId": made.get("id"), "changeType": "Create"}))
                        .collect();
                    Reply::json(200, &json!({"status": "Succeeded", "properties": {"changes": changes}}))
                }
                Err(refused) => refused,
            },
            (method, _) => no_method(method),
        }
    }

    /// A resource as it is kept: with an identity when one was asked for.
    fn resource(&self, id: &str, name: &str, kind: &str, sent: &Value, cx: &Cx<'_>) -> Value {
        let mut kept = sent.as_object().cloned().unwrap_or_default();
        // These are the template's, not the resource's.
        for member in ["apiVersion", "dependsOn", "condition", "comments", "copy", "scope"] {
            kept.remove(member);
        }
        kept.insert("id".into(), id.into());
        kept.insert("name".into(), name.into());
        kept.insert("type".into(), kind.into());
        if kept.get("identity").and_then(|identity| identity.get("type")).and_then(Value::as_str)
            == Some("SystemAssigned")
        {
            let tenant =
                self.subscriptions.iter().find(|one| id.contains(&one.id)).map_or("", |one| one.tenant_id.as_str());
            let old =
                self.resources.get(&id.to_lowercase()).and_then(|old| old.pointer("/identity/principalId")).cloned();
            let principal = old.unwrap_or_else(|| cx.ids.uuid_v4().to_string().into());
            kept.insert(
                "identity".into(),
                json!({"type": "SystemAssigned", "principalId": principal, "tenantId": tenant}),
            );
        }
        if let Some(properties) = kept.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert("provisioningState".into(), "Succeeded".into());
            properties.insert("changedTime".into(), seven_digits(cx.now).into());
            if kind == "Microsoft.Logic/workflows" {
                let old = self.resources.get(&id.to_lowercase());
                let created = old.and_then(|old| old.pointer("/properties/createdTime")).cloned();
                properties.insert("createdTime".into(), created.unwrap_or_else(|| seven_digits(cx.now).into()));
                properties.insert("version".into(), format!("0858{}", cx.now.as_millisecond()).into());
                properties.entry("state").or_insert_with(|| "Enabled".into());
            }
        }
        Value::Object(kept)
    }

    /// Reads a template and, if it is to, carries it out: its logic apps, connections and role assignments.
    fn deploy(&mut self, id: &str, name: &str, sent: &Value, carry_out: bool, cx: &Cx<'_>) -> Result<Value, Reply> {
        let invalid =
            |text: &str| error(400, "InvalidTemplate", &format!("Deployment template validation failed: '{text}'."));
        let template = sent.pointer("/properties/template").filter(|template| template.is_object());
        let Some(template) = template else {
            // A linked template cannot be fetched from here.
            return Err(invalid("The template is missing."));
        };
        let mode = sent.pointer("/properties/mode").and_then(Value::as_str).unwrap_or("");
        if !mode.eq_ignore_ascii_case("Incremental") && !mode.eq_ignore_ascii_case("Complete") {
            return Err(error(400, "InvalidRequestContent", "The deployment mode is missing."));
        }
        let scope = id.rsplit_once("/providers/").map_or(id, |(scope, _)| scope).to_owned();
        let reader = Reader::new(template, sent.pointer("/properties/parameters"), &scope).map_err(|missing| {
            invalid(&format!("The value for the template parameter '{missing}' is not provided."))
        })?;
        let mut made = Vec::new();
        for resource in template.get("resources").and_then(Value::as_array).into_iter().flatten() {
            let resource = reader.read(resource);
            let text = |member: &str| resource.get(member).and_then(Value::as_str).unwrap_or("").to_owned();
            let (kind, name) = (text("type"), text("name"));
            if matches!(resource.get("condition"), Some(Value::Bool(false))) {
                continue;
            }
            let resource_id = format!("{scope}/providers/{kind}/{name}");
            if kind.is_empty() || name.is_empty() {
                return Err(invalid("A resource has no type or no name."));
            }
            if carry_out && (kind == "Microsoft.Logic/workflows" || kind == "Microsoft.Web/connections") {
                let kept = self.resource(&resource_id, &name, &kind, &resource, cx);
                self.resources.insert(resource_id.to_lowercase(), kept);
            }
            if carry_out && kind == "Microsoft.Authorization/roleAssignments" {
                self.deploy_role(&resource, &scope, cx);
            }
            made.push(json!({ "id": resource_id }));
        }
        let outputs: Map<String, Value> = template
            .get("outputs")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(name, output)| (name.clone(), reader.read(output)))
            .collect();
        Ok(json!({
            "id": id, "name": name, "type": "Microsoft.Resources/deployments",
            "properties": {
                "provisioningState": "Succeeded", "mode": "Incremental", "timestamp": seven_digits(cx.now), "duration": "PT2.9S",
                "correlationId": cx.ids.uuid_v4().to_string(), "outputs": outputs, "outputResources": made,
            },
        }))
    }

    fn deploy_role(&mut self, resource: &Value, scope: &str, cx: &Cx<'_>) {
        let text =
            |member: &str| resource.pointer(&format!("/properties/{member}")).and_then(Value::as_str).unwrap_or("");
        if let Some(role) = super::super::directory::role(text("roleDefinitionId")) {
            self.directory.assign((text("principalId"), "ServicePrincipal"), role.id, scope, cx.ids);
        }
    }
}

/// What a deployment did, resource by resource.
fn operations(id: &str, kept: &Value) -> Vec<Value> {
    let made = kept.pointer("/properties/outputResources").and_then(Value::as_array);
    let row = |(number, made): (usize, &Value)| {
        let target = made.get("id").and_then(Value::as_str).unwrap_or("");
        let (rest, name) = target.rsplit_once('/').unwrap_or(("", target));
        let kind = rest.rsplit_once("/providers/").map_or("", |(_, kind)| kind);
        json!({
            "id": format!("{id}/operations/{number:016X}"), "operationId": format!("{number:016X}"),
            "properties": {
                "provisioningOperation": "Create", "provisioningState": "Succeeded", "statusCode": "OK",
                "timestamp": kept.pointer("/properties/timestamp"), "duration": "PT1.2S",
                "targetResource": {"id": target, "resourceType": kind, "resourceName": name},
            },
        })
    };
    made.into_iter().flatten().enumerate().map(row).collect()
}

/// What is kept, without what a template's parameters marked as secret.
pub(super) fn without_secrets(kept: &Value) -> Value {
    let mut shown = kept.clone();
    if let Some(parameters) = shown.pointer_mut("/properties/parameters").and_then(Value::as_object_mut) {
        parameters.retain(|name, _| name == "$connections");
    }
    shown
}

/// Reads a template's expressions.
struct Reader {
    parameters: BTreeMap<String, Value>,
    variables: Map<String, Value>,
    scope: String,
}

impl Reader {
    fn new(template: &Value, given: Option<&Value>, scope: &str) -> Result<Self, String> {
        let mut reader = Self { parameters: BTreeMap::new(), variables: Map::new(), scope: scope.to_owned() };
        for (name, parameter) in template.get("parameters").and_then(Value::as_object).into_iter().flatten() {
            let value = given.and_then(|given| given.get(name)).and_then(|given| given.get("value"));
            let value = match value.or_else(|| parameter.get("defaultValue")) {
                Some(value) => reader.read(value),
                None => return Err(name.clone()),
            };
            reader.parameters.insert(name.to_lowercase(), value);
        }
        for (name, variable) in template.get("variables").and_then(Value::as_object).into_iter().flatten() {
            let value = reader.read(variable);
            reader.variables.insert(name.to_lowercase(), value);
        }
        Ok(reader)
    }

    /// A value with its expressions (`"[…]"`) worked out; one that is not understood stays as text.
    fn read(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
                Some(inner) if !inner.starts_with('[') => self.expression(inner).unwrap_or_else(|| value.clone()),
                _ => value.clone(),
            },
            Value::Array(items) => items.iter().map(|item| self.read(item)).collect(),
            Value::Object(map) => {
                Value::Object(map.iter().map(|(name, item)| (name.clone(), self.read(item))).collect())
            }
            other => other.clone(),
        }
    }

    fn expression(&self, text: &str) -> Option<Value> {
        let text = text.trim();
        if let Some(quoted) = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
            return Some(quoted.replace("''", "'").into());
        }
        let open = text.find('(')?;
        let close = matching(text, open)?;
        let name = text.get(..open)?.trim().to_lowercase();
        let arguments: Vec<Value> = split(text.get(open + 1..close)?)
            .into_iter()
            .map(|part| self.expression(part).unwrap_or_else(|| part.into()))
            .collect();
        let first = arguments.first().and_then(Value::as_str).unwrap_or("");
        let words = || arguments.iter().filter_map(Value::as_str).collect::<Vec<_>>();
        let member = text.get(close + 1..).unwrap_or("").trim_start_matches('.');
        Some(match name.as_str() {
            "parameters" => self.parameters.get(&first.to_lowercase())?.clone(),
            "variables" => self.variables.get(&first.to_lowercase())?.clone(),
            "concat" => words().concat().into(),
            "resourcegroup" => {
                let group = self.scope.rsplit('/').next().unwrap_or("");
                match member {
                    "location" => "westeurope".into(),
                    "id" => self.scope.as_str().into(),
                    _ => group.into(),
                }
            }
            "subscription" => self.scope.split('/').nth(2)?.into(),
            "resourceid" => match words().as_slice() {
                [kind, rest @ ..] => format!("{}/providers/{kind}/{}", self.scope, rest.join("/")).into(),
                [] => return None,
            },
            "subscriptionresourceid" => match words().as_slice() {
                [kind, names @ ..] => {
                    let subscription = self.scope.split('/').take(3).collect::<Vec<_>>().join("/");
                    format!("{subscription}/providers/{}", woven(kind, names)).into()
                }
                [] => return None,
            },
            "uniquestring" | "guid" => {
                uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, words().join("/").as_bytes()).to_string().into()
            }
            "empty" => first.is_empty().into(),
            "not" => (!arguments.first()?.as_bool()?).into(),
            "if" => (if arguments.first()?.as_bool()? { arguments.get(1)? } else { arguments.get(2)? }).clone(),
            "equals" => (arguments.first()? == arguments.get(1)?).into(),
            "tolower" => first.to_lowercase().into(),
            _ => return None,
        })
    }
}

/// `Microsoft.Web/locations/managedApis` with names `westeurope`, `azuresentinel` woven in.
fn woven(kind: &str, names: &[&str]) -> String {
    let mut parts = kind.split('/');
    let mut text = parts.next().unwrap_or("").to_owned();
    for (part, name) in parts.zip(names) {
        text.push_str(&format!("/{part}/{name}"));
    }
    text
}

fn matching(text: &str, open: usize) -> Option<usize> {
    let mut depth = 0_i32;
    let mut quoted = false;
    for (at, c) in text.char_indices().filter(|(at, _)| *at >= open) {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// The arguments of a call, cut at the commas outside quotes and brackets.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut quoted, mut from) = (0_i32, false, 0);
    for (at, c) in text.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                parts.push(text.get(from..at).unwrap_or("").trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    let last = text.get(from..).unwrap_or("").trim();
    if !last.is_empty() {
        parts.push(last);
    }
    parts
}
