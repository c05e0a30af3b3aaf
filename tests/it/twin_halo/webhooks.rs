use base64::{Engine as _, engine::general_purpose::STANDARD};
use halobridge::twin::delivery::Deliveries;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Rig, both};

/// Registers a webhook for these events and returns its GUID.
fn register(rig: &mut Rig, more: &Value, events: &[u64]) -> String {
    let mut hook = json!({ "name": "bridge", "url": "http://127.0.0.1:7000/hooks/halo/1", "active": true, "type": 0, "method": 0, "content_type": "application/json" });
    hook.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let (status, made) = rig.post("/Webhook", &json!([hook]));
    assert_eq!(status, 201);
    let id = made["id"].as_str().unwrap().to_owned();
    let wanted: Vec<Value> = events
        .iter()
        .map(|n| json!({ "webhook_id": id, "type": "-2", "delivery_method": "6", "eventno": n.to_string(), "filter_type": "2", "emailtemplate_id": "32", "conditions": [] }))
        .collect();
    assert_eq!(rig.post("/Notification", &json!(wanted)).0, 201);
    id
}

fn bodies(rig: &Rig) -> Vec<Value> {
    rig.outgoing.iter().map(|o| serde_json::from_slice(&o.body).unwrap()).collect()
}

fn events(rig: &Rig) -> Vec<String> {
    bodies(rig).iter().map(|b| b["event"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn webhooks_are_registered_listed_changed_and_removed() {
    both(|mut rig| {
        let id = register(&mut rig, &json!({ "authentication_type": 3, "basic_password": "s3cret" }), &[3]);
        assert_eq!(id.len(), 36);
        let list = rig.ok("/Webhook");
        assert_eq!((&list[0]["id"], &list[0]["name"]), (&json!(id), &json!("bridge")));
        assert!(!list.to_string().contains("s3cret"), "the secret is not read back");
        assert_eq!(rig.ok(&format!("/Webhook/{id}"))["id"], json!(id));
        assert_eq!(rig.post("/Webhook", &json!([{ "id": id, "active": false }])).1["active"], false);
        rig.new_id();
        assert!(rig.outgoing.is_empty(), "an inactive webhook is silent");
        assert_eq!(rig.post("/Webhook", &json!({ "name": "x" })).0, 400);
        assert_eq!(rig.delete(&format!("/Webhook/{id}")).0, 200);
        assert_eq!(rig.ok("/Webhook"), json!([]));
        assert_eq!(rig.ok("/Notification"), json!([]));
        assert_eq!(rig.delete(&format!("/Webhook/{id}")).0, 404);
    });
}

#[test]
fn an_event_is_asked_for_a_webhook_that_there_is() {
    both(|mut rig| {
        for hook in [json!("5a000000-0000-4000-8000-000000000001"), Value::Null] {
            let (status, body) = rig.post("/Notification", &json!([{ "webhook_id": hook, "eventno": "3" }]));
            assert_eq!((status, &body["webhook_id"]), (400, &json!("Record not found")), "{hook}");
        }
        assert_eq!(rig.ok("/Notification"), json!([]));
    });
}

#[test]
fn the_envelope_is_signed_over_its_raw_bytes() {
    both(|mut rig| {
        let hook = register(
            &mut rig,
            &json!({ "authentication_type": "3", "basic_password": "s3cret", "authentication_header": "Token", "algorithm": 0 }),
            &[3],
        );
        let id = rig.new_id();
        assert_eq!(rig.outgoing.len(), 1);
        let sent = rig.outgoing[0].clone();
        let mut mac = Hmac::<Sha256>::new_from_slice(b"s3cret").unwrap();
        mac.update(&sent.body);
        assert!(sent.headers.contains(&("Token".into(), STANDARD.encode(mac.finalize().into_bytes()))));
        assert_eq!((sent.method.as_str(), sent.kind, sent.attempts_max), ("POST", "halo-webhook", 1));
        assert!(sent.due > rig.now);
        let body: Value = serde_json::from_slice(&sent.body).unwrap();
        assert_eq!(
            (&body["event"], &body["object_id"], &body["ticket"]["id"]),
            (&json!("New Ticket Logged"), &json!(id), &json!(id))
        );
        assert_eq!((&body["webhook_id"], &body["timestamp"]), (&json!(hook), &json!("2026-11-21T10:00:00.2500000Z")));
        assert_ne!(body["id"], json!(id), "the top id is the delivery's");
        assert!(body["ticket"]["lastupdate"].is_string() && body["ticket"]["customfields"].is_array());
        rig.halo.delivered(&sent.body, 200);
        let log = rig.ok(&format!("/WebhookEvent?webhook_id={hook}"));
        assert_eq!((&log[0]["id"], &log[0]["status"], &log[0]["object_id"]), (&body["id"], &json!(200), &json!(id)));
    });
}

#[test]
fn basic_and_bearer_go_in_the_authorization_header() {
    both(|mut rig| {
        register(&mut rig, &json!({ "authentication_type": 1, "basic_username": "u", "basic_password": "p" }), &[3]);
        register(&mut rig, &json!({ "authentication_type": 2, "basic_password": "tok" }), &[3]);
        rig.new_id();
        let given: Vec<&str> = rig
            .outgoing
            .iter()
            .flat_map(|o| o.headers.iter())
            .filter(|(n, _)| n == "authorization")
            .map(|(_, v)| v.as_str())
            .collect();
        assert_eq!(given, ["Basic dTpw", "Bearer tok"]);
    });
}

#[test]
fn each_event_has_its_number() {
    both(|mut rig| {
        register(&mut rig, &json!({}), &[3, 61, 76, 39, 19, 1072]);
        let id = rig.new_id();
        rig.post("/Tickets", &json!([{ "id": id, "impact": 2 }]));
        rig.post("/Tickets", &json!([{ "id": id, "status_id": 9 }]));
        assert_eq!(
            events(&rig),
            ["New Ticket Logged", "Ticket Updated", "Ticket Updated", "Ticket Status Changed", "Ticket Closed"]
        );
        rig.outgoing.clear();
        rig.act("ticket.mail", &json!({ "ticket_id": id, "text": "still broken" }));
        rig.delete(&format!("/Tickets/{id}"));
        assert_eq!(events(&rig), ["Ticket Updated by User", "Ticket Deleted"]);
        rig.outgoing.clear();
        let other = rig.new_id();
        rig.post("/Actions", &json!([{ "ticket_id": other, "outcome": "Note", "note": "x" }]));
        assert_eq!(events(&rig), ["New Ticket Logged"], "a note alone is no event by default");
    });
}

#[test]
fn an_added_action_can_be_an_event() {
    both(|mut rig| {
        rig.switch("action_added_eventno", "4");
        register(&mut rig, &json!({}), &[4]);
        let id = rig.new_id();
        rig.post("/Actions", &json!([{ "ticket_id": id, "outcome": "Note", "note_html": "<b>x</b>" }]));
        let body = bodies(&rig).pop().unwrap();
        assert_eq!(
            (&body["event"], &body["action"]["id"], &body["action"]["note_html"]),
            (&json!("Action Added"), &json!(2), &json!("<b>x</b>"))
        );
        rig.switch("notes_fire_updated", "on");
        register(&mut rig, &json!({ "payload_type": 2 }), &[61]);
        rig.outgoing.clear();
        rig.post("/Actions", &json!([{ "ticket_id": id, "outcome": "Note", "note": "y" }]));
        let updated = bodies(&rig).into_iter().find(|b| b["event"] == "Ticket Updated").unwrap();
        assert!(updated.get("ticket").is_none() && updated["object_id"] == id, "event information only");
    });
}

#[test]
fn deliveries_are_doubled_lost_and_reordered_on_demand() {
    both(|mut rig| {
        register(&mut rig, &json!({}), &[3]);
        rig.switch("webhook_duplicate_percent", "100");
        rig.new_id();
        assert_eq!(rig.outgoing.len(), 2);
        assert_eq!(rig.outgoing[0].body, rig.outgoing[1].body);
        rig.outgoing.clear();
        rig.switch("webhook_duplicate_percent", "0");
        rig.switch("webhook_loss_percent", "100");
        rig.new_id();
        assert!(rig.outgoing.is_empty());
        rig.switch("webhook_loss_percent", "0");
        for (switched, wait) in [("200", 200), ("5000", 5000)] {
            rig.switch("webhook_delay_ms", switched);
            rig.new_id();
            let due = rig.outgoing.pop().expect("one delivery").due;
            assert_eq!(due.duration_since(rig.now).as_millis(), wait);
        }
        rig.switch("webhook_reorder_ms", "60000");
        for _ in 0..20 {
            rig.new_id();
        }
        let due: Vec<_> = rig.outgoing.iter().map(|o| o.due).collect();
        let mut sorted = due.clone();
        sorted.sort();
        assert!(due.len() == 20 && due != sorted, "some overtake others");
    });
}

#[test]
fn batches_are_arrays_sent_when_their_time_has_come() {
    both(|mut rig| {
        register(&mut rig, &json!({ "batch_method": 1, "batch_delay_seconds": 10, "batch_limit": 3 }), &[3]);
        let made: Vec<i64> = (0..4).map(|_| rig.new_id()).collect();
        assert!(rig.outgoing.is_empty());
        assert!(rig.halo.next_due().is_some());
        rig.advance(9);
        rig.tick();
        assert!(rig.outgoing.is_empty());
        rig.advance(1);
        rig.tick();
        let sent: Vec<Vec<i64>> = bodies(&rig)
            .iter()
            .map(|b| b.as_array().unwrap().iter().map(|e| e["object_id"].as_i64().unwrap()).collect())
            .collect();
        assert_eq!(sent, [made[..3].to_vec(), made[3..].to_vec()]);
        assert_eq!(rig.halo.next_due(), None);
    });
}

#[test]
fn the_log_of_deliveries_has_three_digits_and_knows_batches() {
    both(|mut rig| {
        rig.now = "2026-11-21T10:00:51.506612891Z".parse().unwrap();
        let hook = register(&mut rig, &json!({}), &[3]);
        rig.switch("webhook_batch_ms", "1000");
        rig.new_id();
        rig.new_id();
        rig.advance(1);
        rig.tick();
        assert_eq!(rig.outgoing.len(), 1);
        let sent = rig.outgoing[0].clone();
        rig.halo.delivered(&sent.body, 202);
        let log = rig.ok(&format!("/WebhookEvent?webhook_id={hook}"));
        assert_eq!(log[1]["date"], "2026-11-21T10:00:51.506");
        assert_eq!((&log[0]["status"], &log[1]["status"]), (&json!(202), &json!(202)), "of each in the batch");
    });
}

#[test]
fn a_batching_fault_makes_one_signed_array() {
    both(|mut rig| {
        register(
            &mut rig,
            &json!({ "authentication_type": "3", "basic_password": "s3cret", "authentication_header": "Token" }),
            &[3],
        );
        let mut deliveries = Deliveries::new(1);
        deliveries.disturb(&json!({"effect": "batched", "kind": "halo-webhook", "ms": 10_000, "count": 3})).unwrap();
        let made: Vec<i64> = (0..4).map(|_| rig.new_id()).collect();
        deliveries.take(std::mem::take(&mut rig.outgoing));
        rig.advance(1);
        let alone = deliveries.due(rig.now);
        assert_eq!(alone.len(), 1, "the fourth was not held back");
        rig.advance(10);
        let sent = deliveries.due(rig.now);
        assert_eq!(sent.len(), 1);
        let body: Value = serde_json::from_slice(&sent[0].body).unwrap();
        let ids: Vec<i64> = body.as_array().unwrap().iter().map(|e| e["object_id"].as_i64().unwrap()).collect();
        assert_eq!(ids, made[..3]);
        let mut mac = Hmac::<Sha256>::new_from_slice(b"s3cret").unwrap();
        mac.update(&sent[0].body);
        assert!(
            sent[0].headers.contains(&("Token".into(), STANDARD.encode(mac.finalize().into_bytes()))),
            "signed over what is sent"
        );
    });
}
