//! `[[halo]]`: a HaloITSM or HaloPSA instance.

use toml::Value;
use uuid::Uuid;

use super::{
    address,
    reader::{At, Place, Table},
    secret::{SecretRef, Secrets},
    write::Lines,
};
use crate::domain::{
    connection::{HaloConnection, HaloProduct},
    ids::ConnectionId,
};

/// Hosted Halo's limit (halo-api sheet 7.1).
pub const REQUESTS_PER_5MIN: u32 = 300;
/// Seconds between polls of changed tickets: 5 % of Halo's budget.
pub const POLL_SECS: u32 = 20;
/// Seconds an unknown create is looked for.
pub const SETTLE_SECS: u32 = 180;
/// Scopes that serve a bridge which also reads look-ups (halo-api sheet 1.3).
pub const SCOPE: &str = "all";
/// Header of the webhook's signature.
pub const WEBHOOK_HEADER: &str = "X-Halobridge-Signature";

/// One entry. The id within `connection` is nil: the file knows names only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halo {
    /// Everything but the secrets.
    pub connection: HaloConnection,
    /// Client secret of the API application.
    pub client_secret: Option<SecretRef>,
    /// Secret of Halo's webhooks.
    pub webhook_secret: Option<SecretRef>,
}

/// Reads one entry; what is wrong goes to the table's sink.
pub fn read(table: Table<'_, '_>, secrets: &Secrets<'_>) -> (Halo, Place) {
    let name = table.required("name", "Give the instance a name of your choice, e.g. name = \"desk\".").value;
    let insecure = table.flag("allow_insecure", false);
    let product = table.choice("product", &["itsm", "psa"]);
    let shown = "as Halo shows it under Configuration > Integrations > Halo API.";
    let resource = table.required("resource_server", &format!("Write resource_server = \"https://…/api\", {shown}"));
    let auth =
        table.required("authorisation_server", &format!("Write authorisation_server = \"https://…/auth\", {shown}"));
    let resource_server = resource_server(&table, &resource, insecure);
    let authorisation_server = authorisation_server(&table, &auth, insecure);
    let oauth_client_id =
        table.required("oauth_client_id", "Write oauth_client_id = \"…\": the API application's Client ID.").value;
    if !table.has("client_secret") {
        let remedy = "Write client_secret = { env = \"NAME\" } or { file = \"path\" }.";
        table.absent_here("client_secret", "is missing", remedy);
    }
    let client_secret = secrets.read(&table, "client_secret");
    let webhook_secret = secrets.read(&table, "webhook_secret");
    let connection = HaloConnection {
        id: ConnectionId(Uuid::nil()),
        name,
        product: if product.is_some_and(|p| p.value == "psa") { HaloProduct::Psa } else { HaloProduct::Itsm },
        resource_server,
        authorisation_server,
        tenant: tenant(&table),
        oauth_client_id,
        scope: table.text("scope").map_or_else(|| SCOPE.to_owned(), |t| t.value),
        requests_per_5min: table.count("requests_per_5min", 10, 1_000_000, REQUESTS_PER_5MIN),
        poll_secs: table.count("poll_secs", 1, 86_400, POLL_SECS),
        settle_secs: table.count("settle_secs", 1, 86_400, SETTLE_SECS),
        webhook: webhook_secret.is_some(),
        webhook_header: webhook_header(&table),
        allow_insecure: insecure,
    };
    (Halo { connection, client_secret, webhook_secret }, table.done())
}

/// Empty is allowed here: many instances have no tenant.
fn tenant(table: &Table<'_, '_>) -> String {
    match table.value("tenant") {
        Some(found) if found.value.as_str().is_some_and(|text| text.trim().is_empty()) => String::new(),
        _ => table.text("tenant").map_or_else(String::new, |t| t.value),
    }
}

fn webhook_header(table: &Table<'_, '_>) -> String {
    let Some(found) = table.text("webhook_header") else { return WEBHOOK_HEADER.to_owned() };
    if !found.value.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
        let problem = format!("cannot be \"{}\"", found.value);
        table.sink.wrong(found.at, table.field("webhook_header"), problem, "Use letters, digits and hyphens only.");
    }
    found.value
}

fn resource_server(table: &Table<'_, '_>, found: &At<String>, insecure: bool) -> String {
    if found.value.is_empty() {
        return String::new();
    }
    let address = address::base_address(table, "resource_server", found, insecure).unwrap_or_default();
    let lower = address.to_ascii_lowercase();
    if let Some(after) = lower.find("/api/") {
        let extra = address.get(after + 4..).unwrap_or_default();
        let problem = format!("goes on after /api with {extra}");
        table.sink.wrong(found.at, table.field("resource_server"), problem, "End it with /api; the rest is added.");
    } else if lower.ends_with("/auth") || lower.ends_with("/token") {
        let remedy = "Write the Resource Server here; it ends with /api.";
        table.sink.wrong(
            found.at,
            table.field("resource_server"),
            "is the address of the Authorisation Server",
            remedy,
        );
    } else if !address.is_empty() && !lower.ends_with("/api") {
        let remedy = "Compare it with what Halo shows under Configuration > Integrations > Halo API.";
        table.sink.warn(found.at, table.field("resource_server"), "does not end with /api, as Halo's do", remedy);
    }
    address
}

fn authorisation_server(table: &Table<'_, '_>, found: &At<String>, insecure: bool) -> String {
    if found.value.is_empty() {
        return String::new();
    }
    let address = address::base_address(table, "authorisation_server", found, insecure).unwrap_or_default();
    let lower = address.to_ascii_lowercase();
    if lower.ends_with("/token") {
        let remedy = "Leave /token out; it is added.";
        table.sink.wrong(found.at, table.field("authorisation_server"), "ends with /token", remedy);
    } else if lower.ends_with("/api") {
        let remedy = "Write the Authorisation Server here; it usually ends with /auth.";
        let problem = "is the address of the Resource Server";
        table.sink.wrong(found.at, table.field("authorisation_server"), problem, remedy);
    }
    address
}

impl Halo {
    /// Natural key.
    pub fn name(&self) -> &str {
        &self.connection.name
    }

    /// The entry as lines of the file, in the schema's order.
    pub fn lines(&self) -> Lines {
        let c = &self.connection;
        let mut lines = Lines::default();
        lines.text("name", &c.name);
        lines.text("product", if c.product == HaloProduct::Psa { "psa" } else { "itsm" });
        lines.text("resource_server", &c.resource_server);
        lines.text("authorisation_server", &c.authorisation_server);
        if !c.tenant.is_empty() {
            lines.text("tenant", &c.tenant);
        }
        lines.text("oauth_client_id", &c.oauth_client_id);
        lines.secret("client_secret", self.client_secret.as_ref());
        lines.text("scope", &c.scope);
        lines.number("requests_per_5min", i64::from(c.requests_per_5min));
        lines.number("poll_secs", i64::from(c.poll_secs));
        lines.number("settle_secs", i64::from(c.settle_secs));
        lines.secret("webhook_secret", self.webhook_secret.as_ref());
        lines.text("webhook_header", &c.webhook_header);
        lines.put("allow_insecure", Value::Boolean(c.allow_insecure));
        lines
    }
}
