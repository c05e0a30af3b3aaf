//! What programs may ask for: `POST /api/…` with `Authorization: Bearer …`, answered in JSON.
//!
//! No cookie is looked at, so no page of another site can ask for anything here: a token stands in a header that
//! browsers never send by themselves.

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{FromRequestParts, Path, State, rejection::BytesRejection},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header, request::Parts};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Web;
use crate::{
    domain::ids::PairId,
    service::{
        acts,
        caller::Caller,
        error::{FieldProblem, ServiceError},
        pushes::{self, Pushed},
        rebuilds, tokens,
    },
};

/// Longest body, in bytes.
pub const BODY_MAX: usize = 16 * 1024;
/// How long an answer waits for the engine, unless it is asked to wait less.
const WAIT_SECS: u64 = 10;
/// How often it looks meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A program with a token that holds.
pub struct Program(Caller);

impl FromRequestParts<Web> for Program {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, ApiError> {
        let given = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (scheme, token) = given.split_once(' ').unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(ServiceError::SignedOut.into());
        }
        Ok(Self(tokens::caller(&web.app, token.trim()).await?))
    }
}

/// A refusal, as JSON: `error` is one of a closed list, `message` a sentence, `problems` name members of the body.
#[derive(Debug)]
pub enum ApiError {
    /// What a use case says.
    Refused(ServiceError),
    /// A body beyond [`BODY_MAX`].
    TooLarge,
    /// Another method than the address takes.
    Method,
    /// No answer by the time that a request may take.
    Late,
}

impl From<ServiceError> for ApiError {
    fn from(error: ServiceError) -> Self {
        Self::Refused(error)
    }
}

impl From<BytesRejection> for ApiError {
    fn from(rejection: BytesRejection) -> Self {
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            _ => ServiceError::invalid("body", "Send the whole body: it broke off.").into(),
        }
    }
}

/// Whether whoever asks for this address hears JSON.
pub fn is_for(path: &str) -> bool {
    path.starts_with("/api/")
}

/// No address of ours.
pub async fn not_found() -> ApiError {
    ServiceError::NotFound.into()
}

/// Another method than the address takes.
pub async fn method_not_allowed() -> ApiError {
    ApiError::Method
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let refused = match self {
            Self::Refused(refused) => refused,
            Self::TooLarge => {
                let message = "Send a body of at most 16 KiB.";
                return answer(StatusCode::PAYLOAD_TOO_LARGE, &json!({ "error": "too-large", "message": message }));
            }
            Self::Method => {
                let message = "Send it with POST: this address takes nothing else.";
                return answer(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": "method", "message": message }));
            }
            Self::Late => {
                let message = "This took too long. What it asks for goes on: send the same request again to hear what came of it.";
                return answer(StatusCode::GATEWAY_TIMEOUT, &json!({ "error": "late", "message": message }));
            }
        };
        let (status, code, message) = match &refused {
            ServiceError::SignedOut => (
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "Send a token that holds as “Authorization: Bearer …”. An admin makes one under API tokens.",
            ),
            ServiceError::Forbidden => {
                (StatusCode::FORBIDDEN, "forbidden", "The token may not do this. Ask with one that may.")
            }
            ServiceError::NotFound => (
                StatusCode::NOT_FOUND,
                "not-found",
                "There is no such record among the clients that the token reaches, or no such address. Check the id and the address, or the token's clients.",
            ),
            ServiceError::Conflict => (
                StatusCode::CONFLICT,
                "conflict",
                "The record is in another state than this is for: the ticket is linked to another incident. Unlink it first.",
            ),
            ServiceError::Invalid(_) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid",
                "Correct the members that “problems” names, then send it again.",
            ),
            ServiceError::TooMany { .. } => {
                (StatusCode::TOO_MANY_REQUESTS, "too-many", "Wait as long as Retry-After says, then send it again.")
            }
            ServiceError::Busy => {
                (StatusCode::SERVICE_UNAVAILABLE, "busy", "The server cannot store it now. Send it again later.")
            }
            ServiceError::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Something went wrong on the server; its log says what.",
            ),
        };
        let mut body = json!({ "error": code, "message": message });
        if let (ServiceError::Invalid(problems), Some(members)) = (&refused, body.as_object_mut()) {
            let one = |problem: &FieldProblem| json!({ "field": problem.field, "problem": problem.problem });
            members.insert("problems".to_owned(), problems.iter().map(one).collect());
        }
        let mut response = answer(status, &body);
        let extra = match refused {
            ServiceError::SignedOut => Some((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            ServiceError::TooMany { wait_secs } => Some((header::RETRY_AFTER, HeaderValue::from(wait_secs))),
            ServiceError::Busy => Some((header::RETRY_AFTER, HeaderValue::from(5_u64))),
            _ => None,
        };
        if let Some((name, value)) = extra {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], format!("{body}\n")).into_response()
}

/// A ticket to be pushed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Push {
    /// The workspace, by id or name.
    workspace: String,
    /// The ticket's number in Halo.
    ticket: Value,
    /// To push it although the workspace is joined to Defender.
    #[serde(default)]
    anyway: bool,
    /// How long the answer may wait for the engine.
    #[serde(default)]
    wait_secs: Option<Value>,
}

/// `POST /api/push`: 201 when it made the pair, 200 when the pair was there, 202 while the engine is at it: the same
/// request again tells what came of it.
pub async fn push(
    State(web): State<Web>,
    Program(caller): Program,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let asked: Push = serde_json::from_slice(&body?).map_err(|error| {
        let problem = format!("Send a JSON object with “workspace” and “ticket”: {error}.");
        ServiceError::invalid("body", problem)
    })?;
    let ticket = match &asked.ticket {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let wait = match &asked.wait_secs {
        None => WAIT_SECS,
        Some(wanted) => wanted.as_u64().filter(|secs| *secs <= WAIT_SECS).ok_or_else(|| {
            let problem = format!("Send a whole number from 0 to {WAIT_SECS} as “wait_secs”. Nothing was pushed.");
            ServiceError::invalid("wait_secs", problem)
        })?,
    };
    let found = pushes::ask_once(&web.app, &caller, &asked.workspace, &ticket, asked.anyway).await;
    let mut found = found.map_err(without_box)?;
    let wait = Duration::from_secs(wait);
    if let Pushed::Waiting { request, fresh } = found
        && let Ok(settled) = tokio::time::timeout(wait, settled(&web, request, fresh)).await
    {
        found = settled?;
    }
    let root = web.options.public_url.as_str().trim_end_matches('/');
    Ok(match found {
        Pushed::Paired { pair, incident, made } => {
            let address = format!("{root}/pairs/{pair}");
            let body =
                json!({ "pair": pair, "incident": incident.as_str(), "ticket": ticket.trim(), "address": address });
            answer(if made { StatusCode::CREATED } else { StatusCode::OK }, &body)
        }
        Pushed::Refused(why) => return Err(ServiceError::invalid("ticket", why).into()),
        Pushed::Waiting { request, .. } => {
            let known = web.app.engine.push_waits(request);
            let why = known.as_ref().map_or("The engine is at it.", |(_, why)| why);
            let message = format!("{why} Send the same request again to hear what came of it.");
            let left = known.map_or(0, |(at, _)| at.duration_since(web.app.clock.now()).as_secs());
            let body = json!({ "state": "waiting", "request": request, "message": message });
            let mut response = answer(StatusCode::ACCEPTED, &body);
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(u64::try_from(left).unwrap_or_default().max(2)));
            response
        }
    })
}

/// What the form says of its box, said of the member.
fn without_box(error: ServiceError) -> ServiceError {
    let ServiceError::Invalid(mut problems) = error else { return error };
    for problem in problems.iter_mut().filter(|problem| problem.field == "anyway") {
        problem.problem = "This workspace is joined to Defender, whose portal does not show incidents made through the API. Send “anyway”: true to push it for the Azure portal and the API alone. Nothing was pushed.".to_owned();
    }
    ServiceError::Invalid(problems)
}

/// Waits for the engine's answer.
#[expect(clippy::disallowed_methods, reason = "the engine answers in the store; there is nothing to wait on but time")]
async fn settled(web: &Web, request: i64, fresh: bool) -> Result<Pushed, ServiceError> {
    loop {
        match pushes::answered(&web.app, request, fresh).await? {
            Pushed::Waiting { .. } => tokio::time::sleep(LOOK_EVERY).await,
            found => return Ok(found),
        }
    }
}

/// How a pair is brought back in step; nothing said means both of the first two.
#[derive(Default, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum How {
    /// Both sides are read afresh.
    Look,
    /// What only waits for its time goes out.
    Sync,
    /// Both.
    #[default]
    Resync,
    /// It is rebuilt from both sides.
    Rebuild,
}

/// What may be said of a resync.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Resync {
    /// How.
    #[serde(default)]
    how: How,
}

/// `POST /api/pairs/{id}/resync`: both sides are read afresh, planned, and what only waits for its time goes out. With
/// `{"how": "look"}` or `{"how": "sync"}` one of it is done, with `{"how": "rebuild"}` the pair is rebuilt from both sides.
pub async fn resync(
    State(web): State<Web>,
    Program(caller): Program,
    Path(pair): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let pair: PairId = pair.parse().map_err(|_| ServiceError::NotFound)?;
    let body = body?;
    let asked: Option<Resync> = match body.trim_ascii() {
        [] => None,
        said => serde_json::from_slice(said).map_err(|error| {
            let problem =
                format!("Send nothing, or a JSON object with “how” (look, sync, resync or rebuild): {error}.");
            ServiceError::invalid("body", problem)
        })?,
    };
    let how = asked.unwrap_or_default().how;
    match how {
        How::Look => acts::look_again(&web.app, &caller, pair).await?,
        How::Sync => acts::sync_now(&web.app, &caller, pair).await?,
        How::Resync => {
            acts::look_again(&web.app, &caller, pair).await?;
            acts::sync_now(&web.app, &caller, pair).await?;
        }
        How::Rebuild => rebuilds::rebuild(&web.app, &caller, pair).await?,
    }
    let root = web.options.public_url.as_str().trim_end_matches('/');
    Ok(answer(StatusCode::OK, &json!({ "pair": pair, "asked": how, "address": format!("{root}/pairs/{pair}") })))
}
