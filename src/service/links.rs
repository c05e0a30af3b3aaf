//! What people do with links themselves: link two records that exist, unlink and keep both, ask for a ticket.

use serde_json::json;

use super::{App, acts, caller::Caller, error::ServiceError, fault, names, pairs};
use crate::{
    domain::{
        account::Role,
        ids::{IncidentId, PairId, TicketId, WorkspaceId},
        operation::OperationState,
        pair::Subject,
        reason::Reason,
        run::RunCause,
        workspace::{Mode, Workspace},
    },
    ledger::fact::Fact,
    planner::link::unlinked_from,
    store::StoreError,
};

/// The incident, if the caller may act on it, with its workspace. One that is linked by now is a conflict.
async fn unlinked(
    app: &App,
    caller: &Caller,
    workspace: WorkspaceId,
    incident: &IncidentId,
) -> Result<(Subject, Workspace), ServiceError> {
    caller.need(Role::Operator)?;
    let subject = app.store.subject(workspace, incident).await.map_err(|e| fault("read an incident", &e))?;
    let subject = subject.ok_or(ServiceError::NotFound)?;
    caller.see(subject.client)?;
    let installation = app.installation().await?;
    let workspace = names::workspace(&installation, workspace).ok_or(ServiceError::NotFound)?.clone();
    // The workspace may have been given to another client since the incident was read.
    caller.see(workspace.client)?;
    if subject.pair.is_some() {
        return Err(ServiceError::Conflict);
    }
    Ok((subject, workspace))
}

async fn ask(
    app: &App,
    caller: &Caller,
    (subject, of): (&Subject, &Workspace),
    (act, reason): (&str, Reason),
) -> Result<(), ServiceError> {
    let (workspace, incident) = (subject.workspace, subject.incident.id.clone());
    let detail = json!({ "workspace": workspace.to_string(), "incident": incident.as_str(), "reason": reason });
    let act = acts::act(caller, act, None, detail);
    let held = Fact::IncidentHeld { workspace, incident, reason: Some(reason) };
    let mut facts = vec![act, held];
    // It was read last for the client before: asked for is a ticket of the one whose workspace it is now.
    if subject.client != of.client {
        facts.insert(
            0,
            Fact::IncidentRead { workspace, client: of.client, incident: Box::new(subject.incident.clone()) },
        );
    }
    acts::record(app, Some(of.client), facts).await?;
    app.engine.poke_workspace(workspace, RunCause::Person);
    Ok(())
}

/// A ticket's number as a person types it; `what` says what was not done with anything else.
pub(super) fn ticket_number(text: &str, what: &str) -> Result<TicketId, ServiceError> {
    let number = text.trim().trim_start_matches('#').parse::<i64>().ok().filter(|number| *number > 0);
    number.map(TicketId).ok_or_else(|| {
        let problem = format!("“Ticket number in Halo”: enter the number, for example 2215. Nothing was {what}.");
        ServiceError::invalid("ticket", problem)
    })
}

/// Asks for an incident to be linked to a ticket that exists. The engine reads both and links them, or says at the
/// incident why it can't.
///
/// # Errors
/// `Invalid` for what is no ticket number, `Conflict` when the incident is linked by now; `Forbidden`, `NotFound`.
pub async fn link(
    app: &App,
    caller: &Caller,
    workspace: WorkspaceId,
    incident: &IncidentId,
    ticket: &str,
) -> Result<(), ServiceError> {
    let _alone = app.kept.asking.lock().await;
    let (subject, workspace) = unlinked(app, caller, workspace, incident).await?;
    let ticket = ticket_number(ticket, "linked")?;
    if workspace.mode == Mode::Off {
        return Err(ServiceError::invalid(
            "ticket",
            "The workspace is switched off: set its mode to observe or more, then link.",
        ));
    }
    let reason = Reason::LinkAsked { ticket, unlinked: unlinked_from(subject.held.as_ref()) };
    ask(app, caller, (&subject, &workspace), ("link", reason)).await
}

/// Asks for the ticket of an incident, whatever filters, start and storm brake say.
///
/// # Errors
/// `Conflict` when the incident is linked by now, `Invalid` where the mode makes no tickets; `Forbidden`, `NotFound`.
pub async fn make_ticket(
    app: &App,
    caller: &Caller,
    workspace: WorkspaceId,
    incident: &IncidentId,
) -> Result<(), ServiceError> {
    let _alone = app.kept.asking.lock().await;
    let (subject, workspace) = unlinked(app, caller, workspace, incident).await?;
    if !matches!(workspace.mode, Mode::SentinelToHalo | Mode::TwoWay) {
        let problem = "The workspace's mode makes no tickets: set it to Sentinel to Halo or two-way. Nothing was done.";
        return Err(ServiceError::invalid("mode", problem));
    }
    if subject.incident.drafted() {
        let problem = "The incident was never made in Sentinel: push its ticket again instead. Nothing was done.";
        return Err(ServiceError::invalid("mode", problem));
    }
    let after = unlinked_from(subject.held.as_ref()).flatten();
    ask(app, caller, (&subject, &workspace), ("make-ticket", Reason::TicketAsked { after, blocked: None })).await
}

/// Takes a pair apart and keeps both records. What waits in its queue is not written any more, and the incident gets
/// no ticket by itself from then on.
///
/// # Errors
/// `Conflict` while a write is under way or its outcome is not known; `Forbidden`, `NotFound`.
pub async fn unlink(app: &App, caller: &Caller, pair: PairId) -> Result<(), ServiceError> {
    caller.need(Role::Operator)?;
    pairs::seen(app, caller, pair).await?;
    let row = app.store.situation(pair).await.map_err(|e| fault("read a pair", &e))?.ok_or(ServiceError::NotFound)?;
    let under_way = |state: &OperationState| {
        matches!(state, OperationState::Sending { .. } | OperationState::OutcomeUnknown { .. })
    };
    if row.operations.iter().any(|operation| under_way(&operation.state)) {
        return Err(ServiceError::Conflict);
    }
    let (pair, mates) = (row.pair, row.mates);
    let detail = json!({ "incident": pair.incident.as_str(), "ticket": pair.ticket });
    // Of one that was pushed and never made there is nothing in Sentinel that stays as it is.
    let refused = row.subject.incident.drafted().then(|| "Its incident was never made in Sentinel.".to_owned());
    let unlinked = Fact::Unlinked {
        pair: pair.id,
        workspace: pair.workspace,
        incident: pair.incident.clone(),
        reason: Reason::Unlinked { ticket: pair.ticket, refused },
    };
    let facts = vec![acts::act(caller, "unlink", Some(pair.id), detail), unlinked];
    let recorded = async {
        let mut tx = app.store.begin().await?;
        tx.record_all(app.clock.now(), Some(pair.client), facts).await?;
        tx.commit().await
    };
    match recorded.await {
        Ok(()) => {
            // Those that share the ticket: it may have waited for this one alone.
            for mate in mates.iter().filter(|mate| mate.ticket == pair.ticket) {
                app.engine.look_again(mate.pair);
            }
            Ok(())
        }
        // A write has begun since.
        Err(StoreError::Missing { .. }) => Err(ServiceError::Conflict),
        Err(error) => Err(fault("unlink a pair", &error)),
    }
}
