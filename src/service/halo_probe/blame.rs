//! Which entry a refused call is about: the table of causes and fixes (halo-api sheet 1.4).

use secrecy::ExposeSecret;

use super::{API_PAGE, Typed};
use crate::{
    domain::{
        failure::{Failure, FailureKind},
        view::probe::Line,
    },
    halo_itsm::AuthInfo,
};

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The resource server was asked who it is.
    Resource,
    /// A token was asked for.
    SignIn,
}

/// The entries of the form.
const ENTRIES: [(&str, &str); 6] = [
    ("resource_server", "Resource Server"),
    ("authorisation_server", "Authorisation Server"),
    ("tenant", "Tenant"),
    ("oauth_client_id", "Client ID"),
    ("client_secret", "Client Secret"),
    ("scope", "Scopes"),
];

/// The entry of a field of the applied file (`halo.tenant` → `tenant`).
pub fn entry(field: &str) -> Option<&'static str> {
    let own = field.strip_prefix("halo.")?;
    ENTRIES.iter().find(|(name, _)| *name == own).map(|(name, _)| *name)
}

/// Its label.
pub fn label(entry: &str) -> &'static str {
    ENTRIES.iter().find(|(name, _)| *name == entry).map_or("It", |(_, label)| *label)
}

/// A remedy of the applied file in the terms of a form.
pub fn in_form(entry: &str, remedy: &str) -> String {
    if remedy.contains("leave the line out") {
        return format!("Copy the {} from the API page and the API application in Halo.", label(entry));
    }
    if !remedy.contains(" = ") {
        return remedy.to_owned();
    }
    match entry {
        "resource_server" | "authorisation_server" if remedy.contains("allow_insecure") => {
            "Enter the public https address. Only for a test host allow http and private addresses.".to_owned()
        }
        "resource_server" | "authorisation_server" => {
            format!("Enter the {} as Halo shows it on its API page, beginning with https://.", label(entry))
        }
        _ => format!("Copy the {} from the API application in Halo.", label(entry)),
    }
}

/// The line for a refused call.
pub fn line(step: Step, typed: &Typed, told: &AuthInfo, failure: &Failure) -> Line {
    match step {
        Step::Resource => resource(failure),
        Step::SignIn => sign_in(typed, told, failure),
    }
}

/// The line for a Resource Server that does not answer as Halo's API.
pub fn resource(failure: &Failure) -> Line {
    let page = API_PAGE;
    let field = "resource_server";
    let copied = format!("Copy the Resource Server from {page} in Halo; it ends with /api.");
    let web_page = failure.message.contains("a web page");
    match (&failure.kind, failure.status) {
        (FailureKind::WaitUntil { .. }, _) => wait(field),
        (_, None) => unreachable(field, "Resource Server", failure),
        _ if web_page => {
            Line::fault(field, "The Resource Server answers with a web page (HTML) instead of Halo's API.", copied)
        }
        (FailureKind::Unreadable, _) => {
            Line::fault(field, "The Resource Server answers with something that is not Halo's API.", copied)
        }
        (FailureKind::Gone, _) => Line::fault(
            field,
            "There is no Halo API at this address (HTTP 404).",
            format!("{copied} If it is right, enter the Authorisation Server too."),
        ),
        (_, Some(401 | 403)) => Line::fault(
            field,
            "The Resource Server does not tell where to sign in, as Halo's does.",
            format!("{copied} If it is right, enter the Authorisation Server too."),
        ),
        (_, Some(300..=399)) => Line::fault(
            field,
            "The Resource Server sends us on to another address, and we never follow with secrets.",
            "Enter the final address, the one that the browser shows after it was sent on.",
        ),
        _ => Line::fault(field, format!("The Resource Server refuses: {}", failure.message), copied),
    }
}

fn sign_in(typed: &Typed, told: &AuthInfo, failure: &Failure) -> Line {
    let page = API_PAGE;
    let typed_server = typed.authorisation_server.trim().trim_end_matches('/');
    let other = told.auth_url.as_deref().map(|url| url.trim_end_matches('/'));
    let other = other.filter(|url| !url.eq_ignore_ascii_case(typed_server));
    let server = "authorisation_server";
    let copied = match other {
        Some(url) => format!("Halo itself says that it is {}.", clean(url)),
        None => format!("Copy the Authorisation Server from {page} in Halo; it usually ends with /auth."),
    };
    let web_page = failure.message.contains("a web page");
    match (failure.code.as_deref(), failure.status) {
        _ if matches!(failure.kind, FailureKind::WaitUntil { .. }) => wait(server),
        (_, None) => unreachable(server, "Authorisation Server", failure),
        (Some("invalid_scope"), _) => Line::fault(
            "scope",
            "Halo knows no such scope, or the API application does not allow it.",
            "Enter “all”, or “read:tickets edit:tickets read:customers”, and allow the same on the API application.",
        ),
        (Some("unauthorized_client" | "unsupported_grant_type"), _) => Line::fault(
            "oauth_client_id",
            "The API application does not allow sign-in by a service.",
            "In Halo set its authentication method to “Client ID and Secret (Services)”.",
        ),
        (Some("invalid_client"), _) | (_, Some(401)) => credentials(typed),
        (_, Some(500..=599)) => Line::fault(
            "tenant",
            format!(
                "Halo's sign-in failed on Halo's side, as it does for a tenant that does not exist{}.",
                named(typed)
            ),
            match told.tenant_id.as_deref().filter(|tenant| !tenant.eq_ignore_ascii_case(typed.tenant.trim())) {
                Some(tenant) => format!("Halo itself says that the tenant is “{}”.", clean(tenant)),
                None => format!("Compare it with {page} in Halo. If it is right, try again in a minute."),
            },
        ),
        (_, Some(404)) => {
            Line::fault(server, "There is no sign-in at the Authorisation Server's address (HTTP 404).", copied)
        }
        (_, Some(300..=399)) => Line::fault(
            server,
            "The Authorisation Server sends us on to another address, and we never follow with secrets.",
            copied,
        ),
        _ if web_page => {
            Line::fault(server, "The Authorisation Server answers with a web page (HTML) instead of a token.", copied)
        }
        _ if failure.kind == FailureKind::Unreadable => {
            Line::fault(server, "The Authorisation Server answers with something that is no token.", copied)
        }
        _ => credentials(typed),
    }
}

/// Halo does not say which of the two it refuses: their forms may tell (halo-api sheet 1.2).
fn credentials(typed: &Typed) -> Line {
    let id = typed.oauth_client_id.trim();
    let secret = typed.client_secret.expose_secret().trim();
    let guid = |text: &str| uuid::Uuid::parse_str(text).is_ok();
    if !guid(id) {
        return Line::fault(
            "oauth_client_id",
            "Halo refuses client id or secret, and this is not the form of Halo's client ids.",
            "Copy the Client ID of the API application: 32 digits and letters in five groups.",
        );
    }
    if guid(secret) || secret.eq_ignore_ascii_case(id) {
        return Line::fault(
            "client_secret",
            "Halo refuses client id or secret, and this is not the form of Halo's secrets: it is one id, and they are two \
             joined by a hyphen.",
            "Make a new secret on the API application in Halo and paste the whole of it.",
        );
    }
    Line::fault(
        "client_secret",
        "Halo refuses client id or secret.",
        "Make a new secret on the API application in Halo, paste it here, and compare the Client ID.",
    )
}

fn named(typed: &Typed) -> String {
    match typed.tenant.trim() {
        "" => " (none was entered)".to_owned(),
        tenant => format!(" (“{tenant}”)"),
    }
}

fn wait(field: &'static str) -> Line {
    Line::fault(field, "Halo asks to wait: too many requests.", "Test again in five minutes.")
}

fn unreachable(field: &'static str, what: &str, failure: &Failure) -> Line {
    if failure.kind == FailureKind::Rejected {
        return Line::fault(field, failure.message.clone(), "Enter the public https address.");
    }
    Line::fault(
        field,
        format!("The {what} cannot be reached."),
        "Check the host name letter by letter, and that this server may go out to it (firewall, proxy, DNS).",
    )
}

/// Text of the other side, safe to show in a sentence.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
