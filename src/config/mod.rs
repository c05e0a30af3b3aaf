//! The applied file: an installation as TOML. `docs/CONFIGURATION.md` is its schema for people.
//!
//! [`read`] turns text into an [`Applied`] or into every fault at once, each with line, column,
//! field and remedy; [`Applied::to_toml`] turns it back. Nothing here touches the store or the
//! network: secrets are references, entries are known by their natural names and ARM ids.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use toml::de::DeTable;

pub mod address;
pub mod catalogue;
pub mod client;
pub mod fault;
pub mod halo;
pub mod microsoft;
pub mod names;
pub mod policy;
mod reader;
mod references;
pub mod secret;
pub mod workspace;
pub mod write;

use fault::{Fault, Kind, Severity};
use reader::{Sink, Table};
use references::Places;

use crate::domain::catalogue::Catalogue;

/// A whole applied file, read and checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// Microsoft sign-ins.
    pub microsoft: Vec<microsoft::Microsoft>,
    /// Halo instances.
    pub halo: Vec<halo::Halo>,
    /// Customers.
    pub clients: Vec<client::Client>,
    /// Policies.
    pub policies: Vec<policy::PolicyEntry>,
    /// Workspaces.
    pub workspaces: Vec<workspace::Workspace>,
    /// Halo's look-ups by the instance's name.
    pub catalogues: BTreeMap<String, Catalogue>,
}

/// Names that exist in the data directory already: a file may refer to them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// Microsoft sign-ins.
    pub microsoft: BTreeSet<String>,
    /// Halo instances.
    pub halo: BTreeSet<String>,
    /// Clients.
    pub clients: BTreeSet<String>,
    /// Policies, with what they say: one of the file may build on them.
    pub policies: BTreeMap<String, policy::PolicyEntry>,
    /// Which client has which Halo client: by instance and Halo's id.
    pub bound: BTreeMap<(String, i64), String>,
    /// Workspaces' names in lower case: their ARM ids, and whether a webhook's secret is set.
    pub named: Vec<(String, String, bool)>,
    /// Workspaces' ARM ids: their client's name, and their start. Also where the file replaces all there is.
    pub started: Vec<(String, String, Option<Timestamp>)>,
}

/// What reading a file came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The file's content; `None` when there is an error among the faults.
    pub applied: Option<Applied>,
    /// All faults, in the order of the text; warnings alone do not hinder applying.
    pub faults: Vec<Fault>,
}

impl Reading {
    /// Number of errors.
    pub fn errors(&self) -> usize {
        self.faults.iter().filter(|f| f.severity == Severity::Error).count()
    }
}

/// Reads an applied file and reports all of its faults at once.
pub fn read(text: &str, known: &Known, secrets: &secret::Secrets<'_>) -> Reading {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let sink = Sink::new(text);
    let (document, syntax) = DeTable::parse_recoverable(text);
    for error in &syntax {
        // The error's own rendering repeats the line, which may hold a secret: only its message is used.
        let at = error.span().map_or(0, |span| span.start);
        let problem = format!("is not TOML here: {}", error.message());
        let remedy = "Compare the line with docs/CONFIGURATION.md; text stands in quotes.";
        sink.note(at, Severity::Error, Kind::Syntax, "The file", problem, remedy);
    }
    let mut applied = Applied::default();
    let mut places = Places::default();
    let root = Table::new(&sink, "", 0, document.get_ref());
    for table in root.tables("microsoft") {
        let (entry, place) = microsoft::read(table, secrets);
        applied.microsoft.push(entry);
        places.microsoft.push(place);
    }
    for table in root.tables("halo") {
        let (entry, place) = halo::read(table, secrets);
        applied.halo.push(entry);
        places.halo.push(place);
    }
    for table in root.tables("client") {
        let (entry, place) = client::read(table);
        applied.clients.push(entry);
        places.clients.push(place);
    }
    for table in root.tables("policy") {
        let (entry, place) = policy::read(table);
        applied.policies.push(entry);
        places.policies.push(place);
    }
    for table in root.tables("workspace") {
        let (entry, place) = workspace::read(table, secrets);
        applied.workspaces.push(entry);
        places.workspaces.push(place);
    }
    (applied.catalogues, places.catalogues) = catalogue::read(&root);
    drop(root.done());
    references::check(&mut applied, &places, known, &sink);
    let mut faults = sink.into_faults();
    if !syntax.is_empty() {
        // What seems to be missing may only stand on a line that could not be read.
        let broken: Vec<usize> = syntax.iter().map(|error| error.span().map_or(0, |span| span.start)).collect();
        let hidden = Hidden::of(text, &broken);
        faults.retain(|fault| match fault.kind {
            Kind::Absent => !hidden.may_hold_more(fault.line),
            Kind::Unresolved => !hidden.headers,
            Kind::Syntax | Kind::Wrong => true,
        });
    }
    let failed = faults.iter().any(|f| f.severity == Severity::Error);
    Reading { applied: (!failed).then_some(applied), faults }
}

/// What lines that are no TOML may hold.
struct Hidden {
    /// The line of each table's header, rising.
    tables: Vec<usize>,
    /// Lines that could not be read.
    lines: Vec<usize>,
    /// One of them is a header: where any table begins or ends is not known.
    headers: bool,
}

impl Hidden {
    fn of(text: &str, broken: &[usize]) -> Self {
        let begins = |line: &str| line.trim_start().starts_with('[');
        let tables: Vec<usize> =
            text.lines().enumerate().filter(|(_, line)| begins(line)).map(|(index, _)| index + 1).collect();
        let lines: Vec<usize> = broken.iter().map(|at| fault::line_column(text, *at).0).collect();
        let headers = lines.iter().any(|line| tables.contains(line));
        Self { tables, lines, headers }
    }

    /// Whether what seems to be missing in the table of this line may stand on a line that could not be read.
    fn may_hold_more(&self, line: usize) -> bool {
        let table = |line: usize| self.tables.iter().rev().find(|header| **header <= line);
        self.headers || self.lines.iter().any(|broken| table(*broken) == table(line))
    }
}
