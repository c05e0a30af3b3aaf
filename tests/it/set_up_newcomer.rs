//! What somebody who sets this up for the first time does and the steps have to bear: going back, pressing twice, saving what is
//! live already.

use halobridge::config::policy::filters::misfit;
use http::StatusCode;

use crate::{
    set_up::{Scene, assert_taken, refused, shown},
    set_up_screens::{MAPPING, Person, form, with},
};

const MICROSOFT: &str = "/set-up/microsoft";
const HALO: &str = "/set-up/halo";

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
