//! Forms in a browser: their answers are read under the page's own address, once; what was typed is kept.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use halobridge::{
    domain::{
        account::{Role, Scope},
        client::Client,
        ids::ClientId,
        pause::PauseScope,
    },
    engine::registry::REFRESH_TOKEN,
    outbound::{BoxFuture, Transport, TransportError},
    service::{
        caller::Caller,
        connections::{self, Addresses},
        pauses,
    },
    store::{LedgerFilter, SecretOwner, SecretSource},
};
use http::{Request, StatusCode, header};
use jiff::SignedDuration;
use secrecy::SecretString;
use tokio::sync::watch;

use crate::support::{Answer, Browser, PASSWORD, TestApp, seed};

const PAGES: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const ORIGIN: &str = "http://127.0.0.1:8080";

async fn app() -> TestApp {
    let app = TestApp::new().await;
    app.seed("A title", "some words").await;
    app.person("admin", Role::Admin, Scope::All).await;
    app.person("viewer", Role::Viewer, Scope::All).await;
    app
}

impl TestApp {
    /// Sends a form, or asks for a page, as a browser that shows pages.
    pub async fn browse(&self, browser: &Browser, path: &str, form: Option<&[(&str, &str)]>) -> Answer {
        let cookies =
            browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let request = match form {
            Some(_) => Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded"),
            None => Request::get(path),
        };
        let body = form.map(|form| url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish());
        let request = match &body {
            Some(body) => request.header(header::CONTENT_LENGTH, body.len()),
            None => request,
        };
        let request = request.header(header::ACCEPT, PAGES).header(header::HOST, "127.0.0.1:8080");
        let request = request.header(header::ORIGIN, ORIGIN).header(header::COOKIE, cookies);
        self.send(request.body(Body::from(body.unwrap_or_default())).unwrap()).await
    }
}

#[tokio::test]
async fn a_secret_is_shown_by_one_reading_that_no_reload_repeats() {
    let app = app().await;
    let admin = app.signed_in("admin").await;
    let other = app.signed_in("admin").await;
    for (path, page, form) in [
        ("/tokens", "/tokens", vec![("name", "soar"), ("sees", "all")]),
        ("/accounts", "/accounts", vec![("name", "vera"), ("role", "viewer"), ("sees", "all")]),
    ] {
        let sent = app.browse(&admin, path, Some(&form)).await;
        assert_eq!((sent.status, sent.location()), (StatusCode::SEE_OTHER, page), "{}", sent.body);
        assert!(!sent.body.contains("copyable"), "{path}: nothing in the redirect");
        let elsewhere = app.browse(&other, page, None).await.body;
        assert!(!elsewhere.contains("class=\"copyable\""), "{path}: another session sees nothing of it");
        let shown = app.browse(&admin, page, None).await;
        assert!(shown.status == StatusCode::OK && shown.body.contains("class=\"copyable\""), "{path}: {}", shown.body);
        assert_eq!(shown.headers[header::CACHE_CONTROL], "no-store");
        let again = app.browse(&admin, page, None).await.body;
        assert!(!again.contains("class=\"copyable\""), "{path}: once");
    }
    assert_eq!(app.app.store.api_tokens().await.unwrap().len(), 1, "no reading made another one");
    // Who is signed out in between sees the sign-in alone.
    app.browse(&admin, "/tokens", Some(&[("name", "second"), ("sees", "all")])).await;
    app.browse(&other, "/account/sessions", Some(&[])).await;
    let gone = app.browse(&admin, "/tokens", None).await;
    assert_eq!((gone.status, gone.location()), (StatusCode::SEE_OTHER, "/sign-in?next=%2Ftokens"));
}

/// The page of tokens as it is read now: its status, and whether a token is shown on it.
async fn shown(app: &TestApp, browser: &Browser) -> (StatusCode, bool) {
    let page = app.browse(browser, "/tokens", None).await;
    (page.status, page.body.contains("class=\"copyable\""))
}

#[tokio::test]
async fn a_button_that_is_pressed_twice_does_its_work_once() {
    let app = app().await;
    let admin = app.signed_in("admin").await;
    let other = app.signed_in("admin").await;
    let form = [("name", "soar"), ("sees", "all")];
    // the first is still under way when the second comes
    let both = tokio::join!(app.browse(&admin, "/tokens", Some(&form)), app.browse(&admin, "/tokens", Some(&form)));
    for sent in [both.0, both.1] {
        assert_eq!((sent.status, sent.location()), (StatusCode::SEE_OTHER, "/tokens"), "{}", sent.body);
    }
    assert_eq!(shown(&app, &admin).await, (StatusCode::OK, true));
    // and when the browser has dropped the first answer for the second
    app.browse(&admin, "/tokens", Some(&form)).await;
    assert_eq!(shown(&app, &admin).await, (StatusCode::OK, true));
    assert_eq!(app.app.store.api_tokens().await.unwrap().len(), 1);
    // Another browser, another form in between, or a later moment: it is meant anew, and the name is taken.
    let taken = (StatusCode::UNPROCESSABLE_ENTITY, false);
    app.browse(&other, "/tokens", Some(&form)).await;
    assert_eq!(shown(&app, &other).await, taken);
    app.browse(&admin, "/tokens", Some(&[("name", "second"), ("sees", "all")])).await;
    assert_eq!(shown(&app, &admin).await, (StatusCode::OK, true));
    app.browse(&admin, "/tokens", Some(&form)).await;
    assert_eq!(shown(&app, &admin).await, taken);
    app.clock.advance(SignedDuration::from_secs(2));
    app.browse(&admin, "/tokens", Some(&[("name", "second"), ("sees", "all")])).await;
    assert_eq!(shown(&app, &admin).await, taken);
    assert_eq!(app.app.store.api_tokens().await.unwrap().len(), 2);
}

/// Lets nothing out until it is opened, and then says that there was no answer. It tells when the first call came.
struct Shut {
    came: watch::Sender<bool>,
    open: watch::Sender<bool>,
}

impl Transport for Shut {
    fn send(&self, _: Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        self.came.send_replace(true);
        let mut open = self.open.subscribe();
        Box::pin(async move {
            let _ = open.wait_for(|open| *open).await;
            Err(TransportError::NoAnswer("nothing came".to_owned()))
        })
    }
}

#[tokio::test]
async fn a_slow_button_that_is_pressed_again_does_its_work_once_whatever_was_pressed_in_between() {
    let outside = Arc::new(Shut { came: watch::Sender::new(false), open: watch::Sender::new(false) });
    let app = TestApp::reaching(outside.clone()).await;
    app.seed("A title", "some words").await;
    app.person("admin", Role::Admin, Scope::All).await;
    let mut tx = app.app.store.begin().await.unwrap();
    let (owner, token) = (SecretOwner::Connection(seed::MICROSOFT), SecretString::from("rt-1"));
    tx.put_secret(app.now(), owner, REFRESH_TOKEN, &token, &SecretSource::Sealed).await.unwrap();
    tx.commit().await.unwrap();
    let admin = app.signed_in("admin").await;
    let test = format!("/connections/{}/test", seed::MICROSOFT);
    let rest = async {
        // the first is being carried out when the other one comes
        outside.came.subscribe().wait_for(|came| *came).await.unwrap();
        let other = app.browse(&admin, "/tokens", Some(&[("name", "soar"), ("sees", "all")])).await;
        outside.open.send_replace(true);
        (other, app.browse(&admin, &test, Some(&[])).await)
    };
    let (first, (other, second)) = tokio::join!(app.browse(&admin, &test, Some(&[])), rest);
    for (sent, page) in [(first, "/connections"), (other, "/tokens"), (second, "/connections")] {
        assert_eq!((sent.status, sent.location()), (StatusCode::SEE_OTHER, page), "{}", sent.body);
    }
    let filter = LedgerFilter { fact: Some("human-act".into()), ..LedgerFilter::default() };
    let acts = app.app.store.ledger_page(&filter, None, 50).await.unwrap();
    let tests = acts.iter().filter(|one| one.entry.detail.contains("test-connection")).count();
    assert_eq!(tests, 1, "it was carried out once");
}

/// Where a form is sent, where its page is, what is typed, and what stands there then.
type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);

#[tokio::test]
async fn a_refused_form_comes_back_under_its_pages_address_with_what_was_typed() {
    let app = app().await;
    let admin = app.signed_in("admin").await;
    let workspace = seed::workspace(1).to_string();
    let backfill = [("workspace", workspace.as_str()), ("from", "2026-01-01"), ("cap", "99999"), ("per_hour", "often")];
    let push = [("workspace", workspace.as_str()), ("ticket", "number seven"), ("anyway", "on")];
    let cases: [Case; 5] = [
        (
            "/backfill",
            "/backfill",
            &backfill,
            &[
                "“Tickets at most”: enter a whole number from 1 to 20000",
                "“Tickets an hour”: enter a whole number from 1 to 3600",
                "value=\"99999\"",
                "value=\"often\"",
                "value=\"2026-01-01\"",
            ],
        ),
        (
            "/push",
            "/incidents",
            &push,
            &["“Ticket number in Halo”", "value=\"number seven\"", "<details open class=\"folded\">"],
        ),
        ("/push", "/incidents", &[("ticket", "2215")], &["“Workspace”: choose the one to push to", "value=\"2215\""]),
        ("/accounts", "/accounts", &[("name", "admin"), ("role", "viewer"), ("sees", "all")], &["value=\"admin\""]),
        ("/account/password", "/account", &[("current", PASSWORD), ("password", "short")], &["problem"]),
    ];
    for (path, page, form, said) in cases {
        let sent = app.browse(&admin, path, Some(form)).await;
        assert_eq!((sent.status, sent.location()), (StatusCode::SEE_OTHER, page), "{path}: {}", sent.body);
        let shown = app.browse(&admin, page, None).await;
        assert_eq!(shown.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        for part in said {
            assert!(shown.body.contains(part), "{path} lacks {part}: {}", shown.body);
        }
        assert!(
            !shown.body.contains(&format!("href=\"{path}\"")) || path == page,
            "{path}: nothing leads to the form's address"
        );
        assert_eq!(app.browse(&admin, page, None).await.status, StatusCode::OK, "{path}: a reload begins anew");
    }
    // Whoever shows no pages hears it at once.
    let mut program = app.signed_in("admin").await;
    assert_eq!(app.submit(&mut program, "/backfill", &backfill).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn the_address_of_a_form_leads_to_its_page() {
    let app = app().await;
    let admin = app.signed_in("admin").await;
    let test = format!("/connections/{}/test", seed::MICROSOFT);
    for (path, page) in [
        (test.as_str(), "/connections"),
        ("/configuration/file", "/configuration"),
        ("/account/password", "/account"),
        ("/set-up/clients/file", "/set-up/clients"),
        ("/push", "/incidents"),
    ] {
        let answer = app.browse(&admin, path, None).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, page));
        assert_ne!(app.browse(&admin, page, None).await.status, StatusCode::METHOD_NOT_ALLOWED);
    }
    // What a compared file comes to stands on the page with its neighbours.
    let compared = app.browse(&admin, "/configuration/file", Some(&[("file", "version = 1")])).await;
    assert_eq!(compared.location(), "/configuration");
    let shown = app.browse(&admin, "/configuration", None).await.body;
    assert!(shown.contains("Pages of Connections") && shown.contains("version = 1"), "{shown}");
}

/// A form in parts, as a browser sends one with a chosen file.
fn in_parts(path: &str, cookie: &str, parts: &[(&str, &[u8])]) -> Request<Body> {
    let mut body = Vec::new();
    for (name, value) in parts {
        let chosen = if *name == "upload" { "; filename=\"chosen.txt\"" } else { "" };
        body.extend(format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"{chosen}\r\n\r\n").bytes());
        body.extend(*value);
        body.extend(b"\r\n");
    }
    body.extend(b"--edge--\r\n");
    let request = Request::post(path).header("cookie", cookie).header("host", "127.0.0.1:8080");
    request.header("content-type", "multipart/form-data; boundary=edge").body(Body::from(body)).unwrap()
}

#[tokio::test]
async fn a_file_is_chosen_as_well_as_pasted() {
    let app = app().await;
    let cookie = app.signed_in("admin").await.header();
    let send = async |path: &str, parts: &[(&str, &[u8])]| app.send(in_parts(path, &cookie, parts)).await;
    let page = send("/configuration/file", &[("file", b"version = 7"), ("upload", b"\xef\xbb\xbfversion = 8")]).await;
    assert!(page.body.contains("version = 8") && !page.body.contains("version = 7"), "{}", page.body);
    let page = send("/configuration/file", &[("file", b"version = 7"), ("upload", b"")]).await;
    assert!(page.body.contains("version = 7"), "none chosen: {}", page.body);
    let page = send("/configuration/file", &[("file", b""), ("upload", b"name = \"M\xfcller\"")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("Save it as UTF-8"), "{}", page.body);
    let large = vec![b'#'; 5 * 1024 * 1024];
    let page = send("/configuration/file", &[("upload", &large)]).await;
    assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(page.body.contains("larger than 4 MiB"), "{}", page.body);
    let broken = in_parts("/configuration/file", &cookie, &[]);
    let (parts, _) = broken.into_parts();
    let page = app.send(Request::from_parts(parts, Body::from("--edge\r\nhalf"))).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    let page = send("/set-up/clients/file", &[("upload", b"no,columns\n1,2\n")]).await;
    assert!(page.body.contains("must name the columns"), "{}", page.body);
}

#[tokio::test]
async fn an_empty_ticket_number_is_named() {
    let app = app().await;
    let mut admin = app.signed_in("admin").await;
    assert!(!app.page(&mut admin, "/tickets").await.body.contains("There is a problem"));
    let body = app.page(&mut admin, "/tickets?ticket=").await.body;
    assert!(
        body.contains("There is a problem") && body.contains("“Ticket number in Halo”: enter the number"),
        "{body}"
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_look_up_stands_in_the_order_of_its_fields() {
    let app = app().await;
    let mut admin = app.signed_in("admin").await;
    for (address, fields) in [
        ("/look-up?workspace=none&incident=many", ["workspace", "incident"]),
        ("/tickets?halo=none&ticket=many", ["halo", "ticket"]),
    ] {
        let answer = app.page(&mut admin, address).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{address}");
        let html = scraper::Html::parse_document(&answer.body);
        let all = |css: &str, attribute: &str| -> Vec<String> {
            let css = scraper::Selector::parse(css).unwrap();
            html.select(&css).filter_map(|one| one.value().attr(attribute).map(str::to_owned)).collect()
        };
        assert_eq!(all(".summary a", "href"), fields.map(|field| format!("#{field}")), "{address}");
        assert_eq!(all("form[method='get'] .field.wrong [aria-invalid='true']", "id"), fields, "{address}");
    }
}

#[tokio::test]
async fn who_only_reads_is_told_who_can_settle_it_and_sees_no_column_of_buttons() {
    let app = app().await;
    let (mut admin, mut viewer) = (app.signed_in("admin").await, app.signed_in("viewer").await);
    for page in ["/problems", "/runs", "/connections"] {
        let head = ">Do</th>";
        assert!(app.page(&mut admin, page).await.body.contains(head), "{page}");
        assert!(!app.page(&mut viewer, page).await.body.contains(head), "{page}");
    }
    for page in ["/problems".to_owned(), format!("/pairs/{}", seed::pair(1))] {
        let body = app.page(&mut viewer, &page).await.body;
        assert!(body.contains("an operator or an admin"), "{page}: {body}");
        assert!(!body.contains("then have it tried again"), "{page}: {body}");
        assert!(app.page(&mut admin, &page).await.body.contains("then have it tried again"), "{page}");
    }
}

#[tokio::test]
async fn a_pairs_page_leads_back_to_the_list_as_it_stood() {
    let app = app().await;
    let mut admin = app.signed_in("admin").await;
    let list = app.page(&mut admin, "/?health=needs-you&sort=client").await.body;
    let pair = format!("/pairs/{}?list=health%3Dneeds-you%26sort%3Dclient", seed::pair(1));
    assert!(list.contains(&format!("href=\"{pair}\"")), "{list}");
    let page = app.page(&mut admin, &pair).await.body;
    assert!(page.contains("<a href=\"/?health=needs-you&amp;sort=client\">"), "{page}");
    let plain = app.page(&mut admin, "/").await.body;
    assert!(plain.contains(&format!("href=\"/pairs/{}\"", seed::pair(1))), "{plain}");
    let odd = app.page(&mut admin, &format!("/pairs/{}?list=https%3A%2F%2Fevil.example", seed::pair(1))).await.body;
    assert!(odd.contains("<nav aria-label=\"Where this is\" class=\"crumb\"><a href=\"/\">"), "{odd}");
}

#[tokio::test]
async fn a_search_names_clients_and_says_what_it_found_by_and_what_filters_hold_back() {
    let app = app().await;
    let mut admin = app.signed_in("admin").await;
    let named = app.page(&mut admin, "/?q=alpi").await.body;
    assert!(
        named.contains("Clients with this name") && named.contains(&format!("/?client={}", seed::client(1))),
        "{named}"
    );
    let held = app.page(&mut admin, "/?q=title&severity=Informational").await.body;
    assert!(held.contains("The other filters hold back") && held.contains("href=\"/?q=title\""), "{held}");
    let held = app.page(&mut admin, "/incidents?q=title&reason=filtered").await.body;
    assert!(held.contains("The other filters hold back") && held.contains("href=\"/incidents?q=title\""), "{held}");
    let all = app.page(&mut admin, "/").await.body;
    assert!(all.contains("Download all as CSV"));
    let some = app.page(&mut admin, "/?q=title").await.body;
    assert!(some.contains("as CSV") && !some.contains("Download all as CSV"), "{some}");
}

#[tokio::test]
async fn a_paused_client_without_a_workspace_can_be_resumed() {
    let app = app().await;
    let user = app.app.store.user_by_name("admin").await.unwrap().unwrap().user;
    let caller = Caller::from(&user);
    let alone = ClientId(uuid::Uuid::from_u128(0x0a10e));
    let mut tx = app.app.store.begin().await.unwrap();
    tx.put_client(&Client { id: alone, name: "Lonely".into(), time_zone: "UTC".into(), halo: None }).await.unwrap();
    tx.commit().await.unwrap();
    pauses::pause(&app.app, &caller, PauseScope::Client { id: alone }, "moving").await.unwrap();
    let addresses = Addresses { public: ORIGIN.into(), redirect_uri: format!("{ORIGIN}/connections/callback") };
    let (view, _) = connections::view(&app.app, &caller, &addresses).await.unwrap();
    assert_eq!(view.pauses.len(), 1, "{:?}", view.pauses);
    let mut admin = app.signed_in("admin").await;
    let page = app.page(&mut admin, "/connections").await.body;
    assert!(page.contains("Client Lonely") && page.contains(&format!("/clients/{alone}/resume")), "{page}");
    // What a person has paused waits, and its page says for what.
    pauses::pause(&app.app, &caller, PauseScope::Client { id: seed::client(1) }, "").await.unwrap();
    let page = app.page(&mut admin, "/connections").await.body;
    assert_eq!(page.matches("Client Alpine").count(), page.matches("Client Lonely").count(), "each once: {page}");
}

#[tokio::test]
async fn a_pair_that_is_resumed_while_its_client_is_paused_is_not_said_to_be_carried_out() {
    let app = app().await;
    let user = app.app.store.user_by_name("admin").await.unwrap().unwrap().user;
    let caller = Caller::from(&user);
    let (pair, client) = (PauseScope::Pair { id: seed::pair(1) }, PauseScope::Client { id: seed::client(1) });
    let mut admin = app.signed_in("admin").await;
    let here = format!("/pairs/{}", seed::pair(1));
    let resume = format!("{here}/resume");
    pauses::pause(&app.app, &caller, pair, "").await.unwrap();
    pauses::pause(&app.app, &caller, client, "moving").await.unwrap();
    let answer = app.submit(&mut admin, &resume, &[("next", &here)]).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, here.as_str()));
    let page = app.page(&mut admin, &here).await.body;
    assert!(page.contains("Resumed; something else still holds it"), "{page}");
    assert!(!page.contains("What waited is carried out now") && page.contains("Client Alpine"), "{page}");
    pauses::resume(&app.app, &caller, client).await.unwrap();
    pauses::pause(&app.app, &caller, pair, "again").await.unwrap();
    app.submit(&mut admin, &resume, &[("next", &here), ("again", "1")]).await;
    let page = app.page(&mut admin, &here).await.body;
    assert!(page.contains("Resumed. What waited is carried out now"), "{page}");
}

#[tokio::test]
async fn a_webhook_that_was_never_made_is_said_not_to_be_set_up() {
    let app = app().await;
    let mut tx = app.app.store.begin().await.unwrap();
    tx.remove_secret(SecretOwner::Connection(seed::HALO), "webhook").await.unwrap();
    tx.commit().await.unwrap();
    let mut admin = app.signed_in("admin").await;
    let page = app.page(&mut admin, "/connections").await.body;
    assert!(page.contains("not set up") && !page.contains("closed: no secret"), "{page}");
}

#[tokio::test]
async fn who_asks_for_the_plan_of_those_ticked_and_ticked_none_is_told_to_tick() {
    let app = app().await;
    let mut admin = app.signed_in("admin").await;
    let page = app.page(&mut admin, "/problems/replay?").await.body;
    assert!(page.contains("Tick at least one") && !page.contains("nothing to be tried again"), "{page}");
    // Of a reason there may be nothing left.
    let page = app.page(&mut admin, "/problems/replay?reason=none-such").await.body;
    assert!(page.contains("There is nothing to be tried again any more"), "{page}");
}
