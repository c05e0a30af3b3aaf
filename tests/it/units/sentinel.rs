//! The adapter of Sentinel by its parts.

/// `src/sentinel/logic_app.rs`.
mod logic_app {
    use halobridge::{
        domain::workspace::WorkspaceAddress,
        sentinel::logic_app::{LogicApp, template},
    };
    use serde_json::{Value, json};

    fn of(workspace: &str) -> LogicApp {
        LogicApp::of(&WorkspaceAddress {
            subscription: "s".into(),
            resource_group: "rg".into(),
            workspace: workspace.into(),
        })
    }

    #[test]
    fn names_are_ones_that_azure_takes() {
        assert_eq!(of("law-contoso").name, "Halobridge-law-contoso");
        assert_eq!(of("law (old)").name, "Halobridge-law--old");
        assert_eq!(of(&"x".repeat(90)).name.chars().count(), 64);
        for workspace in ["law-contoso", "law (old)", &"x".repeat(90), "é"] {
            assert!(LogicApp::is_name(&of(workspace).name), "{workspace}");
        }
    }

    #[test]
    fn nothing_of_a_secret_stands_outside_the_secure_parameters() {
        let body = of("law").workflow_body("westeurope", "https://hb.example/hooks/sentinel/1", "hush");
        let mut outside = body.clone();
        outside["properties"]["parameters"]["webhookUrl"] = Value::Null;
        outside["properties"]["parameters"]["webhookSecret"] = Value::Null;
        assert!(!outside.to_string().contains("hush") && !outside.to_string().contains("hb.example"));
        for name in ["webhookUrl", "webhookSecret"] {
            assert_eq!(body["properties"]["definition"]["parameters"][name]["type"], "securestring");
        }
        let secure = "/properties/definition/actions/Post_incident/runtimeConfiguration/secureData/properties/0";
        assert_eq!(body.pointer(secure), Some(&json!("inputs")));
    }

    /// The parts that the sheet names, in the resources as in the template.
    #[test]
    fn the_template_and_the_resources_say_the_same() {
        let app = of("law");
        let made = template(&app.name);
        let resources = made["resources"].as_array().cloned().unwrap_or_default();
        let (connection, workflow) = (&resources[0], &resources[1]);
        let body = app.workflow_body("westeurope", "u", "s");
        assert_eq!(workflow["properties"]["definition"], body["properties"]["definition"]);
        assert_eq!(workflow["identity"], body["identity"]);
        let alternative = app.connection_body("westeurope");
        for member in ["parameterValueType", "customParameterValues"] {
            assert_eq!(connection["properties"][member], alternative["properties"][member]);
        }
        assert_eq!(connection["properties"]["parameterValueType"], "Alternative");
        assert!(
            alternative["properties"]["api"]["id"]
                .as_str()
                .is_some_and(|id| id.ends_with("/managedApis/azuresentinel"))
        );
        let trigger = &body["properties"]["definition"]["triggers"]["Microsoft_Sentinel_incident"];
        assert_eq!(trigger["type"], "ApiConnectionWebhook");
        assert_eq!(trigger["inputs"]["path"], "/incident-creation");
        assert_eq!(trigger["inputs"]["body"]["callback_url"], "@{listCallbackUrl()}");
        let roles: Vec<&str> = resources.iter().filter_map(|r| r["properties"]["roleDefinitionId"].as_str()).collect();
        assert_eq!(roles.len(), 2);
        for secret in ["webhookUrl", "webhookSecret"] {
            assert_eq!(made["parameters"][secret]["type"], "securestring");
            assert!(made["parameters"][secret].get("defaultValue").is_none());
        }
    }
}

/// `src/sentinel/walk.rs`.
mod walk {
    use std::collections::BTreeSet;

    use halobridge::{
        domain::time,
        sentinel::{IncidentPage, ListWanted, read, walk::Walk},
    };
    use jiff::{SignedDuration, Timestamp};
    use serde_json::json;

    fn begins() -> Timestamp {
        "2026-05-04T08:00:00Z".parse().unwrap()
    }

    /// A page of a list in ascending order: of what changed at `since` or later, from a row on.
    fn page(rows: &[(u32, Timestamp)], since: Option<Timestamp>, skipped: usize, size: usize) -> IncidentPage {
        let mut listed: Vec<_> = rows.iter().filter(|(_, at)| since.is_none_or(|since| *at >= since)).collect();
        listed.sort_by_key(|(_, at)| *at);
        let more = listed.len() > skipped + size;
        let shown = listed.into_iter().skip(skipped).take(size).map(|(id, at)| {
            let modified = time::iso(*at);
            read::incident(json!({ "name": format!("i{id}"), "properties": { "lastModifiedTimeUtc": modified } }))
                .unwrap()
        });
        IncidentPage {
            incidents: shown.collect(),
            next: more.then(|| (skipped + size).to_string()),
            ordered: true,
            ..IncidentPage::default()
        }
    }

    #[test]
    fn nothing_is_left_out_while_rows_of_pages_that_were_read_move() {
        let mut now = begins() + SignedDuration::from_hours(1);
        let mut rows: Vec<(u32, Timestamp)> =
            (0..60).map(|n| (n, begins() + SignedDuration::from_secs(i64::from(n)))).collect();
        let (mut walk, mut seen, mut calls) = (Walk::of(ListWanted::default()), BTreeSet::new(), 0);
        while let Some((asked, link)) = walk.wants() {
            assert_eq!(link, None, "no page is found by counting");
            let read = walk.take(page(&rows, asked.modified_since, 0, 7), now);
            calls += 1;
            // Two of what was just read change before the next page is asked for, as long as there are old ones.
            for incident in read.iter().take(2).filter(|_| calls < 12) {
                now += SignedDuration::from_secs(1);
                let number: u32 = incident.id.as_str()[1..].parse().unwrap();
                rows[number as usize].1 = now;
            }
            seen.extend(read.into_iter().map(|incident| incident.id));
        }
        assert_eq!(seen.len(), 60);
        assert_eq!(walk.unsure_since(), None);
    }

    #[test]
    fn a_list_of_one_page_is_one_call_and_a_full_page_costs_one_more() {
        let rows: Vec<(u32, Timestamp)> =
            (0..7).map(|n| (n, begins() + SignedDuration::from_secs(i64::from(n)))).collect();
        for (size, calls) in [(10, 1), (7, 1), (6, 2)] {
            let (mut walk, mut asked_for, mut seen) = (Walk::of(ListWanted::default()), 0, 0);
            while let Some((asked, _)) = walk.wants() {
                asked_for += 1;
                seen += walk.take(page(&rows, asked.modified_since, 0, size), begins()).len();
            }
            assert_eq!((asked_for, seen), (calls, 7), "pages of {size}");
        }
    }

    /// How long a list may be goes by its rows: where pages had to be made small there are more of them.
    #[test]
    fn a_list_of_many_small_pages_is_not_too_long_and_one_of_empty_pages_is() {
        for (size, pages) in [(10, 20_000), (250, 800), (1, 20_000)] {
            let rows: Vec<_> = (0..size).map(|row| (row, begins())).collect();
            let one = IncidentPage { next: Some("more".to_owned()), ..page(&rows, None, 0, rows.len()) };
            let mut walk = Walk::of(ListWanted::default());
            for n in 0..pages {
                assert!(!walk.too_long(), "after {n} pages of {size}");
                walk.take(one.clone(), begins());
            }
            assert!(walk.too_long(), "{pages} pages of {size}");
        }
        // What a page held counts, whether it was asked for or not.
        let mut walk = Walk::of(ListWanted::default());
        for (rows, pages) in [(10, 300), (0, 197)] {
            for n in 0..pages {
                assert!(!walk.too_long(), "after {n} pages");
                let next = Some("more".to_owned());
                walk.take(IncidentPage { next, rows, ..IncidentPage::default() }, begins());
            }
        }
        assert!(walk.too_long());
    }

    /// What changed within one millisecond cannot be told apart by time: the link leads on, and all is read once more.
    #[test]
    fn where_time_leads_no_further_the_link_does_and_the_list_is_gone_through_again() {
        let rows: Vec<(u32, Timestamp)> = (0..5).map(|n| (n, begins())).collect();
        let (mut walk, mut asked_for, mut seen) = (Walk::of(ListWanted::default()), 0, BTreeSet::new());
        while let Some((asked, link)) = walk.wants() {
            asked_for += 1;
            let skipped = link.map_or(0, |link| link.parse().unwrap());
            let read = walk.take(page(&rows, asked.modified_since, skipped, 2), begins());
            seen.extend(read.into_iter().map(|incident| incident.id));
        }
        // Two by time, of which the second shows the same two, two by the link; and again.
        assert_eq!((asked_for, seen.len()), (8, 5));
        assert_eq!(walk.unsure_since(), Some(begins()));
    }
}
