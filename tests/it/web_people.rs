//! Accounts of others: made, changed, switched off and on in the browser.

use halobridge::domain::account::{Role, Scope};
use http::StatusCode;

use crate::support::{TestApp, seed};

async fn app() -> TestApp {
    let app = TestApp::new().await;
    app.seed("A title", "some words").await;
    app.person("admin", Role::Admin, Scope::All).await;
    app
}

/// The text of the field that shows a password once.
fn shown(body: &str) -> String {
    let at = body.find("class=\"copyable\"").expect("a password is shown");
    let (before, after) = body.split_at(at);
    let tag = format!("{}{}", before.rsplit('<').next().unwrap(), after.split('>').next().unwrap());
    let value = tag.split("value=\"").nth(1).expect("its value");
    value.split('"').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn an_account_is_made_changed_and_switched_off_in_the_browser() {
    let app = app().await;
    let mut admin = app.signed_in("admin").await;
    let one = seed::client(1).to_string();
    let form = [("name", "vera"), ("role", "viewer"), ("sees", "some"), ("client", one.as_str())];
    let made = app.submit(&mut admin, "/accounts", &form).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    let password = shown(&made.body);
    assert_eq!(password.len(), 16, "{password}");
    assert!(!app.page(&mut admin, "/accounts").await.body.contains(&password), "shown once");
    let vera = app.app.store.user_by_name("vera").await.unwrap().unwrap().user;
    assert_eq!((vera.role, &vera.scope), (Role::Viewer, &Scope::Clients(vec![seed::client(1)])));

    let mut browser = crate::support::Browser::default();
    let signed_in = app.submit(&mut browser, "/sign-in", &[("name", "vera"), ("password", &password)]).await;
    assert_eq!(signed_in.status, StatusCode::SEE_OTHER);
    let look = format!("/pairs/{}/look", seed::pair(1));
    assert_eq!(app.submit(&mut browser, &look, &[]).await.status, StatusCode::FORBIDDEN);

    // A change holds in the session that is open.
    let at = format!("/accounts/{}", vera.id);
    let page = app.page(&mut admin, &at).await.body;
    assert!(page.contains("Account vera") && page.contains("value=\"viewer\" checked"), "{page}");
    let changed = app.submit(&mut admin, &at, &[("role", "operator"), ("sees", "all")]).await;
    assert_eq!(changed.location(), "/accounts");
    assert_eq!(app.submit(&mut browser, &look, &[]).await.status, StatusCode::SEE_OTHER);

    // A new password ends it; switched off, the account cannot sign in at all.
    let fresh = shown(&app.submit(&mut admin, &format!("{at}/password"), &[]).await.body);
    assert_eq!(app.page(&mut browser, "/account").await.status, StatusCode::SEE_OTHER, "signed out");
    let sign_in = [("name", "vera"), ("password", fresh.as_str())];
    assert_eq!(app.submit(&mut browser, "/sign-in", &sign_in).await.status, StatusCode::SEE_OTHER);
    assert_eq!(app.submit(&mut admin, &format!("{at}/off"), &[]).await.location(), "/accounts");
    assert_eq!(app.page(&mut browser, "/account").await.status, StatusCode::SEE_OTHER, "signed out");
    assert_eq!(app.submit(&mut browser, "/sign-in", &sign_in).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(app.page(&mut admin, "/accounts").await.body.contains("switched off"));
    assert_eq!(app.submit(&mut admin, &format!("{at}/on"), &[]).await.location(), "/accounts");
    assert_eq!(app.submit(&mut browser, "/sign-in", &sign_in).await.status, StatusCode::SEE_OTHER);

    // The ledger tells who did it, and no password.
    let page = app.page(&mut admin, "/ledger").await.body;
    for told in ["Made an account.", "Changed the account vera: it is operator now.", "it is switched off."] {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(!page.contains(&password) && !page.contains(&fresh));
}

#[tokio::test]
async fn what_is_typed_wrong_of_an_account_is_named() {
    let app = app().await;
    let mut admin = app.signed_in("admin").await;
    for (form, told) in [
        (vec![("name", ""), ("role", "viewer"), ("sees", "all")], "Enter the name to sign in with."),
        (vec![("name", "ADMIN"), ("role", "viewer"), ("sees", "all")], "This name is taken."),
        (vec![("name", "b"), ("role", "king"), ("sees", "all")], "Choose what the account may do."),
        (vec![("name", "b"), ("role", "viewer"), ("sees", "some")], "Choose the clients whose records it sees."),
        (vec![("name", "b"), ("role", "viewer"), ("client", "nobody")], "Choose the clients whose records it sees."),
    ] {
        let answer = app.submit(&mut admin, "/accounts", &form).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{form:?}");
        assert!(answer.body.contains(told), "{told}: {}", answer.body);
    }
    assert_eq!(app.app.store.users().await.unwrap().len(), 1);
}

#[tokio::test]
async fn one_admin_of_everything_is_always_left() {
    let app = app().await;
    app.person("second", Role::Admin, Scope::All).await;
    let mut admin = app.signed_in("admin").await;
    let id = async |name: &str| app.app.store.user_by_name(name).await.unwrap().unwrap().user.id;
    let (own, second) = (id("admin").await, id("second").await);
    for path in [format!("/accounts/{own}/off"), format!("/accounts/{own}/password")] {
        let answer = app.submit(&mut admin, &path, &[]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}: {}", answer.body);
    }
    let one = seed::client(1).to_string();
    let narrowed = [("role", "admin"), ("sees", "some"), ("client", one.as_str())];
    assert_eq!(app.submit(&mut admin, &format!("/accounts/{second}"), &narrowed).await.location(), "/accounts");
    // Beside an admin of one client, the first is the last who manages accounts.
    let alone = halobridge::service::accounts::people::Change { disabled: Some(true), ..Default::default() };
    let refused = halobridge::service::accounts::people::change(&app.app, None, own, alone).await;
    assert!(format!("{refused:?}").contains("last admin"), "{refused:?}");
}
