//! Pushing a ticket to Sentinel, as a person, a program or a rule of the policy asked: the pair is opened with the write that
//! makes its incident in its queue, and what asked is answered once that is done or given up. The incident's id is derived
//! from the ticket, so that a lost answer, a crash or a second press makes no second one.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    domain::{
        approval::WriteKind,
        client::Client,
        failure::{Failure, FailureKind},
        ids::{IncidentId, OperationId, PairId, TicketId, WorkspaceId},
        operation::{Operation, OperationKind, OperationState},
        pair::{Health, Pair},
        reason::Reason,
        workspace::Workspace,
    },
    ledger::fact::Fact,
    outbound::budget::Class,
    planner::{draft, link, observed::Reading, push},
    store::{Request, Store, StoreError},
};

use super::{Engine, digest, known::Known, newcomer, registry::wait_for_catalogue, revive};

mod announced;
#[doc(hidden)]
pub mod kept;
mod waits;

pub(super) use announced::announced;
pub use waits::Waits;
pub(super) use waits::waiting;

/// Kind of the request for a push; its detail names `workspace` and `ticket`, and the `client` and the Halo connection
/// (`halo`) that the workspace had then.
pub const PUSH: &str = "push";
/// Member of the request's detail: the pair that was opened for it, or that it asked for again.
pub const OPENED: &str = "pair";
/// A push that cannot be carried out now is tried again after this long, and then less often.
const AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// Why a push waits for somebody who resumes it.
const PAUSED: &str = "Its client or one of its connections is paused: it goes on when that is resumed.";

/// What a try came to.
enum Tried {
    /// The ticket has this pair, and its incident is there; whether this request made it.
    Paired(PairId, bool),
    /// It can't be: one sentence with the remedy.
    Refused(String),
    /// Sentinel refused the incident: a dead letter of the pair, until somebody asks for it again.
    Dead(String),
    /// Not now.
    Later(Failure),
    /// The making of the incident stands in this pair's queue, and why it is not done yet.
    Queued(PairId, String),
    /// Not before something else was read, or what is paused is resumed: this, in a sentence.
    Wait(&'static str),
}

/// Carries out a push whose time has come, and answers it once it is settled.
pub(super) async fn run(engine: &Engine, request: &Request) -> Result<(), StoreError> {
    let now = engine.now();
    // Before it is looked at: what moves meanwhile asks for another look.
    let seen = engine.store.last_recorded();
    let wait = |found: waits::Found| waits::wait(engine, request.id, seen, found);
    if engine.only_reads() {
        let why = "This installation writes nothing until somebody has confirmed that it is the one that runs.";
        wait(waits::Found { first: waits::LONGEST, ..waits::Found::of(why) });
        return Ok(());
    }
    let asked = |name: &str| request.detail.get(name).cloned().unwrap_or(Value::Null);
    let (workspace, ticket) = (serde_json::from_value(asked("workspace")), serde_json::from_value(asked("ticket")));
    let (Ok(workspace), Ok(ticket)) = (workspace, ticket) else {
        let error = json!({ "error": "The request names no workspace and ticket." });
        return engine.store.answered(now, request.id, &error).await;
    };
    let answer = match push(engine, request, workspace, ticket).await? {
        Tried::Paired(pair, made) => json!({ "pair": pair, "made": made }),
        Tried::Refused(why) => json!({ "error": why }),
        Tried::Dead(why) => json!({ "error": why, "again": true }),
        Tried::Later(failure) => {
            tracing::warn!(workspace.id = %workspace, ticket = %ticket, error = %failure, "a ticket could not be pushed; it is tried again");
            let kind = failure.kind;
            let found = waits::Found::of(failure.message);
            wait(match kind {
                FailureKind::WaitUntil { at } => waits::Found { told: Some(at), ..found },
                _ => waits::Found { first: AGAIN, ..found },
            });
            return Ok(());
        }
        Tried::Queued(pair, why) => {
            let opened = engine.store.pair(pair).await?.map(|opened| (opened.id, opened.incident));
            wait(waits::Found { pair: opened, ..waits::Found::of(why) });
            return Ok(());
        }
        Tried::Wait(why) => {
            wait(waits::Found::of(why));
            return Ok(());
        }
    };
    engine.schedule().pushes.remove(&request.id);
    // A policy asks anew whenever a webhook names the ticket: why it can't be is one line all the same.
    let about = request.detail.get("about").and_then(Value::as_str).filter(|_| answer.get("error").is_some());
    let before = match about {
        Some(about) => announced::refused_before(engine, about).await?.map(|before| before.id),
        None => None,
    };
    engine.store.answered_in_place(engine.now(), request.id, before, &answer).await
}

/// Something became of the write that makes a pair's incident: whoever asked for it hears that at once.
pub(super) fn went_on(engine: &Engine, pair: PairId) {
    let mut schedule = engine.schedule();
    schedule.pushes.retain(|_, waits| waits.pair.as_ref().is_none_or(|(of, _)| *of != pair));
    schedule.intake_waits = true;
    drop(schedule);
    engine.wake();
}

async fn push(
    engine: &Engine,
    request: &Request,
    workspace: WorkspaceId,
    ticket: TicketId,
) -> Result<Tried, StoreError> {
    let refused = |why: &str| Ok(Tried::Refused(why.to_owned()));
    let view = engine.registry.view();
    let Some((workspace, client, policy)) = view.of_workspace(workspace) else {
        return refused("The workspace is not configured any more.");
    };
    if let Err(why) = push::allowed(workspace.mode) {
        return Ok(Tried::Refused(why));
    }
    if asked_elsewhere(request, client) {
        return match opened_for(request) {
            Some(pair) if engine.store.pair(pair).await?.is_some() => opened_before(engine, request, pair).await,
            _ => refused(ELSEWHERE),
        };
    }
    let (Some(binding), Some(at)) = (client.halo.clone(), view.place(workspace)) else {
        return refused("The client has no Halo client yet. Give it one, then push.");
    };
    let Some(instance) = view.halo.get(&binding.connection) else {
        return refused("The Halo connection is not configured any more.");
    };
    let id = IncidentId::pushed(&instance.tenant, ticket);
    let pairs = engine.store.pairs_of_ticket(binding.connection, ticket).await?;
    let own = |pair: &&Pair| (pair.workspace, pair.client) == (workspace.id, client.id) && pair.incident == id;
    if let Some(own) = pairs.iter().find(own) {
        return opened_before(engine, request, own.id).await;
    }
    if request.detail.get(OPENED).is_some() && unlinked(engine, workspace.id, &id).await? {
        return refused("Its pair was unlinked before its incident was made. Push the ticket again if it is wanted.");
    }
    if engine.paused_for(client.id, [binding.connection, workspace.connection]) {
        return Ok(Tried::Wait(PAUSED));
    }
    let Some(catalogue) = wait_for_catalogue(engine, binding.connection) else {
        return Ok(Tried::Wait("What Halo's values are called has not been read yet."));
    };
    let (halo, sentinel) =
        match (engine.registry.halo(binding.connection), engine.registry.sentinel(workspace.connection)) {
            (Ok(halo), Ok(sentinel)) => (halo, sentinel),
            (Err(failure), _) | (_, Err(failure)) => return Ok(Tried::Later(failure)),
        };
    let read = async {
        let record = halo.ticket(ticket, Class::Interactive).await?;
        Ok((record, halo.actions(ticket, Class::Interactive).await?))
    };
    let (record, actions) = match read.await {
        Ok(found) => found,
        Err(failure) => return Ok(settled(failure, &link::not_there(ticket))),
    };
    if let Err(why) = link::joinable(&record, binding.halo_client_id, !pairs.is_empty()) {
        return Ok(Tried::Refused(why));
    }
    let drafted =
        match push::draft(&instance.tenant, &record, instance.ticket_url_base().as_deref(), policy, &catalogue) {
            Ok(drafted) => drafted,
            Err(reason) => {
                let why = format!(
                    "{} {}",
                    reason.words(),
                    "Map the ticket's priority in the policy's “priorities_back”, then push."
                );
                return Ok(Tried::Refused(why));
            }
        };
    // What an earlier try made is taken as it is: people may have worked on it since.
    let there = match sentinel.incident(&at, &id, Class::Interactive).await {
        Ok(there) => Some(there),
        Err(failure) if failure.kind == FailureKind::Gone => None,
        Err(failure) => return Ok(settled(failure, "The workspace does not exist (any more).")),
    };
    if let (None, Err(why)) = (&there, push::open(policy, &catalogue, &record)) {
        return Ok(Tried::Refused(why));
    }
    let _lane = engine.lanes.newcomers(workspace.id).await;
    let now = engine.now();
    // A poll may have met it first, and linked it to this ticket under this lane.
    if let Some(known) = engine.store.pair_of_incident(workspace.id, &id).await? {
        return Ok(match known.ticket {
            Some(its) if its == ticket => match opened_before(engine, request, known.id).await? {
                Tried::Paired(pair, _) => Tried::Paired(pair, true),
                tried => tried,
            },
            Some(its) => Tried::Refused(format!(
                "The pushed incident has ticket {its} by now. Unlink it there, then push again."
            )),
            None => Tried::Refused("The pushed incident is linked by now. Unlink it there, then push again.".into()),
        });
    }
    // Nor is it free for ever: a person may have linked it since it was looked for, in another workspace too.
    let linking = engine.lanes.ticket(ticket).await;
    let taken = !engine.store.pairs_of_ticket(binding.connection, ticket).await?.is_empty();
    if let Err(why) = link::joinable(&record, binding.halo_client_id, taken) {
        return Ok(Tried::Refused(why));
    }
    let (pair_id, made) = (PairId(engine.ids.uuid_v7(now)), there.is_some());
    let incident = there.unwrap_or(drafted);
    let asks = policy.approve.contains(&WriteKind::Push);
    let operation = (!made && !asks).then(|| Operation {
        id: OperationId(engine.ids.uuid_v7(now)),
        client: client.id,
        pair: pair_id,
        position: 1,
        kind: OperationKind::CreateIncident { incident: Box::new(incident.clone()) },
        reason: Reason::Pushed,
        state: OperationState::Planned { ready: now },
        attempts: 0,
        last_failure: None,
        planned: now,
    });
    let reference = draft::ticket_reference(workspace, &incident);
    // An incident that is there says what people left it at, which need not be what the ticket says by now.
    let base = if made { link::base() } else { push::base(policy, &catalogue, &incident, &record) };
    let begun = newcomer::opened(pair_id, workspace, &binding, id, reference, base, now);
    let pair = Pair { ticket: Some(ticket), reason: (!made).then_some(Reason::Pushed), ..begun };
    let comments = (incident.comments_count == 0).then(Vec::new);
    let mut facts = vec![
        Fact::IncidentRead { workspace: workspace.id, client: client.id, incident: Box::new(incident) },
        Fact::PairOpened { pair: Box::new(pair) },
        Fact::TicketRead { pair: pair_id, ticket: Box::new(record) },
        Fact::ActionsRead { pair: pair_id, actions },
    ];
    facts.extend(comments.map(|comments| Fact::CommentsRead { pair: pair_id, comments }));
    facts.extend(operation.map(|operation| Fact::OperationPlanned { operation: Box::new(operation) }));
    engine.record(now, Some(client.id), facts).await?;
    drop(linking);
    if !made {
        opens(engine, request, pair_id).await?;
    }
    if made || asks {
        digest::pair(engine, pair_id, Vec::new(), Reading::default()).await?;
        return Ok(if made { Tried::Paired(pair_id, true) } else { Tried::Queued(pair_id, APPROVAL.to_owned()) });
    }
    {
        let mut schedule = engine.schedule();
        // Somebody waits for it.
        schedule.queue.freshen(pair_id, now);
        schedule.pair_due(pair_id, now, now);
    }
    engine.wake();
    Ok(Tried::Queued(pair_id, NEXT.to_owned()))
}

/// Why a push is not carried out for another client than it was asked for.
const ELSEWHERE: &str = "The workspace was given to another client, or its client got another Halo instance, since this was asked for. Push the ticket again if it is wanted.";

/// Whether a push was asked for while the workspace was another client's, or that had its tickets in another instance: what
/// the number meant there it does not mean here.
fn asked_elsewhere(request: &Request, client: &Client) -> bool {
    let told = |name: &str| request.detail.get(name).filter(|told| !told.is_null());
    let halo = client.halo.as_ref().map(|binding| json!(binding.connection));
    told("client").is_some_and(|told| *told != json!(client.id))
        || told("halo").zip(halo).is_some_and(|(told, halo)| *told != halo)
}

/// The pair that a request opened, or asked for again.
fn opened_for(request: &Request) -> Option<PairId> {
    request.detail.get(OPENED).and_then(|pair| serde_json::from_value(pair.clone()).ok())
}

/// What a push waits for that nothing stands in the way of.
const NEXT: &str = "Its incident is made next.";
/// Why a push waits that the policy puts behind a person.
const APPROVAL: &str = "It waits for a person's approval.";

/// Notes with a request the pair that is opened for it.
async fn opens(engine: &Engine, request: &Request, pair: PairId) -> Result<(), StoreError> {
    let mut detail = request.detail.clone();
    if let Some(members) = detail.as_object_mut() {
        // Older versions kept the incident there, and wrote it without an operation.
        members.remove("incident");
        members.insert(OPENED.to_owned(), json!(pair));
    }
    engine.store.request_opens(request.id, &detail).await
}

/// Whether a person took the pair of an incident apart.
async fn unlinked(engine: &Engine, workspace: WorkspaceId, incident: &IncidentId) -> Result<bool, StoreError> {
    let subject = engine.store.subject(workspace, incident).await?;
    Ok(subject.is_some_and(|subject| matches!(subject.held, Some(Reason::Unlinked { .. }))))
}

/// How the pair stands that a ticket was pushed into, by this request or by an earlier one. What that one gave up is asked
/// for again.
async fn opened_before(engine: &Engine, request: &Request, pair: PairId) -> Result<Tried, StoreError> {
    let Some(Known { row, .. }) = engine.known(pair).await? else {
        return Ok(Tried::Wait("Its pair has just been unlinked."));
    };
    let own = request.detail.get(OPENED) == Some(&json!(pair));
    if !row.subject.incident.drafted() {
        return Ok(Tried::Paired(pair, own));
    }
    let Some(operation) = row.operations.iter().find(|operation| operation.kind.makes_incident()) else {
        // Nothing makes it: its pair says why, or it is planned with its next reading.
        return Ok(match (row.pair.health, &row.pair.reason) {
            (_, Some(Reason::AwaitsApproval { .. })) => Tried::Queued(pair, APPROVAL.to_owned()),
            (_, Some(reason @ Reason::Rejected { .. })) => Tried::Refused(reason.words()),
            (Health::NeedsYou, Some(reason)) => {
                let words = [Some(reason.words()), reason.remedy()].into_iter().flatten();
                Tried::Refused(words.collect::<Vec<_>>().join(" "))
            }
            _ => Tried::Queued(pair, NEXT.to_owned()),
        });
    };
    match &operation.state {
        OperationState::Dead { reason, .. } if own => Ok(Tried::Dead(reason.words())),
        OperationState::Dropped { .. } if own => {
            Ok(Tried::Refused("A person dropped it. Push the ticket again if it is wanted after all.".to_owned()))
        }
        OperationState::Dead { .. } | OperationState::Dropped { .. } => {
            opens(engine, request, pair).await?;
            revive::run(engine, operation.id).await?;
            Ok(Tried::Queued(pair, NEXT.to_owned()))
        }
        _ if engine.paused(&row.pair) => Ok(Tried::Queued(pair, PAUSED.to_owned())),
        _ => {
            let why = operation.last_failure.as_ref().map_or_else(|| NEXT.to_owned(), |failed| failed.message.clone());
            Ok(Tried::Queued(pair, why))
        }
    }
}

/// Whether a push of this ticket to this workspace has been asked for and is not settled yet.
pub(super) async fn under_way(engine: &Engine, workspace: WorkspaceId, ticket: TicketId) -> Result<bool, StoreError> {
    Ok(engine.store.open_request(PUSH, workspace, ticket).await?.is_some())
}

/// A failure that only a person can remove is the answer; the rest is tried again.
fn settled(failure: Failure, gone: &str) -> Tried {
    match failure.kind {
        FailureKind::Gone => Tried::Refused(gone.to_owned()),
        FailureKind::Rejected | FailureKind::Forbidden => Tried::Refused(failure.message),
        _ => Tried::Later(failure),
    }
}

/// Whether a workspace is joined to the Defender portal, as far as its settings and its recent incidents tell. Those that
/// were pushed, or are older than the joining, are not Defender's and say nothing.
///
/// # Errors
/// What the store says.
pub async fn joined(store: &Store, workspace: &Workspace) -> Result<bool, StoreError> {
    Ok(push::joined(workspace, None) || store.recent_of_provider(workspace.id, push::DEFENDER).await?)
}
