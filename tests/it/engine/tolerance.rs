//! K7: null or another type where something was expected; the flow goes on.

use serde_json::{Value, json};

use super::bridge::*;

/// Every path of a value, as pointers.
fn paths(value: &Value, at: &str, into: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (name, inner) in map {
                let path = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                into.push(path.clone());
                paths(inner, &path, into);
            }
        }
        Value::Array(list) => {
            for (n, inner) in list.iter().enumerate().take(2) {
                let path = format!("{at}/{n}");
                into.push(path.clone());
                paths(inner, &path, into);
            }
        }
        _ => {}
    }
}

fn odd(kind: usize) -> Value {
    match kind {
        0 => Value::Null,
        1 => json!({ "unexpected": ["object"] }),
        2 => json!(["a", 3, null]),
        3 => json!(-17.5),
        _ => json!("text \u{0} where none belongs"),
    }
}

/// Which answers are fuzzed, and the member that holds the records.
const ANSWERS: [(&str, &str, &str); 6] = [
    ("GET", "/incidents", "value"),
    ("GET", "/comments", "value"),
    ("POST", "/alerts", "value"),
    ("POST", "/entities", "entities"),
    ("GET", "/Tickets", "tickets"),
    ("GET", "/Actions", "actions"),
];

both! {
    async fn k7_one_odd_member_anywhere_stops_nothing(product) {
        // Each seventh path; all of them, in minutes, with HALOBRIDGE_SLOW_TESTS.
        let most = if std::env::var_os("HALOBRIDGE_SLOW_TESTS").is_some() { 40 } else { 6 };
        for (round, (method, ending, list)) in ANSWERS.into_iter().enumerate() {
            // What such an answer looks like.
            let bridge = Bridge::new(product).await;
            let (tell, told) = std::sync::mpsc::channel();
            bridge.mutate(move |request, body| {
                let rows = body.get(list).and_then(Value::as_array);
                if request.method() == method && request.uri().path().ends_with(ending)
                    && let Some(row) = rows.and_then(|rows| rows.last()) {
                    let _ = tell.send(row.clone());
                }
            });
            let incident = bridge.raise(json!({ "owner": ANALYST, "labels": ["vip"] }));
            bridge.comment(&incident, "a comment");
            bridge.cross().await;
            let ticket = bridge.ticket_of(&incident).await;
            bridge.note(ticket, "<p>a note</p>", json!({}));
            bridge.cross().await;
            bridge.mutate_no_more();
            let row = told.try_iter().last().unwrap_or_else(|| panic!("{method} {ending} was read"));
            bridge.finish().await;
            let mut all = Vec::new();
            paths(&row, "", &mut all);
            // The longest answers repeat themselves; a part of their paths tells as much.
            let every = all.len().div_ceil(most);
            let all: Vec<String> = all.into_iter().step_by(every).collect();
            assert!(all.len() > 3, "{all:?}");

            // One incident for each path; each sees its own member of an answer turned into something else.
            let bridge = Bridge::new(product).await;
            let incidents: Vec<String> = (0..all.len())
                .map(|n| {
                    let incident = bridge.raise(json!({ "owner": ANALYST, "labels": ["vip"] }));
                    bridge.comment(&incident, &format!("before {n}"));
                    incident
                })
                .collect();
            let (paths, names) = (all.clone(), incidents.clone());
            bridge.mutate(move |request, body| {
                if request.method() != method || !request.uri().path().ends_with(ending) {
                    return;
                }
                let uri = request.uri().to_string();
                let Some(rows) = body.get_mut(list).and_then(Value::as_array_mut) else { return };
                for row in rows.iter_mut() {
                    let n = match ending {
                        "/incidents" => names.iter().position(|name| row["name"] == name.as_str()),
                        "/Tickets" => row["id"].as_u64().map(|id| usize::try_from(id).unwrap() % paths.len()),
                        "/Actions" => row["ticket_id"].as_u64().map(|id| usize::try_from(id).unwrap() % paths.len()),
                        _ => names.iter().position(|name| uri.contains(name.as_str())),
                    };
                    let Some(n) = n else { continue };
                    // What a record is known by is no member like others.
                    if matches!(paths[n].as_str(), "/name" | "/id" | "/ticket_id") {
                        continue;
                    }
                    if let Some(member) = row.pointer_mut(&paths[n]) {
                        *member = odd((n + round) % 5);
                    }
                }
            });
            bridge.pass(120).await;
            for incident in &incidents {
                if let Some(pair) = bridge.pair_of(incident).await
                    && let Some(ticket) = pair.ticket
                {
                    bridge.note(ticket.0, "<p>while it is odd</p>", json!({}));
                }
                bridge.comment(incident, "while it is odd");
            }
            bridge.pass(120).await;
            bridge.mutate_no_more();
            for incident in &incidents {
                bridge.update(incident, json!({ "severity": "High" }));
                bridge.comment(incident, "after it");
            }
            bridge.pass(600).await;
            for (n, incident) in incidents.iter().enumerate() {
                let path = &all[n];
                let ticket = match bridge.pair_of(incident).await {
                    Some(_) => bridge.ticket_of(incident).await,
                    None => panic!("{ending} {path}: neither linked nor healed: {:?}", bridge.reason_of(incident).await),
                };
                let notes = bridge.notes_of(ticket);
                // A comment whose message is no text crosses as it came, and once.
                let as_it_came = ending == "/comments" && matches!(path.as_str(), "/properties" | "/properties/message");
                for said in [format!("before {n}"), "while it is odd".into(), "after it".into()] {
                    if as_it_came && said != "after it" {
                        continue;
                    }
                    assert!(notes.iter().any(|note| words(note).contains(&said)), "{ending} {path}: {said} is lost: {:#?}", notes.iter().map(words).collect::<Vec<_>>());
                }
            }
            // And the bridge is as well as before.
            let incident = bridge.raise(json!({}));
            bridge.comment(&incident, "after all of it");
            bridge.pass(300).await;
            let notes = bridge.notes_of(bridge.ticket_of(&incident).await);
            assert!(notes.iter().any(|n| words(n).contains("after all of it")), "{ending}: {notes:#?}");
            bridge.finish().await;
        }
    }
}
