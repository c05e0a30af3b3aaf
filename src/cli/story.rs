//! The demo's made-up life: what analysts and agents do, from a seed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore as _, SeedableRng as _},
};
use serde_json::{Value, json};

use crate::{
    clock::SteerableClock,
    domain::{
        account::Scope,
        ids::{IncidentId, TicketId},
        run::RunCause,
        workspace::Workspace,
    },
    engine::Engine,
    outbound::Transport,
    store::Store,
    twin::{
        Twin,
        faults::{Effect, Fault},
    },
};

/// File with the secret of the demo's webhooks.
pub const HOOK_SECRET: &str = "hook.secret";

/// Units the engine runs at most after one event.
const UNITS_MAX: usize = 2_000;

/// What was played.
#[derive(Debug, Default)]
pub struct Played {
    /// Incidents raised.
    pub incidents: u64,
    /// Tickets made of them.
    pub tickets: u64,
    /// Comments and notes written by people.
    pub notes: u64,
}

/// Accounts at Microsoft's side, and the same people as Halo's agents; the demo's policy maps them.
pub const ANALYSTS: [&str; 3] =
    ["ana.analyst@contoso.example", "carla.contributor@contoso.example", "olaf.owner@contoso.example"];
/// See [`ANALYSTS`].
pub const AGENTS: [&str; 3] = ["Amira Haddad", "Jonas Weber", "Li Chen"];
const COMMENTS: [&str; 6] = [
    "Confirmed with the user: the sign-in was not theirs. Sessions revoked.",
    "Same source address as yesterday's case. Checking for lateral movement.",
    "Host isolated while we look at the process tree.",
    "The IP belongs to the customer's VPN provider, lowering the priority of the follow-up.",
    "Asked the customer's admin for the mailbox audit log.",
    "Attachment detonated in the sandbox: it downloads a loader. Blocking the hash.",
];
const NOTES: [&str; 6] = [
    "Called the customer. They will reset the password and confirm within the hour.",
    "Customer confirms a planned penetration test between 09:00 and 17:00.",
    "Waiting for the firewall team to block the address.",
    "User trained, mailbox rule removed.",
    "No further sign-ins since the reset. Watching until tomorrow.",
    "Laptop collected for imaging; replacement handed out.",
];

/// What happens next to an incident.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Raise,
    Take,
    Comment,
    Note,
    Escalate,
    CloseIncident,
    CloseTicket,
    CloseTicketWithoutVerdict,
}

/// One event: where, which (its GUID once raised), what.
type Event = Reverse<(Timestamp, u64, usize, String, Step)>;

struct Life<'a> {
    twin: &'a Twin,
    store: &'a Store,
    random: ChaCha20Rng,
    workspaces: Vec<Workspace>,
    queue: BinaryHeap<Event>,
    count: u64,
    played: Played,
}

impl Life<'_> {
    fn below(&mut self, n: u64) -> u64 {
        self.random.next_u64() % n.max(1)
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        let index = usize::try_from(self.below(from.len() as u64)).unwrap_or(0);
        from.get(index).copied().unwrap_or_default()
    }

    fn later(&mut self, at: Timestamp, minutes_max: u64, place: usize, incident: &str, step: Step) -> Timestamp {
        let minutes = 2 + i64::try_from(self.below(minutes_max)).unwrap_or(0);
        let at = at + SignedDuration::from_mins(minutes);
        self.count += 1;
        self.queue.push(Reverse((at, self.count, place, incident.to_owned(), step)));
        at
    }

    /// What will be done about a new incident.
    fn foresee(&mut self, at: Timestamp, place: usize, incident: &str) {
        let mut when = self.later(at, 40, place, incident, Step::Take);
        for _ in 0..self.below(3) {
            let step = if self.below(2) == 0 { Step::Comment } else { Step::Note };
            when = self.later(when, 200, place, incident, step);
        }
        match self.below(20) {
            0 => {
                self.later(when, 60, place, incident, Step::Escalate);
            }
            1..=8 => {
                self.later(when, 900, place, incident, Step::CloseTicket);
            }
            9..=16 => {
                self.later(when, 900, place, incident, Step::CloseIncident);
            }
            _ => {}
        }
    }

    fn act(&self, verb: &str, body: &Value) -> Option<Value> {
        let reply = self.twin.act(verb, body);
        let done = (200..300).contains(&reply.status);
        if !done {
            tracing::debug!(verb, status = reply.status, body = %String::from_utf8_lossy(&reply.body), "an act of the demo was refused");
        }
        done.then(|| serde_json::from_slice(&reply.body).unwrap_or(Value::Null))
    }

    async fn ticket(&self, place: usize, incident: &str) -> Option<TicketId> {
        let workspace = self.workspaces.get(place)?;
        self.store.pair_of_incident(workspace.id, &IncidentId::new(incident)).await.ok()??.ticket
    }

    /// Half a minute later the engine looks at the workspace and at Halo, `times` times.
    async fn found(
        &self,
        engine: &Arc<Engine>,
        clock: &Arc<SteerableClock>,
        place: usize,
        times: u32,
    ) -> anyhow::Result<()> {
        for _ in 0..times {
            clock.hold(engine.now() + SignedDuration::from_secs(31));
            if let Some(workspace) = self.workspaces.get(place) {
                engine.poke_workspace(workspace.id, RunCause::Schedule);
            }
            for instance in engine.view().halo.keys() {
                engine.poke_halo(*instance, &[]);
            }
            engine.run_until_idle(UNITS_MAX).await?;
        }
        Ok(())
    }

    /// Carries out one event; gives the GUID of a raised incident.
    async fn happen(&mut self, place: usize, incident: &str, step: &Step) -> Option<String> {
        let name = self.workspaces.get(place)?.name.clone();
        let user = self.pick(&ANALYSTS);
        let on = json!({ "workspace": name, "incident": incident, "user": user });
        let with = |more: Value| {
            let mut body = on.clone();
            if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
                body.extend(more.clone());
            }
            body
        };
        match step {
            Step::Raise => {
                let made = self.act("incident.create", &json!({ "workspace": name }))?;
                self.played.incidents += 1;
                return made.get("name").and_then(Value::as_str).map(str::to_owned);
            }
            Step::Take => {
                let owner = json!({ "status": "Active", "owner": user });
                self.act("incident.update", &with(owner));
            }
            Step::Comment => {
                let message = self.pick(&COMMENTS);
                self.act("incident.comment", &with(json!({ "message": message })));
                self.played.notes += 1;
            }
            Step::Escalate => {
                self.act("incident.update", &with(json!({ "severity": "High" })));
            }
            Step::CloseIncident => {
                let verdicts = [
                    ("TruePositive", Some("SuspiciousActivity")),
                    ("BenignPositive", Some("SuspiciousButExpected")),
                    ("FalsePositive", Some("InaccurateData")),
                    ("FalsePositive", Some("IncorrectAlertLogic")),
                    ("Undetermined", None),
                ];
                let index = usize::try_from(self.below(5)).unwrap_or(0);
                let (classification, reason) = verdicts.get(index).copied().unwrap_or(("Undetermined", None));
                let mut body =
                    json!({ "classification": classification, "classificationComment": "Handled, see the comments." });
                if let (Some(reason), Some(body)) = (reason, body.as_object_mut()) {
                    body.insert("classificationReason".into(), reason.into());
                }
                self.act("incident.close", &with(body));
            }
            Step::Note | Step::CloseTicket | Step::CloseTicketWithoutVerdict => {
                let ticket = self.ticket(place, incident).await?.0;
                let words = self.pick(&NOTES);
                let agent = self.pick(&AGENTS);
                match step {
                    Step::Note => {
                        let private = self.below(4) == 0;
                        let html = format!("<p>{words}</p>");
                        self.act(
                            "ticket.note",
                            &json!({ "ticket_id": ticket, "html": html, "private": private, "agent": agent }),
                        );
                        self.played.notes += 1;
                    }
                    Step::CloseTicket => {
                        let value = 1 + self.below(5);
                        let fields = json!([{ "name": "CFSentinelClassification", "value": value }]);
                        let body =
                            json!({ "ticket_id": ticket, "text": words, "agent": agent, "customfields": fields });
                        self.act("ticket.close", &body);
                    }
                    _ => {
                        self.act("ticket.close", &json!({ "ticket_id": ticket, "text": words, "agent": agent }));
                    }
                }
            }
        }
        None
    }
}

async fn life<'a>(twin: &'a Twin, store: &'a Store, seed: u64) -> anyhow::Result<Life<'a>> {
    let workspaces = store.installation().await?.workspaces;
    if workspaces.is_empty() {
        bail!("The demo has no workspaces.");
    }
    let random = ChaCha20Rng::seed_from_u64(seed);
    Ok(Life { twin, store, random, workspaces, queue: BinaryHeap::new(), count: 0, played: Played::default() })
}

/// Plays the days from what the clock shows up to `until`, through the real engine.
///
/// # Errors
/// The store cannot be read or written.
pub async fn play(
    engine: &Arc<Engine>,
    store: &Store,
    twin: &Twin,
    clock: &Arc<SteerableClock>,
    (seed, incidents): (u64, u64),
    until: Timestamp,
) -> anyhow::Result<Played> {
    let mut life = life(twin, store, seed).await?;
    let begins = engine.now();
    let span = until.duration_since(begins).as_secs().max(1);
    for n in 0..incidents {
        let place = usize::try_from(life.below(life.workspaces.len() as u64)).unwrap_or(0);
        // The last hours are quiet enough that what is open on the page can be told apart.
        let share = i64::try_from(n).unwrap_or(0) * (span - 1_800) / i64::try_from(incidents).unwrap_or(1);
        let at = begins + SignedDuration::from_secs(share);
        life.later(at, 90, place, "", Step::Raise);
    }
    engine.run_until_idle(UNITS_MAX).await?;
    while let Some(Reverse((at, _, place, incident, step))) = life.queue.pop() {
        if at >= until {
            continue;
        }
        if at > engine.now() {
            clock.hold(at);
        }
        if let Some(made) = life.happen(place, &incident, &step).await {
            life.foresee(at, place, &made);
        }
        life.found(engine, clock, place, 1).await?;
    }
    leave_unclassified(&mut life, engine, clock).await?;
    let counts = store.counters(&Scope::All).await?;
    life.played.tickets = counts.iter().map(|row| u64::try_from(row.pairs).unwrap_or(0)).sum();
    leave_refused(&mut life, engine, clock).await?;
    Ok(life.played)
}

/// The workspace whose ticket is refused.
const REFUSED_IN: usize = 2;

/// Something for a person to do: two tickets closed without a classification.
async fn leave_unclassified(
    life: &mut Life<'_>,
    engine: &Arc<Engine>,
    clock: &Arc<SteerableClock>,
) -> anyhow::Result<()> {
    for place in 0..2 {
        let Some(made) = life.happen(place, "", &Step::Raise).await else { continue };
        life.found(engine, clock, place, 1).await?;
        life.happen(place, &made, &Step::CloseTicketWithoutVerdict).await;
        life.found(engine, clock, place, 2).await?;
    }
    Ok(())
}

/// And a ticket that Halo refuses to open.
async fn leave_refused(life: &mut Life<'_>, engine: &Arc<Engine>, clock: &Arc<SteerableClock>) -> anyhow::Result<()> {
    let refused = Fault {
        id: 0,
        side: None,
        kind: Some("halo.tickets.post".to_owned()),
        method: None,
        path: None,
        effect: Effect::Status { status: 400, applied: false, retry_after: None, html: false },
        probability: 1.0,
        skip: 0,
        // Once as it is, and once without asking for mandatory fields.
        remaining: Some(2),
    };
    life.twin.with(|world, _| world.faults.add(refused));
    life.happen(REFUSED_IN, "", &Step::Raise).await;
    life.found(engine, clock, REFUSED_IN, 1).await
}

/// Lets both clouds send webhooks to the console, signed.
///
/// # Errors
/// The twin refuses.
pub async fn connect_webhooks(
    twin: &Twin,
    way: &Arc<dyn Transport>,
    connection: &Value,
    console: &str,
    folder: &Path,
    store: &Store,
) -> anyhow::Result<()> {
    let secret = std::fs::read_to_string(folder.join(HOOK_SECRET)).context("The demo's webhook secret is gone")?;
    let installation = store.installation().await?;
    for workspace in &installation.workspaces {
        let body = json!({
            "workspace": workspace.name,
            "url": format!("{console}/hooks/sentinel/{}", workspace.id),
            "headers": { "Authorization": format!("Bearer {secret}"), "Content-Type": "application/json" },
        });
        twin.act("webhook.set", &body);
    }
    let field = |pointer: &str| connection.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_id", &field("/halo/client_id"))
        .append_pair("client_secret", &field("/halo/client_secret"))
        .append_pair("scope", "all")
        .finish();
    let (auth, api) = (field("/halo/auth"), field("/halo/api"));
    let granted = post(way, &format!("{auth}/token"), "application/x-www-form-urlencoded", "", form).await?;
    let token =
        granted.get("access_token").and_then(Value::as_str).context("The twin's Halo gives no token")?.to_owned();
    for halo in &installation.halo {
        let hook = json!([{
            "name": "Halobridge", "url": format!("{console}/hooks/halo/{}", halo.id), "active": true, "type": 0, "method": 0,
            "content_type": "application/json", "authentication_type": 3, "authentication_header": halo.webhook_header,
            "basic_password": secret, "algorithm": 0, "batch_method": 0,
        }]);
        let made = post(way, &format!("{api}/Webhook"), "application/json", &token, hook.to_string()).await?;
        let id =
            made.get("id").or_else(|| made.pointer("/0/id")).cloned().context("The twin's Halo makes no webhook")?;
        let events: Vec<Value> = [3, 61, 76]
            .into_iter()
            .map(|event| {
                json!({ "webhook_id": id, "type": -2, "delivery_method": 6, "eventno": event, "agent_id": 0,
                    "filter_type": 2, "emailtemplate_id": 32, "conditions": [] })
            })
            .collect();
        for event in events {
            post(way, &format!("{api}/Notification"), "application/json", &token, json!([event]).to_string()).await?;
        }
    }
    Ok(())
}

async fn post(way: &Arc<dyn Transport>, url: &str, kind: &str, token: &str, body: String) -> anyhow::Result<Value> {
    let mut request = http::Request::post(url).header("content-type", kind);
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(Bytes::from(body)).context("A request of the demo cannot be built")?;
    let answer = way.send(request).await?;
    if !answer.status().is_success() {
        bail!("The twin answered {} to {url}: {}", answer.status(), String::from_utf8_lossy(answer.body()));
    }
    serde_json::from_slice(answer.body()).context("The twin's answer is no JSON")
}

/// Goes on living in real time, until the process ends.
#[expect(clippy::disallowed_methods, reason = "the demo's people act in real time")]
pub async fn live(twin: &Twin, store: &Store, seed: u64, still: bool) {
    if still {
        return std::future::pending().await;
    }
    let Ok(mut life) = life(twin, store, seed.wrapping_add(1)).await else {
        return std::future::pending().await;
    };
    let mut open: BTreeMap<u64, (usize, String)> = BTreeMap::new();
    let mut n = 0_u64;
    loop {
        tokio::time::sleep(Duration::from_secs(8 + life.below(6))).await;
        n += 1;
        let place = usize::try_from(life.below(life.workspaces.len() as u64)).unwrap_or(0);
        let known = open.first_key_value().map(|(key, _)| *key);
        match (n % 3, known) {
            (1, _) | (_, None) => {
                if let Some(made) = life.happen(place, "", &Step::Raise).await {
                    open.insert(n, (place, made));
                }
            }
            (2, Some(key)) => {
                if let Some((place, incident)) = open.get(&key).cloned() {
                    life.happen(place, &incident, &Step::Take).await;
                    let step = if life.below(2) == 0 { Step::Comment } else { Step::Note };
                    life.happen(place, &incident, &step).await;
                }
            }
            (_, Some(key)) => {
                if open.len() > 2
                    && let Some((place, incident)) = open.remove(&key)
                {
                    let step = if life.below(2) == 0 { Step::CloseIncident } else { Step::CloseTicket };
                    life.happen(place, &incident, &step).await;
                }
            }
        }
    }
}
