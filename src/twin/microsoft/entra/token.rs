//! The token endpoint: codes, refresh tokens, client credentials; device codes are in [`super::device`].

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Access, Audience, Principal, Refresh, authorize::CODE_LIFE, device, errors::Refusal, issuer, keys};
use crate::twin::{
    faults::draw,
    microsoft::{Microsoft, directory::User},
    wire::{Call, Cx, Reply},
};

/// Refresh tokens die after so long without use.
const REFRESH_LIFE: SignedDuration = SignedDuration::from_hours(90 * 24);

const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

pub(super) struct Form(pub(super) Vec<(String, String)>);

impl Form {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    pub(super) fn need(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| {
            Refusal::new(
                "invalid_request",
                900144,
                format!("The request body must contain the following parameter: '{name}'."),
            )
        })
    }
}

/// What one token call grants.
pub(super) struct Grant {
    principal: Principal,
    tenant_id: String,
    audience: Audience,
    scope: String,
    /// Present for people only.
    user: Option<User>,
    nonce: Option<String>,
    mfa: bool,
}

impl Microsoft {
    /// Answers a token call; `v1` is the older endpoint with `resource` instead of `scope`.
    pub(super) fn token(&mut self, tenant: &str, call: &Call, cx: &mut Cx<'_>, v1: bool) -> Reply {
        let form = Form(call.form());
        let outcome = self.grant(tenant, call, &form, cx.now, v1);
        match outcome {
            Ok(grant) => self.answer(call, cx, &grant, v1, form.get("client_info") == Some("1")),
            Err(refusal) => refusal.reply(cx.now, cx.ids),
        }
    }

    fn grant(&mut self, tenant: &str, call: &Call, form: &Form, now: Timestamp, v1: bool) -> Result<Grant, Refusal> {
        let kind = form.need("grant_type")?.to_owned();
        let any = matches!(tenant, "organizations" | "common");
        if !any && self.directory.tenant(tenant).is_none() {
            return Err(Refusal::new("invalid_request", 90002, format!("Tenant '{tenant}' not found.")));
        }
        if !self.entra.scripted.is_empty() {
            return Err(scripted(self.entra.scripted.remove(0)));
        }
        self.check_client(call, form, now)?;
        let asked = if v1 {
            form.get("resource").map(|resource| format!("{resource}/.default"))
        } else {
            form.get("scope").map(str::to_owned)
        };
        match kind.as_str() {
            "client_credentials" => self.client_credentials(tenant, asked),
            "authorization_code" => self.redeem_code(form, asked, now),
            "refresh_token" => self.redeem_refresh(tenant, form, asked, now),
            device::GRANT => self.redeem_device(tenant, form, asked, now),
            other => Err(Refusal::new(
                "unsupported_grant_type",
                70003,
                format!("The app requested an unsupported grant type '{other}'."),
            )),
        }
    }

    fn check_client(&self, call: &Call, form: &Form, now: Timestamp) -> Result<(), Refusal> {
        let basic = call.header("authorization").and_then(basic_pair);
        let client_id = form.get("client_id").map(str::to_owned).or_else(|| basic.as_ref().map(|(id, _)| id.clone()));
        let Some(client_id) = client_id else { return form.need("client_id").map(|_| ()) };
        if !client_id.eq_ignore_ascii_case(&self.entra.app.client_id) {
            let text = format!("Application with identifier '{client_id}' was not found in the directory.");
            return Err(Refusal::new("unauthorized_client", 700016, text));
        }
        if let Some(assertion) = form.get("client_assertion") {
            return self.check_assertion(form, assertion, now);
        }
        let secret = form.get("client_secret").map(str::to_owned).or_else(|| basic.map(|(_, secret)| secret));
        let Some(secret) = secret else {
            if self.switches.public_client && device::needs_no_secret(form) {
                return Ok(());
            }
            return Err(Refusal::client(
                7000218,
                "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
            ));
        };
        match self.entra.app.secrets.iter().find(|(known, _)| *known == secret) {
            None => Err(Refusal::client(7000215, "Invalid client secret provided.")),
            Some((_, Some(ends))) if *ends <= now => {
                Err(Refusal::client(7000222, "The provided client secret keys are expired."))
            }
            Some(_) => Ok(()),
        }
    }

    fn check_assertion(&self, form: &Form, assertion: &str, now: Timestamp) -> Result<(), Refusal> {
        if form.get("client_assertion_type") != Some(ASSERTION) {
            return Err(Refusal::new(
                "invalid_request",
                900144,
                "The request body must contain the following parameter: 'client_assertion_type'.",
            ));
        }
        let claims =
            keys::claims(assertion).ok_or_else(|| Refusal::client(50027, "JWT token is invalid or malformed."))?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or("");
        let ours = &self.entra.app.client_id;
        if !text("iss").eq_ignore_ascii_case(ours) || !text("sub").eq_ignore_ascii_case(ours) {
            return Err(Refusal::client(
                700021,
                "Client assertion application identifier doesn't match 'client_id' parameter.",
            ));
        }
        if !text("aud").contains("/oauth2/") && !text("aud").ends_with("/v2.0") {
            return Err(Refusal::client(700023, "Client assertion audience claim does not match Realm issuer."));
        }
        // A NumericDate may have a fraction (RFC 7519, section 2).
        if claims.get("exp").and_then(Value::as_f64).unwrap_or(0.0) <= now.as_millisecond() as f64 / 1000.0 {
            return Err(Refusal::client(700024, "Client assertion is not within its valid time range."));
        }
        let certificates = &self.entra.app.certificates;
        if certificates.is_empty() && self.switches.any_certificate {
            return Ok(());
        }
        if certificates.is_empty() {
            return Err(Refusal::client(
                700027,
                "The certificate with identifier used to sign the client assertion is not registered on application.",
            ));
        }
        if !certificates.iter().any(|jwk| keys::verified_by(assertion, jwk)) {
            return Err(Refusal::client(700027, "Client assertion contains an invalid signature."));
        }
        Ok(())
    }

    fn client_credentials(&self, tenant: &str, asked: Option<String>) -> Result<Grant, Refusal> {
        let asked = asked.ok_or_else(|| {
            Refusal::new("invalid_request", 900144, "The request body must contain the following parameter: 'scope'.")
        })?;
        if !asked.split_whitespace().any(|scope| scope.ends_with("/.default")) {
            let text = format!(
                "The provided value for scope {asked} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier."
            );
            return Err(Refusal::new("invalid_scope", 1002012, text));
        }
        let tenant = self.directory.tenant(tenant).ok_or_else(|| {
            Refusal::new(
                "unauthorized_client",
                50194,
                "Application is not configured as a multi-tenant application for this endpoint.",
            )
        })?;
        let audience = self.one_audience(&asked)?;
        let principal = Principal { object_id: tenant.app_object_id.clone(), name: "Halobridge".into(), upn: None };
        Ok(Grant {
            principal,
            tenant_id: tenant.id.clone(),
            audience,
            scope: asked,
            user: None,
            nonce: None,
            mfa: true,
        })
    }

    fn redeem_code(&mut self, form: &Form, asked: Option<String>, now: Timestamp) -> Result<Grant, Refusal> {
        let (code, redirect_uri) = (form.need("code")?, form.need("redirect_uri")?);
        let verifier = form.get("code_verifier");
        let Some(known) = self.entra.codes.get_mut(code) else {
            return Err(Refusal::grant(9002313, "Invalid request. Request is malformed or invalid."));
        };
        if known.used {
            return Err(Refusal::grant(
                54005,
                "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.",
            ));
        }
        if now.duration_since(known.issued) > CODE_LIFE {
            return Err(Refusal::grant(70008, "The provided authorization code has expired."));
        }
        if known.redirect_uri != redirect_uri {
            return Err(Refusal::new(
                "invalid_request",
                50011,
                "The redirect URI specified in the request does not match.",
            ));
        }
        if !pkce_fits(known.challenge.as_ref(), verifier) {
            return Err(Refusal::grant(
                501481,
                "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
            ));
        }
        known.used = true;
        let code = known.clone();
        let scope = asked.unwrap_or_else(|| code.scope.clone());
        let audience = self.asked_audience(&scope, &code.scope)?;
        let user = self.person(&code.user_id)?;
        self.grant_to(user, code.tenant_id, audience, scope, code.nonce, code.mfa)
    }

    fn redeem_refresh(
        &mut self,
        tenant: &str,
        form: &Form,
        asked: Option<String>,
        now: Timestamp,
    ) -> Result<Grant, Refusal> {
        let text = form.need("refresh_token")?;
        let known = self
            .entra
            .refresh
            .get(text)
            .cloned()
            .ok_or_else(|| Refusal::grant(9002313, "Invalid request. Request is malformed or invalid."))?;
        if self.entra.revoked.get(&known.user_id.to_lowercase()).is_some_and(|at| known.issued <= *at) {
            return Err(Refusal::grant(
                50173,
                "The provided grant has expired due to it being revoked, a fresh auth token is needed.",
            ));
        }
        if now.duration_since(known.used) > REFRESH_LIFE {
            return Err(Refusal::grant(700082, "The refresh token has expired due to inactivity."));
        }
        let user = self.person(&known.user_id)?;
        let tenant_id = self.signed_in_tenant(tenant, &user)?;
        if let Some(refresh) = self.entra.refresh.get_mut(text) {
            refresh.used = now;
        }
        let scope = asked.unwrap_or_else(|| known.scope.clone());
        let audience = self.asked_audience(&scope, &known.scope)?;
        self.grant_to(user, tenant_id, audience, scope, None, known.mfa)
    }

    pub(super) fn person(&self, user_id: &str) -> Result<User, Refusal> {
        let user = self
            .directory
            .user(user_id)
            .ok_or_else(|| Refusal::grant(50034, "The user account does not exist in the directory."))?;
        if user.disabled {
            return Err(Refusal::grant(50057, "The user account is disabled."));
        }
        Ok(user.clone())
    }

    pub(super) fn grant_to(
        &self,
        user: User,
        tenant_id: String,
        audience: Audience,
        scope: String,
        nonce: Option<String>,
        mfa: bool,
    ) -> Result<Grant, Refusal> {
        if self.switches.consent_missing {
            return Err(Refusal::consent());
        }
        if self.switches.mfa_on_sign_in && !mfa {
            return Err(Refusal::mfa());
        }
        let principal =
            Principal { object_id: user.object_id.clone(), name: user.name.clone(), upn: Some(user.upn.clone()) };
        Ok(Grant { principal, tenant_id, audience, scope, user: Some(user), nonce, mfa })
    }

    /// The one resource a scope names; sign-in scopes alone mean Graph.
    fn one_audience(&self, scope: &str) -> Result<Audience, Refusal> {
        let mut found = None;
        for part in scope.split_whitespace() {
            if is_sign_in_scope(part) {
                continue;
            }
            let audience =
                if part.contains("://") || part.contains('-') { Audience::of(part) } else { Some(Audience::Graph) };
            let Some(audience) = audience else {
                let text = format!("The resource principal named {part} was not found in the tenant.");
                return Err(Refusal::new("invalid_resource", 500011, text));
            };
            if found.is_some_and(|found| found != audience) {
                let text = "Provided value for the input parameter scope is not valid because it contains more than one resource.";
                return Err(Refusal::new("invalid_request", 28000, text));
            }
            found = Some(audience);
        }
        let audience = found.unwrap_or(Audience::Graph);
        if audience == Audience::LogAnalytics && self.switches.log_analytics_missing {
            return Err(Refusal::new(
                "invalid_resource",
                650052,
                "The app is trying to access a service 'https://api.loganalytics.io' that your organization lacks a service principal for.",
            ));
        }
        Ok(audience)
    }

    /// As [`Self::one_audience`]; a scope that repeats the sign-in's own several resources means its first.
    pub(super) fn asked_audience(&self, scope: &str, signed_in: &str) -> Result<Audience, Refusal> {
        if scope == signed_in {
            let first = scope.split_whitespace().find(|part| !is_sign_in_scope(part)).unwrap_or("");
            return self.one_audience(first);
        }
        self.one_audience(scope)
    }

    fn answer(&mut self, call: &Call, cx: &mut Cx<'_>, grant: &Grant, v1: bool, client_info: bool) -> Reply {
        let life = match self.switches.token_life_s {
            // The real service draws it; clients are told to use the number.
            0 => 3_600 + (draw(cx.ids) * 1_800.0) as i64,
            fixed => fixed,
        };
        let expires = cx.now.checked_add(SignedDuration::from_secs(life)).unwrap_or(cx.now);
        let token =
            keys::opaque(&self.access_claims(call, grant, cx.now, expires, cx.ids), self.entra.key_generation, cx.ids);
        let access = Access {
            audience: grant.audience,
            tenant_id: grant.tenant_id.clone(),
            principal: grant.principal.clone(),
            issued: cx.now,
            expires,
            mfa: grant.mfa,
        };
        self.entra.remember(token.clone(), access);
        let mut body = if v1 {
            json!({
                "token_type": "Bearer", "expires_in": life.to_string(), "ext_expires_in": life.to_string(),
                "expires_on": expires.as_second().to_string(), "not_before": cx.now.as_second().to_string(),
                "resource": grant.audience.address(), "access_token": token,
            })
        } else {
            json!({"token_type": "Bearer", "expires_in": life, "ext_expires_in": life, "access_token": token})
        };
        if let (Some(user), Some(map)) = (&grant.user, body.as_object_mut()) {
            let resource = grant.audience.address();
            let right = match grant.audience {
                Audience::Arm => "user_impersonation",
                Audience::LogAnalytics => "Data.Read",
                Audience::Graph => "User.Read",
            };
            map.insert("scope".into(), format!("{resource}/{right} {resource}/.default").into());
            if client_info {
                // Microsoft's own libraries key accounts by it.
                let info = json!({"uid": user.object_id, "utid": user.tenant_id}).to_string();
                map.insert("client_info".into(), URL_SAFE_NO_PAD.encode(info).into());
            }
            if v1 || has_scope(&grant.scope, "offline_access") {
                let refresh = format!("1.{}", cx.ids.token(48));
                let issued = Refresh {
                    user_id: user.object_id.clone(),
                    scope: grant.scope.clone(),
                    issued: cx.now,
                    used: cx.now,
                    mfa: grant.mfa,
                };
                self.entra.refresh.insert(refresh.clone(), issued);
                map.insert("refresh_token".into(), refresh.into());
            }
            if has_scope(&grant.scope, "openid")
                && let Some(id_token) = keys::signed(&self.id_claims(call, grant, user, cx), self.entra.key_generation)
            {
                map.insert("id_token".into(), id_token.into());
            }
        }
        Reply::json(200, &body).with("cache-control", "no-store").with("pragma", "no-cache")
    }

    fn access_claims(
        &self,
        call: &Call,
        grant: &Grant,
        now: Timestamp,
        expires: Timestamp,
        ids: &dyn crate::clock::IdSource,
    ) -> Value {
        let mut claims = json!({
            "aud": grant.audience.address(), "iss": format!("https://sts.windows.net/{}/", grant.tenant_id),
            "iat": now.as_second(), "nbf": now.as_second(), "exp": expires.as_second(),
            "appid": self.entra.app.client_id, "oid": grant.principal.object_id, "tid": grant.tenant_id,
            "uti": ids.token(11), "ver": "1.0", "idp": issuer(call, &grant.tenant_id),
        });
        if let Some(map) = claims.as_object_mut() {
            match &grant.principal.upn {
                Some(upn) => {
                    map.insert("upn".into(), upn.as_str().into());
                    map.insert("name".into(), grant.principal.name.as_str().into());
                    map.insert("amr".into(), if grant.mfa { json!(["pwd", "mfa"]) } else { json!(["pwd"]) });
                }
                None => {
                    map.insert("idtyp".into(), "app".into());
                }
            }
        }
        claims
    }

    fn id_claims(&self, call: &Call, grant: &Grant, user: &User, cx: &Cx<'_>) -> Value {
        let now = cx.now.as_second();
        let pairwise = Sha256::digest(format!("{}/{}", self.entra.app.client_id, user.object_id));
        let mut claims = json!({
            "aud": self.entra.app.client_id, "iss": issuer(call, &grant.tenant_id), "iat": now, "nbf": now, "exp": now + 3_900,
            "rh": format!("0.{}", cx.ids.token(12)), "sub": URL_SAFE_NO_PAD.encode(pairwise), "tid": grant.tenant_id,
            "uti": cx.ids.token(11), "ver": "2.0",
        });
        if let Some(map) = claims.as_object_mut() {
            if let Some(nonce) = &grant.nonce {
                map.insert("nonce".into(), nonce.as_str().into());
            }
            if has_scope(&grant.scope, "profile") {
                map.insert("name".into(), user.name.as_str().into());
                map.insert("oid".into(), user.object_id.as_str().into());
                map.insert("preferred_username".into(), user.upn.as_str().into());
            }
        }
        claims
    }
}

fn is_sign_in_scope(scope: &str) -> bool {
    matches!(scope, "openid" | "profile" | "email" | "offline_access" | "")
}

fn has_scope(scope: &str, wanted: &str) -> bool {
    scope.split_whitespace().any(|part| part == wanted)
}

fn pkce_fits(challenge: Option<&(String, String)>, verifier: Option<&str>) -> bool {
    match (challenge, verifier) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some((challenge, method)), Some(verifier)) if method == "S256" => {
            URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) == challenge.trim_end_matches('=')
        }
        (Some((challenge, _)), Some(verifier)) => challenge == verifier,
    }
}

fn basic_pair(header: &str) -> Option<(String, String)> {
    let decoded = String::from_utf8(STANDARD.decode(header.strip_prefix("Basic ")?).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let plain = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    Some((plain(id), plain(secret)))
}

/// The refusal of an AADSTS number that a test asks for.
fn scripted(code: u32) -> Refusal {
    match code {
        50076 => Refusal::mfa(),
        65001 => Refusal::consent(),
        50072 | 50074 | 50078 | 50079 | 50158 => Refusal { code, ..Refusal::mfa() },
        7000215 | 7000222 => Refusal::client(code, "The client secret is invalid or expired."),
        700016 | 50194 => {
            Refusal::new("unauthorized_client", code, "The application cannot be used in this directory.")
        }
        500011 | 650052 => {
            Refusal::new("invalid_resource", code, "The resource has no service principal in this directory.")
        }
        50011 | 900144 => Refusal::new("invalid_request", code, "The request is invalid."),
        70011 | 28002 | 28003 => Refusal::new("invalid_scope", code, "The scope is invalid."),
        90033 => Refusal {
            status: 503,
            ..Refusal::new("temporarily_unavailable", code, "A transient error has occurred. Please try again.")
        },
        65004 => Refusal::new("access_denied", code, "User declined to consent to access the app."),
        other => Refusal::grant(other, "The grant is refused."),
    }
}
