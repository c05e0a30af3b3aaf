//! Who is signed in, as the browser's session says and the store confirms for every request.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use tower_sessions::Session;

use super::{Web, reader::Signed};
use crate::{
    domain::{
        ids::UserId,
        time::{from_ms, to_ms},
        view::account::SessionRow,
    },
    service::{
        accounts::{self, SignedIn},
        error::ServiceError,
    },
};

/// The session's own member; the rest (flash, a pending Microsoft sign-in) stand beside it.
const KEY: &str = "signed-in";
/// "Last seen" is written at most this often.
const SEEN_EVERY: SignedDuration = SignedDuration::from_secs(60);

/// What a session says about its person.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Held {
    user: UserId,
    /// Tells this session from the person's others. Not the session's id, which is a secret.
    name: String,
    /// Changes with the password: sessions from before end.
    mark: String,
    since_ms: i64,
    seen_ms: i64,
}

fn fault(error: &tower_sessions::session::Error) -> ServiceError {
    ServiceError::passed_on("use a session", error)
}

/// Begins a session for a person who has just proved who they are, under a new id.
///
/// # Errors
/// The store cannot be written.
pub async fn begin(web: &Web, session: &Session, signed_in: &SignedIn) -> Result<(), ServiceError> {
    // not `flush`: the record it leaves behind would be kept again under the id the browser came with
    if session.id().is_some() {
        session.clear().await;
        session.cycle_id().await.map_err(|error| fault(&error))?;
    }
    let at = to_ms(web.app.clock.now());
    let (user, mark, name) = (signed_in.user, signed_in.mark.clone(), web.app.ids.token(8));
    let held = Held { user, name, mark, since_ms: at, seen_ms: at };
    session.insert(KEY, held).await.map_err(|error| fault(&error))
}

/// Ends the session for good: its id is worth nothing afterwards.
///
/// # Errors
/// The store cannot be written.
pub async fn end(session: &Session) -> Result<(), ServiceError> {
    if session.id().is_none() {
        return Ok(());
    }
    session.flush().await.map_err(|error| fault(&error))
}

/// The person of this session, if it still holds: not idle for too long, not too old, the account
/// enabled, the password unchanged. `used` says whether the request counts as use.
///
/// # Errors
/// The store cannot be read.
pub async fn person(web: &Web, session: &Session, used: bool) -> Result<Option<SignedIn>, ServiceError> {
    if session.id().is_none() {
        return Ok(None);
    }
    let Some(held) = session.get::<Held>(KEY).await.map_err(|error| fault(&error))? else { return Ok(None) };
    let now = web.app.clock.now();
    let (since, seen) = (from_ms(held.since_ms), from_ms(held.seen_ms));
    // A moment to come was told by a clock that was ahead: it must not lend a session more time than it has.
    let idle = now.duration_since(seen).abs() > web.options.session_idle;
    let old = now.duration_since(since).abs() > web.options.session_absolute;
    let signed_in = accounts::still(&web.app, held.user, &held.mark).await?;
    let Some(signed_in) = signed_in.filter(|_| !idle && !old) else {
        // it is over whether or not its row can be removed now (a full disk)
        if end(session).await.is_err_and(|error| error != ServiceError::Busy) {
            tracing::warn!("a session that has ended could not be removed yet");
        }
        return Ok(None);
    };
    if used && now.duration_since(seen).abs() >= SEEN_EVERY {
        accounts::used(&web.app, held.user, &held.name).await;
    }
    Ok(Some(signed_in))
}

/// A session changed its person's mark (a new password): this one goes on, all others end.
///
/// # Errors
/// The store cannot be written.
pub async fn keep(session: &Session, mark: &str) -> Result<(), ServiceError> {
    if let Some(held) = session.get::<Held>(KEY).await.map_err(|error| fault(&error))? {
        session.insert(KEY, Held { mark: mark.to_owned(), ..held }).await.map_err(|error| fault(&error))?;
    }
    Ok(())
}

/// The name of this session among its person's.
///
/// # Errors
/// The store cannot be read, or nobody is signed in.
pub async fn own_name(session: &Session) -> Result<String, ServiceError> {
    let held = session.get::<Held>(KEY).await.map_err(|error| fault(&error))?;
    Ok(held.ok_or(ServiceError::SignedOut)?.name)
}

/// Where the reader is signed in, this browser first, then the latest used.
///
/// # Errors
/// The store cannot be read.
pub async fn rows(web: &Web, signed: &Signed) -> Result<Vec<SessionRow>, ServiceError> {
    let own = own_name(&signed.reader.session).await?;
    let now = web.app.clock.now();
    let mut rows: Vec<SessionRow> = accounts::sessions(&web.app, &signed.caller)
        .await?
        .into_iter()
        .filter_map(|held| serde_json::from_value::<Held>(held).ok())
        .map(|held| SessionRow {
            since: from_ms(held.since_ms),
            last_seen: from_ms(held.seen_ms),
            this: held.name == own,
        })
        .filter(|row| now.duration_since(row.last_seen).abs() <= web.options.session_idle)
        .filter(|row| now.duration_since(row.since).abs() <= web.options.session_absolute)
        .collect();
    rows.sort_by_key(|row| (!row.this, std::cmp::Reverse(row.last_seen)));
    Ok(rows)
}
