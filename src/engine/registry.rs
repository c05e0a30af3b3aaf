//! The configuration in force, and one adapter for each connection of it.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};

use crate::{
    clock::{Clock, IdSource},
    domain::{
        catalogue::Catalogue,
        client::Client,
        connection::{HaloConnection, MicrosoftConnection, MicrosoftIdentity},
        failure::{Failure, FailureKind, Side},
        ids::{ClientId, ConnectionId, PolicyId, WorkspaceId},
        policy::Policy,
        workspace::{Mode, Workspace},
    },
    entra::{
        AppRegistration, Credential, Tokens, app_token::AppTokens, assertion::Certificate, delegated::DelegatedTokens,
    },
    halo_itsm::{Halo, TokenLanes},
    outbound::{
        Transport,
        budget::{Budget, Class, Subscriptions},
    },
    sentinel::{Incidents, Place, Sentinel},
    store::{Installation, SecretOwner, Store, StoreError},
};

pub(super) mod budgets;
mod kept;

use budgets::Coming;
use kept::KeptRefreshToken;
pub use kept::{REFRESH_TOKEN, challenge_setting, signed_in_setting};

use super::{
    Engine,
    halo::once_more::OnceMore,
    schedule::{Schedule, Standing},
};

/// Look-ups are read again after this long.
const CATALOGUE_SECS: u32 = 3_600;
/// Seconds until look-ups are read again that were empty all of a sudden.
const DOUBTED_SECS: u32 = 60;

/// Where requests of a connection go: the network, or the twin in this process.
pub trait Transports: Send + Sync + 'static {
    /// For a Microsoft connection.
    ///
    /// # Errors
    /// One sentence.
    fn microsoft(&self, connection: &MicrosoftConnection) -> Result<Arc<dyn Transport>, String>;

    /// For a Halo instance.
    ///
    /// # Errors
    /// One sentence.
    fn halo(&self, connection: &HaloConnection) -> Result<Arc<dyn Transport>, String>;
}

/// The installation as the engine sees it, by id.
#[derive(Default)]
pub struct View {
    /// Its version.
    pub version: i64,
    /// Microsoft connections.
    pub microsoft: BTreeMap<ConnectionId, MicrosoftConnection>,
    /// Halo instances.
    pub halo: BTreeMap<ConnectionId, HaloConnection>,
    /// Clients.
    pub clients: BTreeMap<ClientId, Client>,
    /// Policies.
    pub policies: BTreeMap<PolicyId, Policy>,
    /// Workspaces.
    pub workspaces: BTreeMap<WorkspaceId, Workspace>,
}

impl View {
    fn of(installation: Installation) -> Self {
        Self {
            version: installation.version,
            microsoft: installation.microsoft.into_iter().map(|c| (c.id, c)).collect(),
            halo: installation.halo.into_iter().map(|c| (c.id, c)).collect(),
            clients: installation.clients.into_iter().map(|c| (c.id, c)).collect(),
            policies: installation.policies.into_iter().map(|p| (p.id, p)).collect(),
            workspaces: installation.workspaces.into_iter().map(|w| (w.id, w)).collect(),
        }
    }

    /// A workspace with its client and policy.
    pub fn of_workspace(&self, id: WorkspaceId) -> Option<(&Workspace, &Client, &Policy)> {
        let workspace = self.workspaces.get(&id)?;
        Some((workspace, self.clients.get(&workspace.client)?, self.policies.get(&workspace.policy)?))
    }

    /// Where a workspace's incidents lie.
    pub fn place(&self, workspace: &Workspace) -> Option<Place> {
        Some(Place { tenant: workspace.tenant_id.clone(), workspace: workspace.address()? })
    }
}

type Slot<T> = Result<Arc<T>, Failure>;

struct Adapters {
    sentinel: BTreeMap<ConnectionId, Slot<Sentinel>>,
    halo: BTreeMap<ConnectionId, (Slot<Halo>, Arc<Budget>)>,
    catalogues: BTreeMap<ConnectionId, Arc<Catalogue>>,
}

/// The configuration in force and its adapters.
pub struct Registry {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    transports: Arc<dyn Transports>,
    subscriptions: Arc<Subscriptions>,
    tokens: Arc<TokenLanes>,
    view: RwLock<Arc<View>>,
    adapters: RwLock<Adapters>,
    /// Digest of the secrets that the adapters were built with.
    secrets: RwLock<[u8; 32]>,
}

impl Registry {
    /// An empty one; [`reload`] fills it.
    pub fn new(store: Store, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>, transports: Arc<dyn Transports>) -> Self {
        Self {
            store,
            clock,
            ids,
            transports,
            subscriptions: Arc::default(),
            tokens: Arc::default(),
            view: RwLock::default(),
            adapters: RwLock::new(Adapters {
                sentinel: BTreeMap::new(),
                halo: BTreeMap::new(),
                catalogues: BTreeMap::new(),
            }),
            secrets: RwLock::default(),
        }
    }

    /// The configuration in force.
    pub fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The way to a Microsoft connection's incidents.
    ///
    /// # Errors
    /// Why there is none: a secret that can't be read, an address that is refused.
    pub fn sentinel(&self, id: ConnectionId) -> Result<Arc<dyn Incidents>, Failure> {
        let adapters = self.adapters.read().unwrap_or_else(PoisonError::into_inner);
        match adapters.sentinel.get(&id) {
            Some(Ok(sentinel)) => Ok(Arc::clone(sentinel) as Arc<dyn Incidents>),
            Some(Err(failure)) => Err(failure.clone()),
            None => Err(gone(Side::Sentinel)),
        }
    }

    /// The way to a Halo instance.
    ///
    /// # Errors
    /// Why there is none.
    pub fn halo(&self, id: ConnectionId) -> Result<Arc<Halo>, Failure> {
        let adapters = self.adapters.read().unwrap_or_else(PoisonError::into_inner);
        match adapters.halo.get(&id) {
            Some((slot, _)) => slot.clone(),
            None => Err(gone(Side::Halo)),
        }
    }

    /// An instance's look-ups as last read.
    pub fn catalogue(&self, id: ConnectionId) -> Option<Arc<Catalogue>> {
        self.adapters.read().unwrap_or_else(PoisonError::into_inner).catalogues.get(&id).cloned()
    }

    fn keep_catalogue(&self, id: ConnectionId, catalogue: Catalogue) {
        self.adapters.write().unwrap_or_else(PoisonError::into_inner).catalogues.insert(id, Arc::new(catalogue));
    }

    /// Digest of what the connections' secrets are now; a file or variable may have got another value.
    async fn secrets_now(&self, view: &View) -> [u8; 32] {
        use sha2::Digest as _;
        let mut digest = sha2::Sha256::new();
        for id in view.microsoft.keys().chain(view.halo.keys()) {
            for name in ["client_secret", "certificate", "private_key"] {
                let secret = self.store.secret(SecretOwner::Connection(*id), name).await;
                let known = secret.ok().flatten();
                digest.update([u8::from(known.is_some())]);
                let text = known.as_ref().map_or("", |secret| secret.expose_secret());
                digest.update(text.len().to_le_bytes());
                digest.update(text);
            }
        }
        digest.finalize().into()
    }

    async fn build(&self, view: View) -> Result<(), StoreError> {
        let secrets = self.secrets_now(&view).await;
        *self.secrets.write().unwrap_or_else(PoisonError::into_inner) = secrets;
        let mut sentinel = BTreeMap::new();
        for connection in view.microsoft.values() {
            sentinel.insert(connection.id, self.build_sentinel(connection).await);
        }
        let budgets = self.budgets_for(&view);
        let mut halo = BTreeMap::new();
        let mut catalogues = BTreeMap::new();
        for connection in view.halo.values() {
            let budget = budgets.get(&connection.id).cloned();
            let budget = budget.unwrap_or_else(|| Budget::halo(connection.requests_per_5min));
            let built = self.build_halo(connection, Arc::clone(&budget)).await;
            if let Ok(halo) = &built {
                halo.sign_in_anew();
            }
            halo.insert(connection.id, (built, budget));
            if let Some((catalogue, _)) = self.store.catalogue(connection.id).await? {
                catalogues.insert(connection.id, Arc::new(catalogue));
            }
        }
        *self.adapters.write().unwrap_or_else(PoisonError::into_inner) = Adapters { sentinel, halo, catalogues };
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(view);
        Ok(())
    }

    async fn secret(&self, owner: SecretOwner, side: Side, name: &str) -> Result<Option<SecretString>, Failure> {
        self.store.secret(owner, name).await.map_err(|error| {
            let why = crate::telemetry::chain(&error);
            let message = format!("The {} cannot be read: {}.", name.replace('_', " "), why.trim_end_matches('.'));
            Failure::new(side, FailureKind::SignInAgain, message)
        })
    }

    async fn needed(&self, owner: SecretOwner, side: Side, name: &str) -> Result<SecretString, Failure> {
        self.secret(owner, side, name).await?.ok_or_else(|| {
            let message = format!(
                "No {} is kept for this connection. Enter it in the set-up at this connection.",
                name.replace('_', " ")
            );
            Failure::new(side, FailureKind::SignInAgain, message)
        })
    }

    /// Makes the adapter of a connection, with its secrets.
    pub(crate) async fn build_sentinel(&self, connection: &MicrosoftConnection) -> Slot<Sentinel> {
        let side = Side::Sentinel;
        let refused = |message: String| Failure::new(side, FailureKind::Rejected, message);
        let transport = self.transports.microsoft(connection).map_err(refused)?;
        let owner = SecretOwner::Connection(connection.id);
        let credential = match connection.identity {
            MicrosoftIdentity::Certificate | MicrosoftIdentity::DelegatedCertificate => {
                let mut pem = self.needed(owner, side, "certificate").await?.expose_secret().to_owned();
                if let Some(key) = self.secret(owner, side, "private_key").await? {
                    pem.push('\n');
                    pem.push_str(key.expose_secret());
                }
                let certificate =
                    Certificate::from_pem(&SecretString::from(pem)).map_err(|error| refused(error.to_string()))?;
                Credential::Certificate(certificate)
            }
            MicrosoftIdentity::Delegated | MicrosoftIdentity::ClientSecret => {
                Credential::Secret(self.needed(owner, side, "client_secret").await?)
            }
        };
        let app = AppRegistration {
            oauth_client_id: connection.oauth_client_id.clone(),
            credential,
            endpoints: connection.endpoints.clone(),
        };
        let (clock, ids) = (Arc::clone(&self.clock), Arc::clone(&self.ids));
        let tokens: Arc<dyn Tokens> = if connection.identity.delegated() {
            let kept = Arc::new(KeptRefreshToken {
                store: self.store.clone(),
                clock: Arc::clone(&clock),
                connection: connection.id,
            });
            Arc::new(DelegatedTokens::new(app, kept, Arc::clone(&transport), Arc::clone(&clock), ids))
        } else {
            Arc::new(AppTokens::new(app, Arc::clone(&transport), Arc::clone(&clock), ids))
        };
        Ok(Arc::new(Sentinel::new(connection, transport, tokens, clock, Arc::clone(&self.subscriptions))))
    }

    /// Makes the adapter of a connection, with its secrets.
    pub(crate) async fn build_halo(&self, connection: &HaloConnection, budget: Arc<Budget>) -> Slot<Halo> {
        let side = Side::Halo;
        let transport =
            self.transports.halo(connection).map_err(|message| Failure::new(side, FailureKind::Rejected, message))?;
        let secret = self.needed(SecretOwner::Connection(connection.id), side, "client_secret").await?;
        let halo = Halo::new(connection.clone(), secret, transport, Arc::clone(&self.clock), budget);
        Ok(Arc::new(halo.sharing(&self.tokens)))
    }
}

fn gone(side: Side) -> Failure {
    Failure::new(side, FailureKind::Rejected, "The connection is not set up any more. Add it again in the set-up.")
}

/// Takes up a changed configuration: new workspaces are polled at once, removed ones are forgotten.
pub(super) async fn reload(engine: &Engine) -> Result<(), StoreError> {
    // Before the question: what is changed meanwhile asks for another look.
    let configured = engine.store.configured();
    let version = engine.store.configuration_version().await?;
    if engine.schedule().configuration == Some(version) {
        engine.schedule().configured = configured;
        return Ok(());
    }
    let first = engine.schedule().configuration.is_none();
    let before = (!first).then(|| engine.registry.view());
    let view = View::of(engine.store.installation().await?);
    let version = view.version;
    engine.registry.build(view).await?;
    engine.kept.forget_all();
    super::poll::carried::mind_modes(engine, &engine.registry.view()).await?;
    if first {
        left_behind(engine).await?;
        let (forgotten, second) = (engine.store.forgotten_until().await?, engine.store.second_writer().await?);
        {
            let mut schedule = engine.schedule();
            schedule.forgotten_until = forgotten;
            schedule.only_read |= second.is_some();
            schedule.second_writer = second;
        }
        super::forgotten::given_up(engine).await?;
    } else {
        super::pauses::changed(engine).await?;
    }
    super::backfill::take_up(engine).await?;
    super::silenced::say(engine, before.as_deref()).await?;
    let view = engine.registry.view();
    let now = engine.now();
    let mut schedule = engine.schedule();
    let schedule: &mut Schedule = &mut schedule;
    schedule.configuration = Some(version);
    schedule.configured = configured;
    let on = |w: &Workspace| w.mode != Mode::Off;
    let live: Vec<WorkspaceId> = view.workspaces.values().filter(|w| on(w)).map(|w| w.id).collect();
    schedule.only_of(&live.iter().copied().collect());
    for id in live {
        let standing = schedule.workspaces.entry(id).or_default();
        // Whatever held it back may be what was just corrected.
        standing.next = Some(now);
        // A poll under way works by the configuration before.
        standing.hastened = true;
        standing.judge_anew = true;
    }
    schedule.instances.retain(|id, _| view.halo.contains_key(id));
    schedule.catalogues.retain(|id, _| view.halo.contains_key(id));
    for id in view.halo.keys() {
        let standing = schedule.instances.entry(*id).or_default();
        standing.next = Some(now);
        standing.hastened = true;
        let fresh = Standing { next: Some(now), ..Standing::default() };
        *schedule.catalogues.entry(*id).or_default() = fresh;
    }
    schedule.pairs_next = Some(now);
    schedule.look_at_pushes(now);
    tracing::info!(configuration.version = version, "configuration taken up");
    Ok(())
}

/// What an ended process was sending has an unknown outcome: its pairs are taken up at once.
async fn left_behind(engine: &Engine) -> Result<(), StoreError> {
    let operations = engine.store.sending_operations(10_000).await?;
    if !operations.is_empty() {
        tracing::warn!(
            operations = operations.len(),
            "writes were under way when the process ended; their outcome is looked for"
        );
    }
    super::unread::left_behind(engine).await?;
    super::told::again(engine).await?;
    super::push::kept::left_behind(engine).await?;
    let now = engine.now();
    // However long nothing ran: what was written in the last second of it is listed with the next poll.
    let written = engine.store.written_to_halo_since(now - SignedDuration::from_hours(24)).await?;
    let mut schedule = engine.schedule();
    schedule.pairs.extend(operations.into_iter().map(|operation| operation.pair));
    schedule.written.extend(written.into_iter().map(|pair| (pair, OnceMore::after(now))));
    Ok(())
}

/// Reads an instance's look-ups. What names in policies mean may change with them, so its workspaces are polled after the first reading.
pub(super) async fn read_catalogue(engine: &Engine, id: ConnectionId) -> Result<(), StoreError> {
    let coming = Coming::began(engine, id, "look-ups");
    let read = match engine.registry.halo(id) {
        Ok(halo) => halo.catalogue(Class::Poll).await,
        Err(failure) => Err(failure),
    };
    let now = engine.now();
    match read {
        Ok(catalogue) => {
            let before = engine.registry.catalogue(id);
            if doubtful(engine, id, before.as_deref(), &catalogue) {
                return Ok(());
            }
            let moved = before.as_deref() != Some(&catalogue);
            if moved {
                engine.store.put_catalogue(id, &catalogue, now).await?;
                engine.registry.keep_catalogue(id, catalogue);
            }
            // Also where they are as they were: the store may have refused to record that a pause is over.
            super::pauses::look_ups_changed(engine, id).await?;
            let view = engine.registry.view();
            let mut schedule = engine.schedule();
            if let Some(standing) = schedule.catalogues.get_mut(&id) {
                Schedule::went_well(standing, now, CATALOGUE_SECS);
                coming.ended(engine, standing.next);
            }
            if schedule.forgotten_until.is_some() {
                // Queues that wait for them to plan anew (`recall`).
                schedule.pairs_next = None;
            }
            if moved {
                schedule.look_at_pushes(now);
                schedule.instances.entry(id).or_default().next = Some(now);
                let bound = |w: &&Workspace| {
                    view.clients.get(&w.client).and_then(|c| c.halo.as_ref()).is_some_and(|h| h.connection == id)
                };
                let waiting: Vec<WorkspaceId> = view.workspaces.values().filter(bound).map(|w| w.id).collect();
                for workspace in waiting {
                    if let Some(standing) = schedule.workspaces.get_mut(&workspace) {
                        standing.next = Some(now);
                        standing.judge_anew = true;
                    }
                }
            }
        }
        Err(failure) => {
            mind_secrets(engine, &failure).await;
            tracing::warn!(connection.id = %id, error = %failure, "Halo's look-ups could not be read");
            let salt = salt(&id.0);
            let mut schedule = engine.schedule();
            if let Some(standing) = schedule.catalogues.get_mut(&id) {
                Schedule::went_wrong(standing, failure, now, salt, 300);
            }
        }
    }
    Ok(())
}

/// Whether look-ups that were full are empty now and this is the first reading that says so: what is known is kept then,
/// and a minute later they are read again. Taken at its word, such an answer would hold incidents back for an hour.
fn doubtful(engine: &Engine, id: ConnectionId, before: Option<&Catalogue>, now_read: &Catalogue) -> bool {
    let emptied = before.map(|before| now_read.emptied(before)).unwrap_or_default();
    let now = engine.now();
    let mut schedule = engine.schedule();
    let Some(standing) = schedule.catalogues.get_mut(&id) else { return false };
    let first = !emptied.is_empty() && !standing.doubted;
    standing.doubted = first;
    if first {
        tracing::warn!(connection.id = %id, look_ups = ?emptied, "look-ups are empty all of a sudden: read again before it is believed");
        Schedule::went_well(standing, now, DOUBTED_SECS);
    }
    first
}

/// After a refused sign-in: a secret that a file or variable gives may have been corrected there. Then the
/// adapters are built anew, without anybody having to restart or apply.
pub(super) async fn mind_secrets(engine: &Engine, failure: &Failure) {
    if failure.kind != FailureKind::SignInAgain {
        return;
    }
    let now = engine.registry.secrets_now(&engine.registry.view()).await;
    let known = *engine.registry.secrets.read().unwrap_or_else(PoisonError::into_inner);
    if now != known {
        engine.schedule().configuration = None;
    }
}

/// A number that spreads waits, from an id.
pub(super) fn salt(id: &uuid::Uuid) -> u64 {
    let (high, low) = id.as_u64_pair();
    high ^ low
}

/// Whether look-ups of this instance have been read at least once; a unit that needs them waits for this.
pub(super) fn wait_for_catalogue(engine: &Engine, id: ConnectionId) -> Option<Arc<Catalogue>> {
    let found = engine.registry.catalogue(id);
    if found.is_none() {
        let now = engine.now();
        let mut schedule = engine.schedule();
        let standing = schedule.catalogues.entry(id).or_default();
        if standing.next.is_none_or(|next| next > now + SignedDuration::from_secs(300)) {
            standing.next = Some(now);
        }
    }
    found
}
