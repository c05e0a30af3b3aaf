//! Reads tables with their places in the text, and collects every fault instead of stopping at the first.

use std::{cell::RefCell, collections::BTreeMap};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, Kind, Severity, line_column, listed, nearest};
use crate::domain::{catalogue::Ref, workspace::WorkspaceAddress};

/// Where faults are collected.
pub struct Sink<'t> {
    text: &'t str,
    faults: RefCell<Vec<Fault>>,
}

impl<'t> Sink<'t> {
    /// An empty one for this text.
    pub fn new(text: &'t str) -> Self {
        Self { text, faults: RefCell::new(Vec::new()) }
    }

    /// Notes a fault at a byte offset.
    pub fn note(
        &self,
        at: usize,
        severity: Severity,
        kind: Kind,
        field: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let (line, column) = line_column(self.text, at);
        let fault =
            Fault { line, column, severity, kind, field: field.into(), problem: problem.into(), remedy: remedy.into() };
        self.faults.borrow_mut().push(fault);
    }

    /// Notes something wrong.
    pub fn wrong(&self, at: usize, field: impl Into<String>, problem: impl Into<String>, remedy: impl Into<String>) {
        self.note(at, Severity::Error, Kind::Wrong, field, problem, remedy);
    }

    /// Notes something that is missing.
    pub fn absent(&self, at: usize, field: impl Into<String>, problem: impl Into<String>, remedy: impl Into<String>) {
        self.note(at, Severity::Error, Kind::Absent, field, problem, remedy);
    }

    /// Notes something that will wait for a person.
    pub fn warn(&self, at: usize, field: impl Into<String>, problem: impl Into<String>, remedy: impl Into<String>) {
        self.note(at, Severity::Warning, Kind::Absent, field, problem, remedy);
    }

    /// All of them, in the order of the text.
    pub fn into_faults(self) -> Vec<Fault> {
        let mut faults = self.faults.into_inner();
        faults.sort_by_key(|f| (f.line, f.column, f.severity));
        faults.dedup();
        faults
    }
}

/// A value and the byte offset where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Offset in the text.
    pub at: usize,
}

/// Where the parts of a table stand, for faults found later.
#[derive(Debug, Clone, Default)]
pub struct Place {
    header: usize,
    keys: BTreeMap<String, usize>,
}

impl Place {
    /// Offset of the value of `key`, or of the table's header.
    pub fn of(&self, key: &str) -> usize {
        self.keys.get(key).copied().unwrap_or(self.header)
    }

    /// Whether the key stands in the file.
    pub fn has(&self, key: &str) -> bool {
        self.keys.contains_key(key)
    }
}

/// A table being read. What was asked for is what is known; the rest is reported by [`Table::done`].
pub struct Table<'a, 't> {
    /// Where faults go.
    pub sink: &'a Sink<'t>,
    path: String,
    header: usize,
    table: &'a DeTable<'t>,
    known: RefCell<Vec<&'static str>>,
}

impl<'a, 't> Table<'a, 't> {
    /// A table at `header`, known to people as `path`.
    pub fn new(sink: &'a Sink<'t>, path: impl Into<String>, header: usize, table: &'a DeTable<'t>) -> Self {
        Self { sink, path: path.into(), header, table, known: RefCell::new(Vec::new()) }
    }

    /// The field's name as people read it.
    pub fn field(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Section and natural key of the entry: its name, or its ARM id as it is compared.
    pub fn natural_key(&self) -> (&str, String) {
        let text = |key: &str| self.table.get(key).and_then(|value| value.get_ref().as_str()).map(str::trim);
        let key = match text("arm_id") {
            Some(arm) => WorkspaceAddress::parse(arm).map_or_else(String::new, |a| a.arm_id().to_lowercase()),
            None => text("name").unwrap_or_default().to_owned(),
        };
        (&self.path, key)
    }

    /// The raw value of a key, which becomes a known one.
    pub fn value(&self, key: &'static str) -> Option<At<&'a DeValue<'t>>> {
        let mut known = self.known.borrow_mut();
        if !known.contains(&key) {
            known.push(key);
        }
        drop(known);
        let value = self.table.get(key)?;
        Some(At { value: value.get_ref(), at: value.span().start })
    }

    /// Whether a key stands in the table.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Reports a value of the wrong type.
    pub fn wrong_type(&self, key: &str, at: usize, is: &DeValue<'_>, must: &str) {
        let problem = format!("is {}, but must be {must}", type_words(is));
        self.sink.wrong(at, self.field(key), problem, format!("Write {must}."));
    }

    /// Text; blank text and control characters are faults.
    pub fn text(&self, key: &'static str) -> Option<At<String>> {
        self.text_within(key, 2_000)
    }

    /// Text of at most so many characters.
    pub fn text_within(&self, key: &'static str, most: usize) -> Option<At<String>> {
        let found = self.value(key)?;
        let Some(text) = found.value.as_str() else {
            self.wrong_type(key, found.at, found.value, "text in quotes");
            return None;
        };
        if text.trim().is_empty() {
            self.sink.wrong(found.at, self.field(key), "is empty", "Give it a value, or leave the line out.");
            return None;
        }
        if text.chars().any(char::is_control) || text.chars().count() > most {
            let problem = if most == 2_000 {
                "holds control characters or more than 2,000 characters".to_owned()
            } else {
                format!("holds control characters or more than {most} characters")
            };
            self.sink.wrong(found.at, self.field(key), problem, "Shorten it to one plain line.");
            return None;
        }
        Some(At { value: text.trim().to_owned(), at: found.at })
    }

    /// Text that must be there; empty text when it is not (the fault is noted).
    pub fn required(&self, key: &'static str, remedy: &str) -> At<String> {
        let there = self.has(key);
        match self.text(key) {
            Some(text) => text,
            None => {
                if !there {
                    self.sink.absent(self.header, self.field(key), "is missing", remedy);
                }
                At { value: String::new(), at: self.header }
            }
        }
    }

    /// One of a closed list of words.
    pub fn choice(&self, key: &'static str, allowed: &[&'static str]) -> Option<At<&'static str>> {
        let text = self.text(key)?;
        if let Some(found) = allowed.iter().find(|word| **word == text.value) {
            return Some(At { value: *found, at: text.at });
        }
        let mut remedy = format!("Use {}.", listed(allowed.iter().copied()));
        if let Some(near) = nearest(&text.value, allowed.iter().copied()) {
            remedy = format!("Did you mean \"{near}\"? {remedy}");
        }
        self.sink.wrong(text.at, self.field(key), format!("cannot be \"{}\"", text.value), remedy);
        None
    }

    /// Notes at the table's header that something is missing.
    pub fn absent_here(&self, key: &str, problem: &str, remedy: &str) {
        self.sink.absent(self.header, self.field(key), problem, remedy);
    }

    /// Warns at the table's header.
    pub fn warn_here(&self, key: &str, problem: &str, remedy: &str) {
        self.sink.warn(self.header, self.field(key), problem, remedy);
    }

    /// Warns at the value of `key`, or at the table's header when it is not there.
    pub fn warn_at(&self, key: &str, problem: &str, remedy: &str) {
        let at = self.table.get(key).map_or(self.header, |value| value.span().start);
        self.sink.warn(at, self.field(key), problem, remedy);
    }

    /// A whole number within `from..=to`.
    pub fn integer(&self, key: &'static str, from: i64, to: i64) -> Option<At<i64>> {
        let found = self.value(key)?;
        let Some(number) = found.value.as_integer() else {
            self.wrong_type(key, found.at, found.value, "a whole number");
            return None;
        };
        let value = i64::from_str_radix(number.as_str(), number.radix()).ok().filter(|n| (from..=to).contains(n));
        if value.is_none() {
            let bounds = if to == i64::MAX { format!("{from} or more") } else { format!("between {from} and {to}") };
            let problem = format!("is {number}, but must be {bounds}");
            self.sink.wrong(found.at, self.field(key), problem, format!("Write a whole number {bounds}."));
        }
        value.map(|value| At { value, at: found.at })
    }

    /// A whole number that fits `u32`, with a default.
    pub fn count(&self, key: &'static str, from: u32, to: u32, default: u32) -> u32 {
        self.integer(key, i64::from(from), i64::from(to)).and_then(|n| u32::try_from(n.value).ok()).unwrap_or(default)
    }

    /// `true` or `false`, with a default.
    pub fn flag(&self, key: &'static str, default: bool) -> bool {
        let Some(found) = self.value(key) else { return default };
        found.value.as_bool().unwrap_or_else(|| {
            self.wrong_type(key, found.at, found.value, "true or false");
            default
        })
    }

    /// A table inside this one.
    pub fn table(&self, key: &'static str) -> Option<Table<'a, 't>> {
        let found = self.value(key)?;
        match found.value.as_table() {
            Some(table) => Some(Table::new(self.sink, self.field(key), found.at, table)),
            None => {
                self.wrong_type(key, found.at, found.value, "a table, like { … }");
                None
            }
        }
    }

    /// The members of a list; a fault when it is not one.
    pub fn list(&self, key: &'static str) -> Vec<At<&'a DeValue<'t>>> {
        let Some(found) = self.value(key) else { return Vec::new() };
        match found.value.as_array() {
            Some(list) => list.iter().map(|v| At { value: v.get_ref(), at: v.span().start }).collect(),
            None => {
                self.wrong_type(key, found.at, found.value, "a list, like [ … ]");
                Vec::new()
            }
        }
    }

    /// The members of a list of texts; blank ones are faults.
    pub fn texts(&self, key: &'static str) -> Vec<At<String>> {
        let mut texts = Vec::new();
        for entry in self.list(key) {
            match entry.value.as_str().map(str::trim) {
                Some(text) if !text.is_empty() => texts.push(At { value: text.to_owned(), at: entry.at }),
                Some(_) => self.sink.wrong(entry.at, self.field(key), "holds an empty text", "Remove it."),
                None => self.wrong_type(key, entry.at, entry.value, "text in quotes"),
            }
        }
        texts
    }

    /// The tables of an array of tables (`[[key]]`).
    pub fn tables(&self, key: &'static str) -> Vec<Table<'a, 't>> {
        if let Some(found) = self.value(key)
            && !found.value.is_array()
        {
            let problem = format!("is {}", type_words(found.value));
            self.sink.wrong(found.at, self.field(key), problem, format!("Begin each entry with a line [[{key}]]."));
            return Vec::new();
        }
        let list = self.list(key);
        list.into_iter()
            .filter_map(|entry| match entry.value.as_table() {
                Some(table) => Some(Table::new(self.sink, self.field(key), entry.at, table)),
                None => {
                    self.wrong_type(key, entry.at, entry.value, "a table, like { … }");
                    None
                }
            })
            .collect()
    }

    /// All keys and values of a table whose keys are free.
    pub fn entries(&self) -> Vec<(At<&'a str>, At<&'a DeValue<'t>>)> {
        let mut entries: Vec<_> =
            self.table.iter().map(|(key, value)| (spanned_key(key), spanned_value(value))).collect();
        entries.sort_by_key(|(key, _)| key.at);
        entries
    }

    /// An id or a name.
    pub fn reference(&self, key: &'static str) -> Option<At<Ref>> {
        let found = self.value(key)?;
        self.as_reference(key, &found).map(|value| At { value, at: found.at })
    }

    /// A list of ids or names.
    pub fn references(&self, key: &'static str) -> Vec<Ref> {
        self.list(key).iter().filter_map(|entry| self.as_reference(key, entry)).collect()
    }

    /// A value as an id or a name; reports what is neither.
    pub fn as_reference(&self, key: &str, found: &At<&'a DeValue<'t>>) -> Option<Ref> {
        let reference = match found.value {
            DeValue::String(text) if !text.trim().is_empty() => Some(Ref::Name(text.trim().to_owned())),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok().map(Ref::Id),
            _ => None,
        };
        if reference.is_none() {
            self.wrong_type(key, found.at, found.value, "a name in quotes or an id (whole number)");
        }
        reference
    }

    /// Reports what is not known, and says where everything stood.
    pub fn done(self) -> Place {
        let known = self.known.into_inner();
        let mut place = Place { header: self.header, keys: BTreeMap::new() };
        for (key, value) in self.table {
            let name: &str = key.get_ref();
            place.keys.insert(name.to_owned(), value.span().start);
            if known.contains(&name) {
                continue;
            }
            let field = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
            let remedy = match nearest(name, known.iter().copied()) {
                Some(near) => format!("Did you mean \"{near}\"?"),
                None => format!("Remove it; known here: {}.", known.join(", ")),
            };
            self.sink.wrong(key.span().start, field, "is not known", remedy);
        }
        place
    }
}

fn spanned_key<'a>(key: &'a Spanned<toml::de::DeString<'_>>) -> At<&'a str> {
    At { value: key.get_ref(), at: key.span().start }
}

fn spanned_value<'a, 't>(value: &'a Spanned<DeValue<'t>>) -> At<&'a DeValue<'t>> {
    At { value: value.get_ref(), at: value.span().start }
}

fn type_words(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
