//! What does not exist, or makes no sense, is refused as Azure refuses it; what the admin routes take and show.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Got, ORIGIN, Rig, guid, plain};

fn admin(rig: &Rig, method: &str, path: &str, body: Value) -> Got {
    rig.raw(method, &format!("{ORIGIN}/admin/{path}"), &[], body.to_string().into())
}

#[test]
fn an_incident_is_related_to_what_it_can_be_related_to() {
    let rig = Rig::new();
    let name = rig.raise();
    let put = |relation: &str, id: &str| {
        let path = format!("incidents/{name}/relations/{relation}");
        rig.sentinel("PUT", &path, Some(json!({"properties": {"relatedResourceId": id}}))).status
    };
    let entity = format!("{}/providers/Microsoft.SecurityInsights/entities/{}", rig.workspace, guid(3));
    for nonsense in ["nonsense", "/subscriptions/x", &rig.workspace, &format!("{entity}/more")] {
        assert_eq!(put(&guid(1), nonsense), 400, "{nonsense}");
    }
    assert_eq!(put("x", &entity), 400, "a name has 3 characters or more");
    assert_eq!(put(&guid(1), &entity), 201);
}

#[test]
fn the_clock_takes_no_member_it_does_not_know() {
    let rig = Rig::new();
    for body in [json!({"bogus": 1}), json!({"advance_s": "60"}), json!({"now": 5}), json!([])] {
        assert_eq!(admin(&rig, "POST", "clock", body.clone()).status, 400, "{body}");
    }
    assert_eq!(admin(&rig, "POST", "clock", json!({"advance_s": 60})).status, 200);
}

#[test]
fn a_rule_of_faults_is_shown_as_it_is_set() {
    let rig = Rig::new();
    let rules = [
        json!({"effect": "html", "kind": "sentinel.*", "count": 2}),
        json!({"effect": "throttle", "retry_after": 7, "side": "arm", "method": "get"}),
        json!({"effect": "status", "status": 503, "applied": true, "path": "*"}),
        json!({"effect": "slow", "ms": 5, "probability": 0.5}),
        json!({"effect": "stale_read", "ms": 9, "skip": 3}),
        json!({"effect": "lost_answer"}),
        json!({"effect": "cut"}),
        json!({"effect": "half_body"}),
        json!({"effect": "truncated_json"}),
    ];
    for rule in &rules {
        assert_eq!(admin(&rig, "POST", "faults", rule.clone()).status, 200, "{rule}");
    }
    let listed = || {
        let mut all = admin(&rig, "GET", "faults", json!({})).body["faults"].as_array().unwrap().clone();
        all.iter_mut().for_each(|rule| drop(rule.as_object_mut().unwrap().remove("id")));
        all
    };
    let first = listed();
    assert_eq!(first.len(), rules.len());
    let whole = admin(&rig, "GET", "faults", json!({})).body["faults"].clone();
    assert_eq!(admin(&rig, "DELETE", "faults", json!({})).status, 200);
    for rule in whole.as_array().unwrap() {
        assert_eq!(admin(&rig, "POST", "faults", rule.clone()).status, 200, "{rule}");
    }
    assert_eq!(listed(), first, "posted back, it is the same rule");
}

#[test]
fn headers_and_methods_are_those_of_azure() {
    let rig = Rig::new();
    rig.make(&guid(1), plain());
    let got = rig.sentinel("GET", &format!("incidents/{}", guid(1)), None);
    let said = got.reply.header("x-ms-operation-identifier").unwrap().to_owned();
    let tenant = rig.microsoft("tenant_id");
    assert!(said.starts_with(&format!("tenantId={tenant},objectId=")) && !said.contains("objectId=/"), "{said}");
    assert_eq!(rig.sentinel("PATCH", &format!("incidents/{}", guid(1)), Some(json!({}))).status, 405);
    rig.switch("if_match_honoured", "on");
    let body = Bytes::from(json!({"properties": plain()}).to_string());
    let put = |number: u32| {
        let path = format!("{}/providers/Microsoft.SecurityInsights/incidents/{}", rig.workspace, guid(number));
        let headers = [("authorization", &*format!("Bearer {}", rig.token)), ("if-match", "*")];
        rig.raw("PUT", &format!("{ORIGIN}/arm{path}?api-version=2025-09-01"), &headers, body.clone()).status
    };
    assert_eq!((put(2), put(1)), (412, 200), "there must be one");
}

#[test]
fn a_browser_may_call_from_another_page() {
    let rig = Rig::new();
    let asks = [
        ("origin", "https://page.example"),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "authorization,content-type"),
    ];
    for path in
        [format!("/arm{}", rig.workspace), "/graph/v1.0/users".into(), "/loganalytics/v1/workspaces/x/query".into()]
    {
        let got = rig.raw("OPTIONS", &format!("{ORIGIN}{path}"), &asks, Bytes::new());
        assert_eq!(got.status, 200, "{path}");
        assert_eq!(got.reply.header("access-control-allow-origin"), Some("*"));
        assert_eq!(got.reply.header("access-control-allow-methods"), Some("PUT"));
        assert_eq!(got.reply.header("access-control-allow-headers"), Some("authorization,content-type"));
        let call = rig.raw("GET", &format!("{ORIGIN}{path}"), &asks[..1], Bytes::new());
        assert_eq!(call.reply.header("access-control-allow-origin"), Some("*"), "{path}");
        let own = rig.raw("GET", &format!("{ORIGIN}{path}"), &[], Bytes::new());
        assert_eq!(own.reply.header("access-control-allow-origin"), None, "{path}");
    }
}

#[test]
fn a_page_is_told_by_entra_that_it_may_not_redeem_and_by_halo_nothing() {
    let rig = Rig::new();
    let asks = [
        ("origin", "https://page.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type"),
    ];
    let tenant = rig.microsoft("tenant_id").to_owned();
    let token = format!("{ORIGIN}/entra/{tenant}/oauth2/v2.0/token");
    let asked = rig.raw("OPTIONS", &token, &asks, Bytes::new());
    assert_eq!((asked.status, asked.reply.header("access-control-allow-origin")), (200, Some("*")));
    assert_eq!(asked.reply.header("access-control-allow-headers"), Some("content-type"));
    let form = Bytes::from_static(b"grant_type=client_credentials");
    let refused = rig.raw("POST", &token, &asks[..1], form);
    assert_eq!(refused.status, 400);
    assert_eq!(refused.body.pointer("/error_codes/0"), Some(&serde_json::json!(9_002_326)));
    assert_eq!(refused.reply.header("access-control-allow-origin"), Some("*"), "the page can read why");
    let keys = rig.raw("GET", &format!("{ORIGIN}/entra/{tenant}/discovery/v2.0/keys"), &asks[..1], Bytes::new());
    assert_eq!((keys.status, keys.reply.header("access-control-allow-origin")), (200, Some("*")));
    for path in ["/halo/api/Tickets", "/halo/auth/token"] {
        let got = rig.raw("OPTIONS", &format!("{ORIGIN}{path}"), &asks, Bytes::new());
        assert_eq!((got.status, got.reply.header("access-control-allow-origin")), (204, None), "{path}");
        assert!(got.reply.header("allow").is_some_and(|all| all.contains("POST")), "{path}");
    }
}

#[test]
fn an_admin_call_that_does_nothing_says_so() {
    let rig = Rig::new();
    assert_eq!(admin(&rig, "DELETE", "switches", json!({})).status, 404);
    let got = admin(&rig, "POST", "latency", json!({"ms": -5}));
    assert_eq!((got.status, got.text("/error")), (400, "ms is a whole number from 0"));
    assert_eq!(admin(&rig, "POST", "latency", json!({"ms": 5})).status, 200);
}

#[test]
fn writes_and_acts_are_kept_whole_where_that_is_asked_for() {
    let rig = Rig::new();
    rig.make(&guid(1), plain());
    let calls = || admin(&rig, "GET", "calls", json!({})).body["calls"].as_array().unwrap().clone();
    assert!(calls().iter().all(|call| call.get("sent").is_none()));
    assert_eq!(admin(&rig, "POST", "calls", json!({})).status, 400);
    assert_eq!(admin(&rig, "POST", "calls", json!({"bodies": true})).status, 200);
    let name = rig.raise();
    rig.make(&guid(2), plain());
    rig.sentinel("GET", &format!("incidents/{name}"), None);
    rig.act("secret.add", json!({"secret": "not for a log"}));
    let told = |call: Value| (call["kind"].as_str().unwrap().to_owned(), call["answered"]["name"].clone());
    let kept: Vec<(String, Value)> = calls().into_iter().filter(|call| call.get("sent").is_some()).map(told).collect();
    let made = ("sentinel.incident.put".to_owned(), json!(guid(2)));
    assert_eq!(kept, [("act.incident.create".to_owned(), json!(name)), made]);
}

#[test]
fn switches_are_set_all_or_none() {
    let rig = Rig::new();
    let now = || admin(&rig, "GET", "switches", json!({})).body;
    let before = now();
    for (body, what) in [
        (json!({"log_lag_s": 5, "nonsense": true}), "nonsense"),
        (json!({"log_lag_s": 5, "put_answer": "half"}), "put_answer"),
        (json!({"log_lag_s": 5, "page_cap": "many"}), "page_cap"),
    ] {
        let got = admin(&rig, "POST", "switches", body);
        assert_eq!(got.status, 400);
        assert!(got.text("/error").contains(what), "{:#}", got.body);
        assert_eq!(now(), before, "{what}");
    }
    assert_eq!(admin(&rig, "POST", "switches", json!({"log_lag_s": 5, "page_cap": 7})).status, 200);
    let after = now();
    assert_eq!((&after["microsoft"]["log_lag_s"], &after["halo"]["halo"]["page_cap"]), (&json!(5), &json!(7)));
}
