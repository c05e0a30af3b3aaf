//! Answers in forms that nobody has seen but nothing excludes, where a switch asks for them.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::twin::{
    microsoft::switches::Switches,
    wire::{Call, Reply},
};

/// The call without its `$orderby`.
pub fn without_order(call: &Call) -> Call {
    let mut call = call.clone();
    call.query.retain(|(name, _)| !name.eq_ignore_ascii_case("$orderby"));
    call
}

/// The answer to a call of this kind, in the form that the switches ask for.
pub fn worn(switches: &Switches, kind: &str, mut reply: Reply) -> Reply {
    if reply.status == 409 && switches.conflict_status != 409 && kind.starts_with("sentinel.") {
        reply.status = switches.conflict_status;
        return reply;
    }
    if reply.status == 404 && kind.starts_with("sentinel.") {
        return missing(switches, reply);
    }
    let changed = switches.etag_in_header || switches.put_answer != "whole" || !switches.counts_told;
    let touched = changed && kind.starts_with("sentinel.incident.");
    let lists = switches.empty_lists_null && kind.ends_with(".list");
    let authors = nulls(switches) && kind.starts_with("sentinel.");
    if reply.status >= 300 || !(touched || lists || authors) {
        return reply;
    }
    let Ok(mut body) = serde_json::from_slice::<Value>(&reply.body) else { return reply };
    if lists && body.get("value").and_then(Value::as_array).is_some_and(Vec::is_empty) {
        body = json!({"value": null});
    }
    match body.get_mut("value").and_then(Value::as_array_mut) {
        Some(rows) => rows.iter_mut().for_each(|row| drop(undressed(switches, kind, row))),
        None => {
            if let Some(etag) = undressed(switches, kind, &mut body) {
                reply = reply.with("etag", etag);
            }
        }
    }
    if authors {
        null_authors(&mut body);
    }
    reply.body = Bytes::from(body.to_string());
    if kind == "sentinel.incident.put" {
        match switches.put_answer.as_str() {
            "empty" => reply.body = Bytes::new(),
            "bare" => reply.body = Bytes::from(json!({"id": body.get("id"), "name": body.get("name")}).to_string()),
            _ => {}
        }
    }
    reply
}

/// The 404 for an incident, in the words that are set.
fn missing(switches: &Switches, mut reply: Reply) -> Reply {
    let message = |body: &Value| body.pointer("/error/message").and_then(Value::as_str).map(str::to_owned);
    let said = serde_json::from_slice::<Value>(&reply.body).ok().and_then(|body| message(&body));
    let name = said.as_deref().and_then(|said| said.strip_prefix("Incident '")?.strip_suffix("' was not found"));
    if let Some(name) = name {
        let text = switches.missing_incident_text.replace("{name}", name);
        let error = json!({"error": {"code": switches.missing_incident_code, "message": text}});
        let bare = text.is_empty() && switches.missing_incident_code.is_empty();
        reply.body = if bare { Bytes::new() } else { Bytes::from(error.to_string()) };
    }
    reply
}

/// Whether an application's mail address and sign-in name come as null.
pub fn nulls(switches: &Switches) -> bool {
    switches.app_author == "null"
}

/// Tells whatever an author does not have as null.
pub fn null_authors(value: &mut Value) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(null_authors),
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                let writes = matches!(name.as_str(), "author" | "createdBy" | "lastModifiedBy" | "updatedBy");
                match member.as_object_mut().filter(|author| writes && author.contains_key("objectId")) {
                    Some(author) => {
                        for unset in ["email", "userPrincipalName"] {
                            author.entry(unset).or_insert(Value::Null);
                        }
                    }
                    None => null_authors(member),
                }
            }
        }
        _ => {}
    }
}

/// Takes off what is not to be told of an incident; its version, when that goes into the header.
fn undressed(switches: &Switches, kind: &str, resource: &mut Value) -> Option<String> {
    if !kind.starts_with("sentinel.incident.") {
        return None;
    }
    if !switches.counts_told
        && let Some(properties) = resource.get_mut("properties").and_then(Value::as_object_mut)
    {
        properties.remove("additionalData");
    }
    let etag = resource.as_object_mut().filter(|_| switches.etag_in_header)?.remove("etag")?;
    etag.as_str().map(str::to_owned)
}
