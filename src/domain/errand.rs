//! Errands at pairs: one act at many linked incidents. Which ones is fixed when it is planned; it is carried out in the
//! background, each pair once.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{ClientId, ErrandId, PairId, UserId};

/// What is done with each pair: what a button of its page does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PairAct {
    /// Both sides are read afresh.
    Look,
    /// What waits for its time is carried out now.
    Sync,
    /// Nothing is written until it is resumed.
    Pause,
    /// What waits is carried out.
    Resume,
}

impl PairAct {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Look, Self::Sync, Self::Pause, Self::Resume];

    /// As stored and in forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Sync => "sync",
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }

    /// The inverse of [`PairAct::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.as_str() == text)
    }

    /// As on the button of a pair's page.
    pub fn name(self) -> &'static str {
        match self {
            Self::Look => "Look again",
            Self::Sync => "Sync now",
            Self::Pause => "Pause",
            Self::Resume => "Resume",
        }
    }

    /// What it does, one sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::Look => "Both sides of each are read afresh, and each is planned anew from them.",
            Self::Sync => "What of each waits for its time is carried out now, and both sides are read afresh.",
            Self::Pause => "Nothing more is written of them until each is resumed; what is planned waits.",
            Self::Resume => "What waits of them is carried out, in its order.",
        }
    }

    /// Why a pair is passed over that has no use for it.
    pub fn passed(self) -> &'static str {
        match self {
            Self::Look | Self::Sync => "There is nothing to do.",
            Self::Pause => "It is paused already.",
            Self::Resume => "It is not paused by itself.",
        }
    }
}

/// How far an errand is with one pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowState {
    /// Its turn has not come.
    Waiting,
    /// It is done.
    Done,
    /// There was nothing to do.
    Passed,
    /// It could not be done.
    Failed,
}

impl RowState {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Passed => "passed",
            Self::Failed => "failed",
        }
    }

    /// The inverse of [`RowState::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Waiting, Self::Done, Self::Passed, Self::Failed].into_iter().find(|state| state.as_str() == text)
    }
}

/// An errand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairErrand {
    /// Ours.
    pub id: ErrandId,
    /// What is done.
    pub act: PairAct,
    /// Why they are paused; may be empty.
    pub why: String,
    /// In whose name it is carried out, with the rights that they have then.
    pub owner: UserId,
    /// Query of the list whose filter it was planned for; `None` for pairs that were ticked.
    pub query: Option<String>,
    /// When it was planned.
    pub planned: Timestamp,
    /// When it was begun.
    pub begun: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// A person stopped it.
    pub stopped: bool,
    /// Why it ended early, where nobody stopped it.
    pub says: String,
}

/// One pair of an errand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrandPair {
    /// Which.
    pub pair: PairId,
    /// Whose.
    pub client: ClientId,
    /// Number and title as of the plan.
    pub name: String,
    /// How far it is.
    pub state: RowState,
    /// What kept it from being done.
    pub says: String,
}
