//! What people do with links themselves: join an incident and a ticket that both exist, take a pair apart, ask for a
//! ticket that no rule would make.

use std::collections::BTreeSet;

use crate::domain::{
    catalogue::Catalogue,
    client::Client,
    ids::TicketId,
    pair::Base,
    policy::Policy,
    reason::Reason,
    ticket::Ticket,
    workspace::{Mode, Workspace},
};

use super::{
    fields::{once, owner, severity, status, title},
    gate::{self, Passed},
};

/// Whether an incident that is held for this reason stays as it is, whatever the gates say: a person unlinked it, or
/// asked for a certain ticket.
pub fn stays(held: &Reason) -> bool {
    matches!(held, Reason::Unlinked { .. } | Reason::LinkAsked { .. })
}

/// Whether the reason with this code stands before the gates.
pub fn before_gates(code: &str) -> bool {
    [Reason::UNLINKED, Reason::LINK_ASKED, Reason::TICKET_ASKED].contains(&code)
}

/// What an incident was unlinked from, while a person's unlinking holds.
pub fn unlinked_from(held: Option<&Reason>) -> Option<Option<TicketId>> {
    match held {
        Some(Reason::Unlinked { ticket, .. }) => Some(*ticket),
        Some(Reason::LinkAsked { unlinked, .. }) => *unlinked,
        Some(Reason::TicketAsked { after, .. }) => after.map(Some),
        _ => None,
    }
}

/// The gates for a ticket that a person asked for: filters, start and storm brake are what the person decided about.
///
/// # Errors
/// What stands in the way all the same: no Halo client, no ticket type, a mode that makes no tickets.
pub fn ask(
    workspace: &Workspace,
    client: &Client,
    policy: &Policy,
    catalogue: Option<&Catalogue>,
    after: Option<TicketId>,
) -> Result<Passed, Reason> {
    if workspace.mode == Mode::Off {
        return Err(Reason::ModeOff);
    }
    gate::needs(workspace, client, policy, catalogue).map(|passed| Passed { after, ..passed })
}

/// Why a ticket can't be joined to an incident of the Halo client `halo_client_id`, in one sentence with the remedy.
/// `taken` says whether it belongs to another pair.
///
/// # Errors
/// That sentence.
pub fn joinable(ticket: &Ticket, halo_client_id: i64, taken: bool) -> Result<(), String> {
    let id = ticket.id;
    // First: what else is wrong with another client's ticket is nobody's affair here.
    if ticket.client_id != Some(halo_client_id) {
        return Err(not_there(id));
    }
    if ticket.deleted {
        return Err(format!("Ticket {id} was deleted in Halo. Give the number of another one."));
    }
    if let Some(into) = ticket.merged_into {
        return Err(format!("Ticket {id} was merged into ticket {into} in Halo. Link that one."));
    }
    if taken {
        return Err(format!("Ticket {id} is linked to another incident already. Unlink that one first."));
    }
    Ok(())
}

/// Why a ticket that Halo does not have, or that is another client's, is not taken. Both in the same words, so that who
/// may see one client alone learns nothing about another's tickets.
pub fn not_there(ticket: TicketId) -> String {
    format!(
        "This client has no ticket {ticket} in Halo (any more). Check its number, or move the ticket to the client there."
    )
}

/// Why an incident is not linked to the ticket that was asked for while its workspace was another client's.
pub const GIVEN_AWAY: &str =
    "Its workspace was given to another client since that was asked for. Link it again if it is wanted.";

/// How an incident is held that could not be linked to the ticket that was asked for. One that a person had unlinked stays
/// so.
pub fn refused(held: Option<&Reason>, ticket: TicketId, why: String) -> Reason {
    match held {
        Some(Reason::LinkAsked { unlinked: Some(before), .. }) => {
            Reason::Unlinked { ticket: *before, refused: Some(why) }
        }
        _ => Reason::LinkRefused { ticket, why },
    }
}

/// What both sides agree on when they are joined: nothing yet. Fields that say the same are agreed on by the next plan;
/// about those that differ a person is asked, unless the policy names the side that wins. So it is with mapped fields, also
/// those that the policy maps later.
pub fn base() -> Base {
    let joined = [severity::NAME, status::NAME, owner::NAME, title::NAME, once::JOINED].map(str::to_owned);
    Base { joined: BTreeSet::from(joined), linked: true, ..Base::default() }
}
