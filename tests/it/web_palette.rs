//! The palette: every entry is a link or a button, and nobody finds what they may not see.

use halobridge::domain::account::Role;
use http::StatusCode;

use crate::support::{TestApp, seed};

async fn app() -> TestApp {
    TestApp::peopled(Role::Operator).await
}

fn linked(body: &str, address: &str) -> bool {
    body.contains(&format!("href=\"{address}\""))
}

#[tokio::test]
async fn each_person_is_offered_the_pages_that_they_may_see() {
    let app = app().await;
    for (name, set_up, tickets) in [("admin", true, true), ("operator", false, true), ("viewer", false, false)] {
        let mut browser = app.signed_in(name).await;
        let page = app.page(&mut browser, "/palette?fragment=1").await;
        assert_eq!(page.status, StatusCode::OK, "{name}");
        for address in ["/", "/incidents", "/problems", "/approvals", "/backfill", "/look-up", "/ledger", "/account"] {
            assert!(linked(&page.body, address), "{name}: {address} in {}", page.body);
        }
        for address in ["/accounts", "/tokens", "/configuration", "/set-up", "/set-up/mapping"] {
            assert_eq!(linked(&page.body, address), set_up, "{name}: {address}");
        }
        assert_eq!(linked(&page.body, "/tickets"), tickets, "{name}");
        assert!(!page.body.contains("A title"), "no incident before something is looked for");
    }
}

#[tokio::test]
async fn linked_incidents_are_found_as_one_types_within_ones_clients() {
    let app = app().await;
    let (mut admin, mut other) = (app.signed_in("admin").await, app.signed_in("other").await);
    let (first, second) = (format!("/pairs/{}", seed::pair(1)), format!("/pairs/{}", seed::pair(2)));
    for (query, finds) in [("title", (true, true)), ("HB-0000000001", (true, false)), ("zzzz", (false, false))] {
        let page = app.page(&mut admin, &format!("/palette?q={query}")).await.body;
        assert_eq!((linked(&page, &first), linked(&page, &second)), finds, "{query}: {page}");
        let page = app.page(&mut other, &format!("/palette?q={query}&fragment=1")).await.body;
        assert_eq!((linked(&page, &first), linked(&page, &second)), (false, finds.1), "{query}: {page}");
    }
    // What an entry does not show and is found by, it says.
    let page = app.page(&mut admin, "/palette?q=hb-0000000001&fragment=1").await.body;
    assert!(page.contains("found by its reference HB-0000000001"), "{page}");
    let page = app.page(&mut admin, "/palette?q=title&fragment=1").await.body;
    assert!(!page.contains("found by"), "{page}");
    let page = app.page(&mut admin, "/palette?q=zzzz").await.body;
    assert!(page.contains("Nothing is called that"), "{page}");
    let page = app.page(&mut admin, "/palette?q=backf&fragment=1").await.body;
    assert!(linked(&page, "/backfill") && !linked(&page, "/ledger"), "{page}");
}

#[tokio::test]
async fn the_acts_of_the_page_one_came_from_are_offered_to_who_may_do_them() {
    let app = app().await;
    let pair = format!("/pairs/{}", seed::pair(1));
    let acts = |body: &str| {
        let form = |act: &str| body.contains(&format!("action=\"{pair}/{act}\""));
        (form("look"), form("sync"), linked(body, &format!("{pair}/rebuild")))
    };
    for (name, offered) in [("operator", true), ("viewer", false), ("other", false)] {
        let mut browser = app.signed_in(name).await;
        let page = app.page(&mut browser, &format!("/palette?fragment=1&of={pair}")).await.body;
        assert_eq!(acts(&page), (offered, offered, offered), "{name}: {page}");
    }
    let mut browser = app.signed_in("operator").await;
    let page = app.page(&mut browser, "/palette?fragment=1&of=%2F%3Fhealth%3Dneeds-you").await.body;
    assert!(linked(&page, "/pairs.csv?health=needs-you"), "{page}");
    assert!(linked(&page, "/?health=needs-you&amp;kiosk=1"), "{page}");
    let wall = app.page(&mut browser, "/?health=needs-you&kiosk=1").await;
    assert!(wall.status == StatusCode::OK && wall.body.contains("console kiosk"), "{}", wall.body);
    // An address of another site is none.
    let page = app.page(&mut browser, "/palette?of=https%3A%2F%2Fevil.example%2Fpairs%2F1").await.body;
    assert!(!page.contains("value=\"https://evil.example"), "{page}");
}

#[tokio::test]
async fn before_a_pair_is_rebuilt_its_plan_is_shown() {
    let app = app().await;
    let mut browser = app.signed_in("operator").await;
    let address = format!("/pairs/{}", seed::pair(1));
    let pair = app.page(&mut browser, &address).await.body;
    // Three acts, told apart by their words.
    for words in ["Look again", "Sync now", "Rebuild from both sides"] {
        assert!(pair.contains(words), "{words}");
    }
    app.engine.taken();
    let page = app.page(&mut browser, &format!("{address}/rebuild")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.body.contains("What would be written") && page.body.contains(&format!("action=\"{address}/rebuild\""))
    );
    assert!(app.app.store.asked().await.unwrap().is_empty(), "looking at a plan asks for nothing");
    assert_eq!(app.engine.taken(), Vec::<String>::new());
}
