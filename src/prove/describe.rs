//! Calls and answers in a few words, and the odd bodies that some answers get.

use bytes::Bytes;
use serde_json::Value;

use super::dice::Dice;
use crate::twin::wire::{Call, Reply};

/// Longest text of a body that is told.
const TEXT_MAX: usize = 90;

/// Members that may be null where text is expected, without changing what the record means.
const ODD: [&str; 11] = [
    "description",
    "additionalData",
    "incidentUrl",
    "providerName",
    "relatedAnalyticRuleIds",
    "firstActivityTimeUtc",
    "summary",
    "details",
    "client_name",
    "user_name",
    "category_1",
];

/// A side in words.
pub fn side(side: &str) -> &'static str {
    match side {
        "entra" => "Entra",
        "arm" => "Azure",
        "loganalytics" => "Log Analytics",
        "graph" => "Graph",
        _ => "Halo",
    }
}

/// The ticket that a call names: in its path, its query or its body.
pub fn ticket_of(call: &Call, body: &Value) -> Option<i64> {
    let lower = call.path.to_lowercase();
    if let Some((_, rest)) = lower.split_once("/api/tickets/") {
        return rest.split('/').next()?.parse().ok();
    }
    if lower.ends_with("/api/tickets") && call.method == "POST" {
        return body.pointer("/0/id").and_then(Value::as_i64).filter(|id| *id > 0);
    }
    if lower.ends_with("/api/actions") {
        let posted = body.pointer("/0/ticket_id").and_then(Value::as_i64);
        return posted.or_else(|| call.query("ticket_id")?.parse().ok());
    }
    None
}

/// What an answer to a write names.
pub fn made(reply: &Reply) -> String {
    if reply.status != 201 {
        return String::new();
    }
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
    let object = body.get(0).unwrap_or(&body);
    let number = |name: &str| object.get(name).and_then(Value::as_i64);
    match (number("ticket_id"), number("id"), object.get("name").and_then(Value::as_str)) {
        (Some(ticket), Some(action), _) => format!(" (action {action} of #{ticket})"),
        (None, Some(ticket), _) => format!(" (#{ticket})"),
        (_, _, Some(name)) => format!(" ({name})"),
        _ => String::new(),
    }
}

/// A call in words.
pub fn call(kind: &str, call: &Call) -> String {
    let body = call.json().unwrap_or(Value::Null);
    let tail = |mark: &str| {
        let lower = call.path.to_lowercase();
        let found = lower.split_once(mark).map(|(_, rest)| rest.split('/').next().unwrap_or("").to_owned());
        found.unwrap_or_default()
    };
    let incident = tail("/incidents/");
    let text = |pointer: &str| body.pointer(pointer).map(shown).unwrap_or_default();
    match kind {
        "sentinel.incident.list" => format!(
            "lists incidents of {} where {}{}",
            tail("/workspaces/"),
            call.query("$filter").unwrap_or("anything"),
            if call.query("$skipToken").is_some() { " (a further page)" } else { "" }
        ),
        "sentinel.incident.get" => format!("reads incident {incident}"),
        "sentinel.incident.put" => {
            let owner = body.pointer("/properties/owner/userPrincipalName").map_or("nobody".to_owned(), shown);
            format!(
                "writes incident {incident}: {} {} owner {owner} {}",
                text("/properties/status"),
                text("/properties/severity"),
                text("/properties/classification")
            )
        }
        "sentinel.comment.list" => format!("reads comments of {incident}"),
        "sentinel.comment.put" => format!(
            "writes comment {} on {incident}: {}",
            call.path.rsplit('/').next().unwrap_or_default(),
            text("/properties/message")
        ),
        "halo.tickets.list" => {
            let named = ["lastupdatefromdate", "search", "ticketids", "page_no"];
            let query: Vec<String> = named
                .iter()
                .filter_map(|name| Some(format!("{name}={}", call.query(name)?)))
                .filter(|text| text != "page_no=1")
                .collect();
            format!("lists tickets by {}", query.join(", "))
        }
        "halo.tickets.get" => format!("reads ticket #{}", tail("/tickets/")),
        "halo.tickets.post" => match body.pointer("/0/id").and_then(Value::as_i64) {
            Some(id) => {
                let members: Vec<String> = ["status_id", "priority_id", "agent_id"]
                    .iter()
                    .filter_map(|name| Some(format!("{name} {}", body.pointer(&format!("/0/{name}"))?)))
                    .collect();
                format!("changes ticket #{id}: {}", members.join(", "))
            }
            None => format!("creates a ticket for client {}: {}", text("/0/client_id"), text("/0/summary")),
        },
        "halo.actions.list" => format!("reads notes of #{}", call.query("ticket_id").unwrap_or("?")),
        "halo.actions.post" => format!("writes a note on #{}: {}", text("/0/ticket_id"), text("/0/note")),
        "entra.token" | "halo.auth.token" => "asks for a token".to_owned(),
        other => format!("{other} {}", call.path),
    }
}

fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    short(&text)
}

/// The beginning of a text, on one line; of a long one also its end.
pub fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= TEXT_MAX {
        return line;
    }
    let head: String = line.chars().take(TEXT_MAX / 2).collect();
    let count = line.chars().count();
    let tail: String = line.chars().skip(count - TEXT_MAX / 2).collect();
    format!("{head} … {tail}")
}

/// Makes some member null where text is expected.
pub fn oddly(reply: &mut Reply, dice: &mut Dice) {
    let Ok(mut body) = serde_json::from_slice::<Value>(&reply.body) else { return };
    let list = body.as_object().and_then(|members| members.iter().find(|(_, value)| value.is_array()));
    let list = list.map(|(name, _)| name.clone());
    let found = match &list {
        Some(name) => body.get_mut(name.as_str()),
        None => Some(&mut body),
    };
    let rows: Vec<&mut Value> = match found {
        Some(Value::Array(rows)) => rows.iter_mut().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    for row in rows {
        let target = if row.get("properties").is_some() { row.get_mut("properties") } else { Some(row) };
        let Some(Value::Object(members)) = target else { continue };
        for name in ODD {
            if members.contains_key(name) && dice.chance(0.3) {
                members.insert(name.to_owned(), Value::Null);
            }
        }
    }
    reply.body = Bytes::from(body.to_string());
}
