//! The sign-in page: a code for a person, or an error, sent back to the application.

use jiff::SignedDuration;
use url::Url;

use super::{Code, errors::Refusal};
use crate::twin::{
    microsoft::{Microsoft, directory::User},
    page::escape,
    wire::{Call, Cx, Reply},
};

/// How the answer travels back.
struct Return {
    redirect_uri: String,
    mode: String,
    state: Option<String>,
}

impl Return {
    fn send(&self, pairs: &[(&str, &str)]) -> Reply {
        let mut all: Vec<(&str, &str)> = pairs.to_vec();
        if let Some(state) = &self.state {
            all.push(("state", state));
        }
        if self.mode == "form_post" {
            let fields: String = all
                .iter()
                .map(|(name, value)| {
                    format!("<input type=hidden name=\"{}\" value=\"{}\">", escape(name), escape(value))
                })
                .collect();
            let page = format!(
                "<!doctype html><title>Working</title><form method=post action=\"{}\">{fields}<button>Continue</button></form><script>document.forms[0].submit()</script>",
                escape(&self.redirect_uri)
            );
            return Reply::html(200, page);
        }
        let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish();
        let mark = match (self.mode.as_str(), self.redirect_uri.contains('?')) {
            ("fragment", _) => '#',
            (_, true) => '&',
            (_, false) => '?',
        };
        Reply::empty(302)
            .with("location", format!("{}{mark}{encoded}", self.redirect_uri))
            .with("cache-control", "no-store")
    }

    fn refuse(&self, error: &str, description: &str) -> Reply {
        self.send(&[("error", error), ("error_description", description)])
    }
}

impl Microsoft {
    pub(super) fn authorize(&mut self, tenant: &str, call: &Call, cx: &mut Cx<'_>) -> Reply {
        let mut given = call.query.clone();
        if call.method == "POST" {
            given.extend(call.form());
        }
        let get = |name: &str| given.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let back = match self.way_back(tenant, &get) {
            Ok(back) => back,
            Err(refusal) => return error_page(&refusal),
        };
        if get("response_type") != Some("code") {
            return back.refuse(
                "unsupported_response_type",
                "AADSTS700054: response_type must be 'code' for this application.",
            );
        }
        if !self.switches.authorize_error.is_empty() {
            let error = self.switches.authorize_error.clone();
            return back.refuse(&error, described(&error));
        }
        let scope = get("scope").unwrap_or("");
        if scope.is_empty() {
            return back.refuse(
                "invalid_request",
                "AADSTS900144: The request body must contain the following parameter: 'scope'.",
            );
        }
        if get("cancel").is_some() {
            return back.refuse("access_denied", "AADSTS65004: User declined to consent to access the app.");
        }
        if self.switches.consent_missing {
            return back.refuse("consent_required", &Refusal::consent().description());
        }
        let chosen = get("user").or_else(|| if self.switches.auto_approve { get("login_hint") } else { None });
        let user = match chosen {
            Some(key) => self.directory.user(key).cloned(),
            None if self.switches.auto_approve => self.default_user(tenant).cloned(),
            None if get("prompt") == Some("none") => {
                return back.refuse(
                    "login_required",
                    "AADSTS50058: Session information is not sufficient for single-sign-on.",
                );
            }
            None => return self.account_page(tenant, &given),
        };
        let Some(user) = user else {
            return back.refuse("invalid_request", "AADSTS50034: The user account does not exist in this directory.");
        };
        match self.signed_in_tenant(tenant, &user) {
            Ok(tenant_id) => {
                let code = format!("0.{}", cx.ids.token(24));
                let challenge = get("code_challenge").map(|challenge| {
                    (challenge.to_owned(), get("code_challenge_method").unwrap_or("plain").to_owned())
                });
                let issued = Code {
                    user_id: user.object_id.clone(),
                    tenant_id,
                    redirect_uri: back.redirect_uri.clone(),
                    challenge,
                    scope: scope.to_owned(),
                    nonce: get("nonce").map(str::to_owned),
                    issued: cx.now,
                    used: false,
                    // A person who was sent here with claims has just done what they ask for.
                    mfa: get("claims").is_some(),
                };
                self.entra.codes.insert(code.clone(), issued);
                let session = cx.ids.uuid_v4().to_string();
                back.send(&[("code", &code), ("session_state", &session)])
            }
            Err(refusal) => back.refuse("access_denied", &refusal.description()),
        }
    }

    /// Where the answer goes; a wrong application or address is shown on a page, never sent on.
    fn way_back<'a>(&self, tenant: &str, get: &impl Fn(&str) -> Option<&'a str>) -> Result<Return, Refusal> {
        let client_id = get("client_id").unwrap_or("");
        if !client_id.eq_ignore_ascii_case(&self.entra.app.client_id) {
            let text = format!("Application with identifier '{client_id}' was not found in the directory '{tenant}'.");
            return Err(Refusal::new("unauthorized_client", 700016, text));
        }
        let redirect_uri = get("redirect_uri").unwrap_or("").to_owned();
        if !self.redirect_registered(&redirect_uri) {
            let text = format!(
                "The redirect URI '{redirect_uri}' specified in the request does not match the redirect URIs configured for the application."
            );
            return Err(Refusal::new("invalid_request", 50011, text));
        }
        if !matches!(tenant, "organizations" | "common") && self.directory.tenant(tenant).is_none() {
            return Err(Refusal::new("invalid_request", 90002, format!("Tenant '{tenant}' not found.")));
        }
        let mode = get("response_mode").unwrap_or("query").to_owned();
        Ok(Return { redirect_uri, mode, state: get("state").map(str::to_owned) })
    }

    fn redirect_registered(&self, redirect_uri: &str) -> bool {
        if !self.entra.app.redirects.is_empty() {
            return self.entra.app.redirects.iter().any(|known| known == redirect_uri);
        }
        let Ok(url) = Url::parse(redirect_uri) else { return false };
        url.scheme() == "https"
            || (url.scheme() == "http" && matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")))
    }

    pub(super) fn default_user(&self, tenant: &str) -> Option<&User> {
        let home = self.directory.tenant(tenant).or_else(|| self.directory.tenants.first())?;
        self.directory.users.iter().find(|user| user.tenant_id == home.id && !user.disabled)
    }

    /// The directory a person lands in at this authority: the home one for `organizations`.
    pub(super) fn signed_in_tenant(&self, tenant: &str, user: &User) -> Result<String, Refusal> {
        if user.disabled {
            return Err(Refusal::grant(50057, "The user account is disabled."));
        }
        let Some(wanted) = self.directory.tenant(tenant) else { return Ok(user.tenant_id.clone()) };
        if wanted.id == user.tenant_id || user.guest_in.contains(&wanted.id) {
            return Ok(wanted.id.clone());
        }
        let text =
            format!("User account '{}' from identity provider does not exist in tenant '{}'.", user.upn, wanted.name);
        Err(Refusal::grant(50020, &text))
    }

    pub(super) fn account_page(&self, tenant: &str, given: &[(String, String)]) -> Reply {
        let fields: String = given
            .iter()
            .filter(|(name, _)| name != "user" && name != "cancel")
            .map(|(name, value)| format!("<input type=hidden name=\"{}\" value=\"{}\">", escape(name), escape(value)))
            .collect();
        let buttons: String = self
            .directory
            .users
            .iter()
            .map(|user| {
                format!(
                    "<p><button name=user value=\"{}\">{} &lt;{}&gt;</button>",
                    escape(&user.upn),
                    escape(&user.name),
                    escape(&user.upn)
                )
            })
            .collect();
        let page = format!(
            "<!doctype html><html lang=en><meta name=viewport content=\"width=device-width\"><title>Pick an account</title><main><h1>Pick an account</h1><p>Directory: {}<form method=get>{fields}{buttons}<p><button name=cancel value=1>Cancel</button></form></main>",
            escape(tenant)
        );
        Reply::html(200, page)
    }

    pub(super) fn admin_consent(&mut self, tenant: &str, call: &Call) -> Reply {
        let get = |name: &str| call.query(name);
        match self.way_back(tenant, &get) {
            Err(refusal) => error_page(&refusal),
            Ok(back) if call.query("cancel").is_some() => {
                back.refuse("access_denied", "AADSTS65004: Admin declined to consent.")
            }
            Ok(back) => {
                self.switches.consent_missing = false;
                self.switches.log_analytics_missing = false;
                let id = self
                    .directory
                    .tenant(tenant)
                    .or_else(|| self.directory.tenants.first())
                    .map_or("", |tenant| &tenant.id);
                back.send(&[("admin_consent", "True"), ("tenant", id), ("scope", call.query("scope").unwrap_or(""))])
            }
        }
    }
}

/// How long a code may wait.
pub(super) const CODE_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// What the service says beside an error of the authorization endpoint.
fn described(error: &str) -> &'static str {
    match error {
        "consent_required" => "AADSTS65001: The user or administrator has not consented to use the application.",
        "interaction_required" => "AADSTS50076: You must use multi-factor authentication to access the resource.",
        "login_required" => "AADSTS50058: Session information is not sufficient for single-sign-on.",
        "server_error" | "temporarily_unavailable" => "AADSTS90033: A transient error has occurred. Please try again.",
        "invalid_request" => "AADSTS900144: The request is malformed or invalid.",
        "invalid_scope" => "AADSTS70011: The provided value for the input parameter 'scope' is not valid.",
        "invalid_resource" => "AADSTS500011: The resource principal was not found in the tenant.",
        "unauthorized_client" => "AADSTS700016: The application was not found in the directory.",
        "unsupported_response_type" => "AADSTS700054: The response type is not enabled for the application.",
        _ => "AADSTS65004: User declined to consent to access the app.",
    }
}

/// A refusal as a page.
pub(super) fn error_page(refusal: &Refusal) -> Reply {
    let text = escape(&refusal.description());
    Reply::html(
        400,
        format!("<!doctype html><html lang=en><title>Sign in</title><h1>Sorry, we cannot sign you in</h1><p>{text}"),
    )
}
