//! What a policy would do with the incidents of a range: read from Sentinel, asked of the planner, counted. Nothing is
//! written anywhere.

use jiff::{SignedDuration, Timestamp};

use super::{
    App,
    caller::Caller,
    error::ServiceError,
    fault, names, outside, pairs,
    set_up::{allowed, clients::Link},
};
use crate::{
    domain::{
        catalogue::Catalogue,
        client::{Client, HaloBinding},
        failure::{Failure, FailureKind, Side},
        ids::{ClientId, IncidentId, WorkspaceId},
        incident::Incident,
        merge::Merge,
        policy::Policy,
        view::what_if::WhatIf,
        workspace::{Mode, POLL_FAST_SECS, Portal, Workspace},
    },
    outbound::budget::Class,
    planner::{Situation, link, situation::Seen, what_if::Counting},
    sentinel::{Incidents as _, ListWanted, Sentinel, walk::Walk},
    store::Installation,
};

/// Days looked back on.
pub const DAYS: i64 = 30;
/// Incidents that [`newest`] looks at, at most.
pub const NEWEST: u32 = 50;
/// Pages of incidents that are read at most.
const PAGES_MAX: u32 = 20;

/// A forecast, or why Azure or Halo could not be asked.
pub type Forecast = Result<WhatIf, Failure>;

/// What a policy would do with a workspace's incidents of the last [`DAYS`] days.
///
/// # Errors
/// `Forbidden`, `NotFound`; the store cannot be read.
pub async fn last_days(
    app: &App,
    caller: &Caller,
    workspace: WorkspaceId,
    policy: &Policy,
) -> Result<Forecast, ServiceError> {
    allowed(caller)?;
    let to = app.clock.now();
    let from = to.checked_sub(SignedDuration::from_hours(24 * DAYS)).unwrap_or(to);
    range(app, workspace, policy, from, to).await
}

/// What a policy would do with a workspace's incidents that were created from one moment up to another.
///
/// # Errors
/// `NotFound`; the store cannot be read.
pub(super) async fn range(
    app: &App,
    workspace: WorkspaceId,
    policy: &Policy,
    from: Timestamp,
    to: Timestamp,
) -> Result<Forecast, ServiceError> {
    let installation = app.installation().await?;
    let workspace = names::workspace(&installation, workspace).ok_or(ServiceError::NotFound)?;
    let client = installation.clients.iter().find(|row| row.id == workspace.client).ok_or(ServiceError::NotFound)?;
    asked(app, &installation, (workspace, client, policy), (from, to), u32::MAX).await
}

/// What a policy would do with a workspace's newest incidents, [`NEWEST`] at most and none older than [`DAYS`] days, if they
/// came now.
///
/// # Errors
/// `NotFound`; the store cannot be read.
pub(super) async fn newest(app: &App, workspace: WorkspaceId, policy: &Policy) -> Result<Forecast, ServiceError> {
    let installation = app.installation().await?;
    let workspace = names::workspace(&installation, workspace).ok_or(ServiceError::NotFound)?;
    let client = installation.clients.iter().find(|row| row.id == workspace.client).ok_or(ServiceError::NotFound)?;
    let to = app.clock.now();
    let since = |days: i64| to.checked_sub(SignedDuration::from_hours(24 * days)).unwrap_or(to);
    // Azure lists the oldest first: where many come, few days are enough.
    for days in [1, 7] {
        let found = asked(app, &installation, (workspace, client, policy), (since(days), to), NEWEST).await?;
        if !matches!(&found, Ok(what) if what.incidents < NEWEST) {
            return Ok(found);
        }
    }
    asked(app, &installation, (workspace, client, policy), (since(DAYS), to), NEWEST).await
}

/// What a policy would do with the incidents of the last [`DAYS`] days of a workspace that is chosen and not applied yet.
///
/// # Errors
/// The store cannot be read.
pub(super) async fn of_link(app: &App, link: &Link, policy: &Policy) -> Result<Forecast, ServiceError> {
    let installation = app.installation().await?;
    let to = app.clock.now();
    let from = to.checked_sub(SignedDuration::from_hours(24 * DAYS)).unwrap_or(to);
    let nil = uuid::Uuid::nil();
    let binding = HaloBinding { connection: link.halo, halo_client_id: link.halo_client_id, site_id: None, team: None };
    let client =
        Client { id: ClientId(nil), name: link.client.clone(), time_zone: "UTC".to_owned(), halo: Some(binding) };
    let workspace = Workspace {
        id: WorkspaceId(nil),
        arm_id: link.arm_id.clone(),
        name: link.workspace.clone(),
        client: client.id,
        connection: link.microsoft,
        tenant_id: link.tenant_id.clone(),
        policy: policy.id,
        mode: Mode::Observe,
        since: from,
        poll_secs: POLL_FAST_SECS,
        poll_fast_secs: POLL_FAST_SECS,
        portal: Portal::Azure,
        webhook: false,
        shadow: false,
    };
    asked(app, &installation, (&workspace, &client, policy), (from, to), u32::MAX).await
}

async fn asked(
    app: &App,
    installation: &Installation,
    (workspace, client, policy): (&Workspace, &Client, &Policy),
    (from, to): (Timestamp, Timestamp),
    most: u32,
) -> Result<Forecast, ServiceError> {
    let catalogue = match catalogue(app, installation, client).await? {
        Ok(catalogue) => catalogue,
        Err(failure) => return Ok(Err(failure)),
    };
    let connection = installation.microsoft.iter().find(|row| row.id == workspace.connection);
    let connection = connection.ok_or(ServiceError::NotFound)?;
    let read = match outside::sentinel(app, connection).await {
        Ok(sentinel) => listed(&sentinel, workspace, from, to).await,
        Err(failure) => Err(failure),
    };
    let (mut incidents, more) = match read {
        Ok(read) => read,
        Err(failure) => return Ok(Err(failure)),
    };
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let from = if incidents.len() > most {
        incidents.truncate(most);
        incidents.last().and_then(|incident| incident.created).unwrap_or(from)
    } else {
        from
    };
    let mut counting = Counting::new(from, to);
    for some in incidents.chunks(500) {
        count(app, installation, (workspace, client, policy), &catalogue, some, &mut counting).await?;
    }
    Ok(Ok(counting.done(more)))
}

/// An instance's look-ups: as kept, else read now.
pub(super) async fn catalogue(
    app: &App,
    installation: &Installation,
    client: &Client,
) -> Result<Result<Catalogue, Failure>, ServiceError> {
    let Some(binding) = &client.halo else {
        let text = format!("The client {} is not linked to a client in Halo yet. Link it first.", client.name);
        return Ok(Err(Failure::new(Side::Halo, FailureKind::Rejected, text)));
    };
    let kept = app.store.catalogue(binding.connection).await.map_err(|e| fault("read Halo's look-ups", &e))?;
    if let Some((kept, _)) = kept {
        return Ok(Ok(kept));
    }
    let connection = installation.halo.iter().find(|row| row.id == binding.connection).ok_or(ServiceError::NotFound)?;
    Ok(match outside::kept_halo(app, connection).await {
        Ok(halo) => halo.catalogue(Class::Interactive).await,
        Err(failure) => Err(failure),
    })
}

/// The incidents of a range, newest first, and whether there are more.
async fn listed(
    sentinel: &Sentinel,
    workspace: &Workspace,
    from: Timestamp,
    to: Timestamp,
) -> Result<(Vec<Incident>, bool), Failure> {
    let Some(place) = outside::place(workspace) else {
        let text = "The workspace's ARM id cannot be read. Link it anew in the set-up under “Clients and workspaces”.";
        return Err(Failure::new(Side::Sentinel, FailureKind::Rejected, text));
    };
    let wanted = ListWanted { created: Some((from, to)), ..ListWanted::default() };
    let mut found: Vec<Incident> = Vec::new();
    let mut walk = Walk::of(wanted);
    while let Some((asked, link)) = walk.wants().filter(|_| walk.pages() < PAGES_MAX) {
        let page = sentinel.list(&place, &asked, link, Class::Interactive).await?;
        found.extend(walk.take(page, to));
    }
    // A service may not know this filter: what it gives is looked at.
    found.retain(|incident| incident.created.is_some_and(|at| at >= from && at < to));
    found.sort_by(|a, b| (b.created, &b.id).cmp(&(a.created, &a.id)));
    found.dedup_by(|a, b| a.id == b.id);
    Ok((found, walk.wants().is_some()))
}

async fn count(
    app: &App,
    installation: &Installation,
    found: (&Workspace, &Client, &Policy),
    catalogue: &Catalogue,
    incidents: &[Incident],
    counting: &mut Counting,
) -> Result<(), ServiceError> {
    let (workspace, client, policy) = found;
    let ids: Vec<IncidentId> = incidents.iter().map(|incident| incident.id.clone()).collect();
    let versions = app.store.versions(workspace.id, &ids).await.map_err(|e| fault("read incidents", &e))?;
    for incident in incidents {
        let known = versions.get(&incident.id);
        if let Some(pair) = known.and_then(|known| known.pair) {
            let row = app.store.situation(pair).await.map_err(|e| fault("read a pair", &e))?;
            let halo = row.as_ref().and_then(|row| installation.halo.iter().find(|halo| halo.id == row.pair.halo));
            let (Some(row), Some(halo)) = (row, halo) else {
                counting.linked(None, catalogue);
                continue;
            };
            let address = halo.ticket_url_base();
            let merged = pairs::merged(app, &row.pair, None).await?;
            let situation = Situation {
                now: app.clock.now(),
                halo_tenant: &halo.tenant,
                ticket_url: address.as_deref(),
                workspace,
                client,
                policy,
                catalogue,
                pair: &row.pair,
                incident,
                ticket: row.ticket.as_ref(),
                comments: row.comments.as_deref(),
                actions: row.actions.as_deref(),
                evidence: row.evidence.as_ref(),
                links: &row.links,
                operations: &row.operations,
                merge: &Merge::None,
                merged: &merged,
                mates: &row.mates,
                seen: Seen::default(),
                unread: None,
                forgotten: app.engine.forgotten_until(),
            };
            counting.linked(Some(&situation), catalogue);
            continue;
        }
        let held = match known.and_then(|known| known.held.as_ref()) {
            Some(_) => {
                let subject = app.store.subject(workspace.id, &incident.id).await;
                subject.map_err(|e| fault("read an incident", &e))?.and_then(|subject| subject.held)
            }
            None => None,
        };
        match held.filter(link::stays) {
            // A person's word stands.
            Some(reason) => counting.held(&reason),
            None => counting.add(found, catalogue, incident),
        }
    }
    Ok(())
}
