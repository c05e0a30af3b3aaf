//! Tickets that webhooks named, and that a rule of the policy pushes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::{
    domain::{
        failure::{Failure, FailureKind},
        ids::{ClientId, ConnectionId, TicketId},
        pair::Pair,
        workspace::Workspace,
    },
    engine::{
        Engine,
        registry::{View, wait_for_catalogue},
    },
    halo_itsm::Halo,
    ledger::fact::Fact,
    outbound::budget::Class,
    planner::push,
    store::{Request, StoreError},
};

use super::{PUSH, joined, kept};

/// Tickets read for one webhook's sake at most; what is above waits for the next poll.
const READ_MAX: usize = 20;
/// Where none of a poll's could be read, so many are asked for.
const FAILED_MAX: usize = 3;

/// Tickets that webhooks named: those that a policy pushes are asked for to be pushed, as if a person had. What is not
/// pushed though a policy says so is told among the pushes, with the remedy; what could not be looked at yet waits.
pub(in crate::engine) async fn announced(
    engine: &Engine,
    halo: &Halo,
    named: &BTreeSet<TicketId>,
) -> Result<(), StoreError> {
    let later = look(engine, halo, named).await?;
    kept::looked_at(engine, halo.connection().id, named, later).await
}

/// Workspaces whose clients have their tickets in this instance, by the client's number there, where a policy pushes any.
pub(super) fn rules(view: &View, connection: ConnectionId) -> BTreeMap<i64, Vec<&Workspace>> {
    let mut rules: BTreeMap<i64, Vec<&Workspace>> = BTreeMap::new();
    for workspace in view.workspaces.values().filter(|workspace| push::allowed(workspace.mode).is_ok()) {
        let Some((_, client, _)) = view.of_workspace(workspace.id) else { continue };
        if let Some(binding) = client.halo.as_ref().filter(|binding| binding.connection == connection) {
            rules.entry(binding.halo_client_id).or_default().push(workspace);
        }
    }
    rules
        .retain(|_, workspaces| workspaces.iter().any(|w| view.of_workspace(w.id).is_some_and(|(.., p)| p.push.any())));
    rules
}

/// Looks at each that is not linked, and gives those that could not be looked at: with the next poll.
async fn look(engine: &Engine, halo: &Halo, named: &BTreeSet<TicketId>) -> Result<BTreeSet<TicketId>, StoreError> {
    let view = engine.registry.view();
    let connection = halo.connection().id;
    let rules = rules(&view, connection);
    if rules.is_empty() {
        return Ok(BTreeSet::new());
    }
    let Some(catalogue) = wait_for_catalogue(engine, connection) else {
        // What a policy calls by name is not known yet.
        return Ok(named.clone());
    };
    let ids: Vec<TicketId> = named.iter().copied().collect();
    let paired = engine.store.pairs_of_tickets(connection, &ids).await?;
    let (free, mut later) = due(engine, connection, ids, &paired);
    let (mut reads, mut read_well, mut failed, mut left) = (0, false, 0, Vec::new());
    for ticket in free {
        if reads >= READ_MAX || !read_well && failed >= FAILED_MAX {
            left.push(ticket);
            continue;
        }
        reads += 1;
        let read = async {
            let record = halo.ticket(ticket, Class::Comment).await?;
            Ok((record, halo.actions(ticket, Class::Comment).await?))
        };
        let (record, actions) = match read.await {
            Ok(found) => {
                read_well = true;
                engine.schedule().named.ticket_settled((connection, ticket));
                found
            }
            Err(failure) => {
                let failure: Failure = failure;
                let again = failure.retryable() || failure.kind == FailureKind::SignInAgain;
                failed += usize::from(again);
                if again && !given_up(engine, (connection, ticket), &failure) {
                    later.insert(ticket);
                    continue;
                }
                engine.schedule().named.ticket_settled((connection, ticket));
                if failure.kind != FailureKind::Gone {
                    // Whose ticket it is would have been read with it.
                    let clients: BTreeSet<ClientId> =
                        rules.values().flatten().map(|workspace| workspace.client).collect();
                    let client = clients.first().filter(|_| clients.len() == 1);
                    unreadable(engine, connection, client, ticket, &failure).await?;
                }
                continue;
            }
        };
        let Some(workspaces) = record.client_id.and_then(|id| rules.get(&id)) else { continue };
        let pushed = |workspace: &&&Workspace| {
            let found = view.of_workspace(workspace.id);
            found.is_some_and(|(.., policy)| push::wanted(policy, &catalogue, &record, &actions))
        };
        let Some(workspace) = workspaces.iter().find(pushed) else { continue };
        let Some((_, client, policy)) = view.of_workspace(workspace.id) else { continue };
        if under_way(engine, workspaces, ticket).await? {
            continue;
        }
        let about = format!("{connection}/{ticket}");
        if let Some(why) = unlinked(engine, connection, ticket).await? {
            let detail = json!({ "ticket": ticket, "client": client.id, "by": "policy", "about": about });
            not_pushed(engine, &about, ticket, &detail, why).await?;
            continue;
        }
        if workspaces.len() > 1 {
            let detail = json!({ "ticket": ticket, "client": client.id, "by": "policy", "about": about });
            let why = format!(
                "The policy pushes it, but its client has {} workspaces in two-way mode, and nothing says to which of them it \
                 belongs. Push it by hand to the right one.",
                workspaces.len()
            );
            not_pushed(engine, &about, ticket, &detail, &why).await?;
            continue;
        }
        let detail = json!({
            "workspace": workspace.id, "ticket": ticket, "client": client.id, "halo": connection, "by": "policy",
            "about": about,
        });
        if !policy.push.although_joined && joined(&engine.store, workspace).await? {
            let why = "The policy pushes it, but the workspace is joined to Defender, whose portal does not show incidents \
                       made through the API. Push it by hand with “Push it all the same”, or set “although_joined” in the \
                       policy's “push”.";
            not_pushed(engine, &about, ticket, &detail, why).await?;
            continue;
        }
        engine.store.ask(engine.now(), PUSH, &detail).await?;
        engine.schedule().intake_waits = true;
        engine.wake();
    }
    // The next poll is hastened only for the sake of what it will hardly meet in vain.
    if read_well && !left.is_empty() {
        engine.schedule().tickets.entry(connection).or_default().extend(left);
    } else {
        later.extend(left);
    }
    Ok(later)
}

/// Those of the named tickets that belong to no pair: first those that are to be read, the least tried before the others,
/// then those whose time has not come yet.
fn due(
    engine: &Engine,
    connection: ConnectionId,
    named: Vec<TicketId>,
    paired: &BTreeMap<TicketId, Vec<Pair>>,
) -> (Vec<TicketId>, BTreeSet<TicketId>) {
    let (mut ready, mut later) = (Vec::new(), BTreeSet::new());
    let now = engine.now();
    let mut schedule = engine.schedule();
    for ticket in named {
        if paired.contains_key(&ticket) {
            schedule.named.ticket_settled((connection, ticket));
            continue;
        }
        match schedule.named.ticket_tried((connection, ticket), now) {
            Some(times) => ready.push((times, ticket)),
            None => {
                later.insert(ticket);
            }
        }
    }
    drop(schedule);
    ready.sort_unstable();
    (ready.into_iter().map(|(_, ticket)| ticket).collect(), later)
}

/// Whether a ticket could not be read for so long that it is told. The list of changed tickets is read: the instance
/// answers. What waits for its time, or for a person who signs in, is no matter of the ticket's.
fn given_up(engine: &Engine, at: (ConnectionId, TicketId), failure: &Failure) -> bool {
    let waits = matches!(failure.kind, FailureKind::WaitUntil { .. } | FailureKind::SignInAgain);
    !waits && engine.schedule().named.ticket_unread(at, engine.now())
}

/// Whether a push of a ticket to one of these workspaces has been asked for and is not settled yet.
async fn under_way(engine: &Engine, workspaces: &[&Workspace], ticket: TicketId) -> Result<bool, StoreError> {
    for workspace in workspaces {
        if super::under_way(engine, workspace.id, ticket).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Unlinkings from tickets of one number that are looked through: several Halo instances may have it.
const OF_NUMBER: u32 = 20;

/// Why no policy pushes a ticket that a person unlinked: what they took apart stays apart until a person says otherwise.
async fn unlinked(
    engine: &Engine,
    connection: ConnectionId,
    ticket: TicketId,
) -> Result<Option<&'static str>, StoreError> {
    for unlinking in engine.store.unlinked_from(ticket, OF_NUMBER).await? {
        let Some(pair) = unlinking.entry.pair else { continue };
        let opened = engine.store.pair_opened(pair).await?.and_then(|item| item.fact);
        let Some(Fact::PairOpened { pair }) = opened else { continue };
        if pair.halo != connection {
            continue;
        }
        return Ok(Some(match pair.ticket {
            Some(_) => "The policy pushes it, but a person unlinked it. Push it by hand if it is wanted.",
            // Whether or not its text says so still.
            None => {
                "The policy pushes it, but it was made here for an incident, and a person unlinked it. Link it to that \
                 incident if it is wanted: pushed, it would be a second incident."
            }
        }));
    }
    Ok(None)
}

/// Tells among the pushes that a ticket was not pushed though a policy says so: in one line about each, however often
/// webhooks name it.
async fn not_pushed(
    engine: &Engine,
    about: &str,
    ticket: TicketId,
    detail: &Value,
    why: &str,
) -> Result<(), StoreError> {
    let before = refused_before(engine, about).await?;
    if before.as_ref().and_then(said) == Some(why) {
        return Ok(());
    }
    tracing::warn!(ticket = %ticket, "a ticket that a webhook named was not pushed: {why}");
    let before = before.map(|before| before.id);
    engine.store.told(engine.now(), PUSH, before, detail, &json!({ "error": why })).await
}

/// The line that tells why something was not pushed. What was pushed is a line of its own.
pub(super) async fn refused_before(engine: &Engine, about: &str) -> Result<Option<Request>, StoreError> {
    let before = engine.store.told_before(PUSH, about).await?;
    Ok(before.filter(|before| said(before).is_some()))
}

/// What was told.
fn said(told: &Request) -> Option<&str> {
    told.result.as_ref()?.get("error")?.as_str()
}

/// Tickets that are named in the line about those that could not be read.
const UNREADABLE_MAX: usize = 200;
/// Of these, so many in its words.
const SHOWN_MAX: usize = 10;

/// Tells among the pushes that a ticket could not be read. What keeps one from being read keeps many: all of an instance's
/// are one line, of which the newest is the first.
async fn unreadable(
    engine: &Engine,
    connection: ConnectionId,
    client: Option<&ClientId>,
    ticket: TicketId,
    failure: &Failure,
) -> Result<(), StoreError> {
    let about = format!("{connection}/unreadable");
    let before = engine.store.told_before(PUSH, &about).await?;
    let known = before.as_ref().and_then(|before| before.detail.get("tickets")).and_then(Value::as_array);
    let mut others: Vec<i64> = known.into_iter().flatten().filter_map(Value::as_i64).collect();
    if others.contains(&ticket.0) {
        return Ok(());
    }
    // The oldest make room.
    others.truncate(UNREADABLE_MAX - 1);
    let text = match others.len() {
        0 => format!(
            "A webhook named it, and whether the policy pushes it could not be read. {} If it is to be an incident, push it \
             by hand then.",
            failure.message
        ),
        count => {
            let shown: Vec<String> = others.iter().take(SHOWN_MAX).map(ToString::to_string).collect();
            let more = if count > SHOWN_MAX { ", …" } else { "" };
            format!(
                "Webhooks named it and {count} more ({}{more}), and whether the policy pushes them could not be read. {} \
                 Those that are to be incidents, push by hand then.",
                shown.join(", "),
                failure.message
            )
        }
    };
    others.insert(0, ticket.0);
    let detail = json!({ "ticket": ticket, "tickets": others, "client": client, "by": "policy", "about": about });
    not_pushed(engine, &about, ticket, &detail, &text).await
}
