//! An old backup takes the database's place: what was written since is found, and not written again.

use serde_json::json;

use super::bridge::*;

async fn crossed(bridge: &Bridge, ticket: i64, text: &str) -> usize {
    bridge.notes_of(ticket).iter().filter(|note| note.to_string().contains(text)).count()
}

both! {
    async fn a_ticket_made_after_the_backup_is_found_and_not_made_again(product) {
        let mut bridge = Bridge::new(product).await;
        let backup = bridge.store.snapshot().await.unwrap();
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&incident).await;
        let tickets = bridge.tickets().len();
        bridge.restore(&backup).await;
        bridge.pass(600).await;
        assert_eq!(bridge.tickets().len(), tickets);
        assert_eq!(bridge.ticket_of(&incident).await, ticket);
        bridge.finish().await;
    }

    async fn a_note_that_waited_in_the_backup_and_was_written_since_is_not_written_again(product) {
        let mut bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&incident).await;
        bridge.comment(&incident, "said once");
        bridge.away(Some("/halo/api"));
        bridge.cross().await;
        let backup = bridge.store.snapshot().await.unwrap();
        bridge.away(None);
        bridge.pass(600).await;
        assert_eq!(crossed(&bridge, ticket, "said once").await, 1);
        bridge.restore(&backup).await;
        bridge.pass(600).await;
        assert_eq!(crossed(&bridge, ticket, "said once").await, 1);
        bridge.finish().await;
    }
}
