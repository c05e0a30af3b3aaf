//! Microsoft Entra: tokens for the other adapters, and the sign-in of a connection.
//!
//! Start with [`Tokens`]. Two ways to them: [`app_token`] (the app itself, by secret or certificate)
//! and [`delegated`] (a person's refresh token). [`sign_in`] is the browser's way to the latter;
//! [`error`] reads Entra's refusals, [`verdict`] is the table of them (sentinel-api sheet 3.5).
//!
//! May use: `domain`, `outbound`, `clock`.

pub mod app_token;
pub mod assertion;
pub mod delegated;
pub mod error;
pub mod id_token;
pub mod sign_in;
mod tokens;
pub mod verdict;
mod wire;

pub use wire::Refused;

use async_trait::async_trait;
use secrecy::SecretString;

use crate::domain::{connection::MicrosoftEndpoints, failure::Failure};

/// Who we are at Entra: one app registration.
#[derive(Clone)]
pub struct AppRegistration {
    /// Its client id.
    pub oauth_client_id: String,
    /// How it proves itself.
    pub credential: Credential,
    /// Where the services are.
    pub endpoints: MicrosoftEndpoints,
}

/// A proof that we are the app.
#[derive(Clone)]
pub enum Credential {
    /// Client secret.
    Secret(SecretString),
    /// Certificate with its private key.
    Certificate(assertion::Certificate),
}

/// What a token is for: one token, one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// Azure Resource Manager.
    Arm,
    /// The Log Analytics query service.
    LogAnalytics,
}

impl Resource {
    /// Its audience: the address tokens are asked for.
    ///
    /// A test host's path is no part of an audience: the cloud it stands in for decides.
    pub fn audience(self, endpoints: &MicrosoftEndpoints) -> &str {
        let (own, public) = match self {
            Self::Arm => (endpoints.arm.as_str(), "https://management.azure.com"),
            Self::LogAnalytics => (endpoints.log_analytics.as_str(), "https://api.loganalytics.io"),
        };
        let sovereign = ["usgov", "china"].into_iter().filter_map(MicrosoftEndpoints::of_cloud);
        let known = sovereign.flat_map(|cloud| [cloud.arm, cloud.log_analytics]).any(|host| host == own);
        if known { own } else { public }
    }
}

/// Gives access tokens. At most one token call per lifetime, tenant and resource.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// A token for a resource, redeemed at this tenant's own endpoint.
    ///
    /// # Errors
    /// `SignInAgain` when a person must act (never retried in a loop), `Transient` and `WaitUntil` else.
    async fn bearer(&self, tenant: &str, resource: Resource) -> Result<SecretString, Failure>;

    /// This token was answered with 401: drop it, so that the next call asks for a new one. A newer one stays.
    fn reject(&self, tenant: &str, resource: Resource, refused: &SecretString);

    /// A call was refused for want of these claims: the next sign-in asks for them. The app's own tokens have none.
    async fn challenged(&self, _tenant: &str, _resource: Resource, _claims: &str) {}
}

/// `{authority}/{tenant}/oauth2/v2.0/{end}`.
fn endpoint(endpoints: &MicrosoftEndpoints, tenant: &str, end: &str) -> String {
    let tenant = percent_encoding::utf8_percent_encode(tenant, percent_encoding::NON_ALPHANUMERIC).to_string();
    let tenant = tenant.replace("%2D", "-").replace("%2E", ".");
    format!("{}/{tenant}/oauth2/v2.0/{end}", endpoints.authority.trim_end_matches('/'))
}
