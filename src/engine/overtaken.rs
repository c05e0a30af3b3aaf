//! Readings that arrive after what they tell of has been overtaken.

use jiff::Timestamp;

use crate::{
    domain::{incident::Comment, ticket::Action},
    store::SituationRow,
};

use super::digest::Reading;

/// Of a reading that another one, or a write of ours, has overtaken the record itself is dropped. Comments and notes that
/// nobody knew are taken all the same: a side's own times may lag behind (whole seconds, a second server), and nothing else
/// may ever tell of them. What is missing in it is not taken for deleted, nor what differs for edited.
pub(super) fn in_time(row: &SituationRow, mut reading: Reading) -> Reading {
    if reading.incident.as_ref().is_some_and(|read| older(read.modified, row.subject.incident.modified)) {
        reading.incident = None;
        let linked = |comment: &Comment| row.links.iter().any(|link| link.comment == comment.id);
        let read = reading.comments.take();
        reading.comments =
            read.map(|read| with_unknown(row.comments.as_ref(), read, |comment| comment.id.clone(), linked));
    }
    let known = row.ticket.as_ref().and_then(|known| known.last_update);
    if reading.ticket.as_ref().is_some_and(|read| older(read.last_update, known)) {
        reading.ticket = None;
        let linked = |action: &Action| row.links.iter().any(|link| link.action == action.key);
        let read = reading.actions.take();
        reading.actions = read.map(|read| with_unknown(row.actions.as_ref(), read, |action| action.key, linked));
    }
    reading
}

/// What is known, and what nobody knew; of what was deleted meanwhile a link is left.
fn with_unknown<T: Clone, K: PartialEq>(
    known: Option<&Vec<T>>,
    read: Vec<T>,
    key: impl Fn(&T) -> K,
    linked: impl Fn(&T) -> bool,
) -> Vec<T> {
    let Some(known) = known else { return read };
    let fresh = |one: &T| !linked(one) && known.iter().all(|old| key(old) != key(one));
    let fresh: Vec<T> = read.into_iter().filter(fresh).collect();
    known.iter().cloned().chain(fresh).collect()
}

/// Whether a reading is older than what is known. Where one of the two times is told in whole seconds, only those count.
pub(super) fn older(new: Option<Timestamp>, known: Option<Timestamp>) -> bool {
    let (Some(new), Some(known)) = (new, known) else { return false };
    let coarse = new.subsec_nanosecond() == 0 || known.subsec_nanosecond() == 0;
    if coarse { new.as_second() < known.as_second() } else { new < known }
}
