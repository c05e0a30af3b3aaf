//! Incidents whose entities show late, where the policy groups by them.

use serde_json::{Value, json};

use super::scene::in_step;
use crate::{
    domain::{
        incident::Evidence,
        policy::{GroupBy, GroupRule},
    },
    planner::groups,
};

/// Name, what it is grouped by, what was read of it, its entities, whether it waits.
type Row = (&'static str, &'static [GroupBy], Value, Vec<Value>, bool);

#[test]
fn an_incident_waits_only_for_entities_that_it_is_to_be_grouped_by() {
    let mut scene = in_step();
    let ip = json!({ "kind": "Ip", "properties": { "address": "203.0.113.1" } });
    let rules = json!({ "properties": { "relatedAnalyticRuleIds": ["/rules/a"] } });
    let table: [Row; 6] = [
        ("by host, and no entity shows", &[GroupBy::Host], json!({}), Vec::new(), true),
        ("some show, and no host is among them", &[GroupBy::Host], json!({}), vec![ip], false),
        ("by rule alone", &[GroupBy::AnalyticsRule], rules.clone(), Vec::new(), false),
        ("by both", &[GroupBy::AnalyticsRule, GroupBy::MainEntity], rules, Vec::new(), true),
        ("by both, and no rule made it", &[GroupBy::AnalyticsRule, GroupBy::Account], json!({}), Vec::new(), false),
        ("by nothing", &[], json!({}), Vec::new(), false),
    ];
    for (name, by, raw, entities, expected) in table {
        let rule = GroupRule { by: by.to_vec(), hours: 24, most: 20 };
        scene.incident.raw = raw.into();
        let read = Evidence { alerts: vec![json!({})], entities };
        assert_eq!(groups::awaits(&rule, &scene.incident, &read), expected, "{name}");
    }
}
