//! Microsoft Graph: what sign-in and set-up need.

use serde_json::{Value, json};

use super::{
    Microsoft,
    arm::{Path, paging},
    entra::Audience,
};
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
                listed(call, users.map(|user| user_json(&user.object_id, &user.name, &user.upn)).collect())
            }
            ("GET", [_, "organization"]) => {
                let value: Vec<Value> = tenant
                    .map(|tenant| json!({"id": tenant.id, "displayName": tenant.name, "verifiedDomains": [{"name": tenant.domain, "isDefault": true}]}))
                    .into_iter()
                    .collect();
                Reply::json(200, &json!({ "value": value }))
            }
            ("GET", [_, "serviceprincipals"]) => {
                let rows = tenant
                    .map(|tenant| [(INSIGHTS, tenant.insights_object_id.as_str(), "Azure Security Insights"), (self.entra.app.client_id.as_str(), tenant.app_object_id.as_str(), "Halobridge")])
                    .into_iter()
                    .flatten()
                    .map(|(app_id, id, name)| json!({"id": id, "appId": app_id, "displayName": name, "servicePrincipalType": "Application"}))
                    .collect();
                listed(call, rows)
            }
            _ => fault(404, "Request_ResourceNotFound", "Resource not found for the segment."),
        }
    }
}

/// A list as asked for: `$filter`, `$top`, `$select`; any other query option is refused.
fn listed(call: &Call, rows: Vec<Value>) -> Reply {
    const UNDERSTOOD: [&str; 4] = ["$filter", "$top", "$select", "$skiptoken"];
    let unknown = call.query.iter().find(|(name, _)| {
        let name = name.to_lowercase();
        name.starts_with('$') && !UNDERSTOOD.contains(&name.as_str())
    });
    if let Some((name, _)) = unknown {
        return unsupported(&format!("The query option '{name}' is not supported here."));
    }
    let members: Vec<&String> =
        rows.first().and_then(Value::as_object).map(|row| row.keys().collect()).unwrap_or_default();
    let given = |name: &str| call.query(name).map(str::trim).filter(|text| !text.is_empty());
    let filter = match given("$filter").map(|text| filter(text, &members)) {
        None => None,
        Some(Some(filter)) => Some(filter),
        Some(None) => {
            return unsupported(
                "Invalid or unsupported filter clause: eq and startswith, joined by and or or, are supported.",
            );
        }
    };
    let select: Option<Vec<&str>> = given("$select").map(|text| text.split(',').map(str::trim).collect());
    let unknown = select.iter().flatten().find(|name| !members.iter().any(|known| known.eq_ignore_ascii_case(name)));
    if let Some(name) = unknown {
        return fault(400, "Request_BadRequest", &format!("Could not find a property named '{name}' here."));
    }
    let size = match call.query("$top").map(str::parse::<usize>) {
        None => 100,
        Some(Ok(size @ 1..=999)) => size,
        Some(_) => return fault(400, "Request_BadRequest", "Invalid page size specified: $top is 1 to 999."),
    };
    let rows = rows
        .iter()
        .filter(|row| filter.as_ref().is_none_or(|any| any.iter().any(|all| all.iter().all(|test| test.holds(row)))));
    let chosen = |row: &Value| match (&select, row.as_object()) {
        (Some(select), Some(row)) => row
            .iter()
            .filter(|(name, _)| select.iter().any(|one| one.eq_ignore_ascii_case(name)))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        _ => row.clone(),
    };
    let reply = paging::page(call, "graph", rows.map(chosen).collect(), size);
    let Some(mut body) = serde_json::from_slice::<Value>(&reply.body).ok() else { return reply };
    if let Some(map) = body.as_object_mut()
        && let Some(next) = map.remove("nextLink")
    {
        map.insert("@odata.nextLink".into(), next);
    }
    Reply::json(reply.status, &body)
}

/// One comparison of a filter: a member, a text in lower case, whether it need only begin with it.
struct Test {
    member: String,
    text: String,
    begins: bool,
}

impl Test {
    fn read(text: &str, members: &[&String]) -> Option<Self> {
        let (begins, member, value) = match text.strip_prefix("startswith(") {
            Some(inside) => {
                let (member, value) = inside.strip_suffix(')')?.split_once(',')?;
                (true, member, value)
            }
            None => {
                let (member, value) = text.split_once(" eq ")?;
                (false, member, value)
            }
        };
        let member = members.iter().find(|known| known.eq_ignore_ascii_case(member.trim()))?;
        let inner = value.trim().strip_prefix('\'')?.strip_suffix('\'')?;
        // A quote inside is doubled; a single one ends the text.
        if inner.replace("''", "").contains('\'') {
            return None;
        }
        Some(Self { member: (*member).clone(), text: inner.replace("''", "'").to_lowercase(), begins })
    }

    fn holds(&self, row: &Value) -> bool {
        let own = row.get(&self.member).and_then(Value::as_str).unwrap_or("").to_lowercase();
        if self.begins { own.starts_with(&self.text) } else { own == self.text }
    }
}

/// Any of these must hold; of each, all. `None`: it is not understood.
fn filter(text: &str, members: &[&String]) -> Option<Vec<Vec<Test>>> {
    let all = |part: &str| part.split(" and ").map(|test| Test::read(test.trim(), members)).collect();
    text.split(" or ").map(all).collect()
}

fn unsupported(message: &str) -> Reply {
    fault(400, "Request_UnsupportedQuery", message)
}

fn user_json(id: &str, name: &str, upn: &str) -> Value {
    json!({"id": id, "displayName": name, "userPrincipalName": upn, "mail": upn})
}

fn fault(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, &json!({"error": {"code": code, "message": message}}))
}
