//! Lists of several pages that change while they are read, and lists that tell what cannot be.

use halobridge::{
    clock::Clock as _,
    domain::{account::Scope, time},
    ledger::fact::Fact,
    outbound::read,
    store::{Entered, LedgerFilter},
    twin::options::Product,
};
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

/// The full reading, every six hours, asks for the open ones.
#[tokio::test]
async fn open_incidents_are_listed_where_a_filter_with_or_is_refused() {
    let switches = vec![("or_refused", "on")];
    let bridge = Bridge::with(Setup { workspaces: 1, switches, ..Setup::new(Product::Itsm) }).await;
    let incident = bridge.raise(json!({}));
    bridge.cross().await;
    bridge.pass_by(7 * 3_600, 600).await;
    let failed: Vec<String> = bridge
        .engine
        .standings()
        .into_iter()
        .filter_map(|found| found.standing.last_failure)
        .map(|(_, failure)| failure.message)
        .collect();
    assert_eq!(failed, Vec::<String>::new());
    bridge.ticket_of(&incident).await;
    bridge.finish().await;
}

/// What the sources say that cannot be.
fn notes(bridge: &Bridge) -> Vec<String> {
    bridge.engine.standings().into_iter().filter_map(|found| found.standing.note).collect()
}

#[tokio::test]
async fn an_incident_from_the_future_hides_no_other() {
    let bridge = Bridge::new(Product::Itsm).await;
    let first = bridge.raise(json!({}));
    let marked = first.clone();
    bridge.mutate(move |request, body| {
        if !asks_for_incidents(request) {
            return;
        }
        for row in body["value"].as_array_mut().into_iter().flatten() {
            if row["name"] == marked.as_str() {
                row["properties"]["lastModifiedTimeUtc"] = json!("2099-01-01T00:00:00Z");
            }
        }
    });
    bridge.cross().await;
    bridge.ticket_of(&first).await;
    let second = bridge.raise(json!({}));
    bridge.pass(60).await;
    bridge.ticket_of(&second).await;
    let told = notes(&bridge);
    assert!(told.iter().any(|note| note.contains(&first) && note.contains("yet to come")), "{told:?}");
    bridge.mutate_no_more();
    bridge.pass(60).await;
    assert_eq!(notes(&bridge), Vec::<String>::new(), "it is over");
    bridge.finish().await;
}

/// Whatever led it there, a new incident is found at once.
#[tokio::test]
async fn a_cursor_that_was_led_into_the_future_comes_back() {
    let bridge = Bridge::new(Product::Itsm).await;
    bridge.cross().await;
    let workspace = bridge.workspace(0).await;
    let modified = "2098-12-31T00:00:00Z".parse().unwrap();
    let fact = Fact::CursorMoved { workspace: workspace.id, modified, number: None };
    let entered = Entered { client: Some(workspace.client), at: bridge.clock.now(), fact };
    bridge.store.append(vec![entered]).await.unwrap();
    let incident = bridge.raise(json!({}));
    bridge.cross().await;
    bridge.ticket_of(&incident).await;
    let cursor = bridge.store.cursor(workspace.id).await.unwrap().unwrap();
    assert!(cursor.modified < bridge.clock.now() + SignedDuration::from_mins(3), "{cursor:?}");
    bridge.finish().await;
}

/// Each page of the open ones holds one incident, thousands of rows that are none, and tells of a further page: what a poll
/// reads of a list ends before it does.
#[tokio::test]
async fn a_whole_list_that_is_cut_off_uses_up_no_look_for_a_missing_incident() {
    let bridge = Bridge::with(Setup { workspaces: 1, ..Setup::new(Product::Itsm) }).await;
    bridge.pass(60).await;
    // So many that the list is known to come in its order.
    for _ in 0..12 {
        bridge.clock.advance(SignedDuration::from_secs(1));
        bridge.raise(json!({}));
    }
    bridge.pass(60).await;
    let late = bridge.raise(json!({}));
    bridge.clock.advance(SignedDuration::from_secs(1));
    bridge.raise(json!({}));
    let (hidden, long_ago, mut pages) = (late.clone(), bridge.clock.now() - SignedDuration::from_hours(48), 0);
    bridge.mutate(move |request, body| {
        if !asks_for_incidents(request) {
            return;
        }
        let Some(listed) = body["value"].as_array_mut() else { return };
        listed.retain(|row| row["name"] != hidden.as_str());
        if !request.uri().query().is_some_and(|query| query.contains("status")) {
            return;
        }
        pages += 1;
        listed.truncate(1);
        if let Some(row) = listed.first_mut() {
            let changed = long_ago + SignedDuration::from_secs(pages);
            row["properties"]["lastModifiedTimeUtc"] = json!(time::iso(changed));
        }
        listed.extend((0..4_900).map(|_| json!({ "odd": 0 })));
        body["nextLink"] = json!(format!("{}&more={pages}", request.uri()));
    });
    bridge.pass(60).await;
    let gap = || bridge.engine.standings().into_iter().find_map(|found| found.standing.gap);
    let before = gap();
    assert!(before.is_some(), "a number is missing");
    let calls = bridge.calls("sentinel.incident.list");
    bridge.pass_by(2_400, 60).await;
    assert_eq!(gap(), before, "it is looked for as often as ever");
    let more = bridge.calls("sentinel.incident.list") - calls;
    assert!(more < 400, "{more} pages in forty minutes: the list is read ever more rarely");
    let told = notes(&bridge);
    assert!(told.iter().any(|note| note.contains("more pages than are read at once")), "{told:?}");
    bridge.mutate_no_more();
    bridge.pass_by(7_200, 60).await;
    bridge.ticket_of(&late).await;
    assert_eq!((gap(), notes(&bridge)), (None, Vec::new()));
    bridge.finish().await;
}

/// Rows of changed tickets tell other times.
fn tickets_tell(bridge: &Bridge, other: impl Fn(i64, &str) -> Option<String> + Send + 'static) {
    bridge.mutate(move |request, body| {
        if !request.uri().query().is_some_and(|query| query.contains("lastupdatefromdate")) {
            return;
        }
        for row in body["tickets"].as_array_mut().into_iter().flatten() {
            let id = row["id"].as_i64().unwrap_or(0);
            for member in ["last_update", "lastactiondate"] {
                let Some(told) = row[member].as_str().and_then(|text| other(id, text)) else { continue };
                row[member] = json!(told);
            }
        }
    });
}

#[tokio::test]
async fn tickets_that_tell_a_time_to_come_hide_no_other() {
    for local in [false, true] {
        let bridge = Bridge::new(Product::Itsm).await;
        let later = |text: &str| {
            let moment = time::iso(time::parse(text)? + SignedDuration::from_hours(2));
            Some(moment.trim_end_matches('Z').to_owned())
        };
        if local {
            tickets_tell(&bridge, move |_, text| later(text));
        }
        let incidents = [bridge.raise(json!({})), bridge.raise(json!({}))];
        bridge.cross().await;
        let (first, second) = (bridge.ticket_of(&incidents[0]).await, bridge.ticket_of(&incidents[1]).await);
        if !local {
            tickets_tell(&bridge, move |id, _| (id == first).then(|| "2099-01-01T00:00:00".to_owned()));
        }
        bridge.note(first, "<p>said of the first</p>", json!({}));
        bridge.pass(60).await;
        bridge.note(second, "<p>said of the second</p>", json!({}));
        bridge.pass(60).await;
        for (incident, words) in incidents.iter().zip(["said of the first", "said of the second"]) {
            let said = bridge.comments_of(incident);
            assert_eq!(said.iter().filter(|text| text.contains(words)).count(), 1, "local {local}: {said:?}");
        }
        let told = notes(&bridge);
        assert!(told.iter().any(|note| note.contains("yet to come")), "local {local}: {told:?}");
        bridge.mutate_no_more();
        bridge.pass(60).await;
        bridge.finish().await;
    }
}

/// Rows that are none are kept once however often they come, and a page of many times what was asked for is no page.
#[tokio::test]
async fn rows_that_are_none_fill_neither_the_ledger_nor_the_memory() {
    let bridge = Bridge::with(Setup { workspaces: 1, ..Setup::new(Product::Itsm) }).await;
    let add = |rows: usize| {
        bridge.mutate(move |request, body| {
            if asks_for_incidents(request)
                && let Some(listed) = body["value"].as_array_mut()
            {
                listed.extend((0..rows).map(|n| json!({ "odd": n % 2 })));
            }
        });
    };
    let incident = bridge.raise(json!({}));
    add(3_000);
    bridge.cross().await;
    bridge.ticket_of(&incident).await;
    let asked = LedgerFilter { fact: Some("unreadable".to_owned()), scope: Scope::All, ..LedgerFilter::default() };
    assert_eq!(bridge.store.ledger_page(&asked, None, 100).await.unwrap().len(), 2);
    add(6_000);
    bridge.pass(60).await;
    assert_eq!(bridge.store.ledger_page(&asked, None, 100).await.unwrap().len(), 2);
    let told: Vec<String> = bridge
        .engine
        .standings()
        .into_iter()
        .filter_map(|found| found.standing.last_failure)
        .map(|(_, failure)| failure.message)
        .collect();
    assert!(told.iter().any(|message| message.contains("rows, many times what was asked for")), "{told:?}");
    bridge.mutate_no_more();
    bridge.pass(600).await;
    bridge.finish().await;
}

#[test]
fn an_answer_of_millions_of_values_is_not_taken_apart() {
    let rows = |row: &str, count: usize| format!("{{\"value\":[{}]}}", vec![row; count].join(","));
    assert!(read::json(rows("{}", 1_000_000).as_bytes()).is_none());
    assert!(read::json(rows("{}", 100_000).as_bytes()).is_some());
    // What stands within a text is one value.
    let words = format!("{{\"text\":\"{}\\\"{}\"}}", ",".repeat(2_000_000), ",".repeat(2_000_000));
    assert!(read::json(words.as_bytes()).is_some());
}

/// The server hands out twenty rows at once, and counts only those: nothing but the next page tells of more.
#[tokio::test]
async fn what_a_server_that_trims_pages_and_counts_them_alone_has_no_room_for_crosses_too() {
    let switches = vec![("page_cap", "20"), ("record_count_lies", "on")];
    let bridge = Bridge::with(Setup { workspaces: 1, switches, ..Setup::new(Product::Itsm) }).await;
    let incidents: Vec<String> = (0..30).map(|_| bridge.raise(json!({}))).collect();
    bridge.cross().await;
    for incident in &incidents {
        bridge.note(bridge.ticket_of(incident).await, "<p>all at once</p>", json!({}));
    }
    bridge.pass(60).await;
    for incident in &incidents {
        // Read, and carried over or waiting for room in the budget of comments.
        let said = bridge.comments_of(incident);
        let crossed = said.iter().filter(|text| text.contains("all at once")).count();
        let operations = bridge.situation_of(incident).await.operations;
        let waits = operations.iter().filter(|o| format!("{:?}", o.kind).contains("all at once")).count();
        assert_eq!(crossed + waits, 1, "{said:?} {operations:?}");
    }
    bridge.finish().await;
}
