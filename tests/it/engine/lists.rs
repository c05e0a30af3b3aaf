//! Lists of several pages that change while they are read, and lists that tell what cannot be.

use halobridge::twin::options::Product;
use jiff::SignedDuration;
use serde_json::json;

use super::bridge::{Bridge, Setup};

/// Whether a request asks for a page of incidents.
fn asks_for_incidents(request: &http::Request<bytes::Bytes>) -> bool {
    request.method() == "GET" && request.uri().path().ends_with("/incidents")
}

/// Incidents that nobody has read yet, one made a minute, at a service whose pages hold twenty and whose tokens count
/// rows.
async fn unread(count: usize, switches: &[(&'static str, &'static str)]) -> (Bridge, Vec<String>) {
    let mut all = vec![("incident_page_max", "20"), ("skip_by_offset", "on")];
    all.extend_from_slice(switches);
    let setup = Setup { mode: "observe", workspaces: 1, switches: all, ..Setup::new(Product::Itsm) };
    let bridge = Bridge::with(setup).await;
    let mut incidents = Vec::new();
    for _ in 0..count {
        bridge.clock.advance(SignedDuration::from_mins(1));
        incidents.push(bridge.raise(json!({})));
    }
    // Far behind the overlap of the poll after the next.
    bridge.clock.advance(SignedDuration::from_mins(15));
    (bridge, incidents)
}

#[tokio::test]
async fn incidents_that_change_between_two_pages_push_no_other_out_of_the_list() {
    let (bridge, incidents) = unread(45, &[]).await;
    let (twin, workspace) = (bridge.twin.clone(), bridge.workspace_name(0));
    let mut changed = vec![incidents[0].clone(), incidents[1].clone()];
    bridge.mutate(move |request, _| {
        if asks_for_incidents(request) {
            for incident in changed.drain(..) {
                let change = json!({ "workspace": &workspace, "incident": incident, "severity": "Low" });
                twin.act("incident.update", &change);
            }
        }
    });
    let before = bridge.calls("sentinel.incident.list");
    bridge.run().await;
    assert_eq!(bridge.calls("sentinel.incident.list") - before, 3, "and it costs no call");
    bridge.mutate_no_more();
    for incident in &incidents {
        assert!(bridge.subject_of(incident).await.is_some(), "{incident} was left out");
    }
    bridge.pass(60).await;
    bridge.finish().await;
}

/// Where the order is not kept, nothing but the link leads on.
#[tokio::test]
async fn an_incident_that_goes_away_between_two_pages_takes_no_other_with_it() {
    for switch in ["modified_order_refused", "order_ignored"] {
        let (bridge, mut incidents) = unread(45, &[(switch, "on")]).await;
        let (twin, workspace) = (bridge.twin.clone(), bridge.workspace_name(0));
        // Such a list shows the newest first.
        let mut gone = incidents.pop();
        bridge.mutate(move |request, body| {
            if asks_for_incidents(request)
                && body["nextLink"].is_string()
                && let Some(incident) = gone.take()
            {
                twin.act("incident.delete", &json!({ "workspace": &workspace, "incident": incident }));
            }
        });
        bridge.run().await;
        bridge.mutate_no_more();
        for incident in &incidents {
            assert!(bridge.subject_of(incident).await.is_some(), "{switch}: {incident} was left out");
        }
        bridge.pass(60).await;
        bridge.finish().await;
    }
}
