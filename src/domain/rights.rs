//! What an identity must be allowed in Azure, by Azure's names: one list for the check of rights and for the custom role.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What syncing needs at a workspace.
pub const NEEDED: [&str; 4] = [
    "Microsoft.SecurityInsights/incidents/read",
    "Microsoft.SecurityInsights/incidents/write",
    "Microsoft.SecurityInsights/incidents/comments/read",
    "Microsoft.SecurityInsights/incidents/comments/write",
];

/// What it is found and checked by: the list of workspaces, whether one has Sentinel, and what is allowed there.
pub const FOUND_BY: [&str; 3] = [
    "Microsoft.OperationalInsights/workspaces/read",
    "Microsoft.SecurityInsights/onboardingStates/read",
    "Microsoft.Authorization/permissions/read",
];

/// Name of the custom role that is enough for syncing.
pub const ROLE: &str = "Halobridge sync";

/// A tenant in which a sign-in lacks rights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleWanted {
    /// The tenant's name, or the connection's where nothing was found.
    pub tenant: String,
    /// Azure Resource Manager of its cloud.
    pub arm: String,
    /// Resource groups (ARM ids) at which rights are missing; empty where none is known.
    pub groups: Vec<String>,
}

/// The custom role as the Azure CLI takes it. It can be given in the subscriptions of these resource groups (ARM ids).
pub fn role_definition(groups: &[String]) -> Value {
    let subscription = |group: &String| group.split('/').take(3).collect::<Vec<_>>().join("/");
    let mut subscriptions: Vec<String> = groups.iter().map(subscription).collect();
    subscriptions.sort();
    subscriptions.dedup();
    let actions: Vec<&str> = NEEDED.into_iter().chain(FOUND_BY).collect();
    json!({
        "Name": ROLE,
        "IsCustom": true,
        "Description": "Reads and writes incidents and their comments, so that Halobridge keeps them in step with Halo tickets.",
        "Actions": actions,
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": subscriptions,
    })
}
