//! How one field crosses: which way, when, and who wins.

use serde::{Deserialize, Serialize};

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
