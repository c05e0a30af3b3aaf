//! A Microsoft connection: cloud, tenant, app registration and its proof, tried before it is kept.

mod trial;

use jiff::{civil::Date, tz::TimeZone};

use super::{
    Addresses, Typed, allowed, draft,
    entry::{self, Entry, Named},
    installed, rename, sign_in,
};
use crate::{
    config::microsoft::Microsoft,
    domain::{
        connection::{MicrosoftConnection, MicrosoftEndpoints, MicrosoftIdentity},
        failure::{Failure, FailureKind},
        ids::ConnectionId,
        view::{
            form::FormView,
            set_up::{MicrosoftStep, Other, StepState},
        },
    },
    engine::registry::REFRESH_TOKEN,
    outbound::url_policy,
    sentinel::discovery,
    service::{
        self, App,
        caller::Caller,
        configuration::{self, Installed},
        error::{FieldProblem, ServiceError},
        fault,
    },
    store::SecretOwner,
};

/// The form's fields by name, with their labels; secrets among them.
pub const FIELDS: [Named; 14] = [
    ("name", "Name"),
    ("cloud", "Cloud"),
    ("arm", "Azure Resource Manager"),
    ("authority", "Sign-in address"),
    ("log_analytics", "Log Analytics"),
    ("graph", "Microsoft Graph"),
    ("allow_insecure", "Test hosts"),
    ("tenant_id", "Tenant ID"),
    ("oauth_client_id", "Application (client) ID"),
    ("identity", "Identity"),
    ("client_secret", "Client secret"),
    ("certificate", "Certificate"),
    ("private_key", "Private key"),
    ("secret_expires", "End of the secret"),
];

/// What comes back with a refused form: everything but the secrets.
const SHOWN: [&str; 15] = [
    "connection",
    "seen",
    "name",
    "cloud",
    "arm",
    "authority",
    "log_analytics",
    "graph",
    "allow_insecure",
    "tenant_id",
    "oauth_client_id",
    "identity",
    "secret_expires",
    "same_end",
    "elsewhere",
];

/// How far the step is.
pub async fn state(app: &App) -> Result<(StepState, String), ServiceError> {
    let installation = app.installation().await?;
    Ok(match installation.microsoft.as_slice() {
        [] => (StepState::Open, "Cloud, tenant and app registration.".to_owned()),
        all => {
            let now = app.clock.now();
            match (all, all.iter().find_map(|one| Some((one, one.secret_warning(now)?)))) {
                (_, Some((one, warning))) => (StepState::Failing, format!("{}: {warning}", one.name)),
                ([one], None) => (StepState::Done, format!("{}, tenant {}.", one.name, one.tenant_id)),
                (many, None) => (StepState::Done, format!("{} connections.", many.len())),
            }
        }
    })
}

fn others(installed: &Installed) -> Vec<Other> {
    installed.installation.microsoft.iter().map(|row| Other { id: row.id, name: row.name.clone() }).collect()
}

/// The page. `connection` names the one to change, `new` makes another; without it the first there is.
///
/// # Errors
/// `Forbidden`, `NotFound` when there is no such connection.
pub async fn view(
    app: &App,
    caller: &Caller,
    addresses: &Addresses,
    connection: &str,
) -> Result<MicrosoftStep, ServiceError> {
    allowed(caller)?;
    let installed = installed(app).await?;
    let chosen = chosen(&installed, connection)?;
    let mut form = FormView::default().with_value("cloud", "public").with_value("identity", "delegated");
    if let Some(entry) = chosen {
        let c = &entry.connection;
        let cloud = cloud_of(&c.endpoints);
        form = form
            .with_value("name", &c.name)
            .with_value("cloud", cloud)
            .with_value("tenant_id", &c.tenant_id)
            .with_value("oauth_client_id", &c.oauth_client_id)
            .with_value("identity", identity_word(c.identity));
        // a certificate's end is no secret's
        if let Some(day) = c.secret_expires.filter(|_| !c.identity.by_certificate()) {
            form = form.with_value("secret_expires", &day.to_string());
        }
        if cloud == "custom" {
            form = form
                .with_value("arm", &c.endpoints.arm)
                .with_value("authority", &c.endpoints.authority)
                .with_value("log_analytics", &c.endpoints.log_analytics)
                .with_value("graph", &c.endpoints.graph);
        }
        if c.allow_insecure {
            form = form.with_value("allow_insecure", "on");
        }
    }
    around(app, &installed, chosen, addresses, form).await
}

/// The page with what was typed, after it was refused.
///
/// # Errors
/// As [`view`].
pub async fn again(
    app: &App,
    caller: &Caller,
    addresses: &Addresses,
    typed: &Typed,
) -> Result<MicrosoftStep, ServiceError> {
    allowed(caller)?;
    let installed = installed(app).await?;
    let connection = typed.text("connection");
    let chosen = chosen(&installed, if connection.is_empty() { "new" } else { connection }).unwrap_or(None);
    around(app, &installed, chosen, addresses, typed.shown(&SHOWN)).await
}

async fn around(
    app: &App,
    installed: &Installed,
    chosen: Option<&Microsoft>,
    addresses: &Addresses,
    form: FormView,
) -> Result<MicrosoftStep, ServiceError> {
    let id = chosen.and_then(|entry| id_of(installed, entry.name()));
    let form = form
        .with_value("seen", &draft::mark(&chosen))
        .with_value("connection", &id.map_or_else(String::new, |id| id.to_string()));
    let secret_kept = match id {
        Some(id) => {
            let owner = SecretOwner::Connection(id);
            let kept = app.store.secret_sources(owner).await.map_err(|e| fault("read where secrets are", &e))?;
            kept.iter().any(|one| one.name != REFRESH_TOKEN)
        }
        None => false,
    };
    Ok(MicrosoftStep {
        form,
        chosen: chosen.and_then(|entry| Some(Other { id: id?, name: entry.name().to_owned() })),
        others: others(installed).into_iter().filter(|other| Some(other.id) != id).collect(),
        redirect_uri: addresses.redirect_uri.clone(),
        secret_kept,
    })
}

fn id_of(installed: &Installed, name: &str) -> Option<ConnectionId> {
    installed.installation.microsoft.iter().find(|row| row.name == name).map(|row| row.id)
}

fn chosen<'a>(installed: &'a Installed, connection: &str) -> Result<Option<&'a Microsoft>, ServiceError> {
    match connection {
        "" => Ok(installed.applied.microsoft.first()),
        "new" => Ok(None),
        id => {
            let row = installed.installation.microsoft.iter().find(|row| row.id.to_string() == id);
            let row = row.ok_or(ServiceError::NotFound)?;
            Ok(installed.applied.microsoft.iter().find(|entry| entry.name() == row.name))
        }
    }
}

fn cloud_of(endpoints: &MicrosoftEndpoints) -> &'static str {
    let known = |cloud: &&'static str| MicrosoftEndpoints::of_cloud(cloud).as_ref() == Some(endpoints);
    ["public", "usgov", "china"].into_iter().find(known).unwrap_or("custom")
}

fn identity_word(identity: MicrosoftIdentity) -> &'static str {
    match identity {
        MicrosoftIdentity::Delegated => "delegated",
        MicrosoftIdentity::DelegatedCertificate => "delegated-certificate",
        MicrosoftIdentity::ClientSecret => "secret",
        MicrosoftIdentity::Certificate => "certificate",
    }
}

/// A connection that was tried and is kept.
pub struct Kept {
    /// Which.
    pub connection: ConnectionId,
    /// Why the sign-in that a person made for it does not hold any more.
    pub ended: Option<Failure>,
}

/// Tries the answers at Microsoft and keeps them.
///
/// # Errors
/// `Invalid` at the field that is wrong; `Conflict` when somebody else saved in between; `Forbidden`.
pub async fn take(app: &App, caller: &Caller, typed: &Typed) -> Result<Kept, ServiceError> {
    allowed(caller)?;
    let installed = installed(app).await?;
    let connection = typed.text("connection");
    let before = chosen(&installed, if connection.is_empty() { "new" } else { connection })
        .map_err(|_| ServiceError::Conflict)?
        .cloned();
    draft::unmoved(typed.text("seen"), &before.as_ref())?;
    let id = before.as_ref().and_then(|entry| id_of(&installed, entry.name()));
    let typed = &trial::apart(typed);
    complete(typed, before.as_ref())?;
    there_already(&installed, typed, id)?;
    let name = match &before {
        Some(entry) => entry.name().to_owned(),
        None => entry::free_name(&installed, typed, typed.text("tenant_id"))?,
    };
    let renamed = match &before {
        Some(entry) => match rename::wanted(&installed, typed, entry.name())? {
            None => rename::of_tenant(&installed, &entry.connection, typed.text("tenant_id"))?,
            chosen => chosen,
        },
        None => None,
    };
    let stored = match &before {
        Some(_) => {
            let exported = configuration::export(&app.store).await;
            let exported = exported.map_err(|e| ServiceError::internal("read a connection", &e))?;
            exported.microsoft.into_iter().find(|entry| entry.name() == name)
        }
        None => None,
    };
    let mut made = Entry::new("microsoft", stored.map(|entry| entry.lines()));
    made.text("name", &name);
    made.text("tenant_id", typed.text("tenant_id"));
    made.text("oauth_client_id", typed.text("oauth_client_id"));
    let renewed = trial::renewed(app, typed, id).await?;
    trial::readable(app, typed, id).await?;
    let by_secret = before.as_ref().filter(|entry| !entry.connection.identity.by_certificate());
    let before_ends = by_secret.and_then(|entry| entry.connection.secret_expires).map(|day| day.to_string());
    let ends = typed.text("secret_expires");
    match trial::certificate_ends(app, typed)? {
        Some(day) => made.text("secret_expires", &day.to_string()),
        None if trial::by_certificate(typed) => {
            // of the one that lies here it is known; the end of a secret before is not this one's
            let own = if before_ends.as_deref() == Some(ends) { "" } else { ends };
            if renewed || !own.is_empty() {
                made.text("secret_expires", own);
            }
        }
        None => {
            secret_end(app, typed, before_ends.as_deref(), renewed)?;
            made.text("secret_expires", ends);
        }
    }
    cloud(app, typed, before.as_ref(), &mut made).await?;
    proof(app, typed, &name, &mut made)?;
    let applied = made.read(app, &FIELDS).await?;
    let entry = applied.microsoft.first().ok_or(ServiceError::Internal)?;
    let now = &entry.connection;
    let person = match id {
        Some(id) => now.identity.delegated() && sign_in::signed_in(app, id).await?,
        None => false,
    };
    let ended = trial::run(app, typed, now, id).await?.filter(|_| person);
    // of another tenant or app: it cannot come to hold again
    let of_another = before.as_ref().is_some_and(|before| {
        let before = &before.connection;
        !before.tenant_id.eq_ignore_ascii_case(&now.tenant_id)
            || !before.oauth_client_id.eq_ignore_ascii_case(&now.oauth_client_id)
    });
    entry::apply(app, caller, &applied).await?;
    let installation = app.installation().await?;
    let kept = installation.microsoft.iter().find(|row| row.name == name).map(|row| row.id);
    let kept = kept.ok_or(ServiceError::Conflict)?;
    if ended.is_some() && of_another {
        service::sign_in::forget(app, kept).await?;
    }
    if let Some(renamed) = renamed {
        rename::rename(app, caller, kept, &renamed).await?;
    }
    Ok(Kept { connection: kept, ended })
}

/// A second connection to the same tenant by the same app would find every workspace twice: mostly somebody went back, and
/// sent the form of a new one again.
fn there_already(installed: &Installed, typed: &Typed, own: Option<ConnectionId>) -> Result<(), ServiceError> {
    let person = typed.text("identity").starts_with("delegated");
    let same = |row: &MicrosoftConnection| {
        row.tenant_id.eq_ignore_ascii_case(typed.text("tenant_id"))
            && row.oauth_client_id.eq_ignore_ascii_case(typed.text("oauth_client_id"))
            && row.identity.delegated() == person
    };
    let rows = &installed.installation.microsoft;
    // one that is so already may be changed
    if rows.iter().any(|row| Some(row.id) == own && same(row)) {
        return Ok(());
    }
    let Some(there) = rows.iter().find(|row| same(row)) else { return Ok(()) };
    let text = format!(
        "Tenant ID: “{0}” signs in to this tenant with this app already. Choose “Change “{0}”” above, or go on to the next \
         step.",
        there.name
    );
    Err(ServiceError::invalid("tenant_id", text))
}

/// The day on which the secret ends. One that was renewed does not end when the old one did, unless that is said again;
/// one that has ended is of no use, unless it stood there already.
fn secret_end(app: &App, typed: &Typed, before: Option<&str>, renewed: bool) -> Result<(), ServiceError> {
    const FIELD: &str = "secret_expires";
    let ends = typed.text(FIELD);
    let same = before == Some(ends);
    if renewed && same && !ends.is_empty() && !typed.ticked("same_end") {
        let text = format!(
            "End of the secret: {ends} is when the secret before ended. Enter the new one's day, clear it, or tick that both \
             end on it."
        );
        return Err(ServiceError::invalid(FIELD, text));
    }
    let past = ends.parse::<Date>().is_ok_and(|day| day < app.clock.now().to_zoned(TimeZone::UTC).date());
    if past && (renewed || !same) {
        let text = format!("End of the secret: {ends} is past. Enter the day on which the secret that is in use ends.");
        return Err(ServiceError::invalid(FIELD, text));
    }
    Ok(())
}

/// What may not be left empty.
fn complete(typed: &Typed, before: Option<&Microsoft>) -> Result<(), ServiceError> {
    let mut problems = Vec::new();
    let mut need = |field: &'static str, label: &str, place: &str| {
        if typed.text(field).is_empty() {
            problems.push(entry::empty(field, label, place));
        }
    };
    if typed.text("cloud") == "custom" {
        need("arm", "Azure Resource Manager", "Enter its base address, such as https://management.azure.com.");
    }
    need("tenant_id", "Tenant ID", "Copy it from the Entra admin centre: Overview, Tenant ID.");
    let place = "Copy it from the app registration's overview.";
    need("oauth_client_id", "Application (client) ID", place);
    // it stays where only who signs in changes
    let same = before.is_some_and(|entry| entry.connection.identity.by_certificate());
    let secret_before = before.is_some_and(|entry| entry.client_secret.is_some());
    if trial::by_certificate(typed) {
        if !same || !typed.text("certificate").is_empty() || !typed.text("private_key").is_empty() {
            need("certificate", "Certificate", "Paste it as PEM, from BEGIN CERTIFICATE to END CERTIFICATE.");
            need("private_key", "Private key", "Paste it as PEM, from BEGIN PRIVATE KEY to END PRIVATE KEY.");
        }
        if !typed.text("client_secret").is_empty() {
            let text = "Client secret: one was entered, and the app is to prove itself by certificate. Under “Who signs in” choose \
                        one that is not by certificate, or clear the secret.";
            problems.push(FieldProblem::new("client_secret", text));
        }
    } else if ["certificate", "private_key"].iter().any(|field| !typed.text(field).is_empty()) {
        let text = "Who signs in: a certificate was entered, and the app is to prove itself by its secret. Choose one that is by \
                    certificate, or clear certificate and private key.";
        problems.push(FieldProblem::new("identity", text));
    } else if !secret_before {
        let place = "Create one in the app registration under Certificates & secrets, and copy its value.";
        need("client_secret", "Client secret", place);
    }
    if problems.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(problems)) }
}

/// The fields of a custom cloud.
const ADDRESSES: [&str; 4] = ["authority", "arm", "log_analytics", "graph"];

/// A known cloud has its own addresses: one that was typed beside it would be lost without a word. What only stands there
/// from before is not typed.
fn nothing_typed(typed: &Typed, before: Option<&Microsoft>) -> Result<(), ServiceError> {
    let stored = |key: &str| {
        let endpoints = &before?.connection.endpoints;
        Some(match key {
            "authority" => endpoints.authority.as_str(),
            "arm" => endpoints.arm.as_str(),
            "log_analytics" => endpoints.log_analytics.as_str(),
            _ => endpoints.graph.as_str(),
        })
    };
    let own = |key: &&str| !typed.text(key).is_empty() && Some(typed.text(key)) != stored(key);
    let Some(key) = ADDRESSES.into_iter().find(own) else { return Ok(()) };
    let label = FIELDS.iter().find(|(name, _)| *name == key).map_or(key, |(_, label)| label);
    let text = format!(
        "Cloud: an address was typed ({label}), and this cloud has its own. Choose “Custom endpoints” to use it, or clear it \
         there."
    );
    Err(ServiceError::invalid("cloud", text))
}

/// The four addresses: a cloud's, or what the custom one tells of itself, unless typed.
async fn cloud(app: &App, typed: &Typed, before: Option<&Microsoft>, entry: &mut Entry) -> Result<(), ServiceError> {
    let insecure = typed.ticked("allow_insecure");
    if typed.text("cloud") != "custom" {
        nothing_typed(typed, before)?;
        entry.text("cloud", typed.text("cloud"));
        ADDRESSES.into_iter().for_each(|key| entry.without(key));
        entry.flag("allow_insecure", false);
        return Ok(());
    }
    entry.without("cloud");
    entry.flag("allow_insecure", insecure);
    ADDRESSES.into_iter().for_each(|key| entry.text(key, typed.text(key)));
    let all_typed = ADDRESSES.into_iter().all(|key| !typed.text(key).is_empty());
    let arm = typed.text("arm").trim_end_matches('/');
    let stands = before.is_some_and(|before| before.connection.endpoints.arm.trim_end_matches('/') == arm);
    if all_typed && stands {
        return Ok(());
    }
    // what is no address is refused with the others, at its field
    if url_policy::check("", arm, insecure).is_err() {
        return Ok(());
    }
    let failed = |failure: &Failure| {
        let text = format!(
            "Azure Resource Manager: {} It should tell the cloud's other addresses; enter them below if it does not.",
            failure.message
        );
        ServiceError::invalid("arm", text)
    };
    let transport = (app.network)(insecure).map_err(|failure| failed(&failure))?;
    let found = match discovery::cloud(transport, arm).await {
        Ok(found) => found,
        // It is there and does not tell of its cloud: all of it is typed.
        Err(failure) if all_typed && failure.kind == FailureKind::Rejected && failure.status.is_some() => return Ok(()),
        Err(failure) => return Err(failed(&failure)),
    };
    for (key, address) in
        [("authority", found.authority), ("log_analytics", found.log_analytics), ("graph", found.graph)]
    {
        if typed.text(key).is_empty() {
            entry.text(key, &address);
        }
    }
    Ok(())
}

/// Identity, and what proves it; what was left empty stays as it is.
fn proof(app: &App, typed: &Typed, name: &str, entry: &mut Entry) -> Result<(), ServiceError> {
    let person = typed.text("identity").starts_with("delegated");
    entry.text("identity", if person { "delegated" } else { "service-principal" });
    if trial::by_certificate(typed) {
        entry.without("client_secret");
        for field in ["certificate", "private_key"] {
            if let Some(value) = typed.secret(field) {
                entry.secret(app, name, field, &value)?;
            }
        }
        return Ok(());
    }
    entry.without("certificate");
    entry.without("private_key");
    if let Some(value) = typed.secret("client_secret") {
        entry.secret(app, name, "client_secret", &value)?;
    }
    Ok(())
}
