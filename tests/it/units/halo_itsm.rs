//! The adapter of Halo by its parts.

/// `src/halo_itsm/paging.rs`.
mod paging {
    use halobridge::halo_itsm::paging::rows;
    use serde_json::json;

    #[test]
    fn an_empty_list_may_be_left_out_and_what_is_no_list_is_none() {
        for (body, read) in [
            (json!({ "record_count": 1, "tickets": [{ "id": 1 }] }), Some(1)),
            (json!([{ "id": 1 }]), Some(1)),
            (json!({ "record_count": 1, "results": [{ "id": 1 }] }), Some(1)),
            (json!({ "record_count": 0 }), Some(0)),
            (json!({ "record_count": 0, "columns": [{ "id": 1 }] }), Some(0)),
            (json!({ "page_no": 1, "page_size": 100 }), Some(0)),
            (json!({ "page_no": 1, "page_size": 100, "columns": [{ "id": 1 }] }), Some(0)),
            (json!({ "tickets": null }), Some(0)),
            (json!({ "page_no": 1, "record_count": 5 }), None),
            (json!({ "error": "x" }), None),
            (json!({ "errors": ["The request is not valid."] }), None),
            (json!({ "errors": [{ "message": "The request is not valid." }] }), None),
            (json!({ "messages": ["The request is not valid."] }), None),
            (json!({ "results": [] }), None),
            (json!({ "results": [], "record_count": "0" }), Some(0)),
            (json!({ "results": [], "page_no": 1 }), Some(0)),
            (json!({ "results": [{ "id": 1 }], "errors": [] }), Some(1)),
            (json!({ "errors": [], "results": [{ "id": 1 }] }), Some(1)),
            (json!(["The request is not valid."]), None),
            (json!([]), Some(0)),
            (json!({}), None),
            (json!("text"), None),
        ] {
            assert_eq!(rows(body.clone(), "tickets").map(|(rows, _)| rows.len()), read, "{body}");
        }
    }
}

/// `src/halo_itsm/error.rs`.
mod error {
    use halobridge::halo_itsm::error::sentence;
    use serde_json::json;

    #[test]
    fn an_error_in_capitals_is_read_and_not_shown_as_it_came() {
        for (body, says) in [
            (json!({ "Error": { "Code": "X1", "Message": "The team is missing." } }), "The team is missing."),
            (json!({ "error": { "message": "No." } }), "No."),
            (json!({ "Message": "As ever." }), "As ever."),
            (json!({ "status": ["Not a number."] }), "status: Not a number."),
        ] {
            assert_eq!(sentence(&body).as_deref(), Some(says), "{body}");
        }
    }
}

/// `src/halo_itsm/read.rs`.
mod read {
    use halobridge::{
        domain::ids::TicketId,
        halo_itsm::read::{action, ticket},
    };
    use serde_json::json;

    #[test]
    fn a_zero_hides_no_id_that_another_member_tells() {
        for (who, by, agent) in [
            (json!(0), json!(12), Some(12)),
            (json!(null), json!("12"), Some(12)),
            (json!(7), json!(12), Some(7)),
            (json!(0), json!(0), None),
        ] {
            let row = json!({ "id": 2, "note": "n", "who_agentid": who, "actionby_agent_id": by });
            assert_eq!(action(&row, TicketId(1)).expect("an action").agent_id, agent, "{row}");
        }
        for (flat, nested, status) in [
            (json!(0), json!({ "id": 9 }), Some(9)),
            (json!(2), json!({ "id": 9 }), Some(2)),
            (json!(0), json!(null), Some(0)),
            (json!(null), json!({ "id": 0 }), None),
        ] {
            let row = json!({ "id": 5, "status_id": flat, "status": nested });
            assert_eq!(ticket(row.clone()).expect("a ticket").status_id, status, "{row}");
        }
    }

    #[test]
    fn a_note_that_does_not_say_whether_it_is_hidden_counts_as_hidden_and_says_so() {
        for (told, private, untold) in
            [(json!(true), true, false), (json!("false"), false, false), (json!(null), true, true)]
        {
            let read =
                action(&json!({ "id": 2, "hiddenfromuser": told, "note": "n" }), TicketId(1)).expect("an action");
            assert_eq!((read.private, read.privacy_untold), (private, untold), "{told}");
        }
    }

    #[test]
    fn an_agents_note_is_a_persons_though_it_is_of_a_built_in_kind() {
        for (number, outcome, outcome_id, agent, who, system) in [
            (2, "Private Note", 31, 4, "Ada", false),
            (2, " internal note ", 31, 4, "Ada", false),
            (2, "Interne Notiz", 7, 4, "Ada", false),
            (2, "Email User", 1, 4, "Ada", false),
            // Nothing but its name tells it from what Halo writes by itself.
            (2, "Notiz", 8, 4, "Ada", true),
            (2, "Changed", 51, 4, "Ada", true),
            (2, "Merged", 53, 4, "Ada", true),
            (2, "Private Note", 7, 1, "Unassigned", true),
            (2, "Private Note", 7, 0, "", true),
            (1, "Private Note", 7, 4, "Ada", true),
        ] {
            let row = json!({
                "id": number, "note": "n", "outcome": outcome, "outcome_id": outcome_id, "who_agentid": agent, "who": who,
                "action_systemid": 3,
            });
            assert_eq!(action(&row, TicketId(1)).expect("an action").system, system, "{row}");
        }
    }

    #[test]
    fn a_mails_own_words_count_where_the_note_is_empty() {
        for (row, note, html) in [
            (json!({ "id": 2, "note": "n", "emailbody": "m" }), "n", None),
            (json!({ "id": 2, "note": "", "note_html": "<p>n</p>", "emailbody": "m" }), "", Some("<p>n</p>")),
            (json!({ "id": 2, "note": " ", "note_html": "<p></p>", "emailbody": "m" }), "m", None),
            (json!({ "id": 2, "emailbody": "<p>m</p>" }), "", Some("<p>m</p>")),
            (json!({ "id": 2, "emailbody": "m", "emailbody_html": "<p>m</p>" }), "m", Some("<p>m</p>")),
        ] {
            let read = action(&row, TicketId(1)).expect("an action");
            assert_eq!((read.note.as_str(), read.note_html.as_deref()), (note, html), "{row}");
        }
    }

    #[test]
    fn markup_without_words_hides_no_note_and_is_none() {
        for (row, note, html, blank) in [
            (json!({ "id": 2, "note": "w", "note_html": "<p></p>" }), "w", None, false),
            (json!({ "id": 2, "note": "", "note_html": "<p><br>&nbsp;</p>" }), "", None, true),
            (
                json!({ "id": 2, "note": "", "note_html": "<p><img src=\"x\"></p>" }),
                "",
                Some("<p><img src=\"x\"></p>"),
                false,
            ),
        ] {
            let read = action(&row, TicketId(1)).expect("an action");
            assert_eq!((read.note.as_str(), read.note_html.as_deref()), (note, html), "{row}");
            assert_eq!(read.is_blank(), blank, "{row}");
        }
    }
}

/// `src/halo_itsm/probe.rs`.
mod probe {
    use halobridge::halo_itsm::probe::covers;

    #[test]
    fn scopes_cover_what_their_names_say() {
        for (granted, needed, open) in [
            ("all", "edit:tickets", true),
            ("all", "admin", true),
            ("all:standard", "read:customers", true),
            ("all:standard", "admin", false),
            ("read:tickets", "read:tickets", true),
            ("edit:tickets", "read:tickets", true),
            ("read:tickets", "edit:tickets", false),
            ("read:tickets edit:tickets", "read:customers", false),
            ("Read:Customers", "read:customers", true),
            ("", "read:tickets", false),
        ] {
            let granted: Vec<String> = granted.split_whitespace().map(str::to_owned).collect();
            assert_eq!(covers(&granted, needed), open, "{granted:?} for {needed}");
        }
    }
}
