//! Closing and opening again, both ways, with classification and reason.

use halobridge::{
    domain::{decision::Decision, failure::Side},
    service::{decisions, pairs},
};
use serde_json::json;

use super::{bridge::*, person::operator};

/// An agent who was asked for the classification chooses one on the ticket: the incident is closed with it.
async fn answered(bridge: &Bridge, incident: &str, ticket: i64) {
    let chosen = json!([{ "name": "CFSentinelClassification", "value": 4 }]);
    bridge.act("ticket.update", json!({ "ticket_id": ticket, "customfields": chosen }));
    bridge.pass(300).await;
    let properties = bridge.incident(incident)["properties"].clone();
    assert_eq!(
        (&properties["status"], &properties["classificationReason"]),
        (&json!("Closed"), &json!("InaccurateData"))
    );
    assert_eq!(bridge.reason_of(incident).await, None);
}

/// An incident is closed, our closing of its ticket arrives, and its answer is lost: nothing has been looked for yet.
async fn closed_unheard(bridge: &Bridge, incident: &str, ticket: i64) {
    bridge.fault(json!({ "effect": "lost_answer", "kind": "halo.tickets.post", "count": 1 }));
    // read before the write as ever; whether it arrived cannot be asked at once
    bridge.fault(json!({ "effect": "status", "status": 503, "kind": "halo.tickets.get", "skip": 1, "count": 20 }));
    bridge.close_incident(incident, json!({ "classification": "Undetermined" }));
    for _ in 0..60 {
        if bridge.ticket(ticket)["status_name"] != "Closed" {
            bridge.pass_by(1, 1).await;
        }
    }
    assert_eq!(bridge.ticket(ticket)["status_name"], "Closed", "it arrived");
    bridge.heal();
}

both! {
    async fn a_closed_incident_closes_its_ticket(product) {
        let verdicts = [
            ("TruePositive", Some("SuspiciousActivity"), "True Positive - Suspicious Activity"),
            ("BenignPositive", Some("SuspiciousButExpected"), "Benign Positive - Suspicious But Expected"),
            ("FalsePositive", Some("IncorrectAlertLogic"), "False Positive - Incorrect Alert Logic"),
            ("FalsePositive", Some("InaccurateData"), "False Positive - Inaccurate Data"),
            ("Undetermined", None, "Undetermined"),
        ];
        let bridge = Bridge::new(product).await;
        for (classification, reason, shown) in verdicts {
            let incident = bridge.raise(json!({}));
            bridge.cross().await;
            let id = bridge.ticket_of(&incident).await;
            let mut how = json!({ "classification": classification, "classificationComment": "as agreed with the customer" });
            if let Some(reason) = reason {
                how["classificationReason"] = reason.into();
            }
            bridge.close_incident(&incident, how);
            bridge.cross().await;
            let ticket = bridge.ticket(id);
            assert_eq!(ticket["status_name"], "Closed", "{classification}");
            assert_eq!(field(&ticket, "CFSentinelClassification"), shown);
            let said = ticket.to_string();
            assert!(said.contains("as agreed with the customer"), "{said}");
        }
        let writes = bridge.writes();
        bridge.pass(600).await;
        assert_eq!(bridge.writes(), writes);
        bridge.finish().await;
    }

    async fn a_closed_ticket_closes_its_incident(product) {
        let verdicts = [
            (1, "TruePositive", Some("SuspiciousActivity")),
            (2, "BenignPositive", Some("SuspiciousButExpected")),
            (3, "FalsePositive", Some("IncorrectAlertLogic")),
            (4, "FalsePositive", Some("InaccurateData")),
            (5, "Undetermined", None),
        ];
        let bridge = Bridge::new(product).await;
        for (option, classification, reason) in verdicts {
            let incident = bridge.raise(json!({ "owner": ANALYST, "labels": ["vip"] }));
            bridge.cross().await;
            let id = bridge.ticket_of(&incident).await;
            let before = bridge.incident(&incident)["properties"].clone();
            bridge.close_ticket_as(id, option);
            bridge.cross().await;
            let after = bridge.incident(&incident)["properties"].clone();
            assert_eq!(after["status"], "Closed", "{classification}");
            assert_eq!(after["classification"], classification);
            assert_eq!(after.get("classificationReason").and_then(|r| r.as_str()), reason);
            assert!(after["classificationComment"].as_str().unwrap().contains(&id.to_string()));
            for member in ["title", "description", "severity", "owner", "labels"] {
                assert_eq!(after[member], before[member], "{member} is not touched");
            }
        }
        let writes = bridge.writes();
        bridge.pass(600).await;
        assert_eq!(bridge.writes(), writes);
        bridge.finish().await;
    }

    /// Our own closing of a ticket whose answer was lost is no agent's: nobody is told that both sides closed it.
    async fn a_closing_of_ours_without_an_answer_is_no_agents(product) {
        for asked_later in [false, true] {
            let (bridge, incident, id) = Bridge::linked(Setup::new(product)).await;
            let said = bridge.comments_of(&incident);
            bridge.fault(json!({ "effect": "lost_answer", "kind": "halo.tickets.post", "count": 1 }));
            if asked_later {
                // read before the write as ever; whether it arrived cannot be asked at once
                bridge.fault(json!({ "effect": "status", "status": 503, "kind": "halo.tickets.get", "skip": 1, "count": 2 }));
            }
            bridge.close_incident(&incident, json!({ "classification": "Undetermined" }));
            bridge.pass(1_800).await;
            assert_eq!(bridge.ticket(id)["status_name"], "Closed");
            assert_eq!(bridge.comments_of(&incident), said, "nothing is said of an agent's closing");
            assert_eq!(bridge.reason_of(&incident).await, None);
            bridge.finish().await;
        }
    }

    /// It arrived, its answer was lost, and an agent opened the ticket again before it was settled: the agent's is the newer
    /// word, also where the ticket was at another client meanwhile, seen there while it was closed or not.
    async fn a_ticket_opened_again_after_a_closing_without_an_answer_is_not_closed_once_more(product) {
        let home = product.first_client_id();
        for (moved, seen) in [(false, false), (true, false), (true, true)] {
            let (bridge, incident, id) = Bridge::linked(Setup::new(product)).await;
            closed_unheard(&bridge, &incident, id).await;
            if moved {
                bridge.act("ticket.move", json!({ "ticket_id": id, "client_id": home + 1 }));
            }
            if seen {
                bridge.pass(60).await;
            }
            bridge.act("ticket.reopen", json!({ "ticket_id": id, "text": "Not yet.", "agent": AGENT }));
            if moved {
                bridge.pass(300).await;
                assert_eq!(bridge.reason_of(&incident).await, Some("wrong-client"), "seen: {seen}");
                bridge.act("ticket.move", json!({ "ticket_id": id, "client_id": home }));
            }
            bridge.pass(900).await;
            assert_eq!(bridge.ticket(id)["status_name"], "In Progress", "moved: {moved}, seen: {seen}");
            assert_eq!(bridge.incident(&incident)["properties"]["status"], "Active", "moved: {moved}, seen: {seen}");
            bridge.finish().await;
        }
    }

    /// An instance that keeps no closing note: nothing tells whether it arrived. Who had the ticket at another client may
    /// have undone just that, so that a person says which is the newer word.
    async fn a_closing_of_which_nothing_tells_is_asked_about_when_its_ticket_is_back(product) {
        let home = product.first_client_id();
        for side in [Side::Sentinel, Side::Halo] {
            let (bridge, incident, id) = Bridge::linked(Setup::new(product)).await;
            bridge.mutate(|request, body| {
                if request.method() == "GET" && request.uri().path().contains("/Tickets/") && body.is_object() {
                    body["closure_note"] = json!("");
                }
            });
            closed_unheard(&bridge, &incident, id).await;
            bridge.act("ticket.move", json!({ "ticket_id": id, "client_id": home + 1 }));
            bridge.act("ticket.reopen", json!({ "ticket_id": id, "text": "Not yet.", "agent": AGENT }));
            bridge.pass(300).await;
            assert_eq!(bridge.reason_of(&incident).await, Some("wrong-client"));
            bridge.act("ticket.move", json!({ "ticket_id": id, "client_id": home }));
            bridge.pass(900).await;
            assert_eq!(bridge.ticket(id)["status_name"], "In Progress");
            assert_eq!(bridge.incident(&incident)["properties"]["status"], "Closed");
            assert_eq!(bridge.reason_of(&incident).await, Some("conflict"));
            let (app, olga) = operator(&bridge);
            let pair = bridge.pair_of(&incident).await.unwrap().id;
            let view = pairs::view(&app, &olga, pair, "").await.unwrap();
            let taken = |decision: &Decision| matches!(decision, Decision::Take { side: taken, .. } if *taken == side);
            let answer = view.choices[0].answers.iter().find(|answer| taken(&answer.decision)).unwrap();
            decisions::decide(&app, &olga, pair, Some(answer.decision.clone())).await.unwrap();
            bridge.pass(300).await;
            let (ticket, status) = (bridge.ticket(id), bridge.incident(&incident)["properties"]["status"].clone());
            let expected = if side == Side::Sentinel { ("Closed", "Closed") } else { ("In Progress", "Active") };
            assert_eq!((ticket["status_name"].as_str().unwrap(), status.as_str().unwrap()), expected);
            bridge.finish().await;
        }
    }

    async fn a_missing_classification_is_asked_for_once(product) {
        let (bridge, incident, id) = Bridge::linked(Setup::new(product)).await;
        bridge.close_ticket(id, json!({}));
        bridge.pass(1_800).await;
        assert_eq!(bridge.incident(&incident)["properties"]["status"], "New");
        assert_eq!(bridge.reason_of(&incident).await, Some("verdict-missing"));
        let asked = bridge.notes_of(id).iter().filter(|n| words(n).contains("without a classification")).count();
        assert_eq!(asked, 1);
        answered(&bridge, &incident, id).await;
        bridge.finish().await;
    }

    /// The row of a ticket whose status closes it by the policy alone says nothing of a closure.
    async fn an_answer_to_the_question_is_read_whatever_the_row_says(product) {
        let policy = "closed_statuses = [\"Resolved\"]";
        let (bridge, incident, id) = Bridge::linked(Setup { policy: policy.into(), ..Setup::new(product) }).await;
        bridge.act("ticket.status", json!({ "ticket_id": id, "status": "Resolved", "text": "Done.", "agent": AGENT }));
        bridge.pass(300).await;
        assert_eq!(bridge.reason_of(&incident).await, Some("verdict-missing"));
        answered(&bridge, &incident, id).await;
        bridge.finish().await;
    }

    async fn a_default_verdict_closes_without_asking(product) {
        let verdict = "{ classification = \"Undetermined\", comment = \"Nobody said.\" }";
        let bridge = Bridge::with(Setup { missing_verdict: verdict, ..Setup::new(product) }).await;
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        bridge.close_ticket(bridge.ticket_of(&incident).await, json!({}));
        bridge.cross().await;
        assert_eq!(bridge.incident(&incident)["properties"]["classification"], "Undetermined");
        bridge.finish().await;
    }

    async fn opened_again_on_either_side(product) {
        let (bridge, incident, id) = Bridge::linked(Setup::new(product)).await;
        bridge.close_incident(&incident, json!({}));
        bridge.cross().await;
        assert_eq!(bridge.ticket(id)["status_name"], "Closed");
        bridge.update(&incident, json!({ "status": "Active" }));
        bridge.cross().await;
        assert_eq!(bridge.ticket(id)["status_name"], "In Progress", "opened again in Sentinel");
        // Another one than the first closing left there: that would count as none.
        bridge.close_ticket_as(id, 2);
        bridge.cross().await;
        assert_eq!(bridge.incident(&incident)["properties"]["status"], "Closed");
        bridge.act("ticket.reopen", json!({ "ticket_id": id, "agent": AGENT, "text": "It goes on." }));
        bridge.cross().await;
        assert_eq!(bridge.incident(&incident)["properties"]["status"], "Active", "opened again in Halo");
        // K5: and then there is silence.
        let writes = bridge.writes();
        bridge.pass(1_800).await;
        assert_eq!(bridge.writes(), writes);
        bridge.finish().await;
    }

    /// Somebody sets the status alone, which leaves no action: it is a reopening like any other.
    async fn a_status_set_right_after_our_closing_opens_the_incident(product) {
        let (bridge, incident, id) = Bridge::linked(Setup::new(product)).await;
        bridge.close_incident(&incident, json!({}));
        bridge.pass(60).await;
        assert_eq!(bridge.ticket(id)["status_name"], "Closed");
        bridge.act("ticket.update", json!({ "ticket_id": id, "status": "In Progress" }));
        bridge.cross().await;
        assert_eq!(bridge.incident(&incident)["properties"]["status"], "Active");
        bridge.finish().await;
    }

    /// A workflow of Halo opens, in the name of our agent (2), what our application closes.
    async fn opened_by_a_rule_right_after_our_closing_a_person_is_asked(product) {
        let (bridge, incident, id) = Bridge::linked(Setup::new(product)).await;
        let how = json!({ "classification": "FalsePositive", "classificationReason": "InaccurateData" });
        bridge.close_incident(&incident, how);
        bridge.pass(60).await;
        assert_eq!(bridge.ticket(id)["status_name"], "Closed");
        bridge.act("ticket.reopen", json!({ "ticket_id": id, "status": "In Progress", "agent_id": 2, "text": "" }));
        bridge.cross().await;
        let properties = bridge.incident(&incident)["properties"].clone();
        assert_eq!((&properties["status"], &properties["classification"]), (&json!("Closed"), &json!("FalsePositive")));
        let reason = bridge.pair_of(&incident).await.unwrap().reason.unwrap();
        assert_eq!(reason.code(), "reopened");
        assert!(reason.words().contains("a rule of Halo?"), "{}", reason.words());
        let writes = bridge.writes();
        bridge.pass(1_800).await;
        assert_eq!(bridge.writes(), writes);
        bridge.finish().await;
    }

    /// K5: both sides move at the same time; the echo dies within a few writes.
    async fn k5_closed_here_and_opened_there_comes_to_rest(product) {
        for seed in 1..4 {
            let bridge = Bridge::with(Setup { seed, ..Setup::new(product) }).await;
            let incident = bridge.raise(json!({ "status": "Active" }));
            bridge.cross().await;
            let id = bridge.ticket_of(&incident).await;
            bridge.close_incident(&incident, json!({}));
            bridge.advance(20).await;
            bridge.act("ticket.status", json!({ "ticket_id": id, "status": "On Hold", "text": "waiting", "agent": AGENT }));
            bridge.update(&incident, json!({ "status": "Active" }));
            bridge.close_ticket_as(id, 1);
            let before = bridge.writes();
            bridge.pass(600).await;
            assert!(bridge.writes() - before <= 8, "{} writes", bridge.writes() - before);
            let quiet = bridge.writes();
            bridge.pass(3_600).await;
            assert_eq!(bridge.writes(), quiet);
            let closed = bridge.incident(&incident)["properties"]["status"] == "Closed";
            assert_eq!(closed, bridge.ticket(id)["status_name"] == "Closed", "both sides say the same");
            bridge.finish().await;
        }
    }

    async fn closed_before_it_was_seen_becomes_a_closed_ticket(product) {
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({}));
        bridge.close_incident(&incident, json!({ "classification": "FalsePositive", "classificationReason": "InaccurateData" }));
        bridge.cross().await;
        let ticket = bridge.ticket(bridge.ticket_of(&incident).await);
        assert_eq!(ticket["status_name"], "Closed");
        assert_eq!(field(&ticket, "CFSentinelClassification"), "False Positive - Inaccurate Data");
        bridge.finish().await;
    }

    async fn a_write_that_is_never_carried_out_is_tried_ever_more_rarely_and_told_in_the_end(product) {
        for (kind, from_sentinel) in [("halo.tickets.post", true), ("sentinel.incident.put", false)] {
            let (bridge, incident, id) = Bridge::linked(Setup::new(product)).await;
            let before = bridge.calls(kind);
            bridge.fault(json!({ "effect": "status", "status": 500, "kind": kind }));
            if from_sentinel {
                bridge.close_incident(&incident, json!({}));
            } else {
                bridge.close_ticket_as(id, 1);
            }
            bridge.pass(3_600).await;
            let tried = bridge.calls(kind) - before;
            assert!((2..30).contains(&tried), "{kind}: {tried} in an hour");
            assert_eq!(bridge.reason_of(&incident).await, Some(if from_sentinel { "incident-closed" } else { "ticket-closed" }));
            bridge.pass_by(34 * 3_600, 900).await;
            assert_ne!(bridge.reason_of(&incident).await, Some("refused"), "{kind}");
            for _ in 0..40 {
                bridge.pass_by(3_600, 900).await;
                if bridge.reason_of(&incident).await == Some("refused") {
                    break;
                }
            }
            assert_eq!(bridge.reason_of(&incident).await, Some("refused"), "{kind}");
            bridge.heal();
            bridge.finish().await;
        }
    }

    async fn what_was_changed_before_the_other_side_closed_crosses_with_the_closing(product) {
        for from_sentinel in [true, false] {
            let policy = "severity = { direction = \"both\" }".to_owned();
            let bridge = Bridge::with(Setup { poll_secs: 900, policy, ..Setup::new(product) }).await;
            let incident = bridge.raise(json!({ "severity": "Low" }));
            bridge.pass(1_000).await;
            let id = bridge.ticket_of(&incident).await;
            let before = bridge.ticket(id)["priority_id"].clone();
            bridge.update(&incident, json!({ "severity": "High" }));
            if from_sentinel {
                bridge.close_ticket_as(id, 1);
            } else {
                // Only the webhook tells of it: the ticket's reading comes later.
                bridge.close_incident(&incident, json!({ "classification": "Undetermined" }));
            }
            bridge.pass(2_000).await;
            assert_eq!(bridge.ticket(id)["status_name"], "Closed");
            assert_ne!(bridge.ticket(id)["priority_id"], before);
            assert_eq!(bridge.reason_of(&incident).await, None);
            bridge.finish().await;
        }
    }

    async fn a_closing_that_halo_ignores_is_shown(product) {
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        bridge.switch("close_ignored", "true");
        bridge.close_incident(&incident, json!({}));
        bridge.pass(600).await;
        let id = bridge.ticket_of(&incident).await;
        assert_ne!(bridge.ticket(id)["status_name"], "Closed");
        assert_eq!(bridge.reason_of(&incident).await, Some("refused"));
        assert!(bridge.calls("halo.tickets.post") < 10, "it is not tried for ever");
        bridge.finish().await;
    }

    /// A rule of Halo's puts a ticket that is to be closed into another open status.
    async fn a_closing_that_ends_in_another_status_is_shown(product) {
        for becomes in ["On Hold", "In Progress"] {
            let (bridge, incident, id) = Bridge::linked(Setup::new(product)).await;
            bridge.switch("close_becomes", becomes);
            bridge.close_incident(&incident, json!({}));
            bridge.pass(600).await;
            assert_eq!(bridge.ticket(id)["status_name"], becomes);
            let reason = bridge.pair_of(&incident).await.unwrap().reason.expect("it says why");
            let said = reason.words();
            assert_eq!(reason.code(), "refused", "{said}");
            assert!(said.contains("“Closed”") && said.contains(&format!("“{becomes}”")), "{said}");
            assert_eq!(bridge.incident(&incident)["properties"]["status"], "Closed", "the rule opens no incident");
            assert!(bridge.calls("halo.tickets.post") < 10, "it is not tried for ever");
            bridge.finish().await;
        }
    }

    /// Halo says no with a status that says yes.
    async fn a_closing_refused_with_a_good_status_is_not_taken_for_done(product) {
        let (bridge, incident, id) = Bridge::linked(Setup::new(product)).await;
        bridge.switch("refused_with_200", "on");
        bridge.switch("writes_refused", "Only the owner may close this ticket");
        bridge.close_incident(&incident, json!({}));
        bridge.pass(600).await;
        assert_ne!(bridge.ticket(id)["status_name"], "Closed");
        let reason = bridge.pair_of(&incident).await.unwrap().reason.expect("it says why");
        let said = reason.words();
        assert_eq!(reason.code(), "refused", "{said}");
        assert!(said.contains("Only the owner may close this ticket"), "{said}");
        bridge.finish().await;
    }

    async fn what_we_left_in_the_classification_goes_when_the_ticket_is_opened_again(product) {
        let (bridge, incident, id) = Bridge::linked(Setup::new(product)).await;
        let how = json!({ "classification": "FalsePositive", "classificationReason": "InaccurateData" });
        bridge.close_incident(&incident, how);
        bridge.cross().await;
        let left = "False Positive - Inaccurate Data";
        assert_eq!(field(&bridge.ticket(id), "CFSentinelClassification"), left);
        bridge.update(&incident, json!({ "status": "Active" }));
        bridge.cross().await;
        assert_ne!(bridge.ticket(id)["status_name"], "Closed");
        assert_ne!(field(&bridge.ticket(id), "CFSentinelClassification"), left, "taken off with the opening");
        let writes = bridge.writes();
        bridge.pass(1_800).await;
        assert_eq!(bridge.writes(), writes, "once");
        // Closed without a choice: asked. The very same choice is the agent's then.
        bridge.close_ticket(id, json!({}));
        bridge.cross().await;
        assert_eq!(bridge.reason_of(&incident).await, Some("verdict-missing"));
        assert!(!bridge.notes_of(id).iter().any(|n| words(n).contains("empty it first")));
        answered(&bridge, &incident, id).await;
        bridge.finish().await;
    }
}
