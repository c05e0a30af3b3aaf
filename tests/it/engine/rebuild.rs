//! A pair that a person rebuilds from both sides.

use halobridge::{
    domain::{decision::Decision, failure::Side, ids::PairId, view::pair::FieldState},
    service::{App, acts, caller::Caller, decisions, error::ServiceError, pairs, rebuilds},
    twin::options::Product,
};
use serde_json::json;

use super::{bridge::*, person::operator};

/// How often a text stands among others.
fn times<'a>(texts: impl IntoIterator<Item = &'a String>, text: &str) -> usize {
    texts.into_iter().filter(|one| one.contains(text)).count()
}

/// How the page says that the severity stands, and what comes next.
async fn severity_of(app: &App, olga: &Caller, pair: PairId) -> (FieldState, Option<String>) {
    let view = pairs::view(app, olga, pair, "").await.unwrap();
    let row = view.fields.iter().find(|row| row.name.starts_with("Severity")).unwrap();
    (row.state, row.next.clone())
}

/// A pair of which the incident's severity was lowered and the ticket's raised. The engine has not looked yet.
async fn apart(product: Product, wins: &str) -> (Bridge, String, i64) {
    let policy = format!("severity = {{ direction = \"both\", wins = \"{wins}\" }}");
    let bridge = Bridge::with(Setup { policy, ..Setup::new(product) }).await;
    let incident = bridge.raise(json!({ "severity": "Medium" }));
    bridge.cross().await;
    let ticket = bridge.ticket_of(&incident).await;
    let priority = match product {
        Product::Itsm => "P2 - High",
        Product::Psa => "High",
    };
    bridge.update(&incident, json!({ "severity": "Low" }));
    bridge.act("ticket.update", json!({ "ticket_id": ticket, "priority": priority }));
    (bridge, incident, ticket)
}

both! {
    async fn nothing_is_written_twice_when_a_pair_is_rebuilt(product) {
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({ "owner": ANALYST }));
        bridge.comment(&incident, "said in Sentinel");
        bridge.comment(&incident, "said in Sentinel, and then");
        bridge.cross().await;
        let ticket = bridge.ticket_of(&incident).await;
        bridge.note(ticket, "<p>said in Halo</p>", json!({}));
        bridge.note(ticket, "<p>said in Halo, and then</p>", json!({}));
        bridge.cross().await;
        // Of two that crossed, one is edited on each side.
        let note = bridge.notes_of(ticket).into_iter().find(|note| words(note).contains("Halo, and then")).unwrap();
        bridge.act("note.edit", json!({ "ticket_id": ticket, "id": note["id"], "text": "said in Halo, edited", "agent": AGENT }));
        bridge.clock.advance(jiff::SignedDuration::from_secs(5));
        let comment = bridge.comment_id(&incident, "said in Sentinel, and then").await;
        bridge.edit_comment(&incident, &comment, "said in Sentinel, edited");

        let (app, olga) = operator(&bridge);
        let pair = bridge.pair_of(&incident).await.unwrap().id;
        let before = bridge.pair_of(&incident).await.unwrap().base;
        let view = rebuilds::ask(&app, &olga, pair).await.unwrap();
        assert_eq!((view.refused, view.copies), (None, 4));
        rebuilds::rebuild(&app, &olga, pair).await.unwrap();
        bridge.cross().await;
        assert_eq!(bridge.tickets().len(), 1);
        assert!(bridge.store.asked().await.unwrap().is_empty(), "what was asked is answered");
        for _ in 0..2 {
            let notes: Vec<String> = bridge.notes_of(ticket).iter().map(words).collect();
            let comments = bridge.comments_of(&incident);
            // Each where it was written and once as a copy.
            for text in ["said in Sentinel, and then", "said in Halo, edited", "said in Sentinel, edited"] {
                assert_eq!(times(&notes, text), 1, "{text}: {notes:#?}");
            }
            for text in ["said in Halo, and then", "said in Halo, edited", "said in Sentinel, edited"] {
                assert_eq!(times(&comments, text), 1, "{text}: {comments:#?}");
            }
            // Once more, with everything crossed.
            rebuilds::rebuild(&app, &olga, pair).await.unwrap();
            bridge.pass(3_600).await;
        }
        let after = bridge.pair_of(&incident).await.unwrap().base;
        assert_eq!((after.severity, after.owner), (before.severity, before.owner), "what agrees is agreed on again");
        assert_eq!(bridge.reason_of(&incident).await, None);
        let history = pairs::view(&app, &olga, pair, "").await.unwrap().timeline;
        assert!(history.iter().any(|entry| entry.words.contains("rebuild the pair")), "{history:?}");
        bridge.finish().await;
    }

    async fn a_field_that_differs_goes_by_the_policy_when_a_pair_is_rebuilt(product) {
        for (wins, expected) in [("ask", None), ("halo", Some("High"))] {
            let (bridge, incident, ticket) = apart(product, wins).await;
            let (app, olga) = operator(&bridge);
            let pair = bridge.pair_of(&incident).await.unwrap().id;
            rebuilds::rebuild(&app, &olga, pair).await.unwrap();
            bridge.cross().await;
            let severity = bridge.incident(&incident)["properties"]["severity"].clone();
            match expected {
                Some(expected) => assert_eq!(severity, expected),
                None => {
                    assert_eq!(severity, "Low");
                    assert_eq!(bridge.reason_of(&incident).await, Some("conflict"));
                    let view = pairs::view(&app, &olga, pair, "").await.unwrap();
                    assert!(view.choices.iter().any(|choice| !choice.answers.is_empty()), "{:?}", view.choices);
                }
            }
            assert!(bridge.ticket(ticket)["priority_name"].as_str().unwrap().ends_with("High"));
            bridge.finish().await;
        }
    }

    /// Nothing is agreed on then: the page says that a person is asked, and afterwards whose value is taken.
    async fn after_a_rebuild_the_page_says_whose_value_is_taken(product) {
        let cases = [
            ("ask", Some(Side::Sentinel), "The incident's severity is written to the ticket."),
            ("ask", Some(Side::Halo), "The ticket's severity is written to the incident."),
            ("sentinel", None, "The incident's severity is written to the ticket."),
            ("halo", None, "The ticket's severity is written to the incident."),
        ];
        for (wins, chosen, next) in cases {
            let (bridge, incident, _) = apart(product, wins).await;
            // What is written is refused for now, so that it waits.
            for kind in ["halo.tickets.post", "sentinel.incident.put"] {
                bridge.fault(json!({ "effect": "status", "status": 503, "kind": kind }));
            }
            let (app, olga) = operator(&bridge);
            let pair = bridge.pair_of(&incident).await.unwrap().id;
            rebuilds::rebuild(&app, &olga, pair).await.unwrap();
            bridge.cross().await;
            assert!(bridge.store.asked().await.unwrap().is_empty(), "{wins}: it was rebuilt");
            if let Some(side) = chosen {
                let (state, asks) = severity_of(&app, &olga, pair).await;
                assert_eq!(state, FieldState::Conflict, "{wins}");
                assert!(asks.is_some_and(|asks| asks.starts_with("A person decides")), "{wins}");
                let view = pairs::view(&app, &olga, pair, "").await.unwrap();
                let takes = |decision: &Decision| matches!(decision, Decision::Take { side: taken, .. } if *taken == side);
                let mut answers = view.choices.iter().flat_map(|choice| &choice.answers);
                let decision = answers.find(|answer| takes(&answer.decision)).unwrap().decision.clone();
                decisions::decide(&app, &olga, pair, Some(decision)).await.unwrap();
            }
            let ahead = match next.starts_with("The incident's") {
                true => FieldState::IncidentAhead,
                false => FieldState::TicketAhead,
            };
            assert_eq!(severity_of(&app, &olga, pair).await, (ahead, Some(next.to_owned())), "{wins}");
            bridge.heal();
            bridge.pass(3_600).await;
            assert_eq!(severity_of(&app, &olga, pair).await, (FieldState::Same, None), "{wins}");
            bridge.finish().await;
        }
    }

    /// Closed on both sides and in step: neither side is told of a closing again, and the classification stays.
    async fn nothing_is_said_when_a_closed_pair_is_rebuilt(product) {
        for closed_in in ["sentinel", "halo", "both"] {
            let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
            if closed_in != "halo" {
                let how = json!({ "classification": "FalsePositive", "classificationReason": "InaccurateData" });
                bridge.close_incident(&incident, how);
            }
            if closed_in != "sentinel" {
                bridge.close_ticket_as(ticket, 4);
            }
            bridge.pass(600).await;
            assert_eq!(bridge.ticket(ticket)["status_name"], "Closed", "{closed_in}");
            assert_eq!(bridge.incident(&incident)["properties"]["status"], "Closed", "{closed_in}");
            let (app, olga) = operator(&bridge);
            let pair = bridge.pair_of(&incident).await.unwrap().id;
            let writes = bridge.writes();
            for _ in 0..2 {
                let shown = rebuilds::ask(&app, &olga, pair).await.unwrap();
                assert!(shown.refused.is_none() && shown.planned.is_empty(), "{closed_in}: {:?}", shown.planned);
                rebuilds::rebuild(&app, &olga, pair).await.unwrap();
                bridge.pass(600).await;
                assert!(bridge.store.asked().await.unwrap().is_empty(), "{closed_in}: what was asked is answered");
                assert_eq!(bridge.writes(), writes, "{closed_in}");
            }
            assert_eq!(bridge.incident(&incident)["properties"]["classification"], "FalsePositive", "{closed_in}");
            assert_eq!(bridge.reason_of(&incident).await, None, "{closed_in}");
            bridge.finish().await;
        }
    }

    /// What was asked lies in the store: it is done as soon as both sides can be read, in the life of another process too.
    async fn a_rebuild_waits_for_both_sides_and_survives_a_restart(product) {
        let mut bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        let pair = bridge.pair_of(&incident).await.unwrap().id;
        let kind = "halo.tickets.get";
        bridge.fault(json!({ "effect": "status", "status": 503, "kind": kind }));
        {
            let (app, olga) = operator(&bridge);
            rebuilds::rebuild(&app, &olga, pair).await.unwrap();
        }
        bridge.pass(120).await;
        assert_eq!(bridge.store.asked().await.unwrap().len(), 1, "it waits");
        bridge.restart().await;
        bridge.heal();
        bridge.pass(600).await;
        assert!(bridge.store.asked().await.unwrap().is_empty());
        assert_eq!(bridge.reason_of(&incident).await, None);
        assert_eq!(bridge.tickets().len(), 1);
        bridge.finish().await;
    }

    async fn looking_again_forgets_nothing_and_a_pair_without_a_ticket_is_not_rebuilt(product) {
        let bridge = Bridge::new(product).await;
        bridge.fault(json!({ "effect": "status", "status": 400, "kind": "halo.tickets.post" }));
        let refused = bridge.raise(json!({}));
        bridge.pass(600).await;
        let (app, olga) = operator(&bridge);
        let pair = bridge.pair_of(&refused).await.unwrap().id;
        assert!(rebuilds::ask(&app, &olga, pair).await.unwrap().refused.is_some());
        let said = rebuilds::rebuild(&app, &olga, pair).await;
        assert!(matches!(said, Err(ServiceError::Invalid(_))), "{said:?}");
        bridge.heal();
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        let pair = bridge.pair_of(&incident).await.unwrap();
        let writes = bridge.writes();
        acts::look_again(&app, &olga, pair.id).await.unwrap();
        bridge.pass(60).await;
        assert_eq!(bridge.pair_of(&incident).await.unwrap().base, pair.base);
        assert_eq!(bridge.writes(), writes);
        bridge.finish().await;
    }
}
