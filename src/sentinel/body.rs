//! The bytes of a write: what is planned, shown and sent is made here (pure).

use serde_json::{Map, Value, json};

use crate::domain::{
    incident::{Incident, IncidentStatus, Label, Owner},
    operation::IncidentChange,
};

/// Members a `PUT` carries from the read (sentinel-api sheet 1.3), besides owner, labels and those that change.
const CARRIED: [&str; 3] = ["description", "firstActivityTimeUtc", "lastActivityTimeUtc"];

/// The whole body of an incident `PUT`: every writable member of the read, with the change laid over
/// it, and the read's etag (rule 3). What `PUT` leaves out is wiped, so nothing is left out.
pub fn incident_body(current: &Incident, change: &IncidentChange) -> Value {
    let status = change.status.as_ref().unwrap_or(&current.status);
    let severity = change.severity.as_ref().unwrap_or(&current.severity);
    let mut properties = Map::new();
    properties.insert("title".into(), json!(change.title.as_ref().unwrap_or(&current.title)));
    properties.insert("severity".into(), json!(severity.as_str()));
    properties.insert("status".into(), json!(status.as_str()));
    let read = current.raw.get("properties");
    for key in CARRIED {
        if let Some(value) = read.and_then(|p| p.get(key)).filter(|v| !v.is_null()) {
            properties.insert(key.into(), value.clone());
        }
    }
    match &change.owner {
        Some(owner) => properties.insert("owner".into(), owner_body(owner)),
        None => properties.insert("owner".into(), owner_body(&current.owner)),
    };
    let there = |name: &String| current.labels.iter().any(|label| label.name.eq_ignore_ascii_case(name));
    let goes = |label: &&Label| {
        !label.assigned() && change.labels_removed.iter().any(|name| name.eq_ignore_ascii_case(&label.name))
    };
    let names = current.labels.iter().filter(|label| !goes(label)).map(|label| &label.name);
    let names = names.chain(change.labels_added.iter().filter(|name| !there(name)));
    let labels: Vec<Value> = names.map(|name| json!({"labelName": name})).collect();
    properties.insert("labels".into(), Value::Array(labels));
    if *status == IncidentStatus::Closed {
        verdict(&mut properties, current, change);
    }
    let mut body = Map::new();
    if let Some(etag) = &current.etag {
        body.insert("etag".into(), json!(etag));
    }
    body.insert("properties".into(), Value::Object(properties));
    Value::Object(body)
}

/// Classification members exist only while closed (sheet section 2): a new verdict replaces all three.
fn verdict(properties: &mut Map<String, Value>, current: &Incident, change: &IncidentChange) {
    let (classification, reason, comment) = match &change.verdict {
        Some(verdict) => (Some(verdict.classification.as_str()), verdict.reason.as_deref(), verdict.comment.as_deref()),
        None => (
            current.classification.as_ref().map(|c| c.as_str()),
            current.classification_reason.as_deref(),
            current.classification_comment.as_deref(),
        ),
    };
    let members =
        [("classification", classification), ("classificationReason", reason), ("classificationComment", comment)];
    for (key, value) in members {
        if let Some(value) = value {
            properties.insert(key.into(), json!(value));
        }
    }
}

/// Nobody is an empty object (it unassigns); somebody is what is known of them.
fn owner_body(owner: &Owner) -> Value {
    let members = [
        ("objectId", &owner.object_id),
        ("email", &owner.email),
        ("assignedTo", &owner.assigned_to),
        ("userPrincipalName", &owner.user_principal_name),
        ("ownerType", &owner.owner_type),
    ];
    let mut body = Map::new();
    if !owner.is_none() {
        for (key, value) in members {
            if let Some(value) = value {
                body.insert(key.into(), json!(value));
            }
        }
    }
    Value::Object(body)
}

/// The body of a comment `PUT`.
pub fn comment_body(message: &str) -> Value {
    json!({"properties": {"message": message}})
}
