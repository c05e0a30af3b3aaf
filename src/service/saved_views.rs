//! Saved views: saved, changed and removed by their owner, shown to them and, where shared, to others. A view holds no
//! rights: its rows are always those that the reader may see.

use serde_json::{Value, json};

use super::{
    App, acts,
    caller::Caller,
    error::{FieldProblem, ServiceError},
    fault, names,
};
use crate::{
    domain::{
        account::{Role, Scope},
        ids::{ClientId, ViewId, WorkspaceId},
        saved::{SavedList, SavedView},
        text,
        view::{
            form::FormView,
            query::QueryText,
            saved::{SavedBar, SavedLink, SavedRow, SavedViewsView},
        },
    },
    store::{Installation, KeptView, StoreError},
};

/// Longest name, in characters.
pub const NAME_MAX: usize = 60;
/// Views that one account keeps.
pub const VIEWS_MAX: i64 = 50;
/// Longest query kept, in bytes.
const QUERY_MAX: usize = 2000;
/// Links above a list; the page has all.
const LINKS_MAX: usize = 10;

/// What is typed of a view.
#[derive(Debug, Clone, Copy)]
pub struct Typed<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether others are to see it.
    pub shared: bool,
}

/// All that the caller sees, their own first, each part by name.
async fn seen(app: &App, caller: &Caller) -> Result<Vec<KeptView>, ServiceError> {
    let mut all = app.store.saved_views(caller.user).await.map_err(|e| fault("read saved views", &e))?;
    let others = all.iter().any(|kept| kept.view.owner != caller.user);
    if others && caller.scope != Scope::All {
        let installation = app.installation().await?;
        all.retain(|kept| kept.view.owner == caller.user || shown(caller, &installation, kept));
    }
    all.sort_by_cached_key(|kept| (kept.view.owner != caller.user, kept.view.name.to_lowercase()));
    Ok(all)
}

/// Whether somebody else's view is shown to a caller who sees some clients alone: all that its owner sees, and all that
/// it names, has to lie within. Nothing of a foreign client is to be read in it.
fn shown(caller: &Caller, installation: &Installation, kept: &KeptView) -> bool {
    let sees = |client: ClientId| caller.scope.allows(Some(client));
    let of_owner = match &kept.scope {
        Scope::All => true,
        Scope::Clients(clients) => clients.iter().all(|client| sees(*client)),
    };
    let within = |entry: &str| match entry.split_once('=') {
        Some(("client", id)) => id.parse::<ClientId>().is_ok_and(sees),
        Some(("workspace" | "source", id)) => {
            let workspace = id.parse::<WorkspaceId>().ok().and_then(|id| names::workspace(installation, id));
            workspace.is_some_and(|workspace| sees(workspace.client))
        }
        _ => true,
    };
    of_owner && kept.view.query.split('&').all(within)
}

/// What stands above a list whose address has this query.
///
/// # Errors
/// The store cannot be read.
pub async fn bar(
    app: &App,
    caller: &Caller,
    list: SavedList,
    query: &[(String, String)],
) -> Result<SavedBar, ServiceError> {
    let query = list.query(query);
    let of_list = seen(app, caller).await?.into_iter().map(|kept| kept.view).filter(|view| view.list == list);
    let link = |view: SavedView| SavedLink { here: view.query == query, address: view.address(), name: view.name };
    let mut links: Vec<SavedLink> = of_list.map(link).collect();
    let kept = links.iter().any(|link| link.here);
    let save = (!query.is_empty() && !kept)
        .then(|| QueryText::new().with("list", list.as_str()).with("query", &query).after("/views"));
    let more = u64::try_from(links.len().saturating_sub(LINKS_MAX)).unwrap_or(u64::MAX);
    links.truncate(LINKS_MAX);
    Ok(SavedBar { links, more, save })
}

/// The page; with `changing`, its form holds that view.
///
/// # Errors
/// `NotFound` when the caller has no such view.
pub async fn view(app: &App, caller: &Caller, changing: Option<ViewId>) -> Result<SavedViewsView, ServiceError> {
    let all = seen(app, caller).await?;
    let form = match changing {
        None => FormView::default(),
        Some(id) => {
            let SavedView { name, shared, .. } = own(caller, &all, id).ok_or(ServiceError::NotFound)?;
            FormView::default().with_value("name", name).with_value("shared", if *shared { "yes" } else { "no" })
        }
    };
    let rows = all.into_iter().map(|kept| row(caller, kept)).collect();
    Ok(SavedViewsView { rows, form, saving: None, changing })
}

fn row(caller: &Caller, kept: KeptView) -> SavedRow {
    let KeptView { view, by, .. } = kept;
    let own = view.owner == caller.user;
    // Whoever sees some clients alone need not know who else has an account.
    let by = if caller.scope == Scope::All { by } else { "another account".to_owned() };
    SavedRow {
        id: view.id,
        list: view.list,
        address: view.address(),
        shared: view.shared,
        by: (!own).then_some(by),
        saved: view.saved,
        may_remove: own || rules(caller),
        name: view.name,
    }
}

/// Whether the caller may remove what others share.
fn rules(caller: &Caller) -> bool {
    caller.role == Role::Admin && caller.scope == Scope::All
}

fn own<'a>(caller: &Caller, all: &'a [KeptView], id: ViewId) -> Option<&'a SavedView> {
    all.iter().map(|kept| &kept.view).find(|view| view.id == id && view.owner == caller.user)
}

/// The name as it is kept.
fn named(name: &str) -> Result<String, FieldProblem> {
    let name = text::line(name);
    if name.is_empty() {
        return Err(FieldProblem::new("name", "Enter a name for the view."));
    }
    if name.chars().count() > NAME_MAX {
        return Err(FieldProblem::new("name", format!("Use at most {NAME_MAX} characters.")));
    }
    Ok(name)
}

fn taken() -> ServiceError {
    ServiceError::invalid(
        "name",
        "You have a view of this name already. Choose another name, or remove that view first.",
    )
}

/// For the ledger, which holds what others see alone: a private view is its owner's.
fn detail(view: &SavedView) -> Value {
    json!({ "view": view.id, "name": view.name, "address": view.address(), "shared": view.shared })
}

/// Saves what of a list's query is worth keeping.
///
/// # Errors
/// `Invalid` with all that is wrong.
pub async fn save(
    app: &App,
    caller: &Caller,
    list: Option<SavedList>,
    query: &[(String, String)],
    typed: Typed<'_>,
) -> Result<SavedView, ServiceError> {
    let kept = list.map(|list| (list, list.query(query))).filter(|(_, query)| !query.is_empty());
    let Some((list, query)) = kept else {
        let problem =
            "There is no filter and no order to save. Choose them in a list, then press “Save this view” above it.";
        return Err(ServiceError::invalid("", problem));
    };
    let mut problems = Vec::new();
    let name = named(typed.name).unwrap_or_else(|problem| {
        problems.push(problem);
        String::new()
    });
    if query.len() > QUERY_MAX {
        problems.push(FieldProblem::new("", "The filter is too long to be saved. Search for a shorter text."));
    }
    if !problems.is_empty() {
        return Err(ServiceError::Invalid(problems));
    }
    let now = app.clock.now();
    let id = ViewId(app.ids.uuid_v7(now));
    let view = SavedView { id, owner: caller.user, list, name, query, shared: typed.shared, saved: now };
    let mut tx = app.store.begin().await.map_err(|e| fault("save a view", &e))?;
    if tx.saved_views_of(caller.user).await.map_err(|e| fault("save a view", &e))? >= VIEWS_MAX {
        let problem = format!("You have {VIEWS_MAX} views already. Remove one that you no longer use first.");
        return Err(ServiceError::invalid("", problem));
    }
    match tx.create_saved_view(&view).await {
        Err(StoreError::Taken { .. }) => return Err(taken()),
        made => made.map_err(|e| fault("save a view", &e))?,
    }
    if view.shared {
        let act = acts::act(caller, "view-save", None, detail(&view));
        tx.record(now, None, act).await.map_err(|e| fault("save a view", &e))?;
    }
    tx.commit().await.map_err(|e| fault("save a view", &e))?;
    Ok(view)
}

/// Gives one of the caller's own views another name, shares it or no longer.
///
/// # Errors
/// `Invalid` with what is wrong, `NotFound` when the caller has no such view.
pub async fn change(app: &App, caller: &Caller, id: ViewId, typed: Typed<'_>) -> Result<(), ServiceError> {
    let all = seen(app, caller).await?;
    let was = own(caller, &all, id).ok_or(ServiceError::NotFound)?;
    let name = named(typed.name).map_err(|problem| ServiceError::Invalid(vec![problem]))?;
    let view = SavedView { name, shared: typed.shared, ..was.clone() };
    let now = app.clock.now();
    let mut tx = app.store.begin().await.map_err(|e| fault("change a view", &e))?;
    match tx.change_saved_view(id, &view.name, view.shared).await {
        Err(StoreError::Taken { .. }) => return Err(taken()),
        Err(StoreError::Missing { .. }) => return Err(ServiceError::NotFound),
        done => done.map_err(|e| fault("change a view", &e))?,
    }
    if was.shared || view.shared {
        let name = if was.shared { "view-change" } else { "view-save" };
        tx.record(now, None, acts::act(caller, name, None, detail(&view)))
            .await
            .map_err(|e| fault("change a view", &e))?;
    }
    tx.commit().await.map_err(|e| fault("change a view", &e))
}

/// Removes one of the caller's own views; an admin of the whole installation also removes what others share.
///
/// # Errors
/// `Conflict` when there is none (any more) that the caller may remove.
pub async fn remove(app: &App, caller: &Caller, id: ViewId) -> Result<(), ServiceError> {
    let all = seen(app, caller).await?;
    let found = all.iter().map(|kept| &kept.view).find(|view| view.id == id);
    let view = found.filter(|view| view.owner == caller.user || rules(caller)).ok_or(ServiceError::Conflict)?;
    let mut tx = app.store.begin().await.map_err(|e| fault("remove a view", &e))?;
    match tx.remove_saved_view(id).await {
        Err(StoreError::Missing { .. }) => return Err(ServiceError::Conflict),
        done => done.map_err(|e| fault("remove a view", &e))?,
    }
    if view.shared {
        let act = acts::act(caller, "view-remove", None, detail(view));
        tx.record(app.clock.now(), None, act).await.map_err(|e| fault("remove a view", &e))?;
    }
    tx.commit().await.map_err(|e| fault("remove a view", &e))
}
