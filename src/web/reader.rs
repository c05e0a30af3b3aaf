//! The person who reads: what a request says about them, taken apart once.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, Method, StatusCode, header, request::Parts};
use jiff::tz::TimeZone;
use tower_sessions::Session;

use super::{Web, error::WebError, kept::page_of, request::RequestId, session};
use crate::{
    console::{Density, Theme},
    domain::view::query,
    service::{caller::Caller, error::ServiceError},
};

/// Everything of a request that pages depend on.
#[derive(Debug, Clone)]
pub struct Reader {
    /// Who is signed in.
    pub caller: Option<Caller>,
    /// Zone chosen in the profile.
    pub zone: TimeZone,
    /// The browser's session, signed in or not.
    pub session: Session,
    /// Path and query without `fragment`.
    pub address: String,
    /// The query, decoded.
    pub query: Vec<(String, String)>,
    /// Whether only the live parts of the page are asked for.
    pub fragment: bool,
    /// Cookie `theme`.
    pub theme: Theme,
    /// Cookie `density`.
    pub density: Density,
    /// Cookie `keys`: single-key shortcuts.
    pub keys: bool,
    /// The request's id.
    pub reference: Option<String>,
    /// The other end, for throttling.
    pub from: IpAddr,
}

impl FromRequestParts<Web> for Reader {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, WebError> {
        let session = parts.extensions.get::<Session>().cloned().ok_or(ServiceError::Internal)?;
        let (address, query, fragment) = address(parts);
        let events = parts.uri.path() == "/events";
        let signed_in = session::person(web, &session, !fragment && !events).await?;
        let cookie = |name| cookie(&parts.headers, &web.options.preference(name));
        let zone = signed_in
            .as_ref()
            .and_then(|person| person.time_zone.clone())
            .or_else(|| cookie("zone").map(str::to_owned))
            .and_then(|name| TimeZone::get(&name).ok())
            .unwrap_or(TimeZone::UTC);
        Ok(Self {
            caller: signed_in.map(|person| person.caller),
            zone,
            session,
            address,
            query,
            fragment,
            theme: Theme::parse(cookie("theme").unwrap_or_default()),
            density: Density::parse(cookie("density").unwrap_or_default()),
            keys: cookie("keys") != Some("off"),
            reference: parts.extensions.get::<RequestId>().map(|id| id.0.clone()),
            from: other_end(parts, web),
        })
    }
}

fn address(parts: &Parts) -> (String, Vec<(String, String)>, bool) {
    let all: Vec<(String, String)> =
        url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let fragment = all.iter().any(|(name, value)| name == "fragment" && value == "1");
    let query: Vec<(String, String)> = all.into_iter().filter(|(name, _)| name != "fragment").collect();
    let text = query
        .iter()
        .fold(query::QueryText::new(), |text, (name, value)| text.with(name, value))
        .after(&page_of(parts.uri.path()).unwrap_or_else(|| parts.uri.path().to_owned()));
    (text, query, fragment)
}

/// The value of a cookie; ours hold no character that would .
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// The client's address: the peer, or what a trusted proxy says about it.
fn other_end(parts: &Parts, web: &Web) -> IpAddr {
    let peer = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip().to_canonical());
    if !web.options.trusted_proxies.contains(&peer) {
        return peer;
    }
    let forwarded = parts.headers.get_all("x-forwarded-for").iter().next_back();
    forwarded
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.rsplit(',').next())
        .and_then(|last| last.trim().parse().ok())
        .unwrap_or(peer)
}

/// A reader who is signed in; others are sent to the sign-in page or, where nobody looks, refused.
#[derive(Debug, Clone)]
pub struct Signed {
    /// Who.
    pub caller: Caller,
    /// The rest.
    pub reader: Reader,
}

/// Why there is no [`Signed`].
pub enum NotSigned {
    /// To the sign-in page, and back.
    Redirect(String),
    /// A status.
    Error(WebError),
}

impl IntoResponse for NotSigned {
    fn into_response(self) -> Response {
        match self {
            Self::Redirect(to) => Redirect::to(&to).into_response(),
            Self::Error(error) => error.into_response(),
        }
    }
}

impl FromRequestParts<Web> for Signed {
    type Rejection = NotSigned;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, NotSigned> {
        let reader = Reader::from_request_parts(parts, web).await.map_err(NotSigned::Error)?;
        if let Some(caller) = reader.caller.clone() {
            return Ok(Self { caller, reader });
        }
        let person_looks = parts.method == Method::GET && !reader.fragment && accepts_html(&parts.headers);
        if person_looks {
            let next = query::QueryText::new().with("next", if reader.address == "/" { "" } else { &reader.address });
            return Err(NotSigned::Redirect(next.after("/sign-in")));
        }
        Err(NotSigned::Error(WebError::status(StatusCode::UNAUTHORIZED)))
    }
}

/// Whether whoever asks would show a page: browsers say so, and programs that say nothing get one too.
fn accepts_html(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_none_or(|accept| accept.contains("text/html") || accept.contains("*/*"))
}
