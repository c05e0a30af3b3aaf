//! Microsoft Entra ID: authorize, token, device codes, metadata, keys, admin consent; what it has given out.

pub mod authorize;
mod device;
pub mod errors;
pub mod keys;
pub mod token;

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use self::errors::Refusal;
use super::Microsoft;
use crate::twin::wire::{Call, Cx, Reply};

/// What a token may be used for: one token, one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Azure Resource Manager.
    Arm,
    /// Log Analytics.
    LogAnalytics,
    /// Microsoft Graph.
    Graph,
}

impl Audience {
    /// The resource a scope names, by its real address or by this twin's own.
    pub fn of(scope: &str) -> Option<Self> {
        let scope = scope.to_lowercase();
        let hosts: [(&str, Self); 14] = [
            ("https://management.azure.com", Self::Arm),
            ("https://management.core.windows.net", Self::Arm),
            ("https://management.usgovcloudapi.net", Self::Arm),
            ("https://management.core.usgovcloudapi.net", Self::Arm),
            ("https://management.chinacloudapi.cn", Self::Arm),
            ("https://management.core.chinacloudapi.cn", Self::Arm),
            ("797f4846-ba00-4fd7-ba43-dac1f8f63013", Self::Arm),
            ("https://api.loganalytics.io", Self::LogAnalytics),
            ("https://api.loganalytics.azure.com", Self::LogAnalytics),
            ("https://api.loganalytics.us", Self::LogAnalytics),
            ("https://api.loganalytics.azure.cn", Self::LogAnalytics),
            ("ca7f3f0b-7d91-482c-8e09-c5d840d0eac5", Self::LogAnalytics),
            ("https://graph.microsoft.com", Self::Graph),
            ("00000003-0000-0000-c000-000000000000", Self::Graph),
        ];
        let known = hosts.iter().find(|(host, _)| scope.starts_with(host)).map(|(_, audience)| *audience);
        known.or_else(|| {
            // Under one address the twin's own sides are told apart by their first path segment.
            let path = scope.split_once("://")?.1.split_once('/')?.1;
            match path.split('/').next()? {
                "arm" => Some(Self::Arm),
                "loganalytics" => Some(Self::LogAnalytics),
                "graph" => Some(Self::Graph),
                _ => None,
            }
        })
    }

    /// The resource's own address.
    pub fn address(self) -> &'static str {
        match self {
            Self::Arm => "https://management.azure.com",
            Self::LogAnalytics => "https://api.loganalytics.io",
            Self::Graph => "https://graph.microsoft.com",
        }
    }
}

/// Who a token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Object id in the token's tenant.
    pub object_id: String,
    /// Display name.
    pub name: String,
    /// Sign-in name; none for an application.
    pub upn: Option<String>,
}

/// An access token.
#[derive(Debug, Clone)]
pub struct Access {
    /// The resource.
    pub audience: Audience,
    /// The directory.
    pub tenant_id: String,
    /// For whom.
    pub principal: Principal,
    /// When it was given.
    pub issued: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// Whether it comes from a multi-factor sign-in (an application needs none).
    pub mfa: bool,
}

/// A code waiting to be redeemed.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub user_id: String,
    pub tenant_id: String,
    pub redirect_uri: String,
    pub challenge: Option<(String, String)>,
    pub scope: String,
    pub nonce: Option<String>,
    pub issued: Timestamp,
    pub used: bool,
    pub mfa: bool,
}

/// A refresh token: bound to person and application, not to resource or tenant.
#[derive(Debug, Clone)]
pub(super) struct Refresh {
    pub user_id: String,
    pub scope: String,
    pub issued: Timestamp,
    pub used: Timestamp,
    pub mfa: bool,
}

/// The one application registration.
#[derive(Debug, Clone)]
pub struct App {
    /// Application (client) id.
    pub client_id: String,
    /// Secrets and when each ends.
    pub secrets: Vec<(String, Option<Timestamp>)>,
    /// Public keys (JWK) of certificates: one of them must have signed an assertion.
    pub certificates: Vec<Value>,
    /// Redirect addresses; with none registered, https anywhere and http on this machine are taken.
    pub redirects: Vec<String>,
}

/// What Entra has given out and taken back.
pub struct Entra {
    /// The application.
    pub app: App,
    pub(super) codes: HashMap<String, Code>,
    pub(super) refresh: HashMap<String, Refresh>,
    devices: HashMap<String, device::Device>,
    /// By text, numbered in the order they were given.
    access: HashMap<String, (u64, Access)>,
    /// Grants of these people made before the moment are void.
    pub(super) revoked: HashMap<String, Timestamp>,
    /// How many access tokens were given out, and how many of them when a claims challenge was set: those meet it.
    given: u64,
    challenged: u64,
    /// Moves when the signing key is rotated.
    pub key_generation: u32,
    /// Error numbers that the next token calls fail with, in order.
    pub scripted: Vec<u32>,
}

impl Entra {
    /// Nothing given out yet.
    pub fn new(app: App) -> Self {
        Self {
            app,
            codes: HashMap::new(),
            refresh: HashMap::new(),
            devices: HashMap::new(),
            access: HashMap::new(),
            revoked: HashMap::new(),
            given: 0,
            challenged: 0,
            key_generation: 1,
            scripted: Vec::new(),
        }
    }

    pub(super) fn remember(&mut self, token: String, access: Access) {
        self.given += 1;
        self.access.insert(token, (self.given, access));
    }

    /// The access token of this text, expired or not.
    pub fn access(&self, token: &str) -> Option<&Access> {
        self.access.get(token).map(|(_, access)| access)
    }

    /// From now on every token given before meets a claims challenge (continuous access evaluation, sheet 3.6);
    /// one that is asked for anew does not. `false` takes it back.
    pub fn challenge(&mut self, on: bool) {
        // Counted, not timed: a token asked for in the same instant is new all the same.
        self.challenged = if on { self.given } else { 0 };
    }

    /// Whether an access token meets the challenge.
    pub fn is_challenged(&self, token: &str) -> bool {
        self.access.get(token).is_some_and(|(number, _)| *number <= self.challenged)
    }

    /// Makes every grant of a person void (password reset, explicit revocation).
    pub fn revoke(&mut self, user_id: &str, now: Timestamp) {
        self.revoked.insert(user_id.to_lowercase(), now);
    }

    /// Ends every access token now.
    pub fn expire_access(&mut self, now: Timestamp) {
        for (_, access) in self.access.values_mut() {
            access.expires = access.expires.min(now);
        }
    }
}

impl Microsoft {
    /// Answers a call below `/entra`.
    pub fn handle_entra(&mut self, call: &Call, cx: &mut Cx<'_>) -> Reply {
        let path = call.path.trim_matches('/').to_lowercase();
        let (tenant, rest) = path.split_once('/').unwrap_or((path.as_str(), ""));
        let reply = self.entra_reply(tenant, rest, call, cx);
        let told = ["oauth2/v2.0/token", "oauth2/token"].contains(&rest)
            || rest.contains(".well-known/")
            || rest.starts_with("discovery/");
        if told && call.header("origin").is_some() { reply.with("access-control-allow-origin", "*") } else { reply }
    }

    fn entra_reply(&mut self, tenant: &str, rest: &str, call: &Call, cx: &mut Cx<'_>) -> Reply {
        match (call.method.as_str(), rest) {
            ("OPTIONS", "oauth2/v2.0/token" | "oauth2/token") => {
                let headers = call.header("access-control-request-headers").unwrap_or("content-type");
                Reply::empty(200)
                    .with("access-control-allow-methods", "POST, OPTIONS")
                    .with("access-control-allow-headers", headers)
                    .with("access-control-max-age", "3600")
            }
            // The application has a secret, so that it is none of the kind that lives in a browser's page.
            ("POST", "oauth2/v2.0/token" | "oauth2/token") if call.header("origin").is_some() => {
                let text = format!(
                    "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type. Request origin: '{}'.",
                    call.header("origin").unwrap_or_default()
                );
                Refusal::new("invalid_request", 9_002_326, text).reply(cx.now, cx.ids)
            }
            ("GET", "v2.0/.well-known/openid-configuration" | ".well-known/openid-configuration") => {
                self.metadata(tenant, call)
            }
            ("GET", "discovery/v2.0/keys" | "discovery/keys") => {
                Reply::json(200, &keys::jwks(self.entra.key_generation, &issuer(call, "{tenantid}")))
            }
            ("GET", "discovery/instance") => instance_discovery(tenant, call),
            ("GET" | "POST", "oauth2/v2.0/authorize" | "oauth2/authorize") => self.authorize(tenant, call, cx),
            ("GET" | "POST", "v2.0/adminconsent" | "adminconsent") => self.admin_consent(tenant, call),
            ("POST", "oauth2/v2.0/token") => self.token(tenant, call, cx, false),
            ("POST", "oauth2/token") => self.token(tenant, call, cx, true),
            ("POST", "oauth2/v2.0/devicecode") => self.device_code(tenant, call, cx),
            ("GET", "oauth2/deviceauth") => self.device_page(tenant, call, cx),
            // Programs post there, and read JSON.
            ("POST", rest) if rest.starts_with("oauth2/") => {
                let refusal = Refusal::new("invalid_request", 90023, format!("There is no endpoint '{rest}'."));
                Refusal { status: 404, ..refusal }.reply(cx.now, cx.ids)
            }
            ("GET", "oauth2/v2.0/logout") => {
                Reply::html(200, "<!doctype html><title>Signed out</title><p>Signed out.".into())
            }
            _ => Reply::html(404, "<!doctype html><title>Not found</title><p>There is no such page here.".into()),
        }
    }

    fn metadata(&self, tenant: &str, call: &Call) -> Reply {
        let any = matches!(tenant, "organizations" | "common" | "consumers");
        let Some(shown) =
            (if any { Some("{tenantid}") } else { self.directory.tenant(tenant).map(|tenant| tenant.id.as_str()) })
        else {
            let body = json!({
                "error": "invalid_tenant", "error_codes": [90002],
                "error_description": format!("AADSTS90002: Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID."),
            });
            return Reply::json(400, &body);
        };
        let base = format!("{}{}/{}", call.origin, call.base, if any { tenant } else { shown });
        Reply::json(
            200,
            &json!({
                "token_endpoint": format!("{base}/oauth2/v2.0/token"),
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
                "jwks_uri": format!("{base}/discovery/v2.0/keys"),
                "response_modes_supported": ["query", "fragment", "form_post"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "response_types_supported": ["code"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
                "issuer": issuer(call, shown),
                "request_uri_parameter_supported": false,
                "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
                "device_authorization_endpoint": format!("{base}/oauth2/v2.0/devicecode"),
                "end_session_endpoint": format!("{base}/oauth2/v2.0/logout"),
                "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "name", "tid", "ver", "oid"],
                "tenant_region_scope": "EU",
                "cloud_instance_name": "microsoftonline.com",
                "cloud_graph_host_name": "graph.windows.net",
                "msgraph_host": "graph.microsoft.com",
            }),
        )
    }
}

/// The issuer of a tenant's tokens: the real service's shape under the twin's own authority, since
/// clients compare it with the authority they were told.
pub(super) fn issuer(call: &Call, tenant_id: &str) -> String {
    format!("{}{}/{tenant_id}/v2.0", call.origin, call.base)
}

/// Where the metadata of an authority is: of that in `authorization_endpoint`, else of `tenant`, whose path was asked.
fn instance_discovery(tenant: &str, call: &Call) -> Reply {
    let host = call.origin.split_once("://").map_or("", |(_, host)| host);
    let named = call.query("authorization_endpoint").and_then(|text| url::Url::parse(text).ok());
    let authority = named
        .and_then(|url| url.path().find("/oauth2/").and_then(|end| url.path().get(..end)).map(str::to_owned))
        .filter(|path| path.len() > 1)
        .unwrap_or_else(|| format!("{}/{tenant}", call.base));
    Reply::json(
        200,
        &json!({
            "tenant_discovery_endpoint": format!("{}{authority}/v2.0/.well-known/openid-configuration", call.origin),
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        }),
    )
}
