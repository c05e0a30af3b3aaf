//! Real-time set-up: automation rules, the resources of a Logic App, roles (sentinel-api sheet 6.5, 6.6).

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Place, Sentinel,
    call::{Call, segment},
    discovery::missing,
    logic_app::{CONNECTION_VERSION, LogicApp, WORKFLOW_VERSION},
};
use crate::{
    domain::{
        failure::{Failure, FailureKind},
        ids::IncidentId,
    },
    outbound::{
        budget::{Class, Kind},
        read::{text_at, words_at},
    },
};

/// Role Microsoft Sentinel Reader.
pub const READER: &str = "8d289c81-5878-46d4-8554-54e1e3d8b5cb";
/// Role Microsoft Sentinel Automation Contributor.
pub const AUTOMATION_CONTRIBUTOR: &str = "f4c81013-99ee-4d62-a7ee-b3f1f648599a";
/// Application id of “Azure Security Insights”, the same in every tenant.
pub const SECURITY_INSIGHTS: &str = "98785600-1bb7-4fb9-b9fa-19afe2c8a360";

/// What deploying asks of the identity on the resource group.
pub const DEPLOYS: [&str; 3] =
    ["Microsoft.Logic/workflows/write", "Microsoft.Logic/workflows/read", "Microsoft.Web/connections/write"];
/// What giving roles asks of it there.
pub const GIVES_ROLES: [&str; 1] = ["Microsoft.Authorization/roleAssignments/write"];
/// What the rules ask of it on the workspace.
pub const WRITES_RULES: [&str; 2] =
    ["Microsoft.SecurityInsights/automationRules/read", "Microsoft.SecurityInsights/automationRules/write"];

/// When a rule runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runs {
    /// An incident was created.
    Created,
    /// An incident was changed: status, severity, owner; comment, alert, tag or tactic added.
    Updated,
}

impl Runs {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Created, Self::Updated];

    fn word(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::Updated => "Updated",
        }
    }

    /// The rule's name in Sentinel.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "Halobridge: incident created",
            Self::Updated => "Halobridge: incident updated",
        }
    }
}

/// The rule's id: the same for a workspace at each deployment, so that a repeat changes it instead of adding one.
pub fn rule_id(at: &Place, runs: Runs) -> String {
    let name = format!("halobridge/automation-rule/{}/{}", runs.word(), at.workspace.arm_id().to_lowercase());
    Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()).to_string()
}

/// The body of a rule's `PUT`. `tenant` is a GUID.
pub fn rule_body(runs: Runs, workflow: &str, tenant: &str) -> Value {
    let moved = |name: &str| json!({"conditionType": "PropertyChanged", "conditionProperties": {"propertyName": name}});
    let added = |name: &str| json!({"conditionType": "PropertyArrayChanged", "conditionProperties": {"arrayType": name, "changeType": "Added"}});
    let conditions = match runs {
        Runs::Created => json!([]),
        Runs::Updated => json!([{
            "conditionType": "Boolean",
            "conditionProperties": {"operator": "Or", "innerConditions": [
                moved("IncidentStatus"), moved("IncidentSeverity"), moved("IncidentOwner"),
                added("Comments"), added("Alerts"), added("Labels"), added("Tactics"),
            ]},
        }]),
    };
    let order = if runs == Runs::Created { 900 } else { 901 };
    json!({"properties": {
        "displayName": runs.name(), "order": order,
        "triggeringLogic": {
            "isEnabled": true, "triggersOn": "Incidents", "triggersWhen": runs.word(), "conditions": conditions,
        },
        "actions": [{
            "order": 1, "actionType": "RunPlaybook",
            "actionConfiguration": {"logicAppResourceId": workflow, "tenantId": tenant},
        }],
    }})
}

/// Whether Sentinel refuses a rule because it may not run the Logic App.
pub fn playbook_refused(failure: &Failure) -> bool {
    failure.message.contains("playbook triggering permissions")
}

impl Sentinel {
    async fn resource(
        &self,
        tenant: &str,
        (method, id, version): (Method, &str, &str),
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let path = id.split('/').map(segment).collect::<Vec<_>>().join("/");
        let subscription = id.split('/').nth(2);
        let kind = if method == Method::GET { Kind::Read } else { Kind::SetUp };
        let url = format!("{}{path}?api-version={version}", self.arm);
        let call = Call { tenant, subscription, method, url, body, kind, class: Class::Interactive };
        let answer = self.call(call).await?;
        Ok(answer.json_if_any().unwrap_or(Value::Null))
    }

    /// Region of a workspace.
    ///
    /// # Errors
    /// See [`FailureKind`].
    pub async fn location(&self, at: &Place) -> Result<String, Failure> {
        let id = at.workspace.arm_id();
        let body = self.resource(&at.tenant, (Method::GET, &id, "2023-09-01"), None).await?;
        words_at(&body, "location").ok_or_else(|| {
            let text = "Azure does not tell the workspace's region. Try it again.";
            Failure::new(crate::domain::failure::Side::Sentinel, FailureKind::Unreadable, text)
        })
    }

    /// Which of these actions the identity lacks at a scope (an ARM id).
    ///
    /// # Errors
    /// See [`FailureKind`].
    pub async fn lacks(&self, tenant: &str, scope: &str, needed: &[&str]) -> Result<Vec<String>, Failure> {
        let id = format!("{scope}/providers/Microsoft.Authorization/permissions");
        let body = self.resource(tenant, (Method::GET, &id, "2022-04-01"), None).await?;
        let rows = body.get("value").and_then(Value::as_array).cloned().unwrap_or_default();
        Ok(missing(&rows, needed))
    }

    /// Whether a Logic App is there, by its state (`Enabled`, `Disabled`).
    ///
    /// # Errors
    /// See [`FailureKind`].
    pub async fn logic_app(&self, tenant: &str, app: &LogicApp) -> Result<Option<String>, Failure> {
        match self.resource(tenant, (Method::GET, &app.id(), WORKFLOW_VERSION), None).await {
            Ok(body) => {
                let state = body.get("properties").and_then(|properties| text_at(properties, "state"));
                Ok(Some(state.unwrap_or_else(|| "Enabled".to_owned())))
            }
            Err(failure) if failure.kind == FailureKind::Gone => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Makes or changes the connection of a Logic App to Sentinel.
    ///
    /// # Errors
    /// See [`FailureKind`].
    pub async fn put_connection(&self, tenant: &str, app: &LogicApp, location: &str) -> Result<(), Failure> {
        let body = app.connection_body(location);
        let put = (Method::PUT, &*app.connection_id(), CONNECTION_VERSION);
        self.resource(tenant, put, Some(&body)).await.map(drop)
    }

    /// Makes or changes a Logic App. Gives the object id of its identity, when told.
    ///
    /// # Errors
    /// See [`FailureKind`].
    pub async fn put_logic_app(&self, tenant: &str, app: &LogicApp, body: &Value) -> Result<Option<String>, Failure> {
        let made = self.resource(tenant, (Method::PUT, &app.id(), WORKFLOW_VERSION), Some(body)).await?;
        Ok(made.get("identity").and_then(|identity| words_at(identity, "principalId")))
    }

    /// Removes a Logic App and its connection. What is not there is removed.
    ///
    /// # Errors
    /// See [`FailureKind`].
    pub async fn remove_logic_app(&self, tenant: &str, app: &LogicApp) -> Result<(), Failure> {
        let gone = |result: Result<Value, Failure>| match result {
            Err(failure) if failure.kind != FailureKind::Gone => Err(failure),
            _ => Ok(()),
        };
        gone(self.resource(tenant, (Method::DELETE, &app.id(), WORKFLOW_VERSION), None).await)?;
        gone(self.resource(tenant, (Method::DELETE, &app.connection_id(), CONNECTION_VERSION), None).await)
    }

    /// Gives a role to a service principal at a scope. One that it has already is given.
    ///
    /// # Errors
    /// See [`FailureKind`].
    pub async fn give_role(&self, tenant: &str, scope: &str, principal: &str, role: &str) -> Result<(), Failure> {
        let name =
            Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{}/{principal}/{role}", scope.to_lowercase()).as_bytes());
        let id = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}");
        let subscription = scope.split('/').nth(2).unwrap_or_default();
        let definition =
            format!("/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}");
        let body = json!({"properties": {
            "roleDefinitionId": definition, "principalId": principal, "principalType": "ServicePrincipal",
        }});
        match self.resource(tenant, (Method::PUT, &id, "2022-04-01"), Some(&body)).await {
            Err(failure) if failure.code.as_deref() == Some("RoleAssignmentExists") => Ok(()),
            other => other.map(drop),
        }
    }

    fn rule_call<'a>(&self, at: &'a Place, runs: Runs, method: Method, body: Option<&'a Value>) -> Call<'a> {
        let kind = if method == Method::GET { Kind::Read } else { Kind::SetUp };
        Call {
            tenant: &at.tenant,
            subscription: Some(&at.workspace.subscription),
            method,
            url: self.address(at, &format!("automationRules/{}", rule_id(at, runs))),
            body,
            kind,
            class: Class::Interactive,
        }
    }

    /// Whether a rule of ours is there and switched on; `None` when it is not there.
    ///
    /// # Errors
    /// See [`FailureKind`].
    pub async fn rule(&self, at: &Place, runs: Runs) -> Result<Option<bool>, Failure> {
        match self.call(self.rule_call(at, runs, Method::GET, None)).await {
            Ok(answer) => {
                let body = answer.json()?;
                let on = body.pointer("/properties/triggeringLogic/isEnabled").and_then(Value::as_bool);
                Ok(Some(on.unwrap_or(true)))
            }
            Err(failure) if failure.kind == FailureKind::Gone => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Makes or changes a rule of ours. Its version is read first: somebody may have changed it in the portal.
    ///
    /// # Errors
    /// See [`FailureKind`]; [`playbook_refused`] tells whether a role is missing.
    pub async fn put_rule(&self, at: &Place, runs: Runs, workflow: &str, tenant: &str) -> Result<(), Failure> {
        let mut body = rule_body(runs, workflow, tenant);
        let etag = match self.call(self.rule_call(at, runs, Method::GET, None)).await {
            Ok(answer) => answer.json_if_any().and_then(|known| known.get("etag").cloned()),
            Err(failure) if failure.kind == FailureKind::Gone => None,
            Err(failure) => return Err(failure),
        };
        if let (Some(etag), Some(members)) = (etag, body.as_object_mut()) {
            members.insert("etag".into(), etag);
        }
        self.call(self.rule_call(at, runs, Method::PUT, Some(&body))).await.map(drop)
    }

    /// Removes a rule of ours. One that is not there is removed.
    ///
    /// # Errors
    /// See [`FailureKind`].
    pub async fn remove_rule(&self, at: &Place, runs: Runs) -> Result<(), Failure> {
        match self.call(self.rule_call(at, runs, Method::DELETE, None)).await {
            Err(failure) if failure.kind != FailureKind::Gone => Err(failure),
            _ => Ok(()),
        }
    }

    /// Runs a Logic App for an incident, as a person does in the portal: the same event is posted, nothing is changed.
    /// `tenant` is a GUID.
    ///
    /// # Errors
    /// See [`FailureKind`].
    pub async fn run_logic_app(&self, at: &Place, incident: &IncidentId, app: &LogicApp) -> Result<(), Failure> {
        let body = json!({"logicAppsResourceId": app.id(), "tenantId": at.tenant});
        let call = Call {
            tenant: &at.tenant,
            subscription: Some(&at.workspace.subscription),
            method: Method::POST,
            url: self.address(at, &format!("incidents/{}/runPlaybook", segment(incident.as_str()))),
            body: Some(&body),
            kind: Kind::SetUp,
            class: Class::Interactive,
        };
        self.call(call).await.map(drop)
    }
}
