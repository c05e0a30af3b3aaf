//! Tokens of the app itself (client credentials), by secret or certificate.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::SignedDuration;
use secrecy::SecretString;
use tokio::sync::Mutex;

use super::{AppRegistration, Resource, Tokens, error, tokens::Kept, wire};
use crate::{
    clock::{Clock, IdSource},
    domain::failure::{Failure, FailureKind, Side},
    outbound::{Transport, exchange::Exchange},
};

/// Seconds a refusal that only a person can lift is remembered: no loop runs against Entra.
const REFUSED_SECS: i64 = 60;

/// The app's own tokens.
pub struct AppTokens {
    app: AppRegistration,
    exchange: Exchange,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    kept: Kept,
    /// One token call at a time.
    lane: Mutex<()>,
}

impl AppTokens {
    /// For this registration.
    pub fn new(
        app: AppRegistration,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Self {
        let exchange = Exchange::new(transport, Side::Sentinel);
        Self { app, exchange, clock, ids, kept: Kept::default(), lane: Mutex::new(()) }
    }
}

#[async_trait]
impl Tokens for AppTokens {
    async fn bearer(&self, tenant: &str, resource: Resource) -> Result<SecretString, Failure> {
        if let Some(kept) = self.kept.fresh(tenant, resource, self.clock.now()) {
            return kept;
        }
        let _lane = self.lane.lock().await;
        if let Some(kept) = self.kept.fresh(tenant, resource, self.clock.now()) {
            return kept;
        }
        let began = self.clock.now();
        let scope = format!("{}/.default", resource.audience(&self.app.endpoints));
        let pairs = [("grant_type", "client_credentials"), ("scope", scope.as_str())];
        let asked = wire::ask_for_token(&self.exchange, &self.app, tenant, &pairs, &*self.clock, &*self.ids).await;
        let now = self.clock.now();
        match asked.map_err(|refused| error::of_an_app_alone(refused.into())) {
            Ok(granted) => {
                self.kept.keep(tenant, resource, &granted, began, now);
                Ok(granted.access_token)
            }
            Err(failure) if failure.kind == FailureKind::SignInAgain => {
                let until = now.checked_add(SignedDuration::from_secs(REFUSED_SECS)).unwrap_or(now);
                self.kept.refuse(tenant, resource, failure.clone(), now, until);
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
}
