//! Rules of a ticket's parts: its custom fields, whose it is, templates, what must be filled (sheet 3.3, 3.8, 5.7).

use serde_json::{Value, json};

use super::{
    Halo,
    catalogue::{Object, UNASSIGNED_AGENT, UNKNOWN_CLIENT, whole},
    respond::{boolean, integer, refused, string},
    text::{date, parse_date, truth},
    ticket::Ticket,
};
use crate::twin::wire::Reply;

impl Halo {
    /// Custom fields sent as `{id, value}` or `{name, value}`; fields and options that do not exist are left out.
    pub(crate) fn merge_custom(&self, t: &mut Ticket, item: &Object) {
        let Some(Value::Array(list)) = item.get("customfields") else { return };
        for sent in list.iter().filter_map(Value::as_object) {
            let by_id = Some(whole(sent, "id")).filter(|id| *id > 0);
            let Some(id) = by_id.or_else(|| self.cat.fields.find("name", &string(sent, "name")?)) else { continue };
            let Some(field) = self.cat.fields.rows.get(&id) else { continue };
            let Some(value) = sent.get("value") else { continue };
            let text = match value {
                Value::Null => String::new(),
                Value::Array(list) => list
                    .iter()
                    .filter_map(|v| v.as_object().map_or_else(|| v.as_i64(), |o| Some(whole(o, "id"))))
                    .map(|n| n.to_string())
                    .collect::<Vec<_>>()
                    .join(","),
                other => string(sent, "value").unwrap_or_else(|| other.to_string()),
            };
            match whole(field, "type") {
                2 if text.is_empty()
                    || text.trim().parse().is_ok_and(|option| self.cat.option_name(id, option).is_some()) =>
                {
                    t.custom.insert(id, text.trim().into());
                }
                3 => {
                    let kept: Vec<String> = super::text::numbers(&text)
                        .into_iter()
                        .filter(|option| self.cat.option_name(id, *option).is_some())
                        .map(|option| option.to_string())
                        .collect();
                    t.custom.insert(id, kept.join(",").into());
                }
                2 => {}
                4 => match parse_date(&text) {
                    Some(at) => drop(t.custom.insert(id, date(at).into())),
                    None => drop(t.custom.remove(&id)),
                },
                6 => drop(t.custom.insert(id, truth(&text).into())),
                _ => drop(t.custom.insert(id, text.into())),
            }
        }
    }

    /// Client, site and requester: what does not belong together ends on "Unknown" without a word (sheet 7.3, 5).
    pub(crate) fn place(&self, t: &mut Ticket, item: &Object) -> Result<(), Reply> {
        let cat = &self.cat;
        let id = |member: &str| integer(item, member).filter(|id| *id > 0);
        let looked_up = item.get("userlookup").and_then(Value::as_object).map(|o| whole(o, "id"));
        let user = id("user_id").or(looked_up.filter(|id| *id > 0)).filter(|id| cat.users.rows.contains_key(id));
        let site = id("site_id").filter(|id| cat.sites.rows.contains_key(id));
        let wanted = id("client_id");
        if let Some(client) = wanted
            && !cat.clients.rows.contains_key(&client)
            && self.switches.unknown_client_refused
        {
            return Err(refused(&format!("Client {client} does not exist")));
        }
        let kept = Some(t.client_id).filter(|id| *id > 0);
        let client = wanted
            .or_else(|| site.map(|id| cat.sites.number(id, "client_id")))
            .or_else(|| user.map(|id| cat.users.number(id, "client_id")))
            .or(kept)
            .filter(|id| cat.clients.rows.contains_key(id))
            .unwrap_or(UNKNOWN_CLIENT);
        let fits = site.is_none_or(|id| cat.sites.number(id, "client_id") == client);
        let moved = client != t.client_id || !fits;
        t.client_id = if fits { client } else { UNKNOWN_CLIENT };
        let by_name = string(item, "users_name").and_then(|name| {
            let is = |row: &&Object| {
                row.get("name").and_then(Value::as_str).is_some_and(|n| n.eq_ignore_ascii_case(name.trim()))
            };
            cat.users
                .rows
                .values()
                .filter(|row| whole(row, "client_id") == t.client_id)
                .find(is)
                .map(|row| whole(row, "id"))
        });
        let belongs = |id: &i64| cat.users.number(*id, "client_id") == t.client_id;
        t.user_id = match user.or(by_name).filter(belongs) {
            Some(user) => user,
            None if moved || looked_up == Some(-1) || t.user_id == 0 => cat.general_user(t.client_id),
            None => t.user_id,
        };
        let users_site = user.filter(belongs).map(|id| cat.users.number(id, "site_id"));
        t.site_id = match site.filter(|_| fits).or(users_site) {
            Some(site) => site,
            None if moved || t.site_id == 0 => cat.main_site(t.client_id),
            None => t.site_id,
        };
        Ok(())
    }

    /// A template of the type overwrites what was sent, unless told not to (sheet 7.3, 15).
    pub(crate) fn template(&self, t: &mut Ticket, item: &Object) {
        let is_security = self.cat.ticket_types.text(t.tickettype_id, "name") == super::SECURITY_TYPE;
        let has = self.cat.ticket_types.flag(t.tickettype_id, "_template")
            || (is_security && self.switches.template_on_security_type);
        if !has || boolean(item, "donotapplytemplateintheapi").unwrap_or(false) {
            return;
        }
        t.priority_id = self.cat.ticket_types.number(t.tickettype_id, "default_priority");
        t.team = self.cat.ticket_types.text(t.tickettype_id, "default_team").to_owned();
        t.agent_id = UNASSIGNED_AGENT;
        t.status_id = self.cat.ticket_types.number(t.tickettype_id, "initial_status").max(1);
        if !self.cat.closes(t.status_id) {
            (t.closed, t.closure_agent_id) = (None, 0);
        }
    }

    /// The first member or custom field of the list that the ticket has nothing in.
    pub(crate) fn missing(&self, t: &Ticket, list: &str) -> Option<String> {
        let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
        names
            .filter(|name| match self.cat.fields.find("name", name) {
                Some(id) => t.custom.get(&id).is_none_or(|v| v == ""),
                None => match *name {
                    "summary" => t.summary.trim().is_empty(),
                    "details" | "details_html" => t.details.trim().is_empty(),
                    "category_1" => t.categories.first().is_none_or(String::is_empty),
                    "agent_id" => t.agent_id == UNASSIGNED_AGENT,
                    "client_id" => t.client_id == UNKNOWN_CLIENT,
                    other => t.extra.get(other).is_none_or(|v| v == "" || v == &json!(0)),
                },
            })
            .map(|name| {
                self.cat.fields.find("name", name).map_or(name, |id| self.cat.fields.text(id, "label")).to_owned()
            })
            .next()
    }

    /// Whether a ticket may be closed by an action now.
    pub(crate) fn may_close(&self, ticket_id: i64, item: &Object) -> Result<(), Reply> {
        let Some(t) = self.shelf.ticket(ticket_id) else { return Ok(()) };
        match self.missing(t, &self.switches.mandatory_closure) {
            Some(name) if !boolean(item, "_novalidate").unwrap_or(false) => {
                Err(refused(&format!("{name} is required before closing")))
            }
            _ => Ok(()),
        }
    }
}
