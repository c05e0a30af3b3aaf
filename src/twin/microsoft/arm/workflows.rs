//! Below a logic app: switched on and off, its triggers, its runs.

use serde_json::{Value, json};

use super::{Ask, Path, deployments::without_secrets, errors::error, no_method, paging};
use crate::twin::{
    microsoft::{Microsoft, automation::playbook::Run},
    stamp::seven_digits,
    wire::Reply,
};

impl Microsoft {
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
            ("POST", ["triggers", _, "listcallbackurl"]) => {
                Reply::json(200, &json!({"value": format!("{}/arm{key}/callback", ask.call.origin), "method": "POST"}))
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
