//! A Halo instance: its addresses and API application, tried before they are kept.

use secrecy::SecretString;

use super::{
    Typed, allowed, draft,
    entry::{self, Entry, Named},
    halo_test, installed, rename,
};
use crate::{
    config::halo::Halo as HaloEntry,
    domain::{
        connection::{HaloConnection, HaloProduct},
        ids::ConnectionId,
        view::{
            form::FormView,
            probe::{Level, Line},
            set_up::{HaloStep, Other, StepState},
        },
    },
    halo_itsm::{AuthInfo, Halo},
    outbound::budget::Class,
    service::{
        App,
        caller::Caller,
        configuration::{self, Installed, moved},
        error::{FieldProblem, ServiceError},
        fault,
        halo_probe::{
            self,
            blame::{self, Step},
        },
        outside,
        sign_in::CLIENT_SECRET,
    },
    store::SecretOwner,
};

/// The form's fields by name, with their labels; the secret among them.
pub const FIELDS: [Named; 8] = [
    ("name", "Name"),
    ("product", "Product"),
    ("resource_server", "Resource server"),
    ("authorisation_server", "Authorisation server"),
    ("tenant", "Tenant"),
    ("oauth_client_id", "Client ID"),
    ("client_secret", "Client secret"),
    ("allow_insecure", "Test hosts"),
];

/// What comes back with a refused form: everything but the secret.
const SHOWN: [&str; 9] = [
    "connection",
    "seen",
    "name",
    "product",
    "resource_server",
    "authorisation_server",
    "tenant",
    "oauth_client_id",
    "allow_insecure",
];

/// How far the step is.
pub async fn state(app: &App) -> Result<(StepState, String), ServiceError> {
    let installation = app.installation().await?;
    Ok(match installation.halo.as_slice() {
        [] => (StepState::Open, "Addresses and API application.".to_owned()),
        [one] => (StepState::Done, format!("{}, {}.", one.name, one.resource_server)),
        many => (StepState::Done, format!("{} instances.", many.len())),
    })
}

fn chosen<'a>(installed: &'a Installed, connection: &str) -> Result<Option<&'a HaloEntry>, ServiceError> {
    match connection {
        "" => Ok(installed.applied.halo.first()),
        "new" => Ok(None),
        id => {
            let row = installed.installation.halo.iter().find(|row| row.id.to_string() == id);
            let row = row.ok_or(ServiceError::NotFound)?;
            Ok(installed.applied.halo.iter().find(|entry| entry.name() == row.name))
        }
    }
}

fn id_of(installed: &Installed, name: &str) -> Option<ConnectionId> {
    installed.installation.halo.iter().find(|row| row.name == name).map(|row| row.id)
}

/// The page. `connection` names the one to change, `new` makes another; without it the first there is.
///
/// # Errors
/// `Forbidden`, `NotFound` when there is no such instance.
pub async fn view(app: &App, caller: &Caller, connection: &str) -> Result<HaloStep, ServiceError> {
    allowed(caller)?;
    let installed = installed(app).await?;
    let chosen = chosen(&installed, connection)?;
    let mut form = FormView::default();
    if let Some(entry) = chosen {
        let c = &entry.connection;
        form = form
            .with_value("name", &c.name)
            .with_value("product", product_word(c.product))
            .with_value("resource_server", &c.resource_server)
            .with_value("authorisation_server", &c.authorisation_server)
            .with_value("tenant", &c.tenant)
            .with_value("oauth_client_id", &c.oauth_client_id);
        if c.allow_insecure {
            form = form.with_value("allow_insecure", "on");
        }
    }
    complete_view(app, around(&installed, chosen, form)).await
}

/// Adds the test of the chosen instance.
async fn complete_view(app: &App, mut page: HaloStep) -> Result<HaloStep, ServiceError> {
    if let Some(chosen) = &page.chosen {
        page.test = Some(halo_test::around(app, chosen.id).await?);
    }
    Ok(page)
}

/// The page with what was typed, after it was refused.
///
/// # Errors
/// As [`view`].
pub async fn again(app: &App, caller: &Caller, typed: &Typed) -> Result<HaloStep, ServiceError> {
    allowed(caller)?;
    let installed = installed(app).await?;
    let connection = typed.text("connection");
    let chosen = chosen(&installed, if connection.is_empty() { "new" } else { connection }).unwrap_or(None);
    complete_view(app, around(&installed, chosen, typed.shown(&SHOWN))).await
}

fn around(installed: &Installed, chosen: Option<&HaloEntry>, form: FormView) -> HaloStep {
    let id = chosen.and_then(|entry| id_of(installed, entry.name()));
    let form = form
        .with_value("seen", &draft::mark(&chosen))
        .with_value("connection", &id.map_or_else(String::new, |id| id.to_string()));
    let rows = &installed.installation.halo;
    HaloStep {
        form,
        chosen: chosen.and_then(|entry| Some(Other { id: id?, name: entry.name().to_owned() })),
        others: rows
            .iter()
            .filter(|row| Some(row.id) != id)
            .map(|row| Other { id: row.id, name: row.name.clone() })
            .collect(),
        product: chosen.map_or(HaloProduct::Itsm, |entry| entry.connection.product),
        secret_kept: chosen.is_some_and(|entry| entry.client_secret.is_some()),
        test: None,
    }
}

fn product_word(product: HaloProduct) -> &'static str {
    match product {
        HaloProduct::Itsm => "itsm",
        HaloProduct::Psa => "psa",
    }
}

/// Tries the answers at Halo and keeps them. Gives the connection.
///
/// # Errors
/// `Invalid` at the field that is wrong; `Conflict` when somebody else saved in between; `Forbidden`.
pub async fn take(app: &App, caller: &Caller, typed: &Typed) -> Result<ConnectionId, ServiceError> {
    allowed(caller)?;
    let installed = installed(app).await?;
    let connection = typed.text("connection");
    let before = chosen(&installed, if connection.is_empty() { "new" } else { connection })
        .map_err(|_| ServiceError::Conflict)?
        .cloned();
    draft::unmoved(typed.text("seen"), &before.as_ref())?;
    complete(typed, before.as_ref())?;
    let id = before.as_ref().and_then(|entry| id_of(&installed, entry.name()));
    there_already(&installed, typed, id)?;
    let name = match &before {
        Some(entry) => entry.name().to_owned(),
        None => entry::free_name(&installed, typed, "Halo")?,
    };
    let renamed = match &before {
        Some(entry) => rename::wanted(&installed, typed, entry.name())?,
        None => None,
    };
    let stored = match &before {
        Some(_) => {
            let exported = configuration::export(&app.store).await;
            let exported = exported.map_err(|e| ServiceError::internal("read a connection", &e))?;
            exported.halo.into_iter().find(|entry| entry.name() == name)
        }
        None => None,
    };
    let mut made = Entry::new("halo", stored.map(|entry| entry.lines()));
    made.text("name", &name);
    for field in ["resource_server", "tenant", "oauth_client_id"] {
        made.text(field, typed.text(field));
    }
    let (authorisation, product) = (typed.text("authorisation_server"), typed.text("product"));
    // until the instance has told them
    made.text(
        "authorisation_server",
        if authorisation.is_empty() { "https://halo.invalid/auth" } else { authorisation },
    );
    made.text("product", if product.is_empty() { product_of(typed.text("resource_server")) } else { product });
    made.flag("allow_insecure", typed.ticked("allow_insecure"));
    let secret = match typed.secret("client_secret") {
        Some(value) => {
            made.secret(app, &name, "client_secret", &value)?;
            value
        }
        None => kept(app, id).await?,
    };
    let applied = made.read(app, &FIELDS).await?;
    let mut connection = applied.halo.first().ok_or(ServiceError::Internal)?.connection.clone();
    if authorisation.is_empty() {
        let told = adapter(app, &connection, &secret)?.authinfo(Class::Interactive).await;
        let told = match told {
            Ok(told) => told,
            Err(failure) => {
                let instance = halo_probe::Typed::of(&connection, secret);
                let line = blame::line(Step::Resource, &instance, &AuthInfo::default(), &failure);
                return problems(vec![line]).map(|()| connection.id);
            }
        };
        let Some(address) = told.auth_url else {
            let text = "Authorisation server is missing, and Halo does not tell it. Copy it from Configuration > \
                        Integrations > Halo API.";
            return Err(ServiceError::invalid("authorisation_server", text));
        };
        made.text("authorisation_server", address.trim_end_matches('/'));
        if typed.text("tenant").is_empty() {
            made.text("tenant", &told.tenant_id.unwrap_or_default());
        }
    }
    let applied = made.read(app, &FIELDS).await?;
    connection = applied.halo.first().ok_or(ServiceError::Internal)?.connection.clone();
    problems(halo_probe::tried(app, &connection, &secret).await)?;
    if let (Some(entry), Some(id)) = (&before, id) {
        same_clients(app, &installed, (id, &entry.connection), &connection, &secret).await?;
    }
    entry::apply(app, caller, &applied).await?;
    let installation = app.installation().await?;
    let kept = installation.halo.iter().find(|row| row.name == name).map(|row| row.id);
    let kept = kept.ok_or(ServiceError::Conflict)?;
    if let Some(renamed) = renamed {
        rename::rename(app, caller, kept, &renamed).await?;
    }
    Ok(kept)
}

/// Behind another address the clients that are bound must be the same customers.
async fn same_clients(
    app: &App,
    installed: &Installed,
    (id, before): (ConnectionId, &HaloConnection),
    now: &HaloConnection,
    secret: &SecretString,
) -> Result<(), ServiceError> {
    let installation = &installed.installation;
    if !moved::moved(before, now) || moved::bound(installation, id).is_empty() {
        return Ok(());
    }
    let there = adapter(app, now, secret)?.clients("", Class::Interactive).await;
    let there = there.map_err(|failure| entry::failed("resource_server", "Resource server", &failure))?;
    let told = moved::at_odds(&app.store, installation, id, &there).await;
    let Some(told) = told.map_err(|e| fault("read Halo's look-ups", &e))? else { return Ok(()) };
    let text = format!("Resource server: {told} Else add it as another instance.");
    Err(ServiceError::invalid("resource_server", text))
}

/// The same instance twice would be polled twice, and each client would be there twice: mostly somebody went back, and sent
/// the form of a new one again.
fn there_already(installed: &Installed, typed: &Typed, own: Option<ConnectionId>) -> Result<(), ServiceError> {
    let address = |text: &str| text.trim_end_matches('/').to_ascii_lowercase();
    let same = |row: &HaloConnection| {
        address(&row.resource_server) == address(typed.text("resource_server"))
            && row.oauth_client_id.eq_ignore_ascii_case(typed.text("oauth_client_id"))
    };
    let rows = &installed.installation.halo;
    // one that is so already may be changed
    if rows.iter().any(|row| Some(row.id) == own && same(row)) {
        return Ok(());
    }
    let Some(there) = rows.iter().find(|row| same(row)) else { return Ok(()) };
    let text = format!(
        "Resource server: “{0}” is this instance with this API application already. Choose “Change “{0}”” above, or go on to \
         the next step.",
        there.name
    );
    Err(ServiceError::invalid("resource_server", text))
}

fn complete(typed: &Typed, before: Option<&HaloEntry>) -> Result<(), ServiceError> {
    let mut problems = Vec::new();
    let mut need = |field: &'static str, label: &str, place: &str| {
        if typed.text(field).is_empty() {
            problems.push(entry::empty(field, label, place));
        }
    };
    need("resource_server", "Resource server", "Copy it from Halo: Configuration > Integrations > Halo API.");
    need("oauth_client_id", "Client ID", "Copy it from the API application in Halo.");
    if before.is_none_or(|entry| entry.client_secret.is_none()) {
        need("client_secret", "Client secret", "Copy it from the API application in Halo; it is shown once.");
    }
    if problems.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(problems)) }
}

/// HaloPSA and HaloITSM are told apart by the hosted address; on a host of one's own it is chosen.
fn product_of(address: &str) -> &'static str {
    if address.to_ascii_lowercase().contains(".halopsa.") { "psa" } else { "itsm" }
}

async fn kept(app: &App, id: Option<ConnectionId>) -> Result<SecretString, ServiceError> {
    let missing = || ServiceError::invalid("client_secret", "Client secret is missing. Enter it.");
    let id = id.ok_or_else(missing)?;
    match app.store.secret(SecretOwner::Connection(id), CLIENT_SECRET).await {
        Ok(secret) => secret.ok_or_else(missing),
        Err(error) if error.transient() => Err(fault("read a connection's secret", &error)),
        Err(error) => Err(ServiceError::invalid("client_secret", format!("Client secret: {error}"))),
    }
}

/// The adapter for answers that are not kept yet.
///
/// # Errors
/// `Invalid` when there is no way out.
pub fn adapter(app: &App, connection: &HaloConnection, secret: &SecretString) -> Result<Halo, ServiceError> {
    outside::halo(app, connection.clone(), secret.clone())
        .map_err(|failure| entry::failed("resource_server", "Resource server", &failure))
}

/// What a test found wrong, each at its field.
fn problems(lines: Vec<Line>) -> Result<(), ServiceError> {
    let of = |line: Line| {
        let field = FIELDS.iter().find(|(name, _)| *name == line.field).map_or("", |(name, _)| *name);
        FieldProblem::new(field, format!("{} {}", line.says, line.fix))
    };
    let found: Vec<FieldProblem> = lines.into_iter().filter(|line| line.level == Level::Fault).map(of).collect();
    if found.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(found)) }
}
