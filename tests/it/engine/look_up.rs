//! An incident that no poll has met is looked up, and says why it has no ticket.

use halobridge::{
    domain::account::{Role, Scope},
    service::{
        caller::Caller,
        error::ServiceError,
        incidents, links,
        look_up::{self, Named},
        tickets,
    },
    store::{PairFilter, PairSort},
};
use serde_json::json;

use super::bridge::*;

const ID: &str = "5a000000-0000-4000-8000-00000000abcd";

#[test]
fn an_incident_is_named_by_its_number_its_id_or_its_address() {
    let of = |text: &str| look_up::named(text);
    let id = || Ok(Named::Id(ID.into_id()));
    assert_eq!((of("4711"), of(" #4711 ")), (Ok(Named::Number(4711)), Ok(Named::Number(4711))));
    assert_eq!((of(ID), of(&format!(" {ID} "))), (id(), id()));
    let resource = format!("/subscriptions/aaaaaaaa-0000-4000-8000-000000000001/x/incidents/{ID}");
    assert_eq!(of(&resource), id());
    assert_eq!(
        of(&format!("https://portal.azure.com/#asset/Microsoft_Azure_Security_Insights/Incident{resource}")),
        id()
    );
    let encoded = format!(
        "https://portal.azure.com/#blade/id/%2Fsubscriptions%2Faaaaaaaa-0000-4000-8000-000000000001%2FIncidents%2F{ID}"
    );
    assert_eq!(of(&encoded), id());
    let there = || Ok(Named::Defender("94101".into()));
    for address in [
        "https://security.microsoft.com/incidents/94101?tid=5a000000-0000-4000-8000-000000000002",
        "https://security.microsoft.com/incidents/94101",
        "https://Security.Microsoft.com/incident2/94101/overview?tid=5a000000-0000-4000-8000-000000000002",
        " security.microsoft.com/incident2/94101#graph ",
    ] {
        assert_eq!(of(address), there(), "{address}");
    }
    for wrong in [
        "",
        "0",
        "-3",
        "many",
        "https://security.microsoft.com/incidents",
        "https://security.microsoft.com/incidents?tid=5a000000-0000-4000-8000-000000000002",
        "https://security.microsoft.com/alerts/94101",
        "https://security.microsoft.com/incidents/94101x",
        "https://security.microsoft.com/incidents/9999999999999999999999",
    ] {
        assert!(of(wrong).is_err_and(|why| why.starts_with("“Incident”: ")), "{wrong}");
    }
}

trait IntoId {
    fn into_id(self) -> halobridge::domain::ids::IncidentId;
}

impl IntoId for &str {
    fn into_id(self) -> halobridge::domain::ids::IncidentId {
        halobridge::domain::ids::IncidentId::new(self)
    }
}

both! {
    async fn an_incident_that_no_poll_has_met_is_looked_up_and_says_why(product) {
        let bridge = Bridge::with(Setup::new(product)).await;
        let (app, admin) = bridge.admin();
        let first = bridge.raise(json!({}));
        bridge.cross().await;
        let workspace = bridge.workspace(0).await;
        let chosen = workspace.id.to_string();
        let look = async |text: &str| look_up::view(&app, &admin, &chosen, Some(text)).await.unwrap();
        // Nothing was asked for yet.
        let untouched = look_up::view(&app, &admin, &chosen, None).await.unwrap();
        assert_eq!((untouched.found, untouched.form.problems.len()), (None, 0));
        // One that is linked leads to its pair.
        let found = look(&first).await.found.expect("it is known");
        assert!(found.met && found.pair.is_some() && found.gates.is_empty());
        // One that has just been raised, by number and by id: every gate is told, and nothing is kept.
        let fresh = bridge.raise(json!({ "severity": "High" }));
        let number = bridge.incident(&fresh)["properties"]["incidentNumber"].as_i64().unwrap();
        let before = bridge.writes();
        for text in [format!("#{number}"), fresh.clone(), format!("https://portal.azure.com/x/incidents/{fresh}")] {
            let found = look(&text).await.found.unwrap_or_else(|| panic!("{text} is there"));
            assert_eq!((found.row.incident.as_str(), found.met, found.pair), (fresh.as_str(), false, None));
            assert!(!found.gates.is_empty(), "{text}");
        }
        assert_eq!(bridge.writes(), before, "nothing is written");
        let kept = app.store.subject(workspace.id, &fresh.as_str().into_id()).await.unwrap();
        assert!(kept.is_none(), "nothing is kept");
        // One that does not exist, in words that do; another client's reader; no workspace chosen; Azure away.
        let gone = look("999999").await.form;
        assert!(gone.problem("incident").is_some_and(|why| why.contains("has no incident of number 999999")), "{gone:?}");
        assert!(look("many").await.form.problem("incident").is_some());
        let stranger = Caller { scope: Scope::Clients(Vec::new()), ..admin.clone() };
        let seen = look_up::view(&app, &stranger, &chosen, Some(&fresh)).await.unwrap();
        assert!(seen.found.is_none() && seen.workspaces.is_empty() && seen.form.problem("workspace").is_some());
        bridge.fault(json!({ "effect": "status", "status": 503, "kind": "sentinel.*" }));
        let away = look(&fresh).await.form;
        assert!(away.problem("incident").is_some_and(|why| why.starts_with("Sentinel could not be asked")), "{away:?}");
        bridge.heal();
        bridge.pass(600).await;
        assert!(look(&fresh).await.found.is_some_and(|found| found.met && found.pair.is_some()));
        bridge.finish().await;
    }

    /// The number that people see in Defender leads to the incident: in a search, and looked up, before a poll has met it.
    async fn an_incident_is_found_by_its_number_in_defender(product) {
        let switches = vec![("defender", "true"), ("automation_delay_s", "0"), ("defender_delay_s", "0")];
        let bridge = Bridge::with(Setup { switches, ..Setup::new(product) }).await;
        let (app, admin) = bridge.admin();
        let chosen = bridge.workspace(0).await.id.to_string();
        let incident = bridge.raise(json!({}));
        let properties = bridge.incident(&incident)["properties"].clone();
        let number = properties["providerIncidentId"].as_str().unwrap().to_owned();
        assert_ne!(properties["incidentNumber"].to_string(), number, "Defender counts for itself");
        let address = format!("https://security.microsoft.com/incidents/{number}?tid=5a000000-0000-4000-8000-000000000002");
        let look = async |text: &str| look_up::view(&app, &admin, &chosen, Some(text)).await.unwrap();
        for met in [false, true] {
            for text in [number.clone(), format!("#{number}"), address.clone()] {
                let found = look(&text).await.found.unwrap_or_else(|| panic!("{text} is there: {met}"));
                assert_eq!((found.row.incident.as_str(), found.met, found.pair.is_some()), (incident.as_str(), met, met));
            }
            bridge.cross().await;
        }
        let gone = look("https://security.microsoft.com/incident2/999999/overview").await.form;
        let why = gone.problem("incident").unwrap_or_default().to_owned();
        assert!(why.contains("has no incident of number 999999 in Defender"), "{why}");
        let title = properties["title"].as_str().unwrap();
        for (text, expected) in [
            (number.clone(), 1),
            (format!("#{number}"), 1),
            (format!("{title} {number}"), 1),
            (format!("{title} 999999"), 0),
        ] {
            let filter = PairFilter { text: Some(text.clone()), ..PairFilter::default() };
            let rows = app.store.pairs_page(&filter, PairSort::default(), None, 10).await.unwrap().rows;
            assert_eq!(rows.len(), expected, "{text}");
        }
        bridge.finish().await;
    }

    /// Nothing is asked outside for them, and they change nothing.
    async fn who_only_reads_sees_every_gate_of_what_polls_have_met(product) {
        let bridge = Bridge::with(Setup { mode: "observe", ..Setup::new(product) }).await;
        let (app, admin) = bridge.admin();
        let viewer = Caller { role: Role::Viewer, ..admin.clone() };
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        let number = bridge.incident(&incident)["properties"]["incidentNumber"].to_string();
        let fresh = bridge.raise(json!({}));
        let workspace = bridge.workspace(0).await.id;
        let chosen = workspace.to_string();
        let of_operators = incidents::one(&app, &admin, workspace, &incident.as_str().into_id()).await.unwrap();
        assert!(!of_operators.1.is_empty(), "{of_operators:?}");
        let seen = incidents::one(&app, &viewer, workspace, &incident.as_str().into_id()).await.unwrap();
        assert_eq!(seen, of_operators);
        bridge.fault(json!({ "effect": "status", "status": 503, "kind": "sentinel.*" }));
        for text in [&incident, &number] {
            let found = look_up::view(&app, &viewer, &chosen, Some(text)).await.unwrap().found;
            let found = found.unwrap_or_else(|| panic!("{text} was met"));
            assert_eq!((found.row.incident.as_str(), &found.gates), (incident.as_str(), &seen.1));
        }
        let unmet = look_up::view(&app, &viewer, &chosen, Some(&fresh)).await.unwrap();
        let why = unmet.form.problem("incident").unwrap_or_default();
        assert!(unmet.found.is_none() && why.contains("An operator or an admin can"), "{why}");
        bridge.heal();
        let refused = links::make_ticket(&app, &viewer, workspace, &incident.as_str().into_id()).await;
        assert!(matches!(refused, Err(ServiceError::Forbidden)), "{refused:?}");
        assert!(matches!(tickets::view(&app, &viewer, "", None).await, Err(ServiceError::Forbidden)));
        bridge.cross().await;
        bridge.finish().await;
    }
}
