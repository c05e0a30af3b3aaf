//! Webhooks made, tested and removed from here: the Logic App and its rules in Azure, the webhook in Halo. Against the
//! twin, which runs what is deployed; every request to Sentinel is held against Microsoft's description.

use std::sync::Arc;

use halobridge::{
    clock::ManualClock,
    domain::{
        account::{Role, Scope},
        connection::MicrosoftEndpoints,
        ids::{ConnectionId, UserId, WorkspaceId},
        view::{
            import::{PortalLink, TestEvent},
            probe::{Level, Line},
        },
    },
    service::{caller::Caller, configuration, error::ServiceError, import_mode},
    store::{SecretOwner, SecretSource},
    twin::{Twin, faults::Fault, limits::Limits, options::TwinOptions, transport::TwinTransport, wire::Outgoing},
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    openapi::Judge,
    support::{Answer, Browser, TestApp},
};

const PUBLIC: &str = "https://hb.example";

pub struct Stage {
    pub test: TestApp,
    pub twin: Twin,
    clock: ManualClock,
    told: Value,
    admin: Caller,
}

pub fn caller(role: Role) -> Caller {
    Caller { user: UserId(uuid::Uuid::nil()), name: "ada".into(), role, scope: Scope::All }
}

impl Stage {
    pub async fn new() -> Self {
        Self::of(1, 0).await
    }

    /// With so many workspaces and incidents, all of one client.
    pub async fn of(workspaces: usize, incidents: usize) -> Self {
        let begins = "2026-03-02T08:00:00Z".parse().unwrap();
        let clock = ManualClock::at(begins);
        let mut options = TwinOptions::new(7, begins);
        options.workspaces = workspaces;
        options.incidents = incidents;
        options.limits = Limits::Off;
        let twin = Twin::new(options, Arc::new(clock.clone()));
        let told = twin.connection("https://twin.example");
        let test = TestApp::reaching(Arc::new(Judge::of_requests(TwinTransport::new(twin.clone())))).await;
        let stage = Self { test, twin, clock, told, admin: caller(Role::Admin) };
        stage.apply().await;
        stage
    }

    fn text(&self, pointer: &str) -> String {
        self.told.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer}")).to_owned()
    }

    async fn apply(&self) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("microsoft"), self.text("/microsoft/client_secret")).unwrap();
        std::fs::write(folder.path().join("halo"), self.text("/halo/client_secret")).unwrap();
        let file = format!(
            r#"[[microsoft]]
name = "Sentinel"
tenant_id = "{}"
oauth_client_id = "{}"
client_secret = {{ file = "microsoft" }}
authority = "{}"
arm = "{}"
log_analytics = "{}"
graph = "{}"

[[halo]]
name = "Desk"
resource_server = "{}"
authorisation_server = "{}"
tenant = "{}"
oauth_client_id = "{}"
client_secret = {{ file = "halo" }}

[[policy]]
name = "standard"
ticket_type = "Security Incident"
notes = "public"
priorities = {{ High = "P2 - High", Medium = "P3 - Medium", Low = "P4 - Low", Informational = "P5 - Informational" }}

[[client]]
name = "Northwind"
halo_client_id = {}
{}
"#,
            self.text("/microsoft/tenant_id"),
            self.text("/microsoft/client_id"),
            self.text("/microsoft/authority"),
            self.text("/microsoft/arm"),
            self.text("/microsoft/log_analytics"),
            self.text("/microsoft/graph"),
            self.text("/halo/api"),
            self.text("/halo/auth"),
            self.text("/halo/tenant"),
            self.text("/halo/client_id"),
            self.client(),
            self.arm_ids()
                .map(|id| format!("\n[[workspace]]\narm_id = \"{id}\"\nmode = \"observe\"\n"))
                .collect::<String>(),
        );
        let options = configuration::ReadOptions { folder: folder.path().to_path_buf(), offline: false };
        let store = &self.test.app.store;
        let reading = configuration::read(&file, Some(store), false, &options).await.unwrap();
        let applied = reading.applied.unwrap_or_else(|| panic!("{:#?}", reading.faults));
        configuration::apply(store, &applied, false, self.test.now(), &*self.test.app.ids).await.unwrap();
        // What lay in files is sealed, as if it had been typed: the folder goes with this function.
        let installation = store.installation().await.unwrap();
        let mut tx = store.begin().await.unwrap();
        let sealed = halobridge::store::SecretSource::Sealed;
        for (id, secret) in [
            (installation.microsoft[0].id, self.text("/microsoft/client_secret")),
            (installation.halo[0].id, self.text("/halo/client_secret")),
        ] {
            let owner = halobridge::store::SecretOwner::Connection(id);
            let secret = secrecy::SecretString::from(secret);
            tx.put_secret(self.test.now(), owner, "client_secret", &secret, &sealed).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    /// Those of the workspaces that are set up.
    pub fn arm_ids(&self) -> impl Iterator<Item = String> {
        let details = self.told["microsoft"]["workspace_details"].as_array().unwrap().clone();
        let own = details.into_iter().filter(|row| row["name"].as_str().unwrap().starts_with("law-contoso-"));
        own.map(|row| row["id"].as_str().unwrap().to_owned())
    }

    fn client(&self) -> i64 {
        self.twin.with(|world, _| {
            let choices = world.halos[0].halo.choices("clients");
            choices.into_iter().find(|(_, name)| name != "Unknown").unwrap().0
        })
    }

    pub async fn workspace(&self) -> WorkspaceId {
        self.test.app.installation().await.unwrap().workspaces[0].id
    }

    pub async fn halo(&self) -> ConnectionId {
        self.test.app.installation().await.unwrap().halo[0].id
    }

    pub fn group(&self) -> String {
        let id = self.text("/microsoft/workspace_details/0/id");
        id.split("/providers/").next().unwrap().to_owned()
    }

    pub fn act(&self, verb: &str, body: Value) -> Value {
        let reply = self.twin.act(verb, &body);
        assert_eq!(reply.status, 200, "{verb}: {:?}", reply.body);
        serde_json::from_slice(&reply.body).unwrap_or(Value::Null)
    }

    fn once(&self, rule: &Value) {
        let rule = Fault::from_json(rule).unwrap();
        self.twin.with(|world, _| world.faults.add(rule));
    }

    pub fn switch(&self, name: &str, value: &str) {
        self.twin.with(|world, _| world.set_switch(name, value)).unwrap();
    }

    /// Takes a role away from the application.
    pub fn without(&self, role: &str) {
        let app = self.twin.with(|world, _| world.microsoft.directory.tenants[0].app_object_id.clone());
        let id = halobridge::twin::microsoft::directory::role(role).unwrap().id;
        self.twin.with(|world, _| {
            world.microsoft.directory.assignments.retain(|_, g| g.principal_id != app || g.role_id != id);
        });
    }

    pub fn pass(&self, secs: i64) {
        self.clock.advance(SignedDuration::from_secs(secs));
        self.test.clock.advance(SignedDuration::from_secs(secs));
    }

    /// What the twin sends by now, taken by the console; with each answer's status.
    pub async fn deliver(&self, change: impl Fn(&mut Outgoing)) -> Vec<(String, u16)> {
        self.pass(1);
        let mut answers = Vec::new();
        for mut one in self.twin.due_outgoing() {
            change(&mut one);
            let path = one.url.strip_prefix(PUBLIC).unwrap_or_else(|| panic!("{}", one.url)).to_owned();
            let headers: Vec<(&str, &str)> = one.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let answer = self.test.hook(&path, &headers, one.body.clone()).await;
            answers.push((path, answer.status.as_u16()));
            let status = answer.status.as_u16();
            self.twin.delivered(one, Some(status));
        }
        answers
    }

    async fn deploy(&self) -> Vec<Line> {
        let id = self.workspace().await;
        let lines = import_mode::deploy(&self.test.app, &self.admin, PUBLIC, id).await.unwrap();
        for line in &lines {
            assert!(
                line.level == Level::Ok || line.fix.ends_with(|c: char| c == '.' || c.is_ascii_alphanumeric()),
                "{line:?}"
            );
        }
        lines
    }

    async fn test_event(&self) -> (TestEvent, Vec<Line>) {
        let (rows, _) = import_mode::rows(&self.test.app, &self.admin, PUBLIC).await.unwrap();
        (rows[0].test, rows[0].lines.clone())
    }

    fn calls(&self) -> Vec<Value> {
        let list = self.twin.with(|world, _| world.calls.list(0, None, 100_000));
        list["calls"].as_array().unwrap().clone()
    }

    /// How often Microsoft was asked for a token.
    pub fn sign_ins(&self) -> usize {
        self.calls().iter().filter(|row| row["path"].as_str().unwrap().ends_with("/oauth2/v2.0/token")).count()
    }

    pub fn writes(&self) -> usize {
        // Alerts and entities are read by POST.
        let reads = |row: &Value| {
            ["/token", "/alerts", "/entities"].iter().any(|end| row["path"].as_str().unwrap().ends_with(end))
        };
        self.calls().iter().filter(|row| row["method"] != "GET" && !reads(row)).count()
    }
}

fn good(lines: &[Line]) {
    assert!(lines.iter().all(|line| line.level == Level::Ok), "{lines:#?}");
}

#[track_caller]
fn fault(lines: &[Line], field: &str, cause: &str, fix: &str) {
    let found = lines.iter().any(|line| {
        line.level == Level::Fault && line.field == field && line.says.contains(cause) && line.fix.contains(fix)
    });
    assert!(found, "{field}: {cause:?} / {fix:?} in {lines:#?}");
}

#[tokio::test]
async fn a_plan_is_shown_and_writes_nothing() {
    let stage = Stage::new().await;
    let id = stage.workspace().await;
    let plan = import_mode::plan(&stage.test.app, &stage.admin, PUBLIC, id).await.unwrap();
    assert_eq!(stage.writes(), 0);
    assert!(plan.lines.is_empty(), "{:#?}", plan.lines);
    let what: Vec<&str> = plan.steps.iter().map(|step| step.what.as_str()).collect();
    assert_eq!(what.len(), 5, "{what:?}");
    for part in ["azuresentinel-Halobridge-", "Logic App Halobridge-", "Reader", "incident created", "incident updated"]
    {
        assert!(what.iter().any(|what| what.contains(part)), "{part}: {what:?}");
    }
    assert!(plan.steps.iter().all(|step| !step.there));
    assert_eq!(plan.address, format!("{PUBLIC}/hooks/sentinel/{id}"));
    good(&stage.deploy().await);
    let again = import_mode::plan(&stage.test.app, &stage.admin, PUBLIC, id).await.unwrap();
    assert!(again.steps.iter().all(|step| step.there), "{:#?}", again.steps);
}

#[tokio::test]
async fn a_right_that_could_not_be_read_is_not_told_as_missing() {
    let stage = Stage::new().await;
    // The third question is whether it may give roles.
    let rule =
        json!({"effect": "status", "status": 503, "method": "GET", "path": "*/permissions*", "skip": 2, "count": 1});
    stage.once(&rule);
    let id = stage.workspace().await;
    let plan = import_mode::plan(&stage.test.app, &stage.admin, PUBLIC, id).await.unwrap();
    let [line] = plan.lines.as_slice() else { panic!("{:#?}", plan.lines) };
    assert!(line.level == Level::Note && line.says.contains("cannot be read"), "{line:?}");
}

#[tokio::test]
async fn a_role_that_azure_could_not_give_just_now_is_no_right_that_is_missing() {
    let stage = Stage::new().await;
    stage.once(&json!({"effect": "status", "status": 503, "method": "PUT", "path": "*roleAssignments*", "count": 1}));
    fault(&stage.deploy().await, "logic_app", "was not given its role", "passes by itself");
    good(&stage.deploy().await);
}

#[tokio::test]
async fn what_is_deployed_runs_and_arrives() {
    let stage = Stage::new().await;
    let id = stage.workspace().await;
    good(&stage.deploy().await);
    assert!(stage.test.app.installation().await.unwrap().workspaces[0].webhook);
    let made = stage.act("incident.create", json!({ "title": "Raised", "severity": "High" }));
    let hook = format!("/hooks/sentinel/{id}");
    assert_eq!(stage.deliver(|_| ()).await, [(hook.clone(), 202)], "incident created");
    stage.act("incident.update", json!({ "incident": made["name"], "severity": "Low" }));
    assert_eq!(stage.deliver(|_| ()).await, [(hook.clone(), 202)], "incident updated");
    // A repeat makes nothing twice.
    good(&stage.deploy().await);
    stage.act("incident.update", json!({ "incident": made["name"], "severity": "Medium" }));
    assert_eq!(stage.deliver(|_| ()).await, [(hook, 202)]);
    // What was made here is in the applied file, sealed.
    let file = configuration::export(&stage.test.app.store).await.unwrap().to_toml();
    assert!(file.contains("webhook_secret = { sealed = "), "{file}");
}

#[tokio::test]
async fn a_test_event_is_sent_and_waited_for() {
    let stage = Stage::new().await;
    let id = stage.workspace().await;
    let send = async || import_mode::send_test(&stage.test.app, &stage.admin, id).await.unwrap();
    send().await;
    fault(&stage.test_event().await.1, "test", "no incident yet", "Make one in Sentinel");
    stage.act("incident.create", json!({ "title": "Raised", "severity": "High" }));
    stage.pass(1);
    send().await;
    fault(&stage.test_event().await.1, "logic_app", "is not there", "Deploy it");
    good(&stage.deploy().await);
    assert_eq!(stage.test_event().await.0, TestEvent::None);
    // Sent, not yet here; then here.
    send().await;
    assert!(matches!(stage.test_event().await.0, TestEvent::Waiting { .. }));
    assert_eq!(stage.deliver(|_| ()).await.len(), 1);
    assert!(matches!(stage.test_event().await.0, TestEvent::Arrived { .. }), "{:?}", stage.test_event().await);
    // Refused on its way in: the secret in Azure is another one.
    send().await;
    stage.deliver(|one| one.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("x-halobridge-secret"))).await;
    stage.pass(import_mode::TEST_SECS + 1);
    let (state, lines) = stage.test_event().await;
    assert!(matches!(state, TestEvent::Never { .. }));
    fault(&lines, "test", "was refused", "again");
}

#[tokio::test]
async fn a_test_event_that_never_arrives_is_said_to() {
    let stage = Stage::new().await;
    let id = stage.workspace().await;
    stage.act("incident.create", json!({ "title": "Raised", "severity": "High" }));
    stage.pass(1);
    good(&stage.deploy().await);
    import_mode::send_test(&stage.test.app, &stage.admin, id).await.unwrap();
    drop(stage.twin.due_outgoing());
    stage.pass(import_mode::TEST_SECS + 1);
    let (state, lines) = stage.test_event().await;
    assert!(matches!(state, TestEvent::Never { .. }), "{state:?}");
    fault(&lines, "test", "never arrived", "run history");
}

#[tokio::test]
async fn missing_roles_are_named_before_and_after() {
    // Logic Apps may not be made.
    let stage = Stage::new().await;
    let id = stage.workspace().await;
    stage.without("Contributor");
    let plan = import_mode::plan(&stage.test.app, &stage.admin, PUBLIC, id).await.unwrap();
    fault(&plan.lines, "logic_app", "lacks Microsoft.Logic/workflows/write", "Logic App Contributor");
    fault(&stage.deploy().await, "logic_app", "the identity may not do that", "Logic App Contributor");
    // Rules may not be written.
    let stage = Stage::new().await;
    for role in ["Microsoft Sentinel Contributor", "Contributor"] {
        stage.without(role);
    }
    for role in ["Microsoft Sentinel Reader", "Logic App Contributor"] {
        let app = stage.twin.with(|world, _| world.microsoft.directory.tenants[0].app_object_id.clone());
        stage.act("role.assign", json!({ "principal": app, "role": role, "scope": stage.group() }));
    }
    let id = stage.workspace().await;
    let plan = import_mode::plan(&stage.test.app, &stage.admin, PUBLIC, id).await.unwrap();
    fault(&plan.lines, "rules", "automationRules/write", "Microsoft Sentinel Contributor");
    fault(&stage.deploy().await, "rules", "may not write rules", "Microsoft Sentinel Contributor");
    // Roles may not be given.
    let stage = Stage::new().await;
    stage.without("User Access Administrator");
    let id = stage.workspace().await;
    let plan = import_mode::plan(&stage.test.app, &stage.admin, PUBLIC, id).await.unwrap();
    assert!(plan.lines.iter().any(|line| line.field == "roles" && line.level == Level::Note), "{:#?}", plan.lines);
    fault(&stage.deploy().await, "roles", "Microsoft Sentinel Reader", "az role assignment create");
    // Sentinel itself may not run the Logic App.
    let stage = Stage::new().await;
    stage.switch("playbook_role_needed", "on");
    fault(&stage.deploy().await, "roles", "“Azure Security Insights” lacks", "Playbook permissions");
    let insights = stage.twin.with(|world, _| world.microsoft.directory.tenants[0].insights_object_id.clone());
    let role = "Microsoft Sentinel Automation Contributor";
    stage.act("role.assign", json!({ "principal": insights, "role": role, "scope": stage.group() }));
    good(&stage.deploy().await);
}

#[tokio::test]
async fn a_console_that_cannot_be_reached_gets_no_webhook() {
    let stage = Stage::new().await;
    let id = stage.workspace().await;
    for public in ["http://127.0.0.1:8080", "https://desk.local", "http://hb.example"] {
        let plan = import_mode::plan(&stage.test.app, &stage.admin, public, id).await.unwrap();
        fault(&plan.lines, "public_url", "Azure cannot reach this console", "--public-url");
        let lines = import_mode::deploy(&stage.test.app, &stage.admin, public, id).await.unwrap();
        fault(&lines, "public_url", "cannot reach", "polling");
        let lines = import_mode::make_hook(&stage.test.app, &stage.admin, public, stage.halo().await).await.unwrap();
        fault(&lines, "public_url", "Halo cannot reach", "polling");
    }
    assert_eq!(stage.writes(), 0);
    assert!(!stage.test.app.installation().await.unwrap().workspaces[0].webhook);
}

#[tokio::test]
async fn what_was_deployed_is_removed_again() {
    let stage = Stage::new().await;
    let id = stage.workspace().await;
    good(&stage.deploy().await);
    let lines = import_mode::remove(&stage.test.app, &stage.admin, id).await.unwrap();
    good(&lines);
    let left = stage.twin.with(|world, _| {
        (world.microsoft.workspaces[0].rules.len(), world.microsoft.resources.keys().cloned().collect::<Vec<_>>())
    });
    assert_eq!(left, (0, Vec::<String>::new()));
    assert!(!stage.test.app.installation().await.unwrap().workspaces[0].webhook);
    let answer = stage.test.hook(&format!("/hooks/sentinel/{id}"), &[], "{}").await;
    assert_eq!(answer.status.as_u16(), 401);
    good(&import_mode::remove(&stage.test.app, &stage.admin, id).await.unwrap());
}

#[tokio::test]
async fn the_template_does_the_same_for_who_may() {
    let stage = Stage::new().await;
    let id = stage.workspace().await;
    let (name, template) = import_mode::template(&stage.test.app, &stage.admin, id).await.unwrap();
    assert!(name.starts_with("Halobridge-"));
    let text = template.to_string();
    assert!(!text.contains("hush") && text.contains("securestring"));
    // The twin reads templates: what it deploys from this one posts to the address with the secret.
    let token = {
        let (tenant, client) = (stage.text("/microsoft/tenant_id"), stage.text("/microsoft/client_id"));
        let secret = stage.text("/microsoft/client_secret");
        let pairs = [
            ("grant_type", "client_credentials"),
            ("client_id", client.as_str()),
            ("client_secret", secret.as_str()),
            ("scope", "https://management.azure.com/.default"),
        ];
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let got = call(&stage.twin, "POST", &format!("/entra/{tenant}/oauth2/v2.0/token"), "", body);
        got["access_token"].as_str().unwrap().to_owned()
    };
    let parameters = json!({"webhookUrl": {"value": "https://hb.example/in"}, "webhookSecret": {"value": "hush"}});
    let sent = json!({"properties": {"mode": "Incremental", "template": template, "parameters": parameters}});
    let path = format!("/arm{}/providers/Microsoft.Resources/deployments/d1?api-version=2021-04-01", stage.group());
    let state = |method: &str, body: String| {
        let got = call(&stage.twin, method, &path, &token, body);
        got.pointer("/properties/provisioningState")
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("{got:#}"))
            .to_owned()
    };
    assert_eq!(state("PUT", sent.to_string()), "Accepted");
    assert_eq!([state("GET", String::new()), state("GET", String::new())], ["Running", "Succeeded"]);
    let kept = stage.twin.with(|world, _| world.microsoft.resources.keys().cloned().collect::<Vec<_>>());
    assert!(
        kept.iter().any(|id| id.ends_with(&format!("microsoft.logic/workflows/{}", name.to_lowercase()))),
        "{kept:?}"
    );
}

/// As somebody without a session.
async fn anybody(stage: &Stage, path: &str) -> Answer {
    let mut browser = Browser::default();
    let answer = stage.test.page(&mut browser, path).await;
    assert!(browser.cookies.is_empty(), "{path} sets a cookie");
    answer
}

#[tokio::test]
async fn the_template_that_is_open_to_all_is_the_same_and_holds_no_secret() {
    let stage = Stage::new().await;
    let id = stage.workspace().await;
    good(&stage.deploy().await);
    let (name, template) = import_mode::template(&stage.test.app, &stage.admin, id).await.unwrap();
    let answer = anybody(&stage, &format!("/azure/logic-app.json?name={name}")).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
    let open: Value = serde_json::from_str(&answer.body).unwrap();
    // The one that `the_template_does_the_same_for_who_may` deploys.
    assert_eq!(open, template);
    for (header, value) in [
        ("access-control-allow-origin", "*"),
        ("cache-control", "public, max-age=3600"),
        ("content-type", "application/json; charset=utf-8"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(answer.headers[header], value, "{header}");
    }
    for parameter in ["webhookUrl", "webhookSecret"] {
        let asked = &open["parameters"][parameter];
        assert_eq!(asked["type"], "securestring", "{asked}");
        assert!(asked.get("defaultValue").is_none(), "{asked}");
    }
    let tenant = stage.text("/microsoft/tenant_id");
    for own in ["hooks/sentinel", "hb.example", tenant.as_str(), &id.to_string()] {
        assert!(!answer.body.contains(own), "{own}");
    }
    // Without a name it has a common one, and what could be more than a name is none.
    let open: Value = serde_json::from_str(&anybody(&stage, "/azure/logic-app.json").await.body).unwrap();
    assert_eq!(open["parameters"]["playbookName"]["defaultValue"], "Halobridge");
    for odd in ["%5Bconcat('a')%5D", "a%20b", &"x".repeat(65), "%C3%A9"] {
        let answer = anybody(&stage, &format!("/azure/logic-app.json?name={odd}")).await;
        assert_eq!(answer.status.as_u16(), 404, "{odd}: {}", answer.body);
    }
}

#[tokio::test]
async fn the_link_to_azures_portal_goes_by_the_cloud_and_needs_https() {
    let stage = Stage::new().await;
    let portals = [
        ("public", "https://portal.azure.com"),
        ("usgov", "https://portal.azure.us"),
        ("china", "https://portal.azure.cn"),
    ];
    for (cloud, portal) in portals {
        let arm = MicrosoftEndpoints::of_cloud(cloud).unwrap().arm;
        let PortalLink::To(href) = import_mode::portal(&arm, "https://hb.example/", "Halobridge-law") else {
            panic!("no link in {cloud}")
        };
        let fetched = href.strip_prefix(&format!("{portal}/#create/Microsoft.Template/uri/"));
        let fetched = fetched.unwrap_or_else(|| panic!("{href}"));
        assert!(!fetched.contains([':', '/', '?', '=', '&']), "{fetched}");
        let fetched = percent_encoding::percent_decode_str(fetched).decode_utf8().unwrap();
        let path = fetched.strip_prefix("https://hb.example").unwrap_or_else(|| panic!("{fetched}"));
        let answer = anybody(&stage, path).await;
        assert_eq!(answer.status.as_u16(), 200, "{path}: {}", answer.body);
        let open: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(open["parameters"]["playbookName"]["defaultValue"], "Halobridge-law");
        let PortalLink::None(why) = import_mode::portal(&arm, "http://127.0.0.1:8080", "Halobridge-law") else {
            panic!("a link over http in {cloud}")
        };
        assert!(why.contains("by https alone") && why.contains("--public-url"), "{why}");
    }
    // The twin's cloud is a custom one.
    let id = stage.workspace().await;
    let plan = import_mode::plan(&stage.test.app, &stage.admin, PUBLIC, id).await.unwrap();
    let PortalLink::None(why) = &plan.portal else { panic!("{:?}", plan.portal) };
    assert!(why.contains("custom endpoints"), "{why}");
    assert!(plan.logic_app.starts_with("Halobridge-"), "{}", plan.logic_app);
}

fn call(twin: &Twin, method: &str, url: &str, token: &str, body: String) -> Value {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let answer = twin.handle(halobridge::twin::wire::Call {
        method: method.into(),
        path: path.into(),
        query: halobridge::twin::transport::query_pairs(query),
        headers: vec![("authorization".into(), format!("Bearer {token}"))],
        body: body.into(),
        origin: "https://twin.example".into(),
        base: String::new(),
    });
    serde_json::from_slice(&answer.reply.body).unwrap()
}

#[tokio::test]
async fn halos_webhook_is_made_signed_tested_and_removed() {
    let stage = Stage::new().await;
    let id = stage.halo().await;
    let made = import_mode::make_hook(&stage.test.app, &stage.admin, PUBLIC, id).await.unwrap();
    good(&made);
    import_mode::test_hook(&stage.test.app, &stage.admin, id).await.unwrap();
    let state = async || import_mode::rows(&stage.test.app, &stage.admin, PUBLIC).await.unwrap().1[0].clone();
    assert!(matches!(state().await.test, TestEvent::Waiting { .. }), "{:#?}", state().await);
    let answers = stage.deliver(|_| ()).await;
    assert!(
        !answers.is_empty() && answers.iter().all(|(path, status)| path.contains("/hooks/halo/") && *status == 202)
    );
    assert!(matches!(state().await.test, TestEvent::Arrived { .. }));
    // A signature that is not Halo's is refused.
    import_mode::test_hook(&stage.test.app, &stage.admin, id).await.unwrap();
    let forged = stage.deliver(|one| one.body = bytes::Bytes::from_static(b"{\"object_id\": 1}")).await;
    assert!(!forged.is_empty() && forged.iter().all(|(_, status)| *status == 401), "{forged:?}");
    // Made again it is the same one, with its events once.
    good(&import_mode::make_hook(&stage.test.app, &stage.admin, PUBLIC, id).await.unwrap());
    stage.act("ticket.create", json!({ "client_id": stage.client(), "summary": "By hand" }));
    assert_eq!(stage.deliver(|_| ()).await.len(), 1);
    good(&import_mode::remove_hook(&stage.test.app, &stage.admin, PUBLIC, id).await.unwrap());
    stage.act("ticket.create", json!({ "client_id": stage.client(), "summary": "By hand" }));
    assert_eq!(stage.deliver(|_| ()).await, []);
    assert!(state().await.webhook.is_none());
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_where_it_is_kept_is_told_in_a_line() {
    const VARIABLE: &str = "HALOBRIDGE_TEST_IS_SET_NOWHERE";
    let stage = Stage::new().await;
    let app = &stage.test.app;
    let (workspace, halo) = (stage.workspace().await, stage.halo().await);
    let elsewhere = async |owner: SecretOwner, name: &str| {
        let (none, source) = (secrecy::SecretString::from(""), SecretSource::Env(VARIABLE.to_owned()));
        let mut tx = app.store.begin().await.unwrap();
        tx.put_secret(app.clock.now(), owner, name, &none, &source).await.unwrap();
        tx.commit().await.unwrap();
    };
    let webhook = configuration::kept_as("webhook_secret");
    elsewhere(SecretOwner::Workspace(workspace), webhook).await;
    let lines = import_mode::deploy(app, &stage.admin, PUBLIC, workspace).await.unwrap();
    fault(&lines, "workspace", VARIABLE, "Put it right there");
    elsewhere(SecretOwner::Connection(halo), webhook).await;
    let lines = import_mode::make_hook(app, &stage.admin, PUBLIC, halo).await.unwrap();
    fault(&lines, "halo", VARIABLE, "Put it right there");
    elsewhere(SecretOwner::Connection(halo), "client_secret").await;
    import_mode::test_hook(app, &stage.admin, halo).await.unwrap();
    let rows = import_mode::rows(app, &stage.admin, PUBLIC).await.unwrap();
    fault(&rows.1[0].lines, "halo", VARIABLE, "Put it right there");
}

#[tokio::test]
async fn halo_may_refuse_webhooks() {
    let stage = Stage::new().await;
    stage.switch("forbidden", "Webhook");
    let lines = import_mode::make_hook(&stage.test.app, &stage.admin, PUBLIC, stage.halo().await).await.unwrap();
    fault(&lines, "scope", "does not let this API application make webhooks", "“admin”");
}

#[tokio::test]
async fn what_a_token_from_before_a_right_was_given_may_not_do_is_tried_with_a_new_one() {
    let stage = Stage::new().await;
    let id = stage.halo().await;
    // Of the first token Halo forbids what it allows to the next one.
    for (kind, calls) in [("halo.webhook.list", 1), ("halo.webhook.post", 1), ("halo.notification.post", 4)] {
        stage.once(&json!({ "effect": "status", "status": 403, "kind": kind, "count": calls }));
        good(&import_mode::make_hook(&stage.test.app, &stage.admin, PUBLIC, id).await.unwrap());
        stage.once(&json!({ "effect": "status", "status": 403, "kind": "halo.webhook.list", "count": 1 }));
        good(&import_mode::remove_hook(&stage.test.app, &stage.admin, PUBLIC, id).await.unwrap());
    }
}

#[tokio::test]
async fn halos_webhook_gets_its_events_where_they_are_not_listed_and_one_of_them_wants_a_condition() {
    let stage = Stage::new().await;
    stage.switch("update_event_needs_condition", "on");
    stage.once(&json!({ "effect": "status", "status": 404, "kind": "halo.notification.list" }));
    let id = stage.halo().await;
    good(&import_mode::make_hook(&stage.test.app, &stage.admin, PUBLIC, id).await.unwrap());
    let ticket = stage.act("ticket.create", json!({ "client_id": stage.client(), "summary": "By hand" }));
    assert_eq!(stage.deliver(|_| ()).await.len(), 1, "a new ticket");
    stage.act("ticket.update", json!({ "ticket_id": ticket["id"], "summary": "Said otherwise" }));
    assert_eq!(stage.deliver(|_| ()).await.len(), 1, "a changed one");
    good(&import_mode::make_hook(&stage.test.app, &stage.admin, PUBLIC, id).await.unwrap());
}

#[tokio::test]
async fn an_event_that_halo_refuses_keeps_no_other_from_its_webhook() {
    let stage = Stage::new().await;
    let second = json!({ "effect": "status", "status": 400, "kind": "halo.notification.post", "skip": 1, "count": 1 });
    stage.once(&second);
    let id = stage.halo().await;
    let made = import_mode::make_hook(&stage.test.app, &stage.admin, PUBLIC, id).await.unwrap();
    let [line] = made.as_slice() else { panic!("{made:#?}") };
    assert_eq!(line.level, Level::Note, "{line:?}");
    assert!(line.says.contains("tells of: new ticket logged, ticket status changed, ticket closed."), "{line:?}");
    assert!(line.says.contains("Not of: ticket updated."), "{line:?}");
    // Once more, and it is whole.
    good(&import_mode::make_hook(&stage.test.app, &stage.admin, PUBLIC, id).await.unwrap());
    stage.once(&json!({ "effect": "status", "status": 400, "kind": "halo.notification.post" }));
    good(&import_mode::remove_hook(&stage.test.app, &stage.admin, PUBLIC, id).await.unwrap());
    let made = import_mode::make_hook(&stage.test.app, &stage.admin, PUBLIC, id).await.unwrap();
    fault(&made, "halo", "No event of the webhook was set", "try it again");
}

#[tokio::test]
async fn only_an_admin_may_deploy() {
    let stage = Stage::new().await;
    let (id, halo) = (stage.workspace().await, stage.halo().await);
    let app = &stage.test.app;
    for role in [Role::Viewer, Role::Operator] {
        let other = caller(role);
        assert_eq!(import_mode::plan(app, &other, PUBLIC, id).await, Err(ServiceError::Forbidden));
        assert_eq!(import_mode::deploy(app, &other, PUBLIC, id).await, Err(ServiceError::Forbidden));
        assert_eq!(import_mode::send_test(app, &other, id).await, Err(ServiceError::Forbidden));
        assert_eq!(import_mode::remove(app, &other, id).await, Err(ServiceError::Forbidden));
        assert_eq!(import_mode::template(app, &other, id).await, Err(ServiceError::Forbidden));
        assert_eq!(import_mode::make_hook(app, &other, PUBLIC, halo).await, Err(ServiceError::Forbidden));
        assert_eq!(import_mode::test_hook(app, &other, halo).await, Err(ServiceError::Forbidden));
        assert_eq!(import_mode::remove_hook(app, &other, PUBLIC, halo).await, Err(ServiceError::Forbidden));
    }
    assert_eq!(stage.writes(), 0);
}
