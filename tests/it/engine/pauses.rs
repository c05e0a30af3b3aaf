//! Pausing: what is planned waits, and is carried out in its order and once when it is resumed.

use halobridge::{
    clock::Clock as _,
    config::Applied,
    domain::{
        account::Scope,
        failure::Side,
        ids::ConnectionId,
        operation::OperationState,
        pause::{Pause, PauseScope},
    },
    service::{caller::Caller, configuration, connections, dashboard, error::ServiceError, pairs, pauses, problems},
};
use serde_json::{Value, json};

use super::{bridge::*, person::operator};

impl Bridge {
    async fn pause(&self, scope: PauseScope) {
        let (app, olga) = operator(self);
        pauses::pause(&app, &olga, scope, "Maintenance until noon").await.unwrap();
    }

    async fn resume(&self, scope: PauseScope) {
        let (app, olga) = operator(self);
        pauses::resume(&app, &olga, scope).await.unwrap();
    }

    async fn paused(&self) -> Vec<Pause> {
        self.store.pauses().await.unwrap()
    }

    /// Every scope that holds the pair of an incident.
    async fn scopes(&self, incident: &str) -> [PauseScope; 4] {
        let pair = self.pair_of(incident).await.unwrap();
        let microsoft = self.workspace(0).await.connection;
        [
            PauseScope::Pair { id: pair.id },
            PauseScope::Client { id: pair.client },
            PauseScope::Connection { id: pair.halo },
            PauseScope::Connection { id: microsoft },
        ]
    }

    /// Applies a configuration.
    pub async fn take(&self, wanted: &Applied) {
        let (app, _) = self.admin();
        configuration::apply(&self.store, wanted, true, self.clock.now(), &*app.ids).await.unwrap();
        self.run().await;
    }

    async fn halo(&self) -> ConnectionId {
        self.store.installation().await.unwrap().halo[0].id
    }

    /// Raises more incidents than one page of tickets that are read by number holds; gives them with their tickets in the
    /// order in which they are read.
    async fn two_pages(&self) -> Vec<(String, i64)> {
        let incidents: Vec<String> = (0..106).map(|_| self.raise(json!({}))).collect();
        // The budget lets sixty through at once, and one a second from there on.
        self.pass_by(600, 10).await;
        let mut linked = Vec::new();
        for incident in incidents {
            let pair = self.pair_of(&incident).await.unwrap();
            linked.push((pair.id, incident, pair.ticket.expect("it has a ticket").0));
        }
        linked.sort();
        linked.into_iter().map(|(_, incident, ticket)| (incident, ticket)).collect()
    }

    /// These tickets show neither in a list nor by their numbers.
    fn hide(&self, hidden: Vec<i64>) {
        self.mutate(move |request, body| {
            if request.method() != "GET" {
                return;
            }
            if let Some((_, id)) = request.uri().path().rsplit_once("/Tickets/") {
                if hidden.iter().any(|ticket| ticket.to_string() == id) {
                    *body = Value::Null;
                }
            } else if let Some(rows) = body.get_mut("tickets").and_then(Value::as_array_mut) {
                rows.retain(|row| hidden.iter().all(|ticket| row["id"] != *ticket));
                let shown = rows.len();
                body["record_count"] = json!(shown);
            }
        });
    }

    /// Whose tickets are taken for deleted.
    async fn gone(&self, linked: &[(String, i64)]) -> Vec<i64> {
        let mut gone = Vec::new();
        for (incident, ticket) in linked {
            if self.pair_of(incident).await.unwrap().gone == Some(Side::Halo) {
                gone.push(*ticket);
            }
        }
        gone
    }
}

both! {
    async fn what_waits_while_paused_is_carried_out_in_order_and_once(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup { notes: "all", ..Setup::new(product) }).await;
        let severities = ["Low", "High", "Low", "High"];
        for (turn, scope) in bridge.scopes(&incident).await.into_iter().enumerate() {
            bridge.pause(scope).await;
            let writes = bridge.writes();
            let said = |n: usize| format!("word {turn}-{n}");
            for n in 0..3 {
                bridge.comment(&incident, &said(n));
                bridge.advance(30).await;
            }
            bridge.note(ticket, &format!("<p>answer {turn}</p>"), json!({}));
            bridge.update(&incident, json!({ "severity": severities[turn] }));
            bridge.pass(900).await;
            assert_eq!(bridge.writes(), writes, "{scope:?}: nothing is written");
            let queue = bridge.situation_of(&incident).await.operations;
            assert!(queue.len() >= 5, "{scope:?}: what both sides say is planned all the same: {queue:#?}");
            bridge.resume(scope).await;
            bridge.cross().await;
            let notes: Vec<String> = bridge.notes_of(ticket).iter().map(words).collect();
            let at: Vec<usize> = (0..3)
                .map(|n| {
                    let found: Vec<usize> = (0..notes.len()).filter(|at| notes[*at].contains(&said(n))).collect();
                    assert_eq!(found.len(), 1, "{scope:?} {n}: {notes:#?}");
                    found[0]
                })
                .collect();
            assert!(at.is_sorted(), "{scope:?}: {at:?}");
            let answers = bridge.comments_of(&incident).iter().filter(|c| c.contains(&format!("answer {turn}"))).count();
            assert_eq!(answers, 1, "{scope:?}");
            let priority = bridge.ticket(ticket)["priority_name"].clone();
            assert!(priority.as_str().unwrap().ends_with(severities[turn]), "{scope:?}: {priority}");
            assert!(bridge.situation_of(&incident).await.operations.is_empty(), "{scope:?}");
        }
        bridge.finish().await;
    }

    async fn a_new_incident_of_a_paused_client_gets_one_ticket_when_it_is_resumed(product) {
        let mut bridge = Bridge::new(product).await;
        let first = bridge.raise(json!({}));
        let other = bridge.raise_in(1, json!({}));
        bridge.cross().await;
        let client = PauseScope::Client { id: bridge.pair_of(&first).await.unwrap().client };
        bridge.pause(client).await;
        let waiting: Vec<String> = (0..3).map(|_| bridge.raise(json!({}))).collect();
        bridge.comment(&other, "other clients go on");
        bridge.pass(600).await;
        assert_eq!(bridge.tickets().len(), 2);
        let seen = bridge.notes_of(bridge.ticket_of(&other).await);
        assert!(seen.iter().any(|note| words(note).contains("other clients go on")));
        // A start does not forget it, nor does a hurried pair go past it.
        bridge.restart().await;
        let (app, olga) = operator(&bridge);
        let pair = bridge.pair_of(&waiting[0]).await.unwrap().id;
        halobridge::service::acts::sync_now(&app, &olga, pair).await.unwrap();
        bridge.pass(600).await;
        assert_eq!(bridge.tickets().len(), 2);
        bridge.resume(client).await;
        bridge.run().await;
        let mut tickets = Vec::new();
        for incident in &waiting {
            tickets.push(bridge.ticket_of(incident).await);
        }
        assert!(tickets.is_sorted(), "in the order of the incidents: {tickets:?}");
        assert_eq!(bridge.tickets().len(), 5);
        bridge.finish().await;
    }

    /// None is made at the former place any more: what is paused there does not hold it.
    async fn an_incident_without_a_ticket_leaves_a_paused_client_with_its_workspace(product) {
        let bridge = Bridge::new(product).await;
        bridge.cross().await;
        let (first, second) = (bridge.workspace(0).await, bridge.workspace(1).await);
        bridge.pause(PauseScope::Client { id: first.client }).await;
        let incident = bridge.raise(json!({}));
        bridge.pass(60).await;
        assert_eq!(bridge.pair_of(&incident).await.unwrap().client, first.client);
        assert_eq!(bridge.tickets().len(), 0);
        bridge.give(&first, second.client).await;
        bridge.pass(900).await;
        let ticket = bridge.ticket_of(&incident).await;
        let pair = bridge.pair_of(&incident).await.unwrap();
        assert_eq!((pair.client, bridge.tickets().len()), (second.client, 1));
        assert_eq!(bridge.ticket(ticket)["client_id"], pair.halo_client_id);
        assert_eq!(pair.halo_client_id, product.first_client_id() + 1);
        assert_eq!(bridge.paused().await.len(), 1, "the first client's others wait on");
        bridge.finish().await;
    }

    /// What waited for the end of a pause has not been tried yet: the first hiccup is no reason to give it up.
    async fn after_a_long_pause_what_waited_is_tried_as_long_as_anything(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        let client = PauseScope::Client { id: bridge.pair_of(&incident).await.unwrap().client };
        bridge.pause(client).await;
        bridge.comment(&incident, "said in the pause");
        let fresh = bridge.raise(json!({}));
        bridge.pass_by(40 * 3_600, 300).await;
        for kind in ["halo.actions.post", "halo.tickets.post"] {
            bridge.fault(json!({ "effect": "status", "status": 503, "kind": kind, "count": 1 }));
        }
        bridge.resume(client).await;
        bridge.pass(600).await;
        let said = bridge.notes_of(ticket).iter().filter(|note| words(note).contains("said in the pause")).count();
        assert_eq!(said, 1);
        bridge.ticket_of(&fresh).await;
        for incident in [&incident, &fresh] {
            let left = bridge.situation_of(incident).await.operations;
            assert!(left.is_empty(), "no dead letter: {left:#?}");
        }
        bridge.finish().await;
    }

    /// Nor is one failed look before it and one after it a reason to look no more.
    async fn a_look_that_fails_once_after_a_long_pause_gives_nothing_up(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        let note = bridge.unanswered_note(&incident).await;
        bridge.withhold(&[ticket], 500);
        let failed = async || {
            let row = bridge.situation_of(&incident).await;
            let found = row.operations.iter().find(|operation| operation.id == note.id).cloned();
            match found.expect("it is looked for").state {
                OperationState::OutcomeUnknown { failed, .. } => failed,
                other => panic!("{other:?}"),
            }
        };
        for _ in 0..60 {
            if failed().await == 0 {
                bridge.advance(1).await;
            }
        }
        assert_eq!(failed().await, 1);
        let pair = PauseScope::Pair { id: note.pair };
        bridge.pause(pair).await;
        bridge.pass_by(40 * 3_600, 300).await;
        assert_eq!(failed().await, 1);
        bridge.resume(pair).await;
        for _ in 0..60 {
            if failed().await == 1 {
                bridge.advance(1).await;
            }
        }
        assert_eq!(failed().await, 2, "it is looked for once more, and goes on being looked for");
        bridge.withhold(&[], 500);
        bridge.pass(2_400).await;
        let left = bridge.situation_of(&incident).await.operations;
        assert!(left.is_empty(), "{left:#?}");
        let notes = bridge.notes_of(ticket).iter().filter(|note| words(note).contains("into the dark")).count();
        assert_eq!(notes, 1);
        bridge.finish().await;
    }

    async fn every_page_says_who_paused_what_and_why(product) {
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        let (app, olga) = operator(&bridge);
        let [own, client, halo, _] = bridge.scopes(&incident).await;
        for scope in [halo, client, own] {
            bridge.pause(scope).await;
        }
        let pair = bridge.pair_of(&incident).await.unwrap();
        let view = pairs::view(&app, &olga, pair.id, "").await.unwrap();
        let told: Vec<PauseScope> = view.pauses.iter().map(|pause| pause.scope).collect();
        assert_eq!(told, [own, client, halo]);
        assert_eq!(view.pauses[0].why.as_deref(), Some("Maintenance until noon"));
        let dash = dashboard::view(&app, &olga, Default::default()).await.unwrap();
        assert_eq!(dash.pauses.len(), 2, "clients and connections");
        assert!(dash.rows.unwrap().rows.iter().any(|row| row.id == pair.id && row.paused));
        let addresses = connections::Addresses { public: String::new(), redirect_uri: String::new() };
        let (seen, _) = connections::view(&app, &olga, &addresses).await.unwrap();
        assert_eq!((seen.halo[0].pauses.len(), seen.workspaces.iter().filter(|w| !w.pauses.is_empty()).count()), (1, 1));
        // One who sees another client only hears that the instance is paused, not why, and may not resume it.
        let elsewhere = bridge.workspace(1).await.client;
        let vic = Caller { scope: Scope::Clients(vec![elsewhere]), ..olga.clone() };
        let dash = dashboard::view(&app, &vic, Default::default()).await.unwrap();
        assert_eq!(dash.pauses.len(), 1);
        assert!(dash.pauses[0].why.is_none() && !dash.pauses[0].may_resume);
        assert_eq!(pauses::resume(&app, &vic, halo).await, Err(ServiceError::Forbidden));
        // Twice is told, and so is a reason that is too long.
        assert_eq!(pauses::pause(&app, &olga, own, "").await, Err(ServiceError::Conflict));
        bridge.resume(own).await;
        assert_eq!(pauses::resume(&app, &olga, own).await, Err(ServiceError::Conflict));
        let long = "x".repeat(301);
        assert!(matches!(pauses::pause(&app, &olga, own, &long).await, Err(ServiceError::Invalid(_))));
        bridge.finish().await;
    }

    async fn a_refused_sign_in_pauses_the_connection_until_it_can_be_read_again(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        for (kind, scope) in [("halo.*", bridge.scopes(&incident).await[2]), ("sentinel.*", bridge.scopes(&incident).await[3])] {
            let side = kind.split('.').next().unwrap();
            bridge.comment(&incident, &format!("before {side}"));
            bridge.note(ticket, &format!("<p>note before {side}</p>"), json!({}));
            bridge.fault(json!({ "effect": "status", "status": 401, "kind": kind }));
            bridge.pass(1_200).await;
            let paused = bridge.paused().await;
            assert_eq!(paused.iter().map(|pause| pause.scope).collect::<Vec<_>>(), [scope], "{kind}");
            assert!(paused[0].automatic());
            let (app, olga) = operator(&bridge);
            let seen = problems::view(&app, &olga).await.unwrap();
            assert_eq!(seen.pauses.len(), 1, "{kind}");
            assert!(seen.pauses[0].ends.contains("by itself"), "{:?}", seen.pauses);
            bridge.heal();
            bridge.pass(600).await;
            assert!(bridge.paused().await.is_empty(), "{kind}: it ends by itself");
            let notes: Vec<String> = bridge.notes_of(ticket).iter().map(words).collect();
            assert_eq!(notes.iter().filter(|n| n.contains(&format!("before {side}"))).count(), 1 + 1, "{notes:#?}");
            let row = bridge.situation_of(&incident).await;
            assert!(row.operations.is_empty(), "{kind}: {:#?}", row.operations);
        }
        bridge.finish().await;
    }

    /// A right that is missing on one incident says nothing of the others; one that a second incident lacks too does.
    async fn what_one_incident_refuses_pauses_no_client(product) {
        let bridge = Bridge::new(product).await;
        let (one, two) = (bridge.raise(json!({})), bridge.raise(json!({})));
        bridge.cross().await;
        let path = format!("*/incidents/{one}/comments*");
        bridge.fault(json!({ "effect": "status", "status": 403, "method": "GET", "path": path }));
        bridge.comment(&one, "nobody may read this");
        bridge.pass(600).await;
        assert!(bridge.paused().await.is_empty());
        assert_eq!(bridge.reason_of(&one).await, Some("comments-unread"));
        bridge.comment(&two, "anybody may read this");
        bridge.cross().await;
        let notes = bridge.notes_of(bridge.ticket_of(&two).await);
        assert!(notes.iter().any(|note| words(note).contains("anybody may read this")), "{notes:#?}");
        bridge.fault(json!({ "effect": "status", "status": 403, "kind": "sentinel.comment.list" }));
        bridge.comment(&one, "nor this");
        bridge.comment(&two, "nor this");
        bridge.pass(600).await;
        let client = PauseScope::Client { id: bridge.pair_of(&one).await.unwrap().client };
        let scopes: Vec<PauseScope> = bridge.paused().await.iter().map(|pause| pause.scope).collect();
        assert_eq!(scopes, [client]);
        bridge.heal();
        bridge.pass_by(3_900, 60).await;
        assert!(bridge.paused().await.is_empty(), "it ends by itself");
        bridge.finish().await;
    }

    async fn a_sign_in_that_one_workspace_refuses_pauses_its_client_alone(product) {
        let bridge = Bridge::new(product).await;
        let (here, there) = (bridge.raise_in(0, json!({})), bridge.raise_in(1, json!({})));
        bridge.cross().await;
        let path = format!("*/workspaces/{}/*", bridge.workspace_name(0));
        bridge.fault(json!({ "effect": "status", "status": 401, "path": path }));
        bridge.pass(600).await;
        let client = PauseScope::Client { id: bridge.pair_of(&here).await.unwrap().client };
        let scopes: Vec<PauseScope> = bridge.paused().await.iter().map(|pause| pause.scope).collect();
        assert_eq!(scopes, [client]);
        let ticket = bridge.ticket_of(&there).await;
        bridge.note(ticket, "<p>said meanwhile</p>", json!({}));
        bridge.cross().await;
        assert!(bridge.comments_of(&there).iter().any(|said| said.contains("said meanwhile")), "nothing holds the others up");
        bridge.heal();
        bridge.pass(600).await;
        assert!(bridge.paused().await.is_empty(), "it ends by itself");
        bridge.finish().await;
    }

    async fn a_missing_right_pauses_the_client_and_one_click_goes_on(product) {
        let bridge = Bridge::new(product).await;
        bridge.fault(json!({ "effect": "status", "status": 403, "kind": "halo.tickets.post" }));
        let incidents: Vec<String> = (0..4).map(|_| bridge.raise(json!({}))).collect();
        bridge.pass(1_800).await;
        let client = PauseScope::Client { id: bridge.pair_of(&incidents[0]).await.unwrap().client };
        let paused = bridge.paused().await;
        assert_eq!(paused.iter().map(|pause| pause.scope).collect::<Vec<_>>(), [client]);
        let mut dead = 0;
        for incident in &incidents {
            let row = bridge.situation_of(incident).await;
            dead += row.operations.iter().filter(|o| matches!(o.state, OperationState::Dead { .. })).count();
        }
        assert_eq!(dead, 1, "only the first becomes a dead letter");
        // Resumed without effect it is paused again, and no further one dies.
        bridge.resume(client).await;
        bridge.pass(600).await;
        assert_eq!(bridge.paused().await.len(), 1);
        bridge.heal();
        bridge.resume(client).await;
        bridge.pass(600).await;
        assert!(bridge.paused().await.is_empty());
        assert_eq!(bridge.tickets().len(), 3, "and the dead letter waits for a person");
        bridge.finish().await;
    }

    /// Two closed tickets that take no note say nothing of the client's others.
    async fn closed_tickets_that_refuse_notes_do_not_pause_their_client(product) {
        let bridge = Bridge::with(Setup { notes: "all", ..Setup::new(product) }).await;
        let closed: Vec<String> = (0..3).map(|_| bridge.raise(json!({}))).collect();
        bridge.cross().await;
        for incident in &closed {
            bridge.close_incident(incident, json!({}));
        }
        bridge.cross().await;
        bridge.fault(json!({ "effect": "status", "status": 403, "kind": "halo.actions.post" }));
        for incident in &closed {
            bridge.comment(incident, "one word more");
        }
        bridge.pass(1_800).await;
        for incident in &closed {
            assert_eq!(bridge.reason_of(incident).await, Some("refused"), "the pair says so");
        }
        assert!(bridge.paused().await.is_empty());
        let fresh = bridge.raise(json!({}));
        bridge.cross().await;
        bridge.ticket_of(&fresh).await;
        bridge.finish().await;
    }

    async fn a_right_that_is_given_again_is_found_out_without_a_click(product) {
        let bridge = Bridge::new(product).await;
        bridge.fault(json!({ "effect": "status", "status": 403, "kind": "halo.tickets.post" }));
        let incidents: Vec<String> = (0..3).map(|_| bridge.raise(json!({}))).collect();
        bridge.pass(3_600).await;
        let client = PauseScope::Client { id: bridge.pair_of(&incidents[0]).await.unwrap().client };
        assert_eq!(bridge.paused().await.iter().map(|pause| pause.scope).collect::<Vec<_>>(), [client]);
        let (app, olga) = operator(&bridge);
        let seen = problems::view(&app, &olga).await.unwrap();
        assert!(seen.pauses[0].ends.contains("by itself"), "{:?}", seen.pauses);
        let tries = bridge.calls("halo.tickets.post");
        assert!(tries < 25, "{tries} tries in an hour");
        bridge.heal();
        bridge.pass(1_200).await;
        assert!(bridge.paused().await.is_empty());
        assert_eq!(bridge.tickets().len(), 2, "the first one's dead letter waits for a person, and no other");
        bridge.finish().await;
    }

    /// A process ended while a write of a pair was on its way, and the pair is paused when the next one begins: after the pause
    /// it goes on, though nothing of it counted as ready meanwhile.
    async fn what_was_being_sent_when_a_process_ended_is_settled_after_a_pause(product) {
        let mut left = 0;
        for after in 0..12 {
            let (mut bridge, incident, ticket) = Bridge::linked(Setup { settle_secs: 20, ..Setup::new(product) }).await;
            let own = bridge.scopes(&incident).await[0];
            bridge.comment(&incident, "on its way");
            bridge.clock.advance(jiff::SignedDuration::from_secs(31));
            bridge.run_and_die(Hang { after, carried_out: after % 2 == 0 }).await;
            if bridge.store.sending_operations(10).await.unwrap().is_empty() {
                bridge.finish().await;
                continue;
            }
            left += 1;
            bridge.pause(own).await;
            bridge.restart_cold().await;
            bridge.pass(120).await;
            bridge.resume(own).await;
            bridge.pass(240).await;
            assert!(bridge.situation_of(&incident).await.operations.is_empty(), "{after}");
            let notes = bridge.notes_of(ticket);
            assert_eq!(notes.iter().filter(|note| words(note).contains("on its way")).count(), 1, "{after}");
            bridge.finish().await;
        }
        assert!(left > 0, "some were being sent");
    }

    /// Reading goes on, so no reading tells when it is over: a write that was on its way with a secret that was just replaced,
    /// or an account whose writes alone are refused.
    async fn a_sign_in_that_only_writes_were_refused_is_tried_again_without_a_click(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        let scopes = bridge.scopes(&incident).await;
        for (kind, scope) in [("halo.actions.post", scopes[2]), ("sentinel.comment.put", scopes[3])] {
            bridge.fault(json!({ "effect": "status", "status": 401, "kind": kind }));
            bridge.comment(&incident, "for the ticket");
            bridge.note(ticket, "<p>for the incident</p>", json!({}));
            bridge.pass(3_600).await;
            assert_eq!(bridge.paused().await.iter().map(|pause| pause.scope).collect::<Vec<_>>(), [scope], "{kind}");
            let (app, olga) = operator(&bridge);
            let seen = problems::view(&app, &olga).await.unwrap();
            assert!(seen.pauses[0].ends.contains("tried again by itself"), "{:?}", seen.pauses);
            let tries = bridge.calls(kind);
            assert!(tries < 25, "{tries} tries in an hour");
            bridge.heal();
            bridge.pass(1_200).await;
            assert!(bridge.paused().await.is_empty(), "{kind}: it ends by itself");
            assert!(bridge.situation_of(&incident).await.operations.is_empty(), "{kind}");
        }
        bridge.finish().await;
    }

    /// Nearly all at once are out of sight rather than deleted; a person may say that they were.
    async fn tickets_that_vanish_all_at_once_pause_their_connection(product) {
        let bridge = Bridge::new(product).await;
        let incidents: Vec<String> = (0..6).map(|_| bridge.raise(json!({}))).collect();
        bridge.cross().await;
        bridge.pass(700).await;
        let halo = PauseScope::Connection { id: bridge.halo().await };
        for deleted in [false, true] {
            bridge.hide_tickets();
            bridge.pass(700).await;
            let paused = bridge.paused().await;
            assert_eq!(paused.iter().map(|pause| pause.scope).collect::<Vec<_>>(), [halo]);
            for incident in &incidents {
                assert_eq!(bridge.pair_of(incident).await.unwrap().gone, None);
                assert_eq!(bridge.reason_of(incident).await, None);
            }
            let (app, olga) = operator(&bridge);
            let seen = problems::view(&app, &olga).await.unwrap();
            let why = seen.pauses[0].why.clone().unwrap();
            assert!(why.contains("Of 6 open tickets") && why.contains("lost its access"), "{why}");
            if deleted {
                bridge.resume(halo).await;
            } else {
                bridge.mutate_no_more();
            }
            bridge.pass(400).await;
            assert!(bridge.paused().await.is_empty());
        }
        for incident in &incidents {
            assert_eq!(bridge.pair_of(incident).await.unwrap().gone, Some(Side::Halo));
        }
        bridge.finish().await;
    }

    /// The last page of a reading by number says nothing of those before it.
    async fn a_few_deleted_tickets_on_a_page_of_their_own_pause_nothing(product) {
        let bridge = Bridge::new(product).await;
        let linked = bridge.two_pages().await;
        bridge.pass(700).await;
        let deleted: Vec<i64> = linked[100..].iter().map(|(_, ticket)| *ticket).collect();
        bridge.hide(deleted.clone());
        bridge.pass(700).await;
        assert!(bridge.paused().await.is_empty());
        assert_eq!(bridge.gone(&linked).await, deleted);
        bridge.finish().await;
    }

    /// Those of the first page were given back as somebody pressed *Resume*.
    async fn a_resumed_connection_is_not_paused_again_for_tickets_on_a_later_page(product) {
        let bridge = Bridge::new(product).await;
        let linked = bridge.two_pages().await;
        bridge.pass(700).await;
        let halo = PauseScope::Connection { id: bridge.halo().await };
        bridge.hide_tickets();
        bridge.pass(700).await;
        let (app, olga) = operator(&bridge);
        let why = problems::view(&app, &olga).await.unwrap().pauses[0].why.clone().unwrap();
        assert!(why.contains("Of 106 open tickets") && why.contains("shows 0"), "{why}");
        assert!(bridge.gone(&linked).await.is_empty());
        let deleted: Vec<i64> = linked[100..].iter().map(|(_, ticket)| *ticket).collect();
        bridge.hide(deleted.clone());
        bridge.resume(halo).await;
        for _ in 0..20 {
            bridge.pass(30).await;
            assert!(bridge.paused().await.is_empty());
        }
        assert_eq!(bridge.gone(&linked).await, deleted);
        bridge.finish().await;
    }

    /// The page that was read before says nothing of now.
    async fn access_that_is_lost_while_a_reading_is_under_way_makes_no_second_tickets(product) {
        let policy = "drift = { only_in_sentinel = \"heal\" }".to_owned();
        let bridge = Bridge::with(Setup { policy, ..Setup::new(product) }).await;
        let linked = bridge.two_pages().await;
        // A page a poll.
        let mut slow = configuration::export(&bridge.store).await.unwrap();
        let connection = &mut slow.halo[0].connection;
        (connection.requests_per_5min, connection.poll_secs) = (199, 30);
        bridge.take(&slow).await;
        bridge.pass(700).await;
        let under_way = || bridge.engine.standings().iter().any(|found| found.standing.rows_after.is_some());
        for _ in 0..60 {
            if !under_way() {
                bridge.advance(10).await;
            }
        }
        assert!(under_way(), "the first page was read, and the second was not");
        bridge.hide_tickets();
        bridge.pass(120).await;
        assert!(bridge.gone(&linked).await.is_empty());
        let halo = PauseScope::Connection { id: bridge.halo().await };
        assert_eq!(bridge.paused().await.iter().map(|pause| pause.scope).collect::<Vec<_>>(), [halo]);
        bridge.mutate_no_more();
        bridge.pass(700).await;
        assert!(bridge.paused().await.is_empty(), "it goes on by itself");
        assert!(bridge.gone(&linked).await.is_empty());
        assert_eq!(bridge.tickets().len(), linked.len());
        bridge.finish().await;
    }

    /// A number that another pair's ticket has: Halo was restored, or begun anew.
    async fn a_ticket_number_that_is_given_out_again_pauses_the_instance(product) {
        let (bridge, first, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.mutate(move |request, body| {
            let sent: Value = serde_json::from_slice(request.body()).unwrap_or_default();
            let creates = request.uri().path().ends_with("/Tickets") && sent.pointer("/0/id").is_none();
            if request.method() == "POST" && creates && body.is_object() {
                body["id"] = ticket.into();
            }
        });
        let second = bridge.raise(json!({}));
        bridge.cross().await;
        assert_eq!(bridge.pair_of(&second).await.unwrap().ticket, None, "nothing is linked to another one's ticket");
        let halo = PauseScope::Connection { id: bridge.halo().await };
        assert_eq!(bridge.paused().await.iter().map(|pause| pause.scope).collect::<Vec<_>>(), [halo]);
        // Who sees another client alone hears that, and of which ticket it was only who sees all.
        let (app, olga) = operator(&bridge);
        let elsewhere = bridge.workspace(1).await.client;
        let vic = Caller { scope: Scope::Clients(vec![elsewhere]), ..olga.clone() };
        for (caller, named) in [(&olga, true), (&vic, false)] {
            let seen = problems::view(&app, caller).await.unwrap().pauses;
            let why = seen[0].why.as_ref().expect("it says why");
            assert_eq!(why.contains(&ticket.to_string()), named, "{why}");
            assert!(why.contains("Halo gave a new ticket the number"), "{why}");
        }
        let creation = bridge.situation_of(&second).await.operations.remove(0);
        let why = creation.last_failure.expect("the creation says why").message;
        assert!(why.contains(&format!("the number {ticket}")) && why.contains("Unlink their pairs"), "{why}");
        bridge.comment(&first, "for the first one alone");
        bridge.cross().await;
        let said = |note: &Value| words(note).contains("for the first one alone");
        assert!(!bridge.notes_of(ticket).iter().any(said), "and nothing is written meanwhile");
        bridge.mutate_no_more();
        bridge.resume(halo).await;
        bridge.pass(300).await;
        assert_eq!(bridge.tickets().len(), 2, "the one that was made is found by its reference");
        assert_ne!(bridge.ticket_of(&second).await, ticket);
        assert!(bridge.notes_of(ticket).iter().any(said));
        bridge.finish().await;
    }

    async fn a_client_that_halo_does_not_have_gets_no_tickets(product) {
        let bridge = Bridge::new(product).await;
        let right = configuration::export(&bridge.store).await.unwrap();
        let mut wrong = right.clone();
        for client in wrong.clients.iter_mut().filter(|client| client.name == "Northwind Traders") {
            client.halo.as_mut().unwrap().halo_client_id = 9_999;
        }
        bridge.take(&wrong).await;
        let incidents: Vec<String> = (0..3).map(|_| bridge.raise(json!({}))).collect();
        let other = bridge.raise_in(1, json!({}));
        bridge.pass(300).await;
        bridge.ticket_of(&other).await;
        assert_eq!(bridge.tickets().len(), 1, "not even one");
        let client = PauseScope::Client { id: bridge.pair_of(&incidents[0]).await.unwrap().client };
        assert_eq!(bridge.paused().await.iter().map(|pause| pause.scope).collect::<Vec<_>>(), [client]);
        let (app, olga) = operator(&bridge);
        let seen = problems::view(&app, &olga).await.unwrap();
        assert!(seen.pauses[0].why.as_ref().unwrap().contains("no active client 9999"), "{:?}", seen.pauses);
        bridge.take(&right).await;
        bridge.pass(300).await;
        assert!(bridge.paused().await.is_empty());
        assert_eq!(bridge.tickets().len(), 4);
        for incident in &incidents {
            bridge.ticket_of(incident).await;
        }
        bridge.finish().await;
    }

    /// Halo takes the client's id and puts the ticket on "Unknown" all the same.
    async fn a_ticket_that_lands_on_another_client_stops_those_that_would_follow(product) {
        let bridge = Bridge::new(product).await;
        bridge.mutate(|request, body| {
            let path = request.uri().path();
            if path.contains("/Tickets/") || path.ends_with("/Tickets") && body.get("id").is_some() {
                body["client_id"] = 1.into();
            }
        });
        let incidents: Vec<String> = (0..3).map(|_| bridge.raise(json!({}))).collect();
        bridge.pass(300).await;
        assert_eq!(bridge.tickets().len(), 1);
        let client = PauseScope::Client { id: bridge.pair_of(&incidents[0]).await.unwrap().client };
        let paused = bridge.paused().await;
        assert_eq!(paused.iter().map(|pause| pause.scope).collect::<Vec<_>>(), [client]);
        bridge.mutate_no_more();
        bridge.resume(client).await;
        bridge.pass(300).await;
        assert_eq!(bridge.tickets().len(), 3);
        assert!(bridge.paused().await.is_empty());
        bridge.finish().await;
    }

    /// Azure answers 409 for a lock, too: nobody else wrote, and trying again for a day and a half helps nobody.
    async fn a_lock_in_azure_is_told_as_one_and_waits_for_a_person(product) {
        let (bridge, _, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.fault(json!({ "effect": "status", "status": 409, "kind": "sentinel.incident.put" }));
        bridge.mutate(|_, body| {
            if body.pointer("/error/code").is_some_and(|code| code == "Conflict") {
                body["error"] = json!({ "code": "ScopeLocked", "message": "The scope cannot perform write operation." });
            }
        });
        bridge.close_ticket_as(ticket, 3);
        bridge.pass(3_600).await;
        let (app, olga) = operator(&bridge);
        let told = format!("{:?}", problems::view(&app, &olga).await.unwrap().groups.unwrap());
        assert!(told.contains("A lock in Azure forbids this. Remove the lock"), "{told}");
        bridge.finish().await;
    }

    async fn a_persons_pause_outlives_a_failure_that_is_over(product) {
        let bridge = Bridge::new(product).await;
        let halo = PauseScope::Connection { id: bridge.halo().await };
        bridge.pause(halo).await;
        bridge.fault(json!({ "effect": "status", "status": 401, "kind": "halo.*" }));
        bridge.pass(600).await;
        assert_eq!(bridge.paused().await.len(), 2);
        bridge.heal();
        bridge.pass(600).await;
        let left = bridge.paused().await;
        assert!(left.len() == 1 && !left[0].automatic(), "{left:?}");
        let incident = bridge.raise(json!({}));
        bridge.pass(300).await;
        assert_eq!(bridge.tickets().len(), 0);
        bridge.resume(halo).await;
        bridge.cross().await;
        bridge.ticket_of(&incident).await;
        bridge.finish().await;
    }
}
