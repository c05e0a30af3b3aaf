//! Links that people make and unmake, end to end.

use halobridge::{
    domain::{account::Scope, failure::Side, ids::IncidentId, reason::Reason},
    service::{acts, caller::Caller, configuration, decisions, error::ServiceError, links, pairs, tickets},
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{bridge::*, person::operator};

impl Bridge {
    /// A ticket that an agent made by hand, at the client of the workspace in this place.
    fn by_hand(&self, place: i64, more: Value) -> i64 {
        let mut body = json!({
            "summary": "Found by hand", "details": "by phone", "agent": AGENT,
            "client_id": self.setup.product.first_client_id() + place,
            "tickettype_id": 1,
        });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        self.act("ticket.create", body)["id"].as_i64().unwrap()
    }

    async fn link(&self, incident: &str, ticket: i64) {
        let (app, olga) = operator(self);
        let workspace = self.subject_of(incident).await.unwrap().workspace;
        let number = format!(" #{ticket} ");
        links::link(&app, &olga, workspace, &IncidentId::new(incident), &number).await.unwrap();
        self.run().await;
    }

    async fn unlink(&self, incident: &str) {
        let (app, olga) = operator(self);
        let pair = self.pair_of(incident).await.unwrap().id;
        links::unlink(&app, &olga, pair).await.unwrap();
        self.run().await;
    }

    async fn make_ticket(&self, incident: &str) {
        let (app, olga) = operator(self);
        let workspace = self.subject_of(incident).await.unwrap().workspace;
        links::make_ticket(&app, &olga, workspace, &IncidentId::new(incident)).await.unwrap();
        self.cross().await;
    }
}

/// Nothing is linked by itself.
fn by_hand_only(product: halobridge::twin::options::Product) -> Setup {
    Setup { notes: "all", policy: "include = { title = [\"never\"] }".into(), ..Setup::new(product) }
}

both! {
    async fn two_records_that_exist_are_linked_and_asked_about(product) {
        let bridge = Bridge::with(by_hand_only(product)).await;
        let incident = bridge.raise(json!({ "severity": "Low" }));
        bridge.comment(&incident, "seen on the host");
        bridge.cross().await;
        assert_eq!(bridge.reason_of(&incident).await, Some("filtered"));
        let ticket = bridge.by_hand(0, json!({}));
        bridge.note(ticket, "<p>asked the user</p>", json!({}));
        bridge.link(&incident, ticket).await;
        bridge.cross().await;
        assert_eq!(bridge.ticket_of(&incident).await, ticket);
        assert_eq!(bridge.tickets().len(), 1, "none is made");
        // What was said before crosses both ways, once.
        let notes = bridge.notes_of(ticket).iter().filter(|note| words(note).contains("seen on the host")).count();
        let comments = bridge.comments_of(&incident).iter().filter(|said| said.contains("asked the user")).count();
        assert_eq!((notes, comments), (1, 1));
        // What differs waits with both values, and is written as a person chooses.
        assert_eq!(bridge.reason_of(&incident).await, Some("conflict"));
        let writes = bridge.writes();
        bridge.pass(3_600).await;
        assert_eq!(bridge.writes(), writes, "nothing is written before somebody has chosen");
        let (app, olga) = operator(&bridge);
        let pair = bridge.pair_of(&incident).await.unwrap().id;
        for _ in 0..4 {
            let view = pairs::view(&app, &olga, pair, "").await.unwrap();
            let Some(choice) = view.choices.first() else { break };
            let taken = choice.answers.iter().find(|answer| match &answer.decision {
                halobridge::domain::decision::Decision::Take { side, .. } => *side == Side::Sentinel,
                _ => false,
            });
            decisions::decide(&app, &olga, pair, Some(taken.unwrap().decision.clone())).await.unwrap();
            bridge.cross().await;
        }
        assert_eq!(bridge.reason_of(&incident).await, None);
        assert!(bridge.ticket(ticket)["priority_name"].as_str().unwrap().ends_with("Low"));
        assert_eq!(bridge.ticket(ticket)["status_name"], "New");
        // From then on it is a pair like any other.
        bridge.update(&incident, json!({ "severity": "High" }));
        bridge.cross().await;
        assert!(bridge.ticket(ticket)["priority_name"].as_str().unwrap().ends_with("High"));
        bridge.finish().await;
    }

    /// An instance that shows only the custom fields of a ticket in which something stands, and a ticket without any.
    async fn a_linked_ticket_without_any_custom_field_is_given_what_is_mapped(product) {
        let switches = vec![("unset_fields_left_out", "on")];
        let bridge = Bridge::with(Setup { switches, ..by_hand_only(product) }).await;
        let incident = bridge.raise(json!({ "severity": "High" }));
        bridge.cross().await;
        let ticket = bridge.by_hand(0, json!({}));
        bridge.link(&incident, ticket).await;
        bridge.pass(300).await;
        let stands = |name: &str| field(&bridge.ticket(ticket), name);
        assert_eq!(stands("CFSentinelIncidentId"), incident);
        assert_eq!(stands("CFSentinelSeverity"), "High");
        assert_eq!(stands("CFSentinelIncidentNumber"), bridge.incident(&incident)["properties"]["incidentNumber"].to_string());
        let writes = bridge.writes();
        bridge.pass(1_800).await;
        assert_eq!(bridge.writes(), writes, "once");
        bridge.finish().await;
    }

    /// What the incident says of a mapped field lies in entities that cannot be read when it is linked.
    async fn what_an_agent_wrote_is_not_blanked_by_a_link_that_could_not_read_entities(product) {
        let fields = r#"{ field = "CFAffectedAsset", path = "$entities[Host].properties.hostName", when = "always" },
            { field = "CFSentinelEvidence", path = "$entities[Host].properties.hostName" },"#;
        let bridge = Bridge::with(Setup { fields: fields.into(), ..by_hand_only(product) }).await;
        let host = json!({ "kind": "Host", "properties": { "hostName": "PC-1" } });
        let incident = bridge.raise(json!({ "alert": { "alertDisplayName": "Odd sign-in" }, "entities": [host] }));
        bridge.cross().await;
        let ticket = bridge.by_hand(0, json!({}));
        bridge.act("ticket.update", json!({ "ticket_id": ticket, "customfields": [{ "name": "CFAffectedAsset", "value": "PC-1" }] }));
        bridge.fault(json!({ "effect": "status", "status": 503, "kind": "sentinel.entities.post" }));
        bridge.link(&incident, ticket).await;
        bridge.pass(300).await;
        assert_eq!(bridge.ticket_of(&incident).await, ticket);
        let stands = |name: &str| field(&bridge.ticket(ticket), name);
        assert_eq!((stands("CFAffectedAsset").as_str(), stands("CFSentinelEvidence").as_str()), ("PC-1", ""));
        bridge.heal();
        bridge.pass(1_200).await;
        assert_eq!((stands("CFAffectedAsset").as_str(), stands("CFSentinelEvidence").as_str()), ("PC-1", "PC-1"));
        bridge.finish().await;
    }

    /// Alerts show minutes after their incident, and that may be after a person linked it.
    async fn what_is_mapped_from_alerts_that_do_not_show_yet_follows_a_link(product) {
        let fields = r#"{ field = "CFSentinelEvidence", path = "$alerts[0].properties.alertDisplayName" },"#;
        let bridge = Bridge::with(Setup { fields: fields.into(), ..by_hand_only(product) }).await;
        bridge.switch("evidence_delay_s", "600");
        let incident = bridge.raise(json!({ "alert": { "alertDisplayName": "Odd sign-in" } }));
        bridge.cross().await;
        let ticket = bridge.by_hand(0, json!({}));
        bridge.link(&incident, ticket).await;
        bridge.pass(60).await;
        assert_eq!(bridge.ticket_of(&incident).await, ticket);
        assert_eq!(field(&bridge.ticket(ticket), "CFSentinelEvidence"), "");
        bridge.pass(1_200).await;
        assert_eq!(field(&bridge.ticket(ticket), "CFSentinelEvidence"), "Odd sign-in");
        bridge.finish().await;
    }

    /// The alerts are there when it is linked, and what is mapped lies in entities that come later.
    async fn what_is_mapped_from_entities_that_do_not_show_yet_follows_a_link(product) {
        let fields = r#"{ field = "CFAffectedAsset", path = "$entities[Host].properties.hostName", when = "always" },
            { field = "CFSentinelEvidence", path = "$entities[Host].properties.hostName" },"#;
        let bridge = Bridge::with(Setup { fields: fields.into(), ..by_hand_only(product) }).await;
        let incident = bridge.raise_with_late_host(SignedDuration::from_mins(10));
        bridge.cross().await;
        let ticket = bridge.by_hand(0, json!({}));
        bridge.link(&incident, ticket).await;
        bridge.pass(60).await;
        let stands = |name: &str| field(&bridge.ticket(ticket), name);
        assert_eq!(bridge.ticket_of(&incident).await, ticket);
        assert_eq!((stands("CFAffectedAsset").as_str(), stands("CFSentinelEvidence").as_str()), ("", ""));
        bridge.pass(1_200).await;
        assert_eq!((stands("CFAffectedAsset").as_str(), stands("CFSentinelEvidence").as_str()), ("PC-1", "PC-1"));
        bridge.finish().await;
    }

    async fn what_an_agent_wrote_into_a_mapped_field_is_asked_about_before_it_is_written_over(product) {
        let fields = r#"{ field = "CFAffectedAsset", path = "$.properties.title", when = "always", wins = "newest" },"#;
        let bridge = Bridge::with(Setup { fields: fields.into(), ..by_hand_only(product) }).await;
        let incident = bridge.raise(json!({ "title": "The incident's" }));
        bridge.cross().await;
        let ticket = bridge.by_hand(0, json!({}));
        bridge.act("ticket.update", json!({ "ticket_id": ticket, "customfields": [{ "name": "CFAffectedAsset", "value": "the agent's" }] }));
        bridge.link(&incident, ticket).await;
        bridge.cross().await;
        assert_eq!(field(&bridge.ticket(ticket), "CFAffectedAsset"), "the agent's");
        let (app, olga) = operator(&bridge);
        let pair = bridge.pair_of(&incident).await.unwrap().id;
        let view = pairs::view(&app, &olga, pair, "").await.unwrap();
        let takes = |decision: &halobridge::domain::decision::Decision| match decision {
            halobridge::domain::decision::Decision::Take { field, side, .. } => {
                field.contains("CFAffectedAsset") && *side == Side::Sentinel
            }
            _ => false,
        };
        let answer = view.choices.iter().flat_map(|choice| &choice.answers).find(|answer| takes(&answer.decision));
        decisions::decide(&app, &olga, pair, Some(answer.expect("it is asked about").decision.clone())).await.unwrap();
        bridge.cross().await;
        assert_eq!(field(&bridge.ticket(ticket), "CFAffectedAsset"), "The incident's");
        bridge.finish().await;
    }

    async fn what_cannot_be_linked_says_why_at_the_incident(product) {
        let bridge = Bridge::with(by_hand_only(product)).await;
        let one = bridge.raise(json!({}));
        let two = bridge.raise(json!({}));
        bridge.cross().await;
        let ticket = bridge.by_hand(0, json!({}));
        let elsewhere = bridge.by_hand(1, json!({}));
        bridge.link(&one, ticket).await;
        for (wrong, expected) in [(999_999, "This client has no ticket 999999"), (elsewhere, "This client has no ticket"), (ticket, "Unlink that one first")] {
            bridge.link(&two, wrong).await;
            let held = bridge.subject_of(&two).await.unwrap().held;
            let Some(Reason::LinkRefused { why, .. }) = held else { panic!("{held:?}") };
            assert!(why.contains(expected), "{why}");
        }
        assert!(bridge.pair_of(&two).await.is_none());
        // Halo can't be reached: it is linked as soon as it can.
        bridge.fault(json!({ "effect": "status", "status": 503, "kind": "halo.tickets.get" }));
        let free = bridge.by_hand(0, json!({}));
        bridge.link(&two, free).await;
        assert_eq!(bridge.reason_of(&two).await, Some("link-asked"));
        bridge.heal();
        bridge.pass(600).await;
        assert_eq!(bridge.ticket_of(&two).await, free);
        let (app, olga) = operator(&bridge);
        let workspace = bridge.subject_of(&two).await.unwrap().workspace;
        let again = links::link(&app, &olga, workspace, &IncidentId::new(&two), "7").await;
        assert_eq!(again, Err(ServiceError::Conflict));
        // its history does not promise it another ticket
        let pair = bridge.pair_of(&two).await.unwrap().id;
        let view = halobridge::service::pairs::view(&app, &olga, pair, "").await.unwrap();
        let told = format!("The incident is linked to ticket {free}.");
        assert!(view.timeline.iter().any(|entry| entry.words == told), "{:#?}", view.timeline);
        bridge.finish().await;
    }

    async fn a_link_that_was_asked_for_one_client_is_not_made_for_another(product) {
        let bridge = Bridge::with(by_hand_only(product)).await;
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        let ticket = bridge.by_hand(0, json!({}));
        bridge.fault(json!({ "effect": "status", "status": 503, "kind": "halo.tickets.get" }));
        bridge.link(&incident, ticket).await;
        assert_eq!(bridge.reason_of(&incident).await, Some("link-asked"));
        let (first, second) = (bridge.workspace(0).await, bridge.workspace(1).await);
        bridge.give(&first, second.client).await;
        bridge.act("ticket.move", json!({ "ticket_id": ticket, "client_id": product.first_client_id() + 1 }));
        bridge.heal();
        bridge.pass(600).await;
        assert!(bridge.pair_of(&incident).await.is_none());
        assert_eq!(bridge.reason_of(&incident).await, Some("filtered"), "it is judged like any other");
        bridge.link(&incident, ticket).await;
        bridge.cross().await;
        assert_eq!(bridge.pair_of(&incident).await.unwrap().client, second.client);
        bridge.finish().await;
    }

    /// Nothing of it was read since the giving: the row tells of the client before.
    async fn what_is_unlinked_after_its_workspace_was_given_away_can_be_linked(product) {
        let (bridge, incident, _) = Bridge::linked(Setup::new(product)).await;
        let (first, second) = (bridge.workspace(0).await, bridge.workspace(1).await);
        bridge.give(&first, second.client).await;
        bridge.cross().await;
        bridge.unlink(&incident).await;
        let ticket = bridge.by_hand(0, json!({}));
        bridge.act("ticket.move", json!({ "ticket_id": ticket, "client_id": product.first_client_id() + 1 }));
        bridge.link(&incident, ticket).await;
        bridge.cross().await;
        let pair = bridge.pair_of(&incident).await.expect("it is linked");
        assert_eq!((pair.client, pair.ticket.map(|ticket| ticket.0)), (second.client, Some(ticket)));
        bridge.finish().await;
    }

    async fn who_looks_a_ticket_up_is_not_told_of_another_clients(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.unlink(&incident).await;
        let (first, second) = (bridge.workspace(0).await, bridge.workspace(1).await);
        bridge.give(&first, second.client).await;
        bridge.cross().await;
        bridge.make_ticket(&incident).await;
        let other = bridge.ticket_of(&incident).await;
        assert_eq!(bridge.pair_of(&incident).await.unwrap().client, second.client);
        let (app, admin) = bridge.admin();
        let former = Caller { scope: Scope::Clients(vec![first.client]), ..admin.clone() };
        let look = async |caller: &Caller| {
            let view = tickets::view(&app, caller, "", Some(&ticket.to_string())).await.unwrap();
            let found = view.found.expect("it is in Halo");
            let told = format!("{:?}", found.gates).contains(&format!("has ticket {other} since"));
            (found.unlinked.is_some(), told)
        };
        assert_eq!((look(&admin).await, look(&former).await), ((true, true), (false, false)));
        // It is given back.
        bridge.give(&first, first.client).await;
        bridge.cross().await;
        assert_eq!((look(&admin).await, look(&former).await), ((true, true), (true, false)));
        bridge.finish().await;
    }

    async fn an_unlinked_pair_stays_apart_and_gets_no_ticket_by_itself(product) {
        let (mut bridge, incident, ticket) = Bridge::linked(Setup { notes: "all", ..Setup::new(product) }).await;
        // While a note's outcome is not known it can't be taken apart.
        bridge.fault(json!({ "effect": "lost_answer", "kind": "halo.actions.post", "count": 1 }));
        bridge.comment(&incident, "crossed before");
        bridge.advance(30).await;
        let (app, olga) = operator(&bridge);
        let pair = bridge.pair_of(&incident).await.unwrap().id;
        assert_eq!(links::unlink(&app, &olga, pair).await, Err(ServiceError::Conflict));
        bridge.pass(300).await;
        bridge.fault(json!({ "effect": "status", "status": 503, "kind": "halo.tickets.get" }));
        bridge.comment(&incident, "waits");
        bridge.advance(30).await;
        bridge.unlink(&incident).await;
        bridge.heal();
        let writes = bridge.writes();
        bridge.update(&incident, json!({ "severity": "High" }));
        bridge.comment(&incident, "nor this");
        bridge.note(ticket, "<p>nor that</p>", json!({}));
        bridge.close_ticket_as(ticket, 1);
        bridge.pass(1_800).await;
        bridge.restart().await;
        bridge.setup.policy = "tickets_per_hour = 50".into();
        bridge.apply().await;
        bridge.pass(7 * 3_600).await;
        assert_eq!(bridge.writes(), writes, "neither a change, nor a start, nor another policy");
        assert_eq!(bridge.reason_of(&incident).await, Some("unlinked"));
        assert_ne!(bridge.incident(&incident)["properties"]["status"], "Closed");
        // A link that fails leaves it unlinked; linked to its old ticket again, nothing crosses twice.
        bridge.link(&incident, 999_999).await;
        assert_eq!(bridge.reason_of(&incident).await, Some("unlinked"));
        bridge.link(&incident, ticket).await;
        bridge.cross().await;
        assert_eq!(bridge.ticket_of(&incident).await, ticket);
        let notes: Vec<String> = bridge.notes_of(ticket).iter().map(words).collect();
        for text in ["crossed before", "waits", "nor this"] {
            assert_eq!(notes.iter().filter(|note| note.contains(text)).count(), 1, "{text}: {notes:#?}");
        }
        bridge.finish().await;
    }

    /// A person's wish outlives what stands in its way when it is said.
    async fn a_ticket_that_is_asked_for_and_cannot_be_made_yet_is_made_once_it_can(product) {
        for unlinked in [false, true] {
            let mut bridge = Bridge::with(by_hand_only(product)).await;
            let incident = bridge.raise(json!({}));
            bridge.cross().await;
            let mut former = None;
            if unlinked {
                bridge.make_ticket(&incident).await;
                former = bridge.pair_of(&incident).await.map(|pair| pair.reference);
                bridge.unlink(&incident).await;
            }
            let tickets = bridge.tickets().len();
            bridge.setup.ticket_type = "Nowhere";
            bridge.apply().await;
            // Pressed again, it is the same wish.
            for _ in 0..2 {
                bridge.make_ticket(&incident).await;
                let held = bridge.subject_of(&incident).await.unwrap().held.expect("it says why");
                assert_eq!(held.code(), Reason::TICKET_ASKED, "{held:?}");
                assert!(held.words().contains("Nowhere") && held.remedy().is_some(), "{held:?}");
            }
            assert_eq!(bridge.tickets().len(), tickets);
            bridge.setup.ticket_type = "Security Incident";
            bridge.apply().await;
            bridge.cross().await;
            assert_eq!(bridge.tickets().len(), tickets + 1);
            let pair = bridge.pair_of(&incident).await.expect("it is linked");
            assert!(pair.ticket.is_some());
            assert_ne!(Some(pair.reference), former, "not that of the ticket that was left");
            bridge.finish().await;
        }
    }

    /// It is asked for while the client has a wrong id, once for the first time and once after an unlinking.
    async fn a_ticket_that_a_person_asked_for_is_made_once_its_client_is_bound_aright(product) {
        for unlinked in [false, true] {
            let bridge = Bridge::with(by_hand_only(product)).await;
            let incident = bridge.raise(json!({}));
            bridge.cross().await;
            if unlinked {
                bridge.make_ticket(&incident).await;
                bridge.unlink(&incident).await;
            }
            let tickets = bridge.tickets().len();
            let right = configuration::export(&bridge.store).await.unwrap();
            let mut wrong = right.clone();
            for (place, client) in (9_990..).zip(&mut wrong.clients) {
                client.halo.as_mut().unwrap().halo_client_id = place;
            }
            bridge.take(&wrong).await;
            bridge.make_ticket(&incident).await;
            assert_eq!(bridge.tickets().len(), tickets);
            let waits = bridge.pair_of(&incident).await.expect("it waits for its ticket");
            assert_eq!(waits.ticket, None);
            bridge.take(&right).await;
            bridge.pass(600).await;
            assert_eq!(bridge.tickets().len(), tickets + 1);
            bridge.ticket_of(&incident).await;
            let now = bridge.pair_of(&incident).await.unwrap();
            assert_eq!(now.reference, waits.reference, "not that of the ticket that was left");
            bridge.finish().await;
        }
    }

    async fn a_ticket_is_made_when_a_person_asks_for_it(product) {
        let bridge = Bridge::with(by_hand_only(product)).await;
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        bridge.make_ticket(&incident).await;
        let first = bridge.ticket_of(&incident).await;
        assert_eq!(bridge.tickets().len(), 1);
        // Unlinked, and asked for once more: another ticket, found by another reference.
        let reference = bridge.pair_of(&incident).await.unwrap().reference;
        bridge.unlink(&incident).await;
        bridge.fault(json!({ "effect": "lost_answer", "kind": "halo.tickets.post", "count": 1 }));
        bridge.make_ticket(&incident).await;
        bridge.pass(600).await;
        let second = bridge.ticket_of(&incident).await;
        assert_ne!(second, first);
        assert_eq!(bridge.tickets().len(), 2, "the lost answer makes no third one, nor is the first one taken for it");
        assert_ne!(bridge.pair_of(&incident).await.unwrap().reference, reference);
        bridge.finish().await;
    }

    /// The storm brake's release lists first and writes then; a colleague links one of them by hand in between.
    async fn a_release_leaves_what_was_asked_for_meanwhile_as_it_is(product) {
        let setup = Setup { policy: "tickets_per_hour = 1".into(), notes: "all", ..Setup::new(product) };
        let bridge = Bridge::with(setup).await;
        for _ in 0..4 {
            bridge.raise(json!({}));
            bridge.clock.advance(jiff::SignedDuration::from_secs(1));
        }
        bridge.cross().await;
        let workspace = bridge.workspace(0).await.id;
        let listed = bridge.store.held_for(workspace, "storm-held", 10).await.unwrap();
        assert_eq!(listed.len(), 3);
        let ticket = bridge.by_hand(0, json!({}));
        let tickets = bridge.tickets().len();
        let (app, olga) = operator(&bridge);
        let last = listed.last().unwrap();
        links::link(&app, &olga, workspace, last, &ticket.to_string()).await.unwrap();
        assert_eq!(acts::release_listed(&app, &olga, workspace, &listed).await, Ok(2));
        assert_eq!(bridge.reason_of(last.as_str()).await, Some("link-asked"));
        bridge.cross().await;
        assert_eq!(bridge.tickets().len(), tickets + 2, "no second ticket for what was linked");
        assert_eq!(bridge.ticket_of(last.as_str()).await, ticket);
        assert_eq!(acts::release_storm(&app, &olga, workspace).await, Ok(0));
        bridge.finish().await;
    }
}
