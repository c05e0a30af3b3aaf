//! Policies that build on others: where each rule comes from, in files, in the data directory and on the pages.

use std::{collections::BTreeSet, sync::Arc};

use halobridge::{
    clock::{IdSource, SeededIds},
    config::{
        Applied,
        policy::{PolicyEntry, lines},
    },
    domain::{
        ids::PolicyId,
        policy::{Policy, PolicyKey},
    },
    service::configuration,
    store::{SealKey, Store, StoreError},
};
use http::StatusCode;
use jiff::Timestamp;

use crate::{
    config_faults::{example, read, read_beside},
    set_up::shown,
    set_up_screens::{MAPPING, Person, form, with},
};

/// A policy that says under every key something else than the default.
const OTHER: &str = r#"[[policy]]
name = "Other"
ticket_type = "Security Incident"
notes = "flagged"
note_flag = "important"
note_outcomes = ["Note to Microsoft"]
include = { severity = ["High"] }
exclude = { label = ["test"] }
tickets_per_hour = 7
group = { by = ["host"], hours = 48, most = 5 }
late_alerts = "ignore"
priorities = { High = 1, Medium = 2, Low = 3, Informational = 4 }
priorities_back = { "Major" = "High" }
statuses = { New = "Fresh", Active = "Busy", Closed = "Done" }
statuses_back = { "On Hold" = "Active" }
closed_statuses = ["Resolved"]
team = "SOC"
category = "Security"
agent = "Dana Duty"
agents = { "ann@contoso.example" = "Ann Analyst" }
requester = "affected-user"
severity = { direction = "both", wins = "ask" }
status = { direction = "to-halo" }
owner = { direction = "none" }
title = { direction = "both", when = "always" }
labels = { field = "CFLabels", direction = "both" }
fields = [{ field = "CFTitle", path = "$.properties.title" }]
incident_id_field = "CFId"
classification_field = "CFClass"
classifications = { "Unclear" = { classification = "Undetermined" } }
missing_verdict = { classification = "Undetermined" }
outcome = "Agent Note"
reopened = { in_sentinel = "ask", in_halo = "note" }
after_closing = { comments = "ignore", fields = "cross" }
flips_per_hour = 9
link_comment = false
push = { ticket_types = ["Suspicious call"] }
adopt = true
digest_from = 70
notes_private = false
drift = { value = "ask" }
approve = ["close"]
evidence = false
"#;

fn other() -> Policy {
    let reading = read(OTHER);
    let mut applied = reading.applied.unwrap_or_else(|| panic!("{:#?}", reading.faults));
    applied.policies.remove(0).policy
}

fn plain() -> Policy {
    let notes = halobridge::domain::policy::NotesRule::None;
    Policy::new(PolicyId(uuid::Uuid::nil()), "Plain", halobridge::domain::catalogue::Ref::Id(9), notes)
}

#[test]
fn each_key_comes_from_the_base_until_it_is_said() {
    let (other, plain) = (other(), plain());
    for key in PolicyKey::ALL {
        assert!(!key.same(&other, &plain), "{key:?}: the two policies must differ");
        // a table of classifications needs its field
        let mut own = BTreeSet::from([*key]);
        if *key == PolicyKey::ClassificationField {
            own.insert(PolicyKey::Classifications);
        }
        let mut policy = plain.clone();
        policy.name = "Derived".to_owned();
        policy.inherit(&other, &own);
        let derived = PolicyEntry { policy, base: Some("Other".to_owned()), own: own.clone() };
        let written =
            Applied { policies: vec![derived, PolicyEntry::whole(other.clone())], ..Applied::default() }.to_toml();
        let reading = read(&written);
        let errors = reading.errors();
        let again = reading.applied.unwrap_or_else(|| panic!("{key:?}: {:#?}\n{written}", reading.faults));
        assert_eq!(errors, 0);
        let found = &again.policies[0];
        assert_eq!((found.base.as_deref(), &found.own), (Some("Other"), &own), "{written}");
        for each in PolicyKey::ALL {
            let from = if own.contains(each) { &plain } else { &other };
            assert!(each.same(&found.policy, from), "{key:?} is own: {each:?}\n{written}");
        }
        assert_eq!(again.to_toml(), written, "{key:?}");
    }
    // no member of a policy is forgotten: all of them together are the policy
    let (mut policy, all) = (plain.clone(), BTreeSet::new());
    policy.inherit(&other, &all);
    assert_eq!(Policy { name: other.name.clone(), ..policy }, other);
    assert_eq!(PolicyKey::ALL.iter().filter_map(|key| PolicyKey::parse(key.as_str())).count(), PolicyKey::ALL.len());
}

#[test]
fn a_table_is_overridden_whole() {
    let text = format!("{OTHER}\n[[policy]]\nname = \"Derived\"\nbase = \"Other\"\nstatuses = {{ New = \"Mine\" }}\n");
    let policies = read(&text).applied.expect("sound").policies;
    let statuses: Vec<String> = policies[1].policy.statuses.values().map(ToString::to_string).collect();
    assert_eq!(
        statuses,
        ["“In Progress”", "“Closed”", "“Mine”"],
        "what is left out has its default, not the base's value"
    );
}

struct Bench {
    store: Store,
    ids: Arc<SeededIds>,
    now: Timestamp,
}

impl Bench {
    async fn new() -> Self {
        let ids = Arc::new(SeededIds::new(3));
        let store = Store::in_memory(SealKey::random(Arc::clone(&ids) as Arc<dyn IdSource>)).await.unwrap();
        Self { store, ids, now: "2026-06-01T12:00:00Z".parse().unwrap() }
    }

    async fn apply(&self, text: &str) -> Vec<String> {
        let known = configuration::installed(&self.store).await.unwrap().known();
        let reading = read_beside(text, &known);
        let wanted = reading.applied.unwrap_or_else(|| panic!("{:#?}", reading.faults));
        let changes = configuration::apply(&self.store, &wanted, false, self.now, &*self.ids).await.unwrap();
        changes.iter().map(ToString::to_string).collect()
    }

    async fn policy(&self, name: &str) -> Policy {
        let all = self.store.installation().await.unwrap().policies;
        all.into_iter().find(|policy| policy.name == name).unwrap()
    }

    async fn export(&self) -> String {
        configuration::export(&self.store).await.unwrap().to_toml()
    }
}

const DERIVED: &str = "[[policy]]\nname = \"A\"\nbase = \"Other\"\nteam = \"Night\"\nwithout = [\"category\"]\n";

#[tokio::test]
async fn a_changed_base_is_followed_except_where_a_policy_says_otherwise() {
    let bench = Bench::new().await;
    bench.apply(&format!("{DERIVED}{OTHER}")).await;
    let (before, base) = (bench.policy("A").await, bench.policy("Other").await);
    assert_eq!(before.base.as_ref().map(|on| on.policy), Some(base.id));
    assert_eq!(
        (before.tickets_per_hour, before.team.as_ref().map(ToString::to_string)),
        (7, Some("“Night”".to_owned()))
    );
    assert_eq!(before.category, None);
    // only what differs is given back, and giving it back changes nothing
    let file = bench.export().await;
    let own = file.split("[[policy]]").find(|part| part.contains("name = \"A\"")).unwrap();
    let own: Vec<&str> = own.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(own, ["name = \"A\"", "base = \"Other\"", "team = \"Night\"", "without = [\"category\"]"]);
    assert_eq!(bench.apply(&file).await, Vec::<String>::new());
    // the base alone is changed, by a file that names nothing else
    let changed =
        OTHER.replace("tickets_per_hour = 7", "tickets_per_hour = 11").replace("team = \"SOC\"", "team = \"Day\"");
    let told = bench.apply(&changed).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("~ policy \"Other\"") && told[0].contains("tickets_per_hour: 7 -> 11"), "{told:?}");
    let after = bench.policy("A").await;
    assert_eq!((after.tickets_per_hour, &after.team, &after.category), (11, &before.team, &None));
    // and back again, as a version
    let versions = configuration::versions::all(&bench.store).await.unwrap();
    let way = configuration::versions::way_back(&bench.store, &versions[1]).await.unwrap();
    assert_eq!(way.obstacles, Vec::<String>::new());
    configuration::apply(&bench.store, &way.wanted.unwrap(), true, bench.now, &*bench.ids).await.unwrap();
    assert_eq!(bench.policy("A").await, before);
    // what is said no more comes from the base again
    bench.apply("[[policy]]\nname = \"A\"\nbase = \"Other\"\n").await;
    let bare = bench.policy("A").await;
    assert_eq!((&bare.team, &bare.category), (&base.team, &base.category));
    assert_eq!(lines(&bare).0.len(), lines(&base).0.len());
}

#[tokio::test]
async fn a_base_stays_while_another_builds_on_it() {
    let bench = Bench::new().await;
    bench.apply(&format!("{OTHER}{DERIVED}")).await;
    // a file with --prune that names the one and not the other
    let faults: Vec<String> = read(DERIVED).faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        ["3:8: error: policy.base names \"Other\", which does not exist. Add a [[policy]] entry with this name."]
    );
    let base = bench.policy("Other").await;
    let mut tx = bench.store.begin().await.unwrap();
    assert!(matches!(tx.remove_policy(base.id).await, Err(StoreError::InUse(_))));
    drop(tx);
    // both go together, whatever their names
    let nothing = Applied::default();
    configuration::apply(&bench.store, &nothing, true, bench.now, &*bench.ids).await.unwrap();
    assert_eq!(bench.store.installation().await.unwrap().policies, []);
    // and they change places in one step
    bench.apply(&format!("{OTHER}{DERIVED}")).await;
    let whole = OTHER.replace("name = \"Other\"", "name = \"A\"");
    bench.apply(&format!("{whole}\n[[policy]]\nname = \"Other\"\nbase = \"A\"\nteam = \"Late\"\n")).await;
    assert_eq!(bench.policy("Other").await.base.map(|on| on.policy), Some(bench.policy("A").await.id));
}

#[tokio::test]
async fn two_who_apply_at_once_do_not_overwrite_each_other() {
    let bench = Bench::new().await;
    bench.apply(&example("smallest")).await;
    let seen = bench.store.configuration_version().await.unwrap();
    bench.apply(OTHER).await;
    let wanted = read_beside(&example("smallest"), &Default::default()).applied.unwrap();
    let refused =
        configuration::apply_seen(&bench.store, &wanted, true, None, Some(seen), bench.now, &*bench.ids).await;
    assert!(matches!(refused, Err(configuration::ConfigurationError::Moved)), "{refused:?}");
    assert_eq!(bench.store.installation().await.unwrap().policies.len(), 2, "nothing was pruned");
}

/// What the form of the rules of a client would send.
fn rules(page: &str) -> Vec<(String, String)> {
    form(page, MAPPING, "[name='priority.High']")
}

#[tokio::test]
async fn the_rules_of_a_client_are_made_changed_and_given_up_on_its_page() {
    let mut ada = Person::new().await;
    let clients = "/set-up/clients";
    let client = ada.stage.test.app.installation().await.unwrap().clients[0].clone();
    let page = format!("{MAPPING}?client={}", client.id);
    let listed = ada.page(clients).await;
    assert!(listed.contains(&page), "the page of clients leads there");
    assert!(shown(&listed).contains("All as in “standard”."), "{}", shown(&listed));
    let policies = ada.policies().await;

    // nothing different makes nothing
    let first = ada.page(&page).await;
    assert!(shown(&first).contains("Nothing differs from it."), "{}", shown(&first));
    let answer = ada.send(MAPPING, &with(&rules(&first), &[("anyway", "on")])).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, page.as_str()), "{}", shown(&answer.body));
    assert_eq!(ada.policies().await, policies);

    // one rule of its own
    let first = ada.page(&page).await;
    let answer = ada.send(MAPPING, &with(&rules(&first), &[("anyway", "on"), ("tickets_per_hour", "33")])).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", shown(&answer.body));
    let file = ada.file().await;
    let name = format!("[[policy]]\nname = \"{0}\"\nbase = \"standard\"\ntickets_per_hour = 33\n\n", client.name);
    assert!(file.contains(&name), "{file}");
    let there = ada.stage.test.app.installation().await.unwrap();
    let followed = there.policies.iter().find(|policy| policy.id == there.workspaces[0].policy).unwrap();
    assert_eq!((followed.name.as_str(), followed.tickets_per_hour), (client.name.as_str(), 33));
    let mine = ada.page(&page).await;
    let words = shown(&mine);
    for told in [
        "New tickets within an hour: own. “standard” says: 200.",
        "Changes of status within an hour: from “standard”.",
        "One rule differs from it.",
        "Notes that cross: public",
    ] {
        assert!(words.contains(told), "{told}: {words}");
    }
    let listed = shown(&ada.page(clients).await);
    assert!(listed.contains("Own: New tickets within an hour. The rest as in “standard”."), "{listed}");

    // the base says who builds on it; what changes there is followed
    let base = ada.page(&format!("{MAPPING}?policy=standard")).await;
    assert!(shown(&base).contains("Own: New tickets within an hour."), "{}", shown(&base));
    let changes = [("anyway", "on"), ("tickets_per_hour", "44"), ("flips_per_hour", "9")];
    let answer = ada.send(MAPPING, &with(&rules(&base), &changes)).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", shown(&answer.body));
    let find = |all: Vec<Policy>, name: &str| all.into_iter().find(|policy| policy.name == name).unwrap();
    let own = find(ada.policies().await, &client.name);
    assert_eq!((own.tickets_per_hour, own.flips_per_hour), (33, 9));

    // a page from before is refused: somebody else saved
    let stale = ada.send(MAPPING, &with(&rules(&mine), &[("anyway", "on"), ("digest_from", "70")])).await;
    assert_eq!(stale.status, StatusCode::CONFLICT, "{}", shown(&stale.body));

    // the way back: the client follows the base again, and its own policy is gone
    let mine = ada.page(&page).await;
    let back = with(&rules(&mine), &[("anyway", "on"), ("inherit.tickets_per_hour", "on")]);
    // only looked at, it stays
    let looked = ada.send(MAPPING, &with(&back, &[("do", "walk")])).await;
    assert_eq!(looked.status, StatusCode::OK);
    assert_eq!(find(ada.policies().await, &client.name).tickets_per_hour, 33);
    let answer = ada.send(MAPPING, &back).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", shown(&answer.body));
    let there = ada.stage.test.app.installation().await.unwrap();
    assert_eq!(there.policies.len(), 1, "{:?}", there.policies);
    assert_eq!((there.workspaces[0].policy, there.workspaces.len()), (there.policies[0].id, 1));
    assert_eq!((there.policies[0].tickets_per_hour, ada.stage.writes()), (44, 0));
}

/// Somebody typed it there, so it does not go with the base: only the tick gives it back.
#[tokio::test]
async fn a_rule_that_says_the_same_as_the_base_stays_a_clients_own() {
    let mut ada = Person::new().await;
    let client = ada.stage.test.app.installation().await.unwrap().clients[0].clone();
    let page = format!("{MAPPING}?client={}", client.id);
    for value in ["33", "200"] {
        let mine = ada.page(&page).await;
        let answer = ada.send(MAPPING, &with(&rules(&mine), &[("anyway", "on"), ("tickets_per_hour", value)])).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", shown(&answer.body));
    }
    let base = ada.page(&format!("{MAPPING}?policy=standard")).await;
    let answer = ada.send(MAPPING, &with(&rules(&base), &[("anyway", "on"), ("tickets_per_hour", "44")])).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", shown(&answer.body));
    let all = ada.policies().await;
    let found = |name: &str| all.iter().find(|policy| policy.name == name).map(|policy| policy.tickets_per_hour);
    assert_eq!((found("standard"), found(&client.name)), (Some(44), Some(200)));
}

#[tokio::test]
async fn every_rule_can_be_a_clients_own_and_be_given_back() {
    let mut ada = Person::new().await;
    let client = ada.stage.test.app.installation().await.unwrap().clients[0].id;
    let page = format!("{MAPPING}?client={client}");
    let changes: &[(&str, &str, PolicyKey)] = &[
        ("include.severity", "High", PolicyKey::Include),
        ("group.by.host", "on", PolicyKey::Group),
        ("severity", "both", PolicyKey::Severity),
        ("pback.1", "High", PolicyKey::PrioritiesBack),
        ("status.wins", "ask", PolicyKey::Status),
        ("closed.8", "on", PolicyKey::ClosedStatuses),
        ("reopened.in_halo", "ask", PolicyKey::Reopened),
        ("after.comments", "note-only", PolicyKey::AfterClosing),
        ("owner.when", "on-create", PolicyKey::Owner),
        ("requester", "affected-user", PolicyKey::Requester),
        ("notes", "all", PolicyKey::Notes),
        ("note_flag", "important", PolicyKey::NoteFlag),
        ("late_alerts", "ignore", PolicyKey::LateAlerts),
        ("title.wins", "halo", PolicyKey::Title),
        ("approve.close", "on", PolicyKey::Approve),
        ("drift.value", "ask", PolicyKey::Drift),
        ("push.type.1", "on", PolicyKey::Push),
        ("adopt", "on", PolicyKey::Adopt),
    ];
    for (field, value, key) in changes {
        let first = ada.page(&page).await;
        let answer = ada.send(MAPPING, &with(&rules(&first), &[("anyway", "on"), (field, value)])).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{field}: {}", shown(&answer.body));
        let own: Vec<BTreeSet<PolicyKey>> =
            ada.policies().await.into_iter().filter_map(|policy| policy.base).map(|base| base.own).collect();
        assert_eq!(own, [BTreeSet::from([*key])], "{field}");
        let mine = ada.page(&page).await;
        let back = format!("inherit.{}", key.as_str());
        assert!(mine.contains(&format!("id=\"{back}\"")), "{field}: there is a way back");
        let answer = ada.send(MAPPING, &with(&rules(&mine), &[("anyway", "on"), (&back, "on")])).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{field}: {}", shown(&answer.body));
        assert_eq!(ada.policies().await.len(), 1, "{field}");
    }
}
