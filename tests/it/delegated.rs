//! “Sign in with Microsoft” through the running server, from the button to the token that is refreshed, revoked and
//! challenged, and back.

use std::collections::BTreeMap;

use halobridge::{
    domain::ids::ConnectionId,
    store::{SecretOwner, Store},
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use url::Url;

use crate::outside::{Installation, Visitor, Wanted, until};

/// May write to Sentinel at the twin.
const PERSON: &str = "carla.contributor@contoso.example";

struct Scene<'a> {
    place: &'a Installation,
    visitor: Visitor<'a>,
    workspace: String,
    connection: String,
}

impl Scene<'_> {
    async fn act(&self, verb: &str, body: Value) {
        self.place.twin.post(&self.place.http, &format!("acts/{verb}"), &body).await;
    }

    async fn switch(&self, name: &str, value: bool) {
        self.place.twin.post(&self.place.http, "switches", &json!({ name: value })).await;
    }

    async fn says(&mut self, path: &str, words: &str) {
        until(words, 90, async || self.visitor.get(path).await.1.contains(words).then_some(())).await;
    }

    /// Presses the button; gives the address that the browser is sent to.
    async fn begin(&mut self) -> Url {
        let pressed = self.visitor.post(&format!("/connections/{}/sign-in", self.connection), &[]).await;
        location(&pressed)
    }

    /// Signs in at Microsoft as [`PERSON`] and comes back, as Entra sends people back: to `localhost`.
    async fn complete(&mut self, mut at: Url) -> String {
        at.query_pairs_mut().append_pair("user", PERSON);
        let answer = self.place.http.answer("GET", at.as_str(), &[], Vec::new()).await.expect("an answer");
        let back = location(&answer);
        assert_eq!((back.host_str(), back.path()), (Some("localhost"), "/connections/callback"));
        // The session lives at the address it began at: there the browser is sent on, once.
        let host = format!("localhost:{}", back.port().expect("a port"));
        let path = format!("{}?{}", back.path(), back.query().unwrap_or_default());
        let stranger = format!("{}{path}", self.visitor.address);
        let bounced = self.place.http.answer("GET", &stranger, &[("host", &host)], Vec::new()).await;
        let there = location(&bounced.expect("an answer"));
        assert!(there.as_str().starts_with(&self.visitor.address), "{there}");
        let path = format!("{}?{}", there.path(), there.query().unwrap_or_default());
        assert_eq!(self.visitor.get(&path).await.0, 303);
        // The code is worth nothing a second time.
        assert_eq!(self.visitor.get(&path).await.0, 303);
        self.visitor.get("/connections").await.1
    }

    async fn sign_in(&mut self) -> BTreeMap<String, String> {
        let at = self.begin().await;
        let query = at.query_pairs().into_owned().collect();
        let before = self.token().await;
        self.complete(at).await;
        assert_ne!(self.token().await, before, "a new refresh token is kept");
        query
    }

    /// The refresh token as kept.
    async fn token(&self) -> Option<String> {
        let store: Store = self.place.store().await;
        let owner = SecretOwner::Connection(self.connection.parse::<ConnectionId>().expect("an id"));
        let kept = store.secret(owner, "refresh_token").await.expect("it opens");
        kept.map(|token| token.expose_secret().to_owned())
    }

    /// Raises an incident, announces it, and waits for its ticket.
    async fn crosses(&mut self, mark: &str) -> i64 {
        let incident = self.raise(mark).await;
        let name = incident["name"].as_str().expect("a name").to_owned();
        until(mark, 90, async || {
            let state = self.place.twin.get(&self.place.http, "state").await;
            let tickets = state["halo"]["halo"]["tickets"].as_array().expect("tickets").clone();
            tickets.iter().find(|ticket| ticket.to_string().contains(&name)).and_then(|ticket| ticket["id"].as_i64())
        })
        .await
    }

    async fn raise(&self, mark: &str) -> Value {
        let incident = self.place.raise(&self.workspace).await;
        assert!(self.place.announce(&self.visitor.address, &self.workspace, &incident, mark).await);
        incident
    }

    /// No file of the data directory holds these words.
    fn nowhere(&self, words: &str) {
        for file in std::fs::read_dir(self.place.data()).expect("listed") {
            let path = file.expect("a file").path();
            let bytes = std::fs::read(&path).unwrap_or_default();
            assert!(!bytes.windows(words.len()).any(|part| part == words.as_bytes()), "{}", path.display());
        }
        let log = std::fs::read_to_string(self.place.log()).expect("the log");
        assert!(!log.contains(words), "it is in the log");
    }
}

fn location(answer: &http::Response<bytes::Bytes>) -> Url {
    let text = answer.headers().get("location").and_then(|text| text.to_str().ok());
    let text = text.unwrap_or_else(|| panic!("{} {}", answer.status(), String::from_utf8_lossy(answer.body())));
    Url::parse(text).unwrap_or_else(|_| panic!("{text}"))
}

#[tokio::test]
async fn a_person_signs_in_and_again_whenever_microsoft_asks() {
    let place = Installation::new(&["--workspaces", "1"], &Wanted { delegated: true, ..Wanted::default() });
    let workspace = place.workspaces().remove(0);
    let (mut server, address) = place.serve();
    let visitor = place.signed_in(&address, "ada").await;
    let mut scene = Scene { place: &place, visitor, workspace, connection: String::new() };
    let page = scene.visitor.get("/connections").await.1;
    let (before, _) = page.split_once("/sign-in\" class=\"act\"").expect("a button");
    scene.connection = before.rsplit('/').next().expect("an id").to_owned();
    scene.raise("before anybody signed in").await;
    scene.says("/connections", "Nobody has signed in with Microsoft").await;

    // Out: everything that binds the answer to this browser and this app.
    let query = scene.sign_in().await;
    assert_eq!(query["response_type"], "code");
    assert_eq!(query["code_challenge_method"], "S256");
    assert!(query["code_challenge"].len() >= 43 && query["state"].len() >= 43 && query["nonce"].len() >= 43);
    assert!(query["scope"].contains("offline_access") && query["scope"].contains("user_impersonation"));
    assert!(query["redirect_uri"].starts_with("http://localhost:"), "{}", query["redirect_uri"]);
    assert!(!query.contains_key("claims"));
    // And back: what was waiting crosses, and the token lies sealed.
    scene.crosses("after the sign-in").await;
    let first = scene.token().await.expect("kept");
    scene.nowhere(&first);
    assert!(scene.visitor.get("/connections").await.1.contains(PERSON), "and the page says who it was");

    // The access token ends: it is refreshed, and the newer refresh token replaces the older one.
    scene.act("tokens.expire", json!({})).await;
    scene.crosses("after a refresh").await;
    let second = scene.token().await.expect("kept");
    assert_ne!(first, second, "rotated");
    scene.nowhere(&second);

    // Revoked: said, with the remedy; signed in again, it goes on where it stopped.
    scene.act("user.revoke", json!({ "user": PERSON })).await;
    scene.act("tokens.expire", json!({})).await;
    scene.raise("while revoked").await;
    scene.says("/connections", "The sign-in has expired or was revoked. Sign in again.").await;
    scene.says("/problems", "The sign-in has expired or was revoked. Sign in again.").await;
    // nor is the step of the set-up done, and the notice leads there
    scene.says("/set-up/sign-in", "The sign-in has expired or was revoked. Sign in again.").await;
    scene.says("/connections", "href=\"/set-up/sign-in\"").await;
    let query = scene.sign_in().await;
    assert!(!query.contains_key("claims"), "nothing was challenged");
    scene.crosses("after signing in again").await;

    // Challenged: what Azure asks for goes along to the next sign-in, and not to the one after.
    scene.act("tokens.challenge", json!({})).await;
    scene.raise("while challenged").await;
    scene.says("/connections", "Azure asks for a stronger sign-in").await;
    let query = scene.sign_in().await;
    let claims: Value = serde_json::from_str(&query["claims"]).expect("JSON");
    assert!(claims.pointer("/access_token/nbf/essential").is_some(), "as Azure gave it: {claims}");
    let ticket = scene.crosses("after the stronger sign-in").await;
    let query = scene.sign_in().await;
    assert!(!query.contains_key("claims"), "a success clears it");

    // Only writes are challenged: polls go well, and the page says it all the same.
    scene.switch("mfa_on_writes", true).await;
    let note = json!({ "ticket_id": ticket, "html": "<p>said in the ticket</p>", "agent": "Amira Haddad" });
    scene.act("ticket.note", note).await;
    scene.says("/connections", "Azure asks for a stronger sign-in").await;
    scene.says("/problems", "Azure asks for a stronger sign-in").await;
    let query = scene.sign_in().await;
    assert!(query["claims"].contains("acrs"), "{}", query["claims"]);
    let dashboard = scene.visitor.get(&format!("/?q={ticket}")).await.1;
    let (_, rest) = dashboard.split_once("href=\"/pairs/").expect("the pair");
    // Behind the id stands the list that the page leads back to.
    let pair = page_id(rest, "?", &dashboard);
    until("the comment is there", 90, async || {
        // What waits for its time is carried out now.
        if scene.visitor.get(&format!("/pairs/{pair}")).await.1.contains("Next try") {
            assert_eq!(scene.visitor.post(&format!("/pairs/{pair}/sync"), &[]).await.status(), 303);
        }
        let state = place.twin.get(&place.http, "state").await;
        state["workspaces"].to_string().contains("said in the ticket").then_some(())
    })
    .await;
    assert!(!scene.visitor.get("/connections").await.1.contains("stronger sign-in"));

    // The sign-in itself is challenged, at its very end.
    scene.switch("mfa_on_sign_in", true).await;
    let at = scene.begin().await;
    let page = scene.complete(at).await;
    assert!(page.contains("Microsoft asks for a second factor. Sign in again."), "{page}");
    let query = scene.sign_in().await;
    assert!(query["claims"].contains("capolids"), "{}", query["claims"]);
    scene.crosses("after the second factor").await;
    assert_eq!(server.stop().await.code(), Some(0));
}

/// The id at the beginning of `rest`, up to `end`.
fn page_id(rest: &str, end: &str, page: &str) -> String {
    let (id, _) = rest.split_once(end).unwrap_or_else(|| panic!("{page}"));
    id.to_owned()
}
