//! Deployments as Azure answers them, roles that can be joined, and addresses of triggers that can be called.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Got, ORIGIN, Rig, guid};

fn group(rig: &Rig) -> String {
    rig.workspace.split("/providers/").next().unwrap().to_owned()
}

fn at(rig: &Rig, tail: &str) -> String {
    format!("{}/providers/Microsoft.Resources/deployments/one{tail}?api-version=2021-04-01", group(rig))
}

fn workflow(name: &str, url: &str) -> Value {
    let http = json!({"type": "Http", "inputs": {"method": "POST", "uri": url}});
    json!({"type": "Microsoft.Logic/workflows", "apiVersion": "2019-05-01", "name": name, "location": "westeurope",
        "properties": {"definition": {"triggers": {"Manual": {}}, "actions": {"Post": http}}}})
}

fn sent(resources: Value, parameters: Value, given: Value) -> Value {
    json!({"properties": {"mode": "Incremental", "parameters": given, "template": {"parameters": parameters, "resources": resources}}})
}

fn kinds(got: &Got) -> Vec<(String, String)> {
    assert_eq!(got.status, 200, "{:#}", got.body);
    let all = got.body.pointer("/properties/changes").and_then(Value::as_array).unwrap().iter();
    let text = |row: &Value, member: &str| row[member].as_str().unwrap().to_owned();
    all.map(|row| (text(row, "resourceId").rsplit('/').next().unwrap().to_owned(), text(row, "changeType"))).collect()
}

#[test]
fn what_a_deployment_would_change_is_told_apart() {
    let rig = Rig::new();
    let nested = |url: &str| {
        json!([
            workflow("first", "http://receiver.test/in"),
            {"type": "Microsoft.Resources/deployments", "apiVersion": "2021-04-01", "name": "inside",
             "properties": {"mode": "Incremental", "template": {"resources": [workflow("second", url)]}}},
        ])
    };
    let ask = |url: &str| kinds(&rig.arm("POST", &at(&rig, "/whatIf"), Some(sent(nested(url), json!({}), json!({})))));
    let of =
        |first: &str, second: &str| [("first".to_owned(), first.to_owned()), ("second".to_owned(), second.to_owned())];
    assert_eq!(ask("http://receiver.test/a"), of("Create", "Create"));
    let put = rig.arm("PUT", &at(&rig, ""), Some(sent(nested("http://receiver.test/a"), json!({}), json!({}))));
    assert_eq!(put.status, 201);
    let second = format!("{}/providers/Microsoft.Logic/workflows/second?api-version=2019-05-01", group(&rig));
    assert_eq!(rig.arm("GET", &second, None).status, 200, "what lies within is deployed too");
    assert_eq!(ask("http://receiver.test/a"), of("NoChange", "NoChange"));
    assert_eq!(ask("http://receiver.test/b"), of("NoChange", "Modify"));
}

#[test]
fn a_nested_deployment_has_its_own_group_and_its_own_parameters() {
    let rig = Rig::new();
    let subscription = format!("/subscriptions/{}", rig.microsoft("subscription_id"));
    let made = format!("{subscription}/resourceGroups/rg-other?api-version=2021-04-01");
    assert_eq!(rig.arm("PUT", &made, Some(json!({"location": "westeurope"}))).status, 201);
    let mut inner = workflow("x", "http://receiver.test/in");
    inner["name"] = json!("[parameters('name')]");
    let nested = json!([{"type": "Microsoft.Resources/deployments", "apiVersion": "2021-04-01", "name": "inside", "resourceGroup": "rg-other",
        "properties": {"mode": "Incremental", "expressionEvaluationOptions": {"scope": "inner"},
            "parameters": {"name": {"value": "[concat(parameters('name'), '-inner')]"}},
            "template": {"parameters": {"name": {"type": "string"}}, "resources": [inner]}}}]);
    let body = sent(nested, json!({"name": {"type": "string"}}), json!({"name": {"value": "outer"}}));
    assert_eq!(rig.arm("PUT", &at(&rig, ""), Some(body)).status, 201);
    let app = format!("{subscription}/resourceGroups/rg-other/providers/Microsoft.Logic/workflows/outer-inner");
    assert_eq!(rig.arm("GET", &format!("{app}?api-version=2019-05-01"), None).status, 200);
}

#[test]
fn a_deployment_runs_first_and_shows_its_parameters_without_secrets() {
    let rig = Rig::new();
    let parameters = json!({"url": {"type": "string"}, "key": {"type": "securestring"}, "count": {"type": "int", "defaultValue": 3}});
    let given = json!({"url": {"value": "http://receiver.test/in"}, "key": {"value": "hush"}});
    let put = rig.arm("PUT", &at(&rig, ""), Some(sent(json!([]), parameters.clone(), given.clone())));
    assert_eq!((put.status, put.text("/properties/provisioningState")), (201, "Accepted"));
    let status = put.reply.header("azure-asyncoperation").unwrap().to_owned();
    assert!(status.starts_with(ORIGIN) && status.contains("api-version"), "{status}");
    let state = || rig.arm("GET", &status, None).text("/status").to_owned();
    assert_eq!((state(), state()), ("Running".to_owned(), "Succeeded".to_owned()));
    let shown = rig.arm("GET", &at(&rig, ""), None);
    assert_eq!(shown.text("/properties/provisioningState"), "Succeeded");
    assert_eq!(
        shown.body.pointer("/properties/parameters"),
        Some(&json!({
            "url": {"type": "String", "value": "http://receiver.test/in"}, "key": {"type": "SecureString"}, "count": {"type": "Int", "value": 3},
        }))
    );
    assert!(!shown.body.to_string().contains("hush"));
    // Whoever reads the deployment itself instead is told the same.
    let again = rig.arm("PUT", &at(&rig, ""), Some(sent(json!([]), parameters.clone(), given.clone())));
    assert_eq!((again.status, again.text("/properties/provisioningState")), (200, "Accepted"));
    let read = || rig.arm("GET", &at(&rig, ""), None).text("/properties/provisioningState").to_owned();
    assert_eq!((read(), read()), ("Running".to_owned(), "Succeeded".to_owned()));
    rig.switch("deployments_at_once", "on");
    let once = rig.arm("PUT", &at(&rig, ""), Some(sent(json!([]), parameters, given)));
    assert_eq!(once.text("/properties/provisioningState"), "Succeeded");
    assert!(once.reply.header("azure-asyncoperation").is_none());
}

#[test]
fn parameters_that_do_not_fit_the_template_are_refused() {
    let rig = Rig::new();
    let parameters =
        json!({"url": {"type": "string", "defaultValue": "x"}, "key": {"type": "securestring", "defaultValue": "y"}});
    for (given, word) in [
        (json!({"zork": {"value": "x"}}), "zork"),
        (json!({"key": {"value": 7}}), "key"),
        (json!({"url": {"value": ["x"]}}), "url"),
    ] {
        let got = rig.arm("PUT", &at(&rig, ""), Some(sent(json!([]), parameters.clone(), given)));
        assert_eq!((got.status, got.text("/error/code")), (400, "InvalidTemplate"));
        assert!(got.text("/error/message").contains(word), "{:#}", got.body);
    }
    let fits = sent(json!([]), parameters, json!({"URL": {"value": "z"}}));
    assert_eq!(rig.arm("PUT", &at(&rig, ""), Some(fits)).status, 201);
}

#[test]
fn assignments_join_with_definitions_at_any_scope_and_need_a_principal() {
    let rig = Rig::new();
    let ids = |path: &str, pointer: &str| -> Vec<String> {
        let got = rig.arm("GET", path, None);
        assert_eq!(got.status, 200, "{:#}", got.body);
        let rows = got.body["value"].as_array().unwrap().iter();
        rows.map(|row| row.pointer(pointer).unwrap().as_str().unwrap().to_owned()).collect()
    };
    let subscription = format!("/subscriptions/{}", rig.microsoft("subscription_id"));
    for scope in [&subscription, &group(&rig), &rig.workspace] {
        let below = |what: &str| format!("{scope}/providers/Microsoft.Authorization/{what}?api-version=2022-04-01");
        let definitions = ids(&below("roleDefinitions"), "/id");
        assert!(definitions.iter().all(|id| id.starts_with(&format!("{subscription}/providers/"))), "{scope}");
        let given = ids(&below("roleAssignments"), "/properties/roleDefinitionId");
        assert!(!given.is_empty() && given.iter().all(|id| definitions.contains(id)), "{scope}: {given:?}");
    }
    let role =
        ids(&format!("{subscription}/providers/Microsoft.Authorization/roleDefinitions?api-version=2022-04-01"), "/id");
    let path = format!(
        "{}/providers/Microsoft.Authorization/roleAssignments/{}?api-version=2022-04-01",
        group(&rig),
        guid(77)
    );
    let body = |principal: &str| json!({"properties": {"roleDefinitionId": role[0], "principalId": principal}});
    let refused = rig.arm("PUT", &path, Some(body(&guid(78))));
    assert_eq!((refused.status, refused.text("/error/code")), (400, "PrincipalNotFound"));
    let user = rig.connection["microsoft"]["users"][0]["object_id"].as_str().unwrap();
    assert_eq!(rig.arm("PUT", &path, Some(body(user))).status, 201);
}

#[test]
fn the_address_of_a_trigger_can_be_called_without_a_token() {
    let rig = Rig::new();
    let app = format!("{}/providers/Microsoft.Logic/workflows/send", group(&rig));
    let mut body = workflow("send", "http://receiver.test/in");
    body.as_object_mut().unwrap().retain(|member, _| member != "type" && member != "name");
    assert_eq!(rig.arm("PUT", &format!("{app}?api-version=2019-05-01"), Some(body)).status, 201);
    let told = rig.arm("POST", &format!("{app}/triggers/Manual/listCallbackUrl?api-version=2019-05-01"), None);
    let address = told.text("/value").to_owned();
    assert!(["sp=", "sv=1.0", "sig="].iter().all(|part| address.contains(part)), "{address}");
    let call = |address: &str| rig.raw("POST", address, &[], Bytes::from_static(b"{\"a\":1}"));
    assert_eq!(call(&address).status, 202);
    let due = rig.twin.due_outgoing();
    assert_eq!((due.len(), due[0].url.as_str(), &due[0].body[..]), (1, "http://receiver.test/in", &b"{\"a\":1}"[..]));
    let runs = rig.arm("GET", &format!("{app}/runs?api-version=2019-05-01"), None);
    assert_eq!(runs.body["value"].as_array().map(Vec::len), Some(1));
    assert_eq!(call(&address.replace("sig=", "sig=x")).status, 401);
    assert_eq!(call(address.split("&sig").next().unwrap()).status, 401);
    assert_eq!(rig.arm("POST", &format!("{app}/disable?api-version=2019-05-01"), None).status, 200);
    assert_eq!(call(&address).status, 404);
}

fn with_outputs(resources: Value, outputs: &[(&str, &str)]) -> Value {
    let mut sent = sent(resources, json!({}), json!({}));
    let row = |(name, value): &(&str, &str)| ((*name).to_owned(), json!({"type": "string", "value": value}));
    sent["properties"]["template"]["outputs"] = Value::Object(outputs.iter().map(row).collect());
    sent
}

#[test]
fn a_reference_is_worked_out_by_name_and_by_id() {
    let rig = Rig::new();
    rig.switch("deployments_at_once", "on");
    let mut first = workflow("first", "http://receiver.test/in");
    first["identity"] = json!({"type": "SystemAssigned"});
    // The one that refers stands before the one it refers to.
    let mut second = workflow("second", "http://receiver.test/in");
    let full = "reference(resourceId('Microsoft.Logic/workflows', 'first'), '2019-05-01', 'Full')";
    second["tags"] = json!({"who": format!("[{full}.identity['principalId']]"), "state": "[concat('is ', reference('first').state)]"});
    let place = format!("reference('{}', '2021-06-01'", rig.workspace);
    let inside = json!({"type": "Microsoft.Resources/deployments", "apiVersion": "2021-04-01", "name": "inside",
        "properties": {"mode": "Incremental", "template": {"resources": [], "outputs": {"said": {"type": "string", "value": "from inside"}}}}});
    let body = with_outputs(
        json!([second, first, inside]),
        &[
            ("where", format!("[{full}.location]").as_str()),
            ("kind", format!("[{full}.resourceId]").as_str()),
            ("state", "[reference('first').provisioningState]"),
            ("customer", format!("[{place}).customerId]").as_str()),
            ("region", format!("[{place}, 'full').location]").as_str()),
            ("said", "[reference('inside').outputs.said.value]"),
            ("neither", "[if(equals('a', 'b'), reference('nobody').x, 'not asked for')]"),
        ],
    );
    let got = rig.arm("PUT", &at(&rig, ""), Some(body));
    assert_eq!(got.status, 201, "{:#}", got.body);
    let output = |name: &str| got.text(&format!("/properties/outputs/{name}/value")).to_owned();
    assert_eq!((output("where").as_str(), output("state").as_str()), ("westeurope", "Succeeded"));
    assert_eq!(output("kind"), "Microsoft.Logic/workflows/first");
    let workspace = rig.arm("GET", &format!("{}?api-version=2021-06-01", rig.workspace), None);
    assert_eq!(output("customer"), workspace.text("/properties/customerId"));
    assert_eq!(output("region"), workspace.text("/location"));
    assert_eq!((output("said").as_str(), output("neither").as_str()), ("from inside", "not asked for"));
    assert_eq!(got.body.pointer("/properties/outputResources").and_then(Value::as_array).map(Vec::len), Some(2));
    let app = |name: &str| {
        let id = format!("{}/providers/Microsoft.Logic/workflows/{name}?api-version=2019-05-01", group(&rig));
        rig.arm("GET", &id, None)
    };
    assert_eq!(app("second").text("/tags/who"), app("first").text("/identity/principalId"));
    assert_eq!(app("second").text("/tags/state"), "is Enabled");
}

#[test]
fn a_reference_that_cannot_be_worked_out_is_refused() {
    let rig = Rig::new();
    let to = |name: &str, value: &str| {
        let mut one = workflow(name, "http://receiver.test/in");
        one["tags"] = json!({ "a": value });
        one
    };
    let other = format!("{}/providers/Microsoft.Logic/workflows/nowhere", group(&rig));
    for (resources, outputs, status, word) in [
        (json!([]), "[reference('nobody').x]".to_owned(), 400, "nobody"),
        (json!([to("a", "[reference('nobody').x]")]), String::new(), 400, "nobody"),
        (json!([]), format!("[reference('{other}').x]"), 400, "API version"),
        (json!([]), format!("[reference('{other}', '2019-05-01').x]"), 404, "nowhere"),
        (json!([to("a", "b")]), "[reference('a').nothing]".to_owned(), 400, "nothing"),
        (json!([to("a", "[reference('b').state]"), to("b", "[reference('a').state]")]), String::new(), 400, "Circular"),
        (json!([workflow("[reference('b').state]", "x"), to("b", "c")]), String::new(), 400, "not expected"),
    ] {
        let got = rig.arm("PUT", &at(&rig, ""), Some(with_outputs(resources, &[("x", outputs.as_str())])));
        assert_eq!(got.status, status, "{word}: {:#}", got.body);
        assert!(got.text("/error/message").contains(word), "{word}: {:#}", got.body);
    }
    let mut variable = sent(json!([]), json!({}), json!({}));
    variable["properties"]["template"]["variables"] = json!({"v": "[reference('a')]"});
    assert_eq!(rig.arm("PUT", &at(&rig, ""), Some(variable)).status, 400);
}
