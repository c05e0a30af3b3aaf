use halobridge::twin::limits::Limits;
use serde_json::json;

use super::{both, ids};

#[test]
fn paging_works_only_with_pageinate_and_is_capped() {
    both(|mut rig| {
        rig.halo.set_limits(Limits::Off);
        let many: Vec<_> = (0..230).map(|n| json!({ "summary": format!("t{n}") })).collect();
        rig.post("/Tickets", &json!(many));
        let all = rig.ok("/Tickets?page_size=10&page_no=3");
        assert_eq!(
            (&all["record_count"], all["tickets"].as_array().unwrap().len()),
            (&json!(230), 230),
            "page_size alone is ignored"
        );
        let first = rig.ok("/Tickets?pageinate=true&page_size=500&page_no=1&order=id");
        assert_eq!(
            (&first["record_count"], first["tickets"].as_array().unwrap().len()),
            (&json!(230), 100),
            "trimmed without a word"
        );
        let mut seen = Vec::new();
        for page in 1..=4 {
            seen.extend(ids(
                &rig.ok(&format!("/Tickets?pageinate=True&page_size=100&page_no={page}&order=id"))["tickets"],
            ));
        }
        let mut sorted = seen.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!((seen.len(), &sorted), (230, &seen));
        assert_eq!(rig.ok("/Tickets?count=7")["tickets"].as_array().unwrap().len(), 7);
        let newest = ids(&rig.ok("/Tickets?order=id&orderdesc=true&count=1")["tickets"]);
        assert_eq!(newest.first(), seen.last());
        rig.switch("page_cap", "20");
        assert_eq!(rig.ok("/Tickets?pageinate=true&page_size=100")["tickets"].as_array().unwrap().len(), 20);
        rig.switch("page_repeats", "on");
        let two = ids(&rig.ok("/Tickets?pageinate=true&page_size=20&page_no=2&order=id")["tickets"]);
        assert_eq!(two, seen.iter().take(20).copied().collect::<Vec<_>>());
        rig.switch("record_count_lies", "on");
        assert_eq!(rig.ok("/Tickets?pageinate=true&page_size=20")["record_count"], 20);
    });
}

#[test]
fn filters_narrow_and_unknown_ones_do_nothing() {
    both(|mut rig| {
        let a =
            rig.ticket(&json!({ "summary": "Alpha beta", "details": "has MARKER-1 inside" }))["id"].as_i64().unwrap();
        let b = rig.ticket(&json!({ "client_id": rig.client(1), "tickettype_id": 1 }))["id"].as_i64().unwrap();
        let c = rig.ticket(&json!({ "status_id": 9 }))["id"].as_i64().unwrap();
        rig.post("/Actions", &json!([{ "ticket_id": b, "outcome": "Note", "note": "needle" }]));
        let (kind, client) = (rig.security_type(), rig.client(1));
        for (query, wanted) in [
            ("open_only=true".to_owned(), vec![b, a]),
            ("closed_only=TRUE".into(), vec![c]),
            ("includeclosed=0".into(), vec![b, a]),
            (format!("client_id={client}"), vec![b]),
            (format!("client_ids={client},{}", rig.client(0)), vec![c, b, a]),
            (format!("requesttype_id={kind}"), vec![c, a]),
            (format!("tickettype_id={kind}"), vec![c, b, a]),
            ("status_id=9".into(), vec![c]),
            ("status=1".into(), vec![b, a]),
            ("search=marker-1".into(), vec![a]),
            ("search=alpha".into(), vec![a]),
            ("search=needle".into(), vec![]),
            ("search=needle&searchactions=true".into(), vec![b]),
            ("search_summary=beta".into(), vec![a]),
            (format!("search_id={a}"), vec![a]),
            (format!("ticketids={c},{a},1"), vec![c, a]),
            (format!("searchthisticketid={b}"), vec![b]),
            ("thirdpartynumber=5".into(), vec![c, b, a]),
        ] {
            assert_eq!(ids(&rig.ok(&format!("/Tickets?{query}"))["tickets"]), wanted, "{query}");
        }
        // A match, not an equality: the front of the number is enough.
        let front: String = a.to_string().chars().take(3).collect();
        assert!(ids(&rig.ok(&format!("/Tickets?search_id={front}"))["tickets"]).len() >= 2);
        let advanced = |name: &str| {
            format!(
                "/Tickets?advanced_search=%5B%7B%22filter_name%22%3A%22{name}%22%2C%22filter_type%22%3A2%2C%22filter_value%22%3A%229%22%7D%5D"
            )
        };
        assert_eq!(ids(&rig.ok(&advanced("status_id"))["tickets"]), vec![c]);
        for refused in [advanced("customfield"), advanced("status_id").replace("%3A2%2C", "%3A1%2C")] {
            let (status, body) = rig.get(&refused);
            assert!(status == 400 && body["Message"] == "Invalid advanced search parameter", "{refused}: {body}");
        }
    });
}

#[test]
fn changes_are_found_by_time() {
    both(|mut rig| {
        let a = rig.new_id();
        rig.advance(60);
        let b = rig.new_id();
        rig.advance(60);
        let from = "2026-11-21T10:01:00.000000Z";
        assert_eq!(ids(&rig.ok(&format!("/Tickets?lastupdatefromdate={from}"))["tickets"]), vec![b]);
        rig.post("/Actions", &json!([{ "ticket_id": a, "outcome": "Private Note", "note": "x" }]));
        let list = rig.ok(&format!("/Tickets?lastupdatefromdate={from}&order=id"));
        assert_eq!(ids(&list["tickets"]), vec![a, b], "a private note moves last_update");
        assert_eq!(
            ids(&rig.ok("/Tickets?lastupdatefromdate=2026-11-21T10:02:00.25")["tickets"]),
            vec![a],
            "compares to the millisecond, from on"
        );
        assert_eq!(
            ids(
                &rig.ok(&format!("/Tickets?lastupdatefromdate={from}&lastupdatetodate=2026-11-21T10:01:30"))["tickets"]
            ),
            vec![b]
        );
        assert!(
            list["tickets"]
                .as_array()
                .unwrap()
                .iter()
                .all(|row| row["lastactiondate"].is_string() && row["itil_requesttype_id"].is_i64())
        );
        rig.switch("private_notes_move_last_update", "off");
        rig.advance(60);
        rig.post("/Actions", &json!([{ "ticket_id": b, "outcome": "Private Note", "note": "x" }]));
        assert!(ids(&rig.ok("/Tickets?lastupdatefromdate=2026-11-21T10:03:00")["tickets"]).is_empty());
        assert_eq!(rig.ok(&format!("/Tickets/{b}"))["lastactiondate"], "2026-11-21T10:03:00.25");
        rig.post("/Actions", &json!([{ "ticket_id": b, "outcome": "Note", "note": "x" }]));
        assert_eq!(ids(&rig.ok("/Tickets?lastupdatefromdate=2026-11-21T10:03:00")["tickets"]), vec![b]);
        assert_eq!(
            ids(
                &rig.ok("/Tickets?datesearch=dateoccured&startdate=2026-11-21T10:00:30&enddate=2026-11-21T10:01:30")["tickets"]
            ),
            vec![b]
        );
    });
}

#[test]
fn the_list_without_a_filter_is_a_default_view() {
    both(|mut rig| {
        let old = rig.ticket(&json!({ "status_id": 9 }))["id"].as_i64().unwrap();
        rig.advance(8 * 24 * 3600);
        rig.token = rig.sign_in("all").1["access_token"].as_str().unwrap().to_owned();
        let open = rig.new_id();
        let recent = rig.ticket(&json!({ "status_id": 9 }))["id"].as_i64().unwrap();
        assert_eq!(ids(&rig.ok("/Tickets")["tickets"]), vec![recent, open]);
        assert_eq!(ids(&rig.ok("/Tickets?closed_only=true")["tickets"]), vec![recent, old]);
        rig.switch("default_view", "off");
        assert_eq!(ids(&rig.ok("/Tickets")["tickets"]), vec![recent, open, old]);
    });
}

#[test]
fn rows_are_smaller_and_may_carry_more_when_asked() {
    both(|mut rig| {
        let id = rig.new_id();
        let row = rig.ok("/Tickets")["tickets"][0].clone();
        for member in ["customfields", "details_html", "status_name", "agent_name", "status", "client"] {
            assert!(row.get(member).is_none(), "{member}");
        }
        let row = rig.ok("/Tickets?includestatus=true&includelastaction=true")["tickets"][0].clone();
        assert_eq!((&row["status"]["name"], &row["last_action"]["outcome"]), (&json!("New"), &json!("Opened")));
        rig.new_id();
        assert!(
            rig.ok("/Tickets?includelastaction=true")["tickets"][0].get("last_action").is_none(),
            "only with one row"
        );
        let small = rig.ok(&format!("/Tickets?ticketidonly=true&ticketids={id}"))["tickets"][0].clone();
        assert_eq!((&small["id"], small.get("summary")), (&json!(id), None));
    });
}
