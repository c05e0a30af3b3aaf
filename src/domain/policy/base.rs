//! A policy that builds on another one: which of its keys are its own; the rest is the base's, also after that changes.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Policy;
use crate::domain::ids::PolicyId;

/// What a policy builds on. A base has no base itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// The policy underneath.
    pub policy: PolicyId,
    /// The keys that this policy says itself.
    pub own: BTreeSet<PolicyKey>,
}

macro_rules! keys {
    ($($key:ident $name:literal $label:literal: $($field:ident),+;)+) => {
        /// A key of a policy, as the applied file names it. A table or list is one key: it is taken over whole.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum PolicyKey {
            $(#[doc = $label] #[serde(rename = $name)] $key,)+
        }

        impl PolicyKey {
            /// All of them, in the order of the page.
            pub const ALL: &'static [Self] = &[$(Self::$key),+];

            /// As written in the applied file.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$key => $name,)+ }
            }

            /// As shown.
            pub fn label(self) -> &'static str {
                match self { $(Self::$key => $label,)+ }
            }

            /// Whether two policies say the same under this key.
            pub fn same(self, one: &Policy, other: &Policy) -> bool {
                match self { $(Self::$key => $(one.$field == other.$field)&&+,)+ }
            }

            /// Takes over what another policy says under this key.
            pub fn take(self, into: &mut Policy, from: &Policy) {
                match self { $(Self::$key => { $(into.$field.clone_from(&from.$field);)+ })+ }
            }
        }
    };
}

keys! {
    TicketType "ticket_type" "Ticket type": ticket_type;
    Include "include" "Filter: only": include;
    Exclude "exclude" "Filter: not": exclude;
    TicketsPerHour "tickets_per_hour" "New tickets within an hour": tickets_per_hour;
    Group "group" "Incidents that share a ticket": group;
    Priorities "priorities" "Severity to priority": priorities;
    Severity "severity" "How severity and priority cross": severity;
    PrioritiesBack "priorities_back" "Priority to severity": priorities_back;
    Statuses "statuses" "Incident status to ticket status": statuses;
    Status "status" "How status crosses": status;
    StatusesBack "statuses_back" "Ticket status to incident status": statuses_back;
    ClosedStatuses "closed_statuses" "Ticket statuses that count as closed": closed_statuses;
    MissingVerdict "missing_verdict" "Closed without a classification": missing_verdict;
    ClassificationField "classification_field" "Field of the classification": classification_field;
    Classifications "classifications" "What each classification means": classifications;
    Reopened "reopened" "Opening again": reopened_in_sentinel, reopened_in_halo;
    AfterClosing "after_closing" "What arrives after closing": after_closing_comments, after_closing_fields;
    FlipsPerHour "flips_per_hour" "Changes of status within an hour": flips_per_hour;
    Team "team" "Team": team;
    Category "category" "Category": category;
    Agent "agent" "Agent when the owner is nobody in Halo": agent;
    Agents "agents" "Owner to agent": agents;
    Owner "owner" "How owner and agent cross": owner;
    Requester "requester" "Who new tickets are for": requester;
    Notes "notes" "Notes that cross": notes;
    NoteFlag "note_flag" "Flag of notes that cross": note_flag;
    NoteOutcomes "note_outcomes" "Outcomes of notes that cross": note_outcomes;
    Outcome "outcome" "Outcome of our notes": outcome;
    NotesPrivate "notes_private" "Our notes are hidden from the end user": notes_private;
    LinkComment "link_comment" "Comment with the ticket's number": link_comment;
    Evidence "evidence" "Alerts and entities in new tickets": evidence;
    LateAlerts "late_alerts" "Alerts that join later": late_alerts;
    DigestFrom "digest_from" "Comments from which notes are gathered": digest_from;
    Fields "fields" "Mapped fields": fields;
    Title "title" "How title and subject cross": title;
    Labels "labels" "Labels": labels;
    IncidentIdField "incident_id_field" "Field for the incident's id": incident_id_field;
    Approve "approve" "What waits for approval": approve;
    Drift "drift" "What is done about drift": drift;
    Push "push" "Tickets pushed to Sentinel": push;
    Adopt "adopt" "Take over tickets of Halo's own integration": adopt;
}

impl PolicyKey {
    /// The inverse of [`PolicyKey::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|key| key.as_str() == text)
    }
}

impl Policy {
    /// Takes every key over that is not its own.
    pub fn inherit(&mut self, base: &Self, own: &BTreeSet<PolicyKey>) {
        for key in PolicyKey::ALL.iter().filter(|key| !own.contains(key)) {
            key.take(self, base);
        }
    }
}

/// Gives each policy that builds on another what it does not say itself.
pub fn resolve(policies: &mut [Policy]) {
    let bases: Vec<Policy> = policies.iter().filter(|policy| policy.base.is_none()).cloned().collect();
    for policy in policies {
        let Some(base) = policy.base.clone() else { continue };
        if let Some(found) = bases.iter().find(|known| known.id == base.policy) {
            policy.inherit(found, &base.own);
        }
    }
}
