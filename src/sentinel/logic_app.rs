//! The Logic App that tells us of incidents: its resources and its template (sentinel-api sheet 6.5). Pure.

use serde_json::{Value, json};

use crate::domain::workspace::WorkspaceAddress;

/// `api-version` of `Microsoft.Logic/workflows`.
pub const WORKFLOW_VERSION: &str = "2019-05-01";
/// `api-version` of `Microsoft.Web/connections`.
pub const CONNECTION_VERSION: &str = "2016-06-01";
/// Header that carries the secret.
pub const SECRET_HEADER: &str = "X-Halobridge-Secret";
/// Longest name of a workflow.
const NAME_MAX: usize = 64;

/// The Logic App of one workspace, beside it in its resource group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogicApp {
    /// Subscription GUID.
    pub subscription: String,
    /// Resource group.
    pub resource_group: String,
    /// Name of the workflow.
    pub name: String,
}

impl LogicApp {
    /// For a workspace.
    pub fn of(workspace: &WorkspaceAddress) -> Self {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
        let own: String = workspace.workspace.chars().map(plain).collect();
        let name: String = format!("Halobridge-{own}").chars().take(NAME_MAX).collect();
        Self {
            subscription: workspace.subscription.clone(),
            resource_group: workspace.resource_group.clone(),
            name: name.trim_end_matches(['-', '_']).to_owned(),
        }
    }

    /// Whether this is a name as [`Self::of`] makes them: nothing but letters, digits, `-` and `_`.
    pub fn is_name(name: &str) -> bool {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        (1..=NAME_MAX).contains(&name.len()) && name.chars().all(plain)
    }

    /// ARM id of the resource group.
    pub fn group_id(&self) -> String {
        format!("/subscriptions/{}/resourceGroups/{}", self.subscription, self.resource_group)
    }

    /// ARM id of the workflow.
    pub fn id(&self) -> String {
        format!("{}/providers/Microsoft.Logic/workflows/{}", self.group_id(), self.name)
    }

    /// Name of its connection to Sentinel.
    pub fn connection_name(&self) -> String {
        format!("azuresentinel-{}", self.name)
    }

    /// ARM id of its connection to Sentinel.
    pub fn connection_id(&self) -> String {
        format!("{}/providers/Microsoft.Web/connections/{}", self.group_id(), self.connection_name())
    }

    fn api_id(&self, location: &str) -> String {
        format!(
            "/subscriptions/{}/providers/Microsoft.Web/locations/{location}/managedApis/azuresentinel",
            self.subscription
        )
    }

    /// The body of the connection's `PUT`: signed in by the workflow's own identity.
    pub fn connection_body(&self, location: &str) -> Value {
        json!({
            "location": location, "kind": "V1",
            "properties": {
                "displayName": self.connection_name(), "customParameterValues": {}, "parameterValueType": "Alternative",
                "api": {"id": self.api_id(location)},
            },
        })
    }

    /// The body of the workflow's `PUT`. `url` is where it posts, `secret` what it proves itself by: both are secure
    /// parameters, which neither the portal nor the run history shows.
    pub fn workflow_body(&self, location: &str, url: &str, secret: &str) -> Value {
        json!({
            "location": location, "identity": {"type": "SystemAssigned"},
            "properties": {
                "state": "Enabled", "definition": definition(),
                "parameters": {
                    "$connections": {"value": {"azuresentinel": {
                        "connectionId": self.connection_id(), "connectionName": self.connection_name(),
                        "id": self.api_id(location),
                        "connectionProperties": {"authentication": {"type": "ManagedServiceIdentity"}},
                    }}},
                    "webhookUrl": {"value": url}, "webhookSecret": {"value": secret},
                },
            },
        })
    }
}

/// What the workflow does: on each event of Sentinel it posts the whole of it to us.
fn definition() -> Value {
    json!({
        "$schema": "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {
            "$connections": {"type": "Object", "defaultValue": {}},
            "webhookUrl": {"type": "securestring"}, "webhookSecret": {"type": "securestring"},
        },
        "triggers": {"Microsoft_Sentinel_incident": {
            "type": "ApiConnectionWebhook",
            "inputs": {
                "body": {"callback_url": "@{listCallbackUrl()}"},
                "host": {"connection": {"name": "@parameters('$connections')['azuresentinel']['connectionId']"}},
                "path": "/incident-creation",
            },
        }},
        "actions": {"Post_incident": {
            "type": "Http", "runAfter": {},
            "inputs": {
                "method": "POST", "uri": "@parameters('webhookUrl')",
                "headers": {"Content-Type": "application/json", SECRET_HEADER: "@parameters('webhookSecret')"},
                "body": "@triggerBody()",
                "retryPolicy": {
                    "type": "exponential", "count": 8, "interval": "PT10S", "minimumInterval": "PT10S",
                    "maximumInterval": "PT10M",
                },
            },
            "runtimeConfiguration": {"secureData": {"properties": ["inputs"]}},
        }},
        "outputs": {},
    })
}

/// A role assignment of the template to the identity or application that a value names.
fn role(condition: Option<&str>, principal: &str, role: &str, depends: Option<&str>) -> Value {
    let mut resource = json!({
        "type": "Microsoft.Authorization/roleAssignments", "apiVersion": "2022-04-01",
        "name": format!("[guid(resourceGroup().id, parameters('playbookName'), '{role}')]"),
        "properties": {
            "roleDefinitionId": format!("[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '{role}')]"),
            "principalId": principal, "principalType": "ServicePrincipal",
        },
    });
    if let Some(members) = resource.as_object_mut() {
        if let Some(condition) = condition {
            members.insert("condition".into(), condition.into());
        }
        if let Some(depends) = depends {
            members.insert("dependsOn".into(), json!([depends]));
        }
    }
    resource
}

/// The template for “Deploy to Azure”: the same Logic App, its connection and both roles, to be deployed into the
/// workspace's resource group by somebody who may. It holds no secret: address and secret are asked for at deploying.
pub fn template(name: &str) -> Value {
    let workflow = "[resourceId('Microsoft.Logic/workflows', parameters('playbookName'))]";
    let api =
        "[subscriptionResourceId('Microsoft.Web/locations/managedApis', parameters('location'), 'azuresentinel')]";
    json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "metadata": {"title": "Halobridge: tell of Sentinel incidents at once"},
        "parameters": {
            "playbookName": {"type": "string", "defaultValue": name, "maxLength": NAME_MAX},
            "location": {"type": "string", "defaultValue": "[resourceGroup().location]"},
            "webhookUrl": {"type": "securestring", "metadata": {"description": "The workspace's address in Halobridge."}},
            "webhookSecret": {"type": "securestring", "metadata": {"description": "The secret shown with it."}},
            "azureSecurityInsightsObjectId": {
                "type": "string", "defaultValue": "",
                "metadata": {"description": "Object id, in this tenant, of the enterprise application 'Azure Security Insights' \
                    (application id 98785600-1bb7-4fb9-b9fa-19afe2c8a360). Empty: its role is given by hand."},
            },
        },
        "variables": {"connectionName": "[concat('azuresentinel-', parameters('playbookName'))]"},
        "resources": [
            {
                "type": "Microsoft.Web/connections", "apiVersion": CONNECTION_VERSION,
                "name": "[variables('connectionName')]", "location": "[parameters('location')]", "kind": "V1",
                "properties": {
                    "displayName": "[variables('connectionName')]", "customParameterValues": {},
                    "parameterValueType": "Alternative", "api": {"id": api},
                },
            },
            {
                "type": "Microsoft.Logic/workflows", "apiVersion": WORKFLOW_VERSION,
                "name": "[parameters('playbookName')]", "location": "[parameters('location')]",
                "identity": {"type": "SystemAssigned"},
                "dependsOn": ["[resourceId('Microsoft.Web/connections', variables('connectionName'))]"],
                "properties": {
                    "state": "Enabled", "definition": definition(),
                    "parameters": {
                        "$connections": {"value": {"azuresentinel": {
                            "connectionId": "[resourceId('Microsoft.Web/connections', variables('connectionName'))]",
                            "connectionName": "[variables('connectionName')]", "id": api,
                            "connectionProperties": {"authentication": {"type": "ManagedServiceIdentity"}},
                        }}},
                        "webhookUrl": {"value": "[parameters('webhookUrl')]"},
                        "webhookSecret": {"value": "[parameters('webhookSecret')]"},
                    },
                },
            },
            role(
                None,
                "[reference(resourceId('Microsoft.Logic/workflows', parameters('playbookName')), '2019-05-01', 'full').identity.principalId]",
                super::automation::READER,
                Some(workflow),
            ),
            role(
                Some("[not(empty(parameters('azureSecurityInsightsObjectId')))]"),
                "[parameters('azureSecurityInsightsObjectId')]",
                super::automation::AUTOMATION_CONTRIBUTOR,
                None,
            ),
        ],
        "outputs": {"playbookResourceId": {"type": "string", "value": workflow}},
    })
}
