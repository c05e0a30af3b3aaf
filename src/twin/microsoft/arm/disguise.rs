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
    let changed = switches.etag_in_header || switches.put_answer != "whole" || !switches.counts_told;
    let touched = changed && kind.starts_with("sentinel.incident.");
    let lists = switches.empty_lists_null && kind.ends_with(".list");
    if reply.status >= 300 || !(touched || lists) {
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
