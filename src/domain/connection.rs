//! Ways to the outside systems. Secrets are never here: only `store` holds them, sealed.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::ids::ConnectionId;

/// A Microsoft sign-in: app registration + tenant + identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MicrosoftConnection {
    /// Ours.
    pub id: ConnectionId,
    /// Natural key of the applied file, unique among connections.
    pub name: String,
    /// The tenant (GUID or domain) signed in to. Always its own authority, never `common`.
    pub tenant_id: String,
    /// The app registration's client id.
    pub oauth_client_id: String,
    /// How it proves itself.
    pub identity: MicrosoftIdentity,
    /// Where the services are.
    pub endpoints: MicrosoftEndpoints,
    /// `api-version` of Microsoft.SecurityInsights calls.
    pub api_version: String,
    /// Whether http and private hosts are allowed outward (test hosts).
    pub allow_insecure: bool,
    /// Comment/incident writes promised per five minutes and subscription (sheet section 7).
    pub writes_per_5min: u32,
    /// The day the client secret or certificate ends, as its owner said, or as the certificate that was typed says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_expires: Option<Date>,
}

/// Days before its end from which a secret asks to be replaced.
pub const SECRET_WARNS_DAYS: i32 = 30;

impl MicrosoftConnection {
    /// Days until the secret ends, by the day in UTC; negative when it has ended. `None` when nobody said when it does.
    pub fn secret_days(&self, now: Timestamp) -> Option<i32> {
        let today = now.to_zoned(TimeZone::UTC).date();
        Some(today.until(self.secret_expires?).ok()?.get_days())
    }

    /// What is to be said of a secret that ends soon, with the remedy; `None` while there is time.
    pub fn secret_warning(&self, now: Timestamp) -> Option<String> {
        let what = if self.identity.by_certificate() { "certificate" } else { "client secret" };
        let day = self.secret_expires?;
        let remedy = "Make a new one in the app registration and enter it under Set-up, Microsoft: it is tried before the \
                      old one goes.";
        match self.secret_days(now)? {
            days if days > SECRET_WARNS_DAYS => None,
            days if days < 0 => Some(format!("The {what} ended on {day}. {remedy}")),
            0 => Some(format!("The {what} ends today. {remedy}")),
            1 => Some(format!("The {what} ends tomorrow, on {day}. {remedy}")),
            days => Some(format!("The {what} ends in {days} days, on {day}. {remedy}")),
        }
    }
}

/// Who signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MicrosoftIdentity {
    /// A person, through the browser (authorization code with PKCE; refresh token); the app proves itself by client secret.
    Delegated,
    /// A person as well; the app proves itself by certificate (signed client assertion).
    DelegatedCertificate,
    /// The app itself, by client secret.
    ClientSecret,
    /// The app itself, by certificate (signed client assertion).
    Certificate,
}

impl MicrosoftIdentity {
    /// Whether a person signs in.
    pub fn delegated(self) -> bool {
        matches!(self, Self::Delegated | Self::DelegatedCertificate)
    }

    /// Whether the app proves itself by certificate.
    pub fn by_certificate(self) -> bool {
        matches!(self, Self::DelegatedCertificate | Self::Certificate)
    }
}

/// Base addresses, without a trailing slash. The defaults are the public cloud's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MicrosoftEndpoints {
    /// `https://login.microsoftonline.com`
    pub authority: String,
    /// `https://management.azure.com`
    pub arm: String,
    /// `https://api.loganalytics.io`
    pub log_analytics: String,
    /// `https://graph.microsoft.com`
    pub graph: String,
}

impl MicrosoftEndpoints {
    /// The three clouds by their names in the applied file: `public`, `usgov`, `china`.
    pub fn of_cloud(cloud: &str) -> Option<Self> {
        let hosts = match cloud {
            "public" => [
                "https://login.microsoftonline.com",
                "https://management.azure.com",
                "https://api.loganalytics.io",
                "https://graph.microsoft.com",
            ],
            "usgov" => [
                "https://login.microsoftonline.us",
                "https://management.usgovcloudapi.net",
                "https://api.loganalytics.us",
                "https://graph.microsoft.us",
            ],
            "china" => [
                "https://login.partner.microsoftonline.cn",
                "https://management.chinacloudapi.cn",
                "https://api.loganalytics.azure.cn",
                "https://microsoftgraph.chinacloudapi.cn",
            ],
            _ => return None,
        };
        let [authority, arm, log_analytics, graph] = hosts.map(str::to_owned);
        Some(Self { authority, arm, log_analytics, graph })
    }

    /// Whether this is the Resource Manager of one of the clouds of [`Self::of_cloud`].
    fn is_of(arm: &str, cloud: &str) -> bool {
        Self::of_cloud(cloud).is_some_and(|known| known.arm == arm.trim_end_matches('/'))
    }

    /// What the Azure CLI calls the cloud of this Resource Manager; `None` for the public one and for those it does not know.
    pub fn cli_cloud(arm: &str) -> Option<&'static str> {
        let known = [("usgov", "AzureUSGovernment"), ("china", "AzureChinaCloud")];
        known.into_iter().find(|(cloud, _)| Self::is_of(arm, cloud)).map(|(_, name)| name)
    }

    /// The Azure portal of the cloud of this Resource Manager; `None` for a cloud that is not one of Microsoft's three.
    pub fn portal(arm: &str) -> Option<&'static str> {
        let known = [
            ("public", "https://portal.azure.com"),
            ("usgov", "https://portal.azure.us"),
            ("china", "https://portal.azure.cn"),
        ];
        known.into_iter().find(|(cloud, _)| Self::is_of(arm, cloud)).map(|(_, portal)| portal)
    }

    /// A command of the Azure CLI for who works in the public cloud otherwise: in the cloud of this Resource Manager, and
    /// back.
    pub fn cli(arm: &str, command: &str) -> String {
        match Self::cli_cloud(arm) {
            Some(name) => {
                format!("az cloud set --name {name} && az login && {command}; az cloud set --name AzureCloud")
            }
            None => command.to_owned(),
        }
    }
}

/// Which of Halo's products an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HaloProduct {
    /// HaloITSM
    #[default]
    Itsm,
    /// HaloPSA
    Psa,
}

/// A Halo instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HaloConnection {
    /// Ours.
    pub id: ConnectionId,
    /// Natural key of the applied file, unique among connections.
    pub name: String,
    /// HaloITSM or HaloPSA: only words differ.
    pub product: HaloProduct,
    /// Resource Server, e.g. `https://acme.haloitsm.com/api`, without a trailing slash.
    pub resource_server: String,
    /// Authorisation Server, e.g. `https://acme.haloitsm.com/auth`, without a trailing slash.
    pub authorisation_server: String,
    /// Tenant; empty when none was given. Part of every derived id: fixed at connection.
    pub tenant: String,
    /// The API application's client id.
    pub oauth_client_id: String,
    /// Scopes asked for.
    pub scope: String,
    /// Requests allowed in a rolling five minutes, token calls included.
    pub requests_per_5min: u32,
    /// Seconds between polls of changed tickets.
    pub poll_secs: u32,
    /// Seconds an unknown create is looked for before a person is asked.
    pub settle_secs: u32,
    /// Whether `POST /hooks/halo/{connection}` is open (a secret is set).
    pub webhook: bool,
    /// Header that carries the webhook's signature or token.
    pub webhook_header: String,
    /// Whether http and private hosts are allowed outward.
    pub allow_insecure: bool,
}

impl HaloConnection {
    /// What stands before a ticket's number in its address for people (halo-api sheet, section 2): the Resource
    /// Server without its `/api`. `None` unless it is reached by https.
    pub fn ticket_url_base(&self) -> Option<String> {
        let base = self.resource_server.trim_end_matches('/');
        let site = base.get(base.len().saturating_sub(4)..).filter(|end| end.eq_ignore_ascii_case("/api"));
        let site = site.map_or(base, |end| base.get(..base.len() - end.len()).unwrap_or(base));
        let safe = site.starts_with("https://") && !site.contains(['"', '<', '>', ' ', '\'']);
        safe.then(|| format!("{site}/tickets?id="))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_command_is_run_in_the_cloud_of_the_connection() {
        let arm = |cloud: &str| MicrosoftEndpoints::of_cloud(cloud).unwrap().arm;
        assert_eq!(MicrosoftEndpoints::cli(&arm("public"), "az x"), "az x");
        assert_eq!(MicrosoftEndpoints::cli("http://localhost:7070/arm", "az x"), "az x");
        for (cloud, name) in [("usgov", "AzureUSGovernment"), ("china", "AzureChinaCloud")] {
            let command = MicrosoftEndpoints::cli(&format!("{}/", arm(cloud)), "az x");
            let set = format!("az cloud set --name {name} && ");
            assert!(command.starts_with(&set) && command.contains(" && az x; "), "{command}");
            assert!(command.ends_with("az cloud set --name AzureCloud"), "{command}");
        }
    }

    #[test]
    fn a_secret_counts_down_and_warns_from_thirty_days_on() {
        let now: Timestamp = "2026-11-21T23:30:00Z".parse().unwrap();
        for (expires, days, says) in [
            (None, None, None),
            (Some("2027-01-31"), Some(71), None),
            (Some("2026-12-22"), Some(31), None),
            (Some("2026-12-21"), Some(30), Some("in 30 days, on 2026-12-21")),
            (Some("2026-11-22"), Some(1), Some("ends tomorrow, on 2026-11-22")),
            (Some("2026-11-21"), Some(0), Some("ends today")),
            (Some("2026-11-20"), Some(-1), Some("ended on 2026-11-20")),
        ] {
            let connection = MicrosoftConnection {
                id: ConnectionId(Uuid::nil()),
                name: "a".into(),
                tenant_id: "a.example".into(),
                oauth_client_id: "a".into(),
                identity: MicrosoftIdentity::Delegated,
                endpoints: MicrosoftEndpoints::of_cloud("public").unwrap(),
                api_version: String::new(),
                allow_insecure: false,
                writes_per_5min: 75,
                secret_expires: expires.map(|day| day.parse().unwrap()),
            };
            assert_eq!(connection.secret_days(now), days, "{expires:?}");
            let warning = connection.secret_warning(now);
            match says {
                None => assert_eq!(warning, None, "{expires:?}"),
                Some(words) => assert!(warning.as_deref().is_some_and(|text| text.contains(words)), "{warning:?}"),
            }
        }
    }
}
