//! Halo refuses to make the tickets of some incidents as long as things happen.

use serde_json::Value;

use super::Rare;
use crate::{
    prove::{copies::reference_in, world::World},
    twin::{faults::Effect, wire::Call},
};

/// How many incidents it refuses one for.
const REFUSES: f64 = 0.25;

impl World {
    /// What a call meets that makes such a ticket.
    pub(in crate::prove) fn refuses_the_ticket(&mut self, kind: &str, call: &Call) -> Option<Effect> {
        if self.calm || kind != "halo.tickets.post" || !self.people.seldom.has(Rare::Drops) {
            return None;
        }
        let body = call.json().unwrap_or(Value::Null);
        if body.pointer("/0/id").is_some() {
            return None;
        }
        let details = body.pointer("/0/details_html").and_then(Value::as_str).unwrap_or_default();
        let reference = reference_in(details)?.to_owned();
        let dice = &mut self.people.seldom.dice;
        let refuses = *self.people.seldom.refuses.entry(reference).or_insert_with(|| dice.chance(REFUSES));
        refuses.then_some(Effect::Status { status: 422, applied: false, retry_after: None, html: false })
    }
}
