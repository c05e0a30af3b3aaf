//! What an administrator can run or paste in Azure instead of clicking: made from the addresses shown on the page.

use crate::domain::{
    connection::MicrosoftEndpoints,
    rights::{ROLE, role_definition},
};

/// Azure Service Management and its delegated permission `user_impersonation` (sentinel-api sheet 3.1).
const ARM: (&str, &str) = ("797f4846-ba00-4fd7-ba43-dac1f8f63013", "41094075-9dad-400e-a0bd-54e686782033");
/// Log Analytics API and its delegated permission `Data.Read`.
const LOGS: (&str, &str) = ("ca7f3f0b-7d91-482c-8e09-c5d840d0eac5", "e4aa47b9-9a69-4109-82ed-36ec70d85571");
/// Microsoft Graph and its delegated permission `offline_access`.
const GRAPH: (&str, &str) = ("00000003-0000-0000-c000-000000000000", "7427e0e9-2fba-42fe-b0c0-848c9e6a8182");

/// The permissions as the manifest lists them (`requiredResourceAccess`).
fn access(indent: &str) -> String {
    let row = |(app, scope): (&str, &str)| {
        format!(
            "{indent}  {{ \"resourceAppId\": \"{app}\",\n{indent}    \"resourceAccess\": [{{ \"id\": \"{scope}\", \"type\": \"Scope\" }}] }}"
        )
    };
    format!("[\n{}\n{indent}]", [ARM, LOGS, GRAPH].map(row).join(",\n"))
}

/// The app registration's manifest: paste it over these members.
pub fn manifest(redirect_uri: &str) -> String {
    let uri = serde_json::Value::from(redirect_uri);
    format!(
        "{{\n  \"displayName\": \"Halobridge\",\n  \"signInAudience\": \"AzureADMultipleOrgs\",\n  \"web\": {{ \
         \"redirectUris\": [{uri}] }},\n  \"requiredResourceAccess\": {}\n}}",
        access("  ")
    )
}

/// The clouds that scripts are written for: their name in the form, and in words.
pub const CLOUDS: [(&str, &str); 3] =
    [("public", "public cloud"), ("usgov", "US Government"), ("china", "China (21Vianet)")];

/// A script in the cloud of this name in the form.
fn in_cloud(cloud: &str, script: String) -> String {
    let arm = MicrosoftEndpoints::of_cloud(cloud).map(|known| known.arm).unwrap_or_default();
    in_cloud_of(&arm, script)
}

/// A script in a cloud that is not the public one: the Azure CLI is sent there first, and back to where it was.
fn in_cloud_of(arm: &str, script: String) -> String {
    match MicrosoftEndpoints::cli_cloud(arm) {
        Some(name) => format!(
            "before=$(az cloud show --query name --output tsv)\naz cloud set --name {name}\naz account show --output none \
             2>/dev/null || az login --output none\n{script}\naz cloud set --name \"$before\""
        ),
        None => script,
    }
}

/// A script for the Azure CLI (Cloud Shell has it) that makes the app registration and a secret, and prints the three
/// values to paste.
pub fn registration(cloud: &str, redirect_uri: &str) -> String {
    let uri = quoted(redirect_uri);
    let script = format!(
        "cat > access.json <<'END'\n{}\nEND\napp=$(az ad app create --display-name Halobridge --sign-in-audience \
         AzureADMultipleOrgs \\\n  --web-redirect-uris {uri} --required-resource-accesses @access.json \\\n  --query \
         appId --output tsv)\naz ad sp create --id \"$app\" --output none\necho \"Tenant ID:     $(az account show \
         --query tenantId --output tsv)\"\necho \"Client ID:     $app\"\necho \"Client secret: $(az ad app credential \
         reset --id \"$app\" --append --display-name Halobridge --years 1 --query password --output tsv)\"",
        access("")
    );
    in_cloud(cloud, script)
}

/// A script that gives the app itself the role it needs: no person signs in then.
pub fn service_principal(cloud: &str, oauth_client_id: &str) -> String {
    let app = if oauth_client_id.is_empty() { "APPLICATION-ID".to_owned() } else { quoted(oauth_client_id) };
    let script = format!(
        "az ad sp create --id {app} --output none 2>/dev/null || true\naz role assignment create --assignee {app} \
         \\\n  --role \"Microsoft Sentinel Contributor\" \\\n  --scope \
         /subscriptions/SUBSCRIPTION-ID/resourceGroups/RESOURCE-GROUP"
    );
    in_cloud(cloud, script)
}

/// A script that makes the custom role with exactly what syncing needs, and gives it at these resource groups (ARM ids; none:
/// one to fill in). `arm` tells the cloud.
pub fn sync_role(arm: &str, groups: &[String]) -> String {
    let unknown = ["/subscriptions/SUBSCRIPTION-ID/resourceGroups/RESOURCE-GROUP".to_owned()];
    let groups = if groups.is_empty() { unknown.as_slice() } else { groups };
    let definition = role_definition(groups);
    let definition = serde_json::to_string_pretty(&definition).unwrap_or_else(|_| definition.to_string());
    let subscription = groups.first().and_then(|group| group.split('/').nth(2)).unwrap_or_default();
    let give = |group: &String| {
        let (role, scope) = (quoted(ROLE), quoted(group));
        format!("az role assignment create --assignee \"$who\" --role {role} --scope {scope} --output none")
    };
    let given = groups.iter().map(give).collect::<Vec<_>>().join("\n");
    let script = format!(
        "who=IDENTITY\ncat > role.json <<'END'\n{definition}\nEND\naz account set --subscription {}\naz role definition \
         create --role-definition @role.json --output none\n{given}",
        quoted(subscription)
    );
    in_cloud_of(arm, script)
}

/// A script that makes a certificate with its key and adds it to the app registration, for who pastes both here.
pub fn certificate(cloud: &str, oauth_client_id: &str) -> String {
    let app = if oauth_client_id.is_empty() { "APPLICATION-ID".to_owned() } else { quoted(oauth_client_id) };
    let script = format!(
        "openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj /CN=halobridge -keyout key.pem -out cert.pem\naz ad app \
         credential reset --id {app} --cert @cert.pem --append --output none\ncat cert.pem key.pem"
    );
    in_cloud(cloud, script)
}

/// A word of a POSIX shell, whatever it holds.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
