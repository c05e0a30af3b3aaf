//! The request that pages show is the one that leaves.

use std::sync::{Arc, Mutex};

use halobridge::service::pairs;
use serde_json::{Value, json};

use super::bridge::*;

/// Method, path with query, body.
type Sent = (String, String, Value);

fn parsed(shown: &str) -> Sent {
    let (head, body) = shown.split_once("\n\n").expect("a body");
    assert!(head.contains("Authorization: Bearer \u{2022}"), "the token is masked");
    let (method, address) = head.lines().next().and_then(|line| line.split_once(' ')).expect("a request line");
    let uri: http::Uri = address.parse().expect("an address");
    let path = uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    (method.to_owned(), path, serde_json::from_str(body).expect("JSON"))
}

both! {
    async fn what_pages_show_of_a_write_is_what_is_sent(product) {
        let setup = Setup { link_comment: true, policy: "severity = { direction = \"both\" }".into(), ..Setup::new(product) };
        let bridge = Bridge::with(setup).await;
        let sent: Arc<Mutex<Vec<Sent>>> = Arc::default();
        let kept = sent.clone();
        bridge.mutate(move |request, _| {
            let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
            let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
            kept.lock().unwrap().push((request.method().to_string(), path, body));
        });
        let incident = bridge.raise(json!({}));
        // Everything waits, so that it can be looked at: Halo is out of reach, and then Microsoft.
        let look = async |bridge: &Bridge| {
            let (app, caller) = bridge.console();
            let pair = bridge.pair_of(&incident).await.unwrap();
            let view = pairs::view(&app, &caller, pair.id, "").await.unwrap();
            view.queue.iter().chain(&view.dead).filter_map(|row| row.body.as_deref().map(parsed)).collect::<Vec<_>>()
        };
        bridge.away(Some("/Tickets"));
        bridge.pass(60).await;
        let mut shown = look(&bridge).await;
        bridge.away(None);
        bridge.pass(600).await;
        let ticket = bridge.ticket_of(&incident).await;
        bridge.comment(&incident, "words of an analyst");
        bridge.away(Some("/Actions"));
        bridge.pass(60).await;
        shown.extend(look(&bridge).await);
        bridge.away(None);
        bridge.pass(600).await;
        bridge.update(&incident, json!({ "severity": "Low" }));
        bridge.away(Some("/Tickets"));
        bridge.pass(60).await;
        let change = look(&bridge).await;
        assert!(change.iter().any(|(method, path, body)| {
            method == "POST" && path.ends_with("/Tickets") && body[0]["id"] == ticket && !body[0]["priority_id"].is_null()
        }), "{change:#?}");
        shown.extend(change);
        bridge.away(None);
        bridge.pass(600).await;
        let high = match product { halobridge::twin::options::Product::Itsm => "P2 - High", _ => "High" };
        bridge.act("ticket.update", json!({ "ticket_id": ticket, "priority": high }));
        bridge.note(ticket, "<p>an agent's words</p>", json!({ "hiddenfromuser": false }));
        bridge.away(Some("/incidents/"));
        bridge.pass(60).await;
        shown.extend(look(&bridge).await);
        bridge.away(None);
        bridge.pass(900).await;
        let sent = sent.lock().unwrap().clone();
        assert!(shown.len() >= 4, "{shown:#?}");
        for one in &shown {
            // An etag is that of the incident as it is read just before.
            let bare = |body: &Value| {
                let mut body = body.clone();
                body.as_object_mut().map(|body| body.remove("etag"));
                body
            };
            let same = |sent: &Sent| (&sent.0, &sent.1, bare(&sent.2)) == (&one.0, &one.1, bare(&one.2));
            assert!(sent.iter().any(same), "{one:#?} was shown and never sent: {sent:#?}");
        }
        bridge.finish().await;
    }
}
