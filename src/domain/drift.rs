//! Drift: what a full reading finds that nothing had told of, by class, and what a policy wants done about each.

use serde::{Deserialize, Serialize};

/// A class of drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriftClass {
    /// The ticket is gone.
    OnlyInSentinel,
    /// The incident is gone.
    OnlyInHalo,
    /// A value changed, and no reading of changes had shown it.
    Value,
    /// The copy of a comment or note is gone.
    LostComment,
    /// The ticket belongs to another client.
    WrongClient,
}

impl DriftClass {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::OnlyInSentinel, Self::OnlyInHalo, Self::Value, Self::LostComment, Self::WrongClient];

    /// As stored and in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnlyInSentinel => "only-in-sentinel",
            Self::OnlyInHalo => "only-in-halo",
            Self::Value => "value",
            Self::LostComment => "lost-comment",
            Self::WrongClient => "wrong-client",
        }
    }

    /// The inverse of [`DriftClass::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == text)
    }

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::OnlyInSentinel => "Only in Sentinel",
            Self::OnlyInHalo => "Only in Halo",
            Self::Value => "Value",
            Self::LostComment => "Lost comment",
            Self::WrongClient => "Wrong client",
        }
    }
}

/// What is done about a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriftRule {
    /// It is put right.
    Heal,
    /// A person is asked.
    Ask,
    /// It stays as it is.
    Ignore,
}

impl DriftRule {
    /// All words of the applied file.
    pub const WORDS: [&str; 3] = ["heal", "ask", "ignore"];

    /// As stored and written in the applied file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Heal => "heal",
            Self::Ask => "ask",
            Self::Ignore => "ignore",
        }
    }

    /// The inverse of [`DriftRule::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Heal, Self::Ask, Self::Ignore].into_iter().find(|rule| rule.as_str() == text)
    }
}

/// What a policy wants done, class by class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DriftRules {
    /// A ticket that is gone. Healed: a new one is made.
    pub only_in_sentinel: DriftRule,
    /// An incident that is gone. Healed: its ticket is told.
    pub only_in_halo: DriftRule,
    /// A value. Healed: it crosses like any other change.
    pub value: DriftRule,
    /// A copy of a comment or note. Healed: it is written again.
    pub lost_comment: DriftRule,
    /// A ticket of another client: nothing is ever written to it, so it is asked about or ignored.
    pub wrong_client: DriftRule,
}

impl Default for DriftRules {
    fn default() -> Self {
        Self {
            only_in_sentinel: DriftRule::Ask,
            only_in_halo: DriftRule::Ask,
            value: DriftRule::Heal,
            lost_comment: DriftRule::Ignore,
            wrong_client: DriftRule::Ask,
        }
    }
}

/// One drift that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// Of which class.
    pub class: DriftClass,
    /// What, in words.
    pub what: String,
    /// What was done about it.
    pub rule: DriftRule,
}
