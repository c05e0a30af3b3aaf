//! Webhooks are hints: they hasten, and neither doubling nor disorder does harm. Late and hidden incidents (K1, K2).

use halobridge::{
    clock::Clock,
    domain::{
        account::Scope,
        delivery::{Delivery, DeliverySource},
        ids::DeliveryId,
    },
    service::{connections, problems, pulse},
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::bridge::*;

pub(super) fn hint(bridge: &Bridge, incident: &str) -> Vec<u8> {
    let body = json!({ "eventUniqueId": "e", "objectEventType": "Create", "object": bridge.incident(incident) });
    body.to_string().into_bytes()
}

both! {
    /// Before Halo's look-ups are known no incident is read, announced or not. The pages must not say that all is well.
    async fn what_waits_for_halos_first_answer_is_told(product) {
        for status in [503, 401] {
            let fault = json!({ "effect": "status", "status": status, "side": "halo" });
            let bridge = Bridge::with(Setup { fault: Some(fault), ..Setup::new(product) }).await;
            let incident = bridge.raise(json!({}));
            let body = hint(&bridge, &incident);
            bridge.receive(bridge.sentinel_source(0).await, &body).await;
            bridge.pass(120).await;
            let (app, caller) = bridge.console();
            let told = pulse::pulse(&app, &caller).await.unwrap();
            let name = bridge.workspace_name(0);
            let source = told.late.iter().chain(&told.broken).find(|source| source.name == name).expect("it is told of");
            let why = source.why.as_deref().unwrap_or_default();
            assert!(source.read.is_none() && why.contains("look-ups") && why.contains("Halo"), "{status}: {why}");
            let said = problems::view(&app, &caller).await.unwrap().connections;
            let once = said.iter().filter(|sentence| sentence.contains("look-ups") && sentence.contains("and 1 more"));
            assert_eq!(once.count(), usize::from(status == 401), "{said:?}");
            let addresses = connections::Addresses { public: String::new(), redirect_uri: String::new() };
            let (view, _) = connections::view(&app, &caller, &addresses).await.unwrap();
            assert_eq!(view.microsoft[0].health.failure, None, "nothing is wrong with that side");
            bridge.heal();
            bridge.pass(900).await;
            bridge.ticket_of(&incident).await;
            let told = pulse::pulse(&app, &caller).await.unwrap();
            assert!(told.late.is_empty() && told.broken.is_empty(), "{told:?}");
            bridge.finish().await;
        }
    }

    async fn a_webhook_makes_a_ticket_without_waiting_for_the_poll(product) {
        let bridge = Bridge::new(product).await;
        bridge.pass(60).await;
        let incident = bridge.raise(json!({}));
        let body = hint(&bridge, &incident);
        bridge.receive(bridge.sentinel_source(0).await, &body).await;
        bridge.run().await;
        let ticket = bridge.ticket_of(&incident).await;
        // The same from Halo's side.
        bridge.clock.advance(SignedDuration::from_secs(3));
        bridge.note(ticket, "<p>at once</p>", json!({}));
        let halo = bridge.store.installation().await.unwrap().halo[0].id;
        let body = json!({ "event": "Ticket Updated", "object_id": ticket, "ticket": { "id": ticket } });
        bridge.receive(DeliverySource::Halo { connection: halo }, body.to_string().as_bytes()).await;
        bridge.run().await;
        assert_eq!(bridge.comments_of(&incident).len(), 1, "no time has passed");
        bridge.finish().await;
    }

    async fn a_named_incident_is_read_by_itself_and_the_list_follows(product) {
        let bridge = Bridge::new(product).await;
        bridge.pass(60).await;
        let incident = bridge.raise(json!({}));
        let (lists, reads) = (bridge.calls("sentinel.incident.list"), bridge.calls("sentinel.incident.get"));
        bridge.receive(bridge.sentinel_source(0).await, &hint(&bridge, &incident)).await;
        bridge.run().await;
        bridge.ticket_of(&incident).await;
        assert_eq!(bridge.calls("sentinel.incident.list"), lists, "two calls and there is the ticket");
        assert_eq!(bridge.calls("sentinel.incident.get"), reads + 1);
        // One that nobody announced is found by the list that follows, long before the next poll is due.
        let other = bridge.raise(json!({}));
        bridge.advance(10).await;
        assert!(bridge.calls("sentinel.incident.list") > lists);
        bridge.ticket_of(&other).await;
        bridge.finish().await;
    }

    /// Each of our own comments is announced as well, and dozens may follow one another.
    async fn an_incident_that_is_named_again_and_again_is_read_every_two_seconds(product) {
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        let reads = bridge.calls("sentinel.incident.get");
        let source = bridge.sentinel_source(0).await;
        for _ in 0..100 {
            bridge.receive(source, &hint(&bridge, &incident)).await;
            bridge.clock.advance(SignedDuration::from_millis(200));
            bridge.run().await;
        }
        let reads = bridge.calls("sentinel.incident.get") - reads;
        assert!((9..=12).contains(&reads), "{reads} readings in twenty seconds");
        // What came last is read too, though nothing follows it.
        bridge.advance(10).await;
        bridge.comment(&incident, "the last word");
        bridge.receive(source, &hint(&bridge, &incident)).await;
        bridge.run().await;
        let reads = bridge.calls("sentinel.incident.get");
        bridge.receive(source, &hint(&bridge, &incident)).await;
        bridge.run().await;
        assert_eq!(bridge.calls("sentinel.incident.get"), reads, "read just before");
        bridge.advance(2).await;
        assert_eq!(bridge.calls("sentinel.incident.get"), reads + 1);
        bridge.finish().await;
    }

    async fn many_named_at_once_are_read_by_one_list(product) {
        let bridge = Bridge::new(product).await;
        bridge.pass(60).await;
        let incidents: Vec<String> = (0..20).map(|_| bridge.raise(json!({}))).collect();
        let (lists, reads) = (bridge.calls("sentinel.incident.list"), bridge.calls("sentinel.incident.get"));
        let source = bridge.sentinel_source(0).await;
        for incident in &incidents {
            bridge.receive(source, &hint(&bridge, incident)).await;
        }
        bridge.run().await;
        assert_eq!(bridge.tickets().len(), 20);
        assert_eq!(bridge.calls("sentinel.incident.list"), lists + 1);
        assert!(bridge.calls("sentinel.incident.get") - reads <= 8);
        bridge.finish().await;
    }

    /// A page of new incidents is a long record: what comes meanwhile is stored in between.
    async fn webhooks_do_not_wait_for_a_page_of_new_incidents(product) {
        let bridge = Bridge::new(product).await;
        bridge.pass(60).await;
        for _ in 0..10 {
            bridge.raise(json!({}));
        }
        let source = bridge.sentinel_source(0).await;
        let before = bridge.store.latest_seq().await.unwrap();
        let webhooks = async {
            for number in 1..u128::MAX {
                let id = DeliveryId(uuid::Uuid::from_u128(number));
                let received = bridge.clock.now();
                let delivery = Delivery { id, source, received, body: b"{}".to_vec(), handled: None };
                bridge.store.intake(delivery).await.unwrap();
            }
        };
        tokio::select! {
            biased;
            // First: a sender waits before the page is recorded, however quick that is.
            () = webhooks => panic!("they never end"),
            () = bridge.advance(60) => {}
        }
        let changes = bridge.store.changes_since(before, &Scope::All, 1_000_000).await.unwrap();
        let facts: Vec<&str> = changes.iter().map(|change| change.fact.as_str()).collect();
        let opened: Vec<usize> = (0..facts.len()).filter(|at| facts[*at] == "pair-opened").collect();
        assert_eq!(opened.len(), 10);
        let between = &facts[opened[0]..opened[9]];
        assert!(between.contains(&"delivery-received"), "{between:?}");
        bridge.finish().await;
    }

    async fn a_named_incident_that_cannot_be_read_asks_for_the_list(product) {
        let bridge = Bridge::new(product).await;
        bridge.pass(60).await;
        let incident = bridge.raise(json!({}));
        bridge.fault(json!({ "effect": "status", "status": 503, "kind": "sentinel.incident.get", "count": 1 }));
        bridge.receive(bridge.sentinel_source(0).await, &hint(&bridge, &incident)).await;
        bridge.run().await;
        bridge.ticket_of(&incident).await;
        bridge.finish().await;
    }

    async fn doubled_and_disordered_deliveries_do_no_harm(product) {
        let bridge = Bridge::new(product).await;
        let incidents: Vec<String> = (0..5).map(|_| bridge.raise(json!({}))).collect();
        let source = bridge.sentinel_source(0).await;
        for incident in incidents.iter().rev().chain(&incidents).chain(&incidents) {
            let body = hint(&bridge, incident);
            bridge.receive(source, &body).await;
        }
        for odd in ["", "not JSON", "[]", "null", "{\"object\":null}", "{\"object\":{\"name\":7}}", "\u{0}"] {
            bridge.receive(source, odd.as_bytes()).await;
        }
        bridge.receive(source, &[0xff, 0xfe, 0x00]).await;
        bridge.receive(bridge.sentinel_source(1).await, &hint(&bridge, &incidents[0])).await;
        bridge.pass(600).await;
        assert_eq!(bridge.tickets().len(), 5);
        assert_eq!(bridge.store.deliveries_waiting(100).await.unwrap().len(), 0);
        bridge.finish().await;
    }

    /// K1: an incident that arrives late, later than any overlap, is found all the same.
    async fn k1_a_late_incident_is_found(product) {
        for late_secs in [0, 20, 299, 301, 900, 3_600, 6 * 3_600] {
            let bridge = Bridge::with(Setup { switches: vec![("defender", "true"), ("automation_delay_s", "0"), ("defender_delay_s", "0")], ..Setup::new(product) }).await;
            bridge.pass(60).await;
            bridge.switch("defender_delay_s", &late_secs.to_string());
            let late = bridge.raise(json!({}));
            bridge.switch("defender_delay_s", "0");
            // Others come meanwhile and move the cursor far beyond it.
            let mut others = Vec::new();
            for _ in 0..6 {
                bridge.pass_by(late_secs / 6 + 31, 120).await;
                others.push(bridge.raise(json!({})));
            }
            bridge.pass_by(6 * 3_600 + 600, 300).await;
            bridge.ticket_of(&late).await;
            assert_eq!(bridge.tickets().len(), 7, "{late_secs} s late");
            bridge.finish().await;
        }
    }

    /// K2: closed, opened again behind the cursor by an automatic investigation.
    async fn k2_opened_again_behind_the_cursor(product) {
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({}));
        bridge.close_incident(&incident, json!({ "classification": "Undetermined" }));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&incident).await;
        assert_eq!(bridge.ticket(ticket)["status_name"], "Closed");
        bridge.raise(json!({}));
        bridge.pass(3_600).await;
        // The service shows the change with a time that lies behind the cursor: lists by time miss it.
        let then = bridge.incident(&incident)["properties"]["lastModifiedTimeUtc"].clone();
        bridge.update(&incident, json!({ "status": "Active" }));
        let name = incident.clone();
        bridge.mutate(move |request, body| {
            let uri = request.uri().to_string();
            if !uri.contains("/incidents") {
                return;
            }
            let filtered = uri.to_lowercase().contains("lastmodifiedtimeutc%20ge") || uri.to_lowercase().contains("lastmodifiedtimeutc+ge");
            if let Some(rows) = body.get_mut("value").and_then(Value::as_array_mut) {
                for row in rows.iter_mut().filter(|row| row["name"] == name.as_str()) {
                    row["properties"]["lastModifiedTimeUtc"] = then.clone();
                }
                if filtered {
                    rows.retain(|row| row["name"] != name.as_str());
                }
            }
        });
        bridge.pass_by(7 * 3_600, 300).await;
        bridge.mutate_no_more();
        assert_eq!(bridge.ticket(ticket)["status_name"], "In Progress");
        bridge.finish().await;
    }

    /// One that shows later than the overlap and sooner than the next full list.
    async fn a_gap_in_numbers_is_looked_for_more_than_once(product) {
        for late_secs in [400, 900] {
            let bridge = Bridge::with(Setup { switches: vec![("defender", "true"), ("automation_delay_s", "0"), ("defender_delay_s", "0")], ..Setup::new(product) }).await;
            bridge.pass(60).await;
            bridge.raise(json!({}));
            bridge.pass(60).await;
            bridge.switch("defender_delay_s", &late_secs.to_string());
            let late = bridge.raise(json!({}));
            bridge.switch("defender_delay_s", "0");
            bridge.raise(json!({}));
            bridge.pass_by(late_secs + 600, 60).await;
            bridge.ticket_of(&late).await;
            let lists = bridge.calls("sentinel.incident.list");
            bridge.pass_by(7_200, 300).await;
            let more = bridge.calls("sentinel.incident.list") - lists;
            assert!(more < 7_200 / 30, "{more} lists in two hours: it does not go on for ever");
            bridge.finish().await;
        }
    }

    /// However seldom a workspace is polled.
    async fn a_gap_in_numbers_waits_for_no_poll_of_the_next_day(product) {
        let switches = vec![("defender", "true"), ("automation_delay_s", "0"), ("defender_delay_s", "0")];
        let workspace = "poll_fast_secs = 86400";
        let setup = Setup { switches, workspace, poll_secs: 86_400, workspaces: 1, ..Setup::new(product) };
        let bridge = Bridge::with(setup).await;
        let source = bridge.sentinel_source(0).await;
        let first = bridge.raise(json!({}));
        bridge.receive(source, &hint(&bridge, &first)).await;
        bridge.pass(60).await;
        bridge.switch("defender_delay_s", "900");
        let late = bridge.raise(json!({}));
        bridge.switch("defender_delay_s", "0");
        let second = bridge.raise(json!({}));
        bridge.receive(source, &hint(&bridge, &second)).await;
        bridge.pass_by(1_500, 60).await;
        bridge.ticket_of(&second).await;
        bridge.ticket_of(&late).await;
        let lists = bridge.calls("sentinel.incident.list");
        bridge.pass_by(7_200, 300).await;
        let more = bridge.calls("sentinel.incident.list") - lists;
        assert!(more < 20, "{more} lists in two hours: it does not go on for ever");
        bridge.finish().await;
    }

    /// Nor is it forgotten over a poll that fails in the middle of its list, or over a whole list that fails.
    async fn a_gap_in_numbers_outlives_polls_that_fail(product) {
        for page_max in ["2", "1000"] {
            let switches = vec![
                ("defender", "true"),
                ("automation_delay_s", "0"),
                ("defender_delay_s", "0"),
                ("incident_page_max", page_max),
            ];
            let bridge = Bridge::with(Setup { workspaces: 1, switches, ..Setup::new(product) }).await;
            bridge.pass(60).await;
            bridge.raise(json!({}));
            bridge.pass(60).await;
            bridge.switch("defender_delay_s", "900");
            let late = bridge.raise(json!({}));
            bridge.switch("defender_delay_s", "0");
            for _ in 0..5 {
                bridge.clock.advance(SignedDuration::from_secs(1));
                bridge.raise(json!({}));
            }
            // The second page of the changes, or the list that the gap asks for.
            bridge.fault(json!({ "effect": "status", "status": 503, "kind": "sentinel.incident.list", "skip": 1, "count": 1 }));
            bridge.pass_by(1_500, 60).await;
            assert!(bridge.pair_of(&late).await.is_some(), "pages of {page_max}: it is not found before the next whole list");
            bridge.finish().await;
        }
    }

    async fn an_announced_incident_of_a_workspace_that_is_switched_off_is_let_go(product) {
        let mut bridge = Bridge::new(product).await;
        let source = bridge.sentinel_source(0).await;
        let body = hint(&bridge, "00000000-0000-0000-0000-00000000beef");
        bridge.receive(source, &body).await;
        bridge.run().await;
        bridge.setup.mode = "off";
        bridge.apply().await;
        bridge.clock.advance(SignedDuration::from_secs(1));
        // Comes to rest.
        bridge.run().await;
        bridge.clock.advance(SignedDuration::from_secs(30));
        bridge.run().await;
        bridge.finish().await;
    }

    async fn an_announced_incident_that_shows_late_is_polled_for(product) {
        let bridge = Bridge::with(Setup { switches: vec![("defender", "true"), ("automation_delay_s", "0"), ("defender_delay_s", "40")], ..Setup::new(product) }).await;
        bridge.pass(60).await;
        let incident = bridge.raise(json!({}));
        let body = hint(&bridge, &incident);
        bridge.receive(bridge.sentinel_source(0).await, &body).await;
        bridge.run().await;
        assert_eq!(bridge.tickets().len(), 0);
        bridge.clock.advance(SignedDuration::from_secs(41));
        bridge.run().await;
        bridge.pass_by(60, 5).await;
        bridge.ticket_of(&incident).await;
        bridge.finish().await;
    }
}
