//! What somebody who sets this up for the first time does and the steps have to bear: going back, pressing twice, saving what is
//! live already.

use halobridge::{
    config::policy::filters::misfit,
    domain::{
        account::Role,
        failure::{Failure, FailureKind, Side},
        pause::{Pause, PauseCause, PauseScope},
        workspace::{Mode, Workspace},
    },
    ledger::fact::Fact,
    service::{
        error::ServiceError,
        set_up::check::{Taken, went_live},
    },
};
use http::StatusCode;
use scraper::{Html, Selector};

use crate::{
    set_up::{Form, Scene, assert_taken, drawn, field_of, refused, shown},
    set_up_screens::{LIVE, MAPPING, Person, form, with},
    support::TestApp,
};

const MICROSOFT: &str = "/set-up/microsoft";
const HALO: &str = "/set-up/halo";
const CLIENTS: &str = "/set-up/clients";

#[tokio::test]
async fn going_back_and_saving_again_makes_no_second_connection() {
    let mut scene = Scene::new(|_| {}).await;
    let tenant = scene.text("/microsoft/tenant_id");
    let first = scene.microsoft(MICROSOFT).await;
    assert_taken(&scene.post(MICROSOFT, &first).await, "/set-up/sign-in");
    // the form of a new one, as the browser still has it
    let there = format!("“{tenant}” signs in to this tenant with this app already. Choose “Change “{tenant}”” above");
    refused(&mut scene, MICROSOFT, &first, 422, &["Tenant ID: ", &there]).await;
    let shouted = first.clone().with(&[("tenant_id", &tenant.to_uppercase()), ("name", "Another")]);
    refused(&mut scene, MICROSOFT, &shouted, 422, &[&there]).await;
    // the one that is there is changed as ever
    let form = scene.microsoft(MICROSOFT).await;
    assert_taken(&scene.post(MICROSOFT, &form).await, "/set-up/sign-in");
    scene.sign_in("carla.contributor@contoso.example").await;

    let first = scene.halo(HALO).await;
    assert_taken(&scene.post(HALO, &first).await, "/set-up/clients");
    let there =
        "Resource server: “Halo” is this instance with this API application already. Choose “Change “Halo”” above";
    refused(&mut scene, HALO, &first, 422, &[there]).await;
    let slashed = first.clone().with(&[("resource_server", &format!("{}/", scene.text("/halo/api")))]);
    refused(&mut scene, HALO, &slashed, 422, &[there]).await;
    let form = scene.halo(HALO).await;
    assert_taken(&scene.post(HALO, &form).await, "/set-up/clients");
    let installation = scene.app.app.installation().await.unwrap();
    assert_eq!((installation.microsoft.len(), installation.halo.len()), (1, 1));
}

#[tokio::test]
async fn a_step_that_is_pressed_twice_at_once_is_taken_once_and_goes_on() {
    let mut scene = Scene::new(|_| {}).await;
    let form = scene.microsoft(MICROSOFT).await;
    let pairs: Vec<(&str, &str)> = form.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let press = || scene.app.browse(&scene.browser, MICROSOFT, Some(&pairs));
    let both = tokio::join!(press(), press());
    for answer in [both.0, both.1] {
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/set-up/sign-in"), "{}", answer.body);
    }
    assert_eq!(scene.app.app.installation().await.unwrap().microsoft.len(), 1);
}

#[tokio::test]
async fn a_filter_that_no_incident_can_fit_is_refused_at_its_field() {
    let mut ada = Person::new().await;
    let good = form(&ada.page(MAPPING).await, MAPPING, "[name='priority.High']");
    let before = ada.policies().await;
    for (field, typed, says) in [
        (
            "include.severity",
            "High\nSev*1",
            "The severity “Sev*1” fits none of Microsoft's. Microsoft's are High, Medium",
        ),
        ("exclude.severity", "*zzz*", "The severity “*zzz*” fits none of Microsoft's."),
        (
            "include.status",
            "Opened*",
            "The status “Opened*” fits none of Microsoft's. Microsoft's are New, Active, Closed.",
        ),
        (
            "include.analytics_rule",
            "Not a guid",
            "The analytics rule “Not a guid” is a name, and rules are known by their id.",
        ),
    ] {
        let answer = ada.send(MAPPING, &with(&good, &[("anyway", "on"), (field, typed)])).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
        assert!(answer.body.contains(&format!("id=\"{field}-problem\"")), "{field} is marked");
        assert!(shown(&answer.body).contains(says), "{says}: {}", shown(&answer.body));
    }
    assert_eq!(ada.policies().await, before, "nothing was saved");
    // those that some incident fits are taken, and so is the id of a rule that is no GUID
    let fitting = [
        ("anyway", "on"),
        ("include.severity", "h*\n???"),
        ("include.status", "*"),
        ("exclude.analytics_rule", "BuiltInFusion"),
    ];
    assert_eq!(ada.send(MAPPING, &with(&good, &fitting)).await.status, StatusCode::SEE_OTHER);
    assert_eq!(ada.policies().await[0].include.severity, ["h*", "???"]);
    let misfit = |kind: &str, pattern: &str| misfit(kind, pattern).is_some();
    assert!(misfit("status", "clsd*") && !misfit("status", "cl*d") && !misfit("title", "any thing"));
}

#[tokio::test]
async fn a_policy_that_is_followed_says_for_whom_it_holds_at_once() {
    let mut ada = Person::new().await;
    assert!(shown(&ada.page("/set-up/mapping?policy=new").await).contains("Save and go on"));
    let own = format!("{MAPPING}?policy=standard");
    for (live, limit, to) in [("which is not live", "77", LIVE), ("which is live", "78", own.as_str())] {
        let page = ada.page(MAPPING).await;
        let (text, holds) = (shown(&page), format!("it holds for 1 workspace, {live}: nothing waits"));
        for words in ["Save for 1 workspace at once", holds.as_str()] {
            assert!(text.contains(words), "{words}: {text}");
        }
        let changes = [("anyway", "on"), ("tickets_per_hour", limit)];
        let answer = ada.send(MAPPING, &with(&form(&page, MAPPING, "[name='priority.High']"), &changes)).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, to), "{}", shown(&answer.body));
        let page = ada.page(to).await;
        let said = format!("“standard” is saved. It holds from now on for 1 workspace, {live}.");
        assert!(shown(&page).contains(&said), "{}", shown(&page));
        if to == LIVE {
            let ready = form(&page, LIVE, "[name='mode']");
            assert_eq!(ada.send(LIVE, &ready).await.status, StatusCode::SEE_OTHER);
            ada.page(LIVE).await;
        }
    }
    assert_eq!(ada.policies().await[0].tickets_per_hour, 78);
}

#[tokio::test]
async fn going_back_on_the_policy_and_saving_again_changes_the_one_that_was_saved() {
    let mut scene = Scene::new(|_| {}).await;
    scene.connected().await;
    let first = form(&scene.page(MAPPING).await, MAPPING, "[name='priority.High']");
    assert_taken(&scene.post(MAPPING, &Form(first.clone())).await, "/set-up/check");
    let name = scene.app.app.installation().await.unwrap().policies[0].name.clone();
    // the form of a new one, as the browser still has it
    let changed = Form(with(&first, &[("tickets_per_hour", "55")]));
    let answer = scene.post(MAPPING, &changed).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    let text = shown(&answer.body);
    assert!(!text.contains("there is a policy"), "{text}");
    for words in ["This step was saved in the meantime.", format!("You are changing the policy “{name}”.").as_str()]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    let again = form(&answer.body, MAPPING, "[name='priority.High']");
    assert!(again.contains(&("tickets_per_hour".to_owned(), "55".to_owned())), "what was typed is there");
    assert_taken(&scene.post(MAPPING, &Form(again)).await, "/set-up/check");
    let policies = scene.app.app.installation().await.unwrap().policies.clone();
    assert_eq!((policies.len(), policies[0].tickets_per_hour), (1, 55));
    // whoever only looked with such a form is told when they save
    let looked = scene.post(MAPPING, &changed.clone().with(&[("do", "walk")])).await;
    assert_eq!(looked.status, StatusCode::OK);
    let stale = form(&looked.body, MAPPING, "[name='priority.High']");
    assert_eq!(scene.post(MAPPING, &Form(stale)).await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn one_more_connection_leads_on_to_its_workspaces() {
    let mut scene = Scene::new(|options| options.tenants = 2).await;
    scene.connected().await;
    scene.policy().await;
    let page = scene.page(CLIENTS).await;
    let link = field_of(&page, "law-contoso-001", "link-");
    let client = field_of(&page, "law-contoso-001", "client-");
    let form = Form(drawn(&page)).with(&[(&link, "on"), (&client, "Contoso Retail")]);
    assert_taken(&scene.post(CLIENTS, &form).await, "/set-up/check");
    let form = scene.drawn("/set-up/check").await;
    assert_eq!(scene.post("/set-up/check", &form).await.status, StatusCode::SEE_OTHER);

    // the app itself, beside the person
    let form = scene.microsoft("/set-up/microsoft?connection=new").await.with(&[("identity", "secret")]);
    assert_taken(&scene.post(MICROSOFT, &form).await, CLIENTS);
    let page = shown(&scene.page(CLIENTS).await);
    assert!(page.contains("was tried and is kept. What it reaches is listed below"), "{page}");

    // a person in another tenant: from the sign-in to the workspaces, not to the Halo that is there
    let right = scene.text("/microsoft/tenant_id");
    let tenants = [0, 1].map(|n| scene.text(&format!("/microsoft/tenants/{n}/tenant_id")));
    let other = tenants.into_iter().find(|tenant| *tenant != right).unwrap();
    let form = scene.microsoft("/set-up/microsoft?connection=new").await;
    let form = form.with(&[("tenant_id", &other), ("elsewhere", "on")]);
    assert_taken(&scene.post(MICROSOFT, &form).await, "/set-up/sign-in");
    let page = scene.page("/set-up/sign-in").await;
    let html = Html::parse_document(&page);
    let next = Selector::parse(".step-body a.button.main").unwrap();
    let next: Vec<_> = html.select(&next).filter_map(|link| link.value().attr("href")).collect();
    assert_eq!(next, [CLIENTS], "{}", shown(&page));
    // what an error of Microsoft's asks to add stands beside it
    let address = Selector::parse("details input#redirect-uri").unwrap();
    let address = html.select(&address).next().and_then(|input| input.value().attr("value"));
    assert!(address.is_some_and(|address| address.ends_with("/connections/callback")), "{address:?}");
}

#[tokio::test]
async fn the_set_up_ends_with_the_way_to_what_is_linked() {
    let mut ada = Person::new().await;
    let before = ada.page("/set-up").await;
    assert!(shown(&before).contains("7 of 8 steps are done") && !before.contains("See what is linked"));
    let ready = form(&ada.page(LIVE).await, LIVE, "[name='mode']");
    let answer = ada.send(LIVE, &ready).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/set-up"));
    let page = ada.page("/set-up").await;
    assert!(shown(&page).contains("Every step is done."), "{}", shown(&page));
    let html = Html::parse_document(&page);
    let linked = Selector::parse("main a.button.main[href='/']").unwrap();
    let linked = html.select(&linked).next().map(|link| link.text().collect::<String>());
    assert_eq!(linked.as_deref(), Some("See what is linked"));
}

#[tokio::test]
async fn the_next_workspace_is_applied_and_goes_live_with_one_button() {
    const CHECK: &str = "/set-up/check";
    let mut scene = Scene::new(|_| {}).await;
    scene.connected().await;
    scene.policy().await;
    let page = scene.page(CLIENTS).await;
    let (link, client) = (field_of(&page, "law-contoso-002", "link-"), field_of(&page, "law-contoso-002", "client-"));
    let chosen = Form(drawn(&page)).with(&[(&link, "on"), (&client, "Contoso Retail")]);
    assert_taken(&scene.post(CLIENTS, &chosen).await, CHECK);
    // the first one is observed before, also for whoever makes up the button
    let page = scene.page(CHECK).await;
    assert!(!page.contains("Apply and go live"), "{}", shown(&page));
    let made_up = Form(drawn(&page)).with(&[("do", "live")]);
    assert_taken(&scene.post(CHECK, &made_up).await, "/set-up/import");
    let modes = async |scene: &Scene| {
        let there = scene.app.app.installation().await.unwrap();
        there.workspaces.iter().map(|row| (row.name.clone(), row.mode)).collect::<Vec<_>>()
    };
    assert_eq!(modes(&scene).await, [("law-contoso-002".to_owned(), Mode::Observe)]);
    let ready = scene.drawn(LIVE).await;
    assert_taken(&scene.post(LIVE, &ready).await, "/set-up");

    let page = scene.page(CLIENTS).await;
    let (link, client) = (field_of(&page, "law-contoso-003", "link-"), field_of(&page, "law-contoso-003", "client-"));
    let chosen = Form(drawn(&page)).with(&[(&link, "on"), (&client, "Contoso Retail")]);
    assert_taken(&scene.post(CLIENTS, &chosen).await, CHECK);
    let page = scene.page(CHECK).await;
    for words in ["Apply and go live", "as the one workspace that is live already"] {
        assert!(shown(&page).contains(words), "{words}: {}", shown(&page));
    }
    assert_taken(&scene.post(CHECK, &Form(drawn(&page)).with(&[("do", "live")])).await, "/set-up");
    let page = shown(&scene.page("/set-up").await);
    assert!(page.contains("Live now, both ways: law-contoso-003 ("), "{page}");
    let mut live = modes(&scene).await;
    live.sort_by(|one, other| one.0.cmp(&other.0));
    let names = ["law-contoso-002", "law-contoso-003"].map(|name| (name.to_owned(), Mode::TwoWay));
    assert_eq!(live, names);
}

#[tokio::test]
async fn after_going_live_at_once_has_failed_it_is_said_what_holds() {
    let app = TestApp::peopled(Role::Admin).await;
    let there = app.app.installation().await.unwrap();
    let row = &there.workspaces[0];
    let set = async |mode| {
        let mut tx = app.app.store.begin().await.unwrap();
        tx.put_workspace(&Workspace { mode, ..row.clone() }).await.unwrap();
        tx.commit().await.unwrap();
    };
    let said = async |done| went_live(&app.app, &there, &[row.id], done).await;
    set(Mode::TwoWay).await;
    let live = said(Ok(())).await;
    let words = format!("Live now, both ways: {} (", row.name);
    assert!(matches!(&live, Taken::Live(text) if text.starts_with(&words)), "{live:?}");
    assert_eq!(said(Err(ServiceError::Internal)).await, live, "they write, whatever failed after it");
    set(Mode::Observe).await;
    let not_live = |why: &str| {
        let text = format!("Applied, and they observe: they could not go live ({why}). Switch them under Go live.");
        Taken::NotLive(text)
    };
    let refused = ServiceError::invalid("workspace", "Its client is not linked.");
    assert_eq!(said(Err(refused)).await, not_live("Its client is not linked"));
    assert_eq!(said(Err(ServiceError::Busy)).await, not_live("the server cannot do this right now"));
}

#[tokio::test]
async fn a_sign_in_that_is_refused_is_no_step_that_is_done() {
    let mut scene = Scene::new(|_| {}).await;
    scene.connected().await;
    let says = "The sign-in has expired or was revoked. Sign in again.";
    assert!(!shown(&scene.page("/set-up/sign-in").await).contains(says));
    let id = scene.app.app.installation().await.unwrap().microsoft[0].id;
    let failure = Failure::new(Side::Sentinel, FailureKind::SignInAgain, says);
    let cause = PauseCause::Failure { failure, reading: None };
    let pause = Pause { scope: PauseScope::Connection { id }, cause, since: scene.app.now() };
    let mut tx = scene.app.app.store.begin().await.unwrap();
    tx.record(scene.app.now(), None, Fact::Paused { pause }).await.unwrap();
    tx.commit().await.unwrap();

    let texts = |page: &str, css: &str| -> Vec<String> {
        let html = Html::parse_document(page);
        html.select(&Selector::parse(css).unwrap()).map(|one| one.text().collect()).collect()
    };
    let list = scene.page("/set-up").await;
    let step = texts(&list, "ol.steps > li").into_iter().find(|row| row.contains("Sign in with Microsoft")).unwrap();
    assert!(step.contains("Needs you") && step.contains(says), "{step}");
    let page = scene.page("/set-up/sign-in").await;
    assert!(texts(&page, "article.tile .failure").iter().any(|text| text.contains(says)), "{}", shown(&page));
    let main = texts(&page, "article.tile button.main");
    assert!(main.iter().any(|text| text.contains("Sign in with Microsoft again")), "{main:?}");
    // the notice leads there, and what does not help is not the main button
    let page = scene.page("/connections").await;
    assert!(!texts(&page, ".pauses a.button.main[href='/set-up/sign-in']").is_empty(), "{}", shown(&page));
    assert!(texts(&page, ".pauses button.main").is_empty(), "{}", shown(&page));
    let resumed = scene.post(&format!("/connections/{id}/resume"), &Form(Vec::new())).await;
    assert_taken(&resumed, "/connections");
    let page = shown(&scene.page("/connections").await);
    assert!(page.contains("It is tried again now.") && !page.contains("What waited is carried out"), "{page}");
}
