//! Against the documented limits, in small: a backlog uses them up and lets what is fresh pass, an outage is got over as fast
//! as they allow, and what is broken at one client costs the others nothing. All times are those of the world's clock.

use serde_json::json;

use super::bridge::*;
use crate::limited::{Away, Broken, Outage, backlog, beside, recovery};

/// P2 and P4. So soon after the beginning, what went at once then still slows the rest down: over an hour `make bench
/// ARGS="p4"` shows the share of P2.
#[tokio::test]
async fn a_backlog_uses_what_is_permitted_and_fresh_incidents_pass_it() {
    let found = backlog(5, 750, 60, (310, 400)).await;
    assert!(found.left > 0, "there was backlog all the while: {found:?}");
    assert_eq!(found.refused, 0, "{found:?}");
    let share = found.asked as f64 / found.permitted;
    assert!(share >= 0.9, "{share}: {found:?}");
    assert!(found.fresh.waits.len() >= 20 && found.fresh.without == 0, "{found:?}");
    assert!(found.fresh.waits.iter().all(|secs| *secs <= 2.0), "{found:?}");
}

/// R15. What the limit allows is counted from the calls made; until the first reading finds that the side answers again a
/// minute may pass, which is nothing beside a day's changes.
async fn got_over(away: Away) {
    let found = recovery(Outage { away, hours: 6, places: 5, pairs: 20, rounds: 4, poll_secs: 60 }).await;
    assert_eq!((found.pairs, found.changes), (100, 400));
    assert_eq!((found.lost, found.dead, found.refused), (0, 0, 0), "{found:?}");
    assert!(found.secs.is_some_and(|secs| secs <= 1.1 * found.allowed + 60.0), "{found:?}");
    assert!(found.asked <= found.fewest * 2, "{found:?}");
}

#[tokio::test]
async fn an_outage_of_halo_is_got_over_as_fast_as_the_limit_allows() {
    got_over(Away::Halo).await;
}

#[tokio::test]
async fn an_outage_of_sentinel_is_got_over_as_fast_as_the_limit_allows() {
    got_over(Away::Sentinel).await;
}

/// R14.
#[tokio::test]
async fn what_is_broken_at_one_client_delays_nobody_else() {
    for broken in [Broken::Nothing, Broken::DeadTenant, Broken::Refused, Broken::Poisoned] {
        let fresh = beside(broken, 5, 600).await;
        assert!(fresh.waits.len() >= 25 && fresh.without == 0, "{broken:?}: {fresh:?}");
        assert!(fresh.waits.iter().all(|secs| *secs <= 1.0), "{broken:?}: {fresh:?}");
    }
}

both! {
    /// Its waits have grown to an hour by then.
    async fn what_waits_for_a_side_that_was_away_is_tried_as_soon_as_it_answers(product) {
        for (kind, side) in [("halo.*", "halo"), ("sentinel.*", "sentinel")] {
            let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
            bridge.fault(json!({ "effect": "status", "status": 503, "kind": kind }));
            if side == "halo" {
                bridge.comment(&incident, "said meanwhile");
            } else {
                bridge.note(ticket, "<p>said meanwhile</p>", json!({}));
            }
            bridge.pass_by(6 * 3_600, 300).await;
            let row = bridge.situation_of(&incident).await;
            assert_eq!(row.operations.iter().filter(|operation| operation.state.open()).count(), 1, "{row:?}");
            bridge.heal();
            bridge.pass_by(120, 10).await;
            let said = match side {
                "halo" => bridge.notes_of(ticket).iter().map(words).collect::<Vec<_>>(),
                _ => bridge.comments_of(&incident),
            };
            assert_eq!(said.iter().filter(|text| text.contains("said meanwhile")).count(), 1, "{side}: {said:?}");
            bridge.finish().await;
        }
    }
}
