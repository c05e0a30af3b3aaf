//! A little of Graph: lists as they are asked for.

use bytes::Bytes;
use serde_json::Value;

use super::{Got, ORIGIN, Rig};

fn ask(rig: &Rig, path: &str) -> Got {
    let token = rig.app_token("https://graph.microsoft.com/.default");
    let url = if path.starts_with("http") { path.to_owned() } else { format!("{ORIGIN}/graph/v1.0/{path}") };
    rig.raw("GET", &url.replace(' ', "%20"), &[("authorization", &format!("Bearer {token}"))], Bytes::new())
}

fn of<'a>(got: &'a Got, member: &str) -> Vec<&'a str> {
    assert_eq!(got.status, 200, "{:#}", got.body);
    got.body["value"].as_array().unwrap().iter().map(|row| row[member].as_str().unwrap()).collect()
}

#[test]
fn people_are_filtered_cut_into_pages_and_selected() {
    let rig = Rig::new();
    let everybody = ask(&rig, "users");
    let upns = of(&everybody, "userPrincipalName");
    assert!(upns.len() > 2, "{upns:?}");
    let (first, begin) = (upns[0], &upns[0][..4]);
    for member in ["userPrincipalName", "mail"] {
        assert_eq!(of(&ask(&rig, &format!("users?$filter={member} eq '{}'", first.to_uppercase())), member), [first]);
        let found = ask(&rig, &format!("users?$filter=startswith({member},'{begin}')"));
        assert!(of(&found, member).iter().all(|upn| upn.starts_with(begin)));
    }
    let id = of(&everybody, "id")[1];
    let two = ask(&rig, &format!("users?$filter=id eq '{id}' or userPrincipalName eq '{first}'"));
    assert_eq!(of(&two, "id").len(), 2);
    assert_eq!(of(&ask(&rig, &format!("users?$filter=id eq '{id}' and mail eq '{first}'")), "id").len(), 0);
    assert_eq!(of(&ask(&rig, "users?$filter=displayName eq 'Nobody O''Where'"), "id").len(), 0);
    let mut seen = Vec::new();
    let mut page = ask(&rig, "users?$top=1&$select=id,displayName");
    loop {
        assert_eq!(page.body["value"][0].as_object().unwrap().len(), 2, "{:#}", page.body);
        seen.extend(of(&page, "id").into_iter().map(str::to_owned));
        let Some(next) = page.body.get("@odata.nextLink").and_then(Value::as_str) else { break };
        page = ask(&rig, next);
    }
    assert_eq!(seen, of(&everybody, "id"));
    for refused in [
        "$filter=endswith(mail,'x')",
        "$filter=mail ne 'x'",
        "$filter=zork eq 'x'",
        "$top=0",
        "$select=zork",
        "$search=x",
    ] {
        assert_eq!(ask(&rig, &format!("users?{refused}")).status, 400, "{refused}");
    }
}

#[test]
fn applications_are_found_by_name_and_by_number() {
    let rig = Rig::new();
    let found = ask(&rig, "servicePrincipals?$filter=displayName eq 'Azure Security Insights'");
    assert_eq!(of(&found, "appId"), ["98785600-1bb7-4fb9-b9fa-19afe2c8a360"]);
    let found = ask(&rig, "servicePrincipals?$filter=appId eq '98785600-1bb7-4fb9-b9fa-19afe2c8a360'");
    assert_eq!(of(&found, "displayName"), ["Azure Security Insights"]);
    assert_eq!(of(&ask(&rig, "servicePrincipals"), "id").len(), 2);
}
