//! `halobridge demo`: the console over a stand-in for both clouds, with thirty days of made-up life
//! played through the real engine under a virtual clock, and then live.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use super::{
    complain,
    global::Global,
    running::{Running, interrupted, listen},
    say, story,
    ways::{Always, OverNetwork},
};
use crate::{
    clock::{Clock, IdSource, SteerableClock, SystemClock, SystemIds},
    domain::account::{Role, Scope},
    outbound::Transport,
    service::{accounts, configuration},
    store::{InstanceLock, SealKey, Store, lock_instance},
    twin::{
        Twin,
        options::{Product, TwinOptions},
        server,
        transport::TwinTransport,
    },
    web::{self, WebOptions},
};

/// Shown by `--help`.
pub const LONG: &str = "Show everything without any account.\n\n\
    Starts a stand-in for Microsoft Sentinel and Halo, plays thirty days of made-up incidents, tickets, comments and \
    closures through the real sync engine, and then serves the console live. Prints the address and a random \
    sign-in. Nothing leaves this machine; the data directory of an installation is not touched.\n\n\
    Example: halobridge demo --product psa";

/// Days played before the console opens.
const DAYS: i64 = 30;

/// Options of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Address and port of the console
    #[arg(long, env = "HALOBRIDGE_DEMO_LISTEN", value_name = "ADDR:PORT", default_value = "127.0.0.1:8440", value_parser = super::values::listen)]
    pub listen: SocketAddr,

    /// Address and port of the stand-in for both clouds
    #[arg(long, env = "HALOBRIDGE_DEMO_TWIN_LISTEN", value_name = "ADDR:PORT", default_value = "127.0.0.1:0", value_parser = super::values::listen)]
    pub twin_listen: SocketAddr,

    /// Which Halo it plays
    #[arg(long, env = "HALOBRIDGE_DEMO_PRODUCT", default_value = "itsm")]
    pub product: DemoProduct,

    /// Incidents in the thirty days
    #[arg(long, env = "HALOBRIDGE_DEMO_INCIDENTS", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=20_000))]
    pub incidents: u64,

    /// Seed of the made-up life
    #[arg(long, env = "HALOBRIDGE_DEMO_SEED", default_value_t = 7)]
    pub seed: u64,

    /// Let nothing happen by itself once the console is open
    #[arg(long, env = "HALOBRIDGE_DEMO_STILL", value_parser = super::values::switch)]
    pub still: bool,

    /// Print one line of JSON when ready: console, user, password, twin
    #[arg(long, env = "HALOBRIDGE_DEMO_JSON", value_parser = super::values::switch)]
    pub json: bool,
}

/// Which Halo the demo plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DemoProduct {
    /// HaloITSM
    Itsm,
    /// HaloPSA
    Psa,
}

/// Where the demo keeps its database: a folder of its own, made anew at each start.
struct Place {
    path: PathBuf,
    temporary: bool,
    _lock: InstanceLock,
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.temporary {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

const MARK: &str = "demo";

impl Place {
    fn new(global: &Global) -> anyhow::Result<Self> {
        let (path, temporary) = match &global.data_dir {
            Some(path) => (path.join("demo"), false),
            None => (std::env::temp_dir().join(format!("halobridge-demo-{}", std::process::id())), true),
        };
        if path.exists() && !path.join(MARK).is_file() {
            bail!("{} is not the folder of a demo. Choose another data directory with --data-dir.", path.display());
        }
        let unwritable =
            || format!("The demo cannot write to {}. Choose another directory with --data-dir", path.display());
        std::fs::create_dir_all(&path)
            .and_then(|()| std::fs::write(path.join(MARK), "This folder is made anew at each start of the demo.\n"))
            .with_context(unwritable)?;
        // Locked before it is emptied: a demo that runs there keeps its folder.
        let lock = lock_instance(&path)?;
        for entry in std::fs::read_dir(&path).with_context(unwritable)? {
            let entry = entry.with_context(unwritable)?;
            let kept = [MARK, crate::store::LOCK_FILE];
            if entry.file_name().to_str().is_none_or(|name| !kept.contains(&name)) {
                std::fs::remove_file(entry.path()).with_context(unwritable)?;
            }
        }
        Ok(Self { path, temporary, _lock: lock })
    }

    fn secrets(&self, connection: &Value) -> anyhow::Result<()> {
        self.secret("microsoft.secret", text(connection, "/microsoft/client_secret")?)?;
        self.secret("halo.secret", text(connection, "/halo/client_secret")?)?;
        self.secret(story::HOOK_SECRET, &SystemIds.token(24))
    }

    fn secret(&self, name: &str, value: &str) -> anyhow::Result<()> {
        use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
        let path = self.path.join(name);
        let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        file.and_then(|mut file| file.write_all(value.as_bytes()))
            .with_context(|| format!("The demo cannot write {}", path.display()))
    }
}

/// Runs until interrupted.
///
/// # Errors
/// One clear sentence with the remedy.
pub async fn run(global: &Global, args: DemoArgs) -> anyhow::Result<ExitCode> {
    let started = SystemClock.now();
    let place = Place::new(global)?;
    let listener = listen(args.listen).await?;
    let twin_listener = listen(args.twin_listen).await?;
    let console = origin(&listener)?;
    let twin_origin = origin(&twin_listener)?;

    if !args.json {
        // Seconds on a machine at rest, a minute on a busy one: nobody is left to wonder.
        complain(format!("Playing {DAYS} days of a small security operations team …"));
    }
    let begins = started - SignedDuration::from_hours(24 * DAYS);
    let clock = Arc::new(SteerableClock::held(begins));
    let mut options = TwinOptions::new(args.seed, begins);
    options.workspaces = 5;
    options.product = match args.product {
        DemoProduct::Itsm => Product::Itsm,
        DemoProduct::Psa => Product::Psa,
    };
    let first_client = options.product.first_client_id();
    let twin = Twin::steerable(options, Arc::clone(&clock));
    let connection = twin.connection(&twin_origin);

    let store = Store::open(&place.path.join("halobridge.db"), SealKey::random(Arc::new(SystemIds))).await?;
    let shown: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
    let way: Arc<dyn Transport> = Arc::new(TwinTransport::new(twin.clone()));
    let mut running =
        Running::new(store.clone(), shown, Arc::new(SystemIds), Arc::new(Always(Arc::clone(&way)))).await?;
    place.secrets(&connection)?;
    // While the days are played only what changed is looked at; the intervals of a real installation follow.
    apply(&place, &store, &applied_file(&connection, &args, first_client, begins, (86_400, 3_600))?, begins).await?;

    let played = story::play(&running.engine, &store, &twin, &clock, (args.seed, args.incidents), started).await?;
    apply(&place, &store, &applied_file(&connection, &args, first_client, begins, (30, 20))?, started).await?;
    clock.hold(SystemClock.now());
    clock.run(1.0);

    let password = accounts::password::drawn(&SystemIds, "demo");
    accounts::add(&running.app, "demo", &password, Role::Admin, Scope::All)
        .await
        .map_err(|error| anyhow::anyhow!("The demo's account cannot be made: {error}"))?;
    story::connect_webhooks(&twin, &way, &connection, &console, &place.path, &store).await?;

    let (ended, end) = tokio::sync::oneshot::channel::<()>();
    let way_out = OverNetwork::way(true).map_err(anyhow::Error::msg)?;
    let serve_twin = server::serve(twin_listener, twin.clone(), way_out, async {
        let _ = end.await;
    });
    let life = story::live(&twin, &store, args.seed, args.still);
    running.begin();

    let took = SystemClock.now().duration_since(started).as_secs_f64();
    let stop = interrupted();
    announce(&args, &console, &twin_origin, &password, &played, took);
    let mut options = WebOptions::at(Url::parse(&console).context("The console's address is no URL")?);
    options.session_idle = SignedDuration::from_hours(12);
    let serve_console = running.serve(listener, options, async move {
        stop.await;
        drop(ended);
    });
    tokio::select! {
        served = async { tokio::try_join!(serve_console, async { serve_twin.await.context("The twin's socket failed") }) } => served.map(drop)?,
        () = life => {}
    }
    drop(place);
    Ok(ExitCode::SUCCESS)
}

fn origin(listener: &TcpListener) -> anyhow::Result<String> {
    Ok(format!("http://{}", listener.local_addr().context("The socket has no address")?))
}

fn announce(args: &DemoArgs, console: &str, twin: &str, password: &str, played: &story::Played, took: f64) {
    if args.json {
        say(json!({ "console": console, "user": "demo", "password": password, "twin": twin }).to_string());
        return;
    }
    if let Some(text) = web::assets::missing() {
        say(text);
    }
    say(format!(
        "Halobridge demo: {DAYS} days with {} incidents, {} tickets and {} notes and comments across, played in {took:.1} s.\n\n  \
         Console      {console}\n  \
         Sign in      demo / {password}\n  \
         Both clouds  {twin}   (raise an incident, comment, close, on either side)\n\n\
         What to look at\n  \
         1. Linked: a new incident comes every half minute and becomes a ticket while you watch.\n  \
         2. Problems: Halo refused one ticket, two were closed without a classification; each says what to do.\n  \
         3. Not linked: one client is only observed, one began later than its incidents; each says why.\n  \
         4. Open a pair: both sides field by field, what crossed, and every step with its reason.\n  \
         5. In the second address, comment on an incident or close a ticket, and see it cross.\n\n\
         Ctrl-C stops it; nothing is kept.",
        played.incidents, played.tickets, played.notes
    ));
}

fn text<'a>(value: &'a Value, pointer: &str) -> anyhow::Result<&'a str> {
    value.pointer(pointer).and_then(Value::as_str).with_context(|| format!("the twin names no {pointer}"))
}

/// Sets up the installation through the applied file, like anyone would.
async fn apply(place: &Place, store: &Store, file: &str, now: jiff::Timestamp) -> anyhow::Result<()> {
    std::fs::write(place.path.join("demo.toml"), file).context("The demo cannot write its applied file")?;
    let options = configuration::ReadOptions { folder: place.path.clone(), offline: false };
    let reading = configuration::read(file, Some(store), false, &options).await?;
    let Some(applied) = reading.applied.as_ref().filter(|_| reading.faults.is_empty()) else {
        bail!("The demo's own applied file has faults: {:?}", reading.faults);
    };
    configuration::apply(store, applied, false, now, &SystemIds).await?;
    Ok(())
}

/// Name, time zone, mode, and how many days after the story's begin its workspace starts.
const CUSTOMERS: [(&str, &str, &str, i64); 5] = [
    ("Northwind Traders", "Europe/London", "two-way", 0),
    ("Contoso Retail", "America/New_York", "two-way", 0),
    ("Fabrikam Logistics", "Europe/Berlin", "two-way", 0),
    ("Adatum Clinics", "Australia/Sydney", "two-way", 3),
    ("Tailspin Freight", "America/Chicago", "observe", 0),
];

fn applied_file(
    connection: &Value,
    args: &DemoArgs,
    first_client: i64,
    begins: jiff::Timestamp,
    (workspace_secs, halo_secs): (u32, u32),
) -> anyhow::Result<String> {
    let (product, priorities) = match args.product {
        DemoProduct::Itsm => (
            "itsm",
            r#"{ High = "P2 - High", Medium = "P3 - Medium", Low = "P4 - Low", Informational = "P5 - Informational" }"#,
        ),
        DemoProduct::Psa => {
            ("psa", r#"{ High = "High", Medium = "Medium", Low = "Low", Informational = "Informational" }"#)
        }
    };
    let mut file = format!(
        r#"[[microsoft]]
name = "Sentinel"
tenant_id = "{tenant}"
oauth_client_id = "{client}"
client_secret = {{ file = "microsoft.secret" }}
authority = "{authority}"
arm = "{arm}"
log_analytics = "{log_analytics}"
graph = "{graph}"
allow_insecure = true

[[halo]]
name = "Service desk"
product = "{product}"
resource_server = "{api}"
authorisation_server = "{auth}"
tenant = "{halo_tenant}"
oauth_client_id = "{halo_client}"
client_secret = {{ file = "halo.secret" }}
webhook_secret = {{ file = "{hook}" }}
webhook_header = "X-Halo-Signature"
poll_secs = {halo_secs}
allow_insecure = true

[[policy]]
name = "standard"
ticket_type = "Security Incident"
priorities = {priorities}
statuses = {{ New = "New", Active = "In Progress", Closed = "Closed" }}
statuses_back = {{ "On Hold" = "Active", Resolved = "Active" }}
agents = {{ {agents} }}
incident_id_field = "CFSentinelIncidentId"
fields = [
  {{ field = "CFSentinelIncidentNumber", path = "$.properties.incidentNumber" }},
  {{ field = "CFSentinelSeverity", path = "$.properties.severity", when = "always" }},
  {{ field = "CFSentinelLink", path = "$.properties.incidentUrl" }},
]
classification_field = "CFSentinelClassification"
missing_verdict = "ask"
notes = "public"
outcome = "Private Note"
evidence = true
"#,
        tenant = text(connection, "/microsoft/tenant_id")?,
        client = text(connection, "/microsoft/client_id")?,
        authority = text(connection, "/microsoft/authority")?,
        arm = text(connection, "/microsoft/arm")?,
        log_analytics = text(connection, "/microsoft/log_analytics")?,
        graph = text(connection, "/microsoft/graph")?,
        api = text(connection, "/halo/api")?,
        auth = text(connection, "/halo/auth")?,
        halo_tenant = text(connection, "/halo/tenant")?,
        halo_client = text(connection, "/halo/client_id")?,
        hook = story::HOOK_SECRET,
        agents = story::ANALYSTS
            .iter()
            .zip(story::AGENTS)
            .map(|(analyst, agent)| format!("\"{analyst}\" = \"{agent}\""))
            .collect::<Vec<_>>()
            .join(", "),
    );
    let workspaces = connection.pointer("/microsoft/workspace_details").and_then(Value::as_array);
    for (((name, zone, mode, days), workspace), number) in
        CUSTOMERS.iter().zip(workspaces.into_iter().flatten()).zip(first_client..)
    {
        file.push_str(&format!(
            r#"
[[client]]
name = "{name}"
time_zone = "{zone}"
halo_client_id = {number}

[[workspace]]
arm_id = "{arm_id}"
client = "{name}"
mode = "{mode}"
since = "{since}"
poll_secs = {workspace_secs}
webhook_secret = {{ file = "{hook}" }}
"#,
            arm_id = text(workspace, "/id")?,
            since = begins + SignedDuration::from_hours(24 * days),
            hook = story::HOOK_SECRET,
        ));
    }
    Ok(file)
}
