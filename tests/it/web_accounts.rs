//! The first admin, signing in and out, passwords, sessions, throttling.

use axum::body::Body;
use halobridge::{
    domain::account::{Role, Scope},
    service::accounts,
};
use http::{Request, StatusCode};
use jiff::SignedDuration;

use crate::support::{Browser, PASSWORD, TestApp};

async fn with_admin() -> TestApp {
    let app = TestApp::new().await;
    app.person("ada", Role::Admin, Scope::All).await;
    app
}

#[tokio::test]
async fn the_first_admin_needs_the_printed_code_and_there_is_only_one() {
    let app = TestApp::new().await;
    let mut browser = Browser::default();
    assert_eq!(app.page(&mut browser, "/").await.location(), "/sign-in");
    assert_eq!(app.page(&mut browser, "/sign-in").await.location(), "/set-up");
    assert_eq!(app.page(&mut browser, "/set-up").await.status, StatusCode::OK);

    let code = accounts::offer_set_up(&app.app).await.unwrap().expect("nobody is there yet");
    let wrong = [("code", "AAAAA-AAAAA-AAAAA-AAAAA"), ("name", "ada <b>"), ("password", "password1")];
    let answer = app.submit(&mut browser, "/set-up", &wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("not the code") && answer.body.contains("most common"), "{}", answer.body);
    assert!(answer.body.contains("ada &lt;b&gt;"), "what was typed stays");
    assert!(!answer.body.contains("password1"), "a password is never sent back");
    assert!(!answer.body.contains(&code));

    let typed = code.to_lowercase().replace('-', " ");
    let right = [("code", typed.as_str()), ("name", "ada"), ("password", PASSWORD)];
    let answer = app.submit(&mut browser, "/set-up", &right).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/set-up/microsoft"), "{}", answer.body);
    assert_eq!(app.page(&mut browser, "/").await.status, StatusCode::OK, "they are signed in");

    let mut second = Browser::default();
    let again = [("code", typed.as_str()), ("name", "eve"), ("password", PASSWORD)];
    assert_eq!(app.submit(&mut second, "/set-up", &again).await.status, StatusCode::CONFLICT);
    assert_eq!(accounts::offer_set_up(&app.app).await.unwrap(), None);
}

#[tokio::test]
async fn unknown_names_and_wrong_passwords_get_the_same_answer() {
    let app = with_admin().await;
    let mut browser = Browser::default();
    let form = |name| [("name", name), ("password", "not the password"), ("next", "/runs")];
    let wrong = app.submit(&mut browser, "/sign-in", &form("ada")).await;
    let unknown = app.submit(&mut browser, "/sign-in", &form("eva")).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(wrong.body.replace("ada", "eva"), unknown.body);
    assert!(browser.cookies.is_empty(), "a stranger gets no session: {:?}", browser.cookies);
}

#[tokio::test]
async fn after_signing_in_only_own_pages_are_opened() {
    let app = with_admin().await;
    for (next, to) in [("/runs?failed=1", "/runs?failed=1"), ("//evil.example", "/"), ("https://evil.example", "/")] {
        let form = [("name", "ADA"), ("password", PASSWORD), ("next", next)];
        let answer = app.submit(&mut Browser::default(), "/sign-in", &form).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, to));
    }
}

#[tokio::test]
async fn signing_in_gives_a_new_session_and_signing_out_ends_it_for_real() {
    let app = with_admin().await;
    let mut browser = app.signed_in("ada").await;
    let before = browser.clone();
    let form = [("name", "ada"), ("password", PASSWORD)];
    app.submit(&mut browser, "/sign-in", &form).await;
    assert_ne!(browser.cookies, before.cookies, "the id is new at each sign-in");
    assert_eq!(app.page(&mut before.clone(), "/account").await.status, StatusCode::SEE_OTHER, "the old one has ended");

    let stolen = browser.clone();
    assert_eq!(app.submit(&mut browser, "/sign-out", &[]).await.location(), "/sign-in");
    let replayed = app.page(&mut stolen.clone(), "/account").await;
    assert_eq!((replayed.status, replayed.location()), (StatusCode::SEE_OTHER, "/sign-in?next=%2Faccount"));
    let replayed = app.submit(&mut stolen.clone(), "/account/sessions", &[]).await;
    assert_eq!(replayed.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_session_that_ends_in_mid_form_says_so_and_leads_back() {
    let app = with_admin().await;
    let mut browser = app.signed_in("ada").await;
    app.clock.advance(SignedDuration::from_mins(45));
    let referer = "http://127.0.0.1:8080/set-up/mapping?policy=standard";
    for (referer, next) in [
        (Some(referer), "/sign-in?next=%2Fset-up%2Fmapping%3Fpolicy%3Dstandard"),
        (Some("https://evil.example//evil.example/x"), "/sign-in"),
        (None, "/sign-in"),
    ] {
        let mut request = Request::post("/account/sessions").body(Body::from("name=typed")).unwrap();
        let headers = request.headers_mut();
        headers.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
        let cookies: Vec<String> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        headers.insert("cookie", cookies.join("; ").parse().unwrap());
        if let Some(referer) = referer {
            headers.insert("referer", referer.parse().unwrap());
        }
        let answer = app.send(request).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(answer.body.contains("Your session has ended"), "{}", answer.body);
        assert!(!answer.body.contains("You may not do this") && !answer.body.contains("ask an admin"));
        assert!(answer.body.contains(&format!("href=\"{next}\"")), "{next}: {}", answer.body);
    }
    // signed in again, the same request is carried out: that is what reloading the page does
    let form = [("name", "ada"), ("password", PASSWORD)];
    assert_eq!(app.submit(&mut browser, "/sign-in", &form).await.status, StatusCode::SEE_OTHER);
    assert_eq!(app.submit(&mut browser, "/account/sessions", &[]).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn sessions_end_when_idle_and_after_half_a_day() {
    let app = with_admin().await;
    let mut browser = app.signed_in("ada").await;
    for _ in 0..28 {
        app.clock.advance(SignedDuration::from_mins(25));
        assert_eq!(app.page(&mut browser, "/account").await.status, StatusCode::OK, "it is used");
    }
    app.clock.advance(SignedDuration::from_mins(25));
    assert_eq!(app.page(&mut browser, "/account").await.status, StatusCode::SEE_OTHER, "12 hours and 5 minutes");

    let mut browser = app.signed_in("ada").await;
    app.clock.advance(SignedDuration::from_mins(20));
    // what is fetched in the background is no use of the console
    assert_eq!(app.page(&mut browser, "/?fragment=1").await.status, StatusCode::OK);
    app.clock.advance(SignedDuration::from_mins(11));
    assert_eq!(app.page(&mut browser, "/?fragment=1").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_new_password_ends_all_other_sessions() {
    let app = with_admin().await;
    let mut here = app.signed_in("ada").await;
    let mut there = app.signed_in("ada").await;
    let new = "another kettle of violet fish";
    for (current, password, status) in [
        ("wrong", new, StatusCode::UNPROCESSABLE_ENTITY),
        (PASSWORD, "short", StatusCode::UNPROCESSABLE_ENTITY),
        (PASSWORD, PASSWORD, StatusCode::UNPROCESSABLE_ENTITY),
        (PASSWORD, new, StatusCode::SEE_OTHER),
    ] {
        let answer = app.submit(&mut here, "/account/password", &[("current", current), ("password", password)]).await;
        assert_eq!(answer.status, status, "{current} → {password}");
        assert!(!answer.body.contains(PASSWORD) && !answer.body.contains(new));
    }
    assert_eq!(app.page(&mut here, "/account").await.status, StatusCode::OK);
    assert_eq!(app.page(&mut there, "/account").await.status, StatusCode::SEE_OTHER);
    let mut again = Browser::default();
    let old = app.submit(&mut again, "/sign-in", &[("name", "ada"), ("password", PASSWORD)]).await;
    assert_eq!(old.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn one_can_sign_out_everywhere_else() {
    let app = with_admin().await;
    let mut here = app.signed_in("ada").await;
    let mut there = app.signed_in("ada").await;
    assert_eq!(app.submit(&mut here, "/account/sessions", &[]).await.location(), "/account");
    assert_eq!(app.page(&mut here, "/account").await.status, StatusCode::OK);
    assert_eq!(app.page(&mut there, "/account").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_switched_off_account_is_out_at_once() {
    let app = with_admin().await;
    app.person("eve", Role::Viewer, Scope::All).await;
    let mut eve = app.signed_in("eve").await;
    let mut user = app.app.store.user_by_name("eve").await.unwrap().unwrap().user;
    user.disabled = true;
    let mut tx = app.app.store.begin().await.unwrap();
    tx.update_user(&user).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(app.page(&mut eve, "/account").await.status, StatusCode::SEE_OTHER);
    let form = [("name", "eve"), ("password", PASSWORD)];
    assert_eq!(app.submit(&mut eve, "/sign-in", &form).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let app = with_admin().await;
    let mut browser = Browser::default();
    let form = [("name", "ada"), ("password", "a wrong guess")];
    let mut tried = 0;
    for _ in 0..300 {
        let answer = app.submit(&mut browser, "/sign-in", &form).await;
        match answer.status {
            StatusCode::UNPROCESSABLE_ENTITY => tried += 1,
            StatusCode::TOO_MANY_REQUESTS => {
                assert!(answer.headers.contains_key(http::header::RETRY_AFTER));
                assert!(answer.body.contains("Too many attempts"), "{}", answer.body);
            }
            other => panic!("{other}"),
        }
        app.clock.advance(SignedDuration::from_millis(900));
    }
    assert!((5..=10).contains(&tried), "{tried} tries in five minutes");
    app.clock.advance(SignedDuration::from_mins(6));
    app.signed_in("ada").await;
}

#[tokio::test]
async fn cookies_are_kept_from_scripts_and_other_sites() {
    for (address, secure) in [("http://127.0.0.1:8080", false), ("https://bridge.example.com", true)] {
        let app = TestApp::at(address).await;
        app.person("ada", Role::Admin, Scope::All).await;
        let mut browser = Browser::default();
        let form = [("name", "ada"), ("password", PASSWORD)];
        let signed_in = app.submit_from(&mut browser, "/sign-in", &form, address).await;
        let preferences = [("theme", "dark"), ("density", "roomy"), ("keys", "off"), ("next", "/account")];
        let chosen = app.submit_from(&mut browser, "/preferences", &preferences, address).await;
        let set: Vec<String> = [&signed_in, &chosen]
            .iter()
            .flat_map(|answer| answer.headers.get_all(http::header::SET_COOKIE))
            .map(|value| value.to_str().unwrap().to_owned())
            .collect();
        assert_eq!(set.len(), 4, "{set:?}");
        for cookie in set {
            assert_eq!(cookie.starts_with("__Host-"), secure, "{cookie}");
            assert_eq!(cookie.contains("Secure"), secure, "{cookie}");
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
            assert!(cookie.contains("Path=/") && !cookie.contains("Domain"), "{cookie}");
        }
    }
}
