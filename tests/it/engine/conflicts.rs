//! Both sides changed; a person decides; a status that flips; what happens after closing.

use halobridge::{
    domain::{
        decision::Decision,
        failure::Side,
        operation::{Operation, OperationState},
        reason::Reason,
    },
    service::{decisions, error::ServiceError, pairs},
};
use serde_json::{Value, json};

use super::{bridge::*, person::operator};

pub fn high(product: halobridge::twin::options::Product) -> &'static str {
    match product {
        halobridge::twin::options::Product::Itsm => "P2 - High",
        halobridge::twin::options::Product::Psa => "High",
    }
}

fn medium(product: halobridge::twin::options::Product) -> &'static str {
    match product {
        halobridge::twin::options::Product::Itsm => "P3 - Medium",
        halobridge::twin::options::Product::Psa => "Medium",
    }
}

both! {
    async fn a_conflict_waits_with_both_values_until_a_person_chooses(product) {
        for side in [Side::Sentinel, Side::Halo] {
            let policy = "severity = { direction = \"both\", wins = \"ask\" }";
            let bridge = Bridge::with(Setup { policy: policy.into(), ..Setup::new(product) }).await;
            let incident = bridge.raise(json!({ "severity": "Medium" }));
            bridge.cross().await;
            let id = bridge.ticket_of(&incident).await;
            bridge.update(&incident, json!({ "severity": "Low" }));
            bridge.act("ticket.update", json!({ "ticket_id": id, "priority": high(product) }));
            bridge.pass(600).await;
            assert_eq!(bridge.incident(&incident)["properties"]["severity"], "Low", "nothing crosses before somebody chooses");
            assert!(bridge.ticket(id)["priority_name"].as_str().unwrap().ends_with("High"));
            assert_eq!(bridge.reason_of(&incident).await, Some("conflict"));
            let (app, olga) = operator(&bridge);
            let pair = bridge.pair_of(&incident).await.unwrap().id;
            let view = pairs::view(&app, &olga, pair, "").await.unwrap();
            let answer = view.choices[0].answers.iter().find(|a| matches!(&a.decision, Decision::Take { side: taken, .. } if *taken == side));
            let decision = answer.unwrap().decision.clone();
            decisions::decide(&app, &olga, pair, Some(decision.clone())).await.unwrap();
            bridge.cross().await;
            let severity = bridge.incident(&incident)["properties"]["severity"].clone();
            let priority = bridge.ticket(id)["priority_name"].as_str().unwrap().to_owned();
            let expected = if side == Side::Sentinel { "Low" } else { "High" };
            assert_eq!((severity.as_str().unwrap(), priority.ends_with(expected)), (expected, true), "{priority}");
            assert_eq!(bridge.reason_of(&incident).await, None);
            // Asked no more: the second tab is told so.
            let again = decisions::decide(&app, &olga, pair, Some(decision)).await;
            assert!(matches!(again, Err(ServiceError::Conflict)), "{again:?}");
            bridge.finish().await;
        }
    }

    /// What we wrote ourselves, and had no answer to, is nobody's newer word: an agent who goes on meanwhile is not written over.
    async fn a_change_of_ours_without_an_answer_is_not_taken_for_an_analysts(product) {
        for lost in [json!({ "effect": "lost_answer", "kind": "sentinel.incident.put", "count": 1 }), json!({ "effect": "status", "status": 412, "applied": true, "kind": "sentinel.incident.put", "count": 1 })] {
            let policy = "severity = { direction = \"both\", wins = \"sentinel\" }";
            let bridge = Bridge::with(Setup { policy: policy.into(), ..Setup::new(product) }).await;
            let incident = bridge.raise(json!({ "severity": "Low" }));
            bridge.cross().await;
            let id = bridge.ticket_of(&incident).await;
            let puts = bridge.calls("sentinel.incident.put");
            bridge.fault(lost.clone());
            // read before the write as ever; whether it arrived cannot be asked for some minutes
            bridge.fault(json!({ "effect": "status", "status": 503, "kind": "sentinel.incident.get", "skip": 1, "count": 3 }));
            bridge.act("ticket.update", json!({ "ticket_id": id, "priority": high(product) }));
            for _ in 0..30 {
                if bridge.calls("sentinel.incident.put") == puts {
                    bridge.pass_by(1, 1).await;
                }
            }
            assert_eq!(bridge.calls("sentinel.incident.put"), puts + 1, "{lost}");
            assert_eq!(bridge.incident(&incident)["properties"]["severity"], "High", "it arrived");
            bridge.act("ticket.update", json!({ "ticket_id": id, "priority": medium(product) }));
            bridge.pass(1_800).await;
            let severity = bridge.incident(&incident)["properties"]["severity"].clone();
            let priority = bridge.ticket(id)["priority_name"].as_str().unwrap().to_owned();
            assert_eq!((severity.as_str().unwrap(), priority.ends_with("Medium")), ("Medium", true), "{lost}: {priority}");
            bridge.finish().await;
        }
    }

    /// Another analyst took the incident, our change of the ticket's agent arrived unheard, and they gave it back before
    /// anything was read of the ticket: it goes back with it.
    async fn an_owner_who_gives_it_back_before_a_change_of_ours_is_settled_is_heard(product) {
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({ "owner": SECOND_ANALYST }));
        bridge.cross().await;
        let id = bridge.ticket_of(&incident).await;
        let before = bridge.ticket(id)["agent_id"].clone();
        bridge.fault(json!({ "effect": "lost_answer", "kind": "halo.tickets.post", "count": 1 }));
        // read before the write as ever; after that nothing can be read of the ticket for a while
        bridge.fault(json!({ "effect": "status", "status": 503, "kind": "halo.tickets.get", "skip": 1 }));
        bridge.update(&incident, json!({ "owner": ANALYST }));
        for _ in 0..60 {
            if bridge.ticket(id)["agent_id"] == before {
                bridge.pass_by(1, 1).await;
            }
        }
        assert_ne!(bridge.ticket(id)["agent_id"], before, "it arrived");
        bridge.fault(json!({ "effect": "status", "status": 503, "kind": "halo.tickets.list" }));
        bridge.update(&incident, json!({ "owner": SECOND_ANALYST }));
        bridge.pass(60).await;
        bridge.heal();
        bridge.pass(1_200).await;
        assert_eq!(bridge.ticket(id)["agent_id"], before);
        assert!(bridge.incident(&incident)["properties"]["owner"].to_string().contains(SECOND_ANALYST));
        assert_eq!(bridge.reason_of(&incident).await, None);
        bridge.finish().await;
    }

    /// Our change of the ticket's agent arrived unheard, and for hours the ticket alone could not be read: nobody looks for it
    /// any more. The analyst went back meanwhile. What then shows is ours and no agent's.
    async fn a_change_that_arrived_after_all_is_no_agents_though_its_look_was_given_up(product) {
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({ "owner": "" }));
        bridge.cross().await;
        let id = bridge.ticket_of(&incident).await;
        let before = bridge.ticket(id)["agent_id"].clone();
        bridge.fault(json!({ "effect": "lost_answer", "kind": "halo.tickets.post", "count": 1 }));
        // read before the write as ever
        bridge.fault(json!({ "effect": "status", "status": 403, "kind": "halo.tickets.get", "skip": 1 }));
        bridge.update(&incident, json!({ "owner": ANALYST }));
        for _ in 0..120 {
            if bridge.ticket(id)["agent_id"] == before {
                bridge.pass_by(1, 1).await;
            }
        }
        assert_ne!(bridge.ticket(id)["agent_id"], before, "it arrived");
        bridge.withhold(&[id], 403);
        bridge.pass_by(7_200, 60).await;
        let row = bridge.situation_of(&incident).await;
        let given_up = |operation: &Operation| {
            matches!(operation.state, OperationState::Dead { reason: Reason::OutcomeUnknown, .. })
        };
        assert!(row.operations.iter().any(given_up), "{:?}", row.operations);
        bridge.update(&incident, json!({ "owner": "" }));
        bridge.cross().await;
        bridge.heal();
        bridge.withhold(&[], 403);
        bridge.pass(2_400).await;
        let owner = bridge.incident(&incident)["properties"]["owner"].to_string();
        assert!(!owner.contains(ANALYST), "{owner}");
        assert_eq!(bridge.ticket(id)["agent_id"], before);
        let row = bridge.situation_of(&incident).await;
        assert!(row.operations.is_empty(), "{:?}", row.operations);
        assert_eq!(bridge.reason_of(&incident).await, None);
        bridge.finish().await;
    }

    /// Our change of the ticket's priority never arrived, which nobody could see for hours. Once the ticket was read without it,
    /// an agent who sets the same much later is heard; until then its dead letter stays.
    async fn an_agent_who_sets_what_a_given_up_change_asked_for_is_heard(product) {
        let policy = "severity = { direction = \"both\" }";
        let bridge = Bridge::with(Setup { policy: policy.into(), ..Setup::new(product) }).await;
        let incident = bridge.raise(json!({ "severity": "Medium" }));
        bridge.cross().await;
        let id = bridge.ticket_of(&incident).await;
        let posts = bridge.calls("halo.tickets.post");
        bridge.fault(json!({ "effect": "cut", "kind": "halo.tickets.post", "count": 1 }));
        // read before the write as ever
        bridge.fault(json!({ "effect": "status", "status": 403, "kind": "halo.tickets.get", "skip": 1 }));
        bridge.update(&incident, json!({ "severity": "High" }));
        for _ in 0..120 {
            if bridge.calls("halo.tickets.post") == posts {
                bridge.pass_by(1, 1).await;
            }
        }
        assert_eq!(bridge.calls("halo.tickets.post"), posts + 1);
        bridge.withhold(&[id], 403);
        bridge.pass_by(7_200, 60).await;
        let given_up = async || {
            let row = bridge.situation_of(&incident).await;
            let unknown = |operation: &Operation| {
                matches!(operation.state, OperationState::Dead { reason: Reason::OutcomeUnknown, .. })
            };
            row.operations.iter().any(unknown)
        };
        assert!(given_up().await);
        bridge.update(&incident, json!({ "severity": "Medium" }));
        bridge.cross().await;
        bridge.heal();
        bridge.withhold(&[], 403);
        bridge.pass(7_200).await;
        assert!(given_up().await, "it waits for a person");
        bridge.act("ticket.update", json!({ "ticket_id": id, "priority": high(product) }));
        bridge.pass(1_200).await;
        assert_eq!(bridge.incident(&incident)["properties"]["severity"], "High");
        assert!(!given_up().await, "nothing is left to be asked");
        assert_eq!(bridge.reason_of(&incident).await, None);
        bridge.finish().await;
    }

    /// While a change of ours whose outcome is not known may still arrive, nothing newer is sent: it would be taken for an
    /// analyst's once it was forgotten.
    async fn nothing_newer_is_sent_while_a_change_may_still_arrive(product) {
        let policy = "severity = { direction = \"both\" }";
        let bridge = Bridge::with(Setup { settle_secs: 120, policy: policy.into(), ..Setup::new(product) }).await;
        let incident = bridge.raise(json!({ "severity": "Low" }));
        bridge.cross().await;
        let id = bridge.ticket_of(&incident).await;
        let puts = bridge.calls("sentinel.incident.put");
        bridge.fault(json!({ "effect": "cut", "kind": "sentinel.incident.put", "count": 1 }));
        bridge.fault(json!({ "effect": "status", "status": 503, "kind": "sentinel.incident.get", "skip": 1, "count": 2 }));
        bridge.act("ticket.update", json!({ "ticket_id": id, "priority": high(product) }));
        for _ in 0..30 {
            if bridge.calls("sentinel.incident.put") == puts {
                bridge.pass_by(1, 1).await;
            }
        }
        assert_eq!(bridge.calls("sentinel.incident.put"), puts + 1);
        bridge.act("ticket.update", json!({ "ticket_id": id, "priority": medium(product) }));
        bridge.pass_by(60, 5).await;
        assert_eq!(bridge.calls("sentinel.incident.put"), puts + 1, "the first may still arrive");
        bridge.pass(900).await;
        assert_eq!(bridge.incident(&incident)["properties"]["severity"], "Medium");
        bridge.finish().await;
    }

    /// Sentinel is polled every 30 s, Halo every 20 s; both change within one gap, Halo later.
    async fn the_newer_value_wins(product) {
        let policy = "severity = { direction = \"both\" }";
        let bridge = Bridge::with(Setup { policy: policy.into(), ..Setup::new(product) }).await;
        let incident = bridge.raise(json!({ "severity": "Medium" }));
        bridge.cross().await;
        let id = bridge.ticket_of(&incident).await;
        // Neither side answers for an hour; a severity is changed at its beginning, a priority at its end.
        bridge.fault(json!({ "effect": "status", "status": 503, "kind": "sentinel.*" }));
        bridge.update(&incident, json!({ "severity": "Low" }));
        bridge.pass(3_600).await;
        bridge.act("ticket.update", json!({ "ticket_id": id, "priority": high(product) }));
        bridge.pass(60).await;
        bridge.heal();
        bridge.pass(1_200).await;
        assert_eq!(bridge.incident(&incident)["properties"]["severity"], "High", "the agent's came an hour later");
        bridge.finish().await;
    }

    async fn a_status_that_flips_is_held_until_a_person_lets_it_go_on(product) {
        let bridge = Bridge::with(Setup { policy: "flips_per_hour = 3".into(), ..Setup::new(product) }).await;
        let incident = bridge.raise(json!({ "status": "Active" }));
        bridge.cross().await;
        let id = bridge.ticket_of(&incident).await;
        for n in 0..6 {
            let status = if n % 2 == 0 { "New" } else { "In Progress" };
            bridge.act("ticket.status", json!({ "ticket_id": id, "status": status, "text": "again", "agent": AGENT }));
            bridge.pass(120).await;
        }
        assert_eq!(bridge.reason_of(&incident).await, Some("flapping"));
        let writes = bridge.calls("sentinel.incident.put");
        bridge.act("ticket.status", json!({ "ticket_id": id, "status": "New", "text": "and again", "agent": AGENT }));
        bridge.pass(7_200).await;
        assert_eq!(bridge.calls("sentinel.incident.put"), writes, "held, hours later too");
        bridge.comment(&incident, "words go on crossing");
        bridge.cross().await;
        assert!(bridge.notes_of(id).iter().any(|n| words(n).contains("words go on crossing")));
        let (app, olga) = operator(&bridge);
        let pair = bridge.pair_of(&incident).await.unwrap().id;
        let view = pairs::view(&app, &olga, pair, "").await.unwrap();
        decisions::decide(&app, &olga, pair, Some(view.choices[0].answers[0].decision.clone())).await.unwrap();
        bridge.cross().await;
        assert_eq!(bridge.incident(&incident)["properties"]["status"], "New");
        assert_eq!(bridge.reason_of(&incident).await, None);
        bridge.finish().await;
    }

    async fn an_incident_opened_again_can_go_on_in_a_new_ticket(product) {
        let policy = "reopened = { in_sentinel = \"new-ticket\" }";
        let bridge = Bridge::with(Setup { policy: policy.into(), ..Setup::new(product) }).await;
        let incident = bridge.raise(json!({}));
        bridge.comment(&incident, "before closing");
        bridge.cross().await;
        let first = bridge.ticket_of(&incident).await;
        bridge.close_incident(&incident, json!({}));
        bridge.cross().await;
        bridge.update(&incident, json!({ "status": "Active" }));
        bridge.cross().await;
        let second = bridge.ticket_of(&incident).await;
        assert_ne!(first, second);
        assert_eq!((bridge.ticket(first)["status_name"].as_str(), bridge.ticket(second)["status_name"].as_str()), (Some("Closed"), Some("In Progress")));
        assert!(bridge.ticket(second)["details_html"].as_str().unwrap().contains(&format!("Its first ticket, {first}, stays closed")));
        bridge.comment(&incident, "after opening");
        bridge.cross().await;
        assert!(bridge.notes_of(second).iter().any(|n| words(n).contains("after opening")));
        assert!(bridge.notes_of(second).iter().all(|n| !words(n).contains("before closing")), "the first ticket has it");
        let told = |n: &&Value| words(n).contains(&format!("It goes on in ticket {second}."));
        let notes = bridge.notes_of(first);
        let told: Vec<&Value> = notes.iter().filter(told).collect();
        assert_eq!(told.len(), 1, "the first ticket is told once: {notes:?}");
        assert_eq!(told[0]["hiddenfromuser"], true);
        assert!(bridge.comments_of(&incident).iter().all(|c| !c.contains("It goes on in ticket")), "no echo");
        bridge.close_ticket_as(second, 1);
        bridge.cross().await;
        assert_eq!(bridge.incident(&incident)["properties"]["status"], "Closed");
        let writes = bridge.writes();
        bridge.pass(1_800).await;
        assert_eq!(bridge.writes(), writes, "and rests");
        bridge.finish().await;
    }

    async fn a_lost_answer_makes_no_second_following_ticket(product) {
        let policy = "reopened = { in_sentinel = \"new-ticket\" }";
        let bridge = Bridge::with(Setup { policy: policy.into(), ..Setup::new(product) }).await;
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        bridge.close_incident(&incident, json!({}));
        bridge.cross().await;
        let first = bridge.ticket_of(&incident).await;
        bridge.fault(json!({ "effect": "lost_answer", "kind": "halo.tickets.post", "count": 1 }));
        bridge.fault(json!({ "effect": "lost_answer", "kind": "halo.actions.post", "count": 1 }));
        bridge.update(&incident, json!({ "status": "Active" }));
        bridge.pass(1_200).await;
        assert_eq!(bridge.tickets().len(), 2);
        let second = bridge.ticket_of(&incident).await;
        let told = format!("It goes on in ticket {second}.");
        assert_eq!(bridge.notes_of(first).iter().filter(|n| words(n).contains(&told)).count(), 1, "nor a second note");
        bridge.finish().await;
    }

    async fn opened_again_by_a_persons_decision(product) {
        let policy = "reopened = { in_halo = \"ask\" }";
        let (bridge, incident, id) = Bridge::linked(Setup { policy: policy.into(), ..Setup::new(product) }).await;
        bridge.close_ticket_as(id, 1);
        bridge.cross().await;
        bridge.act("ticket.reopen", json!({ "ticket_id": id, "agent": AGENT, "text": "It goes on." }));
        bridge.cross().await;
        assert_eq!(bridge.reason_of(&incident).await, Some("reopened"));
        assert_eq!(bridge.incident(&incident)["properties"]["status"], "Closed");
        let (app, olga) = operator(&bridge);
        let pair = bridge.pair_of(&incident).await.unwrap().id;
        let view = pairs::view(&app, &olga, pair, "").await.unwrap();
        decisions::decide(&app, &olga, pair, Some(view.choices[0].answers[0].decision.clone())).await.unwrap();
        bridge.cross().await;
        assert_eq!(bridge.incident(&incident)["properties"]["status"], "Active");
        bridge.finish().await;
    }

    async fn what_changes_after_closing_is_remarked_on(product) {
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({ "severity": "Low" }));
        bridge.cross().await;
        let id = bridge.ticket_of(&incident).await;
        bridge.close_incident(&incident, json!({}));
        bridge.cross().await;
        let writes = bridge.writes();
        bridge.update(&incident, json!({ "severity": "High" }));
        bridge.pass(300).await;
        assert_eq!(bridge.writes(), writes);
        assert_eq!(bridge.reason_of(&incident).await, Some("after-closing"));
        bridge.comment(&incident, "words cross all the same");
        bridge.update(&incident, json!({ "status": "Active" }));
        bridge.cross().await;
        assert!(bridge.ticket(id)["priority_name"].as_str().unwrap().ends_with("High"), "opened again, it crosses");
        assert!(bridge.notes_of(id).iter().any(|n| words(n).contains("words cross all the same")));
        bridge.finish().await;
    }
}
