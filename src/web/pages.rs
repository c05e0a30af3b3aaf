//! Pages that show something: read the address, load the view, draw it.

use axum::{
    extract::{Path, State},
    response::{IntoResponse as _, Redirect, Response},
};
use http::StatusCode;

use super::{
    Web, acts,
    draw::{Frame, frame},
    errands,
    error::WebError,
    form::local_path,
    headers::FormTargets,
    reader::Signed,
};
use crate::{
    console::Page,
    domain::{
        ids::{OperationId, PairId},
        view::{
            dashboard::{DashboardView, PairFilter},
            drift::DriftFilter,
            ledger::LedgerFilter,
            not_linked::NotLinkedFilter,
            pair::PairView,
            pair_errands::ErrandEntry,
            query::{QueryText, value},
            runs::RunFilter,
            shadow::ShadowFilter,
            unlinked::UnlinkedView,
        },
    },
    service::{self, error::ServiceError, then::Then},
};

/// An id in an address; anything else is no record.
pub fn id<T: std::str::FromStr>(text: &str) -> Result<T, ServiceError> {
    text.parse().map_err(|_| ServiceError::NotFound)
}

pub(super) async fn framed(web: &Web, signed: &Signed) -> Result<Frame, WebError> {
    let frame = frame(web, &signed.reader).await?;
    // a fragment is fetched in the background: the message is kept for the page
    Ok(if signed.reader.fragment { frame } else { frame.flash(acts::taken_flash(&signed.reader.session).await?) })
}

/// A form sends its empty fields along; the address that a reader keeps and passes on has none of them.
fn tidy(signed: &Signed, address: String) -> Option<Response> {
    let untidy = signed.reader.query.iter().any(|(_, value)| value.trim().is_empty());
    (untidy && !signed.reader.fragment).then(|| Redirect::to(&address).into_response())
}

/// `GET /`
pub async fn dashboard(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let filter = PairFilter::from_query(&signed.reader.query);
    if let Some(elsewhere) = tidy(&signed, filter.address()) {
        return Ok(elsewhere);
    }
    let frame = framed(&web, &signed).await?;
    let view = service::dashboard::view(&web.app, &signed.caller, filter).await?;
    let entered = ErrandEntry::from_query(&signed.reader.query);
    let view = DashboardView { entered, refused: errands::refused(&signed).await?, ..view };
    Ok(frame.answer(&Page::Dashboard(Box::new(view))))
}

/// `GET /incidents`
pub async fn not_linked(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let filter = NotLinkedFilter::from_query(&signed.reader.query);
    if let Some(elsewhere) = tidy(&signed, filter.address()) {
        return Ok(elsewhere);
    }
    let frame = framed(&web, &signed).await?;
    let view = service::incidents::view(&web.app, &signed.caller, filter).await?;
    Ok(frame.answer(&Page::NotLinked(Box::new(view))))
}

/// `GET /drift`
pub async fn drift(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let filter = DriftFilter::from_query(&signed.reader.query);
    if let Some(elsewhere) = tidy(&signed, filter.address()) {
        return Ok(elsewhere);
    }
    let frame = framed(&web, &signed).await?;
    let view = service::drifts::view(&web.app, &signed.caller, filter).await?;
    Ok(frame.answer(&Page::Drift(Box::new(view))))
}

/// `GET /approvals`
pub async fn approvals(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let frame = framed(&web, &signed).await?;
    let view = service::approvals::view(&web.app, &signed.caller, &value(&signed.reader.query, "from")).await?;
    Ok(frame.answer(&Page::Approvals(Box::new(view))))
}

/// `GET /shadow`
pub async fn shadow(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let filter = ShadowFilter::from_query(&signed.reader.query);
    if let Some(elsewhere) = tidy(&signed, filter.address()) {
        return Ok(elsewhere);
    }
    let frame = framed(&web, &signed).await?;
    let view = service::shadow::view(&web.app, &signed.caller, filter).await?;
    Ok(frame.answer(&Page::Shadow(Box::new(view))))
}

/// A moment by the reader's clock leads to the address that names it for everybody: addresses are passed on.
fn of_one_moment(signed: &Signed, then: Then, at: &str, path: &str) -> Option<Response> {
    let Then::Moment(moment) = then else { return None };
    let named = moment.to_string();
    let query = signed
        .reader
        .query
        .iter()
        .fold(QueryText::new(), |query, (name, value)| query.with(name, if name == "at" { &named } else { value }));
    (named != at && !signed.reader.fragment).then(|| Redirect::to(&query.after(path)).into_response())
}

/// `GET /pairs/{id}`
pub async fn pair(State(web): State<Web>, signed: Signed, Path(pair): Path<String>) -> Result<Response, WebError> {
    let pair: PairId = id(&pair)?;
    let at = value(&signed.reader.query, "at");
    let then = Then::parse(&at, &signed.reader.zone);
    if let Some(elsewhere) = of_one_moment(&signed, then, &at, &format!("/pairs/{pair}")) {
        return Ok(elsewhere);
    }
    let frame = framed(&web, &signed).await?;
    let from = value(&signed.reader.query, "from");
    let back = list(&signed.reader.query).address();
    let page = match service::pairs::view_at(&web.app, &signed.caller, pair, &from, then).await {
        Ok(view) => Page::Pair(Box::new(PairView { back, ..view })),
        // It may have been one: what was written down of it is still led to.
        Err(ServiceError::NotFound) => {
            let view = service::unlinked::view(&web.app, &signed.caller, pair, &from, then).await?;
            Page::Unlinked(Box::new(UnlinkedView { back, ..view }))
        }
        Err(error) => return Err(error.into()),
    };
    Ok(frame.answer(&page))
}

/// The list that a page was opened from: the entry `list` holds its query.
fn list(query: &[(String, String)]) -> PairFilter {
    let text = query.iter().find(|(name, _)| name == "list").map_or("", |(_, text)| text.as_str());
    let entries: Vec<(String, String)> = url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
    PairFilter::from_query(&entries)
}

/// `GET /palette`
pub async fn palette(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let query = &signed.reader.query;
    let (text, of) = (value(query, "q"), value(query, "of"));
    // The acts of a page come back to it: one of ours.
    let of = if of.is_empty() { String::new() } else { local_path(&of).to_owned() };
    let frame = framed(&web, &signed).await?;
    let view = service::palette::view(&web.app, &signed.caller, &text, &of).await?;
    Ok(frame.answer(&Page::Palette(Box::new(view))))
}

/// `GET /problems`
pub async fn problems(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let frame = framed(&web, &signed).await?;
    let view = service::problems::view(&web.app, &signed.caller).await?;
    Ok(frame.answer(&Page::Problems(Box::new(view))))
}

/// `GET /runs`
pub async fn runs(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let frame = framed(&web, &signed).await?;
    let view = service::runs::view(&web.app, &signed.caller, RunFilter::from_query(&signed.reader.query)).await?;
    Ok(frame.answer(&Page::Runs(Box::new(view))))
}

/// `GET /connections`
pub async fn connections(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let frame = framed(&web, &signed).await?;
    let addresses = service::connections::Addresses {
        public: web.options.public_url.as_str().trim_end_matches('/').to_owned(),
        redirect_uri: web.options.redirect_uri(),
    };
    let (mut view, authorities) = service::connections::view(&web.app, &signed.caller, &addresses).await?;
    view.from = value(&signed.reader.query, "from");
    service::connections::add_read_up_to(&web.app, &mut view).await?;
    let mut response = frame.answer(&Page::Connections(Box::new(view)));
    // who is signed in at Microsoft already is sent straight back: browsers hold a form against that redirect too
    let targets = authorities.into_iter().chain([web.options.redirect_uri()]).collect();
    response.extensions_mut().insert(FormTargets(targets));
    Ok(response)
}

/// `GET /ledger`
pub async fn ledger(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let filter = LedgerFilter::from_query(&signed.reader.query);
    if let Some(elsewhere) = tidy(&signed, filter.address()) {
        return Ok(elsewhere);
    }
    let frame = framed(&web, &signed).await?;
    let view = service::ledger::view(&web.app, &signed.caller, filter).await?;
    Ok(frame.answer(&Page::Ledger(Box::new(view))))
}

/// `GET /operations/{id}/retry`: the plan first; a `POST` there tries it again.
pub async fn ask_to_retry(
    State(web): State<Web>,
    signed: Signed,
    Path(operation): Path<String>,
) -> Result<Response, WebError> {
    let operation = id(&operation)?;
    let frame = framed(&web, &signed).await?;
    let view = service::replays::one(&web.app, &signed.caller, operation).await?;
    Ok(frame.answer_as(StatusCode::OK, &Page::Replay(Box::new(view))))
}

/// `GET /pairs/{id}/rebuild`: the plan first; a `POST` there rebuilds the pair.
pub async fn ask_to_rebuild(
    State(web): State<Web>,
    signed: Signed,
    Path(pair): Path<String>,
) -> Result<Response, WebError> {
    let pair: PairId = id(&pair)?;
    let frame = framed(&web, &signed).await?;
    let view = service::rebuilds::ask(&web.app, &signed.caller, pair).await?;
    Ok(frame.answer(&Page::Rebuild(Box::new(view))))
}

/// `GET /problems/replay`: the plans of all that was given up for a reason, or of every `operation` that was chosen.
pub async fn ask_to_replay(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let frame = framed(&web, &signed).await?;
    let query = &signed.reader.query;
    let chosen: Result<Vec<OperationId>, ServiceError> =
        query.iter().filter(|(name, _)| name == "operation").map(|(_, value)| id(value)).collect();
    let chosen = chosen?;
    let reason = value(query, "reason");
    let view = match (chosen.as_slice(), reason.is_empty()) {
        ([], true) => service::replays::none(&signed.caller)?,
        ([], false) => service::replays::many(&web.app, &signed.caller, &reason).await?,
        (chosen, _) => service::replays::chosen(&web.app, &signed.caller, chosen).await?,
    };
    Ok(frame.answer_as(StatusCode::OK, &Page::Replay(Box::new(view))))
}

/// `GET /operations/{id}/drop`
pub async fn ask_to_drop(
    State(web): State<Web>,
    signed: Signed,
    Path(operation): Path<String>,
) -> Result<Response, WebError> {
    let operation = id(&operation)?;
    let frame = framed(&web, &signed).await?;
    let view = service::acts::ask_to_drop(&web.app, &signed.caller, operation).await?;
    Ok(frame.answer_as(StatusCode::OK, &Page::Drop(Box::new(view))))
}

/// `GET /help`
pub async fn help(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let view = service::help::view(None)?;
    Ok(framed(&web, &signed).await?.answer(&Page::Help(Box::new(view))))
}

/// `GET /help/{page}`
pub async fn help_page(State(web): State<Web>, signed: Signed, Path(page): Path<String>) -> Result<Response, WebError> {
    let view = service::help::view(Some(&page))?;
    Ok(framed(&web, &signed).await?.answer(&Page::Help(Box::new(view))))
}
