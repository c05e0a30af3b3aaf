use halobridge::twin::options::Product;
use serde_json::{Value, json};

use super::{both, ids};

#[test]
fn bare_arrays_and_envelopes_are_where_halo_has_them() {
    both(|mut rig| {
        for (path, key) in [("/Client", "clients"), ("/Site", "sites"), ("/Users", "users")] {
            let body = rig.ok(path);
            assert_eq!(body["record_count"], body[key].as_array().unwrap().len(), "{path}");
        }
        for path in [
            "/TicketType",
            "/Status",
            "/Priority",
            "/SLA",
            "/Team",
            "/Category",
            "/Outcome",
            "/FieldInfo",
            "/Lookup?lookupid=12",
            "/Webhook",
        ] {
            assert!(rig.ok(path).is_array(), "{path}");
        }
        // Bare-array endpoints ignore paging.
        let all = rig.ok("/Status").as_array().unwrap().len();
        assert_eq!(rig.ok("/Status?pageinate=true&page_size=1&page_no=2").as_array().unwrap().len(), all);
        assert_eq!(rig.get("/CustomField").0, 404);
        assert_eq!(rig.get("/Client/999999").0, 404);
    });
}

#[test]
fn agents_come_in_either_shape() {
    both(|mut rig| {
        let usual = rig.ok("/Agent");
        assert!(usual.is_array());
        assert!(rig.ok("/Agent?includedetails=true")["results"].is_array());
        rig.switch("agents_shape", "results");
        assert!(rig.ok("/agent")["results"].is_array());
        rig.switch("agents_shape", "array");
        let plain = rig.ok("/Agent");
        let names: Vec<&str> = plain.as_array().unwrap().iter().map(|a| a["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["Amira Haddad", "Jonas Weber", "Li Chen"], "no unassigned, API-only or disabled agents");
        let all = rig.ok("/Agent?includeunassigned=TRUE&includedisabled=true&includeapiagents=True");
        assert_eq!(all.as_array().unwrap().len(), 6);
        assert_eq!(all[0]["id"], 1);
        let me = rig.ok("/Agent/me");
        assert_eq!(me["name"], "Sentinel Bridge API");
        assert!(plain[0]["teams"][0]["team_name"].is_string());
    });
}

#[test]
fn clients_sites_and_users_hang_together() {
    both(|mut rig| {
        let clients = rig.ok("/Client?includeactive=true&pageinate=true&page_size=2&page_no=1");
        assert_eq!((&clients["record_count"], clients["clients"].as_array().unwrap().len()), (&json!(4), 2));
        assert_eq!((&clients["clients"][0]["id"], &clients["clients"][0]["name"]), (&json!(1), &json!("Unknown")));
        let id = rig.client(0);
        let sites = rig.ok(&format!("/Site?client_id={id}"));
        assert_eq!(sites["record_count"], 1);
        assert_eq!(sites["sites"][0]["client_id"].to_string(), format!("{id}.0"), "a decimal there");
        assert!(sites["sites"][0]["delivery_address_line1"].is_string());
        let users = rig.ok(&format!("/Users?client_id={id}&search=morgan"));
        assert_eq!(users["users"][0]["emailaddress"], "pat.morgan@northwindtraders.example");
        let one = rig.ok(&format!("/Client/{id}?includedetails=true"));
        assert_eq!(one["main_site_id"], sites["sites"][0]["id"]);
        assert_eq!(rig.ok("/Client?search=contoso")["record_count"], 1);
    });
}

#[test]
fn priorities_are_per_sla_with_a_useless_guid() {
    both(|mut rig| {
        let kind = rig.ok(&format!("/TicketType/{}?includedetails=true", rig.security_type()));
        assert!(!kind["fields"].as_array().unwrap().is_empty());
        let sla = kind["default_sla"].as_i64().unwrap();
        let rows = rig.ok(&format!("/Priority?slaid={sla}"));
        assert_eq!(rows.as_array().unwrap().len(), 5);
        assert!(
            rows.as_array()
                .unwrap()
                .iter()
                .all(|row| row["id"].as_str().unwrap().len() == 36 && row["priorityid"].is_i64())
        );
        assert!(rig.ok("/Priority").as_array().unwrap().len() > 5);
        let slas = rig.ok("/SLA?showpriorities=true");
        assert!(
            slas.as_array().unwrap().iter().any(|s| s["id"] == sla && s["priorities"].as_array().unwrap().len() == 5)
        );
        assert!(rig.ok("/SLA")[0].get("priorities").is_none());
        assert_eq!(rig.ok(&format!("/SLA/{sla}"))["id"], sla);
        let guid = rows[0]["id"].as_str().unwrap().to_owned();
        assert_eq!(rig.ok(&format!("/Priority/{guid}"))["priorityid"], rows[0]["priorityid"]);
    });
}

#[test]
fn a_priority_asked_for_by_its_number_is_the_one_of_that_number() {
    both(|mut rig| {
        let rows = rig.ok("/Priority");
        for row in rows.as_array().unwrap() {
            let (number, sla) = (&row["priorityid"], &row["slaid"]);
            assert_eq!(&rig.ok(&format!("/Priority/{number}?slaid={sla}")), row);
            let first = rows.as_array().unwrap().iter().find(|one| &one["priorityid"] == number).unwrap();
            assert_eq!(&rig.ok(&format!("/Priority/{number}")), first, "of whichever SLA");
        }
        assert_eq!(rig.get("/Priority/999").0, 404);
        assert_eq!(rig.get("/Priority/1?slaid=999").0, 404);
    });
}

#[test]
fn closed_statuses_show_only_by_difference() {
    both(|mut rig| {
        let all = rig.ok("/Status");
        let open = ids(&rig.ok("/Status?excludeclosed=true"));
        let closed: Vec<i64> = ids(&all).into_iter().filter(|id| !open.contains(id)).collect();
        assert!(closed.contains(&9) && !closed.contains(&1) && !closed.contains(&8), "{closed:?}");
        assert!(all.as_array().unwrap().iter().all(|s| s.get("_closed").is_none() && s["type"].is_i64()));
        assert!(all.as_array().unwrap().iter().any(|s| s["type"] != 0), "statuses of other objects are in the list");
    });
}

#[test]
fn fields_outcomes_and_pick_lists_are_what_a_set_up_needs() {
    both(|mut rig| {
        let fields = rig.ok("/FieldInfo?iscustomfieldsetup=true");
        let find =
            |name: &str| fields.as_array().unwrap().iter().find(|f| f["name"] == name).cloned().unwrap_or(Value::Null);
        for name in [
            "CFSentinelIncidentId",
            "CFSentinelIncidentNumber",
            "CFSentinelSeverity",
            "CFSentinelLink",
            "CFSentinelClassification",
        ] {
            assert!(find(name)["id"].is_i64(), "{name}");
        }
        assert!(find("CFSentinelSeverity").get("values").is_none());
        let with = rig.ok("/FieldInfo?includevalues=true");
        let class = with.as_array().unwrap().iter().find(|f| f["name"] == "CFSentinelClassification").unwrap().clone();
        assert!(class["values"].as_array().unwrap().len() >= 4 && class["type"] == 2);
        let one = rig.ok(&format!("/FieldInfo/{}", class["id"]));
        assert_eq!(one["values"], class["values"]);

        let outcomes = rig.ok("/Outcome?excludesystemactions=true");
        assert!(
            outcomes
                .as_array()
                .unwrap()
                .iter()
                .all(|o| o["systemid"] == 0 && o["labellong"].is_string() && o["icon"].is_string())
        );
        assert!(rig.ok("/Outcome").as_array().unwrap().len() > outcomes.as_array().unwrap().len());
        for list in [12, 22, 27, 11] {
            assert!(!rig.ok(&format!("/Lookup?lookupid={list}")).as_array().unwrap().is_empty(), "{list}");
        }
        assert!(rig.ok("/Category?type_id=1").as_array().unwrap().iter().any(|c| c["value"] == "Security>Phishing"));
        assert_eq!(rig.ok("/Health")["status"], "Healthy");
        let product = rig.ok("/InstanceInfo")["product"].clone();
        assert_eq!(product, if rig.product == Product::Itsm { "HaloITSM" } else { "HaloPSA" });
    });
}

#[test]
fn modules_of_the_other_product_are_not_there() {
    both(|mut rig| {
        let psa = rig.product == Product::Psa;
        assert_eq!(rig.get("/Invoice").0, if psa { 200 } else { 404 });
        assert_eq!(rig.get("/ClientContract").0, if psa { 200 } else { 404 });
        assert_eq!(rig.get("/Release").0, if psa { 404 } else { 200 });
        assert_eq!(rig.ok("/Appointment")["appointments"], json!([]));
    });
}

#[test]
fn paths_and_query_names_ignore_letter_case() {
    both(|mut rig| {
        for path in ["/tickets", "/TICKETS", "/Tickets"] {
            assert_eq!(rig.get(path).0, 200, "{path}");
        }
        let body = rig.ok("/client?PAGEINATE=True&Page_Size=1&PAGE_NO=2");
        assert_eq!(body["clients"].as_array().unwrap().len(), 1);
        assert_eq!(rig.ok("/Client?nonsense=1&client=none")["record_count"], 4, "unknown parameters are ignored");
    });
}

#[test]
fn records_are_written_by_posting_arrays() {
    both(|mut rig| {
        let (status, client) = rig.post("/Client", &json!([{ "name": "Coho Vineyard", "_closed": true }]));
        assert_eq!((status, &client["name"]), (201, &json!("Coho Vineyard")), "{client}");
        assert!(client.get("_closed").is_none());
        let (_, site) = rig.post("/Site", &json!([{ "name": "Cellar", "client_id": client["id"] }]));
        let (_, user) = rig.post(
            "/Users",
            &json!([{ "name": "Ada North", "site_id": site["id"], "emailaddress": "ada@coho.example" }]),
        );
        assert_eq!((&user["client_id"], &user["client_name"]), (&client["id"], &json!("Coho Vineyard")));
        let (_, changed) = rig.post("/Client", &json!([{ "id": client["id"], "inactive": true }]));
        assert_eq!((&changed["name"], &changed["inactive"]), (&json!("Coho Vineyard"), &json!(true)));
        let id = client["id"].as_i64().unwrap();
        assert!(!ids(&rig.ok("/Client")["clients"]).contains(&id));
        assert_eq!(ids(&rig.ok("/Client?includeinactive=true&includeactive=false")["clients"]), vec![id]);
        assert_eq!(rig.ok("/Client?issentinel=true")["record_count"], 0);
        rig.post("/Client", &json!([{ "id": id, "inactive": false, "sentinel_workspace_name": "law-coho" }]));
        assert_eq!(ids(&rig.ok("/Client?issentinel=true")["clients"]), vec![id]);
        assert_eq!(rig.ticket(&json!({ "user_id": user["id"], "client_id": id }))["site_id"], site["id"]);
        assert_eq!(rig.post("/Client", &json!([{ "id": 77_777, "name": "x" }])).0, 400);
        assert_eq!(rig.post("/Client", &json!([{}])).0, 400);
        assert_eq!(rig.delete(&format!("/users/{}", user["id"])).1["id"], user["id"]);
        let (_, next) = rig.post("/Users", &json!([{ "name": "Bo East", "client_id": id }]));
        assert_ne!(next["id"], user["id"], "a number is not given twice");
        assert_eq!(rig.delete("/Client/1").0, 400);
        assert_eq!(rig.post("/Appointment", &json!([{ "subject": "call" }])).1["id"], 1);
        assert_eq!(rig.post("/NoSuchModule", &json!([{}])).0, 404);
    });
}

#[test]
fn modules_that_public_clients_ask_for_answer_in_their_shape() {
    both(|mut rig| {
        let psa = rig.product == halobridge::twin::options::Product::Psa;
        for (path, key, in_both) in [
            ("/Projects", "tickets", false),
            ("/TopLevel", "toplevels", true),
            ("/Currency", "", false),
            ("/Workday", "", true),
            ("/Field", "", true),
            ("/Roles", "", true),
            ("/CustomTable", "", true),
            ("/Workflow", "", true),
        ] {
            let (status, body) = rig.get(path);
            if !psa && !in_both {
                assert_eq!(status, 404, "{path}");
                continue;
            }
            assert_eq!(status, 200, "{path}");
            let list = if key.is_empty() {
                body.clone()
            } else {
                assert!(body["record_count"].as_u64().is_some(), "{path}: {body}");
                body[key].clone()
            };
            let first = &list[0];
            assert!(first["id"].is_i64() && !super::ids(&list).is_empty(), "{path}: {body}");
            let named = ["name", "summary"].iter().any(|member| first[*member].as_str().is_some_and(|t| !t.is_empty()));
            assert!(named, "{path}: {first}");
            assert_eq!(rig.get(&format!("{path}/{}", first["id"])).0, 200, "{path}");
        }
    });
}

/// The paths of Halo's own description: a module that holds nothing answers an empty list.
#[test]
fn modules_have_halos_own_paths() {
    both(|mut rig| {
        let psa = rig.product == Product::Psa;
        for path in [
            "/AssetType",
            "/AssetGroup",
            "/TicketRules",
            "/Tabs",
            "/ViewLists",
            "/ViewColumns",
            "/ViewFilter",
            "/ViewListGroup",
            "/DashboardLinks",
            "/FAQLists",
            "/Control",
            "/CustomButton",
            "/BillingTemplate",
            "/AzureADConnection",
            "/Timesheet",
        ] {
            assert_eq!(rig.ok(path), json!([]), "{path}");
        }
        for (path, key) in [
            ("/Service", "services"),
            ("/SoftwareLicence", "licences"),
            ("/CRMNote", "actions"),
            ("/PurchaseOrder", "purchaseorders"),
        ] {
            assert_eq!(rig.ok(path)[key], json!([]), "{path}");
        }
        assert_eq!(rig.ok("/CustomTable").as_array().unwrap().len(), 2);
        assert_eq!(rig.get("/CAB").0, if psa { 404 } else { 200 });
        for invented in ["/Role", "/ChangeAdvisoryBoard"] {
            assert_eq!(rig.get(invented).0, 404, "{invented}");
        }
    });
}

#[test]
fn an_item_of_a_pick_list_is_read_by_its_number_and_its_list() {
    both(|mut rig| {
        let all = rig.ok("/Lookup?lookupid=12");
        let first = all[0].clone();
        assert_eq!(rig.ok(&format!("/Lookup/{}?lookupid=12", first["id"])), first);
        assert_eq!(rig.get("/Lookup/99999?lookupid=12").0, 404);
    });
}

/// As a public client's own tests have it.
#[test]
fn an_agent_is_made_with_a_name_and_keeps_what_agents_have() {
    both(|mut rig| {
        let everyone = rig.ok("/Agent?showall=true");
        assert_eq!(everyone.as_array().unwrap().len(), 6, "the unassigned, the disabled and the application's too");
        let last = ids(&everyone).into_iter().max().unwrap();
        let sent = json!([{ "name": "Automated Testing", "isdisabled": false, "email": "testing@contoso.example" }]);
        let (status, made) = rig.post("/Agent", &sent);
        assert_eq!((status, &made["name"], made["id"].as_i64()), (201, &json!("Automated Testing"), Some(last + 1)));
        assert!(made["colour"].as_str().is_some_and(|colour| !colour.is_empty()), "{made}");
        assert_eq!(made["use"], "agent");
        assert_eq!(rig.ok(&format!("/Agent/{}", last + 1))["name"], "Automated Testing");
        for path in ["/Agent", "/Team", "/TicketType", "/Status", "/Category", "/Outcome", "/FieldInfo"] {
            let (status, body) = rig.post(path, &json!([{ "email": "testing@contoso.example" }]));
            assert_eq!(status, 400, "{path}: {body}");
        }
        assert_eq!(rig.post("/Team", &json!([{ "name": "Night Shift" }])).0, 201);
        assert_eq!(rig.post("/Outcome", &json!([{ "outcome": "Called Back" }])).0, 201);
    });
}
