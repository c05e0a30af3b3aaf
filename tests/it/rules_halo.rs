//! The fourteen rules of the Halo sheet (section 10), each against Halo's side of the twin.

use std::sync::Arc;

use halobridge::{
    clock::Clock,
    config::names,
    domain::{
        catalogue::Ref,
        failure::FailureKind,
        ids::{PolicyId, TicketId},
        incident::Owner,
        policy::{NotesRule, Policy},
        ticket::{TicketChange, TicketDraft},
    },
    halo_itsm::{Answered, Halo, TokenLanes, webhook},
    outbound::{
        TransportError,
        budget::{Budget, Class},
    },
    planner::mapping,
    twin::{limits::Limits, options::Product},
};
use jiff::SignedDuration;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::adapters_support::{HaloTwin, draft, moment, note};

const BOTH: [Product; 2] = [Product::Itsm, Product::Psa];

async fn created(twin: &Arc<HaloTwin>, halo: &Halo, reference: &str) -> TicketId {
    halo.create_ticket(&draft(twin, reference), Class::New).await.unwrap().id
}

#[tokio::test]
async fn halo_rule_01_posts_arrays_and_takes_object_or_array_back() {
    for product in BOTH {
        for shape in ["off", "on"] {
            let twin = HaloTwin::new(product, Limits::Off);
            twin.switch("post_answer_array", shape);
            let halo = twin.adapter();
            let ticket = halo.create_ticket(&draft(&twin, "HB-1"), Class::New).await.unwrap();
            assert_eq!(ticket.warning, None);
            let change = TicketChange { status_id: Some(9), ..TicketChange::default() };
            let ticket = halo.update_ticket(&ticket, &change, Class::Closure).await.unwrap();
            assert!(ticket.closed, "{product:?} {shape}");
            let action = halo.add_note(ticket.id, &note("seen"), Class::Comment).await.unwrap();
            assert_eq!(action.key.ticket, ticket.id);
            for sent in twin.sent().iter().filter(|s| s.method == "POST" && !s.path().ends_with("/token")) {
                assert_eq!(sent.json().as_array().map(Vec::len), Some(1), "{}", sent.path());
            }
        }
    }
}

#[tokio::test]
async fn halo_rule_02_updates_repeat_type_and_client_just_read() {
    for product in BOTH {
        let twin = HaloTwin::new(product, Limits::Off);
        twin.switch("update_needs_type_and_client", "on");
        let halo = twin.adapter();
        let id = created(&twin, &halo, "HB-2").await;
        let current = halo.ticket(id, Class::New).await.unwrap();
        let change = TicketChange { status_id: Some(8), ..TicketChange::default() };
        halo.update_ticket(&current, &change, Class::New).await.unwrap();
        let body = twin.sent().last().unwrap().json();
        assert_eq!(body[0]["tickettype_id"], json!(current.ticket_type_id));
        assert_eq!(body[0]["client_id"], json!(current.client_id));
        // Without a number it would be a new ticket: nothing is sent.
        let (before, mut nameless) = (twin.tickets(), current);
        nameless.id = TicketId(0);
        let refused = halo.update_ticket(&nameless, &change, Class::New).await.unwrap_err();
        assert_eq!(refused.kind, FailureKind::Rejected);
        assert_eq!(twin.tickets(), before);
    }
}

#[tokio::test]
async fn halo_rule_03_compares_the_answer_and_warns() {
    let twin = HaloTwin::new(Product::Itsm, Limits::Off);
    let halo = twin.adapter();
    let id = created(&twin, &halo, "HB-3").await;
    twin.switch("close_ignored", "on");
    let current = halo.ticket(id, Class::Closure).await.unwrap();
    let change = TicketChange { status_id: Some(9), ..TicketChange::default() };
    let before = twin.sent().len();
    let ticket = halo.update_ticket(&current, &change, Class::Closure).await.unwrap();
    assert!(ticket.warning.as_deref().is_some_and(|w| w.contains("status")), "{:?}", ticket.warning);
    assert!(!ticket.closed);
    let looked = twin.sent();
    assert_eq!(looked.len(), before + 2);
    assert_eq!(looked.last().unwrap().query("nocache").as_deref(), Some("true"));
    // A client Halo does not know lands on "Unknown": said, too.
    let stray = TicketDraft { client_id: 987_654, ..draft(&twin, "HB-3b") };
    let ticket = halo.create_ticket(&stray, Class::New).await.unwrap();
    assert!(ticket.warning.as_deref().is_some_and(|w| w.contains("client")), "{:?}", ticket.warning);
    // And a ticket type: the default takes its place.
    let stray = TicketDraft { ticket_type_id: 987_654, ..draft(&twin, "HB-3d") };
    let ticket = halo.create_ticket(&stray, Class::New).await.unwrap();
    assert!(ticket.warning.as_deref().is_some_and(|w| w.contains("ticket type")), "{:?}", ticket.warning);
}

#[tokio::test]
async fn a_create_refused_for_what_it_says_is_not_sent_once_more() {
    let twin = HaloTwin::new(Product::Itsm, Limits::Off);
    twin.switch("bad_priority_refused", "on");
    let halo = twin.adapter();
    let wrong = TicketDraft { priority_id: Some(99), ..draft(&twin, "HB-3c") };
    let refused = halo.create_ticket(&wrong, Class::New).await.unwrap_err();
    assert!(refused.message.contains("Priority 99"), "{refused}");
    let posts = twin.sent().iter().filter(|s| s.method == "POST" && s.path().ends_with("/Tickets")).count();
    assert_eq!((posts, twin.tickets()), (1, 0));
}

#[tokio::test]
async fn halo_rule_04_reads_ids_however_they_are_spelled() {
    for spelling in ["float", "text", "mixed"] {
        let twin = HaloTwin::new(Product::Psa, Limits::Off);
        twin.switch("numbers", spelling);
        let halo = twin.adapter();
        let id = created(&twin, &halo, "HB-4").await;
        let ticket = halo.ticket(id, Class::New).await.unwrap();
        assert_eq!(ticket.client_id, Some(twin.client()), "{spelling}");
        assert_eq!(ticket.status_id, Some(2));
        assert_eq!(ticket.priority_id, Some(2));
        let action = halo.add_note(id, &note("x"), Class::Comment).await.unwrap();
        assert!(halo.actions(id, Class::Comment).await.unwrap().iter().any(|a| a.key == action.key));
        let catalogue = halo.catalogue(Class::Interactive).await.unwrap();
        assert!(catalogue.closed_statuses.contains(&9), "{spelling}");
    }
}

#[tokio::test]
async fn halo_rule_05_reads_both_spellings_and_empty_dates() {
    for empty in ["1900-01-01T00:00:00", "1899-12-30T00:00:00", "0001-01-01T00:00:00"] {
        let twin = HaloTwin::new(Product::Itsm, Limits::Off);
        twin.switch("empty_date", empty);
        let halo = twin.adapter();
        let posted = halo.create_ticket(&draft(&twin, "HB-5"), Class::New).await.unwrap();
        let read = halo.ticket(posted.id, Class::New).await.unwrap();
        assert!(posted.last_update.is_some() && posted.last_update == read.last_update, "{empty}");
        assert!(!read.closed, "{empty}");
    }
}

#[tokio::test]
async fn halo_rule_06_pages_to_the_end_and_stops() {
    for switch in [None, Some("page_repeats"), Some("record_count_lies")] {
        let twin = HaloTwin::new(Product::Itsm, Limits::Off);
        for n in 0..230 {
            twin.act("ticket.create", &json!({"summary": format!("t{n}"), "client_id": twin.client()}));
        }
        if let Some(switch) = switch {
            twin.switch(switch, "on");
        }
        let halo = twin.adapter();
        let since = moment("2026-05-04T00:00:00Z");
        let mut seen = Vec::new();
        for page_no in 1..10 {
            let page = halo.changed_tickets(since, page_no, Class::Reconcile).await.unwrap();
            seen.extend(page.tickets.iter().map(|t| t.id.0));
            if !page.more {
                break;
            }
        }
        let calls: Vec<_> = twin.sent().into_iter().filter(|s| s.method == "GET").collect();
        assert!(calls.iter().all(|c| c.query("pageinate").as_deref() == Some("true")));
        assert!(calls.iter().all(|c| c.query("page_size").as_deref() == Some("100")));
        assert!(calls.iter().all(|c| c.query("order").as_deref() == Some("id")));
        match switch {
            Some("page_repeats") => assert_eq!((seen.len(), calls.len()), (100, 2)),
            _ => assert_eq!((seen.len(), calls.len()), (230, 3), "{switch:?}"),
        }
        seen.dedup();
        assert!(seen.is_sorted() && (seen.len() == 230 || switch == Some("page_repeats")));
    }
}

#[tokio::test]
async fn halo_rule_06_a_page_the_server_trims_is_not_the_last() {
    let twin = HaloTwin::new(Product::Itsm, Limits::Off);
    twin.switch("page_cap", "50");
    for n in 0..120 {
        twin.act("ticket.create", &json!({"summary": format!("t{n}"), "client_id": twin.client()}));
    }
    let halo = twin.adapter();
    let since = moment("2026-05-04T00:00:00Z");
    let mut seen = Vec::new();
    for page_no in 1..10 {
        let page = halo.changed_tickets(since, page_no, Class::Reconcile).await.unwrap();
        seen.extend(page.tickets.iter().map(|ticket| ticket.id));
        if !page.more {
            break;
        }
    }
    assert_eq!(seen.len(), 120);
    assert_eq!(twin.sent().iter().filter(|s| s.method == "GET").count(), 3);
    // Nor are the tickets gone that a list by numbers has no room for.
    assert_eq!(halo.tickets_by_ids(&seen[..80], Class::Reconcile).await.unwrap().len(), 80);
    assert_eq!(twin.sent().iter().filter(|s| s.method == "GET").count(), 5);
}

#[tokio::test]
async fn halo_rule_06_without_a_count_only_an_empty_or_a_repeated_page_is_the_last() {
    // What comes in place of the count: nothing, a lie, a text.
    for (count, calls) in [(None, 4), (Some(json!(0)), 4), (Some(json!("81")), 3)] {
        let twin = HaloTwin::new(Product::Itsm, Limits::Off);
        let repeats = count.is_none();
        twin.meddle(move |sent, response| {
            if sent.method != "GET" {
                return Ok(response);
            }
            let page: i64 = sent.query("page_no").unwrap().parse().unwrap();
            // An instance that hands out less than it is asked for, and in the end the last page again or nothing.
            let rows: Vec<Value> = match page {
                1 | 2 => (page * 100..page * 100 + 40).map(|n| json!({"id": n})).collect(),
                3 => vec![json!({"id": 999})],
                _ if repeats => vec![json!({"id": 999})],
                _ => Vec::new(),
            };
            let mut body = json!({"tickets": rows});
            if let Some(count) = &count {
                body["record_count"] = count.clone();
            }
            crate::adapters_support::json(200, &body)
        });
        let halo = twin.adapter();
        let mut seen = 0;
        for page_no in 1..10 {
            let page = halo.changed_tickets(moment("2026-05-04T00:00:00Z"), page_no, Class::Reconcile).await.unwrap();
            seen += page.tickets.len();
            if !page.more {
                break;
            }
        }
        assert_eq!(seen, 81);
        assert_eq!(twin.sent().iter().filter(|s| s.method == "GET").count(), calls);
    }
}

/// A look-up's envelope may hold fewer rows than it counts: its pages are asked for, and only then.
#[tokio::test]
async fn halo_rule_06_a_look_up_that_is_handed_out_in_part_is_paged() {
    // How the instance takes to paging, the agents that are known then, whether that is all of them, calls.
    for (pages, known, whole, calls) in [("all at once", 124, true, 1), ("pages", 124, true, 3), ("none", 50, false, 3)]
    {
        let twin = HaloTwin::new(Product::Itsm, Limits::Off);
        twin.meddle(move |sent, response| {
            if !sent.path().ends_with("/Agent") {
                return Ok(response);
            }
            let number = |name: &str| sent.query(name).and_then(|text| text.parse::<usize>().ok());
            let (page, size) = match (pages, number("page_no")) {
                ("all at once", _) => (1, 124),
                ("pages", Some(page)) => (page, number("page_size").unwrap()),
                _ => (1, 50),
            };
            let rows = (3_usize..127).skip((page - 1) * size).take(size);
            let rows: Vec<Value> = rows.map(|id| json!({"id": id, "name": format!("Agent {id}")})).collect();
            crate::adapters_support::json(200, &json!({"record_count": 124, "agents": rows}))
        });
        let catalogue = twin.adapter().catalogue(Class::Interactive).await.unwrap();
        assert_eq!((catalogue.agents.len(), catalogue.is_partial("agent")), (known, !whole), "{pages}");
        assert_eq!(twin.count("GET", "/halo/api/Agent"), calls, "{pages}");
        // An agent that is not in a part of the list is not said to be none of Halo's; an id is believed.
        let policy = |agent: Ref| Policy {
            agents: [("x@y.example".to_owned(), agent)].into(),
            ..Policy::new(
                PolicyId(uuid::Uuid::nil()),
                "standard",
                Ref::Name("Security Incident".into()),
                NotesRule::Public,
            )
        };
        let told = |agent: Ref| {
            let found = names::of_policy(&policy(agent), &catalogue).into_iter().find(|fault| fault.field == "agents");
            found.map(|fault| format!("{}. {}", fault.problem, fault.remedy)).unwrap_or_default()
        };
        let (by_name, by_id) = (told(Ref::Name("Zoe".into())), told(Ref::Id(999)));
        assert_eq!((by_name.contains("no such agent"), by_id.contains("no such agent")), (whole, whole), "{pages}");
        assert_eq!((by_name.contains("Write its id"), by_id.is_empty()), (!whole, !whole), "{pages}: {by_name}");
        let owner = Owner { email: Some("x@y.example".into()), ..Owner::default() };
        assert_eq!(mapping::agent(&policy(Ref::Id(999)), &catalogue, &owner), (!whole).then_some(999), "{pages}");
    }
}

#[tokio::test]
async fn halo_rule_07_polls_by_last_update_and_rereads_by_number() {
    let twin = HaloTwin::new(Product::Psa, Limits::Off);
    let halo = twin.adapter();
    let old = created(&twin, &halo, "HB-7a").await;
    twin.clock.advance(SignedDuration::from_hours(2));
    let new = created(&twin, &halo, "HB-7b").await;
    let page = halo.changed_tickets(moment("2026-05-04T10:30:00Z"), 1, Class::Reconcile).await.unwrap();
    assert_eq!(page.tickets.iter().map(|t| t.id).collect::<Vec<_>>(), [new]);
    assert!(!page.more);
    let both = halo.tickets_by_ids(&[old, new, TicketId(999_999)], Class::Reconcile).await.unwrap();
    assert_eq!(both.iter().map(|t| t.id).collect::<Vec<_>>(), [old, new]);
}

#[tokio::test]
async fn halo_rule_08_never_trusts_a_filter() {
    let twin = HaloTwin::new(Product::Itsm, Limits::Off);
    let halo = twin.adapter();
    let other = created(&twin, &halo, "HB-AAAAAAAAAA").await;
    let wanted = created(&twin, &halo, "HB-BBBBBBBBBB").await;
    // The server ignores every filter and hands out all it has.
    twin.meddle(move |sent, response| {
        if sent.path().ends_with("/Tickets") && sent.method == "GET" {
            let rows: Vec<Value> = [other, wanted].iter().map(|t| json!({"id": t.0, "summary": "row"})).collect();
            return crate::adapters_support::json(200, &json!({"record_count": 2, "tickets": rows}));
        }
        Ok(response)
    });
    let client = twin.client();
    let found = halo.find_by_reference("HB-BBBBBBBBBB", client, Class::New).await.unwrap();
    assert_eq!(found.iter().map(|t| t.id).collect::<Vec<_>>(), [wanted]);
    assert!(halo.find_by_reference("HB-CCCCCCCCCC", client, Class::New).await.unwrap().is_empty());
    // An agent may have moved it: the reference is the proof, and whose it is by now is told.
    let moved = halo.find_by_reference("HB-BBBBBBBBBB", client + 1, Class::New).await.unwrap();
    assert_eq!(moved.iter().map(|t| t.client_id).collect::<Vec<_>>(), [Some(client)]);
    let rows = halo.tickets_by_ids(&[other], Class::Reconcile).await.unwrap();
    assert_eq!(rows.iter().map(|t| t.id).collect::<Vec<_>>(), [other]);
}

#[tokio::test]
async fn halo_rule_09_actions_by_ticket_and_number_with_html() {
    for product in BOTH {
        let twin = HaloTwin::new(product, Limits::Off);
        let halo = twin.adapter();
        let (one, two) = (created(&twin, &halo, "HB-9a").await, created(&twin, &halo, "HB-9b").await);
        let mine = halo.add_note(one, &note("first line"), Class::Comment).await.unwrap();
        let same_number = halo.add_note(two, &note("elsewhere"), Class::Comment).await.unwrap();
        assert_eq!(mine.key.action, same_number.key.action, "numbers are unique within a ticket only");
        assert_ne!(mine.key, same_number.key);
        twin.act("ticket.note", &json!({"ticket_id": one.0, "html": "<p>a</p><p>b</p>", "private": false}));
        let actions = halo.actions(one, Class::Comment).await.unwrap();
        assert!(actions.first().is_some_and(|a| a.system), "the first is Halo's own");
        assert!(actions.is_sorted_by_key(|a| a.key.action));
        let own = actions.iter().find(|a| a.key == mine.key).unwrap();
        assert_eq!(own.note_html.as_deref(), Some("<p>first line</p>"));
        assert!(own.private && own.application.is_some() && own.application == mine.application);
        let theirs = actions.last().unwrap();
        assert_eq!(theirs.note_html.as_deref(), Some("<p>a</p><p>b</p>"));
        assert!(!theirs.private && theirs.application != mine.application);
    }
}

#[tokio::test]
async fn halo_rule_09_actions_that_are_handed_out_in_part_are_paged_or_unreadable() {
    for (cap, calls) in [("0", 1), ("4", 5)] {
        let twin = HaloTwin::new(Product::Itsm, Limits::Off);
        twin.switch("actions_cap", cap);
        let halo = twin.adapter();
        let id = created(&twin, &halo, "HB-9c").await;
        for n in 0..10 {
            twin.act("ticket.note", &json!({"ticket_id": id.0, "html": format!("<p>{n}</p>"), "private": false}));
        }
        let before = twin.count("GET", "/halo/api/Actions");
        let there = twin.halo.lock().unwrap().actions(id.0).count();
        assert!((10..=12).contains(&there), "{there}");
        let actions = halo.actions(id, Class::Comment).await.unwrap();
        assert_eq!(actions.len(), there, "{cap}");
        assert_eq!(twin.count("GET", "/halo/api/Actions") - before, calls, "{cap}");
    }
    // Of 11 actions five are handed out at once. A twelfth is written after the first call; later the pages end early, or a
    // row has no number.
    for (pages_end_at, nameless, read) in [(12, 0, Some(12)), (10, 0, None), (12, 7, None)] {
        let twin = HaloTwin::new(Product::Itsm, Limits::Off);
        let halo = twin.adapter();
        let id = created(&twin, &halo, "HB-9d").await;
        twin.meddle(move |sent, response| {
            if sent.method != "GET" || !sent.path().ends_with("/Actions") {
                return Ok(response);
            }
            let page = sent.query("page_no").map(|page| page.parse::<usize>().unwrap());
            let counted = sent.query("count").is_some();
            let there: usize = if page.is_some() || counted { 12 } else { 11 };
            let from = page.map_or(0, |page| (page - 1) * 5);
            let most = if counted { 11 } else { 5 };
            let shown = if page.is_some() { pages_end_at } else { there };
            let rows: Vec<Value> = (1..=there)
                .rev()
                .take(shown)
                .skip(from)
                .take(most)
                .map(|n| json!({"id": if n == nameless { 0 } else { n }, "ticket_id": id.0, "note": "x"}))
                .collect();
            crate::adapters_support::json(200, &json!({"record_count": there, "actions": rows}))
        });
        match (halo.actions(id, Class::Comment).await, read) {
            (Ok(actions), Some(read)) => assert_eq!(actions.len(), read),
            (Err(failure), None) => assert_eq!(failure.kind, FailureKind::Unreadable, "{failure}"),
            (other, _) => panic!("{pages_end_at} {nameless}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn halo_rule_10_creates_one_ticket_at_a_time() {
    let twin = HaloTwin::new(Product::Itsm, Limits::Off);
    let halo = Arc::new(twin.adapter());
    halo.me(Class::Interactive).await.unwrap();
    let all = (0..12).map(|n| {
        let (halo, draft) = (halo.clone(), draft(&twin, &format!("HB-10-{n}")));
        async move { halo.create_ticket(&draft, Class::New).await }
    });
    let made = futures::future::join_all(all).await;
    assert!(made.iter().all(Result::is_ok));
    assert_eq!(twin.creating_at_most(), 1);
    assert_eq!(twin.tickets(), 12);

    // Nor do two adapters of one instance: a second connection to it, or one made anew while a create is under way.
    let twin = HaloTwin::new(Product::Itsm, Limits::Off);
    let budget = Budget::halo(300);
    let both = [twin.adapter_within(budget.clone()), twin.adapter_within(budget)].map(Arc::new);
    for halo in &both {
        halo.me(Class::Interactive).await.unwrap();
    }
    let all = (0..12).map(|n| {
        let (halo, draft) = (both[n % 2].clone(), draft(&twin, &format!("HB-10-{n}")));
        async move { halo.create_ticket(&draft, Class::New).await }
    });
    let made = futures::future::join_all(all).await;
    assert!(made.iter().all(Result::is_ok));
    assert_eq!((twin.creating_at_most(), twin.tickets()), (1, 12));
}

#[tokio::test]
async fn halo_rule_11_a_lost_answer_is_looked_for() {
    let twin = HaloTwin::new(Product::Psa, Limits::Off);
    let halo = twin.adapter();
    let mut lost = false;
    twin.meddle(move |sent, response| {
        if sent.method == "POST" && sent.path().ends_with("/Tickets") && !lost {
            lost = true;
            return Err(TransportError::NoAnswer("connection reset".into()));
        }
        Ok(response)
    });
    let draft = draft(&twin, "HB-1111111111");
    let failure = halo.create_ticket(&draft, Class::New).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unknown);
    let found = halo.find_by_reference(&draft.reference, draft.client_id, Class::New).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(twin.tickets(), 1);
}

/// Nothing is known of any ticket.
async fn every(ids: Vec<TicketId>) -> Answered<Vec<TicketId>> {
    Ok(ids)
}

#[tokio::test]
async fn halo_rule_11_a_search_that_overlooks_details_or_is_ignored_loses_no_create() {
    for ignored in [false, true] {
        let twin = HaloTwin::new(Product::Itsm, Limits::Off);
        let halo = twin.adapter();
        let mut lost = draft(&twin, "HB-2222222222");
        lost.summary = "The one whose answer was lost".into();
        halo.create_ticket(&lost, Class::New).await.unwrap();
        // Many more came since.
        for n in 0..30 {
            twin.act("ticket.create", &json!({"summary": format!("t{n}"), "client_id": twin.client()}));
        }
        twin.switch("search_in", if ignored { "ignored" } else { "summary" });
        let since = twin.clock.now();
        let found = halo.find_created(&lost, since, Class::New, every, |_| false).await.unwrap();
        assert_eq!(found.len(), 1, "search ignored: {ignored}");
        // A rule of Halo writes another subject, or cuts it short.
        let id = found[0].id.0;
        for summary in ["SOC | The one whose answer was lost", "The one whose answ"] {
            twin.act("ticket.update", &json!({"ticket_id": id, "summary": summary}));
            twin.clock.advance(SignedDuration::from_mins(5));
            let found = halo.find_created(&lost, since, Class::New, every, |_| false).await.unwrap();
            assert_eq!(found.len(), 1, "{summary}, search ignored: {ignored}");
        }
        twin.clock.advance(SignedDuration::from_mins(5));
        let mut never = lost.clone();
        never.reference = "HB-3333333333".into();
        assert!(halo.find_created(&never, since, Class::New, every, |_| false).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn halo_rule_11_a_create_is_found_on_any_page_of_an_instance_that_ignores_the_order() {
    for search in ["summary", "ignored"] {
        let twin = HaloTwin::new(Product::Itsm, Limits::Off);
        let halo = twin.adapter_within(Budget::halo(100_000));
        twin.switch("search_in", search);
        let many = |from: usize, to: usize| {
            for n in from..to {
                twin.act("ticket.create", &json!({"summary": format!("t{n}"), "client_id": twin.client()}));
            }
        };
        many(0, 150);
        let lists = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = std::sync::Arc::clone(&lists);
        twin.meddle(move |sent, response| {
            if sent.method == "GET" && sent.path().ends_with("/Tickets") {
                counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            }
            Ok(response)
        });
        let mut lost = draft(&twin, "HB-2323232323");
        lost.summary = "The one whose answer was lost".into();
        let made = halo.create_ticket(&lost, Class::New).await.unwrap();
        let since = twin.clock.now();
        // In order: a search, and a page where it finds nothing.
        let found = halo.find_created(&lost, since, Class::New, every, |_| false).await.unwrap();
        assert_eq!(found.iter().map(|ticket| ticket.id).collect::<Vec<_>>(), [made.id], "{search}");
        let expected = if search == "ignored" { 1 } else { 2 };
        assert_eq!(lists.load(std::sync::atomic::Ordering::SeqCst), expected, "{search}");
        twin.switch("ticket_order_ignored", "on");
        let found = halo.find_created(&lost, since, Class::New, every, |_| false).await.unwrap();
        assert_eq!(found.iter().map(|ticket| ticket.id).collect::<Vec<_>>(), [made.id], "{search}");
        let mut never = lost.clone();
        never.reference = "HB-2424242424".into();
        assert!(halo.find_created(&never, since, Class::New, every, |_| false).await.unwrap().is_empty(), "{search}");
        // More than are gone through: that it was not found says nothing.
        many(150, 1_010);
        let failure = halo.find_created(&never, since, Class::New, every, |_| false).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Transient, "{search}");
    }
}

#[tokio::test]
async fn halo_rule_11_a_page_that_is_handed_out_again_is_no_end_of_a_list_in_another_order() {
    for lies in ["off", "on"] {
        let twin = HaloTwin::new(Product::Itsm, Limits::Off);
        let halo = twin.adapter_within(Budget::halo(100_000));
        for n in 0..150 {
            twin.act("ticket.create", &json!({"summary": format!("t{n}"), "client_id": twin.client()}));
        }
        let lost = draft(&twin, "HB-2525252525");
        let made = halo.create_ticket(&lost, Class::New).await.unwrap();
        twin.act("ticket.update", &json!({"ticket_id": made.id.0, "summary": "Handled by the desk"}));
        for (switch, value) in [
            ("search_in", "summary"),
            ("ticket_order_ignored", "on"),
            ("page_repeats", "on"),
            ("record_count_lies", lies),
        ] {
            twin.switch(switch, value);
        }
        let failure = halo.find_created(&lost, twin.clock.now(), Class::New, every, |_| false).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Transient, "counts of a page: {lies}");
        assert!(failure.message.contains("again in place of the next"), "{failure}");
    }
    // All of them at once, whatever page is asked for: that is the whole list.
    let twin = HaloTwin::new(Product::Itsm, Limits::Off);
    let halo = twin.adapter();
    twin.meddle(|sent, response| {
        if sent.method == "GET" && sent.path().ends_with("/Tickets") {
            let rows: Vec<Value> = (1..=150).map(|id| json!({"id": id, "summary": format!("t{id}")})).collect();
            return crate::adapters_support::json(200, &json!({"record_count": 150, "tickets": rows}));
        }
        Ok(response)
    });
    let never = draft(&twin, "HB-2626262626");
    let found =
        halo.find_created(&never, twin.clock.now(), Class::New, async |_| Ok(Vec::new()), |_| false).await.unwrap();
    assert!(found.is_empty());
}

#[tokio::test]
async fn halo_rule_11_a_create_of_days_ago_is_found_by_its_mark_or_behind_hundreds_of_newer_tickets() {
    for search in ["summary", "ignored"] {
        let twin = HaloTwin::new(Product::Itsm, Limits::Off);
        let halo = twin.adapter_within(Budget::halo(100_000));
        let begun = twin.clock.now();
        let mut lost = draft(&twin, "HB-7777777777");
        lost.summary = "[Sentinel 7] The one that is forgotten".into();
        let made = halo.create_ticket(&lost, Class::New).await.unwrap();
        twin.clock.advance(SignedDuration::from_hours(72));
        for n in 0..120 {
            twin.act("ticket.create", &json!({"summary": format!("t{n}"), "client_id": twin.client()}));
        }
        twin.switch("search_in", search);
        if search == "ignored" {
            let since = twin.clock.now();
            assert!(halo.find_created(&lost, since, Class::New, every, |_| false).await.unwrap().is_empty());
        }
        let found = halo.find_forgotten(&lost, begun, Class::New, every, |_| false).await.unwrap();
        assert_eq!(found.iter().map(|ticket| ticket.id).collect::<Vec<_>>(), [made.id], "{search}");
        lost.reference = "HB-8888888888".into();
        assert!(halo.find_forgotten(&lost, begun, Class::New, every, |_| false).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn halo_rule_11_a_create_is_found_among_the_newest_whatever_a_rule_has_made_of_its_subject() {
    let twin = HaloTwin::new(Product::Itsm, Limits::Off);
    let halo = twin.adapter();
    let lost = draft(&twin, "HB-4444444444");
    let made = halo.create_ticket(&lost, Class::New).await.unwrap();
    for n in 0..5 {
        twin.act("ticket.create", &json!({"summary": format!("t{n}"), "client_id": twin.client()}));
    }
    twin.act("ticket.update", &json!({"ticket_id": made.id.0, "summary": "Handled by the desk"}));
    twin.switch("search_in", "summary");
    let found = halo.find_created(&lost, twin.clock.now(), Class::New, every, |_| false).await.unwrap();
    assert_eq!(found.iter().map(|ticket| ticket.id).collect::<Vec<_>>(), [made.id]);
    // What is another incident's is not even read.
    twin.meddle(|sent, response| {
        assert!(sent.path().ends_with("/Tickets"), "only lists are read: {}", sent.path());
        Ok(response)
    });
    let found =
        halo.find_created(&lost, twin.clock.now(), Class::New, async |_| Ok(Vec::new()), |_| false).await.unwrap();
    assert!(found.is_empty());
}

#[tokio::test]
async fn look_ups_that_are_missing_or_refused_hold_nothing_up() {
    for status in [403, 404] {
        let twin = HaloTwin::new(Product::Psa, Limits::Off);
        twin.meddle(move |sent, response| {
            let lacking = ["/FieldInfo", "/Outcome", "/Category", "/Team", "/Agent/me", "/Agent", "/Priority"];
            if lacking.iter().any(|tail| sent.path().ends_with(tail)) {
                return crate::adapters_support::text(status, "");
            }
            Ok(response)
        });
        let catalogue = twin.adapter().catalogue(Class::Interactive).await.unwrap();
        assert!(!catalogue.ticket_types.is_empty() && !catalogue.statuses.is_empty() && !catalogue.clients.is_empty());
        assert!(catalogue.fields.is_empty() && catalogue.own_agent_id.is_none());
    }
}

/// Not found, or sent elsewhere: where that says nothing of a record, it is a proxy's or a restart's answer and passes.
#[tokio::test]
async fn only_a_record_can_be_gone_and_a_redirect_passes() {
    use FailureKind::{Gone, Transient, Unknown};
    let page = "<html>Not Found</html>";
    let named = "{\"Message\":\"No HTTP resource was found that matches the request URI.\"}";
    // Status, body; what a ticket that is read, its actions, a list, a new ticket and a new note come to.
    for (status, body, expected) in [
        (404, "", [Gone, Transient, Transient, Transient, Transient]),
        (404, named, [Gone, Transient, Transient, Transient, Transient]),
        (404, page, [Transient; 5]),
        (410, "", [Gone, Transient, Transient, Transient, Transient]),
        (302, page, [Transient, Transient, Transient, Unknown, Unknown]),
    ] {
        let twin = HaloTwin::new(Product::Itsm, Limits::Off);
        let halo = twin.adapter();
        let id = created(&twin, &halo, "HB-5555555555").await;
        twin.meddle(move |_, _| crate::adapters_support::text(status, body));
        let since = moment("2026-05-04T00:00:00Z");
        let came = [
            halo.ticket(id, Class::New).await.unwrap_err(),
            halo.actions(id, Class::New).await.unwrap_err(),
            halo.changed_tickets(since, 1, Class::New).await.unwrap_err(),
            halo.create_ticket(&draft(&twin, "HB-6666666666"), Class::New).await.unwrap_err(),
            halo.add_note(id, &note("x"), Class::New).await.unwrap_err(),
        ];
        assert_eq!(came.map(|failure| failure.kind), expected, "{status} {body}");
    }
    for status in [302, 404] {
        let twin = HaloTwin::new(Product::Itsm, Limits::Off);
        twin.meddle(move |sent, response| {
            if sent.path().ends_with("/token") {
                return crate::adapters_support::text(status, "");
            }
            Ok(response)
        });
        let failure = twin.adapter().me(Class::Interactive).await.unwrap_err();
        assert_eq!((failure.kind, failure.status), (Transient, Some(status)), "{failure}");
    }
}

#[tokio::test]
async fn a_list_of_errors_is_no_list_of_rows() {
    for body in [json!({"errors": ["No."]}), json!({"errors": [{"message": "No."}]}), json!(["No."])] {
        let twin = HaloTwin::new(Product::Itsm, Limits::Off);
        let halo = twin.adapter();
        let id = created(&twin, &halo, "HB-7777777777").await;
        let told = body.clone();
        twin.meddle(move |_, _| crate::adapters_support::json(200, &told));
        let read = halo.actions(id, Class::New).await.unwrap_err();
        let listed = halo.changed_tickets(moment("2026-05-04T00:00:00Z"), 1, Class::New).await.unwrap_err();
        assert_eq!([read.kind, listed.kind], [FailureKind::Unreadable; 2], "{body}");
    }
}

#[tokio::test]
async fn one_ticket_may_come_as_an_array_of_one() {
    let twin = HaloTwin::new(Product::Itsm, Limits::Off);
    let halo = twin.adapter();
    let id = created(&twin, &halo, "HB-4444444444").await;
    twin.meddle(|sent, response| {
        if sent.method == "POST" || sent.path().ends_with("/token") {
            return Ok(response);
        }
        let bare: Value = serde_json::from_slice(response.body()).unwrap();
        crate::adapters_support::json(200, &json!([bare]))
    });
    assert_eq!(halo.ticket(id, Class::Interactive).await.unwrap().id, id);
}

#[tokio::test]
async fn halo_rule_12_one_limiter_for_all_calls_tokens_included() {
    let twin = HaloTwin::new(Product::Itsm, Limits::Off);
    let budget = Budget::halo(10);
    let halo = twin.adapter_within(budget.clone());
    let mut made = 0;
    let until = loop {
        match halo.me(Class::Interactive).await {
            Ok(_) => made += 1,
            Err(failure) => match failure.kind {
                FailureKind::WaitUntil { at } => break at,
                other => panic!("{other:?}"),
            },
        }
    };
    assert_eq!((made, twin.sent().len()), (9, 10), "the token call counts");
    assert_eq!(until, moment("2026-05-04T09:05:00Z"));
    assert_eq!(budget.state(moment("2026-05-04T09:00:00Z")).used, 10);
    twin.clock.set(until);
    assert!(halo.me(Class::Interactive).await.is_ok());
}

/// Sheet section 1.2, C: a new token may revoke the earlier one.
#[tokio::test]
async fn who_signs_in_alike_shares_one_token() {
    let twin = HaloTwin::new(Product::Itsm, Limits::Off);
    twin.switch("token_revokes_earlier", "on");
    let lanes = TokenLanes::default();
    let (engines, tests) = (twin.adapter().sharing(&lanes), twin.adapter().sharing(&lanes));
    let tokens = || twin.count("POST", "/halo/auth/token");
    for _ in 0..3 {
        engines.me(Class::Interactive).await.unwrap();
        tests.me(Class::Interactive).await.unwrap();
    }
    assert_eq!(tokens(), 1);
    tests.sign_in(Class::Interactive).await.unwrap();
    engines.me(Class::Interactive).await.unwrap();
    assert_eq!(tokens(), 2, "a new one is everybody's");
    let (connection, secret) = (engines.connection().clone(), SecretString::from("another one"));
    let clock = Arc::new(twin.clock.clone());
    let other = Halo::new(connection, secret, twin.clone(), clock, Budget::halo(300)).sharing(&lanes);
    let refused = other.me(Class::Interactive).await.unwrap_err();
    assert_eq!((refused.kind, tokens()), (FailureKind::SignInAgain, 3), "another secret is tried for itself");
    engines.me(Class::Interactive).await.unwrap();
    assert_eq!(tokens(), 3);
}

#[tokio::test]
async fn halo_rule_13_closed_is_told_by_halo() {
    for product in BOTH {
        let twin = HaloTwin::new(product, Limits::Off);
        let halo = twin.adapter();
        let id = created(&twin, &halo, "HB-13").await;
        assert!(!halo.ticket(id, Class::New).await.unwrap().closed);
        twin.act("ticket.close", &json!({"ticket_id": id.0, "text": "done"}));
        assert!(halo.ticket(id, Class::New).await.unwrap().closed);
        twin.act("ticket.reopen", &json!({"ticket_id": id.0, "text": "again"}));
        assert!(!halo.ticket(id, Class::New).await.unwrap().closed);
        let catalogue = halo.catalogue(Class::Interactive).await.unwrap();
        let closed: Vec<&str> = catalogue
            .statuses
            .iter()
            .filter(|s| catalogue.closed_statuses.contains(&s.id))
            .map(|s| s.name.as_str())
            .collect();
        assert!(closed.contains(&"Closed") && !closed.contains(&"New"), "{closed:?}");
    }
}

/// The shapes of sheet 7.2 in the place of a new ticket, with status 200.
#[tokio::test]
async fn a_refusal_with_a_good_status_says_no_in_every_shape() {
    let no = "Ticket could not be created";
    for (body, says) in [
        (json!({"error": "refused", "error_description": no}), no),
        (json!({"ClassName": "System.Exception", "Message": no, "Data": null}), no),
        (json!({"Message": no}), no),
        (json!({"message": no, "id": 0}), no),
        (json!({"resultCode": 4, "errorMessage": no}), no),
        (json!({"[0].id": [no]}), "[0].id: Ticket could not be created"),
        (json!({"id": no}), "id: Ticket could not be created"),
        (json!([{"Message": no}]), no),
        (json!(no), no),
        (json!([no]), no),
    ] {
        let twin = HaloTwin::new(Product::Itsm, Limits::Off);
        let answer = body.to_string();
        twin.meddle(move |sent, response| {
            if sent.method == "POST" && sent.path().ends_with("/Tickets") {
                return crate::adapters_support::text(200, &answer);
            }
            Ok(response)
        });
        let failure = twin.adapter().create_ticket(&draft(&twin, "HB-2525252525"), Class::New).await.unwrap_err();
        assert!(failure.said_no(), "{body}: {failure:?}");
        assert_eq!(failure.message, format!("Halo refuses: {says}"), "{body}");
    }
    // What says nothing is no word of Halo's.
    for body in ["\"\"", "{}", "[]", "null", "{\"resultCode\": 0}", "{\"id\": 0}", "{\"columns\": []}"] {
        let twin = HaloTwin::new(Product::Itsm, Limits::Off);
        twin.meddle(move |sent, response| {
            if sent.method == "POST" && sent.path().ends_with("/Tickets") {
                return crate::adapters_support::text(200, body);
            }
            Ok(response)
        });
        let failure = twin.adapter().create_ticket(&draft(&twin, "HB-2626262626"), Class::New).await.unwrap_err();
        assert!(failure.kind == FailureKind::Unknown && !failure.said_no(), "{body}: {failure:?}");
    }
}

#[test]
fn halo_rule_14_the_ticket_is_found_in_every_shape_of_a_delivery() {
    for (body, expected) in [
        (json!({"id": "0b0e", "object_id": "12"}), vec![12]),
        (json!({"id": 99, "ticket": {"id": 12.0}}), vec![12]),
        (json!({"id": 99, "ticket_id": 12}), vec![12]),
        (json!({"id": 99, "action": {"id": 3, "ticket_id": 12}}), vec![12]),
        (json!({"id": 99, "object_id": 0, "ticket": null, "action": {"ticket_id": "12"}}), vec![12]),
        (json!([{"object_id": 12}, {"object_id": 13}, {"ticket": {"id": 12}}]), vec![12, 13]),
        (json!({"id": 99}), vec![]),
        (json!("12"), vec![]),
    ] {
        let ids: Vec<i64> = webhook::ticket_ids(&body).into_iter().map(|id| id.0).collect();
        assert_eq!(ids, expected, "{body}");
    }
}

#[test]
fn halo_rule_14_a_webhook_is_a_hint() {
    let one = json!({"id": "6a8d4cf5-0000-4000-8000-000000000000", "object_id": 12, "ticket": {"id": 12}});
    assert_eq!(webhook::ticket_ids(&one), [TicketId(12)]);
    let batch = json!([one, {"id": 99, "ticket": {"id": "13"}}, {"id": 98, "ticket_id": 14.0}, {"object_id": 12}, {"id": 97}, null, 3]);
    assert_eq!(webhook::ticket_ids(&batch), [TicketId(12), TicketId(13), TicketId(14)]);
    for nothing in [json!(null), json!("x"), json!({"id": 5}), json!([])] {
        assert!(webhook::ticket_ids(&nothing).is_empty());
    }
}

#[test]
fn a_webhook_proves_itself_in_three_ways() {
    let (secret, body) = (SecretString::from("It's a Secret to Everybody"), b"Hello, World!".as_slice());
    // A known vector of HMAC-SHA256 for this key and text, in base64.
    let signature = "dXEH6g6yUJ/CESIczphLijdXC211hsIsRvQ3nIsEPhc=";
    assert!(webhook::verify(webhook::Method::Signature, Some(signature), &secret, body));
    assert!(!webhook::verify(webhook::Method::Signature, Some(signature), &secret, b"Hello, World?"));
    assert!(webhook::verify(webhook::Method::Token, Some("Bearer It's a Secret to Everybody"), &secret, body));
    assert!(webhook::verify(webhook::Method::Token, Some("It's a Secret to Everybody"), &secret, body));
    assert!(!webhook::verify(webhook::Method::Token, Some("It's a secret to everybody"), &secret, body));
    let basic = "Basic aGFsbzpJdCdzIGEgU2VjcmV0IHRvIEV2ZXJ5Ym9keQ==";
    assert!(webhook::verify(webhook::Method::Basic, Some(basic), &secret, body));
    assert!(!webhook::verify(webhook::Method::Basic, Some("Basic %%%"), &secret, body));
    for method in [webhook::Method::Signature, webhook::Method::Token, webhook::Method::Basic] {
        assert!(!webhook::verify(method, None, &secret, body));
        assert!(!webhook::verify(method, Some(""), &secret, body));
        assert!(!webhook::verify(method, Some(""), &SecretString::from(""), body));
    }
    assert!(webhook::verify_any(Some(signature), None, &secret, body));
    assert!(webhook::verify_any(None, Some(basic), &secret, body));
    assert!(!webhook::verify_any(Some("wrong"), Some("Bearer wrong"), &secret, body));
}
