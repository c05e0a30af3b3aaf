//! Saved views: a filter and an order under a name, with plain forms; never rows, and never rights.

use halobridge::domain::{
    account::{Role, Scope},
    saved::SavedList,
};
use http::StatusCode;

use crate::support::{Browser, TestApp, seed};

async fn app() -> TestApp {
    TestApp::peopled(Role::Operator).await
}

fn linked(body: &str, address: &str, name: &str) -> bool {
    body.contains(&format!("href=\"{}\"", address.replace('&', "&amp;"))) && body.contains(name)
}

/// The addresses on the page of all views that end so, in order.
fn addresses(body: &str, end: &str) -> Vec<String> {
    let values = body.split('"').filter(|part| part.starts_with("/views/"));
    values.filter(|part| part.ends_with(end)).map(str::to_owned).collect()
}

async fn save(app: &TestApp, browser: &mut Browser, name: &str, query: &str, shared: &str) -> StatusCode {
    let form = [("list", "pairs"), ("query", query), ("name", name), ("shared", shared)];
    app.submit(browser, "/views", &form).await.status
}

#[tokio::test]
async fn a_view_is_saved_chosen_renamed_and_removed() {
    let app = app().await;
    let mut viewer = app.signed_in("viewer").await;
    let first = app.page(&mut viewer, "/").await.body;
    assert!(!first.contains("Save this view") && !first.contains("aria-label=\"Saved views\""), "nothing to save");
    let list = app.page(&mut viewer, "/?health=needs-you&sort=client&from=2~o.1").await.body;
    let to = "/views?list=pairs&query=health%3Dneeds-you%26sort%3Dclient";
    assert!(linked(&list, to, "Save this view"), "{list}");
    let page = app.page(&mut viewer, to).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("value=\"health=needs-you&amp;sort=client\""), "{}", page.body);
    let form = [
        ("list", "pairs"),
        ("query", "health=needs-you&sort=client&from=2~o.1&kiosk=1"),
        ("name", "  What   needs me "),
        ("shared", "no"),
    ];
    let saved = app.submit(&mut viewer, "/views", &form).await;
    assert_eq!((saved.status, saved.location()), (StatusCode::SEE_OTHER, "/?health=needs-you&sort=client"));
    let list = app.page(&mut viewer, "/?sort=client&health=needs-you").await.body;
    assert!(list.contains("Saved. The view stands above the list."), "{list}");
    assert!(list.contains("aria-current=\"true\">What needs me</a>"), "{list}");
    assert!(!list.contains("Save this view"), "it is saved already: {list}");
    let elsewhere = app.page(&mut viewer, "/incidents?q=one").await.body;
    assert!(!elsewhere.contains("What needs me") && elsewhere.contains("Save this view"), "{elsewhere}");

    let all = app.page(&mut viewer, "/views").await.body;
    assert!(linked(&all, "/?health=needs-you&sort=client", "What needs me"), "{all}");
    let remove = addresses(&all, "/remove").remove(0);
    let one = remove.trim_end_matches("/remove");
    let changing = app.page(&mut viewer, one).await.body;
    assert!(changing.contains("value=\"What needs me\""), "{changing}");
    let changed = app.submit(&mut viewer, one, &[("name", "Mine"), ("shared", "no")]).await;
    assert_eq!((changed.status, changed.location()), (StatusCode::SEE_OTHER, "/views"));
    let list = app.page(&mut viewer, "/").await.body;
    assert!(linked(&list, "/?health=needs-you&sort=client", ">Mine</a>"), "{list}");
    for said in ["Removed. Nothing else was changed.", "There is no such view any more"] {
        assert_eq!(app.submit(&mut viewer, &remove, &[]).await.location(), "/views");
        assert!(app.page(&mut viewer, "/views").await.body.contains(said), "{said}");
    }
    assert!(!app.page(&mut viewer, "/").await.body.contains(">Mine</a>"));
}

#[tokio::test]
async fn every_list_with_a_filter_offers_to_save_it() {
    let app = app().await;
    let mut admin = app.signed_in("admin").await;
    for list in SavedList::ALL {
        let query = match list {
            SavedList::Pairs => "health=needs-you",
            SavedList::NotLinked => "q=one",
            SavedList::Drift => "class=value",
            SavedList::Shadow => "kind=delayed",
            SavedList::Runs => "failed=1",
            SavedList::Ledger => "fact=paused",
        };
        let to = format!("/views?list={}&query={}", list.as_str(), query.replace('=', "%3D"));
        let page = app.page(&mut admin, &format!("{}?{query}", list.path())).await;
        assert_eq!(page.status, StatusCode::OK, "{list:?}");
        assert!(linked(&page.body, &to, "Save this view"), "{list:?}: {}", page.body);
        let name = format!("My {}", list.as_str());
        let form = [("list", list.as_str()), ("query", query), ("name", name.as_str()), ("shared", "no")];
        let saved = app.submit(&mut admin, "/views", &form).await;
        assert_eq!(saved.location(), format!("{}?{query}", list.path()));
        let plain = app.page(&mut admin, list.path()).await.body;
        let shown = format!(">{name}</a>");
        assert!(linked(&plain, &format!("{}?{query}", list.path()), &shown), "{list:?}: {plain}");
    }
}

#[tokio::test]
async fn a_view_that_cannot_be_saved_comes_back_with_what_was_typed() {
    let app = app().await;
    let mut viewer = app.signed_in("viewer").await;
    assert_eq!(save(&app, &mut viewer, "One", "health=waiting", "no").await, StatusCode::SEE_OTHER);
    let long = "x".repeat(61);
    for (name, query, said) in [
        ("", "health=needs-you", "Enter a name for the view."),
        (long.as_str(), "health=needs-you", "Use at most 60 characters."),
        ("oNE", "health=needs-you", "You have a view of this name already."),
        ("Two", "from=2~o.1", "There is no filter and no order to save."),
    ] {
        let form = [("list", "pairs"), ("query", query), ("name", name), ("shared", "yes")];
        let answer = app.submit(&mut viewer, "/views", &form).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert!(answer.body.contains(said), "{said}: {}", answer.body);
        let kept = answer.body.contains("value=\"health=needs-you\"");
        assert_eq!(kept, query.starts_with("health"), "{name}: {}", answer.body);
    }
    let mut operator = app.signed_in("operator").await;
    assert_eq!(save(&app, &mut operator, "One", "health=waiting", "no").await, StatusCode::SEE_OTHER, "another's name");
    for n in 1..50 {
        assert_eq!(save(&app, &mut viewer, &format!("n{n}"), "dir=up", "no").await, StatusCode::SEE_OTHER, "{n}");
    }
    assert_eq!(save(&app, &mut viewer, "fifty-first", "dir=up", "no").await, StatusCode::UNPROCESSABLE_ENTITY);
    let list = app.page(&mut viewer, "/").await.body;
    assert!(list.contains("40 more views") && !list.contains(">n9</a>"), "the list shows ten: {list}");
}

#[tokio::test]
async fn a_shared_view_shows_names_to_nobody_who_may_not_read_them() {
    let app = app().await;
    app.person("first", Role::Viewer, Scope::Clients(vec![seed::client(1)])).await;
    let mut people = Vec::new();
    for name in ["viewer", "operator", "first", "other"] {
        people.push(app.signed_in(name).await);
    }
    let of_client = |n| format!("client={}", seed::client(n));
    let of_workspace = format!("workspace={}", seed::workspace(1));
    let (private, shared) = ("no", "yes");
    let before = app.app.store.latest_seq().await.unwrap();
    assert_eq!(save(&app, &mut people[0], "Private", "dir=up", private).await, StatusCode::SEE_OTHER);
    assert_eq!(app.app.store.latest_seq().await.unwrap(), before, "a private view is its owner's alone");
    for (who, name, query) in [
        (0, "Of all", "health=needs-you".to_owned()),
        (0, "Of one", of_client(1)),
        (0, "Of its workspace", of_workspace),
        (2, "Of the first", "health=waiting".to_owned()),
        (3, "Of the other", "health=healthy".to_owned()),
    ] {
        assert_eq!(save(&app, &mut people[who], name, &query, shared).await, StatusCode::SEE_OTHER, "{name}");
    }
    assert!(app.app.store.latest_seq().await.unwrap() > before, "what others see is written down");
    let names = ["Private", "Of all", "Of one", "Of its workspace", "Of the first", "Of the other"];
    for (who, sees) in [
        (0, [true, true, true, true, true, true]),
        (1, [false, true, true, true, true, true]),
        (2, [false, true, true, true, true, false]),
        (3, [false, true, false, false, false, true]),
    ] {
        for page in ["/", "/views"] {
            let body = app.page(&mut people[who], page).await.body;
            let found = names.map(|name| body.contains(&format!(">{name}</a>")));
            assert_eq!(found, sees, "{who} at {page}: {body}");
        }
    }
    // The rows are the reader's own, and so is what may be changed.
    let list = app.page(&mut people[3], "/?health=needs-you").await.body;
    assert!(!list.contains("Alpine"), "{list}");
    let all = app.page(&mut people[3], "/views").await.body;
    assert!(all.contains("by another account") && !all.contains("by viewer"), "{all}");
    let remove = addresses(&app.page(&mut people[0], "/views").await.body, "/remove");
    assert_eq!(remove.len(), 4, "only its own");
    assert_eq!(addresses(&all, "/remove").len(), 1, "only its own");
    for address in &remove {
        assert_eq!(app.submit(&mut people[1], address, &[]).await.status, StatusCode::SEE_OTHER);
        let one = address.trim_end_matches("/remove");
        let form = [("name", "Taken over"), ("shared", "yes")];
        assert_eq!(app.submit(&mut people[1], one, &form).await.status, StatusCode::NOT_FOUND);
    }
    let left = addresses(&app.page(&mut people[0], "/views").await.body, "/remove");
    assert_eq!(left, remove, "nobody else removed one");
    let mut admin = app.signed_in("admin").await;
    let of_others = addresses(&app.page(&mut admin, "/views").await.body, "/remove");
    assert_eq!(of_others.len(), 5, "an admin removes what is shared");
    app.submit(&mut admin, &of_others[0], &[]).await;
    let left = addresses(&app.page(&mut admin, "/views").await.body, "/remove");
    assert_eq!(left.len(), 4);
    let ledger = app.page(&mut admin, "/ledger?fact=human-act").await.body;
    assert!(ledger.contains("Shared the saved view Of one.") && ledger.contains("Removed the shared view"), "{ledger}");
}
