//! The test of a Halo instance against the twin: what is wrong names its entry, its cause and its fix, and nothing is
//! written unless it was asked for.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use halobridge::{
    clock::ManualClock,
    domain::{
        account::{Role, Scope},
        catalogue::Ref,
        connection::HaloProduct,
        ids::UserId,
        view::probe::{HaloProbe, Level, Line},
    },
    outbound::{BoxFuture, Transport, TransportError},
    service::{
        caller::Caller,
        error::ServiceError,
        halo_probe::{self, Chosen, Typed},
    },
    twin::{
        Twin,
        limits::Limits,
        options::{Product, TwinOptions},
        transport::TwinTransport,
    },
};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::support::TestApp;

type Answer = Result<http::Response<Bytes>, TransportError>;
/// Sees a request with the twin's answer, and may put another in its place.
type Meddle = dyn Fn(&http::Request<Bytes>, http::Response<Bytes>) -> Answer + Send + Sync;

struct Between {
    twin: TwinTransport,
    meddle: Mutex<Option<Box<Meddle>>>,
    /// A method that is refused before it reaches Halo.
    refused: Mutex<Option<http::Method>>,
}

impl Transport for Between {
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            let asked = request.clone();
            if self.refused.lock().unwrap().as_ref() == Some(request.method()) {
                return Ok(http::Response::builder().status(403).body(Bytes::new()).unwrap());
            }
            let answer = self.twin.send(request).await?;
            match self.meddle.lock().unwrap().as_ref() {
                Some(meddle) => meddle(&asked, answer),
                None => Ok(answer),
            }
        })
    }
}

struct Stage {
    test: TestApp,
    twin: Twin,
    between: Arc<Between>,
    typed: Typed,
    admin: Caller,
}

fn caller(role: Role) -> Caller {
    Caller { user: UserId(uuid::Uuid::nil()), name: "ada".into(), role, scope: Scope::All }
}

impl Stage {
    async fn new() -> Self {
        let clock = ManualClock::at("2026-03-02T08:00:00Z".parse().unwrap());
        let mut options = TwinOptions::new(7, "2026-03-02T08:00:00Z".parse().unwrap());
        options.product = Product::Itsm;
        options.limits = Limits::Off;
        let twin = Twin::new(options, Arc::new(clock));
        let between = Arc::new(Between {
            twin: TwinTransport::new(twin.clone()),
            meddle: Mutex::new(None),
            refused: Mutex::new(None),
        });
        let test = TestApp::reaching(between.clone()).await;
        let told = twin.connection("http://twin.test");
        let text = |key: &str| told["halo"][key].as_str().unwrap().to_owned();
        let typed = Typed {
            product: HaloProduct::Itsm,
            resource_server: text("api"),
            authorisation_server: text("auth"),
            tenant: text("tenant"),
            oauth_client_id: text("client_id"),
            client_secret: SecretString::from(text("client_secret")),
            scope: "all".into(),
            allow_insecure: true,
        };
        Self { test, twin, between, typed, admin: caller(Role::Admin) }
    }

    fn switch(&self, name: &str, value: &str) {
        self.twin.with(|world, _| world.set_switch(name, value)).unwrap();
    }

    fn meddle(&self, with: impl Fn(&http::Request<Bytes>, http::Response<Bytes>) -> Answer + Send + Sync + 'static) {
        *self.between.meddle.lock().unwrap() = Some(Box::new(with));
    }

    /// Puts this answer in the place of those to paths that end so.
    fn answer(&self, end: &'static str, status: u16, body: &'static str) {
        self.meddle(move |request, answer| {
            if !request.uri().path().ends_with(end) {
                return Ok(answer);
            }
            let answer = http::Response::builder().status(status).header("location", "https://elsewhere.example/");
            Ok(answer.body(Bytes::from_static(body.as_bytes())).unwrap())
        });
    }

    /// Changes the JSON of answers to paths that hold this.
    fn change(&self, part: &'static str, with: fn(&mut Value)) {
        self.meddle(move |request, mut answer| {
            if request.uri().path().contains(part)
                && let Ok(mut body) = serde_json::from_slice::<Value>(answer.body())
            {
                with(&mut body);
                *answer.body_mut() = Bytes::from(body.to_string());
            }
            Ok(answer)
        });
    }

    async fn probe(&self) -> HaloProbe {
        self.probe_with(chosen()).await
    }

    async fn probe_with(&self, chosen: Chosen) -> HaloProbe {
        let before = self.calls_that_write();
        let found = halo_probe::probe(&self.test.app, &self.admin, &self.typed, Some(&chosen)).await.unwrap();
        assert_eq!(self.calls_that_write(), before, "the test only reads");
        for line in &found.lines {
            assert!(line.says.ends_with(['.', '!', ')']), "a sentence: {line:?}");
            assert!(line.level != Level::Fault || line.fix.len() > 5, "a fix: {line:?}");
            let secret = secrecy::ExposeSecret::expose_secret(&self.typed.client_secret);
            assert!(secret.is_empty() || !format!("{line:?}").contains(secret), "{line:?}");
        }
        found
    }

    async fn write(&self, chosen: &Chosen) -> HaloProbe {
        let client = self.client();
        halo_probe::write_test(&self.test.app, &self.admin, &self.typed, chosen, client).await.unwrap()
    }

    fn client(&self) -> i64 {
        self.twin.with(|world, _| {
            let choices = world.halos[0].halo.choices("clients");
            choices.into_iter().find(|(_, name)| name != "Unknown").unwrap().0
        })
    }

    /// Calls so far that may have changed something in Halo.
    fn calls_that_write(&self) -> usize {
        let list = self.twin.with(|world, _| world.calls.list(0, None, 100_000));
        let rows = list["calls"].as_array().unwrap().clone();
        rows.iter()
            .filter(|row| {
                row["side"] == "halo" && row["method"] != "GET" && !row["path"].to_string().contains("/token")
            })
            .count()
    }

    fn tickets(&self) -> Vec<Value> {
        let state = self.twin.with(|world, _| world.state());
        state["halo"]["halo"]["tickets"].as_array().unwrap().clone()
    }
}

fn chosen() -> Chosen {
    Chosen { ticket_type: Ref::Name("Security Incident".into()), outcome: Ref::Name("Private Note".into()) }
}

fn faults(found: &HaloProbe) -> Vec<&Line> {
    found.lines.iter().filter(|line| line.level == Level::Fault).collect()
}

/// The only fault: its entry, a part of its cause, a part of its fix.
#[track_caller]
fn only(found: &HaloProbe, field: &str, cause: &str, fix: &str) {
    let faults = faults(found);
    let [fault] = faults.as_slice() else { panic!("one fault wanted: {:#?}", found.lines) };
    assert_eq!(fault.field, field, "{fault:?}");
    assert!(fault.says.contains(cause), "{cause:?} in {fault:?}");
    assert!(fault.fix.contains(fix), "{fix:?} in {fault:?}");
}

#[tokio::test]
async fn a_good_instance_is_told_whole() {
    let stage = Stage::new().await;
    let found = stage.probe().await;
    assert!(found.well(), "{:#?}", found.lines);
    assert!(found.agent.is_some() && !found.slas.is_empty());
    let catalogue = found.catalogue.as_ref().unwrap();
    assert!(catalogue.ticket_types.iter().any(|row| row.name == "Security Incident"));
    assert!(!catalogue.outcomes.is_empty() && !catalogue.priorities.is_empty());
    let says: Vec<&str> = found.lines.iter().map(|line| line.says.as_str()).collect();
    assert!(says.iter().any(|says| says.contains("has the SLA")), "{says:?}");
}

#[tokio::test]
async fn only_an_admin_of_everything_may_test() {
    let stage = Stage::new().await;
    for role in [Role::Viewer, Role::Operator] {
        let asked = halo_probe::probe(&stage.test.app, &caller(role), &stage.typed, None).await;
        assert_eq!(asked, Err(ServiceError::Forbidden));
        let asked = halo_probe::write_test(&stage.test.app, &caller(role), &stage.typed, &chosen(), 1).await;
        assert_eq!(asked, Err(ServiceError::Forbidden));
    }
    assert!(stage.twin.with(|world, _| world.calls.list(0, None, 10))["calls"].as_array().unwrap().is_empty());
}

/// What is typed wrong: entry, value; cause and fix.
const TYPED: &[(&str, &str, &str, &str)] = &[
    ("resource_server", "acme.haloitsm.com/api", "is not a web address", "https://"),
    ("resource_server", "http://acme.haloitsm.com/api", "is not https", "https address"),
    ("resource_server", "https://acme.haloitsm.com/api/Tickets", "goes on after /api", "End it with /api"),
    ("resource_server", "https://acme.haloitsm.com/auth", "address of the Authorisation Server", "ends with /api"),
    ("resource_server", "https://10.0.0.1/api", "not a public host", "public https address"),
    ("resource_server", "https://ada:secret@acme.haloitsm.com/api", "user name or password", "Remove them"),
    ("resource_server", "https://acme.haloitsm.com/api?tenant=acme", "query", "base address alone"),
    ("resource_server", "", "is empty", "Resource Server"),
    ("authorisation_server", "https://acme.haloitsm.com/auth/token", "ends with /token", "Leave /token out"),
    ("authorisation_server", "https://acme.haloitsm.com/api", "address of the Resource Server", "/auth"),
    ("oauth_client_id", "", "is empty", "API application"),
    ("client_secret", "", "is missing", "API application"),
];

#[tokio::test]
async fn what_is_typed_wrong_is_told_before_anything_is_sent() {
    let mut stage = Stage::new().await;
    let good = stage.typed.clone();
    for (field, value, cause, fix) in TYPED {
        let mut typed = Typed { ..good.clone() };
        if field.ends_with("server") {
            // As in production: only https, only public hosts.
            typed.allow_insecure = false;
            typed.resource_server = "https://acme.haloitsm.com/api".into();
            typed.authorisation_server = "https://acme.haloitsm.com/auth".into();
        }
        match *field {
            "resource_server" => typed.resource_server = (*value).into(),
            "authorisation_server" => typed.authorisation_server = (*value).into(),
            "oauth_client_id" => typed.oauth_client_id = (*value).into(),
            _ => typed.client_secret = SecretString::from((*value).to_owned()),
        }
        stage.typed = typed;
        only(&stage.probe().await, field, cause, fix);
        assert!(!format!("{:?}", stage.probe().await.lines).contains("ada:secret"));
    }
    assert!(stage.twin.with(|world, _| world.calls.list(0, None, 10))["calls"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn what_an_instance_answers_names_the_entry_that_is_wrong() {
    let page = "<!doctype html><title>Sign in</title>";
    // Path, status, body; entry, cause, fix.
    for (end, status, body, field, cause, fix) in [
        ("/authinfo", 200, page, "resource_server", "web page (HTML)", "ends with /api"),
        ("/authinfo", 302, "", "resource_server", "another address", "final address"),
        ("/authinfo", 200, "OK", "resource_server", "not Halo's API", "ends with /api"),
        ("/token", 200, page, "authorisation_server", "web page (HTML)", "/auth"),
        ("/token", 404, "", "authorisation_server", "no sign-in", "/auth"),
        ("/token", 301, "", "authorisation_server", "another address", "/auth"),
        ("/token", 500, "{}", "tenant", "does not exist", "Compare it"),
        ("/token", 429, "", "authorisation_server", "too many requests", "five minutes"),
        (
            "/token",
            400,
            r#"{"error":"unauthorized_client"}"#,
            "oauth_client_id",
            "sign-in by a service",
            "Client ID and Secret (Services)",
        ),
        ("/Agent/me", 403, "", "oauth_client_id", "not bound to an agent", "Login Type to Agent"),
    ] {
        let stage = Stage::new().await;
        stage.answer(end, status, body);
        only(&stage.probe().await, field, cause, fix);
    }
}

/// Not every stand-in serves `/authinfo`, and what it tells is not always what the sign-in goes by.
#[tokio::test]
async fn an_instance_that_does_not_tell_where_to_sign_in_is_tested_all_the_same() {
    for status in [400, 401, 403, 404, 405] {
        let stage = Stage::new().await;
        stage.answer("/authinfo", status, "");
        let found = stage.probe().await;
        assert!(found.well(), "{status}: {:#?}", found.lines);
    }
    let stage = Stage::new().await;
    stage.change("/authinfo", |body| body["tenant_id"] = json!("another"));
    let found = stage.probe().await;
    assert!(found.well(), "{:#?}", found.lines);
    let note = found.lines.iter().find(|line| line.field == "tenant").expect("it is told");
    assert!(note.level == Level::Note && note.says.contains("“another”"), "{note:?}");
    // Where nothing else is there either, the address is wrong.
    let stage = Stage::new().await;
    stage.meddle(|request, answer| {
        if !request.uri().path().contains("/api/") {
            return Ok(answer);
        }
        Ok(http::Response::builder().status(404).body(Bytes::new()).unwrap())
    });
    only(&stage.probe().await, "resource_server", "no Halo API at this address", "Integrations > Halo API");
}

#[tokio::test]
async fn an_instance_that_is_not_there_is_named() {
    for (end, field) in [("/authinfo", "resource_server"), ("/token", "authorisation_server")] {
        let stage = Stage::new().await;
        stage.meddle(move |request, answer| {
            if request.uri().path().ends_with(end) {
                return Err(TransportError::NotSent("no such host".into()));
            }
            Ok(answer)
        });
        only(&stage.probe().await, field, "cannot be reached", "host name");
    }
}

#[tokio::test]
async fn wrong_credentials_tenant_and_scopes_are_told_apart() {
    let mut stage = Stage::new().await;
    let good = stage.typed.clone();
    let secret = |text: &str| SecretString::from(text.to_owned());
    let guid = "9d3f6f0a-3f44-4d0c-9a51-1f8f0c8b1c11";
    stage.typed = Typed { tenant: "nobody".into(), ..good.clone() };
    only(&stage.probe().await, "tenant", "Halo says that the tenant", "Enter “");
    stage.typed = Typed { client_secret: secret(&format!("{guid}-{guid}")), ..good.clone() };
    only(&stage.probe().await, "client_secret", "refuses client id or secret", "Make a new secret");
    stage.typed = Typed { client_secret: secret(guid), ..good.clone() };
    only(&stage.probe().await, "client_secret", "they are two", "paste the whole");
    stage.typed = Typed { oauth_client_id: "halobridge".into(), ..good.clone() };
    only(&stage.probe().await, "oauth_client_id", "not the form of Halo's client ids", "Copy the Client ID");
    stage.typed = Typed { scope: "read:agents".into(), ..good.clone() };
    only(&stage.probe().await, "scope", "no such scope", "Enter “all”");
    stage.typed = Typed { scope: "read:tickets read:customers".into(), ..good.clone() };
    only(&stage.probe().await, "scope", "lack edit:tickets", "edit:tickets");
    stage.typed = Typed { scope: "edit:tickets read:tickets".into(), ..good.clone() };
    only(&stage.probe().await, "scope", "lack read:customers", "read:customers");
    // Enough to sync, not enough to make webhooks: worth knowing.
    stage.typed = Typed { scope: "read:tickets edit:tickets read:customers".into(), ..good.clone() };
    let found = stage.probe().await;
    assert!(found.well(), "{:#?}", found.lines);
    assert!(found.lines.iter().any(|line| line.level == Level::Note && line.says.contains("Webhooks")));
    // The agent lacks what the scopes would allow.
    stage.typed = good;
    stage.switch("forbidden", "Tickets");
    only(&stage.probe().await, "scope", "refuses to show tickets", "agent");
}

#[tokio::test]
async fn what_was_chosen_is_checked_by_reading() {
    let stage = Stage::new().await;
    let with =
        |kind: &str, outcome: &str| Chosen { ticket_type: Ref::Name(kind.into()), outcome: Ref::Name(outcome.into()) };
    let found = stage.probe_with(with("Security Incidnet", "Private Note")).await;
    only(&found, "ticket_type", "no ticket type “Security Incidnet”", "Did you mean “Security Incident”?");
    let found = stage.probe_with(with("Security Incident", "Private Nota")).await;
    only(&found, "outcome", "no outcome “Private Nota”", "Did you mean “Private Note”?");
    stage.change("/TicketType", |body| {
        let none = |row: &mut Value| {
            if row.get("default_sla").is_some() {
                row["default_sla"] = json!(0);
            }
        };
        match body {
            Value::Array(rows) => rows.iter_mut().for_each(none),
            row => none(row),
        }
    });
    only(&stage.probe().await, "ticket_type", "has no SLA", "default SLA");
    // What is not told is not known to be missing.
    stage.change("/TicketType", |body| {
        let untold = |row: &mut Value| drop(row.as_object_mut().unwrap().remove("default_sla"));
        match body {
            Value::Array(rows) => rows.iter_mut().for_each(untold),
            row => untold(row),
        }
    });
    let found = stage.probe().await;
    assert!(found.lines.iter().all(|line| line.level != Level::Fault), "{:?}", found.lines);
    assert!(found.lines.iter().any(|line| line.says.contains("did not tell the SLA")), "{:?}", found.lines);
    stage.change("/TicketType/", |body| body["cancreate"] = json!(false));
    only(&stage.probe().await, "ticket_type", "cannot be made by this agent", "allow");
    stage.change("/TicketType/", |body| body["default_sla"] = json!(77));
    only(&stage.probe().await, "ticket_type", "has no priority", "priorities");
    stage.change("/Outcome", |body| {
        for row in body.as_array_mut().unwrap() {
            row["newstatus"] = json!(9);
            row["sendemail"] = json!(true);
        }
    });
    let found = stage.probe().await;
    assert!(found.well());
    let notes: Vec<&Line> = found.lines.iter().filter(|line| line.level == Level::Note).collect();
    assert!(notes.iter().any(|line| line.says.contains("“Closed”")), "{notes:?}");
    assert!(notes.iter().any(|line| line.says.contains("mails the end user")), "{notes:?}");
    let stage = Stage::new().await;
    stage.switch("mandatory_fields", "CFAffectedAsset");
    let found = stage.probe().await;
    assert!(found.lines.iter().any(|line| line.level == Level::Note && line.says.contains("Affected Asset")));
}

#[tokio::test]
async fn the_write_test_takes_its_ticket_away_again() {
    let stage = Stage::new().await;
    let before = stage.tickets().len();
    let found = stage.write(&chosen()).await;
    assert!(found.well(), "{:#?}", found.lines);
    let says: Vec<&str> = found.lines.iter().map(|line| line.says.as_str()).collect();
    for words in ["made and read back", "was written and read back", "deleted again"] {
        assert!(says.iter().any(|says| says.contains(words)), "{words}: {says:?}");
    }
    let left = stage.tickets();
    let live = left.iter().filter(|ticket| ticket["deleted"] != json!(true)).count();
    assert_eq!(live, before, "{left:?}");
}

#[tokio::test]
async fn the_write_test_says_what_halo_refuses_and_leaves_nothing_open() {
    let stage = Stage::new().await;
    stage.switch("outcomes_denied", "Private Note");
    let found = stage.write(&chosen()).await;
    only(&found, "outcome", "refuses a note with the outcome “Private Note”", "Allow the outcome");
    assert!(found.lines.iter().any(|line| line.says.contains("deleted again")));
    let stage = Stage::new().await;
    stage.switch("mandatory_fields", "CFAffectedAsset");
    // Fields that agents must fill in hold no ticket back, and are told of.
    let found = stage.write(&chosen()).await;
    let notes = || found.lines.iter().filter(|line| line.level == Level::Note && line.field == "ticket_type");
    assert!(
        notes().any(|line| line.says.contains("CFAffectedAsset") || line.says.contains("Affected Asset")),
        "{:#?}",
        found.lines
    );
    let mut stage = Stage::new().await;
    stage.typed.scope = "read:tickets read:customers".into();
    let found = stage.write(&chosen()).await;
    assert!(faults(&found).iter().any(|line| line.field == "scope" && line.says.contains("make tickets")));
    // A client that does not exist: Halo files the ticket under "Unknown".
    let stage = Stage::new().await;
    let found = halo_probe::write_test(&stage.test.app, &stage.admin, &stage.typed, &chosen(), 987_654).await.unwrap();
    assert!(faults(&found).iter().any(|line| line.field == "client"), "{:#?}", found.lines);
    // Deleting is refused: the ticket is closed.
    let stage = Stage::new().await;
    *stage.between.refused.lock().unwrap() = Some(http::Method::DELETE);
    let found = stage.write(&chosen()).await;
    assert!(found.lines.iter().any(|line| line.says.contains("it was closed")));
}
