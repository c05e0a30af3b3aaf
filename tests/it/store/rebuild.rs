//! The state tables are nothing but what the ledger says: after any history, replaying gives the same rows.

use std::{collections::BTreeMap, path::Path};

use halobridge::{
    domain::{
        backfill::{Backfill, BackfillState, Forecast, HowEnded},
        decision::Decision,
        delivery::DeliverySource,
        drift::{Drift, DriftClass, DriftRule},
        failure::{Failure, FailureKind, Side},
        ids::{ActionKey, ConnectionId, DeliveryId, RunId, TicketId, UserId},
        incident::{Evidence, IncidentStatus, Severity},
        operation::{OperationResult, OperationState},
        pair::{Base, Health, NoteLink, PairState, SyncState},
        pause::{Pause, PauseCause, PauseScope},
        reason::Reason,
        run::{Run, RunCause, RunScope},
        shadow::{Carriage, Compared, Lapse, LapseKind},
    },
    ledger::fact::Fact,
    store::{PairFilter, PairSort, Store},
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use sqlx::{ConnectOptions, Row, sqlite::SqliteConnectOptions};

use super::fixture::*;

const TABLES: [&str; 18] = [
    "drifts",
    "drift_counts",
    "backfills",
    "shadows",
    "shadow_counts",
    "subjects",
    "pairs",
    "operations",
    "note_links",
    "cursors",
    "halo_cursors",
    "runs",
    "deliveries",
    "pauses",
    "pair_counts",
    "held_counts",
    "subject_words_docsize",
    "words_waiting",
];

/// All rows of the state tables as text.
async fn dump(path: &Path) -> BTreeMap<&'static str, Vec<String>> {
    let mut file = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    let mut tables = BTreeMap::new();
    for table in TABLES {
        let sql = format!("SELECT name FROM pragma_table_info('{table}')");
        let columns: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&mut file).await.unwrap();
        assert!(!columns.is_empty(), "{table}");
        let list = columns.iter().map(|c| format!("quote({c})")).collect::<Vec<_>>().join("||' '||");
        // A counter that has come to nothing is as good as none.
        let only = match table {
            "pair_counts" => "WHERE pairs > 0",
            "held_counts" => "WHERE subjects > 0",
            _ => "",
        };
        let sql = format!("SELECT {list} FROM {table} {only} ORDER BY 1");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&mut file).await.unwrap();
        tables.insert(table, rows.iter().map(|row| row.get::<String, _>(0)).collect());
    }
    tables
}

/// One step of a history: what, about which record, in which variety.
type Step = (u8, u32, u8);

fn fact((what, n, how): Step) -> Fact {
    let flag = how % 2 == 0;
    let pair = pair_id(n);
    match what {
        0..=2 => {
            let mut incident = incident(n, &format!("Title {} of {n}", how % 3));
            incident.etag = Some(format!("\"{how}\""));
            incident.status = if how % 5 == 0 { IncidentStatus::Closed } else { IncidentStatus::Active };
            incident.severity = if flag { Severity::Medium } else { Severity::Other("Odd".into()) };
            incident.created = flag.then(|| at(i64::from(how)));
            incident_read(workspace(1), client(1), incident)
        }
        3 | 4 => Fact::PairOpened { pair: Box::new(super::fixture::pair(n)) },
        5 => Fact::IncidentHeld {
            workspace: workspace(1),
            incident: incident_id(n),
            reason: flag.then_some(Reason::OlderThanStart),
        },
        6 => Fact::PairJudged {
            pair,
            state: PairState {
                sync: if flag { SyncState::InStep } else { SyncState::Behind },
                health: if how % 3 == 0 { Health::NeedsYou } else { Health::Healthy },
                reason: flag.then_some(Reason::VerdictMissing),
                further: if how % 7 == 0 { vec![Reason::WrongClient, Reason::CommentsFull] } else { Vec::new() },
            },
        },
        7 => Fact::TicketLinked { pair, ticket: TicketId(i64::from(how)) },
        8 => {
            let mut ticket = ticket(i64::from(how));
            ticket.closed = flag;
            Fact::TicketRead { pair, ticket: Box::new(ticket) }
        }
        9 => Fact::CommentsRead { pair, comments: vec![comment(u32::from(how))] },
        10 => Fact::ActionsRead { pair, actions: vec![action(1, i64::from(how))] },
        11 => Fact::BaseAgreed { pair, base: Base { priority_id: Some(i64::from(how)), ..Base::default() } },
        12 | 13 => {
            Fact::OperationPlanned { operation: Box::new(operation(n * 8 + u32::from(how % 8), n, i64::from(how % 8))) }
        }
        14 | 15 => {
            let state = match how / 8 % 7 {
                0 => OperationState::Planned { ready: at(i64::from(how)) },
                1 => OperationState::Sending { since: at(5) },
                2 => OperationState::OutcomeUnknown { since: at(5), look: at(6), looks: 1, failed: 2 },
                3 => OperationState::Done { at: at(7), result: OperationResult::AlreadyThere },
                4 => OperationState::Dead { at: at(8), reason: Reason::OutcomeUnknown },
                5 => OperationState::Dropped {
                    at: at(9),
                    who: flag.then_some(UserId(uuid::Uuid::from_u128(3))),
                    reason: Reason::WrongClient,
                    seen: Base { status_id: Some(i64::from(how)), ..Base::default() },
                },
                _ => OperationState::Void { at: at(9), why: "newer plan".into() },
            };
            let failure = flag.then(|| Failure::new(Side::Halo, FailureKind::Unknown, "No answer."));
            let operation = operation_id(n * 8 + u32::from(how % 8));
            Fact::OperationMoved { operation, pair, state, attempts: u32::from(how), failure }
        }
        16 => Fact::NoteLinked {
            link: NoteLink {
                pair,
                comment: comment_id(u32::from(how)),
                action: ActionKey { ticket: TicketId(i64::from(n)), action: i64::from(how % 16) },
                edit: u32::from(how % 3),
                part: 0,
                said: (how % 5 > 0).then(|| format!("{how}")),
                written_in: if flag { Side::Halo } else { Side::Sentinel },
            },
        },
        17 => Fact::CursorMoved { workspace: workspace(n), modified: at(i64::from(how)), number: flag.then_some(3) },
        18 => Fact::HaloCursorMoved { connection: halo(n), updated: at(i64::from(how)) },
        19 => Fact::EvidenceRead {
            workspace: workspace(1),
            incident: incident_id(n),
            evidence: Box::new(Evidence { alerts: vec![serde_json::json!(how)], entities: vec![] }),
        },
        20 => Fact::RunEnded {
            run: Run {
                id: RunId(uuid::Uuid::from_u128(u128::from(how))),
                scope: RunScope::Halo { id: ConnectionId(uuid::Uuid::from_u128(u128::from(n))) },
                cause: RunCause::Schedule,
                started: at(1),
                ended: at(i64::from(how)),
                read: 1,
                changed: 1,
                failure: flag.then(|| Failure::new(Side::Halo, FailureKind::Transient, "Away.")),
            },
        },
        21 => Fact::DeliveryReceived {
            delivery: DeliveryId(uuid::Uuid::from_u128(u128::from(n))),
            source: DeliverySource::Halo { connection: halo(1) },
            body: format!("body {how}"),
        },
        30 => {
            Fact::RecordGone { pair, side: if how.is_multiple_of(3) { Side::Halo } else { Side::Sentinel }, gone: flag }
        }
        31 => Fact::DriftFound {
            pair,
            drift: Drift {
                class: DriftClass::ALL[usize::from(how % 5)],
                what: format!("{how}"),
                rule: if flag { DriftRule::Heal } else { DriftRule::Ask },
            },
        },
        29 => Fact::BackfillMoved { backfill: backfill(n, how) },
        28 => Fact::ShadowCompared { workspace: workspace(1), incident: incident_id(n), compared: compared(how) },
        25 => Fact::SurvivorFound { pair, survivor: incident_id(1 + n % 4) },
        24 => Fact::Decided { pair, decision: Decision::Thaw { at: at(i64::from(how)) } },
        26 => Fact::Paused { pause: pause(n, how) },
        27 => Fact::Resumed { scope: pause(n, how).scope, automatic: flag },
        23 if how.is_multiple_of(4) => Fact::Unlinked {
            pair,
            workspace: workspace(1),
            incident: incident_id(n),
            reason: Reason::Unlinked { ticket: flag.then_some(TicketId(3)), refused: None },
        },
        22 => Fact::DeliveryHandled { delivery: DeliveryId(uuid::Uuid::from_u128(u128::from(n))) },
        _ => Fact::HumanAct { user: None, act: "look-again".into(), pair: Some(pair), detail: serde_json::Value::Null },
    }
}

fn backfill(n: u32, how: u8) -> Backfill {
    let state = match how % 3 {
        0 => BackfillState::Counting,
        1 => BackfillState::Forecast { forecast: Forecast::default() },
        _ => BackfillState::Ended { at: at(2), how: HowEnded::Stopped, progress: None },
    };
    Backfill {
        id: RunId(uuid::Uuid::from_u128(u128::from(how % 2))),
        workspace: workspace(n),
        from: at(0),
        to: at(1),
        cap: u32::from(how),
        per_hour: 1,
        closed: false,
        asked: at(2),
        state,
    }
}

fn compared(how: u8) -> Compared {
    let kinds = LapseKind::ALL.into_iter().take(usize::from(how % 4));
    let lapse = |kind| Lapse {
        kind,
        what: Carriage::Note,
        from: Side::Halo,
        words: format!("{how}"),
        at: Some(at(i64::from(how))),
        late_secs: None,
    };
    Compared {
        tickets: (how.is_multiple_of(2)).then_some(TicketId(i64::from(how))).into_iter().collect(),
        late_secs: Some(i64::from(how)),
        lapses: kinds.map(lapse).collect(),
        ..Compared::default()
    }
}

fn pause(n: u32, how: u8) -> Pause {
    let scope = match how % 3 {
        0 => PauseScope::Pair { id: pair_id(n) },
        1 => PauseScope::Client { id: client(n) },
        _ => PauseScope::Connection { id: halo(n) },
    };
    let cause = if how.is_multiple_of(2) {
        PauseCause::Person { who: None, why: Some(format!("{how}")) }
    } else {
        PauseCause::Failure { failure: Failure::new(Side::Halo, FailureKind::SignInAgain, "No."), reading: None }
    };
    Pause { scope, cause, since: at(i64::from(how)) }
}

async fn replay_equals(steps: Vec<Step>) -> (usize, BTreeMap<&'static str, Vec<String>>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halobridge.db");
    let store = Store::open(&path, key()).await.unwrap();
    let mut taken = 0;
    for (when, step) in steps.into_iter().enumerate() {
        let mut tx = store.begin().await.unwrap();
        // A fact that breaks a rule is refused and leaves nothing.
        if tx.record(at(1000 + i64::try_from(when).unwrap()), Some(client(1)), fact(step)).await.is_ok() {
            tx.commit().await.unwrap();
            taken += 1;
        }
    }
    let filter = PairFilter { text: Some("title".into()), ..PairFilter::default() };
    // A search takes the words that wait into the full text.
    let found = store.pairs_page(&filter, PairSort::default(), None, 100).await.unwrap();
    let before = dump(&path).await;
    assert_eq!(before["subject_words_docsize"].len(), before["subjects"].len(), "each incident's words are indexed");
    assert_eq!(found.rows.len(), before["pairs"].len(), "search finds every pair");
    // The counters say what counting says.
    let counted: i64 = store.counters(&Default::default()).await.unwrap().iter().map(|c| c.pairs).sum();
    assert_eq!(usize::try_from(counted).unwrap(), before["pairs"].len());
    assert_eq!(store.rebuild().await.unwrap(), taken as u64);
    assert_eq!(store.pairs_page(&filter, PairSort::default(), None, 100).await.unwrap(), found);
    assert_eq!(dump(&path).await, before);
    store.verify_ledger().await.unwrap();
    assert!(store.integrity_check().await.unwrap().is_empty());
    (taken, before)
}

#[test]
fn rebuilding_gives_the_same_tables_after_any_history() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut runner = TestRunner::new_with_rng(
        Config { cases: 12, failure_persistence: None, max_shrink_iters: 200, ..Config::default() },
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let steps = proptest::collection::vec((0_u8..32, 1_u32..5, any::<u8>()), 150..250);
    let mut filled: BTreeMap<&str, usize> = BTreeMap::new();
    let seen = std::cell::RefCell::new(&mut filled);
    runner
        .run(&steps, |steps| {
            let (taken, tables) = runtime.block_on(replay_equals(steps));
            prop_assert!(taken > 20, "{} facts only", taken);
            for (table, rows) in tables {
                *seen.borrow_mut().entry(table).or_default() += rows.len();
            }
            Ok(())
        })
        .unwrap();
    // The histories reach every table, or the test would say nothing.
    for table in TABLES.into_iter().filter(|table| *table != "words_waiting") {
        assert!(filled[table] > 0, "{table} stayed empty");
    }
}

#[tokio::test]
async fn the_words_of_an_incident_do_not_stand_in_the_way_of_its_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halobridge.db");
    let store = Store::open(&path, key()).await.unwrap();
    linked(&store, 1).await;
    let waiting_and_indexed = async || {
        let tables = dump(&path).await;
        (tables["words_waiting"].len(), tables["subject_words_docsize"].len())
    };
    assert_eq!(waiting_and_indexed().await, (1, 0));
    store.index_words().await.unwrap();
    assert_eq!(waiting_and_indexed().await, (0, 1));
    record(&store, vec![incident_read(workspace(1), client(1), incident(1, "Renamed meanwhile"))]).await;
    assert_eq!(waiting_and_indexed().await, (1, 1));
    // Whoever searches finds the newest words.
    let filter = PairFilter { text: Some("meanwhile".into()), ..PairFilter::default() };
    assert_eq!(store.pairs_page(&filter, PairSort::default(), None, 9).await.unwrap().rows.len(), 1);
    assert_eq!(waiting_and_indexed().await, (0, 1));
}
