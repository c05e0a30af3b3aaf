//! What is said on either side crosses once, in order, and comes to rest.

use halobridge::{
    domain::{client::Client, pair::Health, workspace::Workspace},
    service::{pairs, problems},
    twin::options::Product,
};
use serde_json::json;

use super::{bridge::*, person::operator};

both! {
    async fn a_new_incident_becomes_a_whole_ticket(product) {
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise_in(1, json!({ "severity": "High", "title": "Impossible travel", "owner": ANALYST }));
        bridge.cross().await;
        let id = bridge.ticket_of(&incident).await;
        let ticket = bridge.ticket(id);
        let number = bridge.incident(&incident)["properties"]["incidentNumber"].to_string();
        assert_eq!(ticket["client_id"], product.first_client_id() + 1, "the second workspace's client");
        let high = match product { Product::Itsm => "P2 - High", Product::Psa => "High" };
        assert_eq!(ticket["priority_name"], high);
        assert_eq!(ticket["status_name"], "New");
        let kind = product.ticket_types().iter().find(|kind| kind.name == "Security Incident").unwrap().id;
        assert_eq!(ticket["tickettype_id"], kind);
        assert_eq!(ticket["team"], product.security_team());
        assert_eq!(ticket["category_1"], "Security>Phishing");
        let agents = bridge.twin.with(|world, _| world.halos[0].halo.choices("agents"));
        let amira = agents.iter().find(|(_, name)| name == AGENT).unwrap().0;
        assert_eq!(ticket["agent_id"], amira, "the owner's agent");
        assert_eq!(ticket["user_name"], "General User", "the client's own requester: {ticket}");
        assert!(ticket["summary"].as_str().unwrap().contains("Impossible travel"));
        assert!(ticket["summary"].as_str().unwrap().contains(&number));
        assert_eq!(field(&ticket, "CFSentinelIncidentId"), incident);
        assert_eq!(field(&ticket, "CFSentinelIncidentNumber"), number);
        assert_eq!(field(&ticket, "CFSentinelSeverity"), "High");
        assert!(field(&ticket, "CFSentinelLink").starts_with("https://portal.azure.com/"));
        let details = ticket["details_html"].as_str().unwrap();
        for part in [incident.as_str(), &number, "https://portal.azure.com/#asset/", "Alerts", "Halobridge reference HB-"] {
            assert!(details.contains(part), "{part} is in {details}");
        }
        assert_eq!(bridge.tickets().len(), 1);
        assert_eq!(bridge.calls("halo.tickets.post"), 1);
        bridge.finish().await;
    }

    async fn comments_and_notes_cross_once_and_in_order(product) {
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({}));
        bridge.comment(&incident, "first from Sentinel, before there is a ticket");
        bridge.cross().await;
        let ticket = bridge.ticket_of(&incident).await;
        bridge.comment(&incident, "second from Sentinel");
        bridge.comment(&incident, "third from Sentinel\nwith <script>signs</script> & lines");
        bridge.note(ticket, "<p>first from Halo</p>", json!({}));
        bridge.clock.advance(jiff::SignedDuration::from_secs(1));
        bridge.note(ticket, "<p>second from Halo</p><ul><li>a list</li></ul>", json!({}));
        bridge.cross().await;
        bridge.comment(&incident, "fourth from Sentinel");
        bridge.note(ticket, "third from Halo", json!({}));
        bridge.cross().await;

        let notes: Vec<String> = bridge.notes_of(ticket).iter().map(words).collect();
        let order = ["first from Sentinel", "second from Sentinel", "third from Sentinel", "fourth from Sentinel"];
        let places: Vec<usize> = order
            .iter()
            .map(|text| {
                let found: Vec<usize> = (0..notes.len()).filter(|n| notes[*n].contains(text)).collect();
                assert_eq!(found.len(), 1, "{text} once in {notes:#?}");
                found[0]
            })
            .collect();
        assert!(places.is_sorted(), "{places:?}");
        let comments = bridge.comments_of(&incident);
        assert_eq!(comments.len(), 7, "{comments:#?}");
        let order = ["first from Halo", "second from Halo", "third from Halo"];
        let places: Vec<usize> =
            order.iter().map(|text| comments.iter().position(|c| c.contains(text)).expect(text)).collect();
        assert!(places.is_sorted(), "{places:?}");
        assert!(comments[places[1]].contains("a list") && comments[places[0]].contains(AGENT));
        let theirs = bridge.notes_of(ticket).into_iter().find(|n| words(n).contains("third from Sentinel")).unwrap();
        assert!(!theirs["note_html"].as_str().unwrap().contains("<script"), "{theirs}");
        assert_eq!(theirs["hiddenfromuser"], true, "notes we write are private unless the policy says otherwise");
        bridge.finish().await;
    }

    /// K4: an idle bridge writes nothing.
    async fn k4_a_thousand_idle_cycles_write_nothing(product) {
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({ "owner": ANALYST }));
        let other = bridge.raise_in(1, json!({ "severity": "Low" }));
        bridge.comment(&incident, "a comment");
        bridge.cross().await;
        let ticket = bridge.ticket_of(&incident).await;
        bridge.note(ticket, "<p>a note</p>", json!({}));
        bridge.close_incident(&other, json!({}));
        bridge.cross().await;
        let before = bridge.writes();
        bridge.pass(30 * 1_000).await;
        assert_eq!(bridge.writes(), before);
        assert_eq!((bridge.tickets().len(), bridge.comments_of(&incident).len()), (2, 2));
        bridge.finish().await;
    }

    async fn only_notes_of_the_rule_cross(product) {
        let cases: [(&str, &str, &[&str]); 6] = [
            ("all", "", &["public", "private", "flagged", "important", "resolving"]),
            ("public", "", &["public", "flagged", "important", "resolving"]),
            ("flagged", "", &["flagged"]),
            ("flagged", "note_flag = \"important\"", &["important"]),
            ("outcomes", "note_outcomes = [\"Resolve\"]", &["resolving"]),
            ("none", "", &[]),
        ];
        for (rule, line, crossing) in cases {
            let setup = Setup { notes: rule, policy: line.into(), ..Setup::new(product) };
            let (bridge, incident, ticket) = Bridge::linked(setup).await;
            bridge.note(ticket, "<p>a public one</p>", json!({}));
            bridge.note(ticket, "<p>a private one</p>", json!({ "private": true }));
            bridge.note(ticket, "<p>a flagged one</p>", json!({ "sync_to_sentinel": true }));
            bridge.note(ticket, "<p>an important one</p>", json!({ "important": true }));
            bridge.note(ticket, "<p>a resolving one</p>", json!({ "outcome": "Resolve" }));
            bridge.cross().await;
            let comments = bridge.comments_of(&incident);
            for word in ["public", "private", "flagged", "important", "resolving"] {
                let there = comments.iter().filter(|c| c.contains(&format!("a {word} one")) || c.contains(&format!("an {word} one"))).count();
                assert_eq!(there, usize::from(crossing.contains(&word)), "{rule} {line} {word}: {comments:#?}");
            }
            bridge.finish().await;
        }
    }

    /// A kind of note that Halo hides from end users by itself, and one of which it does not tell: neither crosses where only
    /// what end users may see does, or what an agent marked.
    async fn a_note_that_is_hidden_by_default_crosses_only_where_all_do(product) {
        let cases = [
            ("all", "", true),
            ("public", "", false),
            ("flagged", "", false),
            ("flagged", "note_flag = \"important\"", false),
            ("outcomes", "note_outcomes = [\"Resolve\"]", false),
            ("none", "", false),
        ];
        for (rule, line, crosses) in cases {
            for told in [true, false] {
                let setup = Setup { notes: rule, policy: line.into(), ..Setup::new(product) };
                let (bridge, incident, ticket) = Bridge::linked(setup).await;
                if !told {
                    bridge.mutate(|_, body| {
                        let rows = body.get_mut("actions").and_then(serde_json::Value::as_array_mut);
                        for row in rows.into_iter().flatten() {
                            row.as_object_mut().unwrap().remove("hiddenfromuser");
                        }
                    });
                }
                let outcome = if told { "Private Note" } else { "Note" };
                bridge.note(ticket, "<p>between us</p>", json!({ "outcome": outcome }));
                bridge.pass(600).await;
                let there = bridge.comments_of(&incident).iter().filter(|said| said.contains("between us")).count();
                assert_eq!(there, usize::from(crosses), "{rule} {line}, told: {told}");
                let (app, olga) = operator(&bridge);
                let pair = bridge.pair_of(&incident).await.unwrap().id;
                let page = format!("{:?}", pairs::view(&app, &olga, pair, "").await.unwrap().notes);
                assert_eq!(page.contains("NotePrivacyUntold"), rule == "public" && !told, "{rule} {line}, {told}: {page}");
                bridge.finish().await;
            }
        }
    }

    async fn owner_severity_and_status_follow(product) {
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({ "severity": "Low" }));
        bridge.cross().await;
        let id = bridge.ticket_of(&incident).await;
        bridge.update(&incident, json!({ "severity": "High", "status": "Active", "owner": ANALYST }));
        bridge.cross().await;
        let ticket = bridge.ticket(id);
        let agents = bridge.twin.with(|world, _| world.halos[0].halo.choices("agents"));
        let number = |name: &str| agents.iter().find(|(_, known)| known == name).unwrap().0;
        assert!(ticket["priority_name"].as_str().unwrap().ends_with("High"), "{ticket}");
        assert_eq!(field(&ticket, "CFSentinelSeverity"), "High");
        assert_eq!(ticket["status_name"], "In Progress");
        assert_eq!(ticket["agent_id"], number(AGENT));
        // An agent takes it over in Halo.
        bridge.act("ticket.update", json!({ "ticket_id": id, "agent_id": number(SECOND_AGENT) }));
        bridge.cross().await;
        let owner = bridge.incident(&incident)["properties"]["owner"].clone();
        assert_eq!(owner["userPrincipalName"], SECOND_ANALYST, "{owner}");
        let writes = bridge.writes();
        bridge.pass(600).await;
        assert_eq!(bridge.writes(), writes, "and rests");
        bridge.finish().await;
    }

    async fn modes_off_and_observe_write_nothing(product) {
        for mode in ["off", "observe"] {
            let mut bridge = Bridge::with(Setup { mode, ..Setup::new(product) }).await;
            let before = bridge.writes();
            let incident = bridge.raise(json!({}));
            bridge.comment(&incident, "seen, not carried");
            bridge.cross().await;
            bridge.close_incident(&incident, json!({}));
            bridge.pass(300).await;
            assert_eq!(bridge.writes(), before, "{mode}");
            assert_eq!(bridge.tickets().len(), 0);
            if mode == "observe" {
                assert_eq!(bridge.reason_of(&incident).await, Some("mode-observe"));
                // Going live takes up what was held.
                bridge.setup.mode = "two-way";
                bridge.apply().await;
                bridge.cross().await;
                let ticket = bridge.ticket_of(&incident).await;
                assert_eq!(bridge.ticket(ticket)["status_name"], "Closed");
            } else {
                assert_eq!(bridge.calls("sentinel.*"), 0, "off reads nothing");
            }
            bridge.finish().await;
        }
    }

    async fn observe_after_two_way_carries_nothing_on(product) {
        let (mut bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.setup.mode = "observe";
        bridge.apply().await;
        bridge.cross().await;
        let writes = bridge.writes();
        bridge.comment(&incident, "only read");
        bridge.note(ticket, "<p>only read</p>", json!({}));
        bridge.update(&incident, json!({ "severity": "Low" }));
        bridge.close_ticket_as(ticket, 1);
        bridge.pass(600).await;
        assert_eq!(bridge.writes(), writes);
        bridge.setup.mode = "two-way";
        bridge.apply().await;
        bridge.pass(300).await;
        assert_eq!(bridge.incident(&incident)["properties"]["status"], "Closed", "going live again carries it");
        assert!(bridge.notes_of(ticket).iter().any(|n| words(n).contains("only read")));
        assert_eq!(bridge.comments_of(&incident).len(), 3, "{:#?}", bridge.comments_of(&incident));
        bridge.finish().await;
    }

    async fn what_waits_in_a_queue_is_held_to_the_mode_in_force(product) {
        for mode in ["off", "observe", "comment-only"] {
            let (mut bridge, paired, ticket) = Bridge::linked(Setup::new(product)).await;
            // Halo refuses: a creation and a closure wait for their next try.
            bridge.fault(json!({ "effect": "status", "status": 503, "kind": "halo.tickets.post" }));
            let new = bridge.raise(json!({}));
            bridge.close_incident(&paired, json!({ "classification": "Undetermined" }));
            bridge.cross().await;
            bridge.setup.mode = mode;
            bridge.apply().await;
            bridge.heal();
            bridge.advance(2).await;
            let (writes, tickets) = (bridge.writes(), bridge.tickets().len());
            bridge.pass(7_200).await;
            assert_eq!((bridge.writes(), bridge.tickets().len()), (writes, tickets), "{mode}");
            // Planned afresh when the mode carries it again.
            bridge.setup.mode = "two-way";
            bridge.apply().await;
            bridge.pass(600).await;
            bridge.ticket_of(&new).await;
            assert_eq!(bridge.ticket(ticket)["status_name"], "Closed", "{mode}");
            assert_eq!(bridge.tickets().len(), 2, "{mode}");
            bridge.finish().await;
        }
    }

    async fn older_than_the_start_is_held(product) {
        let bridge = Bridge::with(Setup { since_secs: 600, ..Setup::new(product) }).await;
        let old = bridge.raise(json!({}));
        bridge.pass(660).await;
        let new = bridge.raise(json!({}));
        bridge.update(&old, json!({ "severity": "High" }));
        bridge.cross().await;
        assert_eq!(bridge.reason_of(&old).await, Some("older-than-start"));
        assert_eq!(bridge.tickets().len(), 1);
        bridge.ticket_of(&new).await;
        bridge.finish().await;
    }

    async fn a_client_without_a_binding_waits_and_then_goes_on(product) {
        let mut bridge = Bridge::with(Setup { bound: false, ..Setup::new(product) }).await;
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        assert_eq!(bridge.reason_of(&incident).await, Some("client-not-bound"));
        assert_eq!(bridge.calls("halo.tickets.post"), 0);
        bridge.setup.bound = true;
        bridge.apply().await;
        bridge.cross().await;
        bridge.ticket_of(&incident).await;
        bridge.finish().await;
    }

    async fn a_ticket_moved_to_another_client_is_left_alone(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.act("ticket.move", json!({ "ticket_id": ticket, "client_id": product.first_client_id() + 1 }));
        // Written before anybody has noticed the move, and after.
        bridge.comment(&incident, "a secret of the first client");
        bridge.update(&incident, json!({ "severity": "High" }));
        bridge.cross().await;
        bridge.comment(&incident, "another secret of the first client");
        bridge.note(ticket, "<p>a secret of the second client</p>", json!({}));
        bridge.pass(300).await;
        let notes: Vec<String> = bridge.notes_of(ticket).iter().map(words).collect();
        assert!(notes.iter().all(|n| !n.contains("secret of the first")), "{notes:#?}");
        assert!(bridge.comments_of(&incident).iter().all(|c| !c.contains("secret of the second")));
        assert_eq!(bridge.reason_of(&incident).await, Some("wrong-client"));
        // Nor is it recorded, for those who read the first client's pairs and ledger.
        bridge.act("ticket.update", json!({ "ticket_id": ticket, "summary": "a subject of the second client" }));
        bridge.pass(300).await;
        let pair = bridge.pair_of(&incident).await.unwrap().id;
        let row = bridge.store.situation(pair).await.unwrap().unwrap();
        assert!(!format!("{:?}", row.actions).contains("secret of the second"), "{:#?}", row.actions);
        assert!(row.ticket.is_some_and(|ticket| !ticket.summary.contains("second client")));
        // It comes back: what is written from then on crosses again.
        bridge.act("ticket.move", json!({ "ticket_id": ticket, "client_id": product.first_client_id() }));
        bridge.pass(300).await;
        bridge.note(ticket, "<p>back at the first client</p>", json!({}));
        bridge.pass(300).await;
        assert!(bridge.comments_of(&incident).iter().any(|comment| comment.contains("back at the first client")));
        assert!(bridge.comments_of(&incident).iter().all(|c| !c.contains("secret of the second")));
        bridge.finish().await;
    }

    async fn a_ticket_that_is_not_made_yet_is_made_for_the_client_in_force(product) {
        let bridge = Bridge::new(product).await;
        bridge.cross().await;
        bridge.away(Some("/halo/api"));
        let incident = bridge.raise(json!({}));
        bridge.pass(60).await;
        let at = bridge.pair_of(&incident).await.unwrap().workspace;
        let installation = bridge.store.installation().await.unwrap();
        let workspace = installation.workspaces.iter().find(|one| one.id == at).unwrap();
        let other = installation.clients.iter().find(|one| one.id != workspace.client).unwrap();
        let moved = Workspace { client: other.id, ..workspace.clone() };
        let mut tx = bridge.store.begin().await.unwrap();
        tx.put_workspace(&moved).await.unwrap();
        tx.commit().await.unwrap();
        bridge.pass(60).await;
        bridge.away(None);
        bridge.pass(900).await;
        let ticket = bridge.ticket_of(&incident).await;
        let place = other.halo.as_ref().unwrap().halo_client_id;
        assert_eq!(bridge.ticket(ticket)["client_id"], place);
        assert_eq!(bridge.tickets().len(), 1);
        let pair = bridge.pair_of(&incident).await.unwrap();
        assert_eq!((pair.client, pair.halo_client_id), (other.id, place));
        assert_eq!(bridge.reason_of(&incident).await, None);
        bridge.finish().await;
    }

    async fn a_workspace_of_another_client_leaves_its_old_tickets_alone(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        let give = async || {
            let installation = bridge.store.installation().await.unwrap();
            let at = bridge.subject_of(&incident).await.unwrap().workspace;
            let workspace = installation.workspaces.iter().find(|one| one.id == at).unwrap();
            let other = installation.clients.iter().find(|one| one.id != workspace.client).unwrap();
            let moved = Workspace { client: other.id, ..workspace.clone() };
            let mut tx = bridge.store.begin().await.unwrap();
            tx.put_workspace(&moved).await.unwrap();
            tx.commit().await.unwrap();
        };
        // Written before the change is taken up, and after.
        bridge.comment(&incident, "a secret of the second client");
        give().await;
        bridge.note(ticket, "<p>a secret of the first client</p>", json!({}));
        bridge.cross().await;
        bridge.update(&incident, json!({ "severity": "High" }));
        bridge.pass(300).await;
        assert_eq!(bridge.reason_of(&incident).await, Some("wrong-client"));
        let notes: Vec<String> = bridge.notes_of(ticket).iter().map(words).collect();
        assert!(notes.iter().all(|note| !note.contains("secret of the second")), "{notes:#?}");
        assert!(bridge.comments_of(&incident).iter().all(|text| !text.contains("secret of the first")));
        // Those who read the first client's pairs are told nothing of what is the second one's now.
        bridge.update(&incident, json!({ "title": "a title of the second client" }));
        bridge.comment(&incident, "words of the second client");
        bridge.pass(1_000).await;
        let pair = bridge.pair_of(&incident).await.unwrap().id;
        bridge.engine.look_again(pair);
        bridge.pass(60).await;
        let row = bridge.store.situation(pair).await.unwrap().unwrap();
        assert!(!row.subject.incident.title.contains("second client"), "{}", row.subject.incident.title);
        assert!(!format!("{:?}", row.comments).contains("words of the second"), "{:#?}", row.comments);
        bridge.finish().await;
    }

    async fn a_workspace_of_a_client_without_a_place_in_halo_leaves_its_old_tickets_alone(product) {
        let (bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.comment(&incident, "a secret of the second client");
        let at = bridge.subject_of(&incident).await.unwrap().workspace;
        let installation = bridge.store.installation().await.unwrap();
        let workspace = installation.workspaces.iter().find(|one| one.id == at).unwrap();
        let other = installation.clients.iter().find(|one| one.id != workspace.client).unwrap();
        let mut tx = bridge.store.begin().await.unwrap();
        tx.put_client(&Client { halo: None, ..other.clone() }).await.unwrap();
        tx.put_workspace(&Workspace { client: other.id, ..workspace.clone() }).await.unwrap();
        tx.commit().await.unwrap();
        bridge.note(ticket, "<p>a secret of the first client</p>", json!({}));
        bridge.cross().await;
        bridge.update(&incident, json!({ "severity": "High", "title": "a title of the second client" }));
        bridge.comment(&incident, "words of the second client");
        bridge.pass(300).await;
        assert_eq!(bridge.reason_of(&incident).await, Some("wrong-client"));
        let notes: Vec<String> = bridge.notes_of(ticket).iter().map(words).collect();
        assert!(notes.iter().all(|note| !note.contains("of the second client")), "{notes:#?}");
        assert!(bridge.comments_of(&incident).iter().all(|text| !text.contains("secret of the first")));
        // Nor do those who read the first client's pairs read it.
        let row = bridge.situation_of(&incident).await;
        assert!(!row.subject.incident.title.contains("second client"), "{}", row.subject.incident.title);
        assert!(!format!("{:?}", row.comments).contains("of the second client"), "{:#?}", row.comments);
        bridge.finish().await;
    }

    async fn a_deleted_and_a_merged_ticket_are_left_alone(product) {
        for readable in ["false", "true"] {
            let bridge = Bridge::with(Setup { switches: vec![("deleted_readable", readable)], ..Setup::new(product) }).await;
            let deleted = bridge.raise(json!({}));
            let merged = bridge.raise(json!({}));
            let target = bridge.raise(json!({}));
            bridge.cross().await;
            let tickets = [bridge.ticket_of(&deleted).await, bridge.ticket_of(&merged).await, bridge.ticket_of(&target).await];
            bridge.act("ticket.delete", json!({ "ticket_id": tickets[0], "agent": AGENT }));
            bridge.act("ticket.merge", json!({ "from": tickets[1], "into": tickets[2], "agent": AGENT }));
            bridge.comment(&deleted, "to a deleted one");
            bridge.comment(&merged, "to a merged one");
            bridge.pass(600).await;
            assert_eq!(bridge.reason_of(&deleted).await, Some("record-gone"), "readable {readable}");
            assert_eq!(bridge.reason_of(&merged).await, Some("record-gone"));
            let open = |incident: &str| bridge.incident(incident)["properties"]["status"].clone();
            assert_eq!((open(&deleted), open(&merged)), (json!("New"), json!("New")), "a merge is no closure");
            assert_eq!(bridge.tickets().iter().filter(|t| t["deleted"] != true).count(), 2, "none is made anew");
            bridge.finish().await;
        }
    }

    async fn a_merge_in_defender_closes_nothing(product) {
        let bridge = Bridge::with(Setup { switches: vec![("defender", "true"), ("automation_delay_s", "0"), ("defender_delay_s", "0")], ..Setup::new(product) }).await;
        let merged = bridge.raise(json!({}));
        let target = bridge.raise(json!({}));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&merged).await;
        bridge.act("incident.merge", json!({ "workspace": bridge.workspace_name(0), "source": merged, "target": target }));
        bridge.pass(300).await;
        assert_eq!(bridge.incident(&merged)["properties"]["status"], "Closed");
        assert_eq!(bridge.ticket(ticket)["status_name"], "New", "its ticket stays as it is");
        assert_eq!(bridge.reason_of(&merged).await, Some("tickets-meet"), "both have one: a person merges them");
        // One that was merged before we saw it becomes no ticket.
        let (a, b) = (bridge.raise(json!({})), bridge.raise(json!({})));
        bridge.act("incident.merge", json!({ "workspace": bridge.workspace_name(0), "source": a, "target": b }));
        bridge.pass(300).await;
        assert_eq!(bridge.reason_of(&a).await, Some("redirected"));
        bridge.ticket_of(&b).await;
        bridge.finish().await;
    }

    async fn strange_incidents_become_tickets_all_the_same(product) {
        let bridge = Bridge::new(product).await;
        let unknown = bridge.raise(json!({ "severity": "Catastrophic", "title": "unknown severity" }));
        let long = "long ".repeat(4_000);
        let long_one = bridge.raise(json!({ "title": long, "severity": "Low" }));
        let control = bridge.raise(json!({ "title": "a\u{0}b\u{7}c\u{1b}[31m\u{202e}d\u{fffe} <script>alert(1)</script>", "description": "x\u{0}y\u{8}" }));
        let bare = bridge.raise(json!({ "description": null, "owner": "" }));
        bridge.comment(&control, "bell\u{7} nul\u{0} end");
        bridge.cross().await;
        for incident in [&unknown, &long_one, &control, &bare] {
            bridge.ticket_of(incident).await;
        }
        assert_eq!(bridge.reason_of(&unknown).await, Some("unmapped"), "one visible item");
        assert_eq!(bridge.reason_of(&bare).await, None);
        let ticket = bridge.ticket(bridge.ticket_of(&long_one).await);
        let kept = bridge.situation_of(&long_one).await.subject.incident.raw["properties"]["title"].clone();
        assert_eq!(kept, json!(long), "the whole title is kept");
        assert!(ticket["summary"].as_str().unwrap().chars().count() <= 200);
        let ticket = bridge.ticket(bridge.ticket_of(&control).await);
        let shown = format!("{}{}", ticket["summary"].as_str().unwrap(), ticket["details_html"].as_str().unwrap());
        assert!(!shown.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "{shown:?}");
        assert!(!ticket["details_html"].as_str().unwrap().contains("<script"), "{shown}");
        let notes = bridge.notes_of(bridge.ticket_of(&control).await);
        assert!(notes.iter().any(|n| words(n).contains("bell") && words(n).contains("end")), "{notes:#?}");
        // The conversation goes on for the one that needs a person too.
        bridge.comment(&unknown, "still talking");
        bridge.cross().await;
        let notes = bridge.notes_of(bridge.ticket_of(&unknown).await);
        assert!(notes.iter().any(|n| words(n).contains("still talking")));
        bridge.finish().await;
    }

    /// A later reading may differ in members that nobody cares for.
    async fn what_is_open_has_been_open_since_it_was_concluded(product) {
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({ "owner": "olaf.owner@contoso.example" }));
        bridge.cross().await;
        let (app, olga) = operator(&bridge);
        let since = async || {
            let groups = problems::view(&app, &olga).await.unwrap().groups.unwrap();
            groups.first().and_then(|group| group.items.first()).map(|item| item.since).unwrap()
        };
        let first = since().await;
        bridge.pass(3_600).await;
        let changed = bridge.pair_of(&incident).await.unwrap().changed;
        bridge.act("ticket.note", json!({ "ticket_id": bridge.ticket_of(&incident).await, "agent": AGENT, "text": "words" }));
        bridge.pass(600).await;
        assert!(bridge.pair_of(&incident).await.unwrap().changed > changed, "something was read");
        assert_eq!(since().await, first);
        bridge.finish().await;
    }

    async fn unmapped_names_are_items_not_losses(product) {
        let mut setup = Setup::new(product);
        let only_high = match product { Product::Itsm => r#"{ High = "P2 - High" }"#, Product::Psa => r#"{ High = "High" }"# };
        setup.priorities = Some(only_high.into());
        let mut bridge = Bridge::with(setup).await;
        let incident = bridge.raise(json!({ "severity": "Low", "owner": "olaf.owner@contoso.example" }));
        bridge.cross().await;
        let ticket = bridge.ticket_of(&incident).await;
        assert_eq!(bridge.reason_of(&incident).await, Some("unmapped"));
        let needs = async |bridge: &Bridge| bridge.pair_of(&incident).await.unwrap().health == Health::NeedsYou;
        assert!(needs(&bridge).await);
        // The priority is mapped: the owner who is nobody in Halo stays an open item.
        bridge.setup.priorities = None;
        bridge.apply().await;
        bridge.pass(7 * 3_600).await;
        let reason = bridge.pair_of(&incident).await.unwrap().reason.unwrap();
        assert!(reason.words().contains("olaf.owner@contoso.example"), "{reason:?}");
        assert!(reason.remedy().unwrap().contains("“agents” table"), "{reason:?}");
        assert!(needs(&bridge).await);
        bridge.setup.policy = format!("agent = \"{SECOND_AGENT}\"");
        bridge.apply().await;
        bridge.pass(300).await;
        assert_eq!(bridge.reason_of(&incident).await, Some("unmapped"), "said");
        assert!(!needs(&bridge).await, "and nobody has to act");
        assert!(bridge.ticket(ticket)["priority_name"].as_str().unwrap().ends_with("Low"), "{}", bridge.ticket(ticket));
        bridge.setup.policy = String::new();
        bridge.apply().await;
        bridge.cross().await;
        assert!(needs(&bridge).await, "without a fallback again");
        bridge.setup.agents = format!(", \"olaf.owner@contoso.example\" = \"{AGENT}\"");
        bridge.apply().await;
        bridge.cross().await;
        assert_eq!(bridge.reason_of(&incident).await, None, "mapped, it is whole");
        let agents = bridge.twin.with(|world, _| world.halos[0].halo.choices("agents"));
        let amira = agents.iter().find(|(_, name)| name == AGENT).unwrap().0;
        assert_eq!(bridge.ticket(ticket)["agent_id"], amira, "and the ticket is the owner's");
        bridge.finish().await;
    }

    async fn what_halo_had_no_row_for_when_the_ticket_was_made_crosses_once_it_is_mapped(product) {
        let mut setup = Setup::new(product);
        setup.statuses = Some(r#"{ New = "New", Active = "Nowhere", Closed = "Closed" }"#);
        setup.fields = r#"{ field = "CFNowhere", path = "$.properties.title" },"#.into();
        let mut bridge = Bridge::with(setup).await;
        let incident = bridge.raise(json!({ "title": "Told", "status": "Active", "owner": "olaf.owner@contoso.example" }));
        bridge.cross().await;
        let id = bridge.ticket_of(&incident).await;
        assert_ne!(bridge.ticket(id)["status_name"], "In Progress");
        assert_eq!(bridge.pair_of(&incident).await.unwrap().health, Health::NeedsYou);
        bridge.setup.statuses = None;
        bridge.setup.fields = r#"{ field = "CFAffectedAsset", path = "$.properties.title" },"#.into();
        bridge.setup.agents = format!(", \"olaf.owner@contoso.example\" = \"{SECOND_AGENT}\"");
        bridge.apply().await;
        bridge.pass(600).await;
        assert_eq!(bridge.reason_of(&incident).await, None, "mapped, it is whole");
        let ticket = bridge.ticket(id);
        assert_eq!(ticket["status_name"], "In Progress");
        assert_eq!(field(&ticket, "CFAffectedAsset"), "Told");
        let agents = bridge.twin.with(|world, _| world.halos[0].halo.choices("agents"));
        let jonas = agents.iter().find(|(_, name)| name == SECOND_AGENT).unwrap().0;
        assert_eq!(ticket["agent_id"], jonas);
        let writes = bridge.writes();
        bridge.pass(900).await;
        assert_eq!(bridge.writes(), writes, "and rests");
        bridge.finish().await;
    }

    async fn what_halo_had_no_row_for_when_a_ticket_was_drafted_anew_crosses_once_it_is_mapped(product) {
        let mut setup = Setup::new(product);
        let row = format!(", \"olaf.owner@contoso.example\" = \"{SECOND_AGENT}\"");
        setup.agents.clone_from(&row);
        let mut bridge = Bridge::with(setup).await;
        // Halo refuses: the creation waits for its next try, and is taken back.
        bridge.fault(json!({ "effect": "status", "status": 503, "kind": "halo.tickets.post" }));
        let incident = bridge.raise(json!({ "status": "Active", "owner": "olaf.owner@contoso.example" }));
        bridge.cross().await;
        bridge.setup.mode = "observe";
        bridge.apply().await;
        bridge.heal();
        bridge.pass(600).await;
        bridge.setup.mode = "two-way";
        bridge.setup.statuses = Some(r#"{ New = "New", Active = "Nowhere", Closed = "Closed" }"#);
        bridge.setup.agents = String::new();
        bridge.apply().await;
        bridge.pass(600).await;
        let id = bridge.ticket_of(&incident).await;
        assert_ne!(bridge.ticket(id)["status_name"], "In Progress");
        assert_eq!(bridge.pair_of(&incident).await.unwrap().health, Health::NeedsYou);
        bridge.setup.statuses = None;
        bridge.setup.agents = row;
        bridge.apply().await;
        bridge.pass(600).await;
        assert_eq!(bridge.reason_of(&incident).await, None, "mapped, it is whole");
        let ticket = bridge.ticket(id);
        assert_eq!(ticket["status_name"], "In Progress");
        let agents = bridge.twin.with(|world, _| world.halos[0].halo.choices("agents"));
        let jonas = agents.iter().find(|(_, name)| name == SECOND_AGENT).unwrap().0;
        assert_eq!(ticket["agent_id"], jonas);
        bridge.finish().await;
    }

    async fn look_ups_that_cannot_be_read_at_first_delay_only(product) {
        let mut bridge = Bridge::new(product).await;
        // Another start with nothing kept of the look-ups, and every one of them refused.
        for kind in ["halo.tickettype.*", "halo.status.*", "halo.priority.*", "halo.fieldinfo.*", "halo.agent.*", "halo.outcome.*"] {
            bridge.fault(json!({ "effect": "status", "status": 503, "kind": kind }));
        }
        bridge.restart().await;
        let incident = bridge.raise(json!({}));
        bridge.pass(300).await;
        bridge.heal();
        bridge.pass(4_000).await;
        bridge.ticket_of(&incident).await;
        bridge.finish().await;
    }
}

#[tokio::test]
async fn the_very_first_look_ups_may_fail() {
    let bridge = Bridge::with(Setup { wrong_secret: true, ..Setup::new(Product::Psa) }).await;
    let incident = bridge.raise(json!({}));
    bridge.pass(600).await;
    assert_eq!(bridge.tickets().len(), 0);
    let mut bridge = bridge;
    bridge.correct_secret().await;
    bridge.pass(600).await;
    bridge.ticket_of(&incident).await;
    bridge.finish().await;
}

/// They are judged page by page.
#[tokio::test]
async fn a_changed_mode_reaches_every_held_incident_however_many_there_are() {
    const INCIDENTS: usize = 1_050;
    let setup = Setup { mode: "observe", workspaces: 1, evidence: false, ..Setup::new(Product::Itsm) };
    let mut bridge = Bridge::with(setup).await;
    for _ in 0..INCIDENTS {
        bridge.raise(json!({}));
    }
    bridge.pass(120).await;
    let workspace = bridge.workspace(0).await.id;
    let held =
        async |bridge: &Bridge, code: &'static str| bridge.store.held_for(workspace, code, 5_000).await.unwrap().len();
    assert_eq!(held(&bridge, "mode-observe").await, INCIDENTS);
    bridge.setup.mode = "comment-only";
    bridge.apply().await;
    bridge.cross().await;
    assert_eq!(held(&bridge, "mode-one-way").await, INCIDENTS);
    bridge.finish().await;
}
