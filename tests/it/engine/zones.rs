//! Two Halo instances, each of which tells its own local time as if it were UTC.

use halobridge::{
    clock::Clock as _,
    domain::{pair::SyncState, run::RunScope},
    twin::options::Product,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::bridge::*;

/// Name in the twin, address, and hours ahead of UTC.
const DESKS: [(&str, &str, i64); 2] = [("halo", "/halo/api", -5), ("second", "/second/api", 9)];

/// The ticket as it is in one of the instances: both count from the same number on.
fn ticket_in(bridge: &Bridge, desk: &str, id: i64) -> Value {
    bridge.tickets_in(desk).into_iter().find(|ticket| ticket["id"] == id).unwrap_or(Value::Null)
}

/// Each with its incident and its ticket.
async fn linked(bridge: &Bridge) -> Vec<(&'static str, String, i64)> {
    let incidents: Vec<String> = (0..DESKS.len()).map(|place| bridge.raise_in(place, json!({}))).collect();
    bridge.cross().await;
    let mut linked = Vec::new();
    for ((desk, ..), incident) in DESKS.into_iter().zip(incidents) {
        let ticket = bridge.ticket_of(&incident).await;
        linked.push((desk, incident, ticket));
    }
    linked
}

/// A linked pair whose instance tells local time, just after its clock was put back by an hour: what happens now bears an
/// older time than what is known.
async fn in_the_hour_that_comes_twice(product: Product, summer: i64) -> (Bridge, String, i64) {
    let bridge = Bridge::new(product).await;
    bridge.tells_local_time("/halo/api", summer);
    let incident = bridge.raise(json!({}));
    bridge.cross().await;
    let ticket = bridge.ticket_of(&incident).await;
    bridge.note(ticket, "<p>noted in summer</p>", json!({}));
    bridge.pass(600).await;
    assert_eq!(bridge.comments_with(&incident, "noted in summer"), 1);
    bridge.tells_local_time("/halo/api", summer - 1);
    bridge.pass(600).await;
    (bridge, incident, ticket)
}

both! {
    async fn a_ticket_that_agents_close_in_the_hour_that_comes_twice_is_closed_in_sentinel(product) {
        for summer in [2, -5] {
            let (bridge, incident, ticket) = in_the_hour_that_comes_twice(product, summer).await;
            bridge.close_ticket_as(ticket, 1);
            bridge.pass(900).await;
            assert_eq!(bridge.incident(&incident)["properties"]["status"], "Closed", "{summer}");
            let writes = bridge.writes();
            bridge.pass_by(7_200, 60).await;
            assert_eq!(bridge.writes(), writes, "{summer}: and stays so");
            bridge.finish().await;
        }
    }

    async fn what_we_close_in_the_hour_that_comes_twice_is_not_opened_again(product) {
        for summer in [2, -5] {
            let (bridge, incident, ticket) = in_the_hour_that_comes_twice(product, summer).await;
            bridge.close_incident(&incident, json!({ "classification": "Undetermined" }));
            bridge.cross().await;
            assert_eq!(bridge.ticket(ticket)["hasbeenclosed"], true, "{summer}");
            let writes = bridge.writes();
            bridge.pass_by(7_200, 60).await;
            assert_eq!(bridge.incident(&incident)["properties"]["status"], "Closed", "{summer}");
            assert_eq!(bridge.writes(), writes, "{summer}: nothing is opened again");
            bridge.finish().await;
        }
    }

    async fn a_change_in_the_hour_that_comes_twice_makes_no_calls_without_end(product) {
        let (bridge, incident, ticket) = in_the_hour_that_comes_twice(product, 2).await;
        let path = format!("/tickets/{ticket}");
        let reads = || {
            bridge.twin.with(|world, _| {
                let reads = world.calls.iter().filter(|call| call.method == "GET");
                reads.filter(|call| call.path.to_lowercase().ends_with(&path)).count()
            })
        };
        let before = reads();
        bridge.act("ticket.update", json!({ "ticket_id": ticket, "priority_id": 1 }));
        bridge.pass(60).await;
        bridge.update(&incident, json!({ "severity": "Low" }));
        bridge.pass(600).await;
        let some = reads() - before;
        assert!(some < 10, "{some} readings of one ticket");
        bridge.finish().await;
    }

    /// What one says of the time is nothing to the other: each is followed by its own, however far that is from ours, and
    /// nothing crosses late, twice or to the ticket of the same number in the other one.
    async fn two_instances_of_different_zones_are_each_followed_by_their_own_time(product) {
        let bridge = Bridge::with(Setup { second_halo: true, ..Setup::new(product) }).await;
        for (_, address, hours) in DESKS {
            bridge.tells_local_time(address, hours);
        }
        let open = linked(&bridge).await;
        // Longer apart than a poll looks back.
        for round in 0..3 {
            bridge.pass(600).await;
            for (desk, incident, ticket) in &open {
                bridge.note(*ticket, &format!("<p>noted at {desk}, {round}</p>"), json!({ "halo": desk }));
                bridge.comment(incident, &format!("commented for {desk}, {round}"));
            }
            bridge.cross().await;
            for (desk, incident, ticket) in &open {
                let said = bridge.comments_of(incident);
                let noted = format!("noted at {desk}, {round}");
                assert_eq!(said.iter().filter(|text| text.contains(&noted)).count(), 1, "{said:?}");
                assert_eq!(said.iter().filter(|text| text.contains("noted at")).count(), round + 1, "{said:?}");
                let ticket = ticket_in(&bridge, desk, *ticket);
                let notes: Vec<String> = ticket["actions"].as_array().unwrap().iter().map(words).collect();
                let commented = format!("commented for {desk}, {round}");
                assert_eq!(notes.iter().filter(|text| text.contains(&commented)).count(), 1, "{notes:?}");
                assert_eq!(notes.iter().filter(|text| text.contains("commented for")).count(), round + 1, "{notes:?}");
            }
        }
        for ((desk, incident, _), (.., hours)) in open.iter().zip(DESKS) {
            let pair = bridge.pair_of(incident).await.unwrap();
            assert_eq!((pair.sync, pair.reason), (SyncState::InStep, None), "{desk}");
            let cursor = bridge.store.halo_cursor(pair.halo).await.unwrap().unwrap();
            let standings = bridge.engine.standings();
            let own = standings.iter().find(|found| found.scope == RunScope::Halo { id: pair.halo }).unwrap();
            let ahead = own.standing.note.as_ref().is_some_and(|note| note.contains("yet to come"));
            let now = bridge.clock.now();
            if hours > 0 {
                assert!(ahead && cursor < now, "times to come are told of, and move no cursor: {cursor}");
            } else {
                let local = now + SignedDuration::from_hours(hours);
                assert!(!ahead && cursor <= local, "{cursor} is no time of {desk}, where it is {local}");
                assert!(cursor > local - SignedDuration::from_mins(10), "{cursor} is behind, where it is {local}");
            }
        }
        bridge.finish().await;
    }

    /// A closing is no older than what was written before it, nor what follows it, whatever the clock on the wall says.
    async fn what_is_closed_in_either_zone_is_closed_on_the_other_side_and_stays_so(product) {
        let bridge = Bridge::with(Setup { second_halo: true, ..Setup::new(product) }).await;
        for (_, address, hours) in DESKS {
            bridge.tells_local_time(address, hours);
        }
        let (by_agents, by_analysts) = (linked(&bridge).await, linked(&bridge).await);
        bridge.pass(600).await;
        for (desk, _, ticket) in &by_agents {
            let chosen = json!([{ "name": "CFSentinelClassification", "value": 1 }]);
            bridge.close_ticket(*ticket, json!({ "halo": desk, "customfields": chosen }));
        }
        for (_, incident, _) in &by_analysts {
            bridge.close_incident(incident, json!({ "classification": "Undetermined" }));
        }
        bridge.cross().await;
        let closed = || {
            for (desk, incident, ticket) in by_agents.iter().chain(&by_analysts) {
                assert_eq!(bridge.incident(incident)["properties"]["status"], "Closed", "{desk}");
                assert_eq!(ticket_in(&bridge, desk, *ticket)["hasbeenclosed"], true, "{desk}");
            }
        };
        closed();
        let writes = bridge.writes();
        bridge.pass(600).await;
        assert_eq!(bridge.writes(), writes, "nothing is opened again");
        closed();
        bridge.finish().await;
    }
}
