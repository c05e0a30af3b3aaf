//! Going live where Halo's own Sentinel integration made tickets before.

use halobridge::{
    domain::{
        ids::{IncidentId, TicketId},
        reason::Reason,
    },
    service::links,
};
use serde_json::json;

use super::{bridge::*, person::operator};

impl Bridge {
    /// A ticket as Halo's own integration makes it.
    pub fn native(&self, place: i64, incident: &str) -> i64 {
        let body = json!({
            "summary": "Imported by the other integration", "details": "from Sentinel", "agent": AGENT,
            "client_id": self.setup.product.first_client_id() + place, "tickettype": "Security Incident",
            "sentinel_id": incident, "sentinel_workspace": self.workspace_name(usize::try_from(place).unwrap()),
        });
        self.act("ticket.create", body)["id"].as_i64().unwrap()
    }

    /// The same before it is told which incident it was made for.
    pub fn native_of_none(&self) -> i64 {
        let body = json!({
            "summary": "Imported by the other integration", "details": "from Sentinel", "agent": AGENT,
            "client_id": self.setup.product.first_client_id(), "tickettype": "Security Incident",
        });
        self.act("ticket.create", body)["id"].as_i64().unwrap()
    }
}

fn adopting(product: halobridge::twin::options::Product) -> Setup {
    Setup { notes: "all", policy: "adopt = true".into(), ..Setup::new(product) }
}

both! {
    async fn a_ticket_of_halos_own_integration_is_linked_and_none_is_made(product) {
        let bridge = Bridge::with(adopting(product)).await;
        let known = bridge.raise(json!({}));
        let fresh = bridge.raise(json!({}));
        bridge.comment(&known, "seen on the host by the analyst");
        let ticket = bridge.native(0, &known.to_uppercase());
        bridge.note(ticket, "<p>Sentinel comment: seen on the host by the analyst</p>", json!({}));
        for _ in 0..3 {
            // Tickets that have nothing to do with it.
            bridge.act("ticket.create", json!({ "summary": "x", "details": "y", "client_id": bridge.setup.product.first_client_id(), "tickettype_id": 1 }));
        }
        bridge.cross().await;
        assert_eq!(bridge.ticket_of(&known).await, ticket);
        assert_ne!(bridge.ticket_of(&fresh).await, ticket);
        assert_eq!(bridge.tickets().len(), 5, "one was made, for the other incident");
        bridge.comment(&known, "and this is new");
        bridge.cross().await;
        let notes: Vec<String> = bridge.notes_of(ticket).iter().map(words).collect();
        for (text, times) in [("seen on the host by the analyst", 1), ("and this is new", 1)] {
            assert_eq!(notes.iter().filter(|note| note.contains(text)).count(), times, "{text}: {notes:#?}");
        }
        // Each open ticket is read once, and not again for the next incident.
        let reads = bridge.calls("halo.tickets.get");
        bridge.raise(json!({}));
        bridge.cross().await;
        assert!(bridge.calls("halo.tickets.get") <= reads + 3, "{} after {reads}", bridge.calls("halo.tickets.get"));
        bridge.finish().await;
    }

    async fn as_long_as_it_is_not_known_no_ticket_is_made(product) {
        let bridge = Bridge::with(adopting(product)).await;
        bridge.cross().await;
        let incident = bridge.raise(json!({}));
        let ticket = bridge.native(0, &incident);
        let elsewhere = bridge.raise(json!({}));
        bridge.native(1, &elsewhere);
        bridge.fault(json!({ "effect": "status", "status": 503, "kind": "halo.tickets.list" }));
        bridge.pass(600).await;
        assert!(bridge.pair_of(&incident).await.is_none());
        assert_eq!(bridge.tickets().len(), 2);
        bridge.heal();
        bridge.pass(600).await;
        assert_eq!(bridge.ticket_of(&incident).await, ticket);
        // Another client's ticket is never taken, whatever it carries.
        assert_eq!(bridge.tickets().len(), 3);
        bridge.finish().await;
    }
    async fn a_ticket_that_is_closed_before_its_incident_is_met_is_linked_too(product) {
        let bridge = Bridge::with(adopting(product)).await;
        let incident = bridge.raise(json!({}));
        let ticket = bridge.native(0, &incident);
        bridge.close_ticket(ticket, json!({}));
        // Of two that were made for one the open one is taken.
        let twice = bridge.raise(json!({}));
        let closed = bridge.native(0, &twice);
        bridge.close_ticket(closed, json!({}));
        let open = bridge.native(0, &twice);
        bridge.cross().await;
        assert_eq!(bridge.ticket_of(&incident).await, ticket);
        assert_eq!(bridge.ticket_of(&twice).await, open);
        assert_eq!(bridge.tickets().len(), 3, "none was made");
        bridge.finish().await;
    }

    async fn a_ticket_that_carries_its_incident_only_later_is_linked_too(product) {
        for switches in [vec![], vec![("rows_tell_last_update", "off")]] {
            let bridge = Bridge::with(Setup { switches, ..adopting(product) }).await;
            let ticket = bridge.native_of_none();
            bridge.raise(json!({}));
            bridge.cross().await;
            assert_eq!(bridge.tickets().len(), 2, "it was looked at, and carried nothing");
            let incident = bridge.raise(json!({}));
            bridge.act("ticket.update", json!({ "ticket_id": ticket, "sentinel_id": incident, "agent": AGENT }));
            bridge.cross().await;
            assert_eq!(bridge.ticket_of(&incident).await, ticket);
            assert_eq!(bridge.tickets().len(), 2);
            bridge.finish().await;
        }
    }

    /// What there was to know is known: without an incident that may get a ticket nothing is looked for.
    async fn no_ticket_is_looked_at_while_no_incident_waits_for_one(product) {
        let bridge = Bridge::with(adopting(product)).await;
        let incident = bridge.raise(json!({}));
        bridge.native(0, &incident);
        bridge.cross().await;
        let other = bridge.native_of_none();
        bridge.pass(600).await;
        bridge.close_ticket(other, json!({}));
        bridge.pass(600).await;
        let path = format!("/tickets/{other}");
        let reads = bridge.twin.with(|world, _| {
            world.calls.iter().filter(|call| call.path.to_lowercase().ends_with(&path)).count()
        });
        assert_eq!(reads, 0);
        bridge.finish().await;
    }

    async fn who_unlinked_a_ticket_and_wants_another_one_gets_it(product) {
        let bridge = Bridge::with(adopting(product)).await;
        let incident = bridge.raise(json!({}));
        let ticket = bridge.native(0, &incident);
        bridge.cross().await;
        let pair = bridge.pair_of(&incident).await.unwrap();
        assert_eq!(pair.ticket.map(|ticket| ticket.0), Some(ticket));
        let (app, olga) = operator(&bridge);
        links::unlink(&app, &olga, pair.id).await.unwrap();
        bridge.run().await;
        links::make_ticket(&app, &olga, pair.workspace, &pair.incident).await.unwrap();
        bridge.cross().await;
        assert_ne!(bridge.ticket_of(&incident).await, ticket);
        assert_eq!(bridge.tickets().len(), 2);
        bridge.finish().await;
    }

    /// It was read while it could be joined, and cannot be by the time its incident passes the gates.
    async fn a_ticket_that_cannot_be_joined_keeps_nobody_from_the_ticket_they_ask_for(product) {
        for case in ["deleted", "linked"] {
            let policy = "adopt = true\ninclude = { title = [\"wanted\"] }".into();
            let bridge = Bridge::with(Setup { policy, ..adopting(product) }).await;
            let [incident, other] = ["one", "other"].map(|title| bridge.raise(json!({ "title": title })));
            let ticket = bridge.native(0, &incident);
            bridge.raise(json!({ "title": "wanted" }));
            bridge.cross().await;
            let (app, olga) = operator(&bridge);
            let workspace = bridge.workspace(0).await.id;
            if case == "deleted" {
                bridge.act("ticket.delete", json!({ "ticket_id": ticket }));
            } else {
                links::link(&app, &olga, workspace, &IncidentId::new(&other), &ticket.to_string()).await.unwrap();
                bridge.cross().await;
                assert_eq!(bridge.ticket_of(&other).await, ticket);
            }
            bridge.update(&incident, json!({ "title": "wanted" }));
            bridge.cross().await;
            assert_eq!(bridge.reason_of(&incident).await, Some("link-refused"), "{case}");
            links::make_ticket(&app, &olga, workspace, &IncidentId::new(&incident)).await.unwrap();
            bridge.cross().await;
            assert_ne!(bridge.ticket_of(&incident).await, ticket, "{case}");
            bridge.finish().await;
        }
    }

    async fn who_unlinked_a_ticket_is_not_given_it_again_after_another_one_could_not_be_joined(product) {
        let bridge = Bridge::with(adopting(product)).await;
        let incident = bridge.raise(json!({}));
        let [first, second] = [0, 1].map(|_| bridge.native(0, &incident));
        bridge.cross().await;
        let pair = bridge.pair_of(&incident).await.unwrap();
        assert_eq!(pair.ticket, Some(TicketId(first)));
        bridge.act("ticket.merge", json!({ "from": second, "into": first }));
        let (app, olga) = operator(&bridge);
        links::unlink(&app, &olga, pair.id).await.unwrap();
        bridge.run().await;
        links::make_ticket(&app, &olga, pair.workspace, &pair.incident).await.unwrap();
        bridge.cross().await;
        let held = bridge.subject_of(&incident).await.unwrap().held;
        let Some(Reason::Unlinked { ticket, refused: Some(_) }) = held else { panic!("{held:?}") };
        assert_eq!(ticket, Some(TicketId(first)), "what was unlinked is remembered");
        links::make_ticket(&app, &olga, pair.workspace, &pair.incident).await.unwrap();
        bridge.cross().await;
        let made = bridge.ticket_of(&incident).await;
        assert!(![first, second].contains(&made), "{made}");
        bridge.finish().await;
    }

    async fn a_link_that_a_person_asks_for_while_tickets_are_looked_through_stands(product) {
        let policy = "adopt = true\ninclude = { title = [\"wanted\"] }".into();
        let bridge = Bridge::with(Setup { policy, ..adopting(product) }).await;
        let incident = bridge.raise(json!({ "title": "one" }));
        bridge.cross().await;
        let (native, chosen) = (bridge.native(0, &incident), bridge.native_of_none());
        let (app, olga) = operator(&bridge);
        let (workspace, id) = (bridge.workspace(0).await.id, IncidentId::new(&incident));
        bridge.meanwhile(format!("/tickets/{native}"), async move {
            links::link(&app, &olga, workspace, &id, &chosen.to_string()).await.unwrap();
        });
        bridge.update(&incident, json!({ "title": "wanted" }));
        bridge.cross().await;
        assert_eq!(bridge.ticket_of(&incident).await, chosen);
        bridge.finish().await;
    }

    /// Tickets that are there already are no storm: the brake neither holds their incidents nor counts them.
    async fn tickets_that_are_there_use_up_no_storm_brake(product) {
        let policy = "adopt = true\ntickets_per_hour = 2".into();
        let mut bridge = Bridge::with(Setup { mode: "observe", policy, ..adopting(product) }).await;
        let (mut known, mut tickets) = (Vec::new(), Vec::new());
        for _ in 0..4 {
            let incident = bridge.raise(json!({}));
            tickets.push(bridge.native(0, &incident));
            known.push(incident);
            bridge.pass(240).await;
        }
        assert_eq!(bridge.reason_of(&known[0]).await, Some("mode-observe"));
        // All are asked again when the workspace goes live, those that a list shows and the older ones; then more come.
        bridge.setup.mode = "two-way";
        bridge.apply().await;
        bridge.cross().await;
        for _ in 0..3 {
            let incident = bridge.raise(json!({}));
            tickets.push(bridge.native(0, &incident));
            known.push(incident);
        }
        bridge.cross().await;
        for (incident, ticket) in known.iter().zip(&tickets) {
            assert_eq!(bridge.ticket_of(incident).await, *ticket);
        }
        // All the hour's room is left for tickets that are made.
        let fresh: Vec<String> = (0..3).map(|_| bridge.raise(json!({}))).collect();
        bridge.cross().await;
        let mut held = 0;
        for incident in &fresh {
            held += usize::from(bridge.reason_of(incident).await == Some("storm-held"));
        }
        assert_eq!((held, bridge.tickets().len()), (1, 9));
        bridge.finish().await;
    }

    async fn what_the_storm_brake_held_is_linked_once_its_ticket_is_looked_for(product) {
        let policy = "tickets_per_hour = 1".into();
        let mut bridge = Bridge::with(Setup { policy, ..adopting(product) }).await;
        bridge.raise(json!({}));
        bridge.cross().await;
        let [native, none] = [0, 1].map(|_| bridge.raise(json!({})));
        let ticket = bridge.native(0, &native);
        bridge.cross().await;
        for held in [&native, &none] {
            assert_eq!(bridge.reason_of(held).await, Some("storm-held"));
        }
        bridge.setup.policy = "adopt = true\ntickets_per_hour = 1".into();
        bridge.apply().await;
        bridge.cross().await;
        assert_eq!(bridge.ticket_of(&native).await, ticket);
        assert_eq!(bridge.reason_of(&none).await, Some("storm-held"), "it waits for a person as before");
        assert_eq!(bridge.tickets().len(), 2);
        bridge.finish().await;
    }
}
