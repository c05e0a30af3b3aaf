//! The answers' shapes: successes, and the many shapes of refusal (sheet 7.2).

use serde_json::{Value, json};

use super::catalogue::Object;
use crate::twin::wire::Reply;

/// 200 with a body.
pub(crate) fn ok(body: &Value) -> Reply {
    Reply::json(200, body)
}

/// 400 as a broken business rule.
pub(crate) fn refused(message: &str) -> Reply {
    Reply::json(
        400,
        &json!({
            "ClassName": "System.Exception", "Message": message, "Data": null, "InnerException": null, "HelpURL": null,
            "StackTraceString": null, "RemoteStackTraceString": null, "RemoteStackIndex": 0, "ExceptionMethod": null,
            "HResult": -2146233088, "Source": "NetHelpDesk.API", "WatsonBuckets": null,
        }),
    )
}

/// 400 (or another status) as a one-key object with a text.
pub(crate) fn one_key(status: u16, key: &str, message: &str) -> Reply {
    Reply::json(status, &json!({ key: message }))
}

/// 400 as ASP.NET gives for a member that does not fit its type.
pub(crate) fn model_error(path: &str, message: &str) -> Reply {
    Reply::json(400, &json!({ path: [message] }))
}

/// A posted body as a list of objects, or the refusal for anything else (sheet 3.3).
pub(crate) fn posted(body: &[u8], model: &str) -> Result<Vec<Object>, Reply> {
    let value: Value = serde_json::from_slice(body).map_err(|_| {
        model_error("", "Unexpected character encountered while parsing value. Path '', line 1, position 1.")
    })?;
    let Value::Array(items) = value else {
        return Err(one_key(
            400,
            "",
            &format!(
                "Cannot deserialize the current JSON object (e.g. {{\"name\":\"value\"}}) into type \
                 'System.Collections.Generic.List`1[NHDAPI.Models.{model}]' because the type requires a JSON array \
                 (e.g. [1,2,3]) to deserialize correctly."
            ),
        ));
    };
    if items.is_empty() {
        return Err(refused("No objects were posted"));
    }
    let mut list = Vec::with_capacity(items.len());
    for (n, item) in items.into_iter().enumerate() {
        match item {
            Value::Object(object) => list.push(object),
            _ => {
                return Err(model_error(
                    &format!("[{n}]"),
                    &format!("Error converting value to type 'NHDAPI.Models.{model}'. Path '[{n}]'."),
                ));
            }
        }
    }
    Ok(list)
}

/// Checks that each of these members, where sent, is a whole number: JSON integers and whole numbers as text
/// pass, `95.0` does not (sheet 3.3).
pub(crate) fn check_integers(items: &[Object], members: &[&str]) -> Result<(), Reply> {
    for (n, item) in items.iter().enumerate() {
        for member in members {
            let good = match item.get(*member) {
                None | Some(Value::Null) => true,
                Some(Value::Number(number)) => number.is_i64() || number.is_u64(),
                Some(Value::String(text)) => text.trim().is_empty() || text.trim().parse::<i64>().is_ok(),
                Some(_) => false,
            };
            if !good {
                let value = item.get(*member).unwrap_or(&Value::Null);
                let path = format!("[{n}].{member}");
                let message = match value {
                    Value::Number(number) => {
                        format!("Input string '{number}' is not a valid integer. Path '{path}', line 1, position 1.")
                    }
                    Value::String(text) => {
                        format!("Could not convert string to integer: {text}. Path '{path}', line 1, position 1.")
                    }
                    other => format!(
                        "Unexpected character encountered while parsing value: {other}. Path '{path}', line 1, position 1."
                    ),
                };
                return Err(model_error(&path, &message));
            }
        }
    }
    Ok(())
}

/// A sent whole number; `None` when the member is missing, null or empty text.
pub(crate) fn integer(item: &Object, member: &str) -> Option<i64> {
    match item.get(member)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A sent text; numbers become text as they do in .NET. `None` when missing or null.
pub(crate) fn string(item: &Object, member: &str) -> Option<String> {
    match item.get(member)? {
        Value::String(text) => Some(text.replace('\0', "")),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        _ => None,
    }
}

/// A sent truth value, also as text or 0/1.
pub(crate) fn boolean(item: &Object, member: &str) -> Option<bool> {
    match item.get(member)? {
        Value::Bool(b) => Some(*b),
        Value::String(text) => Some(super::text::truth(text)),
        Value::Number(number) => Some(number.as_f64() != Some(0.0)),
        _ => None,
    }
}

/// Spells ids in an answer as `float`, `text` or `mixed` (sheet 7.3, 6); `turn` varies the mixture.
pub(crate) fn respell(value: &mut Value, how: &str, turn: &mut u64) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|item| respell(item, how, turn)),
        Value::Object(object) => {
            for (member, item) in object.iter_mut() {
                let is_id =
                    member.ends_with("_id") || matches!(member.as_str(), "id" | "priorityid" | "slaid" | "who_agentid");
                match item {
                    Value::Number(number) if is_id => {
                        let Some(whole) = number.as_i64() else { continue };
                        *turn = turn.wrapping_add(1);
                        let how = if how == "mixed" {
                            ["int", "float", "text"].get((*turn % 3) as usize).copied().unwrap_or("int")
                        } else {
                            how
                        };
                        match how {
                            "float" => *item = Value::from(whole as f64),
                            "text" => *item = Value::from(whole.to_string()),
                            _ => {}
                        }
                    }
                    Value::Object(_) | Value::Array(_) => respell(item, how, turn),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}
