//! Before going live and at it: what a policy would do, what the first cycle would do, and that it does just that.

use std::collections::BTreeSet;

use halobridge::{
    domain::{
        catalogue::Ref,
        ids::{PolicyId, WorkspaceId},
        policy::{Base, Direction, FieldRule, Policy, PolicyKey, When},
        rights::{FOUND_BY, NEEDED, ROLE},
        workspace::{Mode, Workspace},
    },
    service::{
        error::ServiceError,
        go_live::{self, Start},
        set_up::{
            Typed,
            discovery::{self, Standing},
            mapping::{self, Asked},
        },
        what_if,
    },
    twin::{microsoft::directory, options::Product},
};
use serde_json::json;
use uuid::Uuid;

use super::bridge::*;

async fn policy(bridge: &Bridge) -> Policy {
    bridge.store.installation().await.unwrap().policies[0].clone()
}

async fn first(bridge: &Bridge) -> WorkspaceId {
    bridge.workspace(0).await.id
}

#[tokio::test]
async fn a_draft_policy_is_asked_what_it_would_do_and_nothing_is_written() {
    let setup = Setup { mode: "observe", workspaces: 1, ..Setup::new(Product::Itsm) };
    let bridge = Bridge::with(setup).await;
    let (app, admin) = bridge.admin();
    bridge.raise_in(0, json!({ "title": "One", "severity": "High" }));
    bridge.raise_in(0, json!({ "title": "Two", "severity": "Low", "owner": ANALYST }));
    bridge.raise_in(0, json!({ "title": "Noise: again", "severity": "Low" }));
    let closed = bridge.raise_in(0, json!({ "title": "Over", "severity": "Medium" }));
    bridge.close_incident(&closed, json!({}));
    bridge.pass(60).await;
    let before = bridge.writes();
    let mut draft = policy(&bridge).await;
    draft.priorities.remove("Low");
    draft.exclude.title = vec!["Noise*".into()];
    let found = what_if::last_days(&app, &admin, first(&bridge).await, &draft).await.unwrap().unwrap();
    assert_eq!((found.incidents, found.tickets, found.closed, found.linked), (4, 3, 1, 0), "{found:#?}");
    assert_eq!(found.skipped.len(), 1, "{:?}", found.skipped);
    assert_eq!(found.skipped[0].count, 1);
    assert!(found.lacking.iter().any(|row| row.count == 1 && row.says.contains("Low")), "{:?}", found.lacking);
    assert_eq!(found.samples.len(), 3);
    let one = found.samples.iter().find(|sample| sample.summary.contains("One")).unwrap();
    assert_eq!((one.priority.as_str(), one.status.as_str(), one.closed), ("P2 - High", "New", false));
    let two = found.samples.iter().find(|sample| sample.summary.contains("Two")).unwrap();
    assert_eq!((two.priority.as_str(), two.agent.as_str()), ("", AGENT));
    assert!(!found.more);
    // A ticket type that is not there: none would get a ticket, and it is said why.
    draft.ticket_type = Ref::Name("Gone".into());
    let found = what_if::last_days(&app, &admin, first(&bridge).await, &draft).await.unwrap().unwrap();
    assert_eq!(found.tickets, 0);
    assert!(found.skipped.iter().any(|row| row.count == 3 && row.says.contains("Gone")), "{:?}", found.skipped);
    assert_eq!(bridge.writes(), before, "0 writes");
    bridge.finish().await;
}

#[tokio::test]
async fn every_workspace_that_follows_the_policy_is_counted() {
    let setup = Setup { mode: "observe", workspaces: 3, ..Setup::new(Product::Itsm) };
    let bridge = Bridge::with(setup).await;
    let (app, admin) = bridge.admin();
    let standard = policy(&bridge).await;
    // The third follows a policy that builds on it and lets other incidents alone; a fourth policy has no followers.
    let mut above = Policy { id: PolicyId(Uuid::from_u128(0xab)), name: "Above".into(), ..standard.clone() };
    above.base = Some(Base { policy: standard.id, own: BTreeSet::from([PolicyKey::Include]) });
    above.include.title = vec!["One*".into()];
    let third = Workspace { policy: above.id, ..bridge.workspace(2).await };
    let mut tx = bridge.store.begin().await.unwrap();
    tx.put_policy(&above).await.unwrap();
    tx.put_workspace(&third).await.unwrap();
    tx.commit().await.unwrap();
    for (place, title) in [(0, "One"), (0, "Two"), (1, "One"), (2, "One"), (2, "Two")] {
        bridge.raise_in(place, json!({ "title": title, "severity": "High" }));
    }
    bridge.pass(60).await;
    let before = bridge.writes();
    let asked = async |policy: &str| {
        let asked = Asked { policy: policy.to_owned(), ..Asked::default() };
        let form = mapping::view(&app, &admin, &asked).await.unwrap().form;
        let typed = form.values.into_iter().chain([("do".to_owned(), "what-if".to_owned())]);
        mapping::again(&app, &admin, &Typed::new(typed)).await.unwrap()
    };
    let page = asked(&standard.name).await;
    let total = page.what_if.unwrap();
    assert_eq!((total.incidents, total.tickets), (5, 4), "{total:#?}");
    let mut each: Vec<(u32, u32)> = page
        .what_if_of
        .iter()
        .map(|row| row.what.as_ref().map(|what| (what.incidents, what.tickets)).unwrap())
        .collect();
    each.sort_unstable();
    assert_eq!((each, page.what_if_as_if), (vec![(1, 1), (2, 1), (2, 2)], false));
    // What builds on it applies where it is followed; a new one is counted as if all followed it.
    let page = asked("Above").await;
    assert_eq!((page.what_if.unwrap().incidents, page.what_if_of.len()), (2, 1));
    let page = asked("new").await;
    assert_eq!((page.what_if_of.len(), page.what_if_as_if), (3, true));
    assert_eq!(bridge.writes(), before, "0 writes");
    bridge.finish().await;
}

#[tokio::test]
async fn what_would_change_in_pairs_is_counted() {
    let setup = Setup { workspaces: 1, ..Setup::new(Product::Itsm) };
    let bridge = Bridge::with(setup).await;
    let (app, admin) = bridge.admin();
    let incident = bridge.raise_in(0, json!({ "severity": "High" }));
    let other = bridge.raise_in(0, json!({ "severity": "Low" }));
    bridge.cross().await;
    let id = first(&bridge).await;
    let in_step = what_if::last_days(&app, &admin, id, &policy(&bridge).await).await.unwrap().unwrap();
    assert_eq!((in_step.linked, in_step.tickets, in_step.changed, in_step.closing), (2, 0, 0, 0), "{in_step:#?}");
    bridge.close_incident(&incident, json!({}));
    bridge.update(&other, json!({ "severity": "Medium" }));
    bridge.advance(1).await;
    let before = bridge.writes();
    let found = what_if::last_days(&app, &admin, id, &policy(&bridge).await).await.unwrap().unwrap();
    assert_eq!((found.linked, found.changed, found.closing), (2, 2, 1), "{found:#?}");
    // Under a policy that lets no status cross, nothing would be closed.
    let mut draft = policy(&bridge).await;
    draft.status = FieldRule::new(Direction::None, When::Always);
    let found = what_if::last_days(&app, &admin, id, &draft).await.unwrap().unwrap();
    assert_eq!((found.changed, found.closing), (1, 0), "{found:#?}");
    assert_eq!(bridge.writes(), before, "0 writes");
    bridge.pass(60).await;
    bridge.finish().await;
}

#[tokio::test]
async fn a_workspace_that_cannot_be_asked_says_why() {
    let setup = Setup { mode: "observe", workspaces: 1, ..Setup::new(Product::Itsm) };
    let bridge = Bridge::with(setup).await;
    let (app, admin) = bridge.admin();
    bridge.away(Some("/arm"));
    let asked = what_if::last_days(&app, &admin, first(&bridge).await, &policy(&bridge).await).await.unwrap();
    assert!(asked.unwrap_err().message.contains("can't be reached"));
    bridge.away(None);
    let (_, operator) = bridge.console();
    let asked = what_if::last_days(&app, &operator, first(&bridge).await, &policy(&bridge).await).await;
    assert_eq!(asked.unwrap_err(), ServiceError::Forbidden);
    bridge.finish().await;
}

#[tokio::test]
async fn before_anything_has_come_the_newest_fifty_show_what_would_happen() {
    let setup = Setup { mode: "observe", since_secs: 3_600, workspaces: 1, ..Setup::new(Product::Itsm) };
    let bridge = Bridge::with(setup).await;
    let (app, admin) = bridge.admin();
    for n in 0..52 {
        bridge.raise_in(0, json!({ "title": format!("Old {n}"), "severity": if n % 2 == 0 { "Low" } else { "High" } }));
    }
    bridge.advance(7_200).await;
    let before = bridge.writes();
    let cycle = go_live::first_cycle(&app, &admin, first(&bridge).await).await.unwrap().unwrap();
    assert_eq!((cycle.what.incidents, cycle.what.tickets), (0, 0), "{cycle:#?}");
    let newest = cycle.newest.expect("there are some");
    assert_eq!((newest.incidents, newest.tickets, newest.samples.len()), (50, 50, 5), "{newest:#?}");
    assert_eq!(bridge.writes(), before, "0 writes");
    bridge.finish().await;
}

#[tokio::test]
async fn going_live_does_what_was_shown() {
    let setup = Setup { mode: "observe", workspaces: 2, ..Setup::new(Product::Itsm) };
    let bridge = Bridge::with(setup).await;
    let (app, admin) = bridge.admin();
    bridge.raise_in(0, json!({ "severity": "High" }));
    bridge.raise_in(0, json!({ "severity": "Low" }));
    bridge.raise_in(1, json!({ "severity": "Low" }));
    bridge.pass(60).await;
    assert!(bridge.tickets().is_empty());
    let before = bridge.writes();
    let id = first(&bridge).await;
    let (rows, mark) = go_live::rows(&app, &admin).await.unwrap();
    let mut waiting: Vec<u32> = rows.iter().map(|row| row.waiting).collect();
    waiting.sort_unstable();
    assert_eq!(waiting, [1, 2]);
    assert!(rows.iter().all(|row| row.mode == Mode::Observe && row.obstacle.is_empty()));
    let cycle = go_live::first_cycle(&app, &admin, id).await.unwrap().unwrap();
    assert_eq!((cycle.what.tickets, cycle.what.incidents), (2, 2));
    assert_eq!(cycle.newest, None, "there are no others");
    assert_eq!(bridge.writes(), before, "0 writes");
    // One workspace; the other goes on observing.
    go_live::go(&app, &admin, &[id], Mode::TwoWay, Start::AsObserved, &mark).await.unwrap();
    bridge.pass(60).await;
    assert_eq!(bridge.tickets().len(), 2);
    let (rows, fresh) = go_live::rows(&app, &admin).await.unwrap();
    assert_eq!(rows.iter().filter(|row| row.mode == Mode::TwoWay).count(), 1);
    // Somebody else was faster.
    let all: Vec<WorkspaceId> = rows.iter().map(|row| row.id).collect();
    let stale = go_live::go(&app, &admin, &all, Mode::TwoWay, Start::Now, &mark).await;
    assert_eq!(stale, Err(ServiceError::Conflict));
    let none = go_live::go(&app, &admin, &[], Mode::TwoWay, Start::Now, &fresh).await;
    assert!(matches!(none, Err(ServiceError::Invalid(_))));
    // All, from now on: what observing kept back stays as it is.
    go_live::go(&app, &admin, &all, Mode::TwoWay, Start::Now, &fresh).await.unwrap();
    bridge.pass(60).await;
    assert_eq!(bridge.tickets().len(), 2);
    bridge.raise_in(1, json!({ "severity": "High" }));
    bridge.pass(60).await;
    assert_eq!(bridge.tickets().len(), 3);
    bridge.finish().await;
}

#[tokio::test]
async fn nobody_goes_live_without_a_place_for_tickets() {
    let setup = Setup { mode: "observe", workspaces: 1, bound: false, ..Setup::new(Product::Itsm) };
    let bridge = Bridge::with(setup).await;
    let (app, admin) = bridge.admin();
    let (rows, mark) = go_live::rows(&app, &admin).await.unwrap();
    assert!(rows[0].obstacle.contains("not linked to a client in Halo"));
    let asked = go_live::go(&app, &admin, &[rows[0].id], Mode::TwoWay, Start::Now, &mark).await;
    let Err(ServiceError::Invalid(problems)) = asked else { panic!("{asked:?}") };
    assert_eq!(problems[0].field, "workspace");
    assert!(problems[0].problem.contains("Link it first"));
    bridge.finish().await;
}

/// The app has no other role than the custom one of docs/SET-UP.md: workspaces are found with it, and everything crosses.
#[tokio::test]
async fn the_custom_role_is_enough_to_find_workspaces_and_to_sync() {
    let bridge = Bridge::new(Product::Itsm).await;
    let role = directory::role(ROLE).unwrap();
    assert_eq!(role.actions, NEEDED.into_iter().chain(FOUND_BY).collect::<Vec<_>>(), "the stand-in's is the same");
    bridge.twin.with(|world, _| {
        let known = &mut world.microsoft.directory;
        let apps: Vec<String> = known.tenants.iter().map(|tenant| tenant.app_object_id.clone()).collect();
        for given in known.assignments.values_mut().filter(|given| apps.contains(&given.principal_id)) {
            given.role_id = role.id.to_owned();
        }
    });
    let (app, _) = bridge.admin();
    let reached = discovery::reached(&app, true).await.unwrap();
    let own = reached.workspaces.iter().find(|found| found.address.workspace == bridge.workspace_name(0)).unwrap();
    assert_eq!(own.standing, Standing::Reached { missing: Vec::new() });
    let incident = bridge.raise(json!({ "severity": "High" }));
    bridge.cross().await;
    let ticket = bridge.ticket_of(&incident).await;
    assert!(bridge.ticket(ticket)["details_html"].as_str().unwrap().contains("Alerts"), "the evidence is read as well");
    bridge.comment(&incident, "said in Sentinel");
    bridge.note(ticket, "<p>said in Halo</p>", json!({}));
    bridge.cross().await;
    assert!(bridge.notes_of(ticket).iter().any(|note| words(note).contains("said in Sentinel")));
    assert!(bridge.comments_of(&incident).iter().any(|comment| comment.contains("said in Halo")));
    bridge.close_ticket_as(ticket, 1);
    bridge.cross().await;
    assert_eq!(bridge.incident(&incident)["properties"]["status"], "Closed");
    bridge.finish().await;
}
