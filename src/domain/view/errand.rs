//! An errand: one act at the webhooks of many workspaces at once, carried out in the background, as its page shows it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    import::{PlanKind, PlanStep},
    probe::Line,
};
use crate::domain::ids::WorkspaceId;

/// What is done at each workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrandAct {
    /// What deploying would do is found out; nothing is written.
    #[default]
    Plan,
    /// Logic App and rules are deployed, and a test event is sent.
    Deploy,
    /// A test event is sent.
    Test,
    /// Logic App and rules are removed.
    Remove,
}

impl ErrandAct {
    /// As a heading.
    pub fn words(self) -> &'static str {
        match self {
            Self::Plan => "The plan for all together",
            Self::Deploy => "Deploying webhooks",
            Self::Test => "Sending test events",
            Self::Remove => "Removing webhooks",
        }
    }
}

/// How far an errand is at one workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Progress {
    /// It did not go well.
    Failed,
    /// It is being done.
    Working,
    /// Its test event was sent and has not arrived yet.
    Awaited,
    /// Its turn has not come.
    Waiting,
    /// It is done.
    Done,
    /// Its test event arrived.
    Works,
}

impl Progress {
    /// In the order in which they are shown: what somebody must look at first.
    pub const ALL: [Self; 6] = [Self::Failed, Self::Working, Self::Awaited, Self::Waiting, Self::Done, Self::Works];

    /// As it stands in an address.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Working => "working",
            Self::Awaited => "awaited",
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Works => "works",
        }
    }

    /// The inverse of [`Progress::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    /// As shown, for what is done.
    pub fn words(self, act: ErrandAct) -> &'static str {
        match (self, act) {
            (Self::Failed, ErrandAct::Plan) => "May not be deployed",
            (Self::Failed, _) => "Failed",
            (Self::Working, ErrandAct::Plan) => "Being looked at",
            (Self::Working, ErrandAct::Deploy) => "Deploying",
            (Self::Working, ErrandAct::Test) => "Sending",
            (Self::Working, ErrandAct::Remove) => "Removing",
            (Self::Awaited, _) => "Test event awaited",
            (Self::Waiting, _) => "Waiting",
            (Self::Done, ErrandAct::Plan) => "May be deployed",
            (Self::Done, ErrandAct::Deploy) => "Deployed, without a test event",
            (Self::Done, ErrandAct::Test) => "Sent",
            (Self::Done, ErrandAct::Remove) => "Removed",
            (Self::Works, _) => "Works",
        }
    }
}

/// One workspace of an errand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrandRow {
    /// The workspace.
    pub id: WorkspaceId,
    /// Its name.
    pub name: String,
    /// Its client's name.
    pub client: String,
    /// How far it is.
    pub progress: Progress,
    /// When it is tried again, where something passes by itself.
    pub again_at: Option<Timestamp>,
    /// What deploying makes, of a plan.
    pub steps: Vec<PlanStep>,
    /// What was found, and what to do.
    pub lines: Vec<Line>,
}

/// How many of one kind are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Which kind.
    pub kind: PlanKind,
    /// So many are made.
    pub new: usize,
    /// So many are there and are made to say the same.
    pub there: usize,
}

/// What several workspaces have in common that keeps something from them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obstacle {
    /// One sentence.
    pub says: String,
    /// Names of the workspaces.
    pub workspaces: Vec<String>,
}

/// An errand with one page of its workspaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrandView {
    /// Its id: a button says which errand it was drawn for.
    pub id: String,
    /// What is done.
    pub act: ErrandAct,
    /// Who asked for it.
    pub by: String,
    /// When.
    pub began: Timestamp,
    /// When it ended; `None` while it is under way.
    pub ended: Option<Timestamp>,
    /// A person stopped it.
    pub stopped: bool,
    /// This installation only reads, so it waits.
    pub held: bool,
    /// Workspaces by progress, those that there are.
    pub counts: Vec<(Progress, usize)>,
    /// All of its workspaces.
    pub all: usize,
    /// What a plan makes at those that may, counted.
    pub made: Vec<Made>,
    /// What keeps some from it, most first.
    pub obstacles: Vec<Obstacle>,
    /// Only those are shown.
    pub only: Option<Progress>,
    /// One page of them, failed ones first.
    pub rows: Vec<ErrandRow>,
    /// Number of the first row on this page.
    pub from: usize,
    /// How many there are with this filter.
    pub of: usize,
}

/// Rows on one page.
pub const ERRAND_ROWS: usize = 50;

impl ErrandView {
    /// How many are so far.
    pub fn count(&self, progress: Progress) -> usize {
        self.counts.iter().find(|(one, _)| *one == progress).map_or(0, |(_, count)| *count)
    }

    /// Those that nothing more happens to by itself.
    pub fn settled(&self) -> usize {
        [Progress::Failed, Progress::Done, Progress::Works].into_iter().map(|one| self.count(one)).sum()
    }
}
