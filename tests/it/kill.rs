//! Bar R7: the real program, killed at random moments of its work against the twin in another process. What it
//! acknowledged is there, every incident has one ticket, every comment and note is on the other side once.
//!
//! `HALOBRIDGE_KILLS` sets how often it is killed (12), `HALOBRIDGE_KILL_SEED` what is drawn.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use halobridge::{
    clock::{IdSource, SeededIds},
    domain::operation::OperationState,
    ledger::fact::Fact,
    store::{DeliveryFilter, LedgerFilter, Store},
};
use serde_json::{Value, json};

use crate::outside::{Installation, Wanted, until};

/// Acts of a round; then it idles until it is killed.
const ACTS: usize = 15;
/// What people write begins so, followed by a number that is used once.
const SAID: &str = "said-in-sentinel-";
const TOLD: &str = "told-in-halo-";

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

struct Draws(SeededIds);

impl Draws {
    fn below(&self, end: usize) -> usize {
        let mut bytes = [0_u8; 8];
        self.0.fill(&mut bytes);
        usize::try_from(u64::from_le_bytes(bytes) % u64::try_from(end).unwrap()).unwrap()
    }
}

/// What was done to the world so far.
struct Story {
    place: Installation,
    draws: Draws,
    next: usize,
    /// Marks of webhooks that were answered with 202.
    acknowledged: BTreeSet<String>,
    /// Webhooks whose sender heard nothing: sent again, as playbooks do.
    unheard: Vec<(String, Value, String)>,
    incidents: Vec<(String, Value)>,
}

impl Story {
    fn new(args: &[&str], wanted: &Wanted) -> Self {
        let seed = number("HALOBRIDGE_KILL_SEED", 7);
        Self {
            place: Installation::new(args, wanted),
            draws: Draws(SeededIds::new(seed)),
            next: 0,
            acknowledged: BTreeSet::new(),
            unheard: Vec::new(),
            incidents: Vec::new(),
        }
    }

    fn mark(&mut self) -> usize {
        self.next += 1;
        self.next
    }

    async fn announce(&mut self, address: &str, workspace: String, incident: Value) {
        let mark = format!("webhook-{}", self.mark());
        self.unheard.push((workspace, incident, mark));
        self.send_again(address).await;
    }

    async fn send_again(&mut self, address: &str) {
        while let Some((workspace, incident, mark)) = self.unheard.last() {
            if !self.place.announce(address, workspace, incident, mark).await {
                return;
            }
            self.acknowledged.insert(mark.clone());
            self.unheard.pop();
        }
    }

    fn any_incident(&self) -> Option<(String, Value)> {
        let count = self.incidents.len();
        (count > 0).then(|| self.incidents[self.draws.below(count)].clone())
    }

    /// One thing that people or rules do.
    async fn act(&mut self, address: &str) {
        let (twin, http) = (&self.place.twin, &self.place.http);
        match self.draws.below(6) {
            0..=2 => {
                let workspaces = self.place.workspaces();
                let workspace = workspaces[self.draws.below(workspaces.len())].clone();
                let incident = self.place.raise(&workspace).await;
                self.incidents.push((workspace.clone(), incident.clone()));
                self.announce(address, workspace, incident).await;
            }
            3 | 4 => {
                let Some((workspace, incident)) = self.any_incident() else { return };
                let message = format!("{SAID}{}.", self.mark());
                let (twin, http) = (&self.place.twin, &self.place.http);
                let body = json!({"workspace": workspace, "incident": incident["name"], "message": message});
                twin.post(http, "acts/incident.comment", &body).await;
                self.announce(address, workspace, incident).await;
            }
            _ => {
                let state = twin.get(http, "state").await;
                let tickets = tickets(&state);
                if tickets.is_empty() {
                    return;
                }
                let ticket = tickets[self.draws.below(tickets.len())]["id"].clone();
                let note = format!("{TOLD}{}.", self.mark());
                let (twin, http) = (&self.place.twin, &self.place.http);
                let body = json!({"ticket_id": ticket, "note": note, "private": false});
                twin.post(http, "acts/ticket.note", &body).await;
            }
        }
    }

    /// One life of the server, ended by SIGKILL at a random moment: while it starts, or while it works.
    async fn life(&mut self) {
        if self.draws.below(4) == 0 {
            let mut server = self.place.start();
            let moment = Duration::from_millis(u64::try_from(self.draws.below(300)).unwrap());
            let _ = tokio::time::timeout(moment, std::future::pending::<()>()).await;
            server.kill();
            return;
        }
        let (mut server, address) = self.place.serve();
        let moment = Duration::from_millis(u64::try_from(20 + self.draws.below(2_500)).unwrap());
        let _ = tokio::time::timeout(moment, async {
            self.send_again(&address).await;
            for _ in 0..ACTS {
                self.act(&address).await;
            }
            std::future::pending::<()>().await;
        })
        .await;
        server.kill();
    }
}

fn tickets(state: &Value) -> Vec<&Value> {
    state["halo"]["halo"]["tickets"].as_array().expect("tickets").iter().collect()
}

fn incidents(state: &Value) -> Vec<&Value> {
    let workspaces = state["workspaces"].as_array().expect("workspaces");
    workspaces.iter().flat_map(|workspace| workspace["incidents"].as_array().expect("incidents")).collect()
}

/// The incident that a ticket says it is about.
fn incident_of(ticket: &Value) -> String {
    let fields = ticket["customfields"].as_array().expect("custom fields");
    let field = fields.iter().find(|field| field["name"] == "CFSentinelIncidentId");
    field.and_then(|field| field["value"].as_str()).unwrap_or_default().to_lowercase()
}

/// The marks that a text carries.
fn marks(text: &str, beginning: &str) -> Vec<String> {
    let rest = text.match_indices(beginning).map(|(at, _)| &text[at..]);
    rest.filter_map(|text| Some(text.split_once('.')?.0.to_owned())).collect()
}

/// How often each incident has a ticket and each text stands on either side.
#[derive(Debug, Default, PartialEq)]
struct Count {
    tickets: BTreeMap<String, usize>,
    /// Marks of people's comments → notes that carry them, in the ticket of their own incident.
    said: BTreeMap<String, usize>,
    /// Marks of people's notes → comments that carry them, on the incident of their own ticket.
    told: BTreeMap<String, usize>,
    /// What stands where nobody put it.
    strays: Vec<String>,
}

impl Count {
    fn of(state: &Value) -> Self {
        let mut count = Self::default();
        let mut owners: BTreeMap<String, String> = BTreeMap::new();
        for incident in incidents(state) {
            let id = incident["name"].as_str().expect("a name").to_lowercase();
            count.tickets.insert(id.clone(), 0);
            for comment in incident["comments"].as_array().expect("comments") {
                let text = comment["properties"]["message"].as_str().expect("a message");
                for mark in marks(text, SAID) {
                    count.said.insert(mark.clone(), 0);
                    if owners.insert(mark.clone(), id.clone()).is_some() {
                        count.strays.push(format!("{mark} came back as a comment: {text}"));
                    }
                }
            }
        }
        for ticket in tickets(state) {
            let id = incident_of(ticket);
            match count.tickets.get_mut(&id) {
                Some(found) => *found += 1,
                None => count.strays.push(format!("ticket {} is about no incident: {id:?}", ticket["id"])),
            }
            for action in ticket["actions"].as_array().expect("actions") {
                let text = action["note"].as_str().unwrap_or_default();
                for mark in marks(text, SAID) {
                    if owners.get(&mark) == Some(&id) {
                        *count.said.entry(mark).or_default() += 1;
                    } else {
                        count.strays.push(format!("{mark} stands in ticket {}", ticket["id"]));
                    }
                }
                for mark in marks(text, TOLD) {
                    count.told.insert(mark.clone(), 0);
                    if owners.insert(mark.clone(), id.clone()).is_some() {
                        count.strays.push(format!("{mark} came back as a note: {text}"));
                    }
                }
            }
        }
        for incident in incidents(state) {
            let id = incident["name"].as_str().expect("a name").to_lowercase();
            for comment in incident["comments"].as_array().expect("comments") {
                for mark in marks(comment["properties"]["message"].as_str().expect("a message"), TOLD) {
                    if owners.get(&mark) == Some(&id) {
                        *count.told.entry(mark).or_default() += 1;
                    } else {
                        count.strays.push(format!("{mark} stands on incident {id}"));
                    }
                }
            }
        }
        count
    }

    fn all(&self) -> impl Iterator<Item = (&String, &usize)> {
        self.tickets.iter().chain(&self.said).chain(&self.told)
    }

    fn missing(&self) -> usize {
        self.all().filter(|(_, times)| **times == 0).count()
    }
}

/// Lives until everything has crossed and nothing is under way, then stops and checks.
async fn ends_well(mut story: Story, kills: u64) {
    let place = &story.place;
    place.twin.delete(&place.http, "faults").await;
    let (mut server, address) = place.serve();
    story.send_again(&address).await;
    assert!(story.unheard.is_empty(), "a running server acknowledges webhooks");
    let place = &story.place;
    let store = place.store().await;
    until(&format!("everything has crossed; log in {}", place.log().display()), 300, async || {
        let count = Count::of(&place.twin.get(&place.http, "state").await);
        let queue = store.queue_counts().await.expect("counts");
        let waiting = store.deliveries_waiting(1).await.expect("deliveries").len();
        (count.missing() == 0 && queue.open == 0 && waiting == 0).then_some(())
    })
    .await;
    let ended = server.stop().await;
    assert_eq!(ended.code(), Some(0), "SIGTERM is a graceful stop");

    let count = Count::of(&place.twin.get(&place.http, "state").await);
    assert!(!count.tickets.is_empty() && !count.said.is_empty(), "the world moved: {count:?}");
    let wrong: Vec<_> = count.all().filter(|(_, times)| **times != 1).collect();
    assert!(wrong.is_empty(), "lost or doubled: {wrong:?}");
    assert!(count.strays.is_empty(), "{:?}", count.strays);

    let bodies = bodies(&store).await;
    let lost: Vec<_> = story.acknowledged.iter().filter(|mark| !bodies.contains(*mark)).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    assert_eq!(store.integrity_check().await.expect("checked"), Vec::<String>::new());
    store.verify_ledger().await.expect("the ledger holds");
    eprintln!(
        "{kills} kills: {} incidents, {} comments and {} notes each on the other side once, {} webhooks \
         acknowledged and kept; {} writes were cut off under way and settled by looking",
        count.tickets.len(),
        count.said.len(),
        count.told.len(),
        story.acknowledged.len(),
        unknown(&store).await,
    );
}

/// Marks of all webhooks in the database.
async fn bodies(store: &Store) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut after = None;
    loop {
        let page = store.deliveries_page(&DeliveryFilter::default(), after, 200).await.expect("a page");
        for row in &page.rows {
            let whole = store.delivery(row.id).await.expect("read").expect("there");
            assert!(whole.handled.is_some(), "every webhook was taken up");
            let body: Value = serde_json::from_slice(&whole.body).expect("JSON");
            found.insert(body["eventUniqueId"].as_str().expect("a mark").to_owned());
        }
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

/// How many operations were once of unknown outcome: proof that kills met writes under way.
async fn unknown(store: &Store) -> usize {
    let filter = LedgerFilter { fact: Some("operation-moved".into()), ..LedgerFilter::default() };
    let mut operations = BTreeSet::new();
    let mut after = None;
    loop {
        let items = store.ledger_page(&filter, after, 500).await.expect("a page");
        let Some(last) = items.last() else { return operations.len() };
        after = Some(last.entry.seq);
        for item in &items {
            if let Some(Fact::OperationMoved { operation, state: OperationState::OutcomeUnknown { .. }, .. }) =
                &item.fact
            {
                operations.insert(*operation);
            }
        }
    }
}

#[tokio::test]
async fn killed_at_random_moments_nothing_is_lost_and_nothing_doubled() {
    let wanted = Wanted { halo_poll_secs: 1, settle_secs: 2, ..Wanted::default() };
    let mut story = Story::new(&["--seed", "11", "--latency-ms", "15"], &wanted);
    let kills = number("HALOBRIDGE_KILLS", 12);
    for _ in 0..kills {
        story.life().await;
    }
    ends_well(story, kills).await;
}

#[tokio::test]
async fn killed_while_answers_are_lost_and_reads_are_stale() {
    let wanted = Wanted { halo_poll_secs: 1, settle_secs: 5, ..Wanted::default() };
    let mut story = Story::new(&["--seed", "12", "--latency-ms", "5"], &wanted);
    let (twin, http) = (&story.place.twin, &story.place.http);
    // Halo's reads show the past, but not as far back as a lost create is looked for.
    twin.post(http, "switches", &json!({"stale_ms": "1500", "list_stale_ms": "1500"})).await;
    for fault in [
        json!({"effect": "lost_answer", "kind": "halo.tickets.post", "probability": 0.25}),
        json!({"effect": "lost_answer", "kind": "halo.actions.post", "probability": 0.25}),
        json!({"effect": "lost_answer", "kind": "sentinel.comment.put", "probability": 0.25}),
        json!({"effect": "lost_answer", "kind": "sentinel.incident.put", "probability": 0.25}),
        json!({"effect": "stale_read", "side": "arm", "ms": 1500, "probability": 0.2}),
    ] {
        twin.post(http, "faults", &fault).await;
    }
    let kills = number("HALOBRIDGE_KILLS", 12);
    for _ in 0..kills {
        story.life().await;
    }
    ends_well(story, kills).await;
}
