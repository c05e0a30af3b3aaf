//! What the set-up screens ask Azure: tenants, subscriptions, resource groups, workspaces, rights
//! (sentinel-api sheet section 4).

use std::sync::Arc;

use http::Method;
use serde_json::Value;

use super::{
    Place, Sentinel,
    call::{Call, segment},
    error,
    paging::Trail,
};
use crate::{
    domain::{
        connection::MicrosoftEndpoints,
        failure::{Failure, FailureKind, Side},
        rights::NEEDED,
        workspace::WorkspaceAddress,
    },
    outbound::{
        Transport,
        budget::{Class, Kind},
        exchange::{Ask, Exchange},
        read::{list_at, text_at, words_at},
    },
};

/// A directory the identity reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundTenant {
    /// GUID.
    pub tenant_id: String,
    /// Name, when told.
    pub name: Option<String>,
    /// Default domain, when told.
    pub domain: Option<String>,
}

/// A subscription the identity reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundSubscription {
    /// GUID.
    pub id: String,
    /// Name.
    pub name: String,
    /// `Enabled`, `Warned`, `PastDue`, `Disabled`, `Deleted`.
    pub state: String,
    /// Its home tenant, when told (Lighthouse: the customer's).
    pub tenant_id: Option<String>,
    /// Tenants it is managed by (Lighthouse).
    pub managed_by: Vec<String>,
}

/// A Log Analytics workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundWorkspace {
    /// Its address.
    pub address: WorkspaceAddress,
    /// Region.
    pub location: Option<String>,
    /// GUID for log queries.
    pub customer_id: Option<String>,
}

/// What the identity may do on a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rights {
    /// Actions that are needed and not granted, by name.
    pub missing: Vec<String>,
}

/// What a first look at a workspace shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glance {
    /// A Log Analytics workspace alone.
    NoSentinel,
    /// It has Sentinel.
    Sentinel {
        /// Its newest incidents are Defender's, too.
        joined: bool,
    },
}

/// Whether Azure's pattern (`*` = anything) covers an action, whatever the letter case.
pub fn covers(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = action.strip_prefix(first) else { return false };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    for piece in middle {
        let Some(at) = rest.find(piece) else { return false };
        rest = rest.get(at + piece.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

/// The needed actions that no entry grants: entries add up, `notActions` take away within their entry.
pub fn missing(entries: &[Value], needed: &[&str]) -> Vec<String> {
    let any = |entry: &Value, key: &str, action: &str| {
        list_at(entry, key).iter().filter_map(Value::as_str).any(|pattern| covers(pattern, action))
    };
    let granted =
        |action: &str| entries.iter().any(|entry| any(entry, "actions", action) && !any(entry, "notActions", action));
    needed.iter().filter(|action| !granted(action)).map(|action| (*action).to_owned()).collect()
}

/// What a cloud tells of itself at its Azure Resource Manager, without a sign-in: the same call by which the Azure CLI
/// learns of a cloud that it does not know (`az cloud register --endpoint-resource-manager`). `arm` is its base address.
///
/// # Errors
/// It cannot be reached, or tells no address to sign in at.
pub async fn cloud(transport: Arc<dyn Transport>, arm: &str) -> Result<MicrosoftEndpoints, Failure> {
    let url = format!("{arm}/metadata/endpoints?api-version=2022-09-01");
    let answer = Exchange::new(transport, Side::Sentinel).send(Ask::read(Method::GET, url)).await?;
    if !answer.ok() {
        let text = "This address does not tell of a cloud. Check it: it is the base address of Azure Resource Manager.";
        return Err(answer.failure(FailureKind::Rejected, None, text));
    }
    let body = answer.json()?;
    // Older versions answer with a list of clouds, newer ones with the one asked for.
    let body = body.as_array().and_then(|rows| rows.first()).unwrap_or(&body);
    let base = |address: Option<String>| address.map(|text| text.trim_end_matches('/').to_owned());
    let authority = body.get("authentication").and_then(|part| words_at(part, "loginEndpoint"));
    let Some(authority) = base(authority) else { return Err(answer.unreadable()) };
    let public = MicrosoftEndpoints::of_cloud("public");
    let or_public = |told: Option<String>, ours: fn(MicrosoftEndpoints) -> String| {
        base(told).or_else(|| public.clone().map(ours)).unwrap_or_default()
    };
    Ok(MicrosoftEndpoints {
        authority,
        arm: arm.to_owned(),
        log_analytics: or_public(words_at(body, "logAnalyticsResourceId"), |known| known.log_analytics),
        graph: or_public(words_at(body, "microsoftGraphResourceId"), |known| known.graph),
    })
}

impl Sentinel {
    /// All rows of a list, over all its pages.
    async fn rows(&self, tenant: &str, subscription: Option<&str>, url: String) -> Result<Vec<Value>, Failure> {
        let mut rows = Vec::new();
        let mut cursor = Some(url);
        while let Some(here) = cursor {
            let (url, trail) = Trail::resume(&self.arm, &here)?;
            let call = Call {
                tenant,
                subscription,
                method: Method::GET,
                url: url.clone(),
                body: None,
                kind: Kind::Read,
                class: Class::Interactive,
            };
            let answer = self.call(call).await?;
            let mut page = answer.json()?;
            if let Some(failure) = error::no_list(&answer, &page) {
                return Err(failure);
            }
            cursor = trail.next(&url, &page);
            match page.get_mut("value").map(Value::take) {
                Some(Value::Array(more)) => rows.extend(more),
                None | Some(Value::Null) => {}
                Some(_) => return Err(answer.unreadable()),
            }
        }
        Ok(rows)
    }

    /// The directories the identity reaches.
    pub async fn tenants(&self, tenant: &str) -> Result<Vec<FoundTenant>, Failure> {
        let rows = self.rows(tenant, None, format!("{}/tenants?api-version=2022-12-01", self.arm)).await?;
        let read = |row: &Value| {
            let tenant_id = words_at(row, "tenantId")?;
            Some(FoundTenant { tenant_id, name: words_at(row, "displayName"), domain: words_at(row, "defaultDomain") })
        };
        Ok(rows.iter().filter_map(read).collect())
    }

    /// The subscriptions the identity reaches in a tenant.
    pub async fn subscriptions(&self, tenant: &str) -> Result<Vec<FoundSubscription>, Failure> {
        let rows = self.rows(tenant, None, format!("{}/subscriptions?api-version=2022-12-01", self.arm)).await?;
        let read = |row: &Value| {
            let id = words_at(row, "subscriptionId")?;
            let managed_by = list_at(row, "managedByTenants").iter().filter_map(|t| words_at(t, "tenantId")).collect();
            Some(FoundSubscription {
                name: words_at(row, "displayName").unwrap_or_else(|| id.clone()),
                id,
                state: text_at(row, "state").unwrap_or_default(),
                tenant_id: words_at(row, "tenantId"),
                managed_by,
            })
        };
        Ok(rows.iter().filter_map(read).collect())
    }

    /// Names of a subscription's resource groups.
    pub async fn resource_groups(&self, tenant: &str, subscription: &str) -> Result<Vec<String>, Failure> {
        let url = format!("{}/subscriptions/{}/resourcegroups?api-version=2021-04-01", self.arm, segment(subscription));
        let rows = self.rows(tenant, Some(subscription), url).await?;
        Ok(rows.iter().filter_map(|row| words_at(row, "name")).collect())
    }

    /// The Log Analytics workspaces of a subscription, with Sentinel or without.
    pub async fn workspaces(&self, tenant: &str, subscription: &str) -> Result<Vec<FoundWorkspace>, Failure> {
        let url = format!(
            "{}/subscriptions/{}/providers/Microsoft.OperationalInsights/workspaces?api-version=2023-09-01",
            self.arm,
            segment(subscription)
        );
        let rows = self.rows(tenant, Some(subscription), url).await?;
        let read = |row: &Value| {
            let mut address = WorkspaceAddress::parse(&words_at(row, "id")?)?;
            if let Some(name) = words_at(row, "name") {
                address.workspace = name;
            }
            let customer_id = row.get("properties").and_then(|p| words_at(p, "customerId"));
            Some(FoundWorkspace { address, location: words_at(row, "location"), customer_id })
        };
        Ok(rows.iter().filter_map(read).collect())
    }

    /// Whether Sentinel is switched on in a workspace.
    pub async fn onboarded(&self, at: &Place) -> Result<bool, Failure> {
        let url = self.address(at, "onboardingStates");
        match self.rows(&at.tenant, Some(&at.workspace.subscription), url).await {
            Ok(rows) => {
                Ok(rows.iter().any(|row| text_at(row, "name").is_some_and(|n| n.eq_ignore_ascii_case("default"))))
            }
            // A workspace without Sentinel answers 400 with its own sentence; another 400 is about the call or the sign-in.
            Err(failure) if error::not_onboarded(&failure) => Ok(false),
            // No such state: whether incidents can be read tells as much.
            Err(failure) if failure.kind == FailureKind::Gone => {
                let one = format!("{}&$top=1", self.address(at, "incidents"));
                let call = Call {
                    tenant: &at.tenant,
                    subscription: Some(&at.workspace.subscription),
                    method: Method::GET,
                    url: one,
                    body: None,
                    kind: Kind::Read,
                    class: Class::Interactive,
                };
                match self.call(call).await {
                    Ok(answer) => answer.json().map(|_| true),
                    Err(again) if again.kind == FailureKind::Gone || error::not_onboarded(&again) => Err(failure),
                    Err(again) => Err(again),
                }
            }
            Err(failure) => Err(failure),
        }
    }

    /// Which of the needed actions the identity lacks on a workspace.
    pub async fn rights(&self, at: &Place) -> Result<Rights, Failure> {
        self.rights_at(&at.tenant, &at.workspace.subscription, &at.workspace.arm_id()).await
    }

    /// The same for a whole resource group: what is granted there holds for every workspace in it.
    pub async fn rights_of_group(&self, at: &Place) -> Result<Rights, Failure> {
        let WorkspaceAddress { subscription, resource_group, .. } = &at.workspace;
        let scope = format!("/subscriptions/{subscription}/resourceGroups/{resource_group}");
        self.rights_at(&at.tenant, subscription, &scope).await
    }

    async fn rights_at(&self, tenant: &str, subscription: &str, scope: &str) -> Result<Rights, Failure> {
        let url = format!(
            "{}{}/providers/Microsoft.Authorization/permissions?api-version=2022-04-01",
            self.arm,
            scope.split('/').map(segment).collect::<Vec<_>>().join("/")
        );
        let rows = self.rows(tenant, Some(subscription), url).await?;
        Ok(Rights { missing: missing(&rows, &NEEDED) })
    }

    /// Looks at a workspace with one call: whether it has Sentinel, and whether its newest incidents are Defender's, too
    /// (sentinel-api sheet section 8).
    pub async fn glance(&self, at: &Place) -> Result<Glance, Failure> {
        let newest = format!("{}&$orderby=properties/createdTimeUtc%20desc&$top=5", self.address(at, "incidents"));
        let call = Call {
            tenant: &at.tenant,
            subscription: Some(&at.workspace.subscription),
            method: Method::GET,
            url: newest,
            body: None,
            kind: Kind::Read,
            class: Class::Interactive,
        };
        match self.call(call).await {
            Ok(answer) => {
                let body = answer.json()?;
                if let Some(failure) = error::no_list(&answer, &body) {
                    return Err(failure);
                }
                let joined = |row: &Value| {
                    row.get("properties").and_then(|p| text_at(p, "providerName")).as_deref() == Some("Microsoft XDR")
                };
                Ok(Glance::Sentinel { joined: list_at(&body, "value").iter().any(joined) })
            }
            // A workspace without Sentinel answers 400 with its own sentence; another 400 is about the question.
            Err(failure) if failure.status == Some(400) => match self.onboarded(at).await? {
                true => Ok(Glance::Sentinel { joined: false }),
                false => Ok(Glance::NoSentinel),
            },
            Err(failure) => Err(failure),
        }
    }
}
