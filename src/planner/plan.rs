//! The plan of one pair.

use std::collections::BTreeSet;

use crate::domain::{
    client::{Client, HaloBinding},
    drift::DriftRule,
    failure::Side,
    ids::{IncidentId, OperationId, TicketId},
    operation::{Operation, OperationKind, OperationState},
    pair::{Base, Health, NoteLink, Pair, PairState, SyncState},
    reason::Reason,
    ticket::Ticket,
    workspace::Mode,
};

use super::{
    after_all, alerts,
    approval::{self, Waiting},
    draft, drift, dropped, fields, gate, groups, merges, notes, push,
    requester::Affected,
    sent,
    situation::Situation,
    taken_back,
};

/// One write to be made, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// What.
    pub kind: OperationKind,
    /// Why.
    pub reason: Reason,
}

/// What follows from a situation. Values only: stored, shown, compared in tests.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Writes to be queued, in order.
    pub operations: Vec<Planned>,
    /// Queued operations that this plan replaces, with the reason in words.
    pub void: Vec<(OperationId, String)>,
    /// Comments and actions found to carry the same words already.
    pub links: Vec<NoteLink>,
    /// What both sides agree on now, where it differs from before.
    pub base: Option<Base>,
    /// The incident that the ticket goes on with: it is to be paired with it.
    pub follow: Option<IncidentId>,
    /// Writes that wait for a person's approval.
    pub waiting: Vec<Waiting>,
    /// Writes that would still be planned in the very form in which a person rejected them.
    pub rejected: Vec<Waiting>,
    /// How the pair stands.
    pub state: PairState,
    pub(super) items: Vec<Reason>,
    /// What finds no room among the incident's comments, each of it by a name of ours.
    pub(super) untold: BTreeSet<String>,
    /// It goes on only once another incident shows, or has its ticket.
    pub(super) awaited: bool,
    remarks: Vec<Reason>,
    dropped: Vec<Reason>,
}

impl Plan {
    pub(super) fn new() -> Self {
        Self {
            operations: Vec::new(),
            void: Vec::new(),
            links: Vec::new(),
            base: None,
            follow: None,
            waiting: Vec::new(),
            rejected: Vec::new(),
            state: PairState { sync: SyncState::InStep, health: Health::Healthy, reason: None, further: Vec::new() },
            items: Vec::new(),
            untold: BTreeSet::new(),
            awaited: false,
            remarks: Vec::new(),
            dropped: Vec::new(),
        }
    }

    /// Queues a write.
    pub(super) fn push(&mut self, kind: OperationKind, reason: Reason) {
        self.operations.push(Planned { kind, reason });
    }

    /// Opens an item that a person has to settle.
    pub(super) fn item(&mut self, reason: Reason) {
        if !self.items.contains(&reason) {
            self.items.push(reason);
        }
    }

    /// Says why something is not done, though nobody has to act.
    pub(super) fn remark(&mut self, reason: Reason) {
        if !self.remarks.contains(&reason) {
            self.remarks.push(reason);
        }
    }

    /// Says what is not planned because a person dropped it.
    pub(super) fn dropped(&mut self, reason: Reason) {
        self.dropped.push(reason);
    }

    /// Items that a person has to settle.
    pub fn items(&self) -> &[Reason] {
        &self.items
    }

    /// Why something is not done, though nobody has to act.
    pub fn remarks(&self) -> &[Reason] {
        &self.remarks
    }
}

/// Plans one pair. Pure: the same situation gives the same plan.
pub fn plan(s: &Situation<'_>) -> Plan {
    let Some(base) = sent::arrived(s) else { return planned(s) };
    let pair = Pair { base, ..s.pair.clone() };
    let mut out = planned(&Situation { pair: &pair, ..*s });
    out.base.get_or_insert(pair.base);
    out
}

fn planned(s: &Situation<'_>) -> Plan {
    let (mut first, found) = once(s);
    if !found {
        return first;
    }
    // What is taken back is so once more, with what it was to tell of.
    first.void.retain(|(_, why)| why != taken_back::NOT_CARRIED);
    // A queued write was found on the other side: what is to be said after it is planned at once, since nothing else
    // may ever ask for it.
    let links: Vec<NoteLink> = s.links.iter().chain(&first.links).cloned().collect();
    let voided = |o: &&Operation| first.void.iter().all(|(void, _)| *void != o.id);
    let operations: Vec<Operation> = s.operations.iter().filter(voided).cloned().collect();
    let (mut out, _) = once(&Situation { links: &links, operations: &operations, ..*s });
    out.void.splice(..0, first.void);
    out.links.splice(..0, first.links);
    out
}

/// As [`planned`]; also whether a queued write was found to be there already.
fn once(s: &Situation<'_>) -> (Plan, bool) {
    let mut out = Plan::new();
    if s.workspace.mode == Mode::Off {
        taken_back::plan(s, &mut out);
        let (sync, reason) = (SyncState::Unknown, Some(Reason::ModeOff));
        out.state = PairState { sync, health: Health::Healthy, reason, further: Vec::new() };
        return (out, false);
    }
    if push::unmade(s) {
        incident_to_make(s, &mut out);
    } else if let Some(side) = drift::gone(s) {
        drift::plan_gone(s, side, &mut out);
    } else if let Some(ticket) = s.ticket.filter(|_| s.pair.ticket.is_some()) {
        match untouchable(s, ticket) {
            Some(Untouchable::WrongClient) if s.policy.drift.wrong_client == DriftRule::Ignore => {
                out.remark(Reason::WrongClient);
            }
            Some(Untouchable::WrongClient) => out.item(Reason::WrongClient),
            // Merged away: its ticket goes on with the incident that is left.
            _ if s.incident.redirected() => {
                notes::plan(s, &mut out);
                merges::plan_source(s, ticket, &mut out);
            }
            Some(Untouchable::Merged(into)) => drift::plan_merged_away(s, ticket.id, into, &mut out),
            None => {
                groups::told(s, &mut out);
                alerts::plan(s, &mut out);
                notes::plan(s, &mut out);
                merges::plan_survivor(s, ticket, &mut out);
                if s.workspace.mode == Mode::CommentOnly {
                    fields::differing(s, ticket, &mut out);
                } else {
                    fields::plan(s, ticket, &mut out);
                    for hole in draft::holes(s) {
                        out.item(hole);
                    }
                }
            }
        }
    }
    if s.pair.ticket.is_none() {
        ticket_to_make(s, &mut out);
    }
    out.operations.sort_by_key(|planned| planned.kind.rank());
    if s.workspace.mode == Mode::Observe {
        if !out.operations.is_empty() {
            out.remark(Reason::ModeObserve);
        }
        out.operations.clear();
        out.links.clear();
        out.follow = None;
    } else {
        // Whatever a rule plans, nothing is queued that the mode does not carry.
        let before = out.operations.len();
        out.operations.retain(|planned| gate::carries(s.workspace.mode, &planned.kind));
        if out.operations.len() < before {
            out.remark(Reason::ModeOneWay);
        }
        approval::hold(s, &mut out);
    }
    let found = against_queue(s, &mut out);
    // What several rules take back is taken back once, for the first reason.
    let mut taken_back = BTreeSet::new();
    out.void.retain(|(operation, _)| taken_back.insert(*operation));
    out.state = state(s, &out);
    (out, found)
}

/// A pair without a ticket and without a write that makes one gets it drafted anew: somebody asked for it again.
fn ticket_to_make(s: &Situation<'_>, out: &mut Plan) {
    let makes = |o: &Operation| o.kind.makes_ticket();
    if s.operations.iter().any(makes) {
        return;
    }
    if let Some(first) = groups::waits_for(s) {
        return out.remark(Reason::GroupWaits { name: first.incident.name() });
    }
    match gate::again(s.workspace, s.client, s.policy, Some(s.catalogue), s.incident) {
        Ok(passed)
            if (passed.binding.connection, passed.binding.halo_client_id) != (s.pair.halo, s.pair.halo_client_id) =>
        {
            let why = "The client was bound to another Halo client after this incident was linked: no ticket is made. Unlink the pair, and have the ticket made under “Link by hand”.";
            out.item(Reason::Refused { why: why.into() });
        }
        Ok(passed) => {
            let affected = Affected::of(&s.pair.base);
            let mut drafted =
                draft::draft(s.workspace, s.policy, s.catalogue, &passed, s.incident, s.evidence, affected);
            draft::refer(&mut drafted.draft, &s.pair.reference);
            for hole in drafted.lacking {
                out.item(hole);
            }
            out.push(OperationKind::CreateTicket { draft: drafted.draft, follows: None }, Reason::NewIncident);
        }
        Err(reason @ (Reason::ClientNotBound | Reason::Unmapped { .. } | Reason::Ambiguous { .. })) => out.item(reason),
        Err(reason) => out.remark(reason),
    }
}

/// A pair whose incident is not made yet carries nothing but that. Without a write that makes it, it is drafted anew from
/// what the ticket says now: somebody asked for it again, or the mode did not carry it.
fn incident_to_make(s: &Situation<'_>, out: &mut Plan) {
    let Some(ticket) = s.ticket else { return };
    let refused = |why: String| Some(Reason::Refused { why });
    let held = match untouchable(s, ticket) {
        _ if drift::gone(s) == Some(Side::Halo) => {
            refused(format!("{} Its incident is not made: unlink the pair.", drift::words(s, Side::Halo)))
        }
        Some(Untouchable::Merged(into)) => refused(format!(
            "Ticket {} was merged into ticket {into} in Halo, so its incident is not made: unlink the pair, and push ticket {into} if it is wanted.",
            ticket.id
        )),
        Some(Untouchable::WrongClient) => Some(Reason::WrongClient),
        None => None,
    };
    let makes = |o: &&Operation| o.kind.makes_incident();
    if let Some(reason) = held {
        let queued = s.operations.iter().filter(makes).filter(|o| matches!(o.state, OperationState::Planned { .. }));
        out.void.extend(queued.map(|o| (o.id, reason.words())));
        return out.item(reason);
    }
    if s.operations.iter().any(|o| o.kind.makes_incident()) {
        return;
    }
    match push::draft_again(s, ticket) {
        Ok(drafted) => {
            // What the draft does not carry is as when the pair was opened: what agents did to it since crosses afterwards.
            let before = &s.pair.base;
            let agreed = Base {
                status_id: before.status_id,
                ticket_closed: before.ticket_closed,
                agent_id: before.agent_id,
                foreign: before.foreign.clone(),
                ..push::base(s.policy, s.catalogue, &drafted, ticket)
            };
            out.base = (agreed != *before).then_some(agreed);
            out.push(OperationKind::CreateIncident { incident: Box::new(drafted) }, Reason::Pushed);
        }
        Err(reason) => out.item(reason),
    }
}

/// Why nothing may be written to a ticket.
enum Untouchable {
    /// It was merged into this one in Halo.
    Merged(TicketId),
    /// It is another client's.
    WrongClient,
}

fn untouchable(s: &Situation<'_>, ticket: &Ticket) -> Option<Untouchable> {
    if let Some(into) = ticket.merged_into {
        return Some(Untouchable::Merged(into));
    }
    let elsewhere = ticket.client_id != Some(s.pair.halo_client_id) || displaced(s.client, s.pair);
    elsewhere.then_some(Untouchable::WrongClient)
}

/// Whether the workspace's client has another place in Halo than the pair's ticket, or is another one without any: the
/// workspace was given away, or its client was bound anew. What is said in it now is not for those who read that ticket.
pub fn displaced(client: &Client, pair: &Pair) -> bool {
    let place = |halo: &HaloBinding| (halo.connection, halo.halo_client_id);
    let own = client.id == pair.client;
    client.halo.as_ref().map_or(!own, |halo| place(halo) != (pair.halo, pair.halo_client_id))
}

/// Whether a pair whose ticket is not made yet waits at another place than its workspace's client has by now.
pub fn homeless(client: &Client, pair: &Pair) -> bool {
    pair.ticket.is_none() && (client.id != pair.client || client.halo.is_none() || displaced(client, pair))
}

/// Compares the plan with what is queued: nothing is queued twice, what is no longer wanted is taken back. Gives whether
/// something was found to be there already.
fn against_queue(s: &Situation<'_>, out: &mut Plan) -> bool {
    taken_back::plan(s, out);
    let mut wanted = std::mem::take(&mut out.operations);
    refused_owner(s, &wanted, out);
    let mut found = after_all::end(s, out);
    // What is left after these is what is compared with the queue, or it would be queued anew each time.
    dropped::keep_out(s, &mut wanted, out);
    let over = |o: &Operation| out.void.iter().any(|(void, _)| *void == o.id);
    for dead in s.operations.iter().filter(|o| matches!(o.state, OperationState::Dead { .. }) && !over(o)) {
        // A dead letter waits for a person; the same write is not queued beside it, not even as part of another.
        let key = dead.kind.key();
        wanted.retain_mut(|p| p.kind.key() != key || dropped::take_out(p, &dead.kind));
    }
    // What a person has decided already waits for no second answer.
    let asked_anew = out.items.iter().any(|item| matches!(item, Reason::Reopened { .. }));
    for queued in s.operations {
        let same_key = |p: &Planned| p.kind.key() == queued.kind.key();
        match &queued.state {
            // What is under way or unknown is waited for; the next plan sees what became of it.
            OperationState::Sending { .. } | OperationState::OutcomeUnknown { .. } => wanted.retain(|p| !same_key(p)),
            OperationState::Planned { .. } if !gate::carries(s.workspace.mode, &queued.kind) => {}
            OperationState::Planned { .. } if after_all::there_already(s, out, queued) => {
                wanted.retain(|p| !same_key(p));
                found = true;
                out.void.push((queued.id, "It was found on the other side already.".to_owned()));
            }
            OperationState::Planned { .. } if notes::to_sentinel::taken(s, &queued.kind) => {
                wanted.retain(|p| !same_key(p));
                found = true;
                out.void.push((queued.id, "Comments of ours tell of its notes already.".to_owned()));
            }
            OperationState::Planned { .. } => {
                if wanted.iter().any(|p| same_key(p) && p.kind == queued.kind) {
                    wanted.retain(|p| !same_key(p));
                } else if replaceable(queued) {
                    out.void.push((queued.id, "A newer plan replaced it.".to_owned()));
                } else if follows(&queued.kind) && !asked_anew && !wanted.iter().any(same_key) {
                    out.void.push((queued.id, "No further ticket is wanted any more.".to_owned()));
                } else {
                    wanted.retain(|p| !same_key(p));
                }
            }
            OperationState::Dead { .. }
            | OperationState::Dropped { .. }
            | OperationState::Done { .. }
            | OperationState::Void { .. } => {}
        }
    }
    out.operations = wanted;
    found
}

/// An owner who was refused is an open item: it is over once another one is wanted, or none.
fn refused_owner(s: &Situation<'_>, wanted: &[Planned], out: &mut Plan) {
    let owner = |kind: &OperationKind| match kind {
        OperationKind::UpdateIncident { change } => change.owner.clone(),
        _ => None,
    };
    for dead in s.operations {
        let refused = matches!(&dead.state, OperationState::Dead { reason: Reason::OwnerUnknown { .. }, .. });
        if refused && wanted.iter().all(|p| owner(&p.kind) != owner(&dead.kind)) {
            out.void.push((dead.id, "That owner is not wanted any more.".to_owned()));
        }
    }
}

/// Field changes follow the newest reading. Notes and comments stay queued as planned, and so does a create.
fn replaceable(queued: &Operation) -> bool {
    matches!(queued.kind, OperationKind::UpdateTicket { .. } | OperationKind::UpdateIncident { .. })
}

/// Whether it makes a further ticket of a pair: what it was for may have passed before it is sent (the ticket shows again, or
/// is open again; the incident is closed again).
fn follows(kind: &OperationKind) -> bool {
    matches!(kind, OperationKind::CreateTicket { follows: Some(_), .. })
}

fn state(s: &Situation<'_>, out: &Plan) -> PairState {
    let voided = |id: OperationId| out.void.iter().any(|(void, _)| *void == id);
    let dead = s.operations.iter().filter_map(|o| match &o.state {
        OperationState::Dead { reason, .. } if !voided(o.id) => Some(reason),
        _ => None,
    });
    let mut asked: Vec<Reason> = Vec::new();
    for reason in dead.chain(&out.items) {
        if !asked.contains(reason) {
            asked.push(reason.clone());
        }
    }
    let unknown = s.operations.iter().any(|o| matches!(o.state, OperationState::OutcomeUnknown { .. }));
    let never_read = notes::never_read(s).then_some((Side::Sentinel, "The incident's comments are still to be read."));
    let unread = s.unread.or(never_read);
    let open = !out.operations.is_empty() || s.operations.iter().any(|o| o.state.open() && !voided(o.id));
    // What was dropped waits for nothing, though the sides differ.
    let waiting = |reason: &Reason| matches!(reason, Reason::ModeObserve | Reason::NotesGathered { .. });
    let waits = open || (s.pair.ticket.is_none() && out.dropped.is_empty()) || out.remarks.iter().any(waiting);
    // What the mode does not carry waits for nothing either, and is not in step.
    let rejected = |reason: &Reason| matches!(reason, Reason::Rejected { .. });
    let apart = [Reason::ModeOneWay, Reason::GroupOpen];
    let kept_back = out.awaited || out.remarks.iter().any(|remark| apart.contains(remark) || rejected(remark));
    // Nor is what waits for a person or a mapping: whatever is open has not crossed.
    let behind = waits || !asked.is_empty() || !out.dropped.is_empty() || kept_back;
    let held = |reason: &Reason| {
        matches!(reason, Reason::RecordGone { .. } | Reason::WrongClient | Reason::SurvivorUnknown { .. })
    };
    let sync = if unknown || unread.is_some() || out.items.iter().chain(&out.remarks).any(held) {
        SyncState::Unknown
    } else if behind {
        SyncState::Behind
    } else {
        SyncState::InStep
    };
    let unreadable = |(side, why): (Side, &str)| match side {
        Side::Sentinel => Reason::CommentsUnread { why: why.to_owned() },
        Side::Halo => Reason::TicketUnread { why: why.to_owned() },
    };
    if !asked.is_empty() {
        let mut further = asked.split_off(1);
        // The next process looks for those that say so.
        further.extend(s.unread.map(unreadable));
        return PairState { sync, health: Health::NeedsYou, reason: asked.pop(), further };
    }
    let first = out.operations.first().map(|p| p.reason.clone());
    let queued = s.operations.iter().find(|o| o.state.open()).map(|o| o.reason.clone());
    let reason =
        if unknown { Some(Reason::OutcomeUnknown) } else { first.or(queued).or_else(|| out.dropped.first().cloned()) };
    let reason = reason.or_else(|| out.remarks.first().cloned());
    // Nothing says that both sides agree while one of them can't be read whole.
    let said = unread.filter(|_| !unknown).map(unreadable);
    let reason = said.or(reason);
    let health = if waits || unknown || unread.is_some() { Health::Waiting } else { Health::Healthy };
    PairState { sync, health, reason, further: Vec::new() }
}
