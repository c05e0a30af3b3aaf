//! A Sentinel workspace: its incidents, indexed by name, creation and modification.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::incident::{Incident, Shown};

/// A hunting bookmark or an automation rule: kept as its wire form.
pub type Resources = BTreeMap<String, Value>;

/// A row of the log table `SecurityIncident`: the incident as it was, and since when it shows.
pub struct LogRow {
    /// When the row was written.
    pub at: Timestamp,
    /// The incident at that moment.
    pub incident: Incident,
}

impl LogRow {
    fn of(incident: &Incident) -> Self {
        let copy = Incident { text: None, before: None, ..incident.clone() };
        Self { at: incident.modified, incident: copy }
    }
}

/// Notes since when an incident is closed.
fn note_closing(incident: &mut Incident) {
    incident.closed = if incident.status == "Closed" { incident.closed.or(Some(incident.modified)) } else { None };
}

/// A workspace.
pub struct Workspace {
    /// Name.
    pub name: String,
    /// Resource id, in canonical letter case.
    pub id: String,
    /// Subscription.
    pub subscription_id: String,
    /// Resource group.
    pub resource_group: String,
    /// Directory.
    pub tenant_id: String,
    /// GUID by which log queries name it.
    pub customer_id: String,
    /// Region.
    pub location: &'static str,
    /// Whether Sentinel is switched on.
    pub onboarded: bool,
    /// Automation rules by lower-case name.
    pub rules: Resources,
    /// Hunting bookmarks by lower-case name.
    pub bookmarks: Resources,
    /// Rows of the log table, oldest first.
    pub log: Vec<LogRow>,
    incidents: Vec<Option<Incident>>,
    by_name: HashMap<String, usize>,
    by_created: BTreeSet<(Timestamp, usize)>,
    by_modified: BTreeSet<(Timestamp, usize)>,
    next_number: u32,
    next_defender_number: u32,
}

impl Workspace {
    /// An empty one. `first_number` is the number of its first incident.
    pub fn new(
        name: &str,
        place: (&str, &str, &str),
        customer_id: String,
        location: &'static str,
        first_number: u32,
    ) -> Self {
        let (tenant_id, subscription_id, resource_group) = place;
        Self {
            id: format!(
                "/subscriptions/{subscription_id}/resourceGroups/{resource_group}/providers/Microsoft.OperationalInsights/workspaces/{name}"
            ),
            name: name.to_owned(),
            subscription_id: subscription_id.to_owned(),
            resource_group: resource_group.to_owned(),
            tenant_id: tenant_id.to_owned(),
            customer_id,
            location,
            onboarded: true,
            rules: Resources::new(),
            bookmarks: Resources::new(),
            log: Vec::new(),
            incidents: Vec::new(),
            by_name: HashMap::new(),
            by_created: BTreeSet::new(),
            by_modified: BTreeSet::new(),
            next_number: first_number,
            next_defender_number: 90_000 + first_number,
        }
    }

    /// The number of the next incident.
    pub fn take_number(&mut self) -> u32 {
        self.next_number += 1;
        self.next_number - 1
    }

    /// The number Defender gives its next incident.
    pub fn take_defender_number(&mut self) -> u32 {
        self.next_defender_number += 1;
        self.next_defender_number - 1
    }

    /// Adds an incident.
    pub fn insert(&mut self, mut incident: Incident) {
        note_closing(&mut incident);
        let at = self.incidents.len();
        self.by_name.insert(incident.name.to_lowercase(), at);
        self.by_created.insert((incident.created, at));
        self.by_modified.insert((incident.modified, at));
        self.log.push(LogRow::of(&incident));
        self.incidents.push(Some(incident));
    }

    /// Removes an incident; `false` when there is none.
    pub fn remove(&mut self, name: &str) -> bool {
        let Some(at) = self.by_name.remove(&name.to_lowercase()) else { return false };
        let Some(incident) = self.incidents.get_mut(at).and_then(Option::take) else { return false };
        self.by_created.remove(&(incident.created, at));
        self.by_modified.remove(&(incident.modified, at));
        true
    }

    /// By name, whatever the letter case.
    pub fn get(&self, name: &str) -> Option<&Incident> {
        self.at(*self.by_name.get(&name.to_lowercase())?)
    }

    /// By number.
    pub fn by_number(&self, number: u32) -> Option<&Incident> {
        self.iter().find(|incident| incident.number == number)
    }

    /// By place.
    pub fn at(&self, at: usize) -> Option<&Incident> {
        self.incidents.get(at).and_then(Option::as_ref)
    }

    /// Changes an incident and keeps the indexes; the wire text before the change is kept for stale
    /// reads, and the change makes a row in the log table when `logged`.
    pub fn change<T>(&mut self, name: &str, logged: bool, change: impl FnOnce(&mut Incident) -> T) -> Option<T> {
        let at = *self.by_name.get(&name.to_lowercase())?;
        let shown = Shown { workspace_id: &self.id, tenant_id: &self.tenant_id, merged_members: false };
        let incident = self.incidents.get_mut(at)?.as_mut()?;
        let modified = incident.modified;
        incident.before = incident.text.take().or_else(|| Some(incident.to_json(&shown).to_string()));
        let result = change(incident);
        note_closing(incident);
        if incident.modified != modified {
            self.by_modified.remove(&(modified, at));
            self.by_modified.insert((incident.modified, at));
        }
        if logged {
            self.log.push(LogRow::of(incident));
        }
        Some(result)
    }

    /// A row of the log table for what moves no version of the incident: it is younger than the row before it.
    pub fn log_again(&mut self, name: &str, now: Timestamp) {
        let Some(incident) = self.get(name) else { return };
        let last = incident.modified.checked_add(SignedDuration::from_micros(1)).unwrap_or(incident.modified);
        let row = LogRow { at: now.max(last), ..LogRow::of(incident) };
        self.log.push(row);
    }

    /// The wire text of the incident at this place, made once per change.
    pub fn text(&mut self, at: usize, merged_members: bool) -> Option<&str> {
        let shown = Shown { workspace_id: &self.id, tenant_id: &self.tenant_id, merged_members };
        let incident = self.incidents.get_mut(at)?.as_mut()?;
        if incident.text.is_none() {
            incident.text = Some(incident.to_json(&shown).to_string());
        }
        incident.text.as_deref()
    }

    /// The place of an incident.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.by_name.get(&name.to_lowercase()).copied()
    }

    /// Places by creation, oldest first.
    pub fn created(&self) -> &BTreeSet<(Timestamp, usize)> {
        &self.by_created
    }

    /// Places by modification, oldest first.
    pub fn modified(&self) -> &BTreeSet<(Timestamp, usize)> {
        &self.by_modified
    }

    /// Every incident in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &Incident> {
        self.incidents.iter().filter_map(Option::as_ref)
    }

    /// How many incidents there are.
    pub fn len(&self) -> usize {
        self.by_created.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_created.is_empty()
    }

    /// Forgets every kept wire text (a switch changed how they look).
    pub fn forget_texts(&mut self) {
        for incident in self.incidents.iter_mut().flatten() {
            incident.text = None;
        }
    }
}
