//! What facts do to the state, and what the engine reads of it.

use halobridge::{
    domain::account::Scope,
    domain::{
        failure::{Failure, FailureKind, Side},
        ids::{ActionKey, ConnectionId, RunId, TicketId},
        incident::Evidence,
        operation::{OperationResult, OperationState},
        pair::{Base, Health, NoteLink, PairState, SyncState},
        reason::Reason,
        run::{Run, RunCause, RunScope},
    },
    ledger::fact::Fact,
    store::{Store, StoreError},
};

use super::fixture::*;

fn link(comment: u32, action: i64, part: u32) -> NoteLink {
    NoteLink {
        pair: pair_id(1),
        comment: comment_id(comment),
        action: ActionKey { ticket: TicketId(1000), action },
        edit: 0,
        part,
        said: Some("f1".into()),
        written_in: Side::Halo,
    }
}

#[tokio::test]
async fn a_situation_holds_everything_recorded() {
    let store = memory().await;
    linked(&store, 1).await;
    let evidence = Evidence { alerts: vec![serde_json::json!({ "a": 1 })], entities: vec![] };
    let base = Base { priority_id: Some(3), ..Base::default() };
    let facts = vec![
        Fact::EvidenceRead { workspace: workspace(1), incident: incident_id(1), evidence: Box::new(evidence.clone()) },
        Fact::TicketLinked { pair: pair_id(1), ticket: TicketId(1000) },
        Fact::TicketRead { pair: pair_id(1), ticket: Box::new(ticket(1000)) },
        Fact::CommentsRead { pair: pair_id(1), comments: vec![comment(1)] },
        Fact::ActionsRead { pair: pair_id(1), actions: vec![action(1000, 5)] },
        Fact::BaseAgreed { pair: pair_id(1), base: base.clone() },
        Fact::NoteLinked { link: link(1, 5, 0) },
        Fact::OperationPlanned { operation: Box::new(operation(2, 1, 2)) },
        Fact::OperationPlanned { operation: Box::new(operation(1, 1, 1)) },
        Fact::PairJudged {
            pair: pair_id(1),
            state: PairState {
                sync: SyncState::Unknown,
                health: Health::NeedsYou,
                reason: Some(Reason::WrongClient),
                further: vec![Reason::CommentsFull],
            },
        },
    ];
    record(&store, facts).await;
    let found = store.situation(pair_id(1)).await.unwrap().unwrap();
    assert_eq!(found.pair.ticket, Some(TicketId(1000)));
    assert_eq!((found.pair.sync, found.pair.health), (SyncState::Unknown, Health::NeedsYou));
    assert_eq!(found.pair.reason, Some(Reason::WrongClient));
    assert_eq!(found.pair.further, [Reason::CommentsFull]);
    assert_eq!(found.pair.base, base);
    assert_eq!((found.pair.created, found.pair.changed), (at(100), at(400)));
    assert_eq!(found.subject.incident, incident(1, "Incident 1 of the night"));
    assert_eq!(found.subject.pair, Some(pair_id(1)));
    assert_eq!(found.ticket, Some(ticket(1000)));
    assert_eq!(found.comments, Some(vec![comment(1)]));
    assert_eq!(found.actions, Some(vec![action(1000, 5)]));
    assert_eq!(found.evidence, Some(evidence));
    assert_eq!(found.links, vec![link(1, 5, 0)]);
    assert_eq!(found.operations, vec![operation(1, 1, 1), operation(2, 1, 2)]);
    assert_eq!(store.situation(pair_id(9)).await.unwrap(), None);
    assert_eq!(found.next_position, 3);
    assert_eq!(store.pair_of_incident(workspace(1), &incident_id(1)).await.unwrap().unwrap().id, pair_id(1));
    assert_eq!(store.pairs_of_ticket(halo(1), TicketId(1000)).await.unwrap().len(), 1);
    assert!(store.pairs_of_ticket(halo(2), TicketId(1000)).await.unwrap().is_empty());
    let many = store.pairs_of_tickets(halo(1), &[TicketId(1000), TicketId(7)]).await.unwrap();
    assert_eq!(many.keys().copied().collect::<Vec<_>>(), [TicketId(1000)]);
}

#[tokio::test]
async fn what_was_not_moved_since_need_not_be_read_again() {
    let store = memory().await;
    linked(&store, 1).await;
    linked(&store, 2).await;
    let seq = store.last_recorded();
    let moved = || [1, 2].map(|n| store.moved_since(seq, pair_id(n), &incident_id(n)));
    assert_eq!(moved(), [false, false]);
    record(&store, vec![Fact::TicketLinked { pair: pair_id(1), ticket: TicketId(1000) }]).await;
    assert_eq!(moved(), [true, false], "a fact about the pair");
    record(&store, vec![incident_read(workspace(1), client(1), incident(2, "Renamed"))]).await;
    assert_eq!(moved(), [true, true], "a fact about its incident");
    let all = [1, 2].map(|n| store.moved_since(store.last_recorded(), pair_id(n), &incident_id(n)));
    assert_eq!(all, [false, false]);
    let mut tx = store.begin().await.unwrap();
    let seq = store.last_recorded();
    tx.record(at(900), Some(client(1)), Fact::TicketLinked { pair: pair_id(2), ticket: TicketId(1001) }).await.unwrap();
    drop(tx);
    assert!(!store.moved_since(seq, pair_id(2), &incident_id(2)), "rolled back");
}

#[tokio::test]
async fn versions_tell_what_changed() {
    let store = memory().await;
    linked(&store, 1).await;
    let held =
        Fact::IncidentHeld { workspace: workspace(1), incident: incident_id(2), reason: Some(Reason::OlderThanStart) };
    record(&store, vec![incident_read(workspace(1), client(1), incident(2, "Two")), held]).await;
    let asked = [incident_id(1), incident_id(2), incident_id(3)];
    let found = store.versions(workspace(1), &asked).await.unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(found[&incident_id(1)].pair, Some(pair_id(1)));
    assert_eq!(found[&incident_id(1)].etag.as_deref(), Some("\"1-1\""));
    assert!(found[&incident_id(1)].held.is_none() && found[&incident_id(2)].held.is_some());
    assert!(store.versions(workspace(2), &asked).await.unwrap().is_empty());
    assert_eq!(store.highest_number(workspace(1)).await.unwrap(), Some(2));
    let subject = store.subject(workspace(1), &incident_id(2)).await.unwrap().unwrap();
    assert_eq!(subject.held, Some(Reason::OlderThanStart));
    let held = store.held_subjects(workspace(1), None, 10).await.unwrap();
    assert_eq!(held.into_iter().map(|(_, id)| id).collect::<Vec<_>>(), [incident_id(2)]);
}

#[tokio::test]
async fn held_incidents_are_found_page_by_page_however_many_there_are() {
    let store = memory().await;
    linked(&store, 1).await;
    for n in 2..=6 {
        let reason = Some(Reason::OlderThanStart);
        let held = Fact::IncidentHeld { workspace: workspace(1), incident: incident_id(n), reason };
        record(&store, vec![incident_read(workspace(1), client(1), incident(n, "Held")), held]).await;
    }
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.held_subjects(workspace(1), after, 2).await.unwrap();
        assert!(page.len() <= 2);
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        // What is held anew counts as changed; its page does not come again for that.
        for (_, id) in &page {
            let reason = Some(Reason::ModeObserve);
            record_at(
                &store,
                at(900),
                vec![Fact::IncidentHeld { workspace: workspace(1), incident: id.clone(), reason }],
            )
            .await;
        }
        found.extend(page.into_iter().map(|(_, id)| id));
    }
    assert_eq!(found, [2, 3, 4, 5, 6].map(incident_id));
}

#[tokio::test]
async fn a_changed_incident_reaches_its_pair_and_keeps_when_it_was_first_seen() {
    let store = memory().await;
    linked(&store, 1).await;
    let mut changed = incident(1, "Renamed at dawn");
    changed.severity = halobridge::domain::incident::Severity::Low;
    record_at(&store, at(900), vec![incident_read(workspace(1), client(1), changed)]).await;
    let subject = store.subject(workspace(1), &incident_id(1)).await.unwrap().unwrap();
    assert_eq!((subject.first_seen, subject.last_changed), (at(400), at(900)));
    assert_eq!(subject.incident.title, "Renamed at dawn");
    assert_eq!(store.pair(pair_id(1)).await.unwrap().unwrap().changed, at(900));
}

#[tokio::test]
async fn one_live_pair_per_incident_and_many_per_ticket() {
    let store = memory().await;
    linked(&store, 1).await;
    let mut tx = store.begin().await.unwrap();
    let mut second = pair(1);
    second.id = pair_id(99);
    let refused = tx.record(at(1), Some(client(1)), Fact::PairOpened { pair: Box::new(second) }).await;
    assert!(matches!(refused, Err(StoreError::Taken { .. })), "{refused:?}");
    assert_eq!(tx.commit().await, Err(StoreError::RolledBack));
    linked(&store, 2).await;
    let both = [1, 2].map(|n| Fact::TicketLinked { pair: pair_id(n), ticket: TicketId(7) });
    record(&store, both.into()).await;
    assert_eq!(store.pairs_of_ticket(halo(1), TicketId(7)).await.unwrap().len(), 2);
    // An incident of another workspace may have the same id, and is another one.
    let mut elsewhere = pair(1);
    (elsewhere.id, elsewhere.workspace) = (pair_id(98), workspace(2));
    let read = incident_read(workspace(2), client(1), incident(1, "The same id elsewhere"));
    record(&store, vec![read, Fact::PairOpened { pair: Box::new(elsewhere) }]).await;
    for (of, expected) in [(workspace(1), pair_id(1)), (workspace(2), pair_id(98))] {
        let found = store.pair_of_incident(of, &incident_id(1)).await.unwrap();
        assert_eq!(found.map(|pair| pair.id), Some(expected));
    }
}

#[tokio::test]
async fn a_pair_of_another_client_than_its_incident_is_refused() {
    let store = memory().await;
    record(&store, vec![incident_read(workspace(1), client(1), incident(1, "One"))]).await;
    let mut wrong = pair(1);
    wrong.client = client(2);
    let mut tx = store.begin().await.unwrap();
    let refused = tx.record(at(1), Some(client(2)), Fact::PairOpened { pair: Box::new(wrong) }).await;
    assert!(matches!(refused, Err(StoreError::Missing { table: "subjects", .. })), "{refused:?}");
}

#[tokio::test]
async fn a_comment_and_an_action_are_linked_once() {
    let store = memory().await;
    linked(&store, 1).await;
    record(&store, vec![Fact::NoteLinked { link: link(1, 5, 0) }, Fact::NoteLinked { link: link(2, 5, 1) }]).await;
    // The same again is no harm, and a digest carries several notes; a second comment with the same words is refused.
    record(&store, vec![Fact::NoteLinked { link: link(1, 5, 0) }, Fact::NoteLinked { link: link(1, 6, 0) }]).await;
    record(&store, vec![Fact::NoteLinked { link: NoteLink { edit: 1, ..link(4, 5, 0) } }]).await;
    let own = |comment, action| NoteLink { written_in: Side::Sentinel, ..link(comment, action, 0) };
    record(&store, vec![Fact::NoteLinked { link: own(7, 20) }]).await;
    for wrong in [link(3, 5, 0), own(8, 20), own(7, 21)] {
        let mut tx = store.begin().await.unwrap();
        let refused = tx.record(at(1), Some(client(1)), Fact::NoteLinked { link: wrong }).await;
        assert!(matches!(refused, Err(StoreError::Taken { .. })), "{refused:?}");
    }
    let key = ActionKey { ticket: TicketId(1000), action: 5 };
    assert!(store.note_action_taken(halo(1), key).await.unwrap());
    assert!(!store.note_action_taken(halo(2), key).await.unwrap());
    assert_eq!(
        store.comment_of_action(halo(1), key).await.unwrap(),
        [link(1, 5, 0), link(2, 5, 1), NoteLink { edit: 1, ..link(4, 5, 0) }]
    );
    assert_eq!(store.action_of_comment(pair_id(1), &comment_id(2)).await.unwrap(), Some(link(2, 5, 1)));
}

async fn moved(store: &Store, n: u32, pair: u32, state: OperationState) {
    let fact =
        Fact::OperationMoved { operation: operation_id(n), pair: pair_id(pair), state, attempts: 1, failure: None };
    record(store, vec![fact]).await;
}

#[tokio::test]
async fn a_queue_is_served_in_order_and_in_time() {
    let store = memory().await;
    for n in 1..=3 {
        linked(&store, n).await;
    }
    assert_eq!(store.next_ready().await.unwrap(), None);
    let mut late = operation(1, 1, 1);
    late.state = OperationState::Planned { ready: at(500) };
    let planned = [late, operation(2, 1, 2), operation(3, 2, 1), operation(4, 3, 1)];
    record(&store, planned.map(|o| Fact::OperationPlanned { operation: Box::new(o) }).into()).await;
    // Pair 1 waits for its first operation although its second is due.
    assert_eq!(store.ready_pairs(at(200), 10).await.unwrap(), [pair_id(2), pair_id(3)]);
    assert_eq!(store.ready_pairs(at(199), 10).await.unwrap(), []);
    assert_eq!(store.ready_pairs(at(200), 1).await.unwrap(), [pair_id(2)]);
    assert_eq!(store.next_ready().await.unwrap(), Some(at(200)));
    moved(&store, 3, 2, OperationState::Sending { since: at(201) }).await;
    assert_eq!(store.ready_pairs(at(300), 10).await.unwrap(), [pair_id(3)]);
    let interrupted = store.sending_operations(10).await.unwrap();
    assert_eq!(interrupted.iter().map(|o| o.id).collect::<Vec<_>>(), [operation_id(3)]);
    moved(&store, 3, 2, OperationState::OutcomeUnknown { since: at(201), look: at(260), looks: 0, failed: 0 }).await;
    moved(&store, 4, 3, OperationState::Done { at: at(210), result: OperationResult::TicketChanged }).await;
    assert_eq!(store.next_ready().await.unwrap(), Some(at(260)));
    // A dead letter does not block the queue behind it.
    moved(&store, 1, 1, OperationState::Dead { at: at(220), reason: Reason::OutcomeUnknown }).await;
    assert_eq!(store.ready_pairs(at(250), 10).await.unwrap(), [pair_id(1)]);
    let situation = store.situation(pair_id(1)).await.unwrap().unwrap();
    assert_eq!(situation.operations.iter().map(|o| o.state.name()).collect::<Vec<_>>(), ["dead", "planned"]);
    assert_eq!(store.operations_of_pair(pair_id(3), 10).await.unwrap().len(), 1);
    // Nor does what a person dropped; the planner still knows of it.
    moved(&store, 4, 3, OperationState::Dead { at: at(221), reason: Reason::OutcomeUnknown }).await;
    let (reason, seen) = (Reason::OutcomeUnknown, Base::default());
    moved(&store, 4, 3, OperationState::Dropped { at: at(222), who: None, reason, seen }).await;
    assert_eq!(store.next_ready().await.unwrap(), Some(at(200)));
    let dropped = store.situation(pair_id(3)).await.unwrap().unwrap();
    assert_eq!(dropped.operations.iter().map(|o| o.state.name()).collect::<Vec<_>>(), ["dropped"]);
    let dead = store.dead_page(&Scope::All, None, 10).await.unwrap();
    assert_eq!(dead.rows.len(), 1);
    assert_eq!((dead.rows[0].operation.id, dead.rows[0].number), (operation_id(1), Some(1)));
    assert_eq!(store.dead_count(&Scope::All).await.unwrap(), 1);
    assert_eq!(store.dead_count(&Scope::Clients(vec![client(2)])).await.unwrap(), 0);
}

#[tokio::test]
async fn the_same_write_is_not_planned_twice_while_open() {
    let store = memory().await;
    linked(&store, 1).await;
    record(&store, vec![Fact::OperationPlanned { operation: Box::new(change_ticket(1, 1, 1)) }]).await;
    let again = Fact::OperationPlanned { operation: Box::new(change_ticket(2, 1, 2)) };
    let mut tx = store.begin().await.unwrap();
    let refused = tx.record(at(1), Some(client(1)), again.clone()).await;
    assert!(matches!(refused, Err(StoreError::Taken { .. })), "{refused:?}");
    drop(tx);
    moved(&store, 1, 1, OperationState::Void { at: at(1), why: "newer plan".into() }).await;
    record(&store, vec![again]).await;
    let failure = Failure::new(Side::Halo, FailureKind::Transient, "Halo is not reachable.");
    let fact = Fact::OperationMoved {
        operation: operation_id(2),
        pair: pair_id(1),
        state: OperationState::Planned { ready: at(600) },
        attempts: 3,
        failure: Some(failure.clone()),
    };
    record(&store, vec![fact]).await;
    let found = store.operation(operation_id(2)).await.unwrap().unwrap();
    assert_eq!((found.attempts, found.last_failure), (3, Some(failure)));
    assert_eq!(found.kind, change_ticket(2, 1, 2).kind);
}

#[tokio::test]
async fn facts_about_nothing_are_refused() {
    let store = memory().await;
    let state = OperationState::Sending { since: at(1) };
    let facts = [
        Fact::OperationMoved { operation: operation_id(1), pair: pair_id(1), state, attempts: 1, failure: None },
        Fact::BaseAgreed { pair: pair_id(1), base: Base::default() },
        Fact::TicketLinked { pair: pair_id(1), ticket: TicketId(1) },
        Fact::IncidentHeld { workspace: workspace(1), incident: incident_id(1), reason: None },
        Fact::PairOpened { pair: Box::new(pair(1)) },
    ];
    for fact in facts {
        let mut tx = store.begin().await.unwrap();
        let refused = tx.record(at(1), Some(client(1)), fact).await;
        assert!(matches!(refused, Err(StoreError::Missing { .. })), "{refused:?}");
    }
    assert_eq!(store.latest_seq().await.unwrap().0, 0);
}

#[tokio::test]
async fn cursors_and_runs_are_kept() {
    let store = memory().await;
    let cursor = |seconds, number| Fact::CursorMoved { workspace: workspace(1), modified: at(seconds), number };
    record(&store, vec![cursor(5, Some(3)), cursor(9, None)]).await;
    let found = store.cursor(workspace(1)).await.unwrap().unwrap();
    assert_eq!((found.modified, found.number), (at(9), None));
    assert_eq!(store.cursor(workspace(2)).await.unwrap(), None);
    record(&store, vec![Fact::HaloCursorMoved { connection: halo(1), updated: at(7) }]).await;
    assert_eq!(store.halo_cursor(halo(1)).await.unwrap(), Some(at(7)));
    let run = |n: u128, failure| Run {
        id: RunId(uuid::Uuid::from_u128(n)),
        scope: RunScope::Halo { id: ConnectionId(uuid::Uuid::from_u128(3)) },
        cause: RunCause::Schedule,
        started: at(10),
        ended: at(11 + i64::try_from(n).unwrap()),
        read: 5,
        changed: 1,
        failure,
    };
    let failure = Some(Failure::new(Side::Halo, FailureKind::Transient, "Halo is not reachable."));
    for run in [run(1, None), run(2, failure.clone()), run(3, failure)] {
        record(&store, vec![Fact::RunEnded { run }]).await;
    }
    let last = store.last_run(&run(1, None).scope).await.unwrap().unwrap();
    assert_eq!((last.failures, last.well, last.run.id), (2, Some(at(12)), RunId(uuid::Uuid::from_u128(3))));
    assert_eq!(store.last_runs(&Scope::All, true).await.unwrap().len(), 1);
    record(&store, vec![Fact::RunEnded { run: run(4, None) }]).await;
    assert!(store.last_runs(&Scope::All, true).await.unwrap().is_empty());
}

#[tokio::test]
async fn closed_pairs_in_step_leave_the_reconcile() {
    let store = memory().await;
    for n in 1..=3 {
        linked(&store, n).await;
    }
    let mut closed = incident(2, "Two");
    closed.status = halobridge::domain::incident::IncidentStatus::Closed;
    let state = PairState { sync: SyncState::InStep, health: Health::Healthy, reason: None, further: Vec::new() };
    let facts = vec![incident_read(workspace(1), client(1), closed), Fact::PairJudged { pair: pair_id(2), state }];
    record(&store, facts).await;
    let open = store.open_pairs_of_halo(halo(1), None, 10).await.unwrap();
    assert_eq!(open.iter().map(|p| p.id).collect::<Vec<_>>(), [pair_id(1), pair_id(3)]);
    let rest = store.open_pairs_of_halo(halo(1), Some(pair_id(1)), 10).await.unwrap();
    assert_eq!(rest.iter().map(|p| p.id).collect::<Vec<_>>(), [pair_id(3)]);
    let rest = store.open_pairs_of_workspace(workspace(1), Some(pair_id(1)), 10).await.unwrap();
    assert_eq!(rest.iter().map(|p| p.id).collect::<Vec<_>>(), [pair_id(3)]);
}

#[tokio::test]
async fn what_is_held_is_counted_at_the_client_its_workspace_has_by_now() {
    let store = memory().await;
    let held =
        Fact::IncidentHeld { workspace: workspace(1), incident: incident_id(2), reason: Some(Reason::OlderThanStart) };
    record(&store, vec![incident_read(workspace(1), client(1), incident(2, "Two")), held]).await;
    record(&store, vec![incident_read(workspace(1), client(2), incident(2, "Two"))]).await;
    let counted = store.held_counters(&Scope::All).await.unwrap();
    assert_eq!(counted.iter().map(|row| (row.client, row.subjects)).collect::<Vec<_>>(), [(client(2), 1)]);
    let theirs = halobridge::domain::pair::Pair { client: client(2), ..pair(2) };
    record(&store, vec![Fact::PairOpened { pair: Box::new(theirs) }]).await;
    assert_eq!(store.held_counters(&Scope::All).await.unwrap(), []);
}

#[tokio::test]
async fn a_late_step_of_an_old_backfill_changes_nothing() {
    use halobridge::domain::backfill::{Backfill, BackfillState, Forecast, HowEnded};
    let store = memory().await;
    let of = |n: u128, state: BackfillState| Backfill {
        id: RunId(uuid::Uuid::from_u128(n)),
        workspace: workspace(1),
        from: at(0),
        to: at(100),
        cap: 5,
        per_hour: 5,
        closed: false,
        asked: at(200),
        state,
    };
    let forecast = || BackfillState::Forecast { forecast: Forecast::default() };
    let moved = async |backfill: Backfill| record(&store, vec![Fact::BackfillMoved { backfill }]).await;
    let stands = async || store.backfill(workspace(1)).await.unwrap().unwrap();
    moved(of(1, BackfillState::Counting)).await;
    moved(of(2, BackfillState::Counting)).await;
    moved(of(1, forecast())).await;
    assert_eq!(stands().await, of(2, BackfillState::Counting), "the newer request stands");
    moved(of(2, forecast())).await;
    assert_eq!(stands().await, of(2, forecast()));
    let ended = of(2, BackfillState::Ended { at: at(300), how: HowEnded::Stopped, progress: None });
    moved(ended.clone()).await;
    moved(of(2, forecast())).await;
    moved(of(1, forecast())).await;
    assert_eq!(stands().await, ended, "stopped is stopped");
    moved(of(3, BackfillState::Counting)).await;
    assert_eq!(stands().await, of(3, BackfillState::Counting), "and may be asked for again");
}

#[tokio::test]
async fn what_may_have_been_written_and_since_when_all_of_it_is_known() {
    let store = memory().await;
    assert_eq!(store.remembers_since(&incident_id(1)).await.unwrap(), None);
    record_at(&store, at(5), vec![incident_read(workspace(1), client(1), incident(1, "One"))]).await;
    linked(&store, 1).await;
    assert_eq!(store.remembers_since(&incident_id(1)).await.unwrap(), Some(at(5)), "since the ledger began");
    let planned = operation(1, 1, 1);
    let key = planned.kind.key();
    record(&store, vec![Fact::OperationPlanned { operation: Box::new(planned) }]).await;
    let may = async |besides| store.may_have_written(pair_id(1), &key, besides).await.unwrap();
    assert!(!may(None).await, "planned, and never sent");
    let moved = |state, attempts, failure| Fact::OperationMoved {
        operation: operation_id(1),
        pair: pair_id(1),
        state,
        attempts,
        failure,
    };
    record(&store, vec![moved(OperationState::Sending { since: at(210) }, 1, None)]).await;
    assert!(may(None).await);
    assert!(!may(Some(operation_id(1))).await, "another one than the one that is looked at");
    let waits = Failure::new(Side::Halo, FailureKind::WaitUntil { at: at(900) }, "Please wait.");
    record(&store, vec![moved(OperationState::Planned { ready: at(900) }, 0, Some(waits))]).await;
    assert!(may(None).await, "refused with a time to wait");
    let void = |attempts| moved(OperationState::Void { at: at(910), why: "Not wanted.".into() }, attempts, None);
    record(&store, vec![void(1)]).await;
    assert!(may(None).await, "taken back after it was sent");
    record(&store, vec![void(0)]).await;
    assert!(!may(None).await, "taken back before");
    let unlinked = Fact::Unlinked {
        pair: pair_id(1),
        workspace: workspace(1),
        incident: incident_id(1),
        reason: Reason::ModeObserve,
    };
    record_at(&store, at(950), vec![unlinked]).await;
    assert_eq!(store.remembers_since(&incident_id(1)).await.unwrap(), Some(at(950)), "its operations went with it");
    assert_eq!(store.remembers_since(&incident_id(2)).await.unwrap(), Some(at(5)));
}

#[tokio::test]
async fn of_another_ticket_than_before_no_notes_are_known() {
    let store = memory().await;
    linked(&store, 1).await;
    let linked_to = |number: i64| Fact::TicketLinked { pair: pair_id(1), ticket: TicketId(number) };
    let read = Fact::ActionsRead { pair: pair_id(1), actions: Vec::new() };
    record(&store, vec![linked_to(1_000), read, linked_to(1_000)]).await;
    assert_eq!(store.situation(pair_id(1)).await.unwrap().unwrap().actions, Some(Vec::new()), "the same one");
    record(&store, vec![linked_to(1_001)]).await;
    assert_eq!(store.situation(pair_id(1)).await.unwrap().unwrap().actions, None);
}
