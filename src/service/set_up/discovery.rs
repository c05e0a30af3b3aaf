//! Everything the connections reach: workspaces with what may be done there, and Halo's clients. Reads only.
//!
//! A listing goes on in a task of its own, whoever waits for it: what was found so far is not lost where Microsoft or Halo
//! takes longer than a page may.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::StreamExt as _;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::{
    clock::Clock,
    domain::{
        catalogue::Named,
        connection::MicrosoftConnection,
        failure::{Failure, FailureKind},
        ids::ConnectionId,
        rights::{NEEDED, RoleWanted},
        workspace::WorkspaceAddress,
    },
    outbound::budget::Class,
    sentinel::{
        Place, Sentinel,
        discovery::{FoundSubscription, Glance},
        error::barred,
    },
    service::{App, error::ServiceError, outside},
    store::Installation,
};

/// Workspaces are asked about this many at a time.
const AT_ONCE: usize = 8;
/// What was found is used again for this long, seconds, unless it is asked for anew.
const FRESH_SECS: i64 = 600;

/// Times that one question waits for Azure's budget of reads, and the longest wait, seconds.
const WAITS: u32 = 200;
const WAIT_SECS: i64 = 60;

/// A page waits this long for a listing; then it shows what was found so far.
const PATIENCE: Duration = Duration::from_secs(10);

/// How a workspace stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It can be read; these actions of the sync are not granted (none: all are).
    Reached {
        /// Actions, by Azure's names.
        missing: Vec<String>,
    },
    /// A Log Analytics workspace without Sentinel.
    NoSentinel,
    /// Not even incidents may be read, or the calls failed.
    Refused(Failure),
}

/// A workspace that a connection reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its address.
    pub address: WorkspaceAddress,
    /// Name of its subscription.
    pub subscription: String,
    /// Its home tenant.
    pub tenant_id: String,
    /// That tenant's name and domain, when told.
    pub tenant_names: Vec<String>,
    /// The connection that reaches it (the first, if several do).
    pub connection: ConnectionId,
    /// How it stands.
    pub standing: Standing,
    /// Whether its incidents are Defender's, too.
    pub joined: bool,
}

impl Found {
    /// Its natural key: the lower-cased ARM id.
    pub fn arm_id(&self) -> String {
        self.address.arm_id().to_lowercase()
    }

    /// What its tenant is called.
    pub fn tenant_name(&self) -> String {
        self.tenant_names.first().cloned().unwrap_or_else(|| self.tenant_id.clone())
    }

    /// Whether a role would help.
    fn lacks_a_role(&self) -> bool {
        match &self.standing {
            Standing::Reached { missing } => !missing.is_empty(),
            Standing::NoSentinel => false,
            Standing::Refused(failure) => {
                failure.kind == FailureKind::Forbidden && barred(failure.code.as_deref()).is_none()
            }
        }
    }
}

/// All of it, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// When it was read.
    pub at: Timestamp,
    /// Workspaces by name, then ARM id.
    pub workspaces: Vec<Found>,
    /// Halo clients of each instance, by name.
    pub clients: Vec<(ConnectionId, Vec<Named>)>,
    /// What could not be read, each a sentence with its remedy.
    pub troubles: Vec<String>,
    /// Whether everything was asked; else it is still being read.
    pub whole: bool,
}

impl Reached {
    fn nothing_yet(at: Timestamp) -> Self {
        Self { at, workspaces: Vec::new(), clients: Vec::new(), troubles: Vec::new(), whole: false }
    }

    fn sort(&mut self) {
        self.workspaces.sort_by_key(|one| (one.address.workspace.to_lowercase(), one.arm_id()));
    }
}

/// The last listing, and the tasks that make them.
#[derive(Default)]
pub struct Remembered {
    last: Mutex<Option<Listing>>,
    tasks: TaskTracker,
}

/// One listing: what it has found, which grows until it is whole.
#[derive(Clone)]
struct Listing {
    /// Of which installation.
    version: i64,
    so_far: watch::Receiver<Arc<Reached>>,
}

impl Listing {
    /// Whether it still holds, or is under way: then it is not begun once more.
    fn stands(&self, version: i64, anew: bool, now: Timestamp) -> bool {
        if self.version != version {
            return false;
        }
        let found = Arc::clone(&self.so_far.borrow());
        if found.whole {
            return !anew && now.duration_since(found.at).as_secs() < FRESH_SECS;
        }
        // one that broke off is begun anew
        self.so_far.has_changed().is_ok()
    }
}

/// What the connections reach: as remembered for ten minutes, or read now when `anew`. What takes long is not waited for
/// to its end: then it is not whole.
///
/// # Errors
/// The store cannot be read; what the outside refuses is among the troubles.
pub async fn reached(app: &App, anew: bool) -> Result<Arc<Reached>, ServiceError> {
    reached_within(app, anew, PATIENCE).await
}

/// The same for who waits no longer than this.
///
/// # Errors
/// As [`reached`].
pub async fn reached_within(app: &App, anew: bool, within: Duration) -> Result<Arc<Reached>, ServiceError> {
    let installation = app.installation().await?;
    let mut so_far = listing(app, &installation, anew).so_far;
    let whole = async {
        while !so_far.borrow_and_update().whole {
            if so_far.changed().await.is_err() {
                return;
            }
        }
    };
    if tokio::time::timeout(within, whole).await.is_err() {
        tracing::info!(after_secs = within.as_secs(), "a slow listing goes on in the background");
    }
    let found = Arc::clone(&so_far.borrow());
    Ok(found)
}

/// Where a sign-in lacks a right: each tenant with its resource groups. Where nothing was found, that may be every connection.
pub fn roles(installation: &Installation, reached: &Reached) -> Vec<RoleWanted> {
    if reached.workspaces.is_empty() {
        let of = |row: &MicrosoftConnection| RoleWanted {
            tenant: row.name.clone(),
            arm: row.endpoints.arm.clone(),
            groups: Vec::new(),
        };
        return installation.microsoft.iter().map(of).collect();
    }
    let mut wanted: BTreeMap<(&str, &str), RoleWanted> = BTreeMap::new();
    for found in reached.workspaces.iter().filter(|found| found.lacks_a_role()) {
        let Some(connection) = installation.microsoft.iter().find(|row| row.id == found.connection) else { continue };
        let arm = connection.endpoints.arm.as_str();
        let role = wanted.entry((found.tenant_id.as_str(), arm)).or_insert_with(|| RoleWanted {
            tenant: found.tenant_name(),
            arm: arm.to_owned(),
            groups: Vec::new(),
        });
        let WorkspaceAddress { subscription, resource_group, .. } = &found.address;
        let group = format!("/subscriptions/{subscription}/resourceGroups/{resource_group}");
        if !role.groups.iter().any(|known| known.eq_ignore_ascii_case(&group)) {
            role.groups.push(group);
        }
    }
    wanted.into_values().collect()
}

/// The listing that stands, or one that begins now.
fn listing(app: &App, installation: &Arc<Installation>, anew: bool) -> Listing {
    let now = app.clock.now();
    let mut last = app.kept.reached.last.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(stands) = last.as_ref().filter(|one| one.stands(installation.version, anew, now)) {
        return stands.clone();
    }
    // what was found before is shown, by the connections that are left, until all of it is read anew
    let before = last.as_ref().map(|one| Arc::clone(&one.so_far.borrow()));
    let mut first = match before {
        Some(found) => Reached { whole: false, ..Reached::clone(&found) },
        None => Reached::nothing_yet(now),
    };
    first.workspaces.retain(|one| installation.microsoft.iter().any(|row| row.id == one.connection));
    first.clients.retain(|(id, _)| installation.halo.iter().any(|row| row.id == *id));
    let (tell, so_far) = watch::channel(Arc::new(first));
    let begun = Listing { version: installation.version, so_far };
    *last = Some(begun.clone());
    drop(last);
    let (own, installation) = (app.clone(), Arc::clone(installation));
    app.kept.reached.tasks.spawn(async move {
        let shown = Shown(&tell);
        let found = read(&own, &installation, now, &shown).await;
        tell.send_replace(Arc::new(found));
    });
    begun
}

/// Where a listing shows what it found so far.
struct Shown<'a>(&'a watch::Sender<Arc<Reached>>);

impl Shown<'_> {
    fn add(&self, change: impl FnOnce(&mut Reached)) {
        self.0.send_modify(|found| {
            let found = Arc::make_mut(found);
            change(found);
            found.sort();
        });
    }
}

async fn read(app: &App, installation: &Installation, now: Timestamp, shown: &Shown<'_>) -> Reached {
    let microsoft = of_microsoft(app, installation, shown);
    let halo = of_halo(app, installation, shown);
    let ((workspaces, mut troubles), (clients, refused)) = futures::future::join(microsoft, halo).await;
    troubles.extend(refused);
    let mut found = Reached { at: now, workspaces, clients, troubles, whole: true };
    found.sort();
    found
}

/// Workspaces, and what could not be read.
async fn of_microsoft(app: &App, installation: &Installation, shown: &Shown<'_>) -> (Vec<Found>, Vec<String>) {
    let registry = outside::registry(app);
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    let mut troubles = Vec::new();
    for connection in &installation.microsoft {
        match registry.build_sentinel(connection).await {
            Ok(sentinel) => {
                for one in workspaces(&*app.clock, &sentinel, connection, &mut troubles, shown).await {
                    found.entry(one.arm_id()).or_insert(one);
                }
            }
            Err(failure) => troubles.push(format!("{}: {}", connection.name, failure.message)),
        }
    }
    (found.into_values().collect(), troubles)
}

/// Each instance's clients, and what could not be read.
async fn of_halo(
    app: &App,
    installation: &Installation,
    shown: &Shown<'_>,
) -> (Vec<(ConnectionId, Vec<Named>)>, Vec<String>) {
    let (mut clients, mut troubles) = (Vec::new(), Vec::new());
    for connection in &installation.halo {
        let read = match outside::kept_halo(app, connection).await {
            Ok(halo) => halo.clients("", Class::Interactive).await,
            Err(failure) => Err(failure),
        };
        match read {
            Ok(rows) => {
                shown.add(|found| {
                    found.clients.retain(|(id, _)| *id != connection.id);
                    found.clients.push((connection.id, rows.clone()));
                });
                clients.push((connection.id, rows));
            }
            Err(failure) => troubles.push(format!("{}: {}", connection.name, failure.message)),
        }
    }
    (clients, troubles)
}

/// Every workspace of every tenant that a connection reaches, its own first.
async fn workspaces(
    clock: &dyn Clock,
    sentinel: &Sentinel,
    connection: &MicrosoftConnection,
    troubles: &mut Vec<String>,
    shown: &Shown<'_>,
) -> Vec<Found> {
    let own = connection.tenant_id.as_str();
    let tenants = match sentinel.tenants(own).await {
        Ok(tenants) => tenants,
        Err(failure) => {
            troubles.push(format!("{}: {}", connection.name, failure.message));
            return Vec::new();
        }
    };
    let mut places: Vec<(FoundSubscription, String)> = Vec::new();
    let is_own = |id: &str, domain: Option<&str>| {
        id.eq_ignore_ascii_case(own) || domain.is_some_and(|domain| domain.eq_ignore_ascii_case(own))
    };
    let named = |id: &str| -> Vec<String> {
        let tenant = tenants.iter().find(|tenant| tenant.tenant_id.eq_ignore_ascii_case(id));
        tenant.map(|t| t.name.iter().chain(&t.domain).cloned().collect()).unwrap_or_default()
    };
    let mut asked: Vec<String> = vec![own.to_owned()];
    asked.extend(tenants.iter().filter(|t| !is_own(&t.tenant_id, t.domain.as_deref())).map(|t| t.tenant_id.clone()));
    for tenant in &asked {
        match sentinel.subscriptions(tenant).await {
            Ok(rows) => {
                let enabled = rows.into_iter().filter(|row| !["Disabled", "Deleted"].contains(&row.state.as_str()));
                for row in enabled {
                    if !places.iter().any(|(known, _)| known.id.eq_ignore_ascii_case(&row.id)) {
                        places.push((row, tenant.clone()));
                    }
                }
            }
            Err(failure) => {
                let name = named(tenant).first().cloned().unwrap_or_else(|| tenant.clone());
                troubles.push(format!("{}, tenant {name}: {}", connection.name, failure.message));
            }
        }
    }
    let mut bare = Vec::new();
    for (subscription, tenant) in places {
        match in_time(clock, || sentinel.workspaces(&tenant, &subscription.id)).await {
            Ok(rows) => bare.extend(rows.into_iter().map(|row| (row, subscription.clone(), tenant.clone()))),
            Err(failure) => {
                troubles.push(format!("{}, subscription {}: {}", connection.name, subscription.name, failure.message));
            }
        }
    }
    // What is granted on a resource group holds for all in it: one call instead of one for each workspace. Azure's
    // budget of reads is small, and a provider may have hundreds in one subscription.
    let mut groups: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for (row, _, tenant) in &bare {
        let key = group_of(&row.address);
        if let std::collections::btree_map::Entry::Vacant(unknown) = groups.entry(key) {
            let place = Place { tenant: tenant.clone(), workspace: row.address.clone() };
            let missing = in_time(clock, || sentinel.rights_of_group(&place)).await.map(|rights| rights.missing);
            unknown.insert(missing.unwrap_or_else(|_| NEEDED.map(str::to_owned).to_vec()));
        }
    }
    let groups = &groups;
    let asking = bare.into_iter().map(|(row, subscription, tenant)| {
        // Under Lighthouse the token is of the tenant that was asked, not of the customer's.
        let home = if subscription.managed_by.is_empty() { subscription.tenant_id.clone() } else { None };
        let tenant_names = named(subscription.tenant_id.as_deref().unwrap_or(&tenant));
        async move {
            let place = Place { tenant: tenant.clone(), workspace: row.address.clone() };
            let in_group = groups.get(&group_of(&row.address)).cloned().unwrap_or_default();
            let (standing, joined) = standing(clock, sentinel, &place, in_group).await;
            Found {
                address: row.address,
                subscription: subscription.name,
                tenant_id: home.unwrap_or(tenant),
                tenant_names,
                connection: connection.id,
                standing,
                joined,
            }
        }
    });
    let mut asked = futures::stream::iter(asking).buffered(AT_ONCE);
    let mut found: Vec<Found> = Vec::new();
    while let Some(one) = asked.next().await {
        shown.add(|all| {
            let known = all.workspaces.iter().find(|known| known.arm_id() == one.arm_id());
            // the first connection that reaches it keeps it
            if known.is_none_or(|known| known.connection == one.connection) {
                all.workspaces.retain(|known| known.arm_id() != one.arm_id());
                all.workspaces.push(one.clone());
            }
        });
        found.push(one);
    }
    found
}

fn group_of(address: &WorkspaceAddress) -> (String, String) {
    (address.subscription.to_lowercase(), address.resource_group.to_lowercase())
}

/// Asks, and asks again once Azure's budget of reads allows it: hundreds of workspaces in one subscription are more than
/// it gives at once, and none of them is to count as one that cannot be reached.
#[expect(clippy::disallowed_methods, reason = "a person waits for the list, and the budget fills as real time passes")]
async fn in_time<T, F>(clock: &dyn Clock, ask: impl Fn() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    for _ in 0..WAITS {
        let failure = match ask().await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        let FailureKind::WaitUntil { at } = failure.kind else { return Err(failure) };
        let wait = at.duration_since(clock.now());
        if wait.as_secs() > WAIT_SECS {
            return Err(failure);
        }
        tokio::time::sleep(Duration::try_from(wait).unwrap_or_default().max(Duration::from_millis(1))).await;
    }
    ask().await
}

async fn standing(clock: &dyn Clock, sentinel: &Sentinel, place: &Place, in_group: Vec<String>) -> (Standing, bool) {
    let joined = match in_time(clock, || sentinel.glance(place)).await {
        Ok(Glance::Sentinel { joined }) => joined,
        Ok(Glance::NoSentinel) => return (Standing::NoSentinel, false),
        Err(failure) => return (Standing::Refused(failure), false),
    };
    if in_group.is_empty() {
        return (Standing::Reached { missing: in_group }, joined);
    }
    // it may be granted on the workspace alone
    match in_time(clock, || sentinel.rights(place)).await {
        Ok(rights) => (Standing::Reached { missing: rights.missing }, joined),
        Err(failure) => (Standing::Refused(failure), joined),
    }
}
