//! What the test of an instance asks: scopes by what they let through, one ticket type whole, its outcomes, SLAs.

use serde_json::Value;

use super::{Answered, Halo, paging};
use crate::{
    domain::{catalogue::Named, failure::Failure, ids::TicketId},
    outbound::{
        budget::Class,
        read::{flag_at, int_at, list_at, words_at},
    },
};

/// A ticket type as its own record tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TypeDetails {
    /// SLA of its tickets; `None` when it has none or that is not told.
    pub sla: Option<i64>,
    /// Whether it told that at all; an SLA may also come from the client or an agreement.
    pub sla_told: bool,
    /// Whether tickets of it may be made; `None` when that is not told.
    pub can_create: Option<bool>,
    /// Labels or names of fields that must be filled in when a ticket is made.
    pub mandatory: Vec<String>,
}

/// An outcome as a note of ours would use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomeDetails {
    /// Id.
    pub id: i64,
    /// Name.
    pub name: String,
    /// Whether using it mails the end user.
    pub mails: bool,
    /// Status that it puts the ticket in; `None` when it leaves it alone.
    pub new_status: Option<i64>,
}

/// A part of the API and the scope that opens it.
pub const PARTS: [(&str, &str); 3] = [("Tickets", "read:tickets"), ("Client", "read:customers"), ("Webhook", "admin")];

/// Whether the granted scopes cover one that is needed (halo-api sheet 1.3): by name, by `edit:` for `read:`, or by
/// one of those that open everything.
pub fn covers(granted: &[String], needed: &str) -> bool {
    let has = |name: &str| granted.iter().any(|scope| scope.eq_ignore_ascii_case(name));
    let whole = if needed == "admin" { &["all", "admin"][..] } else { &["all", "all:standard", "admin"][..] };
    let edits = needed.strip_prefix("read:").is_some_and(|thing| has(&format!("edit:{thing}")));
    whole.iter().any(|name| has(name)) || has(needed) || edits
}

impl Halo {
    /// Reads one row of a part of the API: whether it is open to us.
    ///
    /// # Errors
    /// See [`crate::domain::failure::FailureKind`].
    pub async fn open(&self, part: &str, class: Class) -> Answered<()> {
        let query = [("pageinate", "true"), ("page_size", "1"), ("page_no", "1"), ("count", "1")];
        self.get(part, &query, class).await?.json().map(drop)
    }

    /// The SLAs, by name.
    ///
    /// # Errors
    /// See [`crate::domain::failure::FailureKind`].
    pub async fn slas(&self, class: Class) -> Answered<Vec<Named>> {
        let answer = self.get("SLA", &[], class).await?;
        let (rows, _) = paging::rows(answer.json()?, "slas").ok_or_else(|| answer.unreadable())?;
        let read = |row: &Value| Some(Named { id: int_at(row, "id")?, name: words_at(row, "name")? });
        Ok(rows.iter().filter_map(read).collect())
    }

    /// A ticket type with its details.
    ///
    /// # Errors
    /// See [`crate::domain::failure::FailureKind`].
    pub async fn type_details(&self, id: i64, class: Class) -> Answered<TypeDetails> {
        let answer = self.get(&format!("TicketType/{id}"), &[("includedetails", "true")], class).await?;
        let body = answer.json()?;
        let mandatory = |row: &&Value| flag_at(row, "mandatory").unwrap_or(false);
        let name = |row: &Value| {
            let own = row.get("fieldinfo").and_then(|info| words_at(info, "label"));
            own.or_else(|| words_at(row, "fieldname")).or_else(|| words_at(row, "name"))
        };
        Ok(TypeDetails {
            sla: int_at(&body, "default_sla").filter(|id| *id > 0),
            sla_told: int_at(&body, "default_sla").is_some(),
            can_create: flag_at(&body, "cancreate"),
            mandatory: list_at(&body, "fields").iter().filter(mandatory).filter_map(name).collect(),
        })
    }

    /// The outcomes that tickets of a type offer.
    ///
    /// # Errors
    /// See [`crate::domain::failure::FailureKind`].
    pub async fn outcomes_of(&self, ticket_type: i64, class: Class) -> Answered<Vec<OutcomeDetails>> {
        let number = ticket_type.to_string();
        let query = [("tickettype_id", number.as_str()), ("excludesystemactions", "true")];
        let answer = self.get("Outcome", &query, class).await?;
        let (rows, _) = paging::rows(answer.json()?, "outcomes").ok_or_else(|| answer.unreadable())?;
        let read = |row: &Value| {
            Some(OutcomeDetails {
                id: int_at(row, "id")?,
                name: ["outcome", "buttonname", "name"].iter().find_map(|key| words_at(row, key))?,
                mails: flag_at(row, "sendemail").unwrap_or(false),
                new_status: int_at(row, "newstatus").filter(|id| *id > 0),
            })
        };
        Ok(rows.iter().filter_map(read).collect())
    }

    /// Removes a ticket. Only ever one that was made for a test.
    ///
    /// # Errors
    /// See [`crate::domain::failure::FailureKind`].
    pub async fn remove_ticket(&self, id: TicketId, class: Class) -> Result<(), Failure> {
        self.delete(&format!("Tickets/{id}"), class).await.map(drop)
    }
}
