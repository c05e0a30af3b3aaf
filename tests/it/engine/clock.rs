//! The host's clock was wrong and is put right.

use halobridge::{
    clock::{Clock as _, ManualClock},
    engine::intake::SYNC,
    service::pulse,
};
use jiff::SignedDuration;
use serde_json::json;

use super::bridge::*;

/// So much time passes, in steps that are shorter than a poll's interval, at the bridge's world and by the process's own clock.
async fn pass(bridge: &Bridge, own: &ManualClock, secs: i64) {
    for _ in 0..secs / 10 {
        own.advance(SignedDuration::from_secs(10));
        bridge.advance(10).await;
    }
}

both! {
    /// A host that starts with a wrong clock is put right by NTP, and nothing waits until that moment comes again.
    async fn a_clock_that_is_set_back_holds_nothing_up(product) {
        for hours in [1, 24] {
            let (mut bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
            let own = ManualClock::at(bridge.engine.now() + SignedDuration::from_hours(hours));
            bridge.restart_by(&own).await;
            pass(&bridge, &own, 120).await;
            // One write waits for its next attempt, and one is looked for.
            bridge.fault(json!({ "effect": "status", "status": 503, "kind": "halo.actions.post" }));
            bridge.comment(&incident, "said by a wrong clock");
            pass(&bridge, &own, 600).await;
            own.set(bridge.clock.now());
            bridge.heal();
            let lists = ["sentinel.incident.list", "halo.tickets.list"];
            let before = lists.map(|kind| bridge.calls(kind));
            let request = bridge.store.ask(own.now(), SYNC, &json!({})).await.unwrap();
            let other = bridge.raise(json!({}));
            pass(&bridge, &own, 120).await;
            for (kind, before) in lists.iter().zip(before) {
                assert!(bridge.calls(kind) >= before + 2, "{hours} h: {kind} is asked for as ever");
            }
            bridge.ticket_of(&other).await;
            let (app, caller) = bridge.console();
            let pulse = pulse::pulse(&app, &caller).await.unwrap();
            assert!(pulse.late.is_empty() && pulse.last_look.is_some_and(|at| at <= own.now()), "{hours} h: {pulse:?}");
            pass(&bridge, &own, 600).await;
            let asked = bridge.store.request(request).await.unwrap().unwrap();
            assert!(asked.answered.is_some(), "{hours} h: {asked:?}");
            let notes = bridge.notes_of(ticket);
            assert_eq!(notes.iter().filter(|note| words(note).contains("said by a wrong clock")).count(), 1, "{hours} h");
            bridge.finish().await;
        }
    }

    /// A workspace that was set up while the clock was ahead has its start there.
    async fn a_start_that_lies_ahead_is_said_until_it_has_come(product) {
        let bridge = Bridge::with(Setup { since_secs: 3_600, workspaces: 1, ..Setup::new(product) }).await;
        let notes = || -> Vec<String> {
            bridge.engine.standings().into_iter().filter_map(|found| found.standing.note).collect()
        };
        let before = bridge.raise(json!({}));
        bridge.pass(600).await;
        assert!(bridge.pair_of(&before).await.is_none());
        let told = notes();
        assert!(told.iter().any(|note| note.contains("lies ahead") && note.contains("since")), "{told:?}");
        bridge.pass(3_600).await;
        assert_eq!(notes(), Vec::<String>::new(), "it has come");
        let after = bridge.raise(json!({}));
        bridge.cross().await;
        bridge.ticket_of(&after).await;
        bridge.finish().await;
    }

    /// What is held is looked at again when the policy or the mode changes, whatever the clock said when it was read.
    async fn what_was_held_by_a_wrong_clock_passes_once_it_may(product) {
        let mut bridge = Bridge::with(Setup { mode: "observe", ..Setup::new(product) }).await;
        let own = ManualClock::at(bridge.engine.now() + SignedDuration::from_hours(1));
        bridge.restart_by(&own).await;
        let incident = bridge.raise(json!({}));
        pass(&bridge, &own, 300).await;
        assert_eq!(bridge.reason_of(&incident).await, Some("mode-observe"));
        own.set(bridge.clock.now());
        bridge.setup.mode = "two-way";
        bridge.apply().await;
        pass(&bridge, &own, 300).await;
        bridge.ticket_of(&incident).await;
        bridge.finish().await;
    }

    /// The same when the process ends before the clock is put right: what the queue says is by the wrong clock.
    async fn nor_does_it_over_a_start(product) {
        let (mut bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        let own = ManualClock::at(bridge.engine.now() + SignedDuration::from_hours(24));
        bridge.restart_by(&own).await;
        bridge.fault(json!({ "effect": "status", "status": 503, "kind": "halo.actions.post" }));
        bridge.comment(&incident, "said by a wrong clock");
        pass(&bridge, &own, 600).await;
        bridge.heal();
        bridge.restart().await;
        bridge.pass(600).await;
        let notes = bridge.notes_of(ticket);
        assert_eq!(notes.iter().filter(|note| words(note).contains("said by a wrong clock")).count(), 1);
        bridge.finish().await;
    }
}
