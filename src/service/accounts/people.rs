//! Accounts of others: made, changed, switched off and on, given a new password, by an admin of the whole installation or
//! on the command line. None is removed: the ledger names who did what.

use serde_json::json;

use super::{
    super::{
        App,
        caller::Caller,
        error::{FieldProblem, ServiceError},
        fault, names,
    },
    act, add_by, password, put_password,
};
use crate::{
    domain::{
        account::{Role, Scope, User},
        ids::UserId,
        view::{
            accounts::{AccountsView, PersonRow},
            form::FormView,
        },
    },
    store::Installation,
};

/// What is typed of an account.
#[derive(Debug, Clone, Copy)]
pub struct Typed<'a> {
    /// Name to sign in with; of one that exists it stays.
    pub name: &'a str,
    /// A role's name.
    pub role: &'a str,
    /// Ids of the clients whose records it sees; `None` for all.
    pub clients: Option<&'a [&'a str]>,
}

/// What becomes of an account. What is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// What it may do.
    pub role: Option<Role>,
    /// Whose records it sees.
    pub scope: Option<Scope>,
    /// Whether it is kept out.
    pub disabled: Option<bool>,
}

fn allowed(caller: &Caller) -> Result<(), ServiceError> {
    caller.need(Role::Admin)?;
    caller.need_everything()
}

/// The page; with `changing`, its form holds that account.
///
/// # Errors
/// `Forbidden` for all but admins of the whole installation, `NotFound`.
pub async fn view(app: &App, caller: &Caller, changing: Option<UserId>) -> Result<AccountsView, ServiceError> {
    allowed(caller)?;
    let installation = app.installation().await?;
    let users = app.store.users().await.map_err(|e| fault("read accounts", &e))?;
    let mut view = AccountsView { changing, clients: names::client_choices(&installation), ..AccountsView::default() };
    if let Some(id) = changing {
        let user = users.iter().find(|user| user.id == id).ok_or(ServiceError::NotFound)?;
        let sees = if user.scope == Scope::All { "all" } else { "some" };
        let form = FormView::default().with_value("name", &user.name);
        view.form = form.with_value("role", user.role.as_str()).with_value("sees", sees);
        if let Scope::Clients(clients) = &user.scope {
            view.ticked = clients.iter().map(ToString::to_string).collect();
        }
    }
    let row = |user: User| PersonRow {
        id: user.id,
        own: user.id == caller.user,
        name: user.name,
        role: user.role,
        clients: match user.scope {
            Scope::All => None,
            Scope::Clients(ids) => Some(ids.into_iter().map(|id| names::client(&installation, id)).collect()),
        },
        created: user.created,
        seen: user.seen,
        disabled: user.disabled,
    };
    view.rows = users.into_iter().map(row).collect();
    view.rows.sort_by_key(|row| (row.disabled, row.name.to_lowercase()));
    Ok(view)
}

fn read(installation: &Installation, typed: Typed<'_>) -> Result<(Role, Scope), Vec<FieldProblem>> {
    let mut problems = Vec::new();
    let role = Role::parse(typed.role);
    if role.is_none() {
        problems.push(FieldProblem::new("role", "Choose what the account may do."));
    }
    let scope = match typed.clients {
        None => Scope::All,
        Some(chosen) => names::chosen_clients(installation, chosen).unwrap_or_else(|| {
            problems.push(FieldProblem::new("client", "Choose the clients whose records it sees."));
            Scope::Clients(Vec::new())
        }),
    };
    match role {
        Some(role) if problems.is_empty() => Ok((role, scope)),
        _ => Err(problems),
    }
}

/// Makes an account and gives its password: nobody can read it afterwards.
///
/// # Errors
/// `Invalid` with all that is wrong, `Forbidden`.
pub async fn make(app: &App, caller: &Caller, typed: Typed<'_>) -> Result<String, ServiceError> {
    allowed(caller)?;
    let installation = app.installation().await?;
    let (role, scope) = match (read(&installation, typed), super::name_fault(typed.name)) {
        (Ok(read), None) => read,
        (read, name) => {
            let name = name.map(|problem| FieldProblem::new("name", problem));
            return Err(ServiceError::Invalid(name.into_iter().chain(read.err().unwrap_or_default()).collect()));
        }
    };
    let password = password::drawn(&*app.ids, typed.name);
    add_by(app, Some(caller.user), typed.name, &password, role, scope).await?;
    Ok(password)
}

/// Changes what an account may do and whose records it sees.
///
/// # Errors
/// `Invalid` with all that is wrong, `NotFound`, `Forbidden`.
pub async fn change_typed(app: &App, caller: &Caller, user: UserId, typed: Typed<'_>) -> Result<(), ServiceError> {
    allowed(caller)?;
    let installation = app.installation().await?;
    let (role, scope) = read(&installation, typed).map_err(ServiceError::Invalid)?;
    change(app, Some(caller), user, Change { role: Some(role), scope: Some(scope), disabled: None }).await
}

/// Changes an account. It holds from the next request on: every session reads its account anew.
///
/// # Errors
/// `Invalid` for the own account and for the last admin, `NotFound`, `Forbidden`.
pub async fn change(app: &App, caller: Option<&Caller>, user: UserId, change: Change) -> Result<(), ServiceError> {
    caller.map_or(Ok(()), allowed)?;
    let doing = "change an account";
    let mut tx = app.store.begin().await.map_err(|e| fault(doing, &e))?;
    // Read where nobody else can write: two admins who switch each other off at once would leave none.
    let users = tx.users().await.map_err(|e| fault(doing, &e))?;
    let before = users.iter().find(|known| known.id == user).ok_or(ServiceError::NotFound)?;
    let after = User {
        role: change.role.unwrap_or(before.role),
        scope: change.scope.unwrap_or_else(|| before.scope.clone()),
        disabled: change.disabled.unwrap_or(before.disabled),
        ..before.clone()
    };
    if after == *before {
        return Ok(());
    }
    if caller.is_some_and(|caller| caller.user == user) {
        return Err(ServiceError::invalid("", "This is your own account: another admin has to change it."));
    }
    if before.manages() && !users.iter().filter(|known| known.id != user).chain([&after]).any(User::manages) {
        let text = "This is the last admin of all clients. Give that role to another account first.";
        return Err(ServiceError::invalid("", text));
    }
    tx.update_user(&after).await.map_err(|e| fault(doing, &e))?;
    let detail = json!({
        "account": user, "name": after.name, "role": after.role, "scope": after.scope, "disabled": after.disabled,
    });
    let fact = act(caller.map(|caller| caller.user), "user-change", detail);
    tx.record(app.clock.now(), None, fact).await.map_err(|e| fault(doing, &e))?;
    tx.commit().await.map_err(|e| fault(doing, &e))
}

/// Sets a random password and gives it: the account's sessions end.
///
/// # Errors
/// `Invalid` for the own account, `NotFound`, `Forbidden`.
pub async fn new_password(app: &App, caller: &Caller, user: UserId) -> Result<(String, String), ServiceError> {
    allowed(caller)?;
    if caller.user == user {
        return Err(ServiceError::invalid("", "Change your own password on the page of your account."));
    }
    let account = app.store.user(user).await.map_err(|e| fault("set a password", &e))?;
    let name = account.ok_or(ServiceError::NotFound)?.user.name;
    let password = password::drawn(&*app.ids, &name);
    put_password(app, user, Some(caller.user), "user-reset", &password).await?;
    Ok((name, password))
}
