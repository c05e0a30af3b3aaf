//! Whether the process lives and whether it can do its work, for supervisors; and its numbers.

use std::fmt::Write as _;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};

use super::{Web, error::WebError, reader::Reader};
use crate::{
    domain::{account::Role, failure::Side, run::RunScope},
    service::{
        engine_handle::{BudgetStatus, EngineStatus},
        error::ServiceError,
        numbers,
    },
};

/// What a process says that was started over a restored or copied database.
const ONLY_READS: &str = "this installation was copied or restored: it only reads, and writes nothing until it is started once with --confirm-instance";
/// What one says that has noticed another process writing to its pairs.
const SECOND_WRITER: &str = "a second process writes to the pairs of this installation: this one only reads, and writes nothing until the other one is ended and this one is started once with --confirm-instance";

/// `GET /healthz`: the process answers.
pub async fn live() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the database answers and can be written, and the engine runs and may write to both sides.
pub async fn ready(State(web): State<Web>) -> Response {
    let store = numbers::store_answers(&web.app).await;
    let engine = web.app.engine.status();
    let (status, words) = match (store, web.app.trouble(), engine.alive) {
        // Whoever sends work to what is ready must not send it to a copy.
        (true, None, true) if engine.only_reads => {
            let words = if engine.second_writer.is_some() { SECOND_WRITER } else { ONLY_READS };
            (StatusCode::SERVICE_UNAVAILABLE, format!("{words}\n"))
        }
        // The rest goes on: people and webhooks are sent to it all the same.
        (true, None, true) => (StatusCode::OK, format!("ready\n{}", refused(&engine))),
        (_, Some(trouble), _) => (StatusCode::SERVICE_UNAVAILABLE, format!("{trouble}\n")),
        (false, ..) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n".to_owned()),
        (true, None, false) => (StatusCode::SERVICE_UNAVAILABLE, "the engine does not run\n".to_owned()),
    };
    (status, words).into_response()
}

/// Steps that fail again and again, without a name.
fn refused(engine: &EngineStatus) -> String {
    engine.refused.iter().fold(String::new(), |mut lines, step| {
        let _ = writeln!(lines, "a step fails again and again ({}): {}", step.does, step.why);
        lines
    })
}

/// `GET /metrics`: Prometheus text, without secrets; workspaces and connections by our ids, by name only when
/// the operator asked for it.
pub async fn metrics(State(web): State<Web>, reader: Reader) -> Result<Response, WebError> {
    if !web.options.metrics_open {
        let caller = reader.caller.as_ref().ok_or(ServiceError::SignedOut)?;
        caller.need(Role::Admin)?;
        caller.need_everything()?;
    }
    let numbers = numbers::numbers(&web.app, web.options.metrics_names).await?;
    let text = draw(&numbers);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

struct Metrics(String);

impl Metrics {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn value(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _ = if labels.is_empty() {
            writeln!(self.0, "{name} {value}")
        } else {
            writeln!(self.0, "{name}{{{labels}}} {value}")
        };
    }
}

fn scope_labels(scope: RunScope) -> String {
    match scope {
        RunScope::Workspace { id } => format!("kind=\"workspace\",id=\"{id}\""),
        RunScope::Halo { id } => format!("kind=\"halo\",id=\"{id}\""),
    }
}

/// A label's value, escaped as the text format wants it.
fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn budget_labels(budget: &BudgetStatus) -> String {
    let side = match budget.side {
        Side::Sentinel => "sentinel",
        Side::Halo => "halo",
    };
    let mut labels = format!("side=\"{side}\",connection=\"{}\"", budget.connection);
    if let Some(subscription) = &budget.subscription {
        // a GUID; anything else is not passed on
        let safe: String = subscription.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        let _ = write!(labels, ",subscription=\"{safe}\"");
    }
    labels
}

/// The numbers as a page of metrics.
pub fn draw(numbers: &numbers::Numbers) -> String {
    let mut out = Metrics(String::new());
    let seconds = |at: jiff::Timestamp| at.as_second();

    out.family("halobridge_build_info", "gauge", "1; the version is in the label.");
    out.value("halobridge_build_info", &format!("version=\"{}\"", env!("CARGO_PKG_VERSION")), 1);
    out.family("halobridge_engine_alive", "gauge", "1 while the engine runs.");
    out.value("halobridge_engine_alive", "", u8::from(numbers.engine.alive));
    out.family(
        "halobridge_steps_refused",
        "gauge",
        "Steps that the database refuses, or that break off, again and again.",
    );
    out.value("halobridge_steps_refused", "", numbers.engine.refused.len());
    out.family("halobridge_ledger_entries", "counter", "Number of the newest ledger entry.");
    out.value("halobridge_ledger_entries", "", numbers.latest);
    out.family("halobridge_deliveries_waiting", "gauge", "Webhooks stored and not yet taken up.");
    out.value("halobridge_deliveries_waiting", "", numbers.deliveries_waiting);
    out.family("halobridge_intake_lag_seconds", "gauge", "Age of the oldest webhook not yet taken up.");
    out.value("halobridge_intake_lag_seconds", "", numbers.oldest_waiting_secs);
    out.family("halobridge_webhooks_total", "counter", "Webhooks by what became of them.");
    for (receipt, count) in &numbers.webhooks {
        out.value("halobridge_webhooks_total", &format!("receipt=\"{receipt}\""), count);
    }
    out.family("halobridge_queue_lag_seconds", "gauge", "How long the most overdue operation has waited.");
    out.value("halobridge_queue_lag_seconds", "", numbers.queue_lag_secs);
    out.family("halobridge_operations_open", "gauge", "Writes planned, being sent, or of unknown outcome.");
    out.value("halobridge_operations_open", "", numbers.open);
    out.family("halobridge_dead_letters", "gauge", "Operations that were given up and wait for a person.");
    out.value("halobridge_dead_letters", "", numbers.dead);
    out.family("halobridge_pairs", "gauge", "Pairs by how far apart and how healthy.");
    for (sync, health, count) in &numbers.pairs {
        out.value("halobridge_pairs", &format!("sync=\"{}\",health=\"{}\"", sync.as_str(), health.as_str()), count);
    }
    out.family("halobridge_last_success_timestamp_seconds", "gauge", "End of the last run that ended well.");
    for scope in &numbers.engine.scopes {
        if let Some(at) = scope.last_success {
            out.value("halobridge_last_success_timestamp_seconds", &scope_labels(scope.scope), seconds(at));
        }
    }
    if !numbers.names.is_empty() {
        out.family("halobridge_source_info", "gauge", "1; names of what is read, to be joined by kind and id.");
    }
    for (scope, name, client) in &numbers.names {
        let client = client.as_ref().map(|client| format!(",client=\"{}\"", label(client))).unwrap_or_default();
        let labels = format!("{},name=\"{}\"{client}", scope_labels(*scope), label(name));
        out.value("halobridge_source_info", &labels, 1);
    }
    out.family("halobridge_failing", "gauge", "1 where the last run failed.");
    for scope in &numbers.engine.scopes {
        out.value("halobridge_failing", &scope_labels(scope.scope), u8::from(scope.last_failure.is_some()));
    }
    out.family("halobridge_next_run_timestamp_seconds", "gauge", "When the next run is due.");
    for scope in &numbers.engine.scopes {
        if let Some(at) = scope.next_due {
            out.value("halobridge_next_run_timestamp_seconds", &scope_labels(scope.scope), seconds(at));
        }
    }
    out.family("halobridge_budget_remaining", "gauge", "Calls still allowed in the present window.");
    for budget in &numbers.engine.budgets {
        out.value("halobridge_budget_remaining", &budget_labels(budget), budget.remaining);
    }
    out.family("halobridge_budget_limit", "gauge", "Calls allowed in a whole window.");
    for budget in &numbers.engine.budgets {
        out.value("halobridge_budget_limit", &budget_labels(budget), budget.limit);
    }
    out.0
}
