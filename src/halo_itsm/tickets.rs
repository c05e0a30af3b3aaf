//! Tickets: reading, listing, finding, creating, changing.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    Answered, Halo, body, error,
    likely::{List, elsewhere, falls, last_of, likeness, mark},
    lists::{listed, moment},
    paging::{PAGE, Turn},
    read,
};
use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        ids::TicketId,
        ticket::{Ticket, TicketChange, TicketDraft},
    },
    outbound::{budget::Class, exchange::Answer, read::int_at},
};

/// Rows of a search that are read again one by one; the newest come first.
const LOOK_MAX: usize = 10;
/// The same of the newest tickets, where nothing but the place tells which one may be it.
const LIKELY_MAX: usize = 15;
/// How far before a call a list of the newest begins: Halo's clock may be off, or tell local time.
const CLOCKS_APART: SignedDuration = SignedDuration::from_hours(26);
/// So many pages of tickets are gone through for one that is forgotten, or that an instance does not list first.
const FORGOTTEN_PAGES: u32 = 10;

/// A ticket that was made.
pub struct Made {
    /// As it stands.
    pub ticket: Ticket,
    /// Halo put it on another client than was asked for, as it was made: nobody has moved it since.
    pub misplaced: bool,
}

impl Halo {
    /// One ticket, fresh (past Halo's cache), with details and custom fields. `Gone` when there is none.
    ///
    /// # Errors
    /// See [`FailureKind`].
    pub async fn ticket(&self, id: TicketId, class: Class) -> Answered<Ticket> {
        let path = format!("Tickets/{id}");
        let answer = self.get(&path, &[("includedetails", "true"), ("nocache", "true")], class).await?;
        let body = answer.json()?;
        // Halo answers some unknown numbers with 200 and null.
        if body.is_null() {
            return Err(answer.failure(FailureKind::Gone, None, "Halo has no such record (any more)."));
        }
        let object = read::one_of(body, |item| int_at(item, "id") == Some(id.0));
        let ticket = object.and_then(|object| read::ticket(object).ok()).filter(|ticket| ticket.id == id);
        ticket.ok_or_else(|| answer.unreadable())
    }

    /// Tickets that a create of this draft, sent after `since`, has made, proven by the reference in their text: looked for
    /// by search, then among the newest tickets (not every instance searches in details; where the order is not kept, by our
    /// mark and on all pages, up to a limit at which the look has failed): those with the draft's subject,
    /// those with one like it, and the others of its client and type, for rules and templates of Halo change what was sent
    /// (sheet 7.3, no. 15 and 16). `free` leaves out those that are known to be another incident's: they need not be read.
    ///
    /// # Errors
    /// See [`FailureKind`].
    pub async fn find_created<F>(
        &self,
        draft: &TicketDraft,
        since: Timestamp,
        class: Class,
        free: impl Fn(Vec<TicketId>) -> F,
        further: impl Fn(&Ticket) -> bool,
    ) -> Answered<Vec<Ticket>>
    where
        F: Future<Output = Answered<Vec<TicketId>>>,
    {
        let found = self.found_by_search(draft, class, &free).await?;
        if !found.is_empty() {
            return Ok(found);
        }
        let is_one = |ticket: &Ticket| carries(ticket, &draft.reference) || further(ticket);
        // Without a date a list is what an agent sees by default (sheet 3.1).
        let from = since - CLOCKS_APART;
        let since = moment(from);
        let filter = [("lastupdatefromdate", since.as_str())];
        let (rows, total) = self.newest_page(1, &filter, class).await?;
        let mut list = List::default();
        let newest_first = falls(&rows);
        let first = list.take(rows, total);
        let mut turn = if newest_first { Turn::Last } else { first };
        if turn != Turn::Last {
            // The order is not kept: what is new may be on any page.
            let found = self.found_by_mark(draft, class, &free, is_one).await?;
            if !found.is_empty() {
                return Ok(last_of(found, further));
            }
        }
        for page_no in 2..=FORGOTTEN_PAGES {
            if turn != Turn::More {
                break;
            }
            let (rows, total) = self.newest_page(page_no, &filter, class).await?;
            turn = list.take(rows, total);
        }
        let rows = list.rows;
        let mut likely: Vec<(u8, i64)> =
            rows.iter().filter_map(|row| Some((likeness(row, draft, from)?, int_at(row, "id")?))).collect();
        likely.sort_by_key(|(likeness, id)| (*likeness, std::cmp::Reverse(*id)));
        let mut likely = free(likely.into_iter().map(|(_, id)| TicketId(id)).collect()).await?;
        likely.truncate(LIKELY_MAX);
        let found = self.proven(likely, is_one, draft.client_id, class).await?;
        if found.is_empty() && turn != Turn::Last {
            // It may be among those that were not read: it must not be sent again.
            let why = if turn == Turn::Repeated {
                "hands out a page of them again in place of the next: one that may have been made is not shown."
            } else {
                "too many have changed to look through for one that may have been made."
            };
            let text = format!("Halo does not list the newest tickets first, and {why}");
            return Err(Failure::new(Side::Halo, FailureKind::Transient, text));
        }
        Ok(last_of(found, further))
    }

    /// The same where the ticket may have been made at any time since then, by a program whose memory of it is gone: it is
    /// looked for by our mark in its subject too, and among all of its client's tickets that changed since. What a rule of
    /// Halo gave another subject is found among the newest of them alone.
    ///
    /// # Errors
    /// See [`FailureKind`].
    pub async fn find_forgotten<F>(
        &self,
        draft: &TicketDraft,
        since: Timestamp,
        class: Class,
        free: impl Fn(Vec<TicketId>) -> F,
        further: impl Fn(&Ticket) -> bool,
    ) -> Answered<Vec<Ticket>>
    where
        F: Future<Output = Answered<Vec<TicketId>>>,
    {
        let found = self.found_by_search(draft, class, &free).await?;
        if !found.is_empty() {
            return Ok(found);
        }
        let is_one = |ticket: &Ticket| carries(ticket, &draft.reference) || further(ticket);
        let found = self.found_by_mark(draft, class, &free, is_one).await?;
        if !found.is_empty() {
            return Ok(last_of(found, further));
        }
        let from = since - CLOCKS_APART;
        let mut likely: BTreeMap<i64, u8> = BTreeMap::new();
        for row in self.changed_since(from, draft.client_id, class).await? {
            likely.extend(int_at(&row, "id").zip(likeness(&row, draft, from)));
        }
        let mut likely: Vec<(i64, u8)> = likely.into_iter().collect();
        likely.sort_by_key(|(id, likeness)| (*likeness, std::cmp::Reverse(*id)));
        let mut likely = free(likely.into_iter().map(|(id, _)| TicketId(id)).collect()).await?;
        likely.truncate(LIKELY_MAX);
        Ok(last_of(self.proven(likely, is_one, draft.client_id, class).await?, further))
    }

    /// The rows of a client's tickets that changed since then, page by page, and the newest of all clients: an agent may have
    /// moved one.
    async fn changed_since(&self, since: Timestamp, halo_client_id: i64, class: Class) -> Answered<Vec<Value>> {
        let (since, client) = (moment(since), halo_client_id.to_string());
        let mut found = self.newest(&[("lastupdatefromdate", since.as_str())], class).await?;
        let filter = [("lastupdatefromdate", since.as_str()), ("client_id", client.as_str())];
        let mut list = List::default();
        for page_no in 1..=FORGOTTEN_PAGES {
            let (rows, total) = self.newest_page(page_no, &filter, class).await?;
            if list.take(rows, total) != Turn::More {
                break;
            }
        }
        found.extend(list.rows);
        Ok(found)
    }

    /// Tickets that carry our reference, each proven by reading it: those of this client first. One may be another
    /// client's by now (moved by an agent), or on Halo's "Unknown" client, where a create lands when an id did not fit:
    /// look before pairing.
    ///
    /// # Errors
    /// See [`FailureKind`].
    pub async fn find_by_reference(&self, reference: &str, halo_client_id: i64, class: Class) -> Answered<Vec<Ticket>> {
        let ids = self.searched(reference, halo_client_id, class).await?;
        self.proven(ids, |ticket| carries(ticket, reference), halo_client_id, class).await
    }

    /// Those that Halo's search gives for a draft's reference and that carry it.
    async fn found_by_search<F>(
        &self,
        draft: &TicketDraft,
        class: Class,
        free: impl Fn(Vec<TicketId>) -> F,
    ) -> Answered<Vec<Ticket>>
    where
        F: Future<Output = Answered<Vec<TicketId>>>,
    {
        let searched = free(self.searched(&draft.reference, draft.client_id, class).await?).await?;
        self.proven(searched, |ticket| carries(ticket, &draft.reference), draft.client_id, class).await
    }

    /// Those that Halo's search gives for our mark in a draft's subject and that are the ones.
    async fn found_by_mark<F>(
        &self,
        draft: &TicketDraft,
        class: Class,
        free: impl Fn(Vec<TicketId>) -> F,
        is_one: impl Fn(&Ticket) -> bool,
    ) -> Answered<Vec<Ticket>>
    where
        F: Future<Output = Answered<Vec<TicketId>>>,
    {
        let Some(mark) = mark(&draft.summary) else { return Ok(Vec::new()) };
        let searched = free(self.searched(mark, draft.client_id, class).await?).await?;
        self.proven(searched, is_one, draft.client_id, class).await
    }

    /// What Halo's search gives for a reference.
    async fn searched(&self, reference: &str, halo_client_id: i64, class: Class) -> Answered<Vec<TicketId>> {
        let mut rows = self.newest(&[("search", reference)], class).await?;
        rows.sort_by_key(|row| {
            (elsewhere(int_at(row, "client_id"), halo_client_id), std::cmp::Reverse(int_at(row, "id")))
        });
        Ok(rows.iter().filter_map(|row| int_at(row, "id")).take(LOOK_MAX).map(TicketId).collect())
    }

    /// The first page of the newest tickets.
    async fn newest(&self, filter: &[(&str, &str)], class: Class) -> Answered<Vec<Value>> {
        self.newest_page(1, filter, class).await.map(|(rows, _)| rows)
    }

    /// A page of them, and how many Halo counts.
    async fn newest_page(
        &self,
        page_no: u32,
        filter: &[(&str, &str)],
        class: Class,
    ) -> Answered<(Vec<Value>, Option<i64>)> {
        let (size, page) = (PAGE.to_string(), page_no.to_string());
        let paging = [("pageinate", "true"), ("page_size", size.as_str()), ("page_no", page.as_str()), ("order", "id")];
        let query = [paging.as_slice(), &[("orderdesc", "true")], filter].concat();
        let answer = self.get("Tickets", &query, class).await?;
        listed(&answer)
    }

    /// Those of the tickets that are the ones, each read by its number.
    async fn proven(
        &self,
        mut ids: Vec<TicketId>,
        is_one: impl Fn(&Ticket) -> bool,
        halo_client_id: i64,
        class: Class,
    ) -> Answered<Vec<Ticket>> {
        ids.dedup();
        let mut found = Vec::new();
        for id in ids.into_iter().filter(|id| id.0 > 0) {
            match self.ticket(id, class).await {
                Ok(ticket) if is_one(&ticket) => found.push(ticket),
                Ok(_) => {}
                Err(failure) if failure.kind == FailureKind::Gone => {}
                Err(failure) => return Err(failure),
            }
        }
        found.sort_by_key(|ticket| elsewhere(ticket.client_id, halo_client_id));
        Ok(found)
    }

    /// Creates a ticket. One at a time per instance (rule 10). The answer is compared with the draft.
    ///
    /// # Errors
    /// `Unknown` when it may have been created: look for the reference before sending again.
    pub async fn create_ticket(&self, draft: &TicketDraft, class: Class) -> Answered<Ticket> {
        self.make_ticket(draft, class).await.map(|made| made.ticket)
    }

    /// The same; also whether it landed where it was to.
    ///
    /// # Errors
    /// As [`Self::create_ticket`].
    pub async fn make_ticket(&self, draft: &TicketDraft, class: Class) -> Answered<Made> {
        let _lane = self.budget.alone().await;
        let mut body = body::create_body(draft);
        let mut asked_for = None;
        let answer = match self.post("Tickets", &body, class).await {
            // Fields that agents must fill in hold no incident back: no ticket is worse than a poorer one (sheet 3.3).
            Err(failure) if asks_for_more(&failure) => {
                body::without_validation(&mut body);
                asked_for = Some(failure.message);
                self.post("Tickets", &body, class).await?
            }
            answer => answer?,
        };
        let summary = body.pointer("/0/summary").cloned().unwrap_or(Value::Null);
        let made = answer.json()?;
        // Of several the one that carries our reference, for others may have the same subject.
        let told = |item: &Value| item.to_string().contains(&draft.reference);
        let several = made.as_array().is_some_and(|items| items.iter().any(told));
        let fits = |item: &Value| if several { told(item) } else { item.get("summary") == Some(&summary) };
        let object = read::one_of(made, fits);
        let mut ticket = object.and_then(|o| read::ticket(o).ok()).ok_or_else(|| error::nothing_made(&answer))?;
        if let Some(asked_for) = asked_for {
            tracing::warn!(ticket.id = %ticket.id, "a ticket was made without what its type asks for: {asked_for}");
            ticket.warning = Some(format!("The ticket was made without what its type asks for. {asked_for}"));
        }
        let wanted = Wanted {
            status_id: draft.status_id,
            priority_id: draft.priority_id,
            client_id: Some(draft.client_id),
            agent_id: draft.agent_id,
            ticket_type_id: Some(draft.ticket_type_id),
        };
        let elsewhere = |ticket: &Ticket| ticket.client_id.is_some_and(|id| id != draft.client_id);
        let answered_elsewhere = elsewhere(&ticket);
        let ticket = self.compared(ticket, &wanted, class).await;
        Ok(Made { misplaced: answered_elsewhere && elsewhere(&ticket), ticket })
    }

    /// Changes a ticket as just read. The answer is compared with what was sent.
    ///
    /// # Errors
    /// `Unknown` when it may have been changed: read it again.
    pub async fn update_ticket(&self, current: &Ticket, change: &TicketChange, class: Class) -> Answered<Ticket> {
        if current.id.0 <= 0 {
            // Without a number Halo would make a new ticket (sheet 3.3).
            let text = "A ticket without a number can't be changed. Read it again.";
            return Err(Failure::new(Side::Halo, FailureKind::Rejected, text));
        }
        let answer = self.post("Tickets", &body::update_body(current, change), class).await?;
        if let Some(refusal) = error::beside_a_good_status(&answer) {
            return Err(refusal);
        }
        let wanted = Wanted {
            status_id: change.status_id,
            priority_id: change.priority_id,
            client_id: current.client_id,
            agent_id: change.agent_id,
            ticket_type_id: current.ticket_type_id,
        };
        match changed(&answer, current.id) {
            Some(ticket) => Ok(self.compared(ticket, &wanted, class).await),
            // A proxy's or a sign-in's page is nobody's word that it was accepted.
            None if !answer.body.is_empty() && answer.json_if_any().is_none() => Err(answer.unreadable()),
            // It was accepted, but the answer says nothing about this ticket: look.
            None => {
                let ticket = self.ticket(current.id, class).await.map_err(|mut failure| {
                    failure.kind = FailureKind::Unknown;
                    failure
                })?;
                Ok(warned(ticket, &wanted))
            }
        }
    }

    /// Rule 3: where the answer differs from what was sent, look again, and say so.
    async fn compared(&self, ticket: Ticket, wanted: &Wanted, class: Class) -> Ticket {
        if wanted.differs(&ticket).is_empty() {
            return ticket;
        }
        match self.ticket(ticket.id, class).await {
            Ok(fresh) => warned(fresh, wanted),
            // The write was carried out all the same: what the answer said is what we know.
            Err(_) => warned(ticket, wanted),
        }
    }
}

/// Words of refusals for what a create says, not for what it lacks.
const OF_ANOTHER_KIND: [&str; 12] = [
    "not exist",
    "not found",
    "no access",
    "not have access",
    "permission",
    "not allowed",
    "licen",
    "deserialize",
    "convert",
    "not a valid integer",
    "unexpected character",
    "web page",
];

/// Whether a create may have been refused for a field that the ticket type makes mandatory. Who set it up wrote the words,
/// in any language: it is every refusal that is not known to be of another kind.
fn asks_for_more(failure: &Failure) -> bool {
    let text = failure.message.to_lowercase();
    let refused = failure.kind == FailureKind::Rejected && failure.status == Some(400);
    refused && !OF_ANOTHER_KIND.iter().any(|words| text.contains(words))
}

/// What was sent and must be in the answer.
struct Wanted {
    status_id: Option<i64>,
    priority_id: Option<i64>,
    client_id: Option<i64>,
    agent_id: Option<i64>,
    ticket_type_id: Option<i64>,
}

impl Wanted {
    /// Names of the members that differ.
    fn differs(&self, ticket: &Ticket) -> Vec<&'static str> {
        // An answer that does not tell the type says nothing of it.
        let kind = self.ticket_type_id.filter(|_| ticket.ticket_type_id.is_some());
        let pairs = [
            ("status", self.status_id, ticket.status_id),
            ("priority", self.priority_id, ticket.priority_id),
            ("client", self.client_id, ticket.client_id),
            ("agent", self.agent_id, ticket.agent_id),
            ("ticket type", kind, ticket.ticket_type_id),
        ];
        let differs = |(_, sent, got): &(&str, Option<i64>, Option<i64>)| sent.is_some() && sent != got;
        pairs.into_iter().filter(differs).map(|(name, ..)| name).collect()
    }
}

fn warned(mut ticket: Ticket, wanted: &Wanted) -> Ticket {
    let differs = wanted.differs(&ticket);
    if !differs.is_empty() {
        let own = format!("Halo kept another {} than was sent. Check the ticket type's rules.", differs.join(", "));
        ticket.warning = Some(match ticket.warning.take() {
            Some(theirs) => format!("{own} Halo says: {theirs}"),
            None => own,
        });
    }
    ticket
}

/// The changed ticket out of an answer, if it is there.
fn changed(answer: &Answer, id: TicketId) -> Option<Ticket> {
    let object = read::one_of(answer.json_if_any()?, |item| int_at(item, "id") == Some(id.0))?;
    read::ticket(object).ok().filter(|ticket| ticket.id == id)
}

/// Whether a ticket carries the reference where we write it.
pub fn carries(ticket: &Ticket, reference: &str) -> bool {
    let texts = ["details_html", "details", "summary"];
    texts.iter().any(|key| ticket.raw.get(*key).and_then(Value::as_str).is_some_and(|text| text.contains(reference)))
        || ticket.custom_fields.iter().any(|field| field.text().is_some_and(|text| text.contains(reference)))
}
