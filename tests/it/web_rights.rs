//! Who may do what: every route, for everyone who may call it. A route without a row fails.

use halobridge::{
    domain::{
        account::{Role, Scope},
        drift::{Drift, DriftClass, DriftRule},
        ids::{IncidentId, RunId},
        incident::Incident,
        reason::Reason,
        run::{Run, RunCause, RunScope},
    },
    ledger::fact::Fact,
    web::ROUTES,
};
use http::StatusCode;

use crate::support::{Browser, TestApp, seed};

/// What happens to a request on a route: signed out, viewer, operator, admin, an admin who sees only the
/// other client, and an admin whose request was made by a page of another site (`None`: nothing to change).
struct Row {
    method: &'static str,
    route: &'static str,
    out: u16,
    viewer: u16,
    operator: u16,
    admin: u16,
    other_client: u16,
}

const fn row(method: &'static str, route: &'static str, statuses: [u16; 5]) -> Row {
    let [out, viewer, operator, admin, other_client] = statuses;
    Row { method, route, out, viewer, operator, admin, other_client }
}

#[rustfmt::skip]
const TABLE: &[Row] = &[
    row("GET", "/", [303, 200, 200, 200, 200]),
    row("GET", "/incidents", [303, 200, 200, 200, 200]),
    // this one is linked: its page leads to the pair
    row("GET", "/incidents/{workspace}/{incident}/link", [303, 303, 303, 303, 404]),
    row("POST", "/incidents/{workspace}/{incident}/link", [401, 403, 303, 303, 404]),
    row("POST", "/incidents/{workspace}/{incident}/ticket", [401, 403, 303, 303, 404]),
    row("GET", "/pairs.csv", [303, 200, 200, 200, 200]),
    row("GET", "/approvals", [303, 200, 200, 200, 200]),
    row("GET", "/drift", [303, 200, 200, 200, 200]),
    row("GET", "/backfill", [303, 200, 200, 200, 200]),
    // without a workspace in the form there is nothing to see or not to see
    row("POST", "/backfill", [401, 403, 422, 422, 422]),
    row("POST", "/workspaces/{id}/backfill/start", [401, 403, 404, 404, 404]),
    row("POST", "/workspaces/{id}/backfill/stop", [401, 403, 404, 404, 404]),
    row("GET", "/configuration", [303, 403, 403, 200, 403]),
    // without a version in the form there is none to go back to
    row("POST", "/configuration", [401, 403, 403, 404, 403]),
    row("GET", "/configuration.toml", [303, 403, 403, 200, 403]),
    row("POST", "/configuration/file", [401, 403, 403, 422, 403]),
    row("GET", "/shadow", [303, 200, 200, 200, 200]),
    row("GET", "/shadow.csv", [303, 200, 200, 200, 200]),
    row("GET", "/pairs/{id}", [303, 200, 200, 200, 404]),
    row("POST", "/pairs/{id}/look", [401, 403, 303, 303, 404]),
    row("POST", "/pairs/{id}/sync", [401, 403, 303, 303, 404]),
    row("GET", "/pairs/{id}/rebuild", [303, 403, 200, 200, 404]),
    row("POST", "/pairs/{id}/rebuild", [401, 403, 303, 303, 404]),
    row("POST", "/pairs/{id}/decide", [401, 403, 303, 303, 404]),
    row("POST", "/pairs/{id}/unlink", [401, 403, 303, 303, 404]),
    row("POST", "/pairs/{id}/pause", [401, 403, 303, 303, 404]),
    row("POST", "/pairs/{id}/resume", [401, 403, 303, 303, 404]),
    row("POST", "/clients/{id}/pause", [401, 403, 303, 303, 404]),
    row("POST", "/clients/{id}/resume", [401, 403, 303, 303, 404]),
    row("GET", "/palette", [303, 200, 200, 200, 200]),
    row("GET", "/problems", [303, 200, 200, 200, 200]),
    row("GET", "/runs", [303, 200, 200, 200, 200]),
    row("POST", "/workspaces/{id}/sync", [401, 403, 303, 303, 404]),
    row("POST", "/workspaces/{id}/log", [401, 403, 303, 303, 404]),
    row("POST", "/workspaces/{id}/release", [401, 403, 303, 303, 404]),
    row("POST", "/workspaces/{id}/push", [401, 403, 422, 422, 404]),
    // without a workspace in the form there is nothing to see or not to see
    row("POST", "/push", [401, 403, 422, 422, 422]),
    row("GET", "/connections", [303, 200, 200, 200, 200]),
    row("GET", "/connections/callback", [303, 303, 303, 303, 303]),
    row("GET", "/connections/{id}/disconnect", [303, 403, 403, 200, 403]),
    // the name is not repeated
    row("POST", "/connections/{id}/disconnect", [401, 403, 403, 422, 403]),
    row("POST", "/connections/{id}/look", [401, 403, 303, 303, 403]),
    row("POST", "/connections/{id}/pause", [401, 403, 303, 303, 403]),
    row("POST", "/connections/{id}/resume", [401, 403, 303, 303, 403]),
    row("POST", "/connections/{id}/sign-in", [401, 403, 403, 303, 403]),
    row("POST", "/connections/{id}/test", [401, 403, 303, 303, 403]),
    row("GET", "/tickets", [303, 403, 200, 200, 200]),
    row("GET", "/look-up", [303, 200, 200, 200, 200]),
    row("GET", "/accounts", [303, 403, 403, 200, 403]),
    // without a name there is nothing to make
    row("POST", "/accounts", [401, 403, 403, 422, 403]),
    row("GET", "/accounts/{id}", [303, 403, 403, 404, 403]),
    row("POST", "/accounts/{id}", [401, 403, 403, 404, 403]),
    row("POST", "/accounts/{id}/password", [401, 403, 403, 404, 403]),
    row("POST", "/accounts/{id}/off", [401, 403, 403, 404, 403]),
    row("POST", "/accounts/{id}/on", [401, 403, 403, 404, 403]),
    row("GET", "/tokens", [303, 403, 403, 200, 403]),
    // without a name and clients there is nothing to make
    row("POST", "/tokens", [401, 403, 403, 422, 403]),
    row("POST", "/tokens/{id}/revoke", [401, 403, 403, 303, 403]),
    row("GET", "/errands", [303, 403, 200, 200, 200]),
    // without an act there is nothing to plan
    row("POST", "/errands", [401, 403, 303, 303, 303]),
    row("GET", "/errands/{id}", [303, 403, 404, 404, 404]),
    row("POST", "/errands/{id}/begin", [401, 403, 404, 404, 404]),
    row("POST", "/errands/{id}/stop", [401, 403, 404, 404, 404]),
    row("GET", "/views", [303, 200, 200, 200, 200]),
    // without a list and its filter there is nothing to save
    row("POST", "/views", [401, 422, 422, 422, 422]),
    row("GET", "/views/{id}", [303, 404, 404, 404, 404]),
    row("POST", "/views/{id}", [401, 404, 404, 404, 404]),
    row("POST", "/views/{id}/remove", [401, 303, 303, 303, 303]),
    row("GET", "/ledger", [303, 200, 200, 200, 200]),
    row("GET", "/ledger.jsonl", [303, 200, 200, 200, 200]),
    row("GET", "/account", [303, 200, 200, 200, 200]),
    row("GET", "/help", [303, 200, 200, 200, 200]),
    row("GET", "/help/{page}", [303, 200, 200, 200, 200]),
    row("POST", "/account/password", [401, 422, 422, 422, 422]),
    row("POST", "/account/sessions", [401, 303, 303, 303, 303]),
    row("GET", "/operations/{id}/retry", [303, 403, 200, 200, 404]),
    row("GET", "/problems/replay", [303, 403, 200, 200, 200]),
    row("POST", "/problems/replay", [401, 403, 303, 303, 303]),
    row("POST", "/operations/{id}/retry", [401, 403, 303, 303, 404]),
    row("GET", "/operations/{id}/drop", [303, 403, 200, 200, 404]),
    row("POST", "/operations/{id}/drop", [401, 403, 303, 303, 404]),
    row("GET", "/set-up", [303, 403, 403, 200, 403]),
    row("GET", "/set-up/microsoft", [303, 403, 403, 200, 403]),
    row("POST", "/set-up/microsoft", [401, 403, 403, 409, 403]),
    row("GET", "/set-up/sign-in", [303, 403, 403, 200, 403]),
    row("GET", "/set-up/halo", [303, 403, 403, 200, 403]),
    row("POST", "/set-up/halo", [401, 403, 403, 409, 403]),
    row("GET", "/set-up/clients", [303, 403, 403, 200, 403]),
    row("POST", "/set-up/clients", [401, 403, 403, 409, 403]),
    // an empty file is no file
    row("POST", "/set-up/clients/file", [401, 403, 403, 422, 403]),
    row("GET", "/set-up/clients.csv", [303, 403, 403, 200, 403]),
    row("GET", "/set-up/check", [303, 403, 403, 200, 403]),
    row("POST", "/set-up/check", [401, 403, 403, 409, 403]),
    row("POST", "/set-up/halo/test", [401, 403, 403, 404, 403]),
    row("GET", "/set-up/mapping", [303, 403, 403, 200, 403]),
    row("POST", "/set-up/mapping", [401, 403, 403, 409, 403]),
    row("GET", "/set-up/import", [303, 403, 403, 200, 403]),
    row("POST", "/set-up/import", [401, 403, 403, 404, 403]),
    row("GET", "/set-up/import/template", [303, 403, 403, 404, 403]),
    // open to everybody: it is the same for every installation, and holds no secret and no address
    row("GET", "/azure/logic-app.json", [200, 200, 200, 200, 200]),
    row("GET", "/set-up/go-live", [303, 403, 403, 200, 403]),
    row("POST", "/set-up/go-live", [401, 403, 403, 422, 403]),
    row("POST", "/set-up", [409, 409, 409, 409, 409]),
    row("GET", "/sign-in", [200, 303, 303, 303, 303]),
    row("POST", "/sign-in", [422, 422, 422, 422, 422]),
    row("POST", "/sign-out", [303, 303, 303, 303, 303]),
    row("POST", "/preferences", [303, 303, 303, 303, 303]),
    row("GET", "/events", [303, 200, 200, 200, 200]),
    row("GET", "/metrics", [200, 200, 200, 200, 200]),
    row("GET", "/healthz", [200, 200, 200, 200, 200]),
    row("GET", "/readyz", [200, 200, 200, 200, 200]),
    // no cookie counts there: a token does
    row("POST", "/api/push", [401, 401, 401, 401, 401]),
    row("POST", "/api/pairs/{id}/resync", [401, 401, 401, 401, 401]),
    // no address of ours, told in JSON
    row("GET", "/api/{*rest}", [404, 404, 404, 404, 404]),
    row("POST", "/api/{*rest}", [404, 404, 404, 404, 404]),
    row("POST", "/hooks/sentinel/{workspace}", [401, 401, 401, 401, 401]),
    row("POST", "/hooks/halo/{connection}", [401, 401, 401, 401, 401]),
];

/// The route for the first client's records.
fn path(route: &str) -> String {
    route
        .replace("/pairs/{id}", &format!("/pairs/{}", seed::pair(1)))
        .replace("/workspaces/{id}", &format!("/workspaces/{}", seed::workspace(1)))
        .replace("/operations/{id}", &format!("/operations/{}", seed::operation(1)))
        .replace("/accounts/{id}", &format!("/accounts/{}", seed::client(9)))
        .replace("/tokens/{id}", &format!("/tokens/{}", seed::client(9)))
        .replace("/errands/{id}", &format!("/errands/{}", seed::client(9)))
        .replace("/views/{id}", &format!("/views/{}", seed::client(9)))
        .replace("/clients/{id}", &format!("/clients/{}", seed::client(1)))
        .replace("/connections/{id}/pause", &format!("/connections/{}/pause", seed::HALO))
        .replace("/connections/{id}/resume", &format!("/connections/{}/resume", seed::HALO))
        .replace("/connections/{id}/disconnect", &format!("/connections/{}/disconnect", seed::HALO))
        .replace("/connections/{id}/look", &format!("/connections/{}/look", seed::HALO))
        .replace("/connections/{id}/sign-in", &format!("/connections/{}/sign-in", seed::MICROSOFT))
        .replace("/connections/{id}/test", &format!("/connections/{}/test", seed::MICROSOFT))
        .replace("{page}", "set-up")
        .replace("{*rest}", "nothing")
        .replace("{workspace}", &seed::workspace(1).to_string())
        .replace("{incident}", "00000000-0000-4000-8000-000000000001")
        .replace("{connection}", &seed::HALO.to_string())
}

async fn app() -> TestApp {
    TestApp::peopled(Role::Admin).await
}

async fn status(app: &TestApp, browser: &Browser, method: &str, path: &str, origin: &str) -> StatusCode {
    let mut browser = browser.clone();
    match method {
        // an event stream has no end, so only its head is read
        "GET" if path == "/events" => app.open(&browser, path, &[]).await.status(),
        "GET" => app.page(&mut browser, path).await.status,
        _ => app.submit_from(&mut browser, path, &[], origin).await.status,
    }
}

#[tokio::test]
async fn every_route_has_its_rights() {
    let own = "http://127.0.0.1:8080";
    let begun = app().await;
    let mut people = Vec::new();
    for name in ["viewer", "operator", "admin", "other"] {
        people.push((name, begun.signed_in(name).await));
    }
    let begun = begun.app.store.snapshot().await.unwrap();
    let mut wrong = Vec::new();
    for (method, route) in ROUTES {
        let Some(row) = TABLE.iter().find(|row| (row.method, row.route) == (*method, *route)) else {
            wrong.push(format!("{method} {route} has no row"));
            continue;
        };
        // each route on a fresh installation: an act must not spoil the next row
        let path = path(route);
        let out = status(&TestApp::copied(&begun).await, &Browser::default(), method, &path, own).await;
        if out != row.out {
            wrong.push(format!("{method} {route} signed out: {out}, not {}", row.out));
        }
        let expected = [row.viewer, row.operator, row.admin, row.other_client];
        for ((name, browser), expected) in people.iter().zip(expected) {
            let found = status(&TestApp::copied(&begun).await, browser, method, &path, own).await;
            if found != expected {
                wrong.push(format!("{method} {route} as {name}: {found}, not {expected}"));
            }
        }
    }
    for row in TABLE {
        if !ROUTES.contains(&(row.method, row.route)) {
            wrong.push(format!("{} {} is no route", row.method, row.route));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn nothing_is_changed_by_another_site_or_by_get() {
    let app = app().await;
    let admin = app.signed_in("admin").await;
    app.engine.taken();
    let before = app.app.store.latest_seq().await.unwrap();
    for (method, route) in ROUTES.iter().filter(|(method, _)| *method == "POST") {
        let path = path(route);
        if !route.starts_with("/hooks/") && !route.starts_with("/api/") {
            for origin in ["https://evil.example", "null", "http://127.0.0.1:9999"] {
                let found = status(&app, &admin, method, &path, origin).await;
                assert_eq!(found, StatusCode::FORBIDDEN, "{route} from {origin}");
            }
        }
        if !ROUTES.contains(&("GET", route)) {
            let found = status(&app, &admin, "GET", &path, "").await;
            // Who types or reloads the address of a form is led to the form.
            let led = halobridge::web::kept::page_of(&path).is_some();
            let expected = if led { StatusCode::SEE_OTHER } else { StatusCode::METHOD_NOT_ALLOWED };
            assert_eq!(found, expected, "GET {route}");
        }
    }
    assert_eq!(app.engine.taken(), Vec::<String>::new());
    assert_eq!(app.app.store.latest_seq().await.unwrap(), before, "something was written down");
}

#[tokio::test]
async fn a_foreign_client_is_nowhere_to_be_seen() {
    let app = app().await;
    let mut other = app.signed_in("other").await;
    for page in [
        "/",
        "/incidents",
        "/shadow",
        "/shadow.csv",
        "/backfill",
        "/approvals",
        "/drift",
        "/problems",
        "/palette",
        "/palette?q=101",
        "/palette?q=A+title",
        "/runs",
        "/views",
        "/connections",
        "/ledger",
        "/account",
    ] {
        let answer = app.page(&mut other, page).await;
        assert_eq!(answer.status, StatusCode::OK, "{page}");
        for secret in ["Alpine", "Ws1", "#101", &seed::pair(1).to_string(), &seed::client(1).to_string()] {
            assert!(!answer.body.contains(secret), "{page} shows {secret}");
        }
    }
    let answer = app.page(&mut other, &format!("/ledger?client={}", seed::client(1))).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let answer = app.page(&mut other, "/").await;
    assert!(answer.body.contains("Beacon"), "its own client is shown");
}

#[tokio::test]
async fn who_sees_the_former_client_acts_on_nothing_of_a_workspace_that_was_given_away() {
    let app = app().await;
    app.person("former", Role::Admin, Scope::Clients(vec![seed::client(1)])).await;
    let mut former = app.signed_in("former").await;
    let pair = format!("/pairs/{}", seed::pair(1));
    assert_eq!(app.page(&mut former, &pair).await.status, StatusCode::OK);
    let installation = app.app.store.installation().await.unwrap();
    let workspace = installation.workspaces.iter().find(|one| one.id == seed::workspace(1)).unwrap();
    let mut tx = app.app.store.begin().await.unwrap();
    let given = halobridge::domain::workspace::Workspace { client: seed::client(2), ..workspace.clone() };
    tx.put_workspace(&given).await.unwrap();
    tx.commit().await.unwrap();
    let before = app.app.store.latest_seq().await.unwrap();
    let incident = format!("/incidents/{}/00000000-0000-4000-8000-000000000001", seed::workspace(1));
    let operation = format!("/operations/{}", seed::operation(1));
    for act in [
        format!("{incident}/link"),
        format!("{incident}/ticket"),
        format!("{pair}/unlink"),
        format!("{pair}/look"),
        format!("{pair}/pause"),
        format!("{operation}/retry"),
        format!("{operation}/drop"),
    ] {
        let answer = app.submit(&mut former, &act, &[("ticket", "2001")]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{act}");
    }
    let dead = seed::operation(1).to_string();
    app.submit(&mut former, "/problems/replay", &[("operation", &dead)]).await;
    for page in [format!("{incident}/link"), pair, format!("{operation}/retry"), format!("{operation}/drop")] {
        assert_eq!(app.page(&mut former, &page).await.status, StatusCode::NOT_FOUND, "{page}");
    }
    let plan = app.page(&mut former, &format!("/problems/replay?operation={dead}")).await.body;
    assert!(plan.contains("There is nothing to be tried again any more"), "{plan}");
    assert_eq!(app.app.store.latest_seq().await.unwrap(), before, "nothing is made");
}

#[tokio::test]
async fn no_list_shows_the_former_client_a_workspace_that_was_given_away() {
    let app = app().await;
    let own = Scope::Clients(vec![seed::client(1)]);
    app.person("former", Role::Admin, own.clone()).await;
    let (workspace, pair) = (seed::workspace(1), seed::pair(1));
    let incident = app.app.store.situation(pair).await.unwrap().unwrap().subject.incident;
    let unlinked = Incident { id: IncidentId::new("00000000-0000-4000-8000-0000000000aa"), ..incident };
    let (id, now) = (unlinked.id.clone(), app.now());
    let run = Run {
        id: RunId(uuid::Uuid::from_u128(7)),
        scope: RunScope::Workspace { id: workspace },
        cause: RunCause::Person,
        started: now,
        ended: now,
        read: 41,
        changed: 1,
        failure: None,
    };
    let drift = Drift { class: DriftClass::Value, what: "some words".into(), rule: DriftRule::Ask };
    let facts = [
        Fact::IncidentRead { workspace, client: seed::client(1), incident: Box::new(unlinked) },
        Fact::IncidentHeld { workspace, incident: id, reason: Some(Reason::OlderThanStart) },
        Fact::DriftFound { pair, drift },
        Fact::RunEnded { run },
    ];
    let mut tx = app.app.store.begin().await.unwrap();
    for fact in facts {
        tx.record(now, Some(seed::client(1)), fact).await.unwrap();
    }
    tx.commit().await.unwrap();

    let mut former = app.signed_in("former").await;
    let (link, place) = (format!("/pairs/{pair}"), format!("/incidents/{workspace}/"));
    let pages =
        ["/", "/?q=title", "/incidents", "/drift", "/problems", "/runs", "/ledger", "/pairs.csv", "/ledger.jsonl"];
    let telling = ["A title", "some words", "Ws1", link.as_str(), place.as_str()];
    for page in pages {
        let body = app.page(&mut former, page).await.body;
        assert!(telling.iter().any(|told| body.contains(told)), "{page}: {body}");
    }
    let entries = app.page(&mut former, "/ledger.jsonl").await.body.lines().count();

    let installation = app.app.store.installation().await.unwrap();
    let given = installation.workspaces.iter().find(|one| one.id == workspace).unwrap();
    let given = halobridge::domain::workspace::Workspace { client: seed::client(2), ..given.clone() };
    let mut tx = app.app.store.begin().await.unwrap();
    tx.put_workspace(&given).await.unwrap();
    tx.commit().await.unwrap();
    for page in pages {
        let answer = app.page(&mut former, page).await;
        assert_eq!(answer.status, StatusCode::OK, "{page}");
        for told in telling {
            assert!(!answer.body.contains(told), "{page} tells {told}: {}", answer.body);
        }
    }
    let file = app.page(&mut former, "/ledger.jsonl").await.body;
    assert_eq!(file.lines().count(), entries, "the chain is whole: {file}");
    assert_eq!(app.app.store.needs_you(&own).await.unwrap(), 0, "nothing waits for whoever may not see it");
    assert_eq!(app.app.store.dead_count(&own).await.unwrap(), 0);

    // Nor is it shown to those of the new client alone: it was the former one's matter.
    let mut other = app.signed_in("other").await;
    for page in pages {
        let body = app.page(&mut other, page).await.body;
        for told in [&link, &place] {
            assert!(!body.contains(told.as_str()), "{page} tells {told}: {body}");
        }
    }
    let mut admin = app.signed_in("admin").await;
    let list = app.page(&mut admin, "/").await.body;
    assert!(list.contains(&link), "who sees all clients sees it: {list}");
}

#[tokio::test]
async fn a_disconnect_tells_each_client_of_its_own_workspaces_alone() {
    let app = app().await;
    let mut admin = app.signed_in("admin").await;
    let to = format!("/connections/{}/disconnect", seed::MICROSOFT);
    let answer = app.submit(&mut admin, &to, &[("name", "Contoso")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    app.person("first", Role::Viewer, Scope::Clients(vec![seed::client(1)])).await;
    let mut first = app.signed_in("first").await;
    let file = app.page(&mut first, &format!("/ledger.jsonl?client={}", seed::client(1))).await;
    assert_eq!(file.status, StatusCode::OK, "{}", file.body);
    assert!(file.body.contains("disconnect") && file.body.contains("Ws1"), "{}", file.body);
    assert!(!file.body.contains("Ws2"), "{}", file.body);
}

#[tokio::test]
async fn private_metrics_are_for_those_who_see_everything() {
    let app = app().await;
    let mut options = halobridge::web::WebOptions::at("http://127.0.0.1:8080".parse().unwrap());
    options.metrics_open = false;
    let app = TestApp { router: halobridge::web::router(app.app.clone(), options), ..app };
    for (name, expected) in [("admin", StatusCode::OK), ("other", StatusCode::FORBIDDEN)] {
        let mut browser = app.signed_in(name).await;
        assert_eq!(app.page(&mut browser, "/metrics").await.status, expected, "{name}");
    }
}
