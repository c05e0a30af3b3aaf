//! Made-up stories: what an incident is about, and the alerts and entities that belong to it.
//!
//! Bodies are made when read, from the story's number and the alert's id, so that ten thousand
//! incidents cost no memory for them.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    incident::{Alert, AlertBody, Incident},
    workspace::Workspace,
};
use crate::twin::stamp::seven_digits;

/// What happened, in the words an analytics rule would use.
pub struct Story {
    /// Title of the incident and its alert.
    pub title: &'static str,
    /// Description.
    pub description: &'static str,
    /// Severity.
    pub severity: &'static str,
    /// Tactic.
    pub tactic: &'static str,
    /// Technique.
    pub technique: &'static str,
    /// Product that raised it.
    pub product: &'static str,
    /// Query of the rule.
    pub query: &'static str,
}

/// The stories.
pub const STORIES: [Story; 8] = [
    Story {
        title: "Sign-in from an unfamiliar country for VIP account",
        description: "A VIP account signed in from a country not seen in the last 30 days.",
        severity: "High",
        tactic: "InitialAccess",
        technique: "T1078",
        product: "Azure Sentinel",
        query: "SigninLogs | where Country == 'ZZ'",
    },
    Story {
        title: "Mass download by a departing employee",
        description: "More than 500 files were downloaded within an hour by an account that is to be closed.",
        severity: "Medium",
        tactic: "Exfiltration",
        technique: "T1048",
        product: "Microsoft Defender for Cloud Apps",
        query: "OfficeActivity | where Operation == 'FileDownloaded' | summarize count() by UserId",
    },
    Story {
        title: "Suspicious PowerShell command line",
        description: "An encoded command was run by a process that does not usually start PowerShell.",
        severity: "Medium",
        tactic: "Execution",
        technique: "T1059",
        product: "Microsoft Defender for Endpoint",
        query: "DeviceProcessEvents | where ProcessCommandLine has '-enc'",
    },
    Story {
        title: "Multiple failed sign-ins followed by success",
        description: "Forty failed sign-ins from one address, then a successful one.",
        severity: "High",
        tactic: "CredentialAccess",
        technique: "T1110",
        product: "Azure Sentinel",
        query: "SigninLogs | summarize failed=countif(ResultType != 0) by IPAddress, UserPrincipalName",
    },
    Story {
        title: "New inbox rule forwards mail outside",
        description: "A mailbox rule that forwards every message to an outside address was made.",
        severity: "Medium",
        tactic: "Collection",
        technique: "T1114",
        product: "Microsoft Defender for Office 365",
        query: "OfficeActivity | where Operation == 'New-InboxRule'",
    },
    Story {
        title: "Role added to a service principal",
        description: "A privileged directory role was given to an application.",
        severity: "High",
        tactic: "PrivilegeEscalation",
        technique: "T1098",
        product: "Azure Sentinel",
        query: "AuditLogs | where OperationName == 'Add member to role'",
    },
    Story {
        title: "Port scan from an internal host",
        description: "A workstation tried more than 200 ports of its neighbours.",
        severity: "Low",
        tactic: "Discovery",
        technique: "T1046",
        product: "Azure Sentinel",
        query: "CommonSecurityLog | summarize dcount(DestinationPort) by SourceIP",
    },
    Story {
        title: "Sign-in log connector is silent",
        description: "No sign-in was logged for six hours.",
        severity: "Informational",
        tactic: "DefenseEvasion",
        technique: "T1562",
        product: "Azure Sentinel",
        query: "SigninLogs | summarize max(TimeGenerated)",
    },
];

/// The story of this number; numbers beyond the last begin again.
#[expect(clippy::indexing_slicing, reason = "a remainder lies within the table, which is not empty")]
pub fn story(number: usize) -> &'static Story {
    &STORIES[number % STORIES.len()]
}

fn derived(name: &str, what: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{name}/{what}").as_bytes()).to_string()
}

/// The first alert of an incident that tells a story.
pub fn first_alert(incident_name: &str, number: usize, at: Timestamp) -> Alert {
    Alert { id: derived(incident_name, "alert-0"), body: AlertBody::Story(number), at }
}

/// The analytics rule of a story in a workspace.
pub fn rule_id(workspace: &Workspace, number: usize) -> String {
    let rule = derived("rule", story(number).title);
    format!("{}/providers/Microsoft.SecurityInsights/alertRules/{rule}", workspace.id)
}

fn entity(workspace: &Workspace, name: &str, kind: &str, properties: Value) -> Value {
    json!({
        "id": format!("{}/providers/Microsoft.SecurityInsights/Entities/{name}", workspace.id), "name": name,
        "type": "Microsoft.SecurityInsights/Entities", "kind": kind, "properties": properties,
    })
}

/// `properties` of an alert.
pub fn alert_properties(workspace: &Workspace, alert: &Alert) -> Value {
    let number = match &alert.body {
        AlertBody::Given(properties) => {
            let mut properties = properties.clone();
            if let Some(map) = properties.as_object_mut() {
                map.entry("systemAlertId").or_insert_with(|| alert.id.as_str().into());
                map.insert("friendlyName".into(), map.get("alertDisplayName").cloned().unwrap_or(json!("Alert")));
            }
            return properties;
        }
        AlertBody::Story(number) => *number,
    };
    let story = story(number);
    let rule = derived("rule", story.title);
    let ago = |minutes: i64| alert.at.checked_sub(SignedDuration::from_mins(minutes)).unwrap_or(alert.at);
    let spaced = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    json!({
        "systemAlertId": alert.id, "tactics": [story.tactic], "alertDisplayName": story.title,
        "description": story.description, "confidenceLevel": "Unknown", "severity": story.severity,
        "vendorName": "Microsoft", "productName": story.product, "productComponentName": "Scheduled Alerts",
        "alertType": format!("{}_{rule}", workspace.customer_id), "processingEndTime": seven_digits(ago(5)),
        "status": "New", "endTimeUtc": seven_digits(ago(10)), "startTimeUtc": seven_digits(ago(60)),
        "timeGenerated": seven_digits(ago(5)), "providerAlertId": derived(&alert.id, "provider"),
        "resourceIdentifiers": [{"type": "LogAnalytics", "workspaceId": workspace.customer_id}],
        "additionalData": {
            "ProcessedBySentinel": "True", "Alert generation status": "Full alert created", "Query Period": "01:00:00",
            "Trigger Operator": "GreaterThan", "Trigger Threshold": "0", "Correlation Id": derived(&alert.id, "correlation"),
            "Search Query Results Overall Count": "2", "Data Sources": "[\"contoso-dc-01\"]", "Query": story.query,
            "Query Start Time UTC": spaced(ago(120)), "Query End Time UTC": spaced(ago(60)),
            "Analytic Rule Ids": format!("[\"{rule}\"]"), "Event Grouping": "SingleAlert", "Analytic Rule Name": story.title,
            "Custom Details": json!({"Country": ["ZZ"], "Attempts": ["2", "3"]}).to_string(),
            "MitreTechniques": format!("[\"{}\"]", story.technique),
        },
        "friendlyName": story.title,
    })
}

/// The alerts of an incident that show at `now`, as resources.
pub fn alerts(workspace: &Workspace, incident: &Incident, now: Timestamp) -> Vec<Value> {
    incident
        .alerts_shown(now)
        .iter()
        .map(|alert| entity(workspace, &alert.id, "SecurityAlert", alert_properties(workspace, alert)))
        .collect()
}

/// The entities of an incident that show at `now`: those of its alerts' stories and those handed in.
pub fn entities(workspace: &Workspace, incident: &Incident, now: Timestamp) -> Vec<Value> {
    let mut all: Vec<Value> =
        incident.alerts_shown(now).iter().flat_map(|alert| alert_entities(workspace, alert)).collect();
    if now >= incident.evidence_at {
        for (n, given) in incident.entities.iter().enumerate() {
            let kind = given.get("kind").and_then(Value::as_str).unwrap_or("Url");
            let properties = given.get("properties").cloned().unwrap_or_else(|| json!({}));
            all.push(entity(workspace, &derived(&incident.name, &format!("given-{n}")), kind, properties));
        }
    }
    all
}

/// The bookmarks that an incident is related to, as resources.
pub fn bookmarks(workspace: &Workspace, incident: &Incident) -> Vec<Value> {
    let names = incident.relations.iter().filter_map(|relation| relation.related_id.rsplit('/').next());
    names.filter_map(|name| workspace.bookmarks.get(&name.to_lowercase())).map(of_bookmark).collect()
}

fn of_bookmark(bookmark: &Value) -> Value {
    let properties = bookmark.get("properties");
    let of = |name: &str| properties.and_then(|p| p.get(name)).cloned().unwrap_or(Value::Null);
    let name = bookmark.get("name").cloned().unwrap_or(Value::Null);
    let id = bookmark.get("id").and_then(Value::as_str).unwrap_or("").replace("/Bookmarks/", "/Entities/");
    let mut shown = json!({"displayName": of("displayName"), "query": of("query"), "friendlyName": of("displayName"), "additionalData": {}});
    if let Some(map) = shown.as_object_mut() {
        map.retain(|_, value| !value.is_null());
    }
    json!({"id": id, "name": name, "type": "Microsoft.SecurityInsights/Entities", "kind": "Bookmark", "properties": shown})
}

/// The kind of the entity of this name, whichever incident it is in.
pub fn kind_of(workspace: &Workspace, name: &str) -> Option<String> {
    workspace.iter().find_map(|incident| {
        if incident.alerts.iter().any(|alert| alert.id.eq_ignore_ascii_case(name)) {
            return Some("SecurityAlert".to_owned());
        }
        let all = entities(workspace, incident, Timestamp::MAX);
        let text = |row: &Value, member: &str| row.get(member).and_then(Value::as_str).map(str::to_owned);
        let found = all.iter().find(|row| text(row, "name").is_some_and(|own| own.eq_ignore_ascii_case(name)))?;
        text(found, "kind")
    })
}

/// The entities of an alert: those of its story.
pub fn alert_entities(workspace: &Workspace, alert: &Alert) -> Vec<Value> {
    let AlertBody::Story(number) = alert.body else { return Vec::new() };
    let all = story_entities(workspace, number).into_iter().enumerate();
    all.map(|(n, (kind, properties))| entity(workspace, &derived(&alert.id, &format!("entity-{n}")), kind, properties))
        .collect()
}

/// The analytics rules that an alert's `properties` name, as full ids.
pub fn alert_rules(workspace: &Workspace, alert: &Value) -> Vec<String> {
    let held = alert.pointer("/additionalData/Analytic Rule Ids").and_then(Value::as_str).unwrap_or("[]");
    let names: Vec<String> = serde_json::from_str(held).unwrap_or_default();
    let id = |name: String| format!("{}/providers/Microsoft.SecurityInsights/alertRules/{name}", workspace.id);
    names.into_iter().map(id).collect()
}

fn story_entities(workspace: &Workspace, number: usize) -> Vec<(&'static str, Value)> {
    let host = format!("LAPTOP-{:02}", number % 40 + 1);
    let ip = format!("203.0.113.{}", number % 250 + 1);
    let account = json!({
        "accountName": "vip.user", "upnSuffix": "contoso.example", "aadTenantId": workspace.tenant_id,
        "aadUserId": derived("user", "vip.user"), "isDomainJoined": true, "displayName": "Vip User",
        "friendlyName": "Vip User",
    });
    let address = json!({
        "address": ip, "location": {"countryCode": "zz", "countryName": "nowhere", "asn": 64500}, "friendlyName": ip,
    });
    let machine = json!({
        "hostName": host, "dnsDomain": "corp.contoso.example", "osFamily": "Windows", "isDomainJoined": true,
        "additionalData": {}, "friendlyName": host,
    });
    let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    match number % STORIES.len() {
        2 => vec![
            ("Host", machine),
            (
                "Process",
                json!({"commandLine": "powershell -enc SQBFAFgA", "processId": "4711", "friendlyName": "powershell"}),
            ),
            ("FileHash", json!({"hashValue": hash, "algorithm": "SHA256", "friendlyName": "e3b0c442(SHA256)"})),
        ],
        4 => vec![
            (
                "Mailbox",
                json!({"mailboxPrimaryAddress": "vip.user@contoso.example", "displayName": "Vip User", "friendlyName": "vip.user@contoso.example"}),
            ),
            ("Url", json!({"url": "https://phish.example/login", "friendlyName": "https://phish.example/login"})),
        ],
        5 => vec![
            ("CloudApplication", json!({"appId": 11161, "appName": "Backup agent", "friendlyName": "Backup agent"})),
            ("Account", account),
        ],
        6 => vec![("Host", machine), ("Ip", address)],
        7 => vec![(
            "AzureResource",
            json!({"resourceId": workspace.id, "subscriptionId": workspace.subscription_id, "friendlyName": workspace.name}),
        )],
        _ => vec![("Account", account), ("Ip", address)],
    }
}
