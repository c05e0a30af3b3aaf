//! What a rule's actions do to an incident.

use serde_json::{Map, Value};

use super::{Change, order, playbook::http_action};
use crate::twin::{
    microsoft::{
        Microsoft,
        incident::{Author, Task},
    },
    wire::Cx,
};

/// Who changes an incident when a rule does; also the source of that update.
const ROBOT: &str = "Automation rule";

/// A change that a rule makes.
pub(super) fn by_rule() -> Change {
    Change::by(ROBOT, ROBOT)
}

/// The actions of a rule, in their order.
pub(super) fn in_order(rule: &Map<String, Value>) -> Vec<&Map<String, Value>> {
    let all = rule.get("actions").and_then(Value::as_array).into_iter().flatten();
    let mut actions: Vec<&Map<String, Value>> = all.filter_map(Value::as_object).collect();
    actions.sort_by_key(|action| order(action));
    actions
}

impl Microsoft {
    /// Carries out a rule's actions, in their order; gives what they changed of the incident.
    pub(super) fn take_actions(
        &mut self,
        place: usize,
        name: &str,
        change: &Change,
        rule: &Map<String, Value>,
        cx: &mut Cx<'_>,
    ) -> Change {
        let mut made = by_rule();
        for action in in_order(rule) {
            let none = Value::Null;
            let how = action.get("actionConfiguration").unwrap_or(&none);
            match action.get("actionType").and_then(Value::as_str) {
                Some("RunPlaybook") => {
                    let id = how.get("logicAppResourceId").and_then(Value::as_str).unwrap_or("");
                    if let Some(post) = self.resources.get(&id.to_lowercase()).and_then(http_action) {
                        self.post(place, name, Some(change), &post, id, cx);
                    }
                }
                Some("ModifyProperties") => made.collapse(self.modify(place, name, how, cx)),
                Some("AddIncidentTask") => self.add_task(place, name, how, cx),
                _ => {}
            }
        }
        made
    }

    fn modify(&mut self, place: usize, name: &str, how: &Value, cx: &Cx<'_>) -> Change {
        let mut made = by_rule();
        // Refused when it was written; since then the owner may have left.
        let Ok(wanted) = self.modification(how) else { return made };
        self.bump(place, name, ROBOT, cx, |incident| {
            let old = incident.clone();
            wanted.onto(incident);
            made = by_rule().between(&old, incident);
        });
        made
    }

    fn add_task(&mut self, place: usize, name: &str, how: &Value, cx: &Cx<'_>) {
        let text = |member: &str| how.get(member).and_then(Value::as_str).map(str::to_owned);
        let robot = Author { object_id: String::new(), email: None, name: ROBOT.into(), upn: None };
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
            modified_by: robot,
        };
        if let Some(workspace) = self.workspaces.get_mut(place) {
            workspace.change(name, false, |incident| incident.tasks.push(task));
            workspace.log_again(name, cx.now);
        }
    }
}
