//! Writing to the look-ups: `POST /Client`, `/Site`, `/Users` and so on, arrays as for tickets (sheet 5.1).

use serde_json::Value;

use super::{
    Halo,
    catalogue::{Object, Table, UNKNOWN_CLIENT, whole},
    respond::{self, check_integers, integer, posted, refused, string},
    stock,
};
use crate::twin::wire::{Call, Reply};

impl Halo {
    fn table_mut(&mut self, word: &str) -> Option<&mut Table> {
        let known = self.table_of(word).is_some();
        let cat = &mut self.cat;
        match word {
            "client" | "clients" => Some(&mut cat.clients),
            "site" | "sites" => Some(&mut cat.sites),
            "users" | "user" => Some(&mut cat.users),
            "agent" | "agents" => Some(&mut cat.agents),
            "team" | "teams" => Some(&mut cat.teams),
            "tickettype" => Some(&mut cat.ticket_types),
            "status" => Some(&mut cat.statuses),
            "category" => Some(&mut cat.categories),
            "outcome" => Some(&mut cat.outcomes),
            "fieldinfo" => Some(&mut cat.fields),
            // Priorities come with their SLA, and SLAs decide every ticket: both are changed on the screen alone.
            "priority" | "sla" => None,
            other => known.then(|| cat.others.entry(other.to_owned()).or_default()),
        }
    }

    /// `POST` of a look-up: creates what has no id, changes the rest. `None` when there is no such module.
    pub(crate) fn lookup_post(&mut self, word: &str, call: &Call) -> Option<Reply> {
        self.table_mut(word)?;
        let items = match posted(&call.body, "Lookup") {
            Ok(items) => items,
            Err(reply) => return Some(reply),
        };
        if let Err(reply) = check_integers(&items, &["id", "client_id", "site_id", "toplevel_id"]) {
            return Some(reply);
        }
        let mut answers = Vec::new();
        for item in items {
            match self.lookup_write(word, item) {
                Ok(row) => answers.push(Value::Object(row)),
                Err(reply) => return Some(reply),
            }
        }
        Some(self.created(answers, call))
    }

    fn lookup_write(&mut self, word: &str, mut item: Object) -> Result<Object, Reply> {
        // The twin's own marks begin with "_"; nobody outside sets them.
        item.retain(|member, _| !member.starts_with('_'));
        let id = match integer(&item, "id").filter(|id| *id > 0) {
            Some(id) => id,
            None => self.lookup_create(word, &item)?,
        };
        let Some(row) = self.table_mut(word).and_then(|table| table.rows.get_mut(&id)) else {
            return Err(respond::one_key(400, "id", "Record not found"));
        };
        item.insert("id".into(), id.into());
        let decimal = matches!(word, "site" | "sites").then(|| whole(&item, "client_id")).filter(|client| *client > 0);
        if let Some(client) = decimal {
            item.insert("client_id".into(), (client as f64).into());
        }
        row.extend(item);
        Ok(row.iter().filter(|(member, _)| !member.starts_with('_')).map(|(k, v)| (k.clone(), v.clone())).collect())
    }

    /// Makes a row with every member such a row has, and returns its id.
    fn lookup_create(&mut self, word: &str, item: &Object) -> Result<i64, Reply> {
        let name = string(item, "name").unwrap_or_default();
        let named = || if name.trim().is_empty() { Err(refused("Name is required")) } else { Ok(name.as_str()) };
        match word {
            "client" | "clients" => {
                let id = self.cat.clients.next_id();
                stock::add_client(&mut self.cat, self.setup.product, id, named()?);
                Ok(id)
            }
            "site" | "sites" => {
                let client = Some(whole(item, "client_id"))
                    .filter(|id| self.cat.clients.rows.contains_key(id))
                    .unwrap_or(UNKNOWN_CLIENT);
                let id = self.cat.sites.next_id();
                let row = stock::site_row(id, named()?, client, self.cat.clients.text(client, "name"));
                self.cat.sites.put(id, row);
                Ok(id)
            }
            "users" | "user" => {
                let site = Some(whole(item, "site_id")).filter(|id| self.cat.sites.rows.contains_key(id));
                let client = site.map_or_else(|| whole(item, "client_id"), |id| self.cat.sites.number(id, "client_id"));
                let client = if self.cat.clients.rows.contains_key(&client) { client } else { UNKNOWN_CLIENT };
                let site = site.unwrap_or_else(|| self.cat.main_site(client));
                let id = self.cat.users.next_id();
                let mail = string(item, "emailaddress").unwrap_or_default();
                let (site_name, client_name) =
                    (self.cat.sites.text(site, "name"), self.cat.clients.text(client, "name"));
                let row = stock::user_row(id, named()?, &mail, (site, site_name), (client, client_name), false);
                self.cat.users.put(id, row);
                Ok(id)
            }
            _ => {
                let given = |member: &str| string(item, member).is_some_and(|text| !text.trim().is_empty());
                let names = naming(word);
                if let Some(first) = names.first().filter(|_| !names.iter().any(|member| given(member))) {
                    return Err(refused(&format!("{first} is required")));
                }
                let Some(table) = self.table_mut(word) else { return Err(Reply::empty(404)) };
                let id = table.next_id();
                // Typed empty values after the pattern of a row that is there.
                let pattern = table.rows.values().next().cloned().unwrap_or_default();
                let blank: Object = pattern
                    .into_iter()
                    .map(|(member, value)| {
                        // What kind of record it is, and the colour it has until somebody chooses another.
                        let kept = matches!(member.as_str(), "use" | "colour");
                        let value = if kept { value } else { emptied(&value) };
                        (member, value)
                    })
                    .collect();
                table.put(id, Value::Object(blank));
                Ok(id)
            }
        }
    }

    /// `DELETE` of a look-up's record; answers with it.
    pub(crate) fn lookup_delete(&mut self, word: &str, id: &str) -> Option<Reply> {
        let table = self.table_mut(word)?;
        let Some(id) = id.parse::<i64>().ok().filter(|id| table.rows.contains_key(id)) else {
            return Some(Reply::empty(404));
        };
        if id == UNKNOWN_CLIENT && matches!(word, "client" | "clients" | "agent" | "agents") {
            return Some(refused("This record is built in and cannot be deleted"));
        }
        let row = table.rows.remove(&id).unwrap_or_default();
        Some(respond::ok(&Value::Object(row.into_iter().filter(|(member, _)| !member.starts_with('_')).collect())))
    }
}

/// The members by which a record of this kind is known: without any of them it is not made.
fn naming(word: &str) -> &'static [&'static str] {
    match word {
        "agent" | "agents" | "team" | "teams" | "tickettype" | "status" => &["name"],
        "category" => &["value", "category_name", "name"],
        "outcome" => &["outcome", "buttonname"],
        "fieldinfo" => &["name", "label"],
        _ => &[],
    }
}

/// The empty value of the same type.
fn emptied(value: &Value) -> Value {
    match value {
        Value::String(_) => "".into(),
        Value::Number(number) if number.is_f64() => 0.0.into(),
        Value::Number(_) => 0.into(),
        Value::Bool(_) => false.into(),
        Value::Array(_) => Value::Array(Vec::new()),
        Value::Object(_) | Value::Null => Value::Null,
    }
}
