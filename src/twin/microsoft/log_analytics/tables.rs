//! The two tables: their columns, and their rows made from the incidents' history.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::twin::{
    microsoft::{
        evidence,
        incident::{Incident, Label, Shown, is_bookmark},
        workspace::Workspace,
    },
    stamp::seven_digits,
};

/// Which table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// One row for each change of an incident.
    SecurityIncident,
    /// One row for each alert.
    SecurityAlert,
}

/// Name and type of each column.
pub type Columns = Vec<(String, &'static str)>;

const INCIDENT: [(&str, &str); 33] = [
    ("TenantId", "string"),
    ("TimeGenerated", "datetime"),
    ("IncidentName", "string"),
    ("Title", "string"),
    ("Description", "string"),
    ("Severity", "string"),
    ("Status", "string"),
    ("Classification", "string"),
    ("ClassificationComment", "string"),
    ("ClassificationReason", "string"),
    ("Owner", "dynamic"),
    ("ProviderName", "string"),
    ("ProviderIncidentId", "string"),
    ("FirstActivityTime", "datetime"),
    ("LastActivityTime", "datetime"),
    ("FirstModifiedTime", "datetime"),
    ("LastModifiedTime", "datetime"),
    ("CreatedTime", "datetime"),
    ("ClosedTime", "datetime"),
    ("IncidentNumber", "int"),
    ("RelatedAnalyticRuleIds", "dynamic"),
    ("AlertIds", "dynamic"),
    ("BookmarkIds", "dynamic"),
    ("Comments", "dynamic"),
    ("Tasks", "dynamic"),
    ("Labels", "dynamic"),
    ("IncidentUrl", "string"),
    ("AdditionalData", "dynamic"),
    ("ModifiedBy", "string"),
    ("SourceSystem", "string"),
    ("WorkspaceSubscriptionId", "string"),
    ("WorkspaceResourceGroup", "string"),
    ("Type", "string"),
];

const ALERT: [(&str, &str); 35] = [
    ("TenantId", "string"),
    ("TimeGenerated", "datetime"),
    ("DisplayName", "string"),
    ("AlertName", "string"),
    ("AlertSeverity", "string"),
    ("Description", "string"),
    ("ProviderName", "string"),
    ("VendorName", "string"),
    ("VendorOriginalId", "string"),
    ("SystemAlertId", "string"),
    ("ResourceId", "string"),
    ("SourceComputerId", "string"),
    ("AlertType", "string"),
    ("ConfidenceLevel", "string"),
    ("ConfidenceScore", "real"),
    ("IsIncident", "bool"),
    ("StartTime", "datetime"),
    ("EndTime", "datetime"),
    ("ProcessingEndTime", "datetime"),
    ("RemediationSteps", "string"),
    ("ExtendedProperties", "string"),
    ("Entities", "string"),
    ("SourceSystem", "string"),
    ("WorkspaceSubscriptionId", "string"),
    ("WorkspaceResourceGroup", "string"),
    ("ExtendedLinks", "string"),
    ("ProductName", "string"),
    ("ProductComponentName", "string"),
    ("Status", "string"),
    ("CompromisedEntity", "string"),
    ("Tactics", "string"),
    ("Techniques", "string"),
    ("SubTechniques", "string"),
    ("AlertLink", "string"),
    ("Type", "string"),
];

/// The columns of a table.
pub fn columns(table: Table) -> Columns {
    let of = |all: &[(&str, &'static str)]| all.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
    match table {
        Table::SecurityIncident => of(&INCIDENT),
        Table::SecurityAlert => of(&ALERT),
    }
}

/// The rows that show up to a moment, oldest first.
pub fn rows(workspace: &Workspace, table: Table, shows: Timestamp, defender: bool) -> Vec<Vec<Value>> {
    match table {
        Table::SecurityIncident => workspace
            .log
            .iter()
            .filter(|row| row.at <= shows)
            .map(|row| incident_row(workspace, &row.incident, row.at, defender))
            .collect(),
        Table::SecurityAlert => {
            let mut rows = Vec::new();
            for incident in workspace.iter() {
                for alert in incident.alerts.iter().filter(|alert| alert.at <= shows) {
                    rows.push((alert.at, alert_row(workspace, incident, alert)));
                }
            }
            rows.sort_by_key(|(at, _)| *at);
            rows.into_iter().map(|(_, row)| row).collect()
        }
    }
}

fn dynamic(value: &Value) -> Value {
    // Dynamic columns come as JSON text.
    Value::String(value.to_string())
}

fn incident_row(workspace: &Workspace, incident: &Incident, at: Timestamp, defender: bool) -> Vec<Value> {
    let shown = Shown { workspace_id: &workspace.id, tenant_id: &workspace.tenant_id, merged_members: false };
    let id = incident.id(&workspace.id);
    let comments: Vec<Value> = incident.comments.iter().map(|comment| json!({"message": comment.message, "author": comment.author.to_json(), "createdTimeUtc": seven_digits(comment.created)})).collect();
    let tasks: Vec<Value> =
        incident.tasks.iter().map(|task| json!({"title": task.title, "status": task.status})).collect();
    let labels: Vec<Value> = incident.labels.iter().map(Label::to_json).collect();
    let description = if defender { None } else { incident.description.as_deref() };
    let bookmarks: Vec<&str> = incident
        .relations
        .iter()
        .filter(|relation| is_bookmark(&relation.related_id))
        .filter_map(|relation| relation.related_id.rsplit('/').next())
        .collect();
    let mut owner = incident.owner.to_json();
    if let Some(map) = owner.as_object_mut() {
        map.remove("ownerType");
    }
    vec![
        json!(workspace.customer_id),
        json!(seven_digits(at)),
        json!(incident.name),
        json!(incident.title),
        json!(description.unwrap_or("")),
        json!(incident.severity),
        json!(incident.status),
        json!(incident.classification.as_deref().unwrap_or("")),
        json!(incident.classification_comment.as_deref().unwrap_or("")),
        json!(incident.classification_reason.as_deref().unwrap_or("")),
        dynamic(&owner),
        json!(incident.provider()),
        json!(incident.defender_number.unwrap_or(incident.number).to_string()),
        json!(incident.first_activity),
        json!(incident.last_activity),
        json!(seven_digits(incident.created)),
        json!(seven_digits(incident.modified)),
        json!(seven_digits(incident.created)),
        json!(incident.closed.map(seven_digits)),
        json!(incident.number),
        dynamic(&json!(incident.rule_ids)),
        dynamic(&json!(incident.alerts.iter().map(|alert| &alert.id).collect::<Vec<_>>())),
        dynamic(&json!(bookmarks)),
        dynamic(&json!(comments)),
        dynamic(&json!(tasks)),
        dynamic(&json!(labels)),
        json!(format!("https://portal.azure.com/#asset/Microsoft_Azure_Security_Insights/Incident{id}")),
        dynamic(&incident.additional(&shown)),
        json!(incident.modified_by),
        json!("Azure"),
        json!(workspace.subscription_id),
        json!(workspace.resource_group),
        json!("SecurityIncident"),
    ]
}

fn alert_row(
    workspace: &Workspace,
    incident: &Incident,
    alert: &crate::twin::microsoft::incident::Alert,
) -> Vec<Value> {
    let properties = evidence::alert_properties(workspace, alert);
    let of = |name: &str| properties.get(name).cloned().unwrap_or_else(|| json!(""));
    let extended = properties.get("additionalData").map_or_else(|| "{}".to_owned(), Value::to_string);
    let entities: Vec<Value> = evidence::entities(workspace, incident, Timestamp::MAX);
    vec![
        json!(workspace.customer_id),
        of("timeGenerated"),
        of("alertDisplayName"),
        of("alertDisplayName"),
        of("severity"),
        of("description"),
        json!("ASI Scheduled Alerts"),
        of("vendorName"),
        of("providerAlertId"),
        json!(alert.id),
        json!(""),
        json!(""),
        of("alertType"),
        of("confidenceLevel"),
        Value::Null,
        json!(false),
        of("startTimeUtc"),
        of("endTimeUtc"),
        of("processingEndTime"),
        json!(""),
        json!(extended),
        json!(Value::from(entities).to_string()),
        json!("Detection"),
        json!(workspace.subscription_id),
        json!(workspace.resource_group),
        json!(""),
        of("productName"),
        of("productComponentName"),
        of("status"),
        json!(""),
        json!(
            properties
                .get("tactics")
                .and_then(Value::as_array)
                .map(|all| all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
                .unwrap_or_default()
        ),
        json!(techniques(&properties, false)),
        json!(techniques(&properties, true)),
        of("alertLink"),
        json!("SecurityAlert"),
    ]
}

/// The techniques of an alert, or the parts of techniques (`T1078.004`), as the text of a list; empty when it has none.
fn techniques(properties: &Value, parts: bool) -> String {
    let held = properties.pointer("/additionalData/MitreTechniques").and_then(Value::as_str).unwrap_or("[]");
    let all: Vec<String> = serde_json::from_str(held).unwrap_or_default();
    let own: Vec<&String> = all.iter().filter(|technique| technique.contains('.') == parts).collect();
    if own.is_empty() { String::new() } else { json!(own).to_string() }
}

/// The answer of the `metadata` call.
pub fn metadata() -> Value {
    let table = |table: Table, name: &str| {
        let columns: Vec<Value> =
            columns(table).iter().map(|(name, kind)| json!({"name": name, "type": kind})).collect();
        json!({"id": format!("t/{name}"), "name": name, "columns": columns, "tags": {}, "properties": {}})
    };
    json!({"tables": [table(Table::SecurityIncident, "SecurityIncident"), table(Table::SecurityAlert, "SecurityAlert")]})
}
