//! Fields that cross by choice: people change labels and titles on both sides, and incidents name users.

use serde_json::{Value, json};

use super::{LABELS, Rare, TITLES};
use crate::prove::{
    shape::CLIENTS,
    watch::{IncidentKey, incident_of},
    words,
    world::World,
};

/// The field of the ticket that holds the labels: one of the stock set-up that nothing else is mapped to.
pub const LABELS_FIELD: &str = "CFAffectedAsset";

impl World {
    /// An incident that is there, and has not been merged away.
    pub(super) fn whole_incident(&mut self) -> Option<IncidentKey> {
        let key = self.some_incident()?;
        let merged = self.twin.with(|world, _| incident_of(world, &key).is_none_or(|one| one.merged_into.is_some()));
        (!merged).then_some(key)
    }

    /// What stands in the field of a ticket that holds the labels, and its subject.
    pub(in crate::prove) fn labels_and_subject(&self, ticket: i64) -> Option<(Vec<String>, String)> {
        self.twin.with(|world, _| {
            let halo = &world.halos.first()?.halo;
            let field = halo.choices("fields").into_iter().find(|(_, name)| name == LABELS_FIELD)?.0;
            let ticket = halo.ticket(ticket)?;
            let text = ticket.custom.get(&field).and_then(Value::as_str).unwrap_or_default();
            let labels = text.split(',').map(str::trim).filter(|label| !label.is_empty()).map(str::to_owned);
            Some((labels.collect(), ticket.summary.clone()))
        })
    }

    /// An agent adds a label or takes one off, or an analyst labels an incident anew.
    pub(super) fn change_labels(&mut self) {
        let mark = self.people.mark();
        let (by_analyst, takes_off) = (self.people.seldom.dice.chance(0.3), self.people.seldom.dice.chance(0.2));
        if by_analyst {
            let Some(key) = self.whole_incident() else { return };
            let kept = self.twin.with(|world, _| incident_of(world, &key)?.labels.last().map(|one| one.name.clone()));
            let labels: Vec<String> = kept.into_iter().chain([mark]).collect();
            return self.analyst_changes(&key, json!({ "labels": labels }));
        }
        let Some((ticket, _)) = self.some_ticket() else { return };
        let Some((mut labels, _)) = self.labels_and_subject(ticket) else { return };
        let off = if takes_off { labels.pop() } else { None };
        if !takes_off {
            labels.push(mark);
        }
        let text = labels.join(", ");
        let told = format!("sets the labels {text:?} on");
        let more = json!({ "customfields": [{ "name": LABELS_FIELD, "value": text }] });
        if self.agent_acts("ticket.update", ticket, more, &told) {
            self.watch.touch(ticket);
            let order = self.watch.next_order();
            self.watch.taken_off.extend(off.map(|label| (label, order)));
            self.people.seldom.acts.note(LABELS, 1);
        }
    }

    /// An agent changes a subject, or an analyst a title.
    pub(super) fn change_title(&mut self) {
        let mark = self.people.mark();
        if self.people.seldom.dice.chance(0.5) {
            let Some(key) = self.whole_incident() else { return };
            let client = self.shape.places.get(key.0).map_or(0, |place| place.client);
            let title = format!("Retitled {mark} at {}", words::client_mark(client));
            self.analyst_changes(&key, json!({ "title": title }));
        } else {
            let Some((ticket, _)) = self.some_ticket() else { return };
            // No word of any client's: the ticket may be another one's just now.
            let subject = format!("Renamed {mark}");
            if !self.agent_acts("ticket.update", ticket, json!({ "summary": subject }), &format!("names {subject:?}")) {
                return;
            }
            self.watch.touch(ticket);
        }
        self.people.seldom.acts.note(TITLES, 1);
    }

    /// Whom an incident of a client names: one of its users, one of another client's, or somebody whom Halo does not know.
    pub(in crate::prove) fn entities_named(&mut self, client: usize) -> Option<Value> {
        if !self.people.seldom.has(Rare::Requester) {
            return None;
        }
        let dice = &mut self.people.seldom.dice;
        let whose = if dice.chance(0.8) { client } else { (client + 1) % CLIENTS.len() };
        let who = dice.pick(&["pat.morgan", "pat.morgan", "sam.okafor", "nobody.known"]).copied().unwrap_or_default();
        let (name, _) = CLIENTS.get(whose).copied().unwrap_or_default();
        let domain: String = name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
        let account = json!({ "accountName": who, "upnSuffix": format!("{domain}.example") });
        Some(json!([{ "kind": "Account", "properties": account }]))
    }

    /// An analyst opens a closed incident again.
    pub(super) fn open_again(&mut self) {
        let Some(key) = self.whole_incident() else { return };
        let closed = self.twin.with(|world, _| incident_of(world, &key).is_some_and(|one| one.status == "Closed"));
        if closed {
            self.analyst_changes(&key, json!({ "status": "Active" }));
        }
    }

    /// Tickets that were made to follow a closed one.
    pub(super) fn made_to_follow(&self) -> u64 {
        let made = self.watch.writes.iter().filter(|write| write.kind == "halo.tickets.post" && write.made);
        let follows = made.filter(|write| {
            let details = write.body.pointer("/0/details_html").and_then(Value::as_str).unwrap_or_default();
            details.starts_with("<p>The incident was opened again. Its first ticket, ")
        });
        follows.count() as u64
    }

    /// Tickets that were made for the user whom their incident names.
    pub(super) fn made_for_a_user(&self) -> u64 {
        if !self.people.seldom.has(Rare::Requester) {
            return 0;
        }
        let made = self.watch.writes.iter().filter(|write| write.kind == "halo.tickets.post" && write.made);
        made.filter(|write| write.body.pointer("/0/user_id").is_some()).count() as u64
    }
}
