use serde_json::{Value, json};

use super::{both, ids};

#[test]
fn numbers_run_per_ticket_from_the_system_action() {
    both(|mut rig| {
        let (a, b) = (rig.new_id(), rig.new_id());
        for id in [a, b] {
            rig.advance(1);
            let (status, made) =
                rig.post("/Actions", &json!([{ "ticket_id": id, "outcome": "Note", "note": "first" }]));
            assert_eq!((status, &made["id"], &made["ticket_id"]), (201, &json!(2), &json!(id)));
        }
        let list = rig.ok(&format!("/Actions?ticket_id={a}"));
        assert_eq!(
            (&list["ticket_id"], &list["record_count"], ids(&list["actions"])),
            (&json!(a), &json!(2), vec![2, 1]),
            "newest first"
        );
        let opened = &list["actions"][1];
        assert_eq!(opened["outcome"], "Opened");
        assert!(opened["action_systemid"].as_i64().unwrap() > 0);
        assert!(list["actions"][0].get("note_html").is_none());
        assert!(rig.ok(&format!("/Actions?ticket_id={a}&includehtmlnote=true"))["actions"][0]["note_html"].is_string());
        assert_eq!(ids(&rig.ok(&format!("/Actions?ticket_id={a}&excludesys=true"))["actions"]), vec![2]);
        assert_eq!(ids(&rig.ok(&format!("/Actions?ticket_id={a}&count=1"))["actions"]), vec![2]);
    });
}

#[test]
fn without_a_ticket_only_a_day_can_be_asked_for() {
    both(|mut rig| {
        let id = rig.new_id();
        rig.post("/Actions", &json!([{ "ticket_id": id, "outcome": "Note", "note": "x" }]));
        assert_eq!(rig.ok("/Actions")["actions"], json!([]));
        let day = rig.ok("/Actions?startdate=2026-11-21T00:00:00&enddate=2026-11-22T00:00:00");
        assert_eq!((day["actions"].as_array().unwrap().len(), &day["actions"][0]["ticket_id"]), (2, &json!(id)));
        assert_eq!(rig.ok("/Actions?startdate=2026-11-20T00:00:00&enddate=2026-11-22T00:00:00")["actions"], json!([]));
        assert_eq!(rig.get("/Actions/2").0, 400);
        assert_eq!(rig.ok(&format!("/Actions/2?ticket_id={id}"))["note"], "x");
        assert_eq!(rig.get(&format!("/Actions/9?ticket_id={id}")).0, 404);
    });
}

#[test]
fn an_outcome_is_compulsory_and_must_be_allowed() {
    both(|mut rig| {
        let id = rig.new_id();
        let (status, body) = rig.post("/Actions", &json!([{ "ticket_id": id, "note": "x" }]));
        assert_eq!(
            (status, &body["ClassName"], &body["Message"]),
            (400, &json!("System.Exception"), &json!("An Outcome must be entered for this Action"))
        );
        let denied = "You do not have access to this Action at the moment";
        let (status, body) =
            rig.post("/Actions", &json!([{ "ticket_id": id, "note": "x", "outcome": "Escalate to Supplier" }]));
        assert_eq!((status, &body["Message"]), (400, &json!(denied)));
        rig.switch("outcomes_denied", "private note");
        assert_eq!(
            rig.post("/Actions", &json!([{ "ticket_id": id, "note": "x", "outcome_id": rig.outcome("Private Note") }]))
                .1["Message"],
            denied
        );
        assert_eq!(rig.post("/Actions", &json!([{ "outcome": "Note", "note": "x" }])).0, 400);
        assert_eq!(rig.post("/Actions", &json!({ "ticket_id": id, "outcome": "Note", "note": "x" })).0, 400);
        let (_, body) = rig.post("/Actions", &json!([{ "ticket_id": 1.5, "outcome": "Note" }]));
        assert!(body.get("[0].ticket_id").is_some());
        assert_eq!(rig.halo.actions(id).count(), 1, "nothing was written");
    });
}

#[test]
fn the_author_is_the_bound_agent_and_the_application_is_named() {
    both(|mut rig| {
        let id = rig.new_id();
        let sent = json!([{ "ticket_id": id, "outcome": "Note", "note": "x", "who_agentid": 3, "agent_id": 3, "who": "Amira Haddad" }]);
        let (_, made) = rig.post("/Actions", &sent);
        assert_eq!((&made["who"], &made["who_type"]), (&json!("Sentinel Bridge API"), &json!(1)));
        assert_eq!((&made["who_agentid"], &made["actionby_agent_id"]), (&json!(2), &json!(2)));
        assert_eq!(made["actionby_application_id"], "Sentinel Bridge");
        rig.switch("who_impersonates", "on");
        assert_eq!(rig.post("/Actions", &sent).1["who"], "Amira Haddad");
        rig.switch("application_name_shown", "off");
        assert_eq!(rig.ok(&format!("/Actions/2?ticket_id={id}"))["actionby_application_id"], "");
    });
}

#[test]
fn the_note_is_cut_from_the_html() {
    both(|mut rig| {
        let id = rig.new_id();
        let (_, made) = rig.post("/Actions", &json!([{ "ticket_id": id, "outcome": "Private Note", "note": "ignored", "note_html": "<p>one</p><p>two &lt;3</p>" }]));
        assert_eq!(
            (&made["note"], &made["note_html"], &made["hiddenfromuser"]),
            (&json!("onetwo <3"), &json!("<p>one</p><p>two &lt;3</p>"), &json!(true))
        );
        let (_, made) = rig.post(
            "/Actions",
            &json!([{ "ticket_id": id, "outcome": "Private Note", "hiddenfromuser": false, "note": "a <b>\nc" }]),
        );
        assert_eq!(
            (&made["note"], &made["note_html"], &made["hiddenfromuser"]),
            (&json!("a <b>\nc"), &json!("a &lt;b&gt;<br>c"), &json!(false))
        );
        let public = rig.ok(&format!("/Actions?ticket_id={id}&excludeprivate=true&excludesys=true"));
        assert_eq!(public["record_count"], 1);
        let (_, mail) = rig.post(
            "/Actions",
            &json!([{ "ticket_id": id, "outcome": "Email User", "note": "hello", "emailto": "a@b.example" }]),
        );
        assert_eq!((&mail["emaildirection"], &mail["emailto"]), (&json!("O"), &json!("a@b.example")));
    });
}

#[test]
fn new_status_moves_the_ticket_and_status_id_does_not() {
    both(|mut rig| {
        let id = rig.new_id();
        rig.advance(5);
        rig.post(
            "/Actions",
            &json!([{ "ticket_id": id, "outcome": "Note", "note": "x", "status_id": 9, "new_status_id": 9 }]),
        );
        assert_eq!(rig.ok(&format!("/Tickets/{id}"))["status_id"], 1);
        let (_, made) = rig.post("/Actions", &json!([{ "ticket_id": id, "outcome": "Note", "note": "x", "new_status": 2, "new_agent": 4, "new_team": rig.security_team() }]));
        assert_eq!(
            (&made["old_status"], &made["new_status"], &made["new_status_name"]),
            (&json!(1), &json!(2), &json!("In Progress"))
        );
        let read = rig.ok(&format!("/Tickets/{id}"));
        assert_eq!(
            (&read["status_id"], &read["agent_id"], &read["dateassigned"]),
            (&json!(2), &json!(4), &json!("2026-11-21T10:00:05.25"))
        );
        rig.post("/Actions", &json!([{ "ticket_id": id, "outcome": "Close", "note": "done" }]));
        let read = rig.ok(&format!("/Tickets/{id}"));
        assert_eq!(
            (&read["status_id"], &read["hasbeenclosed"], &read["closure_agent_id"]),
            (&json!(9), &json!(true), &json!(2)),
            "the outcome carries the status"
        );
        assert_eq!(read["last_update"], "2026-11-21T10:00:05.25");
        rig.post("/Actions", &json!([{ "ticket_id": id, "outcome": "Note", "note": "x", "new_status": 1 }]));
        assert_eq!(rig.ok(&format!("/Tickets/{id}"))["hasbeenclosed"], false);
    });
}

#[test]
fn an_action_is_edited_in_place_and_deleted_by_ticket() {
    both(|mut rig| {
        let id = rig.new_id();
        rig.post("/Actions", &json!([{ "ticket_id": id, "outcome": "Note", "note": "x" }]));
        rig.advance(9);
        let (status, made) = rig.post("/Actions", &json!([{ "ticket_id": id, "id": 2, "note": "changed" }]));
        assert_eq!(
            (status, &made["id"], &made["note"], &made["outcome"]),
            (201, &json!(2), &json!("changed"), &json!("Note"))
        );
        assert_eq!(
            (&made["datetime"], &made["last_updated"]),
            (&json!("2026-11-21T10:00:00.25"), &json!("2026-11-21T10:00:09.25"))
        );
        assert_eq!(rig.ok(&format!("/Tickets/{id}"))["last_update"], "2026-11-21T10:00:09.25");
        assert_eq!(rig.post("/Actions", &json!([{ "ticket_id": id, "id": 7, "note": "none" }])).0, 400);
        let (status, body) = rig.delete("/Actions/2");
        assert!(status == 400 && body["Message"].as_str().unwrap().contains("ticket_id"), "{body}");
        assert_eq!(rig.delete(&format!("/Actions/2?ticket_id={id}")).0, 200);
        assert_eq!(rig.delete(&format!("/Actions/2?ticket_id={id}")).0, 404);
        let (_, next) = rig.post("/Actions", &json!([{ "ticket_id": id, "outcome": "Note", "note": "y" }]));
        assert_eq!(next["id"], 3, "a number is not given twice");
        let (_, all) = rig.post("/Actions?returnall=true", &json!([{ "ticket_id": id, "outcome": "Note", "note": "a" }, { "ticket_id": id, "outcome": "Note", "note": "b" }]));
        assert_eq!(
            all.as_array().unwrap().iter().map(|a| a["note"].clone()).collect::<Vec<Value>>(),
            vec![json!("a"), json!("b")]
        );
    });
}

#[test]
fn the_internal_note_has_its_stock_name_and_actions_every_member() {
    both(|mut rig| {
        let id = rig.new_id();
        for name in ["Internal Note", "Private Note"] {
            let (status, made) = rig.post("/Actions", &json!([{"ticket_id": id, "outcome": name, "note": "x"}]));
            assert_eq!((status, &made["hiddenfromuser"]), (201, &json!(true)), "{name}: {made}");
        }
        let (status, made) = rig.post("/Actions", &json!([{"ticket_id": id, "outcome_id": 7, "note": "x"}]));
        assert_eq!((status, &made["hiddenfromuser"]), (201, &json!(true)), "7 is the built-in internal note");
        // Members that a live-made client has as compulsory.
        for (member, empty) in [
            ("who_imgpath", json!("")),
            ("replied_to_ticket_id", json!(0)),
            ("replied_to_action_id", json!(0)),
            ("created_from_ticket_id", json!(0)),
            ("created_from_action_id", json!(0)),
            ("action_contract_id", json!(0)),
            ("actioncontractid", json!(0)),
            ("personal_unread", json!(false)),
            ("unread", json!(false)),
            ("translations", json!([])),
            ("on_behalf_of_name", json!("")),
            ("actisreadyforprocessing", json!(false)),
            ("travelisreadyforprocessing", json!(false)),
            ("actionprepayhours", json!(0.0)),
            ("actionprepayamount", json!(0.0)),
            ("actiontravelchargehours", json!(0.0)),
            ("travel_chargerate", json!(0)),
        ] {
            assert_eq!(made.get(member), Some(&empty), "{member}");
        }
    });
}

#[test]
fn an_action_with_attachments_is_refused_rather_than_stripped() {
    both(|mut rig| {
        let id = rig.new_id();
        let mut note = json!({ "ticket_id": id, "outcome": "Note", "note": "x", "attachments": [] });
        assert_eq!(rig.post("/Actions", &json!([note])).0, 201, "none is nothing");
        note["attachments"] = json!([{ "filename": "a.txt", "data_base64": "YQ==" }]);
        let (status, body) = rig.post("/Actions", &json!([note]));
        assert_eq!((status, &body["Message"]), (400, &json!("The twin keeps no attachments")));
        assert_eq!(rig.ok(&format!("/Actions?ticket_id={id}"))["record_count"], json!(2));
    });
}

/// The rule holds for what the API closes by a note as well; what a person closes on the screen stays closed.
#[test]
fn a_note_that_closes_ends_in_the_rules_status() {
    both(|mut rig| {
        rig.switch("close_becomes", "On Hold");
        let close = |id: i64, more: (&str, Value)| {
            let mut action = json!({ "ticket_id": id, "outcome": "Note", "note": "done" });
            action[more.0] = more.1;
            json!([action])
        };
        for more in [("new_status", json!(9)), ("outcome", json!("Close"))] {
            let id = rig.new_id();
            assert_eq!(rig.post("/Actions", &close(id, more)).0, 201);
            let ticket = rig.ok(&format!("/Tickets/{id}?includedetails=true"));
            assert_eq!(
                (&ticket["status"]["name"], &ticket["hasbeenclosed"]),
                (&json!("On Hold"), &json!(false)),
                "{ticket}"
            );
        }
        rig.switch("close_becomes", "");
        let id = rig.new_id();
        assert_eq!(rig.post("/Actions", &close(id, ("new_status", json!(9)))).0, 201);
        assert_eq!(rig.ok(&format!("/Tickets/{id}"))["hasbeenclosed"], true);
    });
}
