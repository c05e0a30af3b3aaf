//! `user add|change|reset|list`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, atomic::AtomicBool},
};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use secrecy::{ExposeSecret as _, SecretString};

use tokio::sync::watch;

use super::{data_dir::DataDir, global::Global, say, ways::OverNetwork};
use crate::{
    clock::{IdSource as _, SystemClock, SystemIds},
    domain::{
        account::{Role, Scope, User},
        failure::{Failure, FailureKind, Side},
    },
    engine::Engine,
    service::{
        App,
        accounts::{
            self,
            people::{self, Change},
        },
        error::ServiceError,
        running_engine::RunningEngine,
    },
};

/// `user …`.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Make an account
    #[command(long_about = "Makes an account for the console. Without a source for the password a random one is made \
        and printed once.\n\nThe first account becomes an admin unless --role says otherwise; later ones become \
        viewers. Before there is an admin of all clients, --client needs --role.\n\nExample:  halobridge user add ann --role operator --client \"Contoso\"")]
    Add(AddArgs),
    /// Set a new password
    #[command(
        long_about = "Sets a new password; all sessions of that account end. Without a source for the password a \
        random one is made and printed once.\n\nExample:  halobridge user reset ann --password-file /run/secrets/ann"
    )]
    Reset(ResetArgs),
    /// Change what an account may do, whose records it sees, or whether it can sign in
    #[command(
        long_about = "Changes an account; what is not given stays. It holds from that account's next request on. An \
        account that is switched off is signed out and cannot sign in; none is removed, since the ledger names who did \
        what.\n\nExample:  halobridge user change ann --role operator --all-clients\n          halobridge user change ann --off"
    )]
    Change(ChangeArgs),
    /// List the accounts
    #[command(long_about = "Lists the accounts: name, role, whose records they see, when they were made.\n\n\
        Example:  halobridge user list")]
    List,
}

/// Where the password comes from. Never the command line itself: others can see that.
#[derive(Debug, Args)]
pub struct PasswordSource {
    /// Name of the environment variable that holds the password
    #[arg(long, env = "HALOBRIDGE_USER_PASSWORD_ENV", value_name = "NAME", conflicts_with = "password_file")]
    password_env: Option<String>,
    /// File that holds the password (its last line break does not count)
    #[arg(long, env = "HALOBRIDGE_USER_PASSWORD_FILE", value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// Options of `user add`.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// Name to sign in with
    name: String,
    /// What the account may do
    #[arg(long, env = "HALOBRIDGE_USER_ROLE", value_name = "ROLE")]
    role: Option<RoleName>,
    /// See this client's records only; may be given several times
    #[arg(long = "client", env = "HALOBRIDGE_USER_CLIENTS", value_name = "NAME", value_delimiter = ',')]
    clients: Vec<String>,
    #[command(flatten)]
    password: PasswordSource,
}

/// Options of `user reset`.
#[derive(Debug, Args)]
pub struct ResetArgs {
    /// Name of the account
    name: String,
    #[command(flatten)]
    password: PasswordSource,
}

/// Options of `user change`.
#[derive(Debug, Args)]
pub struct ChangeArgs {
    /// Name of the account
    name: String,
    /// What the account may do
    #[arg(long, env = "HALOBRIDGE_USER_ROLE", value_name = "ROLE")]
    role: Option<RoleName>,
    /// See this client's records only; may be given several times
    #[arg(long = "client", env = "HALOBRIDGE_USER_CLIENTS", value_name = "NAME", value_delimiter = ',')]
    clients: Vec<String>,
    /// See every client's records
    #[arg(long, env = "HALOBRIDGE_USER_ALL_CLIENTS", value_parser = super::values::switch)]
    all_clients: bool,
    /// Switch the account off
    #[arg(long, env = "HALOBRIDGE_USER_OFF", value_parser = super::values::switch)]
    off: bool,
    /// Switch the account on again
    #[arg(long, env = "HALOBRIDGE_USER_ON", value_parser = super::values::switch)]
    on: bool,
}

/// A role on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum RoleName {
    /// Everything, accounts and connections too.
    Admin,
    /// Look again, sync now, retry, drop.
    Operator,
    /// Read.
    Viewer,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Admin => Self::Admin,
            RoleName::Operator => Self::Operator,
            RoleName::Viewer => Self::Viewer,
        }
    }
}

/// Runs one.
///
/// # Errors
/// One clear sentence.
pub async fn run(global: &Global, command: UserCommand) -> anyhow::Result<ExitCode> {
    match command {
        UserCommand::Add(args) => add(global.open_or_make().await?, args).await,
        UserCommand::Change(args) => change(global.open().await?, args).await,
        UserCommand::Reset(args) => reset(global.open().await?, args).await,
        UserCommand::List => list(global.open().await?).await,
    }
}

/// The use cases, without a running engine: the accounts need none.
fn app(data: &DataDir) -> App {
    let (clock, ids) = (Arc::new(SystemClock), Arc::new(SystemIds));
    let engine = Engine::new(data.store.clone(), clock.clone(), ids.clone(), Arc::new(OverNetwork));
    let (_, changed) = watch::channel(0);
    let handle = RunningEngine::new(Arc::new(engine), Arc::new(AtomicBool::new(false)), changed);
    let network = |insecure| {
        OverNetwork::way(insecure).map_err(|text| Failure::new(Side::Sentinel, FailureKind::Transient, text))
    };
    App::new(data.store.clone(), clock, ids, Arc::new(handle), Arc::new(network))
}

/// The password, and whether it was made here and must be shown.
fn password(source: &PasswordSource) -> anyhow::Result<(SecretString, bool)> {
    if let Some(name) = &source.password_env {
        let text = std::env::var(name).ok().filter(|text| !text.is_empty());
        let text =
            text.with_context(|| format!("The environment variable {name} is not set. Set it to the password"))?;
        return Ok((SecretString::from(text), false));
    }
    if let Some(path) = &source.password_file {
        return Ok((from_file(path)?, false));
    }
    Ok((generated(), true))
}

fn from_file(path: &Path) -> anyhow::Result<SecretString> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("The password file {} cannot be read. Check its path and rights", path.display()))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        bail!("The password file {} is empty. Write the password into it.", path.display());
    }
    Ok(SecretString::from(text.to_owned()))
}

/// 24 letters and digits (120 bits) in groups; no two of the signs look alike.
fn generated() -> SecretString {
    const SIGNS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789-";
    let mut bytes = [0_u8; 24];
    SystemIds.fill(&mut bytes);
    // The dash is kept for the groups: 31 signs remain, drawn evenly enough from 256 values.
    let sign = |byte: &u8| SIGNS.get(usize::from(*byte) % 31).map_or('x', |sign| char::from(*sign));
    let signs: Vec<char> = bytes.iter().map(sign).collect();
    let groups: Vec<String> = signs.chunks(6).map(|group| group.iter().collect()).collect();
    SecretString::from(groups.join("-"))
}

fn told(error: ServiceError, what: &str) -> anyhow::Error {
    match error {
        ServiceError::Invalid(problems) => {
            let texts: Vec<String> = problems.into_iter().map(|problem| problem.problem).collect();
            anyhow::anyhow!("{what} was not done. {}", texts.join(" "))
        }
        ServiceError::NotFound => anyhow::anyhow!("There is no such account. `halobridge user list` shows them."),
        other => anyhow::Error::from(other).context(format!("{what} was not done")),
    }
}

async fn add(data: DataDir, args: AddArgs) -> anyhow::Result<ExitCode> {
    let role = match args.role {
        Some(role) => Role::from(role),
        // an admin of one client alone would close the set-up for everybody
        None if !args.clients.is_empty() && !data.store.users().await?.iter().any(User::manages) => {
            bail!("There is no admin of all clients yet. Make an admin of all clients first, or say --role.")
        }
        None if data.store.has_admin().await? => Role::Viewer,
        None => Role::Admin,
    };
    let scope = scope(&data, &args.clients).await?;
    let (password, made) = password(&args.password)?;
    accounts::add(&app(&data), &args.name, password.expose_secret(), role, scope)
        .await
        .map_err(|error| told(error, "Making the account"))?;
    say(format!("Made the account {} ({}).", args.name.trim(), role.as_str()));
    show(&password, made);
    Ok(ExitCode::SUCCESS)
}

fn show(password: &SecretString, made: bool) {
    if made {
        say(format!("Its password, shown this once: {}", password.expose_secret()));
    }
}

async fn scope(data: &DataDir, names: &[String]) -> anyhow::Result<Scope> {
    if names.is_empty() {
        return Ok(Scope::All);
    }
    let known = data.store.installation().await?.clients;
    let mut clients = Vec::new();
    for name in names {
        match known.iter().find(|client| client.name == *name) {
            Some(client) => clients.push(client.id),
            None => bail!("There is no client “{name}”. Write its name as in the applied file."),
        };
    }
    Ok(Scope::Clients(clients))
}

async fn reset(data: DataDir, args: ResetArgs) -> anyhow::Result<ExitCode> {
    let (password, made) = password(&args.password)?;
    accounts::reset(&app(&data), &args.name, password.expose_secret())
        .await
        .map_err(|error| told(error, "Setting the password"))?;
    say(format!("Set a new password for {}. All of its sessions have ended.", args.name.trim()));
    show(&password, made);
    Ok(ExitCode::SUCCESS)
}

async fn change(data: DataDir, args: ChangeArgs) -> anyhow::Result<ExitCode> {
    // By their values: a switch that an environment variable holds off is none.
    if args.off && args.on {
        bail!("Say --off or --on, not both.");
    }
    if args.all_clients && !args.clients.is_empty() {
        bail!("Say --client or --all-clients, not both.");
    }
    let wanted = Change {
        role: args.role.map(Role::from),
        scope: match (args.all_clients, args.clients.is_empty()) {
            (false, true) => None,
            _ => Some(scope(&data, &args.clients).await?),
        },
        disabled: (args.off || args.on).then_some(args.off),
    };
    if wanted == Change::default() {
        bail!("Say what is to change: --role, --client or --all-clients, --off or --on.");
    }
    let doing = "Changing the account";
    let account = data.store.user_by_name(&args.name).await?;
    let account = account.ok_or(ServiceError::NotFound).map_err(|error| told(error, doing))?;
    people::change(&app(&data), None, account.user.id, wanted).await.map_err(|error| told(error, doing))?;
    say(format!("Changed the account {}. `halobridge user list` shows it.", account.user.name));
    Ok(ExitCode::SUCCESS)
}

async fn list(data: DataDir) -> anyhow::Result<ExitCode> {
    let clients = data.store.installation().await?.clients;
    let users = data.store.users().await?;
    if users.is_empty() {
        say("No accounts yet. Make one with `halobridge user add NAME`.");
    }
    for user in users {
        let sees = match &user.scope {
            Scope::All => "all clients".to_owned(),
            Scope::Clients(ids) => {
                let names: Vec<&str> =
                    clients.iter().filter(|c| ids.contains(&c.id)).map(|c| c.name.as_str()).collect();
                names.join(", ")
            }
        };
        let off = if user.disabled { ", switched off" } else { "" };
        let made = user.created.strftime("%Y-%m-%d");
        say(format!("{}\t{}\t{sees}\tmade {made}{off}", user.name, user.role.as_str()));
    }
    Ok(ExitCode::SUCCESS)
}
