//! Role assignments, challenges and providers: what the management API says of itself, and to whom.

use serde_json::json;

use super::Rig;

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
