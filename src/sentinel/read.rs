//! Reads incidents and comments from whatever came: members may be absent, null or of another type.

use serde_json::Value;
use uuid::Uuid;

use crate::{
    domain::{
        closing::Classification,
        ids::{CommentId, IncidentId, NAMESPACE},
        incident::{Comment, Incident, IncidentStatus, Label, NOT_TOLD, Owner, Severity},
    },
    outbound::read::{int_at, list_at, text_at, time_at, words_at},
};

/// The last segment of a resource's `id`, or its `name`.
fn name_of(resource: &Value) -> Option<String> {
    words_at(resource, "name").or_else(|| {
        let id = words_at(resource, "id")?;
        id.rsplit('/').next().map(str::to_owned).filter(|tail| !tail.is_empty())
    })
}

/// An incident. Only its name (or id) must be there; the whole resource is kept in `raw`.
///
/// # Errors
/// Gives the resource back when it has no name.
pub fn incident(resource: Value) -> Result<Incident, Value> {
    let Some(name) = name_of(&resource) else { return Err(resource) };
    let null = Value::Null;
    let properties = resource.get("properties").unwrap_or(&null);
    let more = properties.get("additionalData").unwrap_or(&null);
    Ok(Incident {
        id: IncidentId::new(&name),
        resource_id: text_at(&resource, "id").unwrap_or_default(),
        etag: words_at(&resource, "etag"),
        number: int_at(properties, "incidentNumber"),
        title: text_at(properties, "title").unwrap_or_default(),
        description: text_at(properties, "description"),
        severity: Severity::from(text_at(properties, "severity").unwrap_or_default()),
        status: IncidentStatus::from(text_at(properties, "status").unwrap_or_default()),
        classification: words_at(properties, "classification").map(Classification::from),
        classification_reason: words_at(properties, "classificationReason"),
        classification_comment: words_at(properties, "classificationComment"),
        owner: owner(properties.get("owner").unwrap_or(&null)),
        labels: list_at(properties, "labels").iter().filter_map(label).collect(),
        first_activity: words_at(properties, "firstActivityTimeUtc"),
        last_activity: words_at(properties, "lastActivityTimeUtc"),
        created: time_at(properties, "createdTimeUtc"),
        modified: time_at(properties, "lastModifiedTimeUtc"),
        alerts_count: int_at(more, "alertsCount").unwrap_or(NOT_TOLD),
        comments_count: int_at(more, "commentsCount").unwrap_or(NOT_TOLD),
        url: words_at(properties, "incidentUrl"),
        provider_name: words_at(properties, "providerName"),
        provider_incident_id: words_at(properties, "providerIncidentId"),
        provider_url: words_at(more, "providerIncidentUrl"),
        raw: resource.into(),
    })
}

fn owner(value: &Value) -> Owner {
    Owner {
        object_id: words_at(value, "objectId"),
        email: words_at(value, "email"),
        assigned_to: words_at(value, "assignedTo"),
        user_principal_name: words_at(value, "userPrincipalName"),
        owner_type: words_at(value, "ownerType"),
    }
}

fn label(value: &Value) -> Option<Label> {
    match value {
        Value::String(name) => Some(Label { name: name.clone(), kind: None }),
        _ => Some(Label { name: words_at(value, "labelName")?, kind: words_at(value, "labelType") }),
    }
}

/// A comment. One without a name gets an id from its content, so that it is never lost; one without
/// a message is shown as it came.
pub fn comment(resource: &Value) -> Comment {
    let null = Value::Null;
    let properties = resource.get("properties").unwrap_or(&null);
    let author = properties.get("author").unwrap_or(&null);
    let id = name_of(resource).map_or_else(
        || CommentId::new(&Uuid::new_v5(&NAMESPACE, resource.to_string().as_bytes()).to_string()),
        |name| CommentId::new(&name),
    );
    let message = match properties.get("message") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
        None if properties.is_object() => String::new(),
        None => resource.to_string(),
    };
    Comment {
        raw: resource.clone().into(),
        id,
        message,
        author: words_at(author, "name")
            .or_else(|| words_at(author, "email"))
            .or_else(|| words_at(author, "userPrincipalName")),
        author_object_id: words_at(author, "objectId"),
        created: time_at(properties, "createdTimeUtc"),
        modified: time_at(properties, "lastModifiedTimeUtc"),
        etag: words_at(resource, "etag"),
    }
}
