//! Versions of the configuration in the browser: who changed what when, and going back to one.

use halobridge::{
    config::secret::{SecretRef, sealed_identity},
    service::configuration,
};
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

#[tokio::test]
async fn a_secret_that_is_replaced_makes_a_version_without_it() {
    let mut ada = Person::new().await;
    let base = rows(&ada.page(PAGE).await).len();
    let app = ada.stage.test.app.clone();
    let mut wanted = configuration::export(&app.store).await.unwrap();
    let identity = sealed_identity("halo", "Desk", "client_secret");
    let sealed = app.store.seal_text(&identity, &secrecy::SecretString::from("a brand new one")).unwrap();
    wanted.halo[0].client_secret = Some(SecretRef::Sealed(sealed));
    let changes = configuration::apply(&app.store, &wanted, false, ada.stage.test.now(), &*app.ids).await.unwrap();
    assert_eq!(changes.len(), 1, "{changes:?}");
    let page = ada.page(PAGE).await;
    assert_eq!(rows(&page).len(), base + 1, "{}", shown(&page));
    assert!(
        rows(&page)[0].contains("~ halo \"Desk\"\n    client_secret: replaced by another one"),
        "{}",
        rows(&page)[0]
    );
    let kept = app.store.setting(&format!("configuration/{}", base + 1)).await.unwrap().unwrap();
    assert!(kept.contains("(stored)") && !kept.contains("brand new"), "{kept}");
    // applying the same again is no version
    let same = configuration::export(&app.store).await.unwrap();
    configuration::apply(&app.store, &same, false, ada.stage.test.now(), &*app.ids).await.unwrap();
    assert_eq!(rows(&ada.page(PAGE).await).len(), base + 1);
}

const FILE: &str = "/configuration/file";

/// The form of the pasted file, as it stands on a page, with other text.
fn pasted(page: &str, text: &str) -> Vec<(String, String)> {
    with(&form(page, FILE, "textarea"), &[("file", text)])
}

#[tokio::test]
async fn a_file_is_downloaded_compared_and_applied() {
    let mut ada = Person::new().await;
    let download = ada.stage.test.page(&mut ada.browser, "/configuration.toml").await;
    assert_eq!(download.status, StatusCode::OK);
    assert_eq!(download.headers["content-disposition"], "attachment; filename=\"halobridge.toml\"");
    let file = download.body;
    assert!(file.contains("[[policy]]\nname = \"standard\"") && file.contains("sealed = "), "{file}");
    let page = ada.page(PAGE).await;

    // what is set up already
    let same = ada.send(FILE, &pasted(&page, &file)).await;
    assert_eq!(same.status, StatusCode::OK, "{}", shown(&same.body));
    assert!(shown(&same.body).contains("Nothing would change"), "{}", shown(&same.body));

    // something else is compared first: nothing is changed by it, and it cannot be applied unseen
    let changed = file.replace("tickets_per_hour = 200", "tickets_per_hour = 55");
    let unseen = ada.send(FILE, &with(&pasted(&page, &changed), &[("do", "apply")])).await;
    assert_eq!(unseen.status, StatusCode::CONFLICT);
    let compared = ada.send(FILE, &pasted(&page, &changed)).await;
    assert_eq!(compared.status, StatusCode::OK);
    assert!(shown(&compared.body).contains("tickets_per_hour: 200 -> 55"), "{}", shown(&compared.body));
    assert_eq!(ada.policies().await[0].tickets_per_hour, 200);
    let apply = with(&form(&compared.body, FILE, "textarea"), &[("do", "apply")]);
    // edited since it was compared
    let other = changed.replace("flips_per_hour = 6", "flips_per_hour = 7");
    let edited = ada.send(FILE, &with(&apply, &[("file", &other)])).await;
    assert_eq!(edited.status, StatusCode::CONFLICT);
    assert!(shown(&edited.body).contains("flips_per_hour: 6 -> 7"), "what it changes now is shown");
    // somebody else saved since
    change(&mut ada, "digest_from", "70").await;
    let overtaken = ada.send(FILE, &apply).await;
    assert_eq!(overtaken.status, StatusCode::CONFLICT);
    assert!(shown(&overtaken.body).contains("digest_from: 70 -> 80"), "{}", shown(&overtaken.body));
    assert_eq!((ada.policies().await[0].tickets_per_hour, ada.policies().await[0].digest_from), (200, 70));
    // seen, it is applied
    let apply = with(&form(&overtaken.body, FILE, "textarea"), &[("do", "apply")]);
    let done = ada.send(FILE, &apply).await;
    assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, PAGE), "{}", shown(&done.body));
    assert_eq!((ada.policies().await[0].tickets_per_hour, ada.policies().await[0].digest_from), (55, 80));
    let page = ada.page(PAGE).await;
    assert!(rows(&page)[0].contains("ada") && shown(&page).contains("Applied: everything is set up as the file says."));

    // what a file does not name goes only when that is asked for
    let more = format!("{changed}\n[[policy]]\nname = \"Extra\"\nbase = \"standard\"\n");
    for (text, prune, line, left) in
        [(&more, false, "+ policy \"Extra\"", 2), (&changed, true, "- policy \"Extra\"", 1)]
    {
        let mut entries = pasted(&page, text);
        if prune {
            entries = with(&entries, &[("prune", "on")]);
        }
        let compared = ada.send(FILE, &entries).await;
        assert!(shown(&compared.body).contains(line), "{}", shown(&compared.body));
        let done = ada.send(FILE, &with(&form(&compared.body, FILE, "textarea"), &[("do", "apply")])).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", shown(&done.body));
        assert_eq!(ada.policies().await.len(), left);
    }
    // secrets are as they were: both sides still answer
    for path in ["/set-up/microsoft", "/set-up/halo"] {
        let page = ada.page(path).await;
        let answer = ada.send(path, &form(&page, path, "[name='oauth_client_id']")).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {}", shown(&answer.body));
    }
    assert_eq!(ada.stage.writes(), 0);
}

#[tokio::test]
async fn what_is_wrong_with_a_pasted_file_is_said_at_its_line() {
    let mut ada = Person::new().await;
    let page = ada.page(PAGE).await;
    let before = ada.stage.test.app.installation().await.unwrap();
    let halo = "[[halo]]\nname = \"Desk\"\nresource_server = \"https://desk.example/api\"\nauthorisation_server = \
                \"https://desk.example/auth\"\noauth_client_id = \"i\"\n";
    let large = "#".repeat(5 * 1024 * 1024);
    for (text, status, words) in [
        ("", 422, "The file is empty. Paste an applied file"),
        (
            "[[policy]]\nname = \"standard\"\nnotes = \"some\"\n",
            422,
            "Line 3, column 9 policy.notes cannot be \"some\"",
        ),
        ("[[policy\n", 422, "Line 1, column"),
        // who may set up in the browser must not come by what the server can read
        (
            &format!("{halo}client_secret = {{ env = \"PATH\" }}\n"),
            422,
            "a place on the server that it does not come from so far",
        ),
        (
            &format!("{halo}client_secret = {{ file = \"/etc/passwd\" }}\n"),
            422,
            "apply the file with `halobridge config apply`",
        ),
        (
            &format!("{halo}client_secret = {{ file = \"/gone\" }}\n"),
            422,
            "Line 6, column 26 halo.client_secret names a place",
        ),
        (&large, 413, "The file is larger than 4 MiB."),
    ] {
        for act in ["", "apply"] {
            let answer = ada.send(FILE, &with(&pasted(&page, text), &[("do", act)])).await;
            assert_eq!(answer.status.as_u16(), status, "{}", shown(&answer.body));
            assert!(shown(&answer.body).contains(words), "{words}: {}", shown(&answer.body));
            if text.len() < 1000 && !text.is_empty() {
                assert!(answer.body.contains(text.lines().next().unwrap()), "what was pasted is still there");
            }
        }
    }
    let after = ada.stage.test.app.installation().await.unwrap();
    assert_eq!((&after.policies, &after.halo, after.version), (&before.policies, &before.halo, before.version));
}
