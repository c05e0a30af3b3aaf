//! The adapter of Sentinel by its parts.

/// `src/sentinel/logic_app.rs`.
mod logic_app {
    use halobridge::{
        domain::workspace::WorkspaceAddress,
        sentinel::logic_app::{LogicApp, template},
    };
    use serde_json::{Value, json};

    fn of(workspace: &str) -> LogicApp {
        LogicApp::of(&WorkspaceAddress {
            subscription: "s".into(),
            resource_group: "rg".into(),
            workspace: workspace.into(),
        })
    }

    #[test]
    fn names_are_ones_that_azure_takes() {
        assert_eq!(of("law-contoso").name, "Halobridge-law-contoso");
        assert_eq!(of("law (old)").name, "Halobridge-law--old");
        assert_eq!(of(&"x".repeat(90)).name.chars().count(), 64);
    }

    #[test]
    fn nothing_of_a_secret_stands_outside_the_secure_parameters() {
        let body = of("law").workflow_body("westeurope", "https://hb.example/hooks/sentinel/1", "hush");
        let mut outside = body.clone();
        outside["properties"]["parameters"]["webhookUrl"] = Value::Null;
        outside["properties"]["parameters"]["webhookSecret"] = Value::Null;
        assert!(!outside.to_string().contains("hush") && !outside.to_string().contains("hb.example"));
        for name in ["webhookUrl", "webhookSecret"] {
            assert_eq!(body["properties"]["definition"]["parameters"][name]["type"], "securestring");
        }
        let secure = "/properties/definition/actions/Post_incident/runtimeConfiguration/secureData/properties/0";
        assert_eq!(body.pointer(secure), Some(&json!("inputs")));
    }

    /// The parts that the sheet names, in the resources as in the template.
    #[test]
    fn the_template_and_the_resources_say_the_same() {
        let app = of("law");
        let made = template(&app.name);
        let resources = made["resources"].as_array().cloned().unwrap_or_default();
        let (connection, workflow) = (&resources[0], &resources[1]);
        let body = app.workflow_body("westeurope", "u", "s");
        assert_eq!(workflow["properties"]["definition"], body["properties"]["definition"]);
        assert_eq!(workflow["identity"], body["identity"]);
        let alternative = app.connection_body("westeurope");
        for member in ["parameterValueType", "customParameterValues"] {
            assert_eq!(connection["properties"][member], alternative["properties"][member]);
        }
        assert_eq!(connection["properties"]["parameterValueType"], "Alternative");
        assert!(
            alternative["properties"]["api"]["id"]
                .as_str()
                .is_some_and(|id| id.ends_with("/managedApis/azuresentinel"))
        );
        let trigger = &body["properties"]["definition"]["triggers"]["Microsoft_Sentinel_incident"];
        assert_eq!(trigger["type"], "ApiConnectionWebhook");
        assert_eq!(trigger["inputs"]["path"], "/incident-creation");
        assert_eq!(trigger["inputs"]["body"]["callback_url"], "@{listCallbackUrl()}");
        let roles: Vec<&str> = resources.iter().filter_map(|r| r["properties"]["roleDefinitionId"].as_str()).collect();
        assert_eq!(roles.len(), 2);
        for secret in ["webhookUrl", "webhookSecret"] {
            assert_eq!(made["parameters"][secret]["type"], "securestring");
            assert!(made["parameters"][secret].get("defaultValue").is_none());
        }
    }
}
