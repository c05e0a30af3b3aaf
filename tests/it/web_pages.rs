//! What holds for every page: headers, error pages, hostile words, the way of a button.

use std::collections::BTreeSet;

use halobridge::{
    clock::Clock as _,
    domain::{
        account::{Role, Scope},
        ids::{ActionKey, TicketId},
        pair::Pair,
        run::RunScope,
        second_writer::{SecondWrite, SecondWriter},
    },
    ledger::fact::Fact,
    service::engine_handle::{EngineStatus, RefusedStep, StepOf},
};
use http::StatusCode;
use scraper::{Html, Selector};

use crate::support::{Browser, TestApp, seed};

const PAGES: [&str; 7] = ["/", "/incidents", "/problems", "/runs", "/connections", "/ledger", "/account"];

async fn app(title: &str, words: &str) -> (TestApp, Browser) {
    let app = TestApp::new().await;
    app.seed(title, words).await;
    app.person("ada", Role::Admin, Scope::All).await;
    let browser = app.signed_in("ada").await;
    (app, browser)
}

#[tokio::test]
async fn every_answer_carries_the_headers() {
    let (app, mut browser) = app("A title", "words").await;
    let pair = format!("/pairs/{}", seed::pair(1));
    let signed_out = ["/sign-in", "/nowhere", "/healthz", "/hooks/sentinel/x", "/pkg/none.css"];
    let mut answers = Vec::new();
    for path in PAGES.iter().copied().chain([pair.as_str()]) {
        answers.push((path.to_owned(), app.page(&mut browser, path).await));
    }
    for path in signed_out {
        answers.push((path.to_owned(), app.page(&mut Browser::default(), path).await));
    }
    answers.push(("POST".into(), app.submit(&mut browser, "/nowhere", &[]).await));
    let mut ids = BTreeSet::new();
    for (path, answer) in answers {
        let header = |name: &str| answer.headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        let policy = header("content-security-policy");
        for part in [
            "default-src 'self'",
            "script-src 'self' 'wasm-unsafe-eval';",
            "style-src 'self';",
            "object-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(part), "{path}: {part} is not in {policy}");
        }
        assert!(!policy.contains("unsafe-inline"), "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin", "{path}");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin", "{path}");
        if !path.starts_with("/pkg/") {
            assert_eq!(header("cache-control"), "no-store", "{path}");
        }
        assert!(header("strict-transport-security").is_empty(), "{path}: http has no HSTS");
        assert!(ids.insert(header("x-request-id")), "{path}: each answer has its own id");
    }
    let secure = TestApp::at("https://bridge.example.com").await;
    let answer = secure.page(&mut Browser::default(), "/set-up").await;
    assert!(answer.headers["strict-transport-security"].to_str().unwrap().contains("max-age=63072000"));
}

#[tokio::test]
async fn only_the_page_with_the_sign_in_may_lead_to_microsoft() {
    let (app, mut browser) = app("A title", "words").await;
    for page in PAGES {
        let answer = app.page(&mut browser, page).await;
        let policy = answer.headers["content-security-policy"].to_str().unwrap().to_owned();
        assert_eq!(policy.contains("https://login.microsoftonline.com"), page == "/connections", "{page}");
    }
    let begun = app.submit(&mut browser, &format!("/connections/{}/sign-in", seed::MICROSOFT), &[]).await;
    let to = begun.location();
    assert!(to.starts_with("https://login.microsoftonline.com/11111111-1111-4111-8111-111111111111/"), "{to}");
    assert!(to.contains("redirect_uri=http%3A%2F%2Flocalhost%3A8080%2Fconnections%2Fcallback"), "{to}");
    assert!(!to.contains("99aa"), "no secret in an address");
    // a forged return is told so and keeps nothing
    let back = app.page(&mut browser, "/connections/callback?code=x&state=forged").await;
    assert_eq!(back.location(), "/connections");
    let owner = halobridge::store::SecretOwner::Connection(seed::MICROSOFT);
    assert!(app.app.store.secret(owner, "refresh_token").await.unwrap().is_none());
    // a person whose session began at 127.0.0.1 comes back to localhost
    let mut stranger = Browser::default();
    let request = http::Request::get("/connections/callback?code=c%2F1&state=s")
        .header("host", "localhost:8080")
        .body(axum::body::Body::empty());
    let answer = app.send(request.unwrap()).await;
    assert_eq!(answer.location(), "http://127.0.0.1:8080/connections/callback?code=c%2F1&state=s");
    let again = app.page(&mut stranger, "/connections/callback?code=c&state=s").await;
    assert_eq!(again.location(), "/sign-in?next=%2Fconnections", "sent on once only");
}

#[tokio::test]
async fn errors_say_what_to_do_and_nothing_of_the_inside() {
    let (app, mut browser) = app("A title", "words").await;
    let missing = seed::pair(9);
    let form = [("x", "y".repeat(600_000))];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answers = [
        (app.page(&mut browser, "/nowhere").await, StatusCode::NOT_FOUND),
        (app.page(&mut browser, &format!("/pairs/{missing}")).await, StatusCode::NOT_FOUND),
        (app.page(&mut browser, "/pairs/'%20OR%201=1--").await, StatusCode::NOT_FOUND),
        (app.page(&mut browser, "/sign-out").await, StatusCode::METHOD_NOT_ALLOWED),
        (app.submit(&mut browser, "/preferences", &form).await, StatusCode::PAYLOAD_TOO_LARGE),
        (app.submit(&mut browser, "/preferences", &[("zone", "Mars/Base")]).await, StatusCode::UNPROCESSABLE_ENTITY),
        (app.submit_from(&mut browser, "/sign-out", &[], "https://evil.example").await, StatusCode::FORBIDDEN),
    ];
    for (answer, status) in answers {
        assert_eq!(answer.status, status);
        let page = Html::parse_document(&answer.body);
        let heading = page.select(&Selector::parse("h1").unwrap()).next().expect("a page with a heading");
        assert!(!heading.text().collect::<String>().trim().is_empty());
        let id = answer.headers["x-request-id"].to_str().unwrap();
        assert!(answer.body.contains(id), "{status}: the page names the line in the log");
        for inside in ["src/", "SELECT", "sqlite", "panicked", "StoreError", ".rs:"] {
            assert!(!answer.body.contains(inside), "{status} tells {inside}");
        }
    }
}

#[tokio::test]
async fn hostile_words_stay_words() {
    let payloads = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "</textarea><svg onload=alert(1)>",
        "'-alert(1)-'",
        "</title><script>alert(1)</script>",
        "<a href=\"javascript:alert(1)\">x</a>",
        "{{constructor.constructor('alert(1)')()}}",
        "<!--<script>-->",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "=HYPERLINK(\"http://evil.example\")",
    ];
    for payload in payloads {
        let (app, mut browser) = app(payload, payload).await;
        let pair = format!("/pairs/{}", seed::pair(1));
        let drop = format!("/operations/{}/drop", seed::operation(1));
        for path in PAGES.iter().copied().chain([pair.as_str(), drop.as_str()]) {
            let clean = clean_elements(&app.page(&mut browser, path).await.body, path);
            assert!(clean.is_empty(), "{payload} on {path}: {clean:?}");
            let fragment = app.page(&mut browser, &format!("{path}?fragment=1")).await;
            let clean = clean_elements(&fragment.body, path);
            assert!(clean.is_empty(), "{payload} on the fragment of {path}: {clean:?}");
        }
        let asked = url::form_urlencoded::byte_serialize(payload.as_bytes()).collect::<String>();
        for path in [format!("/?q={asked}"), format!("/incidents?q={asked}"), format!("/sign-in?next={asked}")] {
            let answer = app.page(&mut browser, &path).await;
            assert!(clean_elements(&answer.body, &path).is_empty(), "{payload} on {path}");
        }
    }
}

/// Elements and attributes that no page of ours has.
fn clean_elements(body: &str, path: &str) -> Vec<String> {
    let page = Html::parse_document(body);
    let mut found = Vec::new();
    for element in page.select(&Selector::parse("*").unwrap()) {
        let value = element.value();
        if value.name() == "script" && !value.attr("src").is_some_and(|src| src.starts_with("/pkg/")) {
            found.push(format!("{path}: {}", element.html()));
        }
        for (name, text) in value.attrs() {
            if name.starts_with("on") || text.trim_start().to_ascii_lowercase().starts_with("javascript:") {
                found.push(format!("{path}: {name}={text}"));
            }
        }
    }
    found
}

#[tokio::test]
async fn the_address_of_a_past_moment_names_it_for_everybody() {
    let (app, mut browser) = app("A title", "words").await;
    let pair = format!("/pairs/{}", seed::pair(1));
    let typed = app.page(&mut browser, &format!("{pair}?at=2026-01-05+08%3A00&list=sort%3Dclient")).await;
    let named = format!("{pair}?at=2026-01-05T08%3A00%3A00Z&list=sort%3Dclient");
    assert_eq!((typed.status, typed.location()), (StatusCode::SEE_OTHER, named.as_str()));
    assert_eq!(app.page(&mut browser, &named).await.status, StatusCode::OK);
    // The number of an entry is one moment already, and what is no moment is told of.
    for at in ["12", "yesterday"] {
        assert_eq!(app.page(&mut browser, &format!("{pair}?at={at}")).await.status, StatusCode::OK, "{at}");
    }
    let zoned = app.page(&mut browser, &format!("{pair}?at=2026-01-05T08%3A00%3A00%2B02%3A00")).await;
    assert_eq!(zoned.location(), format!("{pair}?at=2026-01-05T06%3A00%3A00Z"));
}

#[tokio::test]
async fn an_unlinked_pair_keeps_its_page() {
    let (app, mut browser) = app("A title", "words").await;
    let address = format!("/pairs/{}", seed::pair(1));
    let old = app.app.store.pair(seed::pair(1)).await.unwrap().unwrap();
    let early = app.app.store.latest_seq().await.unwrap().0;
    app.submit(&mut browser, &format!("{address}/unlink"), &[]).await;
    let page = app.page(&mut browser, &address).await;
    assert_eq!(page.status, StatusCode::OK);
    let ledger = format!("href=\"/ledger?client={}\"", seed::client(1));
    let said = [
        "#101 A title",
        "Unlinked from ticket 2001 by a person",
        " by <b>ada</b>.",
        "2026-03-02",
        "A ticket",
        ledger.as_str(),
    ];
    for part in said.into_iter().chain(["The incident is in no other pair."]) {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    assert!(!page.body.contains(&format!("{address}/look")), "nothing is left to be done with it");
    // What was sent around of an earlier moment shows that moment; what is none is told of.
    let past = app.page(&mut browser, &format!("{address}?at={early}")).await.body;
    assert!(past.contains("As it stood ") && past.contains("Sentinel then"), "{past}");
    assert!(!past.contains(&format!("{address}/look")), "it is there to be read");
    let none = app.page(&mut browser, &format!("{address}?at=yesterday")).await.body;
    assert!(none.contains("That is no moment.") && none.contains("are a pair no more"), "{none}");
    // Who has the page of the pair open gets the same parts anew.
    let fragment = app.page(&mut browser, &format!("{address}?fragment=1")).await;
    assert_eq!(fragment.status, StatusCode::OK);
    assert!(fragment.body.contains("id=\"truth\"") && fragment.body.contains("id=\"pair\""), "{}", fragment.body);
    // Linked again, it leads to the pair that took its place.
    let newer = Pair { id: seed::pair(7), ticket: Some(TicketId(2001)), ..old };
    let mut tx = app.app.store.begin().await.unwrap();
    let opened = Fact::PairOpened { pair: Box::new(newer) };
    tx.record(app.now(), Some(seed::client(1)), opened).await.unwrap();
    tx.commit().await.unwrap();
    let page = app.page(&mut browser, &address).await.body;
    assert!(page.contains(&format!("href=\"/pairs/{}\"", seed::pair(7))), "{page}");
    // It is the client's as the pair was.
    app.person("bea", Role::Viewer, Scope::Clients(vec![seed::client(2)])).await;
    app.person("al", Role::Viewer, Scope::Clients(vec![seed::client(1)])).await;
    let (mut bea, mut al) = (app.signed_in("bea").await, app.signed_in("al").await);
    assert_eq!(app.page(&mut bea, &address).await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.page(&mut al, &address).await.status, StatusCode::OK);
    // What is still to be pressed on a page that was drawn before finds nothing.
    assert_eq!(app.submit(&mut browser, &format!("{address}/look"), &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn buttons_write_down_who_pressed_them_then_wake_the_engine() {
    let (app, mut browser) = app("A title", "words").await;
    let (pair, operation) = (seed::pair(1), seed::operation(1));
    app.engine.taken();
    let presses = [
        (format!("/pairs/{pair}/look"), format!("/pairs/{pair}"), format!("look {pair}"), "look-again"),
        (format!("/pairs/{pair}/sync"), format!("/pairs/{pair}"), format!("sync {pair}"), "sync-now"),
        (format!("/pairs/{pair}/rebuild"), format!("/pairs/{pair}"), "asked".into(), "rebuild"),
        (format!("/operations/{operation}/retry"), "/problems".into(), format!("retry {operation}"), "retry"),
        (format!("/operations/{operation}/drop"), "/problems".into(), format!("look {pair}"), "drop"),
        (
            format!("/workspaces/{}/sync", seed::workspace(1)),
            "/runs".into(),
            format!("poll {} Person", seed::workspace(1)),
            "sync-workspace",
        ),
        (
            format!("/connections/{}/look", seed::HALO),
            "/runs".into(),
            format!("halo {} None", seed::HALO),
            "look-at-halo",
        ),
    ];
    for (path, to, asked, act) in presses {
        let before = app.app.store.latest_seq().await.unwrap();
        let answer = app.submit(&mut browser, &path, &[]).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, to.as_str()), "{path}");
        assert_eq!(app.engine.taken(), [asked], "{path}");
        let filter = halobridge::store::LedgerFilter { fact: Some("human-act".into()), ..Default::default() };
        let newest = app.app.store.ledger_page(&filter, None, 1).await.unwrap().remove(0);
        assert!(newest.entry.seq > before && newest.entry.detail.contains(act), "{path}: {}", newest.entry.detail);
        let page = app.page(&mut browser, answer.location()).await;
        assert!(
            page.body.contains("role=\"status\"") || page.body.contains("role=\"alert\""),
            "{path}: says what was done"
        );
    }
    // a second tab still shows the dead letter that was dropped
    let late = app.submit(&mut browser, &format!("/operations/{operation}/drop"), &[]).await;
    assert_eq!(late.status, StatusCode::SEE_OTHER);
    assert_eq!(app.engine.taken(), Vec::<String>::new(), "what has moved on is not dropped");
    assert!(app.page(&mut browser, late.location()).await.body.contains("has moved on"));
    // the pair's page says who dropped it, and takes it back
    let page = app.page(&mut browser, &format!("/pairs/{pair}")).await.body;
    assert!(page.contains("Plan it again") && page.contains("by ada"), "{page}");
    // a page that was drawn before has "Try again" still: it does not undo what somebody dropped
    let again = format!("/operations/{operation}/retry");
    let stale = app.submit(&mut browser, &again, &[]).await;
    assert_eq!((stale.status, app.engine.taken()), (StatusCode::SEE_OTHER, Vec::<String>::new()));
    assert!(app.page(&mut browser, stale.location()).await.body.contains("has moved on"));
    let back = app.submit(&mut browser, &again, &[("dropped", "on")]).await;
    assert_eq!((back.status, app.engine.taken()), (StatusCode::SEE_OTHER, vec![format!("retry {operation}")]));
}

#[tokio::test]
async fn the_ledger_is_a_file_too() {
    let (app, mut browser) = app("A title", "words").await;
    let page = app.page(&mut browser, &format!("/ledger?client={}&fact=pair-opened", seed::client(1))).await.body;
    let address = format!("/ledger.jsonl?client={}&fact=pair-opened", seed::client(1));
    assert!(page.contains(&address) || page.contains(&address.replace('&', "&amp;")), "the page leads to it");
    let lines = |body: &str| -> Vec<serde_json::Value> {
        body.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    let answer = app.page(&mut browser, &address).await;
    assert_eq!(answer.headers["content-type"], "application/x-ndjson");
    let name = answer.headers["content-disposition"].to_str().unwrap();
    assert_eq!(name, "attachment; filename=\"halobridge-ledger-2026-03-02.jsonl\"");
    let opened = lines(&answer.body);
    assert!(!opened.is_empty() && opened.iter().all(|row| row["fact"] == "pair-opened"), "{opened:#?}");
    // the whole chain, each entry with the hash of the one before it, however many parts it is read in
    let pair = seed::pair(1);
    for _ in 0..600 {
        app.submit(&mut browser, &format!("/pairs/{pair}/look"), &[]).await;
    }
    let whole = lines(&app.page(&mut browser, &format!("/ledger.jsonl?client={}", seed::client(1))).await.body);
    assert!(whole.len() > 600, "{}", whole.len());
    assert!(whole.windows(2).all(|two| two[0]["prev"] == two[1]["hash"]));
    assert_eq!(whole.last().unwrap()["chain_seq"], 1);
    // who sees one client reads that client's chain and no other
    app.person("bea", Role::Viewer, Scope::Clients(vec![seed::client(2)])).await;
    let mut bea = app.signed_in("bea").await;
    let own = lines(&app.page(&mut bea, "/ledger.jsonl").await.body);
    let beacon = seed::client(2).to_string();
    assert!(!own.is_empty() && own.iter().all(|row| row["chain"].as_str().unwrap().contains(&beacon)));
    assert_eq!(app.page(&mut bea, &address).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_list_is_a_file_too() {
    let (app, mut browser) = app("=HYPERLINK(\"http://evil.example\"), \"x\"", "words").await;
    let answer = app.page(&mut browser, "/pairs.csv").await;
    assert_eq!(answer.headers["content-type"], "text/csv; charset=utf-8");
    let name = answer.headers["content-disposition"].to_str().unwrap();
    assert_eq!(name, "attachment; filename=\"halobridge-pairs-2026-03-02.csv\"");
    let lines: Vec<&str> = answer.body.trim_start_matches('\u{feff}').lines().collect();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert!(lines[0].starts_with("\"Incident\",\"Incident id\",\"Title\","), "{}", lines[0]);
    assert!(lines[1].contains("\"'=HYPERLINK(\"\"http://evil.example\"\"), \"\"x\"\"\""), "{}", lines[1]);
    let one = app.page(&mut browser, &format!("/pairs.csv?client={}&from=f1.1", seed::client(2))).await.body;
    assert_eq!(one.lines().count(), 2, "a filter narrows it, a page does not");
    assert!(one.contains("\"Beacon\"") && one.contains(&format!("http://127.0.0.1:8080/pairs/{}", seed::pair(2))));
    // who sees one client gets one client's file
    app.person("bea", Role::Viewer, Scope::Clients(vec![seed::client(2)])).await;
    let mut bea = app.signed_in("bea").await;
    let own = app.page(&mut bea, "/pairs.csv").await.body;
    assert!(own.contains("Beacon") && !own.contains("Alpine"), "{own}");
}

#[tokio::test]
async fn a_second_writer_is_said_on_every_page_and_what_it_wrote_to_those_who_may_see_it() {
    let (app, mut browser) = app("A title", "words").await;
    let now = app.clock.now();
    let found = SecondWriter {
        client: seed::client(1),
        pair: seed::pair(1),
        incident: "#7 of one client alone".into(),
        ticket: Some(TicketId(70)),
        wrote: SecondWrite::Note { action: ActionKey { ticket: TicketId(70), action: 12 } },
        at: now,
        noticed: now,
    };
    let status = EngineStatus { alive: true, only_reads: true, second_writer: Some(found), ..EngineStatus::default() };
    app.engine.stands(status);
    let ready = app.page(&mut browser, "/readyz").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(ready.body.contains("second process") && ready.body.contains("--confirm-instance"), "{}", ready.body);
    assert!(!ready.body.contains("#7"), "nobody is named there: {}", ready.body);
    app.person("bea", Role::Viewer, Scope::Clients(vec![seed::client(2)])).await;
    let mut bea = app.signed_in("bea").await;
    for path in ["/", "/problems"] {
        let all = app.page(&mut browser, path).await.body;
        assert!(all.contains("A second process writes to the same pairs"), "{path}: {all}");
        assert!(all.contains("Note 12 on Halo ticket 70 (incident #7 of one client alone)"), "{path}: {all}");
        assert!(all.contains("--confirm-instance") && !all.contains("was copied or restored"), "{path}: {all}");
        let hers = app.page(&mut bea, path).await.body;
        assert!(hers.contains("A second process writes to the same pairs"), "{path}: {hers}");
        assert!(!hers.contains("of one client alone"), "{path}: {hers}");
    }
    app.person("cal", Role::Viewer, Scope::Clients(vec![seed::client(99)])).await;
    let mut cal = app.signed_in("cal").await;
    let calm = app.page(&mut cal, "/problems").await.body;
    assert!(calm.contains("No pair needs you, but nothing is written"), "{calm}");
    assert!(!calm.contains("Nothing needs you.") && !calm.contains("All quiet"), "{calm}");
}

#[tokio::test]
async fn a_step_that_the_database_refuses_is_said_on_every_page_and_named_to_those_who_may_see_it() {
    let (app, mut browser) = app("A title", "words").await;
    app.person("bea", Role::Viewer, Scope::Clients(vec![seed::client(2)])).await;
    let mut bea = app.signed_in("bea").await;
    let now = app.clock.now();
    let steps = [
        ("Reading the changed incidents", StepOf::Source(RunScope::Workspace { id: seed::workspace(1) })),
        ("Carrying out the writes of a pair", StepOf::Pair(seed::pair(1))),
        ("Taking up webhooks and requests", StepOf::All),
    ];
    let pair = format!("/pairs/{}", seed::pair(1));
    for (does, of) in steps {
        let why = "The database answered: no more.".to_owned();
        let refused = vec![RefusedStep { does, of, since: now, next: now, why }];
        app.engine.stands(EngineStatus { alive: true, refused, ..EngineStatus::default() });
        for path in ["/account", "/runs"] {
            for (reader, all) in [(&mut browser, true), (&mut bea, false)] {
                let page = app.page(reader, path).await.body;
                let notice = notice(&page);
                assert!(notice.contains("1 step fails again and again."), "{path}: {notice}");
                assert!(notice.contains(does) && notice.contains("answered: no more. It is tried again"), "{notice}");
                assert_eq!(notice.contains("of Ws1"), all && matches!(of, StepOf::Source(_)), "{path}: {notice}");
                assert_eq!(notice.contains(&pair), all && matches!(of, StepOf::Pair(_)), "{path}: {notice}");
            }
        }
        let ready = app.page(&mut Browser::default(), "/readyz").await;
        assert_eq!(ready.status, StatusCode::OK, "everything else goes on");
        assert!(ready.body.contains(does) && !ready.body.contains("Ws1"), "{}", ready.body);
    }
    let metrics = app.page(&mut Browser::default(), "/metrics").await.body;
    assert!(metrics.contains("halobridge_steps_refused 1"), "{metrics}");
    app.engine.stands(EngineStatus { alive: true, ..EngineStatus::default() });
    assert!(!app.page(&mut browser, "/account").await.body.contains("fails again and again"));
    assert_eq!(app.page(&mut browser, "/readyz").await.body, "ready\n");
}

/// What the top of a page says of the engine.
fn notice(page: &str) -> String {
    let html = Html::parse_document(page);
    let pulse = Selector::parse("#pulse").unwrap();
    let found = html.select(&pulse).next().expect("it is there");
    let text: String = found.text().collect();
    let links = Selector::parse("a").unwrap();
    let links: Vec<&str> = found.select(&links).filter_map(|link| link.value().attr("href")).collect();
    format!("{} {}", text.split_whitespace().collect::<Vec<_>>().join(" "), links.join(" "))
}

#[tokio::test]
async fn supervisors_hear_how_it_is() {
    let (app, mut browser) = app("A title", "words").await;
    assert_eq!(app.page(&mut browser, "/readyz").await.status, StatusCode::OK);
    app.engine.stands(EngineStatus { alive: true, only_reads: true, ..EngineStatus::default() });
    let answer = app.page(&mut browser, "/readyz").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "a copy is not ready to do the work");
    assert!(answer.body.contains("--confirm-instance"), "{}", answer.body);
    app.engine.stands(EngineStatus::default());
    let answer = app.page(&mut browser, "/readyz").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.body.contains("engine"));
    let metrics = app.page(&mut Browser::default(), "/metrics").await.body;
    assert!(metrics.contains("halobridge_engine_alive 0"), "{metrics}");
    assert!(metrics.contains("halobridge_pairs{sync=\"behind\",health=\"needs-you\"} 2"), "{metrics}");
    assert!(metrics.contains("halobridge_dead_letters 2"), "{metrics}");
    for private in ["Alpine", "Beacon", "Ws1", "Contoso", "A title", seed::HOOK_SECRET] {
        assert!(!metrics.contains(private), "{private} is in the metrics");
    }
    assert!(metrics.contains("halobridge_operations_open 0"), "{metrics}");
    assert!(metrics.contains("halobridge_build_info{version="), "{metrics}");
    let mut families = BTreeSet::new();
    for line in metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        assert!(families.insert(line.split(' ').next().unwrap().to_owned()), "{line} twice");
    }
}
