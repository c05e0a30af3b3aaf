//! A write as it leaves: method, address, headers with secrets masked, and the very body. The same functions make what is
//! shown and what is sent.

use serde_json::Value;

use crate::{
    domain::{
        connection::MicrosoftConnection,
        ids::IncidentId,
        incident::Incident,
        operation::{IncidentChange, OperationKind},
        ticket::Ticket,
        workspace::Workspace,
    },
    halo_itsm::body as halo,
    planner::situation::Situation,
    sentinel::{body as sentinel, call::prefix},
    store::Installation,
};

/// Longest text shown, in characters.
const TEXT_MAX: usize = 20_000;

/// The request as it would leave now; `None` while one of the two records is not known that it is made from.
pub fn of(installation: &Installation, s: &Situation<'_>, kind: &OperationKind) -> Option<String> {
    let halo_at = || {
        let connection = installation.halo.iter().find(|connection| connection.id == s.pair.halo)?;
        Some(connection.resource_server.trim_end_matches('/'))
    };
    let sentinel_at = |tail: String| incident_address(installation, s.workspace, &s.pair.incident, &tail);
    let (method, address, body): (&str, String, Value) = match kind {
        OperationKind::CreateTicket { draft, .. } => {
            ("POST", format!("{}/Tickets", halo_at()?), halo::create_body(draft))
        }
        OperationKind::CreateIncident { incident } => ("PUT", sentinel_at(String::new())?, creation(incident)),
        OperationKind::UpdateTicket { change } => {
            let current: &Ticket = s.ticket?;
            ("POST", format!("{}/Tickets", halo_at()?), halo::update_body(current, change))
        }
        OperationKind::AddNote { note, .. } => {
            ("POST", format!("{}/Actions", halo_at()?), halo::note_body(note.former.or(s.pair.ticket)?, note))
        }
        OperationKind::UpdateIncident { change } => {
            ("PUT", sentinel_at(String::new())?, sentinel::incident_body(s.incident, change))
        }
        OperationKind::AddComment { comment, message, .. } => {
            ("PUT", sentinel_at(format!("/comments/{comment}"))?, sentinel::comment_body(message))
        }
    };
    written(method, &address, &body)
}

/// The creation of a pushed ticket's incident as it leaves, whatever else is known of its pair.
pub fn of_push(installation: &Installation, workspace: &Workspace, kind: &OperationKind) -> Option<String> {
    let OperationKind::CreateIncident { incident } = kind else { return None };
    let address = incident_address(installation, workspace, &incident.id, "")?;
    written("PUT", &address, &creation(incident))
}

fn creation(drafted: &Incident) -> Value {
    sentinel::incident_body(drafted, &IncidentChange::default())
}

fn incident_address(
    installation: &Installation,
    workspace: &Workspace,
    incident: &IncidentId,
    tail: &str,
) -> Option<String> {
    let found = installation.microsoft.iter().find(|connection| connection.id == workspace.connection)?;
    let MicrosoftConnection { endpoints, api_version, .. } = found;
    let prefix = prefix(endpoints.arm.trim_end_matches('/'), &workspace.address()?);
    Some(format!("{prefix}/incidents/{incident}{tail}?api-version={api_version}"))
}

fn written(method: &str, address: &str, body: &Value) -> Option<String> {
    let body = serde_json::to_string_pretty(body).ok()?;
    let text = format!("{method} {address}\nAuthorization: Bearer ••••••\nContent-Type: application/json\n\n{body}");
    Some(if text.chars().count() > TEXT_MAX { text.chars().take(TEXT_MAX).chain(['…']).collect() } else { text })
}
