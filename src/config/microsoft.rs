//! `[[microsoft]]`: a sign-in to a Microsoft tenant.

use jiff::civil::Date;
use toml::{Value, de::DeValue};
use uuid::Uuid;

use super::{
    address,
    reader::{Place, Table},
    secret::{SecretRef, Secrets},
    write::Lines,
};
use crate::domain::{
    connection::{MicrosoftConnection, MicrosoftEndpoints, MicrosoftIdentity},
    ids::ConnectionId,
};

/// The newest stable version of Microsoft.SecurityInsights (sentinel-api sheet, rule 1).
pub const API_VERSION: &str = "2025-09-01";
/// Writes promised per five minutes and subscription (sentinel-api sheet 7).
pub const WRITES_PER_5MIN: u32 = 75;

/// One entry. The id within `connection` is nil: the file knows names only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Microsoft {
    /// Everything but the secrets.
    pub connection: MicrosoftConnection,
    /// Client secret of the app registration.
    pub client_secret: Option<SecretRef>,
    /// Certificate (PEM) of the app registration.
    pub certificate: Option<SecretRef>,
    /// Its private key (PEM).
    pub private_key: Option<SecretRef>,
}

/// Reads one entry; what is wrong goes to the table's sink.
pub fn read(table: Table<'_, '_>, secrets: &Secrets<'_>) -> (Microsoft, Place) {
    let name = table.required("name", "Give the connection a name of your choice, e.g. name = \"Contoso\".");
    let tenant_remedy = "Write tenant_id = \"<GUID or domain>\" (Entra admin centre → Overview → Tenant ID).";
    let tenant = table.required("tenant_id", tenant_remedy);
    let tenant_id = if tenant.value.is_empty() { String::new() } else { address::tenant(&table, "tenant_id", tenant) };
    let app_remedy = "Write oauth_client_id = \"<GUID>\": the app registration's Application (client) ID.";
    let oauth_client_id = table.required("oauth_client_id", app_remedy).value;
    let insecure = table.flag("allow_insecure", false);
    let endpoints = endpoints(&table, insecure);
    let client_secret = secrets.read(&table, "client_secret");
    let certificate = secrets.read(&table, "certificate");
    let private_key = secrets.read(&table, "private_key");
    let identity = identity(&table);
    let connection = MicrosoftConnection {
        id: ConnectionId(Uuid::nil()),
        name: name.value,
        tenant_id,
        oauth_client_id,
        identity,
        endpoints,
        api_version: api_version(&table),
        allow_insecure: insecure,
        writes_per_5min: table.count("writes_per_5min", 1, 1_000_000, WRITES_PER_5MIN),
        secret_expires: secret_expires(&table),
    };
    (Microsoft { connection, client_secret, certificate, private_key }, table.done())
}

/// A day, as text or as TOML's own date.
fn secret_expires(table: &Table<'_, '_>) -> Option<Date> {
    let found = table.value("secret_expires")?;
    let text = match found.value {
        DeValue::Datetime(date) => date.to_string(),
        DeValue::String(text) => text.trim().to_owned(),
        other => {
            table.wrong_type("secret_expires", found.at, other, "a day, like 2027-01-31");
            return None;
        }
    };
    let day = text.parse::<Date>().ok().filter(|_| text.len() == 10);
    if day.is_none() {
        let problem = format!("is \"{text}\", which is no day");
        table.sink.wrong(found.at, table.field("secret_expires"), problem, "Write it like 2027-01-31.");
    }
    day
}

fn api_version(table: &Table<'_, '_>) -> String {
    let Some(found) = table.text("api_version") else { return API_VERSION.to_owned() };
    let date = found.value.strip_suffix("-preview").unwrap_or(&found.value);
    if date.len() != 10 || date.parse::<jiff::civil::Date>().is_err() {
        let remedy = format!("Write a date such as \"{API_VERSION}\", or leave the line out.");
        table.sink.wrong(found.at, table.field("api_version"), format!("cannot be \"{}\"", found.value), remedy);
    }
    found.value
}

fn identity(table: &Table<'_, '_>) -> MicrosoftIdentity {
    let found = table.choice("identity", &["service-principal", "delegated"]);
    let asked = table.has("identity");
    let delegated = found.as_ref().is_some_and(|f| f.value == "delegated");
    let [secret, certificate, key] = ["client_secret", "certificate", "private_key"].map(|k| table.has(k));
    let at = |key: &str| table.entries().iter().find(|(k, _)| k.value == key).map_or(0, |(k, _)| k.at);
    if certificate != key {
        let (has, lacks) = if certificate { ("certificate", "private_key") } else { ("private_key", "certificate") };
        let problem = format!("stands without {lacks}");
        table.sink.wrong(
            at(has),
            table.field(has),
            problem,
            format!("Give both, or neither: {lacks} = {{ file = \"…\" }}."),
        );
    }
    if secret && (certificate || key) {
        let remedy = "Remove one of them: the app proves itself in one way.";
        table.sink.wrong(at("client_secret"), table.field("client_secret"), "stands beside a certificate", remedy);
    }
    if delegated {
        if certificate || key {
            return MicrosoftIdentity::DelegatedCertificate;
        }
        if !secret {
            let remedy = "Write client_secret = { env = \"NAME\" }, or certificate and private_key: the app proves itself when it \
                          redeems a sign-in.";
            table.absent_here("client_secret", "is missing", remedy);
        }
        return MicrosoftIdentity::Delegated;
    }
    if certificate || key {
        return MicrosoftIdentity::Certificate;
    }
    if !secret && (!asked || found.is_some()) {
        let remedy =
            "Write client_secret = { env = \"NAME\" }, or certificate and private_key, or identity = \"delegated\".";
        table.absent_here("client_secret", "is missing: a service principal must prove itself", remedy);
    }
    MicrosoftIdentity::ClientSecret
}

fn endpoints(table: &Table<'_, '_>, insecure: bool) -> MicrosoftEndpoints {
    let cloud = table.choice("cloud", &["public", "usgov", "china"]).map_or("public", |f| f.value);
    let mut endpoints = MicrosoftEndpoints::of_cloud(cloud).unwrap_or(MicrosoftEndpoints {
        authority: String::new(),
        arm: String::new(),
        log_analytics: String::new(),
        graph: String::new(),
    });
    let fields = [
        ("authority", &mut endpoints.authority),
        ("arm", &mut endpoints.arm),
        ("log_analytics", &mut endpoints.log_analytics),
        ("graph", &mut endpoints.graph),
    ];
    for (key, target) in fields {
        let Some(found) = table.text(key) else { continue };
        if let Some(address) = address::base_address(table, key, &found, insecure) {
            let last = address.rsplit('/').next().unwrap_or("").to_ascii_lowercase();
            if key == "authority" && ["common", "organizations", "consumers", "v2.0", "token"].contains(&last.as_str())
            {
                let remedy = "Write the base alone, e.g. https://login.microsoftonline.com; tenant and path are added.";
                table.sink.wrong(found.at, table.field(key), format!("ends with /{last}"), remedy);
            }
            *target = address;
        }
    }
    endpoints
}

impl Microsoft {
    /// Natural key.
    pub fn name(&self) -> &str {
        &self.connection.name
    }

    /// The entry as lines of the file, in the schema's order.
    pub fn lines(&self) -> Lines {
        let c = &self.connection;
        let mut lines = Lines::default();
        lines.text("name", &c.name);
        lines.text("tenant_id", &c.tenant_id);
        lines.text("oauth_client_id", &c.oauth_client_id);
        lines.text("identity", if c.identity.delegated() { "delegated" } else { "service-principal" });
        lines.secret("client_secret", self.client_secret.as_ref());
        lines.secret("certificate", self.certificate.as_ref());
        lines.secret("private_key", self.private_key.as_ref());
        let cloud = ["public", "usgov", "china"]
            .into_iter()
            .find(|cloud| MicrosoftEndpoints::of_cloud(cloud).as_ref() == Some(&c.endpoints));
        if let Some(cloud) = cloud {
            lines.text("cloud", cloud);
        } else {
            lines.text("authority", &c.endpoints.authority);
            lines.text("arm", &c.endpoints.arm);
            lines.text("log_analytics", &c.endpoints.log_analytics);
            lines.text("graph", &c.endpoints.graph);
        }
        lines.text("api_version", &c.api_version);
        lines.number("writes_per_5min", i64::from(c.writes_per_5min));
        if let Some(day) = c.secret_expires {
            lines.text("secret_expires", &day.to_string());
        }
        lines.put("allow_insecure", Value::Boolean(c.allow_insecure));
        lines
    }
}
