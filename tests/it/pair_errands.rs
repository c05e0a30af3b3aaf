//! Errands at pairs: planned first, fixed by the plan, carried out some at a time, stopped, gone on with.

use halobridge::{
    domain::{
        account::{Role, Scope, User},
        errand::RowState,
        ids::{ErrandId, IncidentId, PairId},
        incident::Incident,
        pair::Pair,
        pause::PauseScope,
        workspace::{Mode, Workspace},
    },
    ledger::fact::Fact,
    service::{caller::Caller, import_mode::Turn, pair_errands::Worker, pauses},
};
use http::StatusCode;
use jiff::SignedDuration;
use uuid::Uuid;

use crate::support::{Browser, TestApp, seed};

/// Further pairs of the first client.
const FURTHER: u128 = 45;

fn further(n: u128) -> PairId {
    PairId(Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0001_0000 + n))
}

async fn open(app: &TestApp, numbers: std::ops::Range<u128>) {
    let row = app.app.store.situation(seed::pair(1)).await.unwrap().unwrap();
    let now = app.now();
    let mut tx = app.app.store.begin().await.unwrap();
    for n in numbers {
        let id = IncidentId::new(&format!("00000000-0000-4000-8000-0000000{n:05}"));
        let number = Some(1_000 + i64::try_from(n).unwrap());
        let incident = Incident { id: id.clone(), number, ..row.subject.incident.clone() };
        let reference = format!("HB-1{n:09}");
        let pair = Pair { id: further(n), incident: id, ticket: None, reference, ..row.pair.clone() };
        let read = Fact::IncidentRead { workspace: pair.workspace, client: pair.client, incident: Box::new(incident) };
        let client = Some(pair.client);
        tx.record(now, client, read).await.unwrap();
        tx.record(now, client, Fact::PairOpened { pair: Box::new(pair) }).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn app() -> TestApp {
    let app = TestApp::peopled(Role::Operator).await;
    open(&app, 100..100 + FURTHER).await;
    app
}

/// Plans and gives the errand's address.
async fn planned(app: &TestApp, browser: &mut Browser, form: &[(&str, &str)]) -> String {
    let answer = app.submit(browser, "/errands", form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert!(answer.location().starts_with("/errands/"), "{}", answer.location());
    answer.location().to_owned()
}

fn id(address: &str) -> ErrandId {
    address.trim_start_matches("/errands/").parse().unwrap()
}

async fn count(app: &TestApp, address: &str, state: RowState) -> i64 {
    let counts = app.app.store.pair_errand_counts(id(address)).await.unwrap();
    counts.iter().filter(|(one, ..)| *one == state).map(|(.., pairs)| pairs).sum()
}

async fn user(app: &TestApp, name: &str) -> User {
    app.app.store.user_by_name(name).await.unwrap().unwrap().user
}

/// Until nothing is left to do.
async fn to_the_end(app: &TestApp, worker: &Worker) {
    for _ in 0..500 {
        match worker.turn().await.unwrap() {
            Turn::Nothing => return,
            Turn::Again => {}
            Turn::NotBefore(_) => app.clock.advance(SignedDuration::from_secs(1)),
        }
    }
    panic!("it does not end");
}

#[tokio::test]
async fn all_that_match_are_planned_then_done_some_at_a_time_across_a_stop_and_a_restart() {
    let app = app().await;
    let mut operator = app.signed_in("operator").await;
    let query = format!("client={}", seed::client(1));
    let list = app.page(&mut operator, &format!("/?{query}")).await.body;
    assert!(list.contains("<option value=\"all\">all 46 that match</option>"), "{list}");
    assert!(list.contains(&format!("name=\"pair\" value=\"{}\" form=\"errand\"", further(100))), "{list}");
    let form = [("act", "pause"), ("which", "all"), ("query", query.as_str()), ("why", " Moving \n Halo ")];
    let errand = planned(&app, &mut operator, &form).await;
    let plan = app.page(&mut operator, &errand).await.body;
    for said in ["Pause: 46 linked incidents. Nothing was done yet.", "And 26 more.", "Moving Halo", "#1144"] {
        assert!(plan.contains(said), "{said}: {plan}");
    }
    let worker = Worker::new(&app.app);
    assert_eq!(worker.turn().await, Ok(Turn::Nothing), "a plan does nothing");
    assert!(app.app.store.pauses().await.unwrap().is_empty());

    // What comes afterwards is no part of it; what somebody else did meanwhile is passed over.
    open(&app, 200..202).await;
    let admin = Caller::from(&user(&app, "admin").await);
    pauses::pause(&app.app, &admin, PauseScope::Pair { id: seed::pair(1) }, "").await.unwrap();
    let begun = app.submit(&mut operator, &format!("{errand}/begin"), &[]).await;
    assert_eq!((begun.status, begun.location()), (StatusCode::SEE_OTHER, errand.as_str()));
    assert_eq!(worker.turn().await, Ok(Turn::Again));
    let settled = count(&app, &errand, RowState::Done).await + count(&app, &errand, RowState::Passed).await;
    assert_eq!((settled, count(&app, &errand, RowState::Waiting).await), (20, 26));
    let page = app.page(&mut operator, &format!("{errand}?fragment=1")).await.body;
    assert!(page.contains("It goes on in the background") && page.contains(&format!("{errand}/stop")), "{page}");
    app.submit(&mut operator, &format!("{errand}/stop"), &[]).await;
    assert_eq!(worker.turn().await, Ok(Turn::Nothing), "stopped");
    assert_eq!(count(&app, &errand, RowState::Waiting).await, 26);
    let page = app.page(&mut operator, &errand).await.body;
    assert!(page.contains("It was stopped") && page.contains("Go on with the 26 left over"), "{page}");

    drop(worker);
    app.submit(&mut operator, &format!("{errand}/begin"), &[]).await;
    to_the_end(&app, &Worker::new(&app.app)).await;
    let states = [RowState::Done, RowState::Passed, RowState::Failed, RowState::Waiting];
    let mut found = Vec::new();
    for state in states {
        found.push(count(&app, &errand, state).await);
    }
    assert_eq!(found, [45, 1, 0, 0]);
    assert_eq!(app.app.store.pauses().await.unwrap().len(), 46, "each once, and none of those that came later");
    let page = app.page(&mut operator, &errand).await.body;
    for said in ["45 of 45 linked incidents done.", "1 linked incident passed over: It is paused already.", "It ended"]
    {
        assert!(page.contains(said), "{said}: {page}");
    }
    let again = app.submit(&mut operator, &format!("{errand}/begin"), &[]).await;
    assert_eq!(again.location(), errand);
    assert!(app.page(&mut operator, &errand).await.body.contains("It is under way, or has ended, by now."));
    let mut admin = app.signed_in("admin").await;
    let ledger = app.page(&mut admin, "/ledger?fact=human-act").await.body;
    for said in ["Began “Pause” at 46 linked incidents.", "Stopped “Pause”", "Came to the end of “Pause”"] {
        assert!(ledger.contains(said), "{said}: {ledger}");
    }
    let all = app.page(&mut operator, "/errands").await.body;
    assert!(all.contains(&format!("href=\"{errand}\"")), "{all}");
}

#[tokio::test]
async fn an_errand_is_its_owners_and_has_the_rights_that_they_have_by_then() {
    let app = app().await;
    let mut other = app.signed_in("other").await;
    let mut viewer = app.signed_in("viewer").await;
    let mut operator = app.signed_in("operator").await;
    assert!(!app.page(&mut viewer, "/").await.body.contains("action=\"/errands\""));
    let form = [("act", "resume"), ("which", "all")];
    assert_eq!(app.submit(&mut viewer, "/errands", &form).await.status, StatusCode::FORBIDDEN);
    let ids = [seed::pair(1), seed::pair(2)].map(|id| id.to_string());
    let form = [("act", "look"), ("which", "ticked"), ("pair", ids[0].as_str()), ("pair", ids[1].as_str())];
    let errand = planned(&app, &mut other, &form).await;
    assert_eq!(count(&app, &errand, RowState::Waiting).await, 1, "a foreign pair is none");
    let all = planned(&app, &mut other, &[("act", "look"), ("which", "all")]).await;
    assert_eq!(count(&app, &all, RowState::Waiting).await, 1, "nor does a filter match one");
    assert_eq!(app.page(&mut other, &errand).await.status, StatusCode::NOT_FOUND, "a newer plan takes its place");
    for path in [all.clone(), format!("{all}/begin"), format!("{all}/stop")] {
        let found = if path == all {
            app.page(&mut operator, &path).await.status
        } else {
            app.submit(&mut operator, &path, &[]).await.status
        };
        assert_eq!(found, StatusCode::NOT_FOUND, "{path}");
    }
    for (form, list, said) in [
        ([("act", "drop"), ("which", "all")], "/?which=all", "Do: Choose what is to be done"),
        ([("act", "look"), ("which", "ticked")], "/?act=look", "With: No incident is ticked."),
    ] {
        let answer = app.submit(&mut operator, "/errands", &form).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, list));
        assert!(app.page(&mut operator, list).await.body.contains(said), "{said}");
    }

    app.submit(&mut other, &format!("{all}/begin"), &[]).await;
    let person = user(&app, "other").await;
    let mut tx = app.app.store.begin().await.unwrap();
    tx.update_user(&User { scope: Scope::Clients(vec![seed::client(1)]), ..person }).await.unwrap();
    tx.commit().await.unwrap();
    app.engine.taken();
    let worker = Worker::new(&app.app);
    to_the_end(&app, &worker).await;
    assert_eq!(app.engine.taken(), Vec::<String>::new(), "nothing is done at a pair that is foreign by now");
    assert_eq!(count(&app, &all, RowState::Failed).await, 1);
    let failed = app.app.store.pair_errand_rows(id(&all), RowState::Failed, 9).await.unwrap();
    assert!(failed[0].1.says.contains("not among your clients any more"), "{failed:?}");
    let page = app.page(&mut other, &all).await.body;
    assert!(page.contains("1 failed") && !page.contains("#102"), "its name is not told any more: {page}");

    let errand = planned(&app, &mut operator, &[("act", "look"), ("which", "all")]).await;
    app.submit(&mut operator, &format!("{errand}/begin"), &[]).await;
    let person = user(&app, "operator").await;
    let mut tx = app.app.store.begin().await.unwrap();
    tx.update_user(&User { disabled: true, ..person }).await.unwrap();
    tx.commit().await.unwrap();
    to_the_end(&app, &worker).await;
    assert_eq!(app.engine.taken(), Vec::<String>::new());
    let ended = app.app.store.pair_errand(id(&errand)).await.unwrap().unwrap();
    assert!(ended.ended.is_some() && ended.says.contains("switched off"), "{ended:?}");
}

/// The pairs that the engine was asked to read since the last call.
fn asked(app: &TestApp) -> Vec<PairId> {
    app.engine.taken().iter().filter_map(|asked| asked.strip_prefix("look ")?.parse().ok()).collect()
}

#[tokio::test]
async fn readings_are_asked_for_some_at_a_time_and_each_is_seen_through() {
    let app = app().await;
    let mut operator = app.signed_in("operator").await;
    let errand = planned(&app, &mut operator, &[("act", "look"), ("which", "all")]).await;
    app.submit(&mut operator, &format!("{errand}/begin"), &[]).await;
    app.engine.taken();
    let worker = Worker::new(&app.app);
    let later = |app: &TestApp| Ok(Turn::NotBefore(app.now() + SignedDuration::from_secs(1)));
    assert_eq!(worker.turn().await, later(&app));
    let first = asked(&app);
    assert_eq!(first.len(), 20);
    assert_eq!(worker.turn().await, later(&app));
    assert_eq!(asked(&app).len(), 0, "no more before those are read");
    for pair in &first[1..] {
        app.engine.looked(*pair, app.now());
    }
    app.clock.advance(SignedDuration::from_secs(120));
    assert_eq!(worker.turn().await, Ok(Turn::Again));
    assert_eq!((count(&app, &errand, RowState::Done).await, count(&app, &errand, RowState::Failed).await), (19, 1));
    // What was asked for and not seen when the program ended is asked for again.
    worker.turn().await.unwrap();
    let second = asked(&app);
    drop(worker);
    let worker = Worker::new(&app.app);
    worker.turn().await.unwrap();
    assert_eq!(asked(&app), second);
    let mut all: Vec<PairId> = first.into_iter().chain(second.iter().copied()).collect();
    for pair in second {
        app.engine.looked(pair, app.now());
    }
    for _ in 0..50 {
        if worker.turn().await.unwrap() == Turn::Nothing {
            break;
        }
        for pair in asked(&app) {
            all.push(pair);
            app.engine.looked(pair, app.now());
        }
    }
    assert_eq!((count(&app, &errand, RowState::Done).await, count(&app, &errand, RowState::Failed).await), (46, 1));
    let once: std::collections::BTreeSet<&PairId> = all.iter().collect();
    assert_eq!((all.len(), once.len()), (47, 47), "each once");
    let page = app.page(&mut operator, &errand).await.body;
    assert!(page.contains("It could not be read within two minutes."), "{page}");
}

/// Value of the first input of this name on the list.
fn input(page: &str, name: &str) -> String {
    let html = scraper::Html::parse_document(page);
    let input = scraper::Selector::parse(&format!("#errand input[name='{name}']")).unwrap();
    html.select(&input).next().unwrap().value().attr("value").unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_refused_errand_comes_back_to_its_page_with_what_was_entered() {
    let app = app().await;
    open(&app, 200..200 + 100).await;
    let mut operator = app.signed_in("operator").await;
    let filter = format!("client={}", seed::client(1));
    let first = app.page(&mut operator, &format!("/?{filter}")).await.body;
    let html = scraper::Html::parse_document(&first);
    let links = scraper::Selector::parse("a[href*='from=']").unwrap();
    let second = html.select(&links).next().expect("there is a second page").value().attr("href").unwrap().to_owned();
    let list = app.page(&mut operator, &second).await.body;
    let query = input(&list, "query");
    assert_eq!(format!("/?{query}"), second, "the form knows its page");
    assert_eq!(input(&list, "why"), "");

    let form = [("act", "pause"), ("which", "ticked"), ("query", query.as_str()), ("why", "Moving <Halo> & more")];
    let answer = app.submit(&mut operator, "/errands", &form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let back = answer.location().to_owned();
    assert!(back.starts_with(&second), "{back}");
    // What is fetched in the background leaves it to the page, which says it once, on top and with its field.
    assert_eq!(app.page(&mut operator, &format!("{back}&fragment=1")).await.status, StatusCode::OK);
    let answer = app.page(&mut operator, &back).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = answer.body;
    assert!(page.contains("<title>Error: Linked incidents"), "{page}");
    let marks = ["class=\"summary\"", "id=\"errand\"", "id=\"truth\"", "id=\"rows\""];
    let places = marks.map(|mark| page.find(mark).unwrap_or_else(|| panic!("{mark}: {page}")));
    assert!(places.is_sorted(), "the form is seen before the list: {places:?}");
    assert_eq!(page.matches("id=\"errand\"").count(), 1, "{page}");
    let html = scraper::Html::parse_document(&page);
    let found = |css: &str| html.select(&scraper::Selector::parse(css).unwrap()).count();
    assert_eq!(found(".summary[role='alert'][autofocus] a[href='#errand-which']"), 1, "{page}");
    assert_eq!(found("#errand-which[aria-invalid][aria-describedby='errand-which-problem']"), 1, "{page}");
    assert_eq!(found("#errand #errand-which-problem"), 1, "{page}");
    assert_eq!(found("#errand [aria-invalid]"), 1, "{page}");
    assert!(page.contains("With: No incident is ticked."), "{page}");
    assert_eq!(input(&page, "why"), "Moving <Halo> & more");
    let again = app.page(&mut operator, &back).await;
    assert_eq!((again.status, input(&again.body, "why").as_str()), (StatusCode::OK, "Moving <Halo> & more"));
    assert!(!again.body.contains("class=\"summary\""), "{}", again.body);
    let html = scraper::Html::parse_document(&page);
    let chosen = scraper::Selector::parse("#errand option[selected]").unwrap();
    assert_eq!(html.select(&chosen).filter_map(|one| one.value().attr("value")).collect::<Vec<_>>(), ["pause"]);
    // The same rows are listed, and nothing else leads on with what was entered.
    let rows = |page: &str| -> Vec<String> {
        let html = scraper::Html::parse_document(page);
        let boxes = scraper::Selector::parse("input[name='pair']").unwrap();
        html.select(&boxes).filter_map(|one| one.value().attr("value").map(str::to_owned)).collect()
    };
    assert!(!rows(&list).is_empty());
    assert_eq!(rows(&page), rows(&list));
    assert_eq!(input(&page, "query"), query);

    // All that match are meant from wherever in the list it is asked for.
    let long = "x".repeat(500);
    let form = [("act", "pause"), ("which", "all"), ("query", query.as_str()), ("why", long.as_str())];
    let answer = app.submit(&mut operator, "/errands", &form).await;
    let back = answer.location().to_owned();
    let page = app.page(&mut operator, &back).await.body;
    assert!(page.contains("Why, of a pause: The reason has 500 characters;"), "{page}");
    assert_eq!(input(&page, "why").len(), 400, "what is kept of it is bounded");
    let form = [("act", "pause"), ("which", "all"), ("query", query.as_str()), ("why", "short")];
    let errand = planned(&app, &mut operator, &form).await;
    assert_eq!(count(&app, &errand, RowState::Waiting).await, 146);
}

#[tokio::test]
async fn a_reading_of_what_is_switched_off_fails_at_once_and_says_why() {
    let app = app().await;
    let mut operator = app.signed_in("operator").await;
    let workspace = app.app.store.situation(seed::pair(1)).await.unwrap().unwrap().pair.workspace;
    let rows = app.app.installation().await.unwrap();
    let row = rows.workspaces.iter().find(|row| row.id == workspace).unwrap();
    let ids = [further(100), further(101)].map(|id| id.to_string());
    let worker = Worker::new(&app.app);
    for act in ["look", "sync"] {
        let mut tx = app.app.store.begin().await.unwrap();
        tx.put_workspace(&Workspace { mode: Mode::TwoWay, ..row.clone() }).await.unwrap();
        tx.commit().await.unwrap();
        let form = [("act", act), ("which", "ticked"), ("pair", ids[0].as_str())];
        let waits = planned(&app, &mut operator, &form).await;
        app.submit(&mut operator, &format!("{waits}/begin"), &[]).await;
        worker.turn().await.unwrap();
        assert_eq!(count(&app, &waits, RowState::Waiting).await, 1, "{act}");
        // What waits to be read when it is switched off waits no longer.
        let mut tx = app.app.store.begin().await.unwrap();
        tx.put_workspace(&Workspace { mode: Mode::Off, ..row.clone() }).await.unwrap();
        tx.commit().await.unwrap();
        let began = app.now();
        to_the_end(&app, &worker).await;
        assert!(app.now() < began + SignedDuration::from_secs(10), "{act}: it is not waited for");
        assert_eq!(count(&app, &waits, RowState::Failed).await, 1, "{act}");

        app.engine.taken();
        let form = [("act", act), ("which", "ticked"), ("pair", ids[1].as_str())];
        let errand = planned(&app, &mut operator, &form).await;
        app.submit(&mut operator, &format!("{errand}/begin"), &[]).await;
        app.engine.taken();
        to_the_end(&app, &worker).await;
        assert_eq!(app.engine.taken(), Vec::<String>::new(), "{act}: nothing is asked for");
        let page = app.page(&mut operator, &errand).await.body;
        assert!(page.contains("Its workspace is switched off: nothing is read of it."), "{act}: {page}");
    }
}

#[tokio::test]
async fn a_plan_passes_over_what_has_no_use_for_it() {
    let app = app().await;
    let mut operator = app.signed_in("operator").await;
    let caller = Caller::from(&user(&app, "operator").await);
    pauses::pause(&app.app, &caller, PauseScope::Pair { id: further(101) }, "").await.unwrap();
    let ids = [further(100), further(101)].map(|id| id.to_string());
    let form = |act| [("act", act), ("which", "ticked"), ("pair", ids[0].as_str()), ("pair", ids[1].as_str())];
    for (act, waiting, said) in [("pause", 1, "It is paused already."), ("resume", 1, "It is not paused by itself.")] {
        let errand = planned(&app, &mut operator, &form(act)).await;
        assert_eq!(count(&app, &errand, RowState::Waiting).await, waiting, "{act}");
        let page = app.page(&mut operator, &errand).await.body;
        assert!(page.contains(&format!("1 linked incident passed over: {said}")), "{act}: {page}");
    }
    let only = [("act", "resume"), ("which", "ticked"), ("pair", ids[0].as_str())];
    let errand = planned(&app, &mut operator, &only).await;
    let page = app.page(&mut operator, &errand).await.body;
    assert!(page.contains("There is nothing to do") && !page.contains(&format!("{errand}/begin")), "{page}");
}
