//! What is known of the pairs: what a reading or an answer changes in it, and the plan that follows, as in
//! `engine::digest`.

use uuid::Uuid;

use super::{
    Pairing, Planted,
    state::{Cloud, Desk, OURS, Part, Row, State, pair, pair_id},
    steps::some_time,
};
use crate::{
    domain::{
        failure::Side,
        merge::{Merge, MergedFrom},
        operation::{Operation, OperationState},
        pair::Base,
        ticket::Ticket,
    },
    planner::{Plan, Situation, agreed, merges, observed::Reading, plan, situation::Seen},
};

impl Pairing {
    pub(super) fn read_incident(&self, state: &mut State, of: usize) {
        let cloud = Cloud::clone(&state.clouds[of]);
        match state.row(of).map(|row| Row::clone(row)) {
            Some(mut row) if cloud.gone => {
                row.pair.gone = Some(Side::Sentinel);
                self.record(state, of, row, Reading::default());
            }
            Some(row) => self.record(state, of, row, of_cloud(&cloud)),
            None => {
                let pair = pair(of, &self.scene, &cloud.incident);
                let row = Row {
                    pair,
                    incident: cloud.incident,
                    comments: cloud.comments,
                    ticket: None,
                    actions: None,
                    links: Vec::new(),
                    operations: Vec::new(),
                };
                self.record(state, of, row, Reading::default());
            }
        }
    }

    pub(super) fn read_ticket(&self, state: &mut State, of: usize) {
        let Some(mut row) = state.row(of).map(|row| Row::clone(row)) else { return };
        let Some(desk) = state.desk_of(&row).map(|(_, desk)| Desk::clone(desk)) else { return };
        if desk.ticket.deleted {
            row.pair.gone = Some(Side::Halo);
            return self.record(state, of, row, Reading::default());
        }
        self.record(state, of, row, of_desk(&desk));
    }

    /// Observe, plan, commit.
    pub(super) fn record(&self, state: &mut State, of: usize, mut row: Row, reading: Reading) {
        // As it was known before what is recorded with this reading.
        let known = state.row(of).cloned();
        let known = known.as_deref().map_or(&row, |known| known);
        let reading =
            if self.planted == Some(Planted::LateReadings) { reading } else { known.observed().in_time(reading) };
        let seen = Seen {
            sentinel: reading.incident.as_ref().and(row.incident.modified),
            halo: reading.ticket.as_ref().and(row.ticket.as_ref()).and_then(|known| known.last_update),
        };
        let news = row.observed().news(reading);
        row.learn(news);
        // Operations that are over leave the queue.
        row.operations.retain(|operation| operation.state.stands());
        let other = 1 - of;
        let mut concerned = false;
        let mut merge = Merge::None;
        if of == 0 && row.incident.redirected() && row.pair.ticket.is_some() {
            let survivor = &state.clouds[1].incident;
            merge = Merge::Into(merges::survivor_of(survivor, state.row(1).map(|row| &row.pair)));
            concerned = row.pair.survivor.is_none();
            row.pair.survivor = Some(survivor.id.clone());
        }
        let merged = match state.row(other) {
            Some(from) if of == 1 && from.pair.survivor.is_some() => vec![MergedFrom {
                incident: from.pair.incident.clone(),
                name: from.incident.name(),
                ticket: from.pair.ticket,
                comments: from.comments.clone(),
                links: from.links.clone(),
            }],
            _ => Vec::new(),
        };
        row.pair.merged |= !merged.is_empty();
        let planned = self.plan(state, &row, &merge, &merged, seen);
        row.operations.retain(|operation| planned.void.iter().all(|(void, _)| *void != operation.id));
        for link in planned.links {
            link.keep(&mut row.links);
        }
        if let Some(base) = planned.base {
            row.pair.base = base;
        }
        for one in planned.operations {
            row.operations.push(Operation {
                id: crate::domain::ids::OperationId(Uuid::nil()),
                client: row.pair.client,
                pair: row.pair.id,
                position: 0,
                kind: one.kind,
                reason: one.reason,
                state: OperationState::Planned { ready: some_time() },
                attempts: 0,
                last_failure: None,
                planned: some_time(),
            });
        }
        row.number();
        let state_of_pair = planned.state;
        (row.pair.sync, row.pair.health) = (state_of_pair.sync, state_of_pair.health);
        (row.pair.reason, row.pair.further) = (state_of_pair.reason, state_of_pair.further);
        let follows = planned.follow.is_some() && state.row(1).is_none() && row.ticket.is_some();
        let follower = follows.then(|| self.follower(state, &row, &merge));
        state.rows[of] = Some(Part::new(row));
        if let Some(follower) = follower.flatten() {
            self.record(state, 1, follower, Reading::default());
            // The survivor has a pair now.
            let row = state.row(of).map(|row| Row::clone(row));
            if let Some(row) = row {
                self.record(state, of, row, Reading::default());
            }
        } else if concerned && let Some(row) = state.row(other).map(|row| Row::clone(row)) {
            self.record(state, other, row, Reading::default());
        }
    }

    pub(super) fn plan(&self, state: &State, row: &Row, merge: &Merge, merged: &[MergedFrom], seen: Seen) -> Plan {
        self.with_situation(state, row, merge, merged, seen, plan)
    }

    pub(super) fn with_situation<T>(
        &self,
        state: &State,
        row: &Row,
        merge: &Merge,
        merged: &[MergedFrom],
        seen: Seen,
        f: impl FnOnce(&Situation<'_>) -> T,
    ) -> T {
        let s = &self.scene;
        let mut incident = row.incident.clone();
        let mut actions = row.actions.clone();
        let mut comments = row.comments.clone();
        let mut operations = row.operations.as_slice();
        let mut links = row.links.as_slice();
        match self.planted {
            Some(Planted::MergeIsClosure) => incident.labels.clear(),
            Some(Planted::QueueForgotten) => operations = &[],
            Some(Planted::OwnWordsForeign) => {
                links = &[];
                for action in actions.iter_mut().flatten().filter(|action| action.agent_id == Some(OURS)) {
                    action.agent_id = Some(5);
                    action.key.action += 1_000;
                    let html = action.note_html.take().map(|html| html.replace("HB-", "HX-"));
                    action.note_html = html;
                }
                for comment in comments.iter_mut().filter(|comment| comment.author.is_none()) {
                    comment.author = Some("Somebody".into());
                }
            }
            _ => {}
        }
        f(&Situation {
            now: state.now(),
            halo_tenant: "msp",
            ticket_url: None,
            workspace: &s.workspace,
            client: &s.client,
            policy: &s.policy,
            catalogue: &s.catalogue,
            pair: &row.pair,
            incident: &incident,
            ticket: row.ticket.as_ref(),
            comments: Some(&comments),
            actions: actions.as_deref(),
            evidence: None,
            links,
            operations,
            merge,
            merged,
            mates: &[],
            seen,
            unread: None,
            forgotten: None,
        })
    }

    /// The pair of the incident that the ticket goes on with.
    pub(super) fn follower(&self, state: &State, row: &Row, merge: &Merge) -> Option<Row> {
        let survivor = state.clouds[1].incident.clone();
        let ticket = row.ticket.clone()?;
        let base = self.with_situation(state, row, merge, &[], Seen::default(), |s| {
            merges::base_of_survivor(s, &ticket, &survivor)
        });
        let pair = crate::domain::pair::Pair {
            id: pair_id(1),
            ticket: row.pair.ticket,
            base,
            merged: true,
            ..pair(1, &self.scene, &survivor)
        };
        Some(Row {
            pair,
            incident: survivor,
            comments: state.clouds[1].comments.clone(),
            ticket: Some(ticket),
            actions: row.actions.clone(),
            links: Vec::new(),
            operations: Vec::new(),
        })
    }

    /// Ends the write that is being sent.
    pub(super) fn over(
        &self,
        state: &mut State,
        of: usize,
        mut row: Row,
        become_: Option<OperationState>,
        reading: Reading,
    ) {
        if let Some(at) = row.operations.iter().position(|o| matches!(o.state, OperationState::Sending { .. })) {
            match become_ {
                Some(next) => row.operations[at].state = next,
                None => drop(row.operations.remove(at)),
            }
        }
        self.record(state, of, row, reading);
    }
}

pub(super) fn of_cloud(cloud: &Cloud) -> Reading {
    Reading { incident: Some(cloud.incident.clone()), comments: Some(cloud.comments.clone()), ..Reading::default() }
}

pub(super) fn of_desk(desk: &Desk) -> Reading {
    Reading { ticket: Some(desk.ticket.clone()), actions: Some(desk.actions.clone()), ..Reading::default() }
}

/// The ticket is there.
pub(super) fn linked(row: &mut Row, ticket: &Ticket, mut base: Base) {
    // A ticket in the place of one that is gone: what crossed to that is copied.
    if row.pair.ticket.is_some() {
        base = agreed::of_successor(base);
    }
    base.replaced.extend(row.pair.ticket);
    row.pair.base = base;
    row.pair.ticket = Some(ticket.id);
    row.pair.gone = None;
}
