//! Buttons: each a form that ends in a redirect, with one sentence about what was done.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use serde::de::DeserializeOwned;
use tower_sessions::Session;

use super::{
    Web,
    error::WebError,
    form::{Posted, local_path},
    pages::id,
    reader::Signed,
};
use crate::{
    console::{Flash, FlashKind},
    domain::{
        account::Role,
        decision::Decision,
        ids::{OperationId, PairId},
    },
    service::{acts, connection_tests, decisions, error::ServiceError, log_checks, rebuilds, replays},
};

const FLASH: &str = "flash";
const WORDS: &str = "flash-words";
const DONE: &str = "flash-done";

/// The messages there are. Only their names travel.
const MESSAGES: &[(&str, FlashKind, &str)] = &[
    ("looking", FlashKind::Done, "Both sides are being read afresh. This page shows what comes of it."),
    ("syncing", FlashKind::Done, "What waits for its time, if anything does, is being carried out now."),
    ("tested", FlashKind::Done, "Microsoft was asked. What it said stands at the connection."),
    ("polling", FlashKind::Done, "It is being read now. The run will show here."),
    (
        "comparing",
        FlashKind::Done,
        "The workspace is being compared with its log. What comes of it stands at the workspace in a moment.",
    ),
    (
        "rebuilding",
        FlashKind::Done,
        "Both sides are being read whole, and the pair is rebuilt from them. This page shows what comes of it.",
    ),
    ("not-rebuilt", FlashKind::Failed, "The pair has moved on in the meantime. Nothing was done."),
    ("decided", FlashKind::Done, "Decided. Both sides are being read afresh, and the rest follows from it."),
    ("asked-no-more", FlashKind::Failed, "That is not asked any more: the pair has moved on. Nothing was done."),
    (
        "linking",
        FlashKind::Done,
        "Both records are being read; the pair appears among the linked ones, or the reason why not stands here.",
    ),
    ("making-ticket", FlashKind::Done, "Its ticket is made next; it then stands among the linked ones."),
    ("linked-already", FlashKind::Failed, "The incident is linked by now. Nothing was done."),
    (
        "unlinked",
        FlashKind::Done,
        "Unlinked. Incident and ticket both stay as they are, and no ticket is made by itself.",
    ),
    (
        "under-way",
        FlashKind::Failed,
        "A write is under way, or its outcome is not known yet: wait until it is settled. Nothing was done.",
    ),
    (
        "pushing",
        FlashKind::Done,
        "The ticket is being pushed. What comes of it stands under “Push a ticket to Sentinel”.",
    ),
    (
        "disconnected",
        FlashKind::Done,
        "Disconnected. Its secrets are removed; incidents, tickets, links and the ledger stay as they are.",
    ),
    ("paused", FlashKind::Done, "Paused. Nothing is written until it is resumed; what is planned waits."),
    ("paused-already", FlashKind::Failed, "Somebody paused it already. Nothing was done."),
    ("resumed", FlashKind::Done, "Resumed. What waited is carried out now, in its order."),
    ("resumed-held", FlashKind::Done, "Resumed; something else still holds it, as said below."),
    (
        "tried-again",
        FlashKind::Done,
        "It is tried again now. If it is refused once more, it is paused again, and the notice says why.",
    ),
    ("not-paused", FlashKind::Failed, "It is not paused any more. Nothing was done."),
    ("released", FlashKind::Done, "What the storm brake held gets its tickets now, oldest first."),
    (
        "backfill-asked",
        FlashKind::Done,
        "The incidents of that time are being counted. Nothing is taken in before you start it.",
    ),
    ("backfill-runs", FlashKind::Failed, "A backfill of this workspace is under way. Stop it first. Nothing was done."),
    ("backfill-started", FlashKind::Done, "Started. Its tickets are made as slowly as you asked."),
    ("backfill-stopped", FlashKind::Done, "Stopped. What was linked by then stays linked."),
    ("retrying", FlashKind::Done, "It is planned again from what both sides say now."),
    ("dropped", FlashKind::Done, "The operation was dropped. It is not written again in this form."),
    ("password", FlashKind::Done, "The password was changed. You are signed out everywhere else."),
    ("revoked", FlashKind::Done, "Revoked. Whoever sends it is refused from now on."),
    ("revoked-already", FlashKind::Failed, "That token does not hold any more. Nothing was done."),
    ("errand-begun", FlashKind::Done, "Begun. It is carried out in the background; this page shows how far it is."),
    ("errand-stopped", FlashKind::Done, "Stopped. Those whose turn had not come stay as they are."),
    ("errand-moved", FlashKind::Failed, "It is under way, or has ended, by now. Nothing was done."),
    ("view-saved", FlashKind::Done, "Saved. The view stands above the list."),
    ("view-changed", FlashKind::Done, "Changed."),
    ("view-removed", FlashKind::Done, "Removed. Nothing else was changed."),
    ("view-gone", FlashKind::Failed, "There is no such view any more that you may remove. Nothing was done."),
    ("account-changed", FlashKind::Done, "Changed. It holds from that account's next click on."),
    ("account-off", FlashKind::Done, "Switched off: that account is signed out and cannot sign in."),
    ("account-on", FlashKind::Done, "Switched on: that account can sign in again."),
    ("others", FlashKind::Done, "You are signed out everywhere else."),
    ("saved", FlashKind::Done, "Saved."),
    (
        "applied",
        FlashKind::Done,
        "Applied. New workspaces are in observe: they are read and planned, and nothing is written to either side.",
    ),
    ("went-back", FlashKind::Done, "Done: everything is set up as it was then, secrets apart."),
    ("file-applied", FlashKind::Done, "Applied: everything is set up as the file says."),
    ("file-same", FlashKind::Done, "Nothing changed: everything was set up as the file says already."),
    ("microsoft", FlashKind::Done, "Signed in with Microsoft. The workspaces are being read now."),
    (
        "microsoft-failed",
        FlashKind::Failed,
        "No sign-in with Microsoft is under way in this browser: its answer was taken already, or came from elsewhere. Start \
         it again from here.",
    ),
    ("moved-on", FlashKind::Failed, "The operation has moved on in the meantime: nothing was done."),
];

/// Keeps a message of [`MESSAGES`] for the next page.
///
/// # Errors
/// The session cannot be written.
pub async fn flash(session: &Session, name: &'static str) -> Result<(), ServiceError> {
    session.insert(FLASH, name).await.map_err(|error| ServiceError::passed_on("keep a message", &error))
}

/// Keeps a sentence of our own making (an outside failure's message, free of secrets) for the next page.
///
/// # Errors
/// The session cannot be written.
pub async fn flash_failure(session: &Session, words: &str) -> Result<(), ServiceError> {
    session.insert(WORDS, words).await.map_err(|error| ServiceError::passed_on("keep a message", &error))
}

/// Keeps a sentence about what was done, with the names of what it was done to, for the next page.
///
/// # Errors
/// The session cannot be written.
pub async fn flash_done(session: &Session, words: &str) -> Result<(), ServiceError> {
    session.insert(DONE, words).await.map_err(|error| ServiceError::passed_on("keep a message", &error))
}

/// The message kept, once.
///
/// # Errors
/// The session cannot be read or written.
pub async fn taken_flash(session: &Session) -> Result<Option<Flash>, ServiceError> {
    if let Some(words) = taken::<String>(session, WORDS).await? {
        return Ok(Some(Flash { kind: FlashKind::Failed, words }));
    }
    if let Some(words) = taken::<String>(session, DONE).await? {
        return Ok(Some(Flash { kind: FlashKind::Done, words }));
    }
    let name: Option<String> = taken(session, FLASH).await?;
    let found = name.and_then(|name| MESSAGES.iter().find(|(known, ..)| *known == name));
    Ok(found.map(|(_, kind, words)| Flash { kind: *kind, words: (*words).to_owned() }))
}

/// What the session keeps under a name, taken out. Looks first: taking out nothing would still write the session.
///
/// # Errors
/// The session cannot be read.
pub async fn taken<T: DeserializeOwned>(session: &Session, key: &str) -> Result<Option<T>, ServiceError> {
    let fault = |error: tower_sessions::session::Error| ServiceError::passed_on("read a session", &error);
    if session.get_value(key).await.map_err(fault)?.is_none() {
        return Ok(None);
    }
    session.remove(key).await.map_err(fault)
}

pub(super) async fn done(signed: &Signed, message: &'static str, to: &str) -> Result<Response, WebError> {
    flash(&signed.reader.session, message).await?;
    Ok(Redirect::to(to).into_response())
}

/// `POST /pairs/{id}/look`
pub async fn look_again(
    State(web): State<Web>,
    signed: Signed,
    Path(pair): Path<String>,
    form: Posted,
) -> Result<Response, WebError> {
    let pair: PairId = id(&pair)?;
    acts::look_again(&web.app, &signed.caller, pair).await?;
    done(&signed, "looking", next(&form, &format!("/pairs/{pair}"))).await
}

/// `POST /pairs/{id}/sync`
pub async fn sync_now(
    State(web): State<Web>,
    signed: Signed,
    Path(pair): Path<String>,
    form: Posted,
) -> Result<Response, WebError> {
    let pair: PairId = id(&pair)?;
    acts::sync_now(&web.app, &signed.caller, pair).await?;
    done(&signed, "syncing", next(&form, &format!("/pairs/{pair}"))).await
}

/// `POST /pairs/{id}/rebuild`
pub async fn rebuild(
    State(web): State<Web>,
    signed: Signed,
    Path(pair): Path<String>,
    form: Posted,
) -> Result<Response, WebError> {
    let pair: PairId = id(&pair)?;
    let done = rebuilds::rebuild(&web.app, &signed.caller, pair).await;
    answer(&signed, done, ("rebuilding", "not-rebuilt"), next(&form, &format!("/pairs/{pair}"))).await
}

/// `POST /pairs/{id}/decide`: `decision` is one of the answers that the pair's page offers.
pub async fn decide(
    State(web): State<Web>,
    signed: Signed,
    Path(pair): Path<String>,
    form: Posted,
) -> Result<Response, WebError> {
    let pair: PairId = id(&pair)?;
    let decision: Option<Decision> = serde_json::from_str(form.text("decision")).ok();
    let done = decisions::decide(&web.app, &signed.caller, pair, decision).await;
    answer(&signed, done, ("decided", "asked-no-more"), next(&form, &format!("/pairs/{pair}"))).await
}

/// `POST /workspaces/{id}/sync`
pub async fn sync_workspace(
    State(web): State<Web>,
    signed: Signed,
    Path(workspace): Path<String>,
    form: Posted,
) -> Result<Response, WebError> {
    acts::sync_workspace(&web.app, &signed.caller, id(&workspace)?).await?;
    done(&signed, "polling", next(&form, "/runs")).await
}

/// `POST /workspaces/{id}/log`
pub async fn compare_log(
    State(web): State<Web>,
    signed: Signed,
    Path(workspace): Path<String>,
    form: Posted,
) -> Result<Response, WebError> {
    let done = log_checks::ask(&web.app, &signed.caller, id(&workspace)?).await;
    answer(&signed, done, ("comparing", "moved-on"), next(&form, "/drift")).await
}

/// `POST /workspaces/{id}/release`
pub async fn release_storm(
    State(web): State<Web>,
    signed: Signed,
    Path(workspace): Path<String>,
    form: Posted,
) -> Result<Response, WebError> {
    acts::release_storm(&web.app, &signed.caller, id(&workspace)?).await?;
    done(&signed, "released", next(&form, "/problems")).await
}

/// `POST /connections/{id}/look`
pub async fn look_at_halo(
    State(web): State<Web>,
    signed: Signed,
    Path(connection): Path<String>,
    form: Posted,
) -> Result<Response, WebError> {
    acts::look_at_halo(&web.app, &signed.caller, id(&connection)?).await?;
    done(&signed, "polling", next(&form, "/runs")).await
}

/// `POST /connections/{id}/test`
pub async fn test_connection(
    State(web): State<Web>,
    signed: Signed,
    Path(connection): Path<String>,
    form: Posted,
) -> Result<Response, WebError> {
    connection_tests::test(&web.app, &signed.caller, id(&connection)?).await?;
    done(&signed, "tested", next(&form, "/connections")).await
}

/// `POST /operations/{id}/retry`: a dead letter; with `dropped` one that was dropped, which no other button revives.
pub async fn retry(
    State(web): State<Web>,
    signed: Signed,
    Path(operation): Path<String>,
    form: Posted,
) -> Result<Response, WebError> {
    let operation = id(&operation)?;
    let done = if form.ticked("dropped") {
        acts::plan_again(&web.app, &signed.caller, operation).await
    } else {
        acts::retry(&web.app, &signed.caller, operation).await
    };
    answer(&signed, done, ("retrying", "moved-on"), next(&form, "/problems")).await
}

/// `POST /problems/replay`: every `operation` of the form.
pub async fn replay(State(web): State<Web>, signed: Signed, form: Posted) -> Result<Response, WebError> {
    signed.caller.need(Role::Operator)?;
    let operations: Result<Vec<OperationId>, _> = form.all("operation").map(id).collect();
    let tried = replays::replay(&web.app, &signed.caller, &operations?).await?;
    let message = if tried > 0 { "retrying" } else { "moved-on" };
    done(&signed, message, next(&form, "/problems")).await
}

/// `POST /operations/{id}/drop`
pub async fn drop_operation(
    State(web): State<Web>,
    signed: Signed,
    Path(operation): Path<String>,
    form: Posted,
) -> Result<Response, WebError> {
    let done = acts::drop_operation(&web.app, &signed.caller, id(&operation)?).await;
    answer(&signed, done, ("dropped", "moved-on"), next(&form, "/problems")).await
}

/// The redirect after an act: with the message `well`, or `otherwise` when the record had moved on (two tabs, one button);
/// a problem with an entry is said in its own words.
///
/// # Errors
/// Whatever else went wrong.
pub async fn answer(
    signed: &Signed,
    done: Result<(), ServiceError>,
    (well, otherwise): (&'static str, &'static str),
    to: &str,
) -> Result<Response, WebError> {
    let session = &signed.reader.session;
    match done {
        Ok(()) => flash(session, well).await?,
        Err(ServiceError::Conflict) => flash(session, otherwise).await?,
        Err(ServiceError::Invalid(problems)) => {
            let words: Vec<String> = problems.into_iter().map(|problem| problem.problem).collect();
            flash_failure(session, &words.join(" ")).await?;
        }
        Err(error) => return Err(error.into()),
    }
    Ok(Redirect::to(to).into_response())
}

/// Where a form's `next` leads, or `otherwise`.
pub fn next<'a>(form: &'a Posted, otherwise: &'a str) -> &'a str {
    match form.text("next") {
        "" => otherwise,
        wanted => local_path(wanted),
    }
}
