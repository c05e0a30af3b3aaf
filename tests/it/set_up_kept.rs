//! What the set-up must not lose or mix up when an answer is changed, or the outside fails for a while.

use std::sync::Arc;

use halobridge::{
    config::secret::sealed_identity,
    domain::{
        account::{Role, Scope},
        ids::UserId,
    },
    service::{caller::Caller, error::ServiceError, file, set_up::discovery},
    store::{SecretOwner, SecretSource},
    twin::{
        Twin,
        faults::Fault,
        halo::client_names,
        options::{Product, TwinOptions},
        transport::TwinTransport,
    },
};
use serde_json::{Value, json};

use crate::set_up::{Form, Scene, assert_taken, drawn, field_of, shown};

const CLIENTS: &str = "/set-up/clients";
const CHECK: &str = "/set-up/check";

/// Chooses a client for a workspace on the page of clients.
async fn choose(scene: &mut Scene, workspace: &str, client: &str) -> Form {
    let page = scene.page(CLIENTS).await;
    let [link, field] = ["link-", "client-"].map(|kind| field_of(&page, workspace, kind));
    Form(drawn(&page)).with(&[(&link, "on"), (&field, client)])
}

/// From now on the twin answers these calls so.
fn troubled(scene: &Scene, fault: &Value) {
    let fault = Fault::from_json(fault).expect("a fault");
    scene.twin.with(|world, _| {
        world.faults.remove(None);
        world.faults.add(fault);
    });
}

const HALO: &str = "/set-up/halo";

/// A client is linked whose number another instance gave to somebody else; gives the names of the clients here.
async fn linked(scene: &mut Scene) -> Vec<String> {
    scene.connected().await;
    scene.policy().await;
    // number 12 here, which the other instance gave to its first client
    let names = client_names(12);
    let form = choose(scene, "law-contoso-002", &names[10]).await;
    assert_taken(&scene.post(CLIENTS, &form).await, CHECK);
    let form = scene.drawn(CHECK).await;
    assert_taken(&scene.post(CHECK, &form).await, "/set-up/import");
    let id = scene.app.app.installation().await.unwrap().halo[0].id;
    let test = Form(vec![("connection".to_owned(), id.to_string()), ("do".to_owned(), "read".to_owned())]);
    assert_taken(&scene.post("/set-up/halo/test", &test).await, &format!("{HALO}?connection={id}#test"));
    names
}

/// That other instance: its addresses, and an API application with its secret.
fn another(scene: &Scene) -> [String; 4] {
    let clock = Arc::clone(&scene.app.app.clock);
    let mut options = TwinOptions::new(8, clock.now());
    options.product = Product::Psa;
    let other = Twin::new(options, clock);
    let line = other.connection("http://other.example");
    assert!(scene.other.set(TwinTransport::new(other)).is_ok());
    let text = |pointer: &str| line.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
    ["/halo/api", "/halo/auth", "/halo/client_id", "/halo/client_secret"].map(text)
}

#[tokio::test]
async fn a_file_gives_an_instance_no_address_of_another_one() {
    let mut scene = Scene::new(|_| {}).await;
    let names = linked(&mut scene).await;
    let [api, auth, oauth_client_id, secret] = another(&scene);
    let app = scene.app.app.clone();
    let admin = Caller { user: UserId(uuid::Uuid::nil()), name: "ada".into(), role: Role::Admin, scope: Scope::All };
    let before = app.installation().await.unwrap();
    let name = before.halo[0].name.clone();
    let exported: toml::Table = file::export(&app, &admin).await.unwrap().parse().unwrap();
    let changed = |members: &[(&str, toml::Value)]| {
        let mut changed = exported.clone();
        let halo = changed["halo"].as_array_mut().unwrap()[0].as_table_mut().unwrap();
        halo.extend(members.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        toml::to_string(&changed).unwrap()
    };
    let applied = async |text: &str| {
        let given = file::Given { text, prune: false, seen: "" };
        let compared = file::compare(&app, &admin, given).await.unwrap();
        assert_eq!(compared.changes.as_ref().map(Vec::len), Some(1), "{:?}", compared.faults);
        file::apply(&app, &admin, file::Given { seen: compared.form.value("seen"), ..given }).await
    };
    let refused = async |text: &str| match applied(text).await {
        Err(ServiceError::Invalid(problems)) => problems[0].problem.clone(),
        other => panic!("{other:?}"),
    };

    let sealed = app.store.seal_text(&sealed_identity("halo", &name, "client_secret"), &secret.into()).unwrap();
    let sealed = toml::Value::Table(toml::Table::from_iter([("sealed".to_owned(), sealed.into())]));
    let says = refused(&changed(&[
        ("product", "psa".into()),
        ("resource_server", api.into()),
        ("authorisation_server", auth.into()),
        ("oauth_client_id", oauth_client_id.into()),
        ("client_secret", sealed),
    ]))
    .await;
    let words = format!("client 12 is “{}” here and “{}” there", names[10], names[0]);
    assert!(says.contains(&words) && says.contains("an entry under a name of its own"), "{words}: {says}");

    // where nobody can be asked, nobody knows
    let at = |host: &str| ["/halo/api", "/halo/auth"].map(|place| scene.text(place).replace("twin.test", host));
    let moved = |host: &str| {
        let [api, auth] = at(host);
        changed(&[("resource_server", api.into()), ("authorisation_server", auth.into())])
    };
    let says = refused(&moved("gone.example")).await;
    assert!(says.contains("cannot be asked there whether it is the same one"), "{says}");
    let after = app.installation().await.unwrap();
    assert_eq!((&after.halo, &after.clients), (&before.halo, &before.clients), "nothing is changed");

    // the same instance under another address is taken
    assert_eq!(applied(&moved("moved.example")).await, Ok(1));
    assert_eq!(app.installation().await.unwrap().halo[0].resource_server, at("moved.example")[0]);
}

#[tokio::test]
async fn an_address_where_the_clients_have_other_numbers_is_refused() {
    let mut scene = Scene::new(|_| {}).await;
    let names = linked(&mut scene).await;
    let [api, auth, oauth_client_id, secret] = another(&scene);
    let elsewhere = scene.drawn(HALO).await.with(&[
        ("product", "psa"),
        ("resource_server", &api),
        ("authorisation_server", &auth),
        ("oauth_client_id", &oauth_client_id),
        ("client_secret", &secret),
    ]);
    let before = scene.app.app.installation().await.unwrap();
    let answer = scene.post(HALO, &elsewhere).await;
    let says = shown(&answer.body);
    assert_eq!(answer.status.as_u16(), 422, "{says}");
    let words = format!("client 12 is “{}” here and “{}” there", names[10], names[0]);
    assert!(says.contains(&words), "{words}: {says}");
    assert!(answer.body.contains("resource_server-problem"), "it is said at its field");
    let after = scene.app.app.installation().await.unwrap();
    assert_eq!((&after.halo, &after.clients), (&before.halo, &before.clients), "nothing is changed");

    // the same instance under another address is taken
    let [api, auth] = ["/halo/api", "/halo/auth"].map(|place| scene.text(place).replace("twin.test", "moved.example"));
    let moved = scene.drawn(HALO).await.with(&[("resource_server", &api), ("authorisation_server", &auth)]);
    let answer = scene.post(HALO, &moved).await;
    assert_eq!(answer.status.as_u16(), 303, "{}", shown(&answer.body));
    assert_eq!(scene.app.app.installation().await.unwrap().halo[0].resource_server, api);
}

#[tokio::test]
async fn what_was_chosen_stays_chosen_while_azure_does_not_show_it() {
    const AGAIN: &str = "/set-up/clients?again=1";
    let (here, there) = ("law-contoso-002", "law-client-1-001");
    let mut scene = Scene::new(|options| options.tenants = 2).await;
    let form = scene.microsoft("/set-up/microsoft").await;
    assert_taken(&scene.post("/set-up/microsoft", &form).await, "/set-up/sign-in");
    scene.sign_in("mona.operator@contoso.example").await;
    let form = scene.halo("/set-up/halo").await;
    assert_taken(&scene.post("/set-up/halo", &form).await, CLIENTS);
    scene.policy().await;
    for (workspace, client) in [(here, "Contoso Retail"), (there, "Fabrikam Logistics")] {
        let form = choose(&mut scene, workspace, client).await;
        assert_taken(&scene.post(CLIENTS, &form).await, CHECK);
    }
    let both = async |scene: &mut Scene| {
        let page = shown(&scene.page(CHECK).await);
        assert!(page.contains(&format!("Workspace {here}")) && page.contains(&format!("Workspace {there}")), "{page}");
        page
    };

    // the second tenant does not answer for a while
    troubled(&scene, &json!({ "effect": "status", "status": 503, "kind": "arm.subscriptions.list", "skip": 1 }));
    let page = scene.page(AGAIN).await;
    assert!(shown(&page).contains(&format!("Give up {there} for Fabrikam Logistics")), "{}", shown(&page));
    assert_taken(&scene.post(CLIENTS, &Form(drawn(&page))).await, CHECK);
    let page = both(&mut scene).await;
    assert!(page.contains(&format!("Out of sight now, and chosen as before: {there}.")), "{page}");

    // one workspace is refused for a while
    for status in [403, 500] {
        let path = format!("*/workspaces/{here}/*");
        let fault = json!({ "effect": "status", "status": status, "kind": "sentinel.incident.list", "path": path });
        troubled(&scene, &fault);
        let page = scene.page(AGAIN).await;
        assert_taken(&scene.post(CLIENTS, &Form(drawn(&page))).await, CHECK);
        let page = both(&mut scene).await;
        assert!(page.contains(&format!("chosen as before: {here}.")), "{status}: {page}");
    }

    // it can be given up all the same
    let page = scene.page(CLIENTS).await;
    let html = scraper::Html::parse_document(&page);
    let boxes = scraper::Selector::parse("input[name^='drop-']").unwrap();
    let names: Vec<String> =
        html.select(&boxes).filter_map(|one| one.value().attr("name")).map(str::to_owned).collect();
    drop(html);
    let [name] = names.as_slice() else { panic!("{names:?}") };
    assert_taken(&scene.post(CLIENTS, &Form(drawn(&page)).with(&[(name, "on")])).await, CHECK);
    let page = shown(&scene.page(CHECK).await);
    assert!(!page.contains(&format!("Workspace {here}")) && page.contains(&format!("Workspace {there}")), "{page}");
}

#[tokio::test]
async fn a_workspace_that_is_unticked_while_it_goes_out_of_sight_is_chosen_no_more() {
    let (left, stays) = ("law-contoso-002", "law-contoso-003");
    let mut scene = Scene::new(|_| {}).await;
    scene.connected().await;
    scene.policy().await;
    for workspace in [left, stays] {
        let form = choose(&mut scene, workspace, "Contoso Retail").await;
        assert_taken(&scene.post(CLIENTS, &form).await, CHECK);
    }
    let page = scene.page(CLIENTS).await;
    let tick = field_of(&page, left, "link-");
    let mut form = Form(drawn(&page));
    assert!(form.0.iter().any(|(name, _)| *name == tick), "it is ticked: {:?}", form.0);
    form.0.retain(|(name, _)| *name != tick);

    let path = format!("*/workspaces/{left}/*");
    let fault = json!({ "effect": "status", "status": 403, "kind": "sentinel.incident.list", "path": path });
    troubled(&scene, &fault);
    let page = shown(&scene.page("/set-up/clients?again=1").await);
    assert!(page.contains(&format!("Give up {left} for Contoso Retail")), "{page}");
    assert_taken(&scene.post(CLIENTS, &form).await, CHECK);
    let page = shown(&scene.page(CHECK).await);
    assert!(!page.contains(&format!("Workspace {left}")) && page.contains(&format!("Workspace {stays}")), "{page}");
}

#[tokio::test]
async fn a_sign_in_for_another_tenant_is_made_anew() {
    const MICROSOFT: &str = "/set-up/microsoft";
    let mut scene = Scene::new(|options| options.tenants = 2).await;
    scene.connected().await;
    let right = scene.text("/microsoft/tenant_id");
    let tenants = [0, 1].map(|n| scene.text(&format!("/microsoft/tenants/{n}/tenant_id")));
    let other = tenants.into_iter().find(|tenant| *tenant != right).unwrap();
    // somebody is on the way to Microsoft meanwhile
    let mut url = scene.begin().await;
    url.query_pairs_mut().append_pair("user", "carla.contributor@contoso.example");
    let back = scene.at_microsoft(&url).await;

    let form = scene.drawn(MICROSOFT).await.with(&[("tenant_id", &other)]);
    assert_taken(&scene.post(MICROSOFT, &form).await, "/set-up/sign-in");
    let page = shown(&scene.page("/set-up/sign-in").await);
    for words in ["the sign-in does not hold for it", "not assigned in this tenant"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("carla.contributor"), "{page}");
    let list = shown(&scene.page("/set-up").await);
    assert!(list.contains("Nobody has signed in"), "{list}");

    let page = shown(&scene.come_back(&back).await);
    assert!(page.contains("was given another tenant during the sign-in"), "{page}");
    assert!(shown(&scene.page("/set-up").await).contains("Nobody has signed in"));
}

#[tokio::test]
async fn the_test_of_halo_tells_of_a_secret_that_cannot_be_read() {
    let mut scene = Scene::new(|_| {}).await;
    scene.connected().await;
    let app = scene.app.app.clone();
    let id = app.installation().await.unwrap().halo[0].id;
    let nowhere = SecretSource::Env("HALOBRIDGE_TEST_IS_SET_NOWHERE".to_owned());
    let mut tx = app.store.begin().await.unwrap();
    let none = secrecy::SecretString::from("");
    tx.put_secret(app.clock.now(), SecretOwner::Connection(id), "client_secret", &none, &nowhere).await.unwrap();
    tx.commit().await.unwrap();
    let test = Form(vec![("connection".to_owned(), id.to_string()), ("do".to_owned(), "read".to_owned())]);
    assert_taken(&scene.post("/set-up/halo/test", &test).await, &format!("/set-up/halo?connection={id}#test"));
    let page = shown(&scene.page("/set-up/halo").await);
    assert!(page.contains("The environment variable HALOBRIDGE_TEST_IS_SET_NOWHERE"), "{page}");
}

const FILE: &str = "/set-up/clients/file";

fn file(text: &str) -> Form {
    Form(vec![("file".to_owned(), text.to_owned())])
}

#[tokio::test]
async fn a_file_says_where_the_links_of_a_linked_workspace_lead() {
    let linked = "law-contoso-002";
    let mut scene = Scene::new(|_| {}).await;
    scene.connected().await;
    scene.policy().await;
    let form = choose(&mut scene, linked, "Contoso Retail").await;
    assert_taken(&scene.post(CLIENTS, &form).await, CHECK);
    let form = scene.drawn(CHECK).await;
    assert_taken(&scene.post(CHECK, &form).await, "/set-up/import");
    let csv = scene.get("/set-up/clients.csv").await.body;
    let changed = |from: &str, to: &str| -> String {
        let line = |line: &str| {
            let ours = line.contains(&format!("\"{linked}\""));
            if ours { line.replace(from, to) + "\n" } else { format!("{line}\n") }
        };
        csv.lines().map(line).collect()
    };

    let moved = scene.post(FILE, &file(&changed("\"Contoso Retail\"", "\"Fabrikam Logistics\""))).await;
    let says = shown(&moved.body);
    assert_eq!(moved.status.as_u16(), 422, "{says}");
    let words = format!("{linked} is linked to Contoso Retail; give it to another client at its row.");
    assert!(says.contains(&words), "{says}");

    let answer = scene.post(FILE, &file(&changed("\"azure\"", "\"defender\""))).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", shown(&answer.body));
    assert!(shown(&answer.body).contains("4 lines were read of the file."), "{}", shown(&answer.body));
    let portal = field_of(&answer.body, linked, "portal-");
    let form = Form(drawn(&answer.body));
    assert!(form.0.contains(&(portal, "defender".to_owned())), "{:?}", form.0);
    assert_taken(&scene.post(CLIENTS, &form).await, CHECK);
    let page = shown(&scene.page(CHECK).await);
    assert!(page.contains("links to the Defender portal"), "{page}");
}

#[tokio::test]
async fn a_file_that_comes_before_the_list_is_read_is_kept() {
    let mut scene = Scene::new(|_| {}).await;
    scene.connected().await;
    scene.door.send_replace(false);
    let subscription = scene.twin.with(|world, _| world.microsoft.subscriptions[0].id.clone());
    let place = format!("/subscriptions/{subscription}/resourceGroups/rg-soc-contoso/providers");
    let line = |name: &str| format!("{place}/Microsoft.OperationalInsights/workspaces/{name},Contoso Retail\n");
    let text: String = ["workspace_id,client\n".to_owned(), line("law-contoso-003"), line("law-contoso-009")].concat();
    let answer = scene.post(FILE, &file(&text)).await;
    let says = shown(&answer.body);
    assert_eq!(answer.status.as_u16(), 422, "{says}");
    let told = "The list is still being read, and what it lacks yet concerns 2 of the file's lines.";
    assert!(says.contains(told) && !says.contains("no connection reaches"), "{says}");
    assert!(answer.body.contains("law-contoso-009,Contoso Retail"), "the file is kept");

    scene.door.send_replace(true);
    assert!(discovery::reached(&scene.app.app, false).await.unwrap().whole);
    let says = shown(&scene.post(FILE, &file(&text)).await.body);
    assert!(says.contains("Line 3: no connection reaches the workspace") && !says.contains("Line 2:"), "{says}");
}
