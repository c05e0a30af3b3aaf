//! The twin: a stand-in for Microsoft Entra, Azure Resource Manager, Log Analytics and Halo.
//!
//! It serves the demo, the tests, the simulation and anybody's own integration tests
//! (`halobridge twin`). It is a synchronous state machine, [`world::World`], that answers one
//! [`wire::Call`] at a time; [`server`] puts it behind HTTP, [`transport`] behind the product's own
//! `Transport` in the same process. It shares no wire type with the adapters: a field name that is
//! wrong there must fail here.
//!
//! Under one address: `/entra` (authority), `/arm`, `/loganalytics`, `/graph`, `/halo/auth` and
//! `/halo/api` (and further Halo instances by name), `/admin` (see [`admin`]), `/` (a page). Clients
//! that keep only the host find each of these at the root too (see [`world`]).
//!
//! May use: `clock`, and `outbound` for the `Transport` trait alone.

pub mod admin;
pub mod calls;
pub mod delivery;
pub mod faults;
pub mod halo;
pub mod kinds;
mod latency;
pub mod limits;
pub mod microsoft;
pub mod options;
pub mod page;
pub mod server;
pub mod stamp;
pub mod transport;
pub mod wire;
pub mod world;

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::{Value, json};

use self::{
    options::TwinOptions,
    wire::{Call, Outgoing, Reply},
    world::{Answer, World},
};
use crate::clock::{Clock, SteerableClock};

/// The world behind a lock, and the clock it lives by. Cloning shares it.
#[derive(Clone)]
pub struct Twin {
    world: Arc<Mutex<World>>,
    clock: Arc<dyn Clock>,
    steering: Option<Arc<SteerableClock>>,
    /// The address it is known by, whatever a call says.
    origin: Option<Arc<str>>,
}

impl Twin {
    /// A world that lives by a clock which nobody here may set.
    pub fn new(options: TwinOptions, clock: Arc<dyn Clock>) -> Self {
        let origin = options.origin.as_deref().map(Arc::from);
        Self { world: Arc::new(Mutex::new(World::new(options))), clock, steering: None, origin }
    }

    /// A world whose clock the admin route may set and scale.
    pub fn steerable(options: TwinOptions, clock: Arc<SteerableClock>) -> Self {
        Self { steering: Some(clock.clone()), ..Self::new(options, clock) }
    }

    /// The twin's time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Looks at or changes the world.
    pub fn with<T>(&self, look: impl FnOnce(&mut World, Timestamp) -> T) -> T {
        let now = self.now();
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        look(&mut world, now)
    }

    /// Answers a call to any of its addresses.
    pub fn handle(&self, mut call: Call) -> Answer {
        if let Some(origin) = &self.origin {
            call.origin = origin.as_ref().to_owned();
        }
        let first = call.path.trim_start_matches('/').split('/').next().unwrap_or("");
        match first {
            "" | "act" => Answer::whole(page::handle(self, &call)),
            "admin" => Answer::whole(admin::handle(self, &call)),
            _ => self.with(|world, now| world.handle(call, now)),
        }
    }

    /// A person's act on either side.
    pub fn act(&self, verb: &str, body: &Value) -> Reply {
        self.with(|world, now| world.act(verb, body, now))
    }

    /// What is to be sent by now.
    pub fn due_outgoing(&self) -> Vec<Outgoing> {
        self.with(World::due_outgoing)
    }

    /// Notes how a delivery ended (`None`: no answer).
    pub fn delivered(&self, one: Outgoing, status: Option<u16>) {
        self.with(|world, now| world.delivered(one, status, now));
    }

    /// The line that `halobridge twin --json` prints: addresses under `origin`, and credentials.
    pub fn connection(&self, origin: &str) -> Value {
        let (mut microsoft, halo) = self.with(|world, _| {
            (world.microsoft.connection(), world.halos.first().map(|one| (one.name.clone(), one.halo.connection())))
        });
        if let Some(map) = microsoft.as_object_mut() {
            for (name, path) in
                [("authority", "entra"), ("arm", "arm"), ("log_analytics", "loganalytics"), ("graph", "graph")]
            {
                map.insert(name.into(), format!("{origin}/{path}").into());
            }
        }
        let (name, mut halo) = halo.unwrap_or_else(|| ("halo".into(), json!({})));
        if let Some(map) = halo.as_object_mut() {
            map.insert("auth".into(), format!("{origin}/{name}/auth").into());
            map.insert("api".into(), format!("{origin}/{name}/api").into());
        }
        json!({"microsoft": microsoft, "halo": halo, "admin": format!("{origin}/admin")})
    }

    fn steering(&self) -> Option<&SteerableClock> {
        self.steering.as_deref()
    }

    /// Begins again: the clock first, so that nothing of the new world happens in the old one's time.
    fn reset(&self, options: TwinOptions) {
        if let Some(clock) = self.steering() {
            clock.restart();
        }
        self.with(|world, _| *world = World::new(options));
    }
}
