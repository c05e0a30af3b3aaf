//! Incidents that Defender merges, and what an admin makes of their tickets.

use serde_json::json;

use super::{MERGED, Rare};
use crate::{
    domain::reason::Reason,
    prove::{
        nemesis::Nemesis,
        watch::{By, IncidentKey, incident_of},
        world::World,
    },
};

/// How often, when it is somebody's turn, incidents are merged.
const MERGES: f64 = 0.25;
/// How often the proposal to merge two tickets is followed.
const FOLLOWS: f64 = 0.3;

impl World {
    /// Defender merges two incidents.
    pub(super) fn merge_some(&mut self) {
        if !self.people.seldom.dice.chance(MERGES) {
            return;
        }
        if let Some(key) = self.whole_incident() {
            self.merge(&key);
        }
    }

    /// The name of the incident that one was merged into, as Defender's portal tells it.
    pub(in crate::prove) fn merged_into(&self, key: &IncidentKey) -> Option<String> {
        if !self.people.seldom.has(Rare::Merges) {
            return None;
        }
        let number = self.twin.with(|world, _| Some(incident_of(world, key)?.merged_into.as_ref()?.0))?;
        let of_number =
            |other: &&IncidentKey| self.twin.with(|world, _| incident_of(world, other).map(|one| one.number));
        let mut others = self.people.raised.iter().filter(|other| other.0 == key.0);
        others.find(|other| of_number(other) == Some(number)).map(|other| other.1.clone())
    }

    /// Of two tickets that meet one is merged into the other, as it was proposed.
    pub(in crate::prove) fn merges_as_proposed(&mut self, reason: &Reason) -> bool {
        let Reason::TicketsMeet { ticket, other, .. } = reason else { return false };
        let follows = self.people.seldom.has(Rare::Merges) && !self.calm && self.people.seldom.dice.chance(FOLLOWS);
        if !follows {
            return false;
        }
        let (ticket, other) = (ticket.0, other.0);
        let told = format!("merges into #{other}, as proposed,");
        let done = self.agent_acts("ticket.merge", ticket, json!({ "from": ticket, "into": other }), &told);
        if done {
            self.coverage.struck(Nemesis::TicketMerge);
            self.watch.ticket(&self.twin, other, By::Person);
            self.people.seldom.acts.note(MERGED, 1);
        }
        done
    }
}
