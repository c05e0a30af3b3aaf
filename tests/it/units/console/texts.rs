//! Numbers and moments in words; what a person copies from a page.

use halobridge::console::{
    PageContext,
    components::{
        time::{absolute, in_zone},
        written::Written,
    },
    pages::set_up::scripts::{certificate, manifest, registration, service_principal, sync_role},
    words::{counted, every, number, relative, took},
};
use halobridge::{
    domain::rights::{FOUND_BY, NEEDED},
    sentinel::{
        automation::{DEPLOYS, GIVES_ROLES, WRITES_RULES},
        discovery::missing,
    },
};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::fixtures;

#[test]
fn moments_within_a_text_are_told_in_the_readers_zone() {
    let ctx = fixtures::context("/");
    let told = in_zone(&ctx, "not before 2026-10-29T06:04:11.668Z");
    assert_eq!(told, "not before 2026-10-29 07:04:11 CET");
    assert_eq!(in_zone(&ctx, "one of “High”, 12"), "one of “High”, 12");
}

#[test]
fn every_moment_names_its_zone_across_both_changes_of_the_clocks() {
    let table = [
        ("UTC", "2026-03-29T01:00:00Z", "2026-03-29 01:00:00 UTC"),
        ("UTC", "2026-12-31T23:59:59Z", "2026-12-31 23:59:59 UTC"),
        ("Europe/Berlin", "2026-03-29T00:59:59Z", "2026-03-29 01:59:59 CET"),
        ("Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29 03:00:00 CEST"),
        // the hour that comes twice
        ("Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25 02:30:00 CEST"),
        ("Europe/Berlin", "2026-10-25T01:30:00Z", "2026-10-25 02:30:00 CET"),
        ("America/New_York", "2026-03-08T06:59:59Z", "2026-03-08 01:59:59 EST"),
        ("America/New_York", "2026-03-08T07:00:00Z", "2026-03-08 03:00:00 EDT"),
        ("America/New_York", "2026-11-01T05:30:00Z", "2026-11-01 01:30:00 EDT"),
        ("America/New_York", "2026-11-01T06:30:00Z", "2026-11-01 01:30:00 EST"),
        ("Asia/Kolkata", "2026-03-29T01:00:00Z", "2026-03-29 06:30:00 IST"),
        ("Asia/Kolkata", "2026-12-31T18:30:00Z", "2027-01-01 00:00:00 IST"),
        // half an hour of summer, and the south
        ("Australia/Lord_Howe", "2026-04-04T14:45:00Z", "2026-04-05 01:45:00 +11"),
        ("Australia/Lord_Howe", "2026-04-04T15:15:00Z", "2026-04-05 01:45:00 +1030"),
        ("Australia/Lord_Howe", "2026-10-03T15:29:59Z", "2026-10-04 01:59:59 +1030"),
        ("Australia/Lord_Howe", "2026-10-03T15:30:00Z", "2026-10-04 02:30:00 +11"),
        ("Pacific/Chatham", "2026-04-04T13:59:59Z", "2026-04-05 03:44:59 +1345"),
        ("Pacific/Chatham", "2026-04-04T14:00:00Z", "2026-04-05 02:45:00 +1245"),
        ("Pacific/Chatham", "2026-09-26T13:59:59Z", "2026-09-27 02:44:59 +1245"),
        ("Pacific/Chatham", "2026-09-26T14:00:00Z", "2026-09-27 03:45:00 +1345"),
    ];
    for (zone, moment, told) in table {
        let ctx = PageContext { zone: TimeZone::get(zone).unwrap(), ..fixtures::context("/") };
        assert_eq!(absolute(&ctx, moment.parse().unwrap()), told, "{moment} in {zone}");
        assert_eq!(in_zone(&ctx, moment), told, "{moment} in {zone}, within a text");
    }
}

#[test]
fn only_our_own_markup_is_written_as_it_is() {
    let mut html = Written::default();
    html.markup("<b title=\"").text("\"><script>").markup("\">").text("A & 'B' <i>é</i>").markup("</b>");
    assert_eq!(html.as_str(), "<b title=\"&quot;&gt;&lt;script&gt;\">A &amp; 'B' &lt;i&gt;é&lt;/i&gt;</b>");
}

#[test]
fn moments_in_words() {
    let table = [
        (0, "just now"),
        (4_999, "just now"),
        (5_000, "5 s ago"),
        (59_999, "59 s ago"),
        (60_000, "1 min ago"),
        (3_600_000, "1 h ago"),
        (172_799_000, "47 h ago"),
        (172_800_000, "2 d ago"),
        (-900, "just now"),
        (-3_000, "in a moment"),
        (-12_000, "in 12 s"),
        (-900_000, "in 15 min"),
    ];
    for (age, words) in table {
        assert_eq!(relative(1_000_000_000_000, 1_000_000_000_000 - age), words, "{age}");
    }
}

#[test]
fn numbers_in_words() {
    assert_eq!(number(0), "0");
    assert_eq!(number(999), "999");
    assert_eq!(number(1_000), "1,000");
    assert_eq!(number(1_234_567), "1,234,567");
    assert_eq!(counted(1, "pair", "pairs"), "1 pair");
    assert_eq!(every(20), "20 s");
    assert_eq!(every(900), "15 min");
    assert_eq!([-3, 12, 1_449, 80_100].map(took), ["0 ms", "12 ms", "1.4 s", "80 s"]);
}

#[test]
fn the_manifest_is_json_and_asks_for_three_permissions() {
    let manifest: serde_json::Value = serde_json::from_str(&manifest("https://a.example/\"b")).unwrap();
    assert_eq!(manifest["web"]["redirectUris"][0], "https://a.example/\"b");
    let access = manifest["requiredResourceAccess"].as_array().unwrap();
    assert_eq!(access.len(), 3);
    assert!(access.iter().all(|row| row["resourceAccess"][0]["type"] == "Scope"));
}

#[test]
fn nothing_typed_ends_a_word_of_the_script() {
    let script = registration("public", "http://localhost/'; rm -rf ~; echo '");
    assert!(script.contains(r"--web-redirect-uris 'http://localhost/'\''; rm -rf ~; echo '\''' "), "{script}");
    assert!(service_principal("public", "x'$(reboot)").contains(r"--assignee 'x'\''$(reboot)' "));
    assert!(certificate("public", "x'$(reboot)").contains(r"--id 'x'\''$(reboot)' "));
}

#[test]
fn a_script_goes_to_its_cloud_and_back() {
    for (cloud, name) in [("usgov", "AzureUSGovernment"), ("china", "AzureChinaCloud")] {
        let scripts =
            [registration(cloud, "https://a.example/"), service_principal(cloud, "app"), certificate(cloud, "app")];
        for script in scripts {
            let there = script.find(&format!("az cloud set --name {name}")).unwrap();
            let first = script.find("az ad ").unwrap();
            assert!(there < first, "{script}");
            assert!(script.ends_with("az cloud set --name \"$before\""), "{script}");
        }
    }
    for cloud in ["public", "custom"] {
        assert!(!registration(cloud, "https://a.example/").contains("az cloud"));
        assert!(!service_principal(cloud, "app").contains("az cloud"));
        assert!(certificate(cloud, "").starts_with("openssl req ") && !certificate(cloud, "").contains("az cloud"));
    }
}

/// The definition within a script of the custom role.
fn role_of(script: &str) -> Value {
    let (_, rest) = script.split_once("<<'END'\n").unwrap();
    let (definition, _) = rest.split_once("\nEND\n").unwrap();
    serde_json::from_str(definition).unwrap()
}

#[test]
fn the_custom_role_has_exactly_what_the_check_of_rights_asks_for() {
    let groups = [
        "/subscriptions/s2/resourceGroups/it's",
        "/subscriptions/s1/resourceGroups/a",
        "/subscriptions/s2/resourceGroups/b",
    ];
    let script = sync_role("https://management.azure.com", &groups.map(str::to_owned));
    let role = role_of(&script);
    let actions: Vec<&str> = role["Actions"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    let granted = |actions: &[&str]| [json!({"actions": actions, "notActions": []})];
    // With the role nothing is missing, and each action of the check comes from it.
    assert_eq!(missing(&granted(&actions), &NEEDED), Vec::<String>::new());
    for needed in NEEDED {
        let rest: Vec<&str> = actions.iter().copied().filter(|action| *action != needed).collect();
        assert_eq!(missing(&granted(&rest), &NEEDED), [needed]);
    }
    assert_eq!(actions, NEEDED.into_iter().chain(FOUND_BY).collect::<Vec<_>>());
    // It neither deploys, nor gives roles, nor takes more than it names.
    for more in [DEPLOYS.as_slice(), &GIVES_ROLES, &WRITES_RULES] {
        assert_eq!(missing(&granted(&actions), more), more);
    }
    assert!(actions.iter().all(|action| !action.contains('*') && !action.to_lowercase().ends_with("/delete")));
    assert_eq!(role["AssignableScopes"], json!(["/subscriptions/s1", "/subscriptions/s2"]));
    assert!(script.contains(r"--scope '/subscriptions/s2/resourceGroups/it'\''s' "), "{script}");
    assert_eq!(script.matches("az role assignment create").count(), 3, "{script}");
    assert!(!script.contains("az cloud"), "{script}");
    let elsewhere = sync_role("https://management.usgovcloudapi.net", &[]);
    assert!(elsewhere.contains("az cloud set --name AzureUSGovernment\n"), "{elsewhere}");
    assert_eq!(role_of(&elsewhere)["Actions"], role["Actions"]);
    assert_eq!(role_of(&elsewhere)["AssignableScopes"], json!(["/subscriptions/SUBSCRIPTION-ID"]));
}

#[test]
fn what_a_log_tells_is_one_sentence() {
    use halobridge::{console::components::log_check::sentence, domain::log_check::LogOutcome};
    let well = fixtures::log_check(false);
    assert_eq!(sentence(&well), "The log of the last two days names 132 incidents; all are known.");
    let missing = fixtures::log_check(true);
    assert_eq!(sentence(&missing), "The log of the last two days names 132 incidents: 131 known, 1 not known here.");
    let mut part = well.clone();
    part.outcome = LogOutcome::Partly { why: "It was cut.".into() };
    assert!(
        sentence(&part).ends_with("all are known. This is not all of it, so nothing is said of the rest: It was cut.")
    );
    let mut none = well.clone();
    none.outcome = LogOutcome::NotChecked { why: "No right.".into() };
    assert_eq!(sentence(&none), "Not checked against its log. No right.");
    let mut young = well;
    (young.from, young.named, young.known) = (fixtures::ago(40_000), 0, 0);
    assert_eq!(sentence(&young), "The log since the workspace's start names no incident.");
}
