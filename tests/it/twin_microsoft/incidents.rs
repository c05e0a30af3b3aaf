//! Points 2 to 10: writing, wiping, etags, comments, owners, closing, lists, evidence.

use serde_json::{Value, json};

use super::{Got, Rig, guid, plain};

fn update(rig: &Rig, name: &str, change: impl FnOnce(&mut Value)) -> Got {
    let mut body = rig.sentinel("GET", &format!("incidents/{name}"), None).body;
    change(&mut body);
    rig.sentinel("PUT", &format!("incidents/{name}"), Some(body))
}

#[test]
fn a_new_incident_looks_as_in_recordings() {
    let rig = Rig::new();
    let got = rig.make(&guid(1), plain());
    assert_eq!(got.status, 201);
    let properties = got.body["properties"].as_object().unwrap();
    assert_eq!(
        properties["owner"],
        json!({"objectId": null, "email": null, "assignedTo": null, "userPrincipalName": null, "ownerType": null})
    );
    assert_eq!(properties["labels"], json!([]));
    assert_eq!(
        properties["additionalData"],
        json!({"alertsCount": 0, "bookmarksCount": 0, "commentsCount": 0, "alertProductNames": [], "tactics": []})
    );
    assert_eq!(properties["providerName"], "Azure Sentinel");
    assert_eq!(properties["providerIncidentId"], properties["incidentNumber"].to_string());
    for absent in ["description", "classification", "firstActivityTimeUtc"] {
        assert!(!properties.contains_key(absent), "{absent}");
    }
    assert_eq!(rig.make(&guid(1), plain()).status, 200);
}

#[test]
fn missing_members_are_refused_with_the_services_words() {
    let rig = Rig::new();
    for (member, message) in [
        ("title", "'Title' must have a non-empty value"),
        ("status", "status must not be empty."),
        ("severity", "severity must not be empty."),
    ] {
        let mut properties = plain();
        properties.as_object_mut().unwrap().remove(member);
        let got = rig.make(&guid(1), properties);
        assert_eq!((got.status, got.text("/error/message")), (400, message));
    }
    let mut read_only = plain();
    read_only["incidentNumber"] = json!(99);
    read_only["additionalData"] = json!({"alertsCount": 7});
    let got = rig.make(&guid(1), read_only);
    assert_eq!(got.body.pointer("/properties/incidentNumber"), Some(&json!(4101)));
}

#[test]
fn an_update_wipes_what_it_leaves_out_unless_switched() {
    let rig = Rig::new();
    let owner = rig.connection.pointer("/microsoft/users/1/upn").unwrap().clone();
    let full = json!({
        "title": "t", "severity": "High", "status": "Closed", "description": "d", "owner": {"userPrincipalName": owner},
        "labels": [{"labelName": "a"}], "firstActivityTimeUtc": "2026-09-21T13:13:20Z", "classification": "Undetermined",
    });
    for (switch, kept) in [
        ("put_keeps_owner", "owner"),
        ("put_keeps_labels", "labels"),
        ("put_keeps_description", "description"),
        ("put_keeps_classification", "classification"),
    ] {
        for on in [false, true] {
            rig.switch(switch, if on { "true" } else { "false" });
            let before = rig.make(&guid(1), full.clone()).body["properties"].clone();
            let mut less = full.clone();
            less.as_object_mut().unwrap().remove(kept);
            // A closed incident needs its classification: it is left out on an open one.
            less["status"] = if kept == "classification" { json!("Active") } else { json!("Closed") };
            let after = rig.make(&guid(1), less).body["properties"].clone();
            assert_eq!(after.get(kept) == before.get(kept), on, "{switch} {on}: {after:#}");
            assert_eq!(after["firstActivityTimeUtc"], "2026-09-21T13:13:20Z");
        }
        rig.switch(switch, "false");
    }
    rig.switch("put_keeps_activity_times", "off");
    let got = rig.make(&guid(1), plain());
    assert!(got.body["properties"].get("firstActivityTimeUtc").is_none());
}

#[test]
fn a_stale_etag_conflicts_and_a_missing_one_by_switch() {
    let rig = Rig::new();
    let first = rig.make(&guid(1), plain());
    let etag = first.text("/etag").to_owned();
    let with = |etag: &str| {
        rig.sentinel("PUT", &format!("incidents/{}", guid(1)), Some(json!({"etag": etag, "properties": plain()})))
    };
    assert_eq!(with(&etag).status, 200);
    let stale = with(&etag);
    assert_eq!((stale.status, stale.text("/error/code")), (409, "Conflict"));
    assert_eq!(
        stale.text("/error/message"),
        format!("Newer version of resource '{}' exists. Data was not saved", guid(1))
    );
    rig.switch("missing_etag_conflicts", "on");
    assert_eq!(rig.make(&guid(1), plain()).status, 409);
}

/// `CreateIncident.json` of the contract carries an etag and answers 201.
#[test]
fn an_etag_does_not_stop_a_creation_but_by_switch() {
    let rig = Rig::new();
    let make = |number: u32| {
        let body = json!({"etag": "\"0300bf09-0000-0000-0000-5c37296e0000\"", "properties": plain()});
        rig.sentinel("PUT", &format!("incidents/{}", guid(number)), Some(body))
    };
    assert_eq!(make(1).status, 201);
    assert_eq!(make(1).status, 409, "now it is there, and the etag is a stale one");
    rig.switch("unknown_etag_conflicts", "on");
    assert_eq!(make(2).status, 409);
    assert_eq!(rig.sentinel("GET", &format!("incidents/{}", guid(2)), None).status, 404);
}

#[test]
fn comments_count_bump_and_end_at_a_hundred() {
    let rig = Rig::new();
    let name = rig.raise();
    let before = rig.sentinel("GET", &format!("incidents/{name}"), None);
    let put = |n: u32, message: &str| {
        rig.sentinel(
            "PUT",
            &format!("incidents/{name}/comments/{}", guid(n)),
            Some(json!({"properties": {"message": message}})),
        )
    };
    assert_eq!(put(1, "one").status, 201);
    let after = rig.sentinel("GET", &format!("incidents/{name}"), None);
    assert_ne!(before.text("/etag"), after.text("/etag"));
    assert!(before.text("/properties/lastModifiedTimeUtc") < after.text("/properties/lastModifiedTimeUtc"));
    assert_eq!(after.body.pointer("/properties/additionalData/commentsCount"), Some(&json!(1)));
    let edited = put(1, "one, edited");
    assert_eq!(edited.status, 200);
    assert_eq!(edited.body.pointer("/properties/author/email"), None, "an application has no mail address");
    assert_eq!(
        rig.sentinel("GET", &format!("incidents/{name}"), None).text("/etag"),
        after.text("/etag"),
        "an edit does not bump"
    );
    rig.switch("comment_edit_bumps", "on");
    put(1, "again");
    assert_ne!(rig.sentinel("GET", &format!("incidents/{name}"), None).text("/etag"), after.text("/etag"));
    for n in 2..=100 {
        assert_eq!(put(n, "more").status, 201);
    }
    assert_eq!(put(101, "too many").status, 400);
    assert_eq!(put(1, &"x".repeat(30_001)).status, 400);
    assert_eq!(put(1, &"ü".repeat(30_000)).status, 200);
    let page = rig.sentinel("GET", &format!("incidents/{name}/comments?$top=60"), None);
    let rest = rig.arm("GET", page.text("/nextLink"), None);
    assert_eq!((page.names().len(), rest.names().len()), (60, 40));
    let gone = rig.sentinel("DELETE", &format!("incidents/{name}/comments/{}", guid(1)), None);
    assert_eq!((gone.status, &gone.body), (200, &json!({})));
    assert_eq!(rig.sentinel("DELETE", &format!("incidents/{name}/comments/{}", guid(1)), None).status, 204);
    let mut long = plain();
    long["description"] = json!("d".repeat(5_001));
    assert_eq!(rig.make(&guid(1), long).status, 400);
}

#[test]
fn owners_are_looked_up_by_any_member() {
    let rig = Rig::new();
    let user = rig.connection.pointer("/microsoft/users/1").unwrap().clone();
    for owner in [
        json!({"objectId": user["object_id"]}),
        json!({"userPrincipalName": user["upn"]}),
        json!({"email": user["upn"]}),
    ] {
        let mut properties = plain();
        properties["owner"] = owner;
        let got = rig.make(&guid(1), properties);
        assert_eq!(
            got.body.pointer("/properties/owner"),
            Some(
                &json!({"objectId": user["object_id"], "email": user["upn"], "assignedTo": user["name"], "userPrincipalName": user["upn"], "ownerType": "User"})
            )
        );
    }
    let mut unknown = plain();
    unknown["owner"] = json!({"email": "nobody@nowhere.example"});
    assert_eq!(rig.make(&guid(1), unknown.clone()).status, 400);
    rig.switch("unknown_owner_refused", "off");
    assert_eq!(rig.make(&guid(1), unknown).text("/properties/owner/email"), "nobody@nowhere.example");
}

#[test]
fn closing_follows_the_table() {
    let rig = Rig::new();
    let close = |class: Option<&str>, reason: Option<&str>| {
        let mut properties = plain();
        properties["status"] = json!("Closed");
        properties["classification"] = json!(class);
        properties["classificationReason"] = json!(reason);
        rig.make(&guid(1), properties)
    };
    for (class, reason, status) in [
        (Some("TruePositive"), Some("SuspiciousActivity"), 201),
        (Some("BenignPositive"), Some("SuspiciousButExpected"), 200),
        (Some("FalsePositive"), Some("IncorrectAlertLogic"), 200),
        (Some("FalsePositive"), Some("InaccurateData"), 200),
        (Some("Undetermined"), None, 200),
        (None, None, 400),
        (Some("BenignPositive"), None, 400),
        (Some("TruePositive"), Some("InaccurateData"), 400),
        (Some("Undetermined"), Some("InaccurateData"), 400),
        (Some("Good"), None, 400),
    ] {
        let got = close(class, reason);
        assert_eq!(got.status, status, "{class:?} {reason:?} {:#}", got.body);
    }
    assert_eq!(
        close(Some("BenignPositive"), None).text("/error/message"),
        "classification 'BenignPositive' must have classificationReason."
    );
    let reopened = rig.make(&guid(1), plain());
    assert!(reopened.body["properties"].get("classification").is_none());
}

#[test]
fn lists_filter_order_and_page_to_the_end() {
    let rig = Rig::with(|options| {
        options.incidents = 130;
        options.workspaces = 1;
    });
    let first = rig.sentinel("GET", "incidents", None);
    assert_eq!(first.names().len(), 50, "the default page");
    let mut seen = Vec::new();
    let mut next = Some(format!(
        "{}/providers/Microsoft.SecurityInsights/incidents?$top=40&$orderby=properties/lastModifiedTimeUtc asc&{}",
        rig.workspace,
        super::VERSION
    ));
    let mut times: Vec<String> = Vec::new();
    while let Some(link) = next {
        let page = rig.arm("GET", &link, None);
        assert_eq!(page.status, 200);
        seen.extend(page.names());
        times.extend(
            page.body["value"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["properties"]["lastModifiedTimeUtc"].as_str().unwrap().to_owned()),
        );
        next = page.body["nextLink"].as_str().map(str::to_owned);
        if let Some(link) = &next {
            assert!(
                link.starts_with("http://twin.test/arm/subscriptions/")
                    && link.contains("$orderby=properties/lastModifiedTimeUtc%20asc"),
                "{link}"
            );
        }
    }
    assert_eq!(seen.iter().collect::<std::collections::BTreeSet<_>>().len(), 130);
    let moment = |text: &String| text.parse::<jiff::Timestamp>().unwrap();
    assert!(times.windows(2).all(|pair| moment(&pair[0]) < moment(&pair[1])));
    let number = rig.sentinel("GET", "incidents?$filter=properties/incidentNumber eq 4110", None);
    assert_eq!(number.names().len(), 1);
    let recent = rig.sentinel(
        "GET",
        &format!(
            "incidents?$filter=properties/lastModifiedTimeUtc ge {} and properties/status eq 'New'&$top=1000",
            times[120]
        ),
        None,
    );
    assert_eq!(recent.names().len(), 10);
    for descending in ["properties/createdTimeUtc desc", "properties/incidentNumber desc"] {
        let page = rig.sentinel("GET", &format!("incidents?$orderby={descending}&$top=3"), None);
        assert_eq!(page.body.pointer("/value/0/properties/incidentNumber"), Some(&json!(4230)));
        let next = rig.arm("GET", page.text("/nextLink"), None);
        assert_eq!(next.body.pointer("/value/0/properties/incidentNumber"), Some(&json!(4227)));
    }
    let bad = rig.sentinel("GET", "incidents?$filter=status eq 'New'", None);
    assert_eq!((bad.status, bad.text("/error/message")), (400, "OData query syntax error"));
    assert_eq!(rig.sentinel("GET", "incidents?$top=5000", None).names().len(), 130, "cut to 1000");
}

#[test]
fn evidence_comes_by_post_and_may_come_late() {
    let rig = Rig::new();
    rig.switch("evidence_delay_s", "300");
    let name = rig.raise();
    let read = |what: &str| rig.sentinel("POST", &format!("incidents/{name}/{what}"), None);
    assert_eq!(read("alerts").body["value"], json!([]));
    assert_eq!(rig.sentinel("GET", &format!("incidents/{name}/alerts"), None).status, 405);
    rig.pass(300);
    let alerts = read("alerts");
    let details: Value =
        serde_json::from_str(alerts.text("/value/0/properties/additionalData/Custom Details")).unwrap();
    assert_eq!(details, json!({"Country": ["ZZ"], "Attempts": ["2", "3"]}));
    let entities = read("entities");
    assert_eq!(
        entities.body["metaData"],
        json!([{"entityKind": "Account", "count": 1}, {"entityKind": "Ip", "count": 1}])
    );
    assert_eq!(read("bookmarks").body, json!({"value": []}));
}

#[test]
fn tasks_relations_and_bookmarks_are_kept() {
    let rig = Rig::new();
    let name = rig.raise();
    let task = json!({"properties": {"title": "Reset", "description": "<p>now</p>", "status": "New"}});
    assert_eq!(rig.sentinel("PUT", &format!("incidents/{name}/tasks/{}", guid(1)), Some(task.clone())).status, 201);
    assert_eq!(rig.sentinel("PUT", &format!("incidents/{name}/tasks/{}", guid(1)), Some(task)).status, 200);
    assert_eq!(rig.sentinel("GET", &format!("incidents/{name}/tasks"), None).names(), [guid(1)]);
    let bookmark = json!({"properties": {"displayName": "b", "query": "SigninLogs"}});
    let made = rig.sentinel("PUT", &format!("bookmarks/{}", guid(2)), Some(bookmark));
    assert_eq!(made.status, 201);
    let relation = json!({"properties": {"relatedResourceId": made.text("/id")}});
    let before = rig.sentinel("GET", &format!("incidents/{name}"), None);
    assert_eq!(rig.sentinel("PUT", &format!("incidents/{name}/relations/rel-1"), Some(relation)).status, 201);
    let after = rig.sentinel("GET", &format!("incidents/{name}"), None);
    assert_ne!(before.text("/etag"), after.text("/etag"));
    assert_eq!(after.body.pointer("/properties/additionalData/bookmarksCount"), Some(&json!(1)));
    assert_eq!(
        rig.sentinel("GET", &format!("incidents/{name}/relations"), None)
            .text("/value/1/properties/relatedResourceName"),
        guid(2)
    );
    assert_eq!(rig.sentinel("POST", &format!("incidents/{name}/bookmarks"), None).names(), [guid(2)]);
    let changed = update(&rig, &name, |body| body["properties"]["status"] = json!("Active"));
    assert_eq!(changed.text("/properties/status"), "Active");
    assert_eq!(rig.sentinel("DELETE", &format!("incidents/{name}"), None).status, 200);
    assert_eq!(rig.sentinel("GET", &format!("incidents/{name}"), None).status, 404);
    assert_eq!(rig.sentinel("DELETE", &format!("incidents/{name}"), None).status, 204);
}

#[test]
fn comments_are_filtered_too() {
    let rig = Rig::new();
    rig.make(&guid(1), plain());
    for n in 1..=9 {
        let path = format!("incidents/{}/comments/{}", guid(1), guid(100 + n));
        rig.sentinel("PUT", &path, Some(json!({"properties": {"message": format!("m{n}")}})));
        rig.pass(60);
    }
    let messages = |filter: &str| {
        let encoded: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let got = rig.sentinel("GET", &format!("incidents/{}/comments?$filter={encoded}", guid(1)), None);
        if got.status != 200 {
            return vec![got.status.to_string()];
        }
        let rows = got.body["value"].as_array().unwrap().clone();
        rows.iter().map(|row| row["properties"]["message"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(messages("contains(properties/message,'m7')"), ["m7"]);
    assert_eq!(messages("properties/message eq 'm2' or properties/message eq 'm3'"), ["m3", "m2"]);
    assert_eq!(messages("properties/createdTimeUtc ge 2026-09-21T14:20:20Z"), ["m9", "m8"]);
    assert_eq!(
        messages("properties/lastModifiedTimeUtc lt 2026-09-21T14:15:00Z and startswith(properties/message,'m')"),
        ["m2", "m1"]
    );
    for bad in ["bogus!!", "properties/status eq 'New'", "properties/labels/any(l: l/labelName eq 'x')"] {
        assert_eq!(messages(bad), ["400"], "{bad}");
    }
    let of_incidents = rig.sentinel("GET", "incidents?$filter=contains(properties/message,'m')", None);
    assert_eq!(of_incidents.status, 400, "incidents have no message");
}

#[test]
fn an_alert_joins_and_leaves_an_incident_by_its_relation() {
    let rig = Rig::new();
    let (first, other) =
        (rig.raise(), rig.act("incident.create", json!({"story": 2}))["name"].as_str().unwrap().to_owned());
    let read = |what: &str| rig.sentinel("GET", &format!("incidents/{first}{what}"), None);
    let count = || read("").body.pointer("/properties/additionalData/alertsCount").cloned().unwrap();
    let alerts = |incident: &str| -> Vec<String> {
        let got = rig.sentinel("POST", &format!("incidents/{incident}/alerts"), None);
        got.body["value"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    };
    let (own, joining) = (alerts(&first)[0].clone(), alerts(&other)[0].clone());
    let related = |name: &str| {
        let id = format!("{}/providers/Microsoft.SecurityInsights/entities/{name}", rig.workspace);
        Some(json!({"properties": {"relatedResourceId": id}}))
    };
    let path = |relation: &str| format!("incidents/{first}/relations/{relation}");
    let etag = read("").text("/etag").to_owned();
    let made = rig.sentinel("PUT", &path(&guid(1)), related(&joining));
    assert_eq!((made.status, made.text("/properties/relatedResourceKind")), (201, "SecurityAlert"));
    assert_ne!(read("").text("/etag"), etag);
    assert_eq!((count(), alerts(&first)), (json!(2), vec![own.clone(), joining.clone()]));
    assert!(read("").body["properties"]["additionalData"]["tactics"].to_string().contains("Execution"));
    let names = read("/relations").names();
    assert_eq!(names.len(), 2, "each alert is related once: {names:?}");

    let implicit = format!("{first}_{own}");
    assert_eq!(rig.sentinel("DELETE", &path(&implicit), None).status, 200);
    assert_eq!(rig.sentinel("GET", &path(&implicit), None).status, 404);
    assert_eq!((count(), alerts(&first)), (json!(1), vec![joining]));
    assert_eq!(rig.sentinel("DELETE", &path(&guid(1)), None).status, 200);
    assert_eq!((count(), read("/relations").names()), (json!(0), Vec::new()));
    assert_eq!(rig.sentinel("DELETE", &path(&guid(1)), None).status, 204);
}

#[test]
fn a_relation_has_its_name_alone_and_the_kind_of_its_other_end() {
    let rig = Rig::new();
    let name = rig.raise();
    let old = |path: &str| format!("incidents/{name}/relations{path}?api-version=2024-03-01");
    let listed = |path: &str| rig.sentinel("GET", &old(path), None);
    let implicit = listed("").names()[0].clone();
    let alert = listed("").body["value"][0]["properties"]["relatedResourceId"].clone();
    let put = |id: &Value| {
        rig.sentinel("PUT", &old(&format!("/{implicit}")), Some(json!({"properties": {"relatedResourceId": id}})))
    };
    assert_eq!(put(&alert).status, 200, "it is there, though nobody wrote it");
    assert_eq!(listed("").names(), std::slice::from_ref(&implicit));
    let other = rig.raise();
    let entities = rig.sentinel("POST", &format!("incidents/{other}/entities"), None);
    let (entity, kind) = (entities.body["entities"][0]["id"].clone(), entities.text("/entities/0/kind"));
    assert_ne!(kind, "SecurityAlert");
    let moved = put(&entity);
    assert_eq!((moved.status, moved.text("/properties/relatedResourceKind")), (200, kind));
    let left = rig.sentinel("GET", &format!("incidents/{name}"), None);
    assert_eq!(left.body.pointer("/properties/additionalData/alertsCount"), Some(&json!(0)), "it is related no more");
}
