//! How the console is reached, as far as requests are judged by it.

use std::{net::IpAddr, time::Duration};

use jiff::SignedDuration;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;

/// Where Microsoft sends people back to: the only address that acts by GET.
pub const CALLBACK: &str = "/connections/callback";

/// Options of the web layer.
#[derive(Debug, Clone)]
pub struct WebOptions {
    /// The address people use (`--public-url`), or the console's own (`http://127.0.0.1:PORT`).
    pub public_url: Url,
    /// Base of the redirect URI that Microsoft sends people back to. `http` only as `http://localhost:PORT`.
    pub redirect_base: Url,
    /// A session ends after this long without a page being opened.
    pub session_idle: SignedDuration,
    /// A session ends this long after the sign-in, whatever is done with it.
    pub session_absolute: SignedDuration,
    /// A page that takes longer says what was waited for; it is drawn before the request itself is given up.
    pub page_within: Duration,
    /// No answer takes longer to begin, bodies being read included.
    pub answer_within: Duration,
    /// Reverse proxies whose `X-Forwarded-For` is believed (its last hop).
    pub trusted_proxies: Vec<IpAddr>,
    /// Whether `GET /metrics` answers anyone (it holds no names and no secrets) or signed-in admins only.
    pub metrics_open: bool,
    /// Whether `GET /metrics` names clients, workspaces and connections beside their ids.
    pub metrics_names: bool,
    /// Cancelled when the server stops: event streams end, so that it need not wait for them.
    pub closing: CancellationToken,
    /// What people asked for and is still being done, whether or not they wait for it.
    pub under_way: TaskTracker,
}

impl WebOptions {
    /// A console on this address: idle after 30 minutes, at most 12 hours (ASVS 7.3), no proxy.
    /// On a loopback address the redirect URI says `localhost`, as Entra allows no other http host.
    pub fn at(public_url: Url) -> Self {
        let mut redirect_base = public_url.clone();
        if is_loopback(&public_url) && redirect_base.scheme() == "http" {
            // setting a host name on an http address cannot fail
            let _ = redirect_base.set_host(Some("localhost"));
        }
        Self {
            public_url,
            redirect_base,
            session_idle: SignedDuration::from_mins(30),
            session_absolute: SignedDuration::from_hours(12),
            page_within: Duration::from_secs(28),
            answer_within: Duration::from_secs(30),
            trusted_proxies: Vec::new(),
            metrics_open: true,
            metrics_names: false,
            closing: CancellationToken::new(),
            under_way: TaskTracker::new(),
        }
    }

    /// Whether people come by https: then cookies are `Secure` and HSTS is sent.
    pub fn https(&self) -> bool {
        self.public_url.scheme() == "https"
    }

    /// The session cookie's name. `__Host-` needs https, so loopback http has a plain one.
    pub fn cookie_name(&self) -> &'static str {
        if self.https() { "__Host-halobridge" } else { "halobridge" }
    }

    /// The name of a preference's cookie (`theme`, `density`, `keys`, `zone`).
    pub fn preference(&self, name: &str) -> String {
        if self.https() { format!("__Host-{name}") } else { name.to_owned() }
    }

    /// Where Microsoft sends people back to.
    pub fn redirect_uri(&self) -> String {
        format!("{}{CALLBACK}", self.redirect_base.as_str().trim_end_matches('/'))
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}
