//! What a pair said at any moment of its history.

use halobridge::{
    clock::Clock as _,
    domain::incident::Severity,
    ledger::entry::Seq,
    service::{
        acts,
        error::ServiceError,
        links, pairs,
        then::{self, Then},
        unlinked,
    },
    store::SituationRow,
};
use serde_json::json;

use super::bridge::*;

/// What counts: both sides, what they agree on, the queue and how it stands.
fn shown(row: &SituationRow) -> String {
    let operations: Vec<String> =
        row.operations.iter().map(|o| format!("{:?} {:?} {}", o.kind, o.state, o.attempts)).collect();
    format!(
        "{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{operations:#?}\n{:?} {:?} {:?} {:?}",
        row.subject.incident,
        row.ticket,
        row.comments,
        row.actions,
        row.evidence,
        row.pair.base,
        row.links,
        row.pair.sync,
        row.pair.health,
        row.pair.reason,
        row.pair.ticket,
    )
}

both! {
    async fn a_look_moves_the_time_at_which_the_pair_was_checked(product) {
        let bridge = Bridge::with(Setup { poll_secs: 900, ..Setup::new(product) }).await;
        let incident = bridge.raise(json!({}));
        bridge.pass(1_800).await;
        let (app, caller) = bridge.console();
        let pair = bridge.pair_of(&incident).await.unwrap().id;
        let opened = bridge.clock.now();
        bridge.advance(1).await;
        acts::look_again(&app, &caller, pair).await.unwrap();
        bridge.run().await;
        let view = pairs::view(&app, &caller, pair, "").await.unwrap();
        assert_eq!((view.incident_read, view.ticket_read), (Some(bridge.clock.now()), Some(bridge.clock.now())));
        // of the past, nothing is told that was not known then
        let past = pairs::view_at(&app, &caller, pair, "", Then::Moment(opened)).await.unwrap();
        assert!(past.as_of.is_some());
        assert_eq!((past.incident_read, past.ticket_read), (None, None));
        bridge.finish().await;
    }

    async fn a_look_that_finds_nothing_new_is_no_change(product) {
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        bridge.pass(1_800).await;
        let (app, caller) = bridge.console();
        let pair = bridge.pair_of(&incident).await.unwrap();
        for _ in 0..2 {
            bridge.advance(60).await;
            acts::look_again(&app, &caller, pair.id).await.unwrap();
            bridge.run().await;
        }
        assert_eq!(bridge.pair_of(&incident).await.unwrap().changed, pair.changed);
        let view = pairs::view(&app, &caller, pair.id, "").await.unwrap();
        assert_eq!((view.changed, view.incident_read), (pair.changed, Some(bridge.clock.now())));
        let past = pairs::view_at(&app, &caller, pair.id, "", Then::Moment(bridge.clock.now())).await.unwrap();
        assert_eq!(past.changed, pair.changed, "the same is said of the past");
        // What does change says so.
        bridge.update(&incident, json!({ "severity": "High" }));
        bridge.cross().await;
        let changed = bridge.pair_of(&incident).await.unwrap().changed;
        assert!(changed > pair.changed, "{changed}");
        bridge.note(bridge.ticket_of(&incident).await, "<p>words</p>", json!({}));
        bridge.cross().await;
        assert!(bridge.pair_of(&incident).await.unwrap().changed > changed);
        bridge.finish().await;
    }

    async fn a_history_that_is_read_in_parts_is_replayed_from_its_beginning(product) {
        let (bridge, incident, _) = Bridge::linked(Setup::new(product)).await;
        bridge.update(&incident, json!({ "severity": "High" }));
        bridge.cross().await;
        let (app, _) = bridge.console();
        let pair = bridge.pair_of(&incident).await.unwrap();
        let latest = bridge.store.latest_seq().await.unwrap();
        let (whole, at) = then::situation(&app, &pair, latest).await.unwrap().expect("it is a pair");
        assert!(bridge.store.timeline(pair.id, None, 50).await.unwrap().len() > 3);
        for at_once in [1, 2, 3] {
            let parts = then::situation_by(&app, &pair, latest, at_once).await.unwrap();
            let (row, when) = parts.expect("it is a pair, however many entries are read at a time");
            assert_eq!((shown(&row), when), (shown(&whole), at), "{at_once} at a time");
        }
        bridge.finish().await;
    }

    async fn a_pair_that_was_unlinked_is_shown_as_it_stood_before(product) {
        let (bridge, incident, _) = Bridge::linked(Setup::new(product)).await;
        bridge.update(&incident, json!({ "severity": "Low" }));
        bridge.comment(&incident, "seen on the host");
        bridge.cross().await;
        let pair = bridge.pair_of(&incident).await.unwrap();
        let (early, moment) = (bridge.store.latest_seq().await.unwrap(), bridge.clock.now());
        bridge.advance(60).await;
        bridge.update(&incident, json!({ "severity": "High" }));
        bridge.cross().await;
        let (app, caller) = bridge.console();
        let stood = pairs::view_at(&app, &caller, pair.id, "", Then::Entry(early)).await.unwrap();
        links::unlink(&app, &caller, pair.id).await.unwrap();
        bridge.run().await;
        // An address that was sent around before shows the same as before, whichever way it names the moment.
        for then in [Then::Entry(early), Then::Moment(moment)] {
            let past = pairs::view_at(&app, &caller, pair.id, "", then).await.unwrap();
            assert_eq!((past.as_of, past.severity), (stood.as_of, Severity::Low), "{then:?}");
            assert_eq!((past.fields, past.notes), (stood.fields.clone(), stood.notes.clone()), "{then:?}");
            assert!(past.choices.is_empty() && past.timeline.iter().all(|entry| entry.seq <= early.0), "{then:?}");
        }
        // From the unlinking on there is no pair to be shown, and that is said.
        let after = Then::Entry(bridge.store.latest_seq().await.unwrap());
        let made = Then::Moment(pair.created - jiff::SignedDuration::from_hours(1));
        for (then, said) in [
            (Then::Now, None),
            (after, Some("The two were not linked any more at that moment.")),
            (made, Some("The incident was not linked yet at that moment.")),
            (Then::Unreadable, Some("That is no moment.")),
        ] {
            let refused = pairs::view_at(&app, &caller, pair.id, "", then).await.map(|_| ());
            assert_eq!(refused, Err(ServiceError::NotFound), "{then:?}");
            let view = unlinked::view(&app, &caller, pair.id, "", then).await.unwrap();
            match (view.as_of_problem, said) {
                (None, None) => {}
                (Some(problem), Some(said)) => assert!(problem.starts_with(said), "{then:?}: {problem}"),
                (problem, _) => panic!("{then:?}: {problem:?}"),
            }
            assert!(view.entry > early.0);
        }
        bridge.finish().await;
    }

    async fn the_past_is_shown_as_it_was(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup { notes: "all", ..Setup::new(product) }).await;
        let mut seen: Vec<(Seq, SituationRow)> = Vec::new();
        for step in 0..6 {
            match step {
                0 => bridge.comment(&incident, "first words"),
                1 => bridge.note(ticket, "<p>an answer</p>", json!({})),
                2 => bridge.update(&incident, json!({ "severity": "High" })),
                3 => bridge.close_ticket_as(ticket, 1),
                4 => bridge.update(&incident, json!({ "status": "Active" })),
                _ => bridge.comment(&incident, "last words"),
            }
            for _ in 0..4 {
                bridge.advance(30).await;
                seen.push((bridge.store.latest_seq().await.unwrap(), bridge.situation_of(&incident).await));
            }
        }
        let (app, caller) = bridge.console();
        let pair = bridge.pair_of(&incident).await.unwrap();
        for (seq, row) in &seen {
            let (then, _) = then::situation(&app, &pair, *seq).await.unwrap().expect("it was a pair");
            for (then, row) in shown(&then).lines().zip(shown(row).lines()) {
                assert!(then == row, "after entry {}: {:.200} is not {:.200}", seq.0, then, row);
            }
        }
        assert!(then::situation(&app, &pair, Seq(1)).await.unwrap().is_none(), "before the beginning");
        // The page of a moment has nothing to press and nothing that came later.
        let (early, row) = &seen[3];
        let view = pairs::view_at(&app, &caller, pair.id, "", Then::Entry(*early)).await.unwrap();
        assert!(view.as_of.is_some() && view.choices.is_empty());
        assert_eq!((view.sync, view.reason), (row.pair.sync, row.pair.reason.clone()));
        assert!(view.timeline.iter().all(|entry| entry.seq <= early.0));
        // A moment by the reader's own clock, or with its zone, is as good as a number.
        let berlin = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
        let parsed = ["2026-11-28T08:00", "2026-11-28T07:00:00Z"].map(|text| Then::parse(text, &berlin));
        assert_eq!(parsed, ["2026-11-28T07:00:00Z".parse().map(Then::Moment).unwrap(); 2]);
        let at = view.as_of.unwrap();
        let same = pairs::view_at(&app, &caller, pair.id, "", Then::Moment(at)).await.unwrap();
        assert_eq!((same.as_of, same.as_of_problem), (Some(at), None));
        // What cannot be shown is told of, on the page of now.
        for then in [Then::parse("yesterday", &berlin), Then::Moment(pair.created - jiff::SignedDuration::from_hours(1))] {
            let now = pairs::view_at(&app, &caller, pair.id, "", then).await.unwrap();
            assert_eq!(now.as_of, None);
            assert!(now.as_of_problem.is_some(), "{then:?}");
        }
        let beyond = Then::parse("999999999", &berlin);
        let now = pairs::view_at(&app, &caller, pair.id, "", beyond).await.unwrap();
        assert_eq!(now.as_of, None);
        assert_eq!(now.as_of_problem.as_deref(), Some("The ledger has no entry 999999999 yet. What follows is how it stands now."));
        let later = Then::Moment(bridge.clock.now() + jiff::SignedDuration::from_secs(1));
        let now = pairs::view_at(&app, &caller, pair.id, "", later).await.unwrap();
        assert_eq!(now.as_of, None);
        assert!(now.as_of_problem.unwrap().starts_with("That moment has not come yet."));
        bridge.finish().await;
    }
}
