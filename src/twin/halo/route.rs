//! Which function answers which path.

use serde_json::{Value, json};

use super::{Halo, respond};
use crate::twin::wire::{Call, Cx, Reply};

impl Halo {
    /// Answers a call below the resource server's base (`/Tickets`, `/Tickets/12`, `/Actions`, `/authinfo` …).
    pub fn handle_api(&mut self, call: &Call, cx: &mut Cx<'_>) -> Reply {
        if let Some(reply) = self.over_limit(cx.now) {
            return reply;
        }
        let reply = self.route(call, cx);
        if self.switches.numbers == "int" || reply.body.is_empty() {
            return reply;
        }
        let Ok(mut body) = serde_json::from_slice::<Value>(&reply.body) else { return reply };
        let how = self.switches.numbers.clone();
        respond::respell(&mut body, &how, &mut self.turn);
        Reply { body: body.to_string().into(), ..reply }
    }

    fn route(&mut self, call: &Call, cx: &mut Cx<'_>) -> Reply {
        let mut parts = call.path.split('/').filter(|part| !part.is_empty());
        let word = parts.next().unwrap_or("").to_ascii_lowercase();
        let rest = parts.next();
        if word == "authinfo" && call.method == "GET" {
            return self.auth_info(call);
        }
        let bearer = match self.bearer(call, cx.now) {
            Ok(bearer) => bearer,
            Err(reply) => return reply,
        };
        let forbidden = self.switches.forbidden.split(',').any(|w| w.trim().eq_ignore_ascii_case(&word));
        if forbidden || !bearer.allows(&call.method, &word) {
            return Reply::empty(403);
        }
        match (call.method.as_str(), rest) {
            ("GET", None) => match word.as_str() {
                "instanceinfo" => self.instance_info(),
                "health" => respond::ok(&json!({ "status": "Healthy", "database": "Healthy" })),
                "features" => respond::ok(
                    &json!([{ "id": 60, "name": "API", "enabled": true }, { "id": 87, "name": "Webhooks", "enabled": true }]),
                ),
                _ => self.lookup_list(&word, call).unwrap_or_else(|| Reply::empty(404)),
            },
            ("GET", Some(id)) => self.lookup_one(&word, id, call).unwrap_or_else(|| Reply::empty(404)),
            _ => Reply::empty(405),
        }
    }

    fn auth_info(&self, call: &Call) -> Reply {
        respond::ok(&json!({
            "auth_url": self.auth_url(call), "tenant_id": self.setup.tenant, "resource_url": format!("{}{}/api", call.origin, self.setup.base_path),
            "hosted": true, "product": self.setup.product.name(),
        }))
    }

    fn instance_info(&self) -> Reply {
        let product = self.setup.product;
        respond::ok(&json!({
            "product": product.name(), "version": product.version(), "tenant_id": self.setup.tenant,
            "url": format!("https://{}.{}", self.setup.tenant, product.domain()), "timezone": "UTC", "licence_type": "hosted",
        }))
    }
}
