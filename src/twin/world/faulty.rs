//! What faults make of an answer.

use bytes::Bytes;
use serde_json::json;

use super::{Answer, Fate};
use crate::twin::{faults::Effect, wire::Reply};

/// Faults that answer instead of the side; `true` when one did.
pub(super) fn early(effects: &[Effect], side: &str, answer: &mut Answer, note: &mut String) -> bool {
    for effect in effects {
        match effect {
            Effect::Cut => {
                answer.fate = Fate::Cut;
                answer.reply = Reply::empty(0);
                note.push_str("cut ");
                return true;
            }
            Effect::Status { status, applied: false, retry_after, html } => {
                answer.reply = failure(side, *status, *retry_after, *html);
                note.push_str("refused ");
                return true;
            }
            Effect::Slow(ms) => {
                answer.delay_ms = answer.delay_ms.saturating_add(*ms);
                note.push_str("slow ");
            }
            _ => {}
        }
    }
    false
}

/// Faults on the way back.
pub(super) fn late(effects: &[Effect], side: &str, answer: &mut Answer, note: &mut String) {
    for effect in effects {
        match effect {
            Effect::LostAnswer => {
                answer.fate = Fate::Lost;
                note.push_str("answer lost ");
            }
            Effect::HalfBody => {
                answer.fate = Fate::Half;
                note.push_str("half body ");
            }
            Effect::TruncatedJson => {
                let half = answer.reply.body.len() / 2;
                answer.reply.body = answer.reply.body.slice(..half);
                note.push_str("truncated ");
            }
            Effect::Status { status, applied: true, retry_after, html } => {
                answer.reply = failure(side, *status, *retry_after, *html);
                note.push_str("carried out, then refused ");
            }
            Effect::Stale(_) => note.push_str("stale "),
            _ => {}
        }
    }
}

/// An error as the side would send it.
fn failure(side: &str, status: u16, retry_after: Option<u64>, html: bool) -> Reply {
    let reply = if html {
        let page = format!(
            "<!DOCTYPE html>\n<html><head><title>{status}</title></head><body><h2>Our services aren't available right now</h2></body></html>"
        );
        Reply::html(status, page)
    } else {
        match (side, status) {
            ("entra", 429 | 500..) => Reply::json(
                status,
                &json!({"error": "temporarily_unavailable", "error_description": "Service is temporarily unavailable."}),
            ),
            ("arm" | "graph" | "loganalytics", _) => {
                let (code, message) = match status {
                    429 => ("TooManyRequests", "The request is being throttled."),
                    502 => ("BadGateway", "The gateway received a bad response."),
                    503 => ("ServiceUnavailable", "The service is temporarily unavailable."),
                    504 => ("GatewayTimeout", "The gateway did not receive a response in time."),
                    409 => ("Conflict", "Newer version of resource exists. Data was not saved"),
                    _ => ("InternalServerError", "Encountered internal server error."),
                };
                Reply::json(status, &json!({"error": {"code": code, "message": message}}))
            }
            (_, 429) => Reply::json(429, &json!("Rate Limit Reached - 300 Requests per rolling 5 minute window")),
            (_, 500) => Reply::html(500, "<!DOCTYPE html><html><body><h1>Server Error</h1></body></html>".to_owned()),
            _ => Reply { status, headers: Vec::new(), body: Bytes::new() },
        }
    };
    match retry_after {
        Some(seconds) => reply.with("retry-after", seconds.to_string()),
        None => reply,
    }
}
