//! People: the first admin, signing in, the own account.

pub mod common;
pub mod password;
pub mod people;
pub mod throttle;

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use self::{password::Hasher, throttle::Throttle};
use super::{
    App,
    caller::Caller,
    error::{FieldProblem, ServiceError},
    fault,
};
use crate::{
    domain::{
        account::{Role, Scope, User},
        ids::UserId,
        view::{account::AccountView, form::FormView},
    },
    ledger::fact::Fact,
    store::{Account, StoreError},
};

/// Longest sign-in name, in characters.
const NAME_MAX: usize = 100;
/// What a wrong name and a wrong password are both answered with.
const WRONG: &str = "The name or the password is not right.";
/// Letters of a set-up code: no two of them look alike.
const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const CODE_LEN: usize = 20;

/// Kept in memory between requests.
#[derive(Default)]
pub struct State {
    hasher: Hasher,
    throttle: Throttle,
    /// SHA-256 of the set-up code, while one is offered.
    code: Mutex<Option<[u8; 32]>>,
}

/// A person whose session holds.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who.
    pub user: UserId,
    /// Changes with the password: a session that holds an older one has ended.
    pub mark: String,
    /// For use cases.
    pub caller: Caller,
    /// Their chosen zone.
    pub time_zone: Option<String>,
}

fn signed_in(account: &Account) -> SignedIn {
    SignedIn {
        user: account.user.id,
        mark: mark(account.password_hash.as_deref()),
        caller: Caller::from(&account.user),
        time_zone: account.user.time_zone.clone(),
    }
}

fn mark(password_hash: Option<&str>) -> String {
    let digest = hex::encode(Sha256::digest(password_hash.unwrap_or_default().as_bytes()));
    digest.get(..32).unwrap_or(&digest).to_owned()
}

/// Whether the first admin is still to be made.
///
/// # Errors
/// The store cannot be read.
pub async fn nobody_yet(app: &App) -> Result<bool, ServiceError> {
    Ok(!app.store.has_admin().await.map_err(|e| fault("look for an admin", &e))?)
}

/// A fresh one-time code for making the first admin, to be printed where only the operator reads;
/// `None` when there is an admin. An earlier code is void from now on.
///
/// # Errors
/// The store cannot be read.
pub async fn offer_set_up(app: &App) -> Result<Option<String>, ServiceError> {
    if !nobody_yet(app).await? {
        return Ok(None);
    }
    let mut bytes = [0_u8; CODE_LEN];
    app.ids.fill(&mut bytes);
    let letters: Vec<char> =
        bytes.iter().filter_map(|byte| LETTERS.get(usize::from(byte % 32))).map(|byte| char::from(*byte)).collect();
    let code: Vec<String> = letters.chunks(5).map(|part| part.iter().collect()).collect();
    let code = code.join("-");
    *app.kept.accounts.code.lock().unwrap_or_else(PoisonError::into_inner) = Some(digest_of_code(&code));
    Ok(Some(code))
}

/// Case, blanks and dashes do not matter when typing it.
fn digest_of_code(code: &str) -> [u8; 32] {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    Sha256::digest(plain.as_bytes()).into()
}

/// Makes the first admin and signs them in.
///
/// # Errors
/// `Invalid` with all that is wrong, `TooMany`, `Conflict` when an admin exists by now.
pub async fn set_up(app: &App, code: &str, name: &str, new: &str, from: IpAddr) -> Result<SignedIn, ServiceError> {
    if !nobody_yet(app).await? {
        return Err(ServiceError::Conflict);
    }
    let state = &app.kept.accounts;
    let now = app.clock.now();
    state.throttle.admit("", from, now).map_err(|wait_secs| ServiceError::TooMany { wait_secs })?;
    let offered = *state.code.lock().unwrap_or_else(PoisonError::into_inner);
    let right = offered.is_some_and(|digest| bool::from(digest[..].ct_eq(&digest_of_code(code)[..])));
    let mut problems = Vec::new();
    if !right {
        problems.push(FieldProblem::new(
            "code",
            "This is not the code. The server printed it when it started; start it again for a new one.",
        ));
    }
    problems.extend(name_fault(name).map(|problem| FieldProblem::new("name", problem)));
    problems.extend(password::fault(new, name).map(|problem| FieldProblem::new("password", problem)));
    if !problems.is_empty() {
        return Err(ServiceError::Invalid(problems));
    }
    let account = new_account(app, name, new, Role::Admin, Scope::All).await?;
    let mut tx = app.store.begin().await.map_err(|e| fault("make the first admin", &e))?;
    if tx.has_admin().await.map_err(|e| fault("make the first admin", &e))? {
        return Err(ServiceError::Conflict);
    }
    tx.create_user(&account).await.map_err(|e| taken("make the first admin", &e))?;
    let fact = act(Some(account.user.id), "set-up", json!({ "name": account.user.name }));
    tx.record(now, None, fact).await.map_err(|e| fault("make the first admin", &e))?;
    tx.commit().await.map_err(|e| fault("make the first admin", &e))?;
    state.throttle.succeeded("", from);
    *state.code.lock().unwrap_or_else(PoisonError::into_inner) = None;
    Ok(signed_in(&account))
}

/// Makes an account from the command line (`user add`), or from the demo.
///
/// # Errors
/// `Invalid` with all that is wrong.
pub async fn add(app: &App, name: &str, new: &str, role: Role, scope: Scope) -> Result<UserId, ServiceError> {
    add_by(app, None, name, new, role, scope).await
}

async fn add_by(
    app: &App,
    by: Option<UserId>,
    name: &str,
    new: &str,
    role: Role,
    scope: Scope,
) -> Result<UserId, ServiceError> {
    let mut problems = Vec::new();
    problems.extend(name_fault(name).map(|problem| FieldProblem::new("name", problem)));
    problems.extend(password::fault(new, name).map(|problem| FieldProblem::new("password", problem)));
    if !problems.is_empty() {
        return Err(ServiceError::Invalid(problems));
    }
    let account = new_account(app, name, new, role, scope).await?;
    let mut tx = app.store.begin().await.map_err(|e| fault("make an account", &e))?;
    tx.create_user(&account).await.map_err(|e| taken("make an account", &e))?;
    let detail = json!({ "name": account.user.name, "role": role.as_str() });
    let now = app.clock.now();
    tx.record(now, None, act(by, "user-add", detail)).await.map_err(|e| fault("make an account", &e))?;
    tx.commit().await.map_err(|e| fault("make an account", &e))?;
    Ok(account.user.id)
}

/// Sets a new password from the command line (`user reset`); the account's sessions end.
///
/// # Errors
/// `Invalid` for the password, `NotFound` for the name.
pub async fn reset(app: &App, name: &str, new: &str) -> Result<(), ServiceError> {
    let account = app.store.user_by_name(name).await.map_err(|e| fault("reset a password", &e))?;
    let Some(account) = account else { return Err(ServiceError::NotFound) };
    if let Some(problem) = password::fault(new, &account.user.name) {
        return Err(ServiceError::invalid("password", problem));
    }
    put_password(app, account.user.id, None, "user-reset", new).await.map(|_| ())
}

async fn new_account(app: &App, name: &str, new: &str, role: Role, scope: Scope) -> Result<Account, ServiceError> {
    let password_hash = app.kept.accounts.hasher.hash(new, &*app.ids).await?;
    let created = app.clock.now();
    let user = User {
        id: UserId(app.ids.uuid_v7(created)),
        name: name.trim().to_owned(),
        role,
        scope,
        time_zone: None,
        disabled: false,
        created,
        seen: None,
    };
    Ok(Account { user, password_hash: Some(password_hash) })
}

fn name_fault(name: &str) -> Option<String> {
    let name = name.trim();
    if name.is_empty() {
        return Some("Enter the name to sign in with.".into());
    }
    let odd = name.chars().count() > NAME_MAX || name.chars().any(char::is_control);
    odd.then(|| format!("Use at most {NAME_MAX} characters and no control characters."))
}

fn taken(doing: &'static str, error: &StoreError) -> ServiceError {
    match error {
        StoreError::Taken { .. } => ServiceError::invalid("name", "This name is taken. Choose another."),
        other => fault(doing, other),
    }
}

fn act(user: Option<UserId>, act: &str, detail: Value) -> Fact {
    Fact::HumanAct { user, act: act.to_owned(), pair: None, detail }
}

/// Proves who somebody is. An unknown name costs the same work and gets the same answer as a wrong password.
///
/// # Errors
/// `Invalid`, `TooMany`, `Busy`.
pub async fn sign_in(app: &App, name: &str, given: &str, from: IpAddr) -> Result<SignedIn, ServiceError> {
    let state = &app.kept.accounts;
    let now = app.clock.now();
    state.throttle.admit(name, from, now).map_err(|wait_secs| ServiceError::TooMany { wait_secs })?;
    let account = app.store.user_by_name(name).await.map_err(|e| fault("sign in", &e))?;
    let account = account.filter(|account| !account.user.disabled);
    let stored = account.as_ref().and_then(|account| account.password_hash.as_deref());
    let right = state.hasher.verify(given, stored, state.throttle.knows(name, from)).await?;
    let Some(account) = account.filter(|_| right) else {
        tracing::info!(%from, "a sign-in was refused");
        return Err(ServiceError::invalid("", WRONG));
    };
    state.throttle.succeeded(name, from);
    let mut tx = app.store.begin().await.map_err(|e| fault("sign in", &e))?;
    tx.user_seen(account.user.id, now).await.map_err(|e| fault("sign in", &e))?;
    let fact = act(Some(account.user.id), "sign-in", json!({ "from": from.to_string() }));
    tx.record(now, None, fact).await.map_err(|e| fault("sign in", &e))?;
    tx.commit().await.map_err(|e| fault("sign in", &e))?;
    Ok(signed_in(&account))
}

/// Writes down that somebody signed out.
///
/// # Errors
/// The store cannot be written.
pub async fn signed_out(app: &App, caller: &Caller) -> Result<(), ServiceError> {
    record(app, act(Some(caller.user), "sign-out", json!({}))).await
}

async fn record(app: &App, fact: Fact) -> Result<(), ServiceError> {
    let mut tx = app.store.begin().await.map_err(|e| fault("write down an act", &e))?;
    tx.record(app.clock.now(), None, fact).await.map_err(|e| fault("write down an act", &e))?;
    tx.commit().await.map_err(|e| fault("write down an act", &e))
}

/// The person of a session, if the account is still enabled and the password unchanged.
///
/// # Errors
/// The store cannot be read.
pub async fn still(app: &App, user: UserId, held_mark: &str) -> Result<Option<SignedIn>, ServiceError> {
    let account = app.store.user(user).await.map_err(|e| fault("read an account", &e))?;
    let person = account.filter(|account| !account.user.disabled).map(|account| signed_in(&account));
    Ok(person.filter(|person| bool::from(person.mark.as_bytes().ct_eq(held_mark.as_bytes()))))
}

/// Notes that a session is in use. Not worth failing a page for: while the disk is full pages still show.
pub async fn used(app: &App, user: UserId, session_name: &str) {
    let noted = app.store.session_used(user, session_name, app.clock.now()).await;
    if let Err(error) = noted.or_else(|error| if error.lasts() { Ok(()) } else { Err(error) }) {
        tracing::warn!(%error, "the use of a session could not be noted");
    }
}

/// The own account's page. Sessions are the web layer's to add.
///
/// # Errors
/// The store cannot be read.
pub async fn view(app: &App, caller: &Caller, password_form: FormView) -> Result<AccountView, ServiceError> {
    let account = app.store.user(caller.user).await.map_err(|e| fault("read an account", &e))?;
    let user = account.ok_or(ServiceError::SignedOut)?.user;
    let mut zones: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
    zones.sort_unstable();
    Ok(AccountView {
        name: user.name,
        role: user.role,
        zone: user.time_zone,
        zones,
        sessions: Vec::new(),
        password_form,
    })
}

/// What the sessions of the caller's account hold, for the account's page.
///
/// # Errors
/// The store cannot be read.
pub async fn sessions(app: &App, caller: &Caller) -> Result<Vec<Value>, ServiceError> {
    app.store.sessions_of(caller.user).await.map_err(|e| fault("read sessions", &e))
}

/// Changes the own password; gives the new mark, so that the session it was done in goes on and all others end.
///
/// # Errors
/// `Invalid`, `TooMany`.
pub async fn change_password(
    app: &App,
    caller: &Caller,
    current: &str,
    new: &str,
    from: IpAddr,
) -> Result<String, ServiceError> {
    let state = &app.kept.accounts;
    let now = app.clock.now();
    state.throttle.admit(&caller.name, from, now).map_err(|wait_secs| ServiceError::TooMany { wait_secs })?;
    let account = app.store.user(caller.user).await.map_err(|e| fault("change a password", &e))?;
    let account = account.ok_or(ServiceError::SignedOut)?;
    if !state.hasher.verify(current, account.password_hash.as_deref(), true).await? {
        return Err(ServiceError::invalid("current", "This is not your current password."));
    }
    state.throttle.succeeded(&caller.name, from);
    if let Some(problem) = password::fault(new, &caller.name) {
        return Err(ServiceError::invalid("password", problem));
    }
    if new == current {
        return Err(ServiceError::invalid("password", "Choose a password other than the current one."));
    }
    put_password(app, caller.user, Some(caller.user), "change-password", new).await
}

async fn put_password(
    app: &App,
    user: UserId,
    by: Option<UserId>,
    name: &str,
    new: &str,
) -> Result<String, ServiceError> {
    let hash = app.kept.accounts.hasher.hash(new, &*app.ids).await?;
    let mut tx = app.store.begin().await.map_err(|e| fault("set a password", &e))?;
    tx.put_password_hash(user, Some(&hash)).await.map_err(|e| fault("set a password", &e))?;
    let fact = act(by, name, json!({ "account": user.to_string() }));
    tx.record(app.clock.now(), None, fact).await.map_err(|e| fault("set a password", &e))?;
    tx.commit().await.map_err(|e| fault("set a password", &e))?;
    Ok(mark(Some(&hash)))
}

/// Writes down that the caller signs out everywhere else; the web layer ends the sessions.
///
/// # Errors
/// The store cannot be written.
pub async fn end_other_sessions(app: &App, caller: &Caller, this: &str) -> Result<(), ServiceError> {
    app.store.end_sessions_of(caller.user, Some(this)).await.map_err(|e| fault("end sessions", &e))?;
    record(app, act(Some(caller.user), "end-other-sessions", json!({}))).await
}

/// Keeps the caller's zone; `None` means UTC.
///
/// # Errors
/// The store cannot be written.
pub async fn choose_zone(app: &App, caller: &Caller, zone: Option<&str>) -> Result<(), ServiceError> {
    let mut tx = app.store.begin().await.map_err(|e| fault("choose a zone", &e))?;
    // Read where nobody else can write: an admin may be changing the account's role at this moment.
    let users = tx.users().await.map_err(|e| fault("choose a zone", &e))?;
    let own = users.into_iter().find(|user| user.id == caller.user).ok_or(ServiceError::SignedOut)?;
    let user = User { time_zone: zone.map(str::to_owned), ..own };
    tx.update_user(&user).await.map_err(|e| fault("choose a zone", &e))?;
    tx.commit().await.map_err(|e| fault("choose a zone", &e))
}
