//! A stop: what only reads is given up at once, what writes is waited for.

use halobridge::engine::Unit;
use serde_json::json;

use super::bridge::*;

/// The first unit of a kind that comes up; what comes before it is run.
async fn due(bridge: &Bridge, wanted: fn(&Unit) -> bool) -> Unit {
    for _ in 0..20 {
        let units = bridge.engine.due(usize::MAX).await.unwrap();
        let found = units.iter().copied().find(wanted);
        for unit in units.into_iter().filter(|unit| Some(*unit) != found) {
            bridge.engine.run(unit).await;
        }
        if let Some(found) = found {
            return found;
        }
    }
    panic!("no such unit came up")
}

both! {
    async fn a_read_under_way_is_given_up_and_read_at_the_next_start(product) {
        let mut bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({}));
        bridge.clock.advance(jiff::SignedDuration::from_secs(31));
        let poll = due(&bridge, |unit| matches!(unit, Unit::Poll(_))).await;
        assert_eq!(bridge.run_and_stop(poll, "GET /arm/").await, Some(false), "given up at once");
        bridge.restart_cold().await;
        bridge.pass(60).await;
        bridge.ticket_of(&incident).await;
        bridge.finish().await;
    }

    async fn a_write_under_way_is_waited_for(product) {
        let mut bridge = Bridge::new(product).await;
        // Two: of one alone the poll itself would ask for the ticket.
        let incidents = [bridge.raise(json!({})), bridge.raise(json!({}))];
        bridge.clock.advance(jiff::SignedDuration::from_secs(31));
        let pair = due(&bridge, |unit| matches!(unit, Unit::Pair(_))).await;
        assert_eq!(bridge.run_and_stop(pair, "POST /halo/api/").await, None, "its outcome would be unknown");
        // The process was ended all the same: it is looked for, and made once.
        bridge.restart_cold().await;
        bridge.pass_by(240, 10).await;
        for incident in &incidents {
            bridge.ticket_of(incident).await;
        }
        assert_eq!(bridge.tickets().len(), 2);
        bridge.finish().await;
    }
}
