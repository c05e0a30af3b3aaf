//! Words that did not cross in a simulated world: overlooked by a count, or taken for written.

use halobridge::domain::pair::Health;
use serde_json::json;

use super::bridge::*;

async fn crossed(bridge: &Bridge, ticket: i64, text: &str) -> usize {
    bridge.notes_of(ticket).iter().filter(|note| note.to_string().contains(text)).count()
}

both! {
    async fn a_comment_after_a_deleted_one_is_read(product) {
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&incident).await;
        bridge.comment(&incident, "said and taken back");
        bridge.cross().await;
        let comments = bridge.situation_of(&incident).await.comments.unwrap();
        let workspace = bridge.workspace_name(0);
        let gone = json!({ "workspace": workspace, "incident": incident, "comment": comments[0].id.as_str() });
        bridge.act("comment.delete", gone);
        bridge.cross().await;
        bridge.comment(&incident, "said instead");
        bridge.cross().await;
        assert_eq!(crossed(&bridge, ticket, "said instead").await, 1);
        bridge.finish().await;
    }

    async fn one_deleted_and_one_written_between_two_polls_is_read(product) {
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&incident).await;
        bridge.comment(&incident, "said and taken back");
        bridge.cross().await;
        let comments = bridge.situation_of(&incident).await.comments.unwrap();
        let workspace = bridge.workspace_name(0);
        let gone = json!({ "workspace": workspace, "incident": incident, "comment": comments[0].id.as_str() });
        bridge.act("comment.delete", gone);
        bridge.comment(&incident, "said instead");
        bridge.cross().await;
        assert_eq!(crossed(&bridge, ticket, "said instead").await, 1);
        bridge.finish().await;
    }

    async fn a_web_page_in_place_of_an_answer_is_not_taken_for_a_comment_written(product) {
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&incident).await;
        bridge.fault(json!({ "kind": "sentinel.comment.put", "effect": "html", "count": 1 }));
        bridge.note(ticket, "<p>from the desk</p>", json!({}));
        bridge.cross().await;
        let there = bridge.comments_of(&incident).iter().filter(|text| text.contains("from the desk")).count();
        assert_eq!(there, 1);
        bridge.finish().await;
    }

    async fn a_comment_from_before_our_own_write_is_read(product) {
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&incident).await;
        bridge.comment(&incident, "last words");
        bridge.close_ticket_as(ticket, 2);
        // Halo is heard before the workspace is: the closure crosses while the comment has not been read.
        let halo = bridge.situation_of(&incident).await.pair.halo;
        bridge.engine.poke_halo(halo, &[halobridge::domain::ids::TicketId(ticket)]);
        bridge.run().await;
        assert_eq!(bridge.incident(&incident)["properties"]["status"], "Closed");
        assert_eq!(crossed(&bridge, ticket, "last words").await, 0, "not read yet");
        bridge.cross().await;
        assert_eq!(crossed(&bridge, ticket, "last words").await, 1);
        bridge.finish().await;
    }

    async fn an_owner_whom_entra_does_not_know_holds_no_closure_back(product) {
        let agents = ", \"nobody@nowhere.example\" = \"Li Chen\"".to_owned();
        let bridge = Bridge::with(Setup { agents, ..Setup::new(product) }).await;
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        let id = bridge.ticket_of(&incident).await;
        let agents = bridge.twin.with(|world, _| world.halos[0].halo.choices("agents"));
        let unknown = agents.iter().find(|(_, name)| name == "Li Chen").unwrap().0;
        bridge.act("ticket.update", json!({ "ticket_id": id, "agent_id": unknown }));
        bridge.close_ticket_as(id, 1);
        bridge.cross().await;
        assert_eq!(bridge.incident(&incident)["properties"]["status"], "Closed");
        // The owner waits for a person, with Azure's words.
        let pair = bridge.pair_of(&incident).await.unwrap();
        assert_eq!(pair.health, Health::NeedsYou, "{pair:?}");
        let writes = bridge.writes();
        bridge.pass(3_600).await;
        assert_eq!(bridge.writes(), writes, "it is not tried again and again");
        bridge.finish().await;
    }
}
