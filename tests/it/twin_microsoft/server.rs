//! The twin behind real sockets: broken connections, the pump, the clock.

use std::sync::{Arc, Mutex};

use axum::{Router, routing::post};
use bytes::Bytes;
use halobridge::{
    outbound::{Transport, TransportError, network::Network},
    twin::{faults::Fault, server},
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
