//! `POST /Tickets`, `POST /Tickets/Object` and `DELETE /Tickets/{id}` (sheet 3.3 and 3.8).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    Halo,
    catalogue::{Object, UNASSIGNED_AGENT, whole},
    events::Event,
    respond::{self, boolean, check_integers, integer, posted, refused, string},
    text::{date, parse_date, strip_tags, to_html, truth, whole_ms},
    ticket::{CATEGORY_KEYS, EXTRA, Kind, Spelling, Ticket},
};
use crate::twin::wire::{Call, Cx, Reply};

/// Members of a posted ticket that must be whole numbers.
const INTEGERS: &[&str] = &[
    "id",
    "client_id",
    "site_id",
    "user_id",
    "tickettype_id",
    "status_id",
    "priority_id",
    "sla_id",
    "agent_id",
    "team_id",
    "impact",
    "urgency",
    "source",
    "parent_id",
    "merged_into_id",
    "sentinel_display_id",
    "third_party_id",
];

/// Where an id that fits nowhere ends: a default, or a refusal.
fn known(id: Option<i64>, exists: impl Fn(i64) -> bool, refuse: bool, what: &str) -> Result<Option<i64>, Reply> {
    match id {
        Some(id) if exists(id) => Ok(Some(id)),
        Some(id) if refuse => Err(refused(&format!("{what} {id} does not exist"))),
        _ => Ok(None),
    }
}

impl Halo {
    /// `POST /Tickets`: creates those without an id, changes the others; only an array will do.
    pub(crate) fn tickets_post(&mut self, call: &Call, agent_id: i64, cx: &mut Cx<'_>) -> Reply {
        let items = match posted(&call.body, "Faults") {
            Ok(items) => items,
            Err(reply) => return reply,
        };
        self.tickets_write(&items, call, agent_id, cx)
    }

    /// `POST /Tickets/Object`: one bare object.
    pub(crate) fn ticket_post_object(&mut self, call: &Call, agent_id: i64, cx: &mut Cx<'_>) -> Reply {
        match call.json() {
            Some(Value::Object(item)) => self.tickets_write(&[item], call, agent_id, cx),
            _ => respond::one_key(400, "", "A JSON object is required"),
        }
    }

    /// The refusal of every write, where a switch says so.
    pub(crate) fn refuses(&self) -> Option<Reply> {
        let text = Some(self.switches.writes_refused.as_str()).filter(|text| !text.is_empty())?;
        Some(match self.switches.refused_with_200 {
            true => respond::ok(&json!({ "error": "Failed", "error_description": text })),
            false => refused(text),
        })
    }

    fn tickets_write(&mut self, items: &[Object], call: &Call, agent_id: i64, cx: &mut Cx<'_>) -> Reply {
        if let Some(reply) = self.refuses() {
            return reply;
        }
        if let Err(reply) = check_integers(items, INTEGERS) {
            return reply;
        }
        let all = call.query("returnall").is_some_and(truth);
        let mut answers = Vec::new();
        for (n, item) in items.iter().enumerate() {
            let written = match integer(item, "id").filter(|id| *id != 0) {
                Some(id) => self.ticket_update(id, item, agent_id, cx).map(|()| id),
                None => self.ticket_create(item, agent_id, false, cx),
            };
            match written {
                Ok(id) => {
                    let late = self.switches.rules_after_answer;
                    if !late {
                        self.run_rules(id, item, cx.now);
                    }
                    if all || n + 1 == items.len() {
                        let shown = self.shelf.ticket(id).map(|t| Value::Object(self.ticket_full(t, Spelling::Post)));
                        answers.extend(shown);
                    }
                    if late {
                        self.run_rules(id, item, cx.now);
                    }
                }
                Err(reply) => return reply,
            }
        }
        self.created(answers, call)
    }

    /// What a ticket rule makes of a ticket that was just written.
    fn run_rules(&mut self, id: i64, item: &Object, now: Timestamp) {
        let priority = i64::try_from(self.switches.priority_rule).unwrap_or(0);
        if priority == 0 || integer(item, "priority_id").is_none() {
            return;
        }
        let now = whole_ms(now);
        self.shelf.change(id, now, |t| {
            t.priority_id = priority;
            t.last_update = now;
        });
    }

    /// Files a new ticket, writes its first action and tells the webhooks. Returns its number.
    pub(crate) fn ticket_create(
        &mut self,
        item: &Object,
        agent_id: i64,
        by_screen: bool,
        cx: &mut Cx<'_>,
    ) -> Result<i64, Reply> {
        let now = whole_ms(cx.now);
        let window = SignedDuration::from_millis(i64::try_from(self.switches.concurrent_create_ms).unwrap_or(0));
        if !by_screen && self.last_create.is_some_and(|at| cx.now.duration_since(at) < window) {
            return Err(Reply::json(
                500,
                &json!({
                    "ClassName": "System.Data.SqlClient.SqlException",
                    "Message": "Violation of PRIMARY KEY constraint 'PK_FAULTS'. Cannot insert duplicate key in object 'dbo.FAULTS'.",
                }),
            ));
        }
        let summary = string(item, "summary").unwrap_or_default();
        let lenient = boolean(item, "_novalidate").unwrap_or(false);
        if summary.trim().is_empty() && !lenient {
            return Err(refused("Summary is required"));
        }
        let refuse = self.switches.unknown_ids_refused;
        let default_type = self.setup.product.ticket_types().first().map_or(1, |kind| kind.id);
        let kind = known(
            integer(item, "tickettype_id"),
            |id| self.cat.ticket_types.rows.contains_key(&id),
            refuse,
            "Ticket Type",
        )?
        .unwrap_or(default_type);
        let mut t = Ticket {
            id: self.next_ticket,
            guid: cx.ids.uuid_v4().to_string(),
            summary: String::new(),
            details: String::new(),
            details_html: String::new(),
            client_id: 0,
            site_id: 0,
            user_id: 0,
            tickettype_id: kind,
            status_id: self.cat.ticket_types.number(kind, "initial_status").max(1),
            priority_id: self.cat.ticket_types.number(kind, "default_priority"),
            sla_id: self.cat.ticket_types.number(kind, "default_sla"),
            agent_id: UNASSIGNED_AGENT,
            team: self.cat.ticket_types.text(kind, "default_team").to_owned(),
            categories: Default::default(),
            opened: now,
            created: now,
            assigned: None,
            last_action: now,
            last_update: now,
            closed: None,
            was_closed: false,
            closure_agent_id: 0,
            deleted: false,
            merged_into_id: 0,
            custom: Default::default(),
            extra: Default::default(),
            external_links: Vec::new(),
            haystack: String::new(),
        };
        self.merge(&mut t, item, now, agent_id)?;
        self.place(&mut t, item)?;
        self.template(&mut t, item);
        if !lenient && let Some(name) = self.missing(&t, &self.switches.mandatory_fields) {
            return Err(refused(&self.switches.mandatory_text.replace("{}", &name)));
        }
        if t.agent_id != UNASSIGNED_AGENT {
            t.assigned = Some(now);
        }
        t.index();
        let id = t.id;
        self.next_ticket += 1;
        self.last_create = Some(cx.now);
        self.shelf.add(t, now);
        self.write_opened(id, agent_id, by_screen, cx);
        self.emit(Event::New, id, None, agent_id, cx);
        Ok(id)
    }

    /// Changes a ticket by the members sent, and tells the webhooks.
    pub(crate) fn ticket_update(
        &mut self,
        id: i64,
        item: &Object,
        agent_id: i64,
        cx: &mut Cx<'_>,
    ) -> Result<(), Reply> {
        let now = whole_ms(cx.now);
        let not_found = |halo: &Self| {
            respond::one_key(if halo.switches.unknown_ticket_404 { 404 } else { 400 }, "id", "Record not found")
        };
        let Some(before) = self.shelf.ticket(id).filter(|t| !t.deleted).cloned() else { return Err(not_found(self)) };
        let named = |member: &str| integer(item, member).is_some();
        if self.switches.update_needs_type_and_client && !(named("tickettype_id") && named("client_id")) {
            return Err(not_found(self));
        }
        let mut t = before.clone();
        if let Some(kind) = known(
            integer(item, "tickettype_id"),
            |id| self.cat.ticket_types.rows.contains_key(&id),
            self.switches.unknown_ids_refused,
            "Ticket Type",
        )? && kind != t.tickettype_id
        {
            t.tickettype_id = kind;
            t.sla_id = self.cat.ticket_types.number(kind, "default_sla");
            if !self.cat.has_priority(t.sla_id, t.priority_id) {
                t.priority_id = self.cat.ticket_types.number(kind, "default_priority");
            }
        }
        self.merge(&mut t, item, now, agent_id)?;
        if ["client_id", "site_id", "user_id", "users_name", "userlookup"].iter().any(|m| item.contains_key(*m)) {
            self.place(&mut t, item)?;
        }
        if t.closed.is_some() && before.closed.is_none() {
            if self.switches.close_ignored {
                (t.status_id, t.closed, t.closure_agent_id) = (before.status_id, None, 0);
            } else if !boolean(item, "_novalidate").unwrap_or(false)
                && let Some(name) = self.missing(&t, &self.switches.mandatory_closure)
            {
                return Err(refused(&format!("{name} is required before closing")));
            } else if let Some(status) = self.close_rule() {
                (t.status_id, t.closed, t.closure_agent_id) = (status, None, 0);
            }
        }
        if t.agent_id != before.agent_id {
            t.assigned = Some(now);
        }
        t.last_update = now;
        t.index();
        let after = t.status_id;
        let closes = t.closed.is_some() && before.closed.is_none();
        self.shelf.change(id, now, |kept| *kept = t);
        self.emit(Event::Updated, id, None, agent_id, cx);
        if after != before.status_id {
            self.emit(Event::StatusChanged, id, None, agent_id, cx);
        }
        if closes {
            self.emit(Event::Closed, id, None, agent_id, cx);
        }
        Ok(())
    }

    /// The open status in which a closing ends by a rule.
    pub(crate) fn close_rule(&self) -> Option<i64> {
        let name = Some(self.switches.close_becomes.as_str()).filter(|name| !name.is_empty())?;
        self.cat.statuses.find("name", name)
    }

    /// Takes over what was sent, but for where the ticket belongs (see [`Halo::place`]) and its type.
    fn merge(&self, t: &mut Ticket, item: &Object, now: Timestamp, agent_id: i64) -> Result<(), Reply> {
        let refuse = self.switches.unknown_ids_refused;
        if let Some(summary) = string(item, "summary") {
            t.summary = summary;
        }
        match (string(item, "details_html").filter(|html| !html.is_empty()), string(item, "details")) {
            (Some(html), _) => {
                t.details = strip_tags(&html);
                t.details_html = html;
            }
            (None, Some(text)) => {
                t.details_html = to_html(&text);
                t.details = text;
            }
            (None, None) => {}
        }
        if let Some(at) = string(item, "dateoccurred").and_then(|text| parse_date(&text)) {
            t.opened = whole_ms(at);
        }
        let status = known(
            integer(item, "status_id").filter(|id| *id != 0),
            |id| self.cat.statuses.rows.get(&id).is_some_and(|row| whole(row, "type") == 0),
            refuse,
            "Status",
        )?;
        if let Some(status) = status {
            t.status_id = status;
        }
        match (self.cat.closes(t.status_id), t.closed.is_some()) {
            (true, false) => (t.closed, t.was_closed, t.closure_agent_id) = (Some(now), true, agent_id),
            (false, true) => (t.closed, t.closure_agent_id) = (None, 0),
            _ => {}
        }
        if let Some(sla) = integer(item, "sla_id").filter(|id| self.cat.slas.rows.contains_key(id)) {
            t.sla_id = sla;
        }
        if let Some(priority) = integer(item, "priority_id").filter(|id| *id != 0) {
            if self.cat.has_priority(t.sla_id, priority) {
                t.priority_id = priority;
            } else if self.switches.bad_priority_refused {
                return Err(refused(&format!("Priority {priority} does not exist in the SLA of this Ticket")));
            }
        }
        if !self.cat.has_priority(t.sla_id, t.priority_id) {
            t.priority_id = self.cat.ticket_types.number(t.tickettype_id, "default_priority");
        }
        let agents = &self.cat.agents;
        if let Some(agent) = known(
            integer(item, "agent_id").filter(|id| *id != 0),
            |id| agents.rows.contains_key(&id) && !agents.flag(id, "isdisabled"),
            refuse,
            "Agent",
        )? {
            t.agent_id = agent;
        }
        self.merge_team(t, item, refuse)?;
        for (n, category) in t.categories.iter_mut().enumerate() {
            let Some((get, post)) = CATEGORY_KEYS.get(n) else { continue };
            if let Some(path) = string(item, get).or_else(|| string(item, post)) {
                *category = path;
            }
        }
        for (name, kind, _) in EXTRA {
            if let Some(value) = extra_value(item, name, *kind) {
                t.extra.insert(name, value);
            }
        }
        self.merge_custom(t, item);
        if let Some(Value::Object(link)) = item.get("new_external_link") {
            let mut link = link.clone();
            link.insert("halo_id".into(), t.id.into());
            link.insert("id".into(), (t.external_links.len() + 1).into());
            t.external_links.push(Value::Object(link));
        }
        Ok(())
    }

    /// The team, by its name; by its id only where a switch says so.
    fn merge_team(&self, t: &mut Ticket, item: &Object, refuse: bool) -> Result<(), Reply> {
        let by_name = string(item, "team").filter(|name| !name.is_empty());
        let by_id = integer(item, "team_id").filter(|id| *id > 0 && self.switches.team_id_accepted);
        let found = match (&by_name, by_id) {
            (Some(name), _) => self.cat.teams.find("name", name),
            (None, Some(id)) => self.cat.teams.rows.contains_key(&id).then_some(id),
            (None, None) => return Ok(()),
        };
        match found {
            Some(id) => t.team = self.cat.teams.text(id, "name").to_owned(),
            None if refuse => return Err(refused("The Team does not exist")),
            None => {}
        }
        Ok(())
    }

    /// `DELETE /Tickets/{id}`: no longer listed; answers with the ticket.
    pub(crate) fn ticket_delete(&mut self, id: i64, agent_id: i64, cx: &mut Cx<'_>) -> Reply {
        let now = whole_ms(cx.now);
        if self.shelf.ticket(id).is_none_or(|t| t.deleted) {
            return Reply::empty(404);
        }
        self.shelf.change(id, now, |t| {
            t.deleted = true;
            t.last_update = now;
        });
        self.emit(Event::Deleted, id, None, agent_id, cx);
        match self.shelf.ticket(id) {
            Some(t) => respond::ok(&Value::Object(self.ticket_full(t, Spelling::Post))),
            None => Reply::empty(404),
        }
    }
}

/// A further member as sent, brought to its type; `None` when it was not sent or does not fit.
fn extra_value(item: &Object, name: &str, kind: Kind) -> Option<Value> {
    match kind {
        Kind::Int => integer(item, name).map(Value::from),
        Kind::Number => item.get(name)?.as_f64().map(Value::from),
        Kind::Text => string(item, name).map(Value::from),
        Kind::Bool => boolean(item, name).map(Value::from),
        Kind::Date => parse_date(&string(item, name)?).map(|at| Value::from(date(at))),
    }
}
