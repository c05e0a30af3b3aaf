//! Tokens of a signed-in person, by refresh token (sentinel-api sheet 3.3).
//!
//! Each refresh may bring a newer refresh token: it is saved before the access token is used. One
//! refresh is in flight per connection. The token may be redeemed at every tenant's endpoint where
//! the person is a member or a guest.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use super::{AppRegistration, Refused, Resource, Tokens, tokens::Kept, wire};
use crate::{
    clock::{Clock, IdSource},
    domain::failure::{Failure, FailureKind, Side},
    outbound::{Transport, exchange::Exchange},
};

/// How long a refusal of the app is remembered.
const REFUSED: SignedDuration = SignedDuration::from_secs(60);

/// Where the refresh token lies, sealed.
#[async_trait]
pub trait RefreshTokens: Send + Sync {
    /// The newest one; `None` when nobody has signed in.
    ///
    /// # Errors
    /// It can't be read.
    async fn load(&self) -> Result<Option<SecretString>, Failure>;

    /// Keeps a newer one, durably.
    ///
    /// # Errors
    /// It can't be written.
    async fn save(&self, new: &SecretString) -> Result<(), Failure>;

    /// Keeps the claims that the next sign-in has to ask for: a token asked for at `asked` lacks them. Whoever has
    /// signed in since then is not asked again.
    ///
    /// # Errors
    /// They can't be written.
    async fn challenged(&self, _claims: &str, _asked: Timestamp) -> Result<(), Failure> {
        Ok(())
    }
}

/// A person's tokens.
pub struct DelegatedTokens {
    app: AppRegistration,
    exchange: Exchange,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    refresh: Arc<dyn RefreshTokens>,
    kept: Kept,
    /// One refresh at a time; inside: what Entra refused for good.
    lane: Mutex<Vec<Dead>>,
}

/// A refresh token that Entra refused for one tenant and resource. Never sent there again.
struct Dead {
    digest: [u8; 32],
    tenant: String,
    resource: Resource,
    failure: Failure,
    /// Refusals of the app rather than of the person's grant are asked about again after a while.
    until: Option<Timestamp>,
}

impl DelegatedTokens {
    /// For this registration and this place of the refresh token.
    pub fn new(
        app: AppRegistration,
        refresh: Arc<dyn RefreshTokens>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Self {
        let exchange = Exchange::new(transport, Side::Sentinel);
        Self { app, exchange, clock, ids, refresh, kept: Kept::default(), lane: Mutex::new(Vec::new()) }
    }

    /// Forgets every access token (a person signed in anew).
    pub fn forget(&self) {
        self.kept.clear();
    }

    async fn remember(&self, claims: &str, asked: Timestamp) {
        if let Err(failure) = self.refresh.challenged(claims, asked).await {
            tracing::warn!(error = %failure, "what the next sign-in has to ask for could not be kept");
        }
    }
}

/// What is asked for at a resource.
fn scope(app: &AppRegistration, resource: Resource) -> String {
    let right = match resource {
        Resource::Arm => "user_impersonation",
        Resource::LogAnalytics => "Data.Read",
    };
    format!("{}/{right} offline_access", resource.audience(&app.endpoints))
}

/// Asks for a token of a resource with a person's refresh token, and tells the scopes that Entra names in its answer: what
/// was consented to there. Entra leaves the refresh token valid.
///
/// # Errors
/// As Entra refuses; [`super::error::of_consent`] tells which refusals are about consent.
pub async fn granted(
    app: &AppRegistration,
    tenant: &str,
    resource: Resource,
    refresh_token: &SecretString,
    transport: Arc<dyn Transport>,
    clock: &dyn Clock,
    ids: &dyn IdSource,
) -> Result<Vec<String>, Failure> {
    let exchange = Exchange::new(transport, Side::Sentinel);
    let scope = scope(app, resource);
    let pairs = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose_secret()), ("scope", &scope)];
    let answer = wire::ask_for_token(&exchange, app, tenant, &pairs, clock, ids).await.map_err(Failure::from)?;
    Ok(answer.scope.unwrap_or_default().split_whitespace().map(str::to_owned).collect())
}

#[async_trait]
impl Tokens for DelegatedTokens {
    async fn bearer(&self, tenant: &str, resource: Resource) -> Result<SecretString, Failure> {
        if let Some(kept) = self.kept.fresh(tenant, resource, self.clock.now()) {
            return kept;
        }
        let mut dead = self.lane.lock().await;
        let now = self.clock.now();
        if let Some(kept) = self.kept.fresh(tenant, resource, now) {
            return kept;
        }
        let Some(token) = self.refresh.load().await? else {
            return Err(Failure::new(
                Side::Sentinel,
                FailureKind::SignInAgain,
                "Nobody has signed in with Microsoft for this connection. Press “Sign in with Microsoft”.",
            ));
        };
        let digest: [u8; 32] = Sha256::digest(token.expose_secret().as_bytes()).into();
        // One that stands for longer than a minute from now was told before the clock was set back.
        let stands = |until: Timestamp| until > now && until.duration_since(now) <= REFUSED;
        dead.retain(|d| d.digest == digest && d.until.is_none_or(stands));
        if let Some(known) = dead.iter().find(|d| d.tenant.eq_ignore_ascii_case(tenant) && d.resource == resource) {
            return Err(known.failure.clone());
        }
        let scope = scope(&self.app, resource);
        let pairs = [("grant_type", "refresh_token"), ("refresh_token", token.expose_secret()), ("scope", &scope)];
        let asked = wire::ask_for_token(&self.exchange, &self.app, tenant, &pairs, &*self.clock, &*self.ids).await;
        let (began, now) = (now, self.clock.now());
        if let Err(Refused { claims: Some(claims), .. }) = &asked {
            self.remember(claims, began).await;
        }
        match asked.map_err(Failure::from) {
            Ok(granted) => {
                if let Some(newer) = &granted.refresh_token {
                    self.refresh.save(newer).await?;
                }
                self.kept.keep(tenant, resource, &granted, began, now);
                Ok(granted.access_token)
            }
            Err(failure) if failure.kind == FailureKind::SignInAgain => {
                let of_the_app = failure.code.as_deref().is_some_and(super::error::of_the_app);
                let until = of_the_app.then(|| now.checked_add(REFUSED).unwrap_or(now));
                let tenant = tenant.to_owned();
                dead.push(Dead { digest, tenant, resource, failure: failure.clone(), until });
                Err(failure)
            }
            Err(failure) => {
                self.kept.asked_in_vain(tenant, resource, &failure, now);
                self.kept.living(tenant, resource, now).ok_or(failure)
            }
        }
    }

    fn reject(&self, tenant: &str, resource: Resource, refused: &SecretString) {
        self.kept.drop(tenant, resource, refused);
    }

    async fn challenged(&self, tenant: &str, resource: Resource, claims: &str) {
        if let Some(asked) = self.kept.asked(tenant, resource) {
            self.remember(claims, asked).await;
        }
    }
}
