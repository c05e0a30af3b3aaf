//! Whether a rule's conditions hold for an incident and what happened to it.
//!
//! Every property of the contract is compared ([`property`]); what is not in the contract is refused when the rule is
//! written ([`super::super::arm::rule_check`]), and does not hold here.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::Change;
use crate::twin::{
    microsoft::{
        evidence,
        incident::{Alert, Incident, Owner},
        workspace::Workspace,
    },
    stamp,
};

/// Properties of entities: the contract's name, the entity's kind, the member of its `properties`.
const OF_ENTITIES: [(&str, &str, &str); 45] = [
    ("AccountAadTenantId", "Account", "aadTenantId"),
    ("AccountAadUserId", "Account", "aadUserId"),
    ("AccountName", "Account", "accountName"),
    ("AccountNTDomain", "Account", "ntDomain"),
    ("AccountPUID", "Account", "puid"),
    ("AccountSid", "Account", "sid"),
    ("AccountObjectGuid", "Account", "objectGuid"),
    ("AccountUPNSuffix", "Account", "upnSuffix"),
    ("AzureResourceResourceId", "AzureResource", "resourceId"),
    ("AzureResourceSubscriptionId", "AzureResource", "subscriptionId"),
    ("CloudApplicationAppId", "CloudApplication", "appId"),
    ("CloudApplicationAppName", "CloudApplication", "appName"),
    ("DNSDomainName", "DnsResolution", "domainName"),
    ("FileDirectory", "File", "directory"),
    ("FileName", "File", "fileName"),
    ("FileHashValue", "FileHash", "hashValue"),
    ("HostAzureID", "Host", "azureID"),
    ("HostName", "Host", "hostName"),
    ("HostNetBiosName", "Host", "netBiosName"),
    ("HostNTDomain", "Host", "ntDomain"),
    ("HostOSVersion", "Host", "osVersion"),
    ("IoTDeviceId", "IoTDevice", "deviceId"),
    ("IoTDeviceName", "IoTDevice", "deviceName"),
    ("IoTDeviceType", "IoTDevice", "deviceType"),
    ("IoTDeviceVendor", "IoTDevice", "vendor"),
    ("IoTDeviceModel", "IoTDevice", "model"),
    ("IoTDeviceOperatingSystem", "IoTDevice", "operatingSystem"),
    ("IPAddress", "Ip", "address"),
    ("MailboxDisplayName", "Mailbox", "displayName"),
    ("MailboxPrimaryAddress", "Mailbox", "mailboxPrimaryAddress"),
    ("MailboxUPN", "Mailbox", "upn"),
    ("MailMessageDeliveryAction", "MailMessage", "deliveryAction"),
    ("MailMessageDeliveryLocation", "MailMessage", "deliveryLocation"),
    ("MailMessageRecipient", "MailMessage", "recipient"),
    ("MailMessageSenderIP", "MailMessage", "senderIP"),
    ("MailMessageSubject", "MailMessage", "subject"),
    ("MailMessageP1Sender", "MailMessage", "p1Sender"),
    ("MailMessageP2Sender", "MailMessage", "p2Sender"),
    ("MalwareCategory", "Malware", "category"),
    ("MalwareName", "Malware", "malwareName"),
    ("ProcessCommandLine", "Process", "commandLine"),
    ("ProcessId", "Process", "processId"),
    ("RegistryKey", "RegistryKey", "key"),
    ("RegistryValueData", "RegistryValue", "valueData"),
    ("Url", "Url", "url"),
];

/// The properties that are not an entity's.
const OF_INCIDENTS: [&str; 13] = [
    "IncidentTitle",
    "IncidentDescription",
    "IncidentSeverity",
    "IncidentStatus",
    "IncidentRelatedAnalyticRuleIds",
    "IncidentTactics",
    "IncidentLabel",
    "IncidentProviderName",
    "IncidentUpdatedBySource",
    "IncidentCustomDetailsKey",
    "IncidentCustomDetailsValue",
    "AlertProductNames",
    "AlertAnalyticRuleIds",
];

/// Whether the contract has a property of this name.
pub fn knows(property: &str) -> bool {
    OF_INCIDENTS.contains(&property) || OF_ENTITIES.iter().any(|(name, _, _)| *name == property)
}

/// Whether the contract's property is one that an alert has.
pub fn of_alerts(property: &str) -> bool {
    let held = ["IncidentCustomDetailsKey", "IncidentCustomDetailsValue"].contains(&property);
    knows(property) && (held || !property.starts_with("Incident"))
}

/// A custom detail of an alert: its key and values.
type Detail = (String, Vec<String>);

/// What conditions are held against.
pub struct Scene<'a> {
    incident: &'a Incident,
    change: &'a Change,
    /// `triggersOn` of the rules that it is for.
    on: &'static str,
    rules: Vec<String>,
    entities: Vec<Value>,
    products: Vec<String>,
    details: Vec<Detail>,
}

impl<'a> Scene<'a> {
    /// An incident as it shows at `now`, and what happened to it.
    pub fn new(workspace: &Workspace, incident: &'a Incident, change: &'a Change, now: Timestamp) -> Self {
        let alerts: Vec<Value> =
            incident.alerts_shown(now).iter().map(|alert| evidence::alert_properties(workspace, alert)).collect();
        let mut products = incident.products.clone();
        products.extend(alerts.iter().filter_map(|alert| text(alert.get("productName")?)));
        let details = alerts.iter().flat_map(details).collect();
        let (rules, entities) = (incident.rule_ids.clone(), evidence::entities(workspace, incident, now));
        Self { incident, change, on: "Incidents", rules, entities, products, details }
    }

    /// An alert that was created, and the incident that it belongs to.
    pub fn of_alert(workspace: &Workspace, incident: &'a Incident, change: &'a Change, alert: &Alert) -> Self {
        let properties = evidence::alert_properties(workspace, alert);
        Self {
            incident,
            change,
            on: "Alerts",
            rules: evidence::alert_rules(workspace, &properties),
            entities: evidence::alert_entities(workspace, alert),
            products: properties.get("productName").and_then(text).into_iter().collect(),
            details: details(&properties),
        }
    }

    /// Whether a rule (its `properties`) runs.
    pub fn runs(&self, rule: &Map<String, Value>, now: Timestamp) -> bool {
        let Some(logic) = rule.get("triggeringLogic") else { return false };
        let text = |member: &str| logic.get(member).and_then(Value::as_str).unwrap_or("");
        let when = if self.change.new { "Created" } else { "Updated" };
        let over = stamp::parse(text("expirationTimeUtc")).is_some_and(|ends| ends <= now);
        logic.get("isEnabled").and_then(Value::as_bool) == Some(true)
            && !over
            && text("triggersOn") == self.on
            && text("triggersWhen") == when
            && list(logic, "conditions").iter().all(|one| self.holds(one, None, None))
    }

    /// `detail` and `value` are what an enclosing condition on custom details is looking at.
    fn holds(&self, condition: &Value, detail: Option<&Detail>, value: Option<&str>) -> bool {
        let none = Value::Null;
        let of = condition.get("conditionProperties").unwrap_or(&none);
        let text = |member: &str| of.get(member).and_then(Value::as_str).unwrap_or("");
        let values: Vec<&str> = list(of, "propertyValues").iter().filter_map(Value::as_str).collect();
        let compared = |own: &[String]| compared(text("operator"), own, &values);
        match condition.get("conditionType").and_then(Value::as_str) {
            Some("Boolean") => {
                let mut inner = list(of, "innerConditions").iter();
                if text("operator") == "Or" {
                    inner.any(|one| self.holds(one, detail, value))
                } else {
                    inner.all(|one| self.holds(one, detail, value))
                }
            }
            Some("Property") => compared(&self.property(text("propertyName"), detail, value)),
            Some("PropertyChanged") => {
                let pair = match text("propertyName") {
                    "IncidentStatus" => moved(self.change.status.as_ref()),
                    "IncidentSeverity" => moved(self.change.severity.as_ref()),
                    "IncidentOwner" => self.change.owner.as_ref().map(|(from, to)| (names(from), names(to))),
                    _ => None,
                };
                pair.is_some_and(|(from, to)| match text("changeType") {
                    "ChangedFrom" => compared(&from),
                    "ChangedTo" => compared(&to),
                    _ => true,
                })
            }
            Some("PropertyArrayChanged") => match text("arrayType") {
                "Alerts" => self.change.alerts_added,
                "Labels" => !self.change.labels_added.is_empty(),
                "Tactics" => !self.change.tactics_added.is_empty(),
                "Comments" => self.change.comments_added > 0,
                _ => false,
            },
            Some("PropertyArray") => {
                let items = list(of, "itemConditions");
                match text("arrayType") {
                    "CustomDetails" => {
                        self.details.iter().any(|item| items.iter().all(|one| self.holds(one, Some(item), None)))
                    }
                    "CustomDetailValues" => {
                        let of_it = detail.map_or(self.details.as_slice(), std::slice::from_ref);
                        let mut all = of_it.iter().flat_map(|(_, values)| values);
                        all.any(|item| items.iter().all(|one| self.holds(one, detail, Some(item))))
                    }
                    _ => false,
                }
            }
            _ => false,
        }
    }

    /// The values a property has; several where there are several alerts, entities or tags.
    fn property(&self, name: &str, detail: Option<&Detail>, value: Option<&str>) -> Vec<String> {
        let incident = self.incident;
        let details = detail.map_or(self.details.as_slice(), std::slice::from_ref);
        match name {
            "IncidentTitle" => vec![incident.title.clone()],
            "IncidentDescription" => vec![incident.description.clone().unwrap_or_default()],
            "IncidentSeverity" => vec![incident.severity.clone()],
            "IncidentStatus" => vec![incident.status.clone()],
            "IncidentRelatedAnalyticRuleIds" | "AlertAnalyticRuleIds" => self.rules.clone(),
            "IncidentTactics" => incident.tactics.clone(),
            "IncidentLabel" => incident.labels.iter().map(|label| label.name.clone()).collect(),
            "IncidentProviderName" => vec![incident.provider().to_owned()],
            "IncidentUpdatedBySource" => vec![self.change.source.clone()],
            "IncidentCustomDetailsKey" => details.iter().map(|(key, _)| key.clone()).collect(),
            "IncidentCustomDetailsValue" => match value {
                Some(value) => vec![value.to_owned()],
                None => details.iter().flat_map(|(_, values)| values.clone()).collect(),
            },
            "AlertProductNames" => self.products.clone(),
            name => OF_ENTITIES
                .iter()
                .filter(|(known, _, _)| *known == name)
                .flat_map(|(_, kind, member)| {
                    let own = self.entities.iter().filter(move |entity| {
                        entity.get("kind").and_then(Value::as_str).is_some_and(|own| own.eq_ignore_ascii_case(kind))
                    });
                    own.filter_map(move |entity| text(entity.get("properties")?.get(*member)?))
                })
                .collect(),
        }
    }
}

fn list<'a>(of: &'a Value, member: &str) -> &'a [Value] {
    of.get(member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn moved(pair: Option<&(String, String)>) -> Option<(Vec<String>, Vec<String>)> {
    pair.map(|(from, to)| (vec![from.clone()], vec![to.clone()]))
}

/// By which texts an owner may be named; an incident without one has the empty name.
fn names(owner: &Owner) -> Vec<String> {
    let all = [&owner.object_id, &owner.upn, &owner.email, &owner.assigned_to];
    let names: Vec<String> = all.into_iter().flatten().cloned().collect();
    if names.is_empty() { vec![String::new()] } else { names }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        _ => None,
    }
}

/// The custom details of an alert: JSON text of keys with their values.
fn details(alert: &Value) -> Vec<Detail> {
    let held = alert.pointer("/additionalData/Custom Details");
    let read = held.and_then(|held| match held {
        Value::String(text) => serde_json::from_str(text).ok(),
        other => Some(other.clone()),
    });
    let map = read.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
    let values = |value: &Value| match value {
        Value::Array(all) => all.iter().filter_map(text).collect(),
        one => text(one).into_iter().collect(),
    };
    map.iter().map(|(key, value)| (key.clone(), values(value))).collect()
}

/// A positive operator holds when any of its own values fits any of the condition's; a negative one when none does.
fn compared(operator: &str, own: &[String], values: &[&str]) -> bool {
    let fits = |own: &str, value: &str| match operator.strip_prefix("Not").unwrap_or(operator) {
        "Equals" => own == value,
        "Contains" => own.contains(value),
        "StartsWith" => own.starts_with(value),
        "EndsWith" => own.ends_with(value),
        _ => false,
    };
    let any = own.iter().any(|own| values.iter().any(|value| fits(&own.to_lowercase(), &value.to_lowercase())));
    any != operator.starts_with("Not")
}
