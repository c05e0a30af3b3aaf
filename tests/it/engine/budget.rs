//! Our own budget of reads has no room: who waits for it is no failed run, and is read in the end.

use halobridge::{
    domain::run::RunCause,
    ledger::fact::Fact,
    outbound::budget::{Class, Kind},
    store::LedgerFilter,
};
use jiff::SignedDuration;

use super::bridge::*;

impl Bridge {
    /// Whether each run that the ledger keeps ended well, of those that people asked for.
    async fn asked_runs(&self) -> Vec<bool> {
        let filter = LedgerFilter { fact: Some("run-ended".into()), ..LedgerFilter::default() };
        let rows = self.store.ledger_page(&filter, None, 10_000).await.unwrap();
        let of = |fact| match fact {
            Some(Fact::RunEnded { run }) if run.cause == RunCause::Person => Some(run.failure.is_none()),
            _ => None,
        };
        rows.into_iter().filter_map(|item| of(item.fact)).collect()
    }
}

both! {
    async fn waiting_for_our_own_budget_is_no_failed_run(product) {
        use halobridge::clock::Clock as _;
        let bridge = Bridge::with(Setup { workspaces: 3, ..Setup::new(product) }).await;
        bridge.pass(120).await;
        let before = bridge.asked_runs().await.len();
        let all = bridge.store.installation().await.unwrap().workspaces;
        assert_eq!(all.len(), 3);
        for workspace in &all {
            bridge.engine.poke_workspace(workspace.id, RunCause::Person);
        }
        // Room comes and is gone again, second by second.
        for _ in 0..60 {
            let now = bridge.clock.now();
            for (_, budget) in bridge.engine.registry().subscription_budgets() {
                budget.told_to_wait(now, now + SignedDuration::from_millis(1_010));
                assert!(budget.free_at(now, Kind::Read, Class::Interactive, 1) > now);
            }
            bridge.advance(1).await;
        }
        assert_eq!(bridge.asked_runs().await.len(), before, "nothing was read, and nothing failed");
        bridge.pass(300).await;
        let runs = bridge.asked_runs().await;
        assert_eq!(runs.len() - before, 3, "each is read, once");
        assert!(runs.iter().all(|well| *well));
        bridge.finish().await;
    }
}
