//! Tokens with which programs call `/api`: made by an admin, shown once, kept as a hash, revocable. A token acts as an
//! operator within its scope; what it does stands in the ledger under its name.

use jiff::SignedDuration;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    App, acts,
    caller::Caller,
    error::{FieldProblem, ServiceError},
    fault, ledger, names,
};
use crate::{
    domain::{
        account::{ApiToken, Role, Scope},
        ids::UserId,
        view::tokens::{TokenRow, TokensView},
    },
    store::StoreError,
};

/// What every token begins with: whoever finds one knows whose it is.
pub const PREFIX: &str = "hb_";
/// Random bytes of a token.
const BYTES: usize = 32;
/// "Last used" is written at most this often.
const USED_EVERY: SignedDuration = SignedDuration::from_secs(60);
/// Longest name, in characters.
const NAME_MAX: usize = 100;

fn allowed(caller: &Caller) -> Result<(), ServiceError> {
    caller.need(Role::Admin)?;
    caller.need_everything()
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Who calls with this token; its use is noted.
///
/// # Errors
/// `SignedOut` for one that was never given out, or was revoked.
pub async fn caller(app: &App, token: &str) -> Result<Caller, ServiceError> {
    let found = app.store.api_token(&hash(token)).await.map_err(|e| fault("look a token up", &e))?;
    let token = found.filter(|token| token.revoked.is_none()).ok_or(ServiceError::SignedOut)?;
    let now = app.clock.now();
    if token.used.is_none_or(|used| now.duration_since(used) >= USED_EVERY) {
        let mut tx = app.store.begin().await.map_err(|e| fault("note a token's use", &e))?;
        tx.api_token_used(token.id, now).await.map_err(|e| fault("note a token's use", &e))?;
        tx.commit().await.map_err(|e| fault("note a token's use", &e))?;
    }
    Ok(Caller { user: token.id, name: token.name, role: Role::Operator, scope: token.scope })
}

/// The page.
///
/// # Errors
/// `Forbidden` for all but admins of the whole installation.
pub async fn view(app: &App, caller: &Caller) -> Result<TokensView, ServiceError> {
    allowed(caller)?;
    let installation = app.installation().await?;
    let people = ledger::people(app).await?;
    let row = |token: ApiToken| TokenRow {
        id: token.id,
        name: token.name,
        clients: match token.scope {
            Scope::All => Vec::new(),
            Scope::Clients(clients) => clients.into_iter().map(|id| names::client(&installation, id)).collect(),
        },
        by: people.get(&token.made_by).cloned().unwrap_or_else(|| "(removed)".to_owned()),
        created: token.created,
        used: token.used,
        revoked: token.revoked,
    };
    let tokens = app.store.api_tokens().await.map_err(|e| fault("read tokens", &e))?;
    let mut rows: Vec<TokenRow> = tokens.into_iter().map(row).collect();
    rows.sort_by_key(|row| row.revoked.is_some());
    let clients = names::client_choices(&installation);
    Ok(TokensView { rows, clients, ..TokensView::default() })
}

/// Makes a token and gives it out: nobody can read it afterwards. `clients` is `None` for all.
///
/// # Errors
/// `Invalid` with all that is wrong, `Forbidden`.
pub async fn make(app: &App, caller: &Caller, name: &str, clients: Option<Vec<&str>>) -> Result<String, ServiceError> {
    allowed(caller)?;
    let name = name.trim();
    let mut problems = Vec::new();
    if name.is_empty() {
        problems.push(FieldProblem::new("name", "Enter a name that says which program will use it."));
    } else if name.chars().count() > NAME_MAX || name.chars().any(char::is_control) {
        let problem = format!("Use at most {NAME_MAX} characters and no control characters.");
        problems.push(FieldProblem::new("name", problem));
    }
    let installation = app.installation().await?;
    let scope = match clients {
        None => Scope::All,
        Some(chosen) => names::chosen_clients(&installation, &chosen).unwrap_or_else(|| {
            problems.push(FieldProblem::new("client", "Choose the clients whose records it may reach."));
            Scope::Clients(Vec::new())
        }),
    };
    if !problems.is_empty() {
        return Err(ServiceError::Invalid(problems));
    }
    let now = app.clock.now();
    let secret = format!("{PREFIX}{}", app.ids.token(BYTES));
    let token = ApiToken {
        id: UserId(app.ids.uuid_v7(now)),
        name: name.to_owned(),
        scope,
        made_by: caller.user,
        created: now,
        used: None,
        revoked: None,
    };
    let detail = json!({ "token": token.id, "name": token.name, "scope": token.scope });
    let mut tx = app.store.begin().await.map_err(|e| fault("make a token", &e))?;
    match tx.create_api_token(&token, &hash(&secret)).await {
        Err(StoreError::Taken { .. }) => {
            return Err(ServiceError::invalid(
                "name",
                "This name is taken, by a revoked token perhaps. Choose another.",
            ));
        }
        made => made.map_err(|e| fault("make a token", &e))?,
    }
    let act = acts::act(caller, "token-make", None, detail);
    tx.record(now, None, act).await.map_err(|e| fault("make a token", &e))?;
    tx.commit().await.map_err(|e| fault("make a token", &e))?;
    Ok(secret)
}

/// Ends a token at once.
///
/// # Errors
/// `Conflict` when it is revoked already, or there is none; `Forbidden`.
pub async fn revoke(app: &App, caller: &Caller, token: UserId) -> Result<(), ServiceError> {
    allowed(caller)?;
    let now = app.clock.now();
    let mut tx = app.store.begin().await.map_err(|e| fault("revoke a token", &e))?;
    match tx.revoke_api_token(token, now).await {
        Err(StoreError::Missing { .. }) => return Err(ServiceError::Conflict),
        done => done.map_err(|e| fault("revoke a token", &e))?,
    }
    let act = acts::act(caller, "token-revoke", None, json!({ "token": token }));
    tx.record(now, None, act).await.map_err(|e| fault("revoke a token", &e))?;
    tx.commit().await.map_err(|e| fault("revoke a token", &e))
}
