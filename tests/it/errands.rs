//! Webhooks of many workspaces at once: planned, deployed, tested and removed in the background, against the twin.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use halobridge::{
    clock::{Clock, ManualClock},
    domain::{
        account::Role,
        view::{
            errand::{ErrandAct, ErrandView, Progress},
            import::PlanKind,
            probe::Level,
        },
    },
    ledger::fact::Fact,
    outbound::Transport,
    service::{
        App, NetworkFor,
        caller::Caller,
        error::ServiceError,
        import_mode::{
            Turn, Worker,
            errand::{self, Which},
        },
        set_up::discovery::{self, Standing},
    },
    store::{LedgerFilter, SecretOwner, SecretSource},
    twin::{faults::Fault, transport::TwinTransport},
};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use crate::{
    import_mode::{Stage, caller},
    set_up_screens::{IMPORT, Person, form, with},
    web_live,
};

const PUBLIC: &str = "https://hb.example";

fn admin() -> Caller {
    caller(Role::Admin)
}

/// Until nothing is left to do by itself. Gives the turns that it took.
async fn to_the_end(stage: &Stage, worker: &Worker) -> usize {
    for turns in 0..500 {
        match worker.turn().await.unwrap() {
            Turn::Nothing => return turns,
            Turn::Again => {}
            Turn::NotBefore(_) => stage.pass(30),
        }
    }
    panic!("it does not end");
}

async fn shown(stage: &Stage) -> ErrandView {
    errand::view(&stage.test.app, &admin(), None, 0).await.unwrap().unwrap()
}

async fn begin(stage: &Stage, act: ErrandAct, which: &Which) {
    errand::begin(&stage.test.app, &admin(), PUBLIC, act, which).await.unwrap();
}

fn fault(stage: &Stage, rule: serde_json::Value) {
    let fault = Fault::from_json(&rule).unwrap();
    stage.twin.with(|world, _| world.faults.add(fault));
}

/// From now on a secret lies in a file.
async fn lies_in(stage: &Stage, owner: SecretOwner, name: &str, file: &Path) {
    let source = SecretSource::File(file.display().to_string());
    let mut tx = stage.test.app.store.begin().await.unwrap();
    let no_value = SecretString::from(String::new());
    tx.put_secret(stage.test.now(), owner, name, &no_value, &source).await.unwrap();
    tx.commit().await.unwrap();
}

/// Workspaces of which the ledger tells this act.
async fn told(stage: &Stage, wanted: &str) -> BTreeSet<String> {
    let filter = LedgerFilter { fact: Some("human-act".into()), ..LedgerFilter::default() };
    let items = stage.test.app.store.ledger_page(&filter, None, 10_000).await.unwrap();
    let of = |fact| match fact {
        Some(Fact::HumanAct { act, detail, .. }) if act == wanted => detail["workspace"].as_str().map(str::to_owned),
        _ => None,
    };
    items.into_iter().filter_map(|item| of(item.fact)).collect()
}

/// Automation rules may not be written in the workspaces with these numbers.
fn barred(stage: &Stage, numbers: &[usize]) {
    for role in ["Microsoft Sentinel Contributor", "Contributor"] {
        stage.without(role);
    }
    let app = stage.twin.with(|world, _| world.microsoft.directory.tenants[0].app_object_id.clone());
    for role in ["Microsoft Sentinel Reader", "Logic App Contributor"] {
        stage.act("role.assign", json!({ "principal": app, "role": role, "scope": stage.group() }));
    }
    for (_, id) in stage.arm_ids().enumerate().filter(|(at, _)| !numbers.contains(&(at + 1))) {
        let role = "Microsoft Sentinel Contributor";
        stage.act("role.assign", json!({ "principal": app, "role": role, "scope": id }));
    }
}

#[tokio::test]
async fn thirty_workspaces_are_deployed_through_a_restart_and_what_failed_is_tried_again() {
    let stage = Stage::of(30, 60).await;
    barred(&stage, &[3, 14, 30]);
    let app = &stage.test.app;
    let worker = Worker::new(app);

    // The plan for all together writes nothing and names those that may not.
    begin(&stage, ErrandAct::Plan, &Which::All).await;
    assert_eq!(shown(&stage).await.count(Progress::Waiting), 30);
    to_the_end(&stage, &worker).await;
    let plan = shown(&stage).await;
    assert_eq!(stage.writes(), 0);
    assert_eq!((plan.count(Progress::Failed), plan.count(Progress::Done)), (3, 27), "{:#?}", plan.rows[0]);
    let made = |kind| plan.made.iter().find(|made| made.kind == kind).map(|made| (made.new, made.there));
    assert_eq!(made(PlanKind::LogicApp), Some((27, 0)));
    assert_eq!(made(PlanKind::Rule), Some((54, 0)));
    assert_eq!(plan.obstacles.iter().map(|one| one.workspaces.len()).sum::<usize>(), 3);
    assert!(plan.rows[..3].iter().all(|row| row.progress == Progress::Failed), "failed ones stand first");
    let first = &plan.rows[0];
    assert!(first.lines.iter().any(|line| line.level == Level::Fault && line.fix.contains("Sentinel Contributor")));

    // One fails late: its second rule is refused.
    fault(
        &stage,
        json!({"effect": "status", "status": 400, "method": "PUT", "path": "*law-contoso-007*automationRules*", "skip": 1}),
    );
    let before = app.store.configuration_version().await.unwrap();
    errand::deploy_planned(app, &admin(), PUBLIC, &plan.id).await.unwrap();
    let open = app.installation().await.unwrap().workspaces.iter().filter(|row| row.webhook).count();
    assert_eq!(open, 27, "only those that may have an address that is open");
    assert!(app.store.configuration_version().await.unwrap() > before);
    for _ in 0..3 {
        assert_eq!(worker.turn().await, Ok(Turn::Again));
    }
    let half = shown(&stage).await;
    assert!((1..27).contains(&half.count(Progress::Waiting)) && half.ended.is_none(), "{:?}", half.counts);
    // The program ends in the middle of a turn, and another one goes on.
    {
        let mut turn = std::pin::pin!(worker.turn());
        for _ in 0..100 {
            tokio::select! {
                biased;
                _ = &mut turn => break,
                view = shown(&stage) => if view.count(Progress::Working) > 0 { break },
            }
        }
    }
    drop(worker);
    let worker = Worker::new(app);
    to_the_end(&stage, &worker).await;
    let done = shown(&stage).await;
    assert_eq!(
        (done.all, done.count(Progress::Failed), done.count(Progress::Awaited)),
        (27, 1, 26),
        "{:?}",
        done.counts
    );
    assert!(done.ended.is_some());
    assert_eq!(told(&stage, "deploy-logic-app").await.len(), 27, "also those at which the program ended");
    let failed = &done.rows[0];
    assert_eq!(failed.name, "law-contoso-007");
    assert!(failed.lines.iter().any(|line| line.field == "rules" && line.level == Level::Fault), "{failed:#?}");

    // The test events arrive.
    let answers = stage.deliver(|_| ()).await;
    assert!(answers.len() >= 26 && answers.iter().all(|(_, status)| *status == 202), "{answers:?}");
    assert_eq!(shown(&stage).await.count(Progress::Works), 26);

    // What failed is tried again, and nothing else.
    stage.twin.with(|world, _| world.faults.remove(None));
    let writes = stage.writes();
    errand::again(app, &admin(), PUBLIC, &done.id).await.unwrap();
    to_the_end(&stage, &worker).await;
    stage.deliver(|_| ()).await;
    let whole = shown(&stage).await;
    assert_eq!((whole.count(Progress::Works), whole.count(Progress::Failed)), (27, 0), "{:#?}", whole.rows[0]);
    assert!(stage.writes() - writes <= 8, "one workspace was written to: {}", stage.writes() - writes);
    let (rules, apps) = stage.twin.with(|world, _| {
        let rules: usize = world.microsoft.workspaces.iter().map(|one| one.rules.len()).sum();
        (rules, world.microsoft.resources.keys().filter(|id| id.contains("/workflows/")).count())
    });
    assert_eq!((rules, apps), (54, 27));
}

/// Two milliseconds pass whenever it is asked.
struct Ticking(ManualClock);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        self.0.advance(SignedDuration::from_millis(2));
        self.0.now()
    }
}

#[tokio::test]
async fn four_hundred_workspaces_in_one_subscription_are_all_found() {
    let stage = Stage::of(400, 0).await;
    let here = &stage.test.app;
    let way: Arc<dyn Transport> = Arc::new(TwinTransport::new(stage.twin.clone()));
    let network: NetworkFor = Arc::new(move |_| Ok(Arc::clone(&way)));
    let clock = Arc::new(Ticking(ManualClock::at(stage.test.now())));
    let app = App::new(here.store.clone(), clock, Arc::clone(&here.ids), Arc::clone(&here.engine), network);
    let reached = discovery::reached(&app, true).await.unwrap();
    assert!(reached.troubles.is_empty(), "{:?}", reached.troubles);
    let all = || reached.workspaces.iter().filter(|one| one.address.workspace.starts_with("law-contoso-"));
    assert_eq!(all().count(), 400);
    // More than the budget gives at once: each waited for its turn, and none counts as out of reach.
    let refused: Vec<_> = all().filter(|one| matches!(one.standing, Standing::Refused(_))).collect();
    assert!(refused.is_empty(), "{} of 400: {:?}", refused.len(), refused.first());
}

#[tokio::test]
async fn what_azure_asks_to_wait_for_is_waited_for() {
    let stage = Stage::of(3, 3).await;
    let worker = Worker::new(&stage.test.app);
    fault(
        &stage,
        json!({"effect": "throttle", "retry_after": 20, "method": "PUT", "path": "*workflows*law-contoso-002*", "count": 2}),
    );
    fault(
        &stage,
        json!({"effect": "status", "status": 503, "method": "PUT", "path": "*workflows*law-contoso-003*", "count": 1}),
    );
    begin(&stage, ErrandAct::Deploy, &Which::All).await;
    assert_eq!(worker.turn().await, Ok(Turn::Again));
    let view = shown(&stage).await;
    assert!(
        view.rows.iter().any(|row| row.progress == Progress::Waiting && row.again_at.is_some()),
        "{:#?}",
        view.rows
    );
    assert!(matches!(worker.turn().await, Ok(Turn::NotBefore(_))));
    to_the_end(&stage, &worker).await;
    let view = shown(&stage).await;
    assert!(
        view.ended.is_some()
            && view
                .rows
                .iter()
                .all(|row| row.lines.iter().all(|line| line.level != Level::Fault || line.field == "test")),
        "{:#?}",
        view.rows
    );
}

#[tokio::test]
async fn one_sign_in_serves_all_and_a_secret_that_was_put_right_serves_the_next_try() {
    let stage = Stage::of(4, 0).await;
    let app = &stage.test.app;
    let worker = Worker::new(app);
    let owner = SecretOwner::Connection(app.installation().await.unwrap().microsoft[0].id);
    let right = app.store.secret(owner, "client_secret").await.unwrap().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("microsoft");
    std::fs::write(&file, "ended").unwrap();
    lies_in(&stage, owner, "client_secret", &file).await;

    begin(&stage, ErrandAct::Plan, &Which::All).await;
    to_the_end(&stage, &worker).await;
    let failed = shown(&stage).await;
    assert_eq!((failed.count(Progress::Failed), stage.sign_ins()), (4, 1), "{:#?}", failed.rows[0]);
    // Nothing of what is set up changes with the file.
    std::fs::write(&file, right.expose_secret()).unwrap();
    errand::again(app, &admin(), PUBLIC, &failed.id).await.unwrap();
    to_the_end(&stage, &worker).await;
    let done = shown(&stage).await;
    assert_eq!((done.count(Progress::Done), stage.sign_ins()), (4, 2), "{:#?}", done.rows[0]);
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_holds_up_no_other_workspace() {
    let stage = Stage::of(2, 12).await;
    let app = &stage.test.app;
    let worker = Worker::new(app);
    begin(&stage, ErrandAct::Deploy, &Which::All).await;
    // It lies in a file by now, which is not there.
    let owner = SecretOwner::Workspace(stage.workspace().await);
    lies_in(&stage, owner, "webhook", Path::new("/nowhere/secret")).await;
    to_the_end(&stage, &worker).await;
    let view = shown(&stage).await;
    assert!(view.ended.is_some());
    assert_eq!((view.count(Progress::Failed), view.count(Progress::Awaited)), (1, 1), "{:#?}", view.rows);
    assert!(view.rows[0].lines.iter().any(|line| line.says.contains("/nowhere/secret")), "{:#?}", view.rows[0]);
}

#[tokio::test]
async fn an_errand_is_stopped_and_goes_on_and_another_waits_for_it() {
    let stage = Stage::of(9, 0).await;
    let app = &stage.test.app;
    let worker = Worker::new(app);
    begin(&stage, ErrandAct::Plan, &Which::Polled).await;
    let second = errand::begin(app, &admin(), PUBLIC, ErrandAct::Plan, &Which::All).await;
    assert!(matches!(second, Err(ServiceError::Invalid(_))), "{second:?}");
    assert_eq!(worker.turn().await, Ok(Turn::Again));
    let id = shown(&stage).await.id;
    errand::stop(app, &admin(), &id).await.unwrap();
    to_the_end(&stage, &worker).await;
    let view = shown(&stage).await;
    assert!(view.stopped && view.ended.is_some());
    assert_eq!((view.count(Progress::Done), view.count(Progress::Waiting)), (4, 5));
    assert_eq!(errand::stop(app, &admin(), &id).await, Err(ServiceError::Conflict));
    errand::again(app, &admin(), PUBLIC, &id).await.unwrap();
    to_the_end(&stage, &worker).await;
    assert_eq!(shown(&stage).await.count(Progress::Done), 9);
    assert_eq!(errand::deploy_planned(app, &admin(), PUBLIC, "another").await, Err(ServiceError::Conflict));
}

#[tokio::test]
async fn many_are_tested_and_removed_at_once() {
    let stage = Stage::of(6, 6).await;
    let app = &stage.test.app;
    let worker = Worker::new(app);
    let none = errand::meant(app, &admin(), ErrandAct::Remove, &Which::All).await;
    assert!(matches!(none, Err(ServiceError::Invalid(_))), "none has a webhook: {none:?}");
    let subscription = stage.group().split('/').nth(2).unwrap().to_uppercase();
    begin(&stage, ErrandAct::Deploy, &Which::Subscription(subscription)).await;
    to_the_end(&stage, &worker).await;
    stage.deliver(|_| ()).await;
    assert_eq!(shown(&stage).await.count(Progress::Works), 6);
    stage.pass(1);
    begin(&stage, ErrandAct::Test, &Which::Open).await;
    to_the_end(&stage, &worker).await;
    assert_eq!(shown(&stage).await.count(Progress::Awaited), 6);
    stage.deliver(|_| ()).await;
    assert_eq!(shown(&stage).await.count(Progress::Works), 6);
    let connection = app.installation().await.unwrap().microsoft[0].id;
    begin(&stage, ErrandAct::Remove, &Which::Connection(connection)).await;
    to_the_end(&stage, &worker).await;
    assert_eq!(shown(&stage).await.count(Progress::Done), 6);
    assert!(app.installation().await.unwrap().workspaces.iter().all(|row| !row.webhook));
    let left = stage.twin.with(|world, _| {
        let rules: usize = world.microsoft.workspaces.iter().map(|one| one.rules.len()).sum();
        rules + world.microsoft.resources.len()
    });
    assert_eq!(left, 0);
}

#[tokio::test]
async fn only_an_admin_begins_an_errand() {
    let stage = Stage::of(2, 0).await;
    let app = &stage.test.app;
    for role in [Role::Viewer, Role::Operator] {
        let other = caller(role);
        let begun = errand::begin(app, &other, PUBLIC, ErrandAct::Plan, &Which::All).await;
        assert_eq!(begun, Err(ServiceError::Forbidden));
        assert_eq!(errand::view(app, &other, None, 0).await, Err(ServiceError::Forbidden));
        assert_eq!(errand::again(app, &other, PUBLIC, "x").await, Err(ServiceError::Forbidden));
        assert_eq!(errand::stop(app, &other, "x").await, Err(ServiceError::Forbidden));
    }
}

#[tokio::test]
async fn the_screen_of_many_workspaces_works_without_a_script() {
    let mut ada = Person::at(Stage::of(60, 0).await).await;
    let worker = Worker::new(&ada.stage.test.app);
    let page = ada.page(IMPORT).await;
    let asked = form(&page, IMPORT, "select[name='which']");
    assert!(asked.contains(&("which".to_owned(), "polled".to_owned())), "{asked:?}");
    assert_eq!(page.matches("Save polling").count(), 50, "the list is paged");
    let second = ada.page("/set-up/import?from=50").await;
    assert_eq!(second.matches("Save polling").count(), 10);
    let found = ada.page("/set-up/import?q=contoso-017").await;
    assert_eq!(found.matches("Save polling").count(), 1);

    // Nothing chosen is said; so is a removal where nothing is to be removed.
    let refused = ada.send(IMPORT, &with(&asked, &[("which", ""), ("do", "errand-plan")])).await;
    assert!(
        refused.status.as_u16() == 422 && refused.body.contains("Choose which workspaces are meant"),
        "{}",
        refused.body
    );
    let refused = ada.send(IMPORT, &with(&asked, &[("do", "errand-remove")])).await;
    assert!(refused.status.as_u16() == 422 && refused.body.contains("None of these workspaces has a webhook"));

    let begun = ada.send(IMPORT, &with(&asked, &[("do", "errand-plan")])).await;
    assert_eq!((begun.status.as_u16(), begun.location()), (303, "/set-up/import#errand"));
    let page = ada.page(IMPORT).await;
    assert!(page.contains("Look how far it is") && page.contains("0 of 60 workspaces are done."), "{page}");
    to_the_end(&ada.stage, &worker).await;
    // The console of this test stands on a loopback address, which Azure cannot reach.
    let page = ada.page(IMPORT).await;
    assert!(page.contains("60 of 60 workspaces are done.") && page.contains("Azure cannot reach this console"));
    assert!(page.contains("May not be deployed: 60") && page.contains("Try again those that failed"));
    let rest = ada.page("/set-up/import?show=failed&errand_from=50").await;
    assert_eq!(rest.matches("May not be deployed</span>").count(), 10, "{rest}");

    // A removal is asked for first.
    let id = ada.stage.workspace().await;
    begin(&ada.stage, ErrandAct::Deploy, &Which::Ticked(vec![id])).await;
    to_the_end(&ada.stage, &worker).await;
    let asks = ada.send(IMPORT, &with(&asked, &[("which", "open"), ("do", "errand-remove")])).await;
    let asks = if asks.status.as_u16() == 303 { ada.page(asks.location()).await } else { asks.body };
    assert!(asks.contains("Remove the webhooks of 1 workspace"), "{asks}");
    let sure = form(&asks, IMPORT, "[name='sure']");
    let begun = ada.send(IMPORT, &with(&sure, &[("do", "errand-remove")])).await;
    assert_eq!(begun.status.as_u16(), 303, "{}", begun.body);
    to_the_end(&ada.stage, &worker).await;
    assert!(ada.stage.test.app.installation().await.unwrap().workspaces.iter().all(|row| !row.webhook));
}

#[tokio::test]
async fn open_pages_hear_of_each_step_though_the_ledger_does_not() {
    let ada = Person::at(Stage::of(3, 60).await).await;
    let worker = Worker::new(&ada.stage.test.app);
    begin(&ada.stage, ErrandAct::Plan, &Which::All).await;
    let mut events = ada.stage.test.open(&ada.browser, "/events", &[]).await;
    let before = ada.stage.test.app.store.latest_seq().await.unwrap();
    assert_eq!(worker.turn().await, Ok(Turn::Again));
    assert_eq!(ada.stage.test.app.store.latest_seq().await.unwrap(), before, "a plan is no act at a workspace");
    let (seq, told) = web_live::next(&mut events).await.unwrap();
    assert_eq!((seq, told.as_str()), (before.0, "errand"));
}
