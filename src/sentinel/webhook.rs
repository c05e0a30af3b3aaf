//! What a Logic App posts about an incident: a hint, never believed.

use serde_json::Value;

use crate::domain::ids::IncidentId;

/// The incident's GUID in a Logic App body, in either spelling (sentinel-api sheet 6.2).
pub fn incident_id(body: &Value) -> Option<IncidentId> {
    let object = body.get("object").or_else(|| body.get("Object")).unwrap_or(body);
    let name = object.get("name").or_else(|| object.get("Name")).and_then(Value::as_str);
    let from_id = || object.get("id").or_else(|| object.get("Id")).and_then(Value::as_str)?.rsplit('/').next();
    let text = name.or_else(from_id)?;
    uuid::Uuid::parse_str(text).ok().map(|_| IncidentId::new(text))
}
