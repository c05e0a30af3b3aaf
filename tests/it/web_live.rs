//! Live events: hints after a number, within the reader's scope, until they sign out.

use axum::body::Body;
use halobridge::{
    domain::account::{Role, Scope},
    ledger::fact::Fact,
};
use http::{Response, StatusCode};
use http_body_util::BodyExt;

use crate::support::{TestApp, seed};

async fn app() -> TestApp {
    let app = TestApp::new().await;
    app.seed("A title", "words").await;
    app.person("ada", Role::Viewer, Scope::All).await;
    app.person("bea", Role::Viewer, Scope::Clients(vec![seed::client(2)])).await;
    app
}

impl TestApp {
    /// Something happens to client `n`'s pair, and the engine tells of it.
    async fn happens(&self, n: u128) -> i64 {
        let mut tx = self.app.store.begin().await.unwrap();
        let fact = Fact::HumanAct {
            user: None,
            act: "look-again".into(),
            pair: Some(seed::pair(n)),
            detail: serde_json::json!({}),
        };
        let seq = tx.record(self.now(), Some(seed::client(n)), fact).await.unwrap();
        tx.commit().await.unwrap();
        self.engine.moved(seq.0);
        seq.0
    }
}

/// The next message: its id and its data. `None` when the stream has ended.
pub async fn next(response: &mut Response<Body>) -> Option<(i64, String)> {
    let mut text = String::new();
    loop {
        let frame = response.body_mut().frame().await?.unwrap();
        text.push_str(std::str::from_utf8(&frame.into_data().ok()?).unwrap());
        let Some((message, rest)) = text.split_once("\n\n") else { continue };
        let field = |name: &str| message.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        if let (Some(id), Some(data)) = (field("id:"), field("data:")) {
            return Some((id.parse().unwrap(), data.to_owned()));
        }
        text = rest.to_owned();
    }
}

#[tokio::test]
async fn events_begin_where_the_page_ended_and_go_on() {
    let app = app().await;
    let ada = app.signed_in("ada").await;
    let start = app.app.store.latest_seq().await.unwrap().0;
    let first = app.happens(1).await;
    let mut events = app.open(&ada, &format!("/events?after={start}"), &[]).await;
    assert_eq!(events.status(), StatusCode::OK);
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    assert_eq!(next(&mut events).await, Some((first, seed::pair(1).to_string())));
    let second = app.happens(2).await;
    assert_eq!(next(&mut events).await, Some((second, seed::pair(2).to_string())));

    // a lost connection resumes after the last message that arrived, whatever the address says
    let id = first.to_string();
    let mut events = app.open(&ada, &format!("/events?after={start}"), &[("last-event-id", &id)]).await;
    assert_eq!(next(&mut events).await, Some((second, seed::pair(2).to_string())));
}

#[tokio::test]
async fn nobody_hears_of_a_foreign_client() {
    let app = app().await;
    let bea = app.signed_in("bea").await;
    let mut events = app.open(&bea, "/events?after=0", &[]).await;
    let (_, data) = next(&mut events).await.unwrap();
    assert_eq!(data, seed::pair(2).to_string());
    app.happens(1).await;
    let own = app.happens(2).await;
    assert_eq!(next(&mut events).await, Some((own, seed::pair(2).to_string())));
}

#[tokio::test]
async fn signing_out_ends_the_stream() {
    let app = app().await;
    let mut ada = app.signed_in("ada").await;
    let mut events = app.open(&ada, "/events", &[]).await;
    app.happens(1).await;
    assert!(next(&mut events).await.is_some());
    app.submit(&mut ada, "/sign-out", &[]).await;
    assert_eq!(next(&mut events).await, None);
    assert_eq!(app.open(&ada, "/events", &[("accept", "text/event-stream")]).await.status(), StatusCode::UNAUTHORIZED);
}
