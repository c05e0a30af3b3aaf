//! What people do in Halo's own screens, and what may be seen from outside.
//!
//! The acts serve the twin's page, its admin routes, the demo and the simulation. They need no token,
//! count against no limit, and write as an agent at the screen (or a user by mail), not as the API application.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Halo,
    action::Action,
    catalogue::{API_AGENT, Object, Table, whole},
    events::Event,
    respond::{boolean, integer, refused, string},
    text::whole_ms,
    ticket::{Spelling, Ticket},
};
use crate::twin::wire::{Cx, Reply};

/// The first of the stock people, who acts when nobody is named.
const FIRST_PERSON: i64 = API_AGENT + 1;

/// The verbs of [`Halo::act`], each with the members of its body.
pub const ACTS: &[(&str, &str)] = &[
    (
        "ticket.create",
        "any member of a ticket; status, priority, client and agent also by name; agent_by = who opens it",
    ),
    ("ticket.note", "ticket_id, text or html, private (default false), outcome, agent"),
    ("ticket.mail", "ticket_id, text or html: the requester answers by mail"),
    ("ticket.status", "ticket_id, status (id or name), text, agent"),
    (
        "ticket.close",
        "ticket_id, status (default the stock closed one), text, agent, and any member or customfields to fill first",
    ),
    ("ticket.reopen", "ticket_id, status (default In Progress), text, agent"),
    ("ticket.update", "ticket_id and any member of a ticket; status, priority, client and agent also by name"),
    ("ticket.move", "ticket_id, client (id or name)"),
    ("ticket.merge", "from, into, agent"),
    ("ticket.delete", "ticket_id, agent"),
    ("note.edit", "ticket_id, id, text or html, private"),
    ("note.delete", "ticket_id, id"),
];

impl Halo {
    /// The tickets, in the order of their numbers, deleted ones too.
    pub fn tickets(&self) -> impl Iterator<Item = &Arc<Ticket>> {
        self.shelf.by_id.values().map(|filed| &filed.now)
    }

    /// A ticket by number, also a deleted one.
    pub fn ticket(&self, id: i64) -> Option<&Ticket> {
        self.shelf.ticket(id)
    }

    /// A ticket's actions, oldest first.
    pub fn actions(&self, ticket_id: i64) -> impl Iterator<Item = &Action> {
        self.shelf.by_id.get(&ticket_id).into_iter().flat_map(|filed| filed.actions.values())
    }

    /// The name of a status, priority, client, agent, ticket type or site, for pages; empty when there is none.
    pub fn name_of(&self, what: &str, id: i64) -> &str {
        match what {
            "status" => self.cat.statuses.text(id, "name"),
            "client" => self.cat.clients.text(id, "name"),
            "agent" => self.cat.agents.text(id, "name"),
            "tickettype" => self.cat.ticket_types.text(id, "name"),
            "site" => self.cat.sites.text(id, "name"),
            "user" => self.cat.users.text(id, "name"),
            _ => "",
        }
    }

    /// The name of a ticket's priority within its SLA.
    pub fn priority_name(&self, ticket: &Ticket) -> &str {
        self.cat
            .priority(ticket.sla_id, ticket.priority_id)
            .and_then(|row| row.get("name"))
            .and_then(Value::as_str)
            .unwrap_or("")
    }

    /// What can be chosen, for pages: `clients`, `statuses`, `agents`, `outcomes`, `ticket_types`, `verdicts`, `fields` as id
    /// and name.
    pub fn choices(&self, what: &str) -> Vec<(i64, String)> {
        let named = |table: &Table, member: &str| -> Vec<(i64, String)> {
            table.rows.keys().map(|id| (*id, table.text(*id, member).to_owned())).collect()
        };
        match what {
            "clients" => named(&self.cat.clients, "name"),
            "statuses" => {
                self.ticket_statuses().map(|(id, row)| (id, string(row, "name").unwrap_or_default())).collect()
            }
            "agents" => named(&self.cat.agents, "name"),
            "outcomes" => {
                let mut list = named(&self.cat.outcomes, "outcome");
                list.retain(|(id, _)| self.cat.outcomes.number(*id, "systemid") == 0);
                list
            }
            "ticket_types" => named(&self.cat.ticket_types, "name"),
            "verdicts" => self.verdicts(),
            "fields" => named(&self.cat.fields, "name"),
            _ => Vec::new(),
        }
    }

    /// Values of the stock set-up's field for a verdict.
    fn verdicts(&self) -> Vec<(i64, String)> {
        let fields = &self.cat.fields;
        let field = fields.rows.keys().find(|id| fields.text(**id, "name") == "CFSentinelClassification");
        let row = field.and_then(|id| fields.rows.get(id));
        let values = row.and_then(|row| row.get("values")).and_then(Value::as_array);
        let value = |value: &Value| Some((value.get("id")?.as_i64()?, value.get("name")?.as_str()?.to_owned()));
        values.into_iter().flatten().filter_map(value).collect()
    }

    /// The product's name as people write it.
    pub fn product_name(&self) -> &'static str {
        match self.setup.product {
            crate::twin::options::Product::Itsm => "HaloITSM",
            crate::twin::options::Product::Psa => "HaloPSA",
        }
    }

    /// End state for checks: product, tenant and every ticket with its actions (oldest first, with HTML).
    pub fn state(&self) -> Value {
        let tickets: Vec<Value> = self
            .shelf
            .by_id
            .values()
            .map(|filed| {
                let mut full = self.ticket_full(&filed.now, Spelling::Get);
                let cat = &self.cat;
                full.insert("status_name".into(), cat.statuses.text(filed.now.status_id, "name").into());
                full.insert("priority_name".into(), self.priority_name(&filed.now).into());
                let actions =
                    filed.actions.values().map(|a| Value::Object(self.show_action(filed.now.id, a, true))).collect();
                full.insert("actions".into(), Value::Array(actions));
                Value::Object(full)
            })
            .collect();
        json!({ "product": self.setup.product.name(), "tenant": self.setup.tenant, "tickets": tickets })
    }

    /// A person's act (see [`ACTS`]). Answers 200 with the ticket as `GET` shows it, 400 or 404 with
    /// `{"error": …}` or Halo's own refusal.
    pub fn act(&mut self, verb: &str, body: &Value, cx: &mut Cx<'_>) -> Reply {
        self.tick(cx);
        let Some(body) = body.as_object() else { return wrong("the body must be a JSON object") };
        let done = match verb {
            "ticket.create" => self.act_create(body, cx),
            "ticket.merge" => self.act_merge(body, cx),
            _ => {
                let Some(id) = integer(body, "ticket_id").or_else(|| integer(body, "ticket")) else {
                    return wrong("ticket_id is missing");
                };
                if self.shelf.ticket(id).is_none_or(|t| t.deleted) {
                    return Reply::json(404, &json!({ "error": format!("there is no ticket {id}") }));
                }
                self.act_on(verb, id, body, cx).map(|()| id)
            }
        };
        match done {
            Ok(id) => match self.shelf.ticket(id) {
                Some(t) => Reply::json(200, &Value::Object(self.ticket_full(t, Spelling::Get))),
                None => Reply::json(404, &json!({ "error": format!("there is no ticket {id}") })),
            },
            Err(reply) => reply,
        }
    }

    fn act_on(&mut self, verb: &str, id: i64, body: &Object, cx: &mut Cx<'_>) -> Result<(), Reply> {
        let agent = self.agent_of(body, "agent")?;
        match verb {
            "ticket.note" => self.act_note(id, body, agent, None, "Note", cx),
            "ticket.mail" => {
                let user = self.shelf.ticket(id).map_or(0, |t| t.user_id);
                let author = super::note::Author {
                    agent_id: 0,
                    user_id: user.max(1),
                    name: self.cat.users.text(user, "name").to_owned(),
                    application: String::new(),
                };
                let mut item = texts_of(body);
                item.insert("hiddenfromuser".into(), false.into());
                let outcome = self.cat.system_outcome(3);
                self.write_action(id, outcome, &item, &author, cx).map(drop)
            }
            "ticket.status" => {
                let status = self.status_of(body)?.ok_or_else(|| wrong("status is missing"))?;
                self.act_note(id, body, agent, Some(status), "Note", cx)
            }
            "ticket.close" => {
                let closed = self.setup.product.statuses().iter().find(|s| s.closed).map_or(9, |s| s.id);
                let status = self.status_of(body)?.unwrap_or(closed);
                self.fill(id, body, agent, cx)?;
                self.act_note(id, body, agent, Some(status), "Close", cx)
            }
            "ticket.reopen" => {
                let status = self.status_of(body)?.unwrap_or(2);
                self.act_note(id, body, agent, Some(status), "Re-open", cx)
            }
            "ticket.update" | "ticket.move" => {
                let mut item = self.named_members(body)?;
                item.insert("id".into(), id.into());
                // The screen always sends what Halo wants, whatever a tenant demands of the API.
                if let Some(t) = self.shelf.ticket(id) {
                    item.entry("tickettype_id").or_insert(t.tickettype_id.into());
                    item.entry("client_id").or_insert(t.client_id.into());
                }
                self.ticket_update(id, &item, agent, cx)
            }
            "ticket.delete" => {
                self.ticket_delete(id, agent, cx);
                Ok(())
            }
            "note.edit" => {
                let mut item = texts_of(body);
                if let Some(private) = boolean(body, "private") {
                    item.insert("hiddenfromuser".into(), private.into());
                }
                let action = integer(body, "id").unwrap_or(0);
                self.action_edit(id, action, &item, cx).map(drop).ok_or_else(|| wrong("there is no such note"))
            }
            "note.delete" => {
                let action = integer(body, "id").unwrap_or(0);
                self.remove_note(id, action, cx).map(drop).ok_or_else(|| wrong("there is no such note"))
            }
            other => Err(wrong(&format!("no such act: {other}"))),
        }
    }

    fn act_create(&mut self, body: &Object, cx: &mut Cx<'_>) -> Result<i64, Reply> {
        let by = self.agent_of(body, "agent_by")?;
        let mut item = self.named_members(body)?;
        item.remove("id");
        self.ticket_create(&item, by, true, cx)
    }

    fn act_note(
        &mut self,
        id: i64,
        body: &Object,
        agent: i64,
        status: Option<i64>,
        usual: &str,
        cx: &mut Cx<'_>,
    ) -> Result<(), Reply> {
        let private = boolean(body, "private").or_else(|| boolean(body, "hiddenfromuser"));
        let usual = if private == Some(true) && usual == "Note" { "Private Note" } else { usual };
        let name = string(body, "outcome").unwrap_or_else(|| usual.to_owned());
        let outcome = match integer(body, "outcome_id").or_else(|| self.cat.outcome_named(&name)) {
            Some(outcome) if self.cat.outcomes.rows.contains_key(&outcome) => outcome,
            _ => return Err(wrong(&format!("there is no outcome {name}"))),
        };
        let mut item = texts_of(body);
        for member in
            ["important", "timetaken", "sync_to_sentinel", "sentinel_classification", "sentinel_classification_reason"]
        {
            if let Some(value) = body.get(member) {
                item.insert(member.into(), value.clone());
            }
        }
        if let Some(private) = private {
            item.insert("hiddenfromuser".into(), private.into());
        }
        if let Some(status) = status {
            item.insert("new_status".into(), status.into());
        }
        let author = self.at_screen(agent);
        self.write_action(id, outcome, &item, &author, cx).map(drop)
    }

    /// Fills the ticket members that came with a closing, before it closes.
    fn fill(&mut self, id: i64, body: &Object, agent: i64, cx: &mut Cx<'_>) -> Result<(), Reply> {
        let mut item = self.named_members(body)?;
        for member in ["status_id", "agent_id", "details", "details_html", "summary"] {
            item.remove(member);
        }
        if item.keys().any(|k| k == "customfields" || k.starts_with("category") || k == "closure_note") {
            if let Some(t) = self.shelf.ticket(id) {
                item.entry("tickettype_id").or_insert(t.tickettype_id.into());
                item.entry("client_id").or_insert(t.client_id.into());
            }
            self.ticket_update(id, &item, agent, cx)?;
        }
        Ok(())
    }

    fn act_merge(&mut self, body: &Object, cx: &mut Cx<'_>) -> Result<i64, Reply> {
        let number = |name: &str| integer(body, name).or_else(|| integer(body, &format!("{name}_id")));
        let (Some(from), Some(into)) = (number("from").or_else(|| integer(body, "ticket_id")), number("into")) else {
            return Err(wrong("from and into are missing"));
        };
        let there = |id| self.shelf.ticket(id).is_some_and(|t| !t.deleted);
        if from == into || !there(from) || !there(into) {
            return Err(refused("These Tickets cannot be merged"));
        }
        let agent = self.agent_of(body, "agent")?;
        let now = whole_ms(cx.now);
        let author = self.at_screen(agent);
        let closed = self.setup.product.statuses().iter().find(|s| s.closed).map_or(9, |s| s.id);
        let outcome = self.cat.system_outcome(4);
        self.shelf.change(from, now, |t| t.merged_into_id = into);
        let mut item = Object::new();
        item.insert("note".into(), format!("Merged into ticket {into}").into());
        item.insert("new_status".into(), closed.into());
        item.insert("_novalidate".into(), true.into());
        self.write_action(from, outcome, &item, &author, cx)?;
        let mut item = Object::new();
        item.insert("note".into(), format!("Ticket {from} was merged into this ticket").into());
        self.write_action(into, outcome, &item, &author, cx)?;
        self.emit(Event::Updated, into, None, agent, cx);
        Ok(into)
    }

    /// An agent named by id, mail address or name; the first of the stock people when none is named.
    fn agent_of(&self, body: &Object, member: &str) -> Result<i64, Reply> {
        self.find(body, &[member, &format!("{member}_id")], &self.cat.agents, &["email", "name"])
            .map(|id| id.unwrap_or(FIRST_PERSON))
    }

    fn status_of(&self, body: &Object) -> Result<Option<i64>, Reply> {
        self.find(body, &["status", "status_id", "new_status"], &self.cat.statuses, &["name"])
    }

    fn find(&self, body: &Object, members: &[&str], table: &Table, by: &[&str]) -> Result<Option<i64>, Reply> {
        for member in members {
            let Some(given) = body.get(*member).filter(|v| !v.is_null()) else { continue };
            let number = whole(body, member);
            if number > 0 && table.rows.contains_key(&number) {
                return Ok(Some(number));
            }
            let text = given.as_str().unwrap_or("");
            return match by.iter().find_map(|column| table.find(column, text)) {
                Some(id) if !text.is_empty() => Ok(Some(id)),
                _ => Err(wrong(&format!("{member} {given} does not exist"))),
            };
        }
        Ok(None)
    }

    /// The body with names turned into the ids a ticket carries.
    fn named_members(&self, body: &Object) -> Result<Object, Reply> {
        let mut item = body.clone();
        if let Some(status) = self.status_of(body)? {
            item.insert("status_id".into(), status.into());
        }
        if let Some(client) = self.find(body, &["client"], &self.cat.clients, &["name"])? {
            item.insert("client_id".into(), client.into());
        }
        if let Some(agent) = self.find(body, &["agent", "agent_id"], &self.cat.agents, &["email", "name"])? {
            item.insert("agent_id".into(), agent.into());
        }
        if let Some(kind) = self.find(body, &["tickettype"], &self.cat.ticket_types, &["name"])? {
            item.insert("tickettype_id".into(), kind.into());
        }
        if let Some(name) = body.get("priority").and_then(Value::as_str) {
            let sla = match (
                integer(body, "ticket_id").and_then(|id| self.shelf.ticket(id)),
                integer(&item, "tickettype_id"),
            ) {
                (Some(t), _) => t.sla_id,
                (None, Some(kind)) => self.cat.ticket_types.number(kind, "default_sla"),
                (None, None) => 1,
            };
            let row = self.cat.priorities.rows.values().find(|row| {
                whole(row, "slaid") == sla
                    && row.get("name").and_then(Value::as_str).is_some_and(|n| n.eq_ignore_ascii_case(name))
            });
            let row = row.ok_or_else(|| wrong(&format!("priority {name} does not exist in this SLA")))?;
            item.insert("priority_id".into(), whole(row, "priorityid").into());
        } else if let Some(id) = integer(body, "priority") {
            item.insert("priority_id".into(), id.into());
        }
        Ok(item)
    }
}

/// `text` or `html` (or Halo's own names) as the members of an action.
fn texts_of(body: &Object) -> Object {
    let mut item = Object::new();
    if let Some(html) = string(body, "html").or_else(|| string(body, "note_html")) {
        item.insert("note_html".into(), html.into());
    }
    if let Some(text) = string(body, "text").or_else(|| string(body, "note")) {
        item.insert("note".into(), text.into());
    }
    item
}

fn wrong(message: &str) -> Reply {
    Reply::json(400, &json!({ "error": message }))
}
