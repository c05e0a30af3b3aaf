//! Sentinel incidents as read, normalised; the whole resource is kept beside the typed members.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    closing::{Classification, Verdict},
    ids::{CommentId, IncidentId, fingerprint},
    raw::Raw,
    time::to_ms,
};

macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum $name {
            $($(#[$vdoc])* $variant,)+
            /// Anything newer than this program, kept as it came.
            Other(String),
        }

        impl $name {
            /// Microsoft's spelling.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(text) => text,
                }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                match text.as_str() {
                    // Playbooks and stand-ins write `high`, too.
                    $(known if known.eq_ignore_ascii_case($text) => Self::$variant,)+
                    _ => Self::Other(text),
                }
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.as_str().to_owned()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

open_enum! {
    /// How bad Microsoft rates it.
    Severity {
        /// `High`
        High = "High",
        /// `Medium`
        Medium = "Medium",
        /// `Low`
        Low = "Low",
        /// `Informational`
        Informational = "Informational",
    }
}

impl Severity {
    /// Its place among the severities, from 1; none of a word that is not known.
    pub fn rank(&self) -> Option<u8> {
        match self {
            Self::Informational => Some(1),
            Self::Low => Some(2),
            Self::Medium => Some(3),
            Self::High => Some(4),
            Self::Other(_) => None,
        }
    }
}

open_enum! {
    /// Where the incident stands.
    IncidentStatus {
        /// `New`
        New = "New",
        /// `Active`
        Active = "Active",
        /// `Closed`
        Closed = "Closed",
    }
}

/// Who holds the incident. All members may be absent: then it is unassigned.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Owner {
    /// Entra object id.
    pub object_id: Option<String>,
    /// Mail address.
    pub email: Option<String>,
    /// Display name.
    pub assigned_to: Option<String>,
    /// User principal name.
    pub user_principal_name: Option<String>,
    /// `Unknown`, `User`, `Group`.
    pub owner_type: Option<String>,
}

impl Owner {
    /// Nobody.
    pub fn is_none(&self) -> bool {
        self.object_id.is_none()
            && self.email.is_none()
            && self.assigned_to.is_none()
            && self.user_principal_name.is_none()
    }

    /// The best identity for comparing and showing: UPN, mail, object id, then display name; lower-cased.
    pub fn key(&self) -> Option<String> {
        self.user_principal_name
            .as_deref()
            .or(self.email.as_deref())
            .or(self.object_id.as_deref())
            .or(self.assigned_to.as_deref())
            .map(str::to_lowercase)
    }
}

/// One tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// The tag's text.
    pub name: String,
    /// `User` or `AutoAssigned`; read-only at Microsoft's.
    #[serde(default)]
    pub kind: Option<String>,
}

impl Label {
    /// Whether Microsoft assigned it itself: nobody here takes it off.
    pub fn assigned(&self) -> bool {
        self.kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("AutoAssigned"))
    }
}

/// A count that the service left out: there may be any number, so one has to look.
pub const NOT_TOLD: i64 = -1;

/// An incident as last read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// GUID (resource `name`), lower-cased.
    pub id: IncidentId,
    /// Full ARM resource id, as given.
    pub resource_id: String,
    /// Opaque version, with its embedded quotes.
    pub etag: Option<String>,
    /// Number within the workspace.
    pub number: Option<i64>,
    /// Title; empty when the service sent null.
    pub title: String,
    /// Description.
    pub description: Option<String>,
    /// Severity.
    pub severity: Severity,
    /// Status.
    pub status: IncidentStatus,
    /// Only meaningful while `Closed` (sheet section 2).
    pub classification: Option<Classification>,
    /// Microsoft's reason.
    pub classification_reason: Option<String>,
    /// Free text given at closing.
    pub classification_comment: Option<String>,
    /// Owner.
    pub owner: Owner,
    /// Tags.
    pub labels: Vec<Label>,
    /// Exact text as sent, to be sent back unchanged.
    pub first_activity: Option<String>,
    /// Exact text as sent, to be sent back unchanged.
    pub last_activity: Option<String>,
    /// Creation, by the service's clock.
    pub created: Option<Timestamp>,
    /// Last change, by the service's clock.
    pub modified: Option<Timestamp>,
    /// Number of alerts; [`NOT_TOLD`] when the service does not say.
    pub alerts_count: i64,
    /// Number of comments; [`NOT_TOLD`] when the service does not say.
    pub comments_count: i64,
    /// Address in the Azure portal, if the service named one.
    pub url: Option<String>,
    /// `Azure Sentinel` or `Microsoft XDR`.
    pub provider_name: Option<String>,
    /// The provider's own incident id.
    pub provider_incident_id: Option<String>,
    /// Address in the Defender portal.
    pub provider_url: Option<String>,
    /// The whole resource as read: nothing is lost that this program has no name for.
    pub raw: Raw,
}

impl Incident {
    /// `Closed` with the label `Redirected` (any letter case): merged away in Defender, not closed (sheet section 8).
    pub fn redirected(&self) -> bool {
        self.status == IncidentStatus::Closed && self.labels.iter().any(|l| l.name.eq_ignore_ascii_case("redirected"))
    }

    /// Whether it bears a label of this name that a person may take off.
    pub fn bears(&self, name: &str) -> bool {
        self.labels.iter().any(|label| label.name.eq_ignore_ascii_case(name) && !label.assigned())
    }

    /// Whether the incident is closed for good (a merge is not a closure).
    pub fn closed(&self) -> bool {
        self.status == IncidentStatus::Closed && !self.redirected()
    }

    /// Whether it is known as it was drafted from a ticket: nothing of it is Azure's, so no reading has shown it yet.
    pub fn drafted(&self) -> bool {
        let versions = self.etag.is_none() && self.created.is_none() && self.modified.is_none();
        versions && self.number.is_none() && self.resource_id.is_empty()
    }

    /// Classification, reason and comment, while closed.
    pub fn verdict(&self) -> Option<Verdict> {
        let classification = self.classification.clone().filter(|_| self.closed())?;
        Some(Verdict {
            classification,
            reason: self.classification_reason.clone(),
            comment: self.classification_comment.clone(),
        })
    }

    /// A fingerprint of what tells one version from another. A list and a single reading say the same with other members.
    pub fn version(&self) -> String {
        let (modified, owner) = (self.modified.map(to_ms), self.owner.key());
        let words = json!([
            self.etag,
            modified,
            self.number,
            self.title,
            self.severity,
            self.status,
            owner,
            self.comments_count
        ]);
        fingerprint(&words.to_string())
    }

    /// Title with the number, for people.
    pub fn name(&self) -> String {
        match self.number {
            Some(number) => format!("#{number} {}", self.title),
            None => self.title.clone(),
        }
    }
}

/// A comment on an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// GUID, lower-cased.
    pub id: CommentId,
    /// Text, simple HTML or Markdown.
    pub message: String,
    /// Display name, mail or UPN of the author; absent for apps.
    pub author: Option<String>,
    /// Author's Entra object id.
    pub author_object_id: Option<String>,
    /// Written at.
    pub created: Option<Timestamp>,
    /// Edited at.
    pub modified: Option<Timestamp>,
    /// Opaque version.
    pub etag: Option<String>,
    /// The resource as it came, whole.
    #[serde(default, skip_serializing_if = "Raw::is_null")]
    pub raw: Raw,
}

impl Comment {
    /// One that we have just written.
    pub fn own(id: CommentId, message: &str, at: Timestamp) -> Self {
        Self {
            id,
            message: message.to_owned(),
            author: None,
            author_object_id: None,
            created: Some(at),
            modified: None,
            etag: None,
            raw: Raw::null(),
        }
    }

    /// Whether it is one that we have written since `asked`, and never read.
    pub fn unread_since(&self, asked: Timestamp) -> bool {
        self.raw.is_null() && self.created.is_some_and(|written| written >= asked)
    }
}

/// Alerts and entities of an incident, as read.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// `value[]` of `POST …/alerts`, whole.
    pub alerts: Vec<Value>,
    /// `entities[]` of `POST …/entities`, whole.
    pub entities: Vec<Value>,
}
