//! Set-up in the browser against the twin: from nothing to workspaces in observe, and what is said of every mistake.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use halobridge::{
    clock::{Clock, ManualClock},
    domain::{
        account::{Role, Scope},
        connection::MicrosoftIdentity,
        workspace::{Mode, Portal},
    },
    engine::registry::REFRESH_TOKEN,
    outbound::{BoxFuture, Transport, TransportError},
    service::{
        configuration::{self, ReadOptions},
        doctor::{self, Standing},
        set_up::discovery,
    },
    store::{SecretOwner, SecretSource},
    twin::{Twin, options::TwinOptions, transport::TwinTransport},
    web::{self, WebOptions},
};
use http::StatusCode;
use rsa::{
    RsaPrivateKey,
    pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding},
    traits::PublicKeyParts,
};
use scraper::{Html, Selector};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::sync::watch;
use url::Url;

use crate::{
    adapters_entra::key_of,
    support::{Answer, Browser, TestApp},
};

/// Where the twin is; nothing listens there, its transport looks at paths alone.
const ORIGIN: &str = "http://twin.test";

/// A policy that the twin's Halo knows.
const POLICY: &str = r#"[[policy]]
name = "standard"
ticket_type = "Security Incident"
priorities = { High = "P2 - High", Medium = "P3 - Medium", Low = "P4 - Low", Informational = "P5 - Informational" }
notes = "public"
"#;

pub struct Scene {
    pub app: TestApp,
    pub twin: Twin,
    pub browser: Browser,
    /// Who answers at `other.example`, if not the twin.
    pub other: Arc<OnceLock<TwinTransport>>,
    line: Value,
    pub door: watch::Sender<bool>,
}

/// What a form says; later entries win.
#[derive(Clone)]
pub struct Form(pub Vec<(String, String)>);

impl Form {
    pub fn with(mut self, more: &[(&str, &str)]) -> Self {
        for (name, value) in more {
            self.0.retain(|(known, _)| known != name);
            self.0.push(((*name).to_owned(), (*value).to_owned()));
        }
        self
    }
}

/// The twin at every host but two: at `gone.example` nobody answers, and `page.example` answers with a web page. What
/// concerns the third workspace is answered once the door is open. At `other.example` there may be another twin.
struct Hosts(TwinTransport, watch::Receiver<bool>, Arc<OnceLock<TwinTransport>>);

impl Transport for Hosts {
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        match request.uri().host() {
            Some("gone.example") => Box::pin(async { Err(TransportError::NotSent("no such host".to_owned())) }),
            Some("page.example") => Box::pin(async {
                let page = http::Response::builder().header("content-type", "text/html");
                page.body(Bytes::from("<!doctype html><title>Sign in</title>"))
                    .map_err(|error| TransportError::NoAnswer(error.to_string()))
            }),
            _ => Box::pin(async move {
                let mut open = self.1.clone();
                if request.uri().path().to_lowercase().contains("/law-contoso-003") {
                    while !*open.borrow_and_update() {
                        if open.changed().await.is_err() {
                            break;
                        }
                    }
                }
                match self.2.get().filter(|_| request.uri().host() == Some("other.example")) {
                    Some(other) => other.send(request).await,
                    None => self.0.send(request).await,
                }
            }),
        }
    }
}

impl Scene {
    pub async fn new(change: impl FnOnce(&mut TwinOptions)) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at("2026-03-02T08:00:00Z".parse().unwrap()));
        let mut options = TwinOptions::new(7, clock.now());
        change(&mut options);
        let twin = Twin::new(options, clock);
        let (door, open) = watch::channel(true);
        let other = Arc::new(OnceLock::new());
        let hosts = Hosts(TwinTransport::new(twin.clone()), open, Arc::clone(&other));
        let app = TestApp::reaching(Arc::new(hosts)).await;
        app.person("ada", Role::Admin, Scope::All).await;
        let browser = app.signed_in("ada").await;
        let line = twin.connection(ORIGIN);
        Self { app, twin, browser, other, line, door }
    }

    pub fn text(&self, pointer: &str) -> String {
        self.line.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer}")).to_owned()
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.app.page(&mut self.browser, path).await
    }

    /// The page must be there.
    pub async fn page(&mut self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        answer.body
    }

    pub async fn post(&mut self, path: &str, form: &Form) -> Answer {
        let pairs: Vec<(&str, &str)> = form.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.app.submit(&mut self.browser, path, &pairs).await
    }

    /// The step's form as it is drawn: what a browser would send if nobody typed anything.
    pub async fn drawn(&mut self, path: &str) -> Form {
        Form(drawn(&self.page(path).await))
    }

    /// The right answers of the Microsoft step. Only the address of Azure Resource Manager is given: the cloud tells
    /// the rest.
    pub async fn microsoft(&mut self, path: &str) -> Form {
        let (tenant, id) = (self.text("/microsoft/tenant_id"), self.text("/microsoft/client_id"));
        let (secret, arm) = (self.text("/microsoft/client_secret"), self.text("/microsoft/arm"));
        self.drawn(path).await.with(&[
            ("cloud", "custom"),
            ("arm", &arm),
            ("allow_insecure", "on"),
            ("tenant_id", &tenant),
            ("oauth_client_id", &id),
            ("client_secret", &secret),
        ])
    }

    pub async fn halo(&mut self, path: &str) -> Form {
        let (api, id, secret) =
            (self.text("/halo/api"), self.text("/halo/client_id"), self.text("/halo/client_secret"));
        self.drawn(path).await.with(&[
            ("resource_server", &api),
            ("allow_insecure", "on"),
            ("oauth_client_id", &id),
            ("client_secret", &secret),
        ])
    }

    /// Presses the button of the sign-in page; gives Microsoft's address.
    pub async fn begin(&mut self) -> Url {
        let page = self.page("/set-up/sign-in").await;
        let html = Html::parse_document(&page);
        let action = Selector::parse("form[action$='/sign-in'][method=post]").unwrap();
        let action = html.select(&action).find_map(|form| form.value().attr("action")).expect("a button").to_owned();
        let answer = self.post(&action, &Form(vec![("next".into(), "/set-up/sign-in".into())])).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        Url::parse(answer.location()).expect("Microsoft's address")
    }

    /// What the browser does at Microsoft; gives the address it is sent back to.
    pub async fn at_microsoft(&self, url: &Url) -> Url {
        let request = http::Request::get(url.as_str()).body(Bytes::new()).unwrap();
        let answer = TwinTransport::new(self.twin.clone()).send(request).await.unwrap();
        let location = answer.headers().get("location").and_then(|text| text.to_str().ok());
        let page = || String::from_utf8_lossy(answer.body()).into_owned();
        Url::parse(location.unwrap_or_else(|| panic!("{} {}", answer.status(), page()))).unwrap()
    }

    /// Comes back from Microsoft; gives the page it ends at.
    pub async fn come_back(&mut self, back: &Url) -> String {
        let path = format!("{}?{}", back.path(), back.query().unwrap_or_default());
        let answer = self.get(&path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        let to = answer.location().to_owned();
        self.page(&to).await
    }

    pub async fn sign_in(&mut self, person: &str) -> String {
        let mut url = self.begin().await;
        url.query_pairs_mut().append_pair("user", person);
        let back = self.at_microsoft(&url).await;
        self.come_back(&back).await
    }

    /// Microsoft, sign-in and Halo, all right.
    pub async fn connected(&mut self) {
        let form = self.microsoft("/set-up/microsoft").await;
        assert_taken(&self.post("/set-up/microsoft", &form).await, "/set-up/sign-in");
        self.sign_in("carla.contributor@contoso.example").await;
        let form = self.halo("/set-up/halo").await;
        assert_taken(&self.post("/set-up/halo", &form).await, "/set-up/clients");
    }

    pub async fn policy(&self) {
        let store = &self.app.app.store;
        let reading = configuration::read(POLICY, Some(store), false, &ReadOptions::default()).await.unwrap();
        let applied = reading.applied.unwrap_or_else(|| panic!("{:?}", reading.faults));
        configuration::apply(store, &applied, false, self.app.now(), &*self.app.app.ids).await.unwrap();
    }

    pub fn act(&self, verb: &str, body: &Value) {
        let reply = self.twin.act(verb, body);
        assert!(reply.status < 300, "{verb}: {}", String::from_utf8_lossy(&reply.body));
    }
}

pub fn assert_taken(answer: &Answer, to: &str) {
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, to), "{}", shown(&answer.body));
}

/// What a page says, as text.
pub fn shown(body: &str) -> String {
    let html = Html::parse_document(body);
    html.root_element().text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The fields of the step's form with their values.
pub fn drawn(body: &str) -> Vec<(String, String)> {
    let html = Html::parse_document(body);
    let inputs = Selector::parse(".step-body form[action^='/set-up/']:not([action*='/file']):not([action$='/test']) :is(input, textarea, select)").unwrap();
    let chosen = Selector::parse("option[selected]").unwrap();
    let mut fields = Vec::new();
    for input in html.select(&inputs) {
        let attr = |name| input.value().attr(name);
        let Some(name) = attr("name") else { continue };
        if matches!(attr("type"), Some("radio" | "checkbox")) && attr("checked").is_none() {
            continue;
        }
        let value = match input.value().name() {
            "select" => input.select(&chosen).next().and_then(|one| one.value().attr("value")).unwrap_or_default(),
            _ => attr("value").unwrap_or_default(),
        };
        fields.push((name.to_owned(), value.to_owned()));
    }
    fields
}

/// The name of the field that stands in the row of a workspace.
pub fn field_of(body: &str, workspace: &str, kind: &str) -> String {
    let html = Html::parse_document(body);
    let rows = Selector::parse("table.finds tbody tr").unwrap();
    let inputs = Selector::parse("input, select").unwrap();
    let row = html.select(&rows).find(|row| row.text().any(|text| text.trim() == workspace));
    let row = row.unwrap_or_else(|| panic!("no row of {workspace}: {}", shown(body)));
    let names = row.select(&inputs).filter_map(|input| input.value().attr("name"));
    let found = names.into_iter().find(|name| name.starts_with(kind)).map(str::to_owned);
    found.unwrap_or_else(|| panic!("no {kind} in the row of {workspace}"))
}

/// The likeliest name at each workspace that is unsure, as its box says it.
pub fn picks(body: &str) -> Vec<(String, String)> {
    let html = Html::parse_document(body);
    let boxes = Selector::parse("table.finds input[name^='pick-']").unwrap();
    let mut found: Vec<(String, String)> = Vec::new();
    for one in html.select(&boxes) {
        let (name, value) = (one.value().attr("name").unwrap(), one.value().attr("value").unwrap());
        if found.iter().all(|(known, _)| known != name) {
            found.push((name.to_owned(), value.to_owned()));
        }
    }
    found
}

#[tokio::test]
async fn from_nothing_to_workspaces_in_observe() {
    let mut scene = Scene::new(|_| {}).await;
    let list = scene.page("/set-up").await;
    assert!(shown(&list).contains("0 of 8 steps are done"), "{}", shown(&list));

    let form = scene.microsoft("/set-up/microsoft").await;
    assert_taken(&scene.post("/set-up/microsoft", &form).await, "/set-up/sign-in");
    let page = scene.sign_in("carla.contributor@contoso.example").await;
    assert!(shown(&page).contains("carla.contributor@contoso.example"), "{}", shown(&page));
    let form = scene.halo("/set-up/halo").await;
    assert_taken(&scene.post("/set-up/halo", &form).await, "/set-up/clients");

    // what was found: three workspaces with Sentinel, one without
    let page = scene.page("/set-up/clients").await;
    let text = shown(&page);
    for words in ["law-contoso-001", "law-contoso-003", "It has no Microsoft Sentinel", "Unsure", "Contoso Retail"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let (link, client) = (field_of(&page, "law-contoso-002", "link-"), field_of(&page, "law-contoso-002", "client-"));
    let portal = field_of(&page, "law-contoso-002", "portal-");
    let form = Form(drawn(&page));
    let guessed = form.0.iter().find(|(name, _)| *name == client).map(|(_, value)| value.clone());
    assert_eq!(guessed.as_deref(), Some(""), "what is unsure is not filled in");
    let pick = client.replace("client-", "pick-");
    assert!(picks(&page).contains(&(pick.clone(), "Contoso Retail".to_owned())), "{:?}", picks(&page));
    let form = form.with(&[(&portal, "defender")]);
    // ticked by somebody who did not look at whose it is
    let blind = form.clone().with(&[(&link, "on")]);
    refused(&mut scene, "/set-up/clients", &blind, 422, &["Halo client of law-contoso-002 is missing."]).await;
    let two = form.clone().with(&[(&client, "Fabrikam Logistics"), (&pick, "Contoso Retail")]);
    let answer = scene.post("/set-up/clients", &two).await;
    let words = "Fabrikam Logistics and Contoso Retail are chosen at once. Leave one.";
    assert!(shown(&answer.body).contains(words), "{}", shown(&answer.body));
    // one tick at the name links it to that client
    let form = form.with(&[(&pick, "Contoso Retail")]);
    assert_taken(&scene.post("/set-up/clients", &form).await, "/set-up/mapping");

    // it is kept: another browser goes on with it
    let mut other = scene.app.signed_in("ada").await;
    std::mem::swap(&mut scene.browser, &mut other);
    let page = scene.page("/set-up/clients").await;
    assert!(drawn(&page).contains(&(link.clone(), "on".to_owned())), "the draft is kept");
    let text = shown(&page);
    assert!(text.contains("0 linked, 1 chosen, ") && text.contains(" 2 to choose"), "{text}");
    assert!(drawn(&page).contains(&(portal, "defender".to_owned())));

    // nothing is applied before there is a policy
    let page = shown(&scene.page("/set-up/check").await);
    assert!(page.contains("Needs a policy first"), "{page}");
    assert!(scene.app.app.installation().await.unwrap().workspaces.is_empty());
    scene.policy().await;
    let page = scene.page("/set-up/check").await;
    for words in ["+ client \"Contoso Retail\"", "+ workspace \"law-contoso-002\"", "links to the Defender portal"] {
        assert!(shown(&page).contains(words), "{words}: {}", shown(&page));
    }
    let writes = scene.twin.with(|world, _| serde_json::to_string(&world.calls.summary()).unwrap());
    assert_taken(&scene.post("/set-up/check", &Form(drawn(&page))).await, "/set-up/import");
    // what is left is to go live
    assert!(shown(&scene.page("/set-up").await).contains("7 of 8"));
    let installation = scene.app.app.installation().await.unwrap();
    let [workspace] = installation.workspaces.as_slice() else { panic!("{:?}", installation.workspaces) };
    assert_eq!(
        (workspace.mode, workspace.portal, workspace.name.as_str()),
        (Mode::Observe, Portal::Defender, "law-contoso-002")
    );
    assert!(scene.app.engine.taken().iter().any(|asked| asked.starts_with("poll ")), "it is read at once");

    // no call of the whole set-up wrote anything: the only calls that are not reads ask for tokens
    for wrong in [".put", ".post", ".delete", ".patch"] {
        assert!(!writes.contains(wrong), "{writes}");
    }

    // what was typed is what `config export` gives, and applying it again changes nothing
    let store = &scene.app.app.store;
    let exported = configuration::export(store).await.unwrap();
    let file = exported.to_toml();
    for typed in [scene.text("/microsoft/arm"), scene.text("/halo/api"), scene.text("/microsoft/authority")] {
        assert!(file.contains(&typed), "{typed}: {file}");
    }
    assert!(!file.contains(&scene.text("/microsoft/client_secret")), "secrets are sealed");
    let read = configuration::read(&file, Some(store), false, &ReadOptions::default()).await.unwrap();
    let again = configuration::installed(store).await.unwrap();
    let changes = configuration::compare(&read.applied.unwrap(), &again, store, true).await.unwrap();
    assert_eq!(changes, Vec::new());

    // the second workspace: already matched client, nothing typed
    let page = scene.page("/set-up/clients").await;
    assert!(shown(&page).contains("1 linked"), "{}", shown(&page));
    let pick = field_of(&page, "law-contoso-003", "pick-");
    let form = Form(drawn(&page)).with(&[(&pick, "Contoso Retail")]);
    // the mapping is done: it is not gone through again
    assert_taken(&scene.post("/set-up/clients", &form).await, "/set-up/check");
    let page = scene.page("/set-up/check").await;
    assert_taken(&scene.post("/set-up/check", &Form(drawn(&page))).await, "/set-up/import");
    let installation = scene.app.app.installation().await.unwrap();
    assert_eq!((installation.workspaces.len(), installation.clients.len()), (2, 1), "both belong to the one client");
}

#[tokio::test]
async fn values_may_be_pasted_with_their_quotes() {
    let mut scene = Scene::new(|_| {}).await;
    let quoted = |form: Form, names: &[&str], (open, close): (&str, &str)| {
        let quote = |(name, value): (String, String)| {
            let value = if names.contains(&name.as_str()) { format!("{open}{value}{close}") } else { value };
            (name, value)
        };
        Form(form.0.into_iter().map(quote).collect())
    };
    let form = scene.microsoft("/set-up/microsoft").await;
    let form = quoted(form, &["tenant_id", "oauth_client_id", "client_secret"], ("\u{feff}\"", "\"\u{200b}"));
    assert_taken(&scene.post("/set-up/microsoft", &form).await, "/set-up/sign-in");
    scene.sign_in("carla.contributor@contoso.example").await;
    let form = scene.halo("/set-up/halo").await;
    let form = quoted(form, &["resource_server", "oauth_client_id", "client_secret"], ("“\u{2060}", "”"));
    assert_taken(&scene.post("/set-up/halo", &form).await, "/set-up/clients");
    let page = scene.page("/set-up/clients").await;
    let [link, client] = ["link-", "client-"].map(|kind| field_of(&page, "law-contoso-002", kind));
    let form = Form(drawn(&page)).with(&[(&link, "on"), (&client, "\u{200b}“Contoso Retail”")]);
    assert_taken(&scene.post("/set-up/clients", &form).await, "/set-up/mapping");
}

#[tokio::test]
async fn a_name_that_no_list_has_room_for_is_refused() {
    let mut scene = Scene::new(|_| {}).await;
    let form = scene.microsoft("/set-up/microsoft").await.with(&[("name", &"x".repeat(300))]);
    refused(&mut scene, "/set-up/microsoft", &form, 422, &["Name: 300 letters are too many", "Use at most 100."]).await;
    let form = form.with(&[("name", &"x".repeat(100))]);
    assert_taken(&scene.post("/set-up/microsoft", &form).await, "/set-up/sign-in");
}

#[tokio::test]
async fn changing_a_connection_keeps_what_was_not_typed() {
    let mut scene = Scene::new(|_| {}).await;
    scene.connected().await;
    // nothing typed: everything stays, the kept secret is tried again
    let before = configuration::export(&scene.app.app.store).await.unwrap();
    let form = scene.drawn("/set-up/microsoft").await;
    assert!(form.0.iter().all(|(name, value)| name != "client_secret" || value.is_empty()), "no secret comes back");
    assert_taken(&scene.post("/set-up/microsoft", &form).await, "/set-up/clients");
    let form = scene.drawn("/set-up/halo").await;
    assert_taken(&scene.post("/set-up/halo", &form).await, "/set-up/clients");
    let after = configuration::export(&scene.app.app.store).await.unwrap();
    assert_eq!(before.microsoft.first().map(|m| &m.connection), after.microsoft.first().map(|m| &m.connection));
    assert_eq!(before.halo.first().map(|h| &h.connection), after.halo.first().map(|h| &h.connection));
    // the person is still signed in
    assert!(shown(&scene.page("/set-up/sign-in").await).contains("carla.contributor@contoso.example"));

    // a second secret is tried before the first goes: a wrong one changes nothing
    let wrong = scene.drawn("/set-up/microsoft").await.with(&[("client_secret", "not~the~secret")]);
    let answer = scene.post("/set-up/microsoft", &wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!answer.body.contains("not~the~secret"), "a secret is never sent back");
    let kept = scene.drawn("/set-up/microsoft").await;
    assert_taken(&scene.post("/set-up/microsoft", &kept).await, "/set-up/clients");
    scene.act("secret.add", &json!({ "secret": "second~secret" }));
    let new = scene.drawn("/set-up/microsoft").await.with(&[("client_secret", "second~secret")]);
    assert_taken(&scene.post("/set-up/microsoft", &new).await, "/set-up/clients");
}

#[tokio::test]
async fn a_connection_gets_another_name_and_everything_goes_on() {
    let mut scene = Scene::new(|_| {}).await;
    scene.connected().await;
    let before = scene.app.app.installation().await.unwrap();
    for (path, name) in [("/set-up/microsoft", "Contoso by night"), ("/set-up/halo", "The desk")] {
        let form = scene.drawn(path).await.with(&[("name", name)]);
        assert_taken(&scene.post(path, &form).await, "/set-up/clients");
    }
    let after = scene.app.app.installation().await.unwrap();
    let (microsoft, halo) = (&after.microsoft[0], &after.halo[0]);
    assert_eq!((microsoft.name.as_str(), halo.name.as_str()), ("Contoso by night", "The desk"));
    assert_eq!((microsoft.id, halo.id), (before.microsoft[0].id, before.halo[0].id), "they are the same");
    assert_eq!((after.microsoft.len(), after.halo.len()), (1, 1));
    // secrets and sign-in are kept: nothing is typed, and both are tried again
    for path in ["/set-up/microsoft", "/set-up/halo"] {
        let form = scene.drawn(path).await;
        assert_taken(&scene.post(path, &form).await, "/set-up/clients");
    }
    assert!(shown(&scene.page("/set-up/sign-in").await).contains("carla.contributor@contoso.example"));
    // the file has the new name, and applying it again changes nothing
    let store = &scene.app.app.store;
    let file = configuration::export(store).await.unwrap().to_toml();
    assert!(file.contains("name = \"The desk\"") && !file.contains("name = \"Halo\""), "{file}");
    let read = configuration::read(&file, Some(store), false, &ReadOptions::default()).await.unwrap();
    let again = configuration::installed(store).await.unwrap();
    assert_eq!(configuration::compare(&read.applied.unwrap(), &again, store, true).await.unwrap(), Vec::new());
    // a name that is taken is refused, and nothing is lost
    let form = scene.drawn("/set-up/halo").await.with(&[("name", "Contoso by night")]);
    let words = ["Name: there is a connection “Contoso by night” already", "another name"];
    refused(&mut scene, "/set-up/halo", &form, 422, &words).await;
}

#[tokio::test]
async fn a_secret_that_ends_is_counted_down_everywhere() {
    let mut scene = Scene::new(|_| {}).await;
    let form = scene.microsoft("/set-up/microsoft").await;
    refused(
        &mut scene,
        "/set-up/microsoft",
        &form.clone().with(&[("secret_expires", "soon")]),
        422,
        &["End of the secret is \"soon\", which is no day", "Write it like 2027-01-31"],
    )
    .await;
    let form = form.with(&[("secret_expires", "2026-03-09")]);
    assert_taken(&scene.post("/set-up/microsoft", &form).await, "/set-up/sign-in");
    let words = "The client secret ends in 7 days, on 2026-03-09. Make a new one in the app registration";
    for path in ["/", "/set-up", "/set-up/microsoft", "/set-up/sign-in", "/connections", "/problems"] {
        let page = shown(&scene.page(path).await);
        assert!(page.contains(words), "{path}: {page}");
    }
    // and by `doctor`, which says it while there is time, too
    let installation = scene.app.app.installation().await.unwrap();
    for (now, standing, says) in [
        ("2026-01-02T08:00:00Z", Standing::Ok, "in 66 days, on 2026-03-09"),
        ("2026-03-02T08:00:00Z", Standing::Note, words),
        ("2026-03-10T08:00:00Z", Standing::Fault, "The client secret ended on 2026-03-09"),
    ] {
        let found = doctor::endings(&installation, now.parse().unwrap());
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].standing == standing && found[0].says.contains(says), "{now}: {found:?}");
    }
    // the same one, pasted again, ends when it did
    let secret = scene.text("/microsoft/client_secret");
    let form = scene.drawn("/set-up/microsoft").await.with(&[("client_secret", &secret)]);
    assert_taken(&scene.post("/set-up/microsoft", &form).await, "/set-up/sign-in");
    assert!(shown(&scene.page("/problems").await).contains(words));
    // a new one hardly does, and that is not decided without a word; nor does it end before today
    scene.act("secret.add", &json!({ "secret": "second~secret" }));
    let form = scene.drawn("/set-up/microsoft").await.with(&[("client_secret", "second~secret")]);
    let unchanged = ["2026-03-09 is when the secret before ended", "both end on it"];
    refused(&mut scene, "/set-up/microsoft", &form, 422, &unchanged).await;
    let past = form.clone().with(&[("secret_expires", "2026-03-01")]);
    refused(&mut scene, "/set-up/microsoft", &past, 422, &["2026-03-01 is past"]).await;
    let both = form.clone().with(&[("same_end", "on")]);
    assert_taken(&scene.post("/set-up/microsoft", &both).await, "/set-up/sign-in");
    assert!(shown(&scene.page("/problems").await).contains(words));
    scene.act("secret.add", &json!({ "secret": "third~secret" }));
    let form = scene.drawn("/set-up/microsoft").await;
    let form = form.with(&[("client_secret", "third~secret"), ("secret_expires", "")]);
    assert_taken(&scene.post("/set-up/microsoft", &form).await, "/set-up/sign-in");
    assert!(!shown(&scene.page("/problems").await).contains("client secret ends"));
}

/// A certificate of this key that ends then, and the key, both as PEM.
fn proof(key: &RsaPrivateKey, ends: &str) -> (String, String) {
    proof_from(key, "260101000000Z", ends)
}

/// One that begins then.
fn proof_from(key: &RsaPrivateKey, begins: &str, ends: &str) -> (String, String) {
    let element = |tag: u8, inside: &[u8]| {
        let length = inside.len();
        let mut all = vec![tag];
        match u8::try_from(length) {
            Ok(short @ 0..0x80) => all.push(short),
            Ok(byte) => all.extend([0x81, byte]),
            Err(_) => {
                all.push(0x82);
                all.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
        }
        all.extend(inside);
        all
    };
    let time = |text: &str| element(if text.len() == 13 { 0x17 } else { 0x18 }, text.as_bytes());
    let parts = [
        element(0xa0, &element(0x02, &[2])),
        element(0x02, &[1]),
        element(0x30, &[]),
        element(0x30, &element(0x0c, &[b'x'; 300])),
        element(0x30, &[time(begins), time(ends)].concat()),
        element(0x30, &[]),
        key.to_public_key().to_public_key_der().unwrap().as_bytes().to_vec(),
        // as long as one with a key of 2,048 bits and its extensions
        element(0x30, &element(0x04, &[7; 900])),
    ];
    let der = element(0x30, &element(0x30, &parts.concat()));
    let body = STANDARD.encode(der);
    let lines: Vec<&str> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let certificate = format!("-----BEGIN CERTIFICATE-----\r\n{}\r\n-----END CERTIFICATE-----", lines.join("\r\n"));
    (certificate, key.to_pkcs8_pem(LineEnding::CRLF).unwrap().as_str().to_owned())
}

#[tokio::test]
async fn the_app_signs_in_itself_by_secret_or_by_certificate() {
    const PAGE: &str = "/set-up/microsoft";
    let mut scene = Scene::new(|_| {}).await;
    let form = scene.microsoft(PAGE).await.with(&[("identity", "secret")]);
    let answer = scene.post(PAGE, &form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", shown(&answer.body));
    assert!(shown(&scene.page("/set-up/sign-in").await).contains("The app signs in by itself"));

    // a certificate that Microsoft does not know; then the same, uploaded
    scene.twin.with(|world, _| world.set_switch("any_certificate", "off")).unwrap();
    let key = key_of(7);
    let (certificate, private_key) = proof(&key, "260320120000Z");
    let typed = [("identity", "certificate"), ("certificate", &*certificate), ("private_key", &*private_key)];
    let form = scene.drawn(PAGE).await.with(&typed);
    let unknown = ["Microsoft refuses the certificate", "Upload it to the app registration"];
    refused(&mut scene, PAGE, &form, 422, &unknown).await;
    // a key of another pair is told from it before Microsoft is asked
    let (_, other) = proof(&key_of(8), "260320120000Z");
    let strange = form.clone().with(&[("private_key", &other)]);
    refused(&mut scene, PAGE, &strange, 422, &["Private key: ", "does not belong to the certificate"]).await;
    let number = |bytes: Vec<u8>| URL_SAFE_NO_PAD.encode(bytes);
    let (n, e) = (number(key.n().to_bytes_be()), number(key.e().to_bytes_be()));
    scene.act("certificate.add", &json!({ "jwk": { "kty": "RSA", "n": n, "e": e } }));
    // both in one field, as some files hold them
    let both = format!("Bag Attributes\n{private_key}\n{certificate}");
    let form = form.with(&[("certificate", &both), ("private_key", "")]);
    let answer = scene.post(PAGE, &form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", shown(&answer.body));
    let owner = SecretOwner::Connection(scene.app.app.installation().await.unwrap().microsoft[0].id);
    let kept = scene.app.app.store.secret(owner, "certificate").await.unwrap().unwrap();
    assert!(!kept.expose_secret().contains("PRIVATE KEY"), "each is kept for itself");

    // when it ends it says itself, and it is counted down; it is kept when the page is saved without it
    let words = "The certificate ends in 18 days, on 2026-03-20";
    assert!(shown(&scene.page("/connections").await).contains(words));
    let form = scene.drawn(PAGE).await;
    assert_eq!(scene.post(PAGE, &form).await.status, StatusCode::SEE_OTHER);
    assert!(shown(&scene.page("/connections").await).contains(words));
    // a secret that is typed beside it is told, not dropped, and says nothing of when the certificate ends
    let secret = scene.text("/microsoft/client_secret");
    let form = scene.drawn(PAGE).await.with(&[("client_secret", &secret)]);
    let dropped =
        ["Client secret: one was entered, and the app is to prove itself by certificate.", "clear the secret"];
    refused(&mut scene, PAGE, &form, 422, &dropped).await;
    assert!(shown(&scene.page("/connections").await).contains(words));
    let installation = scene.app.app.installation().await.unwrap();
    assert_eq!(installation.microsoft[0].identity, MicrosoftIdentity::Certificate);

    // the next one; one that has ended is refused before anybody is asked
    for (ends, says) in [("260227120000Z", "it ended on 2026-02-27"), ("20260228120000Z", "it ended on 2026-02-28")] {
        let (certificate, private_key) = proof(&key, ends);
        let form = scene.drawn(PAGE).await;
        let form = form.with(&[("certificate", &certificate), ("private_key", &private_key)]);
        refused(&mut scene, PAGE, &form, 422, &["Certificate: ", says, "Make a new one"]).await;
    }
    // and so is one that does not hold yet
    let (early, early_key) = proof_from(&key, "270101000000Z", "280101000000Z");
    let form = scene.drawn(PAGE).await.with(&[("certificate", &early), ("private_key", &early_key)]);
    refused(&mut scene, PAGE, &form, 422, &["Certificate: it holds only from 2027-01-01 on"]).await;
    // what is no certificate is said at its field: the end of a secret has nothing to do with it
    let request = "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----";
    let cut = certificate.get(..certificate.len() / 2).unwrap();
    for wrong in [request, cut, "MIIJqQIBAzCCCW8GCSqGSIb3DQEHAaCC"] {
        let form = scene.drawn(PAGE).await.with(&[("certificate", wrong), ("private_key", &private_key)]);
        let answer = scene.post(PAGE, &form).await;
        let text = shown(&answer.body);
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
        for words in ["Certificate: the file holds no certificate", "openssl pkcs12"] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(!text.contains("is when the secret before ended"), "{text}");
    }
    // its fields stand open on the page, and are shown by who signs in
    let page = Html::parse_document(&scene.page(PAGE).await);
    let open = Selector::parse(".by-certificate > .field > #certificate").unwrap();
    assert_eq!(page.select(&open).count(), 1);
    let (certificate, private_key) = proof(&key, "20560101120000Z");
    let form = scene.drawn(PAGE).await.with(&[("certificate", &certificate), ("private_key", &private_key)]);
    assert_eq!(scene.post(PAGE, &form).await.status, StatusCode::SEE_OTHER);
    assert!(!shown(&scene.page("/connections").await).contains("The certificate ends"));
    let installation = scene.app.app.installation().await.unwrap();
    assert_eq!(installation.microsoft[0].secret_expires.unwrap().to_string(), "2056-01-01");

    // back to a secret: the certificate's end is not the secret's
    let secret = scene.text("/microsoft/client_secret");
    let form = scene.drawn(PAGE).await;
    assert!(form.0.contains(&("secret_expires".to_owned(), String::new())), "{:?}", form.0);
    let form = form.with(&[("identity", "secret"), ("client_secret", &secret)]);
    assert_eq!(scene.post(PAGE, &form).await.status, StatusCode::SEE_OTHER);
    assert_eq!(scene.app.app.installation().await.unwrap().microsoft[0].secret_expires, None);
}

#[tokio::test]
async fn a_person_signs_in_while_the_app_proves_itself_by_certificate() {
    const PAGE: &str = "/set-up/microsoft";
    let mut scene = Scene::new(|_| {}).await;
    scene.twin.with(|world, _| world.set_switch("any_certificate", "off")).unwrap();
    let key = key_of(7);
    let (certificate, private_key) = proof(&key, "260320120000Z");
    let typed = [("certificate", &*certificate), ("private_key", &*private_key), ("client_secret", "")];
    // by the secret it is not: neither is lost without a word
    let form = scene.microsoft(PAGE).await.with(&typed);
    refused(&mut scene, PAGE, &form, 422, &["a certificate was entered", "Choose one that is by certificate"]).await;
    let form = form.with(&[("identity", "delegated-certificate")]);
    let missing = form.clone().with(&[("private_key", "")]);
    refused(&mut scene, PAGE, &missing, 422, &["Private key is missing."]).await;
    refused(&mut scene, PAGE, &form, 422, &["Microsoft refuses the certificate"]).await;
    let number = |bytes: Vec<u8>| URL_SAFE_NO_PAD.encode(bytes);
    let (n, e) = (number(key.n().to_bytes_be()), number(key.e().to_bytes_be()));
    scene.act("certificate.add", &json!({ "jwk": { "kty": "RSA", "n": n, "e": e } }));
    assert_taken(&scene.post(PAGE, &form).await, "/set-up/sign-in");
    let row = scene.app.app.installation().await.unwrap().microsoft[0].clone();
    assert_eq!(row.identity, MicrosoftIdentity::DelegatedCertificate);
    let store = scene.app.app.store.clone();
    let kept = async |name: &str| {
        let secret = store.secret(SecretOwner::Connection(row.id), name).await.unwrap();
        secret.map(|secret| secret.expose_secret().to_owned())
    };
    assert_eq!(kept("client_secret").await, None, "there is nothing else that could prove the app");

    // the code is redeemed, and each reading refreshes the token
    scene.sign_in("carla.contributor@contoso.example").await;
    let mut tokens = vec![kept(REFRESH_TOKEN).await.expect("a refresh token")];
    for _ in 0..2 {
        let page = shown(&scene.page("/set-up/clients?again=1").await);
        assert!(page.contains("law-contoso-001"), "{page}");
        let token = kept(REFRESH_TOKEN).await.expect("a refresh token");
        assert!(!tokens.contains(&token), "it was refreshed");
        tokens.push(token);
    }
    let page = shown(&scene.page("/connections").await);
    assert!(page.contains("a person, delegated; the app by certificate"), "{page}");
    assert!(page.contains("The certificate ends in 18 days, on 2026-03-20"), "{page}");
    // saved again it stays, and as a file it is the same
    let form = scene.drawn(PAGE).await;
    assert_taken(&scene.post(PAGE, &form).await, "/set-up/halo");
    let file = configuration::export(&scene.app.app.store).await.unwrap();
    let entry = &file.microsoft[0];
    assert_eq!(entry.connection.identity, MicrosoftIdentity::DelegatedCertificate);
    assert!(entry.certificate.is_some() && entry.private_key.is_some() && entry.client_secret.is_none());
}

#[tokio::test]
async fn a_kept_proof_that_cannot_be_read_is_told_at_its_own_field() {
    const PAGE: &str = "/set-up/microsoft";
    async fn told(scene: &mut Scene, name: &str, place: &SecretSource, field: &str) -> String {
        let app = scene.app.app.clone();
        let owner = SecretOwner::Connection(app.installation().await.unwrap().microsoft[0].id);
        let mut tx = app.store.begin().await.unwrap();
        let none = secrecy::SecretString::from("");
        tx.put_secret(app.clock.now(), owner, name, &none, place).await.unwrap();
        tx.commit().await.unwrap();
        let form = scene.drawn(PAGE).await;
        let answer = scene.post(PAGE, &form).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}: {}", shown(&answer.body));
        let html = Html::parse_document(&answer.body);
        let problem = Selector::parse(&format!("[id='{field}-problem']")).unwrap();
        let found = html.select(&problem).next();
        found.unwrap_or_else(|| panic!("{field}: {}", shown(&answer.body))).text().collect()
    }
    let mut scene = Scene::new(|_| {}).await;
    scene.connected().await;
    let nowhere = SecretSource::Env("HALOBRIDGE_TEST_IS_SET_NOWHERE".to_owned());
    let says = told(&mut scene, REFRESH_TOKEN, &nowhere, "identity").await;
    assert!(says.contains("Who signs in: The environment variable HALOBRIDGE_TEST_IS_SET_NOWHERE"), "{says}");

    // the app itself, by certificate; then the files are there, and hold no text
    let (certificate, private_key) = proof(&key_of(7), "260320120000Z");
    let typed = [("identity", "certificate"), ("certificate", &*certificate), ("private_key", &*private_key)];
    let form = scene.drawn(PAGE).await.with(&typed);
    let answer = scene.post(PAGE, &form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", shown(&answer.body));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("proof.pem");
    std::fs::write(&path, [0xff_u8, 0xfe, 0xff]).unwrap();
    let file = SecretSource::File(path.display().to_string());
    for (name, label) in [("private_key", "Private key"), ("certificate", "Certificate")] {
        let says = told(&mut scene, name, &file, name).await;
        assert!(says.contains(&format!("{label}: The file {}", path.display())), "{says}");
    }
}

#[tokio::test]
async fn a_kept_secret_of_halo_that_cannot_be_read_is_told_in_one_sentence() {
    const PAGE: &str = "/set-up/halo";
    let mut scene = Scene::new(|_| {}).await;
    scene.connected().await;
    let app = scene.app.app.clone();
    let owner = SecretOwner::Connection(app.installation().await.unwrap().halo[0].id);
    let nowhere = SecretSource::Env("HALOBRIDGE_TEST_IS_SET_NOWHERE".to_owned());
    let mut tx = app.store.begin().await.unwrap();
    let none = secrecy::SecretString::from("");
    tx.put_secret(app.clock.now(), owner, "client_secret", &none, &nowhere).await.unwrap();
    tx.commit().await.unwrap();
    let form = scene.drawn(PAGE).await;
    let answer = scene.post(PAGE, &form).await;
    let says = shown(&answer.body);
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{says}");
    assert!(says.contains("Client secret: The environment variable HALOBRIDGE_TEST_IS_SET_NOWHERE"), "{says}");
    assert!(!says.contains("again.."), "{says}");
}

#[tokio::test]
async fn an_existing_connection_to_a_custom_cloud_is_tried_at_its_resource_manager() {
    let mut scene = Scene::new(|_| {}).await;
    let form = scene.microsoft("/set-up/microsoft").await;
    assert_taken(&scene.post("/set-up/microsoft", &form).await, "/set-up/sign-in");
    // all four addresses stand there now
    let form = scene.drawn("/set-up/microsoft").await;
    for (address, words) in [
        ("https://gone.example", "Azure Resource Manager: Microsoft Sentinel can't be reached (no such host)"),
        ("https://page.example", "Azure Resource Manager: Microsoft Sentinel answered 200 with a web page (HTML)"),
    ] {
        let wrong = form.clone().with(&[("arm", address)]);
        refused(&mut scene, "/set-up/microsoft", &wrong, 422, &[words]).await;
    }
    assert_taken(&scene.post("/set-up/microsoft", &form).await, "/set-up/sign-in");
}

#[tokio::test]
async fn a_second_save_keeps_what_was_chosen_meanwhile() {
    let mut scene = Scene::new(|options| options.tenants = 2).await;
    scene.connected().await;
    scene.policy().await;
    let path = "/set-up/clients";
    let page = scene.page(path).await;
    let field = |name: &str, kind: &str| field_of(&page, name, kind);
    let (one, two) = ("law-contoso-001", "law-contoso-002");
    let first = Form(drawn(&page)).with(&[(&field(one, "link-"), "on"), (&field(one, "client-"), "Contoso Retail")]);
    let second = Form(drawn(&page)).with(&[(&field(two, "link-"), "on"), (&field(two, "client-"), "Contoso Retail")]);
    assert_taken(&scene.post(path, &first).await, "/set-up/check");
    let answer = scene.post(path, &second).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(shown(&answer.body).contains("This step was saved in the meantime."), "{}", shown(&answer.body));
    let merged = Form(drawn(&answer.body));
    for name in [one, two] {
        assert!(merged.0.contains(&(field(name, "link-"), "on".to_owned())), "{name} is ticked");
    }
    // where the two differ, both are told
    let other = Form(drawn(&page)).with(&[(&field(one, "link-"), "on"), (&field(one, "client-"), "Somebody")]);
    let differs = scene.post(path, &other).await;
    let told = format!("{one}: “Contoso Retail” was saved meanwhile. Choose which is right.");
    assert!(shown(&differs.body).contains(&told), "{}", shown(&differs.body));
    assert_taken(&scene.post(path, &merged).await, "/set-up/check");
    let page = shown(&scene.page("/set-up/check").await);
    assert!(page.contains(one) && page.contains(two), "{page}");
}

#[tokio::test]
async fn a_connection_is_called_as_its_tenant_until_somebody_chooses_a_name() {
    let mut scene = Scene::new(|options| options.tenants = 2).await;
    let path = "/set-up/microsoft";
    let right = scene.text("/microsoft/tenant_id");
    let tenants = [0, 1].map(|n| scene.text(&format!("/microsoft/tenants/{n}/tenant_id")));
    let wrong = tenants.into_iter().find(|tenant| *tenant != right).unwrap();
    let form = scene.microsoft(path).await.with(&[("tenant_id", &wrong), ("elsewhere", "on")]);
    assert_taken(&scene.post(path, &form).await, "/set-up/sign-in");
    let first = scene.app.app.installation().await.unwrap().microsoft[0].clone();
    assert_eq!(first.name, wrong);
    // Corrected, it is called as the right one.
    let form = scene.drawn(path).await.with(&[("tenant_id", &right)]);
    assert_taken(&scene.post(path, &form).await, "/set-up/sign-in");
    let corrected = scene.app.app.installation().await.unwrap().microsoft.clone();
    assert_eq!((corrected[0].name.as_str(), corrected[0].id, corrected.len()), (right.as_str(), first.id, 1));
    // A name that somebody chose stays.
    for (tenant, name) in [(&right, "Contoso"), (&wrong, "Contoso")] {
        let form = scene.drawn(path).await.with(&[("tenant_id", tenant), ("name", name), ("elsewhere", "on")]);
        assert_taken(&scene.post(path, &form).await, "/set-up/sign-in");
        let kept = scene.app.app.installation().await.unwrap().microsoft[0].clone();
        assert_eq!((kept.name.as_str(), &kept.tenant_id, kept.id), (name, tenant, first.id));
    }
}

#[tokio::test]
async fn a_draft_says_who_saved_it_and_so_does_the_version_that_it_becomes() {
    let mut scene = Scene::new(|_| {}).await;
    scene.connected().await;
    scene.policy().await;
    let (clients, check) = ("/set-up/clients", "/set-up/check");
    let page = scene.page(clients).await;
    assert!(!shown(&page).contains("Draft saved by"), "nobody has saved one");
    let pick = field_of(&page, "law-contoso-002", "pick-");
    assert_taken(&scene.post(clients, &Form(drawn(&page)).with(&[(&pick, "Contoso Retail")])).await, check);
    // Somebody else goes on with it.
    scene.app.person("grace", Role::Admin, Scope::All).await;
    scene.browser = scene.app.signed_in("grace").await;
    for path in [clients, check] {
        let page = shown(&scene.page(path).await);
        assert!(page.contains("Draft saved by ada at 20"), "{path}: {page}");
    }
    let page = scene.page(check).await;
    assert_taken(&scene.post(check, &Form(drawn(&page))).await, "/set-up/import");
    for path in [clients, check] {
        assert!(!shown(&scene.page(path).await).contains("Draft saved by"), "{path}: it is applied");
    }
    let versions = shown(&scene.page("/configuration").await);
    assert!(versions.contains("grace") && versions.contains("Draft saved by ada at 20"), "{versions}");
}

#[tokio::test]
async fn a_renewed_token_is_no_new_sign_in() {
    let mut scene = Scene::new(|_| {}).await;
    let form = scene.microsoft("/set-up/microsoft").await;
    assert_taken(&scene.post("/set-up/microsoft", &form).await, "/set-up/sign-in");
    scene.sign_in("carla.contributor@contoso.example").await;
    let begun = scene.app.now();
    scene.app.clock.advance(jiff::SignedDuration::from_mins(10));
    let renewed = scene.app.now();
    let connection = scene.app.app.installation().await.unwrap().microsoft[0].id;
    let (owner, token) = (SecretOwner::Connection(connection), secrecy::SecretString::from("renewed"));
    let mut tx = scene.app.app.store.begin().await.unwrap();
    tx.put_secret(renewed, owner, REFRESH_TOKEN, &token, &SecretSource::Sealed).await.unwrap();
    tx.commit().await.unwrap();
    scene.app.clock.advance(jiff::SignedDuration::from_mins(10));
    for path in ["/connections", "/set-up/sign-in"] {
        let page = scene.page(path).await;
        let told = |at: jiff::Timestamp| page.contains(&format!("data-at=\"{}\"", at.as_millisecond()));
        assert!(told(begun) && !told(renewed), "{path}: {}", shown(&page));
    }
}

#[tokio::test]
async fn the_three_permissions_are_told_as_microsoft_answered() {
    const AZURE: &str = "Consented Azure Service Management: user_impersonation";
    const OFFLINE: &str = "Consented Microsoft Graph: offline_access";
    const LOGS: &str = "Log Analytics API: Data.Read";
    let mut scene = Scene::new(|_| {}).await;
    let form = scene.microsoft("/set-up/microsoft").await;
    assert_taken(&scene.post("/set-up/microsoft", &form).await, "/set-up/sign-in");
    let before = shown(&scene.page("/set-up/sign-in").await);
    assert!(!before.contains("Consented") && !before.contains(LOGS), "nobody has signed in: {before}");
    let (missing, given) = (format!("Missing {LOGS}"), format!("Consented {LOGS}"));
    let switch = |scene: &Scene, value: &str| {
        scene.twin.with(|world, _| world.set_switch("log_analytics_missing", value)).unwrap();
    };
    switch(&scene, "on");
    scene.sign_in("carla.contributor@contoso.example").await;
    for path in ["/set-up/sign-in", "/connections"] {
        let page = shown(&scene.page(path).await);
        for words in
            [AZURE, OFFLINE, missing.as_str(), "The tenant does not know this service.", "the logs cannot be queried"]
        {
            assert!(page.contains(words), "{path}, {words}: {page}");
        }
        assert!(page.contains("have an administrator of the tenant open the consent link"), "{path}: {page}");
    }
    // a refusal that says nothing of consent is no refusal of the permission
    scene.twin.with(|world, _| world.microsoft.entra.scripted.extend([90_033; 9]));
    let id = scene.app.app.installation().await.unwrap().microsoft[0].id;
    let test = format!("/connections/{id}/test");
    assert_taken(&scene.post(&test, &Form(Vec::new())).await, "/connections");
    scene.twin.with(|world, _| world.microsoft.entra.scripted.clear());
    let page = shown(&scene.page("/connections").await);
    assert!(page.contains(&format!("Not known {LOGS}")), "{page}");
    // consent is given elsewhere: nobody has to sign in again for it
    switch(&scene, "off");
    assert_taken(&scene.post(&test, &Form(Vec::new())).await, "/connections");
    let page = shown(&scene.page("/connections").await);
    assert!(page.contains(&given) && !page.contains("Missing"), "{page}");
}

#[tokio::test]
async fn a_connection_without_workspaces_is_tested_from_its_page() {
    let mut scene = Scene::new(|_| {}).await;
    let form = scene.microsoft("/set-up/microsoft").await;
    assert_taken(&scene.post("/set-up/microsoft", &form).await, "/set-up/sign-in");
    let id = scene.app.app.installation().await.unwrap().microsoft[0].id;
    let test = format!("/connections/{id}/test");
    assert!(scene.page("/connections").await.contains(&format!("action=\"{test}\"")), "there is a button");
    let says = async |scene: &mut Scene| {
        assert_taken(&scene.post(&test, &Form(Vec::new())).await, "/connections");
        shown(&scene.page("/connections").await)
    };
    let page = says(&mut scene).await;
    assert!(page.contains("Nobody has signed in with Microsoft for this connection."), "{page}");
    scene.sign_in("carla.contributor@contoso.example").await;
    let page = says(&mut scene).await;
    for words in ["Microsoft was asked what it reaches", "It reaches ", "No workspace that it reaches is linked yet."] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("Nobody has signed in with Microsoft"), "the last test counts: {page}");
}

#[tokio::test]
async fn an_administrator_without_an_account_consents_by_the_link() {
    let mut scene = Scene::new(|_| {}).await;
    let form = scene.microsoft("/set-up/microsoft").await;
    assert_taken(&scene.post("/set-up/microsoft", &form).await, "/set-up/sign-in");
    let page = scene.page("/set-up/sign-in").await;
    let html = Html::parse_document(&page);
    let link = html.select(&Selector::parse("input[id^=consent-]").unwrap()).next().expect("a consent link");
    let url = Url::parse(link.value().attr("value").unwrap()).unwrap();
    for (more, words) in [("", "Consent was given"), ("&cancel=1", "Consent was not given")] {
        let back = scene.at_microsoft(&Url::parse(&format!("{url}{more}")).unwrap()).await;
        let path = format!("{}?{}", back.path(), back.query().unwrap_or_default());
        let answer = scene.app.page(&mut Browser::default(), &path).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert!(shown(&answer.body).contains(words), "{}", shown(&answer.body));
    }
}

/// Posts what is wrong, and looks for the status and every one of the words.
pub async fn refused(scene: &mut Scene, path: &str, form: &Form, status: u16, words: &[&str]) {
    let answer = scene.post(path, form).await;
    let text = shown(&answer.body);
    assert_eq!(answer.status.as_u16(), status, "{words:?}: {} {text}", answer.location());
    for word in words {
        assert!(text.contains(word), "“{word}” is not in: {text}");
    }
    assert!(answer.body.contains("class=\"summary\""), "{words:?}: the summary");
    // nothing typed is lost, but secrets
    for (name, value) in &form.0 {
        let secret = ["client_secret", "certificate", "private_key"].contains(&name.as_str());
        if !value.is_empty() && !secret && name != "seen" && name != "connection" {
            let kept = drawn(&answer.body);
            assert!(kept.contains(&(name.clone(), value.clone())), "{words:?}: {name} = {value} is lost: {kept:?}");
        } else if secret && value.len() > 3 {
            assert!(!answer.body.contains(value.as_str()), "{name} came back");
        }
    }
}

#[tokio::test]
async fn a_workspace_that_is_joined_to_defender_says_so() {
    let mut scene = Scene::new(|_| {}).await;
    scene.twin.with(|world, _| world.set_switch("defender", "true")).unwrap();
    scene.twin.with(|world, _| world.set_switch("defender_delay_s", "0")).unwrap();
    let raised = json!({ "workspace": "law-contoso-001", "title": "Shown there, too", "severity": "High" });
    scene.act("incident.create", &raised);
    let form = scene.microsoft("/set-up/microsoft").await;
    assert_taken(&scene.post("/set-up/microsoft", &form).await, "/set-up/sign-in");
    scene.sign_in("carla.contributor@contoso.example").await;
    let form = scene.halo("/set-up/halo").await;
    assert_taken(&scene.post("/set-up/halo", &form).await, "/set-up/clients");
    let page = scene.page("/set-up/clients").await;
    let rows = Selector::parse("tbody tr").unwrap();
    let html = Html::parse_document(&page);
    for (workspace, joined, portal) in [("law-contoso-001", true, "defender"), ("law-contoso-002", false, "azure")] {
        let texts: Vec<String> = html.select(&rows).map(|row| row.text().collect()).collect();
        let row = texts.iter().find(|row| row.contains(workspace)).expect("its row");
        assert_eq!(row.contains("Joined to Microsoft Defender"), joined, "{row}");
        // its links lead there, unless somebody says otherwise
        let field = field_of(&page, workspace, "portal-");
        assert!(drawn(&page).contains(&(field, portal.to_owned())), "{workspace}: {portal}");
    }
}

#[tokio::test]
async fn a_linked_workspace_is_given_to_another_client_on_its_page() {
    let mut scene = Scene::new(|_| {}).await;
    scene.connected().await;
    scene.policy().await;
    let (path, check) = ("/set-up/clients", "/set-up/check");
    let page = scene.page(path).await;
    let [link, client, portal] = ["link-", "client-", "portal-"].map(|kind| field_of(&page, "law-contoso-002", kind));
    let form = Form(drawn(&page)).with(&[(&link, "on"), (&client, "Contoso Retail"), (&portal, "defender")]);
    assert_taken(&scene.post(path, &form).await, check);
    let form = scene.drawn(check).await;
    assert_taken(&scene.post(check, &form).await, "/set-up/import");
    let there = async |scene: &Scene| {
        let installation = scene.app.app.installation().await.unwrap();
        let [workspace] = installation.workspaces.as_slice() else { panic!("{:?}", installation.workspaces) };
        let client = installation.clients.iter().find(|client| client.id == workspace.client).unwrap();
        (workspace.clone(), client.name.clone())
    };
    let (before, first) = there(&scene).await;
    assert_eq!(first, "Contoso Retail");

    // Nothing is ticked, so saving the page as it stands changes nothing.
    let page = scene.page(path).await;
    assert!(shown(&page).contains("Another client"), "{}", shown(&page));
    let form = Form(drawn(&page));
    assert!(form.0.iter().all(|(name, _)| *name != link));
    let nobody = form.clone().with(&[(&link, "on"), (&client, "Nobody")]);
    assert_eq!(scene.post(path, &nobody).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let moved = form.with(&[(&link, "on"), (&client, "Fabrikam Logistics")]);
    assert_taken(&scene.post(path, &moved).await, check);
    let page = scene.page(check).await;
    assert!(shown(&page).contains("Fabrikam Logistics"), "{}", shown(&page));
    assert_taken(&scene.post(check, &Form(drawn(&page))).await, "/set-up/import");
    let (after, second) = there(&scene).await;
    assert_eq!(second, "Fabrikam Logistics");
    assert_eq!((after.id, after.name, after.mode), (before.id, before.name, Mode::Observe));
    assert_eq!((after.portal, after.poll_secs), (Portal::Defender, before.poll_secs), "what else was set stays");

    // where its links lead is changed without giving it to anybody else
    let page = scene.page(path).await;
    assert_taken(&scene.post(path, &Form(drawn(&page)).with(&[(&portal, "azure")])).await, check);
    let page = scene.page(check).await;
    assert!(shown(&page).contains("links to the Azure portal"), "{}", shown(&page));
    assert_taken(&scene.post(check, &Form(drawn(&page))).await, "/set-up/import");
    let (moved, client) = there(&scene).await;
    assert_eq!((moved.portal, moved.client, client), (Portal::Azure, after.client, second));
    assert_eq!((moved.mode, moved.policy), (after.mode, after.policy));
}

#[tokio::test]
async fn the_page_of_clients_says_what_comes_first() {
    let path = "/set-up/clients";
    let mut scene = Scene::new(|_| {}).await;
    let text = shown(&scene.page(path).await);
    assert!(text.contains("No Microsoft connection is set up yet") && !text.contains("Give it a role"), "{text}");
    let form = scene.microsoft("/set-up/microsoft").await;
    assert_taken(&scene.post("/set-up/microsoft", &form).await, "/set-up/sign-in");
    let text = shown(&scene.page(path).await);
    assert!(text.contains("Nobody has signed in with Microsoft yet") && !text.contains("Give it a role"), "{text}");
    // what Halo has to allow, and how its product is told, is said before anything is typed
    let text = shown(&scene.page("/set-up/halo").await);
    for words in ["at least read:tickets and edit:tickets", "“.halopsa.” in it, else HaloITSM"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    scene.sign_in("carla.contributor@contoso.example").await;
    let text = shown(&scene.page(path).await);
    assert!(text.contains("Halo is not set up yet") && !text.contains("No match"), "{text}");
}

#[tokio::test]
async fn a_listing_goes_on_while_nobody_waits_for_it() {
    let mut scene = Scene::new(|_| {}).await;
    scene.connected().await;
    scene.door.send_replace(false);
    // who does not wait for the end sees what is there by now
    let app = scene.app.app.clone();
    let some = async {
        loop {
            let found = discovery::reached_within(&app, false, Duration::ZERO).await.unwrap();
            assert!(!found.whole);
            if found.workspaces.len() == 2 && !found.clients.is_empty() {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), some).await.expect("two workspaces are shown");
    let again = discovery::reached_within(&app, true, Duration::ZERO).await.unwrap();
    assert_eq!((again.whole, again.workspaces.len()), (false, 2), "what is being read is not begun once more");
    scene.door.send_replace(true);
    let found = discovery::reached(&app, false).await.unwrap();
    assert!(found.whole);
    let names: Vec<&str> = found.workspaces.iter().map(|one| one.address.workspace.as_str()).collect();
    assert_eq!(names, ["law-contoso-001", "law-contoso-002", "law-contoso-003", "law-plain"]);
}

#[tokio::test]
async fn of_two_names_that_are_picked_for_a_workspace_the_page_chooses_none() {
    let path = "/set-up/clients";
    let mut scene = Scene::new(|_| {}).await;
    scene.connected().await;
    let page = scene.page(path).await;
    let client = field_of(&page, "law-contoso-002", "client-");
    let pick = client.replace("client-", "pick-");
    let (likely, other) = ("Contoso Retail", "Fabrikam Logistics");
    assert!(picks(&page).contains(&(pick.clone(), likely.to_owned())), "{:?}", picks(&page));
    let mut two = Form(drawn(&page));
    two.0.retain(|(name, _)| *name != pick);
    two.0.extend([other, likely].map(|name| (pick.clone(), name.to_owned())));
    let picked = |body: &str| drawn(body).into_iter().any(|(name, _)| name == pick);

    let answer = scene.post(path, &two).await;
    let text = shown(&answer.body);
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
    assert!(text.contains(&format!("{other} and {likely} are chosen at once. Leave one.")), "{text}");
    assert!(!picked(&answer.body), "nobody has left one yet");
    // saved again as it stands it links nothing
    let blind = Form(drawn(&answer.body));
    refused(&mut scene, path, &blind, 422, &["Workspaces: choose at least one"]).await;
    // nor does a page that only shows other rows
    for act in ["find", "tick"] {
        let answer = scene.post(path, &two.clone().with(&[("do", act)])).await;
        assert_eq!(answer.status, StatusCode::OK, "{act}: {}", shown(&answer.body));
        assert!(!picked(&answer.body), "{act}");
    }
    // beside a name that was typed it is told until one is left, too
    let mut form = two.with(&[(&client, other)]);
    for _ in 0..2 {
        let answer = scene.post(path, &form).await;
        let text = shown(&answer.body);
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
        assert!(text.contains(&format!("{other} and {likely} are chosen at once. Leave one.")), "{text}");
        form = Form(drawn(&answer.body));
    }
    // one alone stays ticked, and is linked
    let one = Form(drawn(&page)).with(&[(&pick, likely)]);
    let found = scene.post(path, &one.clone().with(&[("do", "find")])).await;
    assert!(drawn(&found.body).contains(&(pick.clone(), likely.to_owned())), "{:?}", drawn(&found.body));
    assert_taken(&scene.post(path, &one).await, "/set-up/mapping");
}

#[tokio::test]
async fn all_that_are_sure_are_ticked_in_one_click() {
    let path = "/set-up/clients";
    let mut scene = Scene::new(|options| options.workspaces = 12).await;
    // named after a client
    scene.twin.with(|world, _| world.microsoft.subscriptions[0].name = "Contoso Retail".to_owned());
    scene.connected().await;
    let page = scene.page(path).await;
    let link: Vec<String> = (1..=12).map(|n| field_of(&page, &format!("law-contoso-{n:03}"), "link-")).collect();
    let ticked = |body: &str| -> Vec<String> {
        drawn(body).into_iter().map(|(name, _)| name).filter(|name| name.starts_with("link-")).collect()
    };
    assert_eq!(ticked(&page), link, "nobody has gone through it yet: what is sure is suggested");
    let none = scene.post(path, &Form(drawn(&page)).with(&[("do", "untick")])).await.body;
    assert_eq!(ticked(&none), Vec::<String>::new());
    let sure = scene.post(path, &Form(drawn(&none)).with(&[("do", "tick")])).await.body;
    assert_eq!(ticked(&sure), link);
    // nothing of it was kept
    assert!(shown(&scene.page(path).await).contains("0 linked, 12 matched by name"));
}

#[tokio::test]
async fn two_hundred_workspaces_are_listed_and_linked_in_one_go() {
    let mut scene = Scene::new(|options| options.workspaces = 200).await;
    scene.connected().await;
    scene.policy().await;
    let page = scene.page("/set-up/clients").await;
    assert!(shown(&page).contains("201 workspaces found"), "{}", shown(&page).chars().take(400).collect::<String>());
    let mut form = Form(drawn(&page));
    let links: Vec<String> = {
        let html = Html::parse_document(&page);
        let boxes = Selector::parse("table.finds input[name^='link-']").unwrap();
        html.select(&boxes).filter_map(|one| one.value().attr("name")).map(str::to_owned).collect()
    };
    assert_eq!(links.len(), 200);
    for link in &links {
        form = form.with(&[(link, "on")]);
    }
    // what is unsure is one click each
    for (pick, name) in picks(&page) {
        form = form.with(&[(&pick, &name)]);
    }
    // a search shows fewer, and nothing that was ticked elsewhere is lost
    let find = form.clone().with(&[("do", "find"), ("q", "law-contoso-00")]);
    let found = scene.post("/set-up/clients", &find).await;
    assert_eq!(found.status, StatusCode::OK, "{}", shown(&found.body));
    assert!(found.body.contains("<b>law-contoso-001") && !found.body.contains("<b>law-contoso-101"));
    let ticked = |body: &str| drawn(body).iter().filter(|(name, _)| name.starts_with("link-")).count();
    assert_eq!(ticked(&found.body), 200);
    let none = form.clone().with(&[("do", "untick")]);
    assert_eq!(ticked(&scene.post("/set-up/clients", &none).await.body), 0);
    let sure = Form(drawn(&page)).with(&[("do", "tick")]);
    assert_eq!(ticked(&scene.post("/set-up/clients", &sure).await.body), 0, "what is unsure is not among them");
    // the same as a file: what is downloaded is what comes back, and it is only shown
    let file = scene.get("/set-up/clients.csv").await.body.replace("\"no\"", "\"yes\"");
    assert_eq!(file.lines().count(), 202);
    assert!(file.contains("\"client\",\"suggested_client\""), "{}", file.lines().next().unwrap_or_default());
    // what is unsure stands in a column of its own, until a person moves it
    let chosen = |line: &str| {
        let mut cells: Vec<&str> = line.split(',').collect();
        if cells[4] == "\"\"" {
            cells.swap(4, 5);
        }
        cells.join(",") + "\n"
    };
    assert!(file.lines().skip(1).any(|line| line.split(',').nth(4) == Some("\"\"")));
    let file: String = file.lines().map(chosen).collect();
    let shown_first = scene.post("/set-up/clients/file", &Form(vec![("file".into(), file.clone())])).await;
    // the one without Sentinel cannot be linked, and says so
    assert_eq!(shown_first.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(shown(&shown_first.body).contains("law-plain cannot be linked"), "{}", shown(&shown_first.body));
    let without: String = file.lines().filter(|line| !line.contains("law-plain")).map(|l| format!("{l}\n")).collect();
    let previewed = scene.post("/set-up/clients/file", &Form(vec![("file".into(), without)])).await;
    assert_eq!(previewed.status, StatusCode::OK, "{}", shown(&previewed.body));
    let ticked = drawn(&previewed.body).into_iter().filter(|(name, _)| name.starts_with("link-")).count();
    assert_eq!(ticked, 200, "the preview has ticked them");
    let told = "200 lines were read of the file. Nothing is saved yet";
    assert!(shown(&previewed.body).contains(told), "{}", shown(&previewed.body).chars().take(600).collect::<String>());
    let kept = drawn(&scene.page("/set-up/clients").await);
    assert!(kept.iter().all(|(name, _)| !name.starts_with("link-")), "and kept nothing");
    assert_taken(&scene.post("/set-up/clients", &form).await, "/set-up/check");
    let page = scene.page("/set-up/check").await;
    assert_taken(&scene.post("/set-up/check", &Form(drawn(&page))).await, "/set-up/import");
    assert_eq!(scene.app.app.installation().await.unwrap().workspaces.len(), 200);
}

#[tokio::test]
async fn a_page_that_waits_too_long_for_the_outside_says_so() {
    let mut scene = Scene::new(|_| {}).await;
    scene.connected().await;
    scene.door.send_replace(false);
    let mut options = WebOptions::at("http://127.0.0.1:8080".parse().unwrap());
    options.page_within = Duration::from_secs(1);
    scene.app.router = web::router(scene.app.app.clone(), options);
    let answer = scene.get("/set-up/clients").await;
    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT, "{}", shown(&answer.body));
    let text = shown(&answer.body);
    for words in ["This took too long", "Microsoft or Halo had not answered after 1 seconds.", "Open the page again"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    // it is no matter of the disk, and who is signed in stays so
    assert!(!text.contains("disk") && !text.contains("To sign-in") && text.contains("ada"), "{text}");
    scene.door.send_replace(true);
    let found = discovery::reached(&scene.app.app, false).await.unwrap();
    assert!(found.whole, "what was read goes on meanwhile");
    assert!(shown(&scene.page("/set-up/clients").await).contains("4 workspaces found"));
}
