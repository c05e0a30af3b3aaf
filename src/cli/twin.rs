//! `halobridge twin`: the stand-in for the outside systems, by itself.

use std::{io::Write, net::SocketAddr, sync::Arc};

use anyhow::{Context, bail};
use clap::Args;
use tokio::net::TcpListener;

use super::running::interrupted;
use crate::{
    clock::{Clock, SteerableClock},
    twin::{
        Twin,
        limits::Limits,
        options::{Product, TwinOptions},
        server,
    },
};

/// Run a stand-in for Microsoft Entra, Azure, Sentinel, Log Analytics and Halo.
///
/// Everything lives in memory and comes from the seed: the same seed gives the same ids and
/// secrets. Open the printed address in a browser to see both sides and to raise, comment, close
/// and merge on either. GET /admin lists the routes for faults, the clock, limits and checks.
///
/// Example:  halobridge twin --listen 127.0.0.1:9700 --incidents 20 --json
#[derive(Debug, Args)]
pub struct TwinArgs {
    /// Address to listen on; port 0 picks a free one.
    #[arg(long, env = "HALOBRIDGE_TWIN_LISTEN", default_value = "127.0.0.1:9700", value_name = "ADDR", value_parser = super::values::listen)]
    listen: SocketAddr,
    /// Address callers know it by, when something before it ends TLS or has another name: https://twin.example:8443.
    /// Addresses in answers and in the printed line are under it.
    #[arg(long, env = "HALOBRIDGE_TWIN_ORIGIN", value_name = "URL", value_parser = origin)]
    origin: Option<String>,
    /// Print one line of JSON with addresses and credentials when ready, and nothing else.
    #[arg(long, env = "HALOBRIDGE_TWIN_JSON", value_parser = super::values::switch)]
    json: bool,
    /// Microsoft tenants; the first holds the workspaces, the others one each.
    #[arg(long, env = "HALOBRIDGE_TWIN_TENANTS", default_value_t = 1, value_name = "N")]
    tenants: usize,
    /// Sentinel workspaces in the first tenant's subscription and resource group.
    #[arg(long, env = "HALOBRIDGE_TWIN_WORKSPACES", default_value_t = 3, value_name = "N")]
    workspaces: usize,
    /// Incidents to begin with, spread over those workspaces and the last thirty days.
    #[arg(long, env = "HALOBRIDGE_TWIN_INCIDENTS", default_value_t = 0, value_name = "N")]
    incidents: usize,
    /// Milliseconds that every answer waits.
    #[arg(long, env = "HALOBRIDGE_TWIN_LATENCY_MS", default_value_t = 0, value_name = "MS")]
    latency_ms: u64,
    /// How strictly rate limits are kept: real, off, or scaled:N (time passes N times faster for them).
    #[arg(long, env = "HALOBRIDGE_TWIN_LIMITS", default_value = "real", value_name = "HOW")]
    limits: Limits,
    /// Seed of every id, secret and drawn fault.
    #[arg(long, env = "HALOBRIDGE_TWIN_SEED", default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Which Halo to play: itsm or psa.
    #[arg(long, env = "HALOBRIDGE_TWIN_PRODUCT", default_value = "itsm", value_name = "PRODUCT")]
    product: Product,
    /// Set a switch, such as defender=true or forbidden=Tickets,Actions; may be repeated. GET /admin/switches lists
    /// them.
    #[arg(long = "switch", env = "HALOBRIDGE_TWIN_SWITCHES", value_name = "NAME=VALUE", value_delimiter = ',')]
    switches: Vec<String>,
}

/// Scheme, host and port of an address, and nothing more.
fn origin(text: &str) -> Result<String, String> {
    let wrong = || format!("{text:?} is no address such as https://twin.example:8443");
    let url = url::Url::parse(text).map_err(|_| wrong())?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    let known = matches!(url.scheme(), "http" | "https") && url.has_host();
    if known && bare { Ok(url.origin().ascii_serialization()) } else { Err(wrong()) }
}

/// Runs until interrupted.
///
/// # Errors
/// A wrong switch, an address in use.
pub fn run(args: &TwinArgs) -> anyhow::Result<()> {
    let clock = Arc::new(SteerableClock::real());
    let mut options = TwinOptions::new(args.seed, clock.now());
    options.tenants = args.tenants;
    options.workspaces = args.workspaces;
    options.incidents = args.incidents;
    options.product = args.product;
    options.limits = args.limits;
    options.latency_ms = args.latency_ms;
    options.origin.clone_from(&args.origin);
    for text in args.switches.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
        if let Some((name, value)) = text.split_once('=') {
            options.switches.push((name.trim().to_owned(), value.trim().to_owned()));
        } else if let Some((_, value)) = options.switches.last_mut() {
            // The rest of a list, which the comma cut off.
            value.push(',');
            value.push_str(text);
        } else {
            bail!("a switch is NAME=VALUE, not {text:?}");
        }
    }
    options.check_switches().map_err(anyhow::Error::msg)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_stack_size(super::STACK)
        .enable_all()
        .build()
        .context("the runtime does not start")?;
    runtime.block_on(serve(args, Twin::steerable(options, clock)))
}

async fn serve(args: &TwinArgs, twin: Twin) -> anyhow::Result<()> {
    let listener = TcpListener::bind(args.listen).await.with_context(|| {
        format!("cannot listen on {}; is something else using it? Choose another with --listen", args.listen)
    })?;
    let here = format!("http://{}", listener.local_addr().context("the listener has no address")?);
    let line = twin.connection(args.origin.as_ref().unwrap_or(&here));
    let stop = interrupted();
    let mut out = std::io::stdout();
    if args.json {
        writeln!(out, "{line}")?;
    } else {
        writeln!(out, "The twin is ready: {here}\n{line:#}")?;
    }
    out.flush()?;
    let transport = Arc::new(crate::outbound::network::Network::new(true).context("no way out for webhooks")?);
    server::serve(listener, twin, transport, stop).await.context("the server stopped")
}
