//! Tickets that a restored or copied database may have forgotten: looked for by what our own comments on the incident name,
//! by their references and among all that changed since the incident was made.

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        catalogue::Catalogue,
        failure::{Failure, FailureKind, Side},
        ids::TicketId,
        incident::{Evidence, Incident},
        operation::{OperationResult, OperationState},
        pair::Base,
        policy::Policy,
        reason::Reason,
        ticket::{Ticket, TicketDraft},
        workspace::Workspace,
    },
    halo_itsm::{Halo, tickets::carries},
    ledger::fact::Fact,
    outbound::budget::Class,
    planner::{
        draft,
        fields::{owner, severity, status, title},
        groups, link, mapping, push, second_writer,
    },
    store::{SituationRow, StoreError},
};

use super::{Engine, execute::Attempt, forth, halo::sight, settle};

const CLASS: Class = Class::New;
/// So many further tickets of one matter are followed in one look.
const FURTHER_MAX: usize = 5;
/// So many creations that were given up are looked for, at most.
const DEAD_MAX: u32 = 10_000;
/// A ticket waits no longer than this for comments that can't be read.
const PATIENCE: SignedDuration = SignedDuration::from_hours(1);

/// Whether what was made for this incident may have been made in a time that the database does not remember.
pub(super) fn may_be(engine: &Engine, incident: &Incident) -> bool {
    let forgotten = engine.schedule().forgotten_until;
    // Both sides' clocks may be wrong, and an incident without a time may be of any.
    let slack = SignedDuration::from_hours(1);
    forgotten.is_some_and(|until| incident.created.is_none_or(|created| created < until + slack))
}

/// What a look found.
#[derive(Default)]
pub(super) struct Found {
    /// Those that may be the one; of several a person says which is.
    pub tickets: Vec<Ticket>,
    /// It was not made for the incident: a person had linked the two, or it shared the ticket of another one.
    pub joined: bool,
    /// There is none, and the one that was named last does not exist any more.
    pub gone: Option<TicketId>,
}

/// What became of a ticket that a comment names.
enum Fate {
    There(Box<Ticket>),
    /// It was deleted, or merged into another one, and can be read still.
    Away(Box<Ticket>),
    Gone(TicketId),
}

/// Looks for the ticket that a creation may have made, or that took its place. `since`: from when on its outcome has been
/// unknown; what is old is looked for with the first of the `looks`.
pub(super) async fn tickets(
    engine: &Engine,
    row: &SituationRow,
    halo: &Halo,
    (wanted, follows): (&TicketDraft, Option<TicketId>),
    (since, looks): (Timestamp, u32),
) -> Result<Found, Failure> {
    let view = engine.registry.view();
    let Some((workspace, _, _)) = view.of_workspace(row.pair.workspace) else { return Ok(Found::default()) };
    let incident = &row.subject.incident;
    let named = if looks == 0 { named(engine, row, workspace, since).await? } else { Vec::new() };
    let first = row.pair.ticket.is_none() && wanted.reference == draft::ticket_reference(workspace, incident);
    // The ticket that this one is to follow, if it is no first one: neither that nor what came before it is meant.
    let unlinked = |ticket: &TicketId| draft::reference_after(workspace, incident, *ticket) == wanted.reference;
    let before = follows.or_else(|| named.iter().copied().find(unlinked));
    let later = |ticket: TicketId| first || before.is_some_and(|before| ticket > before);
    let further = |ticket: &Ticket| later(ticket.id) && draft::is_further(workspace, &incident.id, &named, ticket);
    let since_before = |ticket: &TicketId| before.is_some_and(|before| *ticket != before && named.contains(&before));
    let last = named.last().copied().filter(|ticket| later(*ticket) || since_before(ticket));
    let fate = match last {
        Some(ticket) => read(engine, row, halo, ticket).await?,
        None => None,
    };
    let (chosen, lost) = match fate {
        Some(Fate::There(ticket)) => (Some(*ticket), None),
        lost => (None, lost),
    };
    let own =
        |ticket: &Ticket| carries(ticket, &wanted.reference) || draft::is_for(workspace, incident, &named, ticket);
    // One that was made for another incident counts only where there is none of its own: comments move with a merge.
    let (chosen, of_others) = match chosen {
        Some(ticket) if !own(&ticket) && push::ours(&ticket).is_some() => (None, Some(ticket)),
        chosen => (chosen, None),
    };
    let (mut found, by_name) = match chosen {
        Some(ticket) => (vec![ticket], true),
        None => (searched(engine, row, halo, wanted, looks, further).await?, false),
    };
    if found.is_empty() {
        found.extend(of_others);
    }
    // What people did to it is asked about, as where nothing was forgotten: no other one is made without a word.
    match lost.filter(|_| found.is_empty()) {
        Some(Fate::Away(ticket)) if own(&ticket) || push::ours(&ticket).is_none() => found.push(*ticket),
        Some(Fate::Gone(ticket)) => return Ok(Found { gone: Some(ticket), ..Found::default() }),
        _ => {}
    }
    let mut joined = found.first().is_some_and(|ticket| !own(ticket));
    for _ in 0..FURTHER_MAX {
        let [one] = found.as_slice() else { break };
        let follows = draft::reference_following(&workspace.arm_id, &incident.id, one.id);
        let after = draft::reference_after(workspace, incident, one.id);
        let mut next = match one.closed {
            true => halo.find_by_reference(&follows, wanted.client_id, CLASS).await?,
            false => Vec::new(),
        };
        if next.is_empty() && !by_name {
            next = halo.find_by_reference(&after, wanted.client_id, CLASS).await?;
        }
        let free = settle::spare(engine, &row.pair, next.iter().map(|ticket| ticket.id).collect()).await?;
        next.retain(|ticket| free.contains(&ticket.id));
        if next.is_empty() {
            break;
        }
        (found, joined) = (next, false);
    }
    Ok(Found { tickets: found, joined, gone: None })
}

async fn searched(
    engine: &Engine,
    row: &SituationRow,
    halo: &Halo,
    wanted: &TicketDraft,
    looks: u32,
    further: impl Fn(&Ticket) -> bool,
) -> Result<Vec<Ticket>, Failure> {
    let (opened, made) = (row.pair.created, row.subject.incident.created);
    let spare = |ids| settle::spare(engine, &row.pair, ids);
    if looks > 0 {
        return halo.find_created(wanted, opened, CLASS, spare, further).await;
    }
    let since = made.map_or(opened, |made| made.min(opened));
    halo.find_forgotten(wanted, since, CLASS, spare, further).await
}

/// What became of a ticket; `None`: it belongs to somebody else.
async fn read(engine: &Engine, row: &SituationRow, halo: &Halo, ticket: TicketId) -> Result<Option<Fate>, Failure> {
    if settle::spare(engine, &row.pair, vec![ticket]).await?.is_empty() {
        return Ok(None);
    }
    match halo.ticket(ticket, CLASS).await {
        Ok(found) if found.deleted || found.merged_into.is_some() => Ok(Some(Fate::Away(Box::new(found)))),
        Ok(found) => Ok(Some(Fate::There(Box::new(found)))),
        // That one of them is not found says nothing of it then.
        Err(failure) if failure.kind == FailureKind::Gone && sight::is_lost(engine, row.pair.halo) => {
            Err(Failure { kind: FailureKind::Transient, ..failure })
        }
        Err(failure) if failure.kind == FailureKind::Gone => Ok(Some(Fate::Gone(ticket))),
        Err(failure) => Err(failure),
    }
}

/// The incident's ticket is there no more, and no other one is: the pair has lost it. Should it show again, what the two say
/// differently is asked about.
pub(super) fn gone(row: &SituationRow, ticket: TicketId) -> Attempt {
    let pair = row.pair.id;
    let mut base = forth::further(row, row.pair.base.clone());
    base.joined.extend([severity::NAME, status::NAME, owner::NAME, title::NAME].map(str::to_owned));
    let facts = vec![
        Fact::TicketLinked { pair, ticket },
        Fact::BaseAgreed { pair, base },
        Fact::RecordGone { pair, side: Side::Halo, gone: true },
    ];
    Attempt::Done(OperationResult::Ticket { ticket, settled: true }, facts, Box::default())
}

/// The tickets that comments of ours on the incident name, the last one last.
async fn named(
    engine: &Engine,
    row: &SituationRow,
    workspace: &Workspace,
    since: Timestamp,
) -> Result<Vec<TicketId>, Failure> {
    let view = engine.registry.view();
    let Some(tenant) = view.halo.get(&row.pair.halo).map(|halo| halo.tenant.as_str()) else { return Ok(Vec::new()) };
    let begun_since = {
        let schedule = engine.schedule();
        let begun = schedule.forgotten_until.is_some_and(|until| row.pair.created >= until);
        begun || !schedule.comments_forgotten(row.pair.id)
    };
    match &row.comments {
        Some(comments) if begun_since => return Ok(second_writer::named_tickets(tenant, comments)),
        None if begun_since && row.subject.incident.comments_count == 0 => return Ok(Vec::new()),
        _ => {}
    }
    let Some(at) = view.place(workspace) else { return Ok(Vec::new()) };
    let read = async {
        let sentinel = engine.registry.sentinel(workspace.connection)?;
        sentinel.comments(&at, &row.pair.incident, CLASS).await
    };
    let for_good = |kind| matches!(kind, FailureKind::Gone | FailureKind::Forbidden | FailureKind::Rejected);
    match read.await {
        Ok(comments) => Ok(second_writer::named_tickets(tenant, &comments)),
        Err(failure) if !for_good(failure.kind) && engine.now().duration_since(since) < PATIENCE => Err(failure),
        // What else tells of the ticket is looked for all the same.
        Err(failure) => {
            tracing::warn!(pair.id = %row.pair.id, error = %failure, "comments that may name a forgotten ticket could not be read");
            Ok(Vec::new())
        }
    }
}

/// Creations that a restored database knows as given up may have been tried again since: they are looked for as soon as it is
/// taken up. What is not there is given up again, in the same words, and not sent.
pub(super) async fn given_up(engine: &Engine) -> Result<(), StoreError> {
    let Some(until) = engine.forgotten_until().filter(|_| !engine.only_reads()) else { return Ok(()) };
    let now = engine.now();
    // Once: those that are given up again were so after it.
    for operation in engine.store.dead_creations(until, DEAD_MAX).await? {
        let OperationState::Dead { reason, .. } = &operation.state else { continue };
        let Some(known) = engine.known(operation.pair).await? else { continue };
        if !may_be(engine, &known.row.subject.incident) {
            continue;
        }
        let failure = operation.last_failure.clone();
        let message = match (reason, &failure) {
            (Reason::Refused { why }, _) => why.clone(),
            (_, Some(failure)) => failure.message.clone(),
            (reason, None) => reason.words(),
        };
        let failure = failure.unwrap_or_else(|| Failure::new(Side::Halo, FailureKind::Rejected, message.as_str()));
        let refused = Failure { kind: FailureKind::Rejected, message, ..failure }.looked_for_first();
        let looked_for = Fact::OperationMoved {
            operation: operation.id,
            pair: operation.pair,
            state: OperationState::OutcomeUnknown { since: now, look: now, looks: 0, failed: 0 },
            attempts: operation.attempts,
            failure: Some(refused),
        };
        engine.record(now, Some(operation.client), vec![looked_for]).await?;
        engine.kept.forget(operation.pair);
        engine.schedule().pairs.insert(operation.pair);
    }
    Ok(())
}

/// What both sides agree on where they had been joined: as with two records that a person links, or as with an incident that
/// joins the ticket of another one.
pub(super) fn joined(engine: &Engine, row: &SituationRow, attempt: Attempt) -> Attempt {
    let (result, facts, reading) = match attempt {
        Attempt::Done(result, facts, reading) => (result, facts, reading),
        attempt => return attempt,
    };
    let agreed = reading.ticket.as_ref().and_then(|ticket| shared(engine, row, ticket)).unwrap_or_else(link::base);
    let begun = |fact: Fact| match fact {
        Fact::BaseAgreed { pair, base } => {
            let Base { ticketed, replaced, left, foreign, .. } = base;
            Fact::BaseAgreed { pair, base: Base { ticketed, replaced, left, foreign, ..agreed.clone() } }
        }
        fact => fact,
    };
    Attempt::Done(result, facts.into_iter().map(begun).collect(), reading)
}

/// The same of a ticket that was made for another incident of the group.
fn shared(engine: &Engine, row: &SituationRow, ticket: &Ticket) -> Option<Base> {
    let view = engine.registry.view();
    let (_, _, policy) = view.of_workspace(row.pair.workspace)?;
    let catalogue = engine.registry.catalogue(row.pair.halo)?;
    if row.pair.group.is_none() || push::ours(ticket).is_none() || !settle::at_home(row, ticket) {
        return None;
    }
    let read = (&row.subject.incident, row.evidence.as_ref());
    Some(Base { alerts: row.pair.base.alerts.clone(), ..again(policy, &catalogue, read, ticket) })
}

/// What an incident and a ticket agree on that it was on before. Whether a closing of the ticket was meant for it nobody
/// knows: it is asked about.
pub(super) fn again(
    policy: &Policy,
    catalogue: &Catalogue,
    (incident, evidence): (&Incident, Option<&Evidence>),
    ticket: &Ticket,
) -> Base {
    let mut base = groups::base_of_joined(policy, catalogue, (incident, evidence), ticket);
    if !incident.closed() && mapping::ticket_closed(policy, catalogue, ticket) {
        base.joined.insert(status::NAME.to_owned());
    }
    base
}
