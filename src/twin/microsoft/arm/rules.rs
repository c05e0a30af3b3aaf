//! Automation rules, hunting bookmarks, analytics rules, onboarding, playbooks by hand.

use serde_json::{Map, Value, json};

use super::{
    body,
    children::author,
    errors::{bad_request, conflict, error, not_found},
    no_method, paging,
    sentinel::Spot,
};
use crate::twin::{
    microsoft::{Microsoft, evidence, workspace::Workspace},
    stamp::seven_digits,
    wire::{Cx, Reply},
};

/// Automation rules a workspace may have.
const RULES_MAX: usize = 512;

impl Microsoft {
    pub(super) fn onboarding(&mut self, spot: &Spot<'_>, below: &[&str]) -> Reply {
        let Some(workspace) = self.workspaces.get_mut(spot.place) else { return not_found("Workspace", "") };
        let state = json!({
            "id": format!("{}/providers/Microsoft.SecurityInsights/onboardingStates/default", workspace.id),
            "name": "default", "type": "Microsoft.SecurityInsights/onboardingStates", "properties": {},
        });
        match (spot.method(), below) {
            ("GET", [_]) => {
                Reply::json(200, &json!({"value": if workspace.onboarded { vec![state] } else { Vec::new() }}))
            }
            ("GET", [_, "default"]) if workspace.onboarded => Reply::json(200, &state),
            ("GET", [_, name]) => not_found("SentinelOnboardingState", name),
            ("PUT", [_, "default"]) => {
                let status = if workspace.onboarded { 200 } else { 201 };
                workspace.onboarded = true;
                Reply::json(status, &state)
            }
            ("PUT", [_, _]) => bad_request("The name of an onboarding state must be 'default'"),
            ("DELETE", [_, "default"]) if workspace.onboarded => {
                workspace.onboarded = false;
                Reply::empty(200)
            }
            ("DELETE", [_, _]) => Reply::empty(204),
            _ => no_method(spot.method()),
        }
    }

    /// Reads of analytics rules and of what belongs to them: none has an action, and there are no templates.
    pub(super) fn alert_rules(&self, spot: &Spot<'_>, below: &[&str]) -> Reply {
        let Some(workspace) = self.workspaces.get(spot.place) else { return not_found("Workspace", "") };
        let rules = || (0..evidence::STORIES.len()).map(move |number| alert_rule(workspace, number));
        let named = |name: &str| {
            rules()
                .find(|rule| rule.get("name").and_then(Value::as_str).is_some_and(|own| own.eq_ignore_ascii_case(name)))
        };
        let none = || Reply::json(200, &json!({"value": []}));
        match below {
            ["alertruletemplates"] => none(),
            ["alertruletemplates", name] => not_found("AlertRuleTemplate", name),
            [_] => Reply::json(200, &json!({"value": rules().collect::<Vec<_>>()})),
            [_, name] => named(name).map_or_else(|| not_found("AlertRule", name), |rule| Reply::json(200, &rule)),
            [_, name, "actions"] => named(name).map_or_else(|| not_found("AlertRule", name), |_| none()),
            [_, _, "actions", name] => not_found("Action", name),
            _ => error(404, "NotFound", "The requested resource does not exist."),
        }
    }

    pub(super) fn automation_rules(&mut self, spot: &Spot<'_>, below: &[&str], cx: &mut Cx<'_>) -> Reply {
        let Some(workspace) = self.workspaces.get(spot.place) else { return not_found("Workspace", "") };
        let name = spot.name(1).to_owned();
        let known = workspace.rules.get(&name.to_lowercase());
        match (spot.method(), below) {
            ("GET", [_]) => {
                paging::page(spot.ask.call, "arm", workspace.rules.values().cloned().collect(), paging::TOP_MAX)
            }
            ("GET", [_, _]) => known.map_or_else(|| not_found("AutomationRule", &name), |rule| Reply::json(200, rule)),
            ("PUT", [_, _]) => self.put_rule(spot, &name, cx),
            ("DELETE", [_, _]) if known.is_none() => Reply::empty(204),
            ("DELETE", [_, _]) => {
                if let Some(workspace) = self.workspaces.get_mut(spot.place) {
                    workspace.rules.remove(&name.to_lowercase());
                }
                Reply::json(200, &json!({}))
            }
            _ => no_method(spot.method()),
        }
    }

    fn put_rule(&mut self, spot: &Spot<'_>, name: &str, cx: &mut Cx<'_>) -> Reply {
        let sent = match body(spot.ask.call) {
            Ok(sent) => sent,
            Err(refused) => return refused,
        };
        let Some(properties) = sent.get("properties").and_then(Value::as_object).cloned() else {
            return bad_request("'Properties' must have a value");
        };
        if let Err(refused) = self.check_rule(&properties) {
            return refused;
        }
        let (at, etag) = self.version(cx);
        if self.switches.playbook_role_needed && !self.playbooks_allowed(&properties, &spot.ask.access.tenant_id) {
            return bad_request("Caller is missing required playbook triggering permissions on playbook resource");
        }
        let limited = self.switches.limits_kept;
        let Some(workspace) = self.workspaces.get_mut(spot.place) else { return not_found("Workspace", "") };
        let known = workspace.rules.get(&name.to_lowercase());
        if limited && known.is_none() && workspace.rules.len() >= RULES_MAX {
            return bad_request(&format!(
                "The workspace has reached the maximum number of automation rules ({RULES_MAX})"
            ));
        }
        let sent_etag = sent.get("etag").and_then(Value::as_str);
        let current = known.and_then(|rule| rule.get("etag")).and_then(Value::as_str);
        if let (Some(sent_etag), Some(current)) = (sent_etag, current)
            && sent_etag.trim_matches('"') != current.trim_matches('"')
        {
            return conflict(name);
        }
        let status = if known.is_some() { 200 } else { 201 };
        let writer = author(&spot.ask.access).to_json();
        let old = |member: &str| known.and_then(|rule| rule.get("properties")).and_then(|p| p.get(member)).cloned();
        let (created, created_by) = (old("createdTimeUtc"), old("createdBy"));
        let mut properties = properties;
        properties.insert("lastModifiedTimeUtc".into(), seven_digits(at).into());
        properties.insert("createdTimeUtc".into(), created.unwrap_or_else(|| seven_digits(at).into()));
        properties.insert("lastModifiedBy".into(), writer.clone());
        properties.insert("createdBy".into(), created_by.unwrap_or(writer));
        let rule = json!({
            "id": format!("{}/providers/Microsoft.SecurityInsights/AutomationRules/{name}", workspace.id),
            "name": name, "etag": etag, "type": "Microsoft.SecurityInsights/AutomationRules", "properties": properties,
        });
        workspace.rules.insert(name.to_lowercase(), rule.clone());
        Reply::json(status, &rule)
    }

    fn playbooks_allowed(&self, properties: &Map<String, Value>, tenant_id: &str) -> bool {
        let insights =
            self.directory.tenant(tenant_id).map(|tenant| tenant.insights_object_id.clone()).unwrap_or_default();
        playbooks(properties).iter().all(|id| {
            self.directory.allowed(&insights, "Microsoft.Logic/workflows/triggers/listCallbackUrl/action", id)
        })
    }

    pub(super) fn bookmarks(&mut self, spot: &Spot<'_>, below: &[&str], cx: &mut Cx<'_>) -> Reply {
        let name = spot.name(1).to_owned();
        let (at, etag) = self.version(cx);
        let Some(workspace) = self.workspaces.get_mut(spot.place) else { return not_found("Workspace", "") };
        let known = workspace.bookmarks.get(&name.to_lowercase()).cloned();
        match (spot.method(), below) {
            ("GET", [_]) => {
                paging::page(spot.ask.call, "arm", workspace.bookmarks.values().cloned().collect(), paging::TOP_MAX)
            }
            ("GET", [_, _]) => {
                known.map_or_else(|| not_found("Bookmark", &name), |bookmark| Reply::json(200, &bookmark))
            }
            ("DELETE", [_, _]) => match workspace.bookmarks.remove(&name.to_lowercase()) {
                Some(_) => Reply::json(200, &json!({})),
                None => Reply::empty(204),
            },
            ("PUT", [_, _]) => {
                let sent = match body(spot.ask.call) {
                    Ok(sent) => sent,
                    Err(refused) => return refused,
                };
                let mut properties = sent.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
                for member in ["displayName", "query"] {
                    if !properties.get(member).is_some_and(Value::is_string) {
                        return bad_request(&format!("'{member}' must have a non-empty value"));
                    }
                }
                let writer = author(&spot.ask.access).to_json();
                let old = |member: &str| {
                    known.as_ref().and_then(|b| b.get("properties")).and_then(|p| p.get(member)).cloned()
                };
                properties.insert("updated".into(), seven_digits(at).into());
                properties.insert("updatedBy".into(), writer.clone());
                properties.insert("created".into(), old("created").unwrap_or_else(|| seven_digits(at).into()));
                properties.insert("createdBy".into(), old("createdBy").unwrap_or(writer));
                let bookmark = json!({
                    "id": format!("{}/providers/Microsoft.SecurityInsights/Bookmarks/{name}", workspace.id), "name": name,
                    "etag": etag, "type": "Microsoft.SecurityInsights/Bookmarks", "properties": properties,
                });
                workspace.bookmarks.insert(name.to_lowercase(), bookmark.clone());
                Reply::json(if known.is_some() { 200 } else { 201 }, &bookmark)
            }
            _ => no_method(spot.method()),
        }
    }

    pub(super) fn run_playbook(&mut self, spot: &Spot<'_>, incident: &str, cx: &mut Cx<'_>) -> Reply {
        match self.playbook_asked(spot) {
            Ok(playbook) => {
                self.run_now(spot.place, incident, &playbook, cx);
                Reply::empty(204)
            }
            Err(refused) => refused,
        }
    }

    /// A run on an entity is noted, and posts nothing: what that trigger hands a playbook is not known.
    pub(super) fn run_on_entity(&mut self, spot: &Spot<'_>, cx: &Cx<'_>) -> Reply {
        let entity = self.entity(spot, false, cx.now);
        if entity.status != 200 {
            return entity;
        }
        match self.playbook_asked(spot) {
            Ok(playbook) => {
                self.ran(&playbook, cx);
                Reply::empty(204)
            }
            Err(refused) => refused,
        }
    }

    /// The logic app that a call by hand names: one that is there and switched on.
    fn playbook_asked(&self, spot: &Spot<'_>) -> Result<String, Reply> {
        let sent = spot.ask.call.json();
        let id = sent.as_ref().and_then(|sent| sent.get("logicAppsResourceId")).and_then(Value::as_str);
        let Some(id) = id.filter(|id| !id.trim().is_empty()) else {
            return Err(bad_request("'LogicAppsResourceId' must have a non-empty value"));
        };
        let app = self.resources.get(&id.to_lowercase()).filter(|_| id.to_lowercase().contains("/workflows/"));
        let Some(app) = app else {
            return Err(error(404, "ResourceNotFound", &format!("The Resource '{id}' was not found.")));
        };
        if app.pointer("/properties/state").and_then(Value::as_str).is_some_and(|state| state != "Enabled") {
            return Err(bad_request(&format!("Playbook resource '{id}' is disabled")));
        }
        Ok(id.to_owned())
    }
}

fn alert_rule(workspace: &Workspace, number: usize) -> Value {
    let story = evidence::story(number);
    let id = evidence::rule_id(workspace, number);
    let name = id.rsplit('/').next().unwrap_or("").to_owned();
    json!({
        "id": id, "name": name, "etag": "\"0300bf09-0000-0000-0000-5c37296e0000\"", "kind": "Scheduled",
        "type": "Microsoft.SecurityInsights/alertRules",
        "properties": {
            "displayName": story.title, "description": story.description, "severity": story.severity, "enabled": true,
            "query": story.query, "queryFrequency": "PT1H", "queryPeriod": "PT1H", "triggerOperator": "GreaterThan",
            "triggerThreshold": 0, "suppressionEnabled": false, "suppressionDuration": "PT1H", "tactics": [story.tactic],
            "techniques": [story.technique], "lastModifiedUtc": "2026-01-05T08:00:00Z",
        },
    })
}

/// The logic apps a rule runs.
pub fn playbooks(properties: &Map<String, Value>) -> Vec<String> {
    let actions = properties.get("actions").and_then(Value::as_array);
    actions
        .into_iter()
        .flatten()
        .filter(|action| action.get("actionType").and_then(Value::as_str) == Some("RunPlaybook"))
        .filter_map(|action| action.pointer("/actionConfiguration/logicAppResourceId").and_then(Value::as_str))
        .map(str::to_owned)
        .collect()
}
