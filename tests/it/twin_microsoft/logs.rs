//! Point 15: log queries.

use halobridge::twin::limits::Limits;
use serde_json::{Value, json};

use super::{Got, ORIGIN, Rig, guid, plain};
use crate::openapi;

fn query(rig: &Rig, text: &str) -> Got {
    let token = rig.app_token("https://api.loganalytics.io/.default");
    let id = rig.connection.pointer("/microsoft/workspace_details/0/customer_id").unwrap().as_str().unwrap();
    let path = format!("/v1/workspaces/{id}/query");
    let body = json!({"query": text, "timespan": "P30D"}).to_string();
    let got = rig.raw(
        "POST",
        &format!("{ORIGIN}/loganalytics{path}"),
        &[("authorization", &format!("Bearer {token}"))],
        body.into(),
    );
    if let Some(contract) = openapi::contract() {
        contract.check_answer("POST", &path, got.status, &got.reply.body).unwrap_or_else(|faults| panic!("{faults}"));
    }
    got
}

fn rows(got: &Got) -> Vec<Vec<Value>> {
    assert_eq!(got.status, 200, "{:#}", got.body);
    serde_json::from_value(got.body.pointer("/tables/0/rows").unwrap().clone()).unwrap()
}

#[test]
fn each_change_is_a_row_that_shows_after_the_lag() {
    let rig = Rig::new();
    rig.make(&guid(1), plain());
    let mut closed = plain();
    closed["status"] = json!("Closed");
    closed["classification"] = json!("Undetermined");
    rig.make(&guid(1), closed);
    assert!(rows(&query(&rig, "SecurityIncident")).is_empty());
    rig.pass(181);
    assert_eq!(rows(&query(&rig, "SecurityIncident")).len(), 2);
    let last = query(
        &rig,
        "SecurityIncident | summarize arg_max(TimeGenerated, *) by IncidentName | project IncidentName, Status, Owner",
    );
    assert_eq!(
        rows(&last),
        [[
            json!(guid(1)),
            json!("Closed"),
            json!("{\"objectId\":null,\"email\":null,\"assignedTo\":null,\"userPrincipalName\":null}")
        ]]
    );
    assert_eq!(
        rows(&query(
            &rig,
            &format!("SecurityIncident | where IncidentName == '{}' and Status == 'New' | count", guid(1))
        )),
        [[json!(1)]]
    );
    assert!(rows(&query(&rig, "SecurityIncident | where TimeGenerated < ago(1d)")).is_empty());
    rig.raise();
    rig.pass(181);
    assert_eq!(rows(&query(&rig, "SecurityAlert | take 5")).len(), 1);
}

#[test]
fn bad_queries_partial_errors_and_budgets() {
    let rig = Rig::new();
    let bad = query(&rig, "Heartbeat | nonsense");
    assert_eq!((bad.status, bad.text("/error/code")), (400, "BadArgumentError"));
    rig.switch("log_partial_error", "on");
    let partial = query(&rig, "SecurityIncident");
    assert_eq!((partial.status, partial.text("/error/code")), (200, "PartialError"));
    rig.twin.with(|world, _| world.set_limits(Limits::Real));
    let statuses: Vec<u16> = (0..201).map(|_| query(&rig, "SecurityIncident | take 1").status).collect();
    assert_eq!((statuses[199], statuses[200]), (200, 429));
    let through = rig.workspace.clone() + "/query?api-version=2017-01-01-preview";
    rig.twin.with(|world, _| world.set_limits(Limits::Off));
    assert_eq!(rig.arm("POST", &through, Some(json!({"query": "SecurityIncident"}))).status, 200);
}

#[test]
fn a_workspace_is_queried_by_its_resource_id_and_several_in_one_call() {
    let rig = Rig::new();
    rig.make(&guid(1), plain());
    rig.pass(181);
    let token = rig.app_token("https://api.loganalytics.io/.default");
    let auth = format!("Bearer {token}");
    let ask = |path: &str, body: Value| {
        rig.raw("POST", &format!("{ORIGIN}{path}"), &[("authorization", &auth)], body.to_string().into())
    };
    let count = json!({"query": "SecurityIncident | count"});
    // Some public clients keep only the host of an address they are given.
    for base in ["/loganalytics", ""] {
        let got = ask(&format!("{base}/v1{}/query", rig.workspace), count.clone());
        assert_eq!(rows(&got), [[json!(1)]]);
    }
    let id = rig.connection.pointer("/microsoft/workspace_details/0/customer_id").unwrap();
    let requests =
        json!([{"id": "a", "workspace": id, "body": count}, {"id": "b", "workspace": "nobody's", "body": count}]);
    let got = ask("/loganalytics/v1/$batch", json!({ "requests": requests }));
    assert_eq!((&got.body["responses"][0]["status"], &got.body["responses"][1]["status"]), (&json!(200), &json!(404)));
}

#[test]
fn the_usual_operators_of_the_query_language_are_there() {
    let rig = Rig::new();
    for (n, severity) in [(1, "Low"), (2, "High"), (3, "High")] {
        let mut made = plain();
        made["severity"] = json!(severity);
        rig.make(&guid(n), made.clone());
        made["title"] = json!(format!("again {n}"));
        rig.make(&guid(n), made);
    }
    rig.pass(181);
    let ask = |text: &str| rows(&query(&rig, text));
    assert_eq!(ask("SecurityIncident | distinct Severity | sort by Severity asc"), [[json!("High")], [json!("Low")]]);
    assert_eq!(ask("SecurityIncident | summarize dcount(IncidentName)"), [[json!(3)]]);
    assert_eq!(
        ask("SecurityIncident | summarize N = dcount(IncidentName) by Severity"),
        [[json!("High"), json!(2)], [json!("Low"), json!(1)]]
    );
    assert_eq!(
        ask(
            "SecurityIncident | summarize arg_max(TimeGenerated, Title, Severity) by IncidentName | where IncidentName == '5a000000-0000-4000-8000-000000000002' | project Title, Severity"
        ),
        [[json!("again 2"), json!("High")]]
    );
    assert_eq!(
        ask(
            "// what is open\nSecurityIncident // all of them\n| where isnotempty(Title) and isempty(Classification)\n| extend Name = Title, Kind = 'incident'\n| where Name startswith \"again\" and Kind == 'incident'\n| count"
        ),
        [[json!(3)]]
    );
    let unknown = query(&rig, "Heartbeat | take 1");
    assert_eq!(unknown.status, 400);
    assert!(unknown.body.to_string().contains("SEM0100"), "{:#}", unknown.body);
    let broken = query(&rig, "SecurityIncident | wher x");
    assert!(broken.body.to_string().contains("SyntaxError"), "{:#}", broken.body);
}
