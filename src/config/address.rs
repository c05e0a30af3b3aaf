//! Addresses: web addresses of the outside systems, and ARM ids of workspaces.

use url::{Host, Url};

use super::reader::{At, Table};

/// Checks a base address and gives it back without a trailing slash; `None` when refused (and noted).
pub fn base_address(table: &Table<'_, '_>, key: &'static str, found: &At<String>, insecure: bool) -> Option<String> {
    match check(&found.value, insecure) {
        Ok(address) => Some(address),
        Err((problem, remedy)) => {
            table.sink.wrong(found.at, table.field(key), problem, remedy);
            None
        }
    }
}

fn check(text: &str, insecure: bool) -> Result<String, (String, &'static str)> {
    let like = "Write it like https://name.example/path.";
    let not_one = || ("is not a web address".to_owned(), like);
    let url = Url::parse(text).map_err(|_| not_one())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(not_one());
    }
    let host = url.host().ok_or_else(not_one)?;
    if !url.username().is_empty() || url.password().is_some() {
        let remedy = "Remove them; secrets have fields of their own.";
        return Err(("holds a user name or password".to_owned(), remedy));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(("holds a query (?…) or a fragment (#…)".to_owned(), "Write the base address alone."));
    }
    let allow = "Use the public https address, or set allow_insecure = true on this connection (test hosts only).";
    if url.scheme() == "http" && !insecure {
        return Err(("uses http, which would send secrets in the clear".to_owned(), allow));
    }
    if !insecure && inward(&host) {
        return Err((format!("leads to {host}, which is not a public host"), allow));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Hosts of this machine or of a private network.
fn inward(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified(),
        Host::Ipv6(ip) => {
            let first = ip.segments().first().copied().unwrap_or(0);
            ip.is_loopback() || ip.is_unspecified() || first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80
        }
        Host::Domain(name) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || [".localhost", ".local", ".internal"].iter().any(|end| name.ends_with(end))
        }
    }
}

/// A tenant: a GUID or a domain, never one of the shared authorities.
pub fn tenant(table: &Table<'_, '_>, key: &'static str, found: At<String>) -> String {
    let shared = ["common", "organizations", "consumers"];
    let own = "Write the tenant's own GUID or domain (Entra admin centre → Overview → Tenant ID).";
    if shared.contains(&found.value.to_ascii_lowercase().as_str()) {
        let problem = format!("is \"{}\", which is no tenant", found.value);
        table.sink.wrong(found.at, table.field(key), problem, own);
    } else if !found.value.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.') {
        table.sink.wrong(found.at, table.field(key), "is neither a GUID nor a domain", own);
    }
    found.value
}

/// What an ARM id must look like.
pub const ARM_FORM: &str =
    "/subscriptions/<GUID>/resourceGroups/<group>/providers/Microsoft.OperationalInsights/workspaces/<name>";
