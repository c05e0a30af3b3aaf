//! Sign-in on another device: a code for the program that asks, and the page on which a person enters it.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    authorize::error_page,
    errors::Refusal,
    token::{Form, Grant},
};
use crate::twin::{
    microsoft::Microsoft,
    page::escape,
    wire::{Call, Cx, Reply},
};

/// The grant of a device code, as the token endpoint is asked for it.
pub(super) const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// How long a device code lives.
const LIFE: SignedDuration = SignedDuration::from_secs(900);

/// What a person did with a device code.
#[derive(Debug, Clone)]
enum Answer {
    Waiting,
    Approved(String),
    Declined,
}

/// A device code that was given out.
#[derive(Debug, Clone)]
pub(super) struct Device {
    user_code: String,
    scope: String,
    issued: Timestamp,
    answer: Answer,
}

/// Whether a public client may ask for this grant: it has no secret, and proves itself otherwise or not at all.
pub(super) fn needs_no_secret(form: &Form) -> bool {
    match form.get("grant_type") {
        Some(GRANT | "refresh_token") => true,
        Some("authorization_code") => form.get("code_verifier").is_some(),
        _ => false,
    }
}

impl Microsoft {
    /// Gives out a device code.
    pub(super) fn device_code(&mut self, tenant: &str, call: &Call, cx: &Cx<'_>) -> Reply {
        match self.begin_device(tenant, call, cx) {
            Ok(body) => Reply::json(200, &body).with("cache-control", "no-store").with("pragma", "no-cache"),
            Err(refusal) => refusal.reply(cx.now, cx.ids),
        }
    }

    fn begin_device(&mut self, tenant: &str, call: &Call, cx: &Cx<'_>) -> Result<Value, Refusal> {
        let form = Form(call.form());
        if !matches!(tenant, "organizations" | "common") && self.directory.tenant(tenant).is_none() {
            return Err(Refusal::new("invalid_request", 90002, format!("Tenant '{tenant}' not found.")));
        }
        let client_id = form.need("client_id")?;
        if !client_id.eq_ignore_ascii_case(&self.entra.app.client_id) {
            let text = format!("Application with identifier '{client_id}' was not found in the directory.");
            return Err(Refusal::new("unauthorized_client", 700016, text));
        }
        let scope = form.need("scope")?;
        self.asked_audience(scope, scope)?;
        let device_code = format!("0.{}", cx.ids.token(24));
        let user_code: String = cx.ids.token(5).to_uppercase().chars().take(9).collect();
        let page = format!("{}{}/{tenant}/oauth2/deviceauth", call.origin, call.base);
        let message = format!(
            "To sign in, use a web browser to open the page {page} and enter the code {user_code} to authenticate."
        );
        let device =
            Device { user_code: user_code.clone(), scope: scope.to_owned(), issued: cx.now, answer: Answer::Waiting };
        self.entra.devices.insert(device_code.clone(), device);
        Ok(json!({
            "user_code": user_code, "device_code": device_code, "verification_uri": page,
            "expires_in": LIFE.as_secs(), "interval": 5, "message": message,
        }))
    }

    /// What a device code grants once a person approved it; with `auto_approve` somebody has.
    pub(super) fn redeem_device(
        &mut self,
        tenant: &str,
        form: &Form,
        asked: Option<String>,
        now: Timestamp,
    ) -> Result<Grant, Refusal> {
        let code = form.need("device_code")?;
        let Some(device) = self.entra.devices.get(code).cloned() else {
            let text = "The device code is not known, or was redeemed already.";
            return Err(Refusal::new("bad_verification_code", 70018, text));
        };
        if now.duration_since(device.issued) > LIFE {
            let text =
                "The provided value for the input parameter 'device_code' is not valid. This device code has expired.";
            return Err(Refusal::new("expired_token", 70020, text));
        }
        let user_id = match device.answer {
            Answer::Approved(user_id) => Some(user_id),
            Answer::Declined => {
                return Err(Refusal::new(
                    "authorization_declined",
                    65004,
                    "User declined to consent to access the app.",
                ));
            }
            Answer::Waiting if self.switches.auto_approve => {
                self.default_user(tenant).map(|user| user.object_id.clone())
            }
            Answer::Waiting => None,
        };
        let Some(user_id) = user_id else {
            let text = "OAuth 2.0 device flow error. Authorization is pending. Continue polling.";
            return Err(Refusal::new("authorization_pending", 70016, text));
        };
        let user = self.person(&user_id)?;
        let tenant_id = self.signed_in_tenant(tenant, &user)?;
        let scope = asked.unwrap_or_else(|| device.scope.clone());
        let audience = self.asked_audience(&scope, &device.scope)?;
        let grant = self.grant_to(user, tenant_id, audience, scope, None, false)?;
        self.entra.devices.remove(code);
        Ok(grant)
    }

    /// The page on which a person enters the code, picks an account, and approves or cancels.
    pub(super) fn device_page(&mut self, tenant: &str, call: &Call, cx: &Cx<'_>) -> Reply {
        let Some(entered) = call.query("user_code").map(str::trim).filter(|code| !code.is_empty()) else {
            let page = "<!doctype html><html lang=en><title>Enter code</title><main><h1>Enter code</h1><form method=get>\
                        <p><label>Code <input name=user_code></label><p><button>Next</button></form></main>";
            return Reply::html(200, page.to_owned());
        };
        let waits = |device: &Device| {
            matches!(device.answer, Answer::Waiting)
                && device.user_code.eq_ignore_ascii_case(entered)
                && cx.now.duration_since(device.issued) <= LIFE
        };
        let Some(code) = self.entra.devices.iter().find(|(_, device)| waits(device)).map(|(code, _)| code.clone())
        else {
            return error_page(&Refusal::new("invalid_request", 70018, "Invalid verification code."));
        };
        let answer = match call.query("user").map(|key| self.directory.user(key)) {
            _ if call.query("cancel").is_some() => Answer::Declined,
            None => return self.account_page(tenant, &call.query),
            Some(None) => {
                let text = "The user account does not exist in this directory.";
                return error_page(&Refusal::grant(50034, text));
            }
            Some(Some(user)) => match self.signed_in_tenant(tenant, user) {
                Ok(_) => Answer::Approved(user.object_id.clone()),
                Err(refusal) => return error_page(&refusal),
            },
        };
        let text = match &answer {
            Answer::Approved(_) => "You have signed in on your device. You may close this page.",
            Answer::Waiting | Answer::Declined => "You have cancelled. You may close this page.",
        };
        if let Some(device) = self.entra.devices.get_mut(&code) {
            device.answer = answer;
        }
        Reply::html(200, format!("<!doctype html><html lang=en><title>Sign in</title><p>{}", escape(text)))
    }
}
