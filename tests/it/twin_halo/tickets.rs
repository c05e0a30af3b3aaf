use serde_json::{Value, json};

use super::{both, json_of};

const EMPTY: &str = "1900-01-01T00:00:00";

#[test]
fn only_an_array_of_objects_is_taken() {
    both(|mut rig| {
        let (status, body) = rig.post("/Tickets", &json!({ "summary": "x" }));
        assert_eq!(status, 400);
        assert!(body.to_string().contains("requires a JSON array"), "{body}");
        for bad in [json!([]), json!([1]), json!("x")] {
            assert_eq!(rig.post("/Tickets", &bad).0, 400, "{bad}");
        }
        let token = rig.token.clone();
        assert_eq!(rig.raw("POST", "/Tickets", b"[{", &token).status, 400);
        assert_eq!(rig.post("/Tickets/Object", &json!({ "summary": "x" })).0, 201);
        assert_eq!(rig.halo.tickets().count(), 1);
    });
}

#[test]
fn a_create_answers_201_with_the_bare_object_in_post_spelling() {
    both(|mut rig| {
        let made = rig.ticket(
            &json!({ "details_html": "<p>One</p><p>two</p>", "category_1": "Security>Phishing", "no_such_member": 1 }),
        );
        let id = made["id"].as_i64().unwrap();
        assert!(id > 1000);
        assert_eq!(made["category1"], "Security>Phishing");
        assert!(
            made["lastupdate"].is_string() && made.get("last_update").is_none() && made.get("category_1").is_none()
        );
        assert!(made["useremail"].is_string() && made.get("user_email").is_none());
        let read = rig.ok(&format!("/Tickets/{id}?includedetails=true"));
        assert_eq!((&read["category_1"], &read["details"]), (&json!("Security>Phishing"), &json!("Onetwo")));
        assert_eq!(read["last_update"], "2026-11-21T10:00:00.25", "no zone");
        assert_eq!((&read["dateclosed"], &read["hasbeenclosed"]), (&json!(EMPTY), &json!(false)));
        assert_eq!(
            (&read["status_id"], &read["agent_id"], &read["team"]),
            (&json!(1), &json!(1), &json!(rig.security_team()))
        );
        for nested in ["client", "site", "user", "tickettype", "status", "agent", "priority"] {
            assert!(read[nested]["name"].is_string(), "{nested}");
        }
        assert!(read.get("no_such_member").is_none());
        assert!(rig.ok(&format!("/Tickets/{id}")).get("client").is_none());
        assert_eq!(rig.get("/Tickets/99999999").0, 404);
        assert_eq!(rig.get("/Tickets/none").0, 404);
    });
}

#[test]
fn several_posted_answer_with_the_last_or_with_all() {
    both(|mut rig| {
        let two = json!([{ "summary": "a" }, { "summary": "b" }]);
        assert_eq!(rig.post("/Tickets", &two).1["summary"], "b");
        let (_, all) = rig.post("/Tickets?returnall=true", &two);
        assert_eq!(all.as_array().unwrap().len(), 2);
        rig.switch("post_answer_array", "on");
        let (_, one) = rig.post("/Tickets", &two);
        assert_eq!((one.as_array().unwrap().len(), &one[0]["summary"]), (1, &json!("b")));
        assert_eq!(rig.halo.tickets().count(), 6);
    });
}

#[test]
fn an_update_changes_only_what_was_sent() {
    both(|mut rig| {
        let made = rig.ticket(&json!({ "details": "kept", "impact": 2, "team": rig.security_team() }));
        let id = made["id"].as_i64().unwrap();
        rig.advance(60);
        let (status, answer) = rig.post("/Tickets", &json!([{ "id": id, "status_id": 2 }]));
        assert_eq!((status, &answer["id"], &answer["status_id"]), (201, &json!(id), &json!(2)));
        let read = rig.ok(&format!("/Tickets/{id}"));
        for member in
            ["summary", "details", "client_id", "priority_id", "impact", "tickettype_id", "dateoccurred", "team"]
        {
            assert_eq!(read[member], made[member], "{member}");
        }
        assert_eq!(read["last_update"], "2026-11-21T10:01:00.25");
        assert_eq!(read["lastactiondate"], "2026-11-21T10:00:00.25", "an update is no action");
        assert_eq!(rig.halo.tickets().count(), 1);
        assert_eq!(rig.post("/Tickets", &json!([{ "id": 0, "summary": "new" }])).0, 201, "an id of 0 creates");
        assert_eq!(rig.halo.tickets().count(), 2);
    });
}

#[test]
fn an_update_of_what_is_not_there_is_refused() {
    both(|mut rig| {
        let (status, body) = rig.post("/Tickets", &json!([{ "id": 424_242, "status_id": 2 }]));
        assert_eq!((status, body.as_object().unwrap().len()), (400, 1));
        rig.switch("unknown_ticket_404", "on");
        assert_eq!(rig.post("/Tickets", &json!([{ "id": 424_242, "status_id": 2 }])).0, 404);
        rig.switch("unknown_ticket_404", "off");
        rig.switch("update_needs_type_and_client", "on");
        let id = rig.new_id();
        let (status, body) = rig.post("/Tickets", &json!([{ "id": id, "status_id": 2 }]));
        assert!(status == 400 && body.to_string().contains("Record not found"), "{body}");
        let whole =
            json!([{ "id": id, "status_id": 2, "tickettype_id": rig.security_type(), "client_id": rig.client(0) }]);
        assert_eq!(rig.post("/Tickets", &whole).0, 201);
    });
}

#[test]
fn ids_must_be_whole_numbers() {
    both(|mut rig| {
        let token = rig.token.clone();
        let reply = rig.raw("POST", "/Tickets", b"[{\"summary\":\"x\",\"client_id\":95.0}]", &token);
        let body = json_of(&reply);
        assert_eq!((reply.status, body["[0].client_id"].as_array().map(Vec::len)), (400, Some(1)), "{body}");
        let (_, body) = rig.post("/Tickets?x=1", &json!([{ "summary": "a" }, { "summary": "b", "status_id": "two" }]));
        assert!(body.get("[1].status_id").is_some(), "{body}");
        let (status, made) = rig
            .post("/Tickets", &json!([{ "summary": "a", "client_id": rig.client(1).to_string(), "agent_id": null }]));
        assert_eq!((status, &made["client_id"]), (201, &json!(rig.client(1))), "whole numbers as text pass");
    });
}

#[test]
fn what_does_not_belong_together_lands_on_unknown() {
    both(|mut rig| {
        assert_eq!(rig.ticket(&json!({ "client_id": 987_654 }))["client_id"], 1);
        let foreign = rig.ok(&format!("/Site?client_id={}", rig.client(1)))["sites"][0]["id"].clone();
        let made = rig.ticket(&json!({ "site_id": foreign }));
        assert_eq!(
            (&made["client_id"], &made["client_name"], &made["user_name"]),
            (&json!(1), &json!("Unknown"), &json!("General User"))
        );
        let own = rig.ok(&format!("/Users?client_id={}&search=pat", rig.client(0)))["users"][0].clone();
        let made = rig.ticket(&json!({ "user_id": own["id"] }));
        assert_eq!(
            (&made["user_id"], &made["site_id"], &made["useremail"]),
            (&own["id"], &own["site_id"], &own["emailaddress"])
        );
        let made = rig
            .ticket(&json!({ "userlookup": { "id": -1, "lookupdisplay": "Enter Details Manually" }, "usertype": 1 }));
        assert_eq!((&made["user_name"], &made["client_id"]), (&json!("General User"), &json!(rig.client(0))));
        assert_eq!(rig.ticket(&json!({ "users_name": "sam okafor" }))["user_name"], "Sam Okafor");
        rig.switch("unknown_client_refused", "on");
        let (status, body) = rig.post("/Tickets", &json!([{ "summary": "x", "client_id": 987_654 }]));
        assert!(status == 400 && body["Message"].is_string(), "{body}");
    });
}

#[test]
fn priority_belongs_to_the_sla_and_team_goes_by_name() {
    both(|mut rig| {
        let sla = rig.ticket(&json!({}))["sla_id"].as_i64().unwrap();
        let rows = rig.ok(&format!("/Priority?slaid={sla}"));
        let last = rows.as_array().unwrap().last().unwrap()["priorityid"].clone();
        assert_eq!(rig.ticket(&json!({ "priority_id": last }))["priority_id"], last);
        // That one is not in the other SLA.
        let made = rig.ticket(&json!({ "priority_id": last, "tickettype_id": 1 }));
        assert_eq!(made["priority_id"], 3, "falls back to the type's default");
        assert_eq!(rig.ticket(&json!({ "priority_id": 77 }))["priority_id"], 3);
        rig.switch("bad_priority_refused", "on");
        assert_eq!(rig.post("/Tickets", &json!([{ "summary": "x", "priority_id": 77 }])).0, 400);

        let teams = rig.ok("/Team");
        let (name, id) = (teams[0]["name"].as_str().unwrap().to_owned(), teams[0]["id"].clone());
        assert_eq!(rig.ticket(&json!({ "team": name }))["team"], name);
        assert_eq!(
            rig.ticket(&json!({ "team": id, "team_id": id }))["team"],
            rig.security_team(),
            "an id is not a name"
        );
        assert_eq!(rig.ticket(&json!({ "team": "No such" }))["team"], rig.security_team());
        rig.switch("team_id_accepted", "on");
        assert_eq!(rig.ticket(&json!({ "team_id": id }))["team"], name);
        rig.switch("unknown_ids_refused", "on");
        for item in [
            json!({ "team": "No such" }),
            json!({ "agent_id": 4711 }),
            json!({ "status_id": 4711 }),
            json!({ "tickettype_id": 4711 }),
        ] {
            let mut item = item;
            item["summary"] = "x".into();
            assert_eq!(rig.post("/Tickets", &json!([item])).0, 400, "{item}");
        }
    });
}

#[test]
fn mandatory_fields_hold_unless_validation_is_skipped() {
    both(|mut rig| {
        let (status, body) = rig.post("/Tickets", &json!([{ "details": "no subject" }]));
        assert!(status == 400 && body["Message"].as_str().unwrap().contains("is required"), "{body}");
        rig.switch("mandatory_fields", "CFSentinelSeverity,category_1");
        let (status, body) = rig.post("/Tickets", &json!([{ "summary": "x", "category_1": "Security" }]));
        assert!(status == 400 && body["Message"] == "Sentinel Severity is required", "{body}");
        assert_eq!(rig.post("/Tickets", &json!([{ "summary": "x", "_novalidate": true }])).0, 201);
        let field = rig.named("fields", "CFSentinelSeverity");
        let whole =
            json!([{ "summary": "x", "category_1": "Security", "customfields": [{ "id": field, "value": "1" }] }]);
        assert_eq!(rig.post("/Tickets", &whole).0, 201);
    });
}

#[test]
fn a_template_overwrites_unless_told_not_to() {
    both(|mut rig| {
        let kind = rig.named("ticket_types", "Phishing Report");
        let sent = json!({ "tickettype_id": kind, "priority_id": 1, "agent_id": 3, "status_id": 2 });
        let made = rig.ticket(&sent);
        assert_eq!((&made["priority_id"], &made["agent_id"], &made["status_id"]), (&json!(4), &json!(1), &json!(1)));
        let mut kept = sent.clone();
        kept["donotapplytemplateintheapi"] = true.into();
        let made = rig.ticket(&kept);
        assert_eq!((&made["priority_id"], &made["agent_id"], &made["status_id"]), (&json!(1), &json!(3), &json!(2)));
        rig.switch("template_on_security_type", "on");
        assert_eq!(rig.ticket(&json!({ "priority_id": 1 }))["priority_id"], 3);
    });
}

#[test]
fn closing_and_reopening_leave_their_marks() {
    both(|mut rig| {
        let id = rig.new_id();
        rig.advance(30);
        let (_, closed) = rig.post("/Tickets", &json!([{ "id": id, "status_id": 9 }]));
        assert_eq!((&closed["hasbeenclosed"], &closed["dateclosed"]), (&json!(true), &json!("2026-11-21T10:00:30.25")));
        let (_, open) = rig.post("/Tickets", &json!([{ "id": id, "status_id": 2 }]));
        assert_eq!((&open["hasbeenclosed"], &open["dateclosed"]), (&json!(false), &json!(EMPTY)));
        let (_, resolved) = rig.post("/Tickets", &json!([{ "id": id, "status_id": 8 }]));
        assert_eq!(resolved["hasbeenclosed"], false, "resolved is not closed");
        rig.switch("mandatory_closure", "CFSentinelClassification");
        let (status, body) = rig.post("/Tickets", &json!([{ "id": id, "status_id": 9 }]));
        assert!(status == 400 && body["Message"].as_str().unwrap().contains("Sentinel Classification"), "{body}");
        let action = json!([{ "ticket_id": id, "outcome": "Close", "note": "done" }]);
        assert_eq!(rig.post("/Actions", &action).0, 400);
        rig.switch("mandatory_closure", "");
        rig.switch("close_ignored", "on");
        let (status, body) = rig.post("/Tickets", &json!([{ "id": id, "status_id": 9 }]));
        assert_eq!((status, &body["status_id"]), (201, &json!(8)), "succeeds and changes nothing");
    });
}

#[test]
fn custom_fields_go_in_by_id_or_name_and_select_by_option() {
    both(|mut rig| {
        let severity = rig.named("fields", "CFSentinelSeverity");
        let tactics = rig.named("fields", "CFSentinelTactics");
        let flag = rig.named("fields", "CFSentinelSync");
        let made = rig.ticket(&json!({ "customfields": [
            { "id": severity, "value": 2 }, { "name": "CFSentinelIncidentId", "value": "abc" }, { "id": tactics, "value": "1,3,99" },
            { "id": flag, "value": true }, { "id": 999_999, "value": "x" },
        ] }));
        let id = made["id"].as_i64().unwrap();
        let read = rig.ok(&format!("/Tickets/{id}"));
        let field = |body: &Value, name: &str| {
            body["customfields"].as_array().unwrap().iter().find(|f| f["name"] == name).cloned().unwrap()
        };
        for body in [&made, &read] {
            assert_eq!(
                (
                    field(body, "CFSentinelSeverity")["value"].clone(),
                    field(body, "CFSentinelSeverity")["display"].clone()
                ),
                (json!("2"), json!("Medium"))
            );
            assert_eq!(field(body, "CFSentinelIncidentId")["value"], "abc");
            assert_eq!(field(body, "CFSentinelTactics")["display"], "Initial Access, Persistence");
            assert_eq!(field(body, "CFSentinelSync")["value"], true);
        }
        // A label is no option id, and a field not sent stays.
        rig.post("/Tickets", &json!([{ "id": id, "customfields": [{ "id": severity, "value": "High" }] }]));
        let read = rig.ok(&format!("/Tickets/{id}"));
        assert_eq!(field(&read, "CFSentinelSeverity")["value"], "2");
        assert_eq!(field(&read, "CFSentinelIncidentId")["value"], "abc");
        let listed = rig.ok("/Tickets");
        assert!(
            listed["tickets"][0].get("customfields").is_none() && listed["tickets"][0].get("details_html").is_none()
        );
        let listed = rig.ok(&format!("/Tickets?include_custom_fields={severity},{tactics}"));
        assert_eq!(listed["tickets"][0]["customfields"].as_array().unwrap().len(), 2);
    });
}

#[test]
fn creates_at_the_same_time_fail() {
    both(|mut rig| {
        rig.switch("concurrent_create_ms", "50");
        rig.new_id();
        let (status, body) = rig.post("/Tickets", &json!([{ "summary": "second" }]));
        assert_eq!((status, rig.halo.tickets().count()), (500, 1), "{body}");
        let id = rig.halo.tickets().next().unwrap().id;
        assert_eq!(rig.post("/Tickets", &json!([{ "id": id, "status_id": 2 }])).0, 201, "updates do not collide");
        rig.advance(1);
        assert_eq!(rig.post("/Tickets", &json!([{ "summary": "third" }])).0, 201);
    });
}

#[test]
fn numbers_and_empty_dates_take_other_spellings() {
    both(|mut rig| {
        let id = rig.new_id();
        rig.switch("numbers", "float");
        let token = rig.token.clone();
        let text = String::from_utf8(rig.raw("GET", &format!("/Tickets/{id}"), b"", &token).body.to_vec()).unwrap();
        assert!(text.contains(&format!("\"id\":{id}.0")) && text.contains("\"status_id\":1.0"), "{text}");
        rig.switch("numbers", "text");
        assert_eq!(rig.ok(&format!("/Tickets/{id}"))["status_id"], "1");
        rig.switch("numbers", "mixed");
        let read = rig.ok(&format!("/Tickets/{id}"));
        let kinds: std::collections::BTreeSet<&str> =
            ["id", "client_id", "site_id", "user_id", "status_id", "priority_id"]
                .iter()
                .map(|m| {
                    if read[*m].is_string() {
                        "text"
                    } else if read[*m].is_i64() {
                        "int"
                    } else {
                        "float"
                    }
                })
                .collect();
        assert_eq!(kinds.len(), 3, "{read}");
        rig.switch("empty_date", "1899-12-30T00:00:00");
        assert_eq!(rig.ok(&format!("/Tickets/{id}"))["dateclosed"], "1899-12-30T00:00:00");
        rig.switch("warn_on_success", "on");
        assert!(!rig.ticket(&json!({}))["_warning"].as_str().unwrap().is_empty());
    });
}

#[test]
fn reads_may_be_stale_without_nocache() {
    both(|mut rig| {
        rig.switch("stale_ms", "10000");
        rig.switch("list_stale_ms", "10000");
        let id = rig.new_id();
        assert_eq!(rig.get(&format!("/Tickets/{id}")).0, 404, "just made");
        assert_eq!(rig.get(&format!("/Tickets/{id}?nocache=true")).0, 200);
        assert_eq!(rig.ok("/Tickets?search=impossible")["record_count"], 0, "a look-up does not find it yet");
        rig.advance(11);
        assert_eq!(rig.ok("/Tickets?search=impossible")["record_count"], 1);
        rig.post("/Tickets", &json!([{ "id": id, "status_id": 2 }]));
        rig.advance(3);
        assert_eq!(rig.ok(&format!("/Tickets/{id}"))["status_id"], 1);
        assert_eq!(rig.ok("/Tickets")["tickets"][0]["status_id"], 1);
        assert_eq!(rig.ok(&format!("/Tickets/{id}?nocache=true"))["status_id"], 2);
        rig.advance(8);
        assert_eq!(rig.ok(&format!("/Tickets/{id}"))["status_id"], 2);
    });
}

#[test]
fn a_deleted_ticket_is_gone_from_reads_and_lists() {
    both(|mut rig| {
        let id = rig.new_id();
        let (status, body) = rig.delete(&format!("/Tickets/{id}?reason=test"));
        assert_eq!((status, &body["id"]), (200, &json!(id)));
        assert_eq!(rig.get(&format!("/Tickets/{id}")).0, 404);
        assert_eq!(rig.ok("/Tickets")["record_count"], 0);
        assert_eq!(rig.ok("/Tickets?deleted=true")["record_count"], 1);
        assert_eq!(rig.delete(&format!("/Tickets/{id}")).0, 404);
        assert_eq!(rig.post("/Tickets", &json!([{ "id": id, "status_id": 2 }])).0, 400);
        rig.switch("deleted_readable", "on");
        assert_eq!(rig.ok(&format!("/Tickets/{id}"))["deleted"], true);
    });
}

#[test]
fn foreign_keys_are_kept_and_found() {
    both(|mut rig| {
        let made = rig.ticket(&json!({
            "sentinel_id": "guid-1", "sentinel_display_id": 42, "third_party_id_string": "abc",
            "new_external_link": { "third_party_id": "inc-7", "third_party_type": 9, "third_party_url": "https://portal.example/7" },
        }));
        assert_eq!(
            (&made["sentinel_id"], &made["sentinel_display_id"], &made["third_party_id_string"]),
            (&json!("guid-1"), &json!(42), &json!("abc"))
        );
        let found = rig.ok("/ExternalLink?third_party_id=INC-7");
        assert_eq!(found[0]["halo_id"], made["id"]);
        assert_eq!(rig.ok("/ExternalLink?third_party_id=other"), json!([]));
    });
}

#[test]
fn a_ticket_is_read_with_the_nested_members_that_were_asked_for() {
    both(|mut rig| {
        let id = rig.ticket(&json!({"priority_id": 2}))["id"].as_i64().unwrap();
        let plain = rig.ok(&format!("/Tickets/{id}"));
        assert!(plain.get("agent").is_none() && plain.get("priority").is_none(), "{plain}");
        let seen = rig.ok(&format!("/Tickets/{id}?nocache=true&includeagent=true"));
        assert_eq!((&seen["agent"]["name"], &seen["agent_name"]), (&json!("Unassigned"), &json!("Unassigned")));
        assert!(seen["priority"]["name"].is_string() && seen["priority"]["priorityid"] == 2, "{}", seen["priority"]);
        assert!(seen.get("status").is_none() && seen.get("client").is_none());
        let seen = rig.ok(&format!("/Tickets/{id}?includestatus=true&includetickettype=true"));
        assert_eq!((&seen["status"]["name"], &seen["status_name"]), (&json!("New"), &json!("New")));
        assert_eq!(seen["tickettype"]["name"], "Security Incident");
        assert!(seen.get("agent").is_none());
    });
}

#[test]
fn below_a_record_there_is_nothing() {
    both(|mut rig| {
        let id = rig.new_id();
        for path in [format!("/Tickets/{id}/Actions"), format!("/Tickets/{id}/Attachments"), "/Client/1/Sites".into()] {
            assert_eq!(rig.get(&path).0, 404, "{path}");
        }
        assert_eq!(rig.post(&format!("/Tickets/{id}/Actions"), &json!([{"note": "x"}])).0, 404);
        assert_eq!(rig.get(&format!("/Tickets/{id}/")).0, 200, "a slash more does not matter");
    });
}
