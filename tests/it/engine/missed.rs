//! Words that did not cross in a simulated world: overlooked by a count, or taken for written.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use halobridge::{
    domain::{
        ids::{ActionKey, TicketId},
        pair::{Base, Health, Pair},
        run::RunCause,
    },
    engine::digest,
    ledger::fact::Fact,
    planner::observed::Reading,
    twin::options::Product,
};
use jiff::SignedDuration;
use serde_json::json;

use super::bridge::*;

fn mapped_closed(bridge: &Bridge, ticket: i64) -> bool {
    bridge.ticket(ticket).to_string().contains("Closed in Microsoft Sentinel")
}

/// An incident with its ticket and a comment that has crossed, where an edit of a comment moves the incident.
async fn said_at_first(product: Product) -> (Bridge, String, i64) {
    let switches = vec![("comment_edit_bumps", "true")];
    let (bridge, incident, ticket) = Bridge::linked(Setup { switches, ..Setup::new(product) }).await;
    bridge.comment(&incident, "said at first");
    bridge.cross().await;
    (bridge, incident, ticket)
}

/// The same with the comment edited a second ago: nothing has read it since.
async fn said_better(product: Product) -> (Bridge, String, i64) {
    let (bridge, incident, ticket) = said_at_first(product).await;
    bridge.clock.advance(SignedDuration::from_secs(1));
    bridge.edit_comment(&incident, &bridge.comment_id(&incident, "said at first").await, "said better");
    (bridge, incident, ticket)
}

/// Linked pairs in the order of their tickets, where a page of Halo's lists holds so many rows.
async fn linked_in_pages<const N: usize>(product: Product, rows: &'static str) -> (Bridge, [(i64, String); N]) {
    let bridge = Bridge::with(Setup { switches: vec![("page_cap", rows)], ..Setup::new(product) }).await;
    let incidents: Vec<String> = (0..N).map(|_| bridge.raise(json!({}))).collect();
    bridge.cross().await;
    let mut linked = Vec::new();
    for incident in incidents {
        linked.push((bridge.ticket_of(&incident).await, incident));
    }
    linked.sort();
    (bridge, linked.try_into().expect("so many were raised"))
}

/// Closes a pair, whose notes nothing but the list tells of from then on.
async fn close_one(bridge: &Bridge, incident: &str) {
    bridge.close_incident(incident, json!({ "classification": "Undetermined" }));
    bridge.pass(900).await;
}

/// An agent writes on the ticket of a pair that is closed. The server is away meanwhile: what is said of the others
/// afterwards is far behind the cursor's overlap.
async fn say_while_away(bridge: &Bridge, (closed, incident): (i64, &str), others: &[i64]) {
    close_one(bridge, incident).await;
    bridge.note(closed, "<p>said after it was closed</p>", json!({}));
    bridge.clock.advance(SignedDuration::from_secs(900));
    for ticket in others {
        bridge.note(*ticket, "<p>said of another</p>", json!({}));
    }
}

/// What was said on the closed one crosses with the next readings of the list.
async fn crosses_though_closed(bridge: Bridge, incident: &str) {
    bridge.pass(120).await;
    bridge.mutate_no_more();
    let said = bridge.comments_of(incident);
    assert_eq!(bridge.comments_with(incident, "said after it was closed"), 1, "{said:#?}");
    bridge.finish().await;
}

/// Words of an agent that nothing has read yet cross with the next readings.
async fn crosses_once_read(bridge: Bridge, incident: &str, text: &str) {
    assert_eq!(bridge.comments_with(incident, text), 0, "not read yet");
    bridge.cross().await;
    assert_eq!(bridge.comments_with(incident, text), 1);
    bridge.finish().await;
}

/// Halo is heard before the workspace is.
async fn hear_halo(bridge: &Bridge, incident: &str, ticket: i64) {
    let halo = bridge.situation_of(incident).await.pair.halo;
    bridge.engine.poke_halo(halo, &[TicketId(ticket)]);
    bridge.run().await;
}

/// The workspace is heard before Halo is.
async fn hear_sentinel(bridge: &Bridge) {
    bridge.engine.poke_workspace(bridge.workspace(0).await.id, RunCause::Person);
    bridge.run().await;
}

/// A comment crosses and is deleted, and another is written: after the next poll, or before it.
async fn said_instead(product: Product, after_a_poll: bool) {
    let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
    bridge.comment(&incident, "said and taken back");
    bridge.cross().await;
    bridge.delete_comment(&incident, &bridge.comment_id(&incident, "said and taken back").await);
    if after_a_poll {
        bridge.cross().await;
    }
    bridge.comment(&incident, "said instead");
    bridge.cross().await;
    assert_eq!(bridge.notes_with(ticket, "said instead"), 1);
    bridge.finish().await;
}

both! {
    /// What was given up while a ticket did not show is made up for once it does.
    async fn a_ticket_that_shows_again_goes_on(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.pass(400).await;
        bridge.hide_tickets();
        bridge.comment(&incident, "said meanwhile");
        bridge.pass(400).await;
        bridge.close_incident(&incident, json!({}));
        bridge.pass(60).await;
        assert_eq!(bridge.reason_of(&incident).await, Some("record-gone"));
        assert!(bridge.pair_of(&incident).await.unwrap().gone.is_some());
        bridge.mutate_no_more();
        bridge.pass(400).await;
        assert!(bridge.pair_of(&incident).await.unwrap().gone.is_none());
        assert_eq!(bridge.notes_with(ticket, "said meanwhile"), 1);
        assert_eq!(bridge.ticket(ticket)["status_name"], "Closed");
        assert_eq!(bridge.reason_of(&incident).await, None);
        let writes = bridge.writes();
        bridge.pass(900).await;
        assert_eq!(bridge.writes(), writes);
        bridge.finish().await;
    }

    async fn notes_of_the_time_at_another_client_do_not_cross_when_the_ticket_is_back(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        let home = product.first_client_id();
        bridge.note(ticket, "<p>from before</p>", json!({}));
        bridge.cross().await;
        let notes = bridge.notes_of(ticket);
        let earlier = notes.iter().find(|note| note.to_string().contains("from before")).expect("a note")["id"].clone();
        bridge.act("ticket.move", json!({ "ticket_id": ticket, "client_id": home + 1 }));
        bridge.cross().await;
        bridge.note(ticket, "<p>about the other client</p>", json!({}));
        bridge.act("note.edit", json!({ "ticket_id": ticket, "id": earlier, "html": "<p>about the other client too</p>" }));
        bridge.cross().await;
        bridge.act("ticket.move", json!({ "ticket_id": ticket, "client_id": home }));
        bridge.cross().await;
        assert_eq!(bridge.reason_of(&incident).await, Some("written-elsewhere"));
        bridge.note(ticket, "<p>about this one again</p>", json!({}));
        bridge.cross().await;
        let said = |text: &str| bridge.comments_with(&incident, text);
        assert_eq!((said("about the other client"), said("about this one again"), said("from before")), (0, 1, 1));
        bridge.finish().await;
    }

    /// It first showed while a write of ours was under way: what both sides agree on by the answer does not forget that.
    async fn what_was_written_at_another_client_is_not_forgotten_over_an_answer(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        let Pair { id: pair, base: before, .. } = bridge.situation_of(&incident).await.pair;
        let key = ActionKey { ticket: TicketId(ticket), action: 99 };
        let known = Base { foreign: BTreeSet::from([key]), ..before.clone() };
        for base in [known.clone(), before] {
            let agreed = vec![Fact::BaseAgreed { pair, base }];
            digest::pair(&bridge.engine, pair, agreed, Reading::default()).await.unwrap();
        }
        assert_eq!(bridge.situation_of(&incident).await.pair.base.foreign, known.foreign);
        bridge.finish().await;
    }

    async fn a_comment_after_a_deleted_one_is_read(product) {
        said_instead(product, true).await;
    }

    async fn one_deleted_and_one_written_between_two_polls_is_read(product) {
        said_instead(product, false).await;
    }

    async fn a_web_page_in_place_of_an_answer_is_not_taken_for_a_comment_written(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.fault(json!({ "kind": "sentinel.comment.put", "effect": "html", "count": 1 }));
        bridge.note(ticket, "<p>from the desk</p>", json!({}));
        bridge.cross().await;
        assert_eq!(bridge.comments_with(&incident, "from the desk"), 1);
        bridge.finish().await;
    }

    async fn a_web_page_in_place_of_an_answer_is_not_taken_for_a_closure(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.fault(json!({ "kind": "sentinel.incident.put", "effect": "html", "count": 1 }));
        bridge.close_ticket_as(ticket, 1);
        bridge.pass(240).await;
        assert_eq!(bridge.incident(&incident)["properties"]["status"], "Closed");
        bridge.finish().await;
    }

    async fn a_comment_from_before_our_own_write_is_read(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.comment(&incident, "last words");
        bridge.close_ticket_as(ticket, 2);
        // The closure crosses while the comment has not been read.
        hear_halo(&bridge, &incident, ticket).await;
        assert_eq!(bridge.incident(&incident)["properties"]["status"], "Closed");
        assert_eq!(bridge.notes_with(ticket, "last words"), 0, "not read yet");
        bridge.cross().await;
        assert_eq!(bridge.notes_with(ticket, "last words"), 1);
        bridge.finish().await;
    }

    async fn a_note_from_before_our_own_change_of_the_ticket_is_read(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.pass(40).await;
        bridge.note(ticket, "<p>last words</p>", json!({}));
        bridge.clock.advance(SignedDuration::from_secs(3));
        bridge.close_incident(&incident, json!({ "classification": "TruePositive", "reason": "SuspiciousActivity" }));
        // The closure crosses while the note has not been read.
        hear_sentinel(&bridge).await;
        assert!(mapped_closed(&bridge, ticket), "the closure has crossed");
        crosses_once_read(bridge, &incident, "last words").await;
    }

    async fn a_note_that_came_with_what_voids_our_own_change_is_read(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.pass(40).await;
        bridge.note(ticket, "<p>last words</p>", json!({}));
        bridge.act("ticket.update", json!({ "ticket_id": ticket, "priority_id": 1 }));
        bridge.clock.advance(SignedDuration::from_secs(3));
        bridge.update(&incident, json!({ "severity": "Informational" }));
        hear_sentinel(&bridge).await;
        crosses_once_read(bridge, &incident, "last words").await;
    }

    async fn an_edit_from_before_our_own_change_of_the_ticket_is_told(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.note(ticket, "<p>said at first</p>", json!({}));
        bridge.pass(160).await;
        let notes = bridge.notes_of(ticket);
        let first = notes.iter().find(|note| words(note).contains("said at first")).expect("a note")["id"].clone();
        bridge.act("note.edit", json!({ "ticket_id": ticket, "id": first, "html": "<p>said better</p>" }));
        bridge.clock.advance(SignedDuration::from_secs(3));
        bridge.close_incident(&incident, json!({ "classification": "TruePositive", "reason": "SuspiciousActivity" }));
        hear_sentinel(&bridge).await;
        crosses_once_read(bridge, &incident, "said better").await;
    }

    async fn an_owner_whom_entra_does_not_know_holds_no_closure_back(product) {
        let agents = ", \"nobody@nowhere.example\" = \"Li Chen\"".to_owned();
        let (bridge, incident, id) = Bridge::linked(Setup { agents, ..Setup::new(product) }).await;
        let agents = bridge.twin.with(|world, _| world.halos[0].halo.choices("agents"));
        let unknown = agents.iter().find(|(_, name)| name == "Li Chen").unwrap().0;
        bridge.act("ticket.update", json!({ "ticket_id": id, "agent_id": unknown }));
        bridge.close_ticket_as(id, 1);
        bridge.cross().await;
        assert_eq!(bridge.incident(&incident)["properties"]["status"], "Closed");
        // The owner waits for a person, with Azure's words.
        let pair = bridge.pair_of(&incident).await.unwrap();
        assert_eq!(pair.health, Health::NeedsYou, "{pair:?}");
        let reason = pair.reason.unwrap();
        assert_eq!(reason.code(), "owner-unknown", "{reason:?}");
        let writes = bridge.writes();
        bridge.pass(3_600).await;
        assert_eq!(bridge.writes(), writes, "it is not tried again and again");
        bridge.finish().await;
    }

    async fn an_edit_that_hides_behind_another_change_is_told_within_six_hours(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.comment(&incident, "said at first");
        bridge.comment(&incident, "said and taken back");
        bridge.cross().await;
        let edited = bridge.comment_id(&incident, "said at first").await;
        let deleted = bridge.comment_id(&incident, "said and taken back").await;
        bridge.advance(1).await;
        bridge.edit_comment(&incident, &edited, "said better");
        bridge.delete_comment(&incident, &deleted);
        bridge.comment(&incident, "said instead");
        bridge.update(&incident, json!({ "severity": "Low" }));
        bridge.cross().await;
        bridge.pass_by(7 * 3_600, 600).await;
        assert_eq!(bridge.notes_with(ticket, "said better"), 1);
        assert_eq!(bridge.notes_with(ticket, "said instead"), 1);
        bridge.finish().await;
    }

    /// A service that does not say how many comments there are says nothing of what became of them.
    async fn a_deletion_is_told_where_the_number_of_comments_was_not(product) {
        let switches = vec![("comment_delete_bumps", "false")];
        let (bridge, incident, ticket) = Bridge::linked(Setup { switches, ..Setup::new(product) }).await;
        bridge.comment(&incident, "said and taken back");
        bridge.cross().await;
        let id = bridge.comment_id(&incident, "said and taken back").await;
        bridge.mutate(|_, body| {
            let rows = body.get_mut("value").and_then(serde_json::Value::as_array_mut);
            for row in rows.into_iter().flatten() {
                if let Some(more) = row.pointer_mut("/properties/additionalData") {
                    more["commentsCount"] = serde_json::Value::Null;
                }
            }
        });
        bridge.update(&incident, json!({ "severity": "Low" }));
        bridge.cross().await;
        bridge.mutate_no_more();
        bridge.delete_comment(&incident, &id);
        bridge.pass_by(7 * 3_600, 600).await;
        assert_eq!(bridge.notes_with(ticket, "was deleted in Microsoft Sentinel"), 1);
        bridge.finish().await;
    }

    /// Nothing but the number of comments moves by it, and the comments of what was closed long ago are not read again.
    async fn a_deletion_on_a_closed_incident_shows_in_the_next_whole_list(product) {
        let switches = vec![("comment_delete_bumps", "false")];
        let (bridge, incident, ticket) = Bridge::linked(Setup { switches, ..Setup::new(product) }).await;
        bridge.pass_by(4 * 3_600, 600).await;
        bridge.comment(&incident, "said and taken back");
        bridge.cross().await;
        bridge.close_incident(&incident, json!({ "classification": "Undetermined" }));
        bridge.cross().await;
        assert_eq!(bridge.notes_with(ticket, "said and taken back"), 1);
        let id = bridge.comment_id(&incident, "said and taken back").await;
        bridge.pass_by(9 * 3_600, 600).await;
        bridge.delete_comment(&incident, &id);
        bridge.pass_by(7 * 3_600, 600).await;
        assert_eq!(bridge.notes_with(ticket, "was deleted in Microsoft Sentinel"), 1);
        let read = bridge.calls("sentinel.comment.list");
        bridge.pass_by(13 * 3_600, 600).await;
        assert_eq!(bridge.calls("sentinel.comment.list"), read, "it is not read again and again");
        bridge.finish().await;
    }

    /// There are as many comments as before one of ours was deleted.
    async fn a_comment_that_follows_the_deletion_of_one_of_ours_crosses(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.comment(&incident, "the first");
        bridge.note(ticket, "<p>an agent's</p>", json!({}));
        bridge.cross().await;
        let comments = bridge.incident(&incident)["comments"].clone();
        let ours = |comment: &&serde_json::Value| comment["properties"]["message"].to_string().contains("an agent's");
        let ours = comments.as_array().unwrap().iter().find(ours).expect("it crossed");
        bridge.delete_comment(&incident, ours["name"].as_str().unwrap());
        bridge.cross().await;
        bridge.comment(&incident, "the second");
        bridge.cross().await;
        assert_eq!(bridge.notes_with(ticket, "the second"), 1);
        let read = bridge.calls("sentinel.comment.list");
        bridge.update(&incident, json!({ "severity": "Low" }));
        bridge.cross().await;
        assert_eq!(bridge.calls("sentinel.comment.list"), read, "the one that is gone is not looked for");
        bridge.finish().await;
    }

    async fn an_edit_from_before_our_own_write_is_told(product) {
        let (bridge, incident, ticket) = said_better(product).await;
        // No words of ours go with it: what moved the incident before was not we.
        let verdict = json!([{ "name": "CFSentinelClassification", "value": 2 }]);
        bridge.close_ticket(ticket, json!({ "private": true, "customfields": verdict }));
        hear_halo(&bridge, &incident, ticket).await;
        assert_eq!(bridge.incident(&incident)["properties"]["status"], "Closed");
        bridge.cross().await;
        assert_eq!(bridge.notes_with(ticket, "said better"), 1);
        bridge.finish().await;
    }

    /// The words of a closing move the incident just before it is closed: they are no reason to read its comments.
    async fn words_of_ours_before_a_closure_are_no_reason_to_read_comments(product) {
        let (bridge, incident, ticket) = said_at_first(product).await;
        let read = bridge.calls("sentinel.comment.list");
        bridge.close_ticket_as(ticket, 2);
        bridge.cross().await;
        assert_eq!(bridge.incident(&incident)["properties"]["status"], "Closed");
        assert!(bridge.comments_of(&incident).iter().any(|said| said.contains("Done.")));
        assert_eq!(bridge.calls("sentinel.comment.list"), read);
        // Somebody's are.
        bridge.comment(&incident, "said afterwards");
        bridge.cross().await;
        assert_eq!(bridge.calls("sentinel.comment.list"), read + 1);
        assert_eq!(bridge.notes_with(ticket, "said afterwards"), 1);
        bridge.finish().await;
    }

    async fn an_edit_that_hides_behind_words_of_ours_is_told_within_six_hours(product) {
        let (bridge, incident, ticket) = said_better(product).await;
        bridge.close_ticket_as(ticket, 2);
        hear_halo(&bridge, &incident, ticket).await;
        assert_eq!(bridge.incident(&incident)["properties"]["status"], "Closed");
        bridge.pass_by(7 * 3_600, 600).await;
        assert_eq!(bridge.notes_with(ticket, "said better"), 1);
        bridge.finish().await;
    }

    async fn a_web_page_in_place_of_an_answer_is_not_taken_for_a_refused_change(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.fault(json!({ "kind": "halo.tickets.post", "effect": "html", "count": 1 }));
        bridge.update(&incident, json!({ "status": "Active" }));
        bridge.cross().await;
        assert_eq!(bridge.ticket(ticket)["status_id"], 2);
        let pair = bridge.pair_of(&incident).await.unwrap();
        assert_eq!(pair.health, Health::Healthy, "{pair:?}");
        bridge.finish().await;
    }

    async fn an_incident_that_shows_late_and_closed_is_found(product) {
        let switches = vec![("defender", "true"), ("automation_delay_s", "0"), ("defender_delay_s", "14400")];
        let bridge = Bridge::with(Setup { switches, ..Setup::new(product) }).await;
        let late = bridge.raise(json!({}));
        bridge.switch("defender_delay_s", "0");
        bridge.advance(60).await;
        bridge.close_incident(&late, json!({ "classification": "Undetermined" }));
        let other = bridge.raise(json!({}));
        bridge.cross().await;
        assert!(bridge.pair_of(&other).await.is_some());
        bridge.pass_by(3 * 3_600, 600).await;
        bridge.comment(&other, "the cursor moves on");
        bridge.pass_by(8 * 3_600, 600).await;
        assert!(bridge.pair_of(&late).await.is_some(), "it has a ticket");
        bridge.finish().await;
    }

    async fn a_note_written_while_ours_is_under_way_is_not_taken_for_deleted(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.comment(&incident, "from Sentinel");
        // A poll reads what the agent writes before our note is there.
        bridge.note_once_read(ticket, "<p>from the desk</p>");
        bridge.run_side_by_side().await;
        bridge.clock.advance(SignedDuration::from_secs(31));
        bridge.run_side_by_side().await;
        bridge.mutate_no_more();
        bridge.pass(600).await;
        let said = bridge.comments_of(&incident);
        assert!(said.iter().all(|text| !text.contains("deleted")), "{said:#?}");
        assert_eq!(said.iter().filter(|text| text.contains("from the desk")).count(), 1, "{said:#?}");
        bridge.finish().await;
    }

    /// A ticket leaves the list between two of its pages: what stood first on the second one now ends the first.
    async fn a_row_that_moves_to_a_page_that_was_read_already_is_not_lost(product) {
        let (bridge, [(first, _), (second, _), (last, of_last)]) = linked_in_pages::<3>(product, "2").await;
        say_while_away(&bridge, (last, &of_last), &[first, second]).await;
        let twin = bridge.twin.clone();
        let mut left = false;
        bridge.mutate(move |request, _| {
            let list = request.uri().query().is_some_and(|query| query.contains("lastupdatefromdate"));
            if !left && list {
                left = true;
                twin.act("ticket.delete", &json!({ "ticket_id": first }));
            }
        });
        crosses_though_closed(bridge, &of_last).await;
    }

    /// Reading what the first page names takes minutes: what changes on it meanwhile is older than what the last one tells.
    async fn a_ticket_that_changes_again_behind_the_page_being_read_is_not_lost(product) {
        let (bridge, [(first, of_first), (second, _), (last, _)]) = linked_in_pages::<3>(product, "2").await;
        close_one(&bridge, &of_first).await;
        assert_eq!(bridge.ticket(first)["status_name"], "Closed");
        // The server was away meanwhile.
        bridge.clock.advance(SignedDuration::from_secs(900));
        for ticket in [first, second, last] {
            bridge.note(ticket, "<p>said meanwhile</p>", json!({}));
        }
        let (twin, clock) = (bridge.twin.clone(), bridge.clock.clone());
        let notes = format!("ticket_id={second}");
        let (mut opened, mut noted) = (false, false);
        bridge.before(move |request| {
            let query = request.uri().query().unwrap_or_default();
            if !opened && query.split('&').any(|part| part == notes) {
                opened = true;
                twin.act("ticket.reopen", &json!({ "ticket_id": first, "agent": AGENT, "text": "It goes on." }));
                clock.advance(SignedDuration::from_secs(240));
            } else if opened && !noted && query.contains("lastupdatefromdate") && query.contains("page_no=2") {
                noted = true;
                twin.act("ticket.note", &json!({ "ticket_id": last, "html": "<p>more</p>", "agent": AGENT }));
            }
        });
        bridge.pass(600).await;
        assert_eq!(bridge.incident(&of_first)["properties"]["status"], "Active");
        bridge.finish().await;
    }

    /// Where rows do not tell `last_update`, our own clock says nothing of how far they were read.
    async fn a_ticket_that_could_not_be_read_is_listed_again_where_rows_do_not_tell_last_update(product) {
        let (mut bridge, [(first, of_first), (last, _)]) = linked_in_pages::<2>(product, "100").await;
        bridge.switch("rows_tell_last_update", "off");
        close_one(&bridge, &of_first).await;
        bridge.note(first, "<p>said at first</p>", json!({}));
        bridge.pass(600).await;
        assert_eq!(bridge.comments_with(&of_first, "said at first"), 1);
        // The server is away meanwhile, and back it is told to wait as it reads the first one's notes.
        bridge.clock.advance(SignedDuration::from_secs(60));
        bridge.note(first, "<p>said after it was closed</p>", json!({}));
        bridge.clock.advance(SignedDuration::from_secs(540));
        bridge.note(last, "<p>said of another</p>", json!({}));
        bridge.withhold(&[first], 429);
        bridge.restart().await;
        bridge.withhold(&[], 429);
        bridge.pass(600).await;
        crosses_though_closed(bridge, &of_first).await;
    }

    /// A page that comes empty, or a limit that changes between two pages, leaves rows out that Halo counts all the same.
    async fn rows_that_halo_counts_and_does_not_hand_out_are_asked_for_again(product) {
        let (bridge, [(first, _), (last, of_last)]) = linked_in_pages::<2>(product, "1").await;
        say_while_away(&bridge, (last, &of_last), &[first]).await;
        let mut empty = false;
        bridge.mutate(move |request, body| {
            let query = request.uri().query().unwrap_or_default();
            if !empty && query.contains("lastupdatefromdate") && query.contains("page_no=2") {
                empty = true;
                body["tickets"] = json!([]);
            }
        });
        crosses_though_closed(bridge, &of_last).await;
    }

    /// A server whose count is always higher than the rows it hands out is believed in the end: nothing stands still.
    async fn a_count_that_stays_above_the_rows_holds_nothing_up(product) {
        let bridge = Bridge::with(Setup::new(product)).await;
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&incident).await;
        let lists = Arc::new(AtomicU64::new(0));
        let counter = lists.clone();
        bridge.mutate(move |request, body| {
            if request.uri().query().is_some_and(|query| query.contains("lastupdatefromdate"))
                && let Some(counted) = body.get("record_count").and_then(serde_json::Value::as_i64)
            {
                counter.fetch_add(1, Ordering::Relaxed);
                body["record_count"] = json!(counted + 7);
            }
        });
        for round in 0..6 {
            bridge.note(ticket, &format!("<p>note of round {round}</p>"), json!({}));
            bridge.pass(300).await;
            let said = bridge.comments_of(&incident);
            let crossed = said.iter().filter(|text| text.contains(&format!("note of round {round}"))).count();
            assert_eq!(crossed, 1, "{said:#?}");
        }
        bridge.pass(600).await;
        let listed = lists.swap(0, Ordering::Relaxed);
        bridge.pass(600).await;
        let again = lists.load(Ordering::Relaxed);
        assert!(again <= 60 && again <= listed + 1, "{listed}, then {again} lists: it is not asked after for ever");
        bridge.mutate_no_more();
        bridge.finish().await;
    }
}
