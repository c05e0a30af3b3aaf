//! Fields, end to end: which way they cross, labels, mapped values, the affected user.

use halobridge::{
    clock::Clock as _,
    domain::operation::OperationState,
    outbound::budget::{Class, Kind},
    service::{decisions, pairs},
};
use serde_json::json;

use super::{bridge::*, person::operator};

/// An agent whom Setup maps to nobody.
const THIRD_AGENT: &str = "Li Chen";

/// An incident about a user.
fn about(mail: &str) -> serde_json::Value {
    let (name, suffix) = mail.split_once('@').unwrap();
    json!({ "alert": { "alertDisplayName": "Odd sign-in" }, "entities": [
        { "kind": "Account", "properties": { "accountName": name, "upnSuffix": suffix } },
        { "kind": "Host", "properties": { "hostName": "pc-77" } },
    ] })
}

both! {
    /// A rule of Halo assigns a ticket and moves its status while it is made: the answer to the making says so.
    async fn what_a_rule_of_halo_makes_of_a_new_ticket_crosses(product) {
        let bridge = Bridge::with(Setup { policy: "owner = { direction = \"both\" }".into(), ..Setup::new(product) }).await;
        let twin = bridge.twin.clone();
        let mut ruled = false;
        bridge.mutate(move |request, body| {
            let made = request.method() == "POST" && request.uri().path().ends_with("/Tickets") && !ruled;
            if let Some(id) = made.then(|| body["id"].as_i64()).flatten() {
                ruled = true;
                let rule = json!({ "ticket_id": id, "agent": AGENT, "status": "In Progress" });
                assert!(twin.act("ticket.update", &rule).status < 300);
                let agent = twin.with(|world, _| world.halos[0].halo.ticket(id).map(|ticket| ticket.agent_id));
                body["agent_id"] = json!(agent);
                body["status_id"] = json!(2);
            }
        });
        let incident = bridge.raise(json!({}));
        bridge.pass(300).await;
        let properties = bridge.incident(&incident)["properties"].clone();
        assert_eq!(properties["status"], "Active");
        assert!(properties["owner"]["userPrincipalName"].is_string(), "{}", properties["owner"]);
        let writes = bridge.writes();
        bridge.pass(900).await;
        assert_eq!(bridge.writes(), writes, "and rests");
        bridge.finish().await;
    }

    async fn an_owner_whom_azure_refuses_is_an_open_item_and_no_dead_letter(product) {
        let policy = "owner = { direction = \"both\" }";
        let rows = format!(", \"ghost@nowhere.example\" = \"{THIRD_AGENT}\"");
        let bridge = Bridge::with(Setup { policy: policy.into(), agents: rows, ..Setup::new(product) }).await;
        let incident = bridge.raise(json!({}));
        bridge.cross().await;
        let id = bridge.ticket_of(&incident).await;
        bridge.act("ticket.update", json!({ "ticket_id": id, "agent": THIRD_AGENT }));
        bridge.cross().await;
        assert_eq!(bridge.reason_of(&incident).await, Some("owner-unknown"));
        let row = bridge.situation_of(&incident).await;
        let dead = row.operations.iter().filter(|operation| matches!(operation.state, OperationState::Dead { .. })).count();
        assert_eq!((dead, row.pair.further.len()), (0, 0), "the open item alone: {:?}", row.operations);
        // Not tried again by itself; what else changes crosses.
        let writes = bridge.calls("sentinel.incident.put");
        bridge.pass(1_800).await;
        assert_eq!(bridge.calls("sentinel.incident.put"), writes);
        // A person asks once more: refused anew, and asked about anew.
        let (app, olga) = operator(&bridge);
        let pair = bridge.pair_of(&incident).await.unwrap().id;
        let view = pairs::view(&app, &olga, pair, "").await.unwrap();
        let again = view.choices[0].answers[0].clone();
        assert_eq!(again.label, "Try this owner again");
        decisions::decide(&app, &olga, pair, Some(again.decision)).await.unwrap();
        bridge.cross().await;
        assert_eq!(bridge.calls("sentinel.incident.put"), writes + 1);
        assert_eq!(bridge.reason_of(&incident).await, Some("owner-unknown"));
        // Closing is not kept waiting by it.
        bridge.close_ticket_as(id, 1);
        bridge.cross().await;
        assert_eq!(bridge.incident(&incident)["properties"]["status"], "Closed");
        bridge.finish().await;
    }

    async fn priority_becomes_severity_where_the_policy_says_so(product) {
        let policy = "severity = { direction = \"both\" }";
        let bridge = Bridge::with(Setup { policy: policy.into(), ..Setup::new(product) }).await;
        let incident = bridge.raise(json!({ "severity": "Low" }));
        bridge.cross().await;
        let id = bridge.ticket_of(&incident).await;
        let high = match product { halobridge::twin::options::Product::Itsm => "P2 - High", _ => "High" };
        bridge.act("ticket.update", json!({ "ticket_id": id, "priority": high }));
        bridge.cross().await;
        assert_eq!(bridge.incident(&incident)["properties"]["severity"], "High");
        bridge.update(&incident, json!({ "severity": "Medium" }));
        bridge.cross().await;
        assert!(bridge.ticket(id)["priority_name"].as_str().unwrap().ends_with("Medium"));
        let writes = bridge.writes();
        bridge.pass(900).await;
        assert_eq!(bridge.writes(), writes, "and rests");
        bridge.finish().await;
    }

    /// A rule of Halo's gives every ticket a priority of its own, before or after it answers.
    async fn a_priority_that_a_rule_of_halo_keeps_is_an_open_item_and_no_fight(product) {
        for later in ["off", "on"] {
            let bridge = Bridge::new(product).await;
            bridge.switch("priority_rule", "4");
            bridge.switch("rules_after_answer", later);
            let incident = bridge.raise(json!({ "severity": "High" }));
            bridge.pass(300).await;
            let id = bridge.ticket_of(&incident).await;
            for severity in ["High", "Medium"] {
                // Written once, and kept otherwise again.
                bridge.update(&incident, json!({ "severity": severity }));
                bridge.pass(300).await;
                let reason = bridge.pair_of(&incident).await.unwrap().reason.expect("it says so");
                let said = reason.words();
                assert_eq!(reason.code(), "halo-kept", "{later}: {said}");
                assert!(said.contains(severity) && said.contains("Low"), "{later}: {said}");
            }
            let writes = bridge.writes();
            bridge.pass(1_800).await;
            assert_eq!(bridge.writes(), writes, "{later}: no fight");
            assert_eq!(bridge.incident(&incident)["properties"]["severity"], "Medium", "{later}");
            // Somebody corrects the rule and the ticket.
            bridge.switch("priority_rule", "0");
            let medium = match product { halobridge::twin::options::Product::Itsm => "P3 - Medium", _ => "Medium" };
            bridge.act("ticket.update", json!({ "ticket_id": id, "priority": medium }));
            bridge.cross().await;
            assert_eq!(bridge.reason_of(&incident).await, None, "{later}");
            bridge.finish().await;
        }
    }

    async fn a_team_that_a_rule_of_halo_keeps_is_an_open_item_and_no_fight(product) {
        let (other, own) = match product {
            halobridge::twin::options::Product::Itsm => ("Service Desk", "Security Operations"),
            _ => ("1st Line Support", "SOC"),
        };
        let bridge = Bridge::new(product).await;
        let twin = bridge.twin.clone();
        let mut ruled = false;
        bridge.mutate(move |request, body| {
            let made = request.method() == "POST" && request.uri().path().ends_with("/Tickets") && !ruled;
            if let Some(id) = made.then(|| body["id"].as_i64()).flatten() {
                ruled = true;
                assert!(twin.act("ticket.update", &json!({ "ticket_id": id, "team": other })).status < 300);
                body["team"] = json!(other);
            }
        });
        let incident = bridge.raise(json!({}));
        bridge.pass(300).await;
        let said = bridge.pair_of(&incident).await.unwrap().reason.expect("it says so").words();
        assert_eq!(said, format!("Halo kept another team than was sent: “{other}”, not “{own}”."));
        let writes = bridge.writes();
        bridge.pass(1_800).await;
        assert_eq!(bridge.writes(), writes, "no fight");
        let id = bridge.ticket_of(&incident).await;
        bridge.act("ticket.update", json!({ "ticket_id": id, "team": own }));
        bridge.cross().await;
        assert_eq!(bridge.reason_of(&incident).await, None);
        bridge.finish().await;
    }

    async fn titles_and_labels_cross_both_ways(product) {
        let policy = "title = { direction = \"both\", when = \"always\" }\nlabels = { field = \"CFSentinelEvidence\", direction = \"both\" }";
        let bridge = Bridge::with(Setup { policy: policy.into(), ..Setup::new(product) }).await;
        let incident = bridge.raise(json!({ "title": "First", "labels": ["vip"] }));
        bridge.cross().await;
        let id = bridge.ticket_of(&incident).await;
        assert_eq!(field(&bridge.ticket(id), "CFSentinelEvidence"), "vip");
        bridge.update(&incident, json!({ "title": "Second", "labels": ["vip", "mail"] }));
        bridge.cross().await;
        let ticket = bridge.ticket(id);
        assert!(ticket["summary"].as_str().unwrap().ends_with("] Second"), "{}", ticket["summary"]);
        assert_eq!(field(&ticket, "CFSentinelEvidence"), "mail, vip");
        bridge.act("ticket.update", json!({ "ticket_id": id, "summary": "Third", "customfields": [{ "name": "CFSentinelEvidence", "value": "mail, vip, agent's" }] }));
        bridge.cross().await;
        let properties = bridge.incident(&incident)["properties"].clone();
        assert_eq!(properties["title"], "Third");
        let labels: Vec<&str> = properties["labels"].as_array().unwrap().iter().map(|l| l["labelName"].as_str().unwrap()).collect();
        assert!(labels.contains(&"agent's") && labels.contains(&"vip") && labels.contains(&"mail"), "{labels:?}");
        bridge.act("ticket.update", json!({ "ticket_id": id, "customfields": [{ "name": "CFSentinelEvidence", "value": "agent's, vip" }] }));
        bridge.cross().await;
        let properties = bridge.incident(&incident)["properties"].clone();
        let mut labels: Vec<&str> = properties["labels"].as_array().unwrap().iter().map(|l| l["labelName"].as_str().unwrap()).collect();
        labels.sort_unstable();
        assert_eq!(labels, ["agent's", "vip"], "an agent took one off");
        let writes = bridge.writes();
        bridge.pass(900).await;
        assert_eq!(bridge.writes(), writes, "and rests");
        bridge.finish().await;
    }

    async fn a_pairs_page_lists_all_that_is_open(product) {
        let mut setup = Setup::new(product);
        let only_high = match product { halobridge::twin::options::Product::Itsm => r#"{ High = "P2 - High" }"#, _ => r#"{ High = "High" }"# };
        setup.priorities = Some(only_high.into());
        let bridge = Bridge::with(setup).await;
        let incident = bridge.raise(json!({ "severity": "Low", "owner": "olaf.owner@contoso.example" }));
        bridge.cross().await;
        let (app, olga) = super::person::operator(&bridge);
        let pair = bridge.pair_of(&incident).await.unwrap();
        let view = halobridge::service::pairs::view(&app, &olga, pair.id, "").await.unwrap();
        let said: Vec<String> = view.reason.iter().chain(&view.open).map(|reason| reason.words()).collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said.iter().any(|words| words.contains("“Low”")), "{said:?}");
        assert!(said.iter().any(|words| words.contains("olaf.owner@contoso.example")), "{said:?}");
        bridge.finish().await;
    }

    /// Alerts and entities could not be read beside a new incident: what a mapping takes from them is not empty for that.
    async fn what_is_mapped_from_evidence_that_could_not_be_read_follows(product) {
        let cases = [
            ("on-create", true, ""),
            ("on-create", true, "late_alerts = \"ignore\""),
            ("on-create", false, ""),
            ("always", true, "late_alerts = \"ignore\""),
            ("always", false, ""),
        ];
        for (when, evidence, policy) in cases {
            let fields = format!(r#"{{ field = "CFAffectedAsset", path = "$entities[Host].properties.hostName", when = "{when}" }},"#);
            let bridge = Bridge::with(Setup { evidence, fields, policy: policy.into(), ..Setup::new(product) }).await;
            bridge.fault(json!({ "effect": "status", "status": 503, "kind": "sentinel.entities.post" }));
            let incident = bridge.raise(about("pat.morgan@northwindtraders.example"));
            bridge.pass(300).await;
            let id = bridge.ticket_of(&incident).await;
            assert_eq!(field(&bridge.ticket(id), "CFAffectedAsset"), "", "{when} {evidence} {policy}");
            bridge.heal();
            bridge.pass(1_200).await;
            assert_eq!(field(&bridge.ticket(id), "CFAffectedAsset"), "pc-77", "{when} {evidence} {policy}");
            assert_eq!(bridge.reason_of(&incident).await, None, "{when} {evidence} {policy}");
            // Then it is an agent's, and nothing is read again.
            bridge.act("ticket.update", json!({ "ticket_id": id, "customfields": [{ "name": "CFAffectedAsset", "value": "PC-9" }] }));
            let reads = bridge.calls("sentinel.entities.post");
            bridge.update(&incident, json!({ "severity": "High" }));
            bridge.pass(600).await;
            assert_eq!(field(&bridge.ticket(id), "CFAffectedAsset"), "PC-9", "{when} {evidence} {policy}");
            assert_eq!(bridge.calls("sentinel.entities.post"), reads, "{when} {evidence} {policy}");
            bridge.finish().await;
        }
    }

    /// An instance that shows only the custom fields of a ticket in which something stands.
    async fn a_field_that_a_ticket_does_not_show_is_written_and_an_agents_emptying_stays(product) {
        let policy = "labels = { field = \"CFSentinelEvidence\", direction = \"to-halo\" }".to_owned();
        let switches = vec![("unset_fields_left_out", "on")];
        let bridge = Bridge::with(Setup { policy, switches, ..Setup::new(product) }).await;
        let incident = bridge.raise(json!({ "severity": "Medium" }));
        bridge.cross().await;
        let id = bridge.ticket_of(&incident).await;
        assert_eq!(field(&bridge.ticket(id), "CFSentinelIncidentId"), incident);
        let shows = |name: &str| bridge.ticket(id)["customfields"].as_array().unwrap().iter().any(|f| f["name"] == name);
        assert!(!shows("CFSentinelEvidence"), "no label was there when it was made");
        bridge.update(&incident, json!({ "labels": ["vip"] }));
        bridge.cross().await;
        assert_eq!(field(&bridge.ticket(id), "CFSentinelEvidence"), "vip");
        // A label that an agent takes off comes back; a mapped value stays away until the incident's changes.
        let empty = |name: &str| json!({ "ticket_id": id, "customfields": [{ "name": name, "value": "" }] });
        for name in ["CFSentinelEvidence", "CFSentinelSeverity"] {
            bridge.act("ticket.update", empty(name));
            bridge.cross().await;
        }
        assert_eq!(field(&bridge.ticket(id), "CFSentinelEvidence"), "vip");
        assert!(!shows("CFSentinelSeverity"));
        let writes = bridge.writes();
        bridge.pass(900).await;
        assert_eq!(bridge.writes(), writes, "and rests");
        bridge.update(&incident, json!({ "severity": "Low" }));
        bridge.cross().await;
        assert_eq!(field(&bridge.ticket(id), "CFSentinelSeverity"), "Low");
        bridge.finish().await;
    }

    /// A multi-select takes several values, which the incident may spell otherwise; what it has no option for is said.
    async fn a_multi_select_takes_several_values_and_what_it_lacks_is_said(product) {
        let fields = r#"{ field = "CFSentinelTactics", path = "$.properties.labels[*].labelName", when = "always" },"#;
        let bridge = Bridge::with(Setup { fields: fields.into(), ..Setup::new(product) }).await;
        let incident = bridge.raise(json!({ "labels": ["Persistence", "InitialAccess"] }));
        bridge.cross().await;
        let id = bridge.ticket_of(&incident).await;
        assert_eq!(field(&bridge.ticket(id), "CFSentinelTactics"), "Initial Access, Persistence");
        assert_eq!(bridge.reason_of(&incident).await, None);
        let writes = bridge.writes();
        bridge.pass(900).await;
        assert_eq!(bridge.writes(), writes, "and rests");
        bridge.update(&incident, json!({ "labels": ["Nowhere"] }));
        bridge.cross().await;
        assert_eq!(field(&bridge.ticket(id), "CFSentinelTactics"), "Initial Access, Persistence");
        assert_eq!(bridge.reason_of(&incident).await, Some("unmapped"));
        bridge.finish().await;
    }

    /// Halo takes no free text in such a field, and says nothing.
    async fn labels_that_halo_does_not_keep_are_written_once_and_said(product) {
        let policy = "labels = { field = \"CFSentinelTactics\", direction = \"to-halo\" }".to_owned();
        let bridge = Bridge::with(Setup { policy, ..Setup::new(product) }).await;
        let incident = bridge.raise(json!({ "labels": ["vip"] }));
        bridge.pass(300).await;
        let id = bridge.ticket_of(&incident).await;
        for labels in [json!(["vip"]), json!(["mail", "vip"])] {
            bridge.update(&incident, json!({ "labels": labels }));
            bridge.pass(300).await;
            assert_eq!(field(&bridge.ticket(id), "CFSentinelTactics"), "");
            assert_eq!(bridge.reason_of(&incident).await, Some("halo-kept"));
            let writes = bridge.writes();
            bridge.pass(900).await;
            assert_eq!(bridge.writes(), writes, "and rests");
        }
        bridge.finish().await;
    }

    async fn the_affected_user_is_the_requester(product) {
        let policy = "requester = \"affected-user\"";
        let bridge = Bridge::with(Setup { policy: policy.into(), ..Setup::new(product) }).await;
        let known = bridge.raise(about("Pat.Morgan@northwindtraders.example"));
        let other = bridge.raise(about("pat.morgan@contosoretail.example"));
        let unknown = bridge.raise(about("nobody@elsewhere.example"));
        bridge.cross().await;
        let ticket = bridge.ticket(bridge.ticket_of(&known).await);
        assert_eq!((&ticket["user_name"], &ticket["client_id"]), (&json!("Pat Morgan"), &json!(product.first_client_id())));
        let ticket = bridge.ticket(bridge.ticket_of(&other).await);
        assert_eq!(ticket["user_name"], "General User", "another client's user is not this client's");
        let ticket = bridge.ticket(bridge.ticket_of(&unknown).await);
        assert_eq!(ticket["user_name"], "General User");
        assert!(ticket["details_html"].as_str().unwrap().contains("nobody@elsewhere.example"));
        assert_eq!(bridge.reason_of(&unknown).await, None);
        bridge.finish().await;
    }

    /// Our own budget has no place, Halo says to wait, or has a fault that passes: the ticket waits until it is known whom it
    /// is for.
    async fn a_ticket_waits_until_its_user_can_be_looked_up(product) {
        let passing = [
            None,
            Some(json!({ "effect": "status", "status": 429, "retry_after": 30, "kind": "halo.users.list" })),
            Some(json!({ "effect": "status", "status": 503, "kind": "halo.users.list" })),
        ];
        for fault in passing {
            let bridge = Bridge::with(Setup { policy: "requester = \"affected-user\"".into(), ..Setup::new(product) }).await;
            match &fault {
                Some(fault) => {
                    bridge.fault(fault.clone());
                }
                None => {
                    let (_, budget) = bridge.engine.registry().halo_budgets().remove(0);
                    while budget.take(bridge.clock.now(), Kind::Halo, Class::Interactive).is_ok() {}
                }
            }
            let incident = bridge.raise(about("pat.morgan@northwindtraders.example"));
            bridge.pass(60).await;
            assert!(bridge.pair_of(&incident).await.is_none(), "{fault:?}");
            bridge.heal();
            bridge.pass(900).await;
            let ticket = bridge.ticket(bridge.ticket_of(&incident).await);
            assert_eq!(ticket["user_name"], "Pat Morgan", "{fault:?}");
            bridge.finish().await;
        }
    }

    /// What does not pass keeps no incident from its ticket, which says that Halo was not heard.
    async fn a_ticket_whose_user_cannot_be_looked_up_says_so(product) {
        for status in [403, 500] {
            let bridge = Bridge::with(Setup { policy: "requester = \"affected-user\"".into(), ..Setup::new(product) }).await;
            bridge.fault(json!({ "effect": "status", "status": status, "kind": "halo.users.list" }));
            let incident = bridge.raise(about("pat.morgan@northwindtraders.example"));
            bridge.pass(900).await;
            let ticket = bridge.ticket(bridge.ticket_of(&incident).await);
            assert_eq!(ticket["user_name"], "General User", "{status}");
            let details = ticket["details_html"].as_str().unwrap();
            assert!(details.contains("could not be looked up") && !details.contains("None of the"), "{status}: {details}");
            bridge.finish().await;
        }
    }
}
