//! What somebody who sets this up for the first time does and the steps have to bear: going back, pressing twice, saving what is
//! live already.

use http::StatusCode;

use crate::set_up::{Scene, assert_taken, refused};

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
