//! Webhooks: who may send them, and keeping them before they are acknowledged (bar R12).

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use http::{HeaderMap, header};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::{App, error::ServiceError, fault};
use crate::{
    domain::{
        delivery::{Delivery, DeliverySource},
        ids::DeliveryId,
        run::RunCause,
        time::to_ms,
    },
    halo_itsm::webhook,
    outbound::read,
    sentinel::webhook::incident_id,
    store::SecretOwner,
    telemetry,
};

/// Largest body taken, in bytes (2 MiB).
pub const BODY_MAX: usize = 2 * 1024 * 1024;
/// Name of the secret of a workspace or Halo connection that opens its webhook.
pub const SECRET: &str = "webhook";
/// Secrets by reference are read again this often, so that a rotated file is noticed.
const DOORS_KEPT: SignedDuration = SignedDuration::from_secs(30);
/// "Cannot be stored" and "not taken" are each logged at most this often.
const COMPLAIN_EVERY_MS: i64 = 60_000;

/// What became of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// It is durable: 202.
    Stored,
    /// Unknown address or wrong secret, indistinguishably: 401.
    Refused,
    /// More than [`BODY_MAX`]: 413.
    TooLarge,
    /// It could not be made durable: 503, so that it is sent again.
    NotStored,
}

/// A proven sender.
#[derive(Debug, Clone, Copy)]
pub struct Door(DeliverySource);

struct Lock {
    source: DeliverySource,
    /// For comparing without a hint at its length.
    digest: [u8; 32],
    secret: SecretString,
    /// Halo's configurable header.
    header: String,
}

impl Lock {
    /// What stands in the header that the administrator chose.
    fn own(&self, headers: &HeaderMap) -> Option<String> {
        (!self.header.is_empty()).then(|| value(headers, &self.header)).flatten()
    }
}

/// Locks by lower-cased id and name. Names may repeat across subscriptions: the secret tells them apart.
#[derive(Default)]
struct Doors {
    version: i64,
    made: Timestamp,
    sentinel: HashMap<String, Vec<Arc<Lock>>>,
    halo: HashMap<String, Vec<Arc<Lock>>>,
}

/// Kept between webhooks.
#[derive(Default)]
pub struct State {
    doors: Mutex<Option<Arc<Doors>>>,
    /// Held by the one that makes them anew.
    making: tokio::sync::Mutex<()>,
    made: AtomicU64,
    complained_ms: AtomicI64,
    /// When it was last logged that one was not taken: of each source and reason by itself, or a stranger's would hide
    /// a customer's.
    warned_ms: Mutex<HashMap<(Option<DeliverySource>, bool), i64>>,
    turned_away: Mutex<HashMap<DeliverySource, TurnedAway>>,
    counts: [AtomicU64; 4],
}

/// The last webhook of a source that was not taken, since one that was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurnedAway {
    /// When.
    pub at: Timestamp,
    /// Why: [`Receipt::Refused`] or [`Receipt::TooLarge`].
    pub why: Receipt,
}

impl TurnedAway {
    /// One sentence with the remedy.
    pub fn words(self) -> &'static str {
        match self.why {
            Receipt::TooLarge => "A webhook of more than 2 MiB was refused. Send the incident or ticket alone.",
            _ => "A webhook with a wrong secret was refused. Give its sender the secret that is set here.",
        }
    }
}

impl State {
    /// The doors that were made within [`DOORS_KEPT`].
    fn kept(&self, now: Timestamp) -> Option<Arc<Doors>> {
        self.doors.lock().unwrap_or_else(PoisonError::into_inner).clone().filter(|kept| {
            let age = now.duration_since(kept.made);
            age >= SignedDuration::ZERO && age < DOORS_KEPT
        })
    }

    fn count(&self, receipt: Receipt) -> Receipt {
        if let Some(count) = self.counts.get(receipt as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        receipt
    }
}

/// How many webhooks were stored, refused, too large and not stored since the start.
pub fn counts(app: &App) -> [(&'static str, u64); 4] {
    let counts = &app.kept.intake.counts;
    let names = ["stored", "refused", "too-large", "not-stored"];
    std::array::from_fn(|i| {
        (names.get(i).copied().unwrap_or_default(), counts.get(i).map_or(0, |count| count.load(Ordering::Relaxed)))
    })
}

/// How often the secrets of all webhooks were read since the start.
pub fn doors_made(app: &App) -> u64 {
    app.kept.intake.made.load(Ordering::Relaxed)
}

/// The last webhook of a source that was not taken, if none was since.
pub fn turned_away(app: &App, source: DeliverySource) -> Option<TurnedAway> {
    app.kept.intake.turned_away.lock().unwrap_or_else(PoisonError::into_inner).get(&source).copied()
}

/// Counts a body that was too large; `door` names its sender, where that is proven.
pub fn too_large(app: &App, door: Option<Door>) -> Receipt {
    turn_away(app, door.map(|door| door.0), Receipt::TooLarge)
}

/// Counts one whose sender gave up before it was whole: that is no fault of what it sends, and it sends it again.
pub fn broke_off(app: &App) -> Receipt {
    app.kept.intake.count(Receipt::NotStored)
}

/// Counts one for which there was no room: too many are being received at this moment.
pub fn no_room(app: &App) -> Receipt {
    let state = &app.kept.intake;
    if once_a_minute(&state.complained_ms, app.clock.now()) {
        tracing::warn!("more webhooks come at once than there is room for; they are answered with 503 and sent again");
    }
    state.count(Receipt::NotStored)
}

/// Remembers for the pages that a webhook was not taken, and says so in the log, at most once a minute for each source and
/// reason: anybody may send anything.
fn turn_away(app: &App, source: Option<DeliverySource>, why: Receipt) -> Receipt {
    let state = &app.kept.intake;
    let turned = TurnedAway { at: app.clock.now(), why };
    if let Some(source) = source {
        state.turned_away.lock().unwrap_or_else(PoisonError::into_inner).insert(source, turned);
    }
    let tell = {
        let mut warned = state.warned_ms.lock().unwrap_or_else(PoisonError::into_inner);
        let last_ms = warned.entry((source, why == Receipt::TooLarge)).or_default();
        let now_ms = due(*last_ms, turned.at);
        *last_ms = now_ms.unwrap_or(*last_ms);
        now_ms.is_some()
    };
    if tell {
        match source {
            Some(DeliverySource::Sentinel { workspace, .. }) => {
                tracing::warn!(workspace.id = %workspace, "{}", turned.words());
            }
            Some(DeliverySource::Halo { connection }) => {
                tracing::warn!(connection.id = %connection, "{}", turned.words())
            }
            None if why == Receipt::TooLarge => tracing::warn!("{}", turned.words()),
            None => tracing::warn!("a webhook for an unknown address, or one without a secret, was refused"),
        }
    }
    state.count(why)
}

/// Proves the sender of a Sentinel webhook by its secret, in `Authorization: Bearer` or `X-Halobridge-Secret`.
///
/// # Errors
/// `Refused`, or `NotStored` when the store cannot be read.
pub async fn sentinel_door(app: &App, key: &str, headers: &HeaderMap) -> Result<Door, Receipt> {
    let doors = doors(app).await?;
    let given = [
        value(headers, "x-halobridge-secret"),
        value(headers, header::AUTHORIZATION.as_str()).and_then(|text| {
            let (scheme, rest) = text.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| rest.trim().to_owned())
        }),
    ];
    let given: Vec<[u8; 32]> = given.into_iter().flatten().map(|text| Sha256::digest(text.as_bytes()).into()).collect();
    let locks = doors.sentinel.get(&key.trim().to_lowercase()).map_or(&[][..], Vec::as_slice);
    let open = |lock: &&Arc<Lock>| {
        let matched = given.iter().fold(Choice::from(0), |any, digest| any | digest[..].ct_eq(&lock.digest[..]));
        bool::from(matched)
    };
    match locks.iter().find(open) {
        Some(lock) => Ok(Door(lock.source)),
        None => Err(turn_away(app, locks.first().map(|lock| lock.source), Receipt::Refused)),
    }
}

/// What the headers of a Halo webhook say, before anything of its body is kept.
#[derive(Debug, Clone, Copy)]
pub enum Knock {
    /// The secret stands in one of them.
    Proven(Door),
    /// The header for signatures is there: the body has to be seen.
    MayBeSigned,
}

/// Looks at a Halo webhook before its body is read: a stranger's is not kept in memory.
///
/// # Errors
/// `Refused`, or `NotStored` when the store cannot be read.
pub async fn halo_knock(app: &App, key: &str, headers: &HeaderMap) -> Result<Knock, Receipt> {
    let doors = doors(app).await?;
    let locks = doors.halo.get(&key.trim().to_lowercase()).map_or(&[][..], Vec::as_slice);
    let authorization = value(headers, header::AUTHORIZATION.as_str());
    let mut may_be_signed = false;
    for lock in locks {
        let own = lock.own(headers);
        if webhook::verify_headers(own.as_deref(), authorization.as_deref(), &lock.secret) {
            return Ok(Knock::Proven(Door(lock.source)));
        }
        may_be_signed |= own.is_some();
    }
    if may_be_signed {
        return Ok(Knock::MayBeSigned);
    }
    Err(turn_away(app, locks.first().map(|lock| lock.source), Receipt::Refused))
}

/// Proves the sender of a Halo webhook: by signature of the raw body or token in the configured header,
/// by bearer or by basic authentication.
///
/// # Errors
/// `Refused`, or `NotStored` when the store cannot be read.
pub async fn halo_door(app: &App, key: &str, headers: &HeaderMap, body: &[u8]) -> Result<Door, Receipt> {
    let doors = doors(app).await?;
    let locks = doors.halo.get(&key.trim().to_lowercase()).map_or(&[][..], Vec::as_slice);
    let authorization = value(headers, header::AUTHORIZATION.as_str());
    let open = |lock: &&Arc<Lock>| {
        let own = lock.own(headers);
        webhook::verify_any(own.as_deref(), authorization.as_deref(), &lock.secret, body)
    };
    match locks.iter().find(open) {
        Some(lock) => Ok(Door(lock.source)),
        None => Err(turn_away(app, locks.first().map(|lock| lock.source), Receipt::Refused)),
    }
}

/// A header as text. Senders write what is not ASCII as UTF-8, or as Latin-1 where HTTP/1.1's old rule is kept.
fn value(headers: &HeaderMap, name: &str) -> Option<String> {
    let bytes = headers.get(name)?.as_bytes();
    let text =
        std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().copied().map(char::from).collect(), str::to_owned);
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Makes the body durable, whatever it holds, then wakes the engine. Acknowledge only `Stored`.
pub async fn take(app: &App, door: Door, body: Bytes) -> Receipt {
    let Door(source) = door;
    if body.len() > BODY_MAX {
        return too_large(app, Some(door));
    }
    let received = app.clock.now();
    let id = DeliveryId(app.ids.uuid_v7(received));
    let delivery = Delivery { id, source, received, body: body.to_vec(), handled: None };
    let named = match source {
        DeliverySource::Sentinel { workspace, .. } => {
            let named = read::json(&body).as_ref().and_then(incident_id);
            // Read while the webhook is made durable: whoever waits for the ticket need not wait for both.
            named.map(|incident| app.engine.poke_incident(workspace, incident))
        }
        DeliverySource::Halo { .. } => None,
    };
    if let Err(error) = app.store.intake(delivery).await {
        if !error.lasts() {
            complain(app, received, &error);
        }
        return app.kept.intake.count(Receipt::NotStored);
    }
    app.kept.intake.turned_away.lock().unwrap_or_else(PoisonError::into_inner).remove(&source);
    match source {
        DeliverySource::Sentinel { workspace, .. } => match named {
            Some(()) => app.engine.delivered(id),
            None => app.engine.poke_workspace(workspace, RunCause::Webhook),
        },
        DeliverySource::Halo { connection } => {
            let named = read::json(&body).map(|body| webhook::ticket_ids(&body)).unwrap_or_default();
            app.engine.poke_halo(connection, (!named.is_empty()).then_some(named));
        }
    }
    app.kept.intake.count(Receipt::Stored)
}

/// One clear line, at most once a minute however many webhooks are turned away.
fn complain(app: &App, now: Timestamp, error: &dyn std::error::Error) {
    if once_a_minute(&app.kept.intake.complained_ms, now) {
        tracing::error!(
            error = %telemetry::chain(error),
            "webhooks cannot be stored and are answered with 503: their senders try again, polling goes on"
        );
    }
}

fn once_a_minute(last: &AtomicI64, now: Timestamp) -> bool {
    last.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |ms| due(ms, now)).is_ok()
}

/// Now, if the last time is a minute ago, or there was none.
fn due(last_ms: i64, now: Timestamp) -> Option<i64> {
    let now_ms = to_ms(now);
    (last_ms == 0 || now_ms - last_ms >= COMPLAIN_EVERY_MS || now_ms < last_ms).then_some(now_ms)
}

async fn doors(app: &App) -> Result<Arc<Doors>, Receipt> {
    let state = &app.kept.intake;
    let now = app.clock.now();
    let made = open_doors(app, now).await;
    made.map_err(|error| {
        complain(app, now, &error);
        state.count(Receipt::NotStored)
    })
}

async fn open_doors(app: &App, now: Timestamp) -> Result<Arc<Doors>, ServiceError> {
    let state = &app.kept.intake;
    let kept = state.kept(now);
    // A webhook does not wait for the store to say again what the engine has just heard of it.
    let newest = app.engine.configuration();
    if let Some(kept) = kept.clone().filter(|kept| newest == Some(kept.version)) {
        return Ok(kept);
    }
    let installation = app.installation().await?;
    if let Some(kept) = kept.filter(|kept| kept.version == installation.version) {
        return Ok(kept);
    }
    // One makes them; who comes meanwhile waits for it and looks again.
    let _making = state.making.lock().await;
    let now = app.clock.now();
    if let Some(kept) = state.kept(now).filter(|kept| kept.version >= installation.version) {
        return Ok(kept);
    }
    // It may have changed once more while this one waited.
    let installation = app.installation().await?;
    state.made.fetch_add(1, Ordering::Relaxed);
    let mut doors = Doors { version: installation.version, made: now, ..Doors::default() };
    for workspace in installation.workspaces.iter().filter(|workspace| workspace.webhook) {
        let source = DeliverySource::Sentinel { workspace: workspace.id, client: workspace.client };
        if let Some(lock) = lock(app, source, SecretOwner::Workspace(workspace.id), "").await? {
            put(&mut doors.sentinel, &workspace.id.to_string(), &workspace.name, &lock);
        }
    }
    for halo in installation.halo.iter().filter(|halo| halo.webhook) {
        let source = DeliverySource::Halo { connection: halo.id };
        if let Some(lock) = lock(app, source, SecretOwner::Connection(halo.id), &halo.webhook_header).await? {
            put(&mut doors.halo, &halo.id.to_string(), &halo.name, &lock);
        }
    }
    let doors = Arc::new(doors);
    *state.doors.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&doors));
    Ok(doors)
}

fn put(doors: &mut HashMap<String, Vec<Arc<Lock>>>, id: &str, name: &str, lock: &Arc<Lock>) {
    for key in [id, name] {
        doors.entry(key.to_lowercase()).or_default().push(Arc::clone(lock));
    }
}

/// `None` when there is no secret or it cannot be resolved: that door stays shut and the log says why.
async fn lock(
    app: &App,
    source: DeliverySource,
    owner: SecretOwner,
    header: &str,
) -> Result<Option<Arc<Lock>>, ServiceError> {
    let secret = match app.store.secret(owner, SECRET).await {
        Ok(secret) => secret,
        Err(error @ (crate::store::StoreError::Secret(_) | crate::store::StoreError::Key(_))) => {
            tracing::error!(%owner, %error, "the secret of a webhook cannot be read, so the webhook is shut");
            None
        }
        Err(error) => return Err(fault("read the secret of a webhook", &error)),
    };
    Ok(secret.filter(|secret| !secret.expose_secret().is_empty()).map(|secret| {
        let digest = Sha256::digest(secret.expose_secret().as_bytes()).into();
        Arc::new(Lock { source, digest, secret, header: header.to_ascii_lowercase() })
    }))
}
