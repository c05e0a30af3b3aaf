//! Who is signed in, as the browser's session says and the store confirms for every request.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tower_sessions::Session;

use super::Web;
use crate::{
    domain::{
        ids::UserId,
        time::{from_ms, to_ms},
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
    /// Changes with the password: sessions from before end.
    mark: String,
    since_ms: i64,
    seen_ms: i64,
}

fn fault(error: &tower_sessions::session::Error) -> ServiceError {
    ServiceError::internal("use a session", error)
}

/// Begins a session for a person who has just proved who they are, under a new id.
///
/// # Errors
/// The store cannot be written.
pub async fn begin(session: &Session, signed_in: &SignedIn, now: Timestamp) -> Result<(), ServiceError> {
    if session.id().is_some() {
        session.flush().await.map_err(|error| fault(&error))?;
    }
    let at = to_ms(now);
    let held = Held { user: signed_in.user, mark: signed_in.mark.clone(), since_ms: at, seen_ms: at };
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
    let idle = now.duration_since(seen) > web.options.session_idle;
    let old = now.duration_since(since) > web.options.session_absolute;
    let signed_in = accounts::still(&web.app, held.user, &held.mark).await?;
    let Some(signed_in) = signed_in.filter(|_| !idle && !old) else {
        end(session).await?;
        return Ok(None);
    };
    if used && now.duration_since(seen) >= SEEN_EVERY {
        let held = Held { seen_ms: to_ms(now), ..held };
        session.insert(KEY, held).await.map_err(|error| fault(&error))?;
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
