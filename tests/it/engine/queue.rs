//! What waits for a budget: paced, one client after the other, what a webhook announced first, and nothing
//! recorded while it waits.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use halobridge::{
    cli::ways::Always,
    clock::{Clock as _, SystemIds},
    domain::{account::Scope, ids::PairId},
    engine::{Engine, Unit},
    outbound::Transport,
    store::{PairFilter, PairSort},
    twin::{limits::Limits, options::TwinOptions, transport::TwinTransport},
};
use jiff::SignedDuration;
use serde_json::json;

use super::bridge::{Bridge, Setup, both};
use super::intake::hint;
use crate::{
    inside::{Inside, beginning},
    outside::Wanted,
};

const BACKLOG: usize = 140;
/// Ready pairs that the store is asked for at once.
const AT_ONCE: usize = 2_000;

async fn entries_of(bridge: &Bridge) -> i64 {
    bridge.store.verify_ledger().await.unwrap().values().map(|head| head.chain_seq).sum()
}

/// How many tickets each of Halo's clients has.
fn by_client(bridge: &Bridge) -> BTreeMap<i64, usize> {
    let mut count = BTreeMap::new();
    for ticket in bridge.tickets() {
        *count.entry(ticket["client_id"].as_i64().expect("its client")).or_default() += 1;
    }
    count
}

both! {
    async fn a_backlog_is_paced_and_a_fresh_incident_goes_before_it(product) {
        let bridge = Bridge::with(Setup { workspaces: 3, limits: Limits::Real, ..Setup::new(product) }).await;
        bridge.pass(60).await;
        for n in 0..BACKLOG {
            bridge.raise_in(n % 2, json!({}));
        }
        bridge.advance(30).await;
        let begun = bridge.tickets().len();
        assert!((5..BACKLOG).contains(&begun), "{begun} tickets when the backlog was just found");
        let entries = entries_of(&bridge).await;
        let before = by_client(&bridge);
        let mut waits = Vec::new();
        for _ in 0..4 {
            bridge.advance(11).await;
            let fresh = bridge.raise_in(2, json!({}));
            bridge.receive(bridge.sentinel_source(2).await, &hint(&bridge, &fresh)).await;
            bridge.run().await;
            let mut waited = 0;
            while bridge.pair_of(&fresh).await.and_then(|pair| pair.ticket).is_none() {
                bridge.advance(1).await;
                waited += 1;
            }
            waits.push(waited);
        }
        assert!(waits.iter().all(|waited| *waited <= 2), "seconds that fresh incidents waited: {waits:?}");
        // What waited meanwhile was not written down again and again.
        let made = i64::try_from(bridge.tickets().len() - begun).unwrap();
        let entries = entries_of(&bridge).await - entries;
        // (Evidence for which the budget had no room when the backlog was found is read meanwhile.)
        assert!(entries <= 10 * made + 150, "{entries} entries for {made} tickets");
        // Both clients with a backlog were served in turn.
        let mut served: Vec<usize> =
            by_client(&bridge).into_iter().map(|(client, now)| now - before.get(&client).copied().unwrap_or(0)).collect();
        served.sort_unstable();
        assert_eq!((served.len(), served.iter().sum::<usize>()), (3, bridge.tickets().len() - begun), "{served:?}");
        let backlog: Vec<usize> = served.into_iter().filter(|served| *served != 4).collect();
        assert!(matches!(backlog[..], [few, many] if few > 4 && many - few <= 2), "{backlog:?}");
        // With the notes that tell the evidence that had no room.
        bridge.pass_by(480, 5).await;
        assert_eq!(bridge.tickets().len(), BACKLOG + 4);
        // The service never had to refuse.
        let refused = bridge.twin.with(|world, _| world.calls.iter().filter(|call| call.status == 429).count());
        assert_eq!(refused, 0);
        bridge.finish().await;
    }

    async fn who_waits_in_line_goes_next_when_somebody_asks_for_it(product) {
        let bridge = Bridge::with(Setup { workspaces: 2, limits: Limits::Real, ..Setup::new(product) }).await;
        bridge.pass(60).await;
        let incidents: Vec<String> = (0..BACKLOG).map(|n| bridge.raise_in(n % 2, json!({}))).collect();
        bridge.advance(30).await;
        bridge.pass_by(10, 1).await;
        let mut last = None;
        for incident in &incidents {
            last = bridge.pair_of(incident).await.filter(|pair| pair.ticket.is_none()).or(last);
        }
        let last = last.expect("some wait");
        bridge.engine.sync_now(last.id);
        bridge.pass_by(4, 1).await;
        let ticket = bridge.store.pair(last.id).await.unwrap().unwrap().ticket;
        assert!(ticket.is_some() && bridge.tickets().len() < BACKLOG, "it went before the others");
        bridge.finish().await;
    }

    async fn thousands_of_open_tickets_are_read_whole_bit_by_bit(product) {
        let bridge = Bridge::with(Setup { limits: Limits::Real, ..Setup::new(product) }).await;
        for _ in 0..20 {
            bridge.raise(json!({}));
        }
        bridge.cross().await;
        bridge.pass_by(3_600, 600).await;
        let actions = |bridge: &Bridge| bridge.calls("halo.actions.list");
        let before = actions(&bridge);
        // The full reading is due six hours after the start: two of three hundred calls at each poll.
        bridge.pass_by(5 * 3_600 - 300, 600).await;
        bridge.pass_by(240, 20).await;
        let some = actions(&bridge) - before;
        assert!((2..20).contains(&some), "{some}");
        bridge.pass(600).await;
        assert_eq!(actions(&bridge) - before, 20, "every one once");
        bridge.pass_by(3_600, 600).await;
        assert_eq!(actions(&bridge) - before, 20, "and not again before the next is due");
        bridge.finish().await;
    }
}

/// Runs those of the units that are due until none is; gives the pairs whose turn it is, and runs none of them.
async fn turns(engine: &Engine, runs: impl Fn(&Unit) -> bool) -> Vec<PairId> {
    let mut pairs = Vec::new();
    loop {
        let units = engine.due(usize::MAX).await.unwrap();
        if units.is_empty() {
            return pairs;
        }
        for unit in units {
            match unit {
                Unit::Pair(pair) => pairs.push(pair),
                unit if runs(&unit) => engine.run(unit).await,
                _ => {}
            }
        }
    }
}

/// Raises incidents and plans their tickets; nothing is written.
async fn planned(world: &Inside, workspace: &str, count: usize, in_all: usize) {
    let raised = world.twin.act("incident.create", &json!({ "workspace": workspace, "count": count }));
    assert_eq!(raised.status, 200);
    for _ in 0..60 {
        world.clock.advance(SignedDuration::from_secs(30));
        turns(&world.engine, |_| true).await;
        let counters = world.store.counters(&Scope::All).await.unwrap();
        if counters.iter().map(|row| row.pairs).sum::<i64>() == i64::try_from(in_all).unwrap() {
            return;
        }
    }
    panic!("there are never {in_all} pairs");
}

/// After a start the store is asked for those that wait, some at a time and the oldest first. Those that stand in line by
/// then are still the oldest: the question reaches beyond them, and another client's few do not wait for the thousands.
#[tokio::test]
async fn of_thousands_that_wait_after_a_start_none_is_left_out() {
    let options = TwinOptions { workspaces: 2, ..TwinOptions::new(5, beginning()) };
    let world = Inside::new(options, &Wanted { evidence: false, customers: 2, ..Wanted::default() }).await;
    let places = world.places().await;
    let names: Vec<&String> = places.keys().collect();
    planned(&world, names[0], AT_ONCE + 5, AT_ONCE + 5).await;
    planned(&world, names[1], 3, AT_ONCE + 8).await;
    let filter = PairFilter { workspace: Some(places[names[1]].id), ..PairFilter::default() };
    let page = world.store.pairs_page(&filter, PairSort::default(), None, 10).await.unwrap();
    let few: BTreeSet<PairId> = page.rows.iter().map(|row| row.pair.id).collect();
    assert_eq!(few.len(), 3);

    let way: Arc<dyn Transport> = Arc::new(TwinTransport::new(world.twin.clone()));
    let ways = Arc::new(Always(way));
    let engine = Engine::new(world.store.clone(), Arc::new(world.clock.clone()), Arc::new(SystemIds), ways);
    let wakes = |unit: &Unit| matches!(unit, Unit::Configuration | Unit::Catalogue(_));
    let first: BTreeSet<PairId> = turns(&engine, wakes).await.into_iter().collect();
    assert!(first.len() == AT_ONCE && first.is_disjoint(&few), "{} at first", first.len());
    // Halo takes nothing for a while, so each of them stands in line.
    let (_, budget) = engine.registry().halo_budgets().remove(0);
    let now = world.clock.now();
    budget.told_to_wait(now, now + SignedDuration::from_mins(10));
    for pair in &first {
        engine.run(Unit::Pair(*pair)).await;
    }
    world.clock.advance(SignedDuration::from_secs(1));
    let second: BTreeSet<PairId> = turns(&engine, wakes).await.into_iter().collect();
    assert!(second.len() == 8 && second.is_disjoint(&first) && few.is_subset(&second), "{second:?}");
    for pair in &second {
        engine.run(Unit::Pair(*pair)).await;
    }
    world.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(turns(&engine, wakes).await, [], "all stand in line");
    assert_eq!(world.tickets(), 0);

    world.clock.advance(SignedDuration::from_mins(10));
    let order = turns(&engine, wakes).await;
    let each: BTreeSet<PairId> = order.iter().copied().collect();
    assert_eq!((order.len(), each.len()), (AT_ONCE + 8, AT_ONCE + 8), "each has its turn once");
    let soon: BTreeSet<PairId> = order.into_iter().take(6).collect();
    assert!(few.is_subset(&soon), "one client after the other");
}
