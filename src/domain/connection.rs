//! Ways to the outside systems. Secrets are never here: only `store` holds them, sealed.

use serde::{Deserialize, Serialize};

use super::ids::ConnectionId;

/// A Microsoft sign-in: app registration + tenant + identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MicrosoftConnection {
    /// Ours.
    pub id: ConnectionId,
    /// Natural key of the applied file, unique among connections.
    pub name: String,
    /// The tenant (GUID or domain) signed in to. Always its own authority, never `common`.
    pub tenant_id: String,
    /// The app registration's client id.
    pub oauth_client_id: String,
    /// How it proves itself.
    pub identity: MicrosoftIdentity,
    /// Where the services are.
    pub endpoints: MicrosoftEndpoints,
    /// `api-version` of Microsoft.SecurityInsights calls.
    pub api_version: String,
    /// Whether http and private hosts are allowed outward (test hosts).
    pub allow_insecure: bool,
    /// Comment/incident writes promised per five minutes and subscription (sheet section 7).
    pub writes_per_5min: u32,
}

/// Who signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MicrosoftIdentity {
    /// A person, through the browser (authorization code with PKCE; refresh token).
    Delegated,
    /// The app itself, by client secret.
    ClientSecret,
    /// The app itself, by certificate (signed client assertion).
    Certificate,
}

/// Base addresses, without a trailing slash. The defaults are the public cloud's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MicrosoftEndpoints {
    /// `https://login.microsoftonline.com`
    pub authority: String,
    /// `https://management.azure.com`
    pub arm: String,
    /// `https://api.loganalytics.io`
    pub log_analytics: String,
    /// `https://graph.microsoft.com`
    pub graph: String,
}

impl MicrosoftEndpoints {
    /// The three clouds by their names in the applied file: `public`, `usgov`, `china`.
    pub fn of_cloud(cloud: &str) -> Option<Self> {
        let hosts = match cloud {
            "public" => [
                "https://login.microsoftonline.com",
                "https://management.azure.com",
                "https://api.loganalytics.io",
                "https://graph.microsoft.com",
            ],
            "usgov" => [
                "https://login.microsoftonline.us",
                "https://management.usgovcloudapi.net",
                "https://api.loganalytics.us",
                "https://graph.microsoft.us",
            ],
            "china" => [
                "https://login.partner.microsoftonline.cn",
                "https://management.chinacloudapi.cn",
                "https://api.loganalytics.azure.cn",
                "https://microsoftgraph.chinacloudapi.cn",
            ],
            _ => return None,
        };
        let [authority, arm, log_analytics, graph] = hosts.map(str::to_owned);
        Some(Self { authority, arm, log_analytics, graph })
    }
}

/// Which of Halo's products an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HaloProduct {
    /// HaloITSM
    #[default]
    Itsm,
    /// HaloPSA
    Psa,
}

/// A Halo instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HaloConnection {
    /// Ours.
    pub id: ConnectionId,
    /// Natural key of the applied file, unique among connections.
    pub name: String,
    /// HaloITSM or HaloPSA: only words differ.
    pub product: HaloProduct,
    /// Resource Server, e.g. `https://acme.haloitsm.com/api`, without a trailing slash.
    pub resource_server: String,
    /// Authorisation Server, e.g. `https://acme.haloitsm.com/auth`, without a trailing slash.
    pub authorisation_server: String,
    /// Tenant; empty when none was given. Part of every derived id: fixed at connection.
    pub tenant: String,
    /// The API application's client id.
    pub oauth_client_id: String,
    /// Scopes asked for.
    pub scope: String,
    /// Requests allowed in a rolling five minutes, token calls included.
    pub requests_per_5min: u32,
    /// Seconds between polls of changed tickets.
    pub poll_secs: u32,
    /// Seconds an unknown create is looked for before a person is asked.
    pub settle_secs: u32,
    /// Whether `POST /hooks/halo/{connection}` is open (a secret is set).
    pub webhook: bool,
    /// Header that carries the webhook's signature or token.
    pub webhook_header: String,
    /// Whether http and private hosts are allowed outward.
    pub allow_insecure: bool,
}

impl HaloConnection {
    /// What stands before a ticket's number in its address for people (halo-api sheet, section 2): the Resource
    /// Server without its `/api`. `None` unless it is reached by https.
    pub fn ticket_url_base(&self) -> Option<String> {
        let base = self.resource_server.trim_end_matches('/');
        let site = base.get(base.len().saturating_sub(4)..).filter(|end| end.eq_ignore_ascii_case("/api"));
        let site = site.map_or(base, |end| base.get(..base.len() - end.len()).unwrap_or(base));
        let safe = site.starts_with("https://") && !site.contains(['"', '<', '>', ' ', '\'']);
        safe.then(|| format!("{site}/tickets?id="))
    }
}
