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
            (json!({}), None),
            (json!("text"), None),
        ] {
            assert_eq!(rows(body.clone(), "tickets").map(|(rows, _)| rows.len()), read, "{body}");
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
