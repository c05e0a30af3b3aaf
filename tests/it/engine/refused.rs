//! Steps that the database refuses for a reason of its own.

use halobridge::{clock::Clock as _, domain::view::pulse::Refused, service::pulse};
use serde_json::json;

use super::bridge::*;

impl Bridge {
    async fn told(&self) -> Option<Refused> {
        let (app, caller) = self.console();
        pulse::pulse(&app, &caller).await.unwrap().refused
    }
}

both! {
    /// A rule of the database keeps a new pair from being recorded. It is tried ever more rarely and said on every page,
    /// until it is recorded.
    async fn what_the_database_refuses_is_tried_ever_more_rarely_and_told_until_it_is_taken(product) {
        let bridge = Bridge::with(Setup { on_disk: true, ..Setup::new(product) }).await;
        bridge.run().await;
        let mut other = bridge.beside_the_store().await;
        let rule = "CREATE TRIGGER no_more BEFORE INSERT ON pairs BEGIN SELECT RAISE(ABORT, 'no more'); END";
        sqlx::raw_sql(rule).execute(&mut other).await.unwrap();
        let incident = bridge.raise(json!({}));
        assert_eq!(bridge.told().await, None);
        let before = bridge.calls("sentinel.incident.list");
        bridge.pass_by(7_200, 10).await;
        // The other workspace is read every 30 s all the while.
        let others = 7_200 / 30;
        let asked = bridge.calls("sentinel.incident.list") - before;
        assert!(asked < others + 80, "{asked}");
        let told = bridge.told().await.expect("it is told");
        let name = bridge.workspace(0).await.name;
        assert_eq!((told.count, told.does.as_str()), (1, "Reading the changed incidents"));
        assert_eq!((told.of.as_deref(), told.pair), (Some(name.as_str()), None));
        assert!(told.why.contains("no more"), "{}", told.why);
        assert!(told.since < bridge.clock.now() && bridge.clock.now() < told.next, "{told:?}");
        assert!(bridge.pair_of(&incident).await.is_none());

        sqlx::raw_sql("DROP TRIGGER no_more").execute(&mut other).await.unwrap();
        bridge.pass_by(660, 10).await;
        assert_eq!(bridge.told().await, None);
        bridge.ticket_of(&incident).await;
        bridge.finish().await;
    }
}
