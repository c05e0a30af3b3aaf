//! The API application's token: asked for once per life, renewed at 80 % of it, one request in flight, and the same for
//! all in this process that sign in alike ([`TokenLanes`]): a new token may revoke the earlier one (sheet section 1.2).

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use http::Method;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};

use super::{Halo, error};
use crate::{
    domain::{
        connection::HaloConnection,
        failure::{Failure, FailureKind},
    },
    outbound::{
        budget::{Class, Kind},
        exchange::Ask,
        read,
    },
};

/// Seconds a refusal that only a person can lift is remembered.
const REFUSED_SECS: i64 = 60;
/// Life when Halo names none.
const LIFE_SECS: i64 = 3600;
/// A token that still lives is not asked to be renewed again sooner.
const IN_VAIN: SignedDuration = SignedDuration::from_mins(1);

/// The token and its lane.
#[derive(Default)]
pub(super) struct Lane {
    state: tokio::sync::Mutex<State>,
    /// Whether what is known is asked for anew before it is next relied on.
    anew: AtomicBool,
}

/// The lanes of a process by what is signed in with: addresses, tenant, client id, scope and secret. A lane lasts as long as
/// somebody uses it.
#[derive(Default)]
pub struct TokenLanes(Mutex<HashMap<[u8; 32], Weak<Lane>>>);

impl TokenLanes {
    pub(super) fn of(&self, connection: &HaloConnection, secret: &SecretString) -> Arc<Lane> {
        let address = |text: &str| text.trim_end_matches('/').to_ascii_lowercase();
        let (resource, authorisation) =
            (address(&connection.resource_server), address(&connection.authorisation_server));
        // Of the secret nothing is kept but this digest with all the rest.
        let mut digest = Sha256::new();
        for part in [
            resource.as_str(),
            authorisation.as_str(),
            connection.tenant.trim(),
            connection.oauth_client_id.as_str(),
            connection.scope.as_str(),
            secret.expose_secret(),
        ] {
            digest.update(part.len().to_le_bytes());
            digest.update(part);
        }
        let key: [u8; 32] = digest.finalize().into();
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.retain(|_, lane| lane.strong_count() > 0);
        if let Some(lane) = lanes.get(&key).and_then(Weak::upgrade) {
            return lane;
        }
        let lane = Arc::new(Lane::default());
        lanes.insert(key, Arc::downgrade(&lane));
        lane
    }
}

#[derive(Default)]
enum State {
    #[default]
    None,
    Token {
        token: SecretString,
        refresh_at: Timestamp,
        expires_at: Timestamp,
    },
    Refused {
        failure: Failure,
        until: Timestamp,
    },
}

impl State {
    fn of(granted: &Granted, now: Timestamp) -> Self {
        let end = |seconds: i64| now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(now);
        let (refresh_at, expires_at) = (end(granted.life * 4 / 5), end(granted.life));
        Self::Token { token: granted.token.clone(), refresh_at, expires_at }
    }

    /// What is known may not hold any more: a refusal is forgotten, a token that lives is to be renewed.
    fn doubt(&mut self, now: Timestamp) {
        match self {
            Self::Token { refresh_at, .. } => *refresh_at = now.min(*refresh_at),
            Self::Refused { .. } => *self = Self::None,
            Self::None => {}
        }
    }
}

/// A token as it was given.
struct Granted {
    token: SecretString,
    /// Scopes, where they are told.
    scope: Option<String>,
    /// Seconds.
    life: i64,
}

impl Halo {
    /// A token that is good now. The token call counts against the budget.
    pub(super) async fn bearer(&self, class: Class) -> Result<SecretString, Failure> {
        let mut state = self.token.state.lock().await;
        let now = self.clock.now();
        if self.token.anew.swap(false, Ordering::Relaxed) {
            state.doubt(now);
        }
        let living = match &*state {
            State::Token { token, refresh_at, .. } if *refresh_at > now => return Ok(token.clone()),
            // One that stands for longer than that from now was told before the clock was set back.
            State::Refused { failure, until }
                if *until > now && until.duration_since(now) <= SignedDuration::from_secs(REFUSED_SECS) =>
            {
                return Err(failure.clone());
            }
            State::Token { token, expires_at, .. } if *expires_at > now => Some(token.clone()),
            _ => None,
        };
        match self.ask_for_token(class).await {
            Ok(granted) => {
                *state = State::of(&granted, self.clock.now());
                Ok(granted.token)
            }
            Err(failure) if failure.kind == FailureKind::SignInAgain => {
                let now = self.clock.now();
                let until = now.checked_add(SignedDuration::from_secs(REFUSED_SECS)).unwrap_or(now);
                *state = State::Refused { failure: failure.clone(), until };
                Err(failure)
            }
            Err(failure) => {
                // Each asking is a call of the budget: repeated with every request, it would leave them no room.
                let now = self.clock.now();
                let again = match failure.kind {
                    FailureKind::WaitUntil { at } => at,
                    _ => now.checked_add(IN_VAIN).unwrap_or(now),
                };
                if let State::Token { refresh_at, expires_at, .. } = &mut *state {
                    *refresh_at = again.min(*expires_at);
                }
                living.ok_or(failure)
            }
        }
    }

    /// Signs in, whatever token there is, and gives the scopes that were granted: those that Halo names, else those that
    /// were asked for. A refusal takes nothing from the others of the lane: their token may well live on.
    ///
    /// # Errors
    /// See [`FailureKind`].
    pub async fn sign_in(&self, class: Class) -> Result<Vec<String>, Failure> {
        let mut state = self.token.state.lock().await;
        let granted = self.ask_for_token(class).await?;
        *state = State::of(&granted, self.clock.now());
        self.token.anew.store(false, Ordering::Relaxed);
        let told = granted.scope.as_deref().unwrap_or(&self.connection.scope);
        Ok(told.split_whitespace().map(str::to_owned).collect())
    }

    /// A token was answered with 401: drop exactly that one, so that a newer one stays.
    pub(super) async fn reject(&self, refused: &SecretString) {
        let mut state = self.token.state.lock().await;
        if matches!(&*state, State::Token { token, .. } if token.expose_secret() == refused.expose_secret()) {
            *state = State::None;
        }
    }

    /// Whether somebody else has got a newer token than this one since.
    pub(super) async fn superseded(&self, refused: &SecretString) -> bool {
        let state = self.token.state.lock().await;
        matches!(&*state, State::Token { token, .. } if token.expose_secret() != refused.expose_secret())
    }

    /// The configuration was taken up again: what made Halo refuse, or grant little, may be mended. The next call asks for a
    /// token anew.
    pub(crate) fn sign_in_anew(&self) {
        self.token.anew.store(true, Ordering::Relaxed);
    }

    async fn ask_for_token(&self, class: Class) -> Result<Granted, Failure> {
        self.within_budget(class)?;
        let base = self.connection.authorisation_server.trim_end_matches('/');
        let mut url = format!("{base}/token");
        let tenant = self.connection.tenant.trim();
        if !tenant.is_empty() {
            let tenant: String = url::form_urlencoded::byte_serialize(tenant.as_bytes()).collect();
            url.push_str(&format!("?tenant={tenant}"));
        }
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", self.connection.oauth_client_id.as_str()),
            ("client_secret", self.secret.expose_secret()),
            ("scope", self.connection.scope.as_str()),
        ];
        // Asking for a token changes nothing that could not be asked for again.
        let answer = self.exchange.send(Ask::read(Method::POST, url).form(&form)).await?;
        let now = self.clock.now();
        if !answer.ok() {
            return Err(error::token_refused(&answer, &self.budget, now));
        }
        self.budget.answered();
        let body = answer.json()?;
        let token = read::words_at(&body, "access_token").ok_or_else(|| answer.unreadable())?;
        let life = read::int_at(&body, "expires_in").filter(|s| *s > 0).unwrap_or(LIFE_SECS).min(86_400);
        Ok(Granted { token: SecretString::from(token), scope: read::words_at(&body, "scope"), life })
    }

    /// Counts one request.
    pub(super) fn within_budget(&self, class: Class) -> Result<(), Failure> {
        let now = self.clock.now();
        self.budget.take(now, Kind::Halo, class).map_err(|at| error::own_wait(at, self.budget.told_until(now)))
    }
}
