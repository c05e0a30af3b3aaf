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
    ticket::{Action, NoteDraft, Ticket},
    workspace::Mode,
};

use super::{closing, draft, mapping, notes, plan::Plan, situation::Situation};

/// Whether the policy wants to hear of them.
pub fn wanted(policy: &Policy) -> bool {
    policy.evidence && policy.late_alerts == LateAlerts::Note
}

/// How the first words of a note about them end.
const SINCE: &str = "after this ticket was made.";

/// The ids of an incident's alerts.
pub fn ids(evidence: &Evidence) -> BTreeSet<String> {
    evidence.alerts.iter().filter_map(id).collect()
}

fn id(alert: &Value) -> Option<String> {
    let given = alert.pointer("/properties/systemAlertId").or_else(|| alert.get("name"))?;
    given.as_str().map(|id| id.trim().to_lowercase()).filter(|id| !id.is_empty())
}

/// Whether a note of ours about alerts that joined tells of this one.
pub fn tells(action: &Action, id: &str) -> bool {
    let about = |text: &str| text.contains(SINCE) && text.to_lowercase().contains(id);
    notes::carries_any(action) && (about(&action.note) || action.note_html.as_deref().is_some_and(about))
}

/// After a restore: those that notes of ours tell of and the database does not know as told.
fn told_since(s: &Situation<'_>) -> BTreeSet<String> {
    let (Some(_), Some(evidence), Some(known)) = (s.forgotten, s.evidence, &s.pair.base.alerts) else {
        return BTreeSet::new();
    };
    let actions = s.actions.unwrap_or_default();
    let told = |id: &String| !known.contains(id) && actions.iter().any(|action| tells(action, id));
    ids(evidence).into_iter().filter(told).collect()
}

/// Takes those for told from then on.
pub(super) fn recall(s: &Situation<'_>, base: &mut Base) {
    if let Some(known) = &mut base.alerts {
        known.extend(told_since(s));
    }
}

/// Those of an incident's alerts that its ticket was drafted with, which nobody remembers drafting. Where its details are not
/// told, are not ours any more, or do not name each alert that they list, all.
pub fn drafted(known: BTreeSet<String>, ticket: &Ticket) -> BTreeSet<String> {
    let text = |key: &str| ticket.raw.get(key).and_then(Value::as_str).unwrap_or_default().to_lowercase();
    let details = format!("{}\n{}", text("details_html"), text("details"));
    let named: BTreeSet<String> = known.iter().filter(|id| details.contains(id.as_str())).cloned().collect();
    let unnamed = named.is_empty() && details.contains("alerts (");
    let counted = details.contains("more are kept in halobridge");
    // What every draft says.
    let ours = details.contains("incident id");
    if !ours || unnamed || counted { known } else { named }
}

/// Plans the note about those that the ticket does not tell of.
pub(super) fn plan(s: &Situation<'_>, out: &mut Plan) {
    let (Some(evidence), Some(told)) = (s.evidence, &s.pair.base.alerts) else { return };
    // Where only comments cross the ticket hears of nothing else.
    if !wanted(s.policy) || s.workspace.mode == Mode::CommentOnly {
        return;
    }
    let since = told_since(s);
    let mut known: BTreeSet<&String> = told.iter().chain(&since).collect();
    for operation in s.operations {
        let Reason::AlertsJoined { alerts } = &operation.reason else { continue };
        if matches!(operation.state, OperationState::Planned { .. }) && alerts.iter().any(|id| since.contains(id)) {
            out.void.push((operation.id, "The ticket tells of some of these alerts already.".to_owned()));
            continue;
        }
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
    let head = format!("{count} joined incident {name} {SINCE}");
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
