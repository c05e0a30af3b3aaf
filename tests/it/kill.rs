//! Bar R7: the real program, killed at random moments of its work against the twin in another process. What it
//! acknowledged is there, and the simulation's invariants hold (`docs/PROVE.md`): they are asked of the twin's log and
//! end state and of the database.
//!
//! `HALOBRIDGE_KILLS` sets how often it is killed (12), `HALOBRIDGE_KILL_SEED` what is drawn.

use std::{collections::BTreeSet, time::Duration};

use halobridge::{
    clock::{IdSource, SeededIds},
    domain::operation::OperationState,
    ledger::fact::Fact,
    prove::{
        invariants::Violation,
        outside::{Outside, Told},
        shape::Place,
        words::client_mark,
    },
    store::{DeliveryFilter, LedgerFilter, Store},
    twin::options::Product,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::outside::{CUSTOMERS, Installation, Wanted, until};

/// Acts of a round; then it idles until it is killed.
const ACTS: usize = 15;
/// What people write begins so, followed by a number that is used once.
const SAID: &str = "said-in-sentinel-";
const TOLD: &str = "told-in-halo-";
/// So many polls of Halo without a write are silence.
const LOOKS: u64 = 5;

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
    workspaces: Vec<Place>,
}

impl Story {
    async fn new(args: &[&str], wanted: &Wanted) -> Self {
        let seed = number("HALOBRIDGE_KILL_SEED", 7);
        let place = Installation::new(args, wanted);
        place.twin.post(&place.http, "calls", &json!({"bodies": true})).await;
        let names = place.workspaces().into_iter().enumerate();
        let workspaces = names.map(|(n, workspace)| Place { workspace, client: n % CUSTOMERS, mode: "two-way" });
        Self {
            workspaces: workspaces.collect(),
            place,
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

    /// Something that a person says about a client, and that nobody says again.
    fn words(&mut self, beginning: &str, client: usize) -> String {
        format!("{beginning}{:06} {} please", self.mark(), client_mark(client))
    }

    /// Raises an incident in one of the workspaces.
    async fn raise(&mut self, address: &str, n: usize) {
        let Place { workspace, client, .. } = self.workspaces[n].clone();
        let (twin, http) = (&self.place.twin, &self.place.http);
        let body = json!({"workspace": workspace, "title": format!("Odd sign-in, {}", client_mark(client))});
        let incident = twin.post(http, "acts/incident.create", &body).await;
        self.incidents.push((workspace.clone(), incident.clone()));
        self.announce(address, workspace, incident).await;
    }

    /// An analyst comments on an incident.
    async fn comment(&mut self, address: &str, (workspace, incident): (String, Value)) {
        let client = self.workspaces.iter().find(|place| place.workspace == workspace).expect("known").client;
        let message = self.words(SAID, client);
        let (twin, http) = (&self.place.twin, &self.place.http);
        let body = json!({"workspace": workspace, "incident": incident["name"], "message": message});
        twin.post(http, "acts/incident.comment", &body).await;
        self.announce(address, workspace, incident).await;
    }

    /// An analyst gives an incident another severity and another label.
    async fn rate(&mut self, address: &str, (workspace, incident): (String, Value)) {
        let severity = ["High", "Medium", "Low", "Informational"][self.draws.below(4)];
        let label = format!("label-{}", self.mark());
        let (twin, http) = (&self.place.twin, &self.place.http);
        let body = json!({
            "workspace": workspace, "incident": incident["name"], "severity": severity, "labels": [label],
        });
        twin.post(http, "acts/incident.update", &body).await;
        self.announce(address, workspace, incident).await;
    }

    /// An agent writes a note into a ticket.
    async fn note(&mut self, ticket: &Value) {
        let id = ticket["client_id"].as_i64().expect("a client") - Product::Itsm.first_client_id();
        let note = self.words(TOLD, usize::try_from(id).expect("one of ours"));
        let (twin, http) = (&self.place.twin, &self.place.http);
        let body = json!({"ticket_id": ticket["id"], "note": note, "private": false});
        twin.post(http, "acts/ticket.note", &body).await;
    }

    /// An agent moves a ticket between open statuses.
    async fn move_on(&self, ticket: &Value) {
        let status = ["New", "In Progress", "On Hold"][self.draws.below(3)];
        let (twin, http) = (&self.place.twin, &self.place.http);
        let body = json!({"ticket_id": ticket["id"], "status": status});
        twin.post(http, "acts/ticket.status", &body).await;
    }

    /// A ticket that is there by now.
    async fn any_ticket(&self) -> Option<Value> {
        let state = self.place.twin.get(&self.place.http, "state").await;
        let tickets = tickets(&state);
        (!tickets.is_empty()).then(|| tickets[self.draws.below(tickets.len())].clone())
    }

    /// One thing that people or rules do.
    async fn act(&mut self, address: &str) {
        match self.draws.below(8) {
            0..=2 => {
                let n = self.draws.below(self.workspaces.len());
                self.raise(address, n).await;
            }
            3 | 4 => {
                let Some(found) = self.any_incident() else { return };
                self.comment(address, found).await;
            }
            5 => {
                let Some(found) = self.any_incident() else { return };
                self.rate(address, found).await;
            }
            6 => {
                let Some(ticket) = self.any_ticket().await else { return };
                self.move_on(&ticket).await;
            }
            _ => {
                let Some(ticket) = self.any_ticket().await else { return };
                self.note(&ticket).await;
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

/// What the twin has been asked for and told so far, counted.
#[derive(Debug, Clone, Copy)]
struct Round {
    /// Lists of tickets.
    tickets: u64,
    /// Lists of incidents.
    incidents: u64,
    /// Writes to either side.
    writes: u64,
}

impl Story {
    async fn round(&self) -> Round {
        let summary = self.place.twin.get(&self.place.http, "calls/summary").await;
        let count = |kind: &str| summary["kinds"][kind]["calls"].as_u64().unwrap_or(0);
        let writes = ["halo.tickets.post", "halo.actions.post", "sentinel.incident.put", "sentinel.comment.put"];
        Round {
            tickets: count("halo.tickets.list"),
            incidents: count("sentinel.incident.list"),
            writes: writes.into_iter().map(count).sum(),
        }
    }

    /// The twin's time.
    async fn now(&self) -> Timestamp {
        let clock = self.place.twin.get(&self.place.http, "clock").await;
        clock["now"].as_str().expect("a time").parse().expect("a time")
    }

    /// What an onlooker is told.
    async fn told(&self, crashes: u64, silent_from: Timestamp) -> Told {
        let (twin, http) = (&self.place.twin, &self.place.http);
        let calls = twin.get(http, "calls?limit=1000000").await;
        let kept = calls["calls"].as_array().expect("calls").len();
        assert_eq!(calls["total"].as_u64(), u64::try_from(kept).ok(), "the twin has forgotten none");
        Told {
            state: twin.get(http, "state").await,
            calls,
            places: self.workspaces.clone(),
            product: Product::Itsm,
            clients: CUSTOMERS,
            crashes,
            silent_from,
            now: self.now().await,
        }
    }

    /// Waits until nothing is under way, several polls have passed without a write, and nothing is missing any more; since
    /// when it has been silent. What is still wrong then is for the last judgement.
    async fn silence(&self, store: &Store, crashes: u64) -> Timestamp {
        let mut quiet: Option<(Round, Timestamp)> = None;
        let what = format!("nothing is missing and nothing written; log in {}", self.place.log().display());
        until(&what, 300, async || {
            let queue = store.queue_counts().await.expect("counts");
            let waiting = store.deliveries_waiting(1).await.expect("deliveries").len();
            let round = self.round().await;
            let busy = queue.open > 0 || waiting > 0;
            let Some((began, since)) = quiet.filter(|(began, _)| !busy && began.writes == round.writes) else {
                quiet = Some((round, self.now().await));
                return None;
            };
            if round.tickets < began.tickets + LOOKS {
                return None;
            }
            let found = seen(self.told(crashes, since).await, store).await.judge();
            // What only time mends: a ticket, words or a value that has not arrived.
            let mended = |wrong: &&Violation| matches!(wrong.number, 1 | 3 | 8 | 9);
            let missing: Vec<&Violation> = found.iter().filter(mended).collect();
            if missing.is_empty() {
                return Some(since);
            }
            eprintln!("still waited for: {missing:?}");
            quiet = None;
            None
        })
        .await
    }

    /// A new start over the same database writes nothing: the second half of invariant 11.
    async fn starts_again(&self) {
        let began = self.round().await;
        let (mut server, _) = self.place.serve();
        let workspaces = u64::try_from(self.workspaces.len()).expect("few");
        let ended = until("the new start has looked at both sides", 120, async || {
            let round = self.round().await;
            let looked = round.tickets >= began.tickets + LOOKS && round.incidents >= began.incidents + workspaces;
            looked.then_some(round)
        })
        .await;
        assert_eq!(server.stop().await.code(), Some(0), "SIGTERM is a graceful stop");
        assert_eq!(ended.writes, began.writes, "a new start writes nothing");
    }
}

/// What was told, beside the database.
async fn seen(told: Told, store: &Store) -> Outside {
    told.beside(store).await.expect("the database is read")
}

/// Lives until everything has crossed and nothing is under way, then stops and checks.
async fn ends_well(mut story: Story, kills: u64) {
    story.place.twin.delete(&story.place.http, "faults").await;
    let (mut server, address) = story.place.serve();
    story.send_again(&address).await;
    assert!(story.unheard.is_empty(), "a running server acknowledges webhooks");
    let store = story.place.store().await;
    let silent_from = story.silence(&store, kills).await;
    let ended = server.stop().await;
    assert_eq!(ended.code(), Some(0), "SIGTERM is a graceful stop");

    let outside = seen(story.told(kills, silent_from).await, &store).await;
    let said = outside.watch().said.len();
    let incidents = outside.ending.incidents.len();
    assert!(incidents > 0 && said > 0, "the world moved");
    let wrong = outside.judge();
    assert!(wrong.is_empty(), "{wrong:#?}");

    let bodies = bodies(&store).await;
    let lost: Vec<_> = story.acknowledged.iter().filter(|mark| !bodies.contains(*mark)).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    eprintln!(
        "{kills} kills: {incidents} incidents, {said} comments and notes each on the other side once, {} webhooks \
         acknowledged and kept; {} writes were cut off under way and settled by looking",
        story.acknowledged.len(),
        unknown(&store).await,
    );
    story.starts_again().await;
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
    let mut story = Story::new(&["--seed", "11", "--latency-ms", "15"], &wanted).await;
    let kills = number("HALOBRIDGE_KILLS", 12);
    for _ in 0..kills {
        story.life().await;
    }
    ends_well(story, kills).await;
}

#[tokio::test]
async fn killed_while_answers_are_lost_and_reads_are_stale() {
    let wanted = Wanted { halo_poll_secs: 1, settle_secs: 5, ..Wanted::default() };
    let mut story = Story::new(&["--seed", "12", "--latency-ms", "5"], &wanted).await;
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

/// Numbers of the invariants that do not hold.
fn broken(outside: &Outside) -> BTreeSet<u8> {
    outside.judge().iter().map(|wrong| wrong.number).collect()
}

/// The twin's log, to be doctored.
fn log(told: &mut Told) -> &mut Vec<Value> {
    told.calls["calls"].as_array_mut().expect("calls")
}

/// The actions of the first ticket, to be doctored.
fn actions(told: &mut Told) -> &mut Vec<Value> {
    told.state["halo"]["halo"]["tickets"][0]["actions"].as_array_mut().expect("actions")
}

fn carries(action: &Value, beginning: &str) -> bool {
    action["note"].as_str().is_some_and(|note| note.contains(beginning))
}

/// Whether the judgement would see it: the same evidence, each time with one thing in it that must not be.
#[tokio::test]
async fn what_is_taken_away_doubled_or_misplaced_is_seen() {
    let wanted = Wanted { halo_poll_secs: 1, settle_secs: 2, ..Wanted::default() };
    let mut story = Story::new(&["--seed", "13"], &wanted).await;
    let (mut server, address) = story.place.serve();
    story.raise(&address, 0).await;
    let first = story.incidents[0].clone();
    story.comment(&address, first).await;
    let ticket = until("there is a ticket", 60, async || {
        let state = story.place.twin.get(&story.place.http, "state").await;
        tickets(&state).first().map(|ticket| (*ticket).clone())
    })
    .await;
    story.note(&ticket).await;
    let first = story.incidents[0].clone();
    story.rate(&address, first).await;
    let body = json!({"ticket_id": ticket["id"], "status": "In Progress"});
    story.place.twin.post(&story.place.http, "acts/ticket.status", &body).await;
    let store = story.place.store().await;
    let silent_from = story.silence(&store, 0).await;
    server.stop().await;
    let told = story.told(0, silent_from).await;
    let as_it_is = seen(told.clone(), &store).await;
    assert!(as_it_is.judge().is_empty(), "{:#?}", as_it_is.judge());
    assert_eq!(as_it_is.watch().said.len(), 2, "a comment and a note were heard");

    // The database knows of no ticket.
    let mut forgotten = seen(told.clone(), &store).await;
    let ended = &mut forgotten.ending.incidents[0];
    ended.row.as_mut().expect("a pair").pair.ticket = None;
    ended.ticket = None;
    assert!(broken(&forgotten).contains(&1));

    // Halo has no such ticket, and never had.
    let mut gone = told.clone();
    gone.state["halo"]["halo"]["tickets"].as_array_mut().expect("tickets").clear();
    log(&mut gone).retain(|call| call["kind"] != "halo.tickets.post");
    assert!(broken(&seen(gone, &store).await).contains(&2));

    // The ticket was made a second time.
    let mut twice = told.clone();
    let is_creation = |call: &&Value| call["kind"] == "halo.tickets.post" && call["sent"][0]["id"].is_null();
    let mut creation = log(&mut twice).iter().find(is_creation).expect("a creation").clone();
    let made = if creation["answered"].is_array() { &mut creation["answered"][0] } else { &mut creation["answered"] };
    made["id"] = json!(made["id"].as_i64().expect("a number") + 1);
    creation["number"] = json!(log(&mut twice).len() + 1);
    log(&mut twice).push(creation);
    assert!(broken(&seen(twice, &store).await).contains(&1));

    // The comment's copy stands in the ticket twice, or not at all.
    let mut doubled = told.clone();
    let mut copy = actions(&mut doubled).iter().find(|action| carries(action, SAID)).expect("a copy").clone();
    copy["id"] = json!(copy["id"].as_i64().expect("a number") + 1_000);
    actions(&mut doubled).push(copy);
    assert!(broken(&seen(doubled, &store).await).contains(&3));
    let mut lost = told.clone();
    actions(&mut lost).retain(|action| !carries(action, SAID));
    assert!(broken(&seen(lost, &store).await).contains(&3));

    // The comment came back to its incident.
    let mut echoed = told.clone();
    let place = echoed.state["workspaces"].as_array().expect("workspaces").iter();
    let at = place.take_while(|workspace| workspace["incidents"].as_array().expect("incidents").is_empty()).count();
    let comments = echoed.state["workspaces"][at]["incidents"][0]["comments"].as_array_mut().expect("comments");
    let mut echo = comments[0].clone();
    let said =
        comments.iter().find_map(|comment| comment["properties"]["message"].as_str().filter(|m| m.contains(SAID)));
    echo["properties"]["message"] = json!(format!("again: {}", said.expect("a comment")));
    echo["name"] = json!("00000000-0000-4000-8000-000000000000");
    comments.push(echo);
    assert!(broken(&seen(echoed, &store).await).contains(&4));

    // Something was written in the silence.
    let mut loud = told.clone();
    loud.silent_from = silent_from - Duration::from_secs(3_600);
    assert!(broken(&seen(loud, &store).await).contains(&5));

    // A write of ours took an analyst's label away.
    let mut bare = told.clone();
    let is_change = |call: &&mut Value| call["kind"] == "sentinel.incident.put";
    let change = log(&mut bare).iter_mut().rfind(is_change).expect("the ticket's status went to the incident");
    change["answered"]["properties"]["labels"] = json!([]);
    assert!(broken(&seen(bare, &store).await).contains(&6));

    // What was written to one client's ticket is about another.
    let mut mixed = told;
    let is_note = |call: &&mut Value| call["kind"] == "halo.actions.post";
    let note = log(&mut mixed).iter_mut().find(is_note).expect("a note of ours");
    note["sent"][0]["note"] = json!(format!("about {}", client_mark(1)));
    assert!(broken(&seen(mixed, &store).await).contains(&15));
}
