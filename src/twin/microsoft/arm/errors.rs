//! Error answers of the management API.

use serde_json::{Value, json};

use crate::twin::wire::Reply;

/// `{"error":{"code","message"}}`.
pub fn error(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, &json!({"error": {"code": code, "message": message}}))
}

/// 400 `BadRequest`.
pub fn bad_request(message: &str) -> Reply {
    error(400, "BadRequest", message)
}

/// The answer to a filter that is not understood.
pub fn odata() -> Reply {
    bad_request("OData query syntax error")
}

/// The answer to a stale etag.
pub fn conflict(name: &str) -> Reply {
    error(409, "Conflict", &format!("Newer version of resource '{name}' exists. Data was not saved"))
}

/// The answer for an incident that is not there.
pub fn no_incident(name: &str) -> Reply {
    error(404, "NotFound", &format!("Incident '{name}' was not found"))
}

/// The answer for another missing resource of Sentinel.
pub fn not_found(what: &str, name: &str) -> Reply {
    error(404, "NotFound", &format!("{what} '{name}' was not found"))
}

/// A workspace without Sentinel: the message is itself JSON text, as seen in public logs.
pub fn not_onboarded(workspace: &str) -> Reply {
    let inner = json!({"error": {"code": "BadRequest", "message": format!(
        "Workspace '{workspace}' is not onboarded to Microsoft Sentinel. Please onboard through the portal or use the OnboardingStates ARM api to onboard to Sentinel."
    )}});
    bad_request(&inner.to_string())
}

/// 401 with the header that says why.
pub fn unauthorized(origin: &str, tenant_id: &str, code: &str, message: &str) -> Reply {
    let header = format!(
        "Bearer authorization_uri=\"{origin}/entra/{tenant_id}\", error=\"invalid_token\", error_description=\"{message}\""
    );
    error(401, code, message).with("www-authenticate", header)
}

/// 401 with a claims challenge: the client is to send the person to authorize with these claims.
pub fn insufficient_claims(origin: &str, tenant_id: &str, claims: &Value) -> Reply {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let encoded = STANDARD.encode(claims.to_string());
    let header = format!(
        "Bearer realm=\"\", authorization_uri=\"{origin}/entra/{tenant_id}/oauth2/authorize\", error=\"insufficient_claims\", claims=\"{encoded}\""
    );
    error(401, "InsufficientClaims", "The access token does not hold the claims that this request needs.")
        .with("www-authenticate", header)
}

/// 403 of the role check.
pub fn forbidden(name: &str, object_id: &str, action: &str, scope: &str) -> Reply {
    let message = format!(
        "The client '{name}' with object id '{object_id}' does not have authorization to perform action '{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials."
    );
    error(403, "AuthorizationFailed", &message)
}
