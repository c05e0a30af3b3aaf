//! Who there is: tenants, people, the application, and the roles that decide what each may do.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{clock::IdSource, twin::faults::matches};

/// A Microsoft directory.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// GUID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its default domain.
    pub domain: String,
    /// Object id of our application's service principal there.
    pub app_object_id: String,
    /// Object id of "Azure Security Insights" there.
    pub insights_object_id: String,
}

/// A person.
#[derive(Debug, Clone)]
pub struct User {
    /// Object id.
    pub object_id: String,
    /// Display name.
    pub name: String,
    /// Sign-in name, also the mail address.
    pub upn: String,
    /// Home directory.
    pub tenant_id: String,
    /// Other directories where the person is a guest.
    pub guest_in: Vec<String>,
    /// The account is switched off (50057).
    pub disabled: bool,
}

/// A role: what it grants.
pub struct Role {
    /// Role definition GUID.
    pub id: &'static str,
    /// Name.
    pub name: &'static str,
    /// Granted actions.
    pub actions: &'static [&'static str],
    /// Actions taken out again.
    pub not_actions: &'static [&'static str],
}

const READER: [&str; 6] = [
    "Microsoft.SecurityInsights/*/read",
    "Microsoft.OperationalInsights/workspaces/read",
    "Microsoft.OperationalInsights/workspaces/query/read",
    "Microsoft.OperationalInsights/workspaces/query/*/read",
    "Microsoft.Authorization/*/read",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
];

/// A role that a tenant made for itself: the one of docs/SET-UP.md.
const CUSTOM: &str = "6d7a2a0b-5f7e-4f3e-9a53-0c7d7a1e5b11";

/// The roles this stand-in knows: built-in ones, and a custom one.
pub const ROLES: [Role; 10] = [
    Role {
        id: "8d289c81-5878-46d4-8554-54e1e3d8b5cb",
        name: "Microsoft Sentinel Reader",
        actions: &READER,
        not_actions: &[],
    },
    Role {
        id: "3e150937-b8fe-4cfb-8069-0eaf05ecd056",
        name: "Microsoft Sentinel Responder",
        actions: &[
            "Microsoft.SecurityInsights/*/read",
            "Microsoft.SecurityInsights/incidents/*",
            "Microsoft.SecurityInsights/entities/runPlaybook/action",
            "Microsoft.SecurityInsights/automationRules/*",
            "Microsoft.OperationalInsights/workspaces/read",
            "Microsoft.OperationalInsights/workspaces/query/read",
            "Microsoft.OperationalInsights/workspaces/query/*/read",
            "Microsoft.Authorization/*/read",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
        ],
        not_actions: &["Microsoft.SecurityInsights/incidents/*/Delete", "Microsoft.SecurityInsights/incidents/Delete"],
    },
    Role {
        id: "ab8e14d6-4a74-4a29-9ba8-549422addade",
        name: "Microsoft Sentinel Contributor",
        actions: &[
            "Microsoft.SecurityInsights/*",
            "Microsoft.OperationalInsights/workspaces/read",
            "Microsoft.OperationalInsights/workspaces/query/read",
            "Microsoft.OperationalInsights/workspaces/query/*/read",
            "Microsoft.Authorization/*/read",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
        ],
        not_actions: &[],
    },
    Role {
        id: "f4c81013-99ee-4d62-a7ee-b3f1f648599a",
        name: "Microsoft Sentinel Automation Contributor",
        actions: &[
            "Microsoft.Authorization/*/read",
            "Microsoft.Logic/workflows/triggers/read",
            "Microsoft.Logic/workflows/triggers/listCallbackUrl/action",
        ],
        not_actions: &[],
    },
    Role {
        id: "51d6186e-6489-4900-b93f-92e23144cca5",
        name: "Microsoft Sentinel Playbook Operator",
        actions: &["Microsoft.Logic/workflows/read", "Microsoft.Logic/workflows/triggers/listCallbackUrl/action"],
        not_actions: &[],
    },
    Role {
        id: "87a39d53-fc1b-424a-814c-f7e04687dc9e",
        name: "Logic App Contributor",
        actions: &[
            "Microsoft.Logic/*",
            "Microsoft.Web/connections/*",
            "Microsoft.Resources/deployments/*",
            "Microsoft.Authorization/*/read",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
        ],
        not_actions: &[],
    },
    Role {
        id: "b24988ac-6180-42a0-ab88-20f7382dd24c",
        name: "Contributor",
        actions: &["*"],
        not_actions: &[
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
        ],
    },
    Role {
        id: "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
        name: "User Access Administrator",
        actions: &["*/read", "Microsoft.Authorization/*"],
        not_actions: &[],
    },
    Role { id: "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", name: "Owner", actions: &["*"], not_actions: &[] },
    Role {
        id: CUSTOM,
        name: "Halobridge sync",
        actions: &[
            "Microsoft.SecurityInsights/incidents/read",
            "Microsoft.SecurityInsights/incidents/write",
            "Microsoft.SecurityInsights/incidents/comments/read",
            "Microsoft.SecurityInsights/incidents/comments/write",
            "Microsoft.OperationalInsights/workspaces/read",
            "Microsoft.SecurityInsights/onboardingStates/read",
            "Microsoft.Authorization/permissions/read",
        ],
        not_actions: &[],
    },
];

impl Role {
    /// As role definitions name it.
    pub fn kind(&self) -> &'static str {
        if self.id == CUSTOM { "CustomRole" } else { "BuiltInRole" }
    }
}

/// The role of this id or name.
pub fn role(id_or_name: &str) -> Option<&'static Role> {
    let wanted = id_or_name.rsplit('/').next().unwrap_or(id_or_name);
    ROLES.iter().find(|role| role.id.eq_ignore_ascii_case(wanted) || role.name.eq_ignore_ascii_case(id_or_name))
}

/// A role given to somebody at a scope.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// GUID of the assignment.
    pub name: String,
    /// Object id of the person or service principal.
    pub principal_id: String,
    /// `User` or `ServicePrincipal`.
    pub principal_kind: String,
    /// Role definition GUID.
    pub role_id: String,
    /// Resource id it holds for, and everything below.
    pub scope: String,
}

impl Assignment {
    /// Whether it was given at just this scope.
    pub fn is_at(&self, scope: &str) -> bool {
        self.scope.trim_end_matches('/').eq_ignore_ascii_case(scope.trim_end_matches('/'))
    }
}

/// Everybody, and what they may do.
#[derive(Debug, Default)]
pub struct Directory {
    /// Tenants in the order they were made.
    pub tenants: Vec<Tenant>,
    /// People.
    pub users: Vec<User>,
    /// Role assignments by name in lower case.
    pub assignments: BTreeMap<String, Assignment>,
}

impl Directory {
    /// The tenant an authority path names: GUID or domain, whatever the letter case.
    pub fn tenant(&self, id_or_domain: &str) -> Option<&Tenant> {
        self.tenants.iter().find(|tenant| {
            tenant.id.eq_ignore_ascii_case(id_or_domain) || tenant.domain.eq_ignore_ascii_case(id_or_domain)
        })
    }

    /// A person by object id, sign-in name or mail address.
    pub fn user(&self, key: &str) -> Option<&User> {
        self.users.iter().find(|user| user.object_id.eq_ignore_ascii_case(key) || user.upn.eq_ignore_ascii_case(key))
    }

    /// A role assignment by its name, whatever the letter case.
    pub fn assignment(&self, name: &str) -> Option<&Assignment> {
        self.assignments.get(&name.to_lowercase())
    }

    /// Gives a role.
    pub fn assign(&mut self, principal: (&str, &str), role_id: &str, scope: &str, ids: &dyn IdSource) {
        let name = ids.uuid_v4().to_string();
        self.assignments.insert(
            name.clone(),
            Assignment {
                name,
                principal_id: principal.0.to_owned(),
                principal_kind: principal.1.to_owned(),
                role_id: role_id.to_owned(),
                scope: scope.to_owned(),
            },
        );
    }

    /// The roles a principal has at a scope or above it.
    pub fn roles_at<'a>(&'a self, principal_id: &'a str, scope: &'a str) -> impl Iterator<Item = &'static Role> + 'a {
        self.assignments
            .values()
            .filter(move |given| given.principal_id.eq_ignore_ascii_case(principal_id) && covers(&given.scope, scope))
            .filter_map(|given| role(&given.role_id))
    }

    /// Whether a principal may do an action at a scope: entries add up, `notActions` take out within theirs.
    pub fn allowed(&self, principal_id: &str, action: &str, scope: &str) -> bool {
        self.roles_at(principal_id, scope).any(|role| {
            role.actions.iter().any(|granted| matches(granted, action))
                && !role.not_actions.iter().any(|taken| matches(taken, action))
        })
    }

    /// Whether a principal has any role at or below a scope: it then sees the subscription.
    pub fn sees(&self, principal_id: &str, scope: &str) -> bool {
        self.assignments.values().any(|given| {
            given.principal_id.eq_ignore_ascii_case(principal_id)
                && (covers(&given.scope, scope) || covers(scope, &given.scope))
        })
    }

    /// The answer of the `permissions` call.
    pub fn permissions(&self, principal_id: &str, scope: &str) -> Value {
        let value: Vec<Value> = self
            .roles_at(principal_id, scope)
            .map(|role| json!({"actions": role.actions, "notActions": role.not_actions, "dataActions": [], "notDataActions": []}))
            .collect();
        json!({ "value": value })
    }
}

/// Whether `scope` is `at` or lies below it.
pub fn covers(at: &str, scope: &str) -> bool {
    let (at, scope) = (at.trim_end_matches('/').to_lowercase(), scope.to_lowercase());
    scope.strip_prefix(&at).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
