//! Whether an incident is linked at all: the gates in order, the first that fails names itself.

use crate::domain::{
    catalogue::Catalogue,
    client::{Client, HaloBinding},
    failure::Side,
    ids::TicketId,
    incident::Incident,
    operation::OperationKind,
    policy::Policy,
    reason::Reason,
    workspace::{Mode, Workspace},
};

use super::{filter, mapping};

/// What a linked incident needs before anything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// Where the ticket goes.
    pub binding: HaloBinding,
    /// Its type.
    pub ticket_type_id: i64,
    /// The ticket that the incident was unlinked from, when a person asked for another one.
    pub after: Option<TicketId>,
    /// What it carries, if that was said before.
    pub reference: Option<String>,
}

/// Whether a mode carries a write: what was queued under another mode is held to the one in force.
pub fn carries(mode: Mode, kind: &OperationKind) -> bool {
    match mode {
        Mode::Off | Mode::Observe => false,
        Mode::CommentOnly => matches!(kind, OperationKind::AddNote { comment: Some(_), .. }),
        Mode::SentinelToHalo => kind.side() == Side::Halo,
        Mode::TwoWay => true,
    }
}

/// Asks the gates. What only makes a ticket poorer (a priority without a row) is no gate: an incident
/// that becomes no ticket is the worst that can happen.
///
/// # Errors
/// The first gate that failed.
pub fn ask(
    workspace: &Workspace,
    client: &Client,
    policy: &Policy,
    catalogue: Option<&Catalogue>,
    incident: &Incident,
) -> Result<Passed, Reason> {
    if workspace.mode == Mode::Off {
        return Err(Reason::ModeOff);
    }
    // By creation, as the service tells it; one without a creation time is not held back for it.
    if incident.created.is_some_and(|created| created < workspace.since) {
        return Err(Reason::OlderThanStart);
    }
    if incident.redirected() {
        return Err(Reason::Redirected);
    }
    filter::ask(policy, incident)?;
    needs(workspace, client, policy, catalogue)
}

/// The gates for an incident that was let through before, by a filter, a backfill or a person: what decided that is not
/// asked again.
///
/// # Errors
/// The first gate that failed.
pub fn again(
    workspace: &Workspace,
    client: &Client,
    policy: &Policy,
    catalogue: Option<&Catalogue>,
    incident: &Incident,
) -> Result<Passed, Reason> {
    match workspace.mode {
        Mode::Off => Err(Reason::ModeOff),
        _ if incident.redirected() => Err(Reason::Redirected),
        _ => needs(workspace, client, policy, catalogue),
    }
}

/// What a ticket needs whoever wants it: the client in Halo, a ticket type, a mode that makes tickets.
///
/// # Errors
/// The first of them that is missing.
pub fn needs(
    workspace: &Workspace,
    client: &Client,
    policy: &Policy,
    catalogue: Option<&Catalogue>,
) -> Result<Passed, Reason> {
    let binding = client.halo.clone().ok_or(Reason::ClientNotBound)?;
    let ticket_type_id = match catalogue {
        Some(catalogue) => mapping::ticket_type(policy, catalogue)?,
        None => mapping::ticket_type(policy, &Catalogue::default())?,
    };
    match workspace.mode {
        Mode::Observe => Err(Reason::ModeObserve),
        Mode::CommentOnly => Err(Reason::ModeOneWay),
        Mode::Off | Mode::SentinelToHalo | Mode::TwoWay => {
            Ok(Passed { binding, ticket_type_id, after: None, reference: None })
        }
    }
}

/// The storm brake: how many further tickets a workspace may get now, in the order in which incidents come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brake {
    cap: u32,
    made: u32,
}

impl Brake {
    /// For a policy, and the number of tickets that the workspace was given within the last hour.
    pub fn new(policy: &Policy, made: u32) -> Self {
        Self { cap: policy.tickets_per_hour, made }
    }

    /// For an incident that gets no ticket of its own.
    pub fn off() -> Self {
        Self { cap: 0, made: 0 }
    }

    /// Asks for one more ticket, and counts it when it is let pass. One that a person released, or that was let pass
    /// before, always is, and counts as well.
    ///
    /// # Errors
    /// [`Reason::StormHeld`] above the cap.
    pub fn ask(&mut self, held: Option<&Reason>) -> Result<(), Reason> {
        let released =
            matches!(held, Some(Reason::StormReleased | Reason::TicketAsked { .. } | Reason::Rehomed { .. }));
        if self.cap > 0 && self.made >= self.cap && !released {
            return Err(Reason::StormHeld { cap: self.cap });
        }
        self.made = self.made.saturating_add(1);
        Ok(())
    }
}
