//! Webhooks in: who is let in, what is kept, what is answered.

use std::{sync::Arc, time::Duration};

use axum::body::Body;
use base64::{Engine, engine::general_purpose::STANDARD};
use halobridge::{
    clock::IdSource,
    domain::{account::Scope, delivery::DeliverySource},
    service::intake,
    store::DeliveryFilter,
    web::{self, WebOptions},
};
use hmac::{Hmac, KeyInit, Mac};
use http::StatusCode;
use sha2::Sha256;

use crate::support::{
    TestApp,
    seed::{self, HOOK_SECRET},
};

const MAX: usize = 2 * 1024 * 1024;

async fn app() -> TestApp {
    let app = TestApp::new().await;
    app.seed_installation().await;
    app
}

/// The same with another limit to how long an answer takes.
async fn answering_within(within: Duration) -> TestApp {
    let app = app().await;
    let options = WebOptions { answer_within: within, ..WebOptions::at("http://127.0.0.1:8080".parse().unwrap()) };
    let router = web::router(app.app.clone(), options);
    TestApp { router, ..app }
}

/// A body that begins with so many bytes, and of which nothing more ever comes.
fn never_ending(begins: usize) -> Body {
    use futures::StreamExt as _;
    let begun = futures::stream::iter([Ok::<_, std::io::Error>(vec![b'x'; begins])]);
    Body::from_stream(begun.chain(futures::stream::pending()))
}

async fn kept(app: &TestApp) -> Vec<Vec<u8>> {
    let page = app.app.store.deliveries_page(&DeliveryFilter { waiting: true, scope: Scope::All }, None, 100).await;
    let mut bodies = Vec::new();
    for row in page.unwrap().rows {
        bodies.push(app.app.store.delivery(row.id).await.unwrap().unwrap().body);
    }
    bodies
}

fn bearer() -> String {
    format!("Bearer {HOOK_SECRET}")
}

fn signed(body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(HOOK_SECRET.as_bytes()).unwrap();
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}

#[tokio::test]
async fn sentinel_is_known_by_its_secret_and_by_id_or_name() {
    let app = app().await;
    let (bearer, by_id) = (bearer(), format!("/hooks/sentinel/{}", seed::workspace(1)));
    let accepted: [(&str, (&str, &str)); 4] = [
        (&by_id, ("authorization", &bearer)),
        (&by_id, ("x-halobridge-secret", HOOK_SECRET)),
        ("/hooks/sentinel/ws1", ("authorization", &bearer)),
        ("/hooks/sentinel/WS1", ("X-Halobridge-Secret", HOOK_SECRET)),
    ];
    for (path, header) in accepted {
        let answer = app.hook(path, &[header], r#"{"a":1}"#).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{path} {header:?}");
        assert_eq!(app.engine.taken(), [format!("poll {} Webhook", seed::workspace(1))]);
    }
    let refused: [(&str, &[(&str, &str)]); 7] = [
        (&by_id, &[]),
        (&by_id, &[("authorization", "Bearer wrong")]),
        (&by_id, &[("authorization", HOOK_SECRET)]),
        (&by_id, &[("x-halobridge-secret", "a webhook's secret 7c1")]),
        (&by_id, &[("x-halobridge-secret", "")]),
        ("/hooks/sentinel/nowhere", &[("authorization", &bearer)]),
        ("/hooks/sentinel/01980000-0000-7000-8000-0000000000ff", &[("authorization", &bearer)]),
    ];
    let mut answers = Vec::new();
    for (path, headers) in refused {
        let answer = app.hook(path, headers, r#"{"a":1}"#).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path} {headers:?}");
        answers.push(answer.body);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "an unknown workspace and a wrong secret look alike");
    assert_eq!(app.engine.taken(), Vec::<String>::new());
    assert_eq!(kept(&app).await.len(), 4);
}

#[tokio::test]
async fn every_authentic_body_is_kept_whatever_it_holds() {
    let app = app().await;
    let bodies: [Vec<u8>; 4] = [b"{ not json".to_vec(), Vec::new(), vec![0xff, 0x00, 0xfe, b'{'], vec![b'x'; MAX]];
    for body in &bodies {
        let answer = app.hook("/hooks/sentinel/ws1", &[("authorization", &bearer())], body.clone()).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{} bytes", body.len());
    }
    let mut kept = kept(&app).await;
    let mut sent = bodies.to_vec();
    kept.sort();
    sent.sort();
    assert!(kept == sent, "what is kept is what was sent, byte by byte");
}

#[tokio::test]
async fn a_body_beyond_two_mebibytes_is_refused_and_read_to_its_end() {
    let app = app().await;
    for size in [MAX + 1, 10 * 1024 * 1024] {
        for announced in [true, false] {
            let body = vec![b'x'; size];
            let body = if announced {
                Body::from(body)
            } else {
                Body::from_stream(futures::stream::iter(
                    body.chunks(65_536).map(|part| Ok::<_, std::io::Error>(part.to_vec())).collect::<Vec<_>>(),
                ))
            };
            let length = size.to_string();
            let bearer = bearer();
            let mut headers = vec![("authorization", bearer.as_str())];
            if announced {
                headers.push(("content-length", &length));
            }
            let answer = app.hook("/hooks/sentinel/ws1", &headers, body).await;
            assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{size} {announced}");
        }
    }
    let answer = app.hook("/hooks/halo/desk", &[("x-halo-signature", "x")], vec![b'x'; MAX + 1]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(kept(&app).await.is_empty());
}

#[tokio::test]
async fn a_sender_that_breaks_off_is_not_told_of_as_one_that_sends_too_much() {
    let app = app().await;
    let bearer = bearer();
    let sources = [
        DeliverySource::Sentinel { workspace: seed::workspace(1), client: seed::client(1) },
        DeliverySource::Halo { connection: seed::HALO },
    ];
    for (path, header) in [
        ("/hooks/sentinel/ws1", ("authorization", bearer.as_str())),
        ("/hooks/halo/desk", ("authorization", bearer.as_str())),
        ("/hooks/halo/desk", ("x-halo-signature", "not a signature")),
    ] {
        let parts = [Ok(b"{".to_vec()), Err(std::io::Error::other("the sender has gone"))];
        let answer = app.hook(path, &[header], Body::from_stream(futures::stream::iter(parts))).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path} {header:?}");
        for source in sources {
            assert_eq!(intake::turned_away(&app.app, source), None, "{path} {header:?}");
        }
    }
    assert!(kept(&app).await.is_empty());
}

#[tokio::test]
async fn halo_signs_or_brings_the_secret() {
    let app = app().await;
    let body = r#"[{"id":"5f0c","object_id":2001},{"ticket":{"id":2002}}]"#;
    let (signature, bearer) = (signed(body.as_bytes()), bearer());
    let basic = format!("Basic {}", STANDARD.encode(format!("halo:{HOOK_SECRET}")));
    let by_id = format!("/hooks/halo/{}", seed::HALO);
    let accepted: [(&str, (&str, &str)); 4] = [
        (&by_id, ("x-halo-signature", &signature)),
        ("/hooks/halo/DESK", ("X-Halo-Signature", &signature)),
        (&by_id, ("authorization", &bearer)),
        (&by_id, ("authorization", &basic)),
    ];
    for (path, header) in accepted {
        assert_eq!(app.hook(path, &[header], body).await.status, StatusCode::ACCEPTED, "{path} {header:?}");
        assert_eq!(app.engine.taken(), [format!("halo {} Some([2001, 2002])", seed::HALO)]);
    }
    let other = signed(b"another body");
    for header in [("x-halo-signature", other.as_str()), ("x-other", &signature), ("authorization", "Basic eDp5")] {
        assert_eq!(app.hook(&by_id, &[header], body).await.status, StatusCode::UNAUTHORIZED, "{header:?}");
    }
    let plain = "no json";
    let answer = app.hook(&by_id, &[("x-halo-signature", &signed(plain.as_bytes()))], plain).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(app.engine.taken(), [format!("halo {} None", seed::HALO)], "unreadable means: look yourself");
}

#[tokio::test]
async fn bodies_that_never_end_take_up_bounded_room_and_a_known_sender_has_its_own() {
    // However long the host takes for it: none of them is given up meanwhile.
    let app = answering_within(Duration::from_secs(24 * 3_600)).await;
    let half = || never_ending(1024 * 1024);
    let sign = [("x-halo-signature", "not a signature")];
    // As much as is held of those whose signature can only be looked at with the whole body.
    let open = futures::future::join_all((0..32).map(async |_| {
        // The one more may stand where this one is to: whoever finds no room comes again.
        while app.hook("/hooks/halo/desk", &sign, half()).await.status == StatusCode::SERVICE_UNAVAILABLE {
            tokio::task::yield_now().await;
        }
    }));
    let one_more = async {
        let mut answer = app.hook("/hooks/halo/desk", &sign, "one more").await;
        while answer.status == StatusCode::UNAUTHORIZED {
            tokio::task::yield_now().await;
            answer = app.hook("/hooks/halo/desk", &sign, "one more").await;
        }
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.headers.contains_key(http::header::RETRY_AFTER));
        // Whoever brings no signature, or names nobody, is refused before a byte is kept.
        let strangers: [(&str, &[(&str, &str)]); 2] = [("/hooks/halo/nowhere", &sign), ("/hooks/halo/desk", &[])];
        for (path, headers) in strangers {
            assert_eq!(app.hook(path, headers, "x").await.status, StatusCode::UNAUTHORIZED, "{path}");
        }
        let bearer = bearer();
        for path in ["/hooks/halo/desk", "/hooks/sentinel/ws1"] {
            let taken = app.hook(path, &[("authorization", &bearer)], "{}").await;
            assert_eq!(taken.status, StatusCode::ACCEPTED, "{path}");
        }
    };
    tokio::select! {
        _ = open => panic!("none of them ends"),
        () = one_more => {}
    }
    let signature = signed(b"{}");
    let after = app.hook("/hooks/halo/desk", &[("x-halo-signature", &signature)], "{}").await;
    assert_eq!(after.status, StatusCode::ACCEPTED, "the room is free again");
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let app = answering_within(Duration::from_millis(1)).await;
    let (bearer, sign) = (bearer(), [("x-halo-signature", "not a signature")]);
    for headers in [[("authorization", bearer.as_str())], sign] {
        let answer = app.hook("/hooks/halo/desk", &headers, never_ending(1_024)).await;
        assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT, "{headers:?}");
    }
    assert!(kept(&app).await.is_empty());
}

#[tokio::test]
async fn a_new_secret_holds_at_once() {
    let app = app().await;
    assert_eq!(
        app.hook("/hooks/sentinel/ws1", &[("authorization", &bearer())], "x").await.status,
        StatusCode::ACCEPTED
    );
    let workspace = app.app.installation().await.unwrap().workspaces[0].clone();
    let mut tx = app.app.store.begin().await.unwrap();
    tx.put_workspace(&workspace).await.unwrap();
    let new = secrecy::SecretString::from("the new one".to_owned());
    let owner = halobridge::store::SecretOwner::Workspace(workspace.id);
    tx.put_secret(app.now(), owner, "webhook", &new, &halobridge::store::SecretSource::Sealed).await.unwrap();
    tx.commit().await.unwrap();
    let path = format!("/hooks/sentinel/{}", workspace.id);
    assert_eq!(app.hook(&path, &[("authorization", &bearer())], "x").await.status, StatusCode::UNAUTHORIZED);
    let answer = app.hook(&path, &[("authorization", "Bearer the new one")], "x").await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn the_secrets_are_read_once_for_many_webhooks_at_once() {
    let app = app().await;
    let bearer = bearer();
    let headers = [("authorization", bearer.as_str())];
    let before = intake::doors_made(&app.app);
    let all = (0..20).map(|_| app.hook("/hooks/sentinel/ws1", &headers, r#"{"a":1}"#));
    for answer in futures::future::join_all(all).await {
        assert_eq!(answer.status, StatusCode::ACCEPTED);
    }
    assert_eq!(intake::doors_made(&app.app) - before, 1);
}

#[tokio::test]
async fn a_secret_may_hold_any_letters() {
    let app = app().await;
    let workspace = app.app.installation().await.unwrap().workspaces[0].clone();
    let mut tx = app.app.store.begin().await.unwrap();
    tx.put_workspace(&workspace).await.unwrap();
    let owner = halobridge::store::SecretOwner::Workspace(workspace.id);
    let secret = secrecy::SecretString::from("s3cret-ünïcode".to_owned());
    tx.put_secret(app.now(), owner, "webhook", &secret, &halobridge::store::SecretSource::Sealed).await.unwrap();
    tx.commit().await.unwrap();
    let path = format!("/hooks/sentinel/{}", workspace.id);
    // UTF-8, as most senders write it, and Latin-1, as Python's client does.
    for bytes in ["s3cret-ünïcode".as_bytes(), b"s3cret-\xfcn\xefcode"] {
        for (name, before) in [("x-halobridge-secret", &b""[..]), ("authorization", b"Bearer ")] {
            let value = http::HeaderValue::from_bytes(&[before, bytes].concat()).unwrap();
            let answer = app.hook_with(&path, name, value, "x").await;
            assert_eq!(answer.status, StatusCode::ACCEPTED, "{name} {bytes:?}");
        }
    }
    let wrong = http::HeaderValue::from_bytes(b"s3cret-\xfdn\xefcode").unwrap();
    assert_eq!(app.hook_with(&path, "x-halobridge-secret", wrong, "x").await.status, StatusCode::UNAUTHORIZED);
}

/// Gives the same bytes for ever, so that the second delivery has the first one's id and the store refuses it.
struct Stuck;

impl IdSource for Stuck {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

#[tokio::test]
async fn what_cannot_be_kept_is_not_acknowledged() {
    let app = TestApp::with_ids("http://127.0.0.1:8080", Arc::new(Stuck)).await;
    app.seed_installation().await;
    let bearer = bearer();
    let headers = [("authorization", bearer.as_str())];
    assert_eq!(app.hook("/hooks/sentinel/ws1", &headers, "x").await.status, StatusCode::ACCEPTED);
    app.engine.taken();
    let answer = app.hook("/hooks/sentinel/ws1", &headers, "y").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers.contains_key(http::header::RETRY_AFTER));
    assert!(!answer.body.contains("deliveries"), "no inside details: {}", answer.body);
    assert_eq!(app.engine.taken(), Vec::<String>::new(), "the engine hears of nothing that is not durable");
    assert_eq!(kept(&app).await, [b"x".to_vec()]);
}

#[tokio::test]
async fn many_at_once_are_each_kept_once() {
    let app = app().await;
    let bearer = bearer();
    let headers = [("authorization", bearer.as_str())];
    // Every fifth is the one before it once more.
    let body = |n: usize| format!(r#"{{"n":{}}}"#, if n % 5 == 4 { n - 1 } else { n });
    let all = (0..200).map(|n| app.hook("/hooks/sentinel/ws1", &headers, body(n)));
    for answer in futures::future::join_all(all).await {
        assert_eq!(answer.status, StatusCode::ACCEPTED);
    }
    let kept = app.app.store.deliveries_waiting(1_000).await.unwrap();
    let mut kept: Vec<String> = kept.into_iter().map(|one| String::from_utf8(one.body).unwrap()).collect();
    let mut sent: Vec<String> = (0..200).map(body).collect();
    kept.sort();
    sent.sort();
    assert_eq!(kept, sent);
    app.app.store.verify_ledger().await.unwrap();
}

#[tokio::test]
async fn of_many_at_a_failing_store_each_hears_whether_it_was_kept() {
    let app = app().await;
    let bearer = bearer();
    let headers = [("authorization", bearer.as_str())];
    app.hook("/hooks/sentinel/ws1", &headers, "the first").await;
    app.app.store.limit_pages(Some(40), false).await.unwrap();
    let body = |n: usize| format!("{n} {}", "x".repeat(20_000));
    let answers = futures::future::join_all((0..50).map(|n| app.hook("/hooks/sentinel/ws1", &headers, body(n)))).await;
    let kept = app.app.store.deliveries_waiting(1_000).await.unwrap();
    let mut refused = Vec::new();
    for (n, answer) in answers.iter().enumerate() {
        let count = kept.iter().filter(|one| one.body == body(n).as_bytes()).count();
        match answer.status {
            StatusCode::ACCEPTED => assert_eq!(count, 1, "{n}"),
            status => {
                assert_eq!((status, count), (StatusCode::SERVICE_UNAVAILABLE, 0), "{n}");
                assert!(answer.headers.contains_key(http::header::RETRY_AFTER));
                refused.push(n);
            }
        }
    }
    assert!(!refused.is_empty(), "more than there is room for");
    app.app.store.limit_pages(None, false).await.unwrap();
    for n in refused {
        assert_eq!(app.hook("/hooks/sentinel/ws1", &headers, body(n)).await.status, StatusCode::ACCEPTED);
    }
    assert_eq!(app.app.store.intake_backlog().await.unwrap().0, 51);
}
