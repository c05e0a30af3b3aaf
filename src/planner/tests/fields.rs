//! Severity, owner, title, labels and mapped fields: what crosses, which way, and when.

use proptest::prelude::*;
use serde_json::json;

use super::scene::{Scene, check, in_step};
use crate::domain::{
    catalogue::{Priority, Ref},
    ids::TicketId,
    incident::{Owner, Severity},
    policy::{Direction, FieldMapping, FieldRule, FieldSource, FieldTarget, LabelMapping, When, Wins},
    workspace::Mode,
};

pub(super) fn rule(direction: Direction) -> FieldRule {
    FieldRule::new(direction, When::Always)
}

pub(super) fn maps(s: &mut Scene, target: FieldTarget, path: &str, direction: Direction) {
    let rule = FieldRule { direction, when: When::Always, wins: Wins::Sentinel };
    s.policy.fields = vec![FieldMapping { field: target, source: FieldSource::Path(path.into()), rule }];
}

pub(super) fn custom(name: &str) -> FieldTarget {
    FieldTarget::Custom(Ref::Name(name.to_owned()))
}

#[test]
fn severity_and_priority() {
    check(&[
        (
            "severity raised",
            |s| s.incident.severity = Severity::High,
            "ticket priority=2 because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            "many-to-one: Low to Informational is the same priority",
            |s| {
                s.incident.severity = Severity::Informational;
                s.pair.base.severity = Some(Severity::Low);
                s.pair.base.priority_id = Some(4);
                s.ticket().priority_id = Some(4);
            },
            "in-step healthy -",
        ),
        ("a priority chosen by an agent stays Halo's own", |s| s.ticket().priority_id = Some(2), "in-step healthy -"),
        (
            "a severity nobody mapped is an open item",
            |s| s.incident.severity = Severity::Other("Critical".into()),
            "behind needs-you unmapped",
        ),
        (
            "with direction both a priority chosen by an agent becomes the severity",
            |s| {
                s.policy.severity = rule(Direction::Both);
                s.ticket().priority_id = Some(2);
            },
            "incident severity=High because changed-in-halo; behind waiting changed-in-halo",
        ),
        (
            "of several severities with this priority the most severe",
            |s| {
                s.policy.severity = rule(Direction::Both);
                s.ticket().priority_id = Some(4);
            },
            "incident severity=Low because changed-in-halo; behind waiting changed-in-halo",
        ),
        (
            "unless a row of its own chooses",
            |s| {
                s.policy.severity = rule(Direction::Both);
                s.policy.priorities_back = vec![(Ref::Name("low".into()), "Informational".into())];
                s.ticket().priority_id = Some(4);
            },
            "incident severity=Informational because changed-in-halo; behind waiting changed-in-halo",
        ),
        (
            "a priority that already means the severity is never carried back",
            |s| {
                s.policy.severity = rule(Direction::Both);
                s.incident.severity = Severity::Informational;
                s.pair.base.severity = Some(Severity::Informational);
                s.ticket().priority_id = Some(4);
            },
            "in-step healthy -",
        ),
        (
            "a priority that no severity has is an open item on the way back",
            |s| {
                s.policy.severity = rule(Direction::Both);
                s.catalogue.priorities.push(crate::domain::catalogue::Priority {
                    id: 9,
                    name: "Major incident".into(),
                    sla_id: Some(5),
                });
                s.ticket().priority_id = Some(9);
            },
            "behind needs-you unmapped",
        ),
        (
            "to Sentinel alone: the incident's own changes stay there",
            |s| {
                s.policy.severity = rule(Direction::ToSentinel);
                s.incident.severity = Severity::High;
            },
            "in-step healthy -",
        ),
        (
            "on creation only",
            |s| {
                s.policy.severity.when = When::OnCreate;
                s.incident.severity = Severity::High;
            },
            "in-step healthy -",
        ),
        (
            "not at all: an unmapped severity is nobody's business",
            |s| {
                s.policy.severity.direction = Direction::None;
                s.incident.severity = Severity::Other("Critical".into());
            },
            "in-step healthy -",
        ),
    ]);
}

#[test]
fn a_priority_whose_name_stands_twice_in_one_sla_is_none() {
    check(&[
        (
            "twice in the ticket type's own SLA",
            |s| {
                s.incident.severity = Severity::High;
                s.policy.priorities.insert("High".into(), Ref::Name("High".into()));
                let more = s.catalogue.priorities[0].clone();
                s.catalogue.priorities.push(Priority { id: 12, ..more });
            },
            "behind needs-you ambiguous",
        ),
        (
            "once in each of two SLAs",
            |s| {
                s.incident.severity = Severity::High;
                s.policy.priorities.insert("High".into(), Ref::Name("High".into()));
                let more = s.catalogue.priorities[0].clone();
                s.catalogue.priorities.push(Priority { id: 12, sla_id: Some(6), ..more });
            },
            "ticket priority=2 because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
    ]);
}

#[test]
fn title_and_subject() {
    check(&[
        ("by default the subject is written once", |s| s.incident.title = "Another title".into(), "in-step healthy -"),
        (
            "always: the subject follows",
            |s| {
                s.policy.title = rule(Direction::ToHalo);
                s.incident.title = "Another title".into();
            },
            "ticket summary=[Sentinel 7] Another title because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            "an agent's subject stays, with direction to Halo",
            |s| {
                s.policy.title = rule(Direction::ToHalo);
                s.ticket().summary = "VIP: sign-in".into();
            },
            "in-step healthy -",
        ),
        (
            "both ways: the subject becomes the title, without our mark",
            |s| {
                s.policy.title = rule(Direction::Both);
                s.ticket().summary = "[Sentinel 7]  VIP: sign-in ".into();
            },
            "incident title=VIP: sign-in because changed-in-halo; behind waiting changed-in-halo",
        ),
        (
            "blanks that Halo drops are no change",
            |s| {
                s.policy.title = rule(Direction::Both);
                s.ticket().summary = "[Sentinel 7] Sign-in  from two places ".into();
            },
            "in-step healthy -",
        ),
        (
            "a ticket older than the rule is taken as it is",
            |s| {
                s.policy.title = rule(Direction::Both);
                s.pair.base.title = None;
                s.pair.base.summary = None;
                s.ticket().summary = "An agent's own words".into();
            },
            "in-step healthy -",
        ),
    ]);
}

pub(super) fn with_labels(s: &mut Scene, direction: Direction) {
    s.policy.labels = Some(LabelMapping { field: Ref::Name("CFLabels".into()), rule: rule(direction) });
    s.label(&["vip", "phishing"]);
    s.field(121, "phishing, vip");
    s.pair.base.labels = Some(vec!["phishing".into(), "vip".into()]);
    s.pair.base.labels_in = Some((TicketId(70), 121));
}

#[test]
fn labels_are_a_set() {
    check(&[
        ("in step", |s| with_labels(s, Direction::Both), "in-step healthy -"),
        (
            "a new label is written to the ticket",
            |s| {
                with_labels(s, Direction::ToHalo);
                s.label(&["vip", "phishing", "mail"]);
            },
            "ticket field121=\"mail, phishing, vip\" because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            "a label with a comma is two in the field, and stands there",
            |s| {
                with_labels(s, Direction::ToHalo);
                s.label(&["phishing, vip"]);
            },
            "in-step healthy -",
        ),
        (
            "a removed one goes",
            |s| {
                with_labels(s, Direction::ToHalo);
                s.label(&["vip"]);
            },
            "ticket field121=\"vip\" because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            "an agent's label stays on the ticket, with direction to Halo",
            |s| {
                with_labels(s, Direction::ToHalo);
                s.field(121, "phishing, vip, own");
                s.label(&["vip"]);
            },
            "ticket field121=\"own, vip\" because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            "both ways: it is added to the incident",
            |s| {
                with_labels(s, Direction::Both);
                s.field(121, "own; phishing, vip");
            },
            "incident label+own because changed-in-halo; behind waiting changed-in-halo",
        ),
        (
            "the mark of a merge is none of an agent's, and stays where it is",
            |s| {
                with_labels(s, Direction::Both);
                s.field(121, "phishing, vip, redirected");
            },
            "in-step healthy -",
        ),
        (
            "nor does it wait for a mode that would carry it",
            |s| {
                with_labels(s, Direction::Both);
                s.workspace.mode = Mode::SentinelToHalo;
                s.field(121, "Redirected, phishing, vip");
            },
            "in-step healthy -",
        ),
        (
            "what an agent removed comes back, with direction to Halo",
            |s| {
                with_labels(s, Direction::ToHalo);
                s.field(121, "vip");
            },
            "ticket field121=\"phishing, vip\" because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            "a field that Halo lacks is an open item",
            |s| {
                with_labels(s, Direction::Both);
                if let Some(labels) = &mut s.policy.labels {
                    labels.field = Ref::Name("CFNowhere".into());
                }
            },
            "behind needs-you unmapped",
        ),
    ]);
}

#[test]
fn any_value_to_any_field() {
    fn tactics(s: &mut Scene) {
        maps(s, custom("CFTactics"), "$.properties.additionalData.tactics", Direction::ToHalo);
        s.incident.raw = json!({"properties": {"additionalData": {"tactics": ["Discovery", "Impact"]}}}).into();
        s.field(120, "Discovery, Impact");
        let agreed = crate::domain::pair::Agreed {
            sentinel: "Discovery, Impact".into(),
            halo: Some("Discovery, Impact".into()),
        };
        s.pair.base.fields = [("120".to_owned(), agreed)].into();
    }
    check(&[
        ("in step", tactics, "in-step healthy -"),
        (
            "a changed value is carried",
            |s| {
                tactics(s);
                s.incident.raw = json!({"properties": {"additionalData": {"tactics": ["Impact"]}}}).into();
            },
            "ticket field120=\"Impact\" because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            "an agent's own value stays as long as the incident's does",
            |s| {
                tactics(s);
                s.field(120, "said by an agent");
            },
            "in-step healthy -",
        ),
        (
            "both changed: the incident's by default",
            |s| {
                tactics(s);
                s.field(120, "said by an agent");
                s.incident.raw = json!({"properties": {"additionalData": {"tactics": []}}}).into();
            },
            "ticket field120=\"\" because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            "on creation only",
            |s| {
                tactics(s);
                s.policy.fields[0].rule.when = When::OnCreate;
                s.incident.raw = json!({}).into();
            },
            "in-step healthy -",
        ),
        (
            "a member of the ticket",
            |s| {
                maps(s, FieldTarget::Member("impact".into()), "$.properties.impact", Direction::ToHalo);
                s.incident.raw = json!({"properties": {"impact": 2}}).into();
                s.ticket().raw = json!({"id": 70, "impact": 3}).into();
            },
            "ticket impact=2 because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            "a number that is none is an open item",
            |s| {
                maps(s, FieldTarget::Member("impact".into()), "$.properties.title", Direction::ToHalo);
                s.incident.raw = json!({"properties": {"title": "words"}}).into();
            },
            "behind needs-you unmapped",
        ),
        (
            "a select without this option is an open item",
            |s| {
                maps(s, custom("CFClass"), "$.properties.title", Direction::ToHalo);
                s.incident.raw = json!({"properties": {"title": "no option"}}).into();
                s.field(112, "1");
            },
            "behind needs-you unmapped",
        ),
    ]);
}

/// Read by its number: what it does not show of custom fields is empty. Some instances show only what is set.
fn whole(s: &mut Scene) {
    s.ticket().raw = json!({ "id": 70, "customfields": [] }).into();
}

#[test]
fn a_field_that_a_whole_ticket_does_not_show_is_empty() {
    fn title(s: &mut Scene) {
        maps(s, custom("CFTactics"), "$.properties.title", Direction::ToHalo);
        s.incident.raw = json!({ "properties": { "title": "told" } }).into();
        whole(s);
    }
    fn agreed(s: &mut Scene, halo: Option<&str>) {
        title(s);
        let agreed = crate::domain::pair::Agreed { sentinel: "told".into(), halo: halo.map(str::to_owned) };
        s.pair.base.fields = [("120".to_owned(), agreed)].into();
    }
    fn labelled(s: &mut Scene) {
        with_labels(s, Direction::ToHalo);
        s.ticket().custom_fields.clear();
        s.pair.base.labels = None;
        whole(s);
    }
    let written = "ticket field120=\"told\" because changed-in-sentinel; behind waiting changed-in-sentinel";
    let labels = "ticket field121=\"phishing, vip\" because changed-in-sentinel; behind waiting changed-in-sentinel";
    check(&[
        ("a mapped value is written", title, written),
        (
            "also where a list row came later",
            |s| {
                title(s);
                s.ticket().raw = json!({ "id": 70 }).into();
                s.ticket().fields_told = true;
            },
            written,
        ),
        (
            "a row alone tells nothing",
            |s| {
                title(s);
                s.ticket().raw = json!({ "id": 70 }).into();
            },
            "in-step healthy -",
        ),
        ("emptied by an agent it stays empty", |s| agreed(s, Some("told")), "in-step healthy -"),
        ("written and never shown, it is not written again", |s| agreed(s, None), "in-step healthy -"),
        (
            "nor is it taken for an agent's change",
            |s| {
                agreed(s, None);
                s.policy.fields[0].rule.wins = Wins::Halo;
                s.incident.raw = json!({ "properties": { "title": "told anew" } }).into();
            },
            "ticket field120=\"told anew\" because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        ("labels are written", labelled, labels),
        (
            "labels that were written and never shown are not written again",
            |s| {
                labelled(s);
                let written = crate::domain::pair::Agreed { sentinel: "phishing, vip".into(), halo: None };
                s.pair.base.fields = [("121".to_owned(), written)].into();
            },
            "in-step healthy -",
        ),
        (
            "labels that a row does not tell",
            |s| {
                labelled(s);
                s.ticket().raw = json!({ "id": 70 }).into();
            },
            "in-step healthy -",
        ),
    ]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// A value that crossed is not sent back, and a second planning adds nothing, whatever the direction.
    #[test]
    fn a_field_whose_direction_is_closed_is_never_written(
        direction in prop_oneof![Just(Direction::ToHalo), Just(Direction::ToSentinel), Just(Direction::Both), Just(Direction::None)],
        severity in prop_oneof![Just(Severity::High), Just(Severity::Medium), Just(Severity::Low)],
        priority in 2_i64..5, agent in prop_oneof![Just(1_i64), Just(5)], owned in any::<bool>(), title in "[ab ]{1,4}", summary in "[ab ]{1,4}"
    ) {
        let mut scene = in_step();
        scene.policy.severity = rule(direction);
        scene.policy.owner = rule(direction);
        scene.policy.title = rule(direction);
        scene.incident.severity = severity;
        scene.incident.title = title;
        if owned {
            scene.incident.owner = Owner { email: Some("amira@soc.example".into()), ..Owner::default() };
        }
        scene.ticket().priority_id = Some(priority);
        scene.ticket().agent_id = Some(agent);
        scene.ticket().summary = summary;
        let plan = scene.plan();
        for planned in &plan.operations {
            let open = match planned.kind.side() {
                crate::domain::failure::Side::Halo => rule(direction).to_halo(),
                crate::domain::failure::Side::Sentinel => rule(direction).to_sentinel(),
            };
            prop_assert!(open, "{:?} with {direction:?}", planned.kind);
        }
        scene.queue(&plan);
        prop_assert!(scene.plan().operations.is_empty());
    }
}
