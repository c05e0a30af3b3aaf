//! Tokens and sign-in at Microsoft Entra.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use halobridge::{
    clock::{Clock, IdSource, ManualClock, SeededIds},
    domain::{
        connection::{MicrosoftConnection, MicrosoftEndpoints, MicrosoftIdentity},
        failure::{Failure, FailureKind},
        ids::ConnectionId,
        workspace::WorkspaceAddress,
    },
    entra::{
        AppRegistration, Credential, Resource, Tokens,
        app_token::AppTokens,
        assertion::Certificate,
        delegated::{DelegatedTokens, RefreshTokens, granted as consented_to},
        error::of_consent,
        sign_in::{self, Returned, Wanted},
    },
    outbound::budget::Subscriptions,
    sentinel::{Place, Sentinel, logs::LogSpan},
};
use jiff::SignedDuration;
use rsa::{
    RsaPrivateKey,
    pkcs1v15::{Signature, SigningKey, VerifyingKey},
    pkcs8::{EncodePrivateKey, LineEnding},
    signature::{SignatureEncoding, Signer, Verifier},
    traits::PublicKeyParts,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::adapters_support::{Reply, Script, Sent, clock, json as answer, text, with};

const TENANT: &str = "7c0ffee0-0000-4000-8000-000000000001";

fn app() -> AppRegistration {
    AppRegistration {
        oauth_client_id: "11111111-1111-4111-8111-111111111111".into(),
        credential: Credential::Secret(SecretString::from("s3cret&value")),
        endpoints: MicrosoftEndpoints::of_cloud("public").unwrap(),
    }
}

fn granted(n: usize) -> Reply {
    answer(
        200,
        &json!({"token_type": "Bearer", "expires_in": 3600, "access_token": format!("at-{n}"), "refresh_token": format!("rt-{n}")}),
    )
}

fn refused(status: u16, error: &str, code: i64) -> Reply {
    answer(status, &json!({"error": error, "error_description": "AADSTS: secret words", "error_codes": [code]}))
}

fn app_tokens(script: &Arc<Script>, clock: &ManualClock) -> AppTokens {
    AppTokens::new(app(), script.clone(), Arc::new(clock.clone()), Arc::new(SeededIds::new(1)))
}

#[tokio::test]
async fn an_app_token_is_asked_for_once_per_life_tenant_and_resource() {
    let (clock, mut n) = (clock(), 0);
    let script = Script::new(move |_| {
        n += 1;
        granted(n)
    });
    let tokens = app_tokens(&script, &clock);
    let many = (0..10).map(|_| tokens.bearer(TENANT, Resource::Arm));
    assert!(futures::future::join_all(many).await.iter().all(Result::is_ok));
    assert_eq!(script.sent().len(), 1);
    let sent = script.sent().remove(0);
    assert_eq!(sent.uri.to_string(), format!("https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"));
    assert_eq!(sent.form("grant_type").as_deref(), Some("client_credentials"));
    assert_eq!(sent.form("scope").as_deref(), Some("https://management.azure.com/.default"));
    assert_eq!(sent.form("client_secret").as_deref(), Some("s3cret&value"));
    tokens.bearer(TENANT, Resource::LogAnalytics).await.unwrap();
    assert_eq!(script.sent().len(), 2, "one token is for one resource");
    assert_eq!(script.sent()[1].form("scope").as_deref(), Some("https://api.loganalytics.io/.default"));
    clock.advance(SignedDuration::from_secs(2879));
    tokens.bearer(TENANT, Resource::Arm).await.unwrap();
    assert_eq!(script.sent().len(), 2);
    clock.advance(SignedDuration::from_secs(1));
    let third = tokens.bearer(TENANT, Resource::Arm).await.unwrap();
    assert_eq!(script.sent().len(), 3, "renewed at 80 % of its life");
    tokens.reject(TENANT, Resource::Arm, &third);
    tokens.bearer(TENANT, Resource::Arm).await.unwrap();
    assert_eq!(script.sent().len(), 4, "a rejected token is replaced");
}

/// Calls that are under way together are refused one after the other: the later refusals are of a token that is gone.
#[tokio::test]
async fn a_refusal_of_an_old_token_leaves_the_new_one() {
    let (clock, mut n) = (clock(), 0);
    let script = Script::new(move |_| {
        n += 1;
        granted(n)
    });
    let tokens = app_tokens(&script, &clock);
    let old = tokens.bearer(TENANT, Resource::Arm).await.unwrap();
    tokens.reject(TENANT, Resource::Arm, &old);
    let new = tokens.bearer(TENANT, Resource::Arm).await.unwrap();
    for _ in 0..3 {
        tokens.reject(TENANT, Resource::Arm, &old);
        let kept = tokens.bearer(TENANT, Resource::Arm).await.unwrap();
        assert_eq!(kept.expose_secret(), new.expose_secret());
    }
    assert_eq!(script.sent().len(), 2, "a new token is asked for once");
}

#[tokio::test]
async fn a_living_token_outlasts_a_fault_of_entra() {
    let (clock, mut n) = (clock(), 0);
    let script = Script::new(move |_| {
        n += 1;
        if n == 1 { granted(1) } else { text(503, "") }
    });
    let tokens = app_tokens(&script, &clock);
    tokens.bearer(TENANT, Resource::Arm).await.unwrap();
    clock.advance(SignedDuration::from_secs(3000));
    for _ in 0..50 {
        assert_eq!(tokens.bearer(TENANT, Resource::Arm).await.unwrap().expose_secret(), "at-1");
    }
    assert_eq!(script.sent().len(), 2, "asked again in a minute");
    clock.advance(SignedDuration::from_secs(60));
    tokens.bearer(TENANT, Resource::Arm).await.unwrap();
    assert_eq!(script.sent().len(), 3);
    clock.advance(SignedDuration::from_secs(640));
    assert_eq!(tokens.bearer(TENANT, Resource::Arm).await.unwrap_err().kind, FailureKind::Transient);
}

#[tokio::test]
async fn sentinel_rule_12_refusals_for_a_person_run_no_loop() {
    let clock = clock();
    let script = Script::new(|_| refused(401, "invalid_client", 7_000_222));
    let tokens = app_tokens(&script, &clock);
    for _ in 0..50 {
        let failure = tokens.bearer(TENANT, Resource::Arm).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::SignInAgain);
        assert!(failure.message.contains("expired") && !failure.message.contains("secret words"), "{failure}");
    }
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test]
async fn a_word_to_wait_is_kept_and_a_living_token_used_meanwhile() {
    let (clock, mut n) = (clock(), 0);
    // `Retry-After: 0` names no time: what is waited without the header is waited.
    let script = Script::new(move |_| {
        n += 1;
        if n == 2 { granted(2) } else { with(refused(429, "temporarily_unavailable", 0), "retry-after", "0") }
    });
    let tokens = app_tokens(&script, &clock);
    let wait = |failure: Failure| match failure.kind {
        FailureKind::WaitUntil { at } => at,
        _ => panic!("{failure}"),
    };
    let at = wait(tokens.bearer(TENANT, Resource::Arm).await.unwrap_err());
    assert_eq!(at, clock.now() + SignedDuration::from_secs(30));
    for _ in 0..50 {
        assert_eq!(wait(tokens.bearer(TENANT, Resource::Arm).await.unwrap_err()), at);
    }
    assert_eq!(script.sent().len(), 1);
    clock.set(at);
    tokens.bearer(TENANT, Resource::Arm).await.unwrap();
    // Past its early end it is good for ten minutes more.
    clock.advance(SignedDuration::from_secs(3_000));
    for _ in 0..50 {
        tokens.bearer(TENANT, Resource::Arm).await.unwrap();
    }
    assert_eq!(script.sent().len(), 3);
}

#[tokio::test]
async fn a_sign_in_that_is_out_of_order_is_left_alone_until_the_time_it_names() {
    let clock = clock();
    let script = Script::new(|_| with(text(503, ""), "retry-after", "45"));
    let tokens = app_tokens(&script, &clock);
    let at = clock.now() + SignedDuration::from_secs(45);
    for _ in 0..20 {
        let failure = tokens.bearer(TENANT, Resource::Arm).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::WaitUntil { at });
    }
    assert_eq!(script.sent().len(), 1);
    clock.set(at);
    tokens.bearer(TENANT, Resource::Arm).await.unwrap_err();
    assert_eq!(script.sent().len(), 2);
}

/// Nobody can sign in again for an app that signs in as itself.
#[tokio::test]
async fn what_is_refused_to_an_app_alone_asks_nobody_to_sign_in() {
    for (error, code, says) in [
        ("invalid_grant", 53_003, "conditional access policy for workload identities"),
        ("interaction_required", 50_076, "leave the app out"),
        ("invalid_grant", 50_105, "Enterprise applications"),
        ("unauthorized_client", 7_000_112, "Enterprise applications"),
        ("invalid_grant", 700_082, "whether the app is enabled there"),
        ("invalid_grant", 999_999, "whether the app is enabled there"),
        ("invalid_client", 7_000_215, "not its id"),
        ("unauthorized_client", 700_016, "unknown in this tenant"),
    ] {
        let script = Script::new(move |_| refused(400, error, code));
        let failure = app_tokens(&script, &clock()).bearer(TENANT, Resource::Arm).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::SignInAgain, "{failure}");
        let text = failure.message.to_lowercase();
        assert!(failure.message.contains(says) && !text.contains("sign in again"), "{error} {code}: {failure}");
    }
}

#[test]
fn every_refusal_of_the_table_has_its_kind_and_remedy() {
    use FailureKind::{Forbidden, Rejected, SignInAgain};
    let table: [(&str, i64, FailureKind, &str); 42] = [
        ("invalid_grant", 50_173, SignInAgain, "Sign in again"),
        ("invalid_grant", 700_082, SignInAgain, "Sign in again"),
        ("invalid_grant", 70_043, SignInAgain, "frequency"),
        ("invalid_grant", 65_001, SignInAgain, "consent"),
        ("access_denied", 65_004, SignInAgain, "declined"),
        ("interaction_required", 50_076, SignInAgain, "second factor"),
        ("invalid_grant", 53_003, SignInAgain, "conditional access"),
        ("invalid_grant", 50_057, SignInAgain, "account"),
        ("invalid_grant", 54_005, SignInAgain, "Start it again"),
        ("invalid_client", 7_000_215, SignInAgain, "not its id"),
        ("unauthorized_client", 700_016, SignInAgain, "unknown in this tenant"),
        ("unauthorized_client", 50_194, SignInAgain, "single-tenant"),
        ("invalid_resource", 500_011, Forbidden, "log queries"),
        ("invalid_request", 50_011, Rejected, "redirect"),
        ("invalid_scope", 70_011, Rejected, "permissions"),
        ("invalid_grant", 999_999, SignInAgain, "Sign in again"),
        ("access_denied", 50_105, SignInAgain, "another account"),
        ("access_denied", 90_094, SignInAgain, "Only an administrator may consent"),
        ("access_denied", 0, SignInAgain, "declined"),
        ("invalid_grant", 50_126, SignInAgain, "password"),
        ("invalid_grant", 50_055, SignInAgain, "password"),
        ("invalid_grant", 50_053, SignInAgain, "locked"),
        ("interaction_required", 530_003, SignInAgain, "device"),
        ("interaction_required", 50_097, SignInAgain, "device"),
        ("invalid_grant", 530_032, SignInAgain, "conditional access"),
        ("invalid_grant", 500_121, SignInAgain, "second factor"),
        ("invalid_grant", 51_004, SignInAgain, "another account"),
        ("invalid_request", 500_200, SignInAgain, "another account"),
        ("invalid_request", 9_002_326, SignInAgain, "platform “Web”"),
        ("invalid_client", 7_000_218, SignInAgain, "platform “Web”"),
        ("invalid_client", 700_024, SignInAgain, "clock"),
        ("invalid_client", 700_027, SignInAgain, "certificate"),
        ("unauthorized_client", 7_000_112, SignInAgain, "Enterprise applications"),
        ("invalid_client", 7_000_229, SignInAgain, "unknown in this tenant"),
        ("invalid_request", 90_038, SignInAgain, "another cloud"),
        ("invalid_request", 900_023, SignInAgain, "tenant id"),
        ("invalid_client", 650_056, SignInAgain, "three delegated permissions"),
        ("invalid_client", 650_052, Forbidden, "log queries"),
        ("invalid_request", 500_113, Rejected, "redirect"),
        ("invalid_request", 900_144, Rejected, "misses a part"),
        ("invalid_request", 50_058, SignInAgain, "Start it again"),
        ("invalid_request", 999_999, Rejected, "Check tenant id"),
    ];
    for (error, code, kind, says) in table {
        let (got, text) = halobridge::entra::verdict::verdict(error, "", &[code]);
        assert_eq!(got, kind, "{error} {code}");
        assert!(text.contains(says), "{error} {code}: {text}");
    }
}

#[tokio::test]
async fn an_error_that_the_browser_brings_back_is_told_by_its_number() {
    let wanted = Wanted {
        tenant: TENANT,
        redirect_uri: "https://bridge.example/cb",
        identity_only: true,
        log_analytics: false,
        claims: None,
        login_hint: None,
    };
    let (_, pending) = sign_in::begin(&app(), &wanted, &SeededIds::new(4)).unwrap();
    let state = pending.state.expose_secret().to_owned();
    let script = Script::new(|_| text(500, ""));
    for (error, description, kind, code, says) in [
        (
            "access_denied",
            "AADSTS50105: Ana of Contoso is not assigned. Trace ID: 1",
            FailureKind::SignInAgain,
            "AADSTS50105",
            "not assigned in this tenant",
        ),
        ("access_denied", "AADSTS90094: approval", FailureKind::SignInAgain, "AADSTS90094", "Only an administrator"),
        ("access_denied", "", FailureKind::SignInAgain, "access_denied", "declined"),
        ("access_denied", "Ana said AADSTS50105", FailureKind::SignInAgain, "access_denied", "declined"),
        ("invalid_request", "AADSTS50011: no", FailureKind::Rejected, "AADSTS50011", "redirect address"),
        ("server_error", "AADSTS50000: x", FailureKind::Transient, "AADSTS50000", "in a few minutes"),
        ("temporarily_unavailable", "", FailureKind::Transient, "temporarily_unavailable", "out of order"),
        // one that nobody here knows can be looked up
        ("invalid_request", "AADSTS999999: x", FailureKind::Rejected, "AADSTS999999", "for it is AADSTS999999."),
    ] {
        let returned = Returned {
            code: None,
            state: Some(&state),
            error: Some(error),
            description: Some(description),
            issuer: None,
        };
        let result = sign_in::redeem(&app(), pending.clone(), &returned, script.clone(), &clock(), &SeededIds::new(5))
            .await
            .map_err(Failure::from);
        let failure = result.err().unwrap();
        assert_eq!((failure.kind, failure.code.as_deref()), (kind, Some(code)), "{error} {description}");
        assert!(failure.message.contains(says), "{error} {description}: {failure}");
        assert!(!failure.message.contains("Ana"), "nothing else of the text: {failure}");
    }
    assert!(script.sent().is_empty());
}

/// Where the refresh token lies, with a record of what was saved.
#[derive(Default)]
struct Drawer {
    saved: Mutex<Vec<String>>,
}

#[async_trait]
impl RefreshTokens for Drawer {
    async fn load(&self) -> Result<Option<SecretString>, Failure> {
        Ok(self.saved.lock().unwrap().last().map(|t| SecretString::from(t.clone())))
    }

    async fn save(&self, new: &SecretString) -> Result<(), Failure> {
        self.saved.lock().unwrap().push(new.expose_secret().to_owned());
        Ok(())
    }
}

fn delegated(script: &Arc<Script>, drawer: &Arc<Drawer>, clock: &ManualClock) -> DelegatedTokens {
    let (clock, ids) = (Arc::new(clock.clone()), Arc::new(SeededIds::new(1)));
    DelegatedTokens::new(app(), drawer.clone(), script.clone(), clock, ids)
}

#[tokio::test]
async fn a_refresh_saves_the_newest_and_runs_one_at_a_time() {
    let (clock, mut n) = (clock(), 0);
    let drawer = Arc::new(Drawer::default());
    drawer.saved.lock().unwrap().push("rt-0".into());
    let script = Script::new(move |_| {
        n += 1;
        granted(n)
    });
    let tokens = delegated(&script, &drawer, &clock);
    let other = "7c0ffee0-0000-4000-8000-000000000002";
    let many = (0..8).map(|n| tokens.bearer(if n % 2 == 0 { TENANT } else { other }, Resource::Arm));
    assert!(futures::future::join_all(many).await.iter().all(Result::is_ok));
    let sent = script.sent();
    assert_eq!(sent.len(), 2, "one per tenant");
    assert!(sent[0].path().contains(TENANT) && sent[1].path().contains(other));
    // The second refresh uses what the first brought.
    assert_eq!(sent[0].form("refresh_token").as_deref(), Some("rt-0"));
    assert_eq!(sent[1].form("refresh_token").as_deref(), Some("rt-1"));
    assert_eq!(*drawer.saved.lock().unwrap(), ["rt-0", "rt-1", "rt-2"]);
}

#[tokio::test]
async fn sentinel_rule_12_a_dead_refresh_token_is_never_sent_again() {
    let clock = clock();
    let drawer = Arc::new(Drawer::default());
    let script = Script::new(|sent: &Sent| match sent.form("refresh_token").as_deref() {
        Some("rt-dead") => refused(400, "invalid_grant", 50_173),
        _ => granted(5),
    });
    let tokens = delegated(&script, &drawer, &clock);
    assert_eq!(tokens.bearer(TENANT, Resource::Arm).await.unwrap_err().kind, FailureKind::SignInAgain);
    assert!(script.sent().is_empty(), "nobody has signed in: nothing to send");
    drawer.saved.lock().unwrap().push("rt-dead".into());
    for _ in 0..20 {
        let failure = tokens.bearer(TENANT, Resource::Arm).await.unwrap_err();
        assert_eq!((failure.kind, failure.code.as_deref()), (FailureKind::SignInAgain, Some("AADSTS50173")));
        clock.advance(SignedDuration::from_hours(1));
    }
    assert_eq!(script.sent().len(), 1);
    // A person signs in anew: it goes on at once.
    drawer.saved.lock().unwrap().push("rt-new".into());
    assert_eq!(tokens.bearer(TENANT, Resource::Arm).await.unwrap().expose_secret(), "at-5");
}

fn key() -> RsaPrivateKey {
    key_of(99)
}

/// A key that is always the same for a seed.
pub fn key_of(seed: u64) -> RsaPrivateKey {
    RsaPrivateKey::new(&mut rand_chacha_06(seed), 1024).unwrap()
}

/// `rsa` wants a generator of an older `rand`; any seeded one will do.
fn rand_chacha_06(seed: u64) -> impl rsa::rand_core::CryptoRngCore {
    struct Own(SeededIds);
    impl rsa::rand_core::RngCore for Own {
        fn next_u32(&mut self) -> u32 {
            let mut bytes = [0; 4];
            self.0.fill(&mut bytes);
            u32::from_le_bytes(bytes)
        }
        fn next_u64(&mut self) -> u64 {
            let mut bytes = [0; 8];
            self.0.fill(&mut bytes);
            u64::from_le_bytes(bytes)
        }
        fn fill_bytes(&mut self, dest: &mut [u8]) {
            self.0.fill(dest);
        }
        fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rsa::rand_core::Error> {
            self.0.fill(dest);
            Ok(())
        }
    }
    impl rsa::rand_core::CryptoRng for Own {}
    Own(SeededIds::new(seed))
}

#[tokio::test]
async fn what_was_consented_to_at_a_resource_is_asked_with_the_refresh_token() {
    const SCOPES: [&str; 2] = ["https://api.loganalytics.io/Data.Read", "https://api.loganalytics.io/.default"];
    let (clock, ids, token) = (clock(), SeededIds::new(1), SecretString::from("rt-0"));
    let body = json!({"token_type": "Bearer", "expires_in": 3600, "access_token": "at", "scope": SCOPES.join(" ")});
    let script = Script::new(move |_| answer(200, &body));
    let ask = async |script: &Arc<Script>| {
        consented_to(&app(), TENANT, Resource::LogAnalytics, &token, script.clone(), &clock, &ids).await
    };
    assert_eq!(ask(&script).await.unwrap(), SCOPES);
    let sent = script.sent().remove(0);
    assert_eq!(sent.form("refresh_token").as_deref(), Some("rt-0"));
    assert_eq!(sent.form("scope").as_deref(), Some("https://api.loganalytics.io/Data.Read offline_access"));
    for (error, code, about) in [
        ("invalid_grant", 65_001, true),
        ("invalid_resource", 650_052, true),
        ("invalid_grant", 50_173, false),
        ("invalid_client", 7_000_222, false),
    ] {
        let script = Script::new(move |_| refused(400, error, code));
        let failure = ask(&script).await.unwrap_err();
        assert_eq!(of_consent(&failure), about, "{code}: {failure}");
    }
}

#[tokio::test]
async fn a_certificate_signs_an_assertion() {
    let key = key();
    let der = b"not a real certificate, but bytes with a thumbprint";
    let pem = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n{}",
        base64::engine::general_purpose::STANDARD.encode(der),
        key.to_pkcs8_pem(LineEnding::LF).unwrap().as_str()
    );
    let certificate = Certificate::from_pem(&SecretString::from(pem)).unwrap();
    let script = Script::new(|_| granted(1));
    let app = AppRegistration { credential: Credential::Certificate(certificate), ..app() };
    // a person's refresh is proven in the same way
    let drawer = Arc::new(Drawer { saved: Mutex::new(vec!["rt-0".into()]) });
    let refreshed = Script::new(|_| granted(1));
    let (now, ids) = (Arc::new(clock()), Arc::new(SeededIds::new(1)));
    let person = DelegatedTokens::new(app.clone(), drawer, refreshed.clone(), now, ids);
    person.bearer(TENANT, Resource::Arm).await.unwrap();
    let sent = refreshed.sent().remove(0);
    assert_eq!(sent.form("grant_type").as_deref(), Some("refresh_token"));
    assert!(sent.form("client_secret").is_none() && sent.form("client_assertion").is_some());
    let tokens = AppTokens::new(app, script.clone(), Arc::new(clock()), Arc::new(SeededIds::new(1)));
    tokens.bearer(TENANT, Resource::Arm).await.unwrap();
    let sent = script.sent().remove(0);
    assert!(sent.form("client_secret").is_none());
    let jwt = sent.form("client_assertion").unwrap();
    let parts: Vec<&str> = jwt.split('.').collect();
    let part = |n: usize| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(parts[n]).unwrap()).unwrap();
    assert_eq!(part(0)["alg"], "RS256");
    assert_eq!(part(0)["x5t#S256"], json!(URL_SAFE_NO_PAD.encode(Sha256::digest(der))));
    assert_eq!(part(1)["aud"], json!(sent.uri.to_string()));
    let signature = Signature::try_from(URL_SAFE_NO_PAD.decode(parts[2]).unwrap().as_slice()).unwrap();
    let verifying = VerifyingKey::<rsa::sha2::Sha256>::new(key.to_public_key());
    assert!(verifying.verify(format!("{}.{}", parts[0], parts[1]).as_bytes(), &signature).is_ok());
    for bad in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"] {
        assert!(Certificate::from_pem(&SecretString::from(bad)).is_err());
    }
}

/// Entra with one key: answers discovery, keys and the token call with an id token of these claims.
fn entra(claims: Value, header: Value, corrupt: bool) -> Arc<Script> {
    let key = key();
    let signing = SigningKey::<rsa::sha2::Sha256>::new(key.clone());
    let signed =
        format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut signature = signing.sign(signed.as_bytes()).to_vec();
    if corrupt {
        signature[0] ^= 1;
    }
    let id_token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
    let number = |n: &rsa::BigUint| URL_SAFE_NO_PAD.encode(n.to_bytes_be());
    let jwk = json!({"kty": "RSA", "use": "sig", "kid": "k1", "n": number(key.n()), "e": number(key.e())});
    Script::new(move |sent| match sent.path() {
        path if path.ends_with("/openid-configuration") => answer(
            200,
            &json!({
                "issuer": "https://login.microsoftonline.com/{tenantid}/v2.0",
                "jwks_uri": "https://login.microsoftonline.com/common/discovery/v2.0/keys"
            }),
        ),
        path if path.ends_with("/keys") => answer(200, &json!({"keys": [jwk]})),
        _ => {
            answer(200, &json!({"access_token": "at", "expires_in": 3600, "refresh_token": "rt", "id_token": id_token}))
        }
    })
}

fn claims(nonce: &str) -> Value {
    json!({
        "aud": app().oauth_client_id, "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"), "tid": TENANT,
        "oid": "person-1", "name": "Ana", "preferred_username": "ana@contoso.example", "nonce": nonce,
        "iat": 1_777_885_200, "nbf": 1_777_885_200, "exp": 1_777_885_200 + 3600,
    })
}

async fn sign_in_with(change: impl Fn(&mut Value, &mut Value), corrupt: bool) -> Result<sign_in::SignedIn, Failure> {
    let ids = SeededIds::new(3);
    let wanted = Wanted {
        tenant: TENANT,
        redirect_uri: "https://bridge.example/connections/callback",
        identity_only: false,
        log_analytics: true,
        claims: None,
        login_hint: None,
    };
    let (url, pending) = sign_in::begin(&app(), &wanted, &ids).unwrap();
    let query: std::collections::BTreeMap<String, String> = url.query_pairs().into_owned().collect();
    assert_eq!(query["code_challenge_method"], "S256");
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(pending.verifier.expose_secret()));
    assert_eq!(query["code_challenge"], challenge);
    assert!(query["scope"].contains("offline_access") && query["scope"].contains("Data.Read"));
    assert!(url.path().starts_with(&format!("/{TENANT}/")));
    let mut claims = claims(pending.nonce.expose_secret());
    let mut header = json!({"alg": "RS256", "typ": "JWT", "kid": "k1"});
    change(&mut claims, &mut header);
    let script = entra(claims, header, corrupt);
    let state = pending.state.expose_secret().to_owned();
    let returned = Returned { code: Some("the-code"), state: Some(&state), ..Returned::default() };
    let result = sign_in::redeem(&app(), pending.clone(), &returned, script.clone(), &clock(), &ids)
        .await
        .map_err(Failure::from);
    let call = script.sent().into_iter().find(|s| s.path().ends_with("/token")).unwrap();
    assert_eq!(call.form("code_verifier").as_deref(), Some(pending.verifier.expose_secret()));
    assert!(!call.form("scope").unwrap().contains("Data.Read"), "a token call names one resource");
    result
}

#[tokio::test]
async fn a_person_signs_in() {
    let done = sign_in_with(|_, _| {}, false).await.unwrap();
    assert_eq!((done.person.tenant_id.as_str(), done.person.object_id.as_str()), (TENANT, "person-1"));
    assert_eq!(done.refresh_token.unwrap().expose_secret(), "rt");
}

#[tokio::test]
async fn an_id_token_that_fails_a_check_is_refused() {
    type Change = fn(&mut Value, &mut Value);
    let changes: [(&str, Change); 10] = [
        ("another app", |c, _| c["aud"] = json!("someone-else")),
        ("someone else", |c, _| c["iss"] = json!("https://evil.example/v2.0")),
        ("another tenant", |c, _| {
            c["tid"] = json!("7c0ffee0-0000-4000-8000-000000000099");
            c["iss"] = json!("https://login.microsoftonline.com/7c0ffee0-0000-4000-8000-000000000099/v2.0");
        }),
        ("expired", |c, _| c["exp"] = json!(1_777_885_200 - 301)),
        ("not valid yet", |c, _| c["nbf"] = json!(1_777_885_200 + 301)),
        ("this sign-in", |c, _| c["nonce"] = json!("other")),
        ("no account", |c, _| c["oid"] = json!(null)),
        ("RS256", |_, h| h["alg"] = json!("none")),
        ("RS256", |_, h| h["alg"] = json!("HS256")),
        ("key is unknown", |_, h| h["kid"] = json!("k2")),
    ];
    for (says, change) in changes {
        let failure = sign_in_with(change, false).await.err().unwrap();
        assert_eq!(failure.kind, FailureKind::SignInAgain);
        assert!(failure.message.contains(says), "{says}: {failure}");
    }
    let failure = sign_in_with(|_, _| {}, true).await.err().unwrap();
    assert!(failure.message.contains("signature"), "{failure}");
}

#[tokio::test]
async fn a_foreign_state_or_an_error_ends_the_sign_in_without_a_call() {
    let ids = SeededIds::new(3);
    let wanted = Wanted {
        tenant: TENANT,
        redirect_uri: "https://bridge.example/cb",
        identity_only: true,
        log_analytics: false,
        claims: Some("{}"),
        login_hint: None,
    };
    let (url, pending) = sign_in::begin(&app(), &wanted, &ids).unwrap();
    assert!(url.as_str().contains("claims=") && !url.as_str().contains("offline_access"));
    let script = Script::new(|_| text(500, ""));
    let state = pending.state.expose_secret().to_owned();
    for returned in [
        Returned { code: Some("c"), state: Some("forged"), error: None, description: None, issuer: None },
        Returned { code: Some("c"), state: None, error: None, description: None, issuer: None },
        Returned { code: None, state: Some(&state), error: Some("access_denied"), description: None, issuer: None },
        Returned { code: None, state: Some(&state), error: None, description: None, issuer: None },
    ] {
        let result = sign_in::redeem(&app(), pending.clone(), &returned, script.clone(), &clock(), &ids)
            .await
            .map_err(Failure::from);
        assert_eq!(result.err().unwrap().kind, FailureKind::SignInAgain);
    }
    assert!(script.sent().is_empty());
}

#[tokio::test]
async fn a_log_is_asked_with_a_token_of_its_own_whoever_signs_in() {
    for by_person in [true, false] {
        let clock = clock();
        let drawer = Arc::new(Drawer::default());
        drawer.saved.lock().unwrap().push("rt-0".into());
        let mut refused_once = false;
        let script = Script::new(move |sent| match sent.uri.host().unwrap_or_default() {
            "login.microsoftonline.com" => {
                let logs = sent.form("scope").unwrap().starts_with("https://api.loganalytics.io/");
                let token = if logs { "for-the-log" } else { "for-azure" };
                answer(200, &json!({"token_type": "Bearer", "expires_in": 3600, "access_token": token}))
            }
            "management.azure.com" => answer(200, &json!({"properties": {"customerId": "c0ffee"}})),
            // A token that is refused is replaced once.
            _ if !std::mem::replace(&mut refused_once, true) => {
                answer(401, &json!({"error": {"code": "InvalidTokenError", "message": "no"}}))
            }
            _ => answer(
                200,
                &json!({"tables": [{
                    "name": "PrimaryResult",
                    "columns": [{"name": "Title"}, {"name": "TimeGenerated"}, {"name": "IncidentNumber"}, {"name": "IncidentName"}],
                    "rows": [["A title", "2026-05-04T08:00:00.1234567Z", 7, "5A00"], ["Another", null, null, null]],
                }]}),
            ),
        });
        let tokens: Arc<dyn Tokens> = match by_person {
            true => Arc::new(delegated(&script, &drawer, &clock)),
            false => Arc::new(app_tokens(&script, &clock)),
        };
        let connection = MicrosoftConnection {
            id: ConnectionId(uuid::Uuid::nil()),
            name: "soc".into(),
            tenant_id: TENANT.into(),
            oauth_client_id: "app".into(),
            identity: if by_person { MicrosoftIdentity::Delegated } else { MicrosoftIdentity::ClientSecret },
            endpoints: MicrosoftEndpoints::of_cloud("public").unwrap(),
            api_version: "2025-09-01".into(),
            allow_insecure: false,
            writes_per_5min: 75,
            secret_expires: None,
        };
        let budgets = Arc::new(Subscriptions::default());
        let sentinel = Sentinel::new(&connection, script.clone(), tokens, Arc::new(clock.clone()), budgets);
        let workspace = WorkspaceAddress {
            subscription: "aaaaaaaa-0000-4000-8000-000000000001".into(),
            resource_group: "rg-soc".into(),
            workspace: "law-soc".into(),
        };
        let now = clock.now();
        let span = LogSpan { from: now - SignedDuration::from_hours(48), to: now, rows: 100, pages: 1 };
        let logged = sentinel.logged(&Place { tenant: TENANT.into(), workspace }, &span).await.unwrap();
        let told: Vec<_> =
            logged.incidents.iter().map(|one| (one.id.as_str(), one.number, one.title.as_str())).collect();
        assert_eq!(told, [("5a00", Some(7), "A title")]);
        assert_eq!(logged.cut.as_deref(), Some("Rows of the log that name no incident: 1."));
        let sent = script.sent();
        let to = |host: &str| sent.iter().filter(|one| one.uri.host() == Some(host)).collect::<Vec<_>>();
        let azure = to("management.azure.com");
        assert!(
            azure[0].path().ends_with("/workspaces/law-soc") && azure[0].headers["authorization"] == "Bearer for-azure"
        );
        let asked = to("api.loganalytics.io");
        assert_eq!((asked.len(), asked[0].path()), (2, "/v1/workspaces/c0ffee/query"));
        assert!(asked.iter().all(|one| one.headers["authorization"] == "Bearer for-the-log"));
        assert!(asked[0].json()["query"].as_str().unwrap().contains("arg_max(TimeGenerated, *) by IncidentName"));
        let right = if by_person { "/Data.Read offline_access" } else { "/.default" };
        let scopes: Vec<String> = to("login.microsoftonline.com").iter().filter_map(|one| one.form("scope")).collect();
        assert!(scopes.contains(&format!("https://api.loganalytics.io{right}")), "{scopes:?}");
    }
}
