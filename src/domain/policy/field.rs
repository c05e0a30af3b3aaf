//! Mapped fields: any value of the incident, its alerts and entities → a field of the ticket.

use serde::{Deserialize, Serialize};

use super::rule::FieldRule;
use crate::domain::catalogue::Ref;

/// Where the value of a mapped field comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldSource {
    /// A path, e.g. `$.properties.additionalData.tactics[*]`; lists are joined by `, `.
    Path(String),
    /// Text with such paths in braces, e.g. `{$.properties.severity}: {$.properties.title}`.
    Template(String),
    /// A fixed text.
    Text(String),
}

impl FieldSource {
    /// As it is written.
    pub fn text(&self) -> &str {
        match self {
            Self::Path(text) | Self::Template(text) | Self::Text(text) => text,
        }
    }

    /// Whether alerts or entities must be read for it.
    pub fn reads_evidence(&self) -> bool {
        match self {
            Self::Path(text) | Self::Template(text) => {
                ["$alerts", "$entities", "$details"].iter().any(|root| text.contains(root))
            }
            Self::Text(_) => false,
        }
    }

    /// Whether entities must be read for it.
    pub fn reads_entities(&self) -> bool {
        self.reads_evidence() && self.text().contains("$entities")
    }
}

/// The ticket's subject: mapped to, it is given to a new ticket. When it follows the incident later is the title's own rule.
pub const SUBJECT: &str = "summary";

/// Members of a ticket that can be mapped to besides custom fields, and whether they hold a number.
pub const MEMBERS: [(&str, bool); 9] = [
    (SUBJECT, false),
    ("category_1", false),
    ("category_2", false),
    ("category_3", false),
    ("category_4", false),
    ("team", false),
    ("impact", true),
    ("urgency", true),
    ("source", true),
];

/// What a mapped value is written to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldTarget {
    /// A custom field by id, name (`CF…`) or label.
    Custom(Ref),
    /// One of [`MEMBERS`].
    Member(String),
}

impl std::fmt::Display for FieldTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Custom(field) => write!(f, "{field}"),
            Self::Member(name) => write!(f, "“{name}”"),
        }
    }
}

/// One value → one field of the ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldMapping {
    /// The field.
    pub field: FieldTarget,
    /// The value.
    pub source: FieldSource,
    /// To Halo or not at all; on creation only or always; who wins against an agent's own value.
    pub rule: FieldRule,
}

impl FieldMapping {
    /// Whether it shapes the ticket's subject.
    pub fn is_subject(&self) -> bool {
        matches!(&self.field, FieldTarget::Member(name) if name == SUBJECT)
    }
}

/// Labels ↔ a custom field of the ticket that holds them, separated by commas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelMapping {
    /// Field id, name (`CF…`) or label.
    pub field: Ref,
    /// Which way and when. Labels are a set: what was added on either side is kept, so nobody has to win.
    pub rule: FieldRule,
}

/// Who a new ticket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "requester", rename_all = "kebab-case")]
pub enum RequesterRule {
    /// The client's General User.
    #[default]
    GeneralUser,
    /// The user that the incident's Account or Mailbox entities name, if the client has such a user in Halo; else
    /// the General User, which the ticket then says.
    AffectedUser,
    /// Always this one.
    User {
        /// Halo user id.
        id: i64,
    },
}
