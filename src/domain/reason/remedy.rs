//! What a person can do about a reason.

use super::Reason;
use crate::domain::{operation::OperationKind, policy::Filter};

impl Reason {
    /// What [`Reason::Unmapped`] tells as a severity's value where the ticket has no priority.
    pub const NO_PRIORITY: &str = "no priority";

    /// [`Reason::Dropped`] of a write.
    pub fn dropped(kind: &OperationKind) -> Self {
        Self::Dropped { what: kind.words(), makes_ticket: kind.makes_ticket() }
    }

    /// Whether what is to be done about it is a button of the console or a setting of ours, which who only reads lacks;
    /// else it is done in Halo, in Sentinel, or by itself.
    pub fn done_here(&self) -> bool {
        matches!(
            self,
            Self::ModeOff
                | Self::ModeObserve
                | Self::ModeOneWay
                | Self::OlderThanStart
                | Self::StormHeld { .. }
                | Self::Unlinked { .. }
                | Self::LinkRefused { .. }
                | Self::ClientNotBound
                | Self::Unmapped { .. }
                | Self::Ambiguous { .. }
                | Self::VerdictRefused { .. }
                | Self::Conflict { .. }
                | Self::Reopened { .. }
                | Self::Flapping { .. }
                | Self::SurvivorUnknown { .. }
                | Self::CopyLost { .. }
                | Self::AwaitsApproval { .. }
                | Self::Rejected { .. }
                | Self::OutcomeUnknown
                | Self::Dropped { .. }
                | Self::Refused { .. }
        ) || match self {
            Self::TicketAsked { blocked, .. } | Self::Rehomed { blocked, .. } => {
                blocked.as_ref().is_some_and(|why| why.done_here())
            }
            _ => false,
        }
    }

    /// What a person can do about it; `None` when nothing is asked of anyone.
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::ModeOff => Some("Set the workspace's mode to observe or two-way.".into()),
            Self::ModeObserve => Some("Set the workspace's mode to two-way to carry it out.".into()),
            Self::Filtered { filter, .. } => Some(format!(
                "Change the incident in Sentinel so that it passes, or the policy's “{}”: it is looked at again whenever either changes.",
                Filter::shown(filter)
            )),
            Self::StormHeld { .. } => Some(
                "Press “Release” under Problems to make the tickets, or close the incidents in Sentinel. A rule that floods is best corrected first.".into(),
            ),
            Self::EntitiesAwaited { .. } => Some(
                "Nothing: it is looked at again by itself. Who needs its ticket at once opens “Link by hand” and has it made.".into(),
            ),
            Self::OlderThanStart => Some(
                "Take it in by a backfill, or set an earlier “since” for the workspace in the configuration file: what is known is linked at once, other open incidents within six hours.".into(),
            ),
            Self::Redirected => Some(
                "Nothing: its matter goes on with the incident that it was merged into. Opened again in Defender it would pass.".into(),
            ),
            Self::ModeOneWay => Some("Set the workspace's mode to two-way to carry it, or leave it as it is.".into()),
            Self::Unlinked { .. } => {
                Some("Nothing, or open “Link by hand”: link it to a ticket there, or have its ticket made.".into())
            }
            Self::LinkRefused { .. } => Some(
                "Mend what stands in the way, then open “Link by hand”: link it to that ticket or another one there, or have its ticket made.".into(),
            ),
            Self::TicketAsked { blocked, .. } | Self::Rehomed { blocked, .. } => blocked.as_ref()?.remedy(),
            Self::LinkAsked { .. } => Some("Nothing: it is linked as soon as both can be read.".into()),
            Self::ClientNotBound => Some("Give the client its Halo client id.".into()),
            Self::Unmapped { table, value } => {
                let what = match table.as_str() {
                    "priority" if value.contains(" → ") => {
                        "Name a priority of the ticket type's SLA in the policy's “priorities” table".to_owned()
                    }
                    "status" if value.contains(" → ") => {
                        "Name a status that Halo has in the policy's “statuses” table".to_owned()
                    }
                    "priority" => "Add a row to the policy's “priorities” table".to_owned(),
                    "severity" if value == Self::NO_PRIORITY => "Give the ticket a priority in Halo".to_owned(),
                    "severity" => "Add a row to the policy's “priorities_back” table".to_owned(),
                    "status" => "Add a row to the policy's “statuses” or “statuses_back” table".to_owned(),
                    "agent" => "Add a row to the policy's “agents” table, or correct its “agent”".to_owned(),
                    "owner" => {
                        "Give the agent a mail address in Halo, or add a row to the policy's “agents” table".to_owned()
                    }
                    "field" => "Correct the policy's “fields”".to_owned(),
                    "classification" => "Add a row to the policy's “classifications” table, or choose another one on the ticket".to_owned(),
                    other => format!("Correct the policy's {other}, or add it in Halo"),
                };
                Some(format!("{what}, then press “Look again”."))
            }
            Self::Ambiguous { .. } => Some(
                "Write the id of the one that is meant into the policy in place of the name; for an owner whose address several agents have, add a row to its “agents” table. Then press “Look again”.".into(),
            ),
            Self::RecordGone { .. } => Some(
                "On the pair's page choose what becomes of the side that is left. A record that is put back is found again by itself.".into(),
            ),
            Self::WrongClient => Some("In Halo, move the ticket to the client of its workspace; or unlink the pair.".into()),
            Self::VerdictMissing => {
                Some("Choose the classification on the ticket in Halo, or close the incident in Sentinel.".into())
            }
            Self::VerdictRefused { .. } => {
                Some("Choose another classification on the ticket, or correct the policy's classification table.".into())
            }
            Self::CommentsUnread { .. } => Some(
                "They are asked for again by themselves. If it lasts, see whether the incident shows them in the Azure portal; none crosses before that."
                    .into(),
            ),
            Self::TicketUnread { .. } => Some(
                "It is read again by itself, ever more rarely. If it lasts, give the agent of the API application access to the ticket in Halo (its client, team and ticket type); what is written there does not cross before that."
                    .into(),
            ),
            Self::CommentsFull => Some(
                "Read what is left out on the other side, where it is whole; notes cross when the incident is closed, in the places kept for that, and whatever is left as soon as comments are deleted. Or leave it untold on the pair's page."
                    .into(),
            ),
            Self::Conflict { .. } => {
                Some("Choose one of the two values on the pair's page, or set the same on both sides.".into())
            }
            Self::Reopened { by_rule: true, .. } => Some(
                "Choose on the pair's page what is to happen to the incident. Where a workflow of Halo opens tickets that our application closes, correct it there.".into(),
            ),
            Self::Reopened { .. } => Some("Choose on the pair's page what is to happen to the closed side.".into()),
            Self::Flapping { .. } => Some(
                "Look for what else changes the status (a rule, a workflow, another integration), then press “Let it go on” on the pair's page.".into(),
            ),
            Self::SurvivorUnknown { .. } => {
                Some("Open the incident in Defender, see where it leads, and choose that incident on the pair's page.".into())
            }
            Self::TicketsMeet { ticket, other, .. } => Some(format!(
                "Merge ticket {ticket} into ticket {other} in Halo, or leave both as they are on the pair's page."
            )),
            Self::CopyLost { .. } => Some("Choose on the pair's page whether it is written again.".into()),
            Self::AwaitsApproval { .. } => {
                Some("See what would be written under Approvals or on the pair's page, and approve or reject it.".into())
            }
            Self::Rejected { .. } => Some(
                "Nothing, if it is not wanted. Else press “Approve it after all” on the pair's page, do it by hand, or change what it would write: then it is asked about again.".into(),
            ),
            Self::GroupWaits { .. } => Some(
                "Nothing: it goes on as soon as that ticket is there. Where that one needs somebody, its pair says so; to have a ticket of its own made for this incident, unlink it and open “Link by hand”.".into(),
            ),
            Self::OutcomeUnknown => Some(
                "Search for the reference in Halo, leave one record that carries it, then press “Look for it again”."
                    .into(),
            ),
            Self::Dropped { makes_ticket: true, .. } => Some(
                "Press “Plan it again” on the pair's page to have its ticket made after all, or unlink the pair there.".into(),
            ),
            Self::Dropped { .. } => Some("If it is wanted after all, press “Plan it again”.".into()),
            Self::OwnerUnknown { .. } => Some(
                "Add a row to the policy's “agents” table that gives the agent an owner whom Entra knows, or assign one of the two otherwise; it goes on by itself.".into(),
            ),
            Self::HaloKept { what, .. } if what == "ticket type" => {
                Some("Look in Halo for the rule, the workflow or the template that sets it, if that is not wanted.".into())
            }
            Self::HaloKept { what, .. } if what == "team" || what == "category" => Some(format!(
                "Look in Halo for a rule, a workflow or a template that sets it, and correct it there and on the ticket; or name in the policy (a client's own team at the client) the {what} that Halo keeps, or leave it on the pair's page. It is not written again by itself."
            )),
            Self::HaloKept { .. } => Some(
                "Look in Halo for a rule, a workflow or a template that sets it, and correct it there and on the ticket, or leave it on the pair's page; it is not written again by itself.".into(),
            ),
            Self::Refused { .. } => Some("Correct what the other side names (where it gives no reason: look at its mandatory fields and rights), then have it tried again.".into()),
            Self::NotePrivacyUntold => Some(
                "Give the agent of the API application the rights to see all of an action in Halo, or choose the notes that cross by another rule in the policy.".into(),
            ),
            _ => None,
        }
    }
}
