//! Workspaces are read soon after a change, and seldom while nothing happens.

use halobridge::{
    domain::{account::Scope, run::RunScope, time, view::runs::RunFilter},
    service::runs,
    store::LedgerFilter,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::bridge::*;

/// Halo tells when tickets changed in ten millionths of a second.
fn finer(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(finer),
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                let told = ["last_update", "lastupdate", "lastactiondate"].contains(&name.as_str());
                let moment = member.as_str().filter(|_| told).and_then(time::parse);
                match moment {
                    Some(moment) => *member = json!((moment + SignedDuration::from_nanos(456_700)).to_string()),
                    None => finer(member),
                }
            }
        }
        _ => {}
    }
}

impl Bridge {
    /// What the last call of a kind that has this option was asked with.
    fn last_asked(&self, kind: &str, name: &str) -> String {
        self.twin.with(|world, _| {
            let calls = world.calls.iter().filter(|call| call.kind == kind);
            let asked = calls.filter_map(|call| {
                let (_, value) = call.query.iter().find(|(known, _)| known == name)?;
                Some((call.number, value.clone()))
            });
            asked.max().expect("one was made").1
        })
    }

    async fn entries(&self, fact: &str) -> usize {
        let asked = LedgerFilter { fact: Some(fact.to_owned()), scope: Scope::All, ..LedgerFilter::default() };
        self.store.ledger_page(&asked, None, 1_000).await.unwrap().len()
    }
}

both! {
    async fn changes_are_followed_closely_and_quiet_saves_calls(product) {
        let bridge = Bridge::with(Setup { poll_secs: 900, workspaces: 1, ..Setup::new(product) }).await;
        bridge.pass(7_200).await;
        let lists = |bridge: &Bridge| bridge.calls("sentinel.incident.list");
        let before = lists(&bridge);
        bridge.pass(3_600).await;
        assert_eq!(lists(&bridge) - before, 4, "an hour of quiet");
        let incident = bridge.raise(json!({}));
        bridge.pass(900).await;
        assert!(bridge.pair_of(&incident).await.is_some());
        // What happens next is seen within two minutes, where it would have taken a quarter of an hour.
        bridge.comment(&incident, "and there is more of it");
        bridge.pass(130).await;
        let ticket = bridge.ticket_of(&incident).await;
        assert!(bridge.notes_of(ticket).iter().any(|note| words(note).contains("and there is more of it")));
        // Then it grows quiet again: waits of one, two, four and eight minutes, and a quarter of an hour from then on.
        bridge.pass(1_800).await;
        let before = lists(&bridge);
        bridge.pass(3_600).await;
        assert_eq!(lists(&bridge) - before, 4, "quiet again");
        bridge.finish().await;
    }

    async fn how_far_each_source_was_read_is_shown(product) {
        let mut bridge = Bridge::with(Setup { on_disk: true, ..Setup::new(product) }).await;
        bridge.raise(json!({}));
        bridge.cross().await;
        let (app, caller) = bridge.console();
        let view = runs::view(&app, &caller, RunFilter::default()).await.unwrap();
        let of = |scope| view.sources.iter().find(|row| row.scope == scope).and_then(|row| row.read_up_to);
        let workspace = bridge.workspace(0).await.id;
        let cursor = bridge.store.cursor(workspace).await.unwrap().map(|cursor| cursor.modified);
        assert!(cursor.is_some());
        assert_eq!(of(RunScope::Workspace { id: workspace }), cursor);
        let halo = view.sources.iter().find(|row| matches!(row.scope, RunScope::Halo { .. })).unwrap();
        assert!(halo.read_up_to.is_some(), "{halo:?}");
        // Another process goes on from there.
        bridge.restart_cold().await;
        assert_eq!(bridge.store.cursor(workspace).await.unwrap().map(|cursor| cursor.modified), cursor);
        let (app, caller) = bridge.console();
        let again = runs::view(&app, &caller, RunFilter::default()).await.unwrap();
        let row = again.sources.iter().find(|row| row.scope == halo.scope).unwrap();
        assert_eq!(row.read_up_to, halo.read_up_to);
        bridge.finish().await;
    }

    /// Both services tell times finer than the milliseconds that a cursor is kept in: nothing is newer for that.
    async fn the_overlap_closes_where_times_are_finer_than_a_cursor(product) {
        let bridge = Bridge::with(Setup { workspaces: 1, ..Setup::new(product) }).await;
        bridge.mutate(|request, body| {
            if request.uri().path().contains("/Tickets") {
                finer(body);
            }
        });
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&incident).await;
        bridge.note(ticket, "<p>on it</p>", json!({}));
        bridge.pass(1_800).await;
        let moved = (bridge.entries("cursor-moved").await, bridge.entries("halo-cursor-moved").await);
        bridge.pass(3_600).await;
        let now_moved = (bridge.entries("cursor-moved").await, bridge.entries("halo-cursor-moved").await);
        assert_eq!(now_moved, moved, "a quiet hour writes nothing down");
        let cursor = bridge.store.cursor(bridge.workspace(0).await.id).await.unwrap().unwrap().modified;
        let asked = bridge.last_asked("sentinel.incident.list", "$filter");
        let wanted = time::iso(cursor + SignedDuration::from_millis(1));
        assert!(asked.ends_with(&format!("ge {wanted}")), "{asked}, and not {wanted}");
        let halo = bridge.pair_of(&incident).await.unwrap().halo;
        let cursor = bridge.store.halo_cursor(halo).await.unwrap().unwrap();
        let asked = bridge.last_asked("halo.tickets.list", "lastupdatefromdate");
        assert_eq!(time::parse(&asked), Some(cursor + SignedDuration::from_secs(1)), "{asked}");
        // What comes next is found all the same.
        bridge.note(ticket, "<p>said after the quiet</p>", json!({}));
        bridge.comment(&incident, "and so is this");
        bridge.cross().await;
        assert!(bridge.comments_of(&incident).iter().any(|said| said.contains("said after the quiet")));
        assert!(bridge.notes_of(ticket).iter().any(|note| words(note).contains("and so is this")));
        bridge.finish().await;
    }

    /// Nobody changes anything after a bulk change: it is not listed again with every poll for ever.
    async fn the_overlap_of_a_quiet_instance_closes(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        for _ in 0..250 {
            bridge.act("ticket.create", json!({ "summary": "x", "details": "y", "tickettype_id": 1,
                "client_id": bridge.setup.product.first_client_id() }));
        }
        bridge.pass_by(300, 20).await;
        let before = bridge.calls("halo.tickets.list");
        bridge.pass_by(400, 20).await;
        let lists = bridge.calls("halo.tickets.list") - before;
        assert!(lists <= 400 / 20 + 4, "{lists} lists in 400 s");
        bridge.note(ticket, "<p>said after the quiet</p>", json!({}));
        bridge.cross().await;
        assert!(bridge.comments_of(&incident).iter().any(|said| said.contains("said after the quiet")));
        bridge.finish().await;
    }
}
