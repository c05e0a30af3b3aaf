//! Automation rules: which changes make them run, and what a playbook posts.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{
    Microsoft,
    arm::{
        rules::playbooks,
        wanted::{Keep, Wanted},
    },
    entra::Access,
    evidence,
    incident::{Author, Incident, Shown, Task},
    workspace::Workspace,
};
use crate::twin::wire::{Cx, Outgoing};

/// How long rules wait in the Defender portal: five to ten minutes (Sentinel sheet, section 11, point 16).
const DEFENDER_DELAY: SignedDuration = SignedDuration::from_mins(5);

/// One POST of a playbook's HTTP action: method, address, headers, attempts allowed.
struct Post {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    attempts_max: u32,
}

/// What happened to an incident, as the rules see it.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// The incident is new.
    pub new: bool,
    /// Display name of who did it.
    pub by: String,
    /// `User`, `Application`, `AlertGrouping`, …
    pub source: String,
    /// Status from, to.
    pub status: Option<(String, String)>,
    /// Severity from, to.
    pub severity: Option<(String, String)>,
    /// Another owner.
    pub owner: bool,
    /// Tags were added.
    pub labels_added: bool,
    /// Comments were added.
    pub comments_added: bool,
    /// Alerts were added.
    pub alerts_added: bool,
    /// Tactics were added.
    pub tactics_added: bool,
}

impl Change {
    /// A creation through the API.
    pub fn created(access: &Access) -> Self {
        Self { new: true, ..Self::updated(access) }
    }

    /// A change through the API: a delegated token writes as user, a service principal as application.
    pub fn updated(access: &Access) -> Self {
        let source = if access.principal.upn.is_some() { "User" } else { "Application" };
        Self { by: access.principal.name.clone(), source: source.into(), ..Self::default() }
    }

    /// A change by somebody or something else.
    pub fn by(name: &str, source: &str) -> Self {
        Self { by: name.to_owned(), source: source.to_owned(), ..Self::default() }
    }

    /// Notes what a PUT changes.
    pub fn compare(&mut self, old: &Incident, new: &Wanted, keep: &Keep) {
        let moved = |old: &String, new: &String| (old != new).then(|| (old.clone(), new.clone()));
        self.status = moved(&old.status, &new.status);
        self.severity = moved(&old.severity, &new.severity);
        self.owner = !keep.owner && old.owner != new.owner;
        self.labels_added =
            !keep.labels && new.labels.iter().any(|label| !old.labels.iter().any(|known| known.name == label.name));
    }

    /// Whether an update rule runs for it: not for title or description, comment edits, removed tags.
    fn triggers(&self) -> bool {
        self.new
            || self.status.is_some()
            || self.severity.is_some()
            || self.owner
            || self.labels_added
            || self.comments_added
            || self.alerts_added
            || self.tactics_added
    }

    /// Two changes that collapsed into one event: the last state, everything that moved.
    fn collapse(&mut self, later: Self) {
        let join = |first: Option<(String, String)>, then: Option<(String, String)>| match (first, then) {
            (Some((from, _)), Some((_, to))) => Some((from, to)),
            (first, then) => then.or(first),
        };
        self.status = join(self.status.take(), later.status);
        self.severity = join(self.severity.take(), later.severity);
        self.owner |= later.owner;
        self.labels_added |= later.labels_added;
        self.comments_added |= later.comments_added;
        self.alerts_added |= later.alerts_added;
        self.tactics_added |= later.tactics_added;
        self.by = later.by;
        self.source = later.source;
    }
}

struct Pending {
    due: Timestamp,
    place: usize,
    name: String,
    change: Change,
}

/// Where trigger bodies go without a deployed logic app.
#[derive(Debug, Clone)]
pub struct Target {
    /// Workspace by name; every one when absent.
    pub workspace: Option<String>,
    /// Address.
    pub url: String,
    /// Headers (the secret among them).
    pub headers: Vec<(String, String)>,
}

/// What waits to run.
#[derive(Default)]
pub struct Automation {
    pending: Vec<Pending>,
    /// Direct targets set by the admin route.
    pub targets: Vec<Target>,
}

impl Microsoft {
    /// Something happened to an incident: rules run now or after their delay.
    pub fn changed(&mut self, place: usize, name: &str, change: Change, cx: &mut Cx<'_>) {
        if !change.triggers() {
            return;
        }
        let delay = match (self.switches.automation_delay_s, self.switches.defender) {
            (..0, true) => DEFENDER_DELAY,
            (..0, false) => SignedDuration::ZERO,
            (seconds, _) => SignedDuration::from_secs(seconds),
        };
        let shows = self
            .workspaces
            .get(place)
            .and_then(|workspace| workspace.get(name))
            .map_or(cx.now, |incident| incident.visible_at);
        let due = cx.now.max(shows).checked_add(delay).unwrap_or(cx.now);
        if due <= cx.now {
            self.run_rules(place, name, &change, cx);
            return;
        }
        let waiting = self.automation.pending.iter_mut().find(|pending| pending.place == place && pending.name == name);
        match waiting.filter(|_| self.switches.defender) {
            Some(waiting) => waiting.change.collapse(change),
            None => self.automation.pending.push(Pending { due, place, name: name.to_owned(), change }),
        }
    }

    /// Runs what is due.
    pub fn tick(&mut self, cx: &mut Cx<'_>) {
        if self.automation.pending.is_empty() {
            return;
        }
        let (due, later): (Vec<Pending>, Vec<Pending>) =
            std::mem::take(&mut self.automation.pending).into_iter().partition(|pending| pending.due <= cx.now);
        self.automation.pending = later;
        for pending in due {
            self.run_rules(pending.place, &pending.name, &pending.change, cx);
        }
    }

    /// When the next waiting rule is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.automation.pending.iter().map(|pending| pending.due).min()
    }

    fn run_rules(&mut self, place: usize, name: &str, change: &Change, cx: &mut Cx<'_>) {
        let Some(workspace) = self.workspaces.get(place) else { return };
        let Some(incident) = workspace.get(name) else { return };
        let mut rules: Vec<(i64, Map<String, Value>)> = workspace
            .rules
            .values()
            .filter_map(|rule| rule.get("properties").and_then(Value::as_object))
            .filter(|properties| applies(properties, incident, change))
            .map(|properties| (properties.get("order").and_then(Value::as_i64).unwrap_or(0), properties.clone()))
            .collect();
        rules.sort_by_key(|(order, _)| *order);
        for (_, rule) in rules {
            for id in playbooks(&rule) {
                if let Some(post) = self.resources.get(&id.to_lowercase()).and_then(http_action) {
                    self.post(place, name, Some(change), &post, &id, cx);
                }
            }
            self.other_actions(place, name, &rule, cx);
        }
        let workspace_name = self.workspaces.get(place).map(|workspace| workspace.name.clone()).unwrap_or_default();
        let targets: Vec<Target> = self.automation.targets.clone();
        for target in targets
            .iter()
            .filter(|target| target.workspace.as_deref().is_none_or(|own| own.eq_ignore_ascii_case(&workspace_name)))
        {
            let post = Post {
                method: "POST".into(),
                url: target.url.clone(),
                headers: target.headers.clone(),
                attempts_max: 5,
            };
            self.post(place, name, Some(change), &post, "direct", cx);
        }
    }

    /// Runs a playbook by hand: the same body, without the update's part. `false` when it cannot.
    pub fn run_now(&mut self, place: usize, name: &str, playbook: &str, cx: &mut Cx<'_>) -> bool {
        let Some(post) = self.resources.get(&playbook.to_lowercase()).and_then(http_action) else { return false };
        self.post(place, name, None, &post, playbook, cx)
    }

    fn post(
        &self,
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
        let mut headers = post.headers.clone();
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            headers.push(("content-type".into(), "application/json; charset=utf-8".into()));
        }
        let run = cx.ids.token(16);
        for (header, value) in [
            ("user-agent", format!("azure-logic-apps/1.0 (workflow {run}; version 08585) microsoft-flow/1.0")),
            ("x-ms-workflow-name", playbook.rsplit('/').next().unwrap_or("").to_owned()),
            ("x-ms-workflow-run-id", run.clone()),
            ("x-ms-workflow-operation-name", "Post_incident".to_owned()),
            ("x-ms-workflow-subscription-id", workspace.subscription_id.clone()),
            ("x-ms-workflow-resourcegroup-name", workspace.resource_group.clone()),
            ("x-ms-client-request-id", event.clone()),
        ] {
            headers.push((header.to_owned(), value));
        }
        cx.outgoing.push(Outgoing {
            due: cx.now,
            url: post.url.clone(),
            method: post.method.clone(),
            headers,
            body: body.to_string().into_bytes().into(),
            kind: "logic-app",
            attempt: 0,
            attempts_max: post.attempts_max,
            seal: None,
        });
        true
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
            properties.insert("bookmarks".into(), json!([]));
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
            let updates = json!({"updatedBy": {"name": change.by, "source": change.source}, "alerts": alerts});
            map.insert("incidentUpdates".into(), updates);
        }
        body
    }

    fn other_actions(&mut self, place: usize, name: &str, rule: &Map<String, Value>, cx: &mut Cx<'_>) {
        let robot = Author { object_id: String::new(), email: None, name: "Automation rule".into(), upn: None };
        for action in rule.get("actions").and_then(Value::as_array).into_iter().flatten() {
            let text = |member: &str| {
                action.pointer(&format!("/actionConfiguration/{member}")).and_then(Value::as_str).map(str::to_owned)
            };
            match action.get("actionType").and_then(Value::as_str) {
                Some("ModifyProperties") => {
                    let (severity, status) = (text("severity"), text("status"));
                    self.bump(place, name, "Automation rule", cx, |incident| {
                        incident.severity = severity.unwrap_or_else(|| incident.severity.clone());
                        incident.status = status.unwrap_or_else(|| incident.status.clone());
                        if incident.status == "Closed" {
                            incident.classification = text("classification").or_else(|| Some("Undetermined".into()));
                            incident.classification_reason = text("classificationReason");
                            incident.classification_comment = text("classificationComment");
                        }
                    });
                }
                Some("AddIncidentTask") => {
                    let (at, etag) = self.version(cx);
                    let task = Task {
                        name: cx.ids.uuid_v4().to_string(),
                        etag,
                        title: text("title").unwrap_or_default(),
                        description: text("description"),
                        status: "New".into(),
                        created: at,
                        modified: at,
                        created_by: robot.clone(),
                        modified_by: robot.clone(),
                    };
                    if let Some(workspace) = self.workspaces.get_mut(place) {
                        workspace.change(name, false, |incident| incident.tasks.push(task));
                    }
                }
                _ => {}
            }
        }
    }
}

/// The first HTTP action of a logic app that is switched on.
fn http_action(resource: &Value) -> Option<Post> {
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

fn applies(rule: &Map<String, Value>, incident: &Incident, change: &Change) -> bool {
    let Some(logic) = rule.get("triggeringLogic") else { return false };
    let text = |member: &str| logic.get(member).and_then(Value::as_str).unwrap_or("");
    let when = if change.new { "Created" } else { "Updated" };
    logic.get("isEnabled").and_then(Value::as_bool) == Some(true)
        && text("triggersOn") == "Incidents"
        && text("triggersWhen") == when
        && logic
            .get("conditions")
            .and_then(Value::as_array)
            .is_none_or(|all| all.iter().all(|one| holds(one, incident, change)))
}

fn holds(condition: &Value, incident: &Incident, change: &Change) -> bool {
    let of = |member: &str| condition.pointer(&format!("/conditionProperties/{member}"));
    let text = |member: &str| of(member).and_then(Value::as_str).unwrap_or("");
    let values: Vec<&str> =
        of("propertyValues").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    match condition.get("conditionType").and_then(Value::as_str) {
        Some("Boolean") => {
            let inner: Vec<&Value> = of("innerConditions").and_then(Value::as_array).into_iter().flatten().collect();
            let one = |one: &&Value| holds(one, incident, change);
            if text("operator") == "Or" { inner.iter().any(one) } else { inner.iter().all(one) }
        }
        Some("Property") => {
            let own = match text("propertyName") {
                "IncidentTitle" => incident.title.as_str(),
                "IncidentDescription" => incident.description.as_deref().unwrap_or(""),
                "IncidentSeverity" => &incident.severity,
                "IncidentStatus" => &incident.status,
                "IncidentUpdatedBySource" => &change.source,
                "IncidentProviderName" => {
                    if incident.defender_number.is_some() {
                        "Microsoft XDR"
                    } else {
                        "Azure Sentinel"
                    }
                }
                // Properties of alerts and entities are not compared here: such a condition lets everything pass.
                _ => return true,
            };
            compared(text("operator"), own, &values)
        }
        Some("PropertyChanged") => {
            let pair = match text("propertyName") {
                "IncidentStatus" => change.status.as_ref(),
                "IncidentSeverity" => change.severity.as_ref(),
                _ => return change.owner,
            };
            pair.is_some_and(|(from, to)| match text("changeType") {
                "ChangedFrom" => compared(text("operator"), from, &values),
                "ChangedTo" => compared(text("operator"), to, &values),
                _ => true,
            })
        }
        Some("PropertyArrayChanged") => match text("arrayType") {
            "Alerts" => change.alerts_added,
            "Labels" => change.labels_added,
            "Tactics" => change.tactics_added,
            _ => change.comments_added,
        },
        Some("PropertyArray") => {
            incident.labels.iter().any(|label| compared(text("operator"), &label.name, &values)) || values.is_empty()
        }
        _ => true,
    }
}

fn compared(operator: &str, own: &str, values: &[&str]) -> bool {
    let own = own.to_lowercase();
    let any = |test: &dyn Fn(&str) -> bool| values.iter().any(|value| test(&value.to_lowercase()));
    let positive = match operator.strip_prefix("Not").unwrap_or(operator) {
        "Contains" => any(&|value| own.contains(value)),
        "StartsWith" => any(&|value| own.starts_with(value)),
        "EndsWith" => any(&|value| own.ends_with(value)),
        _ => any(&|value| own == value),
    };
    positive != operator.starts_with("Not")
}
