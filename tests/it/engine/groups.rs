//! Incidents that share a ticket by the policy's rule.

use halobridge::{
    domain::{
        ids::TicketId,
        pair::SyncState,
        view::pair::{GroupView, PairView},
    },
    ledger::entry::Seq,
    service::{links, pairs, then::Then},
    twin::options::Product,
};
use serde_json::{Value, json};

use super::bridge::*;

/// Story 0 names an account and story 2 a host; each has an analytics rule of its own.
fn grouped(product: Product) -> Setup {
    let policy = "group = { by = [\"analytics-rule\", \"main-entity\"], hours = 24, most = 3 }".into();
    Setup { notes: "all", policy, ..Setup::new(product) }
}

impl Bridge {
    async fn pair_view(&self, incident: &str) -> PairView {
        let (app, caller) = self.console();
        pairs::view(&app, &caller, self.pair_of(incident).await.unwrap().id, "").await.unwrap()
    }

    async fn rests(&self) {
        let writes = self.writes();
        self.pass(1_800).await;
        assert_eq!(self.writes(), writes, "and rests");
    }
}

both! {
    /// What an incident shares with others shows in its entities, and they some minutes after it.
    async fn an_incident_whose_entities_show_late_waits_for_them_and_joins(product) {
        let bridge = Bridge::with(grouped(product)).await;
        let first = bridge.raise(json!({ "story": 0 }));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&first).await;
        bridge.switch("evidence_delay_s", "240");
        let second = bridge.raise(json!({ "story": 0 }));
        bridge.cross().await;
        assert_eq!(bridge.reason_of(&second).await, Some("entities-awaited"));
        bridge.pass_by(300, 20).await;
        assert_eq!(bridge.ticket_of(&second).await, ticket);
        // They are looked for twice, and no longer.
        bridge.switch("evidence_delay_s", "7200");
        let third = bridge.raise(json!({ "story": 0 }));
        bridge.pass_by(840, 20).await;
        assert_eq!(bridge.reason_of(&third).await, Some("entities-awaited"));
        bridge.pass_by(180, 20).await;
        assert_ne!(bridge.ticket_of(&third).await, ticket);
        assert_eq!(bridge.reason_of(&third).await, None);
        bridge.finish().await;
    }

    /// The process that knew when to look for them is over.
    async fn an_incident_that_waits_for_its_entities_gets_its_ticket_after_a_restart(product) {
        let mut bridge = Bridge::with(grouped(product)).await;
        bridge.switch("evidence_delay_s", "7200");
        let incident = bridge.raise(json!({ "story": 0 }));
        bridge.cross().await;
        assert_eq!(bridge.reason_of(&incident).await, Some("entities-awaited"));
        bridge.restart().await;
        bridge.cross().await;
        assert_eq!(bridge.reason_of(&incident).await, Some("entities-awaited"));
        bridge.pass_by(900, 20).await;
        bridge.ticket_of(&incident).await;
        bridge.finish().await;
    }

    /// No list shows it as changed: what could not be judged at its time comes up again by itself.
    async fn an_incident_that_waits_for_its_entities_is_not_forgotten_when_halo_fails_at_its_time(product) {
        let setup = grouped(product);
        let policy = format!("{}\nadopt = true", setup.policy);
        let bridge = Bridge::with(Setup { policy, ..setup }).await;
        bridge.switch("evidence_delay_s", "7200");
        let incident = bridge.raise(json!({ "story": 0 }));
        bridge.cross().await;
        assert_eq!(bridge.reason_of(&incident).await, Some("entities-awaited"));
        bridge.pass_by(600, 20).await;
        bridge.fault(json!({ "effect": "status", "status": 503, "kind": "halo.tickets.list" }));
        bridge.pass_by(600, 20).await;
        assert_eq!(bridge.tickets().len(), 0);
        bridge.heal();
        bridge.pass_by(1_800, 60).await;
        bridge.ticket_of(&incident).await;
        bridge.finish().await;
    }

    async fn related_incidents_share_a_ticket_that_names_each(product) {
        let bridge = Bridge::with(grouped(product)).await;
        let first = bridge.raise(json!({ "story": 0, "title": "first of them" }));
        let other = bridge.raise(json!({ "story": 1 }));
        let foreign = bridge.raise_in(1, json!({ "story": 0 }));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&first).await;
        bridge.note(ticket, "<p>before the second came</p>", json!({}));
        bridge.cross().await;
        let second = bridge.raise(json!({ "story": 0, "title": "second of them" }));
        bridge.cross().await;
        assert_eq!(bridge.ticket_of(&second).await, ticket);
        assert_eq!(bridge.tickets().len(), 3, "another rule and another client have tickets of their own");
        assert_ne!(bridge.ticket_of(&other).await, ticket);
        assert_ne!(bridge.ticket_of(&foreign).await, ticket);
        // The ticket hears of it once, with number, title and link.
        let number = bridge.incident(&second)["properties"]["incidentNumber"].as_i64().unwrap();
        let told = format!("Incident #{number} second of them");
        assert_eq!(bridge.notes_with(ticket, &told), 1, "{:#?}", bridge.notes_of(ticket));
        assert_eq!(bridge.notes_with(ticket, "shares this ticket"), 1);
        assert!(bridge.notes_of(ticket).iter().any(|note| words(note).contains("shares this ticket: the same analytics rule")));
        // Comments of each reach the ticket under its name; a note reaches both, once each, but none from before.
        bridge.comment(&first, "seen by the first");
        bridge.comment(&second, "seen by the second");
        bridge.note(ticket, "<p>the agent's words</p>", json!({}));
        bridge.cross().await;
        assert_eq!(bridge.notes_with(ticket, "seen by the first"), 1);
        let named = bridge.notes_of(ticket).iter().any(|note| {
            words(note).contains(&format!("Comment on incident #{number} second of them")) && words(note).contains("seen by the second")
        });
        assert!(named, "{:#?}", bridge.notes_of(ticket));
        for incident in [&first, &second] {
            assert_eq!(bridge.comments_with(incident, "the agent's words"), 1);
            assert_eq!(bridge.comments_with(incident, "seen by"), 1, "what one says does not come to the other");
        }
        assert_eq!(bridge.comments_with(&first, "before the second came"), 1);
        assert_eq!(bridge.comments_with(&second, "before the second came"), 0);
        assert_eq!(bridge.comments_with(&second, "shares this ticket"), 0);
        // The page says which and why.
        let view = bridge.pair_view(&second).await.group.unwrap();
        assert!(view.why.starts_with("the same analytics rule"), "{view:?}");
        assert_eq!(view.mates.len(), 1);
        assert!(view.mates[0].name.ends_with("first of them"));
        // A third one fills it; the fourth has a ticket of its own and says why.
        let third = bridge.raise(json!({ "story": 0 }));
        bridge.cross().await;
        let fourth = bridge.raise(json!({ "story": 0 }));
        bridge.cross().await;
        assert_eq!(bridge.ticket_of(&third).await, ticket);
        assert_ne!(bridge.ticket_of(&fourth).await, ticket);
        let view = bridge.pair_view(&fourth).await.group.unwrap();
        assert!(view.why.contains("is shared by 3 incidents already"), "{view:?}");
        bridge.rests().await;
        bridge.finish().await;
    }

    async fn the_ticket_closes_with_the_last_of_its_incidents(product) {
        let bridge = Bridge::with(grouped(product)).await;
        // All at once: the ticket is made for the first, and the others wait for it.
        let incidents: Vec<String> = (0..3).map(|_| bridge.raise(json!({ "story": 2, "severity": "Medium" }))).collect();
        bridge.cross().await;
        let ticket = bridge.ticket_of(&incidents[0]).await;
        assert_eq!(bridge.tickets().len(), 1);
        for incident in &incidents {
            assert_eq!(bridge.ticket_of(incident).await, ticket);
        }
        assert_eq!(bridge.notes_with(ticket, "shares this ticket"), 2);
        // Its priority is that of the most severe open one.
        let priority = || bridge.ticket(ticket)["priority_name"].as_str().unwrap().to_owned();
        bridge.update(&incidents[1], json!({ "severity": "High" }));
        bridge.cross().await;
        assert!(priority().ends_with("High"), "{}", priority());
        bridge.close_incident(&incidents[1], json!({ "classification": "Undetermined" }));
        bridge.cross().await;
        assert!(priority().ends_with("Medium"), "{}", priority());
        let pair = bridge.pair_of(&incidents[1]).await.unwrap();
        assert_eq!((pair.sync, pair.reason.map(|reason| reason.code())), (SyncState::Behind, Some("group-open")));
        bridge.close_incident(&incidents[0], json!({ "classification": "TruePositive" }));
        bridge.cross().await;
        assert_ne!(bridge.ticket(ticket)["hasbeenclosed"], true, "one is open still");
        bridge.rests().await;
        bridge.close_incident(&incidents[2], json!({ "classification": "Undetermined" }));
        bridge.cross().await;
        assert_eq!(bridge.ticket(ticket)["hasbeenclosed"], true);
        let actions = bridge.ticket(ticket)["actions"].to_string();
        assert!(actions.contains("as True positive") || bridge.ticket(ticket).to_string().contains("as True positive"));
        for incident in &incidents {
            let pair = bridge.pair_of(incident).await.unwrap();
            assert_eq!(pair.sync, SyncState::InStep, "{pair:?}");
            assert_eq!(bridge.comments_with(incident, "Closed in Halo"), 0, "it was our own closing");
        }
        let notes = bridge.notes_of(ticket);
        let echo = |note: &&Value| words(note).contains("Closed in Microsoft Sentinel") && words(note).contains("HB-");
        assert_eq!(notes.iter().filter(echo).count(), 0, "{notes:#?}");
        // Closed, it takes nobody in.
        let next = bridge.raise(json!({ "story": 2 }));
        bridge.cross().await;
        assert_ne!(bridge.ticket_of(&next).await, ticket);
        // One that is opened again opens the ticket, and not the others.
        bridge.update(&incidents[1], json!({ "status": "Active" }));
        bridge.cross().await;
        assert_ne!(bridge.ticket(ticket)["status_name"], "Closed");
        for incident in [&incidents[0], &incidents[2]] {
            assert_eq!(bridge.incident(incident)["properties"]["status"], "Closed");
        }
        bridge.rests().await;
        bridge.finish().await;
    }

    async fn closing_the_ticket_closes_all_and_a_restart_doubles_nothing(product) {
        let mut bridge = Bridge::with(grouped(product)).await;
        let first = bridge.raise(json!({ "story": 0 }));
        bridge.cross().await;
        let second = bridge.raise(json!({ "story": 0 }));
        bridge.advance(30).await;
        bridge.restart().await;
        bridge.cross().await;
        let ticket = bridge.ticket_of(&first).await;
        assert_eq!(bridge.ticket_of(&second).await, ticket);
        bridge.comment(&second, "once");
        bridge.cross().await;
        bridge.restart().await;
        bridge.cross().await;
        assert_eq!((bridge.notes_with(ticket, "once"), bridge.notes_with(ticket, "shares this ticket")), (1, 1));
        // An agent takes it: each incident gets its owner.
        bridge.close_ticket_as(ticket, 1);
        bridge.cross().await;
        for incident in [&first, &second] {
            let properties = bridge.incident(incident)["properties"].clone();
            assert_eq!((&properties["status"], &properties["classification"]), (&json!("Closed"), &json!("TruePositive")));
        }
        bridge.rests().await;
        // Opened again by an agent: the first one's incident is, the other stays as it is.
        bridge.act("ticket.reopen", json!({ "ticket_id": ticket, "agent": AGENT }));
        bridge.cross().await;
        assert_ne!(bridge.incident(&first)["properties"]["status"], "Closed");
        assert_eq!(bridge.incident(&second)["properties"]["status"], "Closed");
        bridge.rests().await;
        bridge.finish().await;
    }

    async fn a_restored_backup_joins_again_and_tells_nothing_twice(product) {
        let mut bridge = Bridge::with(grouped(product)).await;
        let first = bridge.raise(json!({ "story": 0 }));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&first).await;
        let backup = bridge.store.snapshot().await.unwrap();
        let second = bridge.raise(json!({ "story": 0 }));
        bridge.cross().await;
        bridge.comment(&second, "written meanwhile");
        bridge.note(ticket, "<p>an agent's word</p>", json!({}));
        bridge.cross().await;
        bridge.restore(&backup).await;
        bridge.pass(600).await;
        assert_eq!(bridge.tickets().len(), 1);
        assert_eq!(bridge.ticket_of(&second).await, ticket);
        let once = ["shares this ticket", "written meanwhile"].map(|text| bridge.notes_with(ticket, text));
        assert_eq!(once, [1, 1], "{:#?}", bridge.notes_of(ticket));
        assert_eq!([&first, &second].map(|incident| bridge.comments_with(incident, "an agent's word")), [1, 1]);
        bridge.rests().await;
        bridge.finish().await;
    }

    /// The first of them was closed meanwhile: the ticket stays the other one's, whom the backup does not know.
    async fn after_a_restore_who_shared_a_ticket_is_on_it_though_the_others_are_closed(product) {
        for knows_the_first in [true, false] {
            let mut bridge = Bridge::with(Setup { link_comment: true, ..grouped(product) }).await;
            let mut backup = bridge.store.snapshot().await.unwrap();
            let first = bridge.raise(json!({ "story": 0 }));
            bridge.cross().await;
            let ticket = bridge.ticket_of(&first).await;
            if knows_the_first {
                backup = bridge.store.snapshot().await.unwrap();
            }
            let second = bridge.raise(json!({ "story": 0 }));
            bridge.cross().await;
            bridge.close_incident(&first, json!({ "classification": "Undetermined" }));
            bridge.cross().await;
            assert_ne!(bridge.ticket(ticket)["hasbeenclosed"], true, "one is open still");
            bridge.restore(&backup).await;
            bridge.pass(900).await;
            assert_eq!(bridge.tickets().len(), 1, "knows the first: {knows_the_first}");
            for incident in [&first, &second] {
                assert_eq!(bridge.ticket_of(incident).await, ticket);
            }
            assert_ne!(bridge.ticket(ticket)["hasbeenclosed"], true, "knows the first: {knows_the_first}");
            assert_ne!(bridge.incident(&second)["properties"]["status"], "Closed");
            bridge.rests().await;
            bridge.finish().await;
        }
    }

    async fn who_is_unlinked_holds_the_ticket_open_no_more(product) {
        let bridge = Bridge::with(grouped(product)).await;
        let first = bridge.raise(json!({ "story": 0 }));
        bridge.cross().await;
        let second = bridge.raise(json!({ "story": 0 }));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&first).await;
        bridge.close_incident(&second, json!({ "classification": "Undetermined" }));
        bridge.cross().await;
        assert_eq!(bridge.reason_of(&second).await, Some("group-open"));
        let (app, caller) = bridge.console();
        links::unlink(&app, &caller, bridge.pair_of(&first).await.unwrap().id).await.unwrap();
        bridge.cross().await;
        assert_eq!(bridge.ticket(ticket)["hasbeenclosed"], true);
        assert_ne!(bridge.incident(&first)["properties"]["status"], "Closed");
        // The one that was unlinked gets a ticket of its own when it is asked for.
        let workspace = bridge.workspace(0).await.id;
        let incident = halobridge::domain::ids::IncidentId::new(&first);
        links::make_ticket(&app, &caller, workspace, &incident).await.unwrap();
        bridge.cross().await;
        assert_ne!(bridge.ticket_of(&first).await, ticket);
        bridge.rests().await;
        bridge.finish().await;
    }

    async fn who_waits_for_a_ticket_that_a_person_gave_up_gets_one_of_its_own(product) {
        let bridge = Bridge::with(grouped(product)).await;
        bridge.fault(json!({ "effect": "status", "status": 400, "kind": "halo.tickets.post" }));
        let mut incidents = Vec::new();
        for _ in 0..3 {
            incidents.push(bridge.raise(json!({ "story": 0 })));
            bridge.clock.advance(jiff::SignedDuration::from_secs(1));
        }
        let [first, second, third] = [&incidents[0], &incidents[1], &incidents[2]];
        bridge.cross().await;
        assert_eq!(bridge.reason_of(second).await, Some("group-waits"));
        bridge.heal();
        bridge.close_incident(first, json!({ "classification": "Undetermined" }));
        bridge.cross().await;
        let making = bridge.dead(first).await;
        bridge.drop_it(making).await;
        bridge.cross().await;
        let ticket = bridge.ticket_of(second).await;
        assert_eq!(bridge.ticket_of(third).await, ticket, "those that are left share it");
        assert_eq!(bridge.pair_of(first).await.unwrap().ticket, None);
        assert_eq!(bridge.tickets().len(), 1);
        bridge.rests().await;
        bridge.finish().await;
    }

    async fn the_past_shows_who_shared_the_ticket_then(product) {
        let bridge = Bridge::with(grouped(product)).await;
        let first = bridge.raise(json!({ "story": 0, "title": "first of them" }));
        bridge.cross().await;
        let alone = bridge.store.latest_seq().await.unwrap();
        let second = bridge.raise(json!({ "story": 0, "title": "second of them" }));
        bridge.cross().await;
        let shared = bridge.store.latest_seq().await.unwrap();
        let stood = [bridge.pair_view(&first).await.group.unwrap(), bridge.pair_view(&second).await.group.unwrap()];
        assert_eq!(stood.each_ref().map(|group| group.mates.len()), [1, 1], "{stood:?}");
        let ids = [bridge.pair_of(&first).await.unwrap().id, bridge.pair_of(&second).await.unwrap().id];
        let (app, caller) = bridge.console();
        let shown = async |of: usize, then: Seq| -> Option<GroupView> {
            let view = pairs::view_at(&app, &caller, ids[of], "", Then::Entry(then)).await.unwrap();
            assert!(view.as_of.is_some(), "{:?}", view.as_of_problem);
            view.group
        };
        // As they stood then, whatever becomes of them: one is closed, and then taken off the ticket.
        bridge.close_incident(&second, json!({ "classification": "Undetermined" }));
        bridge.cross().await;
        let closed = (bridge.store.latest_seq().await.unwrap(), bridge.pair_view(&first).await.group);
        assert_ne!(closed.1.as_ref(), Some(&stood[0]));
        for unlinked in [false, true] {
            if unlinked {
                links::unlink(&app, &caller, ids[1]).await.unwrap();
                bridge.cross().await;
            }
            assert_eq!(shown(0, alone).await, None, "{unlinked}");
            assert_eq!([shown(0, shared).await, shown(1, shared).await], stood.clone().map(Some), "{unlinked}");
            assert_eq!(shown(0, closed.0).await, closed.1, "{unlinked}");
        }
        let latest = bridge.store.latest_seq().await.unwrap();
        assert_eq!(shown(0, latest).await, None, "nor does it show who was taken off it before");
        // The other one as well: of a group that is taken apart, the past stands.
        links::unlink(&app, &caller, ids[0]).await.unwrap();
        bridge.cross().await;
        assert_eq!([shown(0, shared).await, shown(1, shared).await], stood.map(Some));
        bridge.finish().await;
    }

    async fn a_new_ticket_in_place_of_a_deleted_one_is_shared_again(product) {
        let mut setup = grouped(product);
        setup.policy.push_str("\ndrift = { only_in_sentinel = \"heal\" }");
        let bridge = Bridge::with(setup).await;
        let first = bridge.raise(json!({ "story": 0 }));
        bridge.cross().await;
        let second = bridge.raise(json!({ "story": 0 }));
        bridge.comment(&second, "said before");
        bridge.cross().await;
        let ticket = bridge.ticket_of(&first).await;
        bridge.act("ticket.delete", json!({ "ticket_id": ticket }));
        bridge.pass_by(7 * 3_600, 300).await;
        let new = bridge.ticket_of(&first).await;
        assert_ne!(new, ticket);
        assert_eq!(bridge.ticket_of(&second).await, new);
        let live = bridge.tickets().into_iter().filter(|ticket| ticket["deleted"] != true && ticket["id"] != json!(TicketId(0).0));
        assert!(live.count() <= 2, "one in place of the other");
        assert_eq!(bridge.notes_with(new, "said before"), 1);
        assert_eq!(bridge.notes_with(new, "shares this ticket"), 1);
        bridge.rests().await;
        bridge.finish().await;
    }
}
