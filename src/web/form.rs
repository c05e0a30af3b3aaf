//! Forms as posted: names and values, nothing else. What they mean is said where they are used.

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequest, Request},
};
use http::header;

use super::error::WebError;
use crate::{domain::view::form::FormView, service::error::FieldProblem};

/// No form of ours is larger: the links of about a thousand workspaces, pasted as a file.
const BYTES_MAX: usize = 512 * 1024;

/// The entries of a posted form, in order.
#[derive(Clone, Default)]
pub struct Posted(Vec<(String, String)>);

impl Posted {
    /// Reads `application/x-www-form-urlencoded` text; never fails.
    pub fn parse(bytes: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// The first value under this name, trimmed; empty when there is none.
    pub fn text(&self, name: &str) -> &str {
        self.exact(name).trim()
    }

    /// The first value under this name as typed (passwords); empty when there is none.
    pub fn exact(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// Every value under this name, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.trim())
    }

    /// Every name with its value as typed, in order.
    pub fn entries(self) -> Vec<(String, String)> {
        self.0
    }

    /// The form as it is shown again: what was typed under these names, which hold no secret, and what is wrong.
    pub fn kept(&self, names: &[&str], problems: Vec<FieldProblem>) -> FormView {
        let typed = names.iter().fold(FormView::default(), |form, name| form.with_value(name, self.text(name)));
        problems.into_iter().fold(typed, |form, one| form.with_problem(&one.field, one.problem))
    }

    /// Whether a checkbox of this name was ticked.
    pub fn ticked(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }
}

impl<S: Send + Sync> FromRequest<S> for Posted {
    type Rejection = WebError;

    async fn from_request(request: Request, _: &S) -> Result<Self, WebError> {
        let body = urlencoded(request)?;
        match to_bytes(body, BYTES_MAX).await {
            Ok(bytes) => Ok(Self::parse(&bytes)),
            Err(_) => Err(WebError::status(http::StatusCode::PAYLOAD_TOO_LARGE)),
        }
    }
}

/// A form with a whole configuration in it; `None` when it is larger than [`FILE_MAX`].
pub struct PostedFile(pub Option<Posted>);

/// A configuration of thousands of workspaces.
pub const FILE_MAX: usize = 4 * 1024 * 1024;
/// A body beyond this is not even read to its end, so that the page can say what is wrong.
const DRAIN_MAX: usize = 16 * 1024 * 1024;

impl<S: Send + Sync> FromRequest<S> for PostedFile {
    type Rejection = WebError;

    async fn from_request(request: Request, _: &S) -> Result<Self, WebError> {
        let body = urlencoded(request)?;
        match to_bytes(body, DRAIN_MAX).await {
            Ok(bytes) => Ok(Self((bytes.len() <= FILE_MAX).then(|| Posted::parse(&bytes)))),
            Err(_) => Err(WebError::status(http::StatusCode::PAYLOAD_TOO_LARGE)),
        }
    }
}

fn urlencoded(request: Request) -> Result<Body, WebError> {
    let form = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_none_or(|kind| kind.trim_start().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded"));
    if form { Ok(request.into_body()) } else { Err(WebError::status(http::StatusCode::UNSUPPORTED_MEDIA_TYPE)) }
}

/// Where to go after signing in: a path of ours, or the front page. Anything else is somebody's trick.
pub fn local_path(wanted: &str) -> &str {
    let local = wanted.starts_with('/')
        && !wanted.starts_with("//")
        && wanted.len() <= 1024
        && wanted.chars().all(|c| c.is_ascii_graphic() && c != '\\');
    if local { wanted } else { "/" }
}
