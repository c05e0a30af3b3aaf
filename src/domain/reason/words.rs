//! What a reason says.

use super::{Reason, asked};
use crate::domain::failure::Side;

impl Reason {
    /// One sentence.
    pub fn words(&self) -> String {
        match self {
            Self::NewIncident => "The incident is new and passes every gate.".into(),
            Self::CommentAdded => "A comment was added in Sentinel.".into(),
            Self::CommentEdited => "A comment was edited in Sentinel.".into(),
            Self::CommentDeleted => "A comment was deleted in Sentinel.".into(),
            Self::NoteAdded => "A note was added in Halo.".into(),
            Self::NoteEdited => "A note was edited in Halo.".into(),
            Self::NoteDeleted => "A note was deleted in Halo.".into(),
            Self::NotesGathered { until } => format!(
                "Notes wait to share one comment, for the incident's room for comments is nearly used up: until {until}, or until it is closed."
            ),
            Self::NotesDigested => "Several notes wait, and the incident's room for comments is nearly used up.".into(),
            Self::TicketMade => "The ticket was made, so the incident names it.".into(),
            Self::Pushed => "The ticket was pushed to Sentinel.".into(),
            Self::ChangedInSentinel { field } => format!("The {field} changed in Sentinel."),
            Self::ChangedInHalo { field } => format!("The {field} changed in Halo."),
            Self::IncidentClosed => "The incident was closed in Sentinel.".into(),
            Self::TicketClosed => "The ticket was closed in Halo.".into(),
            Self::IncidentReopened => "The incident was opened again in Sentinel.".into(),
            Self::TicketReopened => "The ticket was opened again in Halo.".into(),
            Self::InStep => "Both sides agree in what the policy carries.".into(),
            Self::ModeOff => "The workspace is switched off.".into(),
            Self::ModeObserve => "The workspace is in observe mode: this is planned and not carried out.".into(),
            Self::ModeOneWay => "The workspace's mode does not carry this direction.".into(),
            Self::OlderThanStart => "Not linked: older than the workspace's start.".into(),
            Self::Redirected => "Not linked: merged into another incident in Defender.".into(),
            Self::EntitiesAwaited { until } => format!(
                "Not linked yet: the policy groups by entities, and none of the incident's shows so far. Its ticket is made as soon as one does, or after {until}."
            ),
            Self::StormReleased => "Released from the storm brake; its ticket is made next.".into(),
            Self::Grouped { why } => format!("It shares a ticket with other incidents: {why}."),
            Self::GroupWaits { name } => format!("It will share the ticket of {name}, which is not made yet."),
            Self::GroupOpen => "The incident is closed; its ticket closes when all incidents that share it are.".into(),
            Self::WrittenBefore => "The note was written before the incident came to share the ticket.".into(),
            Self::AlertsJoined { alerts } if alerts.len() == 1 => "An alert joined the incident.".into(),
            Self::AlertsJoined { alerts } => format!("{} alerts joined the incident.", alerts.len()),
            Self::CopiedOver { from } => format!("Ticket {from}, which carried the comment, does not exist any more."),
            Self::Filtered { .. }
            | Self::StormHeld { .. }
            | Self::Unlinked { .. }
            | Self::LinkAsked { .. }
            | Self::LinkRefused { .. }
            | Self::TicketAsked { .. }
            | Self::Rehomed { .. } => asked::words(self),
            Self::ClientNotBound => "The client has no Halo client yet.".into(),
            Self::Unmapped { table, value } => match value.split_once(" → ") {
                Some((from, to)) => format!("“{from}” is mapped to {to}, and Halo has no such {table} for the ticket."),
                None => format!("No {table} is mapped for “{value}”."),
            },
            Self::Ambiguous { table, name, ids } => {
                let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
                format!("“{name}” may mean more than one {table} in Halo ({}): none is taken.", ids.join(", "))
            }
            Self::RecordGone { what } | Self::CopyLost { what, .. } => what.clone(),
            Self::WrongClient => "The ticket belongs to another client now, so nothing is written to it.".into(),
            Self::VerdictMissing => "The ticket was closed without a classification.".into(),
            Self::VerdictRefused { why } => format!("The classification can't be sent: {why}."),
            Self::CommentsUnread { why } | Self::TicketUnread { why } | Self::Refused { why } => why.clone(),
            Self::NoteHeldBack => "The note is not of the kind the policy lets cross.".into(),
            Self::NotePrivacyUntold => {
                "Halo does not say whether the note is hidden, so it counts as hidden and does not cross.".into()
            }
            Self::WrittenElsewhere => {
                "Notes were written while the ticket belonged to another client. They stay in Halo.".into()
            }
            Self::CommentsFull => "The incident holds as many comments as Sentinel allows.".into(),
            Self::Conflict { field, sentinel, halo } => {
                format!("The {field} changed on both sides: the incident says “{sentinel}”, the ticket “{halo}”.")
            }
            Self::Reopened { side: Side::Sentinel, .. } => {
                "The incident was opened again in Sentinel, and its ticket is closed.".into()
            }
            Self::Reopened { side: Side::Halo, by_rule: true, .. } => {
                "Halo opened the ticket again right after we had closed it, and nobody did or said anything there: a rule of Halo? The incident stays closed, with its classification.".into()
            }
            Self::Reopened { side: Side::Halo, .. } => {
                "The ticket was opened again in Halo, and its incident is closed.".into()
            }
            Self::LeftApart => "One side is closed and the other open: they differ by the rule for opening again, or as a person decided.".into(),
            Self::VerdictsDiffer { sentinel, halo } => {
                format!("Both sides are closed, the incident as “{sentinel}” and the ticket as “{halo}”.")
            }
            Self::AfterClosing { what } => format!("Changed after closing and not carried: {what}."),
            Self::Flapping { flips } => {
                format!("The status changed more than {flips} times within an hour, so it is held.")
            }
            Self::Merged => "Incidents were merged in Defender.".into(),
            Self::MergedInto { name } if name.is_empty() => "The incident was merged in Defender.".into(),
            Self::MergedInto { name } => format!("The incident was merged in Defender into {name}."),
            Self::SurvivorUnknown { .. } => {
                "The incident was merged in Defender, and nothing tells into which one.".into()
            }
            Self::TicketsMeet { ticket, other, name } => {
                format!("The incident was merged in Defender into {name}: its ticket {ticket} meets ticket {other}.")
            }
            Self::AwaitsApproval { what, .. } => format!("It waits for approval: {what}."),
            Self::Rejected { what } => format!("“{what}” was rejected by a person and is not written in this form."),
            Self::OutcomeUnknown => "It is not known whether the last write was carried out.".into(),
            Self::Dropped { what, .. } => {
                format!("“{what}” was dropped by a person and is not written again in this form.")
            }
            Self::OwnerUnknown { owner, why } => format!("Azure refuses “{owner}” as owner of the incident: {why}"),
            Self::HaloKept { what, sent, kept } => {
                format!("Halo kept another {what} than was sent: “{kept}”, not “{sent}”.")
            }
        }
    }
}
