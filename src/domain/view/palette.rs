//! Everything that one can go to or do from where one is, by its name.

use serde::{Deserialize, Serialize};

use crate::domain::ids::PairId;

/// The page, and what the palette shows of it. Which pages there are is told by who reads it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PaletteView {
    /// What is looked for; empty: everything but incidents.
    pub text: String,
    /// Address of the page that the reader came from: its acts are offered, and acts come back to it.
    pub of: String,
    /// The pair of that page.
    pub here: Option<PaletteHere>,
    /// Linked incidents that are found, by number, ticket, title and what else a search knows.
    pub pairs: Vec<PalettePair>,
    /// There are more of them than are shown.
    pub more: bool,
}

/// The pair that the reader looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaletteHere {
    /// Which.
    pub pair: PairId,
    /// Whether it has a ticket.
    pub ticket: bool,
}

/// A linked incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PalettePair {
    /// Which.
    pub pair: PairId,
    /// Its number and title.
    pub name: String,
    /// Its ticket, client and workspace.
    pub about: String,
}
