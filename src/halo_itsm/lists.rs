//! Lists of tickets, page by page.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Answered, Halo, TicketPage,
    paging::{self, PAGE, ROWS_MAX, Turn},
    read,
};
use crate::{
    domain::{ids::TicketId, ticket::Ticket},
    outbound::{budget::Class, exchange::Answer},
};

impl Halo {
    /// Page `page_no` (from 1) of the tickets changed at or after `since`.
    ///
    /// # Errors
    /// See [`crate::domain::failure::FailureKind`].
    pub async fn changed_tickets(&self, since: Timestamp, page_no: u32, class: Class) -> Answered<TicketPage> {
        let since_text = moment(since);
        let (size, page) = (PAGE.to_string(), page_no.max(1).to_string());
        let answer = self.get("Tickets", &changed_query(&since_text, &size, &page), class).await?;
        let (rows, total) = listed(&answer)?;
        let turn = self.sweep(|sweep| sweep.turn(Some(since), page_no, &rows, total));
        let more = turn == Turn::More;
        let mut page = TicketPage { more, total, told: answer.told(), ..TicketPage::default() };
        if turn != Turn::Repeated {
            for row in rows {
                match read::row(row) {
                    Ok(ticket) => page.tickets.push(ticket),
                    Err(raw) => page.unreadable.push(raw),
                }
            }
        }
        Ok(page)
    }

    /// A page of [`Self::changed_tickets`] once more, for rows that slipped to it since ([`paging::may_have_slipped`]).
    /// Whether more follows is not asked.
    ///
    /// # Errors
    /// See [`crate::domain::failure::FailureKind`].
    pub async fn changed_tickets_again(&self, since: Timestamp, page_no: u32, class: Class) -> Answered<TicketPage> {
        let since = moment(since);
        let (size, page) = (PAGE.to_string(), page_no.max(1).to_string());
        self.page_of(&changed_query(&since, &size, &page), class).await
    }

    /// Page `page_no` (from 1) of a Halo client's tickets, open and closed, that changed at or after `since`. The filters
    /// are never trusted (rule 8): compare the rows' client.
    ///
    /// # Errors
    /// See [`crate::domain::failure::FailureKind`].
    pub async fn tickets_of(
        &self,
        halo_client_id: i64,
        since: Timestamp,
        page_no: u32,
        class: Class,
    ) -> Answered<TicketPage> {
        let (size, page, client) = (PAGE.to_string(), page_no.max(1).to_string(), halo_client_id.to_string());
        let since = moment(since);
        let query = [
            ("pageinate", "true"),
            ("page_size", size.as_str()),
            ("page_no", page.as_str()),
            ("order", "id"),
            ("lastupdatefromdate", since.as_str()),
            ("client_id", client.as_str()),
        ];
        self.page_of(&query, class).await
    }

    /// One page of a list. More may follow as long as it has rows.
    async fn page_of(&self, query: &[(&str, &str)], class: Class) -> Answered<TicketPage> {
        let answer = self.get("Tickets", query, class).await?;
        let (rows, total) = listed(&answer)?;
        let more = !rows.is_empty();
        let mut page = TicketPage { more, total, told: answer.told(), ..TicketPage::default() };
        for row in rows {
            match read::row(row) {
                Ok(ticket) => page.tickets.push(ticket),
                Err(raw) => page.unreadable.push(raw),
            }
        }
        Ok(page)
    }

    /// Rows of these tickets. One that does not come back may be gone or out of sight: read it by id.
    ///
    /// # Errors
    /// See [`crate::domain::failure::FailureKind`].
    pub async fn tickets_by_ids(&self, ids: &[TicketId], class: Class) -> Answered<Vec<Ticket>> {
        let mut found: Vec<Ticket> = Vec::with_capacity(ids.len());
        let size = PAGE.to_string();
        for some in ids.chunks(PAGE) {
            let list = some.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            let (mut missing, mut seen) = (some.len(), 0_usize);
            for page_no in 1_u32.. {
                let page = page_no.to_string();
                let query = [
                    ("pageinate", "true"),
                    ("page_size", size.as_str()),
                    ("page_no", page.as_str()),
                    ("order", "id"),
                    ("ticketids", list.as_str()),
                ];
                let answer = self.get("Tickets", &query, class).await?;
                let (rows, total) = listed(&answer)?;
                seen += rows.len();
                let counted = total.and_then(|total| usize::try_from(total).ok());
                let limit = paging::may_be_a_limit(rows.len()) || counted.is_some_and(|all| all > seen);
                // The filter is never trusted (rule 8): only what was asked for is taken.
                let asked =
                    |ticket: &Ticket| some.contains(&ticket.id) && !found.iter().any(|known| known.id == ticket.id);
                let new: Vec<Ticket> = rows.into_iter().filter_map(|row| read::row(row).ok()).filter(asked).collect();
                missing = missing.saturating_sub(new.len());
                // A server may hand out fewer at once than are asked for.
                let over = missing == 0 || new.is_empty() || !limit;
                found.extend(new);
                if over {
                    break;
                }
            }
        }
        Ok(found)
    }
}

/// The rows of a list of tickets, and how many Halo counts.
pub(super) fn listed(answer: &Answer) -> Answered<(Vec<Value>, Option<i64>)> {
    let (rows, total) = paging::rows(answer.json()?, "tickets").ok_or_else(|| answer.unreadable())?;
    if rows.len() > ROWS_MAX {
        return Err(answer.overlong(rows.len()));
    }
    Ok((rows, total))
}

/// What a page of changed tickets is asked for with.
fn changed_query<'a>(since: &'a str, size: &'a str, page: &'a str) -> [(&'a str, &'a str); 6] {
    [
        ("pageinate", "true"),
        ("page_size", size),
        ("page_no", page),
        ("order", "id"),
        ("orderdesc", "false"),
        ("lastupdatefromdate", since),
    ]
}

/// A moment as lists are asked by it.
pub(super) fn moment(at: Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}
