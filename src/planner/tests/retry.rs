//! How long a failed write waits, and when it is given up.

use jiff::{SignedDuration, Timestamp};

use super::scene::at;
use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        operation::OperationState,
        reason::Reason,
    },
    planner::retry::{TRY_FOR, TRY_TIMES, absent, after, look_later, looked_enough, next_look, own_wait, wait_secs},
};

fn now() -> Timestamp {
    at("2026-03-01T12:00:00Z")
}

fn secs(n: i64) -> SignedDuration {
    SignedDuration::from_secs(n)
}

fn failure(kind: FailureKind) -> Failure {
    Failure::new(Side::Halo, kind, "said so")
}

fn planned(in_secs: i64) -> OperationState {
    OperationState::Planned { ready: now() + secs(in_secs) }
}

fn dead(reason: Reason) -> OperationState {
    OperationState::Dead { at: now(), reason }
}

fn refused() -> OperationState {
    dead(Reason::Refused { why: "said so".into() })
}

#[test]
fn a_wait_doubles_and_its_second_half_is_spread() {
    // Attempts, salt, seconds.
    let table = [
        (0, 0, 2),
        (1, 0, 2),
        (1, 1, 3),
        (1, 3, 5),
        (1, 4, 2),
        (2, 0, 5),
        (2, 5, 10),
        (2, 6, 5),
        (3, 0, 10),
        (11, 0, 1_800),
        (11, 1_800, 3_600),
        (11, 1_801, 1_800),
        (4_000, 0, 1_800),
    ];
    for (attempts, salt, expected) in table {
        assert_eq!(wait_secs(attempts, salt), expected, "{attempts} {salt}");
    }
}

#[test]
fn waits_for_our_own_budget_are_spread_as_splitmix64_does() {
    let table =
        [(0x0123_4567_89ab_cdef, 6, 50_887), (0xdead_beef_dead_beef, 3, 1_451), (0xffff_ffff_0000_0001, 1, 1_923)];
    for (salt, refusals, ms) in table {
        let expected = now() + secs(1) + SignedDuration::from_millis(ms);
        assert_eq!(own_wait(now(), refusals, salt, now()), expected, "{salt:x}");
    }
}

#[test]
fn what_a_failure_means_decides_when_to_try_again() {
    let until = |n: i64| FailureKind::WaitUntil { at: now() + secs(n) };
    let gone = || dead(Reason::RecordGone { what: "said so".into() });
    let wait = |attempts| i64::try_from(wait_secs(attempts, 7)).unwrap();
    // What was met, at which attempt, and how long ago it was first planned.
    let table = [
        (until(30), 1, secs(0), planned(30)),
        (until(0), 1, secs(0), planned(1)),
        (until(-5), 1, TRY_FOR + secs(1), planned(1)),
        (FailureKind::SignInAgain, 9, TRY_FOR + secs(1), planned(60)),
        (FailureKind::Transient, 3, secs(0), planned(wait(3))),
        (FailureKind::Unreadable, 8, secs(0), planned(wait(8))),
        (FailureKind::Conflict, 8, secs(0), planned(wait(6))),
        (FailureKind::Conflict, 3, secs(0), planned(wait(3))),
        (FailureKind::Transient, TRY_TIMES, TRY_FOR, planned(wait(TRY_TIMES))),
        (FailureKind::Transient, TRY_TIMES, TRY_FOR + secs(1), refused()),
        (FailureKind::Unreadable, TRY_TIMES, TRY_FOR + secs(1), refused()),
        (FailureKind::Conflict, TRY_TIMES, TRY_FOR + secs(1), refused()),
        // It has waited for a pause to end, and is hardly tried yet.
        (FailureKind::Transient, 1, TRY_FOR * 2, planned(wait(1))),
        (FailureKind::Unreadable, TRY_TIMES - 1, TRY_FOR * 2, planned(wait(TRY_TIMES - 1))),
        (FailureKind::Conflict, 1, TRY_FOR * 2, planned(wait(1))),
        (FailureKind::Forbidden, 1, TRY_FOR + secs(1), planned(wait(5))),
        (FailureKind::Forbidden, 2, secs(0), planned(wait(6))),
        (FailureKind::Forbidden, 3, secs(0), refused()),
        (FailureKind::Forbidden, 4, secs(0), refused()),
        (FailureKind::Rejected, 1, secs(0), refused()),
        (FailureKind::Gone, 1, secs(0), gone()),
    ];
    for (kind, attempts, age, expected) in table {
        let found = after(&failure(kind), now() - age, attempts, 7, now());
        assert_eq!(found, expected, "{kind:?}, attempt {attempts}, {age:?}");
    }
    let unknown = after(&failure(FailureKind::Unknown), now() - TRY_FOR * 2, 9, 7, now());
    assert_eq!(unknown, OperationState::OutcomeUnknown { since: now(), look: now() + secs(2), looks: 0, failed: 0 });
}

#[test]
fn what_was_looked_for_in_vain_is_sent_again_unless_it_was_refused() {
    let unknown = failure(FailureKind::Unknown);
    let said_no = failure(FailureKind::Rejected).looked_for_first();
    let silent = || dead(Reason::Refused { why: "No answer ever came.".into() });
    let old = TRY_FOR + secs(1);
    // 80 seconds, of which 20 are added by the salt: a minute is no wait yet.
    let table = [
        (None, 1, 0, secs(0), planned(0)),
        (None, 5, 20, secs(0), planned(0)),
        (None, 5, 21, secs(0), planned(61)),
        (Some(&unknown), 5, 40, TRY_FOR, planned(80)),
        (Some(&said_no), 1, 0, secs(0), refused()),
        (Some(&unknown), TRY_TIMES, 0, old, refused()),
        (None, TRY_TIMES, 0, old, silent()),
        (Some(&unknown), 1, 0, old, planned(0)),
    ];
    for (failure, attempts, salt, age, expected) in table {
        assert_eq!(absent(failure, now() - age, attempts, salt, now()), expected, "{attempts} {salt} {age:?}");
    }
}

#[test]
fn looks_are_spread_over_the_span() {
    // Looks so far, how long ago it was sent, and in how many seconds from then it is looked for.
    let table = [
        (0, 0, Some(3)),
        (1, 0, Some(15)),
        (2, 0, Some(45)),
        (3, 0, Some(90)),
        (4, 0, Some(180)),
        (9, 0, Some(180)),
        (0, 100, Some(101)),
        (2, 180, Some(181)),
        (9, 179, Some(180)),
        (3, 180, None),
        (4, 181, None),
    ];
    for (looks, ago, expected) in table {
        let since = now() - secs(ago);
        let found = next_look(since, looks, 180, now()).map(|at| at.duration_since(since));
        assert_eq!(found, expected.map(secs), "{looks} looks, {ago} s ago");
    }
}

#[test]
fn a_look_that_fails_is_repeated_ever_more_rarely() {
    // Whether the one before failed too, how long ago it was sent, and in how many seconds it is looked for again.
    let table = [
        (false, 0, 15),
        (false, 86_400, 15),
        (true, 20, 15),
        (true, 60, 30),
        (true, 1_000, 500),
        (true, 3_600, 1_800),
        (true, 86_400, 1_800),
    ];
    for (before, ago, expected) in table {
        assert_eq!(look_later(now() - secs(ago), before, now()), now() + secs(expected), "{before} {ago}");
    }
}

#[test]
fn looks_that_fail_end_with_a_person() {
    let until = FailureKind::WaitUntil { at: now() + secs(30) };
    let hour = secs(3_600);
    // What the look met, how long ago it was sent, how many looks failed, over how many seconds it is looked for, and whether
    // a person is asked.
    let table = [
        (FailureKind::Forbidden, hour, 14, 180, false),
        (FailureKind::Forbidden, hour + secs(1), 14, 180, true),
        (FailureKind::Rejected, hour + secs(1), 5, 180, true),
        (FailureKind::Gone, hour + secs(1), 5, 180, true),
        (FailureKind::Forbidden, secs(7_200), 14, 7_200, false),
        (FailureKind::Forbidden, secs(7_201), 14, 7_200, true),
        // After a pause or a stop few have been made.
        (FailureKind::Forbidden, TRY_FOR * 2, 4, 180, false),
        (FailureKind::Transient, TRY_FOR, 80, 180, false),
        (FailureKind::Transient, TRY_FOR + secs(1), 80, 180, true),
        (FailureKind::Unreadable, TRY_FOR + secs(1), TRY_TIMES, 180, true),
        (FailureKind::Transient, TRY_FOR * 2, TRY_TIMES - 1, 180, false),
        (until, TRY_FOR * 2, 80, 180, false),
        (FailureKind::SignInAgain, TRY_FOR * 2, 80, 180, false),
    ];
    for (kind, ago, failed, settle, expected) in table {
        let found = looked_enough(&failure(kind), (now() - ago, failed), settle, now());
        assert_eq!(found, expected, "{kind:?} {ago:?} {failed} {settle}");
    }
}

/// They are made often enough in that span, so that it is the span that ends them.
#[test]
fn looks_that_never_cease_to_fail_end_when_their_span_does() {
    for (kind, hours) in [(FailureKind::Forbidden, 2), (FailureKind::Transient, 37)] {
        let (since, mut failed, mut at) = (now(), 1, now() + secs(2));
        while !looked_enough(&failure(kind), (since, failed), 180, at) {
            at = look_later(since, failed > 1, at);
            failed += 1;
        }
        assert!(at < since + secs(hours * 3_600), "{kind:?}: after {failed} looks, at {at}");
    }
}
