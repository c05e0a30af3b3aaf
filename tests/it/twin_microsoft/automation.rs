//! Point 16: rules, what triggers them, what they post, deliveries, Defender.

use halobridge::twin::wire::Outgoing;
use serde_json::{Value, json};

use super::{Rig, guid, plain};

fn target(rig: &Rig) {
    rig.act("webhook.set", json!({"url": "http://receiver.test/hook", "headers": {"x-halobridge-secret": "s"}}));
}

fn due(rig: &Rig) -> Vec<Outgoing> {
    rig.twin.due_outgoing()
}

fn body(one: &Outgoing) -> Value {
    serde_json::from_slice(&one.body).unwrap()
}

#[test]
fn updates_trigger_only_for_the_listed_changes() {
    let rig = Rig::new();
    target(&rig);
    rig.make(&guid(1), plain());
    let created = due(&rig);
    assert_eq!(created.len(), 1);
    let first = body(&created[0]);
    assert_eq!(
        (first["objectEventType"].as_str(), first["objectSchemaType"].as_str()),
        (Some("Create"), Some("Incident"))
    );
    assert!(
        first.pointer("/workspaceInfo/WorkspaceName").is_some() && first.pointer("/object/properties/alerts").is_some()
    );
    let mut properties = plain();
    let mut change = |name: &str, value: Value| {
        properties[name] = value;
        rig.make(&guid(1), properties.clone());
        due(&rig).len()
    };
    assert_eq!(change("title", json!("another")), 0);
    assert_eq!(change("description", json!("another")), 0);
    assert_eq!(change("severity", json!("High")), 1);
    assert_eq!(change("status", json!("Active")), 1);
    assert_eq!(change("labels", json!([{"labelName": "x"}])), 1);
    assert_eq!(change("labels", json!([])), 0);
    let comment = |message: &str| {
        rig.sentinel(
            "PUT",
            &format!("incidents/{}/comments/{}", guid(1), guid(2)),
            Some(json!({"properties": {"message": message}})),
        )
    };
    comment("new");
    let sent = due(&rig);
    assert_eq!(sent.len(), 1);
    assert_eq!(body(&sent[0]).pointer("/incidentUpdates/updatedBy/source"), Some(&json!("Application")));
    comment("edited");
    assert_eq!(due(&rig).len(), 0);
}

#[test]
fn an_update_is_called_what_is_set() {
    let rig = Rig::new();
    target(&rig);
    rig.make(&guid(1), plain());
    assert_eq!(body(&due(&rig)[0])["objectEventType"], "Create");
    let mut properties = plain();
    for (kind, severity) in [("Update", "High"), ("Updated", "Medium")] {
        rig.switch("update_event_type", kind);
        properties["severity"] = json!(severity);
        rig.make(&guid(1), properties.clone());
        let sent = due(&rig);
        assert_eq!((sent.len(), &body(&sent[0])["objectEventType"]), (1, &json!(kind)));
    }
}

#[test]
fn the_bookmarks_of_an_incident_are_in_the_body() {
    let rig = Rig::new();
    let name = rig.raise();
    let bookmark = json!({"properties": {"displayName": "odd sign-in", "query": "SigninLogs"}});
    let made = rig.sentinel("PUT", &format!("bookmarks/{}", guid(1)), Some(bookmark));
    let related = json!({"properties": {"relatedResourceId": made.text("/id")}});
    assert_eq!(rig.sentinel("PUT", &format!("incidents/{name}/relations/{}", guid(2)), Some(related)).status, 201);
    target(&rig);
    rig.act("incident.comment", json!({"incident": name, "message": "an update"}));
    let sent = body(&due(&rig)[0]);
    let told = rig.sentinel("POST", &format!("incidents/{name}/bookmarks"), None);
    assert_eq!(sent["object"]["properties"]["bookmarks"], told.body["value"]);
    assert_eq!(told.names(), [guid(1)]);
}

#[test]
fn a_deployed_logic_app_runs_by_rule() {
    let rig = Rig::new();
    rig.switch("deployments_at_once", "on");
    let group = format!(
        "/subscriptions/{}/resourceGroups/{}",
        rig.microsoft("subscription_id"),
        rig.microsoft("resource_group")
    );
    let template = json!({
        "parameters": {"playbookName": {"type": "string", "defaultValue": "Send-Incident"}, "webhookUrl": {"type": "securestring"}, "webhookSecret": {"type": "securestring"}},
        "resources": [
            {"type": "Microsoft.Web/connections", "apiVersion": "2016-06-01", "name": "[concat('azuresentinel-', parameters('playbookName'))]", "properties": {}},
            {"type": "Microsoft.Logic/workflows", "apiVersion": "2019-05-01", "name": "[parameters('playbookName')]", "identity": {"type": "SystemAssigned"},
             "properties": {"state": "Enabled", "definition": {"actions": {"Post": {"type": "Http", "inputs": {"method": "POST", "uri": "@parameters('webhookUrl')", "headers": {"X-Sync-Secret": "@parameters('webhookSecret')"}, "body": "@triggerBody()", "retryPolicy": {"type": "exponential", "count": 2}}}}},
                "parameters": {"webhookUrl": {"value": "[parameters('webhookUrl')]"}, "webhookSecret": {"value": "[parameters('webhookSecret')]"}}}},
        ],
        "outputs": {"id": {"type": "string", "value": "[resourceId('Microsoft.Logic/workflows', parameters('playbookName'))]"}},
    });
    let deployment = format!("{group}/providers/Microsoft.Resources/deployments/d1?api-version=2021-04-01");
    let sent = json!({"properties": {"mode": "Incremental", "template": template, "parameters": {"webhookUrl": {"value": "http://receiver.test/in"}, "webhookSecret": {"value": "hush"}}}});
    let got = rig.arm("PUT", &deployment, Some(sent));
    assert_eq!((got.status, got.text("/properties/provisioningState")), (201, "Succeeded"));
    let workflow = got.text("/properties/outputs/id/value").to_owned();
    let shown = rig.arm("GET", &format!("{workflow}?api-version=2019-05-01"), None);
    assert!(shown.body.pointer("/identity/principalId").is_some());
    assert!(!shown.body.to_string().contains("hush"), "secrets are not shown");
    let rule = json!({"properties": {"displayName": "r", "order": 1, "triggeringLogic": {"isEnabled": true, "triggersOn": "Incidents", "triggersWhen": "Created", "conditions": []},
        "actions": [{"order": 1, "actionType": "RunPlaybook", "actionConfiguration": {"logicAppResourceId": workflow, "tenantId": rig.microsoft("tenant_id")}}]}});
    rig.switch("playbook_role_needed", "on");
    assert_eq!(rig.sentinel("PUT", &format!("automationRules/{}", guid(9)), Some(rule.clone())).status, 400);
    let insights = rig.twin.with(|world, _| world.microsoft.directory.tenants[0].insights_object_id.clone());
    rig.act(
        "role.assign",
        json!({"principal": insights, "role": "Microsoft Sentinel Automation Contributor", "scope": group}),
    );
    let made = rig.sentinel("PUT", &format!("automationRules/{}", guid(9)), Some(rule));
    assert_eq!(made.status, 201);
    assert!(made.body.pointer("/properties/createdTimeUtc").is_some());
    rig.raise();
    let sent = due(&rig);
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].url.as_str(), sent[0].attempts_max), ("http://receiver.test/in", 3));
    assert!(sent[0].headers.iter().any(|(name, value)| name == "X-Sync-Secret" && value == "hush"));
}

#[test]
fn a_failed_delivery_is_tried_again_and_then_lost() {
    let rig = Rig::new();
    target(&rig);
    rig.raise();
    for attempt in 1..=5 {
        let sent = due(&rig);
        assert_eq!(sent.len(), 1, "attempt {attempt}");
        for one in sent {
            rig.twin.delivered(one, Some(503));
        }
        assert!(due(&rig).is_empty(), "not at once");
        rig.pass(46);
    }
    assert!(due(&rig).is_empty());
    rig.raise();
    for one in due(&rig) {
        rig.twin.delivered(one, Some(400));
    }
    rig.pass(60);
    assert!(due(&rig).is_empty(), "400 is not tried again");
}

#[test]
fn deliveries_are_doubled_lost_and_late() {
    let rig = Rig::new();
    target(&rig);
    let disturb = |rule: Value| rig.twin.with(|world, _| world.deliveries.disturb(&rule)).unwrap();
    disturb(json!({"effect": "duplicate", "kind": "logic-app", "count": 1}));
    rig.raise();
    let two = due(&rig);
    assert_eq!(two.len(), 2);
    assert_eq!(two[0].body, two[1].body);
    disturb(json!({"effect": "lost", "count": 1}));
    rig.raise();
    assert!(due(&rig).is_empty());
    disturb(json!({"effect": "batched", "count": 2, "ms": 60000}));
    rig.raise();
    rig.pass(1);
    rig.raise();
    assert!(due(&rig).is_empty());
    rig.pass(60);
    assert_eq!(due(&rig).len(), 2);
}

#[test]
fn defender_merges_retitles_collapses_and_shows_late() {
    let rig = Rig::new();
    for (name, value) in [
        ("defender", "on"),
        ("defender_delay_s", "120"),
        ("automation_delay_s", "300"),
        ("merged_incident_members", "on"),
    ] {
        rig.switch(name, value);
    }
    target(&rig);
    let (source, into) = (rig.raise(), rig.raise());
    assert_eq!(rig.sentinel("GET", &format!("incidents/{source}"), None).status, 404, "not yet in Sentinel");
    rig.pass(120);
    let shown = rig.sentinel("GET", &format!("incidents/{source}"), None);
    assert_eq!(shown.text("/properties/providerName"), "Microsoft XDR");
    assert!(
        shown
            .text("/properties/additionalData/providerIncidentUrl")
            .starts_with("https://security.microsoft.com/incidents/")
    );
    assert!(due(&rig).is_empty());
    rig.act("incident.comment", json!({"incident": source, "message": "stays here"}));
    rig.act("incident.merge", json!({"incident": source, "target": into}));
    rig.pass(300);
    assert_eq!(due(&rig).len(), 2, "each incident's changes collapsed into one event");
    let merged = rig.sentinel("GET", &format!("incidents/{source}"), None);
    assert_eq!(
        (merged.text("/properties/status"), merged.text("/properties/labels/0/labelName")),
        ("Closed", "Redirected")
    );
    assert!(merged.body.pointer("/properties/additionalData/mergedIncidentUrl").is_some());
    assert_eq!(merged.body.pointer("/properties/additionalData/commentsCount"), Some(&json!(1)));
    let target = rig.sentinel("GET", &format!("incidents/{into}"), None);
    assert_eq!(target.body.pointer("/properties/additionalData/alertsCount"), Some(&json!(2)));
    assert!(target.text("/properties/title").contains("involving"));
    assert_eq!(
        rig.make(&guid(1), plain()).text("/properties/providerName"),
        "Azure Sentinel",
        "made by the API: Defender does not know it"
    );
}

#[test]
fn the_defender_portal_waits_and_collapses_by_itself() {
    let rig = Rig::new();
    rig.switch("defender", "on");
    rig.switch("defender_delay_s", "0");
    target(&rig);
    let name = rig.raise();
    rig.pass(60);
    rig.act("incident.comment", json!({"incident": name, "message": "within the wait"}));
    rig.pass(239);
    assert!(due(&rig).is_empty(), "five minutes have not passed");
    rig.pass(1);
    assert_eq!(due(&rig).len(), 1, "creation and comment in one event");
    rig.switch("automation_delay_s", "0");
    rig.raise();
    rig.pass(1);
    assert_eq!(due(&rig).len(), 1, "at once, when that is asked for");
    let azure = Rig::new();
    target(&azure);
    azure.raise();
    assert_eq!(due(&azure).len(), 1, "the Azure portal does not wait");
}
