//! The delegated permissions of a person's sign-in: what each is for, and what is known of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A delegated permission that a sign-in asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    /// Azure, as the person.
    Azure,
    /// Queries of the logs.
    Logs,
    /// Going on without the person.
    Offline,
}

impl Permission {
    /// All of them, as shown.
    pub const ALL: [Self; 3] = [Self::Azure, Self::Logs, Self::Offline];

    /// The API and the permission, as Entra shows them.
    pub fn name(self) -> &'static str {
        match self {
            Self::Azure => "Azure Service Management: user_impersonation",
            Self::Logs => "Log Analytics API: Data.Read",
            Self::Offline => "Microsoft Graph: offline_access",
        }
    }

    /// The end of its scope.
    pub fn scope(self) -> &'static str {
        match self {
            Self::Azure => "user_impersonation",
            Self::Logs => "Data.Read",
            Self::Offline => "offline_access",
        }
    }

    /// What it is asked for.
    pub fn why(self) -> &'static str {
        match self {
            Self::Azure => {
                "to read and write incidents as the person who signs in. It gives no right by itself: the person's Azure \
                 roles decide."
            }
            Self::Logs => {
                "to ask once a day in a workspace's own log whether an incident is missing here, reads only. What crosses does \
                 not depend on it."
            }
            Self::Offline => "to go on working while nobody is signed in.",
        }
    }

    /// What does not work without it.
    pub fn without(self) -> &'static str {
        match self {
            Self::Azure => "Without it nothing can be read in Sentinel or written there.",
            Self::Logs => {
                "Without it the logs cannot be queried, so nothing is held against them; incidents, comments and tickets cross \
                 all the same."
            }
            Self::Offline => "Without it everything ends with the first token, about an hour after the sign-in.",
        }
    }
}

/// What is known of a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Consent {
    /// Microsoft gave a token with it.
    Given,
    /// Microsoft refused it, or left it out.
    Missing,
    /// Nothing was seen that tells.
    Unknown,
}

impl Consent {
    /// As shown.
    pub fn words(self) -> &'static str {
        match self {
            Self::Given => "Consented",
            Self::Missing => "Missing",
            Self::Unknown => "Not known",
        }
    }
}

/// A permission of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermissionRow {
    /// Which.
    pub permission: Permission,
    /// What is known of it.
    pub consent: Consent,
    /// What Microsoft said, or why nothing is known; empty where it was given.
    pub says: String,
    /// When that was.
    pub seen: Option<Timestamp>,
}
