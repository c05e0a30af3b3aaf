//! Pushing a ticket to Sentinel, end to end.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use halobridge::{
    clock::Clock as _,
    domain::{
        account::Scope,
        delivery::DeliverySource,
        ids::{IncidentId, PairId, TicketId},
        operation::{Operation, OperationState},
        pair::{Health, Pair},
        pause::PauseScope,
        reason::Reason,
        run::RunCause,
        view::{not_linked::PushRow, pair::PairView, tickets::FoundTicket},
    },
    engine::{
        Unit,
        push::{PUSH, kept},
    },
    ledger::fact::Fact,
    service::{
        acts, approvals,
        caller::Caller,
        decisions,
        error::ServiceError,
        incidents, links, pairs, pauses,
        pushes::{self, Pushed},
        tickets,
    },
    store::{LedgerFilter, SituationRow},
    twin::options::Product,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{bridge::*, person::operator};

/// Requests that were sent with PUT: path and body.
type Puts = Arc<Mutex<Vec<(String, Value)>>>;

/// A workspace that is joined to Defender, whose incidents show at once.
const JOINED: [(&str, &str); 3] = [("defender", "true"), ("automation_delay_s", "0"), ("defender_delay_s", "0")];
/// A policy that pushes tickets of a type once a webhook names them.
const BY_TYPE: &str = "push = { ticket_types = [\"Security Incident\"] }";

impl Bridge {
    async fn push(&self, ticket: i64, anyway: bool) -> Result<pushes::Pushed, ServiceError> {
        let (app, olga) = operator(self);
        let workspace = self.workspace(0).await.id;
        let asked = pushes::ask(&app, &olga, workspace, &ticket.to_string(), anyway).await;
        self.run().await;
        asked
    }

    /// What the page says of the last push: whether it has a pair, and why it was refused.
    async fn pushed(&self) -> (bool, Option<String>) {
        let row = self.recent_pushes().await.into_iter().next().expect("it is shown");
        (row.pair.is_some(), row.refused)
    }

    /// The pushes that the page shows, the last one first.
    async fn recent_pushes(&self) -> Vec<PushRow> {
        let (app, olga) = operator(self);
        incidents::view(&app, &olga, Default::default()).await.unwrap().push.recent
    }

    /// The last push came to nothing, and the page says why.
    async fn refused_for(&self, says: &str) {
        let (paired, refused) = self.pushed().await;
        assert!(!paired && refused.as_ref().is_some_and(|why| why.contains(says)), "{refused:?}");
    }

    /// Who pushes a ticket is told first that the workspace is joined to Defender.
    async fn warns_of_defender(&self, ticket: i64, case: &str) {
        let asked = self.push(ticket, false).await;
        let Err(ServiceError::Invalid(problems)) = asked else { panic!("{case}: {asked:?}") };
        assert!(problems[0].problem.contains("joined to Defender"), "{case}: {problems:?}");
    }

    /// What is known of the pair that a ticket was pushed into.
    async fn pushed_into(&self, ticket: i64) -> SituationRow {
        let halo = self.store.installation().await.unwrap().halo[0].id;
        let pairs = self.store.pairs_of_ticket(halo, TicketId(ticket)).await.unwrap();
        assert_eq!(pairs.len(), 1, "{pairs:?}");
        self.store.situation(pairs[0].id).await.unwrap().expect("it is known")
    }

    /// The write that makes the incident of that pair.
    async fn making(&self, ticket: i64) -> Operation {
        let row = self.pushed_into(ticket).await;
        let [making] = row.operations.as_slice() else { panic!("{:?}", row.operations) };
        assert!(making.kind.makes_incident(), "{making:?}");
        making.clone()
    }

    async fn page_of_pushed(&self, ticket: i64) -> PairView {
        let (app, caller) = self.console();
        pairs::view(&app, &caller, self.pushed_into(ticket).await.pair.id, "").await.unwrap()
    }

    /// A webhook of Halo's names a ticket; nothing is done about it yet.
    async fn names(&self, ticket: i64) {
        let connection = self.store.installation().await.unwrap().halo[0].id;
        let body = json!({ "event": "Ticket Updated", "object_id": ticket, "ticket": { "id": ticket } }).to_string();
        self.receive(DeliverySource::Halo { connection }, body.as_bytes()).await;
    }

    /// A webhook of Halo's names a ticket, and what comes of it is done.
    async fn named(&self, ticket: i64) {
        self.names(ticket).await;
        self.cross().await;
    }

    /// What is sent with PUT from here on, until [`Self::mutate_no_more`].
    fn keep_puts(&self) -> Puts {
        let sent = Puts::default();
        let kept = Arc::clone(&sent);
        self.mutate(move |request, _| {
            let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
            if request.method() == http::Method::PUT {
                let body = serde_json::from_slice(request.body()).unwrap_or_default();
                kept.lock().unwrap().push((path, body));
            }
        });
        sent
    }

    /// Sentinel answers so when an incident is made.
    fn answers_making(&self, status: u16) {
        self.fault(json!({ "effect": "status", "status": status, "kind": "sentinel.incident.put" }));
    }

    pub fn opened(&self, place: i64) -> i64 {
        let priority = match self.setup.product {
            Product::Itsm => "P3 - Medium",
            Product::Psa => "Medium",
        };
        let body = json!({
            "summary": "Phone call about a login", "details": "They saw a strange prompt.", "agent": AGENT,
            "client_id": self.setup.product.first_client_id() + place, "priority": priority,
            "tickettype": "Security Incident",
        });
        self.act("ticket.create", body)["id"].as_i64().unwrap()
    }
}

fn setup(product: Product) -> Setup {
    Setup { notes: "all", ..Setup::new(product) }
}

/// A bridge whose policy pushes tickets of a type; both sides have been read.
async fn pushes_by_type(product: Product) -> Bridge {
    let bridge = Bridge::with(Setup { policy: BY_TYPE.to_owned(), ..setup(product) }).await;
    bridge.cross().await;
    bridge
}

/// A webhook names a ticket of that type, whose reading Halo answers so: `status`, and `count` where not for ever.
async fn named_and_not_read(product: Product, mut answer: Value) -> Bridge {
    let bridge = pushes_by_type(product).await;
    let ticket = bridge.opened(0);
    answer["effect"] = "status".into();
    answer["kind"] = "halo.tickets.get".into();
    bridge.fault(answer);
    bridge.named(ticket).await;
    bridge
}

/// Head and body of a request as pages show it, its token masked.
fn head_and_body(shown: &str) -> (&str, Value) {
    let (head, body) = shown.split_once("\n\n").unwrap();
    assert!(head.starts_with("PUT ") && head.contains("Authorization: Bearer \u{2022}"), "{head}");
    (head, serde_json::from_str(body).unwrap())
}

both! {
    async fn a_pushed_ticket_is_one_incident_whatever_happens_on_the_way(product) {
        for effect in ["none", "lost_answer", "cut", "half_body"] {
            let mut bridge = Bridge::with(setup(product)).await;
            let ticket = bridge.opened(0);
            bridge.note(ticket, "<p>they called again</p>", json!({}));
            if effect != "none" {
                bridge.fault(json!({ "effect": effect, "kind": "sentinel.incident.put", "count": 2 }));
            }
            bridge.push(ticket, false).await.unwrap();
            bridge.push(ticket, false).await.unwrap();
            bridge.pass(300).await;
            bridge.restart().await;
            bridge.pass(300).await;
            let incidents = bridge.incidents(0);
            assert_eq!(incidents.len(), 1, "{effect}");
            let incident = incidents[0]["name"].as_str().unwrap().to_owned();
            assert_eq!(incidents[0]["properties"]["title"], "Phone call about a login", "{effect}");
            assert_eq!(incidents[0]["properties"]["severity"], "Medium", "{effect}");
            assert_eq!(bridge.ticket_of(&incident).await, ticket, "{effect}");
            assert_eq!(bridge.tickets().len(), 1, "{effect}: the incident gets no ticket of its own");
            assert_eq!(bridge.pushed().await, (true, None), "{effect}");
            // It is a pair like any other from then on.
            assert!(bridge.comments_of(&incident).iter().any(|said| said.contains("they called again")), "{effect}");
            bridge.comment(&incident, "looked into it");
            bridge.cross().await;
            assert!(bridge.notes_of(ticket).iter().any(|note| words(note).contains("looked into it")), "{effect}");
            bridge.close_ticket_as(ticket, 3);
            bridge.cross().await;
            assert_eq!(bridge.incident(&incident)["properties"]["status"], "Closed", "{effect}");
            let writes = bridge.writes();
            bridge.pass(1_800).await;
            assert_eq!(bridge.writes(), writes, "{effect}: and rests");
            bridge.finish().await;
        }
    }

    async fn a_pushed_incident_that_is_met_before_its_answer_gets_no_ticket_of_its_own(product) {
        for effect in ["lost_answer", "half_body", "cut"] {
            let mut bridge = Bridge::with(setup(product)).await;
            let ticket = bridge.opened(0);
            bridge.fault(json!({ "effect": effect, "kind": "sentinel.incident.put", "count": 1 }));
            bridge.push(ticket, false).await.unwrap();
            let workspace = bridge.workspace(0).await.id;
            bridge.engine.poke_workspace(workspace, RunCause::Person);
            bridge.run().await;
            assert_eq!(bridge.tickets().len(), 1, "{effect}");
            bridge.restart().await;
            bridge.pass(300).await;
            let incident = bridge.incidents(0)[0]["name"].as_str().unwrap().to_owned();
            assert_eq!((bridge.tickets().len(), bridge.ticket_of(&incident).await), (1, ticket), "{effect}");
            assert_eq!(bridge.reason_of(&incident).await, None, "{effect}: nobody is asked about anything");
            assert_eq!(bridge.pushed().await, (true, None), "{effect}");
            bridge.finish().await;
        }
    }

    async fn a_push_that_the_backup_has_forgotten_makes_no_second_ticket(product) {
        let mut bridge = Bridge::with(setup(product)).await;
        bridge.pass(60).await;
        let backup = bridge.store.snapshot().await.unwrap();
        let ticket = bridge.opened(0);
        bridge.push(ticket, false).await.unwrap();
        bridge.pass(120).await;
        bridge.restore(&backup).await;
        bridge.pass(600).await;
        let incident = bridge.incidents(0)[0]["name"].as_str().unwrap().to_owned();
        assert_eq!((bridge.tickets().len(), bridge.ticket_of(&incident).await), (1, ticket));
        bridge.finish().await;
    }

    async fn what_a_push_writes_is_shown_first_and_what_is_refused_can_be_pushed_again(product) {
        let bridge = Bridge::with(setup(product)).await;
        let sent = bridge.keep_puts();
        // It waits: what will be written can be read already.
        let ticket = bridge.opened(0);
        bridge.answers_making(503);
        bridge.push(ticket, false).await.unwrap();
        assert_eq!(bridge.incidents(0).len(), 0);
        let waiting = bridge.recent_pushes().await.remove(0);
        assert!(!waiting.again && waiting.refused.is_none() && waiting.waits.is_some(), "{waiting:?}");
        assert!(waiting.becomes.is_some_and(|becomes| becomes.contains("Phone call about a login")));
        let shown = waiting.request.expect("the request is shown");
        let (head, body) = head_and_body(&shown);
        bridge.heal();
        sent.lock().unwrap().clear();
        bridge.pass(120).await;
        assert_eq!(bridge.pushed().await, (true, None));
        let (path, first) = sent.lock().unwrap().first().cloned().expect("it was sent");
        assert!(head.lines().next().is_some_and(|line| line.ends_with(&path)), "{head}\n{path}");
        assert_eq!(first, body, "the bytes sent are those shown");
        // Refused, it is kept with what was to be written, longer than other answers, until it is pushed again.
        let ticket = bridge.opened(0);
        bridge.answers_making(400);
        bridge.push(ticket, false).await.unwrap();
        bridge.pass(120).await;
        let dead = bridge.recent_pushes().await.remove(0);
        assert!(dead.again && dead.refused.is_some() && dead.request.is_some(), "{dead:?}");
        bridge.heal();
        bridge.pass(300).await;
        assert_eq!(bridge.incidents(0).len(), 1, "nothing is pushed again by itself");
        bridge.push(ticket, false).await.unwrap();
        bridge.pass(60).await;
        assert_eq!((bridge.incidents(0).len(), bridge.pushed().await), (2, (true, None)));
        assert!(bridge.recent_pushes().await.iter().all(|row| !row.again), "it is a dead letter no more");
        // While its connection is paused nothing is written.
        let (app, admin) = bridge.admin();
        let connection = PauseScope::Connection { id: bridge.workspace(0).await.connection };
        pauses::pause(&app, &admin, connection, "").await.unwrap();
        bridge.push(bridge.opened(0), false).await.unwrap();
        bridge.pass(120).await;
        assert_eq!((bridge.incidents(0).len(), bridge.pushed().await), (2, (false, None)));
        pauses::resume(&app, &admin, connection).await.unwrap();
        bridge.pass(120).await;
        assert_eq!((bridge.incidents(0).len(), bridge.pushed().await), (3, (true, None)));
        bridge.mutate_no_more();
        bridge.finish().await;
    }

    async fn a_push_is_planned_in_the_chain_and_shown_on_its_pair_before_it_is_sent(product) {
        let bridge = Bridge::with(setup(product)).await;
        let sent = bridge.keep_puts();
        let ticket = bridge.opened(0);
        bridge.answers_making(503);
        bridge.push(ticket, false).await.unwrap();
        let row = bridge.pushed_into(ticket).await;
        assert!(row.subject.incident.drafted() && row.pair.ticket == Some(TicketId(ticket)));
        let filter = LedgerFilter { pair: Some(row.pair.id), ..LedgerFilter::default() };
        let mut entries = bridge.store.ledger_page(&filter, None, 100).await.unwrap();
        entries.reverse();
        let at = |fact: &str| entries.iter().position(|item| item.entry.fact == fact).expect("it is in the chain");
        assert!(at("pair-opened") < at("operation-planned") && at("operation-planned") < at("operation-moved"));
        assert_eq!(entries[at("pair-opened")].entry.at, entries[at("operation-planned")].entry.at, "in one step");
        // The pair's page shows it as any other write.
        let view = bridge.page_of_pushed(ticket).await;
        let [making] = view.queue.as_slice() else { panic!("{:?}", view.queue) };
        assert_eq!((making.words.as_str(), making.attempts), ("Create the incident of the pushed ticket", 1));
        assert_eq!(making.reason, Reason::Pushed);
        let shown = making.body.clone().expect("the request is shown");
        let (_, body) = head_and_body(&shown);
        bridge.heal();
        sent.lock().unwrap().clear();
        bridge.pass(120).await;
        let (_, first) = sent.lock().unwrap().first().cloned().expect("it was sent");
        assert_eq!(first, body, "the bytes sent are those shown");
        assert_eq!(bridge.pushed().await, (true, None));
        assert!(bridge.page_of_pushed(ticket).await.queue.is_empty());
        bridge.mutate_no_more();
        bridge.finish().await;
    }

    async fn a_refused_push_is_a_dead_letter_that_is_tried_again_from_what_the_ticket_says_by_then(product) {
        let bridge = Bridge::with(setup(product)).await;
        let ticket = bridge.opened(0);
        bridge.answers_making(400);
        bridge.push(ticket, false).await.unwrap();
        assert_eq!(bridge.page_of_pushed(ticket).await.dead.len(), 1);
        // Whole readings of both sides take the incident for none that was deleted, and nothing sends it again.
        let writes = bridge.writes();
        bridge.heal();
        bridge.pass_by(13 * 3_600, 300).await;
        let row = bridge.pushed_into(ticket).await;
        assert_eq!((row.pair.gone, row.pair.health), (None, Health::NeedsYou));
        assert_eq!((bridge.incidents(0).len(), bridge.writes()), (0, writes));
        bridge.act("ticket.update", json!({ "ticket_id": ticket, "summary": "Two phone calls about a login" }));
        bridge.cross().await;
        let (app, olga) = operator(&bridge);
        acts::retry(&app, &olga, bridge.making(ticket).await.id).await.unwrap();
        bridge.run().await;
        let incidents = bridge.incidents(0);
        assert_eq!(incidents.len(), 1);
        assert_eq!(incidents[0]["properties"]["title"], "Two phone calls about a login");
        bridge.cross().await;
        let row = bridge.pushed_into(ticket).await;
        assert!(row.operations.is_empty() && row.pair.reason.is_none(), "{row:?}");
        assert_eq!(bridge.pushed().await, (true, None), "who asked sees that it is there");
        bridge.finish().await;
    }

    async fn a_push_that_a_person_drops_is_made_when_it_is_pushed_again(product) {
        for unlinked in [false, true] {
            let bridge = Bridge::with(setup(product)).await;
            let (app, olga) = operator(&bridge);
            let ticket = bridge.opened(0);
            bridge.answers_making(400);
            bridge.push(ticket, false).await.unwrap();
            acts::drop_operation(&app, &olga, bridge.making(ticket).await.id).await.unwrap();
            bridge.heal();
            bridge.pass_by(7 * 3_600, 300).await;
            let row = bridge.pushed_into(ticket).await;
            assert_eq!(row.pair.reason.as_ref().map(Reason::code), Some("dropped"), "{unlinked}");
            assert_eq!((row.pair.health, bridge.incidents(0).len()), (Health::Healthy, 0), "{unlinked}");
            if unlinked {
                links::unlink(&app, &olga, row.pair.id).await.unwrap();
                let (workspace, incident) = (row.pair.workspace, row.pair.incident.clone());
                let subject = bridge.store.subject(workspace, &incident).await.unwrap().unwrap();
                let held = subject.held.map(|reason| reason.words()).unwrap_or_default();
                assert!(held.contains("never made in Sentinel"), "{held}");
                let made = links::make_ticket(&app, &olga, workspace, &incident).await;
                assert!(matches!(made, Err(ServiceError::Invalid(_))), "{made:?}");
                bridge.pass(600).await;
                assert_eq!(bridge.tickets().len(), 1, "nor does it get a ticket by itself");
            }
            bridge.push(ticket, false).await.unwrap();
            assert_eq!((bridge.incidents(0).len(), bridge.pushed().await), (1, (true, None)), "{unlinked}");
            bridge.finish().await;
        }
    }

    async fn a_push_is_over_when_its_pair_is_unlinked_before_its_incident_is_there(product) {
        let bridge = Bridge::with(setup(product)).await;
        let (app, olga) = operator(&bridge);
        let ticket = bridge.opened(0);
        bridge.answers_making(429);
        bridge.push(ticket, false).await.unwrap();
        links::unlink(&app, &olga, bridge.pushed_into(ticket).await.pair.id).await.unwrap();
        bridge.heal();
        bridge.pass(300).await;
        bridge.refused_for("unlinked").await;
        assert_eq!((bridge.incidents(0).len(), bridge.tickets().len()), (0, 1));
        bridge.push(ticket, false).await.unwrap();
        assert_eq!((bridge.incidents(0).len(), bridge.pushed().await), (1, (true, None)));
        bridge.finish().await;
    }

    async fn what_was_pushed_for_one_client_is_not_pushed_for_another(product) {
        let bridge = Bridge::with(setup(product)).await;
        bridge.cross().await;
        let (first, second) = (bridge.workspace(0).await, bridge.workspace(1).await);
        let ticket = bridge.opened(0);
        bridge.fault(json!({ "effect": "status", "status": 503, "kind": "halo.tickets.get" }));
        bridge.push(ticket, false).await.unwrap();
        bridge.give(&first, second.client).await;
        bridge.act("ticket.move", json!({ "ticket_id": ticket, "client_id": product.first_client_id() + 1 }));
        bridge.heal();
        bridge.pass(300).await;
        let (paired, refused) = bridge.pushed().await;
        assert!(!paired && refused.as_ref().is_some_and(|why| why.contains("given to another client")), "{refused:?}");
        assert_eq!(bridge.incidents(0).len(), 0);
        let (app, olga) = operator(&bridge);
        let former = Caller { scope: Scope::Clients(vec![first.client]), ..olga };
        let told = incidents::view(&app, &former, Default::default()).await.unwrap().push.recent;
        assert_eq!(told.iter().map(|row| row.refused.is_some()).collect::<Vec<_>>(), [true], "{told:?}");
        // Asked for again it is the new client's.
        bridge.push(ticket, false).await.unwrap();
        bridge.pass(60).await;
        assert_eq!((bridge.incidents(0).len(), bridge.pushed().await), (1, (true, None)));
        assert_eq!(bridge.pushed_into(ticket).await.pair.client, second.client);
        bridge.finish().await;
    }

    async fn who_sees_a_workspaces_former_client_alone_is_shown_none_of_its_pushes(product) {
        let bridge = Bridge::with(setup(product)).await;
        let (first, second) = (bridge.workspace(0).await, bridge.workspace(1).await);
        let made = bridge.opened(0);
        bridge.push(made, false).await.unwrap();
        assert_eq!(bridge.pushed().await, (true, None));
        bridge.answers_making(429);
        bridge.push(bridge.opened(0), false).await.unwrap();
        let (app, olga) = operator(&bridge);
        let limited = |client| Caller { scope: Scope::Clients(vec![client]), ..olga.clone() };
        let (former, theirs) = (limited(first.client), limited(second.client));
        let told = async |caller: &Caller| incidents::view(&app, caller, Default::default()).await.unwrap().push.recent.len();
        assert_eq!((told(&former).await, told(&theirs).await), (2, 0));
        bridge.give(&first, second.client).await;
        assert_eq!((told(&former).await, told(&theirs).await), (0, 0));
        bridge.heal();
        bridge.pass(300).await;
        assert_eq!(bridge.incidents(0).len(), 1, "the other one is not made for the new client");
        bridge.finish().await;
    }

    async fn a_push_behind_approval_waits_on_its_pair(product) {
        let policy = "approve = [\"push\"]".to_owned();
        for yes in [true, false] {
            let bridge = Bridge::with(Setup { policy: policy.clone(), ..setup(product) }).await;
            let ticket = bridge.opened(0);
            let writes = bridge.writes();
            bridge.push(ticket, false).await.unwrap();
            bridge.pass(300).await;
            assert_eq!((bridge.incidents(0).len(), bridge.writes()), (0, writes));
            assert_eq!(bridge.pushed().await, (false, None));
            let (app, olga) = operator(&bridge);
            let rows = approvals::view(&app, &olga, "").await.unwrap().rows;
            let [row] = rows.as_slice() else { panic!("{rows:?}") };
            assert!(row.planned.body.as_ref().is_some_and(|body| body.contains("Phone call about a login")), "{row:?}");
            let answer = if yes { row.approve.clone() } else { row.reject.clone() };
            decisions::decide(&app, &olga, row.pair, Some(answer)).await.unwrap();
            bridge.pass(60).await;
            let (paired, refused) = bridge.pushed().await;
            assert_eq!((bridge.incidents(0).len(), paired), (usize::from(yes), yes));
            assert_eq!(refused.is_some_and(|why| why.contains("rejected")), !yes);
            bridge.finish().await;
        }
    }

    async fn what_agents_do_before_a_pushed_incident_is_there_crosses_afterwards(product) {
        let policy = "severity = { direction = \"both\" }".to_owned();
        let bridge = Bridge::with(Setup { policy, ..setup(product) }).await;
        let (app, olga) = operator(&bridge);
        let ticket = bridge.opened(0);
        bridge.answers_making(429);
        bridge.push(ticket, false).await.unwrap();
        // Its client is paused with the write in its queue.
        let client = PauseScope::Client { id: bridge.workspace(0).await.client };
        pauses::pause(&app, &olga, client, "").await.unwrap();
        bridge.heal();
        bridge.note(ticket, "<p>they called again</p>", json!({}));
        let high = match product { Product::Itsm => "P2 - High", Product::Psa => "High" };
        bridge.act("ticket.update", json!({ "ticket_id": ticket, "priority": high }));
        bridge.pass(600).await;
        assert_eq!((bridge.incidents(0).len(), bridge.pushed().await), (0, (false, None)));
        assert!(matches!(bridge.making(ticket).await.state, OperationState::Planned { .. }), "and nothing beside it");
        pauses::resume(&app, &olga, client).await.unwrap();
        bridge.pass(300).await;
        let incidents = bridge.incidents(0);
        assert_eq!(incidents.len(), 1);
        assert_eq!(incidents[0]["properties"]["severity"], "High");
        let incident = incidents[0]["name"].as_str().unwrap();
        assert!(bridge.comments_of(incident).iter().any(|said| said.contains("they called again")));
        assert_eq!(bridge.pushed().await, (true, None));
        bridge.finish().await;
    }

    /// Neither side moves after the push: what the ticket said by then crosses all the same.
    async fn a_ticket_that_is_in_hand_when_it_is_pushed_gives_its_status_and_agent(product) {
        let bridge = Bridge::with(setup(product)).await;
        let ticket = bridge.opened(0);
        bridge.act("ticket.update", json!({ "ticket_id": ticket, "status": "In Progress", "agent": AGENT }));
        bridge.push(ticket, false).await.unwrap();
        bridge.pass(300).await;
        let incidents = bridge.incidents(0);
        assert_eq!(incidents.len(), 1);
        let properties = &incidents[0]["properties"];
        assert_eq!((&properties["status"], &properties["owner"]["userPrincipalName"]), (&json!("Active"), &json!(ANALYST)));
        assert_eq!(bridge.reason_of(incidents[0]["name"].as_str().unwrap()).await, None);
        bridge.finish().await;
    }

    async fn a_crash_at_any_call_of_a_push_leaves_one_incident(product) {
        let mut unknown = 0;
        for (after, carried_out) in (0..8).flat_map(|after| [(after, false), (after, true)]) {
            let mut bridge = Bridge::with(Setup { on_disk: true, ..setup(product) }).await;
            bridge.pass(60).await;
            let ticket = bridge.opened(0);
            let (app, olga) = operator(&bridge);
            let workspace = bridge.workspace(0).await.id;
            pushes::ask(&app, &olga, workspace, &ticket.to_string(), false).await.unwrap();
            drop(app);
            bridge.run_and_die(Hang { after, carried_out }).await;
            unknown += bridge.store.sending_operations(10).await.unwrap().len();
            bridge.restart_cold().await;
            bridge.pass(300).await;
            assert_eq!((bridge.incidents(0).len(), bridge.tickets().len()), (1, 1), "{after} {carried_out}");
            assert_eq!(bridge.pushed().await, (true, None), "{after} {carried_out}");
            assert!(bridge.pushed_into(ticket).await.operations.is_empty(), "{after} {carried_out}");
            bridge.finish().await;
        }
        assert!(unknown > 0, "it also died while the incident was being made");
    }

    async fn a_push_that_an_older_version_has_taken_up_is_planned_anew(product) {
        let bridge = Bridge::with(setup(product)).await;
        let ticket = bridge.opened(0);
        let workspace = bridge.workspace(0).await;
        let drafted = json!({ "id": "00000000-0000-5000-8000-000000000000", "title": "as it was drafted then" });
        let detail =
            json!({ "workspace": workspace.id, "ticket": ticket, "client": workspace.client, "incident": drafted });
        bridge.store.ask(bridge.clock.now(), PUSH, &detail).await.unwrap();
        bridge.pass(60).await;
        let incidents = bridge.incidents(0);
        assert_eq!(incidents.len(), 1);
        assert_eq!(incidents[0]["properties"]["title"], "Phone call about a login");
        assert_eq!(bridge.pushed().await, (true, None));
        bridge.finish().await;
    }

    async fn a_ticket_that_nobody_linked_is_looked_up_and_says_why(product) {
        let mut bridge = Bridge::with(setup(product)).await;
        let (app, admin) = bridge.admin();
        let ticket = bridge.opened(0);
        let look = async |number: &str| tickets::view(&app, &admin, "", Some(number)).await.unwrap();
        let untouched = tickets::view(&app, &admin, "", None).await.unwrap();
        assert_eq!((untouched.found, untouched.form.problems.len()), (None, 0));
        let empty = look("").await.form;
        assert!(empty.problem("ticket").is_some_and(|why| why.contains("Ticket number in Halo")), "{empty:?}");
        let view = look(&format!("#{ticket}")).await;
        let found = view.found.expect("it is in Halo");
        assert_eq!((found.number, found.summary.as_str()), (ticket, "Phone call about a login"));
        assert_eq!((found.pairs.len(), found.push_to.len(), found.may_link), (0, 1, true));
        let said = |found: &FoundTicket, name: &str| found.gates.iter().find(|gate| gate.name.starts_with(name)).cloned();
        assert!(said(&found, "Client is set up here").is_some_and(|gate| gate.passes));
        assert!(said(&found, "Priority means").is_some_and(|gate| gate.passes && gate.saw == "Medium"), "{:?}", found.gates);
        assert!(said(&found, "A rule of").is_some_and(|gate| gate.remedy.is_some_and(|remedy| remedy.contains("push it here"))));
        // A client who is not set up here; a number that is none; one that Halo does not have.
        let foreign = bridge.opened(2);
        let other = look(&foreign.to_string()).await.found.expect("an admin of all sees it");
        assert!(!other.may_link && other.push_to.is_empty());
        assert!(said(&other, "Client is set up here").is_some_and(|gate| gate.remedy.is_some()), "{:?}", other.gates);
        let limited = Caller { scope: Scope::Clients(vec![bridge.workspace(0).await.client]), ..admin.clone() };
        let seen = tickets::view(&app, &limited, "", Some(&foreign.to_string())).await.unwrap();
        let unknown = look("999999").await;
        for (view, number) in [(seen, foreign), (unknown, 999_999)] {
            let problem = view.form.problem("ticket").unwrap();
            assert!(view.found.is_none() && problem.contains(&format!("Halo has no ticket {number}")), "{problem}");
        }
        assert!(look("many").await.form.problem("ticket").is_some());
        // What is not read in two-way cannot be pushed, and an incident without a ticket is offered.
        bridge.setup.mode = "observe";
        bridge.apply().await;
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        let view = look(&ticket.to_string()).await.found.unwrap();
        assert!(view.push_to.is_empty());
        assert!(said(&view, "A workspace to push to").is_some_and(|gate| gate.remedy.is_some_and(|r| r.contains("two-way"))));
        assert_eq!(view.incidents.iter().map(|row| row.incident.as_str()).collect::<Vec<_>>(), [incident.as_str()]);
        // Pushed, it is linked.
        bridge.setup.mode = "two-way";
        bridge.apply().await;
        bridge.cross().await;
        bridge.push(ticket, false).await.unwrap();
        let found = look(&ticket.to_string()).await.found.unwrap();
        assert_eq!((found.pairs.len(), found.gates.len(), found.may_link), (1, 0, false));
        // Halo away: said, and nothing breaks.
        bridge.fault(json!({ "effect": "status", "status": 503, "kind": "halo.*" }));
        let view = look(&ticket.to_string()).await;
        assert!(view.form.problem("ticket").is_some_and(|why| why.contains("could not be asked")), "{view:?}");
        bridge.heal();
        bridge.finish().await;
    }

    /// What a rule would push it for, that a person took it apart, that it was made here, that it is closed.
    async fn a_looked_up_ticket_says_what_it_is_and_is_not_pushed_for(product) {
        let policy = "push = { outcomes = [\"Private Note\"] }".to_owned();
        let bridge = Bridge::with(Setup { policy, ..setup(product) }).await;
        let (app, admin) = bridge.admin();
        let look = async |number: i64| {
            tickets::view(&app, &admin, "", Some(&number.to_string())).await.unwrap().found.expect("it is in Halo")
        };
        let said = |found: &FoundTicket, name: &str| {
            let gate = found.gates.iter().find(|gate| gate.name.starts_with(name)).cloned();
            gate.unwrap_or_else(|| panic!("{name}: {:?}", found.gates))
        };
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        // An action with the rule's outcome, and none.
        let ticket = bridge.opened(0);
        assert_eq!(said(&look(ticket).await, "A rule of").saw, "no action with such an outcome");
        bridge.note(ticket, "<p>to be looked into</p>", json!({ "private": true }));
        let found = look(ticket).await;
        assert_eq!(said(&found, "A rule of").saw, "an action's outcome");
        assert!(said(&found, "Not made by").passes && said(&found, "Not taken apart").passes && !found.made);
        assert_eq!((found.unlinked, found.push_to.len()), (None, 1));
        // Closed: neither the rule nor a person pushes it.
        bridge.close_ticket(ticket, json!({}));
        let found = look(ticket).await;
        let gate = said(&found, "Ticket is open");
        assert!(!gate.passes && gate.remedy.is_some_and(|remedy| remedy.contains("Open the ticket again")));
        assert_eq!((said(&found, "A rule of").saw.as_str(), found.push_to.len()), ("closed", 0));
        // One that was made for an incident, and that a person took apart.
        let (ours, pair) = (bridge.ticket_of(&incident).await, bridge.pair_of(&incident).await.unwrap());
        links::unlink(&app, &admin, pair.id).await.unwrap();
        let found = look(ours).await;
        assert_eq!((found.unlinked, found.made, found.push_to.len()), (Some(pair.id), true, 0));
        assert!(found.may_link && found.incidents.iter().any(|row| row.incident.as_str() == incident));
        let gate = said(&found, "Not taken apart");
        assert!(!gate.passes && gate.saw.starts_with("unlinked by ") && gate.saw.contains(" on 20"), "{gate:?}");
        let gate = said(&found, "Not made by");
        assert!(!gate.passes && gate.saw == format!("reference {}", pair.reference), "{gate:?}");
        assert_eq!(said(&found, "A rule of").saw, "one that was made for an incident");
        bridge.finish().await;
    }

    async fn what_cannot_be_pushed_says_why(product) {
        let bridge = Bridge::with(setup(product)).await;
        let elsewhere = bridge.opened(1);
        for (ticket, expected) in [(999_999, "This client has no ticket 999999"), (elsewhere, "This client has no ticket")] {
            bridge.push(ticket, false).await.unwrap();
            bridge.refused_for(expected).await;
        }
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        bridge.push(bridge.ticket_of(&incident).await, false).await.unwrap();
        assert!(bridge.pushed().await.1.is_some_and(|why| why.contains("linked to another incident already")));
        assert_eq!(bridge.incidents(0).len(), 1, "nothing was written");
        // Sentinel can't be reached: it is pushed as soon as it can.
        let ticket = bridge.opened(0);
        bridge.fault(json!({ "effect": "status", "status": 503, "kind": "sentinel.incident.*" }));
        bridge.push(ticket, false).await.unwrap();
        assert_eq!(bridge.pushed().await, (false, None));
        bridge.heal();
        bridge.pass(120).await;
        assert_eq!(bridge.pushed().await, (true, None));
        // Of a paused client nothing is pushed before it is resumed.
        let (app, olga) = operator(&bridge);
        let client = PauseScope::Client { id: bridge.workspace(0).await.client };
        pauses::pause(&app, &olga, client, "").await.unwrap();
        bridge.push(bridge.opened(0), false).await.unwrap();
        bridge.pass(300).await;
        assert_eq!(bridge.pushed().await, (false, None));
        pauses::resume(&app, &olga, client).await.unwrap();
        bridge.pass(60).await;
        assert_eq!(bridge.pushed().await, (true, None));
        bridge.finish().await;
    }

    /// Its incident would begin as new, and nothing would ever close it.
    async fn a_closed_ticket_is_not_pushed_before_it_is_open_again(product) {
        let bridge = pushes_by_type(product).await;
        let (app, olga) = operator(&bridge);
        let ticket = bridge.opened(0);
        bridge.close_ticket(ticket, json!({}));
        let writes = bridge.writes();
        // A webhook, a person, and a program.
        bridge.named(ticket).await;
        bridge.push(ticket, false).await.unwrap();
        bridge.refused_for("closed in Halo").await;
        let workspace = bridge.workspace(0).await.id.to_string();
        let asked = pushes::ask_once(&app, &olga, &workspace, &ticket.to_string(), false).await.unwrap();
        let pushes::Pushed::Waiting { request, .. } = asked else { panic!("{asked:?}") };
        bridge.run().await;
        let answer = pushes::answered(&app, request, true).await.unwrap();
        assert!(matches!(&answer, pushes::Pushed::Refused(why) if why.contains("Open the ticket again")), "{answer:?}");
        assert_eq!((bridge.incidents(0).len(), bridge.writes()), (0, writes), "nothing was written");
        bridge.act("ticket.reopen", json!({ "ticket_id": ticket, "text": "Not yet.", "agent": AGENT }));
        bridge.push(ticket, false).await.unwrap();
        bridge.pass(60).await;
        assert_eq!((bridge.incidents(0).len(), bridge.pushed().await), (1, (true, None)));
        bridge.finish().await;
    }

    async fn a_webhook_pushes_tickets_of_a_type_or_an_outcome(product) {
        for rule in ["ticket_types = [\"Security Incident\"]", "outcomes = [\"Private Note\"]"] {
            let policy = format!("push = {{ {rule} }}");
            let bridge = Bridge::with(Setup { policy, ..setup(product) }).await;
            let ours = bridge.raise(json!({}));
            bridge.cross().await;
            let by_outcome = rule.starts_with("outcomes");
            let ticket = bridge.opened(0);
            let elsewhere = bridge.act("ticket.create", json!({ "summary": "x", "details": "y", "tickettype_id": 1,
                "client_id": bridge.setup.product.first_client_id() }))["id"].as_i64().unwrap();
            if by_outcome {
                bridge.note(ticket, "<p>to be looked into</p>", json!({ "private": true }));
            }
            for _ in 0..2 {
                for named in [ticket, elsewhere, bridge.ticket_of(&ours).await] {
                    bridge.names(named).await;
                }
                bridge.cross().await;
            }
            assert_eq!(bridge.incidents(0).len(), 2, "{rule}: that one, once, and the one that was raised");
            assert_eq!(bridge.pushed().await, (true, None), "{rule}");
            assert_eq!(bridge.tickets().len(), 3, "{rule}");
            bridge.finish().await;
        }
    }

    /// A webhook named a ticket that the policy pushes: where that cannot be, the page says why, once.
    async fn what_a_policy_cannot_push_says_why(product) {
        for (case, says) in [("two", "2 workspaces in two-way mode"), ("joined", "joined to Defender"), ("unread", "could not be read")] {
            let switches = if case == "joined" { JOINED.to_vec() } else { Vec::new() };
            let workspaces = if case == "two" { 2 } else { 1 };
            let mut bridge = Bridge::with(Setup { policy: BY_TYPE.to_owned(), switches, workspaces, ..setup(product) }).await;
            let before = usize::from(case == "joined");
            if case == "joined" {
                bridge.raise(json!({}));
            }
            bridge.cross().await;
            if case == "two" {
                let second = bridge.workspace(1).await.arm_id;
                let more = format!(
                    "[[workspace]]\narm_id = \"{second}\"\nclient = \"Northwind Traders\"\nmode = \"two-way\"\nwebhook_secret = {{ file = \"hook.secret\" }}\n"
                );
                let more: &'static str = Box::leak(more.into_boxed_str());
                (bridge.setup.workspace, bridge.setup.workspaces) = (more, 1);
                bridge.apply().await;
                bridge.cross().await;
            }
            let ticket = bridge.opened(0);
            if case == "unread" {
                bridge.fault(json!({ "effect": "status", "status": 403, "kind": "halo.tickets.get" }));
            }
            for _ in 0..2 {
                bridge.named(ticket).await;
            }
            let recent = bridge.recent_pushes().await;
            let [row] = recent.as_slice() else { panic!("{case}: {recent:?}") };
            assert!(row.ticket == ticket && row.refused.as_ref().is_some_and(|why| why.contains(says)), "{case}: {row:?}");
            assert_eq!(bridge.incidents(0).len(), before, "{case}: nothing was pushed");
            bridge.heal();
            bridge.finish().await;
        }
    }

    /// Its priority means no severity, and the policy asks for it whenever a webhook names it.
    async fn a_push_of_a_policy_that_is_refused_at_every_webhook_is_one_line(product) {
        let bridge = pushes_by_type(product).await;
        let by_hand = bridge.opened(0);
        bridge.push(by_hand, false).await.unwrap();
        bridge.pass(60).await;
        let ticket = bridge.opened(0);
        let critical = match product { Product::Itsm => "P1 - Critical", Product::Psa => "Critical" };
        bridge.act("ticket.update", json!({ "ticket_id": ticket, "priority": critical }));
        for _ in 0..22 {
            bridge.note(ticket, "<p>they called again</p>", json!({}));
            bridge.named(ticket).await;
        }
        let recent = bridge.recent_pushes().await;
        let of = |ticket: i64| recent.iter().filter(|row| row.ticket == ticket).collect::<Vec<_>>();
        let (told, by_hand) = (of(ticket), of(by_hand));
        let ([line], [pushed]) = (told.as_slice(), by_hand.as_slice()) else { panic!("{recent:?}") };
        assert!(line.refused.as_ref().is_some_and(|why| why.contains("priorities_back")), "{line:?}");
        assert!(pushed.pair.is_some(), "what a person pushed is shown still: {pushed:?}");
        bridge.finish().await;
    }

    /// Linked by hand while its push is under way, it has that incident alone.
    async fn a_ticket_that_is_linked_while_it_is_being_pushed_gets_no_second_incident(product) {
        let policy = "include = { title = [\"never\"] }".to_owned();
        let bridge = Bridge::with(Setup { policy, ..setup(product) }).await;
        let (app, olga) = operator(&bridge);
        let (other, ticket, incident) = (bridge.opened(0), bridge.opened(0), bridge.raise(json!({})));
        bridge.cross().await;
        let workspace = bridge.workspace(0).await.id;
        links::link(&app, &olga, workspace, &IncidentId::new(&incident), &other.to_string()).await.unwrap();
        bridge.cross().await;
        let before = bridge.pushed_into(other).await.pair;
        links::unlink(&app, &olga, before.id).await.unwrap();
        bridge.cross().await;
        // A poll links it to the ticket just before the incident is looked for that the ticket would become.
        let tenant = bridge.store.installation().await.unwrap().halo[0].tenant.clone();
        let pushed = IncidentId::pushed(&tenant, TicketId(ticket));
        let id = PairId(uuid::Uuid::from_u128(0x0b57));
        let joined = Pair { id, ticket: Some(TicketId(ticket)), ..before };
        let (store, now) = (bridge.store.clone(), bridge.clock.now());
        bridge.meanwhile(format!("/incidents/{}", pushed.as_str()), async move {
            let mut tx = store.begin().await.unwrap();
            tx.record(now, Some(joined.client), Fact::PairOpened { pair: Box::new(joined) }).await.unwrap();
            tx.commit().await.unwrap();
        });
        bridge.push(ticket, false).await.unwrap();
        bridge.pass(60).await;
        bridge.refused_for("linked to another incident").await;
        assert_eq!((bridge.pushed_into(ticket).await.pair.id, bridge.incidents(0).len()), (id, 1));
        bridge.finish().await;
    }

    /// What a person took apart stays apart: pushed before, linked by hand, or made here though its text says so no more.
    async fn what_a_person_unlinked_is_pushed_by_no_policy(product) {
        for case in ["pushed", "linked", "made"] {
            let held = format!("{BY_TYPE}\ninclude = {{ title = [\"never\"] }}");
            let policy = if case == "linked" { held } else { BY_TYPE.to_owned() };
            let bridge = Bridge::with(Setup { policy, ..setup(product) }).await;
            let (app, olga) = operator(&bridge);
            bridge.cross().await;
            let ticket = match case {
                "pushed" => {
                    let ticket = bridge.opened(0);
                    bridge.named(ticket).await;
                    ticket
                }
                "linked" => {
                    let (ticket, incident) = (bridge.opened(0), bridge.raise(json!({})));
                    bridge.cross().await;
                    let (workspace, incident) = (bridge.workspace(0).await.id, IncidentId::new(&incident));
                    links::link(&app, &olga, workspace, &incident, &ticket.to_string()).await.unwrap();
                    bridge.cross().await;
                    ticket
                }
                _ => {
                    let incident = bridge.raise(json!({}));
                    bridge.cross().await;
                    bridge.ticket_of(&incident).await
                }
            };
            let pair = bridge.pushed_into(ticket).await.pair;
            links::unlink(&app, &olga, pair.id).await.unwrap();
            if case == "made" {
                bridge.act("ticket.update", json!({ "ticket_id": ticket, "details": "as a template has it" }));
            }
            for _ in 0..2 {
                bridge.note(ticket, "<p>they called again</p>", json!({}));
                bridge.named(ticket).await;
            }
            let pairs = bridge.store.pairs_of_ticket(pair.halo, TicketId(ticket)).await.unwrap();
            assert_eq!((pairs.len(), bridge.incidents(0).len()), (0, 1), "{case}");
            let recent = bridge.recent_pushes().await;
            let says = |why: &String| why.contains("a person unlinked it");
            let told = recent.iter().filter(|row| row.refused.as_ref().is_some_and(says)).count();
            assert_eq!(told, 1, "{case}: {recent:?}");
            // By hand it is pushed, unless it was made for an incident.
            if case != "made" {
                bridge.push(ticket, false).await.unwrap();
                bridge.pass(60).await;
                let incidents = if case == "pushed" { 1 } else { 2 };
                assert_eq!((bridge.incidents(0).len(), bridge.pushed().await), (incidents, (true, None)), "{case}");
            }
            bridge.finish().await;
        }
    }

    /// Its incident is there: on what the two say differently by then nobody has agreed.
    async fn what_changed_since_a_pushed_ticket_was_unlinked_is_asked_about_when_it_is_pushed_again(product) {
        for (case, asks) in [("nothing", None), ("status", Some("conflict")), ("severity", Some("conflict"))] {
            let bridge = Bridge::with(setup(product)).await;
            let (app, olga) = operator(&bridge);
            let ticket = bridge.opened(0);
            bridge.push(ticket, false).await.unwrap();
            bridge.cross().await;
            links::unlink(&app, &olga, bridge.pushed_into(ticket).await.pair.id).await.unwrap();
            bridge.run().await;
            let high = match product { Product::Itsm => "P2 - High", Product::Psa => "High" };
            match case {
                "status" => bridge.close_ticket_as(ticket, 3),
                "severity" => drop(bridge.act("ticket.update", json!({ "ticket_id": ticket, "priority": high }))),
                _ => {}
            }
            bridge.push(ticket, false).await.unwrap();
            bridge.cross().await;
            assert_eq!((bridge.incidents(0).len(), bridge.pushed().await), (1, (true, None)), "{case}");
            let row = bridge.pushed_into(ticket).await;
            assert_eq!(row.pair.reason.as_ref().map(Reason::code), asks, "{case}: {:?}", row.pair.reason);
            bridge.finish().await;
        }
    }

    /// It is looked at once Halo answers again.
    async fn a_ticket_that_a_webhook_named_and_that_could_not_be_read_is_pushed_later(product) {
        let bridge = named_and_not_read(product, json!({ "status": 503, "count": 2 })).await;
        bridge.pass(300).await;
        assert_eq!(bridge.incidents(0).len(), 1);
        assert_eq!(bridge.pushed().await, (true, None));
        bridge.finish().await;
    }

    async fn a_ticket_that_a_webhook_named_is_not_forgotten_over_a_restart(product) {
        let mut bridge = named_and_not_read(product, json!({ "status": 503 })).await;
        bridge.restart().await;
        bridge.restart_cold().await;
        bridge.heal();
        bridge.pass(300).await;
        assert_eq!(bridge.incidents(0).len(), 1);
        assert_eq!(bridge.pushed().await, (true, None));
        let kept = bridge.store.settings_under("named:").await.unwrap();
        assert!(kept.is_empty(), "it is kept no longer than it waits: {kept:?}");
        bridge.finish().await;
    }

    /// What stood when the look was over is dropped. What a webhook names and has kept just then has not been looked at.
    async fn a_ticket_that_is_named_as_a_look_at_others_ends_is_kept(product) {
        let policy = "push = { ticket_types = [\"Security Incident\"] }".to_owned();
        let bridge = Bridge::with(Setup { policy, ..setup(product) }).await;
        bridge.cross().await;
        let connection = bridge.store.installation().await.unwrap().halo[0].id;
        let mut tx = bridge.store.begin().await.unwrap();
        tx.put_setting(&format!("named:{connection}:999999"), Some("")).await.unwrap();
        tx.commit().await.unwrap();
        let standing = kept::standing(&bridge.engine, connection).await.unwrap();
        let ticket = bridge.opened(0);
        let body = json!({ "event": "Ticket Updated", "object_id": ticket, "ticket": { "id": ticket } }).to_string();
        bridge.receive(DeliverySource::Halo { connection }, body.as_bytes()).await;
        bridge.engine.run(Unit::Intake).await;
        kept::over(&bridge.engine, connection, standing).await.unwrap();
        let kept = kept::standing(&bridge.engine, connection).await.unwrap();
        assert_eq!(kept, [format!("named:{connection}:{ticket}")]);
        bridge.pass(300).await;
        assert_eq!(bridge.pushed().await, (true, None));
        let kept = bridge.store.settings_under("named:").await.unwrap();
        assert!(kept.is_empty(), "it is kept no longer than it waits: {kept:?}");
        bridge.finish().await;
    }

    /// What pushes it is looked at again once it can be written down that it is to be pushed.
    async fn nor_is_it_while_the_disk_is_full(product) {
        let bridge = named_and_not_read(product, json!({ "status": 503 })).await;
        bridge.store.limit_pages(None, true).await.unwrap();
        bridge.heal();
        for _ in 0..12 {
            // Refused: that is what a full disk is like.
            let _refused = bridge.engine.run_until_idle(10_000).await;
            bridge.clock.advance(SignedDuration::from_secs(10));
        }
        bridge.store.limit_pages(None, false).await.unwrap();
        bridge.pass(300).await;
        assert_eq!(bridge.pushed().await, (true, None));
        bridge.finish().await;
    }

    /// One that cannot be read for long is asked for with each poll, and hurries none.
    async fn a_ticket_that_a_webhook_named_and_that_stays_unreadable_hurries_no_poll(product) {
        let bridge = named_and_not_read(product, json!({ "status": 503 })).await;
        let lists = bridge.calls("halo.tickets.list");
        bridge.pass(600).await;
        let more = bridge.calls("halo.tickets.list") - lists;
        assert!(more <= 60, "{more} lists in ten minutes");
        bridge.heal();
        bridge.pass(120).await;
        assert_eq!(bridge.pushed().await, (true, None));
        bridge.finish().await;
    }

    /// Many that stay unreadable are asked for a few at a time: the instance's budget is left to the others.
    async fn named_tickets_that_stay_unreadable_use_up_no_budget(product) {
        let bridge = pushes_by_type(product).await;
        for ticket in (0..25).map(|_| bridge.opened(0)) {
            let path = format!("*/Tickets/{ticket}");
            bridge.fault(json!({ "effect": "status", "status": 500, "kind": "halo.tickets.get", "path": path }));
            bridge.names(ticket).await;
        }
        let (fresh, reads) = (bridge.raise_in(1, json!({})), bridge.calls("halo.tickets.get"));
        bridge.pass(300).await;
        bridge.ticket_of(&fresh).await;
        let more = bridge.calls("halo.tickets.get") - reads;
        assert!(more < 100, "{more} tickets read in five minutes");
        bridge.heal();
        bridge.pass(600).await;
        assert_eq!(bridge.incidents(0).len(), 25, "they are pushed once they can be read");
        bridge.finish().await;
    }

    async fn a_named_ticket_that_stays_unreadable_for_hours_is_told_among_the_pushes(product) {
        let bridge = named_and_not_read(product, json!({ "status": 500 })).await;
        bridge.pass_by(3 * 3_600, 120).await;
        bridge.refused_for("could not be read").await;
        let reads = bridge.calls("halo.tickets.get");
        bridge.pass(600).await;
        assert_eq!(bridge.calls("halo.tickets.get"), reads, "it is asked for no more");
        bridge.heal();
        bridge.finish().await;
    }

    /// What keeps one ticket from being read keeps many.
    async fn tickets_that_may_not_be_read_are_one_line_among_the_pushes(product) {
        let bridge = pushes_by_type(product).await;
        bridge.fault(json!({ "effect": "status", "status": 403, "kind": "halo.tickets.get" }));
        let tickets: Vec<i64> = (0..12).map(|_| bridge.opened(0)).collect();
        for _ in 0..3 {
            for ticket in &tickets {
                bridge.names(*ticket).await;
            }
            bridge.cross().await;
        }
        let told = bridge.store.requests_seen(PUSH, &Scope::All, 100).await.unwrap();
        assert_eq!(told.len(), 1, "{told:?}");
        let recent = bridge.recent_pushes().await;
        let [row] = recent.as_slice() else { panic!("{recent:?}") };
        assert_eq!(row.ticket, tickets[11], "the newest of them");
        assert!(row.refused.as_ref().is_some_and(|why| why.contains("11 more")), "{row:?}");
        bridge.heal();
        bridge.finish().await;
    }

    /// It is looked at less and less often, and at once when it may go on.
    async fn a_push_that_waits_is_looked_at_when_what_it_waits_for_changes(product) {
        let policy = "approve = [\"push\"]".to_owned();
        for waits_for in ["resuming", "approval", "Halo"] {
            let policy = if waits_for == "approval" { policy.clone() } else { String::new() };
            let bridge = Bridge::with(Setup { policy, ..setup(product) }).await;
            let (app, olga) = operator(&bridge);
            let workspace = bridge.workspace(0).await;
            let client = PauseScope::Client { id: workspace.client };
            match waits_for {
                "resuming" => pauses::pause(&app, &olga, client, "").await.unwrap(),
                "Halo" => {
                    bridge.fault(json!({ "effect": "status", "status": 503, "kind": "halo.tickets.get" }));
                }
                _ => {}
            }
            let (ticket, calls) = (bridge.opened(0), bridge.calls("halo.tickets.get"));
            let asked = pushes::ask(&app, &olga, workspace.id, &ticket.to_string(), false).await.unwrap();
            let Pushed::Waiting { request, .. } = asked else { panic!("{asked:?}") };
            let mut looks = BTreeSet::new();
            for _ in 0..300 {
                bridge.advance(2).await;
                looks.insert(bridge.engine.push_waits(request).expect("it waits").0);
            }
            let calls = bridge.calls("halo.tickets.get") - calls;
            assert!(looks.len() <= 20, "{waits_for}: {} looks in ten minutes", looks.len());
            assert!(calls <= 14, "{waits_for}: {calls} calls in ten minutes");
            match waits_for {
                "resuming" => {
                    pauses::resume(&app, &olga, client).await.unwrap();
                    bridge.run().await;
                }
                "approval" => {
                    let rows = approvals::view(&app, &olga, "").await.unwrap().rows;
                    decisions::decide(&app, &olga, rows[0].pair, Some(rows[0].approve.clone())).await.unwrap();
                    bridge.advance(2).await;
                }
                _ => {
                    bridge.heal();
                    bridge.advance(60).await;
                }
            }
            assert_eq!((bridge.incidents(0).len(), bridge.pushed().await), (1, (true, None)), "{waits_for}");
            bridge.finish().await;
        }
    }

    async fn pushes_that_wait_keep_no_other_from_its_turn(product) {
        let bridge = Bridge::with(setup(product)).await;
        let (app, olga) = operator(&bridge);
        let (paused, other) = (bridge.workspace(0).await, bridge.workspace(1).await);
        pauses::pause(&app, &olga, PauseScope::Client { id: paused.client }, "").await.unwrap();
        for number in 0..120 {
            let detail = json!({ "workspace": paused.id, "ticket": 900_000 + number, "client": paused.client });
            bridge.store.ask(bridge.clock.now(), PUSH, &detail).await.unwrap();
        }
        bridge.pass(60).await;
        pushes::ask(&app, &olga, other.id, &bridge.opened(1).to_string(), false).await.unwrap();
        bridge.pass(60).await;
        assert_eq!((bridge.incidents(0).len(), bridge.incidents(1).len()), (0, 1));
        bridge.finish().await;
    }

    async fn a_workspace_joined_to_defender_is_warned_about_first(product) {
        let bridge = Bridge::with(Setup { switches: JOINED.to_vec(), ..setup(product) }).await;
        bridge.raise(json!({}));
        bridge.cross().await;
        let ticket = bridge.opened(0);
        bridge.warns_of_defender(ticket, "nothing was pushed yet").await;
        bridge.pass(120).await;
        assert_eq!(bridge.incidents(0).len(), 1, "nothing was pushed");
        bridge.push(ticket, true).await.unwrap();
        assert_eq!(bridge.pushed().await, (true, None));
        assert_eq!(bridge.incidents(0).len(), 2);
        bridge.finish().await;
    }

    /// Pushed incidents and those from before the joining are not Defender's: one of its own, linked or not, tells.
    async fn a_joined_workspace_is_warned_about_whatever_changed_last(product) {
        let bridge = Bridge::with(Setup { switches: JOINED.to_vec(), ..setup(product) }).await;
        let (app, olga) = operator(&bridge);
        let defenders = bridge.raise(json!({}));
        bridge.cross().await;
        bridge.push(bridge.opened(0), true).await.unwrap();
        assert_eq!(bridge.pushed().await, (true, None));
        bridge.pass(60).await;
        bridge.warns_of_defender(bridge.opened(0), "the pushed one changed last").await;
        // The only one of Defender's is linked no more.
        let pair = bridge.pair_of(&defenders).await.unwrap();
        links::unlink(&app, &olga, pair.id).await.unwrap();
        bridge.warns_of_defender(bridge.opened(0), "the pushed one is the only pair").await;
        bridge.finish().await;
    }
}
