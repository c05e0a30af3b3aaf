//! What part of a window each class may fill, and how fast what is paced may go.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::{Class, FRESH, PACED, WINDOW, after};
use crate::outbound::bucket::Bucket;

/// Paced calls a second, evenly over a window.
pub(super) fn even(allowed: u64) -> f64 {
    paced(allowed) as f64 / WINDOW.as_secs() as f64
}

/// Calls of a window that paced work comes to at most.
pub(super) fn paced(allowed: u64) -> u64 {
    (allowed * PACED / 100).min(allowed - FRESH.min(allowed / 10)).max(1)
}

/// The rate, in calls a second, that paced work can keep up without ever finding the window full: by the time each of
/// the calls in it leaves, no more may have been made than there were places. What went at once thus slows the rest
/// down; at the full rate the window would be used up long before these places come back, and only what is kept for
/// more urgent classes would go on meanwhile.
pub(super) fn sustained(allowed: u64, taken: &VecDeque<Timestamp>, coming: u64, now: Timestamp) -> f64 {
    let room = paced(allowed).saturating_sub(taken.len() as u64 + coming) as f64;
    let bearable = taken.iter().enumerate().map(|(before, at)| {
        let secs = after(*at, WINDOW).duration_since(now).as_secs_f64().max(1e-3);
        // Its own place comes back with it.
        (room + before as f64 + 1.0) / secs
    });
    bearable.fold(even(allowed), f64::min)
}

/// The part of a window that a class may fill.
pub(super) fn mine(allowed: u64, class: Class) -> u64 {
    let part = allowed * class.share() / 100;
    if class.paced() { part.min(paced(allowed)).max(1) } else { part.max(1) }
}

/// What a class leaves in a bucket.
pub(super) fn kept(bucket: &Bucket, class: Class) -> f64 {
    bucket.size * (100 - class.share().min(100)) as f64 / 100.0
}
