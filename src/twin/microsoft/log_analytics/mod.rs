//! Log queries over `SecurityIncident` and `SecurityAlert`: append-only rows that show after a lag.

pub mod kql;
mod kql_read;
pub mod tables;

use jiff::{SignedDuration, Span, Timestamp};
use serde_json::{Value, json};

use super::{
    Microsoft,
    arm::{Ask, Path, errors},
    entra::{Access, Audience},
};
use crate::twin::{
    stamp,
    wire::{Call, Cx, Reply},
};

/// The right to query a workspace.
const QUERY: &str = "Microsoft.OperationalInsights/workspaces/query/read";

const NO_ACCESS: &str = "The provided credentials have insufficient access to perform the requested operation";

impl Microsoft {
    /// Answers a call below `/loganalytics` (`/v1/workspaces/{customerId}/query`).
    pub fn handle_log_analytics(&mut self, call: &Call, cx: &mut Cx<'_>) -> Reply {
        let access = match self.check_token(call, Audience::LogAnalytics, cx) {
            Ok(access) => access,
            Err(_) => {
                return fault(
                    401,
                    "InvalidTokenError",
                    "The provided authentication is not valid for this resource",
                    cx,
                );
            }
        };
        let path = Path::new(&call.path);
        let (reads, customer_id) = match path.parts().as_slice() {
            [_, "workspaces", id, "query"] => (true, (*id).to_owned()),
            [_, "workspaces", id, "metadata"] => (false, (*id).to_owned()),
            [_, "$batch"] => return self.batch(call, &access, cx),
            // By the workspace's resource id instead of its GUID.
            [_, "subscriptions", .., "query"] => {
                let id = format!("/{}", path.sent.get(1..path.sent.len() - 1).unwrap_or(&[]).join("/"));
                return match self.workspace_place(&id) {
                    Some(place) => self.query(call, &access, place, cx),
                    None => fault(404, "PathNotFoundError", "The requested path does not exist", cx),
                };
            }
            _ => return fault(404, "PathNotFoundError", "The requested path does not exist", cx),
        };
        let Some(place) = self.by_customer.get(&customer_id).copied() else {
            return fault(404, "WorkspaceNotFoundError", "The workspace could not be found", cx);
        };
        if !reads {
            let id = self.workspaces.get(place).map_or("", |workspace| workspace.id.as_str());
            if !self.allowed(&access, QUERY, id) {
                return fault(403, "InsufficientAccessError", NO_ACCESS, cx);
            }
            return Reply::json(200, &tables::metadata());
        }
        self.query(call, &access, place, cx)
    }

    /// Several queries in one call, each answered by itself.
    fn batch(&mut self, call: &Call, access: &Access, cx: &mut Cx<'_>) -> Reply {
        let asked = call.json().and_then(|body| body.get("requests").and_then(Value::as_array).cloned());
        let Some(asked) = asked else {
            return bad_query(
                "The request had some invalid properties",
                "QueryValidationError",
                "requests is missing",
                cx,
            );
        };
        let mut answers = Vec::with_capacity(asked.len());
        for one in asked {
            let customer_id = one.get("workspace").and_then(Value::as_str).unwrap_or("").to_lowercase();
            let body = one.get("body").cloned().unwrap_or_else(|| json!({}));
            let single = Call {
                method: "POST".into(),
                headers: own_headers(&one),
                body: body.to_string().into(),
                ..call.clone()
            };
            let reply = match self.by_customer.get(&customer_id).copied() {
                Some(place) => self.query(&single, access, place, cx),
                None => fault(404, "WorkspaceNotFoundError", "The workspace could not be found", cx),
            };
            let body: Value = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
            answers.push(json!({"id": one.get("id"), "status": reply.status, "headers": {}, "body": body}));
        }
        Reply::json(200, &json!({"responses": answers}))
    }

    /// The same query with a token of the management API.
    pub(super) fn query_through_arm(&mut self, ask: &Ask<'_>, path: &Path, cx: &mut Cx<'_>) -> Reply {
        let id = format!("/{}", path.sent.get(..8).unwrap_or(&[]).join("/"));
        match self.workspace_place(&id) {
            Some(place) => self.query(ask.call, &ask.access, place, cx),
            None => errors::error(404, "ResourceNotFound", &format!("The Resource '{id}' was not found.")),
        }
    }

    /// The workspace of the address and those that the body's `workspaces` adds, each once: by GUID, resource id or name.
    fn more_workspaces(&self, body: &Value, access: &Access, place: usize, cx: &Cx<'_>) -> Result<Vec<usize>, Reply> {
        let invalid = "The request had some invalid properties";
        let asked = match body.get("workspaces") {
            None | Some(Value::Null) => &[],
            Some(Value::Array(asked)) => asked.as_slice(),
            Some(_) => return Err(bad_query(invalid, "QueryValidationError", "workspaces is not a list", cx)),
        };
        let mut places = vec![place];
        for one in asked {
            let name = one.as_str().unwrap_or("");
            let found = self.by_customer.get(&name.to_lowercase()).copied().or_else(|| self.workspace_named(name));
            let Some((found, workspace)) = found.and_then(|at| Some((at, self.workspaces.get(at)?))) else {
                let text = format!("Failed to resolve workspace named {one}.");
                return Err(bad_query(invalid, "SemanticError", &text, cx));
            };
            if !self.allowed(access, QUERY, &workspace.id) {
                return Err(fault(403, "InsufficientAccessError", NO_ACCESS, cx));
            }
            if !places.contains(&found) {
                places.push(found);
            }
        }
        Ok(places)
    }

    fn query(&mut self, call: &Call, access: &Access, place: usize, cx: &mut Cx<'_>) -> Reply {
        if let Err(refused) =
            self.throttle.count_query(&access.principal.object_id, self.switches.throttle_silent, cx.now)
        {
            return refused;
        }
        let id = self.workspaces.get(place).map(|workspace| workspace.id.clone()).unwrap_or_default();
        if !self.allowed(access, QUERY, &id) {
            return fault(403, "InsufficientAccessError", NO_ACCESS, cx);
        }
        let body = if call.method == "GET" { Value::Null } else { call.json().unwrap_or(Value::Null) };
        let text = |name: &str| match call.method.as_str() {
            "GET" => call.query(name).map(str::to_owned),
            _ => body.get(name).and_then(Value::as_str).map(str::to_owned),
        };
        let (query, timespan) = (text("query"), text("timespan"));
        let places = match self.more_workspaces(&body, access, place, cx) {
            Ok(places) => places,
            Err(refused) => return refused,
        };
        let Some(query) = query else {
            return bad_query(
                "The request had some invalid properties",
                "QueryValidationError",
                "query is missing",
                cx,
            );
        };
        let span = match timespan.as_deref().map(|text| read_span(text, cx.now)).transpose() {
            Ok(span) => span,
            Err(()) => {
                return bad_query(
                    "The request had some invalid properties",
                    "InvalidTimespan",
                    "The timespan could not be read.",
                    cx,
                );
            }
        };
        let parsed = match kql::Query::parse(&query, cx.now) {
            Ok(parsed) => parsed,
            Err(kql::QueryError::Syntax(text)) => {
                return bad_query("The request had some invalid properties", "SyntaxError", &text, cx);
            }
            Err(kql::QueryError::Semantic(text)) => {
                return bad_query("The request had some invalid properties", "SemanticError", &text, cx);
            }
        };
        let shows = cx.now.checked_sub(SignedDuration::from_secs(self.switches.log_lag_s)).unwrap_or(cx.now);
        let table = places
            .iter()
            .filter_map(|place| self.workspaces.get(*place))
            .flat_map(|workspace| tables::rows(workspace, parsed.table, shows, self.switches.defender))
            .collect();
        let partial = self.switches.log_partial_error;
        let answer = parsed.run(table, span);
        let (columns, rows) = match answer {
            Ok(answer) => answer,
            Err(text) => return bad_query("The request had some invalid properties", "SemanticError", &text, cx),
        };
        let columns: Vec<Value> = columns.iter().map(|(name, kind)| json!({"name": name, "type": kind})).collect();
        let mut body = json!({"tables": [{"name": "PrimaryResult", "columns": columns, "rows": rows}]});
        if let Some(map) = body.as_object_mut() {
            if call.header("prefer").is_some_and(|prefer| prefer.contains("include-statistics")) {
                map.insert("statistics".into(), json!({"query": {"executionTime": 0.0156478, "resourceUsage": {}}}));
            }
            if call.header("prefer").is_some_and(|prefer| prefer.contains("include-render")) {
                map.insert("render".into(), json!({}));
            }
            if partial {
                let details = json!([{"code": "EngineError", "message": "Something went wrong processing your query on the server."}]);
                map.insert("error".into(), json!({"code": "PartialError", "message": "There were some errors when processing your query.", "details": details}));
            }
        }
        Reply::json(200, &body)
    }
}

/// The headers of one request of a batch: those of the call around it are not its own.
fn own_headers(one: &Value) -> Vec<(String, String)> {
    let sent = one.get("headers").and_then(Value::as_object).into_iter().flatten();
    sent.filter_map(|(name, value)| Some((name.to_lowercase(), value.as_str()?.to_owned()))).collect()
}

/// `P1D`, `PT6H`, `start/end`, `start/P1D`, `P1D/end`.
fn read_span(text: &str, now: Timestamp) -> Result<(Timestamp, Timestamp), ()> {
    let length = |text: &str| {
        let span: Span = text.parse().map_err(|_| ())?;
        span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| ())
    };
    match text.split_once('/') {
        None => Ok((now.checked_sub(length(text)?).map_err(|_| ())?, now)),
        Some((from, to)) => {
            let Some(from) = stamp::parse(from) else {
                let to = stamp::parse(to).ok_or(())?;
                return Ok((to.checked_sub(length(from)?).map_err(|_| ())?, to));
            };
            let to = match stamp::parse(to) {
                Some(to) => to,
                None => from.checked_add(length(to)?).map_err(|_| ())?,
            };
            Ok((from, to))
        }
    }
}

fn fault(status: u16, code: &str, message: &str, cx: &Cx<'_>) -> Reply {
    let body = json!({"error": {"message": message, "code": code, "correlationId": cx.ids.uuid_v4().to_string()}});
    Reply::json(status, &body)
}

fn bad_query(message: &str, inner: &str, text: &str, cx: &Cx<'_>) -> Reply {
    let body = json!({"error": {
        "message": message, "code": "BadArgumentError", "correlationId": cx.ids.uuid_v4().to_string(),
        "innererror": {"code": inner, "message": text},
    }});
    Reply::json(400, &body)
}
