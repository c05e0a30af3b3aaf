//! Budgets: rolling windows, reserve, the server's word; K3 (never give up inside a window).

use std::sync::Arc;

use halobridge::{
    domain::failure::FailureKind,
    outbound::budget::{Budget, Class, Kind, Subscriptions},
    twin::{limits::Limits, options::Product},
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::adapters_support::{HaloTwin, draft, moment, text, with};

fn start() -> Timestamp {
    moment("2026-05-04T09:00:00Z")
}

fn at(seconds: i64) -> Timestamp {
    start() + SignedDuration::from_secs(seconds)
}

#[test]
fn a_window_rolls_and_low_classes_leave_room() {
    let budget = Budget::halo(100);
    let take = |class, now| budget.take(now, Kind::Halo, class);
    // Paced work leaves four of a hundred calls, a full reading to 85, a backfill to 60.
    let mut now = start();
    for (class, most) in [(Class::Backfill, 60), (Class::Reconcile, 85), (Class::New, 95)] {
        while budget.state(now).used < most {
            match take(class, now) {
                Ok(()) => {}
                Err(at) => now = at,
            }
        }
        assert!(now < at(300), "the pace is a window's: {class:?} {now}");
        if class != Class::New {
            assert_eq!(take(class, now), Err(at(300)), "{class:?}");
        }
    }
    // The last of them goes when the first places come back, or when it is urgent.
    assert_eq!(take(Class::WebhookBorn, now), Ok(()));
    for class in [Class::New, Class::Comment, Class::Closure] {
        let told = take(class, now).unwrap_err();
        assert!(told >= at(300) && told <= at(305), "{class:?}: {told}");
    }
    for class in [Class::WebhookBorn, Class::WebhookBorn, Class::Poll, Class::Interactive] {
        assert_eq!(take(class, now), Ok(()), "{class:?}");
    }
    assert_eq!(take(Class::Interactive, now), Err(at(300)));
    let state = budget.state(now);
    assert_eq!((state.allowed, state.used, state.free_at), (100, 100, at(300)));
    assert_eq!(take(Class::Interactive, at(300)), Ok(()));
}

#[test]
fn what_can_wait_is_paced_evenly_and_what_cannot_is_not() {
    let budget = Budget::halo(300);
    let take = |class, now| budget.take(now, Kind::Halo, class);
    // A fifth at once after a quiet time, then so that what is left lasts until these places come back.
    for _ in 0..60 {
        assert_eq!(take(Class::New, start()), Ok(()));
    }
    let next = take(Class::New, start()).unwrap_err();
    assert!(next > at(1) && next <= at(2), "{next}");
    assert_eq!(budget.free_at(start(), Kind::Halo, Class::Comment, 1), next);
    assert!(budget.free_at(start(), Kind::Halo, Class::Comment, 2) > at(2), "two calls want two places");
    assert_eq!(budget.free_at(start(), Kind::Halo, Class::Poll, 20), start());
    for _ in 0..200 {
        assert_eq!(
            take(Class::WebhookBorn, start()),
            Ok(()),
            "nobody waits for the pace while a webhook's incident does"
        );
    }
    // As long as there is backlog, 98 of a hundred permitted calls are made, and never more than all.
    let budget = Budget::halo(300);
    let (mut now, mut taken) = (start(), Vec::new());
    while now < at(3_600) {
        match budget.take(now, Kind::Halo, Class::New) {
            Ok(()) => taken.push(now),
            Err(at) => now = at,
        }
    }
    let within = |from: i64| taken.iter().filter(|t| **t >= at(from) && **t < at(from + 300)).count();
    for from in (0..3_300).step_by(7) {
        // A window that begins behind the first burst and ends before its places are all filled again has fewer.
        let fewest = if from == 0 || from > 600 { 291 } else { 225 };
        assert!((fewest..=294).contains(&within(from)), "{} from {from}", within(from));
    }
    assert!(taken.len() >= 290 * 12, "{}", taken.len());
}

#[test]
fn what_can_wait_leaves_room_for_calls_that_are_known_to_come() {
    let budget = Budget::halo(300);
    let halo = Kind::Halo;
    let fill = |from: i64, until: i64| {
        let (mut now, until) = (at(from), at(until));
        while now < until {
            match budget.take(now, halo, Class::New) {
                Ok(()) => {}
                Err(at) => now = at,
            }
        }
    };
    fill(0, 600);
    // Ten calls in half a minute: room begins to be left about ten seconds before.
    budget.announce(at(600), halo, "changes", (10, at(630)));
    assert_eq!(budget.free_at(at(605), halo, Class::Interactive, 1), at(605));
    fill(600, 610);
    let used = |now| budget.state(now).used;
    assert!(used(at(610)) >= 290, "{}", used(at(610)));
    fill(610, 630);
    assert!(used(at(630)) <= 285, "{}", used(at(630)));
    let free = budget.free_at(at(630), halo, Class::New, 1);
    assert!(free > at(630), "what comes has the room");
    for call in 0..10 {
        assert_eq!(budget.take(at(630), halo, Class::Poll), Ok(()), "{call}");
    }
    assert_eq!(budget.polled(halo), 10);
    assert!(used(at(630)) <= 295, "nothing of what is kept for fresh work was used: {}", used(at(630)));
    // What does not come is not waited for, and more than a tenth of a window is never left to it.
    budget.announce(at(640), halo, "changes", (1_000, at(660)));
    fill(640, 660);
    let before = used(at(660));
    assert!((255..=270).contains(&before), "{before}");
    fill(660, 720);
    let after = used(at(720));
    assert!(after > before, "{before} {after}");
}

#[test]
fn a_list_that_was_begun_is_read_on_whatever_the_pace() {
    let kind = Kind::CommentsRead;
    let budget = Budget::azure(75);
    assert_eq!(budget.take(start(), kind, Class::Comment), Ok(()));
    for read in 1..96 {
        assert_eq!(budget.take_on(start(), kind, Class::Comment, read), Ok(()), "{read}");
    }
    assert_eq!([Class::Comment, Class::Interactive].map(|class| budget.most(kind, class)), [96, 100]);
    // What is kept for others is kept, and the rest waits for the window.
    assert_eq!(budget.take_on(start(), kind, Class::Comment, 96), Err(at(300)));
    assert!(budget.take(start(), kind, Class::New).is_err());
    assert_eq!(budget.take(start(), kind, Class::Interactive), Ok(()));
    // Where others have used the window, the list has room to begin anew once twice as much is free as was read.
    let budget = Budget::azure(75);
    for _ in 0..60 {
        assert_eq!(budget.take(start(), kind, Class::Interactive), Ok(()));
    }
    assert_eq!(budget.take(at(100), kind, Class::Comment), Ok(()));
    for read in 1..36 {
        assert_eq!(budget.take_on(at(100), kind, Class::Comment, read), Ok(()), "{read}");
    }
    assert_eq!(budget.take_on(at(100), kind, Class::Comment, 36), Err(at(400)));
    assert_eq!(budget.free_at(at(400), kind, Class::Comment, 1), at(400));
}

#[test]
fn a_fresh_incident_finds_room_in_every_minute_of_a_full_day() {
    for allowed in [100, 300, 700] {
        let budget = Budget::halo(allowed);
        let mut dice = 7_u64;
        let (mut fresh, mut longest) = (Vec::new(), SignedDuration::ZERO);
        let mut made = 0_u32;
        for half in 0..(4 * 7_200_i64) {
            let now = start() + SignedDuration::from_millis(half * 500);
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // One in twenty of the permitted rate is fresh, at random moments; the list of tickets is read every 20 s.
            if dice >> 33 < (u64::from(allowed) << 31) / (300 * 2 * 20) {
                fresh.push(now);
            }
            if half % 40 == 0 {
                assert_eq!(budget.take(now, Kind::Halo, Class::Poll), Ok(()), "{allowed} {now}");
                made += 1;
            }
            while let Some(since) = fresh.first().copied() {
                if budget.take(now, Kind::Halo, Class::WebhookBorn).is_err() {
                    break;
                }
                longest = longest.max(now.duration_since(since));
                fresh.remove(0);
                made += 1;
            }
            while budget.take(now, Kind::Halo, Class::New).is_ok() {
                made += 1;
            }
        }
        assert!(longest <= SignedDuration::from_secs(2), "{allowed}: one waited {longest}");
        assert!(f64::from(made) >= f64::from(allowed) * 48.0 * 0.95, "{allowed}: {made}");
    }
}

#[test]
fn without_a_time_the_wait_grows_and_a_good_answer_ends_it() {
    let budget = Budget::halo(300);
    assert_eq!(budget.told_to_wait_some_time(start()), at(15));
    assert_eq!(budget.told_to_wait_some_time(at(1)), at(15), "refusals of calls in flight are one");
    assert_eq!(budget.told_to_wait_some_time(at(15)), at(45));
    assert_eq!(budget.told_to_wait_some_time(at(45)), at(105));
    assert_eq!(budget.told_to_wait_some_time(at(105)), at(165));
    assert_eq!(budget.take(at(164), Kind::Halo, Class::Interactive), Err(at(165)));
    assert_eq!(budget.take(at(165), Kind::Halo, Class::Interactive), Ok(()));
    budget.answered();
    assert_eq!(budget.told_to_wait_some_time(at(200)), at(215));
}

#[test]
fn a_clock_that_is_set_back_holds_no_budget_up() {
    let budget = Budget::halo(100);
    let day = 86_400;
    for _ in 0..100 {
        budget.take(at(day), Kind::Halo, Class::Interactive).unwrap();
    }
    assert_eq!(budget.take(at(day), Kind::Halo, Class::Interactive), Err(at(day + 300)));
    // What was taken a moment ago counts for five minutes and not for a day.
    assert_eq!(budget.take(start(), Kind::Halo, Class::Interactive), Err(at(300)));
    assert_eq!(budget.take(at(300), Kind::Halo, Class::Interactive), Ok(()));
    assert_eq!(budget.told_to_wait_some_time(at(day)), at(day + 15));
    assert_eq!(budget.take(start(), Kind::Halo, Class::Interactive), Err(at(15)));
    // Two that ask at the same moment need not come in order.
    budget.told_to_wait(at(40), at(60));
    assert_eq!(budget.take(at(35), Kind::Halo, Class::Interactive), Err(at(60)));
}

#[test]
fn another_limit_forgets_neither_what_was_spent_nor_a_word_to_wait() {
    let budget = Budget::halo(10);
    for _ in 0..8 {
        budget.take(start(), Kind::Halo, Class::Interactive).unwrap();
    }
    budget.allow_halo(5);
    assert_eq!(budget.take(at(1), Kind::Halo, Class::Interactive), Err(at(300)));
    budget.allow_halo(9);
    budget.take(at(1), Kind::Halo, Class::Interactive).unwrap();
    assert_eq!(budget.take(at(2), Kind::Halo, Class::Interactive), Err(at(300)));
    budget.told_to_wait(at(2), at(400));
    budget.allow_halo(300);
    assert_eq!(budget.take(at(399), Kind::Halo, Class::Interactive), Err(at(400)));
    assert_eq!(budget.take(at(400), Kind::Halo, Class::Interactive), Ok(()));
    let all = Subscriptions::default();
    let one = all.of("AAAA-1", 75);
    for _ in 0..75 {
        one.take(start(), Kind::CommentWrite, Class::Interactive).unwrap();
    }
    all.allow("aaaa-1", 80);
    for _ in 0..5 {
        one.take(at(1), Kind::CommentWrite, Class::Interactive).unwrap();
    }
    assert_eq!(one.take(at(1), Kind::CommentWrite, Class::Interactive), Err(at(300)));
}

#[test]
fn of_several_connections_to_a_subscription_the_most_careful_is_heeded_whichever_calls_first() {
    let all = Subscriptions::default();
    all.allow("AAAA-1", 75);
    assert!(all.known("aaaa-1").is_none(), "nobody has called there");
    let one = all.of("aaaa-1", 150);
    assert_eq!(one.left(start(), Kind::IncidentWrite, Class::Interactive), 75);
    assert_eq!(all.of("aaaa-2", 150).left(start(), Kind::IncidentWrite, Class::Interactive), 150);
}

#[test]
fn a_subscription_has_one_budget_however_it_is_spelled() {
    let all = Subscriptions::default();
    let one = all.of("AAAA-1", 75);
    assert!(Arc::ptr_eq(&one, &all.of("aaaa-1", 75)));
    assert!(!Arc::ptr_eq(&one, &all.of("aaaa-2", 75)));
    assert_eq!(all.all().len(), 2);
    // Kinds are apart: full comment writes leave incident writes alone.
    for _ in 0..75 {
        one.take(start(), Kind::CommentWrite, Class::Interactive).unwrap();
    }
    assert_eq!(one.take(start(), Kind::CommentWrite, Class::Interactive), Err(at(300)));
    assert_eq!(one.take(start(), Kind::IncidentWrite, Class::Interactive), Ok(()));
    // The service's own figure wins, downwards and upwards.
    one.learn(start(), Kind::Read, 0);
    assert!(one.take(start(), Kind::Read, Class::Interactive).is_err());
    one.learn(start(), Kind::Read, 1099);
    for _ in 0..1099 {
        one.take(start(), Kind::Read, Class::Interactive).unwrap();
    }
    assert!(one.take(start(), Kind::Read, Class::Interactive).is_err());
}

#[tokio::test]
async fn k3_a_window_of_300_seconds_without_retry_after_drops_nothing() {
    let twin = HaloTwin::new(Product::Itsm, Limits::Real);
    twin.switch("rate_limit", "30");
    // Our own budget believes in ten times as much: the server's word must be enough.
    let halo = twin.adapter_within(Budget::halo(300));
    let (mut made, mut waits, mut sent_early) = (0, 0, 0);
    for n in 0..100 {
        let draft = draft(&twin, &format!("HB-{n}"));
        loop {
            let before = twin.sent().len();
            match halo.create_ticket(&draft, Class::New).await {
                Ok(_) => break made += 1,
                Err(failure) => {
                    let FailureKind::WaitUntil { at } = failure.kind else { panic!("{failure}") };
                    // Whoever asks before the named moment is told so without a call.
                    let now_sent = twin.sent().len();
                    assert!(halo.me(Class::Interactive).await.is_err());
                    sent_early += twin.sent().len() - now_sent;
                    assert!(now_sent - before <= 1);
                    waits += 1;
                    twin.clock.set(at);
                }
            }
        }
    }
    assert_eq!((made, sent_early), (100, 0));
    assert_eq!(twin.tickets(), 100);
    assert!(waits < 60, "{waits} waits for three windows");
}

#[tokio::test]
async fn retry_after_is_obeyed_exactly() {
    let twin = HaloTwin::new(Product::Psa, Limits::Real);
    twin.switch("rate_limit", "3");
    twin.switch("rate_retry_after", "on");
    let halo = twin.adapter();
    halo.me(Class::Interactive).await.unwrap();
    halo.me(Class::Interactive).await.unwrap();
    let failure = halo.me(Class::Interactive).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::WaitUntil { at: moment("2026-05-04T09:05:00Z") });
    twin.clock.set(moment("2026-05-04T09:05:00Z"));
    assert!(halo.me(Class::Interactive).await.is_ok());
}

/// Whatever the status that names it, and whichever of the instance's calls was answered so.
#[tokio::test]
async fn retry_after_is_obeyed_whatever_the_status() {
    for tail in ["/token", "/Agent/me", "/Tickets"] {
        let twin = HaloTwin::new(Product::Itsm, Limits::Off);
        let halo = twin.adapter();
        let wanted = (tail == "/Tickets").then(|| draft(&twin, "HB-5"));
        twin.meddle(move |sent, response| match sent.path().ends_with(tail) {
            true => with(text(503, "<html>Maintenance"), "retry-after", "40"),
            false => Ok(response),
        });
        let named = match wanted {
            // What may have been carried out is looked for.
            Some(draft) => {
                let failure = halo.create_ticket(&draft, Class::New).await.unwrap_err();
                assert_eq!(failure.kind, FailureKind::Unknown);
                halo.me(Class::Interactive).await.unwrap_err()
            }
            None => halo.me(Class::Interactive).await.unwrap_err(),
        };
        assert_eq!(named.kind, FailureKind::WaitUntil { at: at(40) }, "{tail}");
        let sent = twin.sent().len();
        twin.clock.set(at(39));
        assert_eq!(halo.me(Class::Interactive).await.unwrap_err().kind, FailureKind::WaitUntil { at: at(40) });
        assert_eq!(twin.sent().len(), sent, "{tail}: nothing goes before the named time");
        twin.clock.set(at(40));
        let _ = halo.me(Class::Interactive).await;
        assert!(twin.sent().len() > sent, "{tail}: and it goes then");
    }
}

#[tokio::test]
async fn k6_a_token_is_asked_for_once_per_life() {
    let twin = HaloTwin::new(Product::Itsm, Limits::Off);
    let halo = Arc::new(twin.adapter_within(Budget::halo(100_000)));
    // Many at once at the start: one token.
    let many = (0..20).map(|_| {
        let halo = halo.clone();
        async move { halo.me(Class::Interactive).await }
    });
    assert!(futures::future::join_all(many).await.iter().all(Result::is_ok));
    let tokens = || twin.count("POST", "/halo/auth/token");
    assert_eq!(tokens(), 1);
    // Ten hours of polling every 20 s: renewed at 80 % of an hour, never more often.
    for _ in 0..1800 {
        twin.clock.advance(SignedDuration::from_secs(20));
        halo.me(Class::Reconcile).await.unwrap();
    }
    assert!(tokens() <= 1 + 36_000 / 2880, "{}", tokens());
    // A token lost on their side costs one new token and no failure.
    twin.halo.lock().unwrap().revoke_tokens();
    let before = tokens();
    halo.me(Class::Interactive).await.unwrap();
    assert_eq!(tokens(), before + 1);
}

/// A renewal that meets an outage is a call of the budget like any other: asked for with every request, it took the place of
/// the very request that it was for, again and again.
#[tokio::test]
async fn a_token_that_still_lives_is_renewed_in_vain_once_a_minute() {
    let twin = HaloTwin::new(Product::Itsm, Limits::Off);
    let halo = twin.adapter_within(Budget::halo(100));
    halo.me(Class::New).await.unwrap();
    twin.meddle(|sent, response| match sent.path().ends_with("/token") {
        true => text(500, ""),
        false => Ok(response),
    });
    let tokens = || twin.count("POST", "/halo/auth/token");
    let before = tokens();
    twin.clock.advance(SignedDuration::from_secs(2_900));
    let mut answered = 0;
    for _ in 0..600 {
        match halo.me(Class::New).await {
            Ok(_) => answered += 1,
            Err(failure) => assert!(matches!(failure.kind, FailureKind::WaitUntil { .. }), "{failure}"),
        }
        twin.clock.advance(SignedDuration::from_secs(1));
    }
    assert!(tokens() - before <= 11, "{} askings in ten minutes", tokens() - before);
    assert!(answered > 150, "{answered} requests found a place");
}

proptest! {
    #[test]
    fn no_window_ever_holds_more_than_is_allowed(
        steps in proptest::collection::vec((0_i64..40, 0_usize..4), 1..400), allowed in 1_u32..40
    ) {
        let budget = Budget::halo(allowed);
        let classes = [Class::Interactive, Class::New, Class::Reconcile, Class::Backfill];
        let (mut now, mut taken): (Timestamp, Vec<Timestamp>) = (start(), Vec::new());
        for (wait, class) in steps {
            now += SignedDuration::from_secs(wait);
            match budget.take(now, Kind::Halo, classes[class]) {
                Ok(()) => taken.push(now),
                Err(until) => {
                    prop_assert!(until > now);
                    // A window, or the pace of one call in it.
                    prop_assert!(until <= now + SignedDuration::from_secs(313));
                    // The promise holds: at that moment the call may go.
                    now = until;
                    prop_assert_eq!(budget.take(now, Kind::Halo, classes[class]), Ok(()));
                    taken.push(now);
                }
            }
            let inside = taken.iter().filter(|t| now.duration_since(**t) < SignedDuration::from_mins(5)).count();
            prop_assert!(inside <= allowed as usize);
        }
    }
}
