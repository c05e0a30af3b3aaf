//! What the policy in hand would do, asked of every workspace that follows it: what it would do in all of them, and in
//! each. Nothing is written anywhere.

use jiff::SignedDuration;

use super::own::Subject;
use crate::{
    domain::{
        policy::Policy,
        view::{
            mapping::{Holds, MappingStep},
            what_if::{WhatIf, WhatIfOf},
        },
        workspace::Workspace,
    },
    service::{
        App,
        caller::Caller,
        error::ServiceError,
        set_up::{
            clients::{DRAFT, Link, Links},
            draft,
        },
        what_if,
    },
    store::Installation,
};

/// Workspaces that are looked at, at most.
const WORKSPACES_MAX: usize = 20;
/// Once so many incidents were looked at, no further workspace is begun.
const INCIDENTS_ENOUGH: u32 = 5_000;
/// Nor after so long.
const BEGUN_WITHIN: SignedDuration = SignedDuration::from_secs(20);

/// What is looked at.
enum Place<'a> {
    /// A workspace, and the policy that it would follow.
    Set(&'a Workspace, Box<Policy>),
    /// One that is chosen and not applied yet.
    Chosen(&'a Link),
}

/// Counts what the policy would do.
///
/// # Errors
/// `Forbidden`; the store cannot be read.
pub(super) async fn ask(
    app: &App,
    caller: &Caller,
    (subject, policy): (&Subject, &Policy),
    page: &mut MappingStep,
) -> Result<(), ServiceError> {
    let installation = app.installation().await?;
    let links: Links = draft::kept(app, DRAFT).await?;
    let mut places = followers(&installation, subject, policy);
    if places.is_empty() && subject.client.is_none() {
        // Nobody follows it yet: as if all did.
        places = installation.workspaces.iter().map(|row| Place::Set(row, Box::new(policy.clone()))).collect();
        page.what_if_as_if = !places.is_empty();
    }
    if places.is_empty() {
        places = links.iter().map(Place::Chosen).collect();
    }
    if places.is_empty() {
        let text = "No workspace is linked yet whose incidents could be looked at. Link one in the step before.";
        page.what_if_trouble = Some(text.to_owned());
        return Ok(());
    }
    let begun = app.clock.now();
    let mut total: Option<WhatIf> = None;
    let mut rows = Vec::with_capacity(places.len());
    for (at, place) in places.iter().enumerate() {
        let many = total.as_ref().is_some_and(|total| total.incidents >= INCIDENTS_ENOUGH);
        let late = app.clock.now().duration_since(begun) >= BEGUN_WITHIN;
        let name = match place {
            Place::Set(workspace, _) => workspace.name.clone(),
            Place::Chosen(link) => link.workspace.clone(),
        };
        let mut row = WhatIfOf { name, what: None, trouble: None };
        if at == 0 || at < WORKSPACES_MAX && !many && !late {
            let asked = match place {
                Place::Set(workspace, policy) => what_if::last_days(app, caller, workspace.id, policy).await?,
                Place::Chosen(link) => what_if::of_link(app, link, policy).await?,
            };
            match asked {
                Ok(what) => {
                    match &mut total {
                        Some(total) => total.add(&what),
                        None => total = Some(what.clone()),
                    }
                    row.what = Some(what);
                }
                Err(failure) => row.trouble = Some(failure.message),
            }
        }
        rows.push(row);
    }
    if total.is_none() {
        page.what_if_trouble = rows.iter().find_map(|row| row.trouble.clone());
    }
    page.what_if = total;
    page.what_if_of = rows;
    Ok(())
}

/// The workspaces that the policy would apply to: a client's own, else those that follow it, or a policy that builds on it.
fn followers<'a>(installation: &'a Installation, subject: &Subject, policy: &Policy) -> Vec<Place<'a>> {
    let applied = |row: &Workspace| match &subject.client {
        Some(of) => (of.owner.id == row.client).then(|| policy.clone()),
        None => followed(installation, subject.before.as_ref()?.name(), policy, row),
    };
    installation.workspaces.iter().filter_map(|row| Some(Place::Set(row, Box::new(applied(row)?)))).collect()
}

/// For whom the policy holds as soon as it is saved.
pub(super) fn holds(installation: &Installation, subject: &Subject, policy: &Policy) -> Holds {
    let mut holds = Holds::default();
    for place in followers(installation, subject, policy) {
        let Place::Set(workspace, _) = place else { continue };
        holds.workspaces += 1;
        holds.live += usize::from(workspace.mode.live());
    }
    holds
}

/// What a workspace would follow once the policy of this name says what it says now; `None` where that is another one.
fn followed(installation: &Installation, name: &str, policy: &Policy, workspace: &Workspace) -> Option<Policy> {
    let found = installation.policies.iter().find(|found| found.id == workspace.policy)?;
    if found.name == name {
        return Some(policy.clone());
    }
    let base = found.base.as_ref()?;
    let below = installation.policies.iter().find(|below| below.id == base.policy)?;
    let mut above = found.clone();
    above.inherit(policy, &base.own);
    (below.name == name).then_some(above)
}
