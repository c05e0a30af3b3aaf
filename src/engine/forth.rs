//! Writing to Halo: a ticket, a note, a change of a ticket. What may stand there already is looked for first.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        ids::{PairId, TicketId},
        operation::{Operation, OperationKind, OperationResult},
        pair::Base,
        pause::PauseScope,
        reason::Reason,
        ticket::{Action, NoteDraft, Ticket, TicketChange, TicketDraft},
    },
    halo_itsm::Halo,
    ledger::fact::Fact,
    outbound::budget::Class,
    planner::{
        agreed, alerts, mapping, notes,
        observed::{Reading, found_note, older},
        sent::{self, Found},
    },
    store::{SituationRow, StoreError},
};

use super::{Engine, back, digest::observed, execute::Attempt, forgotten, pauses, second_writer, settle};

/// How long after a record was made "not found" does not prove that it is gone.
pub(super) const MAY_NOT_SHOW_YET: SignedDuration = SignedDuration::from_mins(5);
/// A record that is made so soon after its pair is as old as that.
pub(super) const AT_ONCE: SignedDuration = SignedDuration::from_mins(1);
/// Who waits longer than this for an answer looks whether it is still the newest that is known.
const SLOW: SignedDuration = SignedDuration::from_secs(2);

/// Makes a ticket.
pub(super) async fn create(
    engine: &Engine,
    row: &SituationRow,
    halo: &Arc<Halo>,
    draft: &TicketDraft,
    class: Class,
) -> Attempt {
    let client = PauseScope::Client { id: row.pair.client };
    if let Some(failure) = no_such_client(engine, row, draft) {
        if failure.kind == FailureKind::Transient {
            return Attempt::Failed(failure);
        }
        let why = failure.message.clone();
        pauses::hold(engine, client, failure).await;
        return Attempt::Stale(why, Box::default());
    }
    let made = match halo.make_ticket(draft, class).await {
        Ok(made) => made,
        Err(failure) => return Attempt::Failed(failure),
    };
    match number_taken(engine, row, made.ticket.id).await {
        Ok(None) => {}
        Ok(Some(failure)) => {
            pauses::hold(engine, PauseScope::Connection { id: row.pair.halo }, failure.clone()).await;
            return Attempt::Failed(failure);
        }
        // It is there, and looked for like one whose answer was lost.
        Err(error) => {
            let message = crate::telemetry::chain(&error);
            return Attempt::Failed(Failure::new(Side::Halo, FailureKind::Unknown, message));
        }
    }
    if made.misplaced {
        pauses::hold(engine, client, misplaced(&made.ticket, draft)).await;
    }
    ticket_made(engine, row, made.ticket, draft, false)
}

/// What is to be said where Halo has no client of this id: it would put the tickets on "Unknown", one for each incident.
/// Look-ups from before the configuration changed last are read anew before they are believed.
fn no_such_client(engine: &Engine, row: &SituationRow, draft: &TicketDraft) -> Option<Failure> {
    let halo = row.pair.halo;
    let read = engine.schedule().catalogues.get(&halo).is_some_and(|standing| {
        standing.last_success.is_some() && standing.last_failure.is_none() && !standing.doubted
    });
    let catalogue = engine.registry.catalogue(halo)?;
    if catalogue.may_have_client(draft.client_id) {
        return None;
    }
    if !read {
        let message = format!(
            "Halo had no client {} when its clients were last read: they are read anew first.",
            draft.client_id
        );
        return Some(Failure::new(Side::Halo, FailureKind::Transient, message));
    }
    let message = format!(
        "Halo has no active client {}, so no ticket is made for it. Choose the client's Halo client id anew; or activate that client in Halo, and this goes on by itself within an hour.",
        draft.client_id
    );
    let code = Some(pauses::NO_SUCH_CLIENT.to_owned());
    Some(Failure { code, ..Failure::new(Side::Halo, FailureKind::Rejected, message) })
}

/// What is to be said of a ticket that Halo put on another client as it was made: the next ones would follow it.
fn misplaced(ticket: &Ticket, draft: &TicketDraft) -> Failure {
    let message = format!(
        "Halo put ticket {} on another client than {}, which was asked for. Correct the client's Halo client id, or the rule in Halo that moves its tickets; move the ticket to its client.",
        ticket.id, draft.client_id
    );
    Failure::new(Side::Halo, FailureKind::Rejected, message)
}

/// What is to be said of a new ticket whose number another pair has: Halo hands numbers out once, so it has gone back
/// (a backup, a new database) and the other pair's ticket is not there any more. Those of a group share theirs.
async fn number_taken(engine: &Engine, row: &SituationRow, ticket: TicketId) -> Result<Option<Failure>, StoreError> {
    let mut holders = engine.store.pairs_of_tickets(row.pair.halo, &[ticket]).await?;
    let holders = holders.remove(&ticket).unwrap_or_default();
    let mate = |id: PairId| row.mates.iter().any(|mate| mate.pair == id);
    if holders.iter().all(|other| other.id == row.pair.id || mate(other.id)) {
        return Ok(None);
    }
    let message = format!(
        "Halo gave a new ticket the number {ticket}, which another incident's ticket has: Halo has gone back (a backup was restored, or it was begun anew), and tickets that are linked here are not there any more or are others. Unlink their pairs, the one of ticket {ticket} first, or restore Halo to where it was; then press “Resume”."
    );
    Ok(Some(Failure::new(Side::Halo, FailureKind::Unknown, message).of_number_taken()))
}

/// The ticket is there: link it and take its values as agreed. One that landed on another client is a person's to move.
/// `settled`: it was found by looking, its answer is lost.
pub(super) fn ticket_made(
    engine: &Engine,
    row: &SituationRow,
    ticket: Ticket,
    draft: &TicketDraft,
    settled: bool,
) -> Attempt {
    let view = engine.registry.view();
    let mut base = row.pair.base.clone();
    let found = settled && may_be_forgotten(engine, row);
    let catalogue = engine.registry.catalogue(row.pair.halo);
    let base = match (view.of_workspace(row.pair.workspace), &catalogue) {
        (Some((_, _, policy)), Some(catalogue)) => {
            let closed = mapping::ticket_closed(policy, catalogue, &ticket);
            if !found {
                // It may have been drafted anew since the pair was opened.
                agreed::without_holes(&mut base, policy, catalogue, draft, &row.subject.incident);
            }
            match settled {
                true if found => agreed::with_found(base, policy, catalogue, &row.subject.incident, &ticket, closed),
                true => agreed::with_settled(base, draft, &ticket),
                false => agreed::with_answer(base, draft, &ticket, catalogue.own_agent_id),
            }
        }
        _ => agreed::with_ticket(base, &ticket, ticket.closed),
    };
    let (id, pair) = (ticket.id, row.pair.id);
    let mut base = further(row, base);
    // A subject that it was given at another client is not for those who read the pair.
    let drafted = |summary: &String| notes::words::letters(summary) == notes::words::letters(&draft.summary);
    if !settle::at_home(row, &ticket) && !base.summary.as_ref().is_some_and(drafted) {
        base.summary = None;
    }
    if let (Some((_, _, policy)), Some(catalogue)) = (view.of_workspace(row.pair.workspace), &catalogue) {
        agreed::note_birth(&mut base, policy, catalogue, draft, &ticket, settled);
        if !found {
            crate::planner::fields::once::given(&mut base, policy, catalogue, draft, &ticket, settled);
        }
    }
    let now = engine.now();
    if now.duration_since(row.pair.created) > AT_ONCE {
        base.ticketed = Some(now);
    }
    let facts = vec![Fact::TicketLinked { pair, ticket: id }, Fact::BaseAgreed { pair, base }];
    // A create's answer is the ticket as it was born: nobody has written in it, and what comes later moves its times. Where
    // a rule of Halo wrote in it before the answer came, its notes are read with its next row.
    let written = settled || engine.schedule().written_at_birth(row.pair.halo, &ticket);
    let actions = (!written && ticket.warning.is_none()).then(Vec::new);
    let reading = Reading { ticket: Some(ticket), actions, ..Reading::default() };
    Attempt::Done(OperationResult::Ticket { ticket: id, settled }, facts, Box::new(reading))
}

/// A further ticket of a pair was written from all that is known by then; what had crossed to one that is gone is copied.
pub(super) fn further(row: &SituationRow, mut base: Base) -> Base {
    let Some(before) = row.pair.ticket else { return base };
    base = agreed::of_successor(base);
    if let (Some(alerts), Some(evidence)) = (&mut base.alerts, &row.evidence) {
        alerts.extend(alerts::ids(evidence));
    }
    let follows = |operation: &&Operation| matches!(operation.kind, OperationKind::CreateTicket { follows: Some(gone), .. } if gone == before);
    match row.operations.iter().find(follows).map(|operation| &operation.reason) {
        Some(Reason::RecordGone { .. }) => base.replaced.insert(before),
        Some(_) => base.left.insert(before),
        None => false,
    };
    base
}

/// Tells the ticket that the matter has left where it goes on. One that is gone, or another client's by now, is told
/// nothing.
pub(super) async fn tell_former(
    (engine, row): (&Engine, &SituationRow),
    halo: &Arc<Halo>,
    former: TicketId,
    note: &NoteDraft,
    class: Class,
) -> Attempt {
    let found = match halo.ticket(former, class).await {
        Ok(found) => found,
        Err(failure) if failure.kind == FailureKind::Gone => return former_told(row, former, None),
        Err(failure) => return Attempt::Failed(failure),
    };
    if found.deleted || found.merged_into.is_some() || found.client_id != Some(row.pair.halo_client_id) {
        return former_told(row, former, None);
    }
    let actions = match halo.actions(former, class).await {
        Ok(_) if engine.only_reads() => return Attempt::Held,
        Ok(actions) => actions,
        Err(failure) => return Attempt::Failed(failure),
    };
    if let Some(action) = actions.iter().find(|action| notes::bears(action, &note.reference)) {
        return former_told(row, former, Some((action, true)));
    }
    match halo.add_note(former, note, class).await {
        Ok(action) => former_told(row, former, Some((&action, false))),
        Err(failure) if failure.kind == FailureKind::Gone => former_told(row, former, None),
        Err(failure) => Attempt::Failed(failure),
    }
}

/// The former ticket has its note, or nobody is there to be told. Nothing of it is the pair's any more.
pub(super) fn former_told(row: &SituationRow, former: TicketId, note: Option<(&Action, bool)>) -> Attempt {
    let result = match note {
        Some((action, settled)) => OperationResult::Action { action: action.key, settled },
        None => OperationResult::AlreadyThere,
    };
    let base = notes::former::told(row.pair.base.clone(), former);
    Attempt::Done(result, vec![Fact::BaseAgreed { pair: row.pair.id, base }], Box::default())
}

/// Whether a ticket for this incident may have been made in a time that the database does not remember.
pub(super) fn may_be_forgotten(engine: &Engine, row: &SituationRow) -> bool {
    forgotten::may_be(engine, &row.subject.incident)
}

/// Writes a note, unless it stands there already.
pub(super) async fn add_note(
    engine: &Engine,
    row: &SituationRow,
    halo: &Arc<Halo>,
    ticket: TicketId,
    (kind, note): (&OperationKind, &NoteDraft),
    class: Class,
) -> Attempt {
    if let Some(before) = Box::pin(back::recalled(engine, row, kind, class)).await {
        return before;
    }
    // A note says what happens at one client: the ticket must still be that client's, at this moment.
    let current = match halo.ticket(ticket, class).await {
        Ok(_) if engine.only_reads() => return Attempt::Held,
        Ok(current) if current.deleted || current.merged_into.is_some() => return deleted(row, current),
        Ok(current) if current.client_id != Some(row.pair.halo_client_id) => {
            return Attempt::Refused(Reason::WrongClient, Vec::new(), read_ticket(row, current));
        }
        Ok(current) => current,
        Err(failure) if failure.kind == FailureKind::Gone => return gone(row, ticket, failure, engine.now()),
        Err(failure) => return Attempt::Failed(failure),
    };
    // Somebody has written in the ticket since we last read its notes. After a restore that may have been
    // ourselves: the note may stand there already. So it may among those that were read since, when it waited.
    let observed = observed(row);
    let read = match observed.notes_to_read(&current) {
        false => None,
        true => match halo.actions(ticket, class).await {
            Ok(_) if engine.only_reads() => return Attempt::Held,
            Ok(actions) if back::told_since(engine, row, kind, &actions) => return back::told_anew(current, actions),
            Ok(actions) => Some(actions),
            Err(failure) => return Attempt::Failed(failure),
        },
    };
    let actions = read.as_ref().or(row.actions.as_ref()).into_iter().flatten();
    if let Some(action) = actions.into_iter().find(|action| back::stands(engine, row, note, action)) {
        if let Err(error) = Box::pin(second_writer::note_found(engine, row, kind, action)).await {
            return Attempt::Failed(Failure::new(Side::Halo, FailureKind::Transient, crate::telemetry::chain(&error)));
        }
        let mut found = note_made(row, &found_note(kind, action, note), action.clone(), true);
        if let Attempt::Done(_, _, reading) = &mut found {
            // All of the ticket's notes were read with it, now or before: what else of ours stands there is known too, and
            // need not be looked for one by one.
            let all = |actions| Reading { ticket: Some(current), actions: Some(actions), ..Reading::default() };
            **reading = read.map(all).unwrap_or_default();
        }
        return found;
    }
    match halo.add_note(ticket, note, class).await {
        Ok(action) => {
            let mut made = note_made(row, kind, action.clone(), false);
            if let Attempt::Done(_, _, reading) = &mut made {
                let around = observed.around_note(current, read, action);
                let opening = engine.schedule().has_opening(row.pair.halo);
                // No number tells that somebody wrote into a custom field meanwhile.
                let alone = around.alone && !reads_custom_fields(engine, row);
                **reading = Reading { opening, alone, ..around };
            }
            made
        }
        Err(failure) if failure.kind == FailureKind::Gone => gone(row, ticket, failure, engine.now()),
        Err(failure) if failure.kind == FailureKind::Rejected => {
            Box::pin(refused(engine, row, halo, ticket, failure, class)).await
        }
        Err(failure) => Attempt::Failed(failure),
    }
}

/// What a refusal comes to: the ticket may have been deleted since it was read, which Halo says in words alone.
async fn refused(
    engine: &Engine,
    row: &SituationRow,
    halo: &Arc<Halo>,
    ticket: TicketId,
    failure: Failure,
    class: Class,
) -> Attempt {
    match halo.ticket(ticket, class).await {
        Ok(current) if current.deleted || current.merged_into.is_some() => deleted(row, current),
        Err(again) if again.kind == FailureKind::Gone => gone(row, ticket, again, engine.now()),
        // Why it was refused is not known: the next try looks first.
        Err(again) if again.retryable() => Attempt::Failed(Failure { kind: again.kind, ..failure }),
        Ok(_) | Err(_) => Attempt::Failed(failure),
    }
}

fn deleted(row: &SituationRow, ticket: Ticket) -> Attempt {
    let what = format!("Ticket {} was deleted or merged in Halo.", ticket.id);
    Attempt::Refused(Reason::RecordGone { what }, Vec::new(), read_ticket(row, ticket))
}

fn reads_custom_fields(engine: &Engine, row: &SituationRow) -> bool {
    let view = engine.registry.view();
    view.of_workspace(row.pair.workspace).is_some_and(|(_, _, policy)| policy.reads_custom_fields())
}

/// The note is there: link it with its comment, and know it as read.
pub(super) fn note_made(row: &SituationRow, kind: &OperationKind, action: Action, settled: bool) -> Attempt {
    let key = action.key;
    let link = observed(row).note_link(row.pair.id, kind, key);
    let facts = link.map(|link| Fact::NoteLinked { link }).into_iter().collect();
    // Where it was found, whatever happened since it was written has not been read.
    let reading = Reading { own_action: Some(action), unread: settled, ..Reading::default() };
    Attempt::Done(OperationResult::Action { action: key, settled }, facts, Box::new(reading))
}

/// What a write to a record that was not found comes to: it is gone, unless it is so young that it may only not
/// show yet everywhere at the service (halo-api sheet 3.3: seconds to minutes). Then it is asked for again.
pub(super) fn not_found(row: &SituationRow, what: String, failure: Failure, now: Timestamp) -> Attempt {
    if now.duration_since(row.pair.born()) < MAY_NOT_SHOW_YET {
        return Attempt::Failed(Failure { kind: FailureKind::Transient, ..failure });
    }
    Attempt::Refused(Reason::RecordGone { what }, Vec::new(), Box::default())
}

fn gone(row: &SituationRow, ticket: TicketId, failure: Failure, now: Timestamp) -> Attempt {
    let what = format!("Ticket {ticket} does not exist in Halo any more.");
    not_found(row, what, failure, now)
}

/// The ticket as it was found before a write; its notes were not read with it.
pub(super) fn read_ticket(row: &SituationRow, ticket: Ticket) -> Box<Reading> {
    let before = ticket.clone();
    Box::new(Reading { sure: true, ..observed(row).ticket_around_write(&before, ticket) })
}

/// A change of ours whose answer was never recorded shows on the ticket.
pub(super) fn arrived(engine: &Engine, row: &SituationRow, change: &TicketChange, current: Ticket) -> Attempt {
    let closed = closed(engine, row, &current);
    let base = row.pair.base.clone();
    let base = sent::ticket_arrived(base, change, &row.subject.incident, &current, closed);
    landed(row, base, current)
}

/// A change of ours arrived: `base` is what both sides agree on by that.
pub(super) fn landed(row: &SituationRow, base: Base, current: Ticket) -> Attempt {
    let facts = vec![Fact::BaseAgreed { pair: row.pair.id, base }];
    Attempt::Done(OperationResult::TicketChanged, facts, read_ticket(row, current))
}

/// Changes the ticket as it stands now; what moved since the plan voids it. `was_sent`: it was sent before, and may have
/// arrived.
pub(super) async fn update_ticket(
    engine: &Engine,
    row: &SituationRow,
    halo: &Arc<Halo>,
    ticket: TicketId,
    (change, was_sent): (&TicketChange, bool),
    class: Class,
) -> Attempt {
    let asked = engine.now();
    let current = match halo.ticket(ticket, class).await {
        Ok(_) if engine.only_reads() => return Attempt::Held,
        Ok(current) => current,
        Err(failure) if failure.kind == FailureKind::Gone => return gone(row, ticket, failure, engine.now()),
        Err(failure) => return Attempt::Failed(failure),
    };
    if engine.now().duration_since(asked) > SLOW && overtaken(engine, row, &current).await {
        let why = "The ticket changed while it was being read.";
        return Attempt::Stale(why.into(), Box::default());
    }
    let read = |ticket| read_ticket(row, ticket);
    let traced = |at, current: &Ticket| settle::traced(engine, row, (&row.pair.base, change, at), current);
    if was_sent && let Some(base) = traced(None, &current) {
        return landed(row, base, current);
    }
    if !settle::at_home(row, &current) {
        return Attempt::Refused(Reason::WrongClient, Vec::new(), read(current));
    }
    if may_be_forgotten(engine, row) {
        let now = (&current, closed(engine, row, &current));
        if let Some(base) = sent::ticket_closed_before(change, &row.pair.base, now) {
            let why = "The ticket bears the words of this closing already, and is open: somebody may have undone it.";
            let facts = vec![Fact::BaseAgreed { pair: row.pair.id, base }];
            return Attempt::Withdrawn(why.to_owned(), facts, read(current));
        }
    }
    match sent::ticket_found(change, was_sent, row.ticket.as_ref(), &current) {
        Found::Arrived => return arrived(engine, row, change, current),
        Found::Moved => return Attempt::Stale("The ticket changed since this was planned.".into(), read(current)),
        Found::AsKnown => {}
    }
    match halo.update_ticket(&current, change, class).await {
        Ok(answer) => {
            let answer = agreed::with_sent_fields(answer, row.ticket.as_ref(), change);
            let (base, closed) = (row.pair.base.clone(), closed(engine, row, &answer));
            if let Some(why) = other_status(engine, row, change, &answer) {
                // Where Halo put the ticket is no agent's move: the incident's half alone is still to be carried.
                let base = Base { status_id: answer.status_id, ticket_closed: closed, ..base };
                let facts = vec![Fact::BaseAgreed { pair: row.pair.id, base }];
                return Attempt::Refused(Reason::Refused { why }, facts, read(answer));
            }
            let base = agreed::after_ticket(base, &row.subject.incident, change, &answer, closed);
            let facts = vec![Fact::BaseAgreed { pair: row.pair.id, base }];
            // What our own write moved hides nothing; what moved before it may.
            let reading = Reading { sure: true, ..observed(row).ticket_around_write(&current, answer) };
            Attempt::Done(OperationResult::TicketChanged, facts, Box::new(reading))
        }
        // The write is a state, not an addition: looking at the ticket again tells whether it holds.
        Err(failure) if failure.kind == FailureKind::Unknown => match halo.ticket(ticket, class).await {
            Ok(now) if settle::at_home(row, &now) && sent::ticket_stands(change, &now) => {
                arrived(engine, row, change, now)
            }
            // It does not stand there: tried again like all that may still succeed, longer and longer apart. By then it is
            // read again, and what arrived late or moved meanwhile is seen.
            Ok(now) => match traced(Some(engine.now()), &now) {
                Some(base) => landed(row, base, now),
                None => Attempt::Failed(Failure { kind: FailureKind::Transient, ..failure }),
            },
            Err(_) => Attempt::Failed(failure),
        },
        Err(failure) if failure.kind == FailureKind::Rejected => {
            Box::pin(refused(engine, row, halo, ticket, failure, class)).await
        }
        Err(failure) => Attempt::Failed(failure),
    }
}

/// Whether a newer version of the ticket has become known while this one was on its way.
async fn overtaken(engine: &Engine, row: &SituationRow, read: &Ticket) -> bool {
    let known = engine.store.situation(row.pair.id).await.ok().flatten().and_then(|now| now.ticket);
    // Halo may tell an older time than the one at which our own last note was known to be there.
    known.is_some_and(|known| {
        let news = row.ticket.as_ref() != Some(&known);
        news && known.id == read.id && older(read.last_update, known.last_update)
    })
}

/// What is said where Halo accepted a change of status and did not carry it out (a workflow step, a mandatory closing
/// field, an open child ticket), or where a rule of its own chose another status that means something else.
fn other_status(engine: &Engine, row: &SituationRow, change: &TicketChange, answer: &Ticket) -> Option<String> {
    let wanted = change.status_id?;
    let there = answer.status_id.filter(|there| *there != wanted)?;
    let view = engine.registry.view();
    let names = match (view.of_workspace(row.pair.workspace), engine.registry.catalogue(row.pair.halo)) {
        (Some((_, _, policy)), Some(catalogue)) => {
            if mapping::status_means(policy, &catalogue, answer, &row.subject.incident.status) {
                return None;
            }
            [wanted, there].map(|id| mapping::status_name(&catalogue, id))
        }
        _ => [wanted, there].map(|id| id.to_string()),
    };
    let [wanted, there] = names;
    let own = "Look for mandatory closing fields, a rule, a workflow step or open child tickets in Halo.";
    let theirs = answer.warning.as_deref().unwrap_or(own);
    Some(format!("The status “{wanted}” was sent and accepted, and the ticket is “{there}”. {theirs}"))
}

/// Whether a ticket counts as closed.
pub(super) fn closed(engine: &Engine, row: &SituationRow, ticket: &Ticket) -> bool {
    let view = engine.registry.view();
    match (view.of_workspace(row.pair.workspace), engine.registry.catalogue(row.pair.halo)) {
        (Some((_, _, policy)), Some(catalogue)) => mapping::ticket_closed(policy, &catalogue, ticket),
        _ => ticket.closed,
    }
}
