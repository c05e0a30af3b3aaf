//! Forms as posted: names and values, nothing else. What they mean is said where they are used.

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{FromRequest, Multipart, Request},
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

/// A form with a whole file in it, pasted (`file`) or chosen (`upload`): a chosen one takes the pasted one's place.
pub struct PostedFile(pub Result<Posted, FileFault>);

/// Why there is no file in a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFault {
    /// It is larger than [`FILE_MAX`].
    TooLarge,
    /// The chosen file is no text in UTF-8.
    NotText,
}

/// Where a chosen file stands in a form.
const UPLOAD: &str = "upload";

/// A configuration of thousands of workspaces.
pub const FILE_MAX: usize = 4 * 1024 * 1024;

impl<S: Send + Sync> FromRequest<S> for PostedFile {
    type Rejection = WebError;

    async fn from_request(request: Request, _: &S) -> Result<Self, WebError> {
        if kind_of(&request).is_some_and(|kind| kind.starts_with("multipart/form-data")) {
            let (parts, body) = request.into_parts();
            let Some(bytes) = file_bytes(body).await? else { return Ok(Self(Err(FileFault::TooLarge))) };
            let form = Multipart::from_request(Request::from_parts(parts, Body::from(bytes)), &()).await;
            let form = form.map_err(|_| WebError::status(http::StatusCode::BAD_REQUEST))?;
            return Ok(Self(in_parts(form).await?));
        }
        let bytes = file_bytes(urlencoded(request)?).await?;
        Ok(Self(bytes.map(|bytes| Posted::parse(&bytes)).ok_or(FileFault::TooLarge)))
    }
}

/// A body with a file in it; `None`: it is too large.
async fn file_bytes(body: Body) -> Result<Option<Bytes>, WebError> {
    match to_bytes(body, FILE_MAX).await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) => match std::error::Error::source(&error) {
            Some(source) if source.is::<http_body_util::LengthLimitError>() => Ok(None),
            _ => Err(WebError::status(http::StatusCode::BAD_REQUEST)),
        },
    }
}

/// Reads `multipart/form-data`.
async fn in_parts(mut form: Multipart) -> Result<Result<Posted, FileFault>, WebError> {
    let broken = |_| WebError::status(http::StatusCode::BAD_REQUEST);
    let (mut entries, mut upload) = (Vec::new(), None);
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        let bytes = field.bytes().await.map_err(broken)?;
        if name != UPLOAD {
            entries.push((name, String::from_utf8_lossy(&bytes).into_owned()));
        } else if !bytes.is_empty() {
            let text = std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes));
            let Ok(text) = text else { return Ok(Err(FileFault::NotText)) };
            upload = Some(text.to_owned());
        }
    }
    if let Some(text) = upload {
        entries.retain(|(name, _)| name != "file");
        entries.push(("file".to_owned(), text));
    }
    Ok(Ok(Posted(entries)))
}

fn kind_of(request: &Request) -> Option<String> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok())?;
    Some(kind.trim_start().to_ascii_lowercase())
}

fn urlencoded(request: Request) -> Result<Body, WebError> {
    let form = kind_of(&request).is_none_or(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    if form { Ok(request.into_body()) } else { Err(WebError::status(http::StatusCode::UNSUPPORTED_MEDIA_TYPE)) }
}

/// What is wrong with a form's file.
pub fn said_of(fault: FileFault, instead: &str) -> String {
    match fault {
        FileFault::TooLarge => format!("The file is larger than {} MiB. {instead}", FILE_MAX / 1024 / 1024),
        FileFault::NotText => "The file is no text in UTF-8. Save it as UTF-8, then choose it again.".to_owned(),
    }
}

/// Where to go after signing in: a path of ours, or the front page. Anything else is somebody's trick.
pub fn local_path(wanted: &str) -> &str {
    let local = wanted.starts_with('/')
        && !wanted.starts_with("//")
        && wanted.len() <= 1024
        && wanted.chars().all(|c| c.is_ascii_graphic() && c != '\\');
    if local { wanted } else { "/" }
}
