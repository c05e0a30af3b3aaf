//! Edits and deletions, the comment that names the ticket, the room for comments.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use halobridge::twin::options::Product;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::bridge::*;

/// Times of tickets as an instance tells them that knows no finer ones than hours.
fn coarse(request: &http::Request<bytes::Bytes>, body: &mut Value) {
    if !request.uri().path().contains("/Tickets") {
        return;
    }
    let rows = match body.get_mut("tickets").and_then(Value::as_array_mut) {
        Some(rows) => rows.iter_mut().collect::<Vec<_>>(),
        None => vec![body],
    };
    for row in rows {
        for key in ["lastactiondate", "last_update", "lastupdate"] {
            let hour = row.get(key).and_then(Value::as_str).and_then(|text| text.get(..13)).map(str::to_owned);
            if let Some(hour) = hour {
                row[key] = json!(format!("{hour}:00:00"));
            }
        }
    }
}

/// A bridge whose Halo tells milliseconds and is known to begin its tickets with an action of its own, and a new ticket.
async fn told_finely(product: Product) -> (Bridge, String, i64) {
    let (bridge, _, other) = Bridge::linked(Setup::new(product)).await;
    bridge.clock.advance(SignedDuration::from_millis(137));
    bridge.note(other, "<p>an agent's</p>", json!({}));
    bridge.cross().await;
    let incident = bridge.raise(json!({}));
    bridge.cross().await;
    let ticket = bridge.ticket_of(&incident).await;
    (bridge, incident, ticket)
}

both! {
    /// A rule of Halo writes into a ticket at its birth: whole seconds do not tell that from the birth itself.
    async fn a_note_of_the_second_in_which_a_ticket_is_born_crosses(product) {
        let bridge = Bridge::new(product).await;
        let twin = bridge.twin.clone();
        bridge.mutate(move |request, body| {
            coarse(request, body);
            let made = (request.method() == "POST" && request.uri().path().ends_with("/Tickets")).then(|| body["id"].as_i64());
            if let Some(id) = made.flatten() {
                let note = json!({ "ticket_id": id, "html": "<p>by a rule, at once</p>", "agent": AGENT });
                assert!(twin.act("ticket.note", &note).status < 300);
            }
        });
        let incident = bridge.raise(json!({}));
        bridge.pass(300).await;
        assert!(bridge.comments_of(&incident).iter().any(|text| text.contains("by a rule, at once")));
        // Looked at once, and not for ever.
        let reads = bridge.calls("halo.actions.list");
        bridge.pass(1_200).await;
        assert_eq!(bridge.calls("halo.actions.list"), reads);
        bridge.finish().await;
    }

    /// What a rule wrote as the ticket was born is found by the reading that our first note needs anyway.
    async fn a_birth_and_our_first_note_are_followed_by_one_reading(product) {
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({}));
        bridge.advance(30).await;
        bridge.ticket_of(&incident).await;
        bridge.pass(90).await;
        assert_eq!(bridge.calls("halo.actions.list"), 0, "there is time until its row leaves the list");
        bridge.comment(&incident, "from Sentinel");
        bridge.pass(600).await;
        assert_eq!(bridge.calls("halo.actions.list"), 1);
        bridge.finish().await;
    }

    async fn notes_that_were_read_since_a_birth_are_not_read_for_it_again(product) {
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({}));
        bridge.advance(30).await;
        let ticket = bridge.ticket_of(&incident).await;
        bridge.advance(30).await;
        bridge.note(ticket, "<p>from the desk</p>", json!({}));
        bridge.pass(600).await;
        assert_eq!(bridge.comments_of(&incident).iter().filter(|text| text.contains("from the desk")).count(), 1);
        assert_eq!(bridge.calls("halo.actions.list"), 1);
        bridge.finish().await;
    }

    /// A change moves a ticket's last update and not its last action, so its row would say that nothing was written.
    async fn a_note_of_the_second_of_ours_is_not_lost_when_we_change_the_ticket_next(product) {
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({ "severity": "Low" }));
        // Its opening is read by then.
        bridge.pass(360).await;
        let ticket = bridge.ticket_of(&incident).await;
        bridge.comment(&incident, "written by us");
        bridge.advance(30).await;
        bridge.note(ticket, "<p>in the same second</p>", json!({}));
        bridge.update(&incident, json!({ "severity": "High" }));
        let written = bridge.calls("halo.tickets.post");
        bridge.clock.advance(SignedDuration::from_secs(5));
        let hint = super::intake::hint(&bridge, &incident);
        bridge.receive(bridge.sentinel_source(0).await, &hint).await;
        bridge.run().await;
        assert_eq!(bridge.calls("halo.tickets.post"), written + 1, "before Halo is asked what has changed");
        bridge.pass_by(40, 20).await;
        assert!(bridge.comments_of(&incident).iter().any(|text| text.contains("in the same second")));
        bridge.finish().await;
    }

    /// An instance that hands out a few at once, whatever it is asked for, has not deleted the others.
    async fn a_capped_list_of_actions_deletes_nothing(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup { notes: "all", ..Setup::new(product) }).await;
        for n in 0..6 {
            bridge.note(ticket, &format!("<p>note number {n}</p>"), json!({}));
        }
        bridge.pass(300).await;
        let said = bridge.comments_of(&incident).len();
        bridge.switch("actions_cap", "4");
        bridge.note(ticket, "<p>the seventh</p>", json!({}));
        bridge.pass(600).await;
        let comments = bridge.comments_of(&incident);
        assert!(comments.iter().any(|text| text.contains("the seventh")), "{comments:#?}");
        assert!(!comments.iter().any(|text| text.contains("was deleted in Halo")), "{comments:#?}");
        assert_eq!(comments.len(), said + 1, "{comments:#?}");
        bridge.finish().await;
    }

    /// On an instance that begins its tickets with no action of its own the list is empty once the last note was deleted, as it
    /// is in an answer of a service in trouble: it is asked for once more.
    async fn the_deletion_of_the_only_notes_is_told_where_tickets_begin_with_none(product) {
        let bridge = Bridge::with(Setup { notes: "all", ..Setup::new(product) }).await;
        let trouble = Arc::new(AtomicBool::new(false));
        let hides = Arc::clone(&trouble);
        bridge.mutate(move |request, body| {
            if request.method() != "GET" || !request.uri().path().ends_with("/Actions") {
                return;
            }
            let Some(rows) = body.get_mut("actions").and_then(Value::as_array_mut) else { return };
            let all = hides.load(Ordering::Relaxed);
            rows.retain(|row| row["action_systemid"].as_i64().unwrap_or(0) == 0 && !all);
            let count = rows.len();
            body["record_count"] = json!(count);
        });
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&incident).await;
        bridge.note(ticket, "<p>to be taken back</p>", json!({}));
        bridge.pass(300).await;
        // In trouble Halo tells of none just when there is another one.
        trouble.store(true, Ordering::Relaxed);
        bridge.note(ticket, "<p>the second</p>", json!({}));
        bridge.advance(30).await;
        assert!(bridge.pair_of(&incident).await.is_some_and(|pair| pair.base.emptied.is_some()));
        trouble.store(false, Ordering::Relaxed);
        bridge.pass(600).await;
        let said = |words: &str| bridge.comments_with(&incident, words);
        assert_eq!((said("to be taken back"), said("the second"), said("was deleted in Halo")), (1, 1, 0));
        for note in bridge.notes_of(ticket) {
            bridge.act("note.delete", json!({ "ticket_id": ticket, "id": note["id"] }));
        }
        bridge.pass(600).await;
        assert_eq!(said("was deleted in Halo"), 2, "{:#?}", bridge.comments_of(&incident));
        bridge.pass(600).await;
        assert_eq!(said("was deleted in Halo"), 2, "each once");
        bridge.finish().await;
    }

    /// A poll reads a note in the very second in which it was written, and another one follows in the same second.
    async fn a_note_that_follows_in_the_second_of_a_poll_is_not_lost(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.pass(240).await;
        bridge.clock.advance(SignedDuration::from_secs(30));
        bridge.note(ticket, "<p>the first</p>", json!({}));
        bridge.run().await;
        let crossed = |text: &str| bridge.comments_with(&incident, text);
        assert_eq!(crossed("the first"), 1);
        bridge.note(ticket, "<p>and the next</p>", json!({}));
        bridge.pass_by(40, 20).await;
        assert_eq!((crossed("the first"), crossed("and the next")), (1, 1));
        // Read once more, and not for ever.
        let reads = bridge.calls("halo.actions.list");
        bridge.pass(600).await;
        assert_eq!(bridge.calls("halo.actions.list"), reads);
        bridge.finish().await;
    }

    /// The same where times are fine: the answer that makes the ticket already carries the time of the rule's note, so no row
    /// shows a new one.
    async fn a_note_that_a_rule_writes_before_the_answer_crosses_where_times_are_fine(product) {
        use halobridge::clock::Clock as _;
        let (bridge, _, _) = told_finely(product).await;
        let reads = bridge.calls("halo.actions.list");
        bridge.raise(json!({}));
        bridge.pass(300).await;
        assert_eq!(bridge.calls("halo.actions.list"), reads, "nobody wrote in it");
        let (twin, clock) = (bridge.twin.clone(), bridge.clock.clone());
        bridge.mutate(move |request, body| {
            let made = (request.method() == "POST" && request.uri().path().ends_with("/Tickets")).then(|| body["id"].as_i64());
            if let Some(id) = made.flatten() {
                clock.advance(SignedDuration::from_millis(700));
                let note = json!({ "ticket_id": id, "html": "<p>by a rule, at once</p>", "agent": AGENT });
                assert!(twin.act("ticket.note", &note).status < 300);
                for key in ["lastactiondate", "lastupdate"] {
                    body[key] = json!(clock.now().strftime("%Y-%m-%dT%H:%M:%S%.f").to_string());
                }
            }
        });
        let incident = bridge.raise(json!({}));
        bridge.pass(300).await;
        bridge.mutate_no_more();
        assert!(bridge.comments_of(&incident).iter().any(|text| text.contains("by a rule, at once")));
        assert_eq!(bridge.calls("halo.actions.list"), reads + 1, "read once");
        bridge.finish().await;
    }

    /// Halo tells milliseconds, and nobody has written on the ticket: our own note hides nothing.
    async fn a_note_of_ours_is_no_reason_to_read_notes_where_times_are_fine(product) {
        let (bridge, incident, ticket) = told_finely(product).await;
        let reads = bridge.calls("halo.actions.list");
        bridge.comment(&incident, "from Sentinel");
        bridge.pass(600).await;
        assert_eq!(bridge.notes_of(ticket).len(), 1);
        assert_eq!(bridge.calls("halo.actions.list"), reads);
        bridge.note(ticket, "<p>an agent's too</p>", json!({}));
        bridge.cross().await;
        let crossed = |text: &str| bridge.comments_with(&incident, text);
        assert_eq!((crossed("an agent's too"), bridge.calls("halo.actions.list")), (1, reads + 1));
        // From now on somebody's note may be edited in the moment of ours.
        bridge.comment(&incident, "once more");
        bridge.pass(600).await;
        assert_eq!(bridge.notes_of(ticket).len(), 3);
        assert_eq!(bridge.calls("halo.actions.list"), reads + 2);
        bridge.finish().await;
    }

    async fn a_note_that_came_just_before_ours_crosses_where_times_are_fine(product) {
        let (bridge, incident, ticket) = told_finely(product).await;
        bridge.comment(&incident, "from Sentinel");
        bridge.note_once_read(ticket, "<p>from the desk</p>");
        bridge.cross().await;
        bridge.mutate_no_more();
        assert_eq!(bridge.notes_of(ticket).len(), 2);
        assert!(bridge.comments_of(&incident).iter().any(|said| said.contains("from the desk")));
        bridge.finish().await;
    }

    /// A reply by mail is of a kind that Halo made itself, and words all the same.
    async fn an_end_users_reply_crosses_and_the_opening_does_not(product) {
        let (bridge, incident, id) = Bridge::linked(Setup { notes: "all", ..Setup::new(product) }).await;
        bridge.act("ticket.mail", json!({ "ticket_id": id, "text": "It was me, on holiday." }));
        bridge.pass(300).await;
        let comments = bridge.comments_of(&incident);
        assert_eq!(comments.iter().filter(|text| text.contains("It was me, on holiday.")).count(), 1, "{comments:#?}");
        assert_eq!(comments.len(), 1);
        bridge.finish().await;
    }

    /// Some instances keep a mail's words in the mail alone, and hand out its HTML only when asked for it.
    async fn a_mail_whose_note_is_empty_crosses_with_the_mails_words(product) {
        for texts_too in [true, false] {
            let (bridge, incident, id) = Bridge::linked(Setup { notes: "all", ..Setup::new(product) }).await;
            bridge.mutate(move |_, body| {
                let rows = body.get_mut("actions").and_then(Value::as_array_mut).into_iter().flatten();
                for row in rows.filter(|row| row["emaildirection"] == "I") {
                    row["note"] = json!("");
                    row["note_html"] = json!("<p></p>");
                    if !texts_too {
                        row["emailbody"] = json!("");
                    }
                }
            });
            bridge.act("ticket.mail", json!({ "ticket_id": id, "html": "<p>It was me,</p><p>on holiday.</p>" }));
            bridge.pass(300).await;
            let comments = bridge.comments_of(&incident);
            assert_eq!(comments.len(), 1, "{comments:#?}");
            assert!(comments[0].contains("It was me,") && comments[0].contains("on holiday."), "{comments:#?}");
            assert!(!comments[0].contains("me,on"), "its HTML was asked for: {comments:#?}");
            let writes = bridge.writes();
            bridge.pass(1_200).await;
            assert_eq!(bridge.writes(), writes, "and rests");
            bridge.finish().await;
        }
    }

    async fn edits_and_deletions_are_reported_once(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.comment(&incident, "first words");
        bridge.comment(&incident, "to be deleted");
        bridge.note(ticket, "<p>the agent's words</p>", json!({}));
        bridge.note(ticket, "<p>to be taken back</p>", json!({}));
        bridge.cross().await;
        bridge.edit_comment(&incident, &bridge.comment_id(&incident, "first words").await, "other words");
        bridge.delete_comment(&incident, &bridge.comment_id(&incident, "to be deleted").await);
        let numbered = |text: &str| {
            let notes = bridge.notes_of(ticket);
            notes.iter().find(|n| words(n).contains(text)).unwrap()["id"].as_i64().unwrap()
        };
        bridge.clock.advance(jiff::SignedDuration::from_secs(2));
        bridge.act("note.edit", json!({ "ticket_id": ticket, "id": numbered("the agent's words"), "html": "<p>the agent's better words</p>" }));
        bridge.act("note.delete", json!({ "ticket_id": ticket, "id": numbered("to be taken back") }));
        bridge.pass(600).await;
        let notes: Vec<String> = bridge.notes_of(ticket).iter().map(words).collect();
        let said: Vec<String> = bridge.comments_of(&incident);
        let once = |all: &[String], text: &str| assert_eq!(all.iter().filter(|s| s.contains(text)).count(), 1, "{text}: {all:#?}");
        once(&notes, "other words");
        once(&notes, "was deleted in Microsoft Sentinel");
        once(&said, "better words");
        once(&said, "was deleted in Halo");
        let writes = bridge.writes();
        bridge.pass(3_600).await;
        assert_eq!(bridge.writes(), writes, "and rests");
        bridge.finish().await;
    }

    async fn the_incident_names_its_ticket_once(product) {
        let bridge = Bridge::with(Setup { link_comment: true, ..Setup::new(product) }).await;
        let incident = bridge.raise(json!({}));
        bridge.comment(&incident, "a person's");
        bridge.cross().await;
        let ticket = bridge.ticket_of(&incident).await;
        bridge.note(ticket, "<p>an agent's</p>", json!({}));
        bridge.pass(1_800).await;
        let comments = bridge.comments_of(&incident);
        assert_eq!(comments.len(), 3, "{comments:#?}");
        assert_eq!(comments.iter().filter(|c| c.starts_with(&format!("Halo ticket {ticket}"))).count(), 1);
        assert_eq!(bridge.notes_of(ticket).len(), 2, "it is no comment of a person's");
        assert_eq!(bridge.calls("sentinel.comment.list"), 1, "nothing is read again for it");
        bridge.finish().await;
    }

    async fn what_waits_to_go_back_is_held_to_the_mode_in_force(product) {
        for mode in ["off", "observe", "comment-only", "sentinel-to-halo"] {
            let (mut bridge, closed, ticket) = Bridge::linked(Setup { link_comment: true, ..Setup::new(product) }).await;
            bridge.close_incident(&closed, json!({ "classification": "Undetermined" }));
            bridge.cross().await;
            assert_eq!(bridge.ticket(ticket)["status_name"], "Closed");
            // Sentinel refuses writes: the comment that names a new ticket and a reopening wait for their next try.
            bridge.fault(json!({ "effect": "status", "status": 503, "kind": "sentinel.comment.put" }));
            bridge.fault(json!({ "effect": "status", "status": 503, "kind": "sentinel.incident.put" }));
            let new = bridge.raise(json!({}));
            bridge.act("ticket.reopen", json!({ "ticket_id": ticket, "agent": AGENT, "text": "It goes on." }));
            bridge.cross().await;
            bridge.ticket_of(&new).await;
            bridge.setup.mode = mode;
            bridge.apply().await;
            bridge.heal();
            bridge.advance(2).await;
            let writes = bridge.writes();
            bridge.pass(7_200).await;
            assert_eq!(bridge.writes(), writes, "{mode}");
            assert_eq!(bridge.comments_of(&new).len(), 0, "{mode}");
            bridge.setup.mode = "two-way";
            bridge.apply().await;
            bridge.pass(600).await;
            assert_eq!(bridge.comments_of(&new).len(), 1, "{mode}");
            assert_ne!(bridge.incident(&closed)["properties"]["status"], "Closed", "{mode}");
            bridge.finish().await;
        }
    }

    /// Neither side changes after that: nothing else would ask for the pair.
    async fn a_note_on_a_closed_matter_crosses_once_the_mode_carries_it(product) {
        for mode in ["comment-only", "sentinel-to-halo"] {
            let (mut bridge, incident, ticket) = Bridge::linked(Setup { notes: "all", ..Setup::new(product) }).await;
            bridge.close_ticket_as(ticket, 2);
            bridge.pass(300).await;
            assert_eq!(bridge.incident(&incident)["properties"]["status"], "Closed");
            bridge.setup.mode = mode;
            bridge.apply().await;
            bridge.pass(300).await;
            bridge.note(ticket, "<p>an afterthought</p>", json!({}));
            bridge.pass(300).await;
            assert!(bridge.comments_of(&incident).iter().all(|said| !said.contains("an afterthought")), "{mode}");
            bridge.restart().await;
            bridge.pass(60).await;
            bridge.setup.mode = "two-way";
            bridge.apply().await;
            bridge.pass(600).await;
            assert_eq!(bridge.comments_with(&incident, "an afterthought"), 1, "{mode}");
            bridge.finish().await;
        }
    }

    async fn near_the_end_notes_share_a_comment_and_places_are_kept(product) {
        let setup = Setup { policy: "digest_from = 3".into(), ..Setup::new(product) };
        let (bridge, incident, ticket) = Bridge::linked(setup).await;
        for n in 0..8 {
            bridge.note(ticket, &format!("<p>note number {n}</p>"), json!({}));
        }
        bridge.cross().await;
        let comments = bridge.comments_of(&incident);
        assert_eq!(comments.len(), 4, "{comments:#?}");
        assert!(comments[3].starts_with("Digest of notes "), "{}", comments[3]);
        let all = comments.join("\n");
        let places: Vec<usize> = (0..8).map(|n| all.find(&format!("note number {n}")).expect("every note")).collect();
        assert!(places.is_sorted(), "{all}");
        bridge.finish().await;
    }

    /// An error in the place of the note, with a status that says that all went well.
    async fn a_note_refused_with_a_good_status_is_looked_for_and_then_given_up(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.switch("refused_with_200", "on");
        bridge.switch("writes_refused", "This action is not allowed here");
        bridge.comment(&incident, "never written");
        bridge.pass(600).await;
        let reason = bridge.pair_of(&incident).await.unwrap().reason.expect("it says why");
        assert_eq!(reason.code(), "refused");
        assert!(reason.words().contains("This action is not allowed here"), "{}", reason.words());
        assert_eq!(bridge.calls("halo.actions.post"), 1, "looked for, and not sent again");
        assert!(bridge.notes_of(ticket).is_empty());
        bridge.finish().await;
    }

    /// Somebody has the ticket open for a while.
    async fn what_a_locked_ticket_refuses_is_tried_again_and_nothing_passes_it(product) {
        for with_200 in ["off", "on"] {
            let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
            bridge.switch("refused_with_200", with_200);
            bridge.switch("writes_refused", "Ticket is locked by another agent.");
            bridge.comment(&incident, "the first words");
            bridge.pass(300).await;
            bridge.comment(&incident, "the second words");
            bridge.update(&incident, json!({ "status": "Active" }));
            bridge.pass(600).await;
            assert_ne!(bridge.reason_of(&incident).await, Some("refused"), "{with_200}: it waits");
            let tried = bridge.calls("halo.actions.post");
            assert!((2..30).contains(&tried), "{with_200}: {tried}");
            bridge.switch("writes_refused", "");
            bridge.pass(3_600).await;
            let notes: Vec<String> = bridge.notes_of(ticket).iter().map(words).collect();
            let place = |text: &str| notes.iter().position(|note| note.contains(text)).expect("it is there");
            assert!(place("the first words") < place("the second words"), "{with_200}: {notes:?}");
            assert_eq!((notes.len(), bridge.reason_of(&incident).await), (2, None), "{with_200}");
            assert_eq!(bridge.ticket(ticket)["status_name"], "In Progress", "{with_200}");
            bridge.finish().await;
        }
    }

    async fn notes_that_drip_near_the_end_share_comments_and_cross_in_time(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        for n in 0..79 {
            bridge.comment(&incident, &format!("an analyst's {n}"));
        }
        bridge.pass(1_200).await;
        for n in 0..40 {
            bridge.note(ticket, &format!("<p>note number {n} end</p>"), json!({}));
            bridge.pass(120).await;
        }
        let there = bridge.comments_of(&incident).len();
        assert!(there < 90, "{there} comments");
        assert_eq!(bridge.reason_of(&incident).await, Some("notes-gathered"));
        // Nobody does anything: in time they cross, by a full reading.
        bridge.pass_by(14 * 3_600, 600).await;
        let all = bridge.comments_of(&incident).join("\n");
        let places: Vec<usize> = (0..40).map(|n| all.find(&format!("note number {n} end")).expect("every note")).collect();
        assert!(places.is_sorted(), "{all}");
        assert!(bridge.comments_of(&incident).len() < 90);
        assert_eq!(bridge.reason_of(&incident).await, None);
        bridge.finish().await;
    }
}
