//! The test of a Halo instance: what was typed, where it leads, who we are there, what we may do.
//!
//! Reads only; [`write_test`] writes one ticket, when it is asked for, and takes it away again. What is wrong names the
//! entry, the cause and the fix ([`blame`] is the table of that).

pub mod blame;
mod choice;
mod write_test;

use secrecy::{ExposeSecret, SecretString};
use toml::Value;

pub use choice::Chosen;
pub use write_test::write_test;

use self::blame::Step;
use super::{App, caller::Caller, error::ServiceError, outside};
use crate::{
    config::{self, Known, fault::Severity, secret::Secrets},
    domain::{
        account::Role,
        connection::{HaloConnection, HaloProduct},
        failure::{Failure, FailureKind},
        view::probe::{HaloProbe, Line},
    },
    halo_itsm::{
        AuthInfo, Halo,
        probe::{PARTS, covers},
    },
    outbound::budget::Class,
};

/// What was typed about an instance.
#[derive(Debug, Clone)]
pub struct Typed {
    /// HaloITSM or HaloPSA.
    pub product: HaloProduct,
    /// Resource Server.
    pub resource_server: String,
    /// Authorisation Server.
    pub authorisation_server: String,
    /// Tenant; may be empty.
    pub tenant: String,
    /// Client ID of the API application.
    pub oauth_client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// Scopes to ask for.
    pub scope: String,
    /// Whether http and private hosts are allowed (test hosts).
    pub allow_insecure: bool,
}

impl Typed {
    /// Of an instance that is set up.
    pub fn of(connection: &HaloConnection, client_secret: SecretString) -> Self {
        Self {
            product: connection.product,
            resource_server: connection.resource_server.clone(),
            authorisation_server: connection.authorisation_server.clone(),
            tenant: connection.tenant.clone(),
            oauth_client_id: connection.oauth_client_id.clone(),
            client_secret,
            scope: connection.scope.clone(),
            allow_insecure: connection.allow_insecure,
        }
    }

    /// The connection that this would be, checked by the same reader as an applied file.
    ///
    /// # Errors
    /// Each entry that cannot be taken.
    pub fn connection(&self) -> Result<(HaloConnection, Vec<Line>), Vec<Line>> {
        let quoted = |text: &str| Value::String(text.trim().to_owned()).to_string();
        let scope = if self.scope.trim().is_empty() { config::halo::SCOPE } else { self.scope.trim() };
        let product = if self.product == HaloProduct::Psa { "psa" } else { "itsm" };
        let file = format!(
            "[[halo]]\nname = \"test\"\nproduct = \"{product}\"\nresource_server = {}\nauthorisation_server = {}\ntenant = {}\n\
             oauth_client_id = {}\nclient_secret = {{ env = \"TYPED\" }}\nscope = {}\nallow_insecure = {}\n",
            quoted(&self.resource_server),
            quoted(&self.authorisation_server),
            quoted(&self.tenant),
            quoted(&self.oauth_client_id),
            quoted(scope),
            self.allow_insecure,
        );
        let secrets = Secrets { folder: std::path::PathBuf::new(), places: None };
        let mut reading = config::read(&file, &Known::default(), &secrets);
        let mut lines: Vec<Line> = Vec::new();
        for fault in reading.faults.drain(..).filter(|fault| fault.field.starts_with("halo.")) {
            let Some(field) = blame::entry(&fault.field) else { continue };
            let says = format!("{} {}.", blame::label(field), fault.problem);
            lines.push(match fault.severity {
                Severity::Error => Line::fault(field, says, blame::in_form(field, &fault.remedy)),
                Severity::Warning => Line::note(field, says, blame::in_form(field, &fault.remedy)),
            });
        }
        if self.client_secret.expose_secret().trim().is_empty() {
            lines.push(Line::fault(
                "client_secret",
                "Client Secret is missing.",
                "Copy it from the API application in Halo; Halo shows it only when it is made.",
            ));
        }
        let found = reading.applied.and_then(|mut applied| applied.halo.pop());
        match found {
            Some(found) if !lines.iter().any(|line| line.level == crate::domain::view::probe::Level::Fault) => {
                Ok((found.connection, lines))
            }
            _ => Err(lines),
        }
    }
}

/// Tests an instance. Nothing is written.
///
/// # Errors
/// `Forbidden` for who is not an admin of everything.
pub async fn probe(
    app: &App,
    caller: &Caller,
    typed: &Typed,
    chosen: Option<&Chosen>,
) -> Result<HaloProbe, ServiceError> {
    caller.need(Role::Admin)?;
    caller.need_everything()?;
    let mut found = HaloProbe::default();
    let Some(halo) = reach(app, typed, &mut found).await else { return Ok(found) };
    if !rights(&halo, &mut found).await {
        return Ok(found);
    }
    offers(&halo, &mut found).await;
    if let (Some(chosen), Some(catalogue)) = (chosen, &found.catalogue) {
        let lines = choice::check(&halo, catalogue, &found.slas, chosen).await;
        found.lines.extend(lines);
    }
    Ok(found)
}

/// Tries a connection that is not kept yet: the way there, the agent, the scopes. Gives what was found.
pub(super) async fn tried(app: &App, connection: &HaloConnection, secret: &SecretString) -> Vec<Line> {
    let mut found = HaloProbe::default();
    if let Some(halo) = reach(app, &Typed::of(connection, secret.clone()), &mut found).await {
        rights(&halo, &mut found).await;
    }
    found.lines
}

/// Entries, addresses, sign-in: the way to an instance, if all of it is well.
async fn reach(app: &App, typed: &Typed, found: &mut HaloProbe) -> Option<Halo> {
    let connection = match typed.connection() {
        Ok((connection, notes)) => {
            found.lines.extend(notes);
            connection
        }
        Err(lines) => {
            found.lines.extend(lines);
            return None;
        }
    };
    let halo = match outside::halo(app, connection, typed.client_secret.clone()) {
        Ok(halo) => halo,
        Err(failure) => {
            found.lines.push(Line::fault("resource_server", failure.message, "Try it again."));
            return None;
        }
    };
    let told = match halo.authinfo(Class::Interactive).await {
        Ok(told) => {
            found.lines.push(Line::ok("resource_server", "The Resource Server answers as Halo's API does."));
            told
        }
        // Not every instance answers it without a token, or at all: the sign-in will tell.
        Err(failure) if untold(&failure) => AuthInfo::default(),
        Err(failure) => {
            found.lines.push(blame::line(Step::Resource, typed, &AuthInfo::default(), &failure));
            return None;
        }
    };
    let another = another_tenant(typed, &told);
    match halo.sign_in(Class::Interactive).await {
        Ok(granted) => {
            // It was let in all the same: what it tells is not what it goes by.
            found.lines.extend(another.map(|(says, _)| Line::note("tenant", says, "Nothing needs to be done.")));
            found.lines.push(Line::ok("client_secret", "Halo takes client id and secret."));
            scopes(&granted, found);
            Some(halo)
        }
        Err(failure) => {
            let line = blame::line(Step::SignIn, typed, &told, &failure);
            let own = another.is_none() || line.field != "tenant";
            found.lines.extend(another.map(|(says, fix)| Line::fault("tenant", says, fix)));
            found.lines.extend(Some(line).filter(|_| own));
            None
        }
    }
}

/// Whether a refused discovery call says nothing of the address: it is not answered without a token, or not served.
fn untold(failure: &Failure) -> bool {
    let unserved = failure.kind == FailureKind::Rejected && matches!(failure.status, Some(400 | 405));
    unserved || matches!(failure.kind, FailureKind::SignInAgain | FailureKind::Forbidden | FailureKind::Gone)
}

/// What is to be said where Halo tells another tenant than was typed, and what to do about it.
fn another_tenant(typed: &Typed, told: &AuthInfo) -> Option<(String, String)> {
    let own = typed.tenant.trim();
    let tenant = told.tenant_id.as_deref().filter(|tenant| !tenant.trim().eq_ignore_ascii_case(own))?;
    (!own.is_empty()).then(|| {
        (
            format!("Halo says that the tenant at this Resource Server is “{tenant}”, not “{own}”."),
            format!("Enter “{tenant}”, or the Resource Server of the tenant that you mean."),
        )
    })
}

/// Scopes that are missing by their names.
fn scopes(granted: &[String], found: &mut HaloProbe) {
    let missing: Vec<&str> = ["read:tickets", "edit:tickets", "read:customers"]
        .into_iter()
        .filter(|scope| !covers(granted, scope))
        .collect();
    if !missing.is_empty() {
        found.lines.push(Line::fault(
            "scope",
            format!("The scopes lack {}.", missing.join(", ")),
            "Enter “all”, or “read:tickets edit:tickets read:customers”, and allow them on the API application in Halo.",
        ));
    }
}

/// Who we are, and what is open to us. Whether there is an API at the address at all.
async fn rights(halo: &Halo, found: &mut HaloProbe) -> bool {
    let class = Class::Interactive;
    let me = halo.me(class).await;
    if let Err(failure) = me.as_ref()
        && absent(failure)
        && halo.open("Tickets", class).await.is_err_and(|failure| absent(&failure))
    {
        found.lines.push(blame::resource(failure));
        return false;
    }
    match me {
        Ok(agent) => {
            found.lines.push(Line::ok("oauth_client_id", format!("Everything is done as the agent {}.", agent.name)));
            found.agent = Some(agent.name);
        }
        Err(failure) if matches!(failure.kind, FailureKind::Gone | FailureKind::Forbidden) => {
            found.lines.push(Line::fault(
                "oauth_client_id",
                "The API application is not bound to an agent.",
                "In Halo set its Login Type to Agent and choose an agent that may read and edit tickets of all clients.",
            ));
        }
        Err(failure) => found.lines.push(of_right("oauth_client_id", "who we are", &failure)),
    }
    let named = found.lines.iter().any(|line| line.field == "scope");
    for (part, scope) in PARTS {
        match halo.open(part, class).await {
            Ok(()) => {}
            Err(failure) if failure.kind == FailureKind::Forbidden && part == "Webhook" => {
                found.lines.push(Line::note(
                    "scope",
                    "Webhooks cannot be made with these scopes; changes in Halo are then heard of by polling alone.",
                    format!("Add the scope {scope} if you want them to be made here."),
                ));
            }
            Err(failure) if failure.kind == FailureKind::Forbidden && !named => {
                found.lines.push(Line::fault(
                    "scope",
                    format!("Halo refuses to show {}.", words_of(part)),
                    format!(
                        "Allow the scope {scope} on the API application, and the same to the agent that it is bound to; a \
                         change there works with the next test."
                    ),
                ));
            }
            Err(failure) if matches!(failure.kind, FailureKind::Forbidden | FailureKind::Gone) => {}
            Err(failure) => found.lines.push(of_right("resource_server", words_of(part), &failure)),
        }
    }
    true
}

/// Whether there is nothing at an address.
fn absent(failure: &Failure) -> bool {
    matches!(failure.status, Some(404 | 410))
}

/// What there is in the instance.
async fn offers(halo: &Halo, found: &mut HaloProbe) {
    let class = Class::Interactive;
    match halo.catalogue(class).await {
        Ok(catalogue) => {
            found.lines.push(Line::ok(
                "resource_server",
                format!(
                    "Read: {} ticket types, {} statuses, {} priorities, {} outcomes, {} agents, {} clients.",
                    catalogue.ticket_types.len(),
                    catalogue.statuses.len(),
                    catalogue.priorities.len(),
                    catalogue.outcomes.len(),
                    catalogue.agents.len(),
                    catalogue.clients.len()
                ),
            ));
            found.catalogue = Some(catalogue);
        }
        Err(failure) if failure.kind == FailureKind::Forbidden => {
            // Named above where a scope opens it.
            if !found.lines.iter().any(|line| line.field == "scope") {
                found.lines.push(of_right("scope", "its look-ups", &failure));
            }
        }
        Err(failure) => found.lines.push(of_right("resource_server", "its look-ups", &failure)),
    }
    match halo.slas(class).await {
        Ok(slas) => found.slas = slas,
        Err(failure) => tracing::warn!(error = %failure, "SLAs can't be read; they are shown by number"),
    }
}

fn words_of(part: &str) -> &'static str {
    match part {
        "Tickets" => "tickets",
        "Client" => "clients",
        _ => "webhooks",
    }
}

fn of_right(field: &'static str, what: &str, failure: &Failure) -> Line {
    let fix = if failure.retryable() { "Test again in a minute." } else { "Correct it in Halo, then test again." };
    Line::fault(field, format!("Halo did not tell {what}: {}", failure.message), fix)
}

/// Where an administrator finds the three addresses of an instance, as the set-up's page says it.
pub const API_PAGE: &str = "Configuration > Integrations > Halo API";
