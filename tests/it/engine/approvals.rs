//! Writes that wait for a person's approval.

use halobridge::{
    domain::{
        account::{Role, Scope},
        approval::WriteKind,
        ids::PairId,
        pair::Health,
        reason::Reason,
        view::{
            approvals::ApprovalRow,
            pair::{AnswerView, Crossing, NoteRow},
        },
    },
    service::{approvals, caller::Caller, decisions, error::ServiceError, pairs},
};
use serde_json::json;

use super::bridge::*;

fn careful(product: halobridge::twin::options::Product) -> Setup {
    let policy = "approve = [\"close\", \"reopen\", \"severity-down\", \"client-visible-note\"]".into();
    Setup { notes: "all", policy, ..Setup::new(product) }
}

impl Bridge {
    async fn waiting(&self) -> Vec<ApprovalRow> {
        let (app, caller) = self.console();
        approvals::view(&app, &caller, "").await.unwrap().rows
    }

    async fn answer(&self, row: &ApprovalRow, yes: bool) -> Result<(), ServiceError> {
        let (app, caller) = self.console();
        let pair: PairId = row.pair;
        let decision = if yes { row.approve.clone() } else { row.reject.clone() };
        decisions::decide(&app, &caller, pair, Some(decision)).await
    }

    /// The answers that the page of a pair offers.
    async fn offered(&self, incident: &str) -> Vec<AnswerView> {
        let (app, caller) = self.console();
        let pair = self.pair_of(incident).await.unwrap().id;
        let view = pairs::view(&app, &caller, pair, "").await.unwrap();
        view.choices.into_iter().flat_map(|choice| choice.answers).collect()
    }
}

both! {
    async fn a_closure_waits_until_it_is_approved(product) {
        let (bridge, incident, ticket) = Bridge::linked(careful(product)).await;
        assert!(bridge.waiting().await.is_empty());
        bridge.close_ticket_as(ticket, 1);
        bridge.cross().await;
        assert_ne!(bridge.incident(&incident)["properties"]["status"], "Closed");
        assert_eq!(bridge.reason_of(&incident).await, Some("awaits-approval"));
        // Everything else goes on.
        bridge.note(ticket, "<p>Nothing left to be done on that host</p>", json!({}));
        bridge.comment(&incident, "one more thing");
        bridge.cross().await;
        assert!(bridge.comments_of(&incident).iter().any(|comment| comment.contains("Nothing left to be done")));
        assert!(bridge.notes_of(ticket).iter().any(|note| words(note).contains("one more thing")));
        let waiting = bridge.waiting().await;
        let [row] = waiting.as_slice() else { panic!("{waiting:?}") };
        assert_eq!(row.kinds, [WriteKind::Close]);
        assert!(row.differences.iter().any(|one| (one.what.as_str(), one.to.as_str()) == ("status", "Closed")), "{row:?}");
        assert!(row.planned.body.as_ref().is_some_and(|body| body.starts_with("PUT ") && body.contains("\"status\": \"Closed\"")));
        bridge.answer(row, true).await.unwrap();
        bridge.cross().await;
        assert_eq!(bridge.incident(&incident)["properties"]["status"], "Closed");
        assert!(bridge.waiting().await.is_empty());
        assert!(matches!(bridge.answer(row, true).await, Err(ServiceError::Conflict)), "it is not asked any more");
        bridge.finish().await;
    }

    async fn what_was_applied_is_worked_by_before_anything_else_is_written(product) {
        let (mut bridge, incident, ticket) = Bridge::linked(Setup { policy: String::new(), ..careful(product) }).await;
        let pair = bridge.pair_of(&incident).await.unwrap();
        loop {
            let mut woken = Box::pin(bridge.engine.woken());
            if futures::poll!(&mut woken).is_pending() {
                break;
            }
        }
        bridge.setup.policy = careful(product).policy;
        bridge.apply().await;
        {
            let mut woken = Box::pin(bridge.engine.woken());
            assert!(futures::poll!(&mut woken).is_ready(), "nobody waits for the next look");
        }
        // In the same second: the time for a look at the configuration has not come.
        bridge.close_ticket_as(ticket, 1);
        bridge.engine.look_again(pair.id);
        bridge.run().await;
        assert_ne!(bridge.incident(&incident)["properties"]["status"], "Closed");
        bridge.cross().await;
        assert_eq!(bridge.reason_of(&incident).await, Some("awaits-approval"));
        assert_ne!(bridge.incident(&incident)["properties"]["status"], "Closed");
        bridge.finish().await;
    }

    async fn of_two_answers_at_once_one_counts(product) {
        let (bridge, incident, ticket) = Bridge::linked(careful(product)).await;
        bridge.close_ticket_as(ticket, 1);
        bridge.cross().await;
        let row = bridge.waiting().await.remove(0);
        let (app, caller) = bridge.console();
        let decide = |decision| decisions::decide(&app, &caller, row.pair, Some(decision));
        let (yes, no) = tokio::join!(decide(row.approve.clone()), decide(row.reject.clone()));
        assert!(matches!((&yes, &no), (Ok(()), Err(ServiceError::Conflict)) | (Err(ServiceError::Conflict), Ok(()))));
        bridge.cross().await;
        assert_eq!(bridge.incident(&incident)["properties"]["status"] == "Closed", yes.is_ok());
        bridge.finish().await;
    }

    async fn what_changed_beside_a_closure_crosses_while_that_waits(product) {
        let (bridge, incident, ticket) = Bridge::linked(careful(product)).await;
        bridge.act("ticket.update", json!({ "ticket_id": ticket, "agent": SECOND_AGENT }));
        bridge.close_ticket_as(ticket, 1);
        bridge.cross().await;
        let properties = || bridge.incident(&incident)["properties"].clone();
        assert_ne!(properties()["status"], "Closed");
        assert!(properties()["owner"].to_string().contains(SECOND_ANALYST), "{}", properties()["owner"]);
        let waiting = bridge.waiting().await;
        let [row] = waiting.as_slice() else { panic!("{waiting:?}") };
        assert!(row.differences.iter().all(|one| one.what != "owner"), "{row:?}");
        bridge.answer(row, true).await.unwrap();
        bridge.cross().await;
        assert_eq!(properties()["status"], "Closed");
        assert!(properties()["owner"].to_string().contains(SECOND_ANALYST));
        bridge.finish().await;
    }

    async fn a_rejected_closure_is_not_written_and_a_new_one_is_asked_about(product) {
        let (bridge, incident, ticket) = Bridge::linked(careful(product)).await;
        bridge.close_incident(&incident, json!({ "classification": "Undetermined" }));
        bridge.cross().await;
        let waiting = bridge.waiting().await;
        assert_eq!(waiting.len(), 1);
        bridge.answer(&waiting[0], false).await.unwrap();
        bridge.cross().await;
        assert_ne!(bridge.ticket(ticket)["hasbeenclosed"], true);
        assert_eq!(bridge.reason_of(&incident).await, Some("rejected"));
        assert!(bridge.waiting().await.is_empty());
        assert_eq!(bridge.offered(&incident).await.len(), 1);
        // Opened again both sides agree; the next closing is another one.
        bridge.update(&incident, json!({ "status": "New" }));
        bridge.cross().await;
        assert_eq!(bridge.offered(&incident).await, [], "nothing is left to be approved");
        bridge.close_incident(&incident, json!({ "classification": "Undetermined" }));
        bridge.cross().await;
        let waiting = bridge.waiting().await;
        assert_eq!(waiting.len(), 1, "{:?}", bridge.reason_of(&incident).await);
        bridge.answer(&waiting[0], true).await.unwrap();
        bridge.cross().await;
        assert_eq!(bridge.ticket(ticket)["hasbeenclosed"], true);
        bridge.finish().await;
    }

    async fn a_rejected_closure_can_be_approved_after_all(product) {
        let (bridge, incident, ticket) = Bridge::linked(careful(product)).await;
        bridge.close_incident(&incident, json!({ "classification": "Undetermined" }));
        bridge.cross().await;
        let row = bridge.waiting().await.remove(0);
        bridge.answer(&row, false).await.unwrap();
        // Who still sees the question overrules nobody.
        assert!(matches!(bridge.answer(&row, true).await, Err(ServiceError::Conflict)));
        bridge.cross().await;
        let pair = bridge.pair_of(&incident).await.unwrap();
        assert_eq!((pair.health, pair.reason.map(|reason| reason.code())), (Health::Healthy, Some("rejected")));
        let answers = bridge.offered(&incident).await;
        let [AnswerView { label, decision }] = answers.as_slice() else { panic!("{answers:?}") };
        assert_eq!(label, "Approve it after all");
        let (app, caller) = bridge.console();
        let viewer = Caller { role: Role::Viewer, ..caller.clone() };
        let decide = |caller: Caller| {
            let (app, pair, decision) = (app.clone(), row.pair, decision.clone());
            async move { decisions::decide(&app, &caller, pair, Some(decision)).await }
        };
        assert!(matches!(decide(viewer).await, Err(ServiceError::Forbidden)));
        decide(caller.clone()).await.unwrap();
        bridge.cross().await;
        assert_eq!(bridge.ticket(ticket)["hasbeenclosed"], true);
        assert_eq!(bridge.offered(&incident).await, []);
        assert!(matches!(decide(caller.clone()).await, Err(ServiceError::Conflict)), "it is written");
        // Both answers stand in the history.
        let history = pairs::view(&app, &caller, row.pair, "").await.unwrap().timeline;
        for answer in ["Rejected: ", "Approved after all: "] {
            assert!(history.iter().any(|entry| entry.words.starts_with(answer)), "{answer}: {history:#?}");
        }
        bridge.finish().await;
    }

    async fn of_words_that_were_rejected_the_pair_says_so_and_each_can_be_approved_by_itself(product) {
        let policy = "approve = [\"client-visible-note\"]\nnotes_private = false".into();
        let setup = Setup { notes: "all", evidence: false, policy, ..Setup::new(product) };
        let (bridge, incident, ticket) = Bridge::linked(setup).await;
        bridge.comment(&incident, "the one thing");
        bridge.comment(&incident, "the other thing");
        bridge.cross().await;
        for row in bridge.waiting().await {
            bridge.answer(&row, false).await.unwrap();
        }
        bridge.cross().await;
        let (app, caller) = bridge.console();
        let pair = bridge.pair_of(&incident).await.unwrap().id;
        let rows = pairs::view(&app, &caller, pair, "").await.unwrap().notes;
        let rejected = |row: &&NoteRow| match &row.crossing {
            Crossing::HeldBack { reason: Reason::Rejected { what } } => what.contains(&row.text),
            _ => false,
        };
        assert_eq!(rows.iter().filter(rejected).count(), 2, "{rows:#?}");
        let answers = bridge.offered(&incident).await;
        let answer = answers.iter().find(|answer| answer.decision.words().contains("the other thing"));
        let decision = answer.unwrap_or_else(|| panic!("{answers:?}")).decision.clone();
        decisions::decide(&app, &caller, pair, Some(decision)).await.unwrap();
        bridge.cross().await;
        let notes: Vec<String> = bridge.notes_of(ticket).iter().map(words).collect();
        assert!(notes.iter().any(|note| note.contains("the other thing")), "{notes:#?}");
        assert!(notes.iter().all(|note| !note.contains("the one thing")), "{notes:#?}");
        bridge.finish().await;
    }

    /// An edit may move nothing that a list shows, and of words that were rejected no note is linked.
    async fn a_rejected_comment_is_asked_about_again_once_it_is_edited(product) {
        let policy = "approve = [\"client-visible-note\"]\nnotes_private = false".into();
        let setup = Setup { notes: "all", evidence: false, policy, ..Setup::new(product) };
        let (bridge, incident, ticket) = Bridge::linked(setup).await;
        bridge.comment(&incident, "the first words");
        bridge.cross().await;
        let row = bridge.waiting().await.pop().expect("it waits");
        bridge.answer(&row, false).await.unwrap();
        bridge.cross().await;
        assert_eq!(bridge.waiting().await.len(), 0);
        let id = bridge.comment_id(&incident, "the first words").await;
        bridge.edit_comment(&incident, &id, "the better words");
        bridge.pass_by(7 * 3_600, 600).await;
        let row = bridge.waiting().await.pop().expect("it waits again");
        bridge.answer(&row, true).await.unwrap();
        bridge.cross().await;
        let notes: Vec<String> = bridge.notes_of(ticket).iter().map(words).collect();
        assert!(notes.iter().any(|note| note.contains("the better words")), "{notes:#?}");
        assert!(notes.iter().all(|note| !note.contains("the first words")), "{notes:#?}");
        bridge.finish().await;
    }

    /// However many pairs need somebody, each that waits for approval stands on one of the pages, and they are counted.
    async fn all_that_waits_is_counted_and_paged(product) {
        let (bridge, first, ticket) = Bridge::linked(careful(product)).await;
        let mut incidents = vec![first];
        let mut tickets = vec![ticket];
        for _ in 0..2 {
            let incident = bridge.raise(json!({}));
            bridge.cross().await;
            tickets.push(bridge.ticket_of(&incident).await);
            incidents.push(incident);
        }
        for ticket in tickets {
            bridge.close_ticket_as(ticket, 1);
            bridge.cross().await;
        }
        let (app, caller) = bridge.console();
        let mut from = String::new();
        let mut found = Vec::new();
        for page in 1..=3_usize {
            let view = approvals::page(&app, &caller, &from, 1).await.unwrap();
            assert_eq!((view.pages.total, view.rows.len(), view.pages.rows.len()), (Some(3), 1, 1), "{page}");
            assert_eq!((view.pages.newer.is_some(), view.pages.older.is_some()), (page > 1, page < 3), "{page}");
            found.extend(view.rows.into_iter().map(|row| row.pair));
            from = view.pages.older.unwrap_or_default();
        }
        let mut expected = Vec::new();
        for incident in &incidents {
            expected.push(bridge.pair_of(incident).await.unwrap().id);
        }
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
        let nobody = Caller { scope: Scope::Clients(Vec::new()), ..caller };
        let view = approvals::view(&app, &nobody, "").await.unwrap();
        assert_eq!((view.pages.total, view.rows.len()), (Some(0), 0));
        bridge.finish().await;
    }
}
