//! Actions of a ticket: reading all of them, writing a note.

use super::{Answered, Halo, body, error, paging, read};
use crate::{
    domain::{
        ids::TicketId,
        ticket::{Action, NoteDraft},
    },
    outbound::{budget::Class, read::int_at},
};

impl Halo {
    /// All actions of a ticket, oldest first, with their HTML; system ones are marked, not left out.
    ///
    /// # Errors
    /// See [`crate::domain::failure::FailureKind`].
    pub async fn actions(&self, ticket: TicketId, class: Class) -> Answered<Vec<Action>> {
        let number = ticket.to_string();
        let query = [("ticket_id", number.as_str()), ("includehtmlnote", "true")];
        let answer = self.get("Actions", &query, class).await?;
        let (mut rows, total) = paging::rows(answer.json()?, "actions").ok_or_else(|| answer.unreadable())?;
        if let Some(total) = total.filter(|total| usize::try_from(*total).is_ok_and(|total| total > rows.len())) {
            // Newest first and cut short: ask for as many as there are.
            let count = total.to_string();
            let query = [query.as_slice(), &[("count", count.as_str())]].concat();
            let answer = self.get("Actions", &query, class).await?;
            (rows, _) = paging::rows(answer.json()?, "actions").ok_or_else(|| answer.unreadable())?;
        }
        let mut actions: Vec<Action> = rows.iter().filter_map(|row| read::action(row, ticket)).collect();
        actions.sort_by_key(|action| action.key.action);
        actions.dedup_by_key(|action| action.key.action);
        Ok(actions)
    }

    /// Writes a note; its key comes back.
    ///
    /// # Errors
    /// `Unknown` when it may have been written: look for the reference among the actions first.
    pub async fn add_note(&self, ticket: TicketId, note: &NoteDraft, class: Class) -> Answered<Action> {
        let answer = self.post("Actions", &body::note_body(ticket, note), class).await?;
        let fits = |item: &serde_json::Value| int_at(item, "ticket_id") == Some(ticket.0);
        let object = read::one_of(answer.json()?, fits);
        object.as_ref().and_then(|object| read::action(object, ticket)).ok_or_else(|| error::nothing_made(&answer))
    }
}
