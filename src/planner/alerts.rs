//! Alerts that join an incident after its ticket was made: the ticket is told of each once, of all that came together
//! in one note.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::domain::{
    ids::{OperationId, fingerprint},
    incident::Evidence,
    operation::{Operation, OperationKind, OperationState},
    pair::Base,
    policy::{AfterClosing, LateAlerts, Policy},
    reason::Reason,
    text,
    ticket::NoteDraft,
    workspace::Mode,
};

use super::{closing, draft, mapping, notes, plan::Plan, situation::Situation};

/// Whether the policy wants to hear of them.
pub fn wanted(policy: &Policy) -> bool {
    policy.evidence && policy.late_alerts == LateAlerts::Note
}

/// The ids of an incident's alerts.
pub fn ids(evidence: &Evidence) -> BTreeSet<String> {
    evidence.alerts.iter().filter_map(id).collect()
}

fn id(alert: &Value) -> Option<String> {
    let given = alert.pointer("/properties/systemAlertId").or_else(|| alert.get("name"))?;
    given.as_str().map(|id| id.trim().to_lowercase()).filter(|id| !id.is_empty())
}

/// Plans the note about those that the ticket does not tell of.
pub(super) fn plan(s: &Situation<'_>, out: &mut Plan) {
    let (Some(evidence), Some(told)) = (s.evidence, &s.pair.base.alerts) else { return };
    // Where only comments cross the ticket hears of nothing else.
    if !wanted(s.policy) || s.workspace.mode == Mode::CommentOnly {
        return;
    }
    let mut known: BTreeSet<&String> = told.iter().collect();
    for operation in s.operations {
        let Reason::AlertsJoined { alerts } = &operation.reason else { continue };
        known.extend(alerts);
        if matches!(operation.state, OperationState::Dropped { .. }) {
            // Planned as it was, and then kept out: so it is told.
            out.push(operation.kind.clone(), operation.reason.clone());
        }
    }
    let mut fresh = BTreeSet::new();
    let new: Vec<Value> = evidence
        .alerts
        .iter()
        .filter(|alert| id(alert).is_some_and(|id| !known.contains(&id) && fresh.insert(id)))
        .cloned()
        .collect();
    if new.is_empty() {
        return;
    }
    if closing::shut(s) && s.policy.after_closing_comments == AfterClosing::Ignore {
        return out.remark(Reason::AfterClosing { what: "alerts in Sentinel".into() });
    }
    let alerts: Vec<String> = fresh.into_iter().collect();
    let reference = notes::own_reference(s, &format!("alerts/{}", fingerprint(&alerts.join("/"))));
    let count = if alerts.len() == 1 { "An alert".to_owned() } else { format!("{} alerts", alerts.len()) };
    let name = text::neutralise_mentions(&s.incident.name());
    let head = format!("{count} joined incident {name} after this ticket was made.");
    let listed = text::neutralise_mentions_in_html(&draft::listed("Alerts", &new));
    let note = NoteDraft {
        outcome: mapping::outcome(s.policy, s.catalogue),
        html: format!("<p><b>{}</b></p>{listed}<p>{reference}</p>", text::escape(&head)),
        text: format!("{head}\n\n{}\n\n{reference}", text::html_to_text(&listed)),
        private: true,
        reference,
        former: None,
    };
    out.push(OperationKind::AddNote { comment: None, edit: 0, said: None, note }, Reason::AlertsJoined { alerts });
}

/// What is agreed on once the note about some of them stands on the ticket.
pub fn after(operations: &[Operation], done: OperationId, base: &Base) -> Option<Base> {
    let operation = operations.iter().find(|operation| operation.id == done)?;
    let Reason::AlertsJoined { alerts } = &operation.reason else { return None };
    let mut base = base.clone();
    base.alerts.get_or_insert_default().extend(alerts.iter().cloned());
    Some(base)
}
