//! Below a workspace's `Microsoft.SecurityInsights`: which resource, which right.

use serde_json::{Value, json};

use super::{
    Ask, Path,
    discovery::no_group,
    errors::{error, no_incident, not_onboarded},
    no_method,
};
use crate::twin::{
    microsoft::{Microsoft, evidence},
    wire::{Cx, Reply},
};

/// Where the parts below `Microsoft.SecurityInsights` begin.
const BELOW: usize = 10;

/// A call below an onboarded workspace.
pub struct Spot<'a> {
    /// The call and its token.
    pub ask: &'a Ask<'a>,
    /// Place of the workspace.
    pub place: usize,
    /// The path.
    pub path: &'a Path,
}

impl Spot<'_> {
    /// The name at a part below `Microsoft.SecurityInsights`, as sent.
    pub fn name(&self, below: usize) -> &str {
        self.path.part(BELOW + below)
    }

    /// The method.
    pub fn method(&self) -> &str {
        &self.ask.call.method
    }
}

impl Microsoft {
    pub(super) fn sentinel(&mut self, ask: &Ask<'_>, path: &Path, cx: &mut Cx<'_>) -> Reply {
        let scope = format!("/{}", path.sent.get(..8).unwrap_or(&[]).join("/"));
        let parts = path.parts();
        let below = parts.get(BELOW..).unwrap_or(&[]);
        let action = action(ask.call.method.as_str(), below);
        if let Err(refused) =
            self.check_right(&ask.access, &action, &format!("{scope}/providers/Microsoft.SecurityInsights"))
        {
            return refused;
        }
        if self.group(path.part(1), path.part(3)).is_none() {
            return no_group(path.part(3));
        }
        let Some(place) = self.workspace_place(&scope) else {
            let message = format!(
                "The Resource 'Microsoft.OperationalInsights/workspaces/{}' under resource group '{}' was not found.",
                path.part(7),
                path.part(3)
            );
            return error(404, "ResourceNotFound", &message);
        };
        let spot = Spot { ask, place, path };
        if below.first() == Some(&"onboardingstates") {
            return self.onboarding(&spot, below);
        }
        if !self.workspaces.get(place).is_some_and(|workspace| workspace.onboarded) {
            return not_onboarded(path.part(7));
        }
        self.sentinel_resource(&spot, below, cx)
    }

    fn sentinel_resource(&mut self, spot: &Spot<'_>, below: &[&str], cx: &mut Cx<'_>) -> Reply {
        match (spot.method(), below) {
            ("GET", ["incidents"]) => self.list_incidents(spot, cx),
            ("GET", ["incidents", _]) => self.get_incident(spot, cx),
            ("PUT", ["incidents", _]) => self.put_incident(spot, cx),
            ("DELETE", ["incidents", _]) => self.delete_incident(spot),
            (_, ["incidents"] | ["incidents", _]) => no_method(spot.method()),
            (_, ["incidents", _, rest @ ..]) if !rest.is_empty() => {
                let name = spot.name(1).to_owned();
                let now = cx.now;
                let shown = self.workspaces.get(spot.place).and_then(|workspace| workspace.get(&name));
                if shown.is_none_or(|incident| incident.visible_at > now) {
                    return no_incident(&name);
                }
                self.incident_child(spot, rest, &name, cx)
            }
            ("POST", ["entities", _, "runplaybook"]) => self.run_on_entity(spot, cx),
            ("GET", ["entities", _]) | ("POST", ["entities", _, "expand"]) => {
                self.entity(spot, below.len() == 3, cx.now)
            }
            (_, ["bookmarks", ..]) => self.bookmarks(spot, below, cx),
            (_, ["automationrules", ..]) => self.automation_rules(spot, below, cx),
            ("GET", ["alertrules" | "alertruletemplates", ..]) => self.alert_rules(spot, below),
            (_, ["alertrules" | "alertruletemplates", ..]) => no_method(spot.method()),
            _ => error(404, "NotFound", "The requested resource does not exist."),
        }
    }

    /// An alert or another entity by its name; expanded, an alert gives the entities found with it.
    pub(super) fn entity(&self, spot: &Spot<'_>, expanded: bool, now: jiff::Timestamp) -> Reply {
        let name = spot.name(1);
        let Some(workspace) = self.workspaces.get(spot.place) else { return no_entity(name) };
        let named =
            |row: &Value| row.get("name").and_then(Value::as_str).is_some_and(|own| own.eq_ignore_ascii_case(name));
        for incident in workspace.iter() {
            let alert = evidence::alerts(workspace, incident, now).into_iter().find(named);
            match (alert, expanded) {
                (Some(_), true) => {
                    let (entities, meta) = counted(evidence::entities(workspace, incident, now));
                    let value = json!({"entities": entities, "edges": []});
                    return Reply::json(200, &json!({"metaData": {"aggregations": meta}, "value": value}));
                }
                (Some(alert), false) => return Reply::json(200, &alert),
                (None, true) => {}
                (None, false) => {
                    if let Some(found) = evidence::entities(workspace, incident, now).into_iter().find(named) {
                        return Reply::json(200, &found);
                    }
                }
            }
        }
        no_entity(name)
    }

    fn incident_child(&mut self, spot: &Spot<'_>, rest: &[&str], name: &str, cx: &mut Cx<'_>) -> Reply {
        match (spot.method(), rest) {
            ("POST", ["alerts"]) => self.evidence_reply(
                spot.place,
                name,
                cx,
                |workspace, incident, now| json!({ "value": evidence::alerts(workspace, incident, now) }),
            ),
            ("POST", ["entities"]) => self.evidence_reply(spot.place, name, cx, |workspace, incident, now| {
                let (entities, meta) = counted(evidence::entities(workspace, incident, now));
                json!({"entities": entities, "metaData": meta})
            }),
            ("POST", ["bookmarks"]) => self.incident_bookmarks(spot.place, name),
            ("POST", ["runplaybook"]) => self.run_playbook(spot, name, cx),
            (_, ["comments", ..]) => self.comments(spot, rest, name, cx),
            (_, ["tasks", ..]) => self.tasks(spot, rest, name, cx),
            (_, ["relations", ..]) => self.relations(spot, rest, name, cx),
            (_, ["alerts" | "entities" | "bookmarks" | "runplaybook"]) => no_method(spot.method()),
            _ => error(404, "NotFound", "The requested resource does not exist."),
        }
    }
}

/// Entities, and how many there are of each kind.
fn counted(entities: Vec<Value>) -> (Vec<Value>, Vec<Value>) {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for entity in &entities {
        let kind = entity.get("kind").and_then(Value::as_str).unwrap_or("").to_owned();
        match counts.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => counts.push((kind, 1)),
        }
    }
    let meta = counts.iter().map(|(kind, count)| json!({"entityKind": kind, "count": count})).collect();
    (entities, meta)
}

fn no_entity(name: &str) -> Reply {
    error(404, "NotFound", &format!("Entity '{name}' was not found"))
}

/// The right a call needs, as the service's `operations` list names it.
fn action(method: &str, below: &[&str]) -> String {
    let verb = match method {
        "GET" => "read",
        "PUT" | "PATCH" => "write",
        "DELETE" => "delete",
        _ => "action",
    };
    let what = match below {
        ["incidents", _, "runplaybook"] => return "Microsoft.SecurityInsights/incidents/runPlaybook/action".to_owned(),
        ["entities", _, "runplaybook"] => return "Microsoft.SecurityInsights/entities/runPlaybook/action".to_owned(),
        ["incidents", _, "alerts" | "entities" | "bookmarks"] | ["entities", _, "expand"] => {
            return "Microsoft.SecurityInsights/incidents/read".to_owned();
        }
        ["incidents", _, "comments", ..] => "incidents/comments",
        ["incidents", _, "tasks", ..] => "incidents/tasks",
        ["incidents", _, "relations", ..] => "incidents/relations",
        ["incidents", ..] => "incidents",
        ["automationrules", ..] => "automationRules",
        ["onboardingstates", ..] => "onboardingStates",
        ["alertrules", _, "actions", ..] => "alertRules/actions",
        ["alertrules", ..] => "alertRules",
        ["alertruletemplates", ..] => "alertRuleTemplates",
        [first, ..] => first,
        [] => "",
    };
    format!("Microsoft.SecurityInsights/{what}/{verb}")
}
