//! Halo's outgoing webhooks, made and removed through its API (halo-api sheet 6.2).

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{Answered, Halo, paging, read};
use crate::{
    domain::failure::FailureKind,
    outbound::{
        budget::Class,
        read::{flag_at, int_at, text_at, words_at},
    },
};

/// Events that a webhook of ours asks for: number and what it tells.
pub const EVENTS: [(i64, &str); 4] =
    [(3, "new ticket logged"), (61, "ticket updated"), (76, "ticket status changed"), (39, "ticket closed")];

/// A webhook as Halo keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// GUID.
    pub id: String,
    /// Name.
    pub name: String,
    /// Address that it sends to.
    pub url: String,
    /// Whether it is switched on.
    pub active: bool,
}

/// The body that makes a webhook, or changes the one with this id: signed (HMAC-SHA256 of the raw body, base64, in a
/// header), one POST for each event.
pub fn hook_body(id: Option<&str>, name: &str, url: &str, header: &str, secret: &SecretString) -> Value {
    let mut hook = json!({
        "name": name, "note": "Made by Halobridge. Tells it at once what has changed.", "url": url, "active": true, "type": 0,
        "method": 0, "content_type": "application/json", "authentication_type": 3, "authentication_header": header,
        "basic_password": secret.expose_secret(), "algorithm": 0, "payload_type": 0, "batch_method": 0,
    });
    if let (Some(id), Some(members)) = (id, hook.as_object_mut()) {
        members.insert("id".into(), id.into());
    }
    json!([hook])
}

/// The event that Halo takes only with a condition (sheet 6.2).
const UPDATED: i64 = 61;

/// The body that asks for one event of a webhook, with the members that the sheet names (6.2) and zeros for all else that
/// an event may do.
pub fn event_body(hook: &str, event: i64) -> Value {
    // The subject, changed to anything: the condition with which a client that syncs daily asks for it.
    let any_change = json!([{
        "tablename": "faults", "fieldname": "symptom", "type": 1, "change_context": 0, "value_type": "string",
        "value_string": "\"\"", "value_lookup": null,
    }]);
    let conditions = if event == UPDATED { any_change } else { json!([]) };
    let name = EVENTS.iter().find(|(number, _)| *number == event).map_or("", |(_, what)| *what);
    json!([{
        "webhook_id": hook, "type": -2, "delivery_method": 6, "eventno": event, "name": name, "agent_id": 0, "filter_type": 2,
        "emailtemplate_id": 32, "conditions": conditions, "slack_id": 0, "teams_id": 0, "restriction_type": 0, "interval": 0,
        "useworkinghours": 0, "sendpushnotification": false, "sendpushnotificationbrowser": false,
        "popupinnotificationpane": false, "customisecolour": false,
    }])
}

impl Halo {
    /// The webhooks that there are.
    ///
    /// # Errors
    /// `Forbidden` without the scope `admin` (or `all`).
    pub async fn hooks(&self, class: Class) -> Answered<Vec<Hook>> {
        let answer = self.get("Webhook", &[], class).await?;
        let (rows, _) = paging::rows(answer.json()?, "webhooks").ok_or_else(|| answer.unreadable())?;
        Ok(rows.iter().filter_map(hook).collect())
    }

    /// Makes a webhook, or changes the one with this id.
    ///
    /// # Errors
    /// `Unknown` when it may have been made: look for it by its address first.
    pub async fn put_hook(
        &self,
        id: Option<&str>,
        (name, url, secret): (&str, &str, &SecretString),
        class: Class,
    ) -> Answered<Hook> {
        let body = hook_body(id, name, url, &self.connection.webhook_header, secret);
        let answer = self.post("Webhook", &body, class).await?;
        let found = read::one_of(answer.json()?, |item| text_at(item, "url").as_deref() == Some(url));
        found.as_ref().and_then(hook).ok_or_else(|| answer.unreadable())
    }

    /// The numbers of the events that a webhook asks for; none known where an instance does not list them (the sheet knows of
    /// no such call).
    ///
    /// # Errors
    /// See [`crate::domain::failure::FailureKind`].
    pub async fn events_of(&self, hook: &str, class: Class) -> Answered<Vec<i64>> {
        let answer = match self.get("Notification", &[("webhook_id", hook)], class).await {
            Err(failure) if failure.kind == FailureKind::Gone || failure.status == Some(405) => return Ok(Vec::new()),
            answer => answer?,
        };
        let (rows, _) = paging::rows(answer.json()?, "notifications").ok_or_else(|| answer.unreadable())?;
        // The filter is never trusted.
        let own = |row: &&Value| text_at(row, "webhook_id").is_some_and(|id| id.eq_ignore_ascii_case(hook));
        Ok(rows.iter().filter(own).filter_map(|row| int_at(row, "eventno")).collect())
    }

    /// Asks for one event of a webhook.
    ///
    /// # Errors
    /// See [`crate::domain::failure::FailureKind`].
    pub async fn add_event(&self, hook: &str, event: i64, class: Class) -> Answered<()> {
        self.post("Notification", &event_body(hook, event), class).await.map(drop)
    }

    /// Removes a webhook with its events. One that is not there any more is removed.
    ///
    /// # Errors
    /// See [`crate::domain::failure::FailureKind`].
    pub async fn remove_hook(&self, id: &str, class: Class) -> Answered<()> {
        match self.delete(&format!("Webhook/{id}"), class).await {
            Err(failure) if failure.kind == FailureKind::Gone => Ok(()),
            other => other.map(drop),
        }
    }
}

fn hook(row: &Value) -> Option<Hook> {
    Some(Hook {
        id: words_at(row, "id")?,
        name: text_at(row, "name").unwrap_or_default(),
        url: text_at(row, "url").unwrap_or_default(),
        active: flag_at(row, "active").unwrap_or(true),
    })
}
