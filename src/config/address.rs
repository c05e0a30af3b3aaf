//! Addresses: web addresses of the outside systems, and ARM ids of workspaces.

use super::reader::{At, Table};
use crate::outbound::url_policy::{self, UrlRefused};

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

/// The address is not repeated in the fault: it may hold a password.
fn check(text: &str, insecure: bool) -> Result<String, (String, &'static str)> {
    let public = "Use the public https address, or set allow_insecure = true on this connection (test hosts only).";
    let url = url_policy::check("", text, insecure).map_err(|refused| match refused {
        UrlRefused::NotAnAddress(..) => ("is not a web address".to_owned(), "Write it like https://name.example/path."),
        UrlRefused::Credentials(_) => {
            ("holds a user name or password".to_owned(), "Remove them; secrets have fields of their own.")
        }
        UrlRefused::NotHttps(_) => ("is not https, so secrets would travel in the clear".to_owned(), public),
        UrlRefused::NotPublic(_, host) => (format!("leads to {host}, which is not a public host"), public),
    })?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(("holds a query (?…) or a fragment (#…)".to_owned(), "Write the base address alone."));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
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
