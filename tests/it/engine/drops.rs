//! A dead letter that a person dropped: not written again, kept with its name, planned again when asked.

use halobridge::{
    domain::{
        ids::OperationId,
        operation::{OperationKind, OperationState},
        view::pair::{FieldState, PairView},
    },
    service::{acts, error::ServiceError, pairs, problems},
};
use serde_json::json;

use super::bridge::*;

impl Bridge {
    async fn view(&self, incident: &str) -> PairView {
        let (app, caller) = self.console();
        let pair = self.pair_of(incident).await.expect("it is linked");
        pairs::view(&app, &caller, pair.id, "").await.unwrap()
    }

    /// The pair's only dead letter.
    pub async fn dead(&self, incident: &str) -> OperationId {
        let dead = self.view(incident).await.dead;
        assert_eq!(dead.len(), 1, "{dead:#?}");
        dead[0].id
    }

    pub async fn drop_it(&self, operation: OperationId) {
        let (app, caller) = self.console();
        acts::drop_operation(&app, &caller, operation).await.unwrap();
        self.run().await;
    }

    async fn ask_again(&self, operation: OperationId) {
        let (app, caller) = self.console();
        let state = self.store.operation(operation).await.unwrap().unwrap().state;
        if matches!(state, OperationState::Dropped { .. }) {
            // "Try again", on a page that was drawn before it was dropped, does not undo that.
            assert!(matches!(acts::retry(&app, &caller, operation).await, Err(ServiceError::Conflict)));
            acts::plan_again(&app, &caller, operation).await.unwrap();
        } else {
            assert!(matches!(acts::plan_again(&app, &caller, operation).await, Err(ServiceError::Conflict)));
            acts::retry(&app, &caller, operation).await.unwrap();
        }
        self.run().await;
    }
}

both! {
    async fn evidence_of_a_closing_is_sent_when_it_is_asked_for_again(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        // People close both at once, and Halo refuses the note that tells of it.
        bridge.fault(json!({ "effect": "status", "status": 400, "kind": "halo.actions.post" }));
        bridge.close_incident(&incident, json!({ "classification": "Undetermined" }));
        bridge.close_ticket_as(ticket, 5);
        bridge.cross().await;
        let operation = bridge.dead(&incident).await;
        bridge.drop_it(operation).await;
        bridge.cross().await;
        assert_eq!(bridge.reason_of(&incident).await, Some("dropped"));
        bridge.heal();
        bridge.ask_again(operation).await;
        let told = bridge.notes_of(ticket).iter().filter(|note| words(note).contains("Closed in Microsoft Sentinel")).count();
        assert_eq!(told, 1);
        assert_eq!(bridge.reason_of(&incident).await, None);
        bridge.finish().await;
    }

    async fn a_dropped_closing_is_not_written_again(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.switch("close_ignored", "true");
        bridge.close_incident(&incident, json!({}));
        bridge.pass(600).await;
        let operation = bridge.dead(&incident).await;
        let writes = bridge.writes();
        bridge.drop_it(operation).await;
        bridge.pass(7 * 3_600).await;
        assert_eq!(bridge.writes(), writes, "not written again");
        assert_eq!(bridge.reason_of(&incident).await, Some("dropped"));
        let view = bridge.view(&incident).await;
        assert!(view.dead.is_empty() && view.queue.is_empty());
        assert_eq!(view.dropped.len(), 1);
        assert_eq!((view.dropped[0].operation.id, view.dropped[0].operation.words.as_str()), (operation, "Close the ticket"));
        assert!(matches!(view.dropped[0].operation.state, OperationState::Dropped { who: Some(_), .. }));
        let status = view.fields.iter().find(|row| row.name == "Status").unwrap();
        assert_eq!(status.state, FieldState::IncidentAhead);
        assert_eq!(status.next.as_deref(), Some("Nothing: it was dropped by a person."));
        // Other fields and words still cross.
        bridge.update(&incident, json!({ "severity": "High" }));
        bridge.comment(&incident, "still talking");
        bridge.cross().await;
        assert!(bridge.ticket(ticket)["priority_name"].as_str().unwrap().ends_with("High"));
        assert_ne!(bridge.ticket(ticket)["status_name"], "Closed");
        assert!(bridge.notes_of(ticket).iter().any(|note| words(note).contains("still talking")));
        // Asked for, it is planned again from what both sides say now.
        bridge.switch("close_ignored", "false");
        bridge.ask_again(operation).await;
        assert_eq!(bridge.ticket(ticket)["status_name"], "Closed");
        assert!(bridge.view(&incident).await.dropped.is_empty());
        assert_eq!(bridge.reason_of(&incident).await, None);
        bridge.finish().await;
    }

    /// Two people at the same moment: what was said last holds.
    async fn a_write_that_is_dropped_just_after_it_was_to_be_tried_again_stays_dropped(product) {
        let bridge = Bridge::new(product).await;
        bridge.fault(json!({ "effect": "status", "status": 422, "kind": "halo.tickets.post" }));
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        let operation = bridge.dead(&incident).await;
        bridge.heal();
        let (app, caller) = bridge.console();
        acts::retry(&app, &caller, operation).await.unwrap();
        bridge.drop_it(operation).await;
        bridge.pass(600).await;
        assert_eq!(bridge.tickets(), Vec::<serde_json::Value>::new());
        bridge.finish().await;
    }

    async fn a_dropped_ticket_is_made_only_when_asked_for(product) {
        let mut bridge = Bridge::new(product).await;
        bridge.fault(json!({ "effect": "status", "status": 400, "kind": "halo.tickets.post" }));
        let incident = bridge.raise(json!({ "severity": "Low" }));
        bridge.pass(600).await;
        let operation = bridge.dead(&incident).await;
        bridge.drop_it(operation).await;
        bridge.heal();
        bridge.update(&incident, json!({ "severity": "High" }));
        bridge.comment(&incident, "said meanwhile");
        bridge.pass(3_600).await;
        assert_eq!(bridge.tickets().len(), 0, "whatever the incident says");
        assert_eq!(bridge.reason_of(&incident).await, Some("dropped"));
        let (app, caller) = bridge.console();
        let open = problems::view(&app, &caller).await.unwrap();
        let groups = open.groups.unwrap();
        assert_eq!((open.pairs, groups.len(), groups[0].reason.code()), (1, 1, "dropped"), "somebody is asked for it");
        bridge.restart().await;
        bridge.pass(600).await;
        assert_eq!(bridge.tickets().len(), 0, "after a start neither");
        bridge.ask_again(operation).await;
        bridge.cross().await;
        let ticket = bridge.ticket(bridge.ticket_of(&incident).await);
        assert!(ticket["priority_name"].as_str().unwrap().ends_with("High"), "drafted from what is known now");
        assert!(bridge.notes_of(ticket["id"].as_i64().unwrap()).iter().any(|n| words(n).contains("said meanwhile")));
        bridge.finish().await;
    }

    async fn a_retried_ticket_follows_the_corrected_policy(product) {
        let mut bridge = Bridge::new(product).await;
        bridge.fault(json!({ "effect": "status", "status": 400, "kind": "halo.tickets.post" }));
        let incident = bridge.raise(json!({}));
        bridge.pass(600).await;
        let operation = bridge.dead(&incident).await;
        bridge.heal();
        bridge.setup.policy = format!("agent = \"{SECOND_AGENT}\"");
        bridge.apply().await;
        bridge.cross().await;
        assert_eq!(bridge.tickets().len(), 0);
        bridge.ask_again(operation).await;
        let agents = bridge.twin.with(|world, _| world.halos[0].halo.choices("agents"));
        let second = agents.iter().find(|(_, name)| name == SECOND_AGENT).unwrap().0;
        assert_eq!(bridge.ticket(bridge.ticket_of(&incident).await)["agent_id"], second);
        bridge.finish().await;
    }

    /// It is still for the user that the incident is about.
    async fn a_retried_ticket_is_for_the_same_user(product) {
        let bridge = Bridge::with(Setup { policy: "requester = \"affected-user\"".into(), ..Setup::new(product) }).await;
        bridge.fault(json!({ "effect": "status", "status": 400, "kind": "halo.tickets.post" }));
        let pat = json!({ "accountName": "pat.morgan", "upnSuffix": "northwindtraders.example" });
        let entities = json!([{ "kind": "Account", "properties": pat }]);
        let incident =
            bridge.raise(json!({ "alert": { "alertDisplayName": "Odd sign-in" }, "entities": entities }));
        bridge.pass(600).await;
        let operation = bridge.dead(&incident).await;
        bridge.heal();
        bridge.ask_again(operation).await;
        let ticket = bridge.ticket(bridge.ticket_of(&incident).await);
        assert_eq!(ticket["user_name"], "Pat Morgan");
        let details = ticket["details_html"].as_str().unwrap();
        assert!(!details.contains("None of the users"), "{details}");
        bridge.finish().await;
    }

    /// A queued change of the same ticket beside the dead letter: asking again plans both as one.
    async fn asking_again_beside_another_change(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.switch("close_ignored", "true");
        bridge.close_incident(&incident, json!({}));
        bridge.pass(600).await;
        let operation = bridge.dead(&incident).await;
        bridge.switch("close_ignored", "false");
        bridge.fault(json!({ "effect": "status", "status": 503, "kind": "halo.tickets.post" }));
        bridge.update(&incident, json!({ "severity": "Low" }));
        bridge.pass(90).await;
        let queue = bridge.view(&incident).await.queue;
        assert_eq!(queue.len(), 1, "{queue:#?}");
        bridge.ask_again(operation).await;
        bridge.heal();
        bridge.pass(3_600).await;
        assert_eq!(bridge.ticket(ticket)["status_name"], "Closed");
        assert!(bridge.ticket(ticket)["priority_name"].as_str().unwrap().ends_with("Low"));
        bridge.finish().await;
    }

    async fn dropped_words_do_not_cross(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup { notes: "all", ..Setup::new(product) }).await;
        bridge.fault(json!({ "effect": "status", "status": 400, "kind": "halo.actions.post" }));
        bridge.comment(&incident, "never mind");
        bridge.pass(600).await;
        let operation = bridge.dead(&incident).await;
        bridge.drop_it(operation).await;
        bridge.heal();
        bridge.comment(&incident, "but this");
        bridge.pass(7 * 3_600).await;
        let notes: Vec<String> = bridge.notes_of(ticket).iter().map(words).collect();
        assert!(notes.iter().all(|note| !note.contains("never mind")), "{notes:#?}");
        assert!(notes.iter().any(|note| note.contains("but this")), "{notes:#?}");
        let kept = bridge.store.operation(operation).await.unwrap().unwrap();
        assert!(matches!(kept.kind, OperationKind::AddNote { .. }));
        let row = bridge.view(&incident).await.notes.into_iter().find(|row| row.text == "never mind").unwrap();
        assert!(format!("{:?}", row.crossing).contains("Dropped"), "{row:?}");
        bridge.finish().await;
    }
}
