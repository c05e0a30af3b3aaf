//! A connection is taken out again, and the same is set up once more.

use halobridge::{
    domain::{failure::Side, ids::ConnectionId, workspace::Mode},
    service::{
        disconnect::{take_out, view},
        error::ServiceError,
    },
    store::SecretOwner,
};
use serde_json::json;

use super::bridge::*;

impl Bridge {
    async fn connection(&self, side: Side) -> (ConnectionId, String) {
        let installation = self.store.installation().await.unwrap();
        match side {
            Side::Sentinel => (installation.microsoft[0].id, installation.microsoft[0].name.clone()),
            Side::Halo => (installation.halo[0].id, installation.halo[0].name.clone()),
        }
    }
}

both! {
    async fn what_is_set_up_again_has_its_links_and_no_second_tickets(product) {
        for side in [Side::Sentinel, Side::Halo] {
            let mut bridge = Bridge::with(Setup { notes: "all", ..Setup::new(product) }).await;
            let incident = bridge.raise(json!({}));
            bridge.comment(&incident, "seen on the host");
            bridge.cross().await;
            let ticket = bridge.ticket_of(&incident).await;
            let pair = bridge.pair_of(&incident).await.unwrap().id;
            let (app, admin) = bridge.admin();
            let (id, name) = bridge.connection(side).await;

            let seen = view(&app, &admin, id).await.unwrap();
            let pairs: u64 = seen.workspaces.iter().map(|row| row.pairs).sum();
            assert_eq!((seen.side, pairs), (side, 1), "{seen:?}");
            let wrong = take_out(&app, &admin, id, &name.to_uppercase()).await;
            assert!(matches!(wrong, Err(ServiceError::Invalid(_))), "{side:?}: {wrong:?}");
            assert_eq!(bridge.connection(side).await.0, id, "nothing was changed");

            take_out(&app, &admin, id, &name).await.unwrap();
            let installation = bridge.store.installation().await.unwrap();
            assert!(bridge.store.secret_sources(SecretOwner::Connection(id)).await.unwrap().is_empty());
            match side {
                Side::Sentinel => assert!(installation.workspaces.is_empty() && installation.microsoft.is_empty()),
                Side::Halo => {
                    assert!(installation.halo.is_empty() && installation.clients[0].halo.is_none());
                    assert_eq!(installation.workspaces[0].mode, Mode::Off);
                }
            }
            assert!(matches!(take_out(&app, &admin, id, &name).await, Err(ServiceError::NotFound)));

            // Both sides go on without us, and nothing is written.
            let writes = bridge.writes();
            bridge.comment(&incident, "said while nobody listened");
            bridge.raise(json!({}));
            bridge.pass(3_700).await;
            assert_eq!(bridge.writes(), writes, "{side:?}");
            // Nor do its pairs go on saying that both sides agree.
            let said = bridge.store.pair(pair).await.unwrap().unwrap().reason.map(|reason| reason.code());
            assert_eq!(said, Some("mode-off"), "{side:?}");

            bridge.apply().await;
            bridge.pass(120).await;
            bridge.cross().await;
            assert_eq!(bridge.ticket_of(&incident).await, ticket, "{side:?}");
            assert_eq!(bridge.reason_of(&incident).await, None, "{side:?}");
            let notes = bridge.notes_of(ticket);
            for text in ["seen on the host", "said while nobody listened"] {
                let found = notes.iter().filter(|note| words(note).contains(text)).count();
                assert_eq!(found, 1, "{side:?}: {text}: {notes:?}");
            }
            assert!(bridge.tickets().len() <= 2, "{side:?}: {} tickets of two incidents", bridge.tickets().len());
            bridge.finish().await;
        }
    }
}
