//! Actions of a ticket: reading all of them, writing a note.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    Answered, Halo, body, error,
    paging::{self, PAGE},
    read,
};
use crate::{
    domain::{
        failure::FailureKind,
        ids::TicketId,
        ticket::{Action, NoteDraft},
    },
    outbound::{budget::Class, exchange::Answer, read::int_at},
};

/// Pages of one ticket's actions: more are no list that ends.
const PAGES_MAX: u32 = 100;
/// Readings of the pages, where something is written or removed meanwhile.
const READINGS: u32 = 2;

impl Halo {
    /// All actions of a ticket, oldest first, with their HTML; system ones are marked, not left out. Never a part of them:
    /// what is missing would be taken for deleted.
    ///
    /// # Errors
    /// See [`FailureKind`]. `Unreadable` also where Halo counts more than it hands out, or one has no number.
    pub async fn actions(&self, ticket: TicketId, class: Class) -> Answered<Vec<Action>> {
        self.counted_actions(ticket, class).await.map(|(actions, _)| actions)
    }

    /// The same; also whether Halo counts none at all. A list without rows may be a page of a service in trouble.
    ///
    /// # Errors
    /// As [`Self::actions`].
    pub async fn counted_actions(&self, ticket: TicketId, class: Class) -> Answered<(Vec<Action>, bool)> {
        let number = ticket.to_string();
        let query = [("ticket_id", number.as_str()), ("includehtmlnote", "true"), ("includehtmlemail", "true")];
        let mut answer = self.get("Actions", &query, class).await?;
        let (mut rows, mut total) = listed(&answer)?;
        if let Some(wanted) = lacks(&rows, total) {
            // Newest first and cut short: ask for as many as there are.
            let count = wanted.to_string();
            let counted = [query.as_slice(), &[("count", count.as_str())]].concat();
            answer = self.get("Actions", &counted, class).await?;
            (rows, total) = listed(&answer)?;
        }
        if let Some(wanted) = lacks(&rows, total) {
            // No more at once, or another was written between the two calls: page by page.
            let handed_out = rows.len();
            let whole = self.all_pages(&query, wanted, class).await?;
            rows = whole.ok_or_else(|| {
                let text = format!(
                    "Halo counts {wanted} actions of ticket {ticket} and hands out {handed_out}, its pages no more. None of \
                     them is taken, for what is missing would count as deleted; they are asked for again later."
                );
                answer.failure(FailureKind::Unreadable, None, text)
            })?;
        }
        if !rows.iter().all(|row| int_at(row, "id").is_some_and(|id| id > 0)) {
            let text = format!(
                "Halo hands out an action of ticket {ticket} without its number. None of them is taken; they are asked for \
                 again later."
            );
            return Err(answer.failure(FailureKind::Unreadable, None, text));
        }
        let mut actions: Vec<Action> = rows.iter().filter_map(|row| read::action(row, ticket)).collect();
        actions.sort_by_key(|action| action.key.action);
        actions.dedup_by_key(|action| action.key.action);
        let none = actions.is_empty() && total == Some(0);
        Ok((actions, none))
    }

    /// The rows of all pages, `wanted` at least; `None` where they come to no whole.
    async fn all_pages(&self, query: &[(&str, &str)], wanted: usize, class: Class) -> Answered<Option<Vec<Value>>> {
        for _ in 0..READINGS {
            let whole = self.pages(query, wanted, class).await?;
            if whole.is_some() {
                return Ok(whole);
            }
        }
        Ok(None)
    }

    /// The same, read once. Another count on a later page tells that something moved between the pages.
    async fn pages(&self, query: &[(&str, &str)], wanted: usize, class: Class) -> Answered<Option<Vec<Value>>> {
        let size = PAGE.to_string();
        let (mut rows, mut known): (Vec<Value>, BTreeSet<String>) = Default::default();
        let mut first: Option<Option<i64>> = None;
        for page_no in 1..=PAGES_MAX {
            let page = page_no.to_string();
            let paged = [("pageinate", "true"), ("page_size", size.as_str()), ("page_no", page.as_str())];
            let answer = self.get("Actions", &[query, &paged].concat(), class).await?;
            let (more, total) = listed(&answer)?;
            if *first.get_or_insert(total) != total {
                return Ok(None);
            }
            let before = rows.len();
            rows.extend(more.into_iter().filter(|row| known.insert(key(row))));
            if rows.len() >= wanted && lacks(&rows, total).is_none() {
                return Ok(Some(rows));
            }
            if rows.len() == before {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// Writes a note; its key comes back.
    ///
    /// # Errors
    /// `Unknown` when it may have been written: look for the reference among the actions first.
    pub async fn add_note(&self, ticket: TicketId, note: &NoteDraft, class: Class) -> Answered<Action> {
        let answer = self.post("Actions", &body::note_body(ticket, note), class).await?;
        let fits = |item: &Value| int_at(item, "ticket_id") == Some(ticket.0);
        let object = read::one_of(answer.json()?, fits);
        object.as_ref().and_then(|object| read::action(object, ticket)).ok_or_else(|| error::nothing_made(&answer))
    }
}

fn listed(answer: &Answer) -> Answered<(Vec<Value>, Option<i64>)> {
    paging::rows(answer.json()?, "actions").ok_or_else(|| answer.unreadable())
}

/// How many Halo counts, where that is more than these.
fn lacks(rows: &[Value], total: Option<i64>) -> Option<usize> {
    usize::try_from(total?).ok().filter(|total| *total > rows.len())
}

/// What a row is told apart by: numbers of actions are unique within a ticket only.
fn key(row: &Value) -> String {
    let member = |name: &str| row.get(name).map(Value::to_string).unwrap_or_default();
    format!("{} {}", member("ticket_id"), member("id"))
}
