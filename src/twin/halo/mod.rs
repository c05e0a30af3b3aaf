//! The Halo side of the twin: HaloITSM or HaloPSA as seen through its REST API.
//!
//! One [`Halo`] is one tenant; several may live beside each other. [`Halo::handle_auth`] answers below the
//! authorisation server's base, [`Halo::handle_api`] below the resource server's. What people do in Halo's own
//! screens is in `people`. Where sources disagree there is a switch (`switches`); everything in which the two
//! products differ stands in `product`. Faults that concern whole calls (lost answers, 5xx, HTML, half
//! bodies, latency) are not made here but around these calls.
//!
//! Rules come from the project's Halo API sheet; sections are named where they are kept.

mod action;
mod auth;
mod catalogue;
mod edit;
mod events;
mod learn;
mod list;
mod lookups;
mod note;
mod people;
mod place;
mod product;
mod respond;
mod route;
mod shelf;
mod stock;
mod stock_more;
mod switches;
pub mod text;
mod ticket;
mod write;

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub use action::Action;
pub use learn::Lesson;
pub use people::ACTS;
pub use product::SECURITY_TYPE;
pub use stock::{PEOPLE, client_names};
pub use switches::{Switch, Switches};
pub use ticket::Ticket;

use super::{limits::Limits, options::Product, wire::Reply};

/// What the world makes an instance from; the rest is filled in by [`HaloSetup::from_options`].
#[derive(Debug, Clone)]
pub struct HaloOptions {
    /// Path segment of the instance (`halo`), also its tenant name.
    pub name: String,
    /// HaloITSM or HaloPSA.
    pub product: Product,
    /// How strictly its rate limit is kept.
    pub limits: Limits,
}

/// Everything an instance is made from.
#[derive(Debug, Clone)]
pub struct HaloSetup {
    /// How strictly the rate limit is kept.
    pub limits: Limits,
    /// HaloITSM or HaloPSA.
    pub product: Product,
    /// Tenant name, as sent in `?tenant=`.
    pub tenant: String,
    /// The API application's id (a GUID).
    pub oauth_client_id: String,
    /// The API application's secret.
    pub client_secret: String,
    /// The API application's name, shown in `actionby_application_id`.
    pub application_name: String,
    /// The password of every agent for the `password` grant; their user name is their mail address.
    pub agent_password: String,
    /// Names of the clients beside the built-in "Unknown" (see [`client_names`]).
    pub clients: Vec<String>,
}

impl HaloSetup {
    /// Twelve clients, an application "Sentinel Bridge", and credentials from `ids`.
    pub fn from_options(options: &HaloOptions, ids: &dyn crate::clock::IdSource) -> Self {
        Self {
            limits: options.limits,
            product: options.product,
            tenant: options.name.clone(),
            oauth_client_id: ids.uuid_v4().to_string(),
            client_secret: format!("{}-{}", ids.uuid_v4(), ids.uuid_v4()),
            application_name: "Sentinel Bridge".to_owned(),
            agent_password: ids.token(12),
            clients: client_names(12),
        }
    }
}

/// One Halo instance with everything in it.
pub struct Halo {
    setup: HaloSetup,
    switches: Switches,
    cat: catalogue::Catalogue,
    tokens: auth::Tokens,
    /// Moments of the calls within the rolling window.
    window: VecDeque<Timestamp>,
    shelf: shelf::Shelf,
    hooks: events::Hooks,
    next_ticket: i64,
    last_create: Option<Timestamp>,
    empty: catalogue::Table,
    turn: u64,
}

impl Halo {
    /// A new instance with the stock set-up and no tickets.
    pub fn new(options: &HaloOptions, ids: &dyn crate::clock::IdSource) -> Self {
        Self::with_setup(HaloSetup::from_options(options, ids))
    }

    /// The same with everything chosen.
    pub fn with_setup(setup: HaloSetup) -> Self {
        let cat = stock::catalogue(setup.product, &setup.tenant, &setup.application_name, &setup.clients);
        Self {
            switches: Switches::default(),
            cat,
            tokens: auth::Tokens::default(),
            window: VecDeque::new(),
            shelf: shelf::Shelf::default(),
            hooks: events::Hooks::default(),
            next_ticket: setup.product.first_ticket_id(),
            last_create: None,
            empty: catalogue::Table::default(),
            turn: 0,
            setup,
        }
    }

    /// What it was made from.
    pub fn setup(&self) -> &HaloSetup {
        &self.setup
    }

    /// Every switch with its sentence and present value.
    pub fn switches(&self) -> Vec<Switch> {
        self.switches.list()
    }

    /// Sets a switch by name (`on`, `off`, a number or a word); `Ok(false)` when there is none of that name.
    ///
    /// # Errors
    /// When the value does not fit the switch.
    pub fn set_switch(&mut self, name: &str, value: &str) -> Result<bool, String> {
        self.switches.set(name, value)
    }

    /// Whether a switch could be set so; nothing is.
    ///
    /// # Errors
    /// When the value does not fit the switch.
    pub fn check_switch(&self, name: &str, value: &str) -> Result<bool, String> {
        self.switches.clone().set(name, value)
    }

    /// Changes how strictly the rate limit is kept.
    pub fn set_limits(&mut self, limits: Limits) {
        self.setup.limits = limits;
    }

    /// `{"tenant","client_id","client_secret"}` for the line `halobridge twin` prints.
    pub fn connection(&self) -> Value {
        json!({
            "tenant": self.setup.tenant, "client_id": self.setup.oauth_client_id, "client_secret": self.setup.client_secret,
        })
    }

    /// Counts a call; the 429 when the window is full. A refused call does not count.
    fn over_limit(&mut self, now: Timestamp) -> Option<Reply> {
        let limit = self.switches.rate_limit;
        if limit == 0 || self.setup.limits == Limits::Off {
            return None;
        }
        let documented = SignedDuration::from_millis(i64::try_from(self.switches.rate_window_ms).unwrap_or(i64::MAX));
        let length = self.setup.limits.span(documented);
        while self.window.front().is_some_and(|at| now.duration_since(*at) >= length) {
            self.window.pop_front();
        }
        if (self.window.len() as u64) < limit {
            self.window.push_back(now);
            return None;
        }
        let text = format!(
            "Rate Limit Reached - {limit} Requests per rolling {} minute window",
            self.switches.rate_window_ms.div_ceil(60_000)
        );
        let reply = Reply::json(429, &Value::from(text));
        if !self.switches.rate_retry_after {
            return Some(reply);
        }
        let wait = self.window.front().map_or(SignedDuration::ZERO, |at| length - now.duration_since(*at));
        let seconds = wait.as_millis().max(0).unsigned_abs().div_ceil(1000).max(1);
        Some(reply.with("retry-after", seconds.to_string()))
    }
}
