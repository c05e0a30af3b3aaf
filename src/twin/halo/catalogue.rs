//! The tables behind the look-ups: clients, sites, users, agents, types, statuses and so on.
//!
//! Rows are JSON objects with every member that production clients read (sheet 5.8), because most of
//! them are only handed through; the few that decide something are read by the functions here.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A JSON object.
pub(crate) type Object = Map<String, Value>;

/// One table, by whole-number id.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub(crate) rows: BTreeMap<i64, Object>,
    /// The greatest id ever given, so that a deleted row's is not given again.
    greatest: i64,
}

impl Table {
    /// Adds or replaces a row.
    pub(crate) fn put(&mut self, id: i64, row: Value) {
        if let Value::Object(row) = row {
            self.greatest = self.greatest.max(id);
            self.rows.insert(id, row);
        }
    }

    /// An id not used yet.
    pub(crate) fn next_id(&self) -> i64 {
        self.greatest + 1
    }

    /// A row's text member, empty when it is not there.
    pub(crate) fn text(&self, id: i64, member: &str) -> &str {
        self.rows.get(&id).and_then(|row| row.get(member)).and_then(Value::as_str).unwrap_or("")
    }

    /// A row's number member, 0 when it is not there.
    pub(crate) fn number(&self, id: i64, member: &str) -> i64 {
        self.rows.get(&id).map_or(0, |row| whole(row, member))
    }

    /// A row's truth member.
    pub(crate) fn flag(&self, id: i64, member: &str) -> bool {
        self.rows.get(&id).and_then(|row| row.get(member)).and_then(Value::as_bool).unwrap_or(false)
    }

    /// The id of the row whose member equals the text, ignoring case.
    pub(crate) fn find(&self, member: &str, text: &str) -> Option<i64> {
        let text = text.trim();
        self.rows
            .iter()
            .find(|(_, row)| row.get(member).and_then(Value::as_str).is_some_and(|v| v.eq_ignore_ascii_case(text)))
            .map(|(id, _)| *id)
    }
}

/// A member as a whole number, whether it is spelled 3, 3.0 or "3"; 0 when it is none.
pub(crate) fn whole(row: &Object, member: &str) -> i64 {
    match row.get(member) {
        Some(Value::Number(n)) => n.as_i64().or_else(|| n.as_f64().map(|f| f as i64)).unwrap_or(0),
        Some(Value::String(text)) => text.parse().unwrap_or(0),
        _ => 0,
    }
}

/// All tables of an instance.
#[derive(Debug, Clone, Default)]
pub(crate) struct Catalogue {
    pub(crate) clients: Table,
    pub(crate) sites: Table,
    pub(crate) users: Table,
    pub(crate) agents: Table,
    pub(crate) teams: Table,
    pub(crate) ticket_types: Table,
    pub(crate) statuses: Table,
    /// One row for each SLA × priority, by a running number.
    pub(crate) priorities: Table,
    pub(crate) slas: Table,
    pub(crate) categories: Table,
    pub(crate) outcomes: Table,
    pub(crate) fields: Table,
    /// Pick lists by `lookupid`.
    pub(crate) pick_lists: BTreeMap<i64, Vec<(i64, String)>>,
    /// Tables of modules that hold nothing yet, by path word.
    pub(crate) others: BTreeMap<String, Table>,
}

/// The built-in client that takes what fits nowhere.
pub(crate) const UNKNOWN_CLIENT: i64 = 1;
/// The built-in agent that stands for none.
pub(crate) const UNASSIGNED_AGENT: i64 = 1;
/// The agent the API application is bound to.
pub(crate) const API_AGENT: i64 = 2;

impl Catalogue {
    /// Whether tickets in this status are closed.
    pub(crate) fn closes(&self, status_id: i64) -> bool {
        self.statuses.flag(status_id, "_closed")
    }

    /// Whether the SLA has this priority.
    pub(crate) fn has_priority(&self, sla_id: i64, priority_id: i64) -> bool {
        self.priority(sla_id, priority_id).is_some()
    }

    /// The priority's row in the SLA.
    pub(crate) fn priority(&self, sla_id: i64, priority_id: i64) -> Option<&Object> {
        self.priorities
            .rows
            .values()
            .find(|row| whole(row, "slaid") == sla_id && whole(row, "priorityid") == priority_id)
    }

    /// The client's main site; 0 when it has none.
    pub(crate) fn main_site(&self, client_id: i64) -> i64 {
        self.clients.number(client_id, "main_site_id")
    }

    /// The client's General User; 0 when it has none.
    pub(crate) fn general_user(&self, client_id: i64) -> i64 {
        self.users
            .rows
            .iter()
            .find(|(_, row)| {
                whole(row, "client_id") == client_id && row.get("isgeneraluser") == Some(&Value::Bool(true))
            })
            .map_or(0, |(id, _)| *id)
    }

    /// The outcome by its name, ignoring case.
    pub(crate) fn outcome_named(&self, name: &str) -> Option<i64> {
        self.outcomes.find("outcome", name)
    }

    /// The outcome of a built-in kind (1 opened, 2 changed, 3 user update, 4 merged).
    pub(crate) fn system_outcome(&self, kind: i64) -> i64 {
        self.outcomes.rows.iter().find(|(_, row)| whole(row, "systemid") == kind).map_or(0, |(id, _)| *id)
    }

    /// The id of a category of this level by its full path.
    pub(crate) fn category(&self, level: usize, path: &str) -> i64 {
        self.categories
            .rows
            .iter()
            .find(|(_, row)| {
                whole(row, "type_id") == level as i64
                    && row.get("value").and_then(Value::as_str).is_some_and(|v| v.eq_ignore_ascii_case(path))
            })
            .map_or(0, |(id, _)| *id)
    }

    /// The field's option of this id.
    pub(crate) fn option_name(&self, field_id: i64, option: i64) -> Option<&str> {
        let values = self.fields.rows.get(&field_id)?.get("values")?.as_array()?;
        values
            .iter()
            .filter_map(Value::as_object)
            .find(|row| whole(row, "id") == option)
            .and_then(|row| row.get("name"))
            .and_then(Value::as_str)
    }
}
