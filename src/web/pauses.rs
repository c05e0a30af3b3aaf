//! Buttons that pause and resume: each a form that ends in a redirect.

use std::str::FromStr;

use axum::{
    extract::{Path, State},
    response::Response,
};

use super::{Web, acts, error::WebError, form::Posted, pages::id, reader::Signed};
use crate::{domain::pause::PauseScope, service::pauses};

/// `POST /pairs/{id}/pause`, and the same below `/clients` and `/connections`: `why` is an optional reason.
pub async fn pause<Id: FromStr>(
    State(web): State<Web>,
    signed: Signed,
    Path(of): Path<String>,
    form: Posted,
) -> Result<Response, WebError>
where
    PauseScope: From<Id>,
{
    let scope = PauseScope::from(id::<Id>(&of)?);
    let done = pauses::pause(&web.app, &signed.caller, scope, form.text("why")).await;
    acts::answer(&signed, done, ("paused", "paused-already"), acts::next(&form, "/connections")).await
}

/// `POST /pairs/{id}/resume`, and the same below `/clients` and `/connections`.
pub async fn resume<Id: FromStr>(
    State(web): State<Web>,
    signed: Signed,
    Path(of): Path<String>,
    form: Posted,
) -> Result<Response, WebError>
where
    PauseScope: From<Id>,
{
    let scope = PauseScope::from(id::<Id>(&of)?);
    let done = pauses::resume(&web.app, &signed.caller, scope).await;
    let still = done.is_ok() && matches!(pauses::still_held(&web.app, &signed.caller, scope).await, Ok(true));
    let well = match done {
        _ if still => "resumed-held",
        Ok(true) => "tried-again",
        _ => "resumed",
    };
    acts::answer(&signed, done.map(drop), (well, "not-paused"), acts::next(&form, "/connections")).await
}
