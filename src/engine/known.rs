//! What is known of the pairs that were worked on last, kept from one step to the next: what nobody has moved since need
//! not be read again, nor taken apart again.
//!
//! Only what this process records moves a pair, and that is noted (`store::moved`). Another process changes the
//! configuration at most; everything is forgotten then.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashlink::LruCache;
use jiff::Timestamp;

use super::Engine;
use crate::{
    domain::{
        ids::PairId,
        ticket::Ticket,
        time::{from_ms, to_ms},
    },
    ledger::{entry::Seq, fact::Fact},
    store::{SituationRow, StoreError},
};

/// Pairs kept at most, some ten kilobytes each.
const KEPT: usize = 256;
/// One with more comments, actions, alerts and entities than this is read anew each time: memory is worth more.
const WIDE: usize = 200;

/// A pair as it stands after this entry of the ledger.
#[derive(Clone)]
pub(super) struct Known {
    pub seq: Seq,
    pub row: Arc<SituationRow>,
    /// In every member as the database has it; otherwise in those that planning and carrying out ask for.
    pub whole: bool,
}

impl Known {
    /// Whether something may have been recorded of it since.
    pub(super) fn moved(&self, engine: &Engine) -> bool {
        engine.store.moved_since(self.seq, self.row.pair.id, &self.row.pair.incident)
    }
}

/// The pairs that are kept; `None` once nothing is to be.
pub(super) struct Kept(Mutex<Option<LruCache<PairId, Known>>>);

impl Default for Kept {
    fn default() -> Self {
        Self(Mutex::new(Some(LruCache::new(KEPT))))
    }
}

impl Kept {
    fn rows(&self) -> MutexGuard<'_, Option<LruCache<PairId, Known>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, id: PairId) -> Option<Known> {
        self.rows().as_mut()?.get(&id).cloned()
    }

    /// Takes a pair out, so that it can be changed without a copy of it.
    pub(super) fn forget(&self, id: PairId) {
        if let Some(rows) = self.rows().as_mut() {
            rows.remove(&id);
        }
    }

    pub(super) fn forget_all(&self) {
        if let Some(rows) = self.rows().as_mut() {
            rows.clear();
        }
    }

    pub(super) fn keep(&self, known: Known) {
        // What is known of a pair says nothing of what moved at those that share its ticket.
        if !known.whole || known.row.pair.group.is_some() || width(&known.row) > WIDE {
            return;
        }
        if let Some(rows) = self.rows().as_mut() {
            rows.insert(known.row.pair.id, known);
        }
    }
}

fn width(row: &SituationRow) -> usize {
    let evidence = row.evidence.as_ref().map_or(0, |evidence| evidence.alerts.len() + evidence.entities.len());
    row.comments.as_ref().map_or(0, Vec::len) + row.actions.as_ref().map_or(0, Vec::len) + evidence
}

impl Engine {
    /// From now on everything is read anew each time: how the simulation checks that it makes no difference.
    #[doc(hidden)]
    pub fn keep_nothing(&self) {
        *self.kept.rows() = None;
    }

    /// Everything known of a pair; all of it from one moment.
    pub(super) async fn known(&self, id: PairId) -> Result<Option<Known>, StoreError> {
        if let Some(known) = self.kept.get(id).filter(|known| !known.moved(self)) {
            return Ok(Some(known));
        }
        let seq = self.store.last_recorded();
        let Some(row) = self.store.situation(id).await? else {
            self.kept.forget(id);
            return Ok(None);
        };
        let known = Known { seq, row: Arc::new(row), whole: true };
        self.kept.keep(known.clone());
        Ok(Some(known))
    }
}

/// What both records of a pair said before facts were carried over into it: only what says something else is a change.
pub(super) struct Said {
    incident: String,
    ticket: Option<String>,
    comments: bool,
    actions: bool,
}

impl Said {
    pub(super) fn of(row: &SituationRow) -> Self {
        Self {
            incident: row.subject.incident.version(),
            ticket: row.ticket.as_ref().map(Ticket::version),
            comments: row.comments.is_some(),
            actions: row.actions.is_some(),
        }
    }

    /// Whether a reading says something else than what was known; from then on it is what is known.
    fn moves(&mut self, fact: &Fact) -> bool {
        match fact {
            Fact::IncidentRead { incident, .. } => {
                let version = incident.version();
                std::mem::replace(&mut self.incident, version.clone()) != version
            }
            Fact::TicketRead { ticket, .. } => {
                let version = ticket.version();
                self.ticket.replace(version.clone()) != Some(version)
            }
            Fact::CommentsRead { comments, .. } => std::mem::replace(&mut self.comments, true) || !comments.is_empty(),
            Fact::ActionsRead { actions, .. } => std::mem::replace(&mut self.actions, true) || !actions.is_empty(),
            _ => true,
        }
    }
}

/// Gives a pair that these facts were carried over into the times that the projector gives it. Whether it is in every
/// member as the database has it now.
pub(super) fn dated(row: &mut SituationRow, mut said: Said, facts: &[Fact], at: Timestamp) -> bool {
    let at = from_ms(to_ms(at));
    let (pair, incident) = (row.pair.id, row.pair.incident.clone());
    let mut whole = true;
    for fact in facts {
        match fact {
            Fact::IncidentRead { incident: read, .. } if read.id == incident => {
                if said.moves(fact) {
                    row.subject.last_changed = at;
                    row.pair.changed = at;
                }
            }
            _ if fact.pair() != Some(pair) => {}
            Fact::CommentsRead { .. }
            | Fact::ActionsRead { .. }
            | Fact::TicketRead { .. }
            | Fact::PairJudged { .. }
            | Fact::BaseAgreed { .. }
            | Fact::Decided { .. }
            | Fact::SurvivorFound { .. }
            | Fact::TicketLinked { .. }
            | Fact::RecordGone { .. } => {
                if said.moves(fact) {
                    row.pair.changed = at;
                }
            }
            Fact::NoteLinked { .. }
            | Fact::OperationPlanned { .. }
            | Fact::OperationMoved { .. }
            | Fact::DriftFound { .. }
            | Fact::HumanAct { .. } => {}
            _ => whole = false,
        }
    }
    whole
}
