//! A ticket of which Halo hands out no action any more, though some are known. On an instance that begins its tickets with
//! none of its own it is so when the last note was deleted; so it is in an answer of a service in trouble, too. Nothing is
//! taken for deleted before Halo has counted none twice.

use jiff::{SignedDuration, Timestamp};

use crate::domain::ticket::Action;

use super::situation::Situation;

/// What lies between the two readings at least.
pub const APART: SignedDuration = SignedDuration::from_secs(30);

/// What a list of a ticket's actions comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weighed {
    /// Since when Halo counts none at all ([`crate::domain::pair::Base::emptied`]).
    pub since: Option<Timestamp>,
    /// It is what is known from now on; else what was known stays, and where Halo counts none it is asked for again.
    pub taken: bool,
}

/// Weighs a list that was read: `counted`, where it holds none, says that Halo counts none either; `opening`, that this
/// instance begins each ticket with an action of its own.
pub fn weighed(
    (known, read): (&[Action], &[Action]),
    (counted, opening): (bool, bool),
    since: Option<Timestamp>,
    now: Timestamp,
) -> Weighed {
    if !read.is_empty() {
        return Weighed { since: None, taken: true };
    }
    if known.is_empty() {
        return Weighed { since, taken: true };
    }
    // Nobody deletes what Halo wrote itself.
    let may_be = counted && !opening && !known.iter().any(|action| action.system);
    match since {
        // Taken for what is known, the next note of ours would stand alone there, and all others would be missing.
        _ if !may_be => Weighed { since: None, taken: false },
        None => Weighed { since: Some(now), taken: false },
        Some(at) => Weighed { since, taken: now.duration_since(at).abs() >= APART },
    }
}

/// Whether the actions that are known tell which others were deleted.
pub fn tells(s: &Situation<'_>) -> bool {
    s.actions.is_some_and(|actions| !actions.is_empty() || s.pair.base.emptied.is_some())
}
