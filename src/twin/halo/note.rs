//! Writing actions: `POST /Actions`, `DELETE /Actions/{id}`, and what an action does to its ticket (sheet 4.3, 4.4).

use serde_json::Value;

use super::{
    Halo,
    action::{ACTION_EXTRA, Action, SCREEN},
    catalogue::{API_AGENT, Object},
    events::Event,
    respond::{self, boolean, check_integers, integer, posted, refused, string},
    text::{strip_tags, to_html, whole_ms},
};
use crate::twin::wire::{Call, Cx, Reply};

/// Members of a posted action that must be whole numbers.
const INTEGERS: &[&str] = &["id", "ticket_id", "new_status", "new_agent", "new_priority", "agent_id", "who_agentid"];

/// Who writes.
#[derive(Debug, Clone)]
pub(crate) struct Author {
    pub(crate) agent_id: i64,
    pub(crate) user_id: i64,
    pub(crate) name: String,
    pub(crate) application: String,
}

impl Halo {
    /// The agent at the screen.
    pub(crate) fn at_screen(&self, agent_id: i64) -> Author {
        Author {
            agent_id,
            user_id: 0,
            name: self.cat.agents.text(agent_id, "name").to_owned(),
            application: SCREEN.to_owned(),
        }
    }

    /// The agent behind an API call.
    fn by_api(&self, agent_id: i64) -> Author {
        Author {
            agent_id,
            user_id: 0,
            name: self.cat.agents.text(agent_id, "name").to_owned(),
            application: self.setup.application_name.clone(),
        }
    }

    /// `POST /Actions`.
    pub(crate) fn actions_post(&mut self, call: &Call, agent_id: i64, cx: &mut Cx<'_>) -> Reply {
        let items = match posted(&call.body, "Actions") {
            Ok(items) => items,
            Err(reply) => return reply,
        };
        if let Some(reply) = self.refuses() {
            return reply;
        }
        if let Err(reply) = check_integers(&items, INTEGERS) {
            return reply;
        }
        let mut answers = Vec::with_capacity(items.len());
        for item in &items {
            match self.action_write(item, agent_id, cx) {
                Ok(shown) => answers.push(Value::Object(shown)),
                Err(reply) => return reply,
            }
        }
        self.created(answers, call)
    }

    /// 201 with the last object, or all of them with `returnall`.
    pub(crate) fn created(&self, mut answers: Vec<Value>, call: &Call) -> Reply {
        if call.query("returnall").is_some_and(super::text::truth) {
            return Reply::json(201, &Value::Array(answers));
        }
        let last = answers.pop().unwrap_or(Value::Null);
        Reply::json(201, &if self.switches.post_answer_array { Value::Array(vec![last]) } else { last })
    }

    fn action_write(&mut self, item: &Object, agent_id: i64, cx: &mut Cx<'_>) -> Result<Object, Reply> {
        let Some(ticket_id) = integer(item, "ticket_id").filter(|id| *id > 0) else { return Err(Reply::empty(400)) };
        if self.shelf.ticket(ticket_id).is_none_or(|t| t.deleted) {
            return Err(refused("Ticket not found"));
        }
        if item.get("attachments").and_then(Value::as_array).is_some_and(|files| !files.is_empty()) {
            // Halo would keep them; losing them without a word would be worse than saying so.
            return Err(refused("The twin keeps no attachments"));
        }
        if let Some(id) = integer(item, "id").filter(|id| *id > 0) {
            return self
                .action_edit(ticket_id, id, item, cx)
                .ok_or_else(|| respond::one_key(400, "id", "Record not found"));
        }
        let outcome_id = self.outcome_of(item)?;
        let mut author = self.by_api(agent_id);
        if self.switches.who_impersonates
            && let Some(id) = string(item, "who").and_then(|who| self.cat.agents.find("name", &who))
        {
            author.agent_id = id;
            author.name = self.cat.agents.text(id, "name").to_owned();
        }
        let item = self.under_close_rule(ticket_id, outcome_id, item)?;
        let id = self.write_action(ticket_id, outcome_id, &item, &author, cx)?;
        let action = self.shelf.by_id.get(&ticket_id).and_then(|filed| filed.actions.get(&id));
        Ok(action.map(|a| self.show_action(ticket_id, a, true)).unwrap_or_default())
    }

    /// The action as a rule leaves it: one that closes its ticket ends in the rule's open status.
    fn under_close_rule(&self, ticket_id: i64, outcome_id: i64, item: &Object) -> Result<Object, Reply> {
        let mut item = item.clone();
        let before = self.shelf.ticket(ticket_id).map_or(0, |t| t.status_id);
        let closes = self.cat.closes(self.status_after(outcome_id, &item, before)) && !self.cat.closes(before);
        if let Some(status) = self.close_rule().filter(|_| closes) {
            self.may_close(ticket_id, &item)?;
            item.insert("new_status".into(), status.into());
        }
        Ok(item)
    }

    /// The status that an action puts its ticket in.
    fn status_after(&self, outcome_id: i64, item: &Object, before: i64) -> i64 {
        let wanted = integer(item, "new_status")
            .or_else(|| Some(self.cat.outcomes.number(outcome_id, "newstatus")))
            .filter(|status| *status > 0 && self.cat.statuses.rows.contains_key(status));
        let after = wanted.unwrap_or(before);
        if self.switches.close_ignored && self.cat.closes(after) { before } else { after }
    }

    /// The outcome a posted action names, if there is one and the bound agent may use it.
    fn outcome_of(&self, item: &Object) -> Result<i64, Reply> {
        let missing = || refused("An Outcome must be entered for this Action");
        let no_access = || refused("You do not have access to this Action at the moment");
        let by_id = integer(item, "outcome_id").filter(|id| *id > 0);
        let by_name = string(item, "outcome").filter(|name| !name.trim().is_empty());
        let id = match (by_id, by_name) {
            (Some(id), _) => id,
            (None, Some(name)) => self.cat.outcome_named(&name).ok_or_else(no_access)?,
            (None, None) => return Err(missing()),
        };
        if !self.cat.outcomes.rows.contains_key(&id) {
            return Err(missing());
        }
        let name = self.cat.outcomes.text(id, "outcome");
        let denied = self
            .switches
            .outcomes_denied
            .split(',')
            .map(str::trim)
            .any(|word| !word.is_empty() && (word.eq_ignore_ascii_case(name) || word.parse() == Ok(id)));
        if denied || !self.cat.outcomes.flag(id, "_allowed") || self.cat.outcomes.number(id, "systemid") > 0 {
            return Err(no_access());
        }
        Ok(id)
    }

    /// Writes an action on a ticket, does what it does to the ticket, and tells the webhooks. Returns its number.
    pub(crate) fn write_action(
        &mut self,
        ticket_id: i64,
        outcome_id: i64,
        item: &Object,
        author: &Author,
        cx: &mut Cx<'_>,
    ) -> Result<i64, Reply> {
        let now = whole_ms(cx.now);
        let before = self.shelf.ticket(ticket_id).map_or(0, |t| t.status_id);
        let after = self.status_after(outcome_id, item, before);
        if self.cat.closes(after) && !self.cat.closes(before) {
            self.may_close(ticket_id, item)?;
        }
        let (note, note_html) = texts(item);
        let private =
            boolean(item, "hiddenfromuser").unwrap_or_else(|| self.cat.outcomes.flag(outcome_id, "hidefromuser"));
        let mails = boolean(item, "sendemail").unwrap_or_else(|| self.cat.outcomes.flag(outcome_id, "sendemail"));
        let mut extra = Object::new();
        for (member, _) in ACTION_EXTRA {
            if let Some(text) = string(item, member) {
                extra.insert((*member).to_owned(), text.into());
            }
        }
        for member in ["sync_to_sentinel", "actionarrivaldate", "actioncompletiondate"] {
            if let Some(value) = item.get(member).filter(|v| v.is_boolean() || v.is_string()) {
                extra.insert(member.to_owned(), value.clone());
            }
        }
        let action = Action {
            id: 0,
            guid: cx.ids.uuid_v4().to_string(),
            outcome: self.cat.outcomes.text(outcome_id, "outcome").to_owned(),
            outcome_id,
            system_id: self.cat.outcomes.number(outcome_id, "systemid"),
            who: author.name.clone(),
            agent_id: author.agent_id,
            user_id: author.user_id,
            application: author.application.clone(),
            datetime: now,
            last_updated: now,
            note,
            note_html,
            private,
            important: boolean(item, "important").unwrap_or(false),
            direction: if author.user_id > 0 {
                "I"
            } else if mails {
                "O"
            } else {
                ""
            },
            status: (before, after),
            time_taken: item.get("timetaken").and_then(Value::as_f64).unwrap_or(0.0),
            extra,
        };
        let id = self.shelf.add_action(ticket_id, action).ok_or_else(|| refused("Ticket not found"))?;
        let moved = self.apply_action(ticket_id, item, after, private, author.agent_id, now);
        self.tell_action(ticket_id, id, before, moved, author, cx);
        Ok(id)
    }

    /// What the action changes in its ticket. Says whether anything but dates did.
    fn apply_action(
        &mut self,
        ticket_id: i64,
        item: &Object,
        status: i64,
        private: bool,
        agent_id: i64,
        now: jiff::Timestamp,
    ) -> bool {
        let agent = integer(item, "new_agent").filter(|id| self.cat.agents.rows.contains_key(id));
        let team = string(item, "new_team")
            .and_then(|name| self.cat.teams.find("name", &name))
            .map(|id| self.cat.teams.text(id, "name").to_owned());
        let sla = self.shelf.ticket(ticket_id).map_or(0, |t| t.sla_id);
        let priority = integer(item, "new_priority").filter(|id| self.cat.has_priority(sla, *id));
        let closing = self.cat.closes(status);
        let moves_update =
            self.switches.notes_move_last_update && (!private || self.switches.private_notes_move_last_update);
        self.shelf
            .change(ticket_id, now, |t| {
                let mut moved = false;
                t.last_action = now;
                if t.status_id != status {
                    t.status_id = status;
                    moved = true;
                    if closing && t.closed.is_none() {
                        (t.closed, t.was_closed) = (Some(now), true);
                        t.closure_agent_id = agent_id;
                    } else if !closing {
                        t.closed = None;
                        t.closure_agent_id = 0;
                    }
                }
                if let Some(agent) = agent.filter(|id| *id != t.agent_id) {
                    t.agent_id = agent;
                    t.assigned = Some(now);
                    moved = true;
                }
                if let Some(team) = team.filter(|name| *name != t.team) {
                    t.team = team;
                    moved = true;
                }
                if let Some(priority) = priority.filter(|id| *id != t.priority_id) {
                    t.priority_id = priority;
                    moved = true;
                }
                for (n, category) in t.categories.iter_mut().enumerate() {
                    if let Some(path) = string(item, &format!("new_category{}", n + 1)).filter(|path| path != category)
                    {
                        *category = path;
                        moved = true;
                    }
                }
                if moved || moves_update {
                    t.last_update = now;
                }
                moved
            })
            .unwrap_or(false)
    }

    fn tell_action(&mut self, ticket_id: i64, id: i64, before: i64, moved: bool, author: &Author, cx: &mut Cx<'_>) {
        let after = self.shelf.ticket(ticket_id).map_or(before, |t| t.status_id);
        let mut events = Vec::new();
        if author.user_id > 0 {
            events.push(Event::UserUpdate);
        }
        if moved || self.switches.notes_fire_updated {
            events.push(Event::Updated);
        }
        if before != after {
            events.push(Event::StatusChanged);
            if self.cat.closes(after) && !self.cat.closes(before) {
                events.push(Event::Closed);
            }
        }
        events.push(Event::ActionAdded);
        for event in events {
            self.emit(event, ticket_id, Some(id), author.agent_id, cx);
        }
    }

    /// Changes an action in place; only what was sent. `None` when there is none.
    pub(crate) fn action_edit(&mut self, ticket_id: i64, id: i64, item: &Object, cx: &mut Cx<'_>) -> Option<Object> {
        let now = whole_ms(cx.now);
        let action = self.shelf.by_id.get_mut(&ticket_id)?.actions.get_mut(&id)?;
        if item.contains_key("note_html") || item.contains_key("note") {
            (action.note, action.note_html) = texts(item);
        }
        if let Some(private) = boolean(item, "hiddenfromuser") {
            action.private = private;
        }
        if let Some(important) = boolean(item, "important") {
            action.important = important;
        }
        action.last_updated = now;
        let private = action.private;
        let shown = action.clone();
        let moves = self.switches.notes_move_last_update && (!private || self.switches.private_notes_move_last_update);
        self.shelf.change(ticket_id, now, |t| {
            if moves {
                t.last_update = now;
            }
        });
        Some(self.show_action(ticket_id, &shown, true))
    }

    /// `DELETE /Actions/{id}?ticket_id=N`.
    pub(crate) fn action_delete(&mut self, id: &str, call: &Call, cx: &mut Cx<'_>) -> Reply {
        let Some(ticket_id) = call.query("ticket_id").and_then(|v| v.trim().parse::<i64>().ok()) else {
            return refused("The ticket_id must be included to delete an Action");
        };
        match id.parse::<i64>().ok().and_then(|id| self.remove_note(ticket_id, id, cx)) {
            Some(shown) => respond::ok(&Value::Object(shown)),
            None => Reply::empty(404),
        }
    }

    /// Takes a note away and returns how it looked.
    pub(crate) fn remove_note(&mut self, ticket_id: i64, id: i64, cx: &mut Cx<'_>) -> Option<Object> {
        let now = whole_ms(cx.now);
        let action = self.shelf.remove_action(ticket_id, id)?;
        self.shelf.change(ticket_id, now, |t| t.last_update = now);
        Some(self.show_action(ticket_id, &action, true))
    }

    /// The action that every ticket begins with.
    pub(crate) fn write_opened(&mut self, ticket_id: i64, agent_id: i64, by_screen: bool, cx: &mut Cx<'_>) {
        let author = if by_screen { self.at_screen(agent_id) } else { self.by_api(agent_id.max(API_AGENT)) };
        let Some(ticket) = self.shelf.ticket(ticket_id) else { return };
        let (note, note_html, status, now) =
            (ticket.details.clone(), ticket.details_html.clone(), ticket.status_id, ticket.created);
        let outcome_id = self.cat.system_outcome(1);
        let action = Action {
            id: 0,
            guid: cx.ids.uuid_v4().to_string(),
            outcome: self.cat.outcomes.text(outcome_id, "outcome").to_owned(),
            outcome_id,
            system_id: 1,
            who: author.name,
            agent_id: author.agent_id,
            user_id: 0,
            application: author.application,
            datetime: now,
            last_updated: now,
            note,
            note_html,
            private: false,
            important: false,
            direction: "",
            status: (status, status),
            time_taken: 0.0,
            extra: Object::new(),
        };
        self.shelf.add_action(ticket_id, action);
    }
}

/// Note and HTML of a posted action: the note is rebuilt from the HTML when that was sent.
fn texts(item: &Object) -> (String, String) {
    match string(item, "note_html").filter(|html| !html.is_empty()) {
        Some(html) => (strip_tags(&html), html),
        None => {
            let note = string(item, "note").unwrap_or_default();
            let html = to_html(&note);
            (note, html)
        }
    }
}
