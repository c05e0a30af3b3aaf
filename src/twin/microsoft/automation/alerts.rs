//! What a new alert sets off: the rules with `triggersOn: Alerts`, and through them playbooks with the alert trigger.
//!
//! Such a rule runs playbooks and nothing else, for an alert that an analytics rule created, whether or not its
//! incident is new. The body has the members of the connector's alert trigger.

use serde_json::{Value, json};

use super::{
    Change, Pending,
    actions::in_order,
    conditions::Scene,
    playbook::{Fired, Trigger, http_action},
};
use crate::twin::{
    microsoft::{Microsoft, evidence, incident::Alert, workspace::Workspace},
    wire::Cx,
};

impl Microsoft {
    /// Alerts were created in an incident: their rules run now or after their delay.
    pub(in crate::twin::microsoft) fn alerted(&mut self, place: usize, name: &str, alerts: &[Alert], cx: &mut Cx<'_>) {
        let due = cx.now.checked_add(self.rules_wait()).unwrap_or(cx.now);
        for alert in alerts {
            if due <= cx.now {
                self.run_alert_rules(place, name, alert, cx);
                continue;
            }
            self.automation.pending.push(Pending {
                due,
                place,
                name: name.to_owned(),
                change: Change::default(),
                alert: Some(alert.clone()),
            });
        }
    }

    pub(super) fn run_alert_rules(&mut self, place: usize, name: &str, alert: &Alert, cx: &mut Cx<'_>) {
        let created = Change { new: true, ..Change::default() };
        for rule in self.rules_in_order(place) {
            let Some(workspace) = self.workspaces.get(place) else { return };
            let Some(incident) = workspace.get(name) else { return };
            if !Scene::of_alert(workspace, incident, &created, alert).runs(&rule, cx.now) {
                continue;
            }
            let body = trigger_body(workspace, alert);
            for action in in_order(&rule) {
                let id = action.get("actionConfiguration").and_then(|how| how.get("logicAppResourceId"));
                let id = id.and_then(Value::as_str).unwrap_or("");
                if let Some(post) = self.resources.get(&id.to_lowercase()).and_then(http_action) {
                    let event = cx.ids.uuid_v4().to_string();
                    let fired = Fired { trigger: Trigger::Alert, event, body: body.clone() };
                    self.send(place, &fired, &post, id, cx);
                }
            }
        }
    }
}

/// What the alert trigger hands a playbook: lists and maps within it are JSON text.
fn trigger_body(workspace: &Workspace, alert: &Alert) -> Value {
    let properties = evidence::alert_properties(workspace, alert);
    let of = |member: &str| properties.get(member).cloned().unwrap_or(Value::Null);
    let text = |value: Value| if value.is_null() { Value::Null } else { Value::String(value.to_string()) };
    let entities: Vec<Value> =
        evidence::alert_entities(workspace, alert).into_iter().enumerate().map(flat_entity).collect();
    json!({
        "VendorName": of("vendorName"), "ProductName": of("productName"),
        "ProductComponentName": of("productComponentName"), "AlertType": of("alertType"),
        "StartTimeUtc": of("startTimeUtc"), "EndTimeUtc": of("endTimeUtc"), "TimeGenerated": of("timeGenerated"),
        "ProcessingEndTime": of("processingEndTime"), "Severity": of("severity"), "Status": of("status"),
        "ProviderAlertId": of("providerAlertId"), "SystemAlertId": of("systemAlertId"),
        "AlertDisplayName": of("alertDisplayName"), "Description": of("description"),
        "Tactics": of("tactics"), "Entities": text(entities.into()), "ExtendedLinks": "[]",
        "ExtendedProperties": text(of("additionalData")),
        "WorkspaceSubscriptionId": workspace.subscription_id, "WorkspaceId": workspace.customer_id,
        "WorkspaceResourceGroup": workspace.resource_group,
    })
}

/// An entity as an alert carries it: its members with a number and its type, capital letters first.
fn flat_entity((number, entity): (usize, Value)) -> Value {
    let mut flat = json!({ "$id": (number + 1).to_string() });
    let properties = entity.get("properties").and_then(Value::as_object);
    if let Some(map) = flat.as_object_mut() {
        for (name, value) in properties.into_iter().flatten().filter(|(name, _)| *name != "friendlyName") {
            let mut letters = name.chars();
            let first = letters.next().map(|first| first.to_ascii_uppercase());
            map.insert(first.into_iter().chain(letters).collect(), value.clone());
        }
        let kind = entity.get("kind").and_then(Value::as_str).unwrap_or("").to_lowercase();
        map.insert("Type".into(), kind.into());
    }
    flat
}
