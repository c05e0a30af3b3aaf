//! Reading JSON whose members may be absent, null or of another type than promised (K7).
//!
//! Nothing here fails: a member that makes no sense is "not there", and the whole object is kept
//! beside the typed values anyway.

use std::sync::Once;

use jiff::Timestamp;
use serde_json::Value;

use crate::domain::time;

/// Values of one answer. Each takes many times the bytes in memory that it takes on its way.
const VALUES_MAX: usize = 1_000_000;

/// Whether a text holds more values than any answer has: counted by what stands between them, outside of texts.
pub fn crowded(bytes: &[u8]) -> bool {
    if bytes.len() < VALUES_MAX {
        return false;
    }
    let (mut values, mut inside, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            b',' | b'[' | b'{' if !inside => values += 1,
            _ => {}
        }
    }
    values > VALUES_MAX
}

/// What stands at 0x80 to 0x9f in Windows' western characters.
const WINDOWS_1252: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}', '\u{2c6}', '\u{2030}',
    '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}', '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}',
    '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}',
    '\u{17e}', '\u{178}',
];

/// An encoding that is not known is told once.
static OTHER_CHARSET: Once = Once::new();

/// A body as UTF-8 when its `content-type` names another encoding; `None` when it stays as it is. What is UTF-8 stays so,
/// whatever the header says. Latin 1 is read as Windows writes it, as browsers do.
pub fn recoded(content_type: &str, bytes: &[u8]) -> Option<String> {
    let named = content_type.split(';').skip(1).filter_map(|part| part.split_once('='));
    let (_, charset) =
        named.map(|(name, value)| (name.trim(), value)).find(|(name, _)| name.eq_ignore_ascii_case("charset"))?;
    let charset = charset.trim().trim_matches('"').to_ascii_lowercase();
    if std::str::from_utf8(bytes).is_ok() {
        return None;
    }
    match charset.as_str() {
        "iso-8859-1" | "iso8859-1" | "iso_8859-1" | "latin1" | "latin-1" | "l1" | "windows-1252" | "cp1252" => {
            Some(bytes.iter().map(|byte| western(*byte)).collect())
        }
        "utf-8" | "utf8" => None,
        other => {
            OTHER_CHARSET.call_once(|| {
                let charset: String = other.chars().filter(|c| c.is_ascii_graphic()).take(40).collect();
                tracing::warn!(
                    charset,
                    "answers come in an encoding that is not known; other letters than English ones are lost"
                );
            });
            None
        }
    }
}

/// A byte of Windows' western characters.
fn western(byte: u8) -> char {
    let own = usize::from(byte).checked_sub(0x80).and_then(|at| WINDOWS_1252.get(at));
    own.copied().unwrap_or(char::from(byte))
}

/// JSON as the outside sends it. What strict JSON forbids inside a text and senders produce all the same (a byte
/// order mark before it, bytes that are no UTF-8, half a surrogate pair where a text was cut inside an emoji, raw
/// control characters) costs those characters and not the whole answer. `None` when it is no JSON even so, or holds more
/// values than can be taken in.
pub fn json(bytes: &[u8]) -> Option<Value> {
    if crowded(bytes) {
        return None;
    }
    if let Ok(value) = serde_json::from_slice(bytes) {
        return Some(value);
    }
    let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
    serde_json::from_str(&mended(&text)).ok()
}

/// Half surrogate pairs become U+FFFD, raw control characters inside texts their escapes.
fn mended(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    let (mut rest, mut inside) = (text, false);
    while let Some(found) = rest.find(|c: char| c == '"' || c == '\\' || inside && c < ' ') {
        let (before, from) = rest.split_at(found);
        whole.push_str(before);
        let taken = match from.as_bytes().first() {
            Some(b'"') => {
                inside = !inside;
                whole.push('"');
                1
            }
            Some(b'\\') => escape(from, &mut whole),
            Some(control) => {
                whole.push_str(&format!("\\u{control:04x}"));
                1
            }
            None => break,
        };
        rest = from.get(taken..).unwrap_or_default();
    }
    whole.push_str(rest);
    whole
}

/// Copies the escape that `from` begins with; how many bytes it has.
fn escape(from: &str, whole: &mut String) -> usize {
    const HIGH: std::ops::RangeInclusive<u32> = 0xd800..=0xdbff;
    const LOW: std::ops::RangeInclusive<u32> = 0xdc00..=0xdfff;
    let unit = |at: usize| {
        let digits = from.get(at..at + 6)?.strip_prefix("\\u")?;
        u32::from_str_radix(digits, 16).ok()
    };
    let length = match (unit(0), unit(6)) {
        (Some(high), Some(low)) if HIGH.contains(&high) && LOW.contains(&low) => 12,
        (Some(half), _) if HIGH.contains(&half) || LOW.contains(&half) => {
            whole.push('\u{fffd}');
            return 6;
        }
        (Some(_), _) => 6,
        (None, _) => 1 + from.chars().nth(1).map_or(0, char::len_utf8),
    };
    whole.push_str(from.get(..length).unwrap_or(from));
    length
}

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
