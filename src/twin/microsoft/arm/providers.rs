//! The resource providers that are played, and what each has.

use serde_json::{Value, json};

use super::{SENTINEL_VERSIONS, errors::error};
use crate::twin::wire::Reply;

/// A resource provider that is played.
struct Provider {
    namespace: &'static str,
    /// Whether its resources lie in a region.
    regional: bool,
    versions: &'static [&'static str],
    types: &'static [&'static str],
}

const PROVIDERS: [Provider; 6] = [
    Provider {
        namespace: "Microsoft.Authorization",
        regional: false,
        versions: &["2022-04-01", "2020-04-01-preview", "2018-01-01-preview", "2015-07-01"],
        types: &["denyAssignments", "permissions", "roleAssignments", "roleDefinitions"],
    },
    Provider {
        namespace: "Microsoft.Logic",
        regional: true,
        versions: &["2019-05-01", "2018-07-01-preview", "2016-06-01"],
        types: &["workflows", "workflows/runs", "workflows/triggers"],
    },
    Provider {
        namespace: "Microsoft.OperationalInsights",
        regional: true,
        versions: &["2023-09-01", "2022-10-01", "2021-06-01", "2020-08-01"],
        types: &["workspaces", "workspaces/query"],
    },
    Provider {
        namespace: "Microsoft.Resources",
        regional: false,
        versions: &["2022-12-01", "2022-09-01", "2021-04-01", "2020-10-01", "2020-06-01"],
        types: &["deployments", "deployments/operations", "resourceGroups", "resources", "subscriptions", "tenants"],
    },
    Provider {
        namespace: "Microsoft.SecurityInsights",
        regional: false,
        versions: &SENTINEL_VERSIONS,
        types: &[
            "alertRules",
            "alertRuleTemplates",
            "automationRules",
            "bookmarks",
            "entities",
            "incidents",
            "incidents/comments",
            "incidents/relations",
            "incidents/tasks",
            "onboardingStates",
            "operations",
        ],
    },
    Provider {
        namespace: "Microsoft.Web",
        regional: true,
        versions: &["2018-07-01-preview", "2016-06-01", "2015-08-01-preview"],
        types: &["connections"],
    },
];

impl Provider {
    fn to_json(&self, subscription: &str) -> Value {
        let locations: &[&str] = if self.regional { &["West Europe", "North Europe"] } else { &[] };
        let types = self
            .types
            .iter()
            .map(|name| json!({"resourceType": name, "locations": locations, "apiVersions": self.versions}));
        json!({
            "id": format!("/subscriptions/{subscription}/providers/{}", self.namespace), "namespace": self.namespace,
            "registrationState": "Registered", "registrationPolicy": "RegistrationRequired",
            "resourceTypes": types.collect::<Vec<_>>(),
        })
    }
}

/// Every provider, as a subscription lists it.
pub(super) fn all(subscription: &str) -> Vec<Value> {
    PROVIDERS.iter().map(|provider| provider.to_json(subscription)).collect()
}

/// The provider of this name, or the refusal of one that is not played.
pub(super) fn one(subscription: &str, namespace: &str) -> Reply {
    match PROVIDERS.iter().find(|known| known.namespace.eq_ignore_ascii_case(namespace)) {
        Some(known) => Reply::json(200, &known.to_json(subscription)),
        None => {
            let text = format!("The resource namespace '{namespace}' is invalid.");
            error(404, "InvalidResourceNamespace", &text)
        }
    }
}
