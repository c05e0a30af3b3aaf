//! The ledger as people read it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    list::Rows,
    query::{QueryText, value},
};
use crate::domain::ids::{ClientId, PairId};

/// What kind of thing an entry tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    /// Something was read.
    Read,
    /// The planner concluded something.
    Decision,
    /// A write was planned, sent or answered.
    Write,
    /// A write or a run failed.
    Failure,
    /// A person did something.
    Person,
    /// A webhook, a cursor, a run: the machinery.
    Engine,
}

impl EntryKind {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Read => "Read",
            Self::Decision => "Decision",
            Self::Write => "Write",
            Self::Failure => "Failure",
            Self::Person => "Person",
            Self::Engine => "Engine",
        }
    }
}

/// One entry, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// Its number in the ledger.
    pub seq: i64,
    /// When it was written.
    pub at: Timestamp,
    /// What kind.
    pub kind: EntryKind,
    /// One sentence.
    pub words: String,
    /// Who, for a person's act.
    pub who: Option<String>,
    /// The pair, where it concerns one and the page is not the pair's own.
    pub pair: Option<PairId>,
    /// The whole entry: pretty JSON, secrets masked.
    pub detail: Option<String>,
}

/// Whether a chain holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "chain", rename_all = "kebab-case")]
pub enum ChainState {
    /// Every hash was computed again and fits.
    Whole {
        /// When that was checked.
        at: Timestamp,
    },
    /// An entry does not fit its hash.
    Broken {
        /// The first that doesn't.
        seq: i64,
    },
    /// Not checked yet; of the chosen chain: it takes longer than a page may.
    Unchecked,
}

/// One chain: the installation's, or a client's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainRow {
    /// `None` for the installation.
    pub client: Option<ClientId>,
    /// `Installation` or the client's name.
    pub name: String,
    /// Entries in it.
    pub entries: u64,
    /// Hash of the last one, hexadecimal.
    pub head: String,
    /// Whether it holds.
    pub state: ChainState,
}

/// Which entries are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerFilter {
    /// A client's chain; `None` is the installation's. `client`
    pub client: Option<ClientId>,
    /// A fact's name. `fact`
    pub fact: String,
    /// Opaque token of the page. `from`
    pub from: String,
}

impl LedgerFilter {
    /// Reads the query of an address.
    pub fn from_query(pairs: &[(String, String)]) -> Self {
        Self { client: value(pairs, "client").parse().ok(), fact: value(pairs, "fact"), from: value(pairs, "from") }
    }

    /// The address of the page with this filter.
    pub fn address(&self) -> String {
        self.query().with("from", &self.from).after("/ledger")
    }

    /// The address of all these entries as a file.
    pub fn download(&self) -> String {
        self.query().after("/ledger.jsonl")
    }

    fn query(&self) -> QueryText {
        QueryText::new()
            .with("client", &self.client.map_or_else(String::new, |id| id.to_string()))
            .with("fact", &self.fact)
    }
}

/// The page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LedgerView {
    /// What the address asked for.
    pub filter: LedgerFilter,
    /// Chains the person may see, the installation's first.
    pub chains: Vec<ChainRow>,
    /// Names of facts that can be filtered by.
    pub facts: Vec<String>,
    /// Entries of the chosen chain, newest first.
    pub entries: Rows<TimelineEntry>,
}
