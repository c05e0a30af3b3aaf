//! Switches of Microsoft's side that nothing else turns: both ways of each.

use bytes::Bytes;
use halobridge::twin::limits::Limits;
use serde_json::{Value, json};

use super::{Got, ORIGIN, Rig, VERSION, guid, plain};

/// [`plain`], with these members.
fn with(more: &[(&str, Value)]) -> Value {
    let mut properties = plain();
    for (name, value) in more {
        properties[*name] = value.clone();
    }
    properties
}

fn comment(rig: &Rig, number: u32, message: &str) -> Got {
    let path = format!("incidents/{}/comments/{}", guid(1), guid(number));
    rig.sentinel("PUT", &path, Some(json!({"properties": {"message": message}})))
}

#[test]
fn a_closing_reason_that_does_not_belong_is_refused_or_taken() {
    let cases = [
        ("wrong_reason_refused", "TruePositive", "InaccurateData"),
        ("undetermined_reason_refused", "Undetermined", "SuspiciousActivity"),
    ];
    for (switch, class, reason) in cases {
        let rig = Rig::new();
        rig.make(&guid(1), plain());
        let closed = with(&[
            ("status", json!("Closed")),
            ("classification", json!(class)),
            ("classificationReason", json!(reason)),
        ]);
        let refused = rig.make(&guid(1), closed.clone());
        assert_eq!((refused.status, refused.text("/error/code")), (400, "BadRequest"), "{switch}");
        assert!(refused.text("/error/message").contains(reason), "{:#}", refused.body);
        rig.switch(switch, "off");
        let taken = rig.make(&guid(1), closed);
        assert_eq!((taken.status, taken.text("/properties/classificationReason")), (200, reason), "{switch}");
    }
}

#[test]
fn texts_have_their_limits() {
    let rig = Rig::new();
    let long = with(&[("description", json!("x".repeat(5_001)))]);
    assert_eq!(rig.make(&guid(1), long.clone()).status, 400);
    rig.switch("description_limited", "off");
    assert_eq!(rig.make(&guid(1), long).status, 201);

    assert_eq!(comment(&rig, 2, &"x".repeat(30_001)).status, 400);
    rig.switch("comment_length_max", "10");
    let refused = comment(&rig, 2, "eleven char");
    assert_eq!(refused.status, 400);
    assert_eq!(refused.text("/error/message"), "Comment length should not exceed 10 characters");
    assert_eq!(comment(&rig, 2, "ten chars.").status, 201);
}

#[test]
fn an_incident_is_full_of_comments_at_the_number_and_with_the_answer_that_are_set() {
    let rig = Rig::new();
    rig.make(&guid(1), plain());
    rig.switch("comments_max", "1");
    assert_eq!(comment(&rig, 2, "first").status, 201);
    let refused = comment(&rig, 3, "second");
    assert_eq!((refused.status, refused.text("/error/code")), (400, "BadRequest"));
    rig.switch("comments_max_status", "409");
    rig.switch("comments_max_text", "No more");
    let refused = comment(&rig, 3, "second");
    assert_eq!(
        (refused.status, refused.text("/error/code"), refused.text("/error/message")),
        (409, "Conflict", "No more")
    );
    assert_eq!(comment(&rig, 2, "edited").status, 200, "one that is there can still be changed");
}

#[test]
fn pages_are_as_long_as_they_are_set() {
    let rig = Rig::new();
    for number in 1..=3 {
        rig.make(&guid(number), plain());
    }
    let list = |query: &str| rig.sentinel("GET", &format!("incidents{query}"), None);
    assert_eq!(list("").names().len(), 3);
    rig.switch("page_default", "2");
    let first = list("");
    assert_eq!(first.names().len(), 2);
    assert!(first.body["nextLink"].is_string(), "{:#}", first.body);
    assert_eq!(list("?$top=1001").names().len(), 3, "cut to 1,000 without a word");
    rig.switch("top_refused", "on");
    assert_eq!(list("?$top=1001").status, 400);
    assert_eq!(list("?$top=1000").status, 200);
}

#[test]
fn a_filter_with_or_in_it_may_be_refused() {
    let rig = Rig::new();
    let list = |filter: &str| rig.sentinel("GET", &format!("incidents?$filter={filter}"), None).status;
    let either = "(properties/status eq 'New' or properties/status eq 'Active')";
    assert_eq!(list(either), 200);
    rig.switch("or_refused", "on");
    assert_eq!(list(either), 400);
    assert_eq!(list("properties/status ne 'Closed'"), 200);
}

#[test]
fn a_token_lives_as_long_as_it_is_set() {
    let rig = Rig::new();
    rig.switch("token_life_s", "120");
    let scope = "https://management.azure.com/.default";
    let (tenant, id, secret) = (rig.microsoft("tenant_id"), rig.microsoft("client_id"), rig.microsoft("client_secret"));
    let form = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret), ("scope", scope)];
    let got = rig.form(tenant, &form);
    assert_eq!(got.body["expires_in"], 120, "{:#}", got.body);
    let token = got.text("/access_token").to_owned();
    let ask = || rig.arm_as(&token, "GET", "/subscriptions?api-version=2022-12-01", None).status;
    rig.pass(119);
    assert_eq!(ask(), 200);
    rig.pass(2);
    assert_eq!(ask(), 401);
}

#[test]
fn ids_are_listed_in_either_case() {
    let rig = Rig::new();
    let path = format!(
        "/subscriptions/{}/providers/Microsoft.OperationalInsights/workspaces?api-version=2023-09-01",
        rig.microsoft("subscription_id")
    );
    let id = || rig.arm("GET", &path, None).text("/value/0/id").to_owned();
    assert_eq!(id(), id().to_lowercase());
    rig.switch("lower_case_ids", "off");
    assert!(id().contains("/resourceGroups/") && id().contains("Microsoft.OperationalInsights"), "{}", id());
}

#[test]
fn a_limit_tells_how_long_to_wait_unless_it_is_silent() {
    let rig = Rig::new();
    rig.twin.with(|world, _| world.set_limits(Limits::Real));
    let address = format!("{ORIGIN}/arm{}/providers/Microsoft.SecurityInsights/incidents?{VERSION}", rig.workspace);
    let bearer = format!("Bearer {}", rig.token);
    let ask = || rig.raw("GET", &address, &[("authorization", &bearer)], Bytes::new());
    let refused = (0..400).map(|_| ask()).find(|got| got.status == 429).expect("a limit");
    assert!(refused.reply.header("retry-after").is_some());
    rig.switch("throttle_silent", "on");
    let refused = ask();
    assert_eq!((refused.status, refused.reply.header("retry-after")), (429, None));
}

#[test]
fn buckets_are_as_documented_or_as_large_as_recorded() {
    for (large, left) in [("off", "249"), ("on", "1099")] {
        let rig = Rig::new();
        rig.twin.with(|world, _| world.set_limits(Limits::Real));
        rig.switch("large_buckets", large);
        let got = rig.sentinel("GET", "incidents", None);
        assert_eq!(got.reply.header("x-ms-ratelimit-remaining-subscription-reads"), Some(left), "{large}");
    }
}

#[test]
fn a_missing_incident_is_told_of_in_the_words_that_are_set() {
    let rig = Rig::new();
    let path = format!("incidents/{}", guid(1));
    let ask = |method: &str, path: &str| rig.sentinel(method, path, None);
    assert_eq!(ask("GET", &path).text("/error/code"), "NotFound");
    rig.switch("missing_incident_code", "ResourceNotFound");
    rig.switch("missing_incident_text", "No {name} here");
    for (method, path) in
        [("GET", path.clone()), ("POST", format!("{path}/alerts")), ("GET", format!("{path}/comments"))]
    {
        let got = ask(method, &path);
        assert_eq!(
            (got.status, got.text("/error/code"), got.text("/error/message")),
            (404, "ResourceNotFound", &*format!("No {} here", guid(1))),
            "{path}"
        );
    }
    rig.make(&guid(2), plain());
    let other = ask("GET", &format!("incidents/{}/comments/{}", guid(2), guid(3)));
    assert_eq!((other.status, other.text("/error/code")), (404, "NotFound"), "a comment is another thing");
}

#[test]
fn what_an_application_does_not_have_is_absent_or_null() {
    let rig = Rig::new();
    rig.make(&guid(1), plain());
    comment(&rig, 2, "by the application");
    let path = format!("{}/providers/Microsoft.SecurityInsights/incidents/{}/comments", rig.workspace, guid(1));
    let author = || {
        let headers = [("authorization", &*format!("Bearer {}", rig.token))];
        let got = rig.raw("GET", &format!("{ORIGIN}/arm{path}?{VERSION}"), &headers, Bytes::new());
        got.body["value"][0]["properties"]["author"].clone()
    };
    assert!(author().get("email").is_none() && author()["objectId"].is_string(), "{}", author());
    rig.switch("app_author", "null");
    for member in ["email", "userPrincipalName"] {
        assert_eq!(author().get(member), Some(&Value::Null), "{member}: {}", author());
    }
}

#[test]
fn a_label_that_is_sent_back_stays_what_it_was_unless_that_is_lost() {
    for (keeps, kind) in [("on", "AutoAssigned"), ("off", "User")] {
        let rig = Rig::new();
        rig.switch("labels_keep_auto", keeps);
        let auto = json!([{"labelName": "auto", "labelType": "AutoAssigned"}]);
        let name = rig.act("incident.create", json!({ "labels": auto }))["name"].as_str().unwrap().to_owned();
        let read = rig.sentinel("GET", &format!("incidents/{name}"), None);
        assert_eq!(read.text("/properties/labels/0/labelType"), "AutoAssigned");
        let got = rig.make(&name, with(&[("labels", json!([{"labelName": "auto"}]))]));
        assert_eq!(got.text("/properties/labels/0/labelType"), kind);
    }
}

#[test]
fn a_classification_on_an_open_incident_is_dropped_kept_or_refused() {
    let rig = Rig::new();
    let sent =
        with(&[("classification", json!("TruePositive")), ("classificationReason", json!("SuspiciousActivity"))]);
    assert_eq!(rig.make(&guid(1), sent.clone()).body["properties"].get("classification"), None);
    rig.switch("open_classification", "kept");
    assert_eq!(rig.make(&guid(1), sent.clone()).text("/properties/classification"), "TruePositive");
    rig.switch("open_classification", "refused");
    assert_eq!(rig.make(&guid(1), sent).status, 400);
    assert_eq!(rig.make(&guid(1), plain()).status, 200);
}

#[test]
fn a_merged_incident_bears_the_label_as_it_is_spelled() {
    let rig = Rig::new();
    rig.switch("defender", "on");
    rig.switch("defender_delay_s", "0");
    rig.switch("redirected_label", "redirected");
    let (source, target) = (rig.raise(), rig.raise());
    rig.act("incident.merge", json!({"incident": source, "target": target}));
    let merged = rig.sentinel("GET", &format!("incidents/{source}"), None);
    assert_eq!(merged.text("/properties/labels/0/labelName"), "redirected");
}

#[test]
fn an_update_tells_what_was_added_where_that_is_set() {
    let rig = Rig::new();
    rig.act("webhook.set", json!({"url": "http://receiver.test/hook"}));
    rig.make(&guid(1), plain());
    rig.twin.due_outgoing();
    let updates = || -> Value {
        let sent = rig.twin.due_outgoing();
        let body: Value = serde_json::from_slice(&sent[0].body).unwrap();
        body["incidentUpdates"].clone()
    };
    comment(&rig, 2, "first");
    assert!(updates().get("comments").is_none(), "not confirmed: left out");
    rig.switch("update_details", "on");
    comment(&rig, 3, "second");
    let told = updates();
    assert_eq!(told["comments"][0]["properties"]["message"], "second");
    assert_eq!((told["comments"].as_array().unwrap().len(), &told["labels"]), (1, &json!([])));
    assert!(told["updatedTime"].is_string());
    rig.make(&guid(1), with(&[("labels", json!([{"labelName": "vip"}]))]));
    assert_eq!(updates()["labels"], json!([{"labelName": "vip", "labelType": "User"}]));
}

#[test]
fn a_logic_apps_call_carries_its_headers_unless_they_are_off() {
    let rig = Rig::new();
    rig.act("webhook.set", json!({"url": "http://receiver.test/hook", "headers": {"x-secret": "s"}}));
    let headers = || -> Vec<String> {
        rig.raise();
        rig.twin.due_outgoing()[0].headers.iter().map(|(name, _)| name.clone()).collect()
    };
    assert!(headers().iter().any(|name| name == "x-ms-workflow-run-id"));
    rig.switch("workflow_headers", "off");
    let left = headers();
    assert!(!left.iter().any(|name| name.starts_with("x-ms-")), "{left:?}");
    assert!(left.iter().any(|name| name == "x-secret"));
}

#[test]
fn an_incident_and_a_workspace_take_so_much_and_no_more() {
    let rig = Rig::new();
    let name = rig.raise();
    let relate = |number: u32, id: &str| {
        let path = format!("incidents/{name}/relations/{}", guid(number));
        rig.sentinel("PUT", &path, Some(json!({"properties": {"relatedResourceId": id}}))).status
    };
    let mark = |number: u32| {
        let sent = json!({"properties": {"displayName": "b", "query": "SigninLogs"}});
        rig.sentinel("PUT", &format!("bookmarks/{}", guid(number)), Some(sent)).text("/id").to_owned()
    };
    for number in 1..=20 {
        assert_eq!(relate(number, &mark(number)), 201, "{number}");
    }
    assert_eq!(relate(21, &mark(21)), 400);
    assert_eq!(relate(20, &mark(22)), 200, "in the place of another");

    let alert = |incident: &str| {
        let got = rig.sentinel("POST", &format!("incidents/{incident}/alerts"), None);
        got.text("/value/0/id").to_owned()
    };
    let joining = alert(&rig.raise());
    for _ in 0..149 {
        rig.act("incident.alert", json!({ "incident": name }));
    }
    assert_eq!(relate(30, &joining), 400, "the 151st");

    let rule = json!({"properties": {
        "displayName": "r", "order": 1,
        "triggeringLogic": {"isEnabled": false, "triggersOn": "Incidents", "triggersWhen": "Created", "conditions": []},
        "actions": [{"order": 1, "actionType": "AddIncidentTask", "actionConfiguration": {"title": "t"}}],
    }});
    let put =
        |number: u32| rig.sentinel("PUT", &format!("automationRules/{}", guid(number)), Some(rule.clone())).status;
    for number in 1..=512 {
        assert_eq!(put(number), 201, "{number}");
    }
    assert_eq!((put(513), put(512)), (400, 200));

    let labels: Vec<Value> = (0..700).map(|n| json!({"labelName": format!("{n} {}", "x".repeat(80))})).collect();
    let large = with(&[("labels", json!(labels))]);
    assert_eq!(rig.make(&guid(1), large.clone()).status, 400);

    rig.switch("limits_kept", "off");
    assert_eq!((relate(21, &mark(21)), relate(30, &joining), put(513)), (201, 201, 201));
    assert_eq!(rig.make(&guid(1), large).status, 201);
}
