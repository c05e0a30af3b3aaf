//! Drift: records that are gone and copies that are lost.

use halobridge::{
    domain::{
        decision::Decision,
        drift::{DriftClass, DriftRule},
        failure::Side,
        ids::TicketId,
        operation::{Operation, OperationState},
        reason::Reason,
        view::drift::DriftFilter,
    },
    service::{decisions, drifts},
    twin::{faults::Fault, options::Product},
};
use serde_json::json;

use super::bridge::*;

impl Bridge {
    /// Deletes the ticket as soon as a ticket is read; from then on there is this fault.
    fn deleted_once_read(&self, ticket: i64, mut then: Option<Fault>) {
        let twin = self.twin.clone();
        let mut gone = false;
        self.mutate(move |request, _| {
            if !gone && request.method() == "GET" && request.uri().path().contains("/Tickets/") {
                gone = true;
                twin.act("ticket.delete", &json!({ "ticket_id": ticket }));
                if let Some(fault) = then.take() {
                    twin.with(|world, _| world.faults.add(fault));
                }
            }
        });
    }

    async fn drift(&self) -> Vec<(DriftClass, DriftRule)> {
        let (app, caller) = self.console();
        let view = drifts::view(&app, &caller, DriftFilter::default()).await.unwrap();
        let rows = view.rows.as_ref().unwrap();
        for class in DriftClass::ALL {
            let of = rows.rows.iter().filter(|row| row.drift.class == class).count();
            assert_eq!(view.of(class), u64::try_from(of).unwrap(), "{class:?}");
        }
        rows.rows.iter().map(|row| (row.drift.class, row.drift.rule)).collect()
    }

    async fn decide(&self, incident: &str, decision: Decision) {
        let (app, caller) = self.console();
        let pair = self.pair_of(incident).await.unwrap();
        decisions::decide(&app, &caller, pair.id, Some(decision)).await.unwrap();
    }
}

both! {
    /// A young record does not show everywhere at once: one answer that it is not there does not end its pair.
    async fn a_record_that_was_not_found_once_is_not_given_up(product) {
        for more in [true, false] {
            for kind in ["sentinel.incident.get", "halo.tickets.get"] {
                let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
                bridge.fault(json!({ "effect": "status", "status": 404, "kind": kind, "count": 1 }));
                bridge.engine.look_again(bridge.pair_of(&incident).await.unwrap().id);
                bridge.run().await;
                assert_eq!(bridge.reason_of(&incident).await, None, "{kind}: so young a record is asked for once more");
                if more {
                    bridge.comment(&incident, "still here");
                    bridge.note(ticket, "<p>and here</p>", json!({}));
                }
                bridge.pass(600).await;
                assert_eq!(bridge.reason_of(&incident).await, None, "{kind}");
                let notes: Vec<String> = bridge.notes_of(ticket).iter().map(words).collect();
                assert_eq!(notes.iter().any(|note| note.contains("still here")), more, "{notes:#?}");
                bridge.finish().await;
            }
        }
    }

    /// Nor does it end one whose ticket could be made only long after its pair.
    async fn a_ticket_that_was_made_late_is_not_given_up_for_one_answer(product) {
        let bridge = Bridge::new(product).await;
        bridge.fault(json!({ "effect": "status", "status": 503, "kind": "halo.tickets.post" }));
        let incident = bridge.raise(json!({}));
        bridge.pass(900).await;
        bridge.heal();
        for _ in 0..400 {
            bridge.advance(20).await;
            if bridge.pair_of(&incident).await.unwrap().ticket.is_some() {
                break;
            }
        }
        bridge.pass(60).await;
        let pair = bridge.pair_of(&incident).await.unwrap();
        assert!(pair.ticket.is_some() && pair.born() > pair.created, "{pair:?}");
        bridge.fault(json!({ "effect": "status", "status": 404, "kind": "halo.tickets.get", "count": 1 }));
        bridge.engine.look_again(pair.id);
        bridge.run().await;
        assert_eq!(bridge.reason_of(&incident).await, None);
        let ticket = bridge.ticket_of(&incident).await;
        bridge.comment(&incident, "still here");
        bridge.pass(600).await;
        assert_eq!(bridge.reason_of(&incident).await, None);
        assert!(bridge.notes_of(ticket).iter().any(|note| words(note).contains("still here")));
        // Once it is old, one that is not there is gone.
        bridge.act("ticket.delete", json!({ "ticket_id": ticket }));
        bridge.pass_by(700, 20).await;
        assert_eq!(bridge.reason_of(&incident).await, Some("record-gone"));
        bridge.finish().await;
    }

    /// The rows that are read every five minutes do not show it any more.
    async fn a_deleted_ticket_is_noticed_within_minutes(product) {
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({}));
        bridge.pass(600).await;
        let ticket = bridge.ticket_of(&incident).await;
        bridge.act("ticket.delete", json!({ "ticket_id": ticket }));
        bridge.pass_by(700, 20).await;
        assert_eq!(bridge.reason_of(&incident).await, Some("record-gone"));
        let reads = bridge.calls("halo.tickets.get");
        bridge.pass_by(1_200, 20).await;
        assert!(bridge.calls("halo.tickets.get") - reads <= 2, "it is not asked for again and again");
        bridge.finish().await;
    }

    /// It is deleted between our reading of it and our note, and Halo's refusal names no record.
    async fn a_note_on_a_ticket_that_was_deleted_just_now_is_no_refusal(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.pass(400).await;
        let posted = bridge.calls("halo.actions.post");
        bridge.comment(&incident, "nobody reads this there");
        bridge.deleted_once_read(ticket, None);
        bridge.cross().await;
        bridge.mutate_no_more();
        assert_eq!(bridge.calls("halo.actions.post") - posted, 1, "it was sent and refused");
        let operations = bridge.situation_of(&incident).await.operations;
        let gone = |o: &Operation| matches!(&o.state, OperationState::Dead { reason: Reason::RecordGone { .. }, .. });
        assert!(!operations.is_empty() && operations.iter().all(gone), "{operations:#?}");
        assert_eq!(bridge.reason_of(&incident).await, Some("record-gone"));
        bridge.finish().await;
    }

    /// And where it cannot be looked at after the refusal either, nothing is given up.
    async fn a_refusal_after_which_the_ticket_could_not_be_read_gives_nothing_up(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.pass(400).await;
        bridge.comment(&incident, "nobody reads this there");
        let away = json!({ "effect": "status", "status": 503, "kind": "halo.tickets.get" });
        bridge.deleted_once_read(ticket, Some(Fault::from_json(&away).unwrap()));
        bridge.cross().await;
        bridge.mutate_no_more();
        bridge.heal();
        bridge.pass(900).await;
        let operations = bridge.situation_of(&incident).await.operations;
        let refused = |o: &Operation| matches!(&o.state, OperationState::Dead { reason: Reason::Refused { .. }, .. });
        assert!(!operations.iter().any(refused), "{operations:#?}");
        assert_eq!(bridge.reason_of(&incident).await, Some("record-gone"));
        bridge.finish().await;
    }

    /// It is deleted between our reading of it and our update: the contract makes a new one of that.
    async fn an_update_that_makes_a_deleted_incident_again_says_so(product) {
        for refused in [false, true] {
            let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
            bridge.switch("unknown_etag_conflicts", if refused { "on" } else { "off" });
            bridge.pass(900).await;
            let (twin, name, workspace) = (bridge.twin.clone(), incident.clone(), bridge.workspace_name(0));
            let mut deleted = false;
            bridge.before(move |request| {
                let own = request.uri().path().to_lowercase().ends_with(&format!("/incidents/{}", name.to_lowercase()));
                if !deleted && own && request.method() == "PUT" {
                    deleted = true;
                    twin.act("incident.delete", &json!({ "incident": name, "workspace": workspace }));
                }
            });
            bridge.close_ticket_as(ticket, 4);
            bridge.pass_by(1_500, 20).await;
            let pair = bridge.pair_of(&incident).await.unwrap();
            let operations = bridge.store.operations_of_pair(pair.id, 1_000).await.unwrap();
            let says = |o: &Operation| matches!(&o.state, OperationState::Void { why, .. } if why.contains("made it again"));
            assert_eq!(operations.iter().any(says), !refused, "{operations:#?}");
            let there = bridge.incidents(0).iter().any(|found| found["name"] == json!(incident));
            assert_eq!(there, !refused, "refused {refused}");
            if refused {
                assert_eq!(bridge.reason_of(&incident).await, Some("record-gone"));
            } else {
                assert_eq!(bridge.incident(&incident)["properties"]["status"], "Closed");
                let writes = bridge.calls("sentinel.incident.put");
                bridge.pass(600).await;
                assert_eq!(bridge.calls("sentinel.incident.put"), writes, "it is written once");
            }
            bridge.finish().await;
        }
    }

    async fn a_deleted_ticket_is_asked_about_and_a_new_one_is_made(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.comment(&incident, "said before it was deleted");
        bridge.cross().await;
        assert_eq!(bridge.drift().await, []);
        bridge.act("ticket.delete", json!({ "ticket_id": ticket }));
        bridge.pass_by(7 * 3_600, 300).await;
        assert_eq!(bridge.reason_of(&incident).await, Some("record-gone"));
        // It goes on being said, whatever happens on the other side.
        bridge.update(&incident, json!({ "severity": "High" }));
        bridge.comment(&incident, "is anybody there?");
        bridge.cross().await;
        assert_eq!(bridge.reason_of(&incident).await, Some("record-gone"));
        assert_eq!(bridge.drift().await, [(DriftClass::OnlyInSentinel, DriftRule::Ask)]);
        bridge.decide(&incident, Decision::Gone { side: Side::Halo, ticket: Some(TicketId(ticket)), heal: true }).await;
        bridge.cross().await;
        let second = bridge.ticket_of(&incident).await;
        assert_ne!(second, ticket);
        assert!(bridge.ticket(second).to_string().contains("takes the place of ticket"));
        bridge.comment(&incident, "now somebody is");
        bridge.pass(600).await;
        // What had crossed is copied, once, and says who wrote it and when.
        let notes: Vec<String> = bridge.notes_of(second).iter().map(words).collect();
        for text in ["said before it was deleted", "is anybody there?", "now somebody is"] {
            assert_eq!(notes.iter().filter(|note| note.contains(text)).count(), 1, "{text}: {notes:#?}");
        }
        let copied = notes.iter().find(|note| note.contains("said before it was deleted")).unwrap();
        assert!(copied.contains(&format!("copied from ticket {ticket}")) && copied.contains("Sentinel by"), "{copied}");
        assert!(bridge.notes_of(second).iter().any(|note| words(note).contains("now somebody is")));
        assert_eq!(bridge.pair_of(&incident).await.unwrap().gone, None);
        bridge.finish().await;
    }

    async fn a_ticket_that_agents_merged_away_is_asked_about(product) {
        let bridge = Bridge::new(product).await;
        let incidents = [bridge.raise(json!({})), bridge.raise(json!({}))];
        bridge.cross().await;
        let [from, into] = [bridge.ticket_of(&incidents[0]).await, bridge.ticket_of(&incidents[1]).await];
        bridge.act("ticket.merge", json!({ "from": from, "into": into }));
        bridge.pass_by(700, 20).await;
        assert_eq!(bridge.reason_of(&incidents[0]).await, Some("record-gone"));
        assert_eq!(bridge.reason_of(&incidents[1]).await, None);
        let heal = Decision::Gone { side: Side::Halo, ticket: Some(TicketId(from)), heal: true };
        bridge.decide(&incidents[0], heal).await;
        bridge.comment(&incidents[0], "still a matter of its own");
        bridge.cross().await;
        let second = bridge.ticket_of(&incidents[0]).await;
        assert!(second != from && second != into);
        bridge.pass(600).await;
        assert_eq!(bridge.reason_of(&incidents[0]).await, None);
        assert!(bridge.notes_of(second).iter().any(|note| words(note).contains("still a matter of its own")));
        bridge.finish().await;
    }

    async fn a_deleted_incident_is_found_by_the_full_list(product) {
        let setup = Setup { policy: "drift = { only_in_halo = \"heal\" }".into(), workspaces: 1, ..Setup::new(product) };
        let bridge = Bridge::with(setup).await;
        let incident = bridge.raise(json!({}));
        let other = bridge.raise(json!({}));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&incident).await;
        bridge.act("incident.delete", json!({ "incident": incident, "workspace": bridge.workspace_name(0) }));
        bridge.pass_by(7 * 3_600, 300).await;
        bridge.cross().await;
        assert_eq!(bridge.pair_of(&incident).await.unwrap().gone, Some(Side::Sentinel));
        let told = bridge.notes_of(ticket).iter().filter(|note| words(note).contains("does not exist in Microsoft Sentinel")).count();
        assert_eq!(told, 1);
        assert_eq!(bridge.drift().await, [(DriftClass::OnlyInHalo, DriftRule::Heal)]);
        assert_eq!(bridge.pair_of(&other).await.unwrap().gone, None);
        bridge.finish().await;
    }

    /// The list of comments that is known is older than the comment: that it is not in there says nothing.
    async fn a_comment_that_was_just_written_is_not_taken_for_deleted(product) {
        for rule in ["ask", "heal"] {
            let setup = Setup { policy: format!("drift = {{ lost_comment = \"{rule}\" }}"), ..Setup::new(product) };
            let (bridge, incident, ticket) = Bridge::linked(setup).await;
            bridge.comment(&incident, "words of an analyst");
            bridge.cross().await;
            let written = bridge.calls("sentinel.comment.put");
            bridge.note(ticket, "<p>words of an agent</p>", json!({}));
            bridge.pass(60).await;
            bridge.comment(&incident, "more words of an analyst");
            bridge.note(ticket, "<p>more words of an agent</p>", json!({}));
            bridge.cross().await;
            assert_eq!(bridge.calls("sentinel.comment.put") - written, 2, "{rule}");
            assert_eq!(bridge.drift().await, [], "{rule}");
            bridge.finish().await;
        }
    }

    async fn a_lost_copy_is_written_again_where_the_policy_says_so(product) {
        let setup = Setup { policy: "drift = { lost_comment = \"heal\" }".into(), ..Setup::new(product) };
        let (bridge, incident, ticket) = Bridge::linked(setup).await;
        bridge.comment(&incident, "words of an analyst");
        bridge.cross().await;
        let said = |bridge: &Bridge| -> Vec<i64> {
            let notes = bridge.notes_of(ticket);
            notes.iter().filter(|note| words(note).contains("words of an analyst")).map(|note| note["id"].as_i64().unwrap()).collect()
        };
        let first = said(&bridge);
        assert_eq!(first.len(), 1);
        bridge.act("note.delete", json!({ "ticket_id": ticket, "id": first[0] }));
        bridge.pass(600).await;
        let second = said(&bridge);
        assert_eq!(second.len(), 1, "{:#?}", bridge.notes_of(ticket));
        assert_ne!(second, first);
        assert_eq!(bridge.drift().await, [(DriftClass::LostComment, DriftRule::Heal)]);
        bridge.finish().await;
    }
}

/// More of them are missing in the whole list than are read by themselves after it: those behind them have their turn with
/// the next one.
#[tokio::test]
async fn a_deleted_incident_is_found_behind_many_that_the_full_list_does_not_show() {
    let policy = "tickets_per_hour = 1000".into();
    let bridge = Bridge::with(Setup { policy, workspaces: 1, ..Setup::new(Product::Itsm) }).await;
    let incidents: Vec<String> = (0..130).map(|_| bridge.raise(json!({}))).collect();
    bridge.pass(1_800).await;
    let last = incidents.last().unwrap();
    bridge.ticket_of(last).await;
    bridge.act("incident.delete", json!({ "incident": last, "workspace": bridge.workspace_name(0) }));
    // The others are there, each by itself.
    bridge.mutate(|request, body| {
        if request.method() == "GET" && request.uri().path().ends_with("/incidents") {
            *body = json!({ "value": [] });
        }
    });
    bridge.pass_by(13 * 3_600, 600).await;
    bridge.mutate_no_more();
    assert_eq!(bridge.pair_of(last).await.unwrap().gone, Some(Side::Sentinel));
    for incident in incidents.iter().take(129) {
        assert_eq!(bridge.pair_of(incident).await.unwrap().gone, None);
    }
    bridge.finish().await;
}
