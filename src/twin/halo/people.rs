//! What people do in Halo's own screens, and what may be seen from outside.

use serde_json::{Value, json};

use super::Halo;
use crate::twin::wire::{Cx, Reply};

impl Halo {
    /// End state for checks: `{"tickets":[{…,"actions":[…]}], …}`.
    pub fn state(&self) -> Value {
        json!({ "tickets": [] })
    }

    /// A person's act, as the admin routes and the twin's page hand it in.
    pub fn act(&mut self, verb: &str, _body: &Value, _cx: &mut Cx<'_>) -> Reply {
        Reply::json(404, &json!({ "error": format!("no such act: {verb}") }))
    }
}
