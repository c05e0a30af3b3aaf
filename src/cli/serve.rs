//! `halobridge serve`: the console and the sync engine.

use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args;
use url::Url;

use super::{
    follow,
    global::Global,
    running::{Running, interrupted, listen},
    say,
    ways::OverNetwork,
};
use crate::{
    clock::{Clock, SystemClock, SystemIds},
    service::accounts,
    store::{InstanceMark, lock_instance},
    web::{self, WebOptions},
};

/// Shown by `--help`.
pub const LONG: &str = "Run the console and the sync engine.\n\n\
    On the first start it prints a one-time code for making the first admin in the browser; until there is one it \
    listens on loopback addresses only. One server at a time uses a data directory. SIGTERM or Ctrl-C stops it \
    gracefully: what is being written is finished, at most five seconds; reads are given up.\n\n\
    Example: halobridge serve --listen 0.0.0.0:8440 --public-url https://bridge.example.com";

/// Options of `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Address and port to listen on
    #[arg(long, env = "HALOBRIDGE_LISTEN", value_name = "ADDR:PORT", default_value = "127.0.0.1:8440", value_parser = super::values::listen)]
    pub listen: SocketAddr,

    /// Address people use, e.g. https://bridge.example.com
    ///
    /// Needed behind a reverse proxy: cookies, the Origin check and Microsoft's redirect URI follow it.
    #[arg(long, env = "HALOBRIDGE_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<Url>,

    /// Reverse proxy whose X-Forwarded-For is believed; may be given several times
    #[arg(long = "trusted-proxy", env = "HALOBRIDGE_TRUSTED_PROXIES", value_name = "IP", value_delimiter = ',')]
    pub trusted_proxies: Vec<IpAddr>,

    /// Answer GET /metrics to signed-in admins only
    #[arg(long, env = "HALOBRIDGE_METRICS_PRIVATE", value_parser = super::values::switch)]
    pub metrics_private: bool,

    /// Name clients, workspaces and connections in GET /metrics, not only their ids
    #[arg(long, env = "HALOBRIDGE_METRICS_NAMES", value_parser = super::values::switch)]
    pub metrics_names: bool,

    /// Confirm that a restored or copied data directory is the one to go on with
    ///
    /// Without it such an installation, and one that has noticed a second process writing to its pairs, reads and shows,
    /// and writes nothing to either side.
    #[arg(long, env = "HALOBRIDGE_CONFIRM_INSTANCE", value_parser = super::values::switch)]
    pub confirm_instance: bool,

    /// Follow the clock of a twin (its `/admin/clock`), so that both live in the same scaled time
    #[arg(long, env = "HALOBRIDGE_CLOCK_FROM", value_name = "URL", hide = true)]
    pub clock_from: Option<Url>,
}

/// Runs until interrupted.
///
/// # Errors
/// One clear sentence with the remedy.
pub async fn run(global: &Global, args: ServeArgs) -> anyhow::Result<ExitCode> {
    let data = global.open_or_make().await?;
    let _lock = lock_instance(&data.path)?;
    if args.confirm_instance
        && let Some(noticed) = data.store.confirm(&data.path, &SystemIds, SystemClock.now()).await?
    {
        tracing::info!(
            noticed = noticed.as_str(),
            "this installation was confirmed as the one to go on with: what was written up to now counts as its own"
        );
    }
    let mark = data.store.instance_mark(&data.path, &SystemIds).await?;
    let clock: Arc<dyn Clock> = match &args.clock_from {
        Some(url) => follow::clock(url).await?,
        None => Arc::new(SystemClock),
    };
    let mut running = Running::new(data.store.clone(), clock, Arc::new(SystemIds), Arc::new(OverNetwork)).await?;
    let code = accounts::offer_set_up(&running.app).await.map_err(|error| anyhow::anyhow!("{error}"))?;
    if code.is_some() && !args.listen.ip().is_loopback() {
        bail!(
            "There is no admin yet, so the console listens on loopback addresses only. Start it with --listen \
             127.0.0.1:{} and make the first admin in the browser, or make one with `halobridge user add`.",
            args.listen.port()
        );
    }
    let stop = interrupted();
    let listener = listen(args.listen).await?;
    let address = listener.local_addr().context("The socket has no address")?;
    let own = Url::parse(&format!("http://{address}")).context("The listening address is no URL")?;
    let mut options = WebOptions::at(args.public_url.clone().unwrap_or(own.clone()));
    options.trusted_proxies = args.trusted_proxies;
    options.metrics_open = !args.metrics_private;
    options.metrics_names = args.metrics_names;
    if let Some(text) = web::assets::missing() {
        say(text);
    }
    say(format!("Halobridge serves {}", args.public_url.as_ref().unwrap_or(&own)));
    if let Some(code) = code {
        say(format!("No admin yet. Open {own}set-up and enter this one-time code: {code}"));
    }
    if mark == InstanceMark::Differs {
        running.engine.only_read();
        say("This data directory was copied or restored. Nothing is written to Sentinel or Halo until a person \
             confirms it: stop the server and start it again with --confirm-instance.");
    }
    if let Some(found) = data.store.second_writer().await? {
        running.engine.only_read();
        say(format!(
            "A second process writes to the pairs of this installation: {}, {}, was not written from here. Nothing is \
             written to Sentinel or Halo until a person has ended the other one, or this one: stop the server that is to go \
             on and start it again with --confirm-instance.",
            found.words(),
            found.at
        ));
    }
    running.begin();
    running.serve(listener, options, stop).await?;
    Ok(ExitCode::SUCCESS)
}
