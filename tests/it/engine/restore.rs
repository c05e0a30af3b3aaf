//! An old backup takes the database's place: what was written since is found, and not written again.

use halobridge::{
    domain::{
        decision::Decision,
        failure::Side,
        ids::{IncidentId, TicketId},
        operation::{OperationKind, OperationState},
    },
    service::{acts, decisions, links, pairs},
    store::{SituationRow, Snapshot},
    twin::options::Product,
};
use serde_json::json;

use super::{bridge::*, conflicts::high, person::operator};

/// The backup takes the database's place, and for so many seconds one side cannot be reached: the other is read first.
async fn restore_without(bridge: &mut Bridge, backup: &Snapshot, (part, secs): (&'static str, i64)) {
    bridge.away(Some(part));
    bridge.restore(backup).await;
    bridge.pass(secs).await;
    bridge.away(None);
}

/// An incident whose ticket was tried in vain when the backup was made, and made since.
async fn tried_before_the_backup(bridge: &Bridge, part: &'static str) -> (String, Snapshot) {
    bridge.away(Some(part));
    let incident = bridge.raise(json!({}));
    bridge.cross().await;
    assert!(bridge.situation_of(&incident).await.operations[0].attempts > 0, "tried, and to be tried again");
    let backup = bridge.store.snapshot().await.unwrap();
    bridge.away(None);
    bridge.pass(600).await;
    (incident, backup)
}

/// After the backup has taken the database's place the incident has the ticket that it had, and there are no more.
async fn found_again(bridge: &mut Bridge, backup: &Snapshot, incident: &str) {
    let (ticket, tickets) = (bridge.ticket_of(incident).await, bridge.tickets().len());
    bridge.restore(backup).await;
    bridge.pass(600).await;
    assert_eq!(bridge.tickets().len(), tickets);
    assert_eq!(bridge.ticket_of(incident).await, ticket);
}

/// An incident that is opened again goes on in a new ticket.
fn in_new_tickets(product: Product) -> Setup {
    Setup { policy: "reopened = { in_sentinel = \"new-ticket\" }".to_owned(), ..Setup::new(product) }
}

/// Closes the incident and opens it again; gives the ticket in which it goes on.
async fn gone_on(bridge: &Bridge, incident: &str) -> i64 {
    bridge.update(incident, json!({ "status": "Closed", "classification": "Undetermined" }));
    bridge.pass(600).await;
    bridge.update(incident, json!({ "status": "Active" }));
    bridge.pass_by(3_600, 60).await;
    bridge.ticket_of(incident).await
}

async fn unlink(bridge: &Bridge, incident: &str) {
    let (app, olga) = operator(bridge);
    let pair = bridge.pair_of(incident).await.unwrap().id;
    links::unlink(&app, &olga, pair).await.unwrap();
    bridge.run().await;
}

/// A person has it made under "Link by hand".
async fn make_ticket(bridge: &Bridge, incident: &str) {
    let (app, olga) = operator(bridge);
    let workspace = bridge.subject_of(incident).await.unwrap().workspace;
    links::make_ticket(&app, &olga, workspace, &IncidentId::new(incident)).await.unwrap();
    bridge.pass(600).await;
}

both! {
    async fn a_ticket_made_after_the_backup_is_found_and_not_made_again(product) {
        let mut bridge = Bridge::new(product).await;
        let backup = bridge.store.snapshot().await.unwrap();
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        found_again(&mut bridge, &backup, &incident).await;
        bridge.finish().await;
    }

    /// The backup knows neither the first ticket nor that a second one took its place.
    async fn a_ticket_in_place_of_a_deleted_one_is_found_and_not_made_again(product) {
        let mut bridge = Bridge::new(product).await;
        let backup = bridge.store.snapshot().await.unwrap();
        let incident = bridge.raise(json!({}));
        bridge.pass(600).await;
        for _ in 0..2 {
            let ticket = bridge.ticket_of(&incident).await;
            bridge.act("ticket.delete", json!({ "ticket_id": ticket }));
            bridge.pass_by(7 * 3_600, 300).await;
            let pair = bridge.pair_of(&incident).await.unwrap();
            let (app, caller) = operator(&bridge);
            let heal = Decision::Gone { side: Side::Halo, ticket: Some(TicketId(ticket)), heal: true };
            decisions::decide(&app, &caller, pair.id, Some(heal)).await.unwrap();
            bridge.pass(600).await;
            assert_ne!(bridge.ticket_of(&incident).await, ticket);
        }
        found_again(&mut bridge, &backup, &incident).await;
        bridge.finish().await;
    }

    /// Nor that the incident went on in a second ticket while the first one stayed closed.
    async fn a_ticket_in_which_an_incident_goes_on_is_found_and_not_made_again(product) {
        let mut bridge = Bridge::with(in_new_tickets(product)).await;
        let backup = bridge.store.snapshot().await.unwrap();
        let incident = bridge.raise(json!({}));
        bridge.pass(600).await;
        let first = bridge.ticket_of(&incident).await;
        assert_ne!(gone_on(&bridge, &incident).await, first);
        found_again(&mut bridge, &backup, &incident).await;
        bridge.finish().await;
    }

    /// The ticket that it leaves was a further one itself: it is not taken for the one that follows it.
    async fn an_incident_that_is_opened_again_after_a_restore_goes_on_in_another_ticket_each_time(product) {
        let mut bridge = Bridge::with(in_new_tickets(product)).await;
        let incident = bridge.raise(json!({}));
        bridge.pass(600).await;
        let second = gone_on(&bridge, &incident).await;
        let backup = bridge.store.snapshot().await.unwrap();
        bridge.restore(&backup).await;
        let third = gone_on(&bridge, &incident).await;
        assert!(third > second, "{third} follows {second}");
        assert_eq!(bridge.tickets().len(), 3);
        bridge.finish().await;
    }

    async fn who_is_unlinked_from_a_further_ticket_gets_another_one_after_a_restore(product) {
        let mut bridge = Bridge::with(in_new_tickets(product)).await;
        let incident = bridge.raise(json!({}));
        bridge.pass(600).await;
        let second = gone_on(&bridge, &incident).await;
        unlink(&bridge, &incident).await;
        let backup = bridge.store.snapshot().await.unwrap();
        bridge.restore(&backup).await;
        make_ticket(&bridge, &incident).await;
        assert!(bridge.ticket_of(&incident).await > second);
        assert_eq!(bridge.tickets().len(), 3);
        bridge.finish().await;
    }

    /// The backup knows neither the first ticket nor that a person had the incident unlinked from it.
    async fn a_ticket_that_was_made_after_an_unlinking_is_found_and_not_the_one_before_it(product) {
        for link_comment in [true, false] {
            let mut bridge = Bridge::with(Setup { link_comment, ..Setup::new(product) }).await;
            let backup = bridge.store.snapshot().await.unwrap();
            let incident = bridge.raise(json!({}));
            bridge.pass(600).await;
            let first = bridge.ticket_of(&incident).await;
            unlink(&bridge, &incident).await;
            make_ticket(&bridge, &incident).await;
            assert_ne!(bridge.ticket_of(&incident).await, first);
            found_again(&mut bridge, &backup, &incident).await;
            bridge.finish().await;
        }
    }

    /// An agent deleted it in the forgotten time: of a pair that remembers its ticket that is asked about.
    async fn a_forgotten_ticket_that_was_deleted_is_asked_about_and_not_made_again_without_a_word(product) {
        for (rule, readable) in [("ask", "false"), ("ask", "true"), ("heal", "false")] {
            let policy = format!("drift = {{ only_in_sentinel = \"{rule}\" }}");
            let switches = vec![("deleted_readable", readable)];
            let setup = Setup { link_comment: true, policy, switches, ..Setup::new(product) };
            let mut bridge = Bridge::with(setup).await;
            let backup = bridge.store.snapshot().await.unwrap();
            let incident = bridge.raise(json!({}));
            bridge.pass(600).await;
            let (ticket, tickets) = (bridge.ticket_of(&incident).await, bridge.tickets().len());
            bridge.act("ticket.delete", json!({ "ticket_id": ticket }));
            bridge.restore(&backup).await;
            bridge.pass(900).await;
            if rule == "ask" {
                assert_eq!(bridge.tickets().len(), tickets, "none was made: {readable}");
                assert_eq!(bridge.ticket_of(&incident).await, ticket);
                assert_eq!(bridge.reason_of(&incident).await, Some("record-gone"));
            } else {
                assert_ne!(bridge.ticket_of(&incident).await, ticket);
                assert_eq!(bridge.tickets().len(), tickets + 1);
            }
            bridge.finish().await;
        }
    }

    /// The comment that names it is all that tells of it.
    async fn a_ticket_that_was_linked_by_hand_is_found_again_by_the_comment_that_names_it(product) {
        let mut bridge = Bridge::with(Setup { link_comment: true, ..Setup::new(product) }).await;
        let backup = bridge.store.snapshot().await.unwrap();
        let incident = bridge.raise(json!({}));
        bridge.pass(600).await;
        let first = bridge.ticket_of(&incident).await;
        unlink(&bridge, &incident).await;
        let body = json!({
            "summary": "Found by hand", "details": "by phone", "agent": AGENT,
            "client_id": product.first_client_id(), "tickettype_id": 1,
        });
        let other = bridge.act("ticket.create", body)["id"].as_i64().unwrap();
        let (app, olga) = operator(&bridge);
        let workspace = bridge.subject_of(&incident).await.unwrap().workspace;
        links::link(&app, &olga, workspace, &IncidentId::new(&incident), &other.to_string()).await.unwrap();
        bridge.pass(600).await;
        assert_eq!(bridge.ticket_of(&incident).await, other);
        let subjects = |bridge: &Bridge| [first, other].map(|id| bridge.ticket(id)["summary"].clone());
        let before = subjects(&bridge);
        found_again(&mut bridge, &backup, &incident).await;
        assert_eq!(subjects(&bridge), before, "nothing is written over before somebody has chosen");
        bridge.finish().await;
    }

    /// Friday's backup is put back on Monday, and Halo's search is of no use.
    async fn a_ticket_of_days_ago_is_found_behind_hundreds_of_newer_ones(product) {
        let mut bridge = Bridge::with(Setup { switches: vec![("search_in", "ignored")], ..Setup::new(product) }).await;
        let backup = bridge.store.snapshot().await.unwrap();
        let incident = bridge.raise(json!({}));
        bridge.pass(600).await;
        bridge.pass_by(3 * 24 * 3_600, 3_600).await;
        for n in 0..120 {
            let client = product.first_client_id();
            bridge.act("ticket.create", json!({ "summary": format!("t{n}"), "client_id": client, "tickettype_id": 1 }));
        }
        bridge.pass(600).await;
        found_again(&mut bridge, &backup, &incident).await;
        bridge.finish().await;
    }

    async fn a_ticket_that_was_tried_before_the_backup_and_made_since_is_not_made_again(product) {
        let mut bridge = Bridge::new(product).await;
        bridge.raise(json!({}));
        bridge.cross().await;
        let (incident, backup) = tried_before_the_backup(&bridge, "/halo/api").await;
        found_again(&mut bridge, &backup, &incident).await;
        bridge.finish().await;
    }

    /// The backup knows its creation as a dead letter. Where it was not made, it stays one.
    async fn a_ticket_that_was_given_up_before_the_backup_and_made_since_is_found(product) {
        let dead = |row: &SituationRow| row.operations.iter().any(|o| matches!(o.state, OperationState::Dead { .. }));
        for made in [true, false] {
            let mut bridge = Bridge::new(product).await;
            bridge.fault(json!({ "effect": "status", "status": 400, "kind": "halo.tickets.post" }));
            let incident = bridge.raise(json!({}));
            bridge.pass(600).await;
            let given_up = bridge.situation_of(&incident).await;
            assert!(dead(&given_up), "{given_up:#?}");
            let backup = bridge.store.snapshot().await.unwrap();
            bridge.heal();
            if made {
                let (app, olga) = operator(&bridge);
                acts::retry(&app, &olga, given_up.operations[0].id).await.unwrap();
                bridge.pass(600).await;
                bridge.close_ticket_as(bridge.ticket_of(&incident).await, 4);
                bridge.pass(300).await;
                found_again(&mut bridge, &backup, &incident).await;
                assert_eq!(bridge.reason_of(&incident).await, None);
            } else {
                let (reason, tickets) = (given_up.pair.reason, bridge.tickets().len());
                bridge.restore(&backup).await;
                bridge.pass(900).await;
                assert_eq!(bridge.tickets().len(), tickets, "nobody asked for it again");
                assert_eq!(bridge.pair_of(&incident).await.unwrap().reason, reason);
            }
            assert_eq!(dead(&bridge.situation_of(&incident).await), !made);
            bridge.finish().await;
        }
    }

    async fn a_forgotten_ticket_is_looked_for_also_after_a_full_disk_kept_that_from_being_written_down(product) {
        let mut bridge = Bridge::new(product).await;
        let (incident, backup) = tried_before_the_backup(&bridge, "/halo/api/Tickets").await;
        let (ticket, tickets) = (bridge.ticket_of(&incident).await, bridge.tickets().len());
        bridge.restore_full(&backup).await;
        bridge.pass(600).await;
        assert_eq!(bridge.tickets().len(), tickets);
        assert_eq!(bridge.ticket_of(&incident).await, ticket);
        bridge.finish().await;
    }

    async fn a_forgotten_ticket_that_an_agent_moved_to_another_client_is_found_and_left_to_a_person(product) {
        let mut bridge = Bridge::new(product).await;
        let backup = bridge.store.snapshot().await.unwrap();
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&incident).await;
        let tickets = bridge.tickets().len();
        let elsewhere = bridge.setup.product.first_client_id() + 1;
        bridge.act("ticket.move", json!({ "ticket_id": ticket, "client": elsewhere, "agent": AGENT }));
        bridge.restore(&backup).await;
        bridge.pass(600).await;
        assert_eq!(bridge.tickets().len(), tickets, "none was made beside it");
        assert_eq!(bridge.ticket_of(&incident).await, ticket);
        assert_eq!(bridge.reason_of(&incident).await, Some("wrong-client"));
        bridge.finish().await;
    }

    async fn what_a_forgotten_ticket_was_called_at_another_client_is_not_recorded(product) {
        let mut bridge = Bridge::new(product).await;
        let backup = bridge.store.snapshot().await.unwrap();
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&incident).await;
        let elsewhere = product.first_client_id() + 1;
        bridge.act("ticket.move", json!({ "ticket_id": ticket, "client_id": elsewhere }));
        bridge.act("ticket.update", json!({ "ticket_id": ticket, "summary": "Nobody else's business" }));
        bridge.restore(&backup).await;
        bridge.pass(600).await;
        assert_eq!(bridge.ticket_of(&incident).await, ticket);
        assert_eq!(bridge.reason_of(&incident).await, Some("wrong-client"));
        let known = format!("{:?}", bridge.situation_of(&incident).await);
        assert!(!known.contains("else's business"), "{known}");
        bridge.finish().await;
    }

    /// An agent opened the ticket again while the program stood still: whose word is the newer one nobody remembers.
    async fn a_ticket_that_was_opened_again_after_a_forgotten_closing_is_asked_about(product) {
        let (mut bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        let backup = bridge.store.snapshot().await.unwrap();
        bridge.close_incident(&incident, json!({ "classification": "Undetermined" }));
        bridge.cross().await;
        assert_eq!(bridge.ticket(ticket)["status_name"], "Closed");
        bridge.act("ticket.reopen", json!({ "ticket_id": ticket, "text": "Not yet.", "agent": AGENT }));
        bridge.restore(&backup).await;
        bridge.pass(600).await;
        assert_eq!(bridge.ticket(ticket)["status_name"], "In Progress");
        assert_eq!(bridge.incident(&incident)["properties"]["status"], "Closed");
        assert_eq!(bridge.reason_of(&incident).await, Some("conflict"));
        let (app, olga) = operator(&bridge);
        let pair = bridge.pair_of(&incident).await.unwrap().id;
        let view = pairs::view(&app, &olga, pair, "").await.unwrap();
        let taken = |decision: &Decision| matches!(decision, Decision::Take { side: Side::Sentinel, .. });
        let answer = view.choices[0].answers.iter().find(|answer| taken(&answer.decision)).unwrap();
        decisions::decide(&app, &olga, pair, Some(answer.decision.clone())).await.unwrap();
        bridge.pass(300).await;
        assert_eq!(bridge.ticket(ticket)["status_name"], "Closed", "asked once");
        bridge.finish().await;
    }

    /// We closed the incident for the ticket, which the backup has forgotten; then an agent opened the ticket again.
    async fn a_ticket_that_was_opened_again_is_not_closed_for_a_forgotten_closing_of_ours(product) {
        for status in ["New", "In Progress"] {
            let (mut bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
            let backup = bridge.store.snapshot().await.unwrap();
            bridge.close_ticket_as(ticket, 4);
            bridge.pass(300).await;
            assert_eq!(bridge.incident(&incident)["properties"]["status"], "Closed");
            let opened = json!({ "ticket_id": ticket, "status": status, "text": "Not yet.", "agent": AGENT });
            bridge.act("ticket.reopen", opened);
            bridge.restore(&backup).await;
            bridge.pass(600).await;
            assert_eq!(bridge.ticket(ticket)["status_name"], status);
            assert_eq!(bridge.incident(&incident)["properties"]["status"], "Closed");
            assert_eq!(bridge.reason_of(&incident).await, Some("conflict"));
            bridge.finish().await;
        }
    }

    /// The other way round: we closed the ticket for the incident, and an analyst opened that again.
    async fn an_incident_that_was_opened_again_is_not_closed_for_a_forgotten_closing_of_ours(product) {
        for (rule, status) in [("reopen", "New"), ("note", "Active"), ("ask", "Active")] {
            let policy = format!("reopened = {{ in_sentinel = \"{rule}\" }}");
            let (mut bridge, incident, ticket) = Bridge::linked(Setup { policy, ..Setup::new(product) }).await;
            let backup = bridge.store.snapshot().await.unwrap();
            bridge.close_incident(&incident, json!({ "classification": "Undetermined" }));
            bridge.pass(300).await;
            assert_eq!(bridge.ticket(ticket)["status_name"], "Closed");
            bridge.update(&incident, json!({ "status": status }));
            bridge.restore(&backup).await;
            bridge.pass(600).await;
            assert_eq!(bridge.incident(&incident)["properties"]["status"], status, "{rule}");
            assert_eq!(bridge.ticket(ticket)["status_name"], "Closed");
            assert_eq!(bridge.reason_of(&incident).await, Some("conflict"));
            assert_eq!(bridge.notes_with(ticket, "stays open"), 0);
            bridge.finish().await;
        }
    }

    /// The host is gone, and agents and analysts go on.
    async fn a_forgotten_ticket_that_an_agent_closed_closes_its_incident(product) {
        let mut bridge = Bridge::new(product).await;
        let backup = bridge.store.snapshot().await.unwrap();
        let (incident, undone) = (bridge.raise(json!({})), bridge.raise(json!({})));
        bridge.pass(600).await;
        let (ticket, other) = (bridge.ticket_of(&incident).await, bridge.ticket_of(&undone).await);
        bridge.close_incident(&undone, json!({ "classification": "Undetermined" }));
        bridge.pass(600).await;
        assert_eq!(bridge.ticket(other)["status_name"], "Closed");
        bridge.close_ticket_as(ticket, 4);
        bridge.update(&undone, json!({ "status": "Active" }));
        bridge.restore(&backup).await;
        bridge.pass(900).await;
        assert_eq!((bridge.ticket_of(&incident).await, bridge.ticket_of(&undone).await), (ticket, other));
        assert_eq!(bridge.incident(&incident)["properties"]["status"], "Closed");
        assert_eq!(bridge.reason_of(&incident).await, None);
        // An analyst has opened this one again: whose word is the newer one nobody remembers.
        assert_eq!(bridge.incident(&undone)["properties"]["status"], "Active");
        assert_eq!(bridge.ticket(other)["status_name"], "Closed");
        assert_eq!(bridge.reason_of(&undone).await, Some("conflict"));
        bridge.finish().await;
    }

    /// The question itself moved the ticket's times.
    async fn a_question_for_the_classification_that_was_forgotten_is_not_asked_again(product) {
        let (mut bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        let backup = bridge.store.snapshot().await.unwrap();
        bridge.close_ticket(ticket, json!({}));
        bridge.pass(600).await;
        assert_eq!(bridge.reason_of(&incident).await, Some("verdict-missing"));
        assert_eq!(bridge.notes_with(ticket, "stays open"), 1);
        bridge.restore(&backup).await;
        bridge.pass(900).await;
        assert_eq!(bridge.reason_of(&incident).await, Some("verdict-missing"));
        assert_eq!(bridge.notes_with(ticket, "stays open"), 1);
        bridge.finish().await;
    }

    async fn a_reopening_that_the_ticket_was_told_of_is_not_told_again(product) {
        let policy = "reopened = { in_sentinel = \"note\" }".to_owned();
        for halo_first in [true, false] {
            let setup = Setup { policy: policy.clone(), ..Setup::new(product) };
            let (mut bridge, incident, ticket) = Bridge::linked(setup).await;
            bridge.close_incident(&incident, json!({ "classification": "Undetermined" }));
            bridge.pass(600).await;
            let backup = bridge.store.snapshot().await.unwrap();
            bridge.update(&incident, json!({ "status": "Active" }));
            bridge.pass(600).await;
            assert_eq!(bridge.notes_with(ticket, "opened again in Microsoft Sentinel"), 1);
            // By then its time is another one.
            bridge.update(&incident, json!({ "severity": "High" }));
            restore_without(&mut bridge, &backup, (if halo_first { "/arm" } else { "/halo/api" }, 120)).await;
            bridge.pass(900).await;
            assert_eq!(bridge.notes_with(ticket, "opened again in Microsoft Sentinel"), 1, "{halo_first}");
            bridge.finish().await;
        }
    }

    /// They are no storm: their tickets are there. What has none is counted and held as ever.
    async fn tickets_that_were_made_after_the_backup_use_up_no_storm_brake(product) {
        let mut bridge = Bridge::with(Setup { policy: "tickets_per_hour = 2".into(), ..Setup::new(product) }).await;
        let backup = bridge.store.snapshot().await.unwrap();
        let mut before = Vec::new();
        for _ in 0..3 {
            let two = [bridge.raise(json!({})), bridge.raise(json!({}))];
            bridge.pass_by(3_900, 300).await;
            for incident in two {
                let ticket = bridge.ticket_of(&incident).await;
                before.push((incident, ticket));
            }
        }
        bridge.restore(&backup).await;
        bridge.pass(600).await;
        for (incident, ticket) in &before {
            assert_eq!(bridge.ticket_of(incident).await, *ticket);
        }
        let new: Vec<String> = (0..3).map(|_| bridge.raise(json!({}))).collect();
        bridge.pass(600).await;
        assert_eq!(bridge.tickets().len(), 8);
        let mut held = 0;
        for incident in &new {
            held += usize::from(bridge.reason_of(incident).await == Some("storm-held"));
        }
        assert_eq!(held, 1);
        bridge.finish().await;
    }

    /// The backup's queue holds the closing of the incident. It was carried out since, and then people opened both again.
    async fn a_change_that_waited_in_the_backup_is_not_made_again_once_it_was_undone(product) {
        let (mut bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.update(&incident, json!({ "status": "Active" }));
        bridge.cross().await;
        bridge.away(Some("/arm"));
        bridge.close_ticket_as(ticket, 1);
        bridge.cross().await;
        let queued = bridge.situation_of(&incident).await.operations;
        assert!(queued.iter().any(|o| matches!(o.kind, OperationKind::UpdateIncident { .. })), "{queued:#?}");
        let backup = bridge.store.snapshot().await.unwrap();
        bridge.away(None);
        bridge.pass(3_600).await;
        assert_eq!(bridge.incident(&incident)["properties"]["status"], "Closed");
        bridge.act("ticket.reopen", json!({ "ticket_id": ticket, "text": "Not yet.", "agent": AGENT }));
        bridge.pass(600).await;
        assert_eq!(bridge.incident(&incident)["properties"]["status"], "Active");
        bridge.restore(&backup).await;
        bridge.pass(3_600).await;
        assert_eq!(bridge.incident(&incident)["properties"]["status"], "Active");
        assert_ne!(bridge.ticket(ticket)["status_name"], "Closed");
        bridge.finish().await;
    }

    /// As above, the other way; and while the incident cannot be read, nothing is written by what the backup knows of it.
    async fn a_change_of_a_ticket_waits_after_a_restore_until_its_incident_can_be_read(product) {
        let (mut bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.away(Some("/halo/api"));
        bridge.close_incident(&incident, json!({ "classification": "Undetermined" }));
        bridge.cross().await;
        let queued = bridge.situation_of(&incident).await.operations;
        assert!(queued.iter().any(|o| matches!(o.kind, OperationKind::UpdateTicket { .. })), "{queued:#?}");
        let backup = bridge.store.snapshot().await.unwrap();
        bridge.update(&incident, json!({ "status": "Active" }));
        bridge.away(Some("/arm"));
        bridge.restore(&backup).await;
        bridge.pass(600).await;
        assert_ne!(bridge.ticket(ticket)["status_name"], "Closed");
        bridge.away(None);
        bridge.pass(3_600).await;
        assert_ne!(bridge.ticket(ticket)["status_name"], "Closed", "it was opened again before");
        bridge.close_incident(&incident, json!({ "classification": "Undetermined" }));
        bridge.pass(600).await;
        assert_eq!(bridge.ticket(ticket)["status_name"], "Closed", "and what comes next crosses");
        bridge.finish().await;
    }

    async fn what_moved_since_a_forgotten_ticket_was_made_is_asked_about(product) {
        let mut bridge = Bridge::new(product).await;
        let backup = bridge.store.snapshot().await.unwrap();
        let incident = bridge.raise(json!({ "owner": ANALYST, "severity": "Low" }));
        let alike = bridge.raise(json!({ "owner": ANALYST }));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&incident).await;
        bridge.update(&incident, json!({ "owner": SECOND_ANALYST }));
        bridge.restore(&backup).await;
        bridge.pass(600).await;
        assert_eq!(bridge.ticket_of(&incident).await, ticket);
        assert_eq!(bridge.reason_of(&incident).await, Some("conflict"));
        assert_eq!(bridge.reason_of(&alike).await, None, "what both say alike is agreed on");
        bridge.finish().await;
    }

    /// The incident's severity crossed, and an agent chose another priority after that: by the backup both have moved.
    async fn a_priority_that_an_agent_chose_in_the_forgotten_time_is_not_written_over(product) {
        let mut bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({ "severity": "Low" }));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&incident).await;
        let backup = bridge.store.snapshot().await.unwrap();
        bridge.update(&incident, json!({ "severity": "Medium" }));
        bridge.pass(300).await;
        bridge.act("ticket.update", json!({ "ticket_id": ticket, "priority": high(product) }));
        bridge.pass(300).await;
        assert_eq!(bridge.reason_of(&incident).await, None, "an agent's choice stays");
        bridge.restore(&backup).await;
        bridge.pass(900).await;
        assert!(bridge.ticket(ticket)["priority_name"].as_str().unwrap().ends_with("High"));
        assert_eq!(bridge.reason_of(&incident).await, Some("conflict"));
        bridge.finish().await;
    }

    /// A whole working day is forgotten: comments, notes, an edit, new incidents, closures of either side.
    async fn a_backup_that_is_a_day_old_converges_without_doubles(product) {
        let mut bridge = Bridge::with(Setup { notes: "all", ..Setup::new(product) }).await;
        let mut incidents: Vec<String> = (0..6).map(|n| bridge.raise_in(n % 2, json!({}))).collect();
        bridge.cross().await;
        bridge.pass_by(3_600, 600).await;
        let backup = bridge.store.snapshot().await.unwrap();
        for hour in 0..24_usize {
            let incident = incidents[hour % 6].clone();
            let ticket = bridge.ticket_of(&incident).await;
            if !(12..).contains(&hour) || hour % 6 < 4 {
                bridge.comment(&incident, &format!("comment of hour {hour}."));
                bridge.note(ticket, &format!("<p>note of hour {hour}.</p>"), json!({}));
            }
            match hour {
                8 => {
                    let comment = bridge.comment_id(&incidents[2], "comment of hour 2.").await;
                    bridge.edit_comment(&incidents[2], &comment, "comment of hour 2, edited.");
                }
                10 => incidents.push(bridge.raise_in(0, json!({ "severity": "High" }))),
                11 => {
                    let verdict = json!({ "classification": "FalsePositive", "classificationReason": "InaccurateData" });
                    bridge.close_incident(&incidents[5], verdict);
                    let verdict = json!({ "customfields": [{ "name": "CFSentinelClassification", "value": 2 }] });
                    bridge.close_ticket(bridge.ticket_of(&incidents[4]).await, verdict);
                }
                15 => bridge.update(&incidents[1], json!({ "severity": "Low" })),
                _ => {}
            }
            bridge.pass_by(3_600, 600).await;
        }
        bridge.pass_by(7 * 3_600, 600).await;
        let all = async |bridge: &Bridge| {
            let (mut words, mut closed) = (Vec::new(), Vec::new());
            for incident in &incidents {
                let ticket = bridge.ticket_of(incident).await;
                words.push((bridge.comments_of(incident).len(), bridge.notes_of(ticket).len()));
                let status = bridge.incident(incident)["properties"]["status"].clone();
                closed.push((status, bridge.ticket(ticket)["status_name"].clone()));
            }
            (bridge.tickets().len(), words, closed)
        };
        let before = all(&bridge).await;
        assert_eq!(before.0, 7);
        for (at, sides) in before.2.iter().enumerate() {
            assert_eq!(sides.0 == "Closed", [4, 5].contains(&at), "{sides:?}");
        }
        bridge.restore(&backup).await;
        bridge.pass_by(9 * 3_600, 600).await;
        assert_eq!(all(&bridge).await, before, "nothing is there twice, and nothing was undone");
        for hour in 0..24 {
            for (at, incident) in incidents.iter().enumerate().take(6) {
                let expected = usize::from(hour % 6 == at && (hour < 12 || at < 4));
                let ticket = bridge.ticket_of(incident).await;
                assert_eq!(bridge.notes_with(ticket, &format!("comment of hour {hour}.")), expected, "{hour} {at}");
                let there = bridge.comments_of(incident).iter().filter(|c| c.contains(&format!("note of hour {hour}."))).count();
                assert_eq!(there, expected, "{hour} {at}");
            }
        }
        let quiet = bridge.writes();
        bridge.pass_by(7 * 3_600, 600).await;
        assert_eq!(bridge.writes(), quiet, "and it is silent");
        bridge.finish().await;
    }

    async fn a_note_that_waited_in_the_backup_and_was_written_since_is_not_written_again(product) {
        let (mut bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.comment(&incident, "said once");
        bridge.away(Some("/halo/api"));
        bridge.cross().await;
        let backup = bridge.store.snapshot().await.unwrap();
        bridge.away(None);
        bridge.pass(600).await;
        assert_eq!(bridge.notes_with(ticket, "said once"), 1);
        bridge.restore(&backup).await;
        bridge.pass(600).await;
        assert_eq!(bridge.notes_with(ticket, "said once"), 1);
        bridge.finish().await;
    }

    async fn an_edit_that_was_told_after_the_backup_is_not_told_again(product) {
        let (mut bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.comment(&incident, "said at first");
        bridge.cross().await;
        let backup = bridge.store.snapshot().await.unwrap();
        let comment = bridge.comment_id(&incident, "said at first").await;
        bridge.edit_comment(&incident, &comment, "said better");
        bridge.pass_by(7 * 3_600, 600).await;
        assert_eq!(bridge.notes_with(ticket, "said better"), 1);
        bridge.edit_comment(&incident, &comment, "said best");
        bridge.restore(&backup).await;
        bridge.pass_by(8 * 3_600, 600).await;
        assert_eq!(bridge.notes_with(ticket, "said better"), 1);
        assert_eq!(bridge.notes_with(ticket, "said best"), 1, "what had not been told is");
        bridge.finish().await;
    }

    async fn a_note_that_crossed_after_the_backup_and_was_edited_is_not_said_twice(product) {
        let (mut bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        let backup = bridge.store.snapshot().await.unwrap();
        bridge.note(ticket, "<p>said at first</p>", json!({}));
        bridge.cross().await;
        let action = bridge.notes_of(ticket).iter().map(|note| note["id"].as_i64().unwrap()).max().unwrap();
        bridge.act("note.edit", json!({ "ticket_id": ticket, "id": action, "html": "<p>said better</p>" }));
        bridge.cross().await;
        assert_eq!(["said at first", "said better"].map(|text| bridge.comments_with(&incident, text)), [1, 1]);
        bridge.restore(&backup).await;
        bridge.pass_by(7 * 3_600, 600).await;
        assert_eq!(["said at first", "said better"].map(|text| bridge.comments_with(&incident, text)), [1, 1]);
        bridge.finish().await;
    }

    async fn a_comment_of_ours_that_the_backup_has_forgotten_is_not_written_over(product) {
        let mut bridge = Bridge::with(Setup { poll_secs: 900, ..Setup::new(product) }).await;
        let incident = bridge.raise(json!({}));
        bridge.pass(1_000).await;
        let ticket = bridge.ticket_of(&incident).await;
        let backup = bridge.store.snapshot().await.unwrap();
        bridge.note(ticket, "<p>said at first</p>", json!({}));
        bridge.cross().await;
        let action = bridge.notes_of(ticket).iter().map(|note| note["id"].as_i64().unwrap()).max().unwrap();
        for words in ["said better", "said best"] {
            bridge.act("note.edit", json!({ "ticket_id": ticket, "id": action, "html": format!("<p>{words}</p>") }));
            bridge.cross().await;
        }
        bridge.note(ticket, "<p>said after that</p>", json!({}));
        bridge.cross().await;
        let before = bridge.comments_of(&incident);
        assert_eq!(before.len(), 4, "{before:#?}");
        // Halo can be read while Azure cannot: what the notes say is planned as if it had never been said.
        restore_without(&mut bridge, &backup, ("/arm", 60)).await;
        bridge.pass(3_600).await;
        assert_eq!(bridge.comments_of(&incident), before);
        bridge.finish().await;
    }

    /// The backup knows the comment in words from before an edit, and nothing of the note that tells it.
    async fn a_comment_is_not_told_in_the_older_words_that_the_backup_knows(product) {
        let switches = vec![("comment_edit_bumps", "true")];
        let (mut bridge, incident, ticket) = Bridge::linked(Setup { switches, ..Setup::new(product) }).await;
        let home = bridge.setup.product.first_client_id();
        bridge.act("ticket.move", json!({ "ticket_id": ticket, "client": home + 1, "agent": AGENT }));
        bridge.cross().await;
        bridge.comment(&incident, "said at first");
        bridge.cross().await;
        let comment = bridge.comment_id(&incident, "said at first").await;
        bridge.edit_comment(&incident, &comment, "said better");
        bridge.cross().await;
        let backup = bridge.store.snapshot().await.unwrap();
        bridge.edit_comment(&incident, &comment, "said best");
        bridge.cross().await;
        bridge.act("ticket.move", json!({ "ticket_id": ticket, "client": home, "agent": AGENT }));
        bridge.pass(600).await;
        assert_eq!(bridge.notes_with(ticket, "said best"), 1);
        // Halo can be read while Azure cannot.
        restore_without(&mut bridge, &backup, ("/arm", 60)).await;
        bridge.pass(3_600).await;
        assert_eq!(bridge.notes_with(ticket, "said best"), 1);
        assert_eq!(bridge.notes_with(ticket, "said better"), 0);
        bridge.finish().await;
    }

    /// The backup knows of fewer comments: its digest begins with another note than the one that was written.
    async fn a_digest_that_the_backup_has_forgotten_is_not_told_again_as_another_one(product) {
        let policy = "digest_from = 1".to_owned();
        let mut bridge = Bridge::with(Setup { policy, poll_secs: 900, ..Setup::new(product) }).await;
        let incident = bridge.raise(json!({}));
        bridge.pass(1_000).await;
        let ticket = bridge.ticket_of(&incident).await;
        let backup = bridge.store.snapshot().await.unwrap();
        bridge.comment(&incident, "said in Sentinel");
        bridge.pass(1_000).await;
        for text in ["<p>said first</p>", "<p>said next</p>", "<p>said last</p>"] {
            bridge.note(ticket, text, json!({}));
        }
        bridge.cross().await;
        let before = bridge.comments_of(&incident);
        assert_eq!(before.len(), 2, "the analyst's, and a digest: {before:#?}");
        restore_without(&mut bridge, &backup, ("/arm", 60)).await;
        bridge.pass(3_600).await;
        assert_eq!(bridge.comments_of(&incident), before);
        bridge.finish().await;
    }

    async fn an_edit_that_the_backup_has_forgotten_is_not_told_again_when_azure_is_read_first(product) {
        let (mut bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.note(ticket, "<p>said at first to @ana</p>", json!({}));
        bridge.cross().await;
        let backup = bridge.store.snapshot().await.unwrap();
        let action = bridge.notes_of(ticket).iter().map(|note| note["id"].as_i64().unwrap()).max().unwrap();
        bridge.act("note.edit", json!({ "ticket_id": ticket, "id": action, "html": "<p>said better to @ana</p>" }));
        bridge.cross().await;
        let before = bridge.comments_of(&incident);
        assert_eq!(before.len(), 2, "{before:#?}");
        restore_without(&mut bridge, &backup, ("/halo/api", 120)).await;
        bridge.pass_by(7 * 3_600, 600).await;
        assert_eq!(bridge.comments_of(&incident), before);
        bridge.finish().await;
    }

    async fn an_edit_from_before_the_restore_that_was_not_told_yet_is(product) {
        let (mut bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        let backup = bridge.store.snapshot().await.unwrap();
        bridge.comment(&incident, "said at first");
        bridge.cross().await;
        bridge.edit_comment(&incident, &bridge.comment_id(&incident, "said at first").await, "said better");
        bridge.restore(&backup).await;
        bridge.pass_by(7 * 3_600, 600).await;
        assert_eq!(bridge.notes_with(ticket, "said at first"), 1);
        assert_eq!(bridge.notes_with(ticket, "said better"), 1);
        bridge.finish().await;
    }

    async fn dozens_of_notes_that_were_written_since_are_known_after_one_reading(product) {
        let (mut bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        let said: Vec<String> = (0..12).map(|n| format!("said as number {n}.")).collect();
        for text in &said {
            bridge.comment(&incident, text);
        }
        bridge.away(Some("/halo/api"));
        bridge.cross().await;
        let backup = bridge.store.snapshot().await.unwrap();
        bridge.away(None);
        bridge.pass(600).await;
        bridge.restore(&backup).await;
        let before = bridge.calls("halo.actions.get");
        bridge.pass(60).await;
        let read = bridge.calls("halo.actions.get") - before;
        for text in &said {
            assert_eq!(bridge.notes_with(ticket, text), 1, "{text}");
        }
        assert!(read <= 4, "its notes were read {read} times");
        bridge.finish().await;
    }
}
