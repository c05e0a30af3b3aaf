//! Errors of the sign-in endpoints: decided by `error`, `suberror` and `error_codes`.

use jiff::Timestamp;
use serde_json::json;

use crate::{clock::IdSource, twin::wire::Reply};

/// Why a sign-in is refused.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// OAuth error.
    pub error: &'static str,
    /// AADSTS number.
    pub code: u32,
    /// Text after the number.
    pub text: String,
    /// Finer reason.
    pub suberror: Option<&'static str>,
    /// Claims to ask for at the next sign-in.
    pub claims: Option<String>,
}

impl Refusal {
    /// A refusal with status 400.
    pub fn new(error: &'static str, code: u32, text: impl Into<String>) -> Self {
        Self { status: 400, error, code, text: text.into(), suberror: None, claims: None }
    }

    /// `invalid_client`: 401.
    pub fn client(code: u32, text: &str) -> Self {
        Self { status: 401, ..Self::new("invalid_client", code, text) }
    }

    /// `invalid_grant`.
    pub fn grant(code: u32, text: &str) -> Self {
        Self::new("invalid_grant", code, text)
    }

    /// 50076: multi-factor sign-in is needed.
    pub fn mfa() -> Self {
        let claims = json!({"access_token": {"capolids": {"essential": true, "values": ["c0a1f0de-0000-4000-8000-000000000001"]}}});
        Self {
            suberror: Some("basic_action"),
            claims: Some(claims.to_string()),
            ..Self::new(
                "interaction_required",
                50076,
                "You must use multi-factor authentication to access the resource.",
            )
        }
    }

    /// 65001: nobody consented.
    pub fn consent() -> Self {
        let text = "The user or administrator has not consented to use the application.";
        Self { suberror: Some("consent_required"), ..Self::grant(65001, text) }
    }

    /// `AADSTS…: text`, as descriptions begin.
    pub fn description(&self) -> String {
        format!("AADSTS{}: {}", self.code, self.text)
    }

    /// The JSON answer of the token endpoint.
    pub fn reply(&self, now: Timestamp, ids: &dyn IdSource) -> Reply {
        let (trace, correlation) = (ids.uuid_v4().to_string(), ids.uuid_v4().to_string());
        let at = now.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let description =
            format!("{} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {at}", self.description());
        let mut body = json!({
            "error": self.error, "error_description": description, "error_codes": [self.code], "timestamp": at,
            "trace_id": trace, "correlation_id": correlation,
            "error_uri": format!("https://login.microsoftonline.com/error?code={}", self.code),
        });
        if let Some(map) = body.as_object_mut() {
            if let Some(suberror) = self.suberror {
                map.insert("suberror".into(), suberror.into());
            }
            if let Some(claims) = &self.claims {
                map.insert("claims".into(), claims.as_str().into());
            }
        }
        Reply::json(self.status, &body).with("cache-control", "no-store").with("pragma", "no-cache")
    }
}
