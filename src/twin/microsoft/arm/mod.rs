//! The management API: its front door (token, version, budget, rights) and where each path leads.

pub mod children;
pub mod deployments;
pub mod discovery;
pub mod disguise;
pub mod errors;
pub mod filter;
mod filtered;
mod groups;
pub mod incidents;
pub mod paging;
mod providers;
mod reference;
mod relations;
mod roles;
mod rule_check;
pub mod rules;
pub mod sentinel;
mod template;
pub mod wanted;
pub mod workflows;

use serde_json::json;

use self::errors::{bad_request, error, forbidden, insufficient_claims, unauthorized};
use super::{
    Microsoft,
    entra::{Access, Audience},
    throttle::{Counted, Left, Operation},
};
use crate::twin::{
    kinds,
    wire::{Call, Cx, Reply},
};

/// A path cut at its slashes: as sent, and in lower case for comparing.
pub struct Path {
    /// As sent.
    pub sent: Vec<String>,
    /// In lower case.
    pub lower: Vec<String>,
}

impl Path {
    /// Cuts a path.
    pub fn new(path: &str) -> Self {
        let sent: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let lower = sent.iter().map(|part| part.to_lowercase()).collect();
        Self { sent, lower }
    }

    /// The lower-case parts, for matching.
    pub fn parts(&self) -> Vec<&str> {
        self.lower.iter().map(String::as_str).collect()
    }

    /// A part as sent.
    pub fn part(&self, at: usize) -> &str {
        self.sent.get(at).map_or("", String::as_str)
    }
}

/// A call that passed the front door.
pub struct Ask<'a> {
    /// The call.
    pub call: &'a Call,
    /// Its token.
    pub access: Access,
}

impl Microsoft {
    /// Answers a call below `/arm`.
    pub fn handle_arm(&mut self, call: &Call, cx: &mut Cx<'_>) -> Reply {
        let path = Path::new(&call.path);
        let kind = kinds::of("arm", &call.method, &call.path);
        if path.parts() == ["metadata", "endpoints"] && call.method == "GET" {
            return Reply::json(200, &self.cloud(&call.origin));
        }
        if call.method == "POST"
            && let Some(reply) = self.trigger_called(call, &path, cx)
        {
            return reply;
        }
        let disordered = self.switches.order_ignored.then(|| disguise::without_order(call));
        let call = disordered.as_ref().unwrap_or(call);
        let (reply, left, who) = match self.admit(call, &path, &kind, cx) {
            Err(refused) => (refused, Left::default(), (String::new(), String::new())),
            Ok((access, left)) => {
                let who = (access.tenant_id.clone(), access.principal.object_id.clone());
                (self.route(&Ask { call, access }, &path, cx), left, who)
            }
        };
        let reply = disguise::worn(&self.switches, &kind, reply);
        dress(reply, &kind, left, who, call, cx)
    }

    /// The front door, in the real one's order: token, version, budget.
    fn admit(&mut self, call: &Call, path: &Path, kind: &str, cx: &Cx<'_>) -> Result<(Access, Left), Reply> {
        let access = self.check_token(call, Audience::Arm, cx)?;
        check_version(call, path)?;
        let operation = match call.method.as_str() {
            "GET" | "HEAD" => Operation::Read,
            "POST" if kind.ends_with(".post") && reads_by_post(kind) => Operation::Read,
            "DELETE" => Operation::Delete,
            _ => Operation::Write,
        };
        if operation != Operation::Read && self.switches.mfa_on_writes && access.principal.upn.is_some() && !access.mfa
        {
            let claims = json!({"access_token": {"acrs": {"essential": true, "value": "p1"}}});
            return Err(insufficient_claims(&call.origin, &access.tenant_id, &claims));
        }
        let subscription_id =
            if path.lower.first().is_some_and(|part| part == "subscriptions") { path.part(1) } else { "" };
        let counted = Counted { subscription_id, principal_id: &access.principal.object_id, operation, kind };
        let (large, floor) = (self.switches.large_buckets, self.switches.promised_floor);
        let left = self.throttle.count(&counted, large, floor, self.switches.throttle_silent, cx.now)?;
        Ok((access, left))
    }

    /// The token of a call, checked against an audience.
    ///
    /// # Errors
    /// The 401 that answers it.
    pub fn check_token(&self, call: &Call, audience: Audience, cx: &Cx<'_>) -> Result<Access, Reply> {
        let path = Path::new(&call.path);
        let asked = path.lower.first().filter(|word| *word == "subscriptions").map(|_| path.part(1));
        let asked = asked.and_then(|id| self.subscriptions.iter().find(|one| one.id.eq_ignore_ascii_case(id)));
        // Who has no token learns from the refusal whose one is needed.
        let tenant_id = match (asked, self.directory.tenants.first()) {
            (Some(subscription), _) => subscription.tenant_id.as_str(),
            (None, first) => first.map_or("common", |tenant| tenant.id.as_str()),
        };
        let refuse = |code: &str, text: &str| unauthorized(&call.origin, tenant_id, code, text);
        let Some(header) = call.header("authorization") else {
            let text = "Authentication failed. The 'Authorization' header is missing.";
            return Err(refuse("AuthenticationFailed", text));
        };
        let token = header
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let Some((token, access)) = token.and_then(|token| Some((token, self.entra.access(token)?))) else {
            return Err(refuse("InvalidAuthenticationToken", "The access token is invalid."));
        };
        if access.audience != audience {
            let text = "The access token has been obtained for wrong audience or resource.";
            return Err(refuse("InvalidAuthenticationTokenAudience", text));
        }
        if access.expires <= cx.now {
            let text = "The access token expiry UTC time is earlier than current UTC time.";
            return Err(refuse("ExpiredAuthenticationToken", text));
        }
        if self.entra.is_challenged(token) && access.principal.upn.is_some() && !access.mfa {
            let claims = json!({"access_token": {"nbf": {"essential": true, "value": cx.now.as_second().to_string()}}});
            return Err(insufficient_claims(&call.origin, &access.tenant_id, &claims));
        }
        Ok(access.clone())
    }

    fn route(&mut self, ask: &Ask<'_>, path: &Path, cx: &mut Cx<'_>) -> Reply {
        let parts = path.parts();
        if parts.first() == Some(&"subscriptions")
            && parts.len() > 1
            && let Err(refused) = self.check_subscription(ask, path.part(1))
        {
            return refused;
        }
        let below_workflow = parts.iter().position(|part| *part == "workflows").is_some_and(|at| parts.len() > at + 2);
        if below_workflow && parts.contains(&"microsoft.logic") {
            return self.workflow_child(ask, path);
        }
        match parts.as_slice() {
            // Before what lies below the namespaces of logic apps.
            ["subscriptions", _, "providers", _, "register"] => self.discovery(ask, path),
            [
                ..,
                "providers",
                "microsoft.authorization",
                what @ ("permissions" | "roleassignments" | "roledefinitions" | "denyassignments"),
            ] => self.authorization(ask, path, what, None),
            [.., "providers", "microsoft.authorization", what @ ("roleassignments" | "roledefinitions"), _] => {
                self.authorization(ask, path, what, parts.len().checked_sub(1))
            }
            [
                "subscriptions",
                _,
                "resourcegroups",
                _,
                "providers",
                "microsoft.operationalinsights",
                "workspaces",
                _,
                "providers",
                "microsoft.securityinsights",
                ..,
            ] => self.sentinel(ask, path, cx),
            [
                "subscriptions",
                _,
                "resourcegroups",
                _,
                "providers",
                "microsoft.operationalinsights",
                "workspaces",
                _,
                "query",
            ]
            | [
                "subscriptions",
                _,
                "resourcegroups",
                _,
                "providers",
                "microsoft.operationalinsights",
                "workspaces",
                _,
                "api",
                "query",
            ] => self.query_through_arm(ask, path, cx),
            [.., "deployments", _, "validate" | "whatif" | "operations" | "exporttemplate"] => {
                self.deployment_child(ask, path, cx)
            }
            [.., "deployments", _, "operationstatuses", _] => self.deployment_child(ask, path, cx),
            [.., "microsoft.resources" | "microsoft.logic" | "microsoft.web", _, _] => self.deployed(ask, path, cx),
            [.., "microsoft.resources" | "microsoft.logic" | "microsoft.web", _] => self.deployed_list(ask, path),
            _ => self.discovery(ask, path),
        }
    }

    fn check_subscription(&self, ask: &Ask<'_>, id: &str) -> Result<(), Reply> {
        let known = self.subscriptions.iter().find(|subscription| subscription.id.eq_ignore_ascii_case(id));
        let Some(subscription) = known else {
            return Err(error(404, "SubscriptionNotFound", &format!("The subscription '{id}' could not be found.")));
        };
        let managed = self.switches.lighthouse
            && self.directory.tenants.first().is_some_and(|home| home.id == ask.access.tenant_id);
        if !subscription.tenant_id.eq_ignore_ascii_case(&ask.access.tenant_id) && !managed {
            let text = format!(
                "The access token is from the wrong issuer 'https://sts.windows.net/{}/'. It must match the tenant 'https://sts.windows.net/{}/' associated with this subscription. Please use the authority (URL) 'https://login.windows.net/{}' to get the token.",
                ask.access.tenant_id, subscription.tenant_id, subscription.tenant_id
            );
            return Err(unauthorized(
                &ask.call.origin,
                &subscription.tenant_id,
                "InvalidAuthenticationTokenTenant",
                &text,
            ));
        }
        if subscription.state == "Disabled" && !matches!(ask.call.method.as_str(), "GET" | "HEAD") {
            let text = format!(
                "The subscription '{id}' is disabled and therefore marked as read only. You cannot perform any write actions on this subscription until it is re-enabled."
            );
            return Err(error(409, "ReadOnlyDisabledSubscription", &text));
        }
        Ok(())
    }

    /// Whether the caller may do an action at a scope.
    ///
    /// # Errors
    /// The 403 that answers it.
    pub fn check_right(&self, access: &Access, action: &str, scope: &str) -> Result<(), Reply> {
        if self.allowed(access, action, scope) {
            return Ok(());
        }
        let name = access.principal.upn.as_deref().unwrap_or(&access.principal.object_id);
        Err(forbidden(name, &access.principal.object_id, action, scope))
    }

    /// As [`Self::check_right`]; with Lighthouse the provider's own people and application may also
    /// do in delegated subscriptions what the delegation (Sentinel Contributor, Contributor) grants.
    pub fn allowed(&self, access: &Access, action: &str, scope: &str) -> bool {
        self.directory.allowed(&access.principal.object_id, action, scope) || self.delegated(access, scope, action)
    }

    fn delegated(&self, access: &Access, scope: &str, action: &str) -> bool {
        let home = self.directory.tenants.first();
        if !self.switches.lighthouse || home.is_none_or(|home| home.id != access.tenant_id) {
            return false;
        }
        let elsewhere = self.subscriptions.iter().any(|subscription| {
            subscription.tenant_id != access.tenant_id
                && super::directory::covers(&format!("/subscriptions/{}", subscription.id), scope)
        });
        let first = self.subscriptions.first().map(|first| format!("/subscriptions/{}", first.id)).unwrap_or_default();
        elsewhere && self.directory.allowed(&access.principal.object_id, action, &first)
    }
}

/// Reads that are written POST.
fn reads_by_post(kind: &str) -> bool {
    matches!(kind, "sentinel.alerts.post" | "sentinel.entities.post" | "sentinel.bookmarks.post" | "arm.query.post")
}

/// Stable versions of the Sentinel API; previews are taken by their shape.
const SENTINEL_VERSIONS: [&str; 14] = [
    "2020-01-01",
    "2021-04-01",
    "2021-10-01",
    "2022-08-01",
    "2022-11-01",
    "2023-02-01",
    "2023-11-01",
    "2024-01-01",
    "2024-03-01",
    "2024-09-01",
    "2025-03-01",
    "2025-06-01",
    "2025-07-01",
    "2025-09-01",
];

fn check_version(call: &Call, path: &Path) -> Result<(), Reply> {
    let Some(version) = call.query("api-version").filter(|version| !version.is_empty()) else {
        let text = "The api-version query parameter (?api-version=) is required for all requests.";
        return Err(error(400, "MissingApiVersionParameter", text));
    };
    let (date, preview) = match version.strip_suffix("-preview").or_else(|| version.strip_suffix("-PREVIEW")) {
        Some(date) => (date, true),
        None => (version, false),
    };
    let dated = date.parse::<jiff::civil::Date>().is_ok() && date.len() == 10 && ("2014-01-01".."2027").contains(&date);
    // Each provider has its versions; to name one, or to register it, is the resource manager's own matter.
    let below = path.lower.iter().rposition(|part| part == "providers").and_then(|at| path.lower.get(at + 1..));
    let of_sentinel = match below {
        Some([provider, what, ..]) => {
            provider == "microsoft.securityinsights" && !matches!(what.as_str(), "register" | "unregister")
        }
        _ => false,
    };
    if dated && (preview || !of_sentinel || SENTINEL_VERSIONS.contains(&version)) {
        return Ok(());
    }
    let text = format!(
        "The api-version '{version}' is invalid. The supported versions are '{}'.",
        SENTINEL_VERSIONS.join(",")
    );
    Err(error(400, "InvalidApiVersionParameter", &text))
}

/// The headers every answer of the management API has.
fn dress(reply: Reply, kind: &str, left: Left, who: (String, String), call: &Call, cx: &Cx<'_>) -> Reply {
    let request_id = cx.ids.uuid_v4().to_string();
    let correlation = call.header("x-ms-correlation-request-id").map_or_else(|| request_id.clone(), str::to_owned);
    let at = cx.now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut reply = reply
        .with("cache-control", "no-cache")
        .with("pragma", "no-cache")
        .with("x-ms-routing-request-id", format!("WESTEUROPE:{at}:{request_id}"))
        .with("x-ms-operation-identifier", format!("tenantId={},objectId={}/westeurope/{correlation}", who.0, who.1))
        .with("x-ms-correlation-request-id", correlation)
        .with("x-ms-request-id", request_id);
    if let Some(sent) = call.header("x-ms-client-request-id") {
        reply = reply.with("x-ms-client-request-id", sent);
    }
    let lists_reads = kind == "sentinel.incident.list" || !kind.starts_with("sentinel.");
    match (left.own, lists_reads && call.method == "GET") {
        (Some(own), true) => {
            reply = reply.with("x-ms-ratelimit-remaining-subscription-reads", own.to_string());
            if let Some(global) = left.global {
                reply = reply.with("x-ms-ratelimit-remaining-subscription-global-reads", global.to_string());
            }
            reply
        }
        (Some(own), false) => reply.with("x-ms-ratelimit-remaining-subscription-resource-requests", own.to_string()),
        (None, _) => reply,
    }
}

/// The JSON body of a write.
///
/// # Errors
/// 400 when it is none.
pub fn body(call: &Call) -> Result<serde_json::Value, Reply> {
    call.json().filter(serde_json::Value::is_object).ok_or_else(|| {
        error(400, "InvalidRequestContent", "The request content was invalid and could not be deserialized.")
    })
}

/// 405 for a method that a resource does not have.
pub fn no_method(method: &str) -> Reply {
    error(405, "MethodNotAllowed", &format!("The requested resource does not support http method '{method}'."))
}

/// 400 for a member of the wrong kind.
pub fn wrong_member(name: &str) -> Reply {
    bad_request(&format!("Invalid value for '{name}'."))
}
