//! Versions of the configuration in the browser: who changed what when, and going back to one.

use http::StatusCode;
use scraper::{Html, Selector};

use crate::{
    set_up::shown,
    set_up_screens::{MAPPING, Person, form, with},
};

const PAGE: &str = "/configuration";

/// Saves the policy with one value changed.
async fn change(ada: &mut Person, name: &str, value: &str) {
    let page = ada.page(MAPPING).await;
    let entries = form(&page, MAPPING, "[name='priority.High']");
    let answer = ada.send(MAPPING, &with(&entries, &[(name, value), ("anyway", "on")])).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", shown(&answer.body));
}

/// The text of each row of the table, the newest first.
fn rows(page: &str) -> Vec<String> {
    let html = Html::parse_document(page);
    let rows = Selector::parse("main table tbody tr").unwrap();
    html.select(&rows).map(|row| row.text().collect::<String>()).collect()
}

#[tokio::test]
async fn every_change_is_kept_and_any_of_them_is_gone_back_to() {
    let mut ada = Person::new().await;
    let first = ada.page(PAGE).await;
    // the stage is set up by a command, and seals its secrets afterwards
    let base = rows(&first).len();
    let begun = rows(&first).pop().expect("a version");
    assert!(begun.contains("a command") && begun.contains("+ policy \"standard\""), "{begun}");
    let before = ada.stage.test.app.installation().await.unwrap();
    change(&mut ada, "tickets_per_hour", "33").await;
    let page = ada.page(PAGE).await;
    let all = rows(&page);
    assert_eq!(all.len(), base + 1, "{}", shown(&page));
    assert!(all[0].contains("ada") && all[0].contains("tickets_per_hour: 200 -> 33") && all[0].contains("Now"));
    // a change that changes nothing is no version
    change(&mut ada, "tickets_per_hour", "33").await;
    assert_eq!(rows(&ada.page(PAGE).await).len(), base + 1);

    // compared with now, the other way round; nothing is written by looking
    let compared = ada.page(&format!("{PAGE}?version={base}")).await;
    assert!(shown(&compared).contains("tickets_per_hour: 33 -> 200"), "{}", shown(&compared));
    let back = form(&compared, PAGE, "[name='version']");
    // something else was set up in the meantime: what was shown is not what would be done
    change(&mut ada, "flips_per_hour", "9").await;
    let answer = ada.send(PAGE, &back).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(shown(&answer.body).contains("flips_per_hour: 9 -> 6"), "the new changes are shown");
    let back = form(&answer.body, PAGE, "[name='version']");
    let answer = ada.send(PAGE, &back).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, PAGE), "{}", shown(&answer.body));
    let after = ada.stage.test.app.installation().await.unwrap();
    assert_eq!((&after.policies, &after.workspaces), (&before.policies, &before.workspaces));
    assert_eq!((&after.microsoft, &after.halo, &after.clients), (&before.microsoft, &before.halo, &before.clients));
    let page = ada.page(PAGE).await;
    assert_eq!(rows(&page).len(), base + 3, "going back is a version too");
    assert!(rows(&page)[0].contains("ada") && rows(&page)[0].contains("tickets_per_hour: 33 -> 200"));
    // secrets are as they were: both sides still answer
    for path in ["/set-up/microsoft", "/set-up/halo"] {
        let page = ada.page(path).await;
        let entries = form(&page, path, "[name='oauth_client_id']");
        let answer = ada.send(path, &entries).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {}", shown(&answer.body));
    }
    assert_eq!(ada.stage.writes(), 0);
}

#[tokio::test]
async fn what_was_taken_out_is_not_brought_back_without_its_secret() {
    let mut ada = Person::new().await;
    let base = rows(&ada.page(PAGE).await).len();
    let halo = ada.stage.halo().await;
    let gone = [("name".to_owned(), "Desk".to_owned())];
    let answer = ada.send(&format!("/connections/{halo}/disconnect"), &gone).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", shown(&answer.body));
    let page = ada.page(PAGE).await;
    assert!(rows(&page)[0].contains("- halo \"Desk\"") && rows(&page)[0].contains("ada"), "{}", shown(&page));
    let compared = ada.page(&format!("{PAGE}?version={base}")).await;
    let words = "The halo connection “Desk” was taken out or has another name since, and its client_secret with it. Set it up \
                 under that name first.";
    assert!(shown(&compared).contains(words), "{}", shown(&compared));
    let button = Selector::parse("form[action='/configuration'] button").unwrap();
    assert!(Html::parse_document(&compared).select(&button).next().is_none(), "there is no way back");
    let forged = [("version".to_owned(), base.to_string()), ("seen".to_owned(), "0000".to_owned())];
    assert_eq!(ada.send(PAGE, &forged).await.status, StatusCode::CONFLICT);
    assert!(ada.stage.test.app.installation().await.unwrap().halo.is_empty());
    // no version holds a secret, sealed or not
    for number in [base, base + 1] {
        let kept = ada.stage.test.app.store.setting(&format!("configuration/{number}")).await.unwrap().unwrap();
        assert!(kept.contains("(stored)") && !kept.contains("client_secret = \\\"") && kept.len() < 20_000, "{kept}");
    }
    let missing = ada.stage.test.page(&mut ada.browser, &format!("{PAGE}?version=99")).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}
