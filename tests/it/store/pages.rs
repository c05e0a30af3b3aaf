//! Lists: filters, search, sorting, paging by key both ways, kept counters.

use halobridge::{
    domain::{
        account::Scope,
        group::Group,
        ids::TicketId,
        incident::{Evidence, IncidentStatus, Severity},
        pair::{Health, PairState, SyncState},
        reason::Reason,
    },
    ledger::fact::Fact,
    store::{PageKey, PairFilter, PairPage, PairSort, SortBy, Store, SubjectFilter},
};
use serde_json::json;

use super::fixture::*;

fn numbers(page: &PairPage) -> Vec<i64> {
    page.rows.iter().filter_map(|row| row.number).collect()
}

const SORTS: [SortBy; 7] =
    [SortBy::Changed, SortBy::Opened, SortBy::Number, SortBy::Severity, SortBy::Ticket, SortBy::Client, SortBy::State];

/// 24 pairs of three clients, in a known variety.
async fn world() -> Store {
    let store = memory().await;
    // The first one was removed.
    let mut tx = store.begin().await.unwrap();
    tx.put_halo(&halo_connection(1)).await.unwrap();
    tx.put_client(&customer(1)).await.unwrap();
    tx.put_client(&customer(2)).await.unwrap();
    tx.commit().await.unwrap();
    for n in 1..=24_u32 {
        let mut incident = incident(n, &format!("Impossible travel of user{n:02}"));
        incident.severity = if n % 4 == 0 { Severity::High } else { Severity::Low };
        incident.status = if n % 6 == 0 { IncidentStatus::Closed } else { IncidentStatus::New };
        let mut pair = pair(n);
        pair.client = client(n % 3);
        pair.workspace = workspace(n % 3);
        // Several share a moment: the row decides.
        pair.changed = at(i64::from(n / 3));
        if n % 8 == 0 {
            (pair.sync, pair.health) = (SyncState::InStep, Health::NeedsYou);
        }
        pair.ticket = Some(TicketId(5000 + i64::from(n)));
        let mut tx = store.begin().await.unwrap();
        let who = pair.client;
        tx.record(at(1), Some(who), incident_read(pair.workspace, who, incident)).await.unwrap();
        tx.record(at(1), Some(who), Fact::PairOpened { pair: Box::new(pair) }).await.unwrap();
        tx.commit().await.unwrap();
    }
    store
}

#[tokio::test]
async fn every_sort_pages_through_all_rows_both_ways() {
    let store = world().await;
    for by in SORTS {
        for descending in [true, false] {
            let sort = PairSort { by, descending };
            let filter = PairFilter::default();
            let whole = store.pairs_page(&filter, sort, None, 100).await.unwrap();
            assert_eq!((whole.rows.len(), whole.next, whole.previous), (24, None, None));
            let mut pages = vec![store.pairs_page(&filter, sort, None, 5).await.unwrap()];
            while let Some(key) = pages.last().unwrap().next {
                // Keys survive the address.
                let key: PageKey = key.to_string().parse().unwrap();
                pages.push(store.pairs_page(&filter, sort, Some(key), 5).await.unwrap());
            }
            let walked: Vec<i64> = pages.iter().flat_map(numbers).collect();
            assert_eq!(walked, numbers(&whole), "{by:?} {descending}");
            assert_eq!(pages.len(), 5);
            assert_eq!(pages[0].previous, None);
            let mut back = pages[4].previous;
            for page in pages[..4].iter().rev() {
                let found = store.pairs_page(&filter, sort, back, 5).await.unwrap();
                assert_eq!(numbers(&found), numbers(page), "{by:?} {descending} backward");
                assert!(found.next.is_some());
                back = found.previous;
            }
            assert_eq!(back, None);
        }
    }
}

#[tokio::test]
async fn filters_combine() {
    let store = world().await;
    let page = |filter: PairFilter| {
        let store = store.clone();
        let sort = PairSort { by: SortBy::Number, descending: false };
        async move { numbers(&store.pairs_page(&filter, sort, None, 100).await.unwrap()) }
    };
    let all = PairFilter::default;
    assert_eq!(page(PairFilter { client: Some(client(1)), ..all() }).await, [1, 4, 7, 10, 13, 16, 19, 22]);
    assert_eq!(page(PairFilter { workspace: Some(workspace(2)), ..all() }).await.len(), 8);
    assert_eq!(page(PairFilter { halo: Some(halo(2)), ..all() }).await, [0_i64; 0]);
    assert_eq!(page(PairFilter { severity: Some(Severity::High), ..all() }).await, [4, 8, 12, 16, 20, 24]);
    assert_eq!(page(PairFilter { status: Some(IncidentStatus::Closed), ..all() }).await, [6, 12, 18, 24]);
    assert_eq!(page(PairFilter { sync: Some(SyncState::InStep), ..all() }).await, [8, 16, 24]);
    assert_eq!(page(PairFilter { sync: Some(SyncState::Behind), ..all() }).await.len(), 21);
    assert_eq!(page(PairFilter { sync: Some(SyncState::Unknown), ..all() }).await, [0_i64; 0]);
    // 8 and 16 lie in workspaces that nobody reads, 24 in one that is read.
    let silent = vec![workspace(1), workspace(2)];
    let in_step = PairFilter { sync: Some(SyncState::InStep), silent: silent.clone(), ..all() };
    assert_eq!(page(in_step).await, [24]);
    assert_eq!(page(PairFilter { sync: Some(SyncState::Unknown), silent, ..all() }).await, [8, 16]);
    assert_eq!(page(PairFilter { health: Some(Health::NeedsYou), ..all() }).await, [8, 16, 24]);
    assert_eq!(page(PairFilter { health: Some(Health::Waiting), ..all() }).await, [0_i64; 0]);
    assert_eq!(page(PairFilter { health: Some(Health::Healthy), client: Some(client(1)), ..all() }).await.len(), 7);
    assert_eq!(page(PairFilter { reason: Some("new-incident".into()), ..all() }).await.len(), 24);
    let state = PairState {
        sync: SyncState::Behind,
        health: Health::NeedsYou,
        reason: Some(Reason::WrongClient),
        further: vec![Reason::CommentsFull, Reason::VerdictMissing],
    };
    let mut tx = store.begin().await.unwrap();
    tx.record(at(2), Some(client(2)), Fact::PairJudged { pair: pair_id(5), state }).await.unwrap();
    tx.commit().await.unwrap();
    for code in ["wrong-client", "comments-full", "verdict-missing"] {
        assert_eq!(page(PairFilter { reason: Some(code.into()), ..all() }).await, [5], "{code}: first or further");
    }
    let from_to = PairFilter { opened_from: Some(at(3)), opened_before: Some(at(5)), ..all() };
    assert_eq!(page(from_to).await, [3, 4]);
    let scope = Scope::Clients(vec![client(2)]);
    assert_eq!(page(PairFilter { scope: scope.clone(), ..all() }).await.len(), 8);
    assert_eq!(page(PairFilter { scope, client: Some(client(1)), ..all() }).await, [0_i64; 0]);
    assert_eq!(page(PairFilter { scope: Scope::Clients(vec![]), ..all() }).await, [0_i64; 0]);
}

#[tokio::test]
async fn the_pairs_that_need_somebody_are_those_of_the_list() {
    let store = world().await;
    let only = Scope::Clients(vec![client(1), client(2)]);
    for (scope, limit) in [(Scope::All, 100), (Scope::All, 2), (only, 100), (Scope::Clients(Vec::new()), 100)] {
        let filter = PairFilter { health: Some(Health::NeedsYou), scope: scope.clone(), ..PairFilter::default() };
        let listed = store.pairs_page(&filter, PairSort::default(), None, limit).await.unwrap().rows;
        let found = store.needing_pairs(&scope, limit).await.unwrap();
        assert_eq!(found.len(), listed.len());
        for (found, listed) in found.iter().zip(&listed) {
            assert_eq!((found.id, found.client, found.halo), (listed.pair.id, listed.pair.client, listed.pair.halo));
            assert_eq!(found.workspace, listed.pair.workspace);
            assert_eq!((found.ticket, found.number, &found.title), (listed.pair.ticket, listed.number, &listed.title));
            assert_eq!((&found.reason, &found.further), (&listed.pair.reason, &listed.pair.further));
            assert_eq!(found.judged, listed.judged);
        }
    }
    assert_eq!(store.needing_pairs(&Scope::All, 100).await.unwrap().len(), 3);
}

#[tokio::test]
async fn each_group_is_counted_with_its_ticket() {
    let store = memory().await;
    for n in 1..=4_u32 {
        let mut pair = pair(n);
        let first = pair_id(if n == 4 { 4 } else { 1 });
        pair.group = Some(Group { first, keys: Vec::new(), why: String::new(), notes_after: None });
        pair.ticket = Some(TicketId(if n == 3 { 8 } else { 7 }));
        let read = incident_read(pair.workspace, pair.client, incident(n, "Impossible travel"));
        record(&store, vec![read, Fact::PairOpened { pair: Box::new(pair) }]).await;
    }
    let [one, four, none] = [(1, 7), (4, 7), (2, 7)].map(|(pair, ticket)| (pair_id(pair), TicketId(ticket)));
    let other = (pair_id(1), TicketId(8));
    let sizes = store.group_sizes(&[one, four, none, other, one]).await.unwrap();
    assert_eq!([one, four, none, other].map(|group| sizes[&group]), [2, 1, 0, 1]);
    assert!(store.group_sizes(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn few_and_many_that_match_are_found_alike() {
    let store = world().await;
    let all = PairFilter::default;
    // For a page of one row most of these are many (the order is read, and words are looked for in each row); for one of
    // a hundred they are few (they are read and sorted).
    let filters = [
        PairFilter { client: Some(client(1)), ..all() },
        PairFilter { workspace: Some(workspace(2)), severity: Some(Severity::Low), ..all() },
        PairFilter { scope: Scope::Clients(vec![client(0), client(2)]), ..all() },
        PairFilter { sync: Some(SyncState::Behind), ..all() },
        PairFilter { sync: Some(SyncState::InStep), health: Some(Health::NeedsYou), ..all() },
        PairFilter { status: Some(IncidentStatus::New), ..all() },
        PairFilter { status: Some(IncidentStatus::New), severity: Some(Severity::High), ..all() },
        PairFilter { reason: Some("new-incident".into()), ..all() },
        PairFilter { text: Some("TRAVEL user".into()), ..all() },
        PairFilter { text: Some("im".into()), ..all() },
        PairFilter { text: Some("travel".into()), client: Some(client(0)), ..all() },
    ];
    for filter in &filters {
        for by in SORTS {
            for descending in [true, false] {
                let sort = PairSort { by, descending };
                let whole = numbers(&store.pairs_page(filter, sort, None, 100).await.unwrap());
                assert!(!whole.is_empty(), "{filter:?}");
                let (mut walked, mut after) = (Vec::new(), None);
                loop {
                    let page = store.pairs_page(filter, sort, after, 1).await.unwrap();
                    walked.extend(numbers(&page));
                    after = page.next;
                    if after.is_none() {
                        break;
                    }
                }
                assert_eq!(walked, whole, "{by:?} {descending} {filter:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_search_after_an_import_finds_what_is_not_indexed_yet() {
    let store = memory().await;
    // More than one search takes into the full text.
    let mut tx = store.begin().await.unwrap();
    for n in 1..=620_u32 {
        let title = if n % 310 == 0 { format!("Rare rootkit {n}") } else { format!("Password spray {n}") };
        tx.record(at(1), Some(client(1)), incident_read(workspace(1), client(1), incident(n, &title))).await.unwrap();
    }
    tx.commit().await.unwrap();
    let filter = |text: &str| SubjectFilter { text: Some(text.to_owned()), ..SubjectFilter::default() };
    for text in ["ROOTKIT", "rare root", "310 rare"] {
        let found = store.subjects_page(&filter(text), None, 100).await.unwrap().rows.len();
        assert_eq!(found, if text.starts_with("310") { 1 } else { 2 }, "{text}");
    }
    assert_eq!(store.subjects_page(&filter("Rootkit"), None, 100).await.unwrap().rows.len(), 2, "once all are indexed");
}

#[tokio::test]
async fn search_finds_by_words_parts_numbers_guids_and_tickets() {
    let store = world().await;
    let found = |text: &str| {
        let (store, text) = (store.clone(), text.to_owned());
        async move {
            let filter = PairFilter { text: Some(text), ..PairFilter::default() };
            let sort = PairSort { by: SortBy::Number, descending: false };
            numbers(&store.pairs_page(&filter, sort, None, 100).await.unwrap())
        }
    };
    assert_eq!(found("ossibl TRAV").await.len(), 24);
    assert_eq!(found("user07").await, [7]);
    assert_eq!(found("travel user07").await, [7]);
    assert_eq!(found("user07 elsewhere").await, [0_i64; 0]);
    assert_eq!(found("7").await, [7]);
    assert_eq!(found("#12").await, [12]);
    assert_eq!(found("5012").await, [12]);
    assert_eq!(found("#7 travel user07").await, [7], "as a row shows it");
    assert_eq!(found("5012 Impossible").await, [12], "by its ticket's number too");
    assert_eq!(found(&incident_id(9).to_string().to_uppercase()).await, [9]);
    assert_eq!(found("hb-0000000009").await, [9], "the reference that the ticket shows");
    assert_eq!(found("HB-000000000").await, [0_i64; 0]);
    assert_eq!(found("im").await.len(), 24, "short: the beginning of the title");
    assert_eq!(found("tr").await, [0_i64; 0]);
    assert_eq!(found("  ").await.len(), 24, "nothing typed is no filter");
    // Operators, quotes and signs are only words.
    for text in
        ["\"", "a\"b\"c", "user07\" OR title:*", "NOT (travel", "*", "%_%", "travel'--", "\0\0\0", "-travel", "{x}^2"]
    {
        assert_eq!(found(text).await, [] as [i64; 0], "{text:?}");
    }
    // A new title is found, the old one no longer.
    let renamed = incident_read(workspace(1), client(1), incident(7, "Password spray"));
    record(&store, vec![renamed]).await;
    assert_eq!(found("user07").await, [0_i64; 0]);
    assert_eq!(found("spray").await, [7]);
    // Hosts and users of the evidence are found, in the title's company too, whatever else an entity may be.
    let entities = vec![
        json!({ "kind": "Host", "properties": { "hostName": "WS-042", "dnsDomain": "contoso.com" } }),
        json!({ "kind": "Account", "properties": { "accountName": "ann", "upnSuffix": "contoso.com", "ntDomain": "CONTOSO" } }),
        json!({ "kind": "Ip", "properties": { "address": "203.0.113.7", "friendlyName": 5 } }),
        json!({ "properties": "text" }),
        json!("{"),
        json!(null),
    ];
    let read = |evidence| Fact::EvidenceRead {
        workspace: workspace(1),
        incident: incident_id(7),
        evidence: Box::new(evidence),
    };
    record(&store, vec![read(Evidence { alerts: vec![], entities })]).await;
    for text in ["ws-042", "042.contoso", "ann@contoso.com", "contoso\\ann", "203.0.113", "spray ws-042"] {
        assert_eq!(found(text).await, [7], "{text}");
    }
    assert_eq!(found("ws-042 travel").await, [0_i64; 0]);
    record(&store, vec![read(Evidence::default())]).await;
    assert_eq!(found("ws-042").await, [0_i64; 0], "what the evidence names no longer");
    assert_eq!(found("spray").await, [7]);
}

#[tokio::test]
async fn counters_are_kept() {
    let store = world().await;
    let total = |store: &Store, scope: Scope| {
        let store = store.clone();
        async move { store.counters(&scope).await.unwrap() }
    };
    let sum = |counts: &[halobridge::store::PairCount]| counts.iter().map(|c| c.pairs).sum::<i64>();
    assert_eq!(sum(&total(&store, Scope::All).await), 24);
    assert_eq!(sum(&total(&store, Scope::Clients(vec![client(1)])).await), 8);
    assert_eq!(store.needs_you(&Scope::All).await.unwrap(), 3);
    assert_eq!(store.needs_you(&Scope::Clients(vec![client(1)])).await.unwrap(), 1);
    assert_eq!(store.needs_you(&Scope::Clients(vec![])).await.unwrap(), 0);
    let state = PairState { sync: SyncState::Unknown, health: Health::Waiting, reason: None, further: Vec::new() };
    let judged = Fact::PairJudged { pair: pair_id(1), state };
    record(&store, vec![judged.clone(), judged]).await;
    let counts = total(&store, Scope::All).await;
    let unknown: Vec<_> = counts.iter().filter(|c| c.sync == SyncState::Unknown).collect();
    assert_eq!((sum(&counts), unknown.len(), unknown[0].pairs), (24, 1, 1));
    assert_eq!((unknown[0].client, unknown[0].health), (client(1), Health::Waiting));
}

#[tokio::test]
async fn unlinked_incidents_have_their_page_and_counters() {
    let store = memory().await;
    for n in 1..=7_u32 {
        let reason = if n % 2 == 0 { Reason::OlderThanStart } else { Reason::Redirected };
        let held = |reason| Fact::IncidentHeld { workspace: workspace(1), incident: incident_id(n), reason };
        let read = incident_read(workspace(1), client(1), incident(n, &format!("Old news {n}")));
        record_at(&store, at(i64::from(n)), vec![read, held(Some(reason.clone())), held(Some(reason))]).await;
    }
    let held = |code: &'static str| {
        let store = store.clone();
        async move {
            let counts = store.held_counters(&Scope::All).await.unwrap();
            counts.iter().find(|c| c.code == code).map_or(0, |c| c.subjects)
        }
    };
    assert_eq!((held("older-than-start").await, held("redirected").await), (3, 4));
    let filter = SubjectFilter { reason: Some("redirected".into()), ..SubjectFilter::default() };
    let first = store.subjects_page(&filter, None, 3).await.unwrap();
    let shown = |page: &halobridge::store::SubjectPage| page.rows.iter().filter_map(|r| r.number).collect::<Vec<_>>();
    assert_eq!((shown(&first), first.previous), (vec![7, 5, 3], None));
    let second = store.subjects_page(&filter, first.next, 3).await.unwrap();
    assert_eq!((shown(&second), second.next), (vec![1], None));
    assert_eq!(shown(&store.subjects_page(&filter, second.previous, 3).await.unwrap()), [7, 5, 3]);
    let which = [(workspace(1), incident_id(2)), (workspace(2), incident_id(2)), (workspace(1), incident_id(9))];
    let found = store.incidents(&which).await.unwrap();
    assert_eq!(found.len(), 1, "what is not there is left out");
    assert_eq!(found[&which[0]].title, "Old news 2");
    let filter = SubjectFilter { text: Some("news".into()), scope: Scope::Clients(vec![client(2)]), ..filter };
    assert!(store.subjects_page(&filter, None, 3).await.unwrap().rows.is_empty());
    // Linking takes it from the list and the counter.
    record(&store, vec![Fact::PairOpened { pair: Box::new(pair(7)) }]).await;
    assert_eq!(held("redirected").await, 3);
    let free = Fact::IncidentHeld { workspace: workspace(1), incident: incident_id(5), reason: None };
    record(&store, vec![free]).await;
    assert_eq!(held("redirected").await, 2);
    assert_eq!(store.subjects_page(&SubjectFilter::default(), None, 99).await.unwrap().rows.len(), 6);
}
