//! The bytes of a write: what is planned, shown and sent is made here (pure).
//!
//! Every body is an array, also of one (rule 1); ids are JSON integers.

use serde_json::{Map, Value, json};

use crate::domain::{
    ids::TicketId,
    ticket::{NoteDraft, OutcomeRef, Requester, Ticket, TicketChange, TicketDraft},
    time,
};

/// Longest subject, in characters.
pub const SUMMARY_MAX: usize = 200;

/// A subject as it is sent.
pub fn summary(text: &str) -> String {
    text.chars().take(SUMMARY_MAX).collect()
}

fn custom_fields(fields: &[(i64, Value)]) -> Value {
    Value::Array(fields.iter().map(|(id, value)| json!({"id": id, "value": value})).collect())
}

fn put<T: Into<Value>>(members: &mut Map<String, Value>, key: &str, value: Option<T>) {
    if let Some(value) = value {
        members.insert(key.into(), value.into());
    }
}

/// The body that creates a ticket.
pub fn create_body(draft: &TicketDraft) -> Value {
    let mut ticket = Map::new();
    put(&mut ticket, "summary", Some(summary(&draft.summary)));
    put(&mut ticket, "details_html", Some(draft.details_html.clone()));
    put(&mut ticket, "tickettype_id", Some(draft.ticket_type_id));
    put(&mut ticket, "client_id", Some(draft.client_id));
    put(&mut ticket, "site_id", draft.site_id);
    match &draft.requester {
        Requester::GeneralUser => {
            ticket.insert("userlookup".into(), json!({"id": -1, "lookupdisplay": "General User"}));
            ticket.insert("usertype".into(), json!(1));
        }
        Requester::User { id } => {
            ticket.insert("user_id".into(), json!(id));
        }
    }
    put(&mut ticket, "status_id", draft.status_id);
    put(&mut ticket, "priority_id", draft.priority_id);
    put(&mut ticket, "agent_id", draft.agent_id);
    // By name: the id is not accepted (sheet 3.3).
    put(&mut ticket, "team", draft.team.clone());
    put(&mut ticket, "category_1", draft.category_1.clone());
    if !draft.custom_fields.is_empty() {
        ticket.insert("customfields".into(), custom_fields(&draft.custom_fields));
    }
    ticket.extend(draft.members.iter().cloned());
    put(&mut ticket, "dateoccurred", draft.occurred.map(time::iso));
    // A ticket type's template must not overwrite what was planned.
    put(&mut ticket, "donotapplytemplateintheapi", Some(true));
    Value::Array(vec![Value::Object(ticket)])
}

/// Lets a create pass without the fields that its ticket type makes mandatory (sheet 3.3).
pub fn without_validation(body: &mut Value) {
    if let Some(ticket) = body.pointer_mut("/0").and_then(Value::as_object_mut) {
        ticket.insert("_novalidate".into(), Value::Bool(true));
    }
}

/// The body that changes a ticket: its id, type and client as just read (rule 2), and the change. Why they are repeated, and what
/// is left of that: docs/decisions/0007.
pub fn update_body(current: &Ticket, change: &TicketChange) -> Value {
    let mut ticket = Map::new();
    put(&mut ticket, "id", Some(current.id.0));
    put(&mut ticket, "tickettype_id", current.ticket_type_id);
    put(&mut ticket, "client_id", current.client_id);
    put(&mut ticket, "status_id", change.status_id);
    put(&mut ticket, "priority_id", change.priority_id);
    put(&mut ticket, "agent_id", change.agent_id);
    put(&mut ticket, "closure_note", change.closure_note.clone());
    put(&mut ticket, "summary", change.summary.as_deref().map(summary));
    if !change.custom_fields.is_empty() {
        ticket.insert("customfields".into(), custom_fields(&change.custom_fields));
    }
    ticket.extend(change.members.iter().cloned());
    Value::Array(vec![Value::Object(ticket)])
}

/// The body that writes a note. Nobody is mailed.
pub fn note_body(ticket: TicketId, note: &NoteDraft) -> Value {
    let mut action = Map::new();
    put(&mut action, "ticket_id", Some(ticket.0));
    match &note.outcome {
        OutcomeRef::Id(id) => put(&mut action, "outcome_id", Some(*id)),
        OutcomeRef::Name(name) => put(&mut action, "outcome", Some(name.clone())),
    }
    put(&mut action, "note_html", Some(note.html.clone()));
    // Both are sent: Halo's own text runs words together (sheet 4.4).
    put(&mut action, "note", Some(note.text.clone()));
    put(&mut action, "hiddenfromuser", Some(note.private));
    put(&mut action, "sendemail", Some(false));
    Value::Array(vec![Value::Object(action)])
}
