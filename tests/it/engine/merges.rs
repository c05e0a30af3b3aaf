//! Merges in Defender, end to end.

use halobridge::{
    domain::{decision::Decision, operation::OperationState, pair::SyncState, pause::PauseScope, reason::Reason},
    engine::Unit,
    service::{decisions, links, pairs, pauses, replays},
};
use serde_json::json;

use super::{bridge::*, person::operator};

fn defender(product: halobridge::twin::options::Product, told: &'static str) -> Setup {
    let switches = vec![
        ("defender", "true"),
        ("automation_delay_s", "0"),
        ("defender_delay_s", "0"),
        ("merged_incident_members", told),
    ];
    Setup { switches, ..Setup::new(product) }
}

fn merge(bridge: &Bridge, source: &str, target: &str) {
    bridge.act("incident.merge", json!({ "workspace": bridge.workspace_name(0), "source": source, "target": target }));
}

both! {
    async fn a_ticket_goes_on_with_the_incident_that_is_left(product) {
        for told in ["true", "false"] {
            let mut setup = defender(product, told);
            setup.policy = "include = { title = [\"paired\"] }".into();
            let bridge = Bridge::with(setup).await;
            let merged = bridge.raise(json!({ "title": "paired", "severity": "Medium" }));
            bridge.comment(&merged, "seen on the host");
            bridge.cross().await;
            let ticket = bridge.ticket_of(&merged).await;
            bridge.note(ticket, "<p>the agent's words</p>", json!({}));
            bridge.cross().await;
            let left = bridge.raise(json!({ "severity": "High" }));
            bridge.cross().await;
            assert_eq!(bridge.reason_of(&left).await, Some("filtered"));
            merge(&bridge, &merged, &left);
            bridge.pass(600).await;
            assert_eq!(bridge.ticket_of(&left).await, ticket, "told: {told}");
            assert_eq!(bridge.tickets().len(), 1);
            assert_ne!(bridge.ticket(ticket)["status_name"], "Closed");
            assert!(bridge.ticket(ticket)["priority_name"].as_str().unwrap().ends_with("High"), "it follows the survivor");
            let comments = bridge.comments_of(&left);
            for text in ["seen on the host", "the agent's words"] {
                assert_eq!(comments.iter().filter(|c| c.contains(text)).count(), 1, "{text}: {comments:#?}");
            }
            let notes: Vec<String> = bridge.notes_of(ticket).iter().map(words).collect();
            assert_eq!(notes.iter().filter(|n| n.contains("seen on the host")).count(), 1, "{notes:#?}");
            // The conversation and the closing go on with the survivor.
            bridge.comment(&left, "on the one that is left");
            bridge.cross().await;
            assert!(bridge.notes_of(ticket).iter().any(|n| words(n).contains("on the one that is left")));
            bridge.close_ticket_as(ticket, 1);
            bridge.cross().await;
            assert_eq!(bridge.incident(&left)["properties"]["classification"], "TruePositive");
            let writes = bridge.writes();
            bridge.pass(1_800).await;
            assert_eq!(bridge.writes(), writes, "and rests");
            bridge.finish().await;
        }
    }

    async fn a_ticket_goes_on_with_the_incident_that_is_left_once_that_shows(product) {
        for restarts in ["never", "before it shows", "before anybody looked"] {
            let mut setup = defender(product, "true");
            setup.policy = "include = { title = [\"paired\"] }".into();
            let mut bridge = Bridge::with(setup).await;
            let merged = bridge.raise(json!({ "title": "paired" }));
            bridge.cross().await;
            let ticket = bridge.ticket_of(&merged).await;
            let left = bridge.raise(json!({}));
            merge(&bridge, &merged, &left);
            // The merged one alone is read.
            bridge.engine.look_again(bridge.pair_of(&merged).await.unwrap().id);
            bridge.run().await;
            let pair = bridge.pair_of(&merged).await.unwrap();
            assert_eq!((pair.reason.map(|reason| reason.code()), pair.sync), (Some("merged-into"), SyncState::Behind));
            assert!(bridge.subject_of(&left).await.is_none(), "it has not shown yet");
            if restarts == "before anybody looked" {
                let workspace = bridge.workspace(0).await.id;
                bridge.engine.run(Unit::Poll(workspace)).await;
                assert!(bridge.subject_of(&left).await.is_some() && bridge.pair_of(&left).await.is_none());
            }
            if restarts != "never" {
                bridge.restart().await;
            }
            bridge.cross().await;
            assert_eq!(bridge.ticket_of(&left).await, ticket, "restarts: {restarts}");
            assert_eq!(bridge.pair_of(&merged).await.unwrap().sync, SyncState::InStep);
            assert_eq!(bridge.tickets().len(), 1);
            bridge.finish().await;
        }
    }

    /// Whatever else the pair waits for.
    async fn the_incident_that_is_left_is_found_once_it_shows_beside_a_write_that_was_given_up(product) {
        let mut setup = defender(product, "true");
        setup.policy = "include = { title = [\"paired\"] }".into();
        let bridge = Bridge::with(setup).await;
        let merged = bridge.raise(json!({ "title": "paired" }));
        bridge.cross().await;
        bridge.fault(json!({ "effect": "status", "status": 400, "kind": "halo.actions.post" }));
        bridge.comment(&merged, "refused");
        bridge.cross().await;
        bridge.heal();
        assert_eq!(bridge.pair_of(&merged).await.unwrap().health.as_str(), "needs-you");
        let left = bridge.raise(json!({}));
        merge(&bridge, &merged, &left);
        // The merged one alone is read.
        bridge.engine.look_again(bridge.pair_of(&merged).await.unwrap().id);
        bridge.run().await;
        let pair = bridge.pair_of(&merged).await.unwrap();
        assert!(pair.survivor.is_none() && pair.reason.is_some_and(|reason| reason.code() != "merged-into"));
        assert!(bridge.subject_of(&left).await.is_none(), "it has not shown yet");
        bridge.cross().await;
        let pair = bridge.pair_of(&merged).await.unwrap();
        assert!(pair.survivor.as_ref().is_some_and(|id| id.as_str() == left), "{pair:?}");
        bridge.finish().await;
    }

    async fn a_ticket_that_is_made_after_the_merge_meets_the_merged_incidents_own(product) {
        let bridge = Bridge::with(defender(product, "true")).await;
        let merged = bridge.raise(json!({}));
        bridge.cross().await;
        let one = bridge.ticket_of(&merged).await;
        let (app, olga) = operator(&bridge);
        let client = PauseScope::Client { id: bridge.pair_of(&merged).await.unwrap().client };
        pauses::pause(&app, &olga, client, "").await.unwrap();
        let left = bridge.raise(json!({}));
        bridge.cross().await;
        assert_eq!(bridge.pair_of(&left).await.unwrap().ticket, None);
        merge(&bridge, &merged, &left);
        bridge.pass(600).await;
        assert_eq!(bridge.reason_of(&merged).await, Some("merged-into"));
        pauses::resume(&app, &olga, client).await.unwrap();
        bridge.cross().await;
        let other = bridge.ticket_of(&left).await;
        assert_eq!(bridge.reason_of(&merged).await, Some("tickets-meet"));
        let said = |ticket: i64, text: &str| bridge.notes_with(ticket, text);
        assert_eq!(said(one, &format!("merge this ticket into ticket {other}")), 1);
        assert_eq!(said(other, &format!("merge ticket {one} into this one")), 1);
        bridge.finish().await;
    }

    async fn two_tickets_that_meet_name_each_other_and_stay_open(product) {
        let bridge = Bridge::with(defender(product, "true")).await;
        let merged = bridge.raise(json!({}));
        let left = bridge.raise(json!({}));
        bridge.comment(&merged, "said on the merged one");
        bridge.cross().await;
        let (one, other) = (bridge.ticket_of(&merged).await, bridge.ticket_of(&left).await);
        merge(&bridge, &merged, &left);
        bridge.pass(600).await;
        for ticket in [one, other] {
            assert_ne!(bridge.ticket(ticket)["status_name"], "Closed");
        }
        let said = |ticket: i64, text: &str| bridge.notes_with(ticket, text);
        assert_eq!(said(one, &format!("merge this ticket into ticket {other}")), 1);
        assert_eq!(said(other, &format!("merge ticket {one} into this one")), 1);
        assert_eq!(said(other, "said on the merged one"), 1, "its words reach the ticket that is left");
        assert_eq!(bridge.reason_of(&merged).await, Some("tickets-meet"));
        bridge.act("ticket.merge", json!({ "from": one, "into": other, "agent": AGENT }));
        bridge.pass(300).await;
        let pair = bridge.pair_of(&merged).await.unwrap();
        assert_eq!(pair.health.as_str(), "healthy", "{pair:?}");
        let writes = bridge.writes();
        bridge.pass(1_800).await;
        assert_eq!(bridge.writes(), writes, "and rests");
        bridge.finish().await;
    }

    async fn the_question_of_a_merge_can_be_answered_beside_a_write_that_was_given_up(product) {
        let bridge = Bridge::with(defender(product, "true")).await;
        let merged = bridge.raise(json!({}));
        let left = bridge.raise(json!({}));
        bridge.cross().await;
        bridge.fault(json!({ "effect": "status", "status": 400, "kind": "halo.actions.post" }));
        merge(&bridge, &merged, &left);
        bridge.pass(600).await;
        bridge.heal();
        let pair = bridge.pair_of(&merged).await.unwrap();
        assert_ne!(pair.reason.map(|reason| reason.code()), Some("tickets-meet"), "the note was given up");
        let (app, olga) = operator(&bridge);
        let view = pairs::view(&app, &olga, pair.id, "").await.unwrap();
        let mut answers = view.choices.iter().flat_map(|choice| &choice.answers);
        let answer = answers.find(|answer| answer.label == "Leave both tickets as they are").expect("it can be answered");
        decisions::decide(&app, &olga, pair.id, Some(answer.decision.clone())).await.unwrap();
        bridge.cross().await;
        let pair = bridge.pair_of(&merged).await.unwrap();
        let asks = pair.reason.iter().chain(&pair.further).any(|reason| reason.code() == "tickets-meet");
        assert!(!asks, "{pair:?}");
        bridge.finish().await;
    }

    async fn a_copy_that_was_refused_on_the_one_that_is_left_is_in_the_plan_of_trying_it_again(product) {
        let bridge = Bridge::with(defender(product, "true")).await;
        let merged = bridge.raise(json!({}));
        let left = bridge.raise(json!({}));
        bridge.comment(&merged, "said on the merged one");
        bridge.cross().await;
        bridge.fault(json!({ "effect": "status", "status": 400, "kind": "sentinel.comment.put" }));
        merge(&bridge, &merged, &left);
        bridge.pass(600).await;
        bridge.heal();
        let given_up = bridge.situation_of(&left).await.operations;
        let refused = given_up.iter().find(|o| matches!(o.state, OperationState::Dead { .. })).expect("it was refused");
        assert_eq!(refused.reason, Reason::Merged);
        let (app, olga) = operator(&bridge);
        let view = replays::one(&app, &olga, refused.id).await.unwrap();
        let said = |body: &Option<String>| body.as_ref().is_some_and(|body| body.contains("said on the merged one"));
        assert!(view.items[0].planned.iter().any(|planned| said(&planned.body)), "{:#?}", view.items);
        assert_eq!(view.items[0].remark, None);
        assert_eq!(replays::replay(&app, &olga, &[refused.id]).await, Ok(1));
        bridge.cross().await;
        let comments = bridge.comments_of(&left);
        assert_eq!(comments.iter().filter(|c| c.contains("said on the merged one")).count(), 1, "{comments:#?}");
        bridge.finish().await;
    }

    /// It gets no ticket of its own by itself; what it takes over in Defender goes on with it as with any other.
    async fn a_ticket_goes_on_with_an_incident_that_a_person_had_unlinked(product) {
        let bridge = Bridge::with(defender(product, "true")).await;
        let left = bridge.raise(json!({}));
        let merged = bridge.raise(json!({}));
        bridge.cross().await;
        let (before, ticket) = (bridge.ticket_of(&left).await, bridge.ticket_of(&merged).await);
        let (app, olga) = operator(&bridge);
        let pair = bridge.pair_of(&left).await.unwrap().id;
        links::unlink(&app, &olga, pair).await.unwrap();
        bridge.pass(600).await;
        assert!(bridge.pair_of(&left).await.is_none());
        merge(&bridge, &merged, &left);
        bridge.pass(600).await;
        assert_eq!(bridge.ticket_of(&left).await, ticket);
        assert_ne!(ticket, before, "it is not linked to the one that it was taken from");
        assert_eq!(bridge.tickets().len(), 2, "none is made");
        bridge.finish().await;
    }

    /// Its ticket came from the merged one, whose own pair stands beside it.
    async fn the_incident_that_is_left_stays_apart_from_the_ticket_that_a_person_unlinked_it_from(product) {
        let mut setup = defender(product, "true");
        setup.policy = "include = { title = [\"paired\"] }".into();
        let bridge = Bridge::with(setup).await;
        let merged = bridge.raise(json!({ "title": "paired" }));
        bridge.cross().await;
        let (ticket, left) = (bridge.ticket_of(&merged).await, bridge.raise(json!({})));
        bridge.cross().await;
        merge(&bridge, &merged, &left);
        bridge.pass(600).await;
        assert_eq!(bridge.ticket_of(&left).await, ticket);
        let (app, olga) = operator(&bridge);
        let pair = bridge.pair_of(&left).await.unwrap();
        links::unlink(&app, &olga, pair.id).await.unwrap();
        for said in ["the agent's words", "and more of them"] {
            bridge.note(ticket, &format!("<p>{said}</p>"), json!({}));
            bridge.pass(600).await;
            assert!(bridge.pair_of(&left).await.is_none(), "{said}");
            assert_eq!(bridge.reason_of(&left).await, Some("unlinked"), "{said}");
        }
        // Who asks for a ticket gets another one, and the two do not become one by themselves either.
        links::make_ticket(&app, &olga, pair.workspace, &pair.incident).await.unwrap();
        bridge.pass(600).await;
        assert_ne!(bridge.ticket_of(&left).await, ticket);
        assert_eq!(bridge.tickets().len(), 2);
        bridge.finish().await;
    }

    async fn a_candidate_that_is_gone_or_cannot_be_read_just_now_hides_no_survivor(product) {
        let mut setup = defender(product, "false");
        setup.policy = "include = { title = [\"paired\"] }".into();
        let bridge = Bridge::with(setup).await;
        let merged = bridge.raise(json!({ "title": "paired" }));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&merged).await;
        let left = bridge.raise(json!({}));
        let gone = bridge.raise(json!({}));
        bridge.cross().await;
        bridge.act("incident.delete", json!({ "incident": gone, "workspace": bridge.workspace_name(0) }));
        bridge.fault(json!({ "effect": "status", "status": 503, "kind": "sentinel.alerts.post", "count": 4 }));
        merge(&bridge, &merged, &left);
        bridge.pass(1_800).await;
        assert_eq!(bridge.ticket_of(&left).await, ticket);
        bridge.finish().await;
    }

    async fn a_person_names_the_survivor_where_nothing_tells_it(product) {
        let mut setup = defender(product, "false");
        setup.evidence = false;
        setup.policy = "include = { title = [\"paired\"] }".into();
        let bridge = Bridge::with(setup).await;
        let merged = bridge.raise(json!({ "title": "paired" }));
        let left = bridge.raise(json!({ "title": "The one that is left" }));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&merged).await;
        merge(&bridge, &merged, &left);
        bridge.pass(300).await;
        assert_eq!(bridge.reason_of(&merged).await, Some("survivor-unknown"));
        assert_ne!(bridge.ticket(ticket)["status_name"], "Closed");
        let (app, olga) = operator(&bridge);
        let pair = bridge.pair_of(&merged).await.unwrap().id;
        let view = pairs::view(&app, &olga, pair, "").await.unwrap();
        let answers = &view.choices[0].answers;
        let wanted = halobridge::domain::ids::IncidentId::new(&left);
        let answer = answers.iter().find(|a| a.decision == Decision::MergedInto { incident: wanted.clone() }).unwrap();
        decisions::decide(&app, &olga, pair, Some(answer.decision.clone())).await.unwrap();
        bridge.cross().await;
        assert_eq!(bridge.ticket_of(&left).await, ticket);
        bridge.finish().await;
    }
}
