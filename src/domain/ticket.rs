//! Halo tickets and actions as read, normalised; the whole object is kept beside the typed members.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    ids::{ActionKey, TicketId, fingerprint},
    raw::Raw,
    time::to_ms,
};

/// A ticket as last read (by id, or a list row).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    /// Number within the instance.
    pub id: TicketId,
    /// Subject.
    pub summary: String,
    /// Customer.
    pub client_id: Option<i64>,
    /// Customer's name, when sent.
    pub client_name: Option<String>,
    /// Site.
    pub site_id: Option<i64>,
    /// Requester.
    pub user_id: Option<i64>,
    /// Ticket type.
    pub ticket_type_id: Option<i64>,
    /// Status.
    pub status_id: Option<i64>,
    /// `priorityid` within the ticket's SLA.
    pub priority_id: Option<i64>,
    /// SLA.
    pub sla_id: Option<i64>,
    /// Assigned agent; 1 is "Unassigned".
    pub agent_id: Option<i64>,
    /// Team, by name.
    pub team: Option<String>,
    /// First category, full path.
    pub category_1: Option<String>,
    /// `hasbeenclosed`, or a closing date later than 1980; the policy's closed statuses count too.
    pub closed: bool,
    /// Text given at closing.
    pub closure_note: Option<String>,
    /// The ticket it was merged into, if any.
    pub merged_into: Option<TicketId>,
    /// Whether it was deleted.
    pub deleted: bool,
    /// `last_update` or `lastupdate`.
    pub last_update: Option<Timestamp>,
    /// `lastactiondate`.
    pub last_action: Option<Timestamp>,
    /// Custom fields, when read by id.
    pub custom_fields: Vec<CustomField>,
    /// A reading by id told them before this one, which leaves them out: those known stand ([`Ticket::tells_fields`]).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fields_told: bool,
    /// `_warning` of a write that succeeded all the same.
    pub warning: Option<String>,
    /// The whole object as read.
    pub raw: Raw,
}

impl Ticket {
    /// A fingerprint of what tells one version from another. A list's row and a reading by number say the same with other
    /// members.
    pub fn version(&self) -> String {
        let words = json!([
            self.id,
            self.last_update.map(to_ms),
            self.last_action.map(to_ms),
            self.summary,
            self.status_id,
            self.priority_id,
            self.agent_id,
            self.client_id,
            self.merged_into,
            self.deleted
        ]);
        fingerprint(&words.to_string())
    }

    /// Whether all its custom fields are known, from a reading by id: one that is not among them is empty, for an instance may
    /// hand out only those in which something stands. A list row tells none.
    pub fn tells_fields(&self) -> bool {
        self.fields_told || self.raw.get("customfields").is_some_and(Value::is_array)
    }

    /// Whether the reading tells its team, if only that there is none.
    pub fn tells_team(&self) -> bool {
        self.team.is_some() || self.raw.get("team").is_some()
    }

    /// The same of its first category, in both spellings.
    pub fn tells_category(&self) -> bool {
        self.category_1.is_some() || ["category_1", "category1"].iter().any(|key| self.raw.get(*key).is_some())
    }

    /// The custom field with this id.
    pub fn custom_field(&self, id: i64) -> Option<&CustomField> {
        self.custom_fields.iter().find(|field| field.id == id)
    }
}

/// One custom field's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomField {
    /// Field id.
    pub id: i64,
    /// `CF…`
    pub name: String,
    /// As sent; a select's is its option's id, often as text.
    pub value: Value,
    /// What a person sees.
    pub display: Option<String>,
}

impl CustomField {
    /// Display text, else the value as text; `None` when empty.
    pub fn text(&self) -> Option<String> {
        let shown = self.display.clone().or_else(|| match &self.value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            _ => None,
        });
        shown.filter(|text| !text.trim().is_empty())
    }
}

/// One action (note) of a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// Ticket and number within it.
    pub key: ActionKey,
    /// Outcome's name, e.g. `Private Note`.
    pub outcome: Option<String>,
    /// Outcome's id.
    pub outcome_id: Option<i64>,
    /// A built-in kind (`action_systemid` > 0), e.g. "Opened"; an end user's reply and an agent's note are none.
    pub system: bool,
    /// Author's display name.
    pub who: Option<String>,
    /// Author's agent id.
    pub agent_id: Option<i64>,
    /// Name of the API application that wrote it (`actionby_application_id`).
    pub application: Option<String>,
    /// When (history time, UTC).
    pub at: Option<Timestamp>,
    /// Edited at.
    pub updated: Option<Timestamp>,
    /// Plain text; Halo derives it from the HTML without spaces, so prefer `note_html`.
    pub note: String,
    /// HTML, with `includehtmlnote`.
    pub note_html: Option<String>,
    /// Hidden from the end user (private).
    pub private: bool,
    /// Halo did not say whether it is hidden: then it counts as hidden.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub privacy_untold: bool,
    /// Marked important.
    pub important: bool,
    /// The native integration's flag "Sync to Sentinel".
    pub sync_to_sentinel: bool,
    /// Status the action moved the ticket to.
    pub new_status: Option<i64>,
    /// Classification chosen by the agent in the native integration's field.
    pub sentinel_classification: Option<String>,
    /// Reason chosen there.
    pub sentinel_classification_reason: Option<String>,
}

impl Action {
    /// Whether there is anything to read in it.
    pub fn is_blank(&self) -> bool {
        self.note.trim().is_empty() && self.note_html.as_deref().is_none_or(|html| html.trim().is_empty())
    }
}

/// A ticket to be created. Ids are resolved; what is `None` is left to Halo.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TicketDraft {
    /// Subject (cut to 200 characters, the whole title stands in the details).
    pub summary: String,
    /// Safe HTML.
    pub details_html: String,
    /// Customer.
    pub client_id: i64,
    /// Site.
    pub site_id: Option<i64>,
    /// Requester.
    pub requester: Requester,
    /// Ticket type.
    pub ticket_type_id: i64,
    /// Status.
    pub status_id: Option<i64>,
    /// `priorityid`.
    pub priority_id: Option<i64>,
    /// Agent.
    pub agent_id: Option<i64>,
    /// Team, by name.
    pub team: Option<String>,
    /// First category, full path joined by `>`.
    pub category_1: Option<String>,
    /// Custom fields: id and value.
    pub custom_fields: Vec<(i64, Value)>,
    /// Further members of the ticket, by Halo's name ([`crate::domain::policy::field::MEMBERS`]).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<(String, Value)>,
    /// Opened at.
    pub occurred: Option<Timestamp>,
    /// Our visible reference (`HB-…`), also in `details_html`; searched for when an answer was lost.
    pub reference: String,
}

/// Who the ticket is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Requester {
    /// The client's General User.
    GeneralUser,
    /// A user by id.
    User {
        /// Halo user id.
        id: i64,
    },
}

/// A user (contact) of a client in Halo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HaloUser {
    /// Id.
    pub id: i64,
    /// Name.
    pub name: String,
    /// Site: a ticket for this user must be of the same one.
    pub site_id: Option<i64>,
}

/// A note to be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteDraft {
    /// Outcome by name or id, resolved.
    pub outcome: OutcomeRef,
    /// Safe HTML.
    pub html: String,
    /// The same as text.
    pub text: String,
    /// Hidden from the end user.
    pub private: bool,
    /// Our visible reference, also in the text.
    pub reference: String,
    /// The ticket it is written to, where that is not the pair's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<TicketId>,
}

/// How an outcome is named to Halo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OutcomeRef {
    /// By id.
    Id(i64),
    /// By name.
    Name(String),
}

/// Members of a ticket to be changed; `None` is left alone.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TicketChange {
    /// Status.
    pub status_id: Option<i64>,
    /// `priorityid`.
    pub priority_id: Option<i64>,
    /// Agent.
    pub agent_id: Option<i64>,
    /// Text given at closing.
    pub closure_note: Option<String>,
    /// Subject.
    pub summary: Option<String>,
    /// Custom fields: id and value.
    pub custom_fields: Vec<(i64, Value)>,
    /// Further members, by Halo's name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<(String, Value)>,
}
