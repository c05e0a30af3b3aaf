//! Below a logic app: switched on and off, its triggers, its runs.

use serde_json::{Value, json};

use super::{Ask, Path, deployments::without_secrets, errors::error, no_method, paging};
use crate::twin::{microsoft::Microsoft, wire::Reply};

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
            // What it ran is listed by the twin's own admin route of deliveries.
            ("GET", ["runs"]) => Reply::json(200, &json!({"value": []})),
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
