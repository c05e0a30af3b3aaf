//! What pages are given: both sides field by field, the conversation, sorting, problems, sessions.

use halobridge::{
    domain::{
        account::{Role, Scope},
        failure::{Failure, FailureKind, Side},
        ids::{ActionKey, CommentId, ConnectionId, RunId, TicketId, UserId, WorkspaceId},
        incident::{Comment, Incident, IncidentStatus, Severity},
        pair::{Health, NoteLink, PairState, SyncState},
        reason::Reason,
        run::{Run, RunCause, RunScope},
        view::{
            dashboard::{PairFilter, PairSort},
            ledger::{ChainState, LedgerFilter},
            not_linked::NotLinkedFilter,
            pair::{Crossing, FieldState},
            runs::RunFilter,
        },
        workspace::{Mode, Workspace},
    },
    ledger::fact::Fact,
    service::{
        self,
        caller::Caller,
        dashboard, doctor,
        engine_handle::{BudgetStatus, EngineStatus, ScopeStatus},
        error::ServiceError,
        incidents, ledger, pairs, problems, pulse, runs,
    },
};
use http::StatusCode;
use jiff::SignedDuration;
use serde_json::json;
use uuid::Uuid;

use crate::support::{TestApp, seed};

fn caller(scope: Scope) -> Caller {
    Caller { user: UserId(Uuid::from_u128(9)), name: "ada".into(), role: Role::Viewer, scope }
}

async fn app() -> TestApp {
    let app = TestApp::new().await;
    app.seed("Rare process", "the words").await;
    app
}

impl TestApp {
    async fn record(&self, n: u128, fact: Fact) {
        let mut tx = self.app.store.begin().await.unwrap();
        tx.record(self.now(), Some(seed::client(n)), fact).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn changed(&self, n: u128, change: impl FnOnce(&mut Incident)) {
        let row = self.app.store.situation(seed::pair(n)).await.unwrap().unwrap();
        let mut incident = row.subject.incident;
        change(&mut incident);
        let fact =
            Fact::IncidentRead { workspace: seed::workspace(n), client: seed::client(n), incident: Box::new(incident) };
        self.record(n, fact).await;
    }
}

#[tokio::test]
async fn doctor_finds_no_fault_in_the_polls_of_what_is_not_read_any_more() {
    let app = app().await;
    let ids = [
        RunScope::Workspace { id: seed::workspace(1) },
        RunScope::Workspace { id: seed::workspace(2) },
        RunScope::Workspace { id: WorkspaceId(Uuid::from_u128(77)) },
        RunScope::Halo { id: seed::HALO },
        RunScope::Halo { id: ConnectionId(Uuid::from_u128(78)) },
    ];
    for (n, scope) in (1_u128..).zip(ids) {
        let failure = Failure::new(Side::Sentinel, FailureKind::Transient, "It is not reachable.");
        let (id, cause) = (RunId(Uuid::from_u128(n)), RunCause::Schedule);
        let (started, ended) = (app.now(), app.now());
        let run = Run { id, scope, cause, started, ended, read: 0, changed: 0, failure: Some(failure) };
        app.record(1, Fact::RunEnded { run }).await;
    }
    let faults = async || {
        let installation = app.app.installation().await.unwrap();
        let found = doctor::work(&app.app.store, &installation).await;
        let polls = found.into_iter().filter(|finding| finding.what.starts_with("polls of "));
        polls.map(|finding| finding.what).collect::<Vec<_>>()
    };
    let told = faults().await;
    assert_eq!(told.len(), 3, "what is not set up is not told of: {told:?}");
    let installation = app.app.installation().await.unwrap();
    let first = installation.workspaces.iter().find(|one| one.id == seed::workspace(1)).unwrap();
    let mut tx = app.app.store.begin().await.unwrap();
    tx.put_workspace(&Workspace { mode: Mode::Off, ..first.clone() }).await.unwrap();
    tx.commit().await.unwrap();
    let told = faults().await;
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().all(|what| !what.contains("Ws1")), "{told:?}");
}

#[tokio::test]
async fn both_sides_are_compared_in_the_policys_terms() {
    let app = app().await;
    let all = caller(Scope::All);
    let view = pairs::view(&app.app, &all, seed::pair(1), "").await.unwrap();
    let states: Vec<FieldState> = view.fields.iter().map(|field| field.state).collect();
    assert_eq!(states, [FieldState::Same; 4], "{:#?}", view.fields);
    assert_eq!(view.fields[0].ticket.as_deref(), Some("P1"), "by name, not by number");
    assert_eq!(view.ticket.as_ref().unwrap().url.as_deref(), Some("https://desk.haloitsm.com/tickets?id=2001"));
    assert_eq!((view.dead.len(), view.queue.len()), (1, 0));
    assert!(view.timeline.iter().any(|entry| entry.words.contains("Given up")), "{:#?}", view.timeline);
    assert!(view.incident_url.unwrap().starts_with("https://portal.azure.com/"));

    app.changed(1, |incident| incident.severity = Severity::Low).await;
    let view = pairs::view(&app.app, &all, seed::pair(1), "").await.unwrap();
    assert_eq!(view.fields[0].state, FieldState::IncidentAhead);
    assert_eq!(view.fields[0].next.as_deref(), Some("The incident's severity is written to the ticket."));
}

#[tokio::test]
async fn words_are_shown_once_on_the_side_they_were_written() {
    let app = app().await;
    let all = caller(Scope::All);
    let view = pairs::view(&app.app, &all, seed::pair(1), "").await.unwrap();
    assert_eq!(view.notes.len(), 2);
    assert!(view.notes.iter().all(|note| note.crossing != Crossing::Crossed), "{:#?}", view.notes);
    let link = NoteLink {
        pair: seed::pair(1),
        comment: CommentId::new("10000000-0000-4000-8000-000000000001"),
        action: ActionKey { ticket: TicketId(2001), action: 2 },
        edit: 0,
        part: 0,
        said: None,
        written_in: Side::Halo,
    };
    app.record(1, Fact::NoteLinked { link }).await;
    let view = pairs::view(&app.app, &all, seed::pair(1), "").await.unwrap();
    assert_eq!(view.notes.len(), 1, "{:#?}", view.notes);
    assert_eq!((view.notes[0].written_in, &view.notes[0].crossing), (Side::Halo, &Crossing::Crossed));
}

#[tokio::test]
async fn a_comment_is_shown_with_every_word_that_crosses() {
    let app = app().await;
    let words = [
        ("mail from <ceo@evil.example> opened <http://evil.example/x.exe>", None),
        ("a List<String>, and a < b > c", None),
        ("first line\nsecond line of **Markdown**", None),
        ("<p>one</p><p>two &lt;x&gt;</p>", Some("one\n\ntwo <x>")),
    ];
    let known = app.app.store.situation(seed::pair(1)).await.unwrap().unwrap().comments.unwrap();
    let comments = words.iter().zip(1..).map(|((message, _), n)| Comment {
        id: CommentId::new(&format!("20000000-0000-4000-8000-00000000000{n}")),
        message: (*message).to_owned(),
        ..known[0].clone()
    });
    app.record(1, Fact::CommentsRead { pair: seed::pair(1), comments: comments.collect() }).await;
    let view = pairs::view(&app.app, &caller(Scope::All), seed::pair(1), "").await.unwrap();
    let shown: Vec<&str> =
        view.notes.iter().filter(|note| note.written_in == Side::Sentinel).map(|note| note.text.as_str()).collect();
    let whole: Vec<&str> = words.iter().map(|(message, said)| said.unwrap_or(message)).collect();
    assert_eq!(shown, whole);
}

#[tokio::test]
async fn a_foreign_pair_does_not_exist() {
    let app = app().await;
    let other = caller(Scope::Clients(vec![seed::client(2)]));
    assert_eq!(pairs::view(&app.app, &other, seed::pair(1), "").await, Err(ServiceError::NotFound));
    assert!(pairs::view(&app.app, &other, seed::pair(2), "").await.is_ok());
    let nobody = caller(Scope::Clients(Vec::new()));
    let view = dashboard::view(&app.app, &nobody, PairFilter::default()).await.unwrap();
    assert!(view.rows.unwrap().rows.is_empty() && view.clients.is_empty() && view.counts.pairs() == 0);
}

#[tokio::test]
async fn a_pair_that_nobody_follows_does_not_claim_to_be_in_step() {
    let app = app().await;
    let all = caller(Scope::All);
    app.changed(1, |incident| incident.status = IncidentStatus::Closed).await;
    for n in [1, 2] {
        let (sync, health) = (SyncState::InStep, Health::Healthy);
        let state = PairState { sync, health, reason: None, further: Vec::new() };
        app.record(n, Fact::PairJudged { pair: seed::pair(n), state }).await;
    }
    let before = app.app.store.latest_seq().await.unwrap();
    let installation = app.app.installation().await.unwrap();
    let workspace = installation.workspaces.iter().find(|row| row.id == seed::workspace(1)).unwrap();
    for (mode, sync, reason, counts) in [
        (Mode::Off, SyncState::Unknown, Some(Reason::ModeOff), (1, 1)),
        (Mode::TwoWay, SyncState::InStep, None, (2, 0)),
    ] {
        let mut tx = app.app.store.begin().await.unwrap();
        tx.put_workspace(&Workspace { mode, ..workspace.clone() }).await.unwrap();
        tx.commit().await.unwrap();
        let view = pairs::view(&app.app, &all, seed::pair(1), "").await.unwrap();
        assert_eq!((view.sync, view.health, view.reason), (sync, Health::Healthy, reason.clone()), "{mode:?}");
        let page = async |sync: Option<SyncState>| {
            let filter = PairFilter { sync, ..PairFilter::default() };
            let view = dashboard::view(&app.app, &all, filter).await.unwrap();
            (view.counts, view.rows.unwrap())
        };
        let (found, whole) = page(None).await;
        assert_eq!((found.in_step, found.unknown), counts, "{mode:?}");
        let row = whole.rows.iter().find(|row| row.id == seed::pair(1)).unwrap();
        assert_eq!((row.sync, &row.reason), (sync, &reason), "{mode:?}");
        for (sync, count) in [(SyncState::InStep, counts.0), (SyncState::Unknown, counts.1)] {
            let (_, listed) = page(Some(sync)).await;
            let found = (u64::try_from(listed.rows.len()).unwrap(), listed.total);
            assert_eq!(found, (count, Some(count)), "{mode:?} {sync:?}: the count leads to as many rows");
        }
    }
    assert_eq!(app.app.store.latest_seq().await.unwrap(), before, "nothing is written for any of them");
}

#[tokio::test]
async fn the_dashboard_sorts_and_filters_as_asked() {
    let app = app().await;
    app.changed(2, |incident| incident.severity = Severity::Low).await;
    let all = caller(Scope::All);
    let clients = async |filter: PairFilter| {
        let view = dashboard::view(&app.app, &all, filter).await.unwrap();
        view.rows.unwrap().rows.into_iter().map(|row| row.client).collect::<Vec<_>>()
    };
    let by = |sort, reversed| PairFilter { sort, reversed, ..PairFilter::default() };
    assert_eq!(clients(by(PairSort::Client, false)).await, ["Alpine", "Beacon"]);
    assert_eq!(clients(by(PairSort::Client, true)).await, ["Beacon", "Alpine"]);
    assert_eq!(clients(by(PairSort::Severity, false)).await, ["Alpine", "Beacon"], "worst first");
    assert_eq!(clients(by(PairSort::Number, false)).await, ["Beacon", "Alpine"]);
    assert_eq!(clients(by(PairSort::Ticket, true)).await, ["Alpine", "Beacon"]);
    assert_eq!(clients(by(PairSort::State, false)).await.len(), 2);
    let one = PairFilter { severity: Some(Severity::Low), ..PairFilter::default() };
    assert_eq!(clients(one).await, ["Beacon"]);
    let odd = PairFilter { from: "no key".into(), text: "101".into(), ..PairFilter::default() };
    assert_eq!(clients(odd).await, ["Alpine"], "a number is found; a broken key is the first page");
    let view = dashboard::view(&app.app, &all, PairFilter::default()).await.unwrap();
    assert_eq!((view.counts.pairs(), view.counts.needs_you), (2, 2));
    // how many match is told where the counters know it, and never counted by walking
    let total = async |filter: PairFilter| dashboard::view(&app.app, &all, filter).await.unwrap().rows.unwrap().total;
    assert_eq!(total(PairFilter::default()).await, Some(2));
    assert_eq!(total(PairFilter { client: Some(seed::client(1)), ..PairFilter::default() }).await, Some(1));
    assert_eq!(total(PairFilter { health: Some(Health::Healthy), ..PairFilter::default() }).await, Some(0));
    assert_eq!(total(PairFilter { text: "rare".into(), ..PairFilter::default() }).await, None);
}

#[tokio::test]
async fn sources_that_were_not_read_for_two_cycles_are_overdue() {
    let app = app().await;
    let all = caller(Scope::All);
    let scope = RunScope::Halo { id: seed::HALO };
    let row = ScopeStatus {
        scope,
        last_success: Some(app.now()),
        last_failure: None,
        next_due: None,
        running: false,
        note: Some("Ticket 7 says that it was last changed in 2099.".into()),
    };
    app.engine.stands(EngineStatus { alive: true, scopes: vec![row.clone()], ..EngineStatus::default() });
    let late = async || pulse::pulse(&app.app, &all).await.unwrap().late;
    assert!(late().await.is_empty());
    app.clock.advance(SignedDuration::from_secs(61));
    let found = late().await;
    assert_eq!(found.len(), 1);
    let oldest = &found[0];
    assert_eq!((oldest.name.as_str(), oldest.poll_secs), ("Desk", 20));
    assert_eq!(oldest.read, Some(app.now() - SignedDuration::from_secs(61)));
    let view = runs::view(&app.app, &all, RunFilter::default()).await.unwrap();
    assert!(view.sources.iter().any(|source| source.scope == scope && source.overdue && source.note.is_some()));
    // A reading that lies ahead was told by a clock that was ahead: it is no sign that all is well.
    let ahead = ScopeStatus { last_success: Some(app.now() + SignedDuration::from_hours(1)), ..row.clone() };
    app.engine.stands(EngineStatus { alive: true, scopes: vec![ahead], ..EngineStatus::default() });
    assert_eq!(late().await.len(), 1);

    let failure = Failure::new(Side::Halo, FailureKind::SignInAgain, "The client secret is wrong. Give a new one.");
    let failed = ScopeStatus { last_failure: Some((app.now(), failure)), ..row };
    app.engine.stands(EngineStatus { alive: true, scopes: vec![failed], ..EngineStatus::default() });
    let view = problems::view(&app.app, &all).await.unwrap();
    assert_eq!(view.connections, ["Desk: The client secret is wrong. Give a new one."]);
    let pulse = service::pulse::pulse(&app.app, &all).await.unwrap();
    assert_eq!((pulse.broken.len(), pulse.late.len()), (1, 0), "a broken source is said once");
    let limited = caller(Scope::Clients(vec![seed::client(1)]));
    // A service that wants no calls for longer than a moment is told of.
    for (minutes, told) in [(1, 1), (30, 2)] {
        let until = app.now() + SignedDuration::from_mins(minutes);
        let budget = BudgetStatus {
            side: Side::Halo,
            connection: seed::HALO,
            subscription: None,
            remaining: 300,
            limit: 300,
            waits_until: Some(until),
        };
        let status = EngineStatus { budgets: vec![budget], ..app.app.engine.status() };
        app.engine.stands(status);
        let said = problems::view(&app.app, &all).await.unwrap().connections;
        assert_eq!(said.len(), told, "{said:?}");
        assert!(told == 1 || said.iter().any(|one| one.starts_with(&format!("Desk asked for a pause until {until} "))));
    }
    assert!(problems::view(&app.app, &limited).await.unwrap().connections.is_empty(), "an instance serves everybody");
    let pulse = service::pulse::pulse(&app.app, &limited).await.unwrap();
    assert_eq!((pulse.broken.len(), pulse.late.len()), (0, 0));
    assert!(pulse.alive);
}

#[tokio::test]
async fn problems_are_grouped_by_what_is_to_be_done() {
    let app = app().await;
    let groups = problems::view(&app.app, &caller(Scope::All)).await.unwrap().groups.unwrap();
    assert_eq!(groups.len(), 1);
    assert_eq!((groups[0].total, groups[0].items.len()), (2, 2));
    assert!(groups[0].items.iter().all(|item| item.operation.as_ref().is_some_and(|letter| letter.dead())));
}

#[tokio::test]
async fn problems_list_every_open_item_of_a_pair() {
    let app = app().await;
    let row = app.app.store.situation(seed::pair(1)).await.unwrap().unwrap();
    let unmapped = |value: &str| Reason::Unmapped { table: "priority".into(), value: value.into() };
    let state = PairState {
        sync: SyncState::Behind,
        health: Health::NeedsYou,
        reason: row.pair.reason.clone(),
        further: vec![Reason::CommentsFull, unmapped("High"), unmapped("Low")],
    };
    app.record(1, Fact::PairJudged { pair: seed::pair(1), state }).await;
    let view = problems::view(&app.app, &caller(Scope::All)).await.unwrap();
    assert_eq!(view.pairs, 2, "a pair in several groups is one pair");
    let groups = view.groups.unwrap();
    let found: Vec<(&str, u64, usize)> =
        groups.iter().map(|group| (group.reason.code(), group.total, group.items.len())).collect();
    assert_eq!(found, [("refused", 2, 2), ("comments-full", 1, 1), ("unmapped", 1, 2)]);
    assert!(groups[0].items.iter().all(|item| item.operation.is_some()) && groups[1].items[0].operation.is_none());
    let limited = problems::view(&app.app, &caller(Scope::Clients(vec![seed::client(2)]))).await.unwrap();
    assert_eq!((limited.pairs, limited.groups.unwrap().len()), (1, 1), "another client's stay unseen");
    // The list names the first and how many more; each count leads to what it counts.
    app.person("ada", Role::Viewer, Scope::All).await;
    let mut browser = app.signed_in("ada").await;
    let page = app.page(&mut browser, "/").await.body;
    assert!(page.contains(" (and 3 more)"), "{page}");
    let page = app.page(&mut browser, "/?health=needs-you&reason=comments-full").await.body;
    assert_eq!(page.matches("data-row").count(), 1, "{page}");
    let page = app.page(&mut browser, "/problems").await.body;
    assert!(page.contains("2 pairs") && page.contains("reason-comments-full"), "{page}");
}

/// A group has one remedy only where it is everybody's.
#[tokio::test]
async fn problems_of_one_kind_with_different_remedies_each_say_their_own() {
    let app = app().await;
    let row = app.app.store.situation(seed::pair(1)).await.unwrap().unwrap();
    let unmapped = |table: &str, value: &str| Reason::Unmapped { table: table.into(), value: value.into() };
    let state = PairState {
        sync: SyncState::Behind,
        health: Health::NeedsYou,
        reason: row.pair.reason.clone(),
        further: vec![unmapped("priority", "High"), unmapped("severity", "P9"), unmapped("priority", "Low → “P3”")],
    };
    app.record(1, Fact::PairJudged { pair: seed::pair(1), state }).await;
    app.person("ada", Role::Admin, Scope::All).await;
    let mut browser = app.signed_in("ada").await;
    let page = app.page(&mut browser, "/problems").await.body.replace("&#39;", "'").replace("&#x27;", "'");
    for remedy in [
        "Add a row to the policy's “priorities” table",
        "Add a row to the policy's “priorities_back” table",
        "Name a priority of the ticket type's SLA in the policy's “priorities” table",
    ] {
        assert_eq!(page.matches(remedy).count(), 1, "{remedy}: {page}");
    }
}

#[tokio::test]
async fn an_unlinked_incident_says_why() {
    let app = app().await;
    let row = app.app.store.situation(seed::pair(1)).await.unwrap().unwrap();
    let mut incident = row.subject.incident;
    incident.id = halobridge::domain::ids::IncidentId::new("00000000-0000-4000-8000-0000000000aa");
    incident.number = Some(7);
    let (id, workspace, changed) = (incident.id.clone(), seed::workspace(1), incident.modified);
    app.record(1, Fact::IncidentRead { workspace, client: seed::client(1), incident: Box::new(incident) }).await;
    let reason = Some(Reason::OlderThanStart);
    app.record(1, Fact::IncidentHeld { workspace, incident: id, reason: reason.clone() }).await;
    let view = incidents::view(&app.app, &caller(Scope::All), NotLinkedFilter::default()).await.unwrap();
    let rows = view.rows.unwrap().rows;
    assert_eq!((rows.len(), view.total), (1, 1));
    assert_eq!(rows[0].reason, reason);
    assert_eq!(rows[0].changed, changed.unwrap(), "when it changed, not when it was read");
    assert_eq!(view.reasons[0].value, "older-than-start");
    // what was never listed is told of
    let starts = app.app.installation().await.unwrap().workspaces.clone();
    assert_eq!(view.since, starts.iter().map(|workspace| workspace.since).min());
    app.person("ada", Role::Viewer, Scope::All).await;
    let mut browser = app.signed_in("ada").await;
    let page = app.page(&mut browser, "/incidents").await.body;
    assert!(page.contains("only open ones are listed") && page.contains("href=\"/backfill\""), "{page}");
}

#[tokio::test]
async fn acts_are_told_in_words() {
    let app = app().await;
    for (act, detail, told) in [
        ("make-halo-webhook", json!({}), "Made a webhook in Halo."),
        ("rename-connection", json!({}), "Renamed a connection."),
        ("workspace-mode", json!({ "workspace": "law", "mode": "two-way" }), "Set the workspace law live, both ways."),
        (
            "config-apply",
            json!({ "changes": ["~ workspace \"law\"\n    mode: \"observe\" -> \"two-way\""] }),
            "Applied a configuration: ~ workspace \"law\" mode: \"observe\" -> \"two-way\".",
        ),
        ("config-apply", json!({ "changes": ["+ client \"A\"", "+ client \"B\""] }), "and 1 more."),
    ] {
        app.record(1, Fact::HumanAct { user: None, act: act.into(), pair: None, detail }).await;
        let filter = LedgerFilter { client: Some(seed::client(1)), ..LedgerFilter::default() };
        let view = ledger::view(&app.app, &caller(Scope::All), filter).await.unwrap();
        let newest = view.entries.unwrap().rows.remove(0);
        assert!(newest.words.contains(told), "{told}: {}", newest.words);
    }
}

#[tokio::test]
async fn the_ledger_is_shown_chain_by_chain_and_checked() {
    let app = app().await;
    let filter = LedgerFilter { client: Some(seed::client(1)), ..LedgerFilter::default() };
    let view = ledger::view(&app.app, &caller(Scope::All), filter).await.unwrap();
    assert_eq!(view.chains.len(), 3);
    let chosen = view.chains.iter().find(|chain| chain.client == Some(seed::client(1))).unwrap();
    assert!(matches!(chosen.state, ChainState::Whole { .. }), "{chosen:?}");
    let entries = view.entries.unwrap().rows;
    assert_eq!(entries.len() as u64, chosen.entries);
    let limited = caller(Scope::Clients(vec![seed::client(2)]));
    let view = ledger::view(&app.app, &limited, LedgerFilter::default()).await.unwrap();
    assert_eq!(view.chains.iter().map(|chain| chain.name.as_str()).collect::<Vec<_>>(), ["Beacon"]);
    assert_eq!(view.filter.client, Some(seed::client(2)));
}

#[tokio::test]
async fn the_account_page_lists_where_one_is_signed_in() {
    let app = app().await;
    app.person("ada", Role::Admin, Scope::All).await;
    let mut here = app.signed_in("ada").await;
    app.signed_in("ada").await;
    app.person("bea", Role::Admin, Scope::All).await;
    app.signed_in("bea").await;
    let user = app.app.store.user_by_name("ada").await.unwrap().unwrap().user.id;
    assert_eq!(app.app.store.sessions_of(user).await.unwrap().len(), 2);
    assert_eq!(app.page(&mut here, "/account").await.status, StatusCode::OK);
    app.submit(&mut here, "/account/sessions", &[]).await;
    assert_eq!(app.app.store.sessions_of(user).await.unwrap().len(), 1);
}
