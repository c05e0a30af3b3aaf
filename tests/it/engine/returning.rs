//! A client that is taken out and set up again is the same one: its pairs, its chain and people's rights hang on its id.

use halobridge::{
    config::{Applied, client::Client},
    domain::ids::ClientId,
    ledger::entry::Chain,
    service::{configuration, pairs, then::Then},
};
use serde_json::json;

use super::bridge::*;

impl Bridge {
    async fn wanted(&self) -> Applied {
        configuration::export(&self.store).await.unwrap()
    }

    async fn prune_to(&self, wanted: &Applied) {
        let (app, _) = self.admin();
        configuration::apply(&self.store, wanted, true, self.clock_now(), &*app.ids).await.unwrap();
        self.run().await;
    }

    fn clock_now(&self) -> jiff::Timestamp {
        use halobridge::clock::Clock as _;
        self.clock.now()
    }

    async fn client(&self, name: &str) -> Option<ClientId> {
        let all = self.store.installation().await.unwrap().clients;
        all.iter().find(|client| client.name == name).map(|client| client.id)
    }
}

fn without(wanted: &Applied, name: &str) -> Applied {
    let mut less = wanted.clone();
    less.workspaces.retain(|workspace| workspace.client != name);
    less.clients.retain(|client| client.name != name);
    less
}

fn renamed(wanted: &Applied, from: &str, to: &str) -> Applied {
    let mut other = wanted.clone();
    let rows = other.clients.iter_mut().filter(|client| client.name == from);
    rows.for_each(|client: &mut Client| client.name = to.to_owned());
    let rows = other.workspaces.iter_mut().filter(|workspace| workspace.client == from);
    rows.for_each(|workspace| workspace.client = to.to_owned());
    other
}

both! {
    async fn a_pair_whose_client_was_taken_out_shows_what_both_records_said_last(product) {
        let (bridge, incident, _) = Bridge::linked(Setup::new(product)).await;
        bridge.comment(&incident, "seen on the host");
        bridge.cross().await;
        let pair = bridge.pair_of(&incident).await.unwrap();
        let before = bridge.store.latest_seq().await.unwrap();
        let (app, caller) = bridge.console();
        let stood = pairs::view(&app, &caller, pair.id, "").await.unwrap();
        assert!(!stood.removed && stood.fields.len() == 4);
        let all = bridge.wanted().await;
        let name = stood.client.clone();
        bridge.prune_to(&without(&all, &name)).await;
        let (app, caller) = bridge.console();
        for then in [Then::Now, Then::Entry(before)] {
            let view = pairs::view_at(&app, &caller, pair.id, "", then).await.unwrap();
            assert!(view.removed && view.gates.is_empty(), "{then:?}");
            assert_eq!(view.as_of.is_some(), then != Then::Now);
            for (row, was) in view.fields.iter().zip(&stood.fields) {
                assert_eq!((&row.name, &row.incident), (&was.name, &was.incident), "{then:?}");
                assert_eq!(row.ticket.is_some(), was.ticket.is_some(), "{then:?}: {row:?}");
            }
            assert_eq!(view.fields.len(), stood.fields.len());
            assert_eq!(view.fields[1].ticket, stood.fields[1].ticket, "the status by its name");
            assert_eq!(view.notes, stood.notes, "{then:?}");
        }
        bridge.prune_to(&all).await;
        let (app, caller) = bridge.console();
        assert!(!pairs::view(&app, &caller, pair.id, "").await.unwrap().removed);
        bridge.finish().await;
    }

    async fn a_client_that_comes_back_has_its_pairs_again(product) {
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        let pair = bridge.pair_of(&incident).await.unwrap();
        let all = bridge.wanted().await;
        let name = {
            let clients = bridge.store.installation().await.unwrap().clients;
            clients.iter().find(|client| client.id == pair.client).unwrap().name.clone()
        };
        for kept_in_mind in [true, false] {
            bridge.prune_to(&without(&all, &name)).await;
            assert_eq!(bridge.client(&name).await, None);
            if !kept_in_mind {
                // taken out by an older version of this program: its pairs know it
                let mut tx = bridge.store.begin().await.unwrap();
                tx.put_removed_clients(&[]).await.unwrap();
                tx.commit().await.unwrap();
            }
            bridge.prune_to(&all).await;
            assert_eq!(bridge.client(&name).await, Some(pair.client), "kept in mind: {kept_in_mind}");
        }
        // another name for the same client of Halo
        bridge.prune_to(&renamed(&all, &name, "Another name")).await;
        assert_eq!(bridge.client("Another name").await, Some(pair.client));
        bridge.prune_to(&all).await;
        assert_eq!(bridge.client(&name).await, Some(pair.client));
        // the same name at another client of Halo is somebody else
        bridge.prune_to(&without(&all, &name)).await;
        let mut elsewhere = all.clone();
        for client in elsewhere.clients.iter_mut().filter(|client| client.name == name) {
            client.halo.as_mut().unwrap().halo_client_id = 9_999;
        }
        bridge.prune_to(&elsewhere).await;
        assert_ne!(bridge.client(&name).await, Some(pair.client));
        bridge.prune_to(&without(&all, &name)).await;
        bridge.prune_to(&all).await;
        assert_eq!(bridge.client(&name).await, Some(pair.client));
        // one chain, which goes on, and one ticket
        bridge.close_incident(&incident, json!({}));
        bridge.pass(600).await;
        assert_eq!(bridge.tickets().len(), 1);
        assert_eq!(bridge.pair_of(&incident).await.unwrap().client, pair.client);
        bridge.store.verify(Chain::of(Some(pair.client))).await.unwrap();
        bridge.finish().await;
    }
}
