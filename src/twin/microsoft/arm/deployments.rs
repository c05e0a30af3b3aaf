//! Deployments, logic apps and connections: accepted, kept, and run by automation rules.
//!
//! Templates are read in [`super::template`], what they refer to in [`super::reference`]. What a logic app does is found
//! in its definition: the first HTTP action's method, address and headers.

use std::rc::Rc;

use serde_json::{Value, json};

use super::{
    Ask, Path, body,
    errors::error,
    no_method, paging,
    reference::{Made, References, invalid},
    template::{Planned, Reader, plan},
};
use crate::twin::{
    microsoft::{Microsoft, directory},
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
                Some(found) if self.running.remove(&key) => Reply::json(200, &under_way(found, "Running")),
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
                if kind == "deployments" && !self.switches.deployments_at_once {
                    self.running.insert(key.clone());
                    self.resources.insert(key, kept.clone());
                    let address = format!("{}/arm{id}/operationStatuses/{}", ask.call.origin, cx.ids.token(18));
                    let version = ask.call.query("api-version").unwrap_or("");
                    return Reply::json(status, &under_way(&kept, "Accepted"))
                        .with("azure-asyncoperation", format!("{address}?api-version={version}"))
                        .with("retry-after", "1");
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
            ("GET", Some(_))
                if path.lower.get(end.saturating_sub(1)).is_some_and(|part| part == "operationstatuses") =>
            {
                match self.resources.contains_key(&id.to_lowercase()) {
                    true if self.running.remove(&id.to_lowercase()) => {
                        Reply::json(200, &json!({"status": "Running"})).with("retry-after", "1")
                    }
                    true => Reply::json(200, &json!({"status": "Succeeded"})),
                    false => error(404, "DeploymentNotFound", &format!("Deployment '{name}' could not be found.")),
                }
            }
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
            ("POST", Some("whatif")) => match body(ask.call).and_then(|sent| self.what_if(&id, &sent, cx)) {
                Ok(foreseen) => Reply::json(200, &foreseen),
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
        let (template, planned, reader) = self.read_template(id, sent)?;
        let outputs = reader.read(template.get("outputs").unwrap_or(&json!({})));
        // What is wrong with the outputs is said before anything is made.
        let mut shown = self.given_out(&outputs, &reader, &planned, None)?;
        if carry_out {
            let made = self.carry_out(&planned, cx)?;
            shown = self.given_out(&outputs, &reader, &planned, Some(&made))?;
        }
        let made: Vec<Value> =
            planned.iter().filter(|one| one.outputs.is_none()).map(|one| json!({ "id": one.id })).collect();
        Ok(json!({
            "id": id, "name": name, "type": "Microsoft.Resources/deployments",
            "properties": {
                "provisioningState": "Succeeded", "mode": "Incremental", "timestamp": seven_digits(cx.now), "duration": "PT2.9S",
                "correlationId": cx.ids.uuid_v4().to_string(), "parameters": reader.shown_parameters(template),
                "outputs": shown, "outputResources": made,
            },
        }))
    }

    /// Outputs with their references worked out, as far as what they need is there; `made` once all is.
    fn given_out(
        &self,
        outputs: &Value,
        reader: &Reader,
        planned: &[Planned],
        made: Option<&Made>,
    ) -> Result<Value, Reply> {
        let none = Made::new();
        let references = References::new(self, planned, made.unwrap_or(&none), made.is_some());
        let value = reader.read_references(outputs, &references);
        references.outcome(value).map(|value| value.unwrap_or_else(|| outputs.clone()))
    }

    /// Makes what a template asks for: what refers to others after them.
    fn carry_out(&mut self, planned: &[Planned], cx: &Cx<'_>) -> Result<Made, Reply> {
        let mut made = Made::new();
        let mut waiting: Vec<&Planned> = planned.iter().collect();
        while !waiting.is_empty() {
            let before = waiting.len();
            let mut later = Vec::new();
            for one in waiting {
                let Some(resource) = self.referring(one, planned, &made, true)? else {
                    later.push(one);
                    continue;
                };
                let shown = if one.outputs.is_some() {
                    json!({"properties": {"provisioningState": "Succeeded", "mode": "Incremental", "outputs": resource}})
                } else {
                    self.make(one, &resource, cx)
                };
                made.insert(one.id.to_lowercase(), shown);
            }
            if later.len() == before {
                let names: Vec<&str> = later.iter().map(|one| one.name.as_str()).collect();
                return Err(invalid(&format!("Circular dependency detected on resource: '{}'", names.join("', '"))));
            }
            waiting = later;
        }
        Ok(made)
    }

    /// Makes a resource; gives it as a read of it shows it.
    fn make(&mut self, one: &Planned, resource: &Value, cx: &Cx<'_>) -> Value {
        let kept = self.resource(&one.id, &one.name, &one.kind, resource, cx);
        if one.kind.eq_ignore_ascii_case(ROLES) {
            self.deploy_role(one, resource);
        }
        let shown = without_secrets(&kept);
        if is_kept(&one.kind) {
            self.resources.insert(one.id.to_lowercase(), kept);
        }
        shown
    }

    /// The template of a deployment's body, what it asks for, and the reader of its expressions.
    fn read_template<'a>(&self, id: &str, sent: &'a Value) -> Result<(&'a Value, Vec<Planned>, Rc<Reader>), Reply> {
        let template = sent.pointer("/properties/template").filter(|template| template.is_object());
        // A linked template cannot be fetched from here.
        let template = template.ok_or_else(|| invalid("The template is missing."))?;
        let mode = sent.pointer("/properties/mode").and_then(Value::as_str).unwrap_or("");
        if !mode.eq_ignore_ascii_case("Incremental") && !mode.eq_ignore_ascii_case("Complete") {
            return Err(error(400, "InvalidRequestContent", "The deployment mode is missing."));
        }
        let scope = id.rsplit_once("/providers/").map_or(id, |(scope, _)| scope);
        let (planned, reader) =
            plan(template, sent.pointer("/properties/parameters"), scope, 0).map_err(|text| invalid(&text))?;
        for one in &planned {
            self.referring(one, &planned, &Made::new(), false)?;
        }
        Ok((template, planned, reader))
    }

    /// What a deployment would change, resource by resource.
    fn what_if(&self, id: &str, sent: &Value, cx: &Cx<'_>) -> Result<Value, Reply> {
        let (_, planned, _) = self.read_template(id, sent)?;
        let change = |one: &Planned| {
            let old = self.resources.get(&one.id.to_lowercase()).map(steady);
            let new = steady(&self.resource(&one.id, &one.name, &one.kind, &one.resource, cx));
            let there = self.workspace_place(&one.id).is_some()
                || one.kind.eq_ignore_ascii_case(ROLES) && self.directory.assignment(&one.name).is_some();
            match old {
                Some(old) if old == new => {
                    json!({"resourceId": one.id, "changeType": "NoChange", "before": old, "after": new})
                }
                Some(old) => json!({"resourceId": one.id, "changeType": "Modify", "before": old, "after": new}),
                None if there => json!({"resourceId": one.id, "changeType": "NoChange"}),
                None => json!({"resourceId": one.id, "changeType": "Create", "after": new}),
            }
        };
        let changes: Vec<Value> = planned.iter().filter(|one| one.outputs.is_none()).map(change).collect();
        Ok(json!({"status": "Succeeded", "properties": { "changes": changes }}))
    }

    fn deploy_role(&mut self, one: &Planned, resource: &Value) {
        let text =
            |member: &str| resource.pointer(&format!("/properties/{member}")).and_then(Value::as_str).unwrap_or("");
        let Some(role) = directory::role(text("roleDefinitionId")) else { return };
        let given = directory::Assignment {
            name: one.name.clone(),
            principal_id: text("principalId").to_owned(),
            principal_kind: "ServicePrincipal".to_owned(),
            role_id: role.id.to_owned(),
            scope: one.scope.clone(),
        };
        self.directory.assignments.insert(one.name.to_lowercase(), given);
    }
}

/// The type of role assignments.
const ROLES: &str = "Microsoft.Authorization/roleAssignments";

/// Whether a deployed resource of this type is kept.
fn is_kept(kind: &str) -> bool {
    ["Microsoft.Logic/workflows", "Microsoft.Web/connections"].iter().any(|known| known.eq_ignore_ascii_case(kind))
}

/// A resource without secrets and without what moves with each write.
fn steady(resource: &Value) -> Value {
    let mut shown = without_secrets(resource);
    if let Some(map) = shown.as_object_mut() {
        map.remove("identity");
    }
    if let Some(properties) = shown.get_mut("properties").and_then(Value::as_object_mut) {
        for member in ["provisioningState", "changedTime", "createdTime", "version"] {
            properties.remove(member);
        }
    }
    shown
}

/// A deployment that has not ended.
fn under_way(kept: &Value, state: &str) -> Value {
    let mut shown = kept.clone();
    if let Some(properties) = shown.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("provisioningState".into(), state.into());
        properties.remove("outputs");
        properties.remove("outputResources");
    }
    shown
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
    // A deployment was kept without them.
    if shown.get("type").and_then(Value::as_str) == Some("Microsoft.Resources/deployments") {
        return shown;
    }
    if let Some(parameters) = shown.pointer_mut("/properties/parameters").and_then(Value::as_object_mut) {
        parameters.retain(|name, _| name == "$connections");
    }
    shown
}
