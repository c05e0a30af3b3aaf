//! Alerts that join an incident after its ticket was made.

use halobridge::{
    clock::Clock as _,
    outbound::budget::{Class, Kind},
};
use jiff::SignedDuration;
use serde_json::json;

use super::bridge::*;

impl Bridge {
    fn alert(&self, incident: &str, name: &str) {
        let alert = json!({ "alertDisplayName": name, "severity": "High" });
        let on = json!({ "incident": incident, "workspace": self.workspace_name(0), "alert": alert });
        self.act("incident.alert", on);
    }

    /// No more calls of these kinds have a place now.
    fn use_up(&self, kinds: &[Kind]) {
        for (_, budget) in self.engine.registry().subscription_budgets() {
            for kind in kinds {
                while budget.take(self.clock.now(), *kind, Class::Comment).is_ok() {}
            }
        }
    }

    fn told_of(&self, ticket: i64, text: &str) -> usize {
        self.notes_of(ticket).iter().filter(|note| words(note).contains(text)).count()
    }
}

both! {
    async fn alerts_that_join_are_told_once_and_read_only_then(product) {
        let (mut bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        let reads = bridge.calls("sentinel.alerts.post");
        bridge.update(&incident, json!({ "severity": "High" }));
        bridge.comment(&incident, "a word");
        bridge.cross().await;
        assert_eq!(bridge.calls("sentinel.alerts.post"), reads, "no alert has joined");
        bridge.alert(&incident, "Beacon to a known address");
        bridge.alert(&incident, "Credential dump");
        bridge.cross().await;
        assert_eq!(bridge.calls("sentinel.alerts.post"), reads + 1);
        assert_eq!(bridge.told_of(ticket, "2 alerts joined incident"), 1, "{:#?}", bridge.notes_of(ticket));
        let note = bridge.notes_of(ticket).into_iter().find(|note| words(note).contains("2 alerts joined")).unwrap();
        assert!(words(&note).contains("Beacon to a known address") && words(&note).contains("Credential dump"));
        assert_eq!(note["hiddenfromuser"], true, "{note}");
        // Looked at by a person, and after a restart: once all the same.
        bridge.alert(&incident, "Third one");
        bridge.engine.look_again(bridge.pair_of(&incident).await.unwrap().id);
        bridge.cross().await;
        bridge.restart().await;
        bridge.cross().await;
        assert_eq!(bridge.told_of(ticket, "An alert joined incident"), 1);
        assert_eq!(bridge.told_of(ticket, "Credential dump"), 1);
        assert!(bridge.comments_of(&incident).iter().all(|comment| !comment.contains("joined")), "they come from there");
        let writes = bridge.writes();
        bridge.pass(1_800).await;
        assert_eq!(bridge.writes(), writes, "and rests");
        bridge.finish().await;
    }

    async fn alerts_that_could_not_be_read_are_told_later(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.fault(json!({ "effect": "status", "status": 503, "kind": "sentinel.alerts.post", "count": 3 }));
        bridge.alert(&incident, "Told in the end");
        bridge.pass(600).await;
        bridge.heal();
        bridge.pass(600).await;
        assert_eq!(bridge.told_of(ticket, "Told in the end"), 1);
        bridge.finish().await;
    }

    /// Nothing but the full list shows that incident, and then there is a place for its comments before there is one for its
    /// alerts.
    async fn what_only_a_full_list_shows_waits_for_its_alerts_too(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup { workspaces: 1, ..Setup::new(product) }).await;
        let other = bridge.raise(json!({}));
        bridge.pass_by(6 * 3_600 - 1_800, 600).await;
        let hidden = incident.clone();
        bridge.mutate(move |request, body| {
            if request.method() == "GET" && request.uri().path().ends_with("/incidents") {
                let rows = body["value"].as_array_mut().into_iter();
                rows.for_each(|rows| rows.retain(|row| row["name"] != hidden.as_str()));
            }
        });
        bridge.comment(&incident, "shown late");
        bridge.alert(&incident, "Told in the end");
        bridge.pass(600).await;
        // The cursor moves on.
        bridge.update(&other, json!({ "severity": "High" }));
        bridge.pass(600).await;
        bridge.mutate_no_more();
        for _ in 0..80 {
            bridge.clock.advance(SignedDuration::from_secs(10));
            bridge.use_up(&[Kind::CommentsRead, Kind::AlertsRead]);
            bridge.run().await;
        }
        let told = || (bridge.told_of(ticket, "shown late"), bridge.told_of(ticket, "Told in the end"));
        assert_eq!(told(), (0, 0));
        for _ in 0..60 {
            bridge.clock.advance(SignedDuration::from_secs(10));
            bridge.use_up(&[Kind::AlertsRead]);
            bridge.run().await;
        }
        bridge.pass(600).await;
        assert_eq!(told(), (1, 1), "{:#?}", bridge.notes_of(ticket));
        bridge.finish().await;
    }

    /// Nothing but the process itself knows then that there are more: no count tells the next one.
    async fn alerts_that_could_not_be_read_are_asked_for_by_the_next_process(product) {
        let setup = Setup { switches: vec![("counts_told", "off")], ..Setup::new(product) };
        let (mut bridge, incident, ticket) = Bridge::linked(setup).await;
        bridge.pass(600).await;
        bridge.fault(json!({ "effect": "status", "status": 400, "kind": "sentinel.alerts.post" }));
        bridge.alert(&incident, "Told in the end");
        bridge.pass(300).await;
        assert_eq!(bridge.reason_of(&incident).await, Some("comments-unread"));
        bridge.heal();
        bridge.restart().await;
        bridge.pass(120).await;
        assert_eq!(bridge.told_of(ticket, "Told in the end"), 1);
        assert_eq!(bridge.reason_of(&incident).await, None);
        bridge.finish().await;
    }

    /// They are refused for good: the pair says so, and nothing else waits for them.
    async fn alerts_that_cannot_be_read_hold_nothing_up(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.fault(json!({ "effect": "status", "status": 400, "kind": "sentinel.alerts.post" }));
        bridge.alert(&incident, "Told in the end");
        bridge.comment(&incident, "said meanwhile");
        bridge.pass(300).await;
        assert_eq!(bridge.told_of(ticket, "said meanwhile"), 1);
        let pair = bridge.pair_of(&incident).await.unwrap();
        assert!(pair.reason.as_ref().is_some_and(|reason| reason.words().contains("alerts of incident #")), "{pair:?}");
        let other = bridge.raise(json!({}));
        bridge.alert(&other, "Of the other one");
        bridge.pass(300).await;
        let second = bridge.ticket_of(&other).await;
        bridge.heal();
        bridge.pass_by(3_900, 60).await;
        assert_eq!(bridge.told_of(ticket, "Told in the end"), 1);
        assert!(bridge.told_of(second, "Of the other one") >= 1);
        for incident in [incident, other] {
            assert_eq!(bridge.reason_of(&incident).await, None);
        }
        bridge.finish().await;
    }

    async fn what_could_not_be_read_beside_a_new_incident_follows(product) {
        let bridge = Bridge::with(Setup { mode: "sentinel-to-halo", ..Setup::new(product) }).await;
        let incident = bridge.raise(json!({}));
        bridge.alert(&incident, "Read in the end");
        bridge.comment(&incident, "said before");
        for kind in ["sentinel.alerts.post", "sentinel.comment.list"] {
            bridge.fault(json!({ "effect": "status", "status": 503, "kind": kind, "count": 1 }));
        }
        bridge.pass(600).await;
        let ticket = bridge.ticket_of(&incident).await;
        let notes = bridge.notes_of(ticket).iter().map(words).collect::<Vec<_>>().join("\n");
        assert!(notes.contains("Read in the end") && notes.contains("said before"), "{notes}");
        bridge.finish().await;
    }

    /// Nothing else of the incident moves when they show (sentinel-api sheet 6.2).
    async fn alerts_that_show_minutes_after_their_incident_reach_its_ticket(product) {
        let mapped = r#"{ field = "CFAffectedAsset", path = "$alerts[0].properties.alertDisplayName" },"#;
        for (fields, policy) in [(mapped, "late_alerts = \"ignore\""), ("", "")] {
            let setup = Setup { fields: fields.into(), policy: policy.into(), ..Setup::new(product) };
            let bridge = Bridge::with(setup).await;
            bridge.switch("evidence_delay_s", "300");
            let incident = bridge.raise(json!({}));
            bridge.cross().await;
            let ticket = bridge.ticket_of(&incident).await;
            bridge.pass_by(1_140, 20).await;
            let shows = bridge.ticket(ticket)["customfields"].to_string();
            let told = bridge.told_of(ticket, "joined incident");
            match fields {
                "" => assert_eq!(told, 1, "{:#?}", bridge.notes_of(ticket)),
                _ => {
                    let alerts = bridge.situation_of(&incident).await.evidence.unwrap().alerts;
                    let name = alerts[0].pointer("/properties/alertDisplayName").and_then(serde_json::Value::as_str).unwrap();
                    assert!(told == 0 && shows.contains(name), "{name}: {shows}");
                }
            }
            // They are read no more then.
            let reads = bridge.calls("sentinel.alerts.post");
            bridge.pass_by(1_800, 60).await;
            assert_eq!(bridge.calls("sentinel.alerts.post"), reads);
            bridge.finish().await;
        }
    }

    /// The alerts are there at once, and what is mapped lies in entities that come later.
    async fn entities_that_show_after_their_alerts_reach_a_mapped_field(product) {
        for when in ["on-create", "always"] {
            let fields = format!(r#"{{ field = "CFAffectedAsset", path = "$entities[Host].properties.hostName", when = "{when}" }},"#);
            let setup = Setup { fields, policy: "late_alerts = \"ignore\"".into(), ..Setup::new(product) };
            let bridge = Bridge::with(setup).await;
            let incident = bridge.raise_with_late_host(SignedDuration::from_mins(8));
            bridge.cross().await;
            let ticket = bridge.ticket_of(&incident).await;
            assert_eq!(field(&bridge.ticket(ticket), "CFAffectedAsset"), "", "{when}");
            bridge.pass_by(1_140, 20).await;
            assert_eq!(field(&bridge.ticket(ticket), "CFAffectedAsset"), "PC-1", "{when}");
            bridge.finish().await;
        }
    }

    /// The process that was to look is gone by then.
    async fn alerts_that_show_after_a_restart_reach_the_ticket_too(product) {
        let mut bridge = Bridge::new(product).await;
        bridge.switch("evidence_delay_s", "300");
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&incident).await;
        bridge.restart().await;
        bridge.pass_by(1_140, 20).await;
        assert_eq!(bridge.told_of(ticket, "joined incident"), 1, "{:#?}", bridge.notes_of(ticket));
        bridge.finish().await;
    }

    /// Nothing ran, or Azure could not be read, when it was due: entities are looked for once that is over.
    async fn a_look_that_could_not_be_made_in_time_is_made_later(product) {
        for (meanwhile, when) in
            [("restart", "on-create"), ("restart", "always"), ("stopped", "on-create"), ("unread", "on-create"), ("unread", "always")]
        {
            let fields = format!(r#"{{ field = "CFAffectedAsset", path = "$entities[Host].properties.hostName", when = "{when}" }},"#);
            let setup = Setup { fields, policy: "late_alerts = \"ignore\"".into(), ..Setup::new(product) };
            let mut bridge = Bridge::with(setup).await;
            let incident = bridge.raise_with_late_host(SignedDuration::from_mins(8));
            bridge.cross().await;
            let ticket = bridge.ticket_of(&incident).await;
            assert_eq!(field(&bridge.ticket(ticket), "CFAffectedAsset"), "", "{meanwhile}, {when}");
            match meanwhile {
                "unread" => {
                    bridge.away(Some("/arm"));
                    bridge.pass(1_380).await;
                    bridge.away(None);
                }
                "stopped" => {
                    bridge.clock.advance(SignedDuration::from_mins(23));
                    bridge.restart().await;
                }
                _ => bridge.restart().await,
            }
            bridge.pass_by(1_140, 20).await;
            assert_eq!(field(&bridge.ticket(ticket), "CFAffectedAsset"), "PC-1", "{meanwhile}, {when}");
            // What shows is read no more.
            let reads = bridge.calls("sentinel.entities.post");
            bridge.restart().await;
            bridge.pass_by(600, 60).await;
            assert_eq!(bridge.calls("sentinel.entities.post"), reads, "{meanwhile}, {when}");
            bridge.finish().await;
        }
    }

    /// No entity ever shows: that is looked for twice, and no more.
    async fn alerts_without_entities_are_read_twice_more(product) {
        let fields = r#"{ field = "CFAffectedAsset", path = "$entities[Host].properties.hostName" },"#;
        let bridge = Bridge::with(Setup { fields: fields.into(), ..Setup::new(product) }).await;
        let incident = bridge.raise(json!({ "alert": { "alertDisplayName": "Odd sign-in" } }));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&incident).await;
        let reads = bridge.calls("sentinel.entities.post");
        bridge.pass_by(3_600, 60).await;
        assert_eq!(bridge.calls("sentinel.entities.post"), reads + 2);
        assert_eq!((field(&bridge.ticket(ticket), "CFAffectedAsset").as_str(), bridge.reason_of(&incident).await), ("", None));
        bridge.finish().await;
    }

    async fn an_alert_that_joins_while_the_ticket_waits_to_be_made_is_told(product) {
        let bridge = Bridge::with(Setup { mode: "sentinel-to-halo", ..Setup::new(product) }).await;
        bridge.fault(json!({ "effect": "status", "status": 503, "kind": "halo.tickets.post" }));
        let incident = bridge.raise(json!({}));
        bridge.pass(120).await;
        bridge.alert(&incident, "Joined meanwhile");
        bridge.pass(600).await;
        bridge.heal();
        bridge.pass(3_600).await;
        let ticket = bridge.ticket_of(&incident).await;
        assert_eq!(bridge.told_of(ticket, "Joined meanwhile"), 1);
        bridge.finish().await;
    }

    /// The backup knows of neither; by what it knows both have just joined.
    async fn alerts_that_were_told_after_the_backup_are_not_told_again(product) {
        let (mut bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        let backup = bridge.store.snapshot().await.unwrap();
        for name in ["Told first", "Told next"] {
            bridge.alert(&incident, name);
            bridge.cross().await;
        }
        bridge.restore(&backup).await;
        bridge.alert(&incident, "Told at last");
        bridge.pass(900).await;
        for name in ["Told first", "Told next", "Told at last"] {
            assert_eq!(bridge.told_of(ticket, name), 1, "{name}: {:#?}", bridge.notes_of(ticket));
        }
        bridge.finish().await;
    }

    /// Nothing remembers with which alerts its ticket was drafted but the ticket.
    async fn an_alert_that_joined_after_a_forgotten_ticket_was_made_is_told(product) {
        let mut bridge = Bridge::new(product).await;
        let backup = bridge.store.snapshot().await.unwrap();
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&incident).await;
        bridge.alert(&incident, "Joined meanwhile");
        bridge.restore(&backup).await;
        bridge.pass(900).await;
        assert_eq!(bridge.ticket_of(&incident).await, ticket);
        assert_eq!(bridge.told_of(ticket, "Joined meanwhile"), 1);
        assert_eq!(bridge.told_of(ticket, "joined incident"), 1, "{:#?}", bridge.notes_of(ticket));
        bridge.finish().await;
    }

    async fn alerts_are_not_told_where_the_policy_says_so(product) {
        let setup = Setup { policy: "late_alerts = \"ignore\"".into(), ..Setup::new(product) };
        let (bridge, incident, ticket) = Bridge::linked(setup).await;
        let reads = bridge.calls("sentinel.alerts.post");
        bridge.alert(&incident, "Nobody is told");
        bridge.cross().await;
        assert_eq!((bridge.told_of(ticket, "Nobody is told"), bridge.calls("sentinel.alerts.post")), (0, reads));
        bridge.finish().await;
    }
}
