//! `base` and `without`: a policy that builds on another one and says only what differs.

use std::collections::{BTreeMap, BTreeSet};

use toml::Value;

use crate::{
    config::{
        fault::{listed, nearest},
        reader::{Place, Sink, Table},
        write::Lines,
    },
    domain::policy::{NotesRule, Policy, PolicyKey},
};

/// Keys that every policy needs, so that none can be without them.
const NEEDED: [PolicyKey; 2] = [PolicyKey::TicketType, PolicyKey::Notes];

/// One entry. Its policy holds what applies: with a base, the base's members too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyEntry {
    /// What applies; its id is nil, and what it builds on stands beside it by name.
    pub policy: Policy,
    /// Name of the policy that it builds on.
    pub base: Option<String>,
    /// With a base: the keys that stand in the entry.
    pub own: BTreeSet<PolicyKey>,
}

impl PolicyEntry {
    /// A policy that builds on no other.
    pub fn whole(policy: Policy) -> Self {
        Self { policy, base: None, own: BTreeSet::new() }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.policy.name
    }

    /// The entry as lines of the file, in the schema's order: with a base only what it says itself.
    pub fn lines(&self) -> Lines {
        let all = super::written::lines_of(&self.policy, self.own.contains(&PolicyKey::NoteFlag));
        let Some(base) = &self.base else { return all };
        let mut lines = Lines::default();
        lines.text("name", self.name());
        lines.text("base", base);
        let (there, without): (Vec<&PolicyKey>, Vec<&PolicyKey>) =
            self.own.iter().partition(|key| all.get(key.as_str()).is_some());
        let own = all.0.into_iter().filter(|(key, _)| there.iter().any(|own| own.as_str() == *key));
        lines.0.extend(own);
        if !without.is_empty() {
            let keys = without.into_iter().map(|key| Value::String(key.as_str().to_owned())).collect();
            lines.put("without", Value::Array(keys));
        }
        lines
    }
}

/// Reads the two keys, once everything else of the entry is read.
pub fn read(table: &Table<'_, '_>, policy: Policy) -> PolicyEntry {
    let base = table.text("base").map(|found| found.value);
    let mut own: BTreeSet<PolicyKey> = BTreeSet::new();
    own.extend(PolicyKey::ALL.iter().filter(|key| table.has(key.as_str())));
    for word in table.texts("without") {
        let wrong = |problem: String, remedy: &str| table.sink.wrong(word.at, table.field("without"), problem, remedy);
        let text = word.value.as_str();
        match PolicyKey::parse(text) {
            Some(key) if NEEDED.contains(&key) => {
                wrong(format!("holds \"{text}\", which every policy needs"), "Give the key another value instead.");
            }
            Some(_) if table.has(text) => {
                wrong(format!("holds \"{text}\", which has a value here"), "Remove one of the two.");
            }
            Some(key) => drop(own.insert(key)),
            None => {
                let remedy = match nearest(text, PolicyKey::ALL.iter().map(|key| key.as_str())) {
                    Some(near) => format!("Did you mean \"{near}\"?"),
                    None => "Name keys of a policy that the base has and this one does not.".to_owned(),
                };
                wrong(format!("holds \"{text}\", which is no key of a policy"), &remedy);
            }
        }
    }
    if table.has("without") && !table.has("base") {
        let remedy = "Leave it out: a key without a value has its default already. Or write base = \"<policy>\".";
        table.warn_at("without", "has no effect without base", remedy);
    }
    // An empty name is a fault that is noted; it keeps the entry from being taken for a whole policy.
    let base = base.or_else(|| table.has("base").then(String::new));
    let own = if base.is_some() { own } else { BTreeSet::new() };
    PolicyEntry { policy, base, own }
}

/// Fills in what entries take over from their bases, and checks what no key can check alone.
pub fn settle(entries: &mut [PolicyEntry], places: &[Place], known: &BTreeMap<String, PolicyEntry>, sink: &Sink<'_>) {
    let file: BTreeMap<String, PolicyEntry> =
        entries.iter().map(|entry| (entry.name().to_owned(), entry.clone())).collect();
    for (entry, place) in entries.iter_mut().zip(places) {
        match entry.base.clone() {
            None => {}
            Some(name) => match base_of(entry, &name, place, (&file, known), sink) {
                Some(base) => entry.policy.inherit(&base.policy, &entry.own),
                None => continue,
            },
        }
        together(entry, place, sink);
    }
}

fn base_of<'a>(
    entry: &PolicyEntry,
    name: &str,
    place: &Place,
    (file, known): (&'a BTreeMap<String, PolicyEntry>, &'a BTreeMap<String, PolicyEntry>),
    sink: &Sink<'_>,
) -> Option<&'a PolicyEntry> {
    let wrong = |problem: String, remedy: String| sink.wrong(place.of("base"), "policy.base", problem, remedy);
    if name.is_empty() {
        return None;
    }
    if name == entry.name() {
        wrong("names the policy itself".to_owned(), "Name another policy, or leave base out.".to_owned());
        return None;
    }
    let Some(base) = file.get(name).or_else(|| known.get(name)) else {
        let own = entry.name();
        let names: BTreeSet<&str> =
            file.keys().chain(known.keys()).map(String::as_str).filter(|other| *other != own).collect();
        let remedy = match nearest(name, names.iter().copied()) {
            Some(near) => format!("Did you mean \"{near}\"?"),
            None if names.is_empty() => "Add a [[policy]] entry with this name.".to_owned(),
            None => format!("Use {}, or add a [[policy]] entry.", listed(names.iter().copied())),
        };
        sink.absent(place.of("base"), "policy.base", format!("names \"{name}\", which does not exist"), remedy);
        return None;
    };
    if let Some(further) = &base.base {
        let remedy = format!("Write base = \"{further}\" here, or take base out of \"{name}\".");
        wrong(format!("names \"{name}\", which builds on \"{further}\" itself: there is one level"), remedy);
        return None;
    }
    let above =
        known.iter().find(|(other, row)| row.base.as_deref() == Some(entry.name()) && !file.contains_key(*other));
    if let Some((other, _)) = above {
        let remedy = format!("Leave base out, or give \"{other}\" another base in this file.");
        wrong(format!("stands in a policy on which \"{other}\" builds: there is one level"), remedy);
        return None;
    }
    Some(base)
}

/// Keys that only make sense together.
fn together(entry: &PolicyEntry, place: &Place, sink: &Sink<'_>) {
    let policy = &entry.policy;
    if place.has("note_flag") && policy.notes != NotesRule::Flagged {
        let remedy = "Write notes = \"flagged\", or leave note_flag out.";
        sink.warn(place.of("note_flag"), "policy.note_flag", "has no effect with this choice of notes", remedy);
    }
    if policy.notes == NotesRule::Outcomes && policy.note_outcomes.is_empty() {
        let remedy = "Write note_outcomes = [\"<outcome>\", …]: the outcomes whose notes cross.";
        let problem = "is missing with notes = \"outcomes\"";
        sink.absent(place.of("note_outcomes"), "policy.note_outcomes", problem, remedy);
    }
    if !policy.classifications.is_empty() && policy.classification_field.is_none() {
        let remedy = "Write classification_field = \"CF…\": the custom field in which agents choose.";
        let problem = "is missing beside classifications";
        sink.absent(place.of("classification_field"), "policy.classification_field", problem, remedy);
    }
}
