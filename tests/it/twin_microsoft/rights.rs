//! Role assignments, challenges and providers: what the management API says of itself, and to whom.

use bytes::Bytes;
use serde_json::json;

use super::{ORIGIN, Rig, VERSION};

fn group(rig: &Rig) -> String {
    rig.workspace.split("/providers/").next().unwrap().to_owned()
}

fn assignment(scope: &str, name: &str) -> String {
    format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}?api-version=2022-04-01")
}

#[test]
fn a_role_assignment_is_of_one_scope_and_its_name_is_read_in_any_case() {
    let rig = Rig::new();
    let (here, other) = (group(&rig), format!("/subscriptions/{}", rig.microsoft("subscription_id")));
    let user = rig.connection["microsoft"]["users"][4]["object_id"].as_str().unwrap();
    let role = "/providers/Microsoft.Authorization/roleDefinitions/8d289c81-5878-46d4-8554-54e1e3d8b5cb";
    let body = json!({"properties": {"roleDefinitionId": role, "principalId": user}});
    let name = "5a000000-0000-4000-8000-00000000abcd";
    assert_eq!(rig.arm("PUT", &assignment(&here, name), Some(body.clone())).status, 201);
    let moved = rig.arm("PUT", &assignment(&other, name), Some(body.clone()));
    assert_eq!((moved.status, moved.text("/error/code")), (400, "RoleAssignmentUpdateNotPermitted"));
    assert_eq!(rig.arm("GET", &assignment(&other, name), None).status, 404);
    assert_eq!(rig.arm("DELETE", &assignment(&other, name), None).status, 204, "there is none of it there");
    let upper = assignment(&here.to_uppercase(), &name.to_uppercase());
    assert_eq!(rig.arm("GET", &upper, None).text("/properties/scope"), here);
    assert_eq!(rig.arm("PUT", &upper, Some(body)).status, 200, "the same one");
    assert_eq!(rig.arm("DELETE", &upper, None).status, 200);
    assert_eq!(rig.arm("GET", &assignment(&here, name), None).status, 404);
}

#[test]
fn a_named_role_assignment_is_shown_to_those_who_may_read_it() {
    let rig = Rig::new();
    let app = rig.twin.with(|world, _| world.microsoft.directory.tenants[0].app_object_id.clone());
    let scope = format!("/subscriptions/{}", rig.microsoft("subscription_id"));
    let name = rig.twin.with(|world, _| {
        let all = &world.microsoft.directory.assignments;
        all.values().find(|given| given.principal_id == app && given.scope == scope).unwrap().name.clone()
    });
    assert_eq!(rig.arm("GET", &assignment(&scope, &name), None).status, 200);
    for role in ["Contributor", "User Access Administrator", "Microsoft Sentinel Contributor"] {
        rig.act("role.remove", json!({"principal": app, "role": role, "scope": scope}));
    }
    let refused = rig.arm("GET", &assignment(&scope, &name), None);
    assert_eq!((refused.status, refused.text("/error/code")), (403, "AuthorizationFailed"));
}

#[test]
fn who_has_no_token_is_sent_to_the_tenant_of_the_subscription() {
    let rig = Rig::with(|options| options.tenants = 2);
    let details = rig.connection["microsoft"]["workspace_details"].as_array().unwrap();
    let tenants = rig.connection["microsoft"]["tenants"].as_array().unwrap();
    for tenant in tenants {
        let id = tenant["tenant_id"].as_str().unwrap();
        let workspace = details.iter().find(|one| one["tenant_id"] == id).unwrap()["id"].as_str().unwrap();
        for headers in [vec![], vec![("authorization", "Bearer nonsense")]] {
            let got = rig.raw("GET", &format!("{ORIGIN}/arm{workspace}?{VERSION}"), &headers, Bytes::new());
            let challenge = got.reply.header("www-authenticate").unwrap();
            assert_eq!(got.status, 401);
            assert!(challenge.contains(&format!("authorization_uri=\"{ORIGIN}/entra/{id}\"")), "{challenge}");
        }
    }
    let got = rig.raw("GET", &format!("{ORIGIN}/arm/subscriptions?{VERSION}"), &[], Bytes::new());
    let first = tenants[0]["tenant_id"].as_str().unwrap();
    assert!(got.reply.header("www-authenticate").unwrap().contains(first), "no subscription is named");
}

#[test]
fn a_disabled_subscription_is_read_and_its_state_is_told_to_its_own_tenant_alone() {
    let rig = Rig::with(|options| options.tenants = 2);
    let retired = rig.twin.with(|world, _| {
        let all = &world.microsoft.subscriptions;
        all.iter().find(|one| one.state == "Disabled").unwrap().id.clone()
    });
    let group = format!("/subscriptions/{retired}/resourceGroups/rg-plain");
    assert_eq!(rig.arm("HEAD", &group, None).status, 204);
    let body = json!({"location": "westeurope"});
    let refused = rig.arm("PUT", &group, Some(body.clone()));
    assert_eq!((refused.status, refused.text("/error/code")), (409, "ReadOnlyDisabledSubscription"));
    let (id, secret) = (rig.microsoft("client_id"), rig.microsoft("client_secret"));
    let other = rig.connection["microsoft"]["tenants"][1]["tenant_id"].as_str().unwrap();
    let scope = "https://management.azure.com/.default";
    let form = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret), ("scope", scope)];
    let foreign = rig.form(other, &form);
    let refused = rig.arm_as(foreign.text("/access_token"), "PUT", &group, Some(body));
    assert_eq!((refused.status, refused.text("/error/code")), (401, "InvalidAuthenticationTokenTenant"));
}

#[test]
fn analytics_rules_have_no_actions_and_no_templates_and_can_only_be_read() {
    let rig = Rig::new();
    let rule = rig.sentinel("GET", "alertRules", None).text("/value/0/name").to_owned();
    for path in [format!("alertRules/{rule}/actions"), "alertRuleTemplates".to_owned()] {
        let got = rig.sentinel("GET", &path, None);
        assert_eq!((got.status, &got.body["value"]), (200, &json!([])), "{path}");
    }
    for path in ["alertRules/none", "alertRules/none/actions", "alertRuleTemplates/none", "alertRules/none/more"] {
        assert_eq!(rig.sentinel("GET", path, None).status, 404, "{path}");
    }
    for (method, path) in [
        ("PUT", format!("alertRules/{rule}")),
        ("DELETE", format!("alertRules/{rule}")),
        ("PUT", format!("alertRules/{rule}/actions/one")),
        ("POST", "alertRules".to_owned()),
    ] {
        let got = rig.sentinel(method, &path, Some(json!({})));
        assert_eq!((got.status, got.text("/error/code")), (405, "MethodNotAllowed"), "{method} {path}");
    }
}

#[test]
fn a_provider_has_the_types_that_are_played_and_another_is_refused() {
    let rig = Rig::new();
    let below = format!("/subscriptions/{}/providers", rig.microsoft("subscription_id"));
    let at = |path: &str| format!("{below}{path}?api-version=2021-04-01");
    let all = rig.arm("GET", &at(""), None);
    for provider in all.body["value"].as_array().unwrap() {
        let name = provider["namespace"].as_str().unwrap();
        assert_eq!(&rig.arm("GET", &at(&format!("/{}", name.to_lowercase())), None).body, provider);
        assert_eq!(&rig.arm("POST", &at(&format!("/{name}/register")), None).body, provider);
        let types = provider["resourceTypes"].as_array().unwrap();
        assert!(!types.is_empty(), "{name}");
        for kind in types {
            assert!(kind["resourceType"].is_string() && kind["locations"].is_array(), "{kind}");
            assert!(!kind["apiVersions"].as_array().unwrap().is_empty(), "{kind}");
        }
    }
    for refused in
        [rig.arm("GET", &at("/Microsoft.None"), None), rig.arm("POST", &at("/Microsoft.None/register"), None)]
    {
        assert_eq!((refused.status, refused.text("/error/code")), (404, "InvalidResourceNamespace"));
        assert!(refused.text("/error/message").contains("'Microsoft.None'"));
    }
}

#[test]
fn the_clouds_addresses_are_told_at_the_root_too() {
    let rig = Rig::new();
    let told =
        |prefix: &str| rig.raw("GET", &format!("{ORIGIN}{prefix}/metadata/endpoints?{VERSION}"), &[], Bytes::new());
    let (root, arm) = (told(""), told("/arm"));
    assert_eq!((root.status, &root.body), (200, &arm.body));
    assert_eq!(arm.text("/authentication/loginEndpoint"), format!("{ORIGIN}/entra"));
}
