//! Playbooks: the HTTP action of a deployed logic app, the body it posts, and its runs.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Change;
use crate::twin::{
    microsoft::{
        Microsoft,
        arm::disguise,
        evidence,
        incident::{Incident, Label, Shown},
        workspace::Workspace,
    },
    stamp::seven_digits,
    wire::{Call, Cx, Outgoing},
};

/// The header that names a delivery's run.
const RUN_ID: &str = "x-ms-workflow-run-id";

/// One POST of a playbook's HTTP action: method, address, headers, attempts allowed.
pub(super) struct Post {
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) attempts_max: u32,
}

/// What sets a playbook off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::twin::microsoft) enum Trigger {
    /// An incident.
    Incident,
    /// An alert.
    Alert,
}

impl Trigger {
    /// The trigger of Sentinel's connector that a logic app has; `None` when it has none of them.
    pub(in crate::twin::microsoft) fn of(resource: &Value) -> Option<Self> {
        let all = resource.pointer("/properties/definition/triggers").and_then(Value::as_object)?;
        let mut paths = all.values().filter_map(|trigger| trigger.pointer("/inputs/path").and_then(Value::as_str));
        paths.find_map(|path| match path {
            "/incident-creation" => Some(Self::Incident),
            "/subscribe" => Some(Self::Alert),
            _ => None,
        })
    }
}

/// One time that a playbook is set off: by what, under which id, with which body.
pub(super) struct Fired {
    pub(super) trigger: Trigger,
    pub(super) event: String,
    pub(super) body: Value,
}

/// A run of a deployed logic app: one delivery.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its id, which the delivery carries in `x-ms-workflow-run-id`.
    pub id: String,
    /// Resource id of the logic app, in lower case.
    pub playbook: String,
    /// When it began.
    pub started: Timestamp,
    /// How and when it ended; `None` while it goes on.
    pub ended: Option<(Timestamp, bool)>,
}

impl Run {
    /// `Running`, `Succeeded` or `Failed`.
    pub fn status(&self) -> &'static str {
        match self.ended {
            None => "Running",
            Some((_, true)) => "Succeeded",
            Some((_, false)) => "Failed",
        }
    }
}

impl Microsoft {
    /// Runs a playbook by hand: the same body, without the update's part. One that posts nothing runs all the same.
    pub fn run_now(&mut self, place: usize, name: &str, playbook: &str, cx: &mut Cx<'_>) {
        match self.resources.get(&playbook.to_lowercase()).and_then(http_action) {
            Some(post) => {
                self.post(place, name, None, &post, playbook, cx);
            }
            None => self.ran(playbook, cx),
        }
    }

    /// Notes a run that is over at once.
    pub fn ran(&mut self, playbook: &str, cx: &Cx<'_>) {
        let (id, playbook) = (cx.ids.token(16), playbook.to_lowercase());
        self.automation.runs.push(Run { id, playbook, started: cx.now, ended: Some((cx.now, true)) });
    }

    pub(super) fn post(
        &mut self,
        place: usize,
        name: &str,
        change: Option<&Change>,
        post: &Post,
        playbook: &str,
        cx: &mut Cx<'_>,
    ) -> bool {
        let Some(workspace) = self.workspaces.get(place) else { return false };
        let Some(incident) = workspace.get(name) else { return false };
        let event = cx.ids.uuid_v4().to_string();
        let body = self.trigger_body(workspace, incident, change, &event, cx.now);
        self.send(place, &Fired { trigger: Trigger::Incident, event, body }, post, playbook, cx)
    }

    /// Sends what a playbook was set off with. `false`: there is no such workspace.
    pub(super) fn send(&mut self, place: usize, fired: &Fired, post: &Post, playbook: &str, cx: &mut Cx<'_>) -> bool {
        let told = self.switches.workflow_headers;
        let Some(workspace) = self.workspaces.get(place) else { return false };
        let operation = if fired.trigger == Trigger::Alert { "Post_alert" } else { "Post_incident" };
        let mut headers = post.headers.clone();
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            headers.push(("content-type".into(), "application/json; charset=utf-8".into()));
        }
        let run = cx.ids.token(16);
        for (header, value) in [
            ("user-agent", format!("azure-logic-apps/1.0 (workflow {run}; version 08585) microsoft-flow/1.0")),
            ("x-ms-workflow-name", playbook.rsplit('/').next().unwrap_or("").to_owned()),
            (RUN_ID, run.clone()),
            ("x-ms-workflow-operation-name", operation.to_owned()),
            ("x-ms-workflow-subscription-id", workspace.subscription_id.clone()),
            ("x-ms-workflow-resourcegroup-name", workspace.resource_group.clone()),
            ("x-ms-client-request-id", fired.event.clone()),
        ] {
            if told || !header.starts_with("x-ms-") {
                headers.push((header.to_owned(), value));
            }
        }
        cx.outgoing.push(Outgoing {
            due: cx.now,
            url: post.url.clone(),
            method: post.method.clone(),
            headers,
            body: fired.body.to_string().into_bytes().into(),
            kind: "logic-app",
            attempt: 0,
            attempts_max: post.attempts_max,
            seal: None,
            run: Some(run.clone()),
        });
        let id = playbook.to_lowercase();
        if self.resources.contains_key(&id) {
            self.automation.runs.push(Run { id: run, playbook: id, started: cx.now, ended: None });
        }
        true
    }

    /// Runs a logic app whose trigger was called by its address: it posts what it was sent. Gives the run's id.
    pub fn run_called(&mut self, playbook: &str, call: &Call, cx: &mut Cx<'_>) -> String {
        let run = cx.ids.token(16);
        let post = self.resources.get(playbook).and_then(http_action);
        let ended = if post.is_none() { Some((cx.now, true)) } else { None };
        if let Some(post) = post {
            let mut headers = post.headers;
            if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                let sent = call.header("content-type").unwrap_or("application/json; charset=utf-8");
                headers.push(("content-type".into(), sent.to_owned()));
            }
            if self.switches.workflow_headers {
                headers.push((RUN_ID.to_owned(), run.clone()));
            }
            cx.outgoing.push(Outgoing {
                due: cx.now,
                url: post.url,
                method: post.method,
                headers,
                body: call.body.clone(),
                kind: "logic-app",
                attempt: 0,
                attempts_max: post.attempts_max,
                seal: None,
                run: Some(run.clone()),
            });
        }
        self.automation.runs.push(Run { id: run.clone(), playbook: playbook.to_owned(), started: cx.now, ended });
        run
    }

    /// Notes how a delivery of a logic app ended for good.
    pub fn run_over(&mut self, delivery: &Outgoing, succeeded: bool, now: Timestamp) {
        let id = delivery.run.as_deref();
        let runs = self.automation.runs.iter_mut().rev();
        // A delivery that was doubled ends twice: the first end counts.
        if let Some(run) = runs.filter(|run| run.ended.is_none()).find(|run| Some(run.id.as_str()) == id) {
            run.ended = Some((now, succeeded));
        }
    }

    fn trigger_body(
        &self,
        workspace: &Workspace,
        incident: &Incident,
        change: Option<&Change>,
        event: &str,
        now: Timestamp,
    ) -> Value {
        let shown = Shown {
            workspace_id: &workspace.id,
            tenant_id: &workspace.tenant_id,
            merged_members: self.switches.merged_incident_members,
        };
        let mut object = incident.to_json(&shown);
        if let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert("alerts".into(), evidence::alerts(workspace, incident, now).into());
            properties.insert("bookmarks".into(), evidence::bookmarks(workspace, incident).into());
            properties.insert("relatedEntities".into(), evidence::entities(workspace, incident, now).into());
            let comments = incident.comments.iter().map(|comment| incident.comment_json(comment, &workspace.id));
            properties.insert("comments".into(), comments.collect());
        }
        let kind =
            if change.is_none_or(|change| change.new) { "Create" } else { self.switches.update_event_type.as_str() };
        let mut body = json!({
            "eventUniqueId": event, "objectSchemaType": "Incident", "objectEventType": kind,
            "workspaceInfo": {
                "SubscriptionId": workspace.subscription_id, "ResourceGroupName": workspace.resource_group,
                "WorkspaceName": workspace.name,
            },
            "workspaceId": workspace.customer_id, "object": object,
        });
        if let (Some(change), Some(map)) = (change.filter(|change| !change.new), body.as_object_mut()) {
            let alerts = if change.alerts_added { evidence::alerts(workspace, incident, now) } else { Vec::new() };
            let mut updates = json!({"updatedBy": {"name": change.by, "source": change.source}, "alerts": alerts});
            if let (true, Some(more)) = (self.switches.update_details, updates.as_object_mut()) {
                let from = incident.comments.len().saturating_sub(change.comments_added);
                let comments = incident.comments.iter().skip(from);
                let labels = change.labels_added.iter();
                more.insert("updatedTime".into(), seven_digits(incident.modified).into());
                more.insert("comments".into(), comments.map(|one| incident.comment_json(one, &workspace.id)).collect());
                more.insert("labels".into(), labels.map(Label::to_json).collect());
                more.insert("tactics".into(), json!(change.tactics_added));
            }
            map.insert("incidentUpdates".into(), updates);
        }
        if disguise::nulls(&self.switches) {
            disguise::null_authors(&mut body);
        }
        body
    }
}

/// The first HTTP action of a logic app that is switched on.
pub(super) fn http_action(resource: &Value) -> Option<Post> {
    let properties = resource.get("properties")?;
    if properties.get("state").and_then(Value::as_str).is_some_and(|state| state != "Enabled") {
        return None;
    }
    let actions = properties.pointer("/definition/actions")?.as_object()?;
    let inputs =
        actions.values().find(|action| action.get("type").and_then(Value::as_str) == Some("Http"))?.get("inputs")?;
    let read = |value: &Value| {
        let text = value.as_str()?;
        let name = text.strip_prefix("@parameters('").and_then(|rest| rest.strip_suffix("')"));
        match name {
            Some(name) => properties
                .pointer(&format!("/parameters/{name}/value"))
                .or_else(|| properties.pointer(&format!("/definition/parameters/{name}/defaultValue")))?
                .as_str()
                .map(str::to_owned),
            None => Some(text.to_owned()),
        }
    };
    let headers = inputs.get("headers").and_then(Value::as_object).into_iter().flatten();
    let retries = match inputs.pointer("/retryPolicy/type").and_then(Value::as_str) {
        Some("none") => 0,
        _ => inputs.pointer("/retryPolicy/count").and_then(Value::as_u64).unwrap_or(4),
    };
    Some(Post {
        method: inputs.get("method").and_then(Value::as_str).unwrap_or("POST").to_uppercase(),
        url: read(inputs.get("uri")?)?,
        headers: headers.filter_map(|(name, value)| Some((name.clone(), read(value)?))).collect(),
        attempts_max: 1 + u32::try_from(retries).unwrap_or(4),
    })
}
