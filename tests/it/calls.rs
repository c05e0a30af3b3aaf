//! Bars P1 and P8, the part that can be counted: calls made against the fewest possible.

use halobridge::twin::options::TwinOptions;

use crate::{
    inside::{Inside, beginning, of, work},
    outside::Wanted,
};

/// Imports `each` incidents of 20 workspaces and gives calls made, and the fewest there can be.
async fn import(evidence: bool, each: usize) -> (Vec<(String, u64)>, u64) {
    const WORKSPACES: usize = 20;
    let options = TwinOptions { workspaces: WORKSPACES, ..TwinOptions::new(5, beginning()) };
    let world = Inside::new(options, &Wanted { evidence, ..Wanted::default() }).await;
    world.run().await;
    world.forget_calls();
    world.raise(each);
    world.after(30).await;
    // Halo tells of the new tickets; nobody has done anything to them.
    world.after(20).await;
    world.after(20).await;
    let total = WORKSPACES * each;
    assert_eq!((world.incidents(), world.tickets()), (total, total), "every incident has one ticket");
    let calls = world.calls();
    let total = total as u64;
    assert_eq!(of(&calls, "halo.tickets.post"), total);
    let details = if evidence { 2 } else { 0 };
    // In two-way each incident gets one comment that names its ticket: nothing but a write of its own makes it.
    assert_eq!(of(&calls, "sentinel.comment.put"), total);
    // Lists are shared by what they tell of; each poll of a workspace is one, and each page of Halo's.
    let lists = of(&calls, "sentinel.incident.list") + of(&calls, "halo.tickets.list");
    let pages = total.div_ceil(100);
    let polls = 3 * WORKSPACES as u64;
    assert!(lists <= polls + 4 * (pages + 1), "{lists} lists: {calls:?}");
    (calls, total * (2 + details) + lists)
}

#[tokio::test]
async fn an_import_makes_hardly_more_calls_than_there_must_be() {
    for evidence in [false, true] {
        let (calls, fewest) = import(evidence, 15).await;
        let made = work(&calls);
        eprintln!("evidence {evidence}: {made} calls, fewest {fewest}: {calls:?}");
        assert!(made * 100 <= fewest * 105, "{made} calls where {fewest} do: {calls:?}");
    }
}

#[tokio::test]
async fn an_idle_poll_of_500_workspaces_is_501_calls() {
    let options = TwinOptions { workspaces: 500, ..TwinOptions::new(5, beginning()) };
    let world = Inside::new(options, &Wanted { halo_poll_secs: 30, ..Wanted::default() }).await;
    world.run().await;
    for cycle in 0..3 {
        world.forget_calls();
        world.after(30).await;
        let calls = world.calls();
        let expected = [("sentinel.incident.list", 500), ("halo.tickets.list", 1)];
        let all: u64 = calls.iter().map(|(_, count)| count).sum();
        assert!(expected.iter().all(|(kind, count)| of(&calls, kind) == *count), "cycle {cycle}: {calls:?}");
        assert_eq!(all, 501, "cycle {cycle}: {calls:?}");
    }
}
