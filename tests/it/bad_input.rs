//! Whatever comes in from outside: one clear sentence with the remedy, in the log and in the console, and nothing lost.
//! The other lines of the list stand in `config_faults`, `process` and `full_disk`; docs/TESTING.md has the table.

use std::{
    collections::BTreeSet,
    io::Write,
    sync::{Arc, Mutex},
};

use halobridge::{
    domain::account::{Role, Scope},
    twin::options::Product,
};
use http::StatusCode;
use serde_json::{Value, json};
use tracing::subscriber::DefaultGuard;

use crate::{
    engine::bridge::{Bridge, Setup, words},
    support::{Browser, TestApp},
};

/// What was logged since it was made.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn listen() -> (Log, DefaultGuard) {
    listen_from(tracing::Level::WARN)
}

fn listen_from(level: tracing::Level) -> (Log, DefaultGuard) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).with_max_level(level).with_writer(move || writer.clone()).finish();
    (log, tracing::subscriber::set_default(subscriber))
}

impl Log {
    #[track_caller]
    fn says(&self, sentence: &str) {
        let text = String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned();
        assert!(text.contains(sentence), "{sentence:?} is not in the log: {text}");
    }
}

/// The console over a bridge, and somebody signed in.
struct Console {
    app: TestApp,
    browser: Browser,
}

impl Console {
    async fn of(bridge: &Bridge) -> Self {
        let app = TestApp::over(bridge.console().0, bridge.clock.clone());
        if app.app.store.user_by_name("ada").await.unwrap().is_none() {
            app.person("ada", Role::Admin, Scope::All).await;
        }
        let browser = app.signed_in("ada").await;
        Self { app, browser }
    }

    async fn says(&mut self, path: &str, sentence: &str) {
        let page = self.app.page(&mut self.browser, path).await;
        let text = page.body.replace("&#39;", "'").replace("&#x27;", "'");
        assert!(text.contains(sentence), "{sentence:?} is not on {path}: {text}");
    }

    async fn says_nothing(&mut self, path: &str, sentence: &str) {
        let page = self.app.page(&mut self.browser, path).await.body;
        assert!(!page.contains(sentence), "{sentence:?} is still on {path}");
    }
}

/// The sentence stands in the log and on the pages where a person looks.
async fn told(bridge: &Bridge, log: &Log, sentence: &str) {
    log.says(sentence);
    let mut console = Console::of(bridge).await;
    console.says("/connections", sentence).await;
    console.says("/runs", sentence).await;
}

#[tokio::test]
async fn bad_input_wrong_secret_of_halo() {
    let (log, _guard) = listen();
    let mut bridge = Bridge::with(Setup { wrong_secret: true, ..Setup::new(Product::Itsm) }).await;
    let incident = bridge.raise(json!({}));
    bridge.pass(120).await;
    let sentence = "Halo refuses client id or secret. Enter those of the API application.";
    log.says(sentence);
    Console::of(&bridge).await.says("/connections", sentence).await;
    Console::of(&bridge).await.says("/problems", sentence).await;
    bridge.correct_secret().await;
    bridge.pass(600).await;
    bridge.ticket_of(&incident).await;
    bridge.finish().await;
}

#[tokio::test]
async fn bad_input_wrong_and_expired_secret_of_microsoft() {
    for (code, sentence) in [
        (7_000_215, "Microsoft refuses the client secret. Enter the secret's value, not its id."),
        (7_000_222, "The app registration's client secret has expired. Create a new one and enter it."),
    ] {
        let (log, _guard) = listen();
        let bridge = Bridge::new(Product::Itsm).await;
        bridge.act("tokens.expire", json!({}));
        bridge.act("tokens.script", json!({ "codes": vec![code; 100] }));
        let incident = bridge.raise(json!({}));
        bridge.pass(120).await;
        told(&bridge, &log, sentence).await;
        Console::of(&bridge).await.says("/problems", sentence).await;
        bridge.act("tokens.script", json!({ "codes": [] }));
        bridge.pass(900).await;
        bridge.ticket_of(&incident).await;
        Console::of(&bridge).await.says_nothing("/problems", sentence).await;
        bridge.finish().await;
    }
}

#[tokio::test]
async fn bad_input_expired_token_is_renewed_and_nobody_hears_of_it() {
    let (log, _guard) = listen();
    let bridge = Bridge::new(Product::Psa).await;
    let incident = bridge.raise(json!({}));
    bridge.cross().await;
    // Microsoft's before their time, Halo's in theirs.
    bridge.act("tokens.expire", json!({}));
    bridge.pass_by(3 * 3_600, 300).await;
    bridge.comment(&incident, "with new tokens");
    bridge.cross().await;
    let notes = bridge.notes_of(bridge.ticket_of(&incident).await);
    assert!(notes.iter().any(|note| words(note).contains("with new tokens")));
    assert!(log.0.lock().unwrap().is_empty(), "no person can do anything about it");
    bridge.finish().await;
}

#[tokio::test]
async fn bad_input_unreachable_host() {
    for (away, sentence) in [
        (
            "/arm/",
            "Microsoft Sentinel can't be reached (connection refused). Check the address and the network; it is tried again.",
        ),
        ("/api/", "Halo can't be reached (connection refused). Check the address and the network; it is tried again."),
    ] {
        let (log, _guard) = listen();
        let bridge = Bridge::new(Product::Itsm).await;
        bridge.cross().await;
        bridge.away(Some(away));
        let incident = bridge.raise(json!({}));
        bridge.pass(120).await;
        told(&bridge, &log, sentence).await;
        bridge.away(None);
        bridge.pass(900).await;
        bridge.ticket_of(&incident).await;
        bridge.finish().await;
    }
}

#[tokio::test]
async fn bad_input_html_instead_of_json() {
    for (kind, sentence) in [
        ("sentinel.incident.list", "Microsoft Sentinel answered 200 with a web page (HTML) instead of JSON"),
        ("halo.tickets.list", "Halo answered 200 with a web page (HTML) instead of JSON"),
    ] {
        let (log, _guard) = listen();
        let bridge = Bridge::new(Product::Itsm).await;
        bridge.cross().await;
        bridge.fault(json!({ "effect": "html", "kind": kind }));
        let incident = bridge.raise(json!({}));
        bridge.pass(120).await;
        told(&bridge, &log, sentence).await;
        log.says("Check the address, and whether a proxy or a sign-in page stands in between.");
        bridge.heal();
        bridge.pass(900).await;
        bridge.ticket_of(&incident).await;
        bridge.finish().await;
    }
}

#[tokio::test]
async fn bad_input_null_where_a_string_belongs() {
    let bridge = Bridge::new(Product::Itsm).await;
    let incident = bridge.raise(json!({}));
    let name = incident.clone();
    let spoil = move |row: &mut Value| {
        if row["name"] == name.as_str() {
            for member in ["title", "description", "classification", "incidentUrl", "providerName", "owner", "labels"] {
                row["properties"][member] = Value::Null;
            }
            // So that somebody has to look at it.
            row["properties"]["severity"] = "Critical".into();
        }
    };
    bridge.mutate(move |request, body| {
        if request.uri().path().contains("/incidents") && body.is_object() {
            spoil(body);
            body.get_mut("value").and_then(Value::as_array_mut).into_iter().flatten().for_each(&spoil);
        }
    });
    bridge.cross().await;
    let ticket = bridge.ticket(bridge.ticket_of(&incident).await);
    assert!(ticket["summary"].as_str().unwrap().contains("(incident without a title)"), "{ticket}");
    let number = bridge.incident(&incident)["properties"]["incidentNumber"].as_i64().unwrap();
    for path in ["/", "/problems"] {
        Console::of(&bridge).await.says(path, "(no title)").await;
    }
    Console::of(&bridge).await.says("/problems", &format!("#{number} (no title)")).await;
    bridge.finish().await;
}

#[tokio::test]
async fn bad_input_an_odd_incident() {
    let (log, _guard) = listen();
    let bridge = Bridge::new(Product::Itsm).await;
    let title = format!("Beginning\u{7}\u{0}\u{202e} {} the end", "x".repeat(20_000));
    let incident = bridge.raise(json!({ "title": title }));
    let name = incident.clone();
    bridge.mutate(move |request, body| {
        if request.uri().path().contains("/incidents") {
            for row in body.get_mut("value").and_then(Value::as_array_mut).into_iter().flatten() {
                if row["name"] == name.as_str() {
                    row["properties"]["severity"] = "Critical".into();
                    row["properties"].as_object_mut().unwrap().remove("owner");
                }
            }
        }
    });
    bridge.cross().await;
    let ticket = bridge.ticket(bridge.ticket_of(&incident).await);
    let (summary, details) = (ticket["summary"].as_str().unwrap(), ticket["details_html"].as_str().unwrap());
    assert!(summary.contains("Beginning") && summary.chars().count() <= 200, "{} characters", summary.chars().count());
    assert!(details.contains("the end"), "the whole title stands in the details");
    let control = |text: &str| text.chars().any(|c| (c.is_control() && c != '\n' && c != '\t') || c == '\u{202e}');
    assert!(!control(summary) && !control(details));
    // The severity nobody mapped: an open item that names table and value, in the console and in the log.
    for sentence in ["No priority is mapped for “Critical”.", "Add a row to the policy's “priorities” table"] {
        log.says(sentence);
        Console::of(&bridge).await.says("/problems", sentence).await;
    }
    bridge.finish().await;
}

#[tokio::test]
async fn bad_input_webhooks() {
    let (log, _guard) = listen();
    let bridge = Bridge::new(Product::Itsm).await;
    let mut console = Console::of(&bridge).await;
    let address = format!("/hooks/sentinel/{}", bridge.workspace_name(0));
    let right = [("x-halobridge-secret", "hook-secret-for-tests")];
    let refused = console.app.hook(&address, &[("x-halobridge-secret", "wrong")], "{}").await;
    assert_eq!((refused.status, refused.body.trim()), (StatusCode::UNAUTHORIZED, "unknown address or wrong secret"));
    let sentence = "A webhook with a wrong secret was refused. Give its sender the secret that is set here.";
    log.says(sentence);
    console.says("/connections", sentence).await;
    // Anybody may send anything: one line a minute.
    for _ in 0..20 {
        console.app.hook(&address, &[], "{}").await;
    }
    let text = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert_eq!(text.lines().count(), 1, "{text}");
    // In the same minute, and not hidden by it: another fault is another line.
    let large = console.app.hook(&address, &right, vec![b' '; 10 * 1024 * 1024]).await;
    let words = "a body of at most 2 MiB is taken";
    assert_eq!((large.status, large.body.trim()), (StatusCode::PAYLOAD_TOO_LARGE, words));
    let sentence = "A webhook of more than 2 MiB was refused. Send the incident or ticket alone.";
    log.says(sentence);
    console.says("/connections", sentence).await;
    let taken = console.app.hook(&address, &right, "{}").await;
    assert_eq!(taken.status, StatusCode::ACCEPTED);
    console.says_nothing("/connections", "A webhook").await;
    bridge.finish().await;
}

/// However talkative the log, and whatever goes wrong: what opens a door stands in no log, on no page, in no error and in no
/// address.
#[tokio::test]
async fn no_secret_is_in_a_log_a_page_an_error_or_an_address() {
    let (log, _guard) = listen_from(tracing::Level::TRACE);
    let bridge = Bridge::new(Product::Itsm).await;
    let secrets: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let called: Arc<Mutex<Vec<String>>> = Arc::default();
    let (seen, addresses) = (Arc::clone(&secrets), Arc::clone(&called));
    bridge.mutate(move |request, _| {
        addresses.lock().unwrap().push(request.uri().to_string());
        let mut seen = seen.lock().unwrap();
        let proof = request.headers().get("authorization").and_then(|value| value.to_str().ok());
        seen.extend(proof.and_then(|text| text.strip_prefix("Bearer ")).map(str::to_owned));
        let form = url::form_urlencoded::parse(request.body());
        seen.extend(form.filter(|(name, _)| name == "client_secret").map(|(_, value)| value.into_owned()));
    });
    let incident = bridge.raise(json!({}));
    bridge.cross().await;
    let mut console = Console::of(&bridge).await;
    let address = format!("/hooks/sentinel/{}", bridge.workspace_name(0));
    for given in ["hook-secret-for-tests", "a-guess-that-is-wrong"] {
        secrets.lock().unwrap().insert(given.to_owned());
        let bearer = format!("Bearer {given}");
        console.app.hook(&address, &[("authorization", bearer.as_str())], "{}").await;
        console.app.hook(&address, &[("x-halobridge-secret", given)], vec![b' '; 3 * 1024 * 1024]).await;
    }
    let faults = [
        json!({ "effect": "status", "status": 401, "count": 6 }),
        json!({ "effect": "html", "count": 3 }),
        json!({ "effect": "truncated_json", "count": 3 }),
        json!({ "effect": "cut", "count": 3 }),
        json!({ "effect": "throttle", "retry_after": 30, "count": 2 }),
    ];
    for fault in faults {
        for kind in ["halo.*", "sentinel.*", "entra.token", "halo.auth.token"] {
            let mut fault = fault.clone();
            fault["kind"] = kind.into();
            bridge.fault(fault);
        }
        bridge.act("tokens.expire", json!({}));
        bridge.comment(&incident, "through the trouble");
        bridge.pass_by(3_600, 120).await;
    }
    let secrets = secrets.lock().unwrap().clone();
    assert!(secrets.len() >= 8, "both clients' secrets, the webhook's, and tokens of each: {}", secrets.len());
    let mut told = vec![("the log", String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned())];
    told.extend(called.lock().unwrap().iter().map(|address| ("an address", address.clone())));
    for path in ["/", "/connections", "/runs", "/problems", "/ledger", "/configuration"] {
        told.push((path, console.app.page(&mut console.browser, path).await.body));
    }
    for (place, text) in &told {
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{place} holds a secret of {} letters", secret.len());
        }
    }
    bridge.heal();
    bridge.pass_by(7_200, 300).await;
    bridge.finish().await;
}
