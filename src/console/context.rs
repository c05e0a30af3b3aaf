//! What every page is given beside its view.

use jiff::{Timestamp, tz::TimeZone};

use super::hydration::AssetTags;
use crate::domain::{
    account::Role,
    view::{pulse::Pulse, saved::SavedBar},
};

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Sign-in name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether they see every client, not only some.
    pub everything: bool,
}

impl Person {
    /// Whether they may look again, sync, retry and drop.
    pub fn may_operate(&self) -> bool {
        self.role >= Role::Operator
    }
}

/// Light, dark, or as the reader's system says. Cookie `theme`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// As in the cookie and the form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The inverse; anything else is the system's.
    pub fn parse(text: &str) -> Self {
        match text {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }
}

/// How tall rows are. Cookie `density`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Density {
    /// 28 px: at least 25 rows on a 1080-line screen.
    #[default]
    Compact,
    /// 40 px.
    Roomy,
}

impl Density {
    /// As in the cookie and the form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compact => "compact",
            Self::Roomy => "roomy",
        }
    }

    /// The inverse; anything else is compact.
    pub fn parse(text: &str) -> Self {
        if text == "roomy" { Self::Roomy } else { Self::Compact }
    }
}

/// What colour the message has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlashKind {
    /// It was done.
    Done,
    /// It could not be done.
    Failed,
}

/// One sentence about what the reader just did, shown once. Its words come from a closed list in
/// `web`, never from the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flash {
    /// Done or failed.
    pub kind: FlashKind,
    /// One sentence.
    pub words: String,
}

/// What every page is given beside its view.
#[derive(Debug, Clone)]
pub struct PageContext {
    /// Who is signed in; nobody on sign-in, set-up and their errors.
    pub person: Option<Person>,
    /// Path and query of this page without `fragment`, such as `/runs?failed=1`.
    pub address: String,
    /// The moment the page is made.
    pub now: Timestamp,
    /// The reader's zone.
    pub zone: TimeZone,
    /// The reader's choice.
    pub theme: Theme,
    /// The reader's choice.
    pub density: Density,
    /// Whether single-key shortcuts are on (WCAG 2.1.4: they can be switched off). Cookie `keys`.
    pub keys: bool,
    /// What the reader just did.
    pub flash: Option<Flash>,
    /// What keeps the server from storing anything just now: one sentence with the remedy.
    pub trouble: Option<String>,
    /// Style sheet, scripts, icons: `web::assets::tags()`.
    pub assets: AssetTags,
    /// Number of the newest ledger entry this page shows: live events go on from there.
    pub cursor: i64,
    /// How many pairs need the reader; shown beside "Problems". `None` when not counted.
    pub needs_you: Option<u64>,
    /// How the engine does; `None` where nobody is signed in.
    pub pulse: Option<Pulse>,
    /// Saved views of the list; `None` where the page is no list, or they cannot be read.
    pub views: Option<SavedBar>,
    /// The product's version.
    pub version: String,
}

impl PageContext {
    /// The path alone.
    pub fn path(&self) -> &str {
        self.address.split_once('?').map_or(self.address.as_str(), |(path, _)| path)
    }

    /// Whether the reader may look again, sync, retry and drop.
    pub fn may_operate(&self) -> bool {
        self.person.as_ref().is_some_and(Person::may_operate)
    }

    /// The same page for somebody who only reads.
    pub fn reading_only(&self) -> Self {
        let person = self.person.clone().map(|person| Person { role: Role::Viewer, ..person });
        Self { person, ..self.clone() }
    }

    /// Whether the reader may set the installation up.
    pub fn may_set_up(&self) -> bool {
        self.person.as_ref().is_some_and(|person| person.role == Role::Admin && person.everything)
    }

    /// Whether the reader may change connections.
    pub fn admin(&self) -> bool {
        self.person.as_ref().is_some_and(|person| person.role == Role::Admin)
    }
}
