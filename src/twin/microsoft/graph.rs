//! Microsoft Graph: what sign-in and set-up need.

use serde_json::{Value, json};

use super::{Microsoft, arm::Path, entra::Audience};
use crate::twin::wire::{Call, Cx, Reply};

/// Application id of "Azure Security Insights".
const INSIGHTS: &str = "98785600-1bb7-4fb9-b9fa-19afe2c8a360";

impl Microsoft {
    /// Answers a call below `/graph`.
    pub fn handle_graph(&mut self, call: &Call, cx: &mut Cx<'_>) -> Reply {
        let access = match self.check_token(call, Audience::Graph, cx) {
            Ok(access) => access,
            Err(refused) => return refused,
        };
        let path = Path::new(&call.path);
        let parts = path.parts();
        let tenant = self.directory.tenants.iter().find(|tenant| tenant.id == access.tenant_id);
        match (call.method.as_str(), parts.as_slice()) {
            ("GET", [_, "me"]) => match self.directory.user(&access.principal.object_id) {
                Some(user) => Reply::json(200, &user_json(&user.object_id, &user.name, &user.upn)),
                None => fault(400, "BadRequest", "/me request is only valid with delegated authentication flow."),
            },
            ("GET", [_, "users"]) => {
                let users = self
                    .directory
                    .users
                    .iter()
                    .filter(|user| user.tenant_id == access.tenant_id || user.guest_in.contains(&access.tenant_id));
                let value: Vec<Value> = users.map(|user| user_json(&user.object_id, &user.name, &user.upn)).collect();
                Reply::json(200, &json!({ "value": value }))
            }
            ("GET", [_, "organization"]) => {
                let value: Vec<Value> = tenant
                    .map(|tenant| json!({"id": tenant.id, "displayName": tenant.name, "verifiedDomains": [{"name": tenant.domain, "isDefault": true}]}))
                    .into_iter()
                    .collect();
                Reply::json(200, &json!({ "value": value }))
            }
            ("GET", [_, "serviceprincipals"]) => {
                let filter = call.query("$filter").unwrap_or("").to_lowercase();
                let rows: Vec<Value> = tenant
                    .map(|tenant| [(INSIGHTS, tenant.insights_object_id.as_str(), "Azure Security Insights"), (self.entra.app.client_id.as_str(), tenant.app_object_id.as_str(), "Halobridge")])
                    .into_iter()
                    .flatten()
                    .filter(|(app_id, _, _)| filter.is_empty() || filter.contains(&app_id.to_lowercase()))
                    .map(|(app_id, id, name)| json!({"id": id, "appId": app_id, "displayName": name, "servicePrincipalType": "Application"}))
                    .collect();
                Reply::json(200, &json!({ "value": rows }))
            }
            _ => fault(404, "Request_ResourceNotFound", "Resource not found for the segment."),
        }
    }
}

fn user_json(id: &str, name: &str, upn: &str) -> Value {
    json!({"id": id, "displayName": name, "userPrincipalName": upn, "mail": upn})
}

fn fault(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, &json!({"error": {"code": code, "message": message}}))
}
