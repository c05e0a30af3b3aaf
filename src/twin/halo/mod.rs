//! Halo's side of the twin.
//!
//! The seam the world uses: make one, hand it calls, ask it for its state, let people act in it.

use serde_json::{Value, json};

use super::{
    limits::Limits,
    options::Product,
    wire::{Call, Cx, Reply},
};

/// What one Halo instance is made from.
#[derive(Debug, Clone)]
pub struct HaloOptions {
    /// Path segment of the instance (`halo`), also its tenant name.
    pub name: String,
    /// HaloITSM or HaloPSA.
    pub product: Product,
    /// How strictly its rate limit is kept.
    pub limits: Limits,
}

/// One Halo instance.
pub struct Halo {
    options: HaloOptions,
}

impl Halo {
    /// A fresh instance; its application's id and secret come from `ids`.
    pub fn new(options: &HaloOptions, _ids: &dyn crate::clock::IdSource) -> Self {
        Self { options: options.clone() }
    }

    /// Answers a call below `/auth` (`/token`).
    pub fn handle_auth(&mut self, _call: &Call, _cx: &mut Cx<'_>) -> Reply {
        Reply::empty(503)
    }

    /// Answers a call below `/api` (`/Tickets`).
    pub fn handle_api(&mut self, _call: &Call, _cx: &mut Cx<'_>) -> Reply {
        Reply::empty(503)
    }

    /// `{"tenant","client_id","client_secret"}` for the line `halobridge twin` prints.
    pub fn connection(&self) -> Value {
        json!({"tenant": self.options.name, "client_id": "", "client_secret": ""})
    }

    /// End state for checks: `{"tickets":[{…,"actions":[…]}], …}`.
    pub fn state(&self) -> Value {
        json!({"tickets": []})
    }

    /// A person's act (`ticket.create`, `ticket.note`, `ticket.status`, `ticket.close`,
    /// `ticket.update`, `ticket.merge`), as the admin routes and the twin's page hand it in.
    pub fn act(&mut self, verb: &str, _body: &Value, _cx: &mut Cx<'_>) -> Reply {
        Reply::json(404, &json!({"error": format!("no such act: {verb}")}))
    }

    /// Sets a switch; `Ok(false)` when this side has none of that name.
    ///
    /// # Errors
    /// When the value does not fit the switch.
    pub fn set_switch(&mut self, _name: &str, _value: &str) -> Result<bool, String> {
        Ok(false)
    }

    /// Changes how strictly the rate limit is kept.
    pub fn set_limits(&mut self, limits: Limits) {
        self.options.limits = limits;
    }
}
