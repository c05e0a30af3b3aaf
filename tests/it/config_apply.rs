//! Applying a file: what it sets up, that it settles, that it comes back, that it lets go, what it records.

use std::sync::Arc;

use halobridge::{
    clock::{IdSource, SeededIds},
    config::{Applied, Known},
    domain::{
        account::Scope,
        catalogue::{Catalogue, Named},
        policy::FieldTarget,
        workspace::Mode,
    },
    service::configuration::{self, Change, What},
    store::{LedgerFilter, SealKey, SecretOwner, SecretSource, Store},
};
use jiff::Timestamp;
use proptest::prelude::*;
use secrecy::{ExposeSecret, SecretString};

use crate::config_faults::{example, read, read_beside};

struct Bench {
    store: Store,
    ids: Arc<SeededIds>,
    now: Timestamp,
}

impl Bench {
    async fn new(seed: u64) -> Self {
        let ids = Arc::new(SeededIds::new(seed));
        let key = SealKey::random(Arc::clone(&ids) as Arc<dyn IdSource>);
        let store = Store::in_memory(key).await.expect("opens");
        Self { store, ids, now: "2026-06-01T12:00:00Z".parse().expect("a moment") }
    }

    async fn known(&self) -> Known {
        configuration::installed(&self.store).await.expect("reads").known()
    }

    async fn try_apply(
        &self,
        applied: &Applied,
        prune: bool,
    ) -> Result<Vec<Change>, configuration::ConfigurationError> {
        configuration::apply(&self.store, applied, prune, self.now, &*self.ids).await
    }

    async fn apply_text(&self, text: &str, prune: bool) -> Vec<Change> {
        let known = if prune { Known::default() } else { self.known().await };
        let reading = read_beside(text, &known);
        let applied = reading.applied.unwrap_or_else(|| panic!("sound: {:?}\n{text}", reading.faults));
        self.try_apply(&applied, prune).await.expect("applies")
    }
}

#[tokio::test]
async fn the_examples_apply_and_applying_again_changes_nothing() {
    for which in ["smallest", "full"] {
        let bench = Bench::new(1).await;
        let first = bench.apply_text(&example(which), false).await;
        assert!(first.iter().all(|change| change.what == What::Added) && !first.is_empty(), "{first:?}");
        let version = bench.store.configuration_version().await.expect("reads");
        let seq = bench.store.latest_seq().await.expect("reads");
        assert_eq!(bench.apply_text(&example(which), false).await, [], "{which}");
        assert_eq!(bench.apply_text(&example(which), true).await, [], "{which} pruned");
        assert_eq!(bench.store.configuration_version().await.expect("reads"), version, "nothing is written");
        assert_eq!(bench.store.latest_seq().await.expect("reads"), seq, "nothing is recorded");
    }
}

#[tokio::test]
async fn the_smallest_file_is_a_whole_installation() {
    let bench = Bench::new(2).await;
    bench.apply_text(&example("smallest"), false).await;
    let installation = bench.store.installation().await.expect("reads");
    let workspace = &installation.workspaces[0];
    let connected = installation.connected(workspace.id).expect("everything it refers to is there");
    assert_eq!(workspace.mode, Mode::Observe);
    assert_eq!(workspace.since, bench.now, "starts when it is first applied");
    assert_eq!(workspace.poll_secs, 900);
    assert_eq!(workspace.tenant_id, connected.microsoft.tenant_id);
    assert_eq!(connected.halo.expect("bound").name, "desk");
    let owner = SecretOwner::Connection(connected.microsoft.id);
    let secrets = bench.store.secret_sources(owner).await.expect("reads");
    assert_eq!(secrets.len(), 1);
    assert_eq!(secrets[0].name, "client_secret");
    assert_eq!(secrets[0].source, SecretSource::Env("HALOBRIDGE_MICROSOFT_SECRET".to_owned()));
}

#[tokio::test]
async fn start_is_kept_when_the_file_is_applied_later() {
    let mut bench = Bench::new(3).await;
    bench.apply_text(&example("smallest"), false).await;
    let since = bench.now;
    bench.now = "2026-07-01T00:00:00Z".parse().expect("a moment");
    let live = format!("{}mode = \"two-way\"\n", example("smallest"));
    let changes = bench.apply_text(&live, false).await;
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].to_string(), "~ workspace \"law-soc\"\n    mode: \"observe\" -> \"two-way\"");
    let installation = bench.store.installation().await.expect("reads");
    assert_eq!(installation.workspaces[0].since, since);
    assert_eq!(installation.workspaces[0].mode, Mode::TwoWay);
}

#[tokio::test]
async fn an_export_gives_the_file_back_and_changes_nothing() {
    let bench = Bench::new(4).await;
    bench.apply_text(&example("full"), false).await;
    // A secret typed into the browser, and what Halo offers.
    let installation = bench.store.installation().await.expect("reads");
    let desk = installation.halo.iter().find(|h| h.name == "desk").expect("applied").id;
    let typed = SecretString::from("correct horse battery staple".to_owned());
    let mut tx = bench.store.begin().await.expect("begins");
    tx.put_secret(bench.now, SecretOwner::Connection(desk), "client_secret", &typed, &SecretSource::Sealed)
        .await
        .expect("kept");
    let named = |id: i64, name: &str| Named { id, name: name.to_owned() };
    let catalogue = Catalogue {
        clients: vec![named(12, "Contoso \"quoted\"")],
        teams: vec![named(1, "SOC"), named(2, "SOC Berlin")],
        own_agent_id: Some(5),
        ..Catalogue::default()
    };
    tx.put_catalogue(desk, &catalogue, bench.now).await.expect("kept");
    tx.commit().await.expect("commits");

    let text = configuration::export(&bench.store).await.expect("exports").to_toml();
    assert!(!text.contains("correct horse"), "sealed");
    assert!(text.contains("client_secret = { sealed = \""), "{text}");
    assert!(text.contains("HALOBRIDGE_HALO_HOOK"), "references stay references");
    let version = bench.store.configuration_version().await.expect("reads");
    for prune in [false, true] {
        let reading = configuration::read(&text, Some(&bench.store), prune, &offline()).await.expect("reads");
        assert_eq!(reading.faults, [], "{text}");
        let applied = reading.applied.expect("sound");
        assert_eq!(applied.catalogues.get("desk"), Some(&catalogue), "look-ups come along");
        assert_eq!(bench.try_apply(&applied, prune).await.expect("applies"), [], "prune {prune}");
    }
    assert_eq!(bench.store.configuration_version().await.expect("reads"), version);

    // Lost and applied again, the secret is back.
    let mut tx = bench.store.begin().await.expect("begins");
    let other = SecretString::from("another".to_owned());
    tx.put_secret(bench.now, SecretOwner::Connection(desk), "client_secret", &other, &SecretSource::Sealed)
        .await
        .expect("kept");
    tx.commit().await.expect("commits");
    let changes = bench.apply_text_unread(&text).await;
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert!(!format!("{changes:?}{}", changes[0]).contains("another"), "secrets are never shown");
    let secret = bench.store.secret(SecretOwner::Connection(desk), "client_secret").await.expect("reads");
    assert_eq!(secret.expect("kept").expose_secret(), typed.expose_secret());
}

impl Bench {
    async fn apply_text_unread(&self, text: &str) -> Vec<Change> {
        let reading = configuration::read(text, Some(&self.store), false, &offline()).await.expect("reads");
        self.try_apply(&reading.applied.expect("sound"), false).await.expect("applies")
    }
}

fn offline() -> configuration::ReadOptions {
    configuration::ReadOptions { folder: "/etc/hb".into(), offline: true }
}

/// The smallest installation, with a secret of its Halo connection that somebody typed in.
async fn with_a_typed_secret(bench: &Bench) -> halobridge::domain::ids::ConnectionId {
    bench.apply_text(&example("smallest"), false).await;
    let halo = bench.store.installation().await.expect("reads").halo[0].id;
    let typed = SecretString::from("typed in".to_owned());
    let mut tx = bench.store.begin().await.expect("begins");
    tx.put_secret(bench.now, SecretOwner::Connection(halo), "client_secret", &typed, &SecretSource::Sealed)
        .await
        .expect("kept");
    tx.commit().await.expect("commits");
    halo
}

#[tokio::test]
async fn a_sealed_secret_opens_only_with_its_key_and_for_its_entry() {
    let bench = Bench::new(5).await;
    with_a_typed_secret(&bench).await;
    let text = configuration::export(&bench.store).await.expect("exports").to_toml();

    let elsewhere = Bench::new(6).await;
    let applied = read_sealed(&text).applied.expect("sound but for the key");
    let error = elsewhere.try_apply(&applied, false).await.expect_err("another key").to_string();
    assert!(error.contains("client_secret of halo “desk”") && error.contains("key"), "{error}");
    assert_eq!(elsewhere.store.installation().await.expect("reads").halo, [], "nothing was half applied");

    let moved = text.replace("name = \"desk\"", "name = \"thief\"").replace("halo = \"desk\"", "halo = \"thief\"");
    let applied = read_sealed(&moved).applied.expect("sound but for the entry");
    assert!(bench.try_apply(&applied, true).await.is_err(), "a secret does not follow another name");
}

fn read_sealed(text: &str) -> halobridge::config::Reading {
    let secrets = halobridge::config::secret::Secrets { folder: "/".into(), places: None };
    halobridge::config::read(text, &Known::default(), &secrets)
}

#[tokio::test]
async fn prune_lets_go_of_what_the_file_does_not_name() {
    let bench = Bench::new(7).await;
    bench.apply_text(&example("full"), false).await;
    let smallest = example("smallest");
    let added = bench.apply_text(&smallest_named(&smallest), false).await;
    assert!(added.iter().all(|change| change.what == What::Added), "{added:?}");
    let all = bench.store.installation().await.expect("reads");
    assert_eq!((all.microsoft.len(), all.halo.len(), all.workspaces.len()), (5, 3, 3), "an upsert removes nothing");
    let gone = bench.apply_text(&smallest_named(&smallest), true).await;
    assert!(gone.iter().all(|change| change.what == What::Removed), "{gone:?}");
    let left = bench.store.installation().await.expect("reads");
    assert_eq!(
        (left.microsoft.len(), left.halo.len(), left.clients.len(), left.policies.len(), left.workspaces.len()),
        (1, 1, 1, 1, 1)
    );
}

#[tokio::test]
async fn prune_lets_go_of_a_workspace_whose_sign_ins_tenant_changes_too() {
    let bench = Bench::new(17).await;
    bench.apply_text(&example("smallest"), false).await;
    let text = example("smallest")
        .replace("11111111-1111-1111-1111-111111111111", "99999999-1111-1111-1111-111111111111")
        .replace("workspaces/law-soc\"", "workspaces/law-new\"");
    let changes = bench.apply_text(&text, true).await;
    assert!(changes.iter().any(|change| change.what == What::Removed), "{changes:?}");
    let left = bench.store.installation().await.expect("reads").workspaces;
    assert_eq!(left.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["law-new"]);
}

#[tokio::test]
async fn a_secret_that_cannot_be_opened_is_replaced_by_the_next_file() {
    let bench = Bench::new(18).await;
    let halo = with_a_typed_secret(&bench).await;
    // The same database with another key.
    let snapshot = bench.store.snapshot().await.expect("copied");
    let key = SealKey::random(Arc::clone(&bench.ids) as Arc<dyn IdSource>);
    let store = Store::from_snapshot(&snapshot, key).await.expect("opens");
    let restored = Bench { store, ids: Arc::clone(&bench.ids), now: bench.now };
    assert!(restored.store.secret(SecretOwner::Connection(halo), "client_secret").await.is_err(), "another key");
    let exported = configuration::export(&restored.store).await.expect("exports all the same").to_toml();
    assert!(!exported.contains("sealed"), "{exported}");
    let changes = restored.apply_text(&example("smallest"), false).await;
    assert_eq!(changes.len(), 1, "{changes:?}");
    let sources = restored.store.secret_sources(SecretOwner::Connection(halo)).await.expect("reads");
    assert!(sources.iter().all(|one| one.source != SecretSource::Sealed), "{sources:?}");
}

#[tokio::test]
async fn workspaces_of_one_name_are_told_of_in_their_own_clients_ledger_alone() {
    let bench = Bench::new(19).await;
    let two = format!(
        "{}\n[[client]]\nname = \"Second\"\nhalo_client_id = 77\n\n[[workspace]]\narm_id = \"/subscriptions/99999999-2222-2222-2222-222222222222/resourceGroups/rg-other/providers/Microsoft.OperationalInsights/workspaces/law-soc\"\nclient = \"Second\"\n",
        example("smallest").replace("workspaces/law-soc\"", "workspaces/law-soc\"\nclient = \"Contoso\"")
    );
    bench.apply_text(&two, false).await;
    let before = bench.store.latest_seq().await.expect("reads");
    let changes = bench.apply_text(&format!("{two}mode = \"two-way\"\n"), false).await;
    assert_eq!(changes.len(), 1, "{changes:?}");
    let page = bench.store.ledger_page(&LedgerFilter::default(), None, 50).await.expect("reads");
    let second =
        bench.store.installation().await.expect("reads").clients.iter().find(|c| c.name == "Second").expect("there").id;
    let told: Vec<_> =
        page.iter().filter(|item| item.entry.seq > before).filter_map(|item| item.entry.chain.client()).collect();
    assert_eq!(told, [second]);
}

/// The smallest example beside the full one: its own names and references.
fn smallest_named(smallest: &str) -> String {
    smallest
        .replace("name = \"desk\"", "name = \"other desk\"")
        .replace("name = \"Contoso\"\nhalo_client_id", "name = \"Other\"\nhalo = \"other desk\"\nhalo_client_id")
        .replace("name = \"Contoso\"", "name = \"Other sign-in\"")
        .replace("name = \"standard\"", "name = \"other\"")
        .replace(
            "workspaces/law-soc\"",
            "workspaces/law-other\"\nclient = \"Other\"\nmicrosoft = \"Other sign-in\"\npolicy = \"other\"",
        )
}

#[tokio::test]
async fn clients_can_change_places_in_halo() {
    let bench = Bench::new(8).await;
    let two = |a: u8, b: u8| {
        format!("{}\n[[client]]\nname = \"Second\"\nhalo_client_id = {b}\n", example("smallest"))
            .replace("halo_client_id = 12", &format!("halo_client_id = {a}"))
            .replace("workspaces/law-soc\"", "workspaces/law-soc\"\nclient = \"Contoso\"")
    };
    bench.apply_text(&two(1, 2), false).await;
    assert_eq!(bench.apply_text(&two(2, 1), false).await.len(), 2);
    let clients = bench.store.installation().await.expect("reads").clients;
    let places: Vec<_> =
        clients.iter().map(|c| (c.name.as_str(), c.halo.as_ref().expect("bound").halo_client_id)).collect();
    assert_eq!(places, [("Contoso", 2), ("Second", 1)]);
}

#[tokio::test]
async fn a_sign_ins_tenant_takes_its_workspaces_along() {
    let bench = Bench::new(9).await;
    bench.apply_text(&example("smallest"), false).await;
    let text =
        example("smallest").replace("11111111-1111-1111-1111-111111111111", "99999999-1111-1111-1111-111111111111");
    let only_microsoft = text.split("[[halo]]").next().expect("begins with microsoft").to_owned();
    bench.apply_text(&only_microsoft, false).await;
    let installation = bench.store.installation().await.expect("reads");
    assert_eq!(installation.workspaces[0].tenant_id, "99999999-1111-1111-1111-111111111111");
    assert_eq!(bench.apply_text(&text, false).await, [], "settled");
}

#[tokio::test]
async fn what_was_applied_is_recorded_for_the_installation_and_each_client() {
    let bench = Bench::new(10).await;
    bench.apply_text(&example("full"), false).await;
    let page = bench.store.ledger_page(&LedgerFilter::default(), None, 50).await.expect("reads");
    let told = serde_json::to_string(&page.iter().map(|item| &item.fact).collect::<Vec<_>>()).expect("json");
    assert_eq!(page.len(), 3, "installation, Contoso, Fabrikam: {told}");
    assert!(told.contains("config-apply") && told.contains("contoso-soc"), "{told}");
    assert!(!told.contains("hunter"), "{told}");
    bench.store.verify_ledger().await.expect("holds");
    let _ = Scope::All;
}

#[tokio::test]
async fn a_webhook_secret_left_out_closes_the_hook() {
    let bench = Bench::new(11).await;
    let open = format!("{}webhook_secret = {{ env = \"HOOK\" }}\n", example("smallest"));
    bench.apply_text(&open, false).await;
    let workspace = bench.store.installation().await.expect("reads").workspaces[0].clone();
    assert!(workspace.webhook);
    let owner = SecretOwner::Workspace(workspace.id);
    assert_eq!(bench.store.secret_sources(owner).await.expect("reads")[0].name, "webhook");
    bench.apply_text(&example("smallest"), false).await;
    assert!(!bench.store.installation().await.expect("reads").workspaces[0].webhook);
    assert_eq!(bench.store.secret_sources(owner).await.expect("reads"), []);
}

fn name() -> impl Strategy<Value = String> {
    "[A-Za-z0-9ÄöüŁ漢 .,:;'\"\\\\#=\\[\\]{}$@_-]{0,24}[a-z0-9]".prop_map(|text| text.trim().to_owned())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever people name their things, writing and reading gives the same.
    #[test]
    fn any_names_survive_writing_and_reading(names in prop::collection::vec(name(), 12)) {
        let mut applied = read(&example("full")).applied.expect("sound");
        let [policy, kind, status, agent, upn, field, template, option, team, zone_client, outcome, category] =
            names.as_slice() else { unreachable!("twelve") };
        let first = &mut applied.policies[0].policy;
        first.name.clone_from(policy);
        first.ticket_type = halobridge::domain::catalogue::Ref::Name(kind.clone());
        first.closed_statuses = vec![halobridge::domain::catalogue::Ref::Name(status.clone())];
        first.agent = Some(halobridge::domain::catalogue::Ref::Name(agent.clone()));
        first.agents.insert(upn.to_lowercase(), halobridge::domain::catalogue::Ref::Id(3));
        first.fields[0].field =
            FieldTarget::Custom(halobridge::domain::catalogue::Ref::Name(format!("{field}1")));
        first.fields[2].source = halobridge::domain::policy::FieldSource::Text(template.clone());
        let verdict = first.classifications.values().next().expect("one").clone();
        first.classifications.insert(option.to_lowercase(), verdict);
        first.team = Some(halobridge::domain::catalogue::Ref::Name(team.clone()));
        first.outcome = halobridge::domain::catalogue::Ref::Name(outcome.clone());
        first.category = Some(halobridge::domain::catalogue::Ref::Name(category.clone()));
        applied.clients[0].name.clone_from(zone_client);
        applied.workspaces[0].client.clone_from(zone_client);
        applied.workspaces[0].policy.clone_from(policy);
        prop_assume!(applied.policies[1..].iter().all(|other| policy != other.name()) && *zone_client != applied.clients[1].name);
        let written = applied.to_toml();
        let again = read(&written);
        prop_assert_eq!(again.faults, vec![], "{}", written);
        prop_assert_eq!(again.applied, Some(applied));
    }
}
