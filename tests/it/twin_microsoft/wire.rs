//! Points 1, 11, 12, 14 and 17: paths, versions, rights, budgets, discovery, faults, times.

use halobridge::twin::{limits::Limits, world::Fate};
use serde_json::{Value, json};

use super::{ORIGIN, Rig, guid, plain};

#[test]
fn paths_are_read_in_any_case_and_a_version_is_needed() {
    let rig = Rig::new();
    rig.make(&guid(1), plain());
    let upper = format!("{}/PROVIDERS/microsoft.SECURITYinsights/INCIDENTS/{}", rig.workspace.to_uppercase(), guid(1));
    let got = rig.arm("GET", &upper, None);
    assert_eq!(got.status, 200);
    assert!(got.text("/id").contains("/Incidents/"));
    let bare = rig.raw(
        "GET",
        &format!("{ORIGIN}/arm/subscriptions"),
        &[("authorization", &format!("Bearer {}", rig.token))],
        bytes::Bytes::new(),
    );
    assert_eq!((bare.status, bare.text("/error/code")), (400, "MissingApiVersionParameter"));
    let unknown = rig.arm("GET", "/subscriptions?api-version=soon", None);
    assert_eq!((unknown.status, unknown.text("/error/code")), (400, "InvalidApiVersionParameter"));
}

#[test]
fn tokens_are_checked_for_presence_time_tenant_and_audience() {
    let rig = Rig::with(|options| options.tenants = 2);
    let list = format!("{}/providers/Microsoft.SecurityInsights/incidents", rig.workspace);
    let none = rig.raw("GET", &format!("{ORIGIN}/arm{list}?api-version=2025-09-01"), &[], bytes::Bytes::new());
    assert_eq!(none.status, 401);
    assert!(none.reply.header("www-authenticate").is_some());
    assert_eq!(rig.arm_as("nonsense", "GET", &list, None).text("/error/code"), "InvalidAuthenticationToken");
    let logs = rig.app_token("https://api.loganalytics.io/.default");
    assert_eq!(rig.arm_as(&logs, "GET", &list, None).status, 401);
    let elsewhere = rig
        .connection
        .pointer("/microsoft/workspace_details/3/id")
        .or_else(|| rig.connection.pointer("/microsoft/workspace_details/4/id"));
    let elsewhere = elsewhere.unwrap().as_str().unwrap();
    let wrong = rig.arm("GET", &format!("{elsewhere}/providers/Microsoft.SecurityInsights/incidents"), None);
    assert_eq!((wrong.status, wrong.text("/error/code")), (401, "InvalidAuthenticationTokenTenant"));
    rig.pass(3 * 3_600);
    assert_eq!(rig.arm("GET", &list, None).text("/error/code"), "ExpiredAuthenticationToken");
}

#[test]
fn roles_decide_and_missing_things_are_named() {
    let rig = Rig::new();
    let principal = rig.twin.with(|world, _| world.microsoft.directory.tenants[0].app_object_id.clone());
    let scope = format!("/subscriptions/{}", rig.microsoft("subscription_id"));
    for role in ["Contributor", "User Access Administrator", "Microsoft Sentinel Contributor"] {
        rig.act("role.remove", json!({"principal": principal, "role": role, "scope": scope}));
    }
    rig.act("role.assign", json!({"principal": principal, "role": "Microsoft Sentinel Reader", "scope": scope}));
    assert_eq!(rig.sentinel("GET", "incidents", None).status, 200);
    let refused = rig.make(&guid(1), plain());
    assert_eq!((refused.status, refused.text("/error/code")), (403, "AuthorizationFailed"));
    assert!(refused.text("/error/message").contains("Microsoft.SecurityInsights/incidents/write"));
    rig.act("role.assign", json!({"principal": principal, "role": "Microsoft Sentinel Responder", "scope": scope}));
    assert_eq!(rig.make(&guid(1), plain()).status, 201);
    assert_eq!(rig.sentinel("DELETE", &format!("incidents/{}", guid(1)), None).status, 403);
    let permissions = rig.arm("GET", &format!("{}/providers/Microsoft.Authorization/permissions", rig.workspace), None);
    assert_eq!(permissions.body["value"].as_array().unwrap().len(), 2);
    let absent = rig.workspace.replace("law-contoso-001", "law-gone");
    let gone = rig.arm("GET", &format!("{absent}/providers/Microsoft.SecurityInsights/incidents"), None);
    assert_eq!((gone.status, gone.text("/error/code")), (404, "ResourceNotFound"));
    assert_eq!(
        rig.arm("GET", "/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups", None).text("/error/code"),
        "SubscriptionNotFound"
    );
}

#[test]
fn a_workspace_without_sentinel_answers_json_within_json() {
    let rig = Rig::new();
    rig.act("workspace.offboard", json!({}));
    let got = rig.sentinel("GET", "incidents", None);
    assert_eq!(got.status, 400);
    let inner: serde_json::Value = serde_json::from_str(got.text("/error/message")).unwrap();
    assert!(
        inner.pointer("/error/message").unwrap().as_str().unwrap().contains("is not onboarded to Microsoft Sentinel")
    );
    assert_eq!(rig.sentinel("GET", "onboardingStates", None).body["value"], json!([]));
}

#[test]
fn discovery_shows_many_tenants_odd_subscriptions_and_pages() {
    let rig = Rig::with(|options| {
        options.tenants = 3;
        options.workspaces = 5;
    });
    let subscriptions = rig.arm("GET", "/subscriptions?api-version=2022-12-01", None);
    let states: Vec<&str> =
        subscriptions.body["value"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["Enabled", "Disabled", "Enabled"]);
    rig.switch("lighthouse", "on");
    let rows = rig.arm("GET", "/subscriptions?api-version=2022-12-01", None);
    assert_eq!(
        rows.body["value"].as_array().unwrap().iter().filter(|one| one["managedByTenants"] != json!([])).count(),
        2
    );
    rig.switch("discovery_page", "2");
    let first = rig.arm(
        "GET",
        &format!(
            "/subscriptions/{}/providers/Microsoft.OperationalInsights/workspaces?api-version=2023-09-01",
            rig.microsoft("subscription_id")
        ),
        None,
    );
    assert!(first.text("/value/0/id").contains("/resourcegroups/"), "ids come in lower case");
    let mut seen = first.names();
    let mut next = first.body["nextLink"].as_str().map(str::to_owned);
    while let Some(link) = next {
        let page = rig.arm("GET", &link, None);
        seen.extend(page.names());
        next = page.body["nextLink"].as_str().map(str::to_owned);
    }
    assert_eq!(seen.len(), 5);
    assert_eq!(rig.arm("GET", "/tenants?api-version=2022-12-01", None).status, 200);
    let group = format!(
        "/subscriptions/{}/resourcegroups/none/providers/Microsoft.OperationalInsights/workspaces",
        rig.microsoft("subscription_id")
    );
    assert_eq!(rig.arm("GET", &group, None).text("/error/code"), "ResourceGroupNotFound");
}

#[test]
fn budgets_run_down_and_say_when_to_come_back() {
    let rig = Rig::with(|options| options.limits = Limits::Real);
    let first = rig.sentinel("GET", "incidents", None);
    assert_eq!(first.reply.header("x-ms-ratelimit-remaining-subscription-reads"), Some("249"));
    assert!(first.reply.header("x-ms-ratelimit-remaining-subscription-global-reads").is_some());
    let refused = (0..400).map(|_| rig.sentinel("GET", "incidents", None)).find(|got| got.status == 429).unwrap();
    assert_eq!(refused.text("/error/code"), "SubscriptionRequestsThrottled");
    assert_eq!(refused.reply.header("retry-after"), Some("1"));
    rig.pass(1);
    assert_eq!(rig.sentinel("GET", "incidents", None).status, 200);
    assert_eq!(
        rig.make(&guid(1), plain()).reply.header("x-ms-ratelimit-remaining-subscription-resource-requests"),
        Some("199")
    );
}

#[test]
fn the_promised_floor_can_be_the_ceiling() {
    let rig = Rig::with(|options| options.limits = Limits::Scaled(60.0));
    rig.switch("promised_floor", "on");
    let statuses: Vec<u16> = (0..76).map(|n| rig.make(&guid(n), plain()).status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 75);
    assert_eq!(statuses.last(), Some(&429));
    rig.pass(5);
    assert_eq!(rig.make(&guid(76), plain()).status, 201, "five minutes last five seconds");
}

#[test]
fn faults_hit_before_or_after_a_write() {
    let rig = Rig::new();
    let set = |fault: serde_json::Value| {
        let fault = halobridge::twin::faults::Fault::from_json(&fault).unwrap();
        rig.twin.with(|world, _| world.faults.add(fault));
    };
    let url = |n| {
        format!(
            "{ORIGIN}/arm{}/providers/Microsoft.SecurityInsights/incidents/{}?api-version=2025-09-01",
            rig.workspace,
            guid(n)
        )
    };
    let put = |n| {
        let body = json!({ "properties": plain() }).to_string();
        rig.answer("PUT", &url(n), &[("authorization", &format!("Bearer {}", rig.token))], body.into())
    };
    let there = |n| rig.sentinel("GET", &format!("incidents/{}", guid(n)), None).status == 200;
    set(json!({"effect": "lost_answer", "kind": "sentinel.incident.put", "count": 1}));
    assert_eq!(put(1).fate, Fate::Lost);
    assert!(there(1), "carried out, answer lost");
    set(json!({"effect": "cut", "kind": "sentinel.incident.put", "count": 1}));
    assert_eq!(put(2).fate, Fate::Cut);
    assert!(!there(2));
    set(json!({"effect": "status", "status": 504, "applied": true, "method": "PUT", "count": 1}));
    assert_eq!(put(3).reply.status, 504);
    assert!(there(3));
    set(json!({"effect": "throttle", "side": "arm", "method": "PUT", "count": 1, "retry_after": 7}));
    let throttled = put(4);
    assert_eq!((throttled.reply.status, throttled.reply.header("retry-after")), (429, Some("7")));
    assert!(!there(4));
    set(json!({"effect": "html", "method": "PUT", "count": 1}));
    assert!(put(5).reply.body.starts_with(b"<!DOCTYPE html>"));
    set(json!({"effect": "truncated_json", "method": "PUT", "count": 1}));
    assert!(serde_json::from_slice::<serde_json::Value>(&put(6).reply.body).is_err());
    set(json!({"effect": "slow", "method": "PUT", "count": 1, "ms": 250}));
    assert_eq!(put(7).delay_ms, 250);
    rig.pass(120);
    set(json!({"effect": "stale_read", "kind": "sentinel.incident.*", "method": "GET", "count": 1, "ms": 60000}));
    assert_eq!(put(8).reply.status, 201);
    assert!(!there(8), "the stale read does not see it");
    assert!(there(8));
    let summary = rig.twin.with(|world, _| world.calls.summary());
    assert_eq!(summary.pointer("/kinds/sentinel.incident.put/calls"), Some(&json!(8)));
}

#[test]
fn times_have_seven_digits_without_zeros_and_etags_hold_the_second() {
    let rig = Rig::new();
    let got = rig.make(&guid(1), plain());
    let created = got.text("/properties/createdTimeUtc");
    assert_eq!(created, got.text("/properties/lastModifiedTimeUtc"));
    let fraction = created.split_once('.').unwrap().1.trim_end_matches('Z');
    assert!(fraction.len() <= 7 && !fraction.ends_with('0'), "{created}");
    assert!(got.text("/etag").ends_with(&format!("{:08x}0000\"", 1_790_000_000)), "{}", got.text("/etag"));
    assert!(got.reply.header("x-ms-request-id").is_some());
}

#[test]
fn the_same_seed_makes_the_same_world() {
    let text = |seed| {
        let rig = Rig::with(|options| {
            options.seed = seed;
            options.incidents = 20;
        });
        rig.raise();
        rig.sentinel("GET", "incidents", None).body.to_string()
    };
    assert_eq!(text(3), text(3));
    assert_ne!(text(3), text(4));
}

#[test]
fn every_other_described_operation_answers_as_described() {
    let rig = Rig::new();
    let name = rig.raise();
    let subscription = rig.microsoft("subscription_id");
    let group = format!("/subscriptions/{subscription}/resourceGroups/{}", rig.microsoft("resource_group"));
    for path in [
        format!("/subscriptions/{subscription}?api-version=2022-12-01"),
        format!("/subscriptions/{subscription}/locations?api-version=2022-12-01"),
        format!("/subscriptions/{subscription}/resourcegroups?api-version=2021-04-01"),
        format!("{group}/providers/Microsoft.OperationalInsights/workspaces?api-version=2023-09-01"),
        format!("{}?api-version=2023-09-01", rig.workspace),
        format!("{group}/providers/Microsoft.Authorization/permissions?api-version=2022-04-01"),
        format!(
            "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions?api-version=2022-04-01"
        ),
        format!("{group}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01&$filter=atScope()"),
    ] {
        assert_eq!(rig.arm("GET", &path, None).status, 200, "{path}");
    }
    for path in ["alertRules", "automationRules", "bookmarks", "onboardingStates", "onboardingStates/default"] {
        assert_eq!(rig.sentinel("GET", path, None).status, 200, "{path}");
    }
    let rule = rig.sentinel("GET", "alertRules", None).text("/value/0/name").to_owned();
    assert_eq!(rig.sentinel("GET", &format!("alertRules/{rule}"), None).status, 200);
    for (path, status) in [("tasks", 404), ("relations", 404), ("comments", 404)] {
        assert_eq!(rig.sentinel("GET", &format!("incidents/{name}/{path}/{}", guid(5)), None).status, status);
        assert_eq!(rig.sentinel("DELETE", &format!("incidents/{name}/{path}/{}", guid(5)), None).status, 204);
    }
    assert_eq!(rig.sentinel("DELETE", &format!("automationRules/{}", guid(5)), None).status, 204);
    assert_eq!(rig.sentinel("DELETE", &format!("bookmarks/{}", guid(5)), None).status, 204);
    assert_eq!(rig.sentinel("GET", &format!("bookmarks/{}", guid(5)), None).status, 404);
}

#[test]
fn what_public_clients_ask_beside_the_incidents() {
    let rig = Rig::new();
    let name = rig.raise();
    // Alerts are related to their incident by relations that nobody wrote; an alert expands to its entities.
    let relations = rig.sentinel("GET", &format!("incidents/{name}/relations"), None);
    let first = relations.body["value"][0]["properties"].clone();
    assert_eq!(
        (&first["relatedResourceKind"], &first["relatedResourceType"]),
        (&json!("SecurityAlert"), &json!("Microsoft.SecurityInsights/entities"))
    );
    let alert = first["relatedResourceName"].as_str().unwrap().to_owned();
    let one = rig.sentinel("GET", &format!("incidents/{name}/relations/{name}_{alert}"), None);
    assert_eq!(one.body["properties"]["relatedResourceName"], alert.as_str());
    let expanded = rig.sentinel(
        "POST",
        &format!("entities/{alert}/expand"),
        Some(json!({"expansionId": "98b974fd-cc64-48b8-9bd0-3a209f5b944b"})),
    );
    let entities = rig.sentinel("POST", &format!("incidents/{name}/entities"), None);
    assert_eq!(expanded.body["value"]["entities"], entities.body["entities"]);
    assert_eq!(rig.sentinel("GET", &format!("entities/{alert}"), None).body["kind"], "SecurityAlert");
    assert_eq!(rig.sentinel("GET", &format!("entities/{name}"), None).status, 404);
    // A group is asked for before it is used.
    let group = rig.workspace.split("/providers/").next().unwrap().to_owned();
    assert_eq!(rig.arm("HEAD", &format!("{group}?api-version=2021-04-01"), None).status, 204);
    assert_eq!(rig.arm("HEAD", &format!("{group}-not?api-version=2021-04-01"), None).status, 404);
    let elsewhere = rig.workspace.replace("/resourceGroups/", "/resourceGroups/no-");
    let missing = rig.arm("GET", &format!("{elsewhere}/providers/Microsoft.SecurityInsights/incidents"), None);
    assert_eq!((missing.status, missing.text("/error/code")), (404, "ResourceGroupNotFound"));
    let role = "roleName eq 'Microsoft Sentinel Responder'".replace(' ', "%20");
    let roles = rig.arm(
        "GET",
        &format!("{group}/providers/Microsoft.Authorization/roleDefinitions?api-version=2022-04-01&$filter={role}"),
        None,
    );
    assert_eq!(roles.body["value"].as_array().map(Vec::len), Some(1));
    assert!(rig.arm("GET", "/providers/Microsoft.SecurityInsights/operations", None).body["value"].is_array());
}

#[test]
fn a_template_is_checked_before_it_is_deployed_and_a_logic_app_can_be_switched_off() {
    let rig = Rig::new();
    let group = rig.workspace.split("/providers/").next().unwrap().to_owned();
    let at = |tail: &str| format!("{group}/providers/Microsoft.Resources/deployments/one{tail}?api-version=2021-04-01");
    let workflow = json!({"type": "Microsoft.Logic/workflows", "apiVersion": "2019-05-01", "name": "send", "location": "westeurope", "properties": {"definition": {"triggers": {"incident": {}}, "actions": {}}}});
    let template =
        |resource: Value| json!({"properties": {"mode": "Incremental", "template": {"resources": [resource]}}});
    assert_eq!(
        rig.arm("POST", &at("/validate"), Some(template(json!({"type": "Microsoft.Logic/workflows"})))).status,
        400
    );
    assert_eq!(rig.arm("POST", &at("/validate"), Some(template(workflow.clone()))).status, 200);
    let foreseen = rig.arm("POST", &at("/whatIf"), Some(template(workflow.clone())));
    assert_eq!(foreseen.body["properties"]["changes"][0]["changeType"], "Create");
    let app = format!("{group}/providers/Microsoft.Logic/workflows/send");
    let get = |rig: &Rig| rig.arm("GET", &format!("{app}?api-version=2019-05-01"), None);
    assert_eq!(get(&rig).status, 404, "only looked at so far");
    assert_eq!(rig.arm("PUT", &at(""), Some(template(workflow))).status, 201);
    let operations = rig.arm("GET", &at("/operations"), None);
    assert_eq!(operations.body["value"][0]["properties"]["targetResource"]["resourceName"], "send");
    assert_eq!(get(&rig).body["properties"]["state"], "Enabled");
    assert_eq!(
        rig.arm("GET", &format!("{app}/triggers?api-version=2019-05-01"), None).body["value"][0]["name"],
        "incident"
    );
    assert_eq!(rig.arm("POST", &format!("{app}/disable?api-version=2019-05-01"), None).status, 200);
    assert_eq!(get(&rig).body["properties"]["state"], "Disabled");
    assert_eq!(rig.arm("DELETE", &at(""), None).status, 204);
}

#[test]
fn the_version_is_that_of_the_provider_which_is_called() {
    let rig = Rig::new();
    let subscription = format!("/subscriptions/{}", rig.microsoft("subscription_id"));
    let sentinel = format!("{}/providers/Microsoft.SecurityInsights", rig.workspace);
    for (method, path, status) in [
        ("GET", format!("{subscription}/providers/Microsoft.SecurityInsights?api-version=2022-09-01"), 200),
        ("POST", format!("{subscription}/providers/Microsoft.SecurityInsights/register?api-version=2025-04-01"), 200),
        (
            "GET",
            format!("{sentinel}/incidents/x/providers/Microsoft.Authorization/permissions?api-version=2022-04-01"),
            200,
        ),
        ("GET", format!("{sentinel}/incidents?api-version=2022-09-01"), 400),
        ("GET", format!("{sentinel}/incidents?api-version=2025-09-01"), 200),
        ("GET", format!("{subscription}/providers/Microsoft.SecurityInsights?api-version=soon"), 400),
    ] {
        let got = rig.raw(
            method,
            &format!("{ORIGIN}/arm{path}"),
            &[("authorization", &format!("Bearer {}", rig.token))],
            bytes::Bytes::new(),
        );
        assert_eq!(got.status, status, "{path}: {:#}", got.body);
    }
}

#[test]
fn resources_are_filtered_by_type_and_name() {
    let rig = Rig::new();
    let group = format!(
        "/subscriptions/{}/resourceGroups/{}",
        rig.microsoft("subscription_id"),
        rig.microsoft("resource_group")
    );
    let workflow = json!({
        "location": "westeurope", "apiVersion": "2019-05-01", "dependsOn": ["x"], "condition": true,
        "properties": {"definition": {}},
    });
    let at = format!("{group}/providers/Microsoft.Logic/workflows/Send?api-version=2019-05-01");
    rig.arm("PUT", &at, Some(workflow));
    let shown = rig.arm("GET", &at, None).body;
    for member in ["apiVersion", "dependsOn", "condition"] {
        assert!(shown.get(member).is_none(), "{member} belongs to the template: {shown}");
    }
    let names = |filter: &str| {
        let encoded: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let path = format!(
            "/subscriptions/{}/resources?api-version=2021-04-01&$filter={encoded}",
            rig.microsoft("subscription_id")
        );
        let got = rig.arm("GET", &path, None);
        if got.status == 200 { got.names() } else { vec![got.text("/error/code").to_owned()] }
    };
    assert_eq!(names("resourceType eq 'Microsoft.Logic/workflows'"), ["Send"]);
    assert_eq!(names("resourceType eq 'microsoft.operationalinsights/workspaces'").len(), 3);
    assert_eq!(names("resourceType eq 'Microsoft.Logic/workflows' and name eq 'Other'").len(), 0);
    assert_eq!(names("resourceType ne 'Microsoft.Logic/workflows'").len(), 3);
    assert_eq!(names("substringof('en', name)"), ["Send"]);
    assert_eq!(names("nonsense"), ["InvalidFilterInQueryString"]);
}

#[test]
fn a_group_is_made_and_a_template_is_given_back() {
    let rig = Rig::new();
    let subscription = format!("/subscriptions/{}", rig.microsoft("subscription_id"));
    let group = format!("{subscription}/resourceGroups/rg-new?api-version=2021-04-01");
    let made = rig.arm("PUT", &group, Some(json!({"location": "northeurope", "tags": {"a": "b"}})));
    assert_eq!((made.status, made.text("/location")), (201, "northeurope"));
    assert_eq!(rig.arm("PUT", &group, Some(json!({"location": "northeurope"}))).status, 200);
    assert_eq!(rig.arm("PUT", &group, Some(json!({}))).status, 400);
    assert_eq!(rig.arm("GET", &group, None).text("/name"), "rg-new");
    let template = json!({"resources": [], "contentVersion": "1.0.0.0"});
    let at = format!("{subscription}/resourceGroups/rg-new/providers/Microsoft.Resources/deployments/d1");
    let sent = json!({"properties": {"mode": "Incremental", "template": template}});
    assert_eq!(rig.arm("PUT", &format!("{at}?api-version=2021-04-01"), Some(sent)).status, 201);
    let export = rig.arm("POST", &format!("{at}/exportTemplate?api-version=2021-04-01"), None);
    assert_eq!((export.status, &export.body["template"]), (200, &template));
    let none = format!(
        "{subscription}/resourceGroups/rg-new/providers/Microsoft.Resources/deployments/d2/exportTemplate?api-version=2021-04-01"
    );
    assert_eq!(rig.arm("POST", &none, None).status, 404);
}

#[test]
fn a_fault_with_a_misspelt_member_is_refused() {
    let rig = Rig::new();
    let nonsense = rig.twin.with(|world, _| world.set_switch("put_answer", "nonsense"));
    assert!(nonsense.is_err_and(|said| said.contains("put_answer")), "a word that no switch takes is refused too");
    let post = |path: &str, body: Value| {
        let got = rig.raw("POST", &format!("{ORIGIN}{path}"), &[], body.to_string().into());
        (got.status, got.body["error"].as_str().unwrap_or("").to_owned())
    };
    for (path, body, word) in [
        ("/admin/faults", json!({"effect": "slow", "knd": "x"}), "knd"),
        ("/admin/faults", json!({"effect": "slow", "side": "sentinel"}), "sentinel"),
        ("/admin/faults", json!({"effect": "slow", "kind": "incident.put"}), "incident.put"),
        ("/admin/faults", json!({"effect": "slow", "count": "three"}), "count"),
        ("/admin/faults", json!({"effect": "status", "status": 700}), "status"),
        ("/admin/deliveries/faults", json!({"effect": "lost", "knd": "x"}), "knd"),
        ("/admin/deliveries/faults", json!({"effect": "lost", "kind": "webhook"}), "webhook"),
    ] {
        let (status, said) = post(path, body.clone());
        assert!(status == 400 && said.contains(word), "{body}: {status} {said}");
    }
    for (path, body) in [
        ("/admin/faults", json!({"effect": "slow", "ms": 5, "kind": "sentinel.*.put", "side": "arm", "count": 1})),
        (
            "/admin/faults",
            json!({"effect": "throttle", "retry_after": 7, "kind": "*.list", "method": "get", "path": "*"}),
        ),
        ("/admin/faults", json!({"effect": "cut", "side": "halo", "kind": "halo.tickets.post", "remaining": 1})),
        ("/admin/deliveries/faults", json!({"effect": "batched", "kind": "halo-webhook", "ms": 5, "count": 1})),
    ] {
        assert_eq!(post(path, body.clone()).0, 200, "{body}");
    }
}

#[test]
fn discovery_shows_what_the_caller_may_see() {
    let rig = Rig::new();
    let principal = rig.twin.with(|world, _| world.microsoft.directory.tenants[0].app_object_id.clone());
    let scope = format!("/subscriptions/{}", rig.microsoft("subscription_id"));
    let group = format!("{scope}/resourceGroups/{}", rig.microsoft("resource_group"));
    let list = |what: &str| {
        let got = rig.arm("GET", &format!("{scope}/{what}?api-version=2021-04-01"), None);
        assert_eq!(got.status, 200, "{what}: {:#}", got.body);
        got.body["value"].as_array().unwrap().len()
    };
    let one = |path: &str| rig.arm("GET", &format!("{path}?api-version=2021-04-01"), None);
    let provider = format!("{scope}/providers/Microsoft.Logic");
    let other = format!("{scope}/resourceGroups/rg-other");
    let made = rig.arm("PUT", &format!("{other}?api-version=2021-04-01"), Some(json!({"location": "westeurope"})));
    assert_eq!(made.status, 201);
    let all = (list("resourcegroups"), list("providers"), list("locations"));
    assert!(all.0 > 1 && all.1 > 1 && all.2 > 1, "{all:?}");
    for role in ["Contributor", "User Access Administrator", "Microsoft Sentinel Contributor"] {
        rig.act("role.remove", json!({"principal": principal, "role": role, "scope": scope}));
    }
    rig.act("role.assign", json!({"principal": principal, "role": "Microsoft Sentinel Responder", "scope": group}));
    assert_eq!((list("resourcegroups"), list("providers"), list("locations")), (1, 0, 0));
    assert_eq!(one(&group).status, 200);
    for refused in [one(&provider), one(&other)] {
        assert_eq!((refused.status, refused.text("/error/code")), (403, "AuthorizationFailed"));
    }
    assert_eq!(rig.arm("HEAD", &format!("{other}?api-version=2021-04-01"), None).status, 403);
    // The least role of docs/SET-UP.md names no groups.
    rig.act("role.remove", json!({"principal": principal, "role": "Microsoft Sentinel Responder", "scope": group}));
    rig.act("role.assign", json!({"principal": principal, "role": "Halobridge sync", "scope": group}));
    assert_eq!((list("resourcegroups"), one(&group).status), (0, 403));
    assert_eq!(rig.sentinel("GET", "incidents", None).status, 200);
}
