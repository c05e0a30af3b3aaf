//! What a pause holds, and what a failure pauses.

use super::scene::{at, in_step};
use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        ids::{ClientId, ConnectionId, PairId, WorkspaceId},
        pause::{Pause, PauseCause, PauseScope},
        run::RunScope,
    },
    planner::pause::{Refusals, by_reading, healed, on, to_try_again},
};

fn id(n: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(n)
}

fn by_person(scope: PauseScope) -> Pause {
    let cause = PauseCause::Person { who: None, why: None };
    Pause { scope, cause, since: at("2026-03-01T12:00:00Z") }
}

#[test]
fn a_pause_holds_its_pair_its_clients_pairs_or_those_of_either_connection() {
    let pair = in_step().pair;
    let microsoft = ConnectionId(id(77));
    let other = id(99);
    let cases = [
        ("the pair", PauseScope::Pair { id: pair.id }, true),
        ("another pair", PauseScope::Pair { id: PairId(other) }, false),
        ("its client", PauseScope::Client { id: pair.client }, true),
        ("another client", PauseScope::Client { id: ClientId(other) }, false),
        ("its Halo instance", PauseScope::Connection { id: pair.halo }, true),
        ("its Microsoft connection", PauseScope::Connection { id: microsoft }, true),
        ("another connection", PauseScope::Connection { id: ConnectionId(other) }, false),
    ];
    for (name, scope, expected) in cases {
        let pauses = [by_person(scope)];
        assert_eq!(!on(&pauses, &pair, Some(microsoft)).is_empty(), expected, "{name}");
    }
    // All that hold it are told, the narrowest first.
    let all: Vec<Pause> = cases.iter().rev().map(|(_, scope, _)| by_person(*scope)).collect();
    let told: Vec<PauseScope> = on(&all, &pair, Some(microsoft)).into_iter().map(|pause| pause.scope).collect();
    let expected: Vec<PauseScope> = cases.iter().filter(|(.., holds)| *holds).map(|(_, scope, _)| *scope).collect();
    assert_eq!(told, expected);
}

#[test]
fn what_a_reading_that_failed_for_good_pauses() {
    use FailureKind::{Conflict, Forbidden, Gone, Rejected, SignInAgain, Transient, Unknown, Unreadable};
    let (connection, client) = (ConnectionId(id(5)), ClientId(id(6)));
    let whole = Some(PauseScope::Connection { id: connection });
    let cases = [
        (Side::Sentinel, SignInAgain, whole),
        (Side::Halo, SignInAgain, whole),
        (Side::Sentinel, Forbidden, Some(PauseScope::Client { id: client })),
        (Side::Halo, Forbidden, whole),
        (Side::Halo, Transient, None),
        (Side::Halo, FailureKind::WaitUntil { at: at("2026-03-01T12:00:00Z") }, None),
        (Side::Sentinel, Gone, None),
        (Side::Sentinel, Conflict, None),
        (Side::Sentinel, Rejected, None),
        (Side::Sentinel, Unknown, None),
        (Side::Halo, Unreadable, None),
    ];
    for (side, kind, expected) in cases {
        let reading = match side {
            Side::Sentinel => RunScope::Workspace { id: WorkspaceId(id(7)) },
            Side::Halo => RunScope::Halo { id: connection },
        };
        let client = (side == Side::Sentinel).then_some(client);
        let failure = Failure::new(side, kind, "no");
        let found = by_reading(&failure, reading, connection, client);
        assert_eq!(found.as_ref().map(|(scope, _)| *scope), expected, "{side:?} {kind:?}");
        let Some((scope, cause)) = found else { continue };
        let pause = Pause { scope, cause, since: at("2026-03-01T12:00:00Z") };
        assert!(pause.automatic());
        assert!(healed(&pause, reading), "by the reading that failed");
        assert!(!healed(&pause, RunScope::Workspace { id: WorkspaceId(id(8)) }), "and by no other one");
        assert!(!healed(&by_person(scope), reading), "a person's pause ends by a person");
    }
}

#[test]
fn the_second_refused_pair_in_a_row_pauses_its_client() {
    let (one, two) = (ClientId(id(1)), ClientId(id(2)));
    let mut refusals = Refusals::default();
    let pause = Some(PauseScope::Client { id: one });
    assert_eq!(refusals.refused(one, Side::Halo, PairId(id(1))), None);
    assert_eq!(refusals.refused(one, Side::Halo, PairId(id(1))), None, "the same pair again is no further one");
    assert_eq!(refusals.refused(one, Side::Sentinel, PairId(id(2))), None, "the other side is another matter");
    assert_eq!(refusals.refused(two, Side::Halo, PairId(id(3))), None, "and so is another client");
    assert_eq!(refusals.refused(one, Side::Halo, PairId(id(4))), pause);
    assert_eq!(refusals.refused(one, Side::Halo, PairId(id(4))), pause, "after a resume without effect at once");
    refusals.accepted(one, Side::Halo);
    assert_eq!(refusals.refused(one, Side::Halo, PairId(id(5))), None, "one that was accepted begins anew");
}

#[test]
fn what_is_refused_for_want_of_a_right_is_tried_again_after_a_while() {
    let client = ClientId(id(1));
    let (began, soon, later) = (at("2026-03-01T12:00:00Z"), at("2026-03-01T12:14:59Z"), at("2026-03-01T12:15:00Z"));
    let by = |kind, reading| PauseCause::Failure { failure: Failure::new(Side::Halo, kind, "no"), reading };
    let of = |scope, cause| Pause { scope, cause, since: began };
    let refused = of(PauseScope::Client { id: client }, by(FailureKind::Forbidden, None));
    assert_eq!(to_try_again(&refused, Side::Halo, soon), None);
    assert_eq!(to_try_again(&refused, Side::Halo, later), Some(PauseScope::Client { id: client }));
    assert_eq!(to_try_again(&refused, Side::Sentinel, later), None, "the other side says nothing of it");
    let connection = ConnectionId(id(5));
    let read = Some(RunScope::Halo { id: connection });
    let others = [
        of(PauseScope::Client { id: client }, by(FailureKind::Rejected, None)),
        of(PauseScope::Client { id: client }, by(FailureKind::Forbidden, read)),
        of(PauseScope::Connection { id: connection }, by(FailureKind::SignInAgain, read)),
        of(PauseScope::Connection { id: connection }, by(FailureKind::Rejected, None)),
        by_person(PauseScope::Client { id: client }),
    ];
    for pause in others {
        assert_eq!(to_try_again(&pause, Side::Halo, later), None, "{pause:?}");
    }
    // A sign-in that only a write was refused.
    let sign_in = of(PauseScope::Connection { id: connection }, by(FailureKind::SignInAgain, None));
    assert_eq!(to_try_again(&sign_in, Side::Halo, soon), None);
    assert_eq!(to_try_again(&sign_in, Side::Halo, later), Some(sign_in.scope));
    // Still refused: paused with the first write, and no further one is a dead letter.
    let mut refusals = Refusals::default();
    refusals.tried_again(client, Side::Halo);
    assert_eq!(refusals.refused(client, Side::Halo, PairId(id(7))), Some(PauseScope::Client { id: client }));
    refusals.accepted(client, Side::Halo);
    assert_eq!(refusals.refused(client, Side::Halo, PairId(id(7))), None);
}
