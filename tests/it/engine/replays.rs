//! Dead letters tried again, one or many, with the plan shown first.

use halobridge::{
    domain::{account::Scope, ids::OperationId, operation::OperationState},
    service::{
        acts,
        caller::Caller,
        doctor::{self, Finding},
        error::ServiceError,
        links, replays,
    },
};
use serde_json::json;

use super::{bridge::*, person::operator};

both! {
    async fn the_plan_is_shown_first_and_only_then_are_many_tried_again(product) {
        let bridge = Bridge::new(product).await;
        bridge.fault(json!({ "effect": "status", "status": 400, "kind": "halo.tickets.post" }));
        let incidents: Vec<String> = (0..3).map(|_| bridge.raise(json!({ "severity": "Low" }))).collect();
        bridge.pass(600).await;
        bridge.heal();
        bridge.update(&incidents[0], json!({ "severity": "High", "title": "It has become worse" }));
        bridge.cross().await;
        let told = async || -> Vec<String> {
            let installation = bridge.store.installation().await.unwrap();
            doctor::work(&bridge.store, &installation).await.iter().map(Finding::to_string).collect()
        };
        let given_up = told().await;
        assert!(given_up.iter().any(|line| line.starts_with("FAULT  writes: 3 were given up")), "{given_up:?}");
        assert!(given_up.iter().any(|line| line.contains("incidents: 3 need somebody")), "{given_up:?}");
        let (app, olga) = operator(&bridge);
        let writes = bridge.writes();
        let view = replays::many(&app, &olga, "refused").await.unwrap();
        assert_eq!((view.items.len(), view.total), (3, 3));
        for item in &view.items {
            let planned: Vec<&str> = item.planned.iter().map(|planned| planned.words.as_str()).collect();
            assert_eq!(planned, ["Create the ticket"], "{item:?}");
        }
        // Not what was refused then, but what the incident says now.
        let worse = view.items.iter().find(|item| item.incident.contains("worse")).expect("it is among them");
        assert!(worse.planned[0].body.as_deref().unwrap().contains("It has become worse"));
        assert!(replays::many(&app, &olga, "wrong-client").await.unwrap().items.is_empty());
        let single = replays::one(&app, &olga, worse.operation.id).await.unwrap();
        assert_eq!(single.items[0].planned, worse.planned);
        // Of several only those that were chosen.
        let two: Vec<_> = view.items.iter().take(2).map(|item| item.operation.id).collect();
        let chosen = replays::chosen(&app, &olga, &two).await.unwrap();
        assert_eq!(chosen.items.iter().map(|item| item.operation.id).collect::<Vec<_>>(), two);
        bridge.pass(300).await;
        assert_eq!(bridge.writes(), writes, "looking at a plan writes nothing");
        let ids: Vec<_> = view.items.iter().map(|item| item.operation.id).collect();
        assert_eq!(replays::replay(&app, &olga, &ids).await, Ok(3));
        bridge.cross().await;
        assert_eq!(bridge.tickets().len(), 3);
        let ticket = bridge.ticket(bridge.ticket_of(&incidents[0]).await);
        assert!(ticket["summary"].as_str().unwrap().contains("It has become worse"));
        // A second press finds nothing to do.
        assert_eq!(replays::replay(&app, &olga, &ids).await, Ok(0));
        assert_eq!(replays::one(&app, &olga, ids[0]).await, Err(ServiceError::Conflict));
        bridge.cross().await;
        assert!(told().await.iter().all(|line| line.starts_with("ok")), "{:?}", told().await);
        assert_eq!(bridge.tickets().len(), 3);
        bridge.finish().await;
    }

    /// A colleague unlinks one of them while the plan is read.
    async fn one_that_went_with_its_pair_keeps_none_of_the_others(product) {
        let bridge = Bridge::new(product).await;
        bridge.fault(json!({ "effect": "status", "status": 400, "kind": "halo.tickets.post" }));
        let incidents: Vec<String> = (0..3).map(|_| bridge.raise(json!({}))).collect();
        bridge.pass(600).await;
        bridge.heal();
        let (app, olga) = operator(&bridge);
        let view = replays::many(&app, &olga, "refused").await.unwrap();
        let ids: Vec<OperationId> = view.items.iter().map(|item| item.operation.id).collect();
        assert_eq!(ids.len(), incidents.len());
        links::unlink(&app, &olga, view.items[1].operation.pair).await.unwrap();
        assert_eq!(replays::chosen(&app, &olga, &ids).await.unwrap().items.len(), 2);
        // Pressed alone it has moved on.
        assert_eq!(replays::one(&app, &olga, ids[1]).await, Err(ServiceError::Conflict));
        assert_eq!(acts::retry(&app, &olga, ids[1]).await, Err(ServiceError::Conflict));
        assert_eq!(acts::drop_operation(&app, &olga, ids[1]).await, Err(ServiceError::Conflict));
        // To whom none of them is shown there is nothing to be tried again.
        let nobody = Caller { scope: Scope::Clients(Vec::new()), ..olga.clone() };
        assert_eq!(replays::replay(&app, &nobody, &ids).await, Ok(0));
        assert!(replays::chosen(&app, &nobody, &ids).await.unwrap().items.is_empty());
        assert_eq!(replays::replay(&app, &olga, &ids).await, Ok(2));
        bridge.cross().await;
        let third = bridge.store.operation(ids[2]).await.unwrap();
        assert!(!third.is_some_and(|found| matches!(found.state, OperationState::Dead { .. })));
        assert_eq!(bridge.tickets().len(), 2);
        bridge.finish().await;
    }
}
