//! What programs ask for with a token: `POST /api/…`.

use std::time::Duration;

use axum::body::Body;
use halobridge::{
    domain::{
        account::{Role, Scope},
        ids::{ClientId, WorkspaceId},
        view::ledger::LedgerFilter,
        workspace::{Portal, Workspace},
    },
    service::{caller::Caller, incidents, ledger, tokens},
    twin::options::Product,
    web::{self, WebOptions},
};
use http::{Request, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    engine::{bridge::*, person::operator},
    support::{Answer, Browser, TestApp, seed},
};

async fn app() -> TestApp {
    let app = TestApp::new().await;
    app.seed("A title", "some words").await;
    app.person("admin", Role::Admin, Scope::All).await;
    app.person("operator", Role::Operator, Scope::All).await;
    app
}

impl TestApp {
    /// Calls as a program does: no cookie, no origin.
    async fn call(&self, path: &str, token: Option<&str>, body: &Value) -> (StatusCode, Value, Answer) {
        let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let answer = self.send(request.body(Body::from(body.to_string())).unwrap()).await;
        (answer.status, serde_json::from_str(&answer.body).unwrap_or_default(), answer)
    }

    async fn admin(&self) -> Caller {
        let user = self.app.store.user_by_name("admin").await.unwrap().unwrap().user;
        Caller::from(&user)
    }

    async fn token(&self, name: &str, clients: Option<&[ClientId]>) -> String {
        let ids: Option<Vec<String>> = clients.map(|ids| ids.iter().map(ToString::to_string).collect());
        let clients = ids.as_ref().map(|ids| ids.iter().map(String::as_str).collect());
        tokens::make(&self.app, &self.admin().await, name, clients).await.unwrap()
    }
}

fn resync(n: u128) -> String {
    format!("/api/pairs/{}/resync", seed::pair(n))
}

#[tokio::test]
async fn a_token_is_made_on_its_page_shown_once_and_kept_as_a_hash() {
    let app = app().await;
    let mut browser = app.signed_in("admin").await;
    let one = seed::client(1).to_string();
    let form = [("name", "soar"), ("sees", "some"), ("client", one.as_str())];
    let made = app.submit(&mut browser, "/tokens", &form).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    let at = made.body.find("hb_").expect("shown");
    let token: String = made.body[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    assert_eq!(token.len(), 3 + 64);
    let page = app.page(&mut browser, "/tokens").await.body;
    assert!(
        page.contains("soar") && page.contains("never") && page.contains("Alpine") && !page.contains(&token),
        "{page}"
    );
    assert_eq!(app.call(&resync(1), Some(&token), &Value::Null).await.0, StatusCode::OK);
    // Nowhere in the database, nor in the ledger, nor on a page.
    let snapshot = app.app.store.snapshot().await.unwrap();
    assert!(!format!("{:?}", app.app.store.api_tokens().await.unwrap()).contains(&token));
    drop(snapshot);
    let page = app.page(&mut browser, "/tokens").await.body;
    assert!(!page.contains("never"), "its use shows: {page}");
    // The ledger tells who made it and what it did, by its name.
    for (filter, told) in [
        (LedgerFilter::default(), "Made the API token soar."),
        (LedgerFilter { client: Some(seed::client(1)), ..LedgerFilter::default() }, "soar (API token)"),
    ] {
        let view = ledger::view(&app.app, &app.admin().await, filter).await.unwrap();
        let text = format!("{:?}", view.entries.unwrap().rows);
        assert!(text.contains(told) && !text.contains(&token), "{told}: {text}");
    }
    // The same name again, no name, no client.
    assert_eq!(app.submit(&mut browser, "/tokens", &form).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    for wrong in [
        vec![("name", ""), ("sees", "all")],
        vec![("name", "b"), ("sees", "some")],
        vec![("name", "c"), ("client", "nobody")],
    ] {
        assert_eq!(
            app.submit(&mut browser, "/tokens", &wrong).await.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{wrong:?}"
        );
    }
    // Revoked: refused at once, and for good.
    let id = app.app.store.api_tokens().await.unwrap()[0].id;
    let revoke = format!("/tokens/{id}/revoke");
    assert_eq!(app.submit(&mut browser, &revoke, &[]).await.location(), "/tokens");
    assert_eq!(app.call(&resync(1), Some(&token), &Value::Null).await.0, StatusCode::UNAUTHORIZED);
    app.submit(&mut browser, &revoke, &[]).await;
    let page = app.page(&mut browser, "/tokens").await.body;
    assert!(page.contains("That token does not hold any more") && page.contains("revoked"), "{page}");
}

#[tokio::test]
async fn a_program_without_a_token_that_holds_is_refused() {
    let app = app().await;
    app.token("soar", None).await;
    app.engine.taken();
    for token in [None, Some(""), Some("hb_0000"), Some("admin")] {
        let (status, body, answer) = app.call(&resync(1), token, &Value::Null).await;
        assert_eq!((status, body["error"].as_str()), (StatusCode::UNAUTHORIZED, Some("unauthorized")), "{token:?}");
        assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer");
    }
    // A person's session is none.
    let browser: Browser = app.signed_in("admin").await;
    let cookie = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
    let request = Request::post(resync(1)).header(header::COOKIE, cookie).body(Body::empty()).unwrap();
    assert_eq!(app.send(request).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(app.engine.taken(), Vec::<String>::new());
}

#[tokio::test]
async fn a_token_reaches_its_clients_alone() {
    let app = app().await;
    let token = app.token("alpine", Some(&[seed::client(1)])).await;
    app.engine.taken();
    let (status, body, _) = app.call(&resync(1), Some(&token), &Value::Null).await;
    assert_eq!((status, body["asked"].as_str()), (StatusCode::OK, Some("resync")), "{body}");
    let pair = seed::pair(1);
    assert_eq!(app.engine.taken(), [format!("look {pair}"), format!("sync {pair}")]);
    let (status, body, _) = app.call(&resync(2), Some(&token), &Value::Null).await;
    assert_eq!((status, body["error"].as_str()), (StatusCode::NOT_FOUND, Some("not-found")));
    assert_eq!(app.call("/api/pairs/none/resync", Some(&token), &Value::Null).await.0, StatusCode::NOT_FOUND);
    let foreign = json!({ "workspace": seed::workspace(2).to_string(), "ticket": 1 });
    assert_eq!(app.call("/api/push", Some(&token), &foreign).await.0, StatusCode::NOT_FOUND);
    let mut named = app.signed_in("operator").await;
    assert_eq!(app.page(&mut named, "/tokens").await.status, StatusCode::FORBIDDEN, "tokens are the admins' affair");
    assert_eq!(app.engine.taken(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_named_with_its_remedy() {
    let app = app().await;
    let token = app.token("soar", None).await;
    let workspace: WorkspaceId = seed::workspace(1);
    for (body, field) in [
        (json!({}), "body"),
        (json!({ "workspace": workspace, "ticket": 1, "more": true }), "body"),
        (json!({ "workspace": workspace, "ticket": "many" }), "ticket"),
        (json!({ "workspace": workspace, "ticket": -3 }), "ticket"),
        (json!({ "workspace": workspace, "ticket": 1, "wait_secs": 99 }), "wait_secs"),
        (json!({ "workspace": workspace, "ticket": 1, "wait_secs": -1 }), "wait_secs"),
        (json!({ "workspace": workspace, "ticket": 1, "wait_secs": "long" }), "wait_secs"),
    ] {
        let (status, found, answer) = app.call("/api/push", Some(&token), &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {}", answer.body);
        assert_eq!(
            (found["error"].as_str(), found["problems"][0]["field"].as_str()),
            (Some("invalid"), Some(field)),
            "{body}"
        );
        assert!(!found["problems"][0]["problem"].as_str().unwrap().is_empty());
    }
    let large = json!({ "workspace": "x".repeat(20_000), "ticket": 1 });
    let (status, found, _) = app.call("/api/push", Some(&token), &large).await;
    assert_eq!((status, found["error"].as_str()), (StatusCode::PAYLOAD_TOO_LARGE, Some("too-large")), "{found}");
    for path in ["/api/push".to_owned(), resync(1)] {
        let answer = app.send(Request::get(&path).body(Body::empty()).unwrap()).await;
        let found: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        assert_eq!(
            (answer.status, found["error"].as_str()),
            (StatusCode::METHOD_NOT_ALLOWED, Some("method")),
            "{path}"
        );
        assert_eq!(answer.headers[header::ALLOW], "POST", "{path}");
        assert!(found["message"].as_str().is_some_and(|words| words.contains("POST")), "{path}");
    }
    assert_eq!(app.engine.taken(), Vec::<String>::new());
}

#[tokio::test]
async fn a_name_that_two_workspaces_have_pushes_nothing() {
    let app = app().await;
    let token = app.token("soar", None).await;
    let one_client = app.token("alpine", Some(&[seed::client(1)])).await;
    let installation = app.app.installation().await.unwrap();
    let second = installation.workspaces.iter().find(|one| one.id == seed::workspace(2)).unwrap();
    let mut tx = app.app.store.begin().await.unwrap();
    tx.put_workspace(&Workspace { name: "WS1".into(), ..second.clone() }).await.unwrap();
    tx.commit().await.unwrap();
    let push = |workspace: &str| json!({ "workspace": workspace, "ticket": 1, "wait_secs": 0 });
    let (status, found, _) = app.call("/api/push", Some(&token), &push("Ws1")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{found}");
    let problem = "Two workspaces have this name: send the id of the one that is meant. Nothing was pushed.";
    assert_eq!(found["problems"], json!([{ "field": "workspace", "problem": problem }]));
    assert!(app.app.store.asked().await.unwrap().is_empty());
    // Each by its id, and by the name where it is the only one that the token reaches.
    for (token, given, meant) in [
        (&token, seed::workspace(2).to_string(), seed::workspace(2)),
        (&one_client, "Ws1".to_owned(), seed::workspace(1)),
    ] {
        let (status, found, _) = app.call("/api/push", Some(token), &push(&given)).await;
        assert_eq!((status, found["state"].as_str()), (StatusCode::ACCEPTED, Some("waiting")), "{found}");
        let asked = app.app.store.asked().await.unwrap();
        assert_eq!(asked.last().unwrap().detail["workspace"], json!(meant));
    }
}

#[tokio::test]
async fn what_keeps_a_push_from_a_defender_workspace_names_the_member_and_no_box() {
    let app = app().await;
    let token = app.token("soar", None).await;
    let installation = app.app.installation().await.unwrap();
    let first = installation.workspaces.iter().find(|one| one.id == seed::workspace(1)).unwrap();
    let mut tx = app.app.store.begin().await.unwrap();
    tx.put_workspace(&Workspace { portal: Portal::Defender, ..first.clone() }).await.unwrap();
    tx.commit().await.unwrap();
    let body = json!({ "workspace": first.id, "ticket": 1, "wait_secs": 0 });
    let (status, found, _) = app.call("/api/push", Some(&token), &body).await;
    let problem = &found["problems"][0];
    assert_eq!((status, problem["field"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("anyway")), "{found}");
    let words = problem["problem"].as_str().unwrap();
    assert!(words.contains("Send “anyway”: true") && !words.contains("Tick"), "{words}");
    assert!(app.app.store.asked().await.unwrap().is_empty());
    let body = json!({ "workspace": first.id, "ticket": 1, "wait_secs": 0, "anyway": true });
    assert_eq!(app.call("/api/push", Some(&token), &body).await.0, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn whatever_goes_wrong_below_the_api_is_told_in_json() {
    let app = app().await;
    let token = app.token("soar", None).await;
    for path in ["/api/nothing", "/api/push/", "/api/pairs", "/api/pairs/x/resink"] {
        let (status, found, answer) = app.call(path, Some(&token), &Value::Null).await;
        assert_eq!((status, found["error"].as_str()), (StatusCode::NOT_FOUND, Some("not-found")), "{path}");
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/json", "{path}");
        let read = app.send(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!((read.status, read.body), (StatusCode::NOT_FOUND, answer.body), "{path}");
    }
    let within = Duration::from_millis(20);
    let options = WebOptions { answer_within: within, ..WebOptions::at("http://127.0.0.1:8080".parse().unwrap()) };
    let app = TestApp { router: web::router(app.app.clone(), options), ..app };
    // The token is looked up in a store that is not free.
    let held = app.app.store.begin().await.unwrap();
    let (status, found, answer) = app.call(&resync(1), Some(&token), &Value::Null).await;
    drop(held);
    assert_eq!((status, found["error"].as_str()), (StatusCode::GATEWAY_TIMEOUT, Some("late")), "{found}");
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/json");
    assert!(answer.headers.contains_key("x-request-id"));
}

#[tokio::test]
async fn a_resync_says_how() {
    let app = app().await;
    let token = app.token("scripts", None).await;
    for (how, expected) in [("look", "look"), ("sync", "sync"), ("resync", "look")] {
        let (status, body, _) = app.call(&resync(1), Some(&token), &json!({ "how": how })).await;
        assert_eq!((status, body["asked"].as_str()), (StatusCode::OK, Some(how)), "{body}");
        assert!(app.engine.taken().iter().any(|asked| asked.starts_with(expected)), "{how}");
    }
    assert!(app.app.store.asked().await.unwrap().is_empty());
    let (status, body, _) = app.call(&resync(1), Some(&token), &json!({ "how": "rebuild" })).await;
    assert_eq!((status, body["asked"].as_str()), (StatusCode::OK, Some("rebuild")), "{body}");
    let asked = app.app.store.asked().await.unwrap();
    assert_eq!((asked.len(), asked[0].kind.as_str()), (1, "rebuild"));
    for wrong in [json!({ "how": "undo" }), json!({ "why": "rebuild" }), json!("rebuild")] {
        let (status, body, _) = app.call(&resync(1), Some(&token), &wrong).await;
        assert_eq!((status, body["problems"][0]["field"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("body")));
    }
    assert_eq!(app.app.store.asked().await.unwrap().len(), 1);
}

/// A call, with the engine at work as soon as it was asked.
async fn beside<T>(bridge: &Bridge, call: impl Future<Output = T>) -> T {
    let work = async {
        while bridge.store.asked().await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        bridge.pass_by(9, 3).await;
    };
    let (done, worked) = tokio::join!(call, tokio::time::timeout(std::time::Duration::from_secs(20), work));
    worked.expect("it was asked");
    done
}

#[tokio::test]
async fn a_ticket_is_pushed_once_by_however_many_requests() {
    for product in [Product::Itsm, Product::Psa] {
        let bridge = Bridge::with(Setup { notes: "all", ..Setup::new(product) }).await;
        let (app, _) = operator(&bridge);
        let app = TestApp::over(app, bridge.clock.clone());
        app.person("admin", Role::Admin, Scope::All).await;
        let token = app.token("soar", None).await;
        let ticket = bridge.opened(0);
        let workspace = bridge.workspace(0).await;
        let body = json!({ "workspace": workspace.name, "ticket": ticket, "wait_secs": 0 });
        let (status, found, _) = app.call("/api/push", Some(&token), &body).await;
        assert_eq!((status, found["state"].as_str()), (StatusCode::ACCEPTED, Some("waiting")), "{found}");
        let (status, again, _) = app.call("/api/push", Some(&token), &body).await;
        assert_eq!((status, &again["request"]), (StatusCode::ACCEPTED, &found["request"]), "asked once");
        bridge.run().await;
        let (status, found, _) = app.call("/api/push", Some(&token), &body).await;
        assert_eq!(status, StatusCode::OK, "{found}");
        let incident = found["incident"].as_str().unwrap().to_owned();
        assert_eq!(bridge.ticket_of(&incident).await, ticket);
        assert_eq!(found["pair"].as_str().unwrap(), bridge.pair_of(&incident).await.unwrap().id.to_string());
        assert_eq!(bridge.incidents(0).len(), 1);
        // One that waits for the engine's word hears it.
        let second = bridge.opened(0);
        let body = json!({ "workspace": workspace.id, "ticket": second.to_string() });
        let (status, found, _) = beside(&bridge, app.call("/api/push", Some(&token), &body)).await;
        assert_eq!(status, StatusCode::CREATED, "{found}");
        assert!(found["address"].as_str().unwrap().ends_with(&format!("/pairs/{}", found["pair"].as_str().unwrap())));
        // Linked to an incident of its own: a conflict.
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        let body = json!({ "workspace": workspace.id, "ticket": bridge.ticket_of(&incident).await });
        let (status, found, _) = app.call("/api/push", Some(&token), &body).await;
        assert_eq!((status, found["error"].as_str()), (StatusCode::CONFLICT, Some("conflict")));
        bridge.finish().await;
    }
}

#[tokio::test]
async fn of_many_who_push_a_ticket_at_once_one_made_it_and_one_line_tells_of_it() {
    let bridge = Bridge::with(Setup { notes: "all", ..Setup::new(Product::Itsm) }).await;
    let (app, olga) = operator(&bridge);
    let app = TestApp::over(app, bridge.clock.clone());
    app.person("admin", Role::Admin, Scope::All).await;
    let token = app.token("soar", None).await;
    let ticket = bridge.opened(0);
    let workspace = bridge.workspace(0).await;
    let body = json!({ "workspace": workspace.name, "ticket": ticket });
    let calls = (0..12).map(|_| app.call("/api/push", Some(&token), &body));
    let answers = beside(&bridge, futures::future::join_all(calls)).await;
    let answers: Vec<(StatusCode, Value)> = answers.into_iter().map(|(status, found, _)| (status, found)).collect();
    let count = |wanted: StatusCode| answers.iter().filter(|(status, ..)| *status == wanted).count();
    assert_eq!((count(StatusCode::CREATED), count(StatusCode::OK)), (1, 11), "{answers:?}");
    let incident = &answers[0].1["incident"];
    assert!(incident.is_string() && answers.iter().all(|(_, found)| found["incident"] == *incident), "{answers:?}");
    let view = incidents::view(&app.app, &olga, Default::default()).await.unwrap();
    assert_eq!(view.push.recent.len(), 1, "{:?}", view.push.recent);
    bridge.finish().await;
}

#[tokio::test]
async fn another_clients_ticket_is_refused_in_the_words_for_one_that_is_not_there() {
    let bridge = Bridge::with(Setup { notes: "all", ..Setup::new(Product::Itsm) }).await;
    let (app, _) = operator(&bridge);
    let app = TestApp::over(app, bridge.clock.clone());
    app.person("admin", Role::Admin, Scope::All).await;
    let workspace = bridge.workspace(0).await;
    let token = app.token("one client's", Some(&[workspace.client])).await;
    let foreign = bridge.opened(1);
    let mut told = Vec::new();
    for ticket in [foreign, 987_654] {
        let body = json!({ "workspace": workspace.name, "ticket": ticket });
        let (status, found, _) = beside(&bridge, app.call("/api/push", Some(&token), &body)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{found}");
        told.push(found.to_string().replace(&ticket.to_string(), "N"));
    }
    assert_eq!(told[0], told[1]);
    bridge.finish().await;
}
