//! Our own budget of reads has no room: who waits for it is no failed run, and is read in the end.

use halobridge::{
    domain::run::RunCause,
    ledger::fact::Fact,
    outbound::budget::{Class, Kind},
    service::tickets,
    store::LedgerFilter,
};
use jiff::SignedDuration;
use serde_json::json;

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

    /// Azure told one call to wait: the others of the subscription say so, and not that our own budget is used up.
    async fn a_wait_that_azure_asked_for_is_told_as_that(product) {
        use halobridge::{clock::Clock as _, domain::run::RunScope};
        let bridge = Bridge::new(product).await;
        bridge.pass(120).await;
        let now = bridge.clock.now();
        for (_, budget) in bridge.engine.registry().subscription_budgets() {
            budget.told_to_wait(now, now + SignedDuration::from_mins(10));
        }
        bridge.pass(90).await;
        let mut told = 0;
        for scope in bridge.engine.standings() {
            if let (RunScope::Workspace { .. }, Some((_, failure))) = (scope.scope, scope.standing.last_failure) {
                assert!(failure.message.starts_with("Azure asked to wait until 2026-03-02T09:"), "{}", failure.message);
                told += 1;
            }
        }
        assert_eq!(told, 2);
        bridge.pass(900).await;
        bridge.finish().await;
    }

    /// Our own pace is not Halo's word, and each is told as what it is, also on the page of runs, where neither has failed.
    async fn a_wait_that_halo_asked_for_is_told_from_our_own_pace(product) {
        use halobridge::{clock::Clock as _, domain::{run::RunScope, view::runs::RunFilter}, service::runs};
        let bridge = Bridge::new(product).await;
        bridge.pass(120).await;
        let (_, budget) = bridge.engine.registry().halo_budgets().remove(0);
        let (app, olga) = super::person::operator(&bridge);
        let said = async || {
            let view = runs::view(&app, &olga, RunFilter::default()).await.unwrap();
            let source = view.sources.into_iter().find(|source| matches!(source.scope, RunScope::Halo { .. })).unwrap();
            assert!(source.last.is_none_or(|run| run.failure.is_none()));
            source.waits.map(|(_, why)| why).unwrap_or_default()
        };
        assert_eq!(said().await, "");
        while budget.take(bridge.clock.now(), Kind::Halo, Class::Interactive).is_ok() {}
        bridge.pass(60).await;
        let own = said().await;
        assert!(own.starts_with("Our own budget of requests to Halo is used up"), "{own}");
        let now = bridge.clock.now();
        budget.told_to_wait(now, now + SignedDuration::from_mins(10));
        bridge.pass(420).await;
        let told = said().await;
        assert!(told.starts_with("Halo asked to wait until 2026-03-02T09:"), "{told}");
        bridge.pass(900).await;
        assert_eq!(said().await, "");
        bridge.finish().await;
    }

    /// With one place alone a look would read the ticket again and again, and its notes never.
    async fn a_look_reads_a_ticket_once_there_is_room_for_its_notes_too(product) {
        use halobridge::clock::Clock as _;
        let (bridge, incident, ticket) = Bridge::linked(Setup { notes: "all", ..Setup::new(product) }).await;
        bridge.pass_by(600, 60).await;
        bridge.note(ticket, "<p>said just now</p>", json!({}));
        let (_, budget) = bridge.engine.registry().halo_budgets().remove(0);
        let now = bridge.clock.now();
        while budget.left(now, Kind::Halo, Class::Interactive) > 1 {
            budget.take(now, Kind::Halo, Class::Interactive).unwrap();
        }
        let read = bridge.calls("halo.tickets.get");
        bridge.engine.look_again(bridge.pair_of(&incident).await.unwrap().id);
        bridge.pass_by(60, 1).await;
        assert_eq!(bridge.calls("halo.tickets.get"), read);
        bridge.pass_by(600, 10).await;
        assert_eq!(bridge.calls("halo.tickets.get"), read + 1);
        assert_eq!(bridge.comments_with(&incident, "said just now"), 1);
        bridge.finish().await;
    }

    /// Comments for which our own budget has no place wait beside the polls, which go on and count no failure.
    async fn comments_that_wait_for_a_place_hold_up_no_poll(product) {
        use halobridge::clock::Clock as _;
        let bridge = Bridge::new(product).await;
        let incidents: Vec<String> = (0..8).map(|_| bridge.raise(json!({}))).collect();
        bridge.pass(120).await;
        let mut tickets = Vec::new();
        for incident in &incidents {
            tickets.push(bridge.ticket_of(incident).await);
        }
        for (_, budget) in bridge.engine.registry().subscription_budgets() {
            while budget.take(bridge.clock.now(), Kind::CommentsRead, Class::Comment).is_ok() {}
        }
        for incident in &incidents {
            bridge.comment(incident, "the playbook's");
        }
        let crossed = || tickets.iter().filter(|ticket| !bridge.notes_of(**ticket).is_empty()).count();
        let mut waited = false;
        for _ in 0..120 {
            bridge.advance(1).await;
            for scope in bridge.engine.standings() {
                assert!(scope.standing.last_failure.is_none(), "{:?}", scope.standing.last_failure);
            }
            waited |= (1..8).contains(&crossed());
        }
        assert!(waited, "there were not places for all of them at once");
        assert_eq!(crossed(), 8, "each is read as soon as there is a place");
        bridge.finish().await;
    }

    /// A new incident has its ticket at once, and its comments follow as there are places.
    async fn nor_do_those_of_new_incidents(product) {
        use halobridge::clock::Clock as _;
        let bridge = Bridge::new(product).await;
        bridge.pass(60).await;
        let incidents: Vec<String> = (0..8).map(|_| bridge.raise(json!({}))).collect();
        for incident in &incidents {
            bridge.comment(incident, "the playbook's");
        }
        for (_, budget) in bridge.engine.registry().subscription_budgets() {
            while budget.take(bridge.clock.now(), Kind::CommentsRead, Class::Comment).is_ok() {}
        }
        for _ in 0..150 {
            bridge.advance(1).await;
            for scope in bridge.engine.standings() {
                assert!(scope.standing.last_failure.is_none(), "{:?}", scope.standing.last_failure);
            }
        }
        for incident in &incidents {
            let ticket = bridge.ticket_of(incident).await;
            assert_eq!(bridge.notes_of(ticket).len(), 1);
        }
        bridge.finish().await;
    }

    /// What pages ask counts like the engine's own calls, and needs no token of its own.
    async fn what_pages_ask_of_halo_counts_in_the_instances_budget(product) {
        use halobridge::clock::Clock as _;
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        let number = bridge.ticket_of(&incident).await.to_string();
        let (app, admin) = bridge.admin();
        let (_, budget) = bridge.engine.registry().halo_budgets().remove(0);
        let used = || budget.state(bridge.clock.now()).used;
        let (before, tokens, reads) = (used(), bridge.calls("halo.auth.token"), bridge.calls("halo.tickets.get"));
        for _ in 0..3 {
            let seen = tickets::view(&app, &admin, "", Some(&number)).await.unwrap();
            assert!(seen.found.is_some(), "{:?}", seen.form);
        }
        assert_eq!((bridge.calls("halo.auth.token"), bridge.calls("halo.tickets.get")), (tokens, reads + 3));
        assert_eq!(used(), before + 3);
        // Nor do they ask while Halo has asked to wait.
        let now = bridge.clock.now();
        budget.told_to_wait(now, now + SignedDuration::from_mins(10));
        let seen = tickets::view(&app, &admin, "", Some(&number)).await.unwrap();
        assert!(seen.found.is_none());
        assert_eq!(bridge.calls("halo.tickets.get"), reads + 3);
        bridge.finish().await;
    }
}
