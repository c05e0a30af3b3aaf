//! From a view to an answer.

use axum::{
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use jiff::tz::TimeZone;
use url::Url;

use super::{
    Web, assets,
    error::{Failed, kind},
    form::local_path,
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
        StatusCode::METHOD_NOT_ALLOWED => Some("This address only takes what a form sends to it."),
        StatusCode::PAYLOAD_TOO_LARGE => Some("What was sent is too large."),
        _ => None,
    };
    let view = FailedView { kind: kind(status), what: what.map(str::to_owned), reference, next };
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

/// Draws the page of a failure for whoever reads it, signed in or not.
pub async fn errors(State(web): State<Web>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let request = Request::from_parts(parts.clone(), body);
    let response = next.run(request).await;
    if response.extensions().get::<Failed>().is_none() {
        return response;
    }
    let reader = Reader::from_request_parts(&mut parts, &web).await.ok();
    let reference = reader.as_ref().and_then(|reader| reader.reference.clone());
    // the page names the request: its line is in the log at the usual level too
    tracing::info!(status = response.status().as_u16(), "a page said no");
    let mut around = context(&web, reader.as_ref());
    // the frame stays what it is on other pages, as far as it can be read just now
    if let Some(reader) = &reader
        && let Ok(frame) = frame(&web, reader).await
    {
        around = frame.context;
    }
    failed(&around, reference, came_from(&parts.headers), response)
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
