//! Reads tickets and actions from whatever came, in both spellings (sheet 3.6).

use serde_json::Value;

use crate::{
    domain::{
        ids::{ActionKey, TicketId},
        text,
        ticket::{Action, CustomField, Ticket},
    },
    outbound::read::{flag_at, int, int_at, list_at, text_at, time_at, words_at},
};

/// A ticket. Only its number must be there; the whole object is kept in `raw`.
///
/// # Errors
/// Gives the object back when it has no number above 0.
pub fn ticket(object: Value) -> Result<Ticket, Value> {
    let Some(id) = int_at(&object, "id").filter(|id| *id > 0) else { return Err(object) };
    let closed_at = time_at(&object, "dateclosed");
    let team = match object.get("team") {
        Some(Value::String(name)) if !name.trim().is_empty() => Some(name.clone()),
        Some(team) => words_at(team, "name"),
        None => None,
    };
    Ok(Ticket {
        id: TicketId(id),
        summary: text_at(&object, "summary").unwrap_or_default(),
        client_id: id_of(&object, "client_id", "client"),
        client_name: words_at(&object, "client_name"),
        site_id: int_at(&object, "site_id"),
        user_id: int_at(&object, "user_id"),
        ticket_type_id: id_of(&object, "tickettype_id", "tickettype"),
        status_id: id_of(&object, "status_id", "status"),
        priority_id: int_at(&object, "priority_id").or_else(|| int_at(object.get("priority")?, "priorityid")),
        sla_id: int_at(&object, "sla_id"),
        agent_id: id_of(&object, "agent_id", "agent"),
        team,
        category_1: words_at(&object, "category_1").or_else(|| words_at(&object, "category1")),
        closed: flag_at(&object, "hasbeenclosed").unwrap_or(false) || closed_at.is_some(),
        closure_note: words_at(&object, "closure_note"),
        merged_into: int_at(&object, "merged_into_id").filter(|id| *id > 0).map(TicketId),
        deleted: flag_at(&object, "deleted").unwrap_or(false),
        last_update: time_at(&object, "last_update").or_else(|| time_at(&object, "lastupdate")),
        last_action: time_at(&object, "lastactiondate"),
        custom_fields: list_at(&object, "customfields").iter().filter_map(custom_field).collect(),
        fields_told: false,
        warning: words_at(&object, "_warning"),
        raw: object.into(),
    })
}

/// A ticket out of a list's row: what a row has of custom fields is not all of them (sheet 3.1), so none counts as told by it.
pub fn row(mut object: Value) -> Result<Ticket, Value> {
    let fields = object.as_object_mut().and_then(|members| members.remove("customfields"));
    let mut ticket = ticket(object)?;
    ticket.custom_fields = fields.iter().filter_map(Value::as_array).flatten().filter_map(custom_field).collect();
    Ok(ticket)
}

/// A flat id, else the id of the nested object. A flat 0 says nothing where the nested one does.
fn id_of(object: &Value, flat: &str, nested: &str) -> Option<i64> {
    let flat = int_at(object, flat);
    let nested = || int_at(object.get(nested)?, "id").filter(|id| *id > 0);
    flat.filter(|id| *id > 0).or_else(nested).or(flat)
}

/// The agent that wrote an action: whichever of the two members names one.
fn agent_of(object: &Value) -> Option<i64> {
    ["who_agentid", "actionby_agent_id"].iter().find_map(|key| int_at(object, key).filter(|id| *id > 0))
}

fn custom_field(value: &Value) -> Option<CustomField> {
    Some(CustomField {
        id: int_at(value, "id")?,
        name: text_at(value, "name").unwrap_or_default(),
        value: value.get("value").cloned().unwrap_or(Value::Null),
        display: words_at(value, "display"),
    })
}

/// The object of a write's answer that fits: one bare object, or an array of them (rule 1).
pub fn one_of(body: Value, fits: impl Fn(&Value) -> bool) -> Option<Value> {
    match body {
        Value::Array(items) => {
            let only = items.len() == 1;
            items.into_iter().find(|item| item.is_object() && (only || fits(item)))
        }
        Value::Object(_) => Some(body),
        _ => None,
    }
}

/// Whether an end user wrote it: a reply by mail or portal is of a built-in kind, and words all the same. A ticket's first
/// action says what the ticket says.
fn by_end_user(object: &Value, number: i64) -> bool {
    let user = int_at(object, "actionby_user_id").is_some_and(|id| id > 0);
    let incoming = words_at(object, "emaildirection").is_some_and(|way| way.eq_ignore_ascii_case("I"));
    let agent = ["who_agentid", "actionby_agent_id"].iter().any(|key| int_at(object, key).is_some_and(|id| id > 1));
    number > 1 && !agent && (user || incoming)
}

/// The stock outcomes with which agents write (sheet 4.3), whatever else an instance calls built-in.
const AGENTS_WRITE: [&str; 4] = ["private note", "internal note", "note", "email user"];
/// The built-in internal note of stock systems (sheet 4.3), whatever it is called there.
const INTERNAL_NOTE: i64 = 7;

/// Whether an agent wrote it with a stock outcome: some mark those as built-in too (sheet 4.5), and the words are a person's
/// all the same. What Halo writes by itself (opened, changed, merged) has outcomes of its own.
fn by_agent(object: &Value, number: i64) -> bool {
    let agent = agent_of(object).is_some_and(|id| id > 1);
    let named =
        words_at(object, "outcome").is_some_and(|name| AGENTS_WRITE.contains(&name.trim().to_lowercase().as_str()));
    let chosen = named || object.get("outcome_id").and_then(int) == Some(INTERNAL_NOTE);
    number > 1 && agent && chosen && words_at(object, "who").is_some()
}

/// What an action says, as text and as HTML: its note; where that is empty, the mail that it is (sheet 4.5). Markup without
/// any words says nothing.
fn said(object: &Value) -> (String, Option<String>) {
    let says = |html: &String| !text::html_to_text(html).trim().is_empty();
    let (note, html) = (text_at(object, "note").unwrap_or_default(), words_at(object, "note_html").filter(says));
    if !note.trim().is_empty() || html.is_some() {
        return (note, html);
    }
    let (mail, mail_html) = (words_at(object, "emailbody"), words_at(object, "emailbody_html").filter(says));
    match (mail, mail_html) {
        (None, None) => (note, html),
        // Some hand out the HTML under the name of the text.
        (Some(mail), None) if text::looks_like_html(&mail) => (String::new(), Some(mail)),
        (mail, mail_html) => (mail.unwrap_or_default(), mail_html),
    }
}

/// An action of `asked`. `None` when it has no number or belongs to another ticket (rule 8).
pub fn action(object: &Value, asked: TicketId) -> Option<Action> {
    let number = int_at(object, "id").filter(|id| *id > 0)?;
    if int_at(object, "ticket_id").is_some_and(|ticket| ticket != asked.0) {
        return None;
    }
    let (note, note_html) = said(object);
    Some(Action {
        key: ActionKey { ticket: asked, action: number },
        outcome: words_at(object, "outcome"),
        outcome_id: object.get("outcome_id").and_then(int),
        system: int_at(object, "action_systemid").is_some_and(|kind| kind > 0)
            && !by_end_user(object, number)
            && !by_agent(object, number),
        who: words_at(object, "who"),
        agent_id: agent_of(object),
        application: words_at(object, "actionby_application_id"),
        at: time_at(object, "datetime").or_else(|| time_at(object, "actiondatecreated")),
        updated: time_at(object, "last_updated"),
        note,
        note_html,
        // Where it is not told the note may be internal: those never cross by accident.
        private: flag_at(object, "hiddenfromuser").unwrap_or(true),
        privacy_untold: flag_at(object, "hiddenfromuser").is_none(),
        important: flag_at(object, "important").unwrap_or(false),
        sync_to_sentinel: flag_at(object, "sync_to_sentinel").unwrap_or(false),
        new_status: int_at(object, "new_status").filter(|id| *id > 0),
        sentinel_classification: words_at(object, "sentinel_classification"),
        sentinel_classification_reason: words_at(object, "sentinel_classification_reason"),
    })
}
