//! Readings that arrive after what they tell of has been overtaken.

use jiff::Timestamp;

use crate::store::SituationRow;

use super::digest::Reading;

/// A reading that another one, or a write of ours, has overtaken is dropped whole: what was read with an older record
/// would take newer comments or notes for deleted. What came in between shows with the record's next version.
pub(super) fn in_time(row: &SituationRow, mut reading: Reading) -> Reading {
    if reading.incident.as_ref().is_some_and(|read| older(read.modified, row.subject.incident.modified)) {
        (reading.incident, reading.comments) = (None, None);
    }
    let known = row.ticket.as_ref().and_then(|known| known.last_update);
    if reading.ticket.as_ref().is_some_and(|read| older(read.last_update, known)) {
        (reading.ticket, reading.actions) = (None, None);
    }
    reading
}

/// Whether a reading is older than what is known. Where one of the two times is told in whole seconds, only those count.
pub(super) fn older(new: Option<Timestamp>, known: Option<Timestamp>) -> bool {
    let (Some(new), Some(known)) = (new, known) else { return false };
    let coarse = new.subsec_nanosecond() == 0 || known.subsec_nanosecond() == 0;
    if coarse { new.as_second() < known.as_second() } else { new < known }
}
