//! How one field crosses: which way, when, and who wins.

use serde::{Deserialize, Serialize};

use crate::domain::catalogue::Ref;

/// Declares a closed list of words as they stand in the applied file.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name {
            $($(#[$vdoc])* $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];
            /// Their words.
            pub const WORDS: &[&str] = &[$($word),+];

            /// As written in the applied file.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// The inverse of `as_str`.
            pub fn parse(text: &str) -> Option<Self> {
                match text {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

words! {
    /// Which way a field crosses.
    Direction {
        /// From the incident to the ticket.
        ToHalo = "to-halo",
        /// From the ticket to the incident.
        ToSentinel = "to-sentinel",
        /// Both ways.
        Both = "both",
        /// Not at all.
        None = "none",
    }
}

words! {
    /// When a field crosses.
    When {
        /// When the ticket is made, and with each later change.
        Always = "always",
        /// When the ticket is made, and never again.
        OnCreate = "on-create",
    }
}

words! {
    /// Whose value is taken when both sides have changed the field.
    Wins {
        /// The newer one, where it can be told which that is; else the field's fixed rule.
        Newest = "newest",
        /// The incident's.
        Sentinel = "sentinel",
        /// The ticket's.
        Halo = "halo",
        /// A person decides; until then both stay as they are.
        Ask = "ask",
    }
}

words! {
    /// What happens to the other side when a closed matter is opened again on one.
    ReopenRule {
        /// It is opened again too.
        Reopen = "reopen",
        /// A new ticket is made; the closed one stays closed. Only for incidents opened again.
        NewTicket = "new-ticket",
        /// It stays closed and is told.
        Note = "note",
        /// A person decides each time.
        Ask = "ask",
    }
}

words! {
    /// What becomes of something that arrives when both sides are closed.
    AfterClosing {
        /// It crosses as always.
        Cross = "cross",
        /// It is told in a note (private) or comment and changes nothing.
        NoteOnly = "note-only",
        /// It stays where it is; the pair says so.
        Ignore = "ignore",
    }
}

words! {
    /// What incidents have in common to share a ticket.
    GroupBy {
        /// The analytics rule that made them.
        AnalyticsRule = "analytics-rule",
        /// A host that both name.
        Host = "host",
        /// An account that both name.
        Account = "account",
        /// The first account or host that each names.
        MainEntity = "main-entity",
    }
}

words! {
    /// What becomes of alerts that join an incident after its ticket was made.
    LateAlerts {
        /// The ticket is told of them in a private note.
        Note = "note",
        /// Nothing.
        Ignore = "ignore",
    }
}

/// Related incidents of a workspace share a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRule {
    /// What they must have in common: all of these.
    pub by: Vec<GroupBy>,
    /// How many hours before or after the first one they may have been made.
    pub hours: u32,
    /// How many incidents share a ticket at most.
    pub most: u32,
}

/// Hours of a group, unless the policy says otherwise.
pub const GROUP_HOURS: u32 = 24;
/// Incidents of a group at most, unless the policy says otherwise.
pub const GROUP_MOST: u32 = 20;

/// How one field crosses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldRule {
    /// Which way.
    pub direction: Direction,
    /// When.
    pub when: When,
    /// Who wins.
    pub wins: Wins,
}

impl FieldRule {
    /// The default of a field: the newer value wins.
    pub const fn new(direction: Direction, when: When) -> Self {
        Self { direction, when, wins: Wins::Newest }
    }

    /// Whether a new ticket gets the incident's value.
    pub fn at_creation(self) -> bool {
        matches!(self.direction, Direction::ToHalo | Direction::Both)
    }

    /// Whether later changes of the incident are carried to the ticket.
    pub fn to_halo(self) -> bool {
        self.when == When::Always && self.at_creation()
    }

    /// Whether later changes of the ticket are carried to the incident.
    pub fn to_sentinel(self) -> bool {
        self.when == When::Always && matches!(self.direction, Direction::ToSentinel | Direction::Both)
    }
}

/// Which tickets are pushed to Sentinel by themselves when a webhook of Halo's names them. Empty: none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PushRule {
    /// Those of these ticket types.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ticket_types: Vec<Ref>,
    /// Those with an action of one of these outcomes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<Ref>,
    /// Also to workspaces that are joined to Defender, whose portal does not show them.
    pub although_joined: bool,
}

impl PushRule {
    /// Whether it pushes anything.
    pub fn any(&self) -> bool {
        !self.ticket_types.is_empty() || !self.outcomes.is_empty()
    }
}
