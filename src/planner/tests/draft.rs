//! What a new ticket carries, and who it is for.

use serde_json::json;

use super::{
    fields::{custom, with_labels},
    scene::{Scene, in_step},
};
use crate::{
    domain::{
        incident::Evidence,
        policy::{Direction, FieldMapping, FieldRule, FieldSource, FieldTarget, RequesterRule, When, Wins},
        reason::Reason,
        ticket::{HaloUser, Requester},
    },
    planner::{draft, gate, requester},
};

fn drafted(scene: &Scene, affected: Option<&HaloUser>) -> draft::Drafted {
    let passed = gate::ask(&scene.workspace, &scene.client, &scene.policy, Some(&scene.catalogue), &scene.incident);
    let passed = passed.expect("the scene's incident passes");
    let evidence = scene.evidence.as_ref();
    draft::draft(&scene.workspace, &scene.policy, &scene.catalogue, &passed, &scene.incident, evidence, affected)
}

#[test]
fn a_new_ticket_carries_every_mapped_value_and_names_every_hole() {
    let mut scene = in_step();
    scene.evidence = Some(Evidence {
        alerts: vec![json!({"properties": {"alertDisplayName": "Odd sign-in",
            "additionalData": {"Custom Details": "{\"App\":[\"mail\"]}"}}})],
        entities: vec![json!({"kind": "Host", "properties": {"hostName": "pc-1"}})],
    });
    with_labels(&mut scene, Direction::ToHalo);
    let rule = FieldRule { direction: Direction::ToHalo, when: When::OnCreate, wins: Wins::Sentinel };
    let mapping = |field, source| FieldMapping { field, source, rule };
    scene.policy.fields = vec![
        mapping(
            custom("CFTactics"),
            FieldSource::Template(
                "{$alerts[*].properties.alertDisplayName} on {$entities[Host].properties.hostName} by {$details.App}"
                    .into(),
            ),
        ),
        mapping(FieldTarget::Member("urgency".into()), FieldSource::Text("2".into())),
        mapping(custom("CFNowhere"), FieldSource::Text("x".into())),
    ];
    let drafted = drafted(&scene, None);
    assert_eq!(
        drafted.draft.custom_fields,
        [(120, "Odd sign-in on pc-1 by mail".into()), (121, "phishing, vip".into())]
    );
    assert_eq!(drafted.draft.members, [("urgency".to_owned(), json!(2))]);
    assert_eq!(drafted.lacking, [Reason::Unmapped { table: "field".into(), value: "CFNowhere".into() }]);
}

#[test]
fn who_a_ticket_is_for() {
    let mut scene = in_step();
    let account =
        |name: &str, suffix: &str| json!({"kind": "Account", "properties": {"accountName": name, "upnSuffix": suffix}});
    scene.evidence = Some(Evidence {
        alerts: Vec::new(),
        entities: vec![
            json!({"kind": "Host", "properties": {"hostName": "pc-1"}}),
            account("Ann", "Contoso.example"),
            json!({"kind": "Mailbox", "properties": {"mailboxPrimaryAddress": "bob@contoso.example"}}),
            account("ann", "contoso.example"),
            json!({"kind": "Account", "properties": {"accountName": "SYSTEM"}}),
        ],
    });
    let candidates = requester::candidates(scene.evidence.as_ref().unwrap());
    assert_eq!(candidates, ["ann@contoso.example", "bob@contoso.example"]);

    let of = |drafted: &draft::Drafted| (drafted.draft.requester.clone(), drafted.draft.site_id);
    let ann = HaloUser { id: 981, name: "Ann".into(), site_id: Some(31) };
    assert_eq!(of(&drafted(&scene, Some(&ann))), (Requester::GeneralUser, None), "nobody asked for the affected user");
    scene.policy.requester = RequesterRule::AffectedUser;
    assert_eq!(
        of(&drafted(&scene, Some(&ann))),
        (Requester::User { id: 981 }, Some(31)),
        "site and user belong together"
    );
    let without = drafted(&scene, None);
    assert_eq!(of(&without), (Requester::GeneralUser, None));
    let said = "None of the users that the incident names is this client&#39;s in Halo (ann@contoso.example, bob@contoso.example)";
    assert!(without.draft.details_html.contains(said), "{}", without.draft.details_html);
    scene.policy.requester = RequesterRule::User { id: 7 };
    assert_eq!(of(&drafted(&scene, Some(&ann))), (Requester::User { id: 7 }, None));
}
