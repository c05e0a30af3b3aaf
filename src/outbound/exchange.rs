//! One call to the outside: build it, send it, read what came, say what went wrong.
//!
//! Nothing here panics on any answer, and nothing of a secret or a body reaches a log or an error:
//! a call is named by its method, its path without the query, and the other side's request id.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tracing::{Instrument, field::Empty};

use super::{Transport, TransportError};
use crate::domain::failure::{Failure, FailureKind, Side};

/// Largest answer that is read, in bytes.
pub const BODY_MAX: usize = 32 * 1024 * 1024;

/// [`Failure::code`] of a read whose answer was larger than that, or did not end in time.
pub const TOO_MUCH: &str = "AnswerTooLarge";
/// [`Failure::code`] of a read to which nothing came in time.
pub const TOO_SLOW: &str = "NoAnswerInTime";

/// A call to be made.
#[derive(Debug)]
pub struct Ask {
    method: Method,
    url: String,
    headers: HeaderMap,
    body: Bytes,
    changes: bool,
}

impl Ask {
    /// A call that changes nothing there; it may be repeated.
    pub fn read(method: Method, url: impl Into<String>) -> Self {
        Self { method, url: url.into(), headers: HeaderMap::new(), body: Bytes::new(), changes: false }
    }

    /// A call that changes something: without a clear answer its outcome is unknown.
    pub fn write(method: Method, url: impl Into<String>) -> Self {
        Self { changes: true, ..Self::read(method, url) }
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        let mut ask = self.header("content-type", "application/json; charset=utf-8");
        ask.body = Bytes::from(body.to_string());
        ask
    }

    /// With a form body (`application/x-www-form-urlencoded`).
    #[must_use]
    pub fn form(self, pairs: &[(&str, &str)]) -> Self {
        let mut ask = self.header("content-type", "application/x-www-form-urlencoded");
        let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        ask.body = Bytes::from(text);
        ask
    }

    /// With a header; a value that cannot be a header value is left out.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// With `Authorization: Bearer …`, marked as not to be shown.
    #[must_use]
    pub fn bearer(mut self, token: &SecretString) -> Self {
        let text = format!("Bearer {}", token.expose_secret());
        if let Ok(mut value) = HeaderValue::from_str(&text) {
            value.set_sensitive(true);
            self.headers.insert(http::header::AUTHORIZATION, value);
        }
        self
    }

    /// Method and path, for logs and errors: no host, no query, no body.
    fn named(&self) -> String {
        let path = self.url.parse::<http::Uri>().map_or_else(|_| "?".to_owned(), |uri| uri.path().to_owned());
        format!("{} {path}", self.method)
    }
}

/// What came back, whatever its status.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// Where it came from.
    pub side: Side,
    /// `GET /api/Tickets`
    pub named: String,
    /// Whether the call was one that changes something.
    pub changes: bool,
}

impl Answer {
    /// 200–299.
    pub fn ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// When it was given, by the clock of whoever gave it (`Date`).
    pub fn told(&self) -> Option<Timestamp> {
        Some(jiff::fmt::rfc2822::parse(self.header("date")?.trim()).ok()?.timestamp())
    }

    /// The other side's id of this call, for its support.
    pub fn request_id(&self) -> Option<String> {
        ["x-ms-correlation-request-id", "x-ms-request-id", "request-id", "x-request-id"]
            .into_iter()
            .find_map(|name| self.header(name))
            .map(|id| id.chars().filter(|c| c.is_ascii_alphanumeric() || "-_:.".contains(*c)).take(100).collect())
    }

    /// The body as JSON, of a good answer.
    ///
    /// # Errors
    /// Anything else: HTML, nothing, half a body. After a write the outcome is then `Unknown`.
    pub fn json(&self) -> Result<Value, Failure> {
        super::read::json(&self.body).ok_or_else(|| self.unreadable())
    }

    /// The body as JSON if it is any; errors have all shapes.
    pub fn json_if_any(&self) -> Option<Value> {
        super::read::json(&self.body)
    }

    /// What the body looks like, for a sentence.
    pub fn looks(&self) -> &'static str {
        let head = self.body.get(..self.body.len().min(512)).unwrap_or_default();
        let head = String::from_utf8_lossy(head).trim_start().to_ascii_lowercase();
        if head.is_empty() {
            "an empty body"
        } else if head.starts_with('<') {
            "a web page (HTML)"
        } else if super::read::crowded(&self.body) {
            "far too many values"
        } else if self.json_if_any().is_some() {
            "JSON of another form"
        } else if head.starts_with(['{', '[']) {
            "broken JSON"
        } else {
            "text that is not JSON"
        }
    }

    /// A failure: the answer is not of the expected form.
    pub fn unreadable(&self) -> Failure {
        let (side, looks, named) = (self.side.words(), self.looks(), brief(&self.named));
        let expected = if self.json_if_any().is_some() { "than this call has" } else { "instead of JSON" };
        let message = format!(
            "{side} answered {} with {looks} {expected} ({named}). Check the address, and whether a proxy or a \
             sign-in page stands in between.",
            self.status
        );
        let kind = if self.changes { FailureKind::Unknown } else { FailureKind::Unreadable };
        self.failure(kind, None, message)
    }

    /// A failure: a list of many more rows than were asked for.
    pub fn overlong(&self, rows: usize) -> Failure {
        let (side, named) = (self.side.words(), brief(&self.named));
        let message = format!(
            "{side} answered {named} with {rows} rows, many times what was asked for. None of them is taken; it is asked \
             again later. Check the address, and whether a proxy stands in between."
        );
        self.failure(FailureKind::Unreadable, None, message)
    }

    /// A failure: we were sent elsewhere, and redirects are never followed. Most often a proxy's page for signing in or for
    /// maintenance, which passes: a read is tried again, a write is looked for first. A wrong address stays, and is told as
    /// long.
    pub fn redirected(&self) -> Failure {
        let side = self.side.words();
        let text = format!("{side} answered with a redirect, which is not followed. Enter the final address.");
        self.failure(if self.changes { FailureKind::Unknown } else { FailureKind::Transient }, None, text)
    }

    /// A failure that carries this answer's status and request id.
    pub fn failure(&self, kind: FailureKind, code: Option<String>, message: impl Into<String>) -> Failure {
        Failure {
            side: self.side,
            kind,
            status: Some(self.status),
            code,
            message: message.into(),
            request_id: self.request_id(),
        }
    }

    /// `Retry-After`: seconds, or an HTTP date. `None` also when it names no time to come.
    pub fn retry_after(&self, now: Timestamp) -> Option<Timestamp> {
        retry_after(self.header("retry-after")?, self.header("date"), now)
    }

    /// The sentence for 5xx.
    pub fn server_error(&self) -> Failure {
        let side = self.side.words();
        let (kind, tail) = if self.changes {
            (FailureKind::Unknown, "It may have been carried out: it is looked up before it is sent again.")
        } else {
            (FailureKind::Transient, "It is tried again.")
        };
        self.failure(
            kind,
            None,
            format!("{side} has a fault of its own (HTTP {}, {}). {tail}", self.status, brief(&self.named)),
        )
    }

    /// The sentence for 5xx that may name a time (`Retry-After`): `told` hears it, and nothing is sent before it. A write may
    /// have been carried out all the same.
    pub fn out_of_order(&self, now: Timestamp, told: impl FnOnce(Timestamp)) -> Failure {
        let failure = self.server_error();
        let Some(at) = self.retry_after(now) else { return failure };
        told(at);
        if self.changes {
            return failure;
        }
        let (side, status) = (self.side.words(), self.status);
        let text = format!("{side} is out of order and asks to wait (HTTP {status}). It goes on by itself.");
        self.failure(FailureKind::WaitUntil { at }, None, text)
    }
}

/// A call's name for a sentence: of a long path the last two parts; the whole of it is in the log.
pub fn brief(named: &str) -> String {
    let Some((method, path)) = named.split_once(' ') else { return named.to_owned() };
    let mut parts = path.rsplit('/').filter(|part| !part.is_empty());
    match (parts.next(), parts.next(), parts.nth(1)) {
        (Some(last), Some(before), Some(_)) => format!("{method} …/{before}/{last}"),
        _ => named.to_owned(),
    }
}

/// No service is obeyed for longer than an hour, Azure's own longest window, without being asked again: one absurd answer
/// must not stop a subscription for a day.
const LONGEST_WAIT_SECS: f64 = 3_600.0;

/// Reads `Retry-After`: whole seconds, or an HTTP date, which is read against the answer's own `Date` when it has one: the
/// server's clock and ours need not agree. What names no time to come counts as not said, or the same call would be sent
/// again and again without any wait.
pub fn retry_after(text: &str, date: Option<&str>, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    let moment = |text: &str| jiff::fmt::rfc2822::parse(text.trim()).ok().map(|moment| moment.timestamp());
    let seconds = match text.parse::<f64>() {
        Ok(seconds) => seconds,
        Err(_) => moment(text)?.duration_since(date.and_then(moment).unwrap_or(now)).as_secs_f64(),
    };
    // Not a number is not greater either.
    let named = seconds > 0.0;
    let wait = SignedDuration::try_from_secs_f64(seconds.clamp(1.0, LONGEST_WAIT_SECS)).ok().filter(|_| named)?;
    now.checked_add(wait).ok()
}

/// Sends calls to one outside system.
#[derive(Clone)]
pub struct Exchange {
    transport: Arc<dyn Transport>,
    side: Side,
}

impl Exchange {
    /// Over this transport.
    pub fn new(transport: Arc<dyn Transport>, side: Side) -> Self {
        Self { transport, side }
    }

    /// Sends and waits for the whole answer, whatever its status.
    ///
    /// # Errors
    /// There is no answer: `Transient` when nothing was sent (or it was a read), `Unknown` when a
    /// write may have been carried out, `Rejected` when the address is not allowed.
    pub async fn send(&self, ask: Ask) -> Result<Answer, Failure> {
        let named = ask.named();
        let span =
            tracing::info_span!("http.out", side = ?self.side, call = %named, status = Empty, request.id = Empty);
        let shown = span.clone();
        async move {
            let changes = ask.changes;
            let request = build(ask).map_err(|why| {
                let side = self.side.words();
                let text = format!("The address of {side} can't be used ({why}). Correct it in the connection.");
                Failure::new(self.side, FailureKind::Rejected, text)
            })?;
            match self.transport.send(request).await {
                Ok(response) => {
                    let (parts, body) = response.into_parts();
                    let kind = parts.headers.get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
                    let recoded = kind.and_then(|kind| super::read::recoded(kind, &body));
                    let body = recoded.map_or(body, Bytes::from);
                    let answer = Answer {
                        status: parts.status.as_u16(),
                        headers: parts.headers,
                        body,
                        side: self.side,
                        named,
                        changes,
                    };
                    shown.record("status", answer.status);
                    if let Some(id) = answer.request_id() {
                        shown.record("request.id", id.as_str());
                    }
                    tracing::debug!("answered");
                    if answer.body.len() > BODY_MAX {
                        let code = (!changes).then(|| TOO_MUCH.to_owned());
                        return Err(Failure { code, ..answer.unreadable() });
                    }
                    Ok(answer)
                }
                Err(error) => {
                    let failure = no_answer(self.side, changes, &brief(&named), &error);
                    tracing::debug!(kind = ?failure.kind, "not answered");
                    Err(failure)
                }
            }
        }
        .instrument(span)
        .await
    }
}

fn build(ask: Ask) -> Result<http::Request<Bytes>, String> {
    let mut request =
        http::Request::builder().method(ask.method).uri(ask.url).body(ask.body).map_err(|error| error.to_string())?;
    *request.headers_mut() = ask.headers;
    let headers = request.headers_mut();
    headers.entry(http::header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));
    Ok(request)
}

fn no_answer(side: Side, changes: bool, named: &str, error: &TransportError) -> Failure {
    let who = side.words();
    match error {
        TransportError::NotSent(why) => Failure::new(
            side,
            FailureKind::Transient,
            format!("{who} can't be reached ({why}). Check the address and the network; it is tried again."),
        ),
        TransportError::NoAnswer(why) | TransportError::TooSlow(why) | TransportError::TooMuch(why) if changes => {
            Failure::new(
                side,
                FailureKind::Unknown,
                format!("{who} did not answer {named} ({why}). It may have been carried out: it is looked up first."),
            )
        }
        TransportError::NoAnswer(why) | TransportError::TooSlow(why) | TransportError::TooMuch(why) => {
            let code = match error {
                TransportError::TooSlow(_) => Some(TOO_SLOW.to_owned()),
                TransportError::TooMuch(_) => Some(TOO_MUCH.to_owned()),
                _ => None,
            };
            let text = format!("{who} did not answer {named} ({why}). It is tried again.");
            Failure { code, ..Failure::new(side, FailureKind::Transient, text) }
        }
        TransportError::Refused(why) => Failure::new(side, FailureKind::Rejected, why.clone()),
    }
}
