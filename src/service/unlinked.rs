//! A pair that was taken apart. Its ledger stands and pages lead to it, so its address goes on to answer.

use jiff::Timestamp;

use super::{App, caller::Caller, error::ServiceError, fault, ledger::names_in, names, pairs, then, then::Then, words};
use crate::{
    domain::{
        ids::{ConnectionId, PairId, TicketId},
        pair::Pair,
        reason::Reason,
        view::{dashboard::PairFilter, unlinked::UnlinkedView},
    },
    ledger::{entry::Seq, fact::Fact},
    planner::draft::portal_link,
    store::{Installation, Item},
};

/// Entries among which the unlinking stands: it is the last thing that happens to a pair.
const LAST_ROWS: u32 = 8;

/// The pair that it once was, as it was opened, and the entry that took it apart.
///
/// # Errors
/// `NotFound` when there was no such pair, it still is one, or it is a foreign client's.
pub(super) async fn once(app: &App, caller: &Caller, id: PairId) -> Result<(Pair, Seq), ServiceError> {
    let pair = seen(app, caller, id).await?;
    let last = last(app, id).await?;
    let unlinking = last.iter().find(|item| unlinks(item).is_some()).ok_or(ServiceError::NotFound)?;
    Ok((pair, unlinking.entry.seq))
}

/// The page's view; `from` pages through the history. It says why it is shown in place of the pair as it stood `then`.
///
/// # Errors
/// `NotFound` when there was no such pair, it still is one, or it is a foreign client's.
pub async fn view(
    app: &App,
    caller: &Caller,
    id: PairId,
    from: &str,
    then: Then,
) -> Result<UnlinkedView, ServiceError> {
    let pair = seen(app, caller, id).await?;
    let installation = app.installation().await?;
    let last = last(app, id).await?;
    let named = names_in(app, &last).await?;
    let mut last = last.into_iter().skip_while(|item| unlinks(item).is_none());
    let unlinking = last.next().ok_or(ServiceError::NotFound)?;
    let (seq, at, ticket) = (unlinking.entry.seq, unlinking.entry.at, unlinks(&unlinking).flatten());
    let who = last.next().filter(by_person).and_then(|item| words::entry(item, &named, false).who);
    let why = words::entry(unlinking, &named, false).words;

    let before = then::situation(app, &pair, Seq(seq.0.saturating_sub(1))).await?.map(|(row, _)| row);
    let ticket = ticket.or(before.as_ref().and_then(|row| row.pair.ticket)).or(pair.ticket);
    let summary = before.as_ref().and_then(|row| row.ticket.as_ref()).map(|ticket| ticket.summary.clone());
    // What was erased from the history may still be known of the incident.
    let incident = match before {
        Some(row) => Some(row.subject.incident),
        None => {
            let subject = app.store.subject(pair.workspace, &pair.incident).await;
            subject.map_err(|e| fault("read an incident", &e))?.map(|subject| subject.incident)
        }
    };
    let newer = app.store.pair_of_incident(pair.workspace, &pair.incident).await;
    let newer = newer.map_err(|e| fault("read a pair", &e))?.filter(|newer| caller.see(newer.client).is_ok());

    let (history, older) = pairs::history(app, id, from.parse().ok().map(Seq)).await?;
    let named = names_in(app, &history).await?;
    let workspace = names::workspace(&installation, pair.workspace);
    Ok(UnlinkedView {
        id,
        client: names::client(&installation, pair.client),
        client_id: pair.client,
        workspace: names::workspace_name(&installation, pair.workspace),
        workspace_id: pair.workspace,
        number: incident.as_ref().and_then(|incident| incident.number),
        title: incident.as_ref().map(|incident| incident.title.clone()).unwrap_or_default(),
        incident_url: workspace.zip(incident.as_ref()).map(|(workspace, incident)| portal_link(workspace, incident)),
        ticket: ticket.map(|ticket| names::ticket(&installation, pair.halo, ticket)),
        summary,
        reference: pair.reference,
        linked: pair.created,
        unlinked: at,
        who,
        why,
        newer: newer.map(|newer| newer.id),
        back: PairFilter::default().address(),
        entry: seq.0,
        as_of_problem: not_shown(app, then, seq).await?,
        timeline: history.into_iter().map(|item| words::entry(item, &named, false)).collect(),
        older,
    })
}

/// The pair as it was opened, if the caller may see it.
async fn seen(app: &App, caller: &Caller, id: PairId) -> Result<Pair, ServiceError> {
    let pair = opened(app, id).await?.ok_or(ServiceError::NotFound)?;
    caller.see(pair.client)?;
    let installation = app.installation().await?;
    names::see_workspace(&installation, caller, pair.workspace)?;
    Ok(pair)
}

/// Whether the caller may see the client that has the workspace by now in which a pair lies, or lay until it was taken apart.
///
/// # Errors
/// The history cannot be read.
pub(super) async fn lies_in_sight(
    app: &App,
    caller: &Caller,
    installation: &Installation,
    id: PairId,
) -> Result<bool, ServiceError> {
    let pair = match app.store.pair(id).await.map_err(|e| fault("read a pair", &e))? {
        Some(pair) => Some(pair),
        None => opened(app, id).await?,
    };
    Ok(pair.is_none_or(|pair| names::see_workspace(installation, caller, pair.workspace).is_ok()))
}

/// The entries among which the unlinking stands, newest first.
async fn last(app: &App, id: PairId) -> Result<Vec<Item>, ServiceError> {
    app.store.timeline(id, None, LAST_ROWS).await.map_err(|e| fault("read a history", &e))
}

/// Why a moment that was asked for is not shown: there is none such, or it was no pair then.
async fn not_shown(app: &App, then: Then, unlinking: Seq) -> Result<Option<String>, ServiceError> {
    Ok(match then::entry(app, then).await? {
        Ok(None) => None,
        Ok(Some(at)) if at >= unlinking => {
            Some("The two were not linked any more at that moment. What follows is how it stands now.".to_owned())
        }
        Ok(Some(_)) => Some(then::NOT_YET.to_owned()),
        Err(problem) => Some(problem),
    })
}

/// A pair that was taken apart.
#[derive(Debug)]
pub(super) struct Unlinking {
    /// As it was opened.
    pub pair: Pair,
    /// When it was taken apart.
    pub at: Timestamp,
    /// By whom, if that is known.
    pub who: Option<String>,
    /// The ticket that its incident has since, as far as the caller may see it.
    pub now: Option<TicketId>,
}

/// Unlinkings from tickets of one number that are looked through: several Halo instances may have it.
const OF_NUMBER: u32 = 20;

/// The last pair of a ticket that was taken apart, as far as the caller may see it.
///
/// # Errors
/// The history cannot be read.
pub(super) async fn of_ticket(
    app: &App,
    caller: &Caller,
    halo: ConnectionId,
    ticket: TicketId,
) -> Result<Option<Unlinking>, ServiceError> {
    let installation = app.installation().await?;
    let unlinkings = app.store.unlinked_from(ticket, OF_NUMBER).await.map_err(|e| fault("read a history", &e))?;
    for unlinking in unlinkings {
        let Some(id) = unlinking.entry.pair else { continue };
        let pair = opened(app, id).await?;
        let seen = |pair: &Pair| {
            caller.see(pair.client).and_then(|()| names::see_workspace(&installation, caller, pair.workspace)).is_ok()
        };
        let Some(pair) = pair.filter(|pair| pair.halo == halo && seen(pair)) else { continue };
        // Who asked for it stands before it.
        let before = app.store.timeline(id, Some(unlinking.entry.seq), 1).await;
        let before = before.map_err(|e| fault("read a history", &e))?;
        let named = names_in(app, &before).await?;
        let who = before.into_iter().find(by_person).and_then(|item| words::entry(item, &named, false).who);
        let now = app.store.pair_of_incident(pair.workspace, &pair.incident).await;
        // It may be another client's, to which the workspace was given for a while.
        let now = now.map_err(|e| fault("read a pair", &e))?.filter(|now| caller.see(now.client).is_ok());
        let now = now.and_then(|now| now.ticket);
        return Ok(Some(Unlinking { pair, at: unlinking.entry.at, who, now }));
    }
    Ok(None)
}

/// Whether the entry tells that a person asked for it.
fn by_person(item: &Item) -> bool {
    matches!(&item.fact, Some(Fact::HumanAct { act, .. }) if act == "unlink")
}

/// The pair as it was opened.
///
/// # Errors
/// The history cannot be read.
pub(super) async fn opened(app: &App, id: PairId) -> Result<Option<Pair>, ServiceError> {
    let item = app.store.pair_opened(id).await.map_err(|e| fault("read a history", &e))?;
    Ok(item.and_then(|item| match item.fact {
        Some(Fact::PairOpened { pair }) => Some(*pair),
        _ => None,
    }))
}

/// The ticket that the entry unlinks, if it is an unlinking and names one.
fn unlinks(item: &Item) -> Option<Option<TicketId>> {
    match &item.fact {
        Some(Fact::Unlinked { reason: Reason::Unlinked { ticket, .. }, .. }) => Some(*ticket),
        Some(Fact::Unlinked { .. }) => Some(None),
        _ => None,
    }
}
