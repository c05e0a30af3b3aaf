//! Pages: `$top`, `$skipToken`, an absolute `nextLink`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};

use super::errors::bad_request;
use crate::twin::wire::{Call, Reply};

/// The most one page may hold.
pub const TOP_MAX: usize = 1_000;

const VALUE: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'&').add(b'+').add(b'%').add(b'<').add(b'>');
const PATH: &AsciiSet = &VALUE.add(b'?');

/// How many rows the caller wants.
///
/// # Errors
/// 400 when `$top` is no number from 1, or above 1,000 and that is refused.
pub fn top(call: &Call, default: usize, refused: bool) -> Result<usize, Reply> {
    let Some(text) = call.query("$top") else { return Ok(default) };
    match text.parse::<usize>() {
        Ok(top) if top > TOP_MAX && refused => Err(bad_request("The value of $top must not exceed 1000.")),
        Ok(top) if top >= 1 => Ok(top.min(TOP_MAX)),
        _ => Err(bad_request("Invalid value for $top.")),
    }
}

/// A token that hides where the next page begins.
pub fn token(text: &str) -> String {
    BASE64.encode(text)
}

/// What a token hides; 400 when it is not one of ours.
pub fn hidden(call: &Call) -> Result<Option<String>, Reply> {
    let Some(token) = call.query("$skipToken") else { return Ok(None) };
    let text = BASE64.decode(token.trim_end_matches('=')).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.map(Some).ok_or_else(|| bad_request("Invalid $skipToken."))
}

/// The whole address of the next page: every query option of this one, the token changed. `side` is
/// the path segment of the side (`arm`).
pub fn next_link(call: &Call, side: &str, skip_token: &str) -> String {
    let mut link = format!("{}/{side}{}", call.origin, utf8_percent_encode(&call.path, PATH));
    let kept = call.query.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("$skipToken"));
    let mut mark = '?';
    for (name, value) in kept {
        link.push(mark);
        link.push_str(&format!("{}={}", utf8_percent_encode(name, VALUE), utf8_percent_encode(value, VALUE)));
        mark = '&';
    }
    link.push(mark);
    link.push_str("$skipToken=");
    link.push_str(&utf8_percent_encode(skip_token, VALUE).to_string());
    link
}

/// `{"value":[…],"nextLink"?}` of rows that are all at hand.
pub fn page(call: &Call, side: &str, rows: Vec<Value>, size: usize) -> Reply {
    let from = match hidden(call) {
        Ok(None) => 0,
        Ok(Some(text)) => match text.parse::<usize>() {
            Ok(from) => from,
            Err(_) => return bad_request("Invalid $skipToken."),
        },
        Err(refused) => return refused,
    };
    let more = rows.len() > from.saturating_add(size);
    let value: Vec<Value> = rows.into_iter().skip(from).take(size).collect();
    let mut body = json!({ "value": value });
    if let (true, Some(map)) = (more, body.as_object_mut()) {
        map.insert("nextLink".into(), next_link(call, side, &token(&(from + size).to_string())).into());
    }
    Reply::json(200, &body)
}
