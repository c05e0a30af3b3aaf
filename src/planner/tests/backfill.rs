//! Backfill: what it would come to, whom it lets pass, and its pace.

use proptest::prelude::*;
use uuid::Uuid;

use super::scene::{Scene, at, in_step};
use crate::{
    domain::{
        backfill::{Backfill, BackfillState, Forecast, Progress},
        ids::{RunId, TicketId},
        incident::{IncidentStatus, Label},
        policy::filter::Filter,
        reason::Reason,
        workspace::Mode,
    },
    planner::backfill::{Counting, allowed, ask, at_rest},
};

/// A workspace that started in April, and a backfill of January to March.
fn scene() -> (Scene, Backfill) {
    let mut scene = in_step();
    scene.workspace.since = at("2026-04-01T00:00:00Z");
    let backfill = Backfill {
        id: RunId(Uuid::from_u128(1)),
        workspace: scene.workspace.id,
        from: at("2026-01-01T00:00:00Z"),
        to: scene.workspace.since,
        cap: 100,
        per_hour: 60,
        closed: false,
        asked: at("2026-04-02T00:00:00Z"),
        state: BackfillState::Counting,
    };
    (scene, backfill)
}

#[test]
fn only_the_start_is_lifted() {
    let filtered = Filter { severity: vec!["High".into()], ..Filter::default() };
    type Change = Box<dyn Fn(&mut Scene, &mut Backfill)>;
    let cases: Vec<(&str, Change, Option<Reason>, Option<&str>)> = vec![
        ("within the range", Box::new(|_, _| ()), None, None),
        ("after the range", Box::new(|_, b| b.to = at("2026-02-01T00:00:00Z")), None, Some("older-than-start")),
        ("before the range", Box::new(|_, b| b.from = at("2026-03-20T00:00:00Z")), None, Some("older-than-start")),
        ("of no known time", Box::new(|s, _| s.incident.created = None), None, Some("older-than-start")),
        ("closed", Box::new(|s, _| s.incident.status = IncidentStatus::Closed), None, Some("older-than-start")),
        (
            "closed, and wanted so",
            Box::new(|s, b| (s.incident.status, b.closed) = (IncidentStatus::Closed, true)),
            None,
            None,
        ),
        (
            "merged in Defender",
            Box::new(|s, b| {
                (s.incident.status, b.closed) = (IncidentStatus::Closed, true);
                s.incident.labels.push(Label { name: "Redirected".into(), kind: None });
            }),
            None,
            Some("redirected"),
        ),
        ("kept out by a filter", Box::new(move |s, _| s.policy.include = filtered.clone()), None, Some("filtered")),
        (
            "unlinked by a person",
            Box::new(|_, _| ()),
            Some(Reason::Unlinked { ticket: Some(TicketId(3)), refused: None }),
            Some("unlinked"),
        ),
        ("held for its age", Box::new(|_, _| ()), Some(Reason::OlderThanStart), None),
        ("in observe", Box::new(|s, _| s.workspace.mode = Mode::Observe), None, Some("mode-observe")),
    ];
    for (name, change, held, expected) in cases {
        let (mut scene, mut backfill) = scene();
        change(&mut scene, &mut backfill);
        let found = (&scene.workspace, &scene.client, &scene.policy);
        let passed = ask(&backfill, found, Some(&scene.catalogue), &scene.incident, held.as_ref());
        assert_eq!(passed.err().map(|reason| reason.code()), expected, "{name}");
    }
}

#[test]
fn a_forecast_counts_what_would_come_of_it() {
    let (mut scene, mut backfill) = scene();
    backfill.cap = 3;
    scene.policy.evidence = true;
    scene.policy.link_comment = true;
    let mut counting = Counting::default();
    counting.page();
    counting.linked();
    let mut add = |change: &dyn Fn(&mut Scene)| {
        let mut scene = scene.clone();
        change(&mut scene);
        let found = (&scene.workspace, &scene.client, &scene.policy);
        counting.add(&backfill, found, Some(&scene.catalogue), &scene.incident, None);
    };
    add(&|_| ());
    add(&|s| s.incident.comments_count = 2);
    add(&|s| (s.incident.alerts_count, s.workspace.mode) = (0, Mode::Observe));
    add(&|_| ());
    add(&|s| s.incident.status = IncidentStatus::Closed);
    add(&|s| s.policy.ticket_type = crate::domain::catalogue::Ref::Name("None of Halo's".into()));
    let calls = 1 + (1 + 2 + 1) + (1 + 2 * 2 + 1 + 2 + 1) + (1 + 1);
    let expected = Forecast { incidents: 7, linked: 1, closed: 1, held: 1, tickets: 3, calls, secs: 180 };
    assert_eq!(counting.forecast(&backfill, 300), expected);
    // Where the instance allows little, that is what takes the time: seven calls at three in five minutes.
    assert_eq!(counting.forecast(&backfill, 5).secs, 7 * 300 / 3);
}

#[test]
fn the_pace_is_kept_from_the_beginning_and_the_cap_in_all() {
    let (_, backfill) = scene();
    let began = at("2026-04-02T12:00:00Z");
    let cases = [
        ("at once", 0, 0, 1),
        ("within the first minute", 59, 1, 0),
        ("after a minute", 60, 1, 1),
        ("after an hour", 3_600, 60, 1),
        ("after an hour in which nothing could be done", 3_600, 10, 51),
        ("near the cap", 7_200, 95, 5),
        ("at the cap", 36_000, 100, 0),
    ];
    for (name, secs, tickets, expected) in cases {
        let progress = Progress { began, looked: 0, tickets, through: None, still: None, stood_secs: 0 };
        let now = began + jiff::SignedDuration::from_secs(secs);
        assert_eq!(allowed(&backfill, &progress, now), expected, "{name}");
    }
}

#[test]
fn the_time_in_which_a_backfill_stood_still_is_not_made_up_for() {
    let (_, backfill) = scene();
    let began = at("2026-04-02T12:00:00Z");
    let after = |secs| began + jiff::SignedDuration::from_secs(secs);
    let still = at_rest(Progress { tickets: 2, ..Progress::begun(began) }, true, after(120));
    assert_eq!(at_rest(still, true, after(9_000)), still, "it is noted once");
    let days = 2 * 86_400;
    let goes_on = at_rest(still, false, after(120 + days));
    assert_eq!((goes_on.still, goes_on.stood_secs), (None, 2 * 86_400));
    assert_eq!(at_rest(goes_on, false, after(150 + days)), goes_on);
    let allowed = |secs| allowed(&backfill, &goes_on, after(secs + days));
    assert_eq!([allowed(120), allowed(180), allowed(3_720)], [1, 2, 61]);
    let again = at_rest(at_rest(goes_on, true, after(200 + days)), false, after(260 + days));
    assert_eq!(again.stood_secs, 2 * 86_400 + 60);
}

proptest! {
    #[test]
    fn no_backfill_is_faster_than_asked_or_exceeds_its_cap(
        cap in 1_u32..500,
        per_hour in 1_u32..3_600,
        secs in 0_i64..100_000,
        tickets in 0_u32..500,
    ) {
        let (_, backfill) = scene();
        let backfill = Backfill { cap, per_hour, ..backfill };
        let began = at("2026-04-02T12:00:00Z");
        let progress = Progress { began, looked: 0, tickets, through: None, still: None, stood_secs: 0 };
        let more = allowed(&backfill, &progress, began + jiff::SignedDuration::from_secs(secs));
        if more > 0 {
            prop_assert!(tickets + more <= cap);
            let by_then = (i64::from(per_hour) * (secs + 60) / 3_600).max(1);
            prop_assert!(i64::from(tickets + more) <= by_then);
        }
    }
}
