//! The other side of every point that the sheets leave open: whatever a service does there, everything crosses once.

use std::sync::atomic::{AtomicBool, Ordering};

use halobridge::{domain::delivery::DeliverySource, service::pushes};
use serde_json::json;

use super::{bridge::*, person::operator};

/// Switches of the twin that take the less probable position, one set at a time.
const POSITIONS: [&[(&str, &str)]; 26] = [
    &[("etag_in_header", "on"), ("missing_etag_conflicts", "on")],
    &[("conflict_status", "412"), ("comment_etag_needed", "on")],
    &[("put_answer", "bare"), ("modified_order_refused", "on")],
    &[("put_answer", "empty")],
    &[("counts_told", "off")],
    &[("empty_lists_null", "on"), ("order_ignored", "on")],
    &[("put_keeps_owner", "on"), ("put_keeps_labels", "on"), ("put_keeps_description", "on")],
    &[("comment_edit_bumps", "on"), ("comment_delete_bumps", "off"), ("task_write_bumps", "on")],
    &[("unknown_etag_conflicts", "on"), ("missing_incident_code", "ResourceNotFound"), ("app_author", "null")],
    &[("labels_keep_auto", "off"), ("open_classification", "refused")],
    &[("open_classification", "kept"), ("redirected_label", "redirected")],
    &[("update_filter_ignored", "on"), ("page_repeats", "on")],
    &[("rows_tell_last_update", "off")],
    &[("notes_move_last_update", "off")],
    &[("record_count_form", "missing"), ("page_cap", "2")],
    &[("record_count_form", "text"), ("page_cap", "2")],
    &[("closed_flag", "stays")],
    &[("closed_flag", "missing")],
    &[("system_actions_marked", "off"), ("application_name_shown", "off")],
    &[("numbers", "text"), ("agents_shape", "results")],
    &[("numbers", "float"), ("agents_shape", "array")],
    &[("numbers", "mixed"), ("post_answer_array", "on")],
    &[("empty_date", "0001-01-01T00:00:00"), ("warn_on_success", "on"), ("unset_fields_left_out", "on")],
    &[("update_needs_type_and_client", "on"), ("unknown_ticket_404", "on"), ("unknown_ids_refused", "on")],
    &[("token_revokes_earlier", "on"), ("rate_retry_after", "on")],
    &[("stale_ms", "30000"), ("list_stale_ms", "30000")],
];

/// Takes a member out of an answer, wherever it stands.
fn strip(body: &mut serde_json::Value, member: &str) {
    match body {
        serde_json::Value::Object(members) => {
            members.remove(member);
            members.values_mut().for_each(|value| strip(value, member));
        }
        serde_json::Value::Array(rows) => rows.iter_mut().for_each(|row| strip(row, member)),
        _ => {}
    }
}

async fn life(product: halobridge::twin::options::Product, switches: &'static [(&'static str, &'static str)]) {
    let setup = Setup { switches: switches.to_vec(), ..Setup::new(product) };
    let bridge = Bridge::with(setup).await;
    let incident = bridge.raise(json!({ "severity": "High", "labels": ["vip"] }));
    bridge.cross().await;
    let id = bridge.ticket_of(&incident).await;
    assert_eq!(bridge.tickets().len(), 1, "{switches:?}");
    bridge.comment(&incident, "seen by the analyst");
    bridge.note(id, "<p>called the user</p>", json!({}));
    bridge.pass(360).await;
    assert_eq!(bridge.notes_with(id, "seen by the analyst"), 1, "{switches:?}");
    let comments = bridge.comments_of(&incident);
    assert_eq!(comments.iter().filter(|c| c.contains("called the user")).count(), 1, "{switches:?} {comments:?}");
    assert_eq!(comments.len(), 2, "{switches:?} {comments:?}");
    bridge.update(&incident, json!({ "severity": "Low", "owner": ANALYST, "status": "Active" }));
    bridge.cross().await;
    let ticket = bridge.ticket(id);
    assert_eq!(ticket["status_name"], "In Progress", "{switches:?}");
    let agent = ticket["agent_id"].to_string();
    assert!(!matches!(agent.trim_matches('"'), "1" | "1.0"), "{switches:?} the owner's agent");
    bridge.close_ticket_as(id, 4);
    bridge.pass(360).await;
    let closed = bridge.incident(&incident)["properties"].clone();
    assert_eq!(
        (&closed["status"], &closed["classificationReason"]),
        (&json!("Closed"), &json!("InaccurateData")),
        "{switches:?}"
    );
    assert_eq!(closed["labels"][0]["labelName"], "vip", "{switches:?}");
    bridge.act("ticket.reopen", json!({ "ticket_id": id, "agent": AGENT, "text": "It goes on." }));
    bridge.pass(360).await;
    assert_eq!(bridge.incident(&incident)["properties"]["status"], "Active", "{switches:?} opened again in Halo");
    bridge.close_incident(&incident, json!({}));
    bridge.cross().await;
    assert_eq!(bridge.ticket(id)["status_name"], "Closed", "{switches:?}");
    bridge.update(&incident, json!({ "status": "Active" }));
    bridge.cross().await;
    assert_eq!(bridge.ticket(id)["status_name"], "In Progress", "{switches:?} opened again in Sentinel");
    assert_eq!(bridge.notes_with(id, "seen by the analyst"), 1, "{switches:?}");
    // And then there is silence.
    let writes = bridge.writes();
    bridge.pass(600).await;
    assert_eq!(bridge.writes(), writes, "{switches:?}");
    assert_eq!(bridge.tickets().len(), 1, "{switches:?}");
    bridge.finish().await;
}

both! {
    async fn everything_crosses_whatever_position_a_service_takes(product) {
        // The positions in turn, so that each product takes half of them.
        let other = usize::from(product == halobridge::twin::options::Product::Psa);
        for switches in POSITIONS.iter().skip(other).step_by(2) {
            life(product, switches).await;
        }
    }

    async fn notes_of_agents_cross_where_every_stock_kind_of_action_is_marked_as_built_in(product) {
        let (bridge, incident, id) = Bridge::linked(Setup::new(product)).await;
        bridge.mutate(|request, body| {
            if !request.uri().path().contains("/Actions") {
                return;
            }
            let mark = |row: &mut serde_json::Value| {
                if row.get("action_systemid").and_then(serde_json::Value::as_i64) == Some(0) {
                    row["action_systemid"] = json!(9);
                }
            };
            mark(&mut *body);
            if let Some(rows) = body.get_mut("actions").and_then(serde_json::Value::as_array_mut) {
                rows.iter_mut().for_each(mark);
            }
        });
        bridge.note(id, "<p>called the user</p>", json!({}));
        bridge.comment(&incident, "seen by the analyst");
        bridge.pass(600).await;
        let crossed = bridge.comments_of(&incident);
        assert_eq!(crossed.iter().filter(|said| said.contains("called the user")).count(), 1, "{crossed:?}");
        assert_eq!(crossed.iter().filter(|said| said.contains("seen by the analyst")).count(), 1, "{crossed:?}");
        assert_eq!(bridge.notes_with(id, "seen by the analyst"), 1);
        bridge.mutate_no_more();
        bridge.finish().await;
    }

    async fn a_list_of_comments_that_lags_behind_its_count_is_read_again(product) {
        let (bridge, incident, id) = Bridge::linked(Setup::new(product)).await;
        bridge.comment(&incident, "not listed at first");
        let lags = AtomicBool::new(true);
        bridge.mutate(move |request, body| {
            if request.uri().path().ends_with("/comments") && lags.swap(false, Ordering::SeqCst) {
                body["value"] = json!([]);
            }
        });
        bridge.cross().await;
        assert_eq!(bridge.notes_with(id, "not listed at first"), 1);
        bridge.finish().await;
    }

    async fn a_ticket_named_by_a_webhook_is_read_though_whole_seconds_show_no_change(product) {
        let (bridge, incident, id) = Bridge::linked(Setup::new(product)).await;
        // A note in the very second that is known already: no row shows it.
        bridge.mutate(|request, body| {
            if !request.uri().path().contains("/Tickets") || request.method() != "GET" {
                return;
            }
            let one = std::slice::from_mut(body);
            let rows = match one {
                [body] if body.get("tickets").is_some() => body["tickets"].as_array_mut().unwrap().as_mut_slice(),
                one => one,
            };
            for row in rows {
                row["lastactiondate"] = json!("2026-03-02T09:00:00");
                row["last_update"] = json!("2026-03-02T09:00:00");
            }
        });
        bridge.cross().await;
        bridge.note(id, "<p>within the second</p>", json!({}));
        let connection = bridge.pair_of(&incident).await.unwrap().halo;
        let body = json!({ "id": "b1c2", "event": "Ticket Updated", "object_id": id }).to_string();
        bridge.receive(DeliverySource::Halo { connection }, body.as_bytes()).await;
        bridge.cross().await;
        let comments = bridge.comments_of(&incident);
        assert_eq!(comments.iter().filter(|c| c.contains("within the second")).count(), 1, "{comments:?}");
        bridge.finish().await;
    }

    async fn a_record_that_does_not_show_yet_is_not_taken_for_gone(product) {
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({}));
        bridge.advance(60).await;
        let id = bridge.ticket_of(&incident).await;
        // Both are seconds old: not every replica of either service has them.
        bridge.fault(json!({ "effect": "status", "status": 404, "kind": "halo.tickets.get", "count": 2 }));
        bridge.fault(json!({ "effect": "status", "status": 404, "kind": "sentinel.comment.put", "count": 1 }));
        bridge.comment(&incident, "said at once");
        bridge.note(id, "<p>answered at once</p>", json!({}));
        bridge.pass(180).await;
        assert_eq!(bridge.notes_with(id, "said at once"), 1);
        let comments = bridge.comments_of(&incident);
        assert_eq!(comments.iter().filter(|c| c.contains("answered at once")).count(), 1, "{comments:?}");
        assert_eq!(bridge.reason_of(&incident).await, None);
        bridge.finish().await;
    }

    /// Nobody has seen what Azure answers for an incident that is not there (sentinel-api sheet 1.7).
    async fn a_push_makes_its_incident_where_not_found_has_no_body(product) {
        for (code, text) in [("", ""), ("ResourceNotFound", "The resource was not found.")] {
            let switches = vec![("missing_incident_code", code), ("missing_incident_text", text)];
            let bridge = Bridge::with(Setup { switches, ..Setup::new(product) }).await;
            let ticket = bridge.opened(0);
            let (app, olga) = operator(&bridge);
            let workspace = bridge.workspace(0).await.id;
            pushes::ask(&app, &olga, workspace, &ticket.to_string(), false).await.unwrap();
            bridge.pass(120).await;
            let incidents = bridge.incidents(0);
            assert_eq!(incidents.len(), 1, "“{code}”");
            let incident = incidents[0]["name"].as_str().unwrap().to_owned();
            assert_eq!(bridge.ticket_of(&incident).await, ticket, "“{code}”");
            // Nor is one that is deleted asked for again for ever, or written to.
            bridge.pass(900).await;
            bridge.act("incident.delete", json!({ "incident": incident, "workspace": bridge.workspace_name(0) }));
            bridge.note(ticket, "<p>said too late</p>", json!({}));
            bridge.pass(300).await;
            assert_eq!(bridge.reason_of(&incident).await, Some("record-gone"), "“{code}”");
            bridge.finish().await;
        }
    }

    async fn closing_words_that_halo_does_not_take_follow_as_a_note(product) {
        for taken in [true, false] {
            let bridge = Bridge::new(product).await;
            if !taken {
                bridge.mutate(|request, body| {
                    if request.uri().path().contains("/Tickets") {
                        strip(body, "closure_note");
                    }
                });
            }
            let incident = bridge.raise(json!({}));
            bridge.cross().await;
            let id = bridge.ticket_of(&incident).await;
            for (time, said) in ["the first verdict", "the second verdict"].into_iter().enumerate() {
                bridge.close_incident(&incident, json!({ "classificationComment": said }));
                bridge.cross().await;
                assert_eq!(bridge.ticket(id)["status_name"], "Closed");
                assert_eq!(bridge.notes_with(id, said), usize::from(!taken), "{said}");
                bridge.update(&incident, json!({ "status": "Active" }));
                bridge.cross().await;
                assert_eq!(bridge.ticket(id)["status_name"], "In Progress", "{time}");
            }
            let writes = bridge.writes();
            bridge.pass(600).await;
            assert_eq!(bridge.writes(), writes);
            bridge.finish().await;
        }
    }

    async fn the_sla_of_a_ticket_type_is_asked_for_where_the_list_does_not_tell_it(product) {
        let bridge = Bridge::new(product).await;
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        let halo = bridge.pair_of(&incident).await.unwrap().halo;
        let slas = async || {
            let (catalogue, _) = bridge.store.catalogue(halo).await.unwrap().unwrap();
            catalogue.ticket_types.iter().map(|row| (row.id, row.default_sla)).collect::<Vec<_>>()
        };
        let told = slas().await;
        assert!(told.iter().any(|(_, sla)| sla.is_some()));
        bridge.mutate(|request, body| {
            if request.uri().path().to_lowercase().ends_with("/tickettype") {
                strip(body, "default_sla");
            }
        });
        bridge.pass_by(3_900, 300).await;
        assert_eq!(slas().await, told);
        bridge.finish().await;
    }

    async fn look_ups_that_are_empty_once_hold_nothing_back(product) {
        let bridge = Bridge::new(product).await;
        let first = bridge.raise(json!({}));
        bridge.cross().await;
        let halo = bridge.pair_of(&first).await.unwrap().halo;
        let known = bridge.store.catalogue(halo).await.unwrap().unwrap().0;
        assert!(!known.priorities.is_empty() && !known.ticket_types.is_empty());
        for (look_up, long) in [("/priority", false), ("/tickettype", false), ("/team", true)] {
            let empty = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
            let counted = std::sync::Arc::clone(&empty);
            bridge.mutate(move |request, body| {
                if request.uri().path().to_lowercase().ends_with(look_up) {
                    let times = counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    if long || times == 0 {
                        *body = json!([]);
                    }
                }
            });
            bridge.pass_by(3_700, 20).await;
            assert!(empty.load(std::sync::atomic::Ordering::SeqCst) > 1, "{look_up}: read again soon");
            let now = bridge.store.catalogue(halo).await.unwrap().unwrap().0;
            // what stays empty is believed
            assert_eq!(now.teams.is_empty(), long, "{look_up}");
            assert_eq!((now.priorities.len(), now.ticket_types.len()), (known.priorities.len(), known.ticket_types.len()));
            bridge.mutate_no_more();
            if !long {
                let incident = bridge.raise(json!({}));
                bridge.cross().await;
                bridge.ticket_of(&incident).await;
            }
        }
        bridge.finish().await;
    }

    async fn the_first_reading_of_changed_tickets_trusts_no_clock(product) {
        let bridge = Bridge::new(product).await;
        bridge.cross().await;
        let calls = bridge.twin.with(|world, _| world.calls.list(0, Some("halo.tickets.list"), 10));
        let query = calls["calls"][0]["query"].as_str().unwrap_or_default().to_owned();
        let since = query.split('&').find_map(|pair| pair.strip_prefix("lastupdatefromdate=")).unwrap();
        let since: jiff::Timestamp = since.parse().unwrap();
        // Halo may tell local time, or its clock may be off: its own times are known only with the first rows.
        assert!(bridge.begins.duration_since(since) >= jiff::SignedDuration::from_hours(24), "{query}");
        bridge.finish().await;
    }
}

/// What a page that failed would have told is asked for again, though the pages before it were newer.
#[tokio::test]
async fn a_failed_page_of_a_list_in_the_wrong_order_loses_nothing() {
    let setup = Setup {
        mode: "observe",
        workspaces: 1,
        switches: vec![("order_ignored", "on")],
        ..Setup::new(halobridge::twin::options::Product::Itsm)
    };
    let bridge = Bridge::with(setup).await;
    bridge.act("incident.create", json!({ "count": 1_050 }));
    bridge.fault(json!({ "effect": "status", "status": 500, "kind": "sentinel.incident.list", "skip": 1, "count": 1 }));
    bridge.pass(600).await;
    let workspace = bridge.workspace(0).await;
    let numbers: Vec<i64> =
        bridge.incidents(0).iter().filter_map(|incident| incident["properties"]["incidentNumber"].as_i64()).collect();
    let (first, last) = (numbers.iter().min().unwrap() - 1, *numbers.iter().max().unwrap());
    assert_eq!(bridge.store.numbers_seen(workspace.id, first, last).await.unwrap(), 1_050);
    bridge.finish().await;
}
