//! Which incidents become tickets: filters and the storm brake, end to end.

use halobridge::{
    domain::{account::Scope, ids::IncidentId, run::RunCause},
    service::{acts, caller::Caller, error::ServiceError, incidents, links, problems},
};
use serde_json::json;

use super::{bridge::*, person::operator};

both! {
    async fn a_filtered_incident_gets_its_ticket_when_it_changes(product) {
        let policy = "include = { severity = [\"High\", \"Medium\"] }\nexclude = { title = [\"*test*\"] }";
        let bridge = Bridge::with(Setup { policy: policy.into(), ..Setup::new(product) }).await;
        let low = bridge.raise(json!({ "severity": "Low", "title": "Rising" }));
        let test = bridge.raise(json!({ "severity": "High", "title": "A test of the rule" }));
        let high = bridge.raise(json!({ "severity": "High", "title": "Real" }));
        bridge.cross().await;
        bridge.ticket_of(&high).await;
        assert_eq!(bridge.tickets().len(), 1);
        for held in [&low, &test] {
            assert_eq!(bridge.reason_of(held).await, Some("filtered"));
        }
        let why = bridge.subject_of(&low).await.unwrap().held.unwrap();
        assert_eq!(why.words(), "Not linked: the policy's “Only: severity” saw “Low”, and it lets pass “High” or “Medium”.");
        // Whatever changes, it is asked again.
        bridge.update(&low, json!({ "severity": "Medium" }));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&low).await;
        // And a linked one stays linked.
        bridge.update(&low, json!({ "severity": "Low" }));
        bridge.cross().await;
        assert!(bridge.ticket(ticket)["priority_name"].as_str().unwrap().ends_with("Low"));
        assert_eq!(bridge.reason_of(&low).await, None);
        bridge.finish().await;
    }

    /// A ticket type that asks agents for an impact holds no incident back.
    async fn mandatory_fields_of_the_ticket_type_hold_no_incident_back(product) {
        let bridge = Bridge::new(product).await;
        bridge.switch("mandatory_fields", "impact");
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&incident).await;
        assert_eq!(bridge.tickets().len(), 1);
        let told = bridge.situation_of(&incident).await.ticket.unwrap();
        assert_eq!(told.id.0, ticket);
        bridge.pass(600).await;
        assert_eq!(bridge.calls("halo.tickets.post"), 2, "refused once, made once");
        bridge.finish().await;
    }

    /// Who set the ticket type up wrote what it says when a field is missing.
    async fn mandatory_fields_hold_no_incident_back_in_whatever_words(product) {
        for words in ["Please complete the following fields: {}", "{} must be filled in", "Bitte {} ausfüllen"] {
            let bridge = Bridge::new(product).await;
            bridge.switch("mandatory_fields", "impact");
            bridge.switch("mandatory_text", words);
            let incident = bridge.raise(json!({}));
            bridge.cross().await;
            bridge.ticket_of(&incident).await;
            assert_eq!(bridge.calls("halo.tickets.post"), 2, "{words}: refused once, made once");
            bridge.finish().await;
        }
    }

    /// An error in the place of the new ticket, with a status that says that all went well.
    async fn a_ticket_refused_with_a_good_status_is_looked_for_and_then_given_up(product) {
        let bridge = Bridge::new(product).await;
        bridge.switch("refused_with_200", "on");
        bridge.switch("writes_refused", "Ticket could not be created");
        let incident = bridge.raise(json!({}));
        bridge.pass(60).await;
        let waits = bridge.situation_of(&incident).await;
        let told = waits.operations.first().and_then(|o| o.last_failure.clone()).expect("it says what came");
        assert!(told.message.contains("Ticket could not be created"), "{told}");
        bridge.pass(600).await;
        let reason = bridge.pair_of(&incident).await.unwrap().reason.expect("it says why");
        assert_eq!(reason.code(), "refused");
        assert!(reason.words().contains("Ticket could not be created"), "{}", reason.words());
        assert_eq!(bridge.calls("halo.tickets.post"), 1, "looked for, and not sent again");
        let (app, olga) = operator(&bridge);
        assert_eq!(problems::view(&app, &olga).await.unwrap().pairs, 1);
        // One that was made all the same is found.
        bridge.switch("writes_refused", "");
        bridge.mutate(|request, body| {
            if request.method() == "POST" && request.uri().path().ends_with("/Tickets") {
                *body = json!({ "error": "Ticket could not be created" });
            }
        });
        let made = bridge.raise(json!({}));
        bridge.pass(600).await;
        bridge.mutate_no_more();
        bridge.ticket_of(&made).await;
        assert_eq!((bridge.tickets().len(), bridge.calls("halo.tickets.post")), (1, 2));
        bridge.finish().await;
    }

    async fn a_ticket_refused_with_a_good_status_in_mere_words_is_given_up_too(product) {
        let says = "Ticket could not be created";
        for body in [json!({ "Message": says }), json!({ "[0].id": [says] }), json!(says)] {
            let bridge = Bridge::new(product).await;
            bridge.switch("refused_with_200", "on");
            bridge.switch("writes_refused", says);
            let shape = body.clone();
            bridge.mutate(move |request, answer| {
                if request.method() == "POST" && request.uri().path().ends_with("/Tickets") {
                    *answer = shape.clone();
                }
            });
            let incident = bridge.raise(json!({}));
            bridge.pass(660).await;
            let reason = bridge.pair_of(&incident).await.unwrap().reason.expect("it says why");
            assert_eq!(reason.code(), "refused", "{body}");
            assert!(reason.words().contains(says), "{body}: {}", reason.words());
            assert_eq!(bridge.calls("halo.tickets.post"), 1, "{body}: looked for, and not sent again");
            bridge.finish().await;
        }
    }

    async fn a_loosened_filter_lets_in_what_was_held(product) {
        let setup = Setup { policy: "include = { label = [\"vip\"] }".into(), ..Setup::new(product) };
        let mut bridge = Bridge::with(setup).await;
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        assert_eq!(bridge.reason_of(&incident).await, Some("filtered"));
        bridge.setup.policy = String::new();
        bridge.apply().await;
        bridge.cross().await;
        bridge.ticket_of(&incident).await;
        bridge.finish().await;
    }

    async fn the_storm_brake_holds_and_a_person_releases_once_in_order(product) {
        let bridge = Bridge::with(Setup { policy: "tickets_per_hour = 5".into(), ..Setup::new(product) }).await;
        let mut flood = Vec::new();
        for n in 0..12 {
            flood.push(bridge.raise(json!({ "title": format!("flood {n:02}") })));
            bridge.clock.advance(jiff::SignedDuration::from_secs(1));
        }
        let calm = bridge.raise_in(1, json!({}));
        bridge.cross().await;
        bridge.ticket_of(&calm).await;
        assert_eq!(bridge.tickets().len(), 6, "five of the flood, and the other workspace's");
        let mut held = 0;
        for incident in &flood {
            held += usize::from(bridge.reason_of(incident).await == Some("storm-held"));
        }
        assert_eq!(held, 7);
        let (app, olga) = operator(&bridge);
        let workspace = bridge.workspace(0).await.id;
        // Its page names the brake as the gate that stops it, and the way on.
        let (_, gates, _) = incidents::one(&app, &olga, workspace, &IncidentId::new(&flood[11])).await.unwrap();
        let stops: Vec<_> = gates.iter().filter(|gate| !gate.passes).collect();
        assert_eq!((stops.len(), stops[0].name.as_str()), (1, "Storm brake"), "{gates:?}");
        assert!(stops[0].rule.starts_with("at most 5 ") && stops[0].remedy.as_ref().unwrap().contains("Release"));
        let view = problems::view(&app, &olga).await.unwrap();
        assert_eq!((view.storms.len(), view.storms[0].held, view.storms[0].cap), (1, 7, Some(5)), "one notice");

        assert_eq!(acts::release_storm(&app, &olga, workspace).await.unwrap(), 7);
        bridge.cross().await;
        assert_eq!(bridge.tickets().len(), 13);
        let mut tickets = Vec::new();
        for incident in &flood {
            tickets.push(bridge.ticket_of(incident).await);
        }
        assert!(tickets.is_sorted(), "oldest first: {tickets:?}");
        // Released once: the brake holds the next one.
        let next = bridge.raise(json!({}));
        bridge.cross().await;
        assert_eq!(bridge.reason_of(&next).await, Some("storm-held"));
        // An hour later there is room again for what changes; what stays as it is waits for a person.
        bridge.pass_by(3_700, 300).await;
        assert_eq!(bridge.reason_of(&next).await, Some("storm-held"));
        bridge.update(&next, json!({ "severity": "High" }));
        bridge.cross().await;
        bridge.ticket_of(&next).await;
        assert_eq!(problems::view(&app, &olga).await.unwrap().storms.len(), 0);
        bridge.finish().await;
    }

    async fn what_is_held_goes_with_its_workspace_to_another_client(product) {
        let bridge = Bridge::with(Setup { policy: "tickets_per_hour = 1".into(), ..Setup::new(product) }).await;
        for _ in 0..3 {
            bridge.raise(json!({}));
        }
        bridge.cross().await;
        let workspace = bridge.workspace(0).await;
        let installation = bridge.store.installation().await.unwrap();
        let other = installation.clients.iter().find(|one| one.id != workspace.client).unwrap().id;
        bridge.give(&workspace, other).await;
        bridge.pass(300).await;
        let (app, olga) = operator(&bridge);
        let limited = |client| Caller { scope: Scope::Clients(vec![client]), ..olga.clone() };
        let (theirs, former) = (limited(other), limited(workspace.client));
        let held = async |caller: &Caller| {
            let total = incidents::view(&app, caller, Default::default()).await.unwrap().total;
            (total, problems::view(&app, caller).await.unwrap().storms.len())
        };
        assert_eq!((held(&theirs).await, held(&former).await), ((2, 1), (0, 0)));
        let listed = bridge.store.held_for(workspace.id, "storm-held", 10).await.unwrap();
        let refused = links::make_ticket(&app, &former, workspace.id, &listed[0]).await;
        assert_eq!(refused, Err(ServiceError::NotFound));
        links::make_ticket(&app, &theirs, workspace.id, &listed[0]).await.unwrap();
        bridge.cross().await;
        assert_eq!(bridge.pair_of(listed[0].as_str()).await.unwrap().client, other);
        bridge.finish().await;
    }

    async fn two_readings_at_once_do_not_pass_the_brake(product) {
        let bridge = Bridge::with(Setup { policy: "tickets_per_hour = 1".into(), ..Setup::new(product) }).await;
        bridge.pass(60).await;
        let listed_first = bridge.raise(json!({}));
        bridge.clock.advance(jiff::SignedDuration::from_secs(1));
        let named = bridge.raise(json!({}));
        // A webhook's reading and a list's begin together; each meets the other one's newcomer while it reads beside.
        let body = json!({ "eventUniqueId": "e", "objectEventType": "Create", "object": bridge.incident(&named) });
        bridge.receive(bridge.sentinel_source(0).await, body.to_string().as_bytes()).await;
        bridge.engine.poke_workspace(bridge.workspace(0).await.id, RunCause::Person);
        bridge.run_side_by_side().await;
        let held = [&listed_first, &named].map(|incident| bridge.reason_of(incident));
        let held = futures::future::join_all(held).await;
        assert_eq!(held.iter().filter(|reason| **reason == Some("storm-held")).count(), 1, "{held:?}");
        assert_eq!(bridge.tickets().len(), 1);
        bridge.finish().await;
    }

    async fn a_release_survives_the_end_of_the_process(product) {
        let setup = Setup { policy: "tickets_per_hour = 1".into(), on_disk: true, ..Setup::new(product) };
        let mut bridge = Bridge::with(setup).await;
        let incidents: Vec<String> = (0..3).map(|_| bridge.raise(json!({}))).collect();
        bridge.cross().await;
        let (app, olga) = operator(&bridge);
        acts::release_storm(&app, &olga, bridge.workspace(0).await.id).await.unwrap();
        drop(app);
        bridge.restart_cold().await;
        bridge.cross().await;
        for incident in &incidents {
            bridge.ticket_of(incident).await;
        }
        bridge.finish().await;
    }
    /// An answer that holds more than the ticket that was asked for: another's, with the same subject, is not taken.
    async fn of_several_tickets_in_an_answer_the_one_with_our_reference_is_taken(product) {
        let (bridge, _, first) = Bridge::linked(Setup::new(product)).await;
        let other = bridge.ticket(first);
        bridge.mutate(move |request, body| {
            let makes = request.method() == "POST" && request.uri().path().ends_with("/Tickets");
            if makes && body.is_object() {
                let mut other = other.clone();
                other["summary"] = body["summary"].clone();
                *body = json!([other, body.clone()]);
            }
        });
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        bridge.mutate_no_more();
        assert_ne!(bridge.ticket_of(&incident).await, first);
        bridge.cross().await;
        bridge.finish().await;
    }
}
