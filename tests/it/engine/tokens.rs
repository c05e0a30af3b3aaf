//! One token for an API application in one process: a Halo that revokes the earlier token with each new one is asked by the
//! engine and by an admin's test at the same time.

use std::sync::{Arc, Mutex};

use halobridge::{
    service::halo_probe::{self, Typed},
    store::{LedgerFilter, SecretOwner},
    twin::options::Product,
};
use secrecy::SecretString;
use serde_json::json;

use super::bridge::*;

/// A Halo that lets one token live, an incident and its ticket.
async fn linked(product: Product) -> (Bridge, String, i64) {
    Bridge::linked(Setup { switches: vec![("token_revokes_earlier", "on")], ..Setup::new(product) }).await
}

impl Bridge {
    /// The instance as it is set up, for a test of it.
    async fn instance(&self) -> Typed {
        let connection = self.store.installation().await.unwrap().halo.remove(0);
        let secret = self.store.secret(SecretOwner::Connection(connection.id), "client_secret").await.unwrap();
        Typed::of(&connection, secret.unwrap())
    }

    fn tokens(&self) -> u64 {
        self.calls("halo.auth.token")
    }

    /// How often anything was paused since the beginning.
    async fn times_paused(&self) -> usize {
        let filter = LedgerFilter { fact: Some("paused".into()), ..LedgerFilter::default() };
        self.store.ledger_page(&filter, None, 100).await.unwrap().len()
    }

    /// A word of an analyst gets to Halo.
    async fn crosses(&self, incident: &str, ticket: i64, said: &str) {
        self.comment(incident, said);
        self.cross().await;
        let notes = self.notes_of(ticket);
        assert_eq!(notes.iter().filter(|note| words(note).contains(said)).count(), 1, "{notes:#?}");
        assert_eq!(self.times_paused().await, 0);
    }
}

both! {
    /// Each test signs in while a call of the engine is under way: the second just before that call is sent again.
    async fn a_test_of_a_live_instance_and_the_engine_take_no_token_from_each_other(product) {
        let (bridge, incident, ticket) = linked(product).await;
        let (app, admin) = bridge.admin();
        let typed = bridge.instance().await;
        let tokens = bridge.tokens();
        let found = Arc::new(Mutex::new(Vec::new()));
        for _ in 0..2 {
            let (app, admin, typed, found) = (app.clone(), admin.clone(), typed.clone(), Arc::clone(&found));
            bridge.meanwhile(format!("/tickets/{ticket}"), async move {
                let told = halo_probe::probe(&app, &admin, &typed, None).await.unwrap();
                found.lock().unwrap().push(told);
            });
        }
        bridge.crosses(&incident, ticket, "said during a test").await;
        let found = found.lock().unwrap().clone();
        assert_eq!(found.len(), 2, "both were run");
        assert!(found.iter().all(|told| told.well()), "{found:#?}");
        assert_eq!(bridge.tokens(), tokens + 2, "one for each test, and the engine goes on with it");
        bridge.finish().await;
    }

    async fn a_test_that_is_refused_takes_no_token_from_the_engine(product) {
        let (bridge, incident, ticket) = linked(product).await;
        let (app, admin) = bridge.admin();
        let typed = bridge.instance().await;
        let tokens = bridge.tokens();
        let other = Typed { client_secret: SecretString::from("another one"), ..typed.clone() };
        let told = halo_probe::probe(&app, &admin, &other, None).await.unwrap();
        assert!(!told.well(), "another secret is tried for itself: {told:#?}");
        bridge.fault(json!({ "effect": "status", "status": 401, "kind": "halo.auth.token", "count": 1 }));
        let told = halo_probe::probe(&app, &admin, &typed, None).await.unwrap();
        assert!(!told.well(), "the kept one is tried too, whatever token there is: {told:#?}");
        bridge.crosses(&incident, ticket, "said after the refusals").await;
        assert_eq!(bridge.tokens(), tokens + 2);
        // What was mended in Halo shows with the next test at once.
        let told = halo_probe::probe(&app, &admin, &typed, None).await.unwrap();
        assert!(told.well(), "{told:#?}");
        bridge.crosses(&incident, ticket, "said after the test").await;
        assert_eq!(bridge.tokens(), tokens + 3);
        bridge.finish().await;
    }

    /// The adapters are made anew, and their token is asked for once: who still holds the former ones has it too.
    async fn a_configuration_that_is_taken_up_again_asks_for_one_token(product) {
        let (mut bridge, incident, ticket) = linked(product).await;
        let former = bridge.engine.registry().halo(bridge.store.installation().await.unwrap().halo[0].id).unwrap();
        let tokens = bridge.tokens();
        bridge.setup.settle_secs = 61;
        bridge.apply().await;
        bridge.crosses(&incident, ticket, "said under the new one").await;
        former.me(halobridge::outbound::budget::Class::Interactive).await.unwrap();
        bridge.crosses(&incident, ticket, "said after the former").await;
        assert_eq!(bridge.tokens(), tokens + 1);
        bridge.finish().await;
    }
}
