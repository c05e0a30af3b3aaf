//! The configuration as a file in the browser: given out, compared with what is set up, applied. The same as
//! `config export`, `config diff` and `config apply`.

use super::{
    App,
    caller::Caller,
    configuration::{self, ConfigurationError, Installed},
    error::ServiceError,
    fault, outside,
    set_up::{allowed, draft, entry, installed},
};
use crate::{
    config::{Applied, Reading, fault::Severity},
    domain::view::{
        form::FormView,
        versions::{FaultRow, FileView},
    },
    store::Installation,
};

/// What was pasted and asked for.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// The file.
    pub text: &'a str,
    /// Whether what it does not name goes.
    pub prune: bool,
    /// The mark of the comparison that was seen; empty when none was.
    pub seen: &'a str,
}

fn failed(error: ConfigurationError) -> ServiceError {
    match error {
        ConfigurationError::Store(error) => fault("compare a file with what is set up", &error),
        other => ServiceError::internal("compare a file with what is set up", &other),
    }
}

/// What is set up, as a file.
///
/// # Errors
/// `Forbidden`; the store cannot be read.
pub async fn export(app: &App, caller: &Caller) -> Result<String, ServiceError> {
    allowed(caller)?;
    Ok(configuration::export(&app.store).await.map_err(failed)?.to_toml())
}

async fn read(app: &App, installed: &Installed, given: Given<'_>) -> Result<Reading, ServiceError> {
    if given.text.trim().is_empty() {
        return Err(ServiceError::invalid(
            "file",
            "The file is empty. Paste an applied file, or download this one first.",
        ));
    }
    let reading = configuration::read_posted(given.text, &app.store, installed, given.prune);
    Ok(reading)
}

/// What is decided on: this file against this version of what is set up.
fn mark(installed: &Installed, given: Given<'_>) -> String {
    draft::mark(&(installed.installation.version, given.text.trim().replace("\r\n", "\n"), given.prune))
}

/// The file against what is set up. Nothing is changed.
///
/// # Errors
/// `Forbidden`, `Invalid` when there is no file; the store cannot be read.
pub async fn compare(app: &App, caller: &Caller, given: Given<'_>) -> Result<FileView, ServiceError> {
    allowed(caller)?;
    let installed = installed(app).await?;
    let reading = read(app, &installed, given).await?;
    let mut view = shown(given);
    view.faults = reading
        .faults
        .iter()
        .map(|fault| FaultRow {
            line: fault.line,
            column: fault.column,
            error: fault.severity == Severity::Error,
            says: format!("{} {}. {}", fault.field, fault.problem, fault.remedy),
        })
        .collect();
    if let Some(wanted) = reading.applied {
        let changes = configuration::compare(&wanted, &installed, &app.store, given.prune).await.map_err(failed)?;
        view.changes = Some(changes.iter().map(ToString::to_string).collect());
        view.form = view.form.with_value("seen", &mark(&installed, given));
    }
    Ok(view)
}

/// The form with what was typed, and nothing compared.
pub fn shown(given: Given<'_>) -> FileView {
    let form = FormView::default().with_value("file", given.text);
    let form = if given.prune { form.with_value("prune", "on") } else { form };
    FileView { form, faults: Vec::new(), changes: None }
}

/// Whether the Halo instances that lie elsewhere by a file are those that they were; else it is told at `field`.
///
/// # Errors
/// `Invalid` when one is another, or cannot be asked; the store cannot be read.
pub(super) async fn same_instances(
    app: &App,
    installation: &Installation,
    wanted: &Applied,
    field: &'static str,
) -> Result<(), ServiceError> {
    let adapter = |connection, secret| outside::halo(app, connection, secret);
    match configuration::moved::same_instances(&app.store, installation, wanted, adapter).await {
        Ok(()) => Ok(()),
        Err(error @ (ConfigurationError::OtherInstance(..) | ConfigurationError::Unasked(..))) => {
            Err(ServiceError::invalid(field, error.to_string()))
        }
        Err(error) => Err(failed(error)),
    }
}

/// Sets up what the file says. How many entries changed.
///
/// # Errors
/// `Conflict` when the file or what is set up is other than was compared; `Invalid` when the file has faults;
/// `Forbidden`; the store cannot be written.
pub async fn apply(app: &App, caller: &Caller, given: Given<'_>) -> Result<usize, ServiceError> {
    allowed(caller)?;
    let installed = installed(app).await?;
    let reading = read(app, &installed, given).await?;
    let Some(wanted) = reading.applied else {
        let text = "The file has faults. Correct them below; nothing was changed.";
        return Err(ServiceError::invalid("file", text));
    };
    if given.seen != mark(&installed, given) {
        return Err(ServiceError::Conflict);
    }
    same_instances(app, &installed.installation, &wanted, "file").await?;
    let seen = Some(installed.installation.version);
    let (user, now) = (Some(caller.user), app.clock.now());
    let applied = configuration::apply_seen(&app.store, &wanted, given.prune, user, seen, now, &*app.ids).await;
    Ok(applied.map_err(entry::apply_failed)?.len())
}
