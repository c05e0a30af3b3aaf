//! A plan in words, as the tables of the tests expect it.

use crate::{
    domain::{
        operation::{Carried, OperationKind},
        reason::Reason,
    },
    planner::Plan,
};

/// A plan in words, for tables: one line each for operations, then the state.
pub fn words(found: &Plan) -> String {
    let mut lines: Vec<String> =
        found.operations.iter().map(|p| format!("{} because {}", line(&p.kind), p.reason.code())).collect();
    let reason = found.state.reason.as_ref().map_or("-", Reason::code);
    lines.push(format!("{} {} {reason}", found.state.sync.as_str(), found.state.health.as_str()));
    lines.join("; ")
}

fn line(kind: &OperationKind) -> String {
    match kind {
        OperationKind::CreateTicket { follows: Some(ticket), .. } => format!("create ticket after {ticket}"),
        OperationKind::CreateTicket { .. } => "create ticket".into(),
        OperationKind::CreateIncident { incident } => format!("create incident severity={}", incident.severity),
        OperationKind::UpdateTicket { change } => {
            format!(
                "ticket{}{}{}",
                change.status_id.map(|v| format!(" status={v}")).unwrap_or_default(),
                change.priority_id.map(|v| format!(" priority={v}")).unwrap_or_default(),
                change.agent_id.map(|v| format!(" agent={v}")).unwrap_or_default(),
            ) + &change.summary.as_ref().map(|v| format!(" summary={v}")).unwrap_or_default()
                + &change.custom_fields.iter().map(|(id, v)| format!(" field{id}={v}")).collect::<String>()
                + &change.members.iter().map(|(name, v)| format!(" {name}={v}")).collect::<String>()
        }
        OperationKind::AddNote { comment: Some(_), edit: 0, .. } => "note of comment".into(),
        OperationKind::AddNote { comment: Some(_), edit, .. } => format!("note of edit {edit}"),
        OperationKind::AddNote { comment: None, .. } => "own note".into(),
        OperationKind::AddComment { carries, .. } => {
            let said = |carried: &Carried| match (carried.action.action, carried.edit, carried.part) {
                (0, ..) => "ticket".to_owned(),
                (action, 0, 0) => action.to_string(),
                (action, 0, part) => format!("{action} part {part}"),
                (action, edit, _) => format!("{action} edit {edit}"),
            };
            format!("comment of {}", carries.iter().map(said).collect::<Vec<_>>().join("+"))
        }
        OperationKind::UpdateIncident { change } => {
            format!(
                "incident{}{}{}",
                change.status.as_ref().map(|v| format!(" status={v}")).unwrap_or_default(),
                change
                    .verdict
                    .as_ref()
                    .map(|v| format!(" {}/{}", v.classification.as_str(), v.reason.as_deref().unwrap_or("none")))
                    .unwrap_or_default(),
                change
                    .owner
                    .as_ref()
                    .map(|o| format!(" owner={}", o.key().unwrap_or_else(|| "nobody".into())))
                    .unwrap_or_default(),
            ) + &change.severity.as_ref().map(|v| format!(" severity={v}")).unwrap_or_default()
                + &change.title.as_ref().map(|v| format!(" title={v}")).unwrap_or_default()
                + &change.labels_added.iter().map(|v| format!(" label+{v}")).collect::<String>()
                + &change.labels_removed.iter().map(|v| format!(" label-{v}")).collect::<String>()
        }
    }
}
