//! What goes wrong with one incident, or for a moment with its place, stays its own matter and loses nothing.

use halobridge::{
    domain::{failure::Side, incident::Severity},
    engine::Unit,
    service::pulse,
};
use jiff::SignedDuration;
use serde_json::json;

use super::{bridge::*, person::operator};

impl Bridge {
    /// An agent begins to work on a ticket.
    fn taken_up(&self, ticket: i64) {
        let status = json!({ "ticket_id": ticket, "agent": AGENT, "status": "In Progress", "text": "on it" });
        self.act("ticket.status", status);
    }

    fn status_of(&self, incident: &str) -> String {
        self.incident(incident)["properties"]["status"].as_str().unwrap().to_owned()
    }
}

both! {
    /// A page of a proxy says nothing of the incident, nor does a place that Azure does not know just now.
    async fn a_404_that_says_nothing_of_the_incident_loses_no_write(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.pass(600).await;
        bridge.fault(json!({ "effect": "status", "status": 404, "html": true, "kind": "sentinel.incident.get", "count": 1 }));
        bridge.taken_up(ticket);
        bridge.pass(300).await;
        assert_eq!(bridge.status_of(&incident), "Active");
        assert_eq!(bridge.reason_of(&incident).await, None);
        // Nor does a look that meets one.
        bridge.fault(json!({ "effect": "status", "status": 404, "html": true, "kind": "sentinel.incident.get", "count": 1 }));
        bridge.engine.look_again(bridge.pair_of(&incident).await.unwrap().id);
        bridge.run().await;
        assert_eq!(bridge.reason_of(&incident).await, None);
        assert_eq!(bridge.pair_of(&incident).await.unwrap().gone, None);
        bridge.finish().await;
    }

    /// What is unread is asked for again, also when a sign-in was refused where that was to be done.
    async fn comments_that_are_unread_are_asked_for_after_a_refused_sign_in(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.fault(json!({ "effect": "status", "status": 500, "kind": "sentinel.comment.list" }));
        bridge.comment(&incident, "said meanwhile");
        bridge.pass(300).await;
        assert_eq!(bridge.reason_of(&incident).await, Some("comments-unread"));
        let path = format!("*/workspaces/{}/*", bridge.workspace_name(0));
        bridge.fault(json!({ "effect": "status", "status": 401, "path": path }));
        bridge.pass(3_600).await;
        bridge.heal();
        bridge.pass(3_600).await;
        assert_eq!(bridge.reason_of(&incident).await, None);
        assert!(bridge.notes_of(ticket).iter().any(|note| words(note).contains("said meanwhile")));
        bridge.finish().await;
    }

    /// Sentinel said once that there is no such incident, and was wrong.
    async fn an_incident_that_shows_again_gets_what_was_given_up(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.pass(600).await;
        bridge.fault(json!({ "effect": "status", "status": 404, "kind": "sentinel.incident.get", "count": 1 }));
        bridge.taken_up(ticket);
        bridge.cross().await;
        assert_eq!(bridge.reason_of(&incident).await, Some("record-gone"));
        assert_eq!(bridge.status_of(&incident), "New");
        bridge.pass(1_800).await;
        assert_eq!(bridge.reason_of(&incident).await, None, "it is looked for once more");
        assert_eq!(bridge.status_of(&incident), "Active");
        bridge.finish().await;
    }

    /// The same where its pair was told of as gone, and nothing of the incident changes when it is back.
    async fn an_incident_that_was_told_of_as_gone_and_is_listed_goes_on(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.pass(600).await;
        let pair = bridge.pair_of(&incident).await.unwrap().id;
        bridge.fault(json!({ "effect": "status", "status": 404, "kind": "sentinel.incident.get" }));
        bridge.engine.look_again(pair);
        bridge.run().await;
        assert_eq!(bridge.reason_of(&incident).await, Some("record-gone"));
        bridge.taken_up(ticket);
        // Long enough for the look that follows: only a list shows it from then on.
        bridge.pass(1_800).await;
        bridge.heal();
        bridge.pass_by(7 * 3_600, 300).await;
        assert_eq!(bridge.reason_of(&incident).await, None);
        assert_eq!(bridge.status_of(&incident), "Active");
        bridge.finish().await;
    }

    /// Its comments alone cannot be read: it says so, what else changes on it is taken up, and everybody else is read as ever.
    async fn one_incident_whose_comments_cannot_be_read_holds_up_no_other(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        let other = bridge.raise(json!({}));
        bridge.cross().await;
        let path = format!("*/incidents/{incident}/comments*");
        bridge.fault(json!({ "effect": "status", "status": 400, "method": "GET", "path": path }));
        bridge.comment(&incident, "read in the end");
        bridge.update(&incident, json!({ "severity": "High" }));
        bridge.cross().await;
        assert_eq!(bridge.reason_of(&incident).await, Some("comments-unread"));
        let known = bridge.situation_of(&incident).await.subject.incident;
        assert_eq!(known.severity, Severity::High, "the rest of it is taken up");
        // Only the full list tells of this one.
        bridge.act("incident.delete", json!({ "incident": other, "workspace": bridge.workspace_name(0) }));
        let asked = bridge.calls("sentinel.comment.list");
        bridge.pass_by(7 * 3_600, 300).await;
        assert_eq!(bridge.pair_of(&other).await.unwrap().gone, Some(Side::Sentinel));
        let asked = bridge.calls("sentinel.comment.list") - asked;
        assert!((6..60).contains(&asked), "asked {asked} times in seven hours");
        let (app, olga) = operator(&bridge);
        let pulse = pulse::pulse(&app, &olga).await.unwrap();
        assert!(pulse.broken.is_empty() && pulse.late.is_empty(), "its source is read: {pulse:?}");
        bridge.heal();
        bridge.pass_by(3_900, 60).await;
        assert_eq!(bridge.reason_of(&incident).await, None);
        assert_eq!(bridge.notes_of(ticket).iter().filter(|note| words(note).contains("read in the end")).count(), 1);
        bridge.finish().await;
    }

    /// What is unread of one side is no reason to read the other one again and again.
    async fn what_is_unread_of_one_side_asks_nothing_of_the_other(product) {
        let sentinel = ["sentinel.comment.list", "sentinel.incident.get"];
        let halo = ["halo.actions.list", "halo.tickets.get"];
        for (unread, other) in [(sentinel, halo), (halo, sentinel)] {
            let (bridge, incident, ticket) = Bridge::linked(Setup { notes: "all", ..Setup::new(product) }).await;
            bridge.pass(600).await;
            bridge.fault(json!({ "effect": "status", "status": 400, "method": "GET", "kind": unread[0] }));
            if unread == sentinel {
                bridge.comment(&incident, "said meanwhile");
            } else {
                bridge.note(ticket, "<p>said meanwhile</p>", json!({}));
            }
            bridge.pass(300).await;
            assert!(bridge.reason_of(&incident).await.is_some_and(|reason| reason.ends_with("-unread")), "{unread:?}");
            let (tries, asked) = (unread.map(|kind| bridge.calls(kind)), other.map(|kind| bridge.calls(kind)));
            bridge.pass(3_600).await;
            assert!(bridge.calls(unread[0]) > tries[0], "{unread:?}: it is asked for again");
            assert_eq!(other.map(|kind| bridge.calls(kind)), asked, "{unread:?}");
            bridge.heal();
            bridge.pass_by(3_900, 60).await;
            assert_eq!(bridge.reason_of(&incident).await, None, "{unread:?}");
            let (notes, comments) = (bridge.notes_of(ticket), bridge.comments_of(&incident));
            let said = notes.iter().filter(|note| words(note).contains("said meanwhile")).count();
            let crossed = comments.iter().filter(|comment| comment.contains("said meanwhile")).count();
            assert_eq!((said, crossed), (1, 1), "{unread:?}");
            bridge.finish().await;
        }
    }

    /// Many of them ask a few at a time, oldest first, and each has its turn.
    async fn many_unread_pairs_leave_room_for_what_is_fresh(product) {
        let bridge = Bridge::new(product).await;
        let incidents: Vec<String> = (0..8).map(|_| bridge.raise(json!({}))).collect();
        bridge.cross().await;
        bridge.fault(json!({ "effect": "status", "status": 400, "kind": "sentinel.comment.list" }));
        for incident in &incidents {
            bridge.comment(incident, "said meanwhile");
        }
        bridge.pass(60).await;
        for incident in &incidents {
            assert_eq!(bridge.reason_of(incident).await, Some("comments-unread"));
        }
        // All of them are due by now.
        bridge.clock.advance(SignedDuration::from_secs(3_600));
        let units = bridge.engine.due(usize::MAX).await.unwrap();
        let looks = units.iter().filter(|unit| matches!(unit, Unit::Look(_))).count();
        assert!((1..=4).contains(&looks), "{units:?}");
        assert!(units.iter().any(|unit| matches!(unit, Unit::Poll(_))), "{units:?}");
        bridge.heal();
        for unit in units {
            bridge.engine.run(unit).await;
        }
        bridge.pass(600).await;
        for incident in &incidents {
            assert_eq!(bridge.reason_of(incident).await, None);
        }
        bridge.finish().await;
    }
}
