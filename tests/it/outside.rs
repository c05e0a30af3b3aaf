//! The real program as processes: a twin, an installation that knows it, its server. The benchmarks use this too.

// Each user of this file needs only a part of it.
#![allow(dead_code)]

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, mpsc},
    time::Duration,
};

use bytes::Bytes;
use halobridge::{
    clock::{IdSource, SystemIds},
    outbound::{Transport, TransportError, network::Network},
    store::{SealKey, Store},
    twin::options::Product,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long a process may take to say something or to end before a test gives up, in seconds.
const PATIENCE: u64 = 120;

/// Looks again and again, every 20 ms, until there is something; a test that waits too long fails with `what`.
pub async fn until<T>(what: &str, secs: u64, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let mut every = tokio::time::interval(Duration::from_millis(20));
    let looking = async {
        loop {
            every.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    };
    match tokio::time::timeout(Duration::from_secs(secs), looking).await {
        Ok(found) => found,
        Err(_) => panic!("{what}: not within {secs} s"),
    }
}

/// The program, without this process's environment. `HALOBRIDGE_PROGRAM` names another build of it.
pub fn program() -> Command {
    let built = || env!("CARGO_BIN_EXE_halobridge").into();
    let mut command = Command::new(std::env::var_os("HALOBRIDGE_PROGRAM").unwrap_or_else(built));
    command.env_clear();
    command
}

/// A running process; killed when it goes out of scope.
pub struct Process {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Process {
    /// Starts it; what it writes to standard error is appended to `errors`.
    pub fn start(mut command: Command, errors: &Path) -> Self {
        let errors = std::fs::OpenOptions::new().create(true).append(true).open(errors).expect("a file for errors");
        let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors).spawn();
        let mut child = started.expect("starts");
        let out = child.stdout.take().expect("piped");
        let (tell, lines) = mpsc::channel();
        std::thread::spawn(move || BufReader::new(out).lines().map_while(Result::ok).try_for_each(|l| tell.send(l)));
        Self { child, lines }
    }

    /// The next line it prints that begins so; `None` when it ends before.
    pub fn line(&self, beginning: &str) -> Option<String> {
        loop {
            match self.lines.recv_timeout(Duration::from_secs(PATIENCE)) {
                Ok(line) if line.starts_with(beginning) => return Some(line),
                Ok(_) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return None,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("nothing beginning with {beginning:?} was printed"),
            }
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM, and how it ended.
    pub async fn stop(&mut self) -> ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("signalled");
        until("the process ends after SIGTERM", PATIENCE, async || self.child.try_wait().expect("its state")).await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A plain HTTP client.
pub struct Http(Network);

impl Http {
    pub fn new() -> Self {
        Self(Network::new(true).expect("a network"))
    }

    pub async fn send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<(u16, Bytes), TransportError> {
        let answer = self.answer(method, url, headers, body).await?;
        Ok((answer.status().as_u16(), answer.into_body()))
    }

    /// The same with the answer's headers.
    pub async fn answer(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let mut request = http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.0.send(request.body(Bytes::from(body)).expect("a request")).await
    }

    /// A call that must succeed, with JSON both ways.
    pub async fn json(&self, method: &str, url: &str, body: &Value) -> Value {
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let sent = self.send(method, url, &[("content-type", "application/json")], bytes).await;
        let (status, answer) = sent.unwrap_or_else(|error| panic!("{method} {url}: {error}"));
        assert_eq!(status, 200, "{method} {url}: {}", String::from_utf8_lossy(&answer));
        serde_json::from_slice(&answer).expect("JSON")
    }
}

/// `halobridge twin` as a process of its own.
pub struct Twin {
    process: Process,
    /// What it printed: addresses and credentials.
    pub line: Value,
}

impl Twin {
    /// Starts one on a free port, limits off.
    pub fn start(folder: &Path, args: &[&str]) -> Self {
        let mut command = program();
        command.args(["twin", "--listen", "127.0.0.1:0", "--json", "--limits", "off"]).args(args);
        let process = Process::start(command, &folder.join("twin.log"));
        let line = process.line("{").expect("the twin's line");
        Self { process, line: serde_json::from_str(&line).expect("JSON") }
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    fn admin(&self, path: &str) -> String {
        format!("{}/{path}", self.line["admin"].as_str().expect("an address"))
    }

    pub async fn get(&self, http: &Http, path: &str) -> Value {
        http.json("GET", &self.admin(path), &Value::Null).await
    }

    pub async fn post(&self, http: &Http, path: &str, body: &Value) -> Value {
        http.json("POST", &self.admin(path), body).await
    }

    pub async fn delete(&self, http: &Http, path: &str) -> Value {
        http.json("DELETE", &self.admin(path), &Value::Null).await
    }
}

/// What differs between installations.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Seconds between polls of a workspace.
    pub poll_secs: u32,
    /// Seconds between polls of Halo.
    pub halo_poll_secs: u32,
    /// Seconds over which an unknown outcome is looked for.
    pub settle_secs: u32,
    /// Whether alerts and entities are read.
    pub evidence: bool,
    /// Incidents made before this moment stay unlinked.
    pub since: String,
    /// Whether a person signs in with Microsoft instead of the app itself.
    pub delegated: bool,
    /// How many clients; what goes beyond the twin's own five is made in its Halo first (see [`super::inside`]).
    pub customers: usize,
    /// Their ids in Halo, in order.
    pub halo_clients: Vec<i64>,
    /// Whether the budgets are those that the product takes by itself.
    pub documented_limits: bool,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            poll_secs: 30,
            halo_poll_secs: 20,
            settle_secs: 180,
            evidence: true,
            since: "2020-01-01T00:00:00Z".into(),
            delegated: false,
            customers: CUSTOMERS,
            halo_clients: Vec::new(),
            documented_limits: false,
        }
    }
}

/// The webhooks' secret.
pub const HOOK: &str = "a-hook-secret-for-tests";
/// Customers that the twin's Halo knows and these installations use.
pub const CUSTOMERS: usize = 5;

/// An applied file for a twin (HaloITSM), limits as wide as they go. Secrets lie beside it, see [`write_secrets`].
pub fn applied_file(line: &Value, wanted: &Wanted) -> String {
    let text = |pointer: &str| line.pointer(pointer).and_then(Value::as_str).expect("the twin's line").to_owned();
    let mut file = format!(
        r#"[[microsoft]]
name = "Sentinel"
tenant_id = "{}"
oauth_client_id = "{}"
client_secret = {{ file = "microsoft.secret" }}
authority = "{}"
arm = "{}"
log_analytics = "{}"
graph = "{}"
writes_per_5min = 1000000
allow_insecure = true

[[halo]]
name = "desk"
resource_server = "{}"
authorisation_server = "{}"
tenant = "{}"
oauth_client_id = "{}"
client_secret = {{ file = "halo.secret" }}
requests_per_5min = 1000000
poll_secs = {}
settle_secs = {}
allow_insecure = true

[[policy]]
name = "standard"
ticket_type = "Security Incident"
priorities = {{ High = "P2 - High", Medium = "P3 - Medium", Low = "P4 - Low", Informational = "P5 - Informational" }}
incident_id_field = "CFSentinelIncidentId"
classification_field = "CFSentinelClassification"
notes = "public"
tickets_per_hour = 100000
evidence = {}
"#,
        text("/microsoft/tenant_id"),
        text("/microsoft/client_id"),
        text("/microsoft/authority"),
        text("/microsoft/arm"),
        text("/microsoft/log_analytics"),
        text("/microsoft/graph"),
        text("/halo/api"),
        text("/halo/auth"),
        text("/halo/tenant"),
        text("/halo/client_id"),
        wanted.halo_poll_secs,
        wanted.settle_secs,
        wanted.evidence,
    );
    if wanted.documented_limits {
        file = file.replace("writes_per_5min = 1000000\n", "").replace("requests_per_5min = 1000000\n", "");
    }
    if wanted.delegated {
        file = file.replacen("name = \"Sentinel\"", "name = \"Sentinel\"\nidentity = \"delegated\"", 1);
    }
    // Those in the first subscription and resource group, as `/microsoft/workspaces` names them.
    let details = line.pointer("/microsoft/workspace_details").and_then(Value::as_array).expect("workspaces");
    let (subscription, group) = (&line["microsoft"]["subscription_id"], &line["microsoft"]["resource_group"]);
    let plain = |w: &&Value| w["subscription_id"] == *subscription && w["resource_group"] == *group;
    let workspaces: Vec<&Value> = details.iter().filter(plain).filter(|w| w["onboarded"] == true).collect();
    for number in 0..wanted.customers.min(workspaces.len()) {
        let nth = Product::Itsm.first_client_id() + i64::try_from(number).expect("small");
        let halo_client = wanted.halo_clients.get(number).copied().unwrap_or(nth);
        file.push_str(&format!("\n[[client]]\nname = \"Customer {number}\"\nhalo_client_id = {halo_client}\n"));
    }
    for (number, workspace) in workspaces.iter().enumerate() {
        file.push_str(&format!(
            "\n[[workspace]]\narm_id = \"{}\"\nclient = \"Customer {}\"\nmode = \"two-way\"\nsince = \"{}\"\npoll_secs = {}\n\
             webhook_secret = {{ file = \"hook.secret\" }}\n",
            workspace["id"].as_str().expect("an id"),
            number % wanted.customers,
            wanted.since,
            wanted.poll_secs,
        ));
    }
    file
}

/// Writes the secrets that [`applied_file`] refers to.
pub fn write_secrets(folder: &Path, line: &Value) {
    use std::os::unix::fs::PermissionsExt as _;
    let secret = |pointer: &str| line.pointer(pointer).and_then(Value::as_str).expect("a secret");
    let microsoft = ("microsoft.secret", secret("/microsoft/client_secret"));
    let halo = ("halo.secret", secret("/halo/client_secret"));
    for (name, text) in [microsoft, halo, ("hook.secret", HOOK)] {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("private");
    }
}

/// A data directory set up for a twin.
pub struct Installation {
    pub folder: TempDir,
    pub twin: Twin,
    pub http: Http,
}

impl Installation {
    /// A twin started with `args`, and `config apply` of a file that names it.
    pub fn new(args: &[&str], wanted: &Wanted) -> Self {
        Self::in_folder(tempfile::tempdir().expect("a folder"), args, wanted)
    }

    /// The same in a folder that is there already; `data` in it becomes the data directory.
    pub fn in_folder(folder: TempDir, args: &[&str], wanted: &Wanted) -> Self {
        let twin = Twin::start(folder.path(), args);
        let one = Self { folder, twin, http: Http::new() };
        write_secrets(one.folder.path(), &one.twin.line);
        let file = one.folder.path().join("applied.toml");
        std::fs::write(&file, applied_file(&one.twin.line, wanted)).expect("written");
        let applied = one.command(&["config", "apply"]).arg(&file).output().expect("runs");
        assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
        one
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The program on this data directory.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = program();
        command.env("HALOBRIDGE_DATA_DIR", self.data()).current_dir(self.folder.path()).args(args);
        command
    }

    /// The database, beside whatever process uses it.
    pub async fn store(&self) -> Store {
        let ids: Arc<dyn IdSource> = Arc::new(SystemIds);
        let key = SealKey::from_file(&self.data().join("halobridge.key"), false, ids).expect("the key");
        Store::open(&self.data().join("halobridge.db"), key).await.expect("the database")
    }

    pub fn log(&self) -> PathBuf {
        self.folder.path().join("serve.log")
    }

    /// A server that was started and has said nothing yet.
    pub fn start(&self) -> Process {
        Process::start(self.command(&["serve", "--listen", "127.0.0.1:0"]), &self.log())
    }

    /// A server that serves, and its address.
    pub fn serve(&self) -> (Process, String) {
        let server = self.start();
        let Some(line) = server.line(SERVES) else {
            panic!("the server ended: {}", std::fs::read_to_string(self.log()).unwrap_or_default())
        };
        let address = line.trim_start_matches(SERVES).trim().trim_end_matches('/').to_owned();
        (server, address)
    }

    /// Makes an account and signs it in over the network, as a browser would.
    pub async fn signed_in(&self, address: &str, name: &str) -> Visitor<'_> {
        let password = "violet kettle sings at dawn";
        let mut add = self.command(&["user", "add", name, "--role", "admin", "--password-env", "PASSWORD"]);
        let added = add.env("PASSWORD", password).output().expect("runs");
        assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
        let mut visitor = Visitor { http: &self.http, address: address.to_owned(), cookie: String::new() };
        let answer = visitor.post("/sign-in", &[("name", name), ("password", password)]).await;
        assert_eq!(answer.status(), 303, "{}", String::from_utf8_lossy(answer.body()));
        visitor
    }

    /// Names of the workspaces.
    pub fn workspaces(&self) -> Vec<String> {
        let names = self.twin.line.pointer("/microsoft/workspaces").and_then(Value::as_array).expect("workspaces");
        names.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Raises an incident; gives it as Microsoft shows it.
    pub async fn raise(&self, workspace: &str) -> Value {
        self.twin.post(&self.http, "acts/incident.create", &json!({ "workspace": workspace })).await
    }

    /// Posts what a playbook posts about an incident; whether it was acknowledged.
    pub async fn announce(&self, address: &str, workspace: &str, incident: &Value, mark: &str) -> bool {
        let body = json!({
            "eventUniqueId": mark, "objectSchemaType": "Incident", "objectEventType": "Create",
            "object": { "id": incident["id"], "name": incident["name"] },
        });
        let url = format!("{address}/hooks/sentinel/{workspace}");
        let headers = [("x-halobridge-secret", HOOK), ("content-type", "application/json")];
        let sent = self.http.send("POST", &url, &headers, body.to_string().into_bytes()).await;
        sent.is_ok_and(|(status, _)| status == 202)
    }
}

/// A browser without a script: keeps its cookie, follows nothing.
pub struct Visitor<'a> {
    http: &'a Http,
    pub address: String,
    cookie: String,
}

impl Visitor<'_> {
    async fn send(&mut self, method: &str, path: &str, form: Vec<u8>) -> http::Response<Bytes> {
        let headers = [
            ("cookie", self.cookie.as_str()),
            ("origin", self.address.as_str()),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let url = format!("{}{path}", self.address);
        let answer = self.http.answer(method, &url, &headers, form).await.expect("an answer");
        if let Some(set) = answer.headers().get("set-cookie").and_then(|set| set.to_str().ok()) {
            set.split(';').next().unwrap_or_default().clone_into(&mut self.cookie);
        }
        answer
    }

    pub async fn get(&mut self, path: &str) -> (u16, String) {
        let answer = self.send("GET", path, Vec::new()).await;
        (answer.status().as_u16(), String::from_utf8_lossy(answer.body()).into_owned())
    }

    pub async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> http::Response<Bytes> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.send("POST", path, body.into_bytes()).await
    }
}

const SERVES: &str = "Halobridge serves ";
