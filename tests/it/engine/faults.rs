//! What goes wrong on the way: nothing is lost, nothing is doubled.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use halobridge::{
    domain::{
        operation::{Operation, OperationState},
        pair::{Health, SyncState},
        pause::PauseScope,
        reason::Reason,
        view::dashboard::PairFilter,
    },
    engine::digest,
    planner::observed::Reading,
    service::{acts, dashboard, links, pulse},
    store::LedgerFilter,
    twin::{limits::Limits, options::Product},
};
use serde_json::{Value, json};

use super::{bridge::*, person::operator};

impl Bridge {
    /// A comment's note is sent and its answer lost; it is not looked for yet.
    pub async fn unanswered_note(&self, incident: &str) -> Operation {
        self.fault(json!({ "effect": "lost_answer", "kind": "halo.actions.post", "count": 1 }));
        self.comment(incident, "into the dark");
        for _ in 0..240 {
            self.advance(1).await;
            let row = self.situation_of(incident).await;
            let unknown = |operation: &&Operation| matches!(operation.state, OperationState::OutcomeUnknown { .. });
            if let Some(note) = row.operations.iter().find(unknown) {
                return note.clone();
            }
        }
        panic!("the note was never sent");
    }
}

/// Linked incidents of these workspaces, and their tickets.
async fn linked(product: Product, places: impl IntoIterator<Item = usize>) -> (Bridge, Vec<String>, Vec<i64>) {
    let bridge = Bridge::with(Setup { notes: "all", ..Setup::new(product) }).await;
    let incidents: Vec<String> = places.into_iter().map(|place| bridge.raise_in(place, json!({}))).collect();
    bridge.cross().await;
    let mut tickets = Vec::new();
    for incident in &incidents {
        tickets.push(bridge.ticket_of(incident).await);
    }
    (bridge, incidents, tickets)
}

/// More tickets of the first client than a page holds; gives how many.
async fn more_than_a_page(bridge: &Bridge, product: Product) -> usize {
    for n in 0..150 {
        let client = product.first_client_id();
        bridge.act("ticket.create", json!({ "summary": format!("t{n}"), "client_id": client, "tickettype_id": 1 }));
    }
    bridge.cross().await;
    bridge.tickets().len()
}

/// What an agent wrote where nothing could be read for a while has come to each of them once.
async fn came_through(bridge: &Bridge, incidents: &[String]) {
    for incident in incidents {
        let said = bridge.comments_of(incident);
        assert_eq!(bridge.comments_with(incident, "behind the wall"), 1, "{said:#?}");
        assert_eq!(bridge.reason_of(incident).await, None);
    }
}

both! {
    async fn a_lost_answer_of_a_create_makes_one_ticket(product) {
        for (effect, what) in [("lost_answer", "carried out"), ("cut", "not carried out"), ("half_body", "carried out, half an answer")] {
            let bridge = Bridge::new(product).await;
            bridge.fault(json!({ "effect": effect, "kind": "halo.tickets.post", "count": 1 }));
            let incident = bridge.raise(json!({}));
            bridge.comment(&incident, "said meanwhile");
            bridge.pass(600).await;
            let ticket = bridge.ticket_of(&incident).await;
            assert_eq!(bridge.tickets().len(), 1, "{what}");
            assert!(bridge.notes_of(ticket).iter().any(|n| words(n).contains("said meanwhile")), "{what}");
            bridge.finish().await;
        }
    }

    /// Rows come oldest first, whatever order is asked for, and more than a page changed today.
    async fn a_lost_answer_of_a_create_makes_one_ticket_where_halo_ignores_the_order_of_a_list(product) {
        for search in ["summary", "ignored"] {
            let switches = vec![("ticket_order_ignored", "on"), ("search_in", search)];
            let bridge = Bridge::with(Setup { switches, ..Setup::new(product) }).await;
            let before = more_than_a_page(&bridge, product).await;
            bridge.fault(json!({ "effect": "lost_answer", "kind": "halo.tickets.post", "count": 1 }));
            let incident = bridge.raise(json!({}));
            bridge.pass(600).await;
            bridge.ticket_of(&incident).await;
            assert_eq!(bridge.tickets().len(), before + 1, "search in {search}");
            bridge.finish().await;
        }
    }

    /// Such an instance hands out the first page again and again, and a rule has given the ticket another subject: it is shown
    /// nowhere, so that nobody can tell that it was not made.
    async fn a_lost_answer_of_a_create_makes_no_second_ticket_where_halo_hands_out_a_page_again(product) {
        let switches = vec![("ticket_order_ignored", "on"), ("page_repeats", "on"), ("search_in", "summary")];
        let bridge = Bridge::with(Setup { switches, ..Setup::new(product) }).await;
        let before = more_than_a_page(&bridge, product).await;
        bridge.fault(json!({ "effect": "lost_answer", "kind": "halo.tickets.post", "count": 1 }));
        let incident = bridge.raise(json!({}));
        bridge.advance(30).await;
        let made = bridge.tickets().iter().filter_map(|ticket| ticket["id"].as_i64()).max().unwrap();
        assert_eq!((bridge.tickets().len(), bridge.pair_of(&incident).await.unwrap().ticket), (before + 1, None));
        bridge.act("ticket.update", json!({ "ticket_id": made, "summary": "Handled by the desk" }));
        bridge.pass(1_800).await;
        assert_eq!(bridge.tickets().len(), before + 1);
        let row = bridge.situation_of(&incident).await;
        let open = |operation: &Operation| matches!(operation.state, OperationState::OutcomeUnknown { .. });
        assert!(row.operations.iter().any(open), "it is looked for still: {:#?}", row.operations);
        bridge.finish().await;
    }

    /// While nobody knew whether the ticket had been made, an agent had it in hand: that is a change like any other.
    async fn what_an_agent_did_before_a_lost_create_was_settled_crosses(product) {
        for closes in [false, true] {
            let bridge = Bridge::new(product).await;
            bridge.fault(json!({ "effect": "lost_answer", "kind": "halo.tickets.post", "count": 1 }));
            let incident = bridge.raise(json!({}));
            bridge.advance(30).await;
            let made = bridge.tickets();
            let id = made[0]["id"].as_i64().unwrap();
            assert_eq!(bridge.pair_of(&incident).await.unwrap().ticket, None, "nobody knows of it yet");
            if closes {
                bridge.close_ticket_as(id, 2);
            } else {
                bridge.act("ticket.status", json!({ "ticket_id": id, "agent": AGENT, "status": "In Progress", "text": "on it" }));
            }
            bridge.pass(900).await;
            let properties = bridge.incident(&incident)["properties"].clone();
            assert_eq!(properties["status"], if closes { "Closed" } else { "Active" }, "{properties:#}");
            bridge.finish().await;
        }
    }

    /// No list of changed tickets tells any more of what was written in a ticket before it was found.
    async fn a_ticket_that_was_found_by_looking_is_read_once_with_its_notes(product) {
        let bridge = Bridge::new(product).await;
        bridge.fault(json!({ "effect": "lost_answer", "kind": "halo.tickets.post", "count": 1 }));
        let incident = bridge.raise(json!({}));
        bridge.mutate(|request, body| {
            if request.uri().query().is_some_and(|query| query.contains("lastupdatefromdate")) {
                body["tickets"] = json!([]);
                body["record_count"] = json!(0);
            }
        });
        bridge.advance(30).await;
        let id = bridge.tickets()[0]["id"].as_i64().unwrap();
        assert_eq!(bridge.pair_of(&incident).await.unwrap().ticket, None, "nobody knows of it yet");
        bridge.note(id, "<p>written meanwhile</p>", json!({}));
        let before = bridge.calls("halo.actions.list");
        bridge.pass_by(150, 10).await;
        assert_eq!(bridge.ticket_of(&incident).await, id);
        let crossed = || bridge.comments_of(&incident).iter().filter(|said| said.contains("written meanwhile")).count();
        assert_eq!(crossed(), 1);
        assert_eq!(bridge.calls("halo.actions.list") - before, 1, "its notes are read once");
        bridge.mutate_no_more();
        bridge.pass(600).await;
        assert_eq!(crossed(), 1, "and they cross once");
        bridge.finish().await;
    }

    async fn a_list_that_never_ends_is_a_failed_run_and_is_not_asked_for_at_once_again(product) {
        let bridge = Bridge::new(product).await;
        bridge.raise(json!({}));
        bridge.cross().await;
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        bridge.mutate(move |request, body| {
            if request.method() == "GET" && request.uri().path().ends_with("/incidents") {
                let page = count.fetch_add(1, Ordering::SeqCst) + 1;
                let address = request.uri().to_string();
                let (first, top) = address.split_once("$top=").unwrap();
                let rest = top.trim_start_matches(|c: char| c.is_ascii_digit());
                body["value"] = json!([]);
                body["nextLink"] = json!(format!("{first}$top={}{rest}", page % 900 + 1));
            }
        });
        bridge.pass(90).await;
        let asked = asked.load(Ordering::SeqCst);
        assert!((200..2_000).contains(&asked), "{asked} pages were asked for");
        let (app, olga) = operator(&bridge);
        let pulse = pulse::pulse(&app, &olga).await.unwrap();
        let told = pulse.broken.iter().chain(&pulse.late).filter_map(|source| source.why.clone()).next();
        assert!(told.as_ref().is_some_and(|why| why.contains("does not end")), "{pulse:?}");
        bridge.mutate_no_more();
        bridge.pass(1_800).await;
        let pulse = pulse::pulse(&app, &olga).await.unwrap();
        assert!(pulse.broken.is_empty() && pulse.late.is_empty(), "it ends by itself: {pulse:?}");
        bridge.finish().await;
    }

    /// A process keeps in memory what it asks for again; the next one has to know by itself.
    async fn comments_that_could_not_be_read_are_asked_for_by_the_next_process(product) {
        let mut bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        bridge.fault(json!({ "effect": "status", "status": 404, "kind": "sentinel.comment.list" }));
        bridge.engine.look_again(bridge.pair_of(&incident).await.unwrap().id);
        bridge.run().await;
        assert_eq!(bridge.reason_of(&incident).await, Some("comments-unread"));
        bridge.heal();
        bridge.restart().await;
        bridge.pass(60).await;
        assert_eq!(bridge.reason_of(&incident).await, None);
        bridge.finish().await;
    }

    async fn comments_that_alone_cannot_be_read_are_said(product) {
        for (status, by_list) in [(404, true), (500, true), (400, true), (404, false), (400, false)] {
            let bridge = Bridge::new(product).await;
            let incident = bridge.raise(json!({}));
            bridge.cross().await;
            assert_eq!(bridge.reason_of(&incident).await, None);
            bridge.fault(json!({ "effect": "status", "status": status, "kind": "sentinel.comment.list" }));
            if by_list {
                bridge.comment(&incident, "said meanwhile");
                bridge.pass(1_800).await;
                let (app, olga) = operator(&bridge);
                let pulse = pulse::pulse(&app, &olga).await.unwrap();
                assert!(pulse.broken.is_empty() && pulse.late.is_empty(), "{status}: its source is read: {pulse:?}");
            } else {
                let (app, olga) = operator(&bridge);
                acts::look_again(&app, &olga, bridge.pair_of(&incident).await.unwrap().id).await.unwrap();
                bridge.run().await;
            }
            let pair = bridge.pair_of(&incident).await.unwrap();
            let code = pair.reason.as_ref().map(Reason::code);
            assert!(pair.reason.as_ref().is_some_and(|reason| reason.words().contains("comments of incident #")), "{pair:?}");
            assert_eq!((pair.sync, pair.health, code), (SyncState::Unknown, Health::Waiting, Some("comments-unread")), "{status}");
            bridge.heal();
            bridge.pass(1_800).await;
            assert_eq!(bridge.reason_of(&incident).await, None, "{status}: it ends by itself");
            let crossed = bridge.notes_of(bridge.ticket_of(&incident).await).iter().any(|n| words(n).contains("said meanwhile"));
            assert_eq!(crossed, by_list, "{status}");
            bridge.finish().await;
        }
    }

    /// A proxy's maintenance, or a service that restarts, answers with a redirect or “not found”.
    async fn a_passing_redirect_or_not_found_makes_no_dead_letter(product) {
        let dead = |operation: &Operation| matches!(operation.state, OperationState::Dead { .. });
        for (status, kind) in [(302, "halo.tickets.get"), (404, "halo.actions.post")] {
            let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
            bridge.fault(json!({ "effect": "status", "status": status, "kind": kind }));
            bridge.comment(&incident, "said meanwhile");
            bridge.pass(120).await;
            let operations = bridge.situation_of(&incident).await.operations;
            assert!(!operations.is_empty() && !operations.iter().any(dead), "{status} {kind}: {operations:#?}");
            bridge.heal();
            bridge.pass(900).await;
            assert!(bridge.notes_of(ticket).iter().any(|n| words(n).contains("said meanwhile")), "{status} {kind}");
            bridge.finish().await;
        }
        let bridge = Bridge::new(product).await;
        bridge.fault(json!({ "effect": "status", "status": 404, "kind": "halo.tickets.post" }));
        let incident = bridge.raise(json!({}));
        bridge.pass(120).await;
        let operations = bridge.situation_of(&incident).await.operations;
        assert!(!operations.is_empty() && !operations.iter().any(dead), "{operations:#?}");
        bridge.heal();
        bridge.pass(900).await;
        bridge.ticket_of(&incident).await;
        assert_eq!(bridge.tickets().len(), 1);
        bridge.finish().await;
    }

    /// An agent whose rights leave out a ticket, or a fault that one ticket has: the others go on, at every client, and what
    /// the list of changes did not show of them is found by number as ever.
    async fn a_ticket_that_alone_cannot_be_read_holds_up_no_other(product) {
        for status in [403, 400, 500] {
            let mut bridge = Bridge::with(Setup { notes: "all", ..Setup::new(product) }).await;
            let (first, other) = (bridge.raise_in(0, json!({})), bridge.raise_in(1, json!({})));
            bridge.cross().await;
            let (ticket, fine) = (bridge.ticket_of(&first).await, bridge.ticket_of(&other).await);
            bridge.withhold(&[ticket], status);
            bridge.mutate(move |request, body| {
                if request.uri().query().is_some_and(|query| query.contains("lastupdatefromdate"))
                    && let Some(rows) = body.get_mut("tickets").and_then(Value::as_array_mut)
                {
                    rows.retain(|row| row["id"] != fine);
                    let shown = rows.len();
                    body["record_count"] = json!(shown);
                }
            });
            bridge.note(ticket, "<p>behind the wall</p>", json!({}));
            bridge.note(fine, "<p>in the open</p>", json!({}));
            let fresh = bridge.raise_in(1, json!({}));
            bridge.pass(900).await;
            assert!(bridge.store.pauses().await.unwrap().is_empty(), "{status}");
            bridge.ticket_of(&fresh).await;
            let crossed = |incident: &str, text: &str| bridge.comments_of(incident).iter().filter(|said| said.contains(text)).count();
            assert_eq!((crossed(&other, "in the open"), crossed(&first, "behind the wall")), (1, 0), "{status}");
            let pair = bridge.pair_of(&first).await.unwrap();
            let code = pair.reason.as_ref().map(Reason::code);
            assert_eq!((pair.sync, pair.health, code), (SyncState::Unknown, Health::Waiting, Some("ticket-unread")), "{status}");
            assert_eq!(bridge.reason_of(&other).await, None, "{status}");
            // It is found out by itself that it can be read again, also by the next process.
            bridge.mutate_no_more();
            bridge.withhold(&[], status);
            if status == 403 {
                bridge.restart().await;
                bridge.pass(60).await;
            } else {
                bridge.pass(2_400).await;
            }
            assert_eq!(bridge.reason_of(&first).await, None, "{status}");
            let said = bridge.comments_of(&first);
            assert_eq!(said.iter().filter(|said| said.contains("behind the wall")).count(), 1, "{status}: {said:#?}");
            bridge.finish().await;
        }
    }

    /// Where no ticket can be read it is no ticket's matter.
    async fn an_instance_of_which_no_ticket_can_be_read_is_paused(product) {
        let (bridge, incidents, tickets) = linked(product, [0; 4]).await;
        bridge.withhold(&tickets, 403);
        for ticket in &tickets {
            bridge.note(*ticket, "<p>behind the wall</p>", json!({}));
        }
        bridge.pass(300).await;
        let pauses = bridge.store.pauses().await.unwrap();
        assert_eq!(pauses.iter().filter(|pause| pause.automatic()).count(), 1, "{pauses:#?}");
        assert!(matches!(pauses[0].scope, PauseScope::Connection { .. }), "{pauses:#?}");
        bridge.withhold(&[], 403);
        bridge.pass(900).await;
        assert!(bridge.store.pauses().await.unwrap().is_empty(), "it ends by itself");
        came_through(&bridge, &incidents).await;
        bridge.finish().await;
    }

    /// The same at a slow pace, where each poll tells of one alone. As soon as one is read again, so are all that wait.
    async fn an_instance_of_which_no_ticket_can_be_read_is_told_at_any_pace(product) {
        for status in [403, 500] {
            let (bridge, incidents, tickets) = linked(product, (0..5).map(|n| n % 2)).await;
            bridge.pass(300).await;
            bridge.fault(json!({ "effect": "status", "status": status, "kind": "halo.actions.list" }));
            for ticket in &tickets[..4] {
                bridge.note(*ticket, "<p>behind the wall</p>", json!({}));
                bridge.pass(300).await;
            }
            let (app, olga) = operator(&bridge);
            let told = pulse::pulse(&app, &olga).await.unwrap();
            assert_eq!(told.broken.len() + told.late.len(), 1, "{status}: the instance: {told:?}");
            let pauses = bridge.store.pauses().await.unwrap();
            assert_eq!(pauses.iter().filter(|pause| pause.automatic()).count(), usize::from(status == 403), "{pauses:#?}");
            bridge.heal();
            bridge.pass(180).await;
            assert!(bridge.store.pauses().await.unwrap().is_empty(), "{status}: it ends by itself");
            let told = pulse::pulse(&app, &olga).await.unwrap();
            assert!(told.broken.is_empty() && told.late.is_empty(), "{status}: {told:?}");
            came_through(&bridge, &incidents[..4]).await;
            bridge.finish().await;
        }
    }

    /// A whole client's tickets may be kept from the agent: others' can be read, and the instance does not fail.
    async fn a_client_of_whose_tickets_none_can_be_read_pauses_no_other(product) {
        let (bridge, incidents, tickets) = linked(product, (0..5).map(|n| n / 4)).await;
        bridge.pass(300).await;
        bridge.withhold(&tickets[..4], 403);
        for ticket in &tickets[..3] {
            bridge.note(*ticket, "<p>behind the wall</p>", json!({}));
            bridge.pass(300).await;
        }
        assert!(bridge.store.pauses().await.unwrap().is_empty());
        for incident in &incidents[..3] {
            assert_eq!(bridge.reason_of(incident).await, Some("ticket-unread"));
        }
        bridge.withhold(&[], 403);
        bridge.pass_by(2_400, 60).await;
        came_through(&bridge, &incidents[..3]).await;
        bridge.finish().await;
    }

    /// A reading that was under way while we wrote arrives after it: it knows nothing of what was written.
    async fn a_reading_that_was_overtaken_forgets_nothing(product) {
        let policy = "drift = { lost_comment = \"heal\" }";
        let setup = Setup { notes: "all", policy: policy.into(), ..Setup::new(product) };
        let (bridge, incident, ticket) = Bridge::linked(setup).await;
        bridge.note(ticket, "<p>one note</p>", json!({}));
        bridge.comment(&incident, "one comment");
        bridge.pass(300).await;
        let before = bridge.situation_of(&incident).await;
        bridge.note(ticket, "<p>two notes</p>", json!({}));
        bridge.comment(&incident, "two comments");
        bridge.pass(300).await;
        let after = bridge.situation_of(&incident).await;
        let late = Reading {
            incident: Some(before.subject.incident.clone()),
            comments: before.comments.clone(),
            ticket: before.ticket.clone(),
            actions: before.actions.clone(),
            ..Reading::default()
        };
        digest::pair(&bridge.engine, before.pair.id, Vec::new(), late).await.unwrap();
        let now = bridge.situation_of(&incident).await;
        assert_eq!((&now.comments, &now.actions), (&after.comments, &after.actions));
        let writes = bridge.writes();
        bridge.pass(900).await;
        assert_eq!(bridge.writes(), writes, "nothing is written again");
        bridge.finish().await;
    }

    /// The twin's lists show a new ticket only after a while that is shorter than settle_secs.
    async fn a_lost_create_is_settled_in_spite_of_stale_reads(product) {
        let bridge = Bridge::with(Setup { settle_secs: 120, switches: vec![("list_stale_ms", "90000"), ("stale_ms", "90000")], ..Setup::new(product) }).await;
        bridge.fault(json!({ "effect": "lost_answer", "kind": "halo.tickets.post", "count": 3 }));
        let incidents: Vec<String> = (0..6).map(|_| bridge.raise(json!({}))).collect();
        bridge.pass_by(1_200, 10).await;
        assert_eq!(bridge.tickets().len(), 6);
        for incident in &incidents {
            bridge.ticket_of(incident).await;
        }
        bridge.finish().await;
    }

    /// Whether a note arrived cannot be looked for, since its ticket alone cannot be read: that is asked ever more rarely, and
    /// a person can end it.
    async fn a_look_that_keeps_failing_ends_with_a_person(product) {
        for (status, hours) in [(403, 2), (500, 38)] {
            let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
            let (app, olga) = operator(&bridge);
            let note = bridge.unanswered_note(&incident).await;
            bridge.withhold(&[ticket], status);
            bridge.pass_by(3_600, 60).await;
            let looks = async || {
                let filter = LedgerFilter { fact: Some("operation-moved".into()), pair: Some(note.pair), ..LedgerFilter::default() };
                bridge.store.ledger_page(&filter, None, 1_000).await.unwrap().len()
            };
            let first = looks().await;
            bridge.pass_by(3_600, 60).await;
            let more = looks().await - first;
            assert!(more <= 4, "{status}: {more} looks in the second hour");
            bridge.pass_by((hours - 2) * 3_600, 300).await;
            let pair = bridge.pair_of(&incident).await.unwrap();
            assert_eq!((pair.health, pair.reason), (Health::NeedsYou, Some(Reason::OutcomeUnknown)), "{status}");
            bridge.withhold(&[], status);
            if status == 403 {
                links::unlink(&app, &olga, pair.id).await.unwrap();
            } else {
                // Asked for again it is looked for before anything is sent.
                acts::retry(&app, &olga, note.id).await.unwrap();
                bridge.pass(120).await;
                let notes = bridge.notes_of(ticket).iter().filter(|note| words(note).contains("into the dark")).count();
                assert_eq!(notes, 1);
                let row = bridge.situation_of(&incident).await;
                assert!(row.operations.is_empty(), "{:?}", row.operations);
            }
            bridge.finish().await;
        }
    }

    /// Such a look does not wait for its time where somebody asks, or where the ticket can be read again.
    async fn a_look_that_failed_is_made_at_once_when_somebody_asks_or_its_ticket_can_be_read_again(product) {
        for asked in [true, false] {
            let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
            let (app, olga) = operator(&bridge);
            let note = bridge.unanswered_note(&incident).await;
            bridge.withhold(&[ticket], 403);
            bridge.note(ticket, "<p>behind the wall</p>", json!({}));
            bridge.pass_by(3_000, 60).await;
            bridge.withhold(&[], 403);
            if asked {
                acts::sync_now(&app, &olga, note.pair).await.unwrap();
            } else {
                bridge.engine.look_again(note.pair);
            }
            bridge.pass_by(30, 5).await;
            let row = bridge.situation_of(&incident).await;
            assert!(!row.operations.iter().any(|operation| operation.id == note.id), "{asked}: {:?}", row.operations);
            let notes = bridge.notes_of(ticket).iter().filter(|note| words(note).contains("into the dark")).count();
            assert_eq!(notes, 1, "{asked}");
            bridge.finish().await;
        }
    }

    /// Its notes are refused in words that say nothing of that.
    async fn a_note_without_an_answer_is_not_looked_for_on_a_ticket_that_was_deleted(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.unanswered_note(&incident).await;
        bridge.withhold(&[ticket], 403);
        bridge.act("ticket.delete", json!({ "ticket_id": ticket }));
        bridge.pass(600).await;
        let row = bridge.situation_of(&incident).await;
        let unknown = |operation: &Operation| matches!(operation.state, OperationState::OutcomeUnknown { .. });
        assert!(!row.operations.iter().any(unknown), "{:?}", row.operations);
        bridge.withhold(&[], 403);
        bridge.finish().await;
    }

    async fn lost_answers_of_notes_and_comments_double_nothing(product) {
        for effect in ["lost_answer", "cut", "half_body"] {
            let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
            for kind in ["halo.actions.post", "sentinel.comment.put", "sentinel.incident.put"] {
                bridge.fault(json!({ "effect": effect, "kind": kind, "count": 2 }));
            }
            bridge.comment(&incident, "one comment");
            bridge.comment(&incident, "two comments");
            bridge.note(ticket, "<p>one note</p>", json!({}));
            bridge.note(ticket, "<p>two notes</p>", json!({}));
            bridge.pass(900).await;
            bridge.close_ticket_as(ticket, 2);
            bridge.pass(900).await;
            let notes: Vec<String> = bridge.notes_of(ticket).iter().map(words).collect();
            let comments = bridge.comments_of(&incident);
            for (text, all) in [("one comment", &notes), ("two comments", &notes), ("one note", &comments), ("two notes", &comments)] {
                assert_eq!(all.iter().filter(|said| said.contains(text)).count(), 1, "{effect} {text}: {all:#?}");
            }
            assert_eq!(bridge.incident(&incident)["properties"]["classification"], "BenignPositive");
            bridge.finish().await;
        }
    }

    async fn refusals_that_pass_are_waited_out(product) {
        let faults = [
            json!({ "effect": "throttle", "retry_after": 45 }),
            json!({ "effect": "throttle" }),
            json!({ "effect": "status", "status": 500 }),
            json!({ "effect": "status", "status": 502, "html": true }),
            json!({ "effect": "status", "status": 503 }),
            json!({ "effect": "status", "status": 500, "applied": true }),
            json!({ "effect": "html" }),
            json!({ "effect": "half_body" }),
            json!({ "effect": "truncated_json" }),
            json!({ "effect": "cut" }),
        ];
        for fault in faults {
            let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
            for kind in ["halo.tickets.*", "halo.actions.*", "sentinel.incident.*", "sentinel.comment.*"] {
                let mut fault = fault.clone();
                fault["kind"] = kind.into();
                fault["count"] = 4.into();
                bridge.fault(fault);
            }
            let other = bridge.raise(json!({}));
            bridge.comment(&incident, "through the trouble");
            bridge.note(ticket, "<p>through the trouble</p>", json!({}));
            bridge.pass(7_200).await;
            bridge.ticket_of(&other).await;
            assert_eq!(bridge.tickets().len(), 2, "{fault}");
            let notes: Vec<String> = bridge.notes_of(ticket).iter().map(words).collect();
            assert_eq!(notes.iter().filter(|n| n.contains("through the trouble") && n.contains("HB-")).count(), 1, "{fault}: {notes:#?}");
            let comments = bridge.comments_of(&incident);
            assert_eq!(comments.iter().filter(|c| c.contains("on Halo ticket")).count(), 1, "{fault}: {comments:#?}");
            bridge.finish().await;
        }
    }

    /// `Retry-After: 0` names no time: asked again without any wait a server would hear nothing else from us.
    async fn retry_after_zero_makes_no_loop(product) {
        for kind in ["sentinel.incident.list", "halo.tickets.list", "halo.auth.token", "entra.token"] {
            let fault = json!({ "effect": "throttle", "retry_after": 0, "kind": kind });
            let bridge = Bridge::with(Setup { fault: Some(fault), ..Setup::new(product) }).await;
            bridge.pass_by(300, 1).await;
            let asked = bridge.calls(kind);
            assert!((2..=40).contains(&asked), "{kind}: asked {asked} times in five minutes");
            bridge.heal();
            let incident = bridge.raise(json!({}));
            bridge.pass(600).await;
            bridge.ticket_of(&incident).await;
            bridge.finish().await;
        }
    }

    /// Asked before its time a server only prolongs the wait, whichever process asks.
    async fn a_word_to_wait_outlives_the_process(product) {
        for kind in ["halo.tickets.list", "sentinel.incident.list"] {
            let mut bridge = Bridge::new(product).await;
            bridge.cross().await;
            bridge.fault(json!({ "effect": "throttle", "retry_after": 1_800, "kind": kind, "count": 1 }));
            let asked = bridge.calls(kind);
            while bridge.calls(kind) == asked {
                bridge.pass(20).await;
            }
            let asked = bridge.calls(kind);
            bridge.restart().await;
            bridge.pass(900).await;
            assert_eq!(bridge.calls(kind), asked);
            bridge.pass(1_800).await;
            assert!(bridge.calls(kind) > asked);
            bridge.finish().await;
        }
    }

    /// A webhook announced an incident, and its workspace fails: it is asked for again at the pace of any other
    /// failing source. Else one broken workspace spends the whole subscription's budget and fills the ledger.
    async fn an_announced_incident_does_not_hurry_a_workspace_that_fails(product) {
        let bridge = Bridge::new(product).await;
        bridge.cross().await;
        bridge.fault(json!({ "effect": "status", "status": 503, "kind": "sentinel.incident.list" }));
        let incident = bridge.raise(json!({}));
        let body = json!({ "object": { "name": incident } }).to_string();
        bridge.receive(bridge.sentinel_source(0).await, body.as_bytes()).await;
        let before = bridge.calls("sentinel.incident.list");
        bridge.pass(600).await;
        let asked = bridge.calls("sentinel.incident.list") - before;
        assert!((2..120).contains(&asked), "asked {asked} times in ten minutes");
        bridge.heal();
        bridge.pass(300).await;
        bridge.ticket_of(&incident).await;
        bridge.finish().await;
    }

    /// One refused sign-in at the start, a matter of seconds, must not keep a workspace unread for minutes.
    async fn look_ups_are_read_as_soon_as_halo_answers_again(product) {
        let fault = json!({ "effect": "status", "status": 401, "kind": "halo.auth.token", "count": 1 });
        let bridge = Bridge::with(Setup { fault: Some(fault), ..Setup::new(product) }).await;
        let incident = bridge.raise(json!({}));
        bridge.pass(120).await;
        bridge.ticket_of(&incident).await;
        bridge.finish().await;
    }

    /// `sync --once` beside a server is answered, with the reason, also when what it asks for cannot be read.
    async fn a_cycle_is_answered_though_nothing_can_be_read(product) {
        for fault in [
            json!({ "effect": "status", "status": 401, "kind": "halo.auth.token" }),
            json!({ "effect": "throttle", "retry_after": 3_000, "kind": "halo.*" }),
            json!({ "effect": "throttle", "retry_after": 3_000, "kind": "sentinel.*" }),
        ] {
            let bridge = Bridge::with(Setup { fault: Some(fault.clone()), ..Setup::new(product) }).await;
            let now = bridge.engine.now();
            let id = bridge.store.ask(now, halobridge::engine::intake::SYNC, &json!({})).await.unwrap();
            bridge.pass_by(10, 1).await;
            let request = bridge.store.request(id).await.unwrap().unwrap();
            let result = request.result.unwrap_or_else(|| panic!("{fault}: no answer"));
            let failures = result["failures"].as_array().unwrap();
            assert!(!failures.is_empty() && failures.iter().all(|f| !f["failure"]["message"].as_str().unwrap().is_empty()), "{fault}: {result}");
            bridge.finish().await;
        }
    }

    /// What could not be read is not counted among what was, also where it waits for the other side's look-ups.
    async fn a_cycle_counts_what_was_read_alone(product) {
        let mut bridge = Bridge::with(Setup { wrong_secret: true, ..Setup::new(product) }).await;
        bridge.clock.advance(jiff::SignedDuration::from_secs(120));
        let summary = bridge.once().await;
        assert_eq!((summary.read, summary.scopes, summary.failures.len()), (0, 3, 3), "{summary:?}");
        bridge.correct_secret().await;
        bridge.pass(600).await;
        bridge.clock.advance(jiff::SignedDuration::from_secs(120));
        let summary = bridge.once().await;
        assert_eq!((summary.read, summary.scopes, summary.failures.len()), (3, 3, 0), "{summary:?}");
        bridge.finish().await;
    }

    /// K3: a window of 300 s, no Retry-After: nothing is dropped.
    async fn k3_a_full_window_drops_nothing(product) {
        let bridge = Bridge::with(Setup { limits: Limits::Real, ..Setup::new(product) }).await;
        // Somebody else uses the same instance: a fifth of the window is what there is.
        bridge.switch("rate_limit", "60");
        let incidents: Vec<String> = (0..80).map(|n| bridge.raise_in(n % 2, json!({}))).collect();
        for incident in incidents.iter().take(20) {
            bridge.comment(incident, "do not lose me");
        }
        bridge.pass(3_600).await;
        assert_eq!(bridge.tickets().len(), 80);
        for incident in incidents.iter().take(20) {
            let notes = bridge.notes_of(bridge.ticket_of(incident).await);
            assert_eq!(notes.iter().filter(|n| words(n).contains("do not lose me")).count(), 1);
        }
        bridge.finish().await;
    }

    async fn somebody_writing_at_the_same_moment_is_not_overwritten(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.fault(json!({ "effect": "status", "status": 409, "kind": "sentinel.incident.put", "count": 2 }));
        bridge.close_ticket_as(ticket, 3);
        bridge.update(&incident, json!({ "severity": "High", "labels": ["kept"] }));
        bridge.pass(600).await;
        let properties = bridge.incident(&incident)["properties"].clone();
        assert_eq!((&properties["status"], &properties["severity"]), (&json!("Closed"), &json!("High")));
        assert_eq!(properties["labels"][0]["labelName"], "kept");
        bridge.finish().await;
    }

    /// Why a write is due helps nobody as long as it fails.
    async fn a_write_that_fails_is_told_in_the_list_of_incidents(product) {
        let (bridge, _, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.fault(json!({ "effect": "throttle", "retry_after": 900, "kind": "sentinel.incident.put", "count": 1 }));
        bridge.close_ticket_as(ticket, 3);
        bridge.pass(180).await;
        let (app, olga) = operator(&bridge);
        let listed = dashboard::part(&app, &olga, &PairFilter::default()).await.unwrap();
        let [row] = listed.rows.as_slice() else { panic!("one: {listed:?}") };
        let said = row.reason.as_ref().map(Reason::words).unwrap_or_default();
        assert_eq!((row.health, said.contains("Azure asks to wait")), (Health::Waiting, true), "{said}");
        bridge.pass(1_800).await;
        let listed = dashboard::part(&app, &olga, &PairFilter::default()).await.unwrap();
        assert_eq!(listed.rows.iter().map(|row| row.health).collect::<Vec<_>>(), [Health::Healthy]);
        bridge.finish().await;
    }

    /// K6: at most one token per lifetime; one that expires early is renewed.
    async fn k6_tokens_are_kept_for_their_lifetime(product) {
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({}));
        bridge.pass(3 * 3_600).await;
        assert!(bridge.calls("halo.auth.token") <= 4, "{}", bridge.calls("halo.auth.token"));
        assert!(bridge.calls("entra.token") <= 4, "{}", bridge.calls("entra.token"));
        let before = bridge.calls("entra.token");
        bridge.act("tokens.expire", json!({}));
        bridge.comment(&incident, "with a new token");
        bridge.pass(600).await;
        assert_eq!(bridge.calls("entra.token"), before + 1);
        let notes = bridge.notes_of(bridge.ticket_of(&incident).await);
        assert!(notes.iter().any(|n| words(n).contains("with a new token")));
        bridge.finish().await;
    }

    /// Halo tells times in seconds: a note of the very second of our own write does not show in the ticket's row.
    async fn a_note_of_the_second_of_our_own_write_is_not_lost(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.comment(&incident, "written by us");
        bridge.advance(30).await;
        bridge.note(ticket, "<p>in the same second</p>", json!({}));
        bridge.pass_by(40, 20).await;
        assert!(bridge.comments_of(&incident).iter().any(|c| c.contains("in the same second")), "at the next poll");
        bridge.finish().await;
    }

    /// The same after a start in between: nothing that must be remembered is in memory alone.
    async fn nor_is_it_lost_over_a_start(product) {
        let (mut bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.update(&incident, json!({ "severity": "High" }));
        bridge.comment(&incident, "written by us");
        bridge.advance(30).await;
        bridge.note(ticket, "<p>in the same second</p>", json!({}));
        bridge.restart().await;
        bridge.pass_by(60, 20).await;
        assert!(bridge.comments_of(&incident).iter().any(|c| c.contains("in the same second")));
        bridge.finish().await;
    }

    /// What is read once more after our own writes is read once, and an idle bridge reads lists alone.
    async fn our_own_writes_are_followed_by_one_reading_and_then_silence(product) {
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({}));
        let other = bridge.raise(json!({}));
        bridge.cross().await;
        bridge.ticket_of(&incident).await;
        bridge.pass_by(120, 20).await;
        let born = bridge.calls("halo.actions.list");
        assert_eq!(born, 2, "what rules of Halo wrote into each as it was born is looked for once");
        // Three notes of ours in one go are followed by one reading; a change of a field, by none or one.
        for text in ["one", "two", "three"] {
            bridge.comment(&incident, text);
        }
        bridge.update(&other, json!({ "severity": "High" }));
        bridge.pass_by(120, 20).await;
        let reads = bridge.calls("halo.actions.list") - born;
        assert!((1..=2).contains(&reads), "{reads} readings");
        bridge.pass_by(1_200, 20).await;
        assert_eq!(bridge.calls("halo.actions.list") - born, reads, "and then nothing");
        bridge.finish().await;
    }

    async fn a_day_without_halo(product) {
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({ "severity": "Low" }));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&incident).await;
        bridge.fault(json!({ "effect": "status", "status": 503, "side": "halo" }));
        let mut others = Vec::new();
        for hour in 0..24 {
            others.push(bridge.raise(json!({})));
            bridge.comment(&incident, &format!("hour {hour} of the outage"));
            bridge.pass_by(3_600, 300).await;
        }
        bridge.update(&incident, json!({ "severity": "High", "status": "Active" }));
        bridge.close_incident(&others[0], json!({}));
        bridge.pass(300).await;
        bridge.heal();
        bridge.pass_by(2 * 3_600, 60).await;
        assert_eq!(bridge.tickets().len(), 25);
        let notes: Vec<String> = bridge.notes_of(ticket).iter().map(words).collect();
        let places: Vec<usize> = (0..24)
            .map(|hour| {
                let text = format!("hour {hour} of the outage");
                let found: Vec<usize> = (0..notes.len()).filter(|n| notes[*n].contains(&text)).collect();
                assert_eq!(found.len(), 1, "{text} in {notes:#?}");
                found[0]
            })
            .collect();
        assert!(places.is_sorted(), "{places:?}");
        assert!(bridge.ticket(ticket)["priority_name"].as_str().unwrap().ends_with("High"));
        assert_eq!(bridge.ticket(bridge.ticket_of(&others[0]).await)["status_name"], "Closed");
        assert_eq!(bridge.store.queue_counts().await.unwrap().dead, 0);
        bridge.finish().await;
    }
}

/// The process dies at every single call, carried out or not, and another one goes on over the same database.
#[tokio::test]
async fn a_crash_at_any_call_leaves_nothing_lost_or_doubled() {
    let script = |bridge: &Bridge| {
        let incidents: Vec<String> = (0..3).map(|n| bridge.raise_in(n % 2, json!({}))).collect();
        bridge.comment(&incidents[0], "said before there was a ticket");
        bridge.close_incident(
            &incidents[2],
            json!({ "classification": "FalsePositive", "classificationReason": "InaccurateData" }),
        );
        incidents
    };
    let mut seen_unknown = 0;
    for carried_out in [false, true] {
        for after in 0..200 {
            let product = if after % 2 == 0 { Product::Itsm } else { Product::Psa };
            let mut bridge = Bridge::with(Setup { settle_secs: 20, on_disk: true, ..Setup::new(product) }).await;
            let incidents = script(&bridge);
            bridge.clock.advance(jiff::SignedDuration::from_secs(31));
            let died = bridge.run_and_die(Hang { after, carried_out }).await;
            let sending = bridge.store.sending_operations(10).await.unwrap();
            seen_unknown += sending.len();
            assert!(sending.iter().all(|o| matches!(o.state, OperationState::Sending { .. })));
            bridge.restart_cold().await;
            bridge.pass_by(240, 10).await;
            let ticket = bridge.ticket_of(&incidents[0]).await;
            bridge.note(ticket, "<p>said in the ticket</p>", json!({}));
            bridge.pass_by(120, 10).await;
            assert_eq!(bridge.tickets().len(), 3, "died at call {after}, carried out: {carried_out}");
            let notes = bridge.notes_of(ticket);
            assert_eq!(
                notes.iter().filter(|n| words(n).contains("said before")).count(),
                1,
                "call {after} {carried_out}"
            );
            assert_eq!(
                bridge.comments_of(&incidents[0]).iter().filter(|c| c.contains("said in the ticket")).count(),
                1
            );
            assert_eq!(bridge.ticket(bridge.ticket_of(&incidents[2]).await)["status_name"], "Closed");
            bridge.finish().await;
            if !died {
                assert!(after > 10, "a whole import takes more calls than {after}");
                break;
            }
        }
    }
    assert!(seen_unknown > 4, "it also died while sending: {seen_unknown}");
}
