//! Numbers and moments in words; what a person copies from a page.

use halobridge::console::{
    components::{time::in_zone, written::Written},
    pages::set_up::scripts::{certificate, manifest, registration, service_principal},
    words::{counted, every, number, relative, took},
};

use super::fixtures;

#[test]
fn moments_within_a_text_are_told_in_the_readers_zone() {
    let ctx = fixtures::context("/");
    let told = in_zone(&ctx, "not before 2026-10-29T06:04:11.668Z");
    assert_eq!(told, "not before 2026-10-29 07:04:11 CET");
    assert_eq!(in_zone(&ctx, "one of “High”, 12"), "one of “High”, 12");
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
