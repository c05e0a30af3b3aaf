//! Point 16, more closely: what an automation rule may hold, when its conditions hold, what its actions change, and
//! the runs of the logic apps.

use halobridge::twin::wire::Outgoing;
use serde_json::{Value, json};

use super::{Got, Rig, guid, plain};

fn condition(kind: &str, properties: Value) -> Value {
    json!({"conditionType": kind, "conditionProperties": properties})
}

fn property(name: &str, operator: &str, value: &str) -> Value {
    condition("Property", json!({"propertyName": name, "operator": operator, "propertyValues": [value]}))
}

fn task(title: &str) -> Value {
    json!({"order": 1, "actionType": "AddIncidentTask", "actionConfiguration": {"title": title}})
}

fn modify(how: Value) -> Value {
    json!({"order": 1, "actionType": "ModifyProperties", "actionConfiguration": how})
}

fn rule(when: &str, conditions: Vec<Value>, actions: Vec<Value>) -> Value {
    json!({"properties": {
        "displayName": "r", "order": 1, "actions": actions,
        "triggeringLogic": {"isEnabled": true, "triggersOn": "Incidents", "triggersWhen": when, "conditions": conditions},
    }})
}

fn put(rig: &Rig, number: u32, rule: Value) -> Got {
    rig.sentinel("PUT", &format!("automationRules/{}", guid(number)), Some(rule))
}

/// Puts a rule for each condition; which of them ran for what `happens` to an incident.
fn ran(rig: &Rig, when: &str, conditions: Vec<Value>, happens: impl FnOnce() -> String) -> Vec<bool> {
    let count = conditions.len();
    for (n, condition) in conditions.into_iter().enumerate() {
        let made = put(rig, 100 + n as u32, rule(when, vec![condition], vec![task(&n.to_string())]));
        assert!([200, 201].contains(&made.status), "{n}: {:#}", made.body);
    }
    let name = happens();
    let tasks = rig.sentinel("GET", &format!("incidents/{name}/tasks"), None).body["value"].clone();
    let titles: Vec<&str> =
        tasks.as_array().unwrap().iter().map(|task| task["properties"]["title"].as_str().unwrap()).collect();
    (0..count).map(|n| titles.contains(&n.to_string().as_str())).collect()
}

/// An incident with entities, tags and an alert with custom details.
fn rich(rig: &Rig) -> String {
    let entities = json!([
        {"kind": "Host", "properties": {"hostName": "SRV-1", "osVersion": "11"}},
        {"kind": "Host", "properties": {"hostName": "SRV-2"}},
        {"kind": "Ip", "properties": {"address": "10.0.0.1"}},
        {"kind": "Process", "properties": {"processId": "77", "commandLine": "cmd /c dir"}},
    ]);
    let made =
        rig.act("incident.create", json!({"story": 1, "labels": ["blue", "vip"], "entities": entities, "owner": ""}));
    made["name"].as_str().unwrap().to_owned()
}

#[test]
fn every_property_of_a_condition_is_compared() {
    let rig = Rig::new();
    let cases = [
        ("HostName", "Equals", "srv-1", true),
        ("HostName", "Equals", "SRV", false),
        ("HostName", "StartsWith", "SRV", true),
        ("HostName", "NotEquals", "SRV-2", false),
        ("HostName", "NotEquals", "SRV-3", true),
        ("HostOSVersion", "Equals", "11", true),
        ("IPAddress", "StartsWith", "10.", true),
        ("IPAddress", "EndsWith", ".9", false),
        ("ProcessId", "Equals", "77", true),
        ("ProcessCommandLine", "Contains", "dir", true),
        ("AccountName", "Equals", "vip.user", true),
        ("AccountName", "Equals", "somebody", false),
        ("MalwareName", "Contains", "a", false),
        ("MalwareName", "NotContains", "a", true),
        ("Url", "Contains", "http", false),
        ("IncidentLabel", "Equals", "blue", true),
        ("IncidentLabel", "Equals", "red", false),
        ("IncidentTactics", "Equals", "Exfiltration", true),
        ("IncidentTactics", "Equals", "Discovery", false),
        ("AlertProductNames", "Contains", "Cloud Apps", true),
        ("AlertProductNames", "Contains", "Endpoint", false),
        ("IncidentRelatedAnalyticRuleIds", "Contains", "/alertRules/", true),
        ("IncidentRelatedAnalyticRuleIds", "Equals", "/alertRules/none", false),
        ("AlertAnalyticRuleIds", "Contains", "/alertRules/", true),
        ("IncidentCustomDetailsKey", "Equals", "Country", true),
        ("IncidentCustomDetailsKey", "Equals", "City", false),
        ("IncidentCustomDetailsValue", "Equals", "ZZ", true),
        ("IncidentCustomDetailsValue", "Equals", "AA", false),
        ("IncidentProviderName", "Equals", "Azure Sentinel", true),
        ("IncidentUpdatedBySource", "Equals", "Playbook", false),
    ];
    let conditions = cases.iter().map(|(name, operator, value, _)| property(name, operator, value)).collect();
    let all = ran(&rig, "Created", conditions, || rich(&rig));
    for (case, held) in cases.iter().zip(all) {
        assert_eq!(held, case.3, "{case:?}");
    }
}

#[test]
fn custom_details_are_held_against_the_items_conditions() {
    let rig = Rig::new();
    let detail = |key: &str, value: &str| {
        let inner = condition(
            "PropertyArray",
            json!({"arrayType": "CustomDetailValues", "arrayConditionType": "AnyItem",
                "itemConditions": [property("IncidentCustomDetailsValue", "Equals", value)]}),
        );
        condition(
            "PropertyArray",
            json!({"arrayType": "CustomDetails", "arrayConditionType": "AnyItem",
                "itemConditions": [property("IncidentCustomDetailsKey", "Equals", key), inner]}),
        )
    };
    let conditions = vec![
        detail("Attempts", "3"),
        detail("Attempts", "ZZ"),
        detail("Country", "ZZ"),
        detail("City", "ZZ"),
        condition(
            "Boolean",
            json!({"operator": "And", "innerConditions": [detail("Country", "ZZ"), detail("City", "ZZ")]}),
        ),
        condition(
            "Boolean",
            json!({"operator": "Or", "innerConditions": [detail("Country", "ZZ"), detail("City", "ZZ")]}),
        ),
    ];
    let held = ran(&rig, "Created", conditions, || rich(&rig));
    assert_eq!(held, [true, false, true, false, false, true]);
}

#[test]
fn a_changed_owner_is_compared_from_and_to() {
    let rig = Rig::new();
    let upn = |n: usize| rig.connection["microsoft"]["users"][n]["upn"].as_str().unwrap().to_owned();
    let name = rich(&rig);
    rig.act("incident.update", json!({"incident": name, "owner": upn(0)}));
    let owner = |change: Value, to: &str| {
        condition(
            "PropertyChanged",
            json!({"propertyName": "IncidentOwner", "changeType": change, "operator": "Equals", "propertyValues": [to]}),
        )
    };
    let conditions = vec![
        condition("PropertyChanged", json!({"propertyName": "IncidentOwner"})),
        owner(json!("ChangedTo"), &upn(1)),
        owner(json!("ChangedTo"), &upn(0)),
        owner(json!("ChangedFrom"), &upn(0)),
        owner(json!("ChangedFrom"), &upn(1)),
        condition("PropertyChanged", json!({"propertyName": "IncidentStatus"})),
    ];
    let held = ran(&rig, "Updated", conditions, || {
        rig.act("incident.update", json!({"incident": name, "owner": upn(1)}));
        name.clone()
    });
    assert_eq!(held, [true, true, false, true, false, false]);
}

#[test]
fn a_rule_that_expired_does_not_run_and_each_rule_sees_what_those_before_it_did() {
    let rig = Rig::new();
    let mut expired = rule("Created", vec![], vec![task("late")]);
    expired["properties"]["triggeringLogic"]["expirationTimeUtc"] = json!("2026-01-01T00:00:00Z");
    assert_eq!(put(&rig, 1, expired).status, 201);
    assert_eq!(put(&rig, 2, rule("Created", vec![], vec![modify(json!({"severity": "Low"}))])).status, 201);
    let mut second = rule("Created", vec![property("IncidentSeverity", "Equals", "Low")], vec![task("low")]);
    second["properties"]["order"] = json!(2);
    assert_eq!(put(&rig, 3, second).status, 201);
    let name = rig.act("incident.create", json!({"severity": "High"}))["name"].as_str().unwrap().to_owned();
    let tasks = rig.sentinel("GET", &format!("incidents/{name}/tasks"), None);
    assert_eq!(tasks.body["value"].as_array().unwrap().len(), 1, "{:#}", tasks.body);
    assert_eq!(tasks.text("/value/0/properties/title"), "low");
}

#[test]
fn an_action_sets_owner_and_tags_too() {
    let rig = Rig::new();
    let upn = rig.connection["microsoft"]["users"][1]["upn"].as_str().unwrap();
    let how = json!({
        "severity": "High", "labels": [{"labelName": "by rule"}], "owner": {"userPrincipalName": upn},
        "status": "Closed", "classification": "FalsePositive", "classificationReason": "InaccurateData",
    });
    assert_eq!(put(&rig, 1, rule("Created", vec![], vec![modify(how)])).status, 201);
    let mut made = plain();
    made["labels"] = json!([{"labelName": "own"}]);
    rig.make(&guid(9), made);
    let shown = rig.sentinel("GET", &format!("incidents/{}", guid(9)), None);
    assert_eq!(shown.text("/properties/owner/userPrincipalName"), upn);
    assert_eq!(shown.text("/properties/labels/0/labelName"), "own");
    assert_eq!(shown.text("/properties/labels/1/labelName"), "by rule");
    assert_eq!((shown.text("/properties/severity"), shown.text("/properties/status")), ("High", "Closed"));
    assert_eq!(shown.text("/properties/classificationReason"), "InaccurateData");
    // What an action leaves out, or sends as null, stays.
    let none = json!({"severity": "Low", "status": null, "owner": {"objectId": null}, "labels": []});
    assert_eq!(put(&rig, 1, rule("Updated", vec![], vec![modify(none)])).status, 200);
    rig.act("incident.comment", json!({"incident": guid(9), "message": "a change"}));
    let shown = rig.sentinel("GET", &format!("incidents/{}", guid(9)), None);
    assert_eq!((shown.text("/properties/severity"), shown.text("/properties/status")), ("Low", "Closed"));
    assert_eq!(shown.text("/properties/classification"), "FalsePositive");
    assert_eq!(shown.text("/properties/owner/userPrincipalName"), upn);
}

#[test]
fn a_rule_outside_the_contract_is_refused() {
    let rig = Rig::new();
    let app = rig.workspace.replace("Microsoft.OperationalInsights/workspaces", "Microsoft.Logic/workflows") + "-none";
    let run = json!({"order": 1, "actionType": "RunPlaybook", "actionConfiguration": {"logicAppResourceId": app}});
    let two = || json!([property("HostName", "Equals", "a"), property("HostName", "Zork", "a")]);
    for (what, conditions, action) in [
        ("conditionType", vec![condition("Zork", json!({}))], task("t")),
        ("propertyName", vec![property("Zork", "Equals", "a")], task("t")),
        ("operator", vec![property("HostName", "Zork", "a")], task("t")),
        (
            "propertyValues",
            vec![condition("Property", json!({"propertyName": "HostName", "operator": "Equals"}))],
            task("t"),
        ),
        ("operator", vec![condition("Boolean", json!({"operator": "Xor", "innerConditions": two()}))], task("t")),
        ("operator", vec![condition("Boolean", json!({"operator": "Or", "innerConditions": two()}))], task("t")),
        ("innerConditions", vec![condition("Boolean", json!({"operator": "Or", "innerConditions": []}))], task("t")),
        ("arrayType", vec![condition("PropertyArray", json!({"arrayType": "Zork", "itemConditions": []}))], task("t")),
        ("propertyName", vec![condition("PropertyChanged", json!({"propertyName": "IncidentTitle"}))], task("t")),
        (
            "changeType",
            vec![condition("PropertyArrayChanged", json!({"arrayType": "Alerts", "changeType": "Gone"}))],
            task("t"),
        ),
        ("actionType", vec![], json!({"order": 1, "actionType": "Zork", "actionConfiguration": {}})),
        ("order", vec![], json!({"actionType": "AddIncidentTask", "actionConfiguration": {"title": "t"}})),
        ("title", vec![], json!({"order": 1, "actionType": "AddIncidentTask", "actionConfiguration": {}})),
        ("severity", vec![], modify(json!({"severity": "Zork"}))),
        ("status", vec![], modify(json!({"status": "Zork"}))),
        ("classification", vec![], modify(json!({"status": "Closed"}))),
        ("nobody@nowhere.example", vec![], modify(json!({"owner": {"email": "nobody@nowhere.example"}}))),
        ("labels", vec![], modify(json!({"labels": ["text"]}))),
        (app.as_str(), vec![], run),
    ] {
        let got = put(&rig, 1, rule("Created", conditions, vec![action]));
        assert_eq!(got.status, 400, "{what}: {:#}", got.body);
        assert!(got.text("/error/message").contains(what), "{what}: {:#}", got.body);
    }
    assert_eq!(rig.sentinel("GET", "automationRules", None).body["value"], json!([]));
}

#[test]
fn the_runs_of_a_logic_app_are_its_deliveries() {
    let rig = Rig::new();
    let app = rig.workspace.replace("Microsoft.OperationalInsights/workspaces", "Microsoft.Logic/workflows");
    let http = json!({"type": "Http", "inputs": {"method": "POST", "uri": "http://receiver.test/in"}});
    let body = json!({"location": "westeurope", "properties": {"definition": {"actions": {"Post": http}}}});
    assert_eq!(rig.arm("PUT", &format!("{app}?api-version=2019-05-01"), Some(body)).status, 201);
    let run = json!({"order": 1, "actionType": "RunPlaybook", "actionConfiguration": {"logicAppResourceId": app}});
    assert_eq!(put(&rig, 1, rule("Created", vec![], vec![run])).status, 201);
    let list = |query: &str| {
        let got = rig.arm("GET", &format!("{app}/runs?api-version=2019-05-01{query}"), None);
        assert_eq!(got.status, 200, "{:#}", got.body);
        got
    };
    let states = |got: &Got| -> Vec<String> {
        let all = got.body["value"].as_array().unwrap().iter();
        all.map(|run| run["properties"]["status"].as_str().unwrap().to_owned()).collect()
    };
    let raise = || -> Outgoing {
        rig.raise();
        rig.twin.due_outgoing().remove(0)
    };
    assert!(states(&list("")).is_empty());
    let first = raise();
    let id = first.headers.iter().find(|(name, _)| name == "x-ms-workflow-run-id").unwrap().1.clone();
    assert_eq!(states(&list("")), ["Running"]);
    rig.twin.delivered(first, Some(202));
    rig.twin.delivered(raise(), Some(400));
    rig.twin.with(|world, _| world.deliveries.disturb(&json!({"effect": "lost", "count": 1}))).unwrap();
    rig.raise();
    assert!(rig.twin.due_outgoing().is_empty());
    let late = raise();
    rig.twin.delivered(late, Some(503));
    let all = list("");
    assert_eq!(states(&all), ["Running", "Failed", "Failed", "Succeeded"], "newest first; 503 is tried again");
    assert_eq!(all.text("/value/3/name"), id);
    assert_eq!(states(&list("&$filter=status%20eq%20'Failed'")).len(), 2);
    let one = rig.arm("GET", &format!("{app}/runs/{id}?api-version=2019-05-01"), None);
    assert_eq!((one.status, one.text("/properties/status")), (200, "Succeeded"));
    let odd = rig.arm("GET", &format!("{app}/runs?api-version=2019-05-01&$filter=zork"), None);
    assert_eq!(odd.status, 400);
}

/// Deploys a logic app with a trigger of Sentinel's connector; its id.
fn playbook(rig: &Rig, name: &str, path: &str) -> String {
    let app =
        rig.workspace.split("/providers/").next().unwrap().to_owned() + "/providers/Microsoft.Logic/workflows/" + name;
    let trigger = json!({"type": "ApiConnectionWebhook", "inputs": {"path": path}});
    let http = json!({"type": "Http", "inputs": {"method": "POST", "uri": format!("http://receiver.test/{name}")}});
    let definition = json!({"triggers": {"Sentinel": trigger}, "actions": {"Post": http}});
    let body = json!({"location": "westeurope", "properties": {"definition": definition}});
    assert_eq!(rig.arm("PUT", &format!("{app}?api-version=2019-05-01"), Some(body)).status, 201);
    app
}

fn on_alerts(conditions: Vec<Value>, actions: Vec<Value>) -> Value {
    let mut rule = rule("Created", conditions, actions);
    rule["properties"]["triggeringLogic"]["triggersOn"] = json!("Alerts");
    rule
}

fn run(app: &str) -> Value {
    json!({"order": 1, "actionType": "RunPlaybook", "actionConfiguration": {"logicAppResourceId": app}})
}

#[test]
fn a_rule_on_alerts_runs_its_playbook_for_each_new_alert() {
    let rig = Rig::new();
    let app = playbook(&rig, "on-alert", "/subscribe");
    let first = rig.sentinel("GET", "alertRules", None).text("/value/0/id").to_owned();
    let conditions = vec![
        property("AlertAnalyticRuleIds", "Equals", &first),
        property("IncidentCustomDetailsKey", "Equals", "Country"),
        property("AccountName", "Equals", "vip.user"),
    ];
    assert_eq!(put(&rig, 1, on_alerts(conditions, vec![run(&app)])).status, 201);
    let other = vec![property("AlertProductNames", "Contains", "Endpoint")];
    assert_eq!(put(&rig, 2, on_alerts(other, vec![run(&playbook(&rig, "elsewhere", "/subscribe"))])).status, 201);
    let name = rig.act("incident.create", json!({"story": 0}))["name"].as_str().unwrap().to_owned();
    let sent = rig.twin.due_outgoing();
    assert_eq!(sent.iter().map(|one| one.url.as_str()).collect::<Vec<_>>(), ["http://receiver.test/on-alert"]);
    let body: Value = serde_json::from_slice(&sent[0].body).unwrap();
    let alert = rig.sentinel("POST", &format!("incidents/{name}/alerts"), None);
    assert_eq!(body["SystemAlertId"], *alert.text("/value/0/properties/systemAlertId"));
    assert_eq!(body["AlertDisplayName"], *alert.text("/value/0/properties/alertDisplayName"));
    assert!(body["WorkspaceId"].is_string() && body.get("object").is_none());
    let entities: Value = serde_json::from_str(body["Entities"].as_str().unwrap()).unwrap();
    assert_eq!((&entities[0]["Type"], &entities[0]["AccountName"]), (&json!("account"), &json!("vip.user")));
    let extended: Value = serde_json::from_str(body["ExtendedProperties"].as_str().unwrap()).unwrap();
    assert_eq!(extended["Event Grouping"], "SingleAlert");
    // An alert that joins later sets its rule off too; a change of the incident does not.
    rig.act("incident.comment", json!({"incident": name, "message": "no alert"}));
    assert!(rig.twin.due_outgoing().is_empty());
    rig.act("incident.alert", json!({"incident": name, "story": 2}));
    let joined = rig.twin.due_outgoing();
    assert_eq!(joined.iter().map(|one| one.url.as_str()).collect::<Vec<_>>(), ["http://receiver.test/elsewhere"]);
}

#[test]
fn a_rule_on_alerts_waits_as_the_others_do() {
    let rig = Rig::new();
    rig.switch("automation_delay_s", "60");
    let app = playbook(&rig, "on-alert", "/subscribe");
    assert_eq!(put(&rig, 1, on_alerts(vec![], vec![run(&app)])).status, 201);
    rig.raise();
    assert!(rig.twin.due_outgoing().is_empty());
    rig.pass(60);
    assert_eq!(rig.twin.due_outgoing().len(), 1);
}

#[test]
fn what_no_alert_can_bear_is_refused_in_a_rule_on_alerts() {
    let rig = Rig::new();
    let (on_alert, on_incident) =
        (playbook(&rig, "on-alert", "/subscribe"), playbook(&rig, "on-incident", "/incident-creation"));
    let changed = condition("PropertyChanged", json!({"propertyName": "IncidentStatus"}));
    let mut updated = on_alerts(vec![], vec![run(&on_alert)]);
    updated["properties"]["triggeringLogic"]["triggersWhen"] = json!("Updated");
    for (what, rule) in [
        ("triggersWhen", updated),
        ("actionType", on_alerts(vec![], vec![task("t")])),
        ("actionType", on_alerts(vec![], vec![modify(json!({"severity": "Low"}))])),
        ("conditionType", on_alerts(vec![changed], vec![run(&on_alert)])),
        ("propertyName", on_alerts(vec![property("IncidentTitle", "Contains", "a")], vec![run(&on_alert)])),
        ("trigger", on_alerts(vec![], vec![run(&on_incident)])),
        ("trigger", rule("Created", vec![], vec![run(&on_alert)])),
    ] {
        let got = put(&rig, 1, rule);
        assert_eq!(got.status, 400, "{what}: {:#}", got.body);
        assert!(got.text("/error/message").contains(what), "{what}: {:#}", got.body);
    }
    assert_eq!(put(&rig, 1, rule("Created", vec![], vec![run(&on_incident)])).status, 201);
}

#[test]
fn a_playbook_is_run_by_hand_where_all_of_it_is_there() {
    let rig = Rig::new();
    let name = rig.raise();
    let posts = playbook(&rig, "posts", "/incident-creation");
    let quiet = posts.replace("/posts", "/quiet");
    let wait = json!({"type": "Wait", "inputs": {"interval": {"count": 1, "unit": "Minute"}}});
    let body = json!({"location": "westeurope", "properties": {"definition": {"actions": {"Wait": wait}}}});
    assert_eq!(rig.arm("PUT", &format!("{quiet}?api-version=2019-05-01"), Some(body)).status, 201);
    let runs = |app: &str| {
        let got = rig.arm("GET", &format!("{app}/runs?api-version=2019-05-01"), None);
        got.body["value"].as_array().unwrap().len()
    };
    let entity = rig.sentinel("POST", &format!("incidents/{name}/entities"), None).text("/entities/0/name").to_owned();
    let ask = |on: &str, app: &str| {
        rig.sentinel("POST", &format!("{on}/runPlaybook"), Some(json!({ "logicAppsResourceId": app }))).status
    };
    let (incident, entity) = (format!("incidents/{name}"), format!("entities/{entity}"));
    rig.twin.due_outgoing();
    assert_eq!((ask(&incident, &posts), rig.twin.due_outgoing().len(), runs(&posts)), (204, 1, 1));
    assert_eq!(
        (ask(&incident, &quiet), rig.twin.due_outgoing().len(), runs(&quiet)),
        (204, 0, 1),
        "it has no HTTP action"
    );
    assert_eq!((ask(&entity, &quiet), runs(&quiet)), (204, 2));
    for on in [&incident, &entity] {
        let empty = rig.sentinel("POST", &format!("{on}/runPlaybook"), Some(json!({})));
        assert_eq!(empty.status, 400, "{on}");
        assert_eq!(ask(on, &format!("{posts}-not")), 404, "{on}");
    }
    assert_eq!(ask(&format!("entities/{}", guid(5)), &posts), 404);
    assert_eq!(ask(&format!("incidents/{}", guid(5)), &posts), 404);
    assert_eq!(rig.arm("POST", &format!("{posts}/disable?api-version=2019-05-01"), None).status, 200);
    assert_eq!((ask(&incident, &posts), ask(&entity, &posts)), (400, 400), "it is switched off");
    assert_eq!(runs(&posts), 1);
}

#[test]
fn what_a_rule_changes_sets_off_rules_on_updates_once() {
    let rig = Rig::new();
    rig.act("webhook.set", json!({"url": "http://receiver.test/hook"}));
    let to = |severity: &str| {
        condition(
            "PropertyChanged",
            json!({"propertyName": "IncidentSeverity", "changeType": "ChangedTo", "operator": "Equals", "propertyValues": [severity]}),
        )
    };
    let by_rule = property("IncidentUpdatedBySource", "Equals", "automation rule");
    let how = |severity: &str| vec![modify(json!({ "severity": severity }))];
    assert_eq!(put(&rig, 1, rule("Created", vec![], how("Low"))).status, 201);
    assert_eq!(put(&rig, 2, rule("Updated", vec![to("Low"), by_rule], how("High"))).status, 201);
    assert_eq!(put(&rig, 3, rule("Updated", vec![to("High")], vec![task("a second round")])).status, 201);
    let name = rig.act("incident.create", json!({"severity": "Medium"}))["name"].as_str().unwrap().to_owned();
    let shown = rig.sentinel("GET", &format!("incidents/{name}"), None);
    assert_eq!(shown.text("/properties/severity"), "High");
    let tasks = rig.sentinel("GET", &format!("incidents/{name}/tasks"), None);
    assert_eq!(tasks.body["value"], json!([]), "what the update's rule changes sets nothing off");
    let sent: Vec<Value> =
        rig.twin.due_outgoing().iter().map(|one| serde_json::from_slice(&one.body).unwrap()).collect();
    let sources: Vec<&Value> = sent.iter().map(|body| &body["incidentUpdates"]["updatedBy"]["source"]).collect();
    assert_eq!(sources, [&Value::Null, &json!("Automation rule")]);
    // A rule that changes nothing is no update.
    assert_eq!(put(&rig, 1, rule("Created", vec![], vec![task("only a task")])).status, 200);
    rig.raise();
    assert_eq!(rig.twin.due_outgoing().len(), 1);
}
