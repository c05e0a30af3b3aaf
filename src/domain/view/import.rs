//! How incidents and changes of tickets are heard of: polling, and webhooks on both sides.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::probe::Line;
use crate::domain::{
    ids::{ConnectionId, WorkspaceId},
    workspace::Mode,
};

/// What became of a test event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum TestEvent {
    /// None was sent.
    #[default]
    None,
    /// It was sent and has not arrived yet.
    Waiting {
        /// When it was sent.
        sent: Timestamp,
    },
    /// It arrived.
    Arrived {
        /// When it was sent.
        sent: Timestamp,
        /// When it came.
        at: Timestamp,
    },
    /// It did not arrive in time.
    Never {
        /// When it was sent.
        sent: Timestamp,
    },
}

/// Which kind of thing deploying makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlanKind {
    /// The Logic App's connection to Sentinel.
    Connection,
    /// The Logic App.
    LogicApp,
    /// A role of its identity.
    Role,
    /// An automation rule.
    Rule,
}

impl PlanKind {
    /// In the order of making.
    pub const ALL: [Self; 4] = [Self::Connection, Self::LogicApp, Self::Role, Self::Rule];

    /// Several of them.
    pub fn words(self) -> &'static str {
        match self {
            Self::Connection => "Connections to Sentinel",
            Self::LogicApp => "Logic Apps",
            Self::Role => "Roles Microsoft Sentinel Reader",
            Self::Rule => "Automation rules",
        }
    }
}

/// One thing that deploying makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanStep {
    /// Which kind of thing.
    pub kind: PlanKind,
    /// What it is, with its name.
    pub what: String,
    /// Where it will lie.
    pub place: String,
    /// Whether it is there already: it is then made to say the same.
    pub there: bool,
}

/// The way to Azure's portal with the template of the Logic App.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PortalLink {
    /// The link: the portal fetches the template from here, in the browser.
    To(String),
    /// Why there is none: a sentence with what to do.
    None(String),
}

/// What deploying would do in Azure, shown before it is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployPlan {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Its name.
    pub name: String,
    /// In the order of doing.
    pub steps: Vec<PlanStep>,
    /// Rights that are missing and other obstacles.
    pub lines: Vec<Line>,
    /// Where the Logic App will post to.
    pub address: String,
    /// Name of the Logic App.
    pub logic_app: String,
    /// How somebody else deploys it in Azure's portal.
    pub portal: PortalLink,
}

/// One workspace on the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRow {
    /// The workspace.
    pub id: WorkspaceId,
    /// Its name.
    pub name: String,
    /// Its client's name.
    pub client: String,
    /// What is done for it.
    pub mode: Mode,
    /// Seconds between polls while it is quiet.
    pub poll_secs: u32,
    /// Seconds until the next poll after a change.
    pub poll_fast_secs: u32,
    /// Where Sentinel's webhook goes, once it is open.
    pub webhook: Option<String>,
    /// Its test event.
    pub test: TestEvent,
    /// What the last act said.
    pub lines: Vec<Line>,
}

/// One Halo instance on the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HaloHookRow {
    /// The instance.
    pub id: ConnectionId,
    /// Its name.
    pub name: String,
    /// Where Halo's webhook goes, once it is open.
    pub webhook: Option<String>,
    /// Its test event.
    pub test: TestEvent,
    /// What the last act said.
    pub lines: Vec<Line>,
}
