use serde_json::json;

use super::{both, ids};

#[test]
fn an_agent_at_the_screen_writes_closes_and_reopens() {
    both(|mut rig| {
        let id = rig.new_id();
        let (status, _) = rig.act(
            "ticket.note",
            &json!({ "ticket_id": id, "html": "<p>seen</p>", "private": true, "agent": "LI.CHEN@soc.example" }),
        );
        assert_eq!(status, 200);
        let note = rig.ok(&format!("/Actions/2?ticket_id={id}"));
        assert_eq!(
            (&note["who"], &note["outcome"], &note["hiddenfromuser"]),
            (&json!("Li Chen"), &json!("Private Note"), &json!(true))
        );
        assert_eq!(note["actionby_application_id"], "nethelpdesk-agent-web-application");
        let field = rig.named("fields", "CFSentinelClassification");
        let (status, closed) = rig.act(
            "ticket.close",
            &json!({ "ticket_id": id, "text": "false alarm", "agent": 3, "customfields": [{ "id": field, "value": "3" }] }),
        );
        assert_eq!(
            (status, &closed["status_id"], &closed["hasbeenclosed"], &closed["closure_agent_id"]),
            (200, &json!(9), &json!(true), &json!(3))
        );
        let value = closed["customfields"].as_array().unwrap().iter().find(|f| f["id"] == field).unwrap();
        assert_eq!(value["display"], "False Positive - Incorrect Alert Logic");
        let (_, open) = rig.act("ticket.reopen", &json!({ "ticket_id": id }));
        assert_eq!((&open["status_id"], &open["hasbeenclosed"]), (&json!(2), &json!(false)));
        rig.act("note.edit", &json!({ "ticket_id": id, "id": 2, "text": "seen twice", "private": false }));
        assert_eq!(rig.ok(&format!("/Actions/2?ticket_id={id}"))["note"], "seen twice");
        rig.act("note.delete", &json!({ "ticket_id": id, "id": 2 }));
        assert_eq!(rig.get(&format!("/Actions/2?ticket_id={id}")).0, 404);
    });
}

#[test]
fn an_agent_changes_moves_and_raises_tickets_by_name() {
    both(|mut rig| {
        rig.switch("update_needs_type_and_client", "on");
        let (status, made) = rig.act("ticket.create", &json!({ "summary": "By hand", "tickettype": "Security Incident", "client": "Contoso Retail", "agent": "Amira Haddad" }));
        assert_eq!((status, &made["client_id"], &made["agent_id"]), (200, &json!(rig.client(1)), &json!(3)));
        let id = made["id"].as_i64().unwrap();
        let sla = made["sla_id"].as_i64().unwrap();
        let high = rig.ok(&format!("/Priority?slaid={sla}"))[1].clone();
        let (status, changed) = rig.act(
            "ticket.update",
            &json!({ "ticket_id": id, "priority": high["name"], "status": "In Progress", "team": rig.security_team() }),
        );
        assert_eq!(
            (status, &changed["priority_id"], &changed["status_id"]),
            (200, &high["priorityid"], &json!(2)),
            "{changed}"
        );
        let (_, moved) = rig.act("ticket.move", &json!({ "ticket_id": id, "client": "Fabrikam Logistics" }));
        assert_eq!((&moved["client_id"], &moved["user_name"]), (&json!(rig.client(2)), &json!("General User")));
        let sites = rig.ok(&format!("/Site?client_id={}", rig.client(2)));
        assert_eq!(moved["site_id"], sites["sites"][0]["id"]);
        assert_eq!(rig.act("ticket.update", &json!({ "ticket_id": id, "status": "No such" })).0, 400);
        assert_eq!(rig.act("ticket.note", &json!({ "ticket_id": 5 })).0, 404);
        assert_eq!(rig.act("no.such", &json!({ "ticket_id": id })).0, 400);
    });
}

#[test]
fn merging_closes_one_ticket_into_the_other() {
    both(|mut rig| {
        let (from, into) = (rig.new_id(), rig.new_id());
        assert_eq!(rig.act("ticket.merge", &json!({ "from": from, "into": into })).0, 200);
        let gone = rig.ok(&format!("/Tickets/{from}"));
        assert_eq!((&gone["merged_into_id"], &gone["hasbeenclosed"]), (&json!(into), &json!(true)));
        assert_eq!(rig.ok(&format!("/Tickets/{into}"))["merged_into_id"], 0);
        let note = rig.ok(&format!("/Actions?ticket_id={into}&count=1"))["actions"][0].clone();
        assert!(
            note["note"].as_str().unwrap().contains(&from.to_string()) && note["action_systemid"].as_i64().unwrap() > 0
        );
        assert_eq!(rig.act("ticket.merge", &json!({ "from": from, "into": from })).0, 400);
    });
}

#[test]
fn a_user_answers_by_mail_and_the_state_shows_it_all() {
    both(|mut rig| {
        let own = rig.ok(&format!("/Users?client_id={}&search=pat", rig.client(0)))["users"][0].clone();
        let id = rig.ticket(&json!({ "user_id": own["id"] }))["id"].as_i64().unwrap();
        rig.act("ticket.mail", &json!({ "ticket_id": id, "html": "<p>help</p>" }));
        let mail = rig.ok(&format!("/Actions/2?ticket_id={id}"));
        assert_eq!(
            (&mail["who"], &mail["who_type"], &mail["emaildirection"]),
            (&json!("Pat Morgan"), &json!(2), &json!("I"))
        );
        assert_eq!(
            (&mail["emailfrom"], &mail["actionby_user_id"], &mail["who_agentid"]),
            (&own["emailaddress"], &own["id"], &json!(0))
        );
        rig.act("ticket.delete", &json!({ "ticket_id": id }));
        let state = rig.halo.state();
        assert_eq!(
            (&state["tickets"][0]["id"], &state["tickets"][0]["deleted"], &state["tickets"][0]["status_name"]),
            (&json!(id), &json!(true), &json!("New"))
        );
        assert_eq!(ids(&state["tickets"][0]["actions"]), vec![1, 2]);
    });
}

#[test]
fn ten_thousand_tickets_are_listed_by_change_without_reading_all() {
    both(|mut rig| {
        rig.halo.set_limits(halobridge::twin::limits::Limits::Off);
        for _ in 0..20 {
            let many: Vec<_> =
                (0..500).map(|n| json!({ "summary": format!("t{n}"), "client_id": rig.client(0) })).collect();
            rig.post("/Tickets", &json!(many));
        }
        rig.advance(60);
        let last = rig.new_id();
        let list =
            rig.ok("/Tickets?pageinate=true&page_size=100&page_no=1&lastupdatefromdate=2026-11-21T10:00:30.000000Z");
        assert_eq!((&list["record_count"], ids(&list["tickets"])), (&json!(1), vec![last]));
        assert_eq!(
            rig.ok("/Tickets?pageinate=true&page_size=100&page_no=101&order=id")["tickets"].as_array().unwrap().len(),
            1
        );
    });
}
