//! Pairs that share a ticket because the policy groups their incidents.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    failure::Side,
    ids::{ActionKey, PairId, TicketId},
    incident::Incident,
    pair::OwnClosing,
};

/// A pair's place in a group. Every pair that is opened while the policy groups has one, if only for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The pair that began it.
    pub first: PairId,
    /// What an incident must have to join: one of these. Empty where this pair joined itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// Why it joined, or why it began another one although there was one; else empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// The ticket's last action when it joined: what was written before is about the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes_after: Option<ActionKey>,
}

/// Another pair of the same group, as last read.
#[derive(Debug, Clone, PartialEq)]
pub struct Mate {
    /// Which.
    pub pair: PairId,
    /// Its ticket, once known.
    pub ticket: Option<TicketId>,
    /// It has none, and a person dropped the write that was to make it.
    pub given_up: bool,
    /// The side on which its record is gone.
    pub gone: Option<Side>,
    /// Its incident.
    pub incident: Incident,
    /// Actions that carry its comments.
    pub noted: BTreeSet<ActionKey>,
    /// What was written on the ticket when it was closed for this pair last.
    pub own_closing: Option<OwnClosing>,
}
