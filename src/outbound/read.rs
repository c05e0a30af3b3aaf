//! Reading JSON whose members may be absent, null or of another type than promised (K7).
//!
//! Nothing here fails: a member that makes no sense is "not there", and the whole object is kept
//! beside the typed values anyway.

use jiff::Timestamp;
use serde_json::Value;

use crate::domain::time;

/// An integer however it came: `3`, `3.0`, `"3"`, `" 3.0 "` (halo-api sheet 7.3, rule 6).
pub fn int(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => {
            let text = text.trim();
            text.parse::<i64>().ok().or_else(|| whole(text.parse::<f64>().ok()?))
        }
        _ => None,
    }
}

/// A float without a fraction, within what it can hold exactly.
fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (number.is_finite() && number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

/// Text; a number or a truth value is written out. `None` for null, lists and objects.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// A truth value however it came: `true`, `1`, `"true"`, `"True"`, `"1"`.
pub fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(_) => int(value).map(|number| number != 0),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => Some(true),
            "false" | "0" | "no" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// Member `key` of an object as an integer.
pub fn int_at(object: &Value, key: &str) -> Option<i64> {
    object.get(key).and_then(int)
}

/// Member `key` as text.
pub fn text_at(object: &Value, key: &str) -> Option<String> {
    object.get(key).and_then(text)
}

/// Member `key` as text that says something (not only blanks).
pub fn words_at(object: &Value, key: &str) -> Option<String> {
    text_at(object, key).filter(|text| !text.trim().is_empty())
}

/// Member `key` as a truth value.
pub fn flag_at(object: &Value, key: &str) -> Option<bool> {
    object.get(key).and_then(flag)
}

/// Member `key` as a moment; an "empty" date (before 1981) is none.
pub fn time_at(object: &Value, key: &str) -> Option<Timestamp> {
    object.get(key)?.as_str().and_then(time::parse)
}

/// Member `key` as a list; empty when it is none.
pub fn list_at<'a>(object: &'a Value, key: &str) -> &'a [Value] {
    object.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
