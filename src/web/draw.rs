//! From a view to an answer.

use axum::{
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use http::{HeaderMap, Method, StatusCode, header, request::Parts};
use jiff::tz::TimeZone;
use url::Url;

use super::{
    Web, assets,
    error::{Failed, WebError, kind},
    form::local_path,
    options::CALLBACK,
    reader::Reader,
};
use crate::{
    console::{self, Density, Flash, Page, PageContext, Person, Theme},
    domain::{account::Scope, saved::SavedList, view::failed::FailedView},
    service::{caller::Caller, error::ServiceError, live, pulse, saved_views},
};

/// What surrounds a page, read before its view: so that live events after `cursor` hold everything
/// the page may not show yet.
pub struct Frame {
    context: PageContext,
    fragment: bool,
}

/// Reads it.
///
/// # Errors
/// The store cannot be read.
pub async fn frame(web: &Web, reader: &Reader) -> Result<Frame, ServiceError> {
    let mut context = context(web, Some(reader));
    if let Some(caller) = &reader.caller {
        context.cursor = live::newest(&web.app).await?;
        context.needs_you = Some(live::needs_you(&web.app, caller).await?);
        context.pulse = Some(pulse::pulse(&web.app, caller).await?);
        if let Some(list) = SavedList::at(context.path()).filter(|_| !reader.fragment) {
            // Without them the list stands still; what kept them from being read is in the log.
            context.views = saved_views::bar(&web.app, caller, list, &reader.query).await.ok();
        }
    }
    Ok(Frame { context, fragment: reader.fragment })
}

impl Frame {
    /// Shows what the reader just did.
    #[must_use]
    pub fn flash(mut self, flash: Option<Flash>) -> Self {
        self.context.flash = flash;
        self
    }

    /// The answer, with the page's own status.
    pub fn answer(&self, page: &Page) -> Response {
        let status = StatusCode::from_u16(page.status()).unwrap_or(StatusCode::OK);
        self.answer_as(status, page)
    }

    /// The answer with another status.
    pub fn answer_as(&self, status: StatusCode, page: &Page) -> Response {
        let html = if self.fragment {
            console::platform::render_fragment(&self.context, page)
        } else {
            console::platform::render(&self.context, page)
        };
        (status, Html(html)).into_response()
    }
}

/// What surrounds a page for nobody in particular.
pub fn bare(web: &Web) -> PageContext {
    context(web, None)
}

fn person(caller: &Caller) -> Person {
    Person { name: caller.name.clone(), role: caller.role, everything: caller.scope == Scope::All }
}

fn context(web: &Web, reader: Option<&Reader>) -> PageContext {
    PageContext {
        person: reader.and_then(|reader| reader.caller.as_ref()).map(person),
        address: reader.map_or_else(|| "/".to_owned(), |reader| reader.address.clone()),
        now: web.app.clock.now(),
        zone: reader.map_or(TimeZone::UTC, |reader| reader.zone.clone()),
        theme: reader.map_or_else(Theme::default, |reader| reader.theme),
        density: reader.map_or_else(Density::default, |reader| reader.density),
        keys: reader.is_none_or(|reader| reader.keys),
        flash: None,
        trouble: web.app.trouble(),
        assets: assets::tags(),
        cursor: 0,
        needs_you: None,
        pulse: None,
        views: None,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// The page for a failure that nobody has drawn yet. Headers of the answer (`Retry-After`, `Allow`) stay.
/// `next` is the page that the request came from.
pub fn failed(context: &PageContext, reference: Option<String>, next: Option<String>, response: Response) -> Response {
    let Some(Failed(status)) = response.extensions().get::<Failed>().copied() else { return response };
    let what = match status {
        StatusCode::METHOD_NOT_ALLOWED => Some("This address only takes what a form sends to it.".to_owned()),
        StatusCode::PAYLOAD_TOO_LARGE => Some("What was sent is too large.".to_owned()),
        _ => response.extensions().get::<Waited>().map(|waited| waited.0.clone()),
    };
    let view = FailedView { kind: kind(status), what, reference, next };
    let html = console::platform::render(context, &Page::Failed(view));
    let (old, _) = response.into_parts();
    let mut drawn = (status, Html(html)).into_response();
    keep(&old.headers, drawn.headers_mut());
    drawn
}

fn keep(old: &HeaderMap, new: &mut HeaderMap) {
    for (name, value) in old {
        if !matches!(*name, http::header::CONTENT_TYPE | http::header::CONTENT_LENGTH) {
            new.append(name.clone(), value.clone());
        }
    }
}

/// Put into a late answer's extensions: what was waited for, and how long.
#[derive(Debug, Clone)]
struct Waited(String);

/// Draws the page of a failure for whoever reads it, signed in or not.
pub async fn errors(State(web): State<Web>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let request = Request::from_parts(parts.clone(), body);
    let response = next.run(request).await;
    if response.extensions().get::<Failed>().is_none() {
        return response;
    }
    let back = came_from(&parts.headers);
    in_its_frame(&web, parts, back, response).await
}

/// Gives a page up that takes too long, and says in its frame what was waited for. What was asked for by a button goes on,
/// and so does a sign-in.
pub async fn in_time(State(web): State<Web>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let request = Request::from_parts(parts.clone(), body);
    let within = web.options.page_within;
    if let Ok(response) = tokio::time::timeout(within, next.run(request)).await {
        return response;
    }
    tracing::error!(after_secs = within.as_secs(), "a request took too long and was given up");
    let reading = parts.method == Method::GET || parts.method == Method::HEAD;
    let (who, secs) = (waited_for(parts.uri.path()), within.as_secs());
    let asked = parts.uri.path_and_query().map(|address| local_path(address.as_str()).to_owned());
    let (rest, back) = if parts.uri.path() == CALLBACK {
        // opened again it would find no sign-in under way
        ("The sign-in goes on in the background.", Some("/connections".to_owned()))
    } else if reading {
        ("Nothing was changed.", asked)
    } else {
        ("If the form arrived whole, what it asks for goes on in the background.", came_from(&parts.headers))
    };
    let mut late = WebError::status(StatusCode::GATEWAY_TIMEOUT).into_response();
    late.extensions_mut().insert(Waited(format!("{who} had not answered after {secs} seconds. {rest}")));
    in_its_frame(&web, parts, back, late).await
}

async fn in_its_frame(web: &Web, mut parts: Parts, back: Option<String>, response: Response) -> Response {
    let reader = Reader::from_request_parts(&mut parts, web).await.ok();
    let reference = reader.as_ref().and_then(|reader| reader.reference.clone());
    // the page names the request: its line is in the log at the usual level too
    tracing::info!(status = response.status().as_u16(), "a page said no");
    let mut around = context(web, reader.as_ref());
    // the frame stays what it is on other pages, as far as it can be read just now
    if let Some(reader) = &reader
        && let Ok(frame) = frame(web, reader).await
    {
        around = frame.context;
    }
    failed(&around, reference, back, response)
}

/// Whose answer a page waits for.
fn waited_for(path: &str) -> &'static str {
    let begins = |all: &[&str]| all.iter().any(|one| path.starts_with(one));
    if begins(&["/set-up/halo", "/tickets"]) {
        "Halo"
    } else if begins(&["/set-up/microsoft", "/connections/callback", "/look-up"]) {
        "Microsoft"
    } else if begins(&["/set-up", "/connections", "/push", "/incidents/"]) {
        "Microsoft or Halo"
    } else {
        "The server"
    }
}

/// The page of ours that a request came from, as the browser tells it.
fn came_from(headers: &HeaderMap) -> Option<String> {
    let referer = Url::parse(headers.get(header::REFERER)?.to_str().ok()?).ok()?;
    let address = match referer.query() {
        Some(query) => format!("{}?{query}", referer.path()),
        None => referer.path().to_owned(),
    };
    // Only the path counts, so that no other site is led to.
    Some(local_path(&address).to_owned()).filter(|path| path != "/" && !path.starts_with("/sign-in"))
}
