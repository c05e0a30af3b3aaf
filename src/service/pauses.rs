//! Pausing and resuming pairs, clients and connections, and what pages say of it.

use std::collections::HashMap;

use serde_json::json;

use super::{App, acts, caller::Caller, error::ServiceError, fault, ledger, names, pairs};
use crate::{
    domain::{
        account::{Role, Scope},
        failure::{Failure, FailureKind, Side},
        ids::{ClientId, ConnectionId, PairId, UserId},
        pair::Pair,
        pause::{Pause, PauseCause, PauseScope},
        run::RunScope,
        text,
        view::{pause::PauseView, set_up::Step},
    },
    entra::error::of_the_app,
    ledger::fact::Fact,
    planner::pause,
    store::Installation,
};

/// Longest reason a person may give, in characters.
pub const WHY_MAX: usize = 300;

/// Why an instance is paused that gave out a number again, for who may not see all clients.
const NUMBER_TAKEN: &str = "Halo gave a new ticket the number of another one: it has gone back (a backup was restored, or it was begun anew). An operator who may see all clients is told what to do.";

/// Whose chain an act on a scope belongs to, after checking that the caller may act there.
async fn allowed(app: &App, caller: &Caller, scope: PauseScope) -> Result<Option<ClientId>, ServiceError> {
    caller.need(Role::Operator)?;
    match scope {
        PauseScope::Pair { id } => Ok(Some(pairs::seen(app, caller, id).await?.client)),
        PauseScope::Client { id } => {
            let installation = app.installation().await?;
            installation.clients.iter().find(|client| client.id == id).ok_or(ServiceError::NotFound)?;
            caller.see(id)?;
            Ok(Some(id))
        }
        // It serves many clients.
        PauseScope::Connection { id } => {
            caller.need_everything()?;
            let installation = app.installation().await?;
            let known = installation.halo.iter().any(|row| row.id == id)
                || installation.microsoft.iter().any(|row| row.id == id);
            if known { Ok(None) } else { Err(ServiceError::NotFound) }
        }
    }
}

fn pair_of(scope: PauseScope) -> Option<PairId> {
    match scope {
        PauseScope::Pair { id } => Some(id),
        PauseScope::Client { .. } | PauseScope::Connection { .. } => None,
    }
}

async fn known(app: &App, scope: PauseScope) -> Result<Vec<Pause>, ServiceError> {
    app.store.pauses_of(scope).await.map_err(|e| fault("read what is paused", &e))
}

/// Pauses: what is planned waits from now on. What is being sent at this moment is finished.
///
/// # Errors
/// `Conflict` when a person paused it already, `Invalid` for a reason above [`WHY_MAX`] characters; `Forbidden`,
/// `NotFound`.
pub async fn pause(app: &App, caller: &Caller, scope: PauseScope, why: &str) -> Result<(), ServiceError> {
    let client = allowed(app, caller, scope).await?;
    let why = text::line(why);
    let length = text::length(&why);
    if length > WHY_MAX {
        let problem = format!("The reason has {length} characters; shorten it to {WHY_MAX}. Nothing was paused.");
        return Err(ServiceError::invalid("why", problem));
    }
    if known(app, scope).await?.iter().any(|pause| !pause.automatic()) {
        return Err(ServiceError::Conflict);
    }
    let cause = PauseCause::Person { who: Some(caller.user), why: (!why.is_empty()).then_some(why) };
    let paused = Fact::Paused { pause: Pause { scope, cause, since: app.clock.now() } };
    let act = acts::act(caller, "pause", pair_of(scope), json!({ "of": scope }));
    acts::record(app, client, vec![act, paused]).await?;
    app.engine.pauses_changed();
    Ok(())
}

/// Resumes: what waited is carried out in its order, whoever or whatever had paused it. Gives whether a failure alone had: it
/// may be met again.
///
/// # Errors
/// `Conflict` when it is not paused (any more); `Forbidden`, `NotFound`.
pub async fn resume(app: &App, caller: &Caller, scope: PauseScope) -> Result<bool, ServiceError> {
    let client = allowed(app, caller, scope).await?;
    let pauses = known(app, scope).await?;
    if pauses.is_empty() {
        return Err(ServiceError::Conflict);
    }
    let act = acts::act(caller, "resume", pair_of(scope), json!({ "of": scope }));
    acts::record(app, client, vec![act, Fact::Resumed { scope, automatic: false }]).await?;
    app.engine.pauses_changed();
    Ok(pauses.iter().all(Pause::automatic))
}

/// Whether something else still holds a pair that was resumed: its client, or one of its connections. Of a client or a
/// connection itself it is not asked.
///
/// # Errors
/// `NotFound` for a foreign pair; the store cannot be read.
pub async fn still_held(app: &App, caller: &Caller, scope: PauseScope) -> Result<bool, ServiceError> {
    let Some(id) = pair_of(scope) else { return Ok(false) };
    let pair = pairs::seen(app, caller, id).await?;
    let installation = app.installation().await?;
    Ok(Paused::now(app).await?.holds(&installation, &pair))
}

/// What goes on once somebody signed in for a connection: what a refused sign-in had paused. It is recorded together with
/// the sign-in, so that neither stands without the other.
///
/// # Errors
/// The store cannot be read.
pub(super) async fn lifted_by_sign_in(app: &App, connection: ConnectionId) -> Result<Option<Fact>, ServiceError> {
    let scope = PauseScope::Connection { id: connection };
    let automatic = known(app, scope).await?.iter().any(Pause::automatic);
    Ok(automatic.then_some(Fact::Resumed { scope, automatic: true }))
}

/// What is paused, and how a page shows it.
pub struct Paused {
    all: Vec<Pause>,
    people: HashMap<UserId, String>,
}

impl Paused {
    /// As of now.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn now(app: &App) -> Result<Self, ServiceError> {
        let all = app.store.pauses().await.map_err(|e| fault("read what is paused", &e))?;
        let people = if all.is_empty() { HashMap::new() } else { ledger::people(app).await? };
        Ok(Self { all, people })
    }

    /// What refuses the sign-in of the person of a connection. A refused secret or certificate is another matter.
    pub fn sign_in_refused(&self, connection: ConnectionId) -> Option<&Failure> {
        let of = |pause: &&Pause| pause.scope == PauseScope::Connection { id: connection };
        self.all.iter().filter(of).find_map(sign_in_failure).filter(|failure| !refuses_the_app(failure))
    }

    /// Those that hold a pair, the narrowest first.
    pub fn of_pair(&self, caller: &Caller, installation: &Installation, pair: &Pair) -> Vec<PauseView> {
        self.on(installation, pair).into_iter().map(|pause| self.view(caller, installation, pause)).collect()
    }

    /// Whether something holds a pair.
    pub fn holds(&self, installation: &Installation, pair: &Pair) -> bool {
        !self.on(installation, pair).is_empty()
    }

    fn on(&self, installation: &Installation, pair: &Pair) -> Vec<&Pause> {
        let microsoft = names::workspace(installation, pair.workspace).map(|workspace| workspace.connection);
        pause::on(&self.all, pair, microsoft)
    }

    /// Those of exactly this scope.
    pub fn of(&self, caller: &Caller, installation: &Installation, scope: PauseScope) -> Vec<PauseView> {
        let these = self.all.iter().filter(|pause| pause.scope == scope);
        these.map(|pause| self.view(caller, installation, pause)).collect()
    }

    /// Those of clients and connections that concern the reader; with `automatic`, only those that a failure brought
    /// about.
    pub fn wide(&self, caller: &Caller, installation: &Installation, automatic: bool) -> Vec<PauseView> {
        let concerns = |pause: &&Pause| match pause.scope {
            PauseScope::Pair { .. } => false,
            PauseScope::Client { id } => caller.scope.allows(Some(id)),
            PauseScope::Connection { id } => caller.scope == Scope::All || serves(caller, installation, id),
        };
        let these = self.all.iter().filter(concerns).filter(|pause| pause.automatic() || !automatic);
        these.map(|pause| self.view(caller, installation, pause)).collect()
    }

    fn view(&self, caller: &Caller, installation: &Installation, pause: &Pause) -> PauseView {
        let what = match pause.scope {
            PauseScope::Pair { .. } => "This pair".to_owned(),
            PauseScope::Client { id } => format!("Client {}", names::client(installation, id)),
            PauseScope::Connection { id } => format!("Connection {}", names::connection(installation, id)),
        };
        let whole = caller.scope == Scope::All;
        let of_many = matches!(pause.scope, PauseScope::Connection { .. });
        let may_resume = caller.role >= Role::Operator && (whole || !of_many);
        // The ticket that it names may be another client's.
        let told = |failure: &Failure| match failure.number_taken() && of_many && !whole {
            true => NUMBER_TAKEN.to_owned(),
            false => failure.message.clone(),
        };
        let (who, why, ends) = match &pause.cause {
            PauseCause::Person { who, why } => {
                let name = |id: &UserId| self.people.get(id).cloned().unwrap_or_else(|| "(removed)".to_owned());
                let who = who.as_ref().map_or_else(|| "the command line".to_owned(), name);
                // The words may name other clients.
                let why = why.clone().filter(|_| whole || !of_many);
                (Some(who), why, "What waits is carried out in its order once an operator or an admin resumes it.")
            }
            PauseCause::Failure { failure, reading: Some(_) } => {
                (None, Some(told(failure)), "It goes on by itself as soon as it can be read again.")
            }
            PauseCause::Failure { failure, reading: None } if pause.to_be_tried() => {
                let ends = "It is tried again by itself every quarter of an hour; once it is mended “Resume” lets it go on at once.";
                (None, Some(told(failure)), ends)
            }
            PauseCause::Failure { failure, reading: None } => (
                None,
                Some(told(failure)),
                if may_resume {
                    "Mend that, then press “Resume”; a new sign-in or a changed configuration lets it go on too."
                } else {
                    "It goes on once that is mended and an operator or an admin resumes it; a new sign-in or a changed configuration lets it go on too."
                },
            ),
        };
        let mend = mend(installation, pause).filter(|_| caller.role == Role::Admin && whole);
        PauseView { scope: pause.scope, what, since: pause.since, who, why, ends: ends.to_owned(), may_resume, mend }
    }
}

/// The refused sign-in that brought a pause about.
fn sign_in_failure(pause: &Pause) -> Option<&Failure> {
    match &pause.cause {
        PauseCause::Failure { failure, .. } => Some(failure).filter(|failure| failure.kind == FailureKind::SignInAgain),
        PauseCause::Person { .. } => None,
    }
}

fn refuses_the_app(failure: &Failure) -> bool {
    failure.code.as_deref().is_some_and(of_the_app)
}

/// Where a refused sign-in is mended: a person signs in again, or what the app proves itself by is entered anew.
fn mend(installation: &Installation, pause: &Pause) -> Option<(String, String)> {
    let failure = sign_in_failure(pause)?;
    let connection = match (pause.scope, &pause.cause) {
        (PauseScope::Connection { id }, _) => id,
        (_, PauseCause::Failure { reading: Some(RunScope::Workspace { id }), .. })
            if failure.side == Side::Sentinel =>
        {
            names::workspace(installation, *id)?.connection
        }
        _ => return None,
    };
    let change = |step: Step| ("Change the connection".to_owned(), format!("{}?connection={connection}", step.path()));
    match installation.microsoft.iter().find(|row| row.id == connection) {
        Some(row) if row.identity.delegated() && !refuses_the_app(failure) => {
            Some(("Sign in with Microsoft".to_owned(), Step::SignIn.path()))
        }
        Some(_) => Some(change(Step::Microsoft)),
        None => installation.halo.iter().any(|row| row.id == connection).then(|| change(Step::Halo)),
    }
}

/// Whether a client within the reader's scope is reached through a connection.
fn serves(caller: &Caller, installation: &Installation, connection: ConnectionId) -> bool {
    let seen = |id: ClientId| caller.scope.allows(Some(id));
    let bound =
        |client: &crate::domain::client::Client| client.halo.as_ref().is_some_and(|halo| halo.connection == connection);
    installation.workspaces.iter().any(|workspace| workspace.connection == connection && seen(workspace.client))
        || installation.clients.iter().any(|client| seen(client.id) && bound(client))
}
