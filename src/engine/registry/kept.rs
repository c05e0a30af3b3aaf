//! The refresh token of a delegated sign-in.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;

use crate::{
    clock::Clock,
    domain::{
        failure::{Failure, FailureKind, Side},
        ids::ConnectionId,
    },
    entra::delegated::RefreshTokens,
    store::{SecretOwner, Store, StoreError},
};

/// The refresh token of a delegated sign-in, sealed in the store.
pub(super) struct KeptRefreshToken {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub connection: ConnectionId,
}

/// The setting that holds the claims a delegated connection's next sign-in has to ask for.
pub fn challenge_setting(connection: ConnectionId) -> String {
    format!("claims/{connection}")
}

/// The setting that says when a person last signed in for a delegated connection (RFC 3339).
pub fn signed_in_setting(connection: ConnectionId) -> String {
    format!("signed-in-at/{connection}")
}

/// Name of a delegated connection's refresh token among its secrets.
pub const REFRESH_TOKEN: &str = "refresh_token";

fn unkept(error: &StoreError) -> Failure {
    Failure::new(Side::Sentinel, FailureKind::Transient, crate::telemetry::chain(error))
}

#[async_trait]
impl RefreshTokens for KeptRefreshToken {
    async fn load(&self) -> Result<Option<SecretString>, Failure> {
        self.store.secret(SecretOwner::Connection(self.connection), REFRESH_TOKEN).await.map_err(|error| unkept(&error))
    }

    async fn save(&self, new: &SecretString) -> Result<(), Failure> {
        let kept = async {
            let mut tx = self.store.begin().await?;
            tx.rotate_secret(self.clock.now(), SecretOwner::Connection(self.connection), REFRESH_TOKEN, new).await?;
            tx.commit().await
        };
        kept.await.map_err(|error| unkept(&error))
    }

    async fn challenged(&self, claims: &str, asked: Timestamp) -> Result<(), Failure> {
        let name = challenge_setting(self.connection);
        let kept = async {
            let signed_in = self.store.setting(&signed_in_setting(self.connection)).await?;
            let answered = signed_in.and_then(|at| at.parse::<Timestamp>().ok()).is_some_and(|at| at > asked);
            if answered || self.store.setting(&name).await?.as_deref() == Some(claims) {
                return Ok(());
            }
            let mut tx = self.store.begin().await?;
            tx.put_setting(&name, Some(claims)).await?;
            tx.commit().await
        };
        kept.await.map_err(|error| unkept(&error))
    }
}
