//! Point 15: log queries.

use halobridge::twin::limits::Limits;
use serde_json::{Value, json};

use super::{Got, ORIGIN, Rig, guid, plain};
use crate::openapi;

fn query(rig: &Rig, text: &str) -> Got {
    asked(rig, json!({"query": text, "timespan": "P30D"}))
}

fn asked(rig: &Rig, body: Value) -> Got {
    let token = rig.app_token("https://api.loganalytics.io/.default");
    let id = rig.connection.pointer("/microsoft/workspace_details/0/customer_id").unwrap().as_str().unwrap();
    let path = format!("/v1/workspaces/{id}/query");
    let got = rig.raw(
        "POST",
        &format!("{ORIGIN}/loganalytics{path}"),
        &[("authorization", &format!("Bearer {token}"))],
        body.to_string().into(),
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
fn the_lag_is_as_long_as_it_is_set() {
    let rig = Rig::new();
    rig.switch("log_lag_s", "10");
    rig.make(&guid(1), plain());
    rig.pass(9);
    assert!(rows(&query(&rig, "SecurityIncident")).is_empty());
    rig.pass(2);
    assert_eq!(rows(&query(&rig, "SecurityIncident")).len(), 1);
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

#[test]
fn a_query_adds_workspaces_and_refuses_unknown_ones() {
    let rig = Rig::with(|options| options.workspaces = 2);
    let other = rig.connection.pointer("/microsoft/workspace_details/1").unwrap().clone();
    rig.make(&guid(1), plain());
    let second =
        format!("{}/providers/Microsoft.SecurityInsights/incidents/{}", other["id"].as_str().unwrap(), guid(2));
    assert_eq!(rig.arm("PUT", &second, Some(json!({"properties": plain()}))).status, 201);
    rig.pass(181);
    let text = "SecurityIncident | project IncidentName | sort by IncidentName asc";
    let ask = |workspaces: Value| asked(&rig, json!({"query": text, "workspaces": workspaces}));
    assert_eq!(rows(&ask(json!([]))), [[json!(guid(1))]]);
    for name in [&other["customer_id"], &other["id"], &other["name"]] {
        assert_eq!(rows(&ask(json!([name, name]))), [[json!(guid(1))], [json!(guid(2))]], "{name}");
    }
    let unknown = ask(json!([other["id"], "nobody-s"]));
    assert_eq!((unknown.status, unknown.text("/error/code")), (400, "BadArgumentError"));
    assert!(unknown.body.to_string().contains("nobody-s"));
    assert_eq!(ask(json!("one")).status, 400);
}

#[test]
fn has_finds_whole_terms_and_brackets_and_and_bind_as_they_do() {
    let rig = Rig::new();
    for (n, title, severity) in
        [(1, "Sign-in from ZZ, again", "High"), (2, "Signing of a file", "Low"), (3, "disk full", "Low")]
    {
        let mut made = plain();
        made["title"] = json!(title);
        made["severity"] = json!(severity);
        rig.make(&guid(n), made);
    }
    rig.pass(181);
    let count = |text: &str| rows(&query(&rig, &format!("SecurityIncident | where {text} | count")))[0][0].clone();
    for (text, number) in [
        ("Title has 'sign'", 1),
        ("Title has 'sign-in'", 1),
        ("Title has 'in from'", 1),
        ("Title has 'zz'", 1),
        ("Title has 'sig'", 0),
        ("Title has 'ing'", 0),
        ("Title contains 'sign'", 2),
        ("Severity == 'High' or Severity == 'Low' and Title has 'disk'", 2),
        ("(Severity == 'High' or Severity == 'Low') and Title has 'disk'", 1),
        ("(Title has 'disk') or (Title has 'file')", 2),
        ("Title has 'disk'\nor Title has 'file'", 2),
    ] {
        assert_eq!(count(text), json!(number), "{text}");
    }
    for refused in ["Title has_any ('disk')", "Title !has 'disk'", "Title == 'it\\'s'", "not(Title has 'disk')"] {
        assert_eq!(query(&rig, &format!("SecurityIncident | where {refused}")).status, 400, "{refused}");
    }
}

#[test]
fn a_span_may_be_a_length_and_its_end() {
    let rig = Rig::new();
    rig.make(&guid(1), plain());
    rig.pass(3_600);
    let now = rig.twin.now();
    let ask = |span: String| asked(&rig, json!({"query": "SecurityIncident | count", "timespan": span}));
    let before = now.checked_sub(jiff::SignedDuration::from_mins(90)).unwrap();
    for (span, number) in [
        (format!("PT2H/{now}"), 1),
        (format!("PT10M/{now}"), 0),
        (format!("P1D/{before}"), 0),
        (format!("{before}/{now}"), 1),
        (format!("{before}/PT2H"), 1),
    ] {
        assert_eq!(rows(&ask(span.clone())), [[json!(number)]], "{span}");
    }
    assert_eq!(ask("P1D/P1D".into()).status, 400);
}

#[test]
fn the_latest_row_comes_with_its_group_first() {
    let rig = Rig::new();
    rig.make(&guid(1), plain());
    rig.pass(181);
    let got = query(&rig, "SecurityIncident | summarize arg_max(TimeGenerated, *) by IncidentName");
    let columns = got.body.pointer("/tables/0/columns").unwrap().as_array().unwrap();
    let names: Vec<&str> = columns.iter().map(|column| column["name"].as_str().unwrap()).collect();
    assert_eq!(names[..4], ["IncidentName", "TimeGenerated", "TenantId", "Title"]);
    assert_eq!((names.len(), names.iter().filter(|name| **name == "TimeGenerated").count()), (33, 1));
    let row = &rows(&got)[0];
    assert_eq!((row.len(), &row[0], &row[3]), (33, &json!(guid(1)), &json!("Manual incident")));
}

#[test]
fn an_unknown_table_is_named_with_the_operator_that_fails() {
    let rig = Rig::new();
    for (text, begins) in
        [("Heartbeat", "Failed to resolve"), ("Heartbeat | take 1", "'take' operator: Failed to resolve")]
    {
        let got = query(&rig, text);
        assert!(got.text("/error/innererror/message").starts_with(begins), "{:#}", got.body);
    }
}

#[test]
fn an_alert_has_every_column_of_the_table() {
    let rig = Rig::new();
    rig.act("incident.create", json!({"story": 0}));
    let link = "https://portal.example/alert/1";
    let given = json!({
        "alertDisplayName": "given", "alertLink": link, "timeGenerated": "2026-09-21T14:13:20Z",
        "additionalData": {"MitreTechniques": "[\"T1078\",\"T1078.004\"]"},
    });
    rig.act("incident.create", json!({ "alert": given }));
    rig.pass(181);
    let columns = "DisplayName, Techniques, SubTechniques, AlertLink, Type";
    let got = rows(&query(&rig, &format!("SecurityAlert | project {columns}")));
    assert_eq!(got.len(), 2, "{got:?}");
    let of = |name: &str| got.iter().find(|row| row[0] == json!(name)).unwrap()[1..].to_vec();
    assert_eq!(of("given"), [json!("[\"T1078\"]"), json!("[\"T1078.004\"]"), json!(link), json!("SecurityAlert")]);
    let story = of("Sign-in from an unfamiliar country for VIP account");
    assert_eq!(story, [json!("[\"T1078\"]"), json!(""), json!(""), json!("SecurityAlert")]);
}

#[test]
fn a_closed_incident_keeps_the_time_of_its_closing() {
    let rig = Rig::new();
    rig.make(&guid(1), plain());
    let mut closed = plain();
    closed["status"] = json!("Closed");
    closed["classification"] = json!("Undetermined");
    rig.make(&guid(1), closed.clone());
    rig.pass(60);
    closed["severity"] = json!("High");
    rig.make(&guid(1), closed);
    rig.pass(181);
    let got = rows(&query(&rig, "SecurityIncident | project Status, ClosedTime, LastModifiedTime"));
    assert_eq!(got[0][1], Value::Null);
    assert_eq!((&got[1][1], &got[2][1]), (&got[1][2], &got[1][2]), "of the closing, not of the row: {got:?}");
    assert_ne!(got[2][1], got[2][2]);
}

#[test]
fn bookmarks_and_tasks_show_in_the_table() {
    let rig = Rig::new();
    rig.make(&guid(1), plain());
    let bookmark = json!({"properties": {"displayName": "b", "query": "SigninLogs"}});
    assert_eq!(rig.sentinel("PUT", &format!("bookmarks/{}", guid(7)), Some(bookmark)).status, 201);
    let id = format!("{}/providers/Microsoft.SecurityInsights/bookmarks/{}", rig.workspace, guid(7));
    let related = json!({"properties": {"relatedResourceId": id}});
    assert_eq!(rig.sentinel("PUT", &format!("incidents/{}/relations/{}", guid(1), guid(8)), Some(related)).status, 201);
    rig.pass(60);
    let etag = || rig.sentinel("GET", &format!("incidents/{}", guid(1)), None).text("/etag").to_owned();
    let before = etag();
    let task = json!({"properties": {"title": "Call them", "status": "New"}});
    assert_eq!(rig.sentinel("PUT", &format!("incidents/{}/tasks/{}", guid(1), guid(9)), Some(task)).status, 201);
    assert_eq!(etag(), before, "a task moves no version");
    rig.pass(181);
    let got = rows(&query(&rig, "SecurityIncident | project BookmarkIds, Tasks, TimeGenerated"));
    assert_eq!(got.len(), 3, "made, related, given a task: {got:?}");
    assert_eq!(got[1][0], json!(format!("[\"{}\"]", guid(7))));
    assert_eq!((&got[1][1], got[2][1].as_str().unwrap().contains("Call them")), (&json!("[]"), true));
    assert!(got[1][2].as_str() < got[2][2].as_str(), "{got:?}");
}

#[test]
fn the_tables_of_a_workspace_are_told_to_those_who_may_query_it() {
    let rig = Rig::new();
    let id = rig.connection.pointer("/microsoft/workspace_details/0/customer_id").unwrap().as_str().unwrap();
    let auth = format!("Bearer {}", rig.app_token("https://api.loganalytics.io/.default"));
    let metadata = || {
        let url = format!("{ORIGIN}/loganalytics/v1/workspaces/{id}/metadata");
        rig.raw("GET", &url, &[("authorization", &auth)], bytes::Bytes::new())
    };
    assert_eq!(metadata().status, 200);
    rig.twin.with(|world, _| world.microsoft.directory.assignments.clear());
    let refused = metadata();
    assert_eq!((refused.status, refused.text("/error/code")), (403, "InsufficientAccessError"));
}

#[test]
fn each_request_of_a_batch_has_headers_of_its_own() {
    let rig = Rig::new();
    let id = rig.connection.pointer("/microsoft/workspace_details/0/customer_id").unwrap();
    let auth = format!("Bearer {}", rig.app_token("https://api.loganalytics.io/.default"));
    let body = json!({"query": "SecurityIncident | count"});
    let requests = json!([
        {"id": "a", "workspace": id, "headers": {"Prefer": "include-statistics=true, include-render=true"}, "body": body},
        {"id": "b", "workspace": id, "body": body},
    ]);
    let got = rig.raw(
        "POST",
        &format!("{ORIGIN}/loganalytics/v1/$batch"),
        &[("authorization", &auth), ("prefer", "include-statistics=true")],
        json!({ "requests": requests }).to_string().into(),
    );
    let answered = |at: usize| &got.body["responses"][at]["body"];
    assert_eq!(answered(0)["render"], json!({}));
    assert!(answered(0)["statistics"].is_object(), "{:#}", got.body);
    assert!(answered(1).get("render").is_none() && answered(1).get("statistics").is_none(), "{:#}", got.body);
}

#[test]
fn an_added_value_keeps_its_type() {
    let rig = Rig::new();
    rig.make(&guid(1), plain());
    rig.pass(181);
    let got = query(
        &rig,
        "SecurityIncident | extend B = false, N = 5, R = 5.5, T = 'false' | where B == false and B != true and N >= 5 \
         | project B, N, R, T",
    );
    assert_eq!(rows(&got), [[json!(false), json!(5), json!(5.5), json!("false")]]);
    let kinds: Vec<&str> = (0..4).map(|at| got.text(&format!("/tables/0/columns/{at}/type"))).collect();
    assert_eq!(kinds, ["bool", "long", "real", "string"]);
}

#[test]
fn a_sort_by_more_than_one_column_and_its_direction_is_refused() {
    let rig = Rig::new();
    for order in ["TimeGenerated asc nulls last", "TimeGenerated desc, Title", "TimeGenerated asc Title"] {
        for text in [format!("sort by {order}"), format!("top 1 by {order}")] {
            let got = query(&rig, &format!("SecurityIncident | {text}"));
            assert_eq!((got.status, got.text("/error/innererror/code")), (400, "SyntaxError"), "{text}");
        }
    }
    assert_eq!(query(&rig, "SecurityIncident | sort by TimeGenerated asc").status, 200);
}
