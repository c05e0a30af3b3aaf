//! From a failure to the next attempt, or to a dead letter.

use jiff::{SignedDuration, Timestamp};

use crate::domain::{
    failure::{Failure, FailureKind},
    operation::OperationState,
    reason::Reason,
};

/// Retries go on for at least this long before a dead letter is made of what might still succeed.
pub const TRY_FOR: SignedDuration = SignedDuration::from_hours(36);
/// And for so many attempts, about as many as that span holds: what waited that long for a pause to end has not been tried
/// yet. Neither waits nor sign-ins count as one.
pub const TRY_TIMES: u32 = 40;
const FIRST_WAIT_SECS: u64 = 5;
const LONGEST_WAIT_SECS: u64 = 3_600;
/// A look that failed is repeated after so long at first, and at the latest.
const FIRST_LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(15);
const LAST_LOOK_AGAIN: SignedDuration = SignedDuration::from_mins(30);
/// Looks that are refused go on for so long before a person is asked, and for so many times: a pause or a stop is no look.
const REFUSED_FOR: SignedDuration = SignedDuration::from_hours(1);
const REFUSED_TIMES: u32 = 5;

/// Seconds to wait after `attempts` attempts: 5 s doubling up to an hour, half of it jittered by `salt`.
pub fn wait_secs(attempts: u32, salt: u64) -> u64 {
    let full = FIRST_WAIT_SECS.saturating_mul(1_u64 << attempts.saturating_sub(1).min(20)).min(LONGEST_WAIT_SECS);
    let half = full / 2;
    half + salt % (full - half + 1)
}

/// When our own budget is asked again, which had no room before `at`: after a second at the earliest, and after a while of
/// its own for each `salt`, which grows with the refusals. All who wait for one budget would otherwise come back in the
/// same moment, all but one of them in vain.
pub fn own_wait(at: Timestamp, refusals: u32, salt: u64, now: Timestamp) -> Timestamp {
    let most_ms = 1_000_u64 << refusals.clamp(1, 6);
    // Every bit of the salt counts (the end of splitmix64).
    let own = salt ^ u64::from(refusals);
    let own = (own ^ (own >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let own = (own ^ (own >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let own = own ^ (own >> 31);
    let own_ms = i64::try_from(own % most_ms).unwrap_or_default();
    at.max(now + SignedDuration::from_secs(1)) + SignedDuration::from_millis(own_ms)
}

/// Where an operation goes after a failed attempt.
///
/// `planned` is when it was first planned, `attempts` counts this attempt, `salt` spreads the waits.
pub fn after(failure: &Failure, planned: Timestamp, attempts: u32, salt: u64, now: Timestamp) -> OperationState {
    let later = |secs: u64| now + SignedDuration::from_secs(i64::try_from(secs).unwrap_or(3_600));
    let again = |secs: u64| OperationState::Planned { ready: later(secs) };
    match failure.kind {
        // A moment that has passed is no reason to send it again with no wait at all.
        FailureKind::WaitUntil { at } => OperationState::Planned { ready: if at > now { at } else { later(1) } },
        // A person has to sign in first: the operation keeps its place and is tried now and then.
        FailureKind::SignInAgain => again(60),
        FailureKind::Unknown => OperationState::OutcomeUnknown { since: now, look: later(2), looks: 0, failed: 0 },
        FailureKind::Conflict | FailureKind::Transient | FailureKind::Unreadable
            if given_up(planned, attempts, now) =>
        {
            OperationState::Dead { at: now, reason: Reason::Refused { why: failure.message.clone() } }
        }
        FailureKind::Conflict => again(wait_secs(attempts.min(6), salt)),
        FailureKind::Transient | FailureKind::Unreadable => again(wait_secs(attempts, salt)),
        // A new role takes up to an hour to work, and somebody may be giving it just now.
        FailureKind::Forbidden if attempts < 3 => again(wait_secs(attempts + 4, salt)),
        FailureKind::Forbidden | FailureKind::Rejected => {
            OperationState::Dead { at: now, reason: Reason::Refused { why: failure.message.clone() } }
        }
        FailureKind::Gone => {
            OperationState::Dead { at: now, reason: Reason::RecordGone { what: failure.message.clone() } }
        }
    }
}

/// Where an operation goes that was looked for over the whole span and is not there: it was not carried out. `failure` is
/// what the attempt met, the rest as for [`after`].
pub fn absent(
    failure: Option<&Failure>,
    planned: Timestamp,
    attempts: u32,
    salt: u64,
    now: Timestamp,
) -> OperationState {
    // What the other side refused in words is refused again.
    if given_up(planned, attempts, now) || failure.is_some_and(Failure::said_no) {
        let why = failure.map_or_else(|| "No answer ever came.".to_owned(), |failure| failure.message.clone());
        return OperationState::Dead { at: now, reason: Reason::Refused { why } };
    }
    // The span that has passed is wait enough for the first few.
    let wait = wait_secs(attempts, salt);
    let wait = if wait > 60 { i64::try_from(wait).unwrap_or(3_600) } else { 0 };
    OperationState::Planned { ready: now + SignedDuration::from_secs(wait) }
}

fn given_up(planned: Timestamp, attempts: u32, now: Timestamp) -> bool {
    now.duration_since(planned) > TRY_FOR && attempts >= TRY_TIMES
}

/// When to look for an unknown outcome again: a few times spread over `settle_secs`.
///
/// `None` when the looks have covered that span: the write was not carried out.
pub fn next_look(since: Timestamp, looks: u32, settle_secs: u32, now: Timestamp) -> Option<Timestamp> {
    let settle = SignedDuration::from_secs(i64::from(settle_secs));
    if now.duration_since(since) >= settle && looks >= 3 {
        return None;
    }
    // Looks at about 1/60, 1/12, 1/4, 1/2 and the whole of the span.
    let share = match looks {
        0 => 60,
        1 => 12,
        2 => 4,
        3 => 2,
        _ => 1,
    };
    let at = since + SignedDuration::from_secs(i64::from((settle_secs / share).max(1)));
    Some(at.max(now + SignedDuration::from_secs(1)))
}

/// When to look again after a look that failed itself: soon at first, then after half of what has passed since it was sent.
/// `before`: the look before this one failed too.
pub fn look_later(since: Timestamp, before: bool, now: Timestamp) -> Timestamp {
    let passed = if before { now.duration_since(since) / 2 } else { SignedDuration::ZERO };
    now + passed.clamp(FIRST_LOOK_AGAIN, LAST_LOOK_AGAIN)
}

/// Whether looks have failed for so long, and so often, that a person is asked: what is refused for an hour stays refused.
/// Waits and sign-ins end by themselves. `failed`: how many in a row, with this one.
pub fn looked_enough(failure: &Failure, (since, failed): (Timestamp, u32), settle_secs: u32, now: Timestamp) -> bool {
    let passed = now.duration_since(since);
    match failure.kind {
        FailureKind::WaitUntil { .. } | FailureKind::SignInAgain => false,
        FailureKind::Forbidden | FailureKind::Rejected | FailureKind::Gone => {
            failed >= REFUSED_TIMES && passed > SignedDuration::from_secs(i64::from(settle_secs)).max(REFUSED_FOR)
        }
        FailureKind::Transient | FailureKind::Unreadable | FailureKind::Conflict | FailureKind::Unknown => {
            failed >= TRY_TIMES && passed > TRY_FOR
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::Side;

    #[test]
    fn those_who_wait_for_one_budget_come_back_one_by_one() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        for refusals in 1..40 {
            let back = |salt| own_wait(now, refusals, salt, now);
            let all: std::collections::BTreeSet<_> = (0..200).map(|n: u64| back(n << 40)).collect();
            assert!(all.len() > 150, "{refusals}: {} moments for 200", all.len());
            let longest = now + SignedDuration::from_secs(65);
            assert!(all.iter().all(|at| *at >= now + SignedDuration::from_secs(1) && *at <= longest));
        }
        let later = now + SignedDuration::from_mins(5);
        assert!(own_wait(later, 1, 7, now) >= later);
    }

    #[test]
    fn waits_grow_and_stay_within_bounds() {
        for attempts in 1..40 {
            for salt in [0, 1, 7, u64::MAX] {
                let wait = wait_secs(attempts, salt);
                assert!((2..=LONGEST_WAIT_SECS).contains(&wait), "{attempts} {salt} {wait}");
            }
        }
    }

    #[test]
    fn what_may_still_succeed_is_tried_for_more_than_a_day() {
        let start = Timestamp::UNIX_EPOCH;
        let failure = Failure::new(Side::Halo, FailureKind::Transient, "down");
        let (mut now, mut attempts) = (start, 0);
        while let OperationState::Planned { ready } = after(&failure, start, attempts + 1, 3, now) {
            attempts += 1;
            now = ready;
        }
        assert!(now.duration_since(start) >= SignedDuration::from_hours(24));
    }

    #[test]
    fn an_unknown_outcome_is_looked_for_over_the_whole_span() {
        let since = Timestamp::UNIX_EPOCH;
        let (mut now, mut looks) = (since, 0);
        while let Some(at) = next_look(since, looks, 180, now) {
            assert!(at > now);
            now = at;
            looks += 1;
            assert!(looks < 20);
        }
        assert!(looks >= 3 && now.duration_since(since) >= SignedDuration::from_secs(180));
    }
}
