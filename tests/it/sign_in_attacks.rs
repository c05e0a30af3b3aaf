//! Attacks on the sign-in with Microsoft, through the whole console against an OpenID server of this test that lies when it
//! is told to. Each must end without a token kept, with words that say what happened. And a server that is slow.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use halobridge::{
    domain::{
        account::{Role, Scope},
        ids::ConnectionId,
    },
    outbound::{BoxFuture, Transport, TransportError},
    service::configuration,
    store::{SecretOwner, SecretSource},
    web::{self, WebOptions},
};
use http::{Request, Response, StatusCode};
use jiff::SignedDuration;
use rsa::{
    RsaPrivateKey,
    pkcs1v15::SigningKey,
    signature::{SignatureEncoding, Signer},
    traits::PublicKeyParts,
};
use scraper::{Html, Selector};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use url::Url;

use crate::{
    adapters_entra::key_of,
    set_up::shown,
    support::{Browser, TestApp},
};

const TENANT: &str = "7c0ffee0-0000-4000-8000-000000000001";
const OTHER_TENANT: &str = "7c0ffee0-0000-4000-8000-000000000099";
const APP: &str = "11111111-1111-4111-8111-111111111111";
const AUTHORITY: &str = "https://login.microsoftonline.com";

/// The server's own key, and one that it never had.
fn keys() -> &'static [RsaPrivateKey; 2] {
    static KEYS: OnceLock<[RsaPrivateKey; 2]> = OnceLock::new();
    KEYS.get_or_init(|| [key_of(99), key_of(100)])
}

/// How an id token is signed.
#[derive(Clone, Copy)]
enum Signed {
    Own,
    OtherKey,
    Not,
    /// With the public key, as if it were a shared secret.
    PublicKeyAsSecret,
}

/// Everything the server says; an attack changes some of it.
struct Says {
    metadata: Value,
    header: Value,
    claims: Value,
    /// Claims in the place of the signed ones, after signing.
    altered: Option<Value>,
    signed: Signed,
    /// The answer of the token endpoint, but for the id token.
    answer: Value,
    /// Whether there is an id token in it.
    id_token: bool,
    /// Where the token endpoint sends the caller instead.
    elsewhere: Option<&'static str>,
    /// The kind of grant whose answer is held back.
    held: Option<&'static str>,
}

type Lie = fn(&mut Says);

/// A code that was given out.
struct Code {
    challenge: String,
    nonce: String,
    redirect_uri: String,
    used: bool,
}

#[derive(Default)]
struct Inside {
    codes: BTreeMap<String, Code>,
    /// Every address that was called.
    called: Vec<String>,
    /// Everything that was sent to a token endpoint.
    sent: Vec<BTreeMap<String, String>>,
}

/// An OpenID server with a tongue that may be split.
struct Server {
    lie: Lie,
    inside: Mutex<Inside>,
    /// Lets one answer go that is held back.
    go: Notify,
}

impl Server {
    fn says(&self, nonce: &str) -> Says {
        let now = 1_772_438_400; // where the console's clock stands
        let mut says = Says {
            metadata: json!({
                "issuer": format!("{AUTHORITY}/{TENANT}/v2.0"),
                "jwks_uri": format!("{AUTHORITY}/{TENANT}/discovery/v2.0/keys"),
            }),
            header: json!({ "alg": "RS256", "typ": "JWT", "kid": "k1" }),
            claims: json!({
                "aud": APP, "iss": format!("{AUTHORITY}/{TENANT}/v2.0"), "tid": TENANT, "oid": "person-1",
                "preferred_username": "ana@contoso.example", "nonce": nonce, "iat": now, "nbf": now, "exp": now + 3_600,
            }),
            altered: None,
            signed: Signed::Own,
            answer: json!({ "access_token": "at-1", "expires_in": 3_600, "refresh_token": "rt-1" }),
            id_token: true,
            elsewhere: None,
            held: None,
        };
        (self.lie)(&mut says);
        says
    }

    /// What the browser does at the server: it is sent back with a code.
    fn sign_in(&self, asked: &Url) -> (String, String) {
        let query: BTreeMap<String, String> = asked.query_pairs().into_owned().collect();
        let mut inside = self.inside.lock().unwrap();
        let name = format!("code-{}", inside.codes.len());
        let code = Code {
            challenge: query["code_challenge"].clone(),
            nonce: query["nonce"].clone(),
            redirect_uri: query["redirect_uri"].clone(),
            used: false,
        };
        inside.codes.insert(name.clone(), code);
        (name, query["state"].clone())
    }

    fn token(&self, form: BTreeMap<String, String>) -> (u16, Value, Option<&'static str>) {
        let refused = |code: i64| (400, json!({ "error": "invalid_grant", "error_codes": [code] }), None);
        // whoever is signed in asks for the logs, too, which this server does not have
        if form["grant_type"] == "refresh_token" {
            return refused(65_001);
        }
        let mut inside = self.inside.lock().unwrap();
        inside.sent.push(form.clone());
        let Some(code) = inside.codes.get_mut(&form["code"]) else { return refused(9_002_313) };
        if code.used {
            return refused(54_005);
        }
        let verifier = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
        if verifier != code.challenge || form["redirect_uri"] != code.redirect_uri {
            return refused(501_481);
        }
        code.used = true;
        let says = self.says(&code.nonce);
        let mut answer = says.answer.clone();
        if says.id_token {
            answer["id_token"] = json!(signed(&says));
        }
        match says.elsewhere {
            Some(there) => (307, Value::Null, Some(there)),
            None => (200, answer, None),
        }
    }
}

fn signed(says: &Says) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&says.header), part(&says.claims));
    let by = |key: &RsaPrivateKey| {
        let signature = SigningKey::<rsa::sha2::Sha256>::new(key.clone()).sign(text.as_bytes());
        URL_SAFE_NO_PAD.encode(signature.to_vec())
    };
    let [own, other] = keys();
    let signature = match says.signed {
        Signed::Own => by(own),
        Signed::OtherKey => by(other),
        Signed::Not => String::new(),
        Signed::PublicKeyAsSecret => {
            use hmac::{KeyInit as _, Mac as _};
            let mut mac = hmac::Hmac::<Sha256>::new_from_slice(&own.n().to_bytes_be()).unwrap();
            mac.update(text.as_bytes());
            URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
        }
    };
    let body = says.altered.as_ref().unwrap_or(&says.claims);
    format!("{}.{}.{signature}", part(&says.header), part(body))
}

impl Transport for Server {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        let uri = request.uri().to_string();
        self.inside.lock().unwrap().called.push(uri.clone());
        let says = || self.says("");
        let mut held = false;
        let (status, body, location) = match request.uri().path() {
            path if path.ends_with("/openid-configuration") => (200, says().metadata, None),
            path if path.ends_with("/keys") => {
                let [own, _] = keys();
                let number = |n: &rsa::BigUint| URL_SAFE_NO_PAD.encode(n.to_bytes_be());
                let key =
                    json!({ "kty": "RSA", "use": "sig", "kid": "k1", "n": number(own.n()), "e": number(own.e()) });
                (200, json!({ "keys": [key] }), None)
            }
            path if path.ends_with("/token") => {
                let form: BTreeMap<String, String> = url::form_urlencoded::parse(request.body()).into_owned().collect();
                held = says().held == Some(form["grant_type"].as_str());
                self.token(form)
            }
            _ => (404, Value::Null, None),
        };
        let mut answer = Response::builder().status(status).header("content-type", "application/json");
        if let Some(there) = location {
            answer = answer.header("location", there);
        }
        let answer = answer.body(Bytes::from(body.to_string())).unwrap();
        Box::pin(async move {
            if held {
                self.go.notified().await;
            }
            Ok(answer)
        })
    }
}

/// A console with one connection that wants a person's sign-in, and an admin at its browser.
struct Scene {
    test: TestApp,
    server: Arc<Server>,
    browser: Browser,
    connection: ConnectionId,
}

impl Scene {
    async fn new(lie: Lie) -> Self {
        let server = Arc::new(Server { lie, inside: Mutex::default(), go: Notify::new() });
        let test = TestApp::reaching(server.clone()).await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), "s3cret").unwrap();
        let file = format!(
            "[[microsoft]]\nname = \"Contoso\"\ntenant_id = \"{TENANT}\"\noauth_client_id = \"{APP}\"\nidentity = \"delegated\"\n\
             client_secret = {{ file = \"secret\" }}\n"
        );
        let options = configuration::ReadOptions { folder: folder.path().to_path_buf(), offline: false };
        let store = &test.app.store;
        let reading = configuration::read(&file, Some(store), false, &options).await.unwrap();
        let applied = reading.applied.unwrap_or_else(|| panic!("{:#?}", reading.faults));
        configuration::apply(store, &applied, false, test.now(), &*test.app.ids).await.unwrap();
        let connection = store.installation().await.unwrap().microsoft[0].id;
        let mut tx = store.begin().await.unwrap();
        let (owner, secret) = (SecretOwner::Connection(connection), SecretString::from("s3cret"));
        tx.put_secret(test.now(), owner, "client_secret", &secret, &SecretSource::Sealed).await.unwrap();
        tx.commit().await.unwrap();
        test.person("ada", Role::Admin, Scope::All).await;
        let browser = test.signed_in("ada").await;
        Self { test, server, browser, connection }
    }

    /// Presses the button in this browser; gives the server's address.
    async fn begin_in(&self, browser: &mut Browser) -> Url {
        let path = format!("/connections/{}/sign-in", self.connection);
        let answer = self.test.submit(browser, &path, &[]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        Url::parse(answer.location()).unwrap()
    }

    async fn begin(&mut self) -> Url {
        let mut browser = self.browser.clone();
        let url = self.begin_in(&mut browser).await;
        self.browser = browser;
        url
    }

    /// Comes back with this query; gives what the page then says.
    async fn back_in(&self, browser: &mut Browser, query: &[(&str, &str)]) -> String {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let answer = self.test.page(browser, &format!("/connections/callback?{query}")).await;
        if answer.status == StatusCode::OK {
            return shown(&answer.body);
        }
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        let to = answer.location().to_owned();
        assert!(to.starts_with('/') && !to.starts_with("//"), "it stays here: {to}");
        assert!(!to.contains("code-"), "no code travels on: {to}");
        shown(&self.test.page(browser, &to).await.body)
    }

    async fn back(&mut self, query: &[(&str, &str)]) -> String {
        let mut browser = self.browser.clone();
        let page = self.back_in(&mut browser, query).await;
        self.browser = browser;
        page
    }

    /// The whole way, as a person goes it.
    async fn sign_in(&mut self) -> String {
        let url = self.begin().await;
        let (code, state) = self.server.sign_in(&url);
        self.back(&[("code", &code), ("state", &state)]).await
    }

    async fn token(&self) -> Option<String> {
        let kept = self.test.app.store.secret(SecretOwner::Connection(self.connection), "refresh_token").await;
        kept.unwrap().map(|token| token.expose_secret().to_owned())
    }

    /// Nothing came of it: no token, nobody signed in, and these words were said.
    async fn refused(&mut self, page: &str, words: &str) {
        assert!(page.contains(words), "“{words}” is not in: {page}");
        assert_eq!(self.token().await, None, "nothing is kept");
        let page = self.test.page(&mut self.browser, "/set-up/sign-in").await.body;
        assert!(shown(&page).contains("Nobody has signed in yet"), "{}", shown(&page));
    }

    /// Addresses that were called which end so.
    fn calls(&self, end: &str) -> usize {
        self.server.inside.lock().unwrap().called.iter().filter(|one| one.ends_with(end)).count()
    }
}

/// A lie of the server, told to a person who goes the whole way.
async fn lied(lie: Lie, words: &str) -> Scene {
    let mut scene = Scene::new(lie).await;
    let page = scene.sign_in().await;
    scene.refused(&page, words).await;
    scene
}

#[tokio::test]
async fn an_honest_server_is_believed() {
    let mut scene = Scene::new(|_| {}).await;
    let page = scene.sign_in().await;
    assert!(page.contains("Signed in with Microsoft"), "{page}");
    assert_eq!(scene.token().await.as_deref(), Some("rt-1"));
    // one that names itself in its answers, as RFC 9207 has it, is believed too
    let mut scene =
        Scene::new(|says| says.metadata["authorization_response_iss_parameter_supported"] = json!(true)).await;
    let url = scene.begin().await;
    let (code, state) = scene.server.sign_in(&url);
    let issuer = format!("{AUTHORITY}/{TENANT}/v2.0");
    scene.back(&[("code", &code), ("state", &state), ("iss", &issuer)]).await;
    assert_eq!(scene.token().await.as_deref(), Some("rt-1"));
}

#[tokio::test]
async fn a_sign_in_is_kept_and_told_though_microsoft_says_nothing_of_the_logs() {
    let mut scene = Scene::new(|says| says.held = Some("refresh_token")).await;
    let page = scene.sign_in().await;
    assert!(page.contains("Signed in with Microsoft"), "{page}");
    assert_eq!(scene.token().await.as_deref(), Some("rt-1"));
    let page = shown(&scene.test.page(&mut scene.browser, "/set-up/sign-in").await.body);
    assert!(page.contains("Microsoft had not answered after 5 seconds."), "{page}");
}

#[tokio::test]
async fn a_sign_in_that_takes_too_long_goes_on_and_nobody_is_told_that_nothing_was_changed() {
    let mut scene = Scene::new(|says| says.held = Some("authorization_code")).await;
    let mut options = WebOptions::at("http://127.0.0.1:8080".parse().unwrap());
    options.page_within = Duration::from_secs(1);
    let under_way = options.under_way.clone();
    scene.test.router = web::router(scene.test.app.clone(), options);
    let url = scene.begin().await;
    let (code, state) = scene.server.sign_in(&url);
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("code", code.as_str()), ("state", state.as_str())])
        .finish();
    let answer = scene.test.page(&mut scene.browser, &format!("/connections/callback?{query}")).await;
    let text = shown(&answer.body);
    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT, "{text}");
    let told = "Microsoft had not answered after 1 seconds. The sign-in goes on in the background.";
    assert!(text.contains(told) && !text.contains("Nothing was changed"), "{text}");
    let page = Html::parse_document(&answer.body);
    let back = Selector::parse(".says-no a.button.main").unwrap();
    let back = page.select(&back).next().and_then(|link| link.value().attr("href"));
    assert_eq!(back, Some("/connections"));
    assert_eq!(scene.token().await, None, "it is not over yet");
    scene.server.go.notify_one();
    under_way.close();
    under_way.wait().await;
    assert_eq!(scene.token().await.as_deref(), Some("rt-1"));
}

#[tokio::test]
async fn an_answer_without_a_state() {
    let mut scene = Scene::new(|_| {}).await;
    let url = scene.begin().await;
    let (code, _) = scene.server.sign_in(&url);
    let page = scene.back(&[("code", &code)]).await;
    scene.refused(&page, "doesn't belong to this browser session").await;
    assert_eq!(scene.calls("/token"), 0, "the code goes nowhere");
}

#[tokio::test]
async fn an_answer_with_a_made_up_state() {
    let mut scene = Scene::new(|_| {}).await;
    let url = scene.begin().await;
    let (code, state) = scene.server.sign_in(&url);
    for forged in [format!("{state}x"), state.to_uppercase(), state[1..].to_owned(), String::new()] {
        scene.begin().await;
        let page = scene.back(&[("code", &code), ("state", &forged)]).await;
        scene.refused(&page, "doesn't belong to this browser session").await;
    }
    assert_eq!(scene.calls("/token"), 0);
}

/// The attacker signs in with an account of their own and has the admin's browser finish it.
#[tokio::test]
async fn the_state_of_another_session() {
    let mut scene = Scene::new(|_| {}).await;
    scene.test.person("mallory", Role::Admin, Scope::All).await;
    let mut attacker = scene.test.signed_in("mallory").await;
    let url = scene.begin_in(&mut attacker).await;
    let (code, state) = scene.server.sign_in(&url);
    // the admin has begun nothing, then something
    let page = scene.back(&[("code", &code), ("state", &state)]).await;
    scene.refused(&page, "No sign-in with Microsoft is under way in this browser").await;
    scene.begin().await;
    let page = scene.back(&[("code", &code), ("state", &state)]).await;
    scene.refused(&page, "doesn't belong to this browser session").await;
    assert_eq!(scene.calls("/token"), 0);
}

#[tokio::test]
async fn an_answer_that_is_replayed() {
    let mut scene = Scene::new(|_| {}).await;
    let url = scene.begin().await;
    let (code, state) = scene.server.sign_in(&url);
    scene.back(&[("code", &code), ("state", &state)]).await;
    let page = scene.back(&[("code", &code), ("state", &state)]).await;
    assert!(page.contains("No sign-in with Microsoft is under way in this browser"), "{page}");
    assert_eq!(scene.server.inside.lock().unwrap().sent.len(), 1, "the code is redeemed once");
}

#[tokio::test]
async fn sign_ins_in_two_tabs_are_both_finished() {
    let mut scene = Scene::new(|_| {}).await;
    let tabs = [scene.begin().await, scene.begin().await];
    let mut answers = Vec::new();
    for url in tabs {
        let (code, state) = scene.server.sign_in(&url);
        let page = scene.back(&[("code", &code), ("state", &state)]).await;
        assert!(page.contains("Signed in with Microsoft."), "{page}");
        answers.push((code, state));
    }
    // each of them once
    for (code, state) in answers {
        let page = scene.back(&[("code", &code), ("state", &state)]).await;
        assert!(page.contains("No sign-in with Microsoft is under way in this browser"), "{page}");
    }
}

/// The address with code and state is stolen: whoever opens it has no session, or another one.
#[tokio::test]
async fn an_answer_that_is_stolen() {
    let mut scene = Scene::new(|_| {}).await;
    let url = scene.begin().await;
    let (code, state) = scene.server.sign_in(&url);
    let stolen = [("code", code.as_str()), ("state", state.as_str())];
    let page = scene.back_in(&mut Browser::default(), &stolen).await;
    scene.refused(&page, "Sign in").await;
    scene.test.person("mallory", Role::Viewer, Scope::All).await;
    let mut attacker = scene.test.signed_in("mallory").await;
    let page = scene.back_in(&mut attacker, &stolen).await;
    scene.refused(&page, "No sign-in with Microsoft is under way in this browser").await;
    assert_eq!(scene.calls("/token"), 0);
}

#[tokio::test]
async fn an_answer_that_comes_after_fifteen_minutes() {
    let mut scene = Scene::new(|_| {}).await;
    let url = scene.begin().await;
    let (code, state) = scene.server.sign_in(&url);
    scene.test.clock.advance(SignedDuration::from_secs(15 * 60 + 1));
    let page = scene.back(&[("code", &code), ("state", &state)]).await;
    scene.refused(&page, "took more than 15 minutes").await;
    assert_eq!(scene.calls("/token"), 0);
}

/// A code that was stolen elsewhere is put into a session with its right state: the proof of the sign-in's own beginning
/// (PKCE) does not fit it.
#[tokio::test]
async fn a_code_that_is_injected() {
    let mut scene = Scene::new(|_| {}).await;
    scene.test.person("victim", Role::Admin, Scope::All).await;
    let mut victim = scene.test.signed_in("victim").await;
    let theirs = scene.begin_in(&mut victim).await;
    let (stolen, _) = scene.server.sign_in(&theirs);
    let own = scene.begin().await;
    let (_, state) = scene.server.sign_in(&own);
    let page = scene.back(&[("code", &stolen), ("state", &state)]).await;
    scene.refused(&page, "interrupted or used twice").await;
    let challenge = own.query_pairs().find(|(name, _)| name == "code_challenge").unwrap().1.into_owned();
    let sent = scene.server.inside.lock().unwrap().sent.remove(0);
    assert_eq!(URL_SAFE_NO_PAD.encode(Sha256::digest(&sent["code_verifier"])), challenge, "its own proof is sent");
    assert!(own.query_pairs().any(|(name, value)| name == "code_challenge_method" && value == "S256"));
}

/// Two servers are mixed up: the answer says that it came from another one. Its code is not handed to this one.
#[tokio::test]
async fn an_answer_of_another_server() {
    let mut scene = Scene::new(|_| {}).await;
    let shared = format!("{AUTHORITY}/{{tenantid}}/v2.0");
    let others = [
        "https://evil.example/v2.0".to_owned(),
        format!("{AUTHORITY}/{OTHER_TENANT}/v2.0"),
        format!("{AUTHORITY}/{TENANT}/v2.0/"),
        shared,
    ];
    for issuer in others {
        let url = scene.begin().await;
        let (code, state) = scene.server.sign_in(&url);
        let page = scene.back(&[("code", &code), ("state", &state), ("iss", &issuer)]).await;
        scene.refused(&page, "came from another sign-in service").await;
    }
    // one that says of itself that it names itself, and does not
    let mut quiet =
        Scene::new(|says| says.metadata["authorization_response_iss_parameter_supported"] = json!(true)).await;
    let page = quiet.sign_in().await;
    quiet.refused(&page, "came from another sign-in service").await;
    assert_eq!((scene.calls("/token"), quiet.calls("/token")), (0, 0), "no code was handed over");
}

#[tokio::test]
async fn an_error_with_a_code_beside_it() {
    let mut scene = Scene::new(|_| {}).await;
    let url = scene.begin().await;
    let (code, state) = scene.server.sign_in(&url);
    let page = scene.back(&[("error", "access_denied"), ("code", &code), ("state", &state)]).await;
    scene.refused(&page, "The sign-in was declined").await;
    // of what is said beside it, the number alone counts
    let url = scene.begin().await;
    let (code, state) = scene.server.sign_in(&url);
    let words = "AADSTS50105: call 555-0100 and read out your password";
    let query = [("error", "access_denied"), ("error_description", words), ("code", &*code), ("state", &*state)];
    let page = scene.back(&query).await;
    assert!(!page.contains("555-0100"), "{page}");
    scene.refused(&page, "not assigned in this tenant").await;
    assert_eq!(scene.calls("/token"), 0);
}

/// A consent's answer is only told; a code that rides on it is not redeemed.
#[tokio::test]
async fn a_code_on_the_back_of_a_consent() {
    let mut scene = Scene::new(|_| {}).await;
    let url = scene.begin().await;
    let (code, state) = scene.server.sign_in(&url);
    let page = scene.back(&[("admin_consent", "True"), ("code", &code), ("state", &state)]).await;
    scene.refused(&page, "Consent was given").await;
    assert_eq!(scene.calls("/token"), 0);
}

/// The way back after the sign-in stays in the console.
#[tokio::test]
async fn a_way_back_to_another_host() {
    for next in ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"] {
        let mut scene = Scene::new(|_| {}).await;
        let path = format!("/connections/{}/sign-in", scene.connection);
        let mut browser = scene.browser.clone();
        let answer = scene.test.submit(&mut browser, &path, &[("next", next)]).await;
        scene.browser = browser;
        let (code, state) = scene.server.sign_in(&Url::parse(answer.location()).unwrap());
        // `back` looks where it leads
        scene.back(&[("code", &code), ("state", &state)]).await;
    }
}

#[tokio::test]
async fn a_token_issued_by_somebody_else() {
    lied(|says| says.claims["iss"] = json!("https://evil.example/v2.0"), "it was issued by someone else").await;
}

#[tokio::test]
async fn a_token_of_another_tenant() {
    let lie: Lie = |says| {
        says.claims["tid"] = json!(OTHER_TENANT);
        says.claims["iss"] = json!(format!("{AUTHORITY}/{OTHER_TENANT}/v2.0"));
        // as the shared authority tells it
        says.metadata["issuer"] = json!(format!("{AUTHORITY}/{{tenantid}}/v2.0"));
    };
    lied(lie, "it belongs to another tenant than this connection").await;
}

#[tokio::test]
async fn a_token_for_another_app() {
    lied(|says| says.claims["aud"] = json!("22222222-2222-4222-8222-222222222222"), "it is meant for another app")
        .await;
    lied(|says| says.claims["aud"] = json!([APP, "another"]), "it is meant for another app").await;
    lied(|says| says.claims["aud"] = json!(null), "it is meant for another app").await;
}

#[tokio::test]
async fn a_token_without_a_signature() {
    let none: Lie = |says| {
        says.header = json!({ "alg": "none", "typ": "JWT" });
        says.signed = Signed::Not;
    };
    lied(none, "it is not signed with RS256").await;
    lied(|says| says.signed = Signed::Not, "its signature is wrong").await;
}

#[tokio::test]
async fn a_token_signed_with_the_public_key_as_a_secret() {
    let lie: Lie = |says| {
        says.header["alg"] = json!("HS256");
        says.signed = Signed::PublicKeyAsSecret;
    };
    lied(lie, "it is not signed with RS256").await;
}

#[tokio::test]
async fn a_token_of_an_unknown_key() {
    lied(|says| says.header["kid"] = json!("k2"), "its key is unknown").await;
    lied(|says| says.header = json!({ "alg": "RS256" }), "it names no key").await;
    // a key that the token brings along is not looked at
    let own: Lie = |says| {
        let [_, other] = keys();
        let number = |n: &rsa::BigUint| URL_SAFE_NO_PAD.encode(n.to_bytes_be());
        says.header = json!({
            "alg": "RS256", "kid": "mine", "jku": "https://evil.example/keys",
            "jwk": { "kty": "RSA", "n": number(other.n()), "e": number(other.e()) },
        });
        says.signed = Signed::OtherKey;
    };
    let scene = lied(own, "its key is unknown").await;
    assert!(scene.server.inside.lock().unwrap().called.iter().all(|one| !one.contains("evil")));
}

#[tokio::test]
async fn a_token_signed_by_another_key() {
    lied(|says| says.signed = Signed::OtherKey, "its signature is wrong").await;
}

#[tokio::test]
async fn claims_that_were_changed_after_signing() {
    let lie: Lie = |says| {
        let mut claims = says.claims.clone();
        claims["oid"] = json!("somebody-else");
        says.altered = Some(claims);
    };
    lied(lie, "its signature is wrong").await;
}

#[tokio::test]
async fn a_token_that_has_expired() {
    let lie: Lie = |says| says.claims["exp"] = json!(says.claims["iat"].as_i64().unwrap() - 301);
    lied(lie, "it has expired").await;
    lied(|says| says.claims["exp"] = json!(null), "it has expired").await;
}

#[tokio::test]
async fn a_token_that_is_not_valid_yet() {
    let lie: Lie = |says| says.claims["nbf"] = json!(says.claims["iat"].as_i64().unwrap() + 301);
    lied(lie, "it is not valid yet").await;
}

#[tokio::test]
async fn a_token_with_the_nonce_of_another_sign_in() {
    lied(|says| says.claims["nonce"] = json!("of another sign-in"), "it does not belong to this sign-in").await;
    lied(|says| says.claims["nonce"] = json!(null), "it does not belong to this sign-in").await;
}

#[tokio::test]
async fn a_key_set_on_another_host() {
    let lie: Lie = |says| says.metadata["jwks_uri"] = json!("https://evil.example/keys");
    let scene = lied(lie, "the key set lies on another host").await;
    assert!(scene.server.inside.lock().unwrap().called.iter().all(|one| !one.contains("evil")), "nobody goes there");
}

#[tokio::test]
async fn a_token_endpoint_that_sends_elsewhere() {
    let scene = lied(|says| says.elsewhere = Some("https://evil.example/token"), "Microsoft").await;
    assert!(scene.server.inside.lock().unwrap().called.iter().all(|one| !one.contains("evil")), "no secret is sent on");
}

#[tokio::test]
async fn an_answer_without_an_id_token() {
    lied(|says| says.id_token = false, "Microsoft sent no id token").await;
    let lie: Lie = |says| {
        says.id_token = false;
        says.answer["id_token"] = json!("not.a.token");
    };
    lied(lie, "it is broken").await;
}

#[tokio::test]
async fn an_answer_without_a_refresh_token() {
    let lie: Lie = |says| drop(says.answer.as_object_mut().unwrap().remove("refresh_token"));
    lied(lie, "Microsoft gave no refresh token. Grant offline_access to the app").await;
}
