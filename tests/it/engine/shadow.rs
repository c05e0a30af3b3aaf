//! Shadow mode: everything is read and compared beside Halo's own Sentinel integration, and nothing is written.

use halobridge::{
    domain::{
        account::Scope,
        shadow::{Carriage, Compared, LapseKind},
        view::shadow::ShadowFilter,
    },
    service::{self, caller::Caller},
    store::PageKey,
    twin::options::Product,
};
use jiff::SignedDuration;
use serde_json::json;

use super::bridge::*;

fn beside(product: Product) -> Setup {
    Setup { mode: "observe", notes: "all", workspace: "shadow = true", ..Setup::new(product) }
}

impl Bridge {
    /// What stands of an incident.
    async fn compared(&self, incident: &str) -> Option<Compared> {
        let workspace = self.workspace(0).await;
        let incident = halobridge::domain::ids::IncidentId::new(incident);
        self.store.compared(workspace.client, workspace.id, &incident).await.unwrap()
    }

    async fn lapses(&self, incident: &str) -> Vec<(LapseKind, Carriage)> {
        let compared = self.compared(incident).await.expect("it was compared");
        compared.lapses.iter().map(|lapse| (lapse.kind, lapse.what)).collect()
    }

    /// The other integration takes an incident up: a ticket that carries it.
    fn take_up(&self, incident: &str) -> i64 {
        let body = json!({
            "summary": "Imported by the other integration", "details": "from Sentinel", "agent": AGENT,
            "client_id": self.setup.product.first_client_id(), "tickettype": "Security Incident",
            "sentinel_id": incident, "sentinel_workspace": self.workspace_name(0),
        });
        self.act("ticket.create", body)["id"].as_i64().unwrap()
    }
}

both! {
    async fn what_the_other_integration_does_is_compared_and_nothing_is_written(product) {
        let bridge = Bridge::with(beside(product)).await;
        let [prompt, late, lost, twice] = ["one", "two", "three", "four"].map(|title| bridge.raise(json!({ "title": title })));
        bridge.advance(60).await;
        let ticket = bridge.take_up(&prompt);
        bridge.take_up(&twice);
        bridge.take_up(&twice);
        bridge.comment(&prompt, "seen on the host by the analyst");
        bridge.pass(600).await;
        bridge.note(ticket, "<p>From Sentinel: seen on the host by the analyst</p>", json!({}));
        bridge.take_up(&late);
        bridge.note(ticket, "<p>The user was called and knows nothing of it</p>", json!({}));
        bridge.pass(2_400).await;
        assert_eq!(bridge.lapses(&prompt).await, [
            (LapseKind::Delayed, Carriage::Comment),
            (LapseKind::Missed, Carriage::Note),
        ]);
        assert_eq!(bridge.lapses(&late).await, [(LapseKind::Delayed, Carriage::Ticket)]);
        assert_eq!(bridge.lapses(&lost).await, [(LapseKind::Missed, Carriage::Ticket)]);
        assert_eq!(bridge.lapses(&twice).await, [(LapseKind::Doubled, Carriage::Ticket)]);
        assert_eq!(bridge.compared(&late).await.unwrap().late_secs, Some(660));
        // What it makes up for late is late, and no more missed.
        bridge.take_up(&lost);
        bridge.close_incident(&late, json!({ "classification": "Undetermined" }));
        bridge.close_ticket(ticket, json!({}));
        bridge.pass(2_400).await;
        assert_eq!(bridge.lapses(&lost).await, [(LapseKind::Delayed, Carriage::Ticket)]);
        assert!(bridge.lapses(&late).await.contains(&(LapseKind::Missed, Carriage::Closure)));
        assert!(bridge.lapses(&prompt).await.contains(&(LapseKind::Missed, Carriage::Closure)));
        assert_eq!(bridge.writes(), 0, "nothing is written to either side");
        assert!(bridge.pair_of(&prompt).await.is_none());
        // The page and its counts.
        let (app, caller) = bridge.console();
        let view = service::shadow::view(&app, &caller, ShadowFilter::default()).await.unwrap();
        let all = |kind| view.rows.as_ref().unwrap().rows.iter().map(|row| u64::from(row.compared.count(kind))).sum::<u64>();
        assert_eq!((view.counts.incidents, view.counts.ticketed), (4, 4));
        for kind in LapseKind::ALL {
            assert_eq!(view.counts.of(kind), all(kind), "{kind:?}");
            let only = ShadowFilter { kind: Some(kind), ..ShadowFilter::default() };
            let listed = service::shadow::view(&app, &caller, only).await.unwrap().rows.unwrap();
            assert!(listed.rows.iter().all(|row| row.compared.count(kind) > 0), "{kind:?}");
        }
        assert!("0.0".parse::<PageKey>().is_err() || view.rows.unwrap().older.is_none());
        bridge.finish().await;
    }

    async fn what_is_compared_is_the_new_clients_once_its_workspace_was_given_away(product) {
        let bridge = Bridge::with(beside(product)).await;
        let incident = bridge.raise(json!({ "title": "of the first client" }));
        bridge.advance(60).await;
        let ticket = bridge.take_up(&incident);
        bridge.pass(2_400).await;
        let (first, second) = (bridge.workspace(0).await, bridge.workspace(1).await);
        let (app, caller) = bridge.console();
        let limited = |client| Caller { scope: Scope::Clients(vec![client]), ..caller.clone() };
        let (former, theirs) = (limited(first.client), limited(second.client));
        let told = async |caller: &Caller| {
            let view = service::shadow::view(&app, caller, ShadowFilter::default()).await.unwrap();
            let rows = view.rows.unwrap().rows.into_iter().map(|row| (row.title, row.compared.tickets.len()));
            (view.counts.incidents, rows.collect::<Vec<_>>())
        };
        assert_eq!(told(&former).await, (1, vec![("of the first client".to_owned(), 1)]));
        assert_eq!(told(&theirs).await, (0, Vec::new()));
        bridge.give(&first, second.client).await;
        bridge.note(ticket, "<p>a secret of the first client</p>", json!({}));
        bridge.update(&incident, json!({ "title": "of the second client" }));
        bridge.pass(2_400).await;
        assert_eq!(told(&former).await, (0, Vec::new()));
        assert_eq!(told(&theirs).await, (1, vec![("of the second client".to_owned(), 0)]));
        assert_eq!(bridge.lapses(&incident).await, [(LapseKind::Missed, Carriage::Ticket)]);
        assert_eq!(bridge.writes(), 0);
        bridge.finish().await;
    }

    /// The client was given wrongly at first: the tickets were made at the right one all along.
    async fn tickets_of_the_client_that_a_workspace_is_given_to_are_looked_through_anew(product) {
        let bridge = Bridge::with(beside(product)).await;
        let incident = bridge.raise(json!({}));
        bridge.advance(60).await;
        bridge.act("ticket.create", json!({
            "summary": "Imported by the other integration", "details": "from Sentinel", "agent": AGENT,
            "client_id": product.first_client_id() + 1, "tickettype": "Security Incident",
            "sentinel_id": incident, "sentinel_workspace": bridge.workspace_name(0),
        }));
        bridge.pass(7_200).await;
        assert_eq!(bridge.lapses(&incident).await, [(LapseKind::Missed, Carriage::Ticket)]);
        let (first, second) = (bridge.workspace(0).await, bridge.workspace(1).await);
        bridge.give(&first, second.client).await;
        bridge.update(&incident, json!({ "title": "of the second client" }));
        bridge.pass(2_400).await;
        assert_eq!(bridge.compared(&incident).await.map(|compared| compared.tickets.len()), Some(1));
        assert!(!bridge.lapses(&incident).await.contains(&(LapseKind::Missed, Carriage::Ticket)));
        assert_eq!(bridge.writes(), 0);
        bridge.finish().await;
    }

    async fn what_was_compared_is_not_read_again_until_it_changes(product) {
        let bridge = Bridge::with(beside(product)).await;
        let incident = bridge.raise(json!({}));
        bridge.advance(30).await;
        let ticket = bridge.take_up(&incident);
        bridge.pass(2_400).await;
        let before = ["halo.tickets.get", "halo.actions.list", "sentinel.comments.list"].map(|kind| bridge.calls(kind));
        bridge.pass(1_200).await;
        let after = ["halo.tickets.get", "halo.actions.list", "sentinel.comments.list"].map(|kind| bridge.calls(kind));
        assert_eq!(after, before);
        bridge.note(ticket, "<p>The user was called and knows nothing of it</p>", json!({}));
        bridge.pass(60).await;
        assert_eq!(bridge.calls("halo.actions.list"), after[1] + 1);
        assert_eq!(bridge.writes(), 0);
        bridge.finish().await;
    }

    async fn as_long_as_tickets_are_unread_none_is_called_missing(product) {
        let bridge = Bridge::with(beside(product)).await;
        let incident = bridge.raise(json!({}));
        bridge.advance(30).await;
        bridge.take_up(&incident);
        bridge.fault(json!({ "effect": "status", "status": 503, "kind": "halo.tickets.get" }));
        bridge.pass(2_400).await;
        assert_eq!(bridge.compared(&incident).await, None);
        bridge.heal();
        bridge.pass(600).await;
        assert_eq!(bridge.lapses(&incident).await, []);
        bridge.finish().await;
    }

    /// Its agent may not see it, or Halo has a fault with it.
    async fn a_ticket_that_cannot_be_read_keeps_no_other_incident_from_being_compared(product) {
        for (status, waits) in [(403, 2_400), (500, 9_000)] {
            let bridge = Bridge::with(beside(product)).await;
            let [kept, taken, lost] = ["one", "two", "three"].map(|title| bridge.raise(json!({ "title": title })));
            bridge.advance(30).await;
            let unread = bridge.take_up(&kept);
            let path = format!("*/Tickets/{unread}");
            bridge.fault(json!({ "effect": "status", "status": status, "kind": "halo.tickets.get", "path": path }));
            bridge.take_up(&taken);
            bridge.pass(600).await;
            assert_eq!(bridge.lapses(&taken).await, [], "{status}");
            bridge.pass(waits).await;
            assert_eq!(bridge.lapses(&lost).await, [(LapseKind::Missed, Carriage::Ticket)], "{status}");
            for found in bridge.engine.standings() {
                assert!(found.standing.last_failure.is_none(), "{status}: {:?}", found.standing.last_failure);
            }
            assert_eq!(bridge.writes(), 0);
            bridge.finish().await;
        }
    }

    async fn many_tickets_that_cannot_be_read_keep_no_other_incident_from_being_compared(product) {
        let bridge = Bridge::with(beside(product)).await;
        let taken = bridge.raise(json!({}));
        bridge.advance(30).await;
        bridge.take_up(&taken);
        bridge.pass(600).await;
        assert_eq!(bridge.lapses(&taken).await, []);
        let lost = bridge.raise(json!({}));
        for _ in 0..5 {
            let unread = bridge.take_up(&bridge.raise(json!({})));
            let path = format!("*/Tickets/{unread}");
            bridge.fault(json!({ "effect": "status", "status": 500, "kind": "halo.tickets.get", "path": path }));
        }
        bridge.pass(300).await;
        bridge.comment(&taken, "seen on the host by the analyst");
        bridge.pass(2_400).await;
        assert_eq!(bridge.lapses(&taken).await, [(LapseKind::Missed, Carriage::Comment)]);
        assert_eq!(bridge.compared(&lost).await, None, "its ticket may be one of the unread");
        for found in bridge.engine.standings() {
            assert!(found.standing.last_failure.is_none(), "{:?}", found.standing.last_failure);
        }
        bridge.pass(6_600).await;
        assert_eq!(bridge.lapses(&lost).await, [(LapseKind::Missed, Carriage::Ticket)]);
        assert_eq!(bridge.writes(), 0);
        bridge.finish().await;
    }

    async fn while_no_ticket_can_be_read_none_is_called_missing_however_long(product) {
        let bridge = Bridge::with(beside(product)).await;
        let incidents: Vec<String> = (0..5).map(|_| bridge.raise(json!({}))).collect();
        bridge.advance(30).await;
        for incident in &incidents {
            bridge.take_up(incident);
        }
        bridge.fault(json!({ "effect": "status", "status": 503, "kind": "halo.tickets.get" }));
        bridge.pass(9_000).await;
        for incident in &incidents {
            assert_eq!(bridge.compared(incident).await, None);
        }
        bridge.heal();
        bridge.pass(600).await;
        for incident in &incidents {
            assert_eq!(bridge.lapses(incident).await, []);
        }
        bridge.finish().await;
    }

    async fn a_ticket_that_carries_its_incident_only_later_is_not_called_missing(product) {
        let bridge = Bridge::with(beside(product)).await;
        let incident = bridge.raise(json!({}));
        bridge.advance(30).await;
        let body = json!({
            "summary": "Imported by the other integration", "details": "from Sentinel", "agent": AGENT,
            "client_id": bridge.setup.product.first_client_id(), "tickettype": "Security Incident",
        });
        let ticket = bridge.act("ticket.create", body)["id"].as_i64().unwrap();
        bridge.pass(300).await;
        // It was read by then, and carried nothing.
        bridge.act("ticket.update", json!({ "ticket_id": ticket, "sentinel_id": incident, "agent": AGENT }));
        bridge.pass(2_400).await;
        assert_eq!(bridge.lapses(&incident).await, []);
        assert_eq!(bridge.writes(), 0);
        bridge.finish().await;
    }
}

/// However many tickets there are: until the list has been read whole no ticket is read.
#[tokio::test]
async fn a_list_for_which_the_budget_has_no_room_at_once_is_gone_on_with() {
    let bridge = Bridge::with(Setup { workspaces: 1, ..beside(Product::Itsm) }).await;
    let incident = bridge.raise(json!({}));
    bridge.advance(30).await;
    let (_, budget) = bridge.engine.registry().halo_budgets().remove(0);
    budget.allow_halo(100);
    bridge.take_up(&incident);
    for _ in 0..3_000 {
        bridge.clock.advance(SignedDuration::from_secs(1));
        bridge.native_of_none();
    }
    let read = bridge.calls("halo.tickets.get");
    bridge.pass(3_600).await;
    assert!(bridge.calls("halo.tickets.get") > read, "the list has come to its end");
    budget.allow_halo(5_000);
    bridge.pass(900).await;
    assert!(bridge.compared(&incident).await.is_some());
    assert_eq!(bridge.writes(), 0);
    bridge.finish().await;
}
