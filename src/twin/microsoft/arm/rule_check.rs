//! What an automation rule may hold (`AutomationRules.json` of the contract), and what one of its actions changes.

use serde_json::{Map, Value};

use super::{
    errors::bad_request,
    rules::playbooks,
    wanted::{Closing, sent_severity, wanted_labels},
    wrong_member,
};
use crate::twin::{
    microsoft::{
        Microsoft,
        automation::{
            conditions::{knows, of_alerts},
            playbook::Trigger,
        },
        incident::{Incident, Label, Owner},
    },
    stamp,
    wire::Reply,
};

const OPERATORS: [&str; 8] =
    ["Equals", "NotEquals", "Contains", "NotContains", "StartsWith", "NotStartsWith", "EndsWith", "NotEndsWith"];

/// What a `ModifyProperties` action changes; what it leaves out stays.
pub struct Modification {
    severity: Option<String>,
    status: Option<(String, Closing)>,
    owner: Option<Owner>,
    labels: Vec<Label>,
}

impl Modification {
    /// Changes an incident.
    pub fn onto(self, incident: &mut Incident) {
        if let Some(severity) = self.severity {
            incident.severity = severity;
        }
        if let Some((status, closing)) = self.status {
            incident.status = status;
            closing.onto(incident);
        }
        if let Some(owner) = self.owner {
            incident.owner = owner;
        }
        for label in self.labels {
            if !incident.labels.iter().any(|known| known.name == label.name) {
                incident.labels.push(label);
            }
        }
    }
}

impl Microsoft {
    /// Reads a `ModifyProperties` action's configuration.
    ///
    /// # Errors
    /// The refusal of what an incident cannot have.
    pub fn modification(&self, how: &Value) -> Result<Modification, Reply> {
        let none = Map::new();
        let sent = how.as_object().unwrap_or(&none);
        let severity = sent_severity(sent)?;
        let status = self.sent_status(sent)?;
        let owner = self.wanted_owner(how.get("owner"))?;
        // An owner without a name is no wish to unassign: the members come back as null from a read.
        let owner = Some(owner).filter(|owner| *owner != Owner::default());
        Ok(Modification { severity, status, owner, labels: wanted_labels(how.get("labels"))? })
    }

    /// Refuses a rule that is outside the contract, or that no incident could bear.
    pub(super) fn check_rule(&self, properties: &Map<String, Value>) -> Result<(), Reply> {
        let name = properties.get("displayName").and_then(Value::as_str).unwrap_or("");
        if name.is_empty() || name.chars().count() > 500 {
            return Err(bad_request("'DisplayName' must have 1 to 500 characters"));
        }
        if !properties.get("order").and_then(Value::as_i64).is_some_and(|order| (1..=1_000).contains(&order)) {
            return Err(bad_request("'Order' must be between 1 and 1000"));
        }
        let logic = properties
            .get("triggeringLogic")
            .and_then(Value::as_object)
            .ok_or_else(|| bad_request("'TriggeringLogic' must have a value"))?;
        let text = |member: &str| logic.get(member).and_then(Value::as_str).unwrap_or("");
        let known = logic.get("isEnabled").is_some_and(Value::is_boolean)
            && matches!(text("triggersOn"), "Incidents" | "Alerts")
            && matches!(text("triggersWhen"), "Created" | "Updated");
        if !known {
            return Err(bad_request("'TriggeringLogic' is invalid"));
        }
        let on_alerts = text("triggersOn") == "Alerts";
        if on_alerts && text("triggersWhen") != "Created" {
            return Err(bad_request("'triggersWhen' of a rule on alerts must be 'Created'"));
        }
        let expires = logic.get("expirationTimeUtc").filter(|expires| !expires.is_null());
        if expires.is_some_and(|expires| expires.as_str().and_then(stamp::parse).is_none()) {
            return Err(wrong_member("expirationTimeUtc"));
        }
        let conditions = list(logic.get("conditions"), "conditions")?;
        let actions = list(properties.get("actions"), "actions")?;
        if conditions.len() > 50 || actions.is_empty() || actions.len() > 20 {
            return Err(bad_request("A rule has 1 to 20 actions and at most 50 conditions"));
        }
        conditions.iter().try_for_each(|condition| check_condition(condition, on_alerts))?;
        actions.iter().try_for_each(|action| self.check_action(action, on_alerts))?;
        let trigger = if on_alerts { Trigger::Alert } else { Trigger::Incident };
        playbooks(properties).iter().try_for_each(|id| match self.resources.get(&id.to_lowercase()) {
            None => Err(bad_request(&format!("Playbook resource '{id}' was not found"))),
            Some(playbook) if Trigger::of(playbook).is_some_and(|own| own != trigger) => {
                Err(bad_request(&format!("Playbook resource '{id}' begins with another trigger than the rule")))
            }
            Some(_) => Ok(()),
        })
    }

    fn check_action(&self, action: &Value, on_alerts: bool) -> Result<(), Reply> {
        if !action.get("order").is_some_and(Value::is_i64) {
            return Err(wrong_member("order"));
        }
        let none = Value::Null;
        let how = action.get("actionConfiguration").unwrap_or(&none);
        let text = |member: &str| how.get(member).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        match action.get("actionType").and_then(Value::as_str) {
            Some("RunPlaybook") if text("logicAppResourceId").is_none() => Err(wrong_member("logicAppResourceId")),
            Some("RunPlaybook") => Ok(()),
            // What the other actions change are incidents.
            _ if on_alerts => Err(wrong_member("actionType")),
            Some("ModifyProperties") if !how.is_object() => Err(wrong_member("actionConfiguration")),
            Some("ModifyProperties") => self.modification(how).map(drop),
            Some("AddIncidentTask") if text("title").is_none() => Err(wrong_member("title")),
            Some("AddIncidentTask") => Ok(()),
            _ => Err(wrong_member("actionType")),
        }
    }
}

fn list<'a>(value: Option<&'a Value>, name: &str) -> Result<&'a [Value], Reply> {
    match value {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(all)) => Ok(all),
        Some(_) => Err(wrong_member(name)),
    }
}

fn check_condition(condition: &Value, on_alerts: bool) -> Result<(), Reply> {
    let none = Value::Null;
    let of = condition.get("conditionProperties").unwrap_or(&none);
    let one = |member: &'static str, all: &[&str]| match of.get(member).and_then(Value::as_str) {
        Some(text) if all.contains(&text) => Ok(()),
        _ => Err(wrong_member(member)),
    };
    let given = |member: &str| of.get(member).is_some_and(|value| !value.is_null());
    let inner = |member: &'static str, least: usize| {
        let all = list(of.get(member), member)?;
        if !(least..=10).contains(&all.len()) {
            return Err(bad_request(&format!("'{member}' must have {least} to 10 conditions")));
        }
        all.iter().try_for_each(|one| check_condition(one, on_alerts))
    };
    let values = || match of.get("propertyValues").and_then(Value::as_array) {
        Some(values) if values.iter().all(Value::is_string) => Ok(()),
        _ => Err(wrong_member("propertyValues")),
    };
    match condition.get("conditionType").and_then(Value::as_str) {
        Some("Boolean") => one("operator", &["And", "Or"]).and_then(|()| inner("innerConditions", 2)),
        Some("Property") => {
            let fits = if on_alerts { of_alerts } else { knows };
            if !of.get("propertyName").and_then(Value::as_str).is_some_and(fits) {
                return Err(wrong_member("propertyName"));
            }
            one("operator", &OPERATORS).and_then(|()| values())
        }
        Some("PropertyArray") => {
            one("arrayType", &["CustomDetails", "CustomDetailValues"])?;
            if given("arrayConditionType") {
                one("arrayConditionType", &["AnyItem"])?;
            }
            inner("itemConditions", 0)
        }
        // A new alert has not changed.
        Some("PropertyChanged" | "PropertyArrayChanged") if on_alerts => Err(wrong_member("conditionType")),
        Some("PropertyChanged") => {
            one("propertyName", &["IncidentSeverity", "IncidentStatus", "IncidentOwner"])?;
            if !["changeType", "operator", "propertyValues"].into_iter().any(given) {
                return Ok(());
            }
            one("changeType", &["ChangedFrom", "ChangedTo"])?;
            one("operator", &OPERATORS).and_then(|()| values())
        }
        Some("PropertyArrayChanged") => {
            one("arrayType", &["Alerts", "Labels", "Tactics", "Comments"])?;
            one("changeType", &["Added"])
        }
        _ => Err(wrong_member("conditionType")),
    }
}
