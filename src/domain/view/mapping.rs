//! The page on which a policy is made: how fields, statuses and priorities cross.

use serde::{Deserialize, Serialize};

use super::{
    form::FormView,
    what_if::{WhatIf, WhatIfOf},
};
use crate::domain::{ids::ClientId, policy::PolicyKey, round_trip::RoundTrip};

/// One choice of a select: its value and what people read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pick {
    /// As it stands in the form.
    pub value: String,
    /// As shown.
    pub label: String,
}

impl Pick {
    /// A choice.
    pub fn new(value: impl ToString, label: impl Into<String>) -> Self {
        Self { value: value.to_string(), label: label.into() }
    }
}

/// What Halo offers, as choices.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Choices {
    /// Ticket types.
    pub ticket_types: Vec<Pick>,
    /// Priorities that the chosen ticket type's SLA has.
    pub priorities: Vec<Pick>,
    /// Ticket statuses; the closed ones say so.
    pub statuses: Vec<Pick>,
    /// Agents.
    pub agents: Vec<Pick>,
    /// Teams.
    pub teams: Vec<Pick>,
    /// Categories.
    pub categories: Vec<Pick>,
    /// Outcomes.
    pub outcomes: Vec<Pick>,
    /// Fields that a value can be written to: custom ones and members of the ticket.
    pub fields: Vec<Pick>,
    /// Custom fields with choices: one of them may hold the classification.
    pub classification_fields: Vec<Pick>,
    /// Choices of the chosen classification field.
    pub classes: Vec<Pick>,
}

/// A value of a real incident, with the path that leads to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaf {
    /// `$.properties.title`
    pub path: String,
    /// The value, shortened.
    pub value: String,
}

/// A key of the policy that is shown: what it says, and where that comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Which.
    pub key: PolicyKey,
    /// In words.
    pub says: String,
    /// Whether it is other than the default.
    pub set: bool,
    /// With a base: whether the policy says it itself.
    pub own: bool,
    /// With a base: what that says, in words.
    pub base: String,
}

/// What a policy builds on, and whose rules it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnBase {
    /// Name of the policy underneath.
    pub base: String,
    /// The client that it is for, if the page was opened for one.
    pub client: Option<Owner>,
    /// Other policies that workspaces of the client follow: saving puts them on this one.
    pub others: Vec<String>,
}

/// A client by id and name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Which.
    pub id: ClientId,
    /// Its name.
    pub name: String,
}

/// A policy that builds on the one shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Above {
    /// Its name.
    pub policy: String,
    /// The clients that follow it.
    pub clients: Vec<Owner>,
    /// What it says itself.
    pub own: Vec<PolicyKey>,
}

/// For whom a policy holds as soon as it is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Holds {
    /// Workspaces that follow it, or a policy that builds on it.
    pub workspaces: usize,
    /// Those of them that write.
    pub live: usize,
}

impl Holds {
    /// In words: `10 workspaces, 9 of them live`; `None` where nobody follows it.
    pub fn words(self) -> Option<String> {
        let all = match self.workspaces {
            0 => return None,
            1 => "1 workspace".to_owned(),
            many => format!("{many} workspaces"),
        };
        Some(match (self.workspaces, self.live) {
            (1, 0) => format!("{all}, which is not live"),
            (1, _) => format!("{all}, which is live"),
            (_, 0) => format!("{all}, none of them live"),
            (_, live) => format!("{all}, {live} of them live"),
        })
    }
}

/// The page. Fields of its form: `policy`, `client`, `seen`, `name`, `ticket_type`, `priority.{severity}`, `severity`, `status`,
/// `owner`, `status.{incident status}`, `back.{status id}`, `notes`, `verdict`, `classification_field`, `class.{option id}`,
/// `team`, `category`, `agent`, `outcome`, `owner.{n}`, `agent.{n}`, `field.{n}`, `source.{n}`, `look`, `anyway`; with a
/// base also `inherit.{key}` (ticked: it is taken from the base).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingStep {
    /// Typed or stored values.
    pub form: FormView,
    /// The policy that is changed; `None` makes a new one.
    pub chosen: Option<String>,
    /// The others there are, by name.
    pub others: Vec<String>,
    /// What it builds on.
    pub on: Option<OnBase>,
    /// The policies that build on it.
    pub above: Vec<Above>,
    /// For whom it holds as soon as it is saved.
    pub holds: Holds,
    /// What each key says, in the order of the page.
    pub said: Vec<Said>,
    /// Why nothing can be chosen yet.
    pub trouble: Option<String>,
    /// What can be chosen.
    pub choices: Choices,
    /// Rows for owners and agents.
    pub owner_rows: usize,
    /// Rows for mapped fields.
    pub field_rows: usize,
    /// What the loop finder says of the values shown.
    pub findings: Vec<RoundTrip>,
    /// Title of the incident whose values are shown.
    pub incident: Option<String>,
    /// Its values.
    pub leaves: Vec<Leaf>,
    /// What each row of mapped fields would hold for it; empty where it holds nothing.
    pub previews: Vec<String>,
    /// What the policy would do, once that was asked.
    pub what_if: Option<WhatIf>,
    /// Every workspace that the policy would apply to, those that were not looked at among them.
    pub what_if_of: Vec<WhatIfOf>,
    /// Whether none follows it yet, and it was counted as if these did.
    pub what_if_as_if: bool,
    /// Why that could not be told.
    pub what_if_trouble: Option<String>,
}
