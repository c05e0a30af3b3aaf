//! The twin behind real sockets: broken connections, the pump, the clock.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Router, routing::post};
use bytes::Bytes;
use halobridge::{
    clock::{Clock, SteerableClock},
    outbound::{Transport, TransportError, network::Network},
    twin::{Twin, faults::Fault, options::TwinOptions, server, wire::Call},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::Rig;

struct Served {
    rig: Rig,
    origin: String,
    out: Arc<Network>,
}

impl Served {
    async fn new() -> Self {
        let rig = Rig::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let out = Arc::new(Network::new(true).unwrap());
        tokio::spawn(server::serve(listener, rig.twin.clone(), out.clone(), std::future::pending()));
        Self { rig, origin, out }
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> Result<http::Response<Bytes>, TransportError> {
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.origin))
            .header("authorization", format!("Bearer {}", self.rig.token));
        self.out.send(request.body(body).unwrap()).await
    }

    /// Registers a webhook of the Halo instance for new tickets.
    async fn halo_hook(&self, url: &str) {
        let line = self.rig.connection["halo"].clone();
        let text = |name: &str| line[name].as_str().unwrap().to_owned();
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("grant_type", "client_credentials"),
                ("client_id", &text("client_id")),
                ("client_secret", &text("client_secret")),
                ("scope", "all"),
            ])
            .finish();
        let token = self.rig.raw("POST", "/halo/auth/token", &[], form.into());
        let bearer = format!("Bearer {}", token.text("/access_token"));
        let post = |path: &str, body: Value| {
            let got = self.rig.raw("POST", path, &[("authorization", &bearer)], body.to_string().into());
            assert_eq!(got.status, 201, "{:?}", got.body);
            got.body
        };
        let hook = post("/halo/api/Webhook", json!([{"name": "bridge", "url": url, "active": true}]));
        post("/halo/api/Notification", json!([{"webhook_id": hook["id"], "eventno": "3"}]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_lost_and_half_answers_are_no_answers() {
    let served = Served::new().await;
    let path =
        format!("/arm{}/providers/Microsoft.SecurityInsights/incidents?api-version=2025-09-01", served.rig.workspace);
    assert_eq!(served.send("GET", &path, Value::Null).await.unwrap().status(), 200);
    for effect in ["cut", "lost_answer", "half_body"] {
        let fault = Fault::from_json(&json!({"effect": effect, "side": "arm", "count": 1})).unwrap();
        served.rig.twin.with(|world, _| world.faults.add(fault));
        let got = served.send("GET", &path, Value::Null).await;
        assert!(matches!(got, Err(TransportError::NoAnswer(_))), "{effect}: {got:?}");
    }
    assert_eq!(served.send("GET", &path, Value::Null).await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pump_posts_trigger_bodies() {
    let served = Served::new().await;
    let (tell, heard) = tokio::sync::oneshot::channel::<(String, Value)>();
    let tell = Arc::new(Mutex::new(Some(tell)));
    let receiver = Router::new().route(
        "/hook",
        post(move |headers: axum::http::HeaderMap, body: Bytes| {
            let tell = tell.lock().unwrap().take();
            async move {
                let secret =
                    headers.get("x-halobridge-secret").and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
                if let Some(tell) = tell {
                    tell.send((secret, serde_json::from_slice(&body).unwrap())).unwrap();
                }
                axum::http::StatusCode::ACCEPTED
            }
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, receiver).await });
    let target = json!({"url": url, "headers": {"X-Halobridge-Secret": "s3"}});
    assert_eq!(served.send("POST", "/admin/acts/webhook.set", target).await.unwrap().status(), 200);
    assert_eq!(
        served.send("POST", "/admin/acts/incident.create", json!({"title": "Seen"})).await.unwrap().status(),
        200
    );
    let (secret, body) = heard.await.unwrap();
    assert_eq!(secret, "s3");
    assert_eq!(body.pointer("/object/properties/title"), Some(&json!("Seen")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_is_read_and_set_and_the_page_acts() {
    let served = Served::new().await;
    let json_of = |response: http::Response<Bytes>| serde_json::from_slice::<Value>(response.body()).unwrap();
    let clock = json_of(served.send("GET", "/admin/clock", Value::Null).await.unwrap());
    assert_eq!(clock, json!({"now": "2026-09-21T14:13:20.5Z", "scale": 0.0}));
    let moved = json_of(served.send("POST", "/admin/clock", json!({"advance_s": 60})).await.unwrap());
    assert_eq!(moved["now"], "2026-09-21T14:14:20.5Z");
    let form = http::Request::builder()
        .method("POST")
        .uri(format!("{}/act/incident.create", served.origin))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from("title=%3Cb%3Ebold%3C%2Fb%3E&severity=High"))
        .unwrap();
    assert_eq!(served.out.send(form).await.unwrap().status(), 303);
    let page = served.send("GET", "/", Value::Null).await.unwrap();
    let text = String::from_utf8_lossy(page.body()).into_owned();
    assert!(text.contains("&lt;b&gt;bold&lt;/b&gt;") && !text.contains("<b>bold"), "what people type is escaped");
    let line = json_of(served.send("GET", "/admin/connection", Value::Null).await.unwrap());
    assert_eq!(
        line.pointer("/halo/auth").and_then(Value::as_str),
        Some(format!("{}/halo/auth", served.origin).as_str())
    );
    assert_eq!(line.pointer("/microsoft/workspaces").and_then(Value::as_array).map(Vec::len), Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn halos_webhooks_are_posted_one_by_one_in_order() {
    let served = Served::new().await;
    let (tell, mut heard) = tokio::sync::mpsc::unbounded_channel::<(usize, i64)>();
    let flying = Arc::new(AtomicUsize::new(0));
    let receiver = Router::new().route(
        "/hook",
        post(move |body: Bytes| {
            let (tell, flying) = (tell.clone(), flying.clone());
            async move {
                let beside = flying.fetch_add(1, Ordering::SeqCst);
                // Whatever is sent at the same time gets its chance to arrive.
                for _ in 0..200 {
                    tokio::task::yield_now().await;
                }
                flying.fetch_sub(1, Ordering::SeqCst);
                let body: Value = serde_json::from_slice(&body).unwrap();
                tell.send((beside, body["object_id"].as_i64().unwrap())).unwrap();
                axum::http::StatusCode::OK
            }
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, receiver).await });
    served.halo_hook(&url).await;
    let mut made = Vec::new();
    for n in 0..12 {
        let body = json!({"summary": format!("ticket {n}")});
        let act = served.send("POST", "/admin/acts/ticket.create", body).await.unwrap();
        made.push(serde_json::from_slice::<Value>(act.body()).unwrap()["id"].as_i64().unwrap());
    }
    served.rig.pass(1);
    let mut got = Vec::new();
    while got.len() < made.len() {
        got.push(heard.recv().await.unwrap());
    }
    assert_eq!(got, made.into_iter().map(|id| (0, id)).collect::<Vec<_>>(), "never two at once, in order");
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_body_arrives_before_the_connection_is_cut() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let served = Served::new().await;
    for _ in 0..40 {
        served.rig.raise();
    }
    served.rig.pass(10);
    for path in [
        "/halo/api/authinfo".to_owned(),
        format!(
            "/arm{}/providers/Microsoft.SecurityInsights/incidents?api-version=2025-09-01&$top=1000",
            served.rig.workspace
        ),
    ] {
        let fault = Fault::from_json(&json!({"effect": "half_body", "count": 1})).unwrap();
        served.rig.twin.with(|world, _| world.faults.add(fault));
        let mut socket = tokio::net::TcpStream::connect(served.origin.strip_prefix("http://").unwrap()).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nhost: twin\r\nauthorization: Bearer {}\r\n\r\n", served.rig.token);
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut got = Vec::new();
        // It ends with the connection, cleanly or reset.
        let _ = socket.read_to_end(&mut got).await;
        let text = String::from_utf8_lossy(&got).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{path}: {} bytes: {text}", got.len()));
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        let length: usize = head
            .lines()
            .find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned))
            .and_then(|length| length.parse().ok())
            .unwrap();
        assert_eq!(body.len(), length / 2, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_takes_the_clock_back_too() {
    let served = Served::new().await;
    served.send("POST", "/admin/clock", json!({"now": "2030-01-01T00:00:00Z", "scale": 60})).await.unwrap();
    served.send("POST", "/admin/reset", json!({})).await.unwrap();
    let clock = served.send("GET", "/admin/clock", Value::Null).await.unwrap();
    let clock: Value = serde_json::from_slice(clock.body()).unwrap();
    assert_eq!(clock, json!({"now": "2026-09-21T14:13:20.5Z", "scale": 0.0}), "held where it was held");
    let running = Arc::new(SteerableClock::real());
    let twin = Twin::steerable(TwinOptions::new(1, running.now()), running.clone());
    let began = running.now();
    running.set("2030-01-01T00:00:00Z".parse().unwrap());
    running.run(3_600.0);
    let call = |body: &str| Call {
        method: "POST".into(),
        path: "/admin/reset".into(),
        query: Vec::new(),
        headers: Vec::new(),
        body: Bytes::from(body.to_owned()),
        origin: served.origin.clone(),
        base: String::new(),
    };
    assert_eq!(twin.handle(call("{}")).reply.status, 200);
    assert!(running.now().duration_since(began).as_secs() < 600, "real time again: {}", running.now());
    assert!((running.scale() - 1.0).abs() < f64::EPSILON);
}
