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
        let deeper = parts.next().is_some();
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
        if deeper {
            // No path of Halo's goes below a record: answering the record would hide a caller's mistake.
            return Reply::empty(404);
        }
        self.tick(cx);
        let agent = bearer.agent_id;
        match (call.method.as_str(), word.as_str(), rest) {
            ("GET", "tickets", None) => self.ticket_list(call, cx),
            ("GET", "tickets", Some(id)) => self.ticket_one(id, call, cx),
            ("POST", "tickets", None) => self.tickets_post(call, agent, cx),
            ("POST", "tickets", Some(part)) if part.eq_ignore_ascii_case("object") => {
                self.ticket_post_object(call, agent, cx)
            }
            ("DELETE", "tickets", Some(id)) => match id.parse() {
                Ok(id) => self.ticket_delete(id, agent, cx),
                Err(_) => Reply::empty(404),
            },
            ("GET", "actions", None) => self.action_list(call),
            ("GET", "actions", Some(id)) => self.action_one(id, call),
            ("POST", "actions", None) => self.actions_post(call, agent, cx),
            ("DELETE", "actions", Some(id)) => self.action_delete(id, call, cx),
            ("GET", "webhook" | "notification" | "webhookevent", id) => self.hooks_get(&word, id, call),
            ("POST", "webhook" | "notification", None) => self.hooks_post(&word, call, cx),
            ("DELETE", "webhook" | "notification", Some(id)) => self.hooks_delete(&word, id),
            ("GET", "instanceinfo", None) => self.instance_info(),
            ("GET", "health", None) => respond::ok(&json!({ "status": "Healthy", "database": "Healthy" })),
            ("GET", "features", None) => respond::ok(
                &json!([{ "id": 60, "name": "API", "enabled": true }, { "id": 87, "name": "Webhooks", "enabled": true }]),
            ),
            ("GET", "externallink", None) => self.external_links(call),
            ("GET", _, None) => self.lookup_list(&word, call).unwrap_or_else(|| Reply::empty(404)),
            ("GET", "agent" | "agents", Some("me" | "Me" | "ME")) => {
                self.lookup_one(&word, &agent.to_string(), call).unwrap_or_else(|| Reply::empty(404))
            }
            ("GET", _, Some(id)) => self.lookup_one(&word, id, call).unwrap_or_else(|| Reply::empty(404)),
            ("POST", _, None) => self.lookup_post(&word, call).unwrap_or_else(|| Reply::empty(404)),
            ("DELETE", _, Some(id)) => self.lookup_delete(&word, id).unwrap_or_else(|| Reply::empty(404)),
            _ => Reply::empty(405),
        }
    }

    /// `GET /ExternalLink`: links of tickets to other systems, by the foreign id or by ticket.
    fn external_links(&self, call: &Call) -> Reply {
        let fits = |link: &Value, member: &str| {
            call.query(member).is_none_or(|wanted| {
                let value = link.get(member).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
                value.is_some_and(|v| v.eq_ignore_ascii_case(wanted))
            })
        };
        let links: Vec<Value> = self
            .shelf
            .by_id
            .values()
            .filter(|filed| !filed.now.deleted)
            .flat_map(|filed| filed.now.external_links.iter())
            .filter(|link| {
                ["third_party_id", "third_party_type", "module_id", "halo_id", "table_id"].iter().all(|m| fits(link, m))
            })
            .cloned()
            .collect();
        respond::ok(&Value::Array(links))
    }

    fn auth_info(&self, call: &Call) -> Reply {
        respond::ok(&json!({
            "auth_url": Self::auth_url(call), "tenant_id": self.setup.tenant, "resource_url": format!("{}{}/api", call.origin, call.base),
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
