//! Versions of the configuration: who changed what when, and going back to one.

use super::{
    App,
    caller::Caller,
    configuration::{
        self, ConfigurationError,
        versions::{self, WayBack},
    },
    error::ServiceError,
    fault, file, ledger,
    set_up::{allowed, draft, entry},
};
use crate::domain::{
    ids::UserId,
    view::{
        form::FormView,
        set_up::DraftSaved,
        versions::{ChosenVersion, FileView, VersionRow, VersionsView},
    },
};

fn failed(error: &ConfigurationError) -> ServiceError {
    match error {
        ConfigurationError::Store(error) => fault("read versions of the configuration", error),
        other => ServiceError::internal("read versions of the configuration", other),
    }
}

/// The page; `chosen` is the number of the version to be compared with now, or empty.
///
/// # Errors
/// `Forbidden`, `NotFound`; the store cannot be read.
pub async fn view(app: &App, caller: &Caller, chosen: &str) -> Result<VersionsView, ServiceError> {
    allowed(caller)?;
    // what was changed by an older program, or while this one ended
    versions::keep(&app.store, None, Vec::new(), app.clock.now()).await.map_err(|e| failed(&e))?;
    let people = ledger::people(app).await?;
    let all = versions::all(&app.store).await.map_err(|e| failed(&e))?;
    let newest = all.first().map(|version| version.number);
    let mut page =
        VersionsView { rows: Vec::new(), chosen: None, form: FormView::default(), file: FileView::default() };
    if !chosen.is_empty() {
        let found = all.iter().find(|version| version.number.to_string() == chosen).ok_or(ServiceError::NotFound)?;
        let way = versions::way_back(&app.store, found).await.map_err(|e| failed(&e))?;
        page.form = page.form.with_value("version", chosen).with_value("seen", &mark(&way));
        page.chosen = Some(ChosenVersion {
            number: found.number,
            at: found.at,
            changes: way.changes.iter().map(ToString::to_string).collect(),
            obstacles: way.obstacles,
            file: found.file.clone(),
        });
    }
    let name = |user: UserId| people.get(&user).cloned().unwrap_or_else(|| "somebody".to_owned());
    page.rows = all
        .into_iter()
        .map(|version| VersionRow {
            number: version.number,
            at: version.at,
            who: version.user.map(name),
            draft: version.draft.map(|draft| DraftSaved { by: name(draft.user), at: draft.at }),
            changes: version.changes,
            now: Some(version.number) == newest,
        })
        .collect();
    Ok(page)
}

/// What is decided on: the changes that were shown.
fn mark(way: &WayBack) -> String {
    draft::mark(&(&way.changes, &way.obstacles))
}

/// Goes back to a version: sets everything up as it was then, secrets apart.
///
/// # Errors
/// `Invalid` when something is in the way; `Conflict` when it would change something else than was shown; `Forbidden`,
/// `NotFound`; the store cannot be written.
pub async fn go_back(app: &App, caller: &Caller, number: &str, seen: &str) -> Result<(), ServiceError> {
    allowed(caller)?;
    let number: i64 = number.parse().map_err(|_| ServiceError::NotFound)?;
    let version = versions::one(&app.store, number).await.map_err(|e| failed(&e))?.ok_or(ServiceError::NotFound)?;
    let way = versions::way_back(&app.store, &version).await.map_err(|e| failed(&e))?;
    if mark(&way) != seen {
        return Err(ServiceError::Conflict);
    }
    let Some(wanted) = way.wanted.filter(|_| way.obstacles.is_empty()) else {
        return Err(ServiceError::invalid("", format!("{} Nothing was changed.", way.obstacles.join(" "))));
    };
    file::same_instances(app, &*app.installation().await?, &wanted, "").await?;
    let now = app.clock.now();
    let applied = configuration::apply_as(&app.store, &wanted, true, Some(caller.user), now, &*app.ids).await;
    applied.map(drop).map_err(entry::apply_failed)
}
