//! Tokens: grants, scopes, lifetimes and refusals (sheet section 1).

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Halo, catalogue::API_AGENT, switches::Extras};
use crate::twin::wire::{Call, Cx, Reply};

/// The things `read:` and `edit:` scopes exist for; there is none for users or agents.
const THINGS: &[&str] = &[
    "tickets",
    "calendar",
    "customers",
    "crm",
    "contracts",
    "suppliers",
    "items",
    "projects",
    "sales",
    "quotes",
    "sos",
    "pos",
    "invoices",
    "reporting",
    "software",
    "softwarelicensing",
    "kb",
    "assets",
    "timesheets",
    "teams",
];
const WHOLE_SCOPES: &[&str] = &[
    "all",
    "all:standard",
    "admin",
    "editMine:timesheets",
    "access:chat",
    "access:adpasswordreset",
    "openid",
    "profile",
    "email",
    "roles",
    "offline_access",
];

/// What a bearer may do.
#[derive(Debug, Clone)]
pub(crate) struct Bearer {
    pub(crate) scopes: BTreeSet<String>,
    pub(crate) agent_id: i64,
    expires: Timestamp,
}

impl Bearer {
    fn has(&self, scope: &str) -> bool {
        self.scopes.contains(scope)
    }

    /// Whether this token lets through a call of this method to this module.
    pub(crate) fn allows(&self, method: &str, word: &str) -> bool {
        if self.has("all") {
            return true;
        }
        let reads = matches!(method, "GET" | "HEAD");
        let thing = match word {
            "tickets" | "actions" | "attachment" | "externallink" => "tickets",
            "client" | "clients" | "site" | "sites" | "users" | "user" => "customers",
            "webhook" | "webhookevent" | "notification" => return self.has("admin"),
            // Look-ups need no scope of their own to be read (sheet 1.3), the rights of an administrator to be changed.
            _ => return reads || self.has("admin") || self.has("all:standard"),
        };
        self.has("all:standard")
            || self.has("admin")
            || self.has(&format!("edit:{thing}"))
            || (reads && self.has(&format!("read:{thing}")))
    }
}

/// Everything given out and not yet expired.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    access: BTreeMap<String, Bearer>,
    refresh: BTreeMap<String, Bearer>,
    codes: BTreeMap<String, Code>,
}

#[derive(Debug)]
struct Code {
    bearer: Bearer,
    redirect_uri: String,
    challenge: String,
}

fn error(status: u16, code: &str, description: &str) -> Reply {
    Reply::json(status, &json!({ "error": code, "error_description": description })).with("cache-control", "no-store")
}

fn scopes_of(text: &str) -> Option<BTreeSet<String>> {
    let known = |scope: &str| {
        WHOLE_SCOPES.iter().any(|s| s.eq_ignore_ascii_case(scope))
            || scope
                .split_once(':')
                .is_some_and(|(verb, thing)| matches!(verb, "read" | "edit") && THINGS.contains(&thing))
    };
    let scopes: BTreeSet<String> = text.split_whitespace().map(str::to_owned).collect();
    scopes.iter().all(|scope| known(scope)).then_some(scopes)
}

impl Halo {
    /// Answers a call below the authorisation server's base: `/token`, `/.well-known/openid-configuration`, `/authorize`.
    pub fn handle_auth(&mut self, call: &Call, cx: &mut Cx<'_>) -> Reply {
        if let Some(reply) = self.over_limit(cx.now) {
            return reply;
        }
        let path = call.path.trim_end_matches('/').to_ascii_lowercase();
        match (call.method.as_str(), path.as_str()) {
            ("POST", "/token") => self.token(call, cx),
            (_, "/token") => Reply::empty(405).with("allow", "POST"),
            ("GET", "/.well-known/openid-configuration") => {
                let base = Self::auth_url(call);
                Reply::json(
                    200,
                    &json!({
                        "issuer": base, "authorization_endpoint": format!("{base}/authorize"), "token_endpoint": format!("{base}/token"),
                        "jwks_uri": format!("{base}/.well-known/jwks"), "response_types_supported": ["code"], "subject_types_supported": ["public"],
                        "grant_types_supported": ["client_credentials", "password", "authorization_code", "refresh_token"],
                        "code_challenge_methods_supported": ["S256"], "token_endpoint_auth_methods_supported": ["client_secret_post"],
                        "scopes_supported": WHOLE_SCOPES,
                    }),
                )
            }
            ("GET", "/.well-known/jwks") => Reply::json(200, &json!({ "keys": [] })),
            ("GET", "/authorize") => self.authorize(call, cx),
            _ => Reply::empty(404),
        }
    }

    /// The authorisation server's address as the caller reached it.
    pub(crate) fn auth_url(call: &Call) -> String {
        format!("{}{}/auth", call.origin, call.base)
    }

    fn right_tenant(&self, tenant: Option<&str>) -> bool {
        tenant.is_none_or(|t| t.is_empty() || t.eq_ignore_ascii_case(&self.setup.tenant))
    }

    fn token(&mut self, call: &Call, cx: &mut Cx<'_>) -> Reply {
        if !self.right_tenant(call.query("tenant")) {
            // A tenant that does not exist has no database to ask (sheet 1.4).
            return Reply::json(500, &json!({ "error": "server_error" }));
        }
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(&call.body).into_owned().collect();
        let field = |name: &str| form.get(name).map_or("", String::as_str);
        let is_form = call
            .header("content-type")
            .is_none_or(|kind| kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded"));
        if !is_form || field("grant_type").is_empty() {
            return error(400, "invalid_request", "The mandatory 'grant_type' parameter is missing.");
        }
        let id_fits = field("client_id").eq_ignore_ascii_case(&self.setup.oauth_client_id);
        let secret_fits = field("client_secret") == self.setup.client_secret;
        let refused = || error(401, "invalid_client", "The specified client credentials are invalid.");
        if !id_fits {
            return refused();
        }
        let wanted = if field("scope").trim().is_empty() { "all" } else { field("scope") };
        let lifetime = self.lifetime();
        let fresh =
            |scopes, agent_id| Bearer { scopes, agent_id, expires: cx.now.checked_add(lifetime).unwrap_or(cx.now) };
        let (bearer, refreshable) = match field("grant_type") {
            "client_credentials" => {
                if !secret_fits {
                    return refused();
                }
                let Some(scopes) = scopes_of(wanted) else {
                    return error(400, "invalid_scope", "The specified 'scope' is invalid.");
                };
                (fresh(scopes, API_AGENT), false)
            }
            "password" => {
                let agent = self
                    .cat
                    .agents
                    .find("email", field("username"))
                    .filter(|id| !self.cat.agents.flag(*id, "isdisabled"));
                let (Some(agent), true) =
                    (agent, field("password") == self.setup.agent_password && !field("username").is_empty())
                else {
                    return error(400, "invalid_grant", "The username/password couple is invalid.");
                };
                let Some(scopes) = scopes_of(wanted) else {
                    return error(400, "invalid_scope", "The specified 'scope' is invalid.");
                };
                (fresh(scopes, agent), true)
            }
            "authorization_code" => {
                let Some(code) = self.tokens.codes.remove(field("code")) else {
                    return error(400, "invalid_grant", "The specified authorization code is invalid.");
                };
                let verified = if code.challenge.is_empty() {
                    secret_fits
                } else {
                    URL_SAFE_NO_PAD.encode(Sha256::digest(field("code_verifier").as_bytes())) == code.challenge
                };
                if !verified || code.redirect_uri != field("redirect_uri") || code.bearer.expires <= cx.now {
                    return error(400, "invalid_grant", "The specified authorization code is invalid.");
                }
                (fresh(code.bearer.scopes, code.bearer.agent_id), true)
            }
            "refresh_token" => {
                let Some(old) = self.tokens.refresh.remove(field("refresh_token")) else {
                    return error(400, "invalid_grant", "The specified refresh token is invalid.");
                };
                (fresh(old.scopes, old.agent_id), true)
            }
            _ => return error(400, "unsupported_grant_type", "The specified 'grant_type' is not supported."),
        };
        self.give(bearer, refreshable, call, cx)
    }

    fn lifetime(&self) -> SignedDuration {
        SignedDuration::from_secs(i64::try_from(self.switches.token_lifetime_s).unwrap_or(3600))
    }

    fn give(&mut self, bearer: Bearer, refreshable: bool, call: &Call, cx: &mut Cx<'_>) -> Reply {
        let now = cx.now;
        self.tokens.access.retain(|_, b| b.expires > now);
        if self.switches.token_revokes_earlier {
            self.tokens.access.clear();
        }
        let access = cx.ids.token(32);
        // Drawn only where it opens something by itself: the others come from the access token.
        let refresh =
            if refreshable { cx.ids.token(32) } else { hex::encode(Sha256::digest(format!("refresh {access}"))) };
        let scope = bearer.scopes.iter().cloned().collect::<Vec<_>>().join(" ");
        let mut body = json!({
            "scope": scope, "token_type": "Bearer", "access_token": access, "expires_in": self.switches.token_lifetime_s,
        });
        let extras = self.switches.token_extras;
        let refresh = if refreshable || extras == Extras::Text { Some(refresh) } else { extras.other() };
        let id_token =
            if extras == Extras::Text { Some(self.id_token(&bearer, &access, call, now)) } else { extras.other() };
        if let Some(members) = body.as_object_mut() {
            for (member, text) in [("refresh_token", refresh), ("id_token", id_token)] {
                if let Some(text) = text {
                    members.insert(member.into(), text.into());
                }
            }
        }
        if let Some(refresh) = body.get("refresh_token").and_then(Value::as_str).filter(|text| !text.is_empty()) {
            self.tokens.refresh.insert(refresh.to_owned(), bearer.clone());
        }
        self.tokens.access.insert(access, bearer);
        Reply::json(200, &body).with("cache-control", "no-store")
    }

    /// The claims that OAuth libraries look at in whatever id_token they are handed; the signature is none, as
    /// no key is published.
    fn id_token(&self, bearer: &Bearer, access: &str, call: &Call, now: Timestamp) -> String {
        let claims = json!({
            "iss": Self::auth_url(call), "aud": self.setup.oauth_client_id, "sub": bearer.agent_id.to_string(),
            "iat": now.as_second(), "exp": bearer.expires.as_second(),
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signature = URL_SAFE_NO_PAD.encode(Sha256::digest(format!("id {access}")));
        format!("{}.{}.{signature}", part(&json!({"alg": "RS256", "typ": "JWT"})), part(&claims))
    }

    /// Signs the first person in without asking, as if a session were there, and sends the browser back.
    fn authorize(&mut self, call: &Call, cx: &mut Cx<'_>) -> Reply {
        let arg = |name: &str| call.query(name).unwrap_or("").to_owned();
        let redirect_uri = arg("redirect_uri");
        if !arg("client_id").eq_ignore_ascii_case(&self.setup.oauth_client_id) || redirect_uri.is_empty() {
            return error(400, "invalid_request", "The specified 'client_id' or 'redirect_uri' is invalid.");
        }
        let Ok(mut back) = url::Url::parse(&redirect_uri) else {
            return error(400, "invalid_request", "The specified 'redirect_uri' is invalid.");
        };
        let wanted = if arg("scope").is_empty() { "all".to_owned() } else { arg("scope") };
        match scopes_of(&wanted) {
            None => {
                back.query_pairs_mut().append_pair("error", "invalid_scope");
            }
            Some(scopes) => {
                let hinted = call.query("login_hint").and_then(|mail| self.cat.agents.find("email", mail));
                let expires = cx.now.checked_add(SignedDuration::from_mins(5)).unwrap_or(cx.now);
                let bearer = Bearer { scopes, agent_id: hinted.unwrap_or(API_AGENT + 1), expires };
                let code = cx.ids.token(24);
                self.tokens.codes.insert(code.clone(), Code { bearer, redirect_uri, challenge: arg("code_challenge") });
                back.query_pairs_mut().append_pair("code", &code);
            }
        }
        if let Some(state) = call.query("state") {
            back.query_pairs_mut().append_pair("state", state);
        }
        Reply::empty(302).with("location", back.to_string())
    }

    /// The bearer of a call, or 401 with an empty body.
    pub(crate) fn bearer(&self, call: &Call, now: Timestamp) -> Result<Bearer, Reply> {
        let given = call.header("authorization").and_then(|value| {
            let (kind, token) = value.trim().split_once(' ')?;
            kind.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        given
            .and_then(|token| self.tokens.access.get(token))
            .filter(|bearer| bearer.expires > now)
            .cloned()
            .ok_or_else(|| Reply::empty(401).with("www-authenticate", "Bearer error=\"invalid_token\""))
    }

    /// Forgets every token given out, as after a restart of the authorisation server.
    pub fn revoke_tokens(&mut self) {
        self.tokens = Tokens::default();
    }
}
