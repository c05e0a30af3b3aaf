//! Below a logic app: switched on and off, its triggers, its runs.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Ask, Path, deployments::without_secrets, errors::error, no_method, paging};
use crate::twin::{
    microsoft::{Microsoft, automation::playbook::Run},
    stamp::seven_digits,
    wire::{Call, Cx, Reply},
};

impl Microsoft {
    /// A call of a trigger by its signed address: no token is asked for. `None`: it is another call.
    pub(super) fn trigger_called(&mut self, call: &Call, path: &Path, cx: &mut Cx<'_>) -> Option<Reply> {
        let at = path.lower.iter().rposition(|part| part == "workflows")?;
        let parts = path.parts();
        let ["triggers", name, "paths", "invoke"] = parts.get(at + 2..)? else { return None };
        let id = format!("/{}", path.lower.get(..at + 2)?.join("/"));
        if call.query("sig") != Some(signature(&id, name).as_str()) {
            let text = "The request must be authenticated only by Shared Access scheme.";
            return Some(error(401, "DirectApiAuthorizationRequired", text));
        }
        let Some(kept) = self.resources.get(&id) else {
            return Some(error(404, "WorkflowNotFound", "The workflow could not be found."));
        };
        if kept.pointer("/properties/state").and_then(Value::as_str) == Some("Disabled") {
            return Some(error(404, "WorkflowTriggerIsNotEnabled", "The workflow is disabled."));
        }
        let run = self.run_called(&id, call, cx);
        Some(Reply::empty(202).with("x-ms-workflow-run-id", run))
    }

    pub(super) fn workflow_child(&mut self, ask: &Ask<'_>, path: &Path) -> Reply {
        let at = path.lower.iter().rposition(|part| part == "workflows").unwrap_or(0);
        let id = format!("/{}", path.sent.get(..at + 2).unwrap_or(&[]).join("/"));
        let key = id.to_lowercase();
        let parts = path.parts();
        let below = parts.get(at + 2..).unwrap_or(&[]);
        let action = match (ask.call.method.as_str(), below) {
            ("GET", [what, ..]) => format!("Microsoft.Logic/workflows/{what}/read"),
            (_, ["triggers", _, "listcallbackurl"]) => {
                "Microsoft.Logic/workflows/triggers/listCallbackUrl/action".to_owned()
            }
            (_, [what, ..]) => format!("Microsoft.Logic/workflows/{what}/action"),
            (_, []) => String::new(),
        };
        if let Err(refused) = self.check_right(&ask.access, &action, &id) {
            return refused;
        }
        let Some(kept) = self.resources.get_mut(&key) else {
            return error(404, "ResourceNotFound", &format!("The Resource '{id}' was not found."));
        };
        let own_runs = self.automation.runs.iter().filter(|run| run.playbook == key);
        match (ask.call.method.as_str(), below) {
            ("POST", [verb @ ("enable" | "disable")]) => {
                let state = if *verb == "enable" { "Enabled" } else { "Disabled" };
                if let Some(properties) = kept.get_mut("properties").and_then(Value::as_object_mut) {
                    properties.insert("state".into(), state.into());
                }
                Reply::json(200, &without_secrets(kept))
            }
            ("GET", ["triggers"]) => {
                let rows = triggers(&id, kept);
                paging::page(ask.call, "arm", rows, paging::TOP_MAX)
            }
            ("GET", ["triggers", name]) => {
                let named = |row: &Value| {
                    row.get("name").and_then(Value::as_str).is_some_and(|own| own.eq_ignore_ascii_case(name))
                };
                match triggers(&id, kept).into_iter().find(named) {
                    Some(row) => Reply::json(200, &row),
                    None => error(404, "WorkflowTriggerNotFound", &format!("The trigger '{name}' was not found.")),
                }
            }
            ("POST", ["triggers", name, "listcallbackurl"]) => {
                let sig = signature(&key, name);
                let base = format!("{}/arm{key}/triggers/{name}/paths/invoke", ask.call.origin);
                let run = format!("/triggers/{name}/run");
                let value = format!("{base}?api-version=2016-10-01&sp={}&sv=1.0&sig={sig}", run.replace('/', "%2F"));
                let queries = json!({"api-version": "2016-10-01", "sp": run, "sv": "1.0", "sig": sig});
                Reply::json(200, &json!({"value": value, "method": "POST", "basePath": base, "queries": queries}))
            }
            ("GET", ["runs"]) => match wanted_status(ask.call.query("$filter")) {
                Some(status) => {
                    let fits =
                        |run: &&Run| status.as_ref().is_none_or(|status| run.status().eq_ignore_ascii_case(status));
                    let rows = own_runs.rev().filter(fits).map(|run| run_json(&id, run)).collect();
                    paging::page(ask.call, "arm", rows, paging::TOP_MAX)
                }
                None => error(400, "InvalidFilterInQueryString", "The filter is not supported: status eq '…' is."),
            },
            ("GET", ["runs", name]) => match own_runs.rev().find(|run| run.id.eq_ignore_ascii_case(name)) {
                Some(run) => Reply::json(200, &run_json(&id, run)),
                None => error(404, "WorkflowRunNotFound", &format!("The workflow run '{name}' could not be found.")),
            },
            (method, ["enable" | "disable" | "triggers" | "runs", ..]) => no_method(method),
            _ => error(404, "ResourceNotFound", &format!("The Resource '{}' was not found.", ask.call.path)),
        }
    }
}

/// What the address of a trigger is signed with, so that it can be called without a token.
fn signature(workflow: &str, trigger: &str) -> String {
    let name = format!("{workflow}/{trigger}").to_lowercase();
    URL_SAFE_NO_PAD.encode(Sha256::digest(name.as_bytes()))
}

/// The triggers of a definition, as resources.
fn triggers(id: &str, kept: &Value) -> Vec<Value> {
    let defined = kept.pointer("/properties/definition/triggers").and_then(Value::as_object);
    let state = kept.pointer("/properties/state").cloned().unwrap_or_else(|| "Enabled".into());
    let row = |name: &String| {
        json!({
            "id": format!("{id}/triggers/{name}"), "name": name, "type": "Microsoft.Logic/workflows/triggers",
            "properties": {"provisioningState": "Succeeded", "state": state},
        })
    };
    defined.into_iter().flatten().map(|(name, _)| row(name)).collect()
}

/// The status a list of runs is filtered by; `None` when the filter is another.
fn wanted_status(filter: Option<&str>) -> Option<Option<String>> {
    let Some(filter) = filter.map(str::trim).filter(|filter| !filter.is_empty()) else { return Some(None) };
    let mut words = filter.split_whitespace();
    let (member, operator, value) = (words.next()?, words.next()?, words.next()?);
    let value = value.strip_prefix('\'')?.strip_suffix('\'')?;
    let fits = member.eq_ignore_ascii_case("status") && operator.eq_ignore_ascii_case("eq") && words.next().is_none();
    fits.then(|| Some(value.to_owned()))
}

/// A run, as a resource.
fn run_json(id: &str, run: &Run) -> Value {
    let began = seven_digits(run.started);
    let mut properties = json!({
        "startTime": began, "status": run.status(), "correlation": {"clientTrackingId": run.id},
        "workflow": {"id": id, "type": "Microsoft.Logic/workflows"},
        "trigger": {"startTime": began, "endTime": began, "status": "Succeeded"}, "outputs": {},
    });
    if let (Some(map), Some((ended, _))) = (properties.as_object_mut(), run.ended) {
        map.insert("endTime".into(), seven_digits(ended).into());
    }
    json!({"id": format!("{id}/runs/{}", run.id), "name": run.id, "type": "Microsoft.Logic/workflows/runs", "properties": properties})
}
