//! The look-ups: every list and single record a set-up screen reads (sheet 5).

use serde_json::{Value, json};

use super::{
    Halo,
    catalogue::{Object, Table, UNASSIGNED_AGENT, whole},
    respond,
    text::truth,
};
use crate::twin::wire::{Call, Reply};

/// How a module's list is shaped.
pub(crate) enum Shape {
    /// `{record_count, <key>: [...]}`, paged when asked.
    Envelope(&'static str),
    /// A bare array; paging parameters are ignored (sheet 3.1).
    Array,
}

/// Modules that nothing here depends on, in both products: path word (lower case) and the list's key (empty = bare
/// array). Those that hold something get their rows in [`super::stock_more`].
const OTHER_MODULES: &[(&str, &str)] = &[
    ("appointment", "appointments"),
    ("asset", "assets"),
    ("attachment", "attachments"),
    ("kbarticle", "articles"),
    ("report", "reports"),
    ("supplier", "suppliers"),
    ("timesheetevent", ""),
    ("budgettype", ""),
    ("cannedtext", ""),
    ("organisation", ""),
    ("field", ""),
    ("roles", ""),
    ("workflow", ""),
    ("workday", ""),
    ("toplevel", "toplevels"),
    ("customtable", ""),
    ("assettype", ""),
    ("assetgroup", ""),
    ("ticketrules", ""),
    ("tabs", ""),
    ("viewlists", ""),
    ("viewcolumns", ""),
    ("viewfilter", ""),
    ("viewlistgroup", ""),
    ("dashboardlinks", ""),
    ("faqlists", ""),
    ("service", "services"),
    ("softwarelicence", "licences"),
    ("crmnote", "actions"),
    ("control", ""),
    ("custombutton", ""),
    ("billingtemplate", ""),
    ("azureadconnection", ""),
    ("purchaseorder", "purchaseorders"),
    ("timesheet", ""),
];

impl Halo {
    /// The table and list shape behind a path word in lower case; `None` when this product has no such module.
    pub(crate) fn table_of(&self, word: &str) -> Option<(&Table, Shape)> {
        let cat = &self.cat;
        Some(match word {
            "client" | "clients" => (&cat.clients, Shape::Envelope("clients")),
            "site" | "sites" => (&cat.sites, Shape::Envelope("sites")),
            "users" | "user" => (&cat.users, Shape::Envelope("users")),
            "agent" | "agents" => (&cat.agents, Shape::Array),
            "team" | "teams" => (&cat.teams, Shape::Array),
            "tickettype" => (&cat.ticket_types, Shape::Array),
            "status" => (&cat.statuses, Shape::Array),
            "priority" => (&cat.priorities, Shape::Array),
            "sla" => (&cat.slas, Shape::Array),
            "category" => (&cat.categories, Shape::Array),
            "outcome" => (&cat.outcomes, Shape::Array),
            "fieldinfo" => (&cat.fields, Shape::Array),
            _ => {
                let all = OTHER_MODULES.iter().chain(self.setup.product.own_modules());
                let (_, key) = all.into_iter().find(|(name, _)| *name == word)?;
                let shape = if key.is_empty() { Shape::Array } else { Shape::Envelope(key) };
                (cat.others.get(word).unwrap_or(&self.empty), shape)
            }
        })
    }

    /// `GET` of a look-up list.
    pub(crate) fn lookup_list(&self, word: &str, call: &Call) -> Option<Reply> {
        let word = word.to_ascii_lowercase();
        if word == "lookup" {
            return Some(self.pick_list(call));
        }
        let (table, shape) = self.table_of(&word)?;
        let filter = Filter::of(&word, call);
        let rows: Vec<&Object> =
            table.rows.iter().filter(|(id, row)| filter.keeps(**id, row)).map(|(_, row)| row).collect();
        let shape = match word.as_str() {
            "agent" | "agents" if self.agents_enveloped(call) => Shape::Envelope("results"),
            _ => shape,
        };
        Some(match shape {
            Shape::Array => {
                let list = rows.iter().map(|row| Value::Object(show(row, &word, call))).collect();
                respond::ok(&Value::Array(list))
            }
            Shape::Envelope(key) => {
                let (page, count, extra) = page_of(&rows, call);
                let list: Vec<Value> = page.iter().map(|row| Value::Object(show(row, &word, call))).collect();
                let mut body = Object::new();
                if let Some((page_no, page_size)) = extra {
                    body.insert("page_no".into(), page_no.into());
                    body.insert("page_size".into(), page_size.into());
                }
                body.insert("record_count".into(), count.into());
                body.insert(key.into(), Value::Array(list));
                respond::ok(&Value::Object(body))
            }
        })
    }

    fn agents_enveloped(&self, call: &Call) -> bool {
        match self.switches.agents_shape.as_str() {
            "array" => false,
            "results" => true,
            _ => call.query("includedetails").is_some_and(truth),
        }
    }

    /// `GET` of one record by number or, for priorities and the like, by its GUID.
    pub(crate) fn lookup_one(&self, word: &str, id: &str, call: &Call) -> Option<Reply> {
        let word = word.to_ascii_lowercase();
        if word == "lookup" {
            return Some(self.pick_list_item(id, call));
        }
        let (table, _) = self.table_of(&word)?;
        let row = match id.parse::<i64>() {
            // A priority's number is its own within its SLA alone.
            Ok(number) if word == "priority" => {
                let filter = Filter::of(&word, call);
                table
                    .rows
                    .iter()
                    .find(|(at, row)| whole(row, "priorityid") == number && filter.keeps(**at, row))
                    .map(|(_, row)| row)
            }
            Ok(number) => table.rows.get(&number),
            Err(_) => table.rows.values().find(|row| {
                ["id", "guid"]
                    .iter()
                    .any(|m| row.get(*m).and_then(Value::as_str).is_some_and(|v| v.eq_ignore_ascii_case(id)))
            }),
        };
        let Some(row) = row else { return Some(Reply::empty(404)) };
        let mut shown = show(row, &word, call);
        if word == "tickettype" && call.query("includedetails").is_some_and(truth) {
            self.ticket_type_details(&mut shown);
        }
        if word == "fieldinfo" || word == "sla" {
            for member in ["values", "priorities"] {
                if let Some(list) = row.get(member) {
                    shown.insert(member.into(), list.clone());
                }
            }
        }
        Some(respond::ok(&Value::Object(shown)))
    }

    /// Fields and allowed statuses of a ticket type, with its details.
    fn ticket_type_details(&self, shown: &mut Object) {
        let fields: Vec<Value> = self
            .cat
            .fields
            .rows
            .iter()
            .map(|(id, row)| {
                let name = row.get("name").and_then(Value::as_str).unwrap_or("");
                let mandatory = self.switches.mandatory_fields.split(',').any(|m| m.trim().eq_ignore_ascii_case(name));
                json!({
                    "fieldid": id, "fieldname": name, "mandatory": mandatory, "technew": 1, "tabname": "Details",
                    "fieldinfo": { "id": id, "name": name, "label": row.get("label"), "type": row.get("type") },
                })
            })
            .collect();
        let statuses: Vec<Value> =
            self.ticket_statuses().map(|(id, row)| json!({ "id": id, "name": row.get("name") })).collect();
        shown.insert("fields".into(), Value::Array(fields));
        shown.insert("allowed_statuses".into(), Value::Array(statuses));
    }

    /// The statuses that belong to tickets.
    pub(crate) fn ticket_statuses(&self) -> impl Iterator<Item = (i64, &Object)> {
        self.cat.statuses.rows.iter().filter(|(_, row)| whole(row, "type") == 0).map(|(id, row)| (*id, row))
    }

    fn pick_list(&self, call: &Call) -> Reply {
        respond::ok(&Value::Array(self.pick_list_rows(call)))
    }

    /// An item's number is its own within its list alone.
    fn pick_list_item(&self, id: &str, call: &Call) -> Reply {
        let id = id.parse::<i64>().ok();
        let own = |row: &Value| id.is_some() && row.get("id").and_then(Value::as_i64) == id;
        self.pick_list_rows(call).into_iter().find(own).map_or_else(|| Reply::empty(404), |row| respond::ok(&row))
    }

    fn pick_list_rows(&self, call: &Call) -> Vec<Value> {
        let id = call.query("lookupid").and_then(|v| v.parse::<i64>().ok()).unwrap_or(11);
        let rows = self.cat.pick_lists.get(&id).into_iter().flatten();
        rows.map(|(value, name)| json!({ "id": value, "lookupid": id, "name": name, "value2": "", "value3": "", "system": false, "use": "lookup" }))
            .collect()
    }
}

/// The part of an envelope list asked for: rows, how many there are in all, page and size when paged.
fn page_of<'a>(rows: &[&'a Object], call: &Call) -> (Vec<&'a Object>, usize, Option<(usize, usize)>) {
    let number = |name: &str| call.query(name).and_then(|v| v.parse::<usize>().ok()).filter(|n| *n > 0);
    if call.query("pageinate").is_some_and(truth) {
        let (page_no, size) = (number("page_no").unwrap_or(1), number("page_size").unwrap_or(50));
        let from = page_no.saturating_sub(1).saturating_mul(size);
        return (rows.iter().skip(from).take(size).copied().collect(), rows.len(), Some((page_no, size)));
    }
    let count = number("count").unwrap_or(usize::MAX);
    (rows.iter().take(count).copied().collect(), rows.len(), None)
}

/// A row without the twin's own marks (members that begin with "_") and without lists that must be asked for.
fn show(row: &Object, word: &str, call: &Call) -> Object {
    let on = |name: &str| call.query(name).is_some_and(truth);
    row.iter()
        .filter(|(member, _)| match member.as_str() {
            "values" => on("includevalues"),
            "priorities" => word == "sla" && on("showpriorities"),
            other => !other.starts_with('_'),
        })
        .map(|(member, value)| (member.clone(), value.clone()))
        .collect()
}

/// Which rows of a look-up a call asks for.
struct Filter<'a> {
    word: &'a str,
    call: &'a Call,
    search: String,
    equal: Vec<(&'static str, i64)>,
}

impl<'a> Filter<'a> {
    fn of(word: &'a str, call: &'a Call) -> Self {
        let number = |name: &str| call.query(name).and_then(|v| v.parse::<i64>().ok()).filter(|n| *n > 0);
        let mut equal = Vec::new();
        let mut want = |query: &str, member: &'static str| {
            if let Some(n) = number(query) {
                equal.push((member, n));
            }
        };
        match word {
            "client" | "clients" => want("toplevel_id", "toplevel_id"),
            "site" | "sites" => want("client_id", "client_id"),
            "users" | "user" => {
                want("client_id", "client_id");
                want("site_id", "site_id");
            }
            "priority" => want("slaid", "slaid"),
            "category" => want("type_id", "type_id"),
            _ => {}
        }
        let search = call.query("search").unwrap_or("").to_lowercase();
        Self { word, call, search, equal }
    }

    fn on(&self, name: &str) -> bool {
        self.call.query(name).is_some_and(truth)
    }

    fn off(&self, name: &str) -> bool {
        self.call.query(name).is_some_and(|v| !truth(v))
    }

    fn keeps(&self, id: i64, row: &Object) -> bool {
        let is = |member: &str| row.get(member).and_then(Value::as_bool).unwrap_or(false);
        if self.equal.iter().any(|(member, n)| whole(row, member) != *n) {
            return false;
        }
        if !self.search.is_empty() {
            let found = ["name", "emailaddress", "email", "value", "outcome", "label"]
                .iter()
                .any(|m| row.get(*m).and_then(Value::as_str).is_some_and(|v| v.to_lowercase().contains(&self.search)));
            if !found {
                return false;
            }
        }
        match self.word {
            "client" | "clients" if self.on("issentinel") && text_of(row, "sentinel_workspace_name").is_empty() => {
                false
            }
            // "inactive" rows come only when asked for; active ones unless asked away (sheet 5.2).
            "client" | "clients" | "site" | "sites" | "users" | "user" => {
                if is("inactive") {
                    self.on("includeinactive")
                } else {
                    !self.off("includeactive")
                }
            }
            "agent" | "agents" if self.on("showall") => true,
            "agent" | "agents" => match id {
                UNASSIGNED_AGENT => self.on("includeunassigned"),
                _ if is("is_api_agent") => self.on("includeapiagents"),
                _ if is("isdisabled") => self.on("includedisabled"),
                _ => !self.off("includeenabled"),
            },
            "status" => !(self.on("excludeclosed") && is("_closed")),
            "outcome" => {
                !(self.on("excludesystemactions") && whole(row, "systemid") > 0)
                    && (!is("hidden") || self.on("showhidden"))
            }
            "tickettype" | "team" | "teams" => !is("inactive") || self.on("showall"),
            _ => true,
        }
    }
}

/// A text member, empty when there is none.
fn text_of<'a>(row: &'a Object, member: &str) -> &'a str {
    row.get(member).and_then(Value::as_str).unwrap_or("")
}
