//! What waits for a budget: paced, one client after the other, what a webhook announced first, and nothing
//! recorded while it waits.

use std::collections::BTreeMap;

use halobridge::twin::limits::Limits;
use serde_json::json;

use super::bridge::{Bridge, Setup, both};
use super::intake::hint;

const BACKLOG: usize = 140;

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
