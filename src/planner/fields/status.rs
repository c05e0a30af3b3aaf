//! Status, closing and reopening, and the brake on a status that flips.

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        decision::Decision,
        failure::Side,
        group::Mate,
        ids::{TicketId, fingerprint},
        incident::IncidentStatus,
        operation::{Operation, OperationKind, OperationState},
        pair::{ClosingWords, Move},
        policy::{Direction, ReopenRule, Wins},
        reason::Reason,
        text,
        ticket::{Action, Ticket},
        time,
        workspace::Mode,
    },
    planner::{
        agreed, closing,
        conflict::{self, Field, Moved, Outcome},
        draft, gate, groups, mapping, notes,
    },
};

use super::{
    Gather, hands,
    own_words::{own_comment, own_note, unsaid, unsaid_back},
    reclosing,
};

/// The field's name.
pub const NAME: &str = "status";
/// How a note begins that tells a ticket that stays closed of a reopening.
pub const REOPENED: &str = "The incident was opened again in Microsoft Sentinel and is";
/// Flips are counted over this long.
const FLIPS_WITHIN: SignedDuration = SignedDuration::from_hours(1);

pub(super) fn plan(g: &mut Gather<'_, '_>) {
    let (s, ticket) = (g.s, g.ticket);
    unsaid(g);
    unsaid_back(g);
    if let Some(theirs) = groups::own_closing(s, g.base.own_closing.as_ref()) {
        if !g.base.ticket_closed && hands::still_closed_by(g, theirs) {
            // It was closed for this incident too: one that is open was opened again since.
            let of_ticket = (Some(IncidentStatus::Closed), ticket.status_id, true);
            (g.base.incident_status, g.base.status_id, g.base.ticket_closed) = of_ticket;
        }
        g.base.own_closing = Some(theirs.clone());
    }
    closing::forget_changed(&mut g.base, ticket);
    if s.incident.redirected() || s.policy.status.direction == Direction::None {
        // A merge in Defender is not a closure: it alone never closes a ticket.
        return;
    }
    let now = &s.incident.status;
    let closed = mapping::ticket_closed(s.policy, s.catalogue, ticket);
    if groups::holds_open(s, closed) {
        // As soon as the last one is closed this is a closing that the ticket has not heard of.
        g.base.agree(NAME);
        let open = mapping::status_back(s.policy, s.catalogue, ticket).unwrap_or(IncidentStatus::Active);
        (g.base.incident_status, g.base.status_id, g.base.ticket_closed) = (Some(open), ticket.status_id, false);
        g.base.held_open = groups::open_beside(s).or(g.base.held_open);
        return g.out.remark(Reason::GroupOpen);
    }
    if !closed && !s.incident.closed() {
        let spent = closing::spent(s.policy, s.catalogue, ticket, s.actions.unwrap_or_default());
        g.base.spent = spent.or(g.base.spent);
    }
    if !closed && !s.incident.closed() && groups::first_open(s) {
        empty_verdict(g);
    }
    let halo = ticket.status_id != g.base.status_id || closed != g.base.ticket_closed;
    let moved = Moved {
        sentinel: g.base.incident_status.as_ref() != Some(now)
            && !(halo && agreed::status_has_not_crossed(&g.base, s.policy, s.catalogue, s.incident)),
        halo,
    };
    let mut field = Field {
        name: NAME,
        rule: s.policy.status,
        fixed: Side::Halo,
        same: mapping::status_means(s.policy, s.catalogue, ticket, now),
        moved,
        sentinel: now.to_string(),
        halo: ticket.status_id.map(|id| mapping::status_name(s.catalogue, id)).unwrap_or_default(),
    };
    if reclosing::doubted(s, &g.base, ticket, closed, &field) {
        g.base.joined.insert(NAME.to_owned());
        field.rule.wins = reclosing::wins(s.policy, closed, field.rule.wins);
    }
    let both = moved.sentinel && moved.halo && !g.base.joined.contains(NAME);
    if field.rule.wins == Wins::Newest && both && s.incident.closed() != closed {
        // A closure beats a change between open states, for it carries a verdict.
        field.rule.wins = if closed { Wins::Halo } else { Wins::Sentinel };
    }
    let before = g.base.moves.get(NAME).cloned();
    let outcome = conflict::decide(s, &mut g.base, &field);
    let fresh = g.base.moves.get(NAME).is_some_and(|moves| {
        let known = before.unwrap_or_default();
        moves.sentinel != known.sentinel || moves.halo != known.halo
    });
    if frozen(g, fresh) {
        return;
    }
    match outcome {
        Outcome::Still if s.incident.closed() != closed => g.out.remark(Reason::LeftApart),
        Outcome::Still => {
            // Nothing moved since, and the ticket could never say what the incident says.
            let hole = mapping::status(s.policy, s.catalogue, now).err().filter(|_| s.policy.status.to_halo());
            if let Some(reason) = hole {
                g.out.item(reason);
            }
        }
        Outcome::Same => {
            let people_closed = closed && moved.sentinel && moved.halo && !closing::both_closed(&g.base);
            if !people_closed || both_closed(g) {
                accept(g, closed);
            }
        }
        Outcome::Leave => accept(g, closed),
        Outcome::OneWay => g.out.remark(Reason::ModeOneWay),
        Outcome::Carry(Side::Sentinel) => to_ticket(g, closed),
        Outcome::Carry(Side::Halo) => to_incident(g),
        Outcome::Ask(reason) => g.out.item(reason),
    }
}

/// What both sides say now is what they agree on. If one is open and the other closed, the pair says that it was left so.
fn accept(g: &mut Gather<'_, '_>, closed: bool) {
    if g.s.incident.closed() != closed {
        g.out.remark(Reason::LeftApart);
    }
    g.base.agree(NAME);
    g.base.incident_status = Some(g.s.incident.status.clone());
    g.base.status_id = g.ticket.status_id;
    g.base.ticket_closed = closed;
}

/// As [`accept`], after words of our own that no later plan would bring back: not while the mode only observes. `planned`:
/// how many writes were planned before them.
fn accept_told(g: &mut Gather<'_, '_>, closed: bool, planned: usize) {
    if g.s.workspace.mode != Mode::Observe || g.out.operations.len() == planned {
        accept(g, closed);
    }
}

/// Counts a flip, and holds the status of a pair that flips too often until a person lets it go on.
fn frozen(g: &mut Gather<'_, '_>, flipped: bool) -> bool {
    let s = g.s;
    let limit = usize::try_from(s.policy.flips_per_hour).unwrap_or(usize::MAX);
    if limit == 0 {
        g.base.flips.clear();
        g.base.frozen = None;
        return false;
    }
    if let Some(since) = g.base.frozen {
        let thawed = s.pair.decisions.contains(&Decision::Thaw { at: since });
        if !thawed {
            g.out.item(Reason::Flapping { flips: s.policy.flips_per_hour });
            return true;
        }
        g.base.frozen = None;
        g.base.flips.clear();
    }
    if flipped {
        g.base.flips.retain(|at| s.now.duration_since(*at) <= FLIPS_WITHIN);
        g.base.flips.push(s.now);
        if g.base.flips.len() > limit {
            g.base.frozen = Some(s.now);
            g.out.item(Reason::Flapping { flips: s.policy.flips_per_hour });
            return true;
        }
    }
    false
}

/// When a side's status moved, as part of references: each closing and each reopening is told of once.
fn moved_at(g: &Gather<'_, '_>, side: Side) -> String {
    let found = g.base.moves.get(NAME).and_then(|moves| moves.of(side)).and_then(|moved| moved.at);
    found.map(time::iso).unwrap_or_default()
}

/// When the ticket was closed, as it tells itself, as part of references; in whole seconds, which every reading tells.
fn closed_at(ticket: &Ticket) -> Option<String> {
    closing::closed_at(ticket).map(|told| format!("closed-{}", told.as_second()))
}

/// What is to be done about a reopening: a person's decision about this very one, else the policy's rule.
fn reopening(g: &Gather<'_, '_>, side: Side, rule: ReopenRule) -> ReopenRule {
    let at = moved_at(g, side);
    let decided = g.s.pair.decisions.iter().rev().find_map(|decision| match decision {
        Decision::Reopening { side: whose, at: when, rule } => (*whose == side && *when == at).then_some(*rule),
        _ => None,
    });
    decided.unwrap_or(rule)
}

fn to_ticket(g: &mut Gather<'_, '_>, ticket_closed: bool) {
    let s = g.s;
    let now = &s.incident.status;
    let status_id = match mapping::status(s.policy, s.catalogue, now) {
        Ok(id) => id,
        Err(reason) => return g.out.item(reason),
    };
    let reason = match now {
        IncidentStatus::Closed => {
            g.ticket_change.closure_note = Some(groups::closure_note(s));
            g.ticket_change.custom_fields.extend(closing::field_of_verdict(s.policy, s.catalogue, s.incident));
            Reason::IncidentClosed
        }
        _ if ticket_closed => {
            let at = moved_at(g, Side::Sentinel);
            match reopening(g, Side::Sentinel, s.policy.reopened_in_sentinel) {
                ReopenRule::Reopen => {}
                ReopenRule::NewTicket => return new_ticket(g),
                ReopenRule::Note => {
                    let planned = g.out.operations.len();
                    let forgotten = forgotten_reopening(g);
                    let told = forgotten.as_ref().is_some_and(|moved| told_of_reopening(g, moved));
                    if !told {
                        let words = format!("{REOPENED} {now}. This ticket stays closed.");
                        let written = !own_note(g, &words, &format!("reopened/{at}"), Reason::IncidentReopened);
                        if forgotten.is_some() && !written {
                            // The ticket may have been told, and its notes not have been read since.
                            return;
                        }
                    }
                    return accept_told(g, ticket_closed, planned);
                }
                ReopenRule::Ask => return g.out.item(Reason::Reopened { side: Side::Sentinel, at, by_rule: false }),
            }
            Reason::IncidentReopened
        }
        _ => Reason::ChangedInSentinel { field: NAME.into() },
    };
    if ticket_closed && !s.incident.closed() {
        empty_verdict(g);
    }
    g.ticket_change.status_id = Some(status_id);
    g.ticket_reason = Some(reason);
}

/// The reopening, where a restored database may have forgotten it: where the incident has changed since, its time is another
/// one than it was told by.
fn forgotten_reopening(g: &Gather<'_, '_>) -> Option<Move> {
    let moved = g.base.moves.get(NAME)?.of(Side::Sentinel)?;
    conflict::in_forgotten_time(g.s, moved).then(|| moved.clone())
}

/// Whether the ticket was told of such a one. What is queued to tell it is taken back.
fn told_of_reopening(g: &mut Gather<'_, '_>, moved: &Move) -> bool {
    let since = |at: Timestamp| moved.after.is_none_or(|after| at + conflict::SLACK >= after);
    let says = |action: &Action| says_reopened(action) && action.at.is_none_or(since);
    let told = g.s.actions.unwrap_or_default().iter().any(says);
    let tells = |o: &&Operation| {
        let planned = matches!(o.state, OperationState::Planned { .. });
        planned && matches!(&o.kind, OperationKind::AddNote { note, .. } if note.text.starts_with(REOPENED))
    };
    let queued = g.s.operations.iter().filter(tells).filter(|_| told);
    g.out.void.extend(queued.map(|o| (o.id, "The ticket was told of it already.".to_owned())));
    told
}

/// Whether a note of ours tells a ticket that stays closed of a reopening.
pub fn says_reopened(action: &Action) -> bool {
    let words = notes::words::letters(&notes::words::body(action));
    notes::carries_any(action) && words.starts_with(&notes::words::letters(REOPENED))
}

/// How a comment begins that tells an incident that stays closed of an opening of its ticket.
fn opened_again(ticket: TicketId) -> String {
    format!("Halo ticket {ticket} was opened again")
}

/// Whether the incident was told of an opening that a restored database may have forgotten: where the ticket has changed
/// since, its time is another one than it was told by.
fn told_of_opening(g: &Gather<'_, '_>) -> bool {
    let moved = g.base.moves.get(NAME).and_then(|moves| moves.of(Side::Halo));
    let Some(moved) = moved.filter(|moved| conflict::in_forgotten_time(g.s, moved)) else { return false };
    let since = |at: Timestamp| moved.after.is_none_or(|after| at + conflict::SLACK >= after);
    let begins = notes::words::letters(&opened_again(g.ticket.id));
    g.s.comments.unwrap_or_default().iter().any(|comment| {
        let says = notes::words::letters(&text::message_to_text(&comment.message)).starts_with(&begins);
        says && comment.created.is_none_or(since) && notes::to_halo::is_own(g.s, g.ticket.id, comment)
    })
}

/// What we wrote into the classification field of a ticket that is open again goes.
fn empty_verdict(g: &mut Gather<'_, '_>) {
    let s = g.s;
    if !s.policy.status.to_halo() {
        return;
    }
    if let Some(field) = closing::emptied(s.policy, s.catalogue, &g.base, g.ticket) {
        g.ticket_change.custom_fields.push(field);
        g.ticket_reason.get_or_insert(Reason::IncidentReopened);
    }
}

/// The matter goes on in a ticket of its own; the closed one stays as it is.
fn new_ticket(g: &mut Gather<'_, '_>) {
    let s = g.s;
    let Some(binding) = s.client.halo.clone() else { return g.out.item(Reason::ClientNotBound) };
    let ticket_type_id = match mapping::ticket_type(s.policy, s.catalogue) {
        Ok(id) => id,
        Err(reason) => return g.out.item(reason),
    };
    let passed = gate::Passed { binding, ticket_type_id, after: None, reference: None };
    let drafted = draft::following(s, &passed, g.ticket.id);
    g.base.title = Some(s.incident.title.clone());
    g.out.push(OperationKind::CreateTicket { draft: drafted, follows: Some(g.ticket.id) }, Reason::IncidentReopened);
    // Nothing else is written to the closed one.
    g.ticket_change = crate::domain::ticket::TicketChange::default();
    g.ticket_reason = None;
}

fn to_incident(g: &mut Gather<'_, '_>) {
    let (s, ticket) = (g.s, g.ticket);
    let wanted = match mapping::status_back(s.policy, s.catalogue, ticket) {
        Ok(wanted) => wanted,
        // An open status nobody mapped: the incident stays as it is, and the hole is an open item.
        Err(reason) => return g.out.item(reason),
    };
    let reason = match wanted {
        IncidentStatus::Closed => {
            // Without the actions the verdict may be overlooked: wait until they are read.
            let Some(actions) = s.actions else { return g.out.remark(Reason::TicketClosed) };
            let (agents, since) = (closing::of_agent(&g.base, ticket), closing::of_this_closing(&g.base, actions));
            match closing::verdict(s.policy, s.catalogue, &agents, since) {
                Ok(verdict) => g.incident_change.verdict = Some(verdict),
                Err(reason) => {
                    ask_for_verdict(g, actions, &reason);
                    return g.out.item(reason);
                }
            }
            Reason::TicketClosed
        }
        _ if s.incident.closed() => {
            let at = moved_at(g, Side::Halo);
            let by_rule = hands::opened_by_rule(g);
            let rule = match s.policy.reopened_in_halo {
                // Nobody wants it.
                ReopenRule::Reopen | ReopenRule::NewTicket if by_rule => ReopenRule::Ask,
                rule => rule,
            };
            match reopening(g, Side::Halo, rule) {
                ReopenRule::Note => {
                    let when = g.base.moves.get(NAME).and_then(|moves| moves.of(Side::Halo)?.at);
                    let when = when.map(|at| format!(" ({})", draft::moment(Some(at)))).unwrap_or_default();
                    let words = format!("{}{when}. This incident stays closed.", opened_again(ticket.id));
                    let planned = g.out.operations.len();
                    if told_of_opening(g) || own_comment(g, words, Reason::TicketReopened) {
                        accept_told(g, false, planned);
                    }
                    return;
                }
                ReopenRule::Ask => return g.out.item(Reason::Reopened { side: Side::Halo, at, by_rule }),
                // A ticket is made from an incident, never the other way: opening again is what is left.
                ReopenRule::Reopen | ReopenRule::NewTicket => Reason::TicketReopened,
            }
        }
        _ => Reason::ChangedInHalo { field: NAME.into() },
    };
    g.incident_change.status = Some(wanted);
    g.incident_reason = Some(reason);
}

/// Both were closed by people: what each said at closing is kept on the other side, and remembered as unsaid where the mode
/// does not carry it. Where one of them was closed by us for the other's closing (a restored backup has forgotten it), that
/// one says so, and there is nothing to be told. `false`: there is no room for it on the incident, and it is not to be taken
/// for told.
fn both_closed(g: &mut Gather<'_, '_>) -> bool {
    let s = g.s;
    let since = closing::of_this_closing(&g.base, s.actions.unwrap_or_default());
    let verdict = closing::verdict(s.policy, s.catalogue, &closing::of_agent(&g.base, g.ticket), since);
    let ours_on_incident = closing::ours_on_incident(s.incident, verdict.as_ref().ok(), g.ticket);
    if ours_on_incident || groups::ours_on_ticket(s, g.ticket, g.base.own_closing.as_ref()) {
        return true;
    }
    let mut said = closing::closure_note(s.incident);
    if groups::shares(s) {
        said = format!("{}: {said}", s.incident.name());
    }
    // An earlier version told of each closing by the same reference.
    let former = notes::own_reference(s, "closed");
    let told = notes::words::letters(&format!("{said}{former}"));
    let tells = |action: &Action| notes::words::letters(&notes::words::body(action)).starts_with(&told);
    let observes = s.workspace.mode == Mode::Observe;
    if !s.actions.unwrap_or_default().iter().any(tells) {
        if observes && g.base.unsaid.is_none() {
            // The closings are agreed on all the same: what comes after them is another move.
            g.base.unsaid = Some(ClosingWords { words: said, at: s.incident.modified });
            unsaid(g);
        } else {
            own_note(g, &said, &format!("closed/{}", fingerprint(&said)), Reason::IncidentClosed);
        }
    }
    let words = match verdict {
        Ok(verdict) => format!(
            "{}\nClassification in Halo: {}{}",
            verdict.comment.unwrap_or_default(),
            verdict.classification.words(),
            verdict.reason.map(|reason| format!(" ({reason})")).unwrap_or_default()
        ),
        Err(_) => closing::closed_in_halo(g.ticket),
    };
    if s.workspace.mode != Mode::TwoWay {
        g.base.unsaid_back = Some(words.clone());
    }
    own_comment(g, words, Reason::TicketClosed) || observes
}

/// Says once for each closing on the ticket that the classification is missing.
fn ask_for_verdict(g: &mut Gather<'_, '_>, actions: &[Action], reason: &Reason) {
    let s = g.s;
    let (kind, trouble) = match reason {
        Reason::VerdictMissing => ("ask", "without a classification".to_owned()),
        Reason::VerdictRefused { why } => ("refused", format!("with a classification that can't be sent ({why})")),
        _ => return,
    };
    if !groups::first_open(s) {
        return;
    }
    let about = |at: &str| format!("{kind}-classification/{at}");
    let asking = |at: &str| notes::own_reference(s, &about(at));
    // When its closing was first read nobody remembers after a restore or a rebuilding, and this very question moves the
    // ticket's times; when it was closed it tells each time. An earlier version, or a reading that did not tell it, asked by
    // the former.
    let first_read = asking(&moved_at(g, Side::Halo));
    let told = closed_at(g.ticket);
    let reference = told.as_ref().map_or_else(|| first_read.clone(), |at| asking(at));
    let asked = |by: &str| actions.iter().any(|action| notes::carries(action, by));
    let queued = |o: &Operation| matches!(&o.kind, OperationKind::AddNote { note, .. } if note.reference == first_read);
    if asked(&reference) || reference != first_read && (asked(&first_read) || s.operations.iter().any(queued)) {
        return;
    }
    // Another incident of the ticket was the first that was open, and it was asked for that one.
    let for_mate = |mate: &Mate, at: &str| asked(&notes::reference_of(s, &mate.incident.id, &about(at)));
    if told.is_some_and(|at| groups::mates(s).any(|mate| for_mate(mate, &at))) {
        return;
    }
    let remedy = match closing::choices(s.policy, s.catalogue) {
        Some((field, choices)) => format!("Choose one of {} in the field {field} of this ticket.", choices.join(", ")),
        None => "Close the incident in Microsoft Sentinel with its classification.".to_owned(),
    };
    let ours = g.base.own_closing.as_ref().is_some_and(|own| !own.fields.is_empty());
    let again = match ours {
        true => {
            " What an earlier closing in Microsoft Sentinel left there counts as none: to choose it again, empty it first."
        }
        false => "",
    };
    let words =
        format!("The incident in Microsoft Sentinel stays open: this ticket was closed {trouble}. {remedy}{again}");
    let note = notes::own_note(s, &words, reference);
    g.out.push(OperationKind::AddNote { comment: None, edit: 0, said: None, note }, reason.clone());
}
