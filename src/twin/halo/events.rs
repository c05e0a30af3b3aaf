//! Webhooks: registration, events, envelopes and their signatures (sheet section 6).

use std::collections::{BTreeMap, VecDeque};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    Halo,
    catalogue::{Object, whole},
    respond::{self, posted, string},
    text::{webhook_date, whole_ms},
    ticket::Spelling,
};
use crate::twin::wire::{Call, Cx, Outgoing, Reply, Seal};

/// Entries kept of the delivery log.
const LOG_MAX: usize = 5_000;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    New,
    Updated,
    StatusChanged,
    Closed,
    UserUpdate,
    Deleted,
    ActionAdded,
}

impl Event {
    fn text(self) -> &'static str {
        match self {
            Self::New => "New Ticket Logged",
            Self::Updated => "Ticket Updated",
            Self::StatusChanged => "Ticket Status Changed",
            Self::Closed => "Ticket Closed",
            Self::UserUpdate => "Ticket Updated by User",
            Self::Deleted => "Ticket Deleted",
            Self::ActionAdded => "Action Added",
        }
    }
}

/// Everything about webhooks.
#[derive(Debug, Default)]
pub(crate) struct Hooks {
    /// Registered webhooks by GUID, in order of registration.
    list: Vec<(String, Object)>,
    /// Events asked for, by notification id.
    notifications: BTreeMap<i64, Object>,
    /// Delivery log, newest last.
    log: VecDeque<Value>,
    /// Envelopes waiting for their batch: webhook, when it is sent, envelopes.
    batches: Vec<(String, Timestamp, Vec<Value>)>,
}

fn percent(cx: &Cx<'_>) -> u64 {
    let mut bytes = [0_u8; 4];
    cx.ids.fill(&mut bytes);
    u64::from(u32::from_le_bytes(bytes)) % 100
}

fn millis(ms: u64) -> SignedDuration {
    SignedDuration::from_millis(i64::try_from(ms).unwrap_or(0))
}

impl Halo {
    fn event_number(&self, event: Event) -> i64 {
        match event {
            Event::New => 3,
            Event::Updated => 61,
            Event::StatusChanged => 76,
            Event::Closed => 39,
            Event::UserUpdate => 19,
            Event::Deleted => 1072,
            Event::ActionAdded => i64::try_from(self.switches.action_added_eventno).unwrap_or(0),
        }
    }

    /// Tells every webhook that asked for this event.
    pub(crate) fn emit(&mut self, event: Event, ticket_id: i64, action: Option<i64>, agent_id: i64, cx: &mut Cx<'_>) {
        let number = self.event_number(event);
        if number == 0 || self.hooks.list.is_empty() {
            return;
        }
        let asked: Vec<(i64, String)> = self
            .hooks
            .notifications
            .iter()
            .filter(|(_, n)| whole(n, "eventno") == number)
            .map(|(id, n)| (*id, string(n, "webhook_id").unwrap_or_default()))
            .collect();
        for (notification_id, webhook_id) in asked {
            let Some((guid, hook)) =
                self.hooks.list.iter().find(|(guid, _)| guid.eq_ignore_ascii_case(&webhook_id)).cloned()
            else {
                continue;
            };
            if hook.get("active") == Some(&Value::Bool(false)) || whole(&hook, "type") != 0 {
                continue;
            }
            let envelope = self.envelope(event, ticket_id, action, agent_id, (&guid, notification_id, &hook), cx);
            self.hooks.log.push_back(json!({
                "id": envelope.get("id"), "webhook_id": guid, "event": event.text(), "eventno": number, "object_id": ticket_id,
                "date": super::text::date(whole_ms(cx.now)), "status": 0, "url": hook.get("url"),
            }));
            if self.hooks.log.len() > LOG_MAX {
                self.hooks.log.pop_front();
            }
            self.queue(&guid, &hook, envelope, cx);
        }
    }

    fn envelope(
        &self,
        event: Event,
        ticket_id: i64,
        action: Option<i64>,
        agent_id: i64,
        (guid, notification_id, hook): (&str, i64, &Object),
        cx: &Cx<'_>,
    ) -> Value {
        let custom = string(hook, "custom_payload").filter(|text| !text.trim().is_empty());
        if let Some(payload) =
            custom.and_then(|text| serde_json::from_str(&text.replace("$faultid", &ticket_id.to_string())).ok())
        {
            return payload;
        }
        let mut envelope = json!({
            "id": cx.ids.uuid_v4().to_string(), "webhook_id": guid, "notification_id": notification_id,
            "escmsg_id": cx.ids.uuid_v4().to_string(), "event": event.text(),
            "message": format!("{} - {ticket_id}", event.text()), "object_id": ticket_id, "agent_id": agent_id,
            "timestamp": webhook_date(cx.now),
        });
        // Payload kinds: 0 full object, 1 small object, 2 event information only.
        let kind = whole(hook, "payload_type");
        let Some(members) = envelope.as_object_mut() else { return envelope };
        if kind != 2
            && let Some(ticket) = self.shelf.ticket(ticket_id)
        {
            let mut full = self.ticket_full(ticket, Spelling::Post);
            if kind == 1 {
                full.retain(|name, _| {
                    matches!(
                        name.as_str(),
                        "id" | "summary" | "status_id" | "tickettype_id" | "client_id" | "agent_id" | "team_id"
                    )
                });
            }
            members.insert("ticket".into(), Value::Object(full));
        }
        if kind != 2
            && event == Event::ActionAdded
            && let Some(action) = action.and_then(|id| self.shelf.by_id.get(&ticket_id)?.actions.get(&id))
        {
            members.insert("action".into(), Value::Object(self.show_action(ticket_id, action, true)));
        }
        envelope
    }

    /// Puts an envelope in its batch, or sends it by itself: perhaps twice, perhaps late, perhaps not at all.
    fn queue(&mut self, guid: &str, hook: &Object, envelope: Value, cx: &mut Cx<'_>) {
        let own_batch = if whole(hook, "batch_method") > 0 {
            whole(hook, "batch_delay_seconds").max(1).unsigned_abs().saturating_mul(1000)
        } else {
            0
        };
        let wait = own_batch.max(self.switches.webhook_batch_ms);
        if wait > 0 {
            let limit = usize::try_from(whole(hook, "batch_limit")).ok().filter(|n| *n > 0).unwrap_or(100);
            match self
                .hooks
                .batches
                .iter_mut()
                .find(|(id, due, list)| id == guid && *due > cx.now && list.len() < limit)
            {
                Some((_, _, list)) => list.push(envelope),
                None => {
                    let due = cx.now.checked_add(millis(wait)).unwrap_or(cx.now);
                    self.hooks.batches.push((guid.to_owned(), due, vec![envelope]));
                }
            }
            return;
        }
        self.send(hook, &envelope, cx);
    }

    fn send(&self, hook: &Object, body: &Value, cx: &mut Cx<'_>) {
        // An address that is none can be registered; nothing can be sent there.
        if !string(hook, "url").is_some_and(|address| url::Url::parse(&address).is_ok_and(|u| u.has_host())) {
            return;
        }
        let copies = if percent(cx) < self.switches.webhook_duplicate_percent { 2 } else { 1 };
        for _ in 0..copies {
            if percent(cx) < self.switches.webhook_loss_percent {
                continue;
            }
            let jitter = if self.switches.webhook_reorder_ms > 0 {
                let mut bytes = [0_u8; 4];
                cx.ids.fill(&mut bytes);
                u64::from(u32::from_le_bytes(bytes)) % self.switches.webhook_reorder_ms.saturating_add(1)
            } else {
                0
            };
            let due =
                cx.now.checked_add(millis(self.switches.webhook_delay_ms.saturating_add(jitter))).unwrap_or(cx.now);
            cx.outgoing.push(outgoing(hook, body.to_string(), due));
        }
    }

    /// Sends the batches whose time has come; called with every call, and by the world as time passes.
    pub fn tick(&mut self, cx: &mut Cx<'_>) {
        if self.hooks.batches.is_empty() {
            return;
        }
        let now = cx.now;
        let (due, rest) = std::mem::take(&mut self.hooks.batches).into_iter().partition(|(_, at, _)| *at <= now);
        self.hooks.batches = rest;
        let due: Vec<(String, Timestamp, Vec<Value>)> = due;
        for (guid, _, list) in due {
            if let Some((_, hook)) = self.hooks.list.iter().find(|(id, _)| *id == guid).cloned() {
                self.send(&hook, &Value::Array(list), cx);
            }
        }
    }

    /// When [`Halo::tick`] next has something to do; `None` when nothing waits.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.hooks.batches.iter().map(|(_, at, _)| *at).min()
    }

    /// Notes in the delivery log how a delivery, or each of a batch, ended: HTTP status, 0 when nobody answered.
    pub fn delivered(&mut self, body: &[u8], status: u16) {
        let sent = match serde_json::from_slice(body) {
            Ok(Value::Array(list)) => list,
            Ok(one) => vec![one],
            Err(_) => return,
        };
        for id in sent.iter().filter_map(|envelope| envelope.get("id")) {
            if let Some(entry) = self.hooks.log.iter_mut().rev().find(|entry| entry.get("id") == Some(id))
                && let Some(members) = entry.as_object_mut()
            {
                members.insert("status".into(), status.into());
            }
        }
    }

    /// `POST /Webhook` and `POST /Notification`.
    pub(crate) fn hooks_post(&mut self, word: &str, call: &Call, cx: &mut Cx<'_>) -> Reply {
        let items = match posted(&call.body, if word == "webhook" { "Webhook" } else { "Notification" }) {
            Ok(items) => items,
            Err(reply) => return reply,
        };
        let mut answers = Vec::new();
        for mut item in items {
            if word == "webhook" {
                let given = string(&item, "id").filter(|id| !id.is_empty());
                let kept = given
                    .as_ref()
                    .and_then(|id| self.hooks.list.iter_mut().find(|(guid, _)| guid.eq_ignore_ascii_case(id)));
                if let Some((_, hook)) = kept {
                    item.remove("id");
                    hook.extend(item);
                    answers.push(Value::Object(shown(hook)));
                    continue;
                }
                if given.is_some() {
                    return respond::one_key(400, "id", "Record not found");
                }
                let guid = cx.ids.uuid_v4().to_string();
                item.insert("id".into(), guid.as_str().into());
                for (member, value) in [
                    ("active", json!(true)),
                    ("type", json!(0)),
                    ("method", json!(0)),
                    ("content_type", json!("application/json")),
                ] {
                    item.entry(member).or_insert(value);
                }
                answers.push(Value::Object(shown(&item)));
                self.hooks.list.push((guid, item));
            } else {
                let webhook = string(&item, "webhook_id").unwrap_or_default();
                if !self.hooks.list.iter().any(|(guid, _)| guid.eq_ignore_ascii_case(&webhook)) {
                    return respond::one_key(400, "webhook_id", "Record not found");
                }
                let conditions = item.get("conditions").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
                if self.switches.update_event_needs_condition && whole(&item, "eventno") == 61 && !conditions {
                    return respond::refused("A condition must be entered for this event");
                }
                let id = Some(whole(&item, "id"))
                    .filter(|id| *id > 0)
                    .unwrap_or_else(|| self.hooks.notifications.keys().next_back().copied().unwrap_or(0) + 1);
                item.insert("id".into(), id.into());
                answers.push(Value::Object(item.clone()));
                self.hooks.notifications.insert(id, item);
            }
        }
        self.created(answers, call)
    }

    /// `GET /Webhook`, `/Webhook/{guid}`, `/Notification`, `/WebhookEvent?webhook_id=`.
    pub(crate) fn hooks_get(&self, word: &str, id: Option<&str>, call: &Call) -> Reply {
        let wanted = call.query("webhook_id");
        let of = |value: Option<&Value>| {
            wanted.is_none_or(|w| value.and_then(Value::as_str).is_some_and(|v| v.eq_ignore_ascii_case(w)))
        };
        let list: Vec<Value> = match word {
            "webhook" => self.hooks.list.iter().map(|(_, hook)| Value::Object(shown(hook))).collect(),
            "notification" => self
                .hooks
                .notifications
                .values()
                .filter(|n| of(n.get("webhook_id")))
                .cloned()
                .map(Value::Object)
                .collect(),
            _ => self.hooks.log.iter().rev().filter(|entry| of(entry.get("webhook_id"))).cloned().collect(),
        };
        let Some(id) = id else { return respond::ok(&Value::Array(list)) };
        let found = list.into_iter().find(|item| match item.get("id") {
            Some(Value::String(text)) => text.eq_ignore_ascii_case(id),
            Some(Value::Number(number)) => number.to_string() == id,
            _ => false,
        });
        found.map_or_else(|| Reply::empty(404), |item| respond::ok(&item))
    }

    /// `DELETE /Webhook/{guid}` and `DELETE /Notification/{id}`.
    pub(crate) fn hooks_delete(&mut self, word: &str, id: &str) -> Reply {
        if word == "notification" {
            let removed = id.parse::<i64>().ok().and_then(|id| self.hooks.notifications.remove(&id));
            return removed.map_or_else(|| Reply::empty(404), |n| respond::ok(&Value::Object(n)));
        }
        let Some(at) = self.hooks.list.iter().position(|(guid, _)| guid.eq_ignore_ascii_case(id)) else {
            return Reply::empty(404);
        };
        let (guid, hook) = self.hooks.list.remove(at);
        self.hooks.notifications.retain(|_, n| string(n, "webhook_id").is_none_or(|w| !w.eq_ignore_ascii_case(&guid)));
        respond::ok(&Value::Object(shown(&hook)))
    }
}

/// A webhook without its secret.
fn shown(hook: &Object) -> Object {
    let mut hook = hook.clone();
    if hook.contains_key("basic_password") {
        hook.insert("basic_password".into(), "".into());
    }
    hook
}

/// The delivery as it goes over the wire, with its authenticity (section 6.4).
fn outgoing(hook: &Object, body: String, due: Timestamp) -> Outgoing {
    let text = |member: &str| string(hook, member).unwrap_or_default();
    let secret = text("basic_password");
    let mut headers = vec![
        ("content-type".to_owned(), string(hook, "content_type").unwrap_or_else(|| "application/json".to_owned())),
        ("user-agent".to_owned(), "Halo-Webhook".to_owned()),
    ];
    let mut seal = None;
    match whole(hook, "authentication_type") {
        1 => {
            let pair = STANDARD.encode(format!("{}:{secret}", text("basic_username")));
            headers.push(("authorization".to_owned(), format!("Basic {pair}")));
        }
        2 => headers.push(("authorization".to_owned(), format!("Bearer {secret}"))),
        3 => {
            let name =
                Some(text("authentication_header")).filter(|n| !n.is_empty()).unwrap_or_else(|| "Token".to_owned());
            let by = Seal { header: name.clone(), secret };
            headers.push((name, by.of(body.as_bytes())));
            seal = Some(by);
        }
        _ => {}
    }
    let method = match whole(hook, "method") {
        1 => "GET",
        2 => "PUT",
        3 => "DELETE",
        4 => "PATCH",
        _ => "POST",
    };
    Outgoing {
        due,
        url: text("url"),
        method: method.to_owned(),
        headers,
        body: body.into(),
        kind: "halo-webhook",
        attempt: 0,
        attempts_max: 1,
        seal,
        run: None,
    }
}
