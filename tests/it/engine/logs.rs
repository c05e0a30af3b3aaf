//! A second look at completeness: what a workspace's own log names is held against what is known.

use halobridge::{
    console::components::log_check::sentence,
    domain::{
        account::Scope,
        log_check::{LogCheck, LogOutcome},
        view::drift::DriftFilter,
    },
    service::{
        App,
        caller::Caller,
        drifts,
        import_mode::Turn,
        log_checks::{self, Worker},
    },
    twin::options::Product,
};
use serde_json::{Value, json};

use super::bridge::*;

/// No list shows these incidents any more; each can still be read by its id.
fn hide(bridge: &Bridge, incidents: &[String]) {
    let incidents = incidents.to_vec();
    bridge.mutate(move |request, body| {
        if request.method() == "GET"
            && request.uri().path().ends_with("/incidents")
            && let Some(rows) = body.get_mut("value").and_then(Value::as_array_mut)
        {
            rows.retain(|row| !incidents.iter().any(|hidden| row["name"] == hidden.as_str()));
        }
    });
}

/// Whatever the worker can do now, and what the engine makes of it.
async fn work(bridge: &Bridge, app: &App) {
    let worker = Worker::new(app);
    for _ in 0..50 {
        match worker.turn().await.unwrap() {
            Turn::Again => bridge.run().await,
            Turn::Nothing | Turn::NotBefore(_) => return,
        }
    }
    panic!("it does not end");
}

/// What the page tells of a workspace's log.
async fn shown(bridge: &Bridge, (app, caller): &(App, Caller), place: usize) -> Option<LogCheck> {
    let workspace = bridge.workspace(place).await.id;
    let view = drifts::view(app, caller, DriftFilter::default()).await.unwrap();
    view.logs.into_iter().find(|row| row.workspace == workspace).and_then(|row| row.check)
}

/// Somebody presses the button at a workspace.
async fn compare(bridge: &Bridge, place: usize) -> LogCheck {
    let console = bridge.admin();
    log_checks::ask(&console.0, &console.1, bridge.workspace(place).await.id).await.unwrap();
    work(bridge, &console.0).await;
    shown(bridge, &console, place).await.unwrap()
}

async fn alone(product: Product) -> Bridge {
    let bridge = Bridge::with(Setup { workspaces: 1, ..Setup::new(product) }).await;
    bridge.pass(60).await;
    bridge
}

/// Longer than what is left out of a comparison.
async fn settle(bridge: &Bridge) {
    bridge.pass_by(2_400, 60).await;
}

both! {
    async fn an_incident_that_no_list_shows_is_found_in_the_log_and_gets_one_ticket(product) {
        let bridge = alone(product).await;
        bridge.raise(json!({}));
        let hidden = bridge.raise(json!({ "title": "Seen by nobody" }));
        hide(&bridge, std::slice::from_ref(&hidden));
        settle(&bridge).await;
        assert!(bridge.subject_of(&hidden).await.is_none(), "no list has shown it");
        let check = compare(&bridge, 0).await;
        assert_eq!((check.named, check.known, check.come), (2, 1, 1), "{check:#?}");
        assert!(check.unseen.is_empty() && check.outcome == LogOutcome::Compared, "{check:#?}");
        bridge.cross().await;
        let ticket = bridge.ticket_of(&hidden).await;
        assert_eq!(bridge.tickets().iter().filter(|ticket| ticket.to_string().contains("Seen by nobody")).count(), 1);
        let again = compare(&bridge, 0).await;
        assert_eq!((again.named, again.known, again.come), (2, 2, 0), "{again:#?}");
        bridge.cross().await;
        assert_eq!((bridge.ticket_of(&hidden).await, bridge.tickets().len()), (ticket, 2));
        bridge.mutate_no_more();
        bridge.finish().await;
    }

    async fn where_nothing_is_missing_the_comparison_says_so(product) {
        let bridge = alone(product).await;
        bridge.raise(json!({}));
        settle(&bridge).await;
        let check = compare(&bridge, 0).await;
        assert!(check.well(), "{check:#?}");
        assert_eq!(sentence(&check), "The log since the workspace's start names 1 incident; it is known.");
        bridge.finish().await;
    }

    async fn without_the_right_to_query_nothing_is_said_to_be_well(product) {
        let bridge = alone(product).await;
        let hidden = bridge.raise(json!({}));
        hide(&bridge, std::slice::from_ref(&hidden));
        settle(&bridge).await;
        bridge.fault(json!({ "effect": "status", "status": 403, "kind": "loganalytics.query" }));
        let refused = compare(&bridge, 0).await;
        assert!(sentence(&refused).starts_with("Not checked against its log. "), "{refused:#?}");
        assert!(sentence(&refused).contains("Log Analytics Reader") && !refused.well(), "{refused:#?}");
        bridge.heal();
        bridge.switch("log_analytics_missing", "on");
        let missing = compare(&bridge, 0).await;
        assert!(sentence(&missing).contains("An administrator must consent"), "{missing:#?}");
        assert!(!missing.well() && bridge.subject_of(&hidden).await.is_none());
        bridge.switch("log_analytics_missing", "off");
        assert_eq!(compare(&bridge, 0).await.come, 1);
        bridge.mutate_no_more();
        bridge.cross().await;
        bridge.finish().await;
    }
}

#[tokio::test]
async fn a_part_of_a_log_is_told_as_a_part_and_what_it_names_is_asked_for() {
    let bridge = alone(Product::Itsm).await;
    let hidden = bridge.raise(json!({}));
    hide(&bridge, std::slice::from_ref(&hidden));
    settle(&bridge).await;
    bridge.switch("log_partial_error", "on");
    let check = compare(&bridge, 0).await;
    assert!(matches!(check.outcome, LogOutcome::Partly { .. }) && !check.well(), "{check:#?}");
    assert!(sentence(&check).contains("This is not all of it"), "{}", sentence(&check));
    bridge.mutate_no_more();
    bridge.cross().await;
    bridge.ticket_of(&hidden).await;
    bridge.finish().await;
}

#[tokio::test]
async fn an_incident_that_was_deleted_in_sentinel_is_settled_and_not_asked_for_again() {
    let bridge = alone(Product::Itsm).await;
    let incident = bridge.raise(json!({}));
    bridge.act("incident.delete", json!({ "workspace": bridge.workspace_name(0), "incident": &incident }));
    settle(&bridge).await;
    let check = compare(&bridge, 0).await;
    assert_eq!((check.named, check.known, check.gone.len()), (1, 0, 1), "{check:#?}");
    assert!(check.well() && sentence(&check).contains("1 deleted in Sentinel"), "{}", sentence(&check));
    let reads = bridge.calls("sentinel.incident.get");
    bridge.pass_by(3_700, 60).await;
    assert!(compare(&bridge, 0).await.well());
    assert_eq!(bridge.calls("sentinel.incident.get"), reads);
    bridge.finish().await;
}

#[tokio::test]
async fn many_missing_incidents_are_asked_for_a_few_at_a_time() {
    let bridge = alone(Product::Itsm).await;
    let hidden: Vec<String> = (0..10).map(|_| bridge.raise(json!({}))).collect();
    hide(&bridge, &hidden);
    settle(&bridge).await;
    let check = compare(&bridge, 0).await;
    assert_eq!((check.named, check.unseen.len()), (10, 2), "more at once would be read by a list: {check:#?}");
    bridge.advance(30).await;
    let console = bridge.admin();
    work(&bridge, &console.0).await;
    assert!(shown(&bridge, &console, 0).await.unwrap().well());
    bridge.cross().await;
    for incident in &hidden {
        bridge.ticket_of(incident).await;
    }
    bridge.mutate_no_more();
    bridge.finish().await;
}

#[tokio::test]
async fn each_log_is_held_against_its_own_workspace_and_shown_to_who_sees_its_client() {
    let bridge = Bridge::new(Product::Itsm).await;
    bridge.pass(60).await;
    bridge.raise_in(0, json!({}));
    let hidden = bridge.raise_in(1, json!({}));
    hide(&bridge, std::slice::from_ref(&hidden));
    settle(&bridge).await;
    let (first, second) = (compare(&bridge, 0).await, compare(&bridge, 1).await);
    assert_eq!((first.named, first.known, first.come), (1, 1, 0), "{first:#?}");
    assert_eq!((second.named, second.client), (1, bridge.workspace(1).await.client), "{second:#?}");
    bridge.cross().await;
    let ticket = bridge.ticket_of(&hidden).await;
    assert_eq!(bridge.ticket(ticket)["client_id"], Product::Itsm.first_client_id() + 1);
    let (app, mut caller) = bridge.admin();
    caller.scope = Scope::Clients(vec![bridge.workspace(0).await.client]);
    let view = drifts::view(&app, &caller, DriftFilter::default()).await.unwrap();
    assert_eq!(view.logs.iter().map(|row| row.workspace).collect::<Vec<_>>(), [bridge.workspace(0).await.id]);
    bridge.mutate_no_more();
    bridge.finish().await;
}

#[tokio::test]
async fn a_live_workspace_is_compared_once_a_day_by_itself_and_another_when_somebody_asks() {
    for (mode, by_itself) in [("two-way", 1), ("observe", 0)] {
        let setup = Setup { workspaces: 1, mode, ..Setup::new(Product::Itsm) };
        let bridge = Bridge::with(setup).await;
        let console = bridge.admin();
        work(&bridge, &console.0).await;
        assert_eq!(bridge.calls("loganalytics.query"), 0, "there is nothing to compare yet");
        let young = compare(&bridge, 0).await;
        assert!(sentence(&young).contains("so short ago"), "{young:#?}");
        bridge.raise(json!({}));
        bridge.pass_by(5_400, 60).await;
        for _ in 0..3 {
            work(&bridge, &console.0).await;
        }
        assert_eq!(bridge.calls("loganalytics.query"), by_itself, "{mode}");
        bridge.pass_by(25 * 3_600, 600).await;
        work(&bridge, &console.0).await;
        assert_eq!(bridge.calls("loganalytics.query"), 2 * by_itself, "{mode}");
        assert!(compare(&bridge, 0).await.well(), "{mode}");
        assert_eq!(bridge.calls("loganalytics.query"), 2 * by_itself + 1, "{mode}");
        bridge.finish().await;
    }
}

#[tokio::test]
async fn a_comparison_that_somebody_asked_for_goes_before_those_that_are_due() {
    for (place, other) in [(0, 1), (1, 0)] {
        let bridge = Bridge::new(Product::Itsm).await;
        bridge.pass(60).await;
        settle(&bridge).await;
        let console = bridge.admin();
        log_checks::ask(&console.0, &console.1, bridge.workspace(place).await.id).await.unwrap();
        assert_eq!(Worker::new(&console.0).turn().await, Ok(Turn::Again));
        assert!(shown(&bridge, &console, place).await.is_some(), "{place} was asked for");
        assert!(shown(&bridge, &console, other).await.is_none(), "{other} comes after it");
        work(&bridge, &console.0).await;
        assert!(shown(&bridge, &console, other).await.is_some(), "{other} is due by itself");
        bridge.finish().await;
    }
}
